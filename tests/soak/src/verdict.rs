//! Whether both sides came to hold the same, judged by what people did and what the portals hold, without the engine.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use partneros_domain::{RecordId, Value};
use partneros_store::{FormerLinks as _, Record, Records as _, SyncState as _};

use crate::fleet::{Fleet, Member};
use crate::mapping::{COMPANIES, EDITED, OBJECT};
use crate::traffic::Traffic;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(20);
/// How often at most: by then every record was read again by the recheck.
const LOOKS_MAX: usize = 24;
/// How many rows a page of a list holds.
const PAGE: usize = 500;

/// Looks until both sides agree; returns what is left of the differences.
pub async fn wait_for_agreement(fleet: &Fleet, traffic: &Traffic) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for _ in 0..LOOKS_MAX {
        tokio::time::sleep(EVERY).await;
        found.clear();
        for (at, member) in fleet.members.iter().enumerate() {
            found.extend(differences(fleet, traffic, at, member).await?);
        }
        if found.is_empty() {
            break;
        }
        eprintln!("soak: {} differences are left", found.len());
    }
    Ok(found)
}

async fn differences(
    fleet: &Fleet,
    traffic: &Traffic,
    at: usize,
    member: &Member,
) -> anyhow::Result<Vec<String>> {
    let store = &fleet.host.store;
    let (organization, pair) = (member.organization, member.pair);
    let mut records = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = store.records(organization, OBJECT, after.as_deref(), PAGE);
        let page = page.await?;
        records.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let detached = store.detached_records(organization, pair, None, 10_000);
    let detached: HashSet<RecordId> = detached
        .await?
        .items
        .iter()
        .map(|detached| detached.record_id)
        .collect();
    let live: HashSet<u64> = match member.portal.sim().live_ids(COMPANIES) {
        Ok(live) => live.into_iter().collect(),
        Err(error) => anyhow::bail!("HubSpot shows no objects: {error:?}"),
    };
    let mut judge = Judge {
        traffic,
        at,
        member,
        found: Vec::new(),
    };
    let mut linked: HashMap<u64, RecordId> = HashMap::new();
    for record in &records {
        let link = store.link_of_record(organization, pair, record.id).await?;
        let Some(link) = link else {
            if !detached.contains(&record.id) {
                judge.tell(&format!("record {} has no object", record.id));
            }
            continue;
        };
        let object = u64::try_from(link.hubspot_id.0)?;
        if !live.contains(&object) {
            judge.tell(&format!("object {object} of record {} is gone", record.id));
            continue;
        }
        if let Some(other) = linked.insert(object, record.id) {
            judge.tell(&format!(
                "object {object} has records {other} and {}",
                record.id
            ));
        }
        judge.compare(record, object);
    }
    for object in live.iter().filter(|object| !linked.contains_key(object)) {
        judge.tell(&format!("object {object} has no record"));
    }
    Ok(judge.found)
}

struct Judge<'a> {
    traffic: &'a Traffic,
    at: usize,
    member: &'a Member,
    found: Vec<String>,
}

impl Judge<'_> {
    fn tell(&mut self, what: &str) {
        self.found.push(format!("portal {}: {what}", self.at + 1));
    }

    /// Both sides hold the same, and it is what somebody gave the field last on one of them.
    fn compare(&mut self, record: &Record, object: u64) {
        let portal = &self.member.portal;
        let read = portal
            .sim()
            .person_reads(COMPANIES, object, &EDITED, portal.now());
        let Ok(view) = read else {
            self.tell(&format!("object {object} cannot be read"));
            return;
        };
        for field in EDITED {
            let ours = match record.fields.get(field) {
                Some(Value::Text(text)) => Some(text.as_str()),
                _ => None,
            };
            let theirs = view.property(field).filter(|text| !text.is_empty());
            if ours != theirs {
                self.tell(&format!(
                    "record {} and object {object} differ in `{field}`: {ours:?} and {theirs:?}",
                    record.id
                ));
                continue;
            }
            let edits = [
                self.traffic.ours.get(&(self.at, record.id, field)),
                self.traffic.theirs.get(&(self.at, object, field)),
            ];
            let known = edits
                .into_iter()
                .flatten()
                .any(|edit| Some(edit.as_str()) == ours);
            if !known && edits.iter().any(Option::is_some) {
                self.tell(&format!(
                    "`{field}` of record {} is {ours:?}, and was given {edits:?} last",
                    record.id
                ));
            }
        }
    }
}
