//! `esep ingest --follow`: a folder's feeds go on.

use super::signals::Signals;
use super::{Ended, PostArgs, books, print, tell};
use crate::batch::{Counts, Reference, tenge};
use crate::folder::{Findings, Folder};
use crate::post::{Followed, HOT_KEYS_MAX, Ingest, Ingested, PostError, Store};
use crate::watch::{Deciding, Stamps, Watch};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

/// Takes a folder's feeds and goes on with what comes, until a signal ends it.
pub(super) fn run(args: &PostArgs) -> anyhow::Result<Ended> {
    let signals = Signals::wait_for()?;
    let [root] = args.paths.as_slice() else { anyhow::bail!("--follow watches one folder") };
    anyhow::ensure!(args.source.is_none(), "--source is for files; --follow watches a folder");
    anyhow::ensure!(!args.strict, "--strict asks how a run ended; --follow tells each round what came");
    anyhow::ensure!(root.is_dir(), "{}: there is no such folder; --follow watches one", root.display());
    let threads = books::threads(&args.store.common)?;
    let progress = AtomicU64::new(0);
    let mut store = books::open(&args.store)?;
    let how = Ingest { threads: &threads, progress: &progress, stop: signals.pause(), hot_keys: HOT_KEYS_MAX };
    let mut following = Following {
        root,
        store: &mut store,
        how,
        watch: Watch::new(root),
        followed: Followed::default(),
        reference: None,
        news: News { quiet: args.store.common.quiet, json: args.store.common.json, ..News::default() },
    };
    let ended = following.until_stopped(&signals);
    let (counts, _) = store.counts();
    if let Ok(Ended::Done) = ended {
        let signal = signals.came().unwrap_or("nobody");
        let (entries, files) = (store.entries(), store.books.files.len());
        tell(&format!(
            "ended by {signal}: {entries} entries, {files} files, {} records are in the books; it goes on from there",
            counts.read
        ));
    }
    ended
}

struct Following<'f> {
    root: &'f Path,
    store: &'f mut Store,
    how: Ingest<'f>,
    watch: Watch,
    followed: Followed,
    /// What decides; none before it was taken first.
    reference: Option<Reference>,
    news: News,
}

