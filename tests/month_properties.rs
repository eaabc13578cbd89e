//! What holds of any month, whatever stands in its feeds: random small months with every kind of record, rated whole
//! and cut, by one thread and by several, once and twice.
//!
//! Source: rating 1.2 (one outcome, control totals, corrections), 1.4 (parts), 1.6, 1.7, interface 7.3.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop at the first surprise"
)]

use esep::batch::{Counts, Pass, Totals, rate_files};
use esep::folder::Folder;
use esep::generate::{Profile, generate};
use rustc_hash::FxHashSet;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use tempfile::TempDir;

const SEEDS: std::ops::Range<u64> = 0..10;

// ---------------------------------------------------------------- a month

/// Version 1 includes VAT; version 2, from the 16th, does not, and prices each unit by the window of its start.
const TARIFF: &str = r#"
name = "NAME"
currency = "KZT"
valid_from = FROM
prices_include_vat = VAT
split = SPLIT
[[screening]]
called = "1999"
means = "autoresponder"
[zones.ld]
kind = "long-distance"
[zones.intl]
kind = "international"
[zones.emergency]
kind = "free"
[windows.night]
from = "22:00"
to = "07:00"
[plans.plain]
RATES
[plans.bundle]
RATES
[[plans.bundle.allowances]]
service = "voice"
zones = ["ld"]
quantity = "1799s"
priority = 10
carry_over = true
[[plans.bundle.allowances]]
service = "voice"
quantity = "605s"
priority = 20
[[plans.bundle.allowances]]
service = "sms"
quantity = "7event"
[[plans.bundle.allowances]]
service = "data"
quantity = "5MB"
"#;

const RATES: &str = r#"
[[plans.PLAN.rates]]
service = "voice"
zones = ["ld"]
unit = "10s"
price = "P1"
connect_fee = "3.00"
minimum_units = 3
[[plans.PLAN.rates]]
service = "voice"
zones = ["ld"]
window = "night"
unit = "10s"
price = "0.8333"
connect_fee = "3.00"
minimum_units = 3
[[plans.PLAN.rates]]
service = "voice"
zones = ["intl"]
free = "3s"
steps = [ { units = 6, unit = "10s", price = "5" }, { unit = "60s", price = "20.005" } ]
[[plans.PLAN.rates]]
service = "voice"
visited = ["*"]
unit = "60s"
price = "50"
[[plans.PLAN.rates]]
service = "sms"
unit = "event"
price = "5.995"
[[plans.PLAN.rates]]
service = "data"
unit = "100KB"
price = "11.50"
price_per = "1MB"
"#;

/// Opening balance and payments of each account; its line is 7701000000N.
struct Client {
    id: &'static str,
    plan: &'static str,
    advance: bool,
    budget: bool,
    limit: &'static str,
    opening: i64,
}

const fn client(id: &'static str, plan: &'static str, advance: bool, opening: i64) -> Client {
    Client { id, plan, advance, budget: false, limit: "", opening }
}

const CLIENTS: [Client; 9] = [
    client("credit", "plain", false, 0),
    Client { limit: "120.00", ..client("limited", "plain", false, 0) },
    client("credit-bundle", "bundle", false, 0),
    client("advance", "plain", true, 9_000),
    client("advance-bundle", "bundle", true, 5_000),
    Client { budget: true, ..client("budget", "plain", true, 0) },
    client("poor", "plain", true, -500),
    client("roamer", "plain", true, 2_000),
    client("leaver", "plain", false, 0),
];

/// The leaver's place.
const LEAVER: usize = CLIENTS.len() - 1;

/// Midnight of 20 March in Almaty, when the leaver is switched off.
const SWITCH_OFF: i64 = MARCH + 19 * DAY - 5 * 3600 * SECOND;

/// Every client is paid so much on these days of March, at midnight UTC.
const PAYMENTS: [(i64, i64); 3] = [(5, 4_000), (12, 2_550), (22, 6_001)];

const COLUMNS: [&str; 19] = [
    "record_id",
    "service",
    "a_number",
    "b_number",
    "setup_at",
    "answer_at",
    "release_at",
    "cause",
    "answered_by",
    "bytes_up",
    "bytes_down",
    "quantity",
    "visited_network",
    "realtime",
    "call_ref",
    "part",
    "last",
    "corrects",
    "route_in",
];

const SECOND: i64 = 1000;
const DAY: i64 = 86_400 * SECOND;

/// Midnight of the first of March 2026 in UTC.
const MARCH: i64 = 1_772_323_200_000;

