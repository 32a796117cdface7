//! Whom a pull talks to, what it tells them, and how much it takes.

use axum::http::StatusCode;

use super::fixture::{Guard, PASSWORD, TestRegistry, USER, registries};
use super::*;
use crate::problem::Problem;

const COMPONENT: &[u8] = b"as good as any";
const BYTES_MAX: usize = 10_000;

async fn pull(registries: &Registries, reference: &str) -> Result<Pulled, Error> {
    let digest = Digest::of(COMPONENT).to_string();
    let pin = Pin::new(reference, Some(&digest)).unwrap();
    registries.pull(&pin, BYTES_MAX).await
}

#[track_caller]
fn refused(pulled: Result<Pulled, Error>, code: &str) -> String {
    let error = pulled.unwrap_err();
    let all = partneros_sync::describe(&error);
    assert!(!format!("{error:?} {all}").contains(PASSWORD), "{all}");
    let problem = Problem::from(error);
    assert_eq!(problem.code(), code, "{all}");
    problem.message().to_owned()
}

/// A registry with the component, and its entry with credentials; the folder keeps the password.
async fn guarded(
    guard: impl FnOnce(&TestRegistry) -> Guard,
) -> (TestRegistry, RegistryConfig, tempfile::TempDir) {
    let registry = TestRegistry::start().await;
    registry.put("1", COMPONENT);
    let guard = guard(&registry);
    registry.change(|content| content.guard = guard);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    std::fs::write(&file, PASSWORD).unwrap();
    let mut entry = registry.listed();
    entry.username = Some(USER.to_owned());
    entry.password_file = Some(file);
    (registry, entry, directory)
}

#[tokio::test]
async fn nothing_is_asked_of_who_is_not_listed() {
    let (here, elsewhere) = (TestRegistry::start().await, TestRegistry::start().await);
    elsewhere.put("1", COMPONENT);
    let only = registries(vec![here.listed()]);
    let message = refused(
        pull(&only, &elsewhere.reference("1")).await,
        "registry_not_listed",
    );
    assert!(message.contains(&elsewhere.host()), "{message}");
    assert!(message.contains("plugins.registries"), "{message}");
    let off = registries(Vec::new());
    let message = refused(pull(&off, &elsewhere.reference("1")).await, "pulling_off");
    assert!(message.contains("plugins.registries"), "{message}");
    // What names no registry is at Docker Hub, as everywhere.
    let message = refused(pull(&only, "acme/mapper:1").await, "registry_not_listed");
    assert!(message.contains("docker.io"), "{message}");
    assert_eq!((here.asked(), elsewhere.asked()), (vec![], vec![]));
}

#[tokio::test]
async fn credentials_go_to_the_registry_that_asks() {
    let (registry, entry, _directory) = guarded(|_| Guard::Basic).await;
    let anonymous = registries(vec![registry.listed()]);
    let message = refused(
        pull(&anonymous, &registry.reference("1")).await,
        "registry_refused",
    );
    assert!(message.contains("401"), "{message}");
    let known = registries(vec![entry]);
    let pulled = pull(&known, &registry.reference("1")).await.unwrap();
    assert_eq!(pulled.component, COMPONENT);
    assert!(!format!("{known:?}").contains(PASSWORD));
}

#[tokio::test]
async fn a_token_is_fetched_where_the_registry_says_if_that_is_listed() {
    let tokens = TestRegistry::start().await;
    let realm = format!("http://{}/token", tokens.host());
    let (registry, mut entry, _directory) = guarded(|_| Guard::Token(realm)).await;
    let known = registries(vec![entry.clone()]);
    let message = refused(
        pull(&known, &registry.reference("1")).await,
        "registry_not_listed",
    );
    assert!(message.contains("token_host"), "{message}");
    assert_eq!(tokens.asked(), [], "nobody else gets the credentials");
    entry.token_host = tokens.host().try_into().ok();
    let known = registries(vec![entry.clone()]);
    let pulled = pull(&known, &registry.reference("1")).await.unwrap();
    assert_eq!(pulled.component, COMPONENT);
    let asked = tokens.asked();
    let [asked] = &asked[..] else {
        panic!("one token does for both: {asked:?}");
    };
    assert_eq!(
        asked.what,
        "GET /token?scope=repository%3Aacme%2Fmapper%3Apull&service=registry"
    );
    entry.username = Some("someone".to_owned());
    let unknown = registries(vec![entry]);
    refused(
        pull(&unknown, &registry.reference("1")).await,
        "registry_refused",
    );
}

