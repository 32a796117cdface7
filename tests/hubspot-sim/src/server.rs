//! The portal as a server in this process, for tests and demonstrations.
//!
//! The server runs in a thread of its own, so that any kind of test can use it; dropping it closes every connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use partneros_domain::Timestamp;
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::config::Config;
use crate::http;
use crate::state::Sim;

/// A running server. It stops when dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    sim: Arc<Mutex<Sim>>,
    clock: Clock,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not allowed.
    #[error("failed to listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: std::io::Error,
    },
    /// The runtime or its thread did not start.
    #[error("failed to start the server's thread")]
    Thread(#[source] std::io::Error),
}

impl Server {
    /// Starts on a free port of this machine with the machine's clock.
    pub fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with(config, Clock::real())
    }

    /// Starts on a free port of this machine with a clock that stands at `now` until it is moved.
    pub fn start_at(config: Config, now: Timestamp) -> Result<Self, StartError> {
        Self::start_with(config, Clock::manual(now))
    }

    /// Starts on a free port of this machine with a clock of the caller's.
    pub fn start_with(config: Config, clock: Clock) -> Result<Self, StartError> {
        Self::listen(config, clock, SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Starts on a given address.
    pub fn listen(config: Config, clock: Clock, address: SocketAddr) -> Result<Self, StartError> {
        let listen = |source| StartError::Listen { address, source };
        let listener = std::net::TcpListener::bind(address).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let sim = Arc::new(Mutex::new(Sim::new(config, clock.now())));
        let router = http::router(sim.clone(), clock.clone());
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(StartError::Thread)?;
        let serve = move || {
            runtime.block_on(async {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
                    return;
                };
                tokio::select! {
                    served = axum::serve(listener, router).into_future() => {
                        if let Err(error) = served {
                            tracing::error!(%error, "the simulator stopped serving");
                        }
                    }
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new()
            .name("hubspot-sim".to_owned())
            .spawn(serve)
            .map_err(StartError::Thread)?;
        Ok(Self {
            address,
            sim,
            clock,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The base address, without a slash at the end; API calls and the consent page are both under it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The portal itself, locked: the server waits while the guard lives, so never hold it across an `await`.
    pub fn sim(&self) -> MutexGuard<'_, Sim> {
        self.sim.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The portal to share with a [`crate::SimPortal`].
    pub fn shared(&self) -> Arc<Mutex<Sim>> {
        self.sim.clone()
    }

    /// The clock that the server runs by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The server's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits until the server stops, which it does by itself only when it fails.
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            // A panicked server thread has reported itself; there is nothing left to serve either way.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended already; then nobody listens and nothing is left to stop.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
