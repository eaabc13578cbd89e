use super::Slot;
use super::clock::TimeFormat;
use super::settle::Since;
use super::source::{Alternative, AnsweredWhen, DerivedColumns, LengthColumn, Origin, Source, TimeSource};
use super::written::{Written, WrittenColumn, WrittenSource, WrittenTable};
use crate::decode::Column;
use crate::record::names;
use crate::units::Zone;
use std::fmt;

/// Whole seconds cut off at both ends differ by less than this; offsets of a zone differ by far more.
const TOLERANCE_MS: i64 = 2000;

names! {
    /// How a feed writes called numbers. Source: rating 1.5.
    pub enum NumberForm {
        /// As a subscriber dials them.
        Dialled = "dialled",
        /// International; only `+` and `00` are dropped.
        E164 = "e164",
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Encoding {
    Utf8,
    Windows1251,
}

/// A format of CSV-like lines as data.
///
/// ```toml
/// needs = "…"                    # what the switch must be told to write; shown when a column is absent
/// delimiter = ","                # one character
/// quote = "\""                   # one character, or "" for none
/// header = false                 # true: the first line of a file names its columns
/// columns = ["src", "dst", …]    # of a file without a header
/// encoding = "utf-8"             # or "windows-1251"
/// time_format = "%Y-%m-%d %H:%M:%S"  # strftime, local or with an offset; rfc3339, epoch_s, epoch_ms, epoch_us
/// time_zone = "Asia/Almaty"      # of local times; the feed's own `time_zone` wins
/// number_form = "dialled"        # or "e164"; the feed's own wins
/// record_id = ["uniqueid", "answer"]  # columns that together are unique
/// record_id_separator = "|"
///
/// [map]                          # native column = where its text comes from
/// a_number = "src"               # a column by name, or by position from 1
/// service = { value = "voice" }  # a constant
/// b_number = { column = "dst", strip = "-", after = "sip:", before = "@" }
/// cause = [{ column = "q850" }, { column = "code", values = { "200" = "16" }, otherwise = "…", prefix = "sip:" }]
/// setup_at = { column = "start", time_format = "epoch_ms" }
///
/// [answered_when]                # otherwise the answer time is ignored; without it an answer time is an answer
/// column = "disposition"
/// values = ["ANSWERED"]
///
/// [answer_from]                  # also [setup_from]; instead of an entry in [map]
/// release_minus_seconds = "billsec"
/// # [release_from]  answer_plus_seconds = "…"  or  setup_plus_seconds = "…"
///
/// [duration]                     # settles a local time that came twice (rating 1.4)
/// from_answer = "billsec"        # seconds up to the release
/// from_setup = "duration"
/// tolerance_ms = 2000
/// ```
///
/// In a table of `[map]` the order is: `after`, `before`, `before_last`, `strip`, `values`, else `otherwise`, else `prefix`. Of a list
/// the first that is not empty counts.
#[derive(Clone, Debug)]
pub struct Description {
    name: String,
    needs: String,
    header: bool,
    number_form: Option<NumberForm>,
    pub(super) delimiter: u8,
    pub(super) quote: Option<u8>,
    pub(super) columns: Vec<String>,
    pub(super) encoding: Encoding,
    pub(super) zone: Option<Zone>,
    /// The columns that are used, each once.
    slots: Vec<WrittenColumn>,
    pub(super) record_id: Vec<Slot>,
    pub(super) record_id_separator: String,
    pub(super) texts: Vec<(Column, Source)>,
    /// Setup, answer, release.
    pub(super) times: [TimeSource; 3],
    pub(super) answered_when: Option<AnsweredWhen>,
    pub(super) derived: DerivedColumns,
    pub(super) lengths: Vec<LengthColumn>,
    pub(super) tolerance_ms: i64,
}

/// A description that does not make sense: every finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadDescription {
    /// The name it was given, a file's or a bundled one's.
    pub name: String,
    /// What is wrong, one or more.
    pub findings: Vec<String>,
}

impl fmt::Display for BadDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, finding) in self.findings.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}: {finding}", self.name)?;
        }
        Ok(())
    }
}

