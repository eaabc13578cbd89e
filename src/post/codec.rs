//! How entries become bytes: the one place that knows. Bytes that are decoded have passed the journal's checksum, and
//! their length is bounded by it.

mod bytes;
mod charge;
mod rows;

use super::entry::{Entry, FileKey, Piece, Position, Resolved};
use bytes::Rest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_bytes::Bytes;
use std::borrow::Cow;
use std::fmt;

pub(super) use bytes::Out;
pub(super) use charge::{ToSealLine, line_of, put_line};

/// The version of what is written: of schema 2 a piece may stand row by row, as each differs from the one before.
pub(super) const SCHEMA: u16 = 2;
/// The first byte of such a piece, which no entry of schema 1 has.
const BY_ROW: u8 = 0xFF;

/// The largest entry, bytes: a piece of a feed has at most some megabytes.
const MOST_BYTES: usize = 1 << 30;

/// Bytes that are no entry, though their checksum says that they were written so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadEntry(pub String);

impl fmt::Display for BadEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an entry of a version that this program reads: {}", self.0)
    }
}

impl std::error::Error for BadEntry {}

fn form() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<MOST_BYTES>()
}

/// The money part of an entry as bytes.
pub fn encode(entry: &Entry) -> Result<Vec<u8>, BadEntry> {
    if let Entry::Piece(piece) = entry
        && let Some(bytes) = by_row(piece)?
    {
        return Ok(bytes);
    }
    encode_any(entry)
}

/// What a piece says beside its rows.
#[derive(Serialize, Deserialize)]
struct Head<'p> {
    reference: u32,
    file: Cow<'p, FileKey>,
    anew: bool,
    header: Cow<'p, Bytes>,
    lead: Cow<'p, Bytes>,
    end: Position,
    start: Position,
    first_line: u64,
    records: u64,
    resolved: Cow<'p, [Resolved]>,
    rows: u32,
}

/// A piece row by row; none where its ids are not those of its rows, which no one decides.
fn by_row(piece: &Piece) -> Result<Option<Vec<u8>>, BadEntry> {
    let Ok(rows) = u32::try_from(piece.rows.len()) else { return Ok(None) };
    let mut out = Out::with_room(rows::room(piece.rows.len()));
    out.number(u64::from(BY_ROW), 1);
    out.any(&Head {
        reference: piece.reference,
        file: Cow::Borrowed(&piece.file),
        anew: piece.anew,
        header: Cow::Borrowed(Bytes::new(&piece.header)),
        lead: Cow::Borrowed(Bytes::new(&piece.lead)),
        end: piece.end,
        start: piece.start,
        first_line: piece.first_line,
        records: piece.records,
        resolved: Cow::Borrowed(&piece.resolved),
        rows,
    })?;
    Ok(rows::put(&mut out, &piece.rows, &piece.ids)?.then(|| out.finish()))
}

fn of_rows(bytes: &[u8]) -> Result<Entry, BadEntry> {
    let mut rest = Rest(bytes);
    let head: Head<'_> = rest.any()?;
    let (rows, ids) = rows::take(&mut rest, head.rows as usize)?;
    if !rest.0.is_empty() {
        return Err(BadEntry(format!("{} bytes follow it", rest.0.len())));
    }
    Ok(Entry::Piece(Box::new(Piece {
        reference: head.reference,
        file: head.file.into_owned(),
        anew: head.anew,
        header: head.header.into_owned().into_vec(),
        lead: head.lead.into_owned().into_vec(),
        end: head.end,
        start: head.start,
        first_line: head.first_line,
        records: head.records,
        ids,
        rows,
        resolved: head.resolved.into_owned(),
    })))
}

/// Anything of the journal's types as bytes.
pub(super) fn encode_any(of: &impl Serialize) -> Result<Vec<u8>, BadEntry> {
    bincode::serde::encode_to_vec(of, form()).map_err(|error| BadEntry(error.to_string()))
}

/// The entry of some bytes; nothing may follow it.
pub fn decode(bytes: &[u8]) -> Result<Entry, BadEntry> {
    match bytes.split_first() {
        Some((&BY_ROW, rows)) => of_rows(rows),
        _ => decode_any(bytes),
    }
}

/// Anything of the journal's types from its bytes; nothing may follow it.
pub(super) fn decode_any<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, BadEntry> {
    let (of, read) = decode_first(bytes)?;
    match bytes.len().checked_sub(read) {
        Some(0) => Ok(of),
        left => Err(BadEntry(format!("{} bytes follow it", left.unwrap_or(0)))),
    }
}

/// Anything of the journal's types from the first of some bytes, and how many those are.
fn decode_first<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, usize), BadEntry> {
    bincode::serde::decode_from_slice(bytes, form()).map_err(|error| BadEntry(error.to_string()))
}

#[cfg(test)]
mod tests;
