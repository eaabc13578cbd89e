//! What a status forbids, at each door where it can happen: usage, orders, payments, ways back. Fees and payer links have
//! no door (docs/decisions/0045-doors.md).
//!
//! Source: status 3.4.

use super::{ACCOUNTS, Base, EVENTS, PAYMENTS, at, day, ingest, timeline};
use esep::folder::Folder;
use esep::post::{HOT_KEYS_MAX, Ingest, Recycled, Store};
use std::sync::atomic::{AtomicBool, AtomicU64};

fn account(id: &str, more: &str) -> String {
    format!("{id},,,,,p,credit,regular,2025-03-01,2025-03-01,{more}")
}

/// A call of one minute on a day, of the account A.
fn charged(base: &Base, days: &[&str]) -> Vec<bool> {
    let calls: Vec<(String, &str)> = days.iter().enumerate().map(|(nth, on)| (format!("r{nth}"), *on)).collect();
    let calls: Vec<(&str, &str, u32)> = calls.iter().map(|(id, on)| (id.as_str(), *on, 1)).collect();
    base.calls("mar", &calls);
    let mut store = base.store();
    base.ingest(&mut store);
    let rated = |nth: usize| {
        let id = format!("feeds/r{nth}");
        store.account("A", None, &store.zone().unwrap()).unwrap().unwrap().movements.iter().any(|moved| {
            matches!(&moved.what, esep::post::Movement::Charge(line)
                if format!("{}/{}", line.source, String::from_utf8_lossy(&line.record_id)) == id)
        })
    };
    (0..days.len()).map(rated).collect()
}

#[test]
fn status_3_4_usage_is_charged_again_once_services_are_on_again_whoever_said_that_they_were_off() {
    for (columns, events, on_again) in [
        // The register says that services are off, an event that they are on again.
        (",,2026-03-02,2026-02-25,-500.00,", &["a1,A,2026-03-11,services_on,,,"][..], true),
        // What it says counts behind the events of its day.
        (",,2026-03-02,2026-02-25,-500.00,", &["a1,A,2026-03-02T12:00:00+05:00,services_on,,,"], false),
        (",,2026-03-02,,0.00,", &[], false),
        // It says that the contract ended, and the client came back.
        ("2026-03-02,refusal,,,0.00,", &["a1,A,2026-03-10,reapplied,,,", "a2,A,2026-03-11,services_on,,,"], true),
        ("2026-03-02,refusal,,,0.00,", &["a2,A,2026-03-11,services_on,,,"], false),
    ] {
        let base = Base::new();
        base.table("accounts.csv", ACCOUNTS, &[&account("A", columns)]);
        base.table("events.csv", EVENTS, events);
        base.table("payments.csv", PAYMENTS, &["p1,A,500.00,2026-03-09,bank"]);
        let rated = charged(&base, &["2026-03-01", "2026-03-02", "2026-03-10", "2026-03-11"]);
        assert_eq!(rated, [true, false, false, on_again], "{columns} {events:?}");
        base.clean();
    }
}

#[test]
fn pa_19_usage_from_the_removal_on_is_not_charged_though_the_contract_holds() {
    let base = Base::new();
    base.table("accounts.csv", ACCOUNTS, &[&account("A", ",,,,0.00,")]);
    base.table(
        "events.csv",
        EVENTS,
        &[
            // Of an order that nobody opened.
            "a1,A,2026-03-03,removal_order_closed,,N-0,",
            "a2,A,2026-03-04,removal_order_opened,,N-1,",
            "a3,A,2026-03-06,removal_order_closed,,N-1,",
            "a4,A,2026-03-20,services_on,,,",
        ],
    );
    let rated = charged(&base, &["2026-03-03", "2026-03-05", "2026-03-06", "2026-03-19", "2026-03-20"]);
    assert_eq!(rated, [true, true, false, false, true]);
    let store = base.store();
    for (on, crm_on) in [("2026-03-05", "true"), ("2026-03-06", "false"), ("2026-03-20", "true")] {
        let facts = at(&store, "A", on).facts;
        let told = facts.iter().find(|(name, _)| *name == "crm_on").map_or("true", |(_, told)| told.as_str());
        assert_eq!(told, crm_on, "{on}");
    }
}

