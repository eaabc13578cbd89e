//! Bad input, end to end through the built program: each kind gives a clear message and a counted outcome; nothing
//! panics, nothing is lost, memory stays bounded, and no message holds personal data.
//!
//! Source: rating 1.2, interface 7.1–7.4.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop at the first surprise"
)]

mod command_line;
mod files;
mod month;
mod permission;
mod records;
mod reference_data;
mod size;
