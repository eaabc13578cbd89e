//! Exactly once, end to end: whatever comes twice, late, cut, corrected or after a failure, the books say what they
//! would have said, and `verify` finds nothing.
//!
//! Source: rating 1.2, accounts and money 2.1, 2.3.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop at the first surprise"
)]

mod books {
    pub(crate) mod month;
}

use books::month::{HEADER, Month, call, clean, copy_folder, ingest, month_of, said, sample, small, verified};
use esep::post::{PostError, Store};
use esep::store::{Entries, Fault, FaultyJournal, Journal, Operation, SqliteJournal, StoreError, Times};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// The store after a folder was ingested into a new one.
fn after(data: &Path, folder: &Path, jobs: usize) -> (u128, u64) {
    let mut store = Store::open(data, "test").unwrap();
    ingest(&mut store, folder, jobs).unwrap();
    said(&store)
}

#[test]
fn a_file_that_comes_again_counts_once() {
    let dir = tempfile::tempdir().unwrap();
    let month = month_of(dir.path(), 2_000);
    let data = dir.path().join("data");
    let once = after(&data, &month, 2);
    let feeds = month.join("feeds");
    let first = feeds.join("calls-0001.csv");
    let text = fs::read_to_string(&first).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let half = [&lines[..1], &lines[lines.len() / 2..]].concat().join("\n");
    // The same files; one under another name; an overlapping one; one that grows by what is known.
    for (name, content, read) in [
        ("calls-0001.csv", text.clone(), 0),
        ("copy-of-0001.csv", text.clone(), lines.len() - 1),
        ("overlap.csv", half, lines.len() - lines.len() / 2),
        ("copy-of-0001.csv", format!("{text}{}\n", lines[1]), 1),
    ] {
        fs::write(feeds.join(name), content).unwrap();
        let mut store = Store::open(&data, "test").unwrap();
        let before = store.totals(&(0..store.books.files.len() as u32).collect::<Vec<_>>()).counts();
        ingest(&mut store, &month, 2).unwrap();
        assert_eq!(said(&store), once, "{name}");
        let after = store.totals(&(0..store.books.files.len() as u32).collect::<Vec<_>>()).counts();
        assert_eq!(after.read - before.read, read as u64, "{name}");
        assert_eq!((after.rated, after.suspended), (before.rated, before.suspended), "{name}");
    }
    clean(&data);
}

#[test]
fn a_key_with_other_content_is_an_alarm_and_no_charge() {
    let dir = tempfile::tempdir().unwrap();
    let month = month_of(dir.path(), 500);
    let data = dir.path().join("data");
    let once = after(&data, &month, 1);
    let text = fs::read_to_string(month.join("feeds/calls-0001.csv")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let changed = lines[1].replacen(",7", ",78", 1);
    assert_ne!(changed, lines[1]);
    fs::write(month.join("feeds/changed.csv"), format!("{}\n{changed}\n", lines[0])).unwrap();
    let mut store = Store::open(&data, "test").unwrap();
    let done = ingest(&mut store, &month, 1).unwrap();
    assert_eq!(said(&store), once);
    assert_eq!(store.totals(&done.files).differing, 1);
    drop(store);
    clean(&data);
}

#[test]
fn threads_do_not_change_a_byte_of_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    for folder in [month_of(dir.path(), 6_000), sample()] {
        let mut heads = Vec::new();
        for jobs in [1, 2, 4] {
            let data = tempfile::tempdir().unwrap();
            let said = after(data.path(), &folder, jobs);
            let head = esep::store::SqliteReader::open(data.path()).unwrap().head();
            assert_eq!(verified(data.path(), jobs).state_hash, said.0);
            heads.push((said, head));
        }
        assert!(heads.windows(2).all(|pair| pair[0] == pair[1]), "{heads:?}");
    }
}

