//! Compares a component's imports and exports with the accepted worlds.
//!
//! What the contract says is read from the same WIT files that plugins are written against, encoded
//! by the build script.

use wasmparser::Validator;
use wasmparser::component_types::{ComponentEntityType, ComponentInstanceTypeId};
use wasmparser::types::{Types, TypesRef};

use super::types::{Pair, describe};
use super::{Rejection, RejectionCode};
use crate::wasi;
use crate::world::World;

/// The contract's package, without its version.
const PACKAGE: &str = "partneros:mapper";
/// The version of the contract that this host offers.
const VERSION: &str = "0.1.0";
/// The versions of WASI that this host offers.
const WASI_VERSION: &str = "0.2.";

static ENCODED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/mapper-0.1.0.wasm"));

/// An interface of the contract, by its name there.
type Interface = &'static str;

const DESCRIBE: Interface = "describe";
const SUGGEST: Interface = "suggest";
const TRANSFORM: Interface = "transform";
const TYPES: Interface = "types";

/// What the accepted worlds look like.
pub struct Contract {
    types: Types,
}

/// What an uploaded component looks like from outside.
pub struct Surface<'a> {
    imports: &'a [String],
    exports: &'a [String],
    types: TypesRef<'a>,
}

impl<'a> Surface<'a> {
    pub fn new(imports: &'a [String], exports: &'a [String], types: TypesRef<'a>) -> Self {
        Self {
            imports,
            exports,
            types,
        }
    }

    fn exports(&self, interface: Interface) -> bool {
        let name = full_name(interface);
        self.exports.contains(&name)
    }
}

impl Contract {
    /// Reads the encoded WIT files. They are part of the program, so they are sound.
    pub fn new() -> Self {
        let types = Validator::new()
            .validate_all(ENCODED)
            .expect("the build script encodes a valid contract");
        Self { types }
    }

    /// Adds what does not fit to `problems`; returns the world when the exports name one.
    pub fn compare(&self, surface: &Surface<'_>, problems: &mut Vec<Rejection>) -> Option<World> {
        for import in surface.imports {
            problems.extend(check_import(import));
        }
        for export in surface.exports {
            problems.extend(check_version(export));
        }
        let world = World::ALL
            .into_iter()
            .find(|world| interfaces(*world).all(|interface| surface.exports(interface)));
        match world {
            Some(world) => {
                for interface in interfaces(world) {
                    self.compare_interface(interface, surface, problems);
                }
            }
            None => problems.extend(missing(surface)),
        }
        world
    }

    fn compare_interface(
        &self,
        interface: Interface,
        surface: &Surface<'_>,
        problems: &mut Vec<Rejection>,
    ) {
        let name = full_name(interface);
        let wrong = |place: String, message: String| {
            Rejection::new(RejectionCode::WrongType, place, message)
        };
        let found = surface
            .types
            .component_item_for_export(&name)
            .map(|item| item.ty);
        let Some(ComponentEntityType::Instance(found)) = found else {
            problems.push(wrong(name, "is not an interface".to_owned()));
            return;
        };
        let Some(wanted) = self.interface(interface) else {
            return;
        };
        let types = self.types.as_ref();
        for (function, item) in &types[wanted].exports {
            let ComponentEntityType::Func(wanted) = item.ty else {
                continue;
            };
            let place = format!("{name}#{function}");
            match surface.types[found]
                .exports
                .get(function)
                .map(|item| item.ty)
            {
                None => problems.push(Rejection::new(
                    RejectionCode::MissingExport,
                    place,
                    "is missing",
                )),
                Some(ComponentEntityType::Func(found)) => {
                    let pair = Pair::new(&types, &surface.types);
                    if let Some(difference) = pair.functions(wanted, found) {
                        problems.push(wrong(place, difference));
                    }
                }
                Some(other) => {
                    let message = format!("is {}, must be a function", describe(&other));
                    problems.push(wrong(place, message));
                }
            }
        }
    }

