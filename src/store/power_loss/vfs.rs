//! The simulated disk as a layer below SQLite.
//!
//! As SQLite's own layer for Unix does, it syncs the folder of a log or journal that it made when that is first
//! synced; and it has the shared memory that a log's index needs, so that the store runs in the mode in which it runs
//! on a real disk, readers beside the writer included.

use super::{Medium, MediumFile, Shared, SimulatedDisk, SimulatedFile, locked};
use sqlite_plugin::flags::{AccessFlags, LockLevel, OpenKind, OpenMode, OpenOpts, ShmLockMode};
use sqlite_plugin::vars;
use sqlite_plugin::vfs::{RegisterOpts, Vfs, VfsHandle, VfsResult, register_static};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Locks of a log's index.
const INDEX_LOCKS: usize = 8;

pub(super) fn register(name: CString, shared: Shared) -> VfsResult<()> {
    let layer = Layer { disk: SimulatedDisk { shared, vfs: "".into() }, open: Mutex::default() };
    register_static(name, layer, RegisterOpts { make_default: false }).map(|_| ())
}

struct Layer {
    disk: SimulatedDisk,
    open: Mutex<Open>,
}

/// What open files share, until the power goes.
#[derive(Default)]
struct Open {
    boots: u64,
    next_handle: u64,
    /// Who has which lock of a file.
    locks: BTreeMap<PathBuf, BTreeMap<u64, LockLevel>>,
    indexes: BTreeMap<PathBuf, Index>,
    /// Memory of indexes that are no longer used: never given back, since SQLite had its address.
    spare: Vec<&'static [AtomicU64]>,
}

/// The index of a log: memory that all connections to it share.
#[derive(Default)]
struct Index {
    regions: Vec<&'static [AtomicU64]>,
    /// Who has which lock: shared by some, or one alone.
    locks: [Vec<(u64, bool)>; INDEX_LOCKS],
    users: Vec<u64>,
}

struct Handle {
    number: u64,
    path: PathBuf,
    file: Option<SimulatedFile>,
    /// Its folder is synced with it the next time.
    new: bool,
    read_only: bool,
    delete_on_close: bool,
}

impl VfsHandle for Handle {
    fn readonly(&self) -> bool {
        self.read_only
    }

    fn in_memory(&self) -> bool {
        false
    }
}

/// As SQLite's own layer has it, only a write tells that there is no room.
fn of_write(error: &io::Error) -> i32 {
    if error.kind() == io::ErrorKind::StorageFull { vars::SQLITE_FULL } else { vars::SQLITE_IOERR_WRITE }
}

fn code(code: i32) -> impl Fn(io::Error) -> i32 {
    move |_| code
}

fn file(handle: &mut Handle) -> VfsResult<&mut SimulatedFile> {
    handle.file.as_mut().ok_or(vars::SQLITE_IOERR)
}

impl Layer {
    /// What is open since the power came back.
    fn open_now(&self) -> MutexGuard<'_, Open> {
        let boots = locked(&self.disk.shared).boots;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.boots != boots {
            open.boots = boots;
            open.locks.clear();
            for (_, index) in std::mem::take(&mut open.indexes) {
                open.spare.extend(index.regions);
            }
        }
        open
    }
}

impl Vfs for Layer {
    type Handle = Handle;

    fn open(&self, path: Option<&str>, opts: OpenOpts) -> VfsResult<Handle> {
        let (create, read_only) = match opts.mode() {
            OpenMode::ReadOnly => (false, true),
            OpenMode::ReadWrite { create } => (create != sqlite_plugin::flags::CreateMode::None, false),
        };
        let mut open = self.open_now();
        open.next_handle = open.next_handle.wrapping_add(1);
        let number = open.next_handle;
        // A file without a name is SQLite's own, for what it sorts; no test gets there with a store.
        let path = path.map(PathBuf::from).ok_or(vars::SQLITE_CANTOPEN)?;
        let mut state = locked(&self.disk.shared);
        let new = state.image.file(&path).is_none();
        let file = state.find(&path, create).map_err(code(vars::SQLITE_CANTOPEN))?;
        let file = SimulatedFile { shared: Arc::clone(&self.disk.shared), file, boots: state.boots };
        let logs = matches!(opts.kind(), OpenKind::Wal | OpenKind::MainJournal | OpenKind::SuperJournal);
        let delete_on_close = opts.delete_on_close();
        Ok(Handle { number, path, file: Some(file), new: new && logs, read_only, delete_on_close })
    }

