use super::*;
use proptest::prelude::*;
use std::io::{self, Write};
use xxhash_rust::xxh3::xxh3_128;

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zst(plain: &[u8]) -> Vec<u8> {
    zstd::encode_all(plain, 3).unwrap()
}

fn pieces(mut reader: LineReader) -> Vec<Piece> {
    let mut all = Vec::new();
    while let Some(piece) = reader.next_piece(vec![7; 3]) {
        all.push(piece);
        assert!(all.len() < 10_000, "no end");
    }
    assert_eq!(reader.next_piece(Vec::new()), None);
    all
}

fn read(bytes: &[u8], compression: Compression) -> Vec<Piece> {
    pieces(LineReader::from_read(Box::new(io::Cursor::new(bytes.to_vec())), compression))
}

fn small(max_line: usize, block: usize) -> Bounds {
    Bounds { block, max_line, expanded_bytes_free: 4096, expansion_max: 500 }
}

/// Hands out a few bytes a time, as a socket does, then perhaps fails.
struct Trickle {
    bytes: io::Cursor<Vec<u8>>,
    step: usize,
    fails: bool,
}

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let step = self.step.min(buffer.len());
        match self.bytes.read(&mut buffer[..step])? {
            0 if self.fails => Err(io::Error::other("the disk is gone")),
            count => Ok(count),
        }
    }
}

fn broken(pieces: &[Piece]) -> &Broken {
    match pieces.last() {
        Some(Piece::Broken(broken)) => broken,
        other => panic!("not broken: {other:?}"),
    }
}

#[test]
fn lines_come_as_they_are() {
    for text in ["a\nb\n", "a\nb", "a\r\nb\r\n", "\n\n", "x"] {
        for (packed, compression) in [
            (text.as_bytes().to_vec(), Compression::None),
            (gzip(text.as_bytes()), Compression::Gzip),
            (zst(text.as_bytes()), Compression::Zstd),
        ] {
            assert_eq!(read(&packed, compression), [Piece::Lines(text.as_bytes().to_vec())], "{text:?}");
        }
    }
}

#[test]
fn an_empty_file_has_no_piece() {
    assert_eq!(read(b"", Compression::None), []);
    assert_eq!(read(&gzip(b""), Compression::Gzip), []);
    assert_eq!(read(&zst(b""), Compression::Zstd), []);
    assert_eq!(read(b"\xef\xbb\xbf", Compression::None), []);
}

#[test]
fn members_and_frames_follow_each_other() {
    let expected = [Piece::Lines(b"one\ntwo\n".to_vec())];
    assert_eq!(read(&[gzip(b"one\nt"), gzip(b"wo\n")].concat(), Compression::Gzip), expected);
    assert_eq!(read(&[zst(b"one\nt"), zst(b"wo\n")].concat(), Compression::Zstd), expected);
}

#[test]
fn byte_order_marks() {
    assert_eq!(read(b"\xef\xbb\xbfid\n1\n", Compression::None), [Piece::Lines(b"id\n1\n".to_vec())]);
    for text in [&b"\xff\xfei\0d\0\n\0"[..], b"\xfe\xff\0i\0d\0\n"] {
        let pieces = read(text, Compression::None);
        assert_eq!(pieces.len(), 1);
        assert!(broken(&pieces).message.contains("UTF-16"));
    }
}

