//! One account, for a person or a program. Source: interface 7.2, 7.6.

use super::{AccountArgs, Ended, print, tell};
use crate::post::{AccountView, Moved, Movement, Store};
use crate::units::{InstantMs, LocalDay, Zone};
use serde::Serialize;
use std::fmt::Write;

pub(super) fn run(args: &AccountArgs) -> anyhow::Result<Ended> {
    let on = args
        .at
        .as_deref()
        .map(|text| LocalDay::parse(text).map_err(|_| anyhow::anyhow!("--at {text} is not a day like 2026-03-31")));
    let on = on.transpose()?;
    let store = Store::open_to_read(&args.store.data)?;
    let zone = store.books.reference.as_ref().and_then(|set| Zone::parse(&set.time_zone).ok());
    let zone = zone.map_or_else(|| Zone::parse("Asia/Almaty"), Ok)?;
    let Some(view) = store.account(&args.id, on, &zone)? else {
        tell(&format!("esep: no account {} in {}", args.id, args.store.data.display()));
        return Ok(Ended::NotDone);
    };
    if args.store.common.json {
        print(&json(&view, &zone)?)?;
    } else {
        print(&text(&view, &zone))?;
    }
    Ok(Ended::Done)
}

#[derive(Serialize)]
struct Json<'v> {
    account_id: &'v str,
    balance: String,
    unbilled: String,
    advance: String,
    not_owed: String,
    receivable: Receivable,
    movements: Vec<JsonMoved>,
}

/// Doubtful and written-off debts come with the life cycle: until then there are none.
#[derive(Serialize)]
struct Receivable {
    not_due: String,
    overdue: String,
    doubtful: &'static str,
    off_balance: &'static str,
    credit: &'static str,
}

#[derive(Serialize)]
struct JsonMoved {
    at: Option<String>,
    kind: &'static str,
    reference: String,
    amount: String,
}

fn json(view: &AccountView, zone: &Zone) -> anyhow::Result<String> {
    let movements = view.movements.iter().map(|moved| JsonMoved {
        at: shown(zone, moved.at),
        kind: kind(moved),
        reference: reference(moved),
        amount: moved.amount.to_string(),
    });
    let json = Json {
        account_id: &view.account_id,
        balance: view.balance.to_string(),
        unbilled: view.unbilled.to_string(),
        advance: view.advance.to_string(),
        not_owed: view.not_owed.to_string(),
        receivable: Receivable {
            not_due: view.not_due.to_string(),
            overdue: view.overdue.to_string(),
            doubtful: "0.00",
            off_balance: "0.00",
            credit: "0.00",
        },
        movements: movements.collect(),
    };
    Ok(format!("{}\n", serde_json::to_string_pretty(&json)?))
}

fn text(view: &AccountView, zone: &Zone) -> String {
    let mut text = format!("account {}\n", view.account_id);
    let zero = crate::units::Tiyn::ZERO;
    for (name, amount, always) in [
        ("balance", view.balance, true),
        ("advance", view.advance, view.advance != zero),
        ("unbilled", view.unbilled, view.unbilled != zero),
        ("not due", view.not_due, view.not_due != zero),
        ("overdue", view.overdue, view.overdue != zero),
        ("not owed", view.not_owed, view.not_owed != zero),
    ] {
        if always {
            let _ = writeln!(text, "  {name:<9} {:>14} KZT", amount.to_string());
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
        Movement::Opening(_) => "opening",
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
    }
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
