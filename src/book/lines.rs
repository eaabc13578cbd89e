use super::AccountNo;
use crate::hint::{huge_pages, prefetch};
use crate::tariff::{PlanId, packed_digits};
use crate::units::{InstantMs, lanes_of};
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

/// Four lines: what one look at memory brings.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Bucket {
    /// Packed digits, or the place of a text; filled from the first on, [`GAP`] where no line stands.
    keys: [u64; 4],
    spans: [Span; 4],
}

const GAP: u64 = 0;

impl Bucket {
    const EMPTY: Self = Self { keys: [GAP; 4], spans: [Span::NONE; 4] };
}

/// Whose a line is, and when.
#[derive(Clone, Copy, Debug)]
struct Span {
    /// The account; [`NOBODY`] where the register does not have the one that the line names.
    account: u32,
    /// Index into the times, and from [`PLAN_SHIFT`] on the plan of an account of which nothing else matters, from 1; of
    /// a line with several spans [`SEVERAL`] and the index of the first of them.
    times: u32,
}

const NOBODY: u32 = u32::MAX;
const SEVERAL: u32 = 1 << 31;
const PLAN_SHIFT: u32 = 16;
const TIMES: u32 = (1 << PLAN_SHIFT) - 1;
/// Plans beyond are not known to lines.
const PLAN_MAX: u32 = (1 << (31 - PLAN_SHIFT)) - 1;

impl Span {
    /// In a gap; it holds at no time.
    const NONE: Self = Self { account: NOBODY, times: SEVERAL };

    #[inline]
    fn answer(self) -> LineAnswer {
        match (self.times >> PLAN_SHIFT).checked_sub(1) {
            Some(plan) => LineAnswer::Plain(AccountNo(self.account), PlanId(plan as u16)),
            None => answer_of(self.account),
        }
    }
}

/// From an instant until another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Times {
    /// First instant, ms.
    from_ms: i64,
    /// First instant no longer, ms.
    to_ms: i64,
}

impl Times {
    #[inline]
    fn hold(self, at: InstantMs) -> bool {
        self.from_ms <= at.0 && at.0 < self.to_ms
    }

    fn meet(self, other: Self) -> bool {
        self.from_ms < other.to_ms && other.from_ms < self.to_ms
    }
}

/// A span of a line that may have others.
#[derive(Clone, Copy, Debug)]
struct Linked {
    account: u32,
    times: Times,
    /// Index of another of the same line; [`LAST`] for none.
    next: u32,
}

const LAST: u32 = u32::MAX;

/// What the register says of a line at an instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineAnswer {
    /// It belongs to this account.
    Account(AccountNo),
    /// It belongs to this account, of which nothing matters but that it has this plan: it pays afterwards, at no time
    /// under another plan, off or limited.
    Plain(AccountNo, PlanId),
    /// It belongs to an account that the register does not have.
    UnknownAccount,
    /// It is nobody's at that time, or not ours.
    UnknownLine,
}

#[inline]
fn answer_of(account: u32) -> LineAnswer {
    if account == NOBODY { LineAnswer::UnknownAccount } else { LineAnswer::Account(AccountNo(account)) }
}

/// The span overlaps one of the same line that stands there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OverlappingSpan;

/// Which account a line belongs to, by date.
///
/// An open-addressed table of buckets of four lines: 32 to 48 bytes a line; 32 more for each span of a line that has
/// several, or whose times are not among the first 65 536. A look-up nearly always reads one place in memory, for that
/// is what it waits for; those of a group of records are read side by side.
#[derive(Debug, Default)]
pub struct Lines {
    table: Vec<Bucket>,
    used: usize,
    times: Vec<Times>,
    /// Where times stand: most lines begin with others, on one day.
    known_times: FxHashMap<Times, u32>,
    /// The times that came last, for most lines share theirs.
    last_times: Option<(Times, u32)>,
    /// Spans of lines with several, and those whose times found no room.
    several: Vec<Linked>,
    /// How many spans there are.
    spans: usize,
    /// Texts of lines that are no numbers, one after the other.
    texts: Vec<u8>,
}

/// Lines on their way to their answers.
#[derive(Clone, Debug)]
pub struct AskedLines {
    /// Packed digits; 0 for other text.
    numbers: [u64; ASKED],
    homes: [usize; ASKED],
}

/// Lines that are asked for side by side.
pub const ASKED: usize = 32;

