//! Where things are in HubSpot's API: the one place that knows how versions change paths.
//!
//! HubSpot numbers its older APIs (`/crm/v3/objects/…`) and dates the newer ones (`/crm/objects/2026-03/…`); what is
//! sent and returned is the same. Callers name the thing, never the path.

use url::Url;

/// HubSpot's public API, whatever region a portal is hosted in.
pub const API_BASE: &str = "https://api.hubapi.com";

/// The version of the API that paths name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ApiVersion {
    /// The numbered API, supported until September 2027. The default for CRM calls.
    #[default]
    V3,
    /// Dated March 2026. The default for OAuth.
    V2026_03,
    /// Dated September 2026; enforces a portal's rules on required properties on writes.
    V2026_09,
}

impl ApiVersion {
    /// The version as paths spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V3 => "v3",
            Self::V2026_03 => "2026-03",
            Self::V2026_09 => "2026-09",
        }
    }
}

impl std::fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for ApiVersion {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        [Self::V3, Self::V2026_03, Self::V2026_09]
            .into_iter()
            .find(|version| version.as_str() == text)
            .ok_or_else(|| UnknownVersion(text.to_owned()))
    }
}

/// A text that names no version of the API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of HubSpot's API versions `v3`, `2026-03` and `2026-09`")]
pub struct UnknownVersion(pub String);

/// Builds addresses for one version.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    base: Url,
    version: ApiVersion,
}

impl Paths {
    pub(crate) fn new(base: Url, version: ApiVersion) -> Self {
        Self { base, version }
    }

    /// `/crm/v3/objects/{object}/…`
    pub(crate) fn objects(&self, object: &str, rest: &[&str]) -> Url {
        self.crm("objects", object, rest)
    }

    /// `/crm/v3/properties/{object}/…`
    pub(crate) fn properties(&self, object: &str, rest: &[&str]) -> Url {
        self.crm("properties", object, rest)
    }

    /// `/crm/v3/pipelines/{object}`
    pub(crate) fn pipelines(&self, object: &str) -> Url {
        self.crm("pipelines", object, &[])
    }

    /// `/crm/v3/owners`
    pub(crate) fn owners(&self) -> Url {
        match self.version {
            ApiVersion::V3 => self.join(&["crm", "v3", "owners"]),
            dated => self.join(&["crm", "owners", dated.as_str()]),
        }
    }

    /// `/crm-object-schemas/v3/schemas`
    pub(crate) fn schemas(&self) -> Url {
        self.join(&["crm-object-schemas", self.version.as_str(), "schemas"])
    }

    /// `/account-info/v3/details`
    pub(crate) fn account_info(&self) -> Url {
        self.join(&["account-info", self.version.as_str(), "details"])
    }

    /// `/oauth/v3/…`
    pub(crate) fn oauth(&self, rest: &[&str]) -> Url {
        self.join(&[&["oauth", self.version.as_str()], rest].concat())
    }

    /// `/appinstalls/v3/external-install`
    pub(crate) fn external_install(&self) -> Url {
        self.join(&["appinstalls", self.version.as_str(), "external-install"])
    }

    /// `/webhooks-journal/journal/2026-03/…`
    pub(crate) fn journal(&self, rest: &[&str]) -> Url {
        self.join(
            &[
                &["webhooks-journal", "journal", self.version.as_str()],
                rest,
            ]
            .concat(),
        )
    }

    /// `/webhooks-journal/subscriptions/2026-03/…`
    pub(crate) fn journal_subscriptions(&self, rest: &[&str]) -> Url {
        let start = ["webhooks-journal", "subscriptions", self.version.as_str()];
        self.join(&[&start, rest].concat())
    }

    fn crm(&self, api: &str, object: &str, rest: &[&str]) -> Url {
        let start = match self.version {
            ApiVersion::V3 => ["crm", "v3", api, object],
            dated => ["crm", api, dated.as_str(), object],
        };
        self.join(&[&start, rest].concat())
    }

    /// Appends segments, each escaped, so that an object name from outside cannot reach another path.
    fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(version: ApiVersion) -> Paths {
        Paths::new(API_BASE.parse().unwrap(), version)
    }

    #[test]
    fn numbered_and_dated_versions_place_the_version_differently() {
        let all = |version| {
            let paths = paths(version);
            [
                paths.objects("companies", &["batch", "read"]),
                paths.properties("deals", &["amount"]),
                paths.pipelines("deals"),
                paths.owners(),
                paths.schemas(),
                paths.account_info(),
                paths.oauth(&["token", "introspect"]),
                paths.external_install(),
            ]
            .map(|url| url.path().to_owned())
        };
        assert_eq!(
            all(ApiVersion::V3),
            [
                "/crm/v3/objects/companies/batch/read",
                "/crm/v3/properties/deals/amount",
                "/crm/v3/pipelines/deals",
                "/crm/v3/owners",
                "/crm-object-schemas/v3/schemas",
                "/account-info/v3/details",
                "/oauth/v3/token/introspect",
                "/appinstalls/v3/external-install",
            ]
        );
        assert_eq!(
            all(ApiVersion::V2026_09),
            [
                "/crm/objects/2026-09/companies/batch/read",
                "/crm/properties/2026-09/deals/amount",
                "/crm/pipelines/2026-09/deals",
                "/crm/owners/2026-09",
                "/crm-object-schemas/2026-09/schemas",
                "/account-info/2026-09/details",
                "/oauth/2026-09/token/introspect",
                "/appinstalls/2026-09/external-install",
            ]
        );
    }

    #[test]
    fn an_object_name_stays_one_segment() {
        let url = paths(ApiVersion::V3).objects("../oauth?x=1", &["search"]);
        assert_eq!(url.path(), "/crm/v3/objects/..%2Foauth%3Fx=1/search");
        assert_eq!(url.query(), None);
    }

    #[test]
    fn a_base_may_have_a_path_of_its_own() {
        let base = "http://127.0.0.1:9/hub/".parse().unwrap();
        let url = Paths::new(base, ApiVersion::V2026_03).owners();
        assert_eq!(url.as_str(), "http://127.0.0.1:9/hub/crm/owners/2026-03");
    }

    #[test]
    fn versions_have_a_text_form() {
        assert_eq!("2026-09".parse(), Ok(ApiVersion::V2026_09));
        assert_eq!(
            "v9".parse::<ApiVersion>(),
            Err(UnknownVersion("v9".to_owned()))
        );
    }
}
