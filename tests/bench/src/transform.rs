//! The mapper as a component against the same functions compiled natively, and against the component under a layer, on the
//! same plan and batch, in turns.
//!
//! Inbound (HubSpot to PartnerOS): 200 records and 15 rules, of which ten rename, two of those also trim and lowercase,
//! and the others read a number, an integer, a boolean, a date, and a choice through a value map. CPU time of the calling
//! thread; the batch is cloned within the clock on all sides.

use anyhow::{Context as _, anyhow, ensure};
use hubspot_mapper::bindings;
use partneros_artifacts::HUBSPOT_MAPPER;
use partneros_domain::plan::{Plan, Rule, TransformDirection, Transformed};
use partneros_domain::{Column, DataType, FieldSchema};
use partneros_runtime::{PreparedPlan, Runtime, RuntimeConfig};
use test_guests::LAYERS;

use crate::measure::{Values, middle};
use crate::process::thread_cpu_seconds;

/// How many records a batch has.
pub const RECORDS: usize = 200;
const ROUNDS: usize = 25;
const CALLS: usize = 40;

/// Measures all sides.
pub fn measure() -> anyhow::Result<Values> {
    let runtime = Runtime::new(RuntimeConfig::default()).context("failed to start the runtime")?;
    let mapper = runtime.load(HUBSPOT_MAPPER)?;
    // A layer that hands the plan and the batch on, and the answer back with a mark on each text.
    let layered = runtime.load(&runtime.compose(&[LAYERS, HUBSPOT_MAPPER])?)?;
    let plan = plan();
    let native_plan = native::plan(&plan);
    let prepared = PreparedPlan::new(plan)?;
    let batch = batch();
    let native_batch: Vec<_> = batch.iter().cloned().map(native::column).collect();
    let component = || anyhow::Ok(mapper.transform(&prepared, batch.clone())?.value);
    let layered = || anyhow::Ok(layered.transform(&prepared, batch.clone())?.value);
    let native = || {
        hubspot_mapper::transform(&native_plan, native_batch.clone())
            .map_err(|error| anyhow!(error))
    };
    ensure_equal(component()?, &native()?)?;
    ensure_marked(&layered()?, &component()?)?;
    let (mut of_component, mut of_native, mut of_layered) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_component.push(nanos(CALLS, component)?);
        of_native.push(nanos(CALLS, native)?);
        of_layered.push(nanos(CALLS, layered)?);
    }
    let (component, native) = (middle(of_component), middle(of_native));
    let layered = middle(of_layered);
    eprintln!(
        "transform: {component:.0} ns a record, native {native:.0}, under a layer {layered:.0}"
    );
    Ok(vec![
        ("transform_ns_per_record", component),
        ("transform_vs_native", component / native),
        ("layer_overhead", layered / component),
    ])
}

/// CPU time a record, over so many calls with a batch.
pub fn nanos<T>(calls: usize, call: impl Fn() -> anyhow::Result<T>) -> anyhow::Result<f64> {
    let before = thread_cpu_seconds();
    for _ in 0..calls {
        std::hint::black_box(call()?);
    }
    let spent = thread_cpu_seconds() - before;
    Ok(spent * 1e9 / (calls * RECORDS) as f64)
}

/// Every text of the answer under the layer has the layer's mark, and nothing else differs.
fn ensure_marked(layered: &Transformed, bare: &Transformed) -> anyhow::Result<()> {
    let marked = |column: &Column| match column {
        Column::Text(cells) => {
            let mark = |cell: &Option<String>| cell.as_ref().map(|text| format!("{text}+"));
            Column::Text(cells.iter().map(mark).collect())
        }
        other => other.clone(),
    };
    let expected: Vec<_> = bare.columns.iter().map(marked).collect();
    ensure!(
        layered.failures.is_empty() && layered.columns == expected,
        "the layer changed more than it should"
    );
    Ok(())
}

fn ensure_equal(component: Transformed, native: &bindings::Transformed) -> anyhow::Result<()> {
    ensure!(
        component.failures.is_empty() && native.failures.is_empty(),
        "a value could not be transformed: {:?}",
        component.failures.first()
    );
    let columns: Vec<_> = component.columns.into_iter().map(native::column).collect();
    ensure!(
        columns == native.columns,
        "component and native code differ"
    );
    Ok(())
}

