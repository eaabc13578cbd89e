//! Looks at every byte of a store.
//!
//! What each byte is covered by: parts of entries by their hashes; the rest of a row by its link; the order of rows by
//! the chain; the end of the chain by the second and third copy of the head; the pages that hold the rows by SQLite's
//! check of its own structure and by the fact that the rows are found and right; the fields of the file's header that
//! change how it is read, one by one; the log by SQLite's sums, and a log that ends too early by the third copy of the
//! head. What is left (free pages, unused bytes of a page, SQLite's counters of changes, the shared index of the log)
//! holds nothing that is read. `tests/store_damage.rs` changes every byte and looks.

use super::head_file;
use super::place::Place;
use super::rows::{TABLES, TABLES_ROWS_ONLY};
use super::sqlite::anchored;
use super::{Details, Head, SqliteReader, StoreError, connection, log_file};

/// More findings than these are not told.
const FINDINGS_MAX: usize = 100;

/// What a check saw.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Checked {
    /// Where the journal stands.
    pub head: Head,
    /// How many entries have no detail any more.
    pub purged: u64,
    /// Bytes of the parts that were read and hashed.
    pub bytes: u64,
    /// What is wrong, at most 100 of it; empty for a store that is whole.
    pub findings: Vec<StoreError>,
}

/// Looks at every byte of a store, beside a writer or without one. Fails where the store cannot be opened to be
/// looked at; the error tells what is wrong then.
pub fn check(place: impl Into<Place>) -> Result<Checked, StoreError> {
    let place = place.into();
    let path = place.journal();
    let mut findings = Vec::new();
    let reader = match SqliteReader::open(&place) {
        Ok(reader) => reader,
        Err(error @ (StoreError::CutShort { .. } | StoreError::Damaged { .. })) => {
            return Err(match log_file::break_of(&place, &path)? {
                Some(place) => StoreError::Damaged { place, what: error.to_string() },
                None => error,
            });
        }
        Err(error) => return Err(error),
    };
    match connection::header(reader.rows()) {
        Ok(()) => {}
        Err(error @ StoreError::Damaged { .. }) => findings.push(error),
        Err(error) => return Err(error),
    }
    let told = head_file::read(&place)?;
    for (offset, what) in told.damage {
        let place = format!("{}: byte {offset} and after", place.head().display());
        findings.push(StoreError::Damaged { place, what: what.to_owned() });
    }
    let head = reader.rows().at_once(|rows| {
        let head = rows.head()?;
        findings.extend(anchored(rows, head, told.head).err());
        Ok(head)
    })?;
    structure(&reader, &mut findings)?;
    let mut checked = Checked { head, findings, ..Checked::default() };
    entries(&reader, &mut checked)?;
    checked.findings.truncate(FINDINGS_MAX);
    Ok(checked)
}

/// SQLite's own structure, and that nothing else is kept in the file.
fn structure(reader: &SqliteReader, findings: &mut Vec<StoreError>) -> Result<(), StoreError> {
    let rows = reader.rows();
    let texts = |sql: &str| -> Result<Vec<String>, rusqlite::Error> {
        rows.connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
    };
    let mut or_found = |result: Result<Vec<String>, rusqlite::Error>| match result.map_err(|error| rows.wrong(&error)) {
        Ok(texts) => Ok(texts),
        Err(error @ StoreError::Damaged { .. }) => {
            findings.push(error);
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    };
    let told = or_found(texts("PRAGMA integrity_check"))?;
    let tables = or_found(texts(
        "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY name",
    ))?;
    findings.extend(told.iter().filter(|text| *text != "ok").map(|text| rows.damaged("structure", text)));
    let expected = if rows.parts.is_some() { TABLES } else { TABLES_ROWS_ONLY };
    if !tables.iter().eq(&expected.iter().map(|(name, sql)| format!("table {name} {name} {sql}")).collect::<Vec<_>>()) {
        findings.push(rows.damaged("tables", "they differ from those of a store"));
    }
    let others = texts("SELECT place || '' FROM head").map_err(|error| rows.wrong(&error));
    if !others.is_ok_and(|places| places == ["1"]) {
        findings.push(rows.damaged("head", "there is not exactly one"));
    }
    Ok(())
}

/// Every entry, also those after a damaged one.
fn entries(reader: &SqliteReader, checked: &mut Checked) -> Result<(), StoreError> {
    let (rows, count) = (reader.rows(), checked.head.count);
    let mut from: u64 = 1;
    while from <= count && checked.findings.len() < FINDINGS_MAX {
        let (mut next, purged, bytes) = (from, &mut checked.purged, &mut checked.bytes);
        let result = rows.scan(from..=count, Details::Read, &mut |stored| {
            let detail = stored.detail.as_ref().map_or(0, Vec::len);
            let read = u64::try_from(stored.money.len().saturating_add(detail)).unwrap_or(u64::MAX);
            *bytes = bytes.saturating_add(read);
            *purged = purged.saturating_add(stored.detail.is_none().into());
            next = stored.seq.saturating_add(1);
            Ok(())
        });
        match result {
            Ok(()) => break,
            Err(error @ StoreError::Damaged { .. }) => checked.findings.push(error),
            Err(error) => return Err(error),
        }
        from = next.saturating_add(1);
    }
    let numbers = rows.connection.query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, i64>(0));
    // A writer may have added to them since.
    if numbers.map_err(|error| rows.wrong(&error)).is_ok_and(|found| found.cast_unsigned() < count) {
        checked.findings.push(rows.damaged("entries", "fewer rows than the head counts"));
    }
    Ok(())
}
