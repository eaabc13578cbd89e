//! The plans of a version: fees, rates, steps, allowances.

use super::super::finding::quoted;
use super::super::{
    Allowance, Holidays, Measure, PlanId, PlanPlaces, Proration, Rate, Rounding, Step, Visited, Window, ZoneId, Zones,
};
use super::clash::report_clashes;
use super::names::{MOST_NAMES, Names};
use super::quantity::{Quantity, measure_name};
use super::version::check_name;
use super::walk::{At, Doc, Table};
use crate::record::{Direction, Service};
use crate::units::{Tiyn, UnitPrice};
use std::collections::BTreeMap;

/// A plan before it is indexed.
pub(super) struct DraftPlan {
    pub(super) id: PlanId,
    pub(super) rates: Vec<Rate>,
    pub(super) allowances: Vec<Allowance>,
    pub(super) monthly_fee: Tiyn,
}

/// What the plans of one version refer to.
pub(super) struct PlanReader<'r, 't> {
    pub(super) names: &'r mut Names,
    pub(super) zones: BTreeMap<&'t str, ZoneId>,
    /// Index of a window, and whether it could be read.
    pub(super) window_ids: BTreeMap<&'t str, (u16, bool)>,
    pub(super) windows: &'r [Window],
    pub(super) holidays: &'r Holidays,
    pub(super) kilobyte: u64,
    pub(super) rounding: Rounding,
    /// Pairs of zone and roaming partner that the rates may still name.
    pub(super) pairs_left: usize,
}

/// What a rate and an allowance both say about the usage that they are for.
struct Scope {
    service: At<Service>,
    direction: Direction,
    visited: Visited,
    zones: Zones,
}

/// A unit and its price, read and matched to the service.
struct Priced {
    measure: Measure,
    unit: u64,
    price: UnitPrice,
}

const UNIT_HINT: &str = "write a number and a unit: `10s`, `1min`, `1MB`, `event`";

/// Reads `[plans.…]`, in the order of the file.
pub(super) fn read_plans(
    doc: &mut Doc<'_>,
    root: &Table<'_>,
    reader: &mut PlanReader<'_, '_>,
) -> (Vec<DraftPlan>, Vec<PlanPlaces>) {
    let mut plans = Vec::new();
    let mut places = Vec::new();
    for (name, table) in root.named_tables(doc, "plans", "plan") {
        table.expect_keys(doc, &["monthly_fee", "rates", "allowances"]);
        check_name(doc, name, "a plan");
        let Some(id) = reader.names.plan(name.value) else {
            doc.error(name.line, format!("more than {MOST_NAMES} plans"));
            break;
        };
        let monthly_fee = table.money(doc, "monthly_fee").map_or(Tiyn::ZERO, |fee| fee.value);
        let mut rates = Vec::new();
        let mut rate_lines = Vec::new();
        let rate_tables = table.tables(doc, "rates", &format!("a rate of {}", table.what));
        if rate_tables.len() > MOST_NAMES {
            doc.error(name.line, format!("{} has more than {MOST_NAMES} rates", table.what));
        }
        for rate in &rate_tables {
            if let Some(read) = reader.rate(doc, rate) {
                rates.push(read);
                rate_lines.push(rate.line);
            }
        }
        check_index_size(doc, name.line, &rates);
        report_clashes(doc, reader.windows, reader.holidays, &rates, &rate_lines, &|zone| {
            reader.names.zones.names.get(usize::from(zone.0)).map_or("", String::as_str).to_owned()
        });
        let allowance_tables = table.tables(doc, "allowances", &format!("an allowance of {}", table.what));
        let mut allowances: Vec<(Allowance, u32)> = allowance_tables
            .iter()
            .filter_map(|allowance| Some((reader.allowance(doc, allowance)?, allowance.line)))
            .collect();
        // The order in which `Plan` keeps them.
        allowances.sort_by_key(|(allowance, _)| allowance.priority);
        let (allowances, allowance_lines) = allowances.into_iter().unzip();
        places.push(PlanPlaces { id, line: name.line, rates: rate_lines, allowances: allowance_lines });
        plans.push(DraftPlan { id, rates, allowances, monthly_fee });
    }
    (plans, places)
}

impl PlanReader<'_, '_> {
    /// A version whose rates name more pairs of zone and partner than this is refused: no price list has them, and
    /// looking for clashes among them would take minutes.
    pub(super) const MOST_PAIRS: usize = 5_000_000;

