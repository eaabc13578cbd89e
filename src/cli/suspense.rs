//! What waits: rated again, shown, given up.

use super::books::{self, open};
use super::{Ended, StoreArgs, print, rate, summary, tell};
use crate::batch::tenge;
use crate::folder::Folder;
use crate::post::{AGES, Aged, Recycled, Store, WaitingRecord};
use crate::record::SuspendReason;
use crate::units::LocalDay;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(super) struct RecycleArgs {
    /// The folder of a month whose reference data is mended; without it, by the reference data that the books know.
    /// No feed of it is read
    dir: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct SuspenseArgs {
    #[command(subcommand)]
    command: Option<SuspenseCommand>,
    /// Show each record that waits for this reason; `all` for any
    #[arg(long, value_name = "REASON")]
    list: Option<String>,
    /// The day from which age counts back; the day of the latest usage in the books unless said otherwise
    #[arg(long, value_name = "DAY")]
    as_of: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Subcommand, Debug)]
enum SuspenseCommand {
    /// Give up records that wait; the journal keeps who did it and why
    #[command(
        after_help = "Example:\n  esep suspense write-off msc-2/x-0007 --by \"A. Client\" --reason \"test call\""
    )]
    WriteOff {
        /// The records
        #[arg(required = true, value_name = "SOURCE/RECORD_ID")]
        ids: Vec<String>,
        /// Who gives them up
        #[arg(long, value_name = "NAME")]
        by: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        store: StoreArgs,
    },
}

pub(super) fn recycle(args: &RecycleArgs) -> anyhow::Result<Ended> {
    let common = &args.store.common;
    let mended = match &args.dir {
        None => None,
        Some(dir) => match rate::opened(Folder::open(dir), common) {
            Some((folder, _)) => Some(folder),
            None => return Ok(Ended::NotDone),
        },
    };
    let mut store = open(&args.store)?;
    let done = books::with_threads(common, |how| store.recycle(mended, how))?;
    if !common.quiet {
        done.notes.iter().for_each(|note| tell(note));
    }
    if common.json {
        print(&format!("{:#}\n", in_json(&done)))?;
    } else {
        print(&in_words(&done))?;
    }
    Ok(Ended::Done)
}

fn in_json(done: &Recycled) -> Value {
    json!({
        "looked_at": done.looked_at, "rated": done.rated, "filtered": done.filtered, "rejected": done.rejected,
        "other_reason": done.moved, "unreadable": done.unreadable, "waiting": done.waiting,
        "charged": tenge(done.charged), "payments_identified": done.identified, "entries": done.entries,
    })
}

fn in_words(done: &Recycled) -> String {
    let mut text = format!(
        "{} rated again: {} charged {} KZT, {} filtered, {} rejected, {} for another reason\n",
        summary::plural(done.looked_at, "record"),
        done.rated,
        tenge(done.charged),
        done.filtered,
        done.rejected,
        done.moved
    );
    if done.unreadable > 0 {
        let _ = writeln!(text, "{} cannot be read again as their feeds are configured", done.unreadable);
    }
    if done.identified > 0 {
        let _ = writeln!(text, "{} held before, booked to their accounts", summary::plural(done.identified, "payment"));
    }
    let _ = writeln!(text, "{} still waiting", summary::plural(done.waiting, "record"));
    if done.entries == 0 {
        text.push_str("nothing new\n");
    }
    text
}

