//! The rooms of `src/` and the doors between them: what `ARCHITECTURE.md` says, held against the code.
//!
//! Sources are read as text. Comments and strings are left out on purpose: an example in a doc comment stands outside
//! of the crate, so it may use any room. `#[cfg(test)]` modules are left in on purpose: a test of a room needs no more
//! doors than the room.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop at the first surprise"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The table of doors: a room, and what it may import. A room comes after all that it imports.
const DOORS: &[(&str, &[&str])] = &[
    ("units", &[]),
    ("hint", &[]),
    ("record", &["units"]),
    ("law", &["units", "record"]),
    ("tariff", &["units", "record", "law", "hint"]),
    ("tax", &["units", "law"]),
    ("book", &["units", "record", "law", "tariff", "hint"]),
    ("classify", &["units", "record", "law", "book"]),
    ("feed", &[]),
    ("store", &["hint"]),
    ("decode", &["units", "record", "feed"]),
    ("screen", &["units", "record", "law", "tariff", "decode", "hint"]),
    ("rate", &["units", "record", "law", "tariff", "tax", "book", "screen"]),
    ("batch", &["units", "record", "law", "tariff", "tax", "book", "feed", "decode", "screen", "rate", "hint"]),
    ("folder", &["units", "record", "law", "tariff", "tax", "book", "classify", "feed", "decode", "screen", "batch"]),
    (
        "post",
        &[
            "units", "record", "law", "tariff", "tax", "book", "feed", "store", "classify", "decode", "screen", "rate",
            "batch", "folder", "hint",
        ],
    ),
    ("watch", &["feed", "batch", "folder"]),
    ("generate", &["units"]),
    (
        "cli",
        &[
            "units", "record", "law", "tariff", "book", "classify", "screen", "batch", "folder", "store", "post",
            "watch", "generate",
        ],
    ),
];

/// Files longer than this want a seam.
const LINES_MAX: usize = 600;
/// Tables may run longer.
const LONG_FILES: &[&str] = &[
    "tests/tariff_load.rs",
    "tests/rating_examples.rs",
    "tests/rating_reference.rs",
    "tests/month_properties.rs",
    "tests/bad_input.rs",
    "fuzz/src/bodies.rs",
];
/// serde names the type of a number that the decoder refuses.
const FLOAT_FILES: &[&str] = &["src/decode/ndjson.rs"];

/// The one small file that may: hints about memory, with their measurements beside them.
const UNSAFE_FILES: &[&str] = &["src/hint.rs"];

/// A word or one character that is none of a word.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    Word(String),
    Mark(char),
}

/// The words and marks of a source, without comments, strings and characters.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |place: usize| chars.get(place).copied().unwrap_or('\0');
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        match (at(i), at(i + 1)) {
            ('/', '/') => i += chars[i..].iter().take_while(|c| **c != '\n').count(),
            ('/', '*') => {
                let mut depth = 0;
                loop {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (depth, i) = (depth + 1, i + 2),
                        ('*', '/') => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                    if depth == 0 || i >= chars.len() {
                        break;
                    }
                }
            }
            ('"', _) => i = after_string(&chars, i + 1),
            // A character, `'x'` or `'\…'`; else a lifetime.
            ('\'', '\\') => i += 3 + chars[i + 3..].iter().take_while(|c| **c != '\'').count() + 1,
            ('\'', _) if at(i + 2) == '\'' => i += 3,
            (c, _) if word(c) => {
                let name: String = chars[i..].iter().take_while(|c| word(**c)).collect();
                i += name.chars().count();
                let raw = matches!(name.as_str(), "r" | "br" | "cr") && matches!(at(i), '"' | '#');
                let hashes = chars[i.min(chars.len())..].iter().take_while(|c| **c == '#').count();
                if raw && at(i + hashes) == '"' {
                    let end: String = std::iter::once('"').chain((0..hashes).map(|_| '#')).collect();
                    let rest: String = chars[i + hashes + 1..].iter().collect();
                    let length = rest.find(&end).map_or(rest.chars().count(), |at| rest[..at].chars().count());
                    i += hashes + 1 + length + 1 + hashes;
                } else if matches!(name.as_str(), "b" | "c") && at(i) == '"' {
                    i = after_string(&chars, i + 1);
                } else {
                    found.push(Token::Word(name));
                }
            }
            (c, _) => {
                if !c.is_whitespace() {
                    found.push(Token::Mark(c));
                }
                i += 1;
            }
        }
    }
    found
}

