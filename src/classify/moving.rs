use super::card::{Failed, Technology};
use super::person::Iin;
use crate::book::Method;
use crate::law::{StatusRule, is_working_day};
use crate::record::names;
use crate::units::LocalDay;

/// From which technology to which an order of a move leads.
///
/// Source: PA-39, the table under it. Copper alone to fibre is not in it.
pub static TECHNOLOGIES: [(Technology, Technology); 3] = [
    (Technology::Fibre, Technology::Fibre),
    (Technology::Copper, Technology::Copper),
    (Technology::CopperAndFibre, Technology::Fibre),
];

/// A subscriber moves services to another address.
#[derive(Clone, Copy, Debug)]
pub struct Moving<'m> {
    /// When it was asked for.
    pub on: LocalDay,
    /// Settlement of the old and of the new address.
    pub settlements: [&'m str; 2],
    /// Technology at the old and at the new address.
    pub technologies: [Technology; 2],
    /// The papers of the public contract are all there.
    pub full_papers: bool,
    /// How the account pays.
    pub method: Method,
    /// The deposit is paid.
    pub deposit: bool,
    /// The installers found that it can be done; `None` before they have looked.
    pub possible: Option<bool>,
}

/// What follows on an application to move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MovePlan {
    /// The services move; the new address goes on the card (PA-41), the old number through a temporary one (PA-39).
    Move {
        /// Last day of two working days.
        until: LocalDay,
    },
    /// It cannot be done: the subscriber is told, gets another offer, and then what keeps them (PA-43).
    Offer,
}

/// Checks a move of services to another address. Every reason, not only the first.
///
/// Source: PA-33, PA-39 to PA-43.
pub fn check_move(moving: &Moving<'_>) -> Result<MovePlan, Vec<Failed>> {
    let mut failed = Vec::new();
    if !moving.full_papers {
        failed.push(Failed::new(StatusRule::Pa33, "the papers are not complete"));
    }
    if moving.method == Method::Advance && !moving.deposit {
        failed.push(Failed::new(StatusRule::Pa33, "the advance method needs the deposit"));
    }
    let [from, to] = moving.technologies;
    if !TECHNOLOGIES.contains(&(from, to)) {
        failed.push(Failed::new(StatusRule::Pa39, "no order leads from that technology to this one"));
    }
    let [here, there] = moving.settlements;
    if here != there {
        failed.push(Failed::new(StatusRule::Pa40, "services move only within one settlement"));
    }
    if !failed.is_empty() {
        return Err(failed);
    }
    if moving.possible == Some(false) {
        return Ok(MovePlan::Offer);
    }
    Ok(MovePlan::Move { until: working_days_after(moving.on, 2) })
}

/// The day on which so many working days have passed. Source: PA-42, facts 5.
fn working_days_after(mut day: LocalDay, days: u8) -> LocalDay {
    for _ in 0..days {
        // No row of days off is nearly so long.
        day = (1..=30).map(|later| day.plus_days(later)).find(|day| is_working_day(*day)).unwrap_or(day);
    }
    day
}

/// A subscriber asks for a change of name, document or IIN.
#[derive(Clone, Copy, Debug)]
pub struct PersonChange {
    /// The day of the written application; none is: there is none.
    pub applied_on: Option<LocalDay>,
    /// The day on which the card is changed.
    pub changed_on: LocalDay,
    /// Scans of the new documents are attached.
    pub scans: bool,
    /// The IIN that the application names.
    pub iin: Iin,
    /// The base knows that IIN.
    pub known: bool,
}

names! {
    /// What a change of personal data does.
    pub enum CardChange {
        /// The account and its contract go to the IIN that is known.
        MoveToIin = "move_to_iin",
        /// Name or IIN are edited on the card.
        EditCard = "edit_card",
    }
}

/// Checks a change of personal data. Every reason, not only the first.
///
/// Source: PA-46 to PA-50.
pub fn check_person_change(change: &PersonChange) -> Result<CardChange, Vec<Failed>> {
    let mut failed = Vec::new();
    match change.applied_on {
        None => failed.push(Failed::new(StatusRule::Pa46, "there is no application of the subscriber")),
        Some(on) if on != change.changed_on => {
            failed.push(Failed::new(StatusRule::Pa50, "the card is changed on the day of the application"));
        }
        Some(_) => {}
    }
    if !change.scans {
        failed.push(Failed::new(StatusRule::Pa49, "no scans of the new documents are attached"));
    }
    if !failed.is_empty() {
        return Err(failed);
    }
    Ok(if change.known { CardChange::MoveToIin } else { CardChange::EditCard })
}

/// A change of segment, user group or funding.
#[derive(Clone, Copy, Debug)]
pub struct CentralChange {
    /// The period in which the account was opened is closed.
    pub period_closed: bool,
    /// The management accounting makes it, not the front.
    pub central: bool,
    /// The commercial director's letter is there.
    pub letter: bool,
}

/// Whether segment, user group or funding of an account may be changed now: by the front until the period is closed,
/// after it centrally, on the commercial director's letter.
///
/// Source: PA-15, PA-17.
pub fn check_central_change(change: CentralChange) -> Result<(), Failed> {
    match (change.period_closed, change.central, change.letter) {
        (false, _, _) | (true, true, true) => Ok(()),
        (true, false, _) => Err(Failed::new(StatusRule::Pa15, "after the period is closed this changes centrally")),
        (true, true, false) => Err(Failed::new(StatusRule::Pa17, "there is no letter of the commercial director")),
    }
}
