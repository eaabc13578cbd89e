//! A synthetic month as a folder of interface 7.1, for load and demonstration: the same seed gives the same bytes.
//!
//! Absent on purpose: personal data (names are numbers, no IIN), wall clock, any source of randomness but the seed.
//!
//! Source: interface 7.1, 7.2.

mod calls;
mod clients;
mod numbers;
mod random;
mod tariff;
mod text;

use crate::units::{Period, Zone};
use calls::{Calls, FEED_COLUMNS};
use clients::{ACCOUNT_COLUMNS, Clients, LINE_COLUMNS, MOST_ACCOUNTS, PAYMENT_COLUMNS};
use numbers::Numbers;
use random::Random;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use text::Clock;

/// What the month is to be like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Profile {
    /// Records, those of the repeated file not counted.
    pub records: u64,
    /// The same seed and profile give the same bytes.
    pub seed: u64,
    /// Personal accounts, one line each: 1 to 50 million. One in twenty has fixed internet, the others a number.
    pub accounts: u32,
    /// Rows of the prefix table; never fewer than its some 270 country, area and short codes.
    pub prefixes: u32,
    /// Files that the records are spread over in order of time: 1 to 9999.
    pub feed_files: u32,
    /// The month in which they begin; local time of Almaty.
    pub month: Period,
    /// So many of 100 accounts pay in advance; their money ends for some per cent of their calls.
    pub advance_percent: u8,
    /// Plans include minutes, messages and megabytes.
    pub allowances: bool,
    /// One more file, the last, repeats so many per cent of the records, the latest ones: a file sent again.
    pub overlap_percent: u8,
}

impl Profile {
    /// March 2026 on credit, without allowances and repetition: one account per ten records up to a million, 20 000
    /// prefixes (fewer under a million records), a file per 1.25 million records.
    pub fn new(records: u64, seed: u64) -> Self {
        let clamped = |value: u64, low: u32, high: u32| u32::try_from(value).unwrap_or(high).clamp(low, high);
        Self {
            records,
            seed,
            accounts: clamped(records / 10, 1, 1_000_000),
            prefixes: clamped(records / 50, 1000, 20_000),
            feed_files: clamped(records.div_ceil(1_250_000), 1, 64),
            month: Period(2026 * 12 + 2),
            advance_percent: 0,
            allowances: false,
            overlap_percent: 0,
        }
    }

    fn refuse_what_cannot_be(&self) -> io::Result<()> {
        let wrong = if self.accounts == 0 || self.accounts > MOST_ACCOUNTS {
            format!("{} accounts: 1 to {MOST_ACCOUNTS} are possible", self.accounts)
        } else if self.feed_files == 0 || self.feed_files > 9999 {
            format!("{} feed files: 1 to 9999 are possible", self.feed_files)
        } else if self.prefixes > 2_000_000 {
            format!("{} prefixes: at most 2000000 are possible", self.prefixes)
        } else if self.advance_percent > 100 || self.overlap_percent > 100 {
            format!("{} % advance, {} % overlap: at most 100", self.advance_percent, self.overlap_percent)
        } else {
            return Ok(());
        };
        Err(io::Error::new(io::ErrorKind::InvalidInput, wrong))
    }
}

/// What was written.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Generated {
    /// Records, each once.
    pub records: u64,
    /// Records of the file sent again.
    pub repeated: u64,
    /// Feed files, the repeated one included.
    pub feed_files: u64,
    /// Bytes of all feed files.
    pub feed_bytes: u64,
    /// Accounts, and so lines.
    pub accounts: u64,
    /// Accounts that pay in advance.
    pub advance_accounts: u64,
    /// Payments.
    pub payments: u64,
    /// Prefixes.
    pub prefixes: u64,
}

