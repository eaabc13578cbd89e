use super::findings::Findings;
use crate::decode::{COLUMNS_MAX, Line, Separators, checked_text, split_line};
use crate::feed::{LineReader, Piece};
use bumpalo::Bump;
use std::path::Path;

/// Reads a CSV file of reference data by its header: columns in any order, extra ones ignored.
///
/// `row` gets the line number and the fields in the order of `columns`, UTF-8 without space around it, empty where the
/// file lacks one. What cannot be read is a finding. False where there is no such file.
pub(super) fn read_table<const N: usize>(
    (path, name): (&Path, &str),
    columns: [&str; N],
    required: &[&str],
    findings: &mut Findings,
    mut row: impl FnMut(u32, [&[u8]; N], &mut Findings),
) -> bool {
    if !path.exists() {
        return false;
    }
    let mut reader = match LineReader::open(path) {
        Ok(reader) => reader,
        Err(error) => {
            findings.error(name, 0, error.to_string());
            return true;
        }
    };
    let mut header: Option<Header<N>> = None;
    let mut line_number = 0u32;
    let mut arena = Bump::new();
    let mut separators = Separators::default();
    let mut buffer = Vec::new();
    while let Some(piece) = reader.next_piece(std::mem::take(&mut buffer)) {
        let bytes = match piece {
            Piece::Lines(bytes) => bytes,
            Piece::LongLine(_) => {
                line_number = line_number.saturating_add(1);
                findings.warning(name, line_number, "the line is too long; set aside".into());
                continue;
            }
            Piece::Broken(broken) => {
                line_number = line_number.saturating_add(1);
                findings.error(name, line_number, broken.message);
                continue;
            }
        };
        arena.reset();
        separators.scan(&bytes);
        let is_plain = !separators.is_odd();
        let mut bad_header = false;
        let mut each = |text: &[u8], line: Option<&Line<'_, '_>>| {
            line_number = line_number.saturating_add(1);
            if text.is_empty() || bad_header {
                return;
            }
            let windowed = line.filter(|line| is_plain && line.columns <= COLUMNS_MAX);
            let (Some(header), Some(line)) = (&header, windowed) else {
                // The header, a last line without its end, a very wide one, or a piece with quotes or other than ASCII.
                let mut fields: Vec<&[u8]> = Vec::new();
                let split = checked_text(text).and_then(|_| split_line(text, b',', &arena, &mut fields));
                if let Err(rejection) = split {
                    findings.warning(name, line_number, format!("{rejection}; set aside"));
                    return;
                }
                match &header {
                    Some(header) => {
                        if header.fits(fields.len(), line_number, name, findings) {
                            let field = |place: usize| trimmed(fields.get(place).copied().unwrap_or_default());
                            row(line_number, header.places.map(|place| place.map_or(&b""[..], field)), findings);
                        }
                    }
                    None => match Header::read(&fields, columns, required) {
                        Ok(read) => header = Some(read),
                        Err(message) => {
                            findings.error(name, line_number, message);
                            bad_header = true;
                        }
                    },
                }
                return;
            };
            if header.fits(line.columns, line_number, name, findings) {
                // Most columns of most rows are empty.
                let mut filled = line.window.filled(line.columns) & header.wanted;
                let mut fields = [&b""[..]; N];
                while filled != 0 {
                    let place = filled.trailing_zeros() as usize;
                    filled &= filled.wrapping_sub(1);
                    let asked = header.asked.get(place).map(|asked| usize::from(*asked));
                    if let Some(field) = asked.and_then(|asked| fields.get_mut(asked)) {
                        *field = trimmed(line.window.text(&bytes, place).unwrap_or_default());
                    }
                }
                row(line_number, fields, findings);
            }
        };
        separators.for_each_line(&bytes, |line| each(line.bytes, Some(&line)));
        if let Some((_, line)) = separators.unended(&bytes) {
            each(line, None);
        }
        if bad_header {
            return true;
        }
        buffer = bytes;
    }
    if header.is_none() && line_number == 0 {
        findings.warning(name, 0, "empty".into());
    }
    true
}

/// Fields as text, where they are wanted as that.
pub(super) fn texts<const N: usize>(fields: [&[u8]; N]) -> [&str; N] {
    fields.map(|field| std::str::from_utf8(field).unwrap_or_default())
}

