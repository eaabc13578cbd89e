//! How entries become bytes: the one place that knows. Bytes that are decoded have passed the journal's checksum, and
//! their length is bounded by it.

use super::entry::Entry;
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
    bincode::serde::encode_to_vec(entry, form()).map_err(|error| BadEntry(error.to_string()))
}

/// The entry of some bytes; nothing may follow it.
pub fn decode(bytes: &[u8]) -> Result<Entry, BadEntry> {
    let (entry, read) =
        bincode::serde::decode_from_slice(bytes, form()).map_err(|error| BadEntry(error.to_string()))?;
    if read == bytes.len() {
        Ok(entry)
    } else {
        Err(BadEntry(format!("{} bytes follow it", bytes.len().saturating_sub(read))))
    }
}
