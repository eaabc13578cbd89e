//! How one record came to its outcome and its posting: the stored line is rated again with the reference data, the
//! balance and the allowances of then.

mod retrace;

use super::codec;
use super::derived::each_keyed;
use super::entry::{Entry, Outcome, Piece, Posted, Row};
use super::lines;
use super::reference::{self, Files};
use super::store::Store;
use super::writer::PostError;
use crate::book::LedgerAccount;
use crate::law::Language;
use crate::record::{FilterReason, RejectReason, SuspendReason};
use crate::screen::SourceKey;
use crate::store::Details;
use crate::store::sealed::Place;
use crate::units::Tiyn;
use memchr::memmem::Finder;
use retrace::Charged;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::fmt::Write;

/// A charge, and where it stands.
struct Charge {
    at: Place,
    /// The number of the set of reference data that decided.
    reference: u32,
    posted: Posted,
}

/// What the journal says of a key.
#[derive(Default)]
struct Said {
    /// Where its record came first.
    came: Option<Place>,
    charge: Option<Charge>,
}

impl Store {
    /// The records of an id, `source/record_id` or a record id of any source: how each came to its outcome.
    pub fn explain(&self, id: &str, language: Language) -> Result<Vec<String>, PostError> {
        let sources: BTreeSet<&str> = self.books.files.iter().map(|(key, _)| key.source.as_str()).collect();
        let mut keys: FxHashMap<u128, (Said, &str)> = FxHashMap::default();
        for source in sources {
            let within = id.strip_prefix(source).and_then(|rest| rest.strip_prefix('/'));
            for id in [within, Some(id)].into_iter().flatten().filter(|id| !id.is_empty()) {
                keys.insert(SourceKey::of(source).fingerprint(id.as_bytes()), (Said::default(), id));
            }
        }
        self.find(&mut keys)?;
        let mut found: Vec<(Place, u128, Option<Charge>)> =
            keys.into_iter().filter_map(|(key, (said, _))| Some((said.came?, key, said.charge))).collect();
        found.sort_unstable_by_key(|(place, key, _)| (*place, *key));
        found.into_iter().map(|(place, key, charge)| self.explain_record(key, place, charge, language)).collect()
    }

    /// Where records came first, and their charges.
    fn find(&self, keys: &mut FxHashMap<u128, (Said, &str)>) -> Result<(), PostError> {
        let ordered: Vec<u128> = keys.keys().copied().collect();
        for (key, [came, charged]) in ordered.iter().zip(self.derived().places(&ordered)?) {
            let Some((said, _)) = keys.get_mut(key) else { continue };
            said.came = came;
            if let Some(at) = charged {
                said.charge = charge_in(at.seq, &self.entry(at.seq)?.0, *key);
            }
        }
        // What is not sealed yet: an entry with a record has the bytes of its id.
        let finders: Vec<Finder<'_>> = keys.values().map(|(_, id)| Finder::new(id.as_bytes())).collect();
        let mut problem = Ok(());
        self.journal().scan(self.derived().open_from(), Details::Skip, &mut |stored| {
            if problem.is_err() || !finders.iter().any(|finder| finder.find(&stored.money).is_some()) {
                return Ok(());
            }
            match codec::decode(&stored.money) {
                Ok(entry) => {
                    for (key, (said, _)) in keys.iter_mut() {
                        if said.came.is_none() {
                            said.came = came_in(stored.seq, &entry, *key);
                        }
                        said.charge = charge_in(stored.seq, &entry, *key).or(said.charge.take());
                    }
                }
                Err(error) => problem = Err(PostError::Entry { seq: stored.seq, error }),
            }
            Ok(())
        })?;
        problem
    }

    fn entry(&self, seq: u64) -> Result<(Entry, Option<Vec<u8>>), PostError> {
        let stored = self.journal().read(seq)?;
        let entry = codec::decode(&stored.money).map_err(|error| PostError::Entry { seq, error })?;
        Ok((entry, stored.detail))
    }

