//! Reference data as entries pin it.

use crate::batch::{FeedFile, NO_HEADER, Reference};
use crate::decode::FileDecoder;
use crate::folder::{BroughtDebt, Folder, Opening};
use crate::post::entry::{FileKey, Piece, ReferenceSet};
use crate::post::reference::{self, Files};
use crate::post::writer::PostError;
use crate::record::{RejectReason, Rejection};
use crate::tariff::KnownNames;
use rustc_hash::FxHashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// One set of reference data, loaded.
pub(super) struct Pinned {
    /// Its number, from 1.
    pub(super) no: u32,
    folder: Folder,
    files: Mutex<FxHashMap<FileKey, Option<Arc<FeedFile>>>>,
}

impl Pinned {
    /// Loads a set. `files` are those of the set before, and afterwards its own.
    pub(super) fn load(
        set: &ReferenceSet,
        detail: &[u8],
        no: u32,
        files: &mut Files,
        scratch: &Path,
    ) -> Result<Self, PostError> {
        *files = reference::unpack(set, detail, files)?;
        if reference::hash_of(files) != set.hash {
            return Err(PostError::Refused("the files of the reference data have another hash".into()));
        }
        let at = scratch.join("reference");
        reference::materialise(&at, files)?;
        let known = KnownNames { plans: set.plans.clone(), zones: set.zones.clone(), networks: set.networks.clone() };
        let (folder, findings) = Folder::open_knowing(&at, known);
        let Some(folder) = folder else {
            let first = findings.kept().iter().find(|finding| finding.is_error()).map(ToString::to_string);
            return Err(PostError::Refused(format!("the reference data does not load: {}", first.unwrap_or_default())));
        };
        let tariffs = &folder.reference.tariffs;
        if tariffs.plans != set.plans || tariffs.zones != set.zones || tariffs.networks != set.networks {
            return Err(PostError::Refused(
                "the names of plans, zones or networks are not those of the tariffs".into(),
            ));
        }
        Ok(Self { no, folder, files: Mutex::default() })
    }

    /// Tariffs and register.
    pub(super) fn reference(&self) -> &Reference {
        &self.folder.reference
    }

    /// What accounts brought from the books before.
    pub(super) fn openings(&self) -> &[Opening] {
        &self.folder.openings
    }

    /// Debt of rare kinds that accounts brought.
    pub(super) fn brought(&self) -> &[BroughtDebt] {
        &self.folder.brought
    }

    /// How a file is read.
    pub(super) fn file(&self, key: &FileKey) -> Option<Arc<FeedFile>> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = files.get(key) {
            return known.clone();
        }
        let file = self.folder.feed_file(&key.source, &key.name).map(Arc::new);
        files.insert(key.clone(), file.clone());
        file
    }
}

/// What reads the lines of a piece.
pub(super) fn decoder(file: &FeedFile, piece: &Piece) -> Result<FileDecoder, Rejection> {
    let bad = |why: String| Rejection::new(RejectReason::BadHeader, why);
    if file.format.has_header() && piece.header.is_empty() {
        return Err(bad(NO_HEADER.into()));
    }
    file.format.decoder(&piece.header).map_err(bad)
}
