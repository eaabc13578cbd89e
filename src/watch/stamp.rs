use std::path::Path;
use std::time::SystemTime;

/// What a file looks like from outside: another stamp, perhaps other bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// Its size.
    pub bytes: u64,
    modified: Option<SystemTime>,
    /// Its number on its disk, and when that changed: of a file that was moved here, or whose permissions were mended.
    inode: (u64, i64, i64),
}

impl Stamp {
    /// The stamp of what lies under a path; none where there is nothing to be seen.
    pub fn of(path: &Path) -> Option<Self> {
        let data = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        let inode = {
            use std::os::unix::fs::MetadataExt;
            (data.ino(), data.ctime(), data.ctime_nsec())
        };
        #[cfg(not(unix))]
        let inode = (0, 0, 0);
        Some(Self { bytes: data.len(), modified: data.modified().ok(), inode })
    }
}
