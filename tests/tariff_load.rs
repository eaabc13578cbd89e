//! Tariff files that do not make sense, and what is said about them; and the numbers that good ones compile to.
//!
//! Source: interface 7.1, rating 1.4–1.6.

use esep::record::{Direction, Service};
use esep::tariff::{
    Finding, Interconnect, Measure, Presence, Proration, Rounding, Screened, ScreeningRule, SourceFile, TariffInput,
    Tariffs, UsageClass, Visited, Zones, load,
};
use esep::units::{LocalDay, Tiyn, UnitPrice};

fn input(version: &str) -> TariffInput {
    TariffInput { versions: vec![SourceFile::new("t.toml", version)], ..TariffInput::default() }
}

fn text(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

/// What is said about a version; the text begins after the first line break, so that line 1 is the first one shown.
fn said(version: &str) -> String {
    let (tariffs, findings) = load(&input(version.strip_prefix('\n').unwrap_or(version)));
    assert_eq!(tariffs.is_none(), findings.iter().any(Finding::is_error));
    text(&findings)
}

/// The same for the body of one voice rate that starts in line 4.
fn said_of_rate(body: &str) -> String {
    said(&format!("valid_from = 2026-01-01\nzones.a.kind = \"local\"\n[[plans.p.rates]]\n{body}\n"))
}

#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
fn loaded(version: &str) -> Tariffs {
    let (tariffs, findings) = load(&input(version));
    assert_eq!(text(&findings), "");
    tariffs.unwrap()
}

/// Checks (text, expected findings) rows.
fn check(say: impl Fn(&str) -> String, rows: &[(&str, &str)]) {
    for (written, expected) in rows {
        assert_eq!(say(written), expected.trim_start_matches('\n'), "\n{written}");
    }
}

const EXAMPLE: &str = r#"name = "demo-2026"
currency = "KZT"
time_zone = "Asia/Almaty"
valid_from = 2026-01-01
prices_include_vat = true
round = "charge"              # or "unit_price"
kilobyte = 1024
split = false                 # true: each unit priced by the window in which it starts
regulated_step = true

[[screening]]
called = "1999"
route_out = "ivr"
means = "autoresponder"

[[interconnect]]
operator = "Other"
routes = ["tg-1", "tg-2"]
direction = "out"
price_per = "60s"
price = "7.25"

[zones.kz-ld]
kind = "long-distance"        # local | long-distance | international | mobile | special | free
[zones.intl-a]
kind = "international"

[windows.night]
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
from = "22:00"                # to before from: past midnight
to = "07:00"

[plans.standard]
monthly_fee = "1500.00"
[[plans.standard.rates]]
service = "voice"
zones = ["kz-ld"]
unit = "10s"                  # s, min, h, KB, MB, GB, event
price = "4.50"                # for a unit, or for `price_per = "60s"`
[[plans.standard.rates]]
service = "voice"
zones = ["kz-ld"]
window = "night"              # a rate with a window wins over one without
unit = "10s"
price = "2.25"
[[plans.standard.rates]]
service = "voice"
zones = ["intl-a"]
unit = "60s"
price = "95.00"
connect_fee = "0"
minimum_units = 1
free = "0s"
[[plans.standard.allowances]]
service = "voice"
zones = ["kz-ld"]
quantity = "60min"
priority = 10
carry_over = false
proration = "days"            # or "full"
"#;

#[test]
fn interface_7_1_the_example_loads() {
    let mut input = input(EXAMPLE);
    input.prefixes = Some(SourceFile::new("prefixes.csv", "prefix,zone\n7,kz-ld\n81,intl-a\n"));
    let (tariffs, findings) = load(&input);
    assert_eq!(text(&findings), "");
    let tariffs = tariffs.unwrap();
    let version = &tariffs.versions[0];
    assert_eq!(version.name, "demo-2026");
    assert_eq!((version.currency.as_str(), version.zone.name()), ("KZT", "Asia/Almaty"));
    assert_eq!(version.valid_from, LocalDay::parse("2026-01-01").unwrap());
    // 2026-01-01T00:00+05:00 is 2025-12-31T19:00Z.
    assert_eq!(version.starts_at.0, 1_767_207_600_000);
    assert_eq!((version.prices_include_vat, version.rounding, version.split), (true, Rounding::Charge, false));
    assert_eq!(
        version.screening,
        [ScreeningRule {
            called: Some("1999".into()),
            route_in: None,
            route_out: Some("ivr".into()),
            redirect_reason: None,
            charge_indicator: None,
            means: Screened::Autoresponder,
        }]
    );
    assert_eq!(
        version.interconnect,
        [Interconnect {
            operator: "Other".into(),
            routes: vec!["tg-1".into(), "tg-2".into()],
            direction: Direction::Out,
            price_micro_tenge: 7_250_000,
            price_per_ms: 60_000,
        }]
    );
    let plan = version.plan(tariffs.plan_id("standard").unwrap()).unwrap();
    assert_eq!(plan.monthly_fee, Tiyn::new(150_000));
    let zone = tariffs.prefixes.longest_match(b"77012223344");
    let usage = UsageClass { service: Service::Voice, direction: Direction::Out, presence: Presence::Home, zone };
    let ids = plan.candidates(usage);
    assert_eq!(ids.iter().map(|id| id.0).collect::<Vec<_>>(), [1, 0], "the rate with a window first");
    let (night, day) = (plan.rate(ids[0]).unwrap(), plan.rate(ids[1]).unwrap());
    assert_eq!((night.window, night.steps[0].price), (Some(0), UnitPrice::per_unit(2_250_000).unwrap()));
    assert_eq!((day.window, day.steps[0].unit, day.measure), (None, 10_000, Measure::Time));
    let window = &version.windows[0];
    assert_eq!((window.days, window.from_ms, window.to_ms), (127, 79_200_000, 25_200_000));
    let abroad = &plan.rates[2];
    assert_eq!((abroad.minimum_units, abroad.free_ms, abroad.connect_fee_micro_tenge), (1, 0, 0));
    let allowance = &plan.allowances[0];
    assert_eq!((allowance.measure, allowance.quantity, allowance.priority), (Measure::Time, 3_600_000, 10));
    assert_eq!((allowance.carry_over, allowance.proration), (false, Proration::Days));
}

#[test]
fn rating_1_5_prices_compile_to_exact_fractions() {
    let version = |extra: &str, unit: &str, price: &str| {
        format!("valid_from = 2026-01-01\n{extra}\n[[plans.p.rates]]\nservice = \"voice\"\nunit = {unit}\n{price}\n")
    };
    // (version key, unit, price) -> (unit in ms, numerator in 10⁻⁶ tenge, denominator)
    for (extra, unit, price, expected) in [
        ("", "\"10s\"", "price = \"4.50\"", (10_000, 4_500_000, 1)),
        ("", "\"s\"", "price = 2", (1_000, 2_000_000, 1)),
        ("", "\"10s\"", "price = \"11.50\"\nprice_per = \"60s\"", (10_000, 5_750_000, 3)),
        ("", "\"10s\"", "price = \"12\"\nprice_per = \"1min\"", (10_000, 2_000_000, 1)),
        ("", "\"1min\"", "price = \"0.000001\"", (60_000, 1, 1)),
        // 11.50 / 6 = 1.91666… is 1.92 a unit when unit prices are rounded first (BT-16.2, the list of 2005).
        ("round = \"unit_price\"", "\"10s\"", "price = \"11.50\"\nprice_per = \"60s\"", (10_000, 1_920_000, 1)),
        ("round = \"unit_price\"", "\"10s\"", "price = \"0.005\"", (10_000, 10_000, 1)),
        ("round = \"unit_price\"", "\"10s\"", "price = \"0.004999\"", (10_000, 0, 1)),
    ] {
        let tariffs = loaded(&version(extra, unit, price));
        let step = tariffs.versions[0].plans[0].as_ref().unwrap().rates[0].steps[0];
        assert_eq!((step.unit, step.price.micro_tenge(), step.price.divisor()), expected, "{extra} {unit} {price}");
    }
}

#[test]
fn rating_1_4_steps_compile_in_order() {
    let tariffs = loaded(
        r#"valid_from = "2026-01-01"
round = "unit_price"
[[plans.p.rates]]
service = "voice"
steps = [ { units = 6, unit = "10s", price = "5" }, { unit = "60s", price = "20.005" } ]
connect_fee = "3.001"
minimum_units = 2
free = "5s"
"#,
    );
    let rate = &tariffs.versions[0].plans[0].as_ref().unwrap().rates[0];
    let steps: Vec<_> = rate.steps.iter().map(|step| (step.units, step.unit, step.price.micro_tenge())).collect();
    assert_eq!(steps, [(Some(6), 10_000, 5_000_000), (None, 60_000, 20_010_000)]);
    // Only unit prices are rounded before the charge.
    assert_eq!((rate.connect_fee_micro_tenge, rate.minimum_units, rate.free_ms), (3_001_000, 2, 5_000));
    assert_eq!((&rate.visited, &rate.zones, rate.direction), (&Visited::Home, &Zones::Any, Direction::Out));
}

#[test]
fn rating_1_6_allowances_compile_by_priority() {
    let tariffs = loaded(
        r#"valid_from = 2026-01-01
kilobyte = 1000
[zones.a]
kind = "local"
[[plans.p.allowances]]
service = "data"
quantity = "1GB"
priority = 2
carry_over = true
proration = "full"
visited = ["KZ-B", "KZ-A"]
[[plans.p.allowances]]
service = "sms"
quantity = 100
zones = ["a"]
[[plans.p.allowances]]
service = "sms"
quantity = "50"
priority = -1
direction = "in"
[[plans.p.allowances]]
service = "vas"
quantity = "7 events"
visited = ["*"]
"#,
    );
    let plan = tariffs.versions[0].plans[0].as_ref().unwrap();
    let shown: Vec<_> = plan.allowances.iter().map(|a| (a.priority, a.service, a.measure, a.quantity)).collect();
    assert_eq!(
        shown,
        [
            (-1, Service::Sms, Measure::Events, 50),
            (0, Service::Sms, Measure::Events, 100),
            (0, Service::Vas, Measure::Events, 7),
            (2, Service::Data, Measure::Volume, 1_000_000_000),
        ]
    );
    assert_eq!(plan.allowances[0].direction, Direction::In);
    assert_eq!(plan.allowances[2].visited, Visited::Any);
    assert_eq!((plan.allowances[3].carry_over, plan.allowances[3].proration), (true, Proration::Full));
    assert_eq!(tariffs.networks, ["KZ-B", "KZ-A"]);
    assert!(plan.allowances[3].visited.covers(tariffs.presence(b"KZ-A")));
    assert!(!plan.allowances[3].visited.covers(tariffs.presence(b"KZ-C")));
}

#[test]
fn interface_7_1_defaults_of_a_version() {
    let tariffs = loaded("valid_from = 2026-01-01\n");
    let version = &tariffs.versions[0];
    assert_eq!(version.name, "t", "the file's name without `.toml`");
    assert_eq!((version.currency.as_str(), version.zone.name()), ("KZT", "Asia/Almaty"));
    assert_eq!((version.prices_include_vat, version.rounding, version.split), (true, Rounding::Charge, false));
}

#[test]
fn interface_7_1_keys_of_a_version() {
    check(
        said,
        &[
            (
                "",
                "t.toml: a tariff version has no `valid_from`\n  hint: write the first day: `valid_from = 2026-01-01`\n",
            ),
            ("\nvalid_from = 2026-02-29\n", "t.toml:1: invalid date, expected day between 01 and 28\n"),
            ("valid_from = \"2026-13-01\"", "t.toml:1: `valid_from` `2026-13-01` is not a day like 2026-03-01\n"),
            (
                "valid_from = 2026-01-01T00:00:00Z",
                "t.toml:1: `valid_from` `2026-01-01T00:00:00Z` is not a day like 2026-03-01\n",
            ),
            ("valid_from = 20260101", "t.toml:1: `valid_from` is a whole number, not a day like 2026-03-01\n"),
            (
                r#"
valid_from = 2026-01-01
currency = "USD"
time_zone = "Asia/Almatty"
prices_include_vat = "yes"
round = "unit-price"
kilobyte = 1023
split = 1
holydays = "h.csv"
zonez = 1
"#,
                r#"
t.toml:2: unknown currency `USD`
  hint: prices are in KZT
t.toml:3: unknown time zone `Asia/Almatty`
  hint: did you mean `Asia/Almaty`?
t.toml:4: `prices_include_vat` is a string, not `true` or `false`
t.toml:5: unknown round `unit-price`
  hint: did you mean `unit_price`?
t.toml:6: `kilobyte` is 1023, neither 1024 nor 1000
t.toml:7: `split` is a whole number, not `true` or `false`
t.toml:8: unknown key in a tariff version: `holydays`
  hint: did you mean `holidays`?
t.toml:9: unknown key in a tariff version: `zonez`
  hint: did you mean `zones`?
"#,
            ),
            (
                "\nvalid_from = 2026-01-01\nname = \"\"\n[zones.\" a\"]\nkind = \"local\"\n[plans.\"\"]\n[plans.\"a\\nb\"]\n",
                r#"
t.toml:2: the name `` of a version is empty
t.toml:3: the name ` a` of a zone has spaces around it
t.toml:5: the name `` of a plan is empty
t.toml:6: the name `a\nb` of a plan has control characters
"#,
            ),
        ],
    );
}

#[test]
fn interface_7_1_every_syntax_error_has_its_line() {
    check(
        said,
        &[
            (
                r#"
valid_from = 2026-01-01
[zones.a]
kind = "local"
kind = "local"
[plans.p]
monthly_fee = 1500,50
[[plans.p.rates]]
service = voice
unit = "10s"
price = "1"
[zones.b]
kind = "lokal"
[zones.a]
kind = "mobile"
"#,
                r#"
t.toml:4: `kind` is defined twice
  hint: the first is in line 3
t.toml:6: unexpected key or value, expected newline, `#`
  hint: write `monthly_fee = "1500.50"`
t.toml:8: string values must be quoted, expected literal string
t.toml:12: unknown kind `lokal`
  hint: did you mean `local`?
t.toml:13: `a` is defined twice
  hint: the first is in line 2
t.toml:14: `kind` is defined twice
"#,
            ),
            (
                "valid_from = 2026-01-01\n[windows.n]\nfrom = \"22:00\"\nto = \"07:00\"\n[windows.n]\n[plans.p]\n[plans.p]\n",
                r#"
t.toml:5: `n` is defined twice
  hint: the first is in line 2
t.toml:7: `p` is defined twice
  hint: the first is in line 6
"#,
            ),
        ],
    );
}

#[test]
fn interface_7_1_zones_and_windows() {
    check(
        said,
        &[(
            r#"
valid_from = 2026-01-01
zones.x = "local"
[zones.a]
[zones.b]
kind = "longdistance"
colour = "red"
[windows.a]
days = ["mon", "mon", "Tue", "someday"]
from = "24:00"
to = "7:00"
[windows.b]
days = []
from = 22:00
until = "07:00"
[windows.c]
from = 22:00:00.5
to = 700
"#,
            r#"
t.toml:2: `x` is a string, not a table
t.toml:3: zone `a` has no `kind`
  hint: write one of local, long-distance, international, mobile, special, free
t.toml:5: unknown kind `longdistance`
  hint: did you mean `long-distance`?
t.toml:6: unknown key in zone `b`: `colour`
  hint: known here: `kind`
t.toml:8: `mon` stands twice in `days`
t.toml:8: unknown day `Tue`
  hint: did you mean `tue`?
t.toml:8: unknown day `someday`
  hint: known here: `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`
t.toml:9: `from` is the end of the day
  hint: write `00:00`
t.toml:10: `to` `7:00` is not a time of day
  hint: write hours and minutes with two digits each: `07:00`
t.toml:11: window `b` has no `to`
  hint: write a time of day: `to = "07:00"`
t.toml:12: `days` is empty
  hint: leave it out for all days
t.toml:14: unknown key in window `b`: `until`
  hint: known here: `days`, `from`, `to`
t.toml:16: `from` `22:00:00.5` is not a time of day
  hint: write hours and minutes with two digits each: `07:00`
t.toml:17: `to` is a whole number, not a time of day like "22:00"
"#,
        )],
    );
}

#[test]
fn rating_1_5_prices_that_are_none() {
    let unit = "service = \"voice\"\nunit = \"10s\"";
    check(
        |price| said_of_rate(&format!("{unit}\n{price}")),
        &[
            ("price = \"4.50\"", ""),
            ("price = 5", ""),
            (
                "price = 4.5",
                "t.toml:6: `price` is a floating-point number\n  hint: write it in quotes: `price = \"4.5\"`\n",
            ),
            ("price = \"0.1234567\"", "t.toml:6: `price` `0.1234567` has more than 6 decimals\n"),
            ("price = \"-1\"", "t.toml:6: `price` `-1` is negative\n"),
            ("price = -1", "t.toml:6: `price` `-1` is negative\n"),
            ("price = \"4,50\"", "t.toml:6: `price` `4,50` is not a decimal number\n"),
            ("price = \"\"", "t.toml:6: `price` `` is not a decimal number\n"),
            ("price = true", "t.toml:6: `price` is true or false, not a price in quotes\n"),
            (
                "price = \"99999999999999999999\"",
                "t.toml:6: `price` `99999999999999999999` is beyond the range of an amount\n",
            ),
            (
                "price = 99999999999999999999999999",
                "t.toml:6: `price` `99999999999999999999999999` is beyond the range of an amount\n",
            ),
            (
                "price = \"9223372036854\"\nprice_per = \"1ms\"",
                "t.toml:6: the price of a unit is beyond the range of an amount\n",
            ),
            ("price = \"1\"\nprice_per = \"0s\"", "t.toml:7: `price_per` is zero\n"),
            ("price = \"1\"\nprice_per = \"1MB\"", "t.toml:7: `price_per` is for volume, `unit` for time\n"),
            (
                "price = \"1\"\nconnect_fee = 0.5",
                "t.toml:7: `connect_fee` is a floating-point number\n  hint: write it in quotes: `connect_fee = \"0.5\"`\n",
            ),
        ],
    );
    check(
        |fee| said(&format!("valid_from = 2026-01-01\n[plans.p]\nmonthly_fee = {fee}")),
        &[
            ("\"1500.00\"", ""),
            ("1500", ""),
            ("\"1500.005\"", "t.toml:3: `monthly_fee` `1500.005` has more than 2 decimals\n"),
            ("\"-0.01\"", "t.toml:3: `monthly_fee` `-0.01` is negative\n"),
        ],
    );
}

#[test]
fn rating_1_4_units_fit_their_service() {
    let rate = |service: &str, unit: &str| said_of_rate(&format!("service = \"{service}\"\nunit = {unit}\nprice = 1"));
    for (service, unit) in [
        ("voice", "\"10s\""),
        ("sms", "\"event\""),
        ("data", "\"1MB\""),
        ("data", "\"1min\""),
        ("internet", "\"1 GB\""),
        ("vas", "\"event\""),
        ("vas", "\"60s\""),
    ] {
        assert_eq!(rate(service, unit), "", "{service} {unit}");
    }
    for (service, unit, expected) in [
        ("voice", "\"1MB\"", "t.toml:5: `unit` measures volume, but voice is measured by time\n"),
        (
            "voice",
            "\"event\"",
            "t.toml:5: `unit` measures events, but voice is measured by time\n  hint: a price per call is a `connect_fee`\n",
        ),
        ("sms", "\"1s\"", "t.toml:5: `unit` measures time, but sms is measured by events\n"),
        ("data", "\"event\"", "t.toml:5: `unit` measures events, but data is measured by volume or time\n"),
        ("vas", "\"1KB\"", "t.toml:5: `unit` measures volume, but vas is measured by events or time\n"),
        ("voice", "\"0s\"", "t.toml:5: `unit` is zero\n"),
        (
            "voice",
            "10",
            "t.toml:5: `unit` is a number without a unit\n  hint: write it with a unit, such as `unit = \"10s\"`\n",
        ),
        (
            "voice",
            "\"10\"",
            "t.toml:5: `unit` `10` is a number without a unit\n  hint: write a number and a unit: `10s`, `1min`, `1MB`, `event`\n",
        ),
        ("voice", "\"10Min\"", "t.toml:5: `unit` `10Min` has the unknown unit `Min`\n  hint: did you mean `min`?\n"),
        (
            "voice",
            "\"1.5min\"",
            "t.toml:5: `unit` `1.5min` is not a whole number of a unit\n  hint: write whole numbers, in a smaller unit where needed: `90s`\n",
        ),
        (
            "voice",
            "\"99999999999999h\"",
            "t.toml:5: `unit` `99999999999999h` is beyond the range of a quantity\n  hint: write a number and a unit: `10s`, `1min`, `1MB`, `event`\n",
        ),
        (
            "fax",
            "\"1s\"",
            "t.toml:4: unknown service `fax`\n  hint: known here: `voice`, `sms`, `data`, `internet`, `vas`\n",
        ),
    ] {
        assert_eq!(rate(service, unit), expected, "{service} {unit}");
    }
}

#[test]
fn interface_7_1_a_rate_in_which_everything_is_wrong() {
    check(
        said_of_rate,
        &[
            (
                "",
                r#"
t.toml:3: a rate of plan `p` has no `service`
  hint: write one of voice, sms, data, internet, vas
t.toml:3: a rate of plan `p` has no `unit`
  hint: write a number and a unit: `10s`, `1min`, `1MB`, `event`
t.toml:3: a rate of plan `p` has no `price`
  hint: write the price of a unit in quotes: `price = "4.50"`
"#,
            ),
            (
                r#"service = "voice"
zones = ["a", "b", "a"]
window = "nite"
direction = "outgoing"
visited = ["*", "KZ"]
unit = "10s"
price = "1"
minimun_units = 1
minimum_units = -1
free = "5KB"
"#,
                r#"
t.toml:5: `a` stands twice in `zones`
t.toml:5: unknown zone `b`
  hint: did you mean `a`?
t.toml:6: unknown window `nite`
t.toml:7: unknown direction `outgoing`
  hint: known here: `out`, `in`, `forward`
t.toml:8: `visited` names `*`, any partner, and others
t.toml:11: unknown key in a rate of plan `p`: `minimun_units`
  hint: did you mean `minimum_units`?
t.toml:12: `minimum_units` is -1, less than 0
t.toml:13: `free` is no time
  hint: write the free length of a connection: `free = "5s"`
"#,
            ),
            (
                "service = 5\nzones = \"a\"\nvisited = []\nunit = \"10s\"\nprice = 1\nminimum_units = 9223372036854775807\nfree = \"1 s\"",
                r#"
t.toml:4: `service` is a whole number, not a string
t.toml:5: `zones` is a string, not an array of strings
t.toml:6: `visited` is empty
  hint: leave it out for usage at home, write `["*"]` for any partner
t.toml:9: `minimum_units` 9223372036854775807 is beyond the range of a quantity
"#,
            ),
            (
                "service = \"data\"\nunit = \"1MB\"\nprice = 1\nfree = \"5s\"\nminimum_units = 99999999999999999999",
                "t.toml:7: `free` is only for rates by time\nt.toml:8: `minimum_units` is beyond the range of a number\n",
            ),
        ],
    );
}

#[test]
fn rating_1_4_steps_that_make_no_sense() {
    check(
        |steps| said_of_rate(&format!("service = \"voice\"\n{steps}")),
        &[
            ("steps = [{ unit = \"10s\", price = 1 }]", ""),
            (
                "steps = []\nunit = \"10s\"\nprice = 1\nprice_per = \"60s\"",
                r#"
t.toml:5: `steps` is empty
  hint: leave it out and write `unit` and `price`
t.toml:6: `unit` beside `steps`
  hint: each step has its own unit and price
t.toml:7: `price` beside `steps`
  hint: each step has its own unit and price
t.toml:8: `price_per` beside `steps`
  hint: each step has its own unit and price
"#,
            ),
            (
                r#"steps = [
  { unit = "10s", price = 1 },
  { units = 0, unit = "10s", price = 1 },
  { units = 6, unit = "1MB", price = 1.5 },
  { units = 922337203685478, unit = "10s", price = 1 },
  { units = 6, unit = "10s", price = 1, colour = 2 },
]"#,
                r#"
t.toml:6: a step of a rate of plan `p` has no `units`
  hint: only the last step is for all units that remain
t.toml:7: `units` is 0, less than 1
t.toml:8: `price` is a floating-point number
  hint: write it in quotes: `price = "1.5"`
t.toml:8: `unit` measures volume, but voice is measured by time
t.toml:9: `units` 922337203685478 is beyond the range of a quantity
t.toml:10: unknown key in a step of a rate of plan `p`: `colour`
  hint: known here: `units`, `unit`, `price`, `price_per`
t.toml:10: the last step has `units`
  hint: the last step is for all units that remain
"#,
            ),
            (
                "steps = 5",
                "t.toml:5: `steps` is a whole number, not an array of tables\nt.toml:5: `steps` is empty\n  hint: leave it out and write `unit` and `price`\n",
            ),
        ],
    );
    assert_eq!(
        said_of_rate(
            "service = \"data\"\nsteps = [{ units = 1, unit = \"1MB\", price = 1 }, { unit = \"1s\", price = 1 }]"
        ),
        "t.toml:5: a step by time after one by volume\n"
    );
}

