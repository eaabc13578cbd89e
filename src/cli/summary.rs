use super::rate::Summary;
use crate::batch::{Counts, FileTotals, Totals, tenge};
use crate::folder::Findings;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

/// `summary.json`. Source: interface 7.4.
#[derive(Serialize)]
struct Json<'t> {
    records: Records,
    filtered: BTreeMap<&'static str, u64>,
    suspended: BTreeMap<&'static str, u64>,
    rejected: BTreeMap<&'static str, u64>,
    charged: String,
    vat: String,
    not_owed: String,
    reversed: String,
    accounts: u64,
    differing_duplicates: u64,
    reference_warnings: u64,
    files: Vec<File<'t>>,
    elapsed_ms: u64,
    records_per_second: u64,
}

#[derive(Serialize)]
struct Records {
    #[serde(rename = "in")]
    read: u64,
    rated: u64,
    filtered: u64,
    duplicate: u64,
    suspended: u64,
    rejected: u64,
}

#[derive(Serialize)]
struct File<'t> {
    name: &'t str,
    source: &'t str,
    #[serde(flatten)]
    records: Records,
    rated_ms: i128,
    charged: String,
}

impl From<Counts> for Records {
    fn from(counts: Counts) -> Self {
        let Counts { read, rated, filtered, duplicate, suspended, rejected } = counts;
        Self { read, rated, filtered, duplicate, suspended, rejected }
    }
}

pub(super) fn json(totals: &Totals, findings: &Findings, elapsed: Duration) -> anyhow::Result<String> {
    let files = totals.files.iter().map(|file| File {
        name: &file.name,
        source: &file.source,
        records: file.counts.into(),
        rated_ms: file.rated_ms,
        charged: tenge(file.charged),
    });
    let counts = totals.counts();
    let json = Json {
        records: counts.into(),
        filtered: totals.filtered.iter().map(|(reason, count)| (reason.name(), *count)).collect(),
        suspended: totals.suspended.iter().map(|(reason, count)| (reason.name(), *count)).collect(),
        rejected: totals.rejected.iter().map(|(reason, count)| (reason.name(), *count)).collect(),
        charged: tenge(totals.charged),
        vat: tenge(totals.vat),
        not_owed: tenge(totals.not_owed),
        reversed: tenge(totals.reversed),
        accounts: totals.accounts,
        differing_duplicates: totals.differing,
        reference_warnings: findings.warnings(),
        files: files.collect(),
        elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        records_per_second: per_second(counts.read, elapsed),
    };
    let mut text = serde_json::to_string_pretty(&json)?;
    text.push('\n');
    Ok(text)
}

/// Where what the totals count can be looked at.
#[derive(Clone, Copy)]
pub(super) enum Kept<'p> {
    /// In a folder of outcomes, if there is one.
    Outcomes(Option<&'p Path>),
    /// In the books, which have more than these files.
    Books,
}

impl Kept<'_> {
    fn differing(self) -> String {
        match self {
            Self::Outcomes(Some(out)) => format!("look into {}", out.join("duplicate.csv").display()),
            Self::Outcomes(None) => "`--out DIR` writes which, into duplicate.csv".into(),
            Self::Books => "`esep rate --out DIR` writes which, into duplicate.csv".into(),
        }
    }

    fn corrected(self) -> &'static str {
        match self {
            Self::Outcomes(_) => "of it, replaced by later records",
            Self::Books => "in all of the books, replaced by later records",
        }
    }
}

/// The summary for a person.
pub(super) fn text(
    totals: &Totals,
    findings: &Findings,
    elapsed: Duration,
    form: Summary,
    (kept, last): (Kept<'_>, &str),
) -> String {
    let mut text = String::new();
    let counts = totals.counts();
    let mut line = |words: String| {
        text.push_str(&words);
        text.push('\n');
    };
    if form == Summary::ForPeople {
        for words in file_table(&totals.files) {
            line(words);
        }
        line(String::new());
    }
    line(format!("records     {:>12}", grouped(counts.read)));
    line(format!("  rated     {:>12}   of {}", grouped(counts.rated), plural(totals.accounts, "account")));
    for (name, count, reasons) in [
        ("filtered", counts.filtered, named(&totals.filtered)),
        ("suspended", counts.suspended, named(&totals.suspended)),
        ("rejected", counts.rejected, named(&totals.rejected)),
    ] {
        line(format!(
            "  {name:<9} {:>12}{}",
            grouped(count),
            if reasons.is_empty() { String::new() } else { format!("   {reasons}") }
        ));
        if name == "filtered" {
            let differing = match totals.differing {
                0 => String::new(),
                count => format!("   {count} with other content under the same key: {}", kept.differing()),
            };
            line(format!("  duplicate {:>12}{differing}", grouped(counts.duplicate)));
        }
    }
    line(format!("charged     {:>12} KZT, {} of it VAT", tenge(totals.charged), tenge(totals.vat)));
    if totals.not_owed != 0 {
        line(format!("not owed    {:>12} KZT (CELL-48: calls that outlasted the money)", tenge(totals.not_owed)));
    }
    if totals.reversed != 0 {
        line(format!("corrected   {:>12} KZT {}", tenge(totals.reversed), kept.corrected()));
    }
    if findings.warnings() > 0 {
        line(format!("reference   {:>12} (told above)", plural(findings.warnings(), "warning")));
    }
    line(format!("balanced: {counts}"));
    let (seconds, millis) = (elapsed.as_secs(), elapsed.subsec_millis());
    line(format!("{seconds}.{millis:03} s, {} records a second", grouped(per_second(counts.read, elapsed))));
    line(last.to_owned());
    text
}

fn file_table(files: &[FileTotals]) -> Vec<String> {
    let width = files.iter().map(|file| file.name.chars().count()).max().unwrap_or(0).max(4);
    let heads = ["in", "rated", "filtered", "duplicate", "suspended", "rejected", "charged KZT"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for file in files {
        let Counts { read, rated, filtered, duplicate, suspended, rejected } = file.counts;
        let mut row: Vec<String> = [read, rated, filtered, duplicate, suspended, rejected].map(grouped).to_vec();
        row.push(tenge(file.charged));
        rows.push(row);
    }
    let names = std::iter::once("file").chain(files.iter().map(|file| file.name.as_str()));
    names
        .zip(rows)
        .map(|(name, row)| {
            let mut words = format!("{name:<width$}");
            for (cell, head) in row.iter().zip(heads) {
                let room = head.len().max(9);
                let _ = write!(words, "  {cell:>room$}");
            }
            words
        })
        .collect()
}

fn named<R: std::fmt::Display>(reasons: &BTreeMap<R, u64>) -> String {
    let words: Vec<String> = reasons.iter().map(|(reason, count)| format!("{reason} {}", grouped(*count))).collect();
    words.join(", ")
}

/// `1 account`, `2 accounts`.
pub(super) fn plural(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        let left = digits.len().saturating_sub(place);
        if place > 0 && left.is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

fn per_second(records: u64, elapsed: Duration) -> u64 {
    let micros = elapsed.as_micros().max(1);
    let rate = u128::from(records).saturating_mul(1_000_000).checked_div(micros).unwrap_or(0);
    u64::try_from(rate).unwrap_or(u64::MAX)
}
