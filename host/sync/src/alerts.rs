//! Opening and resolving alerts, and the alert about HubSpot's calls of the day, which runs find out about.

use partneros_domain::{AlertKind, ConnectionId, OrganizationId};
use partneros_hubspot::RateLimit;
use partneros_store::{Act, AlertId, EventId, NewAlert, Severity};

use crate::engine::{Begun, Engine};
use crate::error::Error;
use crate::trail::SYSTEM;

/// How old HubSpot's word on its limits may be to say anything about now.
const WORD_MS_MAX: u64 = 10 * 60_000;
/// How often the alert is renewed while calls are few.
const RENEWED_MS: i64 = 3_600_000;

/// What is known of HubSpot's calls of the day.
#[derive(Debug, PartialEq, Eq)]
enum DailyCalls {
    /// Few are left, as the sentence says.
    Low(String),
    /// Enough are left.
    Enough,
    /// Nothing was said of late.
    Unknown,
}

impl Engine {
    /// Opens an alert, or renews the one that goes on about this trouble.
    pub(crate) async fn alert(
        &self,
        organization: OrganizationId,
        kind: AlertKind,
        severity: Severity,
        subject: String,
        message: String,
    ) -> Result<(), Error> {
        let environment = &self.parts().environment;
        let alert = NewAlert {
            id: AlertId(environment.new_id()),
            kind,
            severity,
            subject,
            message,
            actor: SYSTEM.to_owned(),
            at: environment.now(),
        };
        self.parts().store.open_alert(organization, alert).await?;
        Ok(())
    }

    /// Resolves the alert that goes on about this trouble, if there is one.
    pub(crate) async fn answer(
        &self,
        organization: OrganizationId,
        actor: &str,
        kind: AlertKind,
        subject: &str,
    ) -> Result<(), Error> {
        let act = self.act(actor);
        let store = &self.parts().store;
        store
            .resolve_trouble(organization, kind, subject, act)
            .await?;
        Ok(())
    }

    /// What somebody does now, with an event that tells of it.
    pub fn act(&self, actor: &str) -> Act {
        let environment = &self.parts().environment;
        Act {
            event: EventId(environment.new_id()),
            at: environment.now(),
            actor: actor.to_owned(),
        }
    }

    /// Opens, renews or resolves the alert about HubSpot's calls of the day by what a run has seen of them.
    pub(crate) async fn note_daily_calls(
        &self,
        begun: &Begun,
        result: &Result<(), Error>,
    ) -> Result<(), Error> {
        let (organization, connection) = (begun.organization(), begun.connection());
        let portal = self.parts().portals.portal(organization, connection).await;
        let limit = portal.ok().and_then(|portal| portal.rate_limit_remaining());
        let percent = self.parts().alerts.rate_limit_low_percent;
        match daily_calls(limit, result, percent) {
            DailyCalls::Low(message) => self.calls_are_low(organization, connection, message).await,
            DailyCalls::Enough => {
                let (kind, subject) = (AlertKind::RateLimitLow, connection.to_string());
                let last = self.parts().store.last_alert(organization, kind, &subject);
                // Looked up first: most runs have nothing to resolve, and writing waits for the disk.
                match last.await? {
                    Some(alert) if alert.resolved.is_none() => {
                        self.answer(organization, SYSTEM, kind, &subject).await
                    }
                    _ => Ok(()),
                }
            }
            DailyCalls::Unknown => Ok(()),
        }
    }

    async fn calls_are_low(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
        message: String,
    ) -> Result<(), Error> {
        let (kind, subject) = (AlertKind::RateLimitLow, connection.to_string());
        let parts = self.parts();
        let last = parts.store.last_alert(organization, kind, &subject).await?;
        let now = parts.environment.now();
        let is_fresh = last.is_some_and(|alert| {
            alert.resolved.is_none() && now.millis_since(alert.opened_at) < RENEWED_MS
        });
        if is_fresh {
            return Ok(());
        }
        self.alert(organization, kind, Severity::Warning, subject, message)
            .await
    }
}

fn daily_calls(
    limit: Option<RateLimit>,
    result: &Result<(), Error>,
    low_percent: u8,
) -> DailyCalls {
    const ADVICE: &str =
        "pause syncs, or wait: HubSpot counts anew at midnight in the portal's time zone";
    let refused = result.as_ref().err().and_then(Error::hubspot);
    if refused.is_some_and(partneros_hubspot::Error::is_daily_limit) {
        return DailyCalls::Low(format!(
            "Rate limit low: HubSpot refuses calls because those of the day are used up; {ADVICE}"
        ));
    }
    let told = limit.and_then(|limit| Some((limit.daily_max?, limit.daily_remaining?, limit)));
    match told {
        Some((_, _, limit)) if limit.age_ms > WORD_MS_MAX => DailyCalls::Unknown,
        Some((max, remaining, _)) => {
            if remaining.saturating_mul(100) >= max.saturating_mul(low_percent.into()) {
                return DailyCalls::Enough;
            }
            DailyCalls::Low(format!(
                "Rate limit low: {remaining} of the {max} calls that HubSpot allows in a day are left; {ADVICE}"
            ))
        }
        // Where HubSpot does not count for us, calls that work show that there are some.
        None if result.is_ok() => DailyCalls::Enough,
        None => DailyCalls::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use partneros_hubspot::Refusal;

    use super::*;

    fn limit(daily: Option<(u64, u64)>, age_ms: u64) -> RateLimit {
        RateLimit {
            max: 110,
            remaining: 1,
            daily_max: daily.map(|(max, _)| max),
            daily_remaining: daily.map(|(_, remaining)| remaining),
            age_ms,
        }
    }

    fn refused(policy: &str) -> Result<(), Error> {
        Err(Error::Pull(partneros_hubspot::Error::RateLimited {
            policy: policy.to_owned(),
            retry_after: None,
            refusal: Refusal::default(),
        }))
    }

    #[test]
    fn less_than_a_tenth_is_low() {
        for (remaining, is_low) in [(0, true), (99, true), (100, false), (1_000, false)] {
            let told = daily_calls(Some(limit(Some((1_000, remaining)), 0)), &Ok(()), 10);
            assert_eq!(matches!(told, DailyCalls::Low(_)), is_low, "{remaining}");
        }
        let told = daily_calls(Some(limit(Some((1_000, 99)), 0)), &Ok(()), 10);
        let DailyCalls::Low(message) = told else {
            panic!("{told:?}");
        };
        assert!(
            message.starts_with("Rate limit low: 99 of the 1000"),
            "{message}"
        );
        let off = daily_calls(Some(limit(Some((1_000, 0)), 0)), &Ok(()), 0);
        assert_eq!(off, DailyCalls::Enough);
    }

    #[test]
    fn an_old_word_says_nothing() {
        for remaining in [0, 1_000] {
            let old = Some(limit(Some((1_000, remaining)), WORD_MS_MAX + 1));
            assert_eq!(daily_calls(old, &Ok(()), 10), DailyCalls::Unknown);
        }
    }

    #[test]
    fn where_hubspot_does_not_count_its_refusal_does() {
        let silent = Some(limit(None, 0));
        assert!(matches!(
            daily_calls(silent, &refused("DAILY"), 10),
            DailyCalls::Low(_)
        ));
        let other = daily_calls(silent, &refused("TEN_SECONDLY_ROLLING"), 10);
        assert_eq!(other, DailyCalls::Unknown);
        assert_eq!(daily_calls(silent, &Ok(()), 10), DailyCalls::Enough);
        assert_eq!(
            daily_calls(None, &Err(Error::Busy), 10),
            DailyCalls::Unknown
        );
    }
}
