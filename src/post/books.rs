//! The books: the fold of the journal. What is applied here was decided before; what cannot follow from what stands in
//! the journal before it is refused, so that replaying is an audit.

mod hash;
mod recorded;

use super::entry::{
    Entry, FileKey, MoneyMove, Outcome, Piece, Position, ReferenceSet, Resolutions, Resolved, Reversal, Row,
    SettledPayment, UnidentifiedPayment,
};
use crate::batch::Counts;
use crate::book::{AccountNo, Ledgers, Posted, Transaction};
use crate::hint::prefetch;
use crate::record::{RejectReason, SuspendReason};
use crate::screen::SourceKey;
use crate::units::{Period, Tiyn};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// How many records ahead the memory of an account is asked for.
const AHEAD: usize = 16;

/// An entry that cannot follow from those before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation(pub String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Violation {}

/// What the books say of a feed's file.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct FileState {
    /// How far it is read.
    pub position: Position,
    /// Where its records ended.
    pub counts: Counts,
    /// Filtered records by reason.
    pub filtered: BTreeMap<u8, u64>,
    /// Suspended records by reason, those of today.
    pub suspended: BTreeMap<u8, u64>,
    /// Rejected records by reason.
    pub rejected: BTreeMap<u8, u64>,
    /// Duplicates whose content differs: an alarm.
    pub differing: u64,
    /// Σ durations of rated records, ms.
    pub rated_ms: i128,
    /// Σ charges, gross tiyn.
    pub charged: i128,
    /// Σ VAT in them.
    pub vat: i128,
    /// Σ not owed.
    pub not_owed: i128,
}

/// A record that waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Suspense {
    /// Place in [`SuspendReason::ALL`].
    pub reason: u8,
    /// When the usage was, ms.
    pub at_ms: i64,
    /// Where its file stands in [`Books::files`].
    pub file: u32,
    /// Line of the file, from 1.
    pub line: u64,
    /// Journal entry that holds it.
    pub seq: u64,
    /// Its place among the rows of that entry.
    pub row: u32,
}

/// A set that does not know the order in which it grew: the sum of hashes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Digest {
    /// How many.
    pub count: u64,
    sum: u128,
}

impl Digest {
    fn add(&mut self, bytes: &[u8]) {
        self.count = self.count.wrapping_add(1);
        self.sum = self.sum.wrapping_add(xxh3_128(bytes));
    }

    fn remove(&mut self, bytes: &[u8]) {
        self.count = self.count.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(xxh3_128(bytes));
    }
}

/// The state of the books.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub struct Books {
    /// Balances.
    pub ledgers: Ledgers,
    /// Files by their place.
    pub files: Vec<(FileKey, FileState)>,
    #[serde(skip)]
    file_of: FxHashMap<FileKey, u32>,
    /// Records that wait, by key.
    pub suspense: FxHashMap<u128, Suspense>,
    /// Charges that stand.
    pub charges: Digest,
    /// Not owed (CELL-48), tiyn, by month of usage and category.
    pub not_owed: BTreeMap<(i32, u8), i128>,
    /// Payments and refunds by the hash of their reference, with that of their content.
    references: FxHashMap<u128, u64>,
    moves: Digest,
    /// Payments whose account is not known.
    pub unidentified: BTreeMap<String, UnidentifiedPayment>,
    /// The reference data that decides now.
    pub reference: Option<ReferenceSet>,
    /// Its number, from 1.
    pub reference_no: u32,
    /// Hashes of the ids of all accounts, by number.
    pub account_ids: Vec<u64>,
    /// Keys of charges that were taken back.
    pub reversed: FxHashSet<u128>,
    /// Accounts that were charged, a bit for each.
    charged: Vec<u64>,
    /// Σ of what was taken back, gross tiyn.
    pub reversed_gross: i128,
    /// When the latest usage was that is charged or waits, ms.
    pub latest_ms: Option<i64>,
    /// Entries that recorded statuses, with the local day up to which they did.
    pub status_runs: Vec<(u64, i32)>,
    /// Moves that are recorded.
    status_moves: Digest,
}

/// What a reference says about a payment before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    /// Nothing.
    New,
    /// The same payment.
    Same,
    /// Another payment: an alarm.
    Differs,
}

fn violation<T>(text: impl Into<String>) -> Result<T, Violation> {
    Err(Violation(text.into()))
}

