//! The portal behind the trait that the sync engine is written against, without HTTP in between.
//!
//! A [`SimPortal`] lets every call in as the shell does (token, budgets, faults) and runs the same operations, so the
//! same checks refuse the same rows. It refreshes its own access token. Unlike the client over HTTP it never waits: an
//! empty budget or a fault is an error at once, since time is the test's. A lost answer is [`Error::Transport`] after
//! the call was applied.

mod convert;
mod write;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use partneros_domain::{FieldName, HubSpotId, Timestamp};
use partneros_hubspot::model::{AccountInfo, CustomSchema, NewProperty, Owner, Pipeline, Property};
use partneros_hubspot::{
    BATCH_MAX, Error, List, ObjectHistory, Portal, Priority, ReadBatch, Rows, Search, SearchPage,
    Update, Upsert, Window, Written, modified_property,
};
use serde_json::json;

use crate::clock::Clock;
use crate::errors::ApiError;
use crate::faults::Fault;
use crate::limits::Cost;
use crate::oauth::{ACCESS_TOKEN_S, TokenRequest};
use crate::state::batch::{BatchRead, RecordRef};
use crate::state::objects::Show;
use crate::state::search::SearchRequest;
use crate::state::view::Text;
use crate::state::{ApiVersion, Call, Sim};

/// One installation of the app in a portal.
#[derive(Debug, Clone)]
pub struct SimPortal {
    sim: Arc<Mutex<Sim>>,
    clock: Clock,
    version: ApiVersion,
    tokens: Arc<Mutex<Tokens>>,
}

#[derive(Debug)]
struct Tokens {
    access: String,
    refresh: String,
    expires: Timestamp,
}

impl SimPortal {
    /// Installs the app with `scopes` and takes the tokens.
    pub fn install(sim: Arc<Mutex<Sim>>, clock: Clock, scopes: &[&str]) -> Self {
        let now = clock.now();
        let reply = lock(&sim).install(scopes, now);
        let tokens = Tokens {
            access: reply.access_token,
            refresh: reply.refresh_token.unwrap_or_default(),
            expires: now.plus_millis(reply.expires_in * 1_000),
        };
        Self {
            sim,
            clock,
            version: ApiVersion::V3,
            tokens: Arc::new(Mutex::new(tokens)),
        }
    }

    /// Talks to another version of the API.
    #[must_use]
    pub fn with_version(self, version: ApiVersion) -> Self {
        Self { version, ..self }
    }

    /// The portal itself, locked; never hold the guard across an `await`.
    pub fn sim(&self) -> MutexGuard<'_, Sim> {
        lock(&self.sim)
    }

    /// The clock that calls are made by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Runs one call as the HTTP shell would.
    fn run<T>(
        &self,
        family: &str,
        rest: &str,
        cost: Cost,
        run: impl FnOnce(&mut Sim, &Call) -> Result<T, ApiError>,
    ) -> Result<T, Error> {
        let path = format!("{}/{rest}", self.version.crm(family));
        let now = self.clock.now();
        let mut sim = self.sim();
        let token = self.access_token(&mut sim, now)?;
        let admission = match sim.admit(now, &path, Some(&token), self.version, cost) {
            Ok(admission) => admission,
            Err(error) => return Err(convert::error(&sim.stamp(error))),
        };
        let outcome = run(&mut sim, &admission.call);
        match (admission.fault, outcome) {
            (Some(Fault::LostResponse), _) => Err(Error::Transport {
                url: path,
                source: "the simulated connection broke off".into(),
            }),
            (Some(Fault::CutOffBody), _) => Err(Error::InvalidResponse {
                url: path,
                problem: "the body was cut off".to_owned(),
            }),
            (_, outcome) => outcome.map_err(|error| convert::error(&sim.stamp(error))),
        }
    }

    fn access_token(&self, sim: &mut Sim, now: Timestamp) -> Result<String, Error> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.expires <= now {
            let request = TokenRequest {
                grant_type: "refresh_token".to_owned(),
                client_id: sim.config.app.client_id.clone(),
                client_secret: sim.config.app.client_secret.clone(),
                refresh_token: Some(tokens.refresh.clone()),
                ..TokenRequest::default()
            };
            let reply = sim
                .token(&request, now)
                .map_err(|error| convert::oauth_error(&error))?;
            tokens.access = reply.access_token;
            tokens.expires = now.plus_millis(ACCESS_TOKEN_S * 1_000);
            if let Some(refresh) = reply.refresh_token {
                tokens.refresh = refresh;
            }
        }
        Ok(tokens.access.clone())
    }
}

