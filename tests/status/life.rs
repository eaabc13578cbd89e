//! Every move of 3.3, with rows on both sides of each boundary.

use super::story::{day, event, live, money, timeline};
use esep::classify::{Deadline, Effect, Facts, Life, Outcome, Status, TRANSITIONS, Task, Terms};
use esep::units::Zone;
use std::collections::BTreeSet;

/// An account in service: opened, connected, past its first month.
const CONNECTED: &str = "
    2025-12-10 open
    2025-12-10 contract_signed
    2025-12-11 equipment_installed
    2025-12-11 services_on
    2026-01-01 is current
";

/// The same, disconnected for a debt of January on 12 March.
const DISCONNECTED: &str = "
    2026-02-01 money owed=2026-02-25:100.00
    2026-03-12 services_off note=debt
    2026-03-12 is disconnected next=-
";

/// The same, terminated with 100.00 on 15 April.
const DOUBTFUL: &str = "
    2026-03-16 notice_received
    2026-04-10 removal_order_opened ref=N-1
    2026-04-15 removal_order_closed ref=N-1
    2026-04-15 act_absence amount=12000.00
    2026-04-15 contract_terminated note=debt
    2026-04-15 is closed_doubtful next=-
";

/// In service, closed on 15 April with a credit of 5.00.
const WITH_CREDIT: &str = "
    2026-02-01 money credit=5.00
    2026-04-01 refusal_applied ref=2026-04-15
    2026-04-01 removal_order_opened ref=N-1
    2026-04-15 removal_order_closed ref=N-1
    2026-04-15 act_return
    2026-04-15 contract_terminated note=refusal
    2026-04-15 is closed_credit next=closed_doubtful_credit@2029-04-15
";

/// In service, closed on 15 April with nothing.
const CLOSED: &str = "
    2026-04-01 refusal_applied ref=2026-04-15
    2026-04-01 removal_order_opened ref=N-1
    2026-04-15 removal_order_closed ref=N-1
    2026-04-15 act_return
    2026-04-15 contract_terminated note=refusal
    2026-04-15 is closed next=archived@2026-05-16
";

fn story(parts: &[&str]) -> Life {
    live(&parts.concat()).0
}

#[test]
fn pa_4_1_new_until_the_period_is_closed() {
    for (opened, new, current) in [
        ("2026-03-01", "2026-03-31", "2026-04-01"),
        ("2026-03-31", "2026-03-31", "2026-04-01"),
        ("2024-02-29", "2024-02-29", "2024-03-01"),
        ("2023-12-05", "2023-12-31", "2024-01-01"),
    ] {
        live(&format!("{opened} open\n {new} is new next=current@{current}\n {current} is current next=-"));
    }
}

#[test]
fn pa_4_5_pa_3_24_bt_4_2_overdue_from_the_26th() {
    for (on, status) in
        [("2026-02-24", "current"), ("2026-02-25", "current"), ("2026-02-26", "overdue"), ("2026-02-27", "overdue")]
    {
        let text = format!("2026-02-01 money owed=2026-02-25:100.00\n {on} is {status}");
        story(&[CONNECTED, &text]);
    }
    // Paid on the 25th it never was overdue; on the 26th it was, for a moment.
    let in_time = "2026-02-01 money owed=2026-02-25:100.00\n 2026-02-25 money\n 2026-12-31 is current next=-";
    assert_eq!(live(&[CONNECTED, in_time].concat()).1.len(), 2);
    let late = "2026-02-01 money owed=2026-02-25:100.00\n 2026-02-26 money\n 2026-12-31 is current next=-";
    let moves = live(&[CONNECTED, late].concat()).1;
    assert_eq!(
        timeline(&moves)[2..],
        ["2026-02-26 current overdue PA-4.5".to_owned(), "2026-02-26 overdue current PA-4.5".to_owned()]
    );
    // What is left over is overdue from its own 26th.
    let rest = "2026-02-01 money owed=2026-02-25:100.00 owed=2026-03-25:7.00
        2026-02-20 money owed=2026-03-25:7.00
        2026-03-25 is current next=overdue@2026-03-26
        2026-03-26 is overdue next=-
        2026-03-27 money owed=2026-04-25:7.00
        2026-03-27 is current next=overdue@2026-04-26";
    story(&[CONNECTED, rest]);
}

