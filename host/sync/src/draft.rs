//! What is to be written to one HubSpot object, and what becomes of it.

use partneros_domain::{Base, Column, ColumnKind, FieldName, Fields, HubSpotId, RecordId};
use partneros_hubspot::{PropertyError, RowError, WrittenObject};
use partneros_store::{
    Effect, FailureStage, Link, NewFailure, OutboxEffect, OutboxEntry, RecordEffect,
};

use crate::error::Error;
use crate::pair_plan::{PairPlan, Route};
use crate::pass::Pass;
use crate::push::HubSpotNow;
use crate::row::Row;

/// One property to write.
#[derive(Debug, Clone)]
pub struct Change {
    /// The position of its route in the plan.
    pub route: usize,
    /// The property.
    pub property: FieldName,
    /// The value; `None` clears.
    pub value: Option<String>,
}

/// One record on its way to HubSpot.
#[derive(Debug)]
pub struct Draft {
    /// The record.
    pub record_id: RecordId,
    /// The version that is pushed.
    version: i64,
    /// Its values.
    fields: Fields,
    /// The link as it will be; none until the object exists.
    link: Option<Link>,
    /// What is still to be written.
    pub changes: Vec<Change>,
    /// What could not be written.
    pub failures: Vec<NewFailure>,
    /// Whether the object was made or changed.
    done: bool,
}

impl Draft {
    /// The HubSpot object, if it exists.
    pub fn hubspot_id(&self) -> Option<HubSpotId> {
        self.link.as_ref().map(|link| link.hubspot_id)
    }

    /// Whether there is something to send.
    pub fn is_open(&self) -> bool {
        !self.done
            && (self.link.is_none() && self.failures.iter().all(|failure| failure.field.is_some())
                || !self.changes.is_empty())
    }

    /// Takes HubSpot's answer: what it says it holds becomes the base.
    pub fn written(&mut self, plan: &PairPlan, object: &WrittenObject) {
        let link = self.link.get_or_insert_with(|| Link {
            hubspot_id: object.id,
            base: Base::default(),
            hubspot_updated_at: object.updated_at,
        });
        link.hubspot_updated_at = link.hubspot_updated_at.max(object.updated_at);
        for change in self.changes.drain(..) {
            let answered = object.properties.get(change.property.as_str());
            let value = answered.cloned().unwrap_or(change.value);
            link.base.see_hubspot(&change.property, value.as_deref());
            for field in &plan.routes[change.route].fields {
                link.base
                    .see_partneros(field, self.fields.get(field.as_str()));
            }
        }
        self.done = true;
    }

    /// Takes HubSpot's refusal: properties that it names are left out and parked; if it names none of ours, the whole
    /// row is. Returns whether it is worth sending the rest.
    pub fn refused(&mut self, plan: &PairPlan, error: &RowError) -> bool {
        let before = self.changes.len();
        let mut failures = Vec::new();
        self.changes.retain(|change| {
            let named =
                |problem: &&PropertyError| problem.property.as_ref() == Some(&change.property);
            let Some(problem) = error.properties.iter().find(named) else {
                return true;
            };
            failures.push(refused_value(&plan.routes[change.route], problem));
            false
        });
        self.failures.append(&mut failures);
        if self.changes.len() < before {
            return self.is_open();
        }
        self.give_up(error);
        false
    }

    /// Parks the whole row.
    pub fn give_up(&mut self, error: &RowError) {
        self.changes.clear();
        self.failures.push(NewFailure {
            field: None,
            property: None,
            code: if error.category.is_empty() {
                "refused".to_owned()
            } else {
                error.category.clone()
            },
            message: format!("HubSpot refused the object: {}", error.message),
            hint: "fix what HubSpot names, then edit the record or retry its failures".to_owned(),
        });
    }

    /// The effect of what was achieved.
    pub fn into_effect(self) -> Effect {
        Effect {
            record_id: self.record_id,
            record: RecordEffect::Pushed {
                version: self.version,
            },
            link: self.link,
            outbox: OutboxEffect::Settle,
            failures: self.failures,
            stage: FailureStage::Push,
            conflicts: Vec::new(),
        }
    }
}