#[async_trait]
impl Portal for SimPortal {
    async fn search(&self, search: Search<'_>) -> Result<SearchPage, Error> {
        let request = search_request(&search)?;
        let rest = format!("{}/search", search.object);
        let page = self.run("objects", &rest, Cost::Search, |sim, call| {
            sim.search(call, search.object, &request)
        })?;
        Ok(SearchPage {
            total: page.total as u64,
            rows: convert::rows(&page.records, search.properties),
        })
    }

    async fn read_batch(
        &self,
        object: &str,
        properties: &[FieldName],
        ids: &[HubSpotId],
        _: Priority,
    ) -> Result<ReadBatch, Error> {
        let mut distinct: Vec<HubSpotId> = ids.to_vec();
        distinct.sort();
        distinct.dedup();
        let request = BatchRead {
            inputs: distinct
                .iter()
                .map(|id| RecordRef {
                    id: Text(id.to_string()),
                })
                .collect(),
            properties: names(properties),
            ..BatchRead::default()
        };
        let rest = format!("{object}/batch/read");
        let reply = self.run("objects", &rest, Cost::Other, |sim, call| {
            sim.batch_read(call, object, &request, false)
        })?;
        Ok(ReadBatch {
            rows: convert::rows(&reply.results, properties),
            missing: reply.errors.iter().flat_map(convert::missing_ids).collect(),
        })
    }

    async fn read_history(
        &self,
        object: &str,
        properties: &[FieldName],
        ids: &[HubSpotId],
        _: Priority,
    ) -> Result<Vec<ObjectHistory>, Error> {
        let request = BatchRead {
            inputs: ids
                .iter()
                .map(|id| RecordRef {
                    id: Text(id.to_string()),
                })
                .collect(),
            properties_with_history: names(properties),
            ..BatchRead::default()
        };
        let rest = format!("{object}/batch/read");
        let reply = self.run("objects", &rest, Cost::Other, |sim, call| {
            sim.batch_read(call, object, &request, false)
        })?;
        let histories = reply.results.iter();
        histories
            .map(|record| convert::history(record, properties))
            .collect()
    }

    async fn read_by_key(
        &self,
        object: &str,
        properties: &[FieldName],
        key_property: &FieldName,
        keys: &[String],
        _: Priority,
    ) -> Result<Rows, Error> {
        let request = BatchRead {
            inputs: keys
                .iter()
                .map(|key| RecordRef {
                    id: Text(key.clone()),
                })
                .collect(),
            properties: names(properties),
            id_property: Some(key_property.to_string()),
            ..BatchRead::default()
        };
        let rest = format!("{object}/batch/read");
        let reply = self.run("objects", &rest, Cost::Other, |sim, call| {
            sim.batch_read(call, object, &request, false)
        })?;
        Ok(convert::rows(&reply.results, properties))
    }

    async fn update_batch(
        &self,
        object: &str,
        updates: &[Update],
        _: Priority,
    ) -> Result<Vec<Written>, Error> {
        let rows: Vec<_> = updates.iter().map(write::update_row).collect();
        write::row_by_row_if_refused(&rows, |rows| {
            let rest = format!("{object}/batch/update");
            self.run("objects", &rest, Cost::Other, |sim, call| {
                sim.batch_update(call, object, rows)
            })
        })
    }

    async fn upsert_batch(
        &self,
        object: &str,
        key_property: &FieldName,
        upserts: &[Upsert],
        _: Priority,
    ) -> Result<Vec<Written>, Error> {
        let rows: Vec<_> = upserts
            .iter()
            .map(|upsert| write::upsert_row(upsert, key_property))
            .collect();
        write::row_by_row_if_refused(&rows, |rows| {
            let rest = format!("{object}/batch/upsert");
            self.run("objects", &rest, Cost::Other, |sim, call| {
                sim.batch_upsert(call, object, rows)
            })
        })
    }

