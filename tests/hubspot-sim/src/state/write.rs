//! The two steps of every write: check everything, then apply it.
//!
//! Nothing changes until the whole input is known to be good, which is what lets a batch fail as one. The same two
//! steps serve single writes, batches, people and imports.

use std::collections::HashMap;

use super::associations::labels;
use super::call::Call;
use super::enrichment;
use super::journal::Action;
use super::object_type::{Kind, TypeIx};
use super::objects::NewRecord;
use super::property::{OptionSource, Property};
use super::record::{PropertyIx, Record};
use super::sim::Sim;
use super::values::{self, Kept};
use super::view::{RecordView, Values};
use super::write_log::{Write, WriteKind};
use crate::errors::{ApiError, ValueProblem};

/// A write that was checked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prepared {
    pub(crate) changes: Vec<(PropertyIx, String)>,
    normalized: Vec<(String, String, String)>,
    links: Vec<(TypeIx, u64, Vec<u16>)>,
    pub(crate) trace_id: Option<String>,
}

/// The unique values that the rows of a batch take, to find two rows that take the same.
#[derive(Debug, Default)]
pub(crate) struct Claims(HashMap<(PropertyIx, String), usize>);

impl Sim {
    pub(crate) fn prepare_create(
        &self,
        call: &Call,
        ix: TypeIx,
        new: &NewRecord,
    ) -> Result<Prepared, ApiError> {
        let mut prepared = self.check_values(call, ix, None, &new.properties)?;
        self.require_properties(ix, &prepared)?;
        self.fill_in(ix, &mut prepared);
        for association in &new.associations {
            let target = self.association_target(ix, association)?;
            prepared.links.push(target);
        }
        prepared.trace_id.clone_from(&new.object_write_trace_id);
        Ok(prepared)
    }

    pub(crate) fn prepare_update(
        &self,
        call: &Call,
        ix: TypeIx,
        id: u64,
        values: &Values,
    ) -> Result<Prepared, ApiError> {
        let record = self.object_type(ix).records.get(&id);
        self.check_values(call, ix, record, values)
    }

    pub(crate) fn apply_create(
        &mut self,
        call: &Call,
        ix: TypeIx,
        prepared: Prepared,
    ) -> RecordView {
        let id = self.fresh_id(ix);
        let mut record = Record::new(id, call.now, call.source);
        record.apply(&prepared.changes, call.now, call.source);
        let lag = self.lag(call.source);
        self.types[ix.0].insert(record, call.now, lag);
        for (to, target, types) in &prepared.links {
            self.link(call.now, (ix, id), (*to, *target), types);
        }
        enrichment::schedule(self, ix, id, call.now);
        self.journal_event(call.now, (ix, id), Action::Create, &[]);
        self.finish(call, ix, id, WriteKind::Create, prepared)
    }

    pub(crate) fn apply_update(
        &mut self,
        call: &Call,
        ix: TypeIx,
        id: u64,
        prepared: Prepared,
    ) -> RecordView {
        let lag = self.lag(call.source);
        let bump_anyway = self.config.unchanged_writes_bump;
        let changed = self.types[ix.0].change(id, call.now, lag, |record| {
            let changed = record.apply(&prepared.changes, call.now, call.source);
            if changed > 0 || bump_anyway {
                record.modified = call.now;
            }
            changed
        });
        let kind = if changed == Some(0) {
            WriteKind::UnchangedUpdate
        } else {
            WriteKind::Update
        };
        if kind == WriteKind::Update {
            self.journal_event(call.now, (ix, id), Action::Update, &[]);
        }
        self.finish(call, ix, id, kind, prepared)
    }

    /// Fails when two rows of a batch take the same unique value.
    pub(crate) fn claim(
        &self,
        ix: TypeIx,
        row: usize,
        prepared: &Prepared,
        claims: &mut Claims,
    ) -> Result<(), ApiError> {
        let registry = &self.object_type(ix).registry;
        for (property, value) in &prepared.changes {
            let definition = registry.get(*property);
            if !definition.unique || value.is_empty() {
                continue;
            }
            let holder = claims
                .0
                .entry((*property, value.to_lowercase()))
                .or_insert(row);
            if *holder != row {
                return Err(self.conflict(ix, definition, value, None));
            }
        }
        Ok(())
    }

    pub(crate) fn log(
        &mut self,
        call: &Call,
        ix: TypeIx,
        id: u64,
        kind: WriteKind,
        properties: Vec<String>,
    ) {
        if call.source == super::record::Source::Integration {
            let object_type = self.object_type(ix).name.clone();
            self.writes.record(Write {
                at: call.now,
                object_type,
                id,
                kind,
                properties,
            });
        }
    }

    fn finish(
        &mut self,
        call: &Call,
        ix: TypeIx,
        id: u64,
        kind: WriteKind,
        prepared: Prepared,
    ) -> RecordView {
        let written: Vec<PropertyIx> = prepared.changes.iter().map(|change| change.0).collect();
        let registry = &self.object_type(ix).registry;
        let names = written
            .iter()
            .map(|property| registry.get(*property).name.to_string())
            .collect();
        self.log(call, ix, id, kind, names);
        let Some(record) = self.object_type(ix).records.get(&id) else {
            return RecordView::default();
        };
        RecordView {
            trace_id: prepared.trace_id,
            normalized: prepared.normalized,
            ..self.written_view(ix, record, &written)
        }
    }

