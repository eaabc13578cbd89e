//! The one that writes: takes decided entries in their order, applies them to the books and, beside that, appends those
//! that the books took to the journal, many at once when they come faster than the disk.

use super::books::{Books, Violation};
use super::codec::{self, BadEntry, SCHEMA};
use super::derived::{ChargeLine, Derived, ToSeal, each_charge_line};
use super::entry::{Entry, Posted};
use super::queue::{Asked, Asks, queue};
use super::sealer::{self, Places, ToSealer};
use crate::batch::PassError;
use crate::store::sealed::Place;
use crate::store::{self, Details, Entries, Head, Journal, StoreError, Stored};
use crossbeam::channel::Sender;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::fmt;
use std::thread::ScopedJoinHandle;

/// Entries that wait for the books: beyond it, deciding waits.
const TO_BOOKS: usize = 16;
/// Entries that the books took and that wait for the journal: beyond it, the books wait.
const TO_JOURNAL: usize = 128;
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
        let written = store::Entry { schema: SCHEMA, money: money.into(), detail: detail.into() };
        Ok(Self { entry, written, to_seal })
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
pub(super) struct ToWriter(Asks<Ask>);

impl ToWriter {
    /// Hands over entries; false where the writer has stopped: its error tells why.
    pub(super) fn write(&self, entries: Vec<Ready>) -> bool {
        self.0.send(Ask::Write(entries)).is_some()
    }

    /// The charges of some keys, everything handed over before included; none where the writer has stopped.
    pub(super) fn find(&self, keys: Vec<u128>) -> Option<Vec<Option<Posted>>> {
        self.0.ask(|answer| Ask::Find(keys, answer))
    }

    /// An entry of the journal, with its detail; none where the writer has stopped.
    pub(super) fn read(&self, seq: u64) -> Option<Stored> {
        self.0.ask(|answer| Ask::Read(seq, answer))
    }

