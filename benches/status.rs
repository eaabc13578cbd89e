//! A monthly pass over the statuses of a million accounts, on two threads: every account gets the month's bill, makes
//! the moves whose day has come, is classified, compared with what is recorded, and asked what comes next.

#![allow(clippy::arithmetic_side_effects, clippy::expect_used, reason = "a bench that cannot go on says why and stops")]

use criterion::{Criterion, Throughput};
use esep::classify::{Due, Event, Facts, Happened, Life, Money, OffCause, Outcome, Terms, classify};
use esep::units::{InstantMs, LocalDay, Period, Tiyn};
use rayon::prelude::*;

/// Accounts of the base.
const ACCOUNTS: i32 = 1_000_000;
/// Accounts that one thread takes at a time.
const CHUNK: usize = 8_192;

fn main() {
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("two threads");
    let start = LocalDay::from_ymd(2026, 1, 1).expect("a day");
    let mut lives = base(start);
    let mut period = start.period();
    let mut group = criterion.benchmark_group("status");
    group.sample_size(10).throughput(Throughput::Elements(u64::from(ACCOUNTS.unsigned_abs())));
    group.bench_function("monthly pass, 1 000 000 accounts, two threads", |bencher| {
        bencher.iter(|| {
            let seen = threads.install(|| pass(&mut lives, period));
            period = period.next();
            seen
        });
    });
    group.finish();
    criterion.final_summary();
}

/// Accounts of ten years; every eighth is overdue, every sixteenth disconnected.
fn base(start: LocalDay) -> Vec<Life> {
    let terms = Terms::SOURCE;
    let one = |no: i32| {
        let mut facts = Facts::imported(start.plus_days(-(no % 3_650) - 40));
        (facts.crm_on, facts.billing_on, facts.connected_on) = (Some(true), Some(true), Some(facts.opened_on));
        if no % 8 == 0 {
            facts.money = bill(start.plus_days(-30), 4_200);
        }
        let mut life = Life::imported(&terms, facts, start);
        if no % 16 == 0 {
            let off = Happened::ServicesOff(OffCause::Debt);
            let event = Event { at: InstantMs(0), on: start, happened: off };
            life.event(&terms, &event, start, &mut Outcome::default()).expect("an overdue account is switched off");
        }
        life
    };
    (0..ACCOUNTS).map(one).collect()
}

fn bill(on: LocalDay, tiyn: i64) -> Money {
    Money { owed: [Due { on, amount: Tiyn::new(tiyn) }].into_iter().collect(), ..Money::none() }
}

/// Moves made, and accounts whose recorded status is not the one that the facts give.
fn pass(lives: &mut [Life], period: Period) -> (usize, usize) {
    let terms = Terms::SOURCE;
    let (first, last) = (period.first_day(), period.next().first_day().plus_days(-1));
    let due = first.plus_days(24);
    let of_chunk = |chunk: &mut [Life]| {
        let (mut out, mut mismatched, mut known) = (Outcome::default(), 0, 0);
        for (no, life) in chunk.iter_mut().enumerate() {
            // Every fourth pays late.
            let money = if no % 4 == 0 { bill(due, 150_000) } else { Money::none() };
            life.money(&terms, (InstantMs(0), first), money, last, &mut out).expect("a bill is taken in");
            life.catch_up(&terms, last, &mut out);
            mismatched += usize::from(classify(life.facts(), last).status != life.status());
            known += usize::from(life.next(&terms).is_some());
        }
        (out.moves.len() + known, mismatched)
    };
    lives.par_chunks_mut(CHUNK).map(of_chunk).reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
}
