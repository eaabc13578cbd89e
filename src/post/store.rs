//! The books with their journal, as a command holds them.

mod fold;

use super::books::{Books, Known};
use super::codec;
use super::debts::{Debts, brought_move, opening_move};
use super::derived::Derived;
use super::entry::{Entry, FileKey, MoneyMove, Position, ReferenceSet};
use super::excerpt::Tables;
use super::ingest::{Feeds, Ran};
use super::reference::{self, Files, loaded};
use super::snapshot::{self, Stand};
use super::standing::is_off;
use super::state;
use super::writer::{PostError, Ready, ToWriter, Writer};
use crate::batch::{FeedFile, FeedPosition, Memory, Mode, Pieces, Reader, Reference};
use crate::book::AccountNo;
use crate::folder::{Folder, PaymentRow};
use crate::store::{Entries, Journal, SqliteJournal, SqliteReader, StoreError};
use crate::tariff::{KnownNames, Tariffs};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};

/// So many keys of records are kept in memory unless said otherwise: one gigabyte.
pub const HOT_KEYS_MAX: usize = 32 << 20;
/// A snapshot is written at the end of a run that wrote so many entries, about half a million records.
const SNAPSHOT_EVERY: u64 = 256;
/// After so many bytes of feeds, about six million records, a snapshot is written: less than that is folded anew when
/// a run was killed.
const PASS_BYTES: usize = 896 << 20;
/// Money moves of one entry.
pub(super) const MOVES_AT_ONCE: usize = 8192;

/// The journal, by one who writes or one who reads beside him.
enum Held {
    Writing(Box<dyn Journal>),
    Reading(Box<dyn Entries>),
}

impl Held {
    fn entries(&self) -> &dyn Entries {
        match self {
            Self::Writing(journal) => &**journal,
            Self::Reading(entries) => &**entries,
        }
    }
}

/// Books, journal and what deciding remembers.
pub struct Store {
    pub(super) folder: PathBuf,
    journal: Held,
    /// The books.
    pub books: Books,
    /// None once a write failed: then the books must be opened anew.
    memory: Option<Memory>,
    derived: Derived,
    /// Entries that brought reference data.
    references: Vec<u64>,
    /// Entries that moved money but for usage.
    money: Vec<u64>,
    /// The last entry of the last snapshot.
    snapshot: u64,
    /// Keys of old records are not in memory: they are looked up in the key runs.
    keys_on_disk: bool,
    /// Payments of accounts whose services are off: booked when the feeds that came with them are.
    later: Vec<PaymentRow>,
    /// Tables of accounts that explaining has read.
    pub(super) tables: Tables,
}

/// What an ingest did.
#[derive(Debug, Default)]
pub struct Ingested {
    /// What was odd about files and payments.
    pub notes: Vec<String>,
    /// The files that were looked at, by their place in the books.
    pub files: Vec<u32>,
    /// Entries that were written.
    pub entries: u64,
    /// Payments that were booked or held.
    pub payments: u64,
    /// Payments that were booked before.
    pub payments_known: u64,
    /// Payments of accounts that accept none.
    pub payments_refused: u64,
    /// Payments whose reference was used for another one: an alarm.
    pub payments_differing: u64,
    /// Payments that would take what an account has paid ahead beyond the range of an amount.
    pub payments_beyond: u64,
}

/// How an ingest is done.
pub struct Ingest<'i> {
    /// The threads that rate.
    pub threads: &'i rayon::ThreadPool,
    /// Bytes read so far, for a progress bar.
    pub progress: &'i AtomicU64,
    /// Set by who wants it to end: what was read is booked, the rest is left.
    pub stop: &'i AtomicBool,
    /// So many keys of records are kept in memory, at most 32 bytes each; older ones are looked up on disk.
    pub hot_keys: usize,
}

impl Store {
    /// Opens the store of a folder, or begins one. `holder` tells others who writes.
    pub fn open(folder: &Path, holder: &str) -> Result<Self, PostError> {
        let journal = match SqliteJournal::open(folder, holder) {
            Ok(journal) => journal,
            Err(StoreError::Missing { .. }) => SqliteJournal::create(folder, holder)?,
            Err(error) => return Err(error.into()),
        };
        Self::over(folder, Box::new(journal))
    }

