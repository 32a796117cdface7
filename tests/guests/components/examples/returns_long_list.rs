//! Returns far more rows than it was given.

use guest_components::{Column, Mapper, Plan, Transformed};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn transform(_plan: &Plan, _batch: Vec<Column>) -> Result<Transformed, String> {
        Ok(Transformed {
            columns: vec![Column::Boolean(vec![None; 8 << 20])],
            failures: Vec::new(),
        })
    }
}

guest_components::export_mapper!(Guest);
