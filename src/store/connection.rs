//! How SQLite is set up, and how a file is known to be ours.

use super::error::of_sqlite;
use super::medium::Access;
use super::parts_file::PartsFile;
use super::place::{Place, beside};
use super::planted::Bug;
use super::rows::Rows;
use super::{PART_BYTES_MAX, StoreError};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// `ESEP`, in the header of the file.
pub(super) const APPLICATION_ID: u32 = 0x4553_4550;
/// The version of the tables, in the header of the file: that of new stores.
pub(super) const STORE_VERSION: u32 = 2;
/// Stores of this version have all parts of entries in their rows. They are read and written as they are.
pub(super) const ROWS_ONLY: u32 = 1;
/// Measured in decision 0029.
pub(super) const PAGE_BYTES: u32 = 32 * 1024;
/// A transaction of up to so much stays in memory until it is committed; a larger one goes to the log in between.
const CACHE_KIB: i32 = 64 * 1024;
/// What the log is cut to when it begins anew after a large transaction.
const LOG_BYTES_KEPT: i64 = 128 << 20;
/// So long is waited for another connection. Readers and the writer do not wait for each other.
const BUSY_MS: u64 = 5_000;

/// The bytes of a SQLite file that say what it is.
const FILE_HEADER_BYTES: u64 = 100;

/// Whether the file is a journal of ours, of a version that we know: by a look that cannot change a file of another.
///
/// The header may be torn where the power went while the log was written into the file. Then there is a log that
/// holds it, and [`identify_open`] looks again.
///
/// SQLite looks, and never we: closing a file of our own would let go the locks that this process has on it.
/// Source: sqlite.org/howtocorrupt.html, 2.2.
pub(super) fn identify(place: &Place, path: &Path) -> Result<(), StoreError> {
    if has_log(place, path)? {
        return Ok(());
    }
    let size = place.size(path)?.unwrap_or(0);
    if size < FILE_HEADER_BYTES {
        let what = format!("cut short: {size} bytes, less than the header of a SQLite file");
        return Err(StoreError::Damaged { place: path.display().to_string(), what });
    }
    identify_open(&unchanging(place, path)?).map(|_| ())
}

/// Whether SQLite's log beside a file holds anything.
pub(super) fn has_log(place: &Place, path: &Path) -> Result<bool, StoreError> {
    Ok(place.size(&beside(path, "-wal"))?.unwrap_or(0) > 0)
}

/// As [`identify`], by what SQLite reads out of the file and its log: the version.
fn identify_open(rows: &Rows) -> Result<u32, StoreError> {
    let pragma = |name: &str| {
        let number = rows.connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        number.map(i32::cast_unsigned).map_err(|error| rows.wrong(&error))
    };
    known(&rows.path, pragma("application_id")?, pragma("user_version")?)
}

/// The same connection, which reads and writes the tables of that version.
fn of_version(mut rows: Rows, version: u32, access: Access) -> Result<Rows, StoreError> {
    rows.parts = if version == ROWS_ONLY { None } else { Some(PartsFile::open(&rows.place, access)?) };
    Ok(rows)
}

fn known(path: &Path, application: u32, version: u32) -> Result<u32, StoreError> {
    if application != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_owned(), what: "a SQLite file of another program".to_owned() });
    }
    if !(ROWS_ONLY..=STORE_VERSION).contains(&version) {
        return Err(StoreError::Version { path: path.to_owned(), found: version, known: STORE_VERSION });
    }
    Ok(version)
}

/// A connection that writes to a store.
pub(super) fn writer(place: &Place, path: &Path) -> Result<Rows, StoreError> {
    let rows = maker(place, path)?;
    let version = identify_open(&rows)?;
    of_version(rows, version, Access::Write)
}

