//! 3.2 by rule: which row decides, what contradicts it, what is not known.

use super::story::{day, money};
use esep::classify::{
    Act, Agreement, Classified, Devices, Facts, OffCause, RemovalOrder, Status, StatusFlag, TerminationReason, Terms,
    classify, classify_under, control, known_facts,
};

type Set = fn(&mut Facts);

/// Opened on 2024-05-14, in service, everything known.
fn in_service() -> Facts {
    let mut facts = Facts::opened(day("2024-05-14"));
    facts.contract_on = Some(day("2024-05-14"));
    facts.connected_on = Some(day("2024-05-15"));
    (facts.crm_on, facts.billing_on, facts.charged) = (Some(true), Some(true), Some(true));
    facts.devices = Some(Devices::Installed);
    facts
}

/// Closed on 2025-11-10 as it should be.
fn closed() -> Facts {
    let mut facts = in_service();
    facts.terminated_on = Some(day("2025-11-10"));
    facts.termination_reason = Some(TerminationReason::Refusal);
    (facts.crm_on, facts.billing_on) = (Some(false), Some(false));
    (facts.devices, facts.act) = (Some(Devices::Dismantled), Some(Act::Return));
    let on = day("2025-11-10");
    facts.removal_orders.push(RemovalOrder { order: "N-1".into(), opened_on: on, closed_on: Some(on) });
    facts.active_offers = Some(0);
    facts
}

fn with(mut facts: Facts, set: Set) -> Facts {
    set(&mut facts);
    facts
}

fn told(classified: &Classified) -> String {
    format!("{} {} {}", classified.row, classified.status, classified.contradictions)
}

fn check(base: fn() -> Facts, rows: &[(&str, Set, &str)]) {
    for (on, set, expected) in rows {
        let classified = classify(&with(base(), *set), day(on));
        assert_eq!(told(&classified).trim_end(), *expected, "{on}");
        assert_eq!(classified.unverified.to_string(), "", "{on} {expected}");
    }
}

#[test]
fn pa_4_1_pa_4_2_pa_4_5_a_contract_in_force() {
    check(
        in_service,
        &[
            ("2024-05-14", |_| {}, "4 new"),
            ("2024-05-31", |_| {}, "4 new"),
            ("2024-06-01", |_| {}, "5 current"),
            ("2026-02-24", |f| f.money = money("owed=2026-02-25:1.00"), "5 current"),
            ("2026-02-25", |f| f.money = money("owed=2026-02-25:1.00"), "5 current"),
            ("2026-02-26", |f| f.money = money("owed=2026-02-25:1.00"), "3 overdue"),
            ("2026-02-26", |f| f.money = money("owed=2026-03-25:1.00 penalty=9.00"), "5 current"),
            ("2026-02-26", |f| f.money = money("credit=1.00"), "5 current"),
            ("2026-02-26", |f| f.money = money("credit=1.00 owed=2026-02-25:1.00"), "3 overdue debt_or_credit"),
            ("2026-02-26", |f| f.devices = Some(Devices::Dismantled), "5 current devices_connected"),
            ("2026-02-26", |f| f.devices = Some(Devices::NeverIssued), "5 current"),
            ("2026-02-26", |f| f.charged = Some(false), "5 current charged"),
            ("2026-02-26", |f| f.crm_on = Some(false), "5 current services_connected"),
            ("2026-02-26", |f| f.analyzeset_off = Some(true), "5 current systems_agree"),
            (
                "2026-02-26",
                |f| (f.crm_on, f.billing_on, f.connected_on) = (Some(false), Some(false), None),
                "5 current services_connected;ever_connected",
            ),
            // Reopened in the month of its opening it is no new client's †.
            ("2024-05-31", |f| f.reopened_on = Some(day("2024-05-30")), "5 current"),
        ],
    );
}

