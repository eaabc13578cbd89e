//! The usage record: one normalised form, whatever feed it came from, and the five places where it may end.
//!
//! Source: rating 1.1–1.3.

use crate::units::{Bytes, InstantMs, Units};
use std::fmt;

/// Declares a closed list of names: an enum with the name of each variant, `parse` and `ALL`.
macro_rules! names {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
        $vis enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every value, in order.
            #[allow(dead_code, reason = "not every list is walked")]
            $vis const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in files.
            $vis const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The value of a name, `None` for any other text.
            $vis fn parse(text: &[u8]) -> Option<Self> {
                $(if text == $text.as_bytes() { return Some(Self::$variant); })+
                None
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(crate) use names;

mod event;

pub use event::EventKind;

names! {
    /// What was used.
    pub enum Service {
        /// A call.
        Voice = "voice",
        /// A text message.
        Sms = "sms",
        /// Mobile packet data.
        Data = "data",
        /// A session of fixed internet access.
        Internet = "internet",
        /// Paid information, entertainment and other event-priced services.
        Vas = "vas",
    }
}

names! {
    /// Which side of the connection is charged.
    pub enum Direction {
        /// Outgoing; the empty text in feeds.
        Out = "out",
        /// Incoming.
        In = "in",
        /// A diverted leg, charged to who diverted.
        Forward = "forward",
    }
}

names! {
    /// Who answered, where the feed can tell.
    pub enum AnsweredBy {
        /// The subscriber, or not told.
        Subscriber = "subscriber",
        /// The subscriber's own answering machine: an answer (CELL-41).
        Machine = "machine",
        /// A fax: an answer (CELL-41).
        Fax = "fax",
        /// The network's auto-responder: no answer (CELL-41).
        Autoresponder = "autoresponder",
        /// The network's voice message: no answer (CELL-42).
        Announcement = "announcement",
    }
}

names! {
    /// Why a record is not charged. Source: rating 1.3.
    pub enum FilterReason {
        /// The called party was busy.
        Busy = "busy",
        /// Nobody answered.
        NoAnswer = "no_answer",
        /// The number was not available.
        Unavailable = "unavailable",
        /// A voice message of the network.
        Announcement = "announcement",
        /// The network's auto-responder.
        Autoresponder = "autoresponder",
        /// Refused or barred.
        RejectedByParty = "rejected_by_party",
        /// The connection was not made: congestion, failure, protocol.
        NotConnected = "not_connected",
        /// No line of ours is charged; it counts for settlement.
        InterconnectOnly = "interconnect_only",
    }
}

names! {
    /// Why a record cannot be rated now, in the order in which it is looked for. Source: rating 1.2.
    pub enum SuspendReason {
        /// A local time that names two instants.
        AmbiguousTime = "ambiguous_time",
        /// The charged line is not ours on that day.
        UnknownLine = "unknown_line",
        /// The line's account is not in the register.
        UnknownAccount = "unknown_account",
        /// The account's status or switch-off forbids the charge.
        ServiceNotAllowed = "service_not_allowed",
        /// No tariff version holds at that time.
        NoTariff = "no_tariff",
        /// The version has no such plan.
        NoPlan = "no_plan",
        /// No prefix matches the destination.
        NoZone = "no_zone",
        /// The plan has no rate for it.
        NoRate = "no_rate",
        /// Parts of the call are missing, or do not fit together.
        IncompleteParts = "incomplete_parts",
    }
}

names! {
    /// Why bytes are not a usage record. Source: rating 1.2.
    pub enum RejectReason {
        /// The line is longer than a record may be.
        LineTooLong = "line_too_long",
        /// Not the text that the feed's encoding promises, or a NUL byte.
        BadText = "bad_text",
        /// A quote opens and does not close, or closes inside a field.
        BadQuotes = "bad_quotes",
        /// More or fewer columns than the header.
        BadColumns = "bad_columns",
        /// The file's header lacks a column, or has one twice.
        BadHeader = "bad_header",
        /// Not a JSON object of known fields.
        BadJson = "bad_json",
        /// A field that every record of its service needs is empty.
        MissingField = "missing_field",
        /// Not one of the closed list of a field's values.
        BadValue = "bad_value",
        /// Not an instant.
        BadTime = "bad_time",
        /// Answered before it was set up.
        AnswerBeforeSetup = "answer_before_setup",
        /// Released before it was answered.
        ReleaseBeforeAnswer = "release_before_answer",
        /// Volume or quantity below zero.
        NegativeVolume = "negative_volume",
        /// Not a whole number, or beyond 2⁶³.
        BadNumber = "bad_number",
        /// Longer than the feed's limit.
        TooLong = "too_long",
        /// The charge is beyond the range of an amount.
        OutOfRange = "out_of_range",
        /// The file ends in the middle: a cut-off archive, or one that grows past its bound.
        TruncatedInput = "truncated_input",
        /// A suspended record that a person gave up.
        WrittenOff = "written_off",
    }
}

names! {
    /// Marks of a rated record. Source: interface 7.3.
    pub enum Flag {
        /// The subscriber's own limit was reached before (rating 1.8).
        OverLimit = "over_limit",
        /// A release cause that does not fit an answered call (rating 1.3).
        OddCause = "odd_cause",
        /// A later part of a call whose charge stands on its first (rating 1.4).
        Part = "part",
        /// Used before the period that is being rated.
        Late = "late",
        /// Used in a partner's network.
        Roaming = "roaming",
        /// An allowance covered it or a part of it (rating 1.6).
        Allowance = "allowance",
        /// Replaces an earlier record (rating 1.2).
        Correction = "correction",
    }
}

/// A set of [`Flag`]s.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Flags(u8);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);

    /// This set and one more.
    #[must_use]
    pub const fn with(self, flag: Flag) -> Self {
        Self(self.0 | 1 << flag as u8)
    }

    /// As the journal keeps it.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// From what the journal keeps.
    pub const fn of_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Whether the flag is set.
    pub const fn has(self, flag: Flag) -> bool {
        self.0 & 1 << flag as u8 != 0
    }

    /// No flag is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The flags set, in the order of the list.
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.iter().copied().filter(move |flag| self.has(*flag))
    }
}

