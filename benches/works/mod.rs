//! The work that is measured, once for both benches: by the clock in `rating`, in instructions in `instructions`.
//!
//! Each work is a loop over inputs of one generated month; the same seed gives the same inputs, and so the same
//! instructions.

use bumpalo::Bump;
use esep::batch::{Pass, rate_files};
use esep::decode::{Decoded, FileDecoder, Separators};
use esep::feed::{LineReader, Piece};
use esep::folder::Folder;
use esep::generate::{Profile, generate};
use esep::law;
use esep::rate::{Basis, Usage, quote, settle_in_full, settle_up_to};
use esep::record::{Direction, Service, UsageRecord};
use esep::screen::{Destination, Duplicates, Fingerprint, NumberForm, SourceKey};
use esep::tariff::{Measure, Plan, Presence, SourceFile, TariffInput, Tariffs, UsageClass, Version, load};
use esep::tax;
use esep::units::{InstantMs, LocalDay, Tiyn};
use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::AtomicU64;

/// Something to be measured.
pub(crate) struct Work<'m> {
    /// What it is part of.
    pub(crate) group: &'static str,
    /// What it is.
    pub(crate) name: &'static str,
    /// How many records, numbers or charges one run works on.
    pub(crate) elements: u64,
    /// One run.
    pub(crate) run: Box<dyn FnMut() + 'm>,
}

/// The month from which inputs are taken: every feature of the generator.
pub(crate) fn profile(records: u64) -> Profile {
    Profile { advance_percent: 30, allowances: true, ..Profile::new(records, 1) }
}

/// A generated month, read.
pub(crate) struct Month {
    folder: Folder,
    decoder: FileDecoder,
    /// Whole lines of a feed, without its header.
    pieces: Vec<Vec<u8>>,
    arena: Bump,
    priced: Tariffs,
}

/// Records of the month for the works that take one step of a record's way.
pub(crate) const RECORDS: u64 = 5_000;
const DUPLICATES: u64 = 100_000;
const CHARGES: usize = 1_000;

impl Month {
    /// Reads a month that was generated into a folder.
    pub(crate) fn open(folder: &Path) -> Self {
        let (folder, findings) = Folder::open(folder);
        assert_eq!(findings.errors(), 0, "{:?}", findings.kept());
        let folder = folder.expect("a generated folder can be read");
        let feed = folder.files.first().expect("a generated folder has a feed");
        let mut reader = LineReader::open(&feed.path).expect("a generated feed can be opened");
        let mut pieces = Vec::new();
        while let Some(piece) = reader.next_piece(Vec::new()) {
            let Piece::Lines(bytes) = piece else { unreachable!("a generated feed has short lines") };
            pieces.push(bytes);
        }
        let header = memchr::memchr(b'\n', &pieces[0]).expect("a header");
        let decoder = feed.format.decoder(&pieces[0][..header]).expect("the native header");
        pieces[0].drain(..=header);
        Self { folder, decoder, pieces, arena: Bump::new(), priced: priced() }
    }

    /// Every work on this month.
    pub(crate) fn works(&self) -> Vec<Work<'_>> {
        let records = self.records();
        let mut works = vec![self.decode(), self.find_lines(&records)];
        works.extend([normalise(&records), look_up("prefixes", "of the month", &records, &self.folder)]);
        works.push(Work {
            group: "screen",
            name: "fingerprint",
            elements: records.len() as u64,
            run: {
                let records = records.clone();
                let source = SourceKey::of("msc-1");
                Box::new(move || records.iter().for_each(|record| keep(Fingerprint::of(source, record))))
            },
        });
        works.extend(duplicates());
        works.extend(self.charges());
        works.push(vat());
        works
    }

    /// Its records.
    pub(crate) fn records(&self) -> Vec<UsageRecord<'_>> {
        let mut records = Vec::new();
        for piece in &self.pieces {
            self.decoder.decode(piece, &self.arena, &mut Separators::default(), &mut |decoded: Decoded<'_>| {
                records.extend(decoded.record);
            });
        }
        records
    }

    fn decode(&self) -> Work<'_> {
        let (mut arena, mut separators) = (Bump::new(), Separators::default());
        let run = move || {
            for piece in &self.pieces {
                arena.reset();
                self.decoder.decode(piece, &arena, &mut separators, &mut |decoded: Decoded<'_>| {
                    black_box(decoded.record.is_ok());
                    black_box(&decoded);
                });
            }
        };
        Work { group: "decode", name: "native csv", elements: RECORDS, run: Box::new(run) }
    }

    fn find_lines<'m>(&'m self, records: &[UsageRecord<'m>]) -> Work<'m> {
        let lines: Vec<(&[u8], InstantMs)> = records.iter().map(|r| (r.a_number, r.rated_at())).collect();
        let register = &self.folder.reference.register.lines;
        Work {
            group: "book",
            name: "line to account",
            elements: lines.len() as u64,
            run: Box::new(move || lines.iter().for_each(|(line, at)| keep(register.find(line, *at)))),
        }
    }

    fn charges(&self) -> Vec<Work<'_>> {
        let version = &self.priced.versions[0];
        ["simple", "cut price", "steps", "window", "split by window", "allowance", "cut off"]
            .into_iter()
            .map(|name| charge(name, &self.priced, version))
            .collect()
    }
}

