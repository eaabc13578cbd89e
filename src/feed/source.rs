use flate2::bufread::MultiGzDecoder;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::path::{Path, PathBuf};

/// Windows of a zstd frame up to 2^27 bytes: what `zstd -19 --long` writes; memory for no more.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// How the bytes are packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, one or more members.
    Gzip,
    /// zstd, one or more frames.
    Zstd,
}

impl Compression {
    /// What a file's name promises.
    fn of_name(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstd,
            _ => Self::None,
        }
    }

    /// What a file's first four bytes say.
    fn of_bytes(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or one to be skipped before it.
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Self::Zstd,
            _ => Self::None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// What a file is that may still be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Lines.
    Plain,
    /// An archive, by its name or its first bytes.
    Archive,
    /// Too short to be told.
    Unknown,
}

impl Kind {
    /// Looks at a file's name and its first bytes, of as many as it is said to have.
    pub fn of(path: &Path, bytes: u64) -> Result<Self, FeedError> {
        if Compression::of_name(path) != Compression::None {
            return Ok(Self::Archive);
        }
        let failed = |cause| FeedError { path: path.to_owned(), cause };
        let mut head = Vec::with_capacity(4);
        File::open(path).and_then(|file| file.take(bytes.min(4)).read_to_end(&mut head)).map_err(failed)?;
        // No archive begins with the end of a line among its first four bytes.
        Ok(if Compression::of_bytes(&head) != Compression::None {
            Self::Archive
        } else if head.len() < 4 && !head.contains(&b'\n') {
            Self::Unknown
        } else {
            Self::Plain
        })
    }
}

/// A file that cannot be opened.
#[derive(Debug)]
pub struct FeedError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub cause: io::Error,
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be read: {}", self.path.display(), self.cause)
    }
}

impl std::error::Error for FeedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// The bytes of the file itself, counted.
pub(super) struct Input {
    inner: Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>,
    bytes: u64,
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes = self.bytes.saturating_add(count as u64);
        Ok(count)
    }
}

/// The bytes of the lines.
pub(super) enum Source {
    Plain(Input),
    Gzip(Box<MultiGzDecoder<BufReader<Input>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, BufReader<Input>>>),
}

impl Source {
    /// A file's bytes, and what is wrong with it from the start.
    pub(super) fn open(path: &Path) -> Result<(Self, Option<String>), FeedError> {
        let failed = |cause| FeedError { path: path.to_owned(), cause };
        let mut file = File::open(path).map_err(failed)?;
        let mut head = Vec::with_capacity(4);
        (&mut file).take(4).read_to_end(&mut head).map_err(failed)?;
        let (promised, found) = (Compression::of_name(path), Compression::of_bytes(&head));
        let problem = (found == Compression::None && promised != Compression::None).then(|| {
            let name = promised.name();
            if head.is_empty() {
                format!("the {name} archive is empty: it was cut off; fetch it again")
            } else {
                format!(
                    "not a {name} archive, as its name says; fetch it again, or rename it if it is unpacked already"
                )
            }
        });
        Ok((Self::new(head, Box::new(file), found).map_err(failed)?, problem))
    }

    pub(super) fn new(head: Vec<u8>, read: Box<dyn Read + Send>, compression: Compression) -> io::Result<Self> {
        let input = Input { inner: Cursor::new(head).chain(read), bytes: 0 };
        Ok(match compression {
            Compression::None => Self::Plain(input),
            Compression::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(BufReader::new(input)))),
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(BufReader::new(input))?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Self::Zstd(Box::new(decoder))
            }
        })
    }

    pub(super) fn empty() -> Self {
        Self::Plain(Input { inner: Cursor::new(Vec::new()).chain(Box::new(io::empty())), bytes: 0 })
    }

    /// Bytes of the archive read so far; none where it is no archive.
    pub(super) fn packed_bytes(&self) -> Option<u64> {
        match self {
            Self::Plain(_) => None,
            Self::Gzip(decoder) => Some(decoder.get_ref().get_ref().bytes),
            Self::Zstd(decoder) => Some(decoder.get_ref().get_ref().bytes),
        }
    }

    /// What an error means, and what to do.
    pub(super) fn describe(&self, error: &io::Error) -> String {
        match self {
            Self::Plain(_) => format!("reading failed: {error}"),
            Self::Gzip(_) => format!("the gzip archive is cut off or corrupt ({error}); fetch it again"),
            Self::Zstd(_) => format!("the zstd archive is cut off or corrupt ({error}); fetch it again"),
        }
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(input) => input.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        }
    }
}
