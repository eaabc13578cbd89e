//! The journal on a disk that loses power, and on one whose operations fail; and that the harness finds the faults
//! that are planted in the container.
//!
//! `cargo test --features power-loss` crashes some hundreds of times; the long run:
//! `cargo test --release --features power-loss --test store_power_loss -- --ignored`.

#![cfg(feature = "power-loss")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise, and tells what it saw"
)]

use esep::store::medium::RealMedium;
use esep::store::power_loss::{Crashes, Event, Failure, Groups, SimulatedDisk, Tally, Trouble};
use esep::store::{Bug, Details, Entries, Entry, Head, Journal, Place, SqliteJournal, StoreError, Times, check};
use std::path::Path;
use std::sync::Arc;

/// How many bytes each part has, for each append: small, empty, of some pages, many at once.
const APPENDS: &[&[(usize, usize)]] = &[
    &[(10, 10)],
    &[(0, 0), (300, 0), (0, 5_000)],
    &[(40_000, 100)],
    &[(20, 70_000), (20, 1)],
    &[(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6)],
    &[(33_000, 33_000)],
    &[(7, 7)],
    &[(100, 200), (300, 400)],
];

fn entry(seq: u64, (money, detail): (usize, usize)) -> Entry {
    let byte = |salt: u64, at: u64| (at * 31 + seq * 7 + salt) as u8;
    let part = |salt: u64, bytes: usize| (0..bytes as u64).map(|at| byte(salt, at)).collect::<Vec<u8>>().into();
    Entry { schema: (seq % 3) as u16, money: part(0, money), detail: part(1, detail) }
}

fn appends() -> Vec<Vec<Entry>> {
    let mut seq = 0;
    let mut one = |sizes: &(usize, usize)| {
        seq += 1;
        entry(seq, *sizes)
    };
    APPENDS.iter().map(|sizes| sizes.iter().map(&mut one).collect()).collect()
}

fn opened(place: &Place) -> Result<SqliteJournal, StoreError> {
    if place.is_store()? { SqliteJournal::open(place, "test") } else { SqliteJournal::create(place, "test") }
}

/// Appends what is not there yet, closes and opens the store on the way, purges the first details, reads all.
fn workload(place: &Place, acknowledge: &mut dyn FnMut(Head)) -> Result<Vec<u8>, StoreError> {
    // Small enough that the log begins anew on the way.
    let place = place.clone().with_log_bytes(150_000);
    let mut journal = opened(&place)?;
    // What a process finds it acts on, so it has to stay.
    acknowledge(journal.head());
    let mut done = 0;
    for (number, group) in appends().iter().enumerate() {
        done += group.len() as u64;
        if journal.head().count >= done {
            continue;
        }
        match journal.append(group) {
            Ok(head) => acknowledge(head),
            // A process may try again; the journal knows whether that is safe.
            Err(_) => acknowledge(journal.append(group)?),
        }
        if number == 3 {
            journal.purge_detail(1..=3)?;
        }
        if number == 5 {
            journal.close()?;
            journal = opened(&place)?;
            acknowledge(journal.head());
        }
    }
    journal.purge_detail(1..=5)?;
    let mut seen = Vec::new();
    journal.scan(1, Details::Read, &mut |stored| {
        seen.extend_from_slice(&stored.money);
        seen.push(stored.detail.is_some().into());
        seen.extend_from_slice(&stored.detail.unwrap_or_default());
        Ok(())
    })?;
    Ok(seen)
}

fn crashes(bug: Option<Bug>, count: u64, events: &[Event]) -> Result<Tally, Failure> {
    let run = |place: &Place, acknowledge: &mut dyn FnMut(Head)| {
        workload(place, acknowledge).map_err(|error| error.to_string())
    };
    let crashes = Crashes::new(&run, Groups::Same, bug)?;
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get().min(4));
    crashes.run(count, events, threads)
}

const FAILURES: &[Event] = &[
    Event::Failure(Trouble::Medium, Times::Once),
    Event::Failure(Trouble::Medium, Times::Forever),
    Event::Failure(Trouble::Full, Times::Once),
    Event::Failure(Trouble::Full, Times::Forever),
];

