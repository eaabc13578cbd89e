use super::item::{Fate, Item, PartOf, Place, Prepared, Reference, Reject, Source, Stateful};
use crate::book::LineAnswer;
use crate::decode::{Decoded, FileDecoder, Separators};
use crate::feed::{LongLine, Piece};
use crate::law::{self, Rule, RuleSet};
use crate::rate::{self, Usage};
use crate::record::{
    Direction, FilterReason, Flag, Flags, RejectReason, Rejection, Service, SuspendReason, UsageRecord, masked,
};
use crate::screen::{Destination, Fingerprint, Screening, screen};
use crate::tariff::{Presence, UsageClass, ZoneId, ZoneKind};
use crate::units::{InstantMs, Tiyn};
use bumpalo::Bump;
use xxhash_rust::xxh3::xxh3_128;

/// Records that go through the stages side by side, so that their cache misses overlap.
const GROUP: usize = 32;

/// Times of records leave a year at either end of what RFC 3339 can write: another zone, and the cut-off of the longest
/// call, can still be written. 0001-01-01 and 9998-12-31, the whole day, in UTC.
const EARLIEST: InstantMs = InstantMs(-62_135_596_800_000);
const LATEST: InstantMs = InstantMs(253_370_764_799_999);

/// A rejected line is kept with so many of its first bytes. Source: rating 1.2.
const KEPT_BYTES: usize = 64 * 1024;

/// What was looked up of a record before it is decided.
#[derive(Clone, Copy)]
struct Known {
    line: LineAnswer,
    /// The number called, where the service has one.
    destination: Option<Destination>,
    zone: Option<ZoneId>,
}

/// What decides the records of one piece, memory aside.
pub(crate) struct Preparer<'r> {
    pub(crate) reference: &'r Reference,
    pub(crate) source: &'r Source,
    /// Why the file cannot be read, where its header says so: every line is rejected.
    pub(crate) decoder: Result<&'r FileDecoder, &'r Rejection>,
    /// The whole of each record's outcome is decided when it is settled: for a trace.
    pub(crate) settle_all: bool,
}