/// The key is the place of a text: bits 0–23 its length, 24–62 its offset.
const TEXT: u64 = 1 << 63;
const LENGTH_BITS: u32 = 24;
/// A text has about so many bytes.
const TEXT_BYTES: usize = 9;
/// So many of the four stand in a bucket at most, on average: of twenty-seven lines one then stands elsewhere.
const USED_MAX: usize = 2;
/// The table grows by half.
const GROWTH: (usize, usize) = (3, 2);
/// So many times have room among the times.
const TIMES_MAX: usize = 1 << PLAN_SHIFT;

/// Index of a bucket, and of one of its four.
type Place = (usize, usize);

/// A line that was asked for, without its text.
#[derive(Clone, Copy, Debug)]
pub struct AskedLine {
    /// Packed digits, with a 1 before them; 0 for other text.
    number: u64,
    hash: u64,
}

impl AskedLine {
    #[inline]
    fn of(text: &[u8]) -> Self {
        match packed_digits(text) {
            Some(number) => Self { number, hash: hash_of_number(number) },
            None => Self { number: 0, hash: hash_of_text(text) },
        }
    }
}

impl Lines {
    /// An empty register for about so many lines.
    pub fn with_capacity(lines: usize) -> Self {
        Self { table: empty(lines.div_ceil(USED_MAX)), ..Self::default() }
    }

    /// How many spans there are.
    pub fn len(&self) -> usize {
        self.spans
    }

    /// No line at all.
    pub fn is_empty(&self) -> bool {
        self.spans == 0
    }

    /// Says that a line belongs to an account (`None`: one that is not in the register) from an instant until another.
    pub fn add(
        &mut self,
        line: &[u8],
        account: Option<AccountNo>,
        from: InstantMs,
        to: InstantMs,
    ) -> Result<(), OverlappingSpan> {
        self.add_asked(AskedLine::of(line), line, account, from, to)
    }

    /// [`Self::add`] of a line for which memory has come; `asked` is what [`Self::ask_one`] of this line gave.
    pub fn add_asked(
        &mut self,
        asked: AskedLine,
        line: &[u8],
        account: Option<AccountNo>,
        from: InstantMs,
        to: InstantMs,
    ) -> Result<(), OverlappingSpan> {
        if self.used >= self.table.len().saturating_mul(USED_MAX) {
            self.grow();
        }
        let account = account.map_or(NOBODY, |no| no.0);
        let times = Times { from_ms: from.0, to_ms: to.0 };
        let (place, known) = self.look_up(asked, line);
        let (key, span) = match known {
            Some((_, span)) if self.spans_of(span).any(|other| other.times.meet(times)) => return Err(OverlappingSpan),
            Some((key, span)) => (key, self.another(span, account, times)),
            None => {
                self.used = self.used.saturating_add(1);
                let key = if asked.number == 0 { self.keep_text(line) } else { asked.number };
                let span = match self.place_of(times) {
                    Some(place) => Span { account, times: place },
                    None => self.linked(account, times, LAST),
                };
                (key, span)
            }
        };
        self.put(place, key, span);
        self.spans = self.spans.saturating_add(1);
        Ok(())
    }

    /// The key of a line that is no number.
    fn keep_text(&mut self, line: &[u8]) -> u64 {
        if self.texts.is_empty() {
            // As many as there is room for, so that they need not move.
            self.texts.reserve(self.table.len().saturating_mul(USED_MAX).saturating_mul(TEXT_BYTES));
        }
        let place = TEXT | (self.texts.len() as u64) << LENGTH_BITS | line.len() as u64 & ((1 << LENGTH_BITS) - 1);
        self.texts.extend_from_slice(line);
        place
    }

    /// Where times stand, which they do from now on; `None` where there is no room for them.
    fn place_of(&mut self, times: Times) -> Option<u32> {
        if let Some((_, place)) = self.last_times.filter(|(last, _)| *last == times) {
            return Some(place);
        }
        let known = self.known_times.get(&times).copied();
        if known.is_none() && self.times.len() >= TIMES_MAX {
            return None;
        }
        let place = known.unwrap_or_else(|| {
            let place = index_of(self.times.len());
            self.times.push(times);
            self.known_times.insert(times, place);
            place
        });
        self.last_times = Some((times, place));
        Some(place)
    }

    /// The spans of a line that has one, or several, with another.
    fn another(&mut self, span: Span, account: u32, times: Times) -> Span {
        let mut next = span.times & !SEVERAL;
        if span.times & SEVERAL == 0 {
            let only = self.first_of(span);
            next = index_of(self.several.len());
            self.several.extend(only);
        }
        self.linked(account, times, next)
    }

    /// A span that stands among several, before another.
    fn linked(&mut self, account: u32, times: Times, next: u32) -> Span {
        let first = index_of(self.several.len());
        self.several.push(Linked { account, times, next });
        Span { account, times: SEVERAL | first }
    }

