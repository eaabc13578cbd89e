//! One pass over feeds: pieces of a file in, the outcome of each of their records out, in feed order.
//!
//! A pass has three stages. **Prepare** (parallel over pieces): decode, screen, find line, account, plan and rate, price
//! what needs no memory. **Settle** (in feed order, one thread): duplicates, money, allowances, limits, parts,
//! corrections. **Write** (parallel over pieces, bytes in feed order). So the output does not depend on the number of
//! threads, nor on how files are cut into pieces.
//!
//! Source: rating 1.2, interface 7.3, 7.4.

mod item;
mod memory;
mod open_calls;
mod open_file;
mod pass;
mod posted;
mod prepare;
mod reader;
mod row;
mod runs;
mod settle;
mod stages;
mod tails;
mod tally;
mod totals;
mod trace;
mod turns;
mod write;

pub use item::{Fate, Reference, Source};
pub(crate) use item::{Item, PartOf, Place, Prepared, Span, Stateful};
pub(crate) use memory::Memory;
pub(crate) use open_calls::{Joined, OpenPart};
pub(crate) use open_file::{Mode, NO_HEADER};
pub(crate) use pass::expected_records;
pub use pass::{FeedFile, Pass, PassError, Report, rate_files};
pub(crate) use posted::{Booked, NONE, posted};
pub(crate) use prepare::{Memory as PrepareMemory, Preparer};
pub use reader::FeedPosition;
pub(crate) use reader::{Pieces, Reader, Told, Work};
pub(crate) use settle::{Corrections, Settler};
pub(crate) use stages::{Earlier, Sink, Slot, Stages};
pub(crate) use tails::{SideBySide, Tails};
pub(crate) use totals::tenge;
pub use totals::{Counts, FileTotals, Totals};
pub use trace::Trace;
pub use write::Outcomes;
pub(crate) use write::{RATED_HEADER, Recent, RowWriter, push_field};