#[test]
fn status_3_3_a_late_run_makes_every_move_on_its_own_day_and_none_twice() {
    let mut out = Outcome::default();
    let (mut life, _) = Life::open(Facts::opened(day("2023-12-05")));
    let terms = Terms::SOURCE;
    let owed = money("owed=2024-02-25:100.00");
    let at = (esep::units::InstantMs(0), day("2023-12-31"));
    life.money(&terms, at, owed, day("2030-01-01"), &mut out).unwrap();
    let mut other = life.clone();
    life.catch_up(&terms, day("2030-01-01"), &mut out);
    // The night of 2024-03-01, when the clocks of half the country changed, is one day like another.
    assert_eq!(timeline(&out.moves), ["2024-01-01 new current PA-4.1", "2024-02-26 current overdue PA-4.5"]);
    let (mut daily, mut on) = (Outcome::default(), day("2023-12-31"));
    while on < day("2030-01-01") {
        on = on.plus_days(1);
        for _ in 0..2 {
            other.catch_up(&terms, on, &mut daily);
        }
    }
    other.catch_up(&terms, day("2024-01-01"), &mut daily);
    assert_eq!((&other, &daily.moves), (&life, &out.moves));
}

#[test]
fn pa_4_6_paid_or_under_an_agreement_the_account_is_current_again() {
    let paid = "2026-03-13 money owed=2026-03-25:7.00
        2026-03-13 is current next=overdue@2026-03-26
        2026-03-13 wish do:restore_service
        2026-03-14 services_on";
    story(&[CONNECTED, DISCONNECTED, paid]);
    let in_part = "2026-03-13 money owed=2026-02-25:0.01
        2026-03-13 is disconnected next=-
        2026-03-14 services_on !PA-4.6";
    story(&[CONNECTED, DISCONNECTED, in_part]);
    let agreed = "2026-03-13 agreement_signed
        2026-03-13 is current next=-
        2026-03-13 wish do:restore_service
        2026-03-14 services_on
        2026-03-14 money rescheduled=100.00
        2026-05-01 is current next=-
        2026-05-02 agreement_missed
        2026-05-02 is overdue next=-
        2026-05-10 services_off note=debt
        2026-05-10 is disconnected
        2026-05-11 money
        2026-05-11 is current
        2026-05-12 agreement_missed !PA-4.6";
    story(&[CONNECTED, DISCONNECTED, agreed]);
    // Not from a status in which nothing is overdue, and no agreement about nothing.
    story(&[CONNECTED, "2026-02-01 services_off note=debt !PA-4.2\n 2026-02-01 agreement_signed !PA-4.6"]);
    story(&[CONNECTED, DISCONNECTED, "2026-03-13 services_off note=debt !PA-4.6"]);
}

#[test]
fn net_19_21_service_is_back_within_24_hours_of_the_payment() {
    let terms = Terms::SOURCE;
    let mut life = story(&[CONNECTED, DISCONNECTED]);
    let mut out = Outcome::default();
    let at = esep::units::InstantMs(1_773_400_000_000);
    life.money(&terms, (at, day("2026-03-13")), money(""), day("2026-03-13"), &mut out).unwrap();
    let wish = Effect::Do(Task::RestoreService, Deadline::At(esep::units::InstantMs(1_773_486_400_000)));
    assert_eq!(out.wishes.iter().map(|wish| wish.effect).collect::<Vec<_>>(), [wish]);
}

#[test]
fn pa_24_the_removal_order_closes_thirty_days_after_the_notice() {
    for (closed, refusal) in [("2026-04-14", " !PA-24"), ("2026-04-15", ""), ("2026-04-16", "")] {
        let text = format!(
            "2026-03-16 notice_received
            2026-04-10 removal_order_opened ref=N-1
            {closed} removal_order_closed ref=N-1{refusal}"
        );
        story(&[CONNECTED, DISCONNECTED, &text]);
    }
    let unnoticed = "2026-04-10 removal_order_opened ref=N-1\n 2026-06-15 removal_order_closed ref=N-1 !PA-24";
    story(&[CONNECTED, DISCONNECTED, unnoticed]);
}

