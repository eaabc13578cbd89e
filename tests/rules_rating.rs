//! One table for each rule that shapes a charge, worked from the sentence of the rule: a small month is written, rated
//! and read back.
//!
//! Source: rating 1.3–1.8 and its examples 1.10, accounts and money 2.2.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop at the first surprise"
)]

use esep::batch::{Pass, rate_files};
use esep::folder::Folder;
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::AtomicU64;

const TARIFF: &str = r#"
name = "rules"
currency = "KZT"
time_zone = "Asia/Almaty"
valid_from = 2008-01-01
prices_include_vat = true
[zones.kz-ld]
kind = "long-distance"
[zones.intl-a]
kind = "international"
[[screening]]
called = "1999"
means = "autoresponder"

[[plans.standard.rates]]
service = "voice"
zones = ["kz-ld"]
unit = "10s"
price = "4.50"
[[plans.standard.rates]]
service = "voice"
zones = ["intl-a"]
unit = "60s"
price = "95.00"
[[plans.standard.rates]]
service = "voice"
zones = ["intl-a"]
visited = ["*"]
unit = "60s"
price = "95.00"
[[plans.ahead.rates]]
service = "voice"
unit = "10s"
price = "4.50"
connect_fee = "3.00"
minimum_units = 3
[[plans.fine.rates]]
service = "voice"
zones = ["kz-ld"]
unit = "10s"
price = "0.0333"
[[plans.fine.rates]]
service = "voice"
zones = ["intl-a"]
unit = "10s"
price = "0.0050"
[[plans.hours.rates]]
service = "internet"
unit = "60s"
price = "0.50"
[[plans.volume.rates]]
service = "internet"
unit = "1MB"
price = "1.50"
[[plans.subscription.rates]]
service = "internet"
unit = "1GB"
price = "0"
"#;

const LD: &str = "87272501234";
const JAPAN: &str = "+81312345678";

/// An account, a line of the same number, and how it pays.
struct Client {
    line: &'static str,
    plan: &'static str,
    method: &'static str,
    funding: &'static str,
    opening: &'static str,
    limit: &'static str,
}

const ANN: Client =
    Client { line: "77272500001", plan: "standard", method: "credit", funding: "regular", opening: "", limit: "" };

/// A record, as the columns of the feed say it.
#[derive(Clone)]
struct Call(BTreeMap<&'static str, String>);

const COLUMNS: [&str; 16] = [
    "record_id",
    "service",
    "a_number",
    "b_number",
    "setup_at",
    "answer_at",
    "release_at",
    "cause",
    "answered_by",
    "bytes_up",
    "bytes_down",
    "visited_network",
    "realtime",
    "direction",
    "route_in",
    "price",
];

/// Milliseconds of a day as a time of 2026-03-02.
fn clock(ms: u64) -> String {
    day_clock("2026-03-02", ms)
}

fn day_clock(day: &str, ms: u64) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{day}T{hours:02}:{minutes:02}:{seconds:02}.{:03}+05:00", ms % 1000)
}

const NOON: u64 = 12 * 3_600_000;

/// Answered at noon, ten seconds after it was set up.
fn call(id: &str, line: &str, called: &str, ms: u64) -> Call {
    let columns = [
        ("record_id", id.to_owned()),
        ("service", "voice".into()),
        ("a_number", line.into()),
        ("b_number", called.into()),
        ("setup_at", clock(NOON - 10_000)),
        ("answer_at", clock(NOON)),
        ("release_at", clock(NOON + ms)),
        ("cause", "q850:16".into()),
    ];
    Call(columns.into_iter().collect())
}

impl Call {
    fn with(mut self, column: &'static str, value: impl Into<String>) -> Self {
        assert!(COLUMNS.contains(&column), "{column}");
        self.0.insert(column, value.into());
        self
    }
}

type Row = BTreeMap<String, String>;

