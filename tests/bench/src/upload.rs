//! From the first byte of an upload until the mapper runs: over HTTP, in a host as the `partneros` binary assembles it.
//!
//! The host receives, validates, compiles in a process of its own, tries on its built-in records, stores, and then binds
//! for an organization. The next pull would use the mapper. Every upload differs by a section that means nothing, since the
//! host never compiles the same component twice.

use std::time::Instant;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use test_guests::files::with_custom_sections;
use url::Url;

use crate::child::Server;
use crate::example::{self, EXAMPLES};
use crate::measure::{Values, middle};
use crate::served::TOKEN;
use crate::task::Task;

/// Uploads every example whose toolchain is there, in turns, and binds it.
pub fn measure(rounds: u32) -> anyhow::Result<Values> {
    let mut components = Vec::new();
    for example in EXAMPLES {
        if let Some(component) = example::component(example.language)? {
            components.push((example, component, Vec::new()));
        }
    }
    let directory = tempfile::tempdir().context("failed to make a directory for a host")?;
    let host = Server::start(&Task::ServeHost {
        directory: directory.path().to_owned(),
        records: 0,
    })?;
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
