//! esep: a usage rating core for telecom operators. Exact to the tiyn; every record accounted for.
//!
//! The rooms and their one direction are described in `ARCHITECTURE.md`.

pub mod decode;
pub mod feed;
pub mod record;
pub mod tariff;
pub mod units;
