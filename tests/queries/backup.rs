use crate::{Month, done, json, refused};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

#[test]
fn a_backup_is_the_store_as_it_stood_and_is_restored_only_where_there_is_none() {
    let month = Month::new();
    month.run("store");
    let hash = month.state_hash("store");
    let told = json(&["backup", "--data", &month.text("store"), "--out", &month.text("copy"), "--json"]);
    assert!(told["entries"].as_u64().unwrap() > 1);
    // The store goes on; the copy does not.
    let pay = ["pay", "A-0001", "5.00", "--reference", "B-1", "--channel", "bank", "--at", "2026-03-31"];
    done(&[&pay[..], &["--data", &month.text("store")]].concat());
    assert_ne!(month.state_hash("store"), hash);
    done(&["restore", &month.text("copy"), "--data", &month.text("back")]);
    assert_eq!(month.state_hash("back"), hash);
    // What was restored goes on like the store, its inputs may be gone.
    done(&[&pay[..], &["--data", &month.text("back")]].concat());
    assert_eq!(month.state_hash("back"), month.state_hash("store"));
    let same = json(&["what-if", &month.text("back"), "--tariff", &month.text("month"), "--json"]);
    assert_eq!(same["accounts"].as_array().unwrap().len(), 0);

    refused(&["restore", &month.text("copy"), "--data", &month.text("store")]);
    refused(&["backup", "--data", &month.text("store"), "--out", &month.text("copy")]);
    refused(&["backup", "--data", &month.text("store"), "--out", &month.text("month")]);
    refused(&["backup", "--data", &month.text("none"), "--out", &month.text("copy2")]);
    refused(&["restore", &month.text("month"), "--data", &month.text("none")]);
    assert!(!month.path("none").join("journal.sqlite").exists());
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_esep"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Killed at any instant, a backup is whole or there is none, and the next one into the same folder is whole.
#[test]
fn a_backup_that_was_interrupted_is_none() {
    let month = Month::new();
    month.run("store");
    let hash = month.state_hash("store");
    let (store, out) = (month.text("store"), month.text("copy"));
    let args = ["backup", "--data", store.as_str(), "--out", out.as_str()];
    // A machine that is busy at that moment must not make all the kills come late.
    let longest = (0..3)
        .map(|_| {
            let _ = std::fs::remove_dir_all(&out);
            let began = Instant::now();
            assert!(command(&args).status().unwrap().success());
            began.elapsed()
        })
        .min()
        .unwrap();
    let (mut none, steps) = (0, 12);
    for step in 0..=steps {
        std::fs::remove_dir_all(&out).unwrap();
        let mut child = command(&args).spawn().unwrap();
        std::thread::sleep(longest * step / steps);
        child.kill().unwrap();
        child.wait().unwrap();
        if Path::new(&out).join("journal.sqlite").exists() {
            assert_eq!(month.state_hash("copy"), hash, "killed at step {step}");
        } else {
            none += 1;
            if Path::new(&out).exists() {
                let told = refused(&["restore", &out, "--data", &month.text("back")]);
                assert!(told.contains("no store"), "{told}");
                assert!(refused(&["verify", "--data", &out]).contains("no store"));
                // Nothing stands in the way of the next one.
                done(&args);
                assert_eq!(month.state_hash("copy"), hash);
            }
        }
        std::fs::create_dir_all(&out).unwrap();
    }
    assert!(none > 0, "killed too late: the first kill comes at once");
    assert!(!month.path("back").exists(), "a restore out of nothing leaves nothing");
}

/// Where a file may not grow as large as the copy must be: told, and nothing is left.
#[test]
fn a_backup_without_room_leaves_nothing() {
    let month = Month::new();
    month.run("store");
    let (store, out) = (month.text("store"), month.text("copy"));
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_esep")]);
    let output = shell.args(["backup", "--data", &store, "--out", &out]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.starts_with("esep: ") && !told.contains("panicked"), "{told}");
    assert!(!Path::new(&out).exists());
    // A folder that was there stays, and is empty again but for the lock.
    std::fs::create_dir_all(&out).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_esep")]);
    assert_eq!(shell.args(["backup", "--data", &store, "--out", &out]).output().unwrap().status.code(), Some(2));
    let left: Vec<_> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "lock"), "{left:?}");
    done(&["backup", "--data", &store, "--out", &out]);
    assert_eq!(month.state_hash("copy"), month.state_hash("store"));
}
