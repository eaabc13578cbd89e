//! The command line: arguments, effects, exit codes. Data goes to standard output, everything else to standard error.
//!
//! Exit codes: 0 done (rejected and suspended records are counted and told; `--strict` makes them 1), 2 not done. A
//! broken pipe is 0.
//!
//! Source: interface 7.2.

mod account;
mod backup;
mod books;
mod explain;
mod export;
mod follow;
mod generate;
mod money;
mod rate;
mod register;
mod signals;
mod status;
mod summary;
mod suspense;
mod tariff;
mod what_if;

use clap::{Args, Parser, Subcommand};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Rates telecom usage: CDRs in, exact charges out, every record accounted for.
#[derive(Parser, Debug)]
#[command(name = "esep", version, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Rate a folder, post it to the books, print what became of its records and what they cost
    ///
    /// A second run over the same files changes nothing and says so. Invoices and collection are to come.
    #[command(after_help = "Example:\n  esep run sample-cdr --data ./esep-data")]
    Run(PostArgs),
    /// Rate and post a folder's feeds, or single files by the reference data that the books know
    #[command(after_help = "Example:\n  esep ingest sample-cdr --data ./esep-data\n  \
        esep ingest --source msc-1 /var/cdr/msc1-0301.csv.gz\n  esep ingest --follow /var/cdr")]
    Ingest(IngestArgs),
    /// Check every invariant over the whole store and print the hash of what the books say
    #[command(after_help = "Example:\n  esep verify --data ./esep-data")]
    Verify(StoreArgs),
    /// Rate again what waits in suspense, after the reference data was mended
    #[command(after_help = "Example:\n  esep recycle sample-cdr --data ./esep-data")]
    Recycle(suspense::RecycleArgs),
    /// Show what waits, by reason and age; list it; give it up
    #[command(after_help = "Example:\n  esep suspense --list unknown_line --data ./esep-data")]
    Suspense(suspense::SuspenseArgs),
    /// Book a payment; of an unknown account it is held as unidentified
    #[command(after_help = "Example:\n  esep pay 77010042 1500.00 --reference P-1 --channel bank --at 2026-03-05")]
    Pay(money::MoneyArgs),
    /// Give money back out of an account's advance
    #[command(after_help = "Example:\n  esep refund 77010042 20.00 --reference R-1 --channel bank --at 2026-03-31")]
    Refund(money::MoneyArgs),
    /// Show what was used and is not owed (CELL-48), by month and category
    #[command(after_help = "Example:\n  esep losses --data ./esep-data --json")]
    Losses(StoreArgs),
    /// Rate what the store holds by another tariff, show what changes per account; post nothing
    #[command(after_help = "Example:\n  esep what-if ./esep-data --tariff tariffs/2026-next.toml --json")]
    WhatIf(what_if::WhatIfArgs),
    /// Write all charges and postings as tables for other programs
    ///
    /// Of a charge, `day` and `month` are the local day and month of the usage, also where it came late: its tariff and
    /// VAT are those of that day. Of a posting, `day` is the day of the usage or of the payment; an opening has none.
    /// Nothing is invoiced yet, so no period is closed, and nothing says in which period a posting will be billed. A
    /// charge that was taken back is `reversed`, and its postings stand with those that take it back (`correction`).
    #[command(after_help = "Example:\n  esep export --data ./esep-data --out /tmp/tables")]
    Export(export::ExportArgs),
    /// Copy the store as it stands, while it is written to
    #[command(after_help = "Example:\n  esep backup --data ./esep-data --out /mnt/backup/2026-03-31")]
    Backup(backup::BackupArgs),
    /// Make a store out of a copy, where there is none
    #[command(after_help = "Example:\n  esep restore /mnt/backup/2026-03-31 --data ./esep-data")]
    Restore(backup::RestoreArgs),
    /// Rate a folder, post nothing
    #[command(after_help = "Example:\n  esep rate sample-cdr --out /tmp/rated\n\nWrites rated.csv, filtered.csv, \
        duplicate.csv, suspended.csv, rejected.csv and summary.json; rejected-raw.ndjson keeps what was rejected.")]
    Rate(RateArgs),
    /// Show how one record came to its outcome, rule by rule, with the arithmetic
    #[command(after_help = "Examples:\n  esep explain msc-1/h-0001 --data ./esep-data\n  \
        esep explain msc-1/h-0001 --folder sample-cdr")]
    Explain(ExplainArgs),
    /// Show an account: status with why, since when and what comes next, balance, debts, charges, payments, timeline
    #[command(after_help = "Example:\n  esep account A-0001 --at 2026-03-31")]
    Account(AccountArgs),
    /// Record the statuses of all accounts up to a day: every move on its own day, its postings, its tasks
    ///
    /// The same day again records nothing new. A day before what is recorded is shown, and records nothing.
    #[command(after_help = "Examples:\n  esep status --as-of 2026-03-31 --control-list /tmp/control.csv\n  \
        esep status --as-of 2026-03-31 --what-if rules.toml\n\nrules.toml has any of grace_days, closed_days, \
        notice_days, credit_return_months,\ncredit_life_months, off_balance_months, refund_days.")]
    Status(status::StatusArgs),
    /// Add an event of an account, with all its checks
    #[command(after_help = "Examples:\n  esep event 77010042 services_off --at 2026-03-26 --note debt\n  \
        esep event 77010042 written_off --at 2027-02-01 --reference PR-14")]
    Event(register::EventArgs),
    /// Open an account: person, address, debts anywhere and papers are checked first
    #[command(
        after_help = "Example:\n  esep open 77010099 --iin 000000010078 --name \"A. B.\" --address \"Abai 1-2\" \
        --settlement Almaty \\\n    --plan standard --on 2026-04-02 --papers identity,application --scans identity,application"
    )]
    Open(register::OpenArgs),
    /// Close an account: refusal, removal order, act and end of the contract of one day, all of it or nothing
    #[command(after_help = "Example:\n  esep close 77010042 --on 2026-04-15 --order N-17 --returned \
        --papers identity,refusal_application,removal_order,equipment_act")]
    Close(register::CloseArgs),
    /// Move the services of an account to another address of the settlement
    #[command(
        after_help = "Example:\n  esep move 77010042 --address \"Abai 3-4\" --settlement Almaty --on 2026-04-15 \
        --from fibre --to fibre --full-papers"
    )]
    Move(register::MoveArgs),
    /// Change the person of an account, on a written application
    #[command(after_help = "Example:\n  esep person 77010042 --iin 000000010078 --name \"A. C.\" --on 2026-04-15 \
        --applied 2026-04-15 --scans")]
    Person(register::PersonArgs),
    /// Say that a task of an account is done
    #[command(after_help = "Example:\n  esep task 77010042 claims_package --on 2026-04-02")]
    Task(status::TaskArgs),
    /// Make a synthetic month, for load and demonstration: the same seed gives the same bytes
    #[command(after_help = "Example:\n  esep generate --records 100000 --seed 1 --out /tmp/month")]
    Generate(GenerateArgs),
    /// Look after tariffs
    #[command(subcommand)]
    Tariff(TariffCommand),
}

