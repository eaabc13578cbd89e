//! The native CSV format. Source: interface 7.1.

use super::csv::{Separators, split_line};
use super::fields::{Column, Fields, Limits, build};
use super::group::Group;
use super::plain::{Causes, Layout, Read};
use super::straight::Straight;
use super::{DateCache, Decoded, checked_text};
use crate::record::{RejectReason, Rejection};
use bumpalo::Bump;
use std::fmt;

/// A header that no record can be read by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BadHeader {
    /// A column that every record needs is not there.
    Missing(Column),
    /// A column stands there twice.
    Twice(Column),
    /// Not text, or quotes that do not close.
    NotText,
}

impl fmt::Display for BadHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(column) => write!(f, "the header has no column `{column}`"),
            Self::Twice(column) => write!(f, "the header has the column `{column}` twice"),
            Self::NotText => f.write_str("the header is not UTF-8 text with closed quotes"),
        }
    }
}

impl std::error::Error for BadHeader {}

/// Without these columns no record can be read.
const REQUIRED: [Column; 4] = [Column::RecordId, Column::Service, Column::ANumber, Column::SetupAt];

/// The decoder of one native file: which of its columns stands where.
#[derive(Clone, Debug)]
pub struct Native {
    /// What each column of the file holds; `None` for those of other names.
    columns: Vec<Option<Column>>,
    /// Files in our own order of columns are read straight.
    straight: Option<Straight>,
    /// The others by the places of their separators.
    layout: Layout,
    limits: Limits,
}

impl Native {
    /// Reads a header line. Columns may come in any order; those of other names are passed over.
    pub fn new(header: &[u8], limits: Limits) -> Result<Self, BadHeader> {
        let arena = Bump::new();
        let mut names = Vec::new();
        checked_text(header).map_err(|_| BadHeader::NotText)?;
        split_line(header, b',', &arena, &mut names).map_err(|_| BadHeader::NotText)?;
        let columns: Vec<Option<Column>> = names.iter().map(|name| Column::parse(name.trim_ascii())).collect();
        let times = |column: Column| columns.iter().filter(|other| **other == Some(column)).count();
        if let Some(twice) = Column::ALL.iter().find(|column| times(**column) > 1) {
            return Err(BadHeader::Twice(*twice));
        }
        match REQUIRED.iter().find(|column| times(**column) == 0) {
            Some(column) => Err(BadHeader::Missing(*column)),
            None => Ok(Self {
                straight: Straight::new(&columns, &limits),
                layout: Layout::new(&columns, &limits),
                columns,
                limits,
            }),
        }
    }

