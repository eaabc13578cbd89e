use std::fmt;
use std::io;

/// What is wrong with a file, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage {
    /// Name of the file within its folder.
    pub file: String,
    /// The first byte of what is wrong: a block, an index, a footer.
    pub offset: u64,
    /// What is wrong there.
    pub flaw: Flaw,
}

/// What can be wrong with a file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Flaw {
    /// It is listed and not there.
    Missing,
    /// It is shorter than it says.
    Short,
    /// It is not of this kind.
    Foreign,
    /// It was written by a version that this one does not know.
    Version,
    /// It is not the file that the list names.
    Unlisted,
    /// The journal has no such entries, or others.
    OtherJournal,
    /// The first page is not as it was written.
    Header,
    /// A block is not as it was written.
    Block,
    /// The index is not as it was written, or not that of the blocks.
    Index,
    /// The footer is not as it was written.
    Footer,
    /// Records are not in order.
    Order,
    /// There are not as many records as were written.
    Count,
    /// The list of files is not as it was written.
    List,
    /// There is no list of files.
    NoList,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the file is missing",
            Self::Short => "the file is cut short",
            Self::Foreign => "the file is not of this kind",
            Self::Version => "the file is of a version that is not known here",
            Self::Unlisted => "the file is not the one that the list names",
            Self::OtherJournal => "the file does not belong to this journal",
            Self::Header => "the first page is damaged",
            Self::Block => "a block is damaged",
            Self::Index => "the index is damaged",
            Self::Footer => "the footer is damaged",
            Self::Order => "records are out of order",
            Self::Count => "the number of records is wrong",
            Self::List => "the list of files is damaged",
            Self::NoList => "there is no list of files",
        })
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (byte {})", self.file, self.flaw, self.offset)
    }
}

/// Why a sealed file could not be written or read.
#[derive(Debug)]
pub enum SealedError {
    /// The system refused. What is live is as before.
    Io {
        /// Name of the file within its folder.
        file: String,
        /// What was tried.
        doing: &'static str,
        /// What the system says.
        cause: io::Error,
    },
    /// A file is not what was written. Forget it, then seal what it covered again.
    Damaged(Damage),
    /// These entries are covered already.
    Overlap {
        /// The first entry to be sealed.
        first: u64,
        /// The last entry.
        last: u64,
        /// The file that covers some of them.
        file: String,
    },
    /// A record is before the one before it.
    OutOfOrder {
        /// Its entry.
        seq: u64,
        /// Its number in the entry.
        index: u32,
    },
    /// A record is not of an entry that is being sealed.
    Outside {
        /// Its entry.
        seq: u64,
    },
    /// A record is too long.
    TooLong {
        /// Its length, bytes.
        bytes: usize,
    },
    /// There is no room for more records in one file: seal, and go on with an empty builder.
    Full,
}

impl SealedError {
    /// For `map_err` of what a disk returns.
    pub(super) fn io(file: &str, doing: &'static str) -> impl FnOnce(io::Error) -> Self + use<> {
        let file = file.to_owned();
        move |cause| Self::Io { file, doing, cause }
    }
}

impl From<Damage> for SealedError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

impl fmt::Display for SealedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { file, doing, cause } => write!(f, "cannot {doing} {file}: {cause}"),
            Self::Damaged(damage) => damage.fmt(f),
            Self::Overlap { first, last, file } => {
                write!(f, "entries {first} to {last} are covered by {file} already")
            }
            Self::OutOfOrder { seq, index } => write!(f, "record {index} of entry {seq} came after a later one"),
            Self::Outside { seq } => write!(f, "entry {seq} is not among those that are sealed"),
            Self::TooLong { bytes } => write!(f, "a record of {bytes} bytes is too long to be sealed"),
            Self::Full => f.write_str("no room for more records in one sealed file"),
        }
    }
}

impl std::error::Error for SealedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { cause, .. } => Some(cause),
            Self::Damaged(_)
            | Self::Overlap { .. }
            | Self::OutOfOrder { .. }
            | Self::Outside { .. }
            | Self::TooLong { .. }
            | Self::Full => None,
        }
    }
}
