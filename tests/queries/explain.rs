//! What `explain` says out of the books is what it says of the folder that was rated, and names the reference data that
//! decided.

use crate::{Month, done};
use esep::batch::{Pass, rate_files};
use esep::folder::Folder;
use esep::generate::{Profile, generate};
use esep::law::Language;
use esep::post::{HOT_KEYS_MAX, Ingest, Store};
use esep::screen::SourceKey;
use esep::units::Period;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};

/// How each charged record of a folder came to its outcome, rated anew: `source/record_id` and the text.
fn rated(folder: &Folder, ids: &[String]) -> BTreeMap<String, String> {
    let key = |id: &str| {
        let (source, record) = id.split_once('/').unwrap();
        SourceKey::of(source).fingerprint(record.as_bytes())
    };
    let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let progress = AtomicU64::new(0);
    let mut told = BTreeMap::new();
    for id in ids {
        let pass = Pass {
            reference: &folder.reference,
            funds: &|| folder.funds(),
            files: &folder.files,
            threads: &threads,
            outcomes: None,
            progress: &progress,
            traced: [key(id)].into_iter().collect(),
        };
        let traces = rate_files(&pass).unwrap().traces;
        told.insert(id.clone(), traces[0].explain(&folder.reference, &folder.files, Language::English));
    }
    told
}

/// Ids of some of the charges, `source/record_id`.
fn some_ids(out: &Path, every: usize) -> Vec<String> {
    let text = std::fs::read_to_string(out.join("charges.csv")).unwrap();
    let rows = text.lines().skip(1).filter(|row| !row.contains(",true,"));
    rows.step_by(every).map(|row| row.split(',').take(2).collect::<Vec<_>>().join("/")).collect()
}

