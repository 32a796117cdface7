//! Reports a failure in a row that the batch does not have.

use guest_components::{Column, Failure, Mapper, Plan, Transformed, texts};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn transform(plan: &Plan, batch: Vec<Column>) -> Result<Transformed, String> {
        let rows = batch.first().map_or(0, guest_components::rows);
        Ok(Transformed {
            columns: texts(plan, &batch, str::to_owned),
            failures: vec![Failure {
                rule: 0,
                row: u32::try_from(rows).unwrap_or(u32::MAX),
                code: "beyond".to_owned(),
                message: "a row too far".to_owned(),
            }],
        })
    }
}

guest_components::export_mapper!(Guest);