struct Header<const N: usize> {
    /// Where each column stands that is asked for.
    places: [Option<usize>; N],
    /// Of the columns that a window shows, a bit for each that is asked for, and which one that is.
    wanted: u64,
    asked: [u8; COLUMNS_MAX],
    count: usize,
}

impl<const N: usize> Header<N> {
    fn read(fields: &[&[u8]], columns: [&str; N], required: &[&str]) -> Result<Self, String> {
        let mut places = [None; N];
        for (place, column) in places.iter_mut().zip(columns) {
            let mut found = (0usize..).zip(fields).filter(|(_, field)| field.trim_ascii() == column.as_bytes());
            *place = found.next().map(|(at, _)| at);
            if found.next().is_some() {
                return Err(format!("the header has the column `{column}` twice"));
            }
            if place.is_none() && required.contains(&column) {
                return Err(format!("the header has no column `{column}`"));
            }
        }
        let (mut wanted, mut asked) = (0, [0; COLUMNS_MAX]);
        for (at, place) in (0u8..).zip(places) {
            if let Some(place) = place
                && let Some(of) = asked.get_mut(place)
            {
                (wanted, *of) = (wanted | 1u64 << place, at);
            }
        }
        Ok(Self { places, wanted, asked, count: fields.len() })
    }

    /// Whether a line has as many columns as the header; if not, that is told.
    fn fits(&self, columns: usize, line: u32, name: &str, findings: &mut Findings) -> bool {
        if columns != self.count {
            let message = format!("{columns} columns where the header has {}; set aside", self.count);
            findings.warning(name, line, message);
        }
        columns == self.count
    }
}

/// [`str::trim`] of text that nearly never needs it.
#[inline]
fn trimmed(text: &[u8]) -> &[u8] {
    let is_text = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_graphic);
    if is_text(text.first()) && is_text(text.last()) { text } else { trimmed_by_the_book(text) }
}

#[cold]
fn trimmed_by_the_book(text: &[u8]) -> &[u8] {
    std::str::from_utf8(text).unwrap_or_default().trim().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = Vec<(u32, [String; 3])>;

    /// What is read of a table, and what is told of it.
    fn read(text: &str) -> (Read, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        std::fs::write(&path, text).unwrap();
        let (mut rows, mut findings) = (Vec::new(), Findings::default());
        let found = read_table((&path, "table.csv"), ["a", "b", "c"], &["a"], &mut findings, |line, fields, _| {
            rows.push((line, texts(fields).map(str::to_owned)));
        });
        assert!(found);
        (rows, findings.kept().iter().map(|finding| finding.message.clone()).collect())
    }

    /// Plain tables are read by the places of separators, others by the book: of any width, wherever columns stand.
    #[test]
    fn a_plain_table_is_read_as_one_that_is_not() {
        for width in [3usize, 4, 8, 9, 62, 63, 64, 65, 80] {
            for places in [[0, 1, 2], [width - 1, width / 2, 0], [width - 3, width - 2, width - 1]] {
                let row = |texts: [&str; 3], other: &str| {
                    let text = |at: usize| places.iter().position(|place| *place == at).map_or(other, |nth| texts[nth]);
                    (0..width).map(text).collect::<Vec<_>>().join(",")
                };
                let table = |last: &str| {
                    let rows = [
                        row(["a", "b", "c"], "x"),
                        row(["1", "", "long enough to be looked at twice"], ""),
                        row(["", "", ""], "y"),
                        String::new(),
                        row([" s", "t ", "\tu v\u{b}"], "z"),
                        row(["1", "2", "3"], "") + ",",
                        row(["4", "5", last], ""),
                    ];
                    rows.join("\r\n") + "\n"
                };
                let expected = |last: &str| {
                    let rows = [
                        (2, ["1", "", "long enough to be looked at twice"]),
                        (3, ["", "", ""]),
                        (5, ["s", "t", "u v"]),
                        (7, ["4", "5", last]),
                    ];
                    rows.map(|(line, texts)| (line, texts.map(str::to_owned))).to_vec()
                };
                let told = vec![format!("{} columns where the header has {width}; set aside", width + 1)];
                for (last, is) in [("6", "6"), ("\"6\"", "6"), ("\u{a0}ж\u{a0}", "ж"), ("\"6,7\"", "6,7")] {
                    assert_eq!(read(&table(last)), (expected(is), told.clone()), "{width} {places:?} {last}");
                }
            }
        }
    }
}
