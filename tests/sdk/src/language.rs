//! The languages, and what each needs on the machine.

use std::fmt;

/// A language that the example mapper is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    Rust,
    /// On QuickJS.
    JavaScript,
    /// On StarlingMonkey.
    TypeScript,
    Python,
    C,
    Go,
}

/// A file in the example's folder without which it cannot be built, and what that file is.
pub(crate) struct Tool {
    pub file: &'static str,
    pub name: &'static str,
}

impl Language {
    /// Every language there is a folder for.
    pub const ALL: [Self; 6] = [
        Self::Rust,
        Self::JavaScript,
        Self::TypeScript,
        Self::Python,
        Self::C,
        Self::Go,
    ];

    /// The folder under `examples/`, the name of the mapper and the stem of its component.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Rust => "mapper-rust",
            Self::JavaScript => "mapper-js",
            Self::TypeScript => "mapper-ts",
            Self::Python => "mapper-python",
            Self::C => "mapper-c",
            Self::Go => "mapper-go",
        }
    }

    /// What `make tools` in the folder installs. Rust needs nothing that this workspace does not need as well.
    pub(crate) const fn tools(self) -> &'static [Tool] {
        match self {
            Self::Rust => &[],
            Self::JavaScript => &[Tool {
                file: "node_modules/.bin/componentize-qjs",
                name: "componentize-qjs",
            }],
            Self::TypeScript => &[
                Tool {
                    file: "node_modules/.bin/componentize-js",
                    name: "componentize-js",
                },
                Tool {
                    file: "node_modules/.bin/esbuild",
                    name: "esbuild",
                },
            ],
            Self::Python => &[Tool {
                file: ".venv/bin/componentize-py",
                name: "componentize-py",
            }],
            Self::C => &[Tool {
                file: ".venv/bin/python",
                name: "the C compiler of ziglang",
            }],
            Self::Go => &[Tool {
                file: ".venv/bin/go",
                name: "Go",
            }],
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Rust => "Rust",
            Self::JavaScript => "JavaScript (QuickJS)",
            Self::TypeScript => "TypeScript (StarlingMonkey)",
            Self::Python => "Python",
            Self::C => "C",
            Self::Go => "Go",
        })
    }
}
