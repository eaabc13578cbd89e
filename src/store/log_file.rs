//! Where SQLite's log stops being what was written: SQLite itself ends the log there and says nothing.
//!
//! Source: sqlite.org/fileformat2.html, "The Write-Ahead Log".

use super::error::of_io;
use super::medium::{Access, MediumFile};
use super::place::{Place, beside};
use super::{StoreError, connection};
use std::path::Path;

const HEADER_BYTES: u64 = 32;
const FRAME_HEADER_BYTES: usize = 24;

/// The running sums of the log.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Sums(u32, u32);

impl Sums {
    fn over(self, bytes: &[u8], number: fn([u8; 4]) -> u32) -> Self {
        let (pairs, _) = bytes.as_chunks::<8>();
        pairs.iter().fold(self, |Self(one, two), [a, b, c, d, e, f, g, h]| {
            let one = one.wrapping_add(number([*a, *b, *c, *d])).wrapping_add(two);
            Self(one, two.wrapping_add(number([*e, *f, *g, *h])).wrapping_add(one))
        })
    }
}

fn big(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |four| u32::from_be_bytes(*four))
}

/// Says where the log beside a file ends before its own end, for a person; none where it does not.
pub(super) fn break_of(place: &Place, path: &Path) -> Result<Option<String>, StoreError> {
    let path = beside(path, "-wal");
    let Some(size) = place.size(&path)?.filter(|size| *size > HEADER_BYTES) else { return Ok(None) };
    let file = place.io(&path, |disk| disk.open(&path, Access::Read))?;
    break_in(&*file, size).map_err(|error| of_io(&path, &error)).map(|place| {
        place.map(|(byte, frame)| {
            format!("{}: byte {byte}, frame {frame}: differs from what was written", path.display())
        })
    })
}

/// The offset and number of the first frame whose sums are not those of its bytes.
fn break_in(file: &dyn MediumFile, size: u64) -> std::io::Result<Option<(u64, u64)>> {
    let mut header = [0; 32];
    file.read_at(0, &mut header)?;
    let number = if big(&header, 0) & 1 == 1 { u32::from_be_bytes } else { u32::from_le_bytes };
    let mut sums = Sums(0, 0).over(header.get(..24).unwrap_or_default(), number);
    if sums != Sums(big(&header, 24), big(&header, 28)) || big(&header, 8) != connection::PAGE_BYTES {
        return Ok(Some((0, 0)));
    }
    let page_bytes = usize::try_from(connection::PAGE_BYTES).unwrap_or(0);
    let mut frame = vec![0; FRAME_HEADER_BYTES.saturating_add(page_bytes)];
    let step = u64::try_from(frame.len()).unwrap_or(u64::MAX);
    let mut at = HEADER_BYTES;
    for number_of_frame in 1_u64.. {
        if at.saturating_add(step) > size || file.read_at(at, &mut frame)? < frame.len() {
            return Ok(None);
        }
        // Frames of an earlier round of the log, with other salts, follow its end.
        let salts = |bytes: &[u8], from: usize| (big(bytes, from), big(bytes, from.saturating_add(4)));
        sums = sums.over(frame.get(..8).unwrap_or_default(), number);
        sums = sums.over(frame.get(FRAME_HEADER_BYTES..).unwrap_or_default(), number);
        if salts(&frame, 8) != salts(&header, 16) || sums != Sums(big(&frame, 16), big(&frame, 20)) {
            return Ok(Some((at, number_of_frame)));
        }
        at = at.saturating_add(step);
    }
    Ok(None)
}