/// The place after the string whose text begins here.
fn after_string(chars: &[char], mut i: usize) -> usize {
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

/// First names after `root::`, be it `root::a::b` or `root::{a, b::{c, d}}`; `*` for all of them.
fn names_after(tokens: &[Token]) -> Vec<String> {
    let colons = [Token::Mark(':'), Token::Mark(':')];
    let Some(rest) = tokens.strip_prefix(colons.as_slice()) else { return Vec::new() };
    match rest.first() {
        Some(Token::Word(name)) => vec![name.clone()],
        Some(Token::Mark('*')) => vec!["*".into()],
        Some(Token::Mark('{')) => {
            let (mut depth, mut expects) = (0, true);
            let mut names = Vec::new();
            for token in rest {
                match token {
                    Token::Mark('{') => depth += 1,
                    Token::Mark('}') => depth -= 1,
                    Token::Mark(',') if depth == 1 => expects = true,
                    Token::Mark('*') if depth == 1 && expects => names.push("*".into()),
                    Token::Word(name) if depth == 1 && expects => {
                        names.push(name.clone());
                        expects = false;
                    }
                    Token::Word(_) | Token::Mark(_) => {}
                }
                if depth == 0 {
                    break;
                }
            }
            names
        }
        _ => Vec::new(),
    }
}

/// The rooms that a file imports. `depth`: how many `super::` lead from it to the crate.
fn imports(text: &str, depth: usize) -> BTreeSet<String> {
    let tokens = tokens(text);
    let word = |at: usize, name: &str| matches!(tokens.get(at), Some(Token::Word(word)) if word == name);
    let mut found = BTreeSet::new();
    for at in 0..tokens.len() {
        if word(at, "crate") || word(at, "esep") {
            found.extend(names_after(&tokens[at + 1..]));
        }
        if word(at, "super") && (at < 3 || !word(at - 3, "super")) {
            let supers = (0..).take_while(|n| word(at + n * 3, "super")).count();
            // A module within the file takes one more to get there; a name that is no room is then the file's own.
            if supers >= depth {
                let names = names_after(&tokens[at + (supers - 1) * 3 + 1..]);
                found.extend(names.into_iter().filter(|name| DOORS.iter().any(|(room, _)| room == name)));
            }
        }
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Rust files below a folder, with their path from the root of the package.
fn rust_files(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.unwrap().path();
            // What cargo fuzz builds lies in fuzz/target.
            if path.is_dir() && !path.ends_with("target") {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&root().join(folder), &mut files);
    files.sort();
    let name = |path: &Path| path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
    files.into_iter().map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect()
}

/// The room of a file and how deep it stands in it: `src/law/vat.rs` is two deep in `law`.
fn room_of(file: &str) -> (&str, usize) {
    let inside = file.strip_prefix("src/").unwrap().strip_suffix(".rs").unwrap();
    let inside = inside.strip_suffix("/mod").unwrap_or(inside);
    (inside.split('/').next().unwrap(), inside.split('/').count())
}

/// What is wrong with the imports of a file.
fn shut_doors(file: &str, text: &str) -> Vec<String> {
    let (room, depth) = room_of(file);
    let mut allowed: Vec<&str> = match room {
        "lib" => return Vec::new(),
        "main" => vec!["cli"],
        _ => match DOORS.iter().find(|(name, _)| *name == room) {
            Some((_, doors)) => doors.to_vec(),
            None => return vec![format!("{file}: `{room}` has no row in the table of doors")],
        },
    };
    allowed.push(room);
    let wrong = imports(text, depth).into_iter().filter(|name| !allowed.contains(&name.as_str()));
    wrong.map(|name| format!("{file}: no door from `{room}` to `{name}`")).collect()
}

#[test]
fn every_import_goes_through_a_door() {
    let wrong: Vec<String> = rust_files("src").iter().flat_map(|(file, text)| shut_doors(file, text)).collect();
    assert!(wrong.is_empty(), "{}\nhint: ARCHITECTURE.md says which room may import which", wrong.join("\n"));
}

#[test]
fn doors_lead_one_way_and_every_room_has_its_row() {
    for (at, (room, doors)) in DOORS.iter().enumerate() {
        for door in *doors {
            assert!(DOORS[..at].iter().any(|(before, _)| before == door), "`{room}` comes before `{door}`");
        }
    }
    let library = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let declared: BTreeSet<&str> = library
        .lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'))
        .collect();
    let known: BTreeSet<&str> = DOORS.iter().map(|(room, _)| *room).collect();
    assert_eq!(declared, known, "rooms of src/lib.rs, and of the table");
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for (room, doors) in DOORS {
        let row = text.lines().find(|line| line.starts_with(&format!("| `{room}` |")));
        let row = row.unwrap_or_else(|| panic!("ARCHITECTURE.md has no row for `{room}`"));
        let told = row.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap().trim();
        let expected = if doors.is_empty() { "–".to_owned() } else { doors.join(", ") };
        assert_eq!(told, expected, "ARCHITECTURE.md, doors of `{room}`");
    }
}

#[test]
fn imports_are_found_in_every_form() {
    for (text, expected) in [
        ("use crate::law;", &["law"][..]),
        ("use crate::{law, tax::extract, units::{Tiyn, Units}};", &["law", "tax", "units"]),
        ("use crate::{\n    book::Funds,\n    self as all,\n};", &["book", "self"]),
        ("use crate::*;", &["*"]),
        ("use crate::{*, law};", &["*", "law"]),
        ("fn f() -> crate :: law :: VatRate { crate::tax::extract(1) }", &["law", "tax"]),
        ("pub(in crate::tariff) struct A;", &["tariff"]),
        ("pub(crate) use x as y;", &[]),
        ("// crate::law\n/* crate::tax /* */ crate::book */ /// crate::rate\nuse std::fmt;", &[]),
        (
            "let s = \"crate::law \\\" crate::tax\"; let r = r#\"crate::book\"#; let c = '\"'; use crate::feed;",
            &["feed"],
        ),
        ("let b = b\"crate::law\"; let q = b'\"'; let e = '\\''; fn f<'a>(x: &'a u8) { crate::rate::x() }", &["rate"]),
        ("#[cfg(test)] mod tests { use crate::folder::Folder; }", &["folder"]),
        ("use esep::{law, tax};", &["law", "tax"]),
        ("use super::super::law; use super::law::near;", &["law"]),
        ("mod tests { use super::super::{tax, not_a_room}; }", &["tax"]),
        ("let r = r; let crates = 1;", &[]),
    ] {
        let found = imports(text, 2);
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{text}");
    }
    assert_eq!(shut_doors("src/units/money.rs", "use crate::{record::E164, units::Tiyn};").len(), 1);
    assert_eq!(shut_doors("src/units/money.rs", "use super::Tiyn;"), Vec::<String>::new());
    assert_eq!(shut_doors("src/tax.rs", "use super::{law, rate::Quote};").len(), 1);
    assert_eq!(shut_doors("src/shop.rs", "").len(), 1);
}

#[test]
fn no_file_is_long_but_tables() {
    for (file, text) in ["src", "tests", "benches", "fuzz"].iter().flat_map(|folder| rust_files(folder)) {
        let lines = text.lines().count();
        assert!(
            lines <= LINES_MAX || LONG_FILES.contains(&file.as_str()),
            "{file}: {lines} lines; at {LINES_MAX} look for a seam"
        );
    }
}

#[test]
fn no_float_no_unsafe_no_todo() {
    let mut wrong = Vec::new();
    for (file, text) in rust_files("src") {
        for token in tokens(&text) {
            let Token::Word(word) = token else { continue };
            let float = word.ends_with("f32") || word.ends_with("f64");
            let careless = word == "unsafe" && !UNSAFE_FILES.contains(&file.as_str());
            if float && !FLOAT_FILES.contains(&file.as_str()) || careless || ["todo", "unimplemented"].contains(&&*word)
            {
                wrong.push(format!("{file}: {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
