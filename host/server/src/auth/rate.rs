//! How fast one token or session may ask.
//!
//! Only callers that are known are counted, so that there are as many counters as callers and strangers cannot add any.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::http::{HeaderValue, StatusCode, header};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};

use crate::problem::Problem;

/// How many more may come at once than in a second.
const BURST_FACTOR: NonZeroU32 = NonZeroU32::new(2).unwrap();
/// Once in so many requests the counters of callers that fell silent are dropped, which looks at all of them.
const SWEEP_EVERY: u32 = 10_000;

/// The counters of all callers.
pub struct RateLimits {
    limiter: Option<DefaultKeyedRateLimiter<[u8; 32]>>,
    clock: DefaultClock,
    counted: AtomicU32,
}

/// A caller who asks too fast.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed because of too many requests with this token; the limit is `api.requests_per_second_max`, try again in {0} s"
)]
struct TooFast(u64);

impl From<TooFast> for Problem {
    fn from(error: TooFast) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", &error)
            .with_header(header::RETRY_AFTER, HeaderValue::from(error.0))
    }
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RateLimits(..)")
    }
}

impl RateLimits {
    /// So many requests a second for each caller; 0 is no limit.
    pub fn new(per_second: u32) -> Self {
        let quota = NonZeroU32::new(per_second).map(|per_second| {
            Quota::per_second(per_second).allow_burst(per_second.saturating_mul(BURST_FACTOR))
        });
        Self {
            limiter: quota.map(DefaultKeyedRateLimiter::keyed),
            clock: DefaultClock::default(),
            counted: AtomicU32::new(0),
        }
    }

    /// Counts a request of the caller with this hash.
    pub(super) fn count(&self, caller: &[u8; 32]) -> Result<(), Problem> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        let counted = self.counted.fetch_add(1, Ordering::Relaxed);
        if counted.is_multiple_of(SWEEP_EVERY) {
            limiter.retain_recent();
        }
        limiter.check_key(caller).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            TooFast(wait.as_secs() + 1).into()
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::api::fixture::TestApi;
    use crate::state::ApiLimits;

    #[tokio::test]
    async fn who_asks_too_fast_is_told_to_wait_and_others_are_not() {
        let limits = ApiLimits {
            requests_per_second_max: 1,
            ..ApiLimits::default()
        };
        let api = TestApi::with_limits(limits).await;
        for _ in 0..2 {
            api.acme().get("/api/objects").await.expect(200);
        }
        let answer = api.acme().get("/api/objects").await;
        answer.refused(429, "rate_limited");
        assert_eq!(answer.header("retry-after"), "1");
        api.other().get("/api/objects").await.expect(200);
        api.anyone().get("/healthz").await.expect(200);
    }
}
