//! Completeness: every combination of finite classes of the facts gives one status, the one that the specification's
//! rows give when they are read one after the other by another hand; and the counts that `docs/statuses.md` tells.

use super::story::{day, money};
use esep::classify::{
    Act, Agreement, Classified, DESCRIPTORS, Devices, Facts, Money, OffCause, RemovalOrder, Status, TerminationReason,
    classify, diagram,
};
use esep::units::{LocalDay, Tiyn};
use std::fmt::Write;

const TRI: [Option<bool>; 3] = [None, Some(false), Some(true)];
const TODAY: &str = "2026-03-15";

/// 3.2, read again.
fn by_the_book(f: &Facts, today: LocalDay) -> Status {
    let some = |amount: Tiyn| amount > Tiyn::ZERO;
    let m = &f.money;
    let overdue = m.owed.iter().any(|due| due.on < today);
    let debt = !m.owed.is_empty() || some(m.rescheduled) || some(m.doubtful) || some(m.hopeless_on_books);
    let Some(ended) = f.terminated_on else {
        let missed = f.agreement.is_some_and(|a| !a.on_schedule);
        let kept = f.agreement.is_some_and(|a| a.on_schedule);
        return if f.off_cause == Some(OffCause::Suspension) && !debt {
            Status::Current
        } else if (f.crm_on, f.billing_on, f.analyzeset_off, f.off_cause)
            == (Some(false), Some(false), Some(true), Some(OffCause::Debt))
        {
            Status::Disconnected
        } else if (overdue && !kept) || (missed && some(m.rescheduled)) {
            Status::Overdue
        } else if !overdue && f.opened_on.period() == today.period() && f.reopened_on.is_none() {
            Status::New
        } else {
            Status::Current
        };
    };
    let nothing = !debt && !some(m.off_balance) && !some(m.penalty) && !some(m.credit);
    let moved_late = f.credit_transferred_on.is_some_and(|on| on > ended.plus_months(12));
    if nothing && (f.fraud_adjusted_on.is_some() || f.credit_written_off_on.is_some() || moved_late) {
        Status::Archived
    } else if debt {
        Status::ClosedDoubtful
    } else if some(m.off_balance) {
        Status::ClosedWrittenOff
    } else if some(m.credit) {
        if today < ended.plus_months(36) || f.credit_request_on.is_some() {
            Status::ClosedCredit
        } else {
            Status::ClosedDoubtfulCredit
        }
    } else {
        let clear = f.last_nonzero_on.map_or(ended, |last| last.max(ended));
        if some(m.penalty) || today.0 - clear.0 <= 30 { Status::Closed } else { Status::Archived }
    }
}

#[derive(Default)]
struct Counts {
    of: [[u64; 3]; 10],
}

impl Counts {
    fn count(&mut self, facts: &Facts, today: LocalDay) {
        let Classified { status, contradictions, unverified, .. } = classify(facts, today);
        assert_eq!(status, by_the_book(facts, today), "{facts:?}");
        let asked = DESCRIPTORS.iter().find(|(of, _)| *of == status).unwrap().1;
        assert!(contradictions.iter().all(|d| asked.contains(&d) && !unverified.has(d)), "{facts:?}");
        let row = &mut self.of[status as usize];
        row[0] += 1;
        row[1] += u64::from(!contradictions.is_empty());
        row[2] += u64::from(contradictions.is_empty() && unverified.is_empty());
    }
}

fn amounts(bits: u32) -> Money {
    let names = ["rescheduled", "doubtful", "hopeless", "off_balance", "penalty", "credit"];
    let words = names.iter().enumerate().filter(|(n, _)| bits & (1 << n) != 0).map(|(_, name)| format!("{name}=1.00"));
    money(&words.collect::<Vec<_>>().join(" "))
}

