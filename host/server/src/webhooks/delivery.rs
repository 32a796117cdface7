//! Delivers messages: claims them, sends them, and sends again what did not arrive.
//!
//! Each webhook is served by one task at a time, so that a slow one holds up nobody but itself.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use partneros_domain::{AlertKind, OrganizationId, Timestamp};
use partneros_store::{
    AlertId, Attempt, ClaimedDelivery, DisabledReason, NewAlert, Severity, Store, WebhookId,
};
use partneros_sync::{Environment, SYSTEM, describe};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::resolver::{Lookup, SystemLookup};
use super::sender::{Failure, Sender, SetupError};
use super::{WebhooksConfig, checked};

/// How long a message waits after each failure, give or take a fifth; then it is given up. About a day in all.
const DELAYS_MS: [i64; 10] = [
    5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000,
    28_800_000,
];
/// How often messages are looked for.
const TICK: Duration = Duration::from_secs(1);
/// How long a webhook rests after a failure, so that one that is down is not asked for each message that waits.
const REST: Duration = Duration::from_secs(5);
/// How many messages a task sends before others have their turn.
const TURN_MESSAGES: usize = 100;
/// The same in time.
const TURN: Duration = Duration::from_secs(5);
/// How much longer than an attempt a claim holds, so that the outcome can be written down.
const MARGIN_MS: i64 = 30_000;
/// How often broken webhooks are looked for.
const WATCH_EVERY: Duration = Duration::from_mins(1);
/// How often old messages are deleted.
const HOUSE_EVERY: Duration = Duration::from_hours(1);
/// How many rows are deleted in one transaction, so that nothing waits for long.
const BATCH: usize = 1_000;
const DAY_MS: i64 = 24 * 3_600_000;

/// Delivers messages. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Deliveries(pub(super) Arc<Parts>);

/// What delivers is made of.
#[derive(Debug)]
pub(super) struct Parts {
    store: Arc<dyn Store>,
    environment: Arc<dyn Environment>,
    pub(super) sender: Sender,
    config: WebhooksConfig,
}

/// How a webhook's turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// There was nothing more to send, or others are to have their turn.
    Over,
    /// A message did not arrive.
    Failed,
}

impl Deliveries {
    /// Prepares connections; opens none.
    pub fn new(
        config: WebhooksConfig,
        store: Arc<dyn Store>,
        environment: Arc<dyn Environment>,
    ) -> Result<Self, SetupError> {
        Self::with_lookup(config, store, environment, Arc::new(SystemLookup))
    }