#[test]
fn rating_1_6_allowances_that_make_no_sense() {
    check(
        |body| said(&format!("valid_from = 2026-01-01\n[[plans.p.allowances]]\n{body}")),
        &[
            ("service = \"voice\"\nquantity = \"60min\"", ""),
            (
                "service = \"voice\"\nquantity = \"1GB\"",
                "t.toml:4: `quantity` measures volume, but voice is measured by time\n",
            ),
            (
                "service = \"sms\"\nquantity = \"60min\"",
                "t.toml:4: `quantity` measures time, but sms is measured by events\n",
            ),
            (
                "service = \"voice\"\nquantity = 100",
                "t.toml:4: `quantity` measures events, but voice is measured by time\n",
            ),
            ("service = \"sms\"\nquantity = 0", "t.toml:4: `quantity` is zero\n"),
            ("service = \"sms\"\nquantity = -5", "t.toml:4: `quantity` is -5, less than 0\n"),
            (
                "service = \"sms\"\nquantity = \"99999999999999999999\"",
                "t.toml:4: `quantity` `99999999999999999999` is beyond the range of a quantity\n",
            ),
            (
                "priority = \"high\"\ncarry_over = 1\nproration = \"day\"\nconsume = 1",
                r#"
t.toml:2: an allowance of plan `p` has no `service`
  hint: write one of voice, sms, data, internet, vas
t.toml:2: an allowance of plan `p` has no `quantity`
  hint: write what it covers in a month: `60min`, `1GB`, `100`
t.toml:3: `priority` is a string, not a whole number
t.toml:4: `carry_over` is a whole number, not `true` or `false`
t.toml:5: unknown proration `day`
  hint: did you mean `days`?
t.toml:6: unknown key in an allowance of plan `p`: `consume`
  hint: known here: `service`, `zones`, `direction`, `visited`, `quantity`, `priority`, `carry_over`, `proration`
"#,
            ),
        ],
    );
}

