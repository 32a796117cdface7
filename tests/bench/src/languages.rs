//! The example mapper in each language, and one rule of the expression plugin, on batches of the same records, in turns.

use anyhow::{Context as _, ensure};
use partneros_artifacts::EXPRESSION;
use partneros_domain::plan::{Plan, Rule, TransformDirection};
use partneros_domain::{Column, DataType, FieldSchema};
use partneros_runtime::{Plugin, PreparedPlan, Runtime, RuntimeConfig};

use crate::example::{self, EXAMPLES};
use crate::measure::{Values, middle};
use crate::transform::{RECORDS, nanos};

const ROUNDS: usize = 15;
/// How much CPU time a turn takes about.
const TURN_S: f64 = 0.05;

/// A plugin with its work.
struct Contender {
    figure: &'static str,
    plugin: Plugin,
    plan: PreparedPlan,
    batch: Vec<Column>,
    calls: usize,
    nanos: Vec<f64>,
}

/// Measures every language whose toolchain is there, and an expression.
pub fn measure() -> anyhow::Result<Values> {
    let runtime = Runtime::new(RuntimeConfig::default()).context("failed to start the runtime")?;
    let mut contenders = Vec::new();
    let mut first = None;
    for example in EXAMPLES {
        let language = example.language;
        let Some(component) = example::component(language)? else {
            continue;
        };
        eprintln!("transform: compiling the mapper in {language}");
        let plugin = runtime.load(&component)?;
        let answer = plugin.transform(&example::plan()?, example::batch())?.value;
        let partners = example::partners(answer)?;
        ensure!(
            *first.get_or_insert_with(|| partners.clone()) == partners,
            "the mapper in {language} answers something else"
        );
        contenders.push(Contender::new(
            example.transform,
            plugin,
            example::plan()?,
            example::batch(),
        )?);
    }
    let expression = runtime.load(EXPRESSION)?;
    contenders.push(Contender::new(
        "transform_ns_per_record_cel",
        expression,
        trimmed()?,
        cities(),
    )?);
    for _ in 0..ROUNDS {
        for contender in &mut contenders {
            let nanos = contender.turn(contender.calls)?;
            contender.nanos.push(nanos);
        }
    }
    let value = |contender: Contender| (contender.figure, middle(contender.nanos));
    Ok(contenders.into_iter().map(value).collect())
}

impl Contender {
    /// Tries the plugin once, to know how often it fits in a turn.
    fn new(
        figure: &'static str,
        plugin: Plugin,
        plan: PreparedPlan,
        batch: Vec<Column>,
    ) -> anyhow::Result<Self> {
        let mut contender = Self {
            figure,
            plugin,
            plan,
            batch,
            calls: 1,
            nanos: Vec::new(),
        };
        let seconds = contender.turn(1)? * RECORDS as f64 / 1e9;
        contender.calls = ((TURN_S / seconds) as usize).max(1);
        Ok(contender)
    }

    fn turn(&self, calls: usize) -> anyhow::Result<f64> {
        nanos(calls, || {
            Ok(self.plugin.transform(&self.plan, self.batch.clone())?)
        })
    }
}

/// A rule that trims a text, as the second rule of the example does.
fn trimmed() -> anyhow::Result<PreparedPlan> {
    let city = FieldSchema::new("city", "City", DataType::Text);
    Ok(PreparedPlan::new(Plan {
        direction: TransformDirection::ToPartnerOs,
        inputs: vec![city.clone()],
        outputs: vec![city],
        rules: vec![Rule {
            inputs: vec![0],
            output: 0,
            options: r#"{"toPartneros":"value.trim()"}"#.to_owned(),
        }],
        extra: Vec::new(),
    })?)
}

fn cities() -> Vec<Column> {
    example::batch().into_iter().skip(1).take(1).collect()
}