    /// Opens the store of a folder for who writes and rates nothing: keys of records stay on disk.
    pub fn open_without_keys(folder: &Path, holder: &str) -> Result<Self, PostError> {
        let journal = Box::new(SqliteJournal::open(folder, holder)?);
        let derived = Derived::open(folder, &*journal)?;
        Self::fold(folder, Held::Writing(journal), derived, None)
    }

    /// The books of a journal.
    pub fn over(folder: &Path, journal: Box<dyn Journal>) -> Result<Self, PostError> {
        let derived = Derived::open(folder, &*journal)?;
        Self::fold(folder, Held::Writing(journal), derived, Some(HOT_KEYS_MAX))
    }

    /// The books of a folder beside one who writes to them: as they stand now.
    pub fn open_to_read(folder: &Path) -> Result<Self, PostError> {
        let entries = SqliteReader::open(folder)?;
        let derived = Derived::open_to_read(folder, &entries)?;
        Self::fold(folder, Held::Reading(Box::new(entries)), derived, None)
    }

    /// Rates and posts the feeds of a folder, with its payments, by its reference data; what the books know is left.
    pub fn ingest(&mut self, folder: Folder, how: &Ingest<'_>) -> Result<Ingested, PostError> {
        let mut done = Ingested::default();
        let (reference, feeds) = self.take(folder, &mut done)?;
        self.ingest_files(feeds, &reference, how, &mut done)?;
        Ok(done)
    }

    /// Makes a folder's reference data that of the books, with its openings and payments. What decides from here on,
    /// and the folder's feeds, which are left.
    pub fn take(&mut self, folder: Folder, done: &mut Ingested) -> Result<(Reference, Vec<FeedFile>), PostError> {
        let before = self.entries();
        let Taken { reference, payments, feeds } = self.take_reference(folder, &mut done.notes)?;
        // Whether an account takes money once its services are off may depend on what the feeds say of it.
        let (later, now): (Vec<PaymentRow>, Vec<PaymentRow>) =
            payments.into_iter().partition(|row| is_off(&reference, row));
        self.pay(&now, &reference, done)?;
        self.pay_later(&reference, done)?;
        self.later = later;
        done.entries = done.entries.saturating_add(self.entries().saturating_sub(before));
        Ok((reference, feeds))
    }

    /// The reference data of the books, as a folder without feeds and payments.
    pub fn known_folder(&self) -> Result<Folder, PostError> {
        let Some(files) = self.reference_files()? else {
            return Err(PostError::Refused(
                "the books know no reference data yet\n  hint: ingest a folder with tariffs, accounts and lines first"
                    .into(),
            ));
        };
        if let Held::Writing(_) = self.journal {
            return loaded(Folder::open_knowing(&self.reference_folder(), self.known_names()));
        }
        // The folder of the store is the writer's.
        let scratch = tempfile::tempdir()?;
        reference::materialise(scratch.path(), &files)?;
        loaded(Folder::open_knowing(scratch.path(), self.known_names()))
    }

    /// Rates and posts files.
    pub fn ingest_files(
        &mut self,
        feeds: Vec<FeedFile>,
        reference: &Reference,
        how: &Ingest<'_>,
        done: &mut Ingested,
    ) -> Result<(), PostError> {
        let Some(mut sample) = feeds.first().cloned() else { return self.pay_later(reference, done) };
        let places: Vec<u32> = feeds.iter().map(|file| self.books.file(&key_of(file))).collect();
        sample.known = None;
        let mut files = vec![sample; self.books.files.len()];
        for (file, place) in feeds.into_iter().zip(&places) {
            let known = self.position(*place);
            if let Some(slot) = files.get_mut(*place as usize) {
                *slot = FeedFile { known, ..file };
            }
        }
        let order = places.iter().map(|place| *place as usize).collect();
        done.files.extend(places);
        let mut reader = Reader::new(&files, order, Mode::Known).until(how.stop).in_passes_of(PASS_BYTES);
        loop {
            self.post_pieces(&mut reader, &files, reference, how, done)?;
            if !reader.goes_on() {
                return self.pay_later(reference, done);
            }
        }
    }

    /// Books the payments that waited for the feeds.
    pub(super) fn pay_later(&mut self, reference: &Reference, done: &mut Ingested) -> Result<(), PostError> {
        let mut rows = std::mem::take(&mut self.later);
        rows.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
        let before = self.entries();
        self.pay(&rows, reference, done)?;
        done.entries = done.entries.saturating_add(self.entries().saturating_sub(before));
        Ok(())
    }

