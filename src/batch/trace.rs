use super::item::Item;
use crate::rate::Quote;
use crate::units::Tiyn;

/// How one record came to its outcome, for `explain`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// The file, by its place in the pass.
    pub file: usize,
    /// Line in it, from 1.
    pub line: u64,
    /// The line itself.
    pub raw: Vec<u8>,
    pub(crate) item: Item,
    pub(crate) detail: String,
    pub(crate) steps: Option<Steps>,
}

/// What pricing worked with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Steps {
    pub(crate) quote: Quote,
    /// What each offered allowance held before.
    pub(crate) offered: Vec<u64>,
    /// The balance at the answer, where the account pays ahead.
    pub(crate) balance: Option<Tiyn>,
    pub(crate) owed_in_full: bool,
}
