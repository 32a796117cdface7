//! Which addresses messages may go to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::WebhooksConfig;

/// The longest URL that is taken, in bytes.
const URL_BYTES_MAX: usize = 2_048;
/// Azure's own services, on an address that is public in name only.
const AZURE_WIRE_SERVER: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// A URL that no message goes to; completes "failed to use the URL: ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// Too long.
    #[error("it is longer than {URL_BYTES_MAX} bytes")]
    TooLong,
    /// No URL.
    #[error("it cannot be read: {0}")]
    Unreadable(url::ParseError),
    /// Neither `https` nor what the configuration allows besides.
    #[error("it must begin with `https://`, unless `webhooks.allow_http` is set")]
    Scheme,
    /// A user name or a password, which are no secret there.
    #[error("it must hold no user name and no password; messages are signed instead")]
    Credentials,
    /// An address that is not public.
    #[error("{}", NotPublic)]
    NotPublic,
}

/// A host with an address that messages must not go to. Which one is not told: it may be one of the host's own network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its host has an address that is not public, and `webhooks.allow_private` is not set")]
pub struct NotPublic;

/// Reads a URL that messages may go to, as far as that shows without a look-up of its host.
pub fn checked(text: &str, config: &WebhooksConfig) -> Result<Url, InvalidUrl> {
    if text.len() > URL_BYTES_MAX {
        return Err(InvalidUrl::TooLong);
    }
    let url = Url::parse(text).map_err(InvalidUrl::Unreadable)?;
    let is_taken = match url.scheme() {
        "https" => true,
        "http" => config.allow_http,
        _ => false,
    };
    if !is_taken {
        return Err(InvalidUrl::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidUrl::Credentials);
    }
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        _ => None,
    };
    if !config.allow_private && literal.is_some_and(|address| !is_public(address)) {
        return Err(InvalidUrl::NotPublic);
    }
    Ok(url)
}

/// Whether an address is of the public internet: by the registries of special-purpose addresses, and for IPv6 by what is
/// given out at all.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_special = matches!(
        address.octets(),
        // This network; private; loopback; link-local, where clouds tell machines their secrets; multicast and reserved.
        [0 | 10 | 127 | 224..=255, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            // Shared by carriers; protocol assignments; documentation; relays to IPv6; benchmarks.
            | [100, 64..=127, ..]
            | [192, 0, 0 | 2, _]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            | [192, 88, 99, _]
            | [198, 18 | 19, ..]
    );
    !is_special && address != AZURE_WIRE_SERVER
}

/// Global unicast only (`2000::/3`), so neither loopback, unique local, link-local, multicast nor an IPv4 address in whatever
/// guise; and of those not what is for protocols, documentation or tunnels, which carry IPv4 addresses as well.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let is_global = segments[0] & 0xe000 == 0x2000;
    let special = match segments {
        [0x2001, second, ..] => second < 0x200 || second == 0xdb8,
        [0x2002, ..] => true,
        [0x3fff, second, ..] => second < 0x1000,
        _ => false,
    };
    is_global && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_not_public() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "::8.8.8.8",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2001:1ff::1",
            "2002:808:808::1",
            "3fff::1",
            "3fff:fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn other_addresses_are() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "128.0.0.1",
            "169.253.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.0.3.1",
            "192.167.1.1",
            "192.169.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
            "3fff:1000::1",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_url_is_https_to_a_public_address_without_a_password() {
        let config = WebhooksConfig::default();
        for url in [
            "https://hooks.acme.example/partneros?channel=1",
            "https://8.8.8.8:8443/",
            "https://[2606:4700::1111]/",
        ] {
            assert_eq!(checked(url, &config).unwrap().as_str(), url);
        }
        let long = format!("https://acme.example/{}", "x".repeat(URL_BYTES_MAX));
        for (url, problem) in [
            ("http://acme.example/", InvalidUrl::Scheme),
            ("file:///etc/passwd", InvalidUrl::Scheme),
            ("data:text/plain,x", InvalidUrl::Scheme),
            ("https://ann:x@acme.example/", InvalidUrl::Credentials),
            ("https://ann@acme.example/", InvalidUrl::Credentials),
            ("https://127.0.0.1/", InvalidUrl::NotPublic),
            // The same address, as a parser of another age would have it.
            ("https://0x7f.1/", InvalidUrl::NotPublic),
            ("https://2130706433/", InvalidUrl::NotPublic),
            ("https://0177.0.0.1/", InvalidUrl::NotPublic),
            ("https://①②⑦.0.0.1/", InvalidUrl::NotPublic),
            ("https://[::1]/", InvalidUrl::NotPublic),
            ("https://[::ffff:169.254.169.254]/", InvalidUrl::NotPublic),
            (long.as_str(), InvalidUrl::TooLong),
        ] {
            assert_eq!(checked(url, &config), Err(problem), "{url}");
        }
        assert!(matches!(
            checked("acme", &config),
            Err(InvalidUrl::Unreadable(_))
        ));
        let open = WebhooksConfig {
            allow_private: true,
            allow_http: true,
            ..config
        };
        assert!(checked("http://127.0.0.1:9/", &open).is_ok());
        assert_eq!(checked("ftp://127.0.0.1/", &open), Err(InvalidUrl::Scheme));
    }
}
