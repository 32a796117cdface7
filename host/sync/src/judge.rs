//! Decides what a page of HubSpot's rows means for the records they are linked to. Pure: no store, no portal.
//!
//! Every field goes through [`decide`]. What is carried to PartnerOS becomes part of the effect at once; what is to be
//! carried to HubSpot only puts the record into the outbox, since the push reads HubSpot again before it writes.
//!
//! Invariant: an agreement changes only when both sides agree, or when the loser is kept as a conflict. A value that could
//! not be transformed leaves its agreement alone, so that nothing is forgotten.

use partneros_domain::{
    Agreed, Base, ConflictPolicy, ConflictRule, Decision, Direction, Facts, Fields, HubSpotId,
    RecordId, Side, Timestamp, Value, decide, hubspot_changed, partneros_changed,
};
use partneros_store::{
    Counts, Effect, FailureStage, Link, LinkedRecord, NewConflict, NewFailure, NotedChange,
    OutboxEffect, Record, RecordEffect,
};

use crate::brake::overwritten;
use crate::mistakes::{Mistake, made};
use crate::pair_plan::{PairPlan, Route};
use crate::plugins::{Outcome, PLUGIN_FAILED, plugin_failed};
use crate::row::Row;

/// What a row meets on our side.
#[derive(Debug, Clone)]
pub enum Counterpart {
    /// Its link and record.
    Linked(LinkedRecord),
    /// A record that exists but was not linked so far.
    Matched(Record),
    /// A record from which we made the object, without learning of it, with what was sent then, if it is known.
    Made(Record, Base),
    /// Nothing: a record with this id is to be made.
    New(RecordId),
}

impl Counterpart {
    /// The record, if it exists.
    pub fn record_id(&self) -> Option<RecordId> {
        match self {
            Self::Linked(entry) => Some(entry.record_id),
            Self::Matched(record) | Self::Made(record, _) => Some(record.id),
            Self::New(_) => None,
        }
    }
}

/// What a row leads to.
#[derive(Debug)]
pub enum Verdict {
    /// Nothing to write.
    Unchanged,
    /// Changes to write, and those among them that the brake counts.
    Effect(Box<Effect>, Vec<NotedChange>),
    /// No record could be made of it.
    Rejected(HubSpotId, Vec<NewFailure>),
}

/// Whether HubSpot's side of a linked row differs from the last agreement in any mapping. If not, there is nothing to
/// transform: the row is an echo of our own write, or something moved that is not mapped.
pub fn is_changed(plan: &PairPlan, link: &Link, row: &Row<'_>) -> bool {
    plan.routes.iter().any(|route| {
        let agreed = link.base.agreed(&route.field.name, route.rule);
        agreed.is_none() || hubspot_changed(agreed, route.hubspot_values(row))
    })
}

/// Whether an edit of ours waits to be sent that somebody discarded, so that it gives way to what HubSpot holds.
pub fn is_discarded(plan: &PairPlan, link: &Link, record: &Record) -> bool {
    plan.routes.iter().any(|route| {
        let agreed = link.base.agreed(&route.field.name, route.rule);
        route.discard == Some(Side::HubSpot)
            && partneros_changed(agreed, route.partneros_values(&record.fields))
    })
}

/// Whether what HubSpot holds stays although ours changed. Where it holds nothing, nothing is lost by filling it.
fn is_taken_back(route: &Route, row: &Row<'_>) -> bool {
    route.discard == Some(Side::HubSpot)
        && route.direction.writes_hubspot()
        && row.value(route.columns[0]).is_some()
}

/// The side that a decision overwrites.
fn would_write(decision: Decision) -> Option<Side> {
    match decision {
        Decision::Carry { to } => Some(to),
        Decision::Conflict { winner, .. } => Some(match winner {
            Side::HubSpot => Side::PartnerOs,
            Side::PartnerOs => Side::HubSpot,
        }),
        Decision::Keep | Decision::Agree | Decision::Held { .. } => None,
    }
}

