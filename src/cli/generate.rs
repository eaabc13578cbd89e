use super::{Ended, GenerateArgs, summary, tell};
use crate::generate::{Profile, generate};
use crate::units::Period;
use anyhow::Context;

pub(super) fn run(args: &GenerateArgs) -> anyhow::Result<Ended> {
    let mut profile = Profile::new(args.records, args.seed);
    if let Some(accounts) = args.accounts {
        profile.accounts = accounts;
    }
    if let Some(prefixes) = args.prefixes {
        profile.prefixes = prefixes;
    }
    if let Some(files) = args.files {
        profile.feed_files = files;
    }
    if let Some(month) = &args.month {
        profile.month = Period::parse(month).with_context(|| format!("--month {month}"))?;
    }
    profile.advance_percent = args.advance;
    profile.overlap_percent = args.overlap;
    profile.allowances = args.allowances;
    if std::fs::read_dir(&args.out).is_ok_and(|mut entries| entries.next().is_some()) {
        tell(&format!("esep: {} is not empty\n  hint: name a folder that is not there yet", args.out.display()));
        return Ok(Ended::NotDone);
    }
    let made = generate(&profile, &args.out).with_context(|| format!("{} cannot be written", args.out.display()))?;
    if !args.quiet {
        tell(&format!(
            "{}: {} in {}, {}, {}",
            args.out.display(),
            summary::plural(made.records.saturating_add(made.repeated), "record"),
            summary::plural(made.feed_files, "file"),
            summary::plural(made.accounts, "account"),
            summary::plural(made.payments, "payment"),
        ));
    }
    Ok(Ended::Done)
}
