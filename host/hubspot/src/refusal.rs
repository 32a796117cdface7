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
/// Shorter texts are placeholders, and blanking them out would tear words apart.
const SECRET_BYTES_MIN: usize = 8;
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
    let body = redacted(&answer.body, secrets);
    let mut envelope = match serde_json::from_str::<Value>(&body) {
        Ok(body) if body.is_object() => Envelope::read(&body),
        _ => Envelope {
            message: line(&body),
            ..Envelope::default()
        },
    };
    if envelope.correlation_id.is_none() {
        envelope.correlation_id = header(&answer.headers, "x-hubspot-correlation-id");
    }
    let named = std::mem::take(&mut envelope.named);
    Failure {
        error: classify(answer, envelope),
        named,
    }
}

/// The start of a body on one line, without secrets.
pub(crate) fn quote(body: &[u8], secrets: &[&str]) -> String {
    line(&redacted(body, secrets))
}

fn line(text: &str) -> String {
    let start: String = text.chars().take(QUOTE_CHARS_MAX * 4).collect();
    let words = start.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    shortened(&words.join(" "), QUOTE_CHARS_MAX)
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

/// A body as text in which no secret is left. This comes before all reading, so that no cut can leave half of one.
fn redacted(body: &[u8], secrets: &[&str]) -> String {
    let mut text = String::from_utf8_lossy(body).into_owned();
    for secret in secrets
        .iter()
        .filter(|secret| secret.len() >= SECRET_BYTES_MIN)
    {
        if text.contains(secret) {
            text = text.replace(secret, "[redacted]");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
        Answer {
            status,
            headers: headers
                .iter()
                .map(|(name, value)| {
                    let name = reqwest::header::HeaderName::from_static(name);
                    (name, value.parse().unwrap())
                })
                .collect(),
            body: body.to_owned().into(),
        }
    }

    fn error(status: u16, body: &str) -> Error {
        failure(&answer(status, &[], body), &[]).error
    }

    #[test]
    fn a_validation_error_names_its_property() {
        let body = r#"{"status":"error","message":"Property values were not valid: [{\"isValid\":false}]","correlationId":"c-1",
            "errors":[{"message":"Property \"x\" does not exist","code":"PROPERTY_DOESNT_EXIST","context":{"propertyName":["x"]}}],
            "category":"VALIDATION_ERROR"}"#;
        let Error::Validation(refusal) = error(400, body) else {
            panic!("not a validation error");
        };
        assert_eq!(refusal.category, "VALIDATION_ERROR");
        assert_eq!(refusal.correlation_id.as_deref(), Some("c-1"));
        assert_eq!(
            refusal.properties,
            [PropertyError {
                property: Some("x".into()),
                code: "PROPERTY_DOESNT_EXIST".to_owned(),
                message: "Property \"x\" does not exist".to_owned(),
            }]
        );
    }

    #[test]
    fn without_a_list_of_errors_the_array_in_the_message_is_read() {
        let body = serde_json::json!({
            "status": "error",
            "message": "Property values were not valid: [{\"isValid\":false,\"message\":\"1/1/1 was not a valid long.\",\
                \"error\":\"INVALID_LONG\",\"name\":\"amount\",\"portalId\":1}] (and so on)",
        });
        let Error::Validation(refusal) = error(400, &body.to_string()) else {
            panic!("not a validation error");
        };
        let [only] = &refusal.properties[..] else {
            panic!("{:?}", refusal.properties);
        };
        assert_eq!(only.property, Some("amount".into()));
        assert_eq!(only.code, "INVALID_LONG");
        assert_eq!(only.message, "1/1/1 was not a valid long.");
    }

    #[test]
    fn limits_are_told_apart_by_policy_or_by_sentence() {
        let policy = |body| match error(429, body) {
            Error::RateLimited { policy, .. } => policy,
            other => panic!("{other}"),
        };
        assert_eq!(
            policy(
                r#"{"status":"error","message":"You have reached your secondly limit.","category":"RATE_LIMITS"}"#
            ),
            "SECONDLY"
        );
        assert_eq!(
            policy(
                r#"{"message":"You have reached your ten_secondly_rolling limit.","errorType":"RATE_LIMIT"}"#
            ),
            "TEN_SECONDLY_ROLLING"
        );
        assert_eq!(
            policy(r#"{"policyName":"DAILY","errorType":"RATE_LIMIT"}"#),
            "DAILY"
        );
        assert_eq!(policy("<html>"), "");
    }

    #[test]
    fn missing_scopes_are_listed() {
        let new = r#"{"category":"MISSING_SCOPES","errors":[{"message":"One or more","context":{"requiredGranularScopes":["crm.objects.deals.read","x"]}}]}"#;
        let old = r#"{"status":"error","context":{"requiredGranularScopes":["custom-object-read"]},"category":"MISSING_SCOPES"}"#;
        for (body, expected) in [
            (new, &["crm.objects.deals.read", "x"][..]),
            (old, &["custom-object-read"]),
        ] {
            match error(403, body) {
                Error::MissingScopes { scopes, .. } => assert_eq!(scopes, expected),
                other => panic!("{other}"),
            }
        }
        assert!(matches!(error(403, "{}"), Error::Refused(_)));
    }

    #[test]
    fn a_dead_refresh_token_asks_for_a_person() {
        let dead = r#"{"error":"invalid_grant","error_description":"refresh token is invalid, expired or revoked",
            "status":"BAD_REFRESH_TOKEN","message":"refresh token is invalid, expired or revoked"}"#;
        let old = r#"{"status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token"}"#;
        let rfc = r#"{"error":"invalid_grant"}"#;
        for body in [dead, old, rfc] {
            let error = error(400, body);
            assert!(matches!(error, Error::ReauthRequired(_)), "{error}");
            assert!(!error.is_transient());
        }
        let other = error(400, r#"{"status":"BAD_CLIENT_ID","message":"no such app"}"#);
        assert_eq!(
            other.to_string(),
            "failed HubSpot's validation: HTTP 400 BAD_CLIENT_ID: no such app"
        );
    }

    #[test]
    fn every_status_has_its_class() {
        let text =
            r#"{"status":"error","message":"Unable to infer object type from: butterflies"}"#;
        assert!(matches!(error(400, text), Error::NotFound(_)));
        assert!(matches!(error(401, "{}"), Error::Unauthorized(_)));
        assert!(matches!(error(404, "{}"), Error::NotFound(_)));
        assert!(matches!(error(409, "{}"), Error::Conflict(_)));
        assert!(matches!(error(414, "<html>414"), Error::Refused(_)));
        assert!(matches!(
            error(423, ""),
            Error::Locked {
                retry_after: None,
                ..
            }
        ));
        assert!(matches!(error(524, "<html>"), Error::Unavailable(_)));
        assert!(matches!(error(302, ""), Error::Refused(_)));
        let moving = failure(&answer(477, &[("retry-after", "86400")], ""), &[]).error;
        let Error::Locked { retry_after, .. } = moving else {
            panic!("{moving}");
        };
        assert_eq!(retry_after, Some(Duration::from_hours(24)));
    }

    #[test]
    fn bodies_of_any_shape_are_quoted_shortly_and_without_secrets() {
        let html = format!(
            "<html>\n<body>  pat-na1-secret\u{7} {}</body>",
            "é".repeat(5_000)
        );
        let headers = [("x-hubspot-correlation-id", "c-9")];
        let error = failure(&answer(502, &headers, &html), &["pat-na1-secret", ""]).error;
        let text = error.to_string();
        assert!(
            text.starts_with("failed inside HubSpot: HTTP 502: <html> <body> [redacted] é"),
            "{text}"
        );
        assert!(text.ends_with("(HubSpot correlation id c-9)"), "{text}");
        assert!(text.chars().count() < 400, "{text}");
        for body in [
            "",
            "null",
            "[]",
            "7",
            r#"{"message":7,"errors":"x","context":[]}"#,
            "\u{0}",
        ] {
            assert_eq!(
                failure(&answer(500, &[], body), &[]).error.status(),
                Some(500)
            );
        }
    }
}
