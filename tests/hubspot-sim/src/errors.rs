//! HubSpot's error bodies.
//!
//! An [`ApiError`] is what a call ends with, and also one row of a 207 answer. It is built without a correlation id;
//! the portal stamps one from its seeded generator when the error leaves as a response, never for a row. Messages are
//! HubSpot's, word for word where a recording exists, so this is the one module whose texts follow no house style.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

/// One failed call, or one failed row of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// For a person.
    pub message: String,
    /// Such as `VALIDATION_ERROR`; absent on some errors.
    pub category: Option<&'static str>,
    /// Such as `Properties.PROPERTY_WITH_NAME_EXISTS`.
    pub sub_category: Option<&'static str>,
    /// Identifiers by kind.
    pub context: Vec<(String, Vec<String>)>,
    /// The single failures behind this one.
    pub details: Vec<ErrorDetail>,
    /// The budget that ran out: `DAILY` or `TEN_SECONDLY_ROLLING`.
    pub policy: Option<&'static str>,
    /// Seconds for the `Retry-After` header.
    pub retry_after_s: Option<u32>,
    /// Set when the error leaves as a response.
    pub correlation_id: Option<String>,
    /// A page instead of JSON, as gateways answer.
    pub html: Option<&'static str>,
}

/// One entry of `errors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorDetail {
    /// For a person.
    pub message: String,
    /// Such as `INVALID_OPTION`.
    pub code: Option<&'static str>,
    /// Identifiers by kind.
    pub context: Vec<(String, Vec<String>)>,
}

/// One property value that HubSpot does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueProblem {
    /// The property.
    pub name: String,
    /// HubSpot's code, such as `INVALID_DATE`.
    pub code: &'static str,
    /// HubSpot's message.
    pub message: String,
}

const SCOPES_LINK: &str = "https://developers.hubspot.com/scopes";

impl ApiError {
    /// An error with a status, a category and a message, to be refined by the methods below.
    pub fn new(status: u16, category: &'static str, message: impl Into<String>) -> Self {
        Self {
            category: Some(category),
            ..Self::plain(status, message)
        }
    }

    /// An error without a category.
    pub fn plain(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            category: None,
            sub_category: None,
            context: Vec::new(),
            details: Vec::new(),
            policy: None,
            retry_after_s: None,
            correlation_id: None,
            html: None,
        }
    }

    /// A page from a gateway.
    pub fn page(status: u16, html: &'static str) -> Self {
        Self {
            html: Some(html),
            ..Self::plain(status, "")
        }
    }

    /// 400 `VALIDATION_ERROR`.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "VALIDATION_ERROR", message)
    }

    /// Adds identifiers of one kind.
    #[must_use]
    pub fn with(mut self, kind: &str, values: Vec<String>) -> Self {
        self.context.push((kind.to_owned(), values));
        self
    }

    /// Adds a sub-category.
    #[must_use]
    pub fn under(mut self, sub_category: &'static str) -> Self {
        self.sub_category = Some(sub_category);
        self
    }

    /// Adds one entry of `errors`.
    #[must_use]
    pub fn detail(mut self, code: Option<&'static str>, message: impl Into<String>) -> Self {
        self.details.push(ErrorDetail {
            message: message.into(),
            code,
            context: Vec::new(),
        });
        self
    }

    /// 400 for values that do not fit their properties.
    pub fn invalid_values(problems: &[ValueProblem], hub_id: u64) -> Self {
        let embedded: Vec<_> = problems
            .iter()
            .map(|problem| {
                json!({
                    "isValid": false,
                    "message": problem.message,
                    "error": problem.code,
                    "name": problem.name,
                    "localizedErrorMessage": problem.message,
                    "portalId": hub_id,
                })
            })
            .collect();
        let listed = serde_json::Value::Array(embedded);
        let mut error = Self::validation(format!("Property values were not valid: {listed}"));
        error.details = problems
            .iter()
            .map(|problem| ErrorDetail {
                message: problem.message.clone(),
                code: Some(problem.code),
                context: vec![("propertyName".to_owned(), vec![problem.name.clone()])],
            })
            .collect();
        error
    }

    /// 403 for a token without any of `scopes`.
    pub fn missing_scopes(scopes: &[String]) -> Self {
        let mut error = Self::new(
            403,
            "MISSING_SCOPES",
            format!(
                "This app hasn't been granted all required scopes to make this call. \
                 Read more about required scopes here: {SCOPES_LINK}."
            ),
        );
        error.details.push(ErrorDetail {
            message: "One or more of the following scopes are required.".to_owned(),
            code: None,
            context: vec![("requiredGranularScopes".to_owned(), scopes.to_vec())],
        });
        error
    }

    /// 404 for an id that is no number.
    pub fn not_numeric(id: &str) -> Self {
        Self::new(
            404,
            "OBJECT_NOT_FOUND",
            "Object not found.  objectId are usually numeric.",
        )
        .with("id", vec![id.to_owned()])
    }

    /// 404 for a number that no record has.
    // Unverified: only third-party simulators show this message.
    pub fn no_such_record(id: impl std::fmt::Display) -> Self {
        Self::new(404, "OBJECT_NOT_FOUND", "resource not found").with("id", vec![id.to_string()])
    }

    /// The row that a batch answers for ids it does not know; `kind` is the singular type in capitals.
    pub fn missing_rows(kind: &str, ids: Vec<String>) -> Self {
        Self::new(
            404,
            "OBJECT_NOT_FOUND",
            format!(
                "Could not get some {kind} objects, they may be deleted or not exist. \
                 Check that ids are valid."
            ),
        )
        .with("ids", ids)
    }

    /// 401 without usable credentials.
    pub fn unauthenticated() -> Self {
        Self::new(
            401,
            "INVALID_AUTHENTICATION",
            "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more \
             details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        )
    }

    /// 400 for a body that is not the JSON expected.
    pub fn malformed(source: &serde_json::Error) -> Self {
        Self::validation(format!(
            "Invalid input JSON on line {}, column {}: {source}",
            source.line(),
            source.column()
        ))
    }
}

impl Serialize for ApiError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", "error")?;
        map.serialize_entry("message", &self.message)?;
        if let Some(id) = &self.correlation_id {
            map.serialize_entry("correlationId", id)?;
        }
        if let Some(policy) = self.policy {
            map.serialize_entry("errorType", "RATE_LIMIT")?;
            map.serialize_entry("policyName", policy)?;
        }
        if !self.context.is_empty() {
            map.serialize_entry("context", &Context(&self.context))?;
        }
        if !self.details.is_empty() {
            map.serialize_entry("errors", &self.details)?;
        }
        if let Some(category) = self.category {
            if category == "MISSING_SCOPES" {
                map.serialize_entry("links", &json!({ "scopes": SCOPES_LINK }))?;
            }
            map.serialize_entry("category", category)?;
        }
        if let Some(sub_category) = self.sub_category {
            map.serialize_entry("subCategory", sub_category)?;
        }
        map.end()
    }
}

impl Serialize for ErrorDetail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("message", &self.message)?;
        if let Some(code) = self.code {
            map.serialize_entry("code", code)?;
        }
        if !self.context.is_empty() {
            map.serialize_entry("context", &Context(&self.context))?;
        }
        map.end()
    }
}

struct Context<'a>(&'a [(String, Vec<String>)]);

impl Serialize for Context<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(kind, values)| (kind, values)))
    }
}
