//! The native CSV format. Source: interface 7.1.

use super::csv::{Line, Separators, split_line};
use super::fields::{Column, Fields, Limits, PART_MAX, build};
use super::{DateCache, Decoded, checked_text};
use crate::record::{AnsweredBy, Cause, Direction, RejectReason, Rejection, Service, UsageRecord};
use crate::units::InstantMs;
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
    limits: Limits,
}

/// Wider files are read by the book.
const MASKED_COLUMNS: usize = 64;

/// A record of which nothing is known.
const BLANK: UsageRecord<'static> = UsageRecord {
    record_id: b"",
    call_ref: b"",
    part: 0,
    last: false,
    service: Service::Voice,
    a_number: b"",
    b_number: b"",
    setup_at: InstantMs(0),
    answer_at: None,
    release_at: None,
    cause: Cause::Empty,
    answered_by: AnsweredBy::Subscriber,
    bytes_up: 0,
    bytes_down: 0,
    quantity: 1,
    visited_network: b"",
    realtime: true,
    direction: Direction::Out,
    redirect_reason: b"",
    charge_indicator: b"",
    corrects: b"",
    route_in: b"",
    route_out: b"",
    ambiguous: false,
};

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
            None => Ok(Self { columns, limits }),
        }
    }

    /// Decodes whole lines in their order.
    pub(super) fn decode<'b, F: FnMut(Decoded<'b>)>(
        &self,
        piece: &'b [u8],
        arena: &'b Bump,
        separators: &mut Separators,
        sink: &mut F,
    ) {
        separators.scan(piece);
        let odd = separators.is_odd();
        let mut dates = DateCache::new();
        for line in separators.lines(piece) {
            if line.bytes.is_empty() {
                continue;
            }
            let plain = !odd || line.bytes.iter().all(|byte| byte.is_ascii() && *byte != 0 && *byte != b'"');
            let record = if plain { self.plain_record(piece, &line, &mut dates) } else { None };
            sink(match record {
                Some(record) => {
                    let record_id = record.record_id;
                    Decoded { line: line.number, raw: line.bytes, record: Ok(record), record_id }
                }
                None => self.any_record(line.number, line.bytes, arena),
            });
        }
        if let Some((number, line)) = separators.unended(piece) {
            sink(self.any_record(number, line, arena));
        }
    }

    /// A line without quotes whose every field is as most are; `None` leaves it to [`Self::any_record`].
    #[inline]
    fn plain_record<'b>(&self, piece: &'b [u8], line: &Line<'b, '_>, dates: &mut DateCache) -> Option<UsageRecord<'b>> {
        if line.columns() != self.columns.len() || line.columns() > MASKED_COLUMNS {
            return None;
        }
        let mut record = BLANK;
        let (mut service, mut setup_at) = (None, None);
        // Most columns of most records are empty.
        let mut filled = line.filled();
        while filled != 0 {
            let at = filled.trailing_zeros() as usize;
            filled &= filled.wrapping_sub(1);
            let Some(Some(column)) = self.columns.get(at) else { continue };
            let text = line.column(piece, at);
            if text.is_empty() {
                continue;
            }
            match column {
                Column::RecordId => record.record_id = text,
                Column::Service => {
                    service = Some(match text {
                        b"voice" => Service::Voice,
                        text => Service::parse(text)?,
                    });
                }
                Column::ANumber => record.a_number = text,
                Column::BNumber => record.b_number = text,
                Column::SetupAt => setup_at = Some(dates.parse_rfc3339(text)?),
                Column::AnswerAt => record.answer_at = Some(dates.parse_rfc3339(text)?),
                Column::ReleaseAt => record.release_at = Some(dates.parse_rfc3339(text)?),
                Column::Cause => record.cause = Cause::parse(text),
                Column::AnsweredBy => {
                    record.answered_by = match text {
                        b"subscriber" => AnsweredBy::Subscriber,
                        text => AnsweredBy::parse(text)?,
                    };
                }
                Column::BytesUp => record.bytes_up = small_number(text)?,
                Column::BytesDown => record.bytes_down = small_number(text)?,
                Column::Quantity => record.quantity = small_number(text)?,
                Column::VisitedNetwork => record.visited_network = text,
                Column::Realtime => record.realtime = truth(text)?,
                Column::RouteIn => record.route_in = text,
                Column::RouteOut => record.route_out = text,
                Column::CallRef => record.call_ref = text,
                Column::Part => {
                    record.part =
                        u32::try_from(small_number(text)?).ok().filter(|part| (1..=PART_MAX).contains(part))?;
                }
                Column::Last => record.last = truth(text)?,
                Column::Direction => record.direction = Direction::parse(text)?,
                Column::RedirectReason => record.redirect_reason = text,
                Column::ChargeIndicator => record.charge_indicator = text,
                Column::Corrects => record.corrects = text,
            }
        }
        record.service = service?;
        record.setup_at = setup_at?;
        let begins_at = record.began_at();
        let voice = record.service == Service::Voice;
        let session = matches!(record.service, Service::Data | Service::Internet);
        let whole = !record.record_id.is_empty()
            && !record.a_number.is_empty()
            && begins_at >= record.setup_at
            && match (record.answer_at, record.release_at) {
                (Some(answer), Some(release)) => release >= answer,
                (Some(_), None) => !voice,
                (None, Some(release)) => !session || release >= record.setup_at,
                (None, None) => true,
            }
            && self.limits.max_duration_ms.is_none_or(|limit| record.duration_ms() <= limit);
        whole.then_some(record)
    }

    /// Any line, by the book.
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

