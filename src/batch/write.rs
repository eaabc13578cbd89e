mod bulk;

use super::item::{Fate, Item, Prepared, Reference, Source, Told};
use super::row::{Day, Padded, Row, RowKind, RowKinds, SOURCE, Text};
use crate::law::RuleSet;
use crate::tariff::Version;
use crate::units::{InstantMs, LocalDay, Tiyn};
use bulk::BulkFile;
use std::io;
use std::path::{Path, PathBuf};

/// How many rows ahead the ids of accounts are asked for.
const AHEAD: u32 = 8;

/// The files of outcomes. Source: interface 7.3; `rejected-raw.ndjson` keeps what was rejected (rating 1.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Rated,
    Filtered,
    Duplicate,
    Suspended,
    Rejected,
    RejectedRaw,
}

const KINDS: [Kind; 6] =
    [Kind::Rated, Kind::Filtered, Kind::Duplicate, Kind::Suspended, Kind::Rejected, Kind::RejectedRaw];

pub(crate) const RATED_HEADER: &str = "source,record_id,account_id,plan,tariff,zone,service,answer_at,duration_ms,units,charge,vat,\
    vat_rate,not_owed,cut_off_at,flags,rules\n";
const OTHER_HEADER: &str = "source,file,line,record_id,reason,detail\n";

impl Kind {
    fn file_name(self) -> &'static str {
        match self {
            Self::Rated => "rated.csv",
            Self::Filtered => "filtered.csv",
            Self::Duplicate => "duplicate.csv",
            Self::Suspended => "suspended.csv",
            Self::Rejected => "rejected.csv",
            Self::RejectedRaw => "rejected-raw.ndjson",
        }
    }

    fn header(self) -> &'static str {
        match self {
            Self::Rated => RATED_HEADER,
            Self::Filtered | Self::Duplicate | Self::Suspended | Self::Rejected => OTHER_HEADER,
            Self::RejectedRaw => "",
        }
    }
}

/// Rows of one piece, by file.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    rated: Text,
    filtered: Vec<u8>,
    duplicate: Vec<u8>,
    suspended: Vec<u8>,
    rejected: Vec<u8>,
    rejected_raw: Vec<u8>,
    /// Of the rows before, which the same writer wrote.
    recent: Recent,
}

impl Rows {
    fn of(&self, kind: Kind) -> &[u8] {
        match kind {
            Kind::Rated => self.rated.as_bytes(),
            Kind::Filtered => &self.filtered,
            Kind::Duplicate => &self.duplicate,
            Kind::Suspended => &self.suspended,
            Kind::Rejected => &self.rejected,
            Kind::RejectedRaw => &self.rejected_raw,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.rated.clear();
        self.filtered.clear();
        self.duplicate.clear();
        self.suspended.clear();
        self.rejected.clear();
        self.rejected_raw.clear();
    }
}

/// The output folder while a pass runs. Files have their names only once they are whole.
#[derive(Debug)]
pub struct Outcomes {
    folder: PathBuf,
    files: Vec<BulkFile>,
}

impl Outcomes {
    /// Starts the files of an output folder, which is made where it is not there.
    pub fn create(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut files = Vec::with_capacity(KINDS.len());
        for kind in KINDS {
            let mut file = BulkFile::create(&partial(folder, kind))?;
            file.append(kind.header().as_bytes())?;
            files.push(file);
        }
        Ok(Self { folder: folder.to_owned(), files })
    }

    /// Appends the rows of one piece.
    pub(crate) fn append(&mut self, rows: &Rows) -> io::Result<()> {
        for (file, kind) in self.files.iter_mut().zip(KINDS) {
            file.append(rows.of(kind))?;
        }
        Ok(())
    }

