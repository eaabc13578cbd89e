//! One tariff file: the version's own keys, its zones, windows, screening rules and other operators.

use super::super::finding::quoted;
use super::super::{
    Holidays, Interconnect, Rounding, Screened, ScreeningRule, Version, VersionPlaces, Window, ZoneId, ZoneKind,
};
use super::csv::{holiday_days, utf8};
use super::names::{MOST_NAMES, Names};
use super::plans::{DraftPlan, PlanReader, read_plans};
use super::quantity::DAY_MS;
use super::walk::{At, Doc, Table, parse};
use super::{Finding, SourceFile, TariffInput};
use crate::record::Direction;
use crate::units::Zone;
use std::collections::{BTreeMap, HashMap};
use toml::de::DeTable;

/// A version whose plans wait for the names of the other versions.
pub(super) struct Draft {
    pub(super) version: Version,
    pub(super) zones: Vec<(ZoneId, ZoneKind)>,
    pub(super) plans: Vec<DraftPlan>,
    pub(super) places: VersionPlaces,
}

/// What the reading of a file came to.
pub(super) struct Outcome {
    /// `None` where the version has no day or no time zone.
    pub(super) draft: Option<Draft>,
    /// Its zones may be more than those read: some lines are no TOML.
    pub(super) is_broken: bool,
    pub(super) findings: Vec<Finding>,
}

/// Time zones of the tz database, read once.
pub(super) type TimeZones = HashMap<String, Zone>;

const KEYS: [&str; 15] = [
    "name",
    "currency",
    "time_zone",
    "valid_from",
    "prices_include_vat",
    "round",
    "kilobyte",
    "split",
    "holidays",
    "regulated_step",
    "screening",
    "interconnect",
    "zones",
    "windows",
    "plans",
];

/// Reads one tariff file.
pub(super) fn read(source: &SourceFile, input: &TariffInput, names: &mut Names, zones: &mut TimeZones) -> Outcome {
    let text = match utf8(source) {
        Ok(text) => text,
        Err(finding) => return Outcome { draft: None, is_broken: true, findings: vec![finding] },
    };
    let (mut doc, root) = parse(&source.file, text);
    let draft = read_version(&mut doc, &Table::root(&root), input, names, zones);
    let is_broken = doc.is_broken();
    Outcome { draft, is_broken, findings: doc.findings }
}

/// The holidays file that a tariff names, where it may be looked for.
pub(in super::super) fn holidays_named(text: &str) -> Option<String> {
    let (root, _) = DeTable::parse_recoverable(text);
    let name = root.get_ref().get("holidays")?.get_ref().as_str()?;
    is_beside(name).then(|| name.to_owned())
}

/// A path that stays in the tariff's folder.
fn is_beside(name: &str) -> bool {
    let path = std::path::Path::new(name);
    !name.is_empty() && path.components().all(|part| matches!(part, std::path::Component::Normal(_)))
}

