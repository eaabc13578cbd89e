//! The books over a generated month: what a run leaves is what the journal folds to, however it is opened.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may stop")]

use esep::folder::Folder;
use esep::post::{Ingest, Ingested, Store};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64};

fn generate(out: &Path, records: u32, more: &[&str]) {
    let status = Command::new(env!("CARGO_BIN_EXE_esep"))
        .args(["generate", "--records", &records.to_string(), "--seed", "7", "--accounts", "200", "--quiet"])
        .args(["--advance", "30", "--allowances", "--overlap", "10", "--files", "4", "--out"])
        .arg(out)
        .args(more)
        .status()
        .unwrap();
    assert!(status.success());
}

fn ingest(store: &mut Store, month: &Path, hot_keys: usize) -> Ingested {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let (progress, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let how = Ingest { threads: &threads, progress: &progress, stop: &stop, hot_keys };
    store.ingest(Folder::open(month).0.unwrap(), &how).unwrap()
}

/// What the books say, of charges and of each account.
fn said(store: &Store) -> (u128, u64, i128) {
    (store.books.state_hash(), store.books.charges.count, store.books.ledgers.sum())
}

#[test]
fn a_fold_from_a_snapshot_and_one_from_nothing_are_what_the_run_left() {
    let dir = tempfile::tempdir().unwrap();
    let (month, data) = (dir.path().join("month"), dir.path().join("data"));
    generate(&month, 20_000, &[]);
    let mut store = Store::open(&data, "test").unwrap();
    let done = ingest(&mut store, &month, usize::MAX);
    assert!(done.entries > 5 && store.books.charges.count > 5_000);
    let left = said(&store);
    drop(store);
    let mut store = Store::open(&data, "test").unwrap();
    assert_eq!(said(&store), left, "folded from nothing");
    store.snapshot().unwrap();
    drop(store);
    let mut store = Store::open(&data, "test").unwrap();
    assert_eq!(said(&store), left, "from the snapshot");
    let again = ingest(&mut store, &month, usize::MAX);
    assert_eq!((again.entries, said(&store)), (0, left), "nothing is new");
    drop(store);
    // Damaged, it is no snapshot; gone, neither. Sealed files are made again.
    let snapshot = data.join("snapshot");
    let mut bytes = std::fs::read(&snapshot).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&snapshot, bytes).unwrap();
    std::fs::remove_dir_all(data.join("segments")).unwrap();
    std::fs::remove_dir_all(data.join("keys")).unwrap();
    assert_eq!(said(&Store::open(&data, "test").unwrap()), left);
    assert_eq!(said(&Store::open_to_read(&data).unwrap()), left);
}

#[test]
fn keys_beyond_memory_are_found_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let month = dir.path().join("month");
    generate(&month, 20_000, &[]);
    let mut outcomes = Vec::new();
    for (name, hot_keys) in [("all", usize::MAX), ("few", 3_000)] {
        let mut store = Store::open(&dir.path().join(name), "test").unwrap();
        let done = ingest(&mut store, &month, hot_keys);
        // The same records once more, under another name.
        let late = month.join("feeds").join("zz-again.csv");
        std::fs::copy(std::fs::read_dir(month.join("feeds")).unwrap().next().unwrap().unwrap().path(), &late).unwrap();
        ingest(&mut store, &month, hot_keys);
        std::fs::remove_file(late).unwrap();
        outcomes.push((said(&store), store.totals(&done.files).counts()));
    }
    assert_eq!(outcomes[0], outcomes[1]);
    assert!(outcomes[0].1.duplicate > 1_000);
}

const TARIFF: &str = "name = \"t\"\ncurrency = \"KZT\"\ntime_zone = \"Asia/Almaty\"\nvalid_from = 2026-01-01\n\
    [zones.kz]\nkind = \"local\"\n[plans.p]\nmonthly_fee = \"0\"\n\
    [[plans.p.rates]]\nservice = \"voice\"\nzones = [\"kz\"]\nunit = \"10s\"\nprice = \"1\"\n";

