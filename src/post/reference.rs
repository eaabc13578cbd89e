//! Reference data as the books keep it: the folder of 7.1 under its default names, without feeds and payments. What was
//! known stays known: accounts keep their numbers, tariffs of other months remain, a file that is not given is unchanged.

use super::entry::{Content, ReferenceFile, ReferenceSet};
use super::writer::PostError;
use crate::batch::push_field;
use crate::book::{AccountNo, Register};
use crate::classify::Event;
use crate::decode::{field_of, split_line};
use crate::folder::{EVENT_COLUMNS, EventRow, FACT_COLUMNS, Findings, Folder, event_id, event_line};
use crate::units::LocalDay;
use bumpalo::Bump;
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128};

/// Files by name.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

pub(super) const ACCOUNTS: &str = "accounts.csv";
pub(super) const EVENTS: &str = "events.csv";
/// Who is who: these stand in the detail, the others beside the money.
const PERSONAL: [&str; 4] = [ACCOUNTS, "lines.csv", "assignments.csv", "events.csv"];
/// Packed well enough in little time: reference data changes a few times a month.
const ZSTD_LEVEL: i32 = 1;
/// About the length of a row, for tables that need not grow.
const ROW_BYTES: usize = 100;

/// Reference files as the books will know them.
pub(super) struct Gathered {
    pub(super) files: Files,
    /// Nothing stands in them but what the folder says, as it says it: who reads them reads the folder.
    pub(super) are_the_folders: bool,
}

/// Whether a file names persons: then it stands in the detail, and may be large.
pub(super) fn is_personal(name: &str) -> bool {
    PERSONAL.contains(&name)
}