    /// How far a file is read, by its place; none where nothing of it is.
    pub(super) fn position(&self, place: u32) -> Option<FeedPosition> {
        let (_, state) = self.books.files.get(place as usize)?;
        Some(state.position).filter(|position| *position != Position::default()).map(Into::into)
    }

    /// Takes pieces through rating into the journal. `files` by their place.
    pub(super) fn post_pieces(
        &mut self,
        pieces: &mut dyn Pieces,
        files: &[FeedFile],
        reference: &Reference,
        how: &Ingest<'_>,
        done: &mut Ingested,
    ) -> Result<(), PostError> {
        let before = self.entries();
        let keys: Vec<FileKey> = self.books.files.iter().map(|(key, _)| key.clone()).collect();
        let starts = self.books.files.iter().map(|(_, state)| state.position).collect();
        let reference_no = self.books.reference_no;
        let run = Feeds {
            reference,
            reference_no,
            files,
            starts,
            keys: &keys,
            jobs: how.threads.current_num_threads(),
            progress: how.progress,
            folder: &self.folder.clone(),
            keys_on_disk: self.keys_on_disk,
            hot_keys: how.hot_keys,
        };
        let memory = self.memory.take().ok_or_else(lost)?;
        let ran = self.writer()?.run(|to: &ToWriter| run.run(memory, pieces, to))?;
        let Ran { memory, notes, keys_on_disk } = ran;
        self.keys_on_disk = keys_on_disk;
        self.memory = Some(memory);
        self.keep_snapshot()?;
        self.derived.seal_at_end(self.journal.entries())?;
        done.notes.extend(notes);
        done.entries = done.entries.saturating_add(self.entries().saturating_sub(before));
        match self.books.violation() {
            None => Ok(()),
            Some(violation) => Err(PostError::Refused(format!("the books do not balance: {violation}"))),
        }
    }

    /// Writes a snapshot where opening would have to read much.
    fn keep_snapshot(&mut self) -> Result<(), PostError> {
        let news = self.entries().saturating_sub(self.snapshot);
        if news < SNAPSHOT_EVERY { Ok(()) } else { self.snapshot() }
    }

    /// Seals everything and writes a snapshot, so that the next opening is fast.
    pub fn snapshot(&mut self) -> Result<(), PostError> {
        let seq = self.entries();
        let Some(memory) = &self.memory else { return Ok(()) };
        let chain = self.journal.entries().link(seq)?;
        let at = Stand { seq, chain, references: &self.references, money: &self.money };
        let (books, derived) = (&self.books, &mut self.derived);
        // It gets its name when all that it relies on is sealed.
        let (snapshot, sealed) = rayon::join(|| snapshot::of(&at, books, memory), || derived.seal_to(chain));
        sealed?;
        snapshot::write(&self.folder, &snapshot?)?;
        self.snapshot = seq;
        Ok(())
    }

