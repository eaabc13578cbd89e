//! The straight line for native CSV in its own order of columns: one walk over a line, which looks for separators only
//! where a text may have any length. What it does not read it leaves to the rule book, and what it reads is what the
//! rule book would have read.

use super::DateCache;
use super::csv::{Found, LANES};
use super::fields::{Column, Limits};
use super::plain::{Causes, service, set, short};
use crate::record::{Cause, Service, UsageRecord};

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
    /// Of the rest, the cause stands first.
    cause_is_next: bool,
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
        (*first == FIRST.map(Some) && (1..LANES).contains(&rest.len())).then(|| Self {
            rest: rest.to_vec(),
            cause_is_next: rest.first() == Some(&Some(Column::Cause)),
            duration_ms_max,
        })
    }

    /// Reads the line that begins at `start` into a record that is blank but for what is set of every record.
    #[inline(always)]
    pub(super) fn read<'b>(
        &self,
        piece: &'b [u8],
        start: usize,
        (dates, causes): (&mut DateCache, &mut Causes),
        record: &mut UsageRecord<'b>,
    ) -> Option<Line<'b>> {
        let line = View(piece.get(start..)?.first_chunk()?);
        let head = Head::of(line)?;
        record.record_id = line.text(0, head.id_end)?;
        record.service = match line.word(head.id_end.wrapping_add(1)) << 16 {
            VOICE_AND_COMMA => Service::Voice,
            _ => service(line.short(head.id_end.wrapping_add(1), head.service_end)?)?,
        };
        record.a_number = line.text(head.service_end.wrapping_add(1), head.a_end)?;
        if head.id_end == 0 || record.a_number.is_empty() {
            return None;
        }
        record.b_number = line.text(head.a_end.wrapping_add(1), head.b_end)?;

        let (setup_at, mut at) = dates.next(line.0, head.b_end.wrapping_add(1))?;
        record.setup_at = setup_at;
        (record.answer_at, record.release_at) = (None, None);
        let mut began_at = setup_at;
        // The least length that a record of its service may have, where it has a release.
        let mut least_ms = if matches!(record.service, Service::Data | Service::Internet) { 0 } else { i64::MIN };
        if line.is_comma(at) {
            at = at.wrapping_add(1);
        } else {
            (began_at, at) = dates.next(line.0, at)?;
            record.answer_at = Some(began_at);
            if began_at < setup_at {
                return None;
            }
            least_ms = 0;
        }
        if line.is_comma(at) {
            at = at.wrapping_add(1);
            if record.service == Service::Voice && record.answer_at.is_some() {
                return None;
            }
        } else {
            let (release_at, next) = dates.next(line.0, at)?;
            (record.release_at, at) = (Some(release_at), next);
            let duration_ms = release_at.0.wrapping_sub(began_at.0);
            if duration_ms < least_ms || duration_ms > self.duration_ms_max {
                return None;
            }
        }

        // The other columns, most of them empty, to the end of the line.
        let tail = Found::of(line.chunk(at));
        let mut length = tail.newlines.trailing_zeros() as usize;
        let mut separators = (tail.commas | tail.newlines) & (tail.newlines ^ tail.newlines.wrapping_sub(1));
        let whole = (tail.newlines != 0) & (separators.count_ones() as usize == self.rest.len());
        if !whole || tail.is_odd_before(length, line.0, at) {
            return None;
        }
        let next = start.wrapping_add(at).wrapping_add(length).wrapping_add(1);
        if line.0.get(at.wrapping_add(length).wrapping_sub(1)) == Some(&b'\r') {
            // The last column ends before the carriage return.
            length = length.checked_sub(1)?;
            separators ^= 3u64.checked_shl(length as u32)?;
        }
        record.cause = Cause::Empty;
        record.route_out = b"";
        let mut is_common = true;
        // Each separator with something before it ends a column that is not empty.
        let mut ends = separators & !(separators << 1 | 1);
        if self.cause_is_next && separators & 1 == 0 {
            let end = at.wrapping_add(separators.trailing_zeros() as usize);
            record.cause = causes.read(line.0, at, end);
            ends &= ends.wrapping_sub(1);
        }
        while ends != 0 {
            let end = ends.trailing_zeros();
            ends &= ends.wrapping_sub(1);
            let before = separators & !(u64::MAX << (end & 63));
            let from = at.wrapping_add(64u32.wrapping_sub(before.leading_zeros()) as usize);
            let to = at.wrapping_add(end as usize);
            match self.rest.get(before.count_ones() as usize).copied()? {
                Some(Column::Cause) => record.cause = causes.read(line.0, from, to),
                Some(Column::RouteOut) => record.route_out = line.text(from, to)?,
                Some(column) => {
                    is_common = false;
                    set(column, line.text(from, to)?, record)?;
                }
                None => {}
            }
        }
        Some(Line { bytes: line.text(0, at.wrapping_add(length))?, next, is_common })
    }
}

