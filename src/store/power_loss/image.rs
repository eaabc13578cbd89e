//! What is on the disk, what is in the cache above it, and what a loss of power leaves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How the power was lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Loss {
    /// Which of all that may be left is left.
    pub seed: u64,
    /// What the disk writes whole or not at all, but where [`Manner::Torn`]: 512 or 4096 bytes.
    pub sector_bytes: usize,
    /// How much is left.
    pub manner: Manner,
}

/// How much of what was not synced is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// Nothing.
    Nothing,
    /// All of it.
    Everything,
    /// Each sector, size and name as a coin falls.
    Half,
    /// Nearly all: each is lost with one chance in sixteen.
    Most,
    /// Nearly nothing: each is left with one chance in sixteen.
    Few,
    /// What was written first, up to some operation, and of that one some sectors.
    Earlier,
    /// What was written last, from some operation on.
    Later,
    /// Each sector as a coin falls, and some hold bytes that no one wrote; sizes without their content.
    Torn,
}

impl Manner {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Nothing, Self::Everything, Self::Half, Self::Most, Self::Few, Self::Earlier, Self::Later, Self::Torn];
}

impl Loss {
    /// One of all losses, by a number.
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let manner = usize::try_from(random.below(8)).ok().and_then(|at| Manner::ALL.get(at).copied());
        let sector_bytes = if random.below(2) == 0 { 512 } else { 4096 };
        Self { seed: random.next(), sector_bytes, manner: manner.unwrap_or(Manner::Half) }
    }
}

/// SplitMix64: small, and the same everywhere.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }
}

/// A change of a file that may not be durable yet.
#[derive(Clone, Debug)]
pub(super) enum Write {
    Bytes { offset: usize, bytes: Vec<u8> },
    Size(usize),
}

/// A change of a folder that may not be durable yet.
#[derive(Clone, Debug)]
pub(super) enum Naming {
    Folder(PathBuf),
    File(PathBuf, u64),
    Renamed(PathBuf, PathBuf, u64),
    Removed(PathBuf),
}

#[derive(Clone, Default)]
pub(super) struct File {
    /// As programs see it.
    now: Vec<u8>,
    /// As it is on the disk.
    durable: Vec<u8>,
    /// What leads from the one to the other.
    pending: Vec<Write>,
}

/// A name's meaning: a folder or a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Named {
    Folder,
    File(u64),
}

type Names = BTreeMap<PathBuf, Named>;

#[derive(Default)]
pub(super) struct Image {
    files: BTreeMap<u64, File>,
    next_file: u64,
    now: Names,
    durable: Names,
    pending: Vec<Naming>,
}

fn apply(bytes: &mut Vec<u8>, write: &Write) {
    match write {
        Write::Size(size) => bytes.resize(*size, 0),
        Write::Bytes { offset, bytes: written } => {
            let end = offset.saturating_add(written.len());
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            if let Some(place) = bytes.get_mut(*offset..end) {
                place.copy_from_slice(written);
            }
        }
    }
}

fn rename(names: &mut Names, naming: &Naming) {
    match naming {
        Naming::Folder(path) => {
            names.insert(path.clone(), Named::Folder);
        }
        Naming::File(path, file) => {
            names.insert(path.clone(), Named::File(*file));
        }
        Naming::Renamed(from, to, file) => {
            names.remove(from);
            names.insert(to.clone(), Named::File(*file));
        }
        Naming::Removed(path) => {
            names.remove(path);
        }
    }
}

impl Naming {
    /// Whether a sync of the folder makes it durable.
    fn is_in(&self, folder: &Path) -> bool {
        match self {
            Self::Folder(path) | Self::File(path, _) | Self::Removed(path) => path.parent() == Some(folder),
            Self::Renamed(from, to, _) => [from, to].iter().any(|path| path.parent() == Some(folder)),
        }
    }
}

impl Image {
    pub(super) fn is_folder(&self, path: &Path) -> bool {
        path.parent().is_none() || self.now.get(path) == Some(&Named::Folder)
    }

    pub(super) fn file(&self, path: &Path) -> Option<u64> {
        match self.now.get(path) {
            Some(Named::File(file)) => Some(*file),
            Some(Named::Folder) | None => None,
        }
    }

    pub(super) fn names(&self, folder: &Path) -> Vec<String> {
        let inside = self.now.keys().filter(|path| path.parent() == Some(folder));
        inside.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect()
    }

    pub(super) fn bytes(&self, file: u64) -> &[u8] {
        self.files.get(&file).map_or(&[], |file| &file.now)
    }

