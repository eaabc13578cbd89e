//! Recording: once, whole, in any cut of time; postings, tasks, refusals; what cannot be is set aside.

use super::{ACCOUNTS, Base, EVENTS, PAYMENTS, at, day, timeline, verified};
use esep::book::LedgerAccount;
use esep::post::entry::{Entry, StatusMove, StatusRun};
use esep::post::{Store, encode};
use esep::store::{self, Journal, SqliteJournal};

const DEBTOR: &[&str] = &[
    "d1,D,2026-03-02,services_off,,,debt",
    "d2,D,2026-03-03,notice_received,,,",
    "d3,D,2026-04-02,removal_order_opened,,N-1,",
    "d4,D,2026-04-02,removal_order_closed,,N-1,",
    "d5,D,2026-04-02,contract_terminated,,,debt",
    "d6,D,2026-09-01,hopeless_recognised,,PR-1,",
    "d7,D,2026-09-15,written_off,,PR-1,",
    "c1,C,2026-03-10,refusal_applied,,2026-03-10,",
    "c2,C,2026-03-10,removal_order_opened,,N-2,",
    "c3,C,2026-03-10,removal_order_closed,,N-2,",
    "c4,C,2026-03-10,act_return,,,",
    "c5,C,2026-03-10,contract_terminated,,,refusal",
    "c6,C,2026-04-20,credit_move_requested,,E,",
    "c7,C,2026-04-25,credit_moved,40.00,E,",
    "c8,C,2026-05-05,credit_refunded,60.00,,",
];

fn base() -> Base {
    let base = Base::new();
    base.table(
        "accounts.csv",
        ACCOUNTS,
        &[
            "D,,,,,p,credit,regular,2025-03-01,2025-03-01,,,,2026-02-25,-500.00,",
            "C,,,,,p,credit,regular,2025-03-01,2025-03-01,,,,,100.00,",
            "E,,,,,p,credit,regular,2025-03-01,2025-03-01,,,,,0.00,",
        ],
    );
    base.table("events.csv", EVENTS, DEBTOR);
    base
}

fn ledger(store: &Store, id: &str) -> [String; 6] {
    let of = store.books.ledgers.account(store.account_no(id).unwrap());
    [of.balance(), of.receivable, of.doubtful, of.off_balance, of.credit, of.advance].map(|amount| amount.to_string())
}

fn operator(store: &Store, account: LedgerAccount) -> i128 {
    store.books.ledgers.of_operator().find(|(of, _)| *of == account).map_or(0, |(_, sum)| sum)
}

#[test]
fn money_2_5_each_step_posts_once_whatever_the_cut_of_time() {
    let mut said = Vec::new();
    for cut in [
        &["2031-12-31"][..],
        &["2026-03-31", "2026-04-30", "2026-05-31", "2026-12-31", "2031-12-31"],
        &["2026-04-02", "2026-04-02", "2026-09-14", "2026-09-15", "2031-09-14", "2031-09-15", "2031-12-31"],
    ] {
        let base = base();
        let mut store = base.store();
        base.ingest(&mut store);
        let (mut moves, mut tasks) = (0, 0);
        for as_of in cut {
            let run = store.record_statuses(day(as_of)).unwrap();
            moves += run.moves.len();
            tasks += run.tasks;
            let again = store.record_statuses(day(as_of)).unwrap();
            assert_eq!((again.moves.len(), again.postings, again.tasks), (0, 0, 0), "{as_of}");
            assert_eq!(store.books.ledgers.sum(), 0);
        }
        assert_eq!(ledger(&store, "D"), ["0.00"; 6].map(str::to_owned));
        assert_eq!(ledger(&store, "C"), ["0.00"; 6].map(str::to_owned));
        assert_eq!(ledger(&store, "E"), ["40.00", "0.00", "0.00", "0.00", "0.00", "40.00"].map(str::to_owned));
        assert_eq!(operator(&store, LedgerAccount::BadDebtExpense), 50_000);
        assert_eq!(operator(&store, LedgerAccount::OffBalanceTotal), 0);
        let times: Vec<_> = ["D", "C", "E"].iter().flat_map(|id| timeline(&at(&store, id, "2031-12-31"))).collect();
        drop(store);
        let found = base.clean();
        said.push((times, moves, tasks, found.state_hash));
    }
    let (times, moves, ..) = &said[0];
    assert_eq!(times.len(), *moves);
    assert!(said.iter().all(|of| (&of.0, of.1, of.2) == (&said[0].0, said[0].1, said[0].2)), "{said:#?}");
    assert_eq!(
        times[2..8],
        [
            "2026-02-26 current overdue PA-4.5",
            "2026-03-02 overdue disconnected PA-4.5",
            "2026-04-02 disconnected closed_doubtful PA-4.6",
            "2026-09-15 closed_doubtful closed_written_off PA-4.7",
            "2031-09-15 closed_written_off closed PA-4.8",
            "2031-10-16 closed archived PA-4.3",
        ]
    );
}

