//! Asks the system to wait for an hour before it transforms.

use guest_components::{Column, Mapper, Plan, Transformed, texts};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn transform(plan: &Plan, batch: Vec<Column>) -> Result<Transformed, String> {
        std::thread::sleep(std::time::Duration::from_hours(1));
        Ok(Transformed {
            columns: texts(plan, &batch, str::to_owned),
            failures: Vec::new(),
        })
    }
}

guest_components::export_mapper!(Guest);
