//! The statuses of all accounts: recorded up to a day, the control list, what would be under other terms.

use super::books::{limit_threads, open_known};
use super::{Ended, StoreArgs, print, summary, tell};
use crate::classify::{Control, Deadline, Status, Task, Terms};
use crate::post::{ControlRow, MovedAccount, OpenTask, OtherStatus, Statuses, Store};
use crate::units::{LocalDay, Zone};
use anyhow::Context;
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub(super) struct StatusArgs {
    /// Record the statuses up to and with this local day
    #[arg(long, value_name = "DATE")]
    as_of: String,
    /// Write the control list as CSV: recorded against classified status, findings, tasks overdue
    #[arg(long, value_name = "OUT")]
    control_list: Option<PathBuf>,
    /// Show who would have another status if these delays and thresholds held; record nothing
    #[arg(long, value_name = "RULES.TOML", conflicts_with = "control_list")]
    what_if: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Args, Debug)]
pub(super) struct TaskArgs {
    /// The account
    account: String,
    /// The task: claims_package, complete_papers, open_in_segment, restore_service, refund_credit, write_off_credit
    task: String,
    /// The local day on which it was done
    #[arg(long, value_name = "DATE")]
    on: String,
    #[command(flatten)]
    store: StoreArgs,
}

/// A local day of the command line.
pub(super) fn day(name: &str, text: &str) -> anyhow::Result<LocalDay> {
    LocalDay::parse(text).map_err(|_| anyhow::anyhow!("{name} {text} is not a day like 2026-03-31"))
}

pub(super) fn run(args: &StatusArgs) -> anyhow::Result<Ended> {
    let as_of = day("--as-of", &args.as_of)?;
    if let Some(rules) = &args.what_if {
        let data = &args.store.data;
        anyhow::ensure!(data.is_dir(), "there is no store {}", data.display());
        limit_threads(&args.store.common);
        let others = Store::open_to_read(data)?.statuses_what_if(as_of, &terms(rules)?)?;
        print(&what_if(&others, as_of, args.store.common.json)?)?;
        return Ok(Ended::Done);
    }
    let mut store = open_known(&args.store)?;
    let statuses = store.record_statuses(as_of)?;
    if !args.store.common.quiet {
        statuses.notes.iter().for_each(|note| tell(note));
        if let Some(shown) = statuses.shown_to.filter(|shown| as_of > *shown) {
            tell(&format!(
                "{shown} is the last day that the records show: what comes of the days behind it counts from {as_of}"
            ));
        }
    }
    if let Some(path) = &args.control_list {
        let zone = store.zone()?;
        std::fs::write(path, control_csv(&statuses.control, &zone)?)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    if args.store.common.json {
        print(&json_of(&statuses)?)?;
    } else if !args.store.common.quiet {
        let mut text = table(&statuses);
        text.push_str(&moves(&statuses));
        text.push_str(&control_text(&statuses));
        print(&text)?;
    }
    Ok(Ended::Done)
}

pub(super) fn task(args: &TaskArgs) -> anyhow::Result<Ended> {
    let on = day("--on", &args.on)?;
    let Some(task) = Task::parse(args.task.as_bytes()) else {
        let names: Vec<&str> = Task::ALL.iter().map(|task| task.name()).collect();
        anyhow::bail!("task `{}` is none of {}", args.task, names.join(", "));
    };
    open_known(&args.store)?.task_done(&args.account, task, on)?;
    if args.store.common.json {
        print(&format!("{:#}\n", json!({ "account_id": args.account, "task": task.name(), "done": on.to_string() })))?;
    } else if !args.store.common.quiet {
        print(&format!("{task} of account {} is done since {on}\n", args.account))?;
    }
    Ok(Ended::Done)
}

/// Delays and thresholds that are another than the source's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    grace_days: Option<i32>,
    closed_days: Option<i32>,
    notice_days: Option<i32>,
    credit_return_months: Option<i32>,
    credit_life_months: Option<i32>,
    off_balance_months: Option<i32>,
    refund_days: Option<i32>,
}