#[test]
fn rating_1_3_screening_and_1_9_interconnect() {
    check(
        said,
        &[(
            r#"
valid_from = 2026-01-01
[[screening]]
means = "free"
[[screening]]
called = ""
means = "music"
[[screening]]
route = "a"
route_in = "a"
[[interconnect]]
operator = "A"
routes = ["x", "y"]
direction = "out"
price = "1"
price_per = "1min"
[[interconnect]]
operator = "B"
routes = ["x"]
direction = "forward"
price = 0.5
price_per = "1MB"
[[interconnect]]
operator = "A"
routes = ["z"]
direction = "out"
price = "1"
price_per = "0s"
[[interconnect]]
operator = "C"
routes = ["y"]
direction = "in"
"#,
            r#"
t.toml:2: a screening rule without a criterion fits every record
  hint: write at least one of called, route_in, route_out, redirect_reason, charge_indicator
t.toml:5: `called` is empty
  hint: leave it out where it does not matter
t.toml:6: unknown means `music`
  hint: known here: `announcement`, `autoresponder`, `free`
t.toml:7: a screening rule has no `means`
  hint: write one of announcement, autoresponder, free
t.toml:8: unknown key in a screening rule: `route`
  hint: known here: `called`, `route_in`, `route_out`, `redirect_reason`, `charge_indicator`, `means`
t.toml:19: unknown direction `forward`
  hint: known here: `in`, `out`
t.toml:20: `price` is a floating-point number
  hint: write it in quotes: `price = "0.5"`
t.toml:21: `price_per` is no time
  hint: interconnect is settled by duration
t.toml:22: operator `A` has an interconnect rate for direction `out` already, in line 10
t.toml:27: `price_per` is zero
t.toml:28: an interconnect rate has no `price`
  hint: write the price for `price_per`, in quotes
t.toml:28: an interconnect rate has no `price_per`
  hint: write the span of the price: `price_per = "60s"`
t.toml:30: route `y` belongs to operator `A` already, in line 12
"#,
        )],
    );
}

