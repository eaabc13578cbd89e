//! Tariffs that load and yet may mean otherwise than their author thinks.
//!
//! Source: interface 7.1, rating 1.4.

use esep::tariff::{AllowedStep, Finding, SourceFile, TariffInput, TariffPaths, lint, load_files, load_with_places};
use esep::units::LocalDay;

fn day(text: &str) -> LocalDay {
    LocalDay::parse(text).unwrap_or(LocalDay(i32::MAX))
}

fn text(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

/// What the linter says of versions (file and text) and prefix rows; the load itself has nothing to say.
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
fn said_of(versions: &[(&str, &str)], prefixes: &str) -> String {
    // The step of the years 2005, 2010 and 2012, as 05-facts has it.
    let allowed_ms = |on: LocalDay| match on {
        on if on < day("2010-01-01") => (10_000, 60_000),
        on if on < day("2012-07-01") => (10_000, 30_000),
        _ => (1_000, 10_000),
    };
    let changes = [day("2005-01-01"), day("2010-01-01"), day("2012-07-01")];
    let input = TariffInput {
        versions: versions.iter().map(|(file, text)| SourceFile::new(*file, text.trim_start_matches('\n'))).collect(),
        prefixes: Some(SourceFile::new("prefixes.csv", format!("prefix,zone\n{prefixes}"))),
        ..TariffInput::default()
    };
    let (loaded, findings) = load_with_places(&input);
    assert_eq!(text(&findings), "");
    let (tariffs, places) = loaded.unwrap();
    text(&lint(&tariffs, &places, AllowedStep { allowed_ms: &allowed_ms, changes: &changes }))
}

fn said(version: &str, prefixes: &str) -> String {
    said_of(&[("t.toml", version)], prefixes)
}

const ONE_ZONE: &str = "valid_from = 2026-01-01\nzones.a.kind = \"local\"\n";
const ALL_DIGITS: &str = "1,a\n2,a\n3,a\n4,a\n5,a\n6,a\n7,a\n8,a\n9,a\n";

#[test]
fn a_tariff_without_surprises_is_silent() {
    let version = format!("{ONE_ZONE}[[plans.p.rates]]\nservice = \"voice\"\nunit = \"1s\"\nprice = 1\n");
    assert_eq!(said(&version, ",a\n"), "");
    assert_eq!(said(&version, ALL_DIGITS), "");
}

#[test]
fn interface_7_1_windows_that_leave_a_gap() {
    // Windows x and y in line 3, their rates in lines 5 and 6.
    let version = |x: &str, y: &str, more: &str| {
        format!(
            "{ONE_ZONE}windows = {{ x = {{ {x} }}, y = {{ {y} }} }}\nplans.p.rates = [\n\
             {{ service = \"voice\", zones = [\"a\"], window = \"x\", unit = \"1s\", price = 1 }},\n\
             {{ service = \"voice\", zones = [\"a\"], window = \"y\", unit = \"1s\", price = 2 }},\n{more}]\n"
        )
    };
    for (x, y, gap) in [
        ("from = \"22:00\", to = \"07:00\"", "from = \"07:00\", to = \"22:00\"", ""),
        ("from = \"22:00\", to = \"07:00\"", "from = \"08:00\", to = \"20:30\"", "mon–sun 07:00–08:00 and 20:30–22:00"),
        // The night of Friday covers the morning of Saturday.
        (
            "days = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"], from = \"20:00\", to = \"08:00\"",
            "days = [\"tue\", \"wed\", \"thu\", \"fri\"], from = \"08:00\", to = \"20:00\"",
            "mon 00:00–20:00, sat 08:00–24:00, sun 00:00–24:00",
        ),
        (
            "days = [\"sun\"], from = \"09:00\", to = \"24:00\"",
            "days = [\"sat\"], from = \"09:00\", to = \"09:00\"",
            "mon–fri 00:00–24:00, sat 00:00–09:00",
        ),
    ] {
        let expected = if gap.is_empty() {
            String::new()
        } else {
            format!(
                "t.toml:5: warning: plan `p` has no rate for voice to zone `a` on {gap}\n  \
                 hint: add a rate without a window for the rest of the week\n"
            )
        };
        assert_eq!(said(&version(x, y, ""), ",a\n"), expected, "{x} {y}");
    }
    // A rate without a window, for the zone or for any, closes every gap.
    let y = "days = [\"wed\"], from = \"10:00\", to = \"11:00\"";
    let x = "days = [\"tue\"], from = \"10:00\", to = \"11:00\"";
    for zones in ["zones = [\"a\"], ", ""] {
        let more = format!("{{ service = \"voice\", {zones}unit = \"1s\", price = 3 }},\n");
        assert_eq!(said(&version(x, y, &more), ",a\n"), "");
    }
}

