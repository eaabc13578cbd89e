//! Folders and stores of tests over the books.

#![allow(unreachable_pub, dead_code, reason = "each test file uses some of it")]

use esep::batch::Counts;
use esep::folder::Folder;
use esep::generate::{Profile, generate};
use esep::post::{HOT_KEYS_MAX, Ingest, Ingested, PostError, Store, Verified, Verify, verify};
use esep::units::Period;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};

/// A generated month with everything that has memory.
pub fn month_of(root: &Path, records: u64) -> PathBuf {
    let folder = root.join(format!("month-{records}"));
    let profile = Profile {
        records,
        seed: 11,
        accounts: 60,
        prefixes: 300,
        feed_files: 3,
        month: Period::parse("2026-03").unwrap(),
        advance_percent: 30,
        allowances: true,
        overlap_percent: 5,
    };
    generate(&profile, &folder).unwrap();
    folder
}

pub fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-cdr")
}

pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copy = to.join(path.file_name().unwrap());
        if path.is_dir() { copy_folder(&path, &copy) } else { assert!(fs::copy(&path, &copy).is_ok()) }
    }
}

pub fn ingest(store: &mut Store, folder: &Path, jobs: usize) -> Result<Ingested, PostError> {
    let (folder, findings) = Folder::open(folder);
    let folder = folder.unwrap_or_else(|| panic!("{findings:?}"));
    let threads = rayon::ThreadPoolBuilder::new().num_threads(jobs).build().unwrap();
    let (progress, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    store.ingest(folder, &Ingest { threads: &threads, progress: &progress, stop: &stop, hot_keys: HOT_KEYS_MAX })
}

/// What the books say, and how many charges stand.
pub fn said(store: &Store) -> (u128, u64) {
    (store.books.state_hash(), store.books.charges.count)
}

pub fn verified(data: &Path, jobs: usize) -> Verified {
    let scratch = tempfile::tempdir().unwrap();
    let threads = rayon::ThreadPoolBuilder::new().num_threads(jobs).build().unwrap();
    let progress = AtomicU64::new(0);
    verify(&Verify { folder: data, scratch: scratch.path(), threads: &threads, progress: &progress }).unwrap()
}

/// Verifies a store in which nothing is wrong: what it says, and how many records are rated.
pub fn clean(data: &Path) -> (u128, u64) {
    let found = verified(data, 2);
    assert!(found.violations.is_empty(), "{:#?}", found.violations);
    let Counts { read, rated, filtered, duplicate, suspended, rejected } = found.counts;
    assert_eq!(read, rated + filtered + duplicate + suspended + rejected);
    assert_eq!(found.rated_again, read);
    (found.state_hash, rated)
}

/// A month by days: what is known on a day, and what came.
pub struct Month {
    root: PathBuf,
    header: String,
    /// Of each day from the 1st.
    days: Vec<Vec<String>>,
    payments: Vec<String>,
}

impl Month {
    pub fn read(root: &Path) -> Self {
        let mut days = vec![Vec::new(); 31];
        let mut header = String::new();
        let mut names: Vec<_> = fs::read_dir(root.join("feeds")).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        for path in names.iter().filter(|path| !path.to_str().unwrap().contains("again")) {
            let text = fs::read_to_string(path).unwrap();
            let mut lines = text.lines();
            header = lines.next().unwrap().to_owned();
            for line in lines {
                let day: usize = line.split(',').nth(4).unwrap()[8..10].parse().unwrap();
                days[day - 1].push(line.to_owned());
            }
        }
        let payments = fs::read_to_string(root.join("payments.csv")).unwrap();
        Self { root: root.to_owned(), header, days, payments: payments.lines().map(str::to_owned).collect() }
    }

    /// The folder as it is on the evening of a day: the feeds of all days until then, each with a file that overlaps,
    /// a dearer tariff from the 16th that is known from the 15th on, an account that is known from the 10th on, another
    /// plan of one from the 20th, payments of those days.
    pub fn write(&self, to: &Path, day: usize) {
        for part in ["tariffs", "accounts.csv", "lines.csv", "prefixes.csv", "esep.toml"] {
            let path = self.root.join(part);
            if path.is_dir() {
                copy_folder(&path, &to.join(part));
            } else {
                fs::create_dir_all(to).unwrap();
                fs::copy(&path, to.join(part)).unwrap();
            }
        }
        fs::create_dir_all(to.join("feeds")).unwrap();
        for at in 1..=day {
            let of = |day: usize| self.days[day - 1].clone();
            let file = |name: &str, lines: &[String]| {
                let text = format!("{}\n{}\n", self.header, lines.join("\n"));
                fs::write(to.join(format!("feeds/day-{at:02}{name}.csv")), text).unwrap();
            };
            // A few records of the day come a day late.
            let mut lines = of(at);
            let late: Vec<String> = if at > 1 { of(at - 1).into_iter().step_by(17).collect() } else { Vec::new() };
            if at < 31 {
                let mut number = 0;
                lines.retain(|_| (number % 17 != 0, number += 1).0);
            }
            file("", &[late, lines].concat());
            if at > 1 {
                let yesterday = of(at - 1);
                file("-again", &[&of(at)[of(at).len() / 2..], &yesterday[yesterday.len() / 3..]].concat());
            }
        }
        let known = |line: &&String| {
            line.starts_with("payment_id") || {
                let paid: usize = line.split(',').nth(3).unwrap()[8..10].parse().unwrap();
                paid <= day
            }
        };
        let payments: Vec<&String> = self.payments.iter().filter(known).collect();
        let text: String = payments.into_iter().map(|line| format!("{line}\n")).collect();
        fs::write(to.join("payments.csv"), text).unwrap();
        if day >= 10 {
            let new = "29999999,,New,,,b2c,city,advance,regular,2026-03-10,2026-03-10";
            let accounts = fs::read_to_string(to.join("accounts.csv")).unwrap();
            let columns = accounts.lines().next().unwrap().split(',').count();
            let opening = accounts.lines().next().unwrap().split(',').position(|c| c == "opening_balance").unwrap();
            let mut row: Vec<&str> = new.split(',').collect();
            row.resize(columns, "");
            row[opening] = "50.00";
            fs::write(to.join("accounts.csv"), format!("{accounts}{}\n", row.join(","))).unwrap();
        }
        let tariff = fs::read_dir(to.join("tariffs")).unwrap().next().unwrap().unwrap().path();
        if day >= 15 {
            let text = fs::read_to_string(self.root.join("tariffs").join(tariff.file_name().unwrap())).unwrap();
            let text = text.replace("name = \"synthetic-2026\"", "name = \"dearer\"");
            let text = text
                .replace("valid_from = 2026-01-01", "valid_from = 2026-03-16")
                .replace("price = \"1", "price = \"2");
            fs::write(to.join("tariffs/zz-dearer.toml"), text).unwrap();
        }
        if day >= 20 {
            let plan = fs::read_to_string(to.join("accounts.csv")).unwrap();
            let plan = plan.lines().nth(1).unwrap().split(',').nth(6).unwrap().to_owned();
            let other = if plan == "city" { "standard" } else { "city" };
            let text = format!("account_id,plan,valid_from,valid_to\n20000001,{other},2026-03-21,\n");
            fs::write(to.join("assignments.csv"), text).unwrap();
        }
    }
}

pub const HEADER: &str =
    "record_id,service,a_number,b_number,setup_at,answer_at,release_at,cause,call_ref,part,last,corrects\n";

/// A folder with one credit account, one that pays in advance with an allowance, and no feeds.
pub fn small(root: &Path) {
    fs::create_dir_all(root.join("feeds")).unwrap();
    fs::create_dir_all(root.join("tariffs")).unwrap();
    fs::write(
        root.join("tariffs/t.toml"),
        "name = \"t\"\ncurrency = \"KZT\"\ntime_zone = \"Asia/Almaty\"\nvalid_from = 2026-01-01\n\
         prices_include_vat = true\n[zones.ld]\nkind = \"long-distance\"\n[plans.p]\n[[plans.p.rates]]\n\
         service = \"voice\"\nzones = [\"ld\"]\nunit = \"60s\"\nprice = \"10.00\"\n[plans.q]\n[[plans.q.rates]]\n\
         service = \"voice\"\nzones = [\"ld\"]\nunit = \"60s\"\nprice = \"10.00\"\n[[plans.q.allowances]]\n\
         service = \"voice\"\nzones = [\"ld\"]\nquantity = \"2min\"\npriority = 1\n",
    )
    .unwrap();
    fs::write(root.join("prefixes.csv"), "prefix,zone\n7727,ld\n7701,ld\n").unwrap();
    fs::write(
        root.join("accounts.csv"),
        "account_id,plan,method,funding,opening_balance\nA,p,credit,regular,-5.00\nB,q,advance,regular,25.00\nC,p,credit,regular,0.00\n\
         D,p,credit,budget,0.00\n",
    )
    .unwrap();
    fs::write(
        root.join("lines.csv"),
        "line,account_id,valid_from,valid_to\n77010000001,A,2026-01-01,\n77010000002,B,2026-01-01,\n",
    )
    .unwrap();
    fs::write(
        root.join("payments.csv"),
        "payment_id,account_id,amount,paid_at,channel\np1,A,12.00,2026-03-02,bank\np2,X,1.00,2026-03-02,bank\np3,D,1200.00,2025-06-01,bank\n",
    )
    .unwrap();
}

/// Minutes of a call of a line (1 or 2) at a minute of 3 March; `more`: call_ref, part, last, corrects.
pub fn call(id: &str, line: u32, minute: u32, minutes: u32, more: &str) -> String {
    let at = |minute: u32| format!("2026-03-03T{:02}:{:02}:00+05:00", minute / 60, minute % 60);
    let (setup, end) = (at(minute), at(minute + minutes));
    format!("{id},voice,7701000000{line},77270000001,{setup},{setup},{end},q850:16,{more}\n")
}
