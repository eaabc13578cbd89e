//! A settled piece of a feed as a journal entry, and parts that wait as they are kept.

use super::entry::{FileKey, Outcome, Piece, Position, Rejected, Resolved, Row, Suspended, WaitingPart};
use crate::batch::{
    Booked, Fate, FeedPosition, Item, NONE, OpenPart, PartOf, Place, Prepared, Reference, Span, Stateful, posted,
};
use crate::book::{AccountNo, PlanChoice, Posted};
use crate::law::{self, RuleSet, VatRate};
use crate::rate::Usage;
use crate::record::{Direction, Flags, RejectReason, Service, SuspendReason};
use crate::screen::Fingerprint;
use crate::tariff::{NetworkId, PlanId, Presence, UsageClass, ZoneId};
use crate::units::{InstantMs, LocalDay, Tiyn};

impl From<FeedPosition> for Position {
    fn from(of: FeedPosition) -> Self {
        Self { bytes: of.bytes, lines: of.lines, hash: of.hash }
    }
}

impl From<Position> for FeedPosition {
    fn from(of: Position) -> Self {
        Self { bytes: of.bytes, lines: of.lines, hash: of.hash }
    }
}

/// How many records ahead the memory of an account is asked for.
const AHEAD: usize = 16;

/// What turns pieces into entries.
pub(super) struct PieceWriter<'w> {
    pub(super) reference: &'w Reference,
    /// The number of the reference data.
    pub(super) reference_no: u32,
    /// Files by their place in the pass.
    pub(super) files: &'w [FileKey],
}

impl PieceWriter<'_> {
    /// The entry of a settled piece. `start` is where its file stood before it.
    pub(super) fn entry(&self, prepared: &Prepared, start: Position, anew: bool) -> Piece {
        let mut ids = Vec::with_capacity(prepared.items.len().saturating_mul(12));
        let mut booked = prepared.booked.iter().peekable();
        let mut rows = Vec::with_capacity(prepared.items.len());
        for (item, at) in prepared.items.iter().zip(0u32..) {
            if let Some(no) = prepared.items.get((at as usize).wrapping_add(AHEAD)).and_then(|ahead| ahead.account) {
                self.reference.register.prefetch(no);
            }
            let booked = booked.next_if(|(of, _)| *of == at).map(|(_, booked)| booked);
            let id = prepared.text(item.record_id);
            // What is no record has no key, and its id may be anything.
            let id = if item.fate == Fate::Rejected && { item.print.key } == 0 { b"" } else { id };
            ids.extend_from_slice(id);
            rows.push(Row {
                line: item.line,
                id_length: u32::try_from(id.len()).unwrap_or(0),
                content: item.print.content,
                outcome: self.outcome(item, prepared, booked),
                reversed: booked.and_then(|booked| booked.reversed.clone()),
            });
        }
        let resolved = prepared.told.iter().map(|told| Resolved {
            key: told.item.print.key,
            call: Some(told.call),
            record_id: told.record_id.to_vec(),
            content: told.item.print.content,
            file: self.file(told.file),
            line: told.line,
            outcome: self.told(&told.item, &told.detail, &told.booked),
            reversed: told.booked.reversed.clone(),
        });
        Piece {
            reference: self.reference_no,
            file: self.file(prepared.file),
            anew,
            header: prepared.header.to_vec(),
            lead: prepared.lead.clone(),
            start,
            end: prepared.end.into(),
            first_line: prepared.first_line,
            records: prepared.records,
            ids,
            rows,
            resolved: resolved.collect(),
        }
    }

    pub(super) fn file(&self, place: usize) -> FileKey {
        self.files.get(place).cloned().unwrap_or(FileKey { source: String::new(), name: String::new() })
    }

    pub(super) fn outcome(&self, item: &Item, prepared: &Prepared, booked: Option<&Booked>) -> Outcome {
        let detail = || item.detail.get().and_then(|place| prepared.details.get(place)).cloned().unwrap_or_default();
        match item.fate {
            Fate::Rated => self.rated(item, booked),
            Fate::Filtered(reason) => Outcome::Filtered(reason as u8),
            Fate::Duplicate(differs) => Outcome::Duplicate(differs),
            Fate::Suspended(reason) => Outcome::Suspended(suspended(reason, detail(), item)),
            Fate::Open(reason) => match item.stateful.get().and_then(|place| prepared.stateful.get(place)) {
                Some(stateful) => {
                    let suspended = reason.map(|reason| suspended(reason, detail(), item));
                    let posted = posted(item, self.reference, None).unwrap_or_else(|| nobodys(item));
                    match &stateful.part {
                        Some(part) => Outcome::Waiting(Box::new(kept(part, stateful, posted, suspended))),
                        None => {
                            Outcome::Suspended(self::suspended(SuspendReason::IncompleteParts, String::new(), item))
                        }
                    }
                }
                None => Outcome::Suspended(suspended(SuspendReason::IncompleteParts, String::new(), item)),
            },
            Fate::Told => Outcome::WithItsCall,
            Fate::Rejected => {
                let reject = item.detail.get().and_then(|place| prepared.rejects.get(place));
                Outcome::Rejected(reject.map_or_else(
                    || Rejected { reason: RejectReason::OutOfRange as u8, detail: String::new(), bytes: 0, hash: 0 },
                    |(_, reject)| Rejected {
                        reason: reject.rejection.reason as u8,
                        detail: reject.rejection.detail.clone(),
                        bytes: reject.bytes,
                        hash: reject.hash,
                    },
                ))
            }
        }
    }

    fn rated(&self, item: &Item, booked: Option<&Booked>) -> Outcome {
        match posted(item, self.reference, booked.and_then(|booked| booked.taken.clone())) {
            Some(posted) => Outcome::Rated(posted),
            // No account, no charge: what is rated has one.
            None => Outcome::Suspended(suspended(SuspendReason::UnknownAccount, String::new(), item)),
        }
    }

    /// The outcome of a part that was told with its call.
    pub(super) fn told(&self, item: &Item, detail: &str, booked: &Booked) -> Outcome {
        match item.fate {
            Fate::Rated => self.rated(item, Some(booked)),
            Fate::Filtered(reason) => Outcome::Filtered(reason as u8),
            Fate::Suspended(reason) => Outcome::Suspended(suspended(reason, detail.to_owned(), item)),
            Fate::Duplicate(_) | Fate::Rejected | Fate::Open(_) | Fate::Told => {
                Outcome::Suspended(suspended(SuspendReason::IncompleteParts, detail.to_owned(), item))
            }
        }
    }
}

