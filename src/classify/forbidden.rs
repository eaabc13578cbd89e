use super::facts::Facts;
use super::life::{Refusal, Wished};
use super::status::Status;
use super::terms::Terms;
use crate::law::StatusRule;
use crate::record::names;
use crate::units::{LocalDay, Tiyn};

names! {
    /// What one may want of an account.
    pub enum Action {
        /// Provide service.
        Provide = "provide_service",
        /// Charge a fee or usage of today.
        Charge = "charge",
        /// Open an order.
        OpenOrder = "open_order",
        /// Take a payment.
        TakePayment = "take_payment",
        /// Let it pay for another account.
        PayForAnother = "pay_for_another",
        /// Connect it again.
        Reconnect = "reconnect",
    }
}

/// An entry of the table of 3.4.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Permit {
    Yes,
    /// Forbidden, for people.
    No(&'static str),
    /// Without overdue, doubtful, hopeless debt and penalty, or under a repayment agreement that is kept.
    WithoutDebt,
    /// Under a repayment agreement that is kept.
    UnderAgreement,
    /// After the payment, or under an agreement.
    AfterPayment,
    /// For 30 days.
    ThirtyDays,
    /// For 12 months.
    TwelveMonths,
}

const SERVICE: Permit = Permit::No("no service is provided in this status");
const CHARGES: Permit = Permit::No("nothing is charged in this status");
const ORDERS: Permit = Permit::No("no order is opened in this status");
const PAYER: Permit = Permit::No("such an account pays for no other");
const NO_WAY_BACK: Permit = Permit::No("such an account is not connected again; open a new one");
const NO_PAYMENT: Permit = Permit::No("an archived account takes no payment; pay to the client's open account");

/// What a status permits, in the order of [`Action::ALL`]. Source: status 3.4.
static PERMITS: [(Status, [Permit; 6]); 10] = {
    use Permit as P;
    [
        (Status::New, [P::Yes, P::Yes, P::WithoutDebt, P::Yes, P::Yes, P::Yes]),
        (Status::Current, [P::Yes, P::Yes, P::WithoutDebt, P::Yes, P::Yes, P::Yes]),
        (Status::Overdue, [P::Yes, P::Yes, ORDERS, P::Yes, PAYER, P::Yes]),
        (Status::Disconnected, [SERVICE, CHARGES, P::UnderAgreement, P::Yes, PAYER, P::AfterPayment]),
        (Status::Closed, [SERVICE, CHARGES, ORDERS, P::Yes, PAYER, P::ThirtyDays]),
        // † The source says nothing of a way back.
        (Status::ClosedDoubtful, [SERVICE, CHARGES, ORDERS, P::Yes, PAYER, NO_WAY_BACK]),
        (Status::ClosedWrittenOff, [SERVICE, CHARGES, ORDERS, P::Yes, PAYER, NO_WAY_BACK]),
        (Status::ClosedCredit, [SERVICE, CHARGES, ORDERS, P::Yes, PAYER, P::TwelveMonths]),
        // † The source is silent on the payer.
        (Status::ClosedDoubtfulCredit, [SERVICE, CHARGES, ORDERS, P::Yes, PAYER, NO_WAY_BACK]),
        (Status::Archived, [SERVICE, CHARGES, ORDERS, NO_PAYMENT, PAYER, NO_WAY_BACK]),
    ]
};

/// Whether an account may, by the source's own terms. See [`allowed_under`].
pub fn allowed(status: Status, facts: &Facts, as_of: LocalDay, action: Action) -> Result<(), Refusal> {
    allowed_under(&Terms::SOURCE, status, facts, as_of, action)
}

/// Whether an account in a status may be used so on a day; the refusal names the rule.
///
/// Usage is asked of with [`charge_allowed`], by the day on which it was answered.
///
/// Source: status 3.4.
pub fn allowed_under(
    terms: &Terms,
    status: Status,
    facts: &Facts,
    as_of: LocalDay,
    action: Action,
) -> Result<(), Refusal> {
    let refuse = |rule, why| Err(Refusal { status, wish: Wished::Action(action), rule, why });
    let permits = PERMITS.iter().find(|(of, _)| *of == status).map(|(_, permits)| permits);
    let permit = permits.and_then(|permits| permits.get(action as usize)).copied().unwrap_or(ORDERS);
    match permit {
        Permit::Yes => Ok(()),
        Permit::No(why) => refuse(status.rule(), why),
        Permit::WithoutDebt if facts.under_agreement() => Ok(()),
        Permit::WithoutDebt if facts.bad_debt(as_of, terms) > Tiyn::ZERO => {
            refuse(StatusRule::Pa4_2, "there is overdue, doubtful or hopeless debt")
        }
        Permit::WithoutDebt if facts.money.penalty > Tiyn::ZERO => {
            refuse(StatusRule::Pa4_2, "there is a penalty to pay")
        }
        Permit::WithoutDebt => Ok(()),
        Permit::UnderAgreement if facts.under_agreement() => Ok(()),
        Permit::UnderAgreement => refuse(StatusRule::Pa4_6, "there is no agreement on repayment by stages"),
        Permit::AfterPayment if facts.under_agreement() || !facts.is_past_due(as_of, terms) => Ok(()),
        Permit::AfterPayment => refuse(StatusRule::Pa4_6, "neither paid in full nor under an agreement"),
        Permit::ThirtyDays => {
            let since = facts.clear_since().or(facts.terminated_on);
            if since.is_some_and(|since| as_of <= since.plus_days(terms.closed_days)) {
                Ok(())
            } else {
                refuse(StatusRule::Pa4_4, "the account was closed more than 30 days ago; open a new one")
            }
        }
        Permit::TwelveMonths => {
            let last = facts.terminated_on.map(|ended| ended.plus_months(terms.credit_return_months));
            if last.is_some_and(|last| as_of <= last) {
                Ok(())
            } else {
                refuse(StatusRule::Pa4_9, "the contract ended more than 12 months ago; open a new one")
            }
        }
    }
}

/// Whether usage that was answered on a day, or a fee of that day, may be charged, whatever the status is by now: from
/// the day of the switch-off on never, before it always.
///
/// Source: PA-4.3, PA-4.8, PA-4.10.
pub fn charge_allowed(status: Status, facts: &Facts, used_on: LocalDay) -> Result<(), Refusal> {
    match facts.switched_off_on() {
        Some(off) if off <= used_on => Err(Refusal {
            status,
            wish: Wished::Action(Action::Charge),
            rule: if status.is_closed() { status.rule() } else { StatusRule::Pa4_6 },
            why: "services were switched off",
        }),
        Some(_) | None => Ok(()),
    }
}
