//! `prefixes.csv`: `prefix,zone`.

use super::super::finding::{Finding, nearest, quoted, quoted_list};
use super::super::{BadPrefix, PrefixEntry, PrefixPlaces, Prefixes, ZoneId};
use super::SourceFile;
use super::csv::{each_row, utf8};
use super::names::Names;
use super::version::Draft;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// Prefixes that name one zone: the first, its line, and how many.
struct Named<'t> {
    prefix: Cow<'t, str>,
    line: u32,
    count: usize,
}

/// Reads the table. `zones_known` says that every version could be read, so that a zone in none of them is in none.
pub(super) fn read_prefixes(
    source: &SourceFile,
    names: &Names,
    drafts: &[Draft],
    zones_known: bool,
    findings: &mut Vec<Finding>,
) -> (Prefixes, PrefixPlaces) {
    let mut places = PrefixPlaces { file: source.file.clone(), entries: Vec::new() };
    let text = match utf8(source) {
        Ok(text) => text,
        Err(finding) => {
            findings.push(finding);
            return (Prefixes::default(), places);
        }
    };
    let mut rows: Vec<(Cow<'_, str>, ZoneId)> = Vec::new();
    let mut lines: Vec<u32> = Vec::new();
    let mut unknown: BTreeMap<String, Named<'_>> = BTreeMap::new();
    let mut known: Vec<Option<Named<'_>>> = names.zones.names.iter().map(|_| None).collect();
    each_row(&source.file, text, ["prefix", "zone"], findings, |line, [prefix, zone], findings| {
        if zone.is_empty() {
            findings.push(Finding::error(&source.file, line, format!("prefix {} has no zone", quoted(prefix))));
            return;
        }
        let named = || Named { prefix: prefix.clone(), line, count: 0 };
        let id = names.zones.get(zone).map(ZoneId);
        let entry = match id {
            Some(id) => known.get_mut(usize::from(id.0)).map(|slot| slot.get_or_insert_with(named)),
            None => Some(unknown.entry(zone.to_string()).or_insert_with(named)),
        };
        if let Some(entry) = entry {
            entry.count = entry.count.saturating_add(1);
        }
        // A row with an unknown zone may still be a prefix listed twice; its table is never used.
        rows.push((prefix.clone(), id.unwrap_or(ZoneId(0))));
        lines.push(line);
    });

    if zones_known {
        for (at, (zone, named)) in unknown.into_iter().enumerate() {
            let message = format!("zone {} of prefix {} is in no tariff version", quoted(&zone), quoted(&named.prefix));
            // Guesses cost time: a table of nothing but unknown zones gets no more than so many.
            let candidates = names.zones.names.iter().map(String::as_str).filter(|_| at < 100);
            let near = nearest(&zone, candidates);
            let hint = match (near, named.count) {
                (Some(near), _) => format!("did you mean {}?", quoted(near)),
                (None, 1) => "add the zone to the tariff, or mend the prefix".to_owned(),
                (None, count) => format!("add the zone to the tariff, or mend its {count} prefixes"),
            };
            findings.push(Finding::error(&source.file, named.line, message).with_hint(hint));
        }
        warn_of_missing_zones(source, names, drafts, &known, findings);
    }

    let borrowed: Vec<(&str, ZoneId)> = rows.iter().map(|(prefix, zone)| (prefix.as_ref(), *zone)).collect();
    let (table, errors) = Prefixes::build(&borrowed);
    report_bad_rows(source, &borrowed, &lines, &errors, findings);
    let entries = borrowed.iter().zip(&lines);
    places.entries = entries.filter_map(|((prefix, zone), line)| PrefixEntry::new(prefix, *zone, *line)).collect();
    (table, places)
}

/// A zone that is in some versions only: its numbers have no zone in the others.
fn warn_of_missing_zones(
    source: &SourceFile,
    names: &Names,
    drafts: &[Draft],
    known: &[Option<Named<'_>>],
    findings: &mut Vec<Finding>,
) {
    let mut defined_by = vec![Vec::new(); known.len()];
    for (at, draft) in drafts.iter().enumerate() {
        for (zone, _) in &draft.zones {
            if let Some(versions) = defined_by.get_mut(usize::from(zone.0)) {
                versions.push(at);
            }
        }
    }
    for ((zone, named), versions) in names.zones.names.iter().zip(known).zip(&defined_by) {
        let Some(named) = named.as_ref().filter(|_| versions.len() < drafts.len()) else { continue };
        let lacking = drafts.iter().enumerate().filter(|(at, _)| versions.binary_search(at).is_err());
        let lacking = quoted_list(lacking.map(|(_, draft)| draft.places.file.as_str()));
        let message = format!("zone {} of prefix {} is not in {lacking}", quoted(zone), quoted(&named.prefix));
        let hint = "usage to it has no zone in that version";
        findings.push(Finding::warning(&source.file, named.line, message).with_hint(hint));
    }
}

fn report_bad_rows(
    source: &SourceFile,
    rows: &[(&str, ZoneId)],
    lines: &[u32],
    errors: &[(usize, BadPrefix)],
    findings: &mut Vec<Finding>,
) {
    let line_of = |at: usize| lines.get(at).copied().unwrap_or(0);
    let mut first_lines: HashMap<&str, u32> = HashMap::new();
    if errors.iter().any(|(_, bad)| *bad == BadPrefix::Twice) {
        for ((prefix, _), line) in rows.iter().zip(lines) {
            first_lines.entry(prefix).or_insert(*line);
        }
    }
    for (at, bad) in errors {
        let prefix = rows.get(*at).map_or("", |(prefix, _)| *prefix);
        let (message, hint) = match bad {
            BadPrefix::Twice => (
                format!("prefix {} is listed twice", quoted(prefix)),
                format!("the first is in line {}", first_lines.get(prefix).copied().unwrap_or(0)),
            ),
            BadPrefix::NotDigits => (
                format!("prefix {} is not up to 18 digits", quoted(prefix)),
                "write the digits alone, with the country code and without `+`".to_owned(),
            ),
        };
        findings.push(Finding::error(&source.file, line_of(*at), message).with_hint(hint));
    }
}