impl Books {
    /// Applies the entry of a sequence number.
    pub fn apply(&mut self, seq: u64, entry: &Entry) -> Result<(), Violation> {
        match entry {
            Entry::Reference(set) => self.take_reference(set),
            Entry::Piece(piece) => self.take_piece(seq, piece),
            Entry::Money(moves) => moves.iter().try_for_each(|of| self.take_money(of)),
            Entry::Resolved(resolutions) => self.take_resolutions(seq, resolutions),
            Entry::Status(run) => self.take_statuses(seq, run),
        }
    }

    fn take_reference(&mut self, set: &ReferenceSet) -> Result<(), Violation> {
        if let Some(before) = &self.reference {
            let grows = |old: &[String], new: &[String]| new.starts_with(old);
            if !grows(&before.plans, &set.plans)
                || !grows(&before.zones, &set.zones)
                || !grows(&before.networks, &set.networks)
            {
                return violation("the reference data gives numbers of plans, zones or networks another meaning");
            }
        }
        self.account_ids.extend_from_slice(&set.new_accounts);
        self.reference_no = self.reference_no.saturating_add(1);
        self.reference = Some(ReferenceSet { packed: Vec::new(), new_accounts: Vec::new(), ..set.clone() });
        Ok(())
    }

    /// The place of a file, a new one where it is new.
    pub fn file(&mut self, key: &FileKey) -> u32 {
        if let Some(known) = self.file_of.get(key) {
            return *known;
        }
        let place = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        self.files.push((key.clone(), FileState::default()));
        self.file_of.insert(key.clone(), place);
        place
    }

    /// Finds files by name again, after the books were read.
    pub(super) fn index_files(&mut self) {
        self.file_of = self.files.iter().map(|(key, _)| key.clone()).zip(0u32..).collect();
    }

    /// What is known of a file.
    pub fn known_file(&self, key: &FileKey) -> Option<&FileState> {
        let place = *self.file_of.get(key)?;
        self.files.get(place as usize).map(|(_, state)| state)
    }

    fn take_piece(&mut self, seq: u64, piece: &Piece) -> Result<(), Violation> {
        let name = || format!("{}/{}", piece.file.source, piece.file.name);
        if piece.reference != self.reference_no {
            return violation(format!("{}: decided by reference {}, not the current one", name(), piece.reference));
        }
        if piece.rows.len() as u64 != piece.records {
            return violation(format!("{}: {} records, {} outcomes", name(), piece.records, piece.rows.len()));
        }
        let place = self.file(&piece.file);
        let Some((_, state)) = self.files.get_mut(place as usize) else { return violation("too many files") };
        if !piece.anew && state.position != piece.start {
            return violation(format!(
                "{}: read on from byte {}, not {}",
                name(),
                piece.start.bytes,
                state.position.bytes
            ));
        }
        state.position = piece.end;
        state.counts.read = state.counts.read.saturating_add(piece.records);
        let source = SourceKey::of(&piece.file.source);
        let mut id_at = 0usize;
        for (row, at) in piece.rows.iter().zip(0u32..) {
            // Rows come from another core.
            prefetch(&piece.rows, (at as usize).wrapping_add(2 * AHEAD));
            if let Some(Row { outcome: Outcome::Rated(ahead), .. }) = piece.rows.get((at as usize).wrapping_add(AHEAD))
            {
                self.ledgers.prefetch(ahead.account());
                prefetch(&self.account_ids, ahead.account as usize);
                prefetch(&self.charged, (ahead.account / 64) as usize);
            }
            let until = id_at.saturating_add(row.id_length as usize);
            let Some(id) = piece.ids.get(id_at..until) else { return violation(format!("{}: an id is cut", name())) };
            id_at = until;
            self.take_row(&Place { file: place, seq, row: at, first_line: piece.first_line, source }, id, row)?;
        }
        piece.resolved.iter().try_for_each(|resolved| self.take_resolved(seq, resolved))
    }

    fn take_row(&mut self, place: &Place, id: &[u8], row: &Row) -> Result<(), Violation> {
        let key = || place.source.fingerprint(id);
        if let Outcome::Rated(posted) = &row.outcome {
            self.charge(key(), posted)?;
        }
        match &row.outcome {
            Outcome::Suspended(suspended) => self.suspend(place, key(), suspended.reason, suspended.at_ms, row.line)?,
            Outcome::Waiting(part) => {
                let reason = part.suspended.as_ref().map_or(INCOMPLETE, |suspended| suspended.reason);
                self.suspend(place, key(), reason, part.posted.at_ms, row.line)?;
            }
            Outcome::WithItsCall => self.suspend(place, key(), INCOMPLETE, 0, row.line)?,
            Outcome::WrittenOff(_) => return violation("a record is written off that never waited"),
            Outcome::Rated(_) | Outcome::Filtered(_) | Outcome::Duplicate(_) | Outcome::Rejected(_) => {}
        }
        self.count(place.file, &row.outcome, 1)?;
        row.reversed.as_ref().map_or(Ok(()), |reversal| self.reverse(reversal))
    }