#[test]
fn a_loss_of_power_loses_nothing_that_was_acknowledged() {
    let tally = crashes(None, 600, &[Event::PowerLoss]).unwrap_or_else(|failure| panic!("{failure}"));
    println!("{tally:?}");
    assert_eq!(tally.crashes, 600);
    // The crashes hit what they are meant to hit.
    assert!(tally.again > 100 && tally.without_store > 5 && tally.more_than_acknowledged > 20, "{tally:?}");
}

#[test]
fn a_failing_operation_loses_nothing_that_was_acknowledged() {
    let tally = crashes(None, 600, FAILURES).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(tally.crashes, 600);
}

#[test]
#[ignore = "the long run: 50 000 crashes"]
fn tens_of_thousands_of_losses_of_power() {
    let tally = crashes(None, 50_000, &[Event::PowerLoss]).unwrap_or_else(|failure| panic!("{failure}"));
    println!("{tally:?}");
}

#[test]
#[ignore = "the long run: 10 000 failing operations"]
fn thousands_of_failing_operations() {
    let tally = crashes(None, 10_000, FAILURES).unwrap_or_else(|failure| panic!("{failure}"));
    println!("{tally:?}");
}

/// A test that a planted fault has to fail, and that passes without one.
type Catcher = fn(Option<Bug>) -> Result<(), String>;

/// Which test finds which fault of the container.
const PLANTED: &[(Bug, &str, Catcher)] = &[
    (Bug::SyncSkipped, "loss of power", by_power_loss),
    (Bug::PartsNotSynced, "loss of power", by_power_loss),
    (Bug::AcknowledgedEarly, "loss of power", by_power_loss),
    (Bug::SplitInTwo, "loss of power", by_power_loss),
    (Bug::HeadRowStale, "loss of power", by_power_loss),
    (Bug::HeadFileFirst, "loss of power", by_power_loss),
    (Bug::HeadFileBothSlots, "loss of power", by_power_loss),
    (Bug::NamedEarly, "loss of power", by_power_loss),
    (Bug::FolderNotSynced, "loss of power", by_power_loss),
    (Bug::GoesOnAfterError, "failing operations", by_failures),
    (Bug::HeadFileStale, "a dropped tail", by_dropped_tail),
    (Bug::TailNotMissed, "a dropped tail", by_dropped_tail),
    (Bug::HashNotCompared, "a changed part", by_changed_part),
    (Bug::HeaderNotCompared, "a changed header", by_changed_header),
    (Bug::ChainNotCompared, "an entry of another store", by_foreign_entry),
    (Bug::PurgeNotMarked, "a detail that is gone", by_lost_detail),
    (Bug::LockNotTaken, "a second writer", by_second_writer),
];

