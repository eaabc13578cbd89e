//! How an account stands, as far as it decides whether money is taken: an archived account accepts no payment (PA-4.4).

use super::reference::account_rows;
use super::store::Store;
use super::writer::PostError;
use crate::book::AccountNo;
use crate::classify::{Due, Facts, Money, Status, TerminationReason, classify};
use crate::folder::PaymentRow;
use crate::units::{LocalDay, Period, Tiyn, Zone};
use rustc_hash::{FxHashMap, FxHashSet};

/// The day of the month after the month of service by which it is to be paid, inclusive (BT-4.2, PA-4.5).
const DUE_DAY: i32 = 25;

/// What `accounts.csv` says of accounts to which money is paid though their services are off.
#[derive(Default)]
pub(super) struct Ended(FxHashMap<String, [String; 3]>);

impl Store {
    /// Reads of the accounts that ended what their status takes.
    pub(super) fn ended(&self, ids: &FxHashSet<&str>) -> Result<Ended, PostError> {
        if ids.is_empty() {
            return Ok(Ended::default());
        }
        let files = self.reference_files()?.unwrap_or_default();
        Ok(Ended(account_rows(&files, ids, ["opened_on", "terminated_on", "termination_reason"])))
    }

    /// Whether an account was archived on the day of a payment, by what is known of it today.
    pub(super) fn is_archived(&self, paid: &PaymentRow, ended: &Ended, zone: &Zone) -> Result<bool, PostError> {
        let Some((no, row)) = paid.no.zip(ended.0.get(&paid.account_id)) else { return Ok(false) };
        let Some(facts) = self.facts_of(&paid.account_id, no, row, zone)? else { return Ok(false) };
        Ok(classify(&facts, paid.day).status == Status::Archived)
    }

    /// What is known of an account whose contract ended; none of others.
    fn facts_of(
        &self,
        id: &str,
        no: AccountNo,
        [opened, terminated, reason]: &[String; 3],
        zone: &Zone,
    ) -> Result<Option<Facts>, PostError> {
        let Ok(terminated_on) = LocalDay::parse(terminated) else { return Ok(None) };
        let mut facts = Facts::imported(LocalDay::parse(opened).unwrap_or(terminated_on));
        facts.terminated_on = Some(terminated_on);
        facts.termination_reason = TerminationReason::parse(reason.as_bytes());
        let of = self.books.ledgers.account(no);
        let due = |(month, amount): (Period, Tiyn)| Due {
            on: month.next().first_day().plus_days(DUE_DAY.saturating_sub(1)),
            amount,
        };
        facts.money = Money {
            owed: self.books.ledgers.debts_of(no).filter(|(_, debt)| *debt > Tiyn::ZERO).map(due).collect(),
            doubtful: of.unbilled.max(Tiyn::ZERO),
            credit: of.advance.max(Tiyn::ZERO),
            ..Money::none()
        };
        if facts.money.is_nothing() {
            let view = self.account(id, None, zone)?;
            let last = view.and_then(|view| view.movements.last().map(|moved| zone.local(moved.at).day));
            facts.last_nonzero_on = last.filter(|last| *last >= facts.opened_on);
        }
        Ok(Some(facts))
    }
}
