//! A world out of a directory of WIT files.

use std::path::Path;

use wit_parser::{Resolve, WorldId};

use crate::Error;

/// Parses the files and finds the world.
pub fn read(wit: &Path, world: &str) -> Result<(Resolve, WorldId), Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Contract {
        wit: wit.to_owned(),
        world: world.to_owned(),
        reason: error.to_string(),
    };
    let mut resolve = Resolve::default();
    let (package, _) = resolve
        .push_dir(wit)
        .map_err(|error| failed(&format!("{error:#}")))?;
    let world = resolve
        .select_world(&[package], Some(world))
        .map_err(|error| failed(&format!("{error:#}")))?;
    Ok((resolve, world))
}
