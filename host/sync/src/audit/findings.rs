//! What an audit has found so far.

use partneros_domain::{HubSpotId, RecordId, Timestamp};
use partneros_store::{AuditFigures, AuditSample};

use crate::settings::SyncSettings;

/// What an audit has found so far.
#[derive(Debug)]
pub struct Findings {
    /// What HubSpot modified before this, the ordinary pull should have brought.
    pub settled: Timestamp,
    /// The counts.
    pub figures: AuditFigures,
    /// The first differences that are left.
    pub samples: Vec<AuditSample>,
}

impl Findings {
    /// Nothing, for an audit that begins.
    pub fn of(settings: &SyncSettings, as_of: Timestamp) -> Self {
        let settle_ms = i64::try_from(settings.settle_ms).unwrap_or(i64::MAX);
        Self {
            settled: as_of.plus_millis(settle_ms.saturating_neg()),
            figures: AuditFigures::default(),
            samples: Vec::new(),
        }
    }

    /// A difference is left.
    pub fn leave(&mut self, record_id: Option<RecordId>, hubspot_id: HubSpotId, reason: &str) {
        self.figures.unsettled += 1;
        if self.samples.len() < AuditSample::KEPT_MAX {
            self.samples.push(AuditSample {
                record_id,
                hubspot_id: Some(hubspot_id),
                reason: reason.to_owned(),
            });
        }
    }
}
