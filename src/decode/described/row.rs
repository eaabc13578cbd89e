use super::super::checked_text;
use super::description::Encoding;
use crate::record::{RejectReason, Rejection};
use bumpalo::Bump;
use std::borrow::Cow;

/// A line as UTF-8.
pub(super) fn text<'b>(raw: &'b [u8], encoding: Encoding, arena: &'b Bump) -> Result<&'b str, Rejection> {
    match encoding {
        Encoding::Utf8 => checked_text(raw),
        Encoding::Windows1251 if raw.is_ascii() => checked_text(raw),
        Encoding::Windows1251 => {
            let (text, _) = encoding_rs::WINDOWS_1251.decode_without_bom_handling(raw);
            // The one byte without a character; the WHATWG table makes a control of it.
            if raw.contains(&0x98) {
                return Err(Rejection::new(RejectReason::BadText, "a byte that windows-1251 does not have"));
            }
            let text = match text {
                Cow::Borrowed(text) => text,
                Cow::Owned(text) => arena.alloc_str(&text),
            };
            checked_text(text.as_bytes())
        }
    }
}

/// Cuts a line into its values. A quote counts only where it opens a value; inside, two of them are one.
pub(super) fn split<'b>(
    line: &'b str,
    delimiter: u8,
    quote: Option<u8>,
    arena: &'b Bump,
    values: &mut Vec<&'b str>,
) -> Result<(), Rejection> {
    values.clear();
    let mut rest = line;
    loop {
        let (value, after) = match quote.filter(|quote| rest.as_bytes().first() == Some(quote)) {
            Some(quote) => quoted(rest.get(1..).unwrap_or_default(), quote, arena)
                .ok_or_else(|| bad_quotes(values.len(), "is not closed"))?,
            None => rest.split_at(memchr::memchr(delimiter, rest.as_bytes()).unwrap_or(rest.len())),
        };
        let at = values.len();
        values.push(value);
        match after.as_bytes().first() {
            None => return Ok(()),
            Some(byte) if *byte == delimiter => rest = after.get(1..).unwrap_or_default(),
            Some(_) => return Err(bad_quotes(at, "closes before its column ends")),
        }
    }
}

fn bad_quotes(column: usize, what: &str) -> Rejection {
    Rejection::new(RejectReason::BadQuotes, format!("the quote of column {} {what}", column.saturating_add(1)))
}

/// The value up to its closing quote and what follows that; none where it does not close.
fn quoted<'b>(text: &'b str, quote: u8, arena: &'b Bump) -> Option<(&'b str, &'b str)> {
    let mut unescaped: Option<bumpalo::collections::String<'b>> = None;
    let mut rest = text;
    loop {
        let (value, after) = rest.split_at_checked(memchr::memchr(quote, rest.as_bytes())?)?;
        let after = after.get(1..)?;
        if after.as_bytes().first() == Some(&quote) {
            let whole = unescaped.get_or_insert_with(|| bumpalo::collections::String::new_in(arena));
            whole.push_str(value);
            whole.push(char::from(quote));
            rest = after.get(1..)?;
            continue;
        }
        return Some(match unescaped {
            None => (value, after),
            Some(mut whole) => {
                whole.push_str(value);
                (whole.into_bump_str(), after)
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(line: &str) -> Result<Vec<String>, RejectReason> {
        let arena = Bump::new();
        let mut values = Vec::new();
        split(line, b',', Some(b'"'), &arena, &mut values).map_err(|rejection| rejection.reason)?;
        Ok(values.into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn lines_are_cut_at_delimiters_outside_quotes() {
        for (line, expected) in [
            ("a,b", &["a", "b"][..]),
            ("", &[""]),
            (",", &["", ""]),
            (r#""a,b",c"#, &["a,b", "c"]),
            (r#""""Ada"" <1>","""""#, &["\"Ada\" <1>", "\""]),
            (r#""","#, &["", ""]),
            ("\"", &[]),
            (r#"a"b,"c""#, &["a\"b", "c"]),
            (r#""a"b"#, &[]),
            (r#""a"#, &[]),
            (r#""a"""#, &[]),
        ] {
            match values(line) {
                Ok(values) => assert_eq!(values, expected, "{line}"),
                Err(reason) => assert_eq!((reason, expected.len()), (RejectReason::BadQuotes, 0), "{line}"),
            }
        }
    }

    #[test]
    fn windows_1251_becomes_utf_8() {
        let arena = Bump::new();
        assert_eq!(text(b"\xc0\xeb\xec\xe0\xf2\xfb,1", Encoding::Windows1251, &arena).unwrap(), "Алматы,1");
        assert_eq!(text(b"plain", Encoding::Windows1251, &arena).unwrap(), "plain");
        for (raw, encoding) in [
            (&b"\x98"[..], Encoding::Windows1251),
            (b"\xc0\0", Encoding::Windows1251),
            (b"\0", Encoding::Windows1251),
            (b"\xc0", Encoding::Utf8),
            (b"a\0", Encoding::Utf8),
        ] {
            assert_eq!(text(raw, encoding, &arena).unwrap_err().reason, RejectReason::BadText);
        }
    }
}
