use crate::units::LocalDay;

const DAY_MS: i64 = 86_400_000;

/// A number with zeros in front, `width` digits in all (at most 20); what does not fit is cut off in front.
pub(super) fn push_padded(out: &mut Vec<u8>, value: u64, width: usize) {
    let mut digits = [b'0'; 20];
    write_digits(&mut digits, value);
    out.extend_from_slice(digits.get(digits.len().saturating_sub(width)..).unwrap_or_default());
}

/// A number.
pub(super) fn push_number(out: &mut Vec<u8>, value: u64) {
    push_padded(out, value, value.checked_ilog10().map_or(0, |log| log as usize).saturating_add(1));
}

fn write_digits(digits: &mut [u8], mut value: u64) {
    for slot in digits.iter_mut().rev() {
        if value == 0 {
            return;
        }
        *slot = digit(value % 10);
        value /= 10;
    }
}

const fn digit(value: u64) -> u8 {
    b'0'.wrapping_add(value as u8)
}

/// Writes local times as RFC 3339 with milliseconds: `2026-03-01T10:02:09.123+05:00`. Keeps the text of the last day.
#[derive(Debug)]
pub(super) struct Clock {
    day: i64,
    /// `2026-03-01T`.
    date: Vec<u8>,
    /// `+05:00`.
    offset: Vec<u8>,
}

impl Clock {
    /// A clock that is so many milliseconds east of UTC.
    pub(super) fn east(offset_ms: i64) -> Self {
        let minutes = offset_ms.unsigned_abs() / 60_000;
        let sign = if offset_ms < 0 { '-' } else { '+' };
        let offset = format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60).into_bytes();
        Self { day: i64::MIN, date: Vec::new(), offset }
    }

    /// Writes a local time, given in milliseconds since 1970-01-01T00:00:00 on this clock.
    pub(super) fn push(&mut self, out: &mut Vec<u8>, local_ms: i64) {
        let day = local_ms.div_euclid(DAY_MS);
        if day != self.day {
            self.day = day;
            self.date = format!("{}T", LocalDay(i32::try_from(day).unwrap_or(i32::MAX))).into_bytes();
        }
        let ms = local_ms.rem_euclid(DAY_MS).unsigned_abs();
        let (seconds, thousandths) = (ms / 1000, ms % 1000);
        let (minutes, second) = (seconds / 60, seconds % 60);
        let (hour, minute) = (minutes / 60, minutes % 60);
        let time = [
            digit(hour / 10),
            digit(hour % 10),
            b':',
            digit(minute / 10),
            digit(minute % 10),
            b':',
            digit(second / 10),
            digit(second % 10),
            b'.',
            digit(thousandths / 100),
            digit(thousandths / 10 % 10),
            digit(thousandths % 10),
        ];
        out.extend_from_slice(&self.date);
        out.extend_from_slice(&time);
        out.extend_from_slice(&self.offset);
    }
}

/// An amount in tiyn as tenge: `-36.95`.
pub(super) fn tenge(tiyn: i64) -> String {
    crate::units::Tiyn::new(tiyn).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_written_by_hand_as_format_would() {
        let mut clock = Clock::east(5 * 3_600_000);
        let mut out = Vec::new();
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000+05:00"),
            (1_772_359_329_007, "2026-03-01T10:02:09.007+05:00"),
            (1_772_409_599_999, "2026-03-01T23:59:59.999+05:00"),
        ] {
            out.clear();
            clock.push(&mut out, ms);
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
        for value in [0, 7, 10, 99, 100, u64::MAX] {
            out.clear();
            push_number(&mut out, value);
            assert_eq!(String::from_utf8_lossy(&out), value.to_string());
        }
        out.clear();
        push_padded(&mut out, 42, 7);
        assert_eq!(out, b"0000042");
    }
}