/// The value of a cell, or why it has none. Takes the value out.
fn take(inbound: &mut Outcome, route: &Route, at: usize) -> Result<Option<Value>, NewFailure> {
    let failed = |code: &str, message: &str| NewFailure {
        field: Some(route.field.name.clone()),
        property: Some(route.property.clone()),
        code: code.to_owned(),
        message: message.to_owned(),
        hint: "correct the value in HubSpot, or change the mapping or its options".to_owned(),
    };
    if let Some(row) = inbound.failed_row(at) {
        return Err(failed(PLUGIN_FAILED, &row.message));
    }
    let row = at as u32;
    let start = inbound
        .failures
        .partition_point(|failure| failure.row < row);
    let of_row = inbound.failures[start..]
        .iter()
        .take_while(|failure| failure.row == row);
    for failure in of_row {
        if failure.rule as usize == route.inbound {
            return Err(failed(&failure.code, &failure.message));
        }
    }
    match inbound
        .columns
        .get_mut(route.inbound)
        .and_then(|column| column.take(at))
    {
        None => Ok(None),
        Some(value) => value
            .checked(&route.field)
            .map_err(|error| failed("invalid_value", &error.to_string())),
    }
}

/// Judges one row. `at` is its position in the inbound batch.
pub fn judge(
    plan: &PairPlan,
    row: &Row<'_>,
    counterpart: Counterpart,
    inbound: &mut Outcome,
    at: usize,
    counts: &mut Counts,
) -> Verdict {
    let (record, link, ours) = match counterpart {
        Counterpart::New(record_id) => {
            return judge_new(plan, row, record_id, inbound, at, counts);
        }
        Counterpart::Linked(entry) => {
            let Some(record) = entry.record else {
                return Verdict::Unchanged;
            };
            let mut judge = Judge::new(plan, row, record, entry.link);
            judge.counted = true;
            if entry.push_failed {
                judge.outbox = OutboxEffect::Enqueue;
            }
            judge.routes(inbound, at, counts);
            // A look that finds nothing still clears what was listed for the object before.
            if judge.found_nothing() && !entry.pull_failed {
                counts.unchanged += 1;
                return Verdict::Unchanged;
            }
            return judge.verdict(counts);
        }
        Counterpart::Made(record, sent) => (record, new_link(row, sent), true),
        Counterpart::Matched(record) => (record, new_link(row, Base::default()), false),
    };
    counts.matched += 1;
    let mut judge = Judge::new(plan, row, record, link);
    judge.claimed = ours;
    judge.routes(inbound, at, counts);
    judge.verdict(counts)
}

fn new_link(row: &Row<'_>, base: Base) -> Link {
    Link {
        hubspot_id: row.id,
        base,
        hubspot_updated_at: row.updated_at,
    }
}

/// A HubSpot object that nothing corresponds to becomes a record.
fn judge_new(
    plan: &PairPlan,
    row: &Row<'_>,
    record_id: RecordId,
    inbound: &mut Outcome,
    at: usize,
    counts: &mut Counts,
) -> Verdict {
    if let Some(failed) = inbound.failed_row(at) {
        counts.failed += 1;
        return Verdict::Rejected(row.id, vec![plugin_failed(&failed.message)]);
    }
    let mut fields = Vec::with_capacity(plan.routes.len());
    let mut failures = Vec::new();
    let mut settled = Vec::with_capacity(plan.routes.len());
    for route in &plan.routes {
        if !route.direction.writes_partneros() {
            continue;
        }
        match take(inbound, route, at) {
            Err(failure) => failures.push(failure),
            Ok(value) => {
                settled.push(route);
                fields.extend(value.map(|value| (route.field.name.clone(), value)));
            }
        }
    }
    let fields: Fields = fields.into_iter().collect();
    let missing = missing_required(plan, &fields);
    if !missing.is_empty() {
        counts.failed += 1;
        failures.extend(missing);
        return Verdict::Rejected(row.id, failures);
    }
    let agreed = |route: &&Route| (route.field.name.clone(), route.agreement(&fields, row));
    let base = settled.iter().map(agreed).collect();
    counts.records_created += 1;
    counts.failed += failures.len() as u64;
    let effect = Effect {
        record_id,
        record: RecordEffect::Create { fields },
        link: Some(Link {
            hubspot_id: row.id,
            base,
            hubspot_updated_at: row.updated_at,
        }),
        outbox: OutboxEffect::Leave,
        failures,
        stage: FailureStage::Pull,
        conflicts: Vec::new(),
    };
    Verdict::Effect(Box::new(effect), Vec::new())
}