/// Reads the reference files of a folder that was opened, and merges them with what is known. Events of days before
/// `seen_to` come too late, and are told in `notes`.
pub(super) fn gather(
    folder: &Folder,
    known: Option<&Files>,
    seen_to: Option<LocalDay>,
    notes: &mut Vec<String>,
) -> io::Result<Gathered> {
    let old = |name: &str| known.and_then(|known| known.get(name)).map_or(&b""[..], Vec::as_slice);
    let mut files = Files::new();
    for (name, path) in folder.reference_files()? {
        match fs::read(&path) {
            Ok(bytes) => drop(files.insert(name, bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
        }
    }
    files.insert("esep.toml".into(), folder.config.canonical().into_bytes());
    let mut are_the_folders = true;
    for (name, bytes) in known.into_iter().flatten() {
        if !files.contains_key(name) {
            are_the_folders = false;
            files.insert(name.clone(), bytes.clone());
        }
    }
    let register = &folder.reference.register;
    let is_merged = |new: &[u8]| new == old(ACCOUNTS) || old(ACCOUNTS).is_empty() && is_the_register(new, register);
    if let Some(new) = files.get(ACCOUNTS).filter(|new| !is_merged(new)) {
        let is_valid = |id: &[u8]| register.find(id).is_some();
        let accounts = merge_accounts(old(ACCOUNTS), new, &is_valid, seen_to.map(|_| &mut *notes))?;
        are_the_folders &= accounts == *new;
        files.insert(ACCOUNTS.into(), accounts);
    }
    if files.contains_key(EVENTS) {
        let events = merge_events(old(EVENTS), &folder.events, seen_to, notes)?;
        are_the_folders &= events == merge_events(b"", &folder.events, None, &mut Vec::new())?;
        files.insert(EVENTS.into(), events);
    }
    Ok(Gathered { files, are_the_folders })
}

/// All events that were ever told, each once, in the order in which they came.
pub(super) fn merge_events(
    old: &[u8],
    new: &[EventRow],
    seen_to: Option<LocalDay>,
    notes: &mut Vec<String>,
) -> io::Result<Vec<u8>> {
    let arena = Bump::new();
    let header = EVENT_COLUMNS.join(",");
    let mut merged = Vec::with_capacity(old.len().saturating_add(128));
    let mut push = |line: &[u8]| {
        merged.extend_from_slice(line);
        merged.push(b'\n');
    };
    push(header.as_bytes());
    let mut known: FxHashMap<Vec<u8>, u64> = FxHashMap::default();
    if !old.is_empty() {
        let table = read_rows(old, "event_id", EVENTS, &arena)?;
        let same_header = table.header == header.as_bytes();
        let columns: Vec<&[u8]> = EVENT_COLUMNS.iter().map(|column| column.as_bytes()).collect();
        for (id, line) in &table.rows {
            let line = if same_header { line.to_vec() } else { moved(line, &table.columns, &columns, &arena) };
            push(&line);
            known.insert(id.to_vec(), xxh3_64(&line));
        }
    }
    for row in new {
        let line = row.text.as_bytes();
        match known.get(row.id.as_bytes()) {
            Some(before) if *before == xxh3_64(line) => {}
            Some(_) => notes
                .push(format!("{EVENTS}:{}: event {} is in the books with other content; set aside", row.line, row.id)),
            None if seen_to.is_some_and(|seen| row.event.on < seen) => notes.push(format!(
                "{EVENTS}:{}: event {} of {}: statuses are recorded up to {} already (PA-57); set aside",
                row.line,
                row.id,
                row.event.on,
                seen_to.unwrap_or(row.event.on)
            )),
            None => push(line),
        }
    }
    Ok(merged)
}

/// A row of events that no file has.
pub(super) fn event_row(fields: [&str; 7], no: AccountNo, event: Event) -> EventRow {
    let id = event_id(fields);
    let [_, account, at, kind, amount, reference, note] = fields;
    let text = event_line([&id, account, at, kind, amount, reference, note]).into();
    EventRow { id: id.into(), no, event, line: 0, text }
}

/// A table of accounts or events: header and rows by id.
struct Rows<'a> {
    columns: Vec<&'a [u8]>,
    header: &'a [u8],
    /// In order; the first row of each id.
    rows: Vec<(&'a [u8], &'a [u8])>,
}

fn read_accounts<'a>(bytes: &'a [u8], arena: &'a Bump) -> io::Result<Rows<'a>> {
    read_rows(bytes, "account_id", ACCOUNTS, arena)
}

fn read_rows<'a>(bytes: &'a [u8], key: &str, name: &str, arena: &'a Bump) -> io::Result<Rows<'a>> {
    let mut lines = lines_of(bytes);
    let header = lines.next().unwrap_or_default();
    let (columns, place) = columns_of(header, key, name, arena)?;
    let expected = bytes.len() / ROW_BYTES;
    let mut rows = Vec::with_capacity(expected);
    let mut seen = FxHashSet::with_capacity_and_hasher(expected, FxBuildHasher);
    for line in lines {
        let id = match field_of(line, b',', place) {
            Some(Cow::Borrowed(id)) => id,
            Some(Cow::Owned(id)) => arena.alloc_slice_copy(&id),
            None => continue,
        };
        if seen.insert(id) {
            rows.push((id, line));
        }
    }
    Ok(Rows { columns, header, rows })
}

/// The lines of a table that are not empty, without their ends.
fn lines_of(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let ends = memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]);
    let mut start = 0usize;
    let lines = ends.map(move |end| {
        let line = bytes.get(start..end).unwrap_or_default();
        start = end.saturating_add(1);
        line.strip_suffix(b"\r").unwrap_or(line)
    });
    lines.filter(|line| !line.is_empty())
}

/// The columns that a header names, and the place of the one that must be there.
fn columns_of<'a>(header: &'a [u8], key: &str, name: &str, arena: &'a Bump) -> io::Result<(Vec<&'a [u8]>, usize)> {
    let bad = |why: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{name}: {why}"));
    let mut columns = Vec::new();
    split_line(header, b',', arena, &mut columns).map_err(|_| bad("the header cannot be read"))?;
    let place = columns.iter().position(|column| *column == key.as_bytes());
    let place = place.ok_or_else(|| bad(&format!("no {key}")))?;
    Ok((columns, place))
}

