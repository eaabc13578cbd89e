//! The folder of a month, and what holds of every run over it.

use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

pub(crate) const TARIFF: &str = r#"name = "t"
valid_from = 2020-01-01
time_zone = "Asia/Almaty"
[zones]
ld = { kind = "long-distance" }
[plans.p]
[[plans.p.rates]]
service = "voice"
unit = "10s"
price = "4.50"
[[plans.p.rates]]
service = "sms"
unit = "event"
price = "13"
[[plans.p.rates]]
service = "data"
unit = "1KB"
price = "0.01"
"#;
pub(crate) const HEADER: &str = "record_id,service,a_number,b_number,setup_at,answer_at,release_at,cause\n";
pub(crate) const NUMBER: &str = "77015550001";
pub(crate) const CALLED: &str = "87172555123";
/// What no message may hold: numbers, a name, an IIN, an address.
pub(crate) const PERSONAL: [&str; 6] = [NUMBER, CALLED, "77172555123", "Придуманова", "870101300017", "Небывалая"];

/// A call of one minute: 6 units, 27.00.
pub(crate) fn call(id: &str) -> String {
    let time = "2026-03-10T10:0";
    format!("{id},voice,{NUMBER},{CALLED},{time}0:00Z,{time}0:00Z,{time}1:00Z,16\n")
}

/// The folder of a month that is as it should be, until a test says otherwise.
pub(crate) struct Month(pub(crate) TempDir);

impl Month {
    pub(crate) fn new() -> Self {
        let month = Self(tempfile::tempdir().unwrap());
        month
            .with("tariffs/t.toml", TARIFF)
            .with("prefixes.csv", "prefix,zone\n7,ld\n")
            .with(
                "accounts.csv",
                "account_id,iin,name,address,plan,method\nA1,870101300017,Вера Придуманова,\"ул. Небывалая, 3\",p,credit\n",
            )
            .with("lines.csv", format!("line,account_id,valid_from,valid_to\n{NUMBER},A1,,\n"))
            .with("feeds/good.csv", format!("{HEADER}{}", call("good")));
        month
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn with(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    pub(crate) fn without(&self, name: &str) -> &Self {
        fs::remove_file(self.path(name)).unwrap();
        self
    }

    /// `esep rate DIR --out OUT` and these arguments.
    pub(crate) fn rate(&self, args: &[&str]) -> Run {
        let out = tempfile::tempdir().unwrap();
        let mut command = esep(&["rate"]);
        command.arg(self.0.path()).arg("--out").arg(out.path()).args(args);
        Run::of(command, Some(out))
    }
}

pub(crate) fn esep(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_esep"));
    command.args(args);
    command
}

/// What became of a run, checked for what holds of every run.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) summary: Value,
    pub(crate) out: Option<TempDir>,
    pub(crate) peak_kib: u64,
}

impl Run {
    pub(crate) fn of(mut command: Command, out: Option<TempDir>) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let text = |read: &mut dyn Read| {
            let mut text = String::new();
            read.read_to_string(&mut text).expect("what is told is UTF-8");
            text
        };
        let (stdout, stderr, peak_kib) = std::thread::scope(|scope| {
            let stdout = scope.spawn(move || text(&mut stdout));
            let stderr = scope.spawn(move || text(&mut stderr));
            let mut peak = 0;
            while child.try_wait().unwrap().is_none() {
                peak = peak.max(peak_kib(child.id()));
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            (stdout.join().unwrap(), stderr.join().unwrap(), peak)
        });
        let code = child.wait().unwrap().code().expect("an exit code, not a signal");
        let summary = out.as_ref().and_then(|out| fs::read(out.path().join("summary.json")).ok());
        let summary = summary.map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).expect("summary.json parses"));
        let run = Self { code, stdout, stderr, summary, out, peak_kib };
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        assert!(run.stderr.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", run.stderr);
        for personal in PERSONAL {
            assert!(!run.stderr.contains(personal), "{personal} in: {}", run.stderr);
        }
        if !run.summary.is_null() {
            run.check_totals();
        }
        run
    }

    /// in = rated + filtered + duplicate + suspended + rejected, for the run and each file, and a row for each.
    pub(crate) fn check_totals(&self) {
        let records = &self.summary["records"];
        let files = self.summary["files"].as_array().unwrap();
        let number = |value: &Value, name: &str| value[name].as_u64().unwrap();
        let sum = |value: &Value| OUTCOMES.iter().map(|outcome| number(value, outcome)).sum::<u64>();
        for of in files.iter().chain([records]) {
            assert_eq!(number(of, "in"), sum(of), "{of}");
        }
        for name in OUTCOMES.iter().chain(&["in"]) {
            assert_eq!(files.iter().map(|file| number(file, name)).sum::<u64>(), number(records, name), "{name}");
        }
        for outcome in ["filtered", "suspended", "rejected"] {
            let reasons = self.summary[outcome].as_object().unwrap().values();
            assert_eq!(reasons.map(|count| count.as_u64().unwrap()).sum::<u64>(), number(records, outcome));
        }
        for outcome in OUTCOMES {
            assert_eq!(self.rows(outcome).len() as u64, number(records, outcome), "{outcome}.csv");
        }
        let raw = fs::read_to_string(self.out.as_ref().unwrap().path().join("rejected-raw.ndjson")).unwrap();
        assert_eq!(raw.lines().count() as u64, number(records, "rejected"));
        for line in raw.lines() {
            serde_json::from_str::<Value>(line).expect("a rejected line is kept as JSON");
        }
    }

    /// Rows of an outcome file; no field of these tests goes over lines.
    pub(crate) fn rows(&self, outcome: &str) -> Vec<String> {
        let path = self.out.as_ref().unwrap().path().join(format!("{outcome}.csv"));
        fs::read_to_string(path).unwrap().lines().skip(1).map(str::to_owned).collect()
    }

    /// Done, with so many records rated, suspended and rejected.
    pub(crate) fn ended(&self, rated: u64, suspended: u64, rejected: u64) -> &Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        let records = &self.summary["records"];
        let found = ["rated", "suspended", "rejected"].map(|name| records[name].as_u64().unwrap());
        assert_eq!(found, [rated, suspended, rejected], "{records} {}", self.stderr);
        self
    }

    /// So many records ended so for this reason.
    pub(crate) fn reason(&self, outcome: &str, reason: &str, count: u64) -> &Self {
        assert_eq!(self.summary[outcome][reason].as_u64(), Some(count), "{}", self.summary[outcome]);
        self
    }

    /// Nothing was rated.
    pub(crate) fn not_done(&self) -> &Self {
        assert_eq!(self.code, 2, "{}{}", self.stdout, self.stderr);
        assert!(self.summary.is_null(), "a summary of what was not done");
        self
    }

    pub(crate) fn tells(&self, needle: &str) -> &Self {
        assert!(self.stderr.contains(needle), "not told: {needle}\n{}", self.stderr);
        self
    }
}

pub(crate) const OUTCOMES: [&str; 5] = ["rated", "filtered", "duplicate", "suspended", "rejected"];

/// The most memory that a process has had; 0 where the system does not tell.
pub(crate) fn peak_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0)
}

pub(crate) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// An archive of a block so many times over: frames follow each other.
pub(crate) fn zst_of(block: &[u8], times: usize) -> Vec<u8> {
    zstd::encode_all(block, 1).unwrap().repeat(times)
}
