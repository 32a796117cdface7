//! The runtime against guests of every kind: good ones, bad ones, and files that are none.

mod caching;
mod compiling;
mod composing;
mod contracts;
mod expression;
mod inspecting;
mod isolation;
mod sweep;
mod usage;
mod validation;

use std::sync::LazyLock;

use partneros_domain::plan::{Plan, Rule, TransformDirection};
use partneros_domain::{Column, DataType, FieldSchema, ObjectSchema};
use partneros_runtime::{CallLimits, Plugin, PreparedPlan, Runtime, RuntimeConfig};

/// A runtime with limits that a bad guest meets quickly.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| runtime(limits()));

fn limits() -> CallLimits {
    CallLimits {
        call_time_ms: 60_000,
        fuel_max: Some(300_000_000),
        memory_bytes_max: 64 << 20,
        returned_bytes_max: 4 << 20,
        log_bytes_max: 1_000,
        ..CallLimits::default()
    }
}

fn runtime(call: CallLimits) -> Runtime {
    let config = RuntimeConfig {
        call,
        ..RuntimeConfig::default()
    };
    Runtime::new(config).expect("the runtime starts")
}

fn load(runtime: &Runtime, bytes: &[u8]) -> Plugin {
    runtime.load(bytes).expect("the guest is accepted")
}

/// Two text fields and a number, each mapped to itself.
fn plan() -> PreparedPlan {
    let fields = [
        FieldSchema::new("name", "Name", DataType::Text),
        FieldSchema::new("city", "City", DataType::Text),
        FieldSchema::new("revenue", "Revenue", DataType::Number),
    ];
    let rule = |position| Rule {
        inputs: vec![position],
        output: position,
        options: String::new(),
    };
    let plan = Plan {
        direction: TransformDirection::ToPartnerOs,
        inputs: fields.to_vec(),
        outputs: fields.to_vec(),
        rules: (0..3).map(rule).collect(),
        extra: Vec::new(),
    };
    PreparedPlan::new(plan).expect("the plan is sound")
}

/// Two records for [`plan`], as HubSpot sends them.
fn batch() -> Vec<Column> {
    let column =
        |cells: [Option<&str>; 2]| Column::Text(cells.map(|c| c.map(str::to_owned)).into());
    vec![
        column([Some("Acme"), Some("Globex")]),
        column([Some("Berlin"), None]),
        column([Some("12"), Some("7.5")]),
    ]
}

fn schemas() -> (ObjectSchema, ObjectSchema) {
    let schema = |name: &str, label: &str| ObjectSchema {
        name: name.to_owned(),
        label: label.to_owned(),
        fields: plan().plan().inputs.clone(),
    };
    (
        schema("partners", "Partners"),
        schema("companies", "Companies"),
    )
}

fn texts(cells: &[Option<&str>]) -> Column {
    Column::Text(cells.iter().map(|cell| cell.map(str::to_owned)).collect())
}

/// Adds a section to a module or a component; 0 is a custom section, whose content begins with its name.
fn section(bytes: &mut Vec<u8>, id: u8, content: &[u8]) {
    bytes.push(id);
    number(bytes, content.len() as u32);
    bytes.extend_from_slice(content);
}

/// LEB128, the number format of WebAssembly.
fn number(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