#[test]
fn pa_23_pa_25_pa_3_29_closed_with_debt_on_the_day_of_the_removal() {
    story(&[CONNECTED, DISCONNECTED, DOUBTFUL, "2026-04-15 wish post:debt_to_doubtful:100.00"]);
    story(&[CONNECTED, DISCONNECTED, DOUBTFUL, "2026-04-15 wish do:claims_package"]);
    let facts = story(&[CONNECTED, DISCONNECTED, DOUBTFUL]).facts().clone();
    assert_eq!(facts.money, money("doubtful=100.00"));
    let order = "2026-03-16 notice_received\n 2026-04-10 removal_order_opened ref=N-1\n";
    for (rows, rule) in [
        ("2026-04-20 contract_terminated note=debt", "PA-25"),
        ("2026-04-19 removal_order_closed ref=N-1\n 2026-04-20 contract_terminated note=debt", "PA-25"),
        (
            "2026-04-19 services_off note=termination
            2026-04-20 removal_order_closed ref=N-1\n 2026-04-20 contract_terminated note=debt",
            "PA-25",
        ),
        ("2026-04-20 contract_terminated note=segment", "PA-4.6"),
    ] {
        story(&[CONNECTED, DISCONNECTED, order, rows, " !", rule]);
    }
    // An order that closed on the wrong day is mended by another one.
    let mended = "2026-04-19 removal_order_closed ref=N-1
        2026-04-20 removal_order_opened ref=N-2
        2026-04-20 removal_order_closed ref=N-2
        2026-04-20 contract_terminated note=debt
        2026-04-20 is closed_doubtful";
    story(&[CONNECTED, DISCONNECTED, order, mended]);
    // Nobody closes for debt who is not disconnected for it.
    story(&[CONNECTED, "2026-02-01 contract_terminated note=debt !PA-4.2"]);
    story(&[CONNECTED, "2026-02-01 money owed=2026-02-25:1.00\n 2026-02-26 contract_terminated note=debt !PA-4.5"]);
}

#[test]
fn pa_4_7_pa_3_5_a_hopeless_debt_is_recognised_and_then_written_off() {
    let all = "2026-09-01 written_off ref=P-1 !PA-4.7
        2026-09-01 hopeless_recognised ref=P-1
        2026-09-01 is closed_doubtful
        2026-10-01 written_off ref=P-1
        2026-10-01 is closed_written_off next=closed@2031-10-01
        2026-10-01 wish post:write_off:100.00
        2026-10-02 written_off ref=P-1 !PA-4.7";
    let life = story(&[CONNECTED, DISCONNECTED, DOUBTFUL, all]);
    assert_eq!(life.facts().money, money("off_balance=100.00"));
    let paid = "2026-05-01 money\n 2026-05-01 is closed next=archived@2026-06-01";
    story(&[CONNECTED, DISCONNECTED, DOUBTFUL, paid]);
    story(&[CONNECTED, DISCONNECTED, "2026-03-16 hopeless_recognised ref=P-1 !PA-4.7"]);
    // The rest paid, an earlier part written off.
    let part = "2026-05-01 money doubtful=1.00 off_balance=2.00\n 2026-05-02 money off_balance=2.00";
    assert_eq!(story(&[CONNECTED, DISCONNECTED, DOUBTFUL, part]).status(), Status::ClosedWrittenOff);
}

#[test]
fn pa_4_8_five_years_off_balance_or_paid() {
    let written_off = "2027-02-28 hopeless_recognised ref=P-1\n 2027-02-28 written_off ref=P-1\n";
    let waits = "2032-02-27 is closed_written_off next=closed@2032-02-28
        2032-02-28 is closed next=archived@2032-03-30
        2032-02-28 wish post:off_balance_out:100.00
        2032-03-29 is closed
        2032-03-30 is archived next=-";
    story(&[CONNECTED, DISCONNECTED, DOUBTFUL, written_off, waits]);
    let leap = "2028-02-29 hopeless_recognised ref=P-1\n 2028-02-29 written_off ref=P-1
        2033-02-27 is closed_written_off next=closed@2033-02-28
        2033-02-28 is closed";
    story(&[CONNECTED, DISCONNECTED, DOUBTFUL, leap]);
    let paid = "2028-01-10 money off_balance=1.00
        2028-01-10 is closed_written_off
        2028-01-11 money
        2028-01-11 is closed next=archived@2028-02-11";
    story(&[CONNECTED, DISCONNECTED, DOUBTFUL, written_off, paid]);
}

