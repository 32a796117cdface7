//! Whether both sides hold the same, found out without the engine: all records over the API, all objects as the portal
//! shows them, and [`crate::judge`] between them.
//!
//! A value may differ only where the host lists it as failed, with a reason. Every record and every object must be linked
//! to exactly one of the other.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use crate::api::Record;
use crate::judge::{Difference, Judge};
use crate::links;
use crate::portal::Row;
use crate::setup::Pair;
use crate::stage::Stage;

/// How many records are compared at a time.
const BATCH: usize = 500;
/// How many differences are told.
const TOLD_MAX: usize = 10;

/// A value or record that the host lists as failed.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// The record, if there is one.
    pub record_id: Option<String>,
    /// The HubSpot object, if there is one.
    pub hubspot_id: Option<String>,
    /// The field, when it is about one.
    pub field: Option<String>,
    /// A stable code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// What the comparison found.
#[derive(Debug, Default)]
pub struct Agreement {
    /// Records that were compared.
    pub records: u64,
    /// Values that were compared.
    pub values: u64,
    /// Values that differ and are listed by the host with a reason.
    pub excused: u64,
    /// What is wrong, the first of it in words.
    pub told: Vec<String>,
    /// How much is wrong.
    pub wrong: u64,
}

impl Agreement {
    fn tell(&mut self, what: impl FnOnce() -> String) {
        self.wrong += 1;
        if self.told.len() < TOLD_MAX {
            self.told.push(what());
        }
    }
}

/// Compares all records of a pair with all of its HubSpot objects.
pub async fn compare(stage: &Stage, pair: &Pair) -> anyhow::Result<Agreement> {
    let judge = Judge::new(stage, pair).await?;
    let listed = failures(stage, pair).await?;
    let properties = judge.properties();
    let rows = stage.portal.rows(pair.hubspot_object, &properties)?;
    let records = stage.api.records(pair.object).await?;
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let links = links::records_of(stage, pair, &ids).await?;
    let mut agreement = Agreement {
        records: records.len() as u64,
        ..Agreement::default()
    };
    let both = pair_up(&rows, &records, &links, &listed, &mut agreement);
    let excused: HashSet<(&str, &str)> = listed
        .iter()
        .filter_map(|entry| Some((entry.record_id.as_deref()?, entry.field.as_deref()?)))
        .collect();
    for batch in both.chunks(BATCH) {
        agreement.values += (batch.len() * properties.len()) as u64;
        for difference in judge.differences(batch)? {
            let Difference {
                field,
                row,
                record,
                held,
            } = difference;
            if excused.contains(&(record.id.as_str(), field)) {
                agreement.excused += 1;
                continue;
            }
            let value = record.fields.get(field);
            let (record, object) = (&record.id, row.id);
            agreement.tell(|| {
                format!("`{field}` of record {record} is {value:?}, object {object} has {held:?}")
            });
        }
    }
    Ok(agreement)
}

/// What the host lists as failed.
pub async fn failures(stage: &Stage, pair: &Pair) -> anyhow::Result<Vec<Listed>> {
    stage
        .api
        .list(&format!("/api/pairs/{}/failures", pair.id), "failures")
        .await
}

/// Every object with its record. One that is missing, or linked twice, is wrong.
fn pair_up<'a>(
    rows: &'a [Row],
    records: &'a [Record],
    links: &HashMap<u64, String>,
    listed: &[Listed],
    agreement: &mut Agreement,
) -> Vec<(&'a Row, &'a Record)> {
    let mut unlinked: HashMap<&str, &Record> = records
        .iter()
        .map(|record| (record.id.as_str(), record))
        .collect();
    let mut both = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(id) = links.get(&row.id) else {
            let name = row.id.to_string();
            if !listed
                .iter()
                .any(|entry| entry.hubspot_id.as_deref() == Some(&name))
            {
                agreement.tell(|| format!("HubSpot object {name} has no record"));
            }
            continue;
        };
        match unlinked.remove(id.as_str()) {
            Some(record) => both.push((row, record)),
            None => agreement
                .tell(|| format!("record {id} of object {} is gone or linked twice", row.id)),
        }
    }
    for id in unlinked.into_keys() {
        if !listed
            .iter()
            .any(|entry| entry.field.is_none() && entry.record_id.as_deref() == Some(id))
        {
            agreement.tell(|| format!("record {id} has no HubSpot object"));
        }
    }
    both
}
