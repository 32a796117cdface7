//! How often somebody got a password or a link wrong of late, by account and by address.
//!
//! An attempt counts from when it begins, so that many at once are no way around the limit, and is taken back when it
//! turns out right. Counts are kept in memory: a restart forgets them. Accounts count whether they exist or not.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderValue, StatusCode, header};
use partneros_domain::Timestamp;
use sha2::{Digest as _, Sha256};

use super::config::AuthConfig;
use crate::problem::Problem;

/// Counts attempts.
#[derive(Debug)]
pub struct Attempts {
    config: AuthConfig,
    counts: Mutex<Counts>,
}

/// An attempt that counts, until it is taken back.
#[derive(Debug)]
#[must_use]
pub struct Attempt {
    keys: Vec<Key>,
}

/// What is counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// The hash of an account's address, which is as long as its sender likes.
    Account([u8; 32]),
    /// Where requests come from; none where that is not known.
    Address(Option<IpAddr>),
}

#[derive(Debug, Default)]
struct Counts {
    windows: HashMap<Key, Window>,
    /// The same windows and some that are gone, oldest first.
    began: VecDeque<(Timestamp, Key)>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    since: Timestamp,
    count: u32,
}

/// Too many attempts.
#[derive(Debug, thiserror::Error)]
#[error("failed because of too many attempts; try again in {} minutes", .seconds.div_ceil(60))]
struct TooMany {
    seconds: u64,
}

impl From<TooMany> for Problem {
    fn from(error: TooMany) -> Self {
        let seconds = HeaderValue::from(error.seconds);
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", &error)
            .with_header(header::RETRY_AFTER, seconds)
    }
}

impl Attempts {
    /// None so far.
    pub fn new(config: AuthConfig) -> Self {
        Self {
            config,
            counts: Mutex::default(),
        }
    }

    /// Begins an attempt on an account, by its email address, from an address.
    pub fn on_account(
        &self,
        email: &str,
        from: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Attempt, Problem> {
        let account = Key::Account(Sha256::digest(email.as_bytes()).into());
        self.begin(vec![account, Key::Address(from.map(network))], now)
    }

    /// Begins an attempt that is on no account.
    pub fn on_no_account(&self, from: Option<IpAddr>, now: Timestamp) -> Result<Attempt, Problem> {
        self.begin(vec![Key::Address(from.map(network))], now)
    }

    /// Takes an attempt back that was right. The account is free of the wrong ones before it as well, the address is not:
    /// whoever has one account must not try others for ever.
    pub fn was_right(&self, attempt: Attempt) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for key in attempt.keys {
            let Some(window) = counts.windows.get_mut(&key) else {
                continue;
            };
            window.count = window.count.saturating_sub(1);
            if window.count == 0 || matches!(key, Key::Account(_)) {
                counts.windows.remove(&key);
            }
        }
    }

    fn begin(&self, keys: Vec<Key>, now: Timestamp) -> Result<Attempt, Problem> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.forget(now, &self.config);
        for key in &keys {
            let max = match key {
                Key::Account(_) => self.config.attempts_per_account,
                Key::Address(_) => self.config.attempts_per_address,
            };
            if let Some(window) = counts.windows.get(key).filter(|window| window.count >= max) {
                let end = window.since.plus_millis(self.config.attempts_ms.into());
                let seconds = end.millis_since(now).max(1).unsigned_abs().div_ceil(1_000);
                return Err(TooMany { seconds }.into());
            }
        }
        for key in &keys {
            counts.count(*key, now);
        }
        Ok(Attempt { keys })
    }
}

impl Counts {
    /// Forgets what counts no longer, and the oldest where there is no room.
    fn forget(&mut self, now: Timestamp, config: &AuthConfig) {
        while let Some((since, key)) = self.began.front().copied() {
            let over = now.millis_since(since) >= config.attempts_ms.into();
            if !over && self.began.len() < config.attempts_kept_max {
                break;
            }
            self.began.pop_front();
            if self
                .windows
                .get(&key)
                .is_some_and(|window| window.since == since)
            {
                self.windows.remove(&key);
            }
        }
    }

    fn count(&mut self, key: Key, now: Timestamp) {
        let window = self.windows.entry(key).or_insert_with(|| {
            self.began.push_back((now, key));
            Window {
                since: now,
                count: 0,
            }
        });
        window.count += 1;
    }
}

/// The address, or the network of one that has a whole network to itself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let bits = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(bits.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn attempts() -> Attempts {
        Attempts::new(AuthConfig {
            attempts_per_account: 2,
            attempts_per_address: 4,
            attempts_ms: 10_000,
            attempts_kept_max: 6,
            ..AuthConfig::default()
        })
    }

    fn on(attempts: &Attempts, email: &str, at: i64) -> Result<Attempt, Problem> {
        attempts.on_account(email, HERE, Timestamp(at))
    }

    #[test]
    fn an_account_is_free_again_after_a_while() {
        let attempts = attempts();
        for at in [0, 5_000] {
            let _ = on(&attempts, "ann", at).unwrap();
        }
        let refused = on(&attempts, "ann", 8_001).unwrap_err();
        assert_eq!(refused.code(), "too_many_attempts");
        assert_eq!(refused.into_response().headers()["retry-after"], "2");
        let _ = on(&attempts, "bob", 8_001).unwrap();
        let _ = on(&attempts, "ann", 10_000).unwrap();
    }

    #[test]
    fn an_address_is_counted_whatever_account_it_tries() {
        let attempts = attempts();
        for email in ["a", "b", "c", "d"] {
            let _ = on(&attempts, email, 0).unwrap();
        }
        assert!(on(&attempts, "e", 0).is_err());
        assert!(attempts.on_no_account(HERE, Timestamp(0)).is_err());
        let elsewhere = "192.0.2.1".parse().ok();
        let _ = attempts.on_account("e", elsewhere, Timestamp(0)).unwrap();
    }

    #[test]
    fn what_was_right_frees_the_account_and_not_the_address() {
        let attempts = attempts();
        let _ = on(&attempts, "a", 0).unwrap();
        let right = on(&attempts, "a", 0).unwrap();
        attempts.was_right(right);
        for email in ["a", "a", "b"] {
            let _ = on(&attempts, email, 0).unwrap();
        }
        assert!(
            on(&attempts, "c", 0).is_err(),
            "one of the first two counts"
        );
    }

    #[test]
    fn room_is_made_for_the_newest() {
        let attempts = attempts();
        for number in 0..1_000_u32 {
            let from = IpAddr::V4((0x0a00_0000 + number).into());
            let _ = attempts.on_account(&number.to_string(), Some(from), Timestamp(0));
        }
        let counts = attempts.counts.lock().unwrap();
        assert!(counts.began.len() <= 7, "{}", counts.began.len());
        assert!(counts.windows.len() <= 7, "{}", counts.windows.len());
    }

    #[test]
    fn a_network_counts_as_one_address() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(of("192.0.2.1"), "192.0.2.1");
    }
}