#[test]
fn rating_1_5_a_holiday_may_leave_a_gap() {
    // Working days and their nights, then the weekend: whole in every week. Tuesday 2026-12-01 counts as Sunday, so
    // that the morning of Wednesday is not the end of Tuesday's night.
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tariffs")).unwrap();
    std::fs::write(folder.path().join("holidays.csv"), "date,name\n2026-12-01,x\n").unwrap();
    let rate = |window: &str| format!("{{ service = \"voice\", window = \"{window}\", unit = \"1s\", price = 1 }},\n");
    let version = format!(
        "holidays = \"holidays.csv\"\n{ONE_ZONE}[windows]\n\
         day = {{ days = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"], from = \"08:00\", to = \"20:00\" }}\n\
         night = {{ days = [\"mon\", \"tue\", \"wed\", \"thu\"], from = \"20:00\", to = \"08:00\" }}\n\
         monday = {{ days = [\"mon\"], from = \"00:00\", to = \"08:00\" }}\n\
         friday = {{ days = [\"fri\"], from = \"20:00\", to = \"24:00\" }}\n\
         rest = {{ days = [\"sat\", \"sun\"], from = \"00:00\", to = \"00:00\" }}\n\
         [plans]\np.rates = [\n{}{}{}{}{}]\n",
        rate("day"),
        rate("night"),
        rate("monday"),
        rate("friday"),
        rate("rest")
    );
    let path = folder.path().join("tariffs/t.toml");
    std::fs::write(&path, version).unwrap();
    let (loaded, findings) = load_files(&TariffPaths::of_folder(folder.path()).unwrap());
    let name = path.display();
    assert_eq!(
        text(&findings),
        format!(
            "{name}:16: warning: windows `night` and `rest` overlap on 2026-12-01 00:00–08:00, by a holiday, for voice \
             to any zone\n  hint: the other rate is in line 13 and decides, as the first in the file\n"
        )
    );
    let (tariffs, places) = loaded.unwrap();
    let said = lint(&tariffs, &places, AllowedStep { allowed_ms: &|_| (1, 1), changes: &[] });
    assert_eq!(
        text(&said[..1]),
        format!(
            "{name}:12: warning: plan `p` has no rate for voice to any zone on 2026-12-02 00:00–08:00, by a holiday\n  \
             hint: add a rate without a window for the rest of the week\n"
        )
    );
    assert_eq!(said.len(), 2, "{}", text(&said));
    assert_eq!(
        said[1].to_string(),
        "prefixes.csv: warning: no prefixes: no number has a zone\n  hint: write rows of `prefix,zone`"
    );
}

#[test]
fn interface_7_1_zones_without_a_rate() {
    let version = r#"
valid_from = 2026-01-01
zones.a.kind = "local"
zones.b.kind = "mobile"
zones.c.kind = "special"
zones.f.kind = "free"
zones.u.kind = "special"
[plans.calls]
rates = [{ service = "voice", zones = ["a"], unit = "1s", price = 1 }]
[plans.both]
rates = [
  { service = "voice", zones = ["b", "c"], unit = "1s", price = 1 },
  { service = "voice", zones = ["b"], direction = "in", unit = "1s", price = 1 },
  { service = "sms", unit = "event", price = 1 },
]
[plans.data]
rates = [{ service = "data", unit = "1MB", price = 1 }]
"#;
    assert_eq!(
        said(version, "1,a\n2,b\n3,c\n4,f\n,a\n"),
        r#"t.toml:6: warning: no prefix leads to zone `u`
  hint: add its prefixes to `prefixes.csv`, or remove the zone
t.toml:7: warning: plan `calls` has no voice rate for zones `b`, `c`
  hint: add a rate for it, or one without `zones`
t.toml:9: warning: plan `both` has no voice rate for zone `a`
  hint: add a rate for it, or one without `zones`
"#
    );
}

