//! What the targets share: a runtime that ends calls soon, and a guest that says what it is told to.

use std::sync::LazyLock;

use partneros_domain::plan::{Plan, Rule, TransformDirection};
use partneros_domain::{Column, DataType, FieldSchema, ObjectSchema};
use partneros_runtime::{CallLimits, Plugin, PreparedPlan, Runtime, RuntimeConfig};

/// The most of an answer that the guest is told, in bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// A runtime whose limits end a call soon.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let config = RuntimeConfig {
        call: CallLimits {
            call_time_ms: 2_000,
            fuel_max: Some(20_000_000),
            memory_bytes_max: 16 << 20,
            returned_bytes_max: 1 << 20,
            ..CallLimits::default()
        },
        // Mutants are loaded once each.
        plugins_cached_max: 1,
        ..RuntimeConfig::default()
    };
    Runtime::new(config).expect("the runtime starts")
});

/// Answers with the bytes that its arguments spell.
pub static ECHOES: LazyLock<Plugin> = LazyLock::new(|| {
    RUNTIME
        .load(test_guests::ECHOES)
        .expect("the guest is accepted")
});

/// Calls every function; nothing is expected but that each ends, with an answer or an error.
pub fn call(plugin: &Plugin) {
    let plan = plan(Vec::new());
    let schema = schema("partners");
    let called = [
        plugin.describe().map(drop),
        plugin.suggest(&schema, &schema).map(drop),
        plugin.check(&plan).map(drop),
        plugin.transform(&plan, batch()).map(drop),
    ];
    for error in called.into_iter().filter_map(Result::err) {
        assert!(!error.to_string().is_empty());
    }
}

/// Has the guest answer these bytes from one of its functions.
pub fn echo(function: u8, answer: &[u8]) {
    let answer = spell(answer.get(..ANSWER_BYTES_MAX).unwrap_or(answer));
    match function % 3 {
        0 => drop(ECHOES.suggest(&schema(&answer), &schema("companies"))),
        1 => drop(ECHOES.check(&plan(vec![("answer".to_owned(), answer)]))),
        _ => {
            let plan = plan(vec![("answer".to_owned(), answer)]);
            if let Ok(called) = ECHOES.transform(&plan, batch()) {
                let rows = called.value.columns.iter().map(Column::len);
                assert!(
                    rows.eq([2; 4]),
                    "an answer that does not fit was let through"
                );
            }
        }
    }
}

/// Two letters for each byte, as the guest reads them.
fn spell(bytes: &[u8]) -> String {
    let letter = |half: u8| char::from(b'a' + half);
    let letters = |byte: &u8| [letter(byte >> 4), letter(byte & 0x0f)];
    bytes.iter().flat_map(letters).collect()
}

/// A column of each kind that is not text, and one that is, mapped to themselves.
fn plan(extra: Vec<(String, String)>) -> PreparedPlan {
    let plan = Plan {
        direction: TransformDirection::ToPartnerOs,
        inputs: fields(),
        outputs: fields(),
        rules: (0..4)
            .map(|position| Rule {
                inputs: vec![position],
                output: position,
                options: String::new(),
            })
            .collect(),
        extra,
    };
    PreparedPlan::new(plan).expect("the plan is sound")
}

fn fields() -> Vec<FieldSchema> {
    vec![
        FieldSchema::new("name", "Name", DataType::Text),
        FieldSchema::new("active", "Active", DataType::Boolean),
        FieldSchema::new("revenue", "Revenue", DataType::Number),
        FieldSchema::new("tags", "Tags", DataType::MultiChoice),
    ]
}

fn schema(name: &str) -> ObjectSchema {
    ObjectSchema {
        name: name.to_owned(),
        label: "Partners".to_owned(),
        fields: fields(),
    }
}

fn batch() -> Vec<Column> {
    let column = Column::Text(vec![Some("Acme".to_owned()), None]);
    vec![column; 4]
}
