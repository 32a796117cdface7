//! The network between a process and HubSpot: the simulator's own HTTP handlers, called in place.
//!
//! Requests and answers are held up, so that they overtake those of another process; either may be lost. What a lost
//! answer was about has happened.

use std::error::Error;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use hubspot_sim::{Clock, Sim};
use partneros_hubspot::Wire;
use tower::ServiceExt;

use crate::ledger::{Ledger, Place};
use crate::points::{Points, lock};
use crate::template::{Field, OBJECT};

/// After this long a request counts as lost.
const TIMEOUT: Duration = Duration::from_mins(1);
/// How often a request is lost on its way, and an answer on its way back.
const LOST: f64 = 0.004;

type Failure = Box<dyn Error + Send + Sync>;

/// One process's way to HubSpot.
#[derive(Debug)]
pub struct SimWire {
    router: Router,
    points: Arc<Points>,
    ledger: Arc<Ledger>,
    workflow: Option<Workflow>,
}

/// What rewrites a property in HubSpot as soon as the host has written it.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// The portal.
    pub sim: Arc<Mutex<Sim>>,
    /// Its clock.
    pub clock: Clock,
    /// The field.
    pub field: usize,
}

impl SimWire {
    /// A way for a process.
    pub fn new(
        router: Router,
        points: Arc<Points>,
        ledger: Arc<Ledger>,
        workflow: Option<Workflow>,
    ) -> Self {
        Self {
            router,
            points,
            ledger,
            workflow,
        }
    }

    fn rewrite(&self, written: Range<usize>) {
        let Some(workflow) = &self.workflow else {
            return;
        };
        let written = self.ledger.with(|book| book.writes[written].to_vec());
        for write in written.iter().filter(|write| write.field == workflow.field) {
            let Some(value) = &write.value else { continue };
            let rewritten = format!("{value}!");
            let property = Field::ALL[write.field].property.to_owned();
            let values =
                hubspot_sim::Values(vec![(property, rewritten.clone())].into_iter().collect());
            let now = workflow.clock.now();
            let set = lock(&workflow.sim).workflow_sets(OBJECT, write.object, values, now);
            if set.is_ok() {
                let place = Place::Object(write.object);
                self.ledger.edit(now, place, write.field, Some(rewritten));
            }
        }
    }

    async fn perhaps_lost(&self) -> Result<(), Failure> {
        if !self.points.is_calm() && self.points.draw() < LOST {
            tokio::time::sleep(TIMEOUT).await;
            return Err("the simulated network lost it".into());
        }
        Ok(())
    }
}

#[async_trait]
impl Wire for SimWire {
    async fn carry(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Failure> {
        let path = request.uri().path().to_owned();
        self.points.pass(&path).await;
        self.perhaps_lost().await?;
        say(|| format!("{path} {}", shortened(request.body())));
        let before = self.ledger.before(&path);
        let response = self.router.clone().oneshot(request.map(Body::from)).await?;
        let heard = response.status().is_success();
        let written = self.ledger.after(before, self.points.process());
        self.rewrite(written.clone());
        if heard {
            self.points.applied(&path);
        }
        let moment = self.ledger.moment();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await;
        self.points.pass("an answer").await;
        self.perhaps_lost().await?;
        let body = body?;
        if heard {
            self.ledger.answered(written);
        }
        say(|| format!("  -> {}", shortened(&body)));
        if path.ends_with("/read") || path.ends_with("/search") {
            self.ledger.read(&body, moment);
        }
        Ok(http::Response::from_parts(parts, body))
    }
}

/// Whether what goes over the wire is printed.
static TALKS: AtomicBool = AtomicBool::new(false);
/// How much of a body is printed.
const SAID_CHARS_MAX: usize = 2_000;

/// Prints what goes over the wires of this process from now on, with the time of their runtime.
pub fn talk() {
    TALKS.store(true, Ordering::SeqCst);
}

/// Prints a line if it is wanted.
pub(crate) fn say(line: impl FnOnce() -> String) {
    if TALKS.load(Ordering::Relaxed) {
        eprintln!("{:?} {}", tokio::time::Instant::now(), line());
    }
}

fn shortened(body: &[u8]) -> String {
    String::from_utf8_lossy(body)
        .chars()
        .take(SAID_CHARS_MAX)
        .collect()
}