/// `voice,` in the upper bytes of a word.
const VOICE_AND_COMMA: u64 = u64::from_le_bytes(*b"\0\0voice,");

/// The bytes from the beginning of a line on. What is read straight ends well within: two blocks of names and numbers,
/// three times and a block of other columns; so a place in it needs no check but that it is one.
#[derive(Clone, Copy)]
struct View<'b>(&'b [u8; VIEW]);

const VIEW: usize = 512;
/// No block begins beyond.
const BEGIN_MAX: usize = VIEW / 2 - 1;

impl<'b> View<'b> {
    /// The block that begins at a place up to [`BEGIN_MAX`].
    #[inline(always)]
    fn chunk<const N: usize>(self, at: usize) -> &'b [u8; N] {
        let rest = self.0.get(at & BEGIN_MAX..).unwrap_or_default();
        rest.first_chunk().unwrap_or(const { &[0; N] })
    }

    #[inline(always)]
    fn word(self, at: usize) -> u64 {
        u64::from_le_bytes(*self.chunk(at))
    }

    #[inline(always)]
    fn is_comma(self, at: usize) -> bool {
        self.0.get(at & BEGIN_MAX) == Some(&b',')
    }

    #[inline(always)]
    fn text(self, from: usize, to: usize) -> Option<&'b [u8]> {
        self.0.get(from..to)
    }

    /// [`short`]
    #[inline(always)]
    fn short(self, from: usize, to: usize) -> Option<(u64, usize)> {
        short(self.0, from, to)
    }
}

/// Where the first four columns end.
struct Head {
    id_end: usize,
    service_end: usize,
    a_end: usize,
    b_end: usize,
}

impl Head {
    #[inline(always)]
    fn of(line: View<'_>) -> Option<Self> {
        let found = Found::of(line.chunk(0));
        let id_end = found.commas.trailing_zeros() as usize;
        let head = Self::after_id(id_end, 0, found.commas & found.commas.wrapping_sub(1));
        if found.is_plain() && head.b_end < LANES { Some(head) } else { Self::odd(line, &found) }
    }

    /// The ends behind the first one, of the next commas in the block that begins at `base`.
    #[inline(always)]
    fn after_id(id_end: usize, base: usize, commas: u64) -> Self {
        let service = commas;
        let a = service & service.wrapping_sub(1);
        let b = a & a.wrapping_sub(1);
        let end = |commas: u64| base.wrapping_add(commas.trailing_zeros() as usize);
        Self { id_end, service_end: end(service), a_end: end(a), b_end: end(b) }
    }

    /// A line with a long id, or one whose first block is not plain, perhaps only beyond the columns meant here.
    #[cold]
    #[inline(never)]
    fn odd(line: View<'_>, found: &Found) -> Option<Self> {
        let id_end = found.commas.trailing_zeros() as usize;
        if id_end >= LANES {
            return None;
        }
        let base = id_end.wrapping_add(1);
        let next = Found::of(line.chunk(base));
        let head = Self::after_id(id_end, base, next.commas);
        let numbers_end = head.b_end.wrapping_sub(base);
        let plain = !found.is_odd_before(base, line.0, 0) && !next.is_odd_before(numbers_end, line.0, base);
        (plain && numbers_end < LANES).then_some(head)
    }
}
