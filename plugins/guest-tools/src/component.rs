//! A component made of a core module.

use std::path::Path;

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use crate::{Error, contract};

/// Makes a component of `world` out of a core module that was compiled for preview 1 of WASI as a reactor.
///
/// The adapter leaves no import in the component that the module has no use for.
pub fn component(wit: &Path, world: &str, core: &[u8]) -> Result<Vec<u8>, Error> {
    let (resolve, world) = contract::read(wit, world)?;
    let mut module = core.to_vec();
    let failed = |error| Error::Encode {
        reason: format!("{error:#}"),
    };
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).map_err(failed)?;
    encode(&module).map_err(failed)
}

fn encode(module: &[u8]) -> anyhow::Result<Vec<u8>> {
    ComponentEncoder::default()
        .module(module)?
        .validate(true)
        .adapter(
            WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
            WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
        )?
        .encode()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_without_the_exports_is_refused() {
        let wit = Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../wit/mapper-0.1.0"
        ));
        let empty = b"\0asm\x01\0\0\0";
        let error = component(wit, "mapper", empty).expect_err("it exports nothing");
        assert!(matches!(error, Error::Encode { .. }), "{error}");
    }
}