#[test]
fn pa_4_6_an_agreement_that_is_kept_and_one_that_is_not() {
    fn agreed(facts: &mut Facts, on_schedule: bool) {
        facts.agreement = Some(Agreement { signed_on: day("2026-02-26"), on_schedule });
    }
    check(
        in_service,
        &[
            ("2026-03-01", |f| (agreed(f, true), f.money = money("owed=2026-02-25:1.00")).0, "3a current"),
            ("2026-03-01", |f| (agreed(f, false), f.money = money("owed=2026-02-25:1.00")).0, "3 overdue"),
            ("2026-03-01", |f| (agreed(f, true), f.money = money("rescheduled=1.00")).0, "5 current"),
            ("2026-03-01", |f| (agreed(f, false), f.money = money("rescheduled=1.00")).0, "3 overdue"),
        ],
    );
}

#[test]
fn pa_4_6_disconnected_is_what_all_three_systems_say() {
    fn off(facts: &mut Facts) {
        (facts.crm_on, facts.billing_on, facts.analyzeset_off) = (Some(false), Some(false), Some(true));
        (facts.off_cause, facts.blocked_on) = (Some(OffCause::Debt), Some(day("2026-03-12")));
        facts.money = money("owed=2026-02-25:1.00");
    }
    check(
        in_service,
        &[
            ("2026-03-12", off, "2 disconnected"),
            ("2026-03-12", |f| (off(f), f.money = money("")).0, "2 disconnected"),
            ("2026-03-12", |f| (off(f), f.crm_on = Some(true)).0, "3 overdue services_connected"),
            ("2026-03-12", |f| (off(f), f.billing_on = Some(true)).0, "3 overdue services_connected;systems_agree"),
            (
                "2026-03-12",
                |f| (off(f), f.analyzeset_off = Some(false)).0,
                "3 overdue services_connected;systems_agree",
            ),
        ],
    );
    let waits = classify(&with(in_service(), |f| (off(f), f.money = money("")).0), day("2026-03-13"));
    assert_eq!(waits.flags().collect::<Vec<_>>(), [StatusFlag::NotRestored]);
}

#[test]
fn net_19_8_who_is_suspended_without_debt_is_current() {
    fn away(facts: &mut Facts) {
        (facts.crm_on, facts.billing_on, facts.charged) = (Some(false), Some(false), Some(false));
        facts.off_cause = Some(OffCause::Suspension);
    }
    check(
        in_service,
        &[
            ("2026-03-12", away, "1 current"),
            ("2026-03-12", |f| (away(f), f.money = money("penalty=1.00")).0, "1 current"),
            (
                "2026-03-12",
                |f| (away(f), f.money = money("owed=2026-02-25:1.00")).0,
                "3 overdue services_connected;charged",
            ),
            (
                "2026-03-12",
                |f| (away(f), f.money = money("owed=2026-03-25:1.00")).0,
                "5 current services_connected;charged",
            ),
        ],
    );
    let classified = classify(&with(in_service(), away), day("2026-03-12"));
    assert!(classified.has(StatusFlag::Suspended) && classified.decided);
}

#[test]
fn pa_4_3_pa_4_4_closed_for_thirty_days() {
    check(
        closed,
        &[
            ("2025-11-10", |_| {}, "10 closed"),
            ("2025-12-09", |_| {}, "10 closed"),
            ("2025-12-10", |_| {}, "10 closed"),
            ("2025-12-11", |_| {}, "10a archived"),
            // The later of the end and the last day with any balance.
            ("2026-02-19", |f| f.last_nonzero_on = Some(day("2026-01-20")), "10 closed"),
            ("2026-02-20", |f| f.last_nonzero_on = Some(day("2026-01-20")), "10a archived"),
            ("2025-12-11", |f| f.last_nonzero_on = Some(day("2025-01-20")), "10a archived"),
            // The end of the contract wins over what AnalyzeSet still says.
            ("2025-11-11", |f| (f.analyzeset_off, f.off_cause) = (Some(true), Some(OffCause::Debt)), "10 closed"),
            ("2030-01-01", |f| f.money = money("penalty=1.00"), "10 closed nothing_owed;not_penalty_only"),
            ("2025-11-11", |f| f.devices = Some(Devices::Installed), "10 closed dismantled"),
            (
                "2025-11-11",
                |f| {
                    (f.devices, f.termination_reason) = (Some(Devices::Installed), Some(TerminationReason::OwnerChange))
                },
                "10 closed",
            ),
            ("2025-11-11", |f| f.removal_orders[0].closed_on = None, "10 closed no_open_order"),
            ("2025-11-11", |f| f.billing_on = Some(true), "10 closed not_provided"),
            ("2025-12-11", |f| f.active_offers = Some(1), "10a archived no_offers"),
        ],
    );
}