    fn suspend(&mut self, place: &Place, key: u128, reason: u8, at_ms: i64, line: u32) -> Result<(), Violation> {
        let line = place.first_line.saturating_add(u64::from(line));
        if at_ms != 0 {
            self.latest_ms = self.latest_ms.max(Some(at_ms));
        }
        let waits = Suspense { reason, at_ms, file: place.file, line, seq: place.seq, row: place.row };
        match self.suspense.insert(key, waits) {
            None => Ok(()),
            Some(_) => violation("one key waits twice"),
        }
    }

    /// Counts an outcome of a file, or takes it off (`by` = −1).
    fn count(&mut self, file: u32, outcome: &Outcome, by: i64) -> Result<(), Violation> {
        let Some((_, state)) = self.files.get_mut(file as usize) else { return violation("an unknown file") };
        let add = |place: &mut u64| *place = place.saturating_add_signed(by);
        match outcome {
            Outcome::Rated(posted) => {
                add(&mut state.counts.rated);
                let sum = |sum: &mut i128, amount: i64| *sum = sum.saturating_add(i128::from(amount));
                sum(&mut state.rated_ms, posted.duration_ms);
                sum(&mut state.charged, posted.gross);
                sum(&mut state.vat, posted.gross.saturating_sub(posted.net));
                sum(&mut state.not_owed, posted.not_owed);
            }
            Outcome::Filtered(reason) => {
                add(&mut state.counts.filtered);
                add(state.filtered.entry(*reason).or_default());
            }
            Outcome::Duplicate(differs) => {
                add(&mut state.counts.duplicate);
                state.differing = state.differing.saturating_add(u64::from(*differs));
            }
            Outcome::Suspended(suspended) => {
                add(&mut state.counts.suspended);
                add(state.suspended.entry(suspended.reason).or_default());
            }
            Outcome::Waiting(part) => {
                add(&mut state.counts.suspended);
                let reason = part.suspended.as_ref().map_or(INCOMPLETE, |suspended| suspended.reason);
                add(state.suspended.entry(reason).or_default());
            }
            Outcome::WithItsCall => {
                add(&mut state.counts.suspended);
                add(state.suspended.entry(INCOMPLETE).or_default());
            }
            Outcome::Rejected(rejected) => {
                add(&mut state.counts.rejected);
                add(state.rejected.entry(rejected.reason).or_default());
            }
            Outcome::WrittenOff(_) => {
                add(&mut state.counts.rejected);
                add(state.rejected.entry(RejectReason::WrittenOff as u8).or_default());
            }
        }
        Ok(())
    }

    fn charge(&mut self, key: u128, posted: &Posted) -> Result<(), Violation> {
        self.post(posted.account, &posted.transaction())?;
        self.latest_ms = self.latest_ms.max(Some(posted.at_ms));
        self.charges.add(&self.charge_bytes(key, posted));
        self.add_not_owed(posted, posted.not_owed);
        let word = (posted.account / 64) as usize;
        if self.charged.len() <= word {
            self.charged.resize(word.saturating_add(1), 0);
        }
        if let Some(word) = self.charged.get_mut(word) {
            *word |= 1 << (posted.account % 64);
        }
        Ok(())
    }

    fn add_not_owed(&mut self, posted: &Posted, amount: i64) {
        if amount != 0 {
            let place = (posted.month, posted.category);
            let sum = self.not_owed.entry(place).or_default();
            *sum = sum.saturating_add(i128::from(amount));
            if *sum == 0 {
                self.not_owed.remove(&place);
            }
        }
    }

    fn post(&mut self, account: u32, transaction: &Transaction) -> Result<(), Violation> {
        if account as usize >= self.account_ids.len() {
            return violation(format!("account number {account} is not known"));
        }
        self.ledgers.post(transaction).map_err(|error| Violation(error.to_string()))
    }

