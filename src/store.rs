//! The journal: a durable, append-only sequence of opaque entries, each checksummed and chained by hash to the one
//! before.
//!
//! Nothing here knows what an entry says. An entry has two parts, `money` and `detail`, hashed apart, so that old
//! detail may be purged and the chain stays whole and provable. [`SqliteJournal`] is the real container,
//! [`MemoryJournal`] one without a disk, and [`FaultyJournal`] fails where a test tells it to.
//!
//! Source: decision 0029.

mod chain;
mod check;
mod connection;
mod copy;
pub mod disk;
mod error;
mod faulty;
mod head_file;
pub mod keys;
mod log_file;
mod make;
pub mod medium;
mod memory;
mod part;
mod parts_file;
mod place;
mod planted;
#[cfg(feature = "power-loss")]
pub mod power_loss;
mod rows;
pub mod sealed;
pub mod segments;
mod sqlite;

pub use check::{Checked, check};
pub use copy::copy;
pub use error::StoreError;
pub use faulty::{Fault, FaultyJournal, Operation, Times};
pub use memory::MemoryJournal;
pub use part::Part;
pub use place::Place;
#[doc(hidden)]
pub use planted::Bug;
pub use sqlite::{SqliteJournal, SqliteReader};

/// The most bytes that one part of an entry may have: 256 MiB. So a reader's memory is bounded whatever a file says.
pub const PART_BYTES_MAX: usize = 256 << 20;

/// What one step decided, in two parts, so that old detail may be purged and the chain stays whole.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Entry {
    /// The version of the encoding of both parts, for the room that decodes them.
    pub schema: u16,
    /// What is kept for ever; at most [`PART_BYTES_MAX`].
    pub money: Part,
    /// What may be purged; at most [`PART_BYTES_MAX`].
    pub detail: Part,
}

impl Entry {
    /// Bytes of both parts.
    pub fn bytes(&self) -> usize {
        self.money.len().saturating_add(self.detail.len())
    }
}

/// Where a journal stands after its last entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Head {
    /// How many entries there are; they are numbered from 1. At most `i64::MAX`.
    pub count: u64,
    /// The link of the last entry, which depends on every entry before it; zeros where there is none.
    pub chain: [u8; 32],
}

/// An entry as it was read, its hashes and its link checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// Its number, from 1 without a hole.
    pub seq: u64,
    /// See [`Entry::schema`].
    pub schema: u16,
    /// See [`Entry::money`].
    pub money: Vec<u8>,
    /// None: purged, or not asked for.
    pub detail: Option<Vec<u8>>,
}

/// Whether details are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Details {
    /// And checked.
    Read,
    /// Neither read nor checked: a fold of the money needs none.
    Skip,
}

/// Takes the entries of a scan, in order. What it refuses ends the scan with that error.
pub type Each<'a> = dyn FnMut(Stored) -> Result<(), StoreError> + 'a;

/// Entries that can be read.
pub trait Entries {
    /// Where the journal stands: what may be read.
    fn head(&self) -> Head;

    /// One entry with its detail; its parts are checked against their hashes, its link against itself and the entry
    /// before. Fails for a number that is not in `1..=count`, and for damage.
    fn read(&self, seq: u64) -> Result<Stored, StoreError>;

    /// The entries `from..=count` in order, each checked as by [`Entries::read`]. From beyond the end on there are
    /// none.
    fn scan(&self, from: u64, details: Details, each: &mut Each<'_>) -> Result<(), StoreError>;

    /// The link of the chain after an entry; zeros after entry 0.
    fn link(&self, seq: u64) -> Result<[u8; 32], StoreError>;
}

/// Entries that can be read and appended to.
pub trait Journal: Entries {
    /// Appends all of them or none; they are durable when it returns. An error tells whether to try again
    /// ([`StoreError::is_passing`]); after any other, open the journal anew and see what it holds.
    fn append(&mut self, entries: &[Entry]) -> Result<Head, StoreError>;
}
