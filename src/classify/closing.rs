use super::card::{Failed, Paper, Papers};
use super::facts::{Devices, Facts};
use crate::law::StatusRule;
use crate::units::Tiyn;

/// Papers that are missing from the file of an account that closes, with the rule that asks for them. They do not hold
/// the closing back: they are to be completed (PA-27).
///
/// Source: PA-22, PA-26.
pub fn papers_missing_at_closing(facts: &Facts, papers: Papers) -> (StatusRule, Vec<Paper>) {
    let nothing_issued = facts.devices == Some(Devices::NeverIssued);
    let (rule, mut asked) = if facts.money.has_debt() {
        (StatusRule::Pa26, vec![Paper::Identity, Paper::EquipmentAct])
    } else {
        (StatusRule::Pa22, vec![Paper::Identity, Paper::RefusalApplication, Paper::RemovalOrder, Paper::EquipmentAct])
    };
    if nothing_issued {
        asked.retain(|paper| *paper != Paper::EquipmentAct);
    }
    if rule == StatusRule::Pa26 {
        asked.extend(facts.agreement.map(|_| Paper::RepaymentAgreement));
        asked.extend(facts.equipment_cost.map(|_| Paper::NonReturnPackage));
    }
    (rule, papers.missing(&asked))
}

/// What is said of the equipment when the removal order closes: handed in, or not, with its cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Equipment {
    /// Handed in.
    HandedIn,
    /// Not handed in.
    NotHandedIn {
        /// Above zero.
        cost: Option<Tiyn>,
    },
}

/// Whether the mark on the equipment is whole. Source: PA-21.
pub fn check_equipment(equipment: Equipment) -> Result<(), Failed> {
    match equipment {
        Equipment::HandedIn => Ok(()),
        Equipment::NotHandedIn { cost: Some(cost) } if cost > Tiyn::ZERO => Ok(()),
        Equipment::NotHandedIn { .. } => {
            Err(Failed::new(StatusRule::Pa21, "equipment that is not handed in needs its cost"))
        }
    }
}

/// How the account of a former owner closes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FormerOwner {
    /// The former owner applied for it.
    pub applied: bool,
    /// The former owner has data at another address.
    pub elsewhere: bool,
}

/// Whether the former owner's account may close for a new owner. With debt it stays with the former owner, and the
/// collection works on it.
///
/// Source: PA-29, PA-30, PA-31.
pub fn check_former_owner(facts: &Facts, former: FormerOwner) -> Result<(), Failed> {
    if facts.money.has_debt() {
        return Err(Failed::new(StatusRule::Pa31, "the former owner's debt is worked off on the former account"));
    }
    if former.applied {
        return Ok(());
    }
    if facts.money.penalty > Tiyn::ZERO {
        return Err(Failed::new(StatusRule::Pa30, "a penalty is left, and the former owner did not apply"));
    }
    if former.elsewhere {
        return Err(Failed::new(StatusRule::Pa30, "the former owner has data at another address, and did not apply"));
    }
    Ok(())
}
