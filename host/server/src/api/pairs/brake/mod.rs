//! The brake of a pair: what was about to change too much at once, and what somebody decided about it.

pub mod approve;
pub mod discard;
pub mod get;

use partneros_domain::{
    FieldName, HubSpotId, OrganizationId, PairId, PairState, RecordId, RunId, Side, Timestamp,
    Value,
};
use partneros_store::{Brake, BrakeSample, BrakeVerdict};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::words;
use crate::problem::Problem;
use crate::state::AppState;

/// A pair's brake under its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct BrakeBody {
    brake: BrakeView,
}

/// A pair's brake.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Brake)]
pub struct BrakeView {
    /// Whether the pair waits for somebody to decide.
    braked: bool,
    /// What was stopped. What was decided about stays in the list until a run has obeyed it.
    changes: Vec<BrakedChangeView>,
}

/// A mass change that was stopped.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BrakedChange)]
pub struct BrakedChangeView {
    /// The side that would have been written.
    #[schema(value_type = words::Side)]
    side: Side,
    /// The PartnerOS field; null: the records, or objects, would have been deleted.
    field: Option<String>,
    /// How many records this would have been, those that changed just before among them.
    records: u64,
    /// Of those, how many would have no value any more.
    blanked: u64,
    /// How many may change at a time.
    allowed: u64,
    /// How many records are linked.
    links: u64,
    /// Some of the changes.
    samples: Vec<BrakeSampleView>,
    /// The run that was stopped.
    #[schema(value_type = uuid::Uuid)]
    run_id: RunId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What was decided; null while it waits, and so are the others.
    #[schema(value_type = Option<words::BrakeVerdict>)]
    verdict: Option<BrakeVerdict>,
    /// Who decided.
    decided_by: Option<String>,
    /// When.
    #[schema(value_type = Option<String>, format = DateTime)]
    decided_at: Option<Timestamp>,
    /// The decision holds until a run has succeeded, and no longer than this.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

/// A change that was stopped.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BrakeSample)]
pub struct BrakeSampleView {
    /// The record.
    #[schema(value_type = uuid::Uuid)]
    record_id: RecordId,
    /// Its HubSpot object.
    #[schema(value_type = String)]
    hubspot_id: HubSpotId,
    /// The value that would have been overwritten; of a HubSpot object, as HubSpot has it. Null for a deletion.
    #[schema(value_type = Option<Object>)]
    from: Option<Value>,
    /// The value that would have taken its place; null: none.
    #[schema(value_type = Option<Object>)]
    to: Option<Value>,
}

impl From<Brake> for BrakedChangeView {
    fn from(brake: Brake) -> Self {
        let decision = brake.decision;
        Self {
            side: brake.key.side,
            field: brake.key.field.as_ref().map(FieldName::to_string),
            records: brake.records,
            blanked: brake.blanked,
            allowed: brake.allowed,
            links: brake.links,
            samples: brake.samples.into_iter().map(Into::into).collect(),
            run_id: brake.run_id,
            at: brake.at,
            verdict: decision.as_ref().map(|decision| decision.verdict),
            decided_by: decision.as_ref().map(|decision| decision.by.clone()),
            decided_at: decision.as_ref().map(|decision| decision.at),
            until: decision.as_ref().map(|decision| decision.until),
        }
    }
}

impl From<BrakeSample> for BrakeSampleView {
    fn from(sample: BrakeSample) -> Self {
        Self {
            record_id: sample.record_id,
            hubspot_id: sample.hubspot_id,
            from: sample.from,
            to: sample.to,
        }
    }
}

async fn read(
    state: &AppState,
    organization: OrganizationId,
    pair: PairId,
) -> Result<BrakeBody, Problem> {
    let braked = state.store.pair(organization, pair).await?.state == PairState::Braked;
    let changes = state.store.brakes(organization, pair).await?;
    Ok(BrakeBody {
        brake: BrakeView {
            braked,
            changes: changes.into_iter().map(BrakedChangeView::from).collect(),
        },
    })
}

async fn decide(
    state: &AppState,
    (organization, actor): (OrganizationId, &str),
    pair: PairId,
    verdict: BrakeVerdict,
) -> Result<BrakeBody, Problem> {
    state
        .engine
        .decide_brake(organization, actor, pair, verdict)
        .await?;
    read(state, organization, pair).await
}
