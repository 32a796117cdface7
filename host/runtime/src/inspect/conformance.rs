//! The built-in schemas and batches that every plugin is tried on.
//!
//! A field of every type, each mapped to a property of the same name, and values that a portal or an import
//! really sends: none, one, many, nothing, odd text, extremes. A cell that fails to transform is an
//! answer like any other; only how a plugin takes it is looked at.

use partneros_domain::plan::{Plan, Rule, TransformDirection};
use partneros_domain::{Column, ColumnKind, DataType, FieldSchema, ObjectSchema};

/// One batch, by the name that the report gives it.
pub struct Case {
    pub name: &'static str,
    pub rows: usize,
    cell: fn(usize) -> Kind,
}

/// What a row of a case is filled with.
#[derive(Clone, Copy)]
enum Kind {
    Usual,
    Nothing,
    Odd,
    Extreme,
}

/// Every case, in the order of the report.
pub const CASES: [Case; 6] = [
    case("empty", 0, |_| Kind::Usual),
    case("one", 1, |_| Kind::Usual),
    case("hundred", 100, |_| Kind::Usual),
    case("nulls", 10, |row| {
        if row % 2 == 0 {
            Kind::Nothing
        } else {
            Kind::Usual
        }
    }),
    case("unicode", ODD.len(), |_| Kind::Odd),
    case("extremes", EXTREMES, |_| Kind::Extreme),
];

const fn case(name: &'static str, rows: usize, cell: fn(usize) -> Kind) -> Case {
    Case { name, rows, cell }
}

/// Text that is valid and seldom expected: combining marks, right to left, beyond the basic plane, a NUL, a byte
/// order mark, and separators of lists.
const ODD: [&str; 8] = [
    "Zoe\u{308} O\u{2019}Neill",
    "\u{202e}\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
    "\u{1f469}\u{200d}\u{1f4bb} \u{1d54f}",
    "a\0b",
    "\u{feff}start",
    ";;a; ;b;",
    "\t\r\n\u{a0}\u{3000}",
    "\u{10ffff}\u{1}",
];

/// The number of rows with extreme values.
const EXTREMES: usize = 6;

const TYPES: [(DataType, &str, &str); 9] = [
    (DataType::Text, "name", "Name"),
    (DataType::Integer, "employees", "Number of Employees"),
    (DataType::Number, "revenue", "Annual Revenue"),
    (DataType::Boolean, "active", "Is Active"),
    (DataType::Date, "founded", "Founded On"),
    (DataType::Datetime, "lastMeeting", "Last Meeting At"),
    (DataType::Choice, "tier", "Tier"),
    (DataType::MultiChoice, "regions", "Regions"),
    (DataType::Reference, "owner", "Owner"),
];

/// The fields of both sides, one of every type.
pub fn fields() -> Vec<FieldSchema> {
    let field = |(data_type, name, label): (DataType, &str, &str)| {
        let field = FieldSchema::new(name, label, data_type);
        match data_type {
            DataType::Choice => field.choices(&[("gold", "Gold"), ("silver", "Silver")]),
            DataType::MultiChoice => field.choices(&[("emea", "EMEA"), ("apac", "APAC")]),
            _ => field,
        }
    };
    TYPES.map(field).into()
}

/// The schemas that mappings are suggested for.
pub fn schemas() -> (ObjectSchema, ObjectSchema) {
    let schema = |name: &str, label: &str| ObjectSchema {
        name: name.to_owned(),
        label: label.to_owned(),
        fields: fields(),
    };
    (
        schema("partners", "Partners"),
        schema("companies", "Companies"),
    )
}

/// The plan that maps each of the fields to itself.
pub fn plan(direction: TransformDirection, fields: Vec<FieldSchema>) -> Plan {
    let rule = |position: usize| Rule {
        inputs: vec![position as u32],
        output: position as u32,
        options: String::new(),
    };
    Plan {
        direction,
        rules: (0..fields.len()).map(rule).collect(),
        inputs: fields.clone(),
        outputs: fields,
        extra: vec![("timeZone".to_owned(), "Europe/Berlin".to_owned())],
    }
}