    fn check_values(
        &self,
        call: &Call,
        ix: TypeIx,
        record: Option<&Record>,
        values: &Values,
    ) -> Result<Prepared, ApiError> {
        let object_type = self.object_type(ix);
        let mut prepared = Prepared::default();
        let mut problems = Vec::new();
        for (name, raw) in &values.0 {
            let Some((property, definition)) = object_type.registry.find(name) else {
                problems.push(no_such_property(name));
                continue;
            };
            let current = record.and_then(|record| record.get(property));
            match self.check_value(call, ix, definition, raw, current) {
                Ok(kept) => {
                    if kept.normalized {
                        prepared
                            .normalized
                            .push((name.clone(), raw.clone(), kept.value.clone()));
                    }
                    prepared.changes.push((property, kept.value));
                }
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() && object_type.kind == Kind::Deals {
            problems.extend(self.check_stage(ix, record, &prepared));
        }
        if !problems.is_empty() {
            return Err(ApiError::invalid_values(&problems, self.config.hub_id));
        }
        self.check_unique(ix, record, &prepared)?;
        self.keep_stage_forward(ix, record, &mut prepared);
        Ok(prepared)
    }

    fn check_value(
        &self,
        call: &Call,
        ix: TypeIx,
        definition: &Property,
        raw: &str,
        current: Option<&str>,
    ) -> Result<Kept, ValueProblem> {
        let outside = |value: &str| match definition.option_source {
            OptionSource::Owners => {
                let known = self
                    .owners
                    .iter()
                    .any(|owner| owner.id.to_string() == value);
                let allowed = || {
                    self.owners
                        .iter()
                        .map(|owner| owner.id.to_string())
                        .collect()
                };
                if known { Ok(()) } else { Err(allowed()) }
            }
            OptionSource::Pipelines if &*definition.name == "pipeline" => {
                let ids = || self.pipelines.iter().map(|pipeline| pipeline.id.clone());
                if ids().any(|id| id == value) {
                    Ok(())
                } else {
                    Err(ids().collect())
                }
            }
            _ => {
                let stages = self.pipelines.iter().flat_map(|pipeline| &pipeline.stages);
                let known = self.stage(value).is_some() || self.object_type(ix).kind != Kind::Deals;
                if known {
                    Ok(())
                } else {
                    Err(stages.map(|stage| stage.id.clone()).collect())
                }
            }
        };
        values::check(definition, raw, &outside, current, call.version)
    }

    /// A deal's stage must belong to its pipeline.
    // Unverified: the text of this refusal; it is given as one of an option that is not allowed.
    fn check_stage(
        &self,
        ix: TypeIx,
        record: Option<&Record>,
        prepared: &Prepared,
    ) -> Option<ValueProblem> {
        let registry = &self.object_type(ix).registry;
        let (stage_ix, definition) = registry.find("dealstage")?;
        let (pipeline_ix, _) = registry.find("pipeline")?;
        let written = |property| {
            let change = prepared
                .changes
                .iter()
                .rev()
                .find(|change| change.0 == property);
            change.map(|change| change.1.as_str())
        };
        if written(stage_ix).is_none() && written(pipeline_ix).is_none() {
            return None;
        }
        let effective =
            |property| written(property).or_else(|| record.and_then(|record| record.get(property)));
        let pipeline = effective(pipeline_ix)
            .filter(|id| !id.is_empty())
            .unwrap_or("default");
        let stage = effective(stage_ix).filter(|id| !id.is_empty())?;
        let pipeline = self.pipelines.iter().find(|have| have.id == pipeline)?;
        if pipeline.stages.iter().any(|have| have.id == stage) {
            return None;
        }
        let allowed: Vec<String> = pipeline
            .stages
            .iter()
            .map(|stage| stage.id.clone())
            .collect();
        Some(values::not_an_option(definition, stage, &allowed))
    }

    fn check_unique(
        &self,
        ix: TypeIx,
        record: Option<&Record>,
        prepared: &Prepared,
    ) -> Result<(), ApiError> {
        let object_type = self.object_type(ix);
        for (property, value) in &prepared.changes {
            let definition = object_type.registry.get(*property);
            if !definition.unique || value.is_empty() {
                continue;
            }
            let holder = object_type.holder(*property, value);
            if holder.is_some() && holder != record.map(|record| record.id) {
                return Err(self.conflict(ix, definition, value, holder));
            }
        }
        Ok(())
    }

    fn conflict(
        &self,
        ix: TypeIx,
        definition: &Property,
        value: &str,
        holder: Option<u64>,
    ) -> ApiError {
        if self.object_type(ix).kind == Kind::Contacts {
            return match holder {
                Some(id) => ApiError::new(
                    409,
                    "CONFLICT",
                    format!("Contact already exists. Existing ID: {id}"),
                )
                .with("existingId", vec![id.to_string()]),
                None => ApiError::new(409, "CONFLICT", "Contact already exists"),
            };
        }
        // Unverified: the code is known from clients, the text is not.
        let holder = holder
            .map(|id| format!(" by object {id}"))
            .unwrap_or_default();
        let problem = ValueProblem {
            name: definition.name.to_string(),
            code: "CONFLICTING_UNIQUE_VALUE",
            message: format!(
                "The value {value} of {} is already in use{holder}.",
                definition.name
            ),
        };
        ApiError::invalid_values(&[problem], self.config.hub_id)
    }

    /// Fails when a new record lacks what its type needs.
    // Unverified: the text of this refusal.
    fn require_properties(&self, ix: TypeIx, prepared: &Prepared) -> Result<(), ApiError> {
        let object_type = self.object_type(ix);
        let has = |name: &str| {
            object_type
                .registry
                .find(name)
                .is_some_and(|(property, _)| {
                    prepared
                        .changes
                        .iter()
                        .any(|change| change.0 == property && !change.1.is_empty())
                })
        };
        let missing: Vec<String> = match object_type.kind {
            Kind::Contacts => Vec::new(),
            Kind::Companies if has("name") || has("domain") => Vec::new(),
            Kind::Companies => vec!["name".to_owned(), "domain".to_owned()],
            Kind::Deals => ["dealname", "dealstage"]
                .into_iter()
                .filter(|name| !has(name))
                .map(str::to_owned)
                .collect(),
            Kind::Custom => {
                let required = self
                    .schemas
                    .get(&ix)
                    .map(|schema| schema.required.as_slice());
                required
                    .unwrap_or_default()
                    .iter()
                    .filter(|name| !has(name))
                    .cloned()
                    .collect()
            }
        };
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!(
            "Error creating {}. Some required properties were not set.",
            object_type.capitals()
        );
        Err(ApiError::validation(message.clone())
            .with("properties", missing)
            .detail(Some("REQUIRED_PROPERTIES_MISSING"), message))
    }

    /// What HubSpot sets by itself on a new record.
    fn fill_in(&self, ix: TypeIx, prepared: &mut Prepared) {
        let object_type = self.object_type(ix);
        let value = |name: &str| {
            let (property, _) = object_type.registry.find(name)?;
            let change = prepared
                .changes
                .iter()
                .rev()
                .find(|change| change.0 == property)?;
            Some(change.1.clone()).filter(|value| !value.is_empty())
        };
        let filled = match object_type.kind {
            Kind::Deals if value("pipeline").is_none() => Some(("pipeline", "default".to_owned())),
            Kind::Companies if value("website").is_none() => {
                value("domain").map(|domain| ("website", domain))
            }
            _ => None,
        };
        if let Some((name, value)) = filled
            && let Some((property, _)) = object_type.registry.find(name)
        {
            prepared.changes.retain(|change| change.0 != property);
            prepared.changes.push((property, value));
        }
    }

    /// A life cycle stage only moves forward; to go back it must be cleared first.
    // Unverified: a step back is taken as no change, not as an error.
    fn keep_stage_forward(&self, ix: TypeIx, record: Option<&Record>, prepared: &mut Prepared) {
        let Some((property, definition)) = self.object_type(ix).registry.find("lifecyclestage")
        else {
            return;
        };
        let Some(current) = record.and_then(|record| record.get(property)) else {
            return;
        };
        let rank = |value: &str| {
            definition
                .options
                .iter()
                .position(|choice| choice.value == value)
        };
        let Some(at) = rank(current) else { return };
        prepared.changes.retain(|change| {
            change.0 != property || rank(&change.1).is_none_or(|wanted| wanted >= at)
        });
    }

    fn association_target(
        &self,
        from: TypeIx,
        association: &super::objects::NewAssociation,
    ) -> Result<(TypeIx, u64, Vec<u16>), ApiError> {
        let types: Vec<u16> = association
            .types
            .iter()
            .map(|kind| kind.association_type_id)
            .collect();
        let from = self.object_type(from).kind;
        let id = &association.to.id.0;
        let named = self.types.iter().position(|to| {
            let known = labels(from, to.kind);
            types
                .iter()
                .any(|id| *id == known.plain || Some(*id) == known.primary)
        });
        let found = named.map(TypeIx).zip(id.parse::<u64>().ok());
        match found.filter(|(to, id)| self.object_type(*to).live(*id).is_some()) {
            Some((to, id)) => Ok((to, id, types)),
            None => Err(ApiError::validation(format!("{id} is not a valid ID"))
                .under("crm.associations.INVALID_IDENTIFIER")
                .with("id", vec![id.clone()])),
        }
    }
}

/// The problem of a name that no property has.
pub(crate) fn no_such_property(name: &str) -> ValueProblem {
    ValueProblem {
        name: name.to_owned(),
        code: "PROPERTY_DOESNT_EXIST",
        message: format!("Property \"{name}\" does not exist"),
    }
}
