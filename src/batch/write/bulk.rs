//! A file that is written once, from its beginning to its end.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

/// So much is written at once.
const BLOCK: usize = 1 << 20;
/// What is written past the kernel's memory begins and ends at multiples of this, in the file and in memory.
const ALIGNED: usize = 4096;
/// So many blocks wait for the disk at most.
const WAITING: usize = 2;

/// A file that is written once. What is longer than a block goes to the disk past the kernel's memory, which would keep a
/// copy that is synced and not asked for again; another thread waits for the disk.
#[derive(Debug)]
pub(super) struct BulkFile {
    file: File,
    block: Block,
    /// Once the first block was full.
    stream: Option<Stream>,
    /// Bytes of the blocks before.
    before: u64,
    /// A block was not written; so nothing more is.
    broken: bool,
}

impl BulkFile {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::create(path)?, block: Block::default(), stream: None, before: 0, broken: false })
    }

    /// Appends bytes.
    pub(super) fn append(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.block.is_full() {
                self.hand_on()?;
            }
            bytes = self.block.take(bytes);
        }
        Ok(())
    }

    /// Writes what is left, and waits until all of it is on the disk.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let bytes = self.before.saturating_add(self.block.used as u64);
        if self.before == 0 {
            self.file.write_all_at(self.block.bytes(), 0)?;
        } else {
            self.block.pad();
            self.hand_on()?;
            self.stream.take().map_or(Ok(()), Stream::finish)?;
            self.file.set_len(bytes)?;
        }
        self.file.sync_data()
    }

    /// Hands the block on to the disk, and goes on with another.
    fn hand_on(&mut self) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("an earlier block was not written"));
        }
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => self.stream.insert(Stream::start(self.file.try_clone()?)?),
        };
        let full = std::mem::take(&mut self.block);
        self.before = self.before.saturating_add(full.used as u64);
        if stream.full.send(full).is_err() {
            self.broken = true;
            return self.stream.take().map_or(Ok(()), Stream::finish);
        }
        // One that was written is used again.
        self.block = stream.empty.try_recv().unwrap_or_default();
        Ok(())
    }
}

/// Bytes that begin at an aligned place in memory.
#[derive(Debug, Default)]
struct Block {
    /// No bytes at all before the first are put in.
    room: Vec<u8>,
    start: usize,
    used: usize,
}

impl Block {
    /// Takes as many bytes as it has room for; what is left of them.
    fn take<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        if self.room.is_empty() {
            self.room = vec![0; BLOCK + ALIGNED];
            self.start = self.room.as_ptr().align_offset(ALIGNED);
        }
        let (taken, left) = bytes.split_at(bytes.len().min(BLOCK.saturating_sub(self.used)));
        let from = self.start.saturating_add(self.used);
        if let Some(place) = self.room.get_mut(from..from.saturating_add(taken.len())) {
            place.copy_from_slice(taken);
            self.used = self.used.saturating_add(taken.len());
        }
        left
    }

    fn is_full(&self) -> bool {
        self.used >= BLOCK
    }

    /// Fills it with zeros up to an aligned place.
    fn pad(&mut self) {
        const ZEROS: [u8; ALIGNED] = [0; ALIGNED];
        let missing = self.used.next_multiple_of(ALIGNED).saturating_sub(self.used);
        self.take(ZEROS.get(..missing).unwrap_or_default());
    }

    fn bytes(&self) -> &[u8] {
        self.room.get(self.start..self.start.saturating_add(self.used)).unwrap_or_default()
    }
}

/// The thread that waits for the disk.
#[derive(Debug)]
struct Stream {
    full: SyncSender<Block>,
    empty: Receiver<Block>,
    thread: JoinHandle<io::Result<()>>,
}

impl Stream {
    fn start(file: File) -> io::Result<Self> {
        let (full, blocks) = sync_channel(WAITING);
        let (written, empty) = channel();
        let direct = open_direct(&file);
        let thread = std::thread::Builder::new()
            .name("outcomes".into())
            .spawn(move || write_blocks(&blocks, &written, direct, &file))?;
        Ok(Self { full, empty, thread })
    }

    /// Waits until all blocks are written.
    fn finish(self) -> io::Result<()> {
        drop(self.full);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that writes stopped")))
    }
}

/// The same file as the disk takes it, past the kernel's memory; none where that cannot be.
fn open_direct(file: &File) -> Option<File> {
    #[cfg(target_os = "linux")]
    {
        use std::os::{fd::AsRawFd, unix::fs::OpenOptionsExt};
        // Not by its name, under which another file may stand by now.
        let same = format!("/proc/self/fd/{}", file.as_raw_fd());
        File::options().write(true).custom_flags(libc::O_DIRECT).open(same).ok()
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = file;
        None
    }
}

/// Writes blocks until no more come.
fn write_blocks(
    blocks: &Receiver<Block>,
    written: &Sender<Block>,
    mut direct: Option<File>,
    file: &File,
) -> io::Result<()> {
    let mut at = 0u64;
    while let Ok(mut block) = blocks.recv() {
        let bytes = block.bytes();
        // Some file systems refuse it only when something is written.
        if direct.as_ref().is_none_or(|direct| direct.write_all_at(bytes, at).is_err()) {
            direct = None;
            file.write_all_at(bytes, at)?;
        }
        at = at.saturating_add(bytes.len() as u64);
        block.used = 0;
        // Nobody may want it any more.
        let _ = written.send(block);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn a_file_holds_what_was_appended(pieces in prop::collection::vec(prop_oneof![
            0usize..3, Just(ALIGNED), Just(BLOCK - 1), Just(BLOCK), Just(2 * BLOCK + 7), 0usize..200_000,
        ], 0..12)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            let mut expected = Vec::new();
            let mut file = BulkFile::create(&path).unwrap();
            for (length, first) in pieces.into_iter().zip(1u8..) {
                let bytes: Vec<u8> = (0..length).map(|at| first.wrapping_mul(at as u8 ^ (at >> 8) as u8)).collect();
                file.append(&bytes).unwrap();
                expected.extend(bytes);
            }
            file.finish().unwrap();
            prop_assert!(std::fs::read(&path).unwrap() == expected);
        }
    }

    #[test]
    fn a_disk_that_is_full_is_told() {
        let full = Path::new("/dev/full");
        if full.exists() {
            let mut file = BulkFile::create(full).unwrap();
            let appended = (0..8).try_for_each(|_| file.append(&vec![b'x'; BLOCK]));
            assert!(appended.is_err());
            // Who goes on all the same is told again.
            assert!(file.append(&vec![b'x'; 2 * BLOCK]).is_err());
            assert!(file.finish().is_err());
        }
    }
}
