//! The `OpenAPI` document: the outline that the routes are added to, and what holds for all of them.

use axum::http::header;
use axum::routing::{MethodRouter, get};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, OpenApi, PathItem, Ref, ResponseBuilder};

use crate::api::webhooks::WebhookMessage;
use crate::problem::ErrorBody;

/// The name of the only security scheme.
const SCHEME: &str = "token";

/// The operations that anyone may call. The callback's caller is a browser, known by the state it brings.
pub const PUBLIC: [&str; 3] = ["live", "ready", "hubspotCallback"];

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "PartnerOS integration host",
        description = "Keeps partner and deal records in sync with HubSpot, both ways. JSON objects over HTTP; timestamps \
            are ISO 8601 in UTC with milliseconds; lists are paged by cursor.",
    ),
    components(schemas(ErrorBody, WebhookMessage)),
    tags(
        (name = "objects", description = "The PartnerOS objects and their fields."),
        (name = "records", description = "Partner and deal records."),
        (name = "integrations", description = "Connections to HubSpot portals and their schemas."),
        (name = "pairs", description = "Which PartnerOS object syncs with which HubSpot object."),
        (name = "mappings", description = "Which field corresponds to which property."),
        (name = "plugins", description = "Uploaded mappers: versions, what runs where, trials, logs and usage."),
        (name = "audit", description = "What was done, and what needs a person."),
        (name = "webhooks", description = "Where an organization is told of audit events, and what became of the messages."),
        (name = "sync", description = "Runs, conflicts and failures."),
        (name = "health", description = "For supervisors and load balancers."),
    )
)]
struct Outline;

/// The document without its routes.
pub fn outline() -> OpenApi {
    <Outline as utoipa::OpenApi>::openapi()
}

/// The document with what holds for every route: the token, and the answers that any of them may give.
pub fn completed(mut document: OpenApi) -> OpenApi {
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = document.components.get_or_insert_with(Components::default);
    components.add_security_scheme(SCHEME, scheme);
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            complete(operation);
        }
    }
    document
}

/// Serves the document.
pub fn route<S: Clone + Send + Sync + 'static>(document: &OpenApi) -> MethodRouter<S> {
    let json = document
        .to_json()
        .expect("the document is made of text, numbers and lists");
    let json = axum::body::Bytes::from(json);
    get(move || async move { ([(header::CONTENT_TYPE, "application/json")], json) })
}

fn complete(operation: &mut Operation) {
    let id = operation.operation_id.as_deref().unwrap_or_default();
    let mut answers = vec![(
        "500",
        "`internal`: the host's log has the cause under `requestId`.",
    )];
    if !PUBLIC.contains(&id) {
        operation.security = Some(vec![SecurityRequirement::new(SCHEME, [] as [String; 0])]);
        answers.push((
            "401",
            "`unauthorized`: no token, or one that does not work.",
        ));
    }
    if operation.request_body.is_some() {
        answers.push(("413", "`body_too_large`."));
        answers.push((
            "415",
            "`unsupported_media_type`: the body is not sent as JSON.",
        ));
    }
    for (status, description) in answers {
        let body = Ref::from_schema_name("ErrorBody");
        let content = ContentBuilder::new().schema(Some(body)).build();
        let response = ResponseBuilder::new()
            .description(description)
            .content("application/json", content)
            .build();
        operation
            .responses
            .responses
            .insert(status.to_owned(), response.into());
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .filter_map(Option::as_mut)
}

#[cfg(test)]
mod tests {
    use crate::api::fixture::TestApi;

    #[test]
    fn the_document_is_the_one_that_was_reviewed() {
        let document = serde_json::to_value(crate::router::document()).unwrap();
        insta::assert_json_snapshot!("document", document);
    }

    #[test]
    fn every_operation_has_an_id_of_its_own() {
        let document = serde_json::to_value(crate::router::document()).unwrap();
        let mut ids = std::collections::HashSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                assert_ne!(id, "handle", "{method} {path}");
                assert!(ids.insert(id), "{method} {path}");
            }
        }
    }

    #[tokio::test]
    async fn the_document_is_served_to_anyone() {
        let api = TestApi::new().await;
        let served = api.anyone().get("/api/openapi.json").await.expect(200);
        assert_eq!(
            served,
            serde_json::to_value(crate::router::document()).unwrap()
        );
    }
}
