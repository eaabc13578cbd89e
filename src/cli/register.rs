//! Changes of the register by hand: an event, an opening, a closing, a move, another person. Every reason against it is
//! told, each with its rule.

use super::books::open_known;
use super::status::day;
use super::{Ended, StoreArgs, print, tell};
use crate::book::Method;
use crate::classify::{
    CardChange, Equipment, FormerOwner, Iin, MovePlan, Moving, Paper, Papers, PersonChange, Right, Technology,
    TerminationReason, check_equipment, check_former_owner, papers_missing_at_closing,
};
use crate::post::{Asked, EventsAdded, NewAccount, NewEvent, RegisterRefusal};
use crate::units::Tiyn;
use clap::Args;
use serde_json::{Value, json};
use std::fmt::{Display, Write};

#[derive(Args, Debug)]
pub(super) struct EventArgs {
    /// The account
    account: String,
    /// The kind: contract_signed, services_on, services_off, agreement_signed … (interface 7.5)
    kind: String,
    /// When: an instant like 2026-03-05T10:00:00+05:00, or a local day
    #[arg(long, value_name = "T")]
    at: String,
    /// What the kind needs: tenge, at most two decimals
    #[arg(long, value_name = "TENGE", default_value = "", hide_default_value = true)]
    amount: String,
    /// What the kind needs: an order, a protocol, a day, an account or card
    #[arg(long, value_name = "R", default_value = "", hide_default_value = true)]
    reference: String,
    /// What the kind needs: debt, suspension, refusal … or free text
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,
    /// Its id: the same one again changes nothing. Without one the event is known by what it says
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    id: String,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Args, Debug)]
pub(super) struct OpenArgs {
    /// The id of the new account
    account: String,
    /// The client's IIN
    #[arg(long)]
    iin: String,
    /// The client's name
    #[arg(long)]
    name: String,
    /// The address within the settlement
    #[arg(long)]
    address: String,
    /// The settlement
    #[arg(long)]
    settlement: String,
    /// The plan
    #[arg(long)]
    plan: String,
    /// The day of the application
    #[arg(long, value_name = "DATE")]
    on: String,
    /// owner, new_owner, tenant, part_owner or resident
    #[arg(long, default_value = "owner")]
    right: String,
    /// credit or advance
    #[arg(long, default_value = "credit")]
    method: String,
    /// b2c, b2b or b2g
    #[arg(long, default_value = "b2c")]
    segment: String,
    /// regular or budget
    #[arg(long, default_value = "regular", value_parser = ["regular", "budget"])]
    funding: String,
    /// Language of the client: kk, ru or en
    #[arg(long, default_value = "kk", value_parser = ["kk", "ru", "en"])]
    language: String,
    /// fibre, copper, copper_and_fibre or wireless
    #[arg(long)]
    technology: Option<String>,
    /// Papers in the file, separated by commas: identity, application, lease, title_document, sales_permission …
    #[arg(long, value_name = "LIST", default_value = "")]
    papers: String,
    /// Scans on the card, separated by commas
    #[arg(long, value_name = "LIST", default_value = "")]
    scans: String,
    /// The deposit is paid
    #[arg(long)]
    deposit: bool,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Args, Debug)]
pub(super) struct CloseArgs {
    /// The account
    account: String,
    /// The last day of the contract: that of the removal
    #[arg(long, value_name = "DATE")]
    on: String,
    /// refusal, debt, segment, owner_change or other
    #[arg(long, default_value = "refusal")]
    reason: String,
    /// The day from which the client refuses service in writing; that of --on unless said
    #[arg(long, value_name = "DATE")]
    refused_from: Option<String>,
    /// Number of the removal order that was done on that day
    #[arg(long, value_name = "NUMBER")]
    order: Option<String>,
    /// The equipment is handed in: act of return
    #[arg(long, conflicts_with = "not_returned")]
    returned: bool,
    /// The equipment is not handed in: act of absence, and its cost
    #[arg(long, value_name = "TENGE")]
    not_returned: Option<String>,
    /// The former owner applied for it (owner_change)
    #[arg(long)]
    applied: bool,
    /// Papers in the file, separated by commas: identity, refusal_application, removal_order, equipment_act …
    #[arg(long, value_name = "LIST", default_value = "")]
    papers: String,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Args, Debug)]
