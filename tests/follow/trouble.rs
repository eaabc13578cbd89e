//! What can be wrong with a folder that is followed.

use crate::month::{Month, calls, esep, ran};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_folder_that_is_not_there_or_no_folder() {
    let month = Month::new();
    month.with("file", "x");
    for (path, text) in [("nowhere", "there is no such folder"), ("file", "there is no such folder")] {
        let mut command = esep(&["ingest", "--follow"]);
        command.arg(month.path(path)).arg("--data").arg(month.store("s"));
        let ran = ran(command);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(text), "{}", ran.stderr);
    }
    for (args, text) in [
        (&["--source", "a"][..], "--source is for files"),
        (&["--strict"][..], "--strict"),
        (&["other"][..], "--follow watches one folder"),
    ] {
        let mut command = esep(&["ingest", "--follow"]);
        command.arg(month.root()).args(args).arg("--data").arg(month.store("s"));
        let ran = ran(command);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(text), "{}", ran.stderr);
    }
    // Reference data that does not load: nothing can begin.
    month.with("tariffs/t.toml", "name = 1");
    assert_eq!(month.follow("s").wait().code(), Some(2));
}

#[test]
fn a_folder_that_vanishes_is_waited_for() {
    let month = Month::new();
    month.with("feeds/a-1.csv", calls("a-", 3));
    let mut follow = month.follow("s");
    follow.came(3);
    let away = month.store("away");
    fs::rename(month.root(), &away).unwrap();
    follow.tells("feeds wait until it is back");
    fs::write(away.join("feeds/b-1.csv"), calls("b-", 2)).unwrap();
    fs::rename(&away, month.root()).unwrap();
    follow.came(5);
    fs::rename(month.path("feeds"), month.path("gone")).unwrap();
    month.with("feeds/b-2.csv", calls("c-", 2));
    follow.came(7).stop();
    for name in ["a-1.csv", "b-1.csv"] {
        fs::rename(month.path("gone").join(name), month.path("feeds").join(name)).unwrap();
    }
    month.is_as_one_run("s");
}

#[test]
fn a_feed_file_that_is_a_folder_is_told_once() {
    let month = Month::new();
    fs::create_dir(month.path("feeds/a-0.csv")).unwrap();
    month.with("feeds/a-1.csv", calls("a-", 3));
    let mut follow = month.follow("s");
    follow.came(3);
    fs::create_dir(month.path("feeds/b-0.csv")).unwrap();
    follow.tells("feeds/b-0.csv: warning: not a file");
    month.with("feeds/b-1.csv", calls("b-", 2));
    follow.came(5).stop();
    let told = follow.told();
    assert_eq!(told.matches("feeds/a-0.csv: warning: not a file").count(), 1, "{told}");
}

#[test]
fn a_file_that_may_not_be_read_is_taken_when_it_may() {
    let month = Month::new();
    month.with("feeds/a-1.csv", calls("a-", 3));
    let path = month.path("feeds/a-1.csv");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&path).is_ok() {
        return; // Nothing is unreadable for root.
    }
    month.with("feeds/b-1.csv", calls("b-", 2));
    let mut follow = month.follow("s");
    follow.came(2).tells("a-1.csv cannot be read");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    follow.came(5).stop();
    assert_eq!(follow.told().matches("a-1.csv cannot be read").count(), 1);
}

#[test]
fn no_personal_data_is_told() {
    let month = Month::new();
    month.with("feeds/a-1.csv", calls("a-", 3)).with("feeds/b-1.csv", "record_id,a_number\nx,77015550001\n");
    let mut follow = month.follow("s");
    follow.came(4).stop();
    assert!(!follow.told().contains("77015550001"), "{}", follow.told());
}
