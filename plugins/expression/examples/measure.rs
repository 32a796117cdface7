//! Measures expressions natively: prints nanoseconds a record for batches of 200, the plan's
//! compilation included. Build it with `--release`.

use std::time::{Duration, Instant};

use expression::bindings::{Column, DataType, Direction, FieldSchema, Plan, Rule};

const ROWS: usize = 200;

/// How long each expression is measured.
const MEASURED: Duration = Duration::from_millis(500);

fn main() -> Result<(), String> {
    let text = |value: &str| Column::Text(vec![Some(value.to_owned()); ROWS]);
    let batch = [text("1250000"), text(" Acme GmbH "), text("2026-11-23")];
    for expression in [
        "value",
        "value + \"!\"",
        "(inputs.amount.toNumber() / 1000.0).toText()",
        "inputs.name.trim().lower()",
        "inputs.name.trim() == \"Acme GmbH\" ? \"a\" : inputs.since",
        "inputs.since.formatDate(\"%d.%m.%Y\")",
        "inputs.name.matches(\"Gm.H\") ? \"GmbH\" : \"other\"",
        "inputs.name.choose({\"a\": \"b\", \"c\": \"d\"}, \"e\")",
    ] {
        let plan = plan(expression);
        let (started, mut batches) = (Instant::now(), 0);
        while started.elapsed() < MEASURED {
            let transformed = expression::transform(&plan, &batch)?;
            assert!(transformed.failures.is_empty(), "the expression is right");
            batches += 1;
        }
        let records = u128::from(batches * ROWS as u64);
        println!(
            "{:>6} ns  {expression}",
            started.elapsed().as_nanos() / records
        );
    }
    Ok(())
}

fn plan(expression: &str) -> Plan {
    let field = |name: &str| FieldSchema {
        name: name.to_owned(),
        label: name.to_owned(),
        description: String::new(),
        data_type: DataType::Text,
        choices: Vec::new(),
        read_only: false,
        required: false,
        unique: false,
        extra: Vec::new(),
    };
    Plan {
        direction: Direction::ToPartneros,
        inputs: ["amount", "name", "since"].map(field).into(),
        outputs: vec![field("result")],
        rules: vec![Rule {
            inputs: vec![0, 1, 2],
            output: 0,
            options: serde_json::json!({ "toPartneros": expression }).to_string(),
        }],
        extra: Vec::new(),
    }
}
