use super::event::{OffCause, SuspensionCause, TerminationReason};
use super::money::Money;
use super::terms::Terms;
use crate::record::names;
use crate::units::{LocalDay, Tiyn};
use smallvec::SmallVec;

names! {
    /// What became of the devices.
    pub enum Devices {
        /// They stand at the subscriber's.
        Installed = "installed",
        /// They were taken away.
        Dismantled = "dismantled",
        /// There never was one.
        NeverIssued = "never_issued",
    }
}

names! {
    /// The act about the equipment.
    pub enum Act {
        /// There is none.
        None = "none",
        /// Of return.
        Return = "return",
        /// Of absence of the subscriber or equipment.
        Absence = "absence",
    }
}

/// An order to remove services and devices.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemovalOrder {
    /// Its number.
    pub order: Box<str>,
    /// When it was given.
    pub opened_on: LocalDay,
    /// When it was done.
    pub closed_on: Option<LocalDay>,
}

/// An agreement on repayment by stages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Agreement {
    /// When it was signed.
    pub signed_on: LocalDay,
    /// No instalment was missed.
    pub on_schedule: bool,
}

/// What is known of an account on a day. `None` is: it did not happen, or is not known; where the two differ for a
/// status, the field says so.
///
/// Source: status 3.1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    /// First day of the account.
    pub opened_on: LocalDay,
    /// The last day on which it was opened again.
    pub reopened_on: Option<LocalDay>,
    /// Day of the contract.
    pub contract_on: Option<LocalDay>,
    /// Last day of the contract.
    pub terminated_on: Option<LocalDay>,
    /// Why it ended; `None` with a termination is: not known.
    pub termination_reason: Option<TerminationReason>,
    /// First day of service; `None` where it is not known or never came.
    pub connected_on: Option<LocalDay>,
    /// Services are on in CRM; `None` is not known.
    pub crm_on: Option<bool>,
    /// Services are on in billing; `None` is not known.
    pub billing_on: Option<bool>,
    /// The collection module says DISCONNECTED; `None` is not known.
    pub analyzeset_off: Option<bool>,
    /// Why services are off.
    pub off_cause: Option<OffCause>,
    /// Services are off for a while, since when and why.
    pub suspended: Option<(LocalDay, SuspensionCause)>,
    /// Something was charged in the last whole month; `None` is not known.
    pub charged: Option<bool>,
    /// Switched off for debt.
    pub blocked_on: Option<LocalDay>,
    /// Devices removed and service ended for good.
    pub removed_on: Option<LocalDay>,
    /// Pre-trial notice of termination received.
    pub notice_received_on: Option<LocalDay>,
    /// The subscriber's written refusal: the day from which.
    pub refused_from: Option<LocalDay>,
    /// What became of the devices; `None` is not known.
    pub devices: Option<Devices>,
    /// The act about them; `None` is not known.
    pub act: Option<Act>,
    /// Cost of equipment that was not handed in.
    pub equipment_cost: Option<Tiyn>,
    /// Orders to remove.
    pub removal_orders: SmallVec<[RemovalOrder; 1]>,
    /// Product offers on the account; `None` is not known.
    pub active_offers: Option<u16>,
    /// Repayment by stages; none when all of it is repaid.
    pub agreement: Option<Agreement>,
    /// The commission recognised the debt as hopeless.
    pub hopeless_on: Option<LocalDay>,
    /// It was written off.
    pub written_off_on: Option<LocalDay>,
    /// The commission found charges fraudulent.
    pub fraud_found_on: Option<LocalDay>,
    /// They were corrected.
    pub fraud_adjusted_on: Option<LocalDay>,
    /// The credit balance was asked for.
    pub credit_request_on: Option<LocalDay>,
    /// The last of it was moved to a new account or card.
    pub credit_transferred_on: Option<LocalDay>,
    /// It was written off to non-core income.
    pub credit_written_off_on: Option<LocalDay>,
    /// Disputes that are open.
    pub disputes: u16,
    /// Kinds of money.
    pub money: Money,
    /// The last day with any debt, credit or off-balance amount; of use while there is none.
    pub last_nonzero_on: Option<LocalDay>,
}

impl Facts {
    /// An account of which only the day of opening is known: reference data of an earlier system.
    pub fn imported(opened_on: LocalDay) -> Self {
        Self {
            opened_on,
            reopened_on: None,
            contract_on: None,
            terminated_on: None,
            termination_reason: None,
            connected_on: None,
            crm_on: None,
            billing_on: None,
            analyzeset_off: None,
            off_cause: None,
            suspended: None,
            charged: None,
            blocked_on: None,
            removed_on: None,
            notice_received_on: None,
            refused_from: None,
            devices: None,
            act: None,
            equipment_cost: None,
            removal_orders: SmallVec::new(),
            active_offers: None,
            agreement: None,
            hopeless_on: None,
            written_off_on: None,
            fraud_found_on: None,
            fraud_adjusted_on: None,
            credit_request_on: None,
            credit_transferred_on: None,
            credit_written_off_on: None,
            disputes: 0,
            money: Money::none(),
            last_nonzero_on: None,
        }
    }

    /// An account that is opened now: nothing is connected yet, and that is known.
    pub fn opened(opened_on: LocalDay) -> Self {
        Self {
            crm_on: Some(false),
            billing_on: Some(false),
            analyzeset_off: Some(false),
            act: Some(Act::None),
            ..Self::imported(opened_on)
        }
    }

