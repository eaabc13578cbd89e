//! What was gathered of the lives of all accounts up to an entry, kept beside the journal: the next walk begins behind it.
//! It can be made again from the journal, and `verify` never reads it to say what the journal says.
//!
//! Numbers of a fixed width, little-endian: of a million accounts it is read in a tenth of a second.

use super::beside::Beside;
use super::codec;
use super::entry::{Brought, StatusMove, TaskDone, TaskGiven};
use super::inputs::{Inputs, Posted};
use super::life::{MoneyIn, MoneyWhat, Usage};
use super::writer::PostError;
use crate::units::{InstantMs, LocalDay, Period, Tiyn};
use rayon::prelude::*;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use std::path::Path;

const FILE: Beside = Beside { name: "gathered", new_name: "gathered.new", magic: *b"esepgth\x01" };
/// A walk through fewer entries, about half a million records, is not worth a file.
pub(super) const WORTH: u64 = 256;

/// What is kept.
pub(super) struct Gathered {
    /// The last entry that is in it.
    pub(super) seq: u64,
    /// Accounts whose usage is told by day.
    pub(super) by_day: FxHashSet<u32>,
    pub(super) usage: Vec<Usage>,
    pub(super) money: Vec<MoneyIn>,
    pub(super) moves: Vec<StatusMove>,
    pub(super) tasks: Vec<TaskGiven>,
    pub(super) done: Vec<TaskDone>,
    pub(super) postings: Vec<Posted>,
}

/// What is rare.
#[derive(Serialize, Deserialize)]
struct Rare {
    tasks: Vec<TaskGiven>,
    done: Vec<TaskDone>,
    postings: Vec<(u32, i32, u8, i64)>,
}

/// Of a fixed width.
trait Fixed: Sized + Send + Sync {
    const BYTES: usize;
    fn put(&self, out: &mut Vec<u8>);
    fn take(from: &mut &[u8]) -> Option<Self>;
}

fn word<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (word, rest) = from.split_first_chunk::<N>()?;
    *from = rest;
    Some(*word)
}

macro_rules! fixed {
    ($($of:ty),*) => {
        $(impl Fixed for $of {
            const BYTES: usize = size_of::<$of>();

            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                Some(Self::from_le_bytes(word(from)?))
            }
        })*
    };
}

fixed!(u32, i32, i64);

impl Fixed for Usage {
    const BYTES: usize = 24;

    fn put(&self, out: &mut Vec<u8>) {
        self.account.put(out);
        self.run.put(out);
        self.month.0.put(out);
        self.on.0.put(out);
        self.amount.put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let (account, run) = (u32::take(from)?, u32::take(from)?);
        let (month, on) = (Period(i32::take(from)?), LocalDay(i32::take(from)?));
        Some(Self { account, run, month, on, amount: i64::take(from)? })
    }
}

impl Fixed for MoneyIn {
    const BYTES: usize = 32;

    fn put(&self, out: &mut Vec<u8>) {
        let (kind, month) = match self.what {
            MoneyWhat::Paid => (0, 0),
            MoneyWhat::Refunded => (1, 0),
            MoneyWhat::Ahead => (2, 0),
            MoneyWhat::Owed(month) => (3, month.0),
            MoneyWhat::Brought(Brought::Doubtful) => (4, 0),
            MoneyWhat::Brought(Brought::OffBalance) => (5, 0),
            MoneyWhat::Brought(Brought::Penalty) => (6, 0),
        };
        self.account.put(out);
        self.run.put(out);
        // No instant is the least there is: years end with 9999.
        self.at.map_or(i64::MIN, |at| at.0).put(out);
        kind.put(out);
        month.put(out);
        self.amount.get().put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let (account, run, at) = (u32::take(from)?, u32::take(from)?, i64::take(from)?);
        let (kind, month) = (i32::take(from)?, i32::take(from)?);
        let what = match kind {
            0 => MoneyWhat::Paid,
            1 => MoneyWhat::Refunded,
            2 => MoneyWhat::Ahead,
            3 => MoneyWhat::Owed(Period(month)),
            4 => MoneyWhat::Brought(Brought::Doubtful),
            5 => MoneyWhat::Brought(Brought::OffBalance),
            6 => MoneyWhat::Brought(Brought::Penalty),
            _ => return None,
        };
        let at = (at != i64::MIN).then_some(InstantMs(at));
        Some(Self { account, run, at, what, amount: Tiyn::new(i64::take(from)?) })
    }
}

impl Fixed for StatusMove {
    const BYTES: usize = 20;

    fn put(&self, out: &mut Vec<u8>) {
        self.account.put(out);
        self.on.put(out);
        self.from.map_or(-1, i32::from).put(out);
        i32::from(self.to).put(out);
        u32::from(self.rule).put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let (account, on, was) = (u32::take(from)?, i32::take(from)?, i32::take(from)?);
        let to = u8::try_from(i32::take(from)?).ok()?;
        let rule = u16::try_from(u32::take(from)?).ok()?;
        Some(Self { account, on, from: u8::try_from(was).ok(), to, rule })
    }
}

fn put_all<T: Fixed>(all: &[T], out: &mut Vec<u8>) {
    out.extend_from_slice(&(all.len() as u64).to_le_bytes());
    out.reserve(all.len().saturating_mul(T::BYTES));
    all.iter().for_each(|of| of.put(out));
}