    fn delete(&self, path: &str) -> VfsResult<()> {
        let path = Path::new(path);
        match self.disk.size(path).map_err(code(vars::SQLITE_IOERR_DELETE))? {
            Some(_) => self.disk.remove(path).map_err(code(vars::SQLITE_IOERR_DELETE)),
            None => Err(vars::SQLITE_IOERR_DELETE_NOENT),
        }
    }

    fn access(&self, path: &str, flags: AccessFlags) -> VfsResult<bool> {
        let size = self.disk.size(Path::new(path)).map_err(code(vars::SQLITE_IOERR_ACCESS))?;
        // As SQLite's own layer has it, an empty file does not count as one that exists.
        Ok(size.is_some_and(|size| size > 0 || flags != AccessFlags::Exists))
    }

    fn file_size(&self, handle: &mut Handle) -> VfsResult<usize> {
        file(handle)?.size().map_err(code(vars::SQLITE_IOERR_FSTAT))
    }

    fn truncate(&self, handle: &mut Handle, size: usize) -> VfsResult<()> {
        file(handle)?.truncate(size).map_err(code(vars::SQLITE_IOERR_TRUNCATE))
    }

    fn write(&self, handle: &mut Handle, offset: usize, data: &[u8]) -> VfsResult<usize> {
        let offset = u64::try_from(offset).map_err(|_| vars::SQLITE_IOERR_WRITE)?;
        file(handle)?.write_at(offset, data).map_err(|error| of_write(&error))?;
        Ok(data.len())
    }

    fn read(&self, handle: &mut Handle, offset: usize, data: &mut [u8]) -> VfsResult<usize> {
        let offset = u64::try_from(offset).map_err(|_| vars::SQLITE_IOERR_READ)?;
        file(handle)?.read_at(offset, data).map_err(code(vars::SQLITE_IOERR_READ))
    }

    fn lock(&self, handle: &mut Handle, level: LockLevel) -> VfsResult<()> {
        let mut open = self.open_now();
        let locks = open.locks.entry(handle.path.clone()).or_default();
        let mut others = locks.iter().filter(|(number, _)| **number != handle.number).map(|(_, level)| *level);
        let refused = match level {
            LockLevel::Unlocked => false,
            LockLevel::Shared => others.any(|other| other >= LockLevel::Pending),
            LockLevel::Reserved | LockLevel::Pending => others.any(|other| other >= LockLevel::Reserved),
            LockLevel::Exclusive => others.any(|other| other >= LockLevel::Shared),
        };
        if refused {
            return Err(vars::SQLITE_BUSY);
        }
        locks.insert(handle.number, level);
        Ok(())
    }

    fn unlock(&self, handle: &mut Handle, level: LockLevel) -> VfsResult<()> {
        let mut open = self.open_now();
        open.locks.entry(handle.path.clone()).or_default().insert(handle.number, level);
        Ok(())
    }

    fn check_reserved_lock(&self, handle: &mut Handle) -> VfsResult<bool> {
        let open = self.open_now();
        let locks = open.locks.get(&handle.path);
        Ok(locks.is_some_and(|locks| locks.values().any(|level| *level >= LockLevel::Reserved)))
    }

    fn sync(&self, handle: &mut Handle) -> VfsResult<()> {
        file(handle)?.sync().map_err(code(vars::SQLITE_IOERR_FSYNC))?;
        if std::mem::take(&mut handle.new) {
            let folder = handle.path.parent().unwrap_or(Path::new(""));
            self.disk.sync_folder(folder).map_err(code(vars::SQLITE_IOERR_DIR_FSYNC))?;
        }
        Ok(())
    }

