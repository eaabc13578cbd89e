//! A store in the making: it gets its name when it is whole and durable.

use super::error::of_io;
use super::head_file::HeadFile;
use super::medium::Access;
use super::parts_file::PartsFile;
use super::place::{Place, beside};
use super::planted::Bug;
use super::rows::{Rows, TABLES};
use super::{Head, StoreError, connection};
use std::path::{Path, PathBuf};

/// Fills a store in the making: the head afterwards.
pub(super) type Fill<'a> = dyn FnMut(&mut Rows) -> Result<Head, StoreError> + 'a;

/// Makes the folder and those above it, durable when it returns.
pub(super) fn folder(place: &Place) -> Result<(), StoreError> {
    let mut missing: Vec<&Path> = Vec::new();
    for folder in place.folder().ancestors() {
        if place.size(folder)?.is_some() || folder.as_os_str().is_empty() {
            break;
        }
        missing.push(folder);
    }
    place.io(place.folder(), |disk| disk.make_folder(place.folder()))?;
    for folder in missing {
        if let Some(above) = folder.parent() {
            place.io(above, |disk| disk.sync_folder(above))?;
        }
    }
    named(place)
}

/// Makes durable that the folder is there and what is in it, once more: where that failed before, the names are there
/// to be seen all the same, and would be lost with the power.
pub(super) fn named(place: &Place) -> Result<(), StoreError> {
    if place.has(Bug::FolderNotSynced) {
        return Ok(());
    }
    place.io(place.folder(), |disk| disk.sync_folder(place.folder()))?;
    for above in place.folder().ancestors().skip(1) {
        match place.io(above, |disk| disk.sync_folder(above)) {
            // Not ours to read, so not made by us.
            Ok(()) | Err(StoreError::Denied { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Makes a store in a folder that is there and locked, and holds nothing but what is left of an earlier attempt.
pub(super) fn store(place: &Place, fill: &mut Fill<'_>) -> Result<(), StoreError> {
    let unfinished = place.unfinished();
    let attempt = attempt(place);
    let lock = place.folder().join("lock");
    for name in place.io(place.folder(), |disk| disk.names(place.folder()))? {
        let path = place.folder().join(name);
        if place.is_store()? || path != lock && !attempt.contains(&path) {
            return Err(StoreError::Exists { folder: place.folder().to_owned() });
        }
    }
    for path in &attempt {
        place.io(path, |disk| disk.remove(path))?;
    }
    let head = entries(place, &unfinished, fill)?;
    HeadFile::create(place, head)?;
    let sync = || place.io(place.folder(), |disk| disk.sync_folder(place.folder()));
    sync()?;
    place.io(&unfinished, |disk| disk.rename(&unfinished, &place.journal()))?;
    if place.has(Bug::FolderNotSynced) { Ok(()) } else { sync() }
}

/// The files of a store in the making.
fn attempt(place: &Place) -> Vec<PathBuf> {
    let unfinished = place.unfinished();
    let beside = ["-wal", "-shm", "-journal"].map(|suffix| beside(&unfinished, suffix));
    std::iter::once(unfinished).chain(beside).chain([place.head(), place.parts()]).collect()
}

/// Takes away a store that was made and is not wanted, or what there is of one. The lock is ours.
pub(super) fn unmake(place: &Place) -> Result<(), StoreError> {
    let journal = place.journal();
    // Its name first: what is left then is no store.
    let named = [journal.clone(), beside(&journal, "-wal"), beside(&journal, "-shm")];
    for path in named.into_iter().chain(attempt(place)) {
        place.io(&path, |disk| disk.remove(&path))?;
    }
    place.io(place.folder(), |disk| disk.sync_folder(place.folder()))
}

fn entries(place: &Place, path: &Path, fill: &mut Fill<'_>) -> Result<Head, StoreError> {
    let mut rows = connection::maker(place, path)?;
    let set = |name: &str, value: &dyn rusqlite::ToSql| {
        rows.connection.pragma_update(None, name, value).map_err(|error| rows.wrong(&error))
    };
    if place.has(Bug::NamedEarly) {
        set("synchronous", &"off")?;
    }
    set("page_size", &connection::PAGE_BYTES)?;
    // To the end of it: the row with the new mode comes before the mode is written.
    let mode = rows
        .connection
        .prepare("PRAGMA journal_mode = wal")
        .and_then(|mut set| set.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>());
    if mode.map_err(|error| rows.wrong(&error))? != ["wal"] {
        let cause = "this disk does not let processes share memory, which the store's log needs".to_owned();
        return Err(StoreError::Io { path: path.to_owned(), cause });
    }
    let tables: String = TABLES.iter().map(|(_, sql)| format!("{sql};")).collect();
    let sql = format!(
        "BEGIN; PRAGMA application_id = {}; PRAGMA user_version = {}; {tables} \
         INSERT INTO head VALUES (1, 0, zeroblob(32)); COMMIT",
        connection::APPLICATION_ID,
        connection::STORE_VERSION,
    );
    rows.connection.execute_batch(&sql).map_err(|error| rows.wrong(&error))?;
    PartsFile::create(place)?;
    rows.parts = Some(PartsFile::open(place, Access::Write)?);
    let head = fill(&mut rows)?;
    connection::checkpoint(&rows, "TRUNCATE")?;
    let Rows { connection, path, .. } = rows;
    connection.close().map_err(|(_, error)| super::error::of_sqlite(&path, &error))?;
    if place.size(&beside(&path, "-wal"))?.is_some_and(|size| size > 0) {
        return Err(of_io(&path, &std::io::Error::other("its log is not empty after it was closed")));
    }
    // What SQLite was told and what it wrote are two things.
    let rows = connection::writer(place, &path)?;
    connection::header(&rows)?;
    rows.ends_at(head)?;
    let Rows { connection, path, .. } = rows;
    connection.close().map_err(|(_, error)| super::error::of_sqlite(&path, &error))?;
    Ok(head)
}
