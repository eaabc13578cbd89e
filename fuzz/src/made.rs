//! A plan and records made by choice, so that most of what a fuzzer tries is priced.

use std::fmt::Write;

/// Bytes as choices; zeros when they are used up.
pub(crate) struct Choices<'d>(&'d [u8]);

impl<'d> Choices<'d> {
    pub(crate) fn of_bytes(bytes: &'d [u8]) -> Self {
        Self(bytes)
    }

    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::from(self.byte()) % list.len()]
    }
}

const NUMBERS: [&str; 12] = [
    "0",
    "1",
    "2",
    "7",
    "59",
    "60",
    "61",
    "3600",
    "1000000",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
];
const PRICES: [&str; 8] = ["0", "0.01", "4.50", "11.50", "0.000001", "33.333333", "1", "9223372036.854775"];
const TIMES: [&str; 6] = ["1s", "10s", "60s", "7min", "1h", "366h"];
const VOLUMES: [&str; 4] = ["1KB", "10KB", "1MB", "100MB"];
const EVENTS: [&str; 2] = ["event", "3event"];

/// What rates may be for; none of them fits the usage of another but by zone or window.
const RATES: [(&str, &str, &[&str]); 13] = [
    ("voice", "zones = [\"ld\"]", &TIMES),
    ("voice", "zones = [\"ld\"]\nwindow = \"night\"", &TIMES),
    ("voice", "zones = [\"intl\"]", &TIMES),
    ("voice", "", &TIMES),
    ("voice", "window = \"night\"", &TIMES),
    ("voice", "visited = [\"*\"]", &TIMES),
    ("voice", "direction = \"forward\"", &TIMES),
    ("sms", "", &EVENTS),
    ("sms", "window = \"night\"", &EVENTS),
    ("data", "", &VOLUMES),
    ("data", "visited = [\"TEST-1\"]", &VOLUMES),
    ("internet", "", &TIMES),
    ("vas", "", &EVENTS),
];

const ALLOWANCES: [(&str, &[&str]); 5] = [
    ("voice", &["60s", "25s", "10min", "100000h"]),
    ("voice", &["1s", "61s"]),
    ("sms", &["3event", "1event"]),
    ("data", &["10KB", "1MB", "1KB"]),
    ("internet", &["1h", "5s"]),
];

/// A second version, valid from the middle of the month: every feature of a rate, by choice.
pub(crate) fn made_tariff(choices: &mut Choices<'_>) -> String {
    let mut text = String::from("name = \"made\"\nvalid_from = 2026-03-16\n");
    let c = choices;
    let how = c.byte();
    let _ = writeln!(text, "prices_include_vat = {}", how & 1 == 0);
    let _ = writeln!(text, "round = \"{}\"", if how & 2 == 0 { "charge" } else { "unit_price" });
    let _ = writeln!(text, "kilobyte = {}", if how & 4 == 0 { 1024 } else { 1000 });
    let _ = writeln!(text, "split = {}", how & 8 != 0);
    text.push_str("[zones]\nld = { kind = \"long-distance\" }\nintl = { kind = \"international\" }\n");
    text.push_str("free = { kind = \"free\" }\n");
    let _ = writeln!(
        text,
        "[windows.night]\ndays = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"]\nfrom = \"{}\"\nto = \"{}\"",
        c.of(&["22:00", "00:00", "23:59"]),
        c.of(&["07:00", "24:00", "00:01"])
    );
    for plan in ["credit", "advance"] {
        let _ = writeln!(text, "[plans.{plan}]");
        let present = u16::from_le_bytes([c.byte(), c.byte()]);
        for (bit, (service, what, units)) in RATES.into_iter().enumerate() {
            if present >> bit & 1 == 1 {
                continue;
            }
            let _ = writeln!(text, "[[plans.{plan}.rates]]\nservice = \"{service}\"\n{what}");
            let how = c.byte();
            if how.is_multiple_of(3) {
                let _ = writeln!(
                    text,
                    "steps = [{{ units = {}, unit = \"{}\", price = \"{}\" }}, {{ unit = \"{}\", price = \"{}\" }}]",
                    c.of(&["1", "2", "6", "1000000"]),
                    c.of(units),
                    c.of(&PRICES),
                    c.of(units),
                    c.of(&PRICES)
                );
            } else {
                let _ = writeln!(text, "unit = \"{}\"\nprice = \"{}\"", c.of(units), c.of(&PRICES));
                if how.is_multiple_of(4) {
                    let _ = writeln!(text, "price_per = \"{}\"", c.of(&units[1..]));
                }
            }
            if how.is_multiple_of(5) {
                let _ = writeln!(text, "connect_fee = \"{}\"", c.of(&PRICES));
            }
            if how.is_multiple_of(7) {
                let _ = writeln!(text, "minimum_units = {}", c.of(&["1", "2", "7", "1000000"]));
            }
            if how.is_multiple_of(11) && matches!(service, "voice" | "internet") {
                let _ = writeln!(text, "free = \"{}\"", c.of(&TIMES));
            }
        }
        let present = c.byte();
        for (bit, (service, quantities)) in ALLOWANCES.into_iter().enumerate() {
            if present >> bit & 1 == 0 {
                continue;
            }
            let how = c.byte();
            let _ = writeln!(
                text,
                "[[plans.{plan}.allowances]]\nservice = \"{service}\"\nquantity = \"{}\"\npriority = {}\n\
                 carry_over = {}\nproration = \"{}\"",
                c.of(quantities),
                i8::from_le_bytes([how]) / 4,
                how & 1 == 1,
                if how & 2 == 0 { "days" } else { "full" }
            );
        }
    }
    text
}

