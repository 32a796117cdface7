//! Single records: read, list, create, update, archive.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::calculated::source_type;
use super::call::{Access, Call};
use super::journal::Action;
use super::object_type::{Kind, ObjectType, TypeIx};
use super::record::{PropertyIx, Record};
use super::sim::Sim;
use super::view::{RecordView, Values};
use super::write_log::WriteKind;
use crate::errors::ApiError;

/// Records on a page of a list unless asked otherwise.
const LIST_PAGE: usize = 10;
/// Records on a page of a list at most.
const LIST_PAGE_MAX: usize = 100;
/// The same when versions are asked for.
pub const HISTORY_PAGE_MAX: usize = 50;

/// What to show of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Show {
    /// Properties by name; none means the type's defaults.
    pub properties: Vec<String>,
    /// Properties whose versions are wanted.
    pub history: Vec<String>,
    /// Other types whose associated records are wanted.
    pub associations: Vec<String>,
}

/// A new record.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NewRecord {
    /// Its values.
    pub properties: Values,
    /// Records it belongs to.
    pub associations: Vec<NewAssociation>,
    /// The sender's mark on the row.
    pub object_write_trace_id: Option<String>,
}

/// A record that a new record belongs to.
#[derive(Debug, Clone, Deserialize)]
pub struct NewAssociation {
    /// The other record.
    pub to: Target,
    /// HubSpot's type ids.
    #[serde(default)]
    pub types: Vec<AssociationType>,
}

/// A record by id.
#[derive(Debug, Clone, Deserialize)]
pub struct Target {
    /// The id, as a number or a text.
    pub id: super::view::Text,
}

/// A kind of association.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssociationType {
    /// HubSpot's number for it.
    pub association_type_id: u16,
}

/// A page of a list.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The records.
    pub records: Vec<RecordView>,
    /// The id that the next page starts with.
    pub after: Option<u64>,
}

/// The properties to show, looked up once for a whole page.
pub(crate) struct Projection {
    properties: Vec<(Arc<str>, PropertyIx)>,
    history: Vec<(Arc<str>, PropertyIx)>,
    associations: Vec<TypeIx>,
}

impl Sim {
    /// One record by id, or by the value of a unique property.
    pub fn read(
        &mut self,
        call: &Call,
        object_type: &str,
        id: &str,
        id_property: Option<&str>,
        archived: bool,
        show: &Show,
    ) -> Result<RecordView, ApiError> {
        self.settle(call.now);
        let ix = self.resolve(object_type)?;
        call.require_objects(self.object_type(ix).kind, Access::Read)?;
        let projection = self.projection(ix, show)?;
        let id = self.locate(ix, id, id_property, "read")?;
        let object_type = self.object_type(ix);
        // Unverified: a plain read of an archived record ends as one of an unknown record does.
        let found = object_type.find(id, archived);
        let record = found.ok_or_else(|| ApiError::no_such_record(id))?;
        Ok(self.view(ix, record, &projection))
    }

    /// A page of live or archived records in order of id.
    pub fn list(
        &mut self,
        call: &Call,
        object_type: &str,
        limit: Option<usize>,
        after: Option<&str>,
        archived: bool,
        show: &Show,
    ) -> Result<Page, ApiError> {
        self.settle(call.now);
        let ix = self.resolve(object_type)?;
        call.require_objects(self.object_type(ix).kind, Access::Read)?;
        let most = if show.history.is_empty() {
            LIST_PAGE_MAX
        } else {
            HISTORY_PAGE_MAX
        };
        let limit = limit.unwrap_or(LIST_PAGE);
        if limit == 0 || limit > most {
            return Err(ApiError::validation(format!(
                "limit must be between 1 and {most}"
            )));
        }
        let after = match after {
            Some(text) => text.parse::<u64>().map_err(|_| cannot_deserialize(text))?,
            None => 0,
        };
        let projection = self.projection(ix, show)?;
        let records = &self.object_type(ix).records;
        let mut found = records
            .range(after..)
            .map(|(_, record)| record)
            .filter(|record| record.archived.is_some() == archived);
        let page = found
            .by_ref()
            .take(limit)
            .map(|record| self.view(ix, record, &projection))
            .collect();
        Ok(Page {
            records: page,
            after: found.next().map(|record| record.id),
        })
    }

    /// Creates a record.
    pub fn create(
        &mut self,
        call: &Call,
        object_type: &str,
        new: &NewRecord,
    ) -> Result<RecordView, ApiError> {
        self.settle(call.now);
        let ix = self.resolve(object_type)?;
        call.require_objects(self.object_type(ix).kind, Access::Write)?;
        let prepared = self.prepare_create(call, ix, new)?;
        Ok(self.apply_create(call, ix, prepared))
    }

