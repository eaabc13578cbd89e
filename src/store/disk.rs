//! Where the derived files stand: a folder, or a simulated one that loses what was not synced.
//!
//! All reading and writing of sealed files goes through [`Disk`], so that a test can pull the plug at every step.

mod memory;

pub use memory::{Loss, MemoryDisk};

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// One folder of files, by their names.
pub trait Disk: Clone + Debug + Send + Sync + 'static {
    /// A file that is being written.
    type Writing: Writing;
    /// A file that is read.
    type Reading: Reading;

    /// Makes an empty file; one of that name loses its bytes.
    fn create(&self, name: &str) -> io::Result<Self::Writing>;
    /// Opens a file for reading. What was opened can be read on after it was replaced or removed.
    fn open(&self, name: &str) -> io::Result<Self::Reading>;
    /// Gives a file another name, in one step; one that had that name is gone. Durable after [`Disk::sync_dir`].
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file. Durable after [`Disk::sync_dir`].
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Names of all files, sorted.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Makes the names durable.
    fn sync_dir(&self) -> io::Result<()>;
}

/// A file that is being written, from its beginning to its end.
pub trait Writing: Debug + Send {
    /// Writes behind what was written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes the bytes durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file that is read at any place, from any thread.
pub trait Reading: Debug + Send + Sync {
    /// Length of the file, bytes.
    fn length(&self) -> io::Result<u64>;
    /// Fills `bytes` from this place on; fails where the file is shorter.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
}

/// A folder by its path: of the file system.
#[cfg(not(feature = "power-loss"))]
pub use SystemFolder as FolderDisk;

/// A folder by its path: of the file system, or of a simulated disk that is mounted there.
#[cfg(feature = "power-loss")]
pub use super::power_loss::MountedFolder as FolderDisk;

/// A folder of the file system.
#[derive(Clone, Debug)]
pub struct SystemFolder {
    path: PathBuf,
}

impl SystemFolder {
    /// The folder at this path; it is made where there is none.
    pub fn at(path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        Ok(Self { path: path.to_path_buf() })
    }

    /// Whether there is a folder; none is made.
    pub fn is_at(path: &Path) -> bool {
        path.is_dir()
    }
}

impl Disk for SystemFolder {
    type Writing = File;
    type Reading = File;

    fn create(&self, name: &str) -> io::Result<File> {
        File::create(self.path.join(name))
    }

    fn open(&self, name: &str) -> io::Result<File> {
        File::open(self.path.join(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            // A name that is no text is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Writing for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

impl Reading for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(bytes, offset)
    }
}
