//! Pages for people: so far the one where HubSpot's consent ends, and the one that an invitation's link leads to.
//!
//! Static: whatever came with the address is put into the page by the browser, as text, so nothing that a stranger put
//! into a link is ever markup.

mod reference;

use axum::http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};

pub use reference::reference;

/// Where a browser is sent when a portal was connected, or not.
pub const INTEGRATIONS: &str = "/settings/integrations";
/// Where the link of an invitation leads to.
pub const INVITATION: &str = "/invitation";

/// Answers [`INTEGRATIONS`].
pub async fn integrations() -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-eBOobYn0L1u6LF0JX7X5pk6YXPaH75nyo0zkwT9yR+4='; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    page(policy, include_str!("integrations.html"))
}

/// Answers [`INVITATION`].
pub async fn invitation() -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-Ksx5UdPGpduwmO3dJMJsguy5m5c//npHfZTnJAzLqFQ='; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    page(policy, include_str!("invitation.html"))
}

fn page(policy: &'static str, html: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, policy),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, html).into_response()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[tokio::test]
    async fn each_policy_names_the_script_that_its_page_has() {
        for (answer, page) in [
            (integrations().await, include_str!("integrations.html")),
            (invitation().await, include_str!("invitation.html")),
        ] {
            let policy = answer.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
            let script = page
                .split("<script>")
                .nth(1)
                .and_then(|rest| rest.split("</script>").next());
            let digest = Sha256::digest(script.unwrap().as_bytes());
            let digest = base64::engine::general_purpose::STANDARD.encode(digest);
            assert!(
                policy.contains(&format!("'sha256-{digest}'")),
                "sha256-{digest}"
            );
        }
    }
}