    async fn archive_batch(
        &self,
        object: &str,
        ids: &[HubSpotId],
        _: Priority,
    ) -> Result<(), Error> {
        let rows: Vec<_> = ids
            .iter()
            .map(|id| RecordRef {
                id: Text(id.to_string()),
            })
            .collect();
        let rest = format!("{object}/batch/archive");
        self.run("objects", &rest, Cost::Other, |sim, call| {
            sim.batch_archive(call, object, &rows)
        })
    }

    async fn list(&self, list: List<'_>) -> Result<(Rows, Option<String>), Error> {
        let (object, after) = (list.object, list.after);
        let show = Show {
            properties: names(list.properties),
            ..Show::default()
        };
        let page = self.run("objects", object, Cost::Other, |sim, call| {
            sim.list(call, object, Some(BATCH_MAX), after, list.archived, &show)
        })?;
        Ok((
            convert::rows(&page.records, list.properties),
            page.after.map(|after| after.to_string()),
        ))
    }

    async fn properties(&self, object: &str) -> Result<Vec<Property>, Error> {
        let list = self.run("properties", object, Cost::Other, |sim, call| {
            sim.list_properties(call, object, false)
        })?;
        convert::decode(list["results"].clone())
    }

    async fn create_property(
        &self,
        object: &str,
        property: &NewProperty,
    ) -> Result<Property, Error> {
        let new = convert::new_property(property)?;
        let created = self.run("properties", object, Cost::Other, |sim, call| {
            sim.create_property(call, object, &new)
        });
        match created {
            Err(Error::Conflict(_)) => {
                let read = self.run("properties", object, Cost::Other, |sim, call| {
                    sim.read_property(call, object, &new.name, false)
                });
                convert::decode(read?)
            }
            created => convert::decode(created?),
        }
    }

    async fn custom_schemas(&self) -> Result<Vec<CustomSchema>, Error> {
        match self.run("schemas", "", Cost::Other, |sim, call| {
            sim.list_schemas(call, false)
        }) {
            Ok(list) => convert::decode(list["results"].clone()),
            Err(Error::MissingScopes { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn pipelines(&self, object: &str) -> Result<Vec<Pipeline>, Error> {
        let list = self.run("pipelines", object, Cost::Other, |sim, call| {
            sim.list_pipelines(call, object)
        })?;
        convert::decode(list["results"].clone())
    }

    async fn owners(&self) -> Result<Vec<Owner>, Error> {
        let list = self.run("owners", "", Cost::Other, |sim, call| {
            sim.list_owners(call, None, None, None, false)
        })?;
        convert::decode(list["results"].clone())
    }

    async fn account_info(&self) -> Result<AccountInfo, Error> {
        let details = self.run("account-info", "details", Cost::Other, |sim, call| {
            Ok(sim.account_details(call))
        })?;
        convert::decode(details)
    }
}

/// The body that the client would send.
fn search_request(search: &Search<'_>) -> Result<SearchRequest, Error> {
    let modified = modified_property(search.object);
    let filter = |property: &str, operator: &str, value: String| json!({ "propertyName": property, "operator": operator, "value": value });
    let (operator, at, after, sorted_by) = match search.window {
        Window::Since(at) => ("GTE", at, None, modified),
        Window::ById { since, after } => ("GTE", since, after, "hs_object_id"),
        Window::Within { at, after } => ("EQ", at, after, "hs_object_id"),
    };
    let mut filters = vec![filter(modified, operator, at.as_millis().to_string())];
    filters.extend(after.map(|id| filter("hs_object_id", "GT", id.to_string())));
    convert::decode(json!({
        "filterGroups": [{ "filters": filters }],
        "sorts": [{ "propertyName": sorted_by, "direction": "ASCENDING" }],
        "properties": names(search.properties),
        "limit": search.limit,
    }))
}

fn names(properties: &[FieldName]) -> Vec<String> {
    properties
        .iter()
        .map(|name| name.as_str().to_owned())
        .collect()
}

fn lock(sim: &Mutex<Sim>) -> MutexGuard<'_, Sim> {
    sim.lock().unwrap_or_else(PoisonError::into_inner)
}
