//! Options that HubSpot has removed from a property, and the records that still hold them.
//!
//! What a record holds is what both sides agreed on last: a record that was never synced holds nothing here.

use partneros_domain::{
    DataType, FieldMapping, FieldName, FieldSchema, ObjectPair, ObjectSchema, OrganizationId,
    PairId, RecordId,
};
use partneros_store::{HeldQuery, SoughtValues};
use serde::Serialize;

use crate::engine::Engine;
use crate::error::Error;

/// How many options of a property are listed at most.
const OPTIONS_MAX: usize = 50;
/// How many records are named of each at most.
const RECORDS_MAX: usize = 20;

/// An option that is gone, with the records that still hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RemovedOption {
    /// The property.
    pub property: FieldName,
    /// The option's value.
    pub value: String,
    /// How many records hold it.
    pub record_count: u64,
    /// The first of them, in the order they were made.
    pub record_ids: Vec<RecordId>,
}

impl Engine {
    /// What the records of a pair hold, by the mapping of a field, that HubSpot does not offer any more. Properties without
    /// options, and those whose options are a list of the portal's users, have nothing to be held against.
    pub async fn removed_options(
        &self,
        organization: OrganizationId,
        pair: PairId,
        field: &str,
    ) -> Result<Vec<RemovedOption>, Error> {
        let store = &self.parts().store;
        let pair = store.pair(organization, pair).await?;
        let set = store.mappings(organization, pair.id).await?;
        let (object, hubspot) = self.schemas_of(organization, &pair).await?;
        if object.field(field).is_none() {
            return Err(Error::UnknownField {
                object: pair.object,
                field: field.to_owned(),
            });
        }
        let mut removed = Vec::new();
        let Some(mapping) = set.mappings.get(field) else {
            return Ok(removed);
        };
        for property in mapping.properties() {
            let Some(schema) = hubspot
                .field(property.as_str())
                .filter(|schema| has_options(schema))
            else {
                continue;
            };
            let options = schema.choices.iter().map(|choice| choice.value.clone());
            let sought = SoughtValues::OthersThan(options.collect());
            let held = self.held(organization, &pair, mapping, property, schema, sought);
            removed.extend(held.await?);
        }
        Ok(removed)
    }

    /// Which of these values of a property the records of a pair hold by a mapping. `hubspot` is the object as it is now.
    pub(crate) async fn holders(
        &self,
        organization: OrganizationId,
        pair: &ObjectPair,
        mapping: &FieldMapping,
        property: &FieldName,
        hubspot: &ObjectSchema,
        values: &[String],
    ) -> Result<Vec<RemovedOption>, Error> {
        let schema = hubspot.field(property.as_str());
        let Some(schema) = schema.filter(|_| !values.is_empty()) else {
            return Ok(Vec::new());
        };
        let sought = SoughtValues::These(values.to_vec());
        self.held(organization, pair, mapping, property, schema, sought)
            .await
    }

    async fn held(
        &self,
        organization: OrganizationId,
        pair: &ObjectPair,
        mapping: &FieldMapping,
        property: &FieldName,
        schema: &FieldSchema,
        sought: SoughtValues,
    ) -> Result<Vec<RemovedOption>, Error> {
        let Some(place) = mapping.properties().position(|name| name == property) else {
            return Ok(Vec::new());
        };
        let query = HeldQuery {
            field: mapping.field.clone(),
            rule: mapping.rule(),
            place,
            several: schema.data_type == DataType::MultiChoice,
            sought,
            values_max: OPTIONS_MAX,
            records_max: RECORDS_MAX,
        };
        let store = &self.parts().store;
        let held = store.held_values(organization, pair.id, query).await?;
        let removed = held.into_iter().map(|held| RemovedOption {
            property: property.clone(),
            value: held.value,
            record_count: held.count,
            record_ids: held.records,
        });
        Ok(removed.collect())
    }
}

fn has_options(schema: &FieldSchema) -> bool {
    matches!(schema.data_type, DataType::Choice | DataType::MultiChoice)
}
