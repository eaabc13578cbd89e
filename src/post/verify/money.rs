//! Money that moved but for usage, decided again: VAT taken out, debts paid oldest first, openings as the accounts tell.

use super::pinned::Pinned;
use crate::book::{AccountNo, Channel};
use crate::folder::{Opening, PaymentRow};
use crate::post::books::Books;
use crate::post::debts::{Debts, brought_move, kind_of, opening_move};
use crate::post::effects::Kinds;
use crate::post::entry::{Brought, MoneyMove, Payment, SettledPayment, UnidentifiedPayment};
use crate::post::standing::is_off;
use crate::units::{InstantMs, LocalDay, Tiyn, Zone};
use rustc_hash::FxHashMap;

/// Openings that the accounts tell and nobody has booked yet.
#[derive(Default)]
pub(super) struct Openings(FxHashMap<u32, Opening>, FxHashMap<(u32, Brought), MoneyMove>);

impl Openings {
    /// Accounts from a number on are new.
    pub(super) fn expect(&mut self, pinned: &Pinned, known: usize) {
        let new = pinned.openings().iter().filter(|opening| opening.no.0 as usize >= known);
        self.0.extend(new.map(|opening| (opening.no.0, *opening)));
        let brought = pinned.brought().iter().filter(|brought| brought.no.0 as usize >= known);
        self.1.extend(brought.map(|of| ((of.no.0, kind_of(of.kind)), brought_move(of))));
    }

    /// Whether all were booked; the first account that was not.
    pub(super) fn missing(&self) -> Option<u32> {
        self.0.keys().copied().chain(self.1.keys().map(|(no, _)| *no)).min()
    }
}

/// What is wrong with money moves, by the books before them.
pub(super) fn wrong(moves: &[MoneyMove], pinned: &Pinned, books: &Books, openings: &mut Openings) -> Option<String> {
    let (mut debts, mut postings) = (Debts::default(), Kinds::default());
    moves.iter().zip(1u32..).find_map(|(of, at)| {
        let why = match of {
            MoneyMove::Opening { account, .. } => match openings.0.remove(account) {
                Some(opening) if opening_move(&opening, pinned.reference()) == *of => None,
                Some(_) => Some("an opening balance is not what the accounts tell".to_owned()),
                None => Some("an opening balance that the accounts do not tell, or booked before".to_owned()),
            },
            MoneyMove::Payment(payment) | MoneyMove::Identified(payment) => {
                wrong_payment(of, payment, pinned, books, &mut debts)
            }
            MoneyMove::Unidentified(held) => {
                let row = row_of_held(held, pinned);
                // A credit balance that was to go to an account that takes no money is held: its services are off.
                let is_held = is_off(pinned.reference(), &row) || debts.payment(&row, pinned.reference(), books) == *of;
                (!is_held).then(|| "a payment is held whose account is known".to_owned())
            }
            MoneyMove::Refund(refund) => (refund.amount <= 0).then(|| "a refund of nothing".to_owned()),
            MoneyMove::Settled(settled) | MoneyMove::IdentifiedSettled(settled) => {
                wrong_payment(of, &settled.payment, pinned, books, &mut debts)
            }
            MoneyMove::Brought { account, kind, .. } => match openings.1.remove(&(*account, *kind)) {
                Some(expected) if expected == *of => None,
                Some(_) => Some("debt that an account brought is not what the accounts tell".to_owned()),
                None => Some("debt that the accounts do not tell, or booked before".to_owned()),
            },
            MoneyMove::Status(posting) => match postings.wrong(posting, books) {
                true => Some(format!(
                    "{} of account number {}: more than the ledger has",
                    posting.posting().map_or("?", |posting| posting.name()),
                    posting.account
                )),
                false => None,
            },
        };
        why.map(|why| format!("movement {at}: {why}"))
    })
}

fn wrong_payment(
    of: &MoneyMove,
    payment: &Payment,
    pinned: &Pinned,
    books: &Books,
    debts: &mut Debts,
) -> Option<String> {
    let id = pinned.reference().register.id(AccountNo(payment.account));
    let row = PaymentRow {
        id: payment.reference.clone(),
        account_id: String::from_utf8_lossy(id).into_owned(),
        no: Some(AccountNo(payment.account)),
        ..row(pinned, payment.amount, payment.paid_ms, payment.channel)
    };
    let held = matches!(of, MoneyMove::Identified(_) | MoneyMove::IdentifiedSettled(_));
    let identified = if held { debts.identified(&row, pinned.reference(), books) } else { None };
    let expected = identified.unwrap_or_else(|| debts.payment(&row, pinned.reference(), books));
    if expected == *of {
        return None;
    }
    let (MoneyMove::Payment(expected)
    | MoneyMove::Identified(expected)
    | MoneyMove::Settled(SettledPayment { payment: expected, .. })
    | MoneyMove::IdentifiedSettled(SettledPayment { payment: expected, .. })) = expected
    else {
        return Some("a payment of an unknown account".into());
    };
    Some(format!(
        "payment {}: decided again, VAT {} and {} ahead; booked, VAT {} and {} ahead",
        payment.reference,
        Tiyn::new(expected.vat),
        Tiyn::new(expected.advance),
        Tiyn::new(payment.vat),
        Tiyn::new(payment.advance)
    ))
}

fn row_of_held(held: &UnidentifiedPayment, pinned: &Pinned) -> PaymentRow {
    PaymentRow {
        id: held.reference.clone(),
        account_id: held.account_id.clone(),
        no: pinned.reference().register.find(held.account_id.as_bytes()),
        ..row(pinned, held.amount, held.paid_ms, held.channel)
    }
}

fn row(pinned: &Pinned, amount: i64, paid_ms: i64, channel: u8) -> PaymentRow {
    let at = InstantMs(paid_ms);
    let day = match pinned.reference().tariffs.calendar() {
        Some(zone) => zone.local(at).day,
        None => Zone::parse("Asia/Almaty").map_or(LocalDay(0), |zone| zone.local(at).day),
    };
    PaymentRow {
        id: String::new(),
        account_id: String::new(),
        no: None,
        amount: Tiyn::new(amount),
        at,
        day,
        channel: Channel::ALL.get(usize::from(channel)).copied().unwrap_or(Channel::Other),
    }
}
