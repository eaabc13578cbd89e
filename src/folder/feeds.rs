use super::Folder;
use super::config::{Config, FeedConfig};
use super::findings::Findings;
use crate::batch::{FeedFile, Source};
use crate::decode::{Format, Limits, NamedFormat};
use crate::screen::{NumberForm, SourceKey};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

impl Folder {
    /// The feed files of a folder as it lies now, in the order of their names; none where `esep.toml` names what cannot
    /// be used.
    pub fn feeds_of(root: &Path, config: &Config) -> (Option<Vec<FeedFile>>, Findings) {
        let mut findings = Findings::default();
        let files = feed_files(root, config, &mut findings);
        (files, findings)
    }

    /// A file of a feed, wherever it lies. Without a feed's name: of `feeds`, or of the only one.
    pub fn file_of(&self, source: Option<&str>, path: PathBuf) -> Result<FeedFile, String> {
        let feeds = &self.config.feeds;
        let named = |name: &str| feeds.iter().find(|feed| feed.source == name);
        let feed = match (source, feeds.as_slice()) {
            (Some(name), _) => named(name),
            (None, [only]) => Some(only),
            (None, _) => named("feeds"),
        };
        let Some(feed) = feed else {
            let known: Vec<&str> = feeds.iter().map(|feed| feed.source.as_str()).collect();
            let known = known.join("`, `");
            return Err(match source {
                Some(name) => format!("the books know no feed `{name}`\n  hint: they know `{known}`"),
                None => format!("there are several feeds\n  hint: say which with --source: `{known}`"),
            });
        };
        let mut findings = Findings::default();
        let Some((format, described_form)) = format_of(&self.root, feed, &mut findings) else {
            return Err(findings.kept().first().map(ToString::to_string).unwrap_or_default());
        };
        let name = path.display().to_string();
        Ok(FeedFile { path, name, source: source_of(feed, described_form), format, known: None })
    }
}

fn source_of(feed: &FeedConfig, described: NumberForm) -> Source {
    Source {
        name: feed.source.clone(),
        key: SourceKey::of(&feed.source),
        number_form: feed.number_form.unwrap_or(described),
    }
}

/// The files of all feeds in the order of their names; each belongs to the first feed whose pattern it fits.
///
/// None where a feed's format cannot be used.
pub(super) fn feed_files(root: &Path, config: &Config, findings: &mut Findings) -> Option<Vec<FeedFile>> {
    let mut files: BTreeMap<String, FeedFile> = BTreeMap::new();
    let mut lacking: Vec<&FeedConfig> = Vec::new();
    let before = findings.errors();
    for feed in &config.feeds {
        let Some((format, described_form)) = format_of(root, feed, findings) else { continue };
        let source = source_of(feed, described_form);
        let mut fits = 0usize;
        for pattern in &feed.files {
            for path in matching(root, pattern, findings) {
                fits = fits.saturating_add(1);
                let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                let file =
                    FeedFile { path, name: name.clone(), source: source.clone(), format: format.clone(), known: None };
                files.entry(name).or_insert(file);
            }
        }
        if fits == 0 {
            lacking.push(feed);
        }
    }
    unread(root, &files, findings);
    if files.is_empty() {
        findings.warning("feeds", 0, "no file of any feed".into());
        lacking.clear();
    }
    for feed in lacking {
        let message = format!("feed `{}`: no file fits `{}`", feed.source, feed.files.join("`, `"));
        findings.warning("esep.toml", 0, message);
    }
    (findings.errors() == before).then(|| files.into_values().collect())
}

/// A file as the feed of that name is read whose pattern it fits, else as the first of that name.
pub(super) fn feed_file(root: &Path, config: &Config, source: &str, name: &str) -> Option<FeedFile> {
    let fits = |feed: &FeedConfig| {
        feed.files.iter().any(|pattern| glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(name)))
    };
    let named = || config.feeds.iter().filter(|feed| feed.source == source);
    let feed = named().find(|feed| fits(feed)).or_else(|| named().next())?;
    let limits = Limits { max_duration_ms: Some(feed.max_duration_ms) };
    let (format, described_form) = Format::named(&feed.format, root, feed.time_zone.as_deref(), limits).ok()?;
    let number_form = feed.number_form.unwrap_or(described_form);
    let source = Source { name: feed.source.clone(), key: SourceKey::of(&feed.source), number_form };
    Some(FeedFile { path: root.join(name), name: name.to_owned(), source, format, known: None })
}

fn format_of(root: &Path, feed: &FeedConfig, findings: &mut Findings) -> Option<NamedFormat> {
    let limits = Limits { max_duration_ms: Some(feed.max_duration_ms) };
    match Format::named(&feed.format, root, feed.time_zone.as_deref(), limits) {
        Ok(format) => Some(format),
        Err(message) => {
            findings.error("esep.toml", 0, format!("feed `{}`: {message}", feed.source));
            None
        }
    }
}

fn matching(root: &Path, pattern: &str, findings: &mut Findings) -> Vec<std::path::PathBuf> {
    let escaped = glob::Pattern::escape(&root.display().to_string());
    match glob::glob(&format!("{escaped}/{pattern}")) {
        Ok(paths) => {
            let mut files = Vec::new();
            for path in paths {
                match path {
                    Ok(path) if path.is_file() => files.push(path),
                    // What `**` finds in a folder is found by itself.
                    Ok(path) if path.is_dir() && pattern.contains("**") => {}
                    Ok(path) => {
                        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                        findings.warning(&name, 0, "not a file; no record of it is read".into());
                    }
                    Err(error) => {
                        let message = format!("cannot be searched: {}", error.error());
                        findings.error(&error.path().display().to_string(), 0, message);
                    }
                }
            }
            files
        }
        Err(error) => {
            findings.error("esep.toml", 0, format!("files `{pattern}` is not a pattern: {error}"));
            Vec::new()
        }
    }
}

/// A file in `feeds/` that no feed reads may be a mistake.
fn unread(root: &Path, files: &BTreeMap<String, FeedFile>, findings: &mut Findings) {
    let Ok(entries) = std::fs::read_dir(root.join("feeds")) else { return };
    let mut unread: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_file())
        .map(|entry| format!("feeds/{}", entry.file_name().display()))
        .filter(|name| !name.starts_with("feeds/.") && !files.contains_key(name))
        .collect();
    unread.sort();
    for name in unread {
        findings.warning(&name, 0, "no feed of esep.toml reads this file".into());
    }
}
