//! The API's versions. All are served by the same code; few rules differ.

/// A version of the CRM API, as the path names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApiVersion {
    /// `/crm/v3/…` and its companions.
    V3,
    /// `/crm/…/2026-03/…`.
    Dated202603,
    /// `/crm/…/2026-09/…`, which rounds dates instead of refusing them.
    Dated202609,
}

impl ApiVersion {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::V3, Self::Dated202603, Self::Dated202609];

    /// The path's part.
    pub const fn segment(self) -> &'static str {
        match self {
            Self::V3 => "v3",
            Self::Dated202603 => "2026-03",
            Self::Dated202609 => "2026-09",
        }
    }

    /// The path of an API family of the CRM, such as `objects`, without a slash at the end.
    pub fn crm(self, family: &str) -> String {
        match self {
            Self::V3 => format!("/crm/v3/{family}"),
            dated => format!("/crm/{family}/{}", dated.segment()),
        }
    }
}
