//! What may not be read or written, by a user who is not root: told, and nothing lost.

use crate::month::{Month, Run, call, esep};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

const NOBODY: u32 = 65_534;

/// A command of a user without rights of his own; none where there is no other user or he may not run it.
fn nobodys(args: &[&str]) -> Option<Command> {
    let mut command = esep(args);
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
        let mut trial = Command::new(env!("CARGO_BIN_EXE_esep"));
        trial.arg("--version").uid(NOBODY).gid(NOBODY).current_dir("/");
        // The folder of the built program may be closed to others.
        trial.output().ok()?;
    }
    Some(command)
}

fn owned_by_nobody(path: &Path) {
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| owned_by_nobody(&entry.unwrap().path()));
    }
}

fn mode(path: &Path, bits: u32) {
    fs::set_permissions(path, Permissions::from_mode(bits)).unwrap();
}

#[test]
fn no_permission_is_told_with_the_place_and_nothing_is_lost() {
    let month = Month::new();
    month.with("books/.keep", "");
    let (folder, data) = (month.path(""), month.path("books/store"));
    let (folder, data) = (folder.to_str().unwrap(), data.to_str().unwrap());
    owned_by_nobody(month.0.path());
    let run = |args: &[&str]| nobodys(args).map(|command| Run::of(command, None));
    let ingest = &["ingest", folder, "--data", data, "--jobs", "1"];
    let Some(first) = run(ingest) else { return };
    assert_eq!(first.code, 0, "{}", first.stderr);
    let state = || {
        let run = run(&["verify", "--data", data]).unwrap();
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        let told = format!("{}{}", run.stdout, run.stderr);
        told.lines().find(|line| line.starts_with("state hash")).unwrap().to_owned()
    };
    let before = state();
    // One more call is to come, whatever is in the way of it.
    month.with("feeds/more.csv", format!("{}{}", crate::month::HEADER, call("more")));
    owned_by_nobody(&month.path("feeds/more.csv"));
    for (place, bits, named) in [
        ("books/store", 0o000, "books/store"),
        ("books/store/journal.sqlite", 0o400, "journal.sqlite"),
        ("books/store/journal.sqlite", 0o000, "journal.sqlite"),
        ("books/store/head", 0o000, "head"),
        ("books/store/lock", 0o000, "lock"),
        ("books/store/segments", 0o000, "books/store/segments"),
        ("books/store/keys", 0o000, "books/store/keys"),
        ("books/store/reference", 0o000, "books/store/reference"),
        ("feeds/more.csv", 0o000, "feeds/more.csv"),
        ("feeds", 0o000, "feeds"),
        ("accounts.csv", 0o000, "accounts.csv"),
    ] {
        let path = month.path(place);
        let allowed = fs::metadata(&path).unwrap().permissions().mode();
        mode(&path, bits);
        let refused = run(ingest).unwrap();
        mode(&path, allowed);
        assert_eq!(refused.code, 2, "{place} {bits:o}: {}{}", refused.stdout, refused.stderr);
        refused.tells(named);
        let why = &refused.stderr;
        assert!(why.contains("Permission denied") || why.contains("needs to read and write"), "{place}: {why}");
        assert!(!why.contains("immutable"), "{why}");
        assert_eq!(state(), before, "{place} {bits:o}");
    }
    let then = run(ingest).unwrap();
    assert_eq!(then.code, 0, "{}", then.stderr);
    assert_ne!(state(), before);
}
