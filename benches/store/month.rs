//! A generated month, and what is in it to be asked for.

use esep::folder::Folder;
use esep::generate::{Profile, generate};
use std::fs;
use std::path::{Path, PathBuf};

/// Generates a month on credit into a folder that is not there.
pub(crate) fn generated(records: u64, out: &Path) {
    generate(&Profile::new(records, 1), out).expect("a month can be generated");
}

/// The month, its reference data read.
pub(crate) fn opened(month: &Path) -> Folder {
    let (folder, findings) = Folder::open(month);
    folder.unwrap_or_else(|| panic!("{:?}", findings.kept()))
}

/// Ids of its accounts, in the order of the books' numbers.
pub(crate) fn accounts(month: &Path) -> Vec<String> {
    column(&month.join("accounts.csv"), "account_id")
}

/// Ids of the records of its feeds: of at most a million of each file, from its beginning.
pub(crate) fn record_ids(month: &Path) -> Vec<String> {
    let feeds = fs::read_dir(month.join("feeds")).expect("feeds");
    let mut feeds: Vec<PathBuf> = feeds.map(|entry| entry.expect("a feed").path()).collect();
    feeds.sort();
    feeds.iter().flat_map(|feed| column(feed, "record_id")).collect()
}

/// A column of a file of which no field is quoted.
fn column(path: &Path, name: &str) -> Vec<String> {
    let text = fs::read_to_string(path).expect("a file");
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    let place = header.split(',').position(|column| column == name).expect("the column");
    let field = |line: &str| line.split(',').nth(place).expect("the field").to_owned();
    lines.take(1_000_000).map(field).collect()
}
