//! Files of several feeds that are read side by side, and read on as they grow.

use super::open_file::{Mode, OpenFile, Step};
use super::pass::FeedFile;
use super::reader::{Pieces, Told, Work};
use crate::feed::FeedError;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Files that stay open at their end, so that what is added to them is read without what stands before it. Beyond it
/// the one that rested longest is closed; should it grow, it is read again as far as it is known.
const RESTING_MAX: usize = 64;

/// What is read of the feeds of a followed folder. It lives longer than a pass.
#[derive(Default)]
pub(crate) struct Tails {
    lanes: Vec<Lane>,
    /// Files in the lanes, and to how many bytes each is to be read.
    queued: FxHashMap<usize, u64>,
    /// The lane whose turn it is.
    turn: usize,
    /// At their end, that which rested longest first.
    resting: VecDeque<Resting>,
    told: Told,
    /// Files that could not be opened.
    failed: Vec<usize>,
}

/// The files of one feed, one after the other.
struct Lane {
    source: String,
    waiting: VecDeque<usize>,
    open: Option<OpenFile>,
}

struct Resting {
    open: OpenFile,
    /// What was opened, not what lies under its name now.
    identity: Option<u64>,
}

impl Tails {
    /// A file is to be read, or read on, behind the others of its feed; if it grows, to its first `bytes` and no
    /// further.
    pub(crate) fn queue(&mut self, place: usize, source: &str, bytes: u64) {
        if self.queued.insert(place, bytes).is_some() {
            return;
        }
        match self.lanes.iter_mut().find(|lane| lane.source == source) {
            Some(lane) => lane.waiting.push_back(place),
            None => self.lanes.push(Lane { source: source.to_owned(), waiting: [place].into(), open: None }),
        }
    }

    /// Whether nothing is to be read.
    pub(crate) fn is_idle(&self) -> bool {
        self.queued.is_empty()
    }

    /// Files that are to be read.
    pub(crate) fn queued(&self) -> impl Iterator<Item = usize> + '_ {
        self.queued.keys().copied()
    }

    /// Files that could not be opened since it was asked last.
    pub(crate) fn take_failed(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.failed)
    }

    /// How many files end within a line that waits for its end.
    pub(crate) fn unended(&self) -> usize {
        self.resting.iter().filter(|of| of.open.lines().is_within_a_line()).count()
    }

    /// Closes what rests, so that it is opened anew: how files are read has changed.
    pub(crate) fn close(&mut self) {
        self.resting.clear();
        for lane in &mut self.lanes {
            if let Some(open) = lane.open.take() {
                lane.waiting.push_front(open.place());
            }
        }
    }

    /// Closes a file that rests: it is gone.
    pub(crate) fn forget(&mut self, place: usize) {
        self.resting.retain(|of| of.open.place() != place);
    }

    /// The file where it was left, if it is still the one that was read.
    fn resume(&mut self, place: usize, file: &FeedFile) -> Option<OpenFile> {
        let at = self.resting.iter().position(|of| of.open.place() == place)?;
        let resting = self.resting.remove(at)?;
        is_same(&resting, file).unwrap_or(false).then_some(resting.open)
    }

    fn rest(&mut self, open: OpenFile, file: &FeedFile) {
        if !open.lines().grows() {
            return;
        }
        if self.resting.len() >= RESTING_MAX {
            self.resting.pop_front();
        }
        let identity = File::open(&file.path).ok().as_ref().and_then(identity);
        self.resting.push_back(Resting { open, identity });
    }

    /// Reads of the lane whose turn it is. None where it has nothing to be read.
    fn step(&mut self, files: &[FeedFile], spare: &mut Vec<u8>, progress: &AtomicU64) -> Option<Option<Work>> {
        let at = self.turn.checked_rem(self.lanes.len())?;
        self.turn = at.saturating_add(1);
        if self.lanes.get(at)?.open.is_none() {
            let place = self.lanes.get_mut(at)?.waiting.pop_front()?;
            let Some(file) = files.get(place) else {
                self.queued.remove(&place);
                return Some(None);
            };
            let open = match self.resume(place, file) {
                Some(open) => Ok(open),
                None => OpenFile::open(place, file, file.known, Mode::Growing),
            };
            match open {
                Ok(open) => self.lanes.get_mut(at)?.open = Some(open),
                Err(error) => self.fail(place, &error),
            }
            return Some(None);
        }
        let open = self.lanes.get_mut(at)?.open.as_mut()?;
        let (place, file) = (open.place(), files.get(open.place())?);
        open.read_until(self.queued.get(&place).copied()?);
        match open.step(file, std::mem::take(spare), &mut self.told.notes, progress) {
            Step::Work(work) => return Some(Some(work)),
            Step::Nothing(buffer) => *spare = buffer,
            Step::Changed => match open.anew(file, &mut self.told.notes) {
                Ok(anew) => *open = anew,
                Err(error) => {
                    self.lanes.get_mut(at)?.open = None;
                    self.fail(place, &error);
                }
            },
            Step::End => {
                let mut open = self.lanes.get_mut(at)?.open.take()?;
                self.queued.remove(&place);
                self.told.ended.push(open.ended());
                self.rest(open, file);
            }
        }
        Some(None)
    }

    fn fail(&mut self, place: usize, error: &FeedError) {
        self.queued.remove(&place);
        self.told.notes.push(error.to_string());
        self.failed.push(place);
    }
}

