//! The native columns as text, and the one place that says what a usage record needs.

use super::time::parse_rfc3339;
use crate::record::{AnsweredBy, Cause, Direction, RejectReason, Rejection, Service, UsageRecord, names};
use crate::units::InstantMs;

names! {
    /// A column of the native format. Source: interface 7.1.
    pub enum Column {
        /// Unique id in the source.
        RecordId = "record_id",
        /// What was used.
        Service = "service",
        /// The charged line.
        ANumber = "a_number",
        /// The number as dialled.
        BNumber = "b_number",
        /// When the connection was asked for.
        SetupAt = "setup_at",
        /// When it was answered.
        AnswerAt = "answer_at",
        /// When it was released.
        ReleaseAt = "release_at",
        /// Why it was released.
        Cause = "cause",
        /// Who answered.
        AnsweredBy = "answered_by",
        /// Volume from the subscriber.
        BytesUp = "bytes_up",
        /// Volume to the subscriber.
        BytesDown = "bytes_down",
        /// Number of events.
        Quantity = "quantity",
        /// Roaming partner.
        VisitedNetwork = "visited_network",
        /// Whether the partner reports in real time.
        Realtime = "realtime",
        /// Incoming trunk group.
        RouteIn = "route_in",
        /// Outgoing trunk group.
        RouteOut = "route_out",
        /// Common reference of the parts of a call.
        CallRef = "call_ref",
        /// Sequence of the part.
        Part = "part",
        /// Whether it is the last part.
        Last = "last",
        /// Which side is charged.
        Direction = "direction",
        /// For screening rules.
        RedirectReason = "redirect_reason",
        /// For screening rules.
        ChargeIndicator = "charge_indicator",
        /// The record that this one replaces.
        Corrects = "corrects",
    }
}

/// A time of a record, before it is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Time<'b> {
    /// RFC 3339; empty = none.
    Text(&'b [u8]),
    /// An instant that the decoder worked out by itself.
    At(InstantMs),
    /// Not an instant, and why.
    Bad(&'static str),
}

impl Default for Time<'_> {
    fn default() -> Self {
        Self::Text(b"")
    }
}

/// The native columns of one record as text: UTF-8 without NUL, which the decoder has checked.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Fields<'b> {
    /// [`Column::RecordId`]
    pub record_id: &'b [u8],
    /// [`Column::Service`]
    pub service: &'b [u8],
    /// [`Column::ANumber`]
    pub a_number: &'b [u8],
    /// [`Column::BNumber`]
    pub b_number: &'b [u8],
    /// [`Column::SetupAt`]
    pub setup_at: Time<'b>,
    /// [`Column::AnswerAt`]
    pub answer_at: Time<'b>,
    /// [`Column::ReleaseAt`]
    pub release_at: Time<'b>,
    /// [`Column::Cause`]
    pub cause: &'b [u8],
    /// [`Column::AnsweredBy`]
    pub answered_by: &'b [u8],
    /// [`Column::BytesUp`]
    pub bytes_up: &'b [u8],
    /// [`Column::BytesDown`]
    pub bytes_down: &'b [u8],
    /// [`Column::Quantity`]
    pub quantity: &'b [u8],
    /// [`Column::VisitedNetwork`]
    pub visited_network: &'b [u8],
    /// [`Column::Realtime`]
    pub realtime: &'b [u8],
    /// [`Column::RouteIn`]
    pub route_in: &'b [u8],
    /// [`Column::RouteOut`]
    pub route_out: &'b [u8],
    /// [`Column::CallRef`]
    pub call_ref: &'b [u8],
    /// [`Column::Part`]
    pub part: &'b [u8],
    /// [`Column::Last`]
    pub last: &'b [u8],
    /// [`Column::Direction`]
    pub direction: &'b [u8],
    /// [`Column::RedirectReason`]
    pub redirect_reason: &'b [u8],
    /// [`Column::ChargeIndicator`]
    pub charge_indicator: &'b [u8],
    /// [`Column::Corrects`]
    pub corrects: &'b [u8],
    /// A time of the record names two instants and nothing tells which.
    pub ambiguous: bool,
}

