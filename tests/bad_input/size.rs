//! Long lines, many lines, bombs: memory stays bounded.

use crate::month::{CALLED, HEADER, Month, NUMBER, Run, call, esep, zst_of};
use serde_json::Value;
use std::fs::File;
use std::io::Write;

#[test]
fn a_line_of_300_megabytes_streams_through() {
    let month = Month::new();
    month.with("feeds/long.csv", HEADER);
    let file = File::options().append(true).open(month.path("feeds/long.csv")).unwrap();
    file.set_len(300_000_000).unwrap();
    (&file).write_all(format!("\n{}", call("after")).as_bytes()).unwrap();
    let run = month.rate(&["--jobs", "2"]);
    run.ended(2, 0, 1).reason("rejected", "line_too_long", 1);
    assert!(run.rows("rejected")[0].contains(" bytes on one line; a record has at most 65536"));
    assert!(run.peak_kib < 200_000, "{} KiB", run.peak_kib);
}

#[test]
fn a_long_first_line() {
    let month = Month::new();
    let long = "x".repeat(70_000);
    month
        .with("feeds/a.csv", format!("{long}\n{}", call("a")))
        .with("feeds/b.ndjson", format!("{{\"{long}\":1}}\n{{\"record_id\":\"n\",\"service\":\"sms\",\"a_number\":\"{NUMBER}\",\"b_number\":\"{CALLED}\",\"setup_at\":\"2026-03-10T10:00:00Z\"}}\n"))
        .with("esep.toml", "[[feed]]\nsource = \"a\"\nfiles = \"feeds/*.csv\"\n[[feed]]\nsource = \"b\"\nfiles = \"feeds/*.ndjson\"\nformat = \"ndjson\"\n");
    // A format without a header loses one line; a file that lost its header loses all.
    let run = month.rate(&[]);
    run.ended(2, 0, 3).reason("rejected", "line_too_long", 2).reason("rejected", "bad_header", 1);
    run.tells("feeds/a.csv: the file has no header line");
}

#[test]
fn a_compression_bomb_is_cut_off() {
    let month = Month::new();
    let zeros = vec![0; 16 << 20];
    let run = month.with("feeds/bomb.csv", zst_of(&zeros, 80)).rate(&["--jobs", "2"]);
    run.ended(1, 0, 1).reason("rejected", "truncated_input", 1);
    run.tells("feeds/bomb.csv: the archive grew to").tells("it is damaged or hostile");
    assert!(run.peak_kib < 200_000, "{} KiB", run.peak_kib);
}

#[test]
fn a_bomb_of_blank_lines_is_no_record_and_takes_no_time() {
    let month = Month::new();
    let mut archive = zst_of(&vec![b'\n'; 16 << 20], 6);
    archive.extend(zst_of(format!("{HEADER}{}oops\n", call("a")).as_bytes(), 1));
    let run = month.with("feeds/bomb.csv", archive).rate(&["--jobs", "2"]);
    run.ended(2, 0, 1).reason("rejected", "bad_columns", 1);
    assert!(run.rows("rejected")[0].starts_with("feeds,feeds/bomb.csv,100663299,"), "{:?}", run.rows("rejected"));
    assert!(run.peak_kib < 200_000, "{} KiB", run.peak_kib);
}

#[test]
fn a_header_behind_too_many_blank_lines_is_none() {
    let month = Month::new();
    let mut archive = zst_of(&vec![b'\n'; 16 << 20], 9);
    archive.extend(zst_of(format!("{HEADER}{}oops\n", call("a")).as_bytes(), 1));
    let run = month.with("feeds/bomb.csv", archive).rate(&["--jobs", "2"]);
    run.ended(1, 0, 3).reason("rejected", "bad_header", 3);
    assert!(run.peak_kib < 200_000, "{} KiB", run.peak_kib);
}

#[test]
fn many_tiny_lines_take_bounded_memory() {
    let month = Month::new();
    let run = {
        month.with("feeds/a.csv.zst", {
            let mut archive = zst_of(HEADER.as_bytes(), 1);
            archive.extend(zst_of(&b"x\n".repeat(1 << 20), 1));
            archive
        });
        month.with("esep.toml", "[[feed]]\nsource = \"a\"\nfiles = \"feeds/*\"\n");
        let mut command = esep(&["rate", "--json", "--jobs", "2"]);
        command.arg(month.0.path());
        Run::of(command, None)
    };
    let summary: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(summary["rejected"]["bad_columns"], 1 << 20);
    assert!(run.peak_kib < 200_000, "{} KiB", run.peak_kib);
}
