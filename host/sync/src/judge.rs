//! Decides what a page of HubSpot's rows means for the records they are linked to. Pure: no store, no portal.
//!
//! Every field goes through [`decide`]. What is carried to PartnerOS becomes part of the effect at once; what is to be
//! carried to HubSpot only puts the record into the outbox, since the push reads HubSpot again before it writes.
//!
//! Invariant: the base changes only for names that both sides agree on, or whose loser is kept as a conflict. A value
//! that could not be transformed leaves its base alone, so that nothing is forgotten.

use partneros_domain::plan::Failure;
use partneros_domain::{
    Base, Column, Decision, Facts, FieldName, Fields, HubSpotId, RecordId, Side, Timestamp, Value,
    decide,
};
use partneros_store::{
    Counts, Effect, FailureStage, Link, LinkedRecord, NewConflict, NewFailure, OutboxEffect,
    Record, RecordEffect,
};

use crate::pair_plan::{PairPlan, Route};
use crate::row::Row;

/// What a row meets on our side.
#[derive(Debug, Clone)]
pub enum Counterpart {
    /// Its link and record.
    Linked(LinkedRecord),
    /// A record that exists but was not linked so far.
    Matched(Record),
    /// Nothing: a record with this id is to be made.
    New(RecordId),
}

/// What a row leads to.
#[derive(Debug)]
pub enum Verdict {
    /// Nothing to write.
    Unchanged,
    /// Changes to write.
    Effect(Box<Effect>),
    /// No record could be made of it.
    Rejected(HubSpotId, Vec<NewFailure>),
}

/// Whether HubSpot's side of a linked row differs from the base in any mapped property. If not, there is nothing to
/// transform: the row is an echo of our own write, or something moved that is not mapped.
pub fn hubspot_changed(plan: &PairPlan, link: &Link, row: &Row<'_>) -> bool {
    plan.routes.iter().any(|route| {
        let covered = link.base.covers(&route.fields, &route.properties);
        !covered || route_changed(&link.base, covered, route, row)
    })
}

fn route_changed(base: &Base, covered: bool, route: &Route, row: &Row<'_>) -> bool {
    let values = route.columns.iter().map(|column| row.value(*column));
    base.hubspot_changed(covered, route.properties.iter().zip(values))
}

/// The transformed values of a batch: one column a route, and what failed.
#[derive(Debug)]
pub struct Inbound {
    /// In the order of [`PairPlan::routes`].
    pub columns: Vec<Column>,
    /// Failures sorted by row.
    pub failures: Vec<Failure>,
}

