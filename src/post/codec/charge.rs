//! A charge as it differs from another one.

use super::BadEntry;
use super::bytes::{Out, Rest, of_signed, signed};
use crate::book::Posted;
use crate::post::derived::ChargeLine;
use crate::screen::SourceKey;

/// Nothing, charged to nobody: what the first charge of a piece differs from.
pub(super) const NOTHING: Posted = Posted {
    account: 0,
    service: 0,
    category: 0,
    flags: 0,
    paying: 0,
    at_ms: 0,
    month: 0,
    duration_ms: 0,
    units: 0,
    gross: 0,
    net: 0,
    vat_hundredths: 0,
    not_owed: 0,
    cut_off_ms: None,
    version: 0,
    plan: 0,
    zone: 0,
    rules: 0,
    taken: None,
};

/// In the byte behind the lengths, from the fifth bit on: behind the words.
const CUT_OFF: u64 = 1 << 4;
const TAKEN: u64 = 1 << 5;

/// What few charges have otherwise than those before them, four bytes each.
#[inline]
fn words(of: &Posted) -> [u32; 4] {
    let pair = |low: u16, high: u16| u32::from(low) | u32::from(high) << 16;
    let month = of.month.cast_unsigned();
    [
        u32::from_le_bytes([of.service, of.category, of.flags, of.paying]),
        pair(month as u16, of.vat_hundredths),
        pair(of.plan, of.rules),
        pair((month >> 16) as u16, of.version),
    ]
}

/// Writes a charge. Eight numbers come first, without their high bytes of zero: their lengths, half a byte each, then
/// which words differ and what else there is, then the numbers, the words, the rest.
pub(super) fn put(out: &mut Out, like: &Posted, of: &Posted) -> Result<(), BadEntry> {
    let numbers = [
        signed(i64::from(of.account.wrapping_sub(like.account).cast_signed())),
        signed(of.at_ms.wrapping_sub(like.at_ms)),
        signed(of.duration_ms),
        of.units,
        signed(of.gross),
        signed(of.gross.wrapping_sub(of.net)),
        signed(of.not_owed),
        u64::from(of.zone.wrapping_add(1)),
    ];
    let lengths = numbers.map(|number| 8u32.wrapping_sub(number.leading_zeros() / 8));
    let (words, before) = (words(of), words(like));
    let mut head = 0u64;
    for (length, shift) in lengths.iter().zip((0u32..).step_by(4)) {
        head |= u64::from(*length) << shift;
    }
    for (at, (word, before)) in words.iter().zip(before).enumerate() {
        head |= u64::from(*word != before) << at.wrapping_add(32);
    }
    head |= (if of.cut_off_ms.is_some() { CUT_OFF } else { 0 } | if of.taken.is_some() { TAKEN } else { 0 }) << 32;
    out.number(head, 5);
    for (number, length) in numbers.iter().zip(lengths) {
        out.number(*number, length as usize);
    }
    for (word, before) in words.iter().zip(before) {
        out.number(u64::from(*word), if *word == before { 0 } else { 4 });
    }
    if let Some(at) = of.cut_off_ms {
        out.number(at.cast_unsigned(), 8);
    }
    of.taken.as_ref().map_or(Ok(()), |taken| out.any(taken))
}

