//! What goes wrong, as callers see it: a status, a stable code, a sentence, and details where a list helps.
//!
//! An endpoint returns its own errors or a [`Problem`]; `api::request` writes the body, adds the request's id to answers
//! of 500 and above, and logs the cause, once. Messages inside the program are fragments that complete "failed to …";
//! on the wire they become sentences.
//!
//! Invariant: `message` and `details` are for the caller, `cause` is for the log and never leaves the host.

use std::error::Error;
use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use partneros_sync::{describe, unopened};
use serde::Serialize;
use utoipa::ToSchema;

/// The most details an answer lists. The message says how many there are in all.
pub const DETAILS_MAX: usize = 100;
/// How long a message may be, in characters; what a caller sent may be part of it. The rest is cut off.
const MESSAGE_CHARS_MAX: usize = 1_000;
/// The same for the name of a field.
const NAME_CHARS_MAX: usize = 100;

/// The body of every answer from 400 on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// A sentence for people: what failed and, where the caller can do something about it, what.
    pub error: String,
    /// A stable code for programs, such as `not_found`.
    pub code: String,
    /// Everything that is wrong, where that may be more than one thing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub details: Vec<Detail>,
    /// The request's id, by which the host's log names the cause. With statuses from 500 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Detail {
    /// Which entry of a batch, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// Which field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// A stable code, such as `unknown_field`.
    pub code: String,
    /// A sentence: what is wrong and what to do about it.
    pub message: String,
}

impl Detail {
    /// A detail about a field. The fragment becomes a sentence.
    pub fn of_field(field: &str, code: &str, fragment: &str) -> Self {
        Self {
            index: None,
            field: Some(cut(field, NAME_CHARS_MAX).to_owned()),
            code: code.to_owned(),
            message: sentence(fragment),
        }
    }

    /// The same detail, about the entry at this index.
    pub fn at(mut self, index: usize) -> Self {
        self.index = Some(index);
        self
    }
}

impl From<partneros_sync::MappingProblem> for Detail {
    fn from(problem: partneros_sync::MappingProblem) -> Self {
        Self {
            index: None,
            field: problem.field,
            code: problem.code,
            message: sentence(&problem.message),
        }
    }
}

/// An answer that says what went wrong.
#[derive(Debug, Clone)]
pub struct Problem(Arc<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    message: String,
    details: Vec<Detail>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
}

impl Problem {
    /// A problem with the message that this error displays.
    pub fn new(status: StatusCode, code: &'static str, error: &impl ToString) -> Self {
        Self(Arc::new(Parts {
            status,
            code,
            message: sentence(&error.to_string()),
            details: Vec::new(),
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// A failure of the host's own. The caller learns nothing but the request's id, the log gets the cause.
    pub fn internal(cause: impl Into<String>) -> Self {
        let message = "failed inside the host; its log has the cause under the request's id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", &message).caused_by(cause)
    }

    /// The same problem with a list of what is wrong, cut at [`DETAILS_MAX`].
    pub fn with_details(mut self, mut details: Vec<Detail>) -> Self {
        let parts = Arc::make_mut(&mut self.0);
        if details.len() > DETAILS_MAX {
            let all = details.len();
            details.truncate(DETAILS_MAX);
            parts.message = format!(
                "{} The first {DETAILS_MAX} of {all} problems are listed.",
                parts.message
            );
        }
        parts.details = details;
        self
    }

    /// The same problem with a header.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        Arc::make_mut(&mut self.0).headers.push((name, value));
        self
    }

    /// The same problem with a cause for the log.
    pub fn caused_by(mut self, cause: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.0).cause = Some(cause.into());
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The sentence for people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the log shall say, if there is anything that the caller is not told.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The body. Only answers from 500 on name the request.
    pub fn body(&self, request_id: &str) -> ErrorBody {
        let id = self
            .0
            .status
            .is_server_error()
            .then(|| request_id.to_owned());
        ErrorBody {
            error: self.0.message.clone(),
            code: self.0.code.to_owned(),
            details: self.0.details.clone(),
            request_id: id,
        }
    }
}

impl IntoResponse for Problem {
    /// Status and headers; the body is written by `api::request`, which knows the request's id.
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        for (name, value) in &self.0.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<partneros_store::Error> for Problem {
    fn from(error: partneros_store::Error) -> Self {
        use partneros_store::Error as Store;
        match &error {
            Store::NotFound { kind: "cursor", id } => {
                let message = format!(
                    "failed to go on from cursor `{id}`; take `nextCursor` of the page before, or leave it out to start again"
                );
                Self::new(StatusCode::BAD_REQUEST, "invalid_cursor", &message)
            }
            Store::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, "not_found", &error),
            Store::Conflict { .. } => Self::new(StatusCode::CONFLICT, "conflict", &error),
            Store::Sealed { .. } => Self::new(StatusCode::CONFLICT, "secret_unreadable", &error),
            trouble if trouble.is_disk_trouble() => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "storage_failed", &error)
                    .caused_by(describe(&error))
            }
            _ => Self::internal(describe(&error)),
        }
    }
}