    /// Gives the files their names, once all of them are on the disk.
    pub fn finish(self) -> io::Result<()> {
        self.files.into_iter().try_for_each(BulkFile::finish)?;
        for kind in KINDS {
            std::fs::rename(partial(&self.folder, kind), self.folder.join(kind.file_name()))?;
        }
        Ok(())
    }
}

fn partial(folder: &Path, kind: Kind) -> PathBuf {
    folder.join(format!("{}.partial", kind.file_name()))
}

/// Turns outcomes into rows. Names that stand in every row are escaped once.
pub(crate) struct RowWriter<'r> {
    reference: &'r Reference,
    /// By file: source and file name, escaped.
    files: Vec<(Vec<u8>, Vec<u8>)>,
    plans: Vec<Vec<u8>>,
    versions: Vec<Vec<u8>>,
    zones: Vec<Vec<u8>>,
    /// The source of each file with its comma, as rows put together in place take it; `None` where it is too long.
    sources: Vec<Option<Padded<SOURCE>>>,
}

/// What was written last, since it mostly comes again.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    day: Option<(LocalDay, [u8; 11])>,
    rules: Vec<(RuleSet, Vec<u8>)>,
    kinds: RowKinds,
    /// Of the last row that was put together in place.
    row_day: Option<Day>,
}

impl<'r> RowWriter<'r> {
    pub(crate) fn new(reference: &'r Reference, files: impl Iterator<Item = (&'r Source, &'r str)>) -> Self {
        let escaped = |text: &str| {
            let mut field = Vec::new();
            push_field(&mut field, text.as_bytes());
            field
        };
        let files: Vec<_> = files.map(|(source, name)| (escaped(&source.name), escaped(name))).collect();
        let plans: Vec<_> = reference.tariffs.plans.iter().map(|name| escaped(name)).collect();
        let versions: Vec<_> = reference.tariffs.versions.iter().map(|version| escaped(&version.name)).collect();
        let zones: Vec<_> = reference.tariffs.zones.iter().map(|name| escaped(name)).collect();
        let sources = files.iter().map(|(source, _)| Padded::of(&[source, &b","[..]].concat())).collect();
        Self { reference, files, plans, versions, zones, sources }
    }

    /// The rows of a settled piece.
    pub(crate) fn write(&self, prepared: &Prepared, rows: &mut Rows) {
        let mut recent = std::mem::take(&mut rows.recent);
        let mut told = prepared.told.iter().peekable();
        let register = &self.reference.register;
        let account_at = |at: u32| prepared.items.get(at as usize).and_then(|item| item.account);
        for (at, item) in (0u32..).zip(&prepared.items) {
            // Two steps to memory for the id of an account, which stands anywhere.
            if let Some(no) = account_at(at.wrapping_add(2 * AHEAD)) {
                register.prefetch_place_of_id(no);
            }
            if let Some(no) = account_at(at.wrapping_add(AHEAD)) {
                register.prefetch_id_of(no);
            }
            while let Some(part) = told.next_if(|part| part.at <= at) {
                self.told(part, rows, &mut recent);
            }
            let record_id = prepared.text(item.record_id);
            match item.fate {
                Fate::Rated => self.rated(item, record_id, prepared.file, &mut rows.rated, &mut recent),
                Fate::Open(_) | Fate::Told => {}
                fate @ (Fate::Filtered(_) | Fate::Duplicate(_) | Fate::Suspended(_) | Fate::Rejected) => {
                    let line = prepared.first_line.saturating_add(u64::from(item.line));
                    let detail = item.detail.get().and_then(|place| prepared.details.get(place));
                    let reject =
                        item.detail.get().and_then(|place| prepared.rejects.get(place)).map(|(_, reject)| reject);
                    let place = RowPlace { file: prepared.file, line, record_id };
                    match (fate, reject) {
                        (Fate::Rejected, Some(reject)) => {
                            let rejection = &reject.rejection;
                            self.other(&mut rows.rejected, &place, rejection.reason.name(), &rejection.detail);
                            self.raw(&mut rows.rejected_raw, &place, reject);
                        }
                        _ => self.unrated(fate, &place, detail.map_or("", String::as_str), rows),
                    }
                }
            }
        }
        rows.recent = recent;
    }

