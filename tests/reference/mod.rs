//! A second rater: plain, slow and obviously right, to hold the fast one against.
//!
//! It reads tariffs as they are written (a price and the span it is for), walks a usage one unit at a time, sums with
//! decimals and looks for the affordable units by trying 0, 1, 2, … in order. Clocks and calendars come from chrono
//! for each unit anew. No closed form, no shortcut, nothing of the rooms `rate`, `tax` and `tariff` but the names.
//!
//! All decimals here are whole numbers, so that nothing can be rounded but in [`half_up`]: money in 10⁻⁶ tenge times
//! a common multiple of the spans that prices are written for.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use esep::record::{Direction, Service};
use esep::tariff::Measure;
use rust_decimal::Decimal;

/// A tariff of one plan, as written.
#[derive(Clone, Debug)]
pub(crate) struct Tariff {
    pub(crate) time_zone: Tz,
    pub(crate) prices_include_vat: bool,
    /// `round = "unit_price"`.
    pub(crate) round_unit_price: bool,
    pub(crate) split: bool,
    pub(crate) holidays: Vec<NaiveDate>,
    pub(crate) windows: Vec<Window>,
    pub(crate) rates: Vec<Rate>,
}

#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// From Monday.
    pub(crate) days: [bool; 7],
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Rate {
    pub(crate) service: Service,
    pub(crate) direction: Direction,
    /// `visited = ["*"]`, else at home.
    pub(crate) roaming: bool,
    /// `None` is any zone.
    pub(crate) zone: Option<u16>,
    pub(crate) window: Option<usize>,
    pub(crate) measure: Measure,
    pub(crate) steps: Vec<Step>,
    pub(crate) connect_fee_micro: i64,
    pub(crate) minimum_units: usize,
    pub(crate) free_ms: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) units: Option<usize>,
    pub(crate) unit: u64,
    pub(crate) price_micro: i64,
    pub(crate) price_per: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Usage {
    pub(crate) service: Service,
    pub(crate) direction: Direction,
    pub(crate) roaming: bool,
    pub(crate) zone: Option<u16>,
    pub(crate) at_ms: i64,
    /// Milliseconds, bytes or events, whatever a rate measures.
    pub(crate) amount: u64,
}

/// One unit.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    pub(crate) length: u64,
    /// 10⁻⁶ tenge times [`Tariff::scale`].
    pub(crate) price: Decimal,
}

/// A usage cut into units.
#[derive(Clone, Debug)]
pub(crate) struct Quoted {
    /// Index of the rate.
    pub(crate) rate: usize,
    pub(crate) measure: Measure,
    /// Index of the allowance, units, their length.
    pub(crate) covered: Vec<(usize, u64, u64)>,
    pub(crate) paid: Vec<Unit>,
    /// 10⁻⁶ tenge times [`Tariff::scale`].
    pub(crate) connect_fee: Decimal,
    pub(crate) minimum_units: usize,
}

/// A charge in whole tiyn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Charge {
    pub(crate) net: Decimal,
    pub(crate) vat: Decimal,
    pub(crate) gross: Decimal,
}

/// A charge after the cut-off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Settled {
    pub(crate) charge: Charge,
    pub(crate) not_owed: Decimal,
    pub(crate) cut_off_ms: Option<i64>,
}

const MICRO_PER_TIYN: i64 = 10_000;

impl Tariff {
    /// A common multiple of the spans that prices are written for.
    pub(crate) fn scale(&self) -> u64 {
        self.rates
            .iter()
            .flat_map(|rate| &rate.steps)
            .fold(1, |scale, step| least_common_multiple(scale, step.price_per))
    }