fn read_version(
    doc: &mut Doc<'_>,
    root: &Table<'_>,
    input: &TariffInput,
    names: &mut Names,
    time_zones: &mut TimeZones,
) -> Option<Draft> {
    root.expect_keys(doc, &KEYS);
    let valid_from = root.day(doc, "valid_from");
    if root.get("valid_from").is_none() {
        root.missing(doc, "valid_from", "write the first day: `valid_from = 2026-01-01`");
    }
    let name = match root.text(doc, "name") {
        Some(name) => {
            check_name(doc, name, "a version");
            name.value.to_owned()
        }
        None => stem(doc.file).to_owned(),
    };
    if let Some(currency) = root.text(doc, "currency").filter(|currency| currency.value != "KZT") {
        // CELL-38: prices are in tenge.
        doc.error_with_hint(currency.line, format!("unknown currency {}", quoted(currency.value)), "prices are in KZT");
    }
    let zone = read_time_zone(doc, root, time_zones);
    let prices_include_vat = root.flag(doc, "prices_include_vat").is_none_or(|flag| flag.value);
    let rounding = root.choice(doc, "round", Rounding::ALL, Rounding::name).map_or(Rounding::Charge, |at| at.value);
    let kilobyte = root.whole(doc, "kilobyte").map_or(1024, |kilobyte| match kilobyte.value {
        1000 => 1000,
        1024 => 1024,
        other => {
            doc.error(kilobyte.line, format!("`kilobyte` is {other}, neither 1024 nor 1000"));
            1024
        }
    });
    let split = root.flag(doc, "split").is_some_and(|flag| flag.value);
    let holidays = read_holidays(doc, root, input);
    let regulated_step = root.flag(doc, "regulated_step").is_some_and(|flag| flag.value);
    let screening = root.tables(doc, "screening", "a screening rule");
    let screening = screening.iter().filter_map(|rule| read_screening(doc, rule)).collect();
    let interconnect = read_interconnect(doc, root, kilobyte);

    let mut zones = Vec::new();
    let mut zone_ids = BTreeMap::new();
    let mut zone_lines = Vec::new();
    for (zone_name, table) in root.named_tables(doc, "zones", "zone") {
        table.expect_keys(doc, &["kind"]);
        check_name(doc, zone_name, "a zone");
        let kind = table.choice(doc, "kind", ZoneKind::ALL, ZoneKind::name);
        if table.get("kind").is_none() {
            table.missing(doc, "kind", "write one of local, long-distance, international, mobile, special, free");
        }
        let Some(id) = names.zone(zone_name.value) else {
            doc.error(zone_name.line, format!("more than {MOST_NAMES} zones"));
            break;
        };
        zone_ids.insert(zone_name.value, id);
        zone_lines.push((id, zone_name.line));
        zones.push((id, kind.map_or(ZoneKind::Special, |kind| kind.value)));
    }

    let mut windows = Vec::new();
    let mut window_ids = BTreeMap::new();
    let mut window_lines = Vec::new();
    for (window_name, table) in root.named_tables(doc, "windows", "window") {
        check_name(doc, window_name, "a window");
        let Ok(id) = u16::try_from(windows.len()) else {
            doc.error(window_name.line, format!("more than {MOST_NAMES} windows"));
            break;
        };
        // A window that cannot be read still has its name: what uses it is not at fault.
        let window = read_window(doc, &table, window_name.value);
        let usable = window.is_some();
        windows.push(window.unwrap_or(Window { name: String::new(), days: 0, from_ms: 0, to_ms: DAY_MS }));
        window_lines.push(window_name.line);
        window_ids.insert(window_name.value, (id, usable));
    }

    let mut reader = PlanReader {
        names,
        zones: zone_ids,
        window_ids,
        windows: &windows,
        holidays: &holidays,
        kilobyte,
        rounding,
        pairs_left: PlanReader::MOST_PAIRS,
    };
    let (plans, plan_places) = read_plans(doc, root, &mut reader);

    let (valid_from, zone) = (valid_from?, zone?);
    let places = VersionPlaces {
        file: doc.file.to_owned(),
        valid_from_line: valid_from.line,
        time_zone_line: if root.get("time_zone").is_some() { root.line_of(doc, "time_zone") } else { 0 },
        regulated_step,
        zones: zone_lines,
        windows: window_lines,
        plans: plan_places,
    };
    let version = Version {
        name,
        currency: "KZT".to_owned(),
        starts_at: zone.start_of_day(valid_from.value),
        zone,
        valid_from: valid_from.value,
        prices_include_vat,
        rounding,
        split,
        holidays,
        screening,
        interconnect,
        windows,
        zone_kinds: Vec::new(),
        plans: Vec::new(),
    };
    Some(Draft { version, zones, plans, places })
}