impl<'b> Fields<'b> {
    /// Sets one column; a time as RFC 3339.
    pub fn set(&mut self, column: Column, text: &'b [u8]) {
        match column {
            Column::RecordId => self.record_id = text,
            Column::Service => self.service = text,
            Column::ANumber => self.a_number = text,
            Column::BNumber => self.b_number = text,
            Column::SetupAt => self.setup_at = Time::Text(text),
            Column::AnswerAt => self.answer_at = Time::Text(text),
            Column::ReleaseAt => self.release_at = Time::Text(text),
            Column::Cause => self.cause = text,
            Column::AnsweredBy => self.answered_by = text,
            Column::BytesUp => self.bytes_up = text,
            Column::BytesDown => self.bytes_down = text,
            Column::Quantity => self.quantity = text,
            Column::VisitedNetwork => self.visited_network = text,
            Column::Realtime => self.realtime = text,
            Column::RouteIn => self.route_in = text,
            Column::RouteOut => self.route_out = text,
            Column::CallRef => self.call_ref = text,
            Column::Part => self.part = text,
            Column::Last => self.last = text,
            Column::Direction => self.direction = text,
            Column::RedirectReason => self.redirect_reason = text,
            Column::ChargeIndicator => self.charge_indicator = text,
            Column::Corrects => self.corrects = text,
        }
    }
}

/// What a feed allows.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Limits {
    /// The longest duration of one record, in milliseconds; none = any.
    pub max_duration_ms: Option<i64>,
}

/// Part numbers beyond this are garbage, and a table of parts stays small.
const PART_MAX: u64 = 1_000_000;

/// Builds a record from its columns, or says what is wrong: the first finding in the order of the code.
///
/// Source: rating 1.1, 1.2.
pub fn build<'b>(fields: &Fields<'b>, limits: &Limits) -> Result<UsageRecord<'b>, Rejection> {
    if fields.record_id.is_empty() {
        return Err(missing(Column::RecordId));
    }
    if fields.service.is_empty() {
        return Err(missing(Column::Service));
    }
    let service = Service::parse(fields.service)
        .ok_or_else(|| bad_value(Column::Service, "one of voice, sms, data, internet, vas"))?;
    if fields.a_number.is_empty() && fields.direction != Direction::In.name().as_bytes() {
        return Err(missing(Column::ANumber));
    }
    let direction = if fields.direction.is_empty() {
        Direction::Out
    } else {
        Direction::parse(fields.direction)
            .ok_or_else(|| bad_value(Column::Direction, "empty or one of out, in, forward"))?
    };
    let answered_by = if fields.answered_by.is_empty() {
        AnsweredBy::Subscriber
    } else {
        AnsweredBy::parse(fields.answered_by).ok_or_else(|| {
            bad_value(Column::AnsweredBy, "empty or one of subscriber, machine, fax, autoresponder, announcement")
        })?
    };
    let realtime = yes_or_no(Column::Realtime, fields.realtime)?.unwrap_or(true);
    let last = yes_or_no(Column::Last, fields.last)?.unwrap_or(false);

    let times = times(fields, service)?;

    let bytes_up = whole_number(Column::BytesUp, fields.bytes_up)?.unwrap_or(0);
    let bytes_down = whole_number(Column::BytesDown, fields.bytes_down)?.unwrap_or(0);
    if bytes_up.checked_add(bytes_down).is_none_or(|sum| sum > i64::MAX.unsigned_abs()) {
        return Err(Rejection::new(RejectReason::BadNumber, "bytes_up and bytes_down together are beyond 2^63"));
    }
    let quantity = whole_number(Column::Quantity, fields.quantity)?.unwrap_or(1);
    let part = match fields.part {
        b"" => 0,
        text => number(text)
            .filter(|part| (1..=PART_MAX).contains(part))
            .and_then(|part| u32::try_from(part).ok())
            .ok_or_else(|| bad_number(Column::Part, "empty or a whole number from 1 to 1000000"))?,
    };

    let record = UsageRecord {
        record_id: fields.record_id,
        call_ref: fields.call_ref,
        part,
        last,
        service,
        a_number: fields.a_number,
        b_number: fields.b_number,
        setup_at: times.setup_at,
        answer_at: times.answer_at,
        release_at: times.release_at,
        cause: Cause::parse(fields.cause),
        answered_by,
        bytes_up,
        bytes_down,
        quantity,
        visited_network: fields.visited_network,
        realtime,
        direction,
        redirect_reason: fields.redirect_reason,
        charge_indicator: fields.charge_indicator,
        corrects: fields.corrects,
        route_in: fields.route_in,
        route_out: fields.route_out,
        ambiguous: fields.ambiguous,
    };
    let duration_ms = record.duration_ms();
    match limits.max_duration_ms {
        Some(limit) if duration_ms > limit => Err(Rejection::new(
            RejectReason::TooLong,
            format!("{duration_ms} ms is over the feed's limit of {limit} ms"),
        )),
        _ => Ok(record),
    }
}

