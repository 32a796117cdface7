//! A plugin of extism, in Rust with its development kit; batches cross as JSON.

use extism::convert::Json;
use extism::{Function, Plugin, PluginBuilder, UserData, ValType};

use crate::Engine;
use crate::record::{Company, Partner};

pub struct Extism(Plugin);

impl Extism {
    pub fn new(guest: &[u8]) -> anyhow::Result<Self> {
        let plugin = PluginBuilder::new(guest)
            .with_functions(unused_imports(guest)?)
            .build()?;
        Ok(Self(plugin))
    }
}

impl Engine for Extism {
    fn map(&mut self, companies: &[Company]) -> anyhow::Result<Vec<Partner>> {
        let Json(partners) = self.0.call("transform", Json(companies))?;
        Ok(partners)
    }
}

/// Functions for what the guest's standard library imports of WASI and the mapping never calls. This project asks for the
/// target `wasm32-wasip2` only, whose imports extism does not know.
fn unused_imports(guest: &[u8]) -> anyhow::Result<Vec<Function>> {
    let module = wasmtime::Module::new(&wasmtime::Engine::default(), guest)?;
    let imports = module.imports().filter_map(|import| {
        let namespace = import.module();
        if !namespace.starts_with("wasi:") {
            return None;
        }
        let ty = import.ty();
        let ty = ty.func()?;
        let name = import.name().to_owned();
        let function = Function::new(
            import.name(),
            ty.params().map(ValType::from),
            ty.results().map(ValType::from),
            UserData::new(()),
            move |_, _, _, _| Err(anyhow::anyhow!("the guest called `{name}`")),
        );
        Some(function.with_namespace(namespace))
    });
    Ok(imports.collect())
}
