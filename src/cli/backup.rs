//! A copy of the store, and the way back.

use super::{Ended, StoreArgs, print, summary};
use crate::store::{StoreError, copy};
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub(super) struct BackupArgs {
    /// The folder of the copy, which is empty or not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Args, Debug)]
pub(super) struct RestoreArgs {
    /// The copy
    backup: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
}

/// Copies the store as it stands now; who writes to it goes on.
pub(super) fn backup(args: &BackupArgs) -> anyhow::Result<Ended> {
    copied(&args.store.data, &args.out, &args.store)
}

/// Makes a store out of a copy, where there is none.
pub(super) fn restore(args: &RestoreArgs) -> anyhow::Result<Ended> {
    copied(&args.backup, &args.store.data, &args.store)
}

/// What can be made again from the journal is left out: it is made when the copy is opened.
fn copied(from: &Path, to: &Path, args: &StoreArgs) -> anyhow::Result<Ended> {
    let was_there = to.exists();
    let holder = format!("process {}, a copy of {}", std::process::id(), from.display());
    let head = copy(from, to, &holder).inspect_err(|error| {
        // What is somebody's stays; of a folder that was made for the copy nothing does.
        if !was_there && !matches!(error, StoreError::Exists { .. } | StoreError::Held { .. }) {
            let _ = std::fs::remove_file(to.join("lock"));
            let _ = std::fs::remove_dir(to);
        }
    })?;
    if args.common.json {
        print(&format!("{:#}\n", serde_json::json!({ "entries": head.count, "chain": hex(&head.chain) })))?;
    } else {
        let entries = summary::plural(head.count, "entry").replace("entrys", "entries");
        print(&format!("{entries} copied to {} and checked\n", to.display()))?;
    }
    Ok(Ended::Done)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