fn in_force(counts: &mut Counts) {
    let today = day(TODAY);
    let owed = ["", "owed=2026-03-25:1.00", "owed=2026-02-25:1.00", "owed=2026-02-25:1.00 owed=2026-03-25:1.00"];
    let agreements = [None, Some(true), Some(false)];
    let devices = [None, Some(Devices::Installed), Some(Devices::Dismantled), Some(Devices::NeverIssued)];
    let causes = [None, Some(OffCause::Debt), Some(OffCause::Suspension), Some(OffCause::Termination)];
    for (opened, reopened) in
        [("2026-03-01", None), ("2026-03-01", Some(day("2026-03-10"))), ("2026-02-28", None), ("2024-02-29", None)]
    {
        for bits in 0..64 {
            for owed in owed {
                let mut facts = Facts::imported(day(opened));
                (facts.reopened_on, facts.contract_on) = (reopened, Some(day(opened)));
                facts.charged = Some(true);
                facts.money = amounts(bits);
                facts.money.owed = money(owed).owed;
                for (agreement, devices) in agreements.iter().flat_map(|a| devices.iter().map(move |d| (a, d))) {
                    facts.agreement = agreement.map(|on_schedule| Agreement { signed_on: day(opened), on_schedule });
                    facts.devices = *devices;
                    for place in 0..108usize {
                        (facts.crm_on, facts.billing_on) = (TRI[place % 3], TRI[place / 3 % 3]);
                        (facts.analyzeset_off, facts.off_cause) = (TRI[place / 9 % 3], causes[place / 27]);
                        counts.count(&facts, today);
                    }
                }
            }
        }
    }
}

fn ended(counts: &mut Counts) {
    let today = day(TODAY);
    // Ended today, 30 and 31 days ago, 12 months and a day more, 3 years less a day, 3 years.
    let ends =
        ["2026-03-15", "2026-02-13", "2026-02-12", "2025-03-15", "2025-03-14", "2023-03-16", "2023-03-15"].map(day);
    let services = [(None, None), (Some(false), Some(false)), (Some(true), Some(false)), (Some(true), Some(true))];
    let reasons = [None, Some(TerminationReason::Refusal), Some(TerminationReason::OwnerChange)];
    let equipment = [
        (None, None),
        (Some(Devices::Installed), Some(Act::None)),
        (Some(Devices::Dismantled), Some(Act::Return)),
        (Some(Devices::NeverIssued), Some(Act::Absence)),
    ];
    for (end, bits, owed) in
        ends.iter().flat_map(|e| (0..64).flat_map(move |b| [(e, b, ""), (e, b, "owed=2026-02-25:1.00")]))
    {
        let mut facts = Facts::imported(day("2020-01-01"));
        facts.terminated_on = Some(*end);
        (facts.hopeless_on, facts.written_off_on, facts.active_offers) = (Some(*end), Some(*end), Some(0));
        facts.money = amounts(bits);
        facts.money.owed = money(owed).owed;
        let clear = [None, Some(today.plus_days(-30)), Some(today.plus_days(-31))];
        let moved = [None, Some(end.plus_months(12)), Some(end.plus_months(12).plus_days(1))];
        for place in 0..72usize {
            facts.last_nonzero_on = clear[place % 3];
            facts.credit_transferred_on = moved[place / 3 % 3];
            facts.fraud_adjusted_on = (place / 9 % 2 == 1).then_some(today);
            facts.credit_written_off_on = (place / 18 % 2 == 1).then_some(today);
            facts.credit_request_on = (place / 36 == 1).then_some(*end);
            for detail in 0..48usize {
                (facts.crm_on, facts.billing_on) = services[detail % 4];
                facts.termination_reason = reasons[detail / 4 % 3];
                (facts.devices, facts.act) = equipment[detail / 12];
                let order = |closed_on| RemovalOrder { order: "N-1".into(), opened_on: *end, closed_on };
                facts.removal_orders.clear();
                match place % 3 {
                    0 => {}
                    1 => facts.removal_orders.push(order(None)),
                    _ => facts.removal_orders.push(order(Some(*end))),
                }
                counts.count(&facts, today);
            }
        }
    }
}

fn documented() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/statuses.md")).unwrap()
}

#[test]
fn status_3_2_every_combination_of_the_facts_gives_one_status() {
    let mut counts = Counts::default();
    in_force(&mut counts);
    ended(&mut counts);
    let mut table =
        String::from("| status | combinations | with a contradiction | nothing to object |\n|---|---|---|---|\n");
    let mut sum = [0u64; 3];
    for status in Status::ALL {
        let row = counts.of[*status as usize];
        assert!(row[0] > row[1] && row[1] > 0 && row[2] > 0, "{status}: {row:?}");
        writeln!(table, "| `{status}` | {} | {} | {} |", row[0], row[1], row[2]).unwrap();
        (0..3).for_each(|n| sum[n] += row[n]);
    }
    writeln!(table, "| all | {} | {} | {} |", sum[0], sum[1], sum[2]).unwrap();
    assert!(documented().contains(&table), "docs/statuses.md tells other counts than\n\n{table}");
}

#[test]
fn status_3_3_the_diagram_in_the_docs_is_that_of_the_table() {
    let diagram = format!("```mermaid\n{}```\n", diagram());
    assert!(documented().contains(&diagram), "docs/statuses.md shows another diagram than\n{diagram}");
}
