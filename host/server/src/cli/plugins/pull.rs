//! `partneros plugins pull`: a version that the host takes from a registry by itself.

use std::path::PathBuf;

use clap::Args;
use reqwest::Method;
use serde_json::json;

use super::host::Host;
use super::push;

/// Has a host take a component from an OCI registry, as a new version of a plugin.
///
/// The host downloads it, checks it and answers with the report that `check` prints, as for `push`. Only registries that
/// its configuration lists (`plugins.registries`) are asked. A tag may move, so say which bytes you mean: by the digest of the
/// manifest, or by the sha256 of the component, which `partneros plugins check` prints:
///
///   export PARTNEROS_TOKEN=pos_...
///   partneros plugins pull ghcr.io/acme/mapper@sha256:1f3c... --name my-mapper
///   partneros plugins pull ghcr.io/acme/mapper:1.2 --digest sha256:9ab0... --name my-mapper
///   partneros plugins activate SHA256 --organization
///
/// Where the organization trusts keys, the signature is that of `--signature`, or the manifest's annotation
/// `partneros.signature`:
///
///   oras push ghcr.io/acme/mapper:1.2 --annotation partneros.signature=$(cat my-mapper.sig) my-mapper.wasm:application/wasm
#[expect(clippy::doc_markdown, reason = "the example is shown as it is typed")]
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Pull {
    /// Where it is: `REGISTRY/REPOSITORY:TAG` or `REGISTRY/REPOSITORY@sha256:...`.
    reference: String,
    /// The plugin's name in the host.
    #[arg(long)]
    name: String,
    /// The sha256 of the component; needed where the reference has no digest.
    #[arg(long, value_name = "sha256:...")]
    digest: Option<String>,
    /// The signature, as `partneros plugins sign` writes it.
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Prints the host's answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    host: Host,
}

impl Pull {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let signature = self.signature.as_deref().map(push::signature).transpose()?;
        let body = json!({"name": self.name, "reference": self.reference, "digest": self.digest});
        let request = self.host.request(Method::POST, "plugins/pull")?.json(&body);
        let request = match signature {
            Some(signature) => request.header(push::SIGNATURE_HEADER, signature),
            None => request,
        };
        let answer = self.host.send(request).await?;
        push::tell(answer, self.json, &self.reference)
    }
}
