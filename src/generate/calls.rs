use super::clients::Clients;
use super::numbers::Numbers;
use super::random::Random;
use super::text::{Clock, push_number, push_padded};

/// The columns of interface 7.1, in its order.
pub(super) const FEED_COLUMNS: &str = "record_id,service,a_number,b_number,setup_at,answer_at,release_at,cause,\
     answered_by,bytes_up,bytes_down,quantity,visited_network,realtime,route_in,route_out,call_ref,part,last,direction,\
     redirect_reason,charge_indicator,corrects\n";

/// Writes records one after another.
#[derive(Debug)]
pub(super) struct Calls<'a> {
    pub(super) numbers: &'a Numbers,
    pub(super) clients: Clients,
    pub(super) random: Random,
    pub(super) clock: Clock,
}

/// Release causes of unanswered calls, of each filter reason and of every form.
const UNANSWERED: [(u64, &[u8]); 40] = [
    (300, b"q850:16"),
    (220, b"q850:17"),
    (90, b"q850:18"),
    (160, b"q850:19"),
    (30, b"q850:31"),
    (20, b"q850:102"),
    (5, b"q850:26"),
    (20, b"q850:1"),
    (30, b"q850:20"),
    (10, b"q850:27"),
    (8, b"q850:28"),
    (5, b"q850:22"),
    (3, b"q850:5"),
    (10, b"q850:4"),
    (25, b"q850:21"),
    (8, b"q850:50"),
    (6, b"q850:55"),
    (4, b"q850:57"),
    (2, b"q850:87"),
    (20, b"q850:34"),
    (10, b"q850:38"),
    (12, b"q850:41"),
    (8, b"q850:42"),
    (4, b"q850:63"),
    (4, b"q850:127"),
    (20, b"17"),
    (10, b"19"),
    (40, b"sip:486"),
    (4, b"sip:600"),
    (60, b"sip:487"),
    (20, b"sip:408"),
    (20, b"sip:480"),
    (20, b"sip:404"),
    (4, b"sip:484"),
    (12, b"sip:603"),
    (8, b"sip:403"),
    (12, b"sip:503"),
    (6, b"sip:488"),
    (6, b""),
    (2, b"sip:302"),
];

/// Release causes of answered calls; a few fit no answer and are charged all the same (rating 1.3).
const ANSWERED: [(u64, &[u8]); 9] = [
    (8600, b"q850:16"),
    (600, b"sip:200"),
    (400, b"16"),
    (200, b"q850:31"),
    (100, b""),
    (50, b"q850:41"),
    (30, b"q850:102"),
    (15, b"q850:127"),
    (5, b"q850:17"),
];

const ROUTES: [&[u8]; 6] = [b"tg-101", b"tg-102", b"tg-204", b"tg-310", b"tg-311", b"tg-900"];

/// Durations of answered calls in milliseconds at shares of 10 000: log-normal, median 60 s, σ 1.2.
const DURATIONS: [(u64, u64); 17] = [
    (0, 0),
    (100, 3_700),
    (500, 8_300),
    (1000, 12_900),
    (2000, 21_900),
    (3000, 32_000),
    (4000, 44_300),
    (5000, 60_000),
    (6000, 81_300),
    (7000, 112_600),
    (8000, 164_700),
    (9000, 279_300),
    (9500, 432_000),
    (9800, 705_000),
    (9900, 979_000),
    (9990, 2_447_000),
    (10_000, 7_200_000),
];

