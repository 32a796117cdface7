//! Answers that it cannot do what it is asked.

use guest_components::{Column, Mapper, ObjectSchema, Plan, Suggestion, Transformed};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn suggest(_: &ObjectSchema, hubspot: &ObjectSchema) -> Result<Vec<Suggestion>, String> {
        Err(format!("`{}` is not for me", hubspot.name))
    }

    fn transform(_plan: &Plan, batch: Vec<Column>) -> Result<Transformed, String> {
        Err(format!("cannot read {} columns", batch.len()))
    }
}

guest_components::export_mapper!(Guest);
