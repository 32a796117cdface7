//! The portal's other side, under `/__sim`: what people do in HubSpot, the clock, the write log and faults.
//!
//! These calls need no token, have no budget and suffer no faults. HubSpot has nothing of the kind.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post, put};
use partneros_domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::shell::{Shell, bare, decode, error_response};
use crate::errors::ApiError;
use crate::faults::ArmedFault;
use crate::state::definitions::{NewProperty, PropertyChange};
use crate::state::merge::MergeRequest;
use crate::state::objects::{NewRecord, Show};
use crate::state::{Call, Sim, Values};

/// All routes, by their whole path.
pub fn routes() -> Router<Shell> {
    Router::new()
        .route("/__sim", get(overview))
        .route("/__sim/objects/{object_type}", post(create))
        .route("/__sim/objects/{object_type}/merge", post(merge))
        .route(
            "/__sim/objects/{object_type}/{id}",
            get(read).patch(set).delete(archive),
        )
        .route("/__sim/objects/{object_type}/{id}/restore", post(restore))
        .route("/__sim/properties/{object_type}", post(add_property))
        .route(
            "/__sim/properties/{object_type}/{name}",
            put(change_property).delete(remove_property),
        )
        .route("/__sim/writes", get(writes).delete(reset_writes))
        .route("/__sim/faults", post(arm).delete(disarm))
        .route("/__sim/clock/advance", post(advance))
        .route("/__sim/tokens/expire", post(expire_tokens))
        .route("/__sim/install", post(install).delete(uninstall))
}

#[derive(Debug, Deserialize)]
struct Properties {
    properties: Values,
}

#[derive(Debug, Deserialize)]
struct Advance {
    ms: u64,
}

#[derive(Debug, Deserialize)]
struct Install {
    scopes: Vec<String>,
}

async fn overview(State(shell): State<Shell>) -> Response {
    person(&shell, 200, |sim, now| {
        let counts: serde_json::Map<String, Value> = sim
            .types
            .iter()
            .map(|object_type| (object_type.name.clone(), object_type.records.len().into()))
            .collect();
        Ok(json!({
            "hubId": sim.config.hub_id,
            "now": now,
            "records": counts,
            "writes": sim.writes.counts(),
            "clientId": sim.config.app.client_id,
        }))
    })
}

async fn create(
    State(shell): State<Shell>,
    Path(object_type): Path<String>,
    body: Bytes,
) -> Response {
    person(&shell, 201, |sim, now| {
        let new: NewRecord = decode(&body)?;
        sim.create(&Call::person(now), &object_type, &new)
    })
}

async fn read(
    State(shell): State<Shell>,
    Path((object_type, id)): Path<(String, String)>,
) -> Response {
    person(&shell, 200, |sim, now| {
        let ix = sim.resolve(&object_type)?;
        let all = sim
            .object_type(ix)
            .registry
            .live()
            .map(|(_, property)| property.name.to_string());
        let show = Show {
            properties: all.collect(),
            ..Show::default()
        };
        let mut record = sim.read(&Call::person(now), &object_type, &id, None, false, &show)?;
        record.properties.retain(|(_, value)| value.is_some());
        Ok(record)
    })
}

async fn set(
    State(shell): State<Shell>,
    Path((object_type, id)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    person(&shell, 200, |sim, now| {
        let change: Properties = decode(&body)?;
        sim.update(
            &Call::person(now),
            &object_type,
            &id,
            None,
            &change.properties,
        )
    })
}

async fn archive(
    State(shell): State<Shell>,
    Path((object_type, id)): Path<(String, String)>,
) -> Response {
    person(&shell, 200, |sim, now| {
        sim.archive(&Call::person(now), &object_type, &id).map(done)
    })
}

async fn restore(
    State(shell): State<Shell>,
    Path((object_type, id)): Path<(String, u64)>,
) -> Response {
    person(&shell, 200, |sim, now| {
        sim.person_restores(&object_type, id, now).map(done)
    })
}

async fn merge(
    State(shell): State<Shell>,
    Path(object_type): Path<String>,
    body: Bytes,
) -> Response {
    person(&shell, 200, |sim, now| {
        let request: MergeRequest = decode(&body)?;
        sim.merge(&Call::person(now), &object_type, &request)
    })
}

async fn add_property(
    State(shell): State<Shell>,
    Path(object_type): Path<String>,
    body: Bytes,
) -> Response {
    person(&shell, 201, |sim, now| {
        let new: NewProperty = decode(&body)?;
        sim.create_property(&Call::person(now), &object_type, &new)
    })
}

async fn change_property(
    State(shell): State<Shell>,
    Path((object_type, name)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    person(&shell, 200, |sim, now| {
        let change: PropertyChange = decode(&body)?;
        sim.update_property(&Call::person(now), &object_type, &name, &change)
    })
}

async fn remove_property(
    State(shell): State<Shell>,
    Path((object_type, name)): Path<(String, String)>,
) -> Response {
    person(&shell, 200, |sim, now| {
        sim.person_removes_property(&object_type, &name, now)
            .map(done)
    })
}

async fn writes(State(shell): State<Shell>) -> Response {
    person(&shell, 200, |sim, _| {
        let list: Vec<_> = sim.writes.list().cloned().collect();
        Ok(json!({ "total": sim.writes.total(), "counts": sim.writes.counts(), "writes": list }))
    })
}

async fn reset_writes(State(shell): State<Shell>) -> Response {
    person(&shell, 200, |sim, _| {
        sim.writes.reset();
        Ok(done(()))
    })
}

async fn arm(State(shell): State<Shell>, body: Bytes) -> Response {
    person(&shell, 200, |sim, _| {
        let fault: ArmedFault = decode(&body)?;
        sim.arm_fault(fault);
        Ok(done(()))
    })
}

async fn disarm(State(shell): State<Shell>) -> Response {
    person(&shell, 200, |sim, _| {
        sim.faults.disarm();
        Ok(done(()))
    })
}

async fn advance(State(shell): State<Shell>, body: Bytes) -> Response {
    person(&shell, 200, |_, _| {
        let advance: Advance = decode(&body)?;
        shell
            .clock()
            .advance(i64::try_from(advance.ms).unwrap_or(i64::MAX));
        Ok(json!({ "now": shell.now() }))
    })
}

async fn expire_tokens(State(shell): State<Shell>) -> Response {
    person(&shell, 200, |sim, now| {
        sim.grants.expire_access(now);
        Ok(done(()))
    })
}

async fn install(State(shell): State<Shell>, body: Bytes) -> Response {
    person(&shell, 200, |sim, now| {
        let install: Install = decode(&body)?;
        let scopes: Vec<&str> = install.scopes.iter().map(String::as_str).collect();
        Ok(sim.install(&scopes, now))
    })
}

async fn uninstall(State(shell): State<Shell>) -> Response {
    person(&shell, 200, |sim, _| {
        sim.uninstall();
        Ok(done(()))
    })
}

fn done((): ()) -> Value {
    json!({ "done": true })
}

fn person<T: Serialize>(
    shell: &Shell,
    status: u16,
    run: impl FnOnce(&mut Sim, Timestamp) -> Result<T, ApiError>,
) -> Response {
    let now = shell.now();
    let mut sim = shell.sim();
    match run(&mut sim, now) {
        Ok(body) => bare(status, &body),
        Err(error) => error_response(&sim.stamp(error), None),
    }
}
