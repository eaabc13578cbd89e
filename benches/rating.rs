//! Wall time of each step of a record's way, and of whole months. What the numbers mean: `benches/README.md`.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a bench that cannot go on says why and stops"
)]

mod works;

use criterion::{Criterion, Throughput};
use std::time::Duration;
use works::{Month, Work, generated, look_up, profile, rate_folder};

/// Records of a whole month.
const WHOLE: u64 = 50_000;

fn main() {
    let criterion = Criterion::default().warm_up_time(Duration::from_millis(500));
    let mut criterion =
        criterion.measurement_time(Duration::from_secs(2)).sample_size(30).without_plots().configure_from_args();
    steps(&mut criterion);
    whole(&mut criterion);
    criterion.final_summary();
}

fn steps(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for the month");
    esep::generate::generate(&profile(works::RECORDS), folder.path()).expect("a month can be generated");
    let month = Month::open(folder.path());
    month.works().into_iter().for_each(|work| measure(criterion, work));
    for (name, prefixes) in [("20 000", 20_000), ("300 000", 300_000)] {
        let folder = tempfile::tempdir().expect("a folder for the prefixes");
        let tables = generated(&esep::generate::Profile { prefixes, ..profile(100) }, folder.path());
        measure(criterion, look_up("prefixes", name, &month.records(), &tables));
    }
}

/// Whole months on one thread: on credit, and with everything that costs more; without output and with it.
fn whole(criterion: &mut Criterion) {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let mixed = esep::generate::Profile { overlap_percent: 10, ..profile(WHOLE) };
    let mut group = criterion.benchmark_group("whole");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    for (name, profile) in [("credit", esep::generate::Profile::new(WHOLE, 1)), ("mixed", mixed)] {
        let (folder, out) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let month = generated(&profile, folder.path());
        group.throughput(Throughput::Elements(WHOLE + WHOLE * u64::from(profile.overlap_percent) / 100));
        group.bench_function(name, |bencher| bencher.iter(|| rate_folder(&month, &threads, None)));
        let written = format!("{name}, written");
        group.bench_function(written, |bencher| bencher.iter(|| rate_folder(&month, &threads, Some(out.path()))));
    }
    group.finish();
}

fn measure(criterion: &mut Criterion, mut work: Work<'_>) {
    let mut group = criterion.benchmark_group(work.group);
    group.throughput(Throughput::Elements(work.elements));
    group.bench_function(work.name, |bencher| bencher.iter(|| (work.run)()));
    group.finish();
}
