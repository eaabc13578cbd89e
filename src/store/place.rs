//! Where a store is, and the names of its files.

use super::StoreError;
use super::error::of_io;
use super::medium::{Guard, Locked, Medium, RealMedium};
use super::planted::Bug;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder on a disk.
#[derive(Clone, Debug)]
pub struct Place {
    folder: PathBuf,
    disk: Arc<dyn Medium>,
    bug: Option<Bug>,
    log_bytes: u64,
}

/// The log is written into the file after about so many bytes. Measured in decision 0029.
const LOG_BYTES: u64 = 64 << 20;

impl From<&Path> for Place {
    fn from(folder: &Path) -> Self {
        #[cfg(feature = "power-loss")]
        if let Some(place) = super::power_loss::place_at(folder) {
            return place;
        }
        Self::on(Arc::new(RealMedium), folder)
    }
}

impl From<&PathBuf> for Place {
    fn from(folder: &PathBuf) -> Self {
        Self::from(folder.as_path())
    }
}

impl From<PathBuf> for Place {
    fn from(folder: PathBuf) -> Self {
        Self::from(folder.as_path())
    }
}

impl From<&Self> for Place {
    fn from(place: &Self) -> Self {
        place.clone()
    }
}

impl Place {
    /// A folder on another disk than the system's.
    pub fn on(disk: Arc<dyn Medium>, folder: &Path) -> Self {
        Self { folder: folder.to_owned(), disk, bug: None, log_bytes: LOG_BYTES }
    }

    /// The same, with a fault of the container planted in it.
    #[cfg(feature = "power-loss")]
    #[must_use]
    pub fn with_bug(self, bug: Bug) -> Self {
        Self { bug: Some(bug), ..self }
    }

    /// The same, where the log is written into the file after so many bytes: so that a small test gets there.
    #[cfg(feature = "power-loss")]
    #[must_use]
    pub fn with_log_bytes(self, log_bytes: u64) -> Self {
        Self { log_bytes, ..self }
    }

    pub(super) fn log_bytes(&self) -> u64 {
        self.log_bytes
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The disk.
    pub fn disk(&self) -> &dyn Medium {
        &*self.disk
    }

    pub(super) fn has(&self, bug: Bug) -> bool {
        cfg!(feature = "power-loss") && self.bug == Some(bug)
    }

    /// The entries. There is a store where this file is: it gets its name when all else is there.
    pub(super) fn journal(&self) -> PathBuf {
        self.folder.join("journal.sqlite")
    }

    /// The entries of a store in the making.
    pub(super) fn unfinished(&self) -> PathBuf {
        self.folder.join("journal.sqlite.new")
    }

    /// Large parts of entries.
    pub(super) fn parts(&self) -> PathBuf {
        self.folder.join("parts")
    }

    /// The third copy of the head.
    pub(super) fn head(&self) -> PathBuf {
        self.folder.join("head")
    }

    pub(super) fn lock(&self, holder: &str) -> Result<Box<dyn Guard>, StoreError> {
        let path = self.folder.join("lock");
        match self.disk.lock(&path, holder.lines().next().unwrap_or_default()) {
            Ok(Locked::Ours(guard)) => Ok(guard),
            Ok(Locked::Theirs(holder)) if holder.is_empty() => {
                Err(StoreError::Held { path, holder: "it has not written down who it is".to_owned() })
            }
            Ok(Locked::Theirs(holder)) => Err(StoreError::Held { path, holder }),
            Err(error) => Err(of_io(&path, &error)),
        }
    }

    /// Whether there is a store, whole or damaged.
    pub fn is_store(&self) -> Result<bool, StoreError> {
        Ok(self.size(&self.journal())?.is_some())
    }

    pub(super) fn size(&self, path: &Path) -> Result<Option<u64>, StoreError> {
        self.disk.size(path).map_err(|error| of_io(path, &error))
    }

    /// Does something with a file of the store, and names it where that fails.
    pub(super) fn io<T>(&self, path: &Path, does: impl FnOnce(&dyn Medium) -> io::Result<T>) -> Result<T, StoreError> {
        does(&*self.disk).map_err(|error| of_io(path, &error))
    }
}

/// The log or the index of the log that SQLite keeps beside a file.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