    /// Lets lines with one span know what their accounts are, as long as those stay so. `ask`: an account is looked at
    /// soon. `plan_of`: the plan of an account of which nothing else matters.
    pub(super) fn know_plans(&mut self, ask: impl Fn(AccountNo), plan_of: impl Fn(AccountNo) -> Option<PlanId>) {
        /// So many buckets ahead their accounts are asked for.
        const AHEAD: usize = 16;
        let known = |span: &Span| span.account != NOBODY && span.times & SEVERAL == 0;
        for at in 0..self.table.len() {
            if let Some(bucket) = self.table.get(at.saturating_add(AHEAD)) {
                bucket.spans.iter().filter(|span| known(span)).for_each(|span| ask(AccountNo(span.account)));
            }
            let spans = self.table.get_mut(at).map(|bucket| &mut bucket.spans);
            for span in spans.into_iter().flatten().filter(|span| known(span)) {
                let plan = plan_of(AccountNo(span.account)).map(|plan| u32::from(plan.0).saturating_add(1));
                let plan = plan.filter(|plan| *plan <= PLAN_MAX).unwrap_or(0);
                span.times = span.times & TIMES | plan << PLAN_SHIFT;
            }
        }
    }

    /// Whose line it is at an instant.
    pub fn find(&self, line: &[u8], at: InstantMs) -> LineAnswer {
        self.answer(self.look_up(AskedLine::of(line), line).1, at)
    }

    /// Whose lines they are, for a group at once: the reads of one step do not wait for each other.
    pub fn find_all(&self, lines: &[(&[u8], InstantMs)], answers: &mut [LineAnswer]) {
        for (lines, answers) in lines.chunks(ASKED).zip(answers.chunks_mut(ASKED)) {
            self.answers(&self.ask(lines), lines, answers);
        }
    }

    /// The first step of [`Self::find_all`], of up to [`ASKED`] lines: asks for the memory that the second reads; other
    /// work in between lets it come.
    pub fn ask(&self, lines: &[(&[u8], InstantMs)]) -> AskedLines {
        let mut asked = AskedLines { numbers: [0; ASKED], homes: [0; ASKED] };
        for ((number, home), (line, _)) in asked.numbers.iter_mut().zip(&mut asked.homes).zip(lines) {
            let line = AskedLine::of(line);
            *number = line.number;
            *home = self.home(line.hash);
            prefetch(&self.table, *home);
        }
        asked
    }

    /// The second step.
    #[inline(never)]
    pub fn answers(&self, asked: &AskedLines, lines: &[(&[u8], InstantMs)], answers: &mut [LineAnswer]) {
        let found = asked.numbers.iter().zip(&asked.homes);
        // A bit for each line that was not found at once.
        let mut left = 0u32;
        for (((answer, (number, home)), (_, at)), bit) in answers.iter_mut().zip(found).zip(lines).zip(0u32..) {
            // Mostly the line stands where it belongs and has one span. Which of the four it is, is told without a branch.
            let bucket = self.table.get(*home).unwrap_or(&Bucket::EMPTY);
            let slot = lanes_of(*number, &bucket.keys).trailing_zeros() as usize;
            match bucket.spans.get(slot) {
                Some(span) if self.times_of(*span).is_some_and(|times| times.hold(*at)) => *answer = span.answer(),
                _ => {
                    left |= 1u32.wrapping_shl(bit);
                    prefetch(&self.table, home.wrapping_add(1));
                }
            }
        }
        while left != 0 {
            let at = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            if let (Some(answer), Some(asked_at)) = (answers.get_mut(at), lines.get(at)) {
                *answer = self.search(asked, at, *asked_at);
            }
        }
    }

    /// Whose line it is that stands at a place among those asked.
    #[inline(never)]
    fn search(&self, asked: &AskedLines, place: usize, (line, at): (&[u8], InstantMs)) -> LineAnswer {
        let number = asked.numbers.get(place).copied().unwrap_or(0);
        let home = asked.homes.get(place).copied().unwrap_or(0);
        self.answer(self.look_up_from(home, |held| self.is_key(held, number, line)).1, at)
    }

    /// Whether the line is ours at any time.
    pub fn knows(&self, line: &[u8]) -> bool {
        self.look_up(AskedLine::of(line), line).1.is_some()
    }

    fn answer(&self, line: Option<(u64, Span)>, at: InstantMs) -> LineAnswer {
        let held = line.and_then(|(_, span)| self.spans_of(span).find(|one| one.times.hold(at)));
        held.map_or(LineAnswer::UnknownLine, |one| answer_of(one.account))
    }

