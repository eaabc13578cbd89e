//! What each fuzz target does with its bytes, and what it holds to be true whatever they are. `cargo test` replays the
//! corpus through the same functions (`tests/fuzz_corpus.rs`).
//!
//! An input of several texts has them apart by a line `---`, that of `rate` by lines `=== name of the file`.

#![allow(dead_code, reason = "a target uses one body")]

mod made;

use bumpalo::Bump;
use esep::batch::{Pass, rate_files};
use esep::decode::{Decoded, Description, FileDecoder, Format, Limits, Separators, parse_rfc3339};
use esep::feed::{Compression, LineReader, MAX_LINE_BYTES, Piece};
use esep::folder::{Config, Folder};
use esep::law;
use esep::record::{Service, UsageRecord};
use esep::tariff::{AllowedStep, Finding, SourceFile, TariffInput, lint, load_with_places};
use made::{Choices, made_feed, made_tariff};
use rustc_hash::FxHashSet;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

/// A target: its name, which is that of its corpus, and its body.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// All targets.
pub(crate) const TARGETS: [Target; 7] = [
    ("native_csv", native_csv),
    ("ndjson", ndjson),
    ("described", described),
    ("tariff", tariff),
    ("config", config),
    ("feed", feed),
    ("rate", rate),
];

const LIMITS: Limits = Limits { max_duration_ms: Some(720 * 3_600_000) };

// ---- decoders

/// A header, then lines of native CSV.
pub(crate) fn native_csv(data: &[u8]) {
    let (header, body) = cut_line(data);
    match Format::Native(LIMITS).decoder(header) {
        Ok(decoder) => check_decoder(&decoder, body),
        Err(why) => check_words(&why),
    }
}

/// Lines of NDJSON.
pub(crate) fn ndjson(data: &[u8]) {
    if let Ok(decoder) = Format::Ndjson(LIMITS).decoder(b"") {
        check_decoder(&decoder, data);
    }
}

/// Perhaps a description and `---`, then rows, which the bundled descriptions get as well.
pub(crate) fn described(data: &[u8]) {
    let parts = parts(data);
    let rows = parts.last().copied().unwrap_or_default();
    if let [text, _, ..] = parts.as_slice()
        && let Ok(text) = std::str::from_utf8(text)
    {
        match Description::parse(text, "fuzz") {
            Ok(description) => check_described(&Arc::new(description), rows),
            Err(bad) => assert!(!bad.findings.is_empty(), "refused without a finding"),
        }
    }
    for description in bundled() {
        check_described(description, rows);
    }
}

fn bundled() -> &'static [Arc<Description>] {
    static BUNDLED: OnceLock<Vec<Arc<Description>>> = OnceLock::new();
    BUNDLED.get_or_init(|| {
        let parsed = Description::bundled_names().filter_map(Description::bundled);
        parsed.map(|description| Arc::new(description.expect("a bundled description parses"))).collect()
    })
}

fn check_described(description: &Arc<Description>, rows: &[u8]) {
    let (header, body) = if description.has_header() { cut_line(rows) } else { (&b""[..], rows) };
    match Format::Described(Arc::clone(description), LIMITS).decoder(header) {
        Ok(decoder) => check_decoder(&decoder, body),
        Err(why) => check_words(&why),
    }
}

