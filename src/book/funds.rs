use super::consumed::{AllowanceKey, Consumed};
use super::{Account, AccountNo, Funding, Method, PlanChoice, Posted, Taken, TakenAllowance};
use crate::hint::prefetch;
use crate::tariff::{Allowance, Measure, Plan, PlanId, Proration, UsageClass};
use crate::units::{InstantMs, LocalDay, Period, Tiyn};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::borrow::Cow;

/// What rating changes: money spent ahead, usage of the month, allowances.
///
/// 24 bytes an account up to the last that pays ahead, 16 bytes a payment (24 until a balance is asked for); of other
/// accounts only what limits and allowances need.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Funds {
    /// By account number.
    purses: Vec<Purse>,
    /// What is booked where there is no place for it: never.
    nobody: Purse,
    /// Payments by account and time; the amount is the sum up to and with this one.
    credits: Vec<(InstantMs, i64)>,
    /// Payments that have no place there yet, as they came: all get theirs at once, when a balance is asked for.
    #[serde(skip)]
    unplaced: Vec<(AccountNo, InstantMs, i64)>,
    usage: FxHashMap<(AccountNo, Period), i64>,
    /// What was consumed of the quantity of a period, in it and in the month after.
    consumed: Consumed,
}

/// The money of an account that pays in advance.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
struct Purse {
    opening: i64,
    /// Sum of all debits booked, whatever their date.
    debits: i64,
    /// Where its payments stand in `credits`.
    first_credit: u32,
    credits: u32,
}

impl PartialEq for Funds {
    fn eq(&self, other: &Self) -> bool {
        let (one, other) = (self.placed(), other.placed());
        let Self { purses, nobody, credits, unplaced: _, usage, consumed } = &*one;
        (purses, nobody, credits, usage, consumed)
            == (&other.purses, &other.nobody, &other.credits, &other.usage, &other.consumed)
    }
}

/// What an account has left of an allowance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AllowanceLeft {
    /// What it measures.
    pub measure: Measure,
    /// Milliseconds, bytes or events.
    pub left: u64,
    key: AllowanceKey,
}

/// What may cover a usage: of nearly all no more than so many.
pub type Offered = SmallVec<[AllowanceLeft; OFFERED]>;
const OFFERED: usize = 4;

impl AllowanceLeft {
    /// What the journal says of it when it gave so much.
    pub fn taken(&self, amount: u64) -> TakenAllowance {
        TakenAllowance {
            plan: self.key.plan.0,
            allowance: self.key.allowance,
            month: self.key.period.0,
            held: self.left,
            amount,
        }
    }
}

impl Funds {
    /// The money that the account had before all payments.
    pub fn open(&mut self, no: AccountNo, opening: Tiyn) {
        self.purse(no).opening = opening.get();
    }

    /// Books payments, in any order. Amounts as credited (net on budget accounts).
    pub fn pay(&mut self, payments: impl IntoIterator<Item = (AccountNo, InstantMs, Tiyn)>) {
        self.unplaced.extend(payments.into_iter().map(|(no, at, amount)| (no, at, amount.get())));
    }

