//! The brake: a run that is about to change too much at once stops, and what a person decided is obeyed by the next.
//!
//! What counts is a linked record, or object, that loses a value or gets another over it, once for each field within the
//! window, and a record or object that is deleted. Filling what was empty, creating and first linking lose nothing and do not
//! count; nor does anything before the pair's first run that succeeded. The store counts in the transaction that writes,
//! or that writes down what is about to be sent; see [`partneros_store::Brakes`].
//!
//! Approved, the change goes on. Discarded, the side that it would have overwritten wins: its values stay, each one that was not
//! taken is listed as a conflict, and where the direction allows the other side gets them back. Both hold for the fields
//! that were stopped, until a run has succeeded and no longer than `brake.decision_ms`.

use std::collections::HashMap;

use partneros_domain::{
    AlertKind, EventType, FieldName, HubSpotId, OrganizationId, PairId, RecordId, Side, Value,
};
use partneros_store::{
    Brake, BrakeKey, BrakeLimit, BrakeVerdict, EventId, NewEvent, NotedChange, Severity, Tripped,
    Watched,
};
use serde_json::json;

use crate::engine::{Begun, Engine, Parts, describe};
use crate::error::Error;
use crate::trail::SYSTEM;

/// The brake of a pass.
#[derive(Debug, Default)]
pub struct PassBrake {
    limit: Option<BrakeLimit>,
    decided: HashMap<BrakeKey, BrakeVerdict>,
}

impl PassBrake {
    /// Reads what holds for a pair now.
    pub async fn read(
        parts: &Parts,
        organization: OrganizationId,
        pair: PairId,
    ) -> Result<Self, Error> {
        let (store, now) = (&parts.store, parts.environment.now());
        let brakes = store.brakes(organization, pair).await?;
        let decided = brakes.into_iter().filter_map(|brake| {
            let decision = brake.decision.filter(|decision| now < decision.until)?;
            Some((brake.key, decision.verdict))
        });
        let settings = &parts.settings.brake;
        let since = now.plus_millis(-i64::try_from(settings.window_ms).unwrap_or(i64::MAX));
        let is_on = settings.share_percent < 100
            // Nothing is normal yet before the first run has gone through.
            && store.last_success(organization, pair).await?.is_some();
        Ok(Self {
            limit: is_on.then_some(BrakeLimit {
                since,
                records_min: settings.records_min,
                share_percent: settings.share_percent,
            }),
            decided: decided.collect(),
        })
    }

    /// The limit on deletions of records, unless they were approved.
    pub fn limit_of_deletions(&self) -> Option<BrakeLimit> {
        let is_exempt = self.exempts(&BrakeKey {
            side: Side::PartnerOs,
            field: None,
        });
        self.limit.filter(|_| !is_exempt)
    }

    /// The changes to be counted, if any are.
    pub fn watched(&self, mut changes: Vec<NotedChange>) -> Option<Watched> {
        let limit = self.limit?;
        changes.retain(|change| !self.exempts(&change.key));
        (!changes.is_empty()).then_some(Watched { limit, changes })
    }

    /// Whether changes of a field on this side were discarded; without a field, deletions.
    pub fn discards(&self, side: Side, field: Option<&FieldName>) -> bool {
        self.verdict(side, field) == Some(BrakeVerdict::Discarded)
    }

    /// Whether anything was decided that the pass has to obey.
    pub fn is_decided(&self) -> bool {
        !self.decided.is_empty()
    }

    fn verdict(&self, side: Side, field: Option<&FieldName>) -> Option<BrakeVerdict> {
        if self.decided.is_empty() {
            return None;
        }
        let key = BrakeKey {
            side,
            field: field.cloned(),
        };
        self.decided.get(&key).copied()
    }

    /// Whether changes go uncounted: they were approved, or carry back what a discarded change would have overwritten.
    fn exempts(&self, key: &BrakeKey) -> bool {
        let other = match key.side {
            Side::PartnerOs => Side::HubSpot,
            Side::HubSpot => Side::PartnerOs,
        };
        self.verdict(key.side, key.field.as_ref()).is_some()
            || self.verdict(other, key.field.as_ref()) == Some(BrakeVerdict::Discarded)
    }
}

/// The note of a value that is overwritten; none if nothing is lost.
pub fn overwritten(
    (side, field): (Side, &FieldName),
    (record_id, hubspot_id): (RecordId, HubSpotId),
    from: Option<Value>,
    to: Option<Value>,
) -> Option<NotedChange> {
    if from.is_none() || from == to {
        return None;
    }
    Some(NotedChange {
        key: BrakeKey {
            side,
            field: Some(field.clone()),
        },
        record_id,
        hubspot_id,
        from,
        to,
    })
}

/// The note of an object that is to be archived.
pub fn archived(record_id: RecordId, hubspot_id: HubSpotId) -> NotedChange {
    NotedChange {
        key: BrakeKey {
            side: Side::HubSpot,
            field: None,
        },
        record_id,
        hubspot_id,
        from: None,
        to: None,
    }
}

