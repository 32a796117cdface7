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