    /// Changes a record.
    pub fn update(
        &mut self,
        call: &Call,
        object_type: &str,
        id: &str,
        id_property: Option<&str>,
        values: &Values,
    ) -> Result<RecordView, ApiError> {
        self.settle(call.now);
        let ix = self.resolve(object_type)?;
        call.require_objects(self.object_type(ix).kind, Access::Write)?;
        let id = self.locate(ix, id, id_property, "update")?;
        let id = self
            .object_type(ix)
            .live(id)
            .map(|record| record.id)
            .ok_or_else(|| ApiError::no_such_record(id))?;
        let prepared = self.prepare_update(call, ix, id, values)?;
        Ok(self.apply_update(call, ix, id, prepared))
    }

    /// Archives a record. Archiving what is archived or unknown does nothing.
    // Unverified: HubSpot answers 204 in practice for unknown ids too.
    pub fn archive(&mut self, call: &Call, object_type: &str, id: &str) -> Result<(), ApiError> {
        self.settle(call.now);
        let ix = self.resolve(object_type)?;
        call.require_objects(self.object_type(ix).kind, Access::Write)?;
        let id = id.parse::<u64>().map_err(|_| ApiError::not_numeric(id))?;
        self.archive_one(call, ix, id);
        Ok(())
    }

    /// Removes a record for good, without a trace in the archive.
    pub fn erase(&mut self, call: &Call, object_type: &str, id: &str) -> Result<(), ApiError> {
        self.settle(call.now);
        let ix = self.resolve(object_type)?;
        call.require_objects(self.object_type(ix).kind, Access::Write)?;
        let id = id.parse::<u64>().map_err(|_| ApiError::not_numeric(id))?;
        if self.types[ix.0].remove(id).is_some() {
            self.log(call, ix, id, WriteKind::Archive, Vec::new());
            self.journal_event(call.now, (ix, id), Action::Delete, &[]);
        }
        Ok(())
    }

    pub(crate) fn archive_one(&mut self, call: &Call, ix: TypeIx, id: u64) {
        if self
            .object_type(ix)
            .live(id)
            .is_none_or(|record| record.id != id)
        {
            return;
        }
        let lag = self.lag(call.source);
        self.types[ix.0].change(id, call.now, lag, |record| record.archived = Some(call.now));
        self.log(call, ix, id, WriteKind::Archive, Vec::new());
        self.journal_event(call.now, (ix, id), Action::Delete, &[]);
    }

    /// The id that a call means: itself, or that of the record with a unique value.
    pub(crate) fn locate(
        &self,
        ix: TypeIx,
        id: &str,
        id_property: Option<&str>,
        action: &str,
    ) -> Result<u64, ApiError> {
        match id_property {
            None | Some("hs_object_id") => id.parse().map_err(|_| ApiError::not_numeric(id)),
            Some(name) => {
                let property = self.unique_property(ix, name, action)?;
                self.object_type(ix)
                    .holder(property, id)
                    .ok_or_else(|| ApiError::no_such_record(id))
            }
        }
    }

    /// The property with `name`, when it may identify records.
    pub(crate) fn unique_property(
        &self,
        ix: TypeIx,
        name: &str,
        action: &str,
    ) -> Result<PropertyIx, ApiError> {
        let object_type = self.object_type(ix);
        match object_type.registry.find(name) {
            Some((property, definition)) if definition.unique => Ok(property),
            _ => {
                let portal = if name == "hs_object_id" {
                    format!(" in portal ID {}", self.config.hub_id)
                } else {
                    String::new()
                };
                Err(ApiError::validation(format!(
                    "Unable to perform {action} by non-unique {} property {name}{portal}",
                    object_type.type_id
                )))
            }
        }
    }

    /// Looks the requested properties up; names that are not defined are left out in silence.
    pub(crate) fn projection(&self, ix: TypeIx, show: &Show) -> Result<Projection, ApiError> {
        let object_type = self.object_type(ix);
        let mut properties: Vec<(Arc<str>, PropertyIx)> = Vec::new();
        let mut add = |name: &str| {
            if let Some((property, definition)) = object_type.registry.find(name)
                && !properties.iter().any(|(_, have)| *have == property)
            {
                properties.push((definition.name.clone(), property));
            }
        };
        if show.properties.is_empty() {
            object_type
                .default_properties()
                .iter()
                .copied()
                .for_each(&mut add);
        } else {
            show.properties
                .iter()
                .map(String::as_str)
                .for_each(&mut add);
        }
        add(object_type.created_property());
        add(object_type.modified_property());
        add("hs_object_id");
        let find = |name: &String| object_type.registry.find(name);
        let history = show.history.iter().filter_map(find);
        let history = history
            .map(|(property, definition)| (definition.name.clone(), property))
            .collect();
        let associations = show
            .associations
            .iter()
            .map(|name| self.resolve(name))
            .collect::<Result<_, _>>()?;
        Ok(Projection {
            properties,
            history,
            associations,
        })
    }