fn text(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms).unwrap().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// One usage record by column; what is absent is empty.
#[derive(Clone, Default)]
struct Record(BTreeMap<&'static str, String>);

impl Record {
    fn with(mut self, column: &'static str, value: impl ToString) -> Self {
        self.0.insert(column, value.to_string());
        self
    }

    fn get(&self, column: &str) -> &str {
        self.0.get(column).map_or("", String::as_str)
    }

    fn line(&self) -> String {
        COLUMNS.map(|column| self.get(column)).join(",")
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) % limit.max(1) as u64) as usize
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at + 1));
        }
    }

    /// Of a client who stays.
    fn line(&mut self) -> String {
        format!("7701000000{}", self.below(LEAVER))
    }

    /// Some length of a call, often at the edge of a unit.
    fn duration(&mut self) -> i64 {
        match self.below(3) {
            0 => self.below(900_000) as i64,
            1 => self.pick(&[0, 1, 3_000, 3_001, 30_000, 59_999, 600_000]),
            _ => 10 * SECOND * self.below(40) as i64 + self.pick(&[-1, 0, 1]).max(0),
        }
    }

    fn number(&mut self) -> &'static str {
        self.pick(&["+77272500001", "87272500001", "7172123456", "+442071234567", "810442071234567"])
    }

    /// An answered call at home.
    fn call(&mut self, id: &str) -> Record {
        let setup = MARCH + self.below(31 * DAY as usize) as i64;
        let answer = setup + self.pick(&[0, 1, 5_000]);
        let release = answer + self.duration();
        Record::default()
            .with("record_id", id)
            .with("service", "voice")
            .with("a_number", self.line())
            .with("b_number", self.number())
            .with("setup_at", text(setup))
            .with("answer_at", text(answer))
            .with("release_at", text(release))
            .with("cause", "16")
    }

    /// Any record that is no part and corrects nothing.
    fn record(&mut self, id: &str) -> Record {
        let call = self.call(id);
        match self.below(20) {
            0 => call.with("answer_at", "").with("cause", self.pick(&["17", "sip:487", "38", "odd", "4"])),
            1 => call.with("answered_by", "autoresponder"),
            2 => call.with("b_number", self.pick(&["1999", "112", "+999123", "3", ""])),
            3 => call.with("a_number", ["77990000001".into(), format!("7701000000{LEAVER}")][self.below(2)].clone()),
            4 => call.with("cause", self.pick(&["17", "odd"])),
            5 | 6 => call.with("visited_network", "PARTNER").with("realtime", self.pick(&["", "true", "false"])),
            7..=9 => call.with("service", "sms").with("quantity", self.pick(&["", "0", "3", "8"])),
            10..=12 => {
                let bytes = self.pick(&[0, 1, 102_400, 102_401, 3_000_000]);
                call.with("service", "data").with("b_number", "").with("bytes_up", bytes).with("bytes_down", 1024)
            }
            _ => call,
        }
    }

    /// A call in `count` parts that touch.
    fn parts(&mut self, id: &str, count: usize) -> (Record, Vec<Record>) {
        let whole = self.call(id);
        let (answer, release) = (ms(whole.get("answer_at")), ms(whole.get("release_at")));
        let mut edges: Vec<i64> =
            (1..count).map(|_| answer + self.below((release - answer + 1) as usize) as i64).collect();
        edges.extend([answer, release]);
        edges.sort_unstable();
        let parts = (1..=count).map(|number| {
            whole
                .clone()
                .with("record_id", format!("{id}-{number}"))
                .with("setup_at", if number == 1 { whole.get("setup_at").into() } else { text(edges[number - 1]) })
                .with("answer_at", text(edges[number - 1]))
                .with("release_at", text(edges[number]))
                .with("call_ref", format!("ref-{id}"))
                .with("part", number)
                .with("last", if number == count { "true" } else { "" })
        });
        let parts = parts.collect();
        (whole, parts)
    }

    /// A feed of every kind of line.
    fn feed(&mut self, records: usize) -> Vec<String> {
        let plain: Vec<Record> = (0..records).map(|no| self.record(&format!("r{no}"))).collect();
        let mut lines: Vec<String> = plain.iter().map(Record::line).collect();
        let mut insert = |random: &mut Self, line: String| {
            let at = random.below(lines.len() + 1);
            lines.insert(at, line);
        };
        for no in 0..records / 10 {
            let again = plain[self.below(plain.len())].clone();
            let later = again.clone().with("release_at", text(ms(again.get("release_at")) + 1));
            let correction = self.call(&format!("k{no}")).with("a_number", again.get("a_number"));
            let correction = correction.with("corrects", again.get("record_id"));
            let spoiled = again.clone().with("record_id", format!("s{no}"));
            let line = match self.below(8) {
                0 => again.line(),
                1 => later.line(),
                2..=4 => correction.line(),
                5 => spoiled.with("setup_at", "yesterday").line(),
                6 => spoiled.with("bytes_up", -1).line(),
                _ => "a line, of the switch".into(),
            };
            insert(self, line);
        }
        for no in 0..records / 25 {
            let count = 1 + self.below(4);
            let (_, mut parts) = self.parts(&format!("p{no}"), count);
            if self.below(4) == 0 {
                parts.remove(self.below(count));
            }
            self.shuffle(&mut parts);
            parts.iter().for_each(|part| insert(self, part.line()));
        }
        lines
    }
}

