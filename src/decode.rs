//! From lines of text to usage records: one decoder a format, one rule book for all of them.
//!
//! A line is a record or a [`Rejection`], never an error of the program. Every decoder fills [`Fields`], the native
//! columns as text, and [`fields::build`] says what is wrong with them; so a rule is written once.
//!
//! Source: rating 1.1, 1.2, 1.4; interface 7.1.

mod csv;
mod described;
pub mod fields;
mod format;
mod group;
mod native;
mod ndjson;
mod plain;
mod straight;
mod time;
mod usual;

pub(crate) use csv::{COLUMNS_MAX, Line};
pub use csv::{Separators, field_of, split_line};
pub use described::{BadDescription, Described, Description, NumberForm};
pub use fields::{Column, Fields, Limits, Time};
pub use format::{Format, NamedFormat};
pub use group::GROUP;
pub use native::{BadHeader, Native};
pub use ndjson::Ndjson;
pub use time::{DateCache, parse_rfc3339};

use crate::record::{AnsweredBy, Cause, Direction, RejectReason, Rejection, Service, UsageRecord};
use crate::units::InstantMs;
use bumpalo::Bump;
use group::Group;

/// Where one source line of decoded records stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<'b> {
    /// Counted from 0 within the piece: physical lines, the blank ones included.
    pub line: u32,
    /// The line as it was read, without its end.
    pub raw: &'b [u8],
    /// The record, or what is wrong with it.
    pub record: Result<UsageRecord<'b>, Rejection>,
    /// The record's id, also of a rejected record where it could be read; empty otherwise.
    pub record_id: &'b [u8],
}

/// The decoder of one file, once its header has been seen.
#[derive(Debug)]
pub enum FileDecoder {
    /// Native CSV.
    Native(Native),
    /// NDJSON with the native names.
    Ndjson(Ndjson),
    /// A format that is data.
    Described(Described),
}

impl FileDecoder {
    /// Decodes whole lines in their order. Blank lines are counted but are not records.
    pub fn decode<'b, F: FnMut(Decoded<'b>)>(
        &self,
        lines: &'b [u8],
        arena: &'b Bump,
        separators: &mut Separators,
        sink: &mut F,
    ) {
        self.decode_groups(lines, arena, separators, &mut |group| group.iter().cloned().for_each(&mut *sink));
    }

    /// As [`Self::decode`], up to [`GROUP`] records at a time, which stay where they were decoded.
    pub fn decode_groups<'b>(
        &self,
        lines: &'b [u8],
        arena: &'b Bump,
        separators: &mut Separators,
        sink: &mut dyn FnMut(&[Decoded<'b>]),
    ) {
        let mut group = Group::new(sink);
        match self {
            Self::Native(decoder) => decoder.decode(lines, arena, separators, &mut group),
            Self::Ndjson(decoder) => decoder.decode(lines, arena, &mut |decoded| group.push(decoded)),
            Self::Described(decoder) => decoder.decode(lines, arena, &mut |decoded| group.push(decoded)),
        }
        group.hand_on();
    }
}

/// A record of which nothing is known.
const BLANK: UsageRecord<'static> = UsageRecord {
    record_id: b"",
    call_ref: b"",
    part: 0,
    last: false,
    service: Service::Voice,
    a_number: b"",
    b_number: b"",
    setup_at: InstantMs(0),
    answer_at: None,
    release_at: None,
    cause: Cause::Empty,
    answered_by: AnsweredBy::Subscriber,
    bytes_up: 0,
    bytes_down: 0,
    quantity: 1,
    visited_network: b"",
    realtime: true,
    direction: Direction::Out,
    redirect_reason: b"",
    charge_indicator: b"",
    corrects: b"",
    route_in: b"",
    route_out: b"",
    ambiguous: false,
};

/// The lines of a piece that are not blank, with their numbers, without `\n` and `\r\n`.
pub(crate) fn numbered_lines(piece: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut rest = piece;
    let mut next = 0u32;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let (line, after) = rest.split_at_checked(end)?;
            rest = after.get(1..).unwrap_or_default();
            let number = next;
            next = next.saturating_add(1);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() {
                return Some((number, line));
            }
        }
        None
    })
}

/// A line as text, refused where it is not UTF-8 or has a NUL.
pub(crate) fn checked_text(line: &[u8]) -> Result<&str, Rejection> {
    if let Some(at) = memchr::memchr(0, line) {
        return Err(Rejection::new(RejectReason::BadText, format!("a NUL byte at column {}", at.saturating_add(1))));
    }
    std::str::from_utf8(line).map_err(|error| {
        let column = error.valid_up_to().saturating_add(1);
        Rejection::new(RejectReason::BadText, format!("not UTF-8 from column {column}; set the feed's `encoding`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_are_counted_and_skipped() {
        let lines: Vec<_> = numbered_lines(b"a\r\n\r\n\nb\n \nc").collect();
        assert_eq!(lines, [(0, &b"a"[..]), (3, b"b"), (4, b" "), (5, b"c")]);
        assert_eq!(numbered_lines(b"").count(), 0);
        assert_eq!(numbered_lines(b"\n").count(), 0);
    }
}
