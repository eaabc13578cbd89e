//! The life of one account out of what the journal says of it: its opening, what it used by month, money that moved,
//! events. A pure function of these and a day, whatever the batches in which they came.
//!
//! What came behind a recording of statuses counts from its day at the earliest: what is recorded stays.
//!
//! Source: status 3.3, accounts and money 2.5.

use super::entry::{Brought, TaskDone};
use crate::classify::{
    Act, Deadline, Effect, Event, Facts, Happened, Life, Money, Move, Next, OffCause, Outcome, Posting, Refusal,
    Status, Task, Terms, Wish,
};
use crate::folder::Told;
use crate::units::{InstantMs, LocalDay, Period, Tiyn, Zone};

/// The day of the month after the month of service by which it is to be paid, inclusive (BT-4.2, PA-4.5).
const DUE_DAY: i32 = 25;

/// Until when the service of a month is to be paid.
pub(super) fn due_on(month: Period) -> LocalDay {
    month.next().first_day().plus_days(DUE_DAY.saturating_sub(1))
}

/// What an account used in a month, as far as it came behind so many recordings. Of an account whose client came back,
/// what it used on a day: its month may be cut by the end of a contract.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Usage {
    pub(super) account: u32,
    pub(super) run: u32,
    pub(super) month: Period,
    /// The day, or the first of the month.
    pub(super) on: LocalDay,
    /// Tiyn; below zero where more was taken back.
    pub(super) amount: i64,
}

/// Money that moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct MoneyIn {
    pub(super) account: u32,
    pub(super) run: u32,
    /// Openings have none.
    pub(super) at: Option<InstantMs>,
    pub(super) what: MoneyWhat,
    /// Tiyn, above zero.
    pub(super) amount: Tiyn,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum MoneyWhat {
    Paid,
    Refunded,
    /// The client's, brought from the books before.
    Ahead,
    /// Owed for a month, brought from the books before.
    Owed(Period),
    /// Debt of another kind, brought from the books before.
    Brought(Brought),
}

/// An event of an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct EventIn {
    pub(super) account: u32,
    pub(super) run: u32,
    pub(super) id: Box<str>,
    pub(super) event: Event,
    /// It says that papers of the closing are missing.
    pub(super) lacks_papers: bool,
}

/// How `reference` of the end of a contract begins where papers are missing.
pub(super) const PAPERS: &str = "papers:";

/// All that is known of an account.
#[derive(Clone, Copy)]
pub(super) struct Known<'k> {
    pub(super) told: &'k Told,
    pub(super) usage: &'k [Usage],
    pub(super) money: &'k [MoneyIn],
    pub(super) events: &'k [EventIn],
    pub(super) done: &'k [TaskDone],
}

/// What holds for every account.
#[derive(Clone, Copy)]
pub(super) struct Base<'b> {
    pub(super) terms: &'b Terms,
    pub(super) zone: &'b Zone,
    /// Days of the recordings, in their order.
    pub(super) runs: &'b [LocalDay],
    /// The first day of the first tariff: the month before it is that of an account of which no day is known.
    pub(super) first_day: LocalDay,
}

/// A wish, and where a credit balance goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct LivedWish {
    pub(super) wish: Wish,
    pub(super) to: Option<Box<str>>,
}

/// A task that nobody has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OpenTask {
    pub(super) task: Task,
    pub(super) on: LocalDay,
    pub(super) due: Deadline,
}

/// The life of an account up to a day.
#[derive(Clone, Debug)]
pub(super) struct Lived {
    pub(super) life: Life,
    pub(super) moves: Vec<Move>,
    pub(super) wishes: Vec<LivedWish>,
    /// Events that were refused, by their place.
    pub(super) refused: Vec<(usize, Refusal)>,
    pub(super) tasks: Vec<OpenTask>,
}

/// What happens to an account, in the order in which it takes effect.
#[derive(Clone, Copy, Debug)]
enum What {
    Bill(usize),
    Money(usize),
    Event(usize),
    Off,
    Ended,
}

type Step = (LocalDay, u32, i64, u8, usize, What);

