//! Both sides of each boundary, out of folders.

use super::{ACCOUNTS, Base, EVENTS, PAYMENTS, at, timeline};

fn account(id: &str, opened: &str, more: &str) -> String {
    format!("{id},,,,,p,credit,regular,{opened},,{more}")
}

/// A day, the status, and the next move with its day.
fn is(base: &Base, id: &str, days: &[(&str, &str, &str)]) {
    let store = base.store();
    for (on, status, next) in days {
        let found = at(&store, id, on);
        let told = found.next.map_or("-".to_owned(), |next| format!("{}@{}", next.status, next.on));
        assert_eq!((found.status.name(), told.as_str()), (*status, *next), "{id} on {on}");
    }
}

#[test]
fn pa_4_1_new_until_the_month_ends_and_pa_4_5_overdue_from_the_26th() {
    let base = Base::new();
    base.table("accounts.csv", ACCOUNTS, &[&account("A", "2026-01-10", ",,,,0.00,")]);
    base.calls("jan", &[("r1", "2026-01-12", 5)]);
    base.ingest(&mut base.store());
    is(
        &base,
        "A",
        &[
            ("2026-01-10", "new", "current@2026-02-01"),
            ("2026-01-31", "new", "current@2026-02-01"),
            ("2026-02-01", "current", "overdue@2026-02-26"),
            ("2026-02-24", "current", "overdue@2026-02-26"),
            ("2026-02-25", "current", "overdue@2026-02-26"),
            ("2026-02-26", "overdue", "-"),
        ],
    );
    let store = base.store();
    let overdue = at(&store, "A", "2026-02-26");
    assert_eq!((overdue.since.to_string().as_str(), overdue.rule.id()), ("2026-02-26", "PA-4.5"));
    assert_eq!(overdue.money.overdue(super::day("2026-02-26"), 0).to_string(), "50.00");
    assert!(store.status_of("A", Some(super::day("2026-01-09"))).unwrap().is_none());
    // The night of 2024-03-01 and the end of the month are days like others.
    assert_eq!(
        timeline(&overdue),
        ["2026-01-10 - new PA-4.1", "2026-02-01 new current PA-4.1", "2026-02-26 current overdue PA-4.5"]
    );
}

#[test]
fn pa_3_24_a_payment_of_the_25th_is_in_time_and_one_of_the_26th_is_not() {
    let base = Base::new();
    let debt = |id: &str| account(id, "2024-05-14", ",,,2026-02-25,-100.00,");
    base.table("accounts.csv", ACCOUNTS, &[&debt("A"), &debt("B"), &debt("C")]);
    base.table(
        "payments.csv",
        PAYMENTS,
        &[
            "p1,A,100.00,2026-02-25T23:59:59+05:00,bank",
            "p2,B,100.00,2026-02-26T00:00:00+05:00,bank",
            "p3,C,99.99,2026-02-25,bank",
        ],
    );
    base.ingest(&mut base.store());
    is(&base, "A", &[("2026-02-26", "current", "-")]);
    is(&base, "C", &[("2026-02-25", "current", "overdue@2026-02-26"), ("2026-02-26", "overdue", "-")]);
    let paid = at(&base.store(), "B", "2026-02-26");
    let moves = timeline(&paid);
    assert_eq!(moves[2..], ["2026-02-26 current overdue PA-4.5", "2026-02-26 overdue current PA-4.5"]);
}

#[test]
fn pa_3_24_the_night_of_2024_03_01_has_its_hour_twice_and_the_day_ends_once() {
    let base = Base::new();
    let debt = |id: &str| account(id, "2022-05-14", ",,,2024-02-29,-100.00,");
    base.table(
        "accounts.csv",
        ACCOUNTS,
        &["A", "B", "C", "D"].map(debt).iter().map(String::as_str).collect::<Vec<_>>(),
    );
    base.table(
        "payments.csv",
        PAYMENTS,
        &[
            // 23:59:59, when it comes first; 23:00:00, when it comes again; the last second of the day; the next day.
            "p1,A,100.00,2024-02-29T23:59:59+06:00,bank",
            "p2,B,100.00,2024-03-01T00:00:00+06:00,bank",
            "p3,C,100.00,2024-02-29T23:59:59+05:00,bank",
            "p4,D,100.00,2024-03-01T00:00:00+05:00,bank",
        ],
    );
    base.ingest(&mut base.store());
    for id in ["A", "B", "C"] {
        is(&base, id, &[("2024-02-28", "current", "overdue@2024-03-01"), ("2024-02-29", "current", "-")]);
        assert_eq!(timeline(&at(&base.store(), id, "2024-03-31")).len(), 2, "{id}");
    }
    let late = timeline(&at(&base.store(), "D", "2024-03-31"));
    assert_eq!(late[2..], ["2024-03-01 current overdue PA-4.5", "2024-03-01 overdue current PA-4.5"]);
}