/// A month in one run equals the month as it comes: days, tariffs, accounts and payments as they become known.
#[test]
fn a_month_in_one_run_equals_the_month_as_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let whole = Month::read(&month_of(dir.path(), 4_000));
    let (folder, data) = (dir.path().join("whole"), dir.path().join("data-whole"));
    whole.write(&folder, 31);
    let expected = after(&data, &folder, 2);
    clean(&data);

    let (folder, data) = (dir.path().join("daily"), dir.path().join("data-daily"));
    for day in 1..=31 {
        whole.write(&folder, day);
        let mut store = Store::open(&data, "test").unwrap();
        ingest(&mut store, &folder, 2).unwrap();
        if day % 10 == 0 {
            store.snapshot().unwrap();
        }
    }
    // The inputs are deleted; the journal is all there is.
    fs::remove_dir_all(&folder).unwrap();
    for kept in ["reference", "segments", "keys", "snapshot"] {
        let path = data.join(kept);
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }
    assert_eq!(said(&Store::open(&data, "test").unwrap()), expected);
    assert_eq!(clean(&data).0, expected.0);
}

/// Any cut of the feeds into files and ingests: the sample, file by file, and each file in two goes.
#[test]
fn any_cut_of_the_feed_gives_the_same_books() {
    let dir = tempfile::tempdir().unwrap();
    let expected = after(&dir.path().join("whole"), &sample(), 2);
    let folder = dir.path().join("sample");
    copy_folder(&sample(), &folder);
    let feeds = folder.join("feeds");
    let mut names: Vec<_> = fs::read_dir(&feeds).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let all: Vec<(_, Vec<u8>)> =
        names.into_iter().map(|name| (name.clone(), fs::read(feeds.join(&name)).unwrap())).collect();
    fs::remove_dir_all(&feeds).unwrap();
    fs::create_dir_all(&feeds).unwrap();
    let data = dir.path().join("data");
    for (name, bytes) in all {
        let is_text = [".csv", ".ndjson"].iter().any(|end| name.to_str().unwrap().ends_with(end));
        let newlines: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b'\n').map(|at| at + 1).collect();
        let cuts = if is_text && newlines.len() > 2 { vec![newlines[0], newlines[newlines.len() / 2]] } else { vec![] };
        for upto in cuts.into_iter().chain([bytes.len()]) {
            fs::write(feeds.join(&name), &bytes[..upto]).unwrap();
            let mut store = Store::open(&data, "test").unwrap();
            ingest(&mut store, &folder, 2).unwrap();
        }
    }
    assert_eq!(clean(&data).0, expected.0);
}

// ---------------------------------------------------------------- corrections, parts, late records

/// Ingests files of these lines, a folder each time with all that came before.
fn ingests(root: &Path, seal: bool, files: &[&[String]]) -> (u128, u64) {
    let (folder, data) = (root.join("folder"), root.join("data"));
    small(&folder);
    for (at, lines) in files.iter().enumerate() {
        fs::write(folder.join(format!("feeds/f{at}.csv")), format!("{HEADER}{}", lines.concat())).unwrap();
        let mut store = Store::open(&data, "test").unwrap();
        ingest(&mut store, &folder, 1).unwrap();
        if seal {
            store.snapshot().unwrap();
        }
    }
    clean(&data)
}

