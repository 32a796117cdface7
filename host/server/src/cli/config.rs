//! `partneros config`: what can be set.

use clap::Subcommand;

use crate::config;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Prints every key with its type, default and meaning, as Markdown.
    Reference,
}

impl ConfigCommand {
    pub(super) fn run(self) {
        match self {
            Self::Reference => print!("{}", config::reference()),
        }
    }
}
