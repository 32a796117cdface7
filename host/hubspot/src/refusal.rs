//! Reads HubSpot's error bodies and sorts them into [`Error`]s.
//!
//! Every field of the envelope may be missing, of another type, or in another place; a body may be HTML. Nothing here
//! fails: what cannot be read becomes the start of the body as the message. Secrets that the caller sent are blanked out
//! of whatever is quoted.

use std::time::Duration;

use partneros_domain::FieldName;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

use crate::error::{Error, Refusal};
use crate::http::Answer;
use crate::portal::{PropertyError, RowError};

/// How much of a message is kept: HubSpot repeats whole values and option lists in some.
const MESSAGE_CHARS_MAX: usize = 2_000;
/// How much of a body that is no JSON is quoted.
const QUOTE_CHARS_MAX: usize = 200;
/// How many property errors of one answer are kept.
const PROPERTY_ERRORS_MAX: usize = 200;

/// An error and what HubSpot said about which rows of the request it concerns.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Ids of objects and write traces that the answer names.
    pub(crate) named: Vec<String>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            named: Vec::new(),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// One error as HubSpot describes it: a whole body, or a row of a batch's `errors`.
#[derive(Debug, Default)]
pub(crate) struct Envelope {
    pub(crate) category: String,
    pub(crate) message: String,
    pub(crate) correlation_id: Option<String>,
    pub(crate) properties: Vec<PropertyError>,
    /// Ids of objects and write traces that it names.
    pub(crate) named: Vec<String>,
    policy: Option<String>,
    oauth_error: Option<String>,
    scopes: Vec<String>,
}

impl Envelope {
    pub(crate) fn read(body: &Value) -> Self {
        let message = text(body, "message")
            .or_else(|| text(body, "error_description"))
            .unwrap_or_default();
        let category = text(body, "category")
            // OAuth answers carry their code in `status`, all others the word "error".
            .or_else(|| text(body, "status").filter(|status| !status.eq_ignore_ascii_case("error")))
            .or_else(|| text(body, "errorType"))
            .or_else(|| text(body, "error"))
            .unwrap_or_default();
        let mut named = Vec::new();
        let mut scopes = Vec::new();
        let inner = body.get("errors").and_then(Value::as_array);
        for part in std::iter::once(body).chain(inner.into_iter().flatten()) {
            for key in ["objectWriteTraceId", "ids", "id"] {
                named.extend(context(part, key));
            }
            scopes.extend(context(part, "requiredGranularScopes"));
        }
        Self {
            properties: property_errors(body, &message),
            message: shortened(&message, MESSAGE_CHARS_MAX),
            category: shortened(&category, QUOTE_CHARS_MAX),
            correlation_id: text(body, "correlationId"),
            named,
            policy: text(body, "policyName"),
            oauth_error: text(body, "error"),
            scopes,
        }
    }

    pub(crate) fn into_row_error(self) -> RowError {
        RowError {
            category: self.category,
            message: self.message,
            properties: self.properties,
            correlation_id: self.correlation_id,
        }
    }
}

/// What an answer other than success means. `secrets` are what the request carried and no message may repeat.
pub(crate) fn failure(answer: &Answer, secrets: &[&str]) -> Failure {
    let mut envelope = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(body) if body.is_object() => Envelope::read(&body),
        _ => Envelope {
            message: quote(&answer.body),
            ..Envelope::default()
        },
    };
    redact(&mut envelope, secrets);
    if envelope.correlation_id.is_none() {
        envelope.correlation_id = header(&answer.headers, "x-hubspot-correlation-id");
    }
    let named = std::mem::take(&mut envelope.named);
    Failure {
        error: classify(answer, envelope),
        named,
    }
}

/// The start of a body on one line.
pub(crate) fn quote(body: &[u8]) -> String {
    let start = body.get(..QUOTE_CHARS_MAX * 4).unwrap_or(body);
    let line = String::from_utf8_lossy(start)
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    shortened(&line, QUOTE_CHARS_MAX)
}

