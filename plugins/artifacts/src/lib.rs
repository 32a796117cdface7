//! The bytes of the components that ship with the host, compiled by the build script.
//!
//! A crate of its own so that only one place builds them; whoever embeds, installs or measures a
//! default component takes it from here.

/// The crate `hubspot-mapper`, as a component of world `mapper` of `partneros:mapper@0.1.0`.
pub const HUBSPOT_MAPPER: &[u8] = include_bytes!(env!("HUBSPOT_MAPPER"));

/// The crate `expression`, as a component of world `transformer` of `partneros:mapper@0.1.0`.
pub static EXPRESSION: &[u8] = include_bytes!(env!("EXPRESSION"));

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of a component: magic number, then version 13 of layer 1. A core module would say
    /// version 1 of layer 0.
    const HEADER: &[u8] = b"\0asm\x0d\x00\x01\x00";

    #[test]
    fn the_mapper_is_a_component() {
        assert_eq!(HUBSPOT_MAPPER.get(..8), Some(HEADER));
    }

    #[test]
    fn the_expression_is_a_component() {
        assert_eq!(EXPRESSION.get(..8), Some(HEADER));
    }
}
