//! A TOML file whose every value knows its line; what does not fit is noted and the walk goes on.

use super::super::finding::{Finding, nearest, quoted, quoted_list};
use super::quantity::{BadQuantity, Quantity, UNITS, bad_price, price_micro, time_of_day_ms};
use crate::units::{LocalDay, Tiyn};
use std::borrow::Cow;
use std::collections::BTreeSet;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

/// The file being read and what was found in it.
pub(super) struct Doc<'t> {
    pub(super) file: &'t str,
    text: &'t str,
    line_starts: Vec<usize>,
    /// The last offset that is not an empty line's.
    last_offset: usize,
    /// Lines that are no TOML: what follows from them is not told again.
    broken_lines: BTreeSet<u32>,
    /// "Did you mean" costs time: a file of nothing but errors gets no more than so many.
    guesses_left: u32,
    pub(super) findings: Vec<Finding>,
}

/// A value and its line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) line: u32,
}

/// Parses a file; syntax errors become findings, one a line, and the rest is read as well as it goes.
pub(super) fn parse<'t>(file: &'t str, text: &'t str) -> (Doc<'t>, DeTable<'t>) {
    let line_starts =
        std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at.saturating_add(1))).collect();
    let mut doc = Doc {
        file,
        text,
        line_starts,
        last_offset: text.trim_end_matches(['\n', '\r']).len().saturating_sub(1),
        broken_lines: BTreeSet::new(),
        guesses_left: 200,
        findings: Vec::new(),
    };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let line = error.span().map_or(0, |span| doc.line_of(span.start));
        if doc.broken_lines.insert(line) {
            let of_key = error.span().filter(|_| error.message() == "duplicate key").and_then(|span| text.get(span));
            let finding = match of_key {
                Some(key) => Finding::error(file, line, format!("{} is defined twice", quoted(key))),
                None => Finding::error(file, line, error.message()),
            };
            let hint = if of_key.is_some() { doc.first_like(line) } else { doc.comma_hint(line) };
            doc.findings.push(Finding { hint, ..finding });
        }
    }
    (doc, root.into_inner())
}

impl<'t> Doc<'t> {
    /// Line of an offset, from 1.
    fn line_of(&self, offset: usize) -> u32 {
        let line = self.line_starts.partition_point(|start| *start <= offset.min(self.last_offset));
        u32::try_from(line).unwrap_or(u32::MAX).max(1)
    }

    fn line_text(&self, line: u32) -> &'t str {
        let at = (line as usize).saturating_sub(1);
        let start = self.line_starts.get(at).copied().unwrap_or(self.text.len());
        let end = self.line_starts.get(at.saturating_add(1)).copied().unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or_default().trim()
    }

    /// Where the header or key of a line stood first.
    fn first_like(&mut self, line: u32) -> Option<String> {
        self.guesses_left = self.guesses_left.checked_sub(1)?;
        let twice = self.line_text(line);
        let name = |text: &'t str| text.split(['=', '#']).next().unwrap_or_default().trim();
        let is_header = twice.starts_with('[');
        let earlier = (1..line).rev().take(20_000).take_while(|at| is_header || !self.line_text(*at).starts_with('['));
        let first = earlier.filter(|at| name(self.line_text(*at)) == name(twice)).last()?;
        Some(format!("the first is in line {first}"))
    }

    fn comma_hint(&self, line: u32) -> Option<String> {
        let (key, value) = self.line_text(line).split_once('=')?;
        let value = value.split('#').next()?.trim();
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let (whole, decimals) = value.split_once(',')?;
        (digits(whole) && digits(decimals)).then(|| format!("write `{} = \"{whole}.{decimals}\"`", key.trim()))
    }

    /// Some lines are no TOML: what seems to be missing may stand on them.
    pub(super) fn is_broken(&self) -> bool {
        !self.broken_lines.is_empty()
    }

    pub(super) fn error(&mut self, line: u32, message: impl Into<String>) {
        self.push(Finding::error(self.file, line, message));
    }

    pub(super) fn error_with_hint(&mut self, line: u32, message: impl Into<String>, hint: impl Into<String>) {
        self.push(Finding::error(self.file, line, message).with_hint(hint));
    }

    pub(super) fn warning(&mut self, line: u32, message: impl Into<String>, hint: impl Into<String>) {
        self.push(Finding::warning(self.file, line, message).with_hint(hint));
    }

    fn push(&mut self, finding: Finding) {
        if !self.broken_lines.contains(&finding.line) {
            self.findings.push(finding);
        }
    }

    /// An error about a name that is none of the known ones.
    pub(super) fn unknown<'a>(
        &mut self,
        name: At<&str>,
        what: &str,
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> bool {
        let guess = self.guesses_left.checked_sub(1).and_then(|left| {
            self.guesses_left = left;
            match nearest(name.value, known.clone()) {
                Some(near) => Some(format!("did you mean {}?", quoted(near))),
                None if known.clone().next().is_none() => None,
                None => Some(format!("known here: {}", quoted_list(known))),
            }
        });
        let finding = Finding::error(self.file, name.line, format!("unknown {what} {}", quoted(name.value)));
        self.push(Finding { hint: guess, ..finding });
        false
    }
}