    pub(super) fn read(&self, file: u64, offset: u64, into: &mut [u8]) -> usize {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.bytes(file).get(offset..)).unwrap_or_default();
        let pairs = into.len().min(rest.len());
        if let (Some(into), Some(rest)) = (into.get_mut(..pairs), rest.get(..pairs)) {
            into.copy_from_slice(rest);
        }
        pairs
    }

    /// A file that has no name yet.
    pub(super) fn unnamed_file(&mut self) -> u64 {
        self.next_file = self.next_file.saturating_add(1);
        self.files.insert(self.next_file, File::default());
        self.next_file
    }

    pub(super) fn name(&mut self, naming: Naming) {
        rename(&mut self.now, &naming);
        self.pending.push(naming);
    }

    pub(super) fn write(&mut self, file: u64, write: Write) {
        let file = self.files.entry(file).or_default();
        apply(&mut file.now, &write);
        file.pending.push(write);
    }

    pub(super) fn sync(&mut self, file: u64) {
        let file = self.files.entry(file).or_default();
        for write in file.pending.drain(..) {
            apply(&mut file.durable, &write);
        }
    }

    /// A part of what is pending becomes durable, and the rest never does.
    pub(super) fn sync_half(&mut self, file: u64, random: &mut Random) {
        let file = self.files.entry(file).or_default();
        file.lose(Loss { seed: random.next(), sector_bytes: 4096, manner: Manner::Half }, random);
        file.pending.clear();
    }

    pub(super) fn sync_names(&mut self, folder: &Path) {
        let durable = &mut self.durable;
        self.pending.retain(|naming| {
            let done = naming.is_in(folder);
            if done {
                rename(durable, naming);
            }
            !done
        });
    }

    /// What is left when the power went.
    pub(super) fn lose(&mut self, loss: Loss) {
        let mut random = Random::new(loss.seed);
        let count = self.pending.len();
        let cut = cut(count, &mut random);
        for (at, naming) in std::mem::take(&mut self.pending).iter().enumerate() {
            if survives(loss.manner, at, cut, &mut random) {
                rename(&mut self.durable, naming);
            }
        }
        // What is in a folder that is not there is not there either.
        let folders = self.durable.clone();
        self.durable.retain(|path, _| {
            path.ancestors().skip(1).all(|folder| folder.parent().is_none() || folders.contains_key(folder))
        });
        self.now.clone_from(&self.durable);
        let named: Vec<u64> = self
            .durable
            .values()
            .filter_map(|named| match named {
                Named::File(file) => Some(*file),
                Named::Folder => None,
            })
            .collect();
        self.files.retain(|file, _| named.contains(file));
        for file in self.files.values_mut() {
            file.lose(loss, &mut random);
            file.pending.clear();
            file.now.clone_from(&file.durable);
        }
    }
}

fn cut(count: usize, random: &mut Random) -> usize {
    let bound = u64::try_from(count).unwrap_or(u64::MAX).saturating_add(1);
    usize::try_from(random.below(bound)).unwrap_or(0)
}

/// Whether a change, the `at`th of its file or of all names, is left.
fn survives(manner: Manner, at: usize, cut: usize, random: &mut Random) -> bool {
    let coin = random.below(16);
    match manner {
        Manner::Nothing => false,
        Manner::Everything => true,
        Manner::Half | Manner::Torn => coin < 8,
        Manner::Most => coin < 15,
        Manner::Few => coin < 1,
        // Of the operation at the cut some sectors are left.
        Manner::Earlier => at < cut || at == cut && coin < 8,
        Manner::Later => at > cut || at == cut && coin < 8,
    }
}

impl File {
    fn lose(&mut self, loss: Loss, random: &mut Random) {
        let cut = cut(self.pending.len(), random);
        for (at, write) in self.pending.iter().enumerate() {
            match write {
                Write::Size(_) => {
                    if survives(loss.manner, at, cut, random) {
                        apply(&mut self.durable, write);
                    }
                }
                Write::Bytes { offset, bytes } => {
                    let mut from = *offset;
                    for sector in sectors(*offset, bytes, loss.sector_bytes) {
                        let end = from.saturating_add(sector.len());
                        let part = |bytes: Vec<u8>| Write::Bytes { offset: from, bytes };
                        if survives(loss.manner, at, cut, random) {
                            apply(&mut self.durable, &part(sector.to_vec()));
                        } else if loss.manner == Manner::Torn && random.below(4) == 0 {
                            let noise = sector.iter().map(|_| random.next().to_le_bytes()[0]).collect();
                            apply(&mut self.durable, &part(noise));
                        } else if loss.manner == Manner::Torn && random.below(4) == 0 && self.durable.len() < end {
                            apply(&mut self.durable, &Write::Size(end));
                        }
                        from = end;
                    }
                }
            }
        }
    }
}

/// The bytes of a write, cut where sectors of the disk begin.
fn sectors(offset: usize, bytes: &[u8], sector_bytes: usize) -> impl Iterator<Item = &[u8]> {
    let before = offset.checked_rem(sector_bytes).map_or(0, |into| sector_bytes.saturating_sub(into));
    let (head, rest) = bytes.split_at_checked(before).unwrap_or((bytes, &[]));
    std::iter::once(head).filter(|head| !head.is_empty()).chain(rest.chunks(sector_bytes.max(1)))
}
