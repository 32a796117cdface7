//! The `OpenAPI` document: the outline that the routes are added to, and what holds for all of them.

use axum::http::header;
use axum::routing::{MethodRouter, get};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Components, ContentBuilder, OpenApi, PathItem, Ref, RefOr, Required, ResponseBuilder,
};

use crate::api::repeatable::REPEATABLE;
use crate::api::webhooks::WebhookMessage;
use crate::auth::access::Access;
use crate::auth::session;
use crate::problem::ErrorBody;

/// Where the document is.
pub const PATH: &str = "/api/openapi.json";

/// The name of the security scheme of API tokens.
const TOKEN: &str = "token";
/// The name of the security scheme of sessions.
const SESSION: &str = "session";

/// What is said about the answer to callers who are not known.
const UNAUTHORIZED: &str = "`unauthorized`: no token or session, or one that does not work.";
/// What is said about the answer to callers who may not.
const FORBIDDEN: &str = "`forbidden`: the caller's role lacks the permission that `x-permission` names. With a session \
    also `invalid_csrf_token` or `foreign_origin`.";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "PartnerOS integration host",
        description = "Keeps partner and deal records in sync with HubSpot, both ways. JSON objects over HTTP; timestamps \
            are ISO 8601 in UTC with milliseconds; lists are paged by cursor. Callers send an API token, or the \
            cookie of a session; a change with a session also needs the header `x-csrf-token`, with `csrfToken` of the \
            session. A session without an active organization is answered with 400 `no_active_organization`. \
            What needs a stored secret that does not open (another key, an edited database) is answered with 409 \
            `secret_unreadable`, and any operation with 503 `storage_failed` while the disk takes nothing. \
            `x-permission` names the permission that an operation needs, or says `signed_in` (any session will do) or \
            `public`.",
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
        (name = "auth", description = "Signing in and out, and one's own account."),
        (name = "members", description = "Who is what in the organization."),
        (name = "invitations", description = "Links by which people become members."),
        (name = "tokens", description = "API tokens."),
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
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let session = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(session::COOKIE)));
    let components = document.components.get_or_insert_with(Components::default);
    components.add_security_scheme(TOKEN, token);
    components.add_security_scheme(SESSION, session);
    open_what_is_extended(components);
    for (path, item) in &mut document.paths.paths {
        for operation in operations(item) {
            complete(operation);
        }
        if let (true, Some(operation)) = (REPEATABLE.contains(&path.as_str()), &mut item.post) {
            let parameters = operation.parameters.get_or_insert_default();
            parameters.push(repeatable_parameter().into());
            answer(
                operation,
                [
                    (
                        "409",
                        "`idempotency_unfinished`: the first request of this key is under way, or was cut off.",
                    ),
                    (
                        "422",
                        "`idempotency_key_reused`: another request was sent with this key.",
                    ),
                ],
            );
        }
    }
    document
}

/// A schema that others are put together from must allow what those add.
fn open_what_is_extended(components: &mut Components) {
    let all = components.schemas.values();
    let extended: Vec<String> = all
        .filter_map(|schema| match schema {
            RefOr::T(Schema::AllOf(all)) => Some(&all.items),
            _ => None,
        })
        .flatten()
        .filter_map(|item| match item {
            RefOr::Ref(part) => part.ref_location.rsplit('/').next().map(str::to_owned),
            RefOr::T(_) => None,
        })
        .collect();
    for name in extended {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(&name) {
            object.additional_properties = None;
        }
    }
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
    let mut answers = vec![
        (
            "500",
            "`internal`: the host's log has the cause under `requestId`.",
        ),
        (
            "503",
            "`storage_failed`: the disk is full, fails or is read-only, or the database is damaged; the message says which.",
        ),
    ];
    let requirement = |scheme| SecurityRequirement::new(scheme, [] as [String; 0]);
    match Access::of(operation) {
        Access::Public => {}
        Access::SignedIn => {
            operation.security = Some(vec![requirement(SESSION)]);
            answers.push(("401", UNAUTHORIZED));
            answers.push(("403", "`invalid_csrf_token` or `foreign_origin`."));
        }
        Access::Permission => {
            operation.security = Some(vec![requirement(TOKEN), requirement(SESSION)]);
            answers.push(("401", UNAUTHORIZED));
            answers.push(("403", FORBIDDEN));
        }
    }
    if !matches!(Access::of(operation), Access::Public) {
        answers.push((
            "429",
            "`rate_limited`: too many requests; `Retry-After` says how many seconds to wait.",
        ));
    }
    let is_query = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query);
    if operation.parameters.iter().flatten().any(is_query) {
        answers.push((
            "400",
            "`invalid_query`: a parameter is unknown or no value of its type.",
        ));
    }
    if operation.request_body.is_some() {
        answers.push(("413", "`body_too_large`."));
        answers.push((
            "415",
            "`unsupported_media_type`: the body is not sent as JSON.",
        ));
    }
    answer(operation, answers);
}

/// Adds answers that any operation of its kind may give. What an endpoint says itself counts more.
fn answer(
    operation: &mut Operation,
    answers: impl IntoIterator<Item = (&'static str, &'static str)>,
) {
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
            .entry(status.to_owned())
            .or_insert(response.into());
    }
}

fn repeatable_parameter() -> Parameter {
    let text = Schema::from(
        ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(255)),
    );
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .schema(Some(text))
        .description(Some(
            "A name of your own for this request, such as a UUID. The same request with the same name within a day is answered \
             again (`Idempotency-Replayed: true`) and not done again; another one is refused: 422 `idempotency_key_reused`. While the \
             first is under way, and if it was cut off: 409 `idempotency_unfinished`.",
        ))
        .build()
}

/// The operations of a path.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
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
    fn every_operation_has_an_id_of_its_own_and_says_its_permission() {
        let document = serde_json::to_value(crate::router::document()).unwrap();
        let mut ids = std::collections::HashSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                assert_ne!(id, "handle", "{method} {path}");
                assert!(ids.insert(id), "{method} {path}");
                let permission = &operation["x-permission"];
                assert!(
                    permission.is_string(),
                    "`guarded!` or `public!`: {method} {path}"
                );
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