#[test]
fn pa_4_8_fraud_is_found_adjusted_and_archived() {
    let found = "2026-05-01 fraud_adjusted ref=P-1 !PA-4.8
        2026-05-01 fraud_found ref=P-1
        2026-05-02 fraud_adjusted ref=P-1
        2026-05-02 is archived next=-
        2026-05-02 wish post:fraud_adjustment:100.00";
    story(&[CONNECTED, DISCONNECTED, DOUBTFUL, found]);
    let written_off = "2026-05-01 hopeless_recognised ref=P-1\n 2026-05-01 written_off ref=P-1\n";
    let life = story(&[CONNECTED, DISCONNECTED, DOUBTFUL, written_off, &found.replace("2026-05", "2026-06")]);
    assert!(life.facts().money.is_nothing());
    story(&[CONNECTED, "2026-05-01 fraud_found ref=P-1 !PA-4.8"]);
}

#[test]
fn pa_19_pa_20_a_refusal_closes_on_the_day_of_the_removal() {
    story(&[CONNECTED, CLOSED]);
    for (rows, rule) in [
        ("2026-04-15 contract_terminated note=refusal", "PA-19"),
        ("2026-04-01 refusal_applied ref=2026-04-15\n 2026-04-15 contract_terminated note=refusal", "PA-20"),
        (
            "2026-04-01 refusal_applied ref=2026-04-15\n 2026-04-01 removal_order_opened ref=N-1
            2026-04-15 contract_terminated note=refusal",
            "PA-20",
        ),
        (
            "2026-04-01 refusal_applied ref=2026-04-15\n 2026-04-01 removal_order_opened ref=N-1
            2026-04-14 removal_order_closed ref=N-1\n 2026-04-15 contract_terminated note=refusal",
            "PA-20",
        ),
        (
            "2026-04-01 refusal_applied ref=2026-04-14\n 2026-04-01 removal_order_opened ref=N-1
            2026-04-15 removal_order_closed ref=N-1\n 2026-04-15 contract_terminated note=refusal",
            "PA-19",
        ),
        ("2026-04-01 money owed=2026-04-25:1.00\n 2026-04-15 contract_terminated note=refusal", "PA-4.3"),
        ("2026-04-01 money penalty=1.00\n 2026-04-15 contract_terminated note=refusal", "PA-4.3"),
    ] {
        story(&[CONNECTED, rows, " !", rule]);
    }
    // On the very day refused from, and before it.
    for from in ["2026-04-15", "2026-04-16"] {
        story(&[CONNECTED, &CLOSED.replace("ref=2026-04-15", &format!("ref={from}"))]);
    }
    // † A new account that was never connected has nothing to remove.
    live(
        "2026-04-01 open\n 2026-04-02 refusal_applied ref=2026-04-03
        2026-04-03 contract_terminated note=refusal\n 2026-04-03 is closed next=archived@2026-05-04",
    );
    live(
        "2026-04-01 open\n 2026-04-02 money credit=1.00\n 2026-04-02 refusal_applied ref=2026-04-03
        2026-04-03 contract_terminated note=refusal\n 2026-04-03 is closed_credit",
    );
    story(&[CONNECTED, CLOSED, "2026-04-16 contract_terminated note=refusal !PA-20"]);
}

