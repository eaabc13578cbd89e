//! From decisions to books: what rating decided becomes journal entries, balanced postings and state; the state is the
//! fold of the journal.
//!
//! Source: rating 1.2, accounts and money 2.1, 2.3.

mod books;
mod codec;
mod derived;
pub mod entry;
mod explain;
mod follow;
mod ingest;
mod pieces;
mod reference;
mod snapshot;
mod standing;
mod state;
mod store;
mod totals;
mod view;
mod writer;

pub use books::{Books, Digest, FileState, Known, Suspense, Violation};
pub use codec::{BadEntry, decode, encode};
pub use derived::ChargeLine;
pub use follow::Followed;
pub use store::{HOT_KEYS_MAX, Ingest, Ingested, Store};
pub use view::{AccountView, Moved, Movement};
pub use writer::PostError;
