//! Text becomes [`Tariffs`]: read, checked and compiled; nothing here touches a file.
//!
//! Every finding is told, not only the first. One error and there are no tariffs.
//!
//! Source: interface 7.1.

mod clash;
mod csv;
mod names;
mod plans;
mod prefix_table;
mod quantity;
mod version;
mod walk;

use super::finding::{Finding, quoted};
use super::{Places, Plan, PrefixPlaces, Prefixes, RateIndexInput, Tariffs, Version};
use names::Names;
use prefix_table::read_prefixes;
use std::collections::{BTreeMap, HashMap};
use version::{Draft, TimeZones};

pub(super) use version::holidays_named;

/// A file and what is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceFile {
    /// As findings name it.
    pub file: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl SourceFile {
    /// A file of that name with that content.
    pub fn new(file: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { file: file.into(), bytes: bytes.into() }
    }
}

/// Everything that tariffs are made of.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct TariffInput {
    /// Tariff versions in TOML, in the order of their names.
    pub versions: Vec<SourceFile>,
    /// `prefixes.csv`; without it no number has a zone.
    pub prefixes: Option<SourceFile>,
    /// Holidays files, by the tariff file that names them and the name that it writes.
    pub holidays: BTreeMap<(String, String), SourceFile>,
    /// Names whose numbers are given already.
    pub known: KnownNames,
}

/// Names by their number, as books that were begun before know them: a later load gives new names further numbers.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct KnownNames {
    /// Plans.
    pub plans: Vec<String>,
    /// Zones.
    pub zones: Vec<String>,
    /// Roaming partners.
    pub networks: Vec<String>,
}

/// Reads, checks and compiles tariffs. `None` where any finding is an error; findings come in the order of the files
/// and their lines.
///
/// ```
/// use esep::tariff::{SourceFile, TariffInput, load};
/// let version = "valid_from = 2026-01-01\n[plans.standard]\nmonthly_fee = 1500.5\n";
/// let input = TariffInput { versions: vec![SourceFile::new("a.toml", version)], ..TariffInput::default() };
/// let (tariffs, findings) = load(&input);
/// assert!(tariffs.is_none());
/// assert_eq!(
///     findings[0].to_string(),
///     "a.toml:3: `monthly_fee` is a floating-point number\n  hint: write it in quotes: `monthly_fee = \"1500.5\"`"
/// );
/// ```
pub fn load(input: &TariffInput) -> (Option<Tariffs>, Vec<Finding>) {
    let (loaded, findings) = load_with_places(input);
    (loaded.map(|(tariffs, _)| tariffs), findings)
}

/// The same, with the lines that [`super::lint()`] speaks of.
pub fn load_with_places(input: &TariffInput) -> (Option<(Tariffs, Places)>, Vec<Finding>) {
    let mut names = Names::of(&input.known);
    let mut time_zones = TimeZones::new();
    let mut findings = Vec::new();
    let mut drafts = Vec::new();
    let mut zones_known = !input.versions.is_empty();
    for source in &input.versions {
        let outcome = version::read(source, input, &mut names, &mut time_zones);
        findings.extend(outcome.findings);
        zones_known &= !outcome.is_broken;
        drafts.extend(outcome.draft);
    }
    if input.versions.is_empty() {
        let hint = "put one into the folder, such as `tariffs/2026.toml`";
        findings.push(Finding::error("tariffs", 0, "there is no tariff version").with_hint(hint));
    }
    drafts.sort_by_key(|draft| draft.version.starts_at);
    check_timeline(&drafts, &mut findings);
    check_size(&drafts, &names, &mut findings);
    let (prefixes, prefix_places) = match &input.prefixes {
        Some(source) => {
            // A version without a day or time zone is an error already; the zones that it has are not told as missing.
            let all_drafted = drafts.len() == input.versions.len();
            read_prefixes(source, &names, &drafts, zones_known && all_drafted, &mut findings)
        }
        None => (Prefixes::default(), PrefixPlaces::default()),
    };
    sort_by_place(&mut findings, input);
    if findings.iter().any(Finding::is_error) {
        return (None, findings);
    }
    // From here the load succeeds.
    let known = RateIndexInput { zones: names.zones.names.len(), networks: names.networks.names.len() };
    let plan_count = names.plans.names.len();
    let (versions, places) = drafts.into_iter().map(|draft| compile(draft, known, plan_count)).unzip();
    let tariffs = Tariffs {
        versions,
        zones: names.zones.names,
        plans: names.plans.names,
        networks: names.networks.names,
        prefixes,
    };
    (Some((tariffs, Places { versions: places, prefixes: prefix_places })), findings)
}

