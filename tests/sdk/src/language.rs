//! The languages, and what each needs on the machine.

use std::fmt;

/// A language that the example mapper is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    Rust,
}

/// A file in the example's folder without which it cannot be built, and what that file is.
pub type Tool = (&'static str, &'static str);

impl Language {
    /// Every language there is a folder for.
    pub const ALL: [Self; 1] = [Self::Rust];

    /// The folder under `examples/`, the name of the mapper and the stem of its component.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Rust => "mapper-rust",
        }
    }

    /// What `make tools` in the folder installs. Rust needs nothing that this workspace does not need as well.
    pub(crate) const fn tools(self) -> &'static [Tool] {
        match self {
            Self::Rust => &[],
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Rust => "Rust",
        })
    }
}