    /// The same funds with every payment in its place: what is compared, and what is kept.
    pub(crate) fn placed(&self) -> Cow<'_, Self> {
        if self.unplaced.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut placed = self.clone();
        placed.place();
        Cow::Owned(placed)
    }

    #[cold]
    fn place(&mut self) {
        let mut all: Vec<(AccountNo, InstantMs, i64)> = Vec::new();
        for (no, purse) in (0u32..).map(AccountNo).zip(&self.purses) {
            let mut before = 0i64;
            all.extend(self.credits_of(purse).iter().map(|(at, sum)| {
                let amount = sum.saturating_sub(before);
                before = *sum;
                (no, *at, amount)
            }));
        }
        all.append(&mut self.unplaced);
        self.unplaced = Vec::new();
        all.sort_by_key(|(no, at, _)| (*no, *at));
        self.credits = Vec::with_capacity(all.len());
        for of_account in all.chunk_by(|(one, ..), (next, ..)| one == next) {
            let Some((no, ..)) = of_account.first() else { continue };
            let first_credit = u32::try_from(self.credits.len()).unwrap_or(u32::MAX);
            let mut sum = 0i64;
            for (_, at, amount) in of_account {
                sum = sum.saturating_add(*amount);
                self.credits.push((*at, sum));
            }
            let purse = self.purse(*no);
            purse.first_credit = first_credit;
            purse.credits = u32::try_from(of_account.len()).unwrap_or(u32::MAX);
        }
    }

    /// Opening balance and credits dated up to an instant, minus every debit booked. Source: rating 1.7.
    pub fn balance(&mut self, no: AccountNo, at: InstantMs) -> Tiyn {
        if !self.unplaced.is_empty() {
            self.place();
        }
        let Some(purse) = self.purses.get(no.0 as usize) else { return Tiyn::ZERO };
        let credits = self.credits_of(purse);
        let credited = credits.partition_point(|(credit_at, _)| *credit_at <= at);
        let credit = credited.checked_sub(1).and_then(|last| credits.get(last)).map_or(0, |(_, sum)| *sum);
        Tiyn::new(purse.opening.saturating_add(credit).saturating_sub(purse.debits))
    }

    /// Asks for the memory of an account's money, and of what it has consumed of its allowances.
    #[inline]
    pub fn prefetch(&self, no: AccountNo) {
        prefetch(&self.purses, no.0 as usize);
        self.consumed.prefetch(no);
    }

    /// Asks for the payments of an account: what [`Self::prefetch`] asked for has come.
    #[inline]
    pub fn prefetch_credits(&self, no: AccountNo) {
        if let Some(purse) = self.purses.get(no.0 as usize) {
            prefetch(&self.credits, purse.first_credit as usize);
        }
    }

    /// Books a debit; a negative one gives money back.
    pub fn debit(&mut self, no: AccountNo, amount: Tiyn) {
        let purse = self.purse(no);
        purse.debits = purse.debits.saturating_add(amount.get());
    }

    fn purse(&mut self, no: AccountNo) -> &mut Purse {
        let at = no.0 as usize;
        if self.purses.len() <= at {
            self.purses.resize(at.saturating_add(1), Purse::default());
        }
        // The place was made above; a purse of nobody is never looked at.
        self.purses.get_mut(at).unwrap_or(&mut self.nobody)
    }

    fn credits_of(&self, purse: &Purse) -> &[(InstantMs, i64)] {
        let first = purse.first_credit as usize;
        self.credits.get(first..first.saturating_add(purse.credits as usize)).unwrap_or_default()
    }

    /// Gross outgoing usage of an account in a month.
    pub fn used(&self, no: AccountNo, period: Period) -> Tiyn {
        Tiyn::new(self.usage.get(&(no, period)).copied().unwrap_or(0))
    }

    /// Adds to the usage of a month; a negative amount takes back.
    pub fn use_up(&mut self, no: AccountNo, period: Period, gross: Tiyn) {
        let used = self.usage.entry((no, period)).or_default();
        *used = used.saturating_add(gross.get());
    }

    /// Books what a charge took, as the journal tells it, or gives it back. Source: rating 1.6, 1.7, CELL-47.
    pub fn replay(&mut self, posted: &Posted, back: bool) {
        let no = posted.account();
        let signed = |amount: Tiyn| if back { Tiyn::new(amount.get().saturating_neg()) } else { amount };
        if posted.paying().advance {
            self.debit(no, signed(posted.debit()));
        }
        let Some(taken) = &posted.taken else { return };
        if taken.counted {
            self.use_up(no, posted.period(), signed(Tiyn::new(posted.gross)));
        }
        for of in taken.allowances.iter().filter(|of| of.amount > 0) {
            let key =
                AllowanceKey { account: no, plan: PlanId(of.plan), allowance: of.allowance, period: Period(of.month) };
            let amount = of.amount;
            self.consumed.change(key, |of| if back { of.saturating_sub(amount) } else { of.saturating_add(amount) });
        }
    }

    /// Gives an account what it had when a charge was decided, whatever it has now: the balance, and what each allowance
    /// held. So the charge can be made again from the journal alone.
    pub fn as_it_was(&mut self, no: AccountNo, at: InstantMs, taken: &Taken, plan: &Plan, since: Option<LocalDay>) {
        if let Some(balance) = taken.balance {
            let missing = balance.saturating_sub(self.balance(no, at).get());
            self.debit(no, Tiyn::new(missing.saturating_neg()));
        }
        for of in &taken.allowances {
            let Some(allowance) = plan.allowances.get(usize::from(of.allowance)) else { continue };
            let period = Period(of.month);
            let key = AllowanceKey { account: no, plan: PlanId(of.plan), allowance: of.allowance, period };
            self.consumed.change(key, |_| granted(allowance, period, since).saturating_sub(of.held));
        }
    }

    /// What is left of the allowances that cover such usage, in the order of consumption: ascending priority, then
    /// earliest expiry (what was carried over ends first), then the order of the file.
    ///
    /// `had_plan_before`: the plan was on offer in the month before, so that something may be left over from it; also
    /// when these books have seen no usage of that month.
    ///
    /// Source: rating 1.6.
    pub fn allowances(
        &self,
        no: AccountNo,
        plan: &Plan,
        choice: PlanChoice,
        usage: UsageClass,
        period: Period,
        had_plan_before: bool,
    ) -> Offered {
        let mut left = SmallVec::<[_; OFFERED]>::new();
        let Some(plan_id) = choice.plan else { return Offered::new() };
        for (index, allowance) in plan.allowances.iter().enumerate() {
            if !allowance.covers(usage) {
                continue;
            }
            let key = |period| AllowanceKey {
                account: no,
                plan: plan_id,
                allowance: u16::try_from(index).unwrap_or(u16::MAX),
                period,
            };
            let left_of = |period, expiry: u8| {
                let key = key(period);
                let left = granted(allowance, period, choice.since).saturating_sub(self.consumed.get(key));
                (allowance.priority, expiry, AllowanceLeft { measure: allowance.measure, left, key })
            };
            if allowance.carry_over && had_plan_before {
                left.push(left_of(period.previous(), 0));
            }
            left.push(left_of(period, u8::from(allowance.carry_over)));
        }
        left.sort_by_key(|(priority, expiry, _)| (*priority, *expiry));
        left.into_iter().map(|(_, _, entry)| entry).collect()
    }

    /// Takes `amount` out of an allowance.
    pub fn consume(&mut self, allowance: AllowanceLeft, amount: u64) {
        self.consumed.change(allowance.key, |consumed| consumed.saturating_add(amount));
    }

    /// Gives back what a reversed charge had consumed.
    pub fn give_back(&mut self, allowance: AllowanceLeft, amount: u64) {
        self.consumed.change(allowance.key, |consumed| consumed.saturating_sub(amount));
    }
}

