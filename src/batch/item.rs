use super::posted::Booked;
use super::reader::FeedPosition;
use super::runs::Run;
use crate::book::{AccountNo, PlanChoice, Register};
use crate::law::{RuleSet, VatRate};
use crate::rate::Usage;
use crate::record::{FilterReason, Flags, Service, SuspendReason};
use crate::screen::{Fingerprint, NumberForm, SourceKey};
use crate::tariff::{PlanId, Tariffs, ZoneId};
use crate::units::{InstantMs, Period, Tiyn, Units};
use std::sync::Arc;

/// What rating reads and does not change.
#[derive(Debug)]
pub struct Reference {
    /// Tariff versions and prefixes.
    pub tariffs: Tariffs,
    /// Accounts and lines.
    pub register: Register,
    /// The month that is being rated, where it is told: earlier usage is late.
    pub period: Option<Period>,
}

/// A configured feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Its name, which is part of each key.
    pub name: String,
    /// The key of the name.
    pub key: SourceKey,
    /// How it writes called numbers.
    pub number_form: NumberForm,
}

/// Where a record ends. Source: rating 1.2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// Charged, perhaps 0.00.
    Rated,
    /// Not to be charged.
    Filtered(FilterReason),
    /// The same key came before; `true` where the content differs.
    Duplicate(bool),
    /// Kept until the reference data is mended.
    Suspended(SuspendReason),
    /// Not a usage record.
    Rejected,
    /// A part of a call whose other parts are awaited, and why it could not be rated with them.
    Open(Option<SuspendReason>),
    /// A part that was told with the others of its call.
    Told,
}

/// A text in a piece, or among its converted texts.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) length: u32,
}

/// A place in a list that may be absent, in four bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place(u32);

impl Place {
    pub(crate) const NONE: Self = Self(u32::MAX);

    pub(crate) fn of(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }

    pub(crate) fn get(self) -> Option<usize> {
        (self != Self::NONE).then_some(self.0 as usize)
    }
}

/// One record on its way to its outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Item {
    /// Its key is 0 where many ids of the piece have its stem and nobody has asked for it.
    pub(crate) print: Fingerprint,
    /// Counted from 0 within the piece.
    pub(crate) line: u32,
    pub(crate) record_id: Span,
    pub(crate) fate: Fate,
    pub(crate) flags: Flags,
    pub(crate) service: Service,
    /// Of its id, where that is of a series.
    pub(crate) number: u16,
    pub(crate) rules: RuleSet,
    pub(crate) account: Option<AccountNo>,
    pub(crate) version: u16,
    pub(crate) plan: Option<PlanId>,
    pub(crate) zone: Option<ZoneId>,
    pub(crate) at: InstantMs,
    pub(crate) duration_ms: i64,
    pub(crate) units: Units,
    pub(crate) gross: Tiyn,
    pub(crate) net: Tiyn,
    pub(crate) vat: VatRate,
    pub(crate) not_owed: Tiyn,
    pub(crate) cut_off_at: Option<InstantMs>,
    /// What settling needs, in `Prepared::stateful`; none where the outcome is final.
    pub(crate) stateful: Place,
    /// In `Prepared::details`.
    pub(crate) detail: Place,
}

/// A record whose charge depends on what came before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stateful {
    pub(crate) usage: Usage,
    pub(crate) choice: PlanChoice,
    /// When the tariff clock started, from which a cut-off counts.
    pub(crate) began_at: InstantMs,
    /// Rated at 0.00 by a screening rule or its zone.
    pub(crate) free: bool,
    /// Owed in full: roaming with a partner that does not report in real time, and warned of it (CELL-48).
    pub(crate) owed_in_full: bool,
    /// The key of the record that this one replaces.
    pub(crate) corrects: Option<u128>,
    pub(crate) part: Option<PartOf>,
}

/// Which part of which call a record is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PartOf {
    /// Key of the call: source, reference, service, charged line.
    pub(crate) call: u128,
    /// From 1.
    pub(crate) number: u32,
    pub(crate) last: bool,
    pub(crate) began_at: InstantMs,
    pub(crate) released_at: Option<InstantMs>,
}

/// A rejected line. Source: rating 1.2.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Reject {
    pub(crate) rejection: crate::record::Rejection,
    /// Its first 64 KiB.
    pub(crate) head: Vec<u8>,
    pub(crate) bytes: u64,
    pub(crate) hash: u128,
}

/// A piece of a feed with the outcome of each of its records, so far as it is known.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// The file, by its place in the pass.
    pub(crate) file: usize,
    pub(crate) bytes: Vec<u8>,
    /// Texts that do not stand in `bytes` as they are.
    pub(crate) texts: Vec<u8>,
    pub(crate) items: Vec<Item>,
    /// In the order of items, of those whose ids are of a series; none at all where each item has its key.
    pub(crate) runs: Vec<Run>,
    pub(crate) stateful: Vec<Stateful>,
    pub(crate) details: Vec<String>,
    /// Of rejected items, in `details` order: index of the item and what was rejected.
    pub(crate) rejects: Vec<(u32, Reject)>,
    /// Physical lines of the piece.
    pub(crate) lines: u64,
    /// Lines of the piece that are not blank, as the decoder counted them.
    pub(crate) records: u64,
    /// Line number of its first line, from 1; known when it is settled.
    pub(crate) first_line: u64,
    /// Parts of calls that a record of this piece completed, told before that record.
    pub(crate) told: Vec<Told>,
    /// What the books need beside items, by the index of the item.
    pub(crate) booked: Vec<(u32, Booked)>,
    /// Where the file stands behind the piece.
    pub(crate) end: FeedPosition,
    /// The line that names the columns; empty where there is none.
    pub(crate) header: Arc<[u8]>,
    /// Bytes of the file before the piece that are of no record.
    pub(crate) lead: Vec<u8>,
    /// The file begins otherwise than it did when it was read before.
    pub(crate) changed: bool,
}

/// A part that is told where its call was completed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Told {
    /// Index of the completing item in its piece.
    pub(crate) at: u32,
    /// Key of its call.
    pub(crate) call: u128,
    pub(crate) item: Item,
    pub(crate) record_id: Box<[u8]>,
    pub(crate) file: usize,
    pub(crate) line: u64,
    /// Why its call is suspended; empty where that is only because parts are missing.
    pub(crate) detail: Box<str>,
    pub(crate) booked: Booked,
}

impl Prepared {
    /// A text of this piece.
    pub(crate) fn text(&self, span: Span) -> &[u8] {
        let (start, length) = (span.start as usize, span.length as usize);
        let (from, start) = match start.checked_sub(self.bytes.len()) {
            Some(start) => (&self.texts, start),
            None => (&self.bytes, start),
        };
        from.get(start..start.wrapping_add(length)).unwrap_or_default()
    }

    /// Keeps a text: where it stands in the piece, else a copy.
    pub(crate) fn keep(bytes: &[u8], texts: &mut Vec<u8>, text: &[u8]) -> Span {
        let offset = (text.as_ptr() as usize).wrapping_sub(bytes.as_ptr() as usize);
        let length = u32::try_from(text.len()).unwrap_or(0);
        if offset.checked_add(text.len()).is_some_and(|end| end <= bytes.len()) {
            return Span { start: u32::try_from(offset).unwrap_or(0), length };
        }
        let start = bytes.len().saturating_add(texts.len());
        texts.extend_from_slice(text);
        Span { start: u32::try_from(start).unwrap_or(0), length }
    }
}
