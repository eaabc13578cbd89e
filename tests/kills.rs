//! The real program, killed at any instant, on a disk without room, beside another, over stores that are none.
//!
//! Source: interface 7.2.

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

use books::month::{Month, clean, month_of, said, sample};
use esep::post::Store;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn esep(args: &[&str], folder: Option<&Path>, data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_esep"));
    command.args(args).args(folder).arg("--data").arg(data).stdin(Stdio::null());
    command
}

fn ran(mut command: Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

/// What `esep verify --json` says: the state hash and the number of entries.
fn verify(data: &Path) -> (String, u64) {
    let (code, text) = ran(esep(&["verify", "--json", "--jobs", "2"], None, data));
    assert_eq!(code, Some(0), "{text}");
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((told["ok"].as_bool(), told["violations"].as_array().unwrap().len()), (Some(true), 0), "{text}");
    (told["state_hash"].as_str().unwrap().to_owned(), told["entries"].as_u64().unwrap())
}

/// A month of many small files with its payments.
fn folder(root: &Path, records: u64) -> PathBuf {
    let folder = root.join("folder");
    Month::read(&month_of(root, records)).write(&folder, 31);
    folder
}

/// Numbers that differ each time and are the same each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most.max(1)
    }
}

/// Kills the program so many times while it ingests and pays; after each the store is verified, each run that ends by
/// itself leaves the books of one that was never killed. How many kills hit.
fn kill(cycles: u32, seed: u64) -> u32 {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(dir.path(), 6_000);
    let whole = dir.path().join("whole");
    let began = Instant::now();
    assert_eq!(ran(esep(&["ingest", "--quiet"], Some(&folder), &whole)).0, Some(0));
    let mut longest = began.elapsed();
    let (expected, _) = verify(&whole);

    let (mut dice, mut hits, mut ended) = (Dice(seed), 0, 0);
    let mut data = dir.path().join("data-0");
    drop(Store::open(&data, "test").unwrap());
    let mut entries = 0;
    for cycle in 1..=cycles {
        let mut child = esep(&["ingest", "--quiet"], Some(&folder), &data).stderr(Stdio::null()).spawn().unwrap();
        let after = Duration::from_micros(dice.below(u64::try_from(longest.as_micros()).unwrap()));
        std::thread::sleep(after);
        child.kill().unwrap();
        let status = child.wait().unwrap();
        hits += u32::from(status.code().is_none());
        if status.success() {
            // The machine was busier when it was measured.
            longest = longest.min(after);
        }
        let (hash, found) = verify(&data);
        assert!(found >= entries, "cycle {cycle}: {found} entries of {entries}");
        entries = found;
        // From time to time to the end, and anew.
        if status.success() || cycle % 5 == 0 {
            assert_eq!(ran(esep(&["ingest", "--quiet"], Some(&folder), &data)).0, Some(0));
            assert_eq!(verify(&data).0, expected, "cycle {cycle}, before it {hash}");
            ended += 1;
            fs::remove_dir_all(&data).unwrap();
            data = dir.path().join(format!("data-{cycle}"));
            drop(Store::open(&data, "test").unwrap());
            entries = 0;
        }
    }
    assert!(ended > 0);
    hits
}

#[test]
fn killed_at_any_instant_the_books_end_as_if_nothing_had_happened() {
    assert!(kill(20, 3) >= 5);
}

#[test]
#[ignore = "long: a thousand kills"]
fn killed_a_thousand_times() {
    assert!(kill(1_000, 5) >= 300);
}

