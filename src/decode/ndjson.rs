use super::{Column, Decoded, Fields, Limits, fields, numbered_lines};
use crate::record::{RejectReason, Rejection, UsageRecord};
use bumpalo::Bump;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// NDJSON: one JSON object a line, with the names of the native columns.
///
/// Values are strings, whole numbers, `true` and `false` for `last` and `realtime`, or `null`, which is empty. Unknown
/// names are ignored with whatever stands there; a native name twice, or with a list or an object, is `bad_json`.
///
/// Source: interface 7.1.
#[derive(Clone, Debug, Default)]
pub struct Ndjson {
    limits: Limits,
}

impl Ndjson {
    /// A decoder; the format has no header.
    pub const fn new(limits: Limits) -> Self {
        Self { limits }
    }

    /// Decodes whole lines in their order. Blank lines are counted but are not records.
    pub fn decode<'b>(&self, lines: &'b [u8], arena: &'b Bump, sink: &mut dyn FnMut(Decoded<'b>)) {
        for (line, raw) in numbered_lines(lines) {
            let mut object = Object { arena, fields: Fields::default(), seen: 0, problem: None };
            let record = self.record(raw, &mut object);
            sink(Decoded { line, raw, record, record_id: object.fields.record_id });
        }
    }

    fn record<'b>(&self, raw: &'b [u8], object: &mut Object<'b>) -> Result<UsageRecord<'b>, Rejection> {
        let text = super::checked_text(raw)?;
        let mut json = serde_json::Deserializer::from_str(text);
        // serde_json's own words may quote the value, which may be personal.
        let bad_json = |error: serde_json::Error| {
            Rejection::new(
                RejectReason::BadJson,
                format!("not a JSON object of strings, whole numbers and null: see column {}", error.column()),
            )
        };
        (&mut *object).deserialize(&mut json).map_err(bad_json)?;
        json.end().map_err(bad_json)?;
        match object.problem.take() {
            Some(problem) => Err(problem),
            None => fields::build(&object.fields, &self.limits),
        }
    }
}

/// One line's object while it is read.
struct Object<'b> {
    arena: &'b Bump,
    fields: Fields<'b>,
    /// A bit for each column that has been read.
    seen: u32,
    /// The first thing wrong with a line that is JSON.
    problem: Option<Rejection>,
}

impl Object<'_> {
    fn problem(&mut self, reason: RejectReason, detail: String) {
        self.problem.get_or_insert_with(|| Rejection::new(reason, detail));
    }
}

impl<'b> DeserializeSeed<'b> for &mut Object<'b> {
    type Value = ();

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'b> Visitor<'b> for &mut Object<'b> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Name)? {
            let Some(column) = name else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let bit = 1u32 << column as u32;
            if self.seen & bit != 0 {
                self.problem(RejectReason::BadJson, format!("{column} stands twice"));
            }
            self.seen |= bit;
            map.next_value_seed(Value { object: self, column })?;
        }
        Ok(())
    }
}

/// A name of the object: a column, or none that we know.
struct Name;

impl<'b> DeserializeSeed<'b> for Name {
    type Value = Option<Column>;

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<Column>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Column::parse(name.as_bytes()))
    }
}

/// The value of a column.
struct Value<'o, 'b> {
    object: &'o mut Object<'b>,
    column: Column,
}

impl<'b> Value<'_, 'b> {
    fn set(self, text: &'b str) {
        if text.as_bytes().contains(&0) {
            self.object.problem(RejectReason::BadText, format!("{} has a NUL character", self.column));
        } else {
            self.object.fields.set(self.column, text.as_bytes());
        }
    }

    fn not_whole(self) {
        self.object.problem(RejectReason::BadNumber, format!("{} is not a whole number", self.column));
    }
}

