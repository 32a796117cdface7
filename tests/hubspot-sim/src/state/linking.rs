//! Associations over the API, version 4: list, read, create and remove.

use partneros_domain::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::associations::labels;
use super::call::{Access, Call};
use super::journal::Action;
use super::object_type::TypeIx;
use super::sim::Sim;
use super::view::Text;
use crate::errors::ApiError;

/// Rows of a batch read.
const READ_MAX: usize = 1_000;
/// Rows of a batch create.
const CREATE_MAX: usize = 2_000;

/// A row of a batch call on associations.
#[derive(Debug, Clone, Deserialize)]
pub struct Pair {
    /// One end.
    pub from: End,
    /// The other end.
    pub to: End,
    /// HubSpot's type ids; none means the plain association.
    #[serde(default)]
    pub types: Vec<super::objects::AssociationType>,
}

/// One end of an association.
#[derive(Debug, Clone, Deserialize)]
pub struct End {
    /// The record.
    pub id: Text,
}

impl Sim {
    /// The records of type `to` that belong to one record.
    pub fn list_associations(
        &self,
        call: &Call,
        from: &str,
        id: &str,
        to: &str,
    ) -> Result<Value, ApiError> {
        let (from, to) = self.ends(call, from, to, Access::Read)?;
        let id = id.parse::<u64>().map_err(|_| ApiError::not_numeric(id))?;
        Ok(json!({ "results": self.rows(from, id, to) }))
    }

    /// The same for many records.
    pub fn batch_read_associations(
        &self,
        call: &Call,
        from: &str,
        to: &str,
        ids: &[End],
    ) -> Result<(u16, Value), ApiError> {
        let (from, to) = self.ends(call, from, to, Access::Read)?;
        check_size(ids.len(), READ_MAX)?;
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for end in ids {
            let known = end
                .id
                .0
                .parse::<u64>()
                .ok()
                .filter(|id| self.object_type(from).live(*id).is_some());
            match known {
                None => errors.push(invalid_id(&end.id.0)),
                Some(id) => {
                    let rows = self.rows(from, id, to);
                    if !rows.is_empty() {
                        results.push(json!({ "from": { "id": end.id.0 }, "to": rows }));
                    }
                }
            }
        }
        Ok(reply(call, 200, &results, &errors))
    }

    /// Associates many pairs.
    pub fn batch_create_associations(
        &mut self,
        call: &Call,
        from: &str,
        to: &str,
        pairs: &[Pair],
    ) -> Result<(u16, Value), ApiError> {
        let (from, to) = self.ends(call, from, to, Access::Write)?;
        check_size(pairs.len(), CREATE_MAX)?;
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for pair in pairs {
            match self.live_pair(from, &pair.from.id.0, to, &pair.to.id.0) {
                Err(error) => errors.push(error),
                Ok((left, right)) => {
                    let types: Vec<u16> = pair
                        .types
                        .iter()
                        .map(|kind| kind.association_type_id)
                        .collect();
                    self.link(call.now, (from, left), (to, right), &types);
                    results.push(json!({
                        "fromObjectTypeId": self.object_type(from).type_id,
                        "fromObjectId": left,
                        "toObjectTypeId": self.object_type(to).type_id,
                        "toObjectId": right,
                        "labels": [],
                    }));
                }
            }
        }
        Ok(reply(call, 201, &results, &errors))
    }

    /// Parts many pairs.
    pub fn batch_archive_associations(
        &mut self,
        call: &Call,
        from: &str,
        to: &str,
        pairs: &[(Text, Text)],
    ) -> Result<(), ApiError> {
        let (from, to) = self.ends(call, from, to, Access::Write)?;
        check_size(pairs.len(), CREATE_MAX)?;
        for (left, right) in pairs {
            if let (Ok(left), Ok(right)) = (left.0.parse(), right.0.parse()) {
                let (from, to) = ((from, left), (to, right));
                if self.associations.linked(from, to) {
                    self.associations.unlink(from, to);
                    self.journal_association(call.now, from, to, Action::AssociationRemoved);
                }
            }
        }
        Ok(())
    }

