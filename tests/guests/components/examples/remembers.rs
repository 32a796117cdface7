//! Counts its calls in a static, and answers with the count.

use std::sync::atomic::{AtomicU32, Ordering};

use guest_components::{Column, Mapper, Plan, Transformed, texts};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn transform(plan: &Plan, batch: Vec<Column>) -> Result<Transformed, String> {
        let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Transformed {
            columns: texts(plan, &batch, |_| calls.to_string()),
            failures: Vec::new(),
        })
    }
}

guest_components::export_mapper!(Guest);

static CALLS: AtomicU32 = AtomicU32::new(0);