/// Every line that is not blank gives exactly one outcome, in order, wherever the piece is cut.
fn check_decoder(decoder: &FileDecoder, body: &[u8]) {
    let expected: Vec<(u32, &[u8])> = (0u32..)
        .zip(body.split(|byte| *byte == b'\n'))
        .map(|(number, line)| (number, line.strip_suffix(b"\r").unwrap_or(line)))
        .filter(|(_, line)| !line.is_empty())
        .collect();
    let arena = Bump::new();
    let whole = decode(decoder, body, &arena);
    let found: Vec<(u32, &[u8])> = whole.iter().map(|decoded| (decoded.line, decoded.raw)).collect();
    assert_eq!(found, expected, "lines and outcomes");
    for decoded in &whole {
        match &decoded.record {
            Ok(record) => check_record(record, decoded.record_id),
            Err(rejection) => check_words(&rejection.detail),
        }
    }
    // Cut after the line in the middle.
    let Some(cut) = body.iter().take(body.len() / 2).rposition(|byte| *byte == b'\n') else { return };
    let (first, second) = body.split_at(cut + 1);
    let lines_before = first.iter().filter(|byte| **byte == b'\n').count() as u32;
    let mut pieces = decode(decoder, first, &arena);
    pieces.extend(
        decode(decoder, second, &arena)
            .into_iter()
            .map(|decoded| Decoded { line: decoded.line + lines_before, ..decoded }),
    );
    assert_eq!(pieces, whole, "the outcome depends on how the feed is cut");
}

fn decode<'b>(decoder: &FileDecoder, body: &'b [u8], arena: &'b Bump) -> Vec<Decoded<'b>> {
    let mut all = Vec::new();
    decoder.decode(body, arena, &mut Separators::default(), &mut |decoded| all.push(decoded));
    all
}

/// What the rule book of records promises. Source: rating 1.2.
fn check_record(record: &UsageRecord<'_>, record_id: &[u8]) {
    assert_eq!(record.record_id, record_id);
    assert!(!record.record_id.is_empty() && !record.a_number.is_empty());
    assert!((0..=720 * 3_600_000).contains(&record.duration_ms()));
    if let Some(answer_at) = record.answer_at {
        assert!(record.setup_at <= answer_at);
        assert!(record.release_at.is_none_or(|release_at| answer_at <= release_at));
        assert!(record.service != Service::Voice || record.release_at.is_some());
    }
    assert!(record.bytes_up.checked_add(record.bytes_down).is_some_and(|sum| i64::try_from(sum).is_ok()));
    for text in [record.record_id, record.a_number, record.b_number, record.call_ref, record.corrects] {
        assert!(std::str::from_utf8(text).is_ok_and(|text| !text.contains('\0')));
    }
}

/// What a person reads is words, not bytes of the input without end.
fn check_words(words: &str) {
    assert!(!words.is_empty() && words.len() < 2000, "{} bytes", words.len());
}

// ---- reference data

/// A tariff version, prefixes, holidays and another version; each may be left out.
pub(crate) fn tariff(data: &[u8]) {
    let parts = parts(data);
    let file = |name: &str, at: usize| parts.get(at).map(|text| SourceFile::new(name, *text));
    let mut input = TariffInput { prefixes: file("prefixes.csv", 1), ..TariffInput::default() };
    input.versions = [file("a.toml", 0), file("b.toml", 3)].into_iter().flatten().collect();
    for version in ["a.toml", "b.toml"] {
        if let Some(holidays) = file("holidays.csv", 2) {
            input.holidays.insert((version.to_owned(), "holidays.csv".to_owned()), holidays);
        }
    }
    let (loaded, findings) = load_with_places(&input);
    assert_eq!(loaded.is_none(), findings.iter().any(Finding::is_error), "an error, and only an error, stops the load");
    check_findings(&findings, &input);
    let Some((tariffs, places)) = loaded else { return };
    let changes: Vec<_> = law::REGULATED_STEP.iter().map(|row| row.from).collect();
    let allowed = |day| {
        let step = law::step_on(day);
        (step.long_distance_ms, step.international_ms)
    };
    let warnings = lint(&tariffs, &places, AllowedStep { allowed_ms: &allowed, changes: &changes });
    assert!(!warnings.iter().any(Finding::is_error), "the linter warns");
    check_findings(&warnings, &input);
}

/// A finding names a line that the file has, in words that a terminal can show.
fn check_findings(findings: &[Finding], input: &TariffInput) {
    let files = || input.versions.iter().chain(&input.prefixes).chain(input.holidays.values());
    for finding in findings {
        let lines = files().filter(|source| source.file == finding.file).map(|source| count_lines(&source.bytes)).max();
        assert!(u64::from(finding.line) <= lines.unwrap_or(0), "{finding}");
        let words = finding.to_string();
        assert!(!words.chars().any(|c| c.is_control() && c != '\n'), "{words:?}");
        assert!(words.len() < 10_000, "{} bytes", words.len());
    }
}

