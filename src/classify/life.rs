use super::effect::{Deadline, Effect, Posting, Task, Wish};
use super::event::{Event, Happened, OffCause};
use super::facts::Facts;
use super::fold::Contradiction;
use super::forbidden::{Action, allowed_under};
use super::money::Money;
use super::rows::classify_under;
use super::status::Status;
use super::terms::Terms;
use super::transitions::{Asked, CHECKS, Step, TRANSITIONS, Transition, Trigger};
use crate::law::StatusRule;
use crate::record::EventKind;
use crate::units::{InstantMs, LocalDay, Tiyn};
use std::fmt;

/// The life of one account: its recorded status, moved by events, money and dates, and by nothing else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Life {
    facts: Facts,
    status: Status,
    since: LocalDay,
    /// Everything up to this day has been seen.
    seen_to: LocalDay,
}

/// The recorded status changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Move {
    /// The day.
    pub on: LocalDay,
    /// From; none is: the account was opened.
    pub from: Option<Status>,
    /// To.
    pub to: Status,
    /// The paragraph.
    pub rule: StatusRule,
    /// † Not in the source.
    pub decided: bool,
    /// When such a move is made, for people.
    pub says: &'static str,
}

/// What comes of a step: moves in their order, and what the caller is asked to carry out.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Outcome {
    /// Moves.
    pub moves: Vec<Move>,
    /// Postings and tasks.
    pub wishes: Vec<Wish>,
}

/// The next move if nothing happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Next {
    /// To.
    pub status: Status,
    /// The day.
    pub on: LocalDay,
    /// The paragraph.
    pub rule: StatusRule,
}

/// What was wished of an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wished {
    /// An event.
    Event(EventKind),
    /// A change of its money.
    Money,
    /// An action (3.4).
    Action(Action),
}

impl fmt::Display for Wished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(kind) => write!(f, "{kind}"),
            Self::Money => f.write_str("a change of money"),
            Self::Action(action) => write!(f, "{action}"),
        }
    }
}

/// A wish that the status, the facts or the dates do not allow. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The status of the account.
    pub status: Status,
    /// The wish.
    pub wish: Wished,
    /// The paragraph.
    pub rule: StatusRule,
    /// For people.
    pub why: &'static str,
}

/// `archived: no take_payment: an archived account takes no payment (PA-4.4)`
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, wish, rule, why } = self;
        write!(f, "{status}: no {wish}: {why} ({rule})")
    }
}

impl std::error::Error for Refusal {}

impl Life {
    /// Opens an account on the day of its facts. The move to `new` is the first of its timeline.
    pub fn open(facts: Facts) -> (Self, Move) {
        let on = facts.opened_on;
        let life = Self { facts, status: Status::New, since: on, seen_to: on };
        let opening = TRANSITIONS.iter().find(|row| row.from.is_none());
        let (rule, says) = opening.map_or((StatusRule::Pa4_1, ""), |row| (row.rule, row.says));
        (life, Move { on, from: None, to: Status::New, rule, decided: false, says })
    }

    /// Takes over an account of an earlier system, whose facts are known on a day: its recorded status is what they
    /// say †, since the day that they tell.
    pub fn imported(terms: &Terms, facts: Facts, as_of: LocalDay) -> Self {
        let as_of = as_of.max(facts.opened_on);
        let status = classify_under(terms, &facts, as_of).status;
        let opened_on = facts.opened_on;
        let since = since_by_facts(terms, &facts, status).unwrap_or(opened_on).min(as_of).max(opened_on);
        Self { facts, status, since, seen_to: as_of }
    }

    /// Takes over that services are off since a day, which another system says and no event †: known as a fact, and no
    /// move.
    pub fn told_off(&mut self, terms: &Terms, on: LocalDay, told: &Facts, out: &mut Outcome) {
        self.catch_up(terms, on, out);
        if self.facts.crm_on == Some(false) || self.facts.billing_on == Some(false) {
            return;
        }
        self.facts.blocked_on = self.facts.blocked_on.or(Some(on));
        (self.facts.crm_on, self.facts.billing_on) = (Some(false), Some(false));
        self.facts.off_cause = told.off_cause.or(self.facts.off_cause);
        self.facts.analyzeset_off = told.analyzeset_off.or(self.facts.analyzeset_off);
    }

