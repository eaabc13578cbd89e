use crate::record::{
    Cause,
    FilterReason::{self, Announcement, Busy, NoAnswer, NotConnected, RejectedByParty, Unavailable},
};

/// Whose number a release cause is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// ITU-T Q.850, 1 to 127.
    Q850,
    /// A final SIP status of a call that was not answered, 300 to 699.
    Sip,
}

/// One row of the cause table: the causes `first` to `last`, both included, of one meaning.
#[derive(Clone, Copy, Debug)]
pub struct CauseRow {
    /// Whose numbers.
    pub protocol: Protocol,
    /// The lowest number.
    pub first: u16,
    /// The highest number.
    pub last: u16,
    /// What the standard calls it, shortened; empty where it has no meaning of its own.
    pub name: &'static str,
    /// What a call without an answer was that ended so.
    pub unanswered: FilterReason,
}

const fn q850(cause: u16, unanswered: FilterReason, name: &'static str) -> CauseRow {
    CauseRow { protocol: Protocol::Q850, first: cause, last: cause, name, unanswered }
}

const fn q850_unnamed(first: u16, last: u16, unanswered: FilterReason) -> CauseRow {
    CauseRow { protocol: Protocol::Q850, first, last, name: "", unanswered }
}

const fn sip(status: u16, unanswered: FilterReason, name: &'static str) -> CauseRow {
    CauseRow { protocol: Protocol::Sip, first: status, last: status, name, unanswered }
}

const fn sip_unnamed(first: u16, last: u16) -> CauseRow {
    CauseRow { protocol: Protocol::Sip, first, last, name: "", unanswered: NotConnected }
}

