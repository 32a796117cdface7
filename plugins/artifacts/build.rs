//! Builds the components that ship with the host.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for (package, variable) in [
        ("hubspot-mapper", "HUBSPOT_MAPPER"),
        ("expression", "EXPRESSION"),
    ] {
        let path = guest_build::component(package);
        println!("cargo::rustc-env={variable}={}", path.display());
    }
}
