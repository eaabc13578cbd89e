//! Tariff files on disk become a [`TariffInput`]; the only place of this room that reads files.

use super::finding::Finding;
use super::load::{KnownNames, SourceFile, TariffInput, holidays_named, load_with_places};
use super::{Places, Tariffs};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where the reference data of tariffs lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TariffPaths {
    /// Tariff versions.
    pub versions: Vec<PathBuf>,
    /// The prefix table; a file that is not there is none.
    pub prefixes: Option<PathBuf>,
    /// Names whose numbers are given already.
    pub known: KnownNames,
}

impl TariffPaths {
    /// The paths of a month's folder: `tariffs/*.toml` in the order of their names, and `prefixes.csv`.
    pub fn of_folder(folder: &Path) -> Result<Self, Finding> {
        let tariffs = folder.join("tariffs");
        Ok(Self {
            versions: toml_files(&tariffs)?,
            prefixes: Some(folder.join("prefixes.csv")),
            known: KnownNames::default(),
        })
    }
}

/// The `*.toml` of a folder, in the order of their names; none where there is no folder. Names that begin with a dot
/// are an editor's.
pub fn toml_files(folder: &Path) -> Result<Vec<PathBuf>, Finding> {
    let unreadable = |error: &std::io::Error| Finding::error(folder.display().to_string(), 0, error.to_string());
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(&error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(&error))?.path();
        let is_hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Reads the files; those that cannot be read are findings.
pub fn read_files(paths: &TariffPaths) -> (TariffInput, Vec<Finding>) {
    let mut input = TariffInput { known: paths.known.clone(), ..TariffInput::default() };
    let mut findings = Vec::new();
    for path in &paths.versions {
        match read(path) {
            Ok(source) => {
                read_holidays(path, &source, &mut input, &mut findings);
                input.versions.push(source);
            }
            Err(error) => findings.push(Finding::error(path.display().to_string(), 0, error.to_string())),
        }
    }
    if let Some(path) = &paths.prefixes {
        match read(path) {
            Ok(source) => input.prefixes = Some(source),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => findings.push(Finding::error(path.display().to_string(), 0, error.to_string())),
        }
    }
    (input, findings)
}

/// Reads, checks and compiles the tariffs of some files, with the findings of both steps.
pub fn load_files(paths: &TariffPaths) -> (Option<(Tariffs, Places)>, Vec<Finding>) {
    let (input, mut findings) = read_files(paths);
    let complete = findings.is_empty();
    let (loaded, of_load) = load_with_places(&input);
    findings.extend(of_load);
    (loaded.filter(|_| complete), findings)
}

/// The name of the holidays file that a tariff names, and where it lies: beside it, else in the folder above.
pub fn holidays_of(tariff: &Path, text: &str) -> Option<(String, PathBuf)> {
    let name = holidays_named(text)?;
    let path = holidays_paths(tariff, &name).into_iter().find(|path| path.is_file())?;
    Some((name, path))
}

fn holidays_paths(tariff: &Path, name: &str) -> [PathBuf; 2] {
    let beside = tariff.parent().unwrap_or(Path::new(""));
    let above = beside.join("..");
    let above = beside.parent().filter(|_| !beside.as_os_str().is_empty()).unwrap_or(&above);
    [beside.join(name), above.join(name)]
}

/// Beside the tariff file, else in the folder above. A file that is in neither is told by the load, with its line.
fn read_holidays(tariff: &Path, source: &SourceFile, input: &mut TariffInput, findings: &mut Vec<Finding>) {
    let Some(name) = std::str::from_utf8(&source.bytes).ok().and_then(holidays_named) else { return };
    for path in holidays_paths(tariff, &name) {
        match read(&path) {
            Ok(holidays) => {
                input.holidays.insert((source.file.clone(), name), holidays);
                return;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                findings.push(Finding::error(path.display().to_string(), 0, error.to_string()));
                return;
            }
        }
    }
}

fn read(path: &Path) -> std::io::Result<SourceFile> {
    Ok(SourceFile::new(path.display().to_string(), std::fs::read(path)?))
}
