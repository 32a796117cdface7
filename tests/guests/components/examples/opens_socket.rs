//! Behaves, but links the network.

use guest_components::{Column, Mapper, Plan, Transformed};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn transform(_plan: &Plan, _batch: Vec<Column>) -> Result<Transformed, String> {
        match std::net::TcpStream::connect(("127.0.0.1", 80)) {
            Ok(_) => Err("got out".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

guest_components::export_mapper!(Guest);
