//! The example mapper in Rust.
//!
//! `mapper-contract.md`, among the examples of the host, says what it does. Columns, "no value" and the export are
//! the work of `partneros-guest`; here is only what the mapper means.

mod date;
mod operation;
mod suggest;
mod text;

use operation::{Operation, UnsupportedTypes};
use partneros_guest::{
    DataType, Description, Direction, Fault, FieldSchema, Mapper, ObjectSchema, Plan, Row, Rule,
    Suggestion, Value, input, output,
};

struct Example;

impl Mapper for Example {
    type Rule = Operation;

    fn describe() -> Description {
        Description {
            name: "mapper-rust".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Maps fields of equal names, and passes on or reformats text.".to_owned(),
            options_schema: include_str!("options.schema.json").to_owned(),
        }
    }

    fn suggest(partneros: &ObjectSchema, hubspot: &ObjectSchema) -> Result<Vec<Suggestion>, Fault> {
        Ok(suggest::suggest(partneros, hubspot))
    }

    fn rule(plan: &Plan, rule: &Rule) -> Result<Operation, Fault> {
        let operation = Operation::read(&rule.options, plan.direction)?;
        let to_hubspot = plan.direction == Direction::ToHubspot;
        // HubSpot's fields travel as text whatever their type says.
        let supported = |field: Option<&FieldSchema>, is_hubspot: bool| {
            field.is_some_and(|field| is_hubspot || travels_as_text(field.data_type))
        };
        if supported(input(plan, rule, 0), !to_hubspot) && supported(output(plan, rule), to_hubspot)
        {
            Ok(operation)
        } else {
            Err(UnsupportedTypes.into())
        }
    }

    fn row(operation: &Operation, row: Row<'_>) -> Result<Option<Value>, Fault> {
        match row.text(0)? {
            Some(text) => Ok(operation.apply(text)?.map(Value::Text)),
            None => Ok(None),
        }
    }
}

partneros_guest::export!(Example);

fn travels_as_text(data_type: DataType) -> bool {
    !matches!(
        data_type,
        DataType::Integer | DataType::Number | DataType::Boolean | DataType::MultiChoice
    )
}