/// Ten texts, then a number, an integer, a boolean, a date and a choice.
pub fn plan() -> Plan {
    const OTHERS: [(DataType, &str, &str, DataType, &str); 5] = [
        (DataType::Number, "number", "number", DataType::Number, ""),
        (DataType::Number, "number", "number", DataType::Integer, ""),
        (
            DataType::Boolean,
            "bool",
            "booleancheckbox",
            DataType::Boolean,
            "",
        ),
        (DataType::Datetime, "datetime", "date", DataType::Date, ""),
        (
            DataType::Choice,
            "enumeration",
            "select",
            DataType::Choice,
            r#"{"values":{"reseller":"RESELLER","referral":"PARTNER"}}"#,
        ),
    ];
    let texts = (0..10).map(|at| {
        let options = if at < 2 {
            r#"{"trim":true,"case":"lower"}"#
        } else {
            ""
        };
        (DataType::Text, "string", "text", DataType::Text, options)
    });
    let mut plan = Plan {
        direction: TransformDirection::ToPartnerOs,
        inputs: Vec::new(),
        outputs: Vec::new(),
        rules: Vec::new(),
        extra: Vec::new(),
    };
    for (at, (from, kind, field_type, to, options)) in texts.chain(OTHERS).enumerate() {
        let mut input = FieldSchema::new(format!("property_{at}"), "Property", from);
        input.extra = vec![
            ("type".to_owned(), kind.to_owned()),
            ("fieldType".to_owned(), field_type.to_owned()),
        ];
        let mut output = FieldSchema::new(format!("field{at}"), "Field", to);
        if to == DataType::Choice {
            input = input.choices(&[("RESELLER", "Reseller"), ("PARTNER", "Partner")]);
            output = output.choices(&[("reseller", "Reseller"), ("referral", "Referral")]);
        }
        plan.inputs.push(input);
        plan.outputs.push(output);
        plan.rules.push(Rule {
            inputs: vec![at as u32],
            output: at as u32,
            options: options.to_owned(),
        });
    }
    plan
}

/// What the plan takes.
pub fn batch() -> Vec<Column> {
    let column = |cell: &dyn Fn(usize) -> String| {
        Column::Text((0..RECORDS).map(|row| Some(cell(row))).collect())
    };
    let mut columns: Vec<_> = (0..10)
        .map(|at| column(&|row| format!(" Norwick Systems {row} of {at} ")))
        .collect();
    columns.push(column(&|row| format!("{}.50", row * 1_000)));
    columns.push(column(&|row| (row * 37).to_string()));
    columns.push(column(&|row| (row % 2 == 0).to_string()));
    columns.push(column(&|row| {
        format!("2026-11-{:02}T00:00:00.000Z", row % 28 + 1)
    }));
    columns.push(column(&|row| {
        if row % 3 == 0 { "RESELLER" } else { "PARTNER" }.to_owned()
    }));
    columns
}

/// The plan and the batch as the natively compiled mapper takes them.
mod native {
    use hubspot_mapper::bindings as to;
    use partneros_domain as from;
    use partneros_domain::plan::{Plan, TransformDirection};

    pub(super) fn plan(plan: &Plan) -> to::Plan {
        let rule = |rule: &from::plan::Rule| to::Rule {
            inputs: rule.inputs.clone(),
            output: rule.output,
            options: rule.options.clone(),
        };
        to::Plan {
            direction: match plan.direction {
                TransformDirection::ToHubSpot => to::Direction::ToHubspot,
                TransformDirection::ToPartnerOs => to::Direction::ToPartneros,
            },
            inputs: plan.inputs.iter().map(field).collect(),
            outputs: plan.outputs.iter().map(field).collect(),
            rules: plan.rules.iter().map(rule).collect(),
            extra: plan.extra.clone(),
        }
    }

    fn field(field: &from::FieldSchema) -> to::FieldSchema {
        let choice = |choice: &from::ChoiceOption| to::ChoiceOption {
            value: choice.value.clone(),
            label: choice.label.clone(),
        };
        to::FieldSchema {
            name: field.name.to_string(),
            label: field.label.clone(),
            description: field.description.clone(),
            data_type: data_type(field.data_type),
            choices: field.choices.iter().map(choice).collect(),
            read_only: field.read_only,
            required: field.required,
            unique: field.unique,
            extra: field.extra.clone(),
        }
    }

    fn data_type(data_type: from::DataType) -> to::DataType {
        match data_type {
            from::DataType::Text => to::DataType::Text,
            from::DataType::Integer => to::DataType::Integer,
            from::DataType::Number => to::DataType::Number,
            from::DataType::Boolean => to::DataType::Boolean,
            from::DataType::Date => to::DataType::Date,
            from::DataType::Datetime => to::DataType::Datetime,
            from::DataType::Choice => to::DataType::Choice,
            from::DataType::MultiChoice => to::DataType::MultiChoice,
            from::DataType::Reference => to::DataType::Reference,
        }
    }

    pub(super) fn column(column: from::Column) -> to::Column {
        match column {
            from::Column::Text(cells) => to::Column::Text(cells),
            from::Column::Integer(cells) => to::Column::Integer(cells),
            from::Column::Number(cells) => to::Column::Number(cells),
            from::Column::Boolean(cells) => to::Column::Boolean(cells),
            from::Column::Texts(cells) => to::Column::Texts(cells),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_native_mapper_takes_the_plan() {
        assert_eq!(hubspot_mapper::check(&native::plan(&plan())), []);
        assert_eq!(batch().len(), plan().inputs.len());
    }
}