/// Whether an accounts file has the accounts of a register, one row for each in the order of their numbers, and no byte
/// beside: then there is nothing to merge, and nothing of a large file is copied.
fn is_the_register(bytes: &[u8], register: &Register) -> bool {
    let arena = Bump::new();
    let mut lines = lines_of(bytes);
    let header = lines.next().unwrap_or_default();
    let Ok((_, place)) = columns_of(header, "account_id", ACCOUNTS, &arena) else { return false };
    let (mut next, mut length) = (AccountNo(0), header.len().saturating_add(1));
    for line in lines {
        let id = field_of(line, b',', place).unwrap_or_default();
        if id.is_empty() || *id != *register.id(next) {
            return false;
        }
        next = AccountNo(next.0.saturating_add(1));
        length = length.saturating_add(line.len()).saturating_add(1);
    }
    length == bytes.len() && next.0 as usize == register.len()
}

/// The rows of all accounts that were ever valid, each as it was told last: the nth row is account number n. Once
/// statuses are recorded (`recorded`, for what is to be told), cells that tell of the life of an account stay as they are.
fn merge_accounts(
    old: &[u8],
    new: &[u8],
    is_valid: &dyn Fn(&[u8]) -> bool,
    mut recorded: Option<&mut Vec<String>>,
) -> io::Result<Vec<u8>> {
    let arena = Bump::new();
    let new = read_accounts(new, &arena)?;
    let mut merged = Vec::with_capacity(old.len());
    let mut push = |line: &[u8]| {
        merged.extend_from_slice(line);
        merged.push(b'\n');
    };
    push(new.header);
    if old.is_empty() {
        new.rows.iter().filter(|(id, _)| is_valid(id)).for_each(|(_, line)| push(line));
        return Ok(merged);
    }
    let old = read_accounts(old, &arena)?;
    let mut told: FxHashMap<&[u8], &[u8]> = new.rows.iter().copied().filter(|(id, _)| is_valid(id)).collect();
    for (id, line) in &old.rows {
        match (told.remove(id), &mut recorded) {
            (Some(new_line), Some(notes)) if new_line != *line => {
                push(&keeping_facts(id, (line, &old.columns), (new_line, &new.columns), &arena, notes));
            }
            (Some(line), _) => push(line),
            (None, _) if old.header == new.header => push(line),
            (None, _) => push(&moved(line, &old.columns, &new.columns, &arena)),
        }
    }
    new.rows.iter().filter(|(id, _)| told.contains_key(id)).for_each(|(_, line)| push(line));
    Ok(merged)
}

/// A row as it is told, but for what it tells of the life of its account otherwise than before: that would change what is
/// recorded, and is to be told as an event.
fn keeping_facts(
    id: &[u8],
    (old, old_columns): (&[u8], &[&[u8]]),
    (new, columns): (&[u8], &[&[u8]]),
    arena: &Bump,
    notes: &mut Vec<String>,
) -> Vec<u8> {
    let (mut was, mut is) = (Vec::new(), Vec::new());
    let (old, new) = (arena.alloc_slice_copy(old), arena.alloc_slice_copy(new));
    if split_line(old, b',', arena, &mut was).is_err() || split_line(new, b',', arena, &mut is).is_err() {
        return new.to_vec();
    }
    let mut kept = Vec::with_capacity(new.len());
    for (place, column) in columns.iter().enumerate() {
        let told = is.get(place).copied().unwrap_or_default();
        let before = old_columns.iter().position(|of| of == column).and_then(|at| was.get(at)).copied();
        let before = before.unwrap_or_default();
        let tells_facts = FACT_COLUMNS.iter().any(|of| of.as_bytes() == *column);
        let frozen = tells_facts && told.trim_ascii() != before.trim_ascii();
        if frozen {
            notes.push(format!(
                "{ACCOUNTS}: account {}: {} is another than when statuses were recorded (PA-57); left as it was, to be told \
                 as an event",
                String::from_utf8_lossy(id),
                String::from_utf8_lossy(column)
            ));
        }
        if place > 0 {
            kept.push(b',');
        }
        push_field(&mut kept, if frozen { before } else { told });
    }
    kept
}

