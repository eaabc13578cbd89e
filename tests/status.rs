//! The ten statuses: tables by rule, stories told line by line, exhaustion, and random lives.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop at the first surprise"
)]

#[path = "status/classified.rs"]
mod classified;
#[path = "status/documents.rs"]
mod documents;
#[path = "status/exhaustive.rs"]
mod exhaustive;
#[path = "status/forbidden.rs"]
mod forbidden;
#[path = "status/life.rs"]
mod life;
#[path = "status/model.rs"]
mod model;
#[path = "status/story.rs"]
mod story;
