use super::super::finding::{Finding, quoted, quoted_list};
use super::super::week::{Situation, day_name, gaps, span_text, spans};
use super::super::{Plan, PlanPlaces, Presence, Rate, RateId, UsageClass, Visited, ZoneId, Zones};
use super::View;
use crate::record::{Direction, Service};
use std::collections::{BTreeMap, BTreeSet};

/// Usage that only rates with windows are for, by what those rates are.
type Windowed<'p> = BTreeMap<(Service, Direction, bool, &'p [RateId]), BTreeSet<Option<ZoneId>>>;

/// Hours of the week for which no rate is left, where all rates have windows. Source: rating 1.5.
pub(super) fn lint(view: &View<'_>, findings: &mut Vec<Finding>) {
    let holidays = Situation::of_holidays(&view.version.holidays);
    for (plan, places) in view.plans() {
        for ((service, direction, roaming, candidates), zones) in windowed_only(plan) {
            let Some(when) = uncovered(view, plan, candidates, &holidays) else { continue };
            let usage = usage_text(view, service, direction, roaming, &zones);
            let message = format!("plan {} has no rate for {usage} on {when}", quoted(view.plan_name(places.id)));
            let hint = "add a rate without a window for the rest of the week";
            findings.push(view.warn(first_line(candidates, places), message, hint));
        }
    }
}

fn windowed_only(plan: &Plan) -> Windowed<'_> {
    let mut found = Windowed::new();
    for rate in plan.rates.iter().filter(|rate| rate.window.is_some()) {
        for presence in presences(&rate.visited) {
            for zone in zones(&rate.zones) {
                let usage = UsageClass { service: rate.service, direction: rate.direction, presence, zone };
                let candidates = plan.candidates(usage);
                let is_windowed = |rate: Option<&Rate>| rate.is_some_and(|rate| rate.window.is_some());
                if candidates.iter().all(|id| is_windowed(plan.rate(*id))) {
                    let roaming = presence != Presence::Home;
                    found.entry((rate.service, rate.direction, roaming, candidates)).or_default().insert(zone);
                }
            }
        }
    }
    found
}

fn presences(visited: &Visited) -> Vec<Presence> {
    match visited {
        Visited::Home => vec![Presence::Home],
        Visited::Any => vec![Presence::Elsewhere],
        Visited::Networks(networks) => networks.iter().map(|network| Presence::Network(*network)).collect(),
    }
}

fn zones(zones: &Zones) -> Vec<Option<ZoneId>> {
    match zones {
        Zones::Any => vec![None],
        Zones::These(zones) => zones.iter().copied().map(Some).collect(),
    }
}

/// The hours that no window holds: of the week, else of the first day that a holiday makes.
fn uncovered(
    view: &View<'_>,
    plan: &Plan,
    candidates: &[RateId],
    holidays: &[(Situation, crate::units::LocalDay)],
) -> Option<String> {
    let windows: Vec<_> = candidates
        .iter()
        .filter_map(|id| plan.rate(*id)?.window)
        .filter_map(|window| view.version.windows.get(usize::from(window)))
        .collect();
    let gaps_on = |day: Situation| {
        let left = gaps(windows.iter().flat_map(|window| spans(window, day)).collect());
        left.into_iter().map(span_text).collect::<Vec<_>>().join(" and ")
    };
    // Days in a row with the same gaps are one.
    let mut runs: Vec<(u8, u8, String)> = Vec::new();
    for day in Situation::week() {
        let text = gaps_on(day);
        match runs.last_mut() {
            Some((_, last, same)) if *same == text => *last = day.today,
            _ => runs.push((day.today, day.today, text)),
        }
    }
    let of_week: Vec<String> = runs
        .into_iter()
        .filter(|(_, _, text)| !text.is_empty())
        .map(|(first, last, text)| {
            if first == last {
                format!("{} {text}", day_name(first))
            } else {
                format!("{}–{} {text}", day_name(first), day_name(last))
            }
        })
        .collect();
    if !of_week.is_empty() {
        return Some(of_week.join(", "));
    }
    let of_holiday = holidays.iter().map(|(day, date)| (gaps_on(*day), date)).find(|(text, _)| !text.is_empty());
    of_holiday.map(|(text, date)| format!("{date} {text}, by a holiday"))
}

fn usage_text(
    view: &View<'_>,
    service: Service,
    direction: Direction,
    roaming: bool,
    zones: &BTreeSet<Option<ZoneId>>,
) -> String {
    let named: Vec<&str> = zones.iter().flatten().map(|zone| view.zone_name(*zone)).collect();
    let direction = match direction {
        Direction::Out => String::new(),
        other @ (Direction::In | Direction::Forward) => format!(" ({other})"),
    };
    let zones = match named.as_slice() {
        [] => "any zone".to_owned(),
        [zone] => format!("zone {}", quoted(zone)),
        many => format!("zones {}", quoted_list(many.iter().copied())),
    };
    format!("{service}{direction} to {zones}{}", if roaming { ", roaming," } else { "" })
}

fn first_line(candidates: &[RateId], places: &PlanPlaces) -> u32 {
    candidates.iter().filter_map(|id| places.rates.get(usize::from(id.0))).copied().min().unwrap_or(places.line)
}
