//! Files that come, grow, change and go.

use crate::month::{HEADER, Month, call, call_of, calls, gzip};
use std::fs;

#[test]
fn what_is_there_what_is_moved_in_and_what_grows() {
    let month = Month::new();
    month.with("feeds/a-1.csv", calls("one-", 5));
    let mut follow = month.follow("s");
    follow.came(5);
    month.moved_in("feeds/b-1.csv", calls("two-", 7));
    follow.came(12);
    month.moved_in("feeds/a-2.csv.gz", gzip(calls("three-", 11).as_bytes()));
    follow.came(23);
    month.append("feeds/a-1.csv", call("more"));
    follow.came(24);
    follow.stop();
    assert_eq!(follow.sum("/records/rated"), 24);
    month.is_as_one_run("s");
}

#[test]
fn a_line_counts_when_it_has_its_end() {
    let month = Month::new();
    let (first, second) = HEADER.split_at(20);
    month.with("feeds/a-1.csv", first);
    let mut follow = month.follow("s");
    month.with("feeds/b-1.csv", calls("b-", 1));
    follow.came(1);
    month.append("feeds/a-1.csv", second);
    for n in 0..6 {
        let line = call(&format!("half-{n}"));
        let (head, tail) = line.split_at(line.len() * (n + 1) / 8);
        month.append("feeds/a-1.csv", head);
        // The other feed's record is read after the half of a line was there.
        month.append("feeds/b-1.csv", call(&format!("mark-{n}")));
        let came = 2 + 2 * n as i64;
        follow.came(came);
        month.append("feeds/a-1.csv", tail);
        follow.came(came + 1);
    }
    assert_eq!(follow.sum("/records/rated"), 13);
    // A last line without end waits over a restart too, and over what reads it as it is.
    month.append("feeds/a-1.csv", call("last").trim_end());
    month.append("feeds/b-1.csv", call("mark"));
    follow.came(14).stop();
    let mut follow = month.follow("s");
    month.append("feeds/b-1.csv", call("again"));
    follow.came(1);
    month.append("feeds/a-1.csv", "\n");
    follow.came(2).stop();
    month.is_as_one_run("s");
}

#[test]
fn a_line_longer_than_any_record_grows_too() {
    let month = Month::new();
    month.with("feeds/a-1.csv", calls("a-", 1)).with("feeds/b-1.csv", calls("b-", 1));
    let mut follow = month.follow("s");
    follow.came(2);
    for n in 0..3 {
        month.append("feeds/a-1.csv", "x".repeat(100_000)).append("feeds/b-1.csv", call(&format!("mark-{n}")));
        follow.came(3 + n);
    }
    month.append("feeds/a-1.csv", format!("\n{}", call("behind")));
    follow.came(7).stop();
    assert_eq!((follow.sum("/records/rejected"), follow.sum("/records/rated")), (1, 6));
    month.is_as_one_run("s");
}

#[test]
fn an_archive_is_taken_when_it_is_whole() {
    let month = Month::new();
    let archive = gzip(calls("z-", 3000).as_bytes());
    let half = archive.len() / 2;
    month.with("feeds/a-1.csv.gz", &archive[..half]).with("feeds/b-1.csv", calls("b-", 1));
    let mut follow = month.follow("s");
    follow.came(1).tells("feeds/a-1.csv.gz: the gzip archive is cut off or corrupt");
    month.append("feeds/a-1.csv.gz", &archive[half..archive.len() - 1]);
    month.append("feeds/b-1.csv", call("mark"));
    follow.came(2);
    month.append("feeds/a-1.csv.gz", &archive[archive.len() - 1..]);
    follow.came(3002);
    // A second member of the archive.
    month.append("feeds/a-1.csv.gz", gzip(call("member").as_bytes()));
    follow.came(3003).stop();
    assert_eq!((follow.sum("/records/rejected"), follow.sum("/records/duplicate")), (0, 0));
    month.is_as_one_run("s");
}

