//! 3.4: what a status forbids.

use super::story::{day, money};
use esep::classify::{Action, Agreement, Facts, Status, allowed, charge_allowed};

/// y: allowed, n: not; in the order of the actions: service, charge, order, payment, payer, reconnect.
const TABLE: &str = "
    new                     yyyyyy
    current                 yyyyyy
    overdue                 yynyny
    disconnected            nnnynn
    closed                  nnnynn
    closed_doubtful         nnnynn
    closed_written_off      nnnynn
    closed_credit           nnnynn
    closed_doubtful_credit  nnnynn
    archived                nnnnnn";

#[test]
fn status_3_4_pa_4_10_the_table_of_what_is_forbidden() {
    // Overdue, and closed for a long time.
    let mut ended = Facts::imported(day("2015-03-01"));
    ended.terminated_on = Some(day("2020-01-01"));
    let mut debt = Facts::imported(day("2015-03-01"));
    debt.money = money("owed=2026-02-25:1.00");
    let clean = Facts::imported(day("2015-03-01"));
    for row in TABLE.lines().skip(1) {
        let (status, row) = row.trim().split_once(' ').unwrap();
        let status = Status::parse(status.as_bytes()).unwrap();
        let facts = match status {
            Status::New | Status::Current => &clean,
            Status::Overdue | Status::Disconnected => &debt,
            Status::Closed
            | Status::ClosedDoubtful
            | Status::ClosedWrittenOff
            | Status::ClosedCredit
            | Status::ClosedDoubtfulCredit
            | Status::Archived => &ended,
        };
        for (action, expected) in Action::ALL.iter().zip(row.trim().chars()) {
            let result = allowed(status, facts, day("2026-03-01"), *action);
            assert_eq!(result.is_ok(), expected == 'y', "{status} {action}: {result:?}");
        }
    }
}

#[test]
fn pa_4_2_pa_4_6_orders_only_without_debt_or_under_an_agreement() {
    for (text, why) in [
        ("", ""),
        ("owed=2026-02-28:1.00 credit=2.00", ""),
        ("owed=2026-02-25:1.00", "there is overdue, doubtful or hopeless debt"),
        ("doubtful=0.01", "there is overdue, doubtful or hopeless debt"),
        ("hopeless=0.01", "there is overdue, doubtful or hopeless debt"),
        ("off_balance=0.01", "there is overdue, doubtful or hopeless debt"),
        ("penalty=0.01", "there is a penalty to pay"),
    ] {
        let mut facts = Facts::imported(day("2015-03-01"));
        facts.money = money(text);
        let told = |facts: &Facts| {
            let result = allowed(Status::Current, facts, day("2026-02-26"), Action::OpenOrder);
            result.map_or_else(|refusal| format!("{} {}", refusal.rule, refusal.why), |()| String::new())
        };
        assert_eq!(told(&facts), if why.is_empty() { String::new() } else { format!("PA-4.2 {why}") }, "{text}");
        facts.agreement = Some(Agreement { signed_on: day("2026-02-26"), on_schedule: true });
        assert_eq!(told(&facts), "");
        let disconnected = |facts: &Facts, action| allowed(Status::Disconnected, facts, day("2026-02-26"), action);
        assert!(disconnected(&facts, Action::OpenOrder).is_ok() && disconnected(&facts, Action::Reconnect).is_ok());
        facts.agreement = None;
        assert_eq!(disconnected(&facts, Action::Reconnect).is_ok(), !text.starts_with("owed=2026-02-25"), "{text}");
    }
}

#[test]
fn pa_4_3_pa_4_9_reconnected_within_thirty_days_or_twelve_months() {
    let mut facts = Facts::imported(day("2015-03-01"));
    facts.terminated_on = Some(day("2024-02-29"));
    for (status, on, rule) in [
        (Status::Closed, "2024-03-29", ""),
        (Status::Closed, "2024-03-30", ""),
        (Status::Closed, "2024-03-31", "PA-4.4"),
        (Status::ClosedCredit, "2025-02-27", ""),
        (Status::ClosedCredit, "2025-02-28", ""),
        (Status::ClosedCredit, "2025-03-01", "PA-4.9"),
    ] {
        let result = allowed(status, &facts, day(on), Action::Reconnect);
        assert_eq!(result.map_or_else(|refusal| refusal.rule.id(), |()| ""), rule, "{status} {on}");
    }
}

#[test]
fn pa_4_4_an_archived_account_says_where_to_pay() {
    let facts = Facts::imported(day("2015-03-01"));
    let refusal = allowed(Status::Archived, &facts, day("2026-03-01"), Action::TakePayment).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "archived: no take_payment: an archived account takes no payment; pay to the client's open account (PA-4.4)"
    );
}

#[test]
fn pa_4_3_pa_4_8_usage_of_before_the_switch_off_is_charged_however_late_it_arrives() {
    let mut facts = Facts::imported(day("2015-03-01"));
    assert!(charge_allowed(Status::Current, &facts, day("2026-03-12")).is_ok());
    facts.blocked_on = Some(day("2026-03-12"));
    for (status, ended, used, rule) in [
        (Status::Disconnected, None, "2026-03-11", ""),
        (Status::Disconnected, None, "2026-03-12", "PA-4.6"),
        (Status::ClosedDoubtful, Some(day("2026-05-01")), "2026-03-11", ""),
        (Status::ClosedDoubtful, Some(day("2026-05-01")), "2026-03-13", "PA-4.7"),
        (Status::Archived, Some(day("2026-03-01")), "2026-02-28", ""),
        (Status::Archived, Some(day("2026-03-01")), "2026-03-01", "PA-4.4"),
    ] {
        facts.terminated_on = ended;
        let result = charge_allowed(status, &facts, day(used));
        assert_eq!(result.map_or_else(|refusal| refusal.rule.id(), |()| ""), rule, "{status} {used}");
    }
}
