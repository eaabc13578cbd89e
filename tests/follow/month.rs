//! A month with two feeds, and the program that follows it.

use serde_json::Value;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const TARIFF: &str = r#"name = "t"
valid_from = 2020-01-01
time_zone = "Asia/Almaty"
[zones]
ld = { kind = "long-distance" }
[plans.p]
[[plans.p.rates]]
service = "voice"
unit = "10s"
price = "4.50"
"#;
const FEEDS: &str = r#"[[feed]]
source = "a"
files = ["feeds/a-*.csv", "feeds/a-*.csv.gz"]
[[feed]]
source = "b"
files = "feeds/b-*.csv"
"#;
pub(crate) const HEADER: &str = "record_id,service,a_number,b_number,setup_at,answer_at,release_at,cause\n";
/// Longer than a step of any test takes on a loaded machine.
const DEADLINE: Duration = Duration::from_secs(120);

pub(crate) const NUMBER: u64 = 77_015_550_001;

/// A call of one minute of the line: 27.00.
pub(crate) fn call_of(line: u64, id: &str) -> String {
    let time = "2026-03-10T10:0";
    format!("{id},voice,{line},87172555123,{time}0:00Z,{time}0:00Z,{time}1:00Z,16\n")
}

pub(crate) fn call(id: &str) -> String {
    call_of(NUMBER, id)
}

/// Header and calls of one minute.
pub(crate) fn calls(prefix: &str, count: usize) -> String {
    let lines: String = (0..count).map(|n| call(&format!("{prefix}{n}"))).collect();
    format!("{HEADER}{lines}")
}

pub(crate) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

pub(crate) struct Month {
    folder: TempDir,
    stores: TempDir,
}

impl Month {
    pub(crate) fn new() -> Self {
        let month = Self { folder: tempfile::tempdir().unwrap(), stores: tempfile::tempdir().unwrap() };
        fs::create_dir(month.path("feeds")).unwrap();
        month
            .with("esep.toml", FEEDS)
            .with("tariffs/t.toml", TARIFF)
            .with("prefixes.csv", "prefix,zone\n7,ld\n")
            .with("accounts.csv", "account_id,plan,method\nA1,p,credit\n")
            .with("lines.csv", format!("line,account_id,valid_from,valid_to\n{NUMBER},A1,,\n"));
        month
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn store(&self, name: &str) -> PathBuf {
        self.stores.path().join(name)
    }

    /// Writes a file in place.
    pub(crate) fn with(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    /// Writes a file elsewhere and moves it in.
    pub(crate) fn moved_in(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let aside = self.path("aside.tmp");
        fs::write(&aside, bytes).unwrap();
        fs::rename(aside, self.path(name)).unwrap();
        self
    }

    pub(crate) fn append(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let mut file = OpenOptions::new().append(true).open(self.path(name)).unwrap();
        file.write_all(bytes.as_ref()).unwrap();
        self
    }

    /// Follows the folder into a store.
    pub(crate) fn follow(&self, store: &str) -> Follow {
        let mut command = esep(&["ingest", "--follow", "--json"]);
        command.arg(self.root()).arg("--data").arg(self.store(store));
        Follow::of(command)
    }

    /// `esep ingest` of the folder as it is now.
    pub(crate) fn ingest(&self, store: &str) -> Ran {
        let mut command = esep(&["ingest", "--json"]);
        command.arg(self.root()).arg("--data").arg(self.store(store));
        ran(command)
    }

    /// The state hash that `esep verify` prints.
    pub(crate) fn state(&self, store: &str) -> String {
        let mut command = esep(&["verify", "--data"]);
        command.arg(self.store(store));
        let ran = ran(command);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout.trim().rsplit(' ').next().unwrap().to_owned()
    }

    /// What was followed into a store is what one run over the folder gives.
    pub(crate) fn is_as_one_run(&self, store: &str) {
        assert_eq!(self.ingest("one run").code, 0);
        assert_eq!(self.state(store), self.state("one run"));
    }
}

pub(crate) fn esep(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_esep"));
    command.args(args);
    command
}

/// A command that ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn ran(mut command: Command) -> Ran {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().expect("an exit code, not a signal");
    let ran = Ran { code, stdout: text(output.stdout), stderr: text(output.stderr) };
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    ran
}

/// The program while it follows.
pub(crate) struct Follow {
    child: Child,
    rounds: Arc<Mutex<Vec<String>>>,
    told: Arc<Mutex<Vec<String>>>,
}

impl Follow {
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = |read: Box<dyn std::io::Read + Send>| {
            let lines = Arc::new(Mutex::new(Vec::new()));
            let of_thread = Arc::clone(&lines);
            std::thread::spawn(move || {
                for line in BufReader::new(read).lines().map_while(Result::ok) {
                    of_thread.lock().unwrap().push(line);
                }
            });
            lines
        };
        let rounds = lines(Box::new(child.stdout.take().unwrap()));
        let told = lines(Box::new(child.stderr.take().unwrap()));
        Self { child, rounds, told }
    }

    /// Waits until something holds, or tells what did not.
    pub(crate) fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) -> &mut Self {
        let began = Instant::now();
        loop {
            if holds(self) {
                return self;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && began.elapsed() < DEADLINE,
                "{what}: {ended:?}\n{}\n{}",
                self.rounds.lock().unwrap().join("\n"),
                self.told()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Σ of a number over all rounds, named by its path.
    pub(crate) fn sum(&self, pointer: &str) -> i64 {
        let rounds = self.rounds.lock().unwrap();
        rounds
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).unwrap().pointer(pointer).unwrap().as_i64().unwrap())
            .sum()
    }

    /// Waits until so many records came.
    pub(crate) fn came(&mut self, records: i64) -> &mut Self {
        self.until(&format!("{records} records"), |now| now.sum("/records/in") >= records);
        assert_eq!(self.sum("/records/in"), records);
        self
    }

    pub(crate) fn told(&self) -> String {
        self.told.lock().unwrap().join("\n")
    }

    /// Waits until something is told.
    pub(crate) fn tells(&mut self, text: &str) -> &mut Self {
        self.until(text, |now| now.told().contains(text))
    }

    pub(crate) fn signal(&self, name: &str) {
        let killed = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(killed.success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(!self.told().contains("panicked"), "{}", self.told());
                return status;
            }
            assert!(began.elapsed() < DEADLINE, "it does not end\n{}", self.told());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it as a service is ended.
    pub(crate) fn stop(&mut self) {
        self.signal("TERM");
        let status = self.wait();
        assert_eq!(status.code(), Some(0), "{}", self.told());
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
