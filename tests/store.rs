//! The journal: what every container of entries does, and what a store on a disk refuses.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise, and tells what it saw"
)]

use esep::store::{
    Details, Entries, Entry, Fault, FaultyJournal, Head, Journal, MemoryJournal, Operation, PART_BYTES_MAX, Part,
    SqliteJournal, SqliteReader, StoreError, Times, check, copy,
};
use std::fs;
use std::path::Path;

/// Entries of many sizes, from nothing to many pages; each differs.
fn entries(from: u64, count: u64) -> Vec<Entry> {
    let part = |seq: u64, bytes: u64| (0..bytes).map(|at| (at * 31 + seq * 7) as u8).collect::<Vec<u8>>().into();
    let entry = |seq: u64| Entry {
        schema: (seq % 3) as u16,
        money: part(seq, seq % 5 * 40),
        detail: part(seq + 1, [0, 10, 5_000, 90_000][seq as usize % 4]),
    };
    (from..from + count).map(entry).collect()
}

/// All entries, with whether they still have their detail.
fn all(journal: &dyn Entries, details: Details) -> Vec<(Entry, bool)> {
    let mut found = Vec::new();
    journal
        .scan(1, details, &mut |stored| {
            assert_eq!(stored.seq, found.len() as u64 + 1);
            let has_detail = stored.detail.is_some();
            let detail = stored.detail.unwrap_or_default();
            found
                .push((Entry { schema: stored.schema, money: stored.money.into(), detail: detail.into() }, has_detail));
            Ok(())
        })
        .unwrap();
    found
}

fn whole(entries: Vec<Entry>) -> Vec<(Entry, bool)> {
    entries.into_iter().map(|entry| (entry, true)).collect()
}

/// A closed store of `count` entries.
fn store(folder: &Path, count: u64) -> Head {
    let mut journal = SqliteJournal::create(folder, "test").unwrap();
    journal.append(&entries(1, count)).unwrap();
    let head = journal.head();
    journal.close().unwrap();
    head
}

#[test]
fn a_store_keeps_what_was_appended() {
    let folder = tempfile::tempdir().unwrap();
    let mut memory = MemoryJournal::new();
    let mut sqlite = SqliteJournal::create(folder.path(), "test").unwrap();
    for (from, count) in [(1, 1), (2, 4), (6, 0), (6, 100)] {
        let group = entries(from, count);
        assert_eq!(sqlite.append(&group).unwrap(), memory.append(&group).unwrap());
    }
    let reader = SqliteReader::open(folder.path()).unwrap();
    assert_eq!(reader.head(), memory.head());
    assert_eq!(all(&reader, Details::Read), whole(entries(1, 105)));
    drop(sqlite);
    let sqlite = SqliteJournal::open(folder.path(), "test").unwrap();
    assert_eq!(sqlite.head(), memory.head());
    assert_eq!(all(&sqlite, Details::Read), whole(entries(1, 105)));
    let skipped: Vec<_> = all(&sqlite, Details::Skip).into_iter().map(|(entry, _)| entry.money).collect();
    assert_eq!(skipped, entries(1, 105).into_iter().map(|entry| entry.money).collect::<Vec<_>>());
    for seq in 1..=105 {
        assert_eq!(sqlite.read(seq).unwrap(), memory.read(seq).unwrap());
    }
    for seq in [0, 106, u64::MAX] {
        assert_eq!(sqlite.read(seq), Err(StoreError::NoEntry { seq, count: 105 }));
        assert_eq!(memory.read(seq), Err(StoreError::NoEntry { seq, count: 105 }));
    }
    let mut seen = 0;
    let stop = |seen: &mut u64| {
        *seen += 1;
        if *seen == 3 { Err(StoreError::Refused { seq: *seen, why: "enough".to_owned() }) } else { Ok(()) }
    };
    assert!(matches!(sqlite.scan(70, Details::Read, &mut |_| stop(&mut seen)), Err(StoreError::Refused { .. })));
    assert_eq!(seen, 3);
}

