//! The one that writes: takes decided entries in their order, applies them to the books, appends them to the journal,
//! many at once when they come faster than the disk.

use super::books::{Books, Violation};
use super::codec::{self, BadEntry, SCHEMA};
use super::derived::{ChargeLine, Derived, ToSeal, each_charge_line};
use super::entry::{Entry, Posted};
use super::sealer::{self, Places, ToSealer};
use crate::batch::PassError;
use crate::store::sealed::Place;
use crate::store::{self, Details, Entries, Head, Journal, StoreError, Stored};
use crossbeam::channel::{Receiver, Sender, bounded};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Entries that wait for the writer: beyond it, deciding waits.
const QUEUE: usize = 64;
/// Bytes of one transaction of the journal: more entries wait for the next one.
const MOST_BYTES_AT_ONCE: usize = 64 << 20;

/// Why the books could not be kept.
#[derive(Debug)]
pub enum PostError {
    /// The journal.
    Store(StoreError),
    /// An entry cannot follow from those before it: our own fault, or damage.
    Violation {
        /// The entry.
        seq: u64,
        /// What does not follow.
        violation: Violation,
    },
    /// An entry of another version of this program, or damage that its checksum does not show.
    Entry {
        /// The entry.
        seq: u64,
        /// What is wrong.
        error: BadEntry,
    },
    /// The reference data cannot be that of the books; the message is for people. What decided before decides still.
    Reference(String),
    /// A file beside the journal.
    Io(std::io::Error),
    /// Something asked for cannot be done; the message is for people.
    Refused(String),
}

impl fmt::Display for PostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Violation { seq, violation } => write!(f, "entry {seq} of the journal: {violation}"),
            Self::Entry { seq, error } => write!(f, "entry {seq} of the journal: {error}"),
            Self::Io(error) => error.fmt(f),
            Self::Reference(why) | Self::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for PostError {}

impl From<StoreError> for PostError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// While feeds go through, the books' error is one of the pass.
impl From<PostError> for PassError {
    fn from(error: PostError) -> Self {
        Self::Books(Box::new(error))
    }
}

