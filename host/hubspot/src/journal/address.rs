//! Which addresses a journal's files are taken from.
//!
//! Rule: the very origin that the API is at, or `https` at a public host name and the usual port, without credentials in
//! the address. So nobody who gets an address into an answer has this host ask for anything on its own network: not by
//! number, not by a local name, not without TLS. A name that leads inside would have to have a certificate that is trusted,
//! and no token goes along.

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

/// Endings of names that are not public.
const LOCAL: [&str; 4] = ["localhost", "local", "internal", "home.arpa"];

/// The address, if files may be taken from there; else why not.
pub(super) fn allowed(address: &SecretString, api_base: &Url) -> Result<Url, &'static str> {
    let url = Url::parse(address.expose_secret()).map_err(|_| "a file's address is none")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a file's address has credentials in it");
    }
    if url.origin() == api_base.origin() {
        return Ok(url);
    }
    if url.scheme() != "https" || url.port().is_some() {
        return Err("a file's address is not under `https` at the usual port");
    }
    match url.host() {
        Some(Host::Domain(name)) if is_public(name) => Ok(url),
        _ => Err("a file's address is at no public host name"),
    }
}

fn is_public(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let is_local = |local: &str| {
        let rest = name.strip_suffix(local);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    name.contains('.') && !LOCAL.iter().any(|local| is_local(local))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(address: &str, api_base: &str) -> bool {
        let address = SecretString::from(address.to_owned());
        allowed(&address, &api_base.parse().unwrap()).is_ok()
    }

    #[test]
    fn files_come_from_public_names_over_tls_or_from_the_api() {
        let api = "https://api.hubapi.com";
        for address in [
            "https://s3.amazonaws.com/bucket/file.json?X-Amz-Signature=1",
            "https://api.hubapi.com/files/1",
        ] {
            assert!(is_allowed(address, api), "{address}");
        }
        for address in [
            "http://s3.amazonaws.com/bucket/file.json",
            "https://s3.amazonaws.com:8443/file.json",
            "https://user@s3.amazonaws.com/file.json",
            "https://127.0.0.1/file.json",
            "https://2130706433/file.json",
            "https://[::1]/file.json",
            "https://169.254.169.254/latest/meta-data",
            "https://metadata/latest",
            "https://metadata.google.internal/latest",
            "https://localhost./x",
            "https://a.localhost/x",
            "file:///etc/passwd",
            "ftp://s3.amazonaws.com/file.json",
            "/relative",
            "",
        ] {
            assert!(!is_allowed(address, api), "{address}");
        }
    }

    #[test]
    fn a_simulators_files_come_from_itself_only() {
        let api = "http://127.0.0.1:4010/";
        assert!(is_allowed("http://127.0.0.1:4010/files/1", api));
        for address in [
            "http://127.0.0.1:4011/files/1",
            "http://127.0.0.2:4010/files/1",
            "https://127.0.0.1:4010/files/1",
        ] {
            assert!(!is_allowed(address, api), "{address}");
        }
    }
}
