//! `esep ingest --follow`, and files by the reference data of the books, through the built program. Nothing here waits
//! for a time: each step waits for what it caused, with a deadline.
//!
//! Source: interface 7.2.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop at the first surprise"
)]

mod files;
mod growth;
mod month;
mod stops;
mod trouble;
