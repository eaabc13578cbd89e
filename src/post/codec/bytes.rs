//! Numbers as bytes, of lengths that are told beside them.

use super::BadEntry;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes that are written. Numbers are written as eight bytes, of which the next one covers what is not theirs: a copy of
/// a length that is not known costs more.
#[derive(Default)]
pub(in crate::post) struct Out {
    room: Vec<u8>,
    used: usize,
}

impl Out {
    /// With room for so many bytes.
    pub(super) fn with_room(bytes: usize) -> Self {
        Self { room: vec![0; bytes], used: 0 }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.room.truncate(self.used);
        self.room
    }

    pub(in crate::post) fn clear(&mut self) {
        self.used = 0;
    }

    pub(in crate::post) fn written(&self) -> &[u8] {
        self.room.get(..self.used).unwrap_or_default()
    }

    /// The lowest bytes of a number, so many.
    #[inline]
    pub(super) fn number(&mut self, number: u64, bytes: usize) {
        if let Some(place) = self.room.get_mut(self.used..).and_then(|room| room.first_chunk_mut::<8>()) {
            *place = number.to_le_bytes();
            self.used = self.used.wrapping_add(bytes);
        } else {
            self.grow(number, bytes);
        }
    }

    #[cold]
    fn grow(&mut self, number: u64, bytes: usize) {
        self.room.resize(self.used.saturating_add(8).saturating_mul(2), 0);
        self.number(number, bytes);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let end = self.used.saturating_add(bytes.len());
        if end > self.room.len() {
            self.room.resize(end.saturating_mul(2), 0);
        }
        if let Some(place) = self.room.get_mut(self.used..end) {
            place.copy_from_slice(bytes);
        }
        self.used = end;
    }

    /// A length: a byte, or five.
    #[inline]
    pub(super) fn length(&mut self, length: usize) {
        match u8::try_from(length) {
            Ok(byte) if byte < u8::MAX => self.number(u64::from(byte), 1),
            _ => self.number((length as u64) << 8 | 0xFF, 5),
        }
    }

    /// Whatever else there is, as schema 1 writes it.
    pub(super) fn any(&mut self, of: &impl Serialize) -> Result<(), BadEntry> {
        self.bytes(&super::encode_any(of)?);
        Ok(())
    }
}

/// Bytes that are read.
pub(super) struct Rest<'r>(pub(super) &'r [u8]);

impl<'r> Rest<'r> {
    /// A number of so many bytes, at most eight.
    #[inline]
    pub(super) fn number(&mut self, bytes: usize) -> Result<u64, BadEntry> {
        let whole = match self.0.first_chunk::<8>() {
            Some(chunk) => u64::from_le_bytes(*chunk),
            None => self.0.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)),
        };
        self.take(bytes)?;
        Ok(if bytes >= 8 { whole } else { whole & (1u64 << bytes.wrapping_mul(8)).wrapping_sub(1) })
    }

    #[inline]
    pub(super) fn take(&mut self, bytes: usize) -> Result<&'r [u8], BadEntry> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or_else(cut)?;
        self.0 = rest;
        Ok(taken)
    }

    #[inline]
    pub(super) fn length(&mut self) -> Result<usize, BadEntry> {
        match self.number(1)? {
            0xFF => Ok(self.number(4)? as usize),
            byte => Ok(byte as usize),
        }
    }

    pub(super) fn any<T: DeserializeOwned>(&mut self) -> Result<T, BadEntry> {
        let (of, read) = super::decode_first(self.0)?;
        self.take(read)?;
        Ok(of)
    }
}

#[cold]
pub(super) fn cut() -> BadEntry {
    BadEntry("it is cut".into())
}

/// A number with a sign as one without, small where it is near zero.
#[inline]
pub(super) fn signed(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

#[inline]
pub(super) fn of_signed(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ (number & 1).cast_signed().wrapping_neg()
}
