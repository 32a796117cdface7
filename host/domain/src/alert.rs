//! What can be alerted: the one table of troubles that need a person.
//!
//! Titles are the words that people see. Invariant: a name that was released stays, since alerts are kept by it.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! alert_kinds {
    ($($variant:ident = $name:literal, $title:literal, $meaning:literal;)+) => {
        /// What kind of trouble it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum AlertKind {
            $(#[doc = $meaning] #[serde(rename = $name)] $variant,)+
        }

        impl AlertKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name for programs, such as `token.revoked`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The title for people, such as `Token revoked`.
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)+
                }
            }

            /// A sentence for whoever reads it.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)+
                }
            }
        }
    };
}

alert_kinds! {
    TokenRevoked = "token.revoked", "Token revoked",
        "HubSpot no longer lets the host in; nothing of the connection syncs until it is reconnected.";
    SchemaDriftDetected = "schema.drift_detected", "Schema drift detected",
        "A portal's schema changed in a way that mappings do not go along with.";
    RateLimitLow = "rate_limit.low", "Rate limit low",
        "HubSpot's calls of the day are nearly used up; pause syncs, or wait for midnight in the portal's time zone.";
    LagAboveTarget = "lag.above_target", "Lag above target",
        "Changes of a pair take longer to arrive than they should.";
    MergeLeftRecords = "merge.left_records", "Records left by merges",
        "HubSpot objects were merged that had a record each; one record goes on with what is left, the others are kept without an object.";
    SyncBraked = "sync.braked", "Sync braked",
        "A run was about to delete, blank or change more than is normal, and nothing of the pair syncs until somebody approves or discards it.";
    TugOfWar = "tug.of_war", "Tug of war",
        "Something in HubSpot rewrites a property after each of our writes; the field is paused for the records this was seen at.";
    JournalStopped = "journal.stopped", "Change journal stopped",
        "HubSpot's change journal is not read, so deletions, merges and restores arrive with the next round instead of within seconds.";
    WebhookDisabled = "webhook.disabled", "Webhook disabled",
        "An endpoint took no messages for days, or fewer than there were, and gets none until it is enabled again.";
    PluginQuarantined = "plugin.quarantined", "Plugin quarantined",
        "A plugin version kept failing and was taken out of use.";
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_has_words_for_these() {
        let titles: Vec<_> = AlertKind::ALL.iter().map(|kind| kind.title()).collect();
        for title in ["Token revoked", "Schema drift detected", "Rate limit low"] {
            assert!(titles.contains(&title), "{title}");
        }
    }

    #[test]
    fn a_kind_is_kept_by_its_name() {
        for kind in AlertKind::ALL {
            let json = serde_json::to_string(kind).unwrap();
            assert_eq!(json, format!("\"{kind}\""));
            assert_eq!(serde_json::from_str::<AlertKind>(&json).unwrap(), *kind);
            assert!(kind.meaning().ends_with('.'), "{kind}");
        }
    }
}