/// Transforms the batch and drafts, for each record, the properties that have to be written.
pub async fn drafts(
    pass: &Pass,
    entries: Vec<&OutboxEntry>,
    current: &HubSpotNow,
) -> Result<Vec<Draft>, Error> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let batch = pass
        .plan
        .outbound_fields
        .iter()
        .map(|field| {
            let mut column = Column::with_capacity(ColumnKind::of(field.data_type), entries.len());
            for entry in &entries {
                column.push(entry.record.fields.get(field.name.as_str()).cloned());
            }
            column
        })
        .collect();
    let mapper = pass.engine.mapper.clone();
    let prepared = pass.outbound.clone();
    let mut transformed = tokio::task::spawn_blocking(move || mapper.transform(&prepared, batch))
        .await??
        .value;
    transformed.failures.sort_by_key(|failure| failure.row);
    let drafts = entries.iter().enumerate().map(|(at, entry)| {
        let row = entry
            .link
            .as_ref()
            .and_then(|link| current.position.get(&link.hubspot_id));
        let row = row.map(|position| Row::new(&current.rows, *position));
        draft(&pass.plan, entry, row.as_ref(), &mut transformed, at)
    });
    Ok(drafts.collect())
}

fn draft(
    plan: &PairPlan,
    entry: &OutboxEntry,
    row: Option<&Row<'_>>,
    transformed: &mut partneros_domain::plan::Transformed,
    at: usize,
) -> Draft {
    let fresh = Base::default();
    let before = entry.link.as_ref().map_or(&fresh, |link| &link.base);
    let mut draft = Draft {
        record_id: entry.record.id,
        version: entry.record.version,
        fields: entry.record.fields.clone(),
        link: entry.link.clone(),
        changes: Vec::new(),
        failures: Vec::new(),
        done: false,
    };
    for (position, route) in plan.routes.iter().enumerate() {
        let Some(rule) = route.outbound else { continue };
        let covered = before.covers(&route.fields, &route.properties);
        if !before.partneros_changed(covered, &route.fields, &entry.record.fields) {
            continue;
        }
        if let Some(row) = row {
            let values = route.columns.iter().map(|column| row.value(*column));
            if before.hubspot_changed(covered, route.properties.iter().zip(values)) {
                // HubSpot's side could not be taken in (it is listed as failed), so the field is undecided.
                continue;
            }
        }
        let failure = transformed
            .failures
            .iter()
            .find(|failure| failure.row as usize == at && failure.rule as usize == rule);
        if let Some(failure) = failure {
            draft
                .failures
                .push(untransformed(route, &failure.code, &failure.message));
            continue;
        }
        let value = transformed
            .columns
            .get_mut(rule)
            .and_then(|column| column.take(at));
        let value = match value {
            Some(partneros_domain::Value::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        };
        settle(&mut draft, plan, position, value, row);
    }
    draft
}

/// Writes the value, unless HubSpot holds it already: then both sides agree without a write.
fn settle(
    draft: &mut Draft,
    plan: &PairPlan,
    position: usize,
    value: Option<String>,
    row: Option<&Row<'_>>,
) {
    let route = &plan.routes[position];
    let held = row.and_then(|row| row.value(route.columns[0]));
    match (&mut draft.link, row) {
        (Some(link), Some(_)) if held == value.as_deref() => {
            link.base.see_hubspot(&route.property, held);
            for field in &route.fields {
                link.base
                    .see_partneros(field, draft.fields.get(field.as_str()));
            }
        }
        (None, _) if value.is_none() => {}
        _ => draft.changes.push(Change {
            route: position,
            property: route.property.clone(),
            value,
        }),
    }
}

fn untransformed(route: &Route, code: &str, message: &str) -> NewFailure {
    NewFailure {
        field: Some(route.field.name.clone()),
        property: Some(route.property.clone()),
        code: code.to_owned(),
        message: message.to_owned(),
        hint: "correct the value, or change the mapping or its options".to_owned(),
    }
}

fn refused_value(route: &Route, problem: &PropertyError) -> NewFailure {
    let hint = match problem.code.as_str() {
        "INVALID_OPTION" => "choose a value that HubSpot allows, or add a value map to the mapping",
        "PROPERTY_DOESNT_EXIST" => {
            "refresh the schema, then map the field to another property or ignore it"
        }
        "READ_ONLY_VALUE" => "give the mapping the direction `hubspot_to_partneros`",
        _ => "correct the value, or change the mapping or its options",
    };
    NewFailure {
        field: Some(route.field.name.clone()),
        property: Some(route.property.clone()),
        code: problem.code.clone(),
        message: format!("HubSpot refused the value: {}", problem.message),
        hint: hint.to_owned(),
    }
}
