use super::facts::{Act, Devices, Facts};
use super::rows::{archived_at_once, is_suspended};
use super::status::Status;
use super::terms::Terms;
use crate::record::names;
use crate::units::{LocalDay, Tiyn};
use std::fmt;

names! {
    /// What has to hold of an account in a status. A list of contradictions names those that do not hold.
    ///
    /// Source: status 3.2.
    pub enum Descriptor {
        /// Opened in this calendar month, for a new client (PA-4.1).
        OpenedThisMonth = "opened_this_month",
        /// The contract's day is not in this period, unless the account was opened earlier (PA-4.2).
        ContractBeforePeriod = "contract_before_period",
        /// Devices are connected, or none was needed (PA-4.2, PA-4.5).
        DevicesConnected = "devices_connected",
        /// Services are on in CRM and in billing (PA-4.2, PA-4.5).
        ServicesConnected = "services_connected",
        /// Services are charged for (PA-4.2, PA-4.5).
        Charged = "charged",
        /// The collection module says DISCONNECTED (PA-4.6).
        AnalyzesetOff = "analyzeset_off",
        /// Services are off in CRM (PA-4.6).
        CrmOff = "crm_off",
        /// Services are off in billing (PA-4.6).
        BillingOff = "billing_off",
        /// The end of the contract stands with its day and reason (PA-4.3 to PA-4.10).
        TerminationMarked = "termination_marked",
        /// No receivable, penalty or credit (PA-4.3).
        NothingOwed = "nothing_owed",
        /// Services are off for good, in CRM and in billing.
        NotProvided = "not_provided",
        /// Devices were taken away; waived on a change of owner (PA-29).
        Dismantled = "dismantled",
        /// No order to remove is open (PA-4.3).
        NoOpenOrder = "no_open_order",
        /// No balance of any kind (PA-4.4).
        NoBalance = "no_balance",
        /// No product offers (PA-4.4).
        NoOffers = "no_offers",
        /// Thirty days without debt, credit or written-off debt (PA-4.4).
        ClearForThirtyDays = "clear_for_thirty_days",
        /// Debt of the doubtful kind (PA-4.7).
        DoubtfulDebt = "doubtful_debt",
        /// Recognised as hopeless and written off (PA-4.8).
        WrittenOff = "written_off",
        /// Carried off-balance (PA-4.8).
        OffBalance = "off_balance",
        /// An act of return or absence; waived where nothing was issued † (PA-4.9, PA-4.10).
        ActSigned = "act_signed",
        /// Orders to remove are done and dated (PA-4.9, PA-4.10).
        OrdersDone = "orders_done",
        /// A credit balance (PA-4.9, PA-4.10).
        CreditBalance = "credit_balance",
        /// Not opened in an earlier month and never connected.
        EverConnected = "ever_connected",
        /// Not debt and credit at once.
        DebtOrCredit = "debt_or_credit",
        /// After the end of the contract no receivable is left that is not of the doubtful kind (PA-3.29).
        Reclassified = "reclassified",
        /// After the end of the contract not a penalty only.
        NotPenaltyOnly = "not_penalty_only",
        /// No credit came after what archives an account.
        NoLateCredit = "no_late_credit",
        /// The collection module and billing agree.
        SystemsAgree = "systems_agree",
    }
}

/// A set of [`Descriptor`]s.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Descriptors(u32);

impl Descriptors {
    /// None.
    pub const NONE: Self = Self(0);

    /// This set and one more.
    #[must_use]
    pub const fn with(self, descriptor: Descriptor) -> Self {
        Self(self.0 | 1 << descriptor as u32)
    }

    /// Whether it is in the set.
    pub const fn has(self, descriptor: Descriptor) -> bool {
        self.0 & 1 << descriptor as u32 != 0
    }

    /// None is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in it, in the order of the list.
    pub fn iter(self) -> impl Iterator<Item = Descriptor> {
        Descriptor::ALL.iter().copied().filter(move |descriptor| self.has(*descriptor))
    }
}