impl Preparer<'_> {
    /// Prepares a piece. `prepared` is reused; its `file` and `lines` are set by the caller.
    pub(crate) fn prepare(&self, piece: Piece, arena: &mut Bump, separators: &mut Separators, prepared: &mut Prepared) {
        prepared.texts.clear();
        prepared.items.clear();
        prepared.stateful.clear();
        prepared.details.clear();
        prepared.rejects.clear();
        prepared.told.clear();
        prepared.records = 0;
        match piece {
            Piece::Lines(bytes) => {
                // The piece is borrowed while its records are prepared, and put in its place at the end.
                self.lines(&bytes, arena, separators, prepared);
                prepared.bytes = bytes;
            }
            Piece::LongLine(line) => {
                let detail = format!("{} bytes on one line; a record has at most {KEPT_BYTES}", line.bytes);
                self.lost_line(line, Rejection::new(RejectReason::LineTooLong, detail), prepared);
            }
            Piece::Broken(broken) => {
                self.lost_line(
                    broken.last_line,
                    Rejection::new(RejectReason::TruncatedInput, broken.message),
                    prepared,
                );
            }
        }
    }

    fn lost_line(&self, line: LongLine, rejection: Rejection, prepared: &mut Prepared) {
        prepared.bytes.clear();
        prepared.records = 1;
        let reject = Reject { rejection, head: line.head, bytes: line.bytes, hash: line.hash };
        push_reject(prepared, 0, Default::default(), reject);
    }

    fn lines(&self, bytes: &[u8], arena: &mut Bump, separators: &mut Separators, prepared: &mut Prepared) {
        let decoder = match self.decoder {
            Ok(decoder) => decoder,
            Err(rejection) => {
                for (line, raw) in crate::decode::numbered_lines(bytes) {
                    prepared.records = prepared.records.saturating_add(1);
                    push_reject(prepared, line, Default::default(), Reject::of(rejection.clone(), raw));
                }
                return;
            }
        };
        arena.reset();
        let mut group: Vec<Decoded<'_>> = Vec::with_capacity(GROUP);
        decoder.decode(bytes, arena, separators, &mut |decoded: Decoded<'_>| {
            group.push(decoded);
            if group.len() == GROUP {
                self.group(bytes, &mut group, prepared);
            }
        });
        self.group(bytes, &mut group, prepared);
    }

    /// Takes a group through the stages, each for all of it: whose lines they are, what is known of the accounts, which
    /// zones; then record by record the rest.
    fn group(&self, bytes: &[u8], group: &mut Vec<Decoded<'_>>, prepared: &mut Prepared) {
        let register = &self.reference.register;
        let mut asked = [(&b""[..], InstantMs(0)); GROUP];
        for (asked, decoded) in asked.iter_mut().zip(group.iter()) {
            if let Ok(record) = &decoded.record {
                *asked = (record.a_number, record.rated_at());
            }
        }
        let mut lines = [LineAnswer::UnknownLine; GROUP];
        register.lines.find_all(&asked, &mut lines);
        for answer in &lines {
            if let LineAnswer::Account(no) = answer {
                register.prefetch(*no);
            }
        }
        let mut destinations: [Option<Destination>; GROUP] = [None; GROUP];
        for (place, decoded) in destinations.iter_mut().zip(group.iter()) {
            let Ok(record) = &decoded.record else { continue };
            *place = match record.service {
                Service::Voice | Service::Sms | Service::Vas => {
                    Some(Destination::normalise(record.b_number, record.a_number, self.source.number_form))
                }
                Service::Data | Service::Internet => None,
            };
        }
        let zones = destinations.map(|destination| destination.and_then(|known| known.zone(&self.reference.tariffs)));
        prepared.records = prepared.records.wrapping_add(group.len() as u64);
        let known = lines.into_iter().zip(destinations).zip(zones);
        for (decoded, ((line, destination), zone)) in group.iter().zip(known) {
            let record_id = Prepared::keep(bytes, &mut prepared.texts, decoded.record_id);
            let rejection = match &decoded.record {
                Ok(record) => {
                    let mut item = self.blank(record, decoded.line);
                    item.record_id = record_id;
                    match self.decide(record, &mut item, Known { line, destination, zone }, prepared) {
                        Ok(()) => {
                            prepared.items.push(item);
                            continue;
                        }
                        Err(rejection) => rejection,
                    }
                }
                Err(rejection) => rejection.clone(),
            };
            push_reject(prepared, decoded.line, record_id, Reject::of(rejection, decoded.raw));
        }
        group.clear();
    }

    fn blank(&self, record: &UsageRecord<'_>, line: u32) -> Item {
        Item {
            print: Fingerprint::of(self.source.key, record),
            line,
            record_id: Default::default(),
            fate: Fate::Rated,
            flags: Flags::NONE,
            service: record.service,
            rules: RuleSet::NONE,
            account: None,
            version: 0,
            plan: None,
            zone: None,
            at: record.rated_at(),
            duration_ms: record.duration_ms(),
            units: 0,
            gross: Tiyn::ZERO,
            net: Tiyn::ZERO,
            vat: law::vat_rate_on(crate::units::LocalDay(0)),
            not_owed: Tiyn::ZERO,
            cut_off_at: None,
            stateful: Place::NONE,
            detail: Place::NONE,
        }
    }

    /// Filtered, suspended or rated, in this order; duplicates are found later. Source: rating 1.2.
    fn decide(
        &self,
        record: &UsageRecord<'_>,
        item: &mut Item,
        known: Known,
        prepared: &mut Prepared,
    ) -> Result<(), Rejection> {
        let Known { line, destination, zone } = known;
        if item.at < EARLIEST || item.at > LATEST {
            return Err(Rejection::new(RejectReason::BadTime, "the time is beyond the years 0001 to 9998"));
        }
        let tariffs = &self.reference.tariffs;
        let version_at = tariffs.version_at(item.at);
        let version = version_at.and_then(|at| tariffs.versions.get(at));
        let (mut free, odd_cause) = match &destination {
            None => (false, false),
            Some(destination) => match screen(record, destination, version) {
                Screening::Filtered(reason) => {
                    item.fate = Fate::Filtered(reason);
                    self.correction(record, item, prepared);
                    return Ok(());
                }
                Screening::Billable { free, odd_cause } => (free, odd_cause),
            },
        };
        if line == LineAnswer::UnknownLine && self.is_interconnect(record) {
            item.fate = Fate::Filtered(FilterReason::InterconnectOnly);
            self.correction(record, item, prepared);
            return Ok(());
        }
        // A part is not suspended before its call is known: the first part, not this one, decides for the whole. Only one
        // whose time is not known cannot take its place among the others.
        let part = if record.ambiguous { None } else { self.part_of(record) };
        let mut suspend = |reason, detail: String| {
            item.fate = Fate::Suspended(reason);
            item.detail = Place::of(prepared.details.len());
            prepared.details.push(detail);
            if part.is_some() {
                item.stateful = Place::of(prepared.stateful.len());
                prepared.stateful.push(Stateful { part, ..self.unrated(record) });
            }
            Ok(())
        };
        if record.ambiguous {
            return suspend(SuspendReason::AmbiguousTime, "a local time of the hour that came twice".into());
        }
        let register = &self.reference.register;
        let (no, account) = match line {
            LineAnswer::Account(no) => match register.account(no) {
                Some(account) => (no, account),
                None => return suspend(SuspendReason::UnknownAccount, "not in the register".into()),
            },
            LineAnswer::UnknownLine => {
                return suspend(SuspendReason::UnknownLine, format!("line {}", masked(record.a_number)));
            }
            LineAnswer::UnknownAccount => {
                return suspend(SuspendReason::UnknownAccount, format!("of line {}", masked(record.a_number)));
            }
        };
        if register.is_off(no, account, item.at) {
            return suspend(SuspendReason::ServiceNotAllowed, "switched off or terminated on that day".into());
        }
        let Some((version_at, version)) = version_at.zip(version) else {
            return suspend(SuspendReason::NoTariff, "no tariff version was valid then".into());
        };
        let choice = register.plan_at(no, account, item.at);
        let Some(plan) = choice.plan.and_then(|plan| version.plan(plan)) else {
            return suspend(SuspendReason::NoPlan, format!("tariff `{}` has no such plan", version.name));
        };
        let zone = zone.filter(|zone| version.zone_kind(*zone).is_some());
        let needs_zone = match record.service {
            Service::Voice | Service::Sms => true,
            Service::Vas => !record.b_number.is_empty(),
            Service::Data | Service::Internet => false,
        };
        if zone.is_none() && needs_zone && !free {
            return suspend(SuspendReason::NoZone, format!("destination {}", masked(record.b_number)));
        }
        free |= zone.is_some_and(|zone| version.zone_kind(zone) == Some(ZoneKind::Free));

        let presence = tariffs.presence(record.visited_network);
        let class = UsageClass { service: record.service, direction: record.direction, presence, zone };
        let usage = Usage {
            at: item.at,
            duration_ms: item.duration_ms,
            bytes: record.bytes(),
            quantity: record.quantity,
            timed: record.release_at.is_some(),
            class,
        };
        let quote = if free { None } else { rate::quote(version, plan, &usage, &[]) };
        if quote.is_none() && !free {
            let detail = format!(
                "no rate for {} {} in plan `{}`",
                record.service,
                record.direction,
                self.plan_name(choice.plan)
            );
            return suspend(SuspendReason::NoRate, detail);
        }

        let local = version.zone.local(item.at);
        item.account = Some(no);
        item.version = u16::try_from(version_at).unwrap_or(u16::MAX);
        item.plan = choice.plan;
        item.zone = zone;
        item.vat = law::vat_rate_on(local.day);
        item.rules = rules_of(record, free, account.is_advance());
        if odd_cause {
            item.flags = item.flags.with(Flag::OddCause);
        }
        if presence != Presence::Home {
            item.flags = item.flags.with(Flag::Roaming);
        }
        if !record.corrects.is_empty() {
            item.flags = item.flags.with(Flag::Correction);
        }
        if self.reference.period.is_some_and(|period| local.day < period.first_day()) {
            item.flags = item.flags.with(Flag::Late);
        }
        if let Some(quote) = &quote {
            item.units = quote.units();
            let settled = rate::settle_in_full(version, quote, item.vat)
                .map_err(|error| Rejection::new(RejectReason::OutOfRange, error.to_string()))?;
            (item.gross, item.net) = (settled.charge.gross, settled.charge.net);
        }
        let has_memory = account.is_advance()
            || account.limit().is_some()
            || plan.allowances.iter().any(|allowance| allowance.covers(class))
            || part.is_some()
            || !record.corrects.is_empty()
            || self.settle_all;
        if has_memory {
            item.stateful = Place::of(prepared.stateful.len());
            prepared.stateful.push(Stateful {
                began_at: record.began_at(),
                usage,
                choice,
                free,
                owed_in_full: presence != Presence::Home
                    && !record.realtime
                    && item.at.0 >= account.risk_notified_from_ms,
                corrects: self.corrects(record),
                part,
            });
        }
        Ok(())
    }

    /// A filtered record may still replace an earlier one.
    fn correction(&self, record: &UsageRecord<'_>, item: &mut Item, prepared: &mut Prepared) {
        if record.corrects.is_empty() {
            return;
        }
        item.stateful = Place::of(prepared.stateful.len());
        prepared.stateful.push(self.unrated(record));
    }

    /// What settling needs of a record that itself costs nothing.
    fn unrated(&self, record: &UsageRecord<'_>) -> Stateful {
        let class =
            UsageClass { service: record.service, direction: record.direction, presence: Presence::Home, zone: None };
        let usage = Usage {
            at: record.rated_at(),
            duration_ms: record.duration_ms(),
            bytes: record.bytes(),
            quantity: record.quantity,
            timed: record.release_at.is_some(),
            class,
        };
        let choice = crate::book::PlanChoice { plan: None, since: None };
        let (began_at, corrects) = (record.began_at(), self.corrects(record));
        Stateful { usage, choice, began_at, free: true, owed_in_full: false, corrects, part: None }
    }

    fn corrects(&self, record: &UsageRecord<'_>) -> Option<u128> {
        (!record.corrects.is_empty()).then(|| self.source.key.fingerprint(record.corrects))
    }

    /// No line of ours is charged: an incoming call at home, or one that another operator's trunk group brought.
    fn is_interconnect(&self, record: &UsageRecord<'_>) -> bool {
        let incoming = record.direction == Direction::In && record.visited_network.is_empty();
        (incoming || !record.route_in.is_empty()) && !self.reference.register.lines.knows(record.a_number)
    }

    fn part_of(&self, record: &UsageRecord<'_>) -> Option<PartOf> {
        if record.call_ref.is_empty() || record.part == 0 {
            return None;
        }
        let mut key = Vec::with_capacity(64);
        for text in [record.service.name().as_bytes(), record.a_number, record.call_ref] {
            key.extend_from_slice(&(text.len() as u64).to_le_bytes());
            key.extend_from_slice(text);
        }
        Some(PartOf {
            call: self.source.key.fingerprint(&key),
            number: record.part,
            last: record.last,
            began_at: record.began_at(),
            released_at: record.release_at,
        })
    }

    fn plan_name(&self, plan: Option<crate::tariff::PlanId>) -> &str {
        plan.and_then(|plan| self.reference.tariffs.plans.get(usize::from(plan.0))).map_or("", String::as_str)
    }
}

