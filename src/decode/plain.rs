//! The straight line for native CSV: a line without quotes whose fields are as most are. What it does not build it
//! leaves to the rule book, and what it builds is what the rule book would have built.

use super::DateCache;
use super::csv::{COLUMNS_MAX, Window};
use super::fields::{Column, Limits, PART_MAX};
use crate::record::{AnsweredBy, Cause, Direction, Service, UsageRecord};

/// Where the columns of a file stand.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// What each column of the file holds; `None` for those of other names.
    columns: Vec<Option<Column>>,
    record_id: usize,
    service: usize,
    a_number: usize,
    b_number: usize,
    setup_at: usize,
    answer_at: usize,
    release_at: usize,
    cause: usize,
    route_out: usize,
    /// A bit for each other column of ours: most of them are empty in most records.
    rare: u64,
    duration_ms_max: i64,
}

/// The place of a column that the file does not have: it is always empty.
const ABSENT: usize = COLUMNS_MAX;

/// What became of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Read {
    /// A record of which nothing but [`Layout`]'s nine columns was set.
    Common,
    /// A record.
    Record,
    /// Nothing that can be said here.
    Left,
}

impl Layout {
    /// The layout of a header. A file with more columns than are looked at here has none: no line fits.
    pub(super) fn new(columns: &[Option<Column>], limits: &Limits) -> Self {
        let columns = if columns.len() > COLUMNS_MAX { &[] } else { columns };
        let mut rare = 0;
        for (at, _) in columns.iter().enumerate().filter(|(_, column)| column.is_some()) {
            rare |= 1u64 << at;
        }
        let mut place = |column: Column| match columns.iter().position(|other| *other == Some(column)) {
            Some(at) => {
                rare &= !(1u64 << at);
                at
            }
            None => ABSENT,
        };
        Self {
            record_id: place(Column::RecordId),
            service: place(Column::Service),
            a_number: place(Column::ANumber),
            b_number: place(Column::BNumber),
            setup_at: place(Column::SetupAt),
            answer_at: place(Column::AnswerAt),
            release_at: place(Column::ReleaseAt),
            cause: place(Column::Cause),
            route_out: place(Column::RouteOut),
            rare,
            duration_ms_max: limits.max_duration_ms.unwrap_or(i64::MAX),
            columns: columns.to_vec(),
        }
    }

    /// How many columns a line must have.
    pub(super) fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Reads a line into a record that is blank but for the columns named here.
    #[inline(never)]
    pub(super) fn read<'b>(
        &self,
        piece: &'b [u8],
        window: Window<'_>,
        (dates, causes): (&mut DateCache, &mut Causes),
        record: &mut UsageRecord<'b>,
    ) -> Read {
        let filled = window.filled(self.columns.len());
        let is_filled = |at: usize| filled >> at & 1 != 0;
        let Some(record_id @ [_, ..]) = window.text(piece, self.record_id) else { return Read::Left };
        let Some(a_number @ [_, ..]) = window.text(piece, self.a_number) else { return Read::Left };
        let (start, end) = window.column(self.service);
        let Some(service) = short(piece, start, end).and_then(service) else { return Read::Left };
        (record.record_id, record.a_number, record.service) = (record_id, a_number, service);
        record.b_number = b"";
        if is_filled(self.b_number) {
            let Some(b_number) = window.text(piece, self.b_number) else { return Read::Left };
            record.b_number = b_number;
        }
        record.route_out = b"";
        if is_filled(self.route_out) {
            let Some(route_out) = window.text(piece, self.route_out) else { return Read::Left };
            record.route_out = route_out;
        }
        record.cause = Cause::Empty;
        if is_filled(self.cause) {
            let (start, end) = window.column(self.cause);
            record.cause = causes.read(piece, start, end);
        }
        let (start, end) = window.column(self.setup_at);
        let Some(setup_at) = dates.read(piece, start, end) else { return Read::Left };
        record.setup_at = setup_at;
        record.answer_at = None;
        if is_filled(self.answer_at) {
            let (start, end) = window.column(self.answer_at);
            record.answer_at = dates.read(piece, start, end);
            if record.answer_at.is_none_or(|answer_at| answer_at < setup_at) {
                return Read::Left;
            }
        }
        record.release_at = None;
        if is_filled(self.release_at) {
            let (start, end) = window.column(self.release_at);
            record.release_at = dates.read(piece, start, end);
            if record.release_at.is_none() {
                return Read::Left;
            }
        }
        let mut rare = filled & self.rare;
        while rare != 0 {
            let at = rare.trailing_zeros() as usize;
            rare &= rare.wrapping_sub(1);
            let column = self.columns.get(at).copied().flatten();
            let set = column.zip(window.text(piece, at)).and_then(|(column, text)| set(column, text, record));
            if set.is_none() {
                return Read::Left;
            }
        }
        if !holds_together(record, self.duration_ms_max) {
            return Read::Left;
        }
        if filled & self.rare == 0 { Read::Common } else { Read::Record }
    }
}

/// A text of one to eight bytes as a word, the first byte lowest, and its length; `None` where it is longer, empty, or
/// stands at the end of the piece.
#[inline(always)]
pub(super) fn short(piece: &[u8], start: usize, end: usize) -> Option<(u64, usize)> {
    let length = end.wrapping_sub(start);
    if length.wrapping_sub(1) >= 8 {
        return None;
    }
    let bytes = piece.get(start..)?.first_chunk::<8>()?;
    let unused = 64u32.wrapping_sub((length as u32).wrapping_mul(8));
    Some((u64::from_le_bytes(*bytes) << unused >> unused, length))
}

