//! The manifest of a WebAssembly artifact: one layer, which is the component.
//!
//! What else an artifact carries, such as its configuration, is neither fetched nor believed: what a component is, is read
//! from the component.

use oci_spec::image::{Descriptor, ImageManifest};
use partneros_domain::Digest;

use super::error::Error;
use super::pin::digest;

/// What the registry is asked for.
pub(super) const ACCEPTED: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
/// The layer of a component, and what it was called before there was an agreement.
const LAYERS: [&str; 2] = [
    "application/wasm",
    "application/vnd.wasm.content.layer.v1+wasm",
];
/// The annotation that carries a detached signature of the component, in base64.
pub const SIGNATURE: &str = "partneros.signature";

/// Where the component is, and who is said to have signed it.
#[derive(Debug)]
pub(super) struct Artifact {
    pub(super) component: Digest,
    pub(super) bytes: u64,
    pub(super) signature: Option<String>,
}

/// Reads a manifest.
pub(super) fn read(bytes: &[u8]) -> Result<Artifact, Error> {
    let manifest: ImageManifest = serde_json::from_slice(bytes).map_err(|error| {
        Error::Manifest(format!(
            "it must be an image manifest, neither an index nor anything else: {error}"
        ))
    })?;
    let is_component =
        |layer: &&Descriptor| LAYERS.contains(&layer.media_type().to_string().as_str());
    let components: Vec<_> = manifest.layers().iter().filter(is_component).collect();
    let [component] = components.as_slice() else {
        let count = components.len();
        return Err(Error::Manifest(format!(
            "it must have one layer of the type `{}`, and it has {count}; push a component, not an image",
            LAYERS[0]
        )));
    };
    let annotations = manifest.annotations().as_ref();
    Ok(Artifact {
        component: digest(component.digest().as_ref())
            .map_err(|_| Error::Manifest("its layer must have a digest by sha256".to_owned()))?,
        bytes: component.size(),
        signature: annotations.and_then(|all| all.get(SIGNATURE)).cloned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn layer(kind: &str) -> Json {
        json!({"mediaType": kind, "digest": format!("sha256:{}", "ab".repeat(32)), "size": 7})
    }

    fn manifest(layers: &[Json]) -> Vec<u8> {
        let config = layer("application/vnd.wasm.config.v0+json");
        let annotations = json!({SIGNATURE: "c2ln"});
        json!({"schemaVersion": 2, "config": config, "layers": layers, "annotations": annotations})
            .to_string()
            .into_bytes()
    }

    #[test]
    fn the_one_component_is_found() {
        for kind in LAYERS {
            let artifact = read(&manifest(&[layer("text/plain"), layer(kind)])).unwrap();
            assert_eq!(artifact.component.to_string(), "ab".repeat(32));
            assert_eq!(artifact.bytes, 7);
            assert_eq!(artifact.signature.as_deref(), Some("c2ln"));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let index = json!({"schemaVersion": 2, "manifests": []}).to_string();
        for bytes in [
            manifest(&[]),
            manifest(&[layer("application/vnd.oci.image.layer.v1.tar")]),
            manifest(&[layer(LAYERS[0]), layer(LAYERS[1])]),
            index.into_bytes(),
            b"{".to_vec(),
        ] {
            let error = read(&bytes).unwrap_err();
            assert!(matches!(error, Error::Manifest(_)), "{error}");
        }
    }
}
