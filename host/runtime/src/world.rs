//! The worlds of the WIT contract that this host accepts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a component offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// Suggests mappings and transforms values.
    Mapper,
    /// Only suggests mappings.
    Suggester,
    /// Only transforms values.
    Transformer,
    /// Does both with the help of a mapper beneath it, and runs only composed with one.
    Layer,
}

impl World {
    /// Every accepted world, those that stand alone first, and of these the richest first.
    pub const ALL: [Self; 4] = [
        Self::Mapper,
        Self::Suggester,
        Self::Transformer,
        Self::Layer,
    ];

    /// The name in WIT.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mapper => "mapper",
            Self::Suggester => "suggester",
            Self::Transformer => "transformer",
            Self::Layer => "layer",
        }
    }

    /// Whether the world exports `suggest`.
    pub const fn suggests(self) -> bool {
        matches!(self, Self::Mapper | Self::Suggester | Self::Layer)
    }

    /// Whether the world exports `transform`.
    pub const fn transforms(self) -> bool {
        matches!(self, Self::Mapper | Self::Transformer | Self::Layer)
    }

    /// Whether a component of this world runs only over a mapper; see
    /// [`Runtime::compose`](crate::Runtime::compose).
    pub const fn needs_beneath(self) -> bool {
        matches!(self, Self::Layer)
    }
}

impl fmt::Display for World {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