/// The bytes of a name as [`short`] gives them.
const fn word(name: &[u8]) -> u64 {
    let mut word = 0u64;
    let mut rest = name;
    while let [before @ .., last] = rest {
        word = word << 8 | *last as u64;
        rest = before;
    }
    word
}

/// [`Service::parse`]
#[inline(always)]
pub(super) fn service((text, _): (u64, usize)) -> Option<Service> {
    const VOICE: u64 = word(Service::Voice.name().as_bytes());
    const SMS: u64 = word(Service::Sms.name().as_bytes());
    const DATA: u64 = word(Service::Data.name().as_bytes());
    const INTERNET: u64 = word(Service::Internet.name().as_bytes());
    const VAS: u64 = word(Service::Vas.name().as_bytes());
    match text {
        VOICE => Some(Service::Voice),
        SMS => Some(Service::Sms),
        DATA => Some(Service::Data),
        INTERNET => Some(Service::Internet),
        VAS => Some(Service::Vas),
        _ => None,
    }
}

/// Causes as they were read before, each in the place of its text: a feed has a few.
pub(super) struct Causes([(u64, Cause); Self::PLACES]);

impl Causes {
    const PLACES: usize = 64;

    pub(super) fn new() -> Self {
        Self([(0, Cause::Empty); Self::PLACES])
    }

    /// [`Cause::parse`] of what stands in a piece, without a NUL.
    #[inline(always)]
    pub(super) fn read(&mut self, piece: &[u8], start: usize, end: usize) -> Cause {
        if start == end {
            return Cause::Empty;
        }
        let Some((text, _)) = short(piece, start, end) else { return any_cause(piece.get(start..end)) };
        let place = (text.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58) as usize % Self::PLACES;
        match self.0.get(place) {
            Some((known, cause)) if *known == text => *cause,
            _ => self.learn(place, text, any_cause(piece.get(start..end))),
        }
    }

    #[cold]
    fn learn(&mut self, place: usize, text: u64, cause: Cause) -> Cause {
        if let Some(place) = self.0.get_mut(place) {
            *place = (text, cause);
        }
        cause
    }
}

#[cold]
#[inline(never)]
fn any_cause(text: Option<&[u8]>) -> Cause {
    Cause::parse(text.unwrap_or_default())
}

/// Sets one of the rare columns; `None` where its text must be looked at more closely.
pub(super) fn set<'b>(column: Column, text: &'b [u8], record: &mut UsageRecord<'b>) -> Option<()> {
    match column {
        Column::AnsweredBy => {
            record.answered_by = match text {
                b"subscriber" => AnsweredBy::Subscriber,
                text => AnsweredBy::parse(text)?,
            };
        }
        Column::BytesUp => record.bytes_up = small_number(text)?,
        Column::BytesDown => record.bytes_down = small_number(text)?,
        Column::Quantity => record.quantity = small_number(text)?,
        Column::VisitedNetwork => record.visited_network = text,
        Column::Realtime => record.realtime = truth(text)?,
        Column::RouteIn => record.route_in = text,
        Column::CallRef => record.call_ref = text,
        Column::Part => {
            record.part = u32::try_from(small_number(text)?).ok().filter(|part| (1..=PART_MAX).contains(part))?;
        }
        Column::Last => record.last = truth(text)?,
        Column::Direction => record.direction = Direction::parse(text)?,
        Column::RedirectReason => record.redirect_reason = text,
        Column::ChargeIndicator => record.charge_indicator = text,
        Column::Corrects => record.corrects = text,
        Column::RecordId
        | Column::Service
        | Column::ANumber
        | Column::BNumber
        | Column::SetupAt
        | Column::AnswerAt
        | Column::ReleaseAt
        | Column::Cause
        | Column::RouteOut => return None,
    }
    Some(())
}

/// Whether a record that was answered after its setup, if it was, has its other times in order, and is not too long.
#[inline(always)]
fn holds_together(record: &UsageRecord<'_>, duration_ms_max: i64) -> bool {
    let in_order = match (record.answer_at, record.release_at) {
        (Some(answer_at), Some(release_at)) => release_at >= answer_at,
        (Some(_), None) => record.service != Service::Voice,
        (None, Some(release_at)) => {
            !matches!(record.service, Service::Data | Service::Internet) || release_at >= record.setup_at
        }
        (None, None) => true,
    };
    in_order && record.duration_ms() <= duration_ms_max
}

fn truth(text: &[u8]) -> Option<bool> {
    match text {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

/// A whole number of up to 18 digits.
fn small_number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    text.iter().try_fold(0u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| number.wrapping_mul(10).wrapping_add(u64::from(digit)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Also of causes that take each other's place, in any order, and of one at the end of its piece.
    #[test]
    fn causes_read_before_are_what_they_are() {
        let known: Vec<String> = (0..200).map(|number| number.to_string()).collect();
        let forms = ["q850:16", "sip:486", "", "busy", "0", "00", "q850:", "sip:", "16 ", "12345678", "123456789"];
        let mut causes = Causes::new();
        for _ in 0..2 {
            for text in known.iter().map(String::as_str).chain(forms) {
                for piece in [format!("a,{text},more of a line"), format!("a,{text}")] {
                    let end = 2 + text.len();
                    assert_eq!(causes.read(piece.as_bytes(), 2, end), Cause::parse(text.as_bytes()), "{piece}");
                }
            }
        }
    }
}
