//! Looks hosts up, and lets connections go to public addresses only.
//!
//! The client connects to what is returned here and looks nothing up itself, so a name that answers differently the next
//! time leads nowhere.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{NotPublic, is_public};

/// Where addresses come from.
#[async_trait]
pub(super) trait Lookup: Send + Sync + fmt::Debug {
    /// The addresses of a host.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
#[derive(Debug)]
pub(super) struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// A resolver that refuses hosts with an address that is not public.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) allow_private: bool,
    pub(super) lookup: Arc<dyn Lookup>,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, allow_private) = (Arc::clone(&self.lookup), self.allow_private);
        Box::pin(async move {
            let found = lookup.addresses(name.as_str()).await?;
            // One address that is not public is enough: whoever owns the name has something in mind.
            if !allow_private && !found.iter().all(|address| is_public(*address)) {
                return Err(NotPublic.into());
            }
            // The port comes from the URL.
            let addresses = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
