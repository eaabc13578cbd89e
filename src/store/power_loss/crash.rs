//! Drives a workload into a fault at each of its operations, and judges what is left.

use super::mounted::place_on;
use super::{Failing, Loss, SimulatedDisk, Trouble};
use crate::store::planted::Bug;
use crate::store::{Entries, Head, Place, SqliteReader, StoreError, Times, check};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What a process does: it opens the store at a place, or makes it, does what is left to do, and tells each head that
/// was acknowledged to it, before it acts on it. It gives back what has to be the same however often it was
/// interrupted and begun again, and an error in words.
pub type Workload<'a> = dyn Fn(&Place, &mut dyn FnMut(Head)) -> Result<Vec<u8>, String> + Sync + 'a;

/// Whether the workload cuts its entries into the same appends each time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Groups {
    /// Then a store holds each of them whole or not at all, and the same entries at every time.
    Same,
    /// Then only acknowledged heads are looked for.
    Any,
}

/// What happens, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Crash {
    /// The operation of the disk, from 1.
    pub operation: u64,
    /// What.
    pub event: Event,
    /// What is left of what was not synced, and what happens at the next start, follow from it.
    pub seed: u64,
}

/// What happens at an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The power goes.
    PowerLoss,
    /// The operation fails, once or for ever; the process ends when it likes, and the power goes after it with every
    /// second seed.
    Failure(Trouble, Times),
}

/// A crash after which something is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Which; none where the run without one went wrong.
    pub crash: Option<Crash>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.crash {
            Some(crash) => {
                write!(f, "{:?} at operation {}, seed {}: {}", crash.event, crash.operation, crash.seed, self.what)
            }
            None => write!(f, "without a crash: {}", self.what),
        }
    }
}

/// What was seen by all crashes together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// How many crashes.
    pub crashes: u64,
    /// How often the power went again while what was left to do was done.
    pub again: u64,
    /// After how many of them there was no store yet.
    pub without_store: u64,
    /// After how many of them there was more than what was acknowledged.
    pub more_than_acknowledged: u64,
}

/// A workload and how it ends without a fault.
pub struct Crashes<'a> {
    workload: &'a Workload<'a>,
    groups: Groups,
    bug: Option<Bug>,
    /// Where the disks are mounted, each under its name, and how long the log grows; none where they are not.
    mounts: Option<(PathBuf, u64)>,
    /// After each append, the last one at the end.
    heads: Vec<Head>,
    result: Vec<u8>,
    operations: u64,
}

/// The folder of the store on a simulated disk.
const FOLDER: &str = "/data/store";

impl<'a> Crashes<'a> {
    /// Runs the workload once without a fault, with a fault of the container planted or none.
    pub fn new(workload: &'a Workload<'a>, groups: Groups, bug: Option<Bug>) -> Result<Self, Failure> {
        Self::begin(workload, groups, bug, None)
    }

    /// The same for a workload that opens its store by the path of its place: each disk is mounted in a folder of
    /// `root`. The log is written into the file after `log_bytes`.
    pub fn mounted(
        workload: &'a Workload<'a>,
        groups: Groups,
        bug: Option<Bug>,
        (root, log_bytes): (&Path, u64),
    ) -> Result<Self, Failure> {
        Self::begin(workload, groups, bug, Some((root.to_owned(), log_bytes)))
    }

    fn begin(
        workload: &'a Workload<'a>,
        groups: Groups,
        bug: Option<Bug>,
        mounts: Option<(PathBuf, u64)>,
    ) -> Result<Self, Failure> {
        let (heads, result) = (Vec::new(), Vec::new());
        let mut crashes = Self { workload, groups, bug, mounts, heads, result, operations: 0 };
        let disk = SimulatedDisk::new();
        let mut heads = vec![Head::default()];
        let failed = |what| Failure { crash: None, what };
        let place = crashes.place(&disk);
        let _mount = crashes.mounts.as_ref().map(|_| disk.mount(&place));
        crashes.result = workload(&place, &mut |head| heads.push(head)).map_err(failed)?;
        crashes.heads = heads;
        crashes.operations = disk.operations();
        Ok(crashes)
    }

    /// How many operations of the disk the workload has: at each of them something may happen.
    pub fn operations(&self) -> u64 {
        self.operations
    }

    fn place(&self, disk: &SimulatedDisk) -> Place {
        let place = match &self.mounts {
            Some((root, log_bytes)) => place_on(disk, &root.join(&*disk.vfs)).with_log_bytes(*log_bytes),
            None => place_on(disk, Path::new(FOLDER)),
        };
        match self.bug {
            Some(bug) => place.with_bug(bug),
            None => place,
        }
    }

