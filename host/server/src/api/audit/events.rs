//! `GET /api/audit-events`: what was done, newest first.

use axum::Json;
use axum::extract::State;
use partneros_domain::Timestamp;
use partneros_store::{AuditEvent, EventFilter};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api::query::{Paging, Query};
use crate::api::words;
use crate::auth::{Permitted, permission};
use crate::problem::{ErrorBody, Problem};
use crate::state::AppState;

/// Which events are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// The beginning of the event's type, such as `plugin.`; all unless given.
    #[serde(rename = "type")]
    prefix: Option<String>,
    /// What it was done to, exactly as events name it, such as `pair` and the pair's id behind a space; all unless given.
    subject: Option<String>,
    /// From this time on, in ISO 8601.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Before this time, in ISO 8601.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// Where to go on: `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many entries at most; 100 unless given, and up to 500.
    limit: Option<usize>,
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventPage {
    events: Vec<EventView>,
    /// Where the next page starts; null at the end.
    next_cursor: Option<String>,
}

/// Something that was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEvent)]
pub struct EventView {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// By whom: a member's address, a token's name, or `system` for the host itself.
    actor: String,
    /// What, such as `plugin.activated`.
    #[serde(rename = "type")]
    #[schema(value_type = words::EventType)]
    event: String,
    /// To what.
    subject: String,
    /// What else is known.
    #[schema(value_type = Object)]
    metadata: Value,
}

impl From<AuditEvent> for EventView {
    fn from(event: AuditEvent) -> Self {
        Self {
            id: event.id.to_string(),
            at: event.at,
            actor: event.actor,
            event: event.event,
            subject: event.subject,
            metadata: event.metadata,
        }
    }
}

/// Lists what was done, newest first.
#[utoipa::path(get, path = "/api/audit-events", tag = "audit", operation_id = "listAuditEvents",
    params(Wanted),
    responses(
        (status = 200, description = "A page of events.", body = EventPage),
        (status = 400, description = "`invalid_query` or `invalid_cursor`.", body = ErrorBody),
    ))]
pub async fn handle(
    State(state): State<AppState>,
    caller: Permitted<permission::ReadAudit>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<EventPage>, Problem> {
    let paging = Paging::new(wanted.cursor, wanted.limit);
    let (cursor, limit) = paging.within(&state.limits)?;
    let filter = EventFilter {
        prefix: wanted.prefix,
        subject: wanted.subject,
        from: wanted.from,
        to: wanted.to,
    };
    let page = state
        .store
        .events(caller.organization, &filter, cursor, limit)
        .await?;
    Ok(Json(EventPage {
        events: page.items.into_iter().map(EventView::from).collect(),
        next_cursor: page.next,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use crate::api::fixture::{Client, TestApi};

    async fn events(client: &Client<'_>, query: &str) -> Vec<Json> {
        let path = format!("/api/audit-events?{query}");
        let page = client.get(&path).await.expect(200);
        page["events"].as_array().unwrap().clone()
    }

    fn types(events: &[Json]) -> Vec<&str> {
        let types = events.iter().map(|event| event["type"].as_str().unwrap());
        types.collect()
    }

    #[tokio::test]
    async fn whatever_is_done_to_a_pair_is_written_down() {
        let api = TestApi::new().await;
        let acme = api.acme();
        let pair = api.active_pair().await;
        let path = format!("/api/pairs/{pair}");
        let read = acme.get(&format!("{path}/mappings")).await.expect(200);
        let mut mappings = read.clone();
        mappings["mappings"][0]["options"] = json!({"default": "of a customer"});
        let put = acme.put(&format!("{path}/mappings"), mappings).await;
        put.expect(200);
        let change = json!({"property": "name", "conflictPolicy": "crm_wins"});
        let patched = acme.patch(&format!("{path}/mappings/city"), change).await;
        patched.expect(200);
        acme.patch(&path, json!({"conflictPolicy": "crm_wins"}))
            .await
            .expect(200);
        acme.post(&format!("{path}/pause"), json!({}))
            .await
            .expect(200);
        acme.delete(&path).await.expect(200);
        let subject = format!("subject=pair%20{pair}");
        let all = events(&acme, &subject).await;
        assert_eq!(
            types(&all),
            [
                "pair.deleted",
                "pair.paused",
                "pair.updated",
                "mapping.updated",
                "mapping.replaced",
                "pair.activated",
                "mapping.confirmed",
                "mapping.suggested",
                "pair.created"
            ]
        );
        let is_named = |event: &Json| event["actor"] == "a test's admin";
        assert!(all.iter().all(is_named), "{all:?}");
        assert_eq!(
            all[2]["metadata"],
            json!({"changed": {"conflictPolicy": {"from": "newest_wins", "to": "crm_wins"}}})
        );
        let changed = &all[3]["metadata"]["changed"]["city"];
        assert_eq!(changed["property"], json!({"from": "city", "to": "name"}));
        assert_eq!(changed["state"], Json::Null, "it was confirmed before");
        let replaced = &all[4]["metadata"];
        assert_eq!(replaced["changedFields"], 1);
        let field = read["mappings"][0]["field"].as_str().unwrap();
        assert_eq!(replaced["changed"][field], json!({"options": "differ"}));
        assert!(!json!(all).to_string().contains("of a customer"));
        assert_eq!(all[8]["metadata"]["hubspotObject"], "companies");
        assert_eq!(events(&api.other(), &subject).await, Vec::<Json>::new());
    }

    #[tokio::test]
    async fn events_are_filtered_by_type_and_time() {
        let api = TestApi::new().await;
        let acme = api.acme();
        let path = format!("/api/pairs/{}", api.pair().await);
        api.environment.wait_ms(60_000);
        acme.post(&format!("{path}/suggestions"), json!({}))
            .await
            .expect(200);
        let of_pairs = events(&acme, "type=pair.").await;
        assert_eq!(types(&of_pairs), ["pair.created"]);
        let made_at = of_pairs[0]["at"].as_str().unwrap();
        let later = "2026-11-23T09:00:30Z";
        assert_eq!(
            types(&events(&acme, &format!("from={later}")).await),
            ["mapping.suggested"]
        );
        assert_eq!(
            types(&events(&acme, &format!("from={made_at}&to={later}")).await),
            ["pair.created"]
        );
        let message = acme
            .get("/api/audit-events?from=yesterday")
            .await
            .refused(400, "invalid_query");
        assert!(
            message.contains("`yesterday` is not an ISO 8601"),
            "{message}"
        );
    }

    #[tokio::test]
    async fn events_are_kept_for_400_days() {
        const DAY_MS: i64 = 24 * 3_600_000;
        let api = TestApi::new().await;
        let acme = api.acme();
        api.pair().await;
        api.environment.wait_ms(400 * DAY_MS);
        api.state.engine.keep_house().await.unwrap();
        assert_eq!(types(&events(&acme, "").await), ["pair.created"]);
        api.environment.wait_ms(1);
        assert_eq!(api.state.engine.keep_house().await.unwrap(), 1);
        assert_eq!(types(&events(&acme, "").await), Vec::<&str>::new());
    }
}