#[test]
fn a_part_too_large_is_refused_and_the_journal_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::create(folder.path(), "test").unwrap();
    let large = Entry { schema: 1, detail: vec![0; PART_BYTES_MAX + 1].into(), ..Entry::default() };
    let error = journal.append(&[entries(1, 1).remove(0), large]).unwrap_err();
    assert_eq!(error, StoreError::TooLarge { bytes: PART_BYTES_MAX + 1 });
    assert!(error.is_passing());
    assert_eq!(journal.append(&entries(1, 2)).unwrap().count, 2);
}

#[test]
fn a_reader_sees_what_a_writer_adds() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = SqliteJournal::create(folder.path(), "test").unwrap();
    let mut reader = SqliteReader::open(folder.path()).unwrap();
    for count in 1..=5 {
        let head = writer.append(&entries(count, 1)).unwrap();
        assert_eq!(reader.head().count, count - 1);
        assert_eq!(reader.refresh().unwrap(), head);
        assert_eq!(all(&reader, Details::Read), whole(entries(1, count)));
        assert_eq!(check(folder.path()).unwrap().findings, []);
    }
}

#[test]
fn a_second_writer_is_told_who_holds_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let first = SqliteJournal::create(folder.path(), "process 7 since 10:00, esep ingest\nmore").unwrap();
    let second = SqliteJournal::open(folder.path(), "process 8").unwrap_err();
    assert!(matches!(&second, StoreError::Held { holder, .. } if holder == "process 7 since 10:00, esep ingest"));
    drop(first);
    SqliteJournal::open(folder.path(), "process 8").unwrap();
}

#[test]
fn purged_details_are_gone_from_every_file_and_the_chain_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::create(folder.path(), "test").unwrap();
    let text = b"a detail that is personal, and long enough to be found where it is left";
    let mut entries = entries(1, 30);
    entries[4].detail = text.repeat(3).into();
    entries[20].detail = text.repeat(2_000).into();
    journal.append(&entries).unwrap();
    let head = journal.head();
    let left = |folder: &Path| {
        fs::read_dir(folder).unwrap().any(|file| {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            bytes.windows(40).any(|window| window == &text[..40])
        })
    };
    assert!(left(folder.path()));
    assert_eq!(journal.purge_detail(3..=21).unwrap(), 19);
    assert_eq!(journal.purge_detail(0..=21).unwrap(), 2);
    assert!(!left(folder.path()), "what was purged is still in a file");
    assert_eq!(journal.head(), head);
    let expected: Vec<_> = entries
        .into_iter()
        .enumerate()
        .map(|(at, entry)| if at < 21 { (Entry { detail: Part::default(), ..entry }, false) } else { (entry, true) })
        .collect();
    assert_eq!(all(&journal, Details::Read), expected);
    let checked = check(folder.path()).unwrap();
    assert_eq!((checked.findings, checked.purged, checked.head), (vec![], 21, head));
    // A copy has no more of them than the store.
    let backup = folder.path().join("backup");
    assert_eq!(copy(folder.path(), &backup, "test").unwrap(), head);
    assert_eq!(all(&SqliteReader::open(&backup).unwrap(), Details::Read), expected);
    assert!(!left(&backup));
}

#[test]
fn a_backup_is_consistent_while_a_writer_runs_and_a_plain_copy_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (place, plain) = (folder.path().join("store"), folder.path().join("plain"));
    let mut journal = SqliteJournal::create(&place, "test").unwrap();
    journal.append(&entries(1, 50)).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for from in 0..40 {
                journal.append(&entries(51 + from * 5, 5)).unwrap();
            }
            journal
        });
        for round in 0..5 {
            let backup = folder.path().join(format!("backup-{round}"));
            let head = copy(&place, &backup, "test").unwrap();
            assert!(head.count >= 50);
            assert_eq!(check(&backup).unwrap().findings, []);
            assert_eq!(all(&SqliteReader::open(&backup).unwrap(), Details::Read), whole(entries(1, head.count)));
        }
        // The planted fault: the file as it stands, without its log.
        fs::create_dir(&plain).unwrap();
        fs::copy(place.join("journal.sqlite"), plain.join("journal.sqlite")).unwrap();
        drop(writer.join().unwrap());
    });
    assert!(check(&plain).map_or(true, |checked| !checked.findings.is_empty()));
    fs::copy(place.join("head"), plain.join("head")).unwrap();
    assert!(check(&plain).map_or(true, |checked| !checked.findings.is_empty() || checked.head.count < 50));
}