fn take_all<T: Fixed>(from: &mut &[u8]) -> Option<Vec<T>> {
    let count = usize::try_from(u64::from_le_bytes(word(from)?)).ok()?;
    let (these, rest) = from.split_at_checked(count.checked_mul(T::BYTES)?)?;
    *from = rest;
    these.par_chunks_exact(T::BYTES).map(|mut bytes| T::take(&mut bytes)).collect()
}

/// Keeps what was gathered up to an entry; what was kept before is replaced when it is durable.
pub(super) fn write(folder: &Path, (seq, chain): (u64, [u8; 32]), inputs: &Inputs) -> Result<(), PostError> {
    let mut body = Vec::new();
    body.extend_from_slice(&seq.to_le_bytes());
    body.extend_from_slice(&chain);
    let mut by_day: Vec<u32> = inputs.back.iter().copied().collect();
    by_day.sort_unstable();
    put_all(&by_day, &mut body);
    put_all(inputs.usage.all(), &mut body);
    put_all(inputs.money.all(), &mut body);
    put_all(inputs.moves.all(), &mut body);
    let postings = inputs.postings.all().iter().map(|of| (of.account, of.on, of.posting, of.asked));
    let rare =
        Rare { tasks: inputs.tasks.all().to_vec(), done: inputs.done.all().to_vec(), postings: postings.collect() };
    body.extend(codec::encode_any(&rare).map_err(|error| PostError::Entry { seq, error })?);
    FILE.write(folder, &body)
}

/// What is kept in a folder; none where there is none that is whole, or it is of another journal.
pub(super) fn read(folder: &Path, knows: &dyn Fn(u64, &[u8; 32]) -> bool) -> Option<Gathered> {
    let body = FILE.read(folder)?;
    let mut rest = body.as_slice();
    let seq = u64::from_le_bytes(word(&mut rest)?);
    if !knows(seq, &word(&mut rest)?) {
        return None;
    }
    let by_day: Vec<u32> = take_all(&mut rest)?;
    let (usage, money, moves) = (take_all(&mut rest)?, take_all(&mut rest)?, take_all(&mut rest)?);
    let Rare { tasks, done, postings } = codec::decode_any(rest).ok()?;
    let postings =
        postings.into_iter().map(|(account, on, posting, asked)| Posted { account, on, posting, asked }).collect();
    Some(Gathered { seq, by_day: by_day.into_iter().collect(), usage, money, moves, tasks, done, postings })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Folder;
    use crate::post::{HOT_KEYS_MAX, Ingest, NewEvent, Store};
    use std::sync::atomic::{AtomicBool, AtomicU64};

    fn event(account: &str, at: &str, kind: &str, reference: &str, note: &str) -> NewEvent {
        let of = |text: &str| text.to_owned();
        NewEvent {
            account_id: of(account),
            at: of(at),
            kind: of(kind),
            reference: of(reference),
            note: of(note),
            ..NewEvent::default()
        }
    }

    /// What is gathered behind what was kept is what the journal says.
    fn is_the_journal(store: &Store) {
        let (kept, whole) = (store.inputs(None).unwrap(), store.inputs_of_the_journal().unwrap());
        assert_eq!(kept.usage.all(), whole.usage.all());
        assert!(kept.is_gathered_as(&whole));
    }

    #[test]
    fn status_3_1_what_is_kept_and_what_came_behind_it_are_what_the_journal_says() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path(), "test").unwrap();
        let (folder, _) = Folder::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-cdr"));
        let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let (progress, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let how = Ingest { threads: &threads, progress: &progress, stop: &stop, hot_keys: HOT_KEYS_MAX };
        store.ingest(folder.unwrap(), &how).unwrap();
        let keep = |store: &Store| {
            let head = store.entries();
            let at = (head, store.journal().link(head).unwrap());
            write(dir.path(), at, &store.inputs_of_the_journal().unwrap()).unwrap();
        };
        let day = |text: &str| LocalDay::parse(text).unwrap();
        let used = |store: &Store, id: &str| {
            let inputs = store.inputs(None).unwrap();
            inputs.usage.of(store.account_no(id).unwrap().0).len()
        };
        keep(&store);
        is_the_journal(&store);
        store.record_statuses(day("2026-03-31")).unwrap();
        is_the_journal(&store);
        keep(&store);
        // A client comes back: what was used is told by day, also what was kept by month.
        let by_month = used(&store, "A-0001");
        let on = "2026-03-31";
        let order = |kind: &str| event("A-0001", on, kind, "N-1", "");
        let closing = [
            event("A-0001", on, "refusal_applied", on, ""),
            order("removal_order_opened"),
            order("removal_order_closed"),
            event("A-0001", on, "contract_terminated", "", "refusal"),
        ];
        store.add_events(&closing).unwrap();
        store.add_events(&[event("A-0001", "2026-04-01", "reapplied", "", "receipt")]).unwrap();
        is_the_journal(&store);
        assert!(used(&store, "A-0001") > by_month, "{by_month}");
        keep(&store);
        store.record_statuses(day("2026-04-30")).unwrap();
        is_the_journal(&store);
        // Damaged, or of another journal, it is none.
        let path = dir.path().join(FILE.name);
        let mut bytes = std::fs::read(&path).unwrap();
        let knows = |_: u64, _: &[u8; 32]| true;
        assert!(read(dir.path(), &knows).is_some() && read(dir.path(), &|_, _| false).is_none());
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(read(dir.path(), &knows).is_none());
        is_the_journal(&store);
        for cut in [0, 7, 30, last] {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            assert!(read(dir.path(), &knows).is_none(), "{cut}");
        }
    }
}
