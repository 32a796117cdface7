//! Logs to standard error, as the configuration says, and traces to a collector if one is configured.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use schemars::JsonSchema;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use url::Url;

use crate::config::{LogConfig, LogFormat};

/// Where traces go.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OtelConfig {
    /// The collector's address for OTLP over HTTP, such as `http://localhost:4318/v1/traces`. Default none, which exports
    /// nothing. Headers for it come from the variable `OTEL_EXPORTER_OTLP_HEADERS`.
    pub endpoint: Option<Url>,
    /// The share of requests and runs that is traced, from 0 to 1. Default 1.
    pub sample_ratio: f64,
    /// What is traced, in the syntax of `RUST_LOG`. Default `info`.
    pub filter: String,
}

impl Default for OtelConfig {
    fn default() -> Self {
        Self {
            endpoint: None,
            sample_ratio: 1.0,
            filter: "info".to_owned(),
        }
    }
}

/// Started telemetry. What was traced last is sent by [`Self::finish`].
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

/// Starts logging and tracing. To be called once.
pub fn init(log: &LogConfig, otel: &OtelConfig) -> anyhow::Result<Telemetry> {
    let exported = provider(otel)?;
    let spans = match &exported {
        Some(provider) => {
            let tracer: SdkTracer = provider.tracer("partneros");
            let filter = filter("otel.filter", &otel.filter)?;
            let layer = tracing_opentelemetry::layer().with_tracer(tracer);
            Some(tracing_subscriber::Layer::with_filter(layer, filter))
        }
        None => None,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let lines = match log.format {
        LogFormat::Text => tracing_subscriber::Layer::boxed(lines),
        LogFormat::Json => tracing_subscriber::Layer::boxed(lines.json().flatten_event(true)),
    };
    let lines = tracing_subscriber::Layer::with_filter(lines, filter("log.filter", &log.filter)?);
    tracing_subscriber::registry()
        .with(spans)
        .with(lines)
        .try_init()
        .context("failed to start logging")?;
    Ok(Telemetry { traces: exported })
}

impl Telemetry {
    /// Sends what was traced and not sent yet. Blocks for a few seconds if the collector does not answer.
    pub fn finish(self) {
        if let Some(Err(error)) = self.traces.map(|traces| traces.shutdown()) {
            tracing::warn!(error = %error, "the last traces were not sent");
        }
    }
}

fn filter(key: &str, text: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(text).with_context(|| format!("failed to read `{key}`: `{text}`"))
}

fn provider(config: &OtelConfig) -> anyhow::Result<Option<SdkTracerProvider>> {
    let Some(endpoint) = &config.endpoint else {
        return Ok(None);
    };
    anyhow::ensure!(
        (0.0..=1.0).contains(&config.sample_ratio),
        "failed to read the configuration: `otel.sample_ratio` is {}, and a share is from 0 to 1",
        config.sample_ratio
    );
    let _ = rustls::crypto::ring::default_provider().install_default();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint.as_str())
        .build()
        .context("failed to start the export to `otel.endpoint`")?;
    let resource = Resource::builder()
        .with_service_name("partneros")
        .with_attribute(opentelemetry::KeyValue::new(
            "service.version",
            env!("CARGO_PKG_VERSION"),
        ))
        .build();
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample_ratio)));
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler)
        .with_resource(resource)
        .build();
    Ok(Some(provider))
}
