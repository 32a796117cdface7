//! What the example mappers, and the engines that they are compared with, map: companies with five texts, which become
//! records with six.
//!
//! Invariant: `companies` and `batch` are the same values, and every value can be mapped.

use partneros_domain::plan::{Plan, Rule, TransformDirection, Transformed};
use partneros_domain::{Column, DataType, FieldSchema};
use partneros_runtime::PreparedPlan;
use sdk_examples::{Language, NoComponent};
use serde::{Deserialize, Serialize};

use crate::transform::RECORDS;

/// An example mapper.
#[derive(Debug)]
pub struct Example {
    /// What it is written in.
    pub language: Language,
    /// The figure that says how long its upload takes.
    pub upload: &'static str,
    /// The figure that says how long it takes for a record.
    pub transform: &'static str,
}

const fn example(language: Language, upload: &'static str, transform: &'static str) -> Example {
    Example {
        language,
        upload,
        transform,
    }
}

/// Every example mapper.
pub const EXAMPLES: [Example; 6] = [
    example(
        Language::Rust,
        "upload_to_live_ms_rust",
        "transform_ns_per_record_rust",
    ),
    example(
        Language::JavaScript,
        "upload_to_live_ms_quickjs",
        "transform_ns_per_record_quickjs",
    ),
    example(
        Language::TypeScript,
        "upload_to_live_ms_javascript",
        "transform_ns_per_record_javascript",
    ),
    example(
        Language::Python,
        "upload_to_live_ms_python",
        "transform_ns_per_record_python",
    ),
    example(
        Language::Go,
        "upload_to_live_ms_go",
        "transform_ns_per_record_go",
    ),
    example(
        Language::C,
        "upload_to_live_ms_c",
        "transform_ns_per_record_c",
    ),
];

/// A company of a portal.
#[derive(Debug, Clone, Serialize)]
pub struct Company {
    name: Option<String>,
    city: Option<String>,
    tier: Option<String>,
    since: Option<String>,
    contact: Option<String>,
}

/// The record that it becomes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Partner {
    name: Option<String>,
    city: Option<String>,
    tier: Option<String>,
    since: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
}

/// The component in this language; none, with a remark, where its toolchain is missing.
pub fn component(language: Language) -> anyhow::Result<Option<Vec<u8>>> {
    match sdk_examples::component(language) {
        Ok(path) => Ok(Some(std::fs::read(path)?)),
        Err(error @ NoComponent::Missing { .. }) => {
            eprintln!("the figures of {language} are left out: {error}");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The mapping: a rename, a trim, a choice, a date and the two parts of a name.
pub fn plan() -> anyhow::Result<PreparedPlan> {
    const RULES: [(u32, &str, DataType, &str); 6] = [
        (0, "name", DataType::Text, ""),
        (1, "city", DataType::Text, r#"{"op":"trim"}"#),
        (
            2,
            "tier",
            DataType::Choice,
            r#"{"op":"map-choice","map":{"gold":"TIER_1","silver":"TIER_2","bronze":"TIER_3"}}"#,
        ),
        (3, "since", DataType::Date, r#"{"op":"date-format"}"#),
        (
            4,
            "firstName",
            DataType::Text,
            r#"{"op":"split-name","part":"first"}"#,
        ),
        (
            4,
            "lastName",
            DataType::Text,
            r#"{"op":"split-name","part":"last"}"#,
        ),
    ];
    let input = |name: &str| FieldSchema::new(name, name, DataType::Text);
    let output = |(_, name, data_type, _): &(u32, &str, DataType, &str)| {
        FieldSchema::new(*name, name, *data_type)
    };
    let rule = |(at, (input, _, _, options)): (usize, &(u32, &str, DataType, &str))| Rule {
        inputs: vec![*input],
        output: at as u32,
        options: (*options).to_owned(),
    };
    Ok(PreparedPlan::new(Plan {
        direction: TransformDirection::ToPartnerOs,
        inputs: ["name", "city", "tier", "since", "contact"]
            .map(input)
            .into(),
        outputs: RULES.iter().map(output).collect(),
        rules: RULES.iter().enumerate().map(rule).collect(),
        extra: Vec::new(),
    })?)
}

/// What is mapped, as records.
pub fn companies() -> Vec<Company> {
    (0..RECORDS).map(company).collect()
}

/// The same, as columns.
pub fn batch() -> Vec<Column> {
    let companies = companies();
    let column = |cell: fn(&Company) -> &Option<String>| {
        Column::Text(companies.iter().map(cell).cloned().collect())
    };
    vec![
        column(|company| &company.name),
        column(|company| &company.city),
        column(|company| &company.tier),
        column(|company| &company.since),
        column(|company| &company.contact),
    ]
}

/// What a mapper made of the batch, as records.
pub fn partners(transformed: Transformed) -> anyhow::Result<Vec<Partner>> {
    let failure = transformed.failures.first();
    anyhow::ensure!(
        failure.is_none(),
        "a value could not be mapped: {failure:?}"
    );
    let mut partners = vec![Partner::default(); RECORDS];
    let places: [fn(&mut Partner) -> &mut Option<String>; 6] = [
        |partner| &mut partner.name,
        |partner| &mut partner.city,
        |partner| &mut partner.tier,
        |partner| &mut partner.since,
        |partner| &mut partner.first_name,
        |partner| &mut partner.last_name,
    ];
    for (place, column) in places.into_iter().zip(transformed.columns) {
        let Column::Text(cells) = column else {
            anyhow::bail!("the mapper answered something other than text");
        };
        for (partner, cell) in partners.iter_mut().zip(cells) {
            *place(partner) = cell;
        }
    }
    Ok(partners)
}

/// One in ten lacks a value here and there.
fn company(number: usize) -> Company {
    let given = |remainder: usize, text: String| (number % 10 != remainder).then_some(text);
    let tier = number % 3 + 1;
    Company {
        name: Some(format!("Norwick Systems {number}")),
        city: given(3, format!("  Berlin {} ", number % 12)),
        tier: given(5, format!("TIER_{tier}")),
        since: given(
            7,
            format!(
                "{:02}/{:02}/{}",
                number % 28 + 1,
                number % 12 + 1,
                1950 + number % 70
            ),
        ),
        contact: given(9, format!(" Ada Maria Lovelace {number} ")),
    }
}

#[cfg(test)]
mod tests {
    use partneros_runtime::{Runtime, RuntimeConfig};

    use super::*;

    #[test]
    fn the_example_maps_every_company() {
        let component = sdk_examples::component(Language::Rust).unwrap();
        let component = std::fs::read(component).unwrap();
        let runtime = Runtime::new(RuntimeConfig::default()).unwrap();
        let mapper = runtime.load(&component).unwrap();
        let answer = mapper.transform(&plan().unwrap(), batch()).unwrap().value;
        let partners = partners(answer).unwrap();
        let expected = Partner {
            name: Some("Norwick Systems 1".to_owned()),
            city: Some("Berlin 1".to_owned()),
            tier: Some("silver".to_owned()),
            since: Some("1951-02-02".to_owned()),
            first_name: Some("Ada".to_owned()),
            last_name: Some("Maria Lovelace 1".to_owned()),
        };
        assert_eq!(partners[1], expected);
        assert_eq!(partners[3].city, None);
        assert_eq!(partners[9].first_name, None);
    }
}