pub(super) struct MoveArgs {
    /// The account
    account: String,
    /// The new address within the settlement
    #[arg(long)]
    address: String,
    /// The settlement of the new address
    #[arg(long)]
    settlement: String,
    /// The day of the application
    #[arg(long, value_name = "DATE")]
    on: String,
    /// Technology at the old address: fibre, copper, copper_and_fibre or wireless
    #[arg(long, value_name = "T")]
    from: String,
    /// Technology at the new address
    #[arg(long, value_name = "T")]
    to: String,
    /// The papers of the public contract are all there
    #[arg(long)]
    full_papers: bool,
    /// How the account pays: credit or advance
    #[arg(long, default_value = "credit")]
    method: String,
    /// The deposit is paid
    #[arg(long)]
    deposit: bool,
    /// The installers found that it cannot be done
    #[arg(long)]
    impossible: bool,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Args, Debug)]
pub(super) struct PersonArgs {
    /// The account
    account: String,
    /// The IIN that the application names
    #[arg(long)]
    iin: String,
    /// The new name
    #[arg(long)]
    name: Option<String>,
    /// The day on which the card is changed
    #[arg(long, value_name = "DATE")]
    on: String,
    /// The day of the written application
    #[arg(long, value_name = "DATE")]
    applied: Option<String>,
    /// Scans of the new documents are attached
    #[arg(long)]
    scans: bool,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn event(args: &EventArgs) -> anyhow::Result<Ended> {
    let EventArgs { account, kind, at, amount, reference, note, id, store } = args;
    let event = NewEvent {
        id: id.clone(),
        account_id: account.clone(),
        at: at.clone(),
        kind: kind.clone(),
        amount: amount.clone(),
        reference: reference.clone(),
        note: note.clone(),
    };
    let added = open_known(store)?.add_events(&[event])?;
    told(store, account, &format!("{kind} of {at}"), &added, json!({}))
}

fn told(store: &StoreArgs, account: &str, what: &str, added: &EventsAdded, more: Value) -> anyhow::Result<Ended> {
    let status = added.status.map(|(status, _)| status.name());
    if let Some(shown) = added.waits_behind.filter(|_| !store.common.quiet) {
        tell(&format!("it waits for its day: {shown} is the last that the records show"));
    }
    if store.common.json {
        let mut value = json!({ "account_id": account, "added": added.added, "status": status });
        if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
            value.extend(more);
        }
        print(&format!("{value:#}\n"))?;
    } else if !store.common.quiet {
        let standing = added.status.map_or(String::new(), |(status, on)| format!("; the account is {status} on {on}"));
        print(&match added.added {
            0 => format!("nothing new: {what} is in the books already{standing}\n"),
            _ => format!("{what} is in the books{standing}\n"),
        })?;
    }
    Ok(Ended::Done)
}

