use super::{Disk, Reading, Writing};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A folder in memory that forgets what was not synced when its power goes, and fails where a test tells it to.
///
/// It is harsher than file systems are: each change of a name that was not synced is kept or lost by itself, and of
/// bytes that were not synced any part is kept, with zeros or other bytes behind it.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

/// When operations of a [`MemoryDisk`] fail. They are counted from 1; reading counts too.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Loss {
    /// Never.
    #[default]
    Never,
    /// The operation of this number fails, the ones after it do not.
    Once(u64),
    /// Power goes in the operation of this number: it may be done in part, and every one after it fails.
    Power(u64),
}

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<String, usize>,
    /// Names as they are on the disk for certain.
    synced_names: BTreeMap<String, usize>,
    /// What was done to names since.
    changes: Vec<Change>,
    files: Vec<Inode>,
    loss: Loss,
    operations: u64,
}

#[derive(Clone, Debug, Default)]
struct Inode {
    bytes: Vec<u8>,
    /// So many bytes are on the disk for certain.
    synced: usize,
}

#[derive(Clone, Debug)]
enum Change {
    Named(String, usize),
    Renamed(String, String, usize),
    Removed(String),
}

impl MemoryDisk {
    /// An empty folder.
    pub fn new() -> Self {
        Self::default()
    }

    /// When operations fail from now on; the count begins anew.
    pub fn set_loss(&self, loss: Loss) {
        let mut state = self.lock();
        (state.loss, state.operations) = (loss, 0);
    }

    /// How many operations there were since [`MemoryDisk::set_loss`].
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// The folder as it is found when power is back: what was synced, and of the rest what the seed says.
    pub fn after_power_loss(&self, seed: u64) -> Self {
        let state = self.lock();
        let mut dice = Dice(seed);
        let mut names = state.synced_names.clone();
        for change in &state.changes {
            if dice.roll(2) == 0 {
                continue;
            }
            match change {
                Change::Named(name, file) => drop(names.insert(name.clone(), *file)),
                Change::Renamed(from, to, file) => {
                    names.remove(from);
                    names.insert(to.clone(), *file);
                }
                Change::Removed(name) => drop(names.remove(name)),
            }
        }
        let files = state.files.iter().map(|file| file.after_power_loss(&mut dice)).collect();
        let state = State { synced_names: names.clone(), names, files, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The bytes of a file.
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.lock();
        state.names.get(name).and_then(|file| state.files.get(*file)).map(|file| file.bytes.clone())
    }

    /// Puts a file in its place, durable at once.
    pub fn set_bytes(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.lock();
        let file = state.files.len();
        state.files.push(Inode { synced: bytes.len(), bytes });
        state.names.insert(name.to_owned(), file);
        state.synced_names.insert(name.to_owned(), file);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done by a thread that panicked: each operation is one change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state for the next operation, or the error that it meets.
    fn operate(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.lock();
        state.operations = state.operations.saturating_add(1);
        match state.loss {
            Loss::Once(at) if at == state.operations => Err(io::Error::other("made to fail")),
            Loss::Power(at) if at <= state.operations => Err(io::Error::other("the power is off")),
            Loss::Never | Loss::Once(_) | Loss::Power(_) => Ok(state),
        }
    }
}

impl State {
    fn file(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

impl Inode {
    /// The bytes that are found after power was lost.
    fn after_power_loss(&self, dice: &mut Dice) -> Self {
        let unsynced = self.bytes.len().saturating_sub(self.synced);
        let kept = self.synced.saturating_add(dice.roll(unsynced.saturating_add(1)));
        let mut bytes = self.bytes.get(..kept).unwrap_or_default().to_vec();
        let rest = self.bytes.len().saturating_sub(kept);
        match dice.roll(3) {
            // The length was written, the bytes were not.
            0 => bytes.resize(bytes.len().saturating_add(rest), 0),
            1 => bytes.extend((0..rest).map(|_| dice.roll(256) as u8)),
            _ => {}
        }
        Self { synced: bytes.len(), bytes }
    }
}

/// Numbers from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    /// A number below `sides`; 0 where there are none.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((u128::from(mixed ^ mixed >> 31).wrapping_mul(sides as u128)) >> 64) as usize
    }
}

/// A file of a [`MemoryDisk`].
#[derive(Clone, Debug)]
pub struct MemoryFile {
    disk: MemoryDisk,
    file: usize,
}

impl Disk for MemoryDisk {
    type Writing = MemoryFile;
    type Reading = MemoryFile;

    fn create(&self, name: &str) -> io::Result<MemoryFile> {
        let mut state = self.operate()?;
        let file = state.files.len();
        state.files.push(Inode::default());
        state.names.insert(name.to_owned(), file);
        state.changes.push(Change::Named(name.to_owned(), file));
        Ok(MemoryFile { disk: self.clone(), file })
    }

    fn open(&self, name: &str) -> io::Result<MemoryFile> {
        let file = self.operate()?.file(name)?;
        Ok(MemoryFile { disk: self.clone(), file })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.operate()?;
        let file = state.file(from)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), file);
        state.changes.push(Change::Renamed(from.to_owned(), to.to_owned(), file));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.operate()?;
        state.file(name)?;
        state.names.remove(name);
        state.changes.push(Change::Removed(name.to_owned()));
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.operate()?.names.keys().cloned().collect())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.operate()?;
        state.synced_names = state.names.clone();
        state.changes.clear();
        Ok(())
    }
}

impl Writing for MemoryFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        // What is written while power goes is in the file, not synced: after the loss any part of it may be there.
        let result = self.disk.operate().map(drop);
        let mut state = self.disk.lock();
        let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
        if let Some(file) = state.files.get_mut(self.file) {
            file.bytes.extend_from_slice(if result.is_ok() { bytes } else { half });
        }
        result
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.operate()?;
        if let Some(file) = state.files.get_mut(self.file) {
            file.synced = file.bytes.len();
        }
        Ok(())
    }
}

impl Reading for MemoryFile {
    fn length(&self) -> io::Result<u64> {
        let state = self.disk.operate()?;
        Ok(state.files.get(self.file).map_or(0, |file| file.bytes.len() as u64))
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let state = self.disk.operate()?;
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let part = state.files.get(self.file).and_then(|file| file.bytes.get(from..from.checked_add(bytes.len())?));
        bytes.copy_from_slice(part.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?);
        Ok(())
    }
}
