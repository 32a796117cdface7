//! Roles, and the one table of what each may do.
//!
//! Roles are ordered, and each may do whatever the one below it may. Invariant: nothing outside of [`Role::may`] decides
//! what a role allows.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role; there are `viewer`, `member`, `admin` and `owner`")]
pub struct InvalidRole(pub String);

/// What a member is in an organization. The order is that of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads records and reports.
    Viewer,
    /// Works with records.
    Member,
    /// Runs the organization's settings.
    Admin,
    /// An admin whom no admin can remove. Every organization that has members has one.
    Owner,
}

/// Something that not everybody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Read records, settings, runs and alerts.
    View,
    /// Make, change and delete records.
    EditRecords,
    /// Start a sync and try again what failed.
    RunSyncs,
    /// Set object pairs and their mappings up, and try them.
    EditMappings,
    /// Connect and disconnect portals and read their schemas anew.
    ManageConnections,
    /// Upload, bind and delete plugins, and trust keys.
    ManagePlugins,
    /// Invite and remove members and change their roles.
    ManageMembers,
    /// Make, list and delete API tokens.
    ManageTokens,
    /// Have messages about what happens sent elsewhere.
    ManageWebhooks,
    /// Read who did what.
    ReadAudit,
}

impl Role {
    /// Every role, from the least to the most powerful.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Member, Self::Admin, Self::Owner];

    /// Whether the role allows it.
    pub fn may(self, permission: Permission) -> bool {
        self >= permission.least()
    }

    /// Whether somebody of this role may give, take or change the other role: nobody reaches above themselves.
    pub fn may_grant(self, other: Self) -> bool {
        other <= self
    }

    /// The role's name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Role {
    type Err = InvalidRole;

    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        let role = Self::ALL.into_iter().find(|role| role.word() == text);
        role.ok_or_else(|| InvalidRole(text.to_owned()))
    }
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 10] = [
        Self::View,
        Self::EditRecords,
        Self::RunSyncs,
        Self::EditMappings,
        Self::ManageConnections,
        Self::ManagePlugins,
        Self::ManageMembers,
        Self::ManageTokens,
        Self::ManageWebhooks,
        Self::ReadAudit,
    ];

    /// The permission's name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::EditRecords => "edit_records",
            Self::RunSyncs => "run_syncs",
            Self::EditMappings => "edit_mappings",
            Self::ManageConnections => "manage_connections",
            Self::ManagePlugins => "manage_plugins",
            Self::ManageMembers => "manage_members",
            Self::ManageTokens => "manage_tokens",
            Self::ManageWebhooks => "manage_webhooks",
            Self::ReadAudit => "read_audit",
        }
    }

    /// The table: the least powerful role that has the permission.
    pub const fn least(self) -> Role {
        match self {
            Self::View => Role::Viewer,
            Self::EditRecords | Self::RunSyncs => Role::Member,
            Self::EditMappings
            | Self::ManageConnections
            | Self::ManagePlugins
            | Self::ManageMembers
            | Self::ManageTokens
            | Self::ManageWebhooks
            | Self::ReadAudit => Role::Admin,
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table, written out, so that a change of it is seen.
    #[test]
    fn the_table_is_the_one_that_was_reviewed() {
        let row = |permission: Permission| {
            let name = serde_json::to_string(&permission).unwrap();
            let cells = Role::ALL.map(|role| if role.may(permission) { "yes" } else { "-" });
            format!("{} {}", name.trim_matches('"'), cells.join(" "))
        };
        let table = Permission::ALL.map(row).join("\n");
        let reviewed = [
            "view yes yes yes yes",
            "edit_records - yes yes yes",
            "run_syncs - yes yes yes",
            "edit_mappings - - yes yes",
            "manage_connections - - yes yes",
            "manage_plugins - - yes yes",
            "manage_members - - yes yes",
            "manage_tokens - - yes yes",
            "manage_webhooks - - yes yes",
            "read_audit - - yes yes",
        ];
        assert_eq!(table, reviewed.join("\n"));
    }

    #[test]
    fn nobody_reaches_above_themselves() {
        for giver in Role::ALL {
            for role in Role::ALL {
                assert_eq!(giver.may_grant(role), role as u8 <= giver as u8);
            }
        }
        assert!(!Role::Admin.may_grant(Role::Owner));
    }

    #[test]
    fn names_are_the_words_on_the_wire() {
        let words = serde_json::to_string(&Role::ALL).unwrap();
        assert_eq!(words, r#"["viewer","member","admin","owner"]"#);
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
            let word = serde_json::to_string(&role).unwrap();
            assert_eq!(word, format!("\"{role}\""));
        }
        for permission in Permission::ALL {
            let word = serde_json::to_string(&permission).unwrap();
            assert_eq!(word, format!("\"{permission}\""));
        }
        let error = "partner".parse::<Role>().unwrap_err().to_string();
        assert!(
            error.contains("`partner`") && error.contains("`owner`"),
            "{error}"
        );
    }
}
