//! The account register as rating sees it: who is charged for a line, by which plan and method, with what money.
//!
//! [`Register`] is what the reference data says and does not change while a batch is rated; [`Funds`] is what rating
//! changes: money spent ahead, usage of the month, allowances. No IO.
//!
//! Source: interface 7.1, rating 1.6–1.8.

mod consumed;
mod funds;
mod ids;
mod ledger;
mod lines;
mod posted;
mod register;
mod slots;

pub use funds::{AllowanceLeft, Funds, Offered};
pub use ledger::{AccountBalance, Category, Channel, LedgerAccount, Ledgers, Posting, Transaction, Unbalanced};
pub use lines::{ASKED, AskedLine, AskedLines, LineAnswer, Lines, OverlappingSpan};
pub use posted::{Paying, Posted, Reversal, Taken, TakenAllowance};
pub use register::{Account, AccountNo, AccountTwice, Funding, Method, NEVER, PlanChoice, Register, SwitchedOff};
