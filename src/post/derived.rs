//! What is kept beside the journal to be found fast, and can be made again from it: charges and money moves by account,
//! keys of all records. Never consulted for what the books say.

use super::codec::{self, Out, ToSealLine};
use super::entry::{Entry, MoneyMove, Outcome, Posted, Resolved};
use super::writer::{PostError, has_link};
use crate::screen::SourceKey;
use crate::store::disk::FolderDisk;
use crate::store::keys::{KeyBuilder, KeyEntry, KeyLookup, KeyRuns};
use crate::store::sealed::{Place, Span, uncovered};
use crate::store::segments::{EntryCharges, SealedCharge, SegmentBuilder, Segments};
use crate::store::{Details, Entries};
use std::path::Path;

/// So many charges or keys are sealed at once.
const SEALED_AT_ONCE: usize = 1 << 20;
/// A record that waited has its charge in another entry than its key: there it stands under its key and this.
const CHARGED_LATER: u128 = 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C834;
/// Fewer wait for the next run: they are read from the journal.
const LEFT_OPEN: usize = 1 << 16;

/// A longer money move, with a reference beyond measure, is not sealed itself but where it stands.
const MOVE_BYTES_MAX: usize = 4096;

/// The bytes that most charges take in a segment, behind the head of their record.
const CHARGE_BYTES: usize = 56;

const DAY_MS: i64 = 86_400_000;

/// A charge, or the taking back of one, as a segment keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChargeLine {
    /// Key of its record.
    pub key: u128,
    /// Its feed.
    pub source: String,
    /// Id of its record in the feed.
    pub record_id: Vec<u8>,
    /// It takes the charge back.
    pub reversal: bool,
    /// The charge.
    pub posted: Posted,
}

/// Something of an entry that has a key.
pub(super) struct Keyed<'e> {
    pub(super) key: u128,
    content: u64,
    pub(super) place: u32,
    pub(super) source: &'e str,
    pub(super) record_id: &'e [u8],
    pub(super) outcome: &'e Outcome,
}

/// Everything of an entry that has a key: rows, then what it resolved. `true` for what was resolved.
pub(super) fn each_keyed<'e>(entry: &'e Entry, each: &mut dyn FnMut(&Keyed<'e>, bool)) {
    each_keyed_by(entry, None, each);
}

/// The same; `keys` has those of all rows where they are known.
fn each_keyed_by<'e>(entry: &'e Entry, keys: Option<&[u128]>, each: &mut dyn FnMut(&Keyed<'e>, bool)) {
    let mut place = 0u32;
    let resolved: &[Resolved] = match entry {
        Entry::Piece(piece) => {
            let source_key = SourceKey::of(&piece.file.source);
            let mut rest = piece.ids.as_slice();
            for row in &piece.rows {
                let (record_id, behind) = rest.split_at_checked(row.id_length as usize).unwrap_or_default();
                rest = behind;
                if !record_id.is_empty() {
                    let known = keys.and_then(|keys| keys.get(place as usize)).copied();
                    let key = known.unwrap_or_else(|| source_key.fingerprint(record_id));
                    let source = piece.file.source.as_str();
                    each(&Keyed { key, content: row.content, place, source, record_id, outcome: &row.outcome }, false);
                }
                place = place.saturating_add(1);
            }
            &piece.resolved
        }
        Entry::Resolved(resolutions) => &resolutions.records,
        Entry::Reference(_) | Entry::Money(_) | Entry::Status(_) => &[],
    };
    for record in resolved {
        let Resolved { key, content, record_id, outcome, file, .. } = record;
        each(&Keyed { key: *key, content: *content, place, source: &file.source, record_id, outcome }, true);
        place = place.saturating_add(1);
    }
}