#[tokio::test]
async fn a_registry_may_be_its_own_token_service() {
    let own = |registry: &TestRegistry| Guard::Token(format!("http://{}/token", registry.host()));
    let (registry, entry, _directory) = guarded(own).await;
    let known = registries(vec![entry]);
    pull(&known, &registry.reference("1")).await.unwrap();
}

#[tokio::test]
async fn blobs_are_fetched_elsewhere_if_that_is_listed_and_without_credentials() {
    let blobs = TestRegistry::start().await;
    blobs.put("1", COMPONENT);
    let path = format!(
        "/signed/blobs/{}?signature=x",
        named(&Digest::of(COMPONENT))
    );
    let (registry, mut entry, _directory) = guarded(|_| Guard::Basic).await;
    let at = format!("http://{}{path}", blobs.host());
    registry.change(|content| content.blobs_at = Some(at));
    let known = registries(vec![entry.clone()]);
    let message = refused(
        pull(&known, &registry.reference("1")).await,
        "registry_not_listed",
    );
    assert!(message.contains("blob_hosts"), "{message}");
    assert!(!message.contains("signature=x"), "{message}");
    assert_eq!(blobs.asked(), []);
    entry.blob_hosts = vec![blobs.host().try_into().unwrap()];
    let known = registries(vec![entry]);
    pull(&known, &registry.reference("1")).await.unwrap();
    let asked = blobs.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        (&asked[0].what, &asked[0].authorization),
        (&format!("GET {path}"), &None)
    );
    for nowhere in [
        "file:///etc/passwd",
        "ftp://x/",
        "http://169.254.169.254/",
        "//localhost/",
    ] {
        registry.change(|content| content.blobs_at = Some(nowhere.to_owned()));
        refused(
            pull(&known, &registry.reference("1")).await,
            "registry_not_listed",
        );
    }
    registry.change(|content| content.blobs_at = Some("/round/blobs/and-round".to_owned()));
    refused(
        pull(&known, &registry.reference("1")).await,
        "invalid_artifact",
    );
}

#[tokio::test]
async fn no_more_is_read_than_may_be() {
    let registry = TestRegistry::start().await;
    let known = registries(vec![registry.listed()]);
    let long = vec![7; BYTES_MAX + 1];
    for (is_streaming, declared) in [(false, BYTES_MAX + 1), (false, 1), (true, 1)] {
        let manifest = registry.put_with("1", &long, |manifest| {
            manifest["layers"][0]["size"] = declared.into();
        });
        registry.change(|content| content.is_streaming = is_streaming);
        registry.asked();
        let pin = Pin::new(&registry.pinned(manifest), None).unwrap();
        refused(known.pull(&pin, BYTES_MAX).await, "body_too_large");
        let is_fetched = registry.asked().len() == 2;
        assert_eq!(
            is_fetched,
            declared == 1,
            "what says that it is too long is not fetched"
        );
    }
    let manifest = registry.put_with("1", COMPONENT, |manifest| {
        manifest["annotations"] = serde_json::json!({"x": "x".repeat(64 << 10)});
    });
    let message = refused(
        pull(&known, &registry.pinned(manifest)).await,
        "invalid_artifact",
    );
    assert!(message.contains("plugins.manifest_bytes_max"), "{message}");
}

#[tokio::test]
async fn a_registry_that_is_down_stuck_or_ill_is_unavailable() {
    let registry = TestRegistry::start().await;
    let config = PluginsConfig {
        registries: vec![registry.listed()],
        pull_ms_max: 50,
        ..PluginsConfig::default()
    };
    let hasty = Registries::new(&config).unwrap();
    registry.change(|content| content.is_stuck = true);
    let message = refused(
        pull(&hasty, &registry.reference("1")).await,
        "registry_unavailable",
    );
    assert!(message.contains("plugins.pull_ms_max"), "{message}");
    let known = registries(vec![registry.listed()]);
    registry.change(|content| content.is_stuck = false);
    for (status, code) in [
        (StatusCode::BAD_GATEWAY, "registry_unavailable"),
        (StatusCode::TOO_MANY_REQUESTS, "registry_unavailable"),
        (StatusCode::FORBIDDEN, "registry_refused"),
        (StatusCode::NOT_FOUND, "registry_refused"),
    ] {
        registry.change(|content| content.status = Some(status));
        let message = refused(pull(&known, &registry.reference("1")).await, code);
        assert!(message.contains(status.as_str()), "{message}");
    }
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = listener.local_addr().unwrap().to_string();
    drop(listener);
    let mut entry = registry.listed();
    entry.host = gone.clone().try_into().unwrap();
    let known = registries(vec![entry]);
    let message = refused(
        pull(&known, &format!("{gone}/acme/mapper:1")).await,
        "registry_unavailable",
    );
    assert!(message.contains(&gone), "{message}");
}
