//! Money that a person moves by hand: a payment, a refund. Each by its reference, once.
//!
//! Source: accounts and money 2.1, 2.3.

use super::books::Known;
use super::entry::{MoneyMove, Refund};
use super::store::{Ingested, Store};
use super::writer::PostError;
use crate::batch::Reference;
use crate::book::{AccountNo, Channel};
use crate::decode::parse_rfc3339;
use crate::folder::PaymentRow;
use crate::units::{InstantMs, LocalDay, Tiyn};

/// What a person wants moved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MoneyOrder {
    /// The account, by its id.
    pub account_id: String,
    /// Above zero, or it is refused.
    pub amount: Tiyn,
    /// The idempotency key.
    pub reference: String,
    /// How the money moves.
    pub channel: Channel,
    /// An RFC 3339 instant or a local day of the tariff's zone.
    pub at: String,
}

/// What became of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ordered {
    /// Booked; the balance afterwards, tiyn.
    Booked(Tiyn),
    /// Its account is not known: held as unidentified.
    Held,
    /// Booked or held before under the same reference: nothing new.
    Known,
}

impl Store {
    /// Books a payment. One of an unknown account is held, never lost.
    ///
    /// Refused: an amount that is not above zero, a reference that was used for other money, a balance beyond the range
    /// of an amount, a time that is none, an account that is archived (PA-4.4).
    pub fn pay_by_hand(&mut self, order: &MoneyOrder) -> Result<Ordered, PostError> {
        let reference = self.known_folder()?.reference;
        let row = self.checked(order, &reference)?;
        match self.books.knows(&row.id, &row.account_id, row.amount, row.at.0) {
            Known::New => {}
            Known::Same => return Ok(Ordered::Known),
            Known::Differs => return Err(used_before(order)),
        }
        let no = row.no;
        let mut done = Ingested::default();
        self.pay(&[row], &reference, &mut done)?;
        if done.payments_beyond > 0 {
            return Err(beyond(order));
        }
        if done.payments_refused > 0 {
            let why = done.notes.join(
                "
",
            );
            return Err(PostError::Refused(format!(
                "{why}
  hint: pay it to the client's account in use, or give it back"
            )));
        }
        Ok(no.map_or(Ordered::Held, |no| Ordered::Booked(self.books.ledgers.account(no).balance())))
    }

    /// Gives money back, at most what the account has ahead.
    ///
    /// Refused: as for a payment; an unknown account; more than its advance.
    pub fn refund(&mut self, order: &MoneyOrder) -> Result<Ordered, PostError> {
        let reference = self.known_folder()?.reference;
        let row = self.checked(order, &reference)?;
        let taken = Tiyn::new(row.amount.get().saturating_neg());
        match self.books.knows(&row.id, &row.account_id, taken, row.at.0) {
            Known::New => {}
            Known::Same => return Ok(Ordered::Known),
            Known::Differs => return Err(used_before(order)),
        }
        let Some(AccountNo(account)) = row.no else {
            return Err(PostError::Refused(format!("there is no account {}", order.account_id)));
        };
        let advance = self.books.ledgers.account(AccountNo(account)).advance;
        if row.amount > advance {
            return Err(PostError::Refused(format!(
                "account {} has {advance} ahead, {} cannot be given back",
                order.account_id, order.amount
            )));
        }
        // From here the refund succeeds, but for the disk.
        let (reference, amount, at_ms, channel) = (row.id, row.amount.get(), row.at.0, row.channel as u8);
        self.book(vec![MoneyMove::Refund(Refund { reference, account, amount, at_ms, channel })])?;
        Ok(Ordered::Booked(self.books.ledgers.account(AccountNo(account)).balance()))
    }

    fn checked(&self, order: &MoneyOrder, reference: &Reference) -> Result<PaymentRow, PostError> {
        let refused = |why: String| Err(PostError::Refused(why));
        if order.amount <= Tiyn::ZERO {
            return refused(format!("amount {} is not above zero", order.amount));
        }
        if order.reference.trim().is_empty() {
            return refused("the reference is empty".into());
        }
        let Some(zone) = reference.tariffs.calendar() else { return refused("the books know no tariff".into()) };
        let (at, day) = match LocalDay::parse(&order.at) {
            Ok(day) => (zone.start_of_day(day), day),
            Err(_) => match parse_rfc3339(order.at.as_bytes()) {
                Some(at) => (at, zone.local(at).day),
                None => {
                    return refused(format!(
                        "`{}` is neither a day like 2026-03-05 nor an instant like 2026-03-05T10:00:00+05:00",
                        order.at
                    ));
                }
            },
        };
        let _: InstantMs = at;
        Ok(PaymentRow {
            id: order.reference.clone(),
            account_id: order.account_id.clone(),
            no: reference.register.find(order.account_id.as_bytes()),
            amount: order.amount,
            at,
            day,
            channel: order.channel,
        })
    }
}

fn used_before(order: &MoneyOrder) -> PostError {
    PostError::Refused(format!(
        "reference {} was used for other money: another account, amount, direction or time\n  hint: give this one a \
         reference of its own",
        order.reference
    ))
}

fn beyond(order: &MoneyOrder) -> PostError {
    PostError::Refused(format!("amount {} takes the balance beyond the range of an amount", order.amount))
}