/// Names stand in CSV files and messages: not empty, one line, no spaces around.
pub(super) fn check_name(doc: &mut Doc<'_>, name: At<&str>, what: &str) -> bool {
    let complaint = if name.value.trim().is_empty() {
        "is empty"
    } else if name.value.chars().any(char::is_control) {
        "has control characters"
    } else if name.value.trim() != name.value {
        "has spaces around it"
    } else {
        return true;
    };
    doc.error(name.line, format!("the name {} of {what} {complaint}", quoted(name.value)));
    false
}

fn stem(file: &str) -> &str {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    name.strip_suffix(".toml").unwrap_or(name)
}

fn read_time_zone(doc: &mut Doc<'_>, root: &Table<'_>, time_zones: &mut TimeZones) -> Option<Zone> {
    /// What operators here may mean; the whole tz database is known.
    const NEAR: [&str; 9] = [
        "Asia/Almaty",
        "Asia/Aqtau",
        "Asia/Aqtobe",
        "Asia/Atyrau",
        "Asia/Oral",
        "Asia/Qostanay",
        "Asia/Qyzylorda",
        "Europe/Moscow",
        "UTC",
    ];
    let written = root.text(doc, "time_zone");
    if root.get("time_zone").is_some() && written.is_none() {
        return None;
    }
    let name = written.map_or("Asia/Almaty", |at| at.value);
    if let Some(zone) = time_zones.get(name) {
        return Some(zone.clone());
    }
    if let Ok(zone) = Zone::parse(name) {
        time_zones.insert(name.to_owned(), zone.clone());
        return Some(zone);
    }
    doc.unknown(At { value: name, line: written.map_or(0, |at| at.line) }, "time zone", NEAR.into_iter());
    None
}

fn read_holidays(doc: &mut Doc<'_>, root: &Table<'_>, input: &TariffInput) -> Holidays {
    let Some(name) = root.text(doc, "holidays") else { return Holidays::default() };
    if !is_beside(name.value) {
        doc.error_with_hint(
            name.line,
            format!("the holidays file {} is not beside the tariff", quoted(name.value)),
            "write its name relative to the folder of the tariff file or the folder above",
        );
        return Holidays::default();
    }
    let key = (doc.file.to_owned(), name.value.to_owned());
    let Some(source) = input.holidays.get(&key) else {
        doc.error_with_hint(
            name.line,
            format!("there is no holidays file {}", quoted(name.value)),
            "it is looked for in the folder of the tariff file and in the folder above",
        );
        return Holidays::default();
    };
    let (days, findings) = holiday_days(source);
    doc.findings.extend(findings);
    Holidays::new(days)
}

/// Source: rating 1.3.
fn read_screening(doc: &mut Doc<'_>, rule: &Table<'_>) -> Option<ScreeningRule> {
    const CRITERIA: [&str; 5] = ["called", "route_in", "route_out", "redirect_reason", "charge_indicator"];
    rule.expect_keys(doc, &[&CRITERIA[..], &["means"]].concat());
    let [called, route_in, route_out, redirect_reason, charge_indicator] = CRITERIA.map(|key| {
        let text = rule.text(doc, key)?;
        if text.value.is_empty() {
            doc.error_with_hint(text.line, format!("`{key}` is empty"), "leave it out where it does not matter");
        }
        Some(text.value.to_owned())
    });
    if CRITERIA.iter().all(|key| rule.get(key).is_none()) {
        let hint = format!("write at least one of {}", CRITERIA.join(", "));
        doc.error_with_hint(rule.line, "a screening rule without a criterion fits every record", hint);
    }
    if rule.get("means").is_none() {
        rule.missing(doc, "means", "write one of announcement, autoresponder, free");
    }
    let means = rule.choice(doc, "means", Screened::ALL, Screened::name)?.value;
    Some(ScreeningRule { called, route_in, route_out, redirect_reason, charge_indicator, means })
}

