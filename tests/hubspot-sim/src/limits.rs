//! Request budgets: searches per second for the account, other calls per ten seconds for the app, calls per day.
//!
//! Windows roll: a call counts until exactly the window's length has passed. A refused call does not count. Search is
//! outside the ten-second budget and its answers carry no budget headers; both facts live here.

use std::collections::VecDeque;

use partneros_domain::Timestamp;

use crate::config::Limits;
use crate::errors::ApiError;

/// What kind of call it is, as far as budgets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// A CRM search.
    Search,
    /// Anything else that needs a token.
    Other,
}

/// What the answer's headers say about the ten-second budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Calls per ten seconds.
    pub burst_max: u32,
    /// Calls left in this window.
    pub burst_remaining: u32,
    /// Calls per day and calls left, where the account has such a budget.
    pub daily: Option<(u64, u64)>,
}

/// The budgets and what has been spent.
#[derive(Debug, Clone)]
pub struct Limiter {
    limits: Limits,
    searches: VecDeque<i64>,
    calls: VecDeque<i64>,
    day: i64,
    today: u64,
}

const DAY_MS: i64 = 86_400_000;

impl Limiter {
    /// Full budgets.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            searches: VecDeque::new(),
            calls: VecDeque::new(),
            day: 0,
            today: 0,
        }
    }

    /// Replaces the budgets; what has been spent stays spent.
    pub fn set(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Spends one call, or says which budget is empty. `utc_offset_ms` places the portal's midnight.
    pub fn spend(
        &mut self,
        now: Timestamp,
        cost: Cost,
        utc_offset_ms: i64,
    ) -> Result<Option<Quota>, ApiError> {
        let now = now.as_millis();
        let day = (now + utc_offset_ms).div_euclid(DAY_MS);
        if day != self.day {
            self.day = day;
            self.today = 0;
        }
        if self.limits.daily.is_some_and(|daily| self.today >= daily) {
            return Err(exhausted("You have reached your daily limit.", "DAILY"));
        }
        match cost {
            Cost::Search => {
                expire(&mut self.searches, now - 1_000);
                if self
                    .limits
                    .search_per_second
                    .is_some_and(|max| self.searches.len() >= max as usize)
                {
                    return Err(ApiError::new(
                        429,
                        "RATE_LIMITS",
                        "You have reached your secondly limit.",
                    ));
                }
                self.searches.push_back(now);
            }
            Cost::Other => {
                expire(&mut self.calls, now - 10_000);
                if self
                    .limits
                    .burst_per_10s
                    .is_some_and(|max| self.calls.len() >= max as usize)
                {
                    return Err(exhausted(
                        "You have reached your ten_secondly_rolling limit.",
                        "TEN_SECONDLY_ROLLING",
                    ));
                }
                self.calls.push_back(now);
            }
        }
        self.today += 1;
        Ok(self.quota(cost))
    }

    /// Calls counted today.
    pub fn used_today(&self) -> u64 {
        self.today
    }

    fn quota(&self, cost: Cost) -> Option<Quota> {
        let burst_max = self.limits.burst_per_10s?;
        (cost == Cost::Other).then(|| Quota {
            burst_max,
            burst_remaining: burst_max.saturating_sub(self.calls.len() as u32),
            daily: self
                .limits
                .daily
                .map(|daily| (daily, daily.saturating_sub(self.today))),
        })
    }
}

fn expire(window: &mut VecDeque<i64>, before_or_at: i64) {
    while window.front().is_some_and(|&at| at <= before_or_at) {
        window.pop_front();
    }
}

fn exhausted(message: &str, policy: &'static str) -> ApiError {
    let mut error = ApiError::plain(429, message);
    error.policy = Some(policy);
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(limits: Limits) -> Limiter {
        Limiter::new(limits)
    }

    #[test]
    fn sixth_search_within_a_second_is_refused_until_the_first_is_a_second_old() {
        let mut limiter = limiter(Limits::MARKETPLACE);
        for at in [0, 100, 200, 300, 400] {
            assert_eq!(limiter.spend(Timestamp(at), Cost::Search, 0), Ok(None));
        }
        let refused = limiter.spend(Timestamp(999), Cost::Search, 0).unwrap_err();
        assert_eq!(
            (refused.status, refused.message.as_str()),
            (429, "You have reached your secondly limit.")
        );
        assert_eq!((refused.policy, refused.retry_after_s), (None, None));
        assert_eq!(limiter.spend(Timestamp(1_000), Cost::Search, 0), Ok(None));
    }

    #[test]
    fn burst_budget_counts_down_and_names_its_policy() {
        let mut limiter = limiter(Limits {
            burst_per_10s: Some(2),
            ..Limits::OFF
        });
        let first = limiter
            .spend(Timestamp(0), Cost::Other, 0)
            .unwrap()
            .unwrap();
        assert_eq!((first.burst_max, first.burst_remaining), (2, 1));
        limiter.spend(Timestamp(1), Cost::Other, 0).unwrap();
        let refused = limiter.spend(Timestamp(9_999), Cost::Other, 0).unwrap_err();
        assert_eq!(refused.policy, Some("TEN_SECONDLY_ROLLING"));
        assert!(limiter.spend(Timestamp(9_999), Cost::Search, 0).is_ok());
        assert!(limiter.spend(Timestamp(10_000), Cost::Other, 0).is_ok());
    }

    #[test]
    fn daily_budget_returns_at_the_portals_midnight() {
        let five_hours_west = -5 * 3_600_000;
        let mut limiter = limiter(Limits {
            daily: Some(1),
            ..Limits::OFF
        });
        assert!(
            limiter
                .spend(Timestamp(0), Cost::Other, five_hours_west)
                .is_ok()
        );
        let refused = limiter
            .spend(Timestamp(1), Cost::Other, five_hours_west)
            .unwrap_err();
        assert_eq!(refused.policy, Some("DAILY"));
        assert!(
            limiter
                .spend(Timestamp(5 * 3_600_000), Cost::Other, five_hours_west)
                .is_ok()
        );
    }
}
