//! A file that lies whole beside the journal and can be made again from it: its form, a checksum, what it holds.

use super::writer::PostError;
use crate::store::disk::{Disk, FolderDisk, Reading, Writing};
use std::path::Path;
use xxhash_rust::xxh3::xxh3_128;

/// One such file.
pub(super) struct Beside {
    pub(super) name: &'static str,
    /// What it is called until it is durable.
    pub(super) new_name: &'static str,
    /// Its form. A file of another one is none.
    pub(super) magic: [u8; 8],
}

/// The form and the checksum.
const HEAD: usize = 24;

impl Beside {
    /// Writes it; the one before is replaced when this one is durable.
    pub(super) fn write(&self, folder: &Path, body: &[u8]) -> Result<(), PostError> {
        let disk = FolderDisk::at(folder)?;
        let mut file = disk.create(self.new_name)?;
        file.append(&self.magic)?;
        file.append(&xxh3_128(body).to_le_bytes())?;
        file.append(body)?;
        file.sync()?;
        drop(file);
        disk.rename(self.new_name, self.name)?;
        disk.sync_dir()?;
        Ok(())
    }

    /// What it holds; none where there is none that is whole.
    pub(super) fn read(&self, folder: &Path) -> Option<Vec<u8>> {
        let file = FolderDisk::at(folder).ok()?.open(self.name).ok()?;
        let (mut head, bytes) = ([0; HEAD], usize::try_from(file.length().ok()?).ok()?);
        let mut body = vec![0; bytes.checked_sub(HEAD)?];
        file.read_at(0, &mut head).ok()?;
        file.read_at(HEAD as u64, &mut body).ok()?;
        let (magic, hash) = head.split_at(self.magic.len());
        (magic == self.magic && hash == xxh3_128(&body).to_le_bytes()).then_some(body)
    }
}