/// Writes the month into a folder, which is made if need be. A folder that has feeds already is refused: old files
/// would be rated with the new ones.
pub fn generate(profile: &Profile, out: &Path) -> io::Result<Generated> {
    profile.refuse_what_cannot_be()?;
    let feeds = out.join("feeds");
    fs::create_dir_all(&feeds)?;
    fs::create_dir_all(out.join("tariffs"))?;
    if fs::read_dir(&feeds)?.next().is_some() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is not empty", feeds.display())));
    }
    let month = Month::of(profile.month)?;
    let numbers = Numbers::new(profile.seed, profile.prefixes);
    let mut done = Generated { prefixes: numbers.table.len() as u64, ..Generated::default() };

    fs::write(out.join("esep.toml"), esep_toml(profile))?;
    let (year, ..) = profile.month.first_day().ymd();
    let tariff = tariff::tariff(profile.seed, year, profile.allowances);
    fs::write(out.join("tariffs").join(format!("synthetic-{year}.toml")), tariff)?;
    let mut prefixes = String::from("prefix,zone\n");
    for (prefix, zone) in &numbers.table {
        for text in [prefix, ",", zone, "\n"] {
            prefixes.push_str(text);
        }
    }
    fs::write(out.join("prefixes.csv"), prefixes)?;
    let clients = Clients::new(profile);
    write_clients(out, clients, &month, &mut done)?;
    let calls = Calls { numbers: &numbers, clients, random: Random::of(profile.seed, 4), clock: month.clock() };
    write_feeds(profile, &feeds, calls, &month, &mut done)?;
    Ok(done)
}

/// The month on the clocks of Almaty.
#[derive(Debug)]
struct Month {
    /// Its first midnight there, as if it were UTC.
    start_local_ms: i64,
    length_ms: i64,
    /// East of UTC, at its beginning.
    offset_ms: i64,
    /// Weekday of its first day, 0 is Monday.
    first_weekday: u8,
}

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: u64 = 3_600_000;

impl Month {
    fn of(period: Period) -> io::Result<Self> {
        let zone = Zone::parse("Asia/Almaty").map_err(|error| io::Error::other(error.to_string()))?;
        let first = period.first_day();
        Ok(Self {
            start_local_ms: i64::from(first.0).saturating_mul(DAY_MS),
            length_ms: i64::from(period.days()).saturating_mul(DAY_MS),
            offset_ms: zone.offset_ms(zone.start_of_day(first)),
            first_weekday: first.weekday_from_monday(),
        })
    }

    fn clock(&self) -> Clock {
        Clock::east(self.offset_ms)
    }

    /// The hours of the month with their share of the traffic.
    fn hours(&self) -> Vec<u64> {
        let hours = self.length_ms.unsigned_abs() / HOUR_MS;
        let weight = |hour: u64| {
            let of_day = DAY_PROFILE.get((hour % 24) as usize).copied().unwrap_or(0);
            let weekday = (hour / 24).wrapping_add(u64::from(self.first_weekday)) % 7;
            if weekday >= 5 { of_day.wrapping_mul(8) } else { of_day.wrapping_mul(10) }
        };
        (0..hours).map(weight).collect()
    }
}

/// Traffic by the hour of the day.
const DAY_PROFILE: [u64; 24] =
    [12, 7, 5, 4, 4, 6, 14, 30, 58, 82, 94, 97, 92, 90, 93, 95, 96, 100, 98, 92, 80, 62, 40, 22];

fn esep_toml(profile: &Profile) -> String {
    format!(
        "# Synthetic: esep generate --records {} --seed {} (month {}).\n[[feed]]\nsource = \"msc-1\"\n\
         files = \"feeds/*.csv\"\nformat = \"native\"\nnumber_form = \"dialled\"\n",
        profile.records, profile.seed, profile.month
    )
}

fn write_clients(out: &Path, clients: Clients, month: &Month, done: &mut Generated) -> io::Result<()> {
    let mut accounts = Output::create(out.join("accounts.csv"), ACCOUNT_COLUMNS)?;
    let mut lines = Output::create(out.join("lines.csv"), LINE_COLUMNS)?;
    let mut payments = Output::create(out.join("payments.csv"), PAYMENT_COLUMNS)?;
    let mut clock = month.clock();
    for client in clients.each() {
        client.push_account(accounts.row()?);
        client.push_line(lines.row()?, &clients);
        let paid = client.push_payments(payments.row()?, month, &mut clock);
        done.payments = done.payments.saturating_add(paid);
        done.accounts = done.accounts.saturating_add(1);
        done.advance_accounts = done.advance_accounts.saturating_add(u64::from(client.advance));
    }
    accounts.finish()?;
    lines.finish()?;
    payments.finish()?;
    Ok(())
}

