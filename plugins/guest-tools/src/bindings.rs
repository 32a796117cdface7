//! Bindings of a world for a language.

use std::fs;
use std::path::Path;

use wit_bindgen_core::Files;

use crate::{Error, contract};

/// A language that bindings are generated for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// A header, a source file and an object file to be linked with it, named after the world.
    C,
    /// A whole module: the exports in package `main`, a package for each interface, and under `pkg/` the module
    /// that they import, to which `go.mod` is pointed.
    Go,
}

/// The Go packages that generated code imports, as path and text.
const GO_PACKAGE: [(&str, &str); 8] = include!(concat!(env!("OUT_DIR"), "/go_package.rs"));

/// Writes the bindings of `world` into the directory `out`.
pub fn bindings(language: Language, wit: &Path, world: &str, out: &Path) -> Result<(), Error> {
    let (mut resolve, world) = contract::read(wit, world)?;
    let mut files = Files::default();
    let mut generator = match language {
        Language::C => wit_bindgen_c::Opts::default().build(),
        Language::Go => wit_bindgen_go::Opts {
            format: wit_bindgen_go::Format::False,
            ..wit_bindgen_go::Opts::default()
        }
        .build(),
    };
    generator
        .generate(&mut resolve, world, &mut files)
        .map_err(|error| Error::Generate {
            reason: format!("{error:#}"),
        })?;
    for (name, contents) in files.iter() {
        write(&out.join(name), contents)?;
    }
    if matches!(language, Language::Go) {
        for (name, text) in GO_PACKAGE {
            write(&out.join("pkg").join(name), text.as_bytes())?;
        }
        point_to_package(&out.join("go.mod"))?;
    }
    Ok(())
}

/// Has a Go module import the package beside it instead of asking a module proxy.
fn point_to_package(module: &Path) -> Result<(), Error> {
    let mut text = fs::read(module).map_err(|source| Error::File {
        path: module.to_owned(),
        source,
    })?;
    text.extend_from_slice(b"\nreplace go.bytecodealliance.org/pkg => ./pkg\n");
    write(module, &text)
}

fn write(path: &Path, contents: &[u8]) -> Result<(), Error> {
    let failed = |source| Error::File {
        path: path.to_owned(),
        source,
    };
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(failed)?;
    }
    fs::write(path, contents).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/mapper-0.1.0");

    fn generated(language: Language) -> tempfile::TempDir {
        let out = tempfile::tempdir().expect("a directory");
        bindings(language, Path::new(WIT), "mapper", out.path()).expect("bindings");
        out
    }

    #[test]
    fn c_gets_a_header_that_declares_the_exports() {
        let out = generated(Language::C);
        let header = fs::read_to_string(out.path().join("mapper.h")).expect("a header");
        assert!(header.contains("bool exports_partneros_mapper_transform_transform("));
        assert!(out.path().join("mapper_component_type.o").is_file());
    }

    #[test]
    fn go_gets_a_module_that_needs_no_proxy() {
        let out = generated(Language::Go);
        let module = fs::read_to_string(out.path().join("go.mod")).expect("a module");
        assert!(module.contains("replace go.bytecodealliance.org/pkg => ./pkg"));
        assert!(out.path().join("pkg/wit/runtime/runtime.go").is_file());
        assert!(out.path().join("wit_exports.go").is_file());
    }

    #[test]
    fn a_world_that_is_not_there_is_named() {
        let out = tempfile::tempdir().expect("a directory");
        let error = bindings(Language::C, Path::new(WIT), "absent", out.path());
        let error = error.expect_err("there is no such world").to_string();
        assert!(error.contains("read world `absent`"), "{error}");
    }
}
