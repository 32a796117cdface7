//! Ends the process in the middle of a transform.

use guest_components::{Column, Mapper, Plan, Transformed};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn transform(_plan: &Plan, _batch: Vec<Column>) -> Result<Transformed, String> {
        std::process::exit(3)
    }
}

guest_components::export_mapper!(Guest);
