use super::event::{Event, Happened, OffCause};
use super::facts::{Act, Agreement, Devices, Facts, RemovalOrder};
use super::money::Money;
use super::rows::credit_life_is_over;
use super::terms::Terms;
use crate::law::StatusRule;
use crate::units::{LocalDay, Tiyn};
use std::fmt;

/// What happened cannot have happened, by what is known already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Contradiction {
    /// The paragraph.
    pub rule: StatusRule,
    /// For people.
    pub why: &'static str,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.why, self.rule)
    }
}

impl std::error::Error for Contradiction {}

pub(super) const fn unless(holds: bool, rule: StatusRule, why: &'static str) -> Result<(), Contradiction> {
    if holds { Ok(()) } else { Err(Contradiction { rule, why }) }
}

impl Facts {
    /// Folds an event. Refused whole when it contradicts what is known; then nothing changes.
    ///
    /// Events come in the order in which they happened ([`Event::order`]); [`Life`](super::Life) sees to that.
    ///
    /// Source: status 3.1, 3.3.
    pub fn apply(&mut self, terms: &Terms, event: &Event) -> Result<(), Contradiction> {
        self.check(terms, event.on, &event.happened)?;
        // From here the event succeeds.
        self.fold(terms, event.on, &event.happened);
        Ok(())
    }

    /// Takes over the money that the ledger has from a day on.
    ///
    /// A credit balance that is gone at three years or later without anybody's request was written off (PA-4.10); an
    /// agreement ends when nothing of it is left †.
    pub fn settle(&mut self, terms: &Terms, on: LocalDay, money: Money) -> Result<(), Contradiction> {
        unless(on >= self.opened_on, StatusRule::Pa8, "money moved before the account was opened")?;
        let money = money.checked().map_err(|_| Contradiction {
            rule: StatusRule::Pa5,
            why: "an amount is below zero or beyond the range of amounts",
        })?;
        // From here the change succeeds.
        self.take_over(terms, on, money);
        Ok(())
    }

    pub(super) fn take_over(&mut self, terms: &Terms, on: LocalDay, money: Money) {
        let credit_gone = self.money.credit > Tiyn::ZERO && money.credit == Tiyn::ZERO;
        if credit_gone && self.credit_request_on.is_none() && credit_life_is_over(self, on, terms) {
            self.credit_written_off_on = Some(on);
        }
        if !self.money.is_nothing() || !money.is_nothing() {
            self.last_nonzero_on = Some(on);
        }
        self.money = money;
        let kept = &self.money;
        let left = kept.overdue(on, terms.grace_days) > Tiyn::ZERO
            || kept.rescheduled > Tiyn::ZERO
            || kept.doubtful > Tiyn::ZERO
            || kept.hopeless_on_books > Tiyn::ZERO;
        if !left {
            self.agreement = None;
        }
    }