#[test]
fn every_planted_fault_is_found_by_its_test() {
    let (mut wrong, mut tried) = (Vec::new(), Vec::new());
    for (bug, name, catcher) in PLANTED {
        if !tried.contains(name) {
            tried.push(name);
            wrong.extend(catcher(None).err().map(|what| format!("{name}: fails without a fault: {what}")));
        }
        match catcher(Some(*bug)) {
            Ok(()) => wrong.push(format!("{bug:?} is not found by: {name}")),
            Err(what) => println!("{bug:?}, found by {name}: {}", what.lines().next().unwrap_or_default()),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn by_power_loss(bug: Option<Bug>) -> Result<(), String> {
    let count = if bug.is_some() { 4_000 } else { 200 };
    crashes(bug, count, &[Event::PowerLoss]).map(|_| ()).map_err(|failure| failure.to_string())
}

fn by_failures(bug: Option<Bug>) -> Result<(), String> {
    let count = if bug.is_some() { 4_000 } else { 200 };
    crashes(bug, count, FAILURES).map(|_| ()).map_err(|failure| failure.to_string())
}

/// A closed store with all appends, on the disk of the system.
fn store(bug: Option<Bug>) -> (tempfile::TempDir, Place) {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::on(Arc::new(RealMedium), &folder.path().join("store"));
    let place = bug.map_or(place.clone(), |bug| place.with_bug(bug));
    let mut journal = SqliteJournal::create(&place, "test").unwrap();
    for group in appends() {
        journal.append(&group).unwrap();
    }
    journal.close().unwrap();
    (folder, place)
}

/// Changes rows behind the store's back.
fn change(place: &Place, sql: &str) {
    let connection = rusqlite::Connection::open(place.folder().join("journal.sqlite")).unwrap();
    connection.execute_batch(sql).unwrap();
}

/// Every way to read has to say that the store is damaged.
fn found(place: &Place) -> Result<(), String> {
    let found = check(place).map_or(true, |checked| !checked.findings.is_empty());
    let scanned = SqliteJournal::open(place, "test").and_then(|journal| {
        (1..=journal.head().count).try_for_each(|seq| journal.read(seq).map(|_| ()))?;
        journal.scan(1, Details::Read, &mut |_| Ok(()))
    });
    match (found, scanned) {
        (true, Err(StoreError::Damaged { .. } | StoreError::CutShort { .. })) => Ok(()),
        (found, scanned) => Err(format!("found by the check: {found}, by reading: {scanned:?}")),
    }
}

fn by_dropped_tail(bug: Option<Bug>) -> Result<(), String> {
    let (_folder, place) = store(bug);
    change(
        &place,
        "DELETE FROM entry WHERE seq > 4; UPDATE head SET count = 4, chain = (SELECT link FROM entry WHERE seq = 4)",
    );
    found(&place)
}

fn by_changed_part(bug: Option<Bug>) -> Result<(), String> {
    for column in ["money", "detail"] {
        let (_folder, place) = store(bug);
        change(
            &place,
            &format!("UPDATE entry SET {column} = CAST(x'01' || substr({column}, 2) AS BLOB) WHERE seq = 16"),
        );
        found(&place)?;
    }
    // The last entry whose parts stand in their file.
    let (_folder, place) = store(bug);
    let path = place.folder().join("parts");
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 40_000;
    bytes[last] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    found(&place)
}

fn by_changed_header(bug: Option<Bug>) -> Result<(), String> {
    let (_folder, place) = store(bug);
    change(&place, "UPDATE entry SET schema = schema + 1 WHERE seq = 3");
    found(&place)
}

fn by_foreign_entry(bug: Option<Bug>) -> Result<(), String> {
    let (_folder, place) = store(bug);
    let (other_folder, other) = (tempfile::tempdir().unwrap(), |at: &Path| Place::from(at));
    let mut journal = SqliteJournal::create(other(other_folder.path()), "test").unwrap();
    let zeros = |_| Entry { schema: 1, money: vec![0; 9].into(), detail: vec![0; 9].into() };
    journal.append(&(0..3).map(zeros).collect::<Vec<_>>()).unwrap();
    journal.close().unwrap();
    let file = other_folder.path().join("journal.sqlite");
    // Right in itself, but not the one that follows the entry before.
    let attach = format!("ATTACH '{}' AS other;", file.display());
    change(&place, &format!("{attach} REPLACE INTO entry SELECT * FROM other.entry WHERE seq = 3"));
    found(&place)
}

fn by_lost_detail(bug: Option<Bug>) -> Result<(), String> {
    let (_folder, place) = store(bug);
    change(&place, "UPDATE entry SET detail = NULL WHERE seq = 3");
    found(&place)
}

fn by_second_writer(bug: Option<Bug>) -> Result<(), String> {
    let simulated = SimulatedDisk::new();
    let (_folder, real) = store(bug);
    let place = Place::on(Arc::new(simulated), Path::new("/store"));
    let place = bug.map_or(place.clone(), |bug| place.with_bug(bug));
    drop(SqliteJournal::create(&place, "first").unwrap());
    for place in [place, real] {
        let _first = SqliteJournal::open(&place, "process 7").unwrap();
        match SqliteJournal::open(&place, "second").map(|_| ()) {
            Err(StoreError::Held { holder, .. }) if holder == "process 7" => {}
            other => return Err(format!("the second writer gets {other:?}")),
        }
    }
    Ok(())
}