    /// The rows of parts whose calls never became complete.
    pub(crate) fn write_told(&self, told: &[Told], rows: &mut Rows) {
        let mut recent = Recent::default();
        for part in told {
            self.told(part, rows, &mut recent);
        }
    }

    fn told(&self, part: &Told, rows: &mut Rows, recent: &mut Recent) {
        if part.item.fate == Fate::Rated {
            return self.rated(&part.item, &part.record_id, part.file, &mut rows.rated, recent);
        }
        let place = RowPlace { file: part.file, line: part.line, record_id: &part.record_id };
        let detail = if part.detail.is_empty() { "part of a call" } else { &part.detail };
        self.unrated(part.item.fate, &place, detail, rows);
    }

    fn unrated(&self, fate: Fate, place: &RowPlace<'_>, detail: &str, rows: &mut Rows) {
        match fate {
            Fate::Filtered(reason) => self.other(&mut rows.filtered, place, reason.name(), detail),
            Fate::Duplicate(differs) => {
                self.other(&mut rows.duplicate, place, if differs { "differs" } else { "same" }, detail);
            }
            Fate::Suspended(reason) => self.other(&mut rows.suspended, place, reason.name(), detail),
            Fate::Rated | Fate::Rejected | Fate::Open(_) | Fate::Told => {}
        }
    }

    /// The row of one charge.
    pub(crate) fn charge(&self, item: &Item, record_id: &[u8], file: usize, row: &mut Vec<u8>, recent: &mut Recent) {
        self.any_rated(item, record_id, file, row, recent);
    }

    fn rated(&self, item: &Item, record_id: &[u8], file: usize, rows: &mut Text, recent: &mut Recent) {
        match rows.row().and_then(|row| self.usual(item, record_id, file, row, recent)) {
            Some(length) => rows.keep(length),
            None => {
                let mut row = Vec::new();
                self.any_rated(item, record_id, file, &mut row, recent);
                rows.append(&row);
            }
        }
    }

    /// A row as nearly all are, put together in place; how long it is.
    #[inline]
    fn usual(
        &self,
        item: &Item,
        record_id: &[u8],
        file: usize,
        mut row: Row<'_>,
        recent: &mut Recent,
    ) -> Option<usize> {
        if item.not_owed != Tiyn::ZERO || item.cut_off_at.is_some() {
            return None;
        }
        let version = usize::from(item.version);
        row.padded(self.sources.get(file)?.as_ref()?);
        row.id(record_id)?;
        row.id(self.reference.register.id(item.account?))?;
        let key = kind_of(item);
        let kind = recent.kinds.of(key, || self.kind(key, item))?;
        row.padded(&kind.names);
        let version = (self.reference.tariffs.versions.get(version)?, item.version);
        row.instant(&mut recent.row_day, version, item.at)?;
        row.number(item.duration_ms.unsigned_abs())?;
        row.number(item.units)?;
        row.tenge(item.gross)?;
        row.tenge(Tiyn::new(item.gross.get().saturating_sub(item.net.get())))?;
        row.padded(&kind.rest);
        Some(row.length())
    }

    /// What rows like that of an item have in common; `None` where it is too long to be put together in place.
    #[cold]
    fn kind(&self, key: u128, item: &Item) -> Option<RowKind> {
        let (mut names, mut rest) = (Vec::new(), Vec::new());
        self.names(item, &mut names);
        push_rest(&mut rest, item, None, &mut None, &mut Vec::new());
        Some(RowKind { key, names: Padded::of(&names)?, rest: Padded::of(&rest)? })
    }