#[test]
fn pa_4_7_pa_4_8_pa_3_29_closed_with_debt() {
    check(
        closed,
        &[
            ("2025-11-11", |f| f.money = money("doubtful=1.00"), "7 closed_doubtful"),
            ("2025-11-11", |f| f.money = money("hopeless=1.00"), "7 closed_doubtful"),
            ("2025-11-11", |f| f.money = money("doubtful=1.00 off_balance=1.00"), "7 closed_doubtful"),
            ("2025-11-11", |f| f.money = money("doubtful=1.00 owed=2025-11-25:1.00"), "7 closed_doubtful reclassified"),
            ("2025-11-11", |f| f.money = money("owed=2025-11-25:1.00"), "7 closed_doubtful doubtful_debt;reclassified"),
            ("2025-11-11", |f| f.money = money("doubtful=1.00 credit=1.00"), "7 closed_doubtful debt_or_credit"),
        ],
    );
    fn written_off(facts: &mut Facts) {
        (facts.hopeless_on, facts.written_off_on) = (Some(day("2026-01-01")), Some(day("2026-01-02")));
        facts.money = money("off_balance=1.00");
    }
    check(
        closed,
        &[
            ("2026-02-01", written_off, "8 closed_written_off"),
            // Only the life cycle ends the five years: while it is carried, it is carried.
            ("2031-01-03", written_off, "8 closed_written_off"),
            (
                "2026-02-01",
                |f| (written_off(f), f.fraud_adjusted_on = Some(day("2026-01-20"))).0,
                "8 closed_written_off",
            ),
            ("2026-02-01", |f| (written_off(f), f.money = money("")).0, "10a archived"),
            (
                "2026-01-21",
                |f| (written_off(f), f.money = money(""), f.fraud_adjusted_on = Some(day("2026-01-20"))).0,
                "6 archived",
            ),
        ],
    );
    let unknown = classify(&with(closed(), |f| f.money = money("off_balance=1.00")), day("2026-02-01"));
    assert_eq!(unknown.unverified.to_string(), "written_off");
}

#[test]
fn pa_4_9_pa_4_10_closed_with_a_credit_balance() {
    fn credit(facts: &mut Facts) {
        facts.money = money("credit=1.00");
    }
    fn moved(facts: &mut Facts, on: &str) {
        (facts.credit_request_on, facts.credit_transferred_on) = (Some(day("2026-01-01")), Some(day(on)));
        facts.last_nonzero_on = Some(day(on));
    }
    check(
        closed,
        &[
            ("2025-11-11", credit, "9 closed_credit"),
            ("2026-11-11", credit, "9 closed_credit"),
            ("2028-11-09", credit, "9 closed_credit"),
            ("2028-11-10", credit, "9b closed_doubtful_credit"),
            ("2028-11-10", |f| (credit(f), f.credit_request_on = Some(day("2028-11-09"))).0, "9a closed_credit"),
            ("2025-11-11", |f| (credit(f), f.act = Some(Act::None)).0, "9 closed_credit act_signed"),
            ("2025-11-11", |f| (credit(f), f.act = Some(Act::Absence)).0, "9 closed_credit"),
            ("2025-11-11", |f| (credit(f), f.removal_orders[0].closed_on = None).0, "9 closed_credit orders_done"),
            ("2026-11-10", |f| moved(f, "2026-11-10"), "10 closed"),
            ("2026-12-10", |f| moved(f, "2026-11-10"), "10 closed"),
            ("2026-12-11", |f| moved(f, "2026-11-10"), "10a archived"),
            ("2026-11-11", |f| moved(f, "2026-11-11"), "6 archived"),
            ("2028-12-01", |f| f.credit_written_off_on = Some(day("2028-12-01")), "6 archived"),
            (
                "2028-12-02",
                |f| (credit(f), f.credit_written_off_on = Some(day("2028-12-01"))).0,
                "9b closed_doubtful_credit no_late_credit",
            ),
        ],
    );
}