#[test]
fn a_file_that_is_another_one_now_is_read_from_its_beginning() {
    let month = Month::new();
    month.with("feeds/a-1.csv", calls("old-", 10)).with("feeds/b-1.csv", calls("b-", 4));
    let mut follow = month.follow("s");
    follow.came(14);
    // Another file under the name, longer and shorter.
    month.moved_in("feeds/a-1.csv", calls("new-", 20));
    follow.came(34).tells("feeds/a-1.csv: not what was read under this name before");
    month.moved_in("feeds/a-1.csv", calls("newer-", 2));
    follow.came(36);
    // The same file, written anew in place.
    month.with("feeds/b-1.csv", calls("c-", 6));
    follow.came(42).tells("feeds/b-1.csv: not what was read under this name before");
    // It shrinks to what it was in the beginning, and grows from there.
    month.with("feeds/b-1.csv", calls("c-", 3));
    follow.came(45);
    month.append("feeds/b-1.csv", call("behind"));
    follow.came(46).stop();
    assert_eq!((follow.sum("/records/rated"), follow.sum("/records/duplicate")), (43, 3));
    // Each record once: the books are those of all that ever came.
    let whole = Month::new();
    let all: String = [("old-", 10), ("new-", 20), ("newer-", 2)].map(|(name, n)| calls(name, n)).concat();
    let lines = |text: &str| {
        text.lines().filter(|line| !line.starts_with("record_id")).map(|l| format!("{l}\n")).collect::<String>()
    };
    whole.with("feeds/a-1.csv", format!("{HEADER}{}", lines(&all)));
    let all = [calls("b-", 4), calls("c-", 6), call("behind")].concat();
    whole.with("feeds/b-1.csv", format!("{HEADER}{}", lines(&all)));
    whole.ingest("s");
    assert_eq!(month.state("s"), whole.state("s"));
}

#[test]
fn files_that_go_are_forgotten_and_may_come_back() {
    let month = Month::new();
    month.with("feeds/a-1.csv", calls("a-", 3));
    let mut follow = month.follow("s");
    follow.came(3);
    fs::rename(month.path("feeds/a-1.csv"), month.path("done.csv")).unwrap();
    month.with("feeds/b-1.csv", calls("b-", 2));
    follow.came(5);
    month.append("done.csv", call("late"));
    fs::rename(month.path("done.csv"), month.path("feeds/a-1.csv")).unwrap();
    follow.came(6).stop();
    assert_eq!(follow.sum("/records/duplicate"), 0);
    month.is_as_one_run("s");
}

#[test]
fn reference_data_and_payments_are_taken_before_the_feeds_that_come_with_them() {
    let month = Month::new();
    month.with("feeds/a-1.csv", calls("a-", 2));
    let mut follow = month.follow("s");
    follow.came(2);
    let line = 77_015_550_002;
    month.append("accounts.csv", "A2,p,credit\n").append("lines.csv", format!("{line},A2,,\n"));
    month
        .with("payments.csv", "payment_id,account_id,amount,paid_at,channel\nP1,A2,100.00,2026-03-05T10:00:00Z,bank\n");
    month.append("feeds/a-1.csv", call_of(line, "new-line"));
    follow.came(3).until("a payment", |now| now.sum("/payments/new") == 1);
    assert_eq!((follow.sum("/records/rated"), follow.sum("/records/suspended")), (3, 0));
    month.append("payments.csv", "P2,A1,50.00,2026-03-06T10:00:00Z,bank\n");
    follow.until("another payment", |now| now.sum("/payments/new") == 2);
    assert_eq!(follow.sum("/payments/differing"), 0);
    // What cannot be loaded holds the feeds; nothing is charged wrongly, nothing is lost.
    let tariff = fs::read(month.path("tariffs/t.toml")).unwrap();
    month.with("tariffs/t.toml", "name = \"t\"\n").append("feeds/a-1.csv", call("held"));
    follow.tells("feeds wait until it is mended");
    assert_eq!(follow.sum("/records/in"), 3);
    month.with("tariffs/t.toml", tariff);
    follow.came(4).stop();
    month.is_as_one_run("s");
}