impl Calls<'_> {
    /// Writes the record of a number (from 0) that begins at a local time.
    pub(super) fn push(&mut self, out: &mut Vec<u8>, number: u64, setup_ms: i64) {
        out.extend_from_slice(b"m1-");
        push_id(out, number.wrapping_add(1));
        match self.random.below(1000) {
            0..800 => self.call(out, setup_ms),
            800..900 => self.message(out, setup_ms),
            900..980 => self.session(out, setup_ms, b",data,", false),
            980..990 if self.clients.has_logins() => self.session(out, setup_ms, b",internet,", true),
            _ => self.event(out, setup_ms),
        }
    }

    fn call(&mut self, out: &mut Vec<u8>, setup_ms: i64) {
        out.extend_from_slice(b",voice,");
        self.caller(out);
        self.called(out);
        out.push(b',');
        self.clock.push(out, setup_ms);
        out.push(b',');
        let ring_ms = self.random.below(25_000).wrapping_add(700).cast_signed();
        if self.random.percent(25) {
            out.push(b',');
            self.clock.push(out, setup_ms.wrapping_add(ring_ms));
            out.push(b',');
            out.extend_from_slice(self.random.pick_weighted(&UNANSWERED).copied().unwrap_or_default());
            // A voice message of the network does not answer, or says so.
            let played = if self.random.below(100) == 0 { b"announcement".as_slice() } else { b"" };
            out.push(b',');
            out.extend_from_slice(played);
        } else {
            let answer_ms = setup_ms.wrapping_add(ring_ms);
            self.clock.push(out, answer_ms);
            out.push(b',');
            let duration_ms = self.duration();
            self.clock.push(out, answer_ms.wrapping_add(duration_ms));
            out.push(b',');
            out.extend_from_slice(self.random.pick_weighted(&ANSWERED).copied().unwrap_or_default());
            out.push(b',');
            out.extend_from_slice(match self.random.below(1000) {
                0..10 => b"machine",
                10..13 => b"fax",
                13..15 => b"announcement",
                15..17 => b"autoresponder",
                17..200 => b"subscriber",
                _ => b"",
            });
        }
        // Volumes, quantity, roaming; then the route in, and out.
        out.extend_from_slice(b",,,,,,,");
        out.extend_from_slice(self.random.pick(&ROUTES).copied().unwrap_or_default());
        out.extend_from_slice(b",,,,,,,\n");
    }

    fn message(&mut self, out: &mut Vec<u8>, setup_ms: i64) {
        out.extend_from_slice(b",sms,");
        self.caller(out);
        if self.random.percent(96) {
            push_national(out, &mut self.random, &self.numbers.mobile);
        } else {
            push_abroad(out, &mut self.random, &self.numbers.international);
        }
        let quantity = if self.random.percent(85) { 0 } else { self.random.below(3).wrapping_add(1) };
        self.finish_event(out, setup_ms, quantity);
    }

    fn event(&mut self, out: &mut Vec<u8>, setup_ms: i64) {
        out.extend_from_slice(b",vas,");
        self.caller(out);
        let list = if self.random.percent(80) { &self.numbers.premium } else { &self.numbers.codes };
        push_one_of(out, &mut self.random, list);
        let quantity = if self.random.percent(70) { 0 } else { self.random.below(5).wrapping_add(1) };
        self.finish_event(out, setup_ms, quantity);
    }

    fn finish_event(&mut self, out: &mut Vec<u8>, setup_ms: i64, quantity: u64) {
        out.push(b',');
        self.clock.push(out, setup_ms);
        out.extend_from_slice(b",,,,,,,");
        if quantity > 0 {
            push_number(out, quantity);
        }
        out.extend_from_slice(b",,,,,,,,,,,\n");
    }

    fn session(&mut self, out: &mut Vec<u8>, setup_ms: i64, service: &[u8], fixed: bool) {
        out.extend_from_slice(service);
        if fixed {
            let account = self.clients.pick_login(&mut self.random);
            self.clients.push_line(out, account);
            out.push(b',');
        } else {
            self.caller(out);
        }
        out.push(b',');
        self.clock.push(out, setup_ms);
        out.push(b',');
        self.clock.push(out, setup_ms);
        out.push(b',');
        let duration_ms = self.duration();
        self.clock.push(out, setup_ms.wrapping_add(duration_ms.wrapping_mul(4)));
        out.extend_from_slice(b",,,");
        // Like durations, skewed: a median of some 2 MB down for a mobile session, 30 MB for a fixed one.
        let down = self.duration().unsigned_abs().wrapping_mul(if fixed { 524 } else { 37 });
        push_number(out, self.random.below(down / 4));
        out.push(b',');
        push_number(out, down);
        out.extend_from_slice(b",,,,,,,,,,,,\n");
    }

    /// Writes the charged line and a comma.
    fn caller(&mut self, out: &mut Vec<u8>) {
        if self.random.below(2000) == 0 {
            Clients::push_unknown_line(out, &mut self.random);
        } else {
            let account = self.clients.pick_number(&mut self.random);
            self.clients.push_line(out, account);
        }
        out.push(b',');
    }

    /// Writes what a caller dials.
    fn called(&mut self, out: &mut Vec<u8>) {
        let random = &mut self.random;
        match random.below(100) {
            0..48 => push_national(out, random, &self.numbers.mobile),
            48..67 => {
                push_number(out, random.below(6_000_000).wrapping_add(2_000_000));
            }
            67..86 => push_national(out, random, &self.numbers.fixed),
            86..96 => push_abroad(out, random, &self.numbers.international),
            96..99 => push_one_of(out, random, &self.numbers.codes),
            _ => push_one_of(out, random, &self.numbers.premium),
        }
    }

    /// Milliseconds; one in fifty a whole number of ten-second units, where rounding has its edge.
    fn duration(&mut self) -> i64 {
        let share = self.random.below(10_000);
        let pairs = DURATIONS.iter().zip(DURATIONS.iter().skip(1));
        let Some(((from, low), (to, high))) = pairs.into_iter().find(|(_, (to, _))| share < *to) else { return 0 };
        // Spread within the knot by random bits, so that every millisecond occurs.
        let part = share.wrapping_sub(*from).wrapping_mul(1000).wrapping_add(self.random.below(1000));
        let span = to.wrapping_sub(*from).wrapping_mul(1000);
        let ms = low.wrapping_add(high.wrapping_sub(*low).wrapping_mul(part).checked_div(span).unwrap_or(0));
        let ms = if self.random.below(50) == 0 { ms.wrapping_sub(ms % 10_000) } else { ms };
        ms.cast_signed()
    }
}

