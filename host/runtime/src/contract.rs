//! The versions of the WIT contract that this host knows.
//!
//! A component is held against the version that it was written for and called through that version's
//! module (`since_0_1`, ...). Adding a version is a variant here, its line in the build script, and such a module.

use std::fmt;

/// The contract's package, without its version.
pub const PACKAGE: &str = "partneros:mapper";

/// A version of `partneros:mapper`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ContractVersion {
    /// `partneros:mapper@0.1.0`.
    V0_1_0,
    /// `partneros:mapper@0.2.0`, which was never published.
    #[cfg(feature = "test-contract")]
    V0_2_0,
}

impl ContractVersion {
    /// The versions that were published, the oldest first. Never empty.
    pub const PUBLISHED: &[Self] = &[Self::V0_1_0];

    /// The version as WIT writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V0_1_0 => "0.1.0",
            #[cfg(feature = "test-contract")]
            Self::V0_2_0 => "0.2.0",
        }
    }

    /// The interfaces that a component of any world may export or leave out.
    pub(crate) const fn optional(self) -> &'static [&'static str] {
        match self {
            Self::V0_1_0 => &[],
            #[cfg(feature = "test-contract")]
            Self::V0_2_0 => &["explain"],
        }
    }

    /// The WIT files of the version, encoded by the build script.
    pub(crate) fn encoded(self) -> &'static [u8] {
        match self {
            Self::V0_1_0 => include_bytes!(concat!(env!("OUT_DIR"), "/mapper-0.1.0.wasm")),
            #[cfg(feature = "test-contract")]
            Self::V0_2_0 => include_bytes!(concat!(env!("OUT_DIR"), "/mapper-0.2.0.wasm")),
        }
    }
}

impl fmt::Display for ContractVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