fn missing_required(plan: &PairPlan, fields: &Fields) -> Vec<NewFailure> {
    let required = plan.object.fields.iter().filter(|field| field.required);
    let missing = required.filter(|field| fields.get(field.name.as_str()).is_none());
    missing
        .map(|field| NewFailure {
            field: Some(field.name.clone()),
            property: plan
                .routes
                .iter()
                .find(|route| route.field.name == field.name)
                .map(|route| route.property.clone()),
            code: "required".to_owned(),
            message: format!(
                "field `{}` is required and the HubSpot object has no value for it",
                field.name
            ),
            hint: "fill the property in HubSpot, or give the mapping a default".to_owned(),
        })
        .collect()
}

/// The judgement of one row against its record, mapping by mapping.
struct Judge<'a> {
    plan: &'a PairPlan,
    row: &'a Row<'a>,
    record: Record,
    before: Base,
    link: Link,
    fields: Fields,
    fields_changed: bool,
    failures: Vec<NewFailure>,
    conflicts: Vec<NewConflict>,
    /// Whether changes count for the brake, as those of a record that was linked before do.
    counted: bool,
    changes: Vec<NotedChange>,
    /// What becomes of its place in the outbox where nothing is to push. What failed on its way to HubSpot may be done away with by
    /// what is decided here, so the push looks at it again.
    outbox: OutboxEffect,
    /// The object carries the record's id, so it was made from this record and the answer was lost. What it holds came
    /// from us, perhaps through a lossy transform, or from someone who edited it since: ours stays, theirs is listed.
    claimed: bool,
}

impl<'a> Judge<'a> {
    fn new(plan: &'a PairPlan, row: &'a Row<'a>, record: Record, link: Link) -> Self {
        let mut judge = Self {
            plan,
            row,
            before: link.base.clone(),
            fields: record.fields.clone(),
            record,
            link,
            fields_changed: false,
            failures: Vec::new(),
            conflicts: Vec::new(),
            counted: false,
            changes: Vec::new(),
            outbox: OutboxEffect::Leave,
            claimed: false,
        };
        for route in &plan.routes {
            judge.recognise(route);
        }
        judge
    }

    /// A write of ours whose answer never came: if HubSpot holds what was sent, that is the last agreement.
    fn recognise(&mut self, route: &Route) {
        let agreed = self.link.base.agreed(&route.field.name, route.rule);
        let Some((agreed, sent)) = agreed.and_then(|agreed| Some((agreed, agreed.sent.as_ref()?)))
        else {
            return;
        };
        if sent.hubspot.as_deref() == self.row.value(route.columns[0]) {
            let agreed = Agreed {
                partneros: sent.partneros.clone(),
                tug: agreed.tug.clone().written(),
                ..route.agreement(&self.fields, self.row)
            };
            self.link.base.set(route.field.name.clone(), agreed);
        }
    }

    fn routes(&mut self, inbound: &mut Outcome, at: usize, counts: &mut Counts) {
        let plan = self.plan;
        for route in &plan.routes {
            let agreed = self.link.base.agreed(&route.field.name, route.rule);
            let tug = agreed.map(|agreed| agreed.tug.clone()).unwrap_or_default();
            if tug.paused.is_some() {
                continue;
            }
            let partneros = partneros_changed(agreed, route.partneros_values(&self.record.fields));
            if hubspot_changed(agreed, route.hubspot_values(self.row)) {
                let value = match take(inbound, route, at) {
                    Ok(None) if route.field.required => Err(required_cleared(route)),
                    other => other,
                };
                let ours = self.record.fields.get(route.field.name.as_str());
                let equal = value.as_ref().is_ok_and(|value| value.as_ref() == ours);
                self.decide(route, partneros, value, counts);
                if !equal {
                    let (name, tug) = (&route.field.name, tug.rewritten());
                    self.link.base.set_tug(name, route.rule, tug);
                }
            } else if agreed.is_none() && !partneros {
                self.agree(route);
            } else if partneros && is_taken_back(route, self.row) {
                self.take_back(route, take(inbound, route, at), counts);
            }
        }
    }