/// A version with windows and rates, one rate a line: (zones, window, more keys).
fn rates(windows: &str, rates: &[(&str, &str, &str)]) -> String {
    let mut version = String::from("valid_from = 2026-01-01\nzones.a.kind = \"local\"\nzones.b.kind = \"local\"\n");
    version.push_str(&format!("windows = {{ {windows} }}\nplans.p.rates = [\n"));
    for (zones, window, more) in rates {
        let zones = if zones.is_empty() { String::new() } else { format!("zones = [{zones}], ") };
        let window = if window.is_empty() { String::new() } else { format!("window = \"{window}\", ") };
        version.push_str(&format!("{{ service = \"voice\", {zones}{window}{more}unit = \"10s\", price = 1 }},\n"));
    }
    version + "]\n"
}

#[test]
fn interface_7_1_the_same_rate_twice() {
    let windows = "n = { from = \"22:00\", to = \"07:00\" }";
    // Rates begin in line 6.
    for (rows, expected) in [
        (&[("\"a\"", "", ""), ("\"b\"", "", ""), ("", "", ""), ("\"a\"", "n", "")][..], ""),
        (
            &[("\"a\"", "", ""), ("\"b\", \"a\"", "", "")],
            "t.toml:7: a second rate without a window for voice to zone `a`\n  hint: the first is in line 6\n",
        ),
        (
            &[("", "", ""), ("", "", "")],
            "t.toml:7: a second rate without a window for voice to any zone\n  hint: the first is in line 6\n",
        ),
        (
            &[("", "n", ""), ("", "n", "")],
            "t.toml:7: a second rate in window `n` on mon 00:00–07:00 for voice to any zone\n  hint: the other rate is in line 6\n",
        ),
        (&[("", "", ""), ("", "", "direction = \"in\", "), ("", "", "visited = [\"*\"], ")], ""),
        (&[("", "", "visited = [\"*\"], "), ("", "", "visited = [\"X\"], "), ("", "", "visited = [\"Y\"], ")], ""),
        (
            &[("", "", "visited = [\"X\", \"Y\"], "), ("", "", "visited = [\"Y\", \"Z\"], ")],
            "t.toml:7: a second rate without a window for voice to any zone, roaming\n  hint: the first is in line 6\n",
        ),
        (
            &[("\"a\"", "", "direction = \"forward\", "), ("\"a\"", "", "direction = \"forward\", ")],
            "t.toml:7: a second rate without a window for voice (forward) to zone `a`\n  hint: the first is in line 6\n",
        ),
    ] {
        assert_eq!(said(&rates(windows, rows)), expected, "{rows:?}");
    }
}

