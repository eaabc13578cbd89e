//! The container of the journal on the disk of the system: `cargo bench --bench journal`. What the figures led to:
//! `docs/decisions/0029-container.md`. `TMPDIR` says on which disk.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench that cannot go on says why and stops; its figures are printed"
)]

use esep::store::{Details, Entries, Entry, Journal, Part, SqliteJournal, SqliteReader, check, copy};
use std::time::{Duration, Instant};

const MB: u64 = 1_000_000;

/// Processor time of this thread, user and system; zero where the system does not tell.
fn processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ns = text.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
    Duration::from_nanos(ns)
}

/// Bytes that nothing makes smaller.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut word = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..bytes.div_ceil(8)).flat_map(|_| word()).take(bytes).collect()
}

/// One line: how fast, and for how much processor.
fn told(name: &str, bytes: u64, work: impl FnOnce()) {
    let (wall, used) = (Instant::now(), processor());
    work();
    let (wall, used) = (wall.elapsed(), processor().saturating_sub(used));
    let per_second = u128::from(bytes) * 1_000 / wall.as_micros().max(1) / 1_000;
    let per_100_mb = used.as_millis() * 100 * u128::from(MB) / u128::from(bytes.max(1));
    println!("{name:44} {per_second:6} MB/s {:8} ms {per_100_mb:6} ms of processor per 100 MB", wall.as_millis());
}

fn main() {
    let small = std::env::args().any(|arg| arg == "--test");
    let total = if small { 4 * MB } else { 1_000 * MB };
    for (group, part_bytes) in [(1, 1_500_000), (4, 1_500_000), (16, 400_000), (256, 4_000), (1, 500)] {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("store");
        let mut journal = SqliteJournal::create(&place, "bench").expect("a store");
        let part: Part = noise(part_bytes).into();
        let entry = Entry { schema: 1, money: part.clone(), detail: part };
        let group = vec![entry; group];
        let bytes = group.len() as u64 * part_bytes as u64 * 2;
        // Small appends wait for the disk each time: fewer of them tell as much.
        let rounds = (total / bytes).clamp(2, if small { 4 } else { 2_000 });
        let name = format!("append {} x {} kB", group.len(), part_bytes * 2 / 1_000);
        told(&name, bytes * rounds, || {
            for _ in 0..rounds {
                journal.append(&group).expect("an append");
            }
            journal.close().expect("a store that closes");
        });
        if part_bytes < 1_500_000 {
            continue;
        }
        told("open", bytes * rounds, || drop(SqliteJournal::open(&place, "bench").expect("a store")));
        let reader = SqliteReader::open(&place).expect("a store");
        told("scan with details", bytes * rounds, || {
            reader.scan(1, Details::Read, &mut |_| Ok(())).expect("whole");
        });
        told("scan without", bytes * rounds / 2, || reader.scan(1, Details::Skip, &mut |_| Ok(())).expect("whole"));
        told("check", bytes * rounds, || assert!(check(&place).expect("a store").findings.is_empty()));
        told("copy, with its check", bytes * rounds, || {
            copy(&place, folder.path().join("copy"), "bench").expect("a copy");
        });
    }
}