impl std::error::Error for BadDescription {}

const BUNDLED: [(&str, &str); 3] = [
    ("asterisk", include_str!("../formats/asterisk.toml")),
    ("freeswitch", include_str!("../formats/freeswitch.toml")),
    ("kamailio", include_str!("../formats/kamailio.toml")),
];

impl Description {
    /// The names of the descriptions that come with the program.
    pub fn bundled_names() -> impl Iterator<Item = &'static str> {
        BUNDLED.iter().map(|(name, _)| *name)
    }

    /// A description that comes with the program; none of that name.
    pub fn bundled(name: &str) -> Option<Result<Self, BadDescription>> {
        BUNDLED.iter().find(|(bundled, _)| *bundled == name).map(|(name, text)| Self::parse(text, name))
    }

    /// Reads a description; `name` is for messages.
    pub fn parse(text: &str, name: &str) -> Result<Self, BadDescription> {
        let bad = |findings| BadDescription { name: name.to_owned(), findings };
        let written: Written =
            toml::from_str(text).map_err(|error| bad(vec![error.to_string().trim_end().to_owned()]))?;
        let mut reading =
            Reading { columns: &written.columns, header: written.header, slots: vec![], findings: vec![] };
        let description = reading.description(name, &written);
        match (description, reading.findings.is_empty()) {
            (Some(description), true) => Ok(description),
            _ => Err(bad(reading.findings)),
        }
    }

    /// This description with the time zone that the feed's own settings name.
    #[must_use]
    pub fn with_time_zone(self, zone: Zone) -> Self {
        Self { zone: Some(zone), ..self }
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the first line of a file names its columns.
    pub const fn has_header(&self) -> bool {
        self.header
    }

    /// How its called numbers are written, where it says so.
    pub const fn number_form(&self) -> Option<NumberForm> {
        self.number_form
    }

    /// Local times, and no zone to read them in.
    pub(super) fn needs_zone(&self) -> bool {
        self.zone.is_none() && self.times.iter().flat_map(|time| &time.0).any(|(_, format)| format.is_local())
    }

    /// Where the used columns stand among these names.
    pub(super) fn places(&self, names: &[&str]) -> Result<Vec<usize>, String> {
        self.slots
            .iter()
            .map(|slot| match slot {
                WrittenColumn::Position(position) => Ok(usize::from(*position).saturating_sub(1)),
                WrittenColumn::Name(name) => {
                    let mut found = names.iter().enumerate().filter(|(_, column)| column.trim() == name);
                    match (found.next(), found.next()) {
                        (Some((at, _)), None) => Ok(at),
                        (Some(_), Some(_)) => Err(format!("column `{name}` stands twice in the header")),
                        (None, _) => Err(self.lacks(name)),
                    }
                }
            })
            .collect()
    }

    fn lacks(&self, column: &str) -> String {
        let needs = if self.needs.is_empty() { "correct the file or its description" } else { &self.needs };
        format!("no column `{column}`, which `{}` needs: {needs}", self.name)
    }
}

/// A description while it is read.
struct Reading<'w> {
    columns: &'w [String],
    header: bool,
    slots: Vec<WrittenColumn>,
    findings: Vec<String>,
}

