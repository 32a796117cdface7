//! Builds the components that ship with the host.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let path = guest_build::component("hubspot-mapper");
    println!("cargo::rustc-env=HUBSPOT_MAPPER={}", path.display());
}
