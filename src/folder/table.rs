use super::findings::Findings;
use crate::decode::{COLUMNS_MAX, Line, Separators, checked_text, split_line};
use crate::feed::{LineReader, Piece};
use bumpalo::Bump;
use std::path::Path;

/// Reads a CSV file of reference data by its header: columns in any order, extra ones ignored.
///
/// `row` gets the line number and the fields in the order of `columns`, empty where the file lacks one. What cannot be
/// read is a finding. False where there is no such file.
pub(super) fn read_table<const N: usize>(
    (path, name): (&Path, &str),
    columns: [&str; N],
    required: &[&str],
    findings: &mut Findings,
    mut row: impl FnMut(u32, [&str; N], &mut Findings),
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
        // Of a plain piece all is ASCII, so one look says that every field is text.
        let plain = if separators.is_odd() { None } else { std::str::from_utf8(&bytes).ok() };
        let mut bad_header = false;
        let mut each = |text: &[u8], line: Option<&Line<'_, '_>>| {
            line_number = line_number.saturating_add(1);
            if text.is_empty() || bad_header {
                return;
            }
            let windowed = line.filter(|line| line.columns <= COLUMNS_MAX);
            let (Some(header), Some(line), Some(plain)) = (&header, windowed, plain) else {
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
                            let field = |place| fields.get(place).copied().unwrap_or_default();
                            let text = |place| std::str::from_utf8(field(place)).unwrap_or_default().trim();
                            row(line_number, header.places.map(|place| place.map_or("", text)), findings);
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
                let filled = line.window.filled(line.columns);
                let mut texts = [""; N];
                for (text, place) in texts.iter_mut().zip(&header.places) {
                    let Some(place) = *place else { continue };
                    if filled >> place & 1 != 0 {
                        let (start, end) = line.window.column(place);
                        *text = trimmed(plain.get(start..end).unwrap_or_default());
                    }
                }
                row(line_number, texts, findings);
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

struct Header<const N: usize> {
    places: [Option<usize>; N],
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
        Ok(Self { places, count: fields.len() })
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
fn trimmed(text: &str) -> &str {
    let is_text = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_graphic);
    let bytes = text.as_bytes();
    if is_text(bytes.first()) && is_text(bytes.last()) { text } else { text.trim() }
}