    fn rate(&mut self, doc: &mut Doc<'_>, table: &Table<'_>) -> Option<Rate> {
        table.expect_keys(
            doc,
            &[
                "service",
                "zones",
                "window",
                "direction",
                "visited",
                "unit",
                "price",
                "price_per",
                "connect_fee",
                "minimum_units",
                "free",
                "steps",
            ],
        );
        let scope = self.scope(doc, table);
        let service = scope.as_ref().map(|scope| scope.service.value);
        let window = self.window(doc, table);
        let steps = self.steps(doc, table, service);
        let connect_fee = table.price(doc, "connect_fee");
        let minimum = table.count(doc, "minimum_units", 0);
        let measure = steps.as_ref().map(|(measure, _)| *measure);
        let free = self.free_ms(doc, table, measure);
        if let (Some(minimum), Some((_, steps))) = (minimum, &steps) {
            let longest = steps.iter().map(|step| step.unit).max().unwrap_or(1);
            if minimum.value.checked_mul(longest).is_none_or(|length| i64::try_from(length).is_err()) {
                doc.error(minimum.line, format!("`minimum_units` {} is beyond the range of a quantity", minimum.value));
            }
        }
        let (scope, window, (measure, steps)) = (scope?, window?, steps?);
        self.count_pairs(doc, table, &scope)?;
        Some(Rate {
            service: scope.service.value,
            direction: scope.direction,
            visited: scope.visited,
            zones: scope.zones,
            window,
            measure,
            steps,
            connect_fee_micro_tenge: connect_fee.map_or(0, |fee| fee.value),
            minimum_units: minimum.map_or(0, |minimum| minimum.value),
            free_ms: free,
        })
    }

    fn allowance(&mut self, doc: &mut Doc<'_>, table: &Table<'_>) -> Option<Allowance> {
        table.expect_keys(
            doc,
            &["service", "zones", "direction", "visited", "quantity", "priority", "carry_over", "proration"],
        );
        let scope = self.scope(doc, table);
        let quantity = self.allowed_quantity(doc, table);
        if table.get("quantity").is_none() {
            table.missing(doc, "quantity", "write what it covers in a month: `60min`, `1GB`, `100`");
        }
        if let (Some(scope), Some(quantity)) = (&scope, quantity) {
            check_measure(doc, scope.service.value, quantity, "quantity");
        }
        let priority = table.whole(doc, "priority").map_or(0, |priority| priority.value);
        let carry_over = table.flag(doc, "carry_over").is_some_and(|flag| flag.value);
        let proration =
            table.choice(doc, "proration", Proration::ALL, Proration::name).map_or(Proration::Days, |at| at.value);
        let (scope, quantity) = (scope?, quantity?);
        self.count_pairs(doc, table, &scope)?;
        Some(Allowance {
            service: scope.service.value,
            direction: scope.direction,
            visited: scope.visited,
            zones: scope.zones,
            measure: quantity.value.measure,
            quantity: quantity.value.amount,
            priority,
            carry_over,
            proration,
        })
    }

    /// A quantity with a unit; a bare number is so many events.
    fn allowed_quantity(&self, doc: &mut Doc<'_>, table: &Table<'_>) -> Option<At<Quantity>> {
        let events =
            |count: At<u64>| At { value: Quantity { measure: Measure::Events, amount: count.value }, line: count.line };
        let value = table.get("quantity")?.get_ref();
        let quantity = if value.is_integer() {
            events(table.count(doc, "quantity", 0)?)
        } else if let Some(text) = value.as_str().filter(|text| text.bytes().all(|b| b.is_ascii_digit())) {
            let line = table.line_of(doc, "quantity");
            match text.parse::<u64>().ok().filter(|count| i64::try_from(*count).is_ok()) {
                Some(value) => events(At { value, line }),
                None if text.is_empty() => return table.quantity(doc, "quantity", self.kilobyte),
                None => {
                    doc.error(line, format!("`quantity` {} is beyond the range of a quantity", quoted(text)));
                    return None;
                }
            }
        } else {
            table.quantity(doc, "quantity", self.kilobyte)?
        };
        if quantity.value.amount == 0 {
            doc.error(quantity.line, "`quantity` is zero");
            return None;
        }
        Some(quantity)
    }

    fn scope(&mut self, doc: &mut Doc<'_>, table: &Table<'_>) -> Option<Scope> {
        let service = table.choice(doc, "service", Service::ALL, Service::name);
        if table.get("service").is_none() {
            table.missing(doc, "service", "write one of voice, sms, data, internet, vas");
        }
        let direction = match table.get("direction") {
            None => Some(Direction::Out),
            Some(_) => table.choice(doc, "direction", Direction::ALL, Direction::name).map(|at| at.value),
        };
        let visited = match table.get("visited") {
            None => Some(Visited::Home),
            Some(_) => self.visited(doc, table),
        };
        let zones = match table.get("zones") {
            None => Some(Zones::Any),
            Some(_) => self.zones(doc, table),
        };
        Some(Scope { service: service?, direction: direction?, visited: visited?, zones: zones? })
    }