/// A folder without calls.
fn folder(dir: &Path, accounts: &str, payments: &str) -> Folder {
    std::fs::create_dir_all(dir.join("tariffs")).unwrap();
    std::fs::write(dir.join("tariffs/t.toml"), TARIFF).unwrap();
    std::fs::write(dir.join("prefixes.csv"), "prefix,zone\n7,kz\n").unwrap();
    let columns =
        "account_id,plan,method,funding,opened_on,terminated_on,termination_reason,opening_balance,opening_due_on";
    std::fs::write(dir.join("accounts.csv"), format!("{columns}\n{accounts}")).unwrap();
    let columns = "payment_id,account_id,amount,paid_at,channel";
    std::fs::write(dir.join("payments.csv"), format!("{columns}\n{payments}")).unwrap();
    Folder::open(dir).0.unwrap()
}

fn post(store: &mut Store, folder: Folder) -> Ingested {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (progress, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    store.ingest(folder, &Ingest { threads: &threads, progress: &progress, stop: &stop, hot_keys: usize::MAX }).unwrap()
}

fn balance(store: &Store, id: &str) -> String {
    store.books.ledgers.account(store.account_no(id).unwrap()).balance().to_string()
}

#[test]
fn pa_4_4_an_archived_account_accepts_no_payment() {
    let dir = tempfile::tempdir().unwrap();
    // Ended on 1 March: day 30 is the 31st, from 1 April on it is archived. B owes, so it is not.
    let accounts = "A,p,credit,regular,2025-01-01,2026-03-01,refusal,0.00,\n\
        B,p,credit,regular,2025-01-01,2026-03-01,debt,-50.00,2026-03-25\n";
    for (day, taken) in [("2026-03-31", true), ("2026-04-01", false)] {
        let mut store = Store::open(&dir.path().join(day), "test").unwrap();
        let payments = format!("p1,A,10.00,{day},bank\np2,B,20.00,{day},bank\n");
        let done = post(&mut store, folder(&dir.path().join("month"), accounts, &payments));
        assert_eq!((done.payments, done.payments_refused), if taken { (2, 0) } else { (1, 1) }, "{day}");
        assert_eq!(balance(&store, "A"), if taken { "10.00" } else { "0.00" });
        assert_eq!(balance(&store, "B"), "-30.00");
        assert_eq!(done.notes.iter().any(|note| note.contains("PA-4.4")), !taken);
    }
}

#[test]
fn money_2_3_payments_pay_the_oldest_debt_and_one_reference_counts_once() {
    let dir = tempfile::tempdir().unwrap();
    let month = dir.path().join("month");
    let mut store = Store::open(&dir.path().join("data"), "test").unwrap();
    let accounts = "A,p,credit,regular,2025-01-01,,,-50.00,2026-02-25\nG,p,advance,budget,2025-01-01,,,0.00,\n";
    let first = "p1,A,80.00,2026-03-05,online\np2,G,1200.00,2026-01-20,bank\np3,Z,7.00,2026-03-05,other\n";
    let done = post(&mut store, folder(&month, accounts, first));
    assert_eq!((done.payments, done.payments_known, done.payments_differing), (3, 0, 0));
    // 50 pay the debt of January, 30 are an advance; VAT of 16 % is taken out of the budget's payment.
    assert_eq!((balance(&store, "A"), balance(&store, "G")), ("30.00".into(), "1034.48".into()));
    assert_eq!((store.books.ledgers.debts().count(), store.books.unidentified.len()), (0, 1));
    let hash = store.books.state_hash();
    // The same again, and once more with another amount, account or day.
    let again = format!(
        "{first}p4,A,0.00,2026-03-05,bank\np5,A,-1.00,2026-03-05,bank\np6,A,92233720368547758.08,2026-03-05,bank\n"
    );
    let done = post(&mut store, folder(&month, accounts, &again));
    assert_eq!((done.payments, done.payments_known, store.books.state_hash()), (0, 3, hash));
    for other in ["p1,A,80.01,2026-03-05,online\n", "p1,G,80.00,2026-03-05,online\n", "p1,A,80.00,2026-03-06,online\n"]
    {
        let done = post(&mut store, folder(&month, accounts, other));
        assert_eq!((done.payments, done.payments_differing, store.books.state_hash()), (0, 1, hash), "{other}");
    }
    assert_eq!(store.books.ledgers.sum(), 0);
}
