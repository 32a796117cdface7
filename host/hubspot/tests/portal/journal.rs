//! The journal: whose token goes where, which files are taken, and what is asked for again.

use std::sync::Arc;

use partneros_hubspot::{
    Error, Http, HttpConfig, JournalClient, JournalConfig, JournalFile, JournalPlace, OAuth,
    OAuthConfig, Subscription,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::server::{Reply, Request, Server, json as reply, retry};

const SECRET: &str = "client-secret-1";
const OFFSET: &str = "550e8400-e29b-41d4-a716-446655440000";

fn journal(server: &Server) -> JournalClient {
    let http = Http::new(&HttpConfig::default()).unwrap();
    let secret = SecretString::from(SECRET.to_owned());
    let oauth = OAuthConfig {
        api_base: server.base.clone(),
        retry: retry(),
        ..OAuthConfig::new("client-1", secret, "https://host.example/callback")
    };
    let config = JournalConfig {
        api_base: server.base.clone(),
        retry: retry(),
        jitter_seed: 1,
        cancel: CancellationToken::new(),
    };
    let oauth = Arc::new(OAuth::new(http.clone(), oauth));
    JournalClient::new(&http, config, oauth)
}

/// A server that grants tokens, `token-0` and on, and does with the rest as it is told.
async fn granting(rest: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Server {
    let granted = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |request, before| {
        if request.path == "/oauth/2026-03/token" {
            let number = granted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let token = format!("token-{number}");
            return reply(200, &json!({ "access_token": token, "expires_in": 1_800 }));
        }
        rest(request, before)
    })
    .await
}

/// An entry whose file is at an address on the server that is asked.
fn entry_at(request: &Request, path: &str) -> Value {
    entry(&format!("http://{}{path}", request.header("host")))
}

fn entry(url: &str) -> Value {
    json!({ "url": url, "expiresAt": "2026-11-26T09:00:00Z", "currentOffset": OFFSET })
}

#[tokio::test]
async fn the_apps_token_goes_to_the_api_and_not_to_the_file() {
    let server = granting(|request, _| match request.path.as_str() {
        "/file" => reply(
            200,
            &json!({ "journalEvents": [{
            "portalId": 7, "objectTypeId": "0-2", "objectId": 4, "action": "DELETE"
        }] }),
        ),
        _ => reply(200, &entry_at(request, "/file?signature=1")),
    })
    .await;
    let journal = journal(&server);
    let entry = journal
        .entry(JournalPlace::After("a/b"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(entry.offset, OFFSET);
    let file = journal.file(&entry).await.unwrap();
    assert!(matches!(file, JournalFile::Read { events, skipped: 0 } if events.len() == 1));
    journal.entry(JournalPlace::Latest).await.unwrap();

    let requests = server.requests();
    let told: Vec<_> = requests
        .iter()
        .map(|request| (request.path.as_str(), request.header("authorization")))
        .collect();
    assert_eq!(
        told,
        [
            ("/oauth/2026-03/token", ""),
            (
                "/webhooks-journal/journal/2026-03/offset/a%2Fb/next",
                "Bearer token-0"
            ),
            ("/file", ""),
            ("/webhooks-journal/journal/2026-03/latest", "Bearer token-0"),
        ]
    );
    let form = &requests[0].body;
    assert!(
        form.starts_with("grant_type=client_credentials&scope=developer.webhooks_journal.read")
    );
    assert_eq!(requests[2].query, "signature=1");
}

#[tokio::test]
async fn nothing_new_is_no_entry() {
    let server = granting(|_, _| reply(204, &Value::Null)).await;
    // A body after all is no entry either way.
    let read = journal(&server).entry(JournalPlace::Earliest).await;
    assert!(matches!(read, Ok(None)), "{read:?}");
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once() {
    let server = granting(|request, _| match request.header("authorization") {
        "Bearer token-1" => reply(200, &entry_at(request, "/file")),
        _ => reply(401, &json!({ "category": "EXPIRED_AUTHENTICATION" })),
    })
    .await;
    let journal = journal(&server);
    for _ in 0..2 {
        assert!(journal.entry(JournalPlace::Latest).await.unwrap().is_some());
    }
    assert_eq!(server.requests().len(), 5, "the new token is kept");
}

#[tokio::test]
async fn what_the_token_endpoint_refuses_is_about_credentials_and_holds_no_secret() {
    let refused = json!({ "status": "BAD_CLIENT_SECRET", "message": format!("not {SECRET}") });
    let server = Server::always(400, refused).await;
    let error = journal(&server)
        .entry(JournalPlace::Latest)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unauthorized(_)), "{error:?}");
    assert!(!format!("{error:?}").contains(SECRET));
}

#[tokio::test]
async fn a_file_elsewhere_is_not_asked_for() {
    for url in [
        "http://127.0.0.1:1/x",
        "https://10.0.0.1/x",
        "https://metadata.internal/x",
    ] {
        let told = entry(url);
        let server = granting(move |_, _| reply(200, &told)).await;
        let error = journal(&server)
            .entry(JournalPlace::Latest)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::InvalidResponse { .. }), "{error:?}");
        assert!(!error.to_string().contains(url), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_of_a_file_is_not_followed() {
    let server = granting(|request, _| match request.path.as_str() {
        "/file" => crate::server::with_headers(302, &[("location", "/inside")], &Value::Null),
        _ => reply(200, &entry_at(request, "/file")),
    })
    .await;
    let journal = journal(&server);
    let entry = journal.entry(JournalPlace::Latest).await.unwrap().unwrap();
    let error = journal.file(&entry).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.path != "/inside")
    );
}

#[tokio::test]
async fn a_file_that_is_none_is_asked_for_again_and_then_unreadable() {
    let server = granting(|request, _| match request.path.as_str() {
        "/file" => reply(200, &json!({ "no": "events" })),
        _ => reply(200, &entry_at(request, "/file")),
    })
    .await;
    let journal = journal(&server);
    let entry = journal.entry(JournalPlace::Latest).await.unwrap().unwrap();
    let file = journal.file(&entry).await.unwrap();
    assert!(matches!(file, JournalFile::Unreadable(_)), "{file:?}");
    let asked = server
        .requests()
        .iter()
        .filter(|request| request.path == "/file")
        .count();
    assert_eq!(asked, 3);
}

#[tokio::test]
async fn an_address_that_no_longer_works_is_no_refusal_of_the_app() {
    let server = granting(|request, _| match request.path.as_str() {
        "/file" => reply(403, &json!({ "message": "Request has expired" })),
        _ => reply(200, &entry_at(request, "/file")),
    })
    .await;
    let journal = journal(&server);
    let entry = journal.entry(JournalPlace::Latest).await.unwrap().unwrap();
    let error = journal.file(&entry).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert_eq!(server.requests().len(), 3, "it is not asked for again");
}

#[tokio::test]
async fn subscriptions_of_all_kinds_are_listed_and_ended() {
    let server = granting(|request, _| match request.method.as_str() {
        "GET" => reply(
            200,
            &json!({ "results": [
            { "id": 1, "subscriptionType": "APP_LIFECYCLE_EVENT", "appId": 3 },
            { "id": 9, "subscriptionType": "OBJECT", "actions": null },
            { "id": 2, "subscriptionType": "OBJECT", "portalId": 7, "objectTypeId": "0-2",
              "actions": ["DELETE"], "objectIds": [], "properties": null, "createdAt": "x",
              "associatedObjectTypeIds": null },
        ] }),
        ),
        "DELETE" => reply(404, &json!({ "message": "gone already" })),
        _ => reply(200, &json!({ "id": 5 })),
    })
    .await;
    let journal = journal(&server);
    let listed = journal.subscriptions().await.unwrap();
    assert_eq!((listed[0].portal_id, listed[1].portal_id), (None, Some(7)));
    journal.unsubscribe(2).await.unwrap();
    let new = Subscription {
        id: None,
        ..listed[1].clone()
    };
    journal.subscribe(&new).await.unwrap();
    let requests = server.requests();
    assert_eq!(
        requests[2].path,
        "/webhooks-journal/subscriptions/2026-03/2"
    );
    assert_eq!(
        requests[3].json(),
        json!({ "subscriptionType": "OBJECT", "portalId": 7, "objectTypeId": "0-2",
            "actions": ["DELETE"], "objectIds": [] })
    );
}
