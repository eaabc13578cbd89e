//! Random lives over ten simulated years: whatever happens, in whatever order a day's events stand in the file.
//!
//! `ESEP_LIVES=N`: how many (2 000).

use super::story::day;
use esep::classify::{
    Due, Event, Facts, Happened, Life, Money, Move, OffCause, Outcome, Status, StatusFlag, SuspensionCause,
    TRANSITIONS, TerminationReason, Terms, classify,
};
use esep::units::{InstantMs, LocalDay, Tiyn};
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

    fn one_of<T: Clone>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.roll(of.len() as u64)).unwrap()].clone()
    }
}

#[derive(Clone, Debug)]
enum Act {
    Event(Event),
    Money(InstantMs, LocalDay, Money),
}

/// An event of a kind that a person might send, whether it fits or not; more often one that does.
fn happened(dice: &mut Dice, life: &Life, on: LocalDay) -> Happened {
    let facts = life.facts();
    let order: Box<str> = format!("N-{}", facts.removal_orders.len()).into();
    let known = facts.removal_orders.last().map_or("N-0".into(), |order| order.order.clone());
    let text = || Box::<str>::from("X-1");
    let credit = facts.money.credit.max(Tiyn::new(1));
    let fitting = match life.status() {
        Status::New | Status::Current => vec![
            Happened::ServicesOn,
            Happened::EquipmentInstalled,
            Happened::RefusalApplied { from: on.plus_days(i32::try_from(dice.roll(40)).unwrap()) },
            Happened::RemovalOrderOpened { order },
            Happened::RemovalOrderClosed { order: known },
            Happened::ContractTerminated(TerminationReason::Refusal),
            Happened::ContractTerminated(TerminationReason::Refusal),
            Happened::ContractTerminated(dice.one_of(TerminationReason::ALL)),
            Happened::Suspended(dice.one_of(SuspensionCause::ALL)),
            Happened::Resumed,
            Happened::AgreementMissed,
        ],
        Status::Overdue => vec![
            Happened::ServicesOff(OffCause::Debt),
            Happened::ServicesOff(OffCause::Debt),
            Happened::AgreementSigned,
            Happened::NoticeReceived,
            Happened::ServicesOn,
        ],
        Status::Disconnected => vec![
            Happened::NoticeReceived,
            Happened::RemovalOrderOpened { order },
            Happened::RemovalOrderClosed { order: known },
            Happened::ContractTerminated(TerminationReason::Debt),
            Happened::ContractTerminated(TerminationReason::Debt),
            Happened::AgreementSigned,
            Happened::ServicesOn,
        ],
        Status::Closed | Status::ClosedCredit | Status::ClosedDoubtfulCredit | Status::Archived => vec![
            Happened::Reapplied { receipt: dice.roll(2) == 0 },
            Happened::CreditMoveRequested { to: text(), amount: None },
            Happened::CreditMoved { to: text(), amount: credit },
            Happened::CreditRefunded { to: None, amount: Tiyn::new(1) },
            Happened::WrittenOff { protocol: text() },
            Happened::EquipmentDismantled,
        ],
        Status::ClosedDoubtful | Status::ClosedWrittenOff => vec![
            Happened::HopelessRecognised { protocol: text() },
            Happened::WrittenOff { protocol: text() },
            Happened::FraudFound { protocol: text() },
            Happened::FraudAdjusted { protocol: text() },
            Happened::ActAbsence { cost: None },
        ],
    };
    let any = [
        Happened::ContractSigned,
        Happened::ServicesOn,
        Happened::EquipmentDismantled,
        Happened::EquipmentNeverIssued,
        Happened::ServicesOff(dice.one_of(OffCause::ALL)),
        Happened::ActReturn { cost: None },
        Happened::AgreementSigned,
        Happened::ContractTerminated(dice.one_of(TerminationReason::ALL)),
        Happened::WrittenOff { protocol: text() },
        Happened::FraudAdjusted { protocol: text() },
        Happened::Reapplied { receipt: true },
        Happened::CreditRefunded { to: None, amount: credit },
        Happened::DisputeOpened { amount: credit },
        Happened::RiskNotified,
    ];
    if dice.roll(5) == 0 { dice.one_of(&any) } else { dice.one_of(&fitting) }
}

