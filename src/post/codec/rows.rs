//! The rows of a piece, each as it differs from the one before.

use super::BadEntry;
use super::bytes::{Out, Rest};
use super::charge::{self, NOTHING};
use crate::post::entry::{Outcome, Row};

/// What became of a row, in the three low bits of its first byte.
const RATED: u64 = 0;
const FILTERED: u64 = 1;
const DUPLICATE: u64 = 2;
const DIFFERING: u64 = 3;
/// Anything else, as schema 1 writes it.
const OTHER: u64 = 4;
const KIND: u64 = 7;
/// Its line does not follow that of the row before.
const LINE: u64 = 1 << 3;
/// Its id is not as long as that of the row before.
const ID_LENGTH: u64 = 1 << 4;
/// It takes a charge back.
const REVERSES: u64 = 1 << 5;
/// Its content has no hash.
const NO_CONTENT: u64 = 1 << 6;

/// The most bytes that a row usually takes.
const ROW_BYTES: usize = 64;

/// Writes rows with their ids; false where the ids are not those of the rows.
pub(super) fn put(out: &mut Out, rows: &[Row], ids: &[u8]) -> Result<bool, BadEntry> {
    let (mut line, mut length) = (0u32, 0u32);
    let mut rest = ids;
    let mut like = &NOTHING;
    for row in rows {
        let Some((id, behind)) = rest.split_at_checked(row.id_length as usize) else { return Ok(false) };
        rest = behind;
        let kind = match &row.outcome {
            Outcome::Rated(_) => RATED,
            Outcome::Filtered(_) => FILTERED,
            Outcome::Duplicate(false) => DUPLICATE,
            Outcome::Duplicate(true) => DIFFERING,
            Outcome::Suspended(_)
            | Outcome::Waiting(_)
            | Outcome::Rejected(_)
            | Outcome::WithItsCall
            | Outcome::WrittenOff(_) => OTHER,
        };
        let bit = |is: bool, bit: u64| if is { bit } else { 0 };
        let jumps = row.line != line;
        let resized = row.id_length != length;
        out.number(
            kind | bit(jumps, LINE)
                | bit(resized, ID_LENGTH)
                | bit(row.reversed.is_some(), REVERSES)
                | bit(row.content == 0, NO_CONTENT),
            1,
        );
        out.number(u64::from(row.line), if jumps { 4 } else { 0 });
        out.number(u64::from(row.id_length), if resized { 4 } else { 0 });
        // Whole, so that an entry is known by the bytes of an id to have its record.
        out.bytes(id);
        out.number(row.content, if row.content == 0 { 0 } else { 8 });
        match &row.outcome {
            Outcome::Rated(posted) => {
                charge::put(out, like, posted)?;
                like = posted;
            }
            Outcome::Filtered(reason) => out.number(u64::from(*reason), 1),
            Outcome::Duplicate(_) => {}
            Outcome::Suspended(_)
            | Outcome::Waiting(_)
            | Outcome::Rejected(_)
            | Outcome::WithItsCall
            | Outcome::WrittenOff(_) => out.any(&row.outcome)?,
        }
        if let Some(reversal) = &row.reversed {
            out.any(reversal)?;
        }
        (line, length) = (row.line.wrapping_add(1), row.id_length);
    }
    Ok(rest.is_empty())
}

/// Reads so many rows, and their ids.
pub(super) fn take(rest: &mut Rest<'_>, count: usize) -> Result<(Vec<Row>, Vec<u8>), BadEntry> {
    // A row has some bytes: what is told cannot make a reader take more memory than what is there.
    let most = (rest.0.len() / 16).min(count);
    let mut rows: Vec<Row> = Vec::with_capacity(most);
    let mut ids = Vec::with_capacity(most.saturating_mul(12));
    let (mut line, mut id_length) = (0u32, 0u32);
    let mut like: Option<usize> = None;
    for at in 0..count {
        let head = rest.number(1)?;
        if head > (KIND | LINE | ID_LENGTH | REVERSES | NO_CONTENT) {
            return Err(BadEntry("a row of another form".into()));
        }
        if head & LINE != 0 {
            line = rest.number(4)? as u32;
        }
        if head & ID_LENGTH != 0 {
            id_length = rest.number(4)? as u32;
        }
        ids.extend_from_slice(rest.take(id_length as usize)?);
        let content = if head & NO_CONTENT != 0 { 0 } else { rest.number(8)? };
        let outcome = match head & KIND {
            RATED => {
                let before = match like.and_then(|at| rows.get(at)) {
                    Some(Row { outcome: Outcome::Rated(posted), .. }) => posted,
                    _ => &NOTHING,
                };
                like = Some(at);
                Outcome::Rated(charge::take(rest, before)?)
            }
            FILTERED => Outcome::Filtered(rest.number(1)? as u8),
            DUPLICATE => Outcome::Duplicate(false),
            DIFFERING => Outcome::Duplicate(true),
            OTHER => rest.any()?,
            _ => return Err(BadEntry("an outcome that is not known".into())),
        };
        let reversed = if head & REVERSES != 0 { Some(rest.any()?) } else { None };
        rows.push(Row { line, id_length, content, outcome, reversed });
        line = line.wrapping_add(1);
    }
    Ok((rows, ids))
}

/// Room for so many rows.
pub(super) fn room(rows: usize) -> usize {
    rows.saturating_mul(ROW_BYTES).saturating_add(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_like_nothing_is_nothing() {
        let of = &NOTHING;
        let mut out = Out::default();
        charge::put(&mut out, of, of).unwrap();
        assert_eq!(charge::take(&mut Rest(out.written()), of).unwrap(), NOTHING);
    }
}
