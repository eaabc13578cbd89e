use super::{Allowance, NetworkId, Presence, Rate, RateId, UsageClass, ZoneId, Zones};
use crate::record::{Direction, Service};
use crate::units::Tiyn;

/// A plan of one version: its rates, found by service, direction, place and zone in one step, and its allowances.
#[derive(Debug)]
pub struct Plan {
    /// In the order of the file.
    pub rates: Vec<Rate>,
    /// By ascending priority; the order of the file among equals.
    pub allowances: Vec<Allowance>,
    /// Gross, for a whole month.
    pub monthly_fee: Tiyn,
    /// For each service, direction and place: index into `tables`, or `NO_TABLE`.
    table_of: Vec<u16>,
    /// For each zone (slot 0: none): a run of `ordered`.
    tables: Vec<Vec<(u32, u32)>>,
    /// Rates, best first within a run.
    ordered: Vec<RateId>,
    networks: usize,
}

/// How many zones and networks the versions know, for the index of a plan.
#[derive(Clone, Copy, Debug)]
pub struct RateIndexInput {
    /// Number of zones, over all versions.
    pub zones: usize,
    /// Number of named roaming partners, over all versions.
    pub networks: usize,
}

const NO_TABLE: u16 = u16::MAX;

impl Plan {
    /// Indexes the rates of a plan.
    pub fn new(rates: Vec<Rate>, mut allowances: Vec<Allowance>, monthly_fee: Tiyn, known: RateIndexInput) -> Self {
        allowances.sort_by_key(|allowance| allowance.priority);
        let mut plan = Self {
            rates,
            allowances,
            monthly_fee,
            table_of: Vec::new(),
            tables: Vec::new(),
            ordered: Vec::new(),
            networks: known.networks,
        };
        for service in Service::ALL {
            for direction in Direction::ALL {
                for place in 0..known.networks.saturating_add(2) {
                    let presence = match place {
                        0 => Presence::Home,
                        1 => Presence::Elsewhere,
                        network => Presence::Network(NetworkId(u16::try_from(network.saturating_sub(2)).unwrap_or(0))),
                    };
                    plan.index(*service, *direction, presence, known.zones);
                }
            }
        }
        plan
    }

    /// The rates that fit such usage, their windows aside, best first: naming the zone before any zone, then with a
    /// window before without, then naming the visited network before any. Source: rating 1.5.
    pub fn candidates(&self, usage: UsageClass) -> &[RateId] {
        let place = match usage.presence {
            Presence::Home => 0,
            Presence::Elsewhere => 1,
            Presence::Network(network) => usize::from(network.0).wrapping_add(2),
        };
        let places = self.networks.wrapping_add(2);
        let key = (usage.service as usize)
            .wrapping_mul(Direction::ALL.len())
            .wrapping_add(usage.direction as usize)
            .wrapping_mul(places)
            .wrapping_add(place);
        let slot = usage.zone.map_or(0, |zone| usize::from(zone.0).wrapping_add(1));
        let run =
            self.table_of.get(key).and_then(|table| self.tables.get(usize::from(*table))).and_then(|t| t.get(slot));
        let (start, end) = run.copied().unwrap_or((0, 0));
        self.ordered.get(start as usize..end as usize).unwrap_or_default()
    }

    /// A rate by its id.
    pub fn rate(&self, id: RateId) -> Option<&Rate> {
        self.rates.get(usize::from(id.0))
    }

    fn index(&mut self, service: Service, direction: Direction, presence: Presence, zones: usize) {
        let fits = |rate: &&(usize, &Rate)| {
            rate.1.service == service && rate.1.direction == direction && rate.1.visited.covers(presence)
        };
        let numbered: Vec<(usize, &Rate)> = self.rates.iter().enumerate().collect();
        let mut of_class: Vec<(usize, &Rate)> = numbered.iter().filter(fits).copied().collect();
        of_class.sort_by_key(|(_, rate)| {
            (rate.zones == Zones::Any, rate.window.is_none(), rate.visited == super::Visited::Any)
        });
        if of_class.is_empty() {
            self.table_of.push(NO_TABLE);
            return;
        }
        let mut runs = Vec::with_capacity(zones.saturating_add(1));
        for slot in 0..=zones {
            let zone = slot.checked_sub(1).and_then(|zone| u16::try_from(zone).ok()).map(ZoneId);
            let start = u32::try_from(self.ordered.len()).unwrap_or(u32::MAX);
            let fitting = of_class.iter().filter(|(_, rate)| rate.zones.covers(zone));
            self.ordered.extend(fitting.filter_map(|(at, _)| u16::try_from(*at).ok().map(RateId)));
            runs.push((start, u32::try_from(self.ordered.len()).unwrap_or(u32::MAX)));
        }
        self.table_of.push(u16::try_from(self.tables.len()).unwrap_or(NO_TABLE));
        self.tables.push(runs);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Measure, Step, Visited};
    use super::*;
    use crate::units::UnitPrice;

    fn rate(zones: Zones, window: Option<u16>, visited: Visited) -> Rate {
        Rate {
            service: Service::Voice,
            direction: Direction::Out,
            visited,
            zones,
            window,
            measure: Measure::Time,
            steps: vec![Step { units: None, unit: 10_000, price: UnitPrice::FREE }],
            connect_fee_micro_tenge: 0,
            minimum_units: 0,
            free_ms: 0,
        }
    }

    #[test]
    fn rating_1_5_the_more_specific_rate_comes_first() {
        let zone = ZoneId(1);
        let rates = vec![
            rate(Zones::Any, None, Visited::Home),
            rate(Zones::Any, Some(0), Visited::Home),
            rate(Zones::These(vec![zone]), None, Visited::Home),
            rate(Zones::These(vec![zone]), Some(0), Visited::Home),
            rate(Zones::Any, None, Visited::Any),
            rate(Zones::Any, None, Visited::Networks(vec![NetworkId(0)])),
        ];
        let plan = Plan::new(rates, vec![], Tiyn::ZERO, RateIndexInput { zones: 2, networks: 1 });
        let order = |presence, zone| -> Vec<u16> {
            let usage = UsageClass { service: Service::Voice, direction: Direction::Out, presence, zone };
            plan.candidates(usage).iter().map(|id| id.0).collect()
        };
        assert_eq!(order(Presence::Home, Some(zone)), [3, 2, 1, 0]);
        assert_eq!(order(Presence::Home, Some(ZoneId(0))), [1, 0]);
        assert_eq!(order(Presence::Home, None), [1, 0]);
        assert_eq!(order(Presence::Elsewhere, None), [4]);
        assert_eq!(order(Presence::Network(NetworkId(0)), None), [5, 4]);
    }
}