/// A whole procedure, as those who know the rules go through it.
fn procedure(life: &Life, on: LocalDay) -> Vec<Happened> {
    let order = || Box::<str>::from(format!("P-{}", life.facts().removal_orders.len()));
    let text = || Box::<str>::from("X-1");
    let remove = || [Happened::RemovalOrderOpened { order: order() }, Happened::RemovalOrderClosed { order: order() }];
    match life.status() {
        Status::New | Status::Current => [Happened::RefusalApplied { from: on }]
            .into_iter()
            .chain(remove())
            .chain([Happened::ContractTerminated(TerminationReason::Refusal)])
            .collect(),
        Status::Overdue => vec![Happened::ServicesOff(OffCause::Debt), Happened::NoticeReceived],
        Status::Disconnected => {
            remove().into_iter().chain([Happened::ContractTerminated(TerminationReason::Debt)]).collect()
        }
        Status::Closed => vec![Happened::EquipmentDismantled],
        Status::ClosedDoubtful => {
            vec![Happened::HopelessRecognised { protocol: text() }, Happened::WrittenOff { protocol: text() }]
        }
        Status::ClosedWrittenOff => {
            vec![Happened::FraudFound { protocol: text() }, Happened::FraudAdjusted { protocol: text() }]
        }
        Status::ClosedCredit => vec![
            Happened::CreditMoveRequested { to: text(), amount: None },
            Happened::CreditMoved { to: text(), amount: life.facts().money.credit },
        ],
        Status::ClosedDoubtfulCredit => vec![Happened::WrittenOff { protocol: text() }],
        Status::Archived => vec![],
    }
}

/// What the ledger might say next: a bill, a payment of all or a part, an advance.
fn next_money(dice: &mut Dice, life: &Life, on: LocalDay) -> Money {
    let mut money = life.facts().money.clone();
    let some = Tiyn::new(i64::try_from(dice.roll(500)).unwrap() + 1);
    match dice.roll(8) {
        0..=2 if !life.status().is_closed() => {
            let due = on.period().next().first_day().plus_days(24);
            money.owed.push(Due { on: due, amount: some });
        }
        3 if life.status() == Status::ClosedDoubtful => {
            let paid = money.off_balance > Tiyn::ZERO;
            (money.doubtful, money.off_balance) = (if paid { Tiyn::ZERO } else { money.doubtful }, some);
            money.hopeless_on_books = Tiyn::ZERO;
        }
        3 | 4 => money = Money::none(),
        5 => {
            money.owed.pop();
            money.credit = Tiyn::ZERO;
        }
        6 if money.owed.is_empty() && money.doubtful == Tiyn::ZERO && !life.status().is_closed() => money.credit = some,
        7 if !life.status().is_closed() && dice.roll(3) == 0 => money.penalty = some,
        _ => (money.penalty, money.off_balance) = (Tiyn::ZERO, money.off_balance),
    }
    money
}

/// Why the recorded status may differ from what the facts say.
fn explained(life: &Life, today: LocalDay) -> bool {
    let (facts, recorded) = (life.facts(), life.status());
    let classified = classify(facts, today);
    let off_for_debt = classified.status == Status::Disconnected;
    // Paid or agreed, and not yet restored; then, perhaps, overdue again.
    let waits = off_for_debt && (classified.has(StatusFlag::NotRestored) || recorded == Status::Overdue);
    // Overdue in the very month of the opening.
    let early = recorded == Status::New && classified.status != Status::New;
    // The check of the archive fails.
    let held_back = recorded == Status::Closed && classified.status == Status::Archived;
    // Money that moves no closed account: it is refunded or paid (0040).
    let late = facts.money.penalty > Tiyn::ZERO || facts.money.credit > Tiyn::ZERO;
    let rest = recorded == Status::Closed && classified.status.is_closed() && late;
    recorded == classified.status || waits && !recorded.is_closed() || early || held_back || rest
}

fn do_act(life: &mut Life, act: &Act, out: &mut Outcome) -> bool {
    let terms = Terms::SOURCE;
    match act {
        Act::Event(event) => life.event(&terms, event, event.on, out).is_ok(),
        Act::Money(at, on, money) => life.money(&terms, (*at, *on), money.clone(), *on, out).is_ok(),
    }
}