fn ms(text: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
}

/// Writes a month with these files of feeds.
fn month(files: &[Vec<String>], all_on_credit: bool) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: String| std::fs::write(dir.path().join(name), text).unwrap();
    std::fs::create_dir(dir.path().join("tariffs")).unwrap();
    std::fs::create_dir(dir.path().join("feeds")).unwrap();
    for (name, from, vat, split, price) in
        [("one", "2026-01-01", "true", "false", "4.50"), ("two", "2026-03-16", "false", "true", "4.0333")]
    {
        let tariff = TARIFF.replace("NAME", name).replace("FROM", from).replace("VAT", vat).replace("SPLIT", split);
        let (plain, bundle) = (RATES.replace("PLAN", "plain"), RATES.replace("PLAN", "bundle"));
        let tariff = tariff.replacen("RATES", &plain, 1).replacen("RATES", &bundle, 1).replace("P1", price);
        put(&format!("tariffs/{name}.toml"), tariff);
    }
    put("prefixes.csv", "prefix,zone\n7727,ld\n7717,ld\n44,intl\n112,emergency\n1999,ld\n".into());
    let mut accounts = "account_id,plan,method,funding,opened_on,opening_balance,usage_limit,roaming_risk_notified_on,\
         switched_off_on\n"
        .to_owned();
    let (mut lines, mut payments) =
        ("line,account_id\n".to_owned(), "payment_id,account_id,amount,paid_at\n".to_owned());
    for (no, client) in CLIENTS.iter().enumerate() {
        let method = if client.advance && !all_on_credit { "advance" } else { "credit" };
        let funding = if client.budget { "budget" } else { "regular" };
        let (id, plan, opening, limit) = (client.id, client.plan, tenge(client.opening), client.limit);
        let told = if id == "roamer" { "2026-03-10" } else { "" };
        let off = if id == "leaver" { "2026-03-20" } else { "" };
        accounts += &format!("{id},{plan},{method},{funding},2020-01-01,{opening},{limit},{told},{off}\n");
        lines += &format!("7701000000{no},{id}\n");
        for (day, amount) in PAYMENTS {
            let at = text(MARCH + (day - 1) * DAY);
            payments += &format!("{id}-{day},{id},{},{at}\n", tenge(amount));
        }
    }
    put("accounts.csv", accounts);
    put("lines.csv", lines);
    put("payments.csv", payments);
    for (no, file) in files.iter().enumerate() {
        put(&format!("feeds/{no:03}.csv"), format!("{}\n{}\n", COLUMNS.join(","), file.join("\n")));
    }
    dir
}

fn tenge(tiyn: i64) -> String {
    format!("{}{}.{:02}", if tiyn < 0 { "-" } else { "" }, tiyn.abs() / 100, tiyn.abs() % 100)
}

fn tiyn(tenge: &str) -> i64 {
    tenge.replace('.', "").parse().unwrap()
}

// ---------------------------------------------------------------- its outcomes

const OUTCOMES: [&str; 5] = ["rated.csv", "filtered.csv", "duplicate.csv", "suspended.csv", "rejected.csv"];

/// Rows by column name.
type Row = BTreeMap<String, String>;

struct Rated {
    out: TempDir,
    totals: Totals,
}