/// What is kept of a part that waits: its charge as far as it is known, and what it takes to rate its call.
fn kept(part: &PartOf, stateful: &Stateful, posted: Posted, suspended: Option<Suspended>) -> WaitingPart {
    let usage = &stateful.usage;
    WaitingPart {
        call: part.call,
        number: part.number,
        last: part.last,
        began_ms: part.began_at.0,
        released_ms: part.released_at.map(|at| at.0),
        posted,
        suspended,
        bytes: usage.bytes,
        quantity: usage.quantity,
        timed: usage.timed,
        direction: usage.class.direction as u8,
        presence: match usage.class.presence {
            Presence::Home => 0,
            Presence::Elsewhere => 1,
            Presence::Network(network) => network.0.saturating_add(2),
        },
        plan_since: stateful.choice.since.map(|day| day.0),
        free: stateful.free,
        owed_in_full: stateful.owed_in_full,
        corrects: stateful.corrects,
    }
}

/// The same of a part that waits already; its price is not known before its call is.
pub(super) fn waiting(part: &OpenPart) -> Option<WaitingPart> {
    let item = &part.item;
    let suspended = match item.fate {
        Fate::Suspended(reason) => Some(suspended(reason, part.detail.to_string(), item)),
        Fate::Rated => None,
        Fate::Filtered(_) | Fate::Duplicate(_) | Fate::Rejected | Fate::Open(_) | Fate::Told => return None,
    };
    let posted = Posted {
        account: item.account.map_or(u32::MAX, |no| no.0),
        gross: item.gross.get(),
        net: item.net.get(),
        plan: item.plan.map_or(NONE, |plan| plan.0),
        zone: item.zone.map_or(NONE, |zone| zone.0),
        ..nobodys(item)
    };
    Some(kept(&part.part, &part.stateful, posted, suspended))
}