    fn any_rated(&self, item: &Item, record_id: &[u8], file: usize, row: &mut Vec<u8>, recent: &mut Recent) {
        let version = self.reference.tariffs.versions.get(usize::from(item.version));
        push_name(row, self.files.get(file).map(|(source, _)| source));
        push_field(row, record_id);
        row.push(b',');
        push_field(row, item.account.map_or(b"", |no| self.reference.register.id(no)));
        row.push(b',');
        self.names(item, row);
        push_instant(row, version, item.at, &mut recent.day);
        row.push(b',');
        push_number(row, item.duration_ms.unsigned_abs());
        row.push(b',');
        push_number(row, item.units);
        row.push(b',');
        push_tenge(row, item.gross);
        row.push(b',');
        push_tenge(row, Tiyn::new(item.gross.get().saturating_sub(item.net.get())));
        row.push(b',');
        push_rest(row, item, version, &mut recent.day, &mut recent.rules);
    }

    /// Plan, tariff version, zone and service.
    fn names(&self, item: &Item, row: &mut Vec<u8>) {
        push_name(row, item.plan.and_then(|plan| self.plans.get(usize::from(plan.0))));
        push_name(row, self.versions.get(usize::from(item.version)));
        push_name(row, item.zone.and_then(|zone| self.zones.get(usize::from(zone.0))));
        row.extend_from_slice(item.service.name().as_bytes());
        row.push(b',');
    }

    fn other(&self, row: &mut Vec<u8>, place: &RowPlace<'_>, reason: &str, detail: &str) {
        let (source, name) = self.files.get(place.file).map_or((&b""[..], &b""[..]), |(s, n)| (s, n));
        row.extend_from_slice(source);
        row.push(b',');
        row.extend_from_slice(name);
        row.push(b',');
        push_number(row, place.line);
        row.push(b',');
        push_field(row, place.record_id);
        row.push(b',');
        row.extend_from_slice(reason.as_bytes());
        row.push(b',');
        push_field(row, detail.as_bytes());
        row.push(b'\n');
    }

    /// What was rejected: text as it is, other bytes in hexadecimal.
    fn raw(&self, row: &mut Vec<u8>, place: &RowPlace<'_>, reject: &super::item::Reject) {
        let (source, name) = self.files.get(place.file).map_or((&b""[..], &b""[..]), |(s, n)| (s, n));
        let mut object = serde_json::Map::new();
        let mut put = |key: &str, value: serde_json::Value| object.insert(key.to_owned(), value);
        put("source", String::from_utf8_lossy(source).into());
        put("file", String::from_utf8_lossy(name).into());
        put("line", place.line.into());
        put("bytes", reject.bytes.into());
        put("xxh3_128", format!("{:032x}", reject.hash).into());
        match std::str::from_utf8(&reject.head) {
            Ok(text) => put("raw", text.into()),
            Err(_) => put("raw_hex", reject.head.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()),
        };
        row.extend_from_slice(serde_json::Value::Object(object).to_string().as_bytes());
        row.push(b'\n');
    }
}

struct RowPlace<'a> {
    file: usize,
    line: u64,
    record_id: &'a [u8],
}

/// All that rows of one kind agree in.
#[inline]
fn kind_of(item: &Item) -> u128 {
    u128::from(item.plan.map_or(u32::MAX, |plan| plan.0.into()))
        | u128::from(item.zone.map_or(u32::MAX, |zone| zone.0.into())) << 32
        | u128::from(item.version) << 64
        | u128::from(item.service as u8) << 80
        | u128::from(item.vat.hundredths()) << 88
        | u128::from(item.flags.bits()) << 104
        | u128::from(item.rules.bits()) << 112
}

/// An escaped name and a comma.
fn push_name(row: &mut Vec<u8>, name: Option<&Vec<u8>>) {
    row.extend_from_slice(name.map_or(b"", Vec::as_slice));
    row.push(b',');
}