#[test]
fn interface_7_1_overlapping_windows_of_one_rate() {
    // (windows x and y, what is said of two rates for zone a, one in each)
    for (x, y, expected) in [
        ("from = \"22:00\", to = \"07:00\"", "from = \"07:00\", to = \"22:00\"", ""),
        ("from = \"22:00\", to = \"07:00\"", "from = \"06:59\", to = \"22:00\"", "mon 06:59–07:00"),
        ("from = \"22:00\", to = \"07:00\"", "from = \"07:00\", to = \"22:00:01\"", "mon 22:00–22:00:01"),
        // Friday's night ends on Saturday, where the whole day is taken.
        (
            "days = [\"fri\"], from = \"22:00\", to = \"07:00\"",
            "days = [\"sat\"], from = \"00:00\", to = \"24:00\"",
            "sat 00:00–07:00",
        ),
        (
            "days = [\"fri\"], from = \"22:00\", to = \"07:00\"",
            "days = [\"sat\"], from = \"07:00\", to = \"24:00\"",
            "",
        ),
        // Sunday's night ends on Monday.
        (
            "days = [\"sun\"], from = \"20:00\", to = \"06:00\"",
            "days = [\"mon\"], from = \"05:00\", to = \"09:00\"",
            "mon 05:00–06:00",
        ),
        // From a time to the same time is a whole day.
        (
            "days = [\"wed\"], from = \"09:00\", to = \"09:00\"",
            "days = [\"thu\"], from = \"08:00\", to = \"10:00\"",
            "thu 08:00–09:00",
        ),
        (
            "days = [\"wed\"], from = \"09:00\", to = \"09:00\"",
            "days = [\"thu\"], from = \"09:00\", to = \"10:00\"",
            "",
        ),
        (
            "days = [\"mon\"], from = \"09:00\", to = \"10:00\"",
            "days = [\"tue\"], from = \"09:00\", to = \"10:00\"",
            "",
        ),
    ] {
        let windows = format!("x = {{ {x} }}, y = {{ {y} }}");
        let expected = if expected.is_empty() {
            String::new()
        } else {
            format!(
                "t.toml:7: windows `x` and `y` overlap on {expected} for voice to zone `a`\n  hint: the other rate is in line 6\n"
            )
        };
        assert_eq!(said(&rates(&windows, &[("\"a\"", "x", ""), ("\"a\", \"b\"", "y", "")])), expected, "{windows}");
        // Rates of different levels or zones do not compete.
        assert_eq!(said(&rates(&windows, &[("\"a\"", "x", ""), ("", "y", ""), ("\"b\"", "y", "")])), "");
    }
    let three = "x = { from = \"00:00\", to = \"08:00\" }, y = { from = \"08:00\", to = \"24:00\" }, z = { from = \"07:00\", to = \"09:00\" }";
    assert_eq!(
        said(&rates(three, &[("", "x", ""), ("", "y", ""), ("", "z", "")])),
        "t.toml:8: windows `x` and `z` overlap on mon 07:00–08:00 for voice to any zone\n  hint: the other rate is in line 6\n\
         t.toml:8: windows `y` and `z` overlap on mon 08:00–09:00 for voice to any zone\n  hint: the other rate is in line 7\n"
    );
}

