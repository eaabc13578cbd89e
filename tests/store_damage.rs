//! Every byte of a store, changed: found and located, or nothing that is read has changed.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise, and tells what it saw"
)]

use esep::store::{Checked, Details, Entries, Entry, Head, Journal, SqliteJournal, SqliteReader, StoreError, check};
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Mutex;

/// What a reader gets of a store: all of it.
#[derive(PartialEq, Eq, Debug)]
struct Content {
    head: Head,
    entries: Vec<(u16, Vec<u8>, Option<Vec<u8>>)>,
}

fn content(folder: &Path) -> Result<Content, StoreError> {
    let reader = SqliteReader::open(folder)?;
    let mut entries = Vec::new();
    reader.scan(1, Details::Read, &mut |stored| {
        entries.push((stored.schema, stored.money, stored.detail));
        Ok(())
    })?;
    for (seq, (_, money, _)) in (1..).zip(&entries) {
        assert_eq!(&reader.read(seq)?.money, money);
    }
    Ok(Content { head: reader.head(), entries })
}

/// Entries that no two bytes have in common for long, so that a place in the file belongs to one of them.
fn entry(seq: u64, money: usize, detail: usize) -> Entry {
    let mut state = seq.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let [money, detail] = [money, detail].map(|bytes| (0..bytes).map(|_| byte()).collect::<Vec<u8>>().into());
    Entry { schema: 1, money, detail }
}

fn entries() -> Vec<Entry> {
    let sizes = [(10, 10), (0, 70_000), (5_000, 100), (30, 40_000), (1, 1), (200, 300), (20_000, 20_000), (4, 50)];
    (1..).zip(sizes).map(|(seq, (money, detail))| entry(seq, money, detail)).collect()
}

/// How the process that wrote the store ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Closed,
    /// What it wrote is in the log.
    Killed,
}

/// A folder with a store, as it is after its writer ended.
fn store(end: End) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::create(folder.path(), "test").unwrap();
    let entries = entries();
    journal.append(&entries[..5]).unwrap();
    // Leaves free pages and unused bytes.
    journal.purge_detail(4..=4).unwrap();
    if end == End::Closed {
        journal.append(&entries[5..]).unwrap();
        journal.close().unwrap();
        return folder;
    }
    journal.append(&entries[5..7]).unwrap();
    journal.append(&entries[7..]).unwrap();
    let copy = tempfile::tempdir().unwrap();
    for name in ["journal.sqlite", "journal.sqlite-wal", "head", "parts"] {
        fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    copy
}

/// How a changed byte shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Found,
    Harmless,
}

/// Changes one byte, looks, and changes it back. Only that byte is written: most of the time of the long run went into
/// writing the file whole, twice a byte.
fn verdict(folder: &Path, file: &str, bytes: &[u8], at: usize, expected: &Content) -> Result<Verdict, String> {
    let path = folder.join(file);
    let one = fs::File::options().write(true).open(&path).unwrap();
    // One bit, or all of them.
    one.write_all_at(&[bytes[at] ^ [1, 0x80, 0xff, 0x10][at % 4]], at as u64).unwrap();
    let result = match check(folder) {
        Ok(Checked { findings, .. }) if findings.is_empty() => match content(folder) {
            Ok(content) if content == *expected => Ok(Verdict::Harmless),
            other => Err(format!("{file}: byte {at}: not found by the check, and read as {:?}", other.map(|c| c.head))),
        },
        Ok(Checked { findings, .. }) => {
            let told = findings.iter().all(|finding| finding.to_string().contains(" "));
            if told { Ok(Verdict::Found) } else { Err(format!("{file}: byte {at}: found nowhere: {findings:?}")) }
        }
        Err(error @ (StoreError::Io { .. } | StoreError::Denied { .. } | StoreError::Full { .. })) => {
            Err(format!("{file}: byte {at}: taken for an error of the system: {error}"))
        }
        Err(_) => Ok(Verdict::Found),
    };
    one.write_all_at(&bytes[at..=at], at as u64).unwrap();
    result
}

