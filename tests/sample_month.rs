//! The sample month against expectations that were worked out by hand: `sample-cdr/expected.csv`, explained line by line
//! in `sample-cdr/README.md`.
//!
//! Source: rating 1.2–1.8, interface 7.1, 7.3.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop at the first surprise"
)]

use esep::batch::{Pass, Report, rate_files};
use esep::folder::Folder;
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

const OUTCOMES: [&str; 5] = ["rated", "filtered", "duplicate", "suspended", "rejected"];

/// Rows of a CSV file by column name; no field of these files has a comma or a quote.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines
        .map(|line| header.iter().zip(line.split(',')).map(|(name, field)| ((*name).into(), field.into())).collect())
        .collect()
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-cdr")
}

/// Rates the sample on so many threads, outcomes into `out`.
fn rate(threads: usize, out: &Path) -> Report {
    let (folder, findings) = Folder::open_to_rate(&sample());
    let folder = folder.unwrap_or_else(|| panic!("{findings:?}"));
    let threads = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let progress = AtomicU64::new(0);
    let pass = Pass {
        reference: &folder.reference,
        funds: &|| folder.funds(),
        files: &folder.files,
        threads: &threads,
        outcomes: Some(out),
        progress: &progress,
        traced: FxHashSet::default(),
    };
    rate_files(&pass).unwrap()
}

#[test]
fn each_record_made_by_hand_ends_as_the_readme_says() {
    let out = tempfile::tempdir().unwrap();
    rate(2, out.path());
    let mut rated = BTreeMap::new();
    for row in rows(&out.path().join("rated.csv")) {
        rated.insert((row["source"].clone(), row["record_id"].clone()), row);
    }
    // Rejected records have no key, duplicates have another's: file and line tell them apart.
    let mut others = BTreeMap::new();
    for outcome in &OUTCOMES[1..] {
        for row in rows(&out.path().join(format!("{outcome}.csv"))) {
            others.insert((row["file"].clone(), row["line"].clone()), (*outcome, row["reason"].clone()));
        }
    }
    let mut wrong = Vec::new();
    let expected = rows(&sample().join("expected.csv"));
    for row in &expected {
        let name = format!("{}:{} {}/{}", row["file"], row["line"], row["source"], row["record_id"]);
        if row["outcome"] != "rated" {
            let found = others.get(&(row["file"].clone(), row["line"].clone()));
            if found.is_none_or(|(outcome, reason)| (*outcome, reason) != (row["outcome"].as_str(), &row["reason"])) {
                wrong.push(format!("{name}: expected {}({}), found {found:?}", row["outcome"], row["reason"]));
            }
            continue;
        }
        let Some(found) = rated.get(&(row["source"].clone(), row["record_id"].clone())) else {
            let found = others.get(&(row["file"].clone(), row["line"].clone()));
            wrong.push(format!("{name}: expected rated, found {found:?}"));
            continue;
        };
        for column in ["charge", "vat", "not_owed", "units", "cut_off_at", "flags"] {
            // The README tells no units where a zone or a rule makes the record free, nor for later parts.
            if found[column] != row[column] && !(column == "units" && row["units"].is_empty()) {
                wrong.push(format!("{name}: {column}: expected {}, found {}", row[column], found[column]));
            }
        }
    }
    assert!(expected.len() >= 190, "{}", expected.len());
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The table "The whole month" was counted by a re-rater that shares nothing with this program.
#[test]
fn the_whole_month_adds_up_as_the_readme_says() {
    let out = tempfile::tempdir().unwrap();
    let totals = rate(2, out.path()).totals;
    let mut counted = BTreeMap::new();
    for file in &totals.files {
        let (counts, charged) = counted.entry(file.source.as_str()).or_insert(([0; 6], 0));
        let c = file.counts;
        for (sum, one) in counts.iter_mut().zip([c.read, c.rated, c.filtered, c.duplicate, c.suspended, c.rejected]) {
            *sum += one;
        }
        *charged += file.charged;
    }
    let readme = std::fs::read_to_string(sample().join("README.md")).unwrap();
    let (_, month) = readme.split_once("## The whole month").unwrap();
    let mut told = BTreeMap::new();
    let mut not_owed = 0;
    for row in month.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<String> = row.split('|').map(|cell| cell.replace([' ', '.', '*'], "")).collect();
        let Some(numbers) = cells
            .get(2..10)
            .and_then(|cells| cells.iter().map(|cell| cell.parse::<i128>()).collect::<Result<Vec<_>, _>>().ok())
        else {
            continue;
        };
        let counts: Vec<u64> = numbers[..6].iter().map(|count| u64::try_from(*count).unwrap()).collect();
        if cells[1] == "all" {
            let all = totals.counts();
            assert_eq!(
                counts,
                [all.read, all.rated, all.filtered, all.duplicate, all.suspended, all.rejected],
                "the last row"
            );
            assert_eq!((numbers[6], numbers[7]), (totals.charged, totals.not_owed), "the last row");
            assert_eq!(not_owed, totals.not_owed);
        } else {
            not_owed += numbers[7];
            told.insert(cells[1].clone(), (counts, numbers[6]));
        }
    }
    let counted: BTreeMap<String, (Vec<u64>, i128)> =
        counted.into_iter().map(|(source, (counts, charged))| (source.into(), (counts.to_vec(), charged))).collect();
    assert_eq!(counted, told);
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let (one, three) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    rate(1, one.path());
    rate(3, three.path());
    for outcome in OUTCOMES {
        let bytes = |folder: &Path| std::fs::read(folder.join(format!("{outcome}.csv"))).unwrap();
        assert!(bytes(one.path()) == bytes(three.path()), "{outcome}.csv");
    }
}

#[test]
fn rating_reads_the_money_of_accounts_that_pay_ahead_and_of_no_others() {
    let (all, of_all) = Folder::open(&sample());
    let (to_rate, of_rating) = Folder::open_to_rate(&sample());
    let (all, to_rate) = (all.unwrap(), to_rate.unwrap());
    let pays_ahead = |no| all.reference.register.account(no).is_some_and(|account| account.is_advance());
    let payments: Vec<_> = all.payments.iter().filter(|payment| payment.no.is_some_and(pays_ahead)).collect();
    let openings: Vec<_> = all.openings.iter().filter(|opening| pays_ahead(opening.no)).collect();
    assert!(!payments.is_empty() && payments.len() < all.payments.len());
    assert!(openings.len() < all.openings.len());
    assert_eq!(to_rate.payments.iter().collect::<Vec<_>>(), payments);
    assert_eq!(to_rate.openings.iter().collect::<Vec<_>>(), openings);
    assert_eq!(of_rating.kept(), of_all.kept());
}