/// Each charge of an entry and each that it takes back, with its place.
pub(super) fn each_charge_line(entry: &Entry, each: &mut dyn FnMut(u32, ChargeLine)) {
    let mut reversals = reversals_of(entry);
    each_keyed(entry, &mut |keyed, _| {
        if let Outcome::Rated(posted) = keyed.outcome {
            let (source, record_id) = (keyed.source.to_owned(), keyed.record_id.to_vec());
            each(
                keyed.place,
                ChargeLine { key: keyed.key, source, record_id, reversal: false, posted: posted.clone() },
            );
        }
    });
    for (place, line) in reversals.drain(..) {
        each(place, line);
    }
}

/// Each charge of an entry, and each that it takes back (`true`).
pub(super) fn each_charge(entry: &Entry, each: &mut dyn FnMut(&Posted, bool)) {
    each_keyed(entry, &mut |keyed, _| {
        if let Outcome::Rated(posted) = keyed.outcome {
            each(posted, false);
        }
    });
    reversals_of(entry).iter().for_each(|(_, line)| each(&line.posted, true));
}

/// Reversals have places behind those of all records of the entry.
fn reversals_of(entry: &Entry) -> Vec<(u32, ChargeLine)> {
    let (rows, resolved) = match entry {
        Entry::Piece(piece) => (piece.rows.as_slice(), piece.resolved.as_slice()),
        Entry::Resolved(resolutions) => (&[][..], resolutions.records.as_slice()),
        Entry::Reference(_) | Entry::Money(_) | Entry::Status(_) => return Vec::new(),
    };
    let records = u32::try_from(rows.len().saturating_add(resolved.len())).unwrap_or(u32::MAX);
    let reversed = rows.iter().filter_map(|row| row.reversed.as_ref());
    let reversed = reversed.chain(resolved.iter().filter_map(|record| record.reversed.as_ref()));
    let charges = reversed.filter_map(|reversal| Some((reversal.key, reversal.charge.as_ref()?)));
    let line = |(key, posted): (u128, &Posted)| ChargeLine {
        key,
        source: String::new(),
        record_id: Vec::new(),
        reversal: true,
        posted: posted.clone(),
    };
    (records..).zip(charges.map(line)).collect()
}

/// Segments, key runs, and what waits to be sealed.
#[derive(Debug)]
pub(super) struct Derived {
    segments: Segments<FolderDisk>,
    keys: KeyRuns<FolderDisk>,
    charges: SegmentBuilder,
    key_builder: KeyBuilder,
    /// The first entry that is in neither.
    from: u64,
    /// The last one that is collected.
    collected: u64,
}

impl Derived {
    /// Opens what was sealed to read it. Where something is missing, the journal is read instead.
    pub(super) fn open_to_read(folder: &Path, journal: &dyn Entries) -> Result<Self, PostError> {
        let mut derived = Self::open_sealed(folder, journal)?;
        let (segments, keys) = (derived.segments.spans(), derived.keys.spans());
        let last = |spans: &[Span]| spans.iter().map(|span| span.last).max().unwrap_or(0);
        let upto = last(&segments);
        let whole = uncovered(&segments, 1, upto).is_empty() && uncovered(&keys, 1, upto).is_empty();
        if whole && last(&keys) == upto {
            derived.from = upto.saturating_add(1);
        } else {
            let none = |_: &Span| false;
            derived.segments = Segments::open(FolderDisk::at(&folder.join("segments"))?, &none).map_err(sealed)?.0;
            derived.keys = KeyRuns::open(FolderDisk::at(&folder.join("keys"))?, &none).map_err(sealed)?.0;
        }
        Ok(derived)
    }

    /// Opens what was sealed, and reads from the journal what was not. What is damaged is made again.
    pub(super) fn open(folder: &Path, journal: &dyn Entries) -> Result<Self, PostError> {
        let mut derived = Self::open_sealed(folder, journal)?;
        derived.segments.sweep().map_err(sealed)?;
        derived.keys.sweep().map_err(sealed)?;
        derived.fill_gaps(journal)?;
        Ok(derived)
    }