struct Times {
    setup_at: InstantMs,
    answer_at: Option<InstantMs>,
    release_at: Option<InstantMs>,
}

fn times(fields: &Fields<'_>, service: Service) -> Result<Times, Rejection> {
    let setup_at = time(Column::SetupAt, fields.setup_at)?.ok_or_else(|| missing(Column::SetupAt))?;
    let answer_at = time(Column::AnswerAt, fields.answer_at)?;
    let release_at = time(Column::ReleaseAt, fields.release_at)?;
    if service == Service::Voice && answer_at.is_some() && release_at.is_none() {
        return Err(Rejection::new(RejectReason::MissingField, "release_at of an answered call is empty"));
    }
    if let Some(answer_at) = answer_at
        && answer_at < setup_at
    {
        let detail = format!("answer_at is {} ms before setup_at", setup_at.since(answer_at));
        return Err(Rejection::new(RejectReason::AnswerBeforeSetup, detail));
    }
    let session = matches!(service, Service::Data | Service::Internet);
    let begins = match answer_at {
        Some(answer_at) => Some((Column::AnswerAt, answer_at)),
        None => session.then_some((Column::SetupAt, setup_at)),
    };
    if let (Some((column, begins_at)), Some(release_at)) = (begins, release_at)
        && release_at < begins_at
    {
        let detail = format!("release_at is {} ms before {column}", begins_at.since(release_at));
        return Err(Rejection::new(RejectReason::ReleaseBeforeAnswer, detail));
    }
    Ok(Times { setup_at, answer_at, release_at })
}

fn time(column: Column, time: Time<'_>) -> Result<Option<InstantMs>, Rejection> {
    match time {
        Time::Text(b"") => Ok(None),
        Time::Text(text) => parse_rfc3339(text).map(Some).ok_or_else(|| {
            let detail = format!("{column} is not a time with its offset, like 2026-03-01T12:00:00.000+05:00");
            Rejection::new(RejectReason::BadTime, detail)
        }),
        Time::At(at) => Ok(Some(at)),
        Time::Bad(why) => Err(Rejection::new(RejectReason::BadTime, format!("{column} {why}"))),
    }
}

fn missing(column: Column) -> Rejection {
    Rejection::new(RejectReason::MissingField, format!("{column} is empty"))
}

fn bad_value(column: Column, expected: &str) -> Rejection {
    Rejection::new(RejectReason::BadValue, format!("{column} is not {expected}"))
}

fn bad_number(column: Column, expected: &str) -> Rejection {
    Rejection::new(RejectReason::BadNumber, format!("{column} is not {expected}"))
}

fn yes_or_no(column: Column, text: &[u8]) -> Result<Option<bool>, Rejection> {
    match text {
        b"" => Ok(None),
        b"true" => Ok(Some(true)),
        b"false" => Ok(Some(false)),
        _ => Err(bad_value(column, "empty, true or false")),
    }
}

/// A volume or quantity: digits up to 2⁶³ − 1; nothing when empty.
fn whole_number(column: Column, text: &[u8]) -> Result<Option<u64>, Rejection> {
    match text {
        b"" => Ok(None),
        [b'-', digits @ ..] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            Err(Rejection::new(RejectReason::NegativeVolume, format!("{column} is negative")))
        }
        text => number(text)
            .filter(|value| *value <= i64::MAX.unsigned_abs())
            .map(Some)
            .ok_or_else(|| bad_number(column, "a whole number below 2^63")),
    }
}

fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte.wrapping_sub(b'0')))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests;
