//! Lines of a feed as the journal keeps them, in the detail of their entry.
//!
//! They stand as they were read, behind their length, whose highest bit is set. Those of schema 1 are LZ4 behind their
//! length: packing took a seventh of the work of a run (decision 0064).

use std::fmt;

/// A piece has at most so many bytes of lines: what is packed cannot make a reader take more memory.
const PIECE_BYTES_MAX: usize = 64 << 20;
/// In the length: not packed.
const AS_READ: u32 = 1 << 31;

/// Lines that cannot be those that were written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BadLines;

impl fmt::Display for BadLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its lines cannot be unpacked")
    }
}

/// The detail of an entry for the lines of its piece.
pub(super) fn kept(lines: &[u8]) -> Vec<u8> {
    match u32::try_from(lines.len()) {
        Ok(length) if length < AS_READ => {
            let mut detail = Vec::with_capacity(lines.len().saturating_add(4));
            detail.extend_from_slice(&(length | AS_READ).to_le_bytes());
            detail.extend_from_slice(lines);
            detail
        }
        _ => lz4_flex::compress_prepend_size(lines),
    }
}

/// The lines of a piece from the detail of its entry.
pub(super) fn of(detail: &[u8]) -> Result<Vec<u8>, BadLines> {
    let (length, rest) = detail.split_first_chunk::<4>().ok_or(BadLines)?;
    let length = u32::from_le_bytes(*length);
    let bytes = (length & !AS_READ) as usize;
    match length & AS_READ {
        _ if bytes > PIECE_BYTES_MAX => Err(BadLines),
        0 => lz4_flex::decompress_size_prepended(detail).map_err(|_| BadLines),
        _ if rest.len() == bytes => Ok(rest.to_vec()),
        _ => Err(BadLines),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_were_kept_whatever_the_schema() {
        for lines in [&b""[..], b"a,1\r\nb,2\n\nc,3", b"\xFF\x00\n"] {
            for detail in [kept(lines), lz4_flex::compress_prepend_size(lines)] {
                assert_eq!(of(&detail).unwrap(), lines);
                for cut in 0..detail.len() {
                    assert_eq!(of(&detail[..cut]), Err(BadLines), "{cut}");
                }
            }
            assert_eq!(of(&[&kept(lines)[..], b"\0"].concat()), Err(BadLines));
        }
        // More than a piece can have, in either form.
        assert_eq!(of(&[255, 255, 255, 127, 0]), Err(BadLines));
        assert_eq!(of(&[255, 255, 255, 255, 0]), Err(BadLines));
    }
}
