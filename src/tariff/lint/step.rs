use super::super::finding::{Finding, quoted, quoted_list};
use super::super::{Measure, Rate, ZoneId, ZoneKind, Zones};
use super::{AllowedStep, View};
use crate::record::Service;
use crate::units::LocalDay;

/// Voice units longer than the law allowed, while the version is valid. Source: rating 1.4.
pub(super) fn lint(view: &View<'_>, until: Option<LocalDay>, step: AllowedStep<'_>, findings: &mut Vec<Finding>) {
    if !view.places.regulated_step {
        return;
    }
    let from = view.version.valid_from;
    let valid = |day: LocalDay| day > from && until.is_none_or(|until| day < until);
    let mut days: Vec<LocalDay> = step.changes.iter().copied().filter(|day| valid(*day)).collect();
    days.push(from);
    days.sort_unstable();
    days.dedup();
    for (plan, places) in view.plans() {
        for (rate, line) in plan.rates.iter().zip(&places.rates) {
            if rate.service != Service::Voice || rate.measure != Measure::Time {
                continue;
            }
            let longest = rate.steps.iter().map(|step| i64::try_from(step.unit).unwrap_or(i64::MAX)).max().unwrap_or(0);
            for kind in [ZoneKind::LongDistance, ZoneKind::International] {
                let zones = zones_of_kind(view, rate, kind);
                if zones.is_empty() {
                    continue;
                }
                let mut told = None;
                for day in &days {
                    let (long_distance, international) = (step.allowed_ms)(*day);
                    let allowed = if kind == ZoneKind::LongDistance { long_distance } else { international };
                    // A later day with the same limit is the same finding.
                    if longest <= allowed || told == Some(allowed) {
                        continue;
                    }
                    told = Some(allowed);
                    let message = format!(
                        "plan {}: a unit of {} for {kind} voice to {}, and from {day} the law allows {}",
                        quoted(view.plan_name(places.id)),
                        length_text(longest),
                        quoted_list(zones.iter().map(|zone| view.zone_name(*zone))),
                        length_text(allowed)
                    );
                    findings.push(view.warn(*line, message, "shorten the unit, or write a version from that day"));
                }
            }
        }
    }
}

fn zones_of_kind(view: &View<'_>, rate: &Rate, kind: ZoneKind) -> Vec<ZoneId> {
    let is_kind = |zone: &ZoneId| view.version.zone_kind(*zone) == Some(kind);
    match &rate.zones {
        Zones::These(zones) => zones.iter().copied().filter(is_kind).collect(),
        Zones::Any => view.places.zones.iter().map(|(zone, _)| *zone).filter(is_kind).collect(),
    }
}

/// `10 s`.
fn length_text(ms: i64) -> String {
    let millis = ms % 1000;
    if millis == 0 { format!("{} s", ms / 1000) } else { format!("{ms} ms") }
}