/// What became of each record: its row, with `outcome` beside the columns of the file.
fn rate(tariff: &str, clients: &[Client], payments: &[(&str, &str, String)], calls: &[Call]) -> BTreeMap<String, Row> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("tariffs/rules.toml", tariff);
    write("prefixes.csv", "prefix,zone\n7,kz-ld\n81,intl-a\n44,intl-a\n1999,kz-ld\n");
    let mut accounts =
        String::from("account_id,plan,method,funding,opening_balance,usage_limit,roaming_risk_notified_on\n");
    let mut lines = String::from("line,account_id,valid_from,valid_to\n");
    for client in clients {
        let Client { line, plan, method, funding, opening, limit } = client;
        writeln!(accounts, "A-{line},{plan},{method},{funding},{opening},{limit},2026-01-01").unwrap();
        writeln!(lines, "{line},A-{line},,").unwrap();
    }
    write("accounts.csv", &accounts);
    write("lines.csv", &lines);
    let mut paid = String::from("payment_id,account_id,amount,paid_at,channel\n");
    for (nth, (line, amount, at)) in payments.iter().enumerate() {
        writeln!(paid, "p{nth},A-{line},{amount},{at},bank").unwrap();
    }
    write("payments.csv", &paid);
    let mut feed = COLUMNS.join(",");
    for call in calls {
        let row = COLUMNS.map(|column| call.0.get(column).map_or("", String::as_str)).join(",");
        write!(feed, "\n{row}").unwrap();
    }
    write("feeds/calls.csv", &format!("{feed}\n"));
    outcomes(folder.path())
}

fn outcomes(folder: &Path) -> BTreeMap<String, Row> {
    let (read, findings) = Folder::open(folder);
    let read = read.unwrap_or_else(|| panic!("{findings:?}"));
    let out = folder.join("out");
    let pass = Pass {
        reference: &read.reference,
        funds: &|| read.funds(),
        files: &read.files,
        threads: &rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap(),
        outcomes: Some(&out),
        progress: &AtomicU64::new(0),
        traced: FxHashSet::default(),
    };
    rate_files(&pass).unwrap();
    let mut found = BTreeMap::new();
    for outcome in ["rated", "filtered", "duplicate", "suspended", "rejected"] {
        let text = std::fs::read_to_string(out.join(format!("{outcome}.csv"))).unwrap();
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap().split(',').collect();
        for line in lines {
            let mut row: Row = header.iter().map(|name| (*name).into()).zip(line.split(',').map(Into::into)).collect();
            row.insert("outcome".into(), outcome.into());
            found.insert(row["record_id"].clone(), row);
        }
    }
    found
}

/// Units and charge of one answered call after the other.
fn units_and_charges(tariff: &str, clients: &[Client], calls: &[Call]) -> Vec<(String, String)> {
    let rows = rate(tariff, clients, &[], calls);
    calls
        .iter()
        .map(|call| (rows[&call.0["record_id"]]["units"].clone(), rows[&call.0["record_id"]]["charge"].clone()))
        .collect()
}

fn check(rows: &BTreeMap<String, Row>, id: &str, expected: &[(&str, &str)]) {
    let row = rows.get(id).unwrap_or_else(|| panic!("{id} has no outcome"));
    for (column, value) in expected {
        assert_eq!(row[*column], *value, "{id}: {column} of {row:?}");
    }
}

/// Everyone on a plan pays the same prices, whoever they are and however they pay.
#[test]
fn cell_37_a_plan_costs_everyone_the_same() {
    let clients = [
        ANN,
        Client { line: "77272500002", method: "advance", opening: "1000", ..ANN },
        Client { line: "77272500003", method: "advance", funding: "budget", opening: "1000", ..ANN },
        Client { line: "77272500004", limit: "1.00", ..ANN },
    ];
    let calls: Vec<Call> =
        clients.iter().enumerate().map(|(n, client)| call(&format!("c{n}"), client.line, LD, 61_000)).collect();
    let rows = rate(TARIFF, &clients, &[], &calls);
    for id in ["c0", "c1", "c2", "c3"] {
        check(&rows, id, &[("charge", "31.50"), ("vat", "4.34"), ("units", "7")]);
        assert!(rows[id]["rules"].contains("CELL-37"), "{id}");
    }
}

/// Prices are in tenge: a tariff in another currency does not load.
#[test]
fn cell_38_prices_are_in_tenge() {
    for (currency, loads) in [("KZT", true), ("USD", false), ("kzt", false)] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tariffs")).unwrap();
        let tariff = TARIFF.replace("\"KZT\"", &format!("{currency:?}"));
        std::fs::write(folder.path().join("tariffs/a.toml"), tariff).unwrap();
        std::fs::write(folder.path().join("prefixes.csv"), "prefix,zone\n7,kz-ld\n").unwrap();
        let (read, findings) = Folder::open(folder.path());
        assert_eq!(read.is_some(), loads, "{currency}: {findings:?}");
        let told = findings.kept().iter().any(|finding| finding.is_error() && finding.to_string().contains("currency"));
        assert_eq!(told, !loads, "{currency}");
    }
}

/// Only the operator's own rating data grounds a payment: a price in the feed changes nothing.
#[test]
fn cell_39_a_price_inside_a_feed_is_never_used() {
    let calls =
        ["", "0", "1000.00", "free"].map(|price| call(&format!("p{price}"), ANN.line, LD, 61_000).with("price", price));
    let found = units_and_charges(TARIFF, &[ANN], &calls);
    assert_eq!(found, vec![("7".to_owned(), "31.50".to_owned()); 4]);
}

