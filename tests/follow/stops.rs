//! Signals, and starts after them.

use crate::month::{Follow, Month, call, calls, esep, ran};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Bytes of the journal, with what is not yet in its main file.
fn journal_bytes(store: &Path) -> u64 {
    let entries = fs::read_dir(store).into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| entry.metadata().ok()).filter(fs::Metadata::is_file).map(|data| data.len()).sum()
}

/// Sizes of a large file, of which one is large enough to be caught in its middle.
const RECORDS: [usize; 3] = [100_000, 400_000, 1_600_000];

#[test]
fn stopped_within_a_large_file_it_goes_on_there() {
    for signal in ["TERM", "INT"] {
        let caught = RECORDS.iter().any(|records| {
            let month = Month::new();
            month.with("feeds/a-1.csv", calls("large-", *records)).with("feeds/b-1.csv", calls("small-", 100));
            let total = *records as i64 + 100;
            let mut follow = month.follow("s");
            let store = month.store("s");
            // Some pieces are durable; the rest is being read.
            follow.until("entries", |_| journal_bytes(&store) > 1 << 20);
            follow.signal(signal);
            assert_eq!(follow.wait().code(), Some(0), "{}", follow.told());
            follow.ended_by(&format!("SIG{signal}"));
            let first = follow.sum("/records/in");
            assert!(first > 100 && first <= total, "the small feed is not behind the large one: {first} of {total}");
            if first == total {
                return false;
            }
            let mut follow = month.follow("s");
            follow.came(total - first).stop();
            assert_eq!(follow.sum("/records/duplicate"), 0);
            month.is_as_one_run("s");
            true
        });
        assert!(caught, "never stopped within the file");
    }
}

#[test]
fn ingest_of_a_folder_ends_cleanly_too() {
    for command in ["ingest", "run"] {
        let caught = RECORDS.iter().any(|records| {
            let month = Month::new();
            month.with("feeds/a-1.csv", calls("large-", *records));
            let store = month.store("s");
            let mut ingest = esep(&[command]);
            ingest.arg(month.root()).arg("--data").arg(&store);
            let mut ingest = Follow::of(ingest);
            ingest.until("entries", |_| journal_bytes(&store) > 1 << 20);
            ingest.signal("INT");
            if ingest.wait().code() == Some(0) {
                return false;
            }
            ingest.said("ended by SIGINT");
            let stopped = month.state("s");
            assert_eq!(month.ingest("s").code, 0);
            month.is_as_one_run("s");
            stopped != month.state("s")
        });
        assert!(caught, "never stopped within the file");
    }
}

#[test]
fn killed_it_goes_on_from_what_was_acknowledged() {
    let month = Month::new();
    month.with("feeds/a-1.csv", calls("large-", 60_000)).with("feeds/b-1.csv", calls("other-", 60_000));
    for bytes in [1 << 18, 1 << 20, 2 << 20] {
        let mut follow = month.follow("s");
        let store = month.store("s");
        follow.until("entries", |_| journal_bytes(&store) > bytes);
        follow.signal("KILL");
        follow.wait();
    }
    let mut follow = month.follow("s");
    follow.all_is_read(&month);
    follow.stop();
    month.is_as_one_run("s");
}

#[test]
fn a_journal_that_cannot_be_written_ends_it() {
    let month = Month::new();
    month.with("feeds/a-1.csv", calls("a-", 100));
    let mut follow = month.follow("s");
    follow.came(100).stop();
    let before = month.state("s");
    month.with("feeds/a-2.csv", calls("b-", 60_000));
    // No file may become larger: writing fails as on a disk without room.
    let limit = journal_bytes(&month.store("s")) / 512 + 600;
    let mut command = Command::new("sh");
    let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" ingest --follow \"$1\" --data \"$2\"");
    command.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_esep")).arg(month.root()).arg(month.store("s"));
    let mut follow = Follow::of(command);
    assert_eq!(follow.wait().code(), Some(2), "{}", follow.told());
    follow.said("esep: ");
    follow.said("acknowledged");
    // What was acknowledged is there; the rest comes now.
    let verified = month.state("s");
    let mut follow = month.follow("s");
    if verified == before {
        follow.came(60_000).stop();
    } else {
        follow.until("the rest", |now| now.sum("/records/in") > 0).stop();
    }
    month.ingest("s");
    month.is_as_one_run("s");
}

#[test]
fn one_writer_at_a_time() {
    let month = Month::new();
    month.with("feeds/a-1.csv", calls("a-", 1));
    let mut follow = month.follow("s");
    follow.came(1);
    let second = month.ingest("s");
    assert_eq!(second.code, 2);
    assert!(second.stderr.contains("another process writes to this store"), "{}", second.stderr);
    follow.stop();
    let mut verify = esep(&["verify", "--data"]);
    verify.arg(month.store("s"));
    assert_eq!(ran(verify).code, 0);
}

impl Follow {
    fn ended_by(&mut self, signal: &str) {
        self.said(&format!("ended by {signal}"));
        self.said("it goes on from there");
    }

    /// Something was told by the time it ended.
    fn said(&self, text: &str) {
        let began = std::time::Instant::now();
        // The last lines may still be on their way through the pipe.
        while !self.told().contains(text) {
            assert!(began.elapsed() < Duration::from_secs(10), "{text}\n{}", self.told());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until all that lies in the folder is read: until what is added is all that comes.
    fn all_is_read(&mut self, month: &Month) {
        for mark in 0.. {
            let before = self.sum("/records/in");
            month.append("feeds/a-1.csv", call(&format!("mark-a-{mark}")));
            month.append("feeds/b-1.csv", call(&format!("mark-b-{mark}")));
            self.until("marks", |now| now.sum("/records/in") >= before + 2);
            if self.sum("/records/in") == before + 2 && mark > 0 {
                return;
            }
        }
    }
}
