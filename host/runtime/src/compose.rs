//! Puts layers over a mapper, as one component.
//!
//! The parts stay the components they are, side by side within a new one: each layer's imports of
//! `suggest` and `transform` are answered by the part beneath it, the topmost part's exports are those of
//! the whole, and what the parts want of the system stays an import, once for all of them. The result is an
//! upload like any other and is held against the same limits. Invariant: the same parts give the same bytes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, PackageId};

use crate::contract::{ContractVersion, PACKAGE};
use crate::validate::{Rejected, Validated};
use crate::world::World;

/// What every part exports, and the topmost for the whole.
const EXPORTED: [&str; 3] = ["describe", "suggest", "transform"];

/// Parts that cannot be put together. Positions count from 0 at the top.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// Nothing to compose.
    #[error("compose plugins: there are no parts; give layers from the top, then a mapper")]
    NoParts,
    /// More layers than the limit.
    #[error("compose plugins: there are {layers} layers, `layers_max` is {layers_max}")]
    TooManyLayers {
        /// How many there are.
        layers: usize,
        /// The limit.
        layers_max: usize,
    },
    /// A part is not accepted by itself.
    #[error("compose plugins: part {part} is rejected")]
    Part {
        /// Which.
        part: usize,
        /// Why.
        #[source]
        source: Rejected,
    },
    /// A part above the last is not a layer.
    #[error(
        "compose plugins: part {part} is a `{world}`, every part but the last must be a `layer`"
    )]
    NotALayer {
        /// Which.
        part: usize,
        /// What it is.
        world: World,
    },
    /// The last part is not a mapper.
    #[error("compose plugins: the last part is a `{world}`, it must be a `mapper`")]
    NotAMapper {
        /// What it is.
        world: World,
    },
    /// A part implements another version of the contract than the one beneath it.
    #[error(
        "compose plugins: part {part} is of `partneros:mapper@{version}`, the mapper at the bottom of \
         `@{beneath}`; build them for the same version"
    )]
    OtherVersion {
        /// Which.
        part: usize,
        /// Its version.
        version: ContractVersion,
        /// The mapper's version.
        beneath: ContractVersion,
    },
    /// The parts fit the contract and still not one another.
    #[error("compose plugins: {reason}")]
    Graph {
        /// What does not fit.
        reason: String,
    },
    /// The whole is not accepted; most likely it is over a limit.
    #[error("compose plugins: the whole is rejected")]
    Whole(#[source] Rejected),
}

/// Checks that the parts are layers over a mapper of one version, which is returned.
pub fn check(parts: &[Validated], layers_max: usize) -> Result<ContractVersion, ComposeError> {
    let Some((mapper, layers)) = parts.split_last() else {
        return Err(ComposeError::NoParts);
    };
    if layers.len() > layers_max {
        return Err(ComposeError::TooManyLayers {
            layers: layers.len(),
            layers_max,
        });
    }
    let (world, beneath) = (mapper.world(), mapper.version());
    if world != World::Mapper {
        return Err(ComposeError::NotAMapper { world });
    }
    for (part, layer) in layers.iter().enumerate() {
        let (world, version) = (layer.world(), layer.version());
        if !world.needs_beneath() {
            return Err(ComposeError::NotALayer { part, world });
        }
        if version != beneath {
            return Err(ComposeError::OtherVersion {
                part,
                version,
                beneath,
            });
        }
    }
    Ok(beneath)
}

/// Puts parts together that passed [`check`].
pub fn compose(parts: &[&[u8]], version: ContractVersion) -> Result<Vec<u8>, ComposeError> {
    // The parts are valid components of the contract, but they are still a stranger's, and the library may
    // stumble over what else they export. It keeps nothing outside the graph that is given up here.
    let composed = catch_unwind(AssertUnwindSafe(|| graph(parts, version)));
    let reason = match composed {
        Ok(Ok(bytes)) => return Ok(bytes),
        Ok(Err(reason)) => reason,
        Err(_) => "a part holds something that cannot be composed".to_owned(),
    };
    Err(ComposeError::Graph { reason })
}

fn graph(parts: &[&[u8]], version: ContractVersion) -> Result<Vec<u8>, String> {
    let mut graph = CompositionGraph::new();
    let mut registered: Vec<(&[u8], PackageId)> = Vec::new();
    let mut beneath: Option<NodeId> = None;
    for bytes in parts.iter().rev() {
        let known = registered.iter().find(|(known, _)| known == bytes);
        let package = if let Some((_, package)) = known {
            *package
        } else {
            let name = format!("partneros:part{}", registered.len());
            let package = Package::from_bytes(&name, None, *bytes, graph.types_mut())
                .map_err(|error| format!("{error:#}"))?;
            let package = graph.register_package(package).map_err(text)?;
            registered.push((bytes, package));
            package
        };
        let instance = graph.instantiate(package);
        if let Some(beneath) = beneath {
            connect(&mut graph, instance, package, beneath, version)?;
        }
        beneath = Some(instance);
    }
    let top = beneath.ok_or("there are no parts")?;
    for interface in EXPORTED {
        let name = full_name(interface, version);
        let export = graph.alias_instance_export(top, &name).map_err(text)?;
        graph.export(export, name).map_err(text)?;
    }
    let options = EncodeOptions {
        // The whole is validated as an upload is.
        validate: false,
        ..EncodeOptions::default()
    };
    graph.encode(options).map_err(text)
}

/// Answers a layer's imports of the contract by the exports of the part beneath.
fn connect(
    graph: &mut CompositionGraph,
    layer: NodeId,
    package: PackageId,
    beneath: NodeId,
    version: ContractVersion,
) -> Result<(), String> {
    let types = graph.types();
    let imports = &types[graph[package].ty()].imports;
    let wanted: Vec<String> = EXPORTED
        .into_iter()
        .map(|interface| full_name(interface, version))
        .filter(|name| imports.contains_key(name))
        .collect();
    for name in wanted {
        let answer = graph.alias_instance_export(beneath, &name).map_err(text)?;
        graph
            .set_instantiation_argument(layer, &name, answer)
            .map_err(text)?;
    }
    Ok(())
}

fn full_name(interface: &str, version: ContractVersion) -> String {
    format!("{PACKAGE}/{interface}@{version}")
}

/// The error and what is behind it, in one line.
fn text(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
