//! Makes a component of the world `mapper` from a core module that exports the functions of its canonical ABI.

use std::path::Path;

use anyhow::{Context, Result};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{Resolve, WorldId};

/// The contract that modules are wrapped for.
pub struct Wrapper {
    resolve: Resolve,
    world: WorldId,
}

impl Wrapper {
    pub fn new(wit: &Path) -> Result<Self> {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(wit)?;
        let world = resolve.select_world(&[package], Some("mapper"))?;
        Ok(Self { resolve, world })
    }

    pub fn component(&self, module: &[u8]) -> Result<Vec<u8>> {
        let mut module = module.to_owned();
        wit_component::embed_component_metadata(
            &mut module,
            &self.resolve,
            self.world,
            StringEncoding::UTF8,
        )?;
        ComponentEncoder::default()
            .validate(true)
            .module(&module)?
            .encode()
            .context("wrap the module")
    }
}
