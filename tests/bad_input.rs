//! Bad input, end to end through the built program: each kind gives a clear message and a counted outcome; nothing
//! panics, nothing is lost, memory stays bounded, and no message holds personal data.
//!
//! Source: rating 1.2, interface 7.1–7.4.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop at the first surprise"
)]

use serde_json::Value;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const TARIFF: &str = r#"name = "t"
valid_from = 2020-01-01
time_zone = "Asia/Almaty"
[zones]
ld = { kind = "long-distance" }
[plans.p]
[[plans.p.rates]]
service = "voice"
unit = "10s"
price = "4.50"
[[plans.p.rates]]
service = "sms"
unit = "event"
price = "13"
[[plans.p.rates]]
service = "data"
unit = "1KB"
price = "0.01"
"#;
const HEADER: &str = "record_id,service,a_number,b_number,setup_at,answer_at,release_at,cause\n";
const NUMBER: &str = "77015550001";
const CALLED: &str = "87172555123";
/// What no message may hold: numbers, a name, an IIN, an address.
const PERSONAL: [&str; 6] = [NUMBER, CALLED, "77172555123", "Придуманова", "870101300017", "Небывалая"];

/// A call of one minute: 6 units, 27.00.
fn call(id: &str) -> String {
    let time = "2026-03-10T10:0";
    format!("{id},voice,{NUMBER},{CALLED},{time}0:00Z,{time}0:00Z,{time}1:00Z,16\n")
}

/// The folder of a month that is as it should be, until a test says otherwise.
struct Month(TempDir);

impl Month {
    fn new() -> Self {
        let month = Self(tempfile::tempdir().unwrap());
        month
            .with("tariffs/t.toml", TARIFF)
            .with("prefixes.csv", "prefix,zone\n7,ld\n")
            .with(
                "accounts.csv",
                "account_id,iin,name,address,plan,method\nA1,870101300017,Вера Придуманова,\"ул. Небывалая, 3\",p,credit\n",
            )
            .with("lines.csv", format!("line,account_id,valid_from,valid_to\n{NUMBER},A1,,\n"))
            .with("feeds/good.csv", format!("{HEADER}{}", call("good")));
        month
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn with(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    fn without(&self, name: &str) -> &Self {
        fs::remove_file(self.path(name)).unwrap();
        self
    }

    /// `esep rate DIR --out OUT` and these arguments.
    fn rate(&self, args: &[&str]) -> Run {
        let out = tempfile::tempdir().unwrap();
        let mut command = esep(&["rate"]);
        command.arg(self.0.path()).arg("--out").arg(out.path()).args(args);
        Run::of(command, Some(out))
    }
}

fn esep(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_esep"));
    command.args(args);
    command
}

/// What became of a run, checked for what holds of every run.
struct Run {
    code: i32,
    stdout: String,
    stderr: String,
    summary: Value,
    out: Option<TempDir>,
    peak_kib: u64,
}

impl Run {
    fn of(mut command: Command, out: Option<TempDir>) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let text = |read: &mut dyn Read| {
            let mut text = String::new();
            read.read_to_string(&mut text).expect("what is told is UTF-8");
            text
        };
        let (stdout, stderr, peak_kib) = std::thread::scope(|scope| {
            let stdout = scope.spawn(move || text(&mut stdout));
            let stderr = scope.spawn(move || text(&mut stderr));
            let mut peak = 0;
            while child.try_wait().unwrap().is_none() {
                peak = peak.max(peak_kib(child.id()));
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            (stdout.join().unwrap(), stderr.join().unwrap(), peak)
        });
        let code = child.wait().unwrap().code().expect("an exit code, not a signal");
        let summary = out.as_ref().and_then(|out| fs::read(out.path().join("summary.json")).ok());
        let summary = summary.map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).expect("summary.json parses"));
        let run = Self { code, stdout, stderr, summary, out, peak_kib };
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        assert!(run.stderr.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", run.stderr);
        for personal in PERSONAL {
            assert!(!run.stderr.contains(personal), "{personal} in: {}", run.stderr);
        }
        if !run.summary.is_null() {
            run.check_totals();
        }
        run
    }

    /// in = rated + filtered + duplicate + suspended + rejected, for the run and each file, and a row for each.
    fn check_totals(&self) {
        let records = &self.summary["records"];
        let files = self.summary["files"].as_array().unwrap();
        let number = |value: &Value, name: &str| value[name].as_u64().unwrap();
        let sum = |value: &Value| OUTCOMES.iter().map(|outcome| number(value, outcome)).sum::<u64>();
        for of in files.iter().chain([records]) {
            assert_eq!(number(of, "in"), sum(of), "{of}");
        }
        for name in OUTCOMES.iter().chain(&["in"]) {
            assert_eq!(files.iter().map(|file| number(file, name)).sum::<u64>(), number(records, name), "{name}");
        }
        for outcome in ["filtered", "suspended", "rejected"] {
            let reasons = self.summary[outcome].as_object().unwrap().values();
            assert_eq!(reasons.map(|count| count.as_u64().unwrap()).sum::<u64>(), number(records, outcome));
        }
        for outcome in OUTCOMES {
            assert_eq!(self.rows(outcome).len() as u64, number(records, outcome), "{outcome}.csv");
        }
        let raw = fs::read_to_string(self.out.as_ref().unwrap().path().join("rejected-raw.ndjson")).unwrap();
        assert_eq!(raw.lines().count() as u64, number(records, "rejected"));
        for line in raw.lines() {
            serde_json::from_str::<Value>(line).expect("a rejected line is kept as JSON");
        }
    }

    /// Rows of an outcome file; no field of these tests goes over lines.
    fn rows(&self, outcome: &str) -> Vec<String> {
        let path = self.out.as_ref().unwrap().path().join(format!("{outcome}.csv"));
        fs::read_to_string(path).unwrap().lines().skip(1).map(str::to_owned).collect()
    }

    /// Done, with so many records rated, suspended and rejected.
    fn ended(&self, rated: u64, suspended: u64, rejected: u64) -> &Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        let records = &self.summary["records"];
        let found = ["rated", "suspended", "rejected"].map(|name| records[name].as_u64().unwrap());
        assert_eq!(found, [rated, suspended, rejected], "{records} {}", self.stderr);
        self
    }