    fn open_sealed(folder: &Path, journal: &dyn Entries) -> Result<Self, PostError> {
        let knows = |span: &Span| has_link(journal, span.last, &span.chain);
        let (segments, _) = opened(&folder.join("segments"), |disk| Segments::open(disk, &knows))?;
        let (keys, _) = opened(&folder.join("keys"), |disk| KeyRuns::open(disk, &knows))?;
        Ok(Self {
            segments,
            keys,
            charges: SegmentBuilder::default(),
            key_builder: KeyBuilder::with_capacity(0),
            from: 1,
            collected: 0,
        })
    }

    /// Makes again what is missing in the middle, and collects what comes behind the last seal.
    fn fill_gaps(&mut self, journal: &dyn Entries) -> Result<(), PostError> {
        let head = journal.head().count;
        let last = |spans: &[Span]| spans.iter().map(|span| span.last).max().unwrap_or(0);
        let sealed_to = last(&self.segments.spans()).min(last(&self.keys.spans()));
        for (of_keys, spans) in [(false, self.segments.spans()), (true, self.keys.spans())] {
            let upto = if of_keys { last(&self.keys.spans()) } else { last(&self.segments.spans()) }.max(sealed_to);
            for (first, last) in uncovered(&spans, 1, upto) {
                self.seal_again(journal, first, last, of_keys)?;
            }
        }
        // One may be ahead of the other, after a crash between two seals.
        let ahead = last(&self.segments.spans()).max(last(&self.keys.spans()));
        for of_keys in [false, true] {
            let have = last(&if of_keys { self.keys.spans() } else { self.segments.spans() });
            if have < ahead {
                self.seal_again(journal, have.saturating_add(1), ahead, of_keys)?;
            }
        }
        self.from = ahead.saturating_add(1);
        self.collected = ahead;
        if self.from <= head {
            let mut problem = Ok(());
            let mut entries = Vec::new();
            journal.scan(self.from, Details::Skip, &mut |stored| {
                entries.push((stored.seq, codec::decode(&stored.money)));
                if problem.is_ok() {
                    problem = entries.drain(..).try_for_each(|(seq, entry)| {
                        self.collect(seq, &ToSeal::of(&entry.map_err(|error| PostError::Entry { seq, error })?, None)?)
                    });
                }
                Ok(())
            })?;
            problem?;
        }
        Ok(())
    }

    fn seal_again(&mut self, journal: &dyn Entries, first: u64, last: u64, of_keys: bool) -> Result<(), PostError> {
        let (mut charges, mut keys) = (SegmentBuilder::default(), KeyBuilder::with_capacity(0));
        for seq in first..=last {
            let stored = journal.read(seq)?;
            let entry = codec::decode(&stored.money).map_err(|error| PostError::Entry { seq, error })?;
            ToSeal::of(&entry, None)?.put(seq, &mut charges, &mut keys)?;
        }
        let span = Span { first, last, chain: journal.link(last)? };
        if of_keys { self.keys.seal(&mut keys, span) } else { self.segments.seal(&mut charges, span) }.map_err(sealed)
    }

    /// Takes the records of an entry that is durable.
    pub(super) fn collect(&mut self, seq: u64, of: &ToSeal) -> Result<(), PostError> {
        self.collected = seq;
        of.put(seq, &mut self.charges, &mut self.key_builder)
    }

    /// Seals what was collected at the end of a run, where it is enough.
    pub(super) fn seal_at_end(&mut self, journal: &dyn Entries) -> Result<(), PostError> {
        if self.not_sealed() < LEFT_OPEN { Ok(()) } else { self.seal_all(journal) }
    }

    /// Seals what was collected, where it is much. `chain` is that of the journal after it.
    pub(super) fn seal_enough(&mut self, chain: [u8; 32]) -> Result<(), PostError> {
        if self.not_sealed() < SEALED_AT_ONCE { Ok(()) } else { self.seal_to(chain) }
    }

    /// How much was collected.
    fn not_sealed(&self) -> usize {
        self.charges.len().max(self.key_builder.len())
    }