/// The columns behind the VAT.
fn push_rest(
    row: &mut Vec<u8>,
    item: &Item,
    version: Option<&Version>,
    day: &mut Option<(LocalDay, [u8; 11])>,
    rules: &mut Vec<(RuleSet, Vec<u8>)>,
) {
    push_rate(row, item.vat.hundredths());
    row.push(b',');
    push_tenge(row, item.not_owed);
    row.push(b',');
    if let Some(at) = item.cut_off_at {
        push_instant(row, version, at, day);
    }
    row.push(b',');
    if !item.flags.is_empty() {
        for (place, flag) in item.flags.iter().enumerate() {
            if place > 0 {
                row.push(b';');
            }
            row.extend_from_slice(flag.name().as_bytes());
        }
    }
    row.push(b',');
    let known = rules.iter().position(|(known, _)| *known == item.rules);
    let place = known.unwrap_or_else(|| {
        rules.push((item.rules, item.rules.to_string().into_bytes()));
        rules.len().saturating_sub(1)
    });
    row.extend_from_slice(rules.get(place).map_or(b"", |(_, text)| text.as_slice()));
    row.push(b'\n');
}

/// A CSV field, in quotes where it needs them.
pub(crate) fn push_field(row: &mut Vec<u8>, text: &[u8]) {
    if !text.iter().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        return row.extend_from_slice(text);
    }
    row.push(b'"');
    for byte in text {
        if *byte == b'"' {
            row.push(b'"');
        }
        row.push(*byte);
    }
    row.push(b'"');
}

fn push_number(row: &mut Vec<u8>, number: u64) {
    row.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn push_tenge(row: &mut Vec<u8>, amount: Tiyn) {
    if amount.get() < 0 {
        row.push(b'-');
    }
    let tiyn = amount.get().unsigned_abs();
    push_number(row, tiyn / 100);
    row.push(b'.');
    push_digits(row, tiyn % 100, 2);
}

/// A rate in per cent without trailing zeros: `16`, `12.5`.
fn push_rate(row: &mut Vec<u8>, hundredths: u16) {
    push_number(row, u64::from(hundredths / 100));
    match (hundredths / 10 % 10, hundredths % 10) {
        (0, 0) => {}
        (tenth, 0) => {
            row.push(b'.');
            push_digits(row, u64::from(tenth), 1);
        }
        _ => {
            row.push(b'.');
            push_digits(row, u64::from(hundredths % 100), 2);
        }
    }
}

/// RFC 3339 with milliseconds and the offset of the tariff's zone.
fn push_instant(row: &mut Vec<u8>, version: Option<&Version>, at: InstantMs, known: &mut Option<(LocalDay, [u8; 11])>) {
    let Some(version) = version else { return };
    let local = version.zone.local(at);
    let date = match *known {
        Some((day, text)) if day == local.day => text,
        _ => {
            let mut text = *b"0000-00-00T";
            for (place, byte) in text.iter_mut().zip(local.day.to_string().bytes()) {
                *place = byte;
            }
            *known = Some((local.day, text));
            text
        }
    };
    row.extend_from_slice(&date);
    let ms = local.ms_of_day.unsigned_abs();
    push_digits(row, ms / 3_600_000, 2);
    row.push(b':');
    push_digits(row, ms / 60_000 % 60, 2);
    row.push(b':');
    push_digits(row, ms / 1000 % 60, 2);
    row.push(b'.');
    push_digits(row, ms % 1000, 3);
    let minutes = (local.offset_ms / 60_000).unsigned_abs();
    row.push(if local.offset_ms < 0 { b'-' } else { b'+' });
    push_digits(row, minutes / 60, 2);
    row.push(b':');
    push_digits(row, minutes % 60, 2);
}

/// A number in so many digits, at most three.
fn push_digits(row: &mut Vec<u8>, number: u64, digits: usize) {
    let digit = |value: u64| b'0'.wrapping_add((value % 10) as u8);
    let text = [digit(number / 100), digit(number / 10), digit(number)];
    row.extend_from_slice(text.get(text.len().saturating_sub(digits)..).unwrap_or_default());
}

#[cfg(test)]
mod tests;