#[test]
fn a_store_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let (place, backup) = (folder.path().join("store"), folder.path().join("backup"));
    let head = store(&place, 8);
    copy(&place, &backup, "test").unwrap();
    for error in [copy(&backup, &place, "test").unwrap_err(), SqliteJournal::create(&place, "test").unwrap_err()] {
        assert_eq!(error, StoreError::Exists { folder: place.clone() });
    }
    let other = folder.path().join("letters");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("letter.txt"), "dear").unwrap();
    assert!(matches!(copy(&backup, &other, "test"), Err(StoreError::Exists { .. })));
    assert!(matches!(SqliteJournal::create(&other, "test"), Err(StoreError::Exists { .. })));
    assert_eq!(fs::read_to_string(other.join("letter.txt")).unwrap(), "dear");
    // What is left of a copy that was broken off is no store, and no obstacle.
    let half = folder.path().join("half");
    fs::create_dir(&half).unwrap();
    fs::write(half.join("journal.sqlite.new"), "half").unwrap();
    assert!(matches!(SqliteJournal::open(&half, "test"), Err(StoreError::Missing { .. })));
    assert_eq!(copy(&backup, &half, "test").unwrap(), head);
    SqliteJournal::open(&half, "test").unwrap().append(&entries(9, 1)).unwrap();
}

/// What a person is told of each kind of file that is no store of ours.
#[test]
fn what_is_no_store_of_ours_is_told_and_left_alone() {
    type Makes = fn(&Path);
    let rows: &[(&str, Makes, &str)] = &[
        ("nothing", |_| (), "there is no store here"),
        ("an empty file", |path| fs::write(path, "").unwrap(), "cut short: 0 bytes"),
        ("a text", |path| fs::write(path, "dear\n".repeat(100)).unwrap(), "no SQLite file, not a journal of esep"),
        ("another program's", |path| other_program(path, 0), "a SQLite file of another program"),
        ("another program's with its mark", |path| other_program(path, 77), "a SQLite file of another program"),
        ("a newer store", |path| version(path, 3), "a store of version 3; this esep knows version 2"),
        ("an older store", |path| version(path, 0), "use the esep that wrote it"),
    ];
    for (name, makes, told) in rows {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        makes(&path);
        let before = fs::read(&path).ok();
        for error in [
            SqliteJournal::open(folder.path(), "test").map(|_| ()).unwrap_err(),
            SqliteReader::open(folder.path()).map(|_| ()).unwrap_err(),
            check(folder.path()).map(|_| ()).unwrap_err(),
            copy(folder.path(), folder.path().join("copy"), "test").map(|_| ()).unwrap_err(),
        ] {
            assert!(error.to_string().contains(told), "{name}: {error}");
        }
        assert_eq!(fs::read(&path).ok(), before, "{name}: changed");
    }
}

fn other_program(path: &Path, mark: u32) {
    let sql = format!("PRAGMA application_id = {mark}; CREATE TABLE letter (text TEXT); INSERT INTO letter VALUES (1)");
    rusqlite::Connection::open(path).unwrap().execute_batch(&sql).unwrap();
}

/// A store whose file says another version.
fn version(path: &Path, version: u8) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    store(&place, 3);
    let mut bytes = fs::read(place.join("journal.sqlite")).unwrap();
    bytes[63] = version;
    fs::write(path, bytes).unwrap();
    fs::copy(place.join("head"), path.with_file_name("head")).unwrap();
}