/// Nine digits, more where a month has a thousand million records.
fn push_id(out: &mut Vec<u8>, number: u64) {
    if number < 1_000_000_000 { push_padded(out, number, 9) } else { push_number(out, number) }
}

/// A number of the country: mostly `8` and ten digits, else `+7`, ten digits alone, or with the 7.
fn push_national(out: &mut Vec<u8>, random: &mut Random, prefixes: &[String]) {
    let Some(prefix) = random.pick(prefixes) else { return };
    let form = random.below(100);
    let lead: &[u8] = match form {
        0..75 => b"8",
        75..90 => b"+7",
        90..95 => b"",
        _ => b"7",
    };
    out.extend_from_slice(lead);
    let digits = prefix.as_bytes().get(1..).unwrap_or_default();
    out.extend_from_slice(digits);
    push_tail(out, random, 10usize.saturating_sub(digits.len()));
}

/// A number abroad: `810`, `00` or `+`, and 11 to 13 digits.
fn push_abroad(out: &mut Vec<u8>, random: &mut Random, prefixes: &[String]) {
    let at = random.below_skewed(prefixes.len() as u64) as usize;
    let Some(prefix) = prefixes.get(at) else { return };
    let form = random.below(100);
    let lead: &[u8] = match form {
        0..60 => b"810",
        60..90 => b"+",
        _ => b"00",
    };
    out.extend_from_slice(lead);
    out.extend_from_slice(prefix.as_bytes());
    let length = random.below(3).wrapping_add(11) as usize;
    push_tail(out, random, length.saturating_sub(prefix.len()));
}

fn push_tail(out: &mut Vec<u8>, random: &mut Random, width: usize) {
    push_padded(out, random.next() >> 8, width);
}

fn push_one_of(out: &mut Vec<u8>, random: &mut Random, list: &[String]) {
    out.extend_from_slice(random.pick(list).map_or(b"", |text| text.as_bytes()));
}