    /// The interface's type. In the encoded form each interface is a component type with one export.
    fn interface(&self, interface: Interface) -> Option<ComponentInstanceTypeId> {
        use wasmparser::component_types::ComponentAnyTypeId;

        let types = self.types.as_ref();
        let item = types.component_item_for_export(interface)?;
        let ComponentEntityType::Type { referenced, .. } = item.ty else {
            return None;
        };
        let ComponentAnyTypeId::Component(wrapper) = referenced else {
            return None;
        };
        match types[wrapper].exports.get(&full_name(interface))?.ty {
            ComponentEntityType::Instance(instance) => Some(instance),
            _ => None,
        }
    }
}

fn interfaces(world: World) -> impl Iterator<Item = Interface> {
    let suggest = world.suggests().then_some(SUGGEST);
    let transform = world.transforms().then_some(TRANSFORM);
    [Some(DESCRIBE), suggest, transform].into_iter().flatten()
}

fn full_name(interface: Interface) -> String {
    format!("{PACKAGE}/{interface}@{VERSION}")
}

/// `wasi:io/streams@0.2.6` in its three parts; a part that is missing is empty.
fn split(name: &str) -> (&str, &str, &str) {
    let (path, version) = name.split_once('@').unwrap_or((name, ""));
    let (package, interface) = path.split_once('/').unwrap_or((path, ""));
    (package, interface, version)
}

fn check_version(name: &str) -> Option<Rejection> {
    let (package, _, version) = split(name);
    (package == PACKAGE && version != VERSION).then(|| {
        let message = format!("is of another version, this host offers `{PACKAGE}@{VERSION}`");
        Rejection::new(RejectionCode::WrongVersion, name, message)
    })
}

fn check_import(name: &str) -> Option<Rejection> {
    let (package, interface, version) = split(name);
    if package == PACKAGE {
        return check_version(name).or_else(|| check_own_import(name, interface));
    }
    let linked = wasi::LINKED.iter().find(|(linked, _)| *linked == package);
    let message = match linked {
        Some((_, interfaces)) if interfaces.contains(&interface) => {
            if version.starts_with(WASI_VERSION) {
                return None;
            }
            let message = format!("is of another version, this host offers `{package}@0.2`");
            return Some(Rejection::new(RejectionCode::WrongVersion, name, message));
        }
        _ if package == "wasi:sockets" || package == "wasi:http" => {
            "is refused: a plugin has no network"
        }
        _ => "is not offered by this host",
    };
    Some(Rejection::new(RejectionCode::UnknownImport, name, message))
}

fn check_own_import(name: &str, interface: &str) -> Option<Rejection> {
    match interface {
        TYPES => None,
        SUGGEST | TRANSFORM => Some(Rejection::new(
            RejectionCode::UnsupportedWorld,
            name,
            "is imported from a mapper beneath, as the world `layer` does; layers are not accepted on their own",
        )),
        _ => Some(Rejection::new(
            RejectionCode::UnknownImport,
            name,
            "is not offered by this host",
        )),
    }
}

/// What an accepted world would need. Interfaces that are there in another version are reported as that.
fn missing(surface: &Surface<'_>) -> Vec<Rejection> {
    let there = |interface: Interface| {
        let prefix = format!("{PACKAGE}/{interface}@");
        surface
            .exports
            .iter()
            .any(|export| export.starts_with(&prefix))
    };
    let missing =
        |place: String, message: &str| Rejection::new(RejectionCode::MissingExport, place, message);
    let mut problems = Vec::new();
    if !there(DESCRIBE) {
        problems.push(missing(
            full_name(DESCRIBE),
            "is missing; every plugin exports it",
        ));
    }
    if !there(SUGGEST) && !there(TRANSFORM) {
        let place = format!("{PACKAGE}@{VERSION}");
        let message = "is not implemented: a `mapper` exports `suggest` and `transform`, \
                       a `suggester` or `transformer` one of them";
        problems.push(missing(place, message));
    }
    problems
}
