//! Returns columns that are one row short.

use guest_components::{Column, Mapper, Plan, Transformed};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn transform(plan: &Plan, batch: Vec<Column>) -> Result<Transformed, String> {
        let rows = batch.first().map_or(0, guest_components::rows);
        let short = |_| Column::Text(vec![None; rows.saturating_sub(1)]);
        Ok(Transformed {
            columns: plan.outputs.iter().map(short).collect(),
            failures: Vec::new(),
        })
    }
}

guest_components::export_mapper!(Guest);
