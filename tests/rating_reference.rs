//! Rating held against a second rater that is plain, slow and obviously right, on random tariffs and usage.
//!
//! Cases gather where mistakes live: at multiples of a unit, at window edges, at the nights when clocks or the VAT
//! changed, at balances that are the exact cost of some units, each ± 1. The seed is fixed; `PROPTEST_CASES` and
//! `PROPTEST_RNG_SEED` ask for more and for others.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod reference;

use chrono::NaiveDate;
use chrono_tz::Tz;
use esep::book::{AccountNo, Funds};
use esep::law::{VatRate, vat_rate_on};
use esep::rate::{self, Basis, Moments, Quote, affordable_units, charge_of, settle_in_full, settle_up_to};
use esep::record::{Direction, Service};
use esep::tariff::{
    self, Holidays, Measure, NetworkId, Plan, PlanId, Presence, RateIndexInput, Rounding, Tariffs, UsageClass, Version,
    Visited, ZoneId, Zones,
};
use esep::units::{InstantMs, LocalDay, Tiyn, UnitPrice, Zone};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::RngSeed;
use rust_decimal::Decimal;
use std::sync::LazyLock;

fn config() -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig {
        cases: std::env::var_os("PROPTEST_CASES").map_or(2_000, |_| asked.cases),
        rng_seed: if asked.rng_seed == RngSeed::Random { RngSeed::Fixed(48) } else { asked.rng_seed },
        failure_persistence: None,
        ..asked
    }
}

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const KB: u64 = 1024;
const MB: u64 = 1024 * KB;
/// A unit-by-unit walk must end in reasonable time.
const UNITS_MAX: u64 = 3_000;

/// A time zone with instants at which its clocks, or the VAT at its midnight, changed.
struct Clock {
    tz: Tz,
    zone: Zone,
    changes: Vec<i64>,
}