impl From<PassError> for PostError {
    fn from(error: PassError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<std::io::Error> for PostError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// Entries that are decoded side by side.
const ENTRIES_AT_ONCE: usize = 64;

/// Hands on the entries of a journal from one on, without their detail, some at a time. After a failure the rest is only
/// checked.
pub(super) fn each_batch(
    journal: &dyn Entries,
    from: u64,
    take: &mut dyn FnMut(&mut Vec<Stored>) -> Result<(), PostError>,
) -> Result<(), PostError> {
    let (mut read, mut taken) = (Vec::with_capacity(ENTRIES_AT_ONCE), Ok(()));
    journal.scan(from, Details::Skip, &mut |stored| {
        read.push(stored);
        if read.len() >= ENTRIES_AT_ONCE && taken.is_ok() {
            taken = take(&mut read);
        }
        if taken.is_err() {
            read.clear();
        }
        Ok(())
    })?;
    taken.and_then(|()| take(&mut read))
}

/// Whether an entry stands in a journal behind the same entries as it did when this link of its chain was noted.
pub(super) fn has_link(journal: &dyn Entries, seq: u64, chain: &[u8; 32]) -> bool {
    seq <= journal.head().count && journal.link(seq).is_ok_and(|link| link == *chain)
}

/// The entry that was stored.
pub(super) fn decode(stored: &Stored) -> Result<Entry, PostError> {
    let seq = stored.seq;
    if !(1..=SCHEMA).contains(&stored.schema) {
        return Err(PostError::Entry { seq, error: BadEntry(format!("schema {}", stored.schema)) });
    }
    codec::decode(&stored.money).map_err(|error| PostError::Entry { seq, error })
}

/// An entry that is ready to be written.
pub(super) struct Ready {
    pub(super) entry: Entry,
    pub(super) written: store::Entry,
    pub(super) to_seal: ToSeal,
}

impl Ready {
    pub(super) fn new(entry: Entry, detail: Vec<u8>) -> Result<Self, PostError> {
        Self::keyed(entry, detail, None)
    }

    /// The same; `keys` has those of all rows of a piece where they are known.
    pub(super) fn keyed(entry: Entry, detail: Vec<u8>, keys: Option<&[u128]>) -> Result<Self, PostError> {
        let money = codec::encode(&entry).map_err(|error| PostError::Entry { seq: 0, error })?;
        let to_seal = ToSeal::of(&entry, keys)?;
        Ok(Self { entry, written: store::Entry { schema: SCHEMA, money, detail }, to_seal })
    }
}

/// What the writer is asked.
enum Ask {
    Write(Vec<Ready>),
    /// The charges of some keys, where there are such and they were not taken back.
    Find(Vec<u128>, Sender<Vec<Option<Posted>>>),
    /// Seal everything handed over before.
    Seal(Sender<()>),
    /// An entry of the journal, with its detail.
    Read(u64, Sender<Stored>),
}

/// Where the writer is reached.
#[derive(Clone)]
pub(super) struct ToWriter {
    asks: Sender<Ask>,
    /// The writer has stopped and serves nothing more.
    has_stopped: Arc<AtomicBool>,
}

impl ToWriter {
    /// Hands over entries; false where the writer has stopped: its error tells why.
    pub(super) fn write(&self, entries: Vec<Ready>) -> bool {
        self.send(Ask::Write(entries)).is_some()
    }

    /// The charges of some keys, everything handed over before included; none where the writer has stopped.
    pub(super) fn find(&self, keys: Vec<u128>) -> Option<Vec<Option<Posted>>> {
        self.ask(|answer| Ask::Find(keys, answer))
    }

    /// An entry of the journal, with its detail; none where the writer has stopped.
    pub(super) fn read(&self, seq: u64) -> Option<Stored> {
        self.ask(|answer| Ask::Read(seq, answer))
    }

    /// Has everything sealed that was handed over before; false where the writer has stopped.
    pub(super) fn seal(&self) -> bool {
        self.ask(Ask::Seal).is_some()
    }

    fn ask<A>(&self, ask: impl FnOnce(Sender<A>) -> Ask) -> Option<A> {
        let (answer, answered) = bounded(1);
        self.send(ask(answer))?;
        answered.recv().ok()
    }

    fn send(&self, ask: Ask) -> Option<()> {
        if self.has_stopped.load(Ordering::Acquire) { None } else { self.asks.send(ask).ok() }
    }
}

/// Journal and books while they are written.
pub(super) struct Writer<'w> {
    pub(super) journal: &'w mut dyn Journal,
    pub(super) books: &'w mut Books,
    pub(super) derived: &'w mut Derived,
}

impl Writer<'_> {
    /// Writes what `decide` hands over, until it ends. Its own result, or why writing stopped.
    pub(super) fn run<R: Send>(
        &mut self,
        decide: impl FnOnce(&ToWriter) -> Result<R, PostError> + Send,
    ) -> Result<R, PostError> {
        let (asks, asked) = bounded(QUEUE);
        let has_stopped = Arc::new(AtomicBool::new(false));
        let to = ToWriter { asks, has_stopped: has_stopped.clone() };
        let Self { journal, books, derived } = self;
        let (to_sealer, to_be_sealed) = sealer::queue();
        let head = journal.head();
        std::thread::scope(|scope| {
            let sealed = scope.spawn(move || to_be_sealed.serve(derived, head));
            let decided = scope.spawn(move || decide(&to));
            let mut serving = Serving { journal: &mut **journal, books, to_sealer };
            let written = serving.serve(&asked);
            // It ends when nobody asks any more.
            drop(serving);
            let sealed = sealed.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            // Whoever decides learns that nobody writes any more. What was asked before it could know is taken out of
            // the channel, which would keep it, and with it the answer that is waited for.
            has_stopped.store(true, Ordering::Release);
            while asked.recv().is_ok() {}
            let decided = decided.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            sealed?;
            written?;
            decided
        })
    }

    /// Applies, appends and seals; durable when it returns.
    pub(super) fn write(&mut self, ready: Vec<Ready>) -> Result<(), PostError> {
        let (to_seal, head) = posted(self.journal, self.books, ready)?;
        for (seq, of) in &to_seal {
            self.derived.collect(*seq, of)?;
        }
        self.derived.seal_enough(head.chain)
    }
}

/// Applies entries and appends them: what is to be sealed of them, and where the journal stands. Durable when it
/// returns.
fn posted(
    journal: &mut dyn Journal,
    books: &mut Books,
    ready: Vec<Ready>,
) -> Result<(Vec<(u64, ToSeal)>, Head), PostError> {
    let mut seq = journal.head().count;
    let mut written = Vec::with_capacity(ready.len());
    let mut to_seal = Vec::with_capacity(ready.len());
    for ready in ready {
        seq = seq.saturating_add(1);
        // What the books refuse is never written. When the disk refuses, these books are thrown away.
        books.apply(seq, &ready.entry).map_err(|violation| PostError::Violation { seq, violation })?;
        written.push(ready.written);
        to_seal.push((seq, ready.to_seal));
    }
    let head = journal.append(&written)?;
    Ok((to_seal, head))
}

