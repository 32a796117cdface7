//! Retries, tokens, limits on answers: what every call has.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use partneros_hubspot::{AccessTokens, AppKind, Budget, Client, Error, Portal, StaticToken};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use crate::server::{Reply, Server, TOKEN, config, html, json as reply, with_headers};

fn account() -> serde_json::Value {
    json!({"portalId": 123_456, "accountType": "STANDARD", "timeZone": "US/Eastern", "uiDomain": null, "new": 1})
}

#[tokio::test]
async fn what_is_worth_another_attempt_gets_one() {
    type First = Box<dyn Fn() -> Reply + Send + Sync>;
    let limited = json!({"status": "error", "message": "You have reached your ten_secondly_rolling limit.",
        "errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"});
    let firsts: [First; 6] = [
        Box::new(move || reply(429, &limited)),
        Box::new(|| with_headers(429, &[("retry-after", "0")], &json!({}))),
        Box::new(|| reply(423, &json!({"message": "locked"}))),
        Box::new(|| with_headers(477, &[("retry-after", "0")], &json!({}))),
        Box::new(|| html(502, "<html><title>502 Bad Gateway</title></html>")),
        Box::new(|| html(200, "<html>maintenance</html>")),
    ];
    for first in firsts {
        let server = Server::start(move |_, before| match before {
            0 => first(),
            _ => reply(200, &account()),
        })
        .await;
        let info = server.client().account_info().await.unwrap();
        assert_eq!((info.portal_id, info.ui_domain.as_str()), (123_456, ""));
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn attempts_end() {
    let server = Server::start(|_, _| html(503, "<h1>Busy</h1>")).await;
    let error = server.client().account_info().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed inside HubSpot: HTTP 503: <h1>Busy</h1>"
    );
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn what_will_not_pass_soon_is_reported_at_once() {
    let daily = json!({"message": "You have reached your daily limit.", "policyName": "DAILY"});
    let server = Server::always(429, daily).await;
    let error = server.client().account_info().await.unwrap_err();
    assert!(
        matches!(error, Error::RateLimited { ref policy, retry_after: None, .. } if policy == "DAILY")
    );

    let moving =
        Server::start(|_, _| with_headers(477, &[("retry-after", "86400")], &json!({}))).await;
    let error = moving.client().account_info().await.unwrap_err();
    let Error::Locked { retry_after, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(retry_after, Some(Duration::from_hours(24)));
    assert_eq!((server.requests().len(), moving.requests().len()), (1, 1));
}

/// Hands out `stale-…` until renewed.
struct Renewable {
    renewals: AtomicUsize,
}

#[async_trait]
impl AccessTokens for Renewable {
    async fn access_token(&self) -> Result<SecretString, Error> {
        Ok("stale-token".to_owned().into())
    }

    async fn renewed(&self, refused: &SecretString) -> Result<SecretString, Error> {
        assert_eq!(refused.expose_secret(), "stale-token");
        self.renewals.fetch_add(1, Ordering::Relaxed);
        Ok("fresh-token".to_owned().into())
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let expired = json!({"status": "error", "category": "EXPIRED_AUTHENTICATION",
        "message": "The OAuth token used to make this call expired 0 second(s) ago."});
    for (accepts_fresh, calls) in [(true, 2), (false, 2)] {
        let expired = expired.clone();
        let server = Server::start(move |request, _| {
            if accepts_fresh && request.header("authorization") == "Bearer fresh-token" {
                reply(200, &account())
            } else {
                reply(401, &expired)
            }
        })
        .await;
        let tokens = Arc::new(Renewable {
            renewals: AtomicUsize::new(0),
        });
        let client = Client::new(server.config(), tokens.clone()).unwrap();
        let outcome = client.account_info().await;
        assert_eq!(tokens.renewals.load(Ordering::Relaxed), 1);
        assert_eq!(server.requests().len(), calls);
        match outcome {
            Ok(_) => assert!(accepts_fresh),
            Err(error) => {
                assert!(!accepts_fresh);
                assert!(matches!(error, Error::Unauthorized(_)), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn tokens_appear_in_no_error_and_no_debug_output() {
    let server = Server::start(|request, _| {
        let authorization = request.header("authorization").to_owned();
        match request.path.as_str() {
            "/account-info/v3/details" => html(400, &format!("<p>{authorization}</p>")),
            "/crm/v3/owners" => html(200, &format!("<p>{authorization}</p>")),
            _ => reply(
                403,
                &json!({"message": authorization, "category": authorization}),
            ),
        }
    })
    .await;
    let client = server.client();
    let errors = [
        client.account_info().await.unwrap_err(),
        client.owners().await.unwrap_err(),
        client.properties("deals").await.unwrap_err(),
    ];
    let shown = format!("{errors:?} {client:?} {:?}", StaticToken::new(TOKEN));
    assert!(shown.contains("[redacted]"), "{shown}");
    assert!(!shown.contains(TOKEN), "{shown}");
}

#[tokio::test]
async fn a_slow_answer_times_out_and_is_asked_for_again() {
    let server = Server::start(|_, before| match before {
        0 => Reply::Never,
        _ => reply(200, &account()),
    })
    .await;
    let mut config = server.config();
    config.http.request_timeout = Duration::from_millis(40);
    let client = Client::new(config, Arc::new(StaticToken::new(TOKEN))).unwrap();
    assert_eq!(client.account_info().await.unwrap().portal_id, 123_456);
    assert!(server.requests().len() >= 2);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_transport_error_without_the_query() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(
        config(base.parse().unwrap()),
        Arc::new(StaticToken::new(TOKEN)),
    )
    .unwrap();
    let error = client.owners().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("failed to reach HubSpot at `{base}/crm/v3/owners`")
    );
    assert!(error.is_transient());
}

/// A server that promises more than it sends.
async fn cut_off() -> url::Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            let _ = socket.read(&mut request).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"portalId\":12";
            let _ = socket.write_all(answer).await;
        }
    });
    base.parse().unwrap()
}

#[tokio::test]
async fn broken_answers_are_errors_that_say_what_is_broken() {
    let tokens = Arc::new(StaticToken::new(TOKEN));
    let client = Client::new(config(cut_off().await), tokens.clone()).unwrap();
    let error = client.account_info().await.unwrap_err().to_string();
    assert!(
        error.ends_with("/account-info/v3/details`: cut off before its end"),
        "{error}"
    );

    for (body, problem) in [
        (
            json!({"portalId": "none of your business"}),
            "unexpected data at byte",
        ),
        (
            json!({"accountType": "STANDARD"}),
            "missing field `portalId`",
        ),
        (json!([]), "unexpected data at byte"),
    ] {
        let server = Server::always(200, body).await;
        let error = server.client().account_info().await.unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
        assert!(!error.to_string().contains("business"), "{error}");
        assert_eq!(server.requests().len(), 3);
    }

    let server = Server::always(200, json!({"portalId": 1, "filler": "x".repeat(2_000)})).await;
    let mut config = server.config();
    config.http.body_bytes_max = 1_000;
    let client = Client::new(config, tokens).unwrap();
    let error = client.account_info().await.unwrap_err().to_string();
    assert!(error.ends_with("longer than 1000 bytes"), "{error}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let server =
        Server::start(|_, _| with_headers(302, &[("location", "/elsewhere")], &json!({}))).await;
    let error = server.client().account_info().await.unwrap_err();
    assert_eq!(error.status(), Some(302));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn cancelling_ends_a_call_that_waits() {
    let server = Server::start(|_, _| Reply::Never).await;
    let mut config = server.config();
    config.cancel = CancellationToken::new();
    let cancel = config.cancel.clone();
    let client = Client::new(config, Arc::new(StaticToken::new(TOKEN))).unwrap();
    let call = tokio::spawn(async move { client.account_info().await });
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    cancel.cancel();
    assert!(matches!(call.await.unwrap(), Err(Error::Cancelled)));
}

#[tokio::test]
async fn what_is_left_of_the_limit_is_read_from_the_headers() {
    let server = Server::start(|_, _| {
        let headers = [
            ("X-HubSpot-RateLimit-Interval-Milliseconds", "10000"),
            ("X-HubSpot-RateLimit-Max", "110"),
            ("X-HubSpot-RateLimit-Remaining", "73"),
            ("X-HubSpot-RateLimit-Daily", "250000"),
            ("X-HubSpot-RateLimit-Daily-Remaining", "249000"),
        ];
        with_headers(200, &headers, &account())
    })
    .await;
    let mut config = server.config();
    config.budget = Some(Budget::new(AppKind::Marketplace));
    let client = Client::new(config, Arc::new(StaticToken::new(TOKEN))).unwrap();
    assert_eq!(client.rate_limit_remaining(), None);
    client.account_info().await.unwrap();
    let left = client.clone().rate_limit_remaining().unwrap();
    assert_eq!(
        (left.max, left.remaining, left.daily_remaining),
        (110, 73, Some(249_000))
    );
    assert_eq!(left.daily_max, Some(250_000));
}
