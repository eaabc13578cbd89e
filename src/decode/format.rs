use super::{FileDecoder, Limits, Native, Ndjson};

/// How the files of a feed are written.
#[derive(Clone, Debug)]
pub enum Format {
    /// Native CSV with a header.
    Native(Limits),
    /// NDJSON with the native names.
    Ndjson(Limits),
}

impl Format {
    /// Whether the first line of a file names its columns.
    pub fn has_header(&self) -> bool {
        match self {
            Self::Native(_) => true,
            Self::Ndjson(_) => false,
        }
    }

    /// The decoder of one file, by its header line (empty where it has none); the error is for people.
    pub fn decoder(&self, header: &[u8]) -> Result<FileDecoder, String> {
        match self {
            Self::Native(limits) => {
                Native::new(header, *limits).map(FileDecoder::Native).map_err(|error| error.to_string())
            }
            Self::Ndjson(limits) => Ok(FileDecoder::Ndjson(Ndjson::new(*limits))),
        }
    }
}