/// The quantity of a period for an account that has the plan since a day.
fn granted(allowance: &Allowance, period: Period, since: Option<LocalDay>) -> u64 {
    let Some(since) = since else { return allowance.quantity };
    let late_days = since.0.saturating_sub(period.first_day().0);
    if late_days <= 0 {
        return allowance.quantity;
    }
    let days = period.days();
    let late_days = late_days.min(days);
    if allowance.proration == Proration::Full {
        return if late_days == days { 0 } else { allowance.quantity };
    }
    // Whole seconds, messages, bytes.
    let whole: u64 = match allowance.measure {
        Measure::Time => 1000,
        Measure::Volume | Measure::Events => 1,
    };
    let (left, days) = (i128::from(days.saturating_sub(late_days)), i128::from(days));
    let units = i128::from(allowance.quantity.checked_div(whole).unwrap_or(0))
        .saturating_mul(left)
        .checked_div(days)
        .unwrap_or(0);
    u64::try_from(units).unwrap_or(0).saturating_mul(whole)
}

impl Account {
    /// It pays ahead, out of a balance (CELL-48).
    pub fn is_advance(&self) -> bool {
        self.method == Method::Advance
    }

    /// Whether its money counts without VAT.
    pub fn is_budget(&self) -> bool {
        self.funding == Funding::Budget
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Direction, Service};
    use crate::tariff::{Presence, RateIndexInput, Visited, ZoneId, Zones};

    const ANN: AccountNo = AccountNo(7);

    #[test]
    fn rating_1_7_a_payment_at_the_very_instant_counts_and_debits_count_whatever_their_date() {
        let mut funds = Funds::default();
        funds.open(ANN, Tiyn::new(500));
        funds.pay([(ANN, InstantMs(20), Tiyn::new(1000)), (ANN, InstantMs(10), Tiyn::new(1500))]);
        for (at, balance) in [(9, 500), (10, 2000), (19, 2000), (20, 3000)] {
            assert_eq!(funds.balance(ANN, InstantMs(at)), Tiyn::new(balance), "{at}");
        }
        funds.debit(ANN, Tiyn::new(600));
        assert_eq!(funds.balance(ANN, InstantMs(0)), Tiyn::new(-100));
        assert_eq!(funds.balance(AccountNo(8), InstantMs(0)), Tiyn::ZERO);
    }