#[test]
fn rating_1_6_allowances_that_are_never_used() {
    let version = format!(
        "{ONE_ZONE}zones.b.kind = \"local\"\n[plans.p]\nrates = [\n\
         {{ service = \"voice\", unit = \"1s\", price = 1 }},\n\
         {{ service = \"data\", zones = [\"a\"], visited = [\"X\"], unit = \"1MB\", price = 1 }},\n]\nallowances = [\n\
         {{ service = \"voice\", quantity = \"1h\", zones = [\"b\"] }},\n\
         {{ service = \"data\", quantity = \"1h\", visited = [\"*\"] }},\n\
         {{ service = \"data\", quantity = \"1GB\", visited = [\"X\", \"Y\"] }},\n\
         {{ service = \"data\", quantity = \"1GB\", visited = [\"Y\"] }},\n\
         {{ service = \"data\", quantity = \"1GB\", visited = [\"X\"], zones = [\"b\"] }},\n\
         {{ service = \"sms\", quantity = 5 }},\n]\n"
    );
    let hint = "\n  hint: add a rate, at price 0 where the allowance is all there is\n";
    let never = |line: u32, service: &str, why: &str| {
        format!("t.toml:{line}: warning: the allowance of plan `p` for {service} is never used: {why}{hint}")
    };
    assert_eq!(
        said(&version, "1,b\n,a\n"),
        [
            never(11, "data", "the rates for such usage measure something else"),
            never(13, "data", "no rate of the plan is for such usage"),
            never(14, "data", "no rate of the plan is for such usage"),
            never(15, "sms", "no rate of the plan is for such usage"),
        ]
        .concat()
    );
}

#[test]
fn interface_7_1_what_nothing_names() {
    let version = "
valid_from = 2026-01-01
zones.a.kind = \"free\"
[windows.night]
from = \"22:00\"
to = \"07:00\"
";
    assert_eq!(
        said(version, ",a\n"),
        r#"t.toml: warning: the version has no plan
  hint: usage of every account is suspended while it is valid
t.toml:3: warning: no rate names window `night`
  hint: name it in a rate, or remove it
"#
    );
}

#[test]
fn interface_7_1_a_plan_that_goes() {
    let version = |from: &str, plans: &str| format!("valid_from = {from}\nzones.a.kind = \"free\"\n{plans}");
    let versions = [
        ("a.toml", version("2024-01-01", "[plans.x]\n[plans.y]\n")),
        ("b.toml", version("2025-01-01", "[plans.y]\n")),
        ("c.toml", version("2026-01-01", "[plans.y]\n[plans.z]\n")),
    ];
    assert_eq!(
        said_of(&versions.each_ref().map(|(file, text)| (*file, text.as_str())), ",a\n"),
        "b.toml: warning: plan `x` of the version before, valid from 2024-01-01, is gone\n  \
         hint: usage of accounts that are still on it is suspended\n"
    );
}

#[test]
fn rating_1_4_units_longer_than_the_law_allowed() {
    let version = |from: &str, regulated: bool, unit: &str| {
        format!(
            "valid_from = {from}\nregulated_step = {regulated}\nzones.l.kind = \"long-distance\"\n\
             zones.i.kind = \"international\"\nzones.m.kind = \"mobile\"\n[[plans.p.rates]]\nservice = \"voice\"\n\
             unit = \"{unit}\"\nprice = 1\n[[plans.p.rates]]\nservice = \"sms\"\nunit = \"event\"\nprice = 1\n"
        )
    };
    let too_long = |file: &str, unit: &str, kind: &str, zone: &str, from: &str, allowed: &str| {
        format!(
            "{file}:6: warning: plan `p`: a unit of {unit} for {kind} voice to `{zone}`, and from {from} the law \
             allows {allowed}\n  hint: shorten the unit, or write a version from that day\n"
        )
    };
    // (first day, unit, first day of the next version, findings: kind, from, allowed)
    for (from, unit, until, expected) in [
        ("2006-01-01", "10s", "2012-07-01", &[][..]),
        ("2006-01-01", "10s", "2012-07-02", &[("long-distance", "l", "2012-07-01", "1 s")]),
        ("2006-01-01", "60s", "2010-01-01", &[("long-distance", "l", "2006-01-01", "10 s")]),
        (
            "2006-01-01",
            "60s",
            "2010-01-02",
            &[("long-distance", "l", "2006-01-01", "10 s"), ("international", "i", "2010-01-01", "30 s")],
        ),
        (
            "2009-12-31",
            "30s",
            "2020-01-01",
            &[
                ("long-distance", "l", "2009-12-31", "10 s"),
                ("long-distance", "l", "2012-07-01", "1 s"),
                ("international", "i", "2012-07-01", "10 s"),
            ],
        ),
        ("2012-07-01", "1s", "2020-01-01", &[]),
    ] {
        let next = version(until, false, "1h");
        let unit_text = unit.replace('s', " s");
        let expected: String = expected
            .iter()
            .map(|(kind, zone, from, allowed)| too_long("a.toml", &unit_text, kind, zone, from, allowed))
            .collect();
        let regulated = version(from, true, unit);
        let prefixes = "1,l\n2,i\n,m\n";
        assert_eq!(said_of(&[("a.toml", &regulated), ("b.toml", &next)], prefixes), expected, "{from} {unit} {until}");
        let free = version(from, false, unit);
        assert_eq!(said_of(&[("a.toml", &free), ("b.toml", &next)], prefixes), "", "{from} {unit} {until}");
    }
}

