//! What a loaded tariff may mean otherwise than its author thinks: warnings, never errors.
//!
//! Source: interface 7.1; rating 1.4 (regulated step).

mod gaps;
mod plans;
mod prefixes;
mod step;

use super::finding::Finding;
use super::{Places, Plan, PlanId, PlanPlaces, Tariffs, Version, VersionPlaces, ZoneId};
use crate::units::LocalDay;

/// The longest tariff unit that the law allows, by date.
///
/// Handed in, because the table is the law's and not the tariff's.
#[derive(Clone, Copy)]
pub struct AllowedStep<'a> {
    /// For a day: long-distance and international, in milliseconds. `i64::MAX` where there is no limit.
    pub allowed_ms: &'a dyn Fn(LocalDay) -> (i64, i64),
    /// Days on which it changes.
    pub changes: &'a [LocalDay],
}

/// Warnings over all versions, in the order of the timeline and of the lines; prefixes last.
pub fn lint(tariffs: &Tariffs, places: &Places, step: AllowedStep<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let reached = prefixes::reached_zones(tariffs, places);
    for (at, (version, version_places)) in tariffs.versions.iter().zip(&places.versions).enumerate() {
        let start = findings.len();
        let view = View { tariffs, version, places: version_places };
        gaps::lint(&view, &mut findings);
        plans::lint(&view, &reached, &mut findings);
        let next = tariffs.versions.get(at.saturating_add(1));
        step::lint(&view, next.map(|next| next.valid_from), step, &mut findings);
        if let Some(earlier) = at.checked_sub(1).and_then(|earlier| tariffs.versions.get(earlier)) {
            plans::lint_gone(&view, earlier, &mut findings);
        }
        if let Some(of_version) = findings.get_mut(start..) {
            of_version.sort_by_key(|finding| finding.line);
        }
    }
    prefixes::lint(tariffs, &places.prefixes, &mut findings);
    findings
}

/// A version with its lines.
struct View<'a> {
    tariffs: &'a Tariffs,
    version: &'a Version,
    places: &'a VersionPlaces,
}

impl<'a> View<'a> {
    /// The plans of the version in the order of the file, with their lines.
    fn plans(&self) -> impl Iterator<Item = (&'a Plan, &'a PlanPlaces)> {
        let version = self.version;
        self.places.plans.iter().filter_map(move |places| Some((version.plan(places.id)?, places)))
    }

    fn plan_name(&self, id: PlanId) -> &'a str {
        self.tariffs.plans.get(usize::from(id.0)).map_or("", String::as_str)
    }

    fn zone_name(&self, id: ZoneId) -> &'a str {
        self.tariffs.zone_name(Some(id))
    }

    fn warn(&self, line: u32, message: String, hint: impl Into<String>) -> Finding {
        Finding::warning(&self.places.file, line, message).with_hint(hint)
    }
}
