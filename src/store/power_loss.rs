//! A disk that loses power, for tests. Only with the feature `power-loss`.
//!
//! Whatever was not synced when the power went may be on the disk afterwards or not, sector by sector, in any order;
//! a sector that was being written may hold neither the old nor the new bytes; a name that was given, or taken away,
//! in a folder that was not synced may be there or not. What was synced is there. A sync that fails leaves of what it
//! should have written a part, and the system believes the rest to be written, as Linux does.
//!
//! SQLite's files are on it through a layer below SQLite, the store's others through [`Medium`], derived files through
//! [`SimulatedFolder`]. A disk can be mounted under a folder of the system, so that all of a store is on it. [`Crashes`]
//! drives a workload into a loss of power at each of its operations and judges what is left.

mod crash;
mod folder;
mod image;
mod mounted;
mod vfs;

pub use crash::{Crash, Crashes, Event, Failure, Groups, Tally, Workload};
pub use folder::{SimulatedFolder, SimulatedReading, SimulatedWriting};
pub use image::{Loss, Manner};
pub(super) use mounted::place_at;
pub use mounted::{Mount, MountedFolder, MountedReading, MountedWriting};

use super::medium::{Access, Guard, Locked, Medium, MediumFile};
use image::{Image, Naming, Random, Write};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What goes wrong with an operation, but for a loss of power.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// An error of the medium.
    Medium,
    /// No room.
    Full,
}

/// When it goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failing {
    /// At which operation, counted like those of [`SimulatedDisk::operations`].
    pub at: u64,
    /// At that one, or at that one and all after it.
    pub times: super::Times,
    /// What.
    pub trouble: Trouble,
}

#[derive(Default)]
struct State {
    image: Image,
    operations: u64,
    off: bool,
    off_at: Option<u64>,
    failing: Option<Failing>,
    random: Random,
    locks: BTreeMap<PathBuf, String>,
    /// Counts the times that the power came back: what was opened before is of no use after.
    boots: u64,
}

type Shared = Arc<Mutex<State>>;

fn locked(shared: &Shared) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The simulated disk. Clones are the same disk.
#[derive(Clone)]
pub struct SimulatedDisk {
    shared: Shared,
    vfs: Arc<str>,
}

impl std::fmt::Debug for SimulatedDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.vfs)
    }
}

/// What becomes of an operation.
enum Fate {
    Done,
    /// The power goes while it is under way.
    InFlight,
    Fails(io::Error),
}

impl State {
    /// Counts an operation that changes the disk.
    fn step(&mut self) -> Fate {
        if self.off {
            return Fate::Fails(power_is_off());
        }
        self.operations = self.operations.saturating_add(1);
        if self.off_at.is_some_and(|at| self.operations >= at) {
            self.off = true;
            return Fate::InFlight;
        }
        let due = |failing: &Failing| match failing.times {
            super::Times::Once => self.operations == failing.at,
            super::Times::Forever => self.operations >= failing.at,
        };
        match self.failing.filter(due).map(|failing| failing.trouble) {
            None => Fate::Done,
            Some(Trouble::Full) => Fate::Fails(io::ErrorKind::StorageFull.into()),
            Some(Trouble::Medium) => Fate::Fails(io::Error::other("a simulated error of the medium")),
        }
    }

    /// An operation that takes effect, if only in the cache, also where the power goes meanwhile.
    fn change(&mut self, change: impl FnOnce(&mut Image)) -> io::Result<()> {
        match self.step() {
            Fate::Fails(error) => return Err(error),
            Fate::Done => change(&mut self.image),
            Fate::InFlight => {
                change(&mut self.image);
                return Err(power_is_off());
            }
        }
        Ok(())
    }

    fn sync_file(&mut self, file: u64) -> io::Result<()> {
        match self.step() {
            Fate::Done => self.image.sync(file),
            Fate::InFlight => return Err(power_is_off()),
            Fate::Fails(error) => {
                // What the sync did not write is forgotten: the system takes it for written.
                self.image.sync_half(file, &mut self.random);
                return Err(error);
            }
        }
        Ok(())
    }

    fn sync_folder(&mut self, folder: &Path) -> io::Result<()> {
        match self.step() {
            Fate::Done => self.image.sync_names(folder),
            Fate::InFlight => return Err(power_is_off()),
            Fate::Fails(error) => return Err(error),
        }
        Ok(())
    }

    /// A file by its name, made where it is not there and may be.
    fn find(&mut self, path: &Path, make: bool) -> io::Result<u64> {
        if self.off {
            return Err(power_is_off());
        }
        if let Some(file) = self.image.file(path) {
            return Ok(file);
        }
        if !make || !path.parent().is_some_and(|folder| self.image.is_folder(folder)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let file = self.image.unnamed_file();
        self.change(|image| image.name(Naming::File(path.to_owned(), file)))?;
        Ok(file)
    }
}

fn power_is_off() -> io::Error {
    io::Error::other("the power is off")
}

impl Default for SimulatedDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl SimulatedDisk {
    /// An empty disk. SQLite never forgets one, so use few and [`SimulatedDisk::format`] them.
    pub fn new() -> Self {
        static DISKS: AtomicU64 = AtomicU64::new(0);
        let name = format!("simulated-disk-{}", DISKS.fetch_add(1, Ordering::Relaxed));
        let shared = Shared::default();
        if let Ok(text) = CString::new(name.clone()) {
            // Where SQLite refuses it, the first connection says that there is no such layer.
            let _ = vfs::register(text, Arc::clone(&shared));
        }
        Self { shared, vfs: name.into() }
    }