impl Case {
    /// A column for each of the fields.
    pub fn batch(&self, direction: TransformDirection, fields: &[FieldSchema]) -> Vec<Column> {
        let column = |field: &FieldSchema| {
            let rows = (0..self.rows).map(|row| ((self.cell)(row), row));
            let kind = match direction {
                // HubSpot values travel as text, whatever their type.
                TransformDirection::ToPartnerOs => ColumnKind::Text,
                TransformDirection::ToHubSpot => ColumnKind::of(field.data_type),
            };
            match kind {
                ColumnKind::Text => {
                    Column::Text(rows.map(|(kind, row)| text(field, kind, row)).collect())
                }
                ColumnKind::Integer => Column::Integer(
                    rows.map(|(kind, row)| {
                        pick(kind, row as i64, &[i64::MIN, i64::MAX, 0, -1], row)
                    })
                    .collect(),
                ),
                ColumnKind::Number => Column::Number(
                    rows.map(|(kind, row)| {
                        let extremes = [f64::MIN, f64::MAX, f64::MIN_POSITIVE, -0.0];
                        pick(kind, row as f64 / 4.0, &extremes, row)
                    })
                    .collect(),
                ),
                ColumnKind::Boolean => Column::Boolean(
                    rows.map(|(kind, row)| pick(kind, row % 2 == 0, &[true, false], row))
                        .collect(),
                ),
                ColumnKind::Texts => {
                    Column::Texts(rows.map(|(kind, row)| texts(kind, row)).collect())
                }
            }
        };
        fields.iter().map(column).collect()
    }
}

/// The usual value, or nothing, or one of the extremes in turn.
fn pick<T: Copy>(kind: Kind, usual: T, extremes: &[T], row: usize) -> Option<T> {
    match kind {
        Kind::Usual | Kind::Odd => Some(usual),
        Kind::Nothing => None,
        Kind::Extreme => extremes.get(row % extremes.len()).copied(),
    }
}

fn text(field: &FieldSchema, kind: Kind, row: usize) -> Option<String> {
    match kind {
        Kind::Usual => Some(usual(field.data_type, row)),
        Kind::Nothing => None,
        Kind::Odd => ODD.get(row % ODD.len()).map(|text| (*text).to_owned()),
        Kind::Extreme => {
            let extremes = extremes(field.data_type);
            extremes.get(row % extremes.len()).cloned()
        }
    }
}

fn usual(data_type: DataType, row: usize) -> String {
    let (day, even) = (row % 28 + 1, row.is_multiple_of(2));
    match data_type {
        DataType::Text => format!("Partner {row}"),
        DataType::Integer => row.to_string(),
        DataType::Number => format!("{}.25", row * 1_000),
        DataType::Boolean => even.to_string(),
        DataType::Date => format!("2026-02-{day:02}"),
        DataType::Datetime => format!("2026-02-{day:02}T09:30:00.000Z"),
        DataType::Choice => if even { "gold" } else { "silver" }.to_owned(),
        DataType::MultiChoice => if even { "emea;apac" } else { "apac" }.to_owned(),
        DataType::Reference => format!("{}", 1_000 + row),
    }
}

fn extremes(data_type: DataType) -> Vec<String> {
    let values: &[&str] = match data_type {
        DataType::Integer => &["9223372036854775807", "-9223372036854775808", "1e400"],
        DataType::Number => &["1.7976931348623157e308", "5e-324", "NaN", "-0", "1,5"],
        DataType::Boolean => &["TRUE", "0", "yes"],
        DataType::Date => &["0001-01-01", "9999-12-31", "2026-02-30", "1772323200000"],
        DataType::Datetime => &[
            "0001-01-01T00:00:00.000Z",
            "9999-12-31T23:59:59.999Z",
            "-1",
            "253402300799999",
        ],
        DataType::Choice | DataType::MultiChoice => &["unknown", ";", "GOLD"],
        DataType::Text | DataType::Reference => &[" ", "0"],
    };
    let long = ["\u{e9}".repeat(5_000), String::new()];
    values
        .iter()
        .map(|value| (*value).to_owned())
        .chain(long)
        .collect()
}

fn texts(kind: Kind, row: usize) -> Option<Vec<String>> {
    let own = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
    match kind {
        Kind::Nothing => None,
        Kind::Usual if row.is_multiple_of(2) => own(&["emea", "apac"]),
        Kind::Usual => own(&["apac"]),
        Kind::Odd => own(ODD.get(row % ODD.len()).map(std::slice::from_ref)?),
        Kind::Extreme if row.is_multiple_of(2) => own(&[]),
        Kind::Extreme => Some((0..200).map(|number| format!("choice-{number}")).collect()),
    }
}