impl Rated {
    fn bytes(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.out.path().join(file)).unwrap()
    }

    fn rows(&self, file: &str) -> Vec<Row> {
        let text = String::from_utf8(self.bytes(file)).unwrap();
        let mut lines = text.lines().map(fields);
        let header = lines.next().unwrap();
        lines.map(|row| header.iter().cloned().zip(row).collect()).collect()
    }

    /// Rows without the columns that say where a record stood.
    fn placeless(&self, file: &str) -> Vec<Row> {
        let mut rows = self.rows(file);
        for row in &mut rows {
            row.retain(|column, _| column != "file" && column != "line");
        }
        rows
    }
}

/// The fields of a CSV line.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            letter => fields.last_mut().unwrap().push(letter),
        }
    }
    fields
}

fn rate(dir: &Path, jobs: usize) -> Rated {
    rate_traced(dir, jobs, FxHashSet::default())
}

fn rate_traced(dir: &Path, jobs: usize, traced: FxHashSet<u128>) -> Rated {
    let (folder, findings) = Folder::open_to_rate(dir);
    let folder = folder.unwrap_or_else(|| panic!("{:?}", findings.kept()));
    assert_eq!(findings.warnings(), 0, "{:?}", findings.kept());
    let threads = rayon::ThreadPoolBuilder::new().num_threads(jobs).build().unwrap();
    let out = tempfile::tempdir().unwrap();
    let pass = Pass {
        reference: &folder.reference,
        funds: &|| folder.funds(),
        files: &folder.files,
        threads: &threads,
        outcomes: Some(out.path()),
        progress: &AtomicU64::new(0),
        traced,
    };
    let report = rate_files(&pass).unwrap();
    Rated { out, totals: report.totals }
}

fn rate_feed(files: &[Vec<String>]) -> Rated {
    rate(month(files, false).path(), 2)
}

/// Cuts a feed into files at random lines.
fn cut(random: &mut Random, feed: &[String]) -> Vec<Vec<String>> {
    let mut edges: Vec<usize> = (0..random.below(6)).map(|_| random.below(feed.len() + 1)).collect();
    edges.extend([0, feed.len()]);
    edges.sort_unstable();
    edges.windows(2).map(|edge| feed[edge[0]..edge[1]].to_vec()).filter(|file| !file.is_empty()).collect()
}

// ---------------------------------------------------------------- what holds

#[test]
fn any_number_of_jobs_gives_the_same_bytes() {
    let synthetic = tempfile::tempdir().unwrap();
    let profile = Profile {
        accounts: 300,
        feed_files: 3,
        advance_percent: 40,
        allowances: true,
        overlap_percent: 3,
        ..Profile::new(20_000, 7)
    };
    generate(&profile, synthetic.path()).unwrap();
    let mut months = vec![synthetic];
    for seed in SEEDS.take(3) {
        let mut random = Random(seed);
        let feed = random.feed(300);
        months.push(month(&cut(&mut random, &feed), false));
    }
    for (no, month) in months.iter().enumerate() {
        let one = rate(month.path(), 1);
        for jobs in [2, 4] {
            let several = rate(month.path(), jobs);
            assert_eq!(one.totals, several.totals);
            for file in OUTCOMES.iter().chain(&["rejected-raw.ndjson"]) {
                assert!(one.bytes(file) == several.bytes(file), "month {no}, {jobs} jobs: {file}");
            }
        }
    }
}

#[test]
fn how_a_feed_is_cut_into_files_changes_nothing() {
    for seed in SEEDS {
        let mut random = Random(seed);
        let feed = random.feed(200);
        let whole = rate_feed(std::slice::from_ref(&feed));
        for _ in 0..3 {
            let pieces = rate_feed(&cut(&mut random, &feed));
            assert_eq!(whole.totals.counts(), pieces.totals.counts(), "{seed}");
            assert_eq!(whole.totals.charged, pieces.totals.charged, "{seed}");
            assert_eq!(whole.totals.reversed, pieces.totals.reversed, "{seed}");
            assert_eq!(whole.bytes("rated.csv"), pieces.bytes("rated.csv"), "{seed}");
            for file in &OUTCOMES[1..] {
                assert_eq!(whole.placeless(file), pieces.placeless(file), "{seed}: {file}");
            }
        }
    }
}

