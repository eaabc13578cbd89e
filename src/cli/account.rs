//! One account, for a person or a program. Source: interface 7.2, 7.6.

use super::status::{day, due};
use super::{AccountArgs, Ended, print, tell};
use crate::post::entry::Brought;
use crate::post::{AccountStatus, AccountView, Moved, Movement, Store};
use crate::units::{InstantMs, LocalDay, Tiyn, Zone};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

pub(super) fn run(args: &AccountArgs) -> anyhow::Result<Ended> {
    let on = args.at.as_deref().map(|text| day("--at", text)).transpose()?;
    let store = Store::open_to_read(&args.store.data)?;
    let zone = store.zone()?;
    let Some(view) = store.account(&args.id, on, &zone)? else {
        tell(&format!("esep: no account {} in {}", args.id, args.store.data.display()));
        return Ok(Ended::NotDone);
    };
    let status = store.status_of(&args.id, on)?;
    let view = with_kinds(view, status.as_ref());
    if args.store.common.json {
        print(&json(&view, status.as_ref(), &zone)?)?;
    } else {
        print(&text(&view, status.as_ref(), &zone, on))?;
    }
    Ok(Ended::Done)
}

/// Source: interface 7.6.
#[derive(Serialize)]
struct Json<'v> {
    account_id: &'v str,
    status: Option<&'static str>,
    since: Option<String>,
    as_of: Option<String>,
    why: Option<Why>,
    classified: Option<&'static str>,
    contradictions: Vec<&'static str>,
    unverified: Vec<&'static str>,
    next: Option<NextMove>,
    balance: String,
    unbilled: String,
    advance: String,
    not_owed: String,
    receivable: Receivable,
    timeline: Vec<JsonMove>,
    tasks: Vec<JsonTask>,
    refused: Vec<JsonRefused>,
    movements: Vec<JsonMoved>,
}

#[derive(Serialize)]
struct Why {
    rule: &'static str,
    facts: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct NextMove {
    status: &'static str,
    on: String,
    rule: &'static str,
}

#[derive(Serialize)]
struct JsonMove {
    on: String,
    from: Option<&'static str>,
    to: &'static str,
    rule: &'static str,
}

#[derive(Serialize)]
struct JsonTask {
    task: &'static str,
    on: String,
    due: String,
    overdue: bool,
}

#[derive(Serialize)]
struct JsonRefused {
    event_id: String,
    on: String,
    rule: &'static str,
    why: String,
}

#[derive(Serialize)]
struct Receivable {
    not_due: String,
    overdue: String,
    doubtful: String,
    off_balance: String,
    credit: String,
    penalty: String,
}

#[derive(Serialize)]
struct JsonMoved {
    at: Option<String>,
    kind: &'static str,
    reference: String,
    amount: String,
}

/// Once the life of an account has moved its money between kinds, nothing of it is unbilled, and what the client has is
/// one sum.
fn with_kinds(view: AccountView, status: Option<&AccountStatus>) -> AccountView {
    let moved = view.movements.iter().any(|moved| matches!(moved.what, Movement::Status(_)));
    match status {
        Some(status) if moved && status.status.is_closed() => {
            AccountView { advance: status.money.credit, unbilled: Tiyn::ZERO, ..view }
        }
        Some(_) | None => view,
    }
}

fn receivable(view: &AccountView, status: Option<&AccountStatus>) -> Receivable {
    let zero = Tiyn::ZERO;
    let [not_due, overdue, doubtful, off_balance, credit, penalty] = match status {
        None => [view.not_due, view.overdue, zero, zero, view.advance, zero],
        Some(AccountStatus { money, as_of, .. }) => {
            let doubtful = money.doubtful.checked_add(money.hopeless_on_books).unwrap_or(Tiyn::MAX);
            let (not_due, overdue) = (money.not_due(*as_of, 0), money.overdue(*as_of, 0));
            [not_due, overdue, doubtful, money.off_balance, money.credit, money.penalty]
        }
    }
    .map(|amount| amount.to_string());
    Receivable { not_due, overdue, doubtful, off_balance, credit, penalty }
}

fn json(view: &AccountView, status: Option<&AccountStatus>, zone: &Zone) -> anyhow::Result<String> {
    let movements = view.movements.iter().map(|moved| JsonMoved {
        at: shown(zone, moved.at),
        kind: kind(moved),
        reference: reference(moved),
        amount: moved.amount.to_string(),
    });
    let timeline = status.iter().flat_map(|status| &status.timeline).map(|of| JsonMove {
        on: of.on.to_string(),
        from: of.from.map(|from| from.name()),
        to: of.to.name(),
        rule: of.rule.id(),
    });
    let tasks = status.iter().flat_map(|status| &status.tasks).map(|of| JsonTask {
        task: of.task.name(),
        on: of.on.to_string(),
        due: due(of, zone),
        overdue: of.overdue,
    });
    let refused = status.iter().flat_map(|status| &status.refused).map(|(id, on, refusal)| JsonRefused {
        event_id: id.clone(),
        on: on.to_string(),
        rule: refusal.rule.id(),
        why: refusal.to_string(),
    });
    let next = status.and_then(|status| status.next);
    let json = Json {
        account_id: &view.account_id,
        status: status.map(|status| status.status.name()),
        since: status.map(|status| status.since.to_string()),
        as_of: status.map(|status| status.as_of.to_string()),
        why: status.map(|status| Why { rule: status.rule.id(), facts: status.facts.iter().cloned().collect() }),
        classified: status.map(|status| status.classified.status.name()),
        contradictions: status.map_or_else(Vec::new, |status| status.contradictions.clone()),
        unverified: status.iter().flat_map(|status| status.classified.unverified.iter()).map(|of| of.name()).collect(),
        next: next.map(|next| NextMove { status: next.status.name(), on: next.on.to_string(), rule: next.rule.id() }),
        balance: view.balance.to_string(),
        unbilled: view.unbilled.to_string(),
        advance: view.advance.to_string(),
        not_owed: view.not_owed.to_string(),
        receivable: receivable(view, status),
        timeline: timeline.collect(),
        tasks: tasks.collect(),
        refused: refused.collect(),
        movements: movements.collect(),
    };
    Ok(format!("{}\n", serde_json::to_string_pretty(&json)?))
}

fn text(view: &AccountView, status: Option<&AccountStatus>, zone: &Zone, on: Option<LocalDay>) -> String {
    let mut text = format!("account {}\n", view.account_id);
    match (status, on) {
        (Some(status), _) => text.push_str(&status_text(status, zone)),
        (None, Some(on)) => {
            let _ = writeln!(text, "  not open yet on {on}: no status");
        }
        (None, None) => {}
    }
    let of = receivable(view, status);
    let zero = Tiyn::ZERO.to_string();
    for (name, amount, always) in [
        ("balance", view.balance.to_string(), true),
        ("advance", view.advance.to_string(), false),
        ("unbilled", view.unbilled.to_string(), false),
        ("not due", of.not_due, false),
        ("overdue", of.overdue, false),
        ("doubtful", of.doubtful, false),
        ("off-balance", of.off_balance, false),
        ("penalty", of.penalty, false),
        ("not owed", view.not_owed.to_string(), false),
    ] {
        if always || amount != zero {
            let _ = writeln!(text, "  {name:<11} {amount:>12} KZT");
        }
    }
    if !view.movements.is_empty() {
        let _ = writeln!(text, "\n  {:<23}  {:<9}  {:>14}  reference", "local time", "what", "KZT");
    }
    for moved in &view.movements {
        let at = shown(zone, moved.at).unwrap_or_else(|| "before".into());
        let _ =
            writeln!(text, "  {at:<23}  {:<9}  {:>14}  {}", kind(moved), moved.amount.to_string(), reference(moved));
    }
    text
}

fn kind(moved: &Moved) -> &'static str {
    match &moved.what {
        Movement::Charge(line) if line.reversal => "reversal",
        Movement::Charge(_) => "charge",
        Movement::Payment(..) => "payment",
        Movement::Refund(_) => "refund",
        Movement::Opening(_) | Movement::Brought(_) => "opening",
        Movement::Status(_) => "status",
    }
}