/// Whether the file under the name is the one that was read so far, which has at least those bytes.
fn is_same(resting: &Resting, file: &FeedFile) -> io::Result<bool> {
    let mut now = File::open(&file.path)?;
    let open = &resting.open;
    let taken = open.lines().taken_bytes();
    if identity(&now) != resting.identity || now.metadata()?.len() < taken {
        return Ok(false);
    }
    let mut last = vec![0; open.last().len()];
    now.seek(SeekFrom::Start(taken.saturating_sub(last.len() as u64)))?;
    now.read_exact(&mut last)?;
    let mut waiting = vec![0; open.lines().waiting().len()];
    Ok(last == open.last() && now.read_exact(&mut waiting).is_ok() && waiting == open.lines().waiting())
}

/// The number of a file on its disk: another one under the same name has another.
fn identity(file: &File) -> Option<u64> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        file.metadata().ok().map(|data| data.ino())
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        None
    }
}

/// Tails as the pieces of one pass: each feed's turn comes after those of the others, a piece a turn.
pub(crate) struct SideBySide<'t> {
    pub(crate) tails: &'t mut Tails,
    /// By their place.
    pub(crate) files: &'t [FeedFile],
    /// Reading ends when this is set; what is left is read in the next pass.
    pub(crate) stop: &'t AtomicBool,
}