pub(super) fn open_account(args: &OpenArgs) -> anyhow::Result<Ended> {
    let technology =
        args.technology.as_deref().map(|text| one_of("--technology", text, Technology::ALL)).transpose()?;
    let asked = Asked {
        address: &args.address,
        settlement: &args.settlement,
        on: day("--on", &args.on)?,
        right: one_of("--right", &args.right, Right::ALL)?,
        method: one_of("--method", &args.method, Method::ALL)?,
        deposit: args.deposit,
        papers: papers("--papers", &args.papers)?,
        scans: papers("--scans", &args.scans)?,
    };
    let new = NewAccount {
        account_id: &args.account,
        iin: &args.iin,
        name: &args.name,
        segment: &args.segment,
        plan: &args.plan,
        funding: &args.funding,
        language: &args.language,
        technology,
        asked,
    };
    let opening = match open_known(&args.store)?.open_account(&new)? {
        Ok(opening) => opening,
        Err(refusal) => return refused(&args.store, &args.account, &refusal),
    };
    let names = |papers: &[Paper]| papers.iter().map(|paper| paper.name()).collect::<Vec<_>>();
    if args.store.common.json {
        let announced: Vec<Value> = opening
            .announced
            .iter()
            .map(|of| json!({ "account_id": of.account, "debt": of.debt.to_string(), "penalty": of.penalty.to_string() }))
            .collect();
        let value = json!({
            "account_id": args.account,
            "announced": announced,
            "merge": opening.merge,
            "marks": opening.marks.iter().map(|mark| mark.name()).collect::<Vec<_>>(),
            "papers_to_come": names(&opening.papers_to_come),
            "scans_to_come": names(&opening.scans_to_come),
        });
        print(&format!("{value:#}\n"))?;
    } else if !args.store.common.quiet {
        let mut text = format!("account {} is opened on {}\n", args.account, args.on);
        for of in &opening.announced {
            let _ =
                writeln!(text, "to be told: account {}, debt {}, penalty {} (PA-14)", of.account, of.debt, of.penalty);
        }
        if opening.merge {
            text.push_str("the person has accounts in several settlements: one IIN for all (PA-14)\n");
        }
        for (what, papers) in [("papers", &opening.papers_to_come), ("scans", &opening.scans_to_come)] {
            if !papers.is_empty() {
                let _ = writeln!(text, "{what} to come (PA-18): {}", names(papers).join(", "));
            }
        }
        print(&text)?;
    }
    Ok(Ended::Done)
}

pub(super) fn close(args: &CloseArgs) -> anyhow::Result<Ended> {
    let on = day("--on", &args.on)?;
    let reason = one_of("--reason", &args.reason, TerminationReason::ALL)?;
    let papers = papers("--papers", &args.papers)?;
    let cost = args.not_returned.as_deref().map(Tiyn::parse).transpose();
    let cost = cost.map_err(|error| anyhow::anyhow!("--not-returned: {error}"))?;
    let equipment = match (args.returned, cost) {
        (true, _) => Some(Equipment::HandedIn),
        (false, Some(cost)) => Some(Equipment::NotHandedIn { cost: Some(cost) }),
        (false, None) => None,
    };
    let mut store = open_known(&args.store)?;
    let Some((_, mut facts)) = store.facts_on(&args.account, on)? else {
        return refused(&args.store, &args.account, &format!("account {} is not open on {on}", args.account));
    };
    let checked = equipment.map_or(Ok(()), check_equipment).and_then(|()| {
        let elsewhere = store.person_is_elsewhere(&args.account).unwrap_or(true);
        let former = FormerOwner { applied: args.applied, elsewhere };
        if reason == TerminationReason::OwnerChange { check_former_owner(&facts, former) } else { Ok(()) }
    });
    if let Err(failed) = checked {
        return refused(&args.store, &args.account, &failed);
    }
    let event = |kind: &str, reference: &str, note: &str, amount: &str| NewEvent {
        id: String::new(),
        account_id: args.account.clone(),
        at: on.to_string(),
        kind: kind.into(),
        amount: amount.into(),
        reference: reference.into(),
        note: note.into(),
    };
    let mut events = Vec::new();
    if reason == TerminationReason::Refusal {
        let from = args.refused_from.as_deref().map(|text| day("--refused-from", text)).transpose()?.unwrap_or(on);
        events.push(event("refusal_applied", &from.to_string(), "", ""));
    }
    if let Some(order) = &args.order {
        events.push(event("removal_order_opened", order, "", ""));
        events.push(event("removal_order_closed", order, "", ""));
    }
    match equipment {
        Some(Equipment::HandedIn) => events.push(event("act_return", "", "", "")),
        Some(Equipment::NotHandedIn { cost }) => {
            let cost = cost.map_or(String::new(), |cost| cost.to_string());
            events.push(event("act_absence", "", "", &cost));
        }
        None => {}
    }
    facts.equipment_cost = cost.or(facts.equipment_cost);
    let (rule, missing) = papers_missing_at_closing(&facts, papers);
    let missing: Vec<&str> = missing.iter().map(|paper| paper.name()).collect();
    let asked = if missing.is_empty() { String::new() } else { format!("papers:{}", missing.join(";")) };
    events.push(event("contract_terminated", &asked, reason.name(), ""));
    let added = store.add_events(&events)?;
    told(&args.store, &args.account, &format!("the closing on {on}"), &added, json!({ "papers_missing": missing }))?;
    if !missing.is_empty() && !args.store.common.quiet {
        tell(&format!("papers to complete ({rule}, PA-27): {}", missing.join(", ")));
    }
    Ok(Ended::Done)
}

