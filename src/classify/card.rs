use super::facts::Facts;
use super::person::Iin;
use super::status::Status;
use crate::law::StatusRule;
use crate::record::names;
use std::fmt;

names! {
    /// What carries the service to the subscriber.
    pub enum Technology {
        /// Fibre.
        Fibre = "fibre",
        /// Copper.
        Copper = "copper",
        /// Copper and fibre.
        CopperAndFibre = "copper_and_fibre",
        /// Radio.
        Wireless = "wireless",
    }
}

/// The card of an account: whose it is, where, and how it stands.
///
/// Texts are compared as they stand: who fills the card writes one address in one way.
#[derive(Clone, Copy, Debug)]
pub struct Card<'c> {
    /// The account's id.
    pub account: &'c str,
    /// Whose; `None` where the number in the base is none.
    pub iin: Option<Iin>,
    /// Whose, by name. Personal: no message tells it.
    pub name: &'c str,
    /// Where, within the settlement. Empty is not known.
    pub address: &'c str,
    /// The settlement.
    pub settlement: &'c str,
    /// By what technology.
    pub technology: Option<Technology>,
    /// The recorded status.
    pub status: Status,
    /// What is known.
    pub facts: &'c Facts,
}

impl Card<'_> {
    /// Two accounts of one known place.
    pub(super) fn is_at(&self, settlement: &str, address: &str) -> bool {
        !address.is_empty() && self.address == address && self.settlement == settlement
    }
}

names! {
    /// A paper of the personal file.
    pub enum Paper {
        /// Identity card, passport or what replaces it.
        Identity = "identity",
        /// Application for service, with the day when it was taken.
        Application = "application",
        /// Contract about the equipment, if any.
        EquipmentContract = "equipment_contract",
        /// Act of acceptance of the installation.
        AcceptanceAct = "acceptance_act",
        /// Executed order of installation, with its day.
        InstallationOrder = "installation_order",
        /// Lease, sublease, free use, trust management or a similar contract with the owner.
        Lease = "lease",
        /// Another document that gives a right to the premises.
        RightOfUse = "right_of_use",
        /// The owner's written consent.
        OwnersConsent = "owners_consent",
        /// Address certificate.
        AddressCertificate = "address_certificate",
        /// Contract of sale or another title document.
        TitleDocument = "title_document",
        /// Permission of the internal sales department.
        SalesPermission = "sales_permission",
        /// Application to refuse the services.
        RefusalApplication = "refusal_application",
        /// Executed order of removal, with its day.
        RemovalOrder = "removal_order",
        /// Act of return, or of absence.
        EquipmentAct = "equipment_act",
        /// Agreement on repayment by stages.
        RepaymentAgreement = "repayment_agreement",
        /// The package of a client who did not return the equipment.
        NonReturnPackage = "non_return_package",
    }
}

/// A set of [`Paper`]s.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Papers(u16);

impl Papers {
    /// The papers of a list.
    pub fn of(papers: &[Paper]) -> Self {
        Self(papers.iter().fold(0, |bits, paper| bits | 1 << *paper as u16))
    }

    /// Whether it is there.
    pub const fn has(self, paper: Paper) -> bool {
        self.0 & 1 << paper as u16 != 0
    }

    /// Papers of a list that are not there.
    pub fn missing(self, asked: &[Paper]) -> Vec<Paper> {
        asked.iter().copied().filter(|paper| !self.has(*paper)).collect()
    }
}

/// A check of a command that failed: the rule, why, and the account that stands in the way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failed {
    /// The paragraph.
    pub rule: StatusRule,
    /// For people.
    pub why: &'static str,
    /// The account in the way.
    pub account: Option<String>,
}

impl Failed {
    pub(super) fn new(rule: StatusRule, why: &'static str) -> Self {
        Self { rule, why, account: None }
    }

    pub(super) fn by(card: &Card<'_>, rule: StatusRule, why: &'static str) -> Self {
        Self { rule, why, account: Some(card.account.to_owned()) }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.account {
            Some(account) => write!(f, "{} ({}): account {account}", self.why, self.rule),
            None => write!(f, "{} ({})", self.why, self.rule),
        }
    }
}

impl std::error::Error for Failed {}
