//! Says everything about a file that an author or an admin asks before it is used.
//!
//! Validates it, reads which tools made it, compiles it, and tries every function on a small built-in
//! conformance set, with what each call took. Never fails: what is wrong is in the report, and all of it at once.
//! A layer is tried over the mapper that it is given.

mod conformance;
mod trial;

use partneros_domain::{Description, Digest};
use serde::{Deserialize, Serialize};

use crate::compose::ComposeError;
use crate::runtime::{LoadError, Runtime};
use crate::validate::{Facts, Rejection, Tool};
use crate::world::World;

/// What is known about a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// The sha256 of the file.
    pub sha256: Digest,
    /// Its size.
    pub size_bytes: usize,
    /// What it offers; none when its exports fit no world.
    pub world: Option<World>,
    /// The version of the WIT contract that it implements, such as `0.1.0`.
    pub contract: Option<String>,
    /// The interfaces that it imports, such as `wasi:io/streams@0.2.6`.
    pub imports: Vec<String>,
    /// Why it is not accepted; empty when it is.
    pub problems: Vec<InspectionProblem>,
    /// What its tools say it was written in; several are joined by a comma.
    pub language: Option<String>,
    /// What its tools say of themselves, which is theirs to claim.
    pub tools: Vec<Tool>,
    /// Core modules in it.
    pub modules: usize,
    /// Functions of all its modules.
    pub functions: usize,
    /// How long it took to compile; none when the code was at hand, or none came of it. That of a layer is with the
    /// mapper beneath.
    pub compile_ms: Option<u64>,
    /// Size of the machine code. That of a layer is with the mapper beneath.
    pub compiled_bytes: Option<usize>,
    /// Who it says it is.
    pub description: Option<Description>,
    /// The calls that were tried, in order.
    pub trials: Vec<Trial>,
    /// Calls that broke the contract or met a limit, each a reason not to accept the file.
    pub findings: Vec<Finding>,
}

impl Inspection {
    /// Whether the file may be used.
    pub fn accepted(&self) -> bool {
        self.problems.is_empty() && self.findings.is_empty()
    }
}

/// One reason why a file is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InspectionProblem {
    /// The kind of problem in kebab case: one of [`RejectionCode`](crate::RejectionCode), `needs-beneath`,
    /// `beneath`, `does-not-compile`, `does-not-link` or `not-now`.
    pub code: String,
    /// Where it is: an import, an export, a function, a position; `file` for the whole.
    pub place: String,
    /// What is wrong and what to change, to be read after the place.
    pub message: String,
}

/// One call that was tried, and what it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trial {
    /// The function: `describe`, `suggest`, `check` or `transform`.
    pub function: String,
    /// The direction of the plan, `to-hubspot` or `to-partneros`; none for functions without one.
    pub direction: Option<String>,
    /// What was given: `empty`, `one`, `hundred`, `nulls`, `unicode`, `extremes`; `plan`, `schemas` or `nothing` where
    /// there is no batch.
    pub case: String,
    /// Records of the batch.
    pub rows: usize,
    /// How it ended.
    pub outcome: Outcome,
    /// What it answered, or why it did not, in a few words.
    pub summary: String,
    /// Fuel; 0 when it is not metered.
    pub fuel: u64,
    /// The most memory in use at once.
    pub memory_bytes_peak: u64,
    /// Time on the clock, in milliseconds.
    pub duration_ms: f64,
}

/// How a call that was tried ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It answered within the contract.
    Answered,
    /// It said that it cannot do it, as it may.
    Declined,
    /// It crashed, met a limit or broke the contract.
    Failed,
}

/// A call that broke the contract or met a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The kind in kebab case: `trapped`, `out-of-fuel`, `out-of-time`, `out-of-memory`, `output-too-large`,
    /// `incompatible`, `invalid-output`, or `not-tried` when the host was too busy.
    pub code: String,
    /// The function that was called.
    pub function: String,
    /// What was given, with the direction: `to-hubspot, extremes`.
    pub place: String,
    /// What happened.
    pub message: String,
}