#[test]
fn what_belongs_together_may_come_apart() {
    let part = |id: &str, number: u32, last: &str| call(id, 1, 10 + number, 1, &format!("c1,{number},{last},"));
    let cases: [(&str, Vec<String>); 6] = [
        ("parts", vec![part("p1", 1, "false"), part("p2", 2, "false"), part("p3", 3, "true")]),
        ("a correction after its charge", vec![call("k1", 2, 30, 4, ",,,"), call("k2", 2, 30, 2, ",,,k1")]),
        ("a correction before its charge", vec![call("k2", 2, 30, 2, ",,,k1"), call("k1", 2, 30, 4, ",,,")]),
        (
            "a correction of a correction",
            vec![call("k1", 2, 30, 4, ",,,"), call("k2", 2, 30, 3, ",,,k1"), call("k3", 2, 30, 1, ",,,k2")],
        ),
        (
            "corrected twice",
            vec![call("k1", 1, 5, 4, ",,,"), call("k2", 1, 5, 3, ",,,k1"), call("k3", 1, 5, 2, ",,,k1")],
        ),
        ("a late record", vec![call("l1", 2, 600, 3, ",,,"), call("l2", 2, 5, 3, ",,,"), call("l3", 2, 601, 9, ",,,")]),
    ];
    for (name, lines) in cases {
        let dir = tempfile::tempdir().unwrap();
        let together = ingests(&dir.path().join("together"), false, &[&lines]);
        let apart: Vec<&[String]> = lines.chunks(1).collect();
        let open = ingests(&dir.path().join("open"), false, &apart);
        let sealed = ingests(&dir.path().join("sealed"), true, &apart);
        assert_eq!((open, sealed), (together, together), "{name}");
        assert!(together.1 >= 1, "{name}: {} charges", together.1);
    }
}

#[test]
fn money_2_1_the_small_folder_says_what_was_worked_out_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    // A: 3 minutes, 30.00 unbilled; debt 5.00 paid, 7.00 ahead. B: 4 minutes, 2 covered, 20.00 of 25.00, corrected to 2
    // minutes: covered whole.
    let lines = [call("a", 1, 1, 3, ",,,"), call("b", 2, 2, 4, ",,,"), call("c", 2, 2, 2, ",,,b")];
    ingests(dir.path(), false, &[&lines]);
    let store = Store::open_to_read(&dir.path().join("data")).unwrap();
    let of = |id: &str| store.books.ledgers.account(store.account_no(id).unwrap());
    let (a, b) = (of("A"), of("B"));
    assert_eq!((a.unbilled.get(), a.receivable.get(), a.advance.get()), (3_000, 0, 700));
    assert_eq!((b.unbilled.get(), b.advance.get()), (0, 2_500));
    assert_eq!((store.books.reversed_gross, store.books.unidentified.len(), store.books.ledgers.sum()), (2_000, 1, 0));
}

// ---------------------------------------------------------------- failures

/// Ingests a folder through a journal with faults, opening the store anew after each failure. How often it failed.
fn ingest_failing(data: &Path, folder: &Path, faults: &[Fault]) -> u32 {
    let mut failed = 0;
    let mut faults = faults.to_vec();
    loop {
        let journal = match SqliteJournal::open(data, "test") {
            Err(StoreError::Missing { .. }) => SqliteJournal::create(data, "test").unwrap(),
            journal => journal.unwrap(),
        };
        let acknowledged = journal.head().count;
        let result = Store::over(data, Box::new(FaultyJournal::new(journal, faults.clone())) as Box<dyn Journal>)
            .and_then(|mut store| {
                let done = ingest(&mut store, folder, 1);
                if done.is_err() {
                    // What was decided on is in doubt: nothing more is taken.
                    assert!(ingest(&mut store, folder, 1).is_err());
                }
                done
            });
        match result {
            Ok(_) => return failed,
            Err(PostError::Store(_) | PostError::Refused(_)) => {}
            Err(other) => panic!("{other}"),
        }
        assert!(SqliteJournal::open(data, "test").unwrap().head().count >= acknowledged);
        failed += 1;
        // The disk is mended.
        faults.clear();
    }
}