/// A row under another header: columns that the header lacks are forgotten.
fn moved(line: &[u8], from: &[&[u8]], to: &[&[u8]], arena: &Bump) -> Vec<u8> {
    let mut fields = Vec::new();
    let line = arena.alloc_slice_copy(line);
    if split_line(line, b',', arena, &mut fields).is_err() {
        fields.clear();
    }
    let cell = |column: &&[u8]| {
        let place = from.iter().position(|old| old == column);
        let text = place.and_then(|place| fields.get(place)).copied().unwrap_or_default();
        if text.iter().any(|byte| matches!(byte, b',' | b'"')) {
            let doubled: Vec<u8> = text.iter().flat_map(|b| if *b == b'"' { vec![*b, *b] } else { vec![*b] }).collect();
            [b"\"", doubled.as_slice(), b"\""].concat()
        } else {
            text.to_vec()
        }
    };
    to.iter().map(cell).collect::<Vec<_>>().join(&b","[..])
}

/// The hash of a set of files.
pub(super) fn hash_of(files: &Files) -> u128 {
    let mut all = Xxh3::new();
    for (name, bytes) in files {
        all.update(name.as_bytes());
        all.update(&xxh3_128(bytes).to_le_bytes());
    }
    all.digest128()
}

/// The entry of a set, and its detail: contents that the set before did not have.
pub(super) fn pack(files: &Files, before: Option<&ReferenceSet>) -> io::Result<(ReferenceSet, Vec<u8>)> {
    let mut set = ReferenceSet { hash: hash_of(files), ..ReferenceSet::default() };
    let mut detail = Vec::new();
    for (name, bytes) in files {
        let hash = xxh3_128(bytes);
        let kept = before.is_some_and(|set| set.files.iter().any(|old| old.name == *name && old.hash == hash));
        let content = if kept {
            Content::Kept
        } else {
            let packed = packed(bytes)?;
            let length = packed.len() as u64;
            if is_personal(name) {
                detail.extend_from_slice(&packed);
                Content::Detail(length)
            } else {
                set.packed.extend_from_slice(&packed);
                Content::Money(length)
            }
        };
        set.files.push(ReferenceFile { name: name.clone(), hash, bytes: bytes.len() as u64, content });
    }
    Ok((set, detail))
}

/// Bytes that are packed together: frames of their own, side by side, the same on any number of threads.
const FRAME_BYTES: usize = 8 << 20;

/// A file, packed: one frame of zstd behind the other.
fn packed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    if bytes.len() <= FRAME_BYTES {
        return zstd::bulk::compress(bytes, ZSTD_LEVEL);
    }
    let frames: io::Result<Vec<Vec<u8>>> =
        bytes.par_chunks(FRAME_BYTES).map(|bytes| zstd::bulk::compress(bytes, ZSTD_LEVEL)).collect();
    Ok(frames?.concat())
}

/// The files of a set, from those of the set before and what its entry brought.
pub(super) fn unpack(set: &ReferenceSet, detail: &[u8], before: &Files) -> io::Result<Files> {
    let mut files = Files::new();
    for (file, packed) in contents(set, detail)? {
        let bytes = match packed {
            None => before.get(&file.name).cloned().filter(|bytes| xxh3_128(bytes) == file.hash),
            Some(packed) => Some(unpacked(file, packed)?),
        };
        files.insert(file.name.clone(), bytes.ok_or_else(|| bad(&file.name))?);
    }
    Ok(files)
}

/// One file of a set, out of the entry that brought it.
pub(super) fn unpack_one(set: &ReferenceSet, detail: &[u8], name: &str) -> io::Result<Vec<u8>> {
    let mut contents = contents(set, detail)?.into_iter();
    let found = contents.find_map(|(file, packed)| Some((file, packed?)).filter(|(file, _)| file.name == name));
    let (file, packed) = found.ok_or_else(|| bad(name))?;
    unpacked(file, packed)
}

fn bad(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("reference file {name} is not what its entry says"))
}

/// A file of a set, and its packed bytes.
type Packed<'s> = (&'s ReferenceFile, Option<&'s [u8]>);

