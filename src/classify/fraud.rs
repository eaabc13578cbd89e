use super::card::Card;
use super::status::Status;
use super::terms::Terms;
use crate::law::StatusRule;
use crate::units::LocalDay;
use std::fmt;

/// What a sign of fraud rests on. No personal data: accounts, days and words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evidence<'c> {
    /// The other account of the person.
    pub other: &'c str,
    /// The day that makes it a sign: the opening or connection of the account.
    pub on: LocalDay,
    /// What is the same, or not.
    pub says: &'static str,
}

/// A sign of fraud: an account, the rule, and what it rests on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sign<'c> {
    /// The account, the later one of two.
    pub account: &'c str,
    /// The paragraph.
    pub rule: StatusRule,
    /// What it rests on.
    pub evidence: Evidence<'c>,
}

/// `A-2: PA-51.3, beside A-1: one IIN at one address (2026-03-05)`
impl fmt::Display for Sign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Evidence { other, on, says } = &self.evidence;
        write!(f, "{}: {}, beside {other}: {says} ({on})", self.account, self.rule)
    }
}

/// Signs of fraud over the whole base as of a day, by person, then by day of opening; at most one of a rule for an
/// account. The time grows with n·log n: an account is held against the earlier ones of its person, but against no more
/// than [`NEIGHBOURS`] of them.
///
/// Signs 1 and 8 cannot be seen in account data. Cards without an IIN are of nobody.
///
/// Source: PA-51.
pub fn fraud_signs<'c>(terms: &Terms, cards: &'c [Card<'c>], as_of: LocalDay) -> Vec<Sign<'c>> {
    let mut order: Vec<&Card<'c>> =
        cards.iter().filter(|card| card.iin.is_some() && card.facts.opened_on <= as_of).collect();
    order.sort_by(|a, b| (a.iin, a.facts.opened_on, a.account).cmp(&(b.iin, b.facts.opened_on, b.account)));
    let mut signs = Vec::new();
    for person in order.chunk_by(|a, b| a.iin == b.iin) {
        for (place, card) in person.iter().enumerate() {
            let earlier = person.get(place.saturating_sub(NEIGHBOURS)..place).unwrap_or_default();
            let around = person.get(place.saturating_sub(NEIGHBOURS)..).unwrap_or_default();
            let others = around.iter().take(NEIGHBOURS.saturating_mul(2)).filter(|other| other.account != card.account);
            for (rule, says, day, is) in SIGNS {
                let other = match day {
                    Beside::Earlier => earlier.iter().find(|other| is(card, other, terms, as_of)).copied(),
                    Beside::Any => others.clone().find(|other| is(card, other, terms, as_of)).copied(),
                };
                let on = if *rule == StatusRule::Pa51_7 { card.facts.connected_on } else { None };
                if let Some(other) = other {
                    let evidence = Evidence { other: other.account, on: on.unwrap_or(card.facts.opened_on), says };
                    signs.push(Sign { account: card.account, rule: *rule, evidence });
                }
            }
        }
    }
    signs
}

/// How many accounts of one person are looked at on each side: a person has few, a number that stands for nobody many.
pub const NEIGHBOURS: usize = 64;

enum Beside {
    /// An account that was opened before.
    Earlier,
    /// Any other account of the person.
    Any,
}

type IsSign = fn(&Card<'_>, &Card<'_>, &Terms, LocalDay) -> bool;

static SIGNS: &[(StatusRule, &str, Beside, IsSign)] = &[
    (
        StatusRule::Pa51_2,
        "a second account at an address where the subscriber has a current one",
        Beside::Earlier,
        |card, other, _, _| both_open_at_one_address(card, other) && other.status == Status::Current,
    ),
    (StatusRule::Pa51_3, "several accounts of one IIN at one address", Beside::Earlier, |card, other, _, _| {
        both_open_at_one_address(card, other)
    }),
    (
        StatusRule::Pa51_4,
        "a new account where only the technology changed",
        Beside::Earlier,
        |card, other, terms, _| {
            replaces(card, other, terms)
                && card.is_at(other.settlement, other.address)
                && card.name == other.name
                && card.technology.is_some()
                && other.technology.is_some()
                && card.technology != other.technology
        },
    ),
    (
        StatusRule::Pa51_5,
        "a new account where only the address in the settlement, or the personal data, changed",
        Beside::Earlier,
        |card, other, terms, _| {
            let moved = card.address != other.address && !card.address.is_empty() && !other.address.is_empty();
            let renamed = card.is_at(other.settlement, other.address) && card.name != other.name;
            let same_technology = card.technology == other.technology;
            replaces(card, other, terms)
                && card.settlement == other.settlement
                && same_technology
                && (moved && other.facts.terminated_on.is_some() || renamed)
        },
    ),
    (
        StatusRule::Pa51_6,
        "a new account while the person has overdue, doubtful or written-off debt",
        Beside::Any,
        |card, other, terms, as_of| {
            let since = other.facts.bad_debt_since(as_of, terms);
            since.is_some_and(|since| since <= card.facts.opened_on) && other.facts.opened_on <= card.facts.opened_on
        },
    ),
    (
        StatusRule::Pa51_7,
        "services added to a new account while another one of the person has such debt",
        Beside::Any,
        |card, other, terms, as_of| {
            let since = other.facts.bad_debt_since(as_of, terms);
            let connected = card.facts.connected_on.filter(|on| *on <= as_of);
            matches!((since, connected), (Some(since), Some(connected)) if since <= connected)
                && other.facts.opened_on <= card.facts.opened_on
        },
    ),
];

fn both_open_at_one_address(card: &Card<'_>, other: &Card<'_>) -> bool {
    let open = |card: &Card<'_>| !card.status.is_closed();
    open(card) && open(other) && card.is_at(other.settlement, other.address)
}

/// The later account was opened while the earlier held, or within the days in which it could have been opened again †.
fn replaces(card: &Card<'_>, other: &Card<'_>, terms: &Terms) -> bool {
    let ended = other.facts.terminated_on;
    ended.is_none_or(|ended| card.facts.opened_on <= ended.plus_days(terms.closed_days))
}