    /// The same with look-ups of the caller's own.
    pub(super) fn with_lookup(
        config: WebhooksConfig,
        store: Arc<dyn Store>,
        environment: Arc<dyn Environment>,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, SetupError> {
        Ok(Self(Arc::new(Parts {
            store,
            environment,
            sender: Sender::new(config, lookup)?,
            config,
        })))
    }

    /// Delivers messages until told to stop, then waits for the attempts under way.
    pub async fn run(&self, stop: &CancellationToken) {
        tokio::join!(
            self.deliver(stop),
            self.watch_regularly(stop),
            self.keep_house_regularly(stop)
        );
    }

    /// Delivers everything that is due now, one message after the other, and returns how many attempts that took. For tests
    /// that keep their own time.
    pub async fn deliver_due(&self) -> Result<usize, partneros_store::Error> {
        let now = self.0.environment.now();
        let mut attempts = 0;
        for (organization, id) in self
            .0
            .store
            .due_webhooks(now, usize::from(u16::MAX))
            .await?
        {
            while self.next(organization, id).await?.is_some() {
                attempts += 1;
            }
        }
        Ok(attempts)
    }

    /// Disables webhooks that are broken, each with an alert.
    pub async fn watch(&self) -> Result<(), partneros_store::Error> {
        let failing_ms = i64::from(self.0.config.disable_after_days) * DAY_MS;
        for (organization, id, reason) in self.0.store.broken_webhooks(failing_ms).await? {
            match self.disable(organization, id, reason).await {
                // It was deleted meanwhile.
                Ok(()) | Err(partneros_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Deletes messages that were listed for long enough, and returns how many.
    pub async fn keep_house(
        &self,
        stop: &CancellationToken,
    ) -> Result<usize, partneros_store::Error> {
        let kept_ms = i64::from(self.0.config.kept_days) * DAY_MS;
        let before = self.0.environment.now().plus_millis(-kept_ms);
        let mut all = 0;
        while !stop.is_cancelled() {
            let forgotten = self.0.store.forget_deliveries(before, BATCH).await?;
            all += forgotten;
            if forgotten < BATCH {
                break;
            }
        }
        Ok(all)
    }

    async fn deliver(&self, stop: &CancellationToken) {
        let mut turns: JoinSet<(WebhookId, Turn)> = JoinSet::new();
        let (mut served, mut resting) = (HashSet::new(), HashMap::new());
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = turns.join_next() => match ended {
                    Ok((id, turn)) => {
                        served.remove(&id);
                        if turn == Turn::Failed {
                            resting.insert(id, Instant::now() + REST);
                        }
                    }
                    Err(_) => served.clear(),
                },
                _ = tick.tick() => {}
            }
            resting.retain(|_, until| Instant::now() < *until);
            self.start_turns(stop, &mut turns, &mut served, &resting)
                .await;
        }
        while turns.join_next().await.is_some() {}
    }

    async fn start_turns(
        &self,
        stop: &CancellationToken,
        turns: &mut JoinSet<(WebhookId, Turn)>,
        served: &mut HashSet<WebhookId>,
        resting: &HashMap<WebhookId, Instant>,
    ) {
        let max = self.0.config.concurrent_max;
        if turns.len() >= max {
            return;
        }
        // Those that are served or rest may be due still, so ask for that many more.
        let wanted = max + resting.len();
        let now = self.0.environment.now();
        let due = match self.0.store.due_webhooks(now, wanted).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(
                    error = describe(&error),
                    "webhooks with messages could not be read"
                );
                return;
            }
        };
        for (organization, id) in due {
            if turns.len() >= max {
                return;
            }
            if resting.contains_key(&id) || !served.insert(id) {
                continue;
            }
            let (deliveries, stop) = (self.clone(), stop.clone());
            turns.spawn(async move { (id, deliveries.turn(organization, id, &stop).await) });
        }
    }

    /// Sends a webhook's messages until one fails or others are to have their turn.
    async fn turn(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        stop: &CancellationToken,
    ) -> Turn {
        let began = Instant::now();
        for _ in 0..TURN_MESSAGES {
            if stop.is_cancelled() || began.elapsed() > TURN {
                break;
            }
            match self.next(organization, id).await {
                Ok(Some(true)) => {}
                Ok(Some(false)) => return Turn::Failed,
                Ok(None) | Err(partneros_store::Error::NotFound { .. }) => break,
                Err(error) => {
                    tracing::error!(webhook.id = %id, error = describe(&error), "a message could not be delivered");
                    return Turn::Failed;
                }
            }
        }
        Turn::Over
    }

    /// Sends the message of a webhook that has been due longest; says whether it arrived, or none when there is none.
    async fn next(
        &self,
        organization: OrganizationId,
        id: WebhookId,
    ) -> Result<Option<bool>, partneros_store::Error> {
        let Parts {
            store,
            environment,
            sender,
            config,
        } = &*self.0;
        let now = environment.now();
        let until = now.plus_millis(i64::from(config.timeout_ms) + MARGIN_MS);
        let claimed = store.claim_delivery(organization, id, now, until).await?;
        let Some(claimed) = claimed else {
            return Ok(None);
        };
        let sent = sender.send(&claimed, now).await;
        let (ended, arrived) = (environment.now(), sent.is_ok());
        let attempt = self.outcome(id, &claimed, sent, ended);
        let which = (claimed.event, claimed.attempt);
        store
            .settle_delivery(organization, id, which, attempt, ended)
            .await?;
        Ok(Some(arrived))
    }

    fn outcome(
        &self,
        id: WebhookId,
        claimed: &ClaimedDelivery,
        sent: Result<u16, Failure>,
        now: Timestamp,
    ) -> Attempt {
        match sent {
            Ok(status) => Attempt::Delivered { status },
            Err(Failure { status, reason }) => {
                let retry_at = self.retry_at(claimed.attempt, now);
                tracing::info!(
                    webhook.id = %id, webhook.message = %claimed.event, attempt = claimed.attempt,
                    given_up = retry_at.is_none(), error = reason, "a message did not arrive"
                );
                Attempt::Failed {
                    status,
                    error: reason,
                    retry_at,
                }
            }
        }
    }

    /// When to send again what has failed so many times; none gives it up.
    fn retry_at(&self, attempt: u32, now: Timestamp) -> Option<Timestamp> {
        let failed = usize::try_from(attempt).ok()?;
        let delay_ms = DELAYS_MS.get(failed.checked_sub(1)?)?;
        let mut random = [0; 4];
        self.0.environment.random(&mut random);
        let spread_ms = delay_ms * 2 / 5;
        let jitter_ms = (spread_ms * i64::from(u32::from_be_bytes(random))) >> 32;
        Some(now.plus_millis(delay_ms - spread_ms / 2 + jitter_ms))
    }

    async fn disable(
        &self,
        organization: OrganizationId,
        id: WebhookId,
        reason: DisabledReason,
    ) -> Result<(), partneros_store::Error> {
        let Parts {
            store, environment, ..
        } = &*self.0;
        let webhook = store.webhook(organization, id).await?;
        let origin = match checked(&webhook.url, &self.0.config) {
            Ok(url) => url.origin().ascii_serialization(),
            Err(_) => "its address".to_owned(),
        };
        let why = match (reason, webhook.failing_since) {
            (DisabledReason::Failing, Some(since)) => {
                format!("no message has reached {origin} since {since}")
            }
            (DisabledReason::Failing, None) => format!("no message has reached {origin}"),
            (DisabledReason::QueueFull, _) => format!(
                "{} messages to {origin} wait, and {} events found no room",
                webhook.pending, webhook.missed
            ),
        };
        let alert = NewAlert {
            id: AlertId(environment.new_id()),
            kind: AlertKind::WebhookDisabled,
            severity: Severity::Warning,
            subject: id.to_string(),
            message: format!(
                "Webhook disabled: {why}; mend what receives them, then enable webhook {id} again"
            ),
            actor: SYSTEM.to_owned(),
            at: environment.now(),
        };
        store
            .disable_webhook(organization, id, reason, alert)
            .await?;
        tracing::warn!(webhook.id = %id, reason = ?reason, "a webhook was disabled");
        Ok(())
    }

    async fn watch_regularly(&self, stop: &CancellationToken) {
        let mut tick = interval(WATCH_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            if let Err(error) = self.watch().await {
                tracing::error!(
                    error = describe(&error),
                    "broken webhooks could not be disabled"
                );
            }
        }
    }

    async fn keep_house_regularly(&self, stop: &CancellationToken) {
        let mut tick = interval(HOUSE_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            if let Err(error) = self.keep_house(stop).await {
                tracing::error!(
                    error = describe(&error),
                    "old messages could not be deleted"
                );
            }
        }
    }
}
