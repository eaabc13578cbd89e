//! Commands over the store.

use super::{Common, Ended, PostArgs, StoreArgs, print, rate, summary, tell};
use crate::folder::Findings;
use crate::post::{self, HOT_KEYS_MAX, Ingest, PostError, Store};
use anyhow::Context;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Rates and posts a folder, or files.
pub(super) fn post(args: &PostArgs, form: rate::Summary) -> anyhow::Result<Ended> {
    let started = Instant::now();
    let common = &args.store.common;
    let [path] = args.paths.as_slice() else { anyhow::bail!("one folder at a time") };
    let Some((folder, findings)) = rate::open(path, common) else { return Ok(Ended::NotDone) };
    let mut store = open(&args.store)?;
    let ingested = with_threads(common, |how| store.ingest(folder, how))?;
    if !common.quiet {
        for note in &ingested.notes {
            tell(note);
        }
    }
    let totals = store.totals(&ingested.files);
    let elapsed = started.elapsed();
    if common.json {
        print(&summary::json(&totals, &findings, elapsed)?)?;
    } else if !common.quiet || form == rate::Summary::ForPeople {
        let last = match ingested.entries {
            0 => format!("nothing new: all of it is in {} already", args.store.data.display()),
            _ => format!("posted to {}", args.store.data.display()),
        };
        print(&summary::text(&totals, &findings, elapsed, form, &last))?;
    }
    Ok(ended(args.strict, &totals, &findings))
}

fn ended(strict: bool, totals: &crate::batch::Totals, findings: &Findings) -> Ended {
    let counts = totals.counts();
    let doubtful = counts.rejected > 0 || counts.suspended > 0 || findings.warnings() > 0;
    if strict && doubtful { Ended::Doubtful } else { Ended::Done }
}

/// Does something to the books on all threads, and shows how much was read.
pub(super) fn with_threads<R: Send>(
    common: &Common,
    done: impl FnOnce(&Ingest<'_>) -> Result<R, PostError>,
) -> anyhow::Result<R> {
    let jobs = common.jobs.map_or(0, usize::from);
    let threads = rayon::ThreadPoolBuilder::new().num_threads(jobs).build().context("threads cannot be started")?;
    let (progress, ended, stop) = (AtomicU64::new(0), AtomicBool::new(false), AtomicBool::new(false));
    let shown = !common.quiet && std::io::stderr().is_terminal();
    let how = Ingest { threads: &threads, progress: &progress, stop: &stop, hot_keys: HOT_KEYS_MAX };
    let result = std::thread::scope(|scope| {
        if shown {
            scope.spawn(|| rate::show_progress(&progress, &ended));
        }
        let result = done(&how);
        ended.store(true, Ordering::Relaxed);
        result
    })?;
    Ok(result)
}

/// Opens the store to write.
pub(super) fn open(args: &StoreArgs) -> anyhow::Result<Store> {
    let command: Vec<String> = std::env::args().take(2).collect();
    let holder = format!("process {}, `{}`", std::process::id(), command.join(" "));
    Ok(Store::open(&args.data, &holder)?)
}

/// Checks the store, beside one who writes to it.
pub(super) fn verify(args: &StoreArgs) -> anyhow::Result<Ended> {
    let common = &args.common;
    let jobs = common.jobs.map_or(0, usize::from);
    let threads = rayon::ThreadPoolBuilder::new().num_threads(jobs).build().context("threads cannot be started")?;
    // Only we can read it: reference data names persons.
    let scratch = tempfile::Builder::new().prefix("esep-verify-").tempdir().context("no temporary folder")?;
    let started = Instant::now();
    let progress = AtomicU64::new(0);
    let of = post::Verify { folder: &args.data, scratch: scratch.path(), threads: &threads, progress: &progress };
    let found = post::verify(&of)?;
    if common.json {
        let told = serde_json::json!({
            "ok": found.violations.is_empty(),
            "state_hash": format!("{:032x}", found.state_hash),
            "violations": found.violations,
            "entries": found.entries,
            "records": found.counts.read,
            "rated_again": found.rated_again,
            "purged": found.purged,
        });
        print(&format!("{told}\n"))?;
    } else if !common.quiet {
        print(&verified(&found, started.elapsed()))?;
    }
    match found.violations.first() {
        None => Ok(Ended::Done),
        Some(first) => {
            let more = found.violations.len().saturating_sub(1);
            let more = if more > 0 { format!("\nand {more} more; --json tells them") } else { String::new() };
            tell(&format!("esep: {first}{more}"));
            Ok(Ended::NotDone)
        }
    }
}

fn verified(found: &post::Verified, elapsed: Duration) -> String {
    let mut text = format!(
        "{} entries: {}\n{} of them rated again from {} bytes of {}, {} charges sealed\n",
        found.entries,
        found.counts,
        summary::plural(found.rated_again, "record"),
        found.bytes,
        summary::plural(found.files, "file"),
        found.sealed_charges,
    );
    if found.purged > 0 {
        text.push_str(&format!("the detail of {} entries was purged: not rated again\n", found.purged));
    }
    text.push_str(&format!("{} s\nstate hash {:032x}\n", elapsed.as_secs(), found.state_hash));
    text
}