#[test]
fn money_2_1_a_written_off_debt_that_is_paid_is_recovered() {
    let base = base();
    let mut store = base.store();
    base.ingest(&mut store);
    store.record_statuses(day("2026-09-30")).unwrap();
    assert_eq!(ledger(&store, "D")[3], "500.00");
    base.table("payments.csv", PAYMENTS, &["p1,D,510.00,2026-10-02,bank"]);
    base.ingest(&mut store);
    assert_eq!(operator(&store, LedgerAccount::RecoveredBadDebt), -50_000);
    assert_eq!(ledger(&store, "D"), ["10.00", "0.00", "0.00", "0.00", "0.00", "10.00"].map(str::to_owned));
    store.record_statuses(day("2026-10-31")).unwrap();
    assert_eq!(timeline(&at(&store, "D", "2026-10-31")).last().unwrap(), "2026-10-02 closed_written_off closed PA-4.8");
    drop(store);
    base.clean();
}

#[test]
fn pa_4_4_an_archived_account_takes_no_payment_and_the_refusal_names_status_wish_and_rule() {
    // C is clear since 5 May: closed up to 4 June, archived from the 5th.
    for (on, refused) in [("2026-06-04", 0), ("2026-06-05", 1)] {
        let base = base();
        let mut store = base.store();
        base.ingest(&mut store);
        let paid = format!("p1,C,5.00,{on},bank");
        base.table("payments.csv", PAYMENTS, &[&paid, "p2,E,5.00,2026-06-05,bank"]);
        let (done, _) = base.ingest(&mut store);
        assert_eq!((done.payments, done.payments_refused), (2 - refused, refused), "{on}: {:?}", done.notes);
        if let Some(note) = done.notes.iter().find(|note| note.contains("p1")) {
            assert!(note.contains("archived: no take_payment") && note.contains("(PA-4.4)"), "{note}");
        }
    }
}

#[test]
fn pa_57_what_comes_behind_a_recording_counts_from_its_day_and_late_events_are_set_aside() {
    let base = base();
    base.table("events.csv", EVENTS, &[]);
    let mut store = base.store();
    base.ingest(&mut store);
    store.record_statuses(day("2026-03-31")).unwrap();
    assert_eq!(at(&store, "D", "2026-03-31").status.name(), "overdue");
    base.table("events.csv", EVENTS, &["e1,D,2026-03-30,services_off,,,debt", "e2,D,2026-03-31,services_off,,,debt"]);
    base.table("payments.csv", PAYMENTS, &["p1,D,500.00,2026-03-15,bank"]);
    let (done, _) = base.ingest(&mut store);
    assert!(done.notes.iter().any(|note| note.starts_with("events.csv:2: event e1") && note.contains("PA-57")));
    store.record_statuses(day("2026-04-30")).unwrap();
    // Paid on the 15th, known behind the 31st: the recorded past stays.
    assert_eq!(
        timeline(&at(&store, "D", "2026-04-30"))[2..],
        ["2026-02-26 current overdue PA-4.5", "2026-03-31 overdue current PA-4.5"]
    );
    let refused = at(&store, "D", "2026-04-30").refused;
    assert_eq!(refused.len(), 1, "{refused:?}");
    drop(store);
    base.clean();
}

#[test]
fn pa_57_the_register_tells_no_other_life_once_statuses_are_recorded() {
    let base = base();
    let mut store = base.store();
    base.ingest(&mut store);
    store.record_statuses(day("2026-03-31")).unwrap();
    base.table(
        "accounts.csv",
        ACCOUNTS,
        &["E,,\"N, M\",Abai 5,,p,credit,regular,2025-03-01,2025-03-01,2026-02-01,refusal,,,0.00,"],
    );
    let (done, _) = base.ingest(&mut store);
    let kept = |column: &str| done.notes.iter().any(|note| note.contains(&format!("account E: {column} is another")));
    assert!(kept("terminated_on") && kept("termination_reason") && !kept("address"), "{:?}", done.notes);
    assert_eq!(at(&store, "E", "2026-04-30").status.name(), "current");
    drop(store);
    base.clean();
    let row = std::fs::read_to_string(base.data().join("reference/accounts.csv")).unwrap();
    assert!(row.contains("E,,\"N, M\",Abai 5,,p,credit,regular,2025-03-01,2025-03-01,,,,,0.00,"), "{row}");
}

