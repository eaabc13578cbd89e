//! How entries become bytes: the one place that knows. Bytes that are decoded have passed the journal's checksum, and
//! their length is bounded by it.

use super::entry::Entry;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

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
    // A piece of a feed has a few thousand records, most of them of some sixty bytes.
    let records = if let Entry::Piece(piece) = entry { piece.rows.len() } else { 0 };
    let mut bytes = Vec::with_capacity(records.saturating_mul(80).saturating_add(256));
    encode_behind(entry, &mut bytes)?;
    Ok(bytes)
}

/// Anything of the journal's types as bytes, behind those that are there.
pub(super) fn encode_behind(of: &impl Serialize, bytes: &mut Vec<u8>) -> Result<(), BadEntry> {
    let encoded = bincode::serde::encode_into_std_write(of, bytes, form());
    encoded.map(|_| ()).map_err(|error| BadEntry(error.to_string()))
}

/// Anything of the journal's types as bytes.
pub(super) fn encode_any(of: &impl Serialize) -> Result<Vec<u8>, BadEntry> {
    bincode::serde::encode_to_vec(of, form()).map_err(|error| BadEntry(error.to_string()))
}

/// The entry of some bytes; nothing may follow it.
pub fn decode(bytes: &[u8]) -> Result<Entry, BadEntry> {
    decode_any(bytes)
}

/// Anything of the journal's types from its bytes; nothing may follow it.
pub(super) fn decode_any<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, BadEntry> {
    let read = bincode::serde::decode_from_slice(bytes, form());
    let (of, read) = read.map_err(|error| BadEntry(error.to_string()))?;
    match bytes.len().checked_sub(read) {
        Some(0) => Ok(of),
        left => Err(BadEntry(format!("{} bytes follow it", left.unwrap_or(0)))),
    }
}

#[cfg(test)]
mod tests;
