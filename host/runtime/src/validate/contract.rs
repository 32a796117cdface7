//! Compares a component's imports and exports with the accepted worlds.
//!
//! What the contract says is read from the same WIT files that plugins are written against, encoded
//! by the build script. A component is held against the newest version that it implements.

use wasmparser::Validator;
use wasmparser::component_types::{ComponentEntityType, ComponentInstanceTypeId};
use wasmparser::types::{Types, TypesRef};

use super::types::{Pair, describe};
use super::{Rejection, RejectionCode};
use crate::contract::{ContractVersion, PACKAGE};
use crate::wasi;
use crate::world::World;

/// The versions of WASI that this host offers.
const WASI_VERSION: &str = "0.2.";

/// An interface of the contract, by its name there.
type Interface = &'static str;

const DESCRIBE: Interface = "describe";
const SUGGEST: Interface = "suggest";
const TRANSFORM: Interface = "transform";
const TYPES: Interface = "types";

/// What a layer imports of the mapper beneath; compilers leave out what it does not call.
const BENEATH: [Interface; 2] = [SUGGEST, TRANSFORM];

/// What the accepted worlds look like, in each accepted version.
pub struct Contract {
    // The oldest first; never empty.
    versions: Vec<(ContractVersion, Types)>,
}

/// What an uploaded component looks like from outside.
pub struct Surface<'a> {
    imports: &'a [String],
    exports: &'a [String],
    types: TypesRef<'a>,
}

/// Which way an interface crosses the boundary.
#[derive(Clone, Copy)]
enum Side {
    Import,
    Export,
}

impl<'a> Surface<'a> {
    pub fn new(imports: &'a [String], exports: &'a [String], types: TypesRef<'a>) -> Self {
        Self {
            imports,
            exports,
            types,
        }
    }

    fn exports(&self, version: ContractVersion, interface: Interface) -> bool {
        self.exports.contains(&full_name(version, interface))
    }

    /// Whether it calls a mapper beneath it, of whatever version.
    fn calls_beneath(&self) -> bool {
        self.imports.iter().any(|name| {
            let (package, interface, _) = split(name);
            package == PACKAGE && BENEATH.contains(&interface)
        })
    }

    /// The world whose exports are all there.
    fn world(&self, version: ContractVersion) -> Option<World> {
        let beneath = self.calls_beneath();
        World::ALL.into_iter().find(|world| {
            world.needs_beneath() == beneath
                && interfaces(*world).all(|interface| self.exports(version, interface))
        })
    }
}

impl Contract {
    /// Reads the encoded WIT files. They are part of the program, so they are sound.
    pub fn new(versions: &[ContractVersion]) -> Self {
        let read = |version: &ContractVersion| {
            let types = Validator::new()
                .validate_all(version.encoded())
                .expect("the build script encodes a valid contract");
            (*version, types)
        };
        Self {
            versions: versions.iter().map(read).collect(),
        }
    }

    /// Adds what does not fit to `problems`; returns the version and the world when the exports name one.
    pub fn compare(
        &self,
        surface: &Surface<'_>,
        problems: &mut Vec<Rejection>,
    ) -> Option<(ContractVersion, World)> {
        let (version, types) = self.implemented(surface)?;
        let world = surface.world(version);
        for import in surface.imports {
            problems.extend(self.check_import(import, version));
        }
        for export in surface.exports {
            problems.extend(self.check_version(export));
        }
        let Some(world) = world else {
            problems.extend(missing(surface, version));
            return None;
        };
        let optional = version.optional().iter().copied();
        let optional = optional.filter(|interface| surface.exports(version, interface));
        let interfaces = interfaces(world)
            .chain(optional)
            .map(|interface| (Side::Export, interface));
        let beneath = BENEATH.map(|interface| (Side::Import, interface));
        let beneath = beneath
            .into_iter()
            .filter(|(_, interface)| surface.imports.contains(&full_name(version, interface)));
        for (side, interface) in interfaces.chain(beneath) {
            let comparison = Comparison {
                wanted: types.as_ref(),
                found: surface.types,
                side,
                name: full_name(version, interface),
            };
            comparison.interface(interface, problems);
        }
        Some((version, world))
    }