    /// The spans of a line, in no order.
    fn spans_of(&self, span: Span) -> impl Iterator<Item = Linked> {
        std::iter::successors(self.first_of(span), |one| self.several.get(one.next as usize).copied())
    }

    fn first_of(&self, span: Span) -> Option<Linked> {
        if span.times & SEVERAL != 0 {
            return self.several.get((span.times & !SEVERAL) as usize).copied();
        }
        Some(Linked { account: span.account, times: self.times_of(span)?, next: LAST })
    }

    /// The times of a line with one span.
    #[inline]
    fn times_of(&self, span: Span) -> Option<Times> {
        if span.times & SEVERAL == 0 { self.times.get((span.times & TIMES) as usize).copied() } else { None }
    }

    /// Where a line stands, with its key and what is known of it; the gap where it would, if it does not.
    fn look_up(&self, asked: AskedLine, line: &[u8]) -> (Place, Option<(u64, Span)>) {
        self.look_up_from(self.home(asked.hash), |held| self.is_key(held, asked.number, line))
    }

    /// Whether what a bucket holds is the key of a line.
    #[inline]
    fn is_key(&self, held: u64, number: u64, line: &[u8]) -> bool {
        if number == 0 { held & TEXT != 0 && text_of(&self.texts, held) == line } else { held == number }
    }

    fn look_up_from(&self, home: usize, is_it: impl Fn(u64) -> bool) -> (Place, Option<(u64, Span)>) {
        let (before, from_home) = self.table.split_at_checked(home).unwrap_or_default();
        for (at, bucket) in (home..).zip(from_home).chain((0..).zip(before)) {
            for (slot, (key, span)) in bucket.keys.iter().zip(&bucket.spans).enumerate() {
                if *key == GAP {
                    return ((at, slot), None);
                }
                if is_it(*key) {
                    return ((at, slot), Some((*key, *span)));
                }
            }
        }
        // There is always a gap, but in a table that has no buckets at all.
        ((home, 0), None)
    }

    /// Where a hash belongs: buckets follow its high bits.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        (u128::from(hash).wrapping_mul(self.table.len() as u128) >> 64) as usize
    }

    fn put(&mut self, (at, slot): Place, key: u64, span: Span) {
        if let Some(bucket) = self.table.get_mut(at)
            && let (Some(held), Some(known)) = (bucket.keys.get_mut(slot), bucket.spans.get_mut(slot))
        {
            (*held, *known) = (key, span);
        }
    }

    #[cold]
    fn grow(&mut self) {
        let buckets = self.table.len().saturating_mul(GROWTH.0).div_ceil(GROWTH.1).max(8);
        for bucket in std::mem::replace(&mut self.table, empty(buckets)) {
            let lines = bucket.keys.into_iter().zip(bucket.spans);
            for (key, span) in lines.take_while(|(key, _)| *key != GAP) {
                let hash = if key & TEXT == 0 { hash_of_number(key) } else { hash_of_text(text_of(&self.texts, key)) };
                let (place, _) = self.look_up_from(self.home(hash), |_| false);
                self.put(place, key, span);
            }
        }
    }

    /// Asks for the memory that [`Self::add_asked`] of a line needs.
    #[inline]
    pub fn ask_one(&self, line: &[u8]) -> AskedLine {
        let asked = AskedLine::of(line);
        prefetch(&self.table, self.home(asked.hash));
        asked
    }
}

fn empty(buckets: usize) -> Vec<Bucket> {
    let mut table = Vec::with_capacity(buckets);
    huge_pages(&mut table);
    table.resize(buckets, Bucket::EMPTY);
    table
}

/// An index that leaves the bit of [`SEVERAL`] free: so many spans would take 32 GB and more.
fn index_of(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX).min(!SEVERAL)
}

/// Numbers of one operator lie close together, in blocks of any stride: of one product alone, some strides are crowds
/// (100 000 numbers 18 910 apart stood hundreds of places away, of two products less than one).
#[inline]
pub(super) fn hash_of_number(number: u64) -> u64 {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    let product = number.wrapping_mul(GOLDEN);
    (product ^ product >> 32).wrapping_mul(GOLDEN)
}

#[inline(never)]
fn hash_of_text(text: &[u8]) -> u64 {
    xxh3_64(text)
}

fn text_of(texts: &[u8], key: u64) -> &[u8] {
    let length = (key & ((1 << LENGTH_BITS) - 1)) as usize;
    let start = ((key & !TEXT) >> LENGTH_BITS) as usize;
    texts.get(start..start.saturating_add(length)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
