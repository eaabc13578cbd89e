//! The disk as the store sees it: what a test replaces by a simulated one that loses power.

use crate::hint;
use std::fmt::Debug;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// As much as is read of what the holder of a lock wrote.
const HOLDER_BYTES_MAX: u64 = 1024;

/// Files and folders beside SQLite's own, and the name of the layer below SQLite's own.
///
/// Two implementations: [`RealMedium`], and the simulated one of the feature `power-loss`.
pub trait Medium: Debug + Send + Sync {
    /// The name under which the same disk is registered with SQLite; none is SQLite's own.
    fn vfs(&self) -> Option<&str>;
    /// Makes a folder and those above it; fine where it is.
    fn make_folder(&self, folder: &Path) -> io::Result<()>;
    /// Makes durable which files a folder holds, and under which names.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// The size of a file in bytes, none where there is no file.
    fn size(&self, path: &Path) -> io::Result<Option<u64>>;
    /// Names of the files and folders in a folder.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// Opens a file.
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn MediumFile>>;
    /// Gives a file another name at once; what has that name is replaced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Deletes a file; fine where there is none.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Takes the lock of a file and writes `holder` into it, or says who has it. It is let go with the guard, and
    /// with the process, however that ends.
    fn lock(&self, path: &Path, holder: &str) -> io::Result<Locked>;
}

/// How a file is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// To read; it has to be there.
    Read,
    /// To read and write; it is made where it is not there.
    Write,
}

/// An open file.
pub trait MediumFile: Debug + Send {
    /// Fills `bytes` from an offset on: how many there were, fewer only at the end of the file.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize>;
    /// Writes all of `bytes`; durable only after [`MediumFile::sync`].
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Bytes were written that will not be written again before the next sync, which has less to do if the disk begins
    /// with them now.
    fn write_out(&self, _offset: u64, _bytes: u64) {}
    /// Makes durable what the file holds. Its name is durable after [`Medium::sync_folder`].
    fn sync(&mut self) -> io::Result<()>;
}

/// What came of asking for a lock.
#[derive(Debug)]
pub enum Locked {
    /// It is ours as long as the guard lives.
    Ours(Box<dyn Guard>),
    /// Another has it: the line it wrote.
    Theirs(String),
}

/// Holds a lock.
pub trait Guard: Debug + Send {}

/// The disk of the system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RealMedium;

impl Guard for File {}

impl Medium for RealMedium {
    fn vfs(&self) -> Option<&str> {
        None
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        // The parent of a relative name is the empty path.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()
    }

    fn size(&self, path: &Path) -> io::Result<Option<u64>> {
        match fs::metadata(path) {
            Ok(data) => Ok(Some(data.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn MediumFile>> {
        let write = access == Access::Write;
        let file = OpenOptions::new().read(true).write(write).create(write).truncate(false).open(path)?;
        Ok(Box::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<Locked> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = Vec::new();
                file.take(HOLDER_BYTES_MAX).read_to_end(&mut text)?;
                let text = String::from_utf8_lossy(&text);
                return Ok(Locked::Theirs(text.lines().next().unwrap_or_default().to_owned()));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Who reads between these two finds no holder named.
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{holder}")?;
        Ok(Locked::Ours(Box::new(file)))
    }
}

impl MediumFile for File {
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let mut filled: usize = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
            match FileExt::read_at(self, rest, at) {
                Ok(0) => break,
                Ok(count) => filled = filled.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn write_out(&self, offset: u64, bytes: u64) {
        hint::write_out(self, offset, bytes);
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}
