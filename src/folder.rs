//! The folder of a month: configuration, reference data and feed files as values. All reading of reference files is
//! here; the rooms get what was read.
//!
//! A row that cannot be used is set aside and told, with file and line: what depends on it is suspended later, and can
//! be recycled. A tariff that does not make sense stops the load, and so does a reference file that cannot be read: half
//! a table of payments would charge wrongly.
//!
//! Source: interface 7.1, 7.5.

mod config;
mod events;
mod feeds;
mod findings;
mod reference;
mod table;
mod told;

pub use config::{BadConfig, Config, FeedConfig};
pub use events::{EVENT_COLUMNS, EventRow, event_id, event_line};
pub use findings::Findings;
use reference::Purpose;
pub use reference::{Opening, PaymentRow};
pub use told::{BroughtDebt, BroughtKind, FACT_COLUMNS, Told};

use crate::batch::{FeedFile, Reference};
use crate::book::{Account, Funds};
use crate::tariff::{KnownNames, TariffPaths, Tariffs, holidays_of, load_files, toml_files};
use crate::units::{LocalDay, Tiyn};
use crate::{law, tax};
use std::path::{Path, PathBuf};

/// A month as it lies on disk, read.
#[derive(Debug)]
pub struct Folder {
    /// What rating reads and does not change.
    pub reference: Reference,
    /// In the order in which they are read.
    pub files: Vec<FeedFile>,
    /// Where it lies.
    pub root: PathBuf,
    /// What it says of itself.
    pub config: Config,
    /// What accounts bring from the books before, in the order of accounts; of a folder opened to rate, see
    /// [`Folder::open_to_rate`].
    pub openings: Vec<Opening>,
    /// Payments, in the order of their file; likewise.
    pub payments: Vec<PaymentRow>,
    /// What happened to accounts, in the order of its file.
    pub events: Vec<EventRow>,
    /// Debt of rare kinds that accounts bring from the books before.
    pub brought: Vec<BroughtDebt>,
}

/// Where the parts of a folder lie.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Paths {
    root: PathBuf,
    config: Config,
}

impl Folder {
    /// Reads a folder. None where nothing can be rated: it is not there, its tariffs or configuration are wrong, or a
    /// reference file that is there cannot be read.
    pub fn open(root: &Path) -> (Option<Self>, Findings) {
        Self::open_knowing(root, KnownNames::default())
    }

    /// The same to rate it, not for the books: of openings and payments only those of accounts that pay ahead are kept,
    /// the others decide nothing.
    pub fn open_to_rate(root: &Path) -> (Option<Self>, Findings) {
        Self::open_for(root, KnownNames::default(), Purpose::Rating)
    }

    /// The same, for books that know names already.
    pub fn open_knowing(root: &Path, known: KnownNames) -> (Option<Self>, Findings) {
        Self::open_for(root, known, Purpose::Books)
    }

    fn open_for(root: &Path, known: KnownNames, purpose: Purpose) -> (Option<Self>, Findings) {
        let mut findings = Findings::default();
        if !root.is_dir() {
            findings.error(&root.display().to_string(), 0, "there is no such folder".into());
            return (None, findings);
        }
        let config = match Config::read(&root.join("esep.toml")) {
            Ok(config) => config,
            Err(error) => {
                findings.error("esep.toml", error.line, error.message);
                return (None, findings);
            }
        };
        let paths = Paths { root: root.to_owned(), config };
        let Some(tariffs) = paths.tariffs(known, &mut findings) else { return (None, findings) };
        Self::with(paths, tariffs, purpose, findings)
    }

    /// As [`Folder::open_knowing`], of a folder whose tariffs and prefixes were read before; none are looked for.
    pub fn open_by(root: &Path, tariffs: Tariffs) -> (Option<Self>, Findings) {
        let mut findings = Findings::default();
        match Config::read(&root.join("esep.toml")) {
            Ok(config) => Self::with(Paths { root: root.to_owned(), config }, tariffs, Purpose::Books, findings),
            Err(error) => {
                findings.error("esep.toml", error.line, error.message);
                (None, findings)
            }
        }
    }

    fn with(paths: Paths, tariffs: Tariffs, purpose: Purpose, mut findings: Findings) -> (Option<Self>, Findings) {
        let Some(files) = feeds::feed_files(&paths.root, &paths.config, &mut findings) else { return (None, findings) };
        let period = paths.config.period;
        let mut loaded = reference::read(&paths, &tariffs, purpose, &mut findings);
        if findings.errors() > 0 {
            return (None, findings);
        }
        let register = std::mem::take(&mut loaded.register);
        let reference = Reference { tariffs, register, period };
        let Paths { root, config } = paths;
        let reference::Loaded { openings, payments, events, brought, .. } = loaded;
        let folder = Self { reference, files, root, config, openings, payments, events, brought };
        (Some(folder), findings)
    }