/// Why a connection ended, as the feed says it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cause {
    /// Not told.
    Empty,
    /// Q.850, any number; 1 to 127 have a meaning.
    Q850(u32),
    /// A SIP status.
    Sip(u32),
    /// Text of no known form.
    Unparsable,
}

impl Cause {
    /// Reads `q850:N`, `sip:N` or a bare integer, which is Q.850. Anything else is [`Cause::Unparsable`].
    ///
    /// ```
    /// use esep::record::Cause;
    /// assert_eq!(Cause::parse(b"17"), Cause::Q850(17));
    /// assert_eq!(Cause::parse(b"sip:486"), Cause::Sip(486));
    /// assert_eq!(Cause::parse(b"busy"), Cause::Unparsable);
    /// ```
    pub fn parse(text: &[u8]) -> Self {
        if text.is_empty() {
            return Self::Empty;
        }
        let (digits, sip) = match text {
            [b's', b'i', b'p', b':', rest @ ..] => (rest, true),
            [b'q', b'8', b'5', b'0', b':', rest @ ..] => (rest, false),
            rest => (rest, false),
        };
        if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
            return Self::Unparsable;
        }
        let number = digits.iter().fold(0u32, |n, b| n.wrapping_mul(10).wrapping_add(u32::from(b.wrapping_sub(b'0'))));
        if sip { Self::Sip(number) } else { Self::Q850(number) }
    }
}

