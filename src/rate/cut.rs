use crate::tariff::{Measure, Plan, Rate, RateId, Step, UsageClass, Version};
use crate::units::{InstantMs, UnitPrice, Units};
use smallvec::SmallVec;

/// What was used, as pricing needs it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// The answer, else the setup.
    pub at: InstantMs,
    /// Release − answer, milliseconds.
    pub duration_ms: i64,
    /// Up and down.
    pub bytes: u64,
    /// Events.
    pub quantity: u64,
    /// There is a release, so that the duration is known.
    pub timed: bool,
    /// Service, direction, place and zone.
    pub class: UsageClass,
}

impl Usage {
    /// How much of it there is by a measure: milliseconds, bytes or events; `None` by time where the duration is not
    /// known.
    #[inline]
    pub fn amount(&self, measure: Measure) -> Option<u64> {
        match measure {
            Measure::Time => self.timed.then(|| u64::try_from(self.duration_ms).unwrap_or(0)),
            Measure::Volume => Some(self.bytes),
            Measure::Events => Some(self.quantity),
        }
    }
}

/// Units of one length and price that follow each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    /// How many.
    pub units: Units,
    /// Length of one: milliseconds, bytes or events.
    pub unit: u64,
    /// Price of one.
    pub price: UnitPrice,
}

/// What one allowance gave to a charge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Covered {
    /// Index into the list of allowances that was offered.
    pub offered: usize,
    /// Whole units.
    pub units: Units,
    /// Their length: what the allowance has less of afterwards.
    pub amount: u64,
}

/// A usage cut into units: those that allowances cover and those to be paid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quote {
    /// The rate that holds at the answer.
    pub rate: RateId,
    /// What its units measure.
    pub measure: Measure,
    /// Units to be paid, in order.
    pub runs: SmallVec<[Run; 2]>,
    /// What allowances cover, in the order of consumption.
    pub covered: SmallVec<[Covered; 1]>,
    /// Once, with the first paid unit, in 10⁻⁶ tenge.
    pub connect_fee_micro_tenge: i64,
    /// Fewer paid units than this cannot be sold: the rate's minimum, 0 once an allowance covered a part.
    pub minimum_units: Units,
}

impl Quote {
    /// Units to be paid.
    pub fn paid_units(&self) -> Units {
        self.runs.iter().fold(0, |sum, run| sum.saturating_add(run.units))
    }

    /// Units that allowances cover.
    pub fn covered_units(&self) -> Units {
        self.covered.iter().fold(0, |sum, covered| sum.saturating_add(covered.units))
    }

    /// All billable units.
    pub fn units(&self) -> Units {
        self.covered_units().saturating_add(self.paid_units())
    }

    /// The length of the covered units and the first `paid` paid ones.
    pub fn length_of(&self, paid: Units) -> u64 {
        let covered = self.covered.iter().fold(0u64, |sum, covered| sum.saturating_add(covered.amount));
        let mut left = paid;
        self.runs.iter().fold(covered, |sum, run| {
            let units = run.units.min(left);
            left = left.saturating_sub(units);
            sum.saturating_add(units.saturating_mul(run.unit))
        })
    }
}

/// Cuts a usage into units by the best rate of a plan, and takes from the allowances offered, in their order, what
/// each holds (milliseconds, bytes or events of the rate's measure).
///
/// `None` when no rate fits: none for such usage, none whose window holds, or one by time for a record without a
/// release.
///
/// Source: rating 1.4–1.6.
pub fn quote(version: &Version, plan: &Plan, usage: &Usage, offered: &[(Measure, u64)]) -> Option<Quote> {
    let candidates = plan.candidates(usage.class);
    let (id, rate) = rate_at(version, plan, candidates, usage.at)?;
    let amount = usage.amount(rate.measure)?;
    let mut quote = Quote {
        rate: id,
        measure: rate.measure,
        runs: SmallVec::new(),
        covered: SmallVec::new(),
        connect_fee_micro_tenge: rate.connect_fee_micro_tenge,
        minimum_units: rate.minimum_units,
    };
    let free = rate.measure == Measure::Time && u64::try_from(rate.free_ms).is_ok_and(|free| amount <= free);
    if amount == 0 || free {
        return Some(quote);
    }
    let windowed = || candidates.iter().any(|id| plan.rate(*id).is_some_and(|rate| rate.window.is_some()));
    let split = version.split && rate.measure == Measure::Time && windowed();
    let cutter = Cutter { version, plan, at: usage.at, rate, split: split.then_some(candidates) };
    if !split && let [Step { units: None, unit, price }] = rate.steps.as_slice() {
        // One length and price: no walk is needed.
        let units = amount.div_ceil((*unit).max(1)).max(rate.minimum_units);
        quote.runs.push(Run { units, unit: *unit, price: *price });
    } else {
        quote.runs = cutter.cut(0, amount, rate.minimum_units)?;
    }
    if !offered.is_empty() {
        cutter.cover(&mut quote, amount, offered)?;
    }
    Some(quote)
}