static CLOCKS: LazyLock<Vec<Clock>> = LazyLock::new(|| {
    let clock = |name: &str, changes: &[&str]| Clock {
        tz: name.parse().unwrap(),
        zone: Zone::parse(name).unwrap(),
        changes: changes
            .iter()
            .map(|text| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
            .collect(),
    };
    vec![
        clock(
            "Asia/Almaty",
            &[
                "2024-02-29T18:00:00Z",
                "2024-03-01T00:00:00+05:00",
                "2009-01-01T00:00:00+06:00",
                "2026-01-01T00:00:00+05:00",
            ],
        ),
        clock("Asia/Qyzylorda", &["2018-12-20T18:00:00Z", "2018-12-21T00:00:00+05:00"]),
        clock("UTC", &["2026-01-01T00:00:00Z"]),
        clock("Europe/Berlin", &["2026-03-29T01:00:00Z", "2025-10-26T01:00:00Z"]),
        // Midnight itself comes twice, or not at all.
        clock("America/Havana", &["2025-11-02T05:00:00Z", "2026-03-08T05:00:00Z"]),
        // Half an hour.
        clock("Australia/Lord_Howe", &["2026-04-04T15:00:00Z", "2025-10-04T15:30:00Z"]),
    ]
});

/// Days around weekends, holidays and the ends of years.
const DAYS: [(i32, u32, u32); 10] = [
    (2008, 12, 31),
    (2024, 2, 29),
    (2024, 3, 1),
    (2025, 12, 31),
    (2026, 1, 1),
    (2026, 3, 6),
    (2026, 3, 7),
    (2026, 3, 8),
    (2026, 3, 22),
    (2026, 3, 23),
];

fn date((year, month, day): (i32, u32, u32)) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

/// A random case: a tariff as written, and one usage of it.
#[derive(Clone, Debug)]
struct Case {
    /// Index of [`CLOCKS`].
    clock: usize,
    written: reference::Tariff,
    usage: reference::Usage,
    offered: Vec<(Measure, u64)>,
}

/// A case as the program sees it.
struct Compiled {
    version: Version,
    plan: Plan,
    usage: rate::Usage,
    vat: VatRate,
}

impl Case {
    fn compile(&self) -> Compiled {
        let written = &self.written;
        let day = LocalDay::from_ymd(2000, 1, 1).unwrap();
        let zone = CLOCKS[self.clock].zone.clone();
        let mask = |days: &[bool; 7]| (0..7).filter(|day| days[*day]).fold(0, |mask, day| mask | 1 << day);
        let windows = written.windows.iter().map(|window| tariff::Window {
            name: String::new(),
            days: mask(&window.days),
            from_ms: window.from_ms,
            to_ms: window.to_ms,
        });
        let holidays = written.holidays.iter().map(|day| LocalDay::parse(day.to_string()).unwrap());
        let at = InstantMs(self.usage.at_ms);
        let version = Version {
            name: "random".into(),
            currency: "KZT".into(),
            valid_from: day,
            starts_at: zone.start_of_day(day),
            prices_include_vat: written.prices_include_vat,
            rounding: if written.round_unit_price { Rounding::UnitPrice } else { Rounding::Charge },
            split: written.split,
            holidays: Holidays::new(holidays.collect()),
            screening: vec![],
            interconnect: vec![],
            windows: windows.collect(),
            zone_kinds: vec![],
            plans: vec![],
            zone,
        };
        let rates = written.rates.iter().map(|rate| compile_rate(rate, written.round_unit_price));
        let plan = Plan::new(rates.collect(), vec![], Tiyn::ZERO, RateIndexInput { zones: 2, networks: 1 });
        let usage = &self.usage;
        let usage = rate::Usage {
            at,
            duration_ms: i64::try_from(usage.amount).unwrap(),
            bytes: usage.amount,
            quantity: usage.amount,
            timed: true,
            class: UsageClass {
                service: usage.service,
                direction: usage.direction,
                presence: if usage.roaming { Presence::Network(NetworkId(0)) } else { Presence::Home },
                zone: usage.zone.map(ZoneId),
            },
        };
        let vat = vat_rate_on(version.zone.local(at).day);
        Compiled { version, plan, usage, vat }
    }
}

fn compile_rate(rate: &reference::Rate, round_unit_price: bool) -> tariff::Rate {
    let price = |step: &reference::Step| {
        let cut = UnitPrice::cut(step.price_micro, step.unit, step.price_per).unwrap();
        if round_unit_price { cut.rounded_half_up_to_tiyn().unwrap() } else { cut }
    };
    tariff::Rate {
        service: rate.service,
        direction: rate.direction,
        visited: if rate.roaming { Visited::Any } else { Visited::Home },
        zones: rate.zone.map_or(Zones::Any, |zone| Zones::These(vec![ZoneId(zone)])),
        window: rate.window.map(|window| u16::try_from(window).unwrap()),
        measure: rate.measure,
        steps: rate
            .steps
            .iter()
            .map(|step| tariff::Step {
                units: step.units.map(|units| units as u64),
                unit: step.unit,
                price: price(step),
            })
            .collect(),
        connect_fee_micro_tenge: rate.connect_fee_micro,
        minimum_units: rate.minimum_units as u64,
        free_ms: i64::try_from(rate.free_ms).unwrap(),
    }
}

impl Compiled {
    fn quote(&self, offered: &[(Measure, u64)]) -> Option<Quote> {
        rate::quote(&self.version, &self.plan, &self.usage, offered)
    }
}

// Random tariffs.

fn measures() -> impl Strategy<Value = Measure> {
    prop_oneof![8 => Just(Measure::Time), 2 => Just(Measure::Volume), 1 => Just(Measure::Events)]
}

fn units_of(measure: Measure) -> Vec<u64> {
    match measure {
        Measure::Time => vec![10 * SECOND, SECOND, 7 * SECOND, MINUTE, 30 * SECOND, 6 * SECOND, 9_999],
        Measure::Volume => vec![MB, KB, 1_000, 1_000_000],
        Measure::Events => vec![1, 3],
    }
}

/// Spans that a price may be written for, besides the unit itself.
fn spans_of(measure: Measure) -> Vec<u64> {
    match measure {
        Measure::Time => vec![MINUTE, 3 * SECOND, 6 * SECOND, 7 * SECOND, 60 * MINUTE],
        Measure::Volume => vec![MB, 1_000_000, 7 * KB, 3 * KB],
        Measure::Events => vec![3, 6, 7, 60],
    }
}

fn prices() -> impl Strategy<Value = i64> {
    let halves_and_others = vec![
        0,
        4_500_000,
        11_500_000,
        33_300,
        5_000,
        4_999,
        5_001,
        95_000_000,
        1,
        30_000,
        29_999,
        15_000,
        9_999_999_999,
    ];
    prop_oneof![4 => select(halves_and_others), 2 => 0..20_000_000i64, 1 => (0..2_000i64).prop_map(|n| n * 5_000)]
}

fn steps(measure: Measure) -> impl Strategy<Value = Vec<reference::Step>> {
    let step = (1usize..=7, select(units_of(measure)), prices(), proptest::option::of(select(spans_of(measure))));
    (proptest::collection::vec(step, 1..=3), any::<bool>()).prop_map(|(mut steps, single)| {
        steps.truncate(if single { 1 } else { 3 });
        let last = steps.pop().unwrap();
        let step = |units, (_, unit, price_micro, span): (_, _, _, Option<u64>)| reference::Step {
            units,
            unit,
            price_micro,
            price_per: span.unwrap_or(unit),
        };
        let mut steps: Vec<_> = steps.into_iter().map(|seed| step(Some(seed.0), seed)).collect();
        steps.push(step(None, last));
        steps
    })
}

fn connect_fees() -> impl Strategy<Value = i64> {
    prop_oneof![3 => Just(0), 2 => select(vec![3_000_000, 5_000, 4_999, 8_333, 8_334, 1]), 1 => 0..5_000_000i64]
}

/// A rate that mostly fits the usage that cases mostly have; its window is an index to be taken modulo their number.
fn rates(measure: Measure) -> impl Strategy<Value = reference::Rate> {
    let class = (
        prop_oneof![19 => Just(Service::Voice), 1 => Just(Service::Vas)],
        prop_oneof![19 => Just(Direction::Out), 1 => Just(Direction::In)],
        proptest::bool::weighted(0.1),
        prop_oneof![6 => Just(Some(0)), 1 => Just(Some(1)), 3 => Just(None)],
        proptest::option::weighted(0.6, 0usize..6),
    );
    let minimum = prop_oneof![3 => Just(0usize), 1 => 1usize..=3, 1 => 4usize..=15];
    let free = prop_oneof![
        4 => Just(0),
        1 => Just(5_000),
        1 => (1..4u64, select(units_of(Measure::Time))).prop_map(|(n, unit)| n * unit)
    ];
    (class, steps(measure), connect_fees(), minimum, free).prop_map(
        move |((service, direction, roaming, zone, window), steps, connect_fee_micro, minimum_units, free_ms)| {
            reference::Rate {
                service,
                direction,
                roaming,
                zone,
                window,
                measure,
                steps,
                connect_fee_micro,
                minimum_units,
                free_ms,
            }
        },
    )
}

/// Daily spans, within a day and past midnight, on the hour and off it.
fn windows() -> impl Strategy<Value = reference::Window> {
    let time = || {
        prop_oneof![
            4 => (0..48i64).prop_map(|half_hour| half_hour * HOUR_MS / 2),
            1 => 0..DAY_MS,
            1 => select(vec![1, DAY_MS - 1, 23 * HOUR_MS, 12 * HOUR_MS + 1])
        ]
    };
    let days = prop_oneof![
        Just([true; 7]),
        any::<[bool; 7]>(),
        (0..7usize).prop_map(|day| {
            let mut days = [false; 7];
            days[day] = true;
            days
        })
    ];
    (days, time(), time()).prop_map(|(days, from_ms, to_ms)| {
        // As long as a day is written 00:00–24:00.
        let (from_ms, to_ms) = if from_ms == to_ms { (0, DAY_MS) } else { (from_ms, to_ms) };
        // Up to midnight is 24:00.
        reference::Window { days, from_ms, to_ms: if to_ms == 0 { DAY_MS } else { to_ms } }
    })
}

fn tariffs(measure: Measure) -> impl Strategy<Value = (usize, reference::Tariff)> {
    let switches = (proptest::bool::weighted(0.7), proptest::bool::weighted(0.3), proptest::bool::weighted(0.6));
    let holidays = proptest::sample::subsequence(DAYS.to_vec(), 0..=3);
    // Nearly always there is a rate for the rest of the day.
    let rest = proptest::option::weighted(0.95, rates(measure));
    let clock = prop_oneof![6 => Just(0usize), 5 => 1usize..6];
    (
        clock,
        switches,
        holidays,
        proptest::collection::vec(windows(), 0..=3),
        proptest::collection::vec(rates(measure), 0..=4),
        rest,
    )
        .prop_map(|(clock, (prices_include_vat, round_unit_price, split), holidays, windows, mut rates, rest)| {
            for rate in &mut rates {
                rate.window = rate.window.filter(|_| !windows.is_empty()).map(|window| window % windows.len());
            }
            rates.extend(rest.map(|rate| reference::Rate {
                service: Service::Voice,
                direction: Direction::Out,
                roaming: false,
                zone: None,
                window: None,
                ..rate
            }));
            let tariff = reference::Tariff {
                time_zone: CLOCKS[clock].tz,
                prices_include_vat,
                round_unit_price,
                split,
                holidays: holidays.into_iter().map(date).collect(),
                windows,
                rates,
            };
            (clock, tariff)
        })
}

// Random usage, near the edges of its tariff.

/// How a usage begins: an instant, so many units before it, and a millisecond more or less.
#[derive(Clone, Debug)]
struct Beginning {
    anchor: Anchor,
    units_before: u64,
    jitter: i64,
}

#[derive(Clone, Debug)]
enum Anchor {
    /// The edge of a window on one of [`DAYS`].
    Edge { window: Index, opens: bool, day: (i32, u32, u32) },
    /// Near a change of the clocks or of the VAT, so many quarters of an hour away.
    Change { change: Index, quarters: i64 },
    /// Any time from 2008-01-02 on.
    Any(i64),
}

fn beginnings() -> impl Strategy<Value = Beginning> {
    let anchor = prop_oneof![
        4 => (any::<Index>(), any::<bool>(), select(DAYS.to_vec()))
            .prop_map(|(window, opens, day)| Anchor::Edge { window, opens, day }),
        3 => (any::<Index>(), prop_oneof![Just(0), -8..=8i64]).prop_map(|(change, quarters)| Anchor::Change { change, quarters }),
        2 => (1_199_232_000_000..1_830_000_000_000i64).prop_map(Anchor::Any),
    ];
    let units_before = prop_oneof![2 => Just(0u64), 4 => 1..=6u64, 1 => 7..=300u64];
    (anchor, units_before, -1..=1i64).prop_map(|(anchor, units_before, jitter)| Beginning {
        anchor,
        units_before,
        jitter,
    })
}

impl Beginning {
    fn at_ms(&self, clock: &Clock, tariff: &reference::Tariff, unit: u64) -> i64 {
        let anchor = match &self.anchor {
            Anchor::Any(at) => *at,
            Anchor::Change { change, quarters } => change.get(&clock.changes) + quarters * HOUR_MS / 4,
            Anchor::Edge { window, opens, day } => {
                let edge = match tariff.windows.as_slice() {
                    [] => 0,
                    windows if *opens => window.get(windows).from_ms,
                    windows => window.get(windows).to_ms,
                };
                let midnight = date(*day).and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis();
                midnight + edge - clock.zone.offset_ms(InstantMs(midnight))
            }
        };
        anchor - i64::try_from(self.units_before * unit.clamp(1, MINUTE)).unwrap() + self.jitter
    }
}

/// How much is used.
#[derive(Clone, Debug)]
enum Length {
    /// Around so many units of one length.
    Units { rate: Index, step: Index, units: u64 },
    /// Around the end of a step, and so many units more.
    Step { rate: Index, step: Index, more: u64 },
    /// Around the free seconds.
    Free { rate: Index },
    /// Next to nothing.
    Little,
    /// Anything, as a part of so many units.
    Any { rate: Index, thousandths: u64 },
}

fn lengths() -> impl Strategy<Value = Length> {
    let units = prop_oneof![8 => 0..=40u64, 1 => 41..=UNITS_MAX];
    prop_oneof![
        5 => (any::<Index>(), any::<Index>(), units).prop_map(|(rate, step, units)| Length::Units { rate, step, units }),
        4 => (any::<Index>(), any::<Index>(), 0..=3u64).prop_map(|(rate, step, more)| Length::Step { rate, step, more }),
        1 => any::<Index>().prop_map(|rate| Length::Free { rate }),
        1 => Just(Length::Little),
        2 => (any::<Index>(), 0..60_000u64).prop_map(|(rate, thousandths)| Length::Any { rate, thousandths }),
    ]
}

impl Length {
    fn amount(&self, tariff: &reference::Tariff, jitter: i64) -> u64 {
        let about = match self {
            Self::Units { rate, step, units } => units * step.get(&rate.get(&tariff.rates).steps).unit,
            Self::Step { rate, step, more } => {
                let steps = &rate.get(&tariff.rates).steps;
                let until = step.index(steps.len());
                let ended: u64 = steps[..until].iter().map(|step| step.units.unwrap_or(0) as u64 * step.unit).sum();
                ended + more * steps[until].unit
            }
            Self::Free { rate } => rate.get(&tariff.rates).free_ms,
            Self::Little => 1,
            Self::Any { rate, thousandths } => rate.get(&tariff.rates).steps[0].unit * thousandths / 1_000,
        };
        let shortest = tariff.rates.iter().flat_map(|rate| &rate.steps).map(|step| step.unit).min().unwrap_or(1);
        about.saturating_add_signed(jitter).min(UNITS_MAX * shortest)
    }
}

/// Allowances around whole units, with odd rests; some of another measure.
fn allowances() -> impl Strategy<Value = Vec<(Index, u64, i64, bool)>> {
    let rest = prop_oneof![2 => -1..=1i64, 1 => 0..10_000i64];
    let units = prop_oneof![1 => Just(0u64), 4 => 1..=8u64, 1 => 9..=200u64];
    let allowance = (any::<Index>(), units, rest, proptest::bool::weighted(0.1));
    prop_oneof![2 => Just(vec![]), 3 => proptest::collection::vec(allowance, 1..=3)]
}

/// Any tariff with any usage, and in a third of the cases a call that meets the edge of a window.
fn cases() -> impl Strategy<Value = Case> {
    let anything = measures()
        .prop_flat_map(|measure| (Just(measure), tariffs(measure)))
        .prop_filter("a tariff has a rate", |(_, (_, tariff))| !tariff.rates.is_empty());
    prop_oneof![
        2 => (anything, classes(), usages()).prop_map(|((measure, (clock, written)), class, used)| {
            case(measure, clock, written, class, used)
        }),
        1 => (split_tariffs(), usages_at_an_edge()).prop_map(|((clock, written), used)| {
            case(Measure::Time, clock, written, (Some(0), false), used)
        }),
    ]
}

/// Zone, and whether the subscriber roams.
type Class = (Option<u16>, bool);

fn classes() -> impl Strategy<Value = Class> {
    let zone = prop_oneof![9 => Just(Some(0)), 1 => Just(Some(1)), 1 => Just(None)];
    (zone, proptest::bool::weighted(0.05))
}

/// When, how much, more or less, and what allowances hold.
type Used = (Beginning, Length, i64, Vec<(Index, u64, i64, bool)>);

fn usages() -> impl Strategy<Value = Used> {
    (beginnings(), lengths(), -1..=1i64, allowances())
}

/// A call that begins some units before an edge, or before the clocks change, and mostly lasts until after it.
fn usages_at_an_edge() -> impl Strategy<Value = Used> {
    let begins = beginnings().prop_filter("at an edge", |beginning| !matches!(beginning.anchor, Anchor::Any(_)));
    (begins, 0..=9u64, any::<[Index; 2]>(), -1..=1i64, allowances()).prop_map(
        |(beginning, more, [rate, step], jitter, allowances)| {
            let units = beginning.units_before + more;
            (beginning, Length::Units { rate, step, units }, jitter, allowances)
        },
    )
}

/// Tariffs that split, of which each window has a rate, and the rest of the day too.
fn split_tariffs() -> impl Strategy<Value = (usize, reference::Tariff)> {
    let rates = proptest::collection::vec(rates(Measure::Time), 4);
    (tariffs(Measure::Time), windows(), rates).prop_map(|((clock, mut tariff), window, mut rates)| {
        tariff.split = true;
        tariff.windows.push(window);
        tariff.rates.clear();
        rates.truncate(tariff.windows.len() + 1);
        for (nth, rate) in rates.into_iter().enumerate() {
            let window = nth.checked_sub(1);
            let (service, direction) = (Service::Voice, Direction::Out);
            let zone = rate.zone.filter(|zone| *zone == 0 && window.is_some());
            tariff.rates.push(reference::Rate { service, direction, roaming: false, zone, window, ..rate });
        }
        (clock, tariff)
    })
}

fn case(measure: Measure, clock: usize, written: reference::Tariff, (zone, roaming): Class, used: Used) -> Case {
    let (beginning, length, jitter, allowances) = used;
    let steps: Vec<_> = written.rates.iter().flat_map(|rate| &rate.steps).collect();
    let offered = allowances.iter().map(|(step, units, rest, other)| {
        let held = (units * step.get(&steps).unit).saturating_add_signed(*rest);
        let another = if measure == Measure::Time { Measure::Volume } else { Measure::Time };
        (if *other { another } else { measure }, held)
    });
    let usage = reference::Usage {
        service: Service::Voice,
        direction: Direction::Out,
        roaming,
        zone,
        at_ms: beginning.at_ms(&CLOCKS[clock], &written, steps[0].unit),
        amount: length.amount(&written, jitter),
    };
    Case { clock, offered: offered.collect(), usage, written }
}

/// A balance: around the cost of some units, or any, or none, or less.
#[derive(Clone, Debug)]
enum Balance {
    CostOf { units: Index, jitter: i64 },
    Exactly(i64),
}

fn balances() -> impl Strategy<Value = Balance> {
    prop_oneof![
        8 => (any::<Index>(), -1..=1i64).prop_map(|(units, jitter)| Balance::CostOf { units, jitter }),
        1 => select(vec![0, 1, -1, -10_000, i64::MIN, i64::MAX]).prop_map(Balance::Exactly),
        1 => (-5_000..50_000i64).prop_map(Balance::Exactly),
    ]
}

impl Balance {
    fn tiyn(&self, charges: &[reference::Charge], basis: Basis) -> i64 {
        match self {
            Self::Exactly(tiyn) => *tiyn,
            Self::CostOf { units, jitter } => {
                let charge = units.get(charges);
                let cost = if basis == Basis::Net { charge.net } else { charge.gross };
                i64::try_from(cost).unwrap() + jitter
            }
        }
    }
}

fn decimal(amount: Tiyn) -> Decimal {
    Decimal::from(amount.get())
}

const BASES: [Basis; 2] = [Basis::Gross, Basis::Net];

// The program and the reference agree.

/// Whether a product that a flat price is divided by reaches 2⁶³.
fn leaves_63_bits(plan: &Plan, usage: &rate::Usage, quoted: &Quote) -> bool {
    let rate = &plan.rates[usize::from(quoted.rate.0)];
    let Some(step) = rate.steps.first() else { return true };
    let (divisor, unit) = (step.price.divisor() as u128, u128::from(step.unit));
    let tiyn = divisor * 10_000;
    let units = u128::from(quoted.units().max(rate.minimum_units));
    let fee = rate.connect_fee_micro_tenge as u128 * divisor;
    let sum = units * step.price.micro_tenge() as u128 + fee + tiyn / 2;
    let amount = u128::from(usage.amount(rate.measure).unwrap());
    sum * tiyn >= 1 << 63 || (amount + unit - 1) * unit >= 1 << 63
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn rating_1_4_to_1_6_units_equal_the_reference(case in cases()) {
        let compiled = case.compile();
        let quoted = compiled.quote(&case.offered);
        let expected = case.written.quote(&case.usage, &case.offered);
        prop_assert_eq!(quoted.is_some(), expected.is_some());
        let (Some(quoted), Some(expected)) = (quoted, expected) else { return Ok(()) };

        prop_assert_eq!(usize::from(quoted.rate.0), expected.rate);
        prop_assert_eq!(quoted.measure, expected.measure);
        prop_assert_eq!(quoted.minimum_units, expected.minimum_units as u64);
        let covered: Vec<_> = quoted.covered.iter().map(|c| (c.offered, c.units, c.amount)).collect();
        prop_assert_eq!(&covered, &expected.covered);
        let scale = Decimal::from(case.written.scale());
        prop_assert_eq!(Decimal::from(quoted.connect_fee_micro_tenge) * scale, expected.connect_fee);

        let paid: Vec<_> = quoted.runs.iter().flat_map(|run| (0..run.units).map(move |_| run)).collect();
        prop_assert_eq!(paid.len(), expected.paid.len());
        prop_assert_eq!(quoted.paid_units(), expected.paid.len() as u64);
        prop_assert_eq!(quoted.units(), quoted.paid_units() + quoted.covered_units());
        let mut length: u64 = covered.iter().map(|(_, _, amount)| amount).sum();
        prop_assert_eq!(quoted.length_of(0), length);
        for (nth, (run, unit)) in paid.iter().zip(&expected.paid).enumerate() {
            prop_assert_eq!(run.unit, unit.length, "unit {}", nth);
            let (price, divisor) = (Decimal::from(run.price.micro_tenge()), Decimal::from(run.price.divisor()));
            prop_assert_eq!(price * scale, unit.price * divisor, "unit {}", nth);
            length += unit.length;
            prop_assert_eq!(quoted.length_of(nth as u64 + 1), length);
        }
    }

    #[test]
    fn rating_1_5_charges_equal_the_reference(case in cases()) {
        let compiled = case.compile();
        let (Some(quoted), Some(expected)) =
            (compiled.quote(&case.offered), case.written.quote(&case.usage, &case.offered)) else { return Ok(()) };
        let percent = case.written.vat_percent(case.usage.at_ms);
        prop_assert_eq!(i64::from(compiled.vat.hundredths()), percent * 100);
        for (units, expected) in case.written.charges(&expected, percent).iter().enumerate() {
            let charge = charge_of(&compiled.version, &quoted, units as u64, compiled.vat).unwrap();
            let found = reference::Charge {
                net: decimal(charge.net),
                vat: decimal(charge.vat()),
                gross: decimal(charge.gross),
            };
            prop_assert_eq!(found, *expected, "{} units", units);
        }
    }

    /// What is priced without the book is priced as the book says; moments may have been asked for in any order.
    #[test]
    fn rating_1_5_a_flat_price_is_the_price_of_the_book(
        case in cases(),
        around in proptest::collection::vec((-3i64..4, -1i64..2), 0..6),
        hour in prop_oneof![Just(HOUR_MS), Just(HOUR_MS / 2), Just(DAY_MS)],
    ) {
        let Compiled { version, plan, usage, vat } = case.compile();
        let mut tariffs = Tariffs {
            versions: vec![version],
            zones: vec![],
            plans: vec![],
            networks: vec![],
            prefixes: Default::default(),
        };
        let mut later = case.compile().version;
        later.starts_at = usage.at.plus_ms(hour * 5);
        tariffs.versions.push(later);
        let mut moments = Moments::default();
        let nothing = Plan::new(vec![], vec![], Tiyn::ZERO, RateIndexInput { zones: 2, networks: 1 });
        for (hours, ms) in around.into_iter().chain([(0, 0)]) {
            let usage = rate::Usage { at: usage.at.plus_ms(hours * hour + ms), ..usage };
            let at = tariffs.version_at(usage.at);
            let Some(moment) = moments.at(&tariffs, usage.at) else {
                prop_assert_eq!(at, None);
                continue;
            };
            let version = &tariffs.versions[at.unwrap()];
            let day = version.zone.local(usage.at).day;
            prop_assert_eq!((Some(moment.version), moment.day, moment.vat), (at, day, vat_rate_on(day)));
            // What was chosen for another plan or another class is not for this one.
            let none = moment.price(&mut moments.choices, version, (PlanId(1), &nothing), usage.class, |_| Some(1));
            prop_assert_eq!(none, None);
            for direction in [Direction::In, Direction::Out] {
                let usage = rate::Usage { class: UsageClass { direction, ..usage.class }, ..usage };
                let quoted = rate::quote(version, &plan, &usage, &[]);
                let amount = |measure| usage.amount(measure);
                let plan_of_all = (PlanId(0), &plan);
                let priced = moment.price(&mut moments.choices, version, plan_of_all, usage.class, amount);
                // Never beyond what 63 bits say exactly, and always within, unless something is special.
                if let (Some(priced), Some(quoted)) = (priced, &quoted) {
                    prop_assert_eq!(priced.units, quoted.units());
                    prop_assert_eq!(priced.charge, settle_in_full(version, quoted, moment.vat).unwrap().charge);
                    prop_assert!(!leaves_63_bits(&plan, &usage, quoted));
                } else if let Some(quoted) = &quoted {
                    let rate = &plan.rates[usize::from(quoted.rate.0)];
                    let is_special = version.split || rate.steps.len() > 1 || leaves_63_bits(&plan, &usage, quoted);
                    prop_assert!(is_special, "{:?} is left to the book", rate);
                } else {
                    prop_assert_eq!(priced, None);
                }
            }
        }
        prop_assert_eq!(vat, vat_rate_on(tariffs.versions[0].zone.local(usage.at).day));
    }

    #[test]
    fn cell_48_the_cut_off_equals_the_reference(
        case in cases(),
        balances in proptest::collection::vec(balances(), 4),
    ) {
        let compiled = case.compile();
        let (Some(quoted), Some(expected)) =
            (compiled.quote(&case.offered), case.written.quote(&case.usage, &case.offered)) else { return Ok(()) };
        let Compiled { version, vat, usage, .. } = &compiled;
        let charges = case.written.charges(&expected, case.written.vat_percent(case.usage.at_ms));
        for (balance, basis) in balances.iter().flat_map(|balance| BASES.map(|basis| (balance, basis))) {
            let balance = Tiyn::new(balance.tiyn(&charges, basis));
            let settled = settle_up_to(version, &quoted, *vat, balance, basis, usage.at).unwrap();
            let expected = case.written.settle(&case.usage, &expected, decimal(balance), basis == Basis::Net);
            let found = reference::Settled {
                charge: reference::Charge {
                    net: decimal(settled.charge.net),
                    vat: decimal(settled.charge.vat()),
                    gross: decimal(settled.charge.gross),
                },
                not_owed: decimal(settled.not_owed),
                cut_off_ms: settled.cut_off_at.map(|at| at.0),
            };
            prop_assert_eq!(found, expected, "balance {}, {:?}", balance, basis);
        }
    }
}

// What holds whatever the tariff.

proptest! {
    #![proptest_config(config())]

    #[test]
    fn rating_1_5_the_cost_never_falls_with_the_units(case in cases()) {
        let compiled = case.compile();
        let Some(quoted) = compiled.quote(&case.offered) else { return Ok(()) };
        let cost = |units| charge_of(&compiled.version, &quoted, units, compiled.vat).unwrap();
        for units in 0..quoted.paid_units() {
            let (less, more) = (cost(units), cost(units + 1));
            prop_assert!(less.gross <= more.gross && less.net <= more.net, "{} units", units);
        }
        prop_assert_eq!(cost(0).gross, Tiyn::ZERO);
    }

    #[test]
    fn bt_16_1_net_and_vat_are_the_gross(case in cases()) {
        let compiled = case.compile();
        let Some(quoted) = compiled.quote(&case.offered) else { return Ok(()) };
        let charge = settle_in_full(&compiled.version, &quoted, compiled.vat).unwrap().charge;
        prop_assert_eq!(charge.net.checked_add(charge.vat()), Some(charge.gross));
        prop_assert!(Tiyn::ZERO <= charge.vat() && charge.vat() <= charge.gross);
        // The one that was rounded is within half a tiyn of the exact one: |100 vat − net × rate| ≤ 50 × (1 + rate).
        let percent = i128::from(compiled.vat.hundredths() / 100);
        let off = 100 * i128::from(charge.vat().get()) - i128::from(charge.net.get()) * percent;
        let bound = if case.written.prices_include_vat { (100 + percent) / 2 } else { 50 };
        prop_assert!(off.abs() <= bound, "{:?}", charge);
    }

    #[test]
    fn cell_48_what_is_charged_and_what_is_not_owed_are_the_full_charge(
        case in cases(),
        balance in prop_oneof![3 => 0..5_000i64, 2 => 0..500_000i64, 1 => -1_000..0i64],
        basis in select(BASES.to_vec()),
    ) {
        let compiled = case.compile();
        let Some(quoted) = compiled.quote(&case.offered) else { return Ok(()) };
        let Compiled { version, vat, usage, .. } = &compiled;
        let balance = Tiyn::new(balance);
        let full = settle_in_full(version, &quoted, *vat).unwrap();
        let settled = settle_up_to(version, &quoted, *vat, balance, basis, usage.at).unwrap();
        prop_assert_eq!(settled.charge.gross.checked_add(settled.not_owed), Some(full.charge.gross));
        prop_assert!(settled.not_owed >= Tiyn::ZERO);
        prop_assert_eq!(full.not_owed, Tiyn::ZERO);

        let after = balance.checked_sub(basis.debit(settled.charge)).unwrap();
        if balance >= Tiyn::ZERO {
            prop_assert!(after >= Tiyn::ZERO);
        } else {
            prop_assert_eq!(after, balance);
        }

        if settled == full {
            return Ok(());
        }
        // Cut: neither the whole nor one unit more was affordable, unless the minimum forbids all.
        prop_assert!(basis.debit(full.charge) > balance);
        let units = affordable_units(version, &quoted, *vat, balance, basis).unwrap();
        let cost = |units| basis.debit(charge_of(version, &quoted, units, *vat).unwrap());
        prop_assert!(units < quoted.paid_units());
        prop_assert!(units == 0 || units >= quoted.minimum_units);
        prop_assert_eq!(settled.charge, charge_of(version, &quoted, units, *vat).unwrap());
        let one_more = if units == 0 { quoted.minimum_units.max(1) } else { units + 1 };
        prop_assert!(cost(one_more) > balance);
        let cut_off_ms = settled.cut_off_at.map(|at| at.since(usage.at));
        let expected = (quoted.measure == Measure::Time).then(|| i64::try_from(quoted.length_of(units)).unwrap());
        prop_assert_eq!(cut_off_ms, expected);
    }

    /// Calls and payments of one account, booked in any order of their times.
    #[test]
    fn cell_48_ordinary_usage_never_drives_a_balance_below_zero(
        calls in proptest::collection::vec(cases(), 1..6),
        payments in proptest::collection::vec((0..6usize, -1..=1i64, 0..20_000i64), 0..4),
        opening in 0..10_000i64,
        basis in select(BASES.to_vec()),
    ) {
        let account = AccountNo(7);
        let mut funds = Funds::default();
        funds.open(account, Tiyn::new(opening));
        // Payments around the answers: 1 ms before, at, 1 ms after.
        funds.pay(payments.iter().map(|(call, jitter, amount)| {
            (account, InstantMs(calls[call % calls.len()].usage.at_ms + jitter), Tiyn::new(*amount))
        }));
        let mut debits = 0;
        for case in &calls {
            let compiled = case.compile();
            let Some(quoted) = compiled.quote(&case.offered) else { continue };
            let Compiled { version, vat, usage, .. } = &compiled;
            let before = funds.balance(account, usage.at);
            let paid: i64 = payments
                .iter()
                .filter(|(call, jitter, _)| calls[call % calls.len()].usage.at_ms + jitter <= usage.at.0)
                .map(|(_, _, amount)| amount)
                .sum();
            prop_assert_eq!(before.get(), opening + paid - debits);
            let settled = settle_up_to(version, &quoted, *vat, before, basis, usage.at).unwrap();
            funds.debit(account, basis.debit(settled.charge));
            debits += basis.debit(settled.charge).get();
            let after = funds.balance(account, usage.at);
            prop_assert!(after >= before.min(Tiyn::ZERO), "from {} to {}", before, after);
        }
        prop_assert!(funds.balance(account, InstantMs(i64::MAX)) >= Tiyn::ZERO);
    }

    /// Cutting a longer usage never costs less, and covers no fewer units.
    #[test]
    fn rating_1_5_a_longer_usage_never_has_fewer_units(case in cases(), more in 1..100_000u64) {
        let compiled = case.compile();
        let mut longer = compiled.usage;
        longer.duration_ms += i64::try_from(more).unwrap();
        longer.bytes += more;
        longer.quantity += more;
        let quoted = |usage| rate::quote(&compiled.version, &compiled.plan, usage, &[]);
        let (Some(short), Some(long)) = (quoted(&compiled.usage), quoted(&longer)) else { return Ok(()) };
        let cost = |quoted: &Quote| settle_in_full(&compiled.version, quoted, compiled.vat).unwrap().charge.gross;
        prop_assert!(short.units() <= long.units());
        prop_assert!(cost(&short) <= cost(&long));
    }
}

/// The generators reach what they are for: a property over nothing proves nothing.
#[test]
fn random_cases_reach_every_branch() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::new(config());
    let strategy = cases();
    let mut reached = std::collections::BTreeMap::new();
    let mut count = |name: &'static str, hit: bool| *reached.entry(name).or_insert(0) += u32::from(hit);
    for _ in 0..2_000 {
        let case = strategy.new_tree(&mut runner).unwrap().current();
        let compiled = case.compile();
        let quoted = compiled.quote(&case.offered);
        count("no rate", quoted.is_none());
        let Some(quoted) = quoted else { continue };
        let rate = &case.written.rates[usize::from(quoted.rate.0)];
        let whole = compiled.quote(&[]).unwrap();
        let natural = case.usage.amount;
        count("rated", true);
        count("in a window", rate.window.is_some());
        count("paid at two prices", quoted.runs.len() > 1);
        count("split over an edge", case.written.split && rate.steps.len() == 1 && whole.runs.len() > 1);
        count(
            "lifted by the minimum",
            whole.units() == rate.minimum_units as u64 && whole.length_of(whole.units()) > natural,
        );
        count("covered in part", quoted.covered_units() > 0 && quoted.paid_units() > 0);
        count("covered whole", quoted.covered_units() > 0 && quoted.paid_units() == 0);
        count("two allowances took part", quoted.covered.len() > 1);
        count("an allowance too small", !case.offered.is_empty() && quoted.covered.is_empty() && quoted.units() > 0);
        count("free", natural > 0 && quoted.units() == 0);
        count("a whole number of units", whole.length_of(whole.units()) == natural && natural > 0);
        count("one more than that", whole.units() > 0 && whole.length_of(whole.units() - 1) + 1 == natural);
        count("a cut price", quoted.runs.iter().any(|run| run.price.divisor() > 1));
        count("13 %", compiled.vat.hundredths() == 1_300);
        count("12 %", compiled.vat.hundredths() == 1_200);
        count("16 %", compiled.vat.hundredths() == 1_600);
        count("volume", quoted.measure == Measure::Volume);
        count("events", quoted.measure == Measure::Events);
        let day = |ms: i64| compiled.version.zone.offset_ms(compiled.usage.at.plus_ms(ms));
        count("clocks change during the call", day(0) != day(compiled.usage.duration_ms));
    }
    for (name, times) in &reached {
        println!("{times:5} {name}");
        assert!(*times >= 20, "{name}: {times} of 2000");
    }
}