/// Called numbers as the prefix table knows them.
fn normalise<'m>(records: &[UsageRecord<'m>]) -> Work<'m> {
    let numbers: Vec<(&[u8], &[u8])> = called(records).collect();
    let run = move || {
        for (called, caller) in &numbers {
            black_box(Destination::normalise(black_box(called), caller, NumberForm::Dialled));
        }
    };
    Work { group: "numbers", name: "normalise", elements: called(records).count() as u64, run: Box::new(run) }
}

fn called<'m>(records: &[UsageRecord<'m>]) -> impl Iterator<Item = (&'m [u8], &'m [u8])> {
    records.iter().filter(|record| !record.b_number.is_empty()).map(|record| (record.b_number, record.a_number))
}

/// The zone of each called number.
pub(crate) fn look_up<'m>(
    group: &'static str,
    name: &'static str,
    records: &[UsageRecord<'_>],
    folder: &'m Folder,
) -> Work<'m> {
    let destinations: Vec<Destination> =
        called(records).map(|(called, caller)| Destination::normalise(called, caller, NumberForm::Dialled)).collect();
    let tariffs = &folder.reference.tariffs;
    let run = {
        let destinations = destinations.clone();
        move || destinations.iter().for_each(|destination| keep(destination.zone(tariffs)))
    };
    Work { group, name, elements: destinations.len() as u64, run: Box::new(run) }
}

/// Keys that are new, and the same keys again.
fn duplicates<'m>() -> [Work<'m>; 2] {
    let source = SourceKey::of("msc-1");
    let prints: Vec<Fingerprint> = (0..DUPLICATES)
        .map(|number| Fingerprint { key: source.fingerprint(format!("m1-{number:09}").as_bytes()), content: number })
        .collect();
    let fill = |prints: &[Fingerprint]| {
        let mut set = Duplicates::with_capacity(prints.len());
        prints.iter().for_each(|print| keep(set.insert(*print)));
        set
    };
    let mut full = fill(&prints);
    let again = prints.clone();
    [
        Work { group: "duplicates", name: "new", elements: DUPLICATES, run: Box::new(move || keep(fill(&prints))) },
        Work {
            group: "duplicates",
            name: "again",
            elements: DUPLICATES,
            run: Box::new(move || again.iter().for_each(|print| keep(full.insert(*print)))),
        },
    ]
}

/// A quote and its charge: pricing alone, without decoding and look-ups.
fn charge<'m>(name: &'static str, tariffs: &'m Tariffs, version: &'m Version) -> Work<'m> {
    let (plan, zone) = match name {
        "simple" => ("bench", "city"),
        "cut price" | "cut off" => ("bench", "far"),
        "steps" => ("bench", "abroad"),
        "window" => ("bench", "mobile"),
        "split by window" => ("bench", "mobile"),
        _ => ("minutes", "city"),
    };
    let version = if name == "split by window" { &tariffs.versions[1] } else { version };
    let plan: &Plan = tariffs.plan_id(plan).and_then(|id| version.plan(id)).expect("the plan is there");
    let zone = tariffs.prefixes.longest_match(zone_number(zone)).expect("the zone is there");
    let class =
        UsageClass { service: Service::Voice, direction: Direction::Out, presence: Presence::Home, zone: Some(zone) };
    let vat = law::vat_rate_on(LocalDay::parse("2026-03-01").expect("a day"));
    // Durations from a second to some twenty minutes, over all hours of the month.
    let usages: Vec<Usage> = (0..CHARGES as i64)
        .map(|number| Usage {
            at: InstantMs(1_772_323_200_000 + number * 2_591_999),
            duration_ms: 1_000 + number * number * 7_919 % 1_200_000,
            bytes: 0,
            quantity: 1,
            timed: true,
            class,
        })
        .collect();
    let run = move || {
        for usage in &usages {
            let offered = [(Measure::Time, 600_000)];
            let offered = if name == "allowance" { &offered[..] } else { &[] };
            let quote = quote(version, plan, black_box(usage), offered).expect("a rate fits");
            let settled = if name == "cut off" {
                settle_up_to(version, &quote, vat, Tiyn::new(1_000), Basis::Gross, usage.at)
            } else {
                settle_in_full(version, &quote, vat)
            };
            keep(settled);
        }
    };
    Work { group: "rate", name, elements: CHARGES as u64, run: Box::new(run) }
}

