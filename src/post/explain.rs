//! How one record came to its outcome and its posting: the stored line is rated again with the reference data, the
//! balance and the allowances of then.

use super::codec;
use super::derived::each_keyed;
use super::entry::{Entry, Outcome, Piece, Posted, Row};
use super::reference::{self, Files};
use super::store::Store;
use super::writer::{PostError, find_charges};
use crate::batch::{Memory, PrepareMemory, Prepared, Preparer, Settler};
use crate::book::{Funds, LedgerAccount};
use crate::feed::Piece as FeedPiece;
use crate::folder::Folder;
use crate::law::Language;
use crate::record::{FilterReason, RejectReason, SuspendReason};
use crate::screen::{Duplicates, SourceKey};
use crate::store::Details;
use crate::store::sealed::Place;
use crate::tariff::KnownNames;
use crate::units::Tiyn;
use rustc_hash::FxHashSet;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

/// A folder that is removed when it is done with.
struct Scratch(PathBuf);

impl Scratch {
    fn new(seq: u64) -> Self {
        Self(std::env::temp_dir().join(format!("esep-reference-{}-{seq}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Store {
    /// The records of an id, `source/record_id` or a record id of any source: how each came to its outcome.
    pub fn explain(&self, id: &str, language: Language) -> Result<Vec<String>, PostError> {
        let sources: BTreeSet<&str> = self.books.files.iter().map(|(key, _)| key.source.as_str()).collect();
        let keys: FxHashSet<u128> = sources
            .into_iter()
            .flat_map(|source| {
                let within = id.strip_prefix(&format!("{source}/"));
                [within, Some(id)].into_iter().flatten().map(|id| SourceKey::of(source).fingerprint(id.as_bytes()))
            })
            .collect();
        self.places_of(&keys)?.into_iter().map(|(key, place)| self.explain_record(key, place, language)).collect()
    }

    /// Where the records of some keys came first.
    fn places_of(&self, keys: &FxHashSet<u128>) -> Result<Vec<(u128, Place)>, PostError> {
        let ordered: Vec<u128> = keys.iter().copied().collect();
        let mut found: Vec<(u128, Place)> = Vec::new();
        for (key, [place, _]) in ordered.iter().zip(self.derived().places(&ordered)?) {
            found.extend(place.map(|place| (*key, place)));
        }
        let mut problem = Ok(());
        self.journal().scan(self.derived().open_from(), Details::Skip, &mut |stored| {
            match codec::decode(&stored.money) {
                Ok(entry) => each_keyed(&entry, &mut |keyed, resolved| {
                    let first = !resolved && !matches!(keyed.outcome, Outcome::Duplicate(_));
                    if first && keys.contains(&keyed.key) {
                        found.push((keyed.key, Place { seq: stored.seq, index: keyed.place }));
                    }
                }),
                Err(error) => problem = Err(PostError::Entry { seq: stored.seq, error }),
            }
            Ok(())
        })?;
        problem?;
        found.sort_unstable_by_key(|(_, place)| *place);
        Ok(found)
    }

    fn explain_record(&self, key: u128, place: Place, language: Language) -> Result<String, PostError> {
        let stored = self.journal().read(place.seq)?;
        let entry = codec::decode(&stored.money).map_err(|error| PostError::Entry { seq: place.seq, error })?;
        let Entry::Piece(piece) = entry else {
            return Err(PostError::Refused(format!("entry {} of the journal is no piece of a feed", place.seq)));
        };
        let Some(row) = piece.rows.get(place.index as usize) else {
            return Err(PostError::Refused(format!("entry {} of the journal has no such record", place.seq)));
        };
        // What waited when it came may have been charged since.
        let charge = find_charges(self.journal(), self.derived(), &[key])?.remove(&key);
        let posted = charge.as_ref().map(|(_, line)| &line.posted);
        let mut text = String::new();
        let traced = match (&stored.detail, posted) {
            (Some(detail), Some(posted)) => self.traced(&piece, row, detail, posted, language)?,
            _ => None,
        };
        match traced {
            Some(traced) => text.push_str(&traced),
            None => {
                let line = piece.first_line.saturating_add(u64::from(row.line));
                let _ = writeln!(text, "  {:<10} {}, {}:{line}", "source", piece.file.source, piece.file.name);
                let waits = self.books.suspense.get(&key).map(|waits| waits.reason);
                let _ = writeln!(text, "  {:<10} {}", "outcome", outcome_words(&row.outcome, waits, posted));
            }
        }
        if let Some((at, line)) = &charge {
            self.explain_posting(&line.posted, &mut text);
            let _ = writeln!(text, "  {:<10} entry {}, record {}", "journal", at.seq, at.index);
        } else {
            let _ = writeln!(
                text,
                "  {:<10} entry {}, record {}; nothing is posted for it",
                "journal", place.seq, place.index
            );
        }
        let _ = writeln!(text, "  {:<10} set {} of the journal", "reference", piece.reference);
        if self.books.reversed.contains(&key) {
            let _ = writeln!(text, "  {:<10} taken back in full: a later record corrects it", "reversed");
        }
        if let Some(reversal) = row.reversed.as_ref().and_then(|of| of.charge.as_ref()) {
            let _ = writeln!(
                text,
                "  {:<10} takes back {} KZT of the record that it corrects",
                "reverses",
                Tiyn::new(reversal.gross)
            );
        }
        Ok(text)
    }

    /// The double entry of a charge.
    fn explain_posting(&self, posted: &Posted, text: &mut String) {
        for posting in &posted.transaction().0 {
            let side = if posting.amount >= Tiyn::ZERO { "debit" } else { "credit" };
            let amount = Tiyn::new(posting.amount.get().saturating_abs());
            let account = match posting.account {
                LedgerAccount::Unbilled(_) => "unbilled usage of the subscriber".to_owned(),
                LedgerAccount::Advance(_) => "advance of the subscriber".to_owned(),
                LedgerAccount::Receivable(_, month) => format!("receivable of {}", month.first_day()),
                LedgerAccount::AccruedRevenue(category) => format!("accrued revenue, {category}"),
                LedgerAccount::VatPayable => "VAT payable".to_owned(),
                LedgerAccount::Cash(channel) => format!("cash by {channel}"),
                LedgerAccount::Unidentified => "unidentified payments".to_owned(),
                LedgerAccount::TakenOver => "taken over".to_owned(),
                LedgerAccount::Doubtful(_)
                | LedgerAccount::OffBalance(_)
                | LedgerAccount::CreditBalance(_)
                | LedgerAccount::Penalty(_)
                | LedgerAccount::OffBalanceTotal
                | LedgerAccount::BadDebtExpense
                | LedgerAccount::RecoveredBadDebt
                | LedgerAccount::ChargesTakenBack
                | LedgerAccount::NonCoreIncome => "no account of usage".to_owned(),
            };
            let _ = writeln!(text, "  {side:<10} {account} {amount}");
        }
        if posted.not_owed != 0 {
            let _ = writeln!(text, "  {:<10} uncollectable {} (CELL-48)", "memorandum", Tiyn::new(posted.not_owed));
        }
    }

    /// The steps of a charge, made again from the stored line; none where the line alone does not make it, as with the
    /// parts of a call. What is made again must be what was posted.
    fn traced(
        &self,
        piece: &Piece,
        row: &Row,
        detail: &[u8],
        posted: &Posted,
        language: Language,
    ) -> Result<Option<String>, PostError> {
        if !matches!(row.outcome, Outcome::Rated(_)) {
            return Ok(None);
        }
        let bytes = unpack_detail(detail)?;
        let raw = bytes.split(|byte| *byte == b'\n').nth(row.line as usize).unwrap_or_default();
        let files = self.reference_files_of(piece.reference)?;
        let scratch = Scratch::new(u64::from(piece.reference));
        reference::materialise(&scratch.0, &files)?;
        let set = self.books.reference.clone().unwrap_or_default();
        let known = KnownNames { plans: set.plans, zones: set.zones, networks: set.networks };
        let (Some(folder), _) = Folder::open_knowing(&scratch.0, known) else { return Ok(None) };
        let Some(file) = folder.feed_file(&piece.file.source, &piece.file.name) else { return Ok(None) };
        let decoder = file.format.decoder(&piece.header);
        let Ok(decoder) = decoder else { return Ok(None) };
        let key = row_key(piece, row);
        let reference = &folder.reference;
        let preparer = Preparer {
            reference,
            source: &file.source,
            decoder: Ok(&decoder),
            settle_all: true,
            first_day: folder.config.period.map(|period| period.first_day()),
        };
        let mut prepared =
            Prepared { first_line: piece.first_line.saturating_add(u64::from(row.line)), ..Prepared::default() };
        preparer.prepare(FeedPiece::Lines(raw.to_vec()), &mut PrepareMemory::default(), &mut prepared);
        let mut funds = Funds::default();
        let stateful = prepared.stateful.first().copied();
        let plan = reference.tariffs.versions.get(usize::from(posted.version)).zip(stateful);
        let plan =
            plan.and_then(|(version, stateful)| Some((version.plan(stateful.choice.plan?)?, stateful.choice.since)));
        if let (Some((plan, since)), Some(taken)) = (plan, &posted.taken) {
            funds.as_it_was(posted.account(), posted.at(), taken, plan, since);
        }
        let mut settler = Settler::new(reference, Vec::new(), Memory::new(Duplicates::with_capacity(1), funds));
        settler.traced.extend(key);
        settler.settle(&mut prepared);
        let made = prepared
            .items
            .first()
            .filter(|item| item.gross.get() == posted.gross && item.not_owed.get() == posted.not_owed);
        Ok(made.and_then(|_| settler.traces.first()).map(|trace| trace.explain(reference, &[file], language)))
    }

    /// The reference files of a set by its number, from 1.
    pub(super) fn reference_files_of(&self, number: u32) -> Result<Files, PostError> {
        let mut files = Files::new();
        for seq in self.reference_entries().iter().take(number as usize) {
            let stored = self.journal().read(*seq)?;
            let entry = codec::decode(&stored.money).map_err(|error| PostError::Entry { seq: *seq, error })?;
            if let Entry::Reference(set) = entry {
                files = reference::unpack(&set, stored.detail.as_deref().unwrap_or_default(), &files)?;
            }
        }
        Ok(files)
    }
}

/// The key of a row, by its id.
fn row_key(piece: &Piece, row: &Row) -> Option<u128> {
    let mut at = 0usize;
    for of in &piece.rows {
        let until = at.saturating_add(of.id_length as usize);
        if of.line == row.line {
            return piece.ids.get(at..until).map(|id| SourceKey::of(&piece.file.source).fingerprint(id));
        }
        at = until;
    }
    None
}

/// The bytes of a piece from its detail.
pub(super) fn unpack_detail(detail: &[u8]) -> Result<Vec<u8>, PostError> {
    let length = detail.first_chunk::<4>().map_or(0, |length| u32::from_le_bytes(*length));
    if length as usize > crate::store::PART_BYTES_MAX {
        return Err(PostError::Refused("the detail of an entry says that it is longer than one may be".into()));
    }
    lz4_flex::decompress_size_prepended(detail)
        .map_err(|error| PostError::Refused(format!("the detail of an entry does not unpack: {error}")))
}

fn outcome_words(outcome: &Outcome, waits: Option<u8>, posted: Option<&Posted>) -> String {
    let suspended = |reason: u8| SuspendReason::ALL.get(usize::from(reason)).map_or("", |reason| reason.name());
    match (outcome, waits, posted) {
        (_, Some(reason), _) => format!("suspended: {}", suspended(reason)),
        (_, None, Some(posted)) => {
            format!("rated {} KZT, with its call or after it had waited", Tiyn::new(posted.gross))
        }
        (Outcome::Filtered(reason), ..) => {
            format!("filtered: {}", FilterReason::ALL.get(usize::from(*reason)).map_or("", |reason| reason.name()))
        }
        (Outcome::Rejected(rejected), ..) => {
            let reason = RejectReason::ALL.get(usize::from(rejected.reason)).map_or("", |reason| reason.name());
            format!("rejected: {reason}: {}", rejected.detail)
        }
        (Outcome::Suspended(of), ..) => format!("waited ({}), and is settled without a charge", suspended(of.reason)),
        _ => "part of a call; its charge stands on the first part".to_owned(),
    }
}
