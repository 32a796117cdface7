//! Writes a megabyte to standard error, then crashes.

use guest_components::{Column, Mapper, Plan, Transformed};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn transform(_plan: &Plan, _batch: Vec<Column>) -> Result<Transformed, String> {
        for line in 0..20_000 {
            eprintln!("line {line} of a report that nobody asked for");
        }
        panic!("the end")
    }
}

guest_components::export_mapper!(Guest);