#[test]
fn rating_1_5_a_holiday_may_make_windows_overlap() {
    // Nights of Monday and Sundays: apart in every week, but Tuesday 2026-12-01 counts as Sunday.
    let windows = "night = { days = [\"mon\"], from = \"20:00\", to = \"08:00\" }, rest = { days = [\"sun\"], from = \"00:00\", to = \"24:00\" }";
    let version = rates(windows, &[("", "night", ""), ("", "rest", "")]);
    let mut input = input(&format!("holidays = \"h.csv\"\n{version}"));
    let key = ("t.toml".to_owned(), "h.csv".to_owned());
    input.holidays.insert(key.clone(), SourceFile::new("h.csv", "date,name\n2026-12-01,first day\n"));
    let (tariffs, findings) = load(&input);
    assert_eq!(
        text(&findings),
        "t.toml:8: warning: windows `night` and `rest` overlap on 2026-12-01 00:00–08:00, by a holiday, for voice to any zone\n  \
         hint: the other rate is in line 7 and decides, as the first in the file\n"
    );
    assert!(tariffs.unwrap().versions[0].holidays.contains(LocalDay::parse("2026-12-01").unwrap()));

    input.holidays.insert(
        key,
        SourceFile::new("tariffs/h.csv", "\u{feff}name,date\r\nx,2026-12-16\r\n,16.12.2026\r\ny,2026-12-16\r\n"),
    );
    let (_, findings) = load(&input);
    assert_eq!(
        text(&findings),
        "tariffs/h.csv:3: `16.12.2026` is not a day like 2026-03-01\n\
         tariffs/h.csv:4: warning: 2026-12-16 stands twice, first in line 2\n"
    );
}

