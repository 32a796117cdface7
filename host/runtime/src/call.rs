//! What a call to a plugin gives back, and every way in which it can fail.

use std::fmt;
use std::time::Duration;

use crate::output::InvalidOutput;
use partneros_domain::Digest;

/// An answer, and what it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Called<T> {
    /// The answer, checked.
    pub value: T,
    /// What it took.
    pub usage: Usage,
}

/// What a call took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// Fuel, which for the same plugin and arguments is always the same; 0 when it is not metered.
    pub fuel: u64,
    /// The most memory in use at once, over all memories of the instance.
    pub memory_bytes_peak: u64,
    /// Time on the clock, with instantiation.
    pub duration: Duration,
    /// The end of what the guest wrote to standard output and standard error.
    pub log_tail: String,
}

/// A function of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// `describe.describe`.
    Describe,
    /// `suggest.suggest`.
    Suggest,
    /// `transform.check`.
    Check,
    /// `transform.transform`.
    Transform,
}

impl CallFailure {
    /// The failure's name, for metrics.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Declined { .. } => "declined",
            Self::Trapped { .. } => "trapped",
            Self::OutOfFuel { .. } => "out_of_fuel",
            Self::OutOfTime { .. } => "out_of_time",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::OutputTooLarge { .. } => "output_too_large",
            Self::Incompatible { .. } => "incompatible",
            Self::InvalidInput { .. } => "invalid_input",
            Self::InvalidOutput(_) => "invalid_output",
            Self::Busy { .. } => "busy",
        }
    }
}

impl Function {
    /// The name in WIT.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Describe => "describe",
            Self::Suggest => "suggest",
            Self::Check => "check",
            Self::Transform => "transform",
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A call that gave no usable answer.
#[derive(Debug, thiserror::Error)]
#[error("call `{function}` of plugin `{plugin}`: {failure}")]
pub struct CallError {
    /// The plugin version.
    pub plugin: Digest,
    /// What was called.
    pub function: Function,
    /// What it took until then.
    pub usage: Box<Usage>,
    /// What went wrong.
    pub failure: CallFailure,
}

/// Why a call gave no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallFailure {
    /// The plugin answered that it cannot do it.
    #[error("it declined: {message}")]
    Declined {
        /// The plugin's own words, cut to `message_bytes_max`.
        message: String,
    },
    /// The guest crashed. What it wrote last is in [`Usage::log_tail`].
    #[error("it crashed: {reason}")]
    Trapped {
        /// The kind of crash, with the last line the guest wrote if there is one.
        reason: String,
    },
    /// The guest used up its instructions.
    #[error("it used more than `fuel_max` = {fuel_max} units of fuel")]
    OutOfFuel {
        /// The limit.
        fuel_max: u64,
    },
    /// The guest ran for too long.
    #[error("it took longer than `call_time_ms` = {call_time_ms} ms")]
    OutOfTime {
        /// The limit.
        call_time_ms: u64,
    },
    /// The guest ended because it was refused memory.
    #[error("it needs more memory than `memory_bytes_max` = {memory_bytes_max} bytes")]
    OutOfMemory {
        /// The limit.
        memory_bytes_max: usize,
    },
    /// The guest handed over more than the host takes.
    #[error("it returned more than `returned_bytes_max` = {returned_bytes_max} bytes")]
    OutputTooLarge {
        /// The limit.
        returned_bytes_max: usize,
    },
    /// The plugin cannot run here, or its world lacks the function.
    #[error("it does not fit this host: {reason}")]
    Incompatible {
        /// What does not fit.
        reason: String,
    },
    /// The caller's arguments contradict the plan or are too large. Nothing was called.
    #[error("the arguments do not fit: {problem}")]
    InvalidInput {
        /// What is wrong.
        problem: String,
    },
    /// The answer contradicts the contract.
    #[error("its answer breaks the contract: {0}")]
    InvalidOutput(InvalidOutput),
    /// All slots for calls stayed taken. Nothing was called.
    #[error("all `calls_max` = {calls_max} calls at once are taken")]
    Busy {
        /// The limit.
        calls_max: u32,
    },
}