fn live_randomly(seed: u64) -> (Vec<Act>, Life, Vec<Move>) {
    let terms = Terms::SOURCE;
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let opened = day("2016-01-01").plus_days(i32::try_from(dice.roll(900)).unwrap());
    let (mut life, first) = Life::open(Facts::opened(opened));
    let mut out = Outcome { moves: vec![first], wishes: vec![] };
    let (mut on, mut acts) = (opened, Vec::new());
    while on < opened.plus_months(120) {
        let at = InstantMs(i64::from(on.0) * 86_400_000);
        let mut planned = if dice.roll(8) == 0 { procedure(&life, on) } else { vec![] };
        planned.reverse();
        for _ in 0..dice.roll(4).max(planned.len() as u64) {
            let act = if let Some(happened) = planned.pop() {
                Act::Event(Event { at, on, happened })
            } else if dice.roll(4) == 0 {
                Act::Money(at, on, next_money(&mut dice, &life, on))
            } else {
                Act::Event(Event { at, on, happened: happened(&mut dice, &life, on) })
            };
            let mut passed = life.clone();
            passed.catch_up(&terms, on, &mut Outcome::default());
            if do_act(&mut life, &act, &mut out) {
                acts.push(act.clone());
            } else {
                assert_eq!(life, passed, "seed {seed}: half applied: {act:?}");
            }
            assert!(explained(&life, on), "seed {seed}, {on}, {act:?}: {} but {:?}", life.status(), life);
        }
        // Mostly days, at times a month, at times more than a year; of what is closed nobody hears for years.
        let quiet = life.status().is_closed() && dice.roll(12) == 0;
        let days = if quiet { 1900 } else { dice.one_of(&[0, 1, 1, 2, 5, 9, 14, 31, 70, 400]) };
        on = on.plus_days(days);
        life.catch_up(&terms, on, &mut out);
        assert!(explained(&life, on), "seed {seed}, {on}: {} but {:?}", life.status(), life);
        if let Some(next) = life.next(&terms) {
            assert!(next.on > life.seen_to() && next.status != life.status(), "seed {seed}: {next:?}");
        }
        assert!(out.moves.windows(2).all(|m| m[1].from == Some(m[0].to) && m[0].on <= m[1].on), "seed {seed}");
    }
    (acts, life, out.moves)
}

fn lives() -> u64 {
    std::env::var("ESEP_LIVES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

#[test]
fn status_3_3_random_lives_of_ten_years_are_explained_each_day_and_replay_to_the_same_timeline() {
    let mut made: BTreeSet<(Option<Status>, Status, &str)> = BTreeSet::new();
    for seed in 0..lives() {
        let (acts, life, moves) = live_randomly(seed);
        made.extend(moves.iter().map(|m| (m.from, m.to, m.says)));
        // The same from the accepted acts alone, with a run every day.
        let (mut again, first) = Life::open(Facts::opened(life.facts().opened_on));
        let mut out = Outcome { moves: vec![first], wishes: vec![] };
        for act in &acts {
            let on = match act {
                Act::Event(event) => event.on,
                Act::Money(_, on, _) => *on,
            };
            while again.seen_to() < on {
                again.catch_up(&Terms::SOURCE, again.seen_to().plus_days(1), &mut out);
            }
            assert!(do_act(&mut again, act, &mut out), "seed {seed}: {act:?}");
        }
        again.catch_up(&Terms::SOURCE, life.seen_to(), &mut out);
        assert_eq!((&again, &out.moves), (&life, &moves), "seed {seed}");
    }
    let rare: Vec<_> = TRANSITIONS.iter().filter(|row| !made.contains(&(row.from, row.to, row.says))).collect();
    let told: Vec<_> = rare.iter().map(|row| format!("{:?} {} {}", row.from, row.to, row.says)).collect();
    assert!(told.is_empty() || lives() < 2_000, "no life made the moves {told:?}");
}

#[test]
fn interface_7_5_the_order_of_a_file_decides_nothing_on_a_day_without_times() {
    let (at, on) = (InstantMs(0), day("2026-04-15"));
    let text = || Box::<str>::from("N-1");
    let happened = [
        Happened::RemovalOrderOpened { order: text() },
        Happened::RemovalOrderClosed { order: text() },
        Happened::RefusalApplied { from: on },
        Happened::ActReturn { cost: None },
        Happened::ContractTerminated(TerminationReason::Refusal),
        Happened::CreditMoveRequested { to: text(), amount: None },
        Happened::CreditMoved { to: text(), amount: Tiyn::new(5) },
        Happened::Reapplied { receipt: false },
        Happened::ServicesOn,
    ];
    let mut dice = Dice(7);
    let mut told = BTreeSet::new();
    for _ in 0..200 {
        let mut events: Vec<Event> =
            happened.iter().map(|happened| Event { at, on, happened: happened.clone() }).collect();
        for place in (1..events.len()).rev() {
            events.swap(place, usize::try_from(dice.roll(place as u64 + 1)).unwrap());
        }
        Event::order(&mut events);
        let (mut life, _) = Life::open(Facts::opened(day("2026-01-10")));
        let (terms, mut out) = (Terms::SOURCE, Outcome::default());
        let money = Money { credit: Tiyn::new(5), ..Money::none() };
        life.money(&terms, (at, on), money, on, &mut out).unwrap();
        for event in &events {
            life.event(&terms, event, on, &mut out).unwrap_or_else(|refusal| panic!("{refusal}"));
        }
        told.insert(out.moves.iter().map(|m| format!("{} ", m.to)).collect::<String>());
    }
    assert_eq!(told.into_iter().collect::<Vec<_>>(), ["current closed_credit closed current "]);
}