#[test]
fn interface_7_1_holidays_files_stay_beside_the_tariff() {
    check(
        |name| said(&format!("valid_from = 2026-01-01\nholidays = {name}")),
        &[
            (
                "\"h.csv\"",
                "t.toml:2: there is no holidays file `h.csv`\n  hint: it is looked for in the folder of the tariff file and in the folder above\n",
            ),
            (
                "\"../../etc/passwd\"",
                "t.toml:2: the holidays file `../../etc/passwd` is not beside the tariff\n  hint: write its name relative to the folder of the tariff file or the folder above\n",
            ),
            (
                "\"/etc/passwd\"",
                "t.toml:2: the holidays file `/etc/passwd` is not beside the tariff\n  hint: write its name relative to the folder of the tariff file or the folder above\n",
            ),
            ("[\"2026-01-01\"]", "t.toml:2: `holidays` is an array, not a string\n"),
        ],
    );
}

#[test]
fn rating_1_5_versions_are_one_timeline() {
    let version = |day: &str, more: &str| format!("name = \"same\"\nvalid_from = {day}\n{more}\n");
    let mut input = TariffInput {
        versions: vec![
            SourceFile::new("b.toml", version("2026-07-01", "[plans.new]")),
            SourceFile::new("a.toml", version("2026-01-01", "[plans.old]\n[plans.new]")),
        ],
        ..TariffInput::default()
    };
    let (tariffs, findings) = load(&input);
    assert_eq!(text(&findings), "");
    let tariffs = tariffs.unwrap();
    let starts: Vec<_> = tariffs.versions.iter().map(|version| version.valid_from.to_string()).collect();
    assert_eq!(starts, ["2026-01-01", "2026-07-01"]);
    let old = tariffs.plan_id("old").unwrap();
    assert!(tariffs.versions[0].plan(old).is_some() && tariffs.versions[1].plan(old).is_none());

    input.versions.push(SourceFile::new("c.toml", "time_zone = \"UTC\"\nvalid_from = 2026-01-01"));
    input.versions.push(SourceFile::new("d.toml", "valid_from = 2027-01-01\ntime_zone = \"Asia/Oral\""));
    let (tariffs, findings) = load(&input);
    assert!(tariffs.is_none());
    assert_eq!(
        text(&findings),
        r#"c.toml:1: warning: the time zone `UTC` is not that of the first version, `Asia/Almaty`
  hint: days of accounts and lines are those of the first version
c.toml:2: a second version that is valid from 2026-01-01
  hint: the first is a.toml:2
d.toml:2: warning: the time zone `Asia/Oral` is not that of the first version, `Asia/Almaty`
  hint: days of accounts and lines are those of the first version
"#
    );
    assert_eq!(
        text(&load(&TariffInput::default()).1),
        "tariffs: there is no tariff version\n  hint: put one into the folder, such as `tariffs/2026.toml`\n"
    );
}

