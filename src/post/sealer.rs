//! The one that seals, beside the one who writes: takes the records of entries that are durable, in their order, and
//! seals them when they are enough. What the disk makes it wait for, nobody else waits for.

use super::derived::{Derived, ToSeal};
use super::queue::{self, Asked, Asks};
use super::writer::PostError;
use crate::store::Head;
use crate::store::sealed::Place;
use crossbeam::channel::Sender;

/// Entries that wait to be collected: beyond it, writing waits. Some 70 MB of records at most.
const QUEUE: usize = 256;

/// What the sealer is asked.
pub(super) enum Ask {
    /// Collect an entry; the last one of a group says where the journal stands behind it.
    Collect(u64, Box<ToSeal>, Option<Head>),
    /// Seal everything collected.
    Seal(Sender<()>),
    /// Where the sealed records of some keys stand, and the first entry that is not sealed.
    Places(Vec<u128>, Sender<Places>),
}

/// Of each key where its record stands and where its charge, if it was charged later; the first entry that is not
/// sealed.
pub(super) type Places = (Vec<[Option<Place>; 2]>, u64);

/// Where the sealer is reached, by the one who writes.
pub(super) struct ToSealer(Asks<Ask>);

/// Both ends.
pub(super) fn queue() -> (ToSealer, Asked<Ask>) {
    let (asks, asked) = queue::queue(QUEUE);
    (ToSealer(asks), asked)
}

impl ToSealer {
    /// Hands over the records of entries, which are durable up to `head`. None where the sealer has stopped: its error
    /// tells why.
    pub(super) fn collect(&self, of: Vec<(u64, ToSeal)>, head: Head) -> Option<()> {
        let last = of.len();
        for (number, (seq, of)) in (1usize..).zip(of) {
            let head = Some(head).filter(|_| number == last);
            self.0.send(Ask::Collect(seq, Box::new(of), head))?;
        }
        Some(())
    }

    /// Has everything sealed that was handed over before. None where the sealer has stopped.
    pub(super) fn seal(&self) -> Option<()> {
        self.0.ask(Ask::Seal)
    }

    /// Where sealed records stand. None where the sealer has stopped.
    pub(super) fn places(&self, keys: Vec<u128>) -> Option<Places> {
        self.0.ask(|answer| Ask::Places(keys, answer))
    }
}

/// Seals what is asked, until nobody asks any more. `head` is where the journal stands.
pub(super) fn serve(asked: &Asked<Ask>, derived: &mut Derived, head: Head) -> Result<(), PostError> {
    let mut chain = head.chain;
    while let Some(ask) = asked.next() {
        match ask {
            Ask::Collect(seq, of, head) => {
                derived.collect(seq, &of)?;
                if let Some(head) = head {
                    chain = head.chain;
                    derived.seal_enough(chain)?;
                }
            }
            Ask::Seal(answer) => {
                derived.seal_to(chain)?;
                let _ = answer.send(());
            }
            Ask::Places(keys, answer) => {
                let places = derived.places(&keys)?;
                let _ = answer.send((places, derived.open_from()));
            }
        }
    }
    Ok(())
}