    /// The newest version of which the component has a whole world, or else anything, or else the newest.
    fn implemented(&self, surface: &Surface<'_>) -> Option<(ContractVersion, &Types)> {
        let newest_first = || self.versions.iter().rev();
        let any = |version| {
            [DESCRIBE, SUGGEST, TRANSFORM]
                .iter()
                .any(|interface| surface.exports(version, interface))
        };
        newest_first()
            .find(|(version, _)| surface.world(*version).is_some())
            .or_else(|| newest_first().find(|(version, _)| any(*version)))
            .or_else(|| self.versions.last())
            .map(|(version, types)| (*version, types))
    }

    /// The accepted versions, as `partneros:mapper@0.1.0`.
    fn offered(&self) -> String {
        let versions = self.versions.iter();
        let names: Vec<_> = versions
            .map(|(version, _)| format!("`{PACKAGE}@{version}`"))
            .collect();
        names.join(" and ")
    }

    fn check_version(&self, name: &str) -> Option<Rejection> {
        let (package, _, found) = split(name);
        let known = self
            .versions
            .iter()
            .any(|(version, _)| version.as_str() == found);
        (package == PACKAGE && !known).then(|| {
            let message = format!("is of another version, this host offers {}", self.offered());
            Rejection::new(RejectionCode::WrongVersion, name, message)
        })
    }

    fn check_import(&self, name: &str, version: ContractVersion) -> Option<Rejection> {
        let (package, interface, found) = split(name);
        if package != PACKAGE {
            return check_foreign_import(name);
        }
        if let Some(problem) = self.check_version(name) {
            return Some(problem);
        }
        if BENEATH.contains(&interface) && found != version.as_str() {
            let message = format!(
                "is of another version than what it exports, `{PACKAGE}@{version}`; a layer imports and exports the same"
            );
            return Some(Rejection::new(RejectionCode::WrongVersion, name, message));
        }
        let offered = interface == TYPES || BENEATH.contains(&interface);
        (!offered).then(|| {
            Rejection::new(
                RejectionCode::UnknownImport,
                name,
                "is not offered by this host",
            )
        })
    }
}

/// One interface of the contract beside that of a component.
struct Comparison<'a> {
    wanted: TypesRef<'a>,
    found: TypesRef<'a>,
    side: Side,
    name: String,
}