/// Lives an account up to and with a day; none where it is opened later. Total: whatever is told, in whatever order.
pub(super) fn live(base: &Base<'_>, known: &Known<'_>, as_of: LocalDay) -> Option<Lived> {
    let opened_on = opened_on(base, known);
    if opened_on > as_of {
        return None;
    }
    let steps = steps(base, known, opened_on, as_of);
    let (life, first) = Life::open(facts_at_opening(known.told, opened_on));
    let lived = Lived { life, moves: vec![first], wishes: Vec::new(), refused: Vec::new(), tasks: Vec::new() };
    let mut living = Living { base, known, steps: &steps, billed: vec![false; known.usage.len()], lived };
    for place in 0..steps.len() {
        living.step(place);
    }
    living.catch_up(as_of);
    living.finish(as_of);
    Some(living.lived)
}

/// The first day of an account. One of which no day is told was opened before everything that is known of it.
fn opened_on(base: &Base<'_>, known: &Known<'_>) -> LocalDay {
    let told = known.told;
    if let Some(on) = told.opened_on.or(told.facts.contract_on) {
        return on;
    }
    let usage = known.usage.iter().map(|usage| usage.month.first_day());
    let money = known.money.iter().filter_map(|money| Some(base.zone.local(money.at?).day));
    let debts = known.money.iter().filter_map(|money| match money.what {
        MoneyWhat::Owed(month) => Some(month.first_day()),
        MoneyWhat::Paid | MoneyWhat::Refunded | MoneyWhat::Ahead | MoneyWhat::Brought(_) => None,
    });
    let events = known.events.iter().map(|event| event.event.on);
    let told = told.terminated_on.into_iter().chain(told.switched_off_on);
    let first = usage.chain(money).chain(debts).chain(events).chain(told).chain([base.first_day]).min();
    first.unwrap_or(base.first_day).period().previous().first_day()
}

/// What is known of an account on its first day. Where the end of the contract is told, the rest is known then.
fn facts_at_opening(told: &Told, opened_on: LocalDay) -> Facts {
    let contract_on = told.facts.contract_on;
    if told.terminated_on.is_some() {
        return Facts { contract_on, ..Facts::imported(opened_on) };
    }
    let off = told.switched_off_on.is_some();
    let (crm_on, billing_on) = if off { (None, None) } else { (told.facts.crm_on, told.facts.billing_on) };
    let act = told.facts.act.or(Some(Act::None));
    let blocked_on = None;
    Facts { opened_on, crm_on, billing_on, act, blocked_on, terminated_on: None, ..told.facts.clone() }
}

fn steps(base: &Base<'_>, known: &Known<'_>, opened_on: LocalDay, as_of: LocalDay) -> Vec<Step> {
    let floor = |run: u32| {
        let before = run.checked_sub(1).and_then(|last| base.runs.get(last as usize));
        before.map_or(opened_on, |day| (*day).max(opened_on))
    };
    let mut steps: Vec<Step> =
        Vec::with_capacity(known.usage.len().saturating_add(known.money.len()).saturating_add(4));
    for (place, usage) in known.usage.iter().enumerate() {
        let on = usage.month.next().first_day().max(floor(usage.run));
        steps.push((on, usage.run, i64::MIN, 0, place, What::Bill(place)));
    }
    for (place, money) in known.money.iter().enumerate() {
        let (on, at) = match (money.at, money.what) {
            (Some(at), _) => (base.zone.local(at).day, at.0),
            // It is the end of the contract that made debt doubtful.
            (None, MoneyWhat::Brought(_)) => (known.told.terminated_on.unwrap_or(opened_on), i64::MIN),
            (None, _) => (opened_on, i64::MIN),
        };
        steps.push((on.max(floor(money.run)), money.run, at, 1, place, What::Money(place)));
    }
    for (place, event) in known.events.iter().enumerate() {
        let (at, kind) = event.event.order_key();
        let on = event.event.on.max(floor(event.run));
        steps.push((on, event.run, at.0, kind.saturating_add(2), place, What::Event(place)));
    }
    if let Some(on) = known.told.switched_off_on {
        steps.push((on.max(opened_on), 0, i64::MAX, u8::MAX, 0, What::Off));
    }
    if let Some(on) = known.told.terminated_on {
        steps.push((on.max(opened_on), 0, i64::MAX, u8::MAX, 1, What::Ended));
    }
    steps.retain(|(on, ..)| *on <= as_of);
    steps.sort_by_key(|(on, run, at, class, place, _)| (*on, *run, *at, *class, *place));
    steps
}

