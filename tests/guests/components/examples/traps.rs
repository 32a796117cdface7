//! Crashes in every function.

use guest_components::{
    Column, Description, Mapper, ObjectSchema, Plan, Problem, Suggestion, Transformed,
};

#[derive(Debug)]
pub struct Guest;

impl Mapper for Guest {
    fn describe() -> Description {
        panic!("no description")
    }

    fn suggest(_: &ObjectSchema, _: &ObjectSchema) -> Result<Vec<Suggestion>, String> {
        panic!("no suggestions")
    }

    fn check(_plan: &Plan) -> Vec<Problem> {
        panic!("no check")
    }

    fn transform(_plan: &Plan, _batch: Vec<Column>) -> Result<Transformed, String> {
        panic!("no transform")
    }
}

guest_components::export_mapper!(Guest);
