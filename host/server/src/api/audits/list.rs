//! `GET /api/pairs/{pairId}/audits`: what the audits of a pair found.

use axum::Json;
use axum::extract::State;
use partneros_domain::{HubSpotId, RecordId, RunId, Timestamp};
use partneros_store::{AuditFigures, AuditSample, PairAudit};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::path::{PairPath, Path};
use crate::api::query::{Paging, Query};
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// A page of audits.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    audits: Vec<AuditView>,
    /// Where the next page starts; null at the end.
    next_cursor: Option<String>,
}

/// An audit that went through.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PairAudit)]
pub struct AuditView {
    /// The run that made it.
    #[schema(value_type = uuid::Uuid)]
    run_id: RunId,
    /// When it began to compare. What was there by then is on both sides, on its way, or counted as unsettled.
    #[schema(value_type = String, format = DateTime)]
    complete_as_of: Timestamp,
    /// When it was through.
    #[schema(value_type = String, format = DateTime)]
    finished_at: Timestamp,
    /// What it counted.
    figures: FiguresView,
    /// Some of the differences that are left.
    samples: Vec<SampleView>,
}

/// What an audit counts. What is missing or differs is mended or unsettled.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditFigures)]
pub struct FiguresView {
    /// Ranges of ids that were compared.
    ranges: u64,
    /// Objects that HubSpot has.
    objects: u64,
    /// Links to records that are there.
    links: u64,
    /// Linked records and objects that differ, and that nothing had noticed so far.
    differing: u64,
    /// Records whose object HubSpot does not list, or that should have been sent and were not.
    missing_in_hubspot: u64,
    /// Objects without a record.
    missing_here: u64,
    /// Records and objects that differ because a change is on its way: no difference.
    waiting: u64,
    /// Differences that were taken in, or put into the outbox.
    mended: u64,
    /// Differences that are left.
    unsettled: u64,
}

/// A difference that is left.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditSample)]
pub struct SampleView {
    /// The record, if there is one.
    #[schema(value_type = Option<uuid::Uuid>)]
    record_id: Option<RecordId>,
    /// The HubSpot object, if there is one.
    #[schema(value_type = Option<String>)]
    hubspot_id: Option<HubSpotId>,
    /// Why: the code of a failure that is listed, how the object's link ended, or `second_look` (HubSpot did not have the
    /// object; whether it is gone is seen later), `record_deleted` (here, so that the object stays alone) or `undecided`.
    reason: String,
}

/// Lists what the audits of a pair found that went through, newest first. The last 20 are kept.
#[utoipa::path(get, path = "/api/pairs/{pairId}/audits", tag = "sync", operation_id = "listAudits",
    params(PairPath, Paging),
    responses(
        (status = 200, description = "A page of audits.", body = AuditPage),
        (status = 400, description = "`invalid_query` or `invalid_cursor`.", body = ErrorBody),
        (status = 404, description = "`not_found`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::View>,
    Path(path): Path<PairPath>,
    Query(paging): Query<Paging>,
) -> Result<Json<AuditPage>, Problem> {
    let (cursor, limit) = paging.within(&state.limits)?;
    let page = state
        .store
        .pair_audits(caller.organization, path.pair_id, cursor, limit)
        .await?;
    Ok(Json(AuditPage {
        audits: page.items.into_iter().map(AuditView::from).collect(),
        next_cursor: page.next,
    }))
}

impl From<PairAudit> for AuditView {
    fn from(audit: PairAudit) -> Self {
        Self {
            run_id: audit.run_id,
            complete_as_of: audit.as_of,
            finished_at: audit.finished_at,
            figures: audit.figures.into(),
            samples: audit.samples.into_iter().map(SampleView::from).collect(),
        }
    }
}

impl From<AuditFigures> for FiguresView {
    fn from(figures: AuditFigures) -> Self {
        Self {
            ranges: figures.ranges,
            objects: figures.objects,
            links: figures.links,
            differing: figures.differing,
            missing_in_hubspot: figures.missing_in_hubspot,
            missing_here: figures.missing_here,
            waiting: figures.waiting,
            mended: figures.mended,
            unsettled: figures.unsettled,
        }
    }
}

impl From<AuditSample> for SampleView {
    fn from(sample: AuditSample) -> Self {
        Self {
            record_id: sample.record_id,
            hubspot_id: sample.hubspot_id,
            reason: sample.reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::api::fixture::TestApi;

    #[tokio::test]
    async fn audits_are_listed_newest_first_page_by_page() {
        let api = TestApi::new().await;
        let pair = api.active_pair().await;
        let (older, newer) = (api.audited(&pair, 1).await, api.audited(&pair, 2).await);
        let acme = api.acme();
        let path = format!("/api/pairs/{pair}/audits");
        let first = acme.get(&format!("{path}?limit=1")).await.expect(200);
        assert_eq!(first["audits"][0]["runId"], newer.as_str());
        let cursor = first["nextCursor"].as_str().unwrap();
        let second = acme
            .get(&format!("{path}?limit=1&cursor={cursor}"))
            .await
            .expect(200);
        let audit = &second["audits"][0];
        assert_eq!(audit["runId"], older.as_str());
        assert_eq!(audit["figures"]["unsettled"], 1);
        assert_eq!(
            audit["samples"],
            json!([{"recordId": null, "hubspotId": "77", "reason": "required"}])
        );
        assert_eq!(second["nextCursor"], json!(null));
        acme.get(&format!("{path}?cursor=x"))
            .await
            .refused(400, "invalid_cursor");
    }
}