/// Reads a charge.
pub(super) fn take(rest: &mut Rest<'_>, like: &Posted) -> Result<Posted, BadEntry> {
    let head = rest.number(5)?;
    let mut numbers = [0u64; 8];
    for (number, shift) in numbers.iter_mut().zip((0u32..).step_by(4)) {
        let length = (head >> shift & 15) as usize;
        if length > 8 {
            return Err(BadEntry("a number is too long".into()));
        }
        *number = rest.number(length)?;
    }
    let mut words = words(like);
    for (at, word) in words.iter_mut().enumerate() {
        if head >> at.wrapping_add(32) & 1 == 1 {
            *word = rest.number(4)? as u32;
        }
    }
    let rare = head >> 32;
    if rare >= TAKEN << 1 {
        return Err(BadEntry("a charge has more than is known".into()));
    }
    let cut_off_ms = if rare & CUT_OFF != 0 { Some(rest.number(8)?.cast_signed()) } else { None };
    let taken = if rare & TAKEN != 0 { Some(rest.any()?) } else { None };
    let [account, at, duration, units, gross, vat, not_owed, zone] = numbers;
    let [classes, month, plan, version] = words;
    let [service, category, flags, paying] = classes.to_le_bytes();
    let account = i32::try_from(of_signed(account)).map_err(|_| BadEntry("an account is too far".into()))?;
    let zone = u16::try_from(zone).map_err(|_| BadEntry("a zone is too far".into()))?;
    let gross = of_signed(gross);
    Ok(Posted {
        account: like.account.wrapping_add(account.cast_unsigned()),
        service,
        category,
        flags,
        paying,
        at_ms: like.at_ms.wrapping_add(of_signed(at)),
        month: (month & 0xFFFF | version << 16).cast_signed(),
        duration_ms: of_signed(duration),
        units,
        gross,
        net: gross.wrapping_sub(of_signed(vat)),
        vat_hundredths: (month >> 16) as u16,
        not_owed: of_signed(not_owed),
        cut_off_ms,
        version: (version >> 16) as u16,
        plan: plan as u16,
        zone: zone.wrapping_sub(1),
        rules: (plan >> 16) as u16,
        taken,
    })
}

/// In the first byte of a sealed charge.
const REVERSAL: u64 = 1;
/// Its key stands with it: it does not follow from source and id.
const KEY: u64 = 2;

/// A charge as a segment keeps it, which says itself whose and when it was.
pub(in crate::post) struct ToSealLine<'c> {
    pub(in crate::post) key: u128,
    /// The key follows from source and id.
    pub(in crate::post) key_follows: bool,
    pub(in crate::post) source: &'c str,
    pub(in crate::post) record_id: &'c [u8],
    pub(in crate::post) reversal: bool,
    pub(in crate::post) posted: &'c Posted,
}

/// Writes a charge for a segment.
pub(in crate::post) fn put_line(out: &mut Out, line: &ToSealLine<'_>) -> Result<(), BadEntry> {
    let of = if line.reversal { REVERSAL } else { 0 } | if line.key_follows { 0 } else { KEY };
    out.number(of, 1);
    if !line.key_follows {
        out.bytes(&line.key.to_le_bytes());
    }
    out.length(line.source.len());
    out.bytes(line.source.as_bytes());
    out.length(line.record_id.len());
    out.bytes(line.record_id);
    let like = Posted { account: line.posted.account, at_ms: line.posted.at_ms, ..NOTHING };
    put(out, &like, line.posted)
}

/// The charge of a segment; `account` and `at_ms` as the segment says.
pub(in crate::post) fn line_of(bytes: &[u8], account: u32, at_ms: i64) -> Result<ChargeLine, BadEntry> {
    let mut rest = Rest(bytes);
    let of = rest.number(1)?;
    if of > REVERSAL | KEY {
        return Err(BadEntry("a charge of another form".into()));
    }
    let key = if of & KEY != 0 { Some(rest.take(16)?) } else { None };
    let length = rest.length()?;
    let source = rest.take(length)?;
    let length = rest.length()?;
    let record_id = rest.take(length)?.to_vec();
    let source = String::from_utf8(source.to_vec()).map_err(|error| BadEntry(error.to_string()))?;
    let posted = take(&mut rest, &Posted { account, at_ms, ..NOTHING })?;
    if !rest.0.is_empty() {
        return Err(BadEntry("bytes follow it".into()));
    }
    let stored = key.and_then(|key| key.first_chunk::<16>()).map(|key| u128::from_le_bytes(*key));
    let key = stored.unwrap_or_else(|| SourceKey::of(&source).fingerprint(&record_id));
    Ok(ChargeLine { key, source, record_id, reversal: of & REVERSAL != 0, posted })
}
