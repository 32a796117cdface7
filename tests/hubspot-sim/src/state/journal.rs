//! The webhooks journal: what happened to objects that the app subscribed to, in files that are read one after the other.
//!
//! One simulated portal has one journal, and each event carries the portal's number. The journal is the app's: its calls
//! take a token of the app itself, which no portal's call takes, and which outlives the installation.
//!
//! Files and the 204 behind the newest one are as clients of the live service describe them.
// Unverified: the status for an offset that is unknown or too old, whether files hold one event or many, what a merge and an
// association name, and what becomes of a scope that the app does not have.

use std::collections::{BTreeMap, HashMap, VecDeque};

use partneros_domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::object_type::TypeIx;
use super::sim::Sim;
use crate::errors::ApiError;

/// How long entries are kept, in milliseconds: three days.
pub const KEPT_MS: i64 = 3 * 86_400_000;
/// How long the address of a file works, in milliseconds.
const FILE_MS: i64 = 300_000;
/// Entries of a batch at most.
const BATCH_MAX: usize = 100;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Action {
    /// It was made.
    Create,
    /// Values of it were set.
    Update,
    /// It was archived or erased.
    Delete,
    /// Others were merged into it.
    Merge,
    /// It was brought back.
    Restore,
    /// It was associated with another.
    AssociationAdded,
    /// An association of it ended.
    AssociationRemoved,
}

/// What the app wants to hear of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Its number; 0 while it is asked for.
    #[serde(default)]
    pub id: u64,
    /// `OBJECT` or `ASSOCIATION`; the others are not simulated.
    pub subscription_type: String,
    /// The portal.
    pub portal_id: u64,
    /// The object type, such as `0-2`.
    pub object_type_id: String,
    /// What it is about.
    pub actions: Vec<Action>,
    /// Only of these objects; none means all.
    #[serde(default)]
    pub object_ids: Vec<u64>,
    /// Only of these properties; none means all.
    #[serde(default)]
    pub properties: Vec<String>,
    /// Of associations: the types of the other end.
    #[serde(default)]
    pub associated_object_type_ids: Vec<String>,
}

/// Where the next entry is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// The oldest that is kept.
    Earliest,
    /// The newest.
    Latest,
    /// The one after an offset.
    After(&'a str),
}

/// The journal of an app.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    /// Scopes that the app was never given: a token leaves them out.
    pub withheld: Vec<String>,
    /// What is written to the next file in place of the events, to try a reader.
    pub garbled: Option<String>,
    entries: VecDeque<Entry>,
    subscriptions: BTreeMap<u64, Subscription>,
    tokens: HashMap<String, (Vec<String>, Timestamp)>,
    files: HashMap<String, (String, Timestamp)>,
}

#[derive(Debug, Clone)]
struct Entry {
    offset: String,
    at: Timestamp,
    events: Vec<Value>,
    /// Somebody was told of it, so that nothing is added.
    told: bool,
}

impl Journal {
    /// The subscriptions, in the order they were made.
    pub fn subscriptions(&self) -> impl Iterator<Item = &Subscription> {
        self.subscriptions.values()
    }

    /// Lets every token of the app die, as if time had passed.
    pub fn expire_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Forgets all entries and the offsets that led to them.
    pub fn forget(&mut self) {
        self.entries.clear();
    }

    pub(crate) fn keep_token(&mut self, token: String, scopes: Vec<String>, until: Timestamp) {
        self.tokens.insert(token, (scopes, until));
    }

    /// Whether the app wants to hear what happened to an object; of an association, with an object of the other type.
    fn wants(
        &self,
        portal_id: u64,
        (type_id, id): (&str, u64),
        action: Action,
        other: Option<&String>,
    ) -> bool {
        self.subscriptions.values().any(|subscription| {
            let ends = &subscription.associated_object_type_ids;
            subscription.portal_id == portal_id
                && subscription.object_type_id == type_id
                && subscription.actions.contains(&action)
                && (subscription.object_ids.is_empty() || subscription.object_ids.contains(&id))
                && other.is_none_or(|other| ends.contains(other))
        })
    }
}

