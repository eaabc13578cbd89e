//! What is not charged, and what came before: destinations, screening, duplicates.
//!
//! Source: rating 1.2, 1.3, 1.5.

mod destination;
mod duplicates;
mod unsuccessful;

pub use destination::{Destination, NumberForm};
pub use duplicates::{Duplicates, Fingerprint, Seen, SourceKey};
pub use unsuccessful::{Screening, screen};
