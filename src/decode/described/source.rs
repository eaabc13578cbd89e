//! Where the text of a native field comes from in a line.

use super::clock::{Moment, TimeFormat, thousandths};
use super::settle::{Derived, Length, Since};
use super::{Row, Slot};
use crate::units::Zone;
use std::collections::HashMap;

/// One way to the text of a field.
#[derive(Clone, Debug)]
pub(super) struct Alternative {
    pub(super) origin: Origin,
    /// Only what follows the first of this, where it occurs.
    pub(super) after: String,
    /// Only what precedes the first of this, where it occurs.
    pub(super) before: String,
    /// Only what precedes the last of this, where it occurs.
    pub(super) before_last: String,
    /// Characters to leave out.
    pub(super) strip: String,
    /// Texts that mean another; they get no prefix.
    pub(super) values: HashMap<String, String>,
    /// What any other text means, unless it is empty.
    pub(super) otherwise: Option<String>,
    /// Put before a text that is not empty.
    pub(super) prefix: String,
}

#[derive(Clone, Debug)]
pub(super) enum Origin {
    Column(Slot),
    Constant(String),
}

impl Alternative {
    fn text<'b>(&self, row: Row<'_, 'b>) -> &'b str {
        let mut text = match &self.origin {
            Origin::Column(slot) => row.value(*slot),
            Origin::Constant(text) => return row.arena.alloc_str(text),
        };
        if !self.after.is_empty() {
            text = text.split_once(self.after.as_str()).map_or(text, |(_, after)| after);
        }
        if !self.before.is_empty() {
            text = text.split_once(self.before.as_str()).map_or(text, |(before, _)| before);
        }
        if !self.before_last.is_empty() {
            text = text.rsplit_once(self.before_last.as_str()).map_or(text, |(before, _)| before);
        }
        if !self.strip.is_empty() && text.contains(|c| self.strip.contains(c)) {
            let mut kept = bumpalo::collections::String::with_capacity_in(text.len(), row.arena);
            kept.extend(text.chars().filter(|c| !self.strip.contains(*c)));
            text = kept.into_bump_str();
        }
        if let Some(value) = self.values.get(text) {
            return row.arena.alloc_str(value);
        }
        if text.is_empty() {
            return text;
        }
        if let Some(otherwise) = &self.otherwise {
            return row.arena.alloc_str(otherwise);
        }
        if self.prefix.is_empty() {
            return text;
        }
        let mut whole =
            bumpalo::collections::String::with_capacity_in(self.prefix.len().saturating_add(text.len()), row.arena);
        whole.push_str(&self.prefix);
        whole.push_str(text);
        whole.into_bump_str()
    }
}

/// The text of a field: the first alternative that is not empty.
#[derive(Clone, Default, Debug)]
pub(super) struct Source(pub(super) Vec<Alternative>);

impl Source {
    pub(super) fn text<'b>(&self, row: Row<'_, 'b>) -> &'b str {
        self.0.iter().map(|alternative| alternative.text(row)).find(|text| !text.is_empty()).unwrap_or_default()
    }
}

/// A time: the first alternative that is not empty, in its own format. Without any, the feed does not write the time.
#[derive(Clone, Default, Debug)]
pub(super) struct TimeSource(pub(super) Vec<(Alternative, TimeFormat)>);

impl TimeSource {
    pub(super) fn moment(&self, row: Row<'_, '_>, zone: Option<&Zone>) -> Moment {
        self.0
            .iter()
            .map(|(alternative, format)| format.read(alternative.text(row), zone))
            .find(|moment| *moment != Moment::None)
            .unwrap_or(Moment::None)
    }
}

/// The column that says whether a call was answered.
#[derive(Clone, Debug)]
pub(super) struct AnsweredWhen {
    pub(super) column: Slot,
    pub(super) values: Vec<String>,
}

impl AnsweredWhen {
    pub(super) fn holds(&self, row: Row<'_, '_>) -> bool {
        let value = row.value(self.column);
        self.values.iter().any(|answered| answered == value)
    }
}

/// A column that holds a length in seconds, counted from `of` to the release.
#[derive(Clone, Copy, Debug)]
pub(super) struct LengthColumn {
    pub(super) of: Since,
    pub(super) column: Slot,
}

impl LengthColumn {
    pub(super) fn ms(self, row: Row<'_, '_>) -> Length {
        seconds(row, self.column)
    }
}

fn seconds(row: Row<'_, '_>, column: Slot) -> Length {
    match row.value(column) {
        "" => Length::None,
        text => thousandths(text).map_or(Length::Bad, Length::Ms),
    }
}

/// Which times follow from others, and by which column.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct DerivedColumns {
    pub(super) setup: Option<Slot>,
    pub(super) answer: Option<Slot>,
    pub(super) release: Option<(Since, Slot)>,
}

impl DerivedColumns {
    /// The lengths of one line. Where the feed does not say who was answered, a length of 0 is no answer.
    pub(super) fn map(self, row: Row<'_, '_>, answered: Option<bool>) -> Derived {
        let answer = self.answer.map(|column| seconds(row, column)).filter(|length| match answered {
            Some(answered) => answered,
            None => *length != Length::Ms(0),
        });
        Derived {
            setup: self.setup.map(|column| seconds(row, column)),
            answer,
            release: self.release.map(|(since, column)| (since, seconds(row, column))),
        }
    }
}