    /// A record as an answer shows it.
    pub(crate) fn view(&self, ix: TypeIx, record: &Record, projection: &Projection) -> RecordView {
        let object_type = self.object_type(ix);
        let value = |(name, property): &(Arc<str>, PropertyIx)| {
            let value = self.value(object_type, record, *property);
            (name.clone(), value.map(std::borrow::Cow::into_owned))
        };
        let history = projection
            .history
            .iter()
            .map(|(name, property)| (name.clone(), self.versions(record, *property)));
        let associations = projection.associations.iter().filter_map(|to| {
            let ids = self.association_rows(ix, record.id, *to);
            (!ids.is_empty()).then(|| (self.object_type(*to).name.clone(), ids))
        });
        RecordView {
            properties: projection.properties.iter().map(value).collect(),
            history: history.collect(),
            associations: associations.collect(),
            ..plain_view(record)
        }
    }

    /// What a write answers: the properties written, the record's dates and id, and what is computed from them.
    pub(crate) fn written_view(
        &self,
        ix: TypeIx,
        record: &Record,
        written: &[PropertyIx],
    ) -> RecordView {
        let object_type = self.object_type(ix);
        let mut shown: Vec<PropertyIx> = written.to_vec();
        let system = [
            object_type.created_property(),
            object_type.modified_property(),
            "hs_object_id",
        ];
        let extra: &[&str] = match object_type.kind {
            Kind::Deals => DEAL_WRITE_EXTRAS,
            Kind::Companies => &["domain", "name", "website"],
            Kind::Contacts | Kind::Custom => &[],
        };
        for name in system.iter().chain(extra) {
            if let Some((property, _)) = object_type.registry.find(name)
                && !shown.contains(&property)
            {
                shown.push(property);
            }
        }
        let properties = shown.into_iter().filter_map(|property| {
            let value = self.value(object_type, record, property)?;
            Some((
                object_type.registry.get(property).name.clone(),
                Some(value.into_owned()),
            ))
        });
        RecordView {
            properties: properties.collect(),
            ..plain_view(record)
        }
    }

    fn versions(&self, record: &Record, property: PropertyIx) -> Vec<Value> {
        let versions = record.history(property).into_iter().map(|version| {
            let mut json = json!({
                "value": version.value,
                "timestamp": version.at,
                "sourceType": source_type(version.source),
            });
            if let Some(id) = self.source_id(version.source) {
                json["sourceId"] = id.into();
            }
            json
        });
        versions.collect()
    }

    fn association_rows(&self, from: TypeIx, id: u64, to: TypeIx) -> Vec<Value> {
        let names: (&ObjectType, &ObjectType) = (self.object_type(from), self.object_type(to));
        let name = format!("{}_to_{}", names.0.singular, names.1.singular);
        let linked = self.associations.of((from, id), to);
        linked
            .map(|(id, _)| json!({ "id": id.to_string(), "type": name }))
            .collect()
    }
}

/// What the answer to a write of a deal shows besides the values written.
const DEAL_WRITE_EXTRAS: &[&str] = &[
    "amount_in_home_currency",
    "days_to_close",
    "hs_closed_amount",
    "hs_createdate",
    "hs_deal_stage_probability_shadow",
    "hs_forecast_amount",
    "hs_is_closed",
    "hs_is_closed_lost",
    "hs_is_closed_won",
    "hs_object_source",
    "hs_object_source_id",
    "hs_object_source_label",
    "hs_projected_amount",
    "num_associated_contacts",
    "pipeline",
];

/// The error for a cursor that is no number.
pub(crate) fn cannot_deserialize(text: &str) -> ApiError {
    ApiError::validation(format!(
        "Cannot deserialize value of type `int` from String \"{text}\": not a valid `int` value"
    ))
}

fn plain_view(record: &Record) -> RecordView {
    RecordView {
        id: record.id,
        created: record.created,
        updated: record.modified,
        archived: record.archived,
        ..RecordView::default()
    }
}