/// What is known of a part without an account.
fn nobodys(item: &Item) -> Posted {
    Posted {
        account: u32::MAX,
        service: item.service as u8,
        category: 0,
        flags: item.flags.bits(),
        paying: 0,
        at_ms: item.at.0,
        month: 0,
        duration_ms: item.duration_ms,
        units: item.units,
        gross: 0,
        net: 0,
        vat_hundredths: item.vat.hundredths(),
        not_owed: 0,
        cut_off_ms: None,
        version: item.version,
        plan: NONE,
        zone: NONE,
        rules: item.rules.bits(),
        taken: None,
    }
}

fn suspended(reason: SuspendReason, detail: String, item: &Item) -> Suspended {
    Suspended { reason: reason as u8, detail, at_ms: item.at.0 }
}

/// Where a part stands that waits.
pub(super) struct Waits<'w> {
    pub(super) key: u128,
    pub(super) content: u64,
    pub(super) record_id: &'w [u8],
    /// The place of its file.
    pub(super) file: usize,
    /// From 1.
    pub(super) line: u64,
}

/// A part as it waited, from what was kept of it.
pub(super) fn open_part(kept: &WaitingPart, at: &Waits<'_>) -> OpenPart {
    let charge = &kept.posted;
    let some = |number: u16| (number != NONE).then_some(number);
    let service = service_of(charge);
    let direction = Direction::ALL.get(usize::from(kept.direction)).copied().unwrap_or(Direction::Out);
    let zone = some(charge.zone).map(ZoneId);
    let presence = match kept.presence {
        0 => Presence::Home,
        1 => Presence::Elsewhere,
        network => Presence::Network(NetworkId(network.saturating_sub(2))),
    };
    let plan = some(charge.plan).map(PlanId);
    let reason = kept.suspended.as_ref().and_then(|of| SuspendReason::ALL.get(usize::from(of.reason)).copied());
    let part = PartOf {
        call: kept.call,
        number: kept.number,
        last: kept.last,
        began_at: InstantMs(kept.began_ms),
        released_at: kept.released_ms.map(InstantMs),
    };
    let item = Item { fate: reason.map_or(Fate::Rated, Fate::Suspended), ..item_of(charge, at.key, at.content) };
    let usage = Usage {
        at: charge.at(),
        duration_ms: charge.duration_ms,
        bytes: kept.bytes,
        quantity: kept.quantity,
        timed: kept.timed,
        class: UsageClass { service, direction, presence, zone },
    };
    let stateful = Stateful {
        usage,
        choice: PlanChoice { plan, since: kept.plan_since.map(LocalDay) },
        began_at: InstantMs(kept.began_ms),
        free: kept.free,
        owed_in_full: kept.owed_in_full,
        corrects: kept.corrects,
        part: Some(part),
    };
    OpenPart {
        item,
        stateful,
        part,
        record_id: at.record_id.into(),
        file: at.file,
        line: at.line,
        detail: kept.suspended.as_ref().map_or("", |of| of.detail.as_str()).into(),
    }
}

/// A charge as it was settled.
pub(super) fn item_of(charge: &Posted, key: u128, content: u64) -> Item {
    let some = |number: u16| (number != NONE).then_some(number);
    Item {
        print: Fingerprint { key, content },
        line: 0,
        record_id: Span::default(),
        fate: Fate::Rated,
        flags: Flags::of_bits(charge.flags),
        service: service_of(charge),
        number: 0,
        rules: RuleSet::of_bits(charge.rules),
        account: (charge.account != u32::MAX).then_some(AccountNo(charge.account)),
        version: charge.version,
        plan: some(charge.plan).map(PlanId),
        zone: some(charge.zone).map(ZoneId),
        at: charge.at(),
        duration_ms: charge.duration_ms,
        units: charge.units,
        gross: Tiyn::new(charge.gross),
        net: Tiyn::new(charge.net),
        vat: VatRate::from_hundredths(charge.vat_hundredths).unwrap_or(law::vat_rate_on(LocalDay(0))),
        not_owed: Tiyn::new(charge.not_owed),
        cut_off_at: charge.cut_off_ms.map(InstantMs),
        stateful: Place::NONE,
        detail: Place::NONE,
    }
}

fn service_of(charge: &Posted) -> Service {
    Service::ALL.get(usize::from(charge.service)).copied().unwrap_or(Service::Voice)
}
