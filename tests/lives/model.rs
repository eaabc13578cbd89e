//! Random lives over ten simulated years through the books: the same events, payments and calls in one folder, and in
//! windows of time that are recorded one after the other, say the same; each day says what the timelines say of it.
//!
//! `ESEP_LIVES=N`: how many (1 500).

use super::{ACCOUNTS, Base, EVENTS, PAYMENTS, at, day, timeline};
use esep::classify::{Status, TRANSITIONS};
use esep::post::{MovedAccount, Store};
use esep::units::LocalDay;
use std::collections::BTreeSet;

/// xorshift64*.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }

    fn days(&mut self, most: u64) -> i32 {
        i32::try_from(self.roll(most)).unwrap()
    }

    fn shuffle<T>(&mut self, of: &mut [T]) {
        for place in (1..of.len()).rev() {
            of.swap(place, usize::try_from(self.roll(place as u64 + 1)).unwrap());
        }
    }
}

/// What happens in a world: a day, and a row without its id.
#[derive(Default)]
struct World {
    accounts: Vec<String>,
    lines: Vec<String>,
    events: Vec<(LocalDay, String)>,
    payments: Vec<(LocalDay, String)>,
    calls: Vec<(LocalDay, String)>,
}

fn id(no: u64) -> String {
    format!("L{no:05}")
}

impl World {
    fn event(&mut self, no: u64, on: LocalDay, kind: &str, amount: &str, reference: &str, note: &str) {
        let event = format!("e{},{},{on},{kind},{amount},{reference},{note}", self.events.len(), id(no));
        self.events.push((on, event));
    }

    fn pay(&mut self, no: u64, on: LocalDay, amount: u64) {
        let payment = format!("p{},{},{amount}.00,{on}T12:00:00+05:00,bank", self.payments.len(), id(no));
        self.payments.push((on, payment));
    }

    fn remove(&mut self, no: u64, on: LocalDay, reason: &str) {
        let order = format!("N-{}", self.events.len());
        self.event(no, on, "removal_order_opened", "", &order, "");
        self.event(no, on, "removal_order_closed", "", &order, "");
        self.event(no, on, "contract_terminated", "", "", reason);
    }

    fn debt_story(&mut self, dice: &mut Dice, no: u64, on: LocalDay) {
        self.event(no, on, "services_off", "", "", "debt");
        let end = on.plus_days(30 + dice.days(10));
        match dice.roll(5) {
            0 => return self.event(no, on.plus_days(4), "agreement_signed", "", "", ""),
            1 => return self.pay(no, on.plus_days(2), 2_000),
            _ => {}
        }
        self.event(no, on, "notice_received", "", "", "");
        self.remove(no, end, "debt");
        self.event(no, end, "act_absence", "", "", "");
        match dice.roll(4) {
            0 => return self.pay(no, end.plus_days(50), 2_000),
            1 => {
                self.event(no, end.plus_days(60), "fraud_found", "", "F-1", "");
                return self.event(no, end.plus_days(61), "fraud_adjusted", "", "F-1", "");
            }
            _ => {}
        }
        self.event(no, end.plus_days(100), "hopeless_recognised", "", "H-1", "");
        self.event(no, end.plus_days(110), "written_off", "", "H-1", "");
        match dice.roll(5) {
            0 => self.pay(no, end.plus_days(400), 2_000),
            1 => {
                self.event(no, end.plus_days(300), "fraud_found", "", "F-2", "");
                self.event(no, end.plus_days(301), "fraud_adjusted", "", "F-2", "");
            }
            _ => {}
        }
    }

    fn refusal_story(&mut self, dice: &mut Dice, no: u64, on: LocalDay) {
        let credit = dice.roll(2) == 0;
        // What is owed is paid; at times there is more.
        self.pay(no, on.plus_days(-1), if credit { 3_000 } else { 40 });
        let reason =
            ["refusal", "refusal", "refusal", "segment", "owner_change"][usize::try_from(dice.roll(5)).unwrap()];
        self.event(no, on, "refusal_applied", "", &on.to_string(), "");
        self.remove(no, on, reason);
        let later = on.plus_days(dice.days(500));
        match dice.roll(6) {
            0 => self.event(no, on.plus_days(dice.days(35)), "reapplied", "", "", "receipt"),
            1 => {
                self.event(no, later, "credit_move_requested", "", "card 1", "");
                self.event(no, later.plus_days(1), "credit_moved", "2960.00", "card 1", "");
            }
            2 => self.event(no, later, "credit_refunded", "2000.00", "", ""),
            3 => self.event(no, on.plus_days(1_200), "written_off", "", "W-1", ""),
            _ => {}
        }
    }

