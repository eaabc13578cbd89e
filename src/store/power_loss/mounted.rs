//! Simulated disks under folders of the system, so that everything that opens a store by its path works on one.

use super::{SimulatedDisk, SimulatedFolder, SimulatedReading, SimulatedWriting};
use crate::store::disk::{Disk, Reading, SystemFolder, Writing};
use crate::store::medium::Medium;
use crate::store::place::Place;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is mounted: the folder, and the store's place in it.
static MOUNTED: Mutex<Vec<(PathBuf, SimulatedDisk, Place)>> = Mutex::new(Vec::new());

fn mounted() -> MutexGuard<'static, Vec<(PathBuf, SimulatedDisk, Place)>> {
    MOUNTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Holds a disk under a folder; with it the mount ends.
#[derive(Debug)]
pub struct Mount(PathBuf);

impl Drop for Mount {
    fn drop(&mut self) {
        mounted().retain(|(folder, ..)| *folder != self.0);
    }
}

impl SimulatedDisk {
    /// Puts the disk under a folder: a store that is opened by that path is on it, with its sealed files and its
    /// snapshot. `place` is where the store is, with all that is planted in it. What others keep there, such as
    /// reference files, is on the disk of the system.
    pub fn mount(&self, place: &Place) -> Mount {
        let folder = place.folder().to_owned();
        mounted().push((folder.clone(), self.clone(), place.clone()));
        Mount(folder)
    }
}

/// The place of a store by its path, where a disk is mounted there.
pub(in crate::store) fn place_at(folder: &Path) -> Option<Place> {
    mounted().iter().find(|(of, ..)| of == folder).map(|(.., place)| place.clone())
}

fn disk_at(path: &Path) -> Option<SimulatedDisk> {
    mounted().iter().find(|(of, ..)| path.starts_with(of)).map(|(_, disk, _)| disk.clone())
}

/// A folder of the system, or of a disk that is mounted there.
#[derive(Clone, Debug)]
pub enum MountedFolder {
    /// Of the system.
    System(SystemFolder),
    /// Of a simulated disk.
    Simulated(SimulatedFolder),
}

/// A file of such a folder that is being written.
#[derive(Debug)]
pub enum MountedWriting {
    /// Of the system.
    System(File),
    /// Of a simulated disk.
    Simulated(SimulatedWriting),
}

/// A file of such a folder that is read.
#[derive(Debug)]
pub enum MountedReading {
    /// Of the system.
    System(File),
    /// Of a simulated disk.
    Simulated(SimulatedReading),
}

impl MountedFolder {
    /// As [`SystemFolder::at`].
    pub fn at(path: &Path) -> io::Result<Self> {
        let Some(disk) = disk_at(path) else { return SystemFolder::at(path).map(Self::System) };
        // As there: who makes a folder does not sync the one above.
        disk.make_folder(path)?;
        Ok(Self::Simulated(SimulatedFolder::of(disk, path)))
    }

    /// As [`SystemFolder::is_at`].
    pub fn is_at(path: &Path) -> bool {
        match disk_at(path) {
            Some(disk) => disk.size(path).is_ok_and(|size| size.is_some()),
            None => SystemFolder::is_at(path),
        }
    }
}

impl Disk for MountedFolder {
    type Writing = MountedWriting;
    type Reading = MountedReading;

    fn create(&self, name: &str) -> io::Result<MountedWriting> {
        match self {
            Self::System(folder) => folder.create(name).map(MountedWriting::System),
            Self::Simulated(folder) => folder.create(name).map(MountedWriting::Simulated),
        }
    }

    fn open(&self, name: &str) -> io::Result<MountedReading> {
        match self {
            Self::System(folder) => folder.open(name).map(MountedReading::System),
            Self::Simulated(folder) => folder.open(name).map(MountedReading::Simulated),
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        match self {
            Self::System(folder) => folder.rename(from, to),
            Self::Simulated(folder) => folder.rename(from, to),
        }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match self {
            Self::System(folder) => folder.remove(name),
            Self::Simulated(folder) => folder.remove(name),
        }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        match self {
            Self::System(folder) => folder.list(),
            Self::Simulated(folder) => folder.list(),
        }
    }

    fn sync_dir(&self) -> io::Result<()> {
        match self {
            Self::System(folder) => folder.sync_dir(),
            Self::Simulated(folder) => folder.sync_dir(),
        }
    }
}

impl Writing for MountedWriting {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::System(file) => file.append(bytes),
            Self::Simulated(file) => file.append(bytes),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        match self {
            Self::System(file) => Writing::sync(file),
            Self::Simulated(file) => Writing::sync(file),
        }
    }
}

impl Reading for MountedReading {
    fn length(&self) -> io::Result<u64> {
        match self {
            Self::System(file) => file.length(),
            Self::Simulated(file) => file.length(),
        }
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        match self {
            Self::System(file) => Reading::read_at(file, offset, bytes),
            Self::Simulated(file) => Reading::read_at(file, offset, bytes),
        }
    }
}

/// A place on a disk, under a folder of the system.
pub(super) fn place_on(disk: &SimulatedDisk, folder: &Path) -> Place {
    Place::on(Arc::new(disk.clone()), folder)
}
