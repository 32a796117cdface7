//! Email addresses, by which people are known. They count without regard to case.

use axum::http::StatusCode;

use crate::problem::Problem;

/// The longest address that mail can be sent to, in bytes.
const BYTES_MAX: usize = 254;

/// An address in the form in which it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// A text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "failed to use the email address: it must look like `name@example.com` and have at most {BYTES_MAX} bytes"
)]
pub struct InvalidEmail;

impl From<InvalidEmail> for Problem {
    fn from(error: InvalidEmail) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_email", &error)
    }
}

impl Email {
    /// The address as text, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Email {
    type Err = InvalidEmail;

    /// Whether mail arrives is for whoever sends some; here an address only has to be one.
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim().to_lowercase();
        let plain = !text
            .chars()
            .any(|char| char.is_whitespace() || char.is_control());
        let sound = plain
            && text.len() <= BYTES_MAX
            && text.split_once('@').is_some_and(|(name, domain)| {
                !name.is_empty() && !domain.is_empty() && !domain.contains('@')
            });
        sound.then_some(Self(text)).ok_or(InvalidEmail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_counts_without_regard_to_case() {
        let email: Email = " Ann@Acme.Example ".parse().unwrap();
        assert_eq!(email.as_str(), "ann@acme.example");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@acme.example", "a".repeat(250));
        for text in [
            "", "ann", "@", "ann@", "@acme", "a@b@c", "a b@c", "a\n@c", &long,
        ] {
            assert_eq!(text.parse::<Email>(), Err(InvalidEmail), "{text:?}");
        }
    }
}