    fn visited(&mut self, doc: &mut Doc<'_>, table: &Table<'_>) -> Option<Visited> {
        let hint = "leave it out for usage at home, write `[\"*\"]` for any partner";
        let networks = table.texts(doc, "visited", hint)?;
        if networks.iter().any(|network| network.value == "*") {
            if networks.len() > 1 {
                doc.error(table.line_of(doc, "visited"), "`visited` names `*`, any partner, and others");
            }
            return Some(Visited::Any);
        }
        let mut ids = Vec::with_capacity(networks.len());
        for network in networks {
            check_name(doc, network, "a visited network");
            match self.names.network(network.value) {
                Some(id) => ids.push(id),
                None => {
                    doc.error(network.line, format!("more than {MOST_NAMES} visited networks"));
                    return None;
                }
            }
        }
        ids.sort_unstable();
        Some(Visited::Networks(ids))
    }

    fn zones(&self, doc: &mut Doc<'_>, table: &Table<'_>) -> Option<Zones> {
        let zones = table.texts(doc, "zones", "leave it out for any zone")?;
        let mut ids = Vec::with_capacity(zones.len());
        let mut complete = true;
        for zone in zones {
            match self.zones.get(zone.value) {
                Some(id) => ids.push(*id),
                None => complete = doc.unknown(zone, "zone", self.zones.keys().copied()),
            }
        }
        ids.sort_unstable();
        complete.then_some(Zones::These(ids))
    }

    /// `None` where the window is named and cannot be used.
    fn window(&self, doc: &mut Doc<'_>, table: &Table<'_>) -> Option<Option<u16>> {
        if table.get("window").is_none() {
            return Some(None);
        }
        let name = table.text(doc, "window")?;
        match self.window_ids.get(name.value) {
            Some((id, true)) => Some(Some(*id)),
            Some((_, false)) => None,
            None => {
                doc.unknown(name, "window", self.window_ids.keys().copied());
                None
            }
        }
    }

    /// Hostile files only: the product of two long lists.
    fn count_pairs(&mut self, doc: &mut Doc<'_>, table: &Table<'_>, scope: &Scope) -> Option<()> {
        let networks = match &scope.visited {
            Visited::Home | Visited::Any => 1,
            Visited::Networks(networks) => networks.len(),
        };
        let zones = match &scope.zones {
            Zones::Any => 1,
            Zones::These(zones) => zones.len(),
        };
        let left = self.pairs_left.checked_sub(networks.saturating_mul(zones));
        if left.is_none() {
            let message = format!("the rates name more than {} pairs of zone and visited network", Self::MOST_PAIRS);
            doc.error(table.line, message);
        }
        self.pairs_left = left?;
        Some(())
    }

    /// The unit and price of a rate, or its steps. Source: rating 1.4.
    fn steps(&self, doc: &mut Doc<'_>, table: &Table<'_>, service: Option<Service>) -> Option<(Measure, Vec<Step>)> {
        if table.get("steps").is_none() {
            let priced = self.priced(doc, table, service)?;
            return Some((priced.measure, vec![Step { units: None, unit: priced.unit, price: priced.price }]));
        }
        for key in ["unit", "price", "price_per"] {
            if table.get(key).is_some() {
                let line = table.line_of(doc, key);
                doc.error_with_hint(line, format!("`{key}` beside `steps`"), "each step has its own unit and price");
            }
        }
        let tables = table.tables(doc, "steps", &format!("a step of {}", table.what));
        if tables.is_empty() {
            let line = table.line_of(doc, "steps");
            doc.error_with_hint(line, "`steps` is empty", "leave it out and write `unit` and `price`");
            return None;
        }
        let mut steps = Vec::with_capacity(tables.len());
        let mut first_measure = None;
        for (at, step) in tables.iter().enumerate() {
            step.expect_keys(doc, &["units", "unit", "price", "price_per"]);
            let is_last = at.saturating_add(1) == tables.len();
            let units = step.count(doc, "units", 1);
            let complete = match (is_last, step.get("units").is_some()) {
                (true, true) => {
                    let line = step.line_of(doc, "units");
                    doc.error_with_hint(
                        line,
                        "the last step has `units`",
                        "the last step is for all units that remain",
                    );
                    false
                }
                (false, false) => {
                    step.missing(doc, "units", "only the last step is for all units that remain");
                    false
                }
                (true, false) => true,
                (false, true) => units.is_some(),
            };
            let Some(priced) = self.priced(doc, step, service) else { continue };
            let measure = *first_measure.get_or_insert(priced.measure);
            if measure != priced.measure {
                let message =
                    format!("a step by {} after one by {}", measure_name(priced.measure), measure_name(measure));
                doc.error(step.line_of(doc, "unit"), message);
                continue;
            }
            if let Some(units) = units
                && units.value.checked_mul(priced.unit).is_none_or(|length| i64::try_from(length).is_err())
            {
                doc.error(units.line, format!("`units` {} is beyond the range of a quantity", units.value));
                continue;
            }
            if complete {
                steps.push(Step { units: units.map(|units| units.value), unit: priced.unit, price: priced.price });
            }
        }
        Some((first_measure?, steps)).filter(|(_, steps)| steps.len() == tables.len())
    }