/// What a trial found out.
#[derive(Debug, Default)]
struct Tried {
    description: Option<Description>,
    trials: Vec<Trial>,
    findings: Vec<Finding>,
}

/// Inspects a file; see [`Runtime::inspect`].
pub fn inspect(runtime: &Runtime, bytes: &[u8], beneath: Option<&[u8]>) -> Inspection {
    let facts = runtime.examine(bytes);
    let mut inspection = described(facts, bytes.len());
    if !inspection.problems.is_empty() {
        return inspection;
    }
    let composed = match inspection.world {
        Some(world) if world.needs_beneath() => match over(runtime, bytes, beneath) {
            Ok(whole) => Some(whole),
            Err(problem) => {
                inspection.problems.push(problem);
                return inspection;
            }
        },
        _ => None,
    };
    match runtime.load(composed.as_deref().unwrap_or(bytes)) {
        Ok(plugin) => {
            inspection.compile_ms = plugin
                .compile_time()
                .map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
            inspection.compiled_bytes = Some(plugin.compiled_bytes());
            let tried = trial::run(&plugin);
            inspection.description = tried.description;
            inspection.trials = tried.trials;
            inspection.findings = tried.findings;
        }
        Err(error) => inspection.problems.push(unloadable(&error)),
    }
    inspection
}

fn described(facts: Facts, size_bytes: usize) -> Inspection {
    let languages: Vec<_> = (facts.tools.iter())
        .filter(|tool| tool.kind == "language")
        .map(|tool| tool.name.as_str())
        .collect();
    Inspection {
        sha256: facts.digest,
        size_bytes,
        world: facts.fit.map(|(_, world)| world),
        contract: facts.fit.map(|(version, _)| version.as_str().to_owned()),
        imports: facts.imports,
        problems: facts.problems.iter().map(Into::into).collect(),
        language: (!languages.is_empty()).then(|| languages.join(", ")),
        tools: facts.tools,
        modules: facts.modules,
        functions: facts.functions,
        compile_ms: None,
        compiled_bytes: None,
        description: None,
        trials: Vec::new(),
        findings: Vec::new(),
    }
}

fn over(
    runtime: &Runtime,
    layer: &[u8],
    beneath: Option<&[u8]>,
) -> Result<Vec<u8>, InspectionProblem> {
    let beneath = beneath.ok_or_else(|| {
        let message = "is a layer and was not tried; name the mapper that it is to stand on";
        problem("needs-beneath", "file", message.to_owned())
    })?;
    runtime.compose(&[layer, beneath]).map_err(|error| {
        let message = match &error {
            ComposeError::Part { source, .. } => format!("is not accepted: {source}"),
            ComposeError::Whole(source) => format!("does not fit: {source}"),
            other => format!("does not fit: {other}"),
        };
        problem("beneath", "the mapper beneath", message)
    })
}

fn unloadable(error: &LoadError) -> InspectionProblem {
    use crate::CompileError as Compile;

    let code = match error {
        LoadError::Rejected(_) | LoadError::Incomplete { .. } => "malformed",
        LoadError::Compile { source, .. } => match source {
            // The host's state, and nothing about the file.
            Compile::QueueFull { .. } | Compile::Unavailable { .. } => "not-now",
            _ => "does-not-compile",
        },
        LoadError::Link { .. } => "does-not-link",
    };
    let message = match error {
        LoadError::Compile { source, .. } => source.to_string(),
        LoadError::Link { reason, .. } => {
            format!("wants something that this host does not offer: {reason}")
        }
        other => other.to_string(),
    };
    problem(code, "file", message)
}

fn problem(code: &str, place: &str, message: String) -> InspectionProblem {
    InspectionProblem {
        code: code.to_owned(),
        place: place.to_owned(),
        message,
    }
}

impl From<&Rejection> for InspectionProblem {
    fn from(rejection: &Rejection) -> Self {
        problem(
            rejection.code.as_str(),
            &rejection.place,
            rejection.message.clone(),
        )
    }
}
