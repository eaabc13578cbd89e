//! What a journal entry says. Plain data: every number means today what it will mean in ten years, and what is read
//! back is applied by the code that applied it first.

pub use crate::book::{Posted, Reversal};
use serde::{Deserialize, Serialize};

/// One entry. Its money part; personal detail stands beside it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entry {
    /// The reference data is this from here on.
    Reference(ReferenceSet),
    /// A piece of a feed, and what became of each of its records.
    Piece(Box<Piece>),
    /// Money that moved, and why.
    Money(Vec<MoneyMove>),
    /// Records that waited and wait no longer.
    Resolved(Resolutions),
    /// Statuses are recorded up to a day: which accounts moved, and what is to be done.
    Status(Box<StatusRun>),
}

/// Reference data as named files. Tariffs, prefixes and formats stand in the money part; accounts, lines, plans of
/// accounts and events are personal and stand in the detail.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct ReferenceSet {
    /// Of the names and hashes of all files, in order.
    pub hash: u128,
    /// All files, by name.
    pub files: Vec<ReferenceFile>,
    /// The contents that are new, packed, in the order of `files`; empty for the others.
    #[serde(with = "serde_bytes")]
    pub packed: Vec<u8>,
    /// Plans by their number: numbers never change their meaning.
    pub plans: Vec<String>,
    /// Zones by their number.
    pub zones: Vec<String>,
    /// Roaming partners by their number.
    pub networks: Vec<String>,
    /// Names of the tariff versions, by their place.
    pub versions: Vec<String>,
    /// The time zone of all of them.
    pub time_zone: String,
    /// Hashes of the ids of the accounts that are new, by their number behind the last one known.
    pub new_accounts: Vec<u64>,
}

/// A file of the reference data.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReferenceFile {
    /// Its name in the folder of 7.1.
    pub name: String,
    /// Of its content.
    pub hash: u128,
    /// Its length.
    pub bytes: u64,
    /// Where its content stands.
    pub content: Content,
}

/// Where the content of a reference file stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Content {
    /// As in the set before.
    Kept,
    /// So many packed bytes of the money part.
    Money(u64),
    /// So many packed bytes of the detail.
    Detail(u64),
}

/// A file of a feed, as its outcomes name it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct FileKey {
    /// The feed.
    pub source: String,
    /// The name within the folder.
    pub name: String,
}

/// Records of one piece of a feed. Its detail is the piece itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Piece {
    /// Number of the reference set that decided, from 1.
    pub reference: u32,
    /// The file.
    pub file: FileKey,
    /// The file began otherwise than before: it was read from its beginning.
    pub anew: bool,
    /// The line that names the columns of the file.
    #[serde(with = "serde_bytes")]
    pub header: Vec<u8>,
    /// Bytes of the file before the piece that are of no record: the header as it stands there, with its end. Only of
    /// the first piece of a file.
    #[serde(with = "serde_bytes")]
    pub lead: Vec<u8>,
    /// How far the file is read behind the piece.
    pub end: Position,
    /// How far it was read before the piece; equal to `end` where the piece only says that the file was looked at.
    pub start: Position,
    /// Line of the file at which the piece begins, from 1.
    pub first_line: u64,
    /// Lines that are not blank.
    pub records: u64,
    /// Ids of the records that have one, joined.
    #[serde(with = "serde_bytes")]
    pub ids: Vec<u8>,
    /// In the order of lines.
    pub rows: Vec<Row>,
    /// Records of earlier pieces that a record of this one completed.
    pub resolved: Vec<Resolved>,
}

/// How far a file is read.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Position {
    /// Bytes, unpacked.
    pub bytes: u64,
    /// Physical lines.
    pub lines: u64,
    /// Hash of those bytes.
    pub hash: u128,
}

/// A record and what became of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Line, counted from 0 within the piece.
    pub line: u32,
    /// Length of its id in `ids`.
    pub id_length: u32,
    /// Hash of its normalised content; 0 where it has no key.
    pub content: u64,
    /// Where it ended.
    pub outcome: Outcome,
    /// The charge that it replaced.
    pub reversed: Option<Box<Reversal>>,
}