struct Living<'l> {
    base: &'l Base<'l>,
    known: &'l Known<'l>,
    steps: &'l [Step],
    billed: Vec<bool>,
    lived: Lived,
}

impl Living<'_> {
    fn step(&mut self, place: usize) {
        let Some((on, run, _, _, _, what)) = self.steps.get(place).copied() else { return };
        if let Some(seen) = run.checked_sub(1).and_then(|last| self.base.runs.get(last as usize)) {
            // What is recorded is seen, though nothing happened.
            self.catch_up((*seen).min(on));
        }
        match what {
            What::Bill(usage) => self.bill(on, usage),
            What::Money(money) => self.money(on, money),
            What::Event(event) => self.event(on, run, event),
            What::Off => self.off(on),
            What::Ended => {
                self.bill_all(on, run);
                let mut out = Outcome::default();
                self.lived.life.told_ended(self.base.terms, on, &self.known.told.facts, &mut out);
                self.take(out, None);
            }
        }
        self.close_tasks();
    }

    fn catch_up(&mut self, to: LocalDay) {
        let mut out = Outcome::default();
        self.lived.life.catch_up(self.base.terms, to, &mut out);
        self.take(out, None);
    }

    fn take(&mut self, out: Outcome, to: Option<&str>) {
        self.lived.moves.extend(out.moves);
        for wish in out.wishes {
            if let Effect::Do(task, due) = wish.effect {
                self.lived.tasks.push(OpenTask { task, on: wish.on, due });
            }
            let moved = matches!(wish.effect, Effect::Post(Posting::CreditMoved, _));
            let to = to.filter(|_| moved).map(Box::from);
            self.lived.wishes.push(LivedWish { wish, to });
        }
    }

    fn settle(&mut self, on: LocalDay, at: InstantMs, change: impl FnOnce(&mut Money)) {
        let mut money = self.lived.life.facts().money.clone();
        change(&mut money);
        let mut out = Outcome::default();
        // Amounts of the ledger are in range, and the day is not before the opening: it is not refused.
        let _ = self.lived.life.money(self.base.terms, (at, on), money, on, &mut out);
        self.take(out, None);
    }

    fn bill(&mut self, on: LocalDay, place: usize) {
        let Some(usage) = self.known.usage.get(place).copied() else { return };
        match self.billed.get_mut(place) {
            Some(billed) if !*billed => *billed = true,
            Some(_) | None => return,
        }
        let at = self.base.zone.start_of_day(on);
        self.settle(on, at, |money| money.bill(due_on(usage.month), Tiyn::new(usage.amount)));
    }

    /// With the contract ends the month: what was used until then is billed.
    fn bill_all(&mut self, on: LocalDay, run: u32) {
        for place in 0..self.known.usage.len() {
            let due = self.known.usage.get(place).is_some_and(|usage| usage.on <= on && usage.run <= run);
            if due {
                self.bill(on, place);
            }
        }
    }

    fn money(&mut self, on: LocalDay, place: usize) {
        let Some(MoneyIn { at, what, amount, .. }) = self.known.money.get(place).copied() else { return };
        let at = at.unwrap_or_else(|| self.base.zone.start_of_day(on));
        let told = self.known.told;
        self.settle(on, at, |money| match what {
            MoneyWhat::Paid | MoneyWhat::Ahead => money.pay(amount),
            MoneyWhat::Refunded => money.refund(due_on(on.period()), amount),
            // Debt of an opening has its own day (accounts and money 2.1).
            MoneyWhat::Owed(month) => money.bill(told.opening_due_on.unwrap_or(due_on(month)), amount),
            MoneyWhat::Brought(kind) => {
                let kind = match kind {
                    Brought::Doubtful => &mut money.doubtful,
                    Brought::OffBalance => &mut money.off_balance,
                    Brought::Penalty => &mut money.penalty,
                };
                *kind = kind.checked_add(amount).unwrap_or(Tiyn::MAX);
            }
        });
    }

    fn event(&mut self, on: LocalDay, run: u32, place: usize) {
        let Some(EventIn { event, lacks_papers, .. }) = self.known.events.get(place) else { return };
        if matches!(event.happened, Happened::ContractTerminated(_)) {
            self.bill_all(on, run);
        }
        let to = if let Happened::CreditMoved { to, .. } = &event.happened { Some(to.clone()) } else { None };
        let mut out = Outcome::default();
        let taken = self.lived.life.event(self.base.terms, event, on, &mut out);
        if taken.is_ok() && *lacks_papers {
            // Missing papers are completed (PA-27).
            out.wishes.push(Wish { on, effect: Effect::Do(Task::CompletePapers, Deadline::Open) });
        }
        self.take(out, to.as_deref());
        if let Err(refusal) = taken {
            self.lived.refused.push((place, refusal));
        }
    }

    /// The register says that services are off: a switch-off for debt where the status allows it, else a fact.
    fn off(&mut self, on: LocalDay) {
        let mut out = Outcome::default();
        let told = &self.known.told.facts;
        let at = self.base.zone.start_of_day(on);
        let event = Event { at, on, happened: Happened::ServicesOff(told.off_cause.unwrap_or(OffCause::Debt)) };
        self.lived.life.catch_up(self.base.terms, on, &mut out);
        let known = self.lived.life.facts().crm_on == Some(false);
        if !known && self.lived.life.event(self.base.terms, &event, on, &mut out).is_err() {
            self.lived.life.told_off(self.base.terms, on, told, &mut out);
        }
        self.take(out, None);
    }

    /// Tasks that are done by what happened.
    fn close_tasks(&mut self) {
        let (facts, status) = (self.lived.life.facts(), self.lived.life.status());
        self.lived.tasks.retain(|open| match open.task {
            Task::RestoreService => facts.crm_on != Some(true) && facts.terminated_on.is_none(),
            // Who comes back has the credit to spend.
            Task::RefundCredit | Task::WriteOffCredit => {
                facts.money.credit > Tiyn::ZERO && facts.terminated_on.is_some()
            }
            Task::ClaimsPackage => status == Status::ClosedDoubtful,
            Task::CompletePapers | Task::OpenInSegment => true,
        });
    }

    fn finish(&mut self, as_of: LocalDay) {
        self.close_tasks();
        let done = self.known.done;
        self.lived.tasks.retain(|open| {
            let is_done = |of: &TaskDone| usize::from(of.task) == open.task as usize && open.on.0 <= of.on;
            !done.iter().any(|of| of.on <= as_of.0 && is_done(of))
        });
    }
}

