use super::descriptor::{Descriptor, Held, holds};
use super::effect::{Posting, Task};
use super::event::{Happened, OffCause, TerminationReason};
use super::facts::{Devices, Facts};
use super::fold::{Contradiction, unless};
use super::status::Status;
use super::terms::Terms;
use crate::law::StatusRule;
use crate::record::EventKind;
use crate::units::{LocalDay, Tiyn};

/// Facts before and after what happened on a day.
pub(super) struct Step<'s> {
    pub(super) terms: &'s Terms,
    pub(super) on: LocalDay,
    pub(super) before: &'s Facts,
    pub(super) after: &'s Facts,
    pub(super) happened: Option<&'s Happened>,
}

type Guard = fn(&Step<'_>) -> Result<(), Contradiction>;

/// What sets a move off.
pub(super) enum Trigger {
    /// The account is opened.
    Opening,
    /// A day comes: the first day on which the move is due if nothing else happens.
    Date(fn(&Facts, &Terms) -> Option<LocalDay>),
    /// Money has changed, and the row holds.
    Money(fn(&Facts, LocalDay, &Terms) -> bool),
    /// Something happens for which the row is meant, and its guard holds.
    Event(EventKind, fn(&Step<'_>) -> bool, Guard),
}

/// What a move asks for.
pub(super) enum Asked {
    Post(Posting),
    Do(Task),
}

/// A move that an account may make.
pub struct Transition {
    /// From; none is: the account is opened.
    pub from: Option<Status>,
    /// To.
    pub to: Status,
    /// The paragraph.
    pub rule: StatusRule,
    /// † Not in the source.
    pub decided: bool,
    /// When, for people.
    pub says: &'static str,
    pub(super) trigger: Trigger,
    pub(super) asks: &'static [Asked],
}

impl Transition {
    /// Such a move happens by itself, on its day.
    pub const fn is_by_date(&self) -> bool {
        matches!(self.trigger, Trigger::Date(_))
    }
}

const fn row(
    from: Status,
    to: Status,
    rule: StatusRule,
    says: &'static str,
    trigger: Trigger,
    asks: &'static [Asked],
) -> Transition {
    Transition { from: Some(from), to, rule, decided: false, says, trigger, asks }
}

/// † Not in the source.
const fn decided(transition: Transition) -> Transition {
    Transition { decided: true, ..transition }
}

const NOTHING: &[Asked] = &[];
const RESTORE: &[Asked] = &[Asked::Do(Task::RestoreService)];
const REFUND: &[Asked] = &[Asked::Post(Posting::AdvanceToCredit), Asked::Do(Task::RefundCredit)];

/// Every move there is. Anything else is refused.
///
/// Source: status 3.3.
pub static TRANSITIONS: [Transition; 31] = {
    use EventKind as E;
    use Status as S;
    use StatusRule as R;
    use Trigger as T;
    [
        Transition {
            from: None,
            to: S::New,
            rule: R::Pa4_1,
            decided: false,
            says: "account opened",
            trigger: T::Opening,
            asks: NOTHING,
        },
        row(S::New, S::Current, R::Pa4_1, "first day of the next month", T::Date(next_month), NOTHING),
        row(
            S::Current,
            S::Overdue,
            R::Pa4_5,
            "unpaid after the 25th, or an instalment missed",
            T::Date(overdue),
            NOTHING,
        ),
        decided(row(S::Overdue, S::Current, R::Pa4_5, "overdue paid in full", T::Money(paid), NOTHING)),
        decided(row(
            S::Overdue,
            S::Current,
            R::Pa4_6,
            "agreement signed",
            T::Event(E::AgreementSigned, always, free),
            NOTHING,
        )),
        row(
            S::Overdue,
            S::Disconnected,
            R::Pa4_5,
            "services off for debt",
            T::Event(E::ServicesOff, off_for_debt, free),
            NOTHING,
        ),
        row(S::Disconnected, S::Current, R::Pa4_6, "overdue paid in full", T::Money(paid), RESTORE),
        row(
            S::Disconnected,
            S::Current,
            R::Pa4_6,
            "agreement signed",
            T::Event(E::AgreementSigned, always, free),
            RESTORE,
        ),
        row(
            S::Disconnected,
            S::ClosedDoubtful,
            R::Pa4_6,
            "contract terminated unpaid",
            T::Event(E::ContractTerminated, not_handed_on, may_close_with_debt),
            &[Asked::Post(Posting::DebtToDoubtful), Asked::Do(Task::ClaimsPackage)],
        ),
        row(
            S::ClosedDoubtful,
            S::ClosedWrittenOff,
            R::Pa4_7,
            "hopeless debt written off",
            T::Event(E::WrittenOff, always, free),
            NOTHING,
        ),
        decided(row(
            S::ClosedDoubtful,
            S::ClosedWrittenOff,
            R::Pa4_8,
            "the rest paid, an earlier part written off",
            T::Money(only_off_balance),
            NOTHING,
        )),
        row(
            S::ClosedDoubtful,
            S::Archived,
            R::Pa4_8,
            "fraud adjusted",
            T::Event(E::FraudAdjusted, always, nothing_is_left),
            NOTHING,
        ),
        row(
            S::ClosedWrittenOff,
            S::Archived,
            R::Pa4_8,
            "fraud adjusted",
            T::Event(E::FraudAdjusted, always, nothing_is_left),
            NOTHING,
        ),
        row(S::ClosedWrittenOff, S::Closed, R::Pa4_8, "debt paid", T::Money(debt_gone), NOTHING),
        row(
            S::ClosedWrittenOff,
            S::Closed,
            R::Pa4_8,
            "5 years after the write-off",
            T::Date(off_balance_out),
            &[Asked::Post(Posting::OffBalanceOut)],
        ),
        decided(row(S::ClosedDoubtful, S::Closed, R::Pa4_7, "debt paid in full", T::Money(debt_gone), NOTHING)),
        row(
            S::Current,
            S::Closed,
            R::Pa19,
            "refusal in writing, nothing owed",
            T::Event(E::ContractTerminated, refused_without_credit, may_close),
            NOTHING,
        ),
        decided(row(
            S::New,
            S::Closed,
            R::Pa19,
            "refusal in writing, nothing owed",
            T::Event(E::ContractTerminated, refused_without_credit, may_close),
            NOTHING,
        )),
        row(
            S::Current,
            S::ClosedCredit,
            R::Pa19,
            "refusal in writing, a credit balance",
            T::Event(E::ContractTerminated, refused_with_credit, may_close),
            REFUND,
        ),
        decided(row(
            S::New,
            S::ClosedCredit,
            R::Pa19,
            "refusal in writing, a credit balance",
            T::Event(E::ContractTerminated, refused_with_credit, may_close),
            REFUND,
        )),
        row(
            S::Current,
            S::Closed,
            R::Pa16,
            "change of segment, balance transferred",
            T::Event(E::ContractTerminated, to_segment, balance_is_moved),
            &[Asked::Do(Task::OpenInSegment)],
        ),
        row(
            S::Current,
            S::Closed,
            R::Pa29,
            "new owner, nothing owed",
            T::Event(E::ContractTerminated, to_owner, nothing_is_owed),
            NOTHING,
        ),
        decided(row(
            S::Closed,
            S::Current,
            R::Pa4_3,
            "the same person again within 30 days",
            T::Event(E::Reapplied, always, within_thirty_days),
            NOTHING,
        )),
        row(S::Closed, S::Archived, R::Pa4_3, "30 days passed and checked", T::Date(clear_and_checked), NOTHING),
        row(
            S::ClosedCredit,
            S::Closed,
            R::Pa13,
            "credit moved within 12 months",
            T::Event(E::CreditMoved, moved_early, free),
            NOTHING,
        ),
        row(
            S::ClosedCredit,
            S::Closed,
            R::Cell48,
            "credit refunded",
            T::Event(E::CreditRefunded, credit_gone, free),
            NOTHING,
        ),
        row(
            S::ClosedCredit,
            S::Archived,
            R::Pa4_9,
            "credit moved after 12 months",
            T::Event(E::CreditMoved, moved_late, free),
            NOTHING,
        ),
        row(
            S::ClosedCredit,
            S::Current,
            R::Pa4_9,
            "back within 12 months, with a receipt",
            T::Event(E::Reapplied, always, within_twelve_months),
            NOTHING,
        ),
        row(
            S::ClosedCredit,
            S::ClosedDoubtfulCredit,
            R::Pa4_9,
            "3 years, nobody asked",
            T::Date(credit_outlived),
            &[Asked::Do(Task::WriteOffCredit)],
        ),
        decided(row(
            S::ClosedCredit,
            S::Closed,
            R::Pa4_9,
            "credit used up by late charges",
            T::Money(nothing_left),
            NOTHING,
        )),
        row(
            S::ClosedDoubtfulCredit,
            S::Archived,
            R::Pa4_10,
            "written off to non-core income",
            T::Money(nothing_left),
            NOTHING,
        ),
    ]
};

/// What has to hold of an event that moves nothing yet: (status, kind, what).
pub(super) static CHECKS: [(Status, EventKind, Guard); 1] =
    [(Status::Disconnected, EventKind::RemovalOrderClosed, noticed_thirty_days_ago)];

fn always(_: &Step<'_>) -> bool {
    true
}

fn free(_: &Step<'_>) -> Result<(), Contradiction> {
    Ok(())
}

// Dates.

fn next_month(facts: &Facts, _: &Terms) -> Option<LocalDay> {
    Some(facts.opened_on.period().next().first_day())
}

/// Overdue from the day after the due date (PA-3.24), at once where an agreed instalment was missed.
fn overdue(facts: &Facts, terms: &Terms) -> Option<LocalDay> {
    match facts.agreement {
        Some(agreement) if agreement.on_schedule => None,
        Some(agreement) if facts.money.rescheduled > Tiyn::ZERO => Some(agreement.signed_on),
        Some(_) | None => facts.money.overdue_from(terms.grace_days),
    }
}

fn off_balance_out(facts: &Facts, terms: &Terms) -> Option<LocalDay> {
    let carried = facts.money.off_balance > Tiyn::ZERO && !facts.money.has_debt();
    facts.written_off_on.filter(|_| carried).map(|on| on.plus_months(terms.off_balance_months))
}

fn clear_and_checked(facts: &Facts, terms: &Terms) -> Option<LocalDay> {
    let from = facts.clear_since()?.plus_days(terms.closed_days).plus_days(1);
    let checked = [Descriptor::NotProvided, Descriptor::Dismantled, Descriptor::NoOpenOrder, Descriptor::NoOffers];
    let fails = checked.iter().any(|descriptor| holds(*descriptor, facts, from, terms) == Held::No);
    (!fails).then_some(from)
}

fn credit_outlived(facts: &Facts, terms: &Terms) -> Option<LocalDay> {
    let asked = facts.credit_request_on.is_some();
    let left = facts.money.credit > Tiyn::ZERO && !facts.money.has_debt();
    facts.terminated_on.filter(|_| left && !asked).map(|ended| ended.plus_months(terms.credit_life_months))
}

// Money.

fn paid(facts: &Facts, on: LocalDay, terms: &Terms) -> bool {
    !facts.is_past_due(on, terms) && !facts.under_agreement()
}

fn debt_gone(facts: &Facts, _: LocalDay, _: &Terms) -> bool {
    !facts.money.has_debt() && facts.money.off_balance == Tiyn::ZERO
}

fn only_off_balance(facts: &Facts, _: LocalDay, _: &Terms) -> bool {
    !facts.money.has_debt() && facts.money.off_balance > Tiyn::ZERO
}

fn nothing_left(facts: &Facts, _: LocalDay, _: &Terms) -> bool {
    facts.money.is_nothing()
}

// Events.

fn off_for_debt(step: &Step<'_>) -> bool {
    matches!(step.happened, Some(Happened::ServicesOff(OffCause::Debt)))
}

fn reason(step: &Step<'_>) -> Option<TerminationReason> {
    step.after.termination_reason
}

fn refused(step: &Step<'_>) -> bool {
    matches!(reason(step), Some(TerminationReason::Refusal | TerminationReason::Other))
}

fn has_credit(step: &Step<'_>) -> bool {
    step.after.money.credit > Tiyn::ZERO
}

fn refused_without_credit(step: &Step<'_>) -> bool {
    refused(step) && !has_credit(step)
}

fn refused_with_credit(step: &Step<'_>) -> bool {
    refused(step) && has_credit(step)
}

fn to_segment(step: &Step<'_>) -> bool {
    reason(step) == Some(TerminationReason::Segment)
}

fn to_owner(step: &Step<'_>) -> bool {
    reason(step) == Some(TerminationReason::OwnerChange)
}

fn not_handed_on(step: &Step<'_>) -> bool {
    !to_segment(step) && !to_owner(step)
}

fn credit_gone(step: &Step<'_>) -> bool {
    !has_credit(step)
}

/// Within 12 months of the end of the contract, the last day included.
fn is_early(step: &Step<'_>) -> bool {
    let months = step.terms.credit_return_months;
    step.before.terminated_on.is_some_and(|ended| step.on <= ended.plus_months(months))
}

fn moved_early(step: &Step<'_>) -> bool {
    credit_gone(step) && is_early(step)
}

fn moved_late(step: &Step<'_>) -> bool {
    credit_gone(step) && !is_early(step)
}

// Guards.

fn owes_nothing(step: &Step<'_>) -> Result<(), Contradiction> {
    let money = &step.after.money;
    unless(!money.has_debt(), StatusRule::Pa4_3, "debt is left on the account")?;
    unless(money.penalty == Tiyn::ZERO, StatusRule::Pa4_3, "a penalty is left on the account")
}

/// Nothing owed, the refusal in writing, and the removal order closed on the day on which the contract ends, which is
/// that of the removal and no later than the day refused from.
fn may_close(step: &Step<'_>) -> Result<(), Contradiction> {
    let facts = step.after;
    owes_nothing(step)?;
    if reason(step) == Some(TerminationReason::Refusal) {
        unless(facts.refused_from.is_some(), StatusRule::Pa19, "there is no refusal in writing")?;
    }
    // What was never connected has nothing to remove †.
    let connected = step.before.connected_on.is_some() || step.before.crm_on != Some(false);
    let untouched = !connected && !matches!(facts.devices, Some(Devices::Installed | Devices::Dismantled));
    if facts.removal_orders.is_empty() && untouched {
        return Ok(());
    }
    removed_today(step, StatusRule::Pa20)?;
    let in_time = facts.refused_from.is_none_or(|from| step.on <= from);
    unless(in_time, StatusRule::Pa19, "the removal order closed after the day refused from")
}

/// Termination, closing of the removal order and removal are one day (PA-20, PA-23, PA-25).
fn removed_today(step: &Step<'_>, rule: StatusRule) -> Result<(), Contradiction> {
    let facts = step.after;
    unless(!facts.removal_orders.is_empty(), rule, "there is no removal order")?;
    unless(!facts.has_open_order(), rule, "a removal order is open")?;
    let closed_on = facts.removal_orders.iter().filter_map(|order| order.closed_on).max();
    unless(closed_on == Some(step.on), rule, "the removal order closed on another day than the contract ends")?;
    let removed = facts.removed_on.is_none_or(|removed| removed == step.on);
    unless(removed, rule, "services were removed on another day than the contract ends")
}

fn may_close_with_debt(step: &Step<'_>) -> Result<(), Contradiction> {
    noticed_thirty_days_ago(step)?;
    removed_today(step, StatusRule::Pa25)
}

fn noticed_thirty_days_ago(step: &Step<'_>) -> Result<(), Contradiction> {
    let Some(noticed) = step.after.notice_received_on else {
        return Err(Contradiction { rule: StatusRule::Pa24, why: "no pre-trial notice was received" });
    };
    let waited = noticed.plus_days(step.terms.notice_days) <= step.on;
    unless(waited, StatusRule::Pa24, "less than 30 days have passed since the pre-trial notice was received")
}

fn nothing_is_left(step: &Step<'_>) -> Result<(), Contradiction> {
    unless(step.after.money.is_nothing(), StatusRule::Pa4_8, "a balance is left after the adjustment")
}

fn balance_is_moved(step: &Step<'_>) -> Result<(), Contradiction> {
    unless(step.after.money.is_nothing(), StatusRule::Pa16, "the balance is to be transferred first")
}

fn nothing_is_owed(step: &Step<'_>) -> Result<(), Contradiction> {
    owes_nothing(step)?;
    unless(!has_credit(step), StatusRule::Pa29, "the credit balance is to be transferred first")
}

fn within_thirty_days(step: &Step<'_>) -> Result<(), Contradiction> {
    let facts = step.before;
    unless(!facts.money.has_debt(), StatusRule::Pa4_3, "debt is left on the account")?;
    let since = facts.clear_since().or(facts.terminated_on);
    let in_time = since.is_some_and(|since| step.on <= since.plus_days(step.terms.closed_days));
    unless(in_time, StatusRule::Pa4_4, "the account was closed more than 30 days ago")
}

fn within_twelve_months(step: &Step<'_>) -> Result<(), Contradiction> {
    unless(is_early(step), StatusRule::Pa4_9, "the contract ended more than 12 months ago")?;
    unless(!step.before.money.has_debt(), StatusRule::Pa4_9, "debt is left on the account")?;
    let shown = matches!(step.happened, Some(Happened::Reapplied { receipt: true }));
    unless(shown, StatusRule::Pa4_9, "no receipt of the payment was shown")
}