    /// Takes over that the contract ended on a day, which another system says and no event †. Its steps are not known, so
    /// no guard holds it back: the recorded status is what the facts say, and debt becomes doubtful (PA-3.29). Nothing
    /// happens where the contract has ended already.
    pub fn told_ended(&mut self, terms: &Terms, on: LocalDay, told: &Facts, out: &mut Outcome) {
        self.catch_up(terms, on, out);
        if self.facts.terminated_on.is_some() {
            return;
        }
        self.facts.take_over_end(on, told);
        if self.facts.money.has_debt() {
            let effect = self.post(terms, Posting::DebtToDoubtful);
            out.wishes.push(Wish { on, effect });
        }
        let classified = classify_under(terms, &self.facts, on);
        let (from, to) = (Some(self.status), classified.status);
        out.moves.push(Move { on, from, to, rule: classified.rule, decided: true, says: "as the register tells" });
        (self.status, self.since) = (to, on);
        if to == Status::ClosedCredit {
            for effect in [
                self.post(terms, Posting::AdvanceToCredit),
                Effect::Do(Task::RefundCredit, self.deadline(terms, Task::RefundCredit, None)),
            ] {
                out.wishes.push(Wish { on, effect });
            }
        }
        self.follow(terms, None, out);
    }

    /// The recorded status.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// The day of the last move.
    pub const fn since(&self) -> LocalDay {
        self.since
    }

    /// The last day that was seen.
    pub const fn seen_to(&self) -> LocalDay {
        self.seen_to
    }

    /// What is known.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The move that comes, and its day, if nothing happens; none while only an event or money can move the account.
    pub fn next(&self, terms: &Terms) -> Option<Next> {
        let (on, row) = next_by_date(terms, &self.facts, self.status, self.seen_to)?;
        Some(Next { status: row.to, on, rule: row.rule })
    }

    /// Makes every move whose day has come, each on its own day and in order, up to and including `to`. A day before
    /// the last one seen changes nothing.
    ///
    /// However late and in however many calls: the moves are the same.
    ///
    /// Source: status 3.3.
    pub fn catch_up(&mut self, terms: &Terms, to: LocalDay, out: &mut Outcome) {
        while let Some((on, row)) = next_by_date(terms, &self.facts, self.status, self.seen_to)
            && on <= to
        {
            self.seen_to = on;
            self.make(terms, row, None, out);
            self.follow(terms, None, out);
        }
        self.seen_to = self.seen_to.max(to);
    }

    /// Takes in an event, after the moves whose day has come before it.
    ///
    /// `today` is the last day that has come: an event after it is refused, as is one before a day that was seen. A
    /// refused event changes nothing but that those moves are made.
    pub fn event(&mut self, terms: &Terms, event: &Event, today: LocalDay, out: &mut Outcome) -> Result<(), Refusal> {
        let wish = Wished::Event(event.happened.kind());
        self.in_order(event.on, today, wish)?;
        self.catch_up(terms, event.on, out);
        if matches!(event.happened, Happened::Reapplied { .. }) && self.facts.terminated_on.is_some() {
            let back = allowed_under(terms, self.status, &self.facts, event.on, Action::Reconnect);
            back.map_err(|refusal| Refusal { wish, ..refusal })?;
        }
        let mut after = self.facts.clone();
        let refuse = |Contradiction { rule, why }| Refusal { status: self.status, wish, rule, why };
        after.apply(terms, event).map_err(refuse)?;
        let step = Step { terms, on: event.on, before: &self.facts, after: &after, happened: Some(&event.happened) };
        let row = self.row_of(&step, event.happened.kind()).map_err(refuse)?;
        if matches!(event.happened, Happened::ServicesOn | Happened::Resumed) {
            let provided = allowed_under(terms, self.status, &self.facts, event.on, Action::Provide);
            provided.map_err(|refusal| Refusal { wish, ..refusal })?;
        }
        let posting = posting_of(&step);
        // From here the event succeeds.
        self.facts = after;
        if let Some((posting, amount)) = posting.filter(|(_, amount)| *amount > Tiyn::ZERO) {
            out.wishes.push(Wish { on: event.on, effect: Effect::Post(posting, amount) });
        }
        if let Some(row) = row {
            self.make(terms, row, Some(event.at), out);
        }
        self.follow(terms, Some(event.at), out);
        Ok(())
    }