#[test]
fn interface_7_1_prefixes_that_change_nothing() {
    let version =
        "valid_from = 2026-01-01\nzones.a.kind = \"free\"\nzones.b.kind = \"free\"\nplans.p.monthly_fee = 0\n";
    let ten = |prefix: &str, zone: &str| (0..10).map(|digit| format!("{prefix}{digit},{zone}\n")).collect::<String>();
    // Up to four digits an entry is a short code too: it is of use.
    assert_eq!(said(version, ",a\n7,a\n77,b\n7701,b\n101,a\n"), "");
    assert_eq!(said(version, &format!(",a\n1234,b\n{}", ten("1234", "a"))), "");
    assert_eq!(
        said(version, &format!(",a\n12345,b\n{}", ten("12345", "a"))),
        "prefixes.csv:3: warning: prefix `12345` is never reached: `123450` to `123459` are all listed\n  \
         hint: it can be left out\n"
    );
    assert_eq!(
        said(version, ",a\n77012,a\n77,b\n77013,b\n770132,a\n7701321,a\n"),
        r#"prefixes.csv:5: warning: prefix `77013` has the zone of `77` in line 4
  hint: it can be left out
prefixes.csv:7: warning: prefix `7701321` has the zone of `770132` in line 6
  hint: it can be left out
"#
    );
    assert_eq!(
        said(version, ",a\n77012,a\n9,b\n"),
        "prefixes.csv:3: warning: prefix `77012` has the zone of the default in line 2\n  hint: it can be left out\n"
    );
    let many = said(version, &format!(",a\n9,b\n{}{}", ten("10000", "a"), ten("20000", "a")));
    assert_eq!(many.lines().filter(|line| line.contains("has the zone of the default")).count(), 10);
    assert!(many.ends_with("prefixes.csv:14: warning: 10 more of the kind, from this line on\n"), "{many}");
}

#[test]
fn interface_7_1_numbers_without_a_zone() {
    let version = "valid_from = 2026-01-01\nzones.a.kind = \"free\"\nplans.p.monthly_fee = 0\n";
    let hint = "\n  hint: an empty prefix is for all other numbers\n";
    let eight = ALL_DIGITS.replace("7,a\n", "");
    let ten: String = (0..10).map(|digit| format!("7{digit},a\n")).collect();
    for (prefixes, expected) in [
        (ALL_DIGITS.to_owned(), String::new()),
        (",a\n7,a\n".to_owned(), String::new()),
        (format!("{eight}{ten}"), String::new()),
        (
            eight.clone(),
            format!("prefixes.csv: warning: no default zone: numbers that begin with 7 have no zone{hint}"),
        ),
        (
            format!("{eight}77,a\n"),
            format!("prefixes.csv: warning: no default zone: some that begin with 7 have no zone{hint}"),
        ),
        (
            "1,a\n77,a\n".to_owned(),
            format!(
                "prefixes.csv: warning: no default zone: numbers that begin with 2, 3, 4, 5, 6, 8, 9 and some that \
                 begin with 7 have no zone{hint}"
            ),
        ),
    ] {
        assert_eq!(said(version, &prefixes), expected, "{prefixes}");
    }
}
