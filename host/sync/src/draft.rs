//! What is to be written to one HubSpot object, and what becomes of it.

use std::sync::Arc;

use partneros_domain::{
    Agreed, Base, Column, ColumnKind, FieldName, Fields, HubSpotId, RecordId, Sent, Side,
    Timestamp, Tug, Value, hubspot_changed, partneros_changed,
};
use partneros_hubspot::{PropertyError, RowError, WrittenObject};
use partneros_store::{
    Effect, FailureStage, Link, NewFailure, NotedChange, OutboxEffect, OutboxEntry, RecordEffect,
};

use crate::brake::overwritten;
use crate::error::Error;
use crate::mistakes::{Mistake, made};
use crate::pair_plan::{PairPlan, Route};
use crate::pass::Pass;
use crate::plugins::{Outcome, plugin_failed};
use crate::push::HubSpotNow;
use crate::row::Row;
use crate::tug;

/// The category of a row that HubSpot's answer left out.
pub const NO_ANSWER: &str = "NO_ANSWER";
/// What HubSpot says of a property that it does not have.
const NO_SUCH_PROPERTY: &str = "PROPERTY_DOESNT_EXIST";
/// Categories of refusals that have nothing to do with the row.
const TRANSIENT_CATEGORIES: [&str; 4] = [NO_ANSWER, "RATE_LIMITS", "INTERNAL_ERROR", "TIMEOUT"];

/// One property to write.
#[derive(Debug, Clone)]
pub struct Change {
    /// The position of its route in the plan.
    pub route: usize,
    /// The property.
    pub property: FieldName,
    /// The value; `None` clears.
    pub value: Option<String>,
    /// What HubSpot held before, in the order of the route's properties.
    before: Vec<Option<String>>,
}

/// One record on its way to HubSpot.
#[derive(Debug)]
pub struct Draft {
    /// The record.
    pub record_id: RecordId,
    /// The version that is pushed.
    version: i64,
    /// Since when it waits to be pushed.
    since: Timestamp,
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
    /// Whether it is worth trying again by itself: HubSpot had trouble of its own with the row, or lacked a property.
    waits: bool,
}

impl Draft {
    /// The HubSpot object, if it exists.
    pub fn hubspot_id(&self) -> Option<HubSpotId> {
        self.link.as_ref().map(|link| link.hubspot_id)
    }

    /// Since when that has waited which HubSpot has now; none if it has nothing new.
    pub fn arrived(&self) -> Option<Timestamp> {
        self.done.then_some(self.since)
    }

    /// Whether there is something to send.
    pub fn is_open(&self) -> bool {
        !self.done && (self.link.is_none() && self.failures.is_empty() || !self.changes.is_empty())
    }

    /// What is about to be sent, to be written down on the link or, while there is none, in the outbox; none when nothing is.
    ///
    /// If the answer or our commit is lost, the next look at the object recognises its value as ours by this, instead of
    /// taking it for somebody's edit.
    pub fn intent(&self, plan: &PairPlan) -> Option<Effect> {
        if self.changes.is_empty() {
            return None;
        }
        let mut base = self
            .link
            .as_ref()
            .map(|link| link.base.clone())
            .unwrap_or_default();
        for change in &self.changes {
            let route = &plan.routes[change.route];
            let agreed = base.agreed(&route.field.name, route.rule).cloned();
            let mut agreed = agreed.unwrap_or_else(|| Agreed {
                rule: route.rule,
                partneros: vec![None; route.fields.len()],
                hubspot: change.before.clone(),
                owed: false,
                sent: None,
                tug: Tug::default(),
            });
            if made(Mistake::AnswerForgotten) {
                continue;
            }
            agreed.sent = Some(Sent {
                partneros: self.values(route),
                hubspot: change.value.clone(),
            });
            base.set(route.field.name.clone(), agreed);
        }
        let Some(link) = &self.link else {
            return Some(self.effect(OutboxEffect::Sending(base)));
        };
        let link = Link {
            base,
            ..link.clone()
        };
        Some(Effect {
            link: Some(link),
            ..self.effect(if made(Mistake::OutboxFirst) {
                OutboxEffect::Settle
            } else {
                OutboxEffect::Leave
            })
        })
    }

    /// What of it the brake counts: values that others take the place of.
    pub fn overwrites<'a>(&'a self, plan: &'a PairPlan) -> impl Iterator<Item = NotedChange> + 'a {
        let link = self.link.iter();
        link.flat_map(move |link| {
            let ids = (self.record_id, link.hubspot_id);
            self.changes.iter().filter_map(move |change| {
                let field = &plan.routes[change.route].field.name;
                let from = change.before.first().cloned().flatten();
                let (from, to) = (from.map(Value::Text), change.value.clone().map(Value::Text));
                overwritten((Side::HubSpot, field), ids, from, to)
            })
        })
    }

