//! Each rule id that the code knows is named by a test: `CELL-48` by `cell_48_…`, `NET-24.1.5` by `net_24_1_5_…`.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use esep::law::{Rule, StatusRule};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Documents that rule ids name. Source: the specification's list of sources.
const DOCUMENTS: [&str; 6] = ["PA", "CELL", "NET", "SVC", "REQ", "BT"];

fn read(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).unwrap());
            text.push('\n');
        }
    }
}

fn sources(folder: &str) -> String {
    let mut text = String::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut text);
    text
}

/// Names of test functions: the `fn` after `#[test]` and whatever attributes follow it.
fn test_names(text: &str) -> BTreeSet<String> {
    let after_attribute = text.split("#[test]").skip(1);
    let name = |rest: &str| {
        let line = rest.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with(['#', '/']))?;
        line.strip_prefix("fn ")?.split('(').next().map(str::to_owned)
    };
    after_attribute.filter_map(name).collect()
}

/// Rule ids in a text: `CELL-48`, `NET-24.1.5`.
fn rule_ids(text: &str) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))) {
        let Some((document, number)) = word.split_once('-') else { continue };
        let number = number.trim_end_matches(['.', '-']);
        let digits = number.starts_with(|c: char| c.is_ascii_digit());
        if DOCUMENTS.contains(&document) && digits && number.chars().all(|c| c.is_ascii_digit() || c == '.') {
            ids.insert(format!("{document}-{number}"));
        }
    }
    ids
}

/// `NET-24.1.5` → `net_24_1_5`.
fn slug(id: &str) -> String {
    id.to_ascii_lowercase().replace(['-', '.'], "_")
}

fn names_rule(test: &str, id: &str) -> bool {
    format!("_{test}_").contains(&format!("_{}_", slug(id)))
}

#[test]
fn every_rule_id_of_the_code_is_named_by_a_test() {
    let code = sources("src");
    let tests = test_names(&format!("{code}{}", sources("tests")));
    let mut ids = rule_ids(&code);
    ids.extend(Rule::ALL.iter().map(|rule| rule.id().to_owned()));
    ids.extend(StatusRule::ALL.iter().map(|rule| rule.id().to_owned()));
    let untested: Vec<&String> = ids.iter().filter(|id| !tests.iter().any(|test| names_rule(test, id))).collect();
    assert!(untested.is_empty(), "no test is named after {untested:?}; write one from the sentence of the rule");
}

#[test]
fn ids_and_names_are_read_as_they_stand() {
    let found: Vec<String> =
        rule_ids("(CELL-48), BT-16.1. NET-24.1.5; CELL-x UTF-8 XCELL-4 PA-4.5:").into_iter().collect();
    assert_eq!(found, ["BT-16.1", "CELL-48", "NET-24.1.5", "PA-4.5"]);
    let tests = test_names("#[test]\n    fn cell_48_a() {\n #[test]\n #[ignore]\n // why\n fn b(x in 0..3) {");
    assert_eq!(tests.into_iter().collect::<Vec<_>>(), ["b", "cell_48_a"]);
    for (test, id, names) in [
        ("cell_48_the_call_is_cut_off", "CELL-48", true),
        ("rating_1_7_cell_48", "CELL-48", true),
        ("cell_4_something", "CELL-48", false),
        ("cell_481", "CELL-48", false),
        ("bt_16_1_halves_go_up", "BT-16.1", true),
        ("bt_16_10_x", "BT-16.1", false),
        ("net_24_1_5", "NET-24.1.5", true),
    ] {
        assert_eq!(names_rule(test, id), names, "{test} {id}");
    }
}