/// What every command knows.
#[derive(Args, Debug)]
struct Common {
    /// Print JSON on standard output
    #[arg(long)]
    json: bool,
    /// Tell nothing but errors on standard error
    #[arg(long, short)]
    quiet: bool,
    /// Threads; the cores of the machine unless said otherwise. The output does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
}

#[derive(Args, Debug)]
struct RateArgs {
    /// The folder of a month
    dir: PathBuf,
    /// Write the outcome of each record into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Exit 1 when a record was rejected or suspended, or reference data was set aside
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct StoreArgs {
    /// The store
    #[arg(long, value_name = "DIR", default_value = "esep-data")]
    data: PathBuf,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct AccountArgs {
    /// The account's id
    id: String,
    /// As it was at the end of this local day; unless said all that is in the books, the status by the last day that the
    /// records show
    #[arg(long, value_name = "DATE")]
    at: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Args, Debug)]
struct PostArgs {
    /// Folders of a month, or files of one feed
    #[arg(required = true, value_name = "DIR|FILE")]
    paths: Vec<PathBuf>,
    /// Of files: the feed that they belong to, one of those that the books know; `feeds` or the only one unless said
    /// otherwise
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Exit 1 when a record was rejected or suspended, or reference data was set aside
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Args, Debug)]
struct IngestArgs {
    #[command(flatten)]
    post: PostArgs,
    /// Watch the folder and go on: files that come and grow, reference data and payments that change. SIGINT or SIGTERM
    /// ends it
    #[arg(long)]
    follow: bool,
}

