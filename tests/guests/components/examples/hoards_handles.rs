//! Opens standard error again and again and closes none.

use guest_components::{Column, Mapper, Plan, Transformed};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn transform(_plan: &Plan, _batch: Vec<Column>) -> Result<Transformed, String> {
        loop {
            std::mem::forget(wasip2::cli::stderr::get_stderr());
        }
    }
}

guest_components::export_mapper!(Guest);