fn terms(path: &Path) -> anyhow::Result<Terms> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let rules: Rules = toml::from_str(&text).with_context(|| format!("{} cannot be used", path.display()))?;
    let source = Terms::SOURCE;
    let of = |told: Option<i32>, source: i32, name: &str| match told {
        // A century is longer than any of them.
        Some(told) if !(0..=36_525).contains(&told) => Err(anyhow::anyhow!("{name} = {told} is not in 0..=36525")),
        told => Ok(told.unwrap_or(source)),
    };
    Ok(Terms {
        grace_days: of(rules.grace_days, source.grace_days, "grace_days")?,
        closed_days: of(rules.closed_days, source.closed_days, "closed_days")?,
        notice_days: of(rules.notice_days, source.notice_days, "notice_days")?,
        credit_return_months: of(rules.credit_return_months, source.credit_return_months, "credit_return_months")?,
        credit_life_months: of(rules.credit_life_months, source.credit_life_months, "credit_life_months")?,
        off_balance_months: of(rules.off_balance_months, source.off_balance_months, "off_balance_months")?,
        refund_days: of(rules.refund_days, source.refund_days, "refund_days")?,
    })
}

fn what_if(others: &[OtherStatus], as_of: LocalDay, as_json: bool) -> anyhow::Result<String> {
    if as_json {
        let accounts: Vec<Value> = others
            .iter()
            .map(|of| json!({ "account_id": of.account_id, "before": of.before.name(), "after": of.after.name() }))
            .collect();
        let value = json!({ "as_of": as_of.to_string(), "accounts": accounts });
        return Ok(format!("{}\n", serde_json::to_string_pretty(&value)?));
    }
    let mut text =
        format!("{} would have another status on {as_of}\n", summary::plural(others.len() as u64, "account"));
    for of in others {
        let _ = writeln!(text, "  {:<20}  {} -> {}", of.account_id, of.before, of.after);
    }
    Ok(text)
}

#[derive(Serialize)]
struct JsonMove<'m> {
    account_id: &'m str,
    on: String,
    from: Option<&'static str>,
    to: &'static str,
    rule: &'static str,
}

/// Source: interface 7.6.
fn json_of(statuses: &Statuses) -> anyhow::Result<String> {
    let counts: Map<String, Value> = Status::ALL
        .iter()
        .zip(statuses.counts)
        .map(|(status, count)| (status.name().to_owned(), count.into()))
        .collect();
    let moves: Vec<JsonMove<'_>> = statuses
        .moves
        .iter()
        .map(|of| JsonMove {
            account_id: &of.account_id,
            on: of.on.to_string(),
            from: of.from.map(|from| from.name()),
            to: of.to.name(),
            rule: of.rule.id(),
        })
        .collect();
    let value = json!({
        "as_of": statuses.as_of.to_string(),
        "counts": counts,
        "moves": moves,
        "postings": statuses.postings,
        "tasks": statuses.tasks,
        "control": statuses.control.len(),
    });
    Ok(format!("{}\n", serde_json::to_string_pretty(&value)?))
}

/// How many accounts have which status.
pub(super) fn table(statuses: &Statuses) -> String {
    let mut text = format!("statuses on {}\n", statuses.as_of);
    for (status, count) in Status::ALL.iter().zip(statuses.counts) {
        let _ = writeln!(text, "  {:<24}{:>12}", status.name(), count);
    }
    text
}

/// More moves are counted, not shown.
const SHOWN: usize = 40;

/// The moves of the last month first: of a first recording most are history.
fn moves(statuses: &Statuses) -> String {
    let month = statuses.as_of.period();
    let (of_month, before): (Vec<&MovedAccount>, Vec<&MovedAccount>) =
        statuses.moves.iter().partition(|of| of.on.period() == month);
    let all = of_month.len().saturating_add(before.len());
    let mut text = format!("\n{} recorded", summary::plural(all as u64, "move"));
    if !before.is_empty() && !of_month.is_empty() {
        let _ = write!(text, ", {} of them in the month of {}", of_month.len(), statuses.as_of);
    }
    text.push('\n');
    for of in of_month.iter().chain(&before).take(SHOWN) {
        let from = of.from.map_or("-", |from| from.name());
        let _ = writeln!(text, "  {}  {:<16}{from} -> {} ({})", of.on, of.account_id, of.to, of.rule);
    }
    if all > SHOWN {
        let _ = writeln!(text, "  and {} more; --json has them all", all.saturating_sub(SHOWN));
    }
    text
}