impl Sim {
    /// Lets a call of the app itself in: draws its fault, and looks at its token.
    pub fn admit_app(
        &mut self,
        now: Timestamp,
        path: &str,
        bearer: Option<&str>,
        scope: &str,
    ) -> Result<Option<crate::faults::Fault>, ApiError> {
        self.settle(now);
        let fault = self.faults.draw(path);
        if let Some(refusal) = fault.and_then(crate::faults::Fault::refusal) {
            return Err(refusal);
        }
        let token = bearer.and_then(|token| self.journal.tokens.get(token));
        let (scopes, _) = token
            .filter(|(_, until)| now < *until)
            .ok_or_else(ApiError::unauthenticated)?;
        if !scopes.iter().any(|granted| granted == scope) {
            return Err(ApiError::missing_scopes(&[scope.to_owned()]));
        }
        Ok(fault)
    }

    /// Writes down what happened to an object, if the app wants to hear of it. `merged` are the others that became part of it.
    pub(crate) fn journal_event(
        &mut self,
        now: Timestamp,
        (ix, id): (TypeIx, u64),
        action: Action,
        merged: &[u64],
    ) {
        let type_id = self.object_type(ix).type_id.clone();
        let portal_id = self.config.hub_id;
        if !self.journal.wants(portal_id, (&type_id, id), action, None) {
            return;
        }
        let mut event = json!({
            "type": "OBJECT",
            "portalId": portal_id,
            "objectTypeId": type_id,
            "objectId": id,
            "action": action,
            "occurredAt": now,
        });
        if !merged.is_empty() {
            event["mergedObjectIds"] = json!(merged);
        }
        self.write_down(now, event);
    }

    /// Writes down that two records were tied together or parted, once for each end that the app wants to hear of.
    pub(crate) fn journal_association(
        &mut self,
        now: Timestamp,
        from: (TypeIx, u64),
        to: (TypeIx, u64),
        action: Action,
    ) {
        let portal_id = self.config.hub_id;
        for (own, other) in [(from, to), (to, from)] {
            let type_id = self.object_type(own.0).type_id.clone();
            let other_type_id = self.object_type(other.0).type_id.clone();
            let end = (type_id.as_str(), own.1);
            if !self
                .journal
                .wants(portal_id, end, action, Some(&other_type_id))
            {
                continue;
            }
            let event = json!({
                "type": "ASSOCIATION",
                "portalId": portal_id,
                "objectTypeId": type_id,
                "objectId": own.1,
                "associatedObjectTypeId": other_type_id,
                "associatedObjectId": other.1,
                "action": action,
                "occurredAt": now,
            });
            self.write_down(now, event);
        }
    }

    fn write_down(&mut self, now: Timestamp, event: Value) {
        let newest = self.journal.entries.back_mut();
        if let Some(entry) = newest.filter(|entry| entry.at == now && !entry.told) {
            entry.events.push(event);
            return;
        }
        let offset = self.correlation_id();
        self.journal.entries.push_back(Entry {
            offset,
            at: now,
            events: vec![event],
            told: false,
        });
    }

    /// The entry at a place, with a short-lived address of its file under `base`; none where nothing is new.
    pub fn journal_entry(
        &mut self,
        place: Place<'_>,
        base: &str,
        now: Timestamp,
    ) -> Result<Option<Value>, ApiError> {
        Ok(self.journal_entries(place, 1, base, now)?.pop())
    }

    /// Up to `count` entries from a place on, in order of time.
    pub fn journal_entries(
        &mut self,
        place: Place<'_>,
        count: usize,
        base: &str,
        now: Timestamp,
    ) -> Result<Vec<Value>, ApiError> {
        if count == 0 || count > BATCH_MAX {
            return Err(ApiError::validation(format!(
                "count must be between 1 and {BATCH_MAX}"
            )));
        }
        self.forget_old_entries(now);
        let entries = &self.journal.entries;
        let start = match place {
            Place::Earliest => 0,
            Place::Latest => entries.len().saturating_sub(count),
            Place::After(offset) => {
                let at = entries.iter().position(|entry| entry.offset == offset);
                at.map(|at| at + 1).ok_or_else(|| no_such_offset(offset))?
            }
        };
        let end = entries.len().min(start + count);
        Ok((start..end).map(|at| self.tell(at, base, now)).collect())
    }

