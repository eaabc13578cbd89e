//! A folder that is watched: which feed files are ready to be read, and whether what decides has changed.
//!
//! It looks when it is asked, at names, sizes, times and numbers of files, so that nothing is missed that a system would
//! forget to tell: a folder on another machine, one that was gone and came back, events that were too many.
//!
//! * Lines are ready as soon as they are there: the reader takes whole lines only.
//! * An archive is ready when it has rested and can be read to its end. Until then nothing of it is taken: what is
//!   there would look cut off.
//! * What decides is taken before the feeds that came with it: while a reference file changes, feeds wait, but not for
//!   ever.
//!
//! Source: interface 7.1, 7.2.

mod archives;
mod stamp;

use crate::batch::FeedFile;
use crate::feed::Kind;
use crate::folder::{Config, Folder};
use archives::Archives;
pub use stamp::Stamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A reference file or an archive that has not changed for so long is thought to be written.
const RESTS: Duration = Duration::from_secs(1);
/// Feeds wait no longer than this for a reference file that goes on changing.
const HELD_MAX: Duration = Duration::from_secs(3);

/// What a folder looks like to one who wants to know what decides: each file's stamp, by its path.
pub type Stamps = BTreeMap<PathBuf, Stamp>;

/// Whether what decides is as it was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Deciding {
    /// As it was taken.
    Same,
    /// It was refused, and has not changed since: feeds wait until it is mended.
    Refused,
    /// It changes: feeds wait.
    Changing,
    /// It has changed. Take it, then tell by [`Watch::took`] or [`Watch::refused`].
    Changed(Stamps),
    /// There is no such folder, or it cannot be entered: why.
    Gone(String),
}

/// A feed file that may be read.
#[derive(Debug)]
pub struct Ready {
    /// The file.
    pub file: FeedFile,
    /// So many bytes it had. What is added later may need reference data that is added with it, and is for a later
    /// look.
    pub bytes: u64,
}

/// What a look at the folder found.
#[derive(Debug)]
pub struct Look {
    /// Whether feeds may be read.
    pub deciding: Deciding,
    /// Feed files that are new or changed, in the order of their names.
    pub ready: Vec<Ready>,
    /// Feed files that were there and are not any more.
    pub gone: Vec<FeedFile>,
    /// Archives that are not whole yet, or not known to be.
    pub archives_waiting: usize,
    /// What is odd about files, for people.
    pub notes: Vec<String>,
}

/// A folder, as it was when it was looked at last.
pub struct Watch {
    root: PathBuf,
    /// As it was taken.
    config: Option<Config>,
    taken: Option<Stamps>,
    refused: Option<Stamps>,
    changing: Option<Changing>,
    feeds: BTreeMap<String, Seen>,
    archives: Archives,
}

/// What decides while it changes.
struct Changing {
    stamps: Stamps,
    since: Instant,
    began: Instant,
}

struct Seen {
    file: FeedFile,
    stamp: Stamp,
    since: Instant,
    state: State,
}

