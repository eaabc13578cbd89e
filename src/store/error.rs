//! What can be wrong with a store, each with what a person can do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the store did not do what it was asked for. Nothing that was acknowledged before is lost by any of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StoreError {
    /// There is no store in the folder.
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// There is something where a store would be made.
    Exists {
        /// The folder.
        folder: PathBuf,
    },
    /// The file is no journal of ours.
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// A journal of ours, but of a version that this program does not know.
    Version {
        /// The file.
        path: PathBuf,
        /// The version that it has.
        found: u32,
        /// The version that this program writes.
        known: u32,
    },
    /// Another process writes to the store.
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who it is, as that process wrote it down.
        holder: String,
    },
    /// The system does not let us.
    Denied {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
    /// No room on the disk. What was acknowledged stays; try again when there is room.
    Full {
        /// The file or folder.
        path: PathBuf,
    },
    /// The disk or the file system failed. Whether the last append took effect is known after the journal is opened
    /// anew.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
    /// An earlier error left open what is on the disk, so this journal takes no more; open it anew.
    Closed {
        /// The file.
        path: PathBuf,
    },
    /// Entries that were once there are missing at the end.
    CutShort {
        /// The file.
        path: PathBuf,
        /// How many entries it has.
        found: u64,
        /// How many it had at least.
        expected: u64,
    },
    /// Bytes differ from what was written.
    Damaged {
        /// Where: an entry and its part, a page, a file and an offset.
        place: String,
        /// What is wrong there.
        what: String,
    },
    /// There is no entry of this number.
    NoEntry {
        /// The number.
        seq: u64,
        /// How many entries there are.
        count: u64,
    },
    /// A part of an entry is larger than [`PART_BYTES_MAX`](super::PART_BYTES_MAX).
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The receiver of a scan does not take an entry.
    Refused {
        /// The entry.
        seq: u64,
        /// Why.
        why: String,
    },
}

impl StoreError {
    /// Nothing was changed, and the same call may succeed later on this journal.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Held { .. } | Self::TooLarge { .. } | Self::NoEntry { .. })
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { folder } => {
                write!(f, "{}: there is no store here", folder.display())
            }
            Self::Exists { folder } => write!(
                f,
                "{}: there is something here already, and a store is never overwritten\n  hint: name another folder, \
                 or move this one away",
                folder.display()
            ),
            Self::Foreign { path, what } => write!(
                f,
                "{}: {what}, not a journal of esep\n  hint: nothing was changed in it; name another folder",
                path.display()
            ),
            Self::Version { path, found, known } => write!(
                f,
                "{}: a store of version {found}; this esep knows version {known}\n  hint: {}",
                path.display(),
                if found > known { "use a newer esep" } else { "use the esep that wrote it, or a restored copy" }
            ),
            Self::Held { path, holder } => write!(
                f,
                "{}: another process writes to this store: {holder}\n  hint: wait for it or stop it; the lock goes with \
                 the process",
                path.display()
            ),
            Self::Denied { path, cause } => write!(
                f,
                "{}: {cause}\n  hint: the user that runs esep needs to read and write the folder and its files",
                path.display()
            ),
            Self::Full { path } => write!(
                f,
                "{}: no room on the disk; all that was acknowledged is kept\n  hint: make room and run again, it goes \
                 on from there",
                path.display()
            ),
            Self::Io { path, cause } if path.ancestors().skip(1).any(Path::is_file) => {
                write!(f, "{}: {cause}\n  hint: a store is a folder, and this names a file", path.display())
            }
            Self::Io { path, cause } => write!(
                f,
                "{}: {cause}\n  hint: see the system's log for errors of the disk, then run again; all that was \
                 acknowledged is kept",
                path.display()
            ),
            Self::Closed { path } => {
                write!(f, "{}: closed after an earlier error\n  hint: run again", path.display())
            }
            Self::CutShort { path, found, expected } => write!(
                f,
                "{}: cut short: {found} entries of at least {expected}\n  hint: copy the folder away as it is, then \
                 restore a backup",
                path.display()
            ),
            Self::Damaged { place, what } => {
                write!(f, "{place}: {what}\n  hint: copy the folder away as it is, then restore a backup")
            }
            Self::NoEntry { seq, count } => write!(f, "there is no entry {seq}; the last one is {count}"),
            Self::TooLarge { bytes } => write!(
                f,
                "a part of an entry has {bytes} bytes, more than {} are not kept\n  hint: cut the step into smaller ones",
                super::PART_BYTES_MAX
            ),
            Self::Refused { seq, why } => write!(f, "entry {seq}: {why}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// An error of the file system at a path.
pub(super) fn of_io(path: &Path, error: &io::Error) -> StoreError {
    let (path, cause) = (path.to_owned(), error.to_string());
    let kind = error.kind();
    if matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        StoreError::Full { path }
    } else if matches!(kind, io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) {
        StoreError::Denied { path, cause }
    } else {
        StoreError::Io { path, cause }
    }
}

/// An error of SQLite on the file at a path.
pub(super) fn of_sqlite(path: &Path, error: &rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode;
    let (at, cause) = (path.to_owned(), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full { path: at },
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
            StoreError::Denied { path: at, cause }
        }
        Some(ErrorCode::NotADatabase) => StoreError::Foreign { path: at, what: "no SQLite file".to_owned() },
        // With our own lock taken, it is another program that reads or writes the file.
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Held { path: at, holder: "a program that has the SQLite file open".to_owned() }
        }
        // The statements are ours and right: what SQLite has against them is what it reads in the file.
        Some(
            ErrorCode::DatabaseCorrupt
            | ErrorCode::ConstraintViolation
            | ErrorCode::TypeMismatch
            | ErrorCode::TooBig
            | ErrorCode::SchemaChanged
            | ErrorCode::Unknown,
        ) => StoreError::Damaged { place: path.display().to_string(), what: cause },
        // A value of another type or size than was written, or a row that is not there.
        None => StoreError::Damaged { place: path.display().to_string(), what: cause },
        Some(_) => StoreError::Io { path: at, cause },
    }
}
