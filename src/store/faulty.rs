//! A journal that fails where a test tells it to: for tests of the rooms above.

use super::{Details, Each, Entries, Entry, Head, Journal, StoreError, Stored};
use std::cell::Cell;

/// What fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// [`Journal::append`], before anything is kept.
    Append,
    /// [`Journal::append`], after all is kept: the caller is told of an error, and the entries are there.
    AppendKept,
    /// [`Entries::read`], and each entry of a scan.
    Read,
}

/// How often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Times {
    /// At the nth operation only.
    Once,
    /// At the nth operation and all after it.
    Forever,
}

/// When and how an operation fails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// What fails.
    pub operation: Operation,
    /// At which operation of its kind, from 1.
    pub at: u64,
    /// How often.
    pub times: Times,
    /// With what.
    pub error: StoreError,
}

impl Fault {
    fn hits(&self, operation: Operation, number: u64) -> bool {
        let due = match self.times {
            Times::Once => number == self.at,
            Times::Forever => number >= self.at,
        };
        due && self.operation == operation
    }
}

/// A journal with faults. An error of an append that is not passing closes it, as it closes the real one: every
/// append after it is refused until [`FaultyJournal::reopen`].
#[derive(Debug)]
pub struct FaultyJournal<J> {
    inner: J,
    faults: Vec<Fault>,
    appends: u64,
    reads: Cell<u64>,
    closed: bool,
}

impl<J: Journal> FaultyJournal<J> {
    /// `inner` with faults; operations are counted from here on.
    pub fn new(inner: J, faults: Vec<Fault>) -> Self {
        Self { inner, faults, appends: 0, reads: Cell::new(0), closed: false }
    }

    /// The journal as a new process finds it; the counts go on.
    pub fn reopen(&mut self) {
        self.closed = false;
    }

    /// What is kept, without faults.
    pub fn into_inner(self) -> J {
        self.inner
    }

    fn fault(&self, operation: Operation, number: u64) -> Option<StoreError> {
        self.faults.iter().find(|fault| fault.hits(operation, number)).map(|fault| fault.error.clone())
    }

    fn before_read(&self) -> Result<(), StoreError> {
        self.reads.set(self.reads.get().saturating_add(1));
        self.fault(Operation::Read, self.reads.get()).map_or(Ok(()), Err)
    }
}

impl<J: Journal> Entries for FaultyJournal<J> {
    fn head(&self) -> Head {
        self.inner.head()
    }

    fn read(&self, seq: u64) -> Result<Stored, StoreError> {
        self.before_read()?;
        self.inner.read(seq)
    }

    fn scan(&self, from: u64, details: Details, each: &mut Each<'_>) -> Result<(), StoreError> {
        self.inner.scan(from, details, &mut |stored| {
            self.before_read()?;
            each(stored)
        })
    }

    fn link(&self, seq: u64) -> Result<[u8; 32], StoreError> {
        self.inner.link(seq)
    }
}

impl<J: Journal> Journal for FaultyJournal<J> {
    fn append(&mut self, entries: &[Entry]) -> Result<Head, StoreError> {
        if self.closed {
            return Err(StoreError::Closed { path: "faulty".into() });
        }
        self.appends = self.appends.saturating_add(1);
        let fault = self.fault(Operation::Append, self.appends);
        let result = match fault {
            Some(error) => Err(error),
            None => self
                .inner
                .append(entries)
                .and_then(|head| self.fault(Operation::AppendKept, self.appends).map_or(Ok(head), Err)),
        };
        let kept = self.fault(Operation::AppendKept, self.appends).is_some();
        self.closed = result.as_ref().is_err_and(|error| kept || !error.is_passing());
        result
    }
}
