use super::chain::{Hash, hash};
use std::ops::Deref;

/// The bytes of one part of an entry, with their hash: whoever made them has hashed them, and who appends need not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    bytes: Vec<u8>,
    hash: Hash,
}

impl Part {
    pub(super) const fn hash(&self) -> Hash {
        self.hash
    }
}

impl From<Vec<u8>> for Part {
    fn from(bytes: Vec<u8>) -> Self {
        Self { hash: hash(&bytes), bytes }
    }
}

impl Default for Part {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl Deref for Part {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}
