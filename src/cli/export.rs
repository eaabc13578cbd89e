//! Charges and postings as tables.

use super::{Ended, StoreArgs, print, summary, tell};
use crate::post::{Exported, Store};
use anyhow::Context;
use clap::{Args, ValueEnum};
use std::fs::File;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// The folder where `charges` and `postings` are written; those that are there are replaced when the new ones are
    /// whole
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Their form. Parquet needs a build with the feature `parquet`
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Csv)]
    format: Format,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// Text, a header line, an empty cell for nothing
    Csv,
    /// Typed columns, null for nothing
    Parquet,
}

impl Format {
    fn file_name(self, table: &str) -> String {
        match self {
            Self::Csv => format!("{table}.csv"),
            Self::Parquet => format!("{table}.parquet"),
        }
    }
}

const TABLES: [&str; 2] = ["charges", "postings"];

pub(super) fn run(args: &ExportArgs) -> anyhow::Result<Ended> {
    let (data, out) = (&args.store.data, &args.out);
    if args.format == Format::Parquet && !cfg!(feature = "parquet") {
        tell(
            "esep: this build does not write Parquet\n  hint: build it with `cargo build --release --features parquet`, \
             or take --format csv",
        );
        return Ok(Ended::NotDone);
    }
    let store = Store::open_to_read(data)?;
    std::fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    let same =
        |one: &PathBuf, other: &PathBuf| Some(std::fs::canonicalize(one).ok()? == std::fs::canonicalize(other).ok()?);
    if same(data, out) == Some(true) {
        tell("esep: --out is the store itself\n  hint: name another folder");
        return Ok(Ended::NotDone);
    }
    let names = TABLES.map(|table| args.format.file_name(table));
    let partial = names.each_ref().map(|name| out.join(format!("{name}.partial")));
    let files = create(&partial)?;
    let (done, files) = match args.format {
        Format::Csv => csv(&store, files),
        Format::Parquet => parquet(&store, files),
    }
    .inspect_err(|_| partial.iter().for_each(|path| drop(std::fs::remove_file(path))))
    .with_context(|| format!("{} cannot be written", out.display()))?;
    for ((file, from), name) in files.iter().zip(&partial).zip(&names) {
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

fn csv(store: &Store, [mut charges, mut postings]: [File; 2]) -> anyhow::Result<(Exported, [File; 2])> {
    let done = store.export(&mut charges, &mut postings)?;
    Ok((done, [charges, postings]))
}

#[cfg(feature = "parquet")]
fn parquet(store: &Store, [charges, postings]: [File; 2]) -> anyhow::Result<(Exported, [File; 2])> {
    use crate::post::{ParquetTable, Table};
    let mut charges = ParquetTable::new(charges, Table::Charges)?;
    let mut postings = ParquetTable::new(postings, Table::Postings)?;
    let done = store.export(&mut charges, &mut postings)?;
    Ok((done, [charges.finish()?, postings.finish()?]))
}

#[cfg(not(feature = "parquet"))]
fn parquet(store: &Store, files: [File; 2]) -> anyhow::Result<(Exported, [File; 2])> {
    // Refused before.
    csv(store, files)
}

fn create([charges, postings]: &[PathBuf; 2]) -> anyhow::Result<[File; 2]> {
    let create = |path: &PathBuf| File::create(path).with_context(|| format!("{} cannot be written", path.display()));
    Ok([create(charges)?, create(postings)?])
}