fn ingest(store: &mut Store, folder: Folder) {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let (progress, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let how = Ingest { threads: &threads, progress: &progress, stop: &stop, hot_keys: HOT_KEYS_MAX };
    store.ingest(folder, &how).unwrap();
}

/// Nothing sealed, all sealed, and with the folder beside the journal gone: the same words.
#[test]
fn a_charge_is_explained_out_of_the_books_as_out_of_its_folder() {
    let month = Month::new();
    let generated = month.path("generated");
    let profile = Profile {
        records: 3_000,
        seed: 5,
        accounts: 500,
        prefixes: 300,
        feed_files: 3,
        month: Period::parse("2026-03").unwrap(),
        advance_percent: 30,
        allowances: true,
        overlap_percent: 5,
    };
    generate(&profile, &generated).unwrap();
    for (at, (folder, every)) in [(month.path("month"), 160), (generated, 150)].into_iter().enumerate() {
        let data = month.path(&format!("store-{at}"));
        let opened = || Folder::open(&folder).0.unwrap();
        let mut store = Store::open(&data, "test").unwrap();
        ingest(&mut store, opened());
        let out = month.path(&format!("tables-{at}"));
        done(&["export", "--data", data.to_str().unwrap(), "--out", out.to_str().unwrap()]);
        let expected = rated(&opened(), &some_ids(&out, every));
        assert!(expected.len() >= 15, "{}", expected.len());
        let explained = |store: &Store, how: &str| {
            for (id, text) in &expected {
                let told = store.explain(id, Language::English).unwrap();
                assert_eq!(told.len(), 1, "{id}, {how}");
                if text.contains("part of a call") {
                    assert!(told[0].contains("reference  set 1"), "{id}, {how}: {}", told[0]);
                } else {
                    assert!(told[0].starts_with(text.as_str()), "{id}, {how}:\n{}\ninstead of\n{text}", told[0]);
                }
            }
        };
        explained(&store, "not sealed");
        store.snapshot().unwrap();
        drop(store);
        explained(&Store::open_to_read(&data).unwrap(), "sealed");
        std::fs::remove_dir_all(data.join("reference")).unwrap();
        explained(&Store::open_to_read(&data).unwrap(), "without the tables beside the journal");
    }
}

/// The set of reference data of a record as it is told.
fn set_of(store: &Store, id: &str) -> (String, String) {
    let told = store.explain(id, Language::English).unwrap().remove(0);
    let set = told.lines().find_map(|line| line.trim().strip_prefix("reference")).unwrap().trim().to_owned();
    (set, told)
}

const HEADER: &str =
    "record_id,service,a_number,b_number,setup_at,answer_at,release_at,cause,call_ref,part,last,corrects\n";

/// One account whose line is not known at first, and becomes known, and a tariff that becomes dearer in between.
#[test]
fn what_was_recycled_names_the_set_that_decided_then() {
    let month = Month::new();
    let folder = month.path("month");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::create_dir_all(folder.join("feeds")).unwrap();
    std::fs::create_dir_all(folder.join("tariffs")).unwrap();
    let tariff = "name = \"t\"\ncurrency = \"KZT\"\ntime_zone = \"Asia/Almaty\"\nvalid_from = 2026-01-01\n\
                  prices_include_vat = true\n[zones.ld]\nkind = \"long-distance\"\n[plans.p]\n[[plans.p.rates]]\n\
                  service = \"voice\"\nzones = [\"ld\"]\nunit = \"60s\"\nprice = \"10.00\"\n";
    month.write("tariffs/t.toml", tariff);
    month.write("prefixes.csv", "prefix,zone\n7727,ld\n");
    month.write("accounts.csv", "account_id,plan,opening_balance\nA,p,0.00\nB,p,0.00\n");
    month.write("lines.csv", "line,account_id\n77010000001,A\n");
    // Two minutes; the second part of a call begins where the first ended.
    let call = |id: &str, line: u32, more: &str| {
        let minute = if more.contains(",2,") { 2 } else { 0 };
        let at = |minute: u32| format!("2026-03-03T10:{minute:02}:00+05:00");
        let (setup, end) = (at(minute), at(minute + 2));
        format!("{id},voice,7701000000{line},77270000001,{setup},{setup},{end},q850:16,{more}\n")
    };
    let rows = [call("a", 1, ",,,"), call("b", 2, ",,,"), call("p1", 1, "c1,1,false,"), call("q1", 2, "c2,1,false,")];
    month.write("feeds/f1.csv", &format!("{HEADER}{}", rows.concat()));
    // Written by the command and read here: a store that this process lets go of may still be locked by a child that
    // another test is about to start.
    let read = || Store::open_to_read(&month.path("store")).unwrap();
    month.run("store");
    let store = read();
    for id in ["feeds/a", "feeds/b", "feeds/p1", "feeds/q1"] {
        assert_eq!(set_of(&store, id).0, "set 1 of the journal", "{id}");
    }

    // The line is mended in the second set; `b` is rated again with it, and the part waits for the rest of its call.
    month.write("lines.csv", "line,account_id\n77010000001,A\n77010000002,B\n");
    done(&["recycle", &month.text("month"), "--data", &month.text("store"), "--quiet"]);
    let store = read();
    let (set, told) = set_of(&store, "feeds/b");
    assert_eq!(set, "set 2 of the journal", "{told}");
    for words in
        ["outcome    rated 20.00 KZT", "waited     unknown_line", "account    B, plan `p`", "price      2 × 10"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(set_of(&store, "feeds/a").0, "set 1 of the journal");
    assert_eq!(set_of(&store, "feeds/p1").0, "set 1 of the journal");
    // It waited for its line; now it waits for its call, which the second set decided.
    let (set, told) = set_of(&store, "feeds/q1");
    assert_eq!(set, "set 2 of the journal", "{told}");
    assert!(told.contains("suspended: incomplete_parts"), "{told}");

    // The rest of the calls comes with a third set.
    month.write("accounts.csv", "account_id,plan,opening_balance\nA,p,0.00\nB,p,0.00\nC,p,0.00\n");
    let rows = [call("p2", 1, "c1,2,true,"), call("q2", 2, "c2,2,true,")];
    month.write("feeds/f2.csv", &format!("{HEADER}{}", rows.concat()));
    month.run("store");
    let store = read();
    for id in ["feeds/p1", "feeds/q1"] {
        let (set, told) = set_of(&store, id);
        assert_eq!(set, "set 3 of the journal", "{id}: {told}");
        assert!(told.contains("rated 40.00 KZT, with its call"), "{told}");
    }
    // What was decided before is told as before, though the tables beside the journal are those of the third set.
    let (set, told) = set_of(&store, "feeds/a");
    assert_eq!(set, "set 1 of the journal");
    assert!(told.contains("price      2 × 10"), "{told}");
    assert_eq!(set_of(&store, "feeds/b").0, "set 2 of the journal");
}