    /// So many records ended so for this reason.
    fn reason(&self, outcome: &str, reason: &str, count: u64) -> &Self {
        assert_eq!(self.summary[outcome][reason].as_u64(), Some(count), "{}", self.summary[outcome]);
        self
    }

    /// Nothing was rated.
    fn not_done(&self) -> &Self {
        assert_eq!(self.code, 2, "{}{}", self.stdout, self.stderr);
        assert!(self.summary.is_null(), "a summary of what was not done");
        self
    }

    fn tells(&self, needle: &str) -> &Self {
        assert!(self.stderr.contains(needle), "not told: {needle}\n{}", self.stderr);
        self
    }
}

const OUTCOMES: [&str; 5] = ["rated", "filtered", "duplicate", "suspended", "rejected"];

/// The most memory that a process has had; 0 where the system does not tell.
fn peak_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0)
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// An archive of a block so many times over: frames follow each other.
fn zst_of(block: &[u8], times: usize) -> Vec<u8> {
    zstd::encode_all(block, 1).unwrap().repeat(times)
}

// ---- text

#[test]
fn quotes_commas_line_ends_and_a_byte_order_mark() {
    let month = Month::new();
    let text = format!("\u{feff}{HEADER}{}{}", call("\"a,\"\"b\"\"\""), call("c")).replace('\n', "\r\n");
    month.with("feeds/a.csv", text);
    let run = month.rate(&[]);
    run.ended(3, 0, 0);
    assert!(run.rows("rated").iter().any(|row| row.starts_with("feeds,\"a,\"\"b\"\"\",A1,p,")));
}

#[test]
fn a_stray_quote_damages_one_line_and_not_the_rest() {
    let month = Month::new();
    let cut = call("b").replace(&format!(",{NUMBER}"), &format!(",\"{NUMBER}"));
    month.with("feeds/a.csv", format!("{HEADER}{cut}\"x\"y{}{}", call(""), call("c")));
    month.rate(&[]).ended(2, 0, 2).reason("rejected", "bad_quotes", 2);
}

