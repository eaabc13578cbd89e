use super::{Common, Ended, RateArgs, print, summary, tell};
use crate::batch::{Pass, Report, rate_files};
use crate::folder::{Findings, Folder};
use anyhow::Context;
use rustc_hash::FxHashSet;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How much the summary says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Summary {
    /// All of it, in a table.
    ForPeople,
    /// A few lines.
    Short,
}

pub(super) fn run(args: &RateArgs, form: Summary) -> anyhow::Result<Ended> {
    let started = Instant::now();
    let Some((folder, findings)) = open_to_rate(&args.dir, &args.common) else { return Ok(Ended::NotDone) };
    if let Some(out) = args.out.as_deref().and_then(|out| std::fs::canonicalize(out).ok()) {
        let is_out = |folder: &Path| std::fs::canonicalize(folder).is_ok_and(|folder| folder == out);
        let what = if is_out(&args.dir) {
            Some("the folder itself")
        } else if folder.files.iter().filter_map(|file| file.path.parent()).any(is_out) {
            Some("a folder of feeds")
        } else {
            None
        };
        if let Some(what) = what {
            tell(&format!(
                "esep: --out is {what}\n  hint: name another folder, so that outcomes are not taken for feeds"
            ));
            return Ok(Ended::NotDone);
        }
    }
    let report = pass(&folder, &args.common, args.out.as_deref(), FxHashSet::default())?;
    if !args.common.quiet {
        for note in &report.notes {
            tell(note);
        }
    }
    let elapsed = started.elapsed();
    let json = summary::json(&report.totals, &findings, elapsed)?;
    if let Some(out) = &args.out {
        let path = out.join("summary.json");
        std::fs::write(&path, &json).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    if args.common.json {
        print(&json)?;
    } else if !args.common.quiet || form == Summary::ForPeople {
        let last = match &args.out {
            Some(out) => format!("the outcome of each record is in {}", out.display()),
            None => "hint: --out DIR writes the outcome of each record".into(),
        };
        let kept = summary::Kept::Outcomes(args.out.as_deref());
        print(&summary::text(&report.totals, &findings, elapsed, form, (kept, &last)))?;
    }
    let counts = report.totals.counts();
    let doubtful = counts.rejected > 0 || counts.suspended > 0 || findings.warnings() > 0;
    Ok(if args.strict && doubtful { Ended::Doubtful } else { Ended::Done })
}

/// Reads a folder to rate it and tells its findings; none where nothing can be rated.
pub(super) fn open_to_rate(dir: &Path, common: &Common) -> Option<(Folder, Findings)> {
    opened(Folder::open_to_rate(dir), common)
}

/// Tells the findings of a folder that was read.
pub(super) fn opened((folder, findings): (Option<Folder>, Findings), common: &Common) -> Option<(Folder, Findings)> {
    if !common.quiet || folder.is_none() {
        for finding in findings.kept() {
            if folder.is_some() || finding.is_error() || !common.quiet {
                tell(&finding.to_string());
            }
        }
        if findings.not_kept() > 0 {
            tell(&format!("and {} more", findings.not_kept()));
        }
    }
    match folder {
        Some(folder) => Some((folder, findings)),
        None => {
            tell(&format!(
                "esep: nothing was rated: {} must be mended first",
                summary::plural(findings.errors(), "finding")
            ));
            None
        }
    }
}

/// Rates the files of a folder.
pub(super) fn pass(
    folder: &Folder,
    common: &Common,
    out: Option<&Path>,
    traced: FxHashSet<u128>,
) -> anyhow::Result<Report> {
    let jobs = common.jobs.map_or(0, usize::from);
    let threads = rayon::ThreadPoolBuilder::new().num_threads(jobs).build().context("threads cannot be started")?;
    let progress = AtomicU64::new(0);
    let pass = Pass {
        reference: &folder.reference,
        funds: &|| folder.funds(),
        files: &folder.files,
        threads: &threads,
        outcomes: out,
        progress: &progress,
        traced,
    };
    let done = AtomicBool::new(false);
    let shown = !common.quiet && std::io::stderr().is_terminal();
    let report = std::thread::scope(|scope| {
        if shown {
            scope.spawn(|| show_progress(&progress, &done));
        }
        let report = rate_files(&pass);
        done.store(true, Ordering::Relaxed);
        report
    })?;
    Ok(report)
}

/// A line on the terminal that says how much has been read.
pub(super) fn show_progress(progress: &AtomicU64, done: &AtomicBool) {
    let bar = indicatif::ProgressBar::no_length();
    if let Ok(style) = indicatif::ProgressStyle::with_template("{spinner} read {bytes} at {bytes_per_sec}") {
        bar.set_style(style);
    }
    while !done.load(Ordering::Relaxed) {
        bar.set_position(progress.load(Ordering::Relaxed));
        std::thread::sleep(Duration::from_millis(50));
    }
    bar.finish_and_clear();
}