#[test]
fn pa_4_3_usage_behind_an_end_that_is_refused_waits_and_is_rated_once_it_is_mended() {
    let base = Base::new();
    base.table("accounts.csv", ACCOUNTS, &[&account("A", ",,,,0.00,")]);
    let ended = "t1,A,2026-03-05,contract_terminated,,,refusal";
    base.table("events.csv", EVENTS, &[ended]);
    assert_eq!(charged(&base, &["2026-03-04", "2026-03-06"]), [true, false]);
    let mut store = base.store();
    let refused = at(&store, "A", "2026-03-31").refused;
    assert_eq!((refused.len(), refused[0].2.rule.id()), (1, "PA-4.3"));
    base.table("events.csv", EVENTS, &[ended, "t2,A,2026-03-05,reapplied,,,", "t3,A,2026-03-05,services_on,,,"]);
    base.ingest(&mut store);
    assert_eq!(recycle(&mut store).rated, 1);
    assert_eq!(at(&store, "A", "2026-03-31").status.name(), "current");
    drop(store);
    base.clean();
}

fn credit(base: &Base) {
    base.table(
        "accounts.csv",
        ACCOUNTS,
        &[
            &account("C", ",,,,100.00,"),
            "Z,,,,,p,credit,regular,2015-03-01,2015-03-01,2020-01-01,refusal,,,0.00,",
            &account("E", ",,,,0.00,"),
        ],
    );
    let gone = |id: u32, what: &str| format!("c{id},C,2026-03-05,{what}");
    base.table(
        "events.csv",
        EVENTS,
        &[
            &gone(1, "refusal_applied,,2026-03-05,"),
            &gone(2, "removal_order_opened,,N-1,"),
            &gone(3, "removal_order_closed,,N-1,"),
            &gone(4, "act_return,,,"),
            &gone(5, "contract_terminated,,,refusal"),
            "c6,C,2026-03-06,credit_move_requested,,Z,",
            "c7,C,2026-03-07,credit_moved,40.00,Z,",
            "c8,C,2026-03-08,credit_moved,60.00,E,",
        ],
    );
}