impl Engine {
    /// Stops the pair of a run that would have passed a limit, and says so.
    pub(crate) async fn pull_brake(&self, begun: &Begun, tripped: &[Tripped]) -> Result<(), Error> {
        let (organization, pair) = (begun.organization(), begun.lease().pair_id);
        let environment = &self.parts().environment;
        let changes: Vec<_> = tripped.iter().map(summary).collect();
        let subject = format!("pair {pair}");
        let event = NewEvent {
            id: EventId(environment.new_id()),
            at: environment.now(),
            actor: SYSTEM.to_owned(),
            event: EventType::PairBraked,
            subject: subject.clone(),
            metadata: json!({"runId": begun.run_id(), "changes": changes}),
        };
        let store = &self.parts().store;
        store
            .pull_brake(
                organization,
                begun.lease(),
                begun.run_id(),
                tripped.to_vec(),
                event,
            )
            .await?;
        tracing::warn!(pair.id = %pair, run.id = %begun.run_id(), "the brake stopped a pair");
        let error = partneros_store::Error::Braked(tripped.to_vec());
        self.alert_braked(organization, pair, &describe(&error))
            .await
    }

    /// Says that a pair waits until somebody decides.
    pub(crate) async fn alert_braked(
        &self,
        organization: OrganizationId,
        pair: PairId,
        reason: &str,
    ) -> Result<(), Error> {
        let message = format!(
            "Sync braked: {}; nothing of the pair syncs until it is approved or discarded",
            reason.trim_start_matches("failed because ")
        );
        let (kind, subject) = (AlertKind::SyncBraked, format!("pair {pair}"));
        self.alert(organization, kind, Severity::Critical, subject, message)
            .await
    }

    /// Decides about what the brake has stopped; the pair goes on. Returns what was decided about.
    pub async fn decide_brake(
        &self,
        organization: OrganizationId,
        actor: &str,
        pair: PairId,
        verdict: BrakeVerdict,
    ) -> Result<Vec<Brake>, Error> {
        let parts = self.parts();
        let decision_ms = i64::try_from(parts.settings.brake.decision_ms).unwrap_or(i64::MAX);
        let until = parts.environment.now().plus_millis(decision_ms);
        let decided = parts
            .store
            .decide_brakes(organization, pair, verdict, until, self.act(actor))
            .await?;
        let subject = format!("pair {pair}");
        self.answer(organization, actor, AlertKind::SyncBraked, &subject)
            .await?;
        Ok(decided)
    }
}

/// What of a mass change is told outside of the pair: no values, which are the records'.
fn summary(tripped: &Tripped) -> serde_json::Value {
    let samples: Vec<_> = tripped
        .samples
        .iter()
        .map(|sample| json!({"recordId": sample.record_id, "hubspotId": sample.hubspot_id}))
        .collect();
    json!({
        "side": tripped.key.side,
        "field": tripped.key.field.as_ref().map(FieldName::as_str),
        "records": tripped.records,
        "blanked": tripped.blanked,
        "allowed": tripped.allowed,
        "links": tripped.links,
        "samples": samples,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(side: Side, field: Option<&str>) -> BrakeKey {
        BrakeKey {
            side,
            field: field.map(FieldName::from),
        }
    }

    fn brake(decided: &[(Side, Option<&str>, BrakeVerdict)]) -> PassBrake {
        let decided = decided
            .iter()
            .map(|(side, field, verdict)| (key(*side, *field), *verdict));
        PassBrake {
            limit: Some(BrakeLimit {
                since: partneros_domain::Timestamp(0),
                records_min: 1,
                share_percent: 1,
            }),
            decided: decided.collect(),
        }
    }

    #[test]
    fn a_decision_is_about_one_field_and_what_it_carries_back() {
        let approved = brake(&[(Side::PartnerOs, Some("city"), BrakeVerdict::Approved)]);
        assert!(approved.exempts(&key(Side::PartnerOs, Some("city"))));
        assert!(!approved.exempts(&key(Side::HubSpot, Some("city"))));
        assert!(!approved.exempts(&key(Side::PartnerOs, Some("phone"))));
        assert!(!approved.exempts(&key(Side::PartnerOs, None)));
        let discarded = brake(&[(Side::PartnerOs, Some("city"), BrakeVerdict::Discarded)]);
        assert!(discarded.exempts(&key(Side::HubSpot, Some("city"))));
        let field = FieldName::from("city");
        assert!(discarded.discards(Side::PartnerOs, Some(&field)));
        assert!(!discarded.discards(Side::HubSpot, Some(&field)));
        let deletions = brake(&[(Side::PartnerOs, None, BrakeVerdict::Approved)]);
        assert_eq!(deletions.limit_of_deletions(), None);
        assert!(approved.limit_of_deletions().is_some());
    }

    #[test]
    fn what_fills_an_empty_field_is_not_counted() {
        let field = FieldName::from("city");
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        let note = |from, to| {
            let ids = (RecordId(uuid::Uuid::nil()), HubSpotId(1));
            overwritten((Side::PartnerOs, &field), ids, from, to).is_some()
        };
        assert!(!note(None, text("Bern")));
        assert!(!note(text("Bern"), text("Bern")));
        assert!(note(text("Bern"), text("Chur")));
        assert!(note(text("Bern"), None));
    }
}