impl Comparison<'_> {
    fn interface(&self, interface: Interface, problems: &mut Vec<Rejection>) {
        let item = match self.side {
            Side::Import => self.found.component_item_for_import(&self.name),
            Side::Export => self.found.component_item_for_export(&self.name),
        };
        let Some(ComponentEntityType::Instance(found)) = item.map(|item| item.ty) else {
            problems.push(wrong(self.name.clone(), "is not an interface".to_owned()));
            return;
        };
        let Some(wanted) = self.contract(interface) else {
            return;
        };
        match self.side {
            Side::Import => self.called(wanted, found, problems),
            Side::Export => self.implemented(wanted, found, problems),
        }
    }

    /// Every function of the contract must be there.
    fn implemented(
        &self,
        wanted: ComponentInstanceTypeId,
        found: ComponentInstanceTypeId,
        problems: &mut Vec<Rejection>,
    ) {
        for (function, item) in &self.wanted[wanted].exports {
            let ComponentEntityType::Func(_) = item.ty else {
                continue;
            };
            match self.found[found].exports.get(function) {
                None => problems.push(Rejection::new(
                    RejectionCode::MissingExport,
                    self.place(function),
                    "is missing",
                )),
                Some(found) => problems.extend(self.function(function, item.ty, found.ty)),
            }
        }
    }

    /// Every function that is called must be in the contract.
    fn called(
        &self,
        wanted: ComponentInstanceTypeId,
        found: ComponentInstanceTypeId,
        problems: &mut Vec<Rejection>,
    ) {
        for (function, item) in &self.found[found].exports {
            let ComponentEntityType::Func(_) = item.ty else {
                continue;
            };
            match self.wanted[wanted].exports.get(function) {
                None => problems.push(Rejection::new(
                    RejectionCode::UnknownImport,
                    self.place(function),
                    "is not in the contract",
                )),
                Some(wanted) => problems.extend(self.function(function, wanted.ty, item.ty)),
            }
        }
    }

    fn function(
        &self,
        function: &str,
        wanted: ComponentEntityType,
        found: ComponentEntityType,
    ) -> Option<Rejection> {
        let difference = match (wanted, found) {
            (ComponentEntityType::Func(wanted), ComponentEntityType::Func(found)) => {
                Pair::new(&self.wanted, &self.found).functions(wanted, found)?
            }
            _ => format!("is {}, must be {}", describe(&found), describe(&wanted)),
        };
        Some(wrong(self.place(function), difference))
    }

    fn place(&self, function: &str) -> String {
        match self.side {
            Side::Import => format!("imported {}#{function}", self.name),
            Side::Export => format!("{}#{function}", self.name),
        }
    }

    /// The interface's type. In the encoded form each interface is a component type with one export.
    fn contract(&self, interface: Interface) -> Option<ComponentInstanceTypeId> {
        use wasmparser::component_types::ComponentAnyTypeId;

        let types = self.wanted;
        let item = types.component_item_for_export(interface)?;
        let ComponentEntityType::Type { referenced, .. } = item.ty else {
            return None;
        };
        let ComponentAnyTypeId::Component(wrapper) = referenced else {
            return None;
        };
        match types[wrapper].exports.get(&self.name)?.ty {
            ComponentEntityType::Instance(instance) => Some(instance),
            _ => None,
        }
    }
}

fn wrong(place: String, message: String) -> Rejection {
    Rejection::new(RejectionCode::WrongType, place, message)
}

fn interfaces(world: World) -> impl Iterator<Item = Interface> {
    let suggest = world.suggests().then_some(SUGGEST);
    let transform = world.transforms().then_some(TRANSFORM);
    [Some(DESCRIBE), suggest, transform].into_iter().flatten()
}

fn full_name(version: ContractVersion, interface: &str) -> String {
    format!("{PACKAGE}/{interface}@{version}")
}

/// `wasi:io/streams@0.2.6` in its three parts; a part that is missing is empty.
fn split(name: &str) -> (&str, &str, &str) {
    let (path, version) = name.split_once('@').unwrap_or((name, ""));
    let (package, interface) = path.split_once('/').unwrap_or((path, ""));
    (package, interface, version)
}

fn check_foreign_import(name: &str) -> Option<Rejection> {
    let (package, interface, version) = split(name);
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

/// What an accepted world would need. Interfaces that are there in another version are reported as that.
fn missing(surface: &Surface<'_>, version: ContractVersion) -> Vec<Rejection> {
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
            full_name(version, DESCRIBE),
            "is missing; every plugin exports it",
        ));
    }
    if surface.calls_beneath() {
        let absent = BENEATH.into_iter().filter(|interface| !there(interface));
        problems.extend(absent.map(|interface| {
            let message = "is missing; a plugin that calls a mapper beneath is a `layer`, which exports \
                           `suggest` and `transform`";
            missing(full_name(version, interface), message)
        }));
    } else if !there(SUGGEST) && !there(TRANSFORM) {
        let place = format!("{PACKAGE}@{version}");
        let message = "is not implemented: a `mapper` exports `suggest` and `transform`, \
                       a `suggester` or `transformer` one of them";
        problems.push(missing(place, message));
    }
    problems
}