    /// Seals all that was collected.
    pub(super) fn seal_all(&mut self, journal: &dyn Entries) -> Result<(), PostError> {
        let chain = journal.link(self.collected)?;
        self.seal_to(chain)
    }

    /// The same; `chain` is that of the journal after it.
    pub(super) fn seal_to(&mut self, chain: [u8; 32]) -> Result<(), PostError> {
        if self.collected < self.from {
            return Ok(());
        }
        let span = Span { first: self.from, last: self.collected, chain };
        self.segments.seal(&mut self.charges, span).map_err(sealed)?;
        self.keys.seal(&mut self.key_builder, span).map_err(sealed)?;
        self.segments.merge().map_err(sealed)?;
        self.keys.merge().map_err(sealed)?;
        self.from = self.collected.saturating_add(1);
        Ok(())
    }

    /// Where the records of some keys stand, and their charges if they were charged later: sealed ones; what is not
    /// sealed yet is not among them.
    pub(super) fn places(&self, keys: &[u128]) -> Result<Vec<[Option<Place>; 2]>, PostError> {
        let both: Vec<u128> = keys.iter().flat_map(|key| [*key, *key ^ CHARGED_LATER]).collect();
        let mut found = Vec::new();
        self.keys.find_all(&mut KeyLookup::default(), &both, &mut found).map_err(sealed)?;
        let place = |of: &Option<crate::store::keys::Found>| of.map(|found| found.place);
        Ok(found.as_chunks::<2>().0.iter().map(|[came, charged]| [place(came), place(charged)]).collect())
    }

    /// How many keys are sealed.
    pub(super) fn sealed_keys(&self) -> u64 {
        self.keys.keys()
    }

    /// Each sealed key with the hash of its content.
    pub(super) fn each_sealed_key(&self, each: &mut dyn FnMut(u128, u64)) -> Result<(), PostError> {
        let mut entries = self.keys.entries();
        while let Some(entry) = entries.next().transpose().map_err(sealed)? {
            each(entry.key, entry.content);
        }
        Ok(())
    }

    /// The first entry that is not sealed.
    pub(super) fn open_from(&self) -> u64 {
        self.from
    }

    /// What moved the money of an account, by time: its charges, those that were taken back, payments, refunds, openings.
    /// `journal` has those that are neither sealed nor collected; `is_money` says of an entry that it has no charges.
    pub(super) fn movements_of(
        &self,
        account: u32,
        journal: &dyn Entries,
        is_money: &dyn Fn(u64) -> bool,
    ) -> Result<Vec<(i64, Place, Line)>, PostError> {
        let mut lines = Vec::new();
        let sealed = self.segments.charges_of(account).map_err(sealed)?;
        for SealedCharge { at_ms, place, bytes } in sealed.into_iter().chain(self.charges.charges_of(account)) {
            let bad = |error| PostError::Entry { seq: place.seq, error };
            let line = match () {
                () if !is_money(place.seq) => Line::Charge(codec::line_of(&bytes, account, at_ms).map_err(bad)?),
                () if bytes.is_empty() => Line::Money(money_at(journal, place)?),
                () => Line::Money(codec::decode_any(&bytes).map_err(bad)?),
            };
            lines.push((at_ms, place, line));
        }
        let mut problem = Ok(());
        journal.scan(self.from.max(self.collected.saturating_add(1)), Details::Skip, &mut |stored| {
            match codec::decode(&stored.money) {
                Ok(Entry::Money(moves)) => {
                    for (index, of) in (0u32..).zip(moves) {
                        if let Some((_, at_ms)) = whose(&of).filter(|(no, _)| *no == account) {
                            lines.push((at_ms, Place { seq: stored.seq, index }, Line::Money(of)));
                        }
                    }
                }
                Ok(entry) => each_charge_line(&entry, &mut |index, line| {
                    if line.posted.account == account {
                        lines.push((line.posted.at_ms, Place { seq: stored.seq, index }, Line::Charge(line)));
                    }
                }),
                Err(error) => problem = Err(PostError::Entry { seq: stored.seq, error }),
            }
            Ok(())
        })?;
        problem?;
        lines.sort_by_key(|(at, place, _)| (*at, *place));
        Ok(lines)
    }

