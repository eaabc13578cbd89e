//! What an entry's link covers.

use super::{Head, StoreError};

/// BLAKE3, 256 bits.
pub(super) type Hash = [u8; 32];

/// The hash of one part of an entry.
pub(super) fn hash(part: &[u8]) -> Hash {
    blake3::hash(part).into()
}

/// What is kept of an entry beside its parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Frame {
    pub(super) seq: u64,
    pub(super) schema: u16,
    /// The link of the entry before.
    pub(super) previous: Hash,
    pub(super) money: Hash,
    pub(super) detail: Hash,
}

impl Frame {
    /// The frame of the entry that comes after `head`.
    pub(super) fn after(head: Head, schema: u16, money: Hash, detail: Hash) -> Result<Self, StoreError> {
        let seq = head.count.checked_add(1).filter(|seq| i64::try_from(*seq).is_ok());
        let seq = seq.ok_or_else(|| StoreError::Damaged {
            place: "head".to_owned(),
            what: format!("it counts {} entries, more than a journal can have", head.count),
        })?;
        Ok(Self { seq, schema, previous: head.chain, money, detail })
    }

    /// The link: a hash of all that identifies the entry and, by `previous`, of every entry before it. The layout is
    /// of fixed width, so no two frames give the same bytes.
    pub(super) fn link(&self) -> Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"esep entry 1\0");
        hasher.update(&self.seq.to_le_bytes());
        hasher.update(&self.schema.to_le_bytes());
        hasher.update(&self.previous);
        hasher.update(&self.money);
        hasher.update(&self.detail);
        hasher.finalize().into()
    }

    /// Where the journal stands after this entry.
    pub(super) fn head(&self) -> Head {
        Head { count: self.seq, chain: self.link() }
    }
}