/// Changes bytes of each file of a store: how many were found and how many harmless, by file.
fn flips(end: End, which: impl Fn(usize, u8) -> bool + Sync) -> Vec<(String, usize, usize)> {
    let mut tally = Vec::new();
    let names: &[&str] = if end == End::Closed {
        &["journal.sqlite", "head", "parts"]
    } else {
        &["journal.sqlite", "journal.sqlite-wal", "head", "parts"]
    };
    let threads = 4;
    for name in names {
        let sums = Mutex::new((0, 0));
        let failures = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let (which, sums, failures) = (&which, &sums, &failures);
                scope.spawn(move || {
                    let folder = store(end);
                    let expected = content(folder.path()).unwrap();
                    assert_eq!(expected.head.count, 8);
                    // A reader that goes leaves the log as it is; what it left beside is of no use here.
                    let bytes = fs::read(folder.path().join(name)).unwrap();
                    for at in (thread..bytes.len()).step_by(threads).filter(|at| which(*at, bytes[*at])) {
                        match verdict(folder.path(), name, &bytes, at, &expected) {
                            Ok(Verdict::Found) => sums.lock().unwrap().0 += 1,
                            Ok(Verdict::Harmless) => sums.lock().unwrap().1 += 1,
                            Err(failure) => failures.lock().unwrap().push(failure),
                        }
                    }
                    // Looking has changed nothing: each byte was looked at in the file that it is about.
                    assert!(fs::read(folder.path().join(name)).unwrap() == bytes, "{end:?} {name}");
                });
            }
        });
        let failures = failures.into_inner().unwrap();
        assert!(
            failures.is_empty(),
            "{end:?}: {} of them:\n{}",
            failures.len(),
            failures[..failures.len().min(20)].join("\n")
        );
        let (found, harmless) = sums.into_inner().unwrap();
        tally.push(((*name).to_owned(), found, harmless));
    }
    tally
}

/// Headers of the file, of its pages and of the log's frames, and some of all else.
fn some(at: usize, _: u8) -> bool {
    let of_page = at % 32_768;
    at < 112 || of_page < 16 || (of_page * 7 + at / 32_768 * 13).is_multiple_of(331)
}

#[test]
fn a_changed_byte_is_found_or_harmless() {
    for end in [End::Closed, End::Killed] {
        for (name, found, harmless) in flips(end, some) {
            println!("{end:?} {name}: {found} found, {harmless} harmless");
            assert!(found > 20, "{end:?} {name}: {found} found");
        }
    }
}

#[test]
#[ignore = "the long run: every byte"]
fn every_changed_byte_is_found_or_harmless() {
    for end in [End::Closed, End::Killed] {
        for (name, found, harmless) in flips(end, |_, _| true) {
            println!("{end:?} {name}: {found} found, {harmless} harmless");
        }
    }
}

/// Where the first bytes of a part stand in the file.
fn place_of(file: &[u8], part: &[u8]) -> usize {
    let head = &part[..part.len().min(40)];
    file.windows(head.len()).position(|window| window == head).unwrap()
}

#[test]
fn damage_of_a_part_is_located_at_its_entry() {
    let folder = store(End::Closed);
    for (seq, part, name, file) in [
        (1, entries()[0].money.to_vec(), "money", "journal.sqlite"),
        (3, entries()[2].money.to_vec(), "money", "parts"),
        (6, entries()[5].detail.to_vec(), "detail", "journal.sqlite"),
        (7, entries()[6].detail.to_vec(), "detail", "parts"),
    ] {
        let path = folder.path().join(file);
        let bytes = fs::read(&path).unwrap();
        let mut changed = bytes.clone();
        changed[place_of(&bytes, &part) + 5] ^= 4;
        fs::write(&path, &changed).unwrap();
        let checked = check(folder.path()).unwrap();
        let told: Vec<String> = checked.findings.iter().map(ToString::to_string).collect();
        let expected = format!("entry {seq}: its {name} part differs from what was written");
        assert!(told.len() == 1 && told[0].contains(&expected), "{told:?}");
        // The others are read as before.
        let reader = SqliteReader::open(folder.path()).unwrap();
        for other in (1..=8).filter(|other| *other != seq) {
            reader.read(other).unwrap();
        }
        assert!(matches!(reader.read(seq), Err(StoreError::Damaged { .. })));
        fs::write(&path, &bytes).unwrap();
    }
}

#[test]
fn a_store_cut_short_is_refused_at_every_length() {
    for end in [End::Closed, End::Killed] {
        let name = if end == End::Closed { "journal.sqlite" } else { "journal.sqlite-wal" };
        let folder = store(end);
        let path = folder.path().join(name);
        let bytes = fs::read(&path).unwrap();
        let lengths = (0..bytes.len()).step_by(4_099).chain([1, 99, 100, 32_768, bytes.len() - 1]);
        let refused = |length: usize| {
            let checked = check(folder.path());
            let refused = checked.as_ref().map_or(true, |checked| !checked.findings.is_empty());
            assert!(refused, "{end:?}: cut to {length}: {checked:?}");
            let read = content(folder.path());
            assert!(read.is_err(), "{end:?}: cut to {length}: read whole");
        };
        for length in lengths {
            fs::write(&path, &bytes[..length]).unwrap();
            refused(length);
        }
        fs::write(&path, &bytes).unwrap();
        content(folder.path()).unwrap();
        let path = folder.path().join("parts");
        let bytes = fs::read(&path).unwrap();
        for length in (0..bytes.len()).step_by(4_099).chain([bytes.len() - 1]) {
            fs::write(&path, &bytes[..length]).unwrap();
            refused(length);
        }
        fs::remove_file(&path).unwrap();
        refused(0);
    }
}
