//! What waits: shown by reason and age, and given up by a person who says who and why.
//!
//! Source: rating 1.2.

use super::codec;
use super::entry::{Entry, Outcome, Piece, Resolutions, Resolved, WriteOff};
use super::store::Store;
use super::writer::{PostError, Ready};
use crate::record::SuspendReason;
use crate::screen::SourceKey;
use crate::store::StoreError;
use crate::units::{InstantMs, LocalDay, Zone};
use std::collections::{BTreeMap, BTreeSet};

/// Records that wait for one reason, by age.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Aged {
    /// By the first [`AGES`] that is not below the days since the usage; the last is for all older ones.
    pub by_age: [u64; AGES.len() + 1],
    /// The day of the oldest usage, where it is known.
    pub oldest: Option<LocalDay>,
    /// All of them.
    pub count: u64,
}

/// Days since the usage, at most.
pub const AGES: [i32; 4] = [1, 7, 30, 90];

/// A record that waits, for a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WaitingRecord {
    /// Its feed.
    pub source: String,
    /// Its id.
    pub record_id: String,
    /// Its file.
    pub file: String,
    /// Line of the file, from 1.
    pub line: u64,
    /// Why.
    pub reason: SuspendReason,
    /// When the usage was, where it is known.
    pub on: Option<LocalDay>,
    /// What a person needs to mend it.
    pub detail: String,
}

impl Store {
    /// The day of the latest usage that these books know.
    pub fn latest_usage(&self, zone: &Zone) -> Option<LocalDay> {
        self.books.latest_ms.map(|at| zone.local(InstantMs(at)).day)
    }

    /// How much waits, by reason and by age on a day.
    pub fn suspense_by_age(&self, zone: &Zone, as_of: LocalDay) -> BTreeMap<SuspendReason, Aged> {
        let mut all: BTreeMap<SuspendReason, Aged> = BTreeMap::new();
        for waits in self.books.suspense.values() {
            let Some(reason) = SuspendReason::ALL.get(usize::from(waits.reason)) else { continue };
            let aged = all.entry(*reason).or_default();
            aged.count = aged.count.saturating_add(1);
            let day = zone.local(InstantMs(waits.at_ms)).day;
            aged.oldest = Some(aged.oldest.map_or(day, |oldest| oldest.min(day)));
            let days = as_of.0.saturating_sub(day.0);
            let place = AGES.iter().position(|most| days <= *most).unwrap_or(AGES.len());
            if let Some(count) = aged.by_age.get_mut(place) {
                *count = count.saturating_add(1);
            }
        }
        all
    }

    /// Each record that waits for a reason, or for any, in the order of the journal.
    pub fn each_waiting(
        &self,
        reason: Option<SuspendReason>,
        zone: &Zone,
        each: &mut dyn FnMut(WaitingRecord) -> Result<(), PostError>,
    ) -> Result<(), PostError> {
        let wanted = |of: u8| reason.is_none_or(|reason| reason as u8 == of);
        let mut rows: Vec<(u64, u32, u128)> = self
            .books
            .suspense
            .iter()
            .filter(|(_, waits)| wanted(waits.reason))
            .map(|(key, waits)| (waits.seq, waits.row, *key))
            .collect();
        rows.sort_unstable();
        for of_entry in rows.chunk_by(|(one, ..), (next, ..)| one == next) {
            let Some((seq, ..)) = of_entry.first() else { continue };
            let piece = self.piece(*seq)?;
            let ids = ids_of(&piece);
            for (_, row, key) in of_entry {
                let (Some(waits), Some((_, record_id))) = (self.books.suspense.get(key), ids.get(*row as usize)) else {
                    continue;
                };
                let Some(reason) = SuspendReason::ALL.get(usize::from(waits.reason)) else { continue };
                let outcome = piece.rows.get(*row as usize).map(|row| &row.outcome);
                // What was said first still holds where the reason is the same.
                let suspended = match outcome {
                    Some(Outcome::Suspended(suspended)) => Some(suspended),
                    Some(Outcome::Waiting(part)) => part.suspended.as_ref(),
                    _ => None,
                };
                let detail = suspended.filter(|suspended| suspended.reason == waits.reason);
                each(WaitingRecord {
                    source: piece.file.source.clone(),
                    record_id: String::from_utf8_lossy(record_id).into_owned(),
                    file: piece.file.name.clone(),
                    line: waits.line,
                    reason: *reason,
                    on: Some(zone.local(InstantMs(waits.at_ms)).day),
                    detail: detail.map_or_else(String::new, |suspended| suspended.detail.clone()),
                })?;
            }
        }
        Ok(())
    }

