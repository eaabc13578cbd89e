//! The books and what deciding remembers, as they stood after an entry: so that opening need not fold the journal from
//! its beginning. It can be made again from the journal and is never consulted for what the books say.
//!
//! Keys of records are not in it: they stand in the key runs, which cover every entry up to the snapshot's.

use super::beside::Beside;
use super::books::Books;
use super::codec;
use super::entry::{FileKey, WaitingPart};
use super::pieces::{Waits, open_part, waiting};
use super::state;
use super::writer::PostError;
use crate::batch::Memory;
use crate::book::Funds;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use std::path::Path;

pub(super) const NAME: &str = "snapshot";
const FILE: Beside = Beside { name: NAME, new_name: "snapshot.new", magic: *b"esepsnp\x03" };

/// What a snapshot holds.
#[derive(Serialize, Deserialize)]
pub(super) struct Snapshot {
    /// The last entry that is in it.
    pub(super) seq: u64,
    /// The chain after that entry.
    pub(super) chain: [u8; 32],
    /// The books.
    pub(super) books: Books,
    funds: Funds,
    parts: Vec<Part>,
    replaced: Vec<u128>,
    /// Entries that brought reference data.
    pub(super) references: Vec<u64>,
    /// Entries that moved money but for usage.
    pub(super) money: Vec<u64>,
}

/// A part of a call that waits.
#[derive(Serialize, Deserialize)]
struct Part {
    key: u128,
    content: u64,
    #[serde(with = "serde_bytes")]
    record_id: Vec<u8>,
    file: FileKey,
    line: u64,
    kept: WaitingPart,
}

/// What is written, borrowed.
#[derive(Serialize)]
struct Written<'s> {
    seq: u64,
    chain: [u8; 32],
    books: &'s Books,
    funds: &'s Funds,
    parts: Vec<Part>,
    replaced: Vec<u128>,
    references: &'s [u64],
    money: &'s [u64],
}

/// Where a snapshot stands in the journal.
pub(super) struct Stand<'s> {
    pub(super) seq: u64,
    pub(super) chain: [u8; 32],
    pub(super) references: &'s [u64],
    pub(super) money: &'s [u64],
}

/// A snapshot, to be written.
pub(super) fn of(at: &Stand<'_>, books: &Books, memory: &Memory) -> Result<Vec<u8>, PostError> {
    let parts = memory.open_calls.parts().into_iter().filter_map(|part| {
        let (file, _) = books.files.get(part.file)?;
        Some(Part {
            key: part.item.print.key,
            content: part.item.print.content,
            record_id: part.record_id.to_vec(),
            file: file.clone(),
            line: part.line,
            kept: waiting(part)?,
        })
    });
    let mut replaced: Vec<u128> = memory.replaced.iter().copied().collect();
    replaced.sort_unstable();
    let written = Written {
        seq: at.seq,
        chain: at.chain,
        books,
        funds: &memory.funds.placed(),
        parts: parts.collect(),
        replaced,
        references: at.references,
        money: at.money,
    };
    codec::encode_any(&written).map_err(|error| PostError::Entry { seq: at.seq, error })
}

/// Writes a snapshot; the one before is replaced when the new one is durable.
pub(super) fn write(folder: &Path, snapshot: &[u8]) -> Result<(), PostError> {
    FILE.write(folder, snapshot)
}

/// Reads the snapshot of a folder; none where there is none that is whole, or it is of another journal.
pub(super) fn read(folder: &Path, knows: &dyn Fn(u64, &[u8; 32]) -> bool) -> Option<(Snapshot, Memory)> {
    let mut snapshot: Snapshot = codec::decode_any(&FILE.read(folder)?).ok()?;
    if !knows(snapshot.seq, &snapshot.chain) {
        return None;
    }
    snapshot.books.index_files();
    let mut memory = state::empty(0);
    memory.funds = std::mem::take(&mut snapshot.funds);
    memory.replaced = snapshot.replaced.drain(..).collect::<FxHashSet<u128>>();
    for part in &snapshot.parts {
        let file = snapshot.books.file(&part.file) as usize;
        let at = Waits { key: part.key, content: part.content, record_id: &part.record_id, file, line: part.line };
        state::join(&mut memory, open_part(&part.kept, &at)).ok()?;
    }
    Some((snapshot, memory))
}
