//! What to pull, down to the bytes.

use oci_spec::distribution::Reference;
use partneros_domain::Digest;

use super::error::Error;

/// The longest reference, in bytes: a host, a repository of 255, a tag of 128 and a digest fit.
const REFERENCE_BYTES_MAX: usize = 1_000;
/// The algorithm that digests are of.
const ALGORITHM: &str = "sha256:";

/// A reference with at least one digest that says which bytes are meant.
#[derive(Debug, Clone)]
pub struct Pin {
    pub(super) reference: Reference,
    /// Of the manifest, from the reference.
    pub(super) manifest: Option<Digest>,
    /// Of the component: the version's name.
    pub(super) component: Option<Digest>,
}

impl Pin {
    /// Reads a reference, and the digest of the component where there is one.
    pub fn new(text: &str, component: Option<&str>) -> Result<Self, Error> {
        if text.len() > REFERENCE_BYTES_MAX {
            let reason = format!("it is longer than {REFERENCE_BYTES_MAX} bytes");
            return Err(Error::Reference(reason));
        }
        let reference: Reference = text
            .parse()
            .map_err(|error| Error::Reference(format!("this one has an {error}")))?;
        let manifest = reference.digest().map(digest).transpose()?;
        let component = component.map(digest).transpose()?;
        if manifest.is_none() && component.is_none() {
            return Err(Error::NotPinned(reference.whole()));
        }
        Ok(Self {
            reference,
            manifest,
            component,
        })
    }

    /// By what the registry is asked for the manifest. A tag beside a digest is for people.
    pub(super) fn manifest_name(&self) -> String {
        match (self.manifest, self.reference.tag()) {
            (Some(digest), _) => named(&digest),
            (None, tag) => tag.unwrap_or("latest").to_owned(),
        }
    }

    /// The reference as it was asked for.
    pub fn reference(&self) -> String {
        self.reference.whole()
    }
}

/// A digest as registries write it.
pub fn named(digest: &Digest) -> String {
    format!("{ALGORITHM}{digest}")
}

/// Reads a digest, with its algorithm or as the API names versions.
pub(super) fn digest(text: &str) -> Result<Digest, Error> {
    let hex = text.strip_prefix(ALGORITHM).unwrap_or(text);
    hex.parse().map_err(|_| Error::Digest(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_pinned_by_either_digest() {
        let hex = "ab".repeat(32);
        let by_manifest = format!("ghcr.io/acme/mapper:1.2@sha256:{hex}");
        let pin = Pin::new(&by_manifest, None).unwrap();
        assert_eq!(pin.manifest_name(), format!("sha256:{hex}"));
        assert_eq!(pin.reference(), by_manifest);
        let pin = Pin::new("ghcr.io/acme/mapper:1.2", Some(&hex)).unwrap();
        assert_eq!(pin.manifest_name(), "1.2");
        assert_eq!(pin.component, hex.parse().ok());
        let pin = Pin::new("ghcr.io/acme/mapper", Some(&format!("sha256:{hex}"))).unwrap();
        assert_eq!(pin.manifest_name(), "latest");
    }

    #[test]
    fn what_is_not_pinned_or_no_reference_is_refused() {
        let hex = "ab".repeat(32);
        let refused = |text: &str, digest: Option<&str>| Pin::new(text, digest).unwrap_err();
        let error = refused("ghcr.io/acme/mapper:1.2", None);
        assert!(matches!(error, Error::NotPinned(_)), "{error}");
        for text in [
            "",
            "https://ghcr.io/acme/mapper:1",
            "ghcr.io/Acme/mapper:1",
            "ghcr.io/acme/../mapper:1",
            "ghcr.io/acme/mapper@sha256:ab",
            "user@ghcr.io/acme/mapper:1",
            "ghcr.io/acme/mapper:1?x=y",
            &"x".repeat(REFERENCE_BYTES_MAX + 1),
        ] {
            let error = refused(text, Some(&hex));
            assert!(matches!(error, Error::Reference(_)), "{text}: {error}");
        }
        let long = format!("ghcr.io/acme/mapper@sha512:{}", "ab".repeat(64));
        assert!(matches!(refused(&long, None), Error::Digest(_)));
        let error = refused("ghcr.io/acme/mapper:1", Some("sha256:ab"));
        assert!(matches!(error, Error::Digest(_)), "{error}");
    }
}
