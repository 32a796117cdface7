//! `partneros serve`: the host, until SIGINT or SIGTERM.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::compiler;
use crate::config::Config;
use crate::environment::SystemEnvironment;
use crate::host::Host;
use crate::{storage, telemetry};

pub(super) async fn run(mut config: Config) -> anyhow::Result<()> {
    let telemetry = telemetry::init(&config.log, &config.otel)?;
    compiler::in_a_process_of_its_own(&mut config.runtime)?;
    let store = Arc::new(storage::open(&config)?);
    let _serving = storage::serving(&config, &store).await?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("failed to listen on {}", config.listen))?;
    let stop = CancellationToken::new();
    let host = Host::new(
        &config,
        store.clone(),
        Arc::new(SystemEnvironment),
        stop.clone(),
    )
    .await?;
    tokio::spawn(async move {
        signal().await;
        tracing::info!("stopping; runs end at their next commit");
        stop.cancel();
    });
    tracing::info!(address = %listener.local_addr()?, public_url = %config.public_url, "serving");
    host.serve(listener).await?;
    store.close().await?;
    tracing::info!("stopped");
    tokio::task::spawn_blocking(|| telemetry.finish()).await?;
    Ok(())
}

/// Waits for SIGINT or SIGTERM.
async fn signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut stream) => {
                stream.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