#[test]
fn a_cut_off_archive_gives_its_whole_lines_and_is_broken() {
    let text: String = (0..2000u64).map(|n| format!("line {n} {}\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    for (packed, compression) in [(gzip(text.as_bytes()), Compression::Gzip), (zst(text.as_bytes()), Compression::Zstd)]
    {
        let half = packed.len() / 2;
        for cut in [1, 5, half, packed.len() - 9, packed.len() - 1] {
            let pieces = read(&packed[..cut], compression);
            let told = broken(&pieces);
            assert!(told.message.contains("cut off"), "{}", told.message);
            let mut seen = Vec::new();
            for piece in &pieces[..pieces.len() - 1] {
                match piece {
                    Piece::Lines(lines) => seen.extend_from_slice(lines),
                    Piece::LongLine(_) | Piece::Broken(_) => panic!("{piece:?}"),
                }
            }
            assert!(seen.is_empty() || seen.ends_with(b"\n"));
            seen.extend_from_slice(&told.last_line.head);
            assert!(text.as_bytes().starts_with(&seen), "cut at {cut}");
            assert_eq!(told.last_line.bytes, told.last_line.head.len() as u64);
            assert_eq!(told.last_line.hash, xxh3_128(&told.last_line.head));
        }
    }
}

#[test]
fn a_changed_byte_in_a_checked_archive_is_found() {
    let mut packed = gzip("some,line,of,text\n".repeat(50).as_bytes());
    let checksum = packed.len() - 5;
    packed[checksum] ^= 1;
    assert!(broken(&read(&packed, Compression::Gzip)).message.contains("corrupt"));
}

#[test]
fn a_line_is_long_from_64_kib_and_one_byte() {
    for (length, long) in [(MAX_LINE_BYTES, false), (MAX_LINE_BYTES + 1, true), (3 * BLOCK_BYTES, true)] {
        for end in ["", "\n"] {
            let line = vec![b'x'; length];
            let text = [b"a\n", &line[..], end.as_bytes()].concat();
            let pieces = read(&text, Compression::None);
            if long {
                let long = LongLine { head: vec![b'x'; MAX_LINE_BYTES], bytes: length as u64, hash: xxh3_128(&line) };
                assert_eq!(pieces, [Piece::Lines(b"a\n".to_vec()), Piece::LongLine(long)], "{length} {end:?}");
            } else {
                assert_eq!(pieces, [Piece::Lines(text)], "{length} {end:?}");
            }
        }
    }
}

#[test]
fn a_huge_line_in_an_archive_is_never_in_memory() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    let zeros = vec![0u8; 1 << 20];
    for _ in 0..1000 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.write_all(b"\nnext\n").unwrap();
    let packed = encoder.finish().unwrap();
    let mut reader = LineReader::from_read(Box::new(io::Cursor::new(packed)), Compression::Zstd);
    let Some(Piece::LongLine(line)) = reader.next_piece(Vec::new()) else { panic!("no long line") };
    assert_eq!((line.bytes, line.head.len()), (1000 << 20, MAX_LINE_BYTES));
    assert_eq!(reader.next_piece(Vec::new()), Some(Piece::Lines(b"next\n".to_vec())));
    assert_eq!(reader.next_piece(Vec::new()), None);
    assert!(reader.carry.capacity() <= BLOCK_BYTES);
}

#[test]
fn an_archive_that_grows_past_its_bound_is_broken() {
    let line = [vec![b'0'; 99], b"\n".to_vec()].concat();
    let plain = line.repeat(20_000);
    for (packed, compression) in [(gzip(&plain), Compression::Gzip), (zst(&plain), Compression::Zstd)] {
        let bounds = Bounds { expanded_bytes_free: 500_000, expansion_max: 100, ..BOUNDS };
        let input = Box::new(io::Cursor::new(packed.clone()));
        let all = pieces(LineReader::with_bounds(input, compression, bounds));
        assert!(broken(&all).message.contains("100 times"));
        let whole: usize = all.iter().map(|piece| if let Piece::Lines(lines) = piece { lines.len() } else { 0 }).sum();
        assert!((500_000..=1_100_000).contains(&whole), "{whole}");
        // Within either bound it is read to its end.
        for bounds in [Bounds { expanded_bytes_free: 3_000_000, ..bounds }, Bounds { expansion_max: 50_000, ..bounds }]
        {
            let input = Box::new(io::Cursor::new(packed.clone()));
            let all = pieces(LineReader::with_bounds(input, compression, bounds));
            assert!(all.iter().all(|piece| matches!(piece, Piece::Lines(_))));
        }
    }
}

#[test]
fn a_medium_that_fails_gives_its_whole_lines_first() {
    for step in [1, 2, 3, 100] {
        let input = Trickle { bytes: io::Cursor::new(b"one\ntwo\nthr".to_vec()), step, fails: true };
        let all = pieces(LineReader::from_read(Box::new(input), Compression::None));
        assert_eq!(all[0], Piece::Lines(b"one\ntwo\n".to_vec()));
        assert_eq!(broken(&all).last_line.head, b"thr");
        assert!(broken(&all).message.contains("the disk is gone"));
    }
}

#[test]
fn files_are_known_by_their_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [Piece::Lines(b"one\n".to_vec())];
    for (name, bytes, expected) in [
        ("a.csv", b"one\n".to_vec(), Some(&lines[..])),
        ("a.csv.gz", gzip(b"one\n"), Some(&lines)),
        ("a.csv.zst", zst(b"one\n"), Some(&lines)),
        ("packed.csv", gzip(b"one\n"), Some(&lines)),
        ("crossed.gz", zst(b"one\n"), Some(&lines)),
        ("tiny.csv", b"1".to_vec(), Some(&[Piece::Lines(b"1".to_vec())])),
        ("empty.csv", Vec::new(), Some(&[])),
        ("empty.csv.gz", Vec::new(), None),
        ("unpacked.csv.gz", b"one\n".to_vec(), None),
        ("cut.csv.zst", vec![0x28], None),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let all = pieces(LineReader::open(&path).unwrap());
        match expected {
            Some(expected) => assert_eq!(all, expected, "{name}"),
            None => assert_eq!((all.len(), broken(&all).message.is_empty()), (1, false), "{name}"),
        }
    }
    let error = LineReader::open(&folder.path().join("absent.csv")).err().unwrap().to_string();
    assert!(error.contains("absent.csv cannot be read"), "{error}");
    assert!(LineReader::open(folder.path()).is_err());
}

