//! Looks through a pair's links for values that HubSpot holds.

use std::collections::{BTreeMap, HashSet};

use partneros_domain::{Agreed, RecordId};
use rusqlite::{Connection as Database, params};

use super::encoding::Cell;
use super::fault::Outcome;
use crate::{HeldQuery, HeldValue, SoughtValues};

pub(super) fn values(db: &Database, pair: i64, query: &HeldQuery) -> Outcome<Vec<HeldValue>> {
    let mut list = db.prepare_cached(
        "SELECT r.id, e.value FROM links l
         JOIN records r ON r.key = l.record AND r.deleted_at IS NULL
         JOIN json_each(l.base) e ON e.key = ?2
         WHERE l.pair = ?1 ORDER BY l.record",
    )?;
    let (named, are_sought) = match &query.sought {
        SoughtValues::These(values) => (values, true),
        SoughtValues::OthersThan(values) => (values, false),
    };
    let named: HashSet<_> = named.iter().map(String::as_str).collect();
    let mut found: BTreeMap<String, HeldValue> = BTreeMap::new();
    let mut rows = list.query(params![pair, query.field.as_str()])?;
    while let Some(row) = rows.next()? {
        let record = RecordId(row.get(0)?);
        let agreed: Agreed = Cell::new("links", "base").json(row, 1, record)?;
        let held = agreed.hubspot.get(query.place).and_then(Option::as_deref);
        let (true, Some(held)) = (agreed.rule == query.rule, held) else {
            continue;
        };
        let values = held.split(|char| query.several && char == ';');
        for value in values.filter(|value| !value.is_empty()) {
            if named.contains(value) == are_sought {
                note(&mut found, query, value, record);
            }
        }
    }
    Ok(found.into_values().collect())
}

fn note(found: &mut BTreeMap<String, HeldValue>, query: &HeldQuery, value: &str, record: RecordId) {
    if !found.contains_key(value) && found.len() == query.values_max {
        return;
    }
    let entry = found.entry(value.to_owned());
    let entry = entry.or_insert_with_key(|value| HeldValue {
        value: value.clone(),
        count: 0,
        records: Vec::new(),
    });
    entry.count += 1;
    if entry.records.len() < query.records_max {
        entry.records.push(record);
    }
}
