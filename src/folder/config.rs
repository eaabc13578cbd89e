use crate::decode::Description;
use crate::screen::NumberForm;
use crate::units::Period;
use serde::Deserialize;
use std::io::ErrorKind;
use std::path::Path;

/// `esep.toml`: which feeds in which format, and where the reference data lies. Every entry may be left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// The month that is being rated: earlier usage is flagged `late`. Without it nothing is.
    pub period: Option<Period>,
    /// Folder of tariff versions.
    pub tariffs: String,
    /// `prefix,zone`.
    pub prefixes: String,
    /// One row per account.
    pub accounts: String,
    /// Lines by date.
    pub lines: String,
    /// Payments.
    pub payments: String,
    /// Dated plans.
    pub assignments: String,
    /// What happened to accounts.
    pub events: String,
    /// The feeds, in the order of the file.
    pub feeds: Vec<FeedConfig>,
}

/// One `[[feed]]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedConfig {
    /// Its name, part of each record's key.
    pub source: String,
    /// Patterns of its files, relative to the folder.
    pub files: Vec<String>,
    /// `native`, `ndjson`, the name of a description, or the path of one.
    pub format: String,
    /// How it writes called numbers; `None` leaves it to the format.
    pub number_form: Option<NumberForm>,
    /// Zone of times without offset; `None` leaves it to the description.
    pub time_zone: Option<String>,
    /// The longest duration of one record, milliseconds.
    pub max_duration_ms: i64,
}

/// Why `esep.toml` cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadConfig {
    /// Line from 1; 0 for the whole file.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

/// Longer records are garbage unless the feed says otherwise.
const MAX_DURATION: &str = "720h";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    period: Option<toml::Spanned<String>>,
    tariffs: Option<String>,
    prefixes: Option<String>,
    accounts: Option<String>,
    lines: Option<String>,
    payments: Option<String>,
    assignments: Option<String>,
    events: Option<String>,
    feed: Option<Vec<WrittenFeed>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFeed {
    source: toml::Spanned<String>,
    files: Patterns,
    format: Option<String>,
    number_form: Option<toml::Spanned<String>>,
    time_zone: Option<String>,
    max_duration: Option<toml::Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Patterns {
    One(String),
    Many(Vec<String>),
}

impl Config {
    /// Reads `esep.toml`; one that is not there is empty.
    pub fn read(path: &Path) -> Result<Self, BadConfig> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::parse(""),
            Err(error) => Err(BadConfig { line: 0, message: error.to_string() }),
        }
    }

    /// Reads the text of `esep.toml`.
    pub fn parse(text: &str) -> Result<Self, BadConfig> {
        let line_at = |at: usize| {
            let before = text.as_bytes().get(..at).unwrap_or_default();
            u32::try_from(memchr::memchr_iter(b'\n', before).count()).unwrap_or(u32::MAX).saturating_add(1)
        };
        let written: Written = toml::from_str(text).map_err(|error| BadConfig {
            line: error.span().map_or(0, |span| line_at(span.start)),
            message: error.message().to_owned(),
        })?;
        let bad = |at: std::ops::Range<usize>, message: String| BadConfig { line: line_at(at.start), message };
        let period = match &written.period {
            None => None,
            Some(period) => Some(Period::parse(period.get_ref()).map_err(|_| {
                bad(period.span(), format!("period `{}` is not a month like 2026-03", period.get_ref()))
            })?),
        };
        let mut feeds = Vec::new();
        for feed in written.feed.unwrap_or_else(|| vec![WrittenFeed::default()]) {
            if feed.source.get_ref().is_empty() {
                return Err(bad(feed.source.span(), "a feed's source has no name".into()));
            }
            let number_form = match &feed.number_form {
                None => None,
                Some(form) => Some(NumberForm::parse(form.get_ref().as_bytes()).ok_or_else(|| {
                    bad(form.span(), format!("number_form `{}` is neither dialled nor e164", form.get_ref()))
                })?),
            };
            let max_duration_ms = match &feed.max_duration {
                None => duration_ms(MAX_DURATION),
                Some(text) => duration_ms(text.get_ref()),
            };
            let max_duration_ms = max_duration_ms.ok_or_else(|| {
                let span = feed.max_duration.as_ref().map_or(0..0, toml::Spanned::span);
                bad(span, "max_duration is not a time like 90s, 30min, 24h, up to 8784h".into())
            })?;
            feeds.push(FeedConfig {
                source: feed.source.into_inner(),
                files: match feed.files {
                    Patterns::One(pattern) => vec![pattern],
                    Patterns::Many(patterns) => patterns,
                },
                format: feed.format.unwrap_or_else(|| "native".into()),
                number_form,
                time_zone: feed.time_zone,
                max_duration_ms,
            });
        }
        let named = |name: Option<String>, default: &str| name.unwrap_or_else(|| default.into());
        Ok(Self {
            period,
            tariffs: named(written.tariffs, "tariffs"),
            prefixes: named(written.prefixes, "prefixes.csv"),
            accounts: named(written.accounts, "accounts.csv"),
            lines: named(written.lines, "lines.csv"),
            payments: named(written.payments, "payments.csv"),
            assignments: named(written.assignments, "assignments.csv"),
            events: named(written.events, "events.csv"),
            feeds,
        })
    }
}