    /// Associates one pair.
    pub fn associate(
        &mut self,
        call: &Call,
        from: (&str, &str),
        to: (&str, &str),
        types: &[u16],
    ) -> Result<Value, ApiError> {
        let (from_type, to_type) = self.ends(call, from.0, to.0, Access::Write)?;
        let (left, right) = self.live_pair(from_type, from.1, to_type, to.1)?;
        self.link(call.now, (from_type, left), (to_type, right), types);
        Ok(json!({
            "fromObjectTypeId": self.object_type(from_type).type_id,
            "fromObjectId": left,
            "toObjectTypeId": self.object_type(to_type).type_id,
            "toObjectId": right,
            "labels": [],
        }))
    }

    /// Ties two records together; without type ids plainly. The first company of a record becomes its primary one.
    pub(crate) fn link(
        &mut self,
        now: Timestamp,
        from: (TypeIx, u64),
        to: (TypeIx, u64),
        types: &[u16],
    ) {
        let is_new = !self.associations.linked(from, to);
        let kinds = (self.object_type(from.0).kind, self.object_type(to.0).kind);
        let (there, back) = (labels(kinds.0, kinds.1), labels(kinds.1, kinds.0));
        let (mut forth_ids, mut back_ids) = (vec![there.plain], vec![back.plain]);
        let asked = there
            .primary
            .is_some_and(|primary| types.contains(&primary));
        let first =
            types.is_empty() && there.primary.is_some() && self.associations.count(from, to.0) == 0;
        if let (Some(primary), Some(primary_back)) = (there.primary, back.primary)
            && (asked || first)
        {
            forth_ids.push(primary);
            back_ids.push(primary_back);
        }
        self.associations.link(from, to, &forth_ids, &back_ids);
        if is_new {
            self.journal_association(now, from, to, Action::AssociationAdded);
        }
    }

    fn rows(&self, from: TypeIx, id: u64, to: TypeIx) -> Vec<Value> {
        let kind =
            |label: &u16| json!({ "category": "HUBSPOT_DEFINED", "typeId": label, "label": null });
        self.associations
            .of((from, id), to)
            .map(|(id, labels)| {
                let kinds: Vec<_> = labels.iter().map(kind).collect();
                json!({ "toObjectId": id, "associationTypes": kinds })
            })
            .collect()
    }

    fn ends(
        &self,
        call: &Call,
        from: &str,
        to: &str,
        access: Access,
    ) -> Result<(TypeIx, TypeIx), ApiError> {
        let (from, to) = (self.resolve(from)?, self.resolve(to)?);
        call.require_objects(self.object_type(from).kind, access)?;
        call.require_objects(self.object_type(to).kind, access)?;
        Ok((from, to))
    }

    fn live_pair(
        &self,
        from: TypeIx,
        left: &str,
        to: TypeIx,
        right: &str,
    ) -> Result<(u64, u64), ApiError> {
        let live = |ix: TypeIx, id: &str| {
            let record = id
                .parse::<u64>()
                .ok()
                .and_then(|id| self.object_type(ix).live(id));
            record.map(|record| record.id).ok_or_else(|| invalid_id(id))
        };
        Ok((live(from, left)?, live(to, right)?))
    }
}

fn reply(call: &Call, whole: u16, results: &[Value], errors: &[ApiError]) -> (u16, Value) {
    let mut json = json!({
        "status": "COMPLETE",
        "results": results,
        "startedAt": call.now,
        "completedAt": call.now,
    });
    if errors.is_empty() {
        return (whole, json);
    }
    json["numErrors"] = errors.len().into();
    json["errors"] = json!(errors);
    (207, json)
}

fn invalid_id(id: &str) -> ApiError {
    ApiError::validation(format!("{id} is not a valid ID"))
        .under("crm.associations.INVALID_IDENTIFIER")
        .with("id", vec![id.to_owned()])
}

fn check_size(rows: usize, most: usize) -> Result<(), ApiError> {
    if rows > most {
        return Err(ApiError::validation(format!(
            "Maximum number of inputs allowed is {most}, but got {rows}"
        )));
    }
    Ok(())
}