/// The clock starts at the answer: of the called person, of the subscriber's own machine or fax; not of the network's.
#[test]
fn cell_41_the_clock_runs_from_the_answer() {
    let mut calls = vec![call("rings", ANN.line, LD, 10_000).with("setup_at", clock(NOON - 90_000))];
    for who in ["subscriber", "machine", "fax", "autoresponder", "announcement"] {
        calls.push(call(who, ANN.line, LD, 10_000).with("answered_by", who));
    }
    calls.push(call("rule", ANN.line, "1999", 10_000));
    calls.push(call("nobody", ANN.line, LD, 10_000).with("answer_at", "").with("cause", "q850:19"));
    let rows = rate(TARIFF, &[ANN], &[], &calls);
    for id in ["rings", "subscriber", "machine", "fax"] {
        check(&rows, id, &[("outcome", "rated"), ("duration_ms", "10000"), ("units", "1"), ("charge", "4.50")]);
    }
    for (id, reason) in [
        ("autoresponder", "autoresponder"),
        ("announcement", "announcement"),
        ("rule", "autoresponder"),
        ("nobody", "no_answer"),
    ] {
        check(&rows, id, &[("outcome", "filtered"), ("reason", reason)]);
    }
}

/// What was not connected is not charged, whatever the cause; what was answered is, whatever the cause.
#[test]
fn cell_42_an_unsuccessful_connection_is_never_charged() {
    let causes = [
        ("q850:17", "busy"),
        ("sip:600", "busy"),
        ("q850:102", "no_answer"),
        ("31", "no_answer"),
        ("sip:487", "no_answer"),
        ("q850:27", "unavailable"),
        ("sip:484", "unavailable"),
        ("q850:4", "announcement"),
        ("q850:21", "rejected_by_party"),
        ("q850:57", "rejected_by_party"),
        ("q850:41", "not_connected"),
        ("q850:58", "not_connected"),
        ("sip:503", "not_connected"),
        ("sip:183", "not_connected"),
        ("", "not_connected"),
        ("what", "not_connected"),
    ];
    let mut calls = Vec::new();
    for (n, (cause, _)) in causes.iter().enumerate() {
        calls.push(call(&format!("n{n}"), ANN.line, LD, 30_000).with("answer_at", "").with("cause", *cause));
        calls.push(call(&format!("a{n}"), ANN.line, LD, 30_000).with("cause", *cause));
    }
    let rows = rate(TARIFF, &[ANN], &[], &calls);
    for (n, (cause, reason)) in causes.iter().enumerate() {
        check(&rows, &format!("n{n}"), &[("outcome", "filtered"), ("reason", reason)]);
        let flags = if matches!(*cause, "q850:17" | "what") { "odd_cause" } else { "" };
        check(&rows, &format!("a{n}"), &[("outcome", "rated"), ("charge", "13.50"), ("flags", flags)]);
    }
}

/// The duration ends at the release and counts in started units.
#[test]
fn cell_43_every_started_unit_counts() {
    let durations =
        [(0, "0", "0.00"), (1, "1", "4.50"), (10_000, "1", "4.50"), (10_001, "2", "9.00"), (61_000, "7", "31.50")];
    let calls = durations.map(|(ms, ..)| call(&format!("d{ms}"), ANN.line, LD, ms));
    for (found, (ms, units, charge)) in units_and_charges(TARIFF, &[ANN], &calls).iter().zip(durations) {
        assert_eq!((found.0.as_str(), found.1.as_str()), (units, charge), "{ms} ms");
    }
    // Exact sums, rounded once, half up: 3 × 0.0333 = 0.0999, 1 × 0.0050 = 0.0050.
    let fine = Client { plan: "fine", ..ANN };
    let calls = [call("a", fine.line, LD, 25_000), call("b", fine.line, JAPAN, 10_000)];
    let found = units_and_charges(TARIFF, &[fine], &calls);
    assert_eq!(found, [("3".into(), "0.10".into()), ("1".into(), "0.01".to_owned())]);
}