    fn check(&self, terms: &Terms, on: LocalDay, happened: &Happened) -> Result<(), Contradiction> {
        unless(on >= self.opened_on, StatusRule::Pa8, "it is dated before the account was opened")?;
        let signs = matches!(happened, Happened::ContractSigned);
        let after_contract = signs || self.contract_on.is_none_or(|contract| on >= contract);
        unless(after_contract, StatusRule::Pa8, "it is dated before the contract")?;
        let ended = self.terminated_on.is_some_and(|ended| ended <= on);
        let in_force = |rule| unless(!ended, rule, "the contract has ended");
        let issued = |why| unless(self.devices != Some(Devices::NeverIssued), StatusRule::Pa21, why);
        let money = &self.money;
        match happened {
            Happened::ContractSigned => {
                in_force(StatusRule::Pa4_4)?;
                let twice = self.contract_on.is_some_and(|contract| contract != on);
                unless(!twice, StatusRule::Pa8, "the contract is signed already")
            }
            Happened::ServicesOn | Happened::EquipmentInstalled | Happened::Suspended(_) => in_force(StatusRule::Pa4_3),
            Happened::Resumed => {
                in_force(StatusRule::Pa4_3)?;
                unless(self.suspended.is_some(), StatusRule::Net19_8, "services are not suspended")
            }
            Happened::EquipmentDismantled => issued("no equipment was issued that could be taken away"),
            Happened::EquipmentNeverIssued => {
                unless(self.devices.is_none_or(|d| d == Devices::NeverIssued), StatusRule::Pa21, "equipment was issued")
            }
            Happened::ServicesOff(OffCause::Debt) => in_force(StatusRule::Pa4_5),
            Happened::ServicesOff(OffCause::Suspension) => in_force(StatusRule::Net19_8),
            Happened::RefusalApplied { .. } => in_force(StatusRule::Pa19),
            Happened::RemovalOrderOpened { order } => {
                let known = self.removal_orders.iter().any(|known| known.order == *order);
                unless(!known, StatusRule::Pa20, "a removal order of that number is known")
            }
            Happened::RemovalOrderClosed { order } => {
                let known = self.removal_orders.iter().find(|known| known.order == *order);
                let Some(known) = known else {
                    return Err(Contradiction { rule: StatusRule::Pa20, why: "no removal order of that number" });
                };
                unless(known.closed_on.is_none(), StatusRule::Pa20, "the removal order is closed already")?;
                unless(known.opened_on <= on, StatusRule::Pa20, "the removal order was opened later")
            }
            Happened::ActReturn { .. } => issued("no equipment was issued that could be returned"),
            Happened::EquipmentNotReturned { .. } => issued("no equipment was issued that could be missing"),
            Happened::AgreementSigned => {
                let overdue = money.overdue(on, terms.grace_days) > Tiyn::ZERO;
                let debt = overdue || money.rescheduled > Tiyn::ZERO || ended && money.has_debt();
                unless(debt, StatusRule::Pa4_6, "there is no overdue debt to repay by stages")
            }
            Happened::AgreementMissed => {
                unless(self.agreement.is_some(), StatusRule::Pa4_6, "there is no agreement on repayment by stages")
            }
            Happened::ContractTerminated(_) => {
                unless(self.terminated_on.is_none(), StatusRule::Pa20, "the contract has ended already")
            }
            Happened::HopelessRecognised { .. } => unless(
                ended && money.to_write_off() > Tiyn::ZERO,
                StatusRule::Pa4_7,
                "there is no doubtful debt of an ended contract",
            ),
            Happened::WrittenOff { .. } if self.has_doubtful_credit(terms, on) => Ok(()),
            Happened::WrittenOff { .. } => {
                let recognised = self.hopeless_on.is_some_and(|day| day <= on);
                unless(recognised, StatusRule::Pa4_7, "the commission has not recognised the debt as hopeless")?;
                unless(ended && money.to_write_off() > Tiyn::ZERO, StatusRule::Pa4_7, "there is no debt to write off")
            }
            Happened::FraudFound { .. } => unless(
                ended && (money.has_debt() || money.off_balance > Tiyn::ZERO),
                StatusRule::Pa4_8,
                "there is no debt of an ended contract that could be fraudulent",
            ),
            Happened::FraudAdjusted { .. } => {
                let found = self.fraud_found_on.is_some_and(|day| day <= on);
                unless(found, StatusRule::Pa4_8, "the commission has not found fraud")
            }
            Happened::Reapplied { .. } => unless(ended, StatusRule::Pa4_3, "the contract has not ended"),
            Happened::CreditMoveRequested { amount, .. } => {
                unless(ended, StatusRule::Pa13, "only the credit balance of a closed account is moved")?;
                unless(money.credit > Tiyn::ZERO, StatusRule::Pa13, "there is no credit balance")?;
                let more = amount.is_some_and(|amount| amount > money.credit);
                unless(!more, StatusRule::Pa13, "the credit balance is less")?;
                unless(!credit_life_is_over(self, on, terms), StatusRule::Pa4_9, "the life of the credit is over")
            }
            Happened::CreditMoved { amount, .. } => {
                unless(ended, StatusRule::Pa13, "only the credit balance of a closed account is moved")?;
                let asked = self.credit_request_on.is_some_and(|day| day <= on);
                unless(asked, StatusRule::Pa13, "there is no written application")?;
                unless(*amount <= money.credit, StatusRule::Pa13, "the credit balance is less")
            }
            Happened::CreditRefunded { amount, .. } => {
                unless(*amount <= money.credit, StatusRule::Cell48, "the credit balance is less")
            }
            Happened::SegmentChanged { .. } => in_force(StatusRule::Pa16),
            Happened::OwnerChanged { .. } => in_force(StatusRule::Pa29),
            // Orders of disputes are the collection's.
            Happened::ServicesOff(OffCause::Termination)
            | Happened::ActAbsence { .. }
            | Happened::NoticeReceived
            | Happened::AbsenceTold
            | Happened::DisputeOpened { .. }
            | Happened::DisputeClosed { .. }
            | Happened::RiskNotified => Ok(()),
        }
    }

    /// A credit balance of three years that nobody asked for.
    pub(super) fn has_doubtful_credit(&self, terms: &Terms, on: LocalDay) -> bool {
        self.money.credit > Tiyn::ZERO
            && !self.money.has_debt()
            && self.credit_request_on.is_none()
            && credit_life_is_over(self, on, terms)
    }