pub(super) fn suspense(args: &SuspenseArgs) -> anyhow::Result<Ended> {
    if let Some(SuspenseCommand::WriteOff { ids, by, reason, store }) = &args.command {
        let count = open(store)?.write_off(ids, by, reason)?;
        if store.common.json {
            print(&format!("{:#}\n", json!({ "written_off": count })))?;
        } else {
            print(&format!("{} written off\n", summary::plural(count, "record")))?;
        }
        return Ok(Ended::Done);
    }
    let store = Store::open_to_read(&args.store.data)?;
    if store.books.suspense.is_empty() {
        let nothing = json!({ "waiting": 0, "as_of": null, "reasons": [] });
        print(&if args.store.common.json { format!("{nothing:#}\n") } else { "nothing waits\n".into() })?;
        return Ok(Ended::Done);
    }
    let folder = store.known_folder()?;
    let Some(zone) = folder.reference.tariffs.calendar() else { anyhow::bail!("the books know no tariff") };
    if let Some(list) = &args.list {
        let reason = match list.as_str() {
            "all" => None,
            name => match SuspendReason::parse(name.as_bytes()) {
                Some(reason) => Some(reason),
                None => {
                    let names: Vec<&str> = SuspendReason::ALL.iter().map(|reason| reason.name()).collect();
                    anyhow::bail!("`{name}` is no reason\n  hint: it is one of all, {}", names.join(", "));
                }
            },
        };
        let mut out = Rows { json: args.store.common.json, text: String::new(), any: false, failed: None };
        store.each_waiting(reason, zone, &mut |record| {
            out.row(&record);
            Ok(())
        })?;
        out.end()?;
        return Ok(Ended::Done);
    }
    let as_of = match &args.as_of {
        Some(day) => {
            LocalDay::parse(day).map_err(|_| anyhow::anyhow!("--as-of `{day}` is not a day like 2026-03-31"))?
        }
        None => store.latest_usage(zone).unwrap_or(LocalDay(0)),
    };
    let by_reason = store.suspense_by_age(zone, as_of);
    if args.store.common.json {
        print(&format!("{:#}\n", ages_in_json(as_of, &by_reason)))?;
    } else {
        print(&ages_in_words(as_of, &by_reason))?;
    }
    Ok(Ended::Done)
}

fn names_of_ages() -> Vec<String> {
    let mut from = 0;
    let mut names: Vec<String> = AGES
        .iter()
        .map(|to| {
            let name = format!("{from}-{to}");
            from = to.saturating_add(1);
            name
        })
        .collect();
    names.push(format!("{from}-"));
    names
}

fn ages_in_json(as_of: LocalDay, by_reason: &BTreeMap<SuspendReason, Aged>) -> Value {
    let reasons: Vec<Value> = by_reason
        .iter()
        .map(|(reason, aged)| {
            let ages: serde_json::Map<String, Value> =
                names_of_ages().into_iter().zip(aged.by_age.map(Value::from)).collect();
            let oldest = aged.oldest.map(|day| day.to_string());
            json!({ "reason": reason.name(), "count": aged.count, "oldest_on": oldest, "days": ages })
        })
        .collect();
    let waiting: u64 = by_reason.values().map(|aged| aged.count).sum();
    json!({ "waiting": waiting, "as_of": as_of.to_string(), "reasons": reasons })
}

fn ages_in_words(as_of: LocalDay, by_reason: &BTreeMap<SuspendReason, Aged>) -> String {
    let mut text = format!("waiting on {as_of}, by days since the usage\n{:<20}", "reason");
    for name in names_of_ages() {
        let _ = write!(text, "{name:>9}");
    }
    let _ = writeln!(text, "{:>9}  oldest", "all");
    for (reason, aged) in by_reason {
        let _ = write!(text, "{:<20}", reason.name());
        for count in aged.by_age {
            let _ = write!(text, "{count:>9}");
        }
        let oldest = aged.oldest.map_or_else(String::new, |day| day.to_string());
        let _ = writeln!(text, "{:>9}  {oldest}", aged.count);
    }
    text
}

/// Rows of a list, printed some at a time: there may be millions.
struct Rows {
    json: bool,
    text: String,
    any: bool,
    failed: Option<anyhow::Error>,
}

const PRINTED_AT_ONCE: usize = 1 << 16;

impl Rows {
    fn row(&mut self, record: &WaitingRecord) {
        let on = record.on.map(|day| day.to_string());
        if self.json {
            let id = format!("{}/{}", record.source, record.record_id);
            let value = json!({
                "id": id, "file": record.file, "line": record.line, "reason": record.reason.name(), "on": on,
                "detail": record.detail,
            });
            self.text.push_str(if self.any { ",\n" } else { "[\n" });
            self.text.push_str(&value.to_string());
        } else {
            let WaitingRecord { source, record_id, file, line, reason, detail, .. } = record;
            let on = on.unwrap_or_default();
            let _ = writeln!(self.text, "{source}/{record_id}  {on}  {file}:{line}  {reason}  {detail}");
        }
        self.any = true;
        if self.text.len() >= PRINTED_AT_ONCE && self.failed.is_none() {
            self.failed = print(&std::mem::take(&mut self.text)).err();
        }
    }

    fn end(mut self) -> anyhow::Result<()> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.json {
            self.text.push_str(if self.any { "\n]\n" } else { "[]\n" });
        }
        print(&self.text)
    }
}