    fn live(&mut self, dice: &mut Dice, no: u64) {
        let opened = day("2016-01-01").plus_days(dice.days(700));
        let balance = ["0.00", "0.00", "-40.00", "60.00"][usize::try_from(dice.roll(4)).unwrap()];
        self.accounts.push(format!("{},,,,,p,credit,regular,{opened},{opened},,,,,{balance},", id(no)));
        self.lines.push(format!("7701{no:07},{},2010-01-01,", id(no)));
        let mut on = opened;
        let end = day("2025-12-31");
        while on < end.plus_days(-600) {
            on = on.plus_days(20 + dice.days(400));
            match dice.roll(8) {
                0 | 1 => self.debt_story(dice, no, on),
                2 => self.refusal_story(dice, no, on),
                3 => self.pay(no, on, 5 + dice.roll(100)),
                4 => {
                    let kind = ["services_on", "resumed", "agreement_missed", "equipment_dismantled", "reapplied"];
                    let kind = kind[usize::try_from(dice.roll(5)).unwrap()];
                    self.event(no, on, kind, "", "", "");
                }
                _ => {
                    let at = format!("{on}T10:00:00+05:00");
                    let release = format!("{on}T10:0{}:00+05:00", 1 + dice.roll(9));
                    let call =
                        format!("c{},voice,7701{no:07},77270000001,{at},{at},{release},q850:16", self.calls.len());
                    self.calls.push((on, call));
                }
            }
        }
    }

    /// Writes what happened behind a day up to another, in an order that means nothing.
    fn write(&self, dice: &mut Dice, base: &Base, name: &str, from: LocalDay, to: LocalDay) {
        let mut of = |all: &[(LocalDay, String)]| {
            let mut rows: Vec<String> =
                all.iter().filter(|(on, _)| from < *on && *on <= to).map(|(_, row)| row.clone()).collect();
            dice.shuffle(&mut rows);
            rows
        };
        let (events, payments, calls) = (of(&self.events), of(&self.payments), of(&self.calls));
        let table = |name: &str, header: &str, rows: &[String]| {
            base.table(name, header, &rows.iter().map(String::as_str).collect::<Vec<_>>());
        };
        table("accounts.csv", ACCOUNTS, &self.accounts);
        table("lines.csv", "line,account_id,valid_from,valid_to", &self.lines);
        table("events.csv", EVENTS, &events);
        table("payments.csv", PAYMENTS, &payments);
        table(&format!("feeds/{name}.csv"), super::CALLS, &calls);
    }
}

fn lives() -> u64 {
    std::env::var("ESEP_LIVES").ok().and_then(|text| text.parse().ok()).unwrap_or(1_500)
}

const LAST: &str = "2025-12-31";

/// Recorded moves behind those of their accounts.
fn add(timelines: &mut [Vec<String>], moves: &[MovedAccount]) {
    for of in moves {
        let no: usize = of.account_id[1..].parse().unwrap();
        let from = of.from.map_or("-", |status| status.name());
        timelines[no].push(format!("{} {from} {} {}", of.on, of.to, of.rule));
    }
}

/// Accounts by status on a day, as timelines say.
fn counts_on(timelines: &[Vec<String>], on: LocalDay) -> [u64; 10] {
    let mut counts = [0; 10];
    for timeline in timelines {
        let moves = timeline.iter().map(|of| of.split(' ').collect::<Vec<_>>()).take_while(|of| day(of[0]) <= on);
        if let Some(last) = moves.last() {
            counts[Status::parse(last[2].as_bytes()).unwrap() as usize] += 1;
        }
    }
    counts
}

