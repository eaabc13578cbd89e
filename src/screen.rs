//! What is not charged, and what came before: destinations, screening, duplicates.
//!
//! Source: rating 1.2, 1.3, 1.5.

mod destination;
mod duplicates;
mod series;
mod unsuccessful;

pub use crate::decode::NumberForm;
pub use destination::Destination;
pub use duplicates::{Duplicates, Fingerprint, Seen, SourceKey};
pub use series::{Block, RUN_MIN, Series, Stem};
pub use unsuccessful::{Screening, screen};