    /// Keeps what a reader has read of an entry that is not sealed, so that it need not be read again; not more than
    /// what a writer would seal.
    pub(super) fn keep_read(&mut self, seq: u64, entry: &Entry) -> Result<(), PostError> {
        let next = self.collected.max(self.from.saturating_sub(1)).saturating_add(1);
        if seq != next || self.charges.len() >= SEALED_AT_ONCE {
            return Ok(());
        }
        self.collected = seq;
        let charges = &mut self.charges;
        each_sealed(seq, entry, None, &mut |of| match of {
            Sealed::Charge(account, at_ms, place, bytes) => charges.push(account, at_ms, place, bytes).map_err(sealed),
            Sealed::Key(_) => Ok(()),
        })
    }
}

/// What moved the money of an account.
pub(super) enum Line {
    Charge(ChargeLine),
    Money(MoneyMove),
}

/// The account of a money move, and when it was.
pub(super) fn whose(of: &MoneyMove) -> Option<(u32, i64)> {
    match of {
        MoneyMove::Opening { account, .. } => Some((*account, i64::MIN)),
        MoneyMove::Payment(of) | MoneyMove::Identified(of) => Some((of.account, of.paid_ms)),
        MoneyMove::Refund(of) => Some((of.account, of.at_ms)),
        MoneyMove::Settled(of) | MoneyMove::IdentifiedSettled(of) => Some((of.payment.account, of.payment.paid_ms)),
        MoneyMove::Brought { account, .. } => Some((*account, i64::MIN)),
        // The day in UTC: behind the first hours of the local day.
        MoneyMove::Status(of) => Some((of.account, i64::from(of.on).saturating_mul(DAY_MS))),
        MoneyMove::Unidentified(_) => None,
    }
}

/// A money move, out of its entry.
fn money_at(journal: &dyn Entries, place: Place) -> Result<MoneyMove, PostError> {
    let seq = place.seq;
    let entry = codec::decode(&journal.read(seq)?.money).map_err(|error| PostError::Entry { seq, error })?;
    let Entry::Money(mut moves) = entry else {
        return Err(PostError::Refused(format!("entry {seq} of the journal moves no money")));
    };
    let at = place.index as usize;
    if at < moves.len() { Ok(moves.swap_remove(at)) } else { Err(sealed_otherwise(seq)) }
}

fn sealed_otherwise(seq: u64) -> PostError {
    PostError::Refused(format!("entry {seq} of the journal has no such money move"))
}

/// What is sealed of an entry.
pub(super) enum Sealed<'s> {
    /// A charge, the taking back of one, or a money move: account, time, place, and how a segment keeps it.
    Charge(u32, i64, Place, &'s [u8]),
    /// A key, or where the charge of a key that waited stands.
    Key(KeyEntry),
}

/// What will be sealed of an entry, as it is written: made before the entry has its number, on any thread.
#[derive(Debug, Default)]
pub(super) struct ToSeal {
    charges: EntryCharges,
    keys: Vec<KeyEntry>,
}

impl ToSeal {
    /// What is to be sealed of an entry; `keys` has those of all rows of a piece where they are known.
    pub(super) fn of(entry: &Entry, keys: Option<&[u128]>) -> Result<Self, PostError> {
        let records = if let Entry::Piece(piece) = entry { piece.rows.len() } else { 0 };
        let mut made =
            Self { charges: EntryCharges::with_capacity(records, CHARGE_BYTES), keys: Vec::with_capacity(records) };
        each_sealed(0, entry, keys, &mut |of| {
            match of {
                Sealed::Charge(account, at_ms, Place { index, .. }, bytes) => {
                    made.charges.push(account, at_ms, index, bytes).map_err(sealed)?;
                }
                Sealed::Key(entry) => made.keys.push(entry),
            }
            Ok(())
        })?;
        Ok(made)
    }

