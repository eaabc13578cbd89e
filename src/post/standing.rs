//! How an account stands, as far as it decides whether money is taken: an archived account accepts no payment (PA-4.4).

use super::entry::{MoneyMove, SettledPayment, UnidentifiedPayment};
use super::inputs::Inputs;
use super::store::Store;
use super::writer::PostError;
use crate::batch::Reference;
use crate::classify::{Action, Refusal, allowed};
use crate::folder::PaymentRow;
use crate::units::LocalDay;
use rustc_hash::{FxHashMap, FxHashSet};

/// So many accounts are looked up one by one; of more, all are read at once.
const ONE_BY_ONE: usize = 4;

/// What the lives of the accounts depend on to which money is paid though their services are off.
#[derive(Default)]
pub(super) struct Ended {
    of: FxHashMap<u32, Inputs>,
    all: Option<Inputs>,
}

impl Ended {
    /// A payment that is taken and not yet in the books.
    pub(super) fn paid(&mut self, of: &MoneyMove) {
        let (MoneyMove::Payment(payment)
        | MoneyMove::Identified(payment)
        | MoneyMove::Settled(SettledPayment { payment, .. })
        | MoneyMove::IdentifiedSettled(SettledPayment { payment, .. })) = of
        else {
            return;
        };
        if let Some(inputs) = self.of.get_mut(&payment.account).or(self.all.as_mut()) {
            inputs.add_payment(payment);
        }
    }
}

/// Whether services of the account are off when it pays.
pub(super) fn is_off(reference: &Reference, row: &PaymentRow) -> bool {
    let account = row.no.and_then(|no| Some((no, reference.register.account(no)?)));
    account.is_some_and(|(no, account)| reference.register.is_off(no, account, row.at))
}

/// A payment that nobody takes: it is never lost.
pub(super) fn held(row: PaymentRow) -> MoneyMove {
    let (amount, paid_ms, channel) = (row.amount.get(), row.at.0, row.channel as u8);
    let (reference, account_id) = (row.id, row.account_id);
    MoneyMove::Unidentified(UnidentifiedPayment { reference, account_id, amount, paid_ms, channel })
}

impl Store {
    /// Gathers what is known of accounts whose services are off.
    pub(super) fn ended(&self, accounts: &FxHashSet<u32>) -> Result<Ended, PostError> {
        let mut ended = Ended::default();
        if accounts.len() > ONE_BY_ONE {
            ended.all = Some(self.inputs(None)?);
            return Ok(ended);
        }
        for no in accounts {
            ended.of.insert(*no, self.inputs(Some(*no))?);
        }
        Ok(ended)
    }

    /// Why an account takes no credit balance of another on a day, if so.
    pub(super) fn transfer_refused(&self, no: u32, on: LocalDay) -> Result<Option<Refusal>, PostError> {
        let inputs = self.inputs(Some(no))?;
        let standing = self.standing(&inputs, no, on);
        Ok(standing.and_then(|(status, facts)| allowed(status, &facts, on, Action::TakePayment).err()))
    }

    /// Why an account takes no payment on its day, if so.
    pub(super) fn payment_refused(&self, paid: &PaymentRow, ended: &Ended) -> Option<Refusal> {
        let no = paid.no?.0;
        let inputs = ended.of.get(&no).or(ended.all.as_ref())?;
        let (status, facts) = self.standing(inputs, no, paid.day)?;
        allowed(status, &facts, paid.day, Action::TakePayment).err()
    }
}
