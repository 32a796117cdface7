//! A value that goes out and comes back is the same, for every pair of types that holds all of it.

use proptest::prelude::*;

use crate::bindings::{Column, DataType, Direction, FieldSchema};
use crate::transform::fixtures::{field, outcome, plan, property, with_choices};
use crate::transform::transform;

const TIERS: [(&str, &str); 3] = [
    ("gold", "Gold"),
    ("silver", "Silver"),
    ("registered", "Registered!"),
];

fn tiers_in_hubspot(kind: &str) -> FieldSchema {
    let labels = [("1", "GOLD"), ("Silver", "Second"), ("x", "registered")];
    with_choices(property("tier", "enumeration", kind), &labels)
}

/// Sends a column out, brings the answer back, and returns it.
fn there_and_back(from: &FieldSchema, to: &FieldSchema, options: &str, column: &Column) -> Column {
    let out = plan(
        Direction::ToHubspot,
        vec![from.clone()],
        to.clone(),
        options,
    );
    let (sent, failures) = outcome(transform(&out, vec![column.clone()]).expect("goes out"));
    assert_eq!(failures, [], "{column:?}");
    let back = plan(
        Direction::ToPartneros,
        vec![to.clone()],
        from.clone(),
        options,
    );
    let (received, failures) = outcome(transform(&back, vec![sent]).expect("comes back"));
    assert_eq!(failures, [], "{column:?}");
    received
}

fn survives(from: &FieldSchema, to: &FieldSchema, options: &str, column: &Column) {
    assert_eq!(
        &there_and_back(from, to, options, column),
        column,
        "{} {}",
        from.name,
        to.name
    );
}

fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |value| value.is_finite()
            && value.to_bits() != 1 << 63),
        (-1_000_000_i64..1_000_000).prop_map(|cents| cents as f64 / 100.0),
    ]
}

fn instant() -> impl Strategy<Value = String> {
    (
        1900..2100_u32,
        1..=12_u32,
        1..=28_u32,
        0..24_u32,
        0..60_u32,
        0..1_000_u32,
    )
        .prop_map(|(year, month, day, hour, minute, ms)| {
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:07.{ms:03}Z")
        })
}

proptest! {
    #[test]
    fn text(value in ".{1,40}") {
        let column = Column::Text(vec![Some(value), None]);
        for to in [property("s", "string", "textarea"), property("s", "string", "html")] {
            survives(&field("text", DataType::Text), &to, "", &column);
            survives(&field("reference", DataType::Reference), &to, "", &column);
        }
    }

    #[test]
    fn integers(value: i64) {
        let column = Column::Integer(vec![Some(value), None]);
        for to in [property("n", "number", "number"), property("s", "string", "text")] {
            survives(&field("integer", DataType::Integer), &to, "", &column);
        }
    }

    #[test]
    fn numbers(value in finite()) {
        let column = Column::Number(vec![Some(value), None]);
        for to in [property("n", "number", "number"), property("s", "string", "text")] {
            survives(&field("number", DataType::Number), &to, "", &column);
        }
    }

    #[test]
    fn scaled_amounts(cents in -1_000_000_000_i64..1_000_000_000) {
        let column = Column::Number(vec![Some(cents as f64 / 100.0)]);
        let to = property("n", "number", "number");
        for options in [r#"{"scale": 100}"#, r#"{"scale": 0.001}"#, r#"{"scale": -1}"#] {
            survives(&field("number", DataType::Number), &to, options, &column);
        }
    }

    #[test]
    fn booleans(value: Option<bool>) {
        let column = Column::Boolean(vec![value]);
        let words = with_choices(
            property("e", "enumeration", "radio"),
            &[("Yes", "Ja"), ("No", "Nein")],
        );
        for to in [property("b", "bool", "booleancheckbox"), property("s", "string", "text"), words] {
            survives(&field("boolean", DataType::Boolean), &to, "", &column);
        }
    }

    #[test]
    fn dates_and_instants(value in instant()) {
        let day = Column::Text(vec![Some(value[..10].to_owned()), None]);
        let days = field("date", DataType::Date);
        for to in [property("d", "date", "date"), property("t", "datetime", "date"), property("s", "string", "text")] {
            survives(&days, &to, "", &day);
        }
        survives(&days, &property("s", "string", "text"), r#"{"dateFormat": "%-d %B %Y"}"#, &day);
        let instant = Column::Text(vec![Some(value), None]);
        let instants = field("datetime", DataType::Datetime);
        for to in [property("t", "datetime", "date"), property("s", "string", "text")] {
            survives(&instants, &to, "", &instant);
        }
        survives(&instants, &property("n", "number", "number"), r#"{"dateFormat": "epoch-ms"}"#, &instant);
    }

    #[test]
    fn choices(picked in proptest::collection::btree_set(0..3_usize, 1..=3)) {
        let tier = with_choices(field("tier", DataType::Choice), &TIERS);
        for at in &picked {
            let column = Column::Text(vec![Some(TIERS[*at].0.to_owned()), None]);
            survives(&tier, &tiers_in_hubspot("select"), "", &column);
            survives(&tier, &tiers_in_hubspot("checkbox"), "", &column);
            survives(&tier, &property("s", "string", "text"), "", &column);
        }
        let mut texts: Vec<String> = picked.iter().map(|at| TIERS[*at].0.to_owned()).collect();
        texts.sort();
        let column = Column::Texts(vec![Some(texts), None]);
        let tiers = with_choices(field("tiers", DataType::MultiChoice), &TIERS);
        survives(&tiers, &tiers_in_hubspot("checkbox"), "", &column);
        survives(&tiers, &property("s", "string", "text"), r#"{"separator": "|"}"#, &column);
    }

    #[test]
    fn no_text_makes_it_panic(value in ".{0,60}", options in prop_oneof![
        Just(""), Just(r#"{"trim": true, "case": "upper", "truncate": 5}"#),
        Just(r#"{"split": {"separator": "a", "part": "last"}}"#),
    ]) {
        let column = Column::Text(vec![Some(value)]);
        for (kind, field_type) in [("number", "number"), ("bool", "booleancheckbox"), ("date", "date"),
            ("datetime", "date"), ("enumeration", "checkbox"), ("string", "text")] {
            for data_type in [DataType::Text, DataType::Integer, DataType::Number, DataType::Boolean,
                DataType::Date, DataType::Datetime, DataType::MultiChoice] {
                let plan = plan(Direction::ToPartneros, vec![property("p", kind, field_type)], field("f", data_type), options);
                let _ = transform(&plan, vec![column.clone()]);
            }
        }
    }
}