/// Every release cause of Q.850 1–127 and SIP 300–699, once, in order.
///
/// Source: rating 1.3 for what an unanswered call was; ITU-T Q.850 and the IANA registry of SIP statuses for the names.
pub static CAUSES: [CauseRow; 177] = [
    q850(1, Unavailable, "unallocated number"),
    q850(2, NotConnected, "no route to transit network"),
    q850(3, NotConnected, "no route to destination"),
    q850(4, Announcement, "send special information tone"),
    q850(5, Unavailable, "misdialled trunk prefix"),
    q850(6, NotConnected, "channel unacceptable"),
    q850(7, NotConnected, "call awarded in an established channel"),
    q850(8, NotConnected, "preemption"),
    q850(9, NotConnected, "preemption, circuit reserved for reuse"),
    q850_unnamed(10, 13, NotConnected),
    q850(14, NotConnected, "query on release: ported number"),
    q850_unnamed(15, 15, NotConnected),
    q850(16, NoAnswer, "normal call clearing"),
    q850(17, Busy, "user busy"),
    q850(18, NoAnswer, "no user responding"),
    q850(19, NoAnswer, "no answer from user, alerted"),
    q850(20, Unavailable, "subscriber absent"),
    q850(21, RejectedByParty, "call rejected"),
    q850(22, Unavailable, "number changed"),
    q850(23, NotConnected, "redirection to new destination"),
    q850(24, NotConnected, "call rejected by a feature at the destination"),
    q850(25, NotConnected, "exchange routing error"),
    q850(26, NoAnswer, "non-selected user clearing"),
    q850(27, Unavailable, "destination out of order"),
    q850(28, Unavailable, "invalid number format"),
    q850(29, NotConnected, "facility rejected"),
    q850(30, NotConnected, "response to status enquiry"),
    q850(31, NoAnswer, "normal, unspecified"),
    q850_unnamed(32, 33, NotConnected),
    q850(34, NotConnected, "no circuit available"),
    q850_unnamed(35, 37, NotConnected),
    q850(38, NotConnected, "network out of order"),
    q850(39, NotConnected, "permanent frame connection out of service"),
    q850(40, NotConnected, "permanent frame connection operational"),
    q850(41, NotConnected, "temporary failure"),
    q850(42, NotConnected, "switching equipment congestion"),
    q850(43, NotConnected, "access information discarded"),
    q850(44, NotConnected, "requested circuit not available"),
    q850_unnamed(45, 45, NotConnected),
    q850(46, NotConnected, "precedence call blocked"),
    q850(47, NotConnected, "resource unavailable"),
    q850_unnamed(48, 48, NotConnected),
    q850(49, NotConnected, "quality of service not available"),
    q850(50, RejectedByParty, "facility not subscribed"),
    q850_unnamed(51, 51, RejectedByParty),
    q850(52, RejectedByParty, "outgoing calls barred"),
    q850(53, RejectedByParty, "outgoing calls barred within closed user group"),
    q850(54, RejectedByParty, "incoming calls barred"),
    q850(55, RejectedByParty, "incoming calls barred within closed user group"),
    q850_unnamed(56, 56, RejectedByParty),
    q850(57, RejectedByParty, "bearer capability not authorized"),
    q850(58, NotConnected, "bearer capability not available"),
    q850_unnamed(59, 61, NotConnected),
    q850(62, NotConnected, "inconsistent outgoing access and subscriber class"),
    q850(63, NotConnected, "service or option not available"),
    q850_unnamed(64, 64, NotConnected),
    q850(65, NotConnected, "bearer capability not implemented"),
    q850(66, NotConnected, "channel type not implemented"),
    q850_unnamed(67, 68, NotConnected),
    q850(69, NotConnected, "facility not implemented"),
    q850(70, NotConnected, "only restricted digital bearer available"),
    q850_unnamed(71, 78, NotConnected),
    q850(79, NotConnected, "service or option not implemented"),
    q850_unnamed(80, 80, NotConnected),
    q850(81, NotConnected, "invalid call reference"),
    q850(82, NotConnected, "identified channel does not exist"),
    q850(83, NotConnected, "suspended call exists, not this identity"),
    q850(84, NotConnected, "call identity in use"),
    q850(85, NotConnected, "no call suspended"),
    q850(86, NotConnected, "call of this identity cleared"),
    q850(87, RejectedByParty, "user not member of closed user group"),
    q850(88, NotConnected, "incompatible destination"),
    q850_unnamed(89, 89, NotConnected),
    q850(90, NotConnected, "non-existent closed user group"),
    q850(91, NotConnected, "invalid transit network selection"),
    q850_unnamed(92, 94, NotConnected),
    q850(95, NotConnected, "invalid message"),
    q850(96, NotConnected, "mandatory information element missing"),
    q850(97, NotConnected, "message type non-existent"),
    q850(98, NotConnected, "message not compatible with call state"),
    q850(99, NotConnected, "information element non-existent"),
    q850(100, NotConnected, "invalid information element contents"),
    q850(101, NotConnected, "message in wrong call state"),
    q850(102, NoAnswer, "recovery on timer expiry"),
    q850(103, NotConnected, "parameter non-existent, passed on"),
    q850_unnamed(104, 109, NotConnected),
    q850(110, NotConnected, "message with unknown parameter discarded"),
    q850(111, NotConnected, "protocol error"),
    q850_unnamed(112, 126, NotConnected),
    q850(127, NotConnected, "interworking, unspecified"),
    sip(300, NotConnected, "multiple choices"),
    sip(301, NotConnected, "moved permanently"),
    sip(302, NotConnected, "moved temporarily"),
    sip_unnamed(303, 304),
    sip(305, NotConnected, "use proxy"),
    sip_unnamed(306, 379),
    sip(380, NotConnected, "alternative service"),
    sip_unnamed(381, 399),
    sip(400, NotConnected, "bad request"),
    sip(401, RejectedByParty, "unauthorized"),
    sip(402, RejectedByParty, "payment required"),
    sip(403, RejectedByParty, "forbidden"),
    sip(404, Unavailable, "not found"),
    sip(405, NotConnected, "method not allowed"),
    sip(406, NotConnected, "not acceptable"),
    sip(407, RejectedByParty, "proxy authentication required"),
    sip(408, NoAnswer, "request timeout"),
    sip_unnamed(409, 409),
    sip(410, Unavailable, "gone"),
    sip_unnamed(411, 411),
    sip(412, NotConnected, "conditional request failed"),
    sip(413, NotConnected, "request entity too large"),
    sip(414, NotConnected, "request URI too long"),
    sip(415, NotConnected, "unsupported media type"),
    sip(416, NotConnected, "unsupported URI scheme"),
    sip(417, NotConnected, "unknown resource priority"),
    sip_unnamed(418, 419),
    sip(420, NotConnected, "bad extension"),
    sip(421, NotConnected, "extension required"),
    sip(422, NotConnected, "session interval too small"),
    sip(423, NotConnected, "interval too brief"),
    sip(424, NotConnected, "bad location information"),
    sip(425, NotConnected, "bad alert message"),
    sip_unnamed(426, 427),
    sip(428, NotConnected, "use identity header"),
    sip(429, NotConnected, "provide referrer identity"),
    sip(430, NotConnected, "flow failed"),
    sip_unnamed(431, 432),
    sip(433, NotConnected, "anonymity disallowed"),
    sip_unnamed(434, 435),
    sip(436, NotConnected, "bad identity information"),
    sip(437, NotConnected, "unsupported credential"),
    sip(438, NotConnected, "invalid identity header"),
    sip(439, NotConnected, "first hop lacks outbound support"),
    sip(440, NotConnected, "max breadth exceeded"),
    sip_unnamed(441, 468),
    sip(469, NotConnected, "bad info package"),
    sip(470, NotConnected, "consent needed"),
    sip_unnamed(471, 479),
    sip(480, Unavailable, "temporarily unavailable"),
    sip(481, NotConnected, "call or transaction does not exist"),
    sip(482, NotConnected, "loop detected"),
    sip(483, NotConnected, "too many hops"),
    sip(484, Unavailable, "address incomplete"),
    sip(485, NotConnected, "ambiguous"),
    sip(486, Busy, "busy here"),
    sip(487, NoAnswer, "request terminated"),
    sip(488, NotConnected, "not acceptable here"),
    sip(489, NotConnected, "bad event"),
    sip_unnamed(490, 490),
    sip(491, NotConnected, "request pending"),
    sip_unnamed(492, 492),
    sip(493, NotConnected, "undecipherable"),
    sip(494, NotConnected, "security agreement required"),
    sip_unnamed(495, 499),
    sip(500, NotConnected, "server internal error"),
    sip(501, NotConnected, "not implemented"),
    sip(502, NotConnected, "bad gateway"),
    sip(503, NotConnected, "service unavailable"),
    sip(504, NotConnected, "server time-out"),
    sip(505, NotConnected, "version not supported"),
    sip_unnamed(506, 512),
    sip(513, NotConnected, "message too large"),
    sip_unnamed(514, 554),
    sip(555, NotConnected, "push notification service not supported"),
    sip_unnamed(556, 579),
    sip(580, NotConnected, "precondition failure"),
    sip_unnamed(581, 599),
    sip(600, Busy, "busy everywhere"),
    sip_unnamed(601, 602),
    sip(603, RejectedByParty, "decline"),
    sip(604, Unavailable, "does not exist anywhere"),
    sip_unnamed(605, 605),
    sip(606, NotConnected, "not acceptable"),
    sip(607, NotConnected, "unwanted"),
    sip(608, NotConnected, "rejected by an intermediary"),
    sip_unnamed(609, 699),
];

