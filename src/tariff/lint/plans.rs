use super::super::finding::{Finding, quoted, quoted_list};
use super::super::{
    Allowance, Plan, PlanId, PlanPlaces, Presence, Rate, UsageClass, Version, Visited, ZoneId, ZoneKind, Zones,
};
use super::View;
use crate::record::{Direction, Service};
use std::collections::BTreeSet;

/// Zones without a rate, allowances that nothing draws on, windows and zones that nothing names.
pub(super) fn lint(view: &View<'_>, reached: &BTreeSet<ZoneId>, findings: &mut Vec<Finding>) {
    if view.places.plans.is_empty() {
        let message = "the version has no plan".to_owned();
        findings.push(view.warn(0, message, "usage of every account is suspended while it is valid"));
    }
    for (plan, places) in view.plans() {
        lint_unpriced(view, plan, places, reached, findings);
        lint_allowances(view, plan, places, findings);
    }
    lint_unused(view, reached, findings);
}

/// A zone that subscribers of the plan can call and that has no rate: the record would be suspended (`no_rate`).
fn lint_unpriced(
    view: &View<'_>,
    plan: &Plan,
    places: &PlanPlaces,
    reached: &BTreeSet<ZoneId>,
    findings: &mut Vec<Finding>,
) {
    for service in [Service::Voice, Service::Sms] {
        let outgoing_at_home =
            |rate: &Rate| rate.service == service && rate.direction == Direction::Out && rate.visited == Visited::Home;
        if !plan.rates.iter().any(outgoing_at_home) {
            continue;
        }
        let unpriced = view.places.zones.iter().map(|(zone, _)| *zone).filter(|zone| {
            let usage = UsageClass { service, direction: Direction::Out, presence: Presence::Home, zone: Some(*zone) };
            // A zone of kind `free` is rated at 0.00 without a rate (rating 1.3).
            reached.contains(zone)
                && view.version.zone_kind(*zone) != Some(ZoneKind::Free)
                && plan.candidates(usage).is_empty()
        });
        let names: Vec<&str> = unpriced.map(|zone| view.zone_name(zone)).collect();
        if !names.is_empty() {
            let zones = if names.len() == 1 { "zone" } else { "zones" };
            let message = format!(
                "plan {} has no {service} rate for {zones} {}",
                quoted(view.plan_name(places.id)),
                quoted_list(names)
            );
            findings.push(view.warn(places.line, message, "add a rate for it, or one without `zones`"));
        }
    }
}

/// An allowance is consumed in the units of a rate: without one of its measure it is never touched.
fn lint_allowances(view: &View<'_>, plan: &Plan, places: &PlanPlaces, findings: &mut Vec<Finding>) {
    for (allowance, line) in plan.allowances.iter().zip(&places.allowances) {
        let mut meeting = plan.rates.iter().filter(|rate| meets(allowance, rate)).peekable();
        let complaint = if meeting.peek().is_none() {
            "no rate of the plan is for such usage"
        } else if meeting.all(|rate| rate.measure != allowance.measure) {
            "the rates for such usage measure something else"
        } else {
            continue;
        };
        let message = format!(
            "the allowance of plan {} for {} is never used: {complaint}",
            quoted(view.plan_name(places.id)),
            allowance.service
        );
        findings.push(view.warn(*line, message, "add a rate, at price 0 where the allowance is all there is"));
    }
}

fn meets(allowance: &Allowance, rate: &Rate) -> bool {
    let visited = match (&allowance.visited, &rate.visited) {
        (Visited::Home, Visited::Home) => true,
        (Visited::Home, _) | (_, Visited::Home) => false,
        (Visited::Any, _) | (_, Visited::Any) => true,
        (Visited::Networks(ours), Visited::Networks(theirs)) => ours.iter().any(|network| theirs.contains(network)),
    };
    let zones = match (&allowance.zones, &rate.zones) {
        (Zones::Any, _) | (_, Zones::Any) => true,
        (Zones::These(ours), Zones::These(theirs)) => ours.iter().any(|zone| theirs.binary_search(zone).is_ok()),
    };
    allowance.service == rate.service && allowance.direction == rate.direction && visited && zones
}

fn lint_unused(view: &View<'_>, reached: &BTreeSet<ZoneId>, findings: &mut Vec<Finding>) {
    for (zone, line) in view.places.zones.iter().filter(|(zone, _)| !reached.contains(zone)) {
        let message = format!("no prefix leads to zone {}", quoted(view.zone_name(*zone)));
        findings.push(view.warn(*line, message, "add its prefixes to `prefixes.csv`, or remove the zone"));
    }
    let used: BTreeSet<u16> = view.plans().flat_map(|(plan, _)| &plan.rates).filter_map(|rate| rate.window).collect();
    for (at, (window, line)) in view.version.windows.iter().zip(&view.places.windows).enumerate() {
        if u16::try_from(at).is_ok_and(|at| !used.contains(&at)) {
            let message = format!("no rate names window {}", quoted(&window.name));
            findings.push(view.warn(*line, message, "name it in a rate, or remove it"));
        }
    }
}

/// Plans of the version before that are not in this one: their accounts would be suspended (`no_plan`).
pub(super) fn lint_gone(view: &View<'_>, earlier: &Version, findings: &mut Vec<Finding>) {
    for (at, plan) in earlier.plans.iter().enumerate() {
        let Some(id) = u16::try_from(at).ok().map(PlanId) else { continue };
        if plan.is_some() && view.version.plan(id).is_none() {
            let message = format!(
                "plan {} of the version before, valid from {}, is gone",
                quoted(view.plan_name(id)),
                earlier.valid_from
            );
            findings.push(view.warn(0, message, "usage of accounts that are still on it is suspended"));
        }
    }
}