fn write_feeds(
    profile: &Profile,
    feeds: &Path,
    mut calls: Calls<'_>,
    month: &Month,
    done: &mut Generated,
) -> io::Result<()> {
    let files = u64::from(profile.feed_files).min(profile.records.max(1));
    let share = |part: u64, whole: u64| part_of(profile.records, part, whole);
    let repeat_from = share(u64::from(100u8.saturating_sub(profile.overlap_percent)), 100);
    let mut again = match profile.overlap_percent {
        0 => None,
        _ => Some(Output::create(feeds.join("calls-9999-again.csv"), FEED_COLUMNS)?),
    };
    let hours = month.hours();
    let whole: u64 = hours.iter().sum();
    let mut file = 0u64;
    let mut feed: Option<Output> = None;
    let mut number = 0u64;
    let mut weight_before = 0u64;
    let mut hour_ms = month.start_local_ms;
    for weight in hours {
        weight_before = weight_before.wrapping_add(weight);
        let here = share(weight_before, whole).saturating_sub(number);
        for place in 0..here {
            if feed.is_none() || number >= share(file, files) {
                if let Some(full) = feed.take() {
                    done.feed_bytes = done.feed_bytes.saturating_add(full.finish()?);
                }
                file = file.wrapping_add(1);
                feed = Some(Output::create(feeds.join(format!("calls-{file:04}.csv")), FEED_COLUMNS)?);
            }
            let Some(feed) = &mut feed else { continue };
            // One in each of the equal parts of the hour, so the records stay in order.
            let in_hour =
                part_of(HOUR_MS, place, here).wrapping_add(calls.random.below(HOUR_MS.checked_div(here).unwrap_or(1)));
            let row = feed.row()?;
            let start = row.len();
            calls.push(row, number, hour_ms.wrapping_add(in_hour.cast_signed()));
            if let Some(again) = again.as_mut().filter(|_| number >= repeat_from) {
                again.row()?.extend_from_slice(row.get(start..).unwrap_or_default());
                done.repeated = done.repeated.wrapping_add(1);
            }
            number = number.wrapping_add(1);
        }
        hour_ms = hour_ms.wrapping_add(HOUR_MS.cast_signed());
    }
    done.records = number;
    done.feed_files = file.wrapping_add(u64::from(again.is_some()));
    for output in feed.into_iter().chain(again) {
        done.feed_bytes = done.feed_bytes.saturating_add(output.finish()?);
    }
    Ok(())
}

/// `whole × part ÷ parts`, rounded down.
fn part_of(whole: u64, part: u64, parts: u64) -> u64 {
    let product = u128::from(whole).wrapping_mul(u128::from(part));
    product.checked_div(u128::from(parts)).and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
}

/// A file that is written through one large buffer.
#[derive(Debug)]
struct Output {
    file: File,
    path: PathBuf,
    buffer: Vec<u8>,
    written: u64,
}

const BUFFER: usize = 1 << 20;

impl Output {
    fn create(path: PathBuf, header: &str) -> io::Result<Self> {
        let file = File::create(&path).map_err(|error| named(&path, &error))?;
        let mut buffer = Vec::with_capacity(BUFFER + 4096);
        buffer.extend_from_slice(header.as_bytes());
        Ok(Self { file, path, buffer, written: 0 })
    }

    /// Where the next row goes.
    fn row(&mut self) -> io::Result<&mut Vec<u8>> {
        if self.buffer.len() >= BUFFER {
            self.flush()?;
        }
        Ok(&mut self.buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer).map_err(|error| named(&self.path, &error))?;
        self.written = self.written.saturating_add(self.buffer.len() as u64);
        self.buffer.clear();
        Ok(())
    }

    /// Writes the rest; gives the size of the file.
    fn finish(mut self) -> io::Result<u64> {
        self.flush()?;
        Ok(self.written)
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, HashSet};