impl Inbound {
    /// The value of a cell, or why it has none. Takes the value out.
    fn take(&mut self, route: &Route, at: usize) -> Result<Option<Value>, NewFailure> {
        let failed = |code: &str, message: &str| NewFailure {
            field: Some(route.field.name.clone()),
            property: Some(route.property.clone()),
            code: code.to_owned(),
            message: message.to_owned(),
            hint: "correct the value in HubSpot, or change the mapping or its options".to_owned(),
        };
        let row = at as u32;
        let start = self.failures.partition_point(|failure| failure.row < row);
        let of_row = self.failures[start..]
            .iter()
            .take_while(|failure| failure.row == row);
        for failure in of_row {
            if failure.rule as usize == route.inbound {
                return Err(failed(&failure.code, &failure.message));
            }
        }
        match self
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
}

/// Judges one row. `at` is its position in the inbound batch.
pub fn judge(
    plan: &PairPlan,
    row: &Row<'_>,
    counterpart: Counterpart,
    inbound: &mut Inbound,
    at: usize,
    counts: &mut Counts,
) -> Verdict {
    match counterpart {
        Counterpart::New(record_id) => judge_new(plan, row, record_id, inbound, at, counts),
        Counterpart::Matched(record) => {
            counts.matched += 1;
            let link = Link {
                hubspot_id: row.id,
                base: Base::default(),
                hubspot_updated_at: row.updated_at,
            };
            let mut judge = Judge::new(plan, row, record, link);
            judge.routes(inbound, at, counts);
            Verdict::Effect(Box::new(judge.effect(counts)))
        }
        Counterpart::Linked(LinkedRecord { record: None, .. }) => Verdict::Unchanged,
        Counterpart::Linked(LinkedRecord {
            record: Some(record),
            link,
            ..
        }) => {
            let mut judge = Judge::new(plan, row, record, link);
            judge.routes(inbound, at, counts);
            if judge.found_nothing() {
                counts.unchanged += 1;
                return Verdict::Unchanged;
            }
            Verdict::Effect(Box::new(judge.effect(counts)))
        }
    }
}

/// A HubSpot object that nothing corresponds to becomes a record.
fn judge_new(
    plan: &PairPlan,
    row: &Row<'_>,
    record_id: RecordId,
    inbound: &mut Inbound,
    at: usize,
    counts: &mut Counts,
) -> Verdict {
    let mut fields = Vec::with_capacity(plan.routes.len());
    let mut base = Base::default();
    let mut failures = Vec::new();
    let mut seen_hubspot: Vec<(FieldName, Option<String>)> = Vec::with_capacity(plan.routes.len());
    let mut seen_partneros: Vec<(FieldName, Option<Value>)> = Vec::with_capacity(plan.routes.len());
    for route in &plan.routes {
        if !route.direction.writes_partneros() {
            continue;
        }
        match inbound.take(route, at) {
            Err(failure) => failures.push(failure),
            Ok(value) => {
                for (property, column) in route.properties.iter().zip(&route.columns) {
                    seen_hubspot
                        .push((property.clone(), row.value(*column).map(ToOwned::to_owned)));
                }
                seen_partneros.push((route.field.name.clone(), value.clone()));
                if let Some(value) = value {
                    fields.push((route.field.name.clone(), value));
                }
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
    base.hubspot = seen_hubspot.into_iter().collect();
    base.partneros = seen_partneros.into_iter().collect();
    counts.records_created += 1;
    counts.failed += failures.len() as u64;
    Verdict::Effect(Box::new(Effect {
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
    }))
}

fn missing_required(plan: &PairPlan, fields: &Fields) -> Vec<NewFailure> {
    let required = plan.object.fields.iter().filter(|field| field.required);
    required
        .filter(|field| fields.get(field.name.as_str()).is_none())
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

/// The judgement of one row against its record, field by field.
struct Judge<'a> {
    plan: &'a PairPlan,
    row: &'a Row<'a>,
    record: Record,
    before: Base,
    link: Link,
    fields: Fields,
    fields_changed: bool,
    to_push: bool,
    /// Names of a route that could not be transformed; their base stays, whatever other routes say.
    unsettled: Vec<FieldName>,
    failures: Vec<NewFailure>,
    conflicts: Vec<NewConflict>,
}

impl<'a> Judge<'a> {
    fn new(plan: &'a PairPlan, row: &'a Row<'a>, record: Record, link: Link) -> Self {
        Self {
            plan,
            row,
            before: link.base.clone(),
            fields: record.fields.clone(),
            record,
            link,
            fields_changed: false,
            to_push: false,
            unsettled: Vec::new(),
            failures: Vec::new(),
            conflicts: Vec::new(),
        }
    }

    fn routes(&mut self, inbound: &mut Inbound, at: usize, counts: &mut Counts) {
        let plan = self.plan;
        for route in &plan.routes {
            self.route(route, inbound, at, counts);
        }
    }

    fn route(&mut self, route: &Route, inbound: &mut Inbound, at: usize, counts: &mut Counts) {
        let covered = self.before.covers(&route.fields, &route.properties);
        let partneros_changed =
            self.before
                .partneros_changed(covered, &route.fields, &self.record.fields);
        let hubspot_changed = route_changed(&self.before, covered, route, self.row);
        if !hubspot_changed {
            if partneros_changed {
                self.to_push |= route.direction.writes_hubspot();
            } else if !covered {
                self.agree(route);
            }
            return;
        }
        let value = match inbound.take(route, at) {
            Ok(None) if route.field.required && route.direction.writes_partneros() => {
                Err(required_cleared(route))
            }
            other => other,
        };
        let value = match value {
            Ok(value) => value,
            Err(failure) if route.direction.writes_partneros() => {
                self.unsettled.extend(route.properties.iter().cloned());
                self.failures.push(failure);
                counts.failed += 1;
                return;
            }
            // HubSpot's value is not wanted here, so it need not make sense.
            Err(_) => None,
        };
        let facts = Facts {
            partneros_changed,
            hubspot_changed,
            equal: value.as_ref() == self.record.fields.get(route.field.name.as_str()),
            partneros_edited_at: self.record.edited_at,
            hubspot_modified_at: self.row.updated_at,
        };
        match decide(route.direction, route.policy, &facts) {
            Decision::Keep | Decision::Held { .. } => {}
            Decision::Agree => self.agree(route),
            Decision::Carry {
                to: Side::PartnerOs,
            } => self.write(route, value),
            Decision::Carry { to: Side::HubSpot } => self.to_push = true,
            Decision::Conflict { winner, rule } => {
                counts.conflicts += 1;
                self.conflicts.push(NewConflict {
                    field: route.field.name.clone(),
                    property: route.property.clone(),
                    partneros_value: self
                        .record
                        .fields
                        .get(route.field.name.as_str())
                        .map_or(serde_json::Value::Null, json),
                    hubspot_value: self.row.value(route.columns[0]).map(ToOwned::to_owned),
                    winner,
                    rule,
                });
                match winner {
                    Side::HubSpot => self.write(route, value),
                    Side::PartnerOs => self.keep_for_push(route, covered),
                }
            }
        }
    }

    /// Whether there is nothing to write: what changed may not flow, and stays where it is.
    fn found_nothing(&self) -> bool {
        !self.fields_changed
            && !self.to_push
            && self.failures.is_empty()
            && self.conflicts.is_empty()
            && self.link.base == self.before
    }

    /// Both sides hold the same: that is the new base.
    fn agree(&mut self, route: &Route) {
        self.see_hubspot(route);
        for field in &route.fields {
            self.link
                .base
                .see_partneros(field, self.fields.get(field.as_str()));
        }
    }

    /// HubSpot's value becomes PartnerOS's.
    fn write(&mut self, route: &Route, value: Option<Value>) {
        let name = &route.field.name;
        let old = match value {
            Some(value) => self.fields.insert(name.clone(), value),
            None => self.fields.remove(name.as_str()),
        };
        self.fields_changed |= old.as_ref() != self.fields.get(name.as_str());
        self.agree(route);
    }

    /// PartnerOS's value won: HubSpot's is settled as seen, ours still differs from the base and waits for the push.
    fn keep_for_push(&mut self, route: &Route, covered: bool) {
        self.see_hubspot(route);
        if !covered {
            for field in &route.fields {
                self.link.base.see_partneros(field, None);
            }
        }
        self.to_push = true;
    }

    fn see_hubspot(&mut self, route: &Route) {
        for (property, column) in route.properties.iter().zip(&route.columns) {
            self.link
                .base
                .see_hubspot(property, self.row.value(*column));
        }
    }

    fn effect(mut self, counts: &mut Counts) -> Effect {
        for property in &self.unsettled {
            match self.before.hubspot.get(property.as_str()) {
                Some(value) => self
                    .link
                    .base
                    .hubspot
                    .insert(property.clone(), value.clone()),
                None => self.link.base.hubspot.remove(property.as_str()),
            };
        }
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
            outbox: if self.to_push {
                OutboxEffect::Enqueue
            } else {
                OutboxEffect::Leave
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