#[test]
fn pa_16_pa_29_the_segment_or_the_owner_changes() {
    let segment = "2026-04-01 segment_changed ref=b2b\n 2026-04-01 contract_terminated note=segment";
    story(&[CONNECTED, segment, "\n 2026-04-01 is closed\n 2026-04-01 wish do:open_in_segment"]);
    story(&[CONNECTED, "2026-03-01 money credit=1.00\n", segment, " !PA-16"]);
    let owner = "2026-04-01 owner_changed ref=A-2\n 2026-04-01 contract_terminated note=owner_change";
    // No dismantling: the devices stay, and the archive does not wait for them.
    let life = story(&[CONNECTED, owner, "\n 2026-04-01 is closed next=archived@2026-05-02\n 2026-05-02 is archived"]);
    assert_eq!(life.facts().devices, Some(esep::classify::Devices::Installed));
    story(&[CONNECTED, "2026-03-01 money credit=1.00\n", owner, " !PA-29"]);
    story(&[CONNECTED, "2026-03-01 money owed=2026-04-25:1.00\n", owner, " !PA-4.3"]);
}

#[test]
fn pa_4_3_thirty_days_to_come_back_then_the_archive() {
    for (on, status) in [("2026-05-14", "closed"), ("2026-05-15", "closed"), ("2026-05-16", "archived")] {
        story(&[CONNECTED, CLOSED, &format!("{on} is {status}")]);
    }
    for (on, refusal) in [("2026-05-14", ""), ("2026-05-15", ""), ("2026-05-16", " !PA-4.4")] {
        story(&[CONNECTED, CLOSED, &format!("{on} reapplied{refusal}")]);
    }
    // 15 February + 30 days of a leap year and of another.
    for (closed, archived) in [("2028-02-15", "2028-03-17"), ("2027-02-15", "2027-03-18")] {
        let text =
            CLOSED.replace("2026-04-15", closed).replace("2026-05-16", archived).replace("2026-04-01", "2027-01-10");
        story(&[CONNECTED, &text]);
    }
    let back = "2026-05-15 reapplied\n 2026-05-15 is current next=-\n 2026-05-15 services_on
        2026-05-15 contract_signed
        2026-06-01 refusal_applied ref=2026-06-10\n 2026-06-01 removal_order_opened ref=N-1
        2026-06-10 removal_order_closed ref=N-1\n 2026-06-10 contract_terminated note=refusal
        2026-06-10 is closed next=archived@2026-07-11";
    story(&[CONNECTED, CLOSED, back]);
    // Checked: an open order, or devices that still stand there, hold the account back.
    let order = "2026-04-20 removal_order_opened ref=N-2\n 2026-06-01 is closed next=-
        2026-06-02 removal_order_closed ref=N-2\n 2026-06-02 is archived";
    story(&[CONNECTED, CLOSED, order]);
    // Late money starts the thirty days anew (PA-4.4).
    let late = "2026-04-20 money owed=2026-05-25:3.00\n 2026-06-30 is closed next=-
        2026-07-01 money\n 2026-07-01 is closed next=archived@2026-08-01";
    story(&[CONNECTED, CLOSED, late]);
}

#[test]
fn pa_4_9_pa_13_a_credit_balance_within_twelve_months() {
    let ask = "2026-06-01 credit_moved ref=A-2 amount=5.00 !PA-13
        2026-06-01 credit_move_requested ref=A-2 amount=5.01 !PA-13
        2026-06-01 credit_move_requested ref=A-2\n";
    for (on, to) in [("2027-04-14", "closed"), ("2027-04-15", "closed"), ("2027-04-16", "archived")] {
        let text = format!(
            "{on} credit_moved ref=A-2 amount=4.00\n {on} is closed_credit
            {on} credit_moved ref=A-2 amount=1.01 !PA-13
            {on} credit_moved ref=A-2 amount=1.00\n {on} is {to}\n {on} wish post:credit_moved:1.00"
        );
        story(&[CONNECTED, WITH_CREDIT, ask, &text]);
    }
    for (on, refusal) in [("2027-04-14", ""), ("2027-04-15", ""), ("2027-04-16", " !PA-4.9")] {
        story(&[CONNECTED, WITH_CREDIT, &format!("{on} reapplied note=receipt{refusal}")]);
    }
    let life = story(&[CONNECTED, WITH_CREDIT, "2027-04-15 reapplied !PA-4.9\n 2027-04-15 reapplied note=receipt"]);
    assert_eq!((life.status(), life.facts().money.clone()), (Status::Current, money("credit=5.00")));
    // 29 February + 12 months is 28 February.
    let leap = WITH_CREDIT.replace("2026-04-15", "2028-02-29").replace("2029-04-15", "2031-02-28");
    story(&[CONNECTED, &leap, "2029-02-28 reapplied note=receipt"]);
    story(&[CONNECTED, &leap, "2029-03-01 reapplied note=receipt !PA-4.9"]);
    // Late charges use it up.
    story(&[CONNECTED, WITH_CREDIT, "2026-05-01 money\n 2026-05-01 is closed next=archived@2026-06-01"]);
}