#[test]
fn pa_4_4_archived_from_day_31_and_cell_48_the_refund_is_overdue_from_day_31() {
    let base = Base::new();
    base.table(
        "accounts.csv",
        ACCOUNTS,
        &[
            &account("Z", "2015-03-01", "2024-01-30,refusal,,,0.00,"),
            &account("Y", "2015-03-01", "2026-01-01,refusal,,,10.00,"),
        ],
    );
    base.ingest(&mut base.store());
    // 2024 is a leap year: thirty days after 30 January are 29 February.
    is(
        &base,
        "Z",
        &[
            ("2024-01-29", "current", "-"),
            ("2024-01-30", "closed", "archived@2024-03-01"),
            ("2024-02-29", "closed", "archived@2024-03-01"),
            ("2024-03-01", "archived", "-"),
        ],
    );
    let store = base.store();
    let overdue = |on: &str| at(&store, "Y", on).tasks.iter().map(|task| task.overdue).collect::<Vec<_>>();
    assert_eq!(
        (overdue("2026-01-01"), overdue("2026-01-31"), overdue("2026-02-01")),
        (vec![false], vec![false], vec![true])
    );
}

#[test]
fn pa_4_9_three_years_of_a_credit_and_pa_4_8_five_years_off_balance() {
    let base = Base::new();
    base.table(
        "accounts.csv",
        ACCOUNTS,
        &[
            &account("C", "2015-03-01", "2020-02-29,refusal,,,10.00,"),
            &account("D", "2015-03-01", ",,,2016-01-25,-50.00,"),
        ],
    );
    base.table(
        "events.csv",
        EVENTS,
        &[
            "d1,D,2016-02-01,services_off,,,debt",
            "d2,D,2016-02-02,notice_received,,,",
            "d3,D,2016-03-03,removal_order_opened,,N-1,",
            "d4,D,2016-03-03,removal_order_closed,,N-1,",
            "d5,D,2016-03-03,contract_terminated,,,debt",
            "d6,D,2017-01-10,hopeless_recognised,,PR-1,",
            "d7,D,2017-02-28,written_off,,PR-1,",
            "c1,C,2023-03-05,written_off,,PR-2,",
        ],
    );
    base.ingest(&mut base.store());
    is(
        &base,
        "C",
        &[
            ("2023-02-27", "closed_credit", "closed_doubtful_credit@2023-02-28"),
            ("2023-02-28", "closed_doubtful_credit", "-"),
            ("2023-03-05", "archived", "-"),
        ],
    );
    is(
        &base,
        "D",
        &[
            ("2016-03-02", "disconnected", "-"),
            ("2016-03-03", "closed_doubtful", "-"),
            ("2017-02-27", "closed_doubtful", "-"),
            ("2017-02-28", "closed_written_off", "closed@2022-02-28"),
            ("2022-02-27", "closed_written_off", "closed@2022-02-28"),
            ("2022-02-28", "closed", "archived@2022-03-31"),
            ("2022-03-31", "archived", "-"),
        ],
    );
    let written_off = at(&base.store(), "D", "2020-01-01");
    assert_eq!(written_off.money.off_balance.to_string(), "50.00");
}