    /// Empties the disk; power on, no faults, no operations counted.
    pub fn format(&self) {
        let mut state = locked(&self.shared);
        let boots = state.boots.saturating_add(1);
        *state = State { boots, ..State::default() };
    }

    /// How many operations there were since the disk was formatted: writes, syncs, and changes of names and sizes.
    pub fn operations(&self) -> u64 {
        locked(&self.shared).operations
    }

    /// The power goes while this operation is under way.
    pub fn power_off_at(&self, operation: u64) {
        locked(&self.shared).off_at = Some(operation);
    }

    /// Operations fail.
    pub fn fail(&self, failing: Option<Failing>) {
        locked(&self.shared).failing = failing;
    }

    /// The power is back, as `loss` has it: what was not synced may be lost. All that had files open has to be dropped
    /// before.
    pub fn power_on(&self, loss: Loss) {
        let mut state = locked(&self.shared);
        state.image.lose(loss);
        state.random = Random::new(loss.seed);
        state.off = false;
        state.off_at = None;
        state.locks.clear();
        state.boots = state.boots.saturating_add(1);
    }

    fn opened(&self, path: &Path, access: Access) -> io::Result<SimulatedFile> {
        let mut state = locked(&self.shared);
        let file = state.find(path, access == Access::Write)?;
        Ok(SimulatedFile { shared: Arc::clone(&self.shared), file, boots: state.boots })
    }
}

impl Medium for SimulatedDisk {
    fn vfs(&self) -> Option<&str> {
        Some(&self.vfs)
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = locked(&self.shared);
        let missing: Vec<&Path> = folder.ancestors().filter(|folder| !state.image.is_folder(folder)).collect();
        missing
            .into_iter()
            .rev()
            .try_for_each(|folder| state.change(|image| image.name(Naming::Folder(folder.to_owned()))))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        locked(&self.shared).sync_folder(folder)
    }

    fn size(&self, path: &Path) -> io::Result<Option<u64>> {
        let state = locked(&self.shared);
        if state.off {
            return Err(power_is_off());
        }
        let size = state.image.file(path).map(|file| state.image.bytes(file).len());
        let folder = state.image.is_folder(path).then_some(0);
        Ok(size.or(folder).map(|size| u64::try_from(size).unwrap_or(u64::MAX)))
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let state = locked(&self.shared);
        if state.off {
            return Err(power_is_off());
        }
        Ok(state.image.names(folder))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn MediumFile>> {
        Ok(Box::new(self.opened(path, access)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = locked(&self.shared);
        let file = state.find(from, false)?;
        state.change(|image| image.name(Naming::Renamed(from.to_owned(), to.to_owned(), file)))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = locked(&self.shared);
        match state.image.file(path) {
            Some(_) => state.change(|image| image.name(Naming::Removed(path.to_owned()))),
            None => Ok(()),
        }
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<Locked> {
        let mut state = locked(&self.shared);
        if let Some(holder) = state.locks.get(path) {
            return Ok(Locked::Theirs(holder.clone()));
        }
        state.find(path, true)?;
        state.locks.insert(path.to_owned(), holder.to_owned());
        Ok(Locked::Ours(Box::new(SimulatedGuard {
            shared: Arc::clone(&self.shared),
            path: path.to_owned(),
            boots: state.boots,
        })))
    }
}

struct SimulatedGuard {
    shared: Shared,
    path: PathBuf,
    boots: u64,
}

impl Guard for SimulatedGuard {}

impl std::fmt::Debug for SimulatedGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "lock of {}", self.path.display())
    }
}

impl Drop for SimulatedGuard {
    fn drop(&mut self) {
        let mut state = locked(&self.shared);
        if state.boots == self.boots {
            state.locks.remove(&self.path);
        }
    }
}

/// A file of the disk, until the power goes.
struct SimulatedFile {
    shared: Shared,
    file: u64,
    boots: u64,
}

impl std::fmt::Debug for SimulatedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "file {}", self.file)
    }
}

impl SimulatedFile {
    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = locked(&self.shared);
        if state.off || state.boots != self.boots { Err(power_is_off()) } else { Ok(state) }
    }
}

impl MediumFile for SimulatedFile {
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        Ok(self.state()?.image.read(self.file, offset, bytes))
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let file = self.file;
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        self.state()?.change(|image| image.write(file, Write::Bytes { offset, bytes: bytes.to_vec() }))
    }

    fn sync(&mut self) -> io::Result<()> {
        let file = self.file;
        self.state()?.sync_file(file)
    }
}

impl SimulatedFile {
    fn truncate(&self, bytes: usize) -> io::Result<()> {
        let file = self.file;
        self.state()?.change(|image| image.write(file, Write::Size(bytes)))
    }

    fn size(&self) -> io::Result<usize> {
        Ok(self.state()?.image.bytes(self.file).len())
    }
}
