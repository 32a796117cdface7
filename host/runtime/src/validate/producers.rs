//! Reads what made a component, from the `producers` sections of it and of the modules within.
//!
//! Tools write there whatever they like, or nothing; it is shown to people and decides nothing. So a section
//! that does not parse is skipped, and only so many names of some length are kept.

use serde::{Deserialize, Serialize};
use wasmparser::{BinaryReaderError, CustomSectionReader, KnownCustom, ProducersSectionReader};

use crate::output::cut;

/// The most tools that are kept.
const TOOLS_MAX: usize = 50;

/// The longest name or version that is kept, in bytes.
const TEXT_BYTES_MAX: usize = 100;

/// Something that took part in making a component, by its own account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tool {
    /// `language`, `processed-by` or `sdk`.
    pub kind: String,
    /// Such as `Rust` or `wit-component`.
    pub name: String,
    /// Such as `1.95.0`; may be empty.
    pub version: String,
}

/// The tools that were read so far.
#[derive(Debug, Default)]
pub struct Producers {
    tools: Vec<Tool>,
}

impl Producers {
    /// Reads one custom section, if it is about tools.
    pub fn read(&mut self, section: &CustomSectionReader<'_>) {
        if let KnownCustom::Producers(reader) = section.as_known() {
            // What was read before the mistake is as good as the rest.
            let _ = self.merge(reader);
        }
    }

    /// The tools, each once, by kind and name.
    pub fn into_list(mut self) -> Vec<Tool> {
        self.tools.sort();
        self.tools
    }

    fn merge(&mut self, reader: ProducersSectionReader<'_>) -> Result<(), BinaryReaderError> {
        for field in reader {
            let field = field?;
            if !["language", "processed-by", "sdk"].contains(&field.name) {
                continue;
            }
            for value in field.values {
                if self.tools.len() >= TOOLS_MAX {
                    return Ok(());
                }
                let value = value?;
                let tool = Tool {
                    kind: field.name.to_owned(),
                    name: text(value.name),
                    version: text(value.version),
                };
                if !self.tools.contains(&tool) {
                    self.tools.push(tool);
                }
            }
        }
        Ok(())
    }
}

fn text(text: &str) -> String {
    let mut text: String = text.chars().take(TEXT_BYTES_MAX).collect();
    cut(&mut text, TEXT_BYTES_MAX);
    text
}