/// Where a record ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// Charged, perhaps 0.00.
    Rated(Posted),
    /// Place of the reason in [`crate::record::FilterReason::ALL`].
    Filtered(u8),
    /// The key came before; `true` where the content differs.
    Duplicate(bool),
    /// Kept until the reference data is mended.
    Suspended(Suspended),
    /// A part of a call whose other parts are awaited: suspended as incomplete.
    Waiting(Box<WaitingPart>),
    /// Not a usage record.
    Rejected(Rejected),
    /// The part that completed its call: what became of it stands in `resolved`.
    WithItsCall,
    /// Written off by a person.
    WrittenOff(WriteOff),
}

/// Why a record waits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Suspended {
    /// Place in [`crate::record::SuspendReason::ALL`].
    pub reason: u8,
    /// What a person needs to mend it.
    pub detail: String,
    /// When the usage was, ms.
    pub at_ms: i64,
}

/// Bytes that are not a usage record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rejected {
    /// Place in [`crate::record::RejectReason::ALL`].
    pub reason: u8,
    /// What a person needs to mend it.
    pub detail: String,
    /// Length of the line.
    pub bytes: u64,
    /// Hash of the line.
    pub hash: u128,
}

/// A suspended record that a person gave up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WriteOff {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A part of a call whose other parts are awaited.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WaitingPart {
    /// Key of the call.
    pub call: u128,
    /// From 1.
    pub number: u32,
    /// It is the last.
    pub last: bool,
    /// Its tariff clock started, ms.
    pub began_ms: i64,
    /// Its release, ms.
    pub released_ms: Option<i64>,
    /// What it is charged as a whole of its own: the account, plan, zone and class of the call.
    pub posted: Posted,
    /// Why it cannot be rated, whatever the other parts are; with the words for a person.
    pub suspended: Option<Suspended>,
    /// Volume, bytes.
    pub bytes: u64,
    /// Events.
    pub quantity: u64,
    /// It has a release.
    pub timed: bool,
    /// Place in [`crate::record::Direction::ALL`].
    pub direction: u8,
    /// 0 at home, 1 elsewhere, else a named network + 2.
    pub presence: u16,
    /// First day of the plan, days since 1970.
    pub plan_since: Option<i32>,
    /// Rated at 0.00 whatever the plan says.
    pub free: bool,
    /// Owed in full whatever the balance is.
    pub owed_in_full: bool,
    /// Key of the record that it replaces.
    pub corrects: Option<u128>,
}

/// A record that waited, and what became of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Resolved {
    /// Its key.
    pub key: u128,
    /// Key of its call, where it is a part that waited.
    pub call: Option<u128>,
    /// Its id.
    #[serde(with = "serde_bytes")]
    pub record_id: Vec<u8>,
    /// Its content.
    pub content: u64,
    /// Where it stands.
    pub file: FileKey,
    /// Line of the file, from 1.
    pub line: u64,
    /// Where it ended now.
    pub outcome: Outcome,
    /// The charge that it replaced.
    pub reversed: Option<Box<Reversal>>,
}

/// Records that were recycled or written off.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Resolutions {
    /// Number of the reference set that decided.
    pub reference: u32,
    /// The records.
    pub records: Vec<Resolved>,
}

/// Money that moved but for usage.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum MoneyMove {
    /// What an account brought from the books before these: above zero the client's, below zero owed since a month.
    Opening {
        /// Account number.
        account: u32,
        /// Tiyn.
        amount: i64,
        /// The month whose debt it is.
        month: i32,
        /// The account pays in advance: its usage is cut off where this ends.
        ahead: bool,
    },
    /// A payment of an account.
    Payment(Payment),
    /// A payment whose account is not known: held, never lost.
    Unidentified(UnidentifiedPayment),
    /// A held payment, of an account that is known now.
    Identified(Payment),
    /// Money given back.
    Refund(Refund),
    /// What a move or an event of the life of an account asks of the ledger.
    Status(StatusPosting),
    /// A payment of an account that has more than receivables to pay.
    Settled(SettledPayment),
    /// Debt of a rare kind that an account brought from the books before these.
    Brought {
        /// Account number.
        account: u32,
        /// Tiyn, above zero.
        amount: i64,
        /// Which.
        kind: Brought,
    },
    /// A held payment, of an account that is known now and has more than receivables to pay.
    IdentifiedSettled(SettledPayment),
}

/// Kinds of debt that an account may bring.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Brought {
    /// Doubtful, recognised as hopeless or not.
    Doubtful,
    /// Written off, carried off-balance.
    OffBalance,
    /// Penalty.
    Penalty,
}