/// The move that comes if nothing happens: what was used until a day is billed when its month is over, and falls due.
pub(super) fn next_of(base: &Base<'_>, lived: &Lived, unbilled: Tiyn, as_of: LocalDay) -> Option<Next> {
    let next = lived.life.next(base.terms);
    let month = as_of.period();
    let billed_on = month.next().first_day();
    if unbilled <= Tiyn::ZERO || next.is_some_and(|next| next.on <= billed_on) {
        return next;
    }
    let mut life = lived.life.clone();
    let mut money = life.facts().money.clone();
    money.bill(due_on(month), unbilled);
    let mut out = Outcome::default();
    let taken = life.money(base.terms, (base.zone.start_of_day(billed_on), billed_on), money, billed_on, &mut out);
    match (taken, out.moves.first()) {
        (Err(_), _) => next,
        (Ok(_), Some(made)) => Some(Next { status: made.to, on: made.on, rule: made.rule }),
        (Ok(_), None) => life.next(base.terms),
    }
}

/// What was used and is not billed yet on a day, into the money that is shown.
pub(super) fn shown_money(known: &Known<'_>, lived: &Lived, unbilled: Tiyn, as_of: LocalDay) -> Money {
    let mut money = lived.life.facts().money.clone();
    if known.told.terminated_on.is_none() && lived.life.facts().terminated_on.is_none() {
        money.bill(due_on(as_of.period()), unbilled);
    }
    money
}
