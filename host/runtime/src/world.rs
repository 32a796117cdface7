//! The worlds of the WIT contract that this host accepts.

use std::fmt;

/// What a component offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum World {
    /// Suggests mappings and transforms values.
    Mapper,
    /// Only suggests mappings.
    Suggester,
    /// Only transforms values.
    Transformer,
}

impl World {
    /// Every accepted world, the richest first.
    pub const ALL: [Self; 3] = [Self::Mapper, Self::Suggester, Self::Transformer];

    /// The name in WIT.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mapper => "mapper",
            Self::Suggester => "suggester",
            Self::Transformer => "transformer",
        }
    }

    /// Whether the world exports `suggest`.
    pub const fn suggests(self) -> bool {
        matches!(self, Self::Mapper | Self::Suggester)
    }

    /// Whether the world exports `transform`.
    pub const fn transforms(self) -> bool {
        matches!(self, Self::Mapper | Self::Transformer)
    }
}

impl fmt::Display for World {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
