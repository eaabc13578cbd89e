//! The worked examples of rating 1.10 and of accounts and money 2.2, and tables on both sides of each boundary.
//!
//! Each expected value is worked from the paragraph by hand; the arithmetic stands beside the row where it is not plain.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

use esep::book::{AccountNo, Funds};
use esep::law::vat_rate_on;
use esep::rate::{BadCharge, Basis, Quote, Settled, Usage, charge_of, quote, settle_in_full, settle_up_to};
use esep::record::{AnsweredBy, Cause, Direction, Service, UsageRecord};
use esep::screen::{Destination, NumberForm, Screening, screen};
use esep::tariff::{
    Holidays, Measure, NetworkId, Plan, PlanId, Prefixes, Presence, Rate, RateId, RateIndexInput, Rounding, Step,
    Tariffs, UsageClass, Version, Visited, Window, ZoneId, ZoneKind, Zones,
};
use esep::tax;
use esep::units::{InstantMs, LocalDay, Tiyn, UnitPrice, Units, Zone};
use std::sync::LazyLock;

const LD: ZoneId = ZoneId(0);
const INT_A: ZoneId = ZoneId(1);
const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: i64 = 3_600_000;
const KB: u64 = 1024;
const MB: u64 = 1024 * KB;

/// A Tuesday noon, nothing special.
const NOON: &str = "2026-03-03T12:00:00+05:00";
/// The day before VAT became 16 %.
const NOON_12_PERCENT: &str = "2025-12-31T12:00:00+05:00";
const NOON_13_PERCENT: &str = "2008-05-06T12:00:00+06:00";

static ALMATY: LazyLock<Zone> = LazyLock::new(|| Zone::parse("Asia/Almaty").unwrap());

