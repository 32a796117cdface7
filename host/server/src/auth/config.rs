//! How people sign in, and what is limited about it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sessions, passwords and their limits. Times are in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// After how long without use a session ends. Default 28,800,000 (8 hours), a working day. Then: 401 `unauthorized`.
    pub session_idle_ms: u32,
    /// After how long a session ends however much it is used. Default 604,800,000 (7 days). Then: 401 `unauthorized`.
    pub session_ms_max: u32,
    /// The most sessions of a person at a time. Default 20. Beyond it the oldest ends.
    pub sessions_max: usize,
    /// How long an invitation's link works. Default 604,800,000 (7 days). Then: 404 `not_found`.
    pub invitation_ms: u32,
    /// The most members and waiting invitations of an organization. Default 1,000. Beyond it: 409
    /// `too_many_members`.
    pub members_max: usize,
    /// The most tokens of an organization. Default 200. Beyond it: 409 `too_many_tokens`.
    pub tokens_max: usize,
    /// The memory that hashing a password takes, in KiB. Default 19,456, with two passes what OWASP advises for
    /// argon2id. Passwords that were hashed otherwise keep working.
    pub hash_memory_kib: u32,
    /// How many passes over the memory hashing a password takes. Default 2.
    pub hash_passes: u32,
    /// The most passwords that are hashed at a time, each on a thread of its own. Default 2: a flood of attempts leaves
    /// cores and memory to the rest.
    pub hashes_max: usize,
    /// The most passwords that wait to be hashed. Default 32, about a second's work. Beyond it: 503 `busy`.
    pub hashes_waiting_max: usize,
    /// The most wrong passwords for an account in `attempts_ms`. Default 10. Beyond it: 429 `too_many_attempts`, also
    /// for the right one.
    pub attempts_per_account: u32,
    /// The most wrong passwords and links from an address in `attempts_ms`; the 64 bits of an IPv6 network count as one
    /// address. Default 100, since an office may share one. Beyond it: 429 `too_many_attempts`.
    pub attempts_per_address: u32,
    /// For how long an attempt counts. Default 900,000 (15 minutes).
    pub attempts_ms: u32,
    /// Of how many accounts and addresses attempts are counted. Default 100,000, some 20 MB. Beyond it the oldest are
    /// forgotten.
    pub attempts_kept_max: usize,
    /// How many proxies stand before this host, each of which appends the address it was called from to
    /// `X-Forwarded-For`. Default 0: the header is not looked at, since anyone may send it.
    pub trusted_proxies: usize,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            session_idle_ms: 8 * 3_600_000,
            session_ms_max: 7 * 24 * 3_600_000,
            sessions_max: 20,
            invitation_ms: 7 * 24 * 3_600_000,
            members_max: 1_000,
            tokens_max: 200,
            hash_memory_kib: 19_456,
            hash_passes: 2,
            hashes_max: 2,
            hashes_waiting_max: 32,
            attempts_per_account: 10,
            attempts_per_address: 100,
            attempts_ms: 900_000,
            attempts_kept_max: 100_000,
            trusted_proxies: 0,
        }
    }
}
