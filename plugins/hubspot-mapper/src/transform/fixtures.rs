//! Schemas and plans for tests.

use crate::bindings::{
    ChoiceOption, Column, DataType, Direction, FieldSchema, Plan, Rule, Transformed,
};

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

/// A HubSpot property by its `type` and `fieldType`.
pub fn property(name: &str, kind: &str, field_type: &str) -> FieldSchema {
    let data_type = match (kind, field_type) {
        ("number", _) => DataType::Number,
        ("bool", _) => DataType::Boolean,
        ("date", _) => DataType::Date,
        ("datetime", _) => DataType::Datetime,
        ("enumeration", "checkbox") => DataType::MultiChoice,
        ("enumeration", _) => DataType::Choice,
        _ => DataType::Text,
    };
    let mut property = field(name, data_type);
    property.extra = vec![
        ("type".to_owned(), kind.to_owned()),
        ("fieldType".to_owned(), field_type.to_owned()),
    ];
    property
}

/// The same field with choices, as `(value, label)`.
pub fn with_choices(mut field: FieldSchema, choices: &[(&str, &str)]) -> FieldSchema {
    let choice = |(value, label): &(&str, &str)| ChoiceOption {
        value: (*value).to_owned(),
        label: (*label).to_owned(),
    };
    field.choices = choices.iter().map(choice).collect();
    field
}

/// A plan of one rule over all inputs.
pub fn plan(
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

/// The only column of a transformed batch, and the codes of the failures by row.
pub fn outcome(transformed: Transformed) -> (Column, Vec<(u32, String)>) {
    let mut columns = transformed.columns;
    assert_eq!(columns.len(), 1, "the plan has one output");
    let failures = transformed
        .failures
        .into_iter()
        .map(|failure| (failure.row, failure.code));
    (columns.remove(0), failures.collect())
}
