//! Charges and postings as tables.

use super::{Ended, StoreArgs, print, summary, tell};
use crate::post::Store;
use anyhow::Context;
use clap::Args;
use std::fs::File;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// The folder where charges.csv and postings.csv are written; those that are there are replaced when the new ones
    /// are whole
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
}

const TABLES: [&str; 2] = ["charges.csv", "postings.csv"];

pub(super) fn run(args: &ExportArgs) -> anyhow::Result<Ended> {
    let (data, out) = (&args.store.data, &args.out);
    let store = Store::open_to_read(data)?;
    std::fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    let same =
        |one: &PathBuf, other: &PathBuf| Some(std::fs::canonicalize(one).ok()? == std::fs::canonicalize(other).ok()?);
    if same(data, out) == Some(true) {
        tell("esep: --out is the store itself\n  hint: name another folder");
        return Ok(Ended::NotDone);
    }
    let partial = TABLES.map(|name| out.join(format!("{name}.partial")));
    let [mut charges, mut postings] = create(&partial)?;
    let done = store.export(&mut charges, &mut postings)?;
    for ((file, from), name) in [charges, postings].iter().zip(&partial).zip(TABLES) {
        file.sync_all().and_then(|()| std::fs::rename(from, out.join(name)))?;
    }
    if args.store.common.json {
        let value = serde_json::json!({ "charges": done.charges, "postings": done.postings });
        print(&format!("{value:#}\n"))?;
    } else {
        let (charges, postings) = (summary::plural(done.charges, "charge"), summary::plural(done.postings, "posting"));
        print(&format!("{charges} and {postings} written to {}\n", out.display()))?;
    }
    Ok(Ended::Done)
}

fn create([charges, postings]: &[PathBuf; 2]) -> anyhow::Result<[File; 2]> {
    let create = |path: &PathBuf| File::create(path).with_context(|| format!("{} cannot be written", path.display()));
    Ok([create(charges)?, create(postings)?])
}