#[test]
fn hostile_files_are_refused_and_nothing_breaks() {
    let deep = |open: &str, n: usize| format!("valid_from = 2026-01-01\nplans = {}", open.repeat(n));
    let rates = |count: usize, body: &str| {
        format!("valid_from = 2026-01-01\n{}", format!("[[plans.p.rates]]\n{body}\n").repeat(count))
    };
    let many = |count: usize| (0..count).map(|n| format!("\"{n}\",")).collect::<String>();
    let zones: String = (0..70_000).map(|n| format!("zones.z{n}.kind = \"free\"\n")).collect();
    for (name, version) in [
        ("arrays", deep("[", 500_000)),
        ("tables", deep("{a=", 500_000)),
        ("dotted keys", format!("{}a = 1", "a.".repeat(500_000))),
        ("headers", format!("[{}a]", "a.".repeat(500_000))),
        ("zeros", "\0".repeat(100_000)),
        ("line breaks", "\n".repeat(2_000_000)),
        ("one long key", format!("{} = 1", "k".repeat(2_000_000))),
        ("one long string", format!("valid_from = \"{}\"", "9".repeat(2_000_000))),
        ("unknown keys", (0..100_000).map(|n| format!("k{n} = {n}\n")).collect()),
        ("the same key", "name = \"x\"\n".repeat(100_000)),
        ("the same plan", "[plans.p]\n".repeat(100_000)),
        ("zones", format!("valid_from = 2026-01-01\n{zones}")),
        (
            "plans",
            format!("valid_from = 2026-01-01\n{}", (0..70_000).map(|n| format!("[plans.p{n}]\n")).collect::<String>()),
        ),
        ("rates", rates(70_000, "service = \"voice\"\nunit = \"1s\"\nprice = 0")),
        ("unknown zones", rates(20_000, "service = \"voice\"\nzones = [\"x\"]\nunit = \"1s\"\nprice = 0")),
        (
            "networks",
            format!("{}visited = [{}]", rates(1, "service = \"sms\"\nunit = \"event\"\nprice = 0"), many(70_000)),
        ),
        (
            "numbers",
            format!(
                "valid_from = 2026-01-01\nkilobyte = {0}\nsplit = 1e{0}\n[plans.p]\nmonthly_fee = {0}",
                "9".repeat(100_000)
            ),
        ),
    ] {
        let (tariffs, findings) = load(&input(&version));
        assert!(tariffs.is_none() && findings.iter().any(Finding::is_error), "{name}");
        assert!(findings.iter().all(|finding| finding.to_string().len() < 2_000), "{name}");
    }
    let mut bytes = input("");
    bytes.versions = vec![SourceFile::new("t.toml", vec![0xff, 0xfe, 0x00])];
    assert_eq!(text(&load(&bytes).1), "t.toml:1: not UTF-8\n  hint: save the file as UTF-8\n");
}

#[test]
fn damaged_files_are_read_without_a_panic() {
    let bytes = EXAMPLE.as_bytes();
    let mut versions: Vec<Vec<u8>> = (0..bytes.len()).step_by(9).map(|length| bytes[..length].to_vec()).collect();
    // A fixed sequence of changes: a byte set, a line lost, two lines swapped.
    let mut seed: u64 = 20_260_101;
    let mut next = |most: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).map_or(0, |number| number % most)
    };
    for _ in 0..300 {
        let mut damaged = bytes.to_vec();
        for _ in 0..=next(3) {
            let at = next(damaged.len());
            damaged[at] = b"\"=[]{}.,#-+09az\n\0\xff"[next(18)];
        }
        versions.push(damaged);
        let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        lines.remove(next(lines.len()));
        let (one, other) = (next(lines.len()), next(lines.len()));
        lines.swap(one, other);
        versions.push(lines.concat());
    }
    for version in versions {
        let input = TariffInput { versions: vec![SourceFile::new("t.toml", version)], ..TariffInput::default() };
        let (tariffs, findings) = load(&input);
        assert_eq!(tariffs.is_none(), findings.iter().any(Finding::is_error));
    }
}

#[test]
fn the_first_and_the_last_day_of_all() {
    for day in ["0000-01-01", "9999-12-31"] {
        assert_eq!(loaded(&format!("valid_from = {day}")).versions[0].valid_from.to_string(), day);
    }
}