pub(super) fn moved(args: &MoveArgs) -> anyhow::Result<Ended> {
    let on = day("--on", &args.on)?;
    let moving = Moving {
        on,
        settlements: ["", &args.settlement],
        technologies: [one_of("--from", &args.from, Technology::ALL)?, one_of("--to", &args.to, Technology::ALL)?],
        full_papers: args.full_papers,
        method: one_of("--method", &args.method, Method::ALL)?,
        deposit: args.deposit,
        possible: if args.impossible { Some(false) } else { None },
    };
    let plan = match open_known(&args.store)?.move_account(&args.account, &moving, &args.address)? {
        Ok(plan) => plan,
        Err(refusal) => return refused(&args.store, &args.account, &refusal),
    };
    if args.store.common.json {
        let value = match plan {
            MovePlan::Move { until } => {
                json!({ "account_id": args.account, "plan": "move", "until": until.to_string() })
            }
            MovePlan::Offer => json!({ "account_id": args.account, "plan": "offer", "until": null }),
        };
        print(&format!("{value:#}\n"))?;
    } else if !args.store.common.quiet {
        print(&match plan {
            MovePlan::Move { until } => format!(
                "the new address stands on the card; services move until {until} (PA-42), the number through a temporary \
                 one (PA-39)\n"
            ),
            MovePlan::Offer => {
                "it cannot be done: tell the client, offer another way, then what keeps them (PA-43)\n".into()
            }
        })?;
    }
    Ok(Ended::Done)
}

pub(super) fn person(args: &PersonArgs) -> anyhow::Result<Ended> {
    let iin = match Iin::parse(&args.iin) {
        Ok(iin) => iin,
        Err(bad) => return refused(&args.store, &args.account, &RegisterRefusal::BadIin(bad)),
    };
    let change = PersonChange {
        applied_on: args.applied.as_deref().map(|text| day("--applied", text)).transpose()?,
        changed_on: day("--on", &args.on)?,
        scans: args.scans,
        iin,
        known: false,
    };
    let changed = open_known(&args.store)?.change_person(&args.account, &args.iin, args.name.as_deref(), &change)?;
    let changed = match changed {
        Ok(changed) => changed,
        Err(refusal) => return refused(&args.store, &args.account, &refusal),
    };
    if args.store.common.json {
        print(&format!("{:#}\n", json!({ "account_id": args.account, "change": changed.name() })))?;
    } else if !args.store.common.quiet {
        let what = match changed {
            CardChange::MoveToIin => "account and contract are the known person's now (PA-48)",
            CardChange::EditCard => "the card is changed (PA-48)",
        };
        print(&format!("account {}: {what}\n", args.account))?;
    }
    Ok(Ended::Done)
}

/// Tells every reason, and that nothing was changed.
fn refused(args: &StoreArgs, account: &str, why: &dyn Display) -> anyhow::Result<Ended> {
    let why = why.to_string();
    if args.common.json {
        let reasons: Vec<&str> = why.lines().collect();
        print(&format!("{:#}\n", json!({ "account_id": account, "refused": reasons })))?;
    }
    for line in why.lines() {
        tell(&format!("esep: {line}"));
    }
    Ok(Ended::NotDone)
}

fn one_of<T: Copy + Display>(flag: &str, text: &str, all: &[T]) -> anyhow::Result<T> {
    let found = all.iter().copied().find(|of| of.to_string() == text);
    found.ok_or_else(|| {
        let names: Vec<String> = all.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{flag} `{text}` is none of {}", names.join(", "))
    })
}

fn papers(flag: &str, text: &str) -> anyhow::Result<Papers> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    let papers = words.map(|word| one_of(flag, word, Paper::ALL)).collect::<anyhow::Result<Vec<Paper>>>()?;
    Ok(Papers::of(&papers))
}
