//! The permissions as types, for the signatures of handlers.

use partneros_domain::Permission;

/// A permission that a signature names.
pub trait Needed: Send + Sync + 'static {
    /// The permission.
    const PERMISSION: Permission;
}

macro_rules! permissions {
    ($($name:ident),+) => {$(
        #[doc = concat!("Stands for [`Permission::", stringify!($name), "`].")]
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl Needed for $name {
            const PERMISSION: Permission = Permission::$name;
        }
    )+};
}

permissions![
    View,
    EditRecords,
    RunSyncs,
    EditMappings,
    ManageConnections,
    ManagePlugins,
    ManageMembers,
    ManageTokens,
    ManageWebhooks,
    ReadAudit
];