    fn month(profile: &Profile) -> (BTreeMap<String, Vec<u8>>, Generated) {
        let folder = tempfile::tempdir().unwrap();
        let done = generate(profile, folder.path()).unwrap();
        let mut files = BTreeMap::new();
        for sub in ["", "feeds", "tariffs"] {
            for entry in fs::read_dir(folder.path().join(sub)).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    let name = format!("{sub}/{}", entry.file_name().to_string_lossy());
                    files.insert(name, fs::read(entry.path()).unwrap());
                }
            }
        }
        (files, done)
    }

    fn rows(file: &[u8]) -> Vec<Vec<&str>> {
        let text = std::str::from_utf8(file).unwrap();
        text.lines().skip(1).map(|line| line.split(',').collect()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
        let profile = Profile { advance_percent: 30, allowances: true, overlap_percent: 10, ..Profile::new(3000, 7) };
        let (first, done) = month(&profile);
        assert_eq!(month(&profile), (first.clone(), done));
        let (other, _) = month(&Profile { seed: 8, ..profile });
        assert_eq!(first.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
        for name in ["/prefixes.csv", "/accounts.csv", "/payments.csv", "feeds/calls-0001.csv"] {
            assert_ne!(first[name], other[name], "{name}");
        }
    }

    #[test]
    fn interface_7_1_each_record_has_every_column_and_its_place_in_time() {
        let (files, done) = month(&Profile { feed_files: 3, ..Profile::new(5000, 1) });
        assert_eq!((done.records, done.feed_files, done.repeated), (5000, 3, 0));
        let mut ids = HashSet::new();
        let mut last = "2026-03-01T00:00:00.000+05:00".to_owned();
        let mut services = BTreeMap::<&str, u32>::new();
        for (name, file) in files.iter().filter(|(name, _)| name.starts_with("feeds/")) {
            assert!(file.starts_with(b"record_id,service,a_number,b_number,setup_at,answer_at,release_at,"), "{name}");
            for row in rows(file) {
                assert_eq!(row.len(), 23, "{row:?}");
                assert!(ids.insert(row[0].to_owned()));
                *services.entry(row[1]).or_default() += 1;
                assert!(*last <= *row[4], "{last} {row:?}");
                assert!(row[4] < "2026-04-01");
                assert!(row[5].is_empty() || (row[4] <= row[5] && row[5] <= row[6]), "{row:?}");
                row[4].clone_into(&mut last);
            }
        }
        assert_eq!(ids.len(), 5000);
        assert!(services["voice"] > 3800 && services["sms"] > 400 && services["data"] > 300, "{services:?}");
        assert!(services["internet"] > 20 && services["vas"] > 20, "{services:?}");
        let lines: HashSet<&str> = rows(&files["/lines.csv"]).iter().map(|row| row[0]).collect();
        assert_eq!((lines.len(), done.accounts), (500, 500));
    }

    #[test]
    fn a_file_sent_again_repeats_the_latest_records_and_sorts_last() {
        let profile = Profile { feed_files: 2, overlap_percent: 10, ..Profile::new(1000, 3) };
        let (files, done) = month(&profile);
        assert_eq!((done.records, done.repeated, done.feed_files), (1000, 100, 3));
        let feeds: Vec<&String> = files.keys().filter(|name| name.starts_with("feeds/")).collect();
        assert_eq!(feeds, ["feeds/calls-0001.csv", "feeds/calls-0002.csv", "feeds/calls-9999-again.csv"]);
        let again = rows(&files["feeds/calls-9999-again.csv"]);
        assert_eq!(again, rows(&files["feeds/calls-0002.csv"])[400..]);
    }

    #[test]
    fn months_have_their_length_and_offset() {
        let february = Profile { month: Period::parse("2024-02").unwrap(), ..Profile::new(500, 1) };
        let (files, _) = month(&february);
        let rows = rows(&files["feeds/calls-0001.csv"]);
        assert!(rows.iter().all(|row| row[4].starts_with("2024-02-") && row[4].ends_with("+06:00")));
        assert!(rows.iter().any(|row| row[4].starts_with("2024-02-29")));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let good = Profile::new(10, 1);
        for profile in [
            Profile { accounts: 0, ..good },
            Profile { feed_files: 0, ..good },
            Profile { advance_percent: 101, ..good },
            Profile { overlap_percent: 101, ..good },
        ] {
            assert_eq!(generate(&profile, folder.path()).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
        generate(&good, folder.path()).unwrap();
        assert_eq!(generate(&good, folder.path()).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
