//! Small reference files with a header: `prefixes.csv`, holidays. Columns in any order, extra ones ignored, a byte
//! order mark and CRLF tolerated, fields in quotes where they need them.

use super::super::finding::{Finding, quoted};
use super::SourceFile;
use crate::units::LocalDay;
use std::borrow::Cow;

/// The rows of a text, in order; quotes and the spaces around a value are taken off.
pub(super) struct Rows<'t> {
    text: &'t str,
    at: usize,
    next_line: u32,
    /// Line on which the row of `fields` begins.
    pub(super) line: u32,
    pub(super) fields: Vec<Cow<'t, str>>,
}

/// A quote that opens and does not close, or closes inside a field; the line where it opens.
pub(super) struct BadQuotes(pub(super) u32);

impl<'t> Rows<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text: text.strip_prefix('\u{feff}').unwrap_or(text), at: 0, next_line: 1, line: 0, fields: Vec::new() }
    }

    /// Moves to the next row that is not blank; `false` at the end.
    pub(super) fn advance(&mut self) -> Result<bool, BadQuotes> {
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(false);
            }
            let length = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
            let row = rest.get(..length).unwrap_or_default();
            self.fields.clear();
            self.line = self.next_line;
            if row.contains('"') {
                self.quoted_row(rest)?;
            } else {
                self.next_line = self.next_line.saturating_add(1);
                self.at = self.at.saturating_add(length).saturating_add(1);
                let row = row.strip_suffix('\r').unwrap_or(row);
                self.fields.extend(row.split(',').map(|field| Cow::Borrowed(field.trim())));
            }
            if self.fields.iter().any(|field| !field.is_empty()) {
                return Ok(true);
            }
        }
    }

    /// A row with quotes may go over several lines.
    fn quoted_row(&mut self, rest: &'t str) -> Result<(), BadQuotes> {
        let mut left = rest;
        loop {
            let field = left.trim_start_matches([' ', '\t']);
            if let Some(mut inside) = field.strip_prefix('"') {
                let mut value = String::new();
                loop {
                    let Some((text, after)) = inside.split_once('"') else {
                        self.at = self.text.len();
                        return Err(BadQuotes(self.line));
                    };
                    value.push_str(text);
                    match after.strip_prefix('"') {
                        Some(more) => {
                            value.push('"');
                            inside = more;
                        }
                        None => {
                            left = after.trim_start_matches([' ', '\t', '\r']);
                            break;
                        }
                    }
                }
                self.fields.push(Cow::Owned(value.trim().to_owned()));
            } else {
                let length = field.find([',', '\n']).unwrap_or(field.len());
                let (value, after) = field.split_at_checked(length).unwrap_or((field, ""));
                self.fields.push(Cow::Borrowed(value.trim()));
                left = after;
            }
            if let Some(more) = left.strip_prefix(',') {
                left = more;
                continue;
            }
            let ends = left.is_empty() || left.starts_with('\n');
            // Text after a closing quote: the row ends with its line.
            let skipped = if ends { 0 } else { memchr::memchr(b'\n', left.as_bytes()).unwrap_or(left.len()) };
            let taken = rest.len().saturating_sub(left.len()).saturating_add(skipped);
            let lines = memchr::memchr_iter(b'\n', rest.as_bytes().get(..taken).unwrap_or_default()).count();
            self.next_line = self.next_line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX)).saturating_add(1);
            self.at = self.at.saturating_add(taken).saturating_add(1);
            return if ends { Ok(()) } else { Err(BadQuotes(self.line)) };
        }
    }
}

/// The text of a file, or where it is not UTF-8.
pub(super) fn utf8(source: &SourceFile) -> Result<&str, Finding> {
    std::str::from_utf8(&source.bytes).map_err(|error| {
        let before = source.bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = u32::try_from(memchr::memchr_iter(b'\n', before).count()).unwrap_or(u32::MAX).saturating_add(1);
        Finding::error(&source.file, line, "not UTF-8").with_hint("save the file as UTF-8")
    })
}