/// What any reader has to give: (line with its end, whether it was long).
fn expected_lines(text: &[u8], max_line: usize) -> Vec<(u64, u128, bool)> {
    text.split_inclusive(|byte| *byte == b'\n')
        .map(|line| {
            let bare = line.strip_suffix(b"\n").unwrap_or(line);
            let long = bare.len() > max_line;
            let kept = if long { bare } else { line };
            (kept.len() as u64, xxh3_128(kept), long)
        })
        .collect()
}

proptest! {
    #[test]
    fn any_piece_size_gives_the_same_lines(
        lines in proptest::collection::vec((0usize..40, proptest::bool::weighted(0.2)), 0..60),
        final_end in any::<bool>(),
        max_line in 5usize..30,
        extra in 2usize..70,
        step in 1usize..50,
    ) {
        let mut text = Vec::new();
        for (at, (length, carriage_return)) in lines.iter().enumerate() {
            text.extend(std::iter::repeat_n(b"abcdefg"[at % 7], *length));
            text.extend_from_slice(if *carriage_return { b"\r\n" } else { b"\n" });
        }
        if !final_end {
            text.pop();
        }
        let input = Trickle { bytes: io::Cursor::new(text.clone()), step, fails: false };
        let block = max_line.saturating_add(extra);
        let reader = LineReader::with_bounds(Box::new(input), Compression::None, small(max_line, block));
        let mut seen = Vec::new();
        for piece in pieces(reader) {
            match piece {
                Piece::Lines(lines) => {
                    prop_assert!(!lines.is_empty());
                    prop_assert!(lines.len() <= block);
                    seen.extend(lines.split_inclusive(|byte| *byte == b'\n')
                        .map(|line| (line.len() as u64, xxh3_128(line), false)));
                }
                Piece::LongLine(line) => {
                    prop_assert_eq!(line.head.len(), max_line);
                    seen.push((line.bytes, line.hash, true));
                }
                Piece::Broken(broken) => prop_assert!(false, "{}", broken.message),
            }
        }
        prop_assert_eq!(seen, expected_lines(&text, max_line));
    }

    #[test]
    fn any_bytes_as_an_archive_come_to_an_end(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        flip in 0usize..200,
    ) {
        for compression in [Compression::Gzip, Compression::Zstd] {
            read(&bytes, compression);
            let mut packed = if compression == Compression::Gzip { gzip(&bytes) } else { zst(&bytes) };
            if let Some(byte) = packed.get_mut(flip) {
                *byte ^= 0x10;
            }
            read(&packed, compression);
        }
    }
}

