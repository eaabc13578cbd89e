//! A folder of the simulated disk for the derived files, so that they lose power together with the journal.

use super::{SimulatedDisk, SimulatedFile};
use crate::store::disk::{Disk, Reading, Writing};
use crate::store::medium::{Access, Medium, MediumFile};
use std::io;
use std::path::{Path, PathBuf};

/// One folder of a [`SimulatedDisk`].
#[derive(Clone, Debug)]
pub struct SimulatedFolder {
    disk: SimulatedDisk,
    path: PathBuf,
}

/// A file of the folder that is being written.
#[derive(Debug)]
pub struct SimulatedWriting {
    file: SimulatedFile,
    bytes: u64,
}

/// A file of the folder that is read.
#[derive(Debug)]
pub struct SimulatedReading(SimulatedFile);

impl SimulatedDisk {
    /// A folder of the disk; it is made, durably, where there is none.
    pub fn folder(&self, path: &Path) -> io::Result<SimulatedFolder> {
        self.make_folder(path)?;
        path.ancestors().skip(1).try_for_each(|folder| self.sync_folder(folder))?;
        Ok(SimulatedFolder { disk: self.clone(), path: path.to_owned() })
    }
}

impl SimulatedFolder {
    /// A folder of a disk, which is there.
    pub(super) fn of(disk: SimulatedDisk, path: &Path) -> Self {
        Self { disk, path: path.to_owned() }
    }
}

impl Disk for SimulatedFolder {
    type Writing = SimulatedWriting;
    type Reading = SimulatedReading;

    fn create(&self, name: &str) -> io::Result<SimulatedWriting> {
        let file = self.disk.opened(&self.path.join(name), Access::Write)?;
        file.truncate(0)?;
        Ok(SimulatedWriting { file, bytes: 0 })
    }

    fn open(&self, name: &str) -> io::Result<SimulatedReading> {
        self.disk.opened(&self.path.join(name), Access::Read).map(SimulatedReading)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Medium::rename(&self.disk, &self.path.join(from), &self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.path.join(name);
        match self.disk.size(&path)? {
            Some(_) => Medium::remove(&self.disk, &path),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.names(&self.path)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.disk.sync_folder(&self.path)
    }
}

impl Writing for SimulatedWriting {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(self.bytes, bytes)?;
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }
}

impl Reading for SimulatedReading {
    fn length(&self) -> io::Result<u64> {
        self.0.size().map(|size| u64::try_from(size).unwrap_or(u64::MAX))
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        match self.0.read_at(offset, bytes)? {
            read if read == bytes.len() => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