/// `esep.toml`.
pub(crate) fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Config::parse(text) {
        Ok(config) => {
            assert!(config.feeds.iter().all(|feed| feed.max_duration_ms > 0 && !feed.source.is_empty()));
            for feed in &config.feeds {
                // Any other name is a file's.
                if matches!(feed.format.as_str(), "native" | "ndjson" | "asterisk" | "freeswitch" | "kamailio") {
                    let root = Path::new("/nonexistent");
                    let _ = Format::named(&feed.format, root, feed.time_zone.as_deref(), LIMITS);
                }
            }
        }
        Err(bad) => {
            assert!(u64::from(bad.line) <= count_lines(data), "line {} of {}", bad.line, count_lines(data));
            assert!(!bad.message.is_empty());
        }
    }
}

/// Lines as an editor counts them: the one after the last newline, too.
fn count_lines(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte == b'\n').count() as u64 + 1
}

// ---- files of a feed

/// Hands out a few bytes a time.
struct Trickle {
    bytes: Cursor<Vec<u8>>,
    step: usize,
}

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let step = self.step.min(buffer.len());
        self.bytes.read(&mut buffer[..step])
    }
}

/// How, how many bytes a read, how often (two bytes), then a text that is read so often one after the other.
pub(crate) fn feed(data: &[u8]) {
    let Some(([how, step, times @ ..], text)) = data.split_first_chunk::<4>() else { return };
    let times = usize::from(u16::from_le_bytes(*times));
    let most = 1_500_000usize.checked_div(text.len()).unwrap_or(0);
    let plain = text.repeat(times.clamp(1, most.max(1)));
    let (bytes, compression, exact) = match how % 5 {
        0 => (plain.clone(), Compression::None, true),
        1 => (text.to_vec(), Compression::Gzip, false),
        2 => (text.to_vec(), Compression::Zstd, false),
        3 => (gzip(&plain), Compression::Gzip, true),
        _ => (zstd::encode_all(plain.as_slice(), 1).expect("it is in memory"), Compression::Zstd, true),
    };
    let step = if *step == 0 { usize::MAX } else { usize::from(*step) * 61 };
    let read = Trickle { bytes: Cursor::new(bytes), step };
    let mut reader = LineReader::from_read(Box::new(read), compression);
    let mut expected = plain.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&plain);
    let utf_16 = plain.starts_with(b"\xff\xfe") || plain.starts_with(b"\xfe\xff");
    let mut buffer = Vec::new();
    let mut ended = false;
    while let Some(piece) = reader.next_piece(std::mem::take(&mut buffer)) {
        assert!(!ended, "something came after the end");
        match piece {
            Piece::Lines(lines) => {
                assert!(!lines.is_empty());
                assert!(lines.split(|byte| *byte == b'\n').all(|line| line.len() <= MAX_LINE_BYTES));
                if exact {
                    expected = expected.strip_prefix(lines.as_slice()).expect("lines of the input, in order");
                    assert!(lines.ends_with(b"\n") || expected.is_empty(), "a line was cut");
                }
                buffer = lines;
            }
            Piece::LongLine(line) => {
                assert!(line.bytes > MAX_LINE_BYTES as u64 && line.head.len() == MAX_LINE_BYTES);
                if exact {
                    let (text, rest) = cut_line(expected);
                    assert_eq!((line.bytes, line.hash), (text.len() as u64, xxhash_rust::xxh3::xxh3_128(text)));
                    assert!(text.starts_with(&line.head));
                    expected = rest;
                }
            }
            Piece::Broken(broken) => {
                assert!(!exact || utf_16, "{}", broken.message);
                check_words(&broken.message);
                ended = true;
                expected = b"";
            }
        }
    }
    assert!(!exact || expected.is_empty(), "{} bytes were lost", expected.len());
    assert!(reader.next_piece(Vec::new()).is_none(), "the end is the end");
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).expect("it is in memory");
    encoder.finish().expect("it is in memory")
}

