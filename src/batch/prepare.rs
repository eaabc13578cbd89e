use super::item::{Fate, Item, PartOf, Place, Prepared, Reference, Reject, Source, Span, Stateful};
use super::runs::{end_runs, find_runs};
use crate::book::{ASKED, Account, LineAnswer, PlanChoice};
use crate::decode::{Decoded, FileDecoder, GROUP, Separators};
use crate::feed::{LongLine, Piece};
use crate::law::{self, Rule, RuleSet, VatRate};
use crate::rate::{self, Choices, Moment, Moments, Priced, Usage};
use crate::record::{
    Direction, FilterReason, Flag, Flags, RejectReason, Rejection, Service, SuspendReason, UsageRecord, masked,
};
use crate::screen::{Destination, Fingerprint, Screening, screen};
use crate::tariff::{Plan, Presence, UsageClass, Version, Way, ZoneId, ZoneKind};
use crate::units::{InstantMs, LocalDay, Tiyn};
use bumpalo::Bump;
use xxhash_rust::xxh3::xxh3_128;

/// Times of records leave a year at either end of what RFC 3339 can write: another zone, and the cut-off of the longest
/// call, can still be written. 0001-01-01 and 9998-12-31, the whole day, in UTC.
const EARLIEST: InstantMs = InstantMs(-62_135_596_800_000);
const LATEST: InstantMs = InstantMs(253_370_764_799_999);

/// A rejected line is kept with so many of its first bytes. Source: rating 1.2.
const KEPT_BYTES: usize = 64 * 1024;

/// What an item says whatever becomes of its record.
struct Common {
    print: Fingerprint,
    number: u16,
    line: u32,
    record_id: Span,
    at: InstantMs,
    duration_ms: i64,
}

impl Common {
    /// The item of a record of which nothing more is known.
    #[inline]
    fn blank(&self, service: Service) -> Item {
        Item {
            print: self.print,
            line: self.line,
            record_id: self.record_id,
            fate: Fate::Rejected,
            flags: Flags::NONE,
            service,
            number: self.number,
            rules: RuleSet::NONE,
            account: None,
            version: 0,
            plan: None,
            zone: None,
            at: self.at,
            duration_ms: self.duration_ms,
            units: 0,
            gross: Tiyn::ZERO,
            net: Tiyn::ZERO,
            vat: law::vat_rate_on(LocalDay(0)),
            not_owed: Tiyn::ZERO,
            cut_off_at: None,
            stateful: Place::NONE,
            detail: Place::NONE,
        }
    }
}

/// What holds when a record is rated.
struct Now<'r> {
    moment: Moment,
    version: &'r Version,
}

/// Why a record is not rated.
enum Stop {
    /// Its time or its charge is beyond what can be written; what is said of it.
    Rejected(String),
    Filtered(FilterReason),
    Suspended(SuspendReason),
}

/// What is used again from piece to piece.
#[derive(Default)]
pub(crate) struct Memory {
    arena: Bump,
    separators: Separators,
    moments: Moments,
}

/// What decides the records of one piece, memory aside.
pub(crate) struct Preparer<'r> {
    pub(crate) reference: &'r Reference,
    pub(crate) source: &'r Source,
    /// Why the file cannot be read, where its header says so: every line is rejected.
    pub(crate) decoder: Result<&'r FileDecoder, &'r Rejection>,
    /// The whole of each record's outcome is decided when it is settled: for a trace.
    pub(crate) settle_all: bool,
    /// Each item has its key; else those of which a piece has many of one stem have none.
    pub(crate) keeps_keys: bool,
    /// Of the month that is being rated, where it is told.
    pub(crate) first_day: Option<LocalDay>,
}

// One look at the lines takes in a group.
const _: () = assert!(GROUP <= ASKED);