    fn explain_record(
        &self,
        key: u128,
        place: Place,
        charge: Option<Charge>,
        language: Language,
    ) -> Result<String, PostError> {
        let (entry, detail) = self.entry(place.seq)?;
        let at_once = charge_in(place.seq, &entry, key);
        let Entry::Piece(piece) = entry else {
            return Err(PostError::Refused(format!("entry {} of the journal is no piece of a feed", place.seq)));
        };
        let Some(row) = piece.rows.get(place.index as usize) else {
            return Err(PostError::Refused(format!("entry {} of the journal has no such record", place.seq)));
        };
        // What waited when it came may have been charged since.
        let charge = charge.or(at_once);
        let posted = charge.as_ref().map(|charge| &charge.posted);
        let mut text = String::new();
        let waits = self.books.suspense.get(&key).map(|waits| waits.reason);
        let traced = match (&detail, &charge) {
            (Some(detail), Some(Charge { reference, posted, .. })) => {
                let bytes = unpack_detail(detail)?;
                let raw = bytes.split(|byte| *byte == b'\n').nth(row.line as usize).unwrap_or_default();
                let charged = Charged { piece: &piece, row, key, raw, reference: *reference, posted };
                self.retraced(&charged, language)?
            }
            _ => None,
        };
        match traced {
            Some(traced) => {
                text.push_str(&traced);
                if let Outcome::Suspended(of) = &row.outcome {
                    let reason = suspended(of.reason);
                    let _ = writeln!(text, "  {:<10} {reason}, until the reference data was mended", "waited");
                }
            }
            None => {
                let line = piece.first_line.saturating_add(u64::from(row.line));
                let _ = writeln!(text, "  {:<10} {}, {}:{line}", "source", piece.file.source, piece.file.name);
                let _ = writeln!(text, "  {:<10} {}", "outcome", outcome_words(&row.outcome, waits, posted));
            }
        }
        let reference = match &charge {
            Some(Charge { at, reference, posted }) => {
                self.explain_posting(posted, &mut text);
                let _ = writeln!(text, "  {:<10} entry {}, record {}", "journal", at.seq, at.index);
                *reference
            }
            None => {
                let Place { seq, index } = place;
                let _ = writeln!(text, "  {:<10} entry {seq}, record {index}; nothing is posted for it", "journal");
                self.decided_by(key, place, &piece, row)?
            }
        };
        let _ = writeln!(text, "  {:<10} set {reference} of the journal", "reference");
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

    /// The set that decided last on a record that has no charge: that of its piece, unless it waited and something new
    /// was said of it since. That is rare, and stands anywhere in the journal behind it.
    fn decided_by(&self, key: u128, place: Place, piece: &Piece, row: &Row) -> Result<u32, PostError> {
        let mut reference = piece.reference;
        let waits = self.books.suspense.get(&key).map(|waits| waits.reason);
        let waited = match &row.outcome {
            Outcome::Suspended(of) => Some(of.reason),
            Outcome::Waiting(part) => {
                Some(part.suspended.as_ref().map_or(SuspendReason::IncompleteParts as u8, |of| of.reason))
            }
            Outcome::Rated(_)
            | Outcome::Filtered(_)
            | Outcome::Duplicate(_)
            | Outcome::Rejected(_)
            | Outcome::WithItsCall
            | Outcome::WrittenOff(_) => None,
        };
        if waited.is_none() || waits == waited {
            return Ok(reference);
        }
        let mut problem = Ok(());
        self.journal().scan(place.seq.saturating_add(1), Details::Skip, &mut |stored| {
            match codec::decode(&stored.money) {
                Ok(entry) => each_keyed(&entry, &mut |keyed, resolved| {
                    if resolved && keyed.key == key {
                        reference = decider(&entry).unwrap_or(reference);
                    }
                }),
                Err(error) => problem = Err(PostError::Entry { seq: stored.seq, error }),
            }
            Ok(())
        })?;
        problem.map(|()| reference)
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

/// The set that decided what an entry says.
fn decider(entry: &Entry) -> Option<u32> {
    match entry {
        Entry::Piece(piece) => Some(piece.reference),
        Entry::Resolved(resolutions) => Some(resolutions.reference),
        Entry::Reference(_) | Entry::Money(_) | Entry::Status(_) => None,
    }
}

/// Where a record came first, if that is in this entry.
fn came_in(seq: u64, entry: &Entry, key: u128) -> Option<Place> {
    let mut came = None;
    each_keyed(entry, &mut |keyed, resolved| {
        if !resolved && keyed.key == key && !matches!(keyed.outcome, Outcome::Duplicate(_)) {
            came = came.or(Some(Place { seq, index: keyed.place }));
        }
    });
    came
}

/// The charge of a record, if it is in this entry.
fn charge_in(seq: u64, entry: &Entry, key: u128) -> Option<Charge> {
    let reference = decider(entry)?;
    let mut charge = None;
    each_keyed(entry, &mut |keyed, _| {
        if let Outcome::Rated(posted) = keyed.outcome
            && keyed.key == key
        {
            let at = Place { seq, index: keyed.place };
            charge = Some(Charge { at, reference, posted: posted.clone() });
        }
    });
    charge
}

/// The bytes of a piece from its detail.
pub(super) fn unpack_detail(detail: &[u8]) -> Result<Vec<u8>, PostError> {
    lines::of(detail).map_err(|error| PostError::Refused(format!("the detail of an entry: {error}")))
}

fn suspended(reason: u8) -> &'static str {
    SuspendReason::ALL.get(usize::from(reason)).map_or("", |reason| reason.name())
}

fn outcome_words(outcome: &Outcome, waits: Option<u8>, posted: Option<&Posted>) -> String {
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
