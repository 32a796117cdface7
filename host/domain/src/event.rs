//! What can be in the audit log: the one table of its events.
//!
//! Invariant: an event is written down by its [`EventType`] and never by a text, so that this table is complete. A name that
//! was released stays; events of it are kept for years, and receivers filter by it.

use std::fmt;

macro_rules! event_types {
    ($($variant:ident = $name:literal, $meaning:literal;)+) => {
        /// What was done. Names begin with what it was done to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EventType {
            $(#[doc = $meaning] $variant,)+
        }

        impl EventType {
            /// All of them, by what they are about.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in the log, such as `plugin.activated`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// A sentence for whoever reads the log.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)+
                }
            }
        }
    };
}

event_types! {
    SyncPull = "sync.pull", "A run moved values from HubSpot, or failed to: counts, duration, HTTP status, `rateLimitRemaining`.";
    SyncPush = "sync.push", "A run moved values to HubSpot, or failed to: counts, duration, HTTP status, `rateLimitRemaining`.";
    SyncAudited = "sync.audited", "Both sides of a pair were compared as a whole: as of when they are complete, the differences that were found and mended, and those that are left.";
    RecordUnlinked = "record.unlinked", "Records are kept without their HubSpot objects, which were archived or deleted; the metadata lists them.";
    RecordRelinked = "record.relinked", "Records are linked to their HubSpot objects again, which were restored; the metadata lists them.";
    RecordDeleted = "record.deleted", "Records were deleted with their HubSpot objects, as the pair's delete policy says; the metadata lists them.";
    RecordReleased = "record.released", "Somebody gave up a record's HubSpot object, which is gone; the record is pushed as a new one.";
    ObjectArchived = "object.archived", "HubSpot objects were archived with their records, as the pair's delete policy says; the metadata lists them.";
    ObjectMerged = "object.merged", "HubSpot objects were merged; the metadata tells which records go on with what is left, and which are kept without an object.";
    TokenRefreshed = "token.refreshed", "HubSpot gave a connection a new access token.";
    TokenRefreshFailed = "token.refresh_failed", "HubSpot no longer takes a connection's refresh token.";
    TokenCreated = "token.created", "An API token was made.";
    TokenDeleted = "token.deleted", "An API token was deleted.";
    ConnectionConnected = "connection.connected", "A portal was connected, or connected again.";
    ConnectionDisconnected = "connection.disconnected", "A portal was disconnected and its tokens forgotten.";
    SchemaRefreshed = "schema.refreshed", "A portal's schema was read.";
    SchemaDriftDetected = "schema.drift_detected", "A portal's schema differs from what was known, with the mappings that this affects.";
    PairCreated = "pair.created", "An object pair was made, as a draft.";
    PairUpdated = "pair.updated", "A pair's settings were changed.";
    PairActivated = "pair.activated", "A pair was started.";
    PairPaused = "pair.paused", "A pair was stopped.";
    PairBraked = "pair.braked", "A run was about to change too much at once, and the pair was stopped before that; the metadata tells what.";
    PairBrakeApproved = "pair.brake_approved", "Somebody let a mass change that the brake had stopped go on.";
    PairBrakeDiscarded = "pair.brake_discarded", "Somebody discarded a mass change that the brake had stopped: the side that it would have overwritten stays.";
    PairDeleted = "pair.deleted", "A pair was removed with its mappings, links and history.";
    MappingSuggested = "mapping.suggested", "The mapper's suggestions were stored as a pair's mappings.";
    MappingReplaced = "mapping.replaced", "All mappings of a pair were replaced.";
    MappingUpdated = "mapping.updated", "The mapping of a field was changed.";
    MappingConfirmed = "mapping.confirmed", "Mappings were confirmed as they were.";
    MappingImported = "mapping.imported", "A pair was set up like a bundle.";
    PluginUploaded = "plugin.uploaded", "A version of a plugin was uploaded or pulled.";
    PluginDeleted = "plugin.deleted", "A version of a plugin was deleted.";
    PluginKeyAdded = "plugin.key_added", "A key was trusted to sign plugins.";
    PluginKeyDeleted = "plugin.key_deleted", "A key is trusted no longer.";
    PluginActivated = "plugin.activated", "Something else runs in a scope from now on.";
    PluginRolledBack = "plugin.rolled_back", "What ran before in a scope runs again.";
    PluginDeactivated = "plugin.deactivated", "Nothing is bound to a scope any longer.";
    PluginShadowStarted = "plugin.shadow_started", "A candidate is tried beside what runs.";
    PluginShadowEnded = "plugin.shadow_ended", "A candidate is tried no longer.";
    PluginPromoted = "plugin.promoted", "A candidate took over.";
    PluginFellBack = "plugin.fell_back", "A version kept failing, and what ran before runs again.";
    PluginQuarantined = "plugin.quarantined", "A version was taken out of use.";
    PluginReleased = "plugin.released", "A version may be used again.";
    MemberSignedIn = "member.signed_in", "A member signed in: the address they came from.";
    MemberSignInFailed = "member.sign_in_failed", "Somebody tried to sign in as a member with a wrong password.";
    MemberPasswordChanged = "member.password_changed", "A member has a new password, and is signed out elsewhere: the address they came from, or none from the host's command line.";
    MemberInvited = "member.invited", "Somebody was invited to become a member.";
    MemberJoined = "member.joined", "Somebody accepted their invitation.";
    MemberRoleChanged = "member.role_changed", "A member has another role.";
    MemberRemoved = "member.removed", "A member was removed, with their tokens.";
    AlertOpened = "alert.opened", "Something needs a person; the metadata is the alert.";
    AlertAcknowledged = "alert.acknowledged", "Somebody looks after an alert; the metadata is the alert.";
    AlertResolved = "alert.resolved", "An alert's trouble ended, or somebody said so; the metadata is the alert.";
    WebhookCreated = "webhook.created", "A webhook was made.";
    WebhookUpdated = "webhook.updated", "A webhook was changed.";
    WebhookDeleted = "webhook.deleted", "A webhook was deleted with its messages.";
    WebhookSecretRotated = "webhook.secret_rotated", "A webhook's secret was replaced; the one before signs as well for a while.";
    WebhookTested = "webhook.tested", "Somebody asked for a message to a webhook, which is this event.";
}

impl EventType {
    /// Whether a text names an event, or the beginning of some up to a point, such as `plugin.`.
    pub fn is_prefix(text: &str) -> bool {
        Self::ALL.iter().any(|event| {
            let rest = event.name().strip_prefix(text);
            rest.is_some_and(|rest| rest.is_empty() || text.ends_with('.'))
        })
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_two_words_and_each_is_there_once() {
        let mut seen = HashSet::new();
        for event in EventType::ALL {
            let name = event.name();
            assert!(seen.insert(name), "{name}");
            let (about, done) = name.split_once('.').unwrap();
            let is_word = |word: &str| {
                !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
            };
            assert!(is_word(about) && is_word(done), "{name}");
            assert!(event.meaning().ends_with('.'), "{name}");
        }
    }

    #[test]
    fn a_prefix_ends_at_a_point_or_is_a_whole_name() {
        for prefix in ["plugin.", "plugin.activated", "sync.pull"] {
            assert!(EventType::is_prefix(prefix), "{prefix}");
        }
        for other in [
            "",
            "plugin",
            "plugin.act",
            "nothing.",
            "plugin.activated.",
            ".",
        ] {
            assert!(!EventType::is_prefix(other), "{other}");
        }
    }
}