    /// Decodes whole lines in their order.
    pub(super) fn decode<'b>(
        &self,
        piece: &'b [u8],
        arena: &'b Bump,
        separators: &mut Separators,
        group: &mut Group<'b, '_>,
    ) {
        if let Some(straight) = &self.straight {
            return self.decode_straight(straight, piece, arena, group);
        }
        separators.scan(piece);
        let (mut dates, mut causes) = (DateCache::new(), Causes::new());
        separators.for_each_line(piece, |line| {
            if line.bytes.is_empty() {
                return;
            }
            let Some(place) = group.place() else { return };
            let mut read = Read::Left;
            if line.plain
                && line.columns == self.layout.columns()
                && let Ok(record) = &mut place.record
            {
                read = self.layout.read(piece, line.window, (&mut dates, &mut causes), record);
                place.record_id = record.record_id;
                (place.line, place.raw) = (line.number, line.bytes);
            }
            if read == Read::Left {
                *place = self.any_record(line.number, line.bytes, arena);
            }
            group.keep(read == Read::Common);
        });
        if let Some((number, line)) = separators.unended(piece) {
            group.push(self.any_record(number, line, arena));
        }
    }

    fn decode_straight<'b>(&self, straight: &Straight, piece: &'b [u8], arena: &'b Bump, group: &mut Group<'b, '_>) {
        let (mut dates, mut causes) = (DateCache::new(), Causes::new());
        let (mut start, mut number) = (0usize, 0u32);
        while start < piece.len() {
            let Some(place) = group.place() else { return };
            let line = match &mut place.record {
                Ok(record) => straight.read(piece, start, (&mut dates, &mut causes), record),
                Err(_) => None,
            };
            match (line, &place.record) {
                (Some(line), Ok(record)) => {
                    place.record_id = record.record_id;
                    (place.line, place.raw) = (number, line.bytes);
                    group.keep(line.is_common);
                    start = line.next;
                }
                _ => start = self.decode_line(piece, start, number, arena, group),
            }
            number = number.wrapping_add(1);
        }
    }

    /// Decodes one line by the book; returns where the next one begins.
    #[cold]
    #[inline(never)]
    fn decode_line<'b>(
        &self,
        piece: &'b [u8],
        start: usize,
        number: u32,
        arena: &'b Bump,
        group: &mut Group<'b, '_>,
    ) -> usize {
        let rest = piece.get(start..).unwrap_or_default();
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..length).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            group.leave();
        } else {
            group.push(self.any_record(number, line, arena));
        }
        start.wrapping_add(length).wrapping_add(1)
    }

    /// Any line, by the book.
    #[cold]
    #[inline(never)]
    fn any_record<'b>(&self, line: u32, raw: &'b [u8], arena: &'b Bump) -> Decoded<'b> {
        let mut fields = Fields::default();
        let record = checked_text(raw)
            .and_then(|_| self.fields(raw, arena, &mut fields))
            .and_then(|()| build(&fields, &self.limits));
        Decoded { line, raw, record, record_id: fields.record_id }
    }

    fn fields<'b>(&self, raw: &'b [u8], arena: &'b Bump, fields: &mut Fields<'b>) -> Result<(), Rejection> {
        let mut texts = Vec::with_capacity(self.columns.len());
        split_line(raw, b',', arena, &mut texts)?;
        if texts.len() != self.columns.len() {
            let detail = format!("{} columns where the header has {}", texts.len(), self.columns.len());
            return Err(Rejection::new(RejectReason::BadColumns, detail));
        }
        for (column, text) in self.columns.iter().zip(&texts) {
            if let Some(column) = column {
                fields.set(*column, text);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{BLANK, FileDecoder, numbered_lines};
    use proptest::prelude::*;

    const HEADER: &str = "record_id,service,a_number,b_number,setup_at,answer_at,release_at,cause,answered_by,bytes_up,\
        bytes_down,quantity,visited_network,realtime,route_in,route_out,call_ref,part,last,direction,redirect_reason,\
        charge_indicator,corrects";

    fn decode(header: &str, body: &[u8]) -> Vec<(u32, String, Result<String, RejectReason>)> {
        let native = Native::new(header.as_bytes(), Limits { max_duration_ms: Some(86_400_000) }).unwrap();
        let arena = Bump::new();
        let mut found = Vec::new();
        FileDecoder::Native(native).decode(body, &arena, &mut Separators::default(), &mut |decoded: Decoded<'_>| {
            let record = decoded.record.map(|r| format!("{} {}", r.service, r.duration_ms())).map_err(|r| r.reason);
            found.push((decoded.line, String::from_utf8_lossy(decoded.record_id).into_owned(), record));
        });
        found
    }

    #[test]
    fn interface_7_1_columns_in_any_order_extra_ones_ignored() {
        let body = b"x,2026-03-01T10:00:00Z,77272500001,voice,r1,2026-03-01T10:00:05Z,2026-03-01T10:00:10.5Z\r\n\r\n\
            \"a,\"\"b\",2026-03-01T10:00:00Z,77272500001,sms,r2,,\r\nshort,row\r\n,,,,,,";
        let found = decode("extra,setup_at,a_number,service,record_id,answer_at,release_at", body);
        assert_eq!(
            found,
            [
                (0, "r1".into(), Ok("voice 5500".into())),
                (2, "r2".into(), Ok("sms 0".into())),
                (3, String::new(), Err(RejectReason::BadColumns)),
                (4, String::new(), Err(RejectReason::MissingField)),
            ]
        );
    }

    #[test]
    fn a_header_that_lacks_or_repeats_a_column_is_refused() {
        for (header, error) in [
            ("record_id,service,a_number", BadHeader::Missing(Column::SetupAt)),
            ("record_id,service,a_number,setup_at,service", BadHeader::Twice(Column::Service)),
            ("", BadHeader::Missing(Column::RecordId)),
            ("\"record_id", BadHeader::NotText),
        ] {
            assert_eq!(Native::new(header.as_bytes(), Limits::default()).unwrap_err(), error, "{header}");
        }
    }

    #[test]
    fn rating_1_2_bytes_that_are_not_text_are_rejected() {
        let header = "record_id,service,a_number,setup_at";
        let body = b"r1,sms,77\xff,2026-03-01T10:00:00Z\nr2,sms,7\0,2026-03-01T10:00:00Z\nr3,sms,\"7,2026\nr4,sms,7,2026-03-01T10:00:00Z\n";
        let reasons: Vec<_> = decode(header, body).into_iter().map(|(_, _, record)| record.err()).collect();
        let bad = [Some(RejectReason::BadText), Some(RejectReason::BadText), Some(RejectReason::BadQuotes), None];
        assert_eq!(reasons, bad);
    }

    /// A field that is as most are, or not.
    fn field() -> impl Strategy<Value = String> {
        let usual = prop::sample::select(vec![
            "",
            "voice",
            "data",
            "sms",
            "in",
            "true",
            "false",
            "machine",
            "0",
            "5",
            "-5",
            "9223372036854775808",
            "r1",
            "q850:17",
            "sip:486",
            "16",
            "q850:",
            "busy",
            "77272500001",
            "2026-03-01T10:00:00Z",
            "2026-03-01T10:00:01.123+05:00",
            "2026-03-01T24:00:01.123+05:00",
            "2026-03-01 10:00:00Z",
            "2026-02-30T10:00:00Z",
            "2026-03-01T10:00:00.123456789+05:00",
        ]);
        let odd = prop::sample::select(vec![
            "\r",
            "\0",
            "\"",
            "\"a,\"\"b\"",
            "é",
            "a\"",
            "0e9f4a8e-6b9c-4a54-9d6b-2f1f6f3e9c11-0e9f4a8e-6b9c-4a54-9d6b",
        ]);
        prop_oneof![20 => usual.prop_map(str::to_owned), 1 => odd.prop_map(str::to_owned), 1 => "[a-z0-9,]{0,12}"]
    }

    /// A line of a valid record with some fields changed, or any line.
    fn line() -> impl Strategy<Value = String> {
        let clock = "2026-03-0[12]T1[01]:[0-5][0-9]:[0-5][0-9]\\.[0-9]{3}\\+05:00";
        let valid = ("m1-[0-9]{9}|[0-9a-f]{36}", "voice|sms|data", "77[0-9]{9}", "(8[0-9]{10})?", clock, clock, clock)
            .prop_map(|(id, service, a, b, setup, answer, release)| {
                let mut times = [setup, answer, release];
                times.sort();
                let [setup, answer, release] = times;
                [id, service, a, b, setup, answer, release, "q850:16".into()]
            });
        let changes = prop::collection::vec((0usize..23, field()), 0..4);
        let mostly_valid = (valid, changes).prop_map(|(valid, changes)| {
            let mut fields: Vec<String> = valid.into_iter().chain(vec![String::new(); 15]).collect();
            changes.into_iter().for_each(|(at, text)| fields[at] = text);
            fields.join(",")
        });
        let any = prop::collection::vec(field(), 22..25).prop_map(|fields| fields.join(","));
        prop_oneof![5 => mostly_valid, 2 => any, 1 => Just(String::new()), 1 => "[a,\"\r]{0,40}"]
    }

    proptest! {
        /// The fast paths build what the rule book builds, or leave the line to it.
        #[test]
        fn the_plain_paths_equal_the_rule_book(
            lines in prop::collection::vec((line(), any::<bool>()), 0..80),
            ended in any::<bool>(),
        ) {
            let mut piece: String = lines.iter().map(|(line, cr)| format!("{line}{}", if *cr { "\r\n" } else { "\n" })).collect();
            if !ended {
                piece.pop();
            }
            let extra = HEADER.replace("realtime", "real_time");
            let swapped = HEADER.replace("cause", "b_number").replacen("b_number", "cause", 1);
            for header in [HEADER, &extra, &swapped] {
                let native = Native::new(header.as_bytes(), Limits { max_duration_ms: Some(3_600_000) }).unwrap();
                prop_assert_eq!(native.straight.is_some(), header != swapped);
                let arena = Bump::new();
                let expected: Vec<_> =
                    numbered_lines(piece.as_bytes()).map(|(number, line)| native.any_record(number, line, &arena)).collect();
                let mut found = Vec::new();
                let decoder = FileDecoder::Native(native);
                decoder.decode(piece.as_bytes(), &arena, &mut Separators::default(), &mut |decoded| found.push(decoded));
                prop_assert_eq!(&found, &expected);
            }
        }
    }

    #[test]
    fn what_is_usual_is_read_by_the_plain_paths() {
        let tail = ",,,,,,,,,,,,,,,,,,,,,,\n".repeat(30);
        for line in [
            "m1-000000001,voice,77255355748,+77760055442,2026-03-01T00:11:01.972+05:00,2026-03-01T00:11:16.998+05:00,2026-03-01T00:12:27.460+05:00,q850:16,subscriber,,,,,,,tg-204,,,,,,,",
            "0e9f4a8e-6b9c-4a54-9d6b-2f1f6f3e9c11-0e9f4a8e,sms,77255355748,87760055442,2026-03-01T00:11:01Z,,,,,,,2,,,,,,,,,,,",
            "m1-1,data,77255355748,,2026-03-01T00:11:01.972+05:00,,2026-03-01T00:12:27.460+05:00,,,17,1800000,,,,,,,,,,,,",
        ] {
            let native = Native::new(HEADER.as_bytes(), Limits::default()).unwrap();
            let piece = format!("{line}\n{tail}");
            let arena = Bump::new();
            let book = native.any_record(0, line.as_bytes(), &arena).record.unwrap();
            let mut straight = BLANK;
            let read = native.straight.as_ref().unwrap().read(
                piece.as_bytes(),
                0,
                (&mut DateCache::new(), &mut Causes::new()),
                &mut straight,
            );
            assert!(read.is_some_and(|read| read.bytes == line.as_bytes() && read.next == line.len() + 1));
            assert_eq!(straight, book);
            let mut plain = BLANK;
            let mut separators = Separators::default();
            separators.scan(piece.as_bytes());
            separators.for_each_line(piece.as_bytes(), |line| {
                if line.number == 0 {
                    let read = native.layout.read(
                        piece.as_bytes(),
                        line.window,
                        (&mut DateCache::new(), &mut Causes::new()),
                        &mut plain,
                    );
                    assert_ne!(read, Read::Left);
                }
            });
            assert_eq!(plain, book);
        }
    }
}
