//! Queues between the threads of a run. Who takes may stop before who asks: then nobody waits for an answer that
//! never comes.

use crossbeam::channel::{Receiver, Sender, bounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The end at which is asked.
pub(super) struct Asks<T> {
    asks: Sender<T>,
    /// Nothing more is taken.
    has_stopped: Arc<AtomicBool>,
}

impl<T> Clone for Asks<T> {
    fn clone(&self) -> Self {
        Self { asks: self.asks.clone(), has_stopped: self.has_stopped.clone() }
    }
}

/// The end at which is taken. Dropping it lets go of what waits, and of what is still asked, until all ends at which
/// could be asked are dropped too.
pub(super) struct Asked<T> {
    asked: Receiver<T>,
    has_stopped: Arc<AtomicBool>,
}

/// A queue of at most `room`: beyond it, asking waits.
pub(super) fn queue<T>(room: usize) -> (Asks<T>, Asked<T>) {
    let (asks, asked) = bounded(room);
    let has_stopped = Arc::new(AtomicBool::new(false));
    (Asks { asks, has_stopped: has_stopped.clone() }, Asked { asked, has_stopped })
}

impl<T> Asks<T> {
    /// Hands over; none where nothing more is taken.
    pub(super) fn send(&self, ask: T) -> Option<()> {
        if self.has_stopped.load(Ordering::Acquire) { None } else { self.asks.send(ask).ok() }
    }

    /// Hands over and waits for the answer; none where there will be none.
    pub(super) fn ask<A>(&self, ask: impl FnOnce(Sender<A>) -> T) -> Option<A> {
        let (answer, answered) = bounded(1);
        self.send(ask(answer))?;
        answered.recv().ok()
    }
}

impl<T> Asked<T> {
    /// The next, which is waited for; none where nobody asks any more.
    pub(super) fn next(&self) -> Option<T> {
        self.asked.recv().ok()
    }

    /// The next, if it is there.
    pub(super) fn next_now(&self) -> Option<T> {
        self.asked.try_recv().ok()
    }
}

impl<T> Drop for Asked<T> {
    fn drop(&mut self) {
        self.has_stopped.store(true, Ordering::Release);
        // The channel would keep what was asked before that could be known, and with it the answers that are waited for.
        while self.asked.recv().is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_an_answer_when_nothing_more_is_taken() {
        for taken in 0..3 {
            let (asks, asked) = queue::<Sender<u32>>(2);
            std::thread::scope(|scope| {
                scope.spawn(move || {
                    for number in 0..taken {
                        let _ = asked.next().map(|answer| answer.send(number));
                    }
                    assert!(asked.next_now().is_none_or(|answer| answer.send(taken).is_ok()));
                });
                let answers: Vec<u32> = (0..10).map_while(|_| asks.ask(|answer| answer)).collect();
                assert!((taken..=taken + 1).contains(&(answers.len() as u32)), "{answers:?}");
                assert_eq!(asks.clone().send(bounded(1).0), None);
                drop(asks);
            });
        }
    }
}