    fn reverse(&mut self, reversal: &Reversal) -> Result<(), Violation> {
        let Some(posted) = &reversal.charge else { return Ok(()) };
        self.post(posted.account, &posted.transaction().reversed())?;
        self.charges.remove(&self.charge_bytes(reversal.key, posted));
        self.add_not_owed(posted, posted.not_owed.saturating_neg());
        if !self.reversed.insert(reversal.key) {
            return violation("a charge is taken back twice");
        }
        self.reversed_gross = self.reversed_gross.saturating_add(i128::from(posted.gross));
        Ok(())
    }

    /// What a charge says, whatever the number of its account, plan, zone and tariff.
    fn charge_bytes(&self, key: u128, posted: &Posted) -> [u8; 80] {
        let mut bytes = [0u8; 80];
        let id = self.account_ids.get(posted.account as usize).copied().unwrap_or(0);
        let small = u64::from(posted.service)
            | u64::from(posted.category) << 8
            | u64::from(posted.flags) << 16
            | u64::from(posted.paying) << 24
            | u64::from(posted.vat_hundredths) << 32
            | u64::from(posted.rules) << 48;
        let words = [
            id,
            small,
            posted.at_ms.cast_unsigned(),
            posted.duration_ms.cast_unsigned(),
            posted.units,
            posted.gross.cast_unsigned(),
            posted.net.cast_unsigned(),
            posted.not_owed.cast_unsigned(),
        ];
        let (head, tail) = bytes.split_at_mut(16);
        head.copy_from_slice(&key.to_le_bytes());
        for (place, word) in tail.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
        bytes
    }

    fn take_resolutions(&mut self, seq: u64, resolutions: &Resolutions) -> Result<(), Violation> {
        if resolutions.reference != self.reference_no {
            return violation("a record was recycled with reference data that is not the current one");
        }
        resolutions.records.iter().try_for_each(|resolved| self.take_resolved(seq, resolved))
    }

