//! Never returns from a transform.

use guest_components::{Column, Mapper, Plan, Transformed};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn transform(_plan: &Plan, _batch: Vec<Column>) -> Result<Transformed, String> {
        loop {
            std::hint::spin_loop();
        }
    }
}

guest_components::export_mapper!(Guest);