/// One usage record, borrowed from the bytes it was read from. All text is UTF-8.
///
/// Decoders build only records that hold together: times in order, numbers in range, the fields that the service
/// needs. What they cannot build is a [`Rejection`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRecord<'a> {
    /// Unique within its source; never empty.
    pub record_id: &'a [u8],
    /// Common reference of the parts of one call; empty otherwise.
    pub call_ref: &'a [u8],
    /// Sequence of the part from 1; 0 where the record is whole.
    pub part: u32,
    /// The last part of its call.
    pub last: bool,
    /// What was used.
    pub service: Service,
    /// The charged line: E.164 digits without `+`, or a login. Never empty.
    pub a_number: &'a [u8],
    /// As dialled.
    pub b_number: &'a [u8],
    /// When the connection was asked for, or the event happened.
    pub setup_at: InstantMs,
    /// The answer signal; none when nobody answered.
    pub answer_at: Option<InstantMs>,
    /// The first release by either end.
    pub release_at: Option<InstantMs>,
    /// Why it ended.
    pub cause: Cause,
    /// Who answered.
    pub answered_by: AnsweredBy,
    /// Volume from the subscriber.
    pub bytes_up: Bytes,
    /// Volume to the subscriber. Up and down together fit in 64 bits.
    pub bytes_down: Bytes,
    /// Number of events, 1 when the feed does not say.
    pub quantity: Units,
    /// Roaming partner; empty at home.
    pub visited_network: &'a [u8],
    /// Whether the partner reports usage in real time; true when the feed does not say.
    pub realtime: bool,
    /// Which side is charged.
    pub direction: Direction,
    /// As the switch says it, for screening rules.
    pub redirect_reason: &'a [u8],
    /// As the switch says it, for screening rules.
    pub charge_indicator: &'a [u8],
    /// The record that this one replaces; empty otherwise.
    pub corrects: &'a [u8],
    /// Incoming trunk group.
    pub route_in: &'a [u8],
    /// Outgoing trunk group.
    pub route_out: &'a [u8],
    /// A time of it names two instants and nothing tells which.
    pub ambiguous: bool,
}

impl UsageRecord<'_> {
    /// Volume up and down together.
    pub fn bytes(&self) -> Bytes {
        self.bytes_up.saturating_add(self.bytes_down)
    }

    /// The instant whose tariff, law and window apply: the answer, else the setup; of events the setup.
    ///
    /// Source: rating 1.5.
    pub fn rated_at(&self) -> InstantMs {
        match self.service {
            Service::Sms | Service::Vas => self.setup_at,
            Service::Voice | Service::Data | Service::Internet => self.began_at(),
        }
    }

    /// When the tariff clock started: the answer, else the setup. Source: CELL-41.
    pub fn began_at(&self) -> InstantMs {
        self.answer_at.unwrap_or(self.setup_at)
    }

    /// Release − answer (− setup where there is no answer) in milliseconds, 0 without a release. Source: CELL-41.
    pub fn duration_ms(&self) -> i64 {
        self.release_at.map_or(0, |release| release.since(self.began_at()).max(0))
    }
}

/// Bytes that are not a usage record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejection {
    /// What is wrong.
    pub reason: RejectReason,
    /// The field concerned, or what a person needs to mend it. Never personal data.
    pub detail: String,
}

impl Rejection {
    /// A rejection with its reason and detail.
    pub fn new(reason: RejectReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}

/// A number with its last digits hidden, for messages: `7701223****`.
pub fn masked(number: &[u8]) -> String {
    let shown = number.len().saturating_sub(4).min(7);
    let mut text: String = String::from_utf8_lossy(number.get(..shown).unwrap_or_default()).into_owned();
    text.push_str("****");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rating_1_1_causes_have_three_forms() {
        for (text, cause) in [
            ("", Cause::Empty),
            ("q850:16", Cause::Q850(16)),
            ("102", Cause::Q850(102)),
            ("sip:487", Cause::Sip(487)),
            ("sip:", Cause::Unparsable),
            ("q850:x", Cause::Unparsable),
            ("-1", Cause::Unparsable),
            ("9999999999", Cause::Unparsable),
        ] {
            assert_eq!(Cause::parse(text.as_bytes()), cause, "{text}");
        }
    }

    #[test]
    fn closed_lists_read_what_they_write() {
        for service in Service::ALL {
            assert_eq!(Service::parse(service.name().as_bytes()), Some(*service));
        }
        assert_eq!(Service::parse(b"Voice"), None);
        let flags = Flags::NONE.with(Flag::Part).with(Flag::OverLimit);
        assert_eq!(flags.iter().collect::<Vec<_>>(), [Flag::OverLimit, Flag::Part]);
    }

    #[test]
    fn numbers_in_messages_are_masked() {
        assert_eq!(masked(b"77012234567"), "7701223****");
        assert_eq!(masked(b"101"), "****");
    }
}
