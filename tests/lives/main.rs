//! Statuses through the books: events, money and dates out of folders and commands, recorded and derived.
//!
//! Source: status 3, interface 7.2, 7.5, 7.6.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop at the first surprise"
)]

mod boundaries;
mod commands;
mod doors;
mod model;
mod recorded;
mod sample;

use esep::folder::Folder;
use esep::post::{AccountStatus, HOT_KEYS_MAX, Ingest, Ingested, Store, Verified, Verify, verify};
use esep::units::LocalDay;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};

pub(crate) fn day(text: &str) -> LocalDay {
    LocalDay::parse(text).unwrap_or_else(|_| panic!("no day: {text}"))
}

pub(crate) const ACCOUNTS: &str = "account_id,iin,name,address,settlement,plan,method,funding,opened_on,contract_on,\
    terminated_on,termination_reason,switched_off_on,opening_due_on,opening_balance,marks";
pub(crate) const EVENTS: &str = "event_id,account_id,at,kind,amount,reference,note";
pub(crate) const PAYMENTS: &str = "payment_id,account_id,amount,paid_at,channel";
const CALLS: &str = "record_id,service,a_number,b_number,setup_at,answer_at,release_at,cause";

/// A folder under a temporary one: a plan with 10.00 a minute; accounts, events, payments and calls as told.
pub(crate) struct Base {
    pub(crate) dir: tempfile::TempDir,
}

impl Base {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let base = Self { dir };
        base.write(
            "tariffs/t.toml",
            "name = \"t\"\ncurrency = \"KZT\"\ntime_zone = \"Asia/Almaty\"\nvalid_from = 2010-01-01\n\
             prices_include_vat = true\n[zones.ld]\nkind = \"long-distance\"\n[plans.p]\n[[plans.p.rates]]\n\
             service = \"voice\"\nzones = [\"ld\"]\nunit = \"60s\"\nprice = \"10.00\"\n",
        );
        base.write("prefixes.csv", "prefix,zone\n7727,ld\n7701,ld\n");
        base.write("lines.csv", "line,account_id,valid_from,valid_to\n77010000001,A,2010-01-01,\n");
        base
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.path().join("month")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.folder().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A table: its header and rows.
    pub(crate) fn table(&self, name: &str, header: &str, rows: &[&str]) {
        self.write(name, &format!("{header}\n{}\n", rows.join("\n")));
    }

    /// A feed file with calls of line 77010000001: id, day, minutes.
    pub(crate) fn calls(&self, name: &str, calls: &[(&str, &str, u32)]) {
        let rows: Vec<String> = calls
            .iter()
            .map(|(id, day, minutes)| {
                let at = |minute: u32| format!("{day}T10:{minute:02}:00+05:00");
                format!("{id},voice,77010000001,77270000001,{0},{0},{1},q850:16", at(0), at(*minutes))
            })
            .collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        self.table(&format!("feeds/{name}.csv"), CALLS, &rows);
    }

    pub(crate) fn store(&self) -> Store {
        held(|| Store::open(&self.data(), "test"))
    }

    /// Takes the folder in; what was told of its reference data and of what came with it.
    pub(crate) fn ingest(&self, store: &mut Store) -> (Ingested, Vec<String>) {
        ingest(store, &self.folder())
    }

    pub(crate) fn clean(&self) -> Verified {
        let found = verified(&self.data());
        assert!(found.violations.is_empty(), "{:#?}", found.violations);
        found
    }
}

/// A lock of ours may live on for a moment in a process that another test begins.
pub(crate) fn held<T, E: std::fmt::Debug>(open: impl Fn() -> Result<T, E>) -> T {
    for _ in 0..200 {
        match open() {
            Ok(opened) => return opened,
            Err(error) if format!("{error:?}").contains("Held") => {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("held for long")
}

pub(crate) fn ingest(store: &mut Store, folder: &Path) -> (Ingested, Vec<String>) {
    let (folder, findings) = Folder::open(folder);
    let told = findings.kept().iter().map(ToString::to_string).collect();
    let folder = folder.unwrap_or_else(|| panic!("{findings:?}"));
    let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let (progress, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let how = Ingest { threads: &threads, progress: &progress, stop: &stop, hot_keys: HOT_KEYS_MAX };
    (store.ingest(folder, &how).unwrap(), told)
}

pub(crate) fn verified(data: &Path) -> Verified {
    let scratch = tempfile::tempdir().unwrap();
    let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let progress = AtomicU64::new(0);
    verify(&Verify { folder: data, scratch: scratch.path(), threads: &threads, progress: &progress }).unwrap()
}

pub(crate) fn at(store: &Store, id: &str, on: &str) -> AccountStatus {
    store.status_of(id, Some(day(on))).unwrap().unwrap_or_else(|| panic!("{id} is not open on {on}"))
}

/// `2026-03-10 - new PA-4.1`, a line a move.
pub(crate) fn timeline(status: &AccountStatus) -> Vec<String> {
    let from = |from: Option<esep::classify::Status>| from.map_or("-", |status| status.name());
    status.timeline.iter().map(|m| format!("{} {} {} {}", m.on, from(m.from), m.to, m.rule)).collect()
}