#[test]
fn status_3_2_what_is_not_known_is_told_and_contradicts_nothing() {
    let unverified = |facts: &Facts, on: &str| {
        let classified = classify(facts, day(on));
        assert_eq!(classified.contradictions.to_string(), "");
        format!("{} {}", classified.status, classified.unverified)
    };
    let imported = Facts::imported(day("2015-03-01"));
    assert_eq!(
        unverified(&imported, "2026-03-31"),
        "current devices_connected;services_connected;charged;ever_connected;systems_agree"
    );
    let mut ended = imported.clone();
    ended.terminated_on = Some(day("2024-02-20"));
    assert_eq!(unverified(&ended, "2024-02-29"), "closed termination_marked;not_provided;dismantled");
    assert_eq!(unverified(&ended, "2024-03-21"), "closed termination_marked;not_provided;dismantled");
    assert_eq!(unverified(&ended, "2024-03-22"), "archived termination_marked;not_provided;dismantled;no_offers");
    ended.money = money("credit=840.00");
    assert_eq!(
        unverified(&ended, "2024-03-22"),
        "closed_credit termination_marked;not_provided;dismantled;act_signed;orders_done"
    );
}

#[test]
fn pa_57_the_control_list_names_mismatches_and_contradictions() {
    let terms = Terms::SOURCE;
    let listed = |recorded, facts: &Facts, on: &str| {
        control(&terms, recorded, facts, day(on)).map_or_else(String::new, |row| {
            format!("{} {} {} {}", row.recorded, row.classified.status, row.is_mismatch(), row.contradictions)
        })
    };
    let overdue = with(in_service(), |f| f.money = money("owed=2026-02-25:1.00"));
    assert_eq!(listed(Status::Current, &overdue, "2026-02-25"), "");
    assert_eq!(listed(Status::Current, &overdue, "2026-02-26"), "current overdue true ");
    assert_eq!(listed(Status::Overdue, &overdue, "2026-02-26"), "");
    let half = with(overdue, |f| f.analyzeset_off = Some(true));
    assert_eq!(listed(Status::Overdue, &half, "2026-02-26"), "overdue overdue false systems_agree");
    let late = with(closed(), |f| f.money = money("credit=1.00"));
    assert_eq!(listed(Status::Archived, &late, "2026-02-26"), "archived closed_credit true no_late_credit");
}

#[test]
fn status_3_2_the_facts_behind_a_status_are_told() {
    let facts = with(in_service(), |f| f.money = money("owed=2026-02-25:1.00 owed=2026-03-25:2.50 penalty=0.01"));
    let told = known_facts(&Terms::SOURCE, &facts, day("2026-03-01"));
    let told: Vec<String> = told.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        told.join(" "),
        "opened_on=2024-05-14 contract_on=2024-05-14 crm_on=true billing_on=true analyzeset_off=false devices=installed \
         act=none not_due=2.50 overdue=1.00 penalty=0.01"
    );
}

#[test]
fn interface_7_2_another_term_gives_another_status_and_the_source_stays_as_it_is() {
    let status = |terms: Terms, facts: &Facts, on: &str| classify_under(&terms, facts, day(on)).status.name();
    let overdue = with(in_service(), |f| f.money = money("owed=2026-02-25:1.00"));
    let grace = Terms { grace_days: 3, ..Terms::SOURCE };
    for (on, there, here) in [
        ("2026-02-26", "overdue", "current"),
        ("2026-02-28", "overdue", "current"),
        ("2026-03-01", "overdue", "overdue"),
    ] {
        assert_eq!((status(Terms::SOURCE, &overdue, on), status(grace, &overdue, on)), (there, here), "{on}");
    }
    let short = Terms { closed_days: 10, ..Terms::SOURCE };
    assert_eq!(status(short, &closed(), "2025-11-20"), "closed");
    assert_eq!(status(short, &closed(), "2025-11-21"), "archived");
    let credit = with(closed(), |f| f.money = money("credit=1.00"));
    let year = Terms { credit_life_months: 12, ..Terms::SOURCE };
    assert_eq!(status(year, &credit, "2026-11-10"), "closed_doubtful_credit");
}