fn classify(answer: &Answer, envelope: Envelope) -> Error {
    let dead_token = envelope.category == "BAD_REFRESH_TOKEN"
        || envelope.oauth_error.as_deref() == Some("invalid_grant");
    let scopes = envelope.scopes;
    let policy = envelope.policy;
    let refusal = Refusal {
        status: answer.status,
        category: envelope.category,
        message: envelope.message,
        correlation_id: envelope.correlation_id,
        properties: envelope.properties,
    };
    match answer.status {
        400 if dead_token => Error::ReauthRequired(refusal),
        // An unknown object type is a 400 without a category.
        400 if refusal.message.starts_with("Unable to infer object type") => {
            Error::NotFound(refusal)
        }
        400 => Error::Validation(refusal),
        401 => Error::Unauthorized(refusal),
        403 if refusal.category == "MISSING_SCOPES" || !scopes.is_empty() => {
            Error::MissingScopes { scopes, refusal }
        }
        404 => Error::NotFound(refusal),
        409 => Error::Conflict(refusal),
        423 | 477 => Error::Locked {
            retry_after: retry_after(&answer.headers),
            refusal,
        },
        429 => Error::RateLimited {
            policy: policy.unwrap_or_else(|| policy_of(&refusal.message).to_owned()),
            retry_after: retry_after(&answer.headers),
            refusal,
        },
        408 | 500..=599 => Error::Unavailable(refusal),
        _ => Error::Refused(refusal),
    }
}

/// Search answers name no policy, only the sentence.
fn policy_of(message: &str) -> &'static str {
    let message = message.to_ascii_lowercase();
    if message.contains("daily") {
        "DAILY"
    } else if message.contains("ten_secondly") {
        "TEN_SECONDLY_ROLLING"
    } else if message.contains("secondly") {
        "SECONDLY"
    } else {
        ""
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    seconds
        .parse::<u32>()
        .ok()
        .map(|s| Duration::from_secs(s.into()))
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// What is wrong with which property: from `errors`, or else from the array that HubSpot embeds in the message.
fn property_errors(body: &Value, message: &str) -> Vec<PropertyError> {
    let listed: Vec<_> = body
        .get("errors")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|item| item.get("code").is_some() || !context(item, "propertyName").is_empty())
        .take(PROPERTY_ERRORS_MAX)
        .map(|item| PropertyError {
            property: context(item, "propertyName")
                .into_iter()
                .next()
                .or_else(|| text(item, "in"))
                .map(FieldName::from),
            code: text(item, "code").unwrap_or_default(),
            message: shortened(
                &text(item, "message").unwrap_or_default(),
                MESSAGE_CHARS_MAX,
            ),
        })
        .collect();
    if listed.iter().any(|error| error.property.is_some()) {
        return listed;
    }
    let embedded = embedded_errors(message);
    if embedded.is_empty() {
        listed
    } else {
        embedded
    }
}

/// Reads `Property values were not valid: [{"isValid":false,"message":…,"error":…,"name":…}]`.
fn embedded_errors(message: &str) -> Vec<PropertyError> {
    let Some(start) = message.find("[{") else {
        return Vec::new();
    };
    let mut values =
        serde_json::Deserializer::from_str(&message[start..]).into_iter::<Vec<Value>>();
    let Some(Ok(items)) = values.next() else {
        return Vec::new();
    };
    items
        .iter()
        .take(PROPERTY_ERRORS_MAX)
        .map(|item| PropertyError {
            property: text(item, "name").map(FieldName::from),
            code: text(item, "error").unwrap_or_default(),
            message: shortened(
                &text(item, "message").unwrap_or_default(),
                MESSAGE_CHARS_MAX,
            ),
        })
        .collect()
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

/// The texts under a key of `context`, which is a list, a single text, or missing.
fn context(value: &Value, key: &str) -> Vec<String> {
    match value.get("context").and_then(|context| context.get(key)) {
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect(),
        Some(Value::String(item)) => vec![item.clone()],
        _ => Vec::new(),
    }
}

fn shortened(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn redact(envelope: &mut Envelope, secrets: &[&str]) {
    let Envelope {
        category,
        message,
        properties,
        ..
    } = envelope;
    let messages = properties.iter_mut().map(|error| &mut error.message);
    for quoted in [category, message].into_iter().chain(messages) {
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            if quoted.contains(secret) {
                *quoted = quoted.replace(secret, "[redacted]");
            }
        }
    }
}
