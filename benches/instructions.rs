//! Instructions a record, counted by callgrind: a slowdown shows on a noisy machine. How to run it and what the numbers
//! mean: `benches/README.md`.
//!
//! A step is counted alone, in a child process that collects only while the step runs. The whole program is counted on
//! two generated months of different size, and told as the difference by the difference, so that its start cancels.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a bench that cannot go on says why and stops; its figures are printed, and are not money"
)]

#[allow(dead_code, reason = "whole months are run by the program itself here")]
mod works;

use esep::generate::{Profile, generate};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use works::{Month, Work};

/// The program, built as it is shipped.
const ESEP: &str = env!("CARGO_BIN_EXE_esep");
const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.baseline");
/// A figure may grow by so many per cent.
const TOLERANCE: f64 = 3.0;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let said = |flag: &str| args.iter().any(|arg| arg == flag);
    let folder = tempfile::tempdir().expect("a folder for generated months");
    let root = folder.path();
    if let [flag, month, work] = args.as_slice()
        && flag == "--count"
    {
        count_here(Path::new(month), work);
        return ExitCode::SUCCESS;
    }
    let steps = root.join("steps");
    generate(&works::profile(works::RECORDS), &steps).expect("a month can be generated");
    let month = Month::open(&steps);
    if said("--test") {
        month.works().iter_mut().for_each(|work| (work.run)());
        return ExitCode::SUCCESS;
    }
    if let Err(error) = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status() {
        eprintln!("instructions are not counted: valgrind does not start: {error}\n  hint: apt-get install valgrind");
        return ExitCode::from(if said("--update") || said("--require") { 2 } else { 0 });
    }
    let mut figures: Vec<(String, f64)> = Vec::new();
    for work in month.works() {
        let name = named(&work);
        let counted = counted_step(&steps, &name, root);
        figures.push((name, counted / work.elements as f64));
    }
    figures.extend(program(root));
    if said("--update") {
        std::fs::write(BASELINE, written(&figures)).expect("the baseline can be written");
        print!("{}", written(&figures));
        return ExitCode::SUCCESS;
    }
    compare(&figures)
}

fn named(work: &Work<'_>) -> String {
    format!("{}: {}", work.group, work.name)
}

/// Only what runs in here is collected.
#[inline(never)]
fn counted_by_callgrind(work: &mut Work<'_>) {
    (work.run)();
}

fn count_here(month: &Path, name: &str) {
    let month = Month::open(month);
    let mut works = month.works();
    let work = works.iter_mut().find(|work| named(work) == name).expect("a work of that name");
    // Buffers have their sizes after the first run.
    (work.run)();
    counted_by_callgrind(work);
}

fn counted_step(month: &Path, name: &str, root: &Path) -> f64 {
    let this = std::env::current_exe().expect("the path of this bench");
    let mut valgrind = callgrind(&root.join("step.out"));
    valgrind.args(["--collect-atstart=no", "--toggle-collect=*counted_by_callgrind*"]);
    valgrind.arg(this).arg("--count").arg(month).arg(name);
    collected(valgrind)
}

/// Instructions of the whole program a record and an account.
fn program(root: &Path) -> Vec<(String, f64)> {
    let credit = |records| Profile { accounts: 5_000, prefixes: 2_000, feed_files: 1, ..Profile::new(records, 1) };
    let mixed = |records| Profile { advance_percent: 30, allowances: true, overlap_percent: 10, ..credit(records) };
    let mut figures = Vec::new();
    for (name, of) in [("credit", &credit as &dyn Fn(u64) -> Profile), ("mixed", &mixed)] {
        let months = [20_000, 60_000].map(|records| {
            let folder = root.join(format!("{name}-{records}"));
            let made = generate(&of(records), &folder).expect("a month can be generated");
            (folder, (made.records + made.repeated) as f64)
        });
        let [(few, few_records), (many, many_records)] = &months;
        let records = many_records - few_records;
        let a_record = |out: Option<&Path>| (program_run(many, out, root) - program_run(few, out, root)) / records;
        let (rated, written) = (a_record(None), a_record(Some(&root.join("out"))));
        figures.push((format!("program: {name}"), rated));
        figures.push((format!("program: {name}: write"), written - rated));
    }
    let months = [5_000u32, 25_000].map(|accounts| {
        let folder = root.join(format!("accounts-{accounts}"));
        generate(&Profile { accounts, ..credit(100) }, &folder).expect("a month can be generated");
        program_run(&folder, None, root)
    });
    figures.push(("start: account with a line".into(), (months[1] - months[0]) / 20_000.0));
    let months = [2_000u32, 22_000].map(|prefixes| {
        let folder = root.join(format!("prefixes-{prefixes}"));
        generate(&Profile { prefixes, ..credit(100) }, &folder).expect("a month can be generated");
        program_run(&folder, None, root)
    });
    figures.push(("start: prefix".into(), (months[1] - months[0]) / 20_000.0));
    figures
}

/// Instructions of one run of the program on one thread.
fn program_run(month: &Path, out: Option<&Path>, root: &Path) -> f64 {
    let mut valgrind = callgrind(&root.join("program.out"));
    valgrind.arg(ESEP).arg("rate").arg(month).args(["--jobs", "1", "--quiet"]);
    if let Some(out) = out {
        valgrind.arg("--out").arg(out);
    }
    collected(valgrind)
}

fn callgrind(profile: &Path) -> Command {
    let mut valgrind = Command::new("valgrind");
    valgrind.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", profile.display()));
    // The same addresses and the same number of environment strings in every run.
    valgrind.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    valgrind
}

fn collected(mut valgrind: Command) -> f64 {
    let output = valgrind.stdin(Stdio::null()).stdout(Stdio::null()).output().expect("valgrind can be run");
    let told = String::from_utf8_lossy(&output.stderr);
    let collected = told.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    collected.filter(|_| output.status.success()).unwrap_or_else(|| panic!("{valgrind:?} failed:\n{told}"))
}

fn written(figures: &[(String, f64)]) -> String {
    let mut text = String::from(
        "# Instructions by record, number, charge, account or prefix: cargo bench --bench instructions -- --update\n",
    );
    for (name, figure) in figures {
        let _ = writeln!(text, "{name:<44}{figure:>10.1}");
    }
    text
}

fn baseline() -> BTreeMap<String, f64> {
    let text = std::fs::read_to_string(BASELINE).unwrap_or_default();
    let rows = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
    rows.filter_map(|(name, figure)| Some((name.trim_end().to_owned(), figure.parse().ok()?))).collect()
}

/// Prints the figures beside the baseline; fails where one has grown.
fn compare(figures: &[(String, f64)]) -> ExitCode {
    let mut before = baseline();
    let mut grown = 0u32;
    println!("{:<44}{:>10}{:>10}{:>9}", "instructions", "baseline", "now", "change");
    for (name, figure) in figures {
        let Some(old) = before.remove(name) else {
            println!("{name:<44}{:>10}{figure:>10.1}{:>9}", "-", "new");
            continue;
        };
        let change = (figure - old) / old.max(0.1) * 100.0;
        let word = if change > TOLERANCE { "  grown" } else { "" };
        grown += u32::from(change > TOLERANCE);
        println!("{name:<44}{old:>10.1}{figure:>10.1}{change:>+8.1}%{word}");
    }
    for name in before.keys() {
        println!("{name:<44} is in the baseline and was not counted");
    }
    if grown == 0 {
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "{grown} of {} figures grew by more than {TOLERANCE} %\n  hint: where that is meant, cargo bench --bench \
         instructions -- --update",
        figures.len()
    );
    ExitCode::FAILURE
}