    fn take_resolved(&mut self, _seq: u64, resolved: &Resolved) -> Result<(), Violation> {
        let Some(waited) = self.suspense.remove(&resolved.key) else {
            return violation("a record is resolved that does not wait");
        };
        let Some((key, state)) = self.files.get_mut(waited.file as usize) else { return violation("an unknown file") };
        if *key != resolved.file || waited.line != resolved.line {
            return violation("a record is resolved under another place than its own");
        }
        state.counts.suspended = state.counts.suspended.saturating_sub(1);
        if let Some(count) = state.suspended.get_mut(&waited.reason) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                state.suspended.remove(&waited.reason);
            }
        }
        match &resolved.outcome {
            Outcome::Rated(posted) => self.charge(resolved.key, posted)?,
            Outcome::Suspended(suspended) => {
                // It goes on waiting, for another reason.
                let (reason, at_ms) = (suspended.reason, suspended.at_ms);
                self.suspense.insert(resolved.key, Suspense { reason, at_ms, ..waited });
            }
            Outcome::Filtered(_) | Outcome::Rejected(_) | Outcome::WrittenOff(_) => {}
            Outcome::Waiting(part) => {
                let reason = part.suspended.as_ref().map_or(INCOMPLETE, |suspended| suspended.reason);
                self.suspense.insert(resolved.key, Suspense { reason, at_ms: part.posted.at_ms, ..waited });
            }
            Outcome::Duplicate(_) | Outcome::WithItsCall => {
                return violation("a record that waited is resolved into what it cannot become");
            }
        }
        self.count(waited.file, &resolved.outcome, 1)?;
        resolved.reversed.as_ref().map_or(Ok(()), |reversal| self.reverse(reversal))
    }

    fn take_money(&mut self, of: &MoneyMove) -> Result<(), Violation> {
        let transaction = of.transaction();
        match of {
            MoneyMove::Opening { account, amount, month, .. } => {
                self.moves.add(&self.move_bytes(0, *account, *amount, i64::from(*month)));
                self.post(*account, &transaction)
            }
            MoneyMove::Payment(payment) => {
                let content = self.content(payment.account, payment.amount, payment.paid_ms);
                self.take_reference_of(&payment.reference, content)?;
                self.moves.add(&self.move_bytes(1, payment.account, payment.amount, payment.paid_ms));
                self.post(payment.account, &transaction)
            }
            MoneyMove::Unidentified(payment) => {
                let content = content(xxh3_64(payment.account_id.as_bytes()), payment.amount, payment.paid_ms);
                self.take_reference_of(&payment.reference, content)?;
                self.ledgers.post(&transaction).map_err(|error| Violation(error.to_string()))?;
                self.unidentified.insert(payment.reference.clone(), payment.clone());
                Ok(())
            }
            MoneyMove::Identified(payment) | MoneyMove::IdentifiedSettled(SettledPayment { payment, .. }) => {
                match self.unidentified.remove(&payment.reference) {
                    Some(held) if held.amount == payment.amount => {}
                    _ => return violation(format!("payment {} was not held", payment.reference)),
                }
                self.moves.add(&self.move_bytes(1, payment.account, payment.amount, payment.paid_ms));
                self.post(payment.account, &transaction)
            }
            MoneyMove::Refund(refund) => {
                let content = self.content(refund.account, refund.amount.saturating_neg(), refund.at_ms);
                self.take_reference_of(&refund.reference, content)?;
                self.moves.add(&self.move_bytes(2, refund.account, refund.amount, refund.at_ms));
                self.post(refund.account, &transaction)
            }
            MoneyMove::Status(of) => {
                let (kind, on) = (8u64.saturating_add(u64::from(of.posting)), i64::from(of.on));
                self.moves.add(&self.move_bytes(kind, of.account, of.asked, on));
                self.post(of.account, &transaction)
            }
            MoneyMove::Settled(of) => {
                let payment = &of.payment;
                let content = self.content(payment.account, payment.amount, payment.paid_ms);
                self.take_reference_of(&payment.reference, content)?;
                self.moves.add(&self.move_bytes(1, payment.account, payment.amount, payment.paid_ms));
                self.post(payment.account, &transaction)
            }
            MoneyMove::Brought { account, amount, kind } => {
                let kind = 3u64.saturating_add(*kind as u64);
                self.moves.add(&self.move_bytes(kind, *account, *amount, 0));
                self.post(*account, &transaction)
            }
        }
    }

    fn move_bytes(&self, kind: u64, account: u32, amount: i64, at: i64) -> [u8; 32] {
        let id = self.account_ids.get(account as usize).copied().unwrap_or(0);
        let mut bytes = [0u8; 32];
        let words = [kind, id, amount.cast_unsigned(), at.cast_unsigned()];
        for (place, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
        bytes
    }

    fn take_reference_of(&mut self, reference: &str, content: u64) -> Result<(), Violation> {
        match self.references.insert(xxh3_128(reference.as_bytes()), content) {
            None => Ok(()),
            Some(_) => violation(format!("payment {reference} is booked twice")),
        }
    }

    fn content(&self, account: u32, amount: i64, at_ms: i64) -> u64 {
        content(self.account_ids.get(account as usize).copied().unwrap_or(0), amount, at_ms)
    }

    /// Whether money moved under a reference before; the account by the hash of its id. Source: accounts and money 2.3.
    pub fn knows(&self, reference: &str, account_id: &str, amount: Tiyn, at_ms: i64) -> Known {
        match self.references.get(&xxh3_128(reference.as_bytes())) {
            None => Known::New,
            Some(before) if *before == content(xxh3_64(account_id.as_bytes()), amount.get(), at_ms) => Known::Same,
            Some(_) => Known::Differs,
        }
    }

    /// How many accounts were ever charged.
    pub fn charged_accounts(&self) -> u64 {
        self.charged.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Debts of an account by month, oldest first.
    pub fn debts(&self, no: AccountNo) -> Vec<(Period, Tiyn)> {
        self.ledgers.debts_of(no).collect()
    }

    /// The first thing that does not hold by itself, if any.
    pub fn violation(&self) -> Option<String> {
        let unbalanced = self.files.iter().find(|(_, state)| !state.counts.balance());
        if let Some((key, state)) = unbalanced {
            return Some(format!("{}/{}: {}", key.source, key.name, state.counts));
        }
        let waiting: u64 = self.files.iter().map(|(_, state)| state.counts.suspended).sum();
        if waiting != self.suspense.len() as u64 {
            return Some(format!("{waiting} records are counted as suspended, {} wait", self.suspense.len()));
        }
        (self.ledgers.sum() != 0).then(|| format!("the ledger sums to {}, not to zero", self.ledgers.sum()))
    }
}

/// Where a row stands.
struct Place {
    file: u32,
    seq: u64,
    row: u32,
    first_line: u64,
    source: SourceKey,
}

const INCOMPLETE: u8 = SuspendReason::IncompleteParts as u8;

/// What a payment says but for its reference; a refund has an amount below zero.
fn content(account_id: u64, amount: i64, at_ms: i64) -> u64 {
    let words = [account_id, amount.cast_unsigned(), at_ms.cast_unsigned()];
    xxh3_64(words.map(u64::to_le_bytes).as_flattened())
}