/// The writer of a run, beside the one who seals.
struct Serving<'w> {
    journal: &'w mut dyn Journal,
    books: &'w mut Books,
    to_sealer: ToSealer,
}

impl Serving<'_> {
    fn serve(&mut self, asked: &Receiver<Ask>) -> Result<(), PostError> {
        let mut next = asked.recv().ok();
        while let Some(ask) = next.take() {
            match ask {
                Ask::Find(keys, answer) => {
                    let found = self.find(&keys)?;
                    let _ = answer.send(found);
                    next = asked.recv().ok();
                }
                Ask::Seal(answer) => {
                    self.to_sealer.seal().ok_or_else(seals_no_more)?;
                    let _ = answer.send(());
                    next = asked.recv().ok();
                }
                Ask::Read(seq, answer) => {
                    let _ = answer.send(self.journal.read(seq)?);
                    next = asked.recv().ok();
                }
                Ask::Write(mut ready) => {
                    let mut bytes: usize = ready.iter().map(size).sum();
                    while bytes < MOST_BYTES_AT_ONCE {
                        match asked.try_recv() {
                            Ok(Ask::Write(more)) => {
                                bytes = bytes.saturating_add(more.iter().map(size).sum());
                                ready.extend(more);
                            }
                            Ok(other) => {
                                next = Some(other);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    self.write(ready)?;
                    if next.is_none() {
                        next = asked.recv().ok();
                    }
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, ready: Vec<Ready>) -> Result<(), PostError> {
        let (to_seal, head) = posted(self.journal, self.books, ready)?;
        self.to_sealer.collect(to_seal, head).ok_or_else(seals_no_more)
    }

    fn find(&mut self, keys: &[u128]) -> Result<Vec<Option<Posted>>, PostError> {
        let wanted: Vec<u128> = keys.iter().copied().filter(|key| !self.books.reversed.contains(key)).collect();
        let places = self.to_sealer.places(wanted.clone()).ok_or_else(seals_no_more)?;
        let found = find_charges(&*self.journal, &wanted, places)?;
        Ok(keys.iter().map(|key| found.get(key).map(|(_, line)| line.posted.clone())).collect())
    }
}

/// The charges of some keys, with their places: sealed ones by their key, others by a look through what is not sealed.
fn find_charges(
    journal: &dyn Entries,
    keys: &[u128],
    (places, open_from): Places,
) -> Result<FxHashMap<u128, (Place, ChargeLine)>, PostError> {
    let mut found = FxHashMap::default();
    let read = |seq: u64, money: &[u8]| codec::decode(money).map_err(|error| PostError::Entry { seq, error });
    let mut take = |seq: u64, entry: &Entry, wanted: &FxHashSet<u128>| {
        each_charge_line(entry, &mut |index, line| {
            if !line.reversal && wanted.contains(&line.key) {
                found.insert(line.key, (Place { seq, index }, line));
            }
        });
    };
    let mut open: FxHashSet<u128> = FxHashSet::default();
    let mut by_entry: BTreeMap<u64, FxHashSet<u128>> = BTreeMap::new();
    for (key, places) in keys.iter().zip(places) {
        for place in places.into_iter().flatten() {
            by_entry.entry(place.seq).or_default().insert(*key);
        }
        // What is sealed as waiting may have been charged since.
        open.insert(*key);
    }
    for (seq, wanted) in by_entry {
        let stored = journal.read(seq)?;
        take(seq, &read(seq, &stored.money)?, &wanted);
    }
    let mut problem = Ok(());
    journal.scan(open_from, Details::Skip, &mut |stored| {
        match read(stored.seq, &stored.money) {
            Ok(entry) => take(stored.seq, &entry, &open),
            Err(error) => problem = Err(error),
        }
        Ok(())
    })?;
    problem?;
    Ok(found)
}

/// The sealer has stopped; its own error tells why.
fn seals_no_more() -> PostError {
    PostError::Refused("what is posted cannot be sealed".into())
}

fn size(ready: &Ready) -> usize {
    ready.written.money.len().saturating_add(ready.written.detail.len())
}