impl Preparer<'_> {
    /// Prepares a piece. `prepared` is reused; its `file` and `lines` are set by the caller.
    pub(crate) fn prepare(&self, piece: Piece, memory: &mut Memory, prepared: &mut Prepared) {
        prepared.texts.clear();
        prepared.items.clear();
        prepared.runs.clear();
        prepared.stateful.clear();
        prepared.booked.clear();
        prepared.details.clear();
        prepared.rejects.clear();
        prepared.told.clear();
        prepared.records = 0;
        match piece {
            Piece::Lines(bytes) => {
                // The piece is borrowed while its records are prepared, and put in its place at the end.
                self.lines(&bytes, memory, prepared);
                prepared.bytes = bytes;
                if !self.keeps_keys {
                    end_runs(self.source.key, prepared);
                }
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

    fn lines(&self, bytes: &[u8], memory: &mut Memory, prepared: &mut Prepared) {
        let Memory { arena, separators, moments } = memory;
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
        decoder.decode_groups(bytes, arena, separators, &mut |group| self.group(bytes, group, moments, prepared));
    }

    /// Takes a group through the stages, each for all of it: whose lines they are, what is known of the accounts, which
    /// zones; then record by record the rest.
    fn group(&self, bytes: &[u8], group: &[Decoded<'_>], moments: &mut Moments, prepared: &mut Prepared) {
        let register = &self.reference.register;
        let mut asked = [(&b""[..], InstantMs(0)); GROUP];
        let (mut from, mut to) = (InstantMs(i64::MAX), InstantMs(i64::MIN));
        for (asked, decoded) in asked.iter_mut().zip(group.iter()) {
            if let Ok(record) = &decoded.record {
                let at = record.rated_at();
                (from, to) = (from.min(at), to.max(at));
                *asked = (record.a_number, at);
            }
        }
        let asked = asked.get(..group.len()).unwrap_or_default();
        // Records come in the order of time, and most groups are of one moment.
        let shared = self.now(moments, from).filter(|now| now.moment.holds(to) && to <= LATEST);
        // Between two steps to the accounts, other loops run while memory comes. The first: one number's way through the
        // prefix table does not wait for another's.
        let steps = register.lines.ask(asked);
        let mut ways = [Way::known(None); GROUP];
        self.enter_prefixes(group, &mut ways);
        let mut prints = [Fingerprint { key: 0, content: 0 }; GROUP];
        let mut numbers = [0; GROUP];
        if self.keeps_keys {
            for (print, decoded) in prints.iter_mut().zip(group) {
                if let Ok(record) = &decoded.record {
                    print.key = self.source.key.fingerprint(record.record_id);
                }
            }
        } else {
            find_runs(self.source.key, group, &mut numbers, prepared);
        }
        let prefixes = &self.reference.tariffs.prefixes;
        for way in &mut ways {
            *way = prefixes.walk(*way);
        }
        let mut lines = [LineAnswer::UnknownLine; GROUP];
        register.lines.answers(&steps, asked, &mut lines);
        for answer in &lines {
            if let LineAnswer::Account(no) = answer {
                register.prefetch(*no);
            }
        }
        hash_contents(group, &mut prints);
        prepared.records = prepared.records.wrapping_add(group.len() as u64);
        prepared.items.reserve(group.len());
        let zones = ways.iter().map(|way| prefixes.end(*way));
        let found = lines.iter().zip(zones).zip(prints.iter().zip(&numbers));
        for ((decoded, (_, at)), ((line, zone), (print, number))) in group.iter().zip(asked).zip(found) {
            let (line, at, number) = (*line, *at, *number);
            let record_id = Prepared::keep(bytes, &mut prepared.texts, decoded.record_id);
            let record = match &decoded.record {
                Ok(record) => record,
                Err(rejection) => {
                    push_reject(prepared, decoded.line, record_id, Reject::of(rejection.clone(), decoded.raw));
                    continue;
                }
            };
            let duration_ms = record.duration_ms();
            let common = Common { print: *print, number, line: decoded.line, record_id, at, duration_ms };
            let own;
            let now = match &shared {
                Some(now) => Some(now),
                None => {
                    own = self.now(moments, at);
                    own.as_ref()
                }
            };
            if let Err(stop) = self.decide(record, &common, (line, zone, now), &mut moments.choices, prepared) {
                self.stop(stop, record, &common, decoded.raw, line, prepared);
            }
        }
    }

    /// Sends the numbers called on their ways to their zones.
    #[inline(never)]
    fn enter_prefixes(&self, group: &[Decoded<'_>], ways: &mut [Way; GROUP]) {
        for (way, decoded) in ways.iter_mut().zip(group) {
            if let Ok(record) = &decoded.record {
                *way = self.way(record);
            }
        }
    }

    /// The way to the zone of the number called, where the service has one.
    #[inline]
    fn way(&self, record: &UsageRecord<'_>) -> Way {
        match record.service {
            Service::Voice | Service::Sms | Service::Vas => {
                let form = self.source.number_form;
                Destination::way_of(record.b_number, record.a_number, form, &self.reference.tariffs)
            }
            Service::Data | Service::Internet => Way::known(None),
        }
    }

    /// What holds at an instant; nothing where no tariff does, or it is beyond what can be written.
    #[inline]
    fn now(&self, moments: &mut Moments, at: InstantMs) -> Option<Now<'_>> {
        if at < EARLIEST || at > LATEST {
            return None;
        }
        let moment = moments.at(&self.reference.tariffs, at)?;
        Some(Now { version: self.reference.tariffs.versions.get(moment.version)?, moment })
    }

    /// Filtered, suspended or rated, in this order; duplicates are found later. Source: rating 1.2.
    #[inline]
    fn decide(
        &self,
        record: &UsageRecord<'_>,
        common: &Common,
        (line, zone, now): (LineAnswer, Option<ZoneId>, Option<&Now<'_>>),
        choices: &mut Choices,
        prepared: &mut Prepared,
    ) -> Result<(), Stop> {
        let at = common.at;
        if now.is_none() && (at < EARLIEST || at > LATEST) {
            return Err(Stop::Rejected("the time is beyond the years 0001 to 9998".into()));
        }
        let form = self.source.number_form;
        let (mut free, odd_cause) = match screen(record, form, now.map(|now| now.version)) {
            Screening::Filtered(reason) => return Err(Stop::Filtered(reason)),
            Screening::Billable { free, odd_cause } => (free, odd_cause),
        };
        if line == LineAnswer::UnknownLine && self.is_interconnect(record) {
            return Err(Stop::Filtered(FilterReason::InterconnectOnly));
        }
        if record.ambiguous {
            return Err(Stop::Suspended(SuspendReason::AmbiguousTime));
        }
        let register = &self.reference.register;
        let (no, account) = match line {
            LineAnswer::Plain(no, _) => (no, None),
            LineAnswer::Account(no) => match register.account(no) {
                Some(account) => (no, Some(account)),
                None => return Err(Stop::Suspended(SuspendReason::UnknownAccount)),
            },
            LineAnswer::UnknownLine => return Err(Stop::Suspended(SuspendReason::UnknownLine)),
            LineAnswer::UnknownAccount => return Err(Stop::Suspended(SuspendReason::UnknownAccount)),
        };
        if account.is_some_and(|account| register.is_off(no, account, at)) {
            return Err(Stop::Suspended(SuspendReason::ServiceNotAllowed));
        }
        let Some(Now { moment, version }) = now else {
            return Err(Stop::Suspended(SuspendReason::NoTariff));
        };
        let plan = if let LineAnswer::Plain(_, plan) = line {
            Some(plan)
        } else {
            account.and_then(|account| register.plan_at(no, account, at).plan)
        };
        let Some((plan_id, plan)) = plan.and_then(|id| Some((id, version.plan(id)?))) else {
            return Err(Stop::Suspended(SuspendReason::NoPlan));
        };
        let kind = zone.and_then(|zone| version.zone_kind(zone));
        let zone = if kind.is_some() { zone } else { None };
        let needs_zone = match record.service {
            Service::Voice | Service::Sms => true,
            Service::Vas => !record.b_number.is_empty(),
            Service::Data | Service::Internet => false,
        };
        if zone.is_none() && needs_zone && !free {
            return Err(Stop::Suspended(SuspendReason::NoZone));
        }
        free |= kind == Some(ZoneKind::Free);

        let presence = self.reference.tariffs.presence(record.visited_network);
        let class = UsageClass { service: record.service, direction: record.direction, presence, zone };
        // Made where it is asked for: what stands in memory in small parts is not soon read as a whole.
        let usage = || Usage {
            at,
            duration_ms: common.duration_ms,
            bytes: record.bytes(),
            quantity: record.quantity,
            timed: record.release_at.is_some(),
            class,
        };
        let priced = if free {
            Priced::NOTHING
        } else {
            match moment.price(choices, version, (plan_id, plan), class, |measure| usage().amount(measure)) {
                Some(priced) => priced,
                None => by_the_book(version, plan, &usage(), moment.vat)?,
            }
        };

        let mut flags = Flags::NONE;
        if odd_cause {
            flags = flags.with(Flag::OddCause);
        }
        if presence != Presence::Home {
            flags = flags.with(Flag::Roaming);
        }
        if !record.corrects.is_empty() {
            flags = flags.with(Flag::Correction);
        }
        if self.first_day.is_some_and(|first| moment.day < first) {
            flags = flags.with(Flag::Late);
        }
        let is_part = is_part(record);
        let is_advance = account.is_some_and(Account::is_advance);
        let has_memory = is_advance
            || account.is_some_and(Account::has_limit)
            || is_part
            || !record.corrects.is_empty()
            || self.settle_all
            || plan.allowances.iter().any(|allowance| allowance.covers(class));
        let stateful = if has_memory {
            let account = account.or_else(|| register.account(no));
            let choice = account.map_or(PlanChoice::NONE, |account| register.plan_at(no, account, at));
            let is_warned = || account.is_some_and(|account| register.is_warned(no, account, at));
            let owed_in_full = presence != Presence::Home && !record.realtime && is_warned();
            self.remember(prepared, record, Stateful { choice, free, owed_in_full, ..self.unrated(record, usage()) })
        } else {
            Place::NONE
        };
        prepared.items.push(Item {
            fate: Fate::Rated,
            flags,
            service: record.service,
            rules: rules_of(record.service, free, is_advance),
            account: Some(no),
            version: u16::try_from(moment.version).unwrap_or(u16::MAX),
            plan: Some(plan_id),
            zone,
            units: priced.units,
            gross: priced.charge.gross,
            net: priced.charge.net,
            vat: moment.vat,
            stateful,
            ..common.blank(record.service)
        });
        Ok(())
    }

    /// Keeps what settling needs of a record that has memory.
    #[inline(never)]
    fn remember(&self, prepared: &mut Prepared, record: &UsageRecord<'_>, stateful: Stateful) -> Place {
        let place = Place::of(prepared.stateful.len());
        prepared.stateful.push(Stateful { part: self.part_of(record), ..stateful });
        place
    }

    /// A record that is not rated.
    #[cold]
    fn stop(
        &self,
        stop: Stop,
        record: &UsageRecord<'_>,
        common: &Common,
        raw: &[u8],
        line: LineAnswer,
        prepared: &mut Prepared,
    ) {
        let mut item = common.blank(record.service);
        match stop {
            Stop::Rejected(detail) => {
                let reason = if item.at < EARLIEST || item.at > LATEST {
                    RejectReason::BadTime
                } else {
                    RejectReason::OutOfRange
                };
                let reject = Reject::of(Rejection::new(reason, detail), raw);
                return push_reject(prepared, item.line, item.record_id, reject);
            }
            Stop::Filtered(reason) => {
                item.fate = Fate::Filtered(reason);
                // A filtered record may still replace an earlier one.
                if !record.corrects.is_empty() {
                    item.stateful = Place::of(prepared.stateful.len());
                    prepared.stateful.push(self.unrated(record, home_usage(record)));
                }
            }
            Stop::Suspended(reason) => {
                item.fate = Fate::Suspended(reason);
                item.detail = Place::of(prepared.details.len());
                prepared.details.push(self.detail(reason, record, line));
                // A part is not suspended before its call is known: the first part, not this one, decides for the
                // whole. Only one whose time is not known cannot take its place among the others.
                if !record.ambiguous && is_part(record) {
                    item.stateful = self.remember(prepared, record, self.unrated(record, home_usage(record)));
                }
            }
        }
        prepared.items.push(item);
    }

    /// What a person needs to mend the reference data.
    fn detail(&self, reason: SuspendReason, record: &UsageRecord<'_>, line: LineAnswer) -> String {
        let tariffs = &self.reference.tariffs;
        let at = record.rated_at();
        let plan = match line {
            LineAnswer::Plain(_, plan) => Some(plan),
            LineAnswer::Account(no) => {
                let register = &self.reference.register;
                register.account(no).and_then(|account| register.plan_at(no, account, at).plan)
            }
            LineAnswer::UnknownAccount | LineAnswer::UnknownLine => None,
        };
        match reason {
            SuspendReason::AmbiguousTime => "a local time of the hour that came twice".into(),
            SuspendReason::UnknownLine => format!("line {}", masked(record.a_number)),
            SuspendReason::UnknownAccount if line == LineAnswer::UnknownAccount => {
                format!("of line {}", masked(record.a_number))
            }
            SuspendReason::UnknownAccount => "not in the register".into(),
            SuspendReason::ServiceNotAllowed => "switched off or terminated on that day".into(),
            SuspendReason::NoTariff => "no tariff version was valid then".into(),
            SuspendReason::NoPlan => {
                let version = tariffs.version_at(at).and_then(|at| tariffs.versions.get(at));
                format!("tariff `{}` has no such plan", version.map_or("", |version| version.name.as_str()))
            }
            SuspendReason::NoZone => format!("destination {}", masked(record.b_number)),
            SuspendReason::NoRate => {
                format!("no rate for {} {} in plan `{}`", record.service, record.direction, self.plan_name(plan))
            }
            SuspendReason::IncompleteParts => String::new(),
        }
    }

    /// What settling needs of a record that itself costs nothing.
    fn unrated(&self, record: &UsageRecord<'_>, usage: Usage) -> Stateful {
        let choice = PlanChoice::NONE;
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
        if !is_part(record) {
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

/// Hashes what records say beside their ids.
#[inline(never)]
fn hash_contents(group: &[Decoded<'_>], prints: &mut [Fingerprint; GROUP]) {
    for (print, decoded) in prints.iter_mut().zip(group) {
        if let Ok(record) = &decoded.record {
            print.content = Fingerprint::content_of(record);
        }
    }
}

fn push_reject(prepared: &mut Prepared, line: u32, record_id: Span, reject: Reject) {
    let index = u32::try_from(prepared.items.len()).unwrap_or(u32::MAX);
    let print = Fingerprint { key: 0, content: 0 };
    let common = Common { print, number: 0, line, record_id, at: InstantMs(0), duration_ms: 0 };
    let detail = Place::of(prepared.rejects.len());
    prepared.items.push(Item { detail, ..common.blank(Service::Voice) });
    prepared.rejects.push((index, reject));
}

fn is_part(record: &UsageRecord<'_>) -> bool {
    record.part != 0 && !record.call_ref.is_empty()
}

/// The usage of a record that is not rated.
fn home_usage(record: &UsageRecord<'_>) -> Usage {
    let class =
        UsageClass { service: record.service, direction: record.direction, presence: Presence::Home, zone: None };
    Usage {
        at: record.rated_at(),
        duration_ms: record.duration_ms(),
        bytes: record.bytes(),
        quantity: record.quantity,
        timed: record.release_at.is_some(),
        class,
    }
}

/// The price of a usage whose rate is not flat.
#[inline(never)]
fn by_the_book(version: &Version, plan: &Plan, usage: &Usage, vat: VatRate) -> Result<Priced, Stop> {
    let Some(quote) = rate::quote(version, plan, usage, &[]) else {
        return Err(Stop::Suspended(SuspendReason::NoRate));
    };
    match rate::settle_in_full(version, &quote, vat) {
        Ok(settled) => Ok(Priced { units: quote.units(), charge: settled.charge }),
        Err(error) => Err(Stop::Rejected(error.to_string())),
    }
}

/// The rules that shape every charge of a kind; settling adds those of money.
#[inline]
fn rules_of(service: Service, free: bool, advance: bool) -> RuleSet {
    const ALL: RuleSet = RuleSet::NONE.with(Rule::Cell37).with(Rule::Cell39).with(Rule::Bt16_1);
    const CALL: RuleSet = ALL.with(Rule::Cell41).with(Rule::Cell43);
    const PAID_CALL: RuleSet = CALL.with(Rule::Bt16_2);
    const SESSION: RuleSet = ALL.with(Rule::Net24_1_5);
    // Without a condition, so that it is looked up: which service it is follows no rule that a processor could learn.
    let rules = match service {
        Service::Voice => PAID_CALL,
        Service::Internet | Service::Data => SESSION,
        Service::Sms | Service::Vas => ALL,
    };
    let rules = if free && service == Service::Voice { CALL } else { rules };
    rules.with(if advance { Rule::Cell48 } else { Rule::Cell47 })
}