/// Records of the base folder's lines: times near the edges of the month, parts, corrections, duplicates.
pub(crate) fn made_feed(choices: &mut Choices<'_>) -> String {
    let mut text = String::from(
        "record_id,service,a_number,b_number,setup_at,answer_at,release_at,cause,bytes_up,bytes_down,quantity,\
         visited_network,realtime,direction,call_ref,part,last,corrects,answered_by\n",
    );
    let c = choices;
    let mut number = 0u32;
    while !c.0.is_empty() && number < 64 {
        number += 1;
        let again = c.byte();
        let id = if again % 8 == 7 { number.saturating_sub(1) } else { number };
        let service = c.of(&["voice", "voice", "voice", "sms", "data", "internet", "vas"]);
        let line = c.of(&["77010000001", "77010000002", "77010000003", "77010000004", "77019999999", "login-1"]);
        let called = c.of(&[
            "87172000001",
            "87172000001",
            "87172000002",
            "77172000001",
            "+81312345678",
            "8800",
            "112",
            "",
            "00",
            "2000001",
            "not a number",
        ]);
        let day =
            c.of(&["2026-03-01", "2026-03-15", "2026-03-16", "2026-03-31", "2026-02-28", "2026-04-01", "9998-12-31"]);
        let (hour, offset) = (c.byte() % 24, c.of(&["Z", "+05:00", "-23:59", "+23:59"]));
        let at = |second: u32| format!("{day}T{hour:02}:{:02}:{:02}{offset}", second / 60 % 60, second % 60);
        let length = u32::from(c.byte());
        let answered = c.byte();
        let (answer, release) = match answered % 4 {
            0 => (String::new(), at(length)),
            1 => (at(0), at(length)),
            2 => (at(1), at(length.saturating_mul(14).max(1))),
            _ => (at(2), format!("{day}T23:59:59{}", offset)),
        };
        let more = c.byte();
        let (bytes, quantity) = if more.is_multiple_of(4) { (c.of(&NUMBERS), c.of(&NUMBERS)) } else { ("", "") };
        let (visited, realtime) = if more.is_multiple_of(5) {
            (c.of(&["TEST-1", "TEST-2", "*"]), c.of(&["", "true", "false"]))
        } else {
            ("", "")
        };
        let (call, part, last) = if more.is_multiple_of(7) {
            (c.of(&["k1", "k2"]), c.of(&["1", "2", "3", "1000000"]), c.of(&["", "true", "false"]))
        } else {
            ("", "", "")
        };
        let corrects =
            if more.is_multiple_of(6) { format!("r{}", u32::from(c.byte()) % (number + 2)) } else { String::new() };
        let direction = if more.is_multiple_of(9) { c.of(&["in", "forward", "out"]) } else { "" };
        let _ = writeln!(
            text,
            "r{id},{service},{line},{called},{},{answer},{release},{},{bytes},{bytes},{quantity},{visited},{realtime},\
             {direction},{call},{part},{last},{corrects},{}",
            at(0),
            c.of(&["16", "q850:17", "sip:487", "", "x"]),
            if more.is_multiple_of(11) { c.of(&["machine", "announcement", "fax"]) } else { "" },
        );
    }
    text
}
