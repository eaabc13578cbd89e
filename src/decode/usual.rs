//! Instants written as the one before them, but for the clock: most of a feed. Date, offset and punctuation are compared
//! in one step, the digits of the clock added up in another.

use crate::units::InstantMs;
use wide::{i16x16, i32x8, u8x16, u8x32};

/// A text is looked at with the comma behind it; the usual ones have 20 to 29 bytes.
pub(super) const WINDOW: usize = 32;

const DAY_MS: u32 = 86_400_000;

/// How the last instant was written: `2026-03-01T00:11:01.972+05:00`, three digits of a fraction or none.
#[derive(Clone, Debug)]
pub(super) struct Usual {
    /// The text, with `0` for each digit of its clock.
    shape: u8x32,
    /// How far each byte may be from the shape: digits of the clock as far as they go, all others not at all, what
    /// follows the comma behind the text any.
    limit: u8x32,
    /// What each byte from the eighth on counts: in minutes before the seconds, then in milliseconds.
    weights: i16x16,
    /// The clock sum of a text that shows midnight, which is not 0, as `0` is not.
    midnight_sum: u32,
    /// The instant of that midnight.
    midnight_ms: i64,
    length: usize,
}

/// The clock sum is taken of the bytes from here.
const CLOCK: usize = 8;
/// Minutes of the first four pairs of bytes, milliseconds of the others, both in milliseconds.
const SCALE: i32x8 = i32x8::new([60_000, 60_000, 60_000, 60_000, 1, 1, 1, 1]);
/// Digits of the clock: where they stand, the greatest one, and what they count.
const DIGITS: [(usize, u8, i16); 6] =
    [(11, 2, 600), (12, 9, 60), (14, 5, 10), (15, 9, 1), (17, 5, 10_000), (18, 9, 1_000)];
const FRACTION: [(usize, u8, i16); 3] = [(20, 9, 100), (21, 9, 10), (22, 9, 1)];

impl Usual {
    /// Before anything was seen; no text is like it.
    pub(super) const NONE: Self = Self {
        shape: u8x32::new([u8::MAX; WINDOW]),
        limit: u8x32::new([0; WINDOW]),
        weights: i16x16::new([0; 16]),
        midnight_sum: 0,
        midnight_ms: 0,
        length: 0,
    };

    /// The form of an instant that has been read; none where its fraction has neither no digits nor three.
    pub(super) fn of(text: &[u8], at: InstantMs) -> Option<Self> {
        let mut shape = [0; WINDOW];
        shape.get_mut(..text.len())?.copy_from_slice(text);
        let mut limit = [0; WINDOW];
        *shape.get_mut(text.len())? = b',';
        limit.get_mut(text.len()..)?.split_first_mut()?.1.fill(u8::MAX);
        let mut weights = [0; 16];
        let fraction = match text.get(19..)? {
            [b'.', a, b, c, sign, ..] if [a, b, c].iter().all(|byte| byte.is_ascii_digit()) => {
                if sign.is_ascii_digit() {
                    return None;
                }
                &FRACTION[..]
            }
            [b'.', ..] => return None,
            _ => &[],
        };
        let shown = shape;
        for (place, greatest, weight) in DIGITS.iter().chain(fraction) {
            *shape.get_mut(*place)? = b'0';
            *limit.get_mut(*place)? = *greatest;
            *weights.get_mut(place.wrapping_sub(CLOCK))? = *weight;
        }
        let weights = i16x16::new(weights);
        let midnight_sum = clock_sum(&shape, weights);
        let clock = clock_sum(&shown, weights).wrapping_sub(midnight_sum);
        Some(Self {
            shape: u8x32::new(shape),
            limit: u8x32::new(limit),
            weights,
            midnight_sum,
            midnight_ms: at.0.wrapping_sub(i64::from(clock)),
            length: text.len(),
        })
    }

    /// How long the text is.
    #[inline(always)]
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// The instant of the text that ends before a comma, where all but its clock is as it was before.
    #[inline(always)]
    pub(super) fn instant(&self, text: &[u8; WINDOW]) -> Option<InstantMs> {
        let beyond = (u8x32::new(*text) ^ self.shape).saturating_sub(self.limit);
        let same = beyond.simd_eq(u8x32::splat(0)).to_bitmask() == u32::MAX;
        let clock = clock_sum(text, self.weights).wrapping_sub(self.midnight_sum);
        // Minutes and seconds are within their limits by their first digits; an hour from 24 on makes a day.
        let at = InstantMs(self.midnight_ms.wrapping_add(i64::from(clock)));
        (same & (clock < DAY_MS)).then_some(at)
    }
}

/// What the digits of a clock add up to, each as its byte.
#[inline(always)]
fn clock_sum(text: &[u8; WINDOW], weights: i16x16) -> u32 {
    let Some(clock) = text.get(CLOCK..).and_then(|rest| rest.first_chunk::<16>()) else { return 0 };
    let sums = i16x16::from(u8x16::new(*clock)).dot(weights);
    #[allow(clippy::arithmetic_side_effects, reason = "lanes wrap, they do not overflow")]
    let ms = sums * SCALE;
    ms.reduce_add().cast_unsigned()
}