    /// Rating 1.5: the order is free threshold, units, minimum, allowance, steps and windows, connect fee, round.
    pub(crate) fn quote(&self, usage: &Usage, offered: &[(Measure, u64)]) -> Option<Quoted> {
        let (index, rate) = self.best_rate(usage, usage.at_ms)?;
        let mut quoted = Quoted {
            rate: index,
            measure: rate.measure,
            covered: Vec::new(),
            paid: Vec::new(),
            connect_fee: Decimal::from(rate.connect_fee_micro) * Decimal::from(self.scale()),
            minimum_units: rate.minimum_units,
        };
        let free = rate.measure == Measure::Time && usage.amount <= rate.free_ms;
        if usage.amount == 0 || free {
            return Some(quoted);
        }
        let natural = self.walk(usage, 0, usage.amount, 0)?;
        quoted.paid = self.walk(usage, 0, usage.amount, rate.minimum_units)?;
        // Where the minimum lifted the usage, it is as long as its units.
        let lifted = quoted.paid.len() > natural.len();
        let end = if lifted { quoted.paid.iter().map(|unit| unit.length).sum() } else { usage.amount };

        let mut position = 0;
        for (index, (measure, held)) in offered.iter().enumerate() {
            if *measure != rate.measure {
                continue;
            }
            let mut units = 0;
            let mut left = *held;
            for unit in self.walk(usage, position, end.saturating_sub(position), 0)? {
                if unit.length > left {
                    break;
                }
                left -= unit.length;
                units += 1;
            }
            if units > 0 {
                quoted.covered.push((index, units, held - left));
                position += held - left;
            }
        }
        if !quoted.covered.is_empty() {
            // As if the call began with the rest; the minimum is not applied again.
            quoted.paid = self.walk(usage, position, end.saturating_sub(position), 0)?;
            quoted.minimum_units = 0;
        }
        Some(quoted)
    }

    /// Unit after unit, from the first step, until `amount` is used up and there are `minimum` of them.
    fn walk(&self, usage: &Usage, offset: u64, amount: u64, minimum: usize) -> Option<Vec<Unit>> {
        let mut units = Vec::new();
        let mut position = 0;
        let (_, rate_of_the_answer) = self.best_rate(usage, usage.at_ms)?;
        while position < amount || units.len() < minimum {
            let rate = if self.split && rate_of_the_answer.measure == Measure::Time {
                let starts_at = usage.at_ms + i64::try_from(offset + position).unwrap();
                self.best_rate(usage, starts_at)?.1
            } else {
                rate_of_the_answer
            };
            let step = step_of(rate, units.len());
            units.push(Unit { length: step.unit, price: self.price(step) });
            position += step.unit;
        }
        Some(units)
    }

    /// The price of one unit, in 10⁻⁶ tenge times the scale.
    fn price(&self, step: &Step) -> Decimal {
        let scale = Decimal::from(self.scale());
        let (numerator, span) =
            (Decimal::from(step.price_micro) * Decimal::from(step.unit), Decimal::from(step.price_per));
        if self.round_unit_price {
            let micro_per_tiyn = Decimal::from(MICRO_PER_TIYN);
            return half_up(numerator, span * micro_per_tiyn) * micro_per_tiyn * scale;
        }
        numerator * (scale / span)
    }

    /// Of the rates that hold: one that names the zone, then one with a window, then the first of the file.
    fn best_rate(&self, usage: &Usage, at_ms: i64) -> Option<(usize, &Rate)> {
        let local = self.time_zone.timestamp_millis_opt(at_ms).unwrap().naive_local();
        let holds = |rate: &Rate| {
            rate.service == usage.service
                && rate.direction == usage.direction
                && rate.roaming == usage.roaming
                && (rate.zone.is_none() || rate.zone == usage.zone)
                && rate.window.is_none_or(|window| self.in_window(&self.windows[window], local))
        };
        let best = |zoned: bool, windowed: bool| {
            self.rates
                .iter()
                .enumerate()
                .find(|(_, rate)| holds(rate) && rate.zone.is_some() == zoned && rate.window.is_some() == windowed)
        };
        best(true, true).or(best(true, false)).or(best(false, true)).or(best(false, false))
    }