#[test]
fn interface_7_5_rows_that_cannot_be_are_set_aside_with_file_and_line_and_have_no_effect() {
    let base = base();
    base.table(
        "events.csv",
        EVENTS,
        &[
            "b1,D,2026-03-02,services_of,,,debt",
            "b2,NOBODY,2026-03-02,services_on,,,",
            "b3,D,2026-13-02,services_on,,,",
            "b4,D,2025-02-28,services_off,,,debt",
            "b5,D,2026-03-02,services_off,,,",
            "b6,D,2026-03-02,credit_moved,-1.00,E,",
            "b7,D,2026-03-02,written_off,,,",
            "b8,D,2026-03-02,refusal_applied,,soon,",
            "ok,D,2026-03-02,notice_received,,,",
            "ok,D,2026-03-02,notice_received,,,",
            "ok,D,2026-03-03,notice_received,,,",
            "t1,C,2026-03-10,contract_terminated,,,refusal",
        ],
    );
    base.table("payments.csv", PAYMENTS, &["p1,D,1.00,2025-02-28,bank"]);
    let mut store = base.store();
    let (_, told) = base.ingest(&mut store);
    for (line, why) in [
        (2, "kind `services_of` is not one of the list"),
        (3, "no account NOBODY"),
        (4, "neither a day nor an instant"),
        (5, "before the account was opened, 2025-03-01 (PA-8)"),
        (6, "services_off needs debt, suspension or termination in `note`"),
        (7, "credit_moved needs an amount above zero in `amount`"),
        (8, "written_off needs the commission's protocol in `reference`"),
        (9, "refusal_applied needs the day from which service is refused in `reference`"),
        (11, "counted once"),
        (12, "with other content; set aside"),
    ] {
        let place = format!("events.csv:{line}:");
        assert!(told.iter().any(|told| told.contains(&place) && told.contains(why)), "{line} {why}: {told:#?}");
    }
    assert!(told.iter().any(|told| told.contains("payments.csv:2:") && told.contains("before the account was opened")));
    assert_eq!(told.len(), 12, "{told:#?}");
    let debtor = at(&store, "D", "2026-03-31");
    // What is dated before the account is refused by its life alone.
    assert_eq!((debtor.status.name(), debtor.refused.len()), ("overdue", 1));
    assert_eq!(debtor.refused[0].0, "b4");
    // What only the life can judge is refused by it, with status, wish and rule.
    let refused = at(&store, "C", "2026-03-31").refused;
    assert_eq!(refused[0].2.to_string().split(": ").take(2).collect::<Vec<_>>(), ["current", "no contract_terminated"]);
    // The same folder again tells the same, and changes nothing.
    let before = store.entries();
    base.ingest(&mut store);
    assert_eq!(store.entries(), before);
}

#[test]
fn interface_7_6_verify_finds_statuses_that_are_not_the_fold() {
    let base = base();
    let mut store = base.store();
    base.ingest(&mut store);
    store.record_statuses(day("2026-03-31")).unwrap();
    drop(store);
    base.clean();
    // A move that nothing asks for, written as if it had been recorded.
    let moves = vec![StatusMove { account: 2, on: day("2026-04-01").0, from: Some(1), to: 2, rule: 7 }];
    let run = StatusRun { as_of: day("2026-04-30").0, moves, ..StatusRun::default() };
    let money = encode(&Entry::Status(Box::new(run))).unwrap().into();
    let mut journal = super::held(|| SqliteJournal::open(base.data(), "test"));
    journal.append(&[store::Entry { schema: 1, money, ..store::Entry::default() }]).unwrap();
    drop(journal);
    let found = verified(&base.data());
    assert!(found.violations.iter().any(|told| told.contains("statuses of account E")), "{:?}", found.violations);
}

#[test]
fn pa_51_signs_of_fraud_and_pa_57_the_control_list() {
    let base = Base::new();
    let row = |id: &str, address: &str, opened: &str, debt: &str| {
        format!("{id},000000010078,N,{address},T,p,credit,regular,{opened},,,,,2026-02-25,{debt},")
    };
    base.table(
        "accounts.csv",
        ACCOUNTS,
        &[
            &row("A", "Abai 1", "2025-03-01", "-5.00"),
            &row("B", "Abai 1", "2026-03-05", "0.00"),
            &row("C", "Abai 2", "2025-03-01", "0.00"),
            "X,,,,,p,credit,regular,2025-03-01,,,,2026-01-05,,0.00,",
        ],
    );
    let mut store = base.store();
    base.ingest(&mut store);
    let run = store.record_statuses(day("2026-03-31")).unwrap();
    let of = |id: &str| run.control.iter().find(|row| row.account_id == id);
    let findings = of("B").unwrap().findings.join(" ");
    for rule in ["PA-51.3", "PA-51.6"] {
        assert!(findings.contains(rule), "{rule}: {findings}");
    }
    assert!(of("C").is_none());
    // Switched off, and nothing owed: services that the status does not explain.
    let off = of("X").unwrap().control.unwrap();
    assert_eq!((off.recorded.name(), off.contradictions.is_empty()), ("current", false));
}
