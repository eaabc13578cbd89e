//! Wall time of what lasts. What the numbers mean: `benches/README.md`.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench that cannot go on says why and stops"
)]

mod books;
mod figures;
mod month;
mod sealed;

use criterion::Criterion;
use std::sync::LazyLock;
use std::time::Duration;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, rest @ ..] = arguments.as_slice()
        && first == "figure"
    {
        return figures::measure(rest);
    }
    let criterion = Criterion::default().warm_up_time(Duration::from_millis(500));
    let mut criterion =
        criterion.measurement_time(Duration::from_secs(3)).sample_size(10).without_plots().configure_from_args();
    sealed::segments(&mut criterion);
    sealed::keys(&mut criterion);
    books::books(&mut criterion);
    criterion.final_summary();
}

/// What is measured of `whole`, or a part of it where every bench is only run once (`-- --test`).
fn size(whole: u64) -> u64 {
    static TEST: LazyLock<bool> = LazyLock::new(|| std::env::args().any(|argument| argument == "--test"));
    if *TEST { whole / 50 } else { whole }
}