// ---- the whole pass

/// The files that a folder may have.
const FILES: [&str; 13] = [
    "feeds/a.csv",
    "feeds/b.ndjson",
    "feeds/c.csv",
    "feeds/d.csv.gz",
    "tariffs/a.toml",
    "tariffs/b.toml",
    "tariffs/holidays.csv",
    "prefixes.csv",
    "accounts.csv",
    "lines.csv",
    "payments.csv",
    "assignments.csv",
    "events.csv",
];

const ESEP_TOML: &str = r#"
period = "2026-03"
[[feed]]
source = "b"
files = "feeds/b.ndjson"
format = "ndjson"
[[feed]]
source = "a"
files = ["feeds/a.csv", "feeds/d.csv.gz"]
max_duration = "8784h"
"#;
/// Its time zone takes milliseconds to read, so it is there only where it is needed.
const ASTERISK: &str = "[[feed]]\nsource = \"c\"\nfiles = \"feeds/c.csv\"\nformat = \"asterisk\"\n";

/// The folder whose files an input replaces.
const BASE: [(&str, &str); 8] = [
    ("feeds/a.csv", include_str!("base/feed.csv")),
    ("tariffs/a.toml", include_str!("base/a.toml")),
    ("tariffs/b.toml", include_str!("base/b.toml")),
    ("prefixes.csv", include_str!("base/prefixes.csv")),
    ("accounts.csv", include_str!("base/accounts.csv")),
    ("lines.csv", include_str!("base/lines.csv")),
    ("payments.csv", include_str!("base/payments.csv")),
    ("events.csv", include_str!("base/events.csv")),
];

/// Files of a folder, each after a line `=== name`, in the place of those of the base folder; or, without such a line,
/// choices by which records and a plan are made.
pub(crate) fn rate(data: &[u8]) {
    let parent = Path::new("/dev/shm");
    let folder = if parent.is_dir() { tempfile::tempdir_in(parent) } else { tempfile::tempdir() };
    let folder = folder.expect("a temporary folder");
    let root = folder.path();
    for name in ["feeds", "tariffs"] {
        std::fs::create_dir(root.join(name)).expect("a folder");
    }
    let write = |name: &str, bytes: &[u8]| std::fs::write(root.join(name), bytes).expect("a file is written");
    write("esep.toml", ESEP_TOML.as_bytes());
    for (name, text) in BASE {
        write(name, text.as_bytes());
    }
    if data.starts_with(b"=== ") {
        for (name, bytes) in sections(data) {
            if FILES.contains(&name) {
                write(name, bytes);
            }
            if name == "feeds/c.csv" {
                write("esep.toml", format!("{ESEP_TOML}{ASTERISK}").as_bytes());
            }
        }
    } else {
        let mut choices = Choices::of_bytes(data);
        write("tariffs/b.toml", made_tariff(&mut choices).as_bytes());
        write("feeds/a.csv", made_feed(&mut choices).as_bytes());
    }
    check_folder(root);
}