    /// Source: rating 1.5.
    fn priced(&self, doc: &mut Doc<'_>, table: &Table<'_>, service: Option<Service>) -> Option<Priced> {
        for (key, hint) in [("unit", UNIT_HINT), ("price", "write the price of a unit in quotes: `price = \"4.50\"`")] {
            if table.get(key).is_none() {
                table.missing(doc, key, hint);
            }
        }
        let unit = table.quantity(doc, "unit", self.kilobyte).filter(|unit| {
            if unit.value.amount == 0 {
                doc.error(unit.line, "`unit` is zero");
            }
            unit.value.amount != 0
        });
        let price = table.price(doc, "price");
        let span = match table.get("price_per") {
            None => unit,
            Some(_) => table.quantity(doc, "price_per", self.kilobyte).filter(|span| {
                if span.value.amount == 0 {
                    doc.error(span.line, "`price_per` is zero");
                }
                span.value.amount != 0
            }),
        };
        let fits = match (service, unit) {
            (Some(service), Some(unit)) => check_measure(doc, service, unit, "unit"),
            _ => true,
        };
        let (unit, span) = (unit?, span?);
        if unit.value.measure != span.value.measure {
            let message = format!(
                "`price_per` is for {}, `unit` for {}",
                measure_name(span.value.measure),
                measure_name(unit.value.measure)
            );
            doc.error(span.line, message);
            return None;
        }
        let price = price?;
        let cut =
            UnitPrice::cut(price.value, unit.value.amount, span.value.amount).and_then(|cut| match self.rounding {
                Rounding::Charge => Some(cut),
                Rounding::UnitPrice => cut.rounded_half_up_to_tiyn(),
            });
        if cut.is_none() {
            doc.error(price.line, "the price of a unit is beyond the range of an amount");
        }
        Some(Priced { measure: unit.value.measure, unit: unit.value.amount, price: cut? }).filter(|_| fits)
    }

    fn free_ms(&self, doc: &mut Doc<'_>, table: &Table<'_>, measure: Option<Measure>) -> i64 {
        let Some(free) = table.quantity(doc, "free", self.kilobyte) else { return 0 };
        let Some(ms) = free.value.ms() else {
            doc.error_with_hint(
                free.line,
                "`free` is no time",
                "write the free length of a connection: `free = \"5s\"`",
            );
            return 0;
        };
        if ms > 0 && measure.is_some_and(|measure| measure != Measure::Time) {
            doc.error(free.line, "`free` is only for rates by time");
        }
        ms
    }
}

/// Hostile files only: each zone's list of rates repeats those for any zone.
fn check_index_size(doc: &mut Doc<'_>, line: u32, rates: &[Rate]) {
    const MOST_ENTRIES: usize = 5_000_000;
    let any = rates.iter().filter(|rate| rate.zones == Zones::Any).count();
    let named: usize = rates
        .iter()
        .map(|rate| match &rate.zones {
            Zones::Any => 0,
            Zones::These(zones) => zones.len(),
        })
        .sum();
    if any.saturating_mul(named) > MOST_ENTRIES {
        doc.error(line, format!("too large: {any} rates for any zone beside {named} for named zones"));
    }
}

/// What a service may be measured by.
///
/// A call has no volume; a price per call is a `connect_fee`, because an answered call of 0 ms has no unit and costs
/// nothing (rating 1.4). A message has no length.
const fn measures(service: Service) -> &'static [Measure] {
    match service {
        Service::Voice => &[Measure::Time],
        Service::Sms => &[Measure::Events],
        Service::Data | Service::Internet => &[Measure::Volume, Measure::Time],
        Service::Vas => &[Measure::Events, Measure::Time],
    }
}

fn check_measure(doc: &mut Doc<'_>, service: Service, quantity: At<Quantity>, key: &str) -> bool {
    let allowed = measures(service);
    if allowed.contains(&quantity.value.measure) {
        return true;
    }
    let names: Vec<_> = allowed.iter().map(|measure| measure_name(*measure)).collect();
    let message = format!(
        "`{key}` measures {}, but {service} is measured by {}",
        measure_name(quantity.value.measure),
        names.join(" or ")
    );
    if service == Service::Voice && quantity.value.measure == Measure::Events && key == "unit" {
        doc.error_with_hint(quantity.line, message, "a price per call is a `connect_fee`");
    } else {
        doc.error(quantity.line, message);
    }
    false
}
