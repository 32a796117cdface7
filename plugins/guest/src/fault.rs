//! Errors with a code, which become problems of rules and failures of values.

use std::fmt::Display;

/// An error that the host can tell apart by a stable code; its `Display` is the sentence that people read.
pub trait Coded: Display {
    /// In kebab case, such as `unknown-choice`.
    fn code(&self) -> &'static str;
}

/// Any [`Coded`] error. `?` makes one of whatever a mapper's functions fail with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The code of the error.
    pub code: &'static str,
    /// Its sentence.
    pub message: String,
}

// `Fault` is not `Coded` itself, or this would contradict `impl From<T> for T`.
impl<E: Coded> From<E> for Fault {
    fn from(error: E) -> Self {
        Self {
            code: error.code(),
            message: error.to_string(),
        }
    }
}
