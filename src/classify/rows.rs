use super::descriptor::{DESCRIPTORS, Descriptors, Held, holds};
use super::event::OffCause;
use super::facts::Facts;
use super::status::Status;
use super::terms::Terms;
use crate::law::StatusRule;
use crate::record::names;
use crate::units::{LocalDay, Tiyn};

/// One row of the classification: the first that holds decides.
pub struct Row {
    /// Its number in the specification, 3.2.
    pub number: &'static str,
    /// The status it gives.
    pub status: Status,
    /// The paragraph behind it.
    pub rule: StatusRule,
    /// † The source is silent: decided here, because something must happen.
    pub decided: bool,
    /// For people.
    pub says: &'static str,
    when: fn(&Facts, LocalDay, &Terms) -> bool,
}

/// Rows while the contract holds.
pub static IN_FORCE: [Row; 6] = [
    Row {
        number: "1",
        status: Status::Current,
        rule: StatusRule::Pa4_2,
        decided: true,
        says: "off for a suspension, and no debt",
        when: |facts, _, _| is_suspended(facts),
    },
    Row {
        number: "2",
        status: Status::Disconnected,
        rule: StatusRule::Pa4_6,
        decided: false,
        says: "off for debt in CRM, in billing and in AnalyzeSet",
        when: |facts, _, _| {
            facts.crm_on == Some(false)
                && facts.billing_on == Some(false)
                && facts.analyzeset_off == Some(true)
                && facts.off_cause == Some(OffCause::Debt)
        },
    },
    Row {
        number: "3",
        status: Status::Overdue,
        rule: StatusRule::Pa4_5,
        decided: false,
        says: "overdue, or an agreed instalment missed",
        when: |facts, as_of, terms| facts.is_past_due(as_of, terms),
    },
    Row {
        number: "3a",
        status: Status::Current,
        rule: StatusRule::Pa4_6,
        decided: true,
        says: "overdue, under an agreement that is kept",
        when: |facts, as_of, terms| {
            facts.under_agreement() && facts.money.overdue(as_of, terms.grace_days) > Tiyn::ZERO
        },
    },
    Row {
        number: "4",
        status: Status::New,
        rule: StatusRule::Pa4_1,
        decided: false,
        says: "opened in this calendar month for a new client",
        when: |facts, as_of, _| facts.opened_on.period() == as_of.period() && facts.reopened_on.is_none(),
    },
    Row {
        number: "5",
        status: Status::Current,
        rule: StatusRule::Pa4_2,
        decided: false,
        says: "neither overdue, switched off nor new",
        when: |_, _, _| true,
    },
];

/// Rows after the contract has ended; the end wins over what AnalyzeSet still says.
pub static ENDED: [Row; 8] = [
    Row {
        number: "6",
        status: Status::Archived,
        rule: StatusRule::Pa4_4,
        decided: false,
        says: "no balance, and fraud adjusted, or a credit written off or moved after 12 months",
        when: |facts, _, terms| facts.money.is_nothing() && archived_at_once(facts, terms),
    },
    Row {
        number: "7",
        status: Status::ClosedDoubtful,
        rule: StatusRule::Pa4_7,
        decided: false,
        says: "debt on the books",
        when: |facts, _, _| facts.money.has_debt(),
    },
    Row {
        number: "8",
        status: Status::ClosedWrittenOff,
        rule: StatusRule::Pa4_8,
        decided: false,
        says: "written-off debt off the balance",
        when: |facts, _, _| facts.money.off_balance > Tiyn::ZERO,
    },
    Row {
        number: "9",
        status: Status::ClosedCredit,
        rule: StatusRule::Pa4_9,
        decided: false,
        says: "a credit balance, less than 3 years after the end",
        when: |facts, as_of, terms| facts.money.credit > Tiyn::ZERO && !credit_life_is_over(facts, as_of, terms),
    },
    Row {
        number: "9a",
        status: Status::ClosedCredit,
        rule: StatusRule::Pa4_9,
        decided: false,
        says: "a credit balance that was asked for, 3 years after the end",
        when: |facts, _, _| facts.money.credit > Tiyn::ZERO && facts.credit_request_on.is_some(),
    },
    Row {
        number: "9b",
        status: Status::ClosedDoubtfulCredit,
        rule: StatusRule::Pa4_10,
        decided: false,
        says: "a credit balance that nobody asked for, 3 years after the end",
        when: |facts, _, _| facts.money.credit > Tiyn::ZERO,
    },
    Row {
        number: "10",
        status: Status::Closed,
        rule: StatusRule::Pa4_3,
        decided: false,
        says: "not yet clear for 30 days",
        when: |facts, as_of, terms| facts.clear_since().is_none_or(|clear| clear.plus_days(terms.closed_days) >= as_of),
    },
    Row {
        number: "10a",
        status: Status::Archived,
        rule: StatusRule::Pa4_4,
        decided: false,
        says: "clear for 30 days",
        when: |_, _, _| true,
    },
];