#[test]
fn copies_of_the_head_that_are_missing_or_of_another_store_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (place, other) = (folder.path().join("store"), folder.path().join("other"));
    store(&place, 5);
    let mut journal = SqliteJournal::create(&other, "test").unwrap();
    journal.append(&entries(3, 4)).unwrap();
    journal.close().unwrap();
    let rows: &[(&dyn Fn(), &str)] = &[
        (&|| fs::remove_file(place.join("head")).unwrap(), "the copy of the head is not there"),
        (&|| fs::write(place.join("head"), [0; 8192]).unwrap(), "neither copy of the head is as it was written"),
        (
            &|| assert_eq!(fs::copy(other.join("head"), place.join("head")).unwrap(), 8192),
            "not the entry that the copy of the head",
        ),
    ];
    let head = fs::read(place.join("head")).unwrap();
    for (makes, told) in rows {
        makes();
        let error = SqliteJournal::open(&place, "test").map(|_| ()).unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
        fs::write(place.join("head"), &head).unwrap();
    }
    // One damaged slot is told by a check and made whole by a writer.
    let mut torn = head.clone();
    torn[4096 + 20] ^= 1;
    fs::write(place.join("head"), &torn).unwrap();
    let told = check(&place).unwrap().findings;
    assert!(told.len() == 1 && told[0].to_string().contains("head: byte 4096"), "{told:?}");
    drop(SqliteJournal::open(&place, "test").unwrap());
    assert_eq!(check(&place).unwrap().findings, []);
}

#[test]
fn a_log_that_is_gone_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::create(folder.path(), "test").unwrap();
    journal.append(&entries(1, 7)).unwrap();
    let copy = tempfile::tempdir().unwrap();
    for name in ["journal.sqlite", "head", "parts"] {
        fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let error = SqliteJournal::open(copy.path(), "test").map(|_| ()).unwrap_err();
    let path = copy.path().join("journal.sqlite");
    assert_eq!(error, StoreError::CutShort { path, found: 0, expected: 7 });
}

/// Stores that versions 1 and 2 of the container wrote, kept since: they open for ever.
#[test]
fn the_golden_stores_of_every_version_open() {
    let golden = |version: u32| Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/store-{version}"));
    if std::env::var_os("ESEP_WRITE_GOLDEN").is_some() {
        let golden = golden(2);
        let _ = fs::remove_dir_all(&golden);
        let mut journal = SqliteJournal::create(&golden, "golden").unwrap();
        journal.append(&golden_entries()[..2]).unwrap();
        journal.append(&golden_entries()[2..]).unwrap();
        journal.purge_detail(2..=2).unwrap();
        journal.close().unwrap();
        fs::remove_file(golden.join("lock")).unwrap();
    }
    for (version, files) in [(1, &["journal.sqlite", "head"][..]), (2, &["journal.sqlite", "head", "parts"])] {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            fs::copy(golden(version).join(name), folder.path().join(name)).unwrap();
        }
        assert_eq!(check(folder.path()).unwrap().findings, []);
        let mut journal = SqliteJournal::open(folder.path(), "test").unwrap();
        let chain: String = journal.head().chain.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((journal.head().count, chain.as_str()), (4, GOLDEN_CHAIN));
        let mut expected = whole(golden_entries());
        expected[1] = (Entry { detail: Part::default(), ..expected[1].0.clone() }, false);
        assert_eq!(all(&journal, Details::Read), expected);
        // The same entries give the same chain today.
        let mut today = MemoryJournal::new();
        assert_eq!(today.append(&golden_entries()).unwrap(), journal.head());
        // It goes on in its own form, and a copy of it has that of today.
        journal.append(&entries(5, 100)).unwrap();
        assert_eq!(folder.path().join("parts").exists(), version > 1);
        expected.extend(whole(entries(5, 100)));
        assert_eq!(all(&journal, Details::Read), expected);
        let copied = folder.path().join("copy");
        assert_eq!(copy(folder.path(), &copied, "test").unwrap(), journal.head());
        assert!(copied.join("parts").exists());
        assert_eq!(all(&SqliteReader::open(&copied).unwrap(), Details::Read), expected);
    }
}

const GOLDEN_CHAIN: &str = "ec7b0159775f52d6ac348b8f52be0f1ca998443481fb6f9a664595d5ad39bf5d";

