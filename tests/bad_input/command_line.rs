//! Arguments, exit codes, and what reads standard output.

use crate::month::{HEADER, Month, NUMBER, Run, call, esep};
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

#[test]
fn no_such_folder() {
    let run = Run::of(esep(&["rate", "/nonexistent/month"]), None);
    assert_eq!(run.code, 2);
    run.tells("/nonexistent/month: there is no such folder");
}

#[test]
fn outcomes_never_go_where_input_lies() {
    let month = Month::new();
    for out in [month.path(""), month.path("."), month.path("feeds"), month.path("tariffs/..")] {
        let mut command = esep(&["rate"]);
        command.arg(month.0.path()).arg("--out").arg(&out);
        let run = Run::of(command, None);
        assert_eq!(run.code, 2, "{}", out.display());
        run.tells("--out is ").tells("hint: ");
    }
    assert_eq!(fs::read_dir(month.path("feeds")).unwrap().count(), 1);
    let mut command = esep(&["rate"]);
    command.arg(month.0.path()).arg("--out").arg(month.path("accounts.csv"));
    let run = Run::of(command, None);
    assert_eq!(run.code, 2);
    run.tells("outcomes cannot be written");
}

#[test]
fn strict_makes_doubt_an_exit_code() {
    let month = Month::new();
    assert_eq!(month.rate(&["--strict"]).code, 0);
    month.with("payments.csv", "payment_id,account_id,amount,paid_at\np1,A1,ten,2026-03-01\n");
    assert_eq!((month.rate(&["--strict"]).code, month.rate(&[]).code), (1, 0));
    month.without("payments.csv").with("feeds/bad.csv", format!("{HEADER}oops\n"));
    assert_eq!((month.rate(&["--strict"]).code, month.rate(&[]).code), (1, 0));
    month.with("feeds/bad.csv", format!("{HEADER}{}", call("x").replace(NUMBER, "77019990000")));
    let run = month.rate(&["--strict", "--quiet"]);
    assert_eq!(run.code, 1);
    run.reason("suspended", "unknown_line", 1);
    // A whole number of a stranger is not in the outcome files either.
    assert!(run.rows("suspended").iter().all(|row| !row.contains("77019990000")), "{:?}", run.rows("suspended"));
    month.with("tariffs/t.toml", "x");
    month.rate(&["--strict"]).not_done();
}

#[test]
fn json_parses_and_quiet_is_quiet() {
    let month = Month::new();
    month.with("feeds/bad.csv", "oops\n").with("payments.csv", "payment_id,account_id,amount,paid_at\np1,A1,ten,x\n");
    let run = month.rate(&["--json", "--quiet"]);
    assert_eq!(serde_json::from_str::<Value>(&run.stdout).unwrap()["records"], run.summary["records"]);
    assert_eq!(run.stderr, "");
    let run = month.rate(&["--quiet"]);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let month = Month::new();
    let dir = month.0.path().to_str().unwrap();
    let store = tempfile::tempdir().unwrap();
    for args in [
        &["run", dir, "--data", store.path().join("books").to_str().unwrap()][..],
        &["rate", dir, "--json"],
        &["rate", dir],
        &["explain", "good", "--folder", dir],
        &["tariff", "check", dir],
        &["--help"],
    ] {
        let mut child = esep(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(0), "{args:?}: {told}");
        assert!(!told.contains("panicked"), "{told}");
    }
}

#[test]
fn a_full_disk_is_told() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let month = Month::new();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let ended = esep(&["rate"]).arg(month.0.path()).stdout(full).output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("No space left"));
}

#[test]
fn arguments_that_make_no_sense() {
    let month = Month::new();
    let dir = month.0.path().to_str().unwrap();
    for (args, needle) in [
        (&["frobnicate"][..], "unrecognized subcommand"),
        (&["rate"], "<DIR>"),
        (&["rate", dir, "--jobs", "0"], "--jobs"),
        (&["rate", dir, "--jobs", "65536"], "--jobs"),
        (&["rate", dir, "--frob"], "--frob"),
        (&["explain", "nobody", "--folder", dir], "no record nobody"),
        (&["explain", "good", "--folder", dir, "--language", "fr"], "none of kk, ru, en"),
        (&["generate", "--records", "-1", "--out", dir], "--records"),
        (&["generate", "--records", "1", "--out", dir], "is not empty"),
        (&["generate", "--records", "1", "--month", "2026-13", "--out", "/nonexistent/x"], "2026-13"),
        (&["tariff", "check", "/nonexistent/t.toml"], "/nonexistent/t.toml"),
        (&[], "Usage"),
    ] {
        let run = Run::of(esep(args), None);
        assert_eq!(run.code, 2, "{args:?}: {}", run.stderr);
        run.tells(needle);
    }
}