    /// The entries with these offsets, and those of the offsets that there is none for.
    pub fn journal_read(
        &mut self,
        offsets: &[String],
        base: &str,
        now: Timestamp,
    ) -> (Vec<Value>, Vec<String>) {
        self.forget_old_entries(now);
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for offset in offsets {
            let mut entries = self.journal.entries.iter();
            match entries.position(|entry| entry.offset == *offset) {
                Some(at) => found.push(self.tell(at, base, now)),
                None => missing.push(offset.clone()),
            }
        }
        (found, missing)
    }

    /// The file behind an address that was told.
    pub fn journal_file(&mut self, key: &str, now: Timestamp) -> Result<Vec<u8>, ApiError> {
        let told = self.journal.files.get(key);
        let offset = told.filter(|(_, until)| now < *until).map(|told| &told.0);
        let offset = offset.ok_or_else(|| ApiError::plain(403, "Request has expired"))?;
        let mut entries = self.journal.entries.iter();
        let entry = entries.find(|entry| entry.offset == *offset);
        let entry = entry.ok_or_else(|| ApiError::plain(404, "The file does not exist"))?;
        let file = json!({
            "offset": entry.offset,
            "publishedAt": entry.at,
            "journalEvents": entry.events,
        });
        let garbled = self.journal.garbled.clone();
        Ok(garbled.unwrap_or_else(|| file.to_string()).into_bytes())
    }

    /// Makes a subscription, or replaces that to the same objects.
    pub fn subscribe(&mut self, mut new: Subscription) -> Result<Subscription, ApiError> {
        let is_of_objects = new.associated_object_type_ids.is_empty();
        let is_valid = match new.subscription_type.as_str() {
            "OBJECT" => is_of_objects,
            "ASSOCIATION" => !is_of_objects,
            _ => false,
        };
        if !is_valid || new.actions.is_empty() {
            return Err(ApiError::validation("Invalid subscription"));
        }
        let known = self.journal.subscriptions.values();
        let same = known.filter(|known| {
            known.subscription_type == new.subscription_type
                && known.portal_id == new.portal_id
                && known.object_type_id == new.object_type_id
                && known.object_ids == new.object_ids
        });
        let last = self.journal.subscriptions.keys().next_back().copied();
        let next = last.unwrap_or_default() + 1;
        new.id = same.map(|same| same.id).next().unwrap_or(next);
        self.journal.subscriptions.insert(new.id, new.clone());
        Ok(new)
    }

    /// One subscription.
    pub fn subscription(&self, id: u64) -> Result<&Subscription, ApiError> {
        let found = self.journal.subscriptions.get(&id);
        found.ok_or_else(|| ApiError::plain(404, format!("Subscription {id} not found")))
    }

    /// Ends a subscription.
    pub fn unsubscribe(&mut self, id: u64) -> Result<(), ApiError> {
        self.subscription(id)?;
        self.journal.subscriptions.remove(&id);
        Ok(())
    }

    /// Ends all subscriptions to a portal.
    pub fn unsubscribe_portal(&mut self, portal_id: u64) {
        let subscriptions = &mut self.journal.subscriptions;
        subscriptions.retain(|_, subscription| subscription.portal_id != portal_id);
    }

    fn tell(&mut self, at: usize, base: &str, now: Timestamp) -> Value {
        let key = self.correlation_id();
        let until = now.plus_millis(FILE_MS);
        let entry = &mut self.journal.entries[at];
        entry.told = true;
        let offset = entry.offset.clone();
        self.journal
            .files
            .insert(key.clone(), (offset.clone(), until));
        json!({
            "url": format!("{base}{FILES}/{key}"),
            "expiresAt": until,
            "currentOffset": offset,
        })
    }

    fn forget_old_entries(&mut self, now: Timestamp) {
        let since = now.plus_millis(-KEPT_MS);
        self.journal.entries.retain(|entry| entry.at > since);
        self.journal.files.retain(|_, (_, until)| now < *until);
    }
}

/// The path under which files are.
pub const FILES: &str = "/webhooks-journal-files";

fn no_such_offset(offset: &str) -> ApiError {
    ApiError::plain(404, format!("No journal entry with offset {offset}"))
}