    /// Past due, and no agreement that is kept covers it: overdue, or an agreed instalment missed (PA-4.5).
    pub fn is_past_due(&self, as_of: LocalDay, terms: &Terms) -> bool {
        match self.agreement {
            Some(agreement) if agreement.on_schedule => false,
            Some(_) if self.money.rescheduled > Tiyn::ZERO => true,
            Some(_) | None => self.money.overdue(as_of, terms.grace_days) > Tiyn::ZERO,
        }
    }

    /// An agreement on repayment by stages that is kept (PA-4.6).
    pub fn under_agreement(&self) -> bool {
        self.agreement.is_some_and(|agreement| agreement.on_schedule)
    }

    /// Overdue, doubtful or hopeless debt, written off or not, or an agreed instalment missed: what stands against
    /// orders and new accounts (PA-4.2, PA-51.6).
    pub fn bad_debt(&self, as_of: LocalDay, terms: &Terms) -> Tiyn {
        let missed = if self.agreement.is_some_and(|agreement| !agreement.on_schedule) {
            self.money.rescheduled
        } else {
            Tiyn::ZERO
        };
        let money = &self.money;
        [money.overdue(as_of, terms.grace_days), missed, money.doubtful, money.hopeless_on_books, money.off_balance]
            .into_iter()
            .fold(Tiyn::ZERO, |sum, amount| sum.checked_add(amount).unwrap_or(Tiyn::MAX))
    }

    /// Since when there is such debt, as far as the facts tell.
    pub fn bad_debt_since(&self, as_of: LocalDay, terms: &Terms) -> Option<LocalDay> {
        let money = &self.money;
        let overdue = money.overdue_from(terms.grace_days).filter(|from| *from <= as_of);
        let kinds = [money.doubtful, money.hopeless_on_books, money.off_balance];
        let ended = self.terminated_on.filter(|_| kinds.iter().any(|amount| *amount > Tiyn::ZERO));
        overdue.into_iter().chain(ended).min()
    }

    /// The later of the termination and the last day with any balance: the 30 days of a closed account count from it
    /// (PA-4.3, PA-4.4). `None` while the contract holds or any balance is left.
    pub fn clear_since(&self) -> Option<LocalDay> {
        let terminated = self.terminated_on.filter(|_| self.money.is_nothing())?;
        Some(self.last_nonzero_on.map_or(terminated, |last| last.max(terminated)))
    }

    /// From this day on usage is never charged: the switch-off for debt, the removal, the end of the contract.
    ///
    /// Source: status 3.4.
    pub fn switched_off_on(&self) -> Option<LocalDay> {
        [self.blocked_on, self.removed_on, self.terminated_on].into_iter().flatten().min()
    }

    /// An order to remove is not done.
    pub fn has_open_order(&self) -> bool {
        self.removal_orders.iter().any(|order| order.closed_on.is_none())
    }

    /// Devices and services stay for the new owner (PA-29).
    pub(super) fn changed_owner(&self) -> bool {
        self.termination_reason == Some(TerminationReason::OwnerChange)
    }

    /// What another system tells of an account whose contract has ended; what it does not tell stays as it is known.
    pub(super) fn take_over_end(&mut self, on: LocalDay, told: &Self) {
        let known = std::mem::replace(self, Self::imported(self.opened_on));
        let orders = if told.removal_orders.is_empty() { known.removal_orders } else { told.removal_orders.clone() };
        *self = Self {
            opened_on: known.opened_on,
            reopened_on: known.reopened_on,
            contract_on: known.contract_on.or(told.contract_on),
            terminated_on: Some(on),
            termination_reason: told.termination_reason,
            connected_on: known.connected_on.or(told.connected_on),
            crm_on: told.crm_on.or(Some(false)),
            billing_on: told.billing_on.or(Some(false)),
            analyzeset_off: told.analyzeset_off.or(known.analyzeset_off),
            off_cause: told.off_cause.or(Some(super::event::OffCause::Termination)),
            suspended: None,
            charged: known.charged,
            blocked_on: known.blocked_on.or(told.blocked_on),
            removed_on: known.removed_on.or(told.removed_on),
            notice_received_on: known.notice_received_on.or(told.notice_received_on),
            refused_from: known.refused_from,
            devices: told.devices.or(known.devices),
            act: told.act.or(known.act),
            equipment_cost: known.equipment_cost,
            removal_orders: orders,
            active_offers: told.active_offers.or(known.active_offers),
            agreement: told.agreement.or(known.agreement),
            hopeless_on: known.hopeless_on.or(told.hopeless_on),
            written_off_on: known.written_off_on.or(told.written_off_on),
            fraud_found_on: known.fraud_found_on,
            fraud_adjusted_on: known.fraud_adjusted_on.or(told.fraud_adjusted_on),
            credit_request_on: known.credit_request_on.or(told.credit_request_on),
            credit_transferred_on: told.credit_transferred_on,
            credit_written_off_on: told.credit_written_off_on,
            disputes: known.disputes,
            money: known.money,
            last_nonzero_on: known.last_nonzero_on,
        };
    }

    /// Every contract ends with its own acts, orders and notices: what the last one left is put away when another
    /// begins.
    pub(super) fn begin_again(&mut self, on: LocalDay) {
        *self = Self {
            reopened_on: Some(on),
            contract_on: Some(on),
            devices: self.devices,
            active_offers: self.active_offers,
            disputes: self.disputes,
            money: std::mem::take(&mut self.money),
            last_nonzero_on: self.last_nonzero_on,
            ..Self::opened(self.opened_on)
        };
    }
}
