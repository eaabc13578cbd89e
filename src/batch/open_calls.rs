use super::item::{Item, PartOf, Stateful, Told};
use super::posted::Booked;
use crate::units::InstantMs;
use rustc_hash::FxHashMap;

/// A part whose call is not complete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct OpenPart {
    pub(crate) item: Item,
    pub(crate) stateful: Stateful,
    pub(crate) part: PartOf,
    pub(crate) record_id: Box<[u8]>,
    pub(crate) file: usize,
    pub(crate) line: u64,
    /// Why it is suspended, where it is.
    pub(crate) detail: Box<str>,
}

/// Parts of long calls that wait for the rest of their call. Source: rating 1.4.
#[derive(Debug, Default)]
pub(crate) struct OpenCalls {
    calls: FxHashMap<u128, Vec<OpenPart>>,
    parts: usize,
}

/// Memory stays bounded: beyond so many waiting parts (about 400 MB), further ones are suspended at once.
const OPEN_PARTS_MAX: usize = 1_000_000;

/// What became of a part.
pub(crate) enum Joined {
    /// It waits.
    Waiting,
    /// It completed its call: all parts, in order.
    Complete(Vec<OpenPart>),
    /// There is no room for it to wait.
    NoRoom,
}

impl OpenPart {
    /// What is told of it, before the item at that place of the piece that completed its call.
    pub(crate) fn told(self, at: u32, booked: Booked) -> Told {
        let Self { item, record_id, file, line, detail, part, .. } = self;
        Told { at, call: part.call, item, record_id, file, line, detail, booked }
    }
}

impl OpenCalls {
    /// Adds a part to its call.
    pub(crate) fn join(&mut self, part: OpenPart) -> Joined {
        let call = part.part.call;
        if self.parts >= OPEN_PARTS_MAX {
            return Joined::NoRoom;
        }
        let parts = self.calls.entry(call).or_default();
        let place = parts.partition_point(|other| other.part.number <= part.part.number);
        parts.insert(place, part);
        self.parts = self.parts.saturating_add(1);
        if !is_complete(parts) {
            return Joined::Waiting;
        }
        let parts = self.calls.remove(&call).unwrap_or_default();
        self.parts = self.parts.saturating_sub(parts.len());
        Joined::Complete(parts)
    }

    /// Every part that waits, by call and number.
    pub(crate) fn parts(&self) -> Vec<&OpenPart> {
        let mut parts: Vec<&OpenPart> = self.calls.values().flatten().collect();
        parts.sort_by_key(|part| (part.part.call, part.part.number, { part.item.print.key }));
        parts
    }

    /// Every part that waits.
    pub(crate) fn parts_mut(&mut self) -> impl Iterator<Item = &mut OpenPart> {
        self.calls.values_mut().flatten()
    }

    /// Takes out a part, by its key, that waits no longer.
    pub(crate) fn remove(&mut self, call: u128, key: u128) -> Option<OpenPart> {
        let parts = self.calls.get_mut(&call)?;
        let place = parts.iter().position(|part| part.item.print.key == key)?;
        let part = parts.remove(place);
        if parts.is_empty() {
            self.calls.remove(&call);
        }
        self.parts = self.parts.saturating_sub(1);
        Some(part)
    }

    /// The parts that still wait, in the order in which they were read.
    pub(crate) fn into_waiting(self) -> Vec<OpenPart> {
        let mut waiting: Vec<OpenPart> = self.calls.into_values().flatten().collect();
        waiting.sort_by_key(|part| (part.file, part.line));
        waiting
    }
}

/// One part of each number from 1 to the last, each beginning when the one before was released.
fn is_complete(parts: &[OpenPart]) -> bool {
    // Of a call with parts without end, each would look at all that wait.
    let may_be = parts.last().is_some_and(|open| open.part.last && open.part.number as usize == parts.len());
    if !may_be {
        return false;
    }
    let numbered = (1u32..).zip(parts).all(|(number, open)| open.part.number == number);
    let ends = parts.iter().rposition(|open| open.part.last) == parts.len().checked_sub(1)
        && parts.iter().filter(|open| open.part.last).count() == 1;
    let touch = |released: Option<InstantMs>, began: InstantMs| released.is_none_or(|released| released == began);
    let fits =
        parts.iter().zip(parts.iter().skip(1)).all(|(one, next)| touch(one.part.released_at, next.part.began_at));
    numbered && ends && fits
}