    fn close(&self, handle: Handle) -> VfsResult<()> {
        let mut open = self.open_now();
        if let Some(locks) = open.locks.get_mut(&handle.path) {
            locks.remove(&handle.number);
        }
        drop(open);
        if handle.delete_on_close {
            self.disk.remove(&handle.path).map_err(code(vars::SQLITE_IOERR_DELETE))?;
        }
        Ok(())
    }

    fn sector_size(&self, _: &mut Handle) -> VfsResult<i32> {
        Ok(4096)
    }

    fn device_characteristics(&self, _: &mut Handle) -> VfsResult<i32> {
        // What SQLite takes for granted on a real disk: a write changes no byte beside those that it writes.
        Ok(vars::SQLITE_IOCAP_POWERSAFE_OVERWRITE)
    }

    fn shm_map(&self, handle: &mut Handle, region: usize, bytes: usize, _: bool) -> VfsResult<Option<NonNull<u8>>> {
        let mut open = self.open_now();
        let open = &mut *open;
        let index = open.indexes.entry(handle.path.clone()).or_default();
        if !index.users.contains(&handle.number) {
            index.users.push(handle.number);
        }
        let words = bytes.div_ceil(size_of::<u64>());
        while index.regions.len() <= region {
            let place = open.spare.iter().position(|spare| spare.len() == words);
            let memory: &'static [AtomicU64] = match place.map(|place| open.spare.swap_remove(place)) {
                Some(memory) => memory,
                None => Box::leak((0..words).map(|_| AtomicU64::new(0)).collect()),
            };
            memory.iter().for_each(|word| word.store(0, Ordering::SeqCst));
            index.regions.push(memory);
        }
        Ok(index.regions.get(region).map(|memory| NonNull::from(*memory).cast()))
    }

    fn shm_lock(&self, handle: &mut Handle, offset: u32, count: u32, mode: ShmLockMode) -> VfsResult<()> {
        let mut open = self.open_now();
        let index = open.indexes.entry(handle.path.clone()).or_default();
        let from = usize::try_from(offset).map_err(|_| vars::SQLITE_IOERR)?;
        let until = from.saturating_add(usize::try_from(count).map_err(|_| vars::SQLITE_IOERR)?);
        let locks = index.locks.get_mut(from..until).ok_or(vars::SQLITE_IOERR)?;
        let number = handle.number;
        let exclusive = match mode {
            ShmLockMode::UnlockShared | ShmLockMode::UnlockExclusive => {
                locks.iter_mut().for_each(|holders| holders.retain(|(holder, _)| *holder != number));
                return Ok(());
            }
            ShmLockMode::LockShared => false,
            ShmLockMode::LockExclusive => true,
        };
        let clashes = |(holder, alone): &(u64, bool)| *holder != number && (exclusive || *alone);
        if locks.iter().any(|holders| holders.iter().any(clashes)) {
            return Err(vars::SQLITE_BUSY);
        }
        locks.iter_mut().for_each(|holders| holders.push((number, exclusive)));
        Ok(())
    }

    fn shm_barrier(&self, _: &mut Handle) {
        std::sync::atomic::fence(Ordering::SeqCst);
    }

    fn shm_unmap(&self, handle: &mut Handle, delete: bool) -> VfsResult<()> {
        let mut open = self.open_now();
        let open = &mut *open;
        let Some(index) = open.indexes.get_mut(&handle.path) else { return Ok(()) };
        index.users.retain(|user| *user != handle.number);
        for holders in &mut index.locks {
            holders.retain(|(holder, _)| *holder != handle.number);
        }
        if delete || index.users.is_empty() {
            let index = open.indexes.remove(&handle.path).unwrap_or_default();
            open.spare.extend(index.regions);
        }
        Ok(())
    }
}
