//! From decisions to books: what rating decided becomes journal entries, balanced postings and state; the state is the
//! fold of the journal.
//!
//! Source: rating 1.2, accounts and money 2.1, 2.3.

mod again;
mod beside;
mod books;
mod by_account;
mod codec;
mod debts;
mod derived;
mod effects;
pub mod entry;
mod excerpt;
mod explain;
mod export;
mod follow;
mod gathered;
mod ingest;
mod inputs;
mod life;
mod lines;
mod money;
mod moves;
mod overlay;
#[cfg(feature = "parquet")]
mod parquet;
mod pieces;
mod queue;
mod recycle;
mod reference;
mod register;
mod rows;
mod sealer;
mod snapshot;
mod standing;
mod state;
mod statuses;
mod store;
mod suspense;
mod totals;
mod verify;
mod view;
mod what_if;
mod writer;

#[cfg(feature = "parquet")]
pub use self::parquet::{ParquetTable, Table};
pub use books::{Books, Digest, FileState, Known, Suspense, Violation};
pub use codec::{BadEntry, decode, encode};
pub use derived::ChargeLine;
pub use export::Exported;
pub use follow::Followed;
pub use money::{MoneyOrder, Ordered};
pub use recycle::Recycled;
pub use register::{Asked, EventsAdded, NewAccount, NewEvent, RegisterRefusal};
pub use statuses::{AccountStatus, ControlRow, MovedAccount, OpenTask, OtherStatus, Statuses};
pub use store::{HOT_KEYS_MAX, Ingest, Ingested, Store};
pub use suspense::{AGES, Aged, WaitingRecord};
pub use verify::{Verified, Verify, verify};
pub use view::{AccountView, Moved, Movement};
pub use what_if::{WhatIf, what_if};
pub use writer::PostError;