#[test]
fn cell_48_the_rest_is_returned_in_thirty_days() {
    let life = story(&[CONNECTED, WITH_CREDIT, "2026-04-15 wish post:advance_to_credit:5.00"]);
    assert_eq!(life.status(), Status::ClosedCredit);
    for on in ["2026-05-15", "2028-05-15"] {
        let text = format!(
            "{on} credit_refunded amount=5.01 !CELL-48
            {on} credit_refunded amount=5.00\n {on} is closed\n {on} wish post:credit_refunded:5.00"
        );
        story(&[CONNECTED, WITH_CREDIT, &text]);
    }
    let (mut life, mut out) =
        (story(&[CONNECTED, &WITH_CREDIT[..WITH_CREDIT.find("2026-04-15 contract").unwrap()]]), Outcome::default());
    let zone = Zone::parse("Asia/Almaty").unwrap();
    let ends = event(&zone, "2026-04-15", "contract_terminated", &["note=refusal"]);
    life.event(&Terms::SOURCE, &ends, day("2026-04-15"), &mut out).unwrap();
    let task = Effect::Do(Task::RefundCredit, Deadline::On(day("2026-05-15")));
    assert!(out.wishes.iter().any(|wish| wish.effect == task));
}

#[test]
fn pa_4_9_pa_4_10_a_credit_of_three_years_is_doubtful_and_written_off() {
    let outlived = "2029-04-14 is closed_credit\n 2029-04-15 is closed_doubtful_credit next=-
        2029-04-15 wish do:write_off_credit
        2029-04-16 credit_move_requested ref=A-2 !PA-4.9
        2029-04-16 reapplied note=receipt !PA-4.10
        2029-06-01 written_off ref=P-9
        2029-06-01 is archived next=-
        2029-06-01 wish post:credit_to_income:5.00";
    story(&[CONNECTED, WITH_CREDIT, outlived]);
    // The ledger may write it off by itself.
    story(&[
        CONNECTED,
        WITH_CREDIT,
        "2029-04-15 is closed_doubtful_credit\n 2029-05-01 money\n 2029-05-01 is archived",
    ]);
    // Who asked in time keeps it, however long the move takes.
    for (asked, status) in [("2029-04-14", "closed_credit"), ("2026-04-16", "closed_credit")] {
        let text = format!(
            "{asked} credit_move_requested ref=A-2\n 2029-12-31 is {status} next=-
            2030-01-10 credit_moved ref=A-2 amount=5.00\n 2030-01-10 is archived"
        );
        story(&[CONNECTED, WITH_CREDIT, &text]);
    }
    // A credit that nobody asked for is not written off before its time.
    story(&[CONNECTED, WITH_CREDIT, "2029-04-14 written_off ref=P-9 !PA-4.7"]);
}