impl<'b> DeserializeSeed<'b> for Value<'_, 'b> {
    type Value = ();

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'b> Visitor<'b> for Value<'_, 'b> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a whole number, true, false or null")
    }

    fn visit_borrowed_str<E>(self, text: &'b str) -> Result<(), E> {
        self.set(text);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        let text = self.object.arena.alloc_str(text);
        self.set(text);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        if matches!(self.column, Column::Last | Column::Realtime) {
            self.set(if value { "true" } else { "false" });
        } else {
            self.object.problem(RejectReason::BadJson, format!("{} is neither text nor a number", self.column));
        }
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        let text = bumpalo::format!(in self.object.arena, "{}", value).into_bump_str();
        self.set(text);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        let text = bumpalo::format!(in self.object.arena, "{}", value).into_bump_str();
        self.set(text);
        Ok(())
    }

    /// A fraction, an exponent, or beyond 64 bits.
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.not_whole();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Direction, Service};
    use crate::units::InstantMs;

    const GOOD: &str = r#""service":"voice","a_number":"77012345678","b_number":"87172000000","setup_at":"2026-03-01T10:00:00+05:00","answer_at":"2026-03-01T10:00:05+05:00","release_at":"2026-03-01T10:01:05+05:00""#;

    fn decode<R>(text: &str, check: impl FnOnce(&[Decoded<'_>]) -> R) -> R {
        let arena = Bump::new();
        let mut all = Vec::new();
        Ndjson::default().decode(text.as_bytes(), &arena, &mut |decoded| all.push(decoded));
        check(&all)
    }

    fn reason(line: &str) -> Option<RejectReason> {
        decode(line, |all| {
            assert_eq!(all.len(), 1, "{line}");
            all[0].record.as_ref().err().map(|rejection| rejection.reason)
        })
    }

    #[test]
    fn interface_7_1_native_names_as_json() {
        let line = format!(
            r#"{{"record_id":"a\u002F1","part":2,"last":true,"quantity":3,"bytes_up":"7","realtime":false,"cause":16,
            "visited_network":null,"direction":"forward","call_ref":"\u041a-1",{GOOD},"extra":{{"deep":[1.5]}}}}"#
        )
        .replace('\n', "");
        decode(&line, |all| {
            let record = all[0].record.as_ref().unwrap();
            assert_eq!((record.record_id, record.call_ref), (&b"a/1"[..], "К-1".as_bytes()));
            assert_eq!((record.part, record.last, record.quantity, record.bytes_up), (2, true, 3, 7));
            assert_eq!(
                (record.service, record.direction, record.realtime),
                (Service::Voice, Direction::Forward, false)
            );
            assert_eq!((record.cause, record.visited_network), (crate::record::Cause::Q850(16), &b""[..]));
            assert_eq!(record.answer_at, Some(InstantMs(1_772_341_205_000)));
            assert_eq!(all[0].record_id, b"a/1");
        });
    }

    #[test]
    fn interface_7_1_numbers_may_stand_bare() {
        let line = format!(r#"{{"record_id":17,{GOOD}}}"#).replace(r#""77012345678""#, "77012345678");
        decode(&line, |all| {
            let record = all[0].record.as_ref().unwrap();
            assert_eq!((record.record_id, record.a_number), (&b"17"[..], &b"77012345678"[..]));
        });
    }

    #[test]
    fn rating_1_2_what_is_not_a_json_record() {
        use RejectReason as R;
        let deep = format!(r#"{{"record_id":"1","x":{}}}"#, "[".repeat(100_000));
        let nested_id = format!(r#"{{"record_id":{}}}"#, "[".repeat(100_000));
        for (line, expected) in [
            ("{", R::BadJson),
            ("[]", R::BadJson),
            ("null", R::BadJson),
            ("\"77012345678\"", R::BadJson),
            ("17", R::BadJson),
            (" ", R::BadJson),
            ("{} {}", R::BadJson),
            (r#"{"record_id":"1",}"#, R::BadJson),
            (r#"{"record_id":"1","record_id":"2"}"#, R::BadJson),
            (r#"{"record_id":"1","record_\u0069d":"2"}"#, R::BadJson),
            (r#"{"record_id":["1"]}"#, R::BadJson),
            (r#"{"record_id":{"x":1}}"#, R::BadJson),
            (r#"{"record_id":true}"#, R::BadJson),
            (r#"{"record_id":"\ud800"}"#, R::BadJson),
            (&deep, R::BadJson),
            (&nested_id, R::BadJson),
            (r#"{"quantity":1.0}"#, R::BadNumber),
            (r#"{"quantity":1e3}"#, R::BadNumber),
            (r#"{"quantity":99999999999999999999}"#, R::BadNumber),
            (r#"{"record_id":"a\u0000b"}"#, R::BadText),
            ("{\"record_id\":\"a\0b\"}", R::BadText),
            ("{}", R::MissingField),
            (r#"{"record_id":null}"#, R::MissingField),
        ] {
            assert_eq!(reason(line), Some(expected), "{}", &line[..line.len().min(60)]);
        }
        let negative = format!(r#"{{"record_id":"1","bytes_up":-1,{GOOD}}}"#);
        assert_eq!(reason(&negative), Some(R::NegativeVolume));
    }

    #[test]
    fn text_that_is_not_utf_8_is_rejected() {
        let arena = Bump::new();
        let mut reasons = Vec::new();
        Ndjson::default().decode(b"{\"record_id\":\"\xff\"}\n", &arena, &mut |decoded| {
            reasons.push(decoded.record.unwrap_err().reason);
        });
        assert_eq!(reasons, [RejectReason::BadText]);
    }

    #[test]
    fn a_rejected_record_keeps_its_id_and_line() {
        let text = format!("\n{{\"record_id\":\"a\",{GOOD}}}\r\n\r\n{{\"record_id\":\"b\",\"service\":\"fax\"}}");
        decode(&text, |all| {
            let seen: Vec<_> = all.iter().map(|one| (one.line, one.record_id, one.record.is_ok())).collect();
            assert_eq!(seen, [(1, &b"a"[..], true), (3, b"b", false)]);
        });
    }

    #[test]
    fn details_never_quote_the_line() {
        for line in ["\"77012345678\"", "77012345678", r#"{"a_number":"7701","a_number":"7702"}"#, r#"{"x": 7701x}"#] {
            let told = decode(line, |all| all[0].record.as_ref().unwrap_err().to_string());
            assert!(!told.contains("770"), "{told}");
        }
    }
}