    fn piece(&self, seq: u64) -> Result<Piece, PostError> {
        let mut found = None;
        let stored = self.journal().read(seq)?;
        if let Entry::Piece(piece) = codec::decode(&stored.money).map_err(|error| PostError::Entry { seq, error })? {
            found = Some(*piece);
        }
        found.ok_or(PostError::Store(StoreError::Refused { seq, why: "no piece of a feed".into() }))
    }

    /// Gives up records that wait, all or none. `ids` are `source/record_id`; who does it and why is recorded.
    pub fn write_off(&mut self, ids: &[String], by: &str, reason: &str) -> Result<u64, PostError> {
        let (by, reason) = (by.trim(), reason.trim());
        if by.is_empty() || reason.is_empty() {
            return Err(PostError::Refused("a write-off needs the name of who does it and the reason why".into()));
        }
        let mut keys = BTreeSet::new();
        let mut wrong = Vec::new();
        for id in ids {
            match self.waiting_key(id) {
                Some(key) => drop(keys.insert(key)),
                None => wrong.push(id.as_str()),
            }
        }
        if !wrong.is_empty() {
            return Err(PostError::Refused(format!(
                "no record waits under {}; nothing was written off\n  hint: `esep suspense --list REASON` shows the ids",
                wrong.join(", ")
            )));
        }
        let mut memory = self.take_memory()?;
        let calls: BTreeMap<u128, u128> =
            memory.open_calls.parts_mut().map(|part| (part.item.print.key, part.part.call)).collect();
        let mut records = Vec::with_capacity(keys.len());
        for key in &keys {
            let Some(waits) = self.books.suspense.get(key) else { continue };
            let piece = self.piece(waits.seq);
            let piece = match piece {
                Ok(piece) => piece,
                Err(error) => {
                    self.give_memory(memory);
                    return Err(error);
                }
            };
            let (content, record_id) = ids_of(&piece).get(waits.row as usize).copied().unwrap_or_default();
            records.push(Resolved {
                key: *key,
                call: calls.get(key).copied(),
                record_id: record_id.to_vec(),
                content,
                file: piece.file.clone(),
                line: waits.line,
                outcome: Outcome::WrittenOff(WriteOff { by: by.to_owned(), reason: reason.to_owned() }),
                reversed: None,
            });
        }
        let count = records.len() as u64;
        let entry = Entry::Resolved(Resolutions { reference: self.books.reference_no, records });
        let ready = Ready::new(entry, Vec::new())?;
        // Until it is durable, nothing is remembered of it; should that fail, the books must be opened anew.
        self.writer()?.write(vec![ready])?;
        for key in &keys {
            if let Some(call) = calls.get(key) {
                memory.open_calls.remove(*call, *key);
            }
        }
        self.give_memory(memory);
        Ok(count)
    }

    /// The key of a record that waits, by `source/record_id`. Both parts may hold a slash themselves.
    fn waiting_key(&self, id: &str) -> Option<u128> {
        let splits = id.match_indices('/').filter_map(|(at, _)| Some((id.get(..at)?, id.get(at.checked_add(1)?..)?)));
        let mut keys = splits.map(|(source, record)| SourceKey::of(source).fingerprint(record.as_bytes()));
        keys.find(|key| self.books.suspense.contains_key(key))
    }
}

/// Content and id of each record of a piece.
fn ids_of(piece: &Piece) -> Vec<(u64, &[u8])> {
    let mut rest = piece.ids.as_slice();
    piece
        .rows
        .iter()
        .map(|row| {
            let (id, behind) = rest.split_at_checked(row.id_length as usize).unwrap_or_default();
            rest = behind;
            (row.content, id)
        })
        .collect()
}