/// Usage adds up over the calendar month, and a new month begins at nothing.
#[test]
fn cell_44_usage_adds_up_over_the_month() {
    let client = Client { limit: "9.00", ..ANN };
    let at = |id: &str, day: &str| {
        call(id, client.line, LD, 10_000)
            .with("setup_at", day_clock(day, NOON))
            .with("answer_at", day_clock(day, NOON))
            .with("release_at", day_clock(day, NOON + 10_000))
    };
    let calls = [
        at("first", "2026-03-02"),
        at("second", "2026-03-02"),
        at("third", "2026-03-31"),
        at("april", "2026-04-01"),
        at("late", "2026-03-15"),
    ];
    let rows = rate(TARIFF, &[client], &[], &calls);
    for (id, flags) in [("first", ""), ("second", ""), ("third", "over_limit"), ("april", ""), ("late", "over_limit")] {
        check(&rows, id, &[("charge", "4.50"), ("flags", flags)]);
        assert_eq!(rows[id]["rules"].contains("CELL-44"), !flags.is_empty(), "{id}");
    }
}

/// The credit method needs no money first; the subscriber's limit flags what comes after it, and charges it.
#[test]
fn cell_47_the_credit_method_charges_without_money() {
    let clients = [
        Client { opening: "-500.00", ..ANN },
        Client { line: "77272500002", limit: "94.99", ..ANN },
        Client { line: "77272500003", limit: "95.01", ..ANN },
        Client { line: "77272500004", limit: "94.99", method: "advance", opening: "1000", ..ANN },
    ];
    let mut calls = Vec::new();
    for client in &clients {
        for nth in ["1", "2"] {
            calls.push(call(&format!("{}-{nth}", client.line), client.line, JAPAN, 60_000));
        }
    }
    let rows = rate(TARIFF, &clients, &[], &calls);
    for (client, flags) in clients.iter().zip(["", "over_limit", "", ""]) {
        let (first, second) = (format!("{}-1", client.line), format!("{}-2", client.line));
        check(&rows, &first, &[("charge", "95.00"), ("not_owed", "0.00"), ("flags", "")]);
        check(&rows, &second, &[("charge", "95.00"), ("not_owed", "0.00"), ("flags", flags)]);
        let credit = client.method == "credit";
        assert_eq!(rows[&first]["rules"].contains("CELL-47"), credit, "{first}");
        assert_eq!(rows[&first]["rules"].contains("CELL-48"), !credit, "{first}");
    }
}

/// The advance method: charged as far as the money goes, never below zero; roaming that is not told in real time is
/// owed in full by who was warned.
#[test]
fn cell_48_the_call_ends_where_the_money_ends() {
    let advance = |line, plan, opening| Client { line, plan, method: "advance", opening, ..ANN };
    let clients = [
        advance("77272500001", "standard", "20.00"),
        advance("77272500002", "ahead", "5.00"),
        advance("77272500003", "standard", "0.00"),
        advance("77272500004", "standard", "0.00"),
        advance("77272500005", "standard", "-1.00"),
    ];
    let roaming = |id, line| call(id, line, JAPAN, 60_001).with("visited_network", "Zubair");
    let calls = [
        call("a1", "77272500001", LD, 61_000),
        call("a2", "77272500001", LD, 10_000),
        call("b1", "77272500002", LD, 61_000),
        call("b2", "77272500002", LD, 1_000),
        roaming("c1", "77272500003").with("realtime", "false"),
        roaming("d1", "77272500004").with("realtime", "true"),
        roaming("d2", "77272500004"),
        call("e1", "77272500005", LD, 10_000),
        call("e2", "77272500005", LD, 0),
    ];
    // 15.00 at the very instant of the answer; a payment one millisecond later is no help.
    let payments = [("77272500002", "15.00", clock(NOON)), ("77272500005", "100.00", clock(NOON + 1))];
    let rows = rate(TARIFF, &clients, &payments, &calls);
    let at = |ms| clock(NOON + ms);
    for (id, units, charge, not_owed, cut_off_at) in [
        // 20.00: four of seven units at 4.50; 2.00 are left, which is no unit.
        ("a1", "7", "18.00", "13.50", at(40_000)),
        ("a2", "1", "0.00", "4.50", at(0)),
        // 20.00: three units and the connect fee are 16.50, four are 21.00; 3.50 are less than the minimum.
        ("b1", "7", "16.50", "18.00", at(30_000)),
        ("b2", "3", "0.00", "16.50", at(0)),
        ("c1", "2", "190.00", "0.00", String::new()),
        ("d1", "2", "0.00", "190.00", at(0)),
        ("d2", "2", "0.00", "190.00", at(0)),
        // A negative balance covers nothing; what costs nothing is not cut.
        ("e1", "1", "0.00", "4.50", at(0)),
        ("e2", "0", "0.00", "0.00", String::new()),
    ] {
        let expected =
            [("units", units), ("charge", charge), ("not_owed", not_owed), ("cut_off_at", cut_off_at.as_str())];
        check(&rows, id, &expected);
        assert!(rows[id]["rules"].contains("CELL-48"), "{id}");
    }
}

