//! The stored month by another tariff.

use super::books::with_threads;
use super::{Ended, StoreArgs, print, summary};
use crate::batch::tenge;
use crate::post::what_if;
use clap::Args;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(super) struct WhatIfArgs {
    /// The store; or the folder of a month that was posted to the store of --data
    dir: PathBuf,
    /// A tariff version, or a folder of them: each takes the place of the version that begins on the same day, or is
    /// added
    #[arg(long, value_name = "T")]
    tariff: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
}

/// Accounts that a person is shown.
const SHOWN: usize = 20;

pub(super) fn run(args: &WhatIfArgs) -> anyhow::Result<Ended> {
    anyhow::ensure!(args.dir.is_dir(), "there is no folder {}", args.dir.display());
    let is_store = args.dir.join("journal.sqlite").is_file();
    let store = if is_store { &args.dir } else { &args.store.data };
    let found = with_threads(&args.store.common, |how| what_if(store, &args.tariff, how))?;
    if args.store.common.json {
        let accounts: Vec<Value> = found
            .accounts
            .iter()
            .map(|(id, before, after)| json!({ "account_id": id, "before": tenge(*before), "after": tenge(*after) }))
            .collect();
        let value = json!({
            "charged_before": tenge(found.before), "charged_after": tenge(found.after), "accounts": accounts,
        });
        print(&format!("{value:#}\n"))?;
        return Ok(Ended::Done);
    }
    let difference = |before: i128, after: i128| tenge(after.saturating_sub(before));
    let mut text = format!(
        "charged {} KZT, by the other tariff {}: {} more\n{} another sum\n",
        tenge(found.before),
        tenge(found.after),
        difference(found.before, found.after),
        match found.accounts.len() {
            1 => "1 account has".to_owned(),
            count => format!("{} have", summary::plural(count as u64, "account")),
        }
    );
    for (id, before, after) in found.accounts.iter().take(SHOWN) {
        let _ = writeln!(text, "  {id}  {} -> {}  {}", tenge(*before), tenge(*after), difference(*before, *after));
    }
    if found.accounts.len() > SHOWN {
        let _ = writeln!(text, "  hint: --json shows all of them");
    }
    print(&text)?;
    Ok(Ended::Done)
}
