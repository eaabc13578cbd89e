//! Lives told line by line: a day, what happens, and what is expected of it.
//!
//! * `2026-03-10 contract_signed`, `… services_off note=debt`, `… credit_moved ref=A-2 amount=5.00`: an event
//! * `… services_on !PA-4.6`: the same, refused by that rule
//! * `… money owed=2026-03-25:100.00 credit=5.00`: the ledger's money from that day on, all of it
//! * `… is current next=overdue@2026-03-26`: the day comes; status, and what comes next (`next=-`: nothing)
//! * `… wish post:write_off:5.00`, `… wish do:restore_service`: was asked for on that day

use esep::classify::{Columns, Due, Effect, Event, Facts, Happened, Life, Money, Move, Outcome, Terms};
use esep::record::EventKind;
use esep::units::{LocalDay, Tiyn, Zone};

pub(crate) fn day(text: &str) -> LocalDay {
    LocalDay::parse(text).unwrap_or_else(|_| panic!("no day: {text}"))
}

pub(crate) fn tenge(text: &str) -> Tiyn {
    Tiyn::parse(text).unwrap_or_else(|_| panic!("no amount: {text}"))
}

/// `owed=2026-03-25:100.00 credit=5.00`; nothing that is not named.
pub(crate) fn money(text: &str) -> Money {
    let mut money = Money::none();
    for word in text.split_whitespace() {
        let (kind, amount) = word.split_once('=').unwrap_or_else(|| panic!("no money: {word}"));
        match kind {
            "owed" => {
                let (on, amount) = amount.split_once(':').unwrap();
                money.owed.push(Due { on: day(on), amount: tenge(amount) });
            }
            "rescheduled" => money.rescheduled = tenge(amount),
            "doubtful" => money.doubtful = tenge(amount),
            "hopeless" => money.hopeless_on_books = tenge(amount),
            "off_balance" => money.off_balance = tenge(amount),
            "penalty" => money.penalty = tenge(amount),
            "credit" => money.credit = tenge(amount),
            _ => panic!("no money: {word}"),
        }
    }
    money
}

pub(crate) fn event(zone: &Zone, on: &str, kind: &str, words: &[&str]) -> Event {
    let mut columns = Columns::default();
    for word in words {
        match word.split_once('=') {
            Some(("ref", text)) => columns.reference = text,
            Some(("note", text)) => columns.note = text,
            Some(("amount", text)) => columns.amount = text,
            _ => panic!("no column: {word}"),
        }
    }
    let kind = EventKind::parse(kind.as_bytes()).unwrap_or_else(|| panic!("no kind: {kind}"));
    let happened = Happened::read(kind, columns).unwrap_or_else(|error| panic!("{error}"));
    Event { at: zone.start_of_day(day(on)), on: day(on), happened }
}

/// Lives a story that begins with `DAY open`, and checks it. Gives the life and its moves.
pub(crate) fn live(text: &str) -> (Life, Vec<Move>) {
    let zone = Zone::parse("Asia/Almaty").unwrap();
    let terms = Terms::SOURCE;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let opened = lines.next().and_then(|line| line.strip_suffix(" open")).expect("`DAY open` first");
    let (mut life, first) = Life::open(Facts::opened(day(opened)));
    let mut out = Outcome { moves: vec![first], wishes: vec![] };
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (on, verb, rest) = (words[0], words[1], &words[2..]);
        let before = life.clone();
        let (rest, refused_by) = match rest.split_last() {
            Some((last, rest)) if last.starts_with('!') => (rest, Some(&last[1..])),
            _ => (rest, None),
        };
        let result = match verb {
            "is" => {
                life.catch_up(&terms, day(on), &mut out);
                assert_eq!(life.status().name(), rest[0], "{line}");
                if let Some(next) = rest.get(1) {
                    let told = life.next(&terms).map_or("next=-".into(), |n| format!("next={}@{}", n.status, n.on));
                    assert_eq!(told, *next, "{line}");
                }
                Ok(())
            }
            "wish" => {
                let told = |effect: &Effect| match effect {
                    Effect::Post(posting, amount) => format!("post:{posting}:{amount}"),
                    Effect::Do(task, _) => format!("do:{task}"),
                };
                let wishes: Vec<_> =
                    out.wishes.iter().filter(|wish| wish.on == day(on)).map(|wish| told(&wish.effect)).collect();
                assert!(wishes.iter().any(|wish| wish == rest[0]), "{line}: {wishes:?}");
                Ok(())
            }
            "money" => {
                let at = (zone.start_of_day(day(on)), day(on));
                life.money(&terms, at, money(&rest.join(" ")), day(on), &mut out)
            }
            kind => life.event(&terms, &event(&zone, on, kind, rest), day(on), &mut out),
        };
        match (result, refused_by) {
            (Ok(()), None) => {}
            (Err(refusal), Some(rule)) => {
                assert_eq!(refusal.rule.id(), rule, "{line}: {refusal}");
                // Nothing is half applied: what may have changed is what the day itself brought.
                let mut passed = before;
                passed.catch_up(&terms, life.seen_to(), &mut Outcome::default());
                assert_eq!(life, passed, "{line}");
            }
            (Ok(()), Some(_)) => panic!("{line}: was not refused, {}", life.status()),
            (Err(refusal), None) => panic!("{line}: {refusal}"),
        }
    }
    for pair in out.moves.windows(2) {
        assert_eq!(Some(pair[0].to), pair[1].from, "a timeline without a gap");
        assert!(pair[0].on <= pair[1].on, "a timeline in order");
    }
    assert_eq!(out.moves.last().map(|last| (last.to, last.on)), Some((life.status(), life.since())));
    (life, out.moves)
}

/// `2026-03-10 – new; 2026-04-01 new current PA-4.1; …`
pub(crate) fn timeline(moves: &[Move]) -> Vec<String> {
    let from = |from: Option<esep::classify::Status>| from.map_or("–", |status| status.name());
    moves.iter().map(|m| format!("{} {} {} {}", m.on, from(m.from), m.to, m.rule)).collect()
}