    /// Has everything sealed that was handed over before; false where the writer has stopped.
    pub(super) fn seal(&self) -> bool {
        self.0.ask(Ask::Seal).is_some()
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
        let (asks, asked) = queue(TO_BOOKS);
        let (to_journal, steps) = queue(TO_JOURNAL);
        let (to_sealer, to_be_sealed) = sealer::queue();
        let to = ToWriter(asks);
        let Self { journal, books, derived } = self;
        let head = journal.head();
        std::thread::scope(|scope| {
            let sealed = scope.spawn(move || sealer::serve(&to_be_sealed, derived, head));
            let decided = scope.spawn(move || decide(&to));
            let applied = scope.spawn(move || apply(&asked, books, head.count, &to_journal));
            // Each ends when nobody asks it any more, or when the one behind it takes nothing more.
            let appended = Appender { journal: &mut **journal, to_sealer }.serve(&steps);
            drop(steps);
            fn joined<R>(thread: ScopedJoinHandle<'_, R>) -> R {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            }
            joined(sealed)?;
            appended?;
            joined(applied)?;
            joined(decided)
        })
    }

    /// Applies, appends and seals; durable when it returns.
    pub(super) fn write(&mut self, ready: Vec<Ready>) -> Result<(), PostError> {
        let taken = applied(self.books, self.journal.head().count, ready)?;
        let (to_seal, head) = append(self.journal, taken)?;
        for (seq, of) in &to_seal {
            self.derived.collect(*seq, of)?;
        }
        self.derived.seal_enough(head.chain)
    }
}

/// An entry that the books took.
struct Applied {
    seq: u64,
    written: store::Entry,
    to_seal: ToSeal,
}

/// Applies the entries behind number `last`. What the books refuse is never written. When the disk refuses, these
/// books are thrown away.
fn applied(books: &mut Books, last: u64, ready: Vec<Ready>) -> Result<Vec<Applied>, PostError> {
    let numbered = (1..).map(|further| last.saturating_add(further)).zip(ready);
    let taken = numbered.map(|(seq, Ready { entry, written, to_seal })| {
        books.apply(seq, &entry).map_err(|violation| PostError::Violation { seq, violation })?;
        Ok(Applied { seq, written, to_seal })
    });
    taken.collect()
}

/// Appends entries: what is to be sealed of them, and where the journal stands. Durable when it returns.
fn append(journal: &mut dyn Journal, taken: Vec<Applied>) -> Result<(Vec<(u64, ToSeal)>, Head), PostError> {
    let split = taken.into_iter().map(|Applied { seq, written, to_seal }| (written, (seq, to_seal)));
    let (written, to_seal): (Vec<store::Entry>, Vec<_>) = split.unzip();
    Ok((to_seal, journal.append(&written)?))
}

/// What the books pass on to the journal, in the order in which it was asked.
enum Step {
    Append(Vec<Applied>),
    /// The charges of some keys. `open` are those whose charge, if there is one, was not taken back.
    Find {
        keys: Vec<u128>,
        open: Vec<u128>,
        answer: Sender<Vec<Option<Posted>>>,
    },
    Seal(Sender<()>),
    Read(u64, Sender<Stored>),
}

/// Has the books take what is asked to be written, behind entry number `last`, until nobody asks any more or the
/// journal takes nothing more.
fn apply(asked: &Asked<Ask>, books: &mut Books, mut last: u64, to_journal: &Asks<Step>) -> Result<(), PostError> {
    while let Some(ask) = asked.next() {
        let step = match ask {
            Ask::Write(ready) => {
                let taken = applied(books, last, ready)?;
                last = taken.last().map_or(last, |taken| taken.seq);
                Step::Append(taken)
            }
            Ask::Find(keys, answer) => {
                let open = keys.iter().copied().filter(|key| !books.reversed.contains(key)).collect();
                Step::Find { keys, open, answer }
            }
            Ask::Seal(answer) => Step::Seal(answer),
            Ask::Read(seq, answer) => Step::Read(seq, answer),
        };
        if to_journal.send(step).is_none() {
            break;
        }
    }
    Ok(())
}

/// The one who appends in a run, between the books and the one who seals.
struct Appender<'w> {
    journal: &'w mut dyn Journal,
    to_sealer: ToSealer,
}

impl Appender<'_> {
    /// Takes the steps until there are no more.
    fn serve(self, steps: &Asked<Step>) -> Result<(), PostError> {
        let mut next = steps.next();
        while let Some(step) = next.take() {
            match step {
                Step::Find { keys, open, answer } => {
                    let _ = answer.send(self.find(&keys, &open)?);
                }
                Step::Seal(answer) => {
                    self.to_sealer.seal().ok_or_else(seals_no_more)?;
                    let _ = answer.send(());
                }
                Step::Read(seq, answer) => {
                    let _ = answer.send(self.journal.read(seq)?);
                }
                Step::Append(mut taken) => {
                    let mut bytes = size(&taken);
                    while bytes < MOST_BYTES_AT_ONCE {
                        match steps.next_now() {
                            Some(Step::Append(more)) => {
                                bytes = bytes.saturating_add(size(&more));
                                taken.extend(more);
                            }
                            Some(other) => {
                                next = Some(other);
                                break;
                            }
                            None => break,
                        }
                    }
                    let (to_seal, head) = append(self.journal, taken)?;
                    self.to_sealer.collect(to_seal, head).ok_or_else(seals_no_more)?;
                }
            }
            if next.is_none() {
                next = steps.next();
            }
        }
        Ok(())
    }

    fn find(&self, keys: &[u128], open: &[u128]) -> Result<Vec<Option<Posted>>, PostError> {
        let places = self.to_sealer.places(open.to_vec()).ok_or_else(seals_no_more)?;
        let found = find_charges(&*self.journal, open, places)?;
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

fn size(taken: &[Applied]) -> usize {
    taken.iter().map(|taken| taken.written.bytes()).sum()
}
