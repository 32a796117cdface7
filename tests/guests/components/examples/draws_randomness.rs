//! Draws randomness forever: next to no instructions of its own, and all its time spent in the host.

use guest_components::{Column, Mapper, Plan, Transformed};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn transform(_plan: &Plan, _batch: Vec<Column>) -> Result<Transformed, String> {
        loop {
            std::hint::black_box(wasip2::random::random::get_random_bytes(64 * 1024));
        }
    }
}

guest_components::export_mapper!(Guest);
