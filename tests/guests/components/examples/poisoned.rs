//! Passes text on, and panics on a text that is `poison`.

use guest_components::{Column, Mapper, Plan, Transformed, texts};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn transform(plan: &Plan, batch: Vec<Column>) -> Result<Transformed, String> {
        let swallow = |text: &str| {
            assert!(text != "poison", "that was poison");
            text.to_owned()
        };
        Ok(Transformed {
            columns: texts(plan, &batch, swallow),
            failures: Vec::new(),
        })
    }
}

guest_components::export_mapper!(Guest);
