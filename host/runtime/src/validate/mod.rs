//! Decides whether an uploaded file is a component that this host accepts, without compiling it.
//!
//! All problems go into one report, so that an author mends them in one go. Three steps, each safe on
//! what the one before let through: [`scan`] reads the file once and holds it against the size limits,
//! wasmparser validates it by the rules of the engine, and [`contract`] compares names and
//! function types with the accepted worlds.

mod contract;
mod producers;
mod scan;
mod types;

use std::fmt;

use wasmparser::{Validator, WasmFeatures};

pub use self::contract::Contract;
use self::contract::Surface;
pub use self::producers::Tool;
use crate::config::UploadLimits;
use crate::contract::ContractVersion;
use crate::output::cut;
use crate::world::World;
use partneros_domain::Digest;

/// The most problems in one report; a file can be made to have a hundred thousand.
const PROBLEMS_MAX: usize = 100;

/// The longest place or message of a problem, in bytes; names come from the file.
const TEXT_BYTES_MAX: usize = 500;

/// A component that is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validated {
    digest: Digest,
    version: ContractVersion,
    world: World,
    imports: Vec<String>,
}

impl Validated {
    /// The sha256 of the component.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// What the component offers.
    pub fn world(&self) -> World {
        self.world
    }

    /// The version of the contract that it implements.
    pub fn version(&self) -> ContractVersion {
        self.version
    }

    /// The interfaces it imports, such as `wasi:io/streams@0.2.6`.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }
}

/// A file that is not accepted, with every reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The sha256 of the file.
    pub digest: Digest,
    /// What is wrong; never empty.
    pub problems: Vec<Rejection>,
}

impl fmt::Display for Rejected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "accept component `{}`", self.digest)?;
        for (position, problem) in self.problems.iter().enumerate() {
            let separator = if position == 0 { ": " } else { "; " };
            write!(formatter, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Rejected {}

/// One reason why a file is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The kind of problem.
    pub code: RejectionCode,
    /// Where it is: an import, an export, a function, a position; `file` for the whole.
    pub place: String,
    /// What is wrong and what to change, to be read after the place.
    pub message: String,
}

impl Rejection {
    fn new(code: RejectionCode, place: impl Into<String>, message: impl Into<String>) -> Self {
        let (mut place, mut message) = (place.into(), message.into());
        cut(&mut place, TEXT_BYTES_MAX);
        cut(&mut message, TEXT_BYTES_MAX);
        Self {
            code,
            place,
            message,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}: `{}` {}",
            self.code, self.place, self.message
        )
    }
}

/// The kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectionCode {
    /// A limit on uploads is met.
    TooLarge,
    /// Something else than a component, such as a core module.
    NotAComponent,
    /// A component that is cut short or breaks WebAssembly's rules.
    Malformed,
    /// An import that this host does not offer.
    UnknownImport,
    /// An interface of the contract in a version that this host does not know.
    WrongVersion,
    /// The exports fit none of the accepted worlds.
    MissingExport,
    /// A function with other types than the contract says.
    WrongType,
}

impl RejectionCode {
    /// The code in kebab case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::NotAComponent => "not-a-component",
            Self::Malformed => "malformed",
            Self::UnknownImport => "unknown-import",
            Self::WrongVersion => "wrong-version",
            Self::MissingExport => "missing-export",
            Self::WrongType => "wrong-type",
        }
    }
}

impl fmt::Display for RejectionCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What a look at a file tells.
#[derive(Debug)]
pub struct Facts {
    pub digest: Digest,
    /// The version and the world that its exports name, whether or not everything fits.
    pub fit: Option<(ContractVersion, World)>,
    pub imports: Vec<String>,
    pub tools: Vec<Tool>,
    pub modules: usize,
    pub functions: usize,
    /// Never empty without a fit.
    pub problems: Vec<Rejection>,
}

impl Facts {
    /// The component if nothing is wrong with it.
    pub fn into_validated(self) -> Result<Validated, Rejected> {
        match self.fit {
            Some((version, world)) if self.problems.is_empty() => Ok(Validated {
                digest: self.digest,
                version,
                world,
                imports: self.imports,
            }),
            _ => Err(Rejected {
                digest: self.digest,
                problems: self.problems,
            }),
        }
    }
}

impl Contract {
    /// Looks at a file by the rules of an engine with these features.
    pub fn examine(&self, bytes: &[u8], features: WasmFeatures, limits: &UploadLimits) -> Facts {
        let (scan, unreadable) = match scan::scan(bytes, limits) {
            Ok(scan) => (scan, None),
            Err(problem) => (scan::Scan::default(), Some(problem)),
        };
        let mut problems = scan.problems;
        problems.extend(unreadable);
        let mut fit = None;
        // What is over a limit is not validated any further, since that takes time by its size.
        if problems.is_empty() {
            match Validator::new_with_features(features).validate_all(bytes) {
                Ok(types) => {
                    let surface = Surface::new(&scan.imports, &scan.exports, types.as_ref());
                    fit = self.compare(&surface, &mut problems);
                }
                Err(error) => problems.push(scan::malformed(&error)),
            }
        }
        problems.truncate(PROBLEMS_MAX);
        Facts {
            digest: Digest::of(bytes),
            fit,
            imports: scan.imports,
            tools: scan.tools.into_list(),
            modules: scan.modules,
            functions: scan.functions,
            problems,
        }
    }
}