    fn fold(&mut self, terms: &Terms, on: LocalDay, happened: &Happened) {
        match happened {
            Happened::ContractSigned => self.contract_on = Some(on),
            Happened::ServicesOn | Happened::Resumed => {
                self.connected_on = self.connected_on.or(Some(on));
                // Of an ended contract it tells when service began, and no more.
                if self.terminated_on.is_none() {
                    self.services(true, None);
                    (self.analyzeset_off, self.suspended, self.blocked_on) = (Some(false), None, None);
                }
            }
            Happened::EquipmentInstalled => self.devices = Some(Devices::Installed),
            Happened::EquipmentDismantled => self.devices = Some(Devices::Dismantled),
            Happened::EquipmentNeverIssued => self.devices = Some(Devices::NeverIssued),
            Happened::ServicesOff(cause) => {
                self.switch_off(*cause);
                match cause {
                    OffCause::Debt => (self.analyzeset_off, self.blocked_on) = (Some(true), Some(on)),
                    OffCause::Suspension => {}
                    OffCause::Termination => self.removed_on = Some(on),
                }
            }
            Happened::Suspended(cause) => {
                self.switch_off(OffCause::Suspension);
                self.suspended = Some((on, *cause));
            }
            Happened::RefusalApplied { from } => self.refused_from = Some(*from),
            Happened::RemovalOrderOpened { order } => {
                self.removal_orders.push(RemovalOrder { order: order.clone(), opened_on: on, closed_on: None });
            }
            Happened::RemovalOrderClosed { order } => {
                // The order is closed on the day of the removal itself (PA-19, PA-23); a later order mends an earlier
                // one, but not what an event of its own said of the removal.
                let told = |known: &RemovalOrder| known.closed_on == self.removed_on;
                if self.removed_on.is_none() || self.removal_orders.iter().any(told) {
                    self.removed_on = Some(on);
                }
                self.removal_orders.iter_mut().filter(|known| known.order == *order).for_each(|known| {
                    known.closed_on = Some(on);
                });
                self.switch_off(OffCause::Termination);
            }
            Happened::ActReturn { cost } => self.act(Act::Return, *cost),
            Happened::ActAbsence { cost } => self.act(Act::Absence, *cost),
            Happened::EquipmentNotReturned { cost } => self.equipment_cost = Some(*cost),
            Happened::NoticeReceived => self.notice_received_on = Some(on),
            Happened::AgreementSigned => self.agreement = Some(Agreement { signed_on: on, on_schedule: true }),
            Happened::AgreementMissed => {
                self.agreement = self.agreement.map(|agreement| Agreement { on_schedule: false, ..agreement });
            }
            Happened::ContractTerminated(reason) => {
                (self.terminated_on, self.termination_reason) = (Some(on), Some(*reason));
                self.services(false, Some(OffCause::Termination));
            }
            Happened::HopelessRecognised { .. } => {
                self.hopeless_on = Some(on);
                self.money.becomes_hopeless();
            }
            Happened::WrittenOff { .. } => {
                let mut money = self.money.clone();
                if self.has_doubtful_credit(terms, on) {
                    money.credit = Tiyn::ZERO;
                } else {
                    self.written_off_on = Some(on);
                    money.write_off();
                }
                self.take_over(terms, on, money);
            }
            Happened::FraudFound { .. } => self.fraud_found_on = Some(on),
            Happened::FraudAdjusted { .. } => {
                self.fraud_adjusted_on = Some(on);
                let mut money = self.money.clone();
                money.adjust_fraud();
                self.take_over(terms, on, money);
            }
            Happened::Reapplied { .. } => self.begin_again(on),
            Happened::CreditMoveRequested { .. } => self.credit_request_on = Some(on),
            Happened::CreditMoved { amount, .. } => {
                self.pay_out(terms, on, *amount);
                if self.money.credit == Tiyn::ZERO {
                    self.credit_transferred_on = Some(on);
                }
            }
            Happened::CreditRefunded { amount, .. } => self.pay_out(terms, on, *amount),
            Happened::DisputeOpened { .. } => self.disputes = self.disputes.saturating_add(1),
            Happened::DisputeClosed { .. } => self.disputes = self.disputes.saturating_sub(1),
            Happened::SegmentChanged { .. }
            | Happened::OwnerChanged { .. }
            | Happened::AbsenceTold
            | Happened::RiskNotified => {}
        }
    }

    /// What is off for debt stays off for debt until it is on again, whatever else is said of it.
    fn switch_off(&mut self, cause: OffCause) {
        let debt = self.off_cause.filter(|before| *before == OffCause::Debt);
        self.services(false, Some(debt.unwrap_or(cause)));
    }

    fn services(&mut self, on: bool, cause: Option<OffCause>) {
        (self.crm_on, self.billing_on, self.off_cause) = (Some(on), Some(on), cause);
    }

    /// Devices that were returned, or are not there any more, stand no longer at the subscriber's †.
    fn act(&mut self, act: Act, cost: Option<Tiyn>) {
        self.act = Some(act);
        self.equipment_cost = cost.or(self.equipment_cost);
        if self.devices != Some(Devices::NeverIssued) {
            self.devices = Some(Devices::Dismantled);
        }
    }

    fn pay_out(&mut self, terms: &Terms, on: LocalDay, amount: Tiyn) {
        let mut money = self.money.clone();
        if money.take_credit(amount) {
            self.take_over(terms, on, money);
        }
    }
}