fn truth(text: &[u8]) -> Option<bool> {
    match text {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

/// A whole number of up to 18 digits.
fn small_number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    text.iter().try_fold(0u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| number.wrapping_mul(10).wrapping_add(u64::from(digit)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: &str = "record_id,service,a_number,b_number,setup_at,answer_at,release_at,cause,answered_by,bytes_up,\
        bytes_down,quantity,visited_network,realtime,route_in,route_out,call_ref,part,last,direction,redirect_reason,\
        charge_indicator,corrects";

    fn decode(header: &str, body: &[u8]) -> Vec<(u32, String, Result<String, RejectReason>)> {
        let native = Native::new(header.as_bytes(), Limits { max_duration_ms: Some(86_400_000) }).unwrap();
        let arena = Bump::new();
        let mut found = Vec::new();
        native.decode(body, &arena, &mut Separators::default(), &mut |decoded: Decoded<'_>| {
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

    proptest! {
        /// The fast path builds what the rule book builds, or leaves the line to it.
        #[test]
        fn the_plain_path_equals_the_rule_book(
            fields in prop::collection::vec(prop_oneof![
                Just(""), Just("voice"), Just("data"), Just("in"), Just("true"), Just("false"), Just("machine"), Just("0"),
                Just("5"), Just("-5"), Just("9223372036854775808"), Just("r1"), Just("q850:17"), Just("77272500001"),
                Just("2026-03-01T10:00:00Z"), Just("2026-03-01T10:00:01.123+05:00"), Just("2026-03-01 10:00:00Z"), Just("2026-02-30T10:00:00Z"),
            ], 23),
            valid in any::<bool>(),
        ) {
            let mut fields = fields;
            if valid {
                for (at, text) in [(0, "r1"), (1, "voice"), (2, "77272500001"), (4, "2026-03-01T04:00:00Z"), (8, ""), (13, ""), (18, ""), (19, "")] {
                    fields[at] = text;
                }
            }
            let line = fields.join(",");
            let native = Native::new(HEADER.as_bytes(), Limits { max_duration_ms: Some(3_600_000) }).unwrap();
            let arena = Bump::new();
            let with_end = format!("{line}\n");
            let mut separators = Separators::default();
            separators.scan(with_end.as_bytes());
            let first = separators.lines(with_end.as_bytes()).next().unwrap();
            let slow = native.any_record(0, line.as_bytes(), &arena).record;
            if let Some(fast) = native.plain_record(with_end.as_bytes(), &first, &mut DateCache::new()) {
                prop_assert_eq!(Ok(fast), slow);
            } else if valid && fields[9..12].iter().all(|f| f.is_empty()) && fields[17].is_empty() {
                prop_assert!(slow.is_err(), "the plain path refuses {}", line);
            }
        }
    }
}
