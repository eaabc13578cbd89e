//! Archives are read to their end aside, so that no other file waits for a large one.

use super::Stamp;
use crate::batch::FeedFile;
use crate::feed;
use crossbeam::channel::{Receiver, Sender, unbounded};
use std::path::PathBuf;

/// Who reads archives to see whether they are whole.
#[derive(Default)]
pub(super) struct Archives(Option<Thread>);

struct Thread {
    asks: Sender<Ask>,
    answers: Receiver<Checked>,
}

struct Ask {
    name: String,
    path: PathBuf,
    stamp: Stamp,
}

/// An archive that was read.
pub(super) struct Checked {
    pub(super) name: String,
    /// As it was when it was to be read.
    pub(super) stamp: Stamp,
    /// If it is not whole, why.
    pub(super) whole: Result<(), String>,
}

impl Archives {
    /// Reads an archive, sooner or later. There are at most as many asks as files.
    pub(super) fn check(&mut self, file: &FeedFile, stamp: Stamp) {
        let thread = self.0.get_or_insert_with(|| {
            let (asks, asked) = unbounded::<Ask>();
            let (answer, answers) = unbounded();
            // It ends when nobody asks any more, at the latest with the process.
            std::thread::spawn(move || {
                for Ask { name, path, stamp } in asked {
                    let whole = feed::read_whole(&path);
                    if answer.send(Checked { name, stamp, whole }).is_err() {
                        break;
                    }
                }
            });
            Thread { asks, answers }
        });
        let ask = Ask { name: file.name.clone(), path: file.path.clone(), stamp };
        // The thread has not ended while we hold its answers.
        let _ = thread.asks.send(ask);
    }

    /// What was read since it was asked last.
    pub(super) fn checked(&self) -> Vec<Checked> {
        self.0.iter().flat_map(|thread| thread.answers.try_iter()).collect()
    }
}
