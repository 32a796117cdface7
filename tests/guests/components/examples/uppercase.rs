//! Behaves: makes text uppercase.

use guest_components::{Column, Mapper, Plan, Transformed, texts};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn transform(plan: &Plan, batch: Vec<Column>) -> Result<Transformed, String> {
        Ok(Transformed {
            columns: texts(plan, &batch, str::to_uppercase),
            failures: Vec::new(),
        })
    }
}

guest_components::export_mapper!(Guest);
