//! What changed about a portal's schema, and which mappings that affects.

use partneros_domain::{
    AlertKind, ConnectionId, Drift, EventType, FieldName, ObjectPair, ObjectSchema, OrganizationId,
};
use partneros_store::{CachedSchema, Severity};
use serde::Serialize;
use serde_json::json;

use crate::engine::{Begun, Engine, describe};
use crate::error::Error;
use crate::removed_options::RemovedOption;
use crate::trail::SYSTEM;

/// How many mappings the alert names; the events name all.
const NAMED_MAX: usize = 5;

/// A mapping that may no longer work as it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Affected {
    pair_id: partneros_domain::PairId,
    field: FieldName,
    property: FieldName,
    problem: String,
    /// Options that are gone and that records hold; others are in the drift only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    removed_options: Vec<RemovedOption>,
}

impl Engine {
    /// Reads the schema again when it was read too long ago. That this fails stops no run.
    pub(crate) async fn refresh_stale_schema(&self, begun: &Begun) -> Result<(), Error> {
        let parts = self.parts();
        let (organization, connection) = (begun.organization(), begun.connection());
        let store = &parts.store;
        let oldest = store.schemas_read_at(organization, connection).await?;
        let refresh_ms = i64::try_from(parts.settings.schema_refresh_ms).unwrap_or(i64::MAX);
        let now = parts.environment.now();
        if oldest.is_none_or(|oldest| now.millis_since(oldest) >= refresh_ms)
            && let Err(error) = self.discover(organization, connection).await
        {
            tracing::warn!(connection.id = %connection, error = describe(&error), "the schema was not refreshed");
        }
        Ok(())
    }

    /// Writes down what differs about a portal's schema from what was known, and opens or resolves the alert about it.
    pub(crate) async fn note_drift(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
        before: &[CachedSchema],
        after: &[CachedSchema],
    ) -> Result<(), Error> {
        let subject = connection.to_string();
        let properties: usize = after.iter().map(|cached| cached.schema.fields.len()).sum();
        let metadata = json!({"objects": after.len(), "properties": properties});
        self.note(
            organization,
            SYSTEM,
            EventType::SchemaRefreshed,
            &subject,
            metadata,
        )
        .await?;
        let pairs = self.parts().store.pairs(organization, connection).await?;
        let mut all = Vec::new();
        for CachedSchema { schema: old, .. } in before {
            let new = after.iter().find(|cached| cached.schema.name == old.name);
            let new = new.map_or_else(|| without_fields(old), |new| new.schema.clone());
            let drift = Drift::between(old, &new);
            if drift.is_none() {
                continue;
            }
            let affected = self.affected(organization, &pairs, &new, &drift).await?;
            let metadata = json!({"object": old.name, "drift": drift, "affected": affected});
            self.note(
                organization,
                SYSTEM,
                EventType::SchemaDriftDetected,
                &subject,
                metadata,
            )
            .await?;
            all.extend(affected);
        }
        if all.is_empty() {
            return self.settle_drift(organization, &pairs, subject).await;
        }
        let (kind, message) = (AlertKind::SchemaDriftDetected, message(&all));
        self.alert(organization, kind, Severity::Warning, subject, message)
            .await
    }

    async fn affected(
        &self,
        organization: OrganizationId,
        pairs: &[ObjectPair],
        object: &ObjectSchema,
        drift: &Drift,
    ) -> Result<Vec<Affected>, Error> {
        let mut affected = Vec::new();
        for pair in pairs {
            if pair.hubspot_object != object.name {
                continue;
            }
            let set = self.parts().store.mappings(organization, pair.id).await?;
            for (mapping, _, _) in set.mappings.live(pair.direction) {
                for property in mapping.properties() {
                    let Some(problem) = drift.harm(property.as_str()) else {
                        continue;
                    };
                    let values = drift.removed_values(property.as_str());
                    let removed_options = self
                        .holders(organization, pair, mapping, property, object, values)
                        .await?;
                    affected.push(Affected {
                        pair_id: pair.id,
                        field: mapping.field.clone(),
                        property: property.clone(),
                        problem: problem + &held_by(&removed_options),
                        removed_options,
                    });
                }
            }
        }
        Ok(affected)
    }

    /// Resolves the alert once all mappings hold against the schema as it is. One that a person resolved before that opens
    /// anew.
    async fn settle_drift(
        &self,
        organization: OrganizationId,
        pairs: &[ObjectPair],
        subject: String,
    ) -> Result<(), Error> {
        let (store, kind) = (&self.parts().store, AlertKind::SchemaDriftDetected);
        let Some(last) = store.last_alert(organization, kind, &subject).await? else {
            return Ok(());
        };
        if last.resolved.as_ref().is_some_and(|mark| mark.by == SYSTEM) {
            return Ok(());
        }
        let harmed = self.are_harmed(organization, pairs).await?;
        match (&last.resolved, harmed) {
            (None, false) => self.answer(organization, SYSTEM, kind, &subject).await,
            (Some(_), true) => {
                self.alert(organization, kind, last.severity, subject, last.message)
                    .await
            }
            _ => Ok(()),
        }
    }

    async fn are_harmed(
        &self,
        organization: OrganizationId,
        pairs: &[ObjectPair],
    ) -> Result<bool, Error> {
        for pair in pairs {
            let set = self.parts().store.mappings(organization, pair.id).await?;
            let problems = self.check_mappings(organization, pair, &set.mappings);
            if !problems.await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn without_fields(schema: &ObjectSchema) -> ObjectSchema {
    ObjectSchema {
        fields: Vec::new(),
        ..schema.clone()
    }
}

/// How many records hold what is gone. One that holds several of them counts several times.
fn held_by(removed: &[RemovedOption]) -> String {
    match removed.iter().map(|option| option.record_count).sum() {
        0_u64 => String::new(),
        1 => " (1 record holds it)".to_owned(),
        count => format!(" ({count} records hold it)"),
    }
}

fn message(affected: &[Affected]) -> String {
    let name = |affected: &Affected| {
        let Affected {
            field,
            property,
            problem,
            ..
        } = affected;
        format!("property `{property}`, mapped to `{field}`, {problem}")
    };
    let named: Vec<_> = affected.iter().take(NAMED_MAX).map(name).collect();
    let more = affected.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 {
        format!("; and {more} more")
    } else {
        String::new()
    };
    format!(
        "Schema drift detected: {}{more}; the other mappings go on; review these, then refresh the schema",
        named.join("; ")
    )
}