/// Calls `row` with the line and the wanted columns of every row.
pub(super) fn each_row<'t, const N: usize>(
    file: &str,
    text: &'t str,
    columns: [&str; N],
    findings: &mut Vec<Finding>,
    mut row: impl FnMut(u32, [&Cow<'t, str>; N], &mut Vec<Finding>),
) {
    let mut rows = Rows::new(text);
    let bad_quotes = |line| {
        Finding::error(file, line, "a quote that does not close, or text after one that does")
            .with_hint("a quote inside a quoted field is written twice")
    };
    let header = match rows.advance() {
        Ok(true) => std::mem::take(&mut rows.fields),
        Ok(false) => {
            findings
                .push(Finding::error(file, 0, "the file is empty").with_hint(format!("header: {}", columns.join(","))));
            return;
        }
        Err(BadQuotes(line)) => return findings.push(bad_quotes(line)),
    };
    let mut complete = true;
    let positions = columns.map(|column| {
        let mut places = header.iter().enumerate().filter(|(_, name)| *name == column).map(|(at, _)| at);
        let place = places.next();
        if place.is_none() {
            complete = false;
            let hint = if header.iter().any(|name| name.contains([';', '\t'])) {
                "columns are separated by commas".to_owned()
            } else {
                format!("the first line names the columns: {}", columns.join(","))
            };
            findings.push(Finding::error(file, rows.line, format!("no column `{column}`")).with_hint(hint));
        }
        if places.next().is_some() {
            findings.push(Finding::error(file, rows.line, format!("the column `{column}` stands twice")));
        }
        place.unwrap_or(0)
    });
    if !complete {
        return;
    }
    let empty = Cow::Borrowed("");
    loop {
        match rows.advance() {
            Ok(true) if rows.fields.len() == header.len() => {
                let wanted = positions.map(|at| rows.fields.get(at).unwrap_or(&empty));
                row(rows.line, wanted, findings);
            }
            Ok(true) => {
                let message = format!("{} columns, the header has {}", rows.fields.len(), header.len());
                findings.push(Finding::error(file, rows.line, message));
            }
            Ok(false) => return,
            Err(BadQuotes(line)) => findings.push(bad_quotes(line)),
        }
    }
}

/// The days of a holidays file, `date,name`.
pub(super) fn holiday_days(source: &SourceFile) -> (Vec<LocalDay>, Vec<Finding>) {
    let mut days: Vec<(LocalDay, u32)> = Vec::new();
    let mut findings = Vec::new();
    match utf8(source) {
        Err(finding) => findings.push(finding),
        Ok(text) => {
            each_row(&source.file, text, ["date"], &mut findings, |line, [date], findings| {
                match LocalDay::parse(date.as_bytes()) {
                    Ok(day) => days.push((day, line)),
                    Err(bad) => findings.push(Finding::error(&source.file, line, format!("{} is {bad}", quoted(date)))),
                }
            })
        }
    }
    days.sort_unstable();
    for pair in days.windows(2) {
        if let [(day, first), (same, line)] = pair
            && day == same
        {
            let message = format!("{day} stands twice, first in line {first}");
            findings.push(Finding::warning(&source.file, *line, message));
        }
    }
    (days.into_iter().map(|(day, _)| day).collect(), findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<String> {
        let mut rows = Rows::new(text);
        let mut shown = Vec::new();
        loop {
            match rows.advance() {
                Ok(true) => shown.push(format!("{}: {}", rows.line, rows.fields.join("|"))),
                Ok(false) => return shown,
                Err(BadQuotes(line)) => shown.push(format!("{line}: bad quotes")),
            }
        }
    }

    #[test]
    fn rows_are_read_whatever_wrote_them() {
        for (text, expected) in [
            ("a,b\n1,2\n", &["1: a|b", "2: 1|2"][..]),
            ("\u{feff}a,b\r\n1,2\r\n\r\n3,4", &["1: a|b", "2: 1|2", "4: 3|4"]),
            ("\"a\",b\r\n\"1,\"\"x\"\"\" , 2 \r\n3,\"4\n5\"\n6,7", &["1: a|b", "2: 1,\"x\"|2", "3: 3|4\n5", "5: 6|7"]),
            ("a\n\"x\"y,\nb\n\"open\nc", &["1: a", "2: bad quotes", "3: b", "4: bad quotes"]),
            ("\"\",\n,,\n\n", &[]),
            ("", &[]),
        ] {
            assert_eq!(rows(text), expected, "{text:?}");
        }
    }
}