fn golden_entries() -> Vec<Entry> {
    let entry = |schema, money: &[u8], detail: &[u8]| Entry {
        schema,
        money: money.to_vec().into(),
        detail: detail.to_vec().into(),
    };
    vec![
        entry(1, b"first", b"a detail"),
        entry(1, b"", b"a purged detail"),
        entry(2, &[7; 40_000], &[]),
        entry(0xffff, b"last", &[9; 3]),
    ]
}

#[test]
fn a_faulty_journal_fails_as_it_is_told_and_keeps_what_the_real_one_would() {
    let io = || StoreError::Io { path: "disk".into(), cause: "planted".to_owned() };
    let full = || StoreError::Full { path: "disk".into() };
    let fault = |operation, at, times, error| vec![Fault { operation, at, times, error }];
    // Which of five appends succeed, each tried once, and how many entries there are.
    for (faults, succeed, kept) in [
        (vec![], [true, true, true, true, true], 5),
        (fault(Operation::Append, 2, Times::Once, full()), [true, false, true, true, true], 4),
        (fault(Operation::Append, 2, Times::Forever, full()), [true, false, false, false, false], 1),
        (fault(Operation::Append, 3, Times::Once, io()), [true, true, false, false, false], 2),
        (fault(Operation::AppendKept, 3, Times::Once, io()), [true, true, false, false, false], 3),
    ] {
        let mut journal = FaultyJournal::new(MemoryJournal::new(), faults.clone());
        let done = [1, 2, 3, 4, 5].map(|from| journal.append(&entries(from, 1)).is_ok());
        assert_eq!((done, journal.head().count), (succeed, kept), "{faults:?}");
        journal.reopen();
        assert_eq!(journal.append(&entries(6, 1)).is_ok(), faults.first().is_none_or(|f| f.times == Times::Once));
    }
    let mut journal = FaultyJournal::new(MemoryJournal::new(), fault(Operation::Read, 4, Times::Once, io()));
    journal.append(&entries(1, 3)).unwrap();
    assert!(journal.scan(1, Details::Skip, &mut |_| Ok(())).is_ok());
    assert_eq!(journal.read(1), Err(io()));
    assert!(journal.read(1).is_ok());
}

/// Runs a test once more as a user without rights, where it runs as root, who may do everything. False: not here.
fn without_rights(name: &str) -> bool {
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::process::CommandExt;
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return true;
    }
    let mut test = std::process::Command::new(std::env::current_exe().unwrap());
    match test.args(["--exact", name]).uid(65_534).gid(65_534).current_dir("/").env("TMPDIR", "/tmp").output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
        Err(error) => println!("left out, since no other user may run it: {error}"),
    }
    false
}

#[test]
fn no_permission_is_told_and_a_read_only_medium_is_read() {
    use std::os::unix::fs::PermissionsExt;
    if !without_rights("no_permission_is_told_and_a_read_only_medium_is_read") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (place, file) = (folder.path().join("a store #1?"), "journal.sqlite");
    let head = store(&place, 6);
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let denied = |error: StoreError| assert!(matches!(error, StoreError::Denied { .. }), "{error:?}");
    // A folder that is only to be read, as a backup's medium: reading does.
    mode(&place, 0o500);
    denied(SqliteJournal::open(&place, "test").map(|_| ()).unwrap_err());
    assert_eq!(SqliteReader::open(&place).unwrap().head(), head);
    assert_eq!(check(&place).unwrap().findings, []);
    assert_eq!(copy(&place, folder.path().join("copy"), "test").unwrap(), head);
    mode(&place, 0o700);
    for (name, bits) in [(file, 0o000), (file, 0o400), ("head", 0o400), ("lock", 0o400)] {
        mode(&place.join(name), bits);
        denied(SqliteJournal::open(&place, "test").map(|_| ()).unwrap_err());
        mode(&place.join(name), 0o600);
    }
    mode(folder.path(), 0o500);
    denied(SqliteJournal::create(folder.path().join("new"), "test").map(|_| ()).unwrap_err());
    mode(folder.path(), 0o700);
    // None of it left a mark.
    assert_eq!(SqliteJournal::open(&place, "test").unwrap().head(), head);
}
