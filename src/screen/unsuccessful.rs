use super::{Destination, NumberForm};
use crate::law;
use crate::record::{AnsweredBy, FilterReason, Service, UsageRecord};
use crate::tariff::{Screened, ScreeningRule, Version};

/// What screening makes of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Screening {
    /// Not charged, and why.
    Filtered(FilterReason),
    /// Charged.
    Billable {
        /// A screening rule says that it costs nothing.
        free: bool,
        /// Its release cause does not fit an answered call.
        odd_cause: bool,
    },
}

/// Whether a connection is charged: if and only if there is an answer that was not the network's own.
///
/// The rules of the tariff (that of the answer, else of the setup) are read before the table of causes. Only voice can
/// be unsuccessful.
///
/// `form`: how the feed writes the numbers that rules of the tariff look at.
///
/// Source: CELL-41, CELL-42, rating 1.3.
#[inline]
pub fn screen(record: &UsageRecord<'_>, form: NumberForm, version: Option<&Version>) -> Screening {
    if record.service != Service::Voice {
        return Screening::Billable { free: false, odd_cause: false };
    }
    let rules = version.map_or(&[][..], |version| version.screening.as_slice());
    let rule = if rules.is_empty() { None } else { first_match(rules, record, form) };
    match (rule.map(|rule| rule.means), record.answered_by) {
        (Some(Screened::Announcement), _) => return Screening::Filtered(FilterReason::Announcement),
        (Some(Screened::Autoresponder), _) => return Screening::Filtered(FilterReason::Autoresponder),
        (Some(Screened::Free) | None, AnsweredBy::Announcement) => {
            return Screening::Filtered(FilterReason::Announcement);
        }
        (Some(Screened::Free) | None, AnsweredBy::Autoresponder) => {
            return Screening::Filtered(FilterReason::Autoresponder);
        }
        (Some(Screened::Free) | None, AnsweredBy::Subscriber | AnsweredBy::Machine | AnsweredBy::Fax) => {}
    }
    if record.answer_at.is_none() {
        return Screening::Filtered(law::unanswered(record.cause));
    }
    Screening::Billable { free: rule.is_some(), odd_cause: law::is_odd_when_answered(record.cause) }
}

#[inline(never)]
fn first_match<'v>(
    rules: &'v [ScreeningRule],
    record: &UsageRecord<'_>,
    form: NumberForm,
) -> Option<&'v ScreeningRule> {
    let destination = Destination::normalise(record.b_number, record.a_number, form);
    rules.iter().find(|rule| matches(rule, record, &destination))
}

fn matches(rule: &ScreeningRule, record: &UsageRecord<'_>, destination: &Destination) -> bool {
    let same = |wanted: &Option<String>, said: &[u8]| wanted.as_ref().is_none_or(|wanted| wanted.as_bytes() == said);
    rule.called.as_ref().is_none_or(|prefix| destination.as_bytes().starts_with(prefix.as_bytes()))
        && same(&rule.route_in, record.route_in)
        && same(&rule.route_out, record.route_out)
        && same(&rule.redirect_reason, record.redirect_reason)
        && same(&rule.charge_indicator, record.charge_indicator)
}