/// The best rate that holds at an instant.
fn rate_at<'t>(version: &Version, plan: &'t Plan, candidates: &[RateId], at: InstantMs) -> Option<(RateId, &'t Rate)> {
    let mut now = None;
    candidates.iter().find_map(|id| {
        let rate = plan.rate(*id)?;
        let Some(window) = rate.window else { return Some((*id, rate)) };
        let (class, ms_of_day) = *now.get_or_insert_with(|| {
            let local = version.zone.local(at);
            (version.holidays.class(local.day), local.ms_of_day)
        });
        let holds = version.windows.get(usize::from(window)).is_some_and(|window| window.holds(class, ms_of_day));
        holds.then_some((*id, rate))
    })
}

/// Cuts a stretch of a usage into units.
struct Cutter<'t> {
    version: &'t Version,
    plan: &'t Plan,
    /// When the usage began.
    at: InstantMs,
    /// The rate of that instant.
    rate: &'t Rate,
    /// Candidates to choose from anew at the start of each unit, where the version splits by window.
    split: Option<&'t [RateId]>,
}

impl<'t> Cutter<'t> {
    /// Cuts `amount` that begins `offset` after the start, from the first step, into at least `minimum` units.
    ///
    /// `None` where the version splits and no rate holds at the start of some unit.
    fn cut(&self, offset: u64, amount: u64, minimum: Units) -> Option<SmallVec<[Run; 2]>> {
        let mut runs: SmallVec<[Run; 2]> = SmallVec::new();
        let (mut position, mut count) = (0u64, 0u64);
        while position < amount || count < minimum {
            let (rate, until) = self.rate_from(offset.saturating_add(position))?;
            if rate.measure != self.rate.measure {
                return None;
            }
            let (step, left_in_step) = step_at(rate, count)?;
            let unit = step.unit.max(1);
            let needed = amount.saturating_sub(position).div_ceil(unit).max(minimum.saturating_sub(count));
            let before_change = until.map_or(u64::MAX, |until| until.div_ceil(unit));
            let units = needed.min(left_in_step).min(before_change).max(1);
            match runs.last_mut() {
                Some(last) if last.unit == unit && last.price == step.price => {
                    last.units = last.units.saturating_add(units);
                }
                _ => runs.push(Run { units, unit, price: step.price }),
            }
            count = count.saturating_add(units);
            position = position.saturating_add(units.saturating_mul(unit));
        }
        Some(runs)
    }

    /// The rate at `offset` after the start, and for how many milliseconds from there it surely holds.
    fn rate_from(&self, offset: u64) -> Option<(&'t Rate, Option<u64>)> {
        let Some(candidates) = self.split else { return Some((self.rate, None)) };
        let at = self.at.plus_ms(i64::try_from(offset).unwrap_or(i64::MAX));
        let (_, rate) = rate_at(self.version, self.plan, candidates, at)?;
        let local = self.version.zone.local(at);
        let windows = candidates.iter().filter_map(|id| self.plan.rate(*id)?.window);
        let edge = windows
            .filter_map(|window| self.version.windows.get(usize::from(window)))
            .map(|window| window.next_edge_ms(local.ms_of_day))
            .chain([86_400_000])
            .min()
            .unwrap_or(86_400_000);
        let to_edge = edge.saturating_sub(local.ms_of_day);
        let to_shift = self.version.zone.next_change(at).map_or(i64::MAX, |change| change.since(at));
        Some((rate, u64::try_from(to_edge.min(to_shift)).ok()))
    }

    /// Lets allowances cover whole units from the start; what remains is cut anew from the first step, without the
    /// minimum, which has lifted the length of the whole before.
    fn cover(&self, quote: &mut Quote, amount: u64, offered: &[(Measure, u64)]) -> Option<()> {
        let units = quote.paid_units();
        let billable = quote.length_of(units).max(amount);
        let natural = self.cut(0, amount, 0)?.iter().fold(0u64, |sum, run| sum.saturating_add(run.units));
        let (mut offset, mut remaining) = (0u64, if units > natural { billable } else { amount });
        for (index, (measure, held)) in offered.iter().enumerate() {
            if *measure != quote.measure || *held == 0 || remaining == 0 {
                continue;
            }
            let mut covered = Covered { offered: index, units: 0, amount: 0 };
            for run in self.cut(offset, remaining, 0)? {
                let units = held.saturating_sub(covered.amount).checked_div(run.unit)?.min(run.units);
                covered.units = covered.units.saturating_add(units);
                covered.amount = covered.amount.saturating_add(units.saturating_mul(run.unit));
                if units < run.units {
                    break;
                }
            }
            if covered.units > 0 {
                offset = offset.saturating_add(covered.amount);
                remaining = remaining.saturating_sub(covered.amount);
                quote.covered.push(covered);
            }
        }
        if !quote.covered.is_empty() {
            quote.runs = self.cut(offset, remaining, 0)?;
            quote.minimum_units = 0;
        }
        Some(())
    }
}

/// The step that prices the unit after `count` units, and how many units are left in it.
fn step_at(rate: &Rate, count: Units) -> Option<(&Step, Units)> {
    let mut before = 0u64;
    for step in &rate.steps {
        let Some(units) = step.units else { return Some((step, u64::MAX)) };
        let end = before.saturating_add(units);
        if count < end {
            return Some((step, end.saturating_sub(count)));
        }
        before = end;
    }
    rate.steps.last().map(|step| (step, u64::MAX))
}
