//! Formats that are data: a description in TOML says how the columns of a switch become native ones.
//!
//! The language is described in [`Description`].

mod clock;
mod description;
mod row;
mod settle;
mod source;
mod written;

pub use description::{BadDescription, Description, NumberForm};

use super::{Decoded, Fields, Limits, fields, numbered_lines};
use crate::record::{RejectReason, Rejection, UsageRecord};
use bumpalo::Bump;
use clock::Moment;
use settle::{Lengths, Moments};
use std::sync::Arc;

/// The decoder of one file of a described format.
#[derive(Clone, Debug)]
pub struct Described {
    description: Arc<Description>,
    limits: Limits,
    /// Where the description's columns stand in this file's lines.
    places: Vec<usize>,
    /// How many columns a line has; none where only positions are known.
    columns: Option<usize>,
}

impl Described {
    /// A decoder for a file with this first line; the line is not looked at where the description has `header = false`.
    ///
    /// Refused with [`RejectReason::BadHeader`]: a header that lacks a column, or has one twice; local times without a
    /// time zone.
    pub fn new(description: Arc<Description>, first_line: &[u8], limits: Limits) -> Result<Self, Rejection> {
        let bad_header = |detail: String| Rejection::new(RejectReason::BadHeader, detail);
        if description.needs_zone() {
            let name = description.name();
            return Err(bad_header(format!("the times of `{name}` are local; set the feed's `time_zone`")));
        }
        let (places, columns) = if description.has_header() {
            let arena = Bump::new();
            let mut names = Vec::new();
            let text = row::text(first_line, description.encoding, &arena)?;
            row::split(text, description.delimiter, description.quote, &arena, &mut names)?;
            (description.places(&names).map_err(bad_header)?, Some(names.len()))
        } else {
            let names: Vec<&str> = description.columns.iter().map(String::as_str).collect();
            let columns = (!names.is_empty()).then_some(names.len());
            (description.places(&names).map_err(bad_header)?, columns)
        };
        Ok(Self { description, limits, places, columns })
    }

    /// Decodes whole lines in their order. Blank lines are counted but are not records.
    pub fn decode<'b>(&self, lines: &'b [u8], arena: &'b Bump, sink: &mut dyn FnMut(Decoded<'b>)) {
        let mut values = Vec::new();
        for (line, raw) in numbered_lines(lines) {
            let mut fields = Fields::default();
            let record = self.record(raw, arena, &mut values, &mut fields);
            sink(Decoded { line, raw, record, record_id: fields.record_id });
        }
    }

    fn record<'b>(
        &self,
        raw: &'b [u8],
        arena: &'b Bump,
        values: &mut Vec<&'b str>,
        fields: &mut Fields<'b>,
    ) -> Result<UsageRecord<'b>, Rejection> {
        let description = &*self.description;
        let text = row::text(raw, description.encoding, arena)?;
        row::split(text, description.delimiter, description.quote, arena, values)?;
        if let Some(expected) = self.columns
            && values.len() != expected
        {
            let detail = format!("{} columns where {} has {expected}", values.len(), description.name());
            return Err(Rejection::new(RejectReason::BadColumns, detail));
        }
        let row = Row { values, places: &self.places, arena };
        if let Some(lacking) = self.places.iter().find(|place| **place >= row.values.len()) {
            let detail = format!("no column {}; the line has {}", lacking.saturating_add(1), row.values.len());
            return Err(Rejection::new(RejectReason::BadColumns, detail));
        }
        fields.record_id = row.composed(&description.record_id, &description.record_id_separator).as_bytes();
        for (column, source) in &description.texts {
            fields.set(*column, source.text(row).as_bytes());
        }
        let answered = description.answered_when.as_ref().map(|when| when.holds(row));
        self.set_times(row, answered, fields);
        let record = fields::build(fields, &self.limits)?;
        if answered == Some(true) && record.answer_at.is_none() {
            let detail = "answer_at is empty although `answered_when` says that the call was answered";
            return Err(Rejection::new(RejectReason::MissingField, detail));
        }
        Ok(record)
    }

    fn set_times<'b>(&self, row: Row<'_, 'b>, answered: Option<bool>, fields: &mut Fields<'b>) {
        let description = &*self.description;
        let zone = description.zone.as_ref();
        let moments = description.times.each_ref().map(|time| time.moment(row, zone));
        let [setup, mut answer, release] = moments;
        if answered == Some(false) {
            answer = Moment::None;
        }
        let mut lengths = Lengths::default();
        for length in &description.lengths {
            lengths.add(length.of, length.ms(row));
        }
        let derived = description.derived.map(row, answered);
        let settled = settle::settle(Moments { setup, answer, release }, &derived, &lengths, description.tolerance_ms);
        fields.setup_at = settled.setup;
        fields.answer_at = settled.answer;
        fields.release_at = settled.release;
        fields.ambiguous = settled.ambiguous;
    }
}

/// The values of one line, reached by the description's column slots.
#[derive(Clone, Copy)]
struct Row<'r, 'b> {
    values: &'r [&'b str],
    places: &'r [usize],
    arena: &'b Bump,
}

/// A column that the description names: index into [`Description::slots`] and [`Described::places`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Slot(usize);

impl<'b> Row<'_, 'b> {
    fn value(self, slot: Slot) -> &'b str {
        self.places.get(slot.0).and_then(|place| self.values.get(*place)).copied().unwrap_or_default()
    }

    /// Columns joined; empty where all of them are, so that a missing id is seen.
    fn composed(self, slots: &[Slot], separator: &str) -> &'b str {
        if let [only] = slots {
            return self.value(*only);
        }
        if slots.iter().all(|slot| self.value(*slot).is_empty()) {
            return "";
        }
        let length = slots.iter().map(|slot| self.value(*slot).len().saturating_add(separator.len())).sum();
        let mut text = bumpalo::collections::String::with_capacity_in(length, self.arena);
        for (at, slot) in slots.iter().enumerate() {
            if at > 0 {
                text.push_str(separator);
            }
            text.push_str(self.value(*slot));
        }
        text.into_bump_str()
    }
}

#[cfg(test)]
mod tests;
