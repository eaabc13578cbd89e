//! `esep ingest FILE… --source NAME`: files by the reference data of the books.

use crate::month::{Month, Ran, calls, esep, gzip, ran};
use serde_json::Value;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

fn ingest(month: &Month, args: &[&str], files: &[PathBuf]) -> Ran {
    let mut command = esep(&["ingest", "--json"]);
    command.args(args).args(files).arg("--data").arg(month.store("s"));
    ran(command)
}

fn records(ran: &Ran, what: &str) -> u64 {
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
    summary["records"][what].as_u64().unwrap()
}

#[test]
fn files_of_a_feed_that_the_books_know() {
    let month = Month::new();
    let outside = tempfile::tempdir().unwrap();
    let file = |name: &str| outside.path().join(name);
    fs::write(file("x.csv"), calls("x-", 4)).unwrap();
    fs::write(file("y.csv.gz"), gzip(calls("y-", 3).as_bytes())).unwrap();

    let ran = ingest(&month, &["--source", "a"], &[file("x.csv")]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("the books know no reference data yet"), "{}", ran.stderr);

    assert_eq!(month.ingest("s").code, 0);
    let ran = ingest(&month, &["--source", "a"], &[file("x.csv"), file("y.csv.gz")]);
    assert_eq!((ran.code, records(&ran, "rated")), (0, 7), "{}", ran.stderr);
    let again = ingest(&month, &["--source", "a"], &[file("x.csv"), file("y.csv.gz")]);
    assert_eq!((again.code, records(&again, "duplicate")), (0, 0));

    // The same bytes under the name of a folder's file: each record once.
    month.with("feeds/a-1.csv", calls("x-", 4)).with("feeds/a-2.csv", calls("y-", 3));
    let before = month.state("s");
    assert_eq!(month.ingest("s").code, 0);
    assert_eq!(month.state("s"), before);

    for (args, text) in [
        (&["--source", "c"][..], "the books know no feed `c`\n  hint: they know `a`, `b`"),
        (&[][..], "there are several feeds\n  hint: say which with --source: `a`, `b`"),
    ] {
        let ran = ingest(&month, args, &[file("x.csv")]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(text), "{}", ran.stderr);
    }
}

#[test]
fn without_a_name_it_is_the_only_feed() {
    let month = Month::new();
    month.with("esep.toml", "[[feed]]\nsource = \"only\"\nfiles = \"feeds/*.csv\"\n");
    assert_eq!(month.ingest("s").code, 0);
    month.with("x.csv", calls("x-", 2));
    let ran = ingest(&month, &[], &[month.path("x.csv")]);
    assert_eq!((ran.code, records(&ran, "rated")), (0, 2), "{}", ran.stderr);
}

#[test]
fn each_path_that_cannot_be_read_is_told_and_nothing_is_done() {
    let month = Month::new();
    assert_eq!(month.ingest("s").code, 0);
    let before = month.state("s");
    month.with("x.csv", calls("x-", 2)).with("shut.csv", calls("s-", 2));
    fs::set_permissions(month.path("shut.csv"), fs::Permissions::from_mode(0o000)).unwrap();
    let ran = ingest(
        &month,
        &["--source", "a"],
        &[month.path("x.csv"), month.path("none.csv"), month.path("shut.csv"), month.path("no/where.csv")],
    );
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("none.csv cannot be read: No such file"), "{}", ran.stderr);
    assert!(ran.stderr.contains("no/where.csv cannot be read: No such file"), "{}", ran.stderr);
    if File::open(month.path("shut.csv")).is_err() {
        assert!(ran.stderr.contains("shut.csv cannot be read: Permission denied"), "{}", ran.stderr);
    }
    assert_eq!(month.state("s"), before);

    let ran = ingest(&month, &[], &[month.root().to_owned(), month.path("x.csv")]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("folders and files together"), "{}", ran.stderr);
    let ran = ingest(&month, &["--source", "a"], &[month.root().to_owned()]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--source is for files"), "{}", ran.stderr);
}

#[test]
fn several_folders_one_after_the_other() {
    let (first, second) = (Month::new(), Month::new());
    first.with("feeds/a-1.csv", calls("x-", 4));
    second.with("feeds/a-2.csv", calls("y-", 3)).with("feeds/b-1.csv", calls("z-", 2));
    let ran = ingest(&first, &[], &[first.root().to_owned(), second.root().to_owned()]);
    assert_eq!((ran.code, records(&ran, "rated")), (0, 9), "{}", ran.stderr);
}