/// Ends with exit 2 and says so; nothing acknowledged is lost; goes on when there is room.
#[test]
fn a_full_disk_is_told_and_the_run_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(dir.path(), 6_000);
    let whole = dir.path().join("whole");
    assert_eq!(ran(esep(&["ingest", "--quiet"], Some(&folder), &whole)).0, Some(0));
    let (expected, entries) = verify(&whole);
    let disk = dir.path().join("disk");
    fs::create_dir_all(&disk).unwrap();
    let mount = |options: &str| {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&disk).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let mounted = mount("size=600k");
    let data = disk.join("data");
    let limited = || {
        if mounted {
            return esep(&["ingest", "--quiet"], Some(&folder), &data);
        }
        // No file may grow beyond 200 KiB.
        let mut shell = Command::new("sh");
        let program = "trap '' XFSZ; ulimit -f 400; exec \"$@\"";
        shell.args(["-c", program, "sh", env!("CARGO_BIN_EXE_esep"), "ingest", "--quiet"]);
        shell.arg(&folder).arg("--data").arg(&data);
        shell
    };
    let (code, text) = ran(limited());
    let is_clear =
        ["no room", "No space", "full", "File too large", "disk I/O error"].iter().any(|said| text.contains(said));
    let tried = std::panic::catch_unwind(|| {
        assert_eq!(code, Some(2), "{text}");
        assert!(is_clear, "{text}");
        if mounted {
            assert!(mount("remount,size=64m"));
        }
        if data.join("journal.sqlite").exists() {
            let (_, kept) = verify(&data);
            assert!(kept < entries, "{kept} entries of {entries}: there was room");
        }
        let (code, text) = ran(esep(&["ingest", "--quiet"], Some(&folder), &data));
        assert_eq!(code, Some(0), "{text}");
        assert_eq!(verify(&data).0, expected);
    });
    if mounted {
        assert!(Command::new("umount").arg(&disk).status().unwrap().success());
    }
    if let Err(panic) = tried {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn a_second_process_is_told_who_holds_the_store_and_may_verify() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut store = Store::open(&data, "process 7, `esep ingest`").unwrap();
    books::month::ingest(&mut store, &sample(), 2).unwrap();
    let (code, text) = ran(esep(&["ingest"], Some(&sample()), &data));
    assert_eq!(code, Some(2));
    assert!(text.contains("process 7, `esep ingest`") && text.contains("hint"), "{text}");
    assert_eq!(verify(&data).0, format!("{:032x}", said(&store).0));
    drop(store);
    assert_eq!(ran(esep(&["ingest", "--quiet"], Some(&sample()), &data)).0, Some(0));
}

#[test]
fn what_is_no_store_of_this_version_is_told() {
    type Change = fn(&mut Vec<u8>);
    let cases: [(&str, Change, &str); 5] = [
        ("a newer version", |bytes| bytes[60..64].copy_from_slice(&99u32.to_be_bytes()), "version 99"),
        ("of another program", |bytes| bytes[68..72].copy_from_slice(&7u32.to_be_bytes()), "another program"),
        ("no database at all", |bytes| *bytes = b"account_id,plan\n".repeat(4_000), ""),
        ("cut short", |bytes| bytes.truncate(bytes.len() / 2), ""),
        (
            "a byte of an entry",
            |bytes| {
                let at = bytes.windows(5).rposition(|word| word == b"voice").unwrap();
                bytes[at] ^= 1;
            },
            "",
        ),
    ];
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    assert_eq!(ran(esep(&["ingest", "--quiet"], Some(&sample()), &whole)).0, Some(0));
    for (name, change, says) in cases {
        let data = dir.path().join(name.replace(' ', "-"));
        books::month::copy_folder(&whole, &data);
        let file = data.join("journal.sqlite");
        let mut bytes = fs::read(&file).unwrap();
        change(&mut bytes);
        fs::write(&file, bytes).unwrap();
        let (code, text) = ran(esep(&["verify"], None, &data));
        assert_eq!(code, Some(2), "verify, {name}: {text}");
        assert!(text.contains(says) && text.contains("journal.sqlite"), "verify, {name}: {text}");
        assert!(!text.contains("panicked"), "{text}");
    }
    let (code, text) = ran(esep(&["verify"], None, &dir.path().join("nowhere")));
    assert_eq!(code, Some(2));
    assert!(text.contains("no store"), "{text}");
    clean(&whole);
}
