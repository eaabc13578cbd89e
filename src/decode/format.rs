use super::{Described, Description, FileDecoder, Limits, Native, Ndjson, NumberForm};
use crate::units::Zone;
use std::path::Path;
use std::sync::Arc;

/// How the files of a feed are written.
#[derive(Clone, Debug)]
pub enum Format {
    /// Native CSV with a header.
    Native(Limits),
    /// NDJSON with the native names.
    Ndjson(Limits),
    /// A format that is data.
    Described(Arc<Description>, Limits),
}

/// A format, and how its called numbers are written where the feed does not say.
pub type NamedFormat = (Format, NumberForm);

impl Format {
    /// The format of a name in `esep.toml`: `native`, `ndjson`, a description that comes with the program, or the path
    /// of one, relative to `root`. The error is for people.
    pub fn named(name: &str, root: &Path, time_zone: Option<&str>, limits: Limits) -> Result<NamedFormat, String> {
        let zone = time_zone.map(Zone::parse).transpose().map_err(|error| error.to_string())?;
        let plain = |format| match time_zone {
            None => Ok((format, NumberForm::Dialled)),
            Some(_) => Err(format!("`{name}` has times with offsets; it takes no time_zone")),
        };
        match name {
            "native" => return plain(Self::Native(limits)),
            "ndjson" => return plain(Self::Ndjson(limits)),
            _ => {}
        }
        let description = match Description::bundled(name) {
            Some(bundled) => bundled,
            None => {
                let text = std::fs::read_to_string(root.join(name)).map_err(|error| {
                    let bundled: Vec<&str> = Description::bundled_names().collect();
                    format!("format `{name}` is none of native, ndjson, {}, and no file: {error}", bundled.join(", "))
                })?;
                Description::parse(&text, name)
            }
        };
        let description = description.map_err(|error| error.to_string())?;
        let description = match zone {
            Some(zone) => description.with_time_zone(zone),
            None => description,
        };
        let form = description.number_form().unwrap_or(NumberForm::Dialled);
        Ok((Self::Described(Arc::new(description), limits), form))
    }

    /// Whether the first line of a file names its columns.
    pub fn has_header(&self) -> bool {
        match self {
            Self::Native(_) => true,
            Self::Ndjson(_) => false,
            Self::Described(description, _) => description.has_header(),
        }
    }

    /// The decoder of one file, by its header line (empty where it has none); the error is for people.
    pub fn decoder(&self, header: &[u8]) -> Result<FileDecoder, String> {
        match self {
            Self::Native(limits) => {
                Native::new(header, *limits).map(FileDecoder::Native).map_err(|error| error.to_string())
            }
            Self::Ndjson(limits) => Ok(FileDecoder::Ndjson(Ndjson::new(*limits))),
            Self::Described(description, limits) => Described::new(Arc::clone(description), header, *limits)
                .map(FileDecoder::Described)
                .map_err(|rejection| rejection.detail),
        }
    }
}
