use super::{Ended, print, summary, tell};
use crate::law;
use crate::tariff::{AllowedStep, Finding, TariffPaths, lint, load_files, toml_files};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Loads and lints tariff versions; findings go to standard error, what was loaded to standard output.
pub(super) fn check(files: &[PathBuf], strict: bool) -> anyhow::Result<Ended> {
    let mut versions = Vec::new();
    let mut findings: Vec<Finding> = Vec::new();
    for file in files {
        if !file.is_dir() {
            versions.push(file.clone());
            continue;
        }
        let inside = file.join("tariffs");
        let folder = if inside.is_dir() { &inside } else { file };
        match toml_files(folder) {
            Ok(found) if found.is_empty() => {
                findings.push(Finding::error(folder.display().to_string(), 0, "no tariff version here"));
            }
            Ok(found) => versions.extend(found),
            Err(finding) => findings.push(finding),
        }
    }
    let prefixes = versions.first().and_then(|first| prefixes_near(first));
    if prefixes.is_none() && !versions.is_empty() {
        findings.push(Finding::warning(
            "prefixes.csv",
            0,
            "not there, neither beside the tariffs nor in the folder above",
        ));
    }
    let (loaded, of_load) = load_files(&TariffPaths { versions, prefixes, known: Default::default() });
    findings.extend(of_load);
    if let Some((tariffs, places)) = &loaded {
        let change_days: Vec<_> = law::REGULATED_STEP.iter().map(|row| row.from).collect();
        let allowed = |day| {
            let step = law::step_on(day);
            (step.long_distance_ms, step.international_ms)
        };
        findings.extend(lint(tariffs, places, AllowedStep { allowed_ms: &allowed, changes: &change_days }));
        let mut text = String::new();
        for version in &tariffs.versions {
            let plans = version.plans.iter().flatten().count() as u64;
            let rates: usize = version.plans.iter().flatten().map(|plan| plan.rates.len()).sum();
            let _ = writeln!(
                text,
                "{} from {}: {}, {}, {}",
                version.name,
                version.valid_from,
                summary::plural(plans, "plan"),
                summary::plural(rates as u64, "rate"),
                summary::plural(tariffs.prefixes.len() as u64, "prefix entry").replace("entrys", "entries"),
            );
        }
        print(&text)?;
    }
    for finding in &findings {
        tell(&finding.to_string());
    }
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let warnings = findings.len().saturating_sub(errors);
    if errors > 0 || loaded.is_none() {
        tell(&format!("esep: {} must be mended", summary::plural(errors as u64, "finding")));
        return Ok(Ended::NotDone);
    }
    Ok(if strict && warnings > 0 { Ended::Doubtful } else { Ended::Done })
}

fn prefixes_near(version: &Path) -> Option<PathBuf> {
    let beside = version.parent().unwrap_or(Path::new(""));
    [beside.join("prefixes.csv"), beside.join("..").join("prefixes.csv")].into_iter().find(|path| path.is_file())
}