#[test]
fn nul_bytes_and_what_is_not_utf_8() {
    let month = Month::new();
    let mut text = format!("{HEADER}{}", call("a")).into_bytes();
    text.extend(call("b\0").bytes());
    text.extend(b"c\xc0\xff");
    text.extend(call("").bytes());
    text.extend(call("d").bytes());
    let run = month.with("feeds/a.csv", text).rate(&[]);
    run.ended(3, 0, 2).reason("rejected", "bad_text", 2);
    assert!(run.rows("rejected").iter().any(|row| row.contains("a NUL byte at column 2")));
}

#[test]
fn utf_16_is_told_and_counted() {
    let month = Month::new();
    let text: Vec<u8> = format!("\u{feff}{HEADER}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    month.with("feeds/a.csv", text).rate(&[]).ended(1, 0, 1).tells("feeds/a.csv: the file is UTF-16; save it as UTF-8");
}

#[test]
fn escape_sequences_do_not_reach_the_terminal() {
    let month = Month::new();
    month
        .with("accounts.csv", "account_id,plan,method\nA1,p,\u{1b}[2J\n\u{1b}[31mA2,p,x\nA3,p,credit\nA3,p,credit\n")
        .with("payments.csv", "payment_id,account_id,amount,paid_at\n\u{7}1,\u{7}A9,\u{7}1,\u{7}2\n")
        .with("events.csv", "account_id,at,kind\n\u{7}A1,\u{7}2,\u{7}3\nA3,\u{7},resumed\n")
        .with("assignments.csv", "account_id,plan,valid_from,valid_to\n\u{7}A1,p,,\nA3,p,\u{7},\n")
        .with("esep.toml", "[[feed]]\nsource = \"x\\u0007\"\nfiles = [\"feeds/*.csv\", \"no\\u0007\"]\n");
    month.rate(&[]).ended(0, 1, 0).tells("accounts.csv:2").tells("method");
}

// ---- size

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

// ---- files

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

// ---- records

#[test]
fn missing_columns_and_columns_twice() {
    let month = Month::new();
    month.with("feeds/a.csv", format!("record_id,service,b_number\n{}{}", call("a"), call("b")));
    month.with("feeds/b.csv", format!("{}\n{}", HEADER.trim_end().replace("cause", "record_id"), call("c")));
    let run = month.rate(&[]);
    run.ended(1, 0, 3).reason("rejected", "bad_header", 3);
    run.tells("feeds/a.csv: the header has no column `a_number`");
    run.tells("feeds/b.csv: the header has the column `record_id` twice");
}

#[test]
fn dates_beyond_any_range() {
    let month = Month::new();
    let mut text = HEADER.to_owned();
    for (id, time) in [
        ("a", "99999-01-01T00:00:00Z"),
        ("b", "-0001-01-01T00:00:00Z"),
        ("c", "2026-02-30T00:00:00Z"),
        ("d", "2026-03-01T24:00:00Z"),
        ("e", "2026-03-01T00:00:00"),
        ("f", "292277026596-12-04T15:30:08Z"),
    ] {
        text.push_str(&format!("{id},voice,{NUMBER},{CALLED},{time},{time},{time},16\n"));
    }
    // Within the range of RFC 3339, but in the year 10000 where the tariff is.
    let last = "9999-12-31T23:00:00Z";
    text.push_str(&format!("g,voice,{NUMBER},{CALLED},{last},{last},{last},16\n"));
    let first = "0000-01-01T00:00:00+05:00";
    text.push_str(&format!("h,voice,{NUMBER},{CALLED},{first},{first},{first},16\n"));
    let run = month.with("feeds/a.csv", text).rate(&[]);
    run.ended(1, 0, 8).reason("rejected", "bad_time", 8);
}

#[test]
fn local_times_of_the_hour_that_came_twice() {
    let month = Month::new();
    // 2024-02-29 23:00–24:00 came twice; the duration settles the second, not the first.
    let row = |id: &str, duration: &str| {
        format!(
            "\"\",\"{NUMBER}\",\"{CALLED}\",\"x\",\"\",\"SIP/1-1\",\"SIP/2-2\",\"Dial\",\"\",\"2024-02-29 23:30:00\",\"2024-02-29 23:30:00\",\"2024-03-01 00:10:00\",{duration},{duration},\"ANSWERED\",\"DOCUMENTATION\",\"{id}\",\"\"\n"
        )
    };
    month.with("feeds/pbx.txt", format!("{}{}", row("1", ""), row("2", "2400")));
    month.with(
        "esep.toml",
        "[[feed]]\nsource = \"pbx\"\nfiles = \"feeds/*.txt\"\nformat = \"asterisk\"\ntime_zone = \"Asia/Almaty\"\n",
    );
    month.without("feeds/good.csv").rate(&[]).ended(1, 1, 0).reason("suspended", "ambiguous_time", 1);
    month.with(
        "esep.toml",
        "[[feed]]\nsource = \"pbx\"\nfiles = \"feeds/*.txt\"\nformat = \"asterisk\"\ntime_zone = \"Asia/Alma-Ata\"\n",
    );
    month.rate(&[]).not_done().tells("unknown time zone `Asia/Alma-Ata`");
}

#[test]
fn amounts_and_volumes_near_2_to_the_63() {
    let month = Month::new();
    let mut text = "record_id,service,a_number,setup_at,bytes_up,bytes_down,quantity,b_number\n".to_owned();
    for (id, numbers) in [
        ("rated", "data,@,1024000,0,"),
        ("charge-beyond", "sms,@,,,9223372036854775807"),
        ("volume-beyond", "data,@,9223372036854775807,1,"),
        ("number-beyond", "data,@,9223372036854775808,0,"),
        ("far-beyond", "data,@,99999999999999999999999,0,"),
        ("negative", "data,@,-9223372036854775808,0,"),
        ("largest", "data,@,9223372036854775807,0,"),
    ] {
        let numbers = numbers.replace('@', &format!("{NUMBER},2026-03-10T10:00:00Z"));
        text.push_str(&format!("{id},{numbers},{CALLED}\n"));
    }
    let run = month.with("feeds/a.csv", text).rate(&[]);
    run.ended(3, 0, 5).reason("rejected", "out_of_range", 1).reason("rejected", "bad_number", 3);
    run.reason("rejected", "negative_volume", 1);
    // ⌈(2^63 − 1) / 1024⌉ units at 0.01.
    assert!(run.rows("rated").iter().any(|row| row.contains(",9007199254740992,90071992547409.92,")));
}

#[test]
fn a_sum_of_charges_beyond_64_bits() {
    let month = Month::new();
    month.with("tariffs/t.toml", TARIFF.replace("\"13\"", "\"46116860184.27\""));
    let header = "record_id,service,a_number,setup_at,quantity,b_number\n";
    let row = |id: u32| format!("{id},sms,{NUMBER},2026-03-10T10:00:00Z,1500000,{CALLED}\n");
    month.with("feeds/a.csv", format!("{header}{}", (0..4).map(row).collect::<String>()));
    let run = month.rate(&[]);
    run.ended(5, 0, 0);
    // 4 × 1 500 000 × 46 116 860 184.27 + 27.00
    assert_eq!(run.summary["charged"], "276701161105620027.00");
}

// ---- reference data

#[test]
fn a_folder_without_accounts_suspends_what_is_billable() {
    let month = Month::new();
    let run = month.without("accounts.csv").without("lines.csv").rate(&[]);
    run.ended(0, 1, 0).reason("suspended", "unknown_line", 1).tells("accounts.csv: warning: not there");
    run.tells("lines.csv: warning: not there");
}

#[test]
fn reference_files_that_are_empty_are_told() {
    for name in ["accounts.csv", "lines.csv", "payments.csv"] {
        let month = Month::new();
        month.with(name, "").rate(&[]).tells(&format!("{name}: warning: empty"));
    }
}

#[test]
fn a_reference_file_without_its_columns_stops_the_run() {
    for (name, text, needle) in [
        ("accounts.csv", "id,plan\nA1,p\n", "the header has no column `account_id`"),
        ("lines.csv", "line,line,account_id\n1,1,A1\n", "the header has the column `line` twice"),
        ("payments.csv", "payment_id;account_id;amount;paid_at\n", "the header has no column `payment_id`"),
    ] {
        let month = Month::new();
        month.with(name, text).rate(&[]).not_done().tells(&format!("{name}:1: {needle}"));
    }
}

#[test]
fn a_tariff_with_an_error_on_line_3() {
    let month = Month::new();
    month.with("tariffs/t.toml", TARIFF.replace("Asia/Almaty", "Asia/Almatty"));
    month.rate(&[]).not_done().tells("tariffs/t.toml:3: ").tells("Asia/Almatty").tells("nothing was rated");
    month.with("tariffs/t.toml", "name = \"t\"\nvalid_from = 2020-01-01\nprice = = 3\n");
    month.rate(&[]).not_done().tells("tariffs/t.toml:3: ");
    let check = Run::of(
        {
            let mut command = esep(&["tariff", "check"]);
            command.arg(month.path("tariffs/t.toml"));
            command
        },
        None,
    );
    assert_eq!(check.code, 2);
    check.tells("t.toml:3: ").tells("must be mended");
}

#[test]
fn no_tariff_at_all() {
    let month = Month::new();
    month.without("tariffs/t.toml").rate(&[]).not_done().tells("there is no tariff version");
}

#[test]
fn a_prefix_that_stands_twice() {
    let month = Month::new();
    month.with("prefixes.csv", "prefix,zone\n7,ld\n71,ld\n7,ld\n").rate(&[]).not_done().tells("prefixes.csv:4: ");
}

#[test]
fn bad_payments_are_set_aside_with_their_lines() {
    let month = Month::new();
    month.with(
        "payments.csv",
        "payment_id,account_id,amount,paid_at\n\
         p1,A1,ten,2026-03-01\n\
         p2,A1,-5.00,2026-03-01\n\
         p3,A9,5.00,2026-03-01\n\
         p4,A1,5.00,yesterday\n\
         p5,A1,5.00,2026-03-01\n\
         p5,A1,6.00,2026-03-01\n\
         p6,A1,92233720368547758.08,2026-03-01\n\
         p7,A1,5.001,2026-03-01\n\
         p8,A1\n",
    );
    let run = month.rate(&[]);
    run.ended(1, 0, 0);
    for needle in [
        ":2: warning: payment p1: amount `ten`: not a decimal number",
        ":3: warning: payment p2: amount -5.00 is not above zero",
        ":4: warning: payment p3: no account A9",
        ":5: warning: payment p4: paid_at `yesterday`",
        ":7: warning: payment p5 stands here already with another amount",
        ":8: warning: payment p6: amount",
        ":9: warning: payment p7: amount `5.001`: more than 2 decimals",
        ":10: warning: 2 columns where the header has 4",
    ] {
        run.tells(&format!("payments.csv{needle}"));
    }
    assert_eq!(run.summary["reference_warnings"], 8);
}

#[test]
fn esep_toml_with_what_nobody_knows() {
    for (text, needle) in [
        ("period = \"2026-03\"\nperiood = 1\n", "esep.toml:2: unknown field `periood`"),
        ("[[feed]]\nsource = \"a\"\nfiles = \"x\"\nformat = \"cisco\"\n", "format `cisco` is none of native, ndjson"),
        ("[[feed]]\nsource = \"a\"\n", "missing field `files`"),
        ("\n[[feed", "esep.toml:2: "),
        ("\u{0}", "esep.toml:1: "),
    ] {
        Month::new().with("esep.toml", text).rate(&[]).not_done().tells(needle);
    }
    Month::new().with("esep.toml", b"\xff").rate(&[]).not_done().tells("esep.toml: ");
    let text = "\u{feff}[[feed]]\r\nsource = \"a\"\r\nfiles = \"feeds/*.csv\"\r\n";
    Month::new().with("esep.toml", text).rate(&[]).ended(1, 0, 0);
}

// ---- the command line

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
    for args in [
        &["run", dir][..],
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
