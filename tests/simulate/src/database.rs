//! Where the database of a simulation is: in memory, or in a file that each process opens for itself.

use std::path::Path;
use std::sync::Arc;

use partneros_store::{KeyRing, Sqlite, back_up};
use tempfile::TempDir;

use crate::Failure;
use crate::template::{Template, options};

/// The name of a database's file.
const FILE: &str = "partneros.db";

/// A simulation's database. Cheap to clone; a file is gone with the last clone.
#[derive(Debug, Clone)]
pub struct Database {
    shared: Sqlite,
    file: Option<Arc<File>>,
}

#[derive(Debug)]
struct File {
    directory: TempDir,
    ring: KeyRing,
}

impl Database {
    /// A copy of the template's, in a file if so wanted.
    pub fn new(template: &Template, on_disk: bool) -> Result<Self, Failure> {
        if !on_disk {
            let shared = template.store.fork(options())?;
            return Ok(Self { shared, file: None });
        }
        let directory = tempfile::tempdir()?;
        let path = directory.path().join(FILE);
        back_up(&template.path(), &path)?;
        let ring = template.ring.clone();
        Ok(Self {
            shared: open(&path, &ring)?,
            file: Some(Arc::new(File { directory, ring })),
        })
    }

    /// What people use, who are in no process.
    pub fn shared(&self) -> &Sqlite {
        &self.shared
    }

    /// What a process uses that begins now: the file, with nothing in memory, if there is one.
    pub fn open(&self) -> Result<Sqlite, Failure> {
        match &self.file {
            Some(file) => open(&file.directory.path().join(FILE), &file.ring),
            None => Ok(self.shared.clone()),
        }
    }
}

/// Opens a file, or makes it.
pub fn open(path: &Path, ring: &KeyRing) -> Result<Sqlite, Failure> {
    Ok(Sqlite::open(path, ring.clone(), options())?)
}