/// All versions are one timeline, whatever their names.
fn check_timeline(drafts: &[Draft], findings: &mut Vec<Finding>) {
    let mut first_of_day: HashMap<crate::units::LocalDay, &Draft> = HashMap::new();
    for draft in drafts {
        let (version, places) = (&draft.version, &draft.places);
        if let Some(first) = first_of_day.get(&version.valid_from) {
            let message = format!("a second version that is valid from {}", version.valid_from);
            let hint = format!("the first is {}:{}", first.places.file, first.places.valid_from_line);
            findings.push(Finding::error(&places.file, places.valid_from_line, message).with_hint(hint));
        } else {
            first_of_day.insert(version.valid_from, draft);
        }
    }
    let Some((first, later)) = drafts.split_first() else { return };
    for draft in later.iter().filter(|draft| draft.version.zone.name() != first.version.zone.name()) {
        let message = format!(
            "the time zone {} is not that of the first version, {}",
            quoted(draft.version.zone.name()),
            quoted(first.version.zone.name())
        );
        let hint = "days of accounts and lines are those of the first version";
        let places = &draft.places;
        findings.push(Finding::warning(&places.file, places.time_zone_line, message).with_hint(hint));
    }
}

/// A plan is indexed by zone and visited network: hostile numbers of them would fill the memory.
fn check_size(drafts: &[Draft], names: &Names, findings: &mut Vec<Finding>) {
    const MOST_SLOTS: usize = 100_000_000;
    let plans: usize = drafts.iter().map(|draft| draft.plans.len()).sum();
    let (zones, networks) = (names.zones.names.len(), names.networks.names.len());
    if plans.saturating_mul(zones.saturating_add(networks.saturating_mul(15))) > MOST_SLOTS {
        let message = format!("too large: {plans} plans by {zones} zones and {networks} visited networks");
        let file = drafts.first().map_or("tariffs", |draft| draft.places.file.as_str());
        findings.push(Finding::error(file, 0, message).with_hint("leave out versions that no record needs"));
    }
}

fn compile(draft: Draft, known: RateIndexInput, plan_count: usize) -> (Version, super::VersionPlaces) {
    let mut version = draft.version;
    version.zone_kinds = vec![None; known.zones];
    for (zone, kind) in draft.zones {
        if let Some(slot) = version.zone_kinds.get_mut(usize::from(zone.0)) {
            *slot = Some(kind);
        }
    }
    version.plans.resize_with(plan_count, || None);
    for plan in draft.plans {
        if let Some(slot) = version.plans.get_mut(usize::from(plan.id.0)) {
            *slot = Some(Plan::new(plan.rates, plan.allowances, plan.monthly_fee, known));
        }
    }
    (version, draft.places)
}

/// Versions first, then holidays, then prefixes; within a file by line.
fn sort_by_place(findings: &mut [Finding], input: &TariffInput) {
    let files = input.versions.iter().chain(input.holidays.values()).chain(&input.prefixes);
    let mut order: HashMap<&str, usize> = HashMap::new();
    for (at, source) in files.enumerate() {
        order.entry(&source.file).or_insert(at);
    }
    findings.sort_by_key(|finding| (order.get(finding.file.as_str()).copied().unwrap_or(usize::MAX), finding.line));
}
