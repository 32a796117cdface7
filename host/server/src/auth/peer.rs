//! Where a request comes from.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::state::AppState;

/// What proxies append the address to that they were called from.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address that a request comes from; none where the server was not told.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub Option<IpAddr>);

impl FromRequestParts<AppState> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let connected = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let connected = connected.map(|info| info.0.ip());
        let proxies = state.auth.config.trusted_proxies;
        Ok(Self(forwarded_for(&parts.headers, proxies).or(connected)))
    }
}

/// The address that the outermost of the proxies was called from. Whoever called it may have written anything before.
fn forwarded_for(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    let lines = headers.get_all(FORWARDED_FOR).iter();
    let entries: Vec<&str> = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .collect();
    let at = entries.len().checked_sub(proxies)?;
    let entry = entries.get(at)?.trim();
    let address = entry.parse::<IpAddr>().ok();
    address.or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_trusted_proxies_wrote_counts() {
        let mut headers = HeaderMap::new();
        headers.append(FORWARDED_FOR, "198.51.100.9, 192.0.2.1".parse().unwrap());
        headers.append(FORWARDED_FOR, "[2001:db8::1]:443".parse().unwrap());
        let of = |proxies| forwarded_for(&headers, proxies).map(|address| address.to_string());
        assert_eq!(of(0), None);
        assert_eq!(of(1).as_deref(), Some("2001:db8::1"));
        assert_eq!(of(2).as_deref(), Some("192.0.2.1"));
        assert_eq!(of(3).as_deref(), Some("198.51.100.9"));
        assert_eq!(of(4), None, "it came around one of them");
        headers.insert(FORWARDED_FOR, "unknown".parse().unwrap());
        assert_eq!(forwarded_for(&headers, 1), None);
    }
}