/// Names joined with `;`.
impl fmt::Display for Descriptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, descriptor) in self.iter().enumerate() {
            if nth > 0 {
                f.write_str(";")?;
            }
            f.write_str(descriptor.name())?;
        }
        Ok(())
    }
}

/// What each status asks for, in the order of the source.
pub static DESCRIPTORS: [(Status, &[Descriptor]); 10] = {
    use Descriptor as D;
    const MARKED: D = D::TerminationMarked;
    const OFF: D = D::NotProvided;
    const TAKEN: D = D::Dismantled;
    [
        (Status::New, &[D::OpenedThisMonth, D::DebtOrCredit, D::SystemsAgree]),
        (
            Status::Current,
            &[
                D::ContractBeforePeriod,
                D::DevicesConnected,
                D::ServicesConnected,
                D::Charged,
                D::EverConnected,
                D::DebtOrCredit,
                D::SystemsAgree,
            ],
        ),
        (
            Status::Overdue,
            &[
                D::DevicesConnected,
                D::ServicesConnected,
                D::Charged,
                D::EverConnected,
                D::DebtOrCredit,
                D::SystemsAgree,
            ],
        ),
        (Status::Disconnected, &[D::AnalyzesetOff, D::CrmOff, D::BillingOff, D::DebtOrCredit, D::SystemsAgree]),
        (
            Status::Closed,
            &[MARKED, D::NothingOwed, OFF, TAKEN, D::NoOpenOrder, D::Reclassified, D::NotPenaltyOnly, D::NoLateCredit],
        ),
        (
            Status::ClosedDoubtful,
            &[MARKED, D::DoubtfulDebt, OFF, TAKEN, D::DebtOrCredit, D::Reclassified, D::NoLateCredit],
        ),
        (
            Status::ClosedWrittenOff,
            &[MARKED, D::WrittenOff, D::OffBalance, OFF, TAKEN, D::DebtOrCredit, D::NoLateCredit],
        ),
        (Status::ClosedCredit, &[MARKED, D::ActSigned, D::OrdersDone, D::CreditBalance, OFF, TAKEN, D::NoLateCredit]),
        (
            Status::ClosedDoubtfulCredit,
            &[MARKED, D::ActSigned, D::OrdersDone, D::CreditBalance, OFF, TAKEN, D::NoLateCredit],
        ),
        (Status::Archived, &[MARKED, OFF, TAKEN, D::NoBalance, D::NoOpenOrder, D::NoOffers, D::ClearForThirtyDays]),
    ]
};

/// Whether a descriptor holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Held {
    Yes,
    No,
    Unknown,
}

