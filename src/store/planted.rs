//! Faults of the container that tests plant in it, to see that a test finds each. Without the feature `power-loss`
//! none can be planted, and the compiler leaves the questions out.

/// What the container does wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(not(feature = "power-loss"), allow(dead_code, reason = "planted by tests with the feature only"))]
pub enum Bug {
    /// SQLite does not wait for the disk.
    SyncSkipped,
    /// The parts of entries that stand in a file of their own are not waited for.
    PartsNotSynced,
    /// An append returns before its transaction is committed; the next one commits it.
    AcknowledgedEarly,
    /// An append is written in two transactions.
    SplitInTwo,
    /// The second copy of the head is left as it was.
    HeadRowStale,
    /// The third copy of the head is written, and synced, before the entries.
    HeadFileFirst,
    /// The third copy of the head is never written again.
    HeadFileStale,
    /// Both slots of the third copy are written before either is synced.
    HeadFileBothSlots,
    /// A store that is shorter than its third copy says is opened all the same.
    TailNotMissed,
    /// A part is not compared with its hash.
    HashNotCompared,
    /// An entry's header is not compared with its link.
    HeaderNotCompared,
    /// An entry's link is not compared with that of the entry before.
    ChainNotCompared,
    /// The mark of purged details is not looked at.
    PurgeNotMarked,
    /// The store is written to without its lock.
    LockNotTaken,
    /// A new store gets its name before its content is durable.
    NamedEarly,
    /// The folder of a new store is not synced.
    FolderNotSynced,
    /// A backup takes the file as it stands.
    BackupByFileCopy,
    /// After an append that failed halfway the journal goes on.
    GoesOnAfterError,
}
