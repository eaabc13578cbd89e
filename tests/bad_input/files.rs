//! Files that are empty, cut off, none, or not to be read.

use crate::month::{HEADER, Month, call, gzip};
use std::fs::{self, File};

#[test]
fn empty_files_a_header_alone_and_blank_lines() {
    let month = Month::new();
    month.with("feeds/empty.csv", "").with("feeds/header.csv", HEADER).with("feeds/blank.csv", "\n\r\n\n");
    month.with("feeds/bom.csv", "\u{feff}");
    let run = month.rate(&[]);
    run.ended(1, 0, 0);
    for name in ["empty", "blank", "bom"] {
        run.tells(&format!("feeds/{name}.csv: empty"));
    }
    assert_eq!(run.summary["files"].as_array().unwrap().len(), 5);
}

#[test]
fn a_truncated_archive_gives_its_whole_lines() {
    let month = Month::new();
    let lines: String = (0..3000).map(|number| call(&format!("r{number}-{}", number * 7919 % 3001))).collect();
    let archive = gzip(format!("{HEADER}{lines}").as_bytes());
    month.with("feeds/a.csv", &archive[..archive.len() * 9 / 10]);
    let run = month.rate(&[]);
    run.reason("rejected", "truncated_input", 1).tells("feeds/a.csv: the gzip archive is cut off or corrupt");
    let rated = run.summary["records"]["rated"].as_u64().unwrap();
    assert!((100..3000).contains(&rated), "{rated}");
    run.ended(rated, 0, 1);
}

#[test]
fn archives_that_are_none() {
    let month = Month::new();
    month.with("esep.toml", "[[feed]]\nsource = \"a\"\nfiles = \"feeds/*\"\n");
    month.with("feeds/plain.csv.gz", format!("{HEADER}{}", call("a"))).with("feeds/empty.csv.zst", "");
    month.with("feeds/corrupt.csv.zst", b"\x28\xb5\x2f\xfdgarbage");
    let run = month.rate(&[]);
    run.ended(1, 0, 3).reason("rejected", "truncated_input", 3);
    run.tells("feeds/plain.csv.gz: not a gzip archive, as its name says")
        .tells("feeds/empty.csv.zst: the zstd archive is empty");
}

#[test]
fn a_directory_and_a_dangling_link_among_the_feeds_are_told() {
    let month = Month::new();
    fs::create_dir(month.path("feeds/dir.csv")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", month.path("feeds/link.csv")).unwrap();
    let run = month.rate(&[]);
    run.ended(1, 0, 0).tells("feeds/dir.csv: warning: not a file");
    #[cfg(unix)]
    run.tells("feeds/link.csv: warning: not a file");
    assert_eq!(run.summary["reference_warnings"], if cfg!(unix) { 2 } else { 1 });
}

#[test]
fn patterns_that_match_nothing_and_files_that_no_feed_reads() {
    let month = Month::new();
    month.with("esep.toml", "[[feed]]\nsource = \"a\"\nfiles = [\"feeds/good.csv\", \"feeds/*.gz\"]\n[[feed]]\nsource = \"msc-9\"\nfiles = \"feeds/msc9-*\"\n");
    month.with("feeds/other.txt", "x");
    let run = month.rate(&[]);
    run.ended(1, 0, 0)
        .tells("feed `msc-9`: no file fits")
        .tells("feeds/other.txt: warning: no feed of esep.toml reads");
    month.without("feeds/good.csv").rate(&[]).ended(0, 0, 0).tells("no file of any feed");
    month
        .with("esep.toml", "[[feed]]\nsource = \"a\"\nfiles = \"feeds/[\"\n")
        .rate(&[])
        .not_done()
        .tells("is not a pattern");
}

#[test]
fn an_unreadable_file_stops_the_run() {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let month = Month::new();
        for name in ["feeds/good.csv", "accounts.csv", "tariffs/t.toml", "prefixes.csv"] {
            let path = month.path(name);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
            if File::open(&path).is_ok() {
                return; // Nothing is unreadable for root.
            }
            month.rate(&[]).not_done().tells(name).tells("denied");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        }
    }
}

#[test]
fn reference_files_that_are_directories() {
    for name in ["accounts.csv", "lines.csv", "payments.csv", "prefixes.csv", "esep.toml"] {
        let month = Month::new();
        let _ = fs::remove_file(month.path(name));
        fs::create_dir(month.path(name)).unwrap();
        month.rate(&[]).not_done().tells(name);
    }
}