impl From<partneros_sync::Error> for Problem {
    fn from(error: partneros_sync::Error) -> Self {
        use partneros_sync::Error as Sync;
        if let Some(source) = error.hubspot() {
            return of_hubspot(&error, source);
        }
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, &error);
        match error {
            Sync::Store(error) => error.into(),
            Sync::NotActive => conflict("pair_not_active"),
            Sync::Braked => conflict("pair_braked"),
            Sync::Busy => conflict("sync_running"),
            Sync::NotConnected(_) => conflict("not_connected"),
            Sync::UnknownObject { .. } => {
                Self::new(StatusCode::NOT_FOUND, "unknown_object", &error)
            }
            Sync::UnknownField { .. } => Self::new(StatusCode::NOT_FOUND, "not_found", &error),
            Sync::Mappings(problems) => of_mappings(problems),
            Sync::Quarantined { .. } => conflict("plugin_quarantined"),
            Sync::NoCandidate => conflict("no_candidate"),
            Sync::TooManyLayers { .. } | Sync::NoMapper(_) => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_parts", &error)
            }
            Sync::Compose(_) => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_parts", &describe(&error))
            }
            Sync::InvalidSample { .. } => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_sample", &error)
            }
            Sync::OtherObject { .. } | Sync::TooManyFixtures { .. } => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_bundle", &error)
            }
            Sync::MissingPlugins(_) => conflict("plugins_missing"),
            Sync::FixturesDiffer(_) => conflict("fixtures_differ"),
            Sync::Mapper(_) | Sync::Load(_) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "mapper_failed",
                &describe(&error),
            ),
            Sync::Interrupted => Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", &error),
            _ => Self::internal(describe(&error)),
        }
    }
}

fn of_mappings(problems: Vec<partneros_sync::MappingProblem>) -> Problem {
    let details = problems.into_iter().map(Detail::from).collect();
    let message = "failed to use the mappings as they are; each detail names what to change";
    Problem::new(StatusCode::BAD_REQUEST, "invalid_mappings", &message).with_details(details)
}

/// HubSpot's refusals are worth telling, its outages are not the caller's to solve.
fn of_hubspot(error: &dyn Error, source: &partneros_hubspot::Error) -> Problem {
    use partneros_hubspot::Error as HubSpot;
    let all = describe(error);
    match source {
        HubSpot::Tokens(_) => match unopened(source) {
            Some(_) => Problem::new(StatusCode::CONFLICT, "secret_unreadable", &all),
            None => Problem::internal(all),
        },
        HubSpot::ReauthRequired(_) | HubSpot::Unauthorized(_) => {
            Problem::new(StatusCode::CONFLICT, "reauth_required", &all)
        }
        HubSpot::MissingScopes { .. } => Problem::new(StatusCode::CONFLICT, "missing_scopes", &all),
        HubSpot::RateLimited { retry_after, .. } | HubSpot::Locked { retry_after, .. } => {
            let problem = unavailable(all);
            match retry_after {
                Some(after) => {
                    let seconds = HeaderValue::from(after.as_secs().max(1));
                    problem.with_header(header::RETRY_AFTER, seconds)
                }
                None => problem,
            }
        }
        _ if source.is_transient() => unavailable(all),
        _ => Problem::new(StatusCode::CONFLICT, "hubspot_refused", &all),
    }
}

fn unavailable(cause: String) -> Problem {
    let message = "failed to get an answer of use from HubSpot; try again in a while";
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "hubspot_unavailable",
        &message,
    )
    .caused_by(cause)
}

