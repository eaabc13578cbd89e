//! Rates between which rating could not choose: nothing but the order of the file would.
//!
//! Two rates clash where they are for the same service, direction, place and level of zone (both name the zone, or
//! both are for any), and both have no window or windows that overlap. Source: rating 1.5, interface 7.1.

use super::super::finding::quoted;
use super::super::week::{Situation, day_name, span_text, spans};
use super::super::{Holidays, NetworkId, Rate, Visited, Window, ZoneId, Zones};
use super::walk::Doc;
use crate::record::{Direction, Service};
use crate::units::LocalDay;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

/// Where the subscriber is, at the level of a rate's `visited`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Home,
    AnyPartner,
    Partner(NetworkId),
}

/// Usage for which rates of one level compete.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Group {
    service: Service,
    direction: Direction,
    place: Place,
    zone: Option<ZoneId>,
}

/// The times that windows have taken: day and start, with the end and the rate.
type Taken = BTreeMap<(Situation, i64), (i64, usize)>;

/// A day that may see a clash.
struct Day {
    situation: Situation,
    /// The date, where only a holiday makes such a day.
    holiday: Option<LocalDay>,
}

/// Notes each pair of rates that clash, once.
pub(super) fn report_clashes(
    doc: &mut Doc<'_>,
    windows: &[Window],
    holidays: &Holidays,
    rates: &[Rate],
    lines: &[u32],
    zone_name: &dyn Fn(ZoneId) -> String,
) {
    let mut days: Vec<Day> = Situation::week().map(|situation| Day { situation, holiday: None }).collect();
    let of_holidays = Situation::of_holidays(holidays);
    days.extend(of_holidays.into_iter().map(|(situation, day)| Day { situation, holiday: Some(day) }));
    let line_of = |rate: usize| lines.get(rate).copied().unwrap_or(0);
    let window_of = |rate: &Rate| rate.window.and_then(|window| windows.get(usize::from(window)));

    let mut always: FxHashMap<Group, usize> = FxHashMap::default();
    let mut taken: FxHashMap<Group, Taken> = FxHashMap::default();
    let mut told: FxHashSet<(usize, usize)> = FxHashSet::default();
    for (at, rate) in rates.iter().enumerate() {
        for group in groups(rate) {
            let usage = || usage_text(group, zone_name);
            let Some(window) = window_of(rate) else {
                let first = *always.entry(group).or_insert(at);
                if first != at && told.insert((first, at)) {
                    let message = format!("a second rate without a window for {}", usage());
                    doc.error_with_hint(line_of(at), message, format!("the first is in line {}", line_of(first)));
                }
                continue;
            };
            let taken = taken.entry(group).or_default();
            for day in &days {
                for span in spans(window, day.situation) {
                    let met = overlaps(taken, day.situation, span);
                    if met.is_empty() {
                        taken.insert((day.situation, span.0), (span.1, at));
                    }
                    for (common, other) in met {
                        if !told.insert((other, at)) {
                            continue;
                        }
                        let other_name = rates.get(other).and_then(window_of).map_or("", |other| other.name.as_str());
                        let which = if other_name == window.name {
                            format!("a second rate in window {}", quoted(other_name))
                        } else {
                            format!("windows {} and {} overlap", quoted(other_name), quoted(&window.name))
                        };
                        let hint = format!("the other rate is in line {}", line_of(other));
                        match day.holiday {
                            None => {
                                let when = format!("{} {}", day_name(day.situation.today), span_text(common));
                                doc.error_with_hint(line_of(at), format!("{which} on {when} for {}", usage()), hint);
                            }
                            // No week has it, so the tariff is not wrong; but that day is worth a look.
                            Some(date) => {
                                let when = format!("{date} {}", span_text(common));
                                let message = format!("{which} on {when}, by a holiday, for {}", usage());
                                doc.warning(
                                    line_of(at),
                                    message,
                                    format!("{hint} and decides, as the first in the file"),
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The spans taken that the given one meets: what both have, and whose it is. A few say enough.
fn overlaps(taken: &Taken, day: Situation, span: (i64, i64)) -> Vec<((i64, i64), usize)> {
    // Spans taken do not overlap: going back in time, the first that ends before this one begins is the last to ask.
    let before_end = taken.range((day, i64::MIN)..(day, span.1)).rev();
    let met = before_end.take_while(|(_, (to, _))| *to > span.0).take(10);
    let mut found: Vec<_> = met.map(|((_, from), (to, rate))| ((span.0.max(*from), span.1.min(*to)), *rate)).collect();
    found.reverse();
    found
}

fn groups(rate: &Rate) -> impl Iterator<Item = Group> {
    let places = match &rate.visited {
        Visited::Home => vec![Place::Home],
        Visited::Any => vec![Place::AnyPartner],
        Visited::Networks(networks) => networks.iter().copied().map(Place::Partner).collect(),
    };
    let zones = match &rate.zones {
        Zones::Any => vec![None],
        Zones::These(zones) => zones.iter().copied().map(Some).collect(),
    };
    let (service, direction) = (rate.service, rate.direction);
    places
        .into_iter()
        .flat_map(move |place| zones.clone().into_iter().map(move |zone| Group { service, direction, place, zone }))
}

/// `voice to zone `kz-ld``.
fn usage_text(group: Group, zone_name: &dyn Fn(ZoneId) -> String) -> String {
    let direction = match group.direction {
        Direction::Out => String::new(),
        other @ (Direction::In | Direction::Forward) => format!(" ({other})"),
    };
    let zone = match group.zone {
        Some(zone) => format!("zone {}", quoted(&zone_name(zone))),
        None => "any zone".to_owned(),
    };
    let place = match group.place {
        Place::Home => "",
        Place::AnyPartner | Place::Partner(_) => ", roaming",
    };
    format!("{}{direction} to {zone}{place}", group.service)
}
