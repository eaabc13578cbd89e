//! The steps of a charge, made again from its stored line with the reference data, the balance and the allowances of
//! then. What is made again must be what was posted, to the last field; otherwise nothing is told.

use crate::batch::{Memory, PrepareMemory, Prepared, Preparer, Settler, posted};
use crate::book::{AccountNo, Funds, Posted, Taken};
use crate::decode::Separators;
use crate::feed::Piece as FeedPiece;
use crate::folder::Folder;
use crate::law::Language;
use crate::post::entry::{Piece, Row};
use crate::post::excerpt::At;
use crate::post::reference::{self, Files};
use crate::post::store::Store;
use crate::post::writer::PostError;
use crate::record::{Flag, Flags};
use crate::screen::Duplicates;
use crate::tariff::Tariffs;
use crate::units::InstantMs;
use bumpalo::Bump;

/// What came of making a charge again.
pub(super) enum Retraced {
    /// The same charge: its steps.
    Same(String),
    /// A part of a call: its line alone does not make its charge.
    Part,
    /// Another charge, or none.
    Differs,
}

/// A charge with all that it is made of.
pub(super) struct Charged<'c> {
    /// The piece in which its record came.
    pub(super) piece: &'c Piece,
    /// The record.
    pub(super) row: &'c Row,
    /// Its key.
    pub(super) key: u128,
    /// The line of the record.
    pub(super) raw: &'c [u8],
    /// The set of reference data that decided, from 1.
    pub(super) reference: u32,
    /// What was posted.
    pub(super) posted: &'c Posted,
}

/// Whose the line of the record is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    /// As `lines.csv` says.
    AsWritten,
    /// Of the account that was charged, as the posting says.
    AsPosted,
}

impl Store {
    /// The steps of a charge; none where the line alone does not make it.
    pub(super) fn retraced(&self, charged: &Charged<'_>, language: Language) -> Result<Option<String>, PostError> {
        let edition = (charged.reference, self.books.reference_no);
        let tariffs = self.tables.take_tariffs(edition);
        let at = if tariffs.is_some() { At::Hand } else { At::Files };
        if let Some(files) = self.excerpt(charged.reference, charged.posted.account(), at)? {
            let (retraced, tariffs) = self.retrace(charged, &files, tariffs, Lines::AsPosted, language)?;
            if let Some(tariffs) = tariffs {
                self.tables.keep_tariffs(edition, tariffs);
            }
            match retraced {
                Retraced::Same(text) => return Ok(Some(text)),
                Retraced::Part => return Ok(None),
                Retraced::Differs => {}
            }
        }
        // Whatever an excerpt lacks, the whole set has.
        let files = self.reference_files_of(charged.reference)?;
        match self.retrace(charged, &files, None, Lines::AsWritten, language)?.0 {
            Retraced::Same(text) => Ok(Some(text)),
            Retraced::Part | Retraced::Differs => Ok(None),
        }
    }

    /// What comes of making a charge again by these files, and their tariffs; `tariffs` where they are at hand.
    fn retrace(
        &self,
        charged: &Charged<'_>,
        files: &Files,
        tariffs: Option<Tariffs>,
        lines: Lines,
        language: Language,
    ) -> Result<(Retraced, Option<Tariffs>), PostError> {
        // Only we can read it: reference data names persons.
        let scratch = tempfile::Builder::new().prefix("esep-explain-").tempdir()?;
        reference::materialise(scratch.path(), files)?;
        let (opened, _) = match tariffs {
            Some(tariffs) => Folder::open_by(scratch.path(), tariffs),
            None => Folder::open_knowing(scratch.path(), self.known_names()),
        };
        let Some(mut folder) = opened else { return Ok((Retraced::Differs, None)) };
        let retraced = made_again(charged, &mut folder, lines, language);
        Ok((retraced, Some(folder.reference.tariffs)))
    }
}

/// A charge made again by what a folder says.
fn made_again(charged: &Charged<'_>, folder: &mut Folder, lines: Lines, language: Language) -> Retraced {
    let Charged { piece, row, key, raw, posted: then, .. } = charged;
    let Some(file) = folder.feed_file(&piece.file.source, &piece.file.name) else { return Retraced::Differs };
    let Ok(decoder) = file.format.decoder(&piece.header) else { return Retraced::Differs };
    let no = match lines {
        Lines::AsWritten => then.account(),
        Lines::AsPosted => {
            let no = AccountNo(0);
            let arena = Bump::new();
            decoder.decode(raw, &arena, &mut Separators::default(), &mut |decoded| {
                if let Ok(record) = &decoded.record {
                    let always = (InstantMs(i64::MIN), InstantMs(i64::MAX));
                    let _ = folder.reference.register.lines.add(record.a_number, Some(no), always.0, always.1);
                }
            });
            no
        }
    };
    let reference = &folder.reference;
    let preparer = Preparer {
        reference,
        source: &file.source,
        decoder: Ok(&decoder),
        settle_all: true,
        keeps_keys: true,
        first_day: folder.config.period.map(|period| period.first_day()),
    };
    let first_line = piece.first_line.saturating_add(u64::from(row.line));
    let mut prepared = Prepared { first_line, ..Prepared::default() };
    preparer.prepare(FeedPiece::Lines(raw.to_vec()), &mut PrepareMemory::default(), &mut prepared);
    let Some(stateful) = prepared.stateful.first().copied() else { return Retraced::Differs };
    if stateful.part.is_some() {
        return Retraced::Part;
    }
    let mut funds = Funds::default();
    let version = reference.tariffs.versions.get(usize::from(then.version));
    let plan = version.and_then(|version| version.plan(stateful.choice.plan?));
    if let (Some(plan), Some(taken)) = (plan, &then.taken) {
        funds.as_it_was(no, then.at(), taken, plan, stateful.choice.since);
    }
    let register = &reference.register;
    let limit = register.account(no).and_then(|account| register.limit(no, account));
    if let Some(limit) = limit.filter(|_| Flags::of_bits(then.flags).has(Flag::OverLimit)) {
        funds.use_up(no, then.period(), limit);
    }
    let mut settler = Settler::new(reference, Vec::new(), Memory::new(Duplicates::with_capacity(1), funds));
    settler.keeps_books = true;
    settler.traced.insert(*key);
    settler.settle(&mut prepared);
    let taken = prepared.booked.first().and_then(|(_, booked)| booked.taken.clone());
    let made = prepared.items.first().and_then(|item| posted(item, reference, taken));
    let same = made.is_some_and(|made| is_same(&Posted { account: then.account, ..made }, then));
    let trace = settler.traces.first().filter(|_| same && reference.register.account(no).is_some());
    trace.map_or(Retraced::Differs, |trace| Retraced::Same(trace.explain(reference, &[file], language)))
}

/// Whether a charge is another one again. One that took nothing may say so or say nothing.
fn is_same(made: &Posted, then: &Posted) -> bool {
    let taken = |of: &Posted| of.taken.as_deref().filter(|taken| **taken != Taken::default()).cloned();
    taken(made) == taken(then) && Posted { taken: None, ..made.clone() } == Posted { taken: None, ..then.clone() }
}
