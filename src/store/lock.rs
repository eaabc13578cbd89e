//! One writer at a time.

use super::StoreError;
use super::error::of_io;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// As much as is read of what the holder wrote.
const HOLDER_BYTES_MAX: u64 = 1024;

/// The lock of a store. It goes with the process, however that ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock and writes down who holds it, or tells who does.
    pub(super) fn take(path: &Path, holder: &str) -> Result<Self, StoreError> {
        let wrong = |error| of_io(path, &error);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(wrong)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = Vec::new();
                file.take(HOLDER_BYTES_MAX).read_to_end(&mut text).map_err(wrong)?;
                let text = String::from_utf8_lossy(&text);
                let line = text.lines().next().filter(|line| !line.is_empty());
                let holder = line.unwrap_or("it has not written down who it is").to_owned();
                return Err(StoreError::Held { path: path.to_owned(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(wrong(error)),
        }
        // Who reads between these two is told that the holder is not known yet.
        file.set_len(0).and_then(|()| file.rewind()).map_err(wrong)?;
        writeln!(file, "{}", holder.lines().next().unwrap_or_default()).map_err(wrong)?;
        Ok(Self { _file: file })
    }
}
