//! Tries the connection to a webhook without telling it anything.

use std::sync::Arc;

use super::WebhooksConfig;
use super::resolver::{Lookup, SystemLookup};
use super::sender::{Sender, SetupError};

/// Tries connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Probe(Arc<Sender>);

impl Probe {
    /// Prepares connections; opens none.
    pub fn new(config: WebhooksConfig) -> Result<Self, SetupError> {
        Self::with_lookup(config, Arc::new(SystemLookup))
    }

    pub(super) fn with_lookup(
        config: WebhooksConfig,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, SetupError> {
        Ok(Self(Arc::new(Sender::new(config, lookup)?)))
    }

    /// Connects to where messages go, under the rules that messages go by, and sends a `HEAD` request: no event, no
    /// signature. Returns the status of the answer, which says no more than that somebody is there; or, without the address,
    /// why there was none.
    pub async fn reach(&self, url: &str) -> Result<u16, String> {
        self.0.reach(url).await
    }
}