    fn put(&self, seq: u64, charges: &mut SegmentBuilder, keys: &mut KeyBuilder) -> Result<(), PostError> {
        charges.take(seq, &self.charges).and_then(|()| keys.take(seq, &self.keys)).map_err(sealed)
    }
}

/// Everything of an entry that is sealed.
pub(super) fn each_sealed(
    seq: u64,
    entry: &Entry,
    keys: Option<&[u128]>,
    each: &mut dyn FnMut(Sealed<'_>) -> Result<(), PostError>,
) -> Result<(), PostError> {
    if let Entry::Money(moves) = entry {
        for (index, of) in (0u32..).zip(moves) {
            let Some((account, at_ms)) = whose(of) else { continue };
            let mut bytes = codec::encode_any(of).map_err(|error| PostError::Entry { seq, error })?;
            if bytes.len() > MOVE_BYTES_MAX {
                bytes.clear();
            }
            each(Sealed::Charge(account, at_ms, Place { seq, index }, &bytes))?;
        }
        return Ok(());
    }
    let mut problem = Ok(());
    let mut bytes = Out::default();
    each_keyed_by(entry, keys, &mut |keyed, resolved| {
        let place = Place { seq, index: keyed.place };
        // A duplicate has its key from the first one; what was resolved had it when it came.
        let key = match keyed.outcome {
            Outcome::Rated(_) if resolved => Some(keyed.key ^ CHARGED_LATER),
            Outcome::Duplicate(_) => None,
            Outcome::Rated(_)
            | Outcome::Filtered(_)
            | Outcome::Suspended(_)
            | Outcome::Waiting(_)
            | Outcome::Rejected(_)
            | Outcome::WithItsCall
            | Outcome::WrittenOff(_) => (!resolved).then_some(keyed.key),
        };
        if let Some(key) = key {
            let entry = KeyEntry { key, content: keyed.content, place };
            if let Err(error) = each(Sealed::Key(entry)) {
                problem = Err(error);
            }
        }
        if let Outcome::Rated(posted) = keyed.outcome {
            let line = ToSealLine {
                key: keyed.key,
                key_follows: !resolved,
                source: keyed.source,
                record_id: keyed.record_id,
                reversal: false,
                posted,
            };
            if let Err(error) = push(place, &line, &mut bytes, each) {
                problem = Err(error);
            }
        }
    });
    problem?;
    for (index, line) in reversals_of(entry) {
        let of = ToSealLine {
            key: line.key,
            key_follows: false,
            source: "",
            record_id: b"",
            reversal: true,
            posted: &line.posted,
        };
        push(Place { seq, index }, &of, &mut bytes, each)?;
    }
    Ok(())
}

fn push(
    place: Place,
    line: &ToSealLine<'_>,
    bytes: &mut Out,
    each: &mut dyn FnMut(Sealed<'_>) -> Result<(), PostError>,
) -> Result<(), PostError> {
    bytes.clear();
    codec::put_line(bytes, line).map_err(|error| PostError::Entry { seq: place.seq, error })?;
    each(Sealed::Charge(line.posted.account, line.posted.at_ms, place, bytes.written()))
}

/// Files of a folder beside the journal, which is named where they cannot be had.
pub(super) fn opened<T>(
    folder: &Path,
    open: impl FnOnce(FolderDisk) -> Result<T, crate::store::sealed::SealedError>,
) -> Result<T, PostError> {
    let refused = |why: &dyn std::fmt::Display| PostError::Refused(format!("{}: {why}", folder.display()));
    open(FolderDisk::at(folder).map_err(|error| refused(&error))?).map_err(|error| refused(&error))
}

pub(super) fn sealed(error: crate::store::sealed::SealedError) -> PostError {
    PostError::Refused(format!("files beside the journal: {error}"))
}