/// The control list for a person. Source: PA-57.
fn control_text(statuses: &Statuses) -> String {
    let rows = &statuses.control;
    let mut text = format!("\ncontrol list: {}\n", summary::plural(rows.len() as u64, "account"));
    for row in rows.iter().take(SHOWN) {
        let _ = match &row.control {
            Some(of) => write!(text, "  {:<16}{}", row.account_id, recorded(of)),
            None => write!(text, "  {:<16}{}", row.account_id, row.status),
        };
        text.push('\n');
        for finding in &row.findings {
            let _ = writeln!(text, "  {:<16}  {finding}", "");
        }
        for task in &row.overdue {
            let _ = writeln!(text, "  {:<16}  overdue: {}, given {}", "", task.task, task.on);
        }
    }
    if rows.len() > SHOWN {
        let _ = writeln!(text, "  and {} more; --control-list has them all", rows.len().saturating_sub(SHOWN));
    }
    text
}

fn recorded(of: &Control) -> String {
    let contradictions =
        if of.contradictions.is_empty() { String::new() } else { format!(": not {}", of.contradictions) };
    if of.is_mismatch() {
        format!("{}, by its facts {} ({}){contradictions}", of.recorded, of.classified.status, of.classified.rule)
    } else {
        format!("{}{contradictions}", of.recorded)
    }
}

fn control_csv(rows: &[ControlRow], zone: &Zone) -> anyhow::Result<String> {
    let mut text =
        String::from("account_id,recorded,since,classified,rule,contradictions,unverified,findings,tasks_overdue\n");
    for row in rows {
        let (classified, rule, contradictions, unverified) = match &row.control {
            Some(of) => (
                of.classified.status.name(),
                of.classified.rule.id(),
                of.contradictions.to_string(),
                of.classified.unverified.to_string(),
            ),
            None => (row.status.name(), "", String::new(), String::new()),
        };
        let overdue: Vec<String> = row.overdue.iter().map(|task| due(task, zone)).collect();
        let fields = [
            row.account_id.as_str(),
            row.status.name(),
            &row.since.to_string(),
            classified,
            rule,
            &contradictions,
            &unverified,
            &row.findings.join("; "),
            &overdue.join("; "),
        ];
        text.push_str(&csv_line(&fields));
        text.push('\n');
    }
    Ok(text)
}

fn csv_line(fields: &[&str]) -> String {
    let quoted = |field: &&str| {
        if field.contains([',', '"']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { (*field).to_owned() }
    };
    fields.iter().map(quoted).collect::<Vec<_>>().join(",")
}

/// A task with its deadline.
pub(super) fn due(of: &OpenTask, zone: &Zone) -> String {
    match of.due {
        Deadline::At(at) => {
            let local = zone.local(at);
            let (hours, minutes) = (local.ms_of_day / 3_600_000, local.ms_of_day / 60_000 % 60);
            format!("{} until {} {hours:02}:{minutes:02}", of.task, local.day)
        }
        Deadline::On(day) => format!("{} until {day}", of.task),
        Deadline::Open => format!("{} since {}", of.task, of.on),
    }
}

/// Statuses at the end of a run: derived, not recorded.
pub(super) fn after_run(store: &Store) -> anyhow::Result<Option<Statuses>> {
    let Some(as_of) = store.last_day()? else { return Ok(None) };
    Ok(Some(store.statuses(as_of)?))
}

/// What is to be said of the control list behind the table.
pub(super) fn told_after_run(statuses: &Statuses) {
    for row in &statuses.control {
        for finding in row.findings.iter().filter(|finding| finding.starts_with("event ")) {
            tell(&format!("account {}: {finding}", row.account_id));
        }
    }
}