    #[test]
    fn rating_1_7_payments_come_to_the_same_one_by_one_or_at_once_asked_between_or_not() {
        let payments: Vec<_> =
            (0..60i64).map(|n| (AccountNo((n * 7 % 5) as u32), InstantMs(n * 31 % 11), Tiyn::new(n + 1))).collect();
        let (mut at_once, mut one_by_one, mut asked_between) = (Funds::default(), Funds::default(), Funds::default());
        at_once.pay(payments.clone());
        for payment in &payments {
            one_by_one.pay([*payment]);
            asked_between.pay([*payment]);
            asked_between.balance(payment.0, payment.1);
        }
        assert!(at_once == one_by_one && one_by_one == asked_between && at_once != Funds::default());
        for no in (0..6).map(AccountNo) {
            for at in (0..12).map(InstantMs) {
                let sum = payments.iter().filter(|(of, paid, _)| *of == no && *paid <= at).map(|of| of.2.get()).sum();
                for funds in [&mut at_once, &mut one_by_one, &mut asked_between] {
                    assert_eq!(funds.balance(no, at), Tiyn::new(sum));
                }
            }
        }
    }

    fn plan(allowances: Vec<Allowance>) -> Plan {
        Plan::new(vec![], allowances, Tiyn::ZERO, RateIndexInput { zones: 1, networks: 0 })
    }

    fn minutes(quantity: u64, priority: i64, carry_over: bool) -> Allowance {
        Allowance {
            service: Service::Voice,
            direction: Direction::Out,
            visited: Visited::Home,
            zones: Zones::Any,
            measure: Measure::Time,
            quantity,
            priority,
            carry_over,
            proration: Proration::Days,
        }
    }

    const USAGE: UsageClass = UsageClass {
        service: Service::Voice,
        direction: Direction::Out,
        presence: Presence::Home,
        zone: Some(ZoneId(0)),
    };

    #[test]
    fn rating_1_6_allowances_go_by_priority_then_expiry_and_carry_over_once() {
        let plan = plan(vec![minutes(60_000, 20, true), minutes(30_000, 10, false), minutes(10_000, 20, false)]);
        let choice = PlanChoice { plan: Some(PlanId(0)), since: None };
        let mut funds = Funds::default();
        let day = |text| LocalDay::parse(text).unwrap();
        let left = |funds: &Funds, date| -> Vec<(u64, bool)> {
            let left = funds.allowances(ANN, &plan, choice, USAGE, day(date).period(), date > "2026-03");
            left.iter().map(|l| (l.left, l.key.period != day(date).period())).collect()
        };
        assert_eq!(left(&funds, "2026-02-10"), [(30_000, false), (10_000, false), (60_000, false)]);
        let third = funds.allowances(ANN, &plan, choice, USAGE, day("2026-02-10").period(), false)[2];
        funds.consume(third, 20_000);
        assert_eq!(left(&funds, "2026-02-10")[2], (40_000, false));
        // March: 40 000 are left over from February, and end before March's own.
        assert_eq!(left(&funds, "2026-03-01"), [(30_000, false), (40_000, true), (10_000, false), (60_000, false)]);
        let carried = funds.allowances(ANN, &plan, choice, USAGE, day("2026-03-01").period(), true)[1];
        funds.consume(carried, 15_000);
        assert_eq!(left(&funds, "2026-03-31")[1], (25_000, true));
        // A late record of February finds no more than that.
        assert_eq!(left(&funds, "2026-02-28")[2], (25_000, false));
        // April: March's own 60 000, not February's rest.
        assert_eq!(left(&funds, "2026-04-01")[1], (60_000, true));
        // Without any usage in May, all of May is left over in June.
        assert_eq!(left(&funds, "2026-06-01")[1], (60_000, true));
        // A client who came on 15 June has nothing from May.
        let since = PlanChoice { since: Some(day("2026-06-15")), ..choice };
        assert_eq!(funds.allowances(ANN, &plan, since, USAGE, day("2026-06-20").period(), true)[1].left, 0);
    }

    #[test]
    fn rating_1_6_a_start_within_the_month_is_prorated_down_to_whole_seconds() {
        let march = Period::parse("2026-03").unwrap();
        let since = |text: &str| Some(LocalDay::parse(text).unwrap());
        // 3600 s × 17/31 = 1974.19 s.
        for (start, quantity) in [
            (None, 3_600_000),
            (since("2026-02-15"), 3_600_000),
            (since("2026-03-01"), 3_600_000),
            (since("2026-03-15"), 1_974_000),
            (since("2026-03-31"), 116_000),
            (since("2026-04-01"), 0),
        ] {
            assert_eq!(granted(&minutes(3_600_000, 0, false), march, start), quantity, "{start:?}");
        }
        let full = Allowance { proration: Proration::Full, ..minutes(3_600_000, 0, false) };
        assert_eq!(granted(&full, march, since("2026-03-15")), 3_600_000);
    }
}
