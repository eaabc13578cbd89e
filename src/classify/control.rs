use super::descriptor::{Descriptor, Descriptors};
use super::facts::Facts;
use super::rows::{Classified, classify_under};
use super::status::Status;
use super::terms::Terms;
use crate::units::{LocalDay, Tiyn};

/// A row of the monthly control list: an account whose recorded status is not the one that its facts give, or whose
/// facts contradict the status that they give.
#[derive(Clone, Copy, Debug)]
pub struct Control {
    /// The recorded status.
    pub recorded: Status,
    /// What the facts say.
    pub classified: Classified,
    /// What contradicts it, with a credit that came to an archived account.
    pub contradictions: Descriptors,
}

impl Control {
    /// Recorded and classified status differ.
    pub fn is_mismatch(&self) -> bool {
        self.recorded != self.classified.status
    }
}

/// Whether an account belongs on the control list of a day.
///
/// Source: PA-57.
pub fn control(terms: &Terms, recorded: Status, facts: &Facts, as_of: LocalDay) -> Option<Control> {
    let classified = classify_under(terms, facts, as_of);
    let mut contradictions = classified.contradictions;
    if recorded == Status::Archived && facts.money.credit > Tiyn::ZERO {
        contradictions = contradictions.with(Descriptor::NoLateCredit);
    }
    let row = Control { recorded, classified, contradictions };
    (row.is_mismatch() || !contradictions.is_empty()).then_some(row)
}

/// The facts behind a status, as names and values: what is known, and which money there is. Never personal data.
pub fn known_facts(terms: &Terms, facts: &Facts, as_of: LocalDay) -> Vec<(&'static str, String)> {
    let day = |name, day: Option<LocalDay>| day.map(|day| (name, day.to_string()));
    let text = |name, text: Option<&'static str>| text.map(|text| (name, text.to_owned()));
    let told = |name, told: Option<bool>| told.map(|told| (name, told.to_string()));
    let amount = |name, amount: Tiyn| (amount > Tiyn::ZERO).then(|| (name, amount.to_string()));
    let money = &facts.money;
    [
        day("opened_on", Some(facts.opened_on)),
        day("reopened_on", facts.reopened_on),
        day("contract_on", facts.contract_on),
        day("terminated_on", facts.terminated_on),
        text("termination_reason", facts.termination_reason.map(|reason| reason.name())),
        told("crm_on", facts.crm_on),
        told("billing_on", facts.billing_on),
        told("analyzeset_off", facts.analyzeset_off),
        text("off_cause", facts.off_cause.map(|cause| cause.name())),
        day("blocked_on", facts.blocked_on),
        day("removed_on", facts.removed_on),
        day("notice_received_on", facts.notice_received_on),
        day("refused_from", facts.refused_from),
        text("devices", facts.devices.map(|devices| devices.name())),
        text("act", facts.act.map(|act| act.name())),
        day("agreement_signed_on", facts.agreement.map(|agreement| agreement.signed_on)),
        told("agreement_on_schedule", facts.agreement.map(|agreement| agreement.on_schedule)),
        day("hopeless_on", facts.hopeless_on),
        day("written_off_on", facts.written_off_on),
        day("fraud_found_on", facts.fraud_found_on),
        day("fraud_adjusted_on", facts.fraud_adjusted_on),
        day("credit_request_on", facts.credit_request_on),
        day("credit_transferred_on", facts.credit_transferred_on),
        day("credit_written_off_on", facts.credit_written_off_on),
        day("last_nonzero_on", facts.last_nonzero_on.filter(|_| money.is_nothing())),
        amount("not_due", money.not_due(as_of, terms.grace_days)),
        amount("overdue", money.overdue(as_of, terms.grace_days)),
        amount("rescheduled", money.rescheduled),
        amount("doubtful", money.doubtful),
        amount("hopeless_on_books", money.hopeless_on_books),
        amount("off_balance", money.off_balance),
        amount("penalty", money.penalty),
        amount("credit", money.credit),
    ]
    .into_iter()
    .flatten()
    .collect()
}