/// VAT is in the charge; a budget account's payment is credited without it.
#[test]
fn bt_16_1_vat_is_in_the_charge_and_out_of_a_budget_payment() {
    let budget = Client { method: "advance", funding: "budget", opening: "0", ..ANN };
    // 110.20 / 1.16 = 95.00 is credited; 95.00 gross is 81.90 net.
    let payments = [(budget.line, "110.20", clock(NOON))];
    let calls =
        [call("a", budget.line, JAPAN, 60_000), call("b", budget.line, LD, 30_000), call("c", budget.line, LD, 10_000)];
    let rows = rate(TARIFF, &[budget], &payments, &calls);
    // 95.00 − 81.90 = 13.10; 13.50 / 1.16 = 11.64; 1.46 are left, and 4.50 / 1.16 = 3.88.
    check(&rows, "a", &[("charge", "95.00"), ("vat", "13.10"), ("vat_rate", "16"), ("not_owed", "0.00")]);
    check(&rows, "b", &[("charge", "13.50"), ("vat", "1.86"), ("not_owed", "0.00")]);
    check(&rows, "c", &[("charge", "0.00"), ("vat", "0.00"), ("not_owed", "4.50")]);
}

/// Long-distance calls count by 10 seconds, international ones by the minute; after `+` no national rule.
#[test]
fn bt_16_2_long_distance_by_ten_seconds_international_by_the_minute() {
    let table = [
        (LD, 1, "1", "4.50"),
        (LD, 60_001, "7", "31.50"),
        (JAPAN, 1, "1", "95.00"),
        (JAPAN, 60_000, "1", "95.00"),
        (JAPAN, 60_001, "2", "190.00"),
    ];
    let calls: Vec<Call> =
        table.iter().enumerate().map(|(n, (to, ms, ..))| call(&format!("c{n}"), ANN.line, to, *ms)).collect();
    for (found, (to, ms, units, charge)) in units_and_charges(TARIFF, &[ANN], &calls).iter().zip(table) {
        assert_eq!((found.0.as_str(), found.1.as_str()), (units, charge), "{to} {ms} ms");
    }
    // A minute price of 11.50 cut into tens of seconds: 13 × 11.50/6 = 24.92, or 13 × 1.92 where units are rounded.
    for (round, charge) in [("charge", "24.92"), ("unit_price", "24.96")] {
        let tariff = TARIFF
            .replace(
                "unit = \"10s\"\nprice = \"4.50\"\n[[plans.standard",
                "unit = \"10s\"\nprice = \"11.50\"\nprice_per = \"60s\"\n[[plans.standard",
            )
            .replace("prices_include_vat", &format!("round = {round:?}\nprices_include_vat"));
        let found = units_and_charges(&tariff, &[ANN], &[call("c", ANN.line, LD, 125_000)]);
        assert_eq!(found, [("13".to_owned(), charge.to_owned())], "{round}");
    }
}

/// Internet by time, by volume, or free under a subscription.
#[test]
fn net_24_1_5_internet_by_time_by_volume_or_by_subscription() {
    let client = |line, plan| Client { line, plan, ..ANN };
    let clients = [client("h", "hours"), client("v", "volume"), client("s", "subscription")];
    let session = |id: &str, line: &str, ms: u64, up: u64, down: u64| {
        call(id, line, "", ms)
            .with("service", "internet")
            .with("bytes_up", up.to_string())
            .with("bytes_down", down.to_string())
    };
    let calls = [
        session("h1", "h", 3_600_000, 5, 5),
        session("h2", "h", 3_600_001, 0, 0),
        session("v1", "v", 9, 1_048_575, 1),
        session("v2", "v", 9, 1_048_576, 1),
        session("v3", "v", 9, 0, 0),
        session("s1", "s", 9, 3 << 30, 1),
        // Nobody knows how long it was, so no price by time fits.
        session("h3", "h", 9, 0, 0).with("release_at", ""),
    ];
    let rows = rate(TARIFF, &clients, &[], &calls);
    for (id, units, charge) in [
        ("h1", "60", "30.00"),
        ("h2", "61", "30.50"),
        ("v1", "1", "1.50"),
        ("v2", "2", "3.00"),
        ("v3", "0", "0.00"),
        ("s1", "4", "0.00"),
    ] {
        check(&rows, id, &[("units", units), ("charge", charge), ("zone", "")]);
        assert!(rows[id]["rules"].contains("NET-24.1.5"), "{id}");
    }
    check(&rows, "h3", &[("outcome", "suspended"), ("reason", "no_rate")]);
}