fn recycle(store: &mut Store) -> Recycled {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let (progress, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let how = Ingest { threads: &threads, progress: &progress, stop: &stop, hot_keys: HOT_KEYS_MAX };
    store.recycle(None::<Folder>, &how).unwrap()
}

#[test]
fn pa_4_4_a_credit_balance_that_is_to_go_to_an_archived_account_is_held() {
    let base = Base::new();
    credit(&base);
    let mut store = base.store();
    base.ingest(&mut store);
    let run = store.record_statuses(day("2026-03-31")).unwrap();
    let [note] = run.notes.as_slice() else { panic!("{:?}", run.notes) };
    assert!(note.contains("account Z: archived: no take_payment") && note.contains("(PA-4.4)"), "{note}");
    let balance =
        |store: &Store, id: &str| store.books.ledgers.account(store.account_no(id).unwrap()).balance().to_string();
    assert_eq!(["C", "Z", "E"].map(|id| balance(&store, id)), ["0.00", "0.00", "60.00"]);
    assert_eq!(store.books.unidentified.values().map(|held| held.amount).collect::<Vec<_>>(), [4_000]);
    // It stays held, and that is told each time.
    let again = recycle(&mut store);
    assert_eq!((again.identified, again.notes.len(), balance(&store, "Z").as_str()), (0, 1, "0.00"));
    assert_eq!(store.books.ledgers.sum(), 0);
    drop(store);
    base.clean();
}

#[test]
fn money_2_3_a_held_payment_pays_what_any_other_does() {
    let base = Base::new();
    base.table("accounts.csv", ACCOUNTS, &[&account("A", ",,,,0.00,")]);
    base.table("payments.csv", PAYMENTS, &["p1,D,130.00,2026-03-09,bank"]);
    let mut store = base.store();
    base.ingest(&mut store);
    assert_eq!(store.books.unidentified.len(), 1);
    let header = format!("{ACCOUNTS},doubtful,off_balance,penalty");
    let row = "D,,,,,p,credit,regular,2015-03-01,2015-03-01,2024-05-01,debt,,,0.00,,100.00,20.00,5.00";
    base.table("accounts.csv", &header, &[&format!("{},,,", account("A", ",,,,0.00,")), row]);
    base.ingest(&mut store);
    assert_eq!(recycle(&mut store).identified, 1);
    let of = store.books.ledgers.account(store.account_no("D").unwrap());
    assert_eq!([of.doubtful, of.off_balance, of.penalty, of.advance].map(|t| t.get()), [0, 0, 0, 500]);
    assert_eq!(at(&store, "D", "2026-03-31").status.name(), "closed");
    drop(store);
    // Opened again it says the same.
    let store = base.store();
    assert_eq!(store.books.ledgers.account(store.account_no("D").unwrap()).advance.get(), 500);
    drop(store);
    base.clean();
}

#[test]
fn status_3_4_who_may_not_come_back_is_told_status_wish_and_rule() {
    let back = |id: &str, on: &str, note: &str| format!("{id},{on},reapplied,,,{note}");
    let base = Base::new();
    base.table(
        "accounts.csv",
        &format!("{ACCOUNTS},doubtful"),
        &[
            &format!("{},", account("K", "2026-01-30,refusal,,,0.00,")),
            &format!("{},", account("L", "2026-01-30,refusal,,,0.00,")),
            &format!("{},50.00", account("D", "2026-01-30,debt,,,0.00,")),
            &format!("{},", account("C", "2025-02-28,refusal,,,5.00,").replace("2025-03-01", "2024-03-01")),
            &format!("{},", account("N", ",,,,0.00,")),
        ],
    );
    base.table(
        "events.csv",
        EVENTS,
        &[
            // Thirty days after 30 January are 1 March.
            &format!("e1,{}", back("K", "2026-03-01", "")),
            &format!("e2,{}", back("L", "2026-03-02", "")),
            &format!("e3,{}", back("D", "2026-02-02", "receipt")),
            &format!("e4,{}", back("C", "2026-03-01", "receipt")),
            &format!("e5,{}", back("N", "2026-03-01", "")),
        ],
    );
    let mut store = base.store();
    ingest(&mut store, &base.folder());
    assert_eq!(timeline(&at(&store, "K", "2026-03-31")).last().unwrap(), "2026-03-01 closed current PA-4.3");
    for (id, refusal) in [
        ("L", "archived: no reapplied: such an account is not connected again; open a new one (PA-4.4)"),
        ("D", "closed_doubtful: no reapplied: such an account is not connected again; open a new one (PA-4.7)"),
        ("C", "closed_credit: no reapplied: the contract ended more than 12 months ago; open a new one (PA-4.9)"),
        ("N", "current: no reapplied: the contract has not ended (PA-4.3)"),
    ] {
        let refused = at(&store, id, "2026-03-31").refused;
        assert_eq!(refused.iter().map(|(_, _, why)| why.to_string()).collect::<Vec<_>>(), [refusal], "{id}");
    }
}

#[test]
fn pa_4_9_a_late_charge_behind_a_recording_uses_a_credit_balance_up() {
    let base = Base::new();
    base.table("accounts.csv", ACCOUNTS, &[&account("A", "2026-03-20,refusal,,,10.00,")]);
    let mut store = base.store();
    base.ingest(&mut store);
    store.record_statuses(day("2026-03-31")).unwrap();
    assert_eq!(at(&store, "A", "2026-03-31").status.name(), "closed_credit");
    // A minute of the month in which the contract ended comes when the month is recorded.
    base.calls("late", &[("r1", "2026-03-19", 1)]);
    base.ingest(&mut store);
    store.record_statuses(day("2026-04-30")).unwrap();
    let account = at(&store, "A", "2026-04-30");
    assert_eq!(timeline(&account).last().unwrap(), "2026-04-01 closed_credit closed PA-4.9");
    assert_eq!((account.tasks.len(), store.books.ledgers.sum()), (0, 0));
    drop(store);
    base.clean();
}