/// Source: rating 1.9.
fn read_interconnect(doc: &mut Doc<'_>, root: &Table<'_>, kilobyte: u64) -> Vec<Interconnect> {
    let mut found: Vec<Interconnect> = Vec::new();
    let mut operator_of_route: BTreeMap<String, (String, u32)> = BTreeMap::new();
    let mut rate_of_operator: BTreeMap<(String, Direction), u32> = BTreeMap::new();
    for table in root.tables(doc, "interconnect", "an interconnect rate") {
        table.expect_keys(doc, &["operator", "routes", "direction", "price", "price_per"]);
        for (key, hint) in [
            ("operator", "write the other operator's name"),
            ("routes", "write its trunk groups: `routes = [\"tg-12\"]`"),
            ("direction", "write `in` or `out`"),
            ("price", "write the price for `price_per`, in quotes"),
            ("price_per", "write the span of the price: `price_per = \"60s\"`"),
        ] {
            if table.get(key).is_none() {
                table.missing(doc, key, hint);
            }
        }
        let operator = table.text(doc, "operator").filter(|name| check_name(doc, *name, "an operator"));
        let routes = table.texts(doc, "routes", "name the operator's trunk groups");
        let direction = table.choice(doc, "direction", &[Direction::In, Direction::Out], Direction::name);
        let price = table.price(doc, "price");
        let span = table.quantity(doc, "price_per", kilobyte).and_then(|span| match span.value.ms() {
            Some(ms) if ms > 0 => Some(ms),
            Some(_) => {
                doc.error(span.line, "`price_per` is zero");
                None
            }
            None => {
                doc.error_with_hint(span.line, "`price_per` is no time", "interconnect is settled by duration");
                None
            }
        });
        let (Some(operator), Some(routes), Some(direction)) = (operator, routes, direction) else { continue };
        for route in &routes {
            let entry = operator_of_route.entry(route.value.to_owned());
            let (owner, first) = entry.or_insert_with(|| (operator.value.to_owned(), route.line));
            if owner != operator.value {
                let message = format!(
                    "route {} belongs to operator {} already, in line {first}",
                    quoted(route.value),
                    quoted(owner)
                );
                doc.error(route.line, message);
            }
        }
        let key = (operator.value.to_owned(), direction.value);
        if let Some(first) = rate_of_operator.get(&key) {
            let message = format!(
                "operator {} has an interconnect rate for direction `{}` already, in line {first}",
                quoted(operator.value),
                direction.value
            );
            doc.error(table.line, message);
        }
        rate_of_operator.entry(key).or_insert(table.line);
        let (Some(price), Some(price_per_ms)) = (price, span) else { continue };
        found.push(Interconnect {
            operator: operator.value.to_owned(),
            routes: routes.iter().map(|route| route.value.to_owned()).collect(),
            direction: direction.value,
            price_micro_tenge: price.value,
            price_per_ms,
        });
    }
    found
}

/// Source: rating 1.5.
fn read_window(doc: &mut Doc<'_>, table: &Table<'_>, name: &str) -> Option<Window> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    table.expect_keys(doc, &["days", "from", "to"]);
    let mut days: u8 = 127;
    if table.get("days").is_some() {
        days = 0;
        for day in table.texts(doc, "days", "leave it out for all days").unwrap_or_default() {
            match DAYS.iter().position(|known| *known == day.value) {
                Some(bit) => days |= 1 << bit,
                None => {
                    doc.unknown(day, "day", DAYS.into_iter());
                }
            }
        }
    }
    for key in ["from", "to"] {
        if table.get(key).is_none() {
            table.missing(doc, key, &format!("write a time of day: `{key} = \"07:00\"`"));
        }
    }
    let from = table.time_of_day(doc, "from").filter(|from| {
        if from.value == DAY_MS {
            doc.error_with_hint(from.line, "`from` is the end of the day", "write `00:00`");
        }
        from.value < DAY_MS
    });
    let to = table.time_of_day(doc, "to");
    Some(Window { name: name.to_owned(), days, from_ms: from?.value, to_ms: to?.value }).filter(|_| days != 0)
}