#[test]
fn whichever_append_fails_the_books_end_as_without_a_failure() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("folder");
    small(&folder);
    for (at, lines) in [
        vec![call("a", 1, 1, 3, ",,,"), call("b", 2, 2, 4, ",,,"), call("p1", 1, 9, 1, "c1,1,false,")],
        vec![call("c", 2, 2, 2, ",,,b"), call("p2", 1, 10, 1, "c1,2,true,"), call("d", 1, 50, 1, ",,,")],
        vec![call("d", 1, 50, 1, ",,,"), call("e", 2, 51, 5, ",,,")],
    ]
    .into_iter()
    .enumerate()
    {
        fs::write(folder.join(format!("feeds/f{at}.csv")), format!("{HEADER}{}", lines.concat())).unwrap();
    }
    let expected = after(&dir.path().join("expected"), &folder, 1);
    let io = || StoreError::Io { path: "journal".into(), cause: "planted".into() };
    let full = || StoreError::Full { path: "journal".into() };
    let mut faults = Vec::new();
    for operation in [Operation::Append, Operation::AppendKept] {
        for times in [Times::Once, Times::Forever] {
            for error in [io(), full()] {
                faults.extend((1..=6).map(|at| Fault { operation, at, times, error: error.clone() }));
            }
        }
    }
    // Each has its own store, and waits for the disk most of the time.
    let (next, failures) = (AtomicUsize::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let data = tempfile::tempdir().unwrap();
                    let failed = ingest_failing(data.path(), &folder, std::slice::from_ref(fault));
                    failures.fetch_add(failed, Ordering::Relaxed);
                    assert_eq!(said(&Store::open(data.path(), "test").unwrap()), expected, "{fault:?}");
                    clean(data.path());
                }
            });
        }
    });
    let failures = failures.into_inner();
    assert!(failures >= 16, "{failures}");
}

/// A tariff that was never written is not used, though its file lay there when the write failed.
#[test]
fn reference_data_that_was_not_written_decides_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, data) = (dir.path().join("folder"), dir.path().join("data"));
    small(&folder);
    after(&data, &folder, 1);
    let dearer = fs::read_to_string(folder.join("tariffs/t.toml")).unwrap().replace("10.00", "99.00");
    let dearer = dearer.replace("2026-01-01", "2026-02-01").replace("\"t\"", "\"u\"");
    fs::write(folder.join("tariffs/u.toml"), dearer).unwrap();
    let error = StoreError::Full { path: "journal".into() };
    let fault = Fault { operation: Operation::Append, at: 1, times: Times::Forever, error };
    let journal = FaultyJournal::new(SqliteJournal::open(&data, "test").unwrap(), vec![fault]);
    let mut store = Store::over(&data, Box::new(journal)).unwrap();
    assert!(ingest(&mut store, &folder, 1).is_err());
    drop(store);
    fs::remove_file(folder.join("tariffs/u.toml")).unwrap();
    fs::write(folder.join("feeds/a.csv"), format!("{HEADER}{}", call("a", 1, 1, 3, ",,,"))).unwrap();
    let mut store = Store::open(&data, "test").unwrap();
    ingest(&mut store, &folder, 1).unwrap();
    let unbilled = store.books.ledgers.account(store.account_no("A").unwrap()).unbilled.get();
    drop(store);
    clean(&data);
    assert_eq!(unbilled, 3_000);
}

/// Nothing of what is decided, kept or read back asks what time it is: the clock may be moved.
#[test]
fn no_room_but_the_command_line_and_who_watches_a_folder_has_a_clock() {
    fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path, found) } else { found.push(path) }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&root, &mut all);
    let clocks = [
        "System".to_owned() + "Time",
        "Inst".to_owned() + "ant::now",
        "Utc::".to_owned() + "now",
        "Local::".to_owned() + "now",
    ];
    for path in
        all.iter().filter(|path| path.extension().is_some_and(|of| of == "rs") && !path.starts_with(root.join("cli")))
    {
        // Who follows a folder asks how long its files have been at rest; nothing of that gets into the books.
        if path.ends_with("src/cli.rs") || path.starts_with(root.join("watch")) || path.ends_with("src/watch.rs") {
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        for clock in &clocks {
            assert!(!text.contains(clock.as_str()), "{}: {clock}", path.display());
        }
    }
}
