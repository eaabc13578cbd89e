//! Steps that pieces take one after the other, whatever thread each is on.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A step, and what it works on: pieces take it in the order of their numbers, from 0.
#[derive(Debug)]
pub(super) struct InTurn<S> {
    state: Mutex<State<S>>,
    moved: Condvar,
}

#[derive(Debug)]
struct State<S> {
    /// The piece whose turn it is.
    next: u64,
    /// The first piece that does not get through: none behind it has a turn.
    failed: Option<u64>,
    step: S,
}

impl<S> InTurn<S> {
    pub(super) fn new(step: S) -> Self {
        Self { state: Mutex::new(State { next: 0, failed: None, step }), moved: Condvar::new() }
    }

    /// Takes a piece through the step once all before it have taken it; the next one's turn comes where that goes well.
    /// None where one before it does not get through.
    pub(super) fn take<E>(&self, piece: u64, step: impl FnOnce(&mut S) -> Result<(), E>) -> Option<Result<(), E>> {
        let mut state = self.wait_for(piece)?;
        let done = step(&mut state.step);
        match done {
            Ok(()) => state.next = piece.saturating_add(1),
            Err(_) => state.failed = Some(piece),
        }
        drop(state);
        self.moved.notify_all();
        Some(done)
    }

    /// Waits until all before a piece have taken the step; false where one of them does not get through.
    pub(super) fn have_taken_before(&self, piece: u64) -> bool {
        self.wait_for(piece).is_some()
    }

    /// Says that a piece does not get through.
    pub(super) fn fail(&self, piece: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failed = Some(state.failed.map_or(piece, |failed| failed.min(piece)));
        drop(state);
        self.moved.notify_all();
    }

    fn wait_for(&self, piece: u64) -> Option<MutexGuard<'_, State<S>>> {
        let ends = |failed: Option<u64>| failed.is_some_and(|failed| failed < piece);
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |state: &mut State<S>| state.next != piece && !ends(state.failed);
        let state = self.moved.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner);
        (state.next == piece).then_some(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_take_a_step_in_their_order_whoever_comes_first() {
        let step = InTurn::new(Vec::new());
        std::thread::scope(|scope| {
            for piece in (0..16u64).rev() {
                let step = &step;
                scope.spawn(move || {
                    let done = step.take(piece, |taken: &mut Vec<u64>| {
                        taken.push(piece);
                        Ok::<(), ()>(())
                    });
                    assert_eq!(done, Some(Ok(())));
                });
            }
            assert!(step.have_taken_before(16));
        });
        assert_eq!(step.state.into_inner().unwrap().step, (0..16).collect::<Vec<u64>>());
    }

    #[test]
    fn none_behind_a_failure_has_a_turn_and_all_before_it_have() {
        let step = InTurn::new(());
        step.fail(3);
        std::thread::scope(|scope| {
            for (piece, done) in [(5, None), (4, None), (2, Some(Ok(()))), (1, Some(Ok(()))), (0, Some(Ok(())))] {
                let step = &step;
                scope.spawn(move || assert_eq!(step.take(piece, |()| Ok::<(), ()>(())), done, "{piece}"));
            }
        });
        assert!(step.have_taken_before(3) && !step.have_taken_before(4));
        let step = InTurn::new(());
        assert_eq!(step.take(0, |()| Err("no")), Some(Err("no")));
        assert_eq!(step.take(1, |()| Ok::<(), &str>(())), None);
    }
}
