//! A tariff to be laid over that of the books.

use super::reference::Files;
use super::writer::PostError;
use crate::tariff::{holidays_of, toml_files};
use std::path::{Path, PathBuf};

/// Tariff versions of a file or a folder, with what they name.
#[derive(Debug)]
pub(super) struct Overlay {
    /// File name, content, first day.
    versions: Vec<(String, Vec<u8>, String)>,
    holidays: Vec<(String, Vec<u8>)>,
    prefixes: Option<Vec<u8>>,
}

impl Overlay {
    /// Reads a tariff file, a folder of them, or the folder of a month. A folder's `prefixes.csv` replaces that of the
    /// books.
    pub(super) fn read(path: &Path) -> Result<Self, PostError> {
        let inside = path.join("tariffs");
        let (files, prefixes): (Vec<PathBuf>, _) = if path.is_dir() {
            let folder = if inside.is_dir() { &inside } else { path };
            let files = toml_files(folder).map_err(|finding| PostError::Refused(finding.to_string()))?;
            let prefixes = path.join("prefixes.csv");
            (files, if prefixes.is_file() { Some(read(&prefixes)?) } else { None })
        } else {
            (vec![path.to_owned()], None)
        };
        if files.is_empty() {
            return Err(PostError::Refused(format!("{}: no tariff version here", path.display())));
        }
        let mut overlay = Self { versions: Vec::new(), holidays: Vec::new(), prefixes };
        for file in files {
            let bytes = read(&file)?;
            let text = std::str::from_utf8(&bytes).unwrap_or_default();
            let Some(first_day) = first_day(text) else {
                return Err(PostError::Refused(format!(
                    "{}: no tariff version\n  hint: `esep tariff check` tells what is wrong with it",
                    file.display()
                )));
            };
            if let Some((name, beside)) = holidays_of(&file, text) {
                overlay.holidays.push((name, read(&beside)?));
            }
            let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            overlay.versions.push((name, bytes, first_day));
        }
        Ok(overlay)
    }

    /// Replaces the versions that begin on the same days, adds the others.
    pub(super) fn lay_over(&self, files: &mut Files) -> Result<(), PostError> {
        let replaced = |bytes: &[u8]| {
            let day = std::str::from_utf8(bytes).ok().and_then(first_day);
            day.is_some_and(|day| self.versions.iter().any(|(.., first_day)| *first_day == day))
        };
        files.retain(|name, bytes| {
            let is_version = name.starts_with("tariffs/") && name.ends_with(".toml");
            !(is_version && replaced(bytes))
        });
        for (name, bytes) in &self.holidays {
            let name = format!("tariffs/{name}");
            if files.get(&name).is_some_and(|known| known != bytes) {
                return Err(PostError::Refused(format!(
                    "{name}: the books have another file of this name\n  hint: give the holidays of the new tariff a \
                     name of their own"
                )));
            }
            files.insert(name, bytes.clone());
        }
        for (name, bytes, _) in &self.versions {
            files.insert(format!("tariffs/what-if-{name}"), bytes.clone());
        }
        if let Some(prefixes) = &self.prefixes {
            files.insert("prefixes.csv".into(), prefixes.clone());
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, PostError> {
    std::fs::read(path).map_err(|error| PostError::Refused(format!("{}: {error}", path.display())))
}

/// The day from which a version is valid, as it is written.
fn first_day(text: &str) -> Option<String> {
    let version: toml::Table = toml::from_str(text).ok()?;
    Some(version.get("valid_from")?.as_datetime()?.to_string())
}