    /// HubSpot's side changed. `value` is what it means here, or why that cannot be told.
    fn decide(
        &mut self,
        route: &Route,
        partneros_changed: bool,
        value: Result<Option<Value>, NewFailure>,
        counts: &mut Counts,
    ) {
        let ours = self.record.fields.get(route.field.name.as_str());
        let facts = Facts {
            partneros_changed,
            hubspot_changed: true,
            equal: value.as_ref().is_ok_and(|value| value.as_ref() == ours),
            partneros_edited_at: self.record.edited_at,
            hubspot_modified_at: self.row.updated_at,
        };
        let policy = if made(Mistake::PolicyIgnored) {
            ConflictPolicy::CrmWins
        } else if self.claimed {
            ConflictPolicy::PartnerOsWins
        } else {
            route.policy
        };
        let direction = if made(Mistake::DirectionIgnored) {
            Direction::Bidirectional
        } else {
            route.direction
        };
        let decision = decide(direction, policy, &facts);
        let loses = |side: &Side| match side {
            Side::PartnerOs => ours.is_some(),
            Side::HubSpot => self.row.value(route.columns[0]).is_some(),
        };
        let stays = would_write(decision).filter(|side| route.discard == Some(*side));
        if let (Some(side), Ok(value)) = (stays.filter(loses), &value) {
            return self.discard(route, side, value.clone(), counts);
        }
        match (decision, value) {
            (Decision::Agree, _) => self.agree(route),
            (
                Decision::Carry {
                    to: Side::PartnerOs,
                },
                Ok(value),
            ) => self.write(route, value),
            (
                Decision::Conflict {
                    winner: Side::HubSpot,
                    rule,
                },
                Ok(value),
            ) => {
                self.list_conflict(route, Side::HubSpot, rule, counts);
                self.write(route, value);
            }
            (
                Decision::Conflict {
                    winner: Side::PartnerOs,
                    rule,
                },
                _,
            ) => {
                self.list_conflict(route, Side::PartnerOs, rule, counts);
                self.keep_for_push(route);
            }
            // HubSpot's value is wanted and makes no sense: it waits, with its agreement as it was.
            (Decision::Carry { .. } | Decision::Conflict { .. }, Err(failure)) => {
                counts.failed += 1;
                self.failures.push(failure);
            }
            (Decision::Keep | Decision::Held { .. } | Decision::Carry { .. }, _) => {}
        }
    }

    fn list_conflict(
        &mut self,
        route: &Route,
        winner: Side,
        rule: ConflictRule,
        counts: &mut Counts,
    ) {
        if made(Mistake::LoserDropped) {
            return;
        }
        counts.conflicts += 1;
        let ours = self.record.fields.get(route.field.name.as_str());
        self.conflicts.push(NewConflict {
            field: route.field.name.clone(),
            property: route.property.clone(),
            partneros_value: ours.map_or(serde_json::Value::Null, json),
            hubspot_value: self.row.value(route.columns[0]).map(ToOwned::to_owned),
            winner,
            rule,
        });
    }

    /// Both sides hold the same: that is the new agreement.
    fn agree(&mut self, route: &Route) {
        let agreed = route.agreement(&self.fields, self.row);
        self.link.base.set(route.field.name.clone(), agreed);
    }

    /// What one side holds is not overwritten by the other, since somebody discarded that.
    fn discard(&mut self, route: &Route, stays: Side, value: Option<Value>, counts: &mut Counts) {
        self.list_conflict(route, stays, ConflictRule::Discarded, counts);
        match stays {
            Side::PartnerOs if route.direction.writes_hubspot() => self.keep_for_push(route),
            Side::HubSpot if route.direction.writes_partneros() => self.write(route, value),
            // Values flow one way only: both sides keep theirs.
            Side::PartnerOs | Side::HubSpot => self.agree(route),
        }
    }