#[test]
fn rating_1_2_every_record_ends_in_exactly_one_place() {
    for seed in SEEDS {
        let mut random = Random(seed);
        let feed = random.feed(300);
        let files = cut(&mut random, &feed);
        let rated = rate_feed(&files);
        // A line that is no record has no id.
        let id = |line: &String| {
            let (id, rest) = line.split_once(',')?;
            (rest.matches(',').count() + 2 == COLUMNS.len()).then(|| id.to_owned())
        };
        let mut expected: Vec<String> = feed.iter().map(|line| id(line).unwrap_or_default()).collect();
        let mut found = Vec::new();
        let mut lines = BTreeSet::new();
        for file in OUTCOMES {
            for row in rated.rows(file) {
                found.push(row["record_id"].clone());
                let known = file == "rated.csv" || lines.insert((row["file"].clone(), row["line"].clone()));
                assert!(known, "{seed}: {file} {row:?}");
            }
        }
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(expected, found, "{seed}");
        for (file, lines) in rated.totals.files.iter().zip(&files) {
            assert_eq!(file.counts.read, lines.len() as u64);
            assert_eq!(sum(file.counts), file.counts.read, "{seed}: {}", file.name);
        }
        let all = rated.totals.counts();
        assert_eq!((all.read, sum(all)), (feed.len() as u64, feed.len() as u64));
        let least = [all.rated, all.filtered, all.duplicate, all.suspended, all.rejected].into_iter().min();
        assert!(least > Some(0), "{seed}: a month without some outcome proves little: {all:?}");
    }
}

fn sum(counts: Counts) -> u64 {
    counts.rated + counts.filtered + counts.duplicate + counts.suspended + counts.rejected
}

#[test]
fn rating_1_2_the_same_files_again_rate_nothing_new() {
    for seed in SEEDS {
        let mut random = Random(seed);
        let feed = random.feed(200);
        let files = cut(&mut random, &feed);
        let once = rate_feed(&files);
        let twice = rate_feed(&[files.clone(), files].concat());
        for file in ["rated.csv", "filtered.csv"] {
            assert_eq!(once.bytes(file), twice.bytes(file), "{seed}: {file}");
        }
        assert_eq!(once.rows("suspended.csv"), twice.rows("suspended.csv"), "{seed}");
        let (a, b) = (once.totals.counts(), twice.totals.counts());
        assert_eq!(b.duplicate, 2 * a.duplicate + a.rated + a.filtered + a.suspended, "{seed}");
        assert_eq!(b.rejected, 2 * a.rejected, "{seed}");
        assert_eq!((once.totals.charged, once.totals.reversed), (twice.totals.charged, twice.totals.reversed));
    }
}

/// Ids as switches give them, in runs, with gaps, back and forth and again, and others between them.
fn ids(random: &mut Random, count: usize) -> Vec<String> {
    let stems = ["", "m1-", "a-switch-with-a-long-name-", "2026-03-01T00:00:00.", "é"];
    let mut ids = Vec::new();
    while ids.len() < count {
        let (stem, width) = (stems[random.below(stems.len())], 1 + random.below(9));
        let (first, step) = (random.below(3_000), [1, 1, 1, 0, 7][random.below(5)]);
        let run = [1, 2, 20, 299, 300, 301, 700, 1500][random.below(8)];
        ids.extend((0..run).map(|at| format!("{stem}{:0width$}", first + at * step)));
        if random.below(3) == 0 {
            ids.push(format!("{stem}{}x", random.below(50)));
        }
    }
    ids
}