fn zone_number(zone: &str) -> &'static [u8] {
    match zone {
        "city" => b"77272500001",
        "far" => b"77172500001",
        "mobile" => b"77012500001",
        _ => b"4420123456",
    }
}

/// The same two plans as one tariff that prices by the answer's window and one that splits.
fn priced() -> Tariffs {
    const PLANS: &str = r#"
        [zones]
        city = { kind = "local" }
        far = { kind = "long-distance" }
        mobile = { kind = "mobile" }
        abroad = { kind = "international" }
        [windows.night]
        days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        from = "22:00"
        to = "07:00"
        [windows.weekend]
        days = ["sat", "sun"]
        from = "07:00"
        to = "22:00"
        [plans.bench]
        rates = [
            { service = "voice", zones = ["city"], unit = "60s", price = "4.00" },
            { service = "voice", zones = ["far"], unit = "10s", price = "11.50", price_per = "60s" },
            { service = "voice", zones = ["mobile"], unit = "10s", price = "3.20" },
            { service = "voice", zones = ["mobile"], window = "night", unit = "10s", price = "1.60" },
            { service = "voice", zones = ["mobile"], window = "weekend", unit = "10s", price = "2.40" },
            { service = "voice", zones = ["abroad"], connect_fee = "3.00", steps = [ { units = 1, unit = "60s", price = "48.00" }, { unit = "10s", price = "8.00" } ] },
        ]
        [plans.minutes]
        rates = [ { service = "voice", zones = ["city"], unit = "60s", price = "4.00" } ]
        allowances = [ { service = "voice", zones = ["city"], quantity = "100min", priority = 1, carry_over = false } ]
    "#;
    let version = |from: &str, split: bool| {
        let head = "currency = \"KZT\"\ntime_zone = \"Asia/Almaty\"\nprices_include_vat = true\nround = \"charge\"\n";
        let text = format!("name = \"{from}\"\nvalid_from = {from}\nsplit = {split}\n{head}{PLANS}");
        SourceFile::new(format!("{from}.toml"), text)
    };
    let prefixes = "prefix,zone\n7727,city\n7717,far\n7701,mobile\n44,abroad\n";
    let input = TariffInput {
        versions: vec![version("2026-01-01", false), version("2026-06-01", true)],
        prefixes: Some(SourceFile::new("prefixes.csv", prefixes)),
        ..TariffInput::default()
    };
    let (tariffs, findings) = load(&input);
    tariffs.unwrap_or_else(|| panic!("{findings:#?}"))
}

fn vat<'m>() -> Work<'m> {
    let rate = law::vat_rate_on(LocalDay::parse("2026-03-01").expect("a day"));
    let amounts: Vec<Tiyn> = (0..CHARGES as i64).map(|number| Tiyn::new(number * 7_919 % 100_000)).collect();
    let run = move || amounts.iter().for_each(|gross| keep(tax::extract(black_box(*gross), rate)));
    Work { group: "vat", name: "extract", elements: CHARGES as u64, run: Box::new(run) }
}

/// A whole month, from files to files, on one thread; the folder has been read before.
pub(crate) fn rate_folder(folder: &Folder, threads: &rayon::ThreadPool, outcomes: Option<&Path>) {
    let pass = Pass {
        reference: &folder.reference,
        funds: &|| folder.funds(),
        files: &folder.files,
        threads,
        outcomes,
        progress: &AtomicU64::new(0),
        traced: Default::default(),
    };
    let report = rate_files(&pass).expect("a generated month can be rated");
    assert!(report.totals.counts().balance());
}

/// Computes a value and lets it go; the compiler does not see that.
fn keep<T>(value: T) {
    black_box(value);
}

/// Generates a month and reads it.
pub(crate) fn generated(profile: &Profile, into: &Path) -> Folder {
    generate(profile, into).expect("a month can be generated");
    let (folder, findings) = Folder::open(into);
    folder.unwrap_or_else(|| panic!("{:?}", findings.kept()))
}
