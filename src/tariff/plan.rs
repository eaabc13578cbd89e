use super::{Allowance, FlatPrice, FlatRate, Rate, RateId, UsageClass, Visited, Zones};
use crate::record::{Direction, Service};
use crate::units::Tiyn;
use std::collections::{BTreeMap, HashMap};

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
    table_of: Vec<u32>,
    /// For each zone (slot 0: none): a run of `ordered`. Places with the same rates share a table, zones that no
    /// rate names share a run.
    tables: Vec<Vec<(u32, u32)>>,
    /// Rates, best first within a run.
    ordered: Vec<RateId>,
    /// The same rates, ready for pricing.
    flat: Vec<FlatRate>,
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

const NO_TABLE: u32 = u32::MAX;

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
            flat: Vec::new(),
            networks: known.networks,
        };
        for service in Service::ALL {
            for direction in Direction::ALL {
                plan.index(*service, *direction, known);
            }
        }
        plan
    }

    /// The rates that fit such usage, their windows aside, best first: naming the zone before any zone, then with a
    /// window before without, then naming the visited network before any. Source: rating 1.5.
    pub fn candidates(&self, usage: UsageClass) -> &[RateId] {
        let (start, end) = self.run(usage);
        self.ordered.get(start as usize..end as usize).unwrap_or_default()
    }

    /// The flat price of such usage while these windows hold, a bit for each and [`FlatRate::ALWAYS`]; `None` where there
    /// is none, or where `split`, units priced by windows of their own, makes it more than one.
    pub fn flat_price(&self, usage: UsageClass, windows: u64, split: bool) -> Option<FlatPrice> {
        let (start, end) = self.run(usage);
        let candidates = self.flat.get(start as usize..end as usize)?;
        if split && candidates.iter().any(|rate| rate.windows != FlatRate::ALWAYS) {
            return None;
        }
        candidates.iter().find(|rate| rate.windows & windows != 0)?.price
    }

    /// Where the rates that fit such usage stand.
    fn run(&self, usage: UsageClass) -> (u32, u32) {
        let places = self.networks.wrapping_add(2);
        let key = (usage.service as usize)
            .wrapping_mul(Direction::ALL.len())
            .wrapping_add(usage.direction as usize)
            .wrapping_mul(places)
            .wrapping_add(usage.presence.place());
        let slot = usage.zone.map_or(0, |zone| usize::from(zone.0).wrapping_add(1));
        let run = self.table_of.get(key).and_then(|table| self.tables.get(*table as usize)).and_then(|t| t.get(slot));
        run.copied().unwrap_or((0, 0))
    }

    /// A rate by its id.
    pub fn rate(&self, id: RateId) -> Option<&Rate> {
        self.rates.get(usize::from(id.0))
    }

    fn index(&mut self, service: Service, direction: Direction, known: RateIndexInput) {
        let of_class = |rate: &Rate| rate.service == service && rate.direction == direction;
        let mut home = Vec::new();
        let mut anywhere = Vec::new();
        let mut of_network: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, rate) in self.rates.iter().enumerate().filter(|(_, rate)| of_class(rate)) {
            match &rate.visited {
                Visited::Home => home.push(at),
                Visited::Any => anywhere.push(at),
                Visited::Networks(networks) => {
                    networks.iter().for_each(|network| of_network.entry(network.0.into()).or_default().push(at));
                }
            }
        }
        let home = self.add_table(home, known.zones);
        let elsewhere = self.add_table(anywhere.clone(), known.zones);
        self.table_of.extend([home, elsewhere]);
        let networks_start = self.table_of.len();
        self.table_of.resize(networks_start.saturating_add(known.networks), elsewhere);
        // Partners whose lists are equal share a table.
        let mut shared: HashMap<Vec<usize>, u32> = HashMap::new();
        for (network, named) in of_network {
            let table = match shared.get(&named) {
                Some(table) => *table,
                None => {
                    let table = self.add_table([named.as_slice(), &anywhere].concat(), known.zones);
                    shared.insert(named, table);
                    table
                }
            };
            if let Some(slot) = self.table_of.get_mut(networks_start.saturating_add(network)) {
                *slot = table;
            }
        }
    }

    /// Adds the table of some rates, all of one class and place.
    fn add_table(&mut self, mut fitting: Vec<usize>, zones: usize) -> u32 {
        if fitting.is_empty() {
            return NO_TABLE;
        }
        // The order of the file among equals.
        fitting.sort_unstable();
        let mut any = Vec::new();
        let mut named: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for at in fitting {
            match self.rates.get(at).map(|rate| &rate.zones) {
                Some(Zones::These(zones)) => {
                    zones.iter().for_each(|zone| named.entry(zone.0.into()).or_default().push(at));
                }
                Some(Zones::Any) => any.push(at),
                None => {}
            }
        }
        let any_run = self.add_run(&any);
        let mut runs = vec![any_run; zones.saturating_add(1)];
        for (zone, mut rates) in named {
            rates.extend(&any);
            let run = self.add_run(&rates);
            if let Some(slot) = runs.get_mut(zone.saturating_add(1)) {
                *slot = run;
            }
        }
        let table = u32::try_from(self.tables.len()).unwrap_or(NO_TABLE);
        self.tables.push(runs);
        table
    }

    fn add_run(&mut self, rates: &[usize]) -> (u32, u32) {
        let mut sorted: Vec<(usize, &Rate)> =
            rates.iter().filter_map(|at| self.rates.get(*at).map(|rate| (*at, rate))).collect();
        sorted.sort_by_key(|(_, rate)| (rate.zones == Zones::Any, rate.window.is_none(), rate.visited == Visited::Any));
        let start = u32::try_from(self.ordered.len()).unwrap_or(u32::MAX);
        self.ordered.extend(sorted.iter().filter_map(|(at, _)| u16::try_from(*at).ok().map(RateId)));
        self.flat.extend(sorted.iter().map(|(_, rate)| FlatRate::of(rate)));
        (start, u32::try_from(self.ordered.len()).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Measure, NetworkId, Presence, Step, ZoneId};
    use super::*;
    use crate::units::UnitPrice;
    use proptest::prelude::*;

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
    fn visited() -> impl Strategy<Value = Visited> {
        prop_oneof![
            Just(Visited::Home),
            Just(Visited::Any),
            prop::collection::btree_set(0u16..4, 1..4)
                .prop_map(|networks| Visited::Networks(networks.into_iter().map(NetworkId).collect())),
        ]
    }

    fn zones() -> impl Strategy<Value = Zones> {
        prop_oneof![
            Just(Zones::Any),
            prop::collection::btree_set(0u16..5, 1..5)
                .prop_map(|zones| Zones::These(zones.into_iter().map(ZoneId).collect())),
        ]
    }

    proptest! {
        #[test]
        fn the_index_finds_what_a_scan_finds(
            parts in prop::collection::vec((zones(), prop::option::of(0u16..3), visited(), 0usize..3, 0usize..5), 0..12),
        ) {
            let rates: Vec<Rate> = parts
                .into_iter()
                .map(|(zones, window, visited, direction, service)| Rate {
                    service: Service::ALL[service],
                    direction: Direction::ALL[direction],
                    ..rate(zones, window, visited)
                })
                .collect();
            let plan = Plan::new(rates.clone(), vec![], Tiyn::ZERO, RateIndexInput { zones: 6, networks: 5 });
            let presences = (0..5).map(|network| Presence::Network(NetworkId(network)));
            for presence in presences.chain([Presence::Home, Presence::Elsewhere]) {
                for zone in (0..6).map(|zone| Some(ZoneId(zone))).chain([None]) {
                    for (service, direction) in Service::ALL.iter().flat_map(|s| Direction::ALL.iter().map(|d| (*s, *d))) {
                        let usage = UsageClass { service, direction, presence, zone };
                        let mut naive: Vec<u16> = (0..12).filter(|at| {
                            rates.get(usize::from(*at)).is_some_and(|rate| rate.covers(usage))
                        }).collect();
                        naive.sort_by_key(|at| {
                            let rate = &rates[usize::from(*at)];
                            (rate.zones == Zones::Any, rate.window.is_none(), rate.visited == Visited::Any)
                        });
                        let found: Vec<u16> = plan.candidates(usage).iter().map(|id| id.0).collect();
                        prop_assert_eq!(found, naive, "{:?}", usage);
                    }
                }
            }
        }
    }
}