fn reference(moved: &Moved) -> String {
    match &moved.what {
        Movement::Charge(line) if line.reversal => String::new(),
        Movement::Charge(line) => format!("{}/{}", line.source, String::from_utf8_lossy(&line.record_id)),
        Movement::Payment(reference, channel, vat) if *vat == crate::units::Tiyn::ZERO => {
            format!("{reference} ({channel})")
        }
        Movement::Payment(reference, channel, vat) => format!("{reference} ({channel}), VAT {vat} taken out of it"),
        Movement::Refund(reference) => reference.clone(),
        Movement::Opening(month) => format!("of {}", month.first_day()),
        Movement::Brought(kind) => match kind {
            Brought::Doubtful => "doubtful debt".into(),
            Brought::OffBalance => "off-balance debt".into(),
            Brought::Penalty => "penalty".into(),
        },
        Movement::Status(posting) => posting.name().replace('_', " "),
    }
}

/// Status, why, what contradicts it, what comes, and the way there.
fn status_text(status: &AccountStatus, zone: &Zone) -> String {
    let mut text = format!("  {} since {}, as of {}\n", status.status, status.since, status.as_of);
    let _ = writeln!(text, "    why      {} ({})", status.says, status.rule);
    let facts: Vec<String> = status.facts.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let _ = writeln!(text, "    facts    {}", facts.join(", "));
    let by_facts = &status.classified;
    if by_facts.status != status.status {
        let _ = writeln!(text, "    by facts {}: {} ({})", by_facts.status, by_facts.says, by_facts.rule);
    }
    if !status.contradictions.is_empty() {
        let _ = writeln!(text, "    but not  {}", status.contradictions.join(", "));
    }
    let _ = match &status.next {
        Some(next) => writeln!(text, "    next     {} on {} ({}), if nothing happens", next.status, next.on, next.rule),
        None => writeln!(text, "    next     nothing, if nothing happens"),
    };
    for task in &status.tasks {
        let late = if task.overdue { ", overdue" } else { "" };
        let _ = writeln!(text, "    to do    {}{late}", due(task, zone));
    }
    for (id, on, refusal) in &status.refused {
        let _ = writeln!(text, "    refused  event {id} of {on}: {refusal}");
    }
    text.push_str("  timeline\n");
    for of in &status.timeline {
        let from = of.from.map_or("-", |from| from.name());
        let _ = writeln!(text, "    {}  {from} -> {}: {} ({})", of.on, of.to, of.says, of.rule);
    }
    text.push('\n');
    text
}

/// A local time; none for what was before everything.
fn shown(zone: &Zone, at: InstantMs) -> Option<String> {
    if at.0 == i64::MIN {
        return None;
    }
    let local = zone.local(at);
    let ms = local.ms_of_day;
    Some(format!("{} {:02}:{:02}:{:02}.{:03}", local.day, ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000))
}
