//! Identifiers, one type each, so that a pair's id can never stand where a record's belongs.
//!
//! Our own ids are UUIDs (version 7, so that new rows are appended to their index), lowercase with hyphens on the
//! wire. HubSpot's are numbers that travel as strings.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A text that is not the id it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {kind} id")]
pub struct InvalidId {
    /// What kind of id was expected, such as `record`.
    pub kind: &'static str,
    /// The text that was given.
    pub text: String,
}

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident: $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| InvalidId { kind: $kind, text: text.to_owned() })
            }
        }
    )*};
}

uuid_ids! {
    /// A tenant.
    OrganizationId: "organization";
    /// One organization's authorised HubSpot portal.
    ConnectionId: "connection";
    /// A PartnerOS object and a HubSpot object that sync.
    PairId: "object pair";
    /// One row of a PartnerOS object.
    RecordId: "record";
    /// One pass over a pair.
    RunId: "run";
    /// An API token.
    TokenId: "token";
    /// A person, known by an email address, in whatever organizations.
    UserId: "user";
    /// What a user is in one organization.
    MemberId: "member";
    /// An invitation that waits to be accepted.
    InvitationId: "invitation";
}

/// The id of a HubSpot object, unique within its portal and object type.
///
/// HubSpot sends it as a string of decimal digits of up to 64 bits; so does this type's text form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HubSpotId(pub i64);

impl fmt::Display for HubSpotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for HubSpotId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text.parse::<i64>() {
            Ok(id) if id >= 0 => Ok(Self(id)),
            _ => Err(InvalidId {
                kind: "HubSpot object",
                text: text.to_owned(),
            }),
        }
    }
}

impl Serialize for HubSpotId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HubSpotId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hubspot_ids_travel_as_text() {
        let id: HubSpotId = "7945143592".parse().unwrap();
        assert_eq!(id, HubSpotId(7_945_143_592));
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"7945143592\"");
        assert!("-1".parse::<HubSpotId>().is_err());
        assert!("abc".parse::<HubSpotId>().is_err());
    }

    #[test]
    fn an_invalid_id_names_its_kind() {
        let error = "nope".parse::<PairId>().unwrap_err();
        assert_eq!(error.to_string(), "`nope` is not a valid object pair id");
    }
}
