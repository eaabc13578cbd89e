//! Commands over the books, end to end: what waits is rated again, money by hand, questions and copies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    reason = "a test may stop at the first surprise"
)]

mod backup;
mod explain;
mod export;
mod late;
mod money;
mod suspense;
mod what_if;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A copy of the sample month, and a folder for stores.
struct Month {
    folder: tempfile::TempDir,
}

impl Month {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-cdr"), &folder.path().join("month"));
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path("month").join(name)).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path("month").join(name), text).unwrap();
    }

    fn run(&self, store: &str) {
        done(&["run", &self.text("month"), "--data", &self.text(store), "--quiet"]);
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn state_hash(&self, store: &str) -> String {
        let told = done(&["verify", "--data", &self.text(store)]);
        told.trim_end().rsplit(' ').next().unwrap().to_owned()
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).unwrap();
        }
    }
}

fn esep(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_esep")).args(args).output().unwrap()
}

/// What a command prints that must succeed.
fn done(args: &[&str]) -> String {
    let output = esep(args);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "esep {}: {told}", args.join(" "));
    String::from_utf8(output.stdout).unwrap()
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&done(args)).unwrap()
}

/// What a command says that must be refused.
fn refused(args: &[&str]) -> String {
    let output = esep(args);
    assert_eq!(output.status.code(), Some(2), "esep {}", args.join(" "));
    String::from_utf8(output.stderr).unwrap()
}

/// Tiyn of an amount with two decimals; of nothing, none.
fn tiyn(amount: &str) -> i64 {
    if amount.is_empty() { 0 } else { amount.replace('.', "").parse().unwrap() }
}