#[derive(Args, Debug)]
struct ExplainArgs {
    /// The record's id, or its charge's: source/record_id
    id: String,
    /// Rate this folder anew and look there, instead of into the books
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The store
    #[arg(long, value_name = "DIR", default_value = "esep-data")]
    data: PathBuf,
    /// Language of the rules: kk, ru or en
    #[arg(long, value_name = "LANGUAGE", default_value = "en")]
    language: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct GenerateArgs {
    /// How many records
    #[arg(long, value_name = "N")]
    records: u64,
    /// Seed of all that is random
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The folder to write; it must be empty or not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Accounts; one for each ten records, up to a million, unless said otherwise
    #[arg(long, value_name = "N")]
    accounts: Option<u32>,
    /// Destination prefixes
    #[arg(long, value_name = "N")]
    prefixes: Option<u32>,
    /// Feed files
    #[arg(long, value_name = "N")]
    files: Option<u32>,
    /// The month
    #[arg(long, value_name = "YYYY-MM")]
    month: Option<String>,
    /// Share of accounts that pay in advance, per cent
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    advance: u8,
    /// Share of the records that a last file sends again, per cent
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    overlap: u8,
    /// Plans include allowances
    #[arg(long)]
    allowances: bool,
    /// Tell nothing but errors
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Subcommand, Debug)]
enum TariffCommand {
    /// Load tariff versions and lint them: gaps, overlaps, unreachable prefixes, unpriced zones, steps too long
    #[command(after_help = "Example:\n  esep tariff check sample-cdr/tariffs/*.toml")]
    Check {
        /// Tariff versions, or folders of a month. Prefixes are read from prefixes.csv beside them or in the folder above
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Exit 1 on warnings
        #[arg(long)]
        strict: bool,
    },
}

/// How a command ended.
enum Ended {
    /// Done.
    Done,
    /// Done, with something that `--strict` asks about.
    Doubtful,
    /// Not done; the reason has been told.
    NotDone,
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Run(args) => books::post(&args, rate::Summary::ForPeople),
        Command::Ingest(args) if args.follow => follow::run(&args.post),
        Command::Ingest(args) => books::post(&args.post, rate::Summary::Short),
        Command::Verify(args) => books::verify(&args),
        Command::Recycle(args) => suspense::recycle(&args),
        Command::Suspense(args) => suspense::suspense(&args),
        Command::Pay(args) => money::pay(&args),
        Command::Refund(args) => money::refund(&args),
        Command::Losses(args) => money::losses(&args),
        Command::WhatIf(args) => what_if::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Backup(args) => backup::backup(&args),
        Command::Restore(args) => backup::restore(&args),
        Command::Rate(args) => rate::run(&args, rate::Summary::Short),
        Command::Account(args) => account::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Task(args) => status::task(&args),
        Command::Event(args) => register::event(&args),
        Command::Open(args) => register::open_account(&args),
        Command::Close(args) => register::close(&args),
        Command::Move(args) => register::moved(&args),
        Command::Person(args) => register::person(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Tariff(TariffCommand::Check { files, strict }) => tariff::check(&files, strict),
    };
    match ended {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Doubtful) => ExitCode::from(1),
        Ok(Ended::NotDone) => ExitCode::from(2),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("esep: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Says something on standard error; where nobody listens, nothing is lost. Text of files cannot disturb a terminal.
fn tell(text: &str) {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    let _ = writeln!(io::stderr().lock(), "{shown}");
}

/// Prints data on standard output.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}