/// One table of the file.
#[derive(Clone, Debug)]
pub(super) struct Table<'t> {
    map: &'t DeTable<'t>,
    /// Line of its header.
    pub(super) line: u32,
    /// What it is called in messages: `a rate of plan `x``.
    pub(super) what: Cow<'static, str>,
}

impl<'t> Table<'t> {
    pub(super) fn root(map: &'t DeTable<'t>) -> Self {
        Self { map, line: 0, what: Cow::Borrowed("a tariff version") }
    }

    /// Notes every key that is none of these.
    pub(super) fn expect_keys(&self, doc: &mut Doc<'_>, known: &[&str]) {
        for key in self.map.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let line = doc.line_of(key.span().start);
            doc.unknown(At { value: key.get_ref(), line }, &format!("key in {}:", self.what), known.iter().copied());
        }
    }

    /// A value as it was written.
    pub(super) fn get(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.map.get(key)
    }

    /// Line of a key, else of the table.
    pub(super) fn line_of(&self, doc: &Doc<'_>, key: &str) -> u32 {
        self.map.get_key_value(key).map_or(self.line, |(key, _)| doc.line_of(key.span().start))
    }

    /// Notes a key that must be there.
    pub(super) fn missing(&self, doc: &mut Doc<'_>, key: &str, hint: &str) {
        if !doc.is_broken() {
            doc.error_with_hint(self.line, format!("{} has no `{key}`", self.what), hint);
        }
    }

    fn wrong_type(&self, doc: &mut Doc<'_>, key: &str, value: &Spanned<DeValue<'t>>, wanted: &str) {
        let line = doc.line_of(value.span().start);
        doc.error(line, format!("`{key}` is {}, not {wanted}", a_type(value.get_ref())));
    }

    fn at<T>(doc: &Doc<'_>, value: T, of: &Spanned<DeValue<'t>>) -> At<T> {
        At { value, line: doc.line_of(of.span().start) }
    }

    /// A string.
    pub(super) fn text(&self, doc: &mut Doc<'_>, key: &str) -> Option<At<&'t str>> {
        let value = self.get(key)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong_type(doc, key, value, "a string");
        }
        text.map(|text| Self::at(doc, text, value))
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, doc: &mut Doc<'_>, key: &str) -> Option<At<bool>> {
        let value = self.get(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong_type(doc, key, value, "`true` or `false`");
        }
        flag.map(|flag| Self::at(doc, flag, value))
    }

    /// A whole number.
    pub(super) fn whole(&self, doc: &mut Doc<'_>, key: &str) -> Option<At<i64>> {
        let value = self.get(key)?;
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong_type(doc, key, value, "a whole number");
            return None;
        };
        let number = number(integer).map(|number| Self::at(doc, number, value));
        if number.is_none() {
            let line = doc.line_of(value.span().start);
            doc.error(line, format!("`{key}` is beyond the range of a number"));
        }
        number
    }

    /// A whole number that is not below `least`.
    pub(super) fn count(&self, doc: &mut Doc<'_>, key: &str, least: u64) -> Option<At<u64>> {
        let number = self.whole(doc, key)?;
        let count = u64::try_from(number.value).ok().filter(|count| *count >= least);
        if count.is_none() {
            doc.error(number.line, format!("`{key}` is {}, less than {least}", number.value));
        }
        count.map(|value| At { value, line: number.line })
    }

    /// One of a closed list of names.
    pub(super) fn choice<T: Copy>(
        &self,
        doc: &mut Doc<'_>,
        key: &str,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Option<At<T>> {
        let text = self.text(doc, key)?;
        let found = all.iter().copied().find(|value| name(*value) == text.value);
        if found.is_none() {
            doc.unknown(text, key, all.iter().copied().map(name));
        }
        found.map(|value| At { value, line: text.line })
    }

    /// An array of strings, never empty.
    pub(super) fn texts(&self, doc: &mut Doc<'_>, key: &str, empty_hint: &str) -> Option<Vec<At<&'t str>>> {
        let value = self.get(key)?;
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(doc, key, value, "an array of strings");
            return None;
        };
        if array.is_empty() {
            doc.error_with_hint(self.line_of(doc, key), format!("`{key}` is empty"), empty_hint);
            return None;
        }
        let mut texts = Vec::with_capacity(array.len());
        let mut seen = BTreeSet::new();
        for element in array.iter() {
            let Some(text) = element.get_ref().as_str() else {
                self.wrong_type(doc, key, element, "a string");
                continue;
            };
            let text = Self::at(doc, text, element);
            if seen.insert(text.value) {
                texts.push(text);
            } else {
                doc.error(text.line, format!("{} stands twice in `{key}`", quoted(text.value)));
            }
        }
        Some(texts)
    }

    /// Tables by name, in the order of the file: `[zones.a]`, `[zones.b]`.
    pub(super) fn named_tables(&self, doc: &mut Doc<'_>, key: &str, what: &str) -> Vec<(At<&'t str>, Table<'t>)> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(tables) = value.get_ref().as_table() else {
            self.wrong_type(doc, key, value, "a table");
            return Vec::new();
        };
        let mut named: Vec<_> = tables.iter().collect();
        named.sort_by_key(|(name, _)| name.span().start);
        let mut found = Vec::with_capacity(named.len());
        for (name, value) in named {
            let line = doc.line_of(name.span().start);
            match value.get_ref().as_table() {
                Some(map) => {
                    let what = Cow::Owned(format!("{what} {}", quoted(name.get_ref())));
                    found.push((At { value: name.get_ref().as_ref(), line }, Table { map, line, what }));
                }
                None => self.wrong_type(doc, name.get_ref(), value, "a table"),
            }
        }
        found
    }

    /// An array of tables: `[[screening]]`, `steps = [{…}, {…}]`.
    pub(super) fn tables(&self, doc: &mut Doc<'_>, key: &str, what: &str) -> Vec<Table<'t>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(doc, key, value, "an array of tables");
            return Vec::new();
        };
        let mut found = Vec::with_capacity(array.len());
        for element in array.iter() {
            match element.get_ref().as_table() {
                Some(map) => {
                    let line = doc.line_of(element.span().start);
                    found.push(Table { map, line, what: Cow::Owned(what.to_owned()) });
                }
                None => self.wrong_type(doc, key, element, "a table"),
            }
        }
        found
    }

    /// A price in 10⁻⁶ tenge: a string with at most six decimals, or a whole number.
    pub(super) fn price(&self, doc: &mut Doc<'_>, key: &str) -> Option<At<i64>> {
        self.amount(doc, key, price_micro)
    }

    /// An amount of money with at most two decimals, not negative.
    pub(super) fn money(&self, doc: &mut Doc<'_>, key: &str) -> Option<At<Tiyn>> {
        self.amount(doc, key, |text| match Tiyn::parse(text) {
            Ok(tiyn) if tiyn < Tiyn::ZERO => Err("is negative".to_owned()),
            Ok(tiyn) => Ok(tiyn),
            Err(bad) => Err(bad_price(text, bad)),
        })
    }

    fn amount<T>(&self, doc: &mut Doc<'_>, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<At<T>> {
        let value = self.get(key)?;
        let line = doc.line_of(value.span().start);
        let text: Cow<'_, str> = if let Some(text) = value.get_ref().as_str() {
            Cow::Borrowed(text)
        } else if let Some(float) = value.get_ref().as_float() {
            // DIFFERENCE: TOML has floats, money has none (rating 1.5).
            doc.error_with_hint(
                line,
                format!("`{key}` is a floating-point number"),
                format!("write it in quotes: `{key} = \"{}\"`", quoted(float.as_str()).trim_matches('`')),
            );
            return None;
        } else if let Some(integer) = value.get_ref().as_integer() {
            match number(integer) {
                Some(number) => Cow::Owned(number.to_string()),
                None => Cow::Borrowed(integer.as_str()),
            }
        } else {
            self.wrong_type(doc, key, value, "a price in quotes");
            return None;
        };
        match parse(&text) {
            Ok(value) => Some(At { value, line }),
            Err(why) => {
                doc.error(line, format!("`{key}` {} {why}", quoted(&text)));
                None
            }
        }
    }

    /// A length with its unit.
    pub(super) fn quantity(&self, doc: &mut Doc<'_>, key: &str, kilobyte: u64) -> Option<At<Quantity>> {
        let value = self.get(key)?;
        if let Some(integer) = value.get_ref().as_integer() {
            let line = doc.line_of(value.span().start);
            doc.error_with_hint(
                line,
                format!("`{key}` is a number without a unit"),
                format!("write it with a unit, such as `{key} = \"{}s\"`", quoted(integer.as_str()).trim_matches('`')),
            );
            return None;
        }
        let text = self.text(doc, key)?;
        match Quantity::parse(text.value, kilobyte) {
            Ok(value) => Some(At { value, line: text.line }),
            Err(bad) => {
                let hint = match &bad {
                    BadQuantity::UnknownUnit(unit) => match nearest(unit, UNITS) {
                        Some(near) => format!("did you mean {}?", quoted(near)),
                        None => format!("known here: {}", quoted_list(UNITS)),
                    },
                    BadQuantity::NotWhole => "write whole numbers, in a smaller unit where needed: `90s`".to_owned(),
                    BadQuantity::Empty | BadQuantity::NoUnit | BadQuantity::OutOfRange => {
                        "write a number and a unit: `10s`, `1min`, `1MB`, `event`".to_owned()
                    }
                };
                doc.error_with_hint(text.line, format!("`{key}` {} {bad}", quoted(text.value)), hint);
                None
            }
        }
    }

    /// A day: `2026-01-01`, with or without quotes.
    pub(super) fn day(&self, doc: &mut Doc<'_>, key: &str) -> Option<At<LocalDay>> {
        let value = self.get(key)?;
        let line = doc.line_of(value.span().start);
        let text: Cow<'_, str> = if let Some(datetime) = value.get_ref().as_datetime() {
            Cow::Owned(datetime.to_string())
        } else if let Some(text) = value.get_ref().as_str() {
            Cow::Borrowed(text)
        } else {
            self.wrong_type(doc, key, value, "a day like 2026-03-01");
            return None;
        };
        match LocalDay::parse(text.as_bytes()) {
            Ok(value) => Some(At { value, line }),
            Err(bad) => {
                doc.error(line, format!("`{key}` {} is {bad}", quoted(&text)));
                None
            }
        }
    }

    /// A time of day in milliseconds: `"22:00"`, with or without quotes; up to `"24:00"`.
    pub(super) fn time_of_day(&self, doc: &mut Doc<'_>, key: &str) -> Option<At<i64>> {
        let value = self.get(key)?;
        let line = doc.line_of(value.span().start);
        let text: Cow<'_, str> = if let Some(datetime) = value.get_ref().as_datetime() {
            Cow::Owned(datetime.to_string())
        } else if let Some(text) = value.get_ref().as_str() {
            Cow::Borrowed(text)
        } else {
            self.wrong_type(doc, key, value, "a time of day like \"22:00\"");
            return None;
        };
        let ms = time_of_day_ms(&text);
        if ms.is_none() {
            let hint = "write hours and minutes with two digits each: `07:00`";
            doc.error_with_hint(line, format!("`{key}` {} is not a time of day", quoted(&text)), hint);
        }
        ms.map(|value| At { value, line })
    }
}

fn number(integer: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn a_type(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a floating-point number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