    /// An edit of ours that somebody discarded gives way to what HubSpot holds.
    fn take_back(
        &mut self,
        route: &Route,
        value: Result<Option<Value>, NewFailure>,
        counts: &mut Counts,
    ) {
        match value {
            Err(failure) => {
                counts.failed += 1;
                self.failures.push(failure);
            }
            Ok(value) if self.fields.get(route.field.name.as_str()) == value.as_ref() => {
                self.agree(route);
            }
            Ok(value) => self.discard(route, Side::HubSpot, value, counts),
        }
    }

    /// HubSpot's value becomes PartnerOS's.
    fn write(&mut self, route: &Route, value: Option<Value>) {
        let name = &route.field.name;
        let old = match value {
            Some(value) => self.fields.insert(name.clone(), value),
            None => self.fields.remove(name.as_str()),
        };
        let new = self.fields.get(name.as_str());
        self.fields_changed |= old.as_ref() != new;
        if self.counted && old.is_some() {
            let ids = (self.record.id, self.link.hubspot_id);
            let change = overwritten((Side::PartnerOs, name), ids, old, new.cloned());
            self.changes.extend(change);
        }
        self.agree(route);
    }

    /// PartnerOS's value stays: HubSpot's is settled as seen, and ours is owed to it.
    fn keep_for_push(&mut self, route: &Route) {
        let then = self.link.base.agreed(&route.field.name, route.rule);
        let partneros = then.map_or_else(
            || vec![None; route.fields.len()],
            |agreed| agreed.partneros.clone(),
        );
        let agreed = Agreed {
            partneros,
            owed: true,
            ..route.agreement(&self.fields, self.row)
        };
        self.link.base.set(route.field.name.clone(), agreed);
    }

    /// Whether values of the record, as it will be, wait to be pushed. A field that one mapping wrote may feed another.
    fn has_to_push(&self) -> bool {
        self.plan.routes.iter().any(|route| {
            let agreed = self.link.base.agreed(&route.field.name, route.rule);
            let paused = agreed.is_some_and(|agreed| agreed.tug.paused.is_some());
            route.direction.writes_hubspot()
                && !paused
                && partneros_changed(agreed, route.partneros_values(&self.fields))
                && !hubspot_changed(agreed, route.hubspot_values(self.row))
        })
    }

    /// Whether there is nothing to write: what changed may not flow, and stays where it is.
    fn found_nothing(&self) -> bool {
        !self.fields_changed
            && self.failures.is_empty()
            && self.conflicts.is_empty()
            && self.link.base == self.before
            && !self.has_to_push()
    }

    fn verdict(mut self, counts: &mut Counts) -> Verdict {
        let changes = std::mem::take(&mut self.changes);
        Verdict::Effect(Box::new(self.effect(counts)), changes)
    }

    fn effect(mut self, counts: &mut Counts) -> Effect {
        let to_push = self.has_to_push();
        self.link.hubspot_updated_at = self.link.hubspot_updated_at.max(self.row.updated_at);
        let version = self.record.version;
        let record = if self.fields_changed {
            counts.records_updated += 1;
            RecordEffect::Update {
                version,
                fields: self.fields,
            }
        } else {
            RecordEffect::Keep { version }
        };
        Effect {
            record_id: self.record.id,
            record,
            link: Some(self.link),
            outbox: if to_push {
                OutboxEffect::Enqueue
            } else {
                self.outbox
            },
            failures: self.failures,
            stage: FailureStage::Pull,
            conflicts: self.conflicts,
        }
    }
}

fn required_cleared(route: &Route) -> NewFailure {
    NewFailure {
        field: Some(route.field.name.clone()),
        property: Some(route.property.clone()),
        code: "required".to_owned(),
        message: format!(
            "field `{}` is required and was cleared in HubSpot",
            route.field.name
        ),
        hint: "fill the property in HubSpot again".to_owned(),
    }
}

fn json(value: &Value) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or(serde_json::Value::Null)
}

/// Whether a sighting is older than what HubSpot told us before, as an index that lags behind our own write shows it.
pub fn is_stale(link: &Link, seen: Timestamp) -> bool {
    seen < link.hubspot_updated_at
}