    /// Takes in the money that the ledger has since an instant of a day, after the moves whose day has come before.
    /// `today` as for [`Life::event`].
    pub fn money(
        &mut self,
        terms: &Terms,
        (at, on): (InstantMs, LocalDay),
        money: Money,
        today: LocalDay,
        out: &mut Outcome,
    ) -> Result<(), Refusal> {
        self.in_order(on, today, Wished::Money)?;
        self.catch_up(terms, on, out);
        let refuse = |Contradiction { rule, why }| Refusal { status: self.status, wish: Wished::Money, rule, why };
        self.facts.settle(terms, on, money).map_err(refuse)?;
        self.follow(terms, Some(at), out);
        Ok(())
    }

    fn in_order(&self, on: LocalDay, today: LocalDay, wish: Wished) -> Result<(), Refusal> {
        let refuse = |rule, why| Err(Refusal { status: self.status, wish, rule, why });
        if on > today {
            return refuse(StatusRule::Pa57, "it is dated in the future");
        }
        if on < self.facts.opened_on {
            return refuse(StatusRule::Pa8, "it is dated before the account was opened");
        }
        if on < self.seen_to {
            return refuse(StatusRule::Pa57, "it is dated before what is recorded already");
        }
        Ok(())
    }

    /// The row that an event sets off; none where it moves nothing and need not.
    fn row_of(&self, step: &Step<'_>, kind: EventKind) -> Result<Option<&'static Transition>, Contradiction> {
        for (_, _, guard) in CHECKS.iter().filter(|(status, check, _)| (*status, *check) == (self.status, kind)) {
            guard(step)?;
        }
        for row in TRANSITIONS.iter().filter(|row| row.from == Some(self.status)) {
            if let Trigger::Event(of, meant, guard) = &row.trigger
                && *of == kind
                && meant(step)
            {
                guard(step)?;
                return Ok(Some(row));
            }
        }
        let moves = MOVERS.contains(&kind)
            || kind == EventKind::WrittenOff && !step.before.has_doubtful_credit(step.terms, step.on)
            || matches!(step.happened, Some(Happened::ServicesOff(OffCause::Debt)));
        if moves {
            return Err(Contradiction { rule: self.status.rule(), why: "no move leads there from this status" });
        }
        Ok(None)
    }

    /// Moves by money, and by dates that have come, until nothing moves any more on this day.
    fn follow(&mut self, terms: &Terms, at: Option<InstantMs>, out: &mut Outcome) {
        loop {
            let by_money = TRANSITIONS.iter().find(|row| {
                row.from == Some(self.status)
                    && matches!(&row.trigger, Trigger::Money(holds) if holds(&self.facts, self.seen_to, terms))
            });
            let by_date = || {
                let (on, row) = next_by_date(terms, &self.facts, self.status, self.seen_to)?;
                (on == self.seen_to).then_some(row)
            };
            let Some(row) = by_money.or_else(by_date) else { return };
            self.make(terms, row, at, out);
        }
    }

    fn make(&mut self, terms: &Terms, row: &Transition, at: Option<InstantMs>, out: &mut Outcome) {
        let on = self.seen_to;
        out.moves.push(Move {
            on,
            from: Some(self.status),
            to: row.to,
            rule: row.rule,
            decided: row.decided,
            says: row.says,
        });
        (self.status, self.since) = (row.to, on);
        for asked in row.asks {
            let effect = match asked {
                Asked::Post(posting) => self.post(terms, *posting),
                Asked::Do(task) => Effect::Do(*task, self.deadline(terms, *task, at)),
            };
            if !matches!(effect, Effect::Post(_, Tiyn::ZERO)) {
                out.wishes.push(Wish { on, effect });
            }
        }
    }

    /// What the posting will have made of the money: the ledger tells the same afterwards.
    fn post(&mut self, terms: &Terms, posting: Posting) -> Effect {
        let mut money = self.facts.money.clone();
        let amount = match posting {
            Posting::DebtToDoubtful => {
                let before = money.doubtful;
                money.becomes_doubtful();
                money.doubtful.checked_sub(before).unwrap_or(Tiyn::ZERO)
            }
            Posting::OffBalanceOut => std::mem::take(&mut money.off_balance),
            // These belong to events, which have changed the facts already.
            Posting::AdvanceToCredit => money.credit,
            Posting::WriteOff
            | Posting::FraudAdjustment
            | Posting::CreditMoved
            | Posting::CreditRefunded
            | Posting::CreditToIncome => Tiyn::ZERO,
        };
        self.facts.take_over(terms, self.seen_to, money);
        Effect::Post(posting, amount)
    }

    fn deadline(&self, terms: &Terms, task: Task, at: Option<InstantMs>) -> Deadline {
        const DAY_MS: i64 = 86_400_000;
        match task {
            Task::RestoreService => at.map_or(Deadline::On(self.seen_to), |at| Deadline::At(at.plus_ms(DAY_MS))),
            Task::RefundCredit => Deadline::On(self.seen_to.plus_days(terms.refund_days)),
            Task::ClaimsPackage => Deadline::On(self.seen_to),
            Task::CompletePapers | Task::WriteOffCredit => Deadline::Open,
            Task::OpenInSegment => Deadline::On(self.seen_to),
        }
    }
}

/// Events that are nothing but a move: without one they are refused.
const MOVERS: [EventKind; 3] = [EventKind::ContractTerminated, EventKind::FraudAdjusted, EventKind::Reapplied];

/// The posting that an event itself asks for.
fn posting_of(step: &Step<'_>) -> Option<(Posting, Tiyn)> {
    let (before, after) = (&step.before.money, &step.after.money);
    let less = |before: Tiyn, after: Tiyn| before.checked_sub(after).unwrap_or(Tiyn::ZERO);
    let taken = less(before.credit, after.credit);
    match step.happened? {
        Happened::WrittenOff { .. } if taken > Tiyn::ZERO => Some((Posting::CreditToIncome, taken)),
        Happened::WrittenOff { .. } => Some((Posting::WriteOff, less(after.off_balance, before.off_balance))),
        Happened::FraudAdjusted { .. } => Some((Posting::FraudAdjustment, less(before.all_debt(), after.all_debt()))),
        Happened::CreditMoved { .. } => Some((Posting::CreditMoved, taken)),
        Happened::CreditRefunded { .. } => Some((Posting::CreditRefunded, taken)),
        Happened::ContractSigned
        | Happened::ServicesOn
        | Happened::EquipmentInstalled
        | Happened::EquipmentDismantled
        | Happened::EquipmentNeverIssued
        | Happened::ServicesOff(_)
        | Happened::RefusalApplied { .. }
        | Happened::RemovalOrderOpened { .. }
        | Happened::RemovalOrderClosed { .. }
        | Happened::ActReturn { .. }
        | Happened::ActAbsence { .. }
        | Happened::EquipmentNotReturned { .. }
        | Happened::NoticeReceived
        | Happened::AgreementSigned
        | Happened::AgreementMissed
        | Happened::ContractTerminated(_)
        | Happened::HopelessRecognised { .. }
        | Happened::FraudFound { .. }
        | Happened::Reapplied { .. }
        | Happened::CreditMoveRequested { .. }
        | Happened::SegmentChanged { .. }
        | Happened::OwnerChanged { .. }
        | Happened::Suspended(_)
        | Happened::Resumed
        | Happened::AbsenceTold
        | Happened::DisputeOpened { .. }
        | Happened::DisputeClosed { .. }
        | Happened::RiskNotified => None,
    }
}

/// The earliest move by date from a status, not before `from`; of one day the first of the table.
fn next_by_date(
    terms: &Terms,
    facts: &Facts,
    status: Status,
    from: LocalDay,
) -> Option<(LocalDay, &'static Transition)> {
    let rows = TRANSITIONS.iter().filter(|row| row.from == Some(status));
    let due = rows.filter_map(|row| match &row.trigger {
        Trigger::Date(due) => due(facts, terms).map(|on| (on.max(from), row)),
        Trigger::Opening | Trigger::Money(_) | Trigger::Event(..) => None,
    });
    due.min_by_key(|(on, _)| *on)
}

/// Since when an account has a status, as far as its facts tell.
fn since_by_facts(terms: &Terms, facts: &Facts, status: Status) -> Option<LocalDay> {
    match status {
        Status::New => Some(facts.opened_on),
        Status::Current => facts.reopened_on.or(Some(facts.opened_on.period().next().first_day())),
        Status::Overdue => facts.money.overdue_from(terms.grace_days),
        Status::Disconnected => facts.blocked_on,
        Status::Closed => facts.clear_since().or(facts.terminated_on),
        Status::ClosedDoubtful | Status::ClosedCredit => facts.terminated_on,
        Status::ClosedWrittenOff => facts.written_off_on.or(facts.terminated_on),
        Status::ClosedDoubtfulCredit => facts.terminated_on.map(|ended| ended.plus_months(terms.credit_life_months)),
        Status::Archived => [facts.fraud_adjusted_on, facts.credit_written_off_on, facts.credit_transferred_on]
            .into_iter()
            .flatten()
            .max()
            .or(facts.clear_since().map(|clear| clear.plus_days(terms.closed_days).plus_days(1))),
    }
}