impl From<bool> for Held {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// Services on in CRM and in billing, both told: `Some` of whether each is as asked; a wrong one decides alone.
fn both(facts: &Facts, on: bool) -> Held {
    match (facts.crm_on, facts.billing_on) {
        (Some(crm), Some(billing)) => Held::from(crm == on && billing == on),
        (Some(known), None) | (None, Some(known)) if known != on => Held::No,
        (Some(_) | None, Some(_) | None) => Held::Unknown,
    }
}

/// Whether a descriptor of the account's status holds on a day.
pub(super) fn holds(descriptor: Descriptor, facts: &Facts, as_of: LocalDay, terms: &Terms) -> Held {
    let money = &facts.money;
    let nothing_issued = facts.devices == Some(Devices::NeverIssued);
    match descriptor {
        Descriptor::OpenedThisMonth => Held::from(facts.opened_on.period() == as_of.period()),
        Descriptor::ContractBeforePeriod => Held::from(
            facts.opened_on.period() < as_of.period()
                || facts.reopened_on.is_some()
                || facts.contract_on.is_some_and(|on| on.period() < as_of.period()),
        ),
        Descriptor::DevicesConnected => {
            facts.devices.map_or(Held::Unknown, |devices| Held::from(devices != Devices::Dismantled))
        }
        // Who is away has nothing connected and nothing charged, and stays current †.
        Descriptor::ServicesConnected | Descriptor::Charged if is_suspended(facts) => Held::Yes,
        Descriptor::ServicesConnected => both(facts, true),
        Descriptor::Charged => facts.charged.map_or(Held::Unknown, Held::from),
        Descriptor::AnalyzesetOff => facts.analyzeset_off.map_or(Held::Unknown, Held::from),
        Descriptor::CrmOff => facts.crm_on.map_or(Held::Unknown, |on| Held::from(!on)),
        Descriptor::BillingOff => facts.billing_on.map_or(Held::Unknown, |on| Held::from(!on)),
        Descriptor::TerminationMarked => facts.termination_reason.map_or(Held::Unknown, |_| Held::Yes),
        Descriptor::NothingOwed => {
            Held::from(!money.has_debt() && money.penalty == Tiyn::ZERO && money.credit == Tiyn::ZERO)
        }
        Descriptor::NotProvided => both(facts, false),
        Descriptor::Dismantled if facts.changed_owner() => Held::Yes,
        Descriptor::Dismantled => {
            facts.devices.map_or(Held::Unknown, |devices| Held::from(devices != Devices::Installed))
        }
        Descriptor::NoOpenOrder => Held::from(!facts.has_open_order()),
        Descriptor::NoBalance => Held::from(money.is_nothing()),
        Descriptor::NoOffers => facts.active_offers.map_or(Held::Unknown, |offers| Held::from(offers == 0)),
        Descriptor::ClearForThirtyDays => Held::from(
            archived_at_once(facts, terms)
                || facts.clear_since().is_some_and(|since| since.plus_days(terms.closed_days) < as_of),
        ),
        Descriptor::DoubtfulDebt => Held::from(money.doubtful > Tiyn::ZERO || money.hopeless_on_books > Tiyn::ZERO),
        Descriptor::WrittenOff => match (facts.hopeless_on, facts.written_off_on) {
            (Some(_), Some(_)) => Held::Yes,
            (Some(_) | None, Some(_) | None) => Held::Unknown,
        },
        Descriptor::OffBalance => Held::from(money.off_balance > Tiyn::ZERO),
        Descriptor::ActSigned if nothing_issued || facts.changed_owner() => Held::Yes,
        Descriptor::ActSigned => facts.act.map_or(Held::Unknown, |act| Held::from(act != Act::None)),
        Descriptor::OrdersDone if facts.changed_owner() => Held::Yes,
        Descriptor::OrdersDone if facts.removal_orders.is_empty() => Held::Unknown,
        Descriptor::OrdersDone => Held::from(!facts.has_open_order()),
        Descriptor::CreditBalance => Held::from(money.credit > Tiyn::ZERO),
        Descriptor::EverConnected => match facts.crm_on {
            None => Held::Unknown,
            Some(on) => Held::from(
                on || facts.connected_on.is_some()
                    || facts.blocked_on.is_some()
                    || facts.suspended.is_some()
                    || facts.opened_on.period() >= as_of.period(),
            ),
        },
        Descriptor::DebtOrCredit => Held::from(!money.has_debt() || money.credit == Tiyn::ZERO),
        Descriptor::Reclassified => Held::from(money.owed.is_empty() && money.rescheduled == Tiyn::ZERO),
        Descriptor::NotPenaltyOnly => Held::from(money.penalty == Tiyn::ZERO || money.has_debt()),
        Descriptor::NoLateCredit => Held::from(money.credit == Tiyn::ZERO || !archived_at_once(facts, terms)),
        Descriptor::SystemsAgree => match (facts.analyzeset_off, facts.billing_on) {
            (Some(off), Some(on)) => {
                // A suspension is no business of the collection module.
                Held::from(if on { !off } else { off || facts.off_cause != Some(super::event::OffCause::Debt) })
            }
            (Some(_) | None, Some(_) | None) => Held::Unknown,
        },
    }
}
