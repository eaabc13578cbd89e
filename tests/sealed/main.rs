//! The sealed files beside the journal: against models, under power loss, with damage.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop at the first surprise"
)]

mod crash;
mod damage;
mod model;
mod works;