impl Pieces for SideBySide<'_> {
    fn next(&mut self, mut spare: Vec<u8>, progress: &AtomicU64) -> Result<Option<Work>, FeedError> {
        let mut idle = 0usize;
        while idle < self.tails.lanes.len() && !self.stop.load(Ordering::Relaxed) {
            match self.tails.step(self.files, &mut spare, progress) {
                None => idle = idle.saturating_add(1),
                Some(None) => idle = 0,
                Some(work) => return Ok(work),
            }
        }
        Ok(None)
    }

    fn told(&mut self) -> Told {
        std::mem::take(&mut self.tails.told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Source;
    use crate::decode::{Format, Limits};
    use crate::feed::Piece;
    use crate::screen::{NumberForm, SourceKey};
    use std::path::Path;

    fn file(folder: &Path, name: &str, source: &str, text: &str) -> FeedFile {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        let key = SourceKey::of(source);
        let source = Source { name: source.into(), key, number_form: NumberForm::Dialled };
        let (format, _) = Format::named("native", folder, None, Limits { max_duration_ms: None }).unwrap();
        FeedFile { path, name: name.into(), source, format, known: None }
    }

    fn read(tails: &mut Tails, files: &[FeedFile], width: usize) -> Vec<(usize, u64, String)> {
        let stop = AtomicBool::new(false);
        let mut pieces = SideBySide { tails, files, stop: &stop };
        let mut next = || pieces.next(Vec::new(), &AtomicU64::new(0)).unwrap();
        let works = (0..width).map_while(|_| next());
        let text = |piece: Piece| match piece {
            Piece::Lines(bytes) => String::from_utf8(bytes).unwrap(),
            Piece::LongLine(_) | Piece::Broken(_) => panic!("no lines"),
        };
        works.map(|work| (work.file, work.lines, text(work.piece))).collect()
    }

    #[test]
    fn feeds_take_turns_and_the_files_of_one_follow_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let large = format!("record_id\n{}", "0123456789abcde\n".repeat(100_000));
        let files = [
            file(folder.path(), "a1", "a", &large),
            file(folder.path(), "a2", "a", "record_id\nx\n"),
            file(folder.path(), "b1", "b", "record_id\ny\n"),
            file(folder.path(), "c1", "c", &large),
        ];
        let mut tails = Tails::default();
        for (place, of) in files.iter().enumerate() {
            tails.queue(place, &of.source.name, u64::MAX);
        }
        let order: Vec<usize> = read(&mut tails, &files, 7).into_iter().map(|(file, ..)| file).collect();
        assert_eq!(order, [0, 2, 3, 0, 3, 0, 3]);
        // In the next pass it goes on; what could be stopped at any time is read once.
        let rest = read(&mut tails, &files, 1000);
        assert_eq!(rest.iter().filter(|(file, ..)| *file == 1).count(), 1);
        assert_eq!(rest.last().map(|(file, ..)| *file), Some(1));
        assert!(tails.is_idle());
        let lines: u64 = rest.iter().filter(|(file, ..)| *file == 3).map(|(_, lines, _)| lines).sum();
        assert!(lines > 0 && lines < 100_000);
    }

    #[test]
    fn what_comes_after_the_look_is_left_for_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let text = "record_id\none\ntwo\nthree\n";
        let mut files = [file(folder.path(), "a", "a", text)];
        let mut tails = Tails::default();
        // The second time it is asked for while it is in its lane; the last time it is opened anew.
        for (looks, came) in [(&[16u64][..], "one\n"), (&[16, 18], "two\n"), (&[24], "three\n"), (&[24], "")] {
            looks.iter().for_each(|bytes| tails.queue(0, "a", *bytes));
            let texts: String = read(&mut tails, &files, 9).into_iter().map(|(_, _, text)| text).collect();
            assert_eq!((texts.as_str(), tails.is_idle()), (came, true));
            files[0].known = std::mem::take(&mut tails.told).ended.pop().map(|ended| ended.at);
            if looks == [24] {
                tails.forget(0);
            }
        }
    }

    #[test]
    fn what_rests_is_read_on_if_it_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = [file(folder.path(), "a", "a", "record_id\none\ntw")];
        let mut tails = Tails::default();
        let mut take = |files: &mut [FeedFile; 1]| {
            tails.queue(0, "a", std::fs::metadata(&files[0].path).unwrap().len());
            let read = read(&mut tails, files, 9);
            let ended = std::mem::take(&mut tails.told).ended.pop().unwrap();
            files[0].known = Some(ended.at);
            (read.into_iter().map(|(_, _, text)| text).collect::<String>(), ended.changed, ended.at.lines)
        };
        assert_eq!(take(&mut files), ("one\n".into(), false, 2));
        assert_eq!(take(&mut files), (String::new(), false, 2));
        // Written anew in place, with one letter of what was read changed, or of what waits.
        std::fs::write(&files[0].path, "record_id\nOne\ntwo\n").unwrap();
        let (text, _, lines) = take(&mut files);
        assert_eq!((text.as_str(), lines), ("One\ntwo\n", 3));
        std::fs::write(&files[0].path, "record_id\nOne\ntwo\nthr").unwrap();
        assert_eq!(take(&mut files), (String::new(), false, 3));
        std::fs::write(&files[0].path, "record_id\nOne\ntwo\nTHREE\n").unwrap();
        assert_eq!(take(&mut files), ("THREE\n".into(), false, 4));
        // Nothing but the header is left of it: it was begun anew, and no piece says so.
        std::fs::write(&files[0].path, "record_id\n").unwrap();
        assert_eq!(take(&mut files), (String::new(), true, 1));
    }
}
