//! Schemas, plans and outcomes for tests.

use crate::bindings::{ChoiceOption, Column, DataType, Direction, FieldSchema, Plan, Rule};

/// A field without anything special.
pub fn field(name: &str, data_type: DataType) -> FieldSchema {
    FieldSchema {
        name: name.to_owned(),
        label: name.to_owned(),
        description: String::new(),
        data_type,
        choices: Vec::new(),
        read_only: false,
        required: false,
        unique: false,
        extra: Vec::new(),
    }
}

/// A field with choices, as `(value, label)`.
pub fn choices(name: &str, data_type: DataType, choices: &[(&str, &str)]) -> FieldSchema {
    let choice = |(value, label): &(&str, &str)| ChoiceOption {
        value: (*value).to_owned(),
        label: (*label).to_owned(),
    };
    FieldSchema {
        choices: choices.iter().map(choice).collect(),
        ..field(name, data_type)
    }
}

/// A plan of one rule over all inputs, with an expression for its direction.
pub fn plan(
    direction: Direction,
    inputs: Vec<FieldSchema>,
    output: FieldSchema,
    expression: &str,
) -> Plan {
    let name = match direction {
        Direction::ToPartneros => "toPartneros",
        Direction::ToHubspot => "toHubspot",
    };
    with_options(
        direction,
        inputs,
        output,
        &serde_json::json!({ name: expression }).to_string(),
    )
}

/// A plan of one rule over all inputs.
pub fn with_options(
    direction: Direction,
    inputs: Vec<FieldSchema>,
    output: FieldSchema,
    options: &str,
) -> Plan {
    let rule = Rule {
        inputs: (0..inputs.len() as u32).collect(),
        output: 0,
        options: options.to_owned(),
    };
    Plan {
        direction,
        inputs,
        outputs: vec![output],
        rules: vec![rule],
        extra: Vec::new(),
    }
}

/// A text column.
pub fn texts(cells: &[Option<&str>]) -> Column {
    Column::Text(cells.iter().map(|cell| cell.map(str::to_owned)).collect())
}

/// The only column of a transformed batch, and the failures as `row code`.
pub fn run(plan: &Plan, batch: &[Column]) -> (Column, Vec<String>) {
    let mut transformed = crate::transform(plan, batch).expect("the plan and the batch are right");
    assert_eq!(transformed.columns.len(), 1, "the plan has one output");
    let failures = transformed.failures.iter();
    let failures = failures.map(|failure| format!("{} {}", failure.row, failure.code));
    (transformed.columns.remove(0), failures.collect())
}
