//! Between the portal's types and those of the client: rows, errors, descriptions.

use std::sync::Arc;
use std::time::Duration;

use partneros_domain::{FieldName, HubSpotId};
use partneros_hubspot::model::NewProperty;
use partneros_hubspot::{
    Error, ObjectHistory, PropertyError, PropertyVersion, Refusal, RowError, Rows,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::errors::ApiError;
use crate::oauth::OAuthError;
use crate::state::RecordView;
use crate::state::definitions;

/// Records as columns. A value that was never set and one that was cleared are both none.
pub(super) fn rows(records: &[RecordView], properties: &[FieldName]) -> Rows {
    let column = |name: &FieldName| records.iter().map(|record| value(record, name)).collect();
    let absent = |name: &FieldName| {
        let has = |record: &RecordView| {
            record
                .properties
                .iter()
                .any(|(have, _)| **have == *name.as_str())
        };
        !records.iter().any(has)
    };
    Rows {
        absent: properties.iter().map(absent).collect(),
        ids: records.iter().map(|record| id(record.id)).collect(),
        updated_at: records.iter().map(|record| record.updated).collect(),
        archived: records
            .iter()
            .map(|record| record.archived.is_some())
            .collect(),
        columns: properties.iter().map(column).collect(),
    }
}

/// What properties of a record held over time.
pub(super) fn history(
    record: &RecordView,
    properties: &[FieldName],
) -> Result<ObjectHistory, Error> {
    let versions = properties.iter().map(|name| {
        let of = |(have, _): &&(Arc<str>, Vec<Value>)| **have == *name.as_str();
        let listed = record.history.iter().find(of);
        let versions = listed.map_or(&[][..], |(_, versions)| versions);
        versions.iter().map(version).collect()
    });
    Ok(ObjectHistory {
        id: id(record.id),
        versions: versions.collect::<Result<_, Error>>()?,
    })
}

fn version(json: &Value) -> Result<PropertyVersion, Error> {
    let text = |name: &str| json[name].as_str().map(ToOwned::to_owned);
    Ok(PropertyVersion {
        value: text("value").filter(|value| !value.is_empty()),
        at: decode(json["timestamp"].clone())?,
        source_type: text("sourceType").unwrap_or_default(),
        source_id: text("sourceId"),
        source_label: text("sourceLabel"),
    })
}

/// A record's id as the client has it.
pub(super) fn id(id: u64) -> HubSpotId {
    HubSpotId(i64::try_from(id).unwrap_or(i64::MAX))
}

/// The ids that an error row says are missing.
pub(super) fn missing_ids(error: &ApiError) -> impl Iterator<Item = HubSpotId> {
    let ids = error.context.iter().filter(|(kind, _)| kind == "ids");
    ids.flat_map(|(_, ids)| ids)
        .filter_map(|id| id.parse().ok())
}

/// A refused call as the client reports it.
pub(super) fn error(error: &ApiError) -> Error {
    let retry_after = error
        .retry_after_s
        .map(|seconds| Duration::from_secs(seconds.into()));
    let refusal = refusal(error);
    match error.status {
        400 => Error::Validation(refusal),
        401 => Error::Unauthorized(refusal),
        403 => {
            let contexts = error.details.iter().flat_map(|detail| &detail.context);
            let scopes = contexts.filter(|(kind, _)| kind == "requiredGranularScopes");
            Error::MissingScopes {
                scopes: scopes.flat_map(|(_, scopes)| scopes.clone()).collect(),
                refusal,
            }
        }
        404 => Error::NotFound(refusal),
        409 => Error::Conflict(refusal),
        423 | 477 => Error::Locked {
            retry_after,
            refusal,
        },
        429 => {
            let policy = error.policy.unwrap_or("SECONDLY").to_owned();
            Error::RateLimited {
                policy,
                retry_after,
                refusal,
            }
        }
        500.. => Error::Unavailable(refusal),
        _ => Error::Refused(refusal),
    }
}

/// A refused token call as the client reports it.
pub(super) fn oauth_error(error: &OAuthError) -> Error {
    Error::ReauthRequired(Refusal {
        status: 400,
        category: error.status.to_owned(),
        message: error.message.clone(),
        ..Refusal::default()
    })
}

/// A refused row as the client reports it.
pub(super) fn row_error(refusal: Refusal) -> RowError {
    RowError {
        category: refusal.category,
        message: refusal.message,
        properties: refusal.properties,
        correlation_id: refusal.correlation_id,
    }
}

/// What an error says, status included.
pub(super) fn refusal(error: &ApiError) -> Refusal {
    let property = |detail: &crate::errors::ErrorDetail| {
        let names = detail
            .context
            .iter()
            .find(|(kind, _)| kind == "propertyName");
        PropertyError {
            property: names
                .and_then(|(_, names)| names.first())
                .map(FieldName::from),
            code: detail.code.unwrap_or_default().to_owned(),
            message: detail.message.clone(),
        }
    };
    let coded = error.details.iter().filter(|detail| detail.code.is_some());
    Refusal {
        status: error.status,
        category: error.category.unwrap_or_default().to_owned(),
        message: error.message.clone(),
        correlation_id: error.correlation_id.clone(),
        properties: coded.map(property).collect(),
    }
}

/// The body that the client would send to make a property.
pub(super) fn new_property(property: &NewProperty) -> Result<definitions::NewProperty, Error> {
    decode(serde_json::to_value(property).unwrap_or_default())
}

/// Reads one of the portal's JSON answers as the client would.
pub(super) fn decode<T: DeserializeOwned>(json: Value) -> Result<T, Error> {
    serde_json::from_value(json).map_err(|error| Error::InvalidResponse {
        url: "the simulator".to_owned(),
        problem: error.to_string(),
    })
}

fn value(record: &RecordView, name: &FieldName) -> Option<String> {
    record
        .property(name.as_str())
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
}
