//! The alert about a journal that is not read for a reason that does not pass by itself.

use std::collections::BTreeSet;

use partneros_domain::{AlertKind, OrganizationId};
use partneros_hubspot::{Error as HubSpotError, JOURNAL_SCOPES};
use partneros_store::Severity;

use super::JournalReader;
use crate::engine::describe;
use crate::error::Error;
use crate::trail::SYSTEM;

const KIND: AlertKind = AlertKind::JournalStopped;
/// There is one journal, so there is one alert in each organization that has pairs in it.
const SUBJECT: &str = "journal";

impl JournalReader {
    /// Opens the alert, or resolves it, by how reading went.
    pub(super) async fn note(&self, failed: Option<&Error>) -> Result<(), Error> {
        let store = &self.engine.parts().store;
        let mut is_calm = self.is_calm.lock().await;
        match failed.map(fix) {
            None if *is_calm => {}
            None => {
                for organization in store.organizations().await? {
                    if self.goes_on(organization.id).await? {
                        self.engine
                            .answer(organization.id, SYSTEM, KIND, SUBJECT)
                            .await?;
                    }
                }
                *is_calm = true;
            }
            // It passes.
            Some(None) => {}
            Some(Some(message)) => {
                *is_calm = false;
                let journaled = store.journaled_objects().await?;
                let told: BTreeSet<_> = journaled.iter().map(|of| of.organization).collect();
                for organization in told {
                    if !self.goes_on(organization).await? {
                        let subject = SUBJECT.to_owned();
                        let severity = Severity::Warning;
                        self.engine
                            .alert(organization, KIND, severity, subject, message.clone())
                            .await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn goes_on(&self, organization: OrganizationId) -> Result<bool, Error> {
        let store = &self.engine.parts().store;
        let last = store.last_alert(organization, KIND, SUBJECT).await?;
        Ok(last.is_some_and(|alert| alert.resolved.is_none()))
    }
}

/// What is wrong and what to do about it; none for what passes by itself.
fn fix(error: &Error) -> Option<String> {
    const BEGINNING: &str = "Change journal stopped: deletions, merges and restores in HubSpot arrive with the next round";
    let refusal = match error {
        Error::Journal(error) if !error.is_transient() => journal_refusal(error),
        Error::JournalUnreadable(_) => describe(error),
        _ => return None,
    };
    Some(format!(
        "{BEGINNING}, since {refusal}; or turn the journal off (`hubspot.journal.enabled`)"
    ))
}

/// Why HubSpot does not show the journal, and what to do about it.
pub fn journal_refusal(error: &HubSpotError) -> String {
    match error {
        // The token endpoint says the same to wrong credentials and to scopes that the app does not have.
        HubSpotError::Unauthorized(_) | HubSpotError::ReauthRequired(_) => format!(
            "HubSpot grants the app no token; correct `hubspot.client_id` and `hubspot.client_secret`, or give the app the scopes {}",
            JOURNAL_SCOPES.join(", ")
        ),
        HubSpotError::MissingScopes { scopes, .. } => format!(
            "the app lacks scopes ({}); give them to it in HubSpot's developer pages",
            scopes.join(", ")
        ),
        error => describe(error),
    }
}

#[cfg(test)]
mod tests {
    use partneros_hubspot::Refusal;

    use super::*;

    #[test]
    fn what_passes_by_itself_needs_nobody() {
        let fix = |error| fix(&Error::Journal(error));
        assert_eq!(fix(HubSpotError::Unavailable(Refusal::default())), None);
        let refused = fix(HubSpotError::Unauthorized(Refusal::default())).unwrap();
        assert!(refused.contains("hubspot.client_secret"), "{refused}");
        let scopes = vec!["developer.webhooks_journal.read".to_owned()];
        let refusal = Refusal::default();
        let lacking = fix(HubSpotError::MissingScopes { scopes, refusal }).unwrap();
        assert!(
            lacking.contains("developer.webhooks_journal.read"),
            "{lacking}"
        );
    }
}