/// A posting of the life of an account. Parts are debits above zero, tiyn; what is left of them is the posting's own
/// counter account.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct StatusPosting {
    /// Account number.
    pub account: u32,
    /// The local day, since 1970.
    pub on: i32,
    /// Place in [`crate::classify::Posting::ALL`].
    pub posting: u8,
    /// What the life asked for, above zero. Where the ledger has less, because it was paid since, less is posted.
    pub asked: i64,
    /// Receivables by month.
    pub debts: Vec<(i32, i64)>,
    /// Used and not invoiced.
    pub unbilled: i64,
    /// Paid ahead.
    pub advance: i64,
    /// Doubtful.
    pub doubtful: i64,
    /// Off-balance, against its total.
    pub off_balance: i64,
    /// Credit balance.
    pub credit: i64,
    /// Penalty.
    pub penalty: i64,
}

/// A payment that pays more kinds of debt than receivables.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SettledPayment {
    /// The payment; its `advance` is what is left behind all debts.
    pub payment: Payment,
    /// Doubtful debt that it paid, tiyn.
    pub doubtful: i64,
    /// Written-off debt that it paid.
    pub recovered: i64,
    /// Penalty that it paid.
    pub penalty: i64,
}

/// Statuses up to and with a day, all of them. Its postings stand in the [`Entry::Money`] behind it.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct StatusRun {
    /// The local day, since 1970.
    pub as_of: i32,
    /// Moves that no run before has recorded, by account, in their order.
    pub moves: Vec<StatusMove>,
    /// Tasks that no run before has given.
    pub tasks: Vec<TaskGiven>,
    /// Tasks that somebody says are done.
    pub done: Vec<TaskDone>,
}

/// A recorded status changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StatusMove {
    /// Account number.
    pub account: u32,
    /// The local day, since 1970.
    pub on: i32,
    /// Place in [`crate::classify::Status::ALL`]; none is: the account was opened.
    pub from: Option<u8>,
    /// Place in [`crate::classify::Status::ALL`].
    pub to: u8,
    /// Place in [`crate::law::StatusRule::ALL`].
    pub rule: u16,
}

/// A task was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TaskGiven {
    /// Account number.
    pub account: u32,
    /// The local day, since 1970.
    pub on: i32,
    /// Place in [`crate::classify::Task::ALL`].
    pub task: u8,
    /// Until when.
    pub due: TaskDue,
}

/// Until when a task is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TaskDue {
    /// By an instant, ms.
    At(i64),
    /// By the end of a local day, since 1970.
    On(i32),
    /// Nobody says.
    Open,
}

/// Somebody says that a task is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TaskDone {
    /// Account number.
    pub account: u32,
    /// The local day, since 1970: tasks given up to it are done.
    pub on: i32,
    /// Place in [`crate::classify::Task::ALL`].
    pub task: u8,
}

/// A payment with what it paid.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Payment {
    /// Its reference: the idempotency key.
    pub reference: String,
    /// Account number.
    pub account: u32,
    /// As paid, tiyn.
    pub amount: i64,
    /// When, ms.
    pub paid_ms: i64,
    /// Place in [`crate::book::Channel::ALL`].
    pub channel: u8,
    /// VAT taken out of it before it is credited (BT-16.1), tiyn; 0 but for a budget's.
    pub vat: i64,
    /// Debts that it paid, by month, oldest first.
    pub debts: Vec<(i32, i64)>,
    /// The rest.
    pub advance: i64,
    /// The account pays in advance: all that is credited pays for usage.
    pub ahead: bool,
}

/// A payment whose account is not known.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UnidentifiedPayment {
    /// Its reference: the idempotency key.
    pub reference: String,
    /// The account that it names.
    pub account_id: String,
    /// Tiyn.
    pub amount: i64,
    /// When, ms.
    pub paid_ms: i64,
    /// Place in [`crate::book::Channel::ALL`].
    pub channel: u8,
}

/// Money given back out of an advance.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Refund {
    /// Its reference: the idempotency key.
    pub reference: String,
    /// Account number.
    pub account: u32,
    /// Tiyn, above zero.
    pub amount: i64,
    /// When, ms.
    pub at_ms: i64,
    /// Place in [`crate::book::Channel::ALL`].
    pub channel: u8,
}
