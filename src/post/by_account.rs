//! Things of accounts, to be found by account.

use super::entry::{StatusMove, TaskDone, TaskGiven};
use super::life::{EventIn, MoneyIn, Usage};
use crate::units::Period;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Accounts that one thread takes at a time.
const CHUNK: usize = 4096;

/// It is of an account.
pub(super) trait OfAccount {
    /// Whose.
    fn account(&self) -> u32;
}

macro_rules! of_account {
    ($($of:ty),*) => {
        $(impl OfAccount for $of {
            fn account(&self) -> u32 {
                self.account
            }
        })*
    };
}

of_account!(Usage, MoneyIn, EventIn, StatusMove, TaskGiven, TaskDone);

/// Things by account, those of one account in the order in which they came.
pub(super) struct ByAccount<T> {
    all: Vec<T>,
    /// Where those of each account begin, and the end of the last; empty where they are searched for.
    starts: Vec<u32>,
}

impl<T> Default for ByAccount<T> {
    fn default() -> Self {
        Self { all: Vec::new(), starts: Vec::new() }
    }
}

impl<T: OfAccount + Send> ByAccount<T> {
    /// Of things that stand in their order already.
    pub(super) fn sorted(all: Vec<T>, accounts: usize) -> Self {
        let mut sorted = Self { all, starts: Vec::new() };
        sorted.index(accounts);
        sorted
    }

    pub(super) fn push(&mut self, of: T) {
        self.starts.clear();
        self.all.push(of);
    }

    pub(super) fn extend(&mut self, more: impl IntoIterator<Item = T>) {
        self.starts.clear();
        self.all.extend(more);
    }

    /// Puts one behind the others of its account.
    pub(super) fn insert(&mut self, of: T) {
        self.starts.clear();
        let at = self.all.partition_point(|known| known.account() <= of.account());
        self.all.insert(at, of);
    }

    pub(super) fn sort_by_key<K: Ord>(&mut self, key: impl FnMut(&T) -> K) {
        self.starts.clear();
        self.all.sort_by_key(key);
    }

    /// Puts them in the order of accounts; of so many it is remembered where those of each begin.
    pub(super) fn sort(&mut self, accounts: usize) {
        self.all.par_sort_by_key(T::account);
        self.index(accounts);
    }

    fn index(&mut self, accounts: usize) {
        self.starts.clear();
        let Ok(last) = u32::try_from(self.all.len()) else { return };
        if accounts == 0 || last == 0 {
            return;
        }
        self.starts.reserve_exact(accounts.saturating_add(1));
        for (of, at) in self.all.iter().zip(0u32..) {
            let account = (of.account() as usize).min(accounts);
            if self.starts.len() <= account {
                self.starts.resize(account.saturating_add(1), at);
            }
        }
        self.starts.resize(accounts.saturating_add(1), last);
    }

    /// All of them.
    pub(super) fn all(&self) -> &[T] {
        &self.all
    }

    /// Those of an account.
    pub(super) fn of(&self, no: u32) -> &[T] {
        if self.all.is_empty() {
            return &[];
        }
        let at = |no: usize| self.starts.get(no).map(|at| *at as usize);
        let range = match (at(no as usize), at((no as usize).saturating_add(1))) {
            (Some(from), Some(to)) => from..to,
            (Some(_) | None, _) => {
                self.all.partition_point(|of| of.account() < no)..self.all.partition_point(|of| of.account() <= no)
            }
        };
        self.all.get(range).unwrap_or_default()
    }
}

/// Usage while it is added up.
pub(super) struct Sums {
    /// The first account of which there may be any.
    first: u32,
    /// Tiyn by recording and month, and in these by account.
    by_month: BTreeMap<(u32, Period), Vec<i64>>,
    /// By day, of accounts whose clients came back.
    by_day: Vec<Usage>,
}

impl Sums {
    /// Of one account, or of all.
    pub(super) fn new(only: Option<u32>) -> Self {
        Self { first: only.unwrap_or(0), by_month: BTreeMap::new(), by_day: Vec::new() }
    }

    pub(super) fn add(&mut self, account: u32, run: u32, month: Period, amount: i64) {
        let place = account.saturating_sub(self.first) as usize;
        let sums = self.by_month.entry((run, month)).or_default();
        if sums.len() <= place {
            sums.resize(place.saturating_add(1), 0);
        }
        if let Some(sum) = sums.get_mut(place) {
            *sum = sum.saturating_add(amount);
        }
    }

    pub(super) fn add_of_day(&mut self, used: Usage) {
        self.by_day.push(used);
    }

    /// What is not nothing, in its order.
    pub(super) fn finish(self) -> Vec<Usage> {
        let Self { first, by_month, mut by_day } = self;
        let accounts = by_month.values().map(Vec::len).max().unwrap_or(0);
        let chunks: Vec<usize> = (0..accounts).step_by(CHUNK).collect();
        let of_chunk = |from: usize| {
            let mut used = Vec::new();
            for (place, account) in (from..from.saturating_add(CHUNK).min(accounts)).zip(0u32..) {
                let start = u32::try_from(from).unwrap_or(u32::MAX);
                let account = first.saturating_add(start).saturating_add(account);
                for ((run, month), sums) in &by_month {
                    let amount = sums.get(place).copied().unwrap_or(0);
                    if amount != 0 {
                        used.push(Usage { account, run: *run, month: *month, on: month.first_day(), amount });
                    }
                }
            }
            used
        };
        let mut used: Vec<Usage> = chunks.into_par_iter().map(of_chunk).flatten().collect();
        if by_day.is_empty() {
            return used;
        }
        by_day.sort_unstable();
        for of in by_day {
            match used.last_mut() {
                Some(last) if same_day(last, &of) => last.amount = last.amount.saturating_add(of.amount),
                Some(_) | None => used.push(of),
            }
        }
        used.retain(|of| of.amount != 0);
        used.par_sort_unstable();
        used
    }
}

fn same_day(one: &Usage, other: &Usage) -> bool {
    (one.account, one.run, one.month, one.on) == (other.account, other.run, other.month, other.on)
}