impl Reject {
    pub(super) fn of(rejection: Rejection, raw: &[u8]) -> Self {
        let head = raw.get(..raw.len().min(KEPT_BYTES)).unwrap_or_default().to_vec();
        Self { rejection, head, bytes: raw.len() as u64, hash: xxh3_128(raw) }
    }
}

fn push_reject(prepared: &mut Prepared, line: u32, record_id: super::item::Span, reject: Reject) {
    let index = u32::try_from(prepared.items.len()).unwrap_or(u32::MAX);
    prepared.items.push(Item {
        print: Fingerprint { key: 0, content: 0 },
        line,
        record_id,
        fate: Fate::Rejected,
        flags: Flags::NONE,
        service: Service::Voice,
        rules: RuleSet::NONE,
        account: None,
        version: 0,
        plan: None,
        zone: None,
        at: InstantMs(0),
        duration_ms: 0,
        units: 0,
        gross: Tiyn::ZERO,
        net: Tiyn::ZERO,
        vat: law::vat_rate_on(crate::units::LocalDay(0)),
        not_owed: Tiyn::ZERO,
        cut_off_at: None,
        stateful: Place::NONE,
        detail: Place::of(prepared.rejects.len()),
    });
    prepared.rejects.push((index, reject));
}

/// The rules that shape every charge of a kind; settling adds those of money.
fn rules_of(record: &UsageRecord<'_>, free: bool, advance: bool) -> RuleSet {
    let rules = RuleSet::NONE.with(Rule::Cell37).with(Rule::Cell39).with(Rule::Bt16_1);
    let rules = match record.service {
        Service::Voice => rules.with(Rule::Cell41).with(Rule::Cell43),
        Service::Internet | Service::Data => rules.with(Rule::Net24_1_5),
        Service::Sms | Service::Vas => rules,
    };
    let rules = if record.service == Service::Voice && !free { rules.with(Rule::Bt16_2) } else { rules };
    rules.with(if advance { Rule::Cell48 } else { Rule::Cell47 })
}
