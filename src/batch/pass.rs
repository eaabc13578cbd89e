use super::item::{Reference, Source};
use super::memory::Memory;
use super::open_file::Mode;
use super::reader::{FeedPosition, Pieces, Reader};
use super::settle::Settler;
use super::stages::{Sink, Slot, Stages};
use super::totals::{Counts, FileTotals, Totals};
use super::trace::Trace;
use super::write::{Outcomes, RowWriter, Rows};
use crate::book::Funds;
use crate::decode::Format;
use crate::feed::FeedError;
use crate::screen::Duplicates;
use rustc_hash::FxHashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// One file of a feed.
#[derive(Clone, Debug)]
pub struct FeedFile {
    /// Where it lies.
    pub path: PathBuf,
    /// How outcomes name it.
    pub name: String,
    /// The feed that it belongs to.
    pub source: Source,
    /// How it is written.
    pub format: Format,
    /// How far it was read before; read on from there if it still begins so.
    pub known: Option<FeedPosition>,
}

/// What a pass works with.
pub struct Pass<'p> {
    /// Tariffs and register.
    pub reference: &'p Reference,
    /// The money that accounts have before the first record: opening balances and payments.
    pub funds: &'p (dyn Fn() -> Funds + Sync),
    /// In the order in which they are read.
    pub files: &'p [FeedFile],
    /// The threads that prepare and write.
    pub threads: &'p rayon::ThreadPool,
    /// The folder where outcomes go.
    pub outcomes: Option<&'p Path>,
    /// Bytes read so far, for a progress bar.
    pub progress: &'p AtomicU64,
    /// Keys of a record to be traced.
    pub traced: FxHashSet<u128>,
}

/// What a pass found.
#[derive(Debug)]
pub struct Report {
    /// Control totals, checked.
    pub totals: Totals,
    /// How traced records came to their outcomes.
    pub traces: Vec<Trace>,
    /// What was odd about files as such.
    pub notes: Vec<String>,
}

/// Why a pass was not done.
#[derive(Debug)]
pub enum PassError {
    /// A feed cannot be opened.
    Feed(FeedError),
    /// Outcomes cannot be written into this folder.
    Write(PathBuf, std::io::Error),
    /// A record has no outcome or two: our own fault, never passed over.
    ControlTotals(String),
    /// The books cannot take what was decided.
    Books(Box<dyn std::error::Error + Send + Sync>),
}

impl fmt::Display for PassError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feed(error) => error.fmt(f),
            Self::Write(folder, error) => write!(f, "{}: outcomes cannot be written: {error}", folder.display()),
            Self::Books(error) => error.fmt(f),
            Self::ControlTotals(violation) => write!(f, "control totals do not balance: {violation}"),
        }
    }
}

impl std::error::Error for PassError {}

/// Rates files in their order. Source: rating 1.2, interface 7.3.
///
/// Where records turn out to correct others, the pass is made once more, keeping the charges that are corrected: a
/// record may be corrected long after it was rated, and keeping every charge would cost the memory of all of them.
pub fn rate_files(pass: &Pass<'_>) -> Result<Report, PassError> {
    let mut wanted = FxHashSet::default();
    loop {
        pass.progress.store(0, Ordering::Relaxed);
        let (report, missing) = attempt(pass, &wanted)?;
        if missing.is_empty() {
            return Ok(report);
        }
        wanted.extend(missing);
    }
}

fn attempt(pass: &Pass<'_>, wanted: &FxHashSet<u128>) -> Result<(Report, FxHashSet<u128>), PassError> {
    let totals = pass.files.iter().map(|file| FileTotals {
        name: file.name.clone(),
        source: file.source.name.clone(),
        counts: Counts::default(),
        rated_ms: 0,
        charged: 0,
    });
    let duplicates = Duplicates::with_capacity(expected_records(pass.files));
    let mut settler = Settler::new(pass.reference, totals.collect(), Memory::new(duplicates, (pass.funds)()));
    settler.corrections.wanted.clone_from(wanted);
    settler.traced.clone_from(&pass.traced);
    let writer = RowWriter::new(pass.reference, pass.files.iter().map(|file| (&file.source, file.name.as_str())));
    let no_write = |error| PassError::Write(pass.outcomes.unwrap_or(Path::new("")).to_owned(), error);
    let mut outcomes = pass.outcomes.map(Outcomes::create).transpose().map_err(no_write)?;
    let mut reader = Reader::new(pass.files, (0..pass.files.len()).collect(), Mode::Once);
    let stages = Stages {
        reference: pass.reference,
        files: pass.files,
        jobs: pass.threads.current_num_threads(),
        progress: pass.progress,
        settle_all: !pass.traced.is_empty(),
        keeps_keys: (!wanted.is_empty() || !pass.traced.is_empty()).into(),
    };
    let is_written = outcomes.is_some();
    let sink = Sink {
        settle: &mut |slot: &mut Slot<Rows>, _| {
            settler.settle(&mut slot.prepared);
            if settler.memory.series.is_closed() {
                stages.keeps_keys.store(true, Ordering::Relaxed);
            }
            Ok(())
        },
        finish: &|slot| {
            if is_written {
                slot.left.clear();
                writer.write(&slot.prepared, &mut slot.left);
            }
            Ok(())
        },
        hand_on: &mut |slot| match &mut outcomes {
            Some(outcomes) => outcomes.append(&slot.left).map_err(no_write),
            None => Ok(()),
        },
    };
    stages.run(&mut reader, sink)?;

    let told = settler.finish();
    if let Some(mut outcomes) = outcomes {
        let mut rows = Rows::default();
        writer.write_told(&told, &mut rows);
        outcomes.append(&rows).and_then(|()| outcomes.finish()).map_err(no_write)?;
    }
    if let Some(violation) = settler.totals.violation() {
        return Err(PassError::ControlTotals(violation));
    }
    let report = Report { totals: settler.totals, traces: settler.traces, notes: reader.told().notes };
    Ok((report, settler.corrections.missing))
}

/// About how many records the files hold, so that the duplicate set need not grow: a guess may be wrong, not harmful.
pub(crate) fn expected_records(files: &[FeedFile]) -> usize {
    /// A native record of a call has about so many bytes.
    const RECORD_BYTES: u64 = 140;
    /// Archives hold about so many times their size.
    const EXPANSION: u64 = 6;
    let bytes = files.iter().fold(0u64, |sum, file| {
        let size = std::fs::metadata(&file.path).map_or(0, |data| data.len());
        let archive = matches!(file.path.extension().and_then(|e| e.to_str()), Some("gz" | "zst"));
        sum.saturating_add(if archive { size.saturating_mul(EXPANSION) } else { size })
    });
    usize::try_from(bytes / RECORD_BYTES).unwrap_or(0).min(1 << 26)
}