    /// The routes of what is to be written although HubSpot's side has rewritten it so many times in a row.
    pub fn suspects(&self, plan: &PairPlan, rewrites: u32) -> Vec<usize> {
        let Some(link) = &self.link else {
            return Vec::new();
        };
        let routes = self.changes.iter().map(|change| change.route);
        routes
            .filter(|route| tug_of(&link.base, &plan.routes[*route]).rewrites >= rewrites)
            .collect()
    }

    /// Leaves a route's value where it is, for as long as the pause lasts.
    pub fn pause(&mut self, plan: &PairPlan, position: usize, source: String) {
        let route = &plan.routes[position];
        self.changes.retain(|change| change.route != position);
        self.failures.push(tug::paused(route, &source));
        let paused = Tug {
            paused: Some(source),
            ..Tug::default()
        };
        self.set_tug(route, paused);
    }

    /// Forgets the turns that were taken at a route's value.
    pub fn clear_of_tug(&mut self, route: &Route) {
        self.set_tug(route, Tug::default());
    }

    fn set_tug(&mut self, route: &Route, tug: Tug) {
        if let Some(link) = &mut self.link {
            link.base.set_tug(&route.field.name, route.rule, tug);
        }
    }

    fn values(&self, route: &Route) -> Vec<Option<Value>> {
        route
            .partneros_values(&self.fields)
            .map(Option::<&Value>::cloned)
            .collect()
    }

    /// Takes HubSpot's answer: what it says it holds is the new agreement.
    pub fn written(&mut self, plan: &PairPlan, object: &WrittenObject) {
        let mut link = self.link.take().unwrap_or_else(|| Link {
            hubspot_id: object.id,
            base: Base::default(),
            hubspot_updated_at: object.updated_at,
        });
        link.hubspot_updated_at = link.hubspot_updated_at.max(object.updated_at);
        for change in std::mem::take(&mut self.changes) {
            if made(Mistake::AnswerForgotten) {
                continue;
            }
            let route = &plan.routes[change.route];
            let answered = object.properties.get(change.property.as_str());
            let value = answered.cloned().unwrap_or(change.value);
            let agreed = Agreed {
                tug: tug_of(&link.base, route).written(),
                ..self.agreement(route, value, change.before)
            };
            link.base.set(route.field.name.clone(), agreed);
        }
        self.link = Some(link);
        self.done = true;
    }