impl Config {
    /// The same under the default names of files, as the books keep it.
    pub fn canonical(&self) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let mut text = String::new();
        if let Some(period) = self.period {
            text.push_str(&format!("period = \"{}\"\n", period.first_day().to_string().get(..7).unwrap_or_default()));
        }
        for feed in &self.feeds {
            let files: Vec<String> = feed.files.iter().map(|pattern| quoted(pattern)).collect();
            let format = feed.described_by().unwrap_or_else(|| feed.format.clone());
            text.push_str(&format!("[[feed]]\nsource = {}\nfiles = [{}]\n", quoted(&feed.source), files.join(", ")));
            text.push_str(&format!(
                "format = {}\nmax_duration = \"{}s\"\n",
                quoted(&format),
                feed.max_duration_ms / 1000
            ));
            if let Some(form) = feed.number_form {
                text.push_str(&format!("number_form = \"{}\"\n", form.name()));
            }
            if let Some(zone) = &feed.time_zone {
                text.push_str(&format!("time_zone = {}\n", quoted(zone)));
            }
        }
        text
    }
}

impl FeedConfig {
    /// The name under which the books keep its description; none where it is not a file of the folder.
    pub fn described_by(&self) -> Option<String> {
        let comes_with_us =
            matches!(self.format.as_str(), "native" | "ndjson") || Description::bundled(&self.format).is_some();
        let name = Path::new(&self.format).file_name().and_then(|name| name.to_str())?;
        (!comes_with_us).then(|| format!("formats/{name}"))
    }
}

impl Default for WrittenFeed {
    fn default() -> Self {
        Self {
            source: toml::Spanned::new(0..0, "feeds".into()),
            files: Patterns::One("feeds/*.csv".into()),
            format: None,
            number_form: None,
            time_zone: None,
            max_duration: None,
        }
    }
}

/// `90s`, `30min`, `24h`: at most a leap year, so that no record costs more than a few thousand steps to cut.
fn duration_ms(text: &str) -> Option<i64> {
    const YEAR_MS: i64 = 366 * 24 * 3_600_000;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let unit_ms = match unit.trim() {
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(unit_ms).filter(|ms| *ms > 0 && *ms <= YEAR_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interface_7_1_every_entry_is_optional() {
        let config = Config::parse("").unwrap();
        assert_eq!(config.accounts, "accounts.csv");
        let feed = &config.feeds[0];
        assert_eq!(
            (feed.source.as_str(), feed.format.as_str(), feed.files.as_slice()),
            ("feeds", "native", &["feeds/*.csv".to_owned()][..])
        );
        let config = Config::parse("accounts = \"a.csv\"\nperiod = \"2026-03\"\n[[feed]]\nsource = \"msc-1\"\nfiles = [\"x\", \"y\"]\nnumber_form = \"e164\"\nmax_duration = \"2h\"\n").unwrap();
        assert_eq!(config.period, Period::parse("2026-03").ok());
        let feed = &config.feeds[0];
        assert_eq!((feed.files.len(), feed.number_form, feed.max_duration_ms), (2, Some(NumberForm::E164), 7_200_000));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, message) in [
            ("\n\nwrong = 1\n", 3, "unknown field `wrong`"),
            ("[[feed]]\nfiles = \"x\"\n", 1, "missing field `source`"),
            ("[[feed]]\nsource = \"a\"\nfiles = \"x\"\nnumber_form = \"E164\"\n", 4, "neither dialled nor e164"),
            ("[[feed]]\nsource = \"a\"\nfiles = \"x\"\nmax_duration = \"1y\"\n", 4, "max_duration is not a time"),
            ("period = \"March\"", 1, "not a month"),
            ("[[feed", 1, ""),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text}: {}", error.message);
            assert!(error.message.contains(message), "{text}: {}", error.message);
        }
    }
}