/// A connection that writes to a file that is no store yet.
pub(super) fn maker(place: &Place, path: &Path) -> Result<Rows, StoreError> {
    let rows = open(place, path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    // SQLite opens a file that it may not write to all the same, and would make a log that no one may write to.
    if rows.connection.is_readonly("main").map_err(|error| rows.wrong(&error))? {
        return Err(StoreError::Denied { path: path.to_owned(), cause: "the file is only to be read".to_owned() });
    }
    let set = |name: &str, value: &dyn rusqlite::ToSql| {
        rows.connection.pragma_update(None, name, value).map_err(|error| rows.wrong(&error))
    };
    // Each transaction is on the disk before it is acknowledged.
    set("synchronous", &if place.has(Bug::SyncSkipped) { "off" } else { "full" })?;
    set("cache_size", &-CACHE_KIB)?;
    // Purged details are overwritten.
    set("secure_delete", &"on")?;
    // We write the log into the file ourselves, since SQLite does not tell what then goes wrong.
    set("wal_autocheckpoint", &0)?;
    set("journal_size_limit", &LOG_BYTES_KEPT)?;
    Ok(rows)
}

/// A connection that reads. Where there is nothing in a log and the folder is read-only, as on a backup's medium, the
/// file is read without one.
pub(super) fn reader(place: &Place, path: &Path) -> Result<Rows, StoreError> {
    let rows = open(place, path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let error = match identify_open(&rows) {
        Ok(version) => return of_version(rows, version, Access::Read),
        Err(error) => error,
    };
    if !matches!(error, StoreError::Denied { .. }) || has_log(place, path)? {
        return Err(error);
    }
    let rows = unchanging(place, path)?;
    let version = identify_open(&rows)?;
    of_version(rows, version, Access::Read)
}

/// A connection to the file as it stands, without its log; it makes no file and takes no lock.
fn unchanging(place: &Place, path: &Path) -> Result<Rows, StoreError> {
    let mut name = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => name.push(char::from(*byte)),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    name.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let rows = open_named(place, path, Path::new(&name), flags).map_err(|error| {
        // What SQLite says of it is our name for it.
        let StoreError::Denied { path, .. } = error else { return error };
        StoreError::Denied { path, cause: "it cannot be opened".to_owned() }
    })?;
    Ok(Rows { unchanging: true, ..rows })
}

fn open(place: &Place, path: &Path, flags: OpenFlags) -> Result<Rows, StoreError> {
    open_named(place, path, path, flags)
}

/// `name` is what SQLite is told.
fn open_named(place: &Place, path: &Path, name: &Path, flags: OpenFlags) -> Result<Rows, StoreError> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let wrong = |error: rusqlite::Error| of_sqlite(path, &error);
    let connection = match place.disk().vfs() {
        Some(vfs) => Connection::open_with_flags_and_vfs(name, flags, vfs),
        None => Connection::open_with_flags(name, flags),
    };
    let connection = connection.map_err(wrong)?;
    let row_bytes_max = PART_BYTES_MAX.saturating_mul(2).saturating_add(4096);
    let row_bytes_max = i32::try_from(row_bytes_max).unwrap_or(i32::MAX);
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, row_bytes_max).map_err(wrong)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(wrong)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false).map_err(wrong)?;
    connection.busy_timeout(Duration::from_millis(BUSY_MS)).map_err(wrong)?;
    connection.pragma_update(None, "cell_size_check", true).map_err(wrong)?;
    Ok(Rows { connection, path: path.to_owned(), place: place.clone(), unchanging: false, parts: None })
}

/// What the header of the file says beside its marks is what is written for a store: the mode with a log, and
/// nothing that changes how the rest is read.
pub(super) fn header(rows: &Rows) -> Result<(), StoreError> {
    let text = |name: &str| {
        rows.connection.query_row(&format!("PRAGMA {name}"), [], |row| {
            let value = row.get_ref(0)?;
            let number = || value.as_i64().map(|number| number.to_string());
            Ok(value.as_str().map(str::to_owned).or_else(|_| number()).unwrap_or_default())
        })
    };
    let fields = [
        ("journal_mode", "wal".to_owned()),
        ("page_size", PAGE_BYTES.to_string()),
        ("encoding", "UTF-8".to_owned()),
        ("auto_vacuum", "0".to_owned()),
    ];
    for (name, expected) in fields {
        let found = text(name).map_err(|error| rows.wrong(&error))?;
        // Without its log, the file is not in the mode with a log.
        if found != expected && !(name == "journal_mode" && rows.unchanging) {
            return Err(rows.damaged("header", &format!("{name}: `{found}` and not `{expected}`")));
        }
    }
    Ok(())
}

/// Writes the log into the file. `PASSIVE` does what it can beside readers; `TRUNCATE` waits for them, does all and
/// leaves an empty log.
pub(super) fn checkpoint(rows: &Rows, how: &str) -> Result<(), StoreError> {
    if rows.place.has(Bug::AcknowledgedEarly) && !rows.connection.is_autocommit() {
        rows.connection.execute_batch("COMMIT").map_err(|error| rows.wrong(&error))?;
    }
    let busy = rows.connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| row.get::<_, i64>(0));
    match busy.map_err(|error| rows.wrong(&error))? {
        0 => Ok(()),
        _ if how == "PASSIVE" => Ok(()),
        _ => Err(StoreError::Held { path: rows.path.clone(), holder: "a reader of the store".to_owned() }),
    }
}
