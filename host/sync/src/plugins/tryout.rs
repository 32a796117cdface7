//! A mapping tried on sample records before it is saved. Nothing is written.

use partneros_domain::plan::TransformDirection;
use partneros_domain::{
    Column, ColumnKind, FieldMapping, FieldName, FieldSchema, MappingState, Mappings,
    OrganizationId, PairId, Value,
};
use serde_json::{Map, Value as Json};

use super::split::SplitPlan;
use super::{Mapper, resolve};
use crate::engine::Engine;
use crate::error::{Error, MappingProblem};
use crate::pair_plan::PairPlan;
use crate::row::Row;
use crate::trial;

/// The most records that are tried at once.
pub const SAMPLES_MAX: usize = 20;

/// What a mapping makes of sample records.
#[derive(Debug, Clone, PartialEq)]
pub struct Tryout {
    /// What is wrong with the mapping; if anything is, there are no rows.
    pub problems: Vec<MappingProblem>,
    /// One for each sample.
    pub rows: Vec<TryoutRow>,
}

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct TryoutRow {
    /// The values that the rule reads.
    pub inputs: Vec<(FieldName, Option<Value>)>,
    /// What it makes of them.
    pub output: Option<Value>,
    /// Why it makes nothing, with a code and a message.
    pub problem: Option<(String, String)>,
}

/// Sample records by name of what they hold.
type Samples = Vec<Map<String, Json>>;

impl Engine {
    /// Tries a mapping in one direction, on these samples or else on records of the pair.
    pub async fn try_out(
        &self,
        organization: OrganizationId,
        pair: PairId,
        mapping: FieldMapping,
        direction: TransformDirection,
        samples: Option<Samples>,
    ) -> Result<Tryout, Error> {
        let pair = self.parts().store.pair(organization, pair).await?;
        let (object, hubspot) = self.schemas_of(organization, &pair).await?;
        let mappings = Mappings(vec![FieldMapping {
            state: MappingState::Confirmed,
            ..mapping
        }]);
        let mapper = resolve::mapper(self.parts(), organization, &pair, &mappings).await?;
        let mapper = std::sync::Arc::new(mapper);
        let problems =
            trial::problems(self.parts(), &mapper, &pair, &mappings, &object, &hubspot).await?;
        let plan = PairPlan::new(&pair, &mappings, &object, &hubspot);
        if !problems.is_empty() {
            return Ok(Tryout {
                problems,
                rows: Vec::new(),
            });
        }
        let batch = match (samples, direction) {
            (Some(samples), _) => given(&plan, direction, &samples)?,
            (None, TransformDirection::ToPartnerOs) => {
                let rows = self.portal_rows(organization, &pair, &plan).await;
                let rows = rows.unwrap_or_default();
                let cell = |at, input: usize| {
                    let column = *plan.inbound_columns.get(input)?;
                    let text = Row::new(&rows, at).value(column)?;
                    Some(Value::Text(text.to_owned()))
                };
                let inputs = plan.inbound.inputs.len();
                let row = |at| (0..inputs).map(|input| cell(at, input)).collect();
                (0..rows.len().min(SAMPLES_MAX)).map(row).collect()
            }
            (None, TransformDirection::ToHubSpot) => {
                let store = &self.parts().store;
                let page = store
                    .records(organization, &pair.object, None, SAMPLES_MAX)
                    .await?;
                let row = |record: &partneros_store::Record| {
                    let fields = plan.outbound_fields.iter();
                    let value =
                        |field: &FieldSchema| record.fields.get(field.name.as_str()).cloned();
                    fields.map(value).collect()
                };
                page.items.iter().map(row).collect()
            }
        };
        let at = self.parts().environment.now();
        let run = move || run(&mapper, &plan, direction, &batch, at);
        self.parts().compute(run).await?
    }
}

/// One row of values, in the order of the plan's inputs.
type Inputs = Vec<Option<Value>>;

/// Reads samples that the caller gave. HubSpot's values are texts, PartnerOS's are of their fields' types.
fn given(
    plan: &PairPlan,
    direction: TransformDirection,
    samples: &Samples,
) -> Result<Vec<Inputs>, Error> {
    let schemas = match direction {
        TransformDirection::ToPartnerOs => &plan.inbound.inputs,
        TransformDirection::ToHubSpot => &plan.outbound_fields,
    };
    let read = |schema: &FieldSchema, sample: &Map<String, Json>| {
        let json = sample.get(schema.name.as_str()).cloned();
        let invalid = |problem: String| Error::InvalidSample {
            name: schema.name.to_string(),
            problem,
        };
        match (direction, json) {
            (_, None | Some(Json::Null)) => Ok(None),
            (TransformDirection::ToPartnerOs, Some(Json::String(text))) => {
                Ok(Some(Value::Text(text)))
            }
            (TransformDirection::ToPartnerOs, Some(_)) => {
                Err(invalid("HubSpot's values are texts".to_owned()))
            }
            (TransformDirection::ToHubSpot, Some(json)) => {
                Value::from_json(schema, json).map_err(|error| invalid(error.to_string()))
            }
        }
    };
    if samples.len() > SAMPLES_MAX {
        let problem = format!(
            "there are {}, at most {SAMPLES_MAX} are tried at once",
            samples.len()
        );
        return Err(Error::InvalidSample {
            name: "samples".to_owned(),
            problem,
        });
    }
    samples
        .iter()
        .map(|sample| schemas.iter().map(|schema| read(schema, sample)).collect())
        .collect()
}

fn run(
    mapper: &Mapper,
    plan: &PairPlan,
    direction: TransformDirection,
    batch: &[Inputs],
    at: partneros_domain::Timestamp,
) -> Result<Tryout, Error> {
    let (whole, plugins) = match direction {
        TransformDirection::ToPartnerOs => (&plan.inbound, &plan.inbound_plugins),
        TransformDirection::ToHubSpot => (&plan.outbound, &plan.outbound_plugins),
    };
    let split = SplitPlan::new(whole, plugins)?;
    let cells = |input: usize, rows: &[usize]| {
        let field = whole.inputs.get(input);
        let kind = field.map_or(ColumnKind::Text, |field| {
            direction.input_kind(field.data_type)
        });
        let mut column = Column::with_capacity(kind, rows.len());
        for row in rows {
            column.push(
                batch
                    .get(*row)
                    .and_then(|inputs| inputs.get(input).cloned().flatten()),
            );
        }
        column
    };
    let mut outcome = mapper.transform(&split, batch.len(), &cells, at)?;
    let names = whole.inputs.iter().map(|input| input.name.clone());
    let names: Vec<FieldName> = names.collect();
    let rows = batch.iter().enumerate().map(|(at, inputs)| {
        let failed = outcome.failed_row(at).map(|failed| {
            let code = super::PLUGIN_FAILED.to_owned();
            (code, failed.message.clone())
        });
        let cell = outcome
            .failures
            .iter()
            .find(|failure| failure.row as usize == at);
        let cell = cell.map(|failure| (failure.code.clone(), failure.message.clone()));
        let output = outcome.columns.first_mut();
        TryoutRow {
            inputs: names.iter().cloned().zip(inputs.iter().cloned()).collect(),
            output: output.and_then(|column| column.take(at)),
            problem: failed.or(cell),
        }
    });
    Ok(Tryout {
        problems: Vec::new(),
        rows: rows.collect(),
    })
}
