//! Commands over the store.

use super::signals::Signals;
use super::{Common, Ended, PostArgs, StoreArgs, print, rate, status, summary, tell};
use crate::batch::FeedFile;
use crate::folder::{Findings, Folder};
use crate::post::{self, HOT_KEYS_MAX, Ingest, Ingested, PostError, Store};
use anyhow::Context;
use std::fs::File;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Rates and posts folders, or files.
pub(super) fn post(args: &PostArgs, form: rate::Summary) -> anyhow::Result<Ended> {
    let started = Instant::now();
    let signals = Signals::wait_for()?;
    let common = &args.store.common;
    if !all_can_be_read(&args.paths) {
        return Ok(Ended::NotDone);
    }
    let (folders, files): (Vec<&PathBuf>, Vec<&PathBuf>) = args.paths.iter().partition(|path| path.is_dir());
    anyhow::ensure!(
        folders.is_empty() || files.is_empty(),
        "folders and files together\n  hint: ingest the folders first, then the files by the reference data that the \
         books know then"
    );
    anyhow::ensure!(
        folders.is_empty() || args.source.is_none(),
        "--source is for files; which feed a folder's files belong to stands in its esep.toml"
    );
    let mut findings = Findings::default();
    let mut done = Ingested::default();
    let mut store = None;
    for path in folders {
        let Some((folder, of_folder)) = rate::opened(Folder::open(path), common) else { return Ok(Ended::NotDone) };
        findings.add(of_folder);
        let store = held(&mut store, args)?;
        with_progress(common, &signals, |how| {
            let (reference, feeds) = store.take(folder, &mut done)?;
            store.ingest_files(feeds, &reference, how, &mut done)
        })?;
        if signals.came().is_some() {
            break;
        }
    }
    if !files.is_empty() {
        let store = held(&mut store, args)?;
        let known = store.known_folder()?;
        let files = files.into_iter().map(|path| file_of(&known, args, path)).collect::<anyhow::Result<Vec<_>>>()?;
        with_progress(common, &signals, |how| store.ingest_files(files, &known.reference, how, &mut done))?;
    }
    let store = held(&mut store, args)?;
    if !common.quiet {
        for note in &done.notes {
            tell(note);
        }
    }
    let totals = store.totals(&done.files);
    let elapsed = started.elapsed();
    if common.json {
        print(&summary::json(&totals, &findings, elapsed)?)?;
    } else if !common.quiet || form == rate::Summary::ForPeople {
        let last = match done.entries {
            0 => format!("nothing new: all of it is in {} already", args.store.data.display()),
            _ => format!("posted to {}", args.store.data.display()),
        };
        print(&summary::text(&totals, &findings, elapsed, form, (summary::Kept::Books, &last)))?;
        if form == rate::Summary::ForPeople
            && let Some(statuses) = status::after_run(store)?
        {
            let hint = "derived, not recorded: `esep status --as-of` records them";
            print(&format!("\n{}{hint}\n", status::table(&statuses)))?;
            if !common.quiet {
                status::told_after_run(&statuses);
            }
        }
    }
    if let Some(signal) = signals.came() {
        tell(&format!("ended by {signal}: what was read is in the books\n  hint: run it again, it goes on from there"));
        return Ok(Ended::NotDone);
    }
    Ok(ended(args.strict, &totals, &findings))
}

/// Whether every path can be read; tells of each that cannot.
fn all_can_be_read(paths: &[PathBuf]) -> bool {
    let mut all = true;
    for path in paths {
        // Opened and let go: what is refused now would be refused when half of the others are booked.
        let tried = if path.is_dir() { std::fs::read_dir(path).map(drop) } else { File::open(path).map(drop) };
        if let Err(error) = tried {
            tell(&format!("esep: {} cannot be read: {error}", path.display()));
            all = false;
        } else if !path.is_dir() && !path.is_file() {
            tell(&format!("esep: {} is neither a folder nor a file", path.display()));
            all = false;
        }
    }
    all
}

