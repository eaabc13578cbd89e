//! Commands over the store.

use super::{Common, Ended, PostArgs, StoreArgs, print, rate, summary, tell};
use crate::folder::Findings;
use crate::post::{HOT_KEYS_MAX, Ingest, PostError, Store};
use anyhow::Context;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

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

/// Checks the store.
pub(super) fn verify(args: &StoreArgs) -> anyhow::Result<Ended> {
    anyhow::ensure!(Path::new(&args.data).is_dir(), "there is no store {}", args.data.display());
    let store = open(args)?;
    let violation = store.books.violation();
    print(&format!("{} entries, state hash {:032x}\n", store.entries(), store.books.state_hash()))?;
    match violation {
        None => Ok(Ended::Done),
        Some(violation) => {
            tell(&violation);
            Ok(Ended::NotDone)
        }
    }
}
