//! The straight line for native CSV in its own order of columns: one walk over a line, which looks for separators only
//! where a text may have any length. What it does not read it leaves to the rule book, and what it reads is what the
//! rule book would have read.

use super::DateCache;
use super::csv::{Found, LANES};
use super::fields::{Column, Limits};
use super::plain::{any_cause, cause, holds_together, service, set, short};
use crate::record::{Cause, UsageRecord};

/// The columns that stand first, in this order. The others may follow in any.
const FIRST: [Column; 7] = [
    Column::RecordId,
    Column::Service,
    Column::ANumber,
    Column::BNumber,
    Column::SetupAt,
    Column::AnswerAt,
    Column::ReleaseAt,
];

/// A file that is read straight.
#[derive(Clone, Debug)]
pub(super) struct Straight {
    /// What the columns behind the [`FIRST`] hold; `None` for those of other names.
    rest: Vec<Option<Column>>,
    duration_ms_max: i64,
}

/// A line that was read straight.
pub(super) struct Line<'b> {
    /// Without its end.
    pub(super) bytes: &'b [u8],
    /// Where the next one begins.
    pub(super) next: usize,
    /// Nothing was set of the record but what is set of every record.
    pub(super) is_common: bool,
}

impl Straight {
    /// The way to read a file of these columns; none where they stand in another order.
    pub(super) fn new(columns: &[Option<Column>], limits: &Limits) -> Option<Self> {
        let (first, rest) = columns.split_first_chunk()?;
        let duration_ms_max = limits.max_duration_ms.unwrap_or(i64::MAX);
        (*first == FIRST.map(Some) && (1..LANES).contains(&rest.len()))
            .then(|| Self { rest: rest.to_vec(), duration_ms_max })
    }

    /// Reads the line that begins at `start` into a record that is blank but for what is set of every record.
    #[inline(always)]
    pub(super) fn read<'b>(
        &self,
        piece: &'b [u8],
        start: usize,
        dates: &mut DateCache,
        record: &mut UsageRecord<'b>,
    ) -> Option<Line<'b>> {
        // The first columns: up to four commas in a block, or behind a long id in the next one.
        let mut base = start;
        let mut head = Found::of(piece.get(start..)?.first_chunk()?);
        let mut commas = head.commas;
        let id_end = start.wrapping_add(commas.trailing_zeros() as usize);
        commas &= commas.wrapping_sub(1);
        if commas.count_ones() < 3 {
            if head.commas == 0 || head.is_odd_before(LANES, piece, base) {
                return None;
            }
            base = id_end.wrapping_add(1);
            head = Found::of(piece.get(base..)?.first_chunk()?);
            commas = head.commas;
        }
        let service_end = base.wrapping_add(commas.trailing_zeros() as usize);
        commas &= commas.wrapping_sub(1);
        let a_end = base.wrapping_add(commas.trailing_zeros() as usize);
        commas &= commas.wrapping_sub(1);
        let b_length = commas.trailing_zeros() as usize;
        let b_end = base.wrapping_add(b_length);
        if commas == 0 || head.is_odd_before(b_length, piece, base) {
            return None;
        }
        record.record_id = piece.get(start..id_end).filter(|text| !text.is_empty())?;
        record.service = service(short(piece, id_end.wrapping_add(1), service_end)?)?;
        record.a_number = piece.get(service_end.wrapping_add(1)..a_end).filter(|text| !text.is_empty())?;
        record.b_number = piece.get(a_end.wrapping_add(1)..b_end)?;

        let (setup_at, at) = dates.next(piece, b_end.wrapping_add(1))?;
        record.setup_at = setup_at;
        record.answer_at = None;
        let mut at = at;
        if piece.get(at) == Some(&b',') {
            at = at.wrapping_add(1);
        } else {
            let (answer_at, next) = dates.next(piece, at)?;
            if answer_at < setup_at {
                return None;
            }
            (record.answer_at, at) = (Some(answer_at), next);
        }
        record.release_at = None;
        if piece.get(at) == Some(&b',') {
            at = at.wrapping_add(1);
        } else {
            let (release_at, next) = dates.next(piece, at)?;
            (record.release_at, at) = (Some(release_at), next);
        }
        if !holds_together(record, self.duration_ms_max) {
            return None;
        }

        // The other columns, most of them empty, to the end of the line.
        let tail = Found::of(piece.get(at..)?.first_chunk()?);
        let length = tail.newlines.trailing_zeros() as usize;
        let newline = at.wrapping_add(length);
        if tail.newlines == 0 || tail.is_odd_before(length, piece, at) {
            return None;
        }
        let mut separators = (tail.commas | tail.newlines) & (tail.newlines ^ tail.newlines.wrapping_sub(1));
        if separators.count_ones() as usize != self.rest.len() {
            return None;
        }
        let mut bytes = piece.get(start..newline)?;
        if let [text @ .., b'\r'] = bytes {
            // The last column ends before the carriage return.
            bytes = text;
            separators ^= 3u64.checked_shl((length as u32).checked_sub(1)?)?;
        }
        record.cause = Cause::Empty;
        record.route_out = b"";
        let mut is_common = true;
        // Each separator with something before it ends a column that is not empty.
        let mut ends = separators & !(separators << 1 | 1);
        while ends != 0 {
            let end = ends.trailing_zeros();
            ends &= ends.wrapping_sub(1);
            let before = separators & !(u64::MAX << end);
            let from = at.wrapping_add(64u32.wrapping_sub(before.leading_zeros()) as usize);
            let to = at.wrapping_add(end as usize);
            match self.rest.get(before.count_ones() as usize).copied()? {
                Some(Column::Cause) => {
                    record.cause = match short(piece, from, to).and_then(cause) {
                        Some(cause) => cause,
                        None => any_cause(piece.get(from..to)),
                    };
                }
                Some(Column::RouteOut) => record.route_out = piece.get(from..to)?,
                Some(column) => {
                    is_common = false;
                    set(column, piece.get(from..to)?, record)?;
                }
                None => {}
            }
        }
        Some(Line { bytes, next: newline.wrapping_add(1), is_common })
    }
}
