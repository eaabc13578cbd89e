//! What is measured within the process for `figures.py`: one thing in a process, so that its memory is its own. One
//! line of JSON on stdout; times in ns, memory in bytes.
//!
//!     cargo bench --bench store -- figure open STORE
//!     cargo bench --bench store -- figure ask STORE MONTH
//!     cargo bench --bench store -- figure write STORE SCRATCH
//!     cargo bench --bench store -- figure balances STORE

use crate::month;
use esep::book::AccountNo;
use esep::law::Language;
use esep::post::{self, Books, Store};
use esep::store::{Details, Entries, Entry, Journal, SqliteJournal, SqliteReader};
use esep::units::Zone;
use std::fs;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

/// How often each question is asked.
const ASKED: usize = 200;
/// Bytes of one transaction of the journal, at most, and entries that wait for the writer: as ingest has them.
const BYTES_AT_ONCE: usize = 64 << 20;
const ENTRIES_AT_ONCE: usize = 128;

/// Measures what the arguments behind `figure` say.
pub(crate) fn measure(arguments: &[String]) {
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| *word != "--bench").collect();
    let line = match words.as_slice() {
        ["open", store] => open(Path::new(store)),
        ["ask", store, month] => ask(Path::new(store), Path::new(month)),
        ["write", store, scratch] => write(Path::new(store), Path::new(scratch)),
        ["balances", store] => balances(Path::new(store)),
        _ => panic!("no such figure: {words:?}"),
    };
    println!("{line}");
}

/// Opening the store to write to it.
fn open(data: &Path) -> String {
    let start = Instant::now();
    let store = Store::open(data, "figures").expect("a store");
    let took = start.elapsed().as_nanos();
    let files = store.books.files.iter();
    let records: u64 = files.map(|(_, state)| state.counts.read).sum();
    let [now, peak] = memory();
    format!(
        "{{\"ns\": {took}, \"records\": {records}, \"accounts\": {}, \"entries\": {}, \"state\": \"{:032x}\", \
         \"rss\": {now}, \"peak\": {peak}}}",
        store.books.account_ids.len(),
        store.entries(),
        store.books.state_hash()
    )
}

/// Accounts and records, each another one.
fn ask(data: &Path, month_at: &Path) -> String {
    let store = Store::open_to_read(data).expect("a store");
    let zone = Zone::parse("Asia/Almaty").expect("a time zone");
    let (accounts, ids) = (month::accounts(month_at), month::record_ids(month_at));
    let spread = |of: Vec<String>| {
        let step = (of.len() / ASKED).max(1);
        of.into_iter().step_by(step)
    };
    let mut movements = 0;
    let account = spread(accounts).map(|id| {
        let start = Instant::now();
        let view = store.account(&id, None, &zone).expect("its charges").expect("an account");
        movements += view.movements.len();
        start.elapsed()
    });
    let account = times(account.collect());
    let explain = spread(ids).map(|id| {
        let start = Instant::now();
        let told = store.explain(&id, Language::English).expect("its way");
        assert_eq!(told.len(), 1, "a record that was posted can be explained");
        start.elapsed()
    });
    let explain = times(explain.collect());
    format!("{{\"account\": {account}, \"explain\": {explain}, \"movements\": {movements}}}")
}

fn times(mut of: Vec<Duration>) -> String {
    of.sort_unstable();
    let at = |place: usize| of.get(place.min(of.len() - 1)).expect("a time").as_nanos();
    format!("{{\"median\": {}, \"p99\": {}, \"worst\": {}}}", at(of.len() / 2), at(of.len() * 99 / 100), at(of.len()))
}

/// The entries of a store once more into books and a durable journal, on two threads as in a run: state and journal
/// without reading, rating and sealing. All are decoded, encoded and hashed before: how
/// long encoding and hashing took is told apart.
fn write(data: &Path, scratch: &Path) -> String {
    let reader = SqliteReader::open(data).expect("a store");
    let mut decoded = Vec::new();
    let each = &mut |stored: esep::store::Stored| {
        let entry = post::decode(&stored.money).expect("an entry");
        decoded.push((stored.seq, stored.schema, entry, stored.detail.unwrap_or_default()));
        Ok(())
    };
    reader.scan(1, Details::Read, each).expect("entries");
    let start = Instant::now();
    let ready: Vec<_> = decoded
        .into_iter()
        .map(|(seq, schema, entry, detail)| {
            let money = post::encode(&entry).expect("an entry");
            (seq, entry, Entry { schema, money: money.into(), detail: detail.into() })
        })
        .collect();
    let encoding = start.elapsed();
    let all_bytes: usize = ready.iter().map(|(_, _, entry)| entry.bytes()).sum();

    let mut journal = SqliteJournal::create(scratch, "figures").expect("an empty folder");
    let mut books = Books::default();
    let (to_journal, taken) = sync_channel(ENTRIES_AT_ONCE);
    let (journal_of, books_of) = (&mut journal, &mut books);
    let start = Instant::now();
    let [state, durable] = std::thread::scope(|scope| {
        let state = scope.spawn(move || {
            let mut busy = Duration::ZERO;
            for (seq, entry, written) in ready {
                let start = Instant::now();
                books_of.apply(seq, &entry).expect("what the books took before");
                drop(entry);
                busy += start.elapsed();
                to_journal.send(written).expect("the journal takes all");
            }
            busy
        });
        let mut busy = Duration::ZERO;
        while let Ok(first) = taken.recv() {
            let mut bytes = first.bytes();
            let mut group = vec![first];
            while bytes < BYTES_AT_ONCE
                && let Ok(next) = taken.try_recv()
            {
                bytes += next.bytes();
                group.push(next);
            }
            let start = Instant::now();
            journal_of.append(&group).expect("room");
            busy += start.elapsed();
        }
        [state.join().expect("the books"), busy]
    });
    let whole = start.elapsed();
    let same = journal.head() == reader.head();
    assert!(same, "the same entries make the same chain");
    drop(journal);
    fs::remove_dir_all(scratch).expect("the journal is ours");
    let files = || books.files.iter().map(|(_, state)| state.counts);
    let (records, charges): (u64, u64) = (files().map(|of| of.read).sum(), files().map(|of| of.rated).sum());
    format!(
        "{{\"wall\": {}, \"state\": {}, \"encode\": {}, \"append\": {}, \"records\": {records}, \
         \"charges\": {charges}, \"bytes\": {all_bytes}}}",
        whole.as_nanos(),
        state.as_nanos(),
        encoding.as_nanos(),
        durable.as_nanos()
    )
}

/// What each account has used and not been billed for, tiyn, in the order of the books' numbers.
fn balances(data: &Path) -> String {
    let store = Store::open_to_read(data).expect("a store");
    let accounts = u32::try_from(store.books.account_ids.len()).expect("accounts are numbered in 32 bits");
    let unbilled = (0..accounts).map(|no| store.books.ledgers.account(AccountNo(no)).unbilled.get().to_string());
    format!("[{}]", unbilled.collect::<Vec<String>>().join(", "))
}

/// Resident memory of this process: now and at its peak; zeros where the system does not tell.
fn memory() -> [u64; 2] {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    ["VmRSS:", "VmHWM:"].map(|name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kb = line.and_then(|rest| rest.split_whitespace().next()).and_then(|kb| kb.parse::<u64>().ok());
        kb.map_or(0, |kb| kb * 1024)
    })
}