#[test]
fn a_file_that_grows_gives_whole_lines_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    let append = |text: &str| {
        std::fs::OpenOptions::new().append(true).create(true).open(&path).unwrap().write_all(text.as_bytes()).unwrap();
    };
    let lines = |text: &str| Some(Piece::Lines(text.as_bytes().to_vec()));
    append("\u{feff}one\ntw");
    let mut reader = LineReader::open_growing(&path).unwrap();
    assert_eq!(reader.next_piece(Vec::new()), lines("one\n"));
    assert_eq!((reader.next_piece(vec![7; 9]), reader.waiting()), (None, &b"tw"[..]));
    assert_eq!(reader.taken_bytes(), 7, "with the mark of the byte order");
    append("o");
    assert_eq!((reader.next_piece(Vec::new()), reader.waiting()), (None, &b"two"[..]));
    append("\nthree\nfo");
    assert_eq!(reader.next_piece(Vec::new()), lines("two\nthree\n"));
    assert_eq!((reader.next_piece(Vec::new()), reader.taken_bytes()), (None, 17));
    // A line longer than allowed, in parts.
    append(&"x".repeat(MAX_LINE_BYTES));
    assert_eq!((reader.next_piece(Vec::new()), reader.is_within_a_line()), (None, true));
    append(&"y".repeat(BLOCK_BYTES));
    assert_eq!(reader.next_piece(Vec::new()), None);
    append("\nnext\n");
    let Some(Piece::LongLine(line)) = reader.next_piece(Vec::new()) else { panic!("no long line") };
    assert_eq!(line.bytes, (MAX_LINE_BYTES + BLOCK_BYTES + 2) as u64);
    assert_eq!(reader.next_piece(Vec::new()), lines("next\n"));
    assert_eq!((reader.next_piece(Vec::new()), reader.is_within_a_line()), (None, false));
}

#[test]
fn a_file_that_grows_is_read_as_far_as_it_is_said_to_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    std::fs::write(&path, "one\ntwo\nthree\n").unwrap();
    let lines = |text: &str| Some(Piece::Lines(text.as_bytes().to_vec()));
    let mut reader = LineReader::open_growing(&path).unwrap();
    for (bytes, piece, waiting) in [
        (0, None, ""),
        (6, lines("one\n"), "tw"),
        (6, None, "tw"),
        (8, lines("two\n"), ""),
        (3, None, ""),
        (8, None, ""),
    ] {
        reader.read_until(bytes);
        assert_eq!((reader.next_piece(Vec::new()), reader.waiting()), (piece, waiting.as_bytes()), "{bytes}");
    }
    reader.read_until(99);
    assert_eq!(reader.next_piece(Vec::new()), lines("three\n"));
    // Of one that does not grow all is read.
    let mut reader = LineReader::open(&path).unwrap();
    reader.read_until(1);
    assert_eq!(reader.next_piece(Vec::new()), lines("one\ntwo\nthree\n"));
}

#[test]
fn what_a_file_is_that_is_still_written() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes, kind) in [
        ("a.csv", &b""[..], Kind::Unknown),
        ("b.csv", b"rec", Kind::Unknown),
        ("c.csv", b"a\n", Kind::Plain),
        ("d.csv", b"reco", Kind::Plain),
        ("e.csv", b"\x1f\x8b", Kind::Archive),
        ("f.csv", b"\x28\xb5\x2f", Kind::Unknown),
        ("g.csv", b"\x28\xb5\x2f\xfd", Kind::Archive),
        ("h.gz", b"", Kind::Archive),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(Kind::of(&path, bytes.len() as u64).unwrap(), kind, "{name}");
        // What is written after it was looked at does not count.
        assert_eq!(Kind::of(&path, 0).is_ok_and(|kind| kind == Kind::Unknown), !name.ends_with(".gz"), "{name}");
    }
    assert!(Kind::of(&folder.path().join("none.csv"), 4).is_err());
    let path = folder.path().join("whole.gz");
    let archive = gzip(b"a\n");
    std::fs::write(&path, &archive).unwrap();
    assert_eq!(read_whole(&path), Ok(()));
    std::fs::write(&path, &archive[..archive.len() - 1]).unwrap();
    assert!(read_whole(&path).is_err());
}