fn at(text: &str) -> InstantMs {
    InstantMs(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
}

fn tenge(text: &str) -> Tiyn {
    Tiyn::parse(text).unwrap()
}

fn micro(text: &str) -> i64 {
    UnitPrice::parse_micro(text).unwrap()
}

/// A step of all units that remain.
fn rest(unit: u64, price: &str) -> Step {
    Step { units: None, unit, price: UnitPrice::per_unit(micro(price)).unwrap() }
}

fn first(units: Units, unit: u64, price: &str) -> Step {
    Step { units: Some(units), ..rest(unit, price) }
}

/// A price written for a span, cut into units.
fn cut(unit: u64, price: &str, span: u64) -> Step {
    Step { units: None, unit, price: UnitPrice::cut(micro(price), unit, span).unwrap() }
}

/// The same as a tariff with `round = "unit_price"` compiles it.
fn cut_and_rounded(unit: u64, price: &str, span: u64) -> Step {
    let step = cut(unit, price, span);
    Step { price: step.price.rounded_half_up_to_tiyn().unwrap(), ..step }
}

/// A voice rate to a zone at home.
fn voice(zone: ZoneId, steps: Vec<Step>) -> Rate {
    Rate {
        service: Service::Voice,
        direction: Direction::Out,
        visited: Visited::Home,
        zones: Zones::These(vec![zone]),
        window: None,
        measure: Measure::Time,
        steps,
        connect_fee_micro_tenge: 0,
        minimum_units: 0,
        free_ms: 0,
    }
}

/// A tariff of one plan.
struct Tariff {
    version: Version,
    plan: Plan,
}

impl Tariff {
    fn new(rates: Vec<Rate>) -> Self {
        let day = LocalDay::parse("2000-01-01").unwrap();
        let version = Version {
            name: "worked-example".into(),
            currency: "KZT".into(),
            starts_at: ALMATY.start_of_day(day),
            zone: ALMATY.clone(),
            valid_from: day,
            prices_include_vat: true,
            rounding: Rounding::Charge,
            split: false,
            holidays: Holidays::default(),
            screening: vec![],
            interconnect: vec![],
            windows: vec![],
            zone_kinds: vec![Some(ZoneKind::LongDistance), Some(ZoneKind::International)],
            plans: vec![],
        };
        Self { version, plan: Plan::new(rates, vec![], Tiyn::ZERO, RateIndexInput { zones: 2, networks: 1 }) }
    }

    /// One rate to the long-distance zone.
    fn one(rate: Rate) -> Self {
        Self::new(vec![rate])
    }

    /// The plan of 1.10: LD 10 s at 4.50, INT zone A 60 s at 95.00, connect fee 0, VAT included.
    fn of_1_10() -> Self {
        Self::new(vec![
            voice(LD, vec![rest(10 * SECOND, "4.50")]),
            voice(INT_A, vec![rest(MINUTE, "95.00")]),
            Rate { visited: Visited::Any, ..voice(INT_A, vec![rest(MINUTE, "95.00")]) },
        ])
    }

    /// 4.50 a 10 s unit, 2.25 in the window.
    fn with_window(window: Window, split: bool) -> Self {
        Self::windowed(window, split, rest(10 * SECOND, "2.25"), rest(10 * SECOND, "4.50"))
    }

    fn windowed(window: Window, split: bool, within: Step, otherwise: Step) -> Self {
        let mut tariff =
            Self::new(vec![voice(LD, vec![otherwise]), Rate { window: Some(0), ..voice(LD, vec![within]) }]);
        tariff.version.windows = vec![window];
        tariff.version.split = split;
        tariff
    }

    fn without_vat(mut self) -> Self {
        self.version.prices_include_vat = false;
        self
    }

    fn quote(&self, usage: &Usage, allowances: &[u64]) -> Quote {
        let offered: Vec<_> = allowances.iter().map(|held| (Measure::Time, *held)).collect();
        quote(&self.version, &self.plan, usage, &offered).unwrap()
    }

    /// Units, and the whole charge as printed.
    fn rated(&self, usage: &Usage, allowances: &[u64]) -> (Units, String) {
        let quote = self.quote(usage, allowances);
        let charge = self.settled_in_full(usage, &quote).charge;
        (quote.units(), charge.gross.to_string())
    }

    fn settled_in_full(&self, usage: &Usage, quote: &Quote) -> Settled {
        settle_in_full(&self.version, quote, self.vat(usage)).unwrap()
    }

    fn settled(&self, usage: &Usage, allowances: &[u64], balance: Tiyn, basis: Basis) -> Settled {
        let quote = self.quote(usage, allowances);
        settle_up_to(&self.version, &quote, self.vat(usage), balance, basis, usage.at).unwrap()
    }

    /// The rate of the answer's local day.
    fn vat(&self, usage: &Usage) -> esep::law::VatRate {
        vat_rate_on(self.version.zone.local(usage.at).day)
    }
}

fn call(zone: ZoneId, answered: &str, duration_ms: i64) -> Usage {
    Usage {
        at: at(answered),
        duration_ms,
        bytes: 0,
        quantity: 1,
        timed: true,
        class: UsageClass {
            service: Service::Voice,
            direction: Direction::Out,
            presence: Presence::Home,
            zone: Some(zone),
        },
    }
}

/// Each row: duration, units, charge of a long-distance call at noon.
fn assert_calls(tariff: &Tariff, rows: &[(i64, Units, &str)]) {
    for (ms, units, charge) in rows {
        assert_eq!(tariff.rated(&call(LD, NOON, *ms), &[]), (*units, (*charge).to_owned()), "{ms} ms");
    }
}

/// Each row: duration, allowances, covered units, covered milliseconds, paid units, charge.
type Covering<'a> = (i64, &'a [u64], Units, u64, Units, &'a str);

fn assert_covered(tariff: &Tariff, rows: &[Covering<'_>]) {
    for (ms, allowances, covered, covered_ms, paid, charge) in rows {
        let usage = call(LD, NOON, *ms);
        let quote = tariff.quote(&usage, allowances);
        let amount: u64 = quote.covered.iter().map(|covered| covered.amount).sum();
        let gross = tariff.settled_in_full(&usage, &quote).charge.gross.to_string();
        let found = (quote.covered_units(), amount, quote.paid_units(), gross.as_str());
        assert_eq!(found, (*covered, *covered_ms, *paid, *charge), "{ms} ms, allowances {allowances:?}");
    }
}

/// What is expected after the cut-off; `cut_off_ms` counts from the answer.
#[derive(PartialEq, Eq, Debug)]
struct Cut {
    charge: String,
    not_owed: String,
    cut_off_ms: Option<i64>,
    balance: String,
}

impl Cut {
    fn new(charge: &str, not_owed: &str, cut_off_ms: Option<i64>, balance: &str) -> Self {
        Self { charge: charge.into(), not_owed: not_owed.into(), cut_off_ms, balance: balance.into() }
    }

    fn of(settled: &Settled, began_at: InstantMs, balance: Tiyn, basis: Basis) -> Self {
        Self {
            charge: settled.charge.gross.to_string(),
            not_owed: settled.not_owed.to_string(),
            cut_off_ms: settled.cut_off_at.map(|cut| cut.since(began_at)),
            balance: balance.checked_sub(basis.debit(settled.charge)).unwrap().to_string(),
        }
    }
}

/// Each row: balance before, charge, not owed, cut-off in milliseconds after the answer, balance after.
type CutRow<'a> = (&'a str, &'a str, &'a str, Option<i64>, &'a str);

fn assert_cuts(tariff: &Tariff, usage: &Usage, allowances: &[u64], basis: Basis, rows: &[CutRow<'_>]) {
    for (before, charge, not_owed, cut_off_ms, after) in rows {
        let settled = tariff.settled(usage, allowances, tenge(before), basis);
        let found = Cut::of(&settled, usage.at, tenge(before), basis);
        assert_eq!(found, Cut::new(charge, not_owed, *cut_off_ms, after), "balance {before}");
    }
}

// 1.10, row by row.

#[test]
fn rating_1_10_calls_of_the_plan() {
    let plan = Tariff::of_1_10();
    for (zone, ms, units, charge) in [
        (LD, 1, 1, "4.50"),
        (LD, 10_000, 1, "4.50"),
        (LD, 10_001, 2, "9.00"),
        (LD, 61_000, 7, "31.50"),
        (INT_A, 60_000, 1, "95.00"),
        (INT_A, 60_001, 2, "190.00"),
        (LD, 0, 0, "0.00"),
    ] {
        assert_eq!(plan.rated(&call(zone, NOON, ms), &[]), (units, charge.to_owned()), "{zone:?} {ms} ms");
    }
}

#[test]
fn rating_1_10_small_prices_are_rounded_once_at_the_end() {
    for (price, ms, units, charge) in [("0.0333", 25_000, 3, "0.10"), ("0.0050", 10_000, 1, "0.01")] {
        let plan = Tariff::one(voice(LD, vec![rest(10 * SECOND, price)]));
        assert_eq!(plan.rated(&call(LD, NOON, ms), &[]), (units, charge.to_owned()), "{price}");
    }
}

#[test]
fn rating_1_10_the_unit_price_rounded_first() {
    let mut plan = Tariff::one(voice(LD, vec![cut_and_rounded(10 * SECOND, "11.50", MINUTE)]));
    plan.version.rounding = Rounding::UnitPrice;
    assert_calls(&plan, &[(125_000, 13, "24.96")]);
    // 13 × 11.50/6 = 24.9166…, the charge rounded instead.
    let plan = Tariff::one(voice(LD, vec![cut(10 * SECOND, "11.50", MINUTE)]));
    assert_calls(&plan, &[(125_000, 13, "24.92")]);
}

#[test]
fn rating_1_10_an_answered_call_that_ended_by_cause_41_is_charged() {
    let answered = at(NOON);
    let record = UsageRecord {
        record_id: b"1",
        call_ref: b"",
        part: 0,
        last: false,
        service: Service::Voice,
        a_number: b"77272501234",
        b_number: b"87172688900",
        setup_at: answered.plus_ms(-8_000),
        answer_at: Some(answered),
        release_at: Some(answered.plus_ms(30_000)),
        cause: Cause::Q850(41),
        answered_by: AnsweredBy::Subscriber,
        bytes_up: 0,
        bytes_down: 0,
        quantity: 1,
        visited_network: b"",
        realtime: true,
        direction: Direction::Out,
        redirect_reason: b"",
        charge_indicator: b"",
        corrects: b"",
        route_in: b"",
        route_out: b"",
        ambiguous: false,
    };
    let plan = Tariff::of_1_10();
    let screened = screen(&record, NumberForm::Dialled, Some(&plan.version));
    assert_eq!(screened, Screening::Billable { free: false, odd_cause: false });
    let usage = Usage { at: record.rated_at(), ..call(LD, NOON, record.duration_ms()) };
    assert_eq!(plan.rated(&usage, &[]), (3, "13.50".to_owned()));
}

#[test]
fn rating_1_10_after_plus_no_national_rule() {
    let (prefixes, errors) = Prefixes::build(&[("7", LD), ("81", INT_A)]);
    assert_eq!(errors, []);
    let Tariff { version, plan } = Tariff::of_1_10();
    let tariffs = Tariffs {
        versions: vec![Version { plans: vec![Some(plan)], ..version }],
        zones: vec!["kz-ld".into(), "intl-a".into()],
        plans: vec!["standard".into()],
        networks: vec![],
        prefixes,
    };
    let zone = Destination::normalise(b"+81312345678", b"77272501234", NumberForm::Dialled).zone(&tariffs);
    assert_eq!(zone, Some(INT_A));
    let version = &tariffs.versions[tariffs.version_at(at(NOON)).unwrap()];
    let plan = version.plan(PlanId(0)).unwrap();
    let usage = call(zone.unwrap(), NOON, 60_001);
    let quote = quote(version, plan, &usage, &[]).unwrap();
    let vat = vat_rate_on(version.zone.local(usage.at).day);
    let charge = charge_of(version, &quote, quote.paid_units(), vat).unwrap();
    assert_eq!((quote.units(), charge.gross), (2, tenge("190.00")));
}

#[test]
fn rating_1_10_steps_with_an_allowance_in_front() {
    let plan = Tariff::one(Rate {
        connect_fee_micro_tenge: micro("3.00"),
        ..voice(LD, vec![first(6, 10 * SECOND, "5"), rest(MINUTE, "20")])
    });
    let usage = call(LD, NOON, 125_000);
    let quote = plan.quote(&usage, &[25_000]);
    // 20 s free, 5 s stay; 105 s = 6 × 10 s and one more of 60 s.
    assert_eq!((quote.units(), quote.covered_units(), quote.covered[0].amount), (9, 2, 20_000));
    assert_eq!(plan.settled_in_full(&usage, &quote).charge.gross, tenge("53.00"));
}

#[test]
fn rating_1_10_friday_night_by_split() {
    let plan = Tariff::with_window(friday_night(), true);
    assert_eq!(plan.rated(&call(LD, "2026-03-07T06:59:45+05:00", 35_000), &[]), (4, "13.50".to_owned()));
}

#[test]
fn cell_48_1_10_a_call_that_outlasts_the_money() {
    let plan = Tariff::of_1_10();
    let usage = call(LD, NOON, 61_000);
    assert_eq!(plan.quote(&usage, &[]).units(), 7);
    assert_cuts(&plan, &usage, &[], Basis::Gross, &[("20.00", "18.00", "13.50", Some(40_000), "2.00")]);
}

#[test]
fn cell_48_1_10_roaming_not_in_real_time_is_owed_whole() {
    let plan = Tariff::of_1_10();
    let account = AccountNo(1);
    let mut funds = Funds::default();
    let mut usage = call(INT_A, NOON, 60_001);
    usage.class.presence = Presence::Elsewhere;
    let quote = plan.quote(&usage, &[]);
    let settled = plan.settled_in_full(&usage, &quote);
    assert_eq!((quote.units(), settled.charge.gross), (2, tenge("190.00")));
    assert_eq!((settled.not_owed, settled.cut_off_at), (Tiyn::ZERO, None));
    funds.debit(account, settled.charge.gross);
    assert_eq!(funds.balance(account, usage.at), tenge("-190.00"));
}

#[test]
fn cell_48_1_10_a_payment_at_the_very_instant_and_a_minimum() {
    let plan = Tariff::one(Rate {
        connect_fee_micro_tenge: micro("3.00"),
        minimum_units: 3,
        ..voice(LD, vec![rest(10 * SECOND, "4.50")])
    });
    let account = AccountNo(1);
    let mut funds = Funds::default();
    funds.open(account, tenge("5.00"));
    funds.pay([(account, at(NOON), tenge("15.00"))]);

    let usage = call(LD, NOON, 61_000);
    assert_eq!(plan.rated(&usage, &[]), (7, "34.50".to_owned()));
    let balance = funds.balance(account, usage.at);
    let settled = plan.settled(&usage, &[], balance, Basis::Gross);
    assert_eq!(Cut::of(&settled, usage.at, balance, Basis::Gross), Cut::new("16.50", "18.00", Some(30_000), "3.50"));
    funds.debit(account, settled.charge.gross);

    // Then 1 s more: three units at least, and 3.50 does not cover them.
    let next = call(LD, "2026-03-03T13:00:00+05:00", 1_000);
    let balance = funds.balance(account, next.at);
    assert_eq!(balance, tenge("3.50"));
    let settled = plan.settled(&next, &[], balance, Basis::Gross);
    assert_eq!(Cut::of(&settled, next.at, balance, Basis::Gross), Cut::new("0.00", "16.50", Some(0), "3.50"));
}

// 2.2.

#[test]
fn bt_16_1_budget_payments_lose_their_vat() {
    for (paid_at, credited, vat) in
        [(NOON_13_PERCENT, "1061.95", "138.05"), (NOON_12_PERCENT, "1071.43", "128.57"), (NOON, "1034.48", "165.52")]
    {
        let taxed = tax::extract(tenge("1200.00"), vat_rate_on(ALMATY.local(at(paid_at)).day));
        assert_eq!((taxed.net, taxed.vat), (tenge(credited), tenge(vat)), "{paid_at}");
    }
}

#[test]
fn bt_16_1_negative_amounts_round_by_magnitude() {
    let rate = vat_rate_on(ALMATY.local(at(NOON)).day);
    for (gross, net, vat) in [
        ("-1200.00", "-1034.48", "-165.52"),
        // 0.29 / 1.16 = 0.25; 0.03 / 1.16 = 0.02586…
        ("-0.29", "-0.25", "-0.04"),
        ("-0.03", "-0.03", "0.00"),
    ] {
        let taxed = tax::extract(tenge(gross), rate);
        assert_eq!((taxed.net, taxed.vat), (tenge(net), tenge(vat)), "{gross}");
    }
    assert_eq!(tax::on_net(tenge("-4.50"), rate), Some(tenge("-0.72")));
}

#[test]
fn bt_16_1_usage_of_december_and_a_payment_of_january() {
    let plan = Tariff::one(voice(LD, vec![rest(MINUTE, "1200.00")]));
    let account = AccountNo(1);
    let mut funds = Funds::default();

    let usage = call(LD, "2025-12-15T12:00:00+05:00", 1_000);
    let charge = plan.settled_in_full(&usage, &plan.quote(&usage, &[])).charge;
    assert_eq!((charge.gross, charge.net, charge.vat()), (tenge("1200.00"), tenge("1071.43"), tenge("128.57")));
    funds.debit(account, Basis::Net.debit(charge));

    let paid_at = at("2026-01-20T10:00:00+05:00");
    let credited = tax::extract(tenge("1200.00"), vat_rate_on(ALMATY.local(paid_at).day)).net;
    funds.pay([(account, paid_at, credited)]);
    assert_eq!(funds.balance(account, InstantMs(paid_at.0 - 1)), tenge("-1071.43"));
    assert_eq!(funds.balance(account, paid_at), tenge("-36.95"));
}

#[test]
fn bt_16_1_the_rate_is_that_of_the_answers_local_day() {
    let plan = Tariff::one(voice(LD, vec![rest(MINUTE, "1200.00")]));
    for (answered, net, vat) in [
        ("2008-12-31T23:59:59.999+06:00", "1061.95", "138.05"),
        ("2009-01-01T00:00:00.000+06:00", "1071.43", "128.57"),
        ("2025-12-31T23:59:59.999+05:00", "1071.43", "128.57"),
        ("2026-01-01T00:00:00.000+05:00", "1034.48", "165.52"),
        // The same two instants in UTC: its day does not count.
        ("2025-12-31T18:59:59.999Z", "1071.43", "128.57"),
        ("2025-12-31T19:00:00.000Z", "1034.48", "165.52"),
    ] {
        // One minute: a call that begins in the old year ends in the new one.
        let usage = call(LD, answered, 60_000);
        let charge = plan.settled_in_full(&usage, &plan.quote(&usage, &[])).charge;
        assert_eq!((charge.net, charge.vat()), (tenge(net), tenge(vat)), "{answered}");
        assert_eq!(charge.gross, tenge("1200.00"), "{answered}");
    }
}

#[test]
fn rating_1_5_tariffs_without_vat_round_the_net_charge_then_add_vat() {
    let rows = [
        // 4.50 × 16 % = 0.72; × 12 % = 0.54; × 13 % = 0.585.
        ("4.50", 10_000, NOON, "4.50", "0.72", "5.22"),
        ("4.50", 10_000, NOON_12_PERCENT, "4.50", "0.54", "5.04"),
        ("4.50", 10_000, NOON_13_PERCENT, "4.50", "0.59", "5.09"),
        ("4.50", 61_000, NOON, "31.50", "5.04", "36.54"),
        // 0.0149 → 0.01, and its VAT 0.0016 → 0.00; unrounded it would be 0.0173 → 0.02.
        ("0.0149", 10_000, NOON, "0.01", "0.00", "0.01"),
        // 3 × 0.0333 = 0.0999 → 0.10; VAT 0.016 → 0.02.
        ("0.0333", 25_000, NOON, "0.10", "0.02", "0.12"),
        ("0.0333", 25_000, NOON_12_PERCENT, "0.10", "0.01", "0.11"),
        ("0.0049", 10_000, NOON, "0.00", "0.00", "0.00"),
        ("1200", 10_000, NOON_13_PERCENT, "1200.00", "156.00", "1356.00"),
    ];
    for (price, ms, answered, net, vat, gross) in rows {
        let plan = Tariff::one(voice(LD, vec![rest(10 * SECOND, price)])).without_vat();
        let usage = call(LD, answered, ms);
        let charge = plan.settled_in_full(&usage, &plan.quote(&usage, &[])).charge;
        let found = (charge.net, charge.vat(), charge.gross);
        assert_eq!(found, (tenge(net), tenge(vat), tenge(gross)), "{price}, {ms} ms, {answered}");
    }
}

// Units, steps, minimum, free seconds.

#[test]
fn bt_16_2_every_started_unit_counts() {
    let plan = Tariff::of_1_10();
    for (zone, ms, units) in [
        (LD, 9_999, 1),
        (LD, 10_000, 1),
        (LD, 10_001, 2),
        (LD, 19_999, 2),
        (LD, 20_000, 2),
        (LD, 20_001, 3),
        (LD, 3_600_000, 360),
        (LD, 3_600_001, 361),
        (INT_A, 1, 1),
        (INT_A, 59_999, 1),
        (INT_A, 120_000, 2),
        (INT_A, 120_001, 3),
    ] {
        assert_eq!(plan.quote(&call(zone, NOON, ms), &[]).units(), units, "{zone:?} {ms} ms");
    }
}

#[test]
fn rating_1_4_a_first_minute_whole_then_by_ten_seconds() {
    let plan = Tariff::one(voice(LD, vec![first(1, MINUTE, "27.00"), rest(10 * SECOND, "4.50")]));
    assert_calls(
        &plan,
        &[
            (0, 0, "0.00"),
            (1, 1, "27.00"),
            (59_999, 1, "27.00"),
            (60_000, 1, "27.00"),
            (60_001, 2, "31.50"),
            (70_000, 2, "31.50"),
            (70_001, 3, "36.00"),
        ],
    );
}

#[test]
fn rating_1_4_first_units_at_one_price_the_rest_at_another() {
    let plan = Tariff::one(voice(LD, vec![first(3, 10 * SECOND, "1.00"), rest(10 * SECOND, "2.00")]));
    assert_calls(&plan, &[(29_999, 3, "3.00"), (30_000, 3, "3.00"), (30_001, 4, "5.00"), (40_001, 5, "7.00")]);
    let three = vec![first(6, 10 * SECOND, "5"), first(1, 30 * SECOND, "9"), rest(MINUTE, "20")];
    assert_calls(
        &Tariff::one(voice(LD, three)),
        &[
            (50_001, 6, "30.00"),
            (60_000, 6, "30.00"),
            (60_001, 7, "39.00"),
            (90_000, 7, "39.00"),
            (90_001, 8, "59.00"),
            (150_000, 8, "59.00"),
            (150_001, 9, "79.00"),
        ],
    );
}

#[test]
fn rating_1_4_minimum_units() {
    let plan = Tariff::one(Rate { minimum_units: 3, ..voice(LD, vec![rest(10 * SECOND, "4.50")]) });
    assert_calls(
        &plan,
        &[(0, 0, "0.00"), (1, 3, "13.50"), (20_001, 3, "13.50"), (30_000, 3, "13.50"), (30_001, 4, "18.00")],
    );
    // Over steps: 2 × 1.00 and 2 × 3.00; they last 20 + 120 s.
    let steps = vec![first(2, 10 * SECOND, "1.00"), rest(MINUTE, "3.00")];
    let plan = Tariff::one(Rate { minimum_units: 4, ..voice(LD, steps) });
    assert_calls(
        &plan,
        &[(0, 0, "0.00"), (1, 4, "8.00"), (20_001, 4, "8.00"), (140_000, 4, "8.00"), (140_001, 5, "11.00")],
    );
}

#[test]
fn rating_1_4_free_seconds_are_a_threshold() {
    let plan = Tariff::one(Rate {
        free_ms: 5_000,
        minimum_units: 3,
        connect_fee_micro_tenge: micro("3.00"),
        ..voice(LD, vec![rest(10 * SECOND, "4.50")])
    });
    assert_calls(
        &plan,
        &[
            (0, 0, "0.00"),
            (1, 0, "0.00"),
            (4_999, 0, "0.00"),
            (5_000, 0, "0.00"),
            // The whole call, from its first second: 3 × 4.50 + 3.00.
            (5_001, 3, "16.50"),
            (30_001, 4, "21.00"),
        ],
    );
    // The threshold comes before allowances: nothing is consumed.
    assert_covered(&plan, &[(5_000, &[60_000], 0, 0, 0, "0.00"), (5_001, &[60_000], 3, 30_000, 0, "0.00")]);
}

#[test]
fn rating_1_4_a_connect_fee_is_taken_once() {
    let fee = |fee: &str, price: &str| {
        Tariff::one(Rate { connect_fee_micro_tenge: micro(fee), ..voice(LD, vec![rest(10 * SECOND, price)]) })
    };
    assert_calls(&fee("3.00", "4.50"), &[(0, 0, "0.00"), (1, 1, "7.50"), (61_000, 7, "34.50")]);
    // It is rounded with the units, not before.
    assert_calls(&fee("0.004999", "0"), &[(1, 1, "0.00")]);
    assert_calls(&fee("0.005", "0"), &[(1, 1, "0.01")]);
    assert_calls(&fee("0.004999", "0.000001"), &[(1, 1, "0.01"), (10_001, 2, "0.01")]);
    assert_calls(&fee("0.004", "0.004"), &[(10_000, 1, "0.01"), (10_001, 2, "0.01"), (20_001, 3, "0.02")]);
}

// Prices.

#[test]
fn rating_1_5_a_price_for_a_longer_span_is_cut_exactly() {
    let plan = |step| Tariff::one(voice(LD, vec![step]));
    // 11.50/6 = 1.91666…
    assert_calls(
        &plan(cut(10 * SECOND, "11.50", MINUTE)),
        &[(10_000, 1, "1.92"), (20_000, 2, "3.83"), (30_000, 3, "5.75"), (60_000, 6, "11.50"), (125_000, 13, "24.92")],
    );
    // 12.00 × 7/60 = 1.40.
    assert_calls(&plan(cut(7 * SECOND, "12.00", MINUTE)), &[(1, 1, "1.40"), (7_001, 2, "2.80"), (60_000, 9, "12.60")]);
    // A half that only the exact fraction shows: 0.03/6 = 0.005, 3 × 0.005 = 0.015.
    assert_calls(
        &plan(cut(10 * SECOND, "0.03", MINUTE)),
        &[(10_000, 1, "0.01"), (20_000, 2, "0.01"), (30_000, 3, "0.02")],
    );
    assert_calls(&plan(cut(SECOND, "1.00", 3 * SECOND)), &[(1_000, 1, "0.33"), (2_000, 2, "0.67"), (3_000, 3, "1.00")]);
    // 0.10/7: 3 units 0.042857…, 4 units 0.057142…, 7 units 0.10.
    assert_calls(&plan(cut(SECOND, "0.10", 7 * SECOND)), &[(3_000, 3, "0.04"), (4_000, 4, "0.06"), (7_000, 7, "0.10")]);
    // Longer than its span: 0.50 for 1 s is 30.00 for 60 s.
    assert_calls(&plan(cut(MINUTE, "0.50", SECOND)), &[(1, 1, "30.00"), (60_001, 2, "60.00")]);
}

#[test]
fn rating_1_5_a_cut_price_and_a_fee_meet_exactly() {
    // 13 × 11.50/6 = 24.9166…; with 0.008333 it is 24.9249996…, with 0.008334 24.9250006….
    for (fee, charge) in [("0.008333", "24.92"), ("0.008334", "24.93")] {
        let rate = voice(LD, vec![cut(10 * SECOND, "11.50", MINUTE)]);
        let plan = Tariff::one(Rate { connect_fee_micro_tenge: micro(fee), ..rate });
        assert_calls(&plan, &[(125_000, 13, charge)]);
    }
    // 1/3 + 1/7 + 0.5 = 41/42 = 0.976190…; 1/3 + 1/6 + 0.005 = 0.505.
    for (first_span, second_span, fee, charge) in
        [(3, 7, "0.5", "0.98"), (3, 6, "0.005", "0.51"), (3, 6, "0.004999", "0.50")]
    {
        let first = Step { units: Some(1), ..cut(SECOND, "1.00", first_span * SECOND) };
        let second = cut(SECOND, "1.00", second_span * SECOND);
        let plan = Tariff::one(Rate { connect_fee_micro_tenge: micro(fee), ..voice(LD, vec![first, second]) });
        assert_calls(&plan, &[(2_000, 2, charge)]);
    }
}

#[test]
fn rating_1_5_the_unit_price_may_be_rounded_first() {
    for (price, span, ms, units, by_charge, by_unit_price) in [
        ("11.50", MINUTE, 10_000, 1, "1.92", "1.92"),
        ("11.50", MINUTE, 60_000, 6, "11.50", "11.52"),
        // 3 × 0.0333 against 3 × 0.03.
        ("0.0333", 10 * SECOND, 25_000, 3, "0.10", "0.09"),
        // Just below the half a unit costs nothing.
        ("0.0049", 10 * SECOND, 60_000, 6, "0.03", "0.00"),
        ("0.0050", 10 * SECOND, 60_000, 6, "0.03", "0.06"),
        // 0.029999/6 = 0.004999…, 0.03/6 = 0.005.
        ("0.029999", MINUTE, 60_000, 6, "0.03", "0.00"),
        ("0.03", MINUTE, 60_000, 6, "0.03", "0.06"),
    ] {
        let rated = |step| Tariff::one(voice(LD, vec![step])).rated(&call(LD, NOON, ms), &[]);
        assert_eq!(rated(cut(10 * SECOND, price, span)), (units, by_charge.to_owned()), "{price}, {ms} ms");
        assert_eq!(rated(cut_and_rounded(10 * SECOND, price, span)), (units, by_unit_price.to_owned()), "{price}");
    }
    // The fee is no unit price: 2 × 1.92 + 0.004 = 3.844, + 0.005 = 3.845.
    for (fee, charge) in [("0.004", "3.84"), ("0.005", "3.85")] {
        let rate = voice(LD, vec![cut_and_rounded(10 * SECOND, "11.50", MINUTE)]);
        let mut plan = Tariff::one(Rate { connect_fee_micro_tenge: micro(fee), ..rate });
        plan.version.rounding = Rounding::UnitPrice;
        assert_calls(&plan, &[(20_000, 2, charge)]);
    }
}

#[test]
fn rating_1_5_of_several_rates_the_more_specific_one() {
    let any = |price| Rate { zones: Zones::Any, ..voice(LD, vec![rest(10 * SECOND, price)]) };
    let mut tariff = Tariff::new(vec![
        any("1.00"),
        Rate { window: Some(0), ..any("2.00") },
        voice(LD, vec![rest(10 * SECOND, "3.00")]),
        Rate { window: Some(0), ..voice(LD, vec![rest(10 * SECOND, "4.00")]) },
        Rate { visited: Visited::Any, ..any("5.00") },
        Rate { direction: Direction::Forward, ..any("6.00") },
        Rate { visited: Visited::Any, ..voice(INT_A, vec![rest(10 * SECOND, "7.00")]) },
    ]);
    tariff.version.windows = vec![daily(22 * HOUR, 7 * HOUR)];
    let night = "2026-03-03T23:00:00+05:00";
    let network = Presence::Network(NetworkId(0));
    for (zone, answered, presence, direction, charge) in [
        (Some(LD), NOON, Presence::Home, Direction::Out, "3.00"),
        (Some(LD), night, Presence::Home, Direction::Out, "4.00"),
        // The zone goes before the window.
        (Some(INT_A), night, Presence::Home, Direction::Out, "2.00"),
        (Some(INT_A), NOON, Presence::Home, Direction::Out, "1.00"),
        (None, NOON, Presence::Home, Direction::Out, "1.00"),
        (Some(LD), NOON, network, Direction::Out, "5.00"),
        (Some(LD), night, Presence::Elsewhere, Direction::Out, "5.00"),
        (Some(INT_A), night, Presence::Elsewhere, Direction::Out, "7.00"),
        (Some(LD), NOON, Presence::Home, Direction::Forward, "6.00"),
    ] {
        let mut usage = call(LD, answered, 1_000);
        usage.class = UsageClass { zone, presence, direction, ..usage.class };
        assert_eq!(tariff.rated(&usage, &[]).1, charge, "{zone:?} {answered} {presence:?} {direction}");
    }
}

#[test]
fn rating_1_2_no_rate_is_none_and_never_a_free_call() {
    let mut tariff = Tariff::new(vec![Rate { window: Some(0), ..voice(LD, vec![rest(10 * SECOND, "4.50")]) }]);
    tariff.version.windows = vec![daily(8 * HOUR, 20 * HOUR)];
    let quoted = |tariff: &Tariff, usage: &Usage| quote(&tariff.version, &tariff.plan, usage, &[]).map(|q| q.units());
    let mut untimed = call(LD, NOON, 0);
    untimed.timed = false;
    let mut sms = call(LD, NOON, 0);
    sms.class.service = Service::Sms;
    for (usage, units) in [
        (call(LD, "2026-03-03T07:59:59.999+05:00", 10_000), None),
        (call(LD, "2026-03-03T08:00:00.000+05:00", 10_000), Some(1)),
        (call(LD, "2026-03-03T19:59:59.999+05:00", 10_000), Some(1)),
        (call(LD, "2026-03-03T20:00:00.000+05:00", 10_000), None),
        // No window holds, so there is no rate, though nothing would be charged.
        (call(LD, "2026-03-03T20:00:00.000+05:00", 0), None),
        (call(INT_A, NOON, 10_000), None),
        // By time, and no release.
        (untimed, None),
        (sms, None),
    ] {
        assert_eq!(quoted(&tariff, &usage), units, "{usage:?}");
    }
    // By the answer's window the call may outlast it; by split each unit needs a rate.
    let outlasts = call(LD, "2026-03-03T19:59:55+05:00", 10_001);
    assert_eq!(quoted(&tariff, &outlasts), Some(2));
    tariff.version.split = true;
    assert_eq!(quoted(&tariff, &outlasts), None);
    assert_eq!(quoted(&tariff, &call(LD, "2026-03-03T19:59:55+05:00", 10_000)), Some(1));
}

#[test]
fn rating_1_5_a_version_holds_from_the_start_of_its_local_day() {
    let version = |day: &str| {
        let day = LocalDay::parse(day).unwrap();
        Version { valid_from: day, starts_at: ALMATY.start_of_day(day), ..Tariff::of_1_10().version }
    };
    let tariffs = Tariffs {
        versions: vec![version("2024-02-29"), version("2024-03-01"), version("2026-01-01")],
        zones: vec![],
        plans: vec![],
        networks: vec![],
        prefixes: Prefixes::default(),
    };
    for (answered, version) in [
        ("2024-02-28T23:59:59.999+06:00", None),
        ("2024-02-29T00:00:00.000+06:00", Some(0)),
        ("2024-02-29T23:59:59.999+06:00", Some(0)),
        // The hour came again: the day lasts until its second midnight.
        ("2024-02-29T23:00:00.000+05:00", Some(0)),
        ("2024-02-29T23:59:59.999+05:00", Some(0)),
        ("2024-03-01T00:00:00.000+05:00", Some(1)),
        ("2025-12-31T23:59:59.999+05:00", Some(1)),
        ("2026-01-01T00:00:00.000+05:00", Some(2)),
    ] {
        assert_eq!(tariffs.version_at(at(answered)), version, "{answered}");
    }
}

// Windows.

fn daily(from_ms: i64, to_ms: i64) -> Window {
    Window { name: "daily".into(), days: 0b111_1111, from_ms, to_ms }
}

/// Friday 22:00–07:00.
fn friday_night() -> Window {
    Window { days: 1 << 4, ..daily(22 * HOUR, 7 * HOUR) }
}

/// Each row: answer, duration, units, charge.
fn assert_at(tariff: &Tariff, rows: &[(&str, i64, Units, &str)]) {
    for (answered, ms, units, charge) in rows {
        let found = tariff.rated(&call(LD, answered, *ms), &[]);
        assert_eq!(found, (*units, (*charge).to_owned()), "{answered}, {ms} ms");
    }
}

#[test]
fn rating_1_5_the_answers_window_prices_the_whole_call() {
    let plan = Tariff::with_window(daily(22 * HOUR, 7 * HOUR), false);
    assert_at(
        &plan,
        &[
            ("2026-03-03T21:59:59.999+05:00", 30_000, 3, "13.50"),
            ("2026-03-03T22:00:00.000+05:00", 30_000, 3, "6.75"),
            ("2026-03-03T22:00:00.001+05:00", 30_000, 3, "6.75"),
            ("2026-03-03T00:00:00.000+05:00", 30_000, 3, "6.75"),
            ("2026-03-03T06:59:59.999+05:00", 30_000, 3, "6.75"),
            ("2026-03-03T07:00:00.000+05:00", 30_000, 3, "13.50"),
            ("2026-03-03T07:00:00.001+05:00", 30_000, 3, "13.50"),
            // Whatever the feed's offset.
            ("2026-03-03T01:59:59.999Z", 30_000, 3, "6.75"),
            ("2026-03-03T02:00:00.000Z", 30_000, 3, "13.50"),
        ],
    );
}

#[test]
fn rating_1_5_a_windows_weekday_is_that_of_its_start() {
    // 2026-03-06 is a Friday.
    assert_at(
        &Tariff::with_window(friday_night(), false),
        &[
            ("2026-03-05T23:00:00.000+05:00", 1_000, 1, "4.50"),
            ("2026-03-06T06:59:59.999+05:00", 1_000, 1, "4.50"),
            ("2026-03-06T21:59:59.999+05:00", 1_000, 1, "4.50"),
            ("2026-03-06T22:00:00.000+05:00", 1_000, 1, "2.25"),
            ("2026-03-06T23:59:59.999+05:00", 1_000, 1, "2.25"),
            ("2026-03-07T00:00:00.000+05:00", 1_000, 1, "2.25"),
            ("2026-03-07T06:59:59.999+05:00", 1_000, 1, "2.25"),
            ("2026-03-07T07:00:00.000+05:00", 1_000, 1, "4.50"),
            ("2026-03-07T22:00:00.000+05:00", 1_000, 1, "4.50"),
        ],
    );
}

#[test]
fn rating_1_5_holidays_count_as_sunday() {
    // 2026-03-22 is a Sunday; Monday the 23rd is Nauryz and a holiday of the file.
    let mut plan = Tariff::with_window(Window { days: 1 << 6, ..daily(0, 24 * HOUR) }, false);
    let rows = |monday: &'static str| {
        [
            ("2026-03-21T23:59:59.999+05:00", 1_000, 1, "4.50"),
            ("2026-03-22T00:00:00.000+05:00", 1_000, 1, "2.25"),
            ("2026-03-22T23:59:59.999+05:00", 1_000, 1, "2.25"),
            ("2026-03-23T00:00:00.000+05:00", 1_000, 1, monday),
            ("2026-03-23T23:59:59.999+05:00", 1_000, 1, monday),
            ("2026-03-24T00:00:00.000+05:00", 1_000, 1, "4.50"),
        ]
    };
    assert_at(&plan, &rows("4.50"));
    plan.version.holidays = Holidays::new(vec![LocalDay::parse("2026-03-23").unwrap()]);
    assert_at(&plan, &rows("2.25"));

    // Past midnight: a Monday night window does not start on that Monday, a Sunday one does.
    for (days, price) in [(1 << 0, "4.50"), (1 << 6, "2.25")] {
        let mut plan = Tariff::with_window(Window { days, ..daily(22 * HOUR, 7 * HOUR) }, false);
        plan.version.holidays = Holidays::new(vec![LocalDay::parse("2026-03-23").unwrap()]);
        assert_at(
            &plan,
            &[
                ("2026-03-23T23:00:00+05:00", 1_000, 1, price),
                ("2026-03-24T06:59:59.999+05:00", 1_000, 1, price),
                ("2026-03-24T07:00:00+05:00", 1_000, 1, "4.50"),
            ],
        );
    }
}

#[test]
fn rating_1_5_split_prices_each_unit_by_the_window_of_its_start() {
    let plan = Tariff::with_window(friday_night(), true);
    assert_at(
        &plan,
        &[
            // The second unit starts 1 ms before, at and 1 ms after 07:00.
            ("2026-03-07T06:59:49.999+05:00", 20_000, 2, "4.50"),
            ("2026-03-07T06:59:50.000+05:00", 20_000, 2, "6.75"),
            ("2026-03-07T06:59:50.001+05:00", 20_000, 2, "6.75"),
            ("2026-03-07T06:59:59.999+05:00", 10_001, 2, "6.75"),
            ("2026-03-07T07:00:00.000+05:00", 10_001, 2, "9.00"),
            // Into the window: one unit at 4.50, then 2.25 each.
            ("2026-03-06T21:59:55.000+05:00", 35_000, 4, "11.25"),
            ("2026-03-06T21:59:50.000+05:00", 20_000, 2, "6.75"),
            ("2026-03-06T21:59:50.001+05:00", 20_000, 2, "6.75"),
            ("2026-03-06T21:59:49.999+05:00", 20_000, 2, "9.00"),
            // A Thursday: no window.
            ("2026-03-05T21:59:55.000+05:00", 35_000, 4, "18.00"),
            // Over midnight, within it.
            ("2026-03-06T23:59:55.000+05:00", 30_000, 3, "6.75"),
            // The whole night: 4.50 + 3240 × 2.25; 1 ms more starts a unit at 07:00:05.
            ("2026-03-06T21:59:55.000+05:00", 32_410_000, 3_241, "7294.50"),
            ("2026-03-06T21:59:55.000+05:00", 32_410_001, 3_242, "7299.00"),
        ],
    );
}

#[test]
fn rating_1_5_split_takes_the_length_of_a_unit_from_its_window_too() {
    let plan = Tariff::windowed(friday_night(), true, rest(MINUTE, "5.00"), rest(10 * SECOND, "4.50"));
    assert_at(
        &plan,
        &[
            // 06:59:30 + 60 s straddles 07:00 and is a unit of the night.
            ("2026-03-07T06:59:30+05:00", 45_000, 1, "5.00"),
            ("2026-03-07T06:59:30+05:00", 60_000, 1, "5.00"),
            ("2026-03-07T06:59:30+05:00", 60_001, 2, "9.50"),
            ("2026-03-07T06:59:30+05:00", 75_000, 3, "14.00"),
            // 21:59:55 + 10 s, then minutes.
            ("2026-03-06T21:59:55+05:00", 10_001, 2, "9.50"),
            ("2026-03-06T21:59:55+05:00", 70_000, 2, "9.50"),
            ("2026-03-06T21:59:55+05:00", 70_001, 3, "14.50"),
        ],
    );
}

#[test]
fn rating_1_5_split_and_a_minimum_price_units_after_the_release_too() {
    let mut plan = Tariff::new(vec![
        voice(LD, vec![rest(10 * SECOND, "4.50")]),
        Rate { window: Some(0), minimum_units: 4, ..voice(LD, vec![rest(10 * SECOND, "2.25")]) },
    ]);
    plan.version.windows = vec![friday_night()];
    plan.version.split = true;
    // 06:59:45 and :55 at 2.25, 07:00:05 and :15 at 4.50. From 07:00 on the other rate has no minimum.
    assert_at(
        &plan,
        &[
            ("2026-03-07T06:59:45+05:00", 1, 4, "13.50"),
            ("2026-03-07T06:59:45+05:00", 40_001, 5, "18.00"),
            ("2026-03-07T07:00:00+05:00", 1, 1, "4.50"),
        ],
    );
}

#[test]
fn rating_1_4_the_night_when_an_hour_came_twice() {
    // 2024-02-29, a Thursday: 24:00 at +06:00 became 23:00 at +05:00. 23:30–24:00 costs 1.00 a unit.
    let late = daily(23 * HOUR + HOUR / 2, 24 * HOUR);
    let one = rest(10 * SECOND, "1.00");
    let other = rest(10 * SECOND, "4.50");
    assert_at(
        &Tariff::windowed(late.clone(), false, one, other),
        &[
            ("2024-02-29T17:29:59.999Z", 10_000, 1, "4.50"),
            ("2024-02-29T17:30:00.000Z", 10_000, 1, "1.00"),
            ("2024-02-29T17:59:59.999Z", 10_000, 1, "1.00"),
            // 23:00 again.
            ("2024-02-29T18:00:00.000Z", 10_000, 1, "4.50"),
            ("2024-02-29T18:29:59.999Z", 10_000, 1, "4.50"),
            ("2024-02-29T18:30:00.000Z", 10_000, 1, "1.00"),
            ("2024-02-29T18:59:59.999Z", 10_000, 1, "1.00"),
            ("2024-02-29T19:00:00.000Z", 10_000, 1, "4.50"),
        ],
    );
    let split = Tariff::windowed(late, true, one, other);
    assert_at(
        &split,
        &[
            // 23:50 at +06:00 to 23:10 at +05:00 is 20 minutes: 60 units at 1.00 and 60 at 4.50.
            ("2024-02-29T23:50:00+06:00", 1_200_000, 120, "330.00"),
            ("2024-02-29T17:59:49.999Z", 20_000, 2, "2.00"),
            ("2024-02-29T17:59:50.000Z", 20_000, 2, "5.50"),
            ("2024-02-29T17:59:50.001Z", 20_000, 2, "5.50"),
            // Three hours, of which the last half of each 23rd hour: 360 × 1.00 + 720 × 4.50.
            ("2024-02-29T17:00:00Z", 10_800_000, 1_080, "3600.00"),
        ],
    );
    // With the half hour after midnight too: 540 × 1.00 + 540 × 4.50.
    let later = daily(23 * HOUR + HOUR / 2, HOUR / 2);
    assert_at(&Tariff::windowed(later, true, one, other), &[("2024-02-29T17:00:00Z", 10_800_000, 1_080, "2970.00")]);
    // Thursday 23:00–01:00 lasts three hours, and Friday's begins at the second midnight.
    let thursday = Window { days: 1 << 3, ..daily(23 * HOUR, HOUR) };
    assert_at(
        &Tariff::with_window(thursday, false),
        &[
            ("2024-02-29T16:59:59.999Z", 1_000, 1, "4.50"),
            ("2024-02-29T17:00:00.000Z", 1_000, 1, "2.25"),
            ("2024-02-29T18:30:00.000Z", 1_000, 1, "2.25"),
            ("2024-02-29T19:59:59.999Z", 1_000, 1, "2.25"),
            ("2024-02-29T20:00:00.000Z", 1_000, 1, "4.50"),
        ],
    );
    let friday = Window { days: 1 << 4, ..daily(0, 24 * HOUR) };
    assert_at(
        &Tariff::with_window(friday, true),
        &[
            ("2024-02-29T18:00:00.000Z", 1_000, 1, "4.50"),
            ("2024-02-29T18:59:59.999Z", 10_001, 2, "6.75"),
            ("2024-02-29T19:00:00.000Z", 1_000, 1, "2.25"),
            ("2024-03-01T18:59:59.999Z", 1_000, 1, "2.25"),
            ("2024-03-01T19:00:00.000Z", 1_000, 1, "4.50"),
        ],
    );
}

// Allowances.

#[test]
fn rating_1_6_whole_units_are_covered() {
    let plan =
        Tariff::one(Rate { connect_fee_micro_tenge: micro("3.00"), ..voice(LD, vec![rest(10 * SECOND, "4.50")]) });
    assert_covered(
        &plan,
        &[
            (61_000, &[], 0, 0, 7, "34.50"),
            (61_000, &[0], 0, 0, 7, "34.50"),
            // Smaller than a unit.
            (61_000, &[9_999], 0, 0, 7, "34.50"),
            (61_000, &[10_000], 1, 10_000, 6, "30.00"),
            (61_000, &[10_001], 1, 10_000, 6, "30.00"),
            (61_000, &[59_999], 5, 50_000, 2, "12.00"),
            (61_000, &[60_000], 6, 60_000, 1, "7.50"),
            // 61 s are seven units of 10 s: 61 s held cover six of them.
            (61_000, &[61_000], 6, 60_000, 1, "7.50"),
            (61_000, &[69_999], 6, 60_000, 1, "7.50"),
            // Wholly covered: no connect fee.
            (61_000, &[70_000], 7, 70_000, 0, "0.00"),
            (61_000, &[u64::MAX], 7, 70_000, 0, "0.00"),
            (0, &[70_000], 0, 0, 0, "0.00"),
            (1, &[70_000], 1, 10_000, 0, "0.00"),
        ],
    );
}

#[test]
fn rating_1_6_two_allowances_one_after_the_other() {
    let plan = Tariff::of_1_10();
    assert_covered(
        &plan,
        &[
            // 20 s of the first; of 41 s the second takes four units of five.
            (61_000, &[25_000, 40_000], 6, 60_000, 1, "4.50"),
            (61_000, &[25_000, 49_999], 6, 60_000, 1, "4.50"),
            (61_000, &[25_000, 50_000], 7, 70_000, 0, "0.00"),
            // Rests of two allowances do not make a unit together.
            (61_000, &[9_999, 9_999], 0, 0, 7, "31.50"),
            (61_000, &[19_999, 19_999], 2, 20_000, 5, "22.50"),
            (61_000, &[9_000, 30_000], 3, 30_000, 4, "18.00"),
            (61_000, &[70_000, 70_000], 7, 70_000, 0, "0.00"),
            (61_000, &[10_000, 10_000, 10_000], 3, 30_000, 4, "18.00"),
        ],
    );
    let quote = plan.quote(&call(LD, NOON, 61_000), &[9_999, 25_000, 40_000]);
    let taken: Vec<_> = quote.covered.iter().map(|c| (c.offered, c.units, c.amount)).collect();
    assert_eq!(taken, [(1, 2, 20_000), (2, 4, 40_000)]);
}

#[test]
fn rating_1_6_only_allowances_of_the_rates_measure_cover() {
    let plan = Tariff::of_1_10();
    let usage = call(LD, NOON, 61_000);
    let offered = [(Measure::Volume, 1_000_000), (Measure::Events, 100), (Measure::Time, 20_000)];
    let quote = quote(&plan.version, &plan.plan, &usage, &offered).unwrap();
    assert_eq!((quote.covered.len(), quote.covered[0].offered, quote.covered[0].units), (1, 2, 2));
    assert_eq!(quote.paid_units(), 5);
}

#[test]
fn rating_1_6_the_minimum_is_lifted_then_covered_and_not_applied_again() {
    let plan = Tariff::one(Rate {
        connect_fee_micro_tenge: micro("3.00"),
        minimum_units: 3,
        ..voice(LD, vec![rest(10 * SECOND, "4.50")])
    });
    assert_covered(
        &plan,
        &[
            (1_000, &[], 0, 0, 3, "16.50"),
            (1_000, &[9_999], 0, 0, 3, "16.50"),
            (1_000, &[10_000], 1, 10_000, 2, "12.00"),
            (1_000, &[20_000], 2, 20_000, 1, "7.50"),
            (1_000, &[29_999], 2, 20_000, 1, "7.50"),
            (1_000, &[30_000], 3, 30_000, 0, "0.00"),
            (1_000, &[100_000], 3, 30_000, 0, "0.00"),
            (1_000, &[10_000, 20_000], 3, 30_000, 0, "0.00"),
            // Longer than the minimum: the rest of one unit stays one unit.
            (31_000, &[30_000], 3, 30_000, 1, "7.50"),
        ],
    );
}

#[test]
fn rating_1_6_after_an_allowance_the_rest_is_cut_from_the_first_step() {
    let steps = || vec![first(6, 10 * SECOND, "5"), rest(MINUTE, "20")];
    let plan = Tariff::one(Rate { connect_fee_micro_tenge: micro("3.00"), ..voice(LD, steps()) });
    assert_covered(
        &plan,
        &[
            // 125 s = 6 × 10 + 2 × 60.
            (125_000, &[], 0, 0, 8, "73.00"),
            (125_000, &[9_999], 0, 0, 8, "73.00"),
            (125_000, &[25_000], 2, 20_000, 7, "53.00"),
            // 60 s free; 65 s = 6 × 5 + 20 + 3.
            (125_000, &[60_000], 6, 60_000, 7, "53.00"),
            // The seventh unit is a minute: 119 s do not reach it.
            (125_000, &[119_999], 6, 60_000, 7, "53.00"),
            // 120 s free; 5 s = one unit of the first step.
            (125_000, &[120_000], 7, 120_000, 1, "8.00"),
            (125_000, &[179_999], 7, 120_000, 1, "8.00"),
            (125_000, &[180_000], 8, 180_000, 0, "0.00"),
            // The second allowance meets the first step again: 60 s, then 60 s, then 5 s.
            (125_000, &[60_000, 60_000], 12, 120_000, 1, "8.00"),
        ],
    );
    // A first unit longer than what is held is not covered.
    let minute_first = vec![first(1, MINUTE, "27.00"), rest(10 * SECOND, "4.50")];
    assert_covered(
        &Tariff::one(voice(LD, minute_first)),
        &[
            (65_000, &[25_000], 0, 0, 2, "31.50"),
            (65_000, &[60_000], 1, 60_000, 1, "27.00"),
            (65_000, &[70_000], 2, 70_000, 0, "0.00"),
        ],
    );
}

#[test]
fn rating_1_6_windows_keep_their_real_instants() {
    let saturday = call(LD, "2026-03-07T06:59:45+05:00", 35_000);
    let split = Tariff::with_window(friday_night(), true);
    for (held, units, charge) in [
        (0, 4, "13.50"),
        (9_999, 4, "13.50"),
        // 25 s from 06:59:55: one unit of the night, two of the day.
        (10_000, 4, "11.25"),
        // 15 s from 07:00:05.
        (20_000, 4, "9.00"),
        (30_000, 4, "4.50"),
        (40_000, 4, "0.00"),
    ] {
        assert_eq!(split.rated(&saturday, &[held]), (units, charge.to_owned()), "{held} ms held");
    }
    // Without split the rest keeps the answer's window, however late it begins.
    let whole = Tariff::with_window(friday_night(), false);
    assert_eq!(whole.rated(&saturday, &[20_000]), (4, "4.50".to_owned()));
}

// The cut-off.

#[test]
fn cell_48_as_many_whole_units_as_the_balance_covers() {
    let rows: &[CutRow<'_>] = &[
        ("-100.00", "0.00", "31.50", Some(0), "-100.00"),
        ("-0.01", "0.00", "31.50", Some(0), "-0.01"),
        ("0.00", "0.00", "31.50", Some(0), "0.00"),
        ("4.49", "0.00", "31.50", Some(0), "4.49"),
        ("4.50", "4.50", "27.00", Some(10_000), "0.00"),
        ("4.51", "4.50", "27.00", Some(10_000), "0.01"),
        ("8.99", "4.50", "27.00", Some(10_000), "4.49"),
        ("9.00", "9.00", "22.50", Some(20_000), "0.00"),
        ("26.99", "22.50", "9.00", Some(50_000), "4.49"),
        ("27.00", "27.00", "4.50", Some(60_000), "0.00"),
        ("31.49", "27.00", "4.50", Some(60_000), "4.49"),
        ("31.50", "31.50", "0.00", None, "0.00"),
        ("31.51", "31.50", "0.00", None, "0.01"),
    ];
    assert_cuts(&Tariff::of_1_10(), &call(LD, NOON, 61_000), &[], Basis::Gross, rows);
}

#[test]
fn cell_48_the_connect_fee_is_inside_the_cost() {
    let plan =
        Tariff::one(Rate { connect_fee_micro_tenge: micro("3.00"), ..voice(LD, vec![rest(10 * SECOND, "4.50")]) });
    let rows: &[CutRow<'_>] = &[
        ("3.00", "0.00", "34.50", Some(0), "3.00"),
        ("7.49", "0.00", "34.50", Some(0), "7.49"),
        ("7.50", "7.50", "27.00", Some(10_000), "0.00"),
        ("34.49", "30.00", "4.50", Some(60_000), "4.49"),
        ("34.50", "34.50", "0.00", None, "0.00"),
    ];
    assert_cuts(&plan, &call(LD, NOON, 61_000), &[], Basis::Gross, rows);
}

#[test]
fn cell_48_fewer_units_than_the_minimum_are_none() {
    let plan = Tariff::one(Rate { minimum_units: 3, ..voice(LD, vec![rest(10 * SECOND, "4.50")]) });
    let rows: &[CutRow<'_>] = &[
        ("4.50", "0.00", "31.50", Some(0), "4.50"),
        ("13.49", "0.00", "31.50", Some(0), "13.49"),
        ("13.50", "13.50", "18.00", Some(30_000), "0.00"),
        ("18.00", "18.00", "13.50", Some(40_000), "0.00"),
    ];
    assert_cuts(&plan, &call(LD, NOON, 61_000), &[], Basis::Gross, rows);
    // A call that the minimum lifted.
    let rows: &[CutRow<'_>] = &[("13.49", "0.00", "13.50", Some(0), "13.49"), ("13.50", "13.50", "0.00", None, "0.00")];
    assert_cuts(&plan, &call(LD, NOON, 1), &[], Basis::Gross, rows);
}

#[test]
fn cell_48_over_steps() {
    let plan = Tariff::one(Rate {
        connect_fee_micro_tenge: micro("3.00"),
        ..voice(LD, vec![first(6, 10 * SECOND, "5"), rest(MINUTE, "20")])
    });
    // 125 s: 6 × 5 + 2 × 20 + 3 = 73.
    let rows: &[CutRow<'_>] = &[
        ("7.99", "0.00", "73.00", Some(0), "7.99"),
        ("8.00", "8.00", "65.00", Some(10_000), "0.00"),
        ("32.99", "28.00", "45.00", Some(50_000), "4.99"),
        ("33.00", "33.00", "40.00", Some(60_000), "0.00"),
        ("52.99", "33.00", "40.00", Some(60_000), "19.99"),
        ("53.00", "53.00", "20.00", Some(120_000), "0.00"),
        ("72.99", "53.00", "20.00", Some(120_000), "19.99"),
        ("73.00", "73.00", "0.00", None, "0.00"),
    ];
    assert_cuts(&plan, &call(LD, NOON, 125_000), &[], Basis::Gross, rows);
}

#[test]
fn cell_48_an_allowance_in_front_is_not_lost() {
    let plan = Tariff::one(Rate {
        connect_fee_micro_tenge: micro("3.00"),
        ..voice(LD, vec![first(6, 10 * SECOND, "5"), rest(MINUTE, "20")])
    });
    // 20 s free, then 6 × 5 + 20 + 3 = 53.
    let rows: &[CutRow<'_>] = &[
        ("-1.00", "0.00", "53.00", Some(20_000), "-1.00"),
        ("0.00", "0.00", "53.00", Some(20_000), "0.00"),
        ("8.00", "8.00", "45.00", Some(30_000), "0.00"),
        ("33.00", "33.00", "20.00", Some(80_000), "0.00"),
        ("52.99", "33.00", "20.00", Some(80_000), "19.99"),
        ("53.00", "53.00", "0.00", None, "0.00"),
    ];
    assert_cuts(&plan, &call(LD, NOON, 125_000), &[25_000], Basis::Gross, rows);
    // Wholly covered is a charge of 0.00, which is never cut.
    let rows: &[CutRow<'_>] = &[("-1.00", "0.00", "0.00", None, "-1.00"), ("0.00", "0.00", "0.00", None, "0.00")];
    assert_cuts(&plan, &call(LD, NOON, 125_000), &[180_000], Basis::Gross, rows);
}

#[test]
fn cell_48_the_minimum_binds_until_an_allowance_covered_a_part() {
    let plan = Tariff::one(Rate { minimum_units: 3, ..voice(LD, vec![rest(10 * SECOND, "4.50")]) });
    // 1 s is lifted to 30 s; 10 s covered, two units to be paid: one may be sold alone.
    let rows: &[CutRow<'_>] = &[
        ("4.49", "0.00", "9.00", Some(10_000), "4.49"),
        ("4.50", "4.50", "4.50", Some(20_000), "0.00"),
        ("9.00", "9.00", "0.00", None, "0.00"),
    ];
    assert_cuts(&plan, &call(LD, NOON, 1_000), &[10_000], Basis::Gross, rows);
    // Too small to cover a unit: the minimum still binds.
    let rows: &[CutRow<'_>] = &[("13.49", "0.00", "31.50", Some(0), "13.49")];
    assert_cuts(&plan, &call(LD, NOON, 61_000), &[9_999], Basis::Gross, rows);
}

#[test]
fn cell_48_the_rounded_cost_is_compared() {
    // 7 × 0.001 = 0.007 → 0.01; four units cost 0.004 → 0.00 and five 0.005 → 0.01.
    let plan = Tariff::one(voice(LD, vec![rest(10 * SECOND, "0.001")]));
    let rows: &[CutRow<'_>] = &[
        ("-0.01", "0.00", "0.01", Some(0), "-0.01"),
        ("0.00", "0.00", "0.01", Some(40_000), "0.00"),
        ("0.01", "0.01", "0.00", None, "0.00"),
    ];
    assert_cuts(&plan, &call(LD, NOON, 61_000), &[], Basis::Gross, rows);
    // 11.50/6: 1.92, 3.83, 5.75, 7.67, …
    let plan = Tariff::one(voice(LD, vec![cut(10 * SECOND, "11.50", MINUTE)]));
    let rows: &[CutRow<'_>] = &[
        ("1.91", "0.00", "11.50", Some(0), "1.91"),
        ("1.92", "1.92", "9.58", Some(10_000), "0.00"),
        ("3.82", "1.92", "9.58", Some(10_000), "1.90"),
        ("3.83", "3.83", "7.67", Some(20_000), "0.00"),
        ("11.49", "9.58", "1.92", Some(50_000), "1.91"),
    ];
    assert_cuts(&plan, &call(LD, NOON, 60_000), &[], Basis::Gross, rows);
}

#[test]
fn cell_48_a_charge_of_nothing_is_never_cut() {
    let free = Tariff::one(voice(LD, vec![rest(10 * SECOND, "0")]));
    let rows: &[CutRow<'_>] = &[("-5.00", "0.00", "0.00", None, "-5.00"), ("0.00", "0.00", "0.00", None, "0.00")];
    assert_cuts(&free, &call(LD, NOON, 61_000), &[], Basis::Gross, rows);
    assert_cuts(&free, &call(LD, NOON, 61_000), &[], Basis::Net, rows);
    // 0 ms, and a price that rounds to nothing.
    assert_cuts(&Tariff::of_1_10(), &call(LD, NOON, 0), &[], Basis::Gross, rows);
    let dust = Tariff::one(voice(LD, vec![rest(10 * SECOND, "0.0001")]));
    assert_cuts(&dust, &call(LD, NOON, 61_000), &[], Basis::Gross, rows);
}

#[test]
fn bt_16_1_a_budget_accounts_cut_off_compares_net() {
    let usage = call(LD, NOON_12_PERCENT, 61_000);
    // Net of n units at 12 %: 4.02, 8.04, 12.05, 16.07, 20.09, 24.11, 28.13 (28.125 rounded half up).
    let rows: &[CutRow<'_>] = &[
        ("-0.01", "0.00", "31.50", Some(0), "-0.01"),
        ("4.01", "0.00", "31.50", Some(0), "4.01"),
        ("4.02", "4.50", "27.00", Some(10_000), "0.00"),
        ("16.06", "13.50", "18.00", Some(30_000), "4.01"),
        ("16.07", "18.00", "13.50", Some(40_000), "0.00"),
        ("28.12", "27.00", "4.50", Some(60_000), "4.01"),
        ("28.13", "31.50", "0.00", None, "0.00"),
    ];
    assert_cuts(&Tariff::of_1_10(), &usage, &[], Basis::Net, rows);
}

#[test]
fn cell_48_tariffs_without_vat_are_cut_by_what_the_account_pays() {
    let plan = Tariff::of_1_10().without_vat();
    let usage = call(LD, NOON, 61_000);
    // Gross at 16 %: 5.22, 10.44, 15.66, 20.88, 26.10, 31.32, 36.54; net 4.50 each.
    let gross: &[CutRow<'_>] = &[
        ("5.21", "0.00", "36.54", Some(0), "5.21"),
        ("20.00", "15.66", "20.88", Some(30_000), "4.34"),
        ("20.88", "20.88", "15.66", Some(40_000), "0.00"),
        ("36.53", "31.32", "5.22", Some(60_000), "5.21"),
        ("36.54", "36.54", "0.00", None, "0.00"),
    ];
    assert_cuts(&plan, &usage, &[], Basis::Gross, gross);
    // What is not owed stays gross.
    let net: &[CutRow<'_>] = &[
        ("20.00", "20.88", "15.66", Some(40_000), "2.00"),
        ("31.49", "31.32", "5.22", Some(60_000), "4.49"),
        ("31.50", "36.54", "0.00", None, "0.00"),
    ];
    assert_cuts(&plan, &usage, &[], Basis::Net, net);
}

#[test]
fn cell_48_over_a_window_edge() {
    let plan = Tariff::with_window(friday_night(), true);
    let usage = call(LD, "2026-03-07T06:59:45+05:00", 35_000);
    let rows: &[CutRow<'_>] = &[
        ("2.24", "0.00", "13.50", Some(0), "2.24"),
        ("4.50", "4.50", "9.00", Some(20_000), "0.00"),
        ("8.99", "4.50", "9.00", Some(20_000), "4.49"),
        ("9.00", "9.00", "4.50", Some(30_000), "0.00"),
        ("13.50", "13.50", "0.00", None, "0.00"),
    ];
    assert_cuts(&plan, &usage, &[], Basis::Gross, rows);
}

#[test]
fn cell_48_the_balance_is_that_of_the_answer_and_of_the_journals_order() {
    let plan = Tariff::of_1_10();
    let account = AccountNo(1);
    let before = InstantMs(at(NOON).0 - 1);
    let after = InstantMs(at(NOON).0 + 1);
    let usage = call(LD, NOON, 61_000);
    for (paid_at, charge, not_owed, left) in [
        (before, "18.00", "13.50", "2.00"),
        (at(NOON), "18.00", "13.50", "2.00"),
        // 1 ms late: the call saw 5.00.
        (after, "4.50", "27.00", "0.50"),
    ] {
        let mut funds = Funds::default();
        funds.open(account, tenge("5.00"));
        funds.pay([(account, paid_at, tenge("15.00"))]);
        let settled = plan.settled(&usage, &[], funds.balance(account, usage.at), Basis::Gross);
        assert_eq!((settled.charge.gross, settled.not_owed), (tenge(charge), tenge(not_owed)), "{paid_at:?}");
        funds.debit(account, settled.charge.gross);
        assert_eq!(funds.balance(account, usage.at), tenge(left), "{paid_at:?}");
    }
    // A later call that was booked first has taken the money, whatever its date.
    let mut funds = Funds::default();
    funds.open(account, tenge("5.00"));
    funds.pay([(account, after, tenge("15.00"))]);
    let later = call(LD, "2026-03-03T13:00:00+05:00", 20_000);
    let settled = plan.settled(&later, &[], funds.balance(account, later.at), Basis::Gross);
    assert_eq!(settled.charge.gross, tenge("9.00"));
    funds.debit(account, settled.charge.gross);
    assert_eq!(funds.balance(account, usage.at), tenge("-4.00"));
    let settled = plan.settled(&usage, &[], funds.balance(account, usage.at), Basis::Gross);
    assert_eq!((settled.charge.gross, settled.not_owed), (tenge("0.00"), tenge("31.50")));
    assert_eq!(settled.cut_off_at, Some(usage.at));
}

/// Rating 1.7: "opening balance and credits dated up to the answer, minus every
/// debit already booked". A later payment counts beside the earlier ones.
#[test]
fn cell_48_payments_may_be_booked_in_more_than_one_go() {
    let account = AccountNo(1);
    let mut funds = Funds::default();
    for (ms, amount) in [(10, "15.00"), (20, "10.00"), (30, "1.00")] {
        funds.pay([(account, InstantMs(ms), tenge(amount))]);
    }
    for (ms, balance) in [(9, "0.00"), (10, "15.00"), (20, "25.00"), (30, "26.00")] {
        assert_eq!(funds.balance(account, InstantMs(ms)), tenge(balance), "at {ms}");
    }
}

// Volume and events.

fn by(service: Service, measure: Measure, steps: Vec<Step>) -> Rate {
    Rate { service, measure, zones: Zones::Any, ..voice(LD, steps) }
}

fn volume(bytes: u64) -> Usage {
    let mut usage = call(LD, NOON, 0);
    usage.bytes = bytes;
    usage.timed = false;
    usage.class = UsageClass { service: Service::Data, zone: None, ..usage.class };
    usage
}

fn events(quantity: u64) -> Usage {
    let mut usage = volume(0);
    usage.quantity = quantity;
    usage.class.service = Service::Vas;
    usage
}

#[test]
fn net_24_1_5_volume_by_the_started_unit() {
    let plan = Tariff::one(by(Service::Data, Measure::Volume, vec![rest(MB, "10.00")]));
    for (bytes, units, charge) in [
        (0, 0, "0.00"),
        (1, 1, "10.00"),
        (1_048_575, 1, "10.00"),
        (1_048_576, 1, "10.00"),
        (1_048_577, 2, "20.00"),
        (1_000_000_000, 954, "9540.00"),
    ] {
        assert_eq!(plan.rated(&volume(bytes), &[]), (units, charge.to_owned()), "{bytes} bytes");
    }
    // 1.00 a MB cut into KB: 5/1024 = 0.00488…, 6/1024 = 0.00585….
    let plan = Tariff::one(by(Service::Data, Measure::Volume, vec![cut(KB, "1.00", MB)]));
    for (bytes, units, charge) in
        [(5 * KB, 5, "0.00"), (5 * KB + 1, 6, "0.01"), (512 * KB, 512, "0.50"), (MB, 1024, "1.00")]
    {
        assert_eq!(plan.rated(&volume(bytes), &[]), (units, charge.to_owned()), "{bytes} bytes");
    }
    // A plan may count thousands.
    let plan = Tariff::one(by(Service::Data, Measure::Volume, vec![rest(1000, "0.50")]));
    assert_eq!(plan.rated(&volume(1001), &[]), (2, "1.00".to_owned()));
}

#[test]
fn net_24_1_5_steps_minimum_fee_and_allowance_of_volume() {
    let plan = Tariff::one(Rate {
        connect_fee_micro_tenge: micro("1.00"),
        minimum_units: 2,
        // Free seconds are of calls.
        free_ms: 60_000,
        ..by(Service::Data, Measure::Volume, vec![first(3, MB, "10.00"), rest(10 * MB, "50.00")])
    });
    for (bytes, held, covered, paid, charge) in [
        (1, 0, 0, 2, "21.00"),
        (3 * MB, 0, 0, 3, "31.00"),
        (3 * MB + 1, 0, 0, 4, "81.00"),
        (1, MB, 1, 1, "11.00"),
        (1, 2 * MB, 2, 0, "0.00"),
        (3 * MB, 2 * MB - 1, 1, 2, "21.00"),
    ] {
        let usage = volume(bytes);
        let quote = quote(&plan.version, &plan.plan, &usage, &[(Measure::Volume, held)]).unwrap();
        let gross = plan.settled_in_full(&usage, &quote).charge.gross;
        let found = (quote.covered_units(), quote.paid_units(), gross);
        assert_eq!(found, (covered, paid, tenge(charge)), "{bytes} bytes, {held} held");
    }
}

#[test]
fn rating_1_5_events_are_priced_each() {
    let plan = Tariff::one(by(Service::Vas, Measure::Events, vec![rest(1, "36.95")]));
    for (quantity, units, charge) in [(0, 0, "0.00"), (1, 1, "36.95"), (3, 3, "110.85")] {
        assert_eq!(plan.rated(&events(quantity), &[]), (units, charge.to_owned()), "{quantity} events");
    }
    let usage = events(3);
    for (held, covered, paid, charge) in [(0, 0, 3, "110.85"), (2, 2, 1, "36.95"), (3, 3, 0, "0.00"), (9, 3, 0, "0.00")]
    {
        let quote = quote(&plan.version, &plan.plan, &usage, &[(Measure::Events, held)]).unwrap();
        let gross = plan.settled_in_full(&usage, &quote).charge.gross;
        let found = (quote.covered_units(), quote.paid_units(), gross);
        assert_eq!(found, (covered, paid, tenge(charge)), "{held} held");
    }
}

#[test]
fn cell_48_volume_and_events_have_no_cut_off_instant() {
    let plan = Tariff::one(by(Service::Data, Measure::Volume, vec![rest(MB, "10.00")]));
    let rows: &[CutRow<'_>] = &[
        ("9.99", "0.00", "30.00", None, "9.99"),
        ("25.00", "20.00", "10.00", None, "5.00"),
        ("30.00", "30.00", "0.00", None, "0.00"),
    ];
    assert_cuts(&plan, &volume(3 * MB), &[], Basis::Gross, rows);
    let plan = Tariff::one(by(Service::Vas, Measure::Events, vec![rest(1, "10.00")]));
    assert_cuts(&plan, &events(3), &[], Basis::Gross, rows);
}

// Beyond the range.

#[test]
fn rating_1_5_amounts_near_the_end_of_64_bits() {
    let two_63 = 1u64 << 63;
    for (price, bytes, include_vat, charge) in [
        // 2⁶³ × 10⁻⁶ and (2⁶⁴ − 1) × 10⁻⁶ tenge.
        ("0.000001", two_63, true, Some("9223372036854.78")),
        ("0.000001", u64::MAX, true, Some("18446744073709.55")),
        // The largest amount is 2⁶³ − 1 tiyn.
        ("0.01", two_63 - 1, true, Some("92233720368547758.07")),
        ("0.01", two_63, true, None),
        ("0.01", u64::MAX, true, None),
        ("1.00", two_63, true, None),
        ("9223372036854.775807", u64::MAX, true, None),
        // With VAT on top: 2⁶³ − 1 net is too much; 10¹⁶ tiyn are not.
        ("0.01", two_63 - 1, false, None),
        ("0.01", 10_000_000_000_000_000, false, Some("116000000000000.00")),
    ] {
        let mut plan = Tariff::one(by(Service::Data, Measure::Volume, vec![rest(1, price)]));
        plan.version.prices_include_vat = include_vat;
        let usage = volume(bytes);
        let quote = plan.quote(&usage, &[]);
        assert_eq!(quote.units(), bytes);
        let full = settle_in_full(&plan.version, &quote, plan.vat(&usage));
        let expected = charge.map(tenge).ok_or(BadCharge);
        assert_eq!(full.map(|settled| settled.charge.gross), expected, "{price} × {bytes}");
        for (balance, basis) in [(Tiyn::ZERO, Basis::Gross), (tenge("1.00"), Basis::Net), (Tiyn::MAX, Basis::Gross)] {
            let cut = settle_up_to(&plan.version, &quote, plan.vat(&usage), balance, basis, usage.at);
            assert_eq!(cut.is_ok(), charge.is_some(), "{price} × {bytes}, balance {balance}");
            if let (Ok(cut), Some(full)) = (cut, charge) {
                let sum = cut.charge.gross.checked_add(cut.not_owed);
                assert_eq!(sum, Some(tenge(full)), "{price} × {bytes}, balance {balance}");
                assert!(basis.debit(cut.charge) <= balance);
            }
        }
    }
}

#[test]
fn rating_1_5_steps_fees_and_allowances_near_the_end_of_64_bits() {
    let fee = Rate {
        connect_fee_micro_tenge: i64::MAX,
        ..by(Service::Data, Measure::Volume, vec![first(u64::MAX - 1, 1, "0.000001"), rest(u64::MAX, "0.01")])
    };
    let plan = Tariff::one(fee);
    // 2⁶³ − 1 and 2⁶⁴ − 2 millionths, and 0.01: 27670116110564.337421 in all.
    assert_eq!(plan.rated(&volume(u64::MAX), &[]), (u64::MAX, "27670116110564.34".to_owned()));
    let usage = volume(u64::MAX);
    // What remains after 2⁶⁴ − 2 covered bytes is again a unit of one byte.
    for (held, covered) in [(u64::MAX, u64::MAX - 1), (u64::MAX - 1, u64::MAX - 1), (1, 1), (0, 0)] {
        let quote = quote(&plan.version, &plan.plan, &usage, &[(Measure::Volume, held)]).unwrap();
        assert_eq!(quote.covered_units(), covered, "{held} held");
        assert_eq!(quote.paid_units(), u64::MAX - covered, "{held} held");
        assert!(settle_in_full(&plan.version, &quote, plan.vat(&usage)).is_ok(), "{held} held");
    }
    // Prices that are fractions of 3 and of 7, far out.
    let thirds = Step { units: Some(1 << 62), ..cut(1, "0.000001", 3) };
    let plan = Tariff::one(by(Service::Data, Measure::Volume, vec![thirds, cut(1, "0.000001", 7)]));
    // 2⁶²/3 + (2⁶³ − 2⁶²)/7 = 2⁶² × 10/21 millionths = 2196040961155.898…
    assert_eq!(plan.rated(&volume(1 << 63), &[]), (1 << 63, "2196040961155.90".to_owned()));
    // A year of milliseconds by the millisecond, and the longest duration there is.
    let plan = Tariff::one(voice(LD, vec![rest(1, "0.000001")]));
    assert_calls(&plan, &[(31_536_000_000, 31_536_000_000, "31536.00")]);
    assert_calls(&plan, &[(i64::MAX, i64::MAX.unsigned_abs(), "9223372036854.78")]);
    let minimum = Rate { minimum_units: u64::MAX, ..voice(LD, vec![rest(10 * SECOND, "4.50")]) };
    let plan = Tariff::one(minimum);
    let usage = call(LD, NOON, 1);
    let quote = plan.quote(&usage, &[]);
    assert_eq!(quote.units(), u64::MAX);
    assert_eq!(settle_in_full(&plan.version, &quote, plan.vat(&usage)), Err(BadCharge));
}

#[test]
fn rating_1_4_a_duration_below_zero_is_none() {
    // The decoder rejects such a record; here it costs nothing and stops nothing.
    assert_calls(&Tariff::of_1_10(), &[(-1, 0, "0.00"), (i64::MIN, 0, "0.00")]);
}

#[test]
fn rating_1_5_the_quote_names_its_rate() {
    let plan = Tariff::with_window(daily(22 * HOUR, 7 * HOUR), true);
    for (answered, rate) in [("2026-03-03T21:59:59.999+05:00", RateId(0)), ("2026-03-03T22:00:00+05:00", RateId(1))] {
        assert_eq!(plan.quote(&call(LD, answered, 60_000), &[]).rate, rate, "{answered}");
    }
}