    /// Whether a window that started on the day, or on the day before, holds at a local time.
    fn in_window(&self, window: &Window, local: NaiveDateTime) -> bool {
        [local.date(), local.date() - Days::new(1)].into_iter().any(|day| {
            let counts_as = if self.holidays.contains(&day) { 6 } else { day.weekday().num_days_from_monday() };
            let midnight = day.and_time(NaiveTime::MIN);
            let from = midnight + TimeDelta::milliseconds(window.from_ms);
            let past_midnight = if window.to_ms < window.from_ms { TimeDelta::days(1) } else { TimeDelta::zero() };
            let to = midnight + TimeDelta::milliseconds(window.to_ms) + past_midnight;
            window.days[counts_as as usize] && from <= local && local < to
        })
    }

    /// Per cent, of the answer's local day.
    pub(crate) fn vat_percent(&self, at_ms: i64) -> i64 {
        match self.time_zone.timestamp_millis_opt(at_ms).unwrap().year() {
            2008 => 13,
            2009..=2025 => 12,
            2026.. => 16,
            year => panic!("no rate for {year} here"),
        }
    }

    /// The charge of the first `units` units to be paid, for each number of units from none to all of them.
    pub(crate) fn charges(&self, quoted: &Quoted, vat_percent: i64) -> Vec<Charge> {
        let mut charges = vec![Charge { net: Decimal::ZERO, vat: Decimal::ZERO, gross: Decimal::ZERO }];
        let mut sum = quoted.connect_fee;
        for unit in &quoted.paid {
            sum += unit.price;
            let rounded = half_up(sum, Decimal::from(MICRO_PER_TIYN) * Decimal::from(self.scale()));
            charges.push(self.taxed(rounded, vat_percent));
        }
        charges
    }

    fn taxed(&self, rounded: Decimal, vat_percent: i64) -> Charge {
        let (percent, hundred) = (Decimal::from(vat_percent), Decimal::from(100));
        if self.prices_include_vat {
            let net = half_up(rounded * hundred, hundred + percent);
            Charge { net, vat: rounded - net, gross: rounded }
        } else {
            let vat = half_up(rounded * percent, hundred);
            Charge { net: rounded, vat, gross: rounded + vat }
        }
    }

    /// CELL-48: as many whole units as the balance covers. `net`: the account pays the part without VAT.
    pub(crate) fn settle(&self, usage: &Usage, quoted: &Quoted, balance: Decimal, net: bool) -> Settled {
        let charges = self.charges(quoted, self.vat_percent(usage.at_ms));
        let debit = |charge: &Charge| if net { charge.net } else { charge.gross };
        let full = charges[quoted.paid.len()];
        if full.gross == Decimal::ZERO || debit(&full) <= balance {
            return Settled { charge: full, not_owed: Decimal::ZERO, cut_off_ms: None };
        }
        let mut most = 0;
        if balance >= Decimal::ZERO {
            for (units, charge) in charges.iter().enumerate() {
                if debit(charge) <= balance {
                    most = units;
                }
            }
        }
        if most < quoted.minimum_units {
            most = 0;
        }
        let covered: u64 = quoted.covered.iter().map(|(_, _, length)| length).sum();
        let paid: u64 = quoted.paid[..most].iter().map(|unit| unit.length).sum();
        let cut_off_ms =
            (quoted.measure == Measure::Time).then(|| usage.at_ms + i64::try_from(covered + paid).unwrap());
        Settled { charge: charges[most], not_owed: full.gross - charges[most].gross, cut_off_ms }
    }
}

/// The step of the unit after `count` units.
fn step_of(rate: &Rate, count: usize) -> &Step {
    let mut before = 0;
    for step in &rate.steps {
        match step.units {
            Some(units) if count >= before + units => before += units,
            _ => return step,
        }
    }
    panic!("the last step takes all that remain");
}

/// `numerator ÷ denominator` to a whole number, halves up; neither is negative.
fn half_up(numerator: Decimal, denominator: Decimal) -> Decimal {
    let (doubled, two) = (numerator * Decimal::TWO + denominator, denominator * Decimal::TWO);
    (doubled - doubled % two) / two
}

fn least_common_multiple(a: u64, b: u64) -> u64 {
    let (mut divisor, mut rest) = (a, b);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    a / divisor * b
}