const SIP_FIRST: u16 = 300;
/// No row: the number 0, which Q.850 does not have.
const NO_ROW: u8 = u8::MAX;

/// The row of each Q.850 cause 0 to 127.
static Q850_ROW: [u8; 128] = row_by_number(Protocol::Q850, 0);
/// The row of each SIP status from 300.
static SIP_ROW: [u8; 400] = row_by_number(Protocol::Sip, SIP_FIRST);

/// Where each number of a protocol stands in [`CAUSES`].
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "runs in the compiler: a number outside the array stops the build"
)]
const fn row_by_number<const N: usize>(protocol: Protocol, base: u16) -> [u8; N] {
    let mut by_number = [NO_ROW; N];
    let mut row = 0;
    while row < CAUSES.len() {
        let CauseRow { protocol: of, first, last, .. } = CAUSES[row];
        if of as u8 == protocol as u8 {
            let mut number = first;
            while number <= last {
                by_number[(number - base) as usize] = row as u8;
                number += 1;
            }
        }
        row += 1;
    }
    by_number
}

/// What a call without an answer was, by its release cause. An empty, 2xx, 3xx, unknown or unparsable cause tells only
/// that the connection was not made.
///
/// ```
/// use esep::{law::unanswered, record::{Cause, FilterReason}};
/// assert_eq!(unanswered(Cause::Sip(486)), FilterReason::Busy);
/// assert_eq!(unanswered(Cause::Q850(999)), FilterReason::NotConnected);
/// ```
///
/// Source: CELL-42, rating 1.3.
#[inline]
pub fn unanswered(cause: Cause) -> FilterReason {
    row_of(cause).map_or(NotConnected, |row| row.unanswered)
}

