//! Values on which the mapper fails: what it would return of them is more than the host takes from a call. Such a record, or field,
//! waits until the value is corrected; what goes along with it must not be lost, nor what is in the same batch.

use partneros_domain::{PluginFailurePolicy, Value};
use partneros_store::{PairPatch, Pairs as _, Records as _};

use crate::Failure;
use crate::ledger::held;
use crate::points::lock;
use crate::run::World;
use crate::template::{Field, OURS};

/// What the mapper may return of a batch in bytes: enough for every record there is, if all values are short.
pub const RETURNED_BYTES_MAX: usize = 32 << 10;
/// More characters than it may return bytes, and fewer than HubSpot takes for a text.
const OVERLONG_CHARS: usize = 40_000;

impl World {
    /// Someone sets a field to more than the mapper may return, here or in HubSpot.
    pub(crate) async fn set_overlong(
        &mut self,
        entity: usize,
        field: usize,
        theirs: bool,
    ) -> Result<(), Failure> {
        let of = if theirs { "theirs" } else { "ours" };
        let value = format!("{} {}", self.word(of), "x".repeat(OVERLONG_CHARS));
        if theirs {
            if let Some(id) = self.object(entity) {
                self.their_value(id, field, Some(value));
            }
        } else if let Some(record) = self.record(entity).await? {
            self.our_value(&record, field, Some(value)).await?;
        }
        Ok(())
    }

    /// The pair's policy for what a plugin fails on changes.
    pub(crate) async fn skip_fields(&self) -> Result<(), Failure> {
        let patch = PairPatch {
            plugin_failure_policy: Some(PluginFailurePolicy::SkipField),
            ..PairPatch::default()
        };
        let (organization, pair) = (self.template.organization, self.template.pair);
        self.store.update_pair(organization, pair, &patch).await?;
        Ok(())
    }

    /// People correct what is too long, wherever it is by now.
    pub(crate) async fn correct_overlong(&mut self) -> Result<(), Failure> {
        let held = held(&lock(&self.hubspot.sim));
        let long = |value: &str| value.len() > OVERLONG_CHARS;
        for ((id, field), value) in held {
            if value.is_some_and(|value| long(&value)) {
                self.their_edit(id, field, false);
            }
        }
        let organization = self.template.organization;
        let records = self.store.records(organization, OURS, None, 500).await?;
        for record in records.items {
            for (at, field) in Field::ALL.iter().enumerate() {
                if matches!(record.fields.get(field.name), Some(Value::Text(text)) if long(text)) {
                    self.our_edit(&record, at, false).await?;
                }
            }
        }
        self.look().await
    }
}
