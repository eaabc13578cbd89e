//! What deciding remembers, folded from the journal: the counterpart of what the settler does when it decides.

use super::books::Violation;
use super::entry::{Entry, FileKey, MoneyMove, Outcome, Piece, Reversal};
use super::pieces::{Waits, open_part};
use crate::batch::{Joined, Memory};
use crate::book::{AccountNo, Funds};
use crate::screen::{Duplicates, Fingerprint, Seen, SourceKey};
use crate::units::{InstantMs, Tiyn};

/// An empty memory with room for so many records.
pub(super) fn empty(records: usize) -> Memory {
    Memory::new(Duplicates::with_capacity(records), Funds::default())
}

/// What is to be done with the keys of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Keys {
    /// They are remembered already, or looked up on disk.
    Known,
    /// They are remembered; each is new, or a duplicate of one that is remembered.
    New,
    /// They are remembered; a duplicate may be of one that is on disk.
    NewBesideOld,
}

/// Applies an entry. `file_no` gives files their places.
pub(super) fn replay(
    memory: &mut Memory,
    entry: &Entry,
    keys: Keys,
    file_no: &mut dyn FnMut(&FileKey) -> usize,
) -> Result<(), Violation> {
    match entry {
        Entry::Reference(_) | Entry::Status(_) => Ok(()),
        Entry::Money(moves) => {
            pay(memory, moves);
            Ok(())
        }
        Entry::Piece(piece) => replay_piece(memory, piece, keys, file_no),
        Entry::Resolved(resolutions) => {
            for record in &resolutions.records {
                if let Some(call) = record.call {
                    memory.open_calls.remove(call, record.key);
                }
                if let Outcome::Waiting(part) = &record.outcome {
                    let at = Waits {
                        key: record.key,
                        content: record.content,
                        record_id: &record.record_id,
                        file: file_no(&record.file),
                        line: record.line,
                    };
                    join(memory, open_part(part, &at))?;
                }
                take(memory, record.key, &record.outcome, record.reversed.as_deref());
            }
            Ok(())
        }
    }
}

fn replay_piece(
    memory: &mut Memory,
    piece: &Piece,
    keys: Keys,
    file_no: &mut dyn FnMut(&FileKey) -> usize,
) -> Result<(), Violation> {
    let source = SourceKey::of(&piece.file.source);
    let mut rest = piece.ids.as_slice();
    for row in &piece.rows {
        let Some((id, behind)) = rest.split_at_checked(row.id_length as usize) else {
            return Err(Violation("an id is cut".into()));
        };
        rest = behind;
        if id.is_empty() {
            // What is no record has no key.
            continue;
        }
        let key = source.fingerprint(id);
        let repeats = matches!(row.outcome, Outcome::Duplicate(_));
        let seen = match keys {
            Keys::Known => None,
            Keys::New => Some(memory.duplicates.insert(Fingerprint { key, content: row.content })),
            Keys::NewBesideOld => {
                memory.duplicates.insert(Fingerprint { key, content: row.content });
                None
            }
        };
        if seen.is_some_and(|seen| (seen == Seen::New) == repeats) {
            let what = if repeats { "a duplicate of nothing" } else { "one key is charged or kept twice" };
            return Err(Violation(format!("{}/{}: {what}", piece.file.source, piece.file.name)));
        }
        if let Outcome::Waiting(part) = &row.outcome {
            let line = piece.first_line.saturating_add(u64::from(row.line));
            let at = Waits { key, content: row.content, record_id: id, file: file_no(&piece.file), line };
            join(memory, open_part(part, &at))?;
        }
        take(memory, key, &row.outcome, row.reversed.as_deref());
    }
    for record in &piece.resolved {
        if let Some(call) = record.call {
            // The part that completed the call never waited.
            memory.open_calls.remove(call, record.key);
        }
        take(memory, record.key, &record.outcome, record.reversed.as_deref());
    }
    Ok(())
}

pub(super) fn join(memory: &mut Memory, part: crate::batch::OpenPart) -> Result<(), Violation> {
    match memory.open_calls.join(part) {
        Joined::Waiting => Ok(()),
        Joined::Complete(_) | Joined::NoRoom => Err(Violation("a part waits whose call is complete".into())),
    }
}

/// What an outcome takes from what its account has, and gives back.
fn take(memory: &mut Memory, key: u128, outcome: &Outcome, reversed: Option<&Reversal>) {
    if let Outcome::Rated(charge) = outcome {
        memory.funds.replay(charge, false);
    }
    match reversed {
        Some(Reversal { key: of, charge: Some(charge) }) => {
            memory.funds.replay(charge, true);
            if *of == key {
                memory.replaced.remove(of);
            }
        }
        Some(Reversal { key: of, charge: None }) => {
            memory.replaced.insert(*of);
        }
        None => {}
    }
}

/// Money that came in or went out, as far as it decides where a call is cut off.
pub(super) fn pay(memory: &mut Memory, moves: &[MoneyMove]) {
    let mut credits = Vec::new();
    for of in moves {
        match of {
            MoneyMove::Opening { account, amount, ahead: true, .. } => {
                memory.funds.open(AccountNo(*account), Tiyn::new(*amount));
            }
            MoneyMove::Opening { .. } | MoneyMove::Unidentified(_) | MoneyMove::Brought { .. } => {}
            MoneyMove::Settled(of) | MoneyMove::IdentifiedSettled(of) => {
                let at = InstantMs(of.payment.paid_ms);
                credits.push((AccountNo(of.payment.account), at, Tiyn::new(of.payment.advance)));
            }
            MoneyMove::Status(of) => {
                if of.advance > 0 {
                    memory.funds.debit(AccountNo(of.account), Tiyn::new(of.advance));
                }
            }
            MoneyMove::Payment(payment) | MoneyMove::Identified(payment) => {
                let credited = if payment.ahead { payment.amount.saturating_sub(payment.vat) } else { payment.advance };
                credits.push((AccountNo(payment.account), InstantMs(payment.paid_ms), Tiyn::new(credited)));
            }
            MoneyMove::Refund(refund) => memory.funds.debit(AccountNo(refund.account), Tiyn::new(refund.amount)),
        }
    }
    if !credits.is_empty() {
        memory.funds.pay(credits);
    }
}
