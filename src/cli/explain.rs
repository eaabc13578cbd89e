use super::{Ended, ExplainArgs, print, rate, tell};
use crate::law::Language;
use crate::post::Store;
use crate::screen::SourceKey;
use rustc_hash::FxHashSet;

/// Tells it from the store.
fn from_books(args: &ExplainArgs, language: Language) -> anyhow::Result<Ended> {
    let store = Store::open_to_read(&args.data)?;
    let explained = store.explain(&args.id, language)?;
    if explained.is_empty() {
        tell(&format!(
            "esep: no record {} in {}\n  hint: an id is that of rated.csv, source/record_id; a rejected line has none",
            args.id,
            args.data.display()
        ));
        return Ok(Ended::NotDone);
    }
    explained.iter().try_for_each(|text| print(text))?;
    Ok(Ended::Done)
}

/// Rates the folder anew and tells how one of its records came to its outcome.
pub(super) fn run(args: &ExplainArgs) -> anyhow::Result<Ended> {
    let Some(language) = Language::parse(args.language.as_bytes()) else {
        tell(&format!("esep: --language {} is none of kk, ru, en", args.language));
        return Ok(Ended::NotDone);
    };
    let Some(of_folder) = &args.folder else { return from_books(args, language) };
    let Some((folder, _)) = rate::open_to_rate(of_folder, &args.common) else { return Ok(Ended::NotDone) };
    // `source/record_id`, or a record id of any source, which may hold a slash itself.
    let traced: FxHashSet<u128> = folder
        .files
        .iter()
        .flat_map(|file| {
            let in_source = args.id.strip_prefix(&format!("{}/", file.source.name));
            [in_source, Some(args.id.as_str())]
                .into_iter()
                .flatten()
                .map(|id| SourceKey::fingerprint(file.source.key, id.as_bytes()))
        })
        .collect();
    let report = rate::pass(&folder, &args.common, None, traced)?;
    if report.traces.is_empty() {
        tell(&format!(
            "esep: no record {} in {}\n  hint: an id is that of rated.csv, source/record_id; a rejected line has none",
            args.id,
            of_folder.display()
        ));
        return Ok(Ended::NotDone);
    }
    for trace in &report.traces {
        print(&trace.explain(&folder.reference, &folder.files, language))?;
    }
    Ok(Ended::Done)
}
