//! esep: a usage rating core for telecom operators. Exact to the tiyn; every record accounted for.
//!
//! The rooms and their one direction are described in `ARCHITECTURE.md`.

#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow"))]

pub mod batch;
pub mod book;
pub mod classify;
pub mod cli;
pub mod decode;
pub mod feed;
pub mod folder;
pub mod generate;
mod hint;
pub mod law;
pub mod post;
pub mod rate;
pub mod record;
pub mod screen;
pub mod store;
pub mod tariff;
pub mod tax;
pub mod units;
pub mod watch;
