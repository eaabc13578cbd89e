//! A copy of a store, as a backup or back from one.

use super::chain::Hash;
use super::place::Place;
use super::rows::{Addition, Rows};
use super::{Details, Entries, Entry, Head, SqliteReader, StoreError, check, connection, make};

/// Entries are copied in transactions of about so many bytes.
const GROUP_BYTES: usize = 16 << 20;
/// The log of the copy is emptied after so many groups.
const GROUPS_LOGGED_MAX: u32 = 4;

/// Copies a store, entry by entry, into a folder that is not there or empty, while a writer may be at work: the head
/// of the copy, which is where the store stood when the copy began.
///
/// Since entries are only ever appended, what is up to that head is the same at every later instant; no snapshot is
/// held, and the writer's log does not grow. Each entry is checked as it is read, and the whole copy once more when it
/// is durable. The copy is a store only then: before, its folder holds none. What fails takes away what it made; what is
/// killed leaves files that are no store, and the next copy into that folder writes over them. `holder` as for
/// [`SqliteJournal::create`](super::SqliteJournal::create).
pub fn copy(from: impl Into<Place>, to: impl Into<Place>, holder: &str) -> Result<Head, StoreError> {
    let (from, to) = (SqliteReader::open(from)?, to.into());
    if to.is_store()? {
        return Err(StoreError::Exists { folder: to.folder().to_owned() });
    }
    make::folder(&to)?;
    let _lock = to.lock(holder)?;
    let copied = make::store(&to, &mut |rows| fill(&from, rows)).and_then(|()| looked_at(&from, &to));
    if matches!(&copied, Err(error) if !matches!(error, StoreError::Exists { .. })) {
        // It is told why there is no copy; that something of it is left would help nobody.
        let _ = make::unmake(&to);
    }
    copied
}

/// Looks at every byte of a copy: its head.
fn looked_at(from: &SqliteReader, to: &Place) -> Result<Head, StoreError> {
    let copied = check(to)?;
    match copied.findings.into_iter().next() {
        Some(finding) => Err(finding),
        None if copied.head != from.head() => {
            Err(StoreError::CutShort { path: to.journal(), found: copied.head.count, expected: from.head().count })
        }
        None => Ok(copied.head),
    }
}

/// Entries to be added, with the hash of their detail where that is purged.
#[derive(Default)]
struct Group {
    entries: Vec<(Entry, Option<Hash>)>,
    bytes: usize,
}

impl Group {
    fn add(&mut self, rows: &mut Rows, head: Head) -> Result<Head, StoreError> {
        let entries = std::mem::take(self).entries;
        let mut additions = Vec::with_capacity(entries.len());
        for (entry, purged) in &entries {
            additions.push(purged.map_or(Addition::Whole(entry), |detail| Addition::Purged(entry, detail)));
        }
        rows.append(head, &additions)
    }
}

fn fill(from: &SqliteReader, rows: &mut Rows) -> Result<Head, StoreError> {
    let (mut head, mut group, mut groups) = (Head::default(), Group::default(), 0_u32);
    from.rows().scan_frames(1..=from.head().count, Details::Read, &mut |frame, stored| {
        let purged = stored.detail.is_none().then_some(frame.detail);
        let detail = stored.detail.unwrap_or_default();
        let entry = Entry { schema: stored.schema, money: stored.money.into(), detail: detail.into() };
        group.bytes = group.bytes.saturating_add(entry.bytes());
        group.entries.push((entry, purged));
        if group.bytes >= GROUP_BYTES {
            head = group.add(rows, head)?;
            groups = groups.saturating_add(1);
            if groups.is_multiple_of(GROUPS_LOGGED_MAX) {
                connection::checkpoint(rows, "PASSIVE")?;
            }
        }
        Ok(())
    })?;
    group.add(rows, head)
}
