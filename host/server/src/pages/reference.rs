//! The API's reference to browse and to try: Swagger UI over the `OpenAPI` document, with everything it needs in the binary.

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Where it is.
const REFERENCE: &str = "/api/docs";

/// Scripts and calls of this host only. Swagger UI sets styles on its elements.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers [`REFERENCE`] and what is beneath it. `document` is the document's address.
pub fn reference<S: Clone + Send + Sync + 'static>(document: &'static str) -> Router<S> {
    let config = Config::from(document)
        .persist_authorization(false)
        .try_it_out_enabled(true);
    let pages: Router<S> = SwaggerUi::new(REFERENCE).config(config).into();
    pages.layer(from_fn(within_policy))
}

async fn within_policy(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::header::CONTENT_TYPE;
    use tower::ServiceExt as _;

    use super::*;

    async fn get(path: &str) -> (u16, String, String, String) {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let answer = reference::<()>("/api/openapi.json")
            .oneshot(request)
            .await
            .unwrap();
        let header = |name| {
            let value = answer.headers().get(name);
            value.map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        let (policy, kind) = (header(CONTENT_SECURITY_POLICY), header(CONTENT_TYPE));
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (
            status,
            policy,
            kind,
            String::from_utf8_lossy(&body).into_owned(),
        )
    }

    #[tokio::test]
    async fn the_reference_is_whole_and_loads_nothing_from_elsewhere() {
        let (status, policy, _, page) = get("/api/docs/").await;
        assert_eq!((status, policy.as_str()), (200, POLICY));
        assert!(
            !page.contains("//unpkg") && !page.contains("https://"),
            "{page}"
        );
        // The policy allows no script in the page itself.
        let files = page
            .split("src=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        let mut files: Vec<_> = files
            .map(|file| file.trim_start_matches("./").to_owned())
            .collect();
        assert!(files.len() >= 3, "{page}");
        files.push("swagger-ui.css".to_owned());
        for file in files {
            let (status, policy, kind, body) = get(&format!("/api/docs/{file}")).await;
            assert_eq!((status, policy.as_str()), (200, POLICY), "{file}");
            assert!(
                kind.contains("javascript") || kind.contains("css"),
                "{file}: {kind}"
            );
            assert!(!body.is_empty(), "{file}");
        }
        let (_, _, _, start) = get("/api/docs/swagger-initializer.js").await;
        assert!(start.contains("/api/openapi.json"), "{start}");
    }
}