/// A file by the reference data of the books, under the name that it has on this machine.
fn file_of(known: &Folder, args: &PostArgs, path: &Path) -> anyhow::Result<FeedFile> {
    let path = std::path::absolute(path).with_context(|| format!("{} cannot be read", path.display()))?;
    known.file_of(args.source.as_deref(), path).map_err(|why| anyhow::anyhow!("{why}"))
}

/// The store, opened when it is needed first.
fn held<'s>(store: &'s mut Option<Store>, args: &PostArgs) -> anyhow::Result<&'s mut Store> {
    match store {
        Some(store) => Ok(store),
        None => Ok(store.insert(open(&args.store)?)),
    }
}

fn ended(strict: bool, totals: &crate::batch::Totals, findings: &Findings) -> Ended {
    let counts = totals.counts();
    let doubtful = counts.rejected > 0 || counts.suspended > 0 || findings.warnings() > 0;
    if strict && doubtful { Ended::Doubtful } else { Ended::Done }
}

/// The threads that rate.
pub(super) fn threads(common: &Common) -> anyhow::Result<rayon::ThreadPool> {
    let jobs = common.jobs.map_or(0, usize::from);
    rayon::ThreadPoolBuilder::new().num_threads(jobs).build().context("threads cannot be started")
}

fn with_progress<R: Send>(
    common: &Common,
    signals: &Signals,
    ingest: impl FnOnce(&Ingest<'_>) -> Result<R, PostError>,
) -> anyhow::Result<R> {
    let threads = threads(common)?;
    let (progress, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let shown = !common.quiet && std::io::stderr().is_terminal();
    let how = Ingest { threads: &threads, progress: &progress, stop: signals.stop(), hot_keys: HOT_KEYS_MAX };
    let result = std::thread::scope(|scope| {
        if shown {
            scope.spawn(|| rate::show_progress(&progress, &done));
        }
        let ingested = ingest(&how);
        done.store(true, Ordering::Relaxed);
        ingested
    })?;
    Ok(result)
}

/// Does something to the books on all threads, and shows how much was read. A signal ends it early.
pub(super) fn with_threads<R: Send>(
    common: &Common,
    done: impl FnOnce(&Ingest<'_>) -> Result<R, PostError>,
) -> anyhow::Result<R> {
    let signals = Signals::wait_for()?;
    let mut result = None;
    with_progress(common, &signals, |how| {
        result = Some(done(how)?);
        Ok(())
    })?;
    result.context("nothing was done")
}

/// Opens the store to write, or begins one.
pub(super) fn open(args: &StoreArgs) -> anyhow::Result<Store> {
    limit_threads(&args.common);
    Ok(Store::open(&args.data, &holder())?)
}

/// Opens the store that is there for who rates nothing.
pub(super) fn open_known(args: &StoreArgs) -> anyhow::Result<Store> {
    anyhow::ensure!(args.data.is_dir(), "there is no store {}", args.data.display());
    limit_threads(&args.common);
    Ok(Store::open_without_keys(&args.data, &holder())?)
}

/// `--jobs` holds for what is done beside rating, too: folding, statuses.
pub(super) fn limit_threads(common: &Common) {
    if let Some(jobs) = common.jobs {
        // A second time it holds already.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(usize::from(jobs)).build_global();
    }
}

/// Who writes, for others who want to.
fn holder() -> String {
    let command: Vec<String> = std::env::args().take(2).collect();
    format!("process {}, `{}`", std::process::id(), command.join(" "))
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
        "{} entries: {}\n{} of them rated again from {} bytes of {}, {} movements sealed by account\n",
        found.entries,
        found.counts,
        summary::plural(found.rated_again, "record"),
        found.bytes,
        summary::plural(found.files, "file"),
        found.sealed_movements,
    );
    if found.purged > 0 {
        text.push_str(&format!("the detail of {} entries was purged: not rated again\n", found.purged));
    }
    text.push_str(&format!("{} s\nstate hash {:032x}\n", elapsed.as_secs(), found.state_hash));
    text
}
