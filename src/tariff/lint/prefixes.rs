use super::super::finding::Finding;
use super::super::{Places, PrefixEntry, PrefixPlaces, Tariffs, ZoneId};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// Findings of one kind that are told one by one; the rest is a number.
const TOLD: usize = 10;
/// Entries of so many digits also serve as short codes, which match only the whole of an entry (rating 1.5): they are
/// of use whatever stands around them.
const SHORT_CODE_DIGITS: u32 = 4;

/// The zones that some number may have; every zone where there is no prefix table to ask.
pub(super) fn reached_zones(tariffs: &Tariffs, places: &Places) -> BTreeSet<ZoneId> {
    if places.prefixes.entries.is_empty() {
        return (0..tariffs.zones.len()).filter_map(|zone| u16::try_from(zone).ok().map(ZoneId)).collect();
    }
    places.prefixes.entries.iter().map(|entry| entry.zone).collect()
}

/// Prefixes that change nothing, and numbers without a zone.
pub(super) fn lint(tariffs: &Tariffs, places: &PrefixPlaces, findings: &mut Vec<Finding>) {
    if places.entries.is_empty() {
        if !tariffs.zones.is_empty() {
            let file = if places.file.is_empty() { "prefixes.csv" } else { &places.file };
            let message = "no prefixes: no number has a zone";
            findings.push(Finding::warning(file, 0, message).with_hint("write rows of `prefix,zone`"));
        }
        return;
    }
    let table = Table::new(&places.entries);
    let mut redundant = Vec::new();
    let mut hidden = Vec::new();
    for entry in &places.entries {
        if digits_of(entry.packed()) <= SHORT_CODE_DIGITS {
            continue;
        }
        if let Some(shorter) = table.next_shorter(entry.packed()).filter(|shorter| shorter.zone == entry.zone) {
            redundant.push((entry, shorter));
        } else if table.has_all_extensions(entry.packed()) {
            hidden.push(entry);
        }
    }
    tell(places, &redundant, findings, |(entry, shorter)| {
        let message = match shorter.prefix() {
            default if default.is_empty() => {
                format!("prefix `{}` has the zone of the default in line {}", entry.prefix(), shorter.line)
            }
            prefix => format!("prefix `{}` has the zone of `{prefix}` in line {}", entry.prefix(), shorter.line),
        };
        (entry.line, message, "it can be left out")
    });
    tell(places, &hidden, findings, |entry| {
        let prefix = entry.prefix();
        let message = format!("prefix `{prefix}` is never reached: `{prefix}0` to `{prefix}9` are all listed");
        (entry.line, message, "it can be left out")
    });
    lint_default(places, &table, findings);
}

/// Tells the first few one by one and how many more there are.
fn tell<T>(
    places: &PrefixPlaces,
    entries: &[T],
    findings: &mut Vec<Finding>,
    text: impl Fn(&T) -> (u32, String, &'static str),
) {
    for entry in entries.iter().take(TOLD) {
        let (line, message, hint) = text(entry);
        findings.push(Finding::warning(&places.file, line, message).with_hint(hint));
    }
    if let Some(next) = entries.get(TOLD) {
        let more = entries.len().saturating_sub(TOLD);
        let (line, _, _) = text(next);
        findings.push(Finding::warning(&places.file, line, format!("{more} more of the kind, from this line on")));
    }
}

/// Numbers for which there is neither a prefix nor a default.
fn lint_default(places: &PrefixPlaces, table: &Table<'_>, findings: &mut Vec<Finding>) {
    if table.by_key.contains_key(&1) {
        return;
    }
    let (mut none, mut some) = (Vec::new(), Vec::new());
    for digit in 1..=9u64 {
        let key = digit.saturating_add(10);
        if !table.inner.contains_key(&key) && !table.by_key.contains_key(&key) {
            none.push(digit.to_string());
        } else if !table.covers(key) {
            some.push(digit.to_string());
        }
    }
    let without: Vec<String> = [("numbers that begin with", none), ("some that begin with", some)]
        .into_iter()
        .filter(|(_, digits)| !digits.is_empty())
        .map(|(what, digits)| format!("{what} {}", digits.join(", ")))
        .collect();
    if !without.is_empty() {
        let message = format!("no default zone: {} have no zone", without.join(" and "));
        findings.push(Finding::warning(&places.file, 0, message).with_hint("an empty prefix is for all other numbers"));
    }
}

/// Entries by their digits.
struct Table<'e> {
    by_key: FxHashMap<u64, &'e PrefixEntry>,
    /// Beginnings that are shorter than some entry.
    inner: FxHashMap<u64, ()>,
}

impl<'e> Table<'e> {
    fn new(entries: &'e [PrefixEntry]) -> Self {
        let by_key: FxHashMap<u64, &PrefixEntry> = entries.iter().map(|entry| (entry.packed(), entry)).collect();
        let mut inner = FxHashMap::default();
        for key in by_key.keys() {
            let mut shorter = key / 10;
            while shorter > 0 && inner.insert(shorter, ()).is_none() {
                shorter /= 10;
            }
        }
        Self { by_key, inner }
    }

    fn next_shorter(&self, key: u64) -> Option<&'e PrefixEntry> {
        let mut shorter = key / 10;
        while shorter > 0 {
            if let Some(entry) = self.by_key.get(&shorter) {
                return Some(entry);
            }
            shorter /= 10;
        }
        None
    }

    fn has_all_extensions(&self, key: u64) -> bool {
        self.inner.contains_key(&key) && extensions(key).all(|longer| self.by_key.contains_key(&longer))
    }

    /// Every number that begins so has a zone. At most as deep as a prefix is long.
    fn covers(&self, key: u64) -> bool {
        self.by_key.contains_key(&key)
            || (self.inner.contains_key(&key) && extensions(key).all(|longer| self.covers(longer)))
    }
}

fn extensions(key: u64) -> impl Iterator<Item = u64> {
    (0..10).map(move |digit| key.saturating_mul(10).saturating_add(digit))
}

/// Digits after the leading 1.
fn digits_of(key: u64) -> u32 {
    key.checked_ilog10().unwrap_or(0)
}