/// Each file of a set with its packed bytes, where its entry brought them. Without the detail, those that stand there
/// have none.
fn contents<'s>(set: &'s ReferenceSet, detail: &'s [u8]) -> io::Result<Vec<Packed<'s>>> {
    let (mut money, mut personal) = (set.packed.as_slice(), detail);
    let mut contents = Vec::with_capacity(set.files.len());
    for file in &set.files {
        let from = match file.content {
            Content::Kept => None,
            Content::Money(length) => Some((&mut money, length)),
            Content::Detail(_) if detail.is_empty() => None,
            Content::Detail(length) => Some((&mut personal, length)),
        };
        let packed = match from {
            None => None,
            Some((packed, length)) => {
                let length = usize::try_from(length).map_err(|_| bad(&file.name))?;
                let (of_file, rest) = packed.split_at_checked(length).ok_or_else(|| bad(&file.name))?;
                *packed = rest;
                Some(of_file)
            }
        };
        contents.push((file, packed));
    }
    Ok(contents)
}

fn unpacked(file: &ReferenceFile, packed: &[u8]) -> io::Result<Vec<u8>> {
    let capacity = usize::try_from(file.bytes).map_err(|_| bad(&file.name))?;
    let bytes = zstd::bulk::decompress(packed, capacity)?;
    if xxh3_128(&bytes) == file.hash { Ok(bytes) } else { Err(bad(&file.name)) }
}

/// Writes the files of a set into a folder, which is made anew.
pub(super) fn materialise(folder: &Path, files: &Files) -> io::Result<()> {
    let at = |path: &Path, error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(folder, error)),
        _ => {}
    }
    for (name, bytes) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| at(parent, error))?;
        }
        fs::write(&path, bytes).map_err(|error| at(&path, error))?;
    }
    Ok(())
}

/// Reads what was materialised, if it is what the set says.
pub(super) fn read_materialised(folder: &Path, set: &ReferenceSet) -> Option<Files> {
    let mut files = Files::new();
    for file in &set.files {
        let path: PathBuf = folder.join(&file.name);
        let bytes = fs::read(path).ok().filter(|bytes| xxh3_128(bytes) == file.hash)?;
        files.insert(file.name.clone(), bytes);
    }
    // A set that was never written may have left a tariff here.
    (count_files(folder).ok()? == files.len()).then_some(files)
}

fn count_files(folder: &Path) -> io::Result<usize> {
    let mut count = 0usize;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        count = count.saturating_add(if path.is_dir() { count_files(&path)? } else { 1 });
    }
    Ok(count)
}

/// A folder of reference data that must load.
pub(super) fn loaded((folder, findings): (Option<Folder>, Findings)) -> Result<Folder, PostError> {
    folder.ok_or_else(|| {
        let first = findings.kept().iter().find(|finding| finding.is_error()).map(ToString::to_string);
        PostError::Reference(format!("the reference data does not load: {}", first.unwrap_or_default()))
    })
}