impl Reading<'_> {
    fn finding<T>(&mut self, text: impl Into<String>) -> Option<T> {
        self.findings.push(text.into());
        None
    }

    /// None only with a finding; as many findings as can be told at once.
    fn description(&mut self, name: &str, written: &Written) -> Option<Description> {
        let delimiter = self.character("delimiter", &written.delimiter);
        let quote =
            if written.quote.is_empty() { Some(None) } else { self.character("quote", &written.quote).map(Some) };
        self.check_columns();
        let encoding = match written.encoding.as_deref() {
            None | Some("utf-8") => Some(Encoding::Utf8),
            Some("windows-1251") => Some(Encoding::Windows1251),
            Some(other) => self.finding(format!("encoding `{other}` is neither utf-8 nor windows-1251")),
        };
        let zone = match written.time_zone.as_deref().map(Zone::parse) {
            None => None,
            Some(Ok(zone)) => Some(zone),
            Some(Err(error)) => self.finding(error.to_string()),
        };
        let number_form = written.number_form.as_deref().and_then(|form| {
            NumberForm::parse(form.as_bytes())
                .or_else(|| self.finding(format!("number_form `{form}` is neither dialled nor e164")))
        });
        if written.record_id.is_empty() {
            self.findings.push("record_id names no column".into());
        }
        let record_id = written.record_id.iter().map(|column| self.slot(column)).collect();
        let time_format = self.time_format(&written.time_format);
        let mut texts = Vec::new();
        let mut times = [TimeSource::default(), TimeSource::default(), TimeSource::default()];
        let [setup, answer, release] = &mut times;
        for (field, source) in &written.map {
            match Column::parse(field.as_bytes()) {
                None => self.findings.push(format!("[map] {field}: no native column has this name")),
                Some(Column::RecordId) => self.findings.push("[map] record_id: write record_id = [\"…\"] above".into()),
                Some(Column::SetupAt) => *setup = self.time_source(field, source, time_format.as_ref()),
                Some(Column::AnswerAt) => *answer = self.time_source(field, source, time_format.as_ref()),
                Some(Column::ReleaseAt) => *release = self.time_source(field, source, time_format.as_ref()),
                Some(column) => texts.push((column, Source(self.texts(field, source)))),
            }
        }
        let answered_when = written
            .answered_when
            .as_ref()
            .map(|when| AnsweredWhen { column: self.slot(&when.column), values: when.values.clone() });
        let derived = self.derived(written);
        for needed in ["service", "a_number"] {
            if !written.map.contains_key(needed) {
                self.findings.push(format!("[map] lacks {needed}"));
            }
        }
        for (field, is_derived, is_needed) in [
            ("setup_at", derived.setup.is_some(), true),
            ("answer_at", derived.answer.is_some(), false),
            ("release_at", derived.release.is_some(), false),
        ] {
            match (written.map.contains_key(field), is_derived) {
                (true, true) => self.findings.push(format!("{field} is both in [map] and worked out")),
                (false, false) if is_needed => self.findings.push(format!("[map] lacks {field}")),
                _ => {}
            }
        }
        let lengths = [(Since::Answer, &written.duration.from_answer), (Since::Setup, &written.duration.from_setup)]
            .into_iter()
            .filter_map(|(of, column)| Some(LengthColumn { of, column: self.slot(column.as_ref()?) }))
            .collect();
        Some(Description {
            name: name.to_owned(),
            needs: written.needs.trim().to_owned(),
            header: written.header,
            number_form,
            delimiter: delimiter?,
            quote: quote?,
            columns: written.columns.clone(),
            encoding: encoding?,
            zone,
            slots: std::mem::take(&mut self.slots),
            record_id,
            record_id_separator: written.record_id_separator.clone(),
            texts,
            times,
            answered_when,
            derived,
            lengths,
            tolerance_ms: written.duration.tolerance_ms.map_or(TOLERANCE_MS, i64::from),
        })
    }

    fn check_columns(&mut self) {
        if self.header && !self.columns.is_empty() {
            self.findings.push("`columns` is for files without a header: leave it out, or set header = false".into());
        }
        let twice =
            self.columns.iter().enumerate().filter(|(at, name)| self.columns.iter().take(*at).any(|c| c == *name));
        let twice: Vec<String> = twice.map(|(_, name)| format!("`columns` names `{name}` twice")).collect();
        self.findings.extend(twice);
    }

    fn character(&mut self, key: &str, text: &str) -> Option<u8> {
        match text.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0) => Some(*byte),
            _ => self.finding(format!("{key} `{}` is not one ASCII character", text.escape_debug())),
        }
    }

    /// The slot of a column, which is new when it is named for the first time.
    fn slot(&mut self, column: &WrittenColumn) -> Slot {
        if let WrittenColumn::Name(name) = column
            && !self.header
            && !self.columns.contains(name)
        {
            self.findings.push(format!("column `{name}` is not in `columns`"));
        }
        if let Some(at) = self.slots.iter().position(|known| known == column) {
            return Slot(at);
        }
        self.slots.push(column.clone());
        Slot(self.slots.len().saturating_sub(1))
    }

    fn time_format(&mut self, text: &str) -> Option<TimeFormat> {
        TimeFormat::parse(text).or_else(|error| self.finding(format!("time_format {error}")).ok_or(())).ok()
    }

    fn texts(&mut self, field: &str, source: &WrittenSource) -> Vec<Alternative> {
        self.alternatives(field, source)
            .into_iter()
            .map(|(alternative, time_format)| {
                if time_format.is_some() {
                    self.findings.push(format!("[map] {field}: time_format, but it is no time"));
                }
                alternative
            })
            .collect()
    }

    fn time_source(&mut self, field: &str, source: &WrittenSource, default: Option<&TimeFormat>) -> TimeSource {
        let alternatives = self.alternatives(field, source);
        let with_formats = alternatives.into_iter().filter_map(|(alternative, own)| {
            let format = match own {
                Some(own) => self.time_format(&own),
                None => default.cloned(),
            };
            Some((alternative, format?))
        });
        TimeSource(with_formats.collect())
    }

    /// Each alternative with its own time format.
    fn alternatives(&mut self, field: &str, source: &WrittenSource) -> Vec<(Alternative, Option<String>)> {
        match source {
            WrittenSource::Column(column) => {
                let origin = Origin::Column(self.slot(column));
                vec![(plain(origin), None)]
            }
            WrittenSource::Table(table) => self.table(field, table).into_iter().collect(),
            WrittenSource::FirstOf(list) => list.iter().flat_map(|source| self.alternatives(field, source)).collect(),
        }
    }

    fn table(&mut self, field: &str, table: &WrittenTable) -> Option<(Alternative, Option<String>)> {
        let origin = match (&table.column, &table.value) {
            (Some(column), None) => Origin::Column(self.slot(column)),
            (None, Some(value)) => Origin::Constant(value.clone()),
            (Some(_), Some(_)) | (None, None) => {
                return self.finding(format!("[map] {field}: give either `column` or `value`"));
            }
        };
        let alternative = Alternative {
            after: table.after.clone(),
            before: table.before.clone(),
            before_last: table.before_last.clone(),
            strip: table.strip.clone(),
            values: table.values.clone().into_iter().collect(),
            otherwise: table.otherwise.clone(),
            prefix: table.prefix.clone(),
            ..plain(origin)
        };
        Some((alternative, table.time_format.clone()))
    }

    fn derived(&mut self, written: &Written) -> DerivedColumns {
        let setup = written.setup_from.as_ref().map(|from| self.slot(&from.release_minus_seconds));
        let answer = written.answer_from.as_ref().map(|from| self.slot(&from.release_minus_seconds));
        let release = written.release_from.as_ref().and_then(|from| {
            match (&from.answer_plus_seconds, &from.setup_plus_seconds) {
                (Some(column), None) => Some((Since::Answer, self.slot(column))),
                (None, Some(column)) => Some((Since::Setup, self.slot(column))),
                (Some(_), Some(_)) | (None, None) => {
                    self.finding("[release_from] give either answer_plus_seconds or setup_plus_seconds")
                }
            }
        });
        if release.is_some_and(|(since, _)| since == Since::Answer) && answer.is_some() {
            self.findings.push("[answer_from] and [release_from] are worked out from each other".into());
        }
        if release.is_some_and(|(since, _)| since == Since::Setup) && setup.is_some() {
            self.findings.push("[setup_from] and [release_from] are worked out from each other".into());
        }
        DerivedColumns { setup, answer, release }
    }
}

fn plain(origin: Origin) -> Alternative {
    Alternative {
        origin,
        after: String::new(),
        before: String::new(),
        before_last: String::new(),
        strip: String::new(),
        values: std::collections::HashMap::new(),
        otherwise: None,
        prefix: String::new(),
    }
}