#[test]
fn status_3_3_events_that_cannot_be_are_refused() {
    for (rows, rule) in [
        ("2025-12-09 risk_notified", "PA-8"),
        ("2025-12-09 money", "PA-8"),
        ("2025-12-31 services_on", "PA-57"),
        ("2026-02-01 contract_signed", "PA-8"),
        ("2026-02-01 resumed", "NET-19.8"),
        ("2026-02-01 equipment_never_issued", "PA-21"),
        ("2026-02-01 removal_order_closed ref=N-1", "PA-20"),
        ("2026-02-01 removal_order_opened ref=N-1\n 2026-02-02 removal_order_opened ref=N-1", "PA-20"),
        (
            "2026-02-01 removal_order_opened ref=N-1\n 2026-02-02 removal_order_closed ref=N-1
            2026-02-02 removal_order_closed ref=N-1",
            "PA-20",
        ),
        ("2026-02-01 reapplied", "PA-4.3"),
        ("2026-02-01 written_off ref=P-1", "PA-4.7"),
        ("2026-02-01 credit_move_requested ref=A-2", "PA-13"),
        ("2026-02-01 credit_refunded amount=1.00", "CELL-48"),
        ("2026-02-01 agreement_missed", "PA-4.6"),
        ("2026-02-01 money credit=-1.00", "PA-5"),
    ] {
        story(&[CONNECTED, rows, " !", rule]);
    }
    for (rows, rule) in [
        ("2026-04-16 services_on", "PA-4.3"),
        ("2026-04-16 services_off note=debt", "PA-4.5"),
        ("2026-04-16 refusal_applied ref=2026-04-17", "PA-19"),
        ("2026-04-16 contract_signed", "PA-4.4"),
        ("2026-04-16 segment_changed ref=b2b", "PA-16"),
    ] {
        story(&[CONNECTED, CLOSED, rows, " !", rule]);
    }
    live("2026-04-01 open\n 2026-04-03 contract_signed\n 2026-04-04 services_on");
    live(
        "2026-04-01 open\n 2026-04-01 equipment_never_issued\n 2026-04-02 act_return !PA-21
        2026-04-02 equipment_dismantled !PA-21\n 2026-04-02 equipment_not_returned amount=1.00 !PA-21",
    );
}

#[test]
fn pa_57_nothing_comes_from_the_future_and_a_refusal_names_status_wish_and_rule() {
    let mut life = story(&[CONNECTED]);
    let zone = Zone::parse("Asia/Almaty").unwrap();
    let mut out = Outcome::default();
    let future = event(&zone, "2026-03-02", "absence_told", &[]);
    let refusal = life.event(&Terms::SOURCE, &future, day("2026-03-01"), &mut out).unwrap_err();
    assert_eq!(refusal.to_string(), "current: no absence_told: it is dated in the future (PA-57)");
    assert_eq!((life.seen_to(), out), (day("2026-01-01"), Outcome::default()));
}

#[test]
fn pa_5_every_status_is_reached_and_no_move_leads_out_of_the_ten() {
    let reached: BTreeSet<Status> = TRANSITIONS.iter().map(|row| row.to).collect();
    assert_eq!(reached.len(), Status::ALL.len());
    assert_eq!(Status::ALL.len(), 10);
    // From each status a way leads to the archive, and back from what is not the archive.
    for status in Status::ALL {
        let mut seen = BTreeSet::from([*status]);
        while let Some(row) =
            TRANSITIONS.iter().find(|r| r.from.is_some_and(|f| seen.contains(&f)) && !seen.contains(&r.to))
        {
            seen.insert(row.to);
        }
        assert!(seen.contains(&Status::Archived), "{status} is stuck");
        assert_eq!(TRANSITIONS.iter().any(|row| row.from == Some(*status)), *status != Status::Archived);
    }
    for row in &TRANSITIONS {
        assert!(row.from != Some(row.to), "{}", row.says);
    }
}

#[test]
fn status_3_3_an_account_of_an_earlier_system_begins_as_its_facts_say() {
    let terms = Terms::SOURCE;
    let ended = |reason: &str| {
        let mut facts = Facts::imported(day("2015-03-01"));
        facts.terminated_on = Some(day("2025-11-10"));
        facts.termination_reason = esep::classify::TerminationReason::parse(reason.as_bytes());
        facts
    };
    let mut credit = ended("refusal");
    credit.money = money("credit=840.00");
    let mut doubtful = ended("debt");
    doubtful.money = money("doubtful=7650.40");
    for (facts, status, since) in [
        (Facts::imported(day("2026-03-10")), "new", "2026-03-10"),
        (Facts::imported(day("2024-05-14")), "current", "2024-06-01"),
        (ended("refusal"), "archived", "2025-12-11"),
        (credit, "closed_credit", "2025-11-10"),
        (doubtful, "closed_doubtful", "2025-11-10"),
    ] {
        let life = Life::imported(&terms, facts, day("2026-03-31"));
        assert_eq!((life.status().name(), life.since()), (status, day(since)));
    }
}