names! {
    /// What else is told of an account beside its status.
    pub enum StatusFlag {
        /// Services are off for a suspension.
        Suspended = "suspended",
        /// Paid, or under an agreement, and not yet restored.
        NotRestored = "not_restored",
        /// Repayment by stages is on schedule.
        UnderAgreement = "under_agreement",
        /// A penalty to announce (PA-14).
        Penalty = "penalty",
    }
}

/// What the facts say of an account on a day.
#[derive(Clone, Copy, Debug)]
pub struct Classified {
    /// The status.
    pub status: Status,
    /// The row that decided.
    pub row: &'static str,
    /// The paragraph behind it.
    pub rule: StatusRule,
    /// † The source is silent.
    pub decided: bool,
    /// The row, for people.
    pub says: &'static str,
    /// Descriptors of the status that do not hold.
    pub contradictions: Descriptors,
    /// Descriptors of which it is not known.
    pub unverified: Descriptors,
    flags: u8,
}

impl Classified {
    /// Whether the flag is set.
    pub const fn has(&self, flag: StatusFlag) -> bool {
        self.flags & 1 << flag as u8 != 0
    }

    /// The flags set, in the order of the list.
    pub fn flags(&self) -> impl Iterator<Item = StatusFlag> {
        StatusFlag::ALL.iter().copied().filter(|flag| self.has(*flag))
    }
}

/// The status that the facts give on a day by the source's own terms. See [`classify_under`].
///
/// ```
/// use esep::classify::{Facts, Status, classify};
/// use esep::units::LocalDay;
/// let day = |text| LocalDay::parse(text).unwrap();
/// let facts = Facts::opened(day("2026-03-10"));
/// assert_eq!(classify(&facts, day("2026-03-31")).status, Status::New);
/// assert_eq!(classify(&facts, day("2026-04-01")).status, Status::Current);
/// ```
///
/// Source: status 3.2.
pub fn classify(facts: &Facts, as_of: LocalDay) -> Classified {
    classify_under(&Terms::SOURCE, facts, as_of)
}

/// The status that the facts give on a day, with what contradicts it and what is not known. Total: any facts, any day.
///
/// The facts are those known on that day; a later one would be seen too early.
pub fn classify_under(terms: &Terms, facts: &Facts, as_of: LocalDay) -> Classified {
    let row = deciding_row(terms, facts, as_of);
    let (mut contradictions, mut unverified) = (Descriptors::NONE, Descriptors::NONE);
    let asked = DESCRIPTORS.iter().find(|(status, _)| *status == row.status).map_or(&[][..], |(_, asked)| *asked);
    for descriptor in asked {
        match holds(*descriptor, facts, as_of, terms) {
            Held::Yes => {}
            Held::No => contradictions = contradictions.with(*descriptor),
            Held::Unknown => unverified = unverified.with(*descriptor),
        }
    }
    let flags = [
        (StatusFlag::Suspended, row.number == "1"),
        (
            StatusFlag::NotRestored,
            row.status == Status::Disconnected && (facts.under_agreement() || !facts.is_past_due(as_of, terms)),
        ),
        (StatusFlag::UnderAgreement, facts.under_agreement()),
        (StatusFlag::Penalty, facts.money.penalty > Tiyn::ZERO),
    ];
    let flags = flags.iter().filter(|(_, set)| *set).fold(0, |bits, (flag, _)| bits | 1 << *flag as u8);
    let Row { status, number, rule, decided, says, .. } = *row;
    Classified { status, row: number, rule, decided, says, contradictions, unverified, flags }
}

fn deciding_row(terms: &Terms, facts: &Facts, as_of: LocalDay) -> &'static Row {
    // The last row of each table always holds.
    let [.., in_force] = &IN_FORCE;
    let [.., ended] = &ENDED;
    let (rows, last) = if facts.terminated_on.is_none() { (&IN_FORCE[..], in_force) } else { (&ENDED[..], ended) };
    rows.iter().find(|row| (row.when)(facts, as_of, terms)).unwrap_or(last)
}

/// Off for a suspension (investigative bodies, long absence) and no debt.
pub(super) fn is_suspended(facts: &Facts) -> bool {
    facts.off_cause == Some(OffCause::Suspension) && !facts.money.has_debt()
}

/// What puts an account into the archive without the thirty days (PA-4.8, PA-4.9, PA-4.10).
pub(super) fn archived_at_once(facts: &Facts, terms: &Terms) -> bool {
    let moved_late = match (facts.terminated_on, facts.credit_transferred_on) {
        (Some(ended), Some(moved)) => moved > ended.plus_months(terms.credit_return_months),
        (Some(_) | None, Some(_) | None) => false,
    };
    facts.fraud_adjusted_on.is_some() || facts.credit_written_off_on.is_some() || moved_late
}

/// Three years after the end of the contract, that day included (PA-4.9).
pub(super) fn credit_life_is_over(facts: &Facts, as_of: LocalDay, terms: &Terms) -> bool {
    facts.terminated_on.is_some_and(|ended| as_of >= ended.plus_months(terms.credit_life_months))
}
