//! Which instants the times of one record are, where a local time names two. Source: rating 1.4.

use super::clock::Moment;
use crate::decode::Time;
use crate::units::InstantMs;

/// The three times of a record as they are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    pub(super) setup: Moment,
    pub(super) answer: Moment,
    pub(super) release: Moment,
}

/// Times that a feed does not write but that follow from others.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Derived {
    /// Setup = release − this.
    pub(super) setup: Option<Length>,
    /// Answer = release − this.
    pub(super) answer: Option<Length>,
    /// Release = answer + this, or setup + this.
    pub(super) release: Option<(Since, Length)>,
}

/// A length in milliseconds as a column says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Length {
    /// Empty.
    None,
    /// Not a number.
    Bad,
    /// Milliseconds.
    Ms(i64),
}

/// From when to the release a length counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Since {
    Setup,
    Answer,
}

/// What the duration columns say.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Lengths {
    since_setup: Option<i64>,
    since_answer: Option<i64>,
}

impl Lengths {
    pub(super) fn add(&mut self, since: Since, length: Length) {
        let Length::Ms(ms) = length else { return };
        match since {
            Since::Setup => self.since_setup = Some(ms),
            Since::Answer => self.since_answer = Some(ms),
        }
    }
}

/// The times of a record, and whether one of them might be another instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Settled {
    pub(super) setup: Time<'static>,
    pub(super) answer: Time<'static>,
    pub(super) release: Time<'static>,
    pub(super) ambiguous: bool,
}

/// Settles the times: a time that names two instants is settled where exactly one choice of instants puts the three in
/// order and agrees with a duration column.
pub(super) fn settle(moments: Moments, derived: &Derived, lengths: &Lengths, tolerance_ms: i64) -> Settled {
    let mut first = None;
    let mut first_in_order = None;
    let mut fitting = None;
    let mut fits = 0u8;
    for setup in candidates(moments.setup) {
        for answer in candidates(moments.answer) {
            for release in candidates(moments.release) {
                let choice = Choice { setup, answer, release }.completed(derived);
                first.get_or_insert(choice);
                if choice.in_order() {
                    first_in_order.get_or_insert(choice);
                    if choice.agrees(lengths, tolerance_ms) {
                        fitting.get_or_insert(choice);
                        fits = fits.saturating_add(1);
                    }
                }
            }
        }
    }
    let two = [moments.setup, moments.answer, moments.release].iter().any(|moment| matches!(moment, Moment::Two(..)));
    let chosen = fitting.or(first_in_order).or(first).unwrap_or(Choice { setup: None, answer: None, release: None });
    let bad_length = Time::Bad("cannot be worked out: its length is not a number of seconds");
    let time = |moment: Moment, at: Option<InstantMs>, underivable: bool| match (moment, at) {
        (Moment::Bad(why), _) => Time::Bad(why),
        (_, Some(at)) => Time::At(at),
        (_, None) if underivable => bad_length,
        (_, None) => Time::Text(b""),
    };
    let bad = |length: Option<Length>| length == Some(Length::Bad);
    Settled {
        setup: time(moments.setup, chosen.setup, bad(derived.setup)),
        answer: time(moments.answer, chosen.answer, bad(derived.answer)),
        release: time(moments.release, chosen.release, bad(derived.release.map(|(_, length)| length))),
        ambiguous: two && fits != 1,
    }
}

fn candidates(moment: Moment) -> impl Iterator<Item = Option<InstantMs>> {
    let (first, second) = match moment {
        Moment::None | Moment::Bad(_) => (None, None),
        Moment::One(at) => (Some(at), None),
        Moment::Two(first, second) => (Some(first), Some(second)),
    };
    std::iter::once(first).chain(second.map(Some))
}

#[derive(Clone, Copy)]
struct Choice {
    setup: Option<InstantMs>,
    answer: Option<InstantMs>,
    release: Option<InstantMs>,
}

impl Choice {
    fn completed(mut self, derived: &Derived) -> Self {
        let ms = |length: Length| match length {
            Length::Ms(ms) => Some(ms),
            Length::None | Length::Bad => None,
        };
        if let (None, Some((since, length))) = (self.release, derived.release) {
            let begins = match since {
                Since::Setup => self.setup,
                Since::Answer => self.answer,
            };
            self.release = begins.zip(ms(length)).map(|(at, ms)| at.plus_ms(ms));
        }
        let before_release = |length: Option<Length>, release: Option<InstantMs>| {
            release.zip(length.and_then(ms)).map(|(at, ms)| at.plus_ms(ms.saturating_neg()))
        };
        self.answer = self.answer.or_else(|| before_release(derived.answer, self.release));
        self.setup = self.setup.or_else(|| before_release(derived.setup, self.release));
        self
    }

    fn in_order(self) -> bool {
        let times = [self.setup, self.answer, self.release];
        times.iter().flatten().is_sorted()
    }

    /// Whether at least one duration column can be compared and none contradicts.
    fn agrees(self, lengths: &Lengths, tolerance_ms: i64) -> bool {
        let compare = |from: Option<InstantMs>, length: Option<i64>| {
            let (from, release, length) = (from?, self.release?, length?);
            Some(release.since(from).abs_diff(length) <= tolerance_ms.unsigned_abs())
        };
        let answers = [compare(self.setup, lengths.since_setup), compare(self.answer, lengths.since_answer)];
        answers.contains(&Some(true)) && !answers.contains(&Some(false))
    }
}