/// The hash of an account's id.
pub(super) fn id_hash(id: &[u8]) -> u64 {
    xxh3_64(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_keep_their_numbers_whatever_the_order_and_columns_of_a_later_file() {
        let merge = |old: &str, new: &str| {
            let merged = merge_accounts(old.as_bytes(), new.as_bytes(), &|id| id != b"BAD", None).unwrap();
            String::from_utf8(merged).unwrap()
        };
        let first = merge("", "account_id,plan\nA,x\nBAD,?\nB,y\nA,twice\n");
        assert_eq!(first, "account_id,plan\nA,x\nB,y\n");
        // C is new, B changed, A is not told any more.
        assert_eq!(merge(&first, "account_id,plan\nC,z\nB,yy\n"), "account_id,plan\nA,x\nB,yy\nC,z\n");
        // Other columns: A's row moves under the new header.
        let quoted = "account_id,plan,name\r\nA,x,\"a, \"\"b\"\"\"\r\n";
        assert_eq!(merge(quoted, "name,account_id\nc,C\n"), "name,account_id\n\"a, \"\"b\"\"\",A\nc,C\n");
        assert!(merge_accounts(b"", b"plan\nx\n", &|_| true, None).is_err());
    }

    #[test]
    fn a_file_that_is_the_register_is_told_from_one_that_is_nearly() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir(folder.path().join("tariffs")).unwrap();
        let tariff = "name = \"t\"\ncurrency = \"KZT\"\ntime_zone = \"Asia/Almaty\"\nvalid_from = 2026-01-01\n\
                      prices_include_vat = true\n[plans.p]\n";
        write("tariffs/t.toml", tariff);
        write("esep.toml", "");
        let accounts = "account_id,plan,method\nA,p,credit\n\"B\",p,credit\n";
        write("accounts.csv", accounts);
        let register = loaded(Folder::open(folder.path())).unwrap().reference.register;
        assert_eq!(register.len(), 2);
        let is = |text: &str| is_the_register(text.as_bytes(), &register);
        assert!(is(accounts) && is("account_id\nA\nB\n"));
        for other in [
            "",
            "plan\nA\nB\n",
            "account_id\nA\n",
            "account_id\nB\nA\n",
            "account_id\nA\nB",
            "account_id\nA\nB\nB\n",
            "account_id\nA\nB\nC\n",
            "account_id\nA\n\nB\n",
            "account_id\r\nA\r\nB\r\n",
            "\u{feff}account_id\nA\nB\n",
        ] {
            assert!(!is(other), "{other:?}");
        }
    }

    #[test]
    fn interface_7_5_events_accumulate_each_once_and_never_before_what_is_recorded() {
        let row = |id: &str, day: &str, line: u32| EventRow {
            id: id.into(),
            no: crate::book::AccountNo(0),
            event: crate::classify::Event {
                at: crate::units::InstantMs(0),
                on: LocalDay::parse(day).unwrap(),
                happened: crate::classify::Happened::ServicesOn,
            },
            line,
            text: crate::folder::event_line([id, "A", day, "services_on", "", "", "a, b"]).into(),
        };
        let mut notes = Vec::new();
        let first = merge_events(b"", &[row("e1", "2026-03-01", 2)], None, &mut notes).unwrap();
        let header = "event_id,account_id,at,kind,amount,reference,note\n";
        let line = "e1,A,2026-03-01,services_on,,,\"a, b\"\n";
        assert_eq!(String::from_utf8(first.clone()).unwrap(), format!("{header}{line}"));
        // The same again, another under its id, one of a day that is recorded, one that is new.
        let rows = [
            row("e1", "2026-03-01", 2),
            row("e1", "2026-03-02", 3),
            row("e2", "2026-03-30", 4),
            row("e3", "2026-03-31", 5),
        ];
        let seen = LocalDay::parse("2026-03-31").ok();
        let second = String::from_utf8(merge_events(&first, &rows, seen, &mut notes).unwrap()).unwrap();
        assert_eq!(second, format!("{header}{line}e3,A,2026-03-31,services_on,,,\"a, b\"\n"));
        let [other, late] = notes.as_slice() else { panic!("{notes:?}") };
        assert!(other.starts_with("events.csv:3: event e1 is in the books with other content"), "{other}");
        assert!(late.starts_with("events.csv:4: event e2 of 2026-03-30: statuses are recorded up to 2026-03-31"));
        // A file of an earlier version of the program, under a header of its own.
        let old = b"kind,at,event_id,account_id\nresumed,2026-01-02,e0,A\n";
        let moved = String::from_utf8(merge_events(old, &[], None, &mut notes).unwrap()).unwrap();
        assert_eq!(moved, format!("{header}e0,A,2026-01-02,resumed,,,\n"));
    }

    #[test]
    fn a_set_is_packed_as_what_is_new_and_unpacks_to_itself() {
        let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
        let first: Files = [file("accounts.csv", "account_id\nA\n"), file("prefixes.csv", "7,x\n")].into();
        let (set, detail) = pack(&first, None).unwrap();
        assert_eq!(unpack(&set, &detail, &Files::new()).unwrap(), first);
        let second: Files = [file("accounts.csv", "account_id\nA\nB\n"), file("prefixes.csv", "7,x\n")].into();
        let (later, detail) = pack(&second, Some(&set)).unwrap();
        assert_eq!(later.files.iter().map(|f| matches!(f.content, Content::Kept)).collect::<Vec<_>>(), [false, true]);
        assert_eq!(unpack(&later, &detail, &first).unwrap(), second);
        assert!(unpack(&later, b"", &first).is_err() && unpack(&later, &detail, &Files::new()).is_err());
    }
}