/// A fragment as a sentence.
fn sentence(fragment: &str) -> String {
    let kept = cut(fragment, MESSAGE_CHARS_MAX);
    let mut chars = kept.chars();
    let mut sentence: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    sentence.push_str(chars.as_str());
    if kept.len() < fragment.len() {
        sentence.push('…');
    }
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

/// The start of a text.
fn cut(text: &str, chars_max: usize) -> &str {
    text.char_indices()
        .nth(chars_max)
        .map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_become_sentences() {
        assert_eq!(
            sentence("failed to find record `x`"),
            "Failed to find record `x`."
        );
        assert_eq!(sentence("done."), "Done.");
        assert_eq!(sentence(""), ".");
        assert_eq!(
            sentence(&"ö".repeat(2_000)).chars().count(),
            MESSAGE_CHARS_MAX + 2
        );
    }

    #[test]
    fn a_failure_of_the_host_keeps_its_cause_to_itself() {
        let secret = partneros_store::Error::Engine {
            operation: "read a record",
            source: "secret detail".into(),
        };
        let problem = Problem::from(secret);
        let body = serde_json::to_value(problem.body("7")).unwrap();
        assert!(!body.to_string().contains("secret"), "{body}");
        assert!(!body.to_string().contains("read a record"), "{body}");
        assert_eq!(body["code"], "internal");
        assert_eq!(body["requestId"], "7");
        assert!(problem.cause().unwrap().contains("secret detail"));
    }

    #[test]
    fn tokens_that_do_not_open_are_told_and_other_trouble_with_them_is_not() {
        let of = |error| {
            let tokens = partneros_hubspot::Error::Tokens(Box::new(error));
            Problem::from(partneros_sync::Error::Discover(tokens))
        };
        let sealed = || partneros_store::Error::Sealed {
            table: "connections",
            column: "access_token",
            row: "7".to_owned(),
            problem: partneros_store::SealProblem::KeyMissing("1a2b3c4d".to_owned()),
        };
        for problem in [of(sealed()), Problem::from(sealed())] {
            assert_eq!(
                (problem.status().as_u16(), problem.code()),
                (409, "secret_unreadable")
            );
            let told = problem.message();
            for part in ["`connections.access_token`", "row `7`", "`1a2b3c4d`"] {
                assert!(told.contains(part), "{told}");
            }
        }
        let busy = of(partneros_store::Error::Engine {
            operation: "read a connection's tokens",
            source: "a torn page".into(),
        });
        assert_eq!((busy.status().as_u16(), busy.code()), (500, "internal"));
        assert!(!busy.message().contains("torn"));
    }

    #[test]
    fn a_long_list_of_details_is_cut_and_says_so() {
        let details = vec![Detail::of_field("a", "b", "c"); DETAILS_MAX + 5];
        let problem = Problem::new(StatusCode::BAD_REQUEST, "x", &"y").with_details(details);
        let body = problem.body("7");
        assert_eq!(body.details.len(), DETAILS_MAX);
        assert!(body.error.contains("105"), "{}", body.error);
        assert_eq!(body.request_id, None);
    }

    #[test]
    fn hubspot_outages_and_refusals_differ() {
        let refusal = |status| partneros_hubspot::Refusal {
            status,
            message: "inside".to_owned(),
            ..partneros_hubspot::Refusal::default()
        };
        let of = |error| Problem::from(partneros_sync::Error::Discover(error));
        let outage = of(partneros_hubspot::Error::Unavailable(refusal(502)));
        assert_eq!(
            (outage.status().as_u16(), outage.code()),
            (503, "hubspot_unavailable")
        );
        assert!(!outage.message().contains("inside"));
        let revoked = of(partneros_hubspot::Error::ReauthRequired(refusal(401)));
        assert_eq!(
            (revoked.status().as_u16(), revoked.code()),
            (409, "reauth_required")
        );
        let refused = of(partneros_hubspot::Error::Validation(refusal(400)));
        assert_eq!(
            (refused.status().as_u16(), refused.code()),
            (409, "hubspot_refused")
        );
        assert!(refused.message().contains("inside"));
        let limited = of(partneros_hubspot::Error::RateLimited {
            policy: "DAILY".to_owned(),
            retry_after: Some(std::time::Duration::from_secs(30)),
            refusal: refusal(429),
        });
        assert_eq!(limited.into_response().headers()["retry-after"], "30");
    }
}