    pub(super) fn writer(&mut self) -> Result<Writer<'_>, PostError> {
        match &mut self.journal {
            Held::Writing(journal) => {
                Ok(Writer { journal: &mut **journal, books: &mut self.books, derived: &mut self.derived })
            }
            Held::Reading(_) => Err(PostError::Refused("the store was opened to be read".into())),
        }
    }

    /// It was opened to write.
    pub(super) fn writes(&self) -> bool {
        matches!(self.journal, Held::Writing(_))
    }

    /// What the journal says.
    pub(super) fn journal(&self) -> &dyn Entries {
        self.journal.entries()
    }

    pub(super) fn derived(&self) -> &Derived {
        &self.derived
    }

    /// Entries that moved money but for usage.
    pub(super) fn money_entries(&self) -> &[u64] {
        &self.money
    }

    /// Entries that brought reference data.
    pub(super) fn reference_entries(&self) -> &[u64] {
        &self.references
    }

    /// What deciding remembers; it must be given back.
    pub(super) fn take_memory(&mut self) -> Result<Memory, PostError> {
        self.memory.take().ok_or_else(lost)
    }

    /// Gives back what deciding remembers.
    pub(super) fn give_memory(&mut self, memory: Memory) {
        self.memory = Some(memory);
    }

    /// How many entries the journal has.
    pub fn entries(&self) -> u64 {
        self.journal.entries().head().count
    }

    /// The reference files as the books know them.
    pub(super) fn reference_files(&self) -> Result<Option<Files>, PostError> {
        let Some(set) = &self.books.reference else { return Ok(None) };
        if let Some(files) = reference::read_materialised(&self.reference_folder(), set) {
            return Ok(Some(files));
        }
        let mut files = Files::new();
        for seq in &self.references {
            let stored = self.journal.entries().read(*seq)?;
            let entry = codec::decode(&stored.money).map_err(|error| PostError::Entry { seq: *seq, error })?;
            let Entry::Reference(set) = entry else { continue };
            files = reference::unpack(&set, stored.detail.as_deref().unwrap_or_default(), &files)?;
        }
        if let Held::Writing(_) = self.journal {
            reference::materialise(&self.reference_folder(), &files)?;
        }
        Ok(Some(files))
    }

    /// Makes a folder's reference data that of the books, where it says anything new.
    fn take_reference(&mut self, mut folder: Folder, notes: &mut Vec<String>) -> Result<Taken, PostError> {
        let known = self.reference_files()?;
        let gathered = reference::gather(&folder, known.as_ref(), self.books.statuses_to(), notes)?;
        let (payments, feeds) = (std::mem::take(&mut folder.payments), std::mem::take(&mut folder.files));
        let period = folder.config.period;
        let same = Some(folder).filter(|_| gathered.are_the_folders);
        let canonical = self.adopt(gathered.files, same)?;
        let register = &canonical.reference.register;
        // Rows of the folder by the numbers and the calendar of the books.
        let calendar = canonical.reference.tariffs.calendar();
        let payments = payments.into_iter().map(|of| PaymentRow {
            no: register.find(of.account_id.as_bytes()),
            day: calendar.map_or(of.day, |zone| zone.local(of.at).day),
            ..of
        });
        let payments = payments.collect();
        let reference = Reference { period, ..canonical.reference };
        Ok(Taken { reference, payments, feeds })
    }

    /// Makes files the reference data of the books, where they say anything new; `same` is a folder in which nothing else
    /// stands. What they say.
    pub(super) fn adopt(&mut self, files: Files, same: Option<Folder>) -> Result<Folder, PostError> {
        let is_news = self.books.reference.as_ref().is_none_or(|set| set.hash != reference::hash_of(&files));
        let at = self.reference_folder();
        let before = self.books.reference.as_ref();
        let pack = || rayon::join(|| reference::materialise(&at, &files), || reference::pack(&files, before));
        let packed = is_news.then(pack).map(|(materialised, packed)| materialised.and(packed)).transpose()?;
        // They are large, and stand in the folder of the store now.
        drop(files);
        let names = self.known_names();
        // Names have the same numbers, if they are counted from the beginning or come in the same order.
        let counts_as_known = |folder: &Folder| {
            let Tariffs { plans, zones, networks, .. } = &folder.reference.tariffs;
            names == KnownNames::default() || (&names.plans, &names.zones, &names.networks) == (plans, zones, networks)
        };
        let canonical = match same.filter(counts_as_known) {
            Some(folder) => folder,
            None => loaded(Folder::open_knowing(&at, names))?,
        };
        let register = &canonical.reference.register;
        if let Some((mut set, detail)) = packed {
            let tariffs = &canonical.reference.tariffs;
            set.plans.clone_from(&tariffs.plans);
            set.zones.clone_from(&tariffs.zones);
            set.networks.clone_from(&tariffs.networks);
            set.versions = tariffs.versions.iter().map(|version| version.name.clone()).collect();
            set.time_zone = tariffs.calendar().map_or_else(String::new, |zone| zone.name().to_owned());
            let known = u32::try_from(self.books.account_ids.len()).unwrap_or(u32::MAX);
            let count = u32::try_from(register.len()).unwrap_or(u32::MAX);
            set.new_accounts = (known..count).map(|no| reference::id_hash(register.id(AccountNo(no)))).collect();
            // What new accounts brought is booked with them, whole or not at all.
            let new = canonical.openings.iter().filter(|opening| opening.no.0 >= known);
            let brought = canonical.brought.iter().filter(|of| of.no.0 >= known).map(brought_move);
            let openings = new.map(|opening| opening_move(opening, &canonical.reference)).chain(brought).collect();
            self.write_reference(set, detail, openings)?;
        }
        let ids = self.books.account_ids.iter().zip(0u32..);
        if register.len() != self.books.account_ids.len()
            || ids.into_iter().any(|(hash, no)| reference::id_hash(register.id(AccountNo(no))) != *hash)
        {
            return Err(PostError::Reference(
                "accounts.csv: an account stands on several rows of which some are wrong".into(),
            ));
        }
        Ok(canonical)
    }

    /// Writes reference data and what its new accounts brought, in one transaction of the journal.
    fn write_reference(
        &mut self,
        set: ReferenceSet,
        detail: Vec<u8>,
        openings: Vec<MoneyMove>,
    ) -> Result<(), PostError> {
        let seq = self.entries().saturating_add(1);
        let mut ready = vec![Ready::new(Entry::Reference(set), detail)?];
        if !openings.is_empty() {
            ready.push(Ready::new(Entry::Money(openings.clone()), Vec::new())?);
        }
        self.write_with_money(ready, &openings)?;
        self.references.push(seq);
        Ok(())
    }

    /// Writes entries with the money moves that stand in them, in one transaction of the journal.
    pub(super) fn write_with_money(&mut self, ready: Vec<Ready>, moves: &[MoneyMove]) -> Result<(), PostError> {
        // Where the write fails, these books are ahead of the journal: nothing more is decided by them.
        let mut memory = self.memory.take().ok_or_else(lost)?;
        let seqs = self.entries().saturating_add(1)..;
        let money = seqs.zip(&ready).filter(|(_, of)| matches!(of.entry, Entry::Money(_))).map(|(seq, _)| seq);
        let money: Vec<u64> = money.collect();
        // The books and what deciding remembers know nothing of each other.
        let mut writer = self.writer()?;
        let written = std::thread::scope(|scope| {
            scope.spawn(|| state::pay(&mut memory, moves));
            writer.write(ready)
        });
        written?;
        self.money.extend(money);
        self.memory = Some(memory);
        Ok(())
    }

    /// Books payments; those that were booked before are left. Source: accounts and money 2.3.
    pub fn pay(&mut self, rows: &[PaymentRow], reference: &Reference, done: &mut Ingested) -> Result<(), PostError> {
        let mut moves = Vec::new();
        let mut debts = Debts::default();
        let off = rows.iter().filter(|row| is_off(reference, row)).filter_map(|row| Some(row.no?.0)).collect();
        let mut ended = self.ended(&off)?;
        for row in rows {
            match self.books.knows(&row.id, &row.account_id, row.amount, row.at.0) {
                Known::New => {}
                Known::Same => {
                    done.payments_known = done.payments_known.saturating_add(1);
                    continue;
                }
                Known::Differs => {
                    done.payments_differing = done.payments_differing.saturating_add(1);
                    done.notes.push(format!("payment {}: its reference was used for another payment; refused", row.id));
                    continue;
                }
            }
            if is_off(reference, row)
                && let Some(refusal) = self.payment_refused(row, &ended)
            {
                done.payments_refused = done.payments_refused.saturating_add(1);
                done.notes.push(format!("payment {}: account {}: {refusal}; refused", row.id, row.account_id));
                continue;
            }
            if !debts.has_room(row, &self.books) {
                done.payments_beyond = done.payments_beyond.saturating_add(1);
                let (id, account) = (&row.id, &row.account_id);
                done.notes.push(format!(
                    "payment {id}: with it account {account} has more than an amount can be; refused: to be looked at, and \
                     paid under another reference"
                ));
                continue;
            }
            done.payments = done.payments.saturating_add(1);
            let paid = debts.payment(row, reference, &self.books);
            ended.paid(&paid);
            moves.push(paid);
            if moves.len() >= MOVES_AT_ONCE {
                self.book(std::mem::take(&mut moves))?;
                debts = Debts::default();
            }
        }
        self.book(moves)
    }

    /// Books money moves.
    pub(super) fn book(&mut self, moves: Vec<MoneyMove>) -> Result<(), PostError> {
        if moves.is_empty() {
            return Ok(());
        }
        let ready = Ready::new(Entry::Money(moves.clone()), Vec::new())?;
        self.write_with_money(vec![ready], &moves)
    }
}

/// How the books name a file.
pub(super) fn key_of(file: &FeedFile) -> FileKey {
    FileKey { source: file.source.name.clone(), name: file.name.clone() }
}

fn lost() -> PostError {
    PostError::Refused("a write failed; open the store anew".into())
}

/// A folder as the books see it.
struct Taken {
    reference: Reference,
    payments: Vec<PaymentRow>,
    feeds: Vec<FeedFile>,
}
