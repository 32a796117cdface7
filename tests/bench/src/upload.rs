//! From the first byte of an upload until the mapper runs: over HTTP, in a host as the `partneros` binary assembles it.
//!
//! The host receives, validates, compiles in a process of its own, tries on its built-in records, stores, and then binds
//! for an organization. The next pull would use the mapper. Every upload differs by a section that means nothing, since the
//! host never compiles the same component twice.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};
use partneros_domain::{OrganizationId, Role, TokenId};
use partneros_server::config::{Config, Overrides};
use partneros_server::host::Host;
use partneros_server::token;
use partneros_store::{KeyRing, NewApiToken, Options, Organization, Organizations as _, Sqlite};
use partneros_sync::Environment as _;
use serde_json::{Value, json};
use test_guests::files::with_custom_sections;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::child::Server;
use crate::environment::SystemEnvironment;
use crate::example::{self, EXAMPLES};
use crate::measure::{Values, middle};
use crate::task::{Task, exit_at_end_of_input};

/// The token of the organization.
const TOKEN: &str = "pos_bench";

/// Uploads every example whose toolchain is there, in turns, and binds it.
pub fn measure(rounds: u32) -> anyhow::Result<Values> {
    let mut components = Vec::new();
    for example in EXAMPLES {
        if let Some(component) = example::component(example.language)? {
            components.push((example, component, Vec::new()));
        }
    }
    let directory = tempfile::tempdir().context("failed to make a directory for a host")?;
    let host = Server::start(&Task::ServeHost(directory.path().to_owned()))?;
    partneros_hubspot::Http::new(&partneros_hubspot::HttpConfig::default())
        .context("failed to choose a TLS provider")?;
    let client = reqwest::Client::builder().build()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the async runtime")?;
    for round in 1..=rounds {
        for (example, component, times) in &mut components {
            let component = with_custom_sections(component, 1, round as usize);
            let plugin = example.language.folder();
            let live = upload_and_bind(&client, &host.url, plugin, component);
            let millis = runtime
                .block_on(live)
                .with_context(|| format!("failed to upload `{plugin}`"))?;
            eprintln!(
                "upload {round}/{rounds}, {}: {millis:.0} ms",
                example.language
            );
            times.push(millis);
        }
    }
    let value = |(example, _, times): (example::Example, _, _)| (example.upload, middle(times));
    Ok(components.into_iter().map(value).collect())
}

/// How many milliseconds it takes.
async fn upload_and_bind(
    client: &reqwest::Client,
    host: &Url,
    plugin: &str,
    component: Vec<u8>,
) -> anyhow::Result<f64> {
    let mut upload = host.join("api/plugins")?;
    upload.query_pairs_mut().append_pair("name", plugin);
    let started = Instant::now();
    let upload = client
        .post(upload)
        .header("content-type", "application/wasm")
        .body(component);
    let answer = answer(upload).await?;
    let digest = answer.pointer("/version/sha256");
    let body = json!({"scope": "organization", "parts": [digest]});
    let bind = client
        .post(host.join("api/plugins/bindings")?)
        .header("content-type", "application/json")
        .body(body.to_string());
    let bound = self::answer(bind).await?;
    let millis = started.elapsed().as_secs_f64() * 1e3;
    anyhow::ensure!(
        digest.is_some() && bound.get("digest") == digest,
        "something else was bound: {bound}"
    );
    Ok(millis)
}

async fn answer(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let response = request.bearer_auth(TOKEN).send().await?;
    let status = response.status();
    let text = response.text().await?;
    if !status.is_success() {
        bail!("the host answered {status}: {text}");
    }
    Ok(serde_json::from_str(&text)?)
}

/// Is the host, until the standard input ends.
pub fn serve(directory: &Path) -> anyhow::Result<()> {
    // A file of its own, so that none of this machine's settings apply.
    let file = directory.join("partneros.toml");
    std::fs::write(&file, "")?;
    let overrides = Overrides {
        listen: Some(([127, 0, 0, 1], 0).into()),
        data_dir: Some(directory.to_owned()),
        ..Overrides::default()
    };
    let mut config = Config::load(Some(file), &overrides)?;
    config.runtime.compiler = Task::compiler()?;
    std::thread::spawn(exit_at_end_of_input);
    let runtime = tokio::runtime::Runtime::new().context("failed to start the async runtime")?;
    runtime.block_on(async {
        let store = Arc::new(open(&config).await?);
        let stop = CancellationToken::new();
        let host = Host::new(&config, store, Arc::new(SystemEnvironment), stop).await?;
        let listener = TcpListener::bind(config.listen).await?;
        println!("http://{}", listener.local_addr()?);
        host.serve(listener).await
    })
}

/// A new database with an organization that has a token.
async fn open(config: &Config) -> anyhow::Result<Sqlite> {
    let ring = KeyRing::load_or_create(&config.data_dir.join("key"))?;
    let file = config.data_dir.join("partneros.db");
    let store = Sqlite::open(&file, ring, Options::default())?;
    let organization = Organization {
        id: OrganizationId(SystemEnvironment.new_id()),
        name: "bench".to_owned(),
        created_at: SystemEnvironment.now(),
    };
    store.create_organization(&organization).await?;
    let token = NewApiToken {
        id: TokenId(SystemEnvironment.new_id()),
        name: "bench".to_owned(),
        hash: token::hash(TOKEN),
        member: None,
        role: Role::Admin,
        created_at: SystemEnvironment.now(),
        expires_at: None,
    };
    store.create_token(organization.id, &token).await?;
    Ok(store)
}