/// Whether a call that was answered should not have ended so. It is charged all the same, and flagged.
///
/// Source: rating 1.3.
#[inline]
pub fn is_odd_when_answered(cause: Cause) -> bool {
    match cause {
        Cause::Q850(number) => (17..=20).contains(&number),
        Cause::Unparsable => true,
        Cause::Empty | Cause::Sip(_) => false,
    }
}

/// What the standard calls the cause; `None` where it has no name for it.
pub fn cause_name(cause: Cause) -> Option<&'static str> {
    row_of(cause).map(|row| row.name).filter(|name| !name.is_empty())
}

#[inline]
fn row_of(cause: Cause) -> Option<&'static CauseRow> {
    let row = match cause {
        Cause::Q850(number) => Q850_ROW.get(usize::try_from(number).ok()?)?,
        Cause::Sip(status) => SIP_ROW.get(usize::try_from(status.checked_sub(u32::from(SIP_FIRST))?).ok()?)?,
        Cause::Empty | Cause::Unparsable => return None,
    };
    CAUSES.get(usize::from(*row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rating_1_3_every_cause_has_exactly_one_row() {
        let rows_of = |protocol: Protocol, number: u16| {
            CAUSES.iter().filter(|row| row.protocol == protocol && (row.first..=row.last).contains(&number)).count()
        };
        for number in 0..=u16::MAX {
            assert_eq!(rows_of(Protocol::Q850, number), usize::from((1..=127).contains(&number)), "q850:{number}");
            assert_eq!(rows_of(Protocol::Sip, number), usize::from((300..=699).contains(&number)), "sip:{number}");
        }
        assert!(CAUSES.len() < usize::from(NO_ROW));
        for row in &CAUSES {
            assert!(row.first == row.last || row.name.is_empty(), "{}", row.name);
        }
    }

    /// CELL-42: what is not named here was not connected.
    #[test]
    fn rating_1_3_what_an_unanswered_call_was() {
        let q850 = |number: u32| match number {
            17 => Busy,
            16 | 18 | 19 | 26 | 31 | 102 => NoAnswer,
            1 | 5 | 20 | 22 | 27 | 28 => Unavailable,
            4 => Announcement,
            21 | 50..=57 | 87 => RejectedByParty,
            _ => NotConnected,
        };
        let sip = |status: u32| match status {
            486 | 600 => Busy,
            408 | 487 => NoAnswer,
            404 | 410 | 480 | 484 | 604 => Unavailable,
            401..=403 | 407 | 603 => RejectedByParty,
            _ => NotConnected,
        };
        for number in 0..2_000 {
            assert_eq!(unanswered(Cause::Q850(number)), q850(number), "q850:{number}");
            assert_eq!(unanswered(Cause::Sip(number)), sip(number), "sip:{number}");
        }
    }

    #[test]
    fn rating_1_3_causes_that_say_nothing_were_not_connected() {
        for text in [
            "",
            "q850:0",
            "q850:128",
            "999999999",
            "sip:183",
            "sip:200",
            "sip:299",
            "sip:302",
            "sip:700",
            "sip:0",
            "hung up",
        ] {
            assert_eq!(unanswered(Cause::parse(text.as_bytes())), NotConnected, "{text}");
        }
    }

    #[test]
    fn rating_1_3_odd_causes_of_an_answered_call() {
        for (text, odd) in [
            ("", false),
            ("16", false),
            ("q850:17", true),
            ("18", true),
            ("q850:20", true),
            ("21", false),
            ("41", false),
            ("102", false),
            ("128", false),
            ("sip:17", false),
            ("sip:486", false),
            ("busy", true),
        ] {
            assert_eq!(is_odd_when_answered(Cause::parse(text.as_bytes())), odd, "{text}");
        }
    }

    #[test]
    fn causes_have_names() {
        for (text, name) in [
            ("17", Some("user busy")),
            ("127", Some("interworking, unspecified")),
            ("sip:300", Some("multiple choices")),
            ("sip:487", Some("request terminated")),
            ("sip:608", Some("rejected by an intermediary")),
            ("sip:699", None),
            ("0", None),
            ("", None),
        ] {
            assert_eq!(cause_name(Cause::parse(text.as_bytes())), name, "{text}");
        }
    }
}