fn check_folder(root: &Path) {
    let (folder, findings) = Folder::open(root);
    let Some(folder) = folder else {
        assert!(findings.errors() > 0, "refused without a finding");
        return;
    };
    let out = root.join("out");
    let progress = AtomicU64::new(0);
    let pass = Pass {
        reference: &folder.reference,
        funds: &|| folder.funds(),
        files: &folder.files,
        threads: threads(),
        outcomes: Some(&out),
        progress: &progress,
        traced: FxHashSet::default(),
    };
    let report = match rate_files(&pass) {
        Ok(report) => report,
        Err(error) => panic!("{error}"),
    };
    let counts = report.totals.counts();
    assert!(counts.balance());
    for file in &report.totals.files {
        assert!(file.counts.balance(), "{}: {}", file.name, file.counts);
    }
    let rows = |name: &str| rows(&std::fs::read(out.join(name)).expect("an outcome file"));
    for (name, count) in [
        ("filtered.csv", counts.filtered),
        ("duplicate.csv", counts.duplicate),
        ("suspended.csv", counts.suspended),
        ("rejected.csv", counts.rejected),
    ] {
        assert_eq!(rows(name).len() as u64, count, "{name}");
    }
    let raw = std::fs::read(out.join("rejected-raw.ndjson")).expect("an outcome file");
    assert_eq!(count_lines(&raw) - 1, counts.rejected, "each rejected line is kept");
    let rated = rows("rated.csv");
    assert_eq!(rated.len() as u64, counts.rated, "rated.csv");
    let (mut charged, mut vat, mut not_owed) = (0i128, 0i128, 0i128);
    for row in &rated {
        let [answer_at, duration, _, charge, of_it_vat, _, not_paid, cut_off_at] =
            <&[String; 8]>::try_from(&row[7..15]).expect("17 columns");
        assert!(parse_rfc3339(answer_at.as_bytes()).is_some(), "answer_at {answer_at}");
        assert!(cut_off_at.is_empty() || parse_rfc3339(cut_off_at.as_bytes()).is_some(), "cut_off_at {cut_off_at}");
        assert!(duration.parse::<i64>().is_ok_and(|ms| ms >= 0), "duration_ms {duration}");
        let (charge, of_it_vat, not_paid) = (tiyn(charge), tiyn(of_it_vat), tiyn(not_paid));
        assert!(0 <= of_it_vat && of_it_vat <= charge && 0 <= not_paid, "{row:?}");
        charged += charge;
        vat += of_it_vat;
        not_owed += not_paid;
    }
    assert_eq!((charged, vat, not_owed), (report.totals.charged, report.totals.vat, report.totals.not_owed));
}

fn threads() -> &'static rayon::ThreadPool {
    static THREADS: OnceLock<rayon::ThreadPool> = OnceLock::new();
    THREADS.get_or_init(|| rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread"))
}

fn tiyn(text: &str) -> i128 {
    let (tenge, tiyn) = text.split_once('.').expect("two decimals");
    assert_eq!(tiyn.len(), 2);
    format!("{tenge}{tiyn}").parse().expect("an amount")
}

/// Rows of a CSV text after its header; a quoted field may go over lines.
fn rows(text: &[u8]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let (mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), false);
    let finish = |field: &mut Vec<u8>| String::from_utf8(std::mem::take(field)).expect("outcomes are UTF-8");
    for byte in text {
        match byte {
            b'"' => {
                quoted = !quoted;
                field.push(b'"');
            }
            b',' if !quoted => row.push(finish(&mut field)),
            b'\n' if !quoted => {
                row.push(finish(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            byte => field.push(*byte),
        }
    }
    assert!(!quoted && field.is_empty() && row.is_empty(), "an outcome file ends within a row");
    assert!(rows.iter().all(|row: &Vec<String>| row.len() == rows[0].len()), "rows have as many columns as the header");
    rows.split_off(1)
}

// ---- texts of an input

/// The first line without its end, and what follows it.
fn cut_line(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, b""),
    }
}

/// The texts between lines `---`.
fn parts(data: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(5).position(|window| window == b"\n---\n") {
        parts.push(&rest[..at + 1]);
        rest = &rest[at + 5..];
    }
    parts.push(rest);
    parts
}

/// The texts after lines `=== name`.
fn sections(data: &[u8]) -> Vec<(&str, &[u8])> {
    let mut found = Vec::new();
    let mut rest = data.strip_prefix(b"=== ").unwrap_or_default();
    loop {
        let next = rest.windows(5).position(|window| window == b"\n=== ");
        let section = &rest[..next.map_or(rest.len(), |at| at + 1)];
        let (name, bytes) = cut_line(section);
        found.extend(std::str::from_utf8(name).ok().map(|name| (name.trim(), bytes)));
        match next {
            Some(at) => rest = &rest[at + 5..],
            None => return found,
        }
    }
}