    /// What was pushed and what HubSpot holds now. `before` are HubSpot's values in the order of the route's properties.
    fn agreement(
        &self,
        route: &Route,
        value: Option<String>,
        mut before: Vec<Option<String>>,
    ) -> Agreed {
        before.resize(route.properties.len(), None);
        if let Some(first) = before.first_mut() {
            *first = value.filter(|text| !text.is_empty());
        }
        Agreed {
            rule: route.rule,
            partneros: self.values(route),
            hubspot: before,
            owed: false,
            sent: None,
            tug: Tug::default(),
        }
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
            // Either the property comes back, or the next look at the object tells that the mapping cannot run.
            self.waits |= problem.code == NO_SUCH_PROPERTY;
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

    /// Parks the whole row; if the trouble is HubSpot's own, only for a while.
    pub fn give_up(&mut self, error: &RowError) {
        self.changes.clear();
        self.waits |= TRANSIENT_CATEGORIES.contains(&error.category.as_str());
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

    /// The effect of what was achieved. What HubSpot could not take for the moment is tried again at `retry_at`.
    pub fn into_effect(mut self, retry_at: Timestamp) -> Effect {
        let outbox = if self.waits {
            OutboxEffect::RetryAt(retry_at)
        } else {
            OutboxEffect::Settle
        };
        let failures = std::mem::take(&mut self.failures);
        Effect {
            failures,
            link: self.link.take(),
            ..self.effect(outbox)
        }
    }

    fn effect(&self, outbox: OutboxEffect) -> Effect {
        Effect {
            record_id: self.record_id,
            record: RecordEffect::Pushed {
                version: self.version,
            },
            link: None,
            outbox,
            failures: Vec::new(),
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
    let (mapper, split) = (Arc::clone(&pass.mapper), Arc::clone(&pass.outbound));
    let (plan, at) = (Arc::clone(&pass.plan), pass.engine.environment.now());
    let records: Vec<Fields> = entries
        .iter()
        .map(|entry| entry.record.fields.clone())
        .collect();
    let transform = move || {
        let cells = |input: usize, rows: &[usize]| {
            let field = plan.outbound_fields.get(input);
            let kind = field.map_or(ColumnKind::Text, |field| ColumnKind::of(field.data_type));
            let mut column = Column::with_capacity(kind, rows.len());
            for row in rows {
                let fields = records.get(*row);
                let value = field.and_then(|field| fields?.get(field.name.as_str()));
                column.push(value.cloned());
            }
            column
        };
        mapper.transform(&split, records.len(), &cells, at)
    };
    let mut transformed = pass.engine.compute(transform).await??;
    let drafts = entries.iter().enumerate().map(|(at, entry)| {
        let row = entry
            .link
            .as_ref()
            .and_then(|link| current.row(link.hubspot_id));
        draft(&pass.plan, entry, row.as_ref(), &mut transformed, at)
    });
    Ok(drafts.collect())
}

fn draft(
    plan: &PairPlan,
    entry: &OutboxEntry,
    row: Option<&Row<'_>>,
    transformed: &mut Outcome,
    at: usize,
) -> Draft {
    let mut draft = Draft {
        record_id: entry.record.id,
        version: entry.record.version,
        since: entry.since,
        fields: entry.record.fields.clone(),
        link: entry.link.clone(),
        changes: Vec::new(),
        failures: Vec::new(),
        done: false,
        waits: false,
    };
    if let Some(failed) = transformed.failed_row(at) {
        draft.failures.push(plugin_failed(&failed.message));
        return draft;
    }
    for (position, route) in plan.routes.iter().enumerate() {
        let Some(rule) = route.outbound else { continue };
        let link = entry.link.as_ref();
        let agreed = link.and_then(|link| link.base.agreed(&route.field.name, route.rule));
        if let Some(source) = agreed.and_then(|agreed| agreed.tug.paused.as_ref()) {
            draft.failures.push(tug::paused(route, source));
            continue;
        }
        if !partneros_changed(agreed, route.partneros_values(&entry.record.fields)) {
            continue;
        }
        let overwrites = made(Mistake::Overwritten);
        if row.is_some_and(|row| hubspot_changed(agreed, route.hubspot_values(row))) && !overwrites
        {
            // HubSpot's side could not be taken in (it is listed as failed). That ours waits is listed too, so that the record is
            // not deleted with its object.
            draft.failures.push(undecided(route));
            continue;
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
            Some(Value::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        };
        settle(&mut draft, plan, position, value, row);
    }
    draft.failures.extend(waiting(plan, entry));
    draft
}

/// The edits that cannot be sent while their mapping does not run. That they are listed keeps the record from being deleted with
/// its object, and has it pushed once the mapping runs again.
fn waiting(plan: &PairPlan, entry: &OutboxEntry) -> Vec<NewFailure> {
    if made(Mistake::WaitingForgotten) {
        return Vec::new();
    }
    let edited = plan.waiting.iter().filter(|waiting| {
        let link = entry.link.as_ref();
        let agreed = link.and_then(|link| link.base.agreed(&waiting.field, waiting.rule));
        let names = waiting.fields.iter();
        partneros_changed(
            agreed,
            names.map(|name| entry.record.fields.get(name.as_str())),
        )
    });
    edited.map(|waiting| waiting.failure.clone()).collect()
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
    let before: Vec<_> = row.map_or_else(Vec::new, |row| {
        route
            .hubspot_values(row)
            .map(|held| held.map(ToOwned::to_owned))
            .collect()
    });
    if value.is_none() && (draft.link.is_none() || made(Mistake::ClearsDropped)) {
        return;
    }
    if row.is_some() && before.first() == Some(&value) {
        let agreed = draft.agreement(route, value, before);
        if let Some(link) = &mut draft.link {
            link.base.set(route.field.name.clone(), agreed);
        }
        return;
    }
    draft.changes.push(Change {
        route: position,
        property: route.property.clone(),
        value,
        before,
    });
}

fn tug_of(base: &Base, route: &Route) -> Tug {
    let agreed = base.agreed(&route.field.name, route.rule);
    agreed.map(|agreed| agreed.tug.clone()).unwrap_or_default()
}

/// A value that waits for HubSpot's to be taken in, which may count more.
fn undecided(route: &Route) -> NewFailure {
    NewFailure {
        field: Some(route.field.name.clone()),
        property: Some(route.property.clone()),
        code: "undecided".to_owned(),
        message: "both sides changed, and HubSpot's value could not be taken in".to_owned(),
        hint: "correct HubSpot's value, or the mapping: then it is decided which one counts"
            .to_owned(),
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
        NO_SUCH_PROPERTY => {
            "it is tried again; if the property is gone for good, map the field to another or ignore it"
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