#[test]
fn pa_24_the_contract_ends_no_earlier_than_thirty_days_after_the_notice() {
    for (on, status) in [("2016-03-02", "disconnected"), ("2016-03-03", "closed_doubtful")] {
        let base = Base::new();
        base.table("accounts.csv", ACCOUNTS, &[&account("D", "2015-03-01", ",,,2016-01-25,-50.00,")]);
        let order = |id: &str, kind: &str| format!("{id},D,{on},{kind},,N-1,");
        base.table(
            "events.csv",
            EVENTS,
            &[
                "d1,D,2016-02-01,services_off,,,debt",
                "d2,D,2016-02-02,notice_received,,,",
                &order("d3", "removal_order_opened"),
                &order("d4", "removal_order_closed"),
                &format!("d5,D,{on},contract_terminated,,,debt"),
            ],
        );
        base.ingest(&mut base.store());
        let found = at(&base.store(), "D", "2016-03-10");
        assert_eq!(found.status.name(), status, "{on}");
        assert_eq!(found.refused.iter().any(|(_, _, refusal)| refusal.rule.id() == "PA-24"), on == "2016-03-02");
    }
}

#[test]
fn status_3_1_further_columns_of_the_register_are_facts() {
    let base = Base::new();
    let header =
        format!("{ACCOUNTS},crm_on,devices,act,written_off_on,hopeless_on,off_balance,doubtful,penalty,removal_orders");
    let row = |id: &str, more: &str, facts: &str| format!("{},{facts}", account(id, "2015-03-01", more));
    base.table(
        "accounts.csv",
        &header,
        &[
            &row(
                "W",
                "2018-05-01,debt,,,0.00,",
                "false,dismantled,absence,2019-06-30,2019-06-01,75.00,,,2018-05-01..2018-05-01",
            ),
            &row("D", "2018-05-01,debt,,,0.00,", ",,,,,,20.00,,"),
            &row("P", ",,,,0.00,", "true,installed,,,,,,3.00,"),
            &row("Q", ",,,,0.00,", "perhaps,gone,,yesterday,,x,,,"),
        ],
    );
    let (_, told) = base.ingest(&mut base.store());
    for (needle, count) in
        [("accounts.csv:5: warning: account Q: crm_on `perhaps`", 1), ("account Q:", 4), ("account P:", 0)]
    {
        assert_eq!(told.iter().filter(|told| told.contains(needle)).count(), count, "{needle}: {told:#?}");
    }
    let store = base.store();
    let written_off = at(&store, "W", "2024-06-29");
    assert_eq!(
        (written_off.status.name(), written_off.contradictions.len()),
        ("closed_written_off", 0),
        "{written_off:?}"
    );
    assert_eq!(written_off.next.unwrap().on, super::day("2024-06-30"));
    assert_eq!(at(&store, "D", "2019-01-01").status.name(), "closed_doubtful");
    let penalty = at(&store, "P", "2019-01-01");
    assert_eq!((penalty.status.name(), penalty.money.penalty.to_string().as_str()), ("current", "3.00"));
    assert_eq!(at(&store, "Q", "2019-01-01").status.name(), "current");
    base.clean();
}

#[test]
fn pa_4_3_usage_from_the_end_of_the_contract_on_waits_and_is_charged_once_the_client_is_back() {
    let base = Base::new();
    base.table("accounts.csv", ACCOUNTS, &[&account("A", "2026-01-10", ",,,,0.00,")]);
    base.table(
        "events.csv",
        EVENTS,
        &[
            "e1,A,2026-03-05,refusal_applied,,2026-03-05,",
            "e2,A,2026-03-05,removal_order_opened,,N-1,",
            "e3,A,2026-03-05,removal_order_closed,,N-1,",
            "e4,A,2026-03-05,contract_terminated,,,refusal",
            "e5,A,2026-03-20,services_on,,,",
            "e6,A,2026-03-25,reapplied,,,",
            "e7,A,2026-03-26,services_on,,,",
        ],
    );
    base.calls(
        "mar",
        &[("r1", "2026-03-04", 1), ("r2", "2026-03-05", 1), ("r3", "2026-03-21", 1), ("r4", "2026-03-26", 1)],
    );
    base.table("payments.csv", PAYMENTS, &["p1,A,10.00,2026-03-04,bank"]);
    let mut store = base.store();
    base.ingest(&mut store);
    let counts = store.totals(&[0]).counts();
    assert_eq!((counts.rated, counts.suspended), (2, 2));
    assert_eq!(
        timeline(&at(&store, "A", "2026-03-31"))[2..],
        ["2026-03-05 current closed PA-19", "2026-03-25 closed current PA-4.3"]
    );
}