impl Seen {
    fn as_ready(&self) -> Ready {
        Ready { file: self.file.clone(), bytes: self.stamp.bytes }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    New,
    /// An archive that is being read to its end.
    Checked,
    /// An archive that cannot be read to its end.
    CutOff,
    /// It was handed out.
    Ready,
}

impl Watch {
    /// Watches a folder; nothing of it was taken.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            config: None,
            taken: None,
            refused: None,
            changing: None,
            feeds: BTreeMap::new(),
            archives: Archives::default(),
        }
    }

    /// What decides was taken as it was then.
    pub fn took(&mut self, stamps: Stamps, config: Config) {
        self.config = Some(config);
        (self.taken, self.refused, self.changing) = (Some(stamps), None, None);
    }

    /// What decides was refused as it was then.
    pub fn refused(&mut self, stamps: Stamps) {
        (self.refused, self.changing) = (Some(stamps), None);
    }

    /// Whether the form of feeds is another than the one taken before: `esep.toml` or a description.
    pub fn has_other_forms(&self, stamps: &Stamps) -> bool {
        let (Some(config), Some(taken)) = (&self.config, &self.taken) else { return false };
        let forms = Folder::form_paths(&self.root, config);
        forms.iter().any(|path| taken.get(path) != stamps.get(path))
    }

    /// A file could not be opened: it is ready again at the next look.
    pub fn again(&mut self, name: &str) {
        if let Some(seen) = self.feeds.get_mut(name) {
            seen.state = State::New;
        }
    }

    /// Looks at the folder.
    pub fn look(&mut self, now: Instant) -> Look {
        let deciding = self.deciding(now);
        let mut look = Look { deciding, ready: Vec::new(), gone: Vec::new(), archives_waiting: 0, notes: Vec::new() };
        if look.deciding == Deciding::Same {
            self.look_at_feeds(now, &mut look);
            // A file may have grown after what decides was looked at, and that have changed before it grew.
            if !look.ready.is_empty() && self.deciding(now) != Deciding::Same {
                for ready in std::mem::take(&mut look.ready) {
                    self.again(&ready.file.name);
                }
            }
        }
        look
    }

    fn deciding(&mut self, now: Instant) -> Deciding {
        if let Err(error) = std::fs::read_dir(&self.root) {
            return Deciding::Gone(format!("{} cannot be read: {error}", self.root.display()));
        }
        // The names that `esep.toml` gives now; where it is wrong, taking it tells so.
        let config = Config::read(&self.root.join("esep.toml")).ok();
        let paths = match config.as_ref().or(self.config.as_ref()) {
            Some(config) => Folder::deciding_paths(&self.root, config),
            None => vec![self.root.join("esep.toml")],
        };
        let stamps: Stamps = paths.into_iter().filter_map(|path| Stamp::of(&path).map(|stamp| (path, stamp))).collect();
        let Some(taken) = &self.taken else { return Deciding::Changed(stamps) };
        if stamps == *taken {
            (self.changing, self.refused) = (None, None);
            return Deciding::Same;
        }
        if self.refused.as_ref() == Some(&stamps) {
            return Deciding::Refused;
        }
        let changing = match self.changing.take() {
            Some(before) if before.stamps == stamps => before,
            Some(before) => Changing { stamps, since: now, began: before.began },
            None => Changing { stamps, since: now, began: now },
        };
        let rests = now.saturating_duration_since(changing.since) >= RESTS;
        if rests || now.saturating_duration_since(changing.began) >= HELD_MAX {
            return Deciding::Changed(changing.stamps);
        }
        self.changing = Some(changing);
        Deciding::Changing
    }

    fn look_at_feeds(&mut self, now: Instant, look: &mut Look) {
        let Some(config) = &self.config else { return };
        let (files, findings) = Folder::feeds_of(&self.root, config);
        look.notes.extend(findings.kept().iter().map(ToString::to_string));
        let Some(files) = files else { return };
        let names: BTreeSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
        let gone: Vec<String> = self.feeds.keys().filter(|name| !names.contains(name.as_str())).cloned().collect();
        look.gone.extend(gone.iter().filter_map(|name| self.feeds.remove(name)).map(|seen| seen.file));
        for checked in self.archives.checked() {
            // Of an archive that changed while it was read nothing is known.
            let seen = self.feeds.get_mut(&checked.name).filter(|seen| seen.stamp == checked.stamp);
            let Some(seen) = seen.filter(|seen| seen.state == State::Checked) else { continue };
            match checked.whole {
                Ok(()) if Stamp::of(&seen.file.path) == Some(seen.stamp) => {
                    seen.state = State::Ready;
                    look.ready.push(seen.as_ready());
                }
                Ok(()) => {}
                Err(why) => {
                    seen.state = State::CutOff;
                    look.notes.push(format!("{}: {why}; nothing of it is taken before it is whole", checked.name));
                }
            }
        }
        for file in files {
            let Some(stamp) = Stamp::of(&file.path) else { continue };
            let fresh = || Seen { file: file.clone(), stamp, since: now, state: State::New };
            let seen = self.feeds.entry(file.name.clone()).or_insert_with(fresh);
            if seen.stamp != stamp {
                *seen = fresh();
            }
            if seen.state == State::New {
                seen.file = file;
                match Kind::of(&seen.file.path, stamp.bytes) {
                    Err(error) => look.notes.push(error.to_string()),
                    Ok(Kind::Unknown) => {}
                    Ok(Kind::Plain) => {
                        seen.state = State::Ready;
                        look.ready.push(seen.as_ready());
                    }
                    Ok(Kind::Archive) if now.saturating_duration_since(seen.since) < RESTS => {
                        look.archives_waiting = look.archives_waiting.saturating_add(1);
                    }
                    Ok(Kind::Archive) => {
                        self.archives.check(&seen.file, stamp);
                        seen.state = State::Checked;
                    }
                }
            }
            let waits = matches!(seen.state, State::Checked | State::CutOff);
            look.archives_waiting = look.archives_waiting.saturating_add(usize::from(waits));
        }
        look.ready.sort_by(|a, b| a.file.name.cmp(&b.file.name));
    }
}