/// The first account of which the windows say something else: what happened to it.
fn explain(world: &World, windows: &Store, derived: &[Vec<String>], to: LocalDay) {
    for (no, all) in (0u64..).zip(derived) {
        let until: Vec<&String> = all.iter().filter(|of| day(&of[..10]) <= to).collect();
        let Some(status) = windows.status_of(&id(no), Some(to)).unwrap() else { continue };
        let recorded = timeline(&status);
        if recorded.iter().collect::<Vec<_>>() != until {
            let rows = [&world.events, &world.payments, &world.calls].map(|rows| {
                let of = rows.iter().filter(|(_, row)| row.contains(&id(no)) || row.contains(&format!("7701{no:07}")));
                of.map(|(_, row)| row.as_str()).collect::<Vec<_>>()
            });
            panic!("{to}, account {no}: {recorded:#?}, not {until:#?}: {rows:#?} {:#?}", world.accounts[no as usize]);
        }
    }
    panic!("{to}: the counts differ, the timelines do not");
}

#[test]
fn status_3_3_ten_years_say_the_same_in_one_folder_and_in_recorded_windows_on_every_day() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut world = World::default();
    for no in 0..lives() {
        world.live(&mut dice, no);
    }
    // All at once.
    let once = Base::new();
    world.write(&mut dice, &once, "all", day("2000-01-01"), day(LAST));
    let mut all = once.store();
    once.ingest(&mut all);
    let accounts = usize::try_from(lives()).unwrap();
    let mut derived = vec![Vec::new(); accounts];
    add(&mut derived, &all.record_statuses(day(LAST)).unwrap().moves);
    // In windows, each recorded at its end.
    let cut = Base::new();
    let mut windows = cut.store();
    let mut recorded = vec![Vec::new(); accounts];
    let (mut from, mut made) = (day("2000-01-01"), 0);
    while from < day(LAST) {
        let to = from.plus_days(if made == 0 { 6_000 } else { 30 + dice.days(700) }).min(day(LAST));
        world.write(&mut dice, &cut, &format!("w{made}"), from, to);
        cut.ingest(&mut windows);
        let run = windows.record_statuses(to).unwrap();
        add(&mut recorded, &run.moves);
        assert_eq!(windows.books.ledgers.sum(), 0);
        if run.counts != counts_on(&derived, to) {
            explain(&world, &windows, &derived, to);
        }
        let later = windows.record_statuses(to).unwrap();
        assert!(later.moves.is_empty() && later.postings == 0, "{to}");
        (from, made) = (to, made + 1);
    }
    for (no, (one, other)) in derived.iter().zip(&recorded).enumerate() {
        assert_eq!(one, other, "account {no}");
        // What is asked of one account is what is recorded of all.
        if no % 50 == 0 {
            assert_eq!(*one, timeline(&at(&windows, &id(no as u64), LAST)), "account {no}");
        }
    }
    // Each timeline is whole: no gap, in order, by moves of the table alone.
    let mut seen = BTreeSet::new();
    for moves in &derived {
        let moves: Vec<Vec<&str>> = moves.iter().map(|of| of.split(' ').collect()).collect();
        assert_eq!((moves[0][1], moves[0][2]), ("-", "new"));
        for pair in moves.windows(2) {
            assert!(pair[0][2] == pair[1][1] && pair[0][0] <= pair[1][0], "{pair:?}");
        }
        for of in &moves {
            let row = TRANSITIONS.iter().find(|row| {
                row.from.map_or("-", |from| from.name()) == of[1] && row.to.name() == of[2] && row.rule.id() == of[3]
            });
            seen.insert(row.unwrap_or_else(|| panic!("no move {of:?}")).says);
        }
    }
    assert!(seen.len() >= 18 || lives() < 1_500, "only these moves were made: {seen:#?}");
    // Any day, among them both sides of every month's end and of the 25th.
    for month in (0..120).step_by(7) {
        let first = day("2016-01-01").plus_months(month);
        for days in [-1, 0, 24, 25] {
            let on = first.plus_days(days);
            assert_eq!(all.statuses(on).unwrap().counts, counts_on(&derived, on), "{on}");
        }
    }
    drop((all, windows));
    once.clean();
    cut.clean();
}