impl Following<'_> {
    fn until_stopped(&mut self, signals: &Signals) -> anyhow::Result<Ended> {
        loop {
            signals.begin_pass();
            if signals.came().is_some() {
                return Ok(Ended::Done);
            }
            let before = self.store.counts();
            let mut done = Ingested::default();
            let look = self.watch.look(Instant::now());
            let may_read = match look.deciding {
                Deciding::Same => true,
                Deciding::Changing => false,
                Deciding::Refused => {
                    self.news.state(&["the reference data was refused: feeds wait until it is mended".into()]);
                    false
                }
                Deciding::Gone(why) => {
                    self.news.state(&[format!("{why}; feeds wait until it is back")]);
                    false
                }
                Deciding::Changed(stamps) => {
                    if !self.take(stamps, &mut done)? && self.reference.is_none() {
                        return Ok(Ended::NotDone);
                    }
                    self.news.round(self.store, before, &done, 0, 0)?;
                    // Feeds that came with it are looked for at once.
                    continue;
                }
            };
            if may_read {
                self.news.state(&look.notes);
                for gone in &look.gone {
                    self.store.forget(&mut self.followed, gone);
                }
                for ready in look.ready {
                    self.store.queue(&mut self.followed, ready.file, ready.bytes);
                }
                if let (Some(reference), false) = (&self.reference, self.followed.is_idle()) {
                    done = self.store.follow(&mut self.followed, reference, &self.how)?;
                    for name in self.followed.take_failed() {
                        self.watch.again(&name);
                    }
                    self.news.round(self.store, before, &done, self.followed.unended(), look.archives_waiting)?;
                }
            }
            if self.followed.is_idle() || !may_read {
                signals.rest();
            }
        }
    }

    /// Makes what lies in the folder what decides. Whether it was taken; if not, it has been told why.
    fn take(&mut self, stamps: Stamps, done: &mut Ingested) -> anyhow::Result<bool> {
        let (folder, findings) = Folder::open(self.root);
        self.news.findings(&findings);
        let Some(folder) = folder else {
            self.watch.refused(stamps);
            return Ok(false);
        };
        let config = folder.config.clone();
        match self.store.take(folder, done) {
            Ok((reference, _)) => {
                if self.watch.has_other_forms(&stamps) {
                    self.followed.close();
                }
                self.reference = Some(reference);
                self.watch.took(stamps, config);
                Ok(true)
            }
            Err(PostError::Reference(why)) => {
                tell(&format!("esep: {why}"));
                self.watch.refused(stamps);
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// What is told while it goes on.
#[derive(Default)]
struct News {
    quiet: bool,
    json: bool,
    rounds: u64,
    /// What was true at the last look and was told.
    told: BTreeSet<String>,
    /// What was odd in the last round.
    odd: BTreeSet<String>,
}

impl News {
    /// Tells what is true now and was not at the last look.
    fn state(&mut self, now: &[String]) {
        self.told = tell_new(&self.told, now, self.quiet);
    }

    fn findings(&mut self, findings: &Findings) {
        let shown = findings.kept().iter().filter(|finding| !self.quiet || finding.is_error());
        let shown: Vec<String> = shown.map(ToString::to_string).collect();
        for finding in &shown {
            tell(finding);
        }
        if findings.not_kept() > 0 && !self.quiet {
            tell(&format!("and {} more", findings.not_kept()));
        }
        // A look finds the same about feeds.
        self.told.extend(shown);
    }

    /// Tells what came in a round, where anything did.
    fn round(
        &mut self,
        store: &Store,
        before: (Counts, i128),
        done: &Ingested,
        unended: usize,
        archives: usize,
    ) -> anyhow::Result<()> {
        self.odd = tell_new(&self.odd, &done.notes, self.quiet);
        if done.entries == 0 && done.payments_differing == 0 {
            return Ok(());
        }
        self.rounds = self.rounds.saturating_add(1);
        let came = Came::since(before, store.counts());
        if self.json {
            let line = serde_json::json!({
                "round": self.rounds,
                "files": done.files.len(),
                "records": {
                    "in": came.read, "rated": came.rated, "filtered": came.filtered, "duplicate": came.duplicate,
                    "suspended": came.suspended, "rejected": came.rejected,
                },
                "charged": tenge(came.charged),
                "payments": {
                    "new": done.payments, "known": done.payments_known, "differing": done.payments_differing,
                },
                "waiting": { "lines": unended, "archives": archives },
                "entries": done.entries,
                "journal": store.entries(),
            });
            print(&format!("{line}\n"))?;
        }
        if self.quiet {
            return Ok(());
        }
        let mut text = format!("round {}: {} files", self.rounds, done.files.len());
        text.push_str(&format!(
            ", in {} = rated {} + filtered {} + duplicate {} + suspended {} + rejected {}",
            came.read, came.rated, came.filtered, came.duplicate, came.suspended, came.rejected
        ));
        text.push_str(&format!(", charged {} KZT", tenge(came.charged)));
        for (count, what) in [
            (done.payments, "payments booked"),
            (done.payments_differing, "payments under a reference of another: refused"),
            (unended as u64, "files end within a line, which waits"),
            (archives as u64, "archives are not whole yet"),
        ] {
            if count > 0 {
                text.push_str(&format!("; {count} {what}"));
            }
        }
        tell(&format!("{text}; {} entries", store.entries()));
        Ok(())
    }
}

/// Tells what is not among what was told. All of it.
fn tell_new(told: &BTreeSet<String>, now: &[String], quiet: bool) -> BTreeSet<String> {
    for note in now.iter().filter(|note| !quiet && !told.contains(*note)) {
        tell(note);
    }
    now.iter().cloned().collect()
}

/// What came since: a record that waited may wait no longer.
struct Came {
    read: i128,
    rated: i128,
    filtered: i128,
    duplicate: i128,
    suspended: i128,
    rejected: i128,
    charged: i128,
}

impl Came {
    fn since(before: (Counts, i128), now: (Counts, i128)) -> Self {
        let of =
            |count: &dyn Fn(&Counts) -> u64| i128::from(count(&now.0)).saturating_sub(i128::from(count(&before.0)));
        Self {
            read: of(&|counts| counts.read),
            rated: of(&|counts| counts.rated),
            filtered: of(&|counts| counts.filtered),
            duplicate: of(&|counts| counts.duplicate),
            suspended: of(&|counts| counts.suspended),
            rejected: of(&|counts| counts.rejected),
            charged: now.1.saturating_sub(before.1),
        }
    }
}