#[test]
fn rating_1_2_a_record_counts_once_whatever_its_id() {
    let mut come_again = 0;
    for seed in SEEDS {
        let mut random = Random(seed);
        let mut lines = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let (mut again, mut differing) = (Vec::new(), 0);
        // At first, in some, ids that end in digits by chance: no series is kept then.
        let by_chance = (0..400 * (seed as usize % 2))
            .map(|at| format!("{:x}", (at as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        let by_chance: Vec<String> = by_chance.collect();
        for id in by_chance.into_iter().chain(ids(&mut random, 8_000)) {
            // The last digit of the duration is the content.
            let content = random.below(100) / 98;
            let mut row = vec![String::new(); COLUMNS.len()];
            let times = [MARCH, MARCH + SECOND, MARCH + 60 * SECOND + content as i64].map(text);
            let [setup, answer, release] = times;
            let values = [("record_id", id.clone()), ("service", "voice".into()), ("a_number", "77010000000".into())];
            let values = values.into_iter().chain([("b_number", "77172000101".into()), ("setup_at", setup)]);
            for (column, value) in values.chain([("answer_at", answer), ("release_at", release)]) {
                row[COLUMNS.iter().position(|name| *name == column).unwrap()] = value;
            }
            lines.push(row.join(","));
            match known.get(&id) {
                None => drop(known.insert(id, content)),
                Some(before) => {
                    differing += u64::from(*before != content);
                    again.push(id);
                }
            }
        }
        let rated = rate_feed(&cut(&mut random, &lines));
        let ids_of =
            |file: &str| -> Vec<String> { rated.rows(file).iter().map(|row| row["record_id"].clone()).collect() };
        assert_eq!(ids_of("duplicate.csv"), again, "{seed}");
        assert_eq!(rated.totals.differing, differing, "{seed}");
        let mut once = ids_of("rated.csv");
        once.sort_unstable();
        assert_eq!(once, known.into_keys().collect::<Vec<_>>(), "{seed}");
        come_again += again.len();
    }
    assert!(come_again > 1_000, "{come_again}");
}

/// A feed whose ids are numbers of a series in the order of its lines, which has few that are no records or come again.
fn in_series(random: &mut Random, feed: &[String], corrections: bool) -> Vec<String> {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut lines = Vec::new();
    let corrects = COLUMNS.iter().position(|name| *name == "corrects").unwrap();
    for line in feed {
        let mut row = fields(line);
        let odd = row.len() != COLUMNS.len() || row[0].starts_with('s');
        let again = known.contains_key(&row[0]);
        if (odd || again) && random.below(50) > 0
            || !corrections && row.get(corrects).is_some_and(|old| !old.is_empty())
        {
            continue;
        }
        if row.len() == COLUMNS.len() {
            for at in [0, corrects] {
                let next = format!("msc-{:09}", 990 + known.len());
                if !row[at].is_empty() {
                    row[at] = known.entry(row[at].clone()).or_insert(next).clone();
                }
            }
        }
        lines.push(row.join(","));
    }
    lines
}

#[test]
fn rating_1_2_how_ids_are_kept_changes_nothing() {
    for seed in SEEDS.take(6) {
        let mut random = Random(seed);
        let feed = random.feed(2_500);
        let lines = in_series(&mut random, &feed, seed % 2 == 1);
        let files = [cut(&mut random, &lines), vec![lines[500..900].to_vec()]].concat();
        let dir = month(&files, false);
        let plain = rate(dir.path(), 2);
        // A trace keeps the key of each record, and no series.
        let traced = rate_traced(dir.path(), 2, FxHashSet::from_iter([1]));
        assert_eq!(plain.totals, traced.totals, "{seed}");
        for file in OUTCOMES {
            assert!(plain.bytes(file) == traced.bytes(file), "{seed}: {file}");
        }
        let counts = plain.totals.counts();
        assert!(counts.duplicate >= 400 && counts.rated > 1_000 && counts.rejected > 0, "{seed}: {counts:?}");
    }
}

#[test]
fn rating_1_7_money_is_conserved_and_a_balance_never_falls_below_zero() {
    let mut cut_off = 0;
    for seed in SEEDS {
        let feed = Random(seed).feed(300);
        let rated = rate_feed(std::slice::from_ref(&feed));
        let on_credit = rate(month(std::slice::from_ref(&feed), true).path(), 2);
        let rows = rated.rows("rated.csv");
        let column = |name: &str| rows.iter().map(|row| i128::from(tiyn(&row[name]))).sum::<i128>();
        let totals = &rated.totals;
        assert_eq!(
            (column("charge"), column("vat"), column("not_owed")),
            (totals.charged, totals.vat, totals.not_owed)
        );
        assert_eq!(totals.files.iter().map(|file| file.charged).sum::<i128>(), totals.charged);

        // What stands in the feed beside the row: which record it replaces, and whether it is owed in any case.
        let lines: Vec<Vec<String>> = feed.iter().map(|line| fields(line)).collect();
        let in_feed: BTreeMap<&str, Row> = lines
            .iter()
            .filter(|line| line.len() == COLUMNS.len())
            .rev()
            .map(|line| (line[0].as_str(), COLUMNS.map(String::from).into_iter().zip(line.clone()).collect()))
            .collect();
        let mut debits: BTreeMap<&str, i64> = BTreeMap::new();
        let mut booked: BTreeMap<&str, (&str, i64)> = BTreeMap::new();
        let mut replaced: BTreeSet<&str> = BTreeSet::new();
        for (row, full) in rows.iter().zip(on_credit.rows("rated.csv")) {
            let (charge, vat, not_owed) = (tiyn(&row["charge"]), tiyn(&row["vat"]), tiyn(&row["not_owed"]));
            assert!(charge >= 0 && not_owed >= 0 && (0..=charge).contains(&vat), "{seed}: {row:?}");
            assert_eq!((&row["record_id"], charge + not_owed), (&full["record_id"], tiyn(&full["charge"])), "{seed}");
            let client = CLIENTS.iter().find(|client| client.id == row["account_id"]).unwrap();
            if !client.advance {
                assert_eq!(not_owed, 0);
                continue;
            }
            let (id, record) = (row["record_id"].as_str(), &in_feed[row["record_id"].as_str()]);
            if let Some(old) = Some(record["corrects"].as_str()).filter(|old| !old.is_empty()) {
                match booked.remove(old) {
                    Some((account, debit)) => *debits.get_mut(account).unwrap() -= debit,
                    None => drop(replaced.insert(old)),
                }
            }
            let debit = if client.budget { charge - vat } else { charge };
            let spent = debits.entry(client.id).or_default();
            *spent += debit;
            let at = ms(&row["answer_at"]);
            let credited = PAYMENTS.iter().filter(|(day, _)| MARCH + (day - 1) * DAY <= at).map(|(_, amount)| {
                // 16 % is in a payment of 2026, half up.
                if client.budget { (amount * 200 + 116) / 232 } else { *amount }
            });
            let balance = client.opening + credited.sum::<i64>() - *spent;
            let told = client.id == "roamer" && at >= MARCH + 9 * DAY - 5 * 3600 * SECOND;
            let exempt = told && record["realtime"] == "false";
            assert!(debit == 0 || exempt || balance >= 0, "{seed}: {balance} after {row:?}");
            assert!(!exempt || not_owed == 0, "{seed}: {row:?}");
            cut_off += usize::from(not_owed > 0 && charge > 0);
            if replaced.remove(id) {
                *spent -= debit;
            } else {
                booked.insert(id, (client.id, debit));
            }
        }
    }
    assert!(cut_off > 20, "only {cut_off} calls were cut off");
}

/// A row as it must be equal, `id` standing for its record.
fn known_as(row: &Row, id: &str) -> Row {
    let mut row = row.clone();
    row.insert("record_id".into(), id.into());
    row
}

#[test]
fn rating_1_4_parts_in_any_order_and_over_files_cost_what_the_whole_call_costs() {
    for seed in SEEDS {
        let mut random = Random(seed);
        for _ in 0..4 {
            let mut feed = random.feed(60);
            let count = 1 + random.below(5);
            let (whole, mut parts) = random.parts("call", count);
            let place = random.below(feed.len() + 1);
            let mut with_whole = feed.clone();
            with_whole.insert(place, whole.line());
            // The part that comes last settles the call, so it stands where the whole stood.
            random.shuffle(&mut parts);
            feed.insert(place, parts.pop().unwrap().line());
            for (last, part) in (place..).zip(&parts) {
                feed.insert(random.below(last + 1), part.line());
            }
            let (one, several) = (rate_feed(&[with_whole]), rate_feed(&cut(&mut random, &feed)));
            for file in &OUTCOMES[..4] {
                let mut rest = several.placeless(file);
                let told = rest.extract_if(.., |row| row["record_id"].starts_with("call-")).collect::<Vec<_>>();
                if *file == "rated.csv" {
                    assert_eq!(told.len(), count, "{seed}");
                    let first = told.iter().position(|row| row["record_id"] == "call-1").unwrap();
                    assert!(told.iter().all(|row| row["record_id"] == "call-1" || row["charge"] == "0.00"));
                    let call = one.placeless(file).into_iter().position(|row| row["record_id"] == "call").unwrap();
                    rest.insert(call, known_as(&told[first], "call"));
                }
                assert_eq!(one.placeless(file), rest, "{seed}: {file}");
            }
            assert_eq!(one.totals.charged, several.totals.charged);
            let rated_ms = |rated: &Rated| rated.totals.files.iter().map(|file| file.rated_ms).sum::<i128>();
            assert_eq!(rated_ms(&one), rated_ms(&several), "{seed}");
        }
    }
}

#[test]
fn rating_1_4_the_first_part_decides_for_the_whole_call() {
    const MINUTE: i64 = 60 * SECOND;
    // Three parts of 10 minutes; when the first begins, counted from the switch-off; which part is missing.
    for (start, missing, expected) in [
        (-10, 0, ["rated 180", "rated 0", "rated 0"]),
        (-30, 0, ["rated 180", "rated 0", "rated 0"]),
        (0, 0, ["service_not_allowed"; 3]),
        (-10, 3, ["incomplete_parts", "service_not_allowed", ""]),
        (-10, 1, ["", "service_not_allowed", "service_not_allowed"]),
        (-30, 2, ["incomplete_parts", "", "incomplete_parts"]),
    ] {
        let part = |number: i64| {
            let from = SWITCH_OFF + (start + 10 * (number - 1)) * MINUTE;
            Record::default()
                .with("record_id", number)
                .with("service", "voice")
                .with("a_number", format!("7701000000{LEAVER}"))
                .with("b_number", "77272500001")
                .with("setup_at", text(from))
                .with("answer_at", text(from))
                .with("release_at", text(from + 10 * MINUTE))
                .with("call_ref", "call")
                .with("part", number)
                .with("last", number == 3)
                .line()
        };
        let mut feed: Vec<String> = (1..=3).filter(|number| *number != missing).map(part).collect();
        for _ in 0..2 {
            let rated = rate_feed(std::slice::from_ref(&feed));
            let mut found = [String::new(), String::new(), String::new()];
            for row in rated.rows("rated.csv") {
                found[row["record_id"].parse::<usize>().unwrap() - 1] = format!("rated {}", row["units"]);
            }
            for row in rated.rows("suspended.csv") {
                found[row["record_id"].parse::<usize>().unwrap() - 1] = row["reason"].clone();
            }
            assert_eq!(found, expected, "{start} min, without {missing}");
            feed.reverse();
        }
    }
}

#[test]
fn rating_1_2_a_correction_gives_back_exactly_what_was_taken() {
    let mut reversed = 0;
    for seed in SEEDS {
        let mut random = Random(seed);
        for _ in 0..4 {
            let feed = random.feed(60);
            let old = random.call("old");
            let new = random.call("new").with("a_number", old.get("a_number"));
            let at = random.below(feed.len() + 1);
            let mut without = feed.clone();
            without.insert(at, new.line());
            let mut corrected = feed.clone();
            let pair = [old.line(), new.clone().with("corrects", "old").line()];
            corrected.splice(at..at, pair);
            let (without, corrected) = (rate_feed(&[without]), rate_feed(&cut(&mut random, &corrected)));
            let mut rows = corrected.placeless("rated.csv");
            let old_row = rows.extract_if(.., |row| row["record_id"] == "old").next().unwrap();
            let mut expected = without.placeless("rated.csv");
            for row in rows.iter_mut().chain(&mut expected).filter(|row| row["record_id"] == "new") {
                let flags: Vec<&str> = row["flags"].split(';').filter(|flag| *flag != "correction").collect();
                let flags = flags.join(";");
                row.insert("flags".into(), flags);
            }
            assert_eq!(expected, rows, "{seed}");
            let old_charge = i128::from(tiyn(&old_row["charge"]));
            assert_eq!(corrected.totals.reversed, without.totals.reversed + old_charge, "{seed}");
            assert_eq!(corrected.totals.charged, without.totals.charged + old_charge, "{seed}");
            reversed += usize::from(old_charge > 0);
        }
    }
    assert!(reversed > 10, "only {reversed} charges were reversed");
}

#[test]
fn rating_1_2_a_correction_that_costs_nothing_gives_back_too_and_one_that_waits_does_not() {
    let answered = MARCH + 12 * 3600 * SECOND;
    let call = Record::default()
        .with("service", "voice")
        .with("a_number", "77010000000")
        .with("b_number", "77272500001")
        .with("setup_at", text(answered))
        .with("answer_at", text(answered))
        .with("release_at", text(answered + 60 * SECOND));
    let again = call.clone().with("record_id", "new").with("corrects", "old");
    let stranger = again.clone().with("a_number", "77990000001");
    for (correction, reason, reversed) in [
        (again.with("answer_at", "").with("cause", "17"), "busy", 3000),
        (stranger.clone().with("route_in", "other-operator"), "interconnect_only", 3000),
        (stranger, "unknown_line", 0),
    ] {
        let mut feed = vec![call.clone().with("record_id", "old").line(), correction.line()];
        for _ in 0..2 {
            let rated = rate_feed(std::slice::from_ref(&feed));
            let others = [rated.rows("filtered.csv"), rated.rows("suspended.csv")].concat();
            assert_eq!(others.iter().map(|row| row["reason"].as_str()).collect::<Vec<_>>(), [reason]);
            // 6 × 4.50 + 3.00.
            assert_eq!((rated.totals.charged, rated.totals.reversed), (3000, reversed), "{reason}");
            feed.reverse();
        }
    }
}
