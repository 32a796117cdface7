//! Reads what properties held over time, and what wrote it.

use std::collections::HashMap;

use partneros_domain::{FieldName, HubSpotId};
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::portal::{HISTORY_BATCH_MAX, ObjectHistory, Priority, PropertyVersion};
use crate::read::{Input, distinct, not_found_only};
use crate::scalar::{Id, Instant, Text};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    inputs: Vec<Input>,
    properties: [&'static str; 1],
    properties_with_history: &'a [FieldName],
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Object>,
    #[serde(default)]
    errors: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    id: Id,
    #[serde(default)]
    properties_with_history: HashMap<String, Vec<Version>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    value: Text,
    timestamp: Instant,
    #[serde(default)]
    source_type: String,
    #[serde(default)]
    source_id: Option<String>,
    #[serde(default)]
    source_label: Option<String>,
}

impl From<Version> for PropertyVersion {
    fn from(version: Version) -> Self {
        let named = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            value: version.value.0,
            at: version.timestamp.0,
            source_type: version.source_type,
            source_id: named(version.source_id),
            source_label: named(version.source_label),
        }
    }
}

pub(crate) async fn read(
    client: &Client,
    object: &str,
    properties: &[FieldName],
    ids: &[HubSpotId],
    priority: Priority,
) -> Result<Vec<ObjectHistory>, Error> {
    let mut histories = Vec::with_capacity(ids.len());
    for chunk in distinct(ids).chunks(HISTORY_BATCH_MAX) {
        let body = Body {
            inputs: chunk.iter().map(|id| Input { id: *id }).collect(),
            // HubSpot would send its default properties as well.
            properties: ["hs_object_id"],
            properties_with_history: properties,
        };
        let url = client.paths().objects(object, &["batch", "read"]);
        let call = Call::post(url, &body, priority)?;
        let parse = |body: &[u8]| serde_json::from_slice::<Answer>(body);
        let answer = client.caller().call(&call, parse).await?;
        for row in &answer.errors {
            not_found_only(row)?;
        }
        let objects = answer.results.into_iter();
        histories.extend(objects.map(|object| history(object, properties)));
    }
    Ok(histories)
}

fn history(mut object: Object, properties: &[FieldName]) -> ObjectHistory {
    let versions = properties.iter().map(|property| {
        let versions = object.properties_with_history.remove(property.as_str());
        let versions = versions.unwrap_or_default().into_iter();
        let mut versions: Vec<_> = versions.map(PropertyVersion::from).collect();
        // Documented as newest first; everything that is made of it depends on that.
        versions.sort_by_key(|version| std::cmp::Reverse(version.at));
        versions
    });
    ObjectHistory {
        id: object.id.0,
        versions: versions.collect(),
    }
}
