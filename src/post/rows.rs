//! Rows of the register as the books keep it: the nth is account number n.

use crate::classify::Iin;
use crate::decode::{field_of, split_line};
use crate::folder::{FACT_COLUMNS, Told};
use crate::units::Zone;
use bumpalo::Bump;
use std::borrow::Cow;

/// The table of accounts.
pub(super) struct Rows {
    bytes: Vec<u8>,
    /// Starts of rows, and the end of the last.
    starts: Vec<usize>,
    columns: Vec<String>,
    facts: [Option<usize>; 29],
    id: Option<usize>,
    iin: Option<usize>,
}

impl Rows {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        let header = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let arena = Bump::new();
        let mut columns = Vec::new();
        // The books wrote it: it can be read.
        let _ = split_line(header, b',', &arena, &mut columns);
        let columns: Vec<String> =
            columns.iter().map(|column| String::from_utf8_lossy(column).trim().to_owned()).collect();
        let place = |column: &str| columns.iter().position(|of| of == column);
        let (facts, id, iin) = (FACT_COLUMNS.map(place), place("account_id"), place("iin"));
        let starts = memchr::memchr_iter(b'\n', &bytes).map(|at| at.saturating_add(1)).collect();
        Self { bytes, starts, columns, facts, id, iin }
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub(super) fn line(&self, no: u32) -> &[u8] {
        let at = |place: usize| self.starts.get(place).copied();
        let (Some(start), Some(end)) = (at(no as usize), at((no as usize).saturating_add(1))) else { return &[] };
        self.bytes.get(start..end.saturating_sub(1)).unwrap_or_default()
    }

    /// What is told of an account.
    pub(super) fn told(&self, no: u32, zone: &Zone) -> Told {
        let (arena, mut fields) = (Bump::new(), Vec::with_capacity(self.columns.len()));
        if split_line(self.line(no), b',', &arena, &mut fields).is_err() {
            fields.clear();
        }
        let cell = |place: Option<usize>| place.and_then(|place| fields.get(place)).map_or("", |field| text(field));
        // What cannot be read was told when it came.
        Told::read(self.facts.map(cell), zone, &mut Vec::new())
    }

    /// The id of an account.
    pub(super) fn id(&self, no: u32) -> String {
        self.cell(no, self.id).into_owned()
    }

    /// The person of an account, where it is known.
    pub(super) fn iin(&self, no: u32) -> Option<Iin> {
        Iin::parse(&self.cell(no, self.iin)).ok()
    }

    fn cell(&self, no: u32, place: Option<usize>) -> Cow<'_, str> {
        match place.and_then(|place| field_of(self.line(no), b',', place)) {
            Some(Cow::Borrowed(field)) => Cow::Borrowed(text(field)),
            Some(Cow::Owned(field)) => Cow::Owned(text(&field).to_owned()),
            None => Cow::Borrowed(""),
        }
    }

    /// Some cells of an account, empty where there is no such column.
    pub(super) fn cells<const N: usize>(&self, no: u32, columns: [&str; N]) -> [String; N] {
        let (arena, mut fields) = (Bump::new(), Vec::with_capacity(self.columns.len()));
        if split_line(self.line(no), b',', &arena, &mut fields).is_err() {
            fields.clear();
        }
        columns.map(|column| {
            let place = self.columns.iter().position(|of| of == column);
            place.and_then(|place| fields.get(place)).map_or("", |field| text(field)).to_owned()
        })
    }
}

fn text(field: &[u8]) -> &str {
    std::str::from_utf8(field).unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interface_7_1_a_cell_is_the_same_alone_and_beside_others() {
        let rows = Rows::new(b"name,account_id,iin\n\"A, B\", A-1 ,000000010078\nC,A-2\n\"D,A-3,\n".to_vec());
        for no in 0..4 {
            let [id, iin] = rows.cells(no, ["account_id", "iin"]);
            assert_eq!((rows.id(no), rows.iin(no)), (id, Iin::parse(&iin).ok()), "{no}");
        }
        assert_eq!((rows.id(0).as_str(), rows.id(1).as_str(), rows.id(2).as_str(), rows.len()), ("A-1", "A-2", "", 3));
    }
}
