//! Calls itself until its stack is used up.

use guest_components::{Column, Mapper, Plan, Transformed};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn transform(plan: &Plan, batch: Vec<Column>) -> Result<Transformed, String> {
        let depth = descend(batch.len() as u64);
        Err(format!("came back from {depth} for {}", plan.rules.len()))
    }
}

guest_components::export_mapper!(Guest);

#[expect(
    unconditional_recursion,
    reason = "running out of stack is what this guest is for"
)]
#[inline(never)]
fn descend(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    descend(frame[0] + 1) + frame[1]
}