    /// Crashes at every operation in turn, each time with another seed, until there were `count`, on some threads. The
    /// first that goes wrong ends it.
    pub fn run(&self, count: u64, events: &[Event], threads: usize) -> Result<Tally, Failure> {
        let next = AtomicU64::new(0);
        let sum: Mutex<Result<Tally, Failure>> = Mutex::new(Ok(Tally::default()));
        let sum_of = || sum.lock().unwrap_or_else(PoisonError::into_inner);
        std::thread::scope(|scope| {
            for _ in 0..threads.max(1) {
                scope.spawn(|| {
                    let disk = SimulatedDisk::new();
                    let _mount = self.mounts.as_ref().map(|_| disk.mount(&self.place(&disk)));
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count || sum_of().is_err() {
                            break;
                        }
                        let round = number.checked_div(self.operations).unwrap_or(0);
                        // Few are spread over the whole of it.
                        let operation = if count < self.operations {
                            number.saturating_mul(self.operations).checked_div(count)
                        } else {
                            number.checked_rem(self.operations)
                        };
                        let operation = operation.unwrap_or(0).saturating_add(1);
                        let at = u64::try_from(events.len()).ok().and_then(|events| round.checked_rem(events));
                        let event = at.and_then(|at| events.get(usize::try_from(at).ok()?)).copied();
                        let event = event.unwrap_or(Event::PowerLoss);
                        let seed = super::Random::new(number).next();
                        let result = self.one(&disk, Crash { operation, event, seed });
                        let mut sum = sum_of();
                        match (&mut *sum, result) {
                            (Ok(sum), Ok(one)) => sum.add(one),
                            (Ok(_), Err(failure)) => *sum = Err(failure),
                            (Err(_), _) => {}
                        }
                    }
                });
            }
        });
        sum.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// One crash: what is left, finished, and checked.
    pub fn one(&self, disk: &SimulatedDisk, crash: Crash) -> Result<Tally, Failure> {
        self.judged(disk, crash).map_err(|what| Failure { crash: Some(crash), what })
    }

    fn judged(&self, disk: &SimulatedDisk, crash: Crash) -> Result<Tally, String> {
        let place = self.place(disk);
        let mut random = super::Random::new(crash.seed);
        let mut tally = Tally { crashes: 1, ..Tally::default() };
        let mut acknowledged = None;
        disk.format();
        let lost = match crash.event {
            Event::PowerLoss => {
                disk.power_off_at(crash.operation);
                true
            }
            Event::Failure(trouble, times) => {
                disk.fail(Some(Failing { at: crash.operation, times, trouble }));
                random.below(2) == 0
            }
        };
        let first = (self.workload)(&place, &mut |head| acknowledged = Some(head));
        if matches!(crash.event, Event::PowerLoss) && first.is_ok() && disk.operations() > crash.operation {
            return Err("the workload did not notice that the power is off".to_owned());
        }
        disk.fail(None);
        if lost {
            disk.power_on(Loss::of(random.next()));
        }
        self.look(&place, acknowledged, &mut tally)?;
        // The power may go again while the store is opened, or later.
        while random.below(3) == 0 {
            let ahead = random.below(self.operations.saturating_add(10)).saturating_add(1);
            let soon = random.below(12).saturating_add(1);
            let ahead = if random.below(2) == 0 { ahead } else { soon };
            disk.power_off_at(disk.operations().saturating_add(ahead));
            tally.again = tally.again.saturating_add(1);
            // It may be done before; then the power goes afterwards.
            let _ = (self.workload)(&place, &mut |head| acknowledged = Some(head));
            disk.power_on(Loss::of(random.next()));
            self.look(&place, acknowledged, &mut tally)?;
        }
        let result = (self.workload)(&place, &mut |head| acknowledged = Some(head));
        let result = result.map_err(|error| format!("what was left to do fails: {error}"))?;
        if result != self.result {
            return Err("the result is not that of a run without a fault".to_owned());
        }
        let checked = check(&place).map_err(|error| format!("the check fails: {error}"))?;
        if let Some(finding) = checked.findings.first() {
            return Err(format!("the check finds: {finding}"));
        }
        if self.groups == Groups::Same && Some(&checked.head) != self.heads.last() {
            return Err(format!("{} entries at the end, other than without a fault", checked.head.count));
        }
        Ok(tally)
    }

    /// What a process finds that starts after the crash, before it does anything.
    fn look(&self, place: &Place, acknowledged: Option<Head>, tally: &mut Tally) -> Result<(), String> {
        let told = |error: StoreError| format!("the store does not open: {error}");
        if !place.is_store().map_err(told)? {
            tally.without_store = tally.without_store.saturating_add(1);
            return if acknowledged.is_none() { Ok(()) } else { Err("there is no store".to_owned()) };
        }
        let acknowledged = acknowledged.unwrap_or_default();
        let reader = SqliteReader::open(place).map_err(told)?;
        let head = reader.head();
        if head.count < acknowledged.count {
            return Err(format!("{} entries, and {} were acknowledged", head.count, acknowledged.count));
        }
        if reader.rows().link(acknowledged.count).map_err(told)? != acknowledged.chain {
            return Err(format!("entry {} is not the one that was acknowledged", acknowledged.count));
        }
        if self.groups == Groups::Same && !self.heads.contains(&head) {
            return Err(format!("{} entries: a part of an append", head.count));
        }
        if head.count > acknowledged.count {
            tally.more_than_acknowledged = tally.more_than_acknowledged.saturating_add(1);
        }
        Ok(())
    }
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.crashes = self.crashes.saturating_add(other.crashes);
        self.again = self.again.saturating_add(other.again);
        self.without_store = self.without_store.saturating_add(other.without_store);
        self.more_than_acknowledged = self.more_than_acknowledged.saturating_add(other.more_than_acknowledged);
    }
}
