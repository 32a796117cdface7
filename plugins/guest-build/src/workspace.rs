//! What a guest is made of: its targets, and every path whose change makes it stale.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Error;
use crate::cargo::{self, Artifacts};

/// The packages of the workspace that the build script belongs to.
#[derive(Debug)]
pub struct Workspace {
    pub root: PathBuf,
    packages: Vec<Value>,
}

impl Workspace {
    /// Asks cargo for the workspace's packages; does not resolve or download dependencies.
    pub fn load() -> Result<Self, Error> {
        Self::parse(&cargo::metadata()?).ok_or(Error::Metadata)
    }

    fn parse(metadata: &[u8]) -> Option<Self> {
        let mut metadata: Value = serde_json::from_slice(metadata).ok()?;
        let root = PathBuf::from(metadata["workspace_root"].as_str()?);
        let Value::Array(packages) = metadata["packages"].take() else {
            return None;
        };
        Some(Self { root, packages })
    }

    /// The paths that decide what the package compiles to: its own directory and those of its
    /// dependencies inside the workspace, the workspace's manifest and lock file, and the WIT files.
    pub fn watched(&self, package: &str) -> Result<BTreeSet<PathBuf>, Error> {
        let mut paths: BTreeSet<PathBuf> = ["Cargo.toml", "Cargo.lock", "wit"]
            .map(|name| self.root.join(name))
            .into();
        let mut open = vec![self.package(package)?];
        while let Some(package) = open.pop() {
            let Some(directory) = directory(package) else {
                continue;
            };
            if paths.insert(directory.to_owned()) {
                open.extend(array(&package["dependencies"]).filter_map(|dependency| {
                    let path = dependency["path"].as_str()?;
                    self.packages
                        .iter()
                        .find(|found| directory_is(found, Path::new(path)))
                }));
            }
        }
        Ok(paths)
    }

    /// The names of the package's `cdylib` targets of one kind, sorted; never empty.
    pub fn component_targets(
        &self,
        package: &str,
        wanted: Artifacts,
    ) -> Result<Vec<String>, Error> {
        let is_example = |target: &Value| has(&target["kind"], "example");
        let mut names: Vec<String> = array(&self.package(package)?["targets"])
            .filter(|target| has(&target["crate_types"], "cdylib"))
            .filter(|target| is_example(target) == matches!(wanted, Artifacts::Examples))
            .filter_map(|target| target["name"].as_str().map(str::to_owned))
            .collect();
        names.sort();
        if names.is_empty() {
            return Err(Error::NoTarget {
                package: package.to_owned(),
                kind: wanted.kind(),
            });
        }
        Ok(names)
    }

    fn package(&self, name: &str) -> Result<&Value, Error> {
        self.packages
            .iter()
            .find(|package| package["name"] == name)
            .ok_or_else(|| Error::NoPackage {
                package: name.to_owned(),
            })
    }
}

fn directory(package: &Value) -> Option<&Path> {
    Path::new(package["manifest_path"].as_str()?).parent()
}

fn directory_is(package: &Value, path: &Path) -> bool {
    directory(package) == Some(path)
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn has(list: &Value, text: &str) -> bool {
    array(list).any(|item| item == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        let metadata = serde_json::json!({
            "workspace_root": "/w",
            "packages": [
                {
                    "name": "guest", "manifest_path": "/w/guest/Cargo.toml",
                    "dependencies": [{ "path": "/w/shared" }, { "path": null }],
                    "targets": [
                        { "name": "guest", "kind": ["cdylib", "rlib"], "crate_types": ["cdylib", "rlib"] },
                        { "name": "loops", "kind": ["example"], "crate_types": ["cdylib"] },
                        { "name": "print", "kind": ["example"], "crate_types": ["bin"] },
                        { "name": "eats", "kind": ["example"], "crate_types": ["cdylib"] },
                    ],
                },
                {
                    "name": "shared", "manifest_path": "/w/shared/Cargo.toml",
                    "dependencies": [{ "path": "/w/guest" }],
                    "targets": [{ "name": "shared", "kind": ["lib"], "crate_types": ["lib"] }],
                },
            ],
        });
        Workspace::parse(metadata.to_string().as_bytes()).expect("metadata is complete")
    }

    #[test]
    fn watches_dependencies_inside_the_workspace_once() {
        let watched = workspace().watched("guest").expect("the package exists");
        let expected = ["Cargo.lock", "Cargo.toml", "guest", "shared", "wit"];
        assert_eq!(
            watched,
            expected.map(|name| Path::new("/w").join(name)).into()
        );
    }

    #[test]
    fn finds_the_targets_that_become_components() {
        let workspace = workspace();
        let library = workspace.component_targets("guest", Artifacts::Library);
        assert_eq!(library.expect("has a library"), ["guest"]);
        let examples = workspace.component_targets("guest", Artifacts::Examples);
        assert_eq!(examples.expect("has examples"), ["eats", "loops"]);
    }

    #[test]
    fn refuses_what_is_not_a_guest() {
        let workspace = workspace();
        let no_library = workspace.component_targets("shared", Artifacts::Library);
        assert!(matches!(
            no_library,
            Err(Error::NoTarget {
                kind: "library",
                ..
            })
        ));
        assert!(matches!(
            workspace.watched("absent"),
            Err(Error::NoPackage { .. })
        ));
    }
}
