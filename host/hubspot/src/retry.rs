//! Which failures are worth another attempt, and after how long.
//!
//! A loop of our own rather than a backoff crate: the wait depends on which limit was hit and on what HubSpot asked for,
//! and the same wait has to hold back the portal's other calls. Every call may be repeated, since writes are updates,
//! upserts or archivals, which do the same the second time.

use std::time::Duration;

use crate::error::Error;

/// How failures are retried. The units grow with each attempt.
#[derive(Debug, Clone)]
pub struct RetryConfig {
    /// How often a call is attempted at most. Default 6. When hit: the last error is returned.
    pub attempts_max: u32,
    /// How long a call may go on, waits included. Default 2 min, which outlasts a rolling limit, a portal's lock and a
    /// short outage. A wait that would end later is not begun: the
    /// error is returned at once and says when it may work again.
    pub retry_time_max: Duration,
    /// After the ten-second limit was hit, per attempt. Default 10 s: then the window has passed.
    pub ten_secondly: Duration,
    /// After the one-second limit (search) was hit, per attempt. Default 1 s.
    pub secondly: Duration,
    /// While the portal is locked, per attempt. Default 2 s, the length of a lock.
    pub locked: Duration,
    /// After a failure of the server or the network; doubles with each attempt. Default 200 ms.
    pub failed: Duration,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            attempts_max: 6,
            retry_time_max: Duration::from_mins(2),
            ten_secondly: Duration::from_secs(10),
            secondly: Duration::from_secs(1),
            locked: Duration::from_secs(2),
            failed: Duration::from_millis(200),
        }
    }
}

impl RetryConfig {
    /// How long to wait after `error` ended attempt number `attempt` (from 1); `None` when another attempt is no use.
    ///
    /// `spread` in 0..1 is the jitter: it never shortens a wait that HubSpot asked for.
    pub(crate) fn wait(
        &self,
        error: &Error,
        attempt: u32,
        elapsed: Duration,
        spread: f64,
    ) -> Option<Duration> {
        if attempt >= self.attempts_max {
            return None;
        }
        let wait = match error {
            error if error.is_daily_limit() => return None,
            Error::RateLimited {
                retry_after: Some(asked),
                ..
            }
            | Error::Locked {
                retry_after: Some(asked),
                ..
            } => longer(*asked, spread),
            Error::RateLimited { policy, .. } => {
                let unit = if policy == "SECONDLY" {
                    self.secondly
                } else {
                    self.ten_secondly
                };
                longer(unit.saturating_mul(attempt), spread)
            }
            Error::Locked { .. } => longer(self.locked.saturating_mul(attempt), spread),
            Error::Unavailable(_) | Error::Transport { .. } | Error::InvalidResponse { .. } => {
                let doubled = self.failed.saturating_mul(1 << (attempt - 1).min(16));
                doubled.mul_f64(0.5 + spread)
            }
            _ => return None,
        };
        (elapsed.saturating_add(wait) <= self.retry_time_max).then_some(wait)
    }
}

/// Up to a tenth longer, so that many waiting calls do not all come back at once.
fn longer(wait: Duration, spread: f64) -> Duration {
    wait.mul_f64(1.0 + spread / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Refusal;

    fn limited(policy: &str, retry_after: Option<u64>) -> Error {
        Error::RateLimited {
            policy: policy.to_owned(),
            retry_after: retry_after.map(Duration::from_secs),
            refusal: Refusal::default(),
        }
    }

    fn wait(error: &Error, attempt: u32) -> Option<Duration> {
        RetryConfig::default().wait(error, attempt, Duration::ZERO, 0.0)
    }

    #[test]
    fn each_limit_has_its_own_unit() {
        let seconds = |s| Some(Duration::from_secs(s));
        assert_eq!(wait(&limited("TEN_SECONDLY_ROLLING", None), 2), seconds(20));
        assert_eq!(wait(&limited("SECONDLY", None), 3), seconds(3));
        assert_eq!(wait(&limited("SECONDLY", Some(7)), 3), seconds(7));
        assert_eq!(wait(&limited("DAILY", None), 1), None);
        let locked = Error::Locked {
            retry_after: None,
            refusal: Refusal::default(),
        };
        assert_eq!(wait(&locked, 1), seconds(2));
    }

    #[test]
    fn a_wait_beyond_the_cap_is_not_begun() {
        let moving = Error::Locked {
            retry_after: Some(Duration::from_hours(24)),
            refusal: Refusal::default(),
        };
        assert_eq!(wait(&moving, 1), None);
        let config = RetryConfig::default();
        let late = Duration::from_secs(119);
        assert_eq!(
            config.wait(&limited("TEN_SECONDLY_ROLLING", None), 1, late, 0.0),
            None
        );
    }

    #[test]
    fn server_failures_double_with_jitter_around_the_unit() {
        let error = Error::Unavailable(Refusal::default());
        let config = RetryConfig::default();
        let at = |attempt, spread| config.wait(&error, attempt, Duration::ZERO, spread);
        assert_eq!(at(1, 0.5), Some(Duration::from_millis(200)));
        assert_eq!(at(3, 0.5), Some(Duration::from_millis(800)));
        assert_eq!(at(3, 0.0), Some(Duration::from_millis(400)));
        assert_eq!(at(6, 0.0), None);
    }

    #[test]
    fn refusals_are_final() {
        for error in [
            Error::Validation(Refusal::default()),
            Error::NotFound(Refusal::default()),
            Error::Unauthorized(Refusal::default()),
            Error::Cancelled,
        ] {
            assert_eq!(wait(&error, 1), None);
        }
    }
}