    /// The reference files by their default names, with where they lie; perhaps not all of them are there.
    pub fn reference_files(&self) -> std::io::Result<Vec<(String, PathBuf)>> {
        let config = &self.config;
        let named = [
            ("prefixes.csv", &config.prefixes),
            ("accounts.csv", &config.accounts),
            ("lines.csv", &config.lines),
            ("assignments.csv", &config.assignments),
            ("events.csv", &config.events),
        ];
        let mut files: Vec<(String, PathBuf)> =
            named.into_iter().map(|(name, path)| (name.to_owned(), self.root.join(path))).collect();
        let tariffs = self.root.join(&config.tariffs);
        for path in toml_files(&tariffs).map_err(|finding| std::io::Error::other(finding.to_string()))? {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            files.push((format!("tariffs/{name}"), path.clone()));
            let text = std::fs::read_to_string(&path)?;
            if let Some((holidays, beside)) = holidays_of(&path, &text) {
                files.push((format!("tariffs/{holidays}"), beside));
            }
        }
        for feed in &config.feeds {
            let path = self.root.join(&feed.format);
            if let (Some(name), true) = (feed.described_by(), path.is_file()) {
                files.push((name, path));
            }
        }
        Ok(files)
    }

    /// A file of a feed, which need not lie here: as the feed of that name is read whose pattern it fits, else as the
    /// first of that name. None where no feed has the name, or its format cannot be used.
    pub fn feed_file(&self, source: &str, name: &str) -> Option<FeedFile> {
        feeds::feed_file(&self.root, &self.config, source, name)
    }

    /// All that decides in a folder, wherever it lies: its configuration, its reference files, its payments and the
    /// descriptions of its feeds. Perhaps not all of them are there.
    pub fn deciding_paths(root: &Path, config: &Config) -> Vec<PathBuf> {
        let Config { prefixes, accounts, lines, assignments, events, payments, .. } = config;
        let named = [prefixes, accounts, lines, assignments, events, payments];
        let mut paths: Vec<PathBuf> = named.into_iter().map(|name| root.join(name)).collect();
        // With what lies beside the versions: holidays.
        let tariffs = root.join(&config.tariffs);
        let entries = std::fs::read_dir(&tariffs).into_iter().flatten().filter_map(Result::ok);
        paths.extend(entries.map(|entry| entry.path()));
        paths.push(tariffs);
        paths.extend(Self::form_paths(root, config));
        paths
    }

    /// What says how feeds are read.
    pub fn form_paths(root: &Path, config: &Config) -> Vec<PathBuf> {
        let described = config.feeds.iter().filter(|feed| feed.described_by().is_some());
        std::iter::once(root.join("esep.toml")).chain(described.map(|feed| root.join(&feed.format))).collect()
    }

    /// The money that accounts have before the first record.
    pub fn funds(&self) -> Funds {
        let mut funds = Funds::default();
        let ahead = |no| self.reference.register.account(no).filter(|account| account.is_advance());
        for opening in self.openings.iter().filter(|opening| ahead(opening.no).is_some()) {
            funds.open(opening.no, opening.amount);
        }
        funds.pay(self.payments.iter().filter_map(|payment| {
            let account = ahead(payment.no?)?;
            let vat = vat_of_payment(account, payment.amount, payment.day);
            Some((payment.no?, payment.at, payment.amount.checked_sub(vat)?))
        }));
        funds
    }
}

/// The VAT that is taken out of a payment before it is credited: that of its day, of an account that a budget pays.
/// Source: BT-16.1, accounts and money 2.2.
pub fn vat_of_payment(account: &Account, amount: Tiyn, day: LocalDay) -> Tiyn {
    if account.is_budget() { tax::extract(amount, law::vat_rate_on(day)).vat } else { Tiyn::ZERO }
}

impl Paths {
    fn tariffs(&self, known: KnownNames, findings: &mut Findings) -> Option<crate::tariff::Tariffs> {
        let paths = match toml_files(&self.root.join(&self.config.tariffs)) {
            Ok(versions) => TariffPaths { versions, prefixes: Some(self.root.join(&self.config.prefixes)), known },
            Err(finding) => {
                findings.push(finding);
                return None;
            }
        };
        if paths.versions.is_empty() {
            findings.warning(&self.config.tariffs, 0, "no tariff version here: every record will be suspended".into());
        }
        let (loaded, of_tariffs) = load_files(&paths);
        for mut finding in of_tariffs {
            if let Ok(inside) = Path::new(&finding.file).strip_prefix(&self.root) {
                finding.file = inside.display().to_string();
            }
            findings.push(finding);
        }
        loaded.map(|(tariffs, _)| tariffs)
    }

    /// A reference file's path and the name that findings give it.
    fn of<'c>(&self, name: &'c str) -> (PathBuf, &'c str) {
        (self.root.join(name), name)
    }
}
