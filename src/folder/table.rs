use super::findings::Findings;
use crate::decode::{Separators, checked_text, split_line};
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
        let odd = separators.is_odd();
        let mut fields: Vec<&[u8]> = Vec::new();
        let lines = separators.lines(&bytes).map(|line| (line.bytes, Some(line)));
        let unended = separators.unended(&bytes).map(|(_, line)| (line, None));
        for (text, line) in lines.chain(unended) {
            line_number = line_number.saturating_add(1);
            if text.is_empty() {
                continue;
            }
            let (Some(header), Some(line), false) = (&header, &line, odd) else {
                // The header, a last line without its end, or a piece with quotes or other than ASCII.
                let split = checked_text(text).and_then(|_| split_line(text, b',', &arena, &mut fields));
                if let Err(rejection) = split {
                    findings.warning(name, line_number, format!("{rejection}; set aside"));
                    continue;
                }
                match &header {
                    Some(header) => header.row(line_number, name, &fields, findings, &mut row),
                    None => match Header::read(&fields, columns, required) {
                        Ok(read) => header = Some(read),
                        Err(message) => {
                            findings.error(name, line_number, message);
                            return true;
                        }
                    },
                }
                continue;
            };
            fields.clear();
            fields.extend((0..line.columns()).map(|at| line.column(&bytes, at)));
            header.row(line_number, name, &fields, findings, &mut row);
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

    fn row(
        &self,
        line: u32,
        name: &str,
        fields: &[&[u8]],
        findings: &mut Findings,
        row: &mut impl FnMut(u32, [&str; N], &mut Findings),
    ) {
        if fields.len() != self.count {
            let message = format!("{} columns where the header has {}; set aside", fields.len(), self.count);
            findings.warning(name, line, message);
            return;
        }
        let texts = self.places.map(|place| {
            let field = place.and_then(|place| fields.get(place)).copied().unwrap_or_default();
            std::str::from_utf8(field).unwrap_or_default().trim()
        });
        row(line, texts, findings);
    }
}
