use crate::record::{EventKind, names};
use crate::units::{InstantMs, LocalDay, Tiyn};
use std::fmt;

names! {
    /// Why services are off.
    pub enum OffCause {
        /// Money owed.
        Debt = "debt",
        /// A suspension that is not for the subscriber's violation.
        Suspension = "suspension",
        /// The contract ends.
        Termination = "termination",
    }
}

names! {
    /// Why a contract ended.
    pub enum TerminationReason {
        /// The subscriber's written refusal.
        Refusal = "refusal",
        /// Debt of a disconnected account.
        Debt = "debt",
        /// The subscriber belongs to another segment.
        Segment = "segment",
        /// The premises have a new owner.
        OwnerChange = "owner_change",
        /// Anything else.
        Other = "other",
    }
}

names! {
    /// Why services are off for a while.
    pub enum SuspensionCause {
        /// Investigative bodies ordered it (NET-19.8).
        Investigation = "investigation",
        /// The subscriber asked, for a long absence.
        Request = "request",
        /// A fault of the operator.
        Fault = "fault",
    }
}

/// What happened, with what its kind needs and no more.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each variant is described by the kind of its name")]
pub enum Happened {
    ContractSigned,
    ServicesOn,
    EquipmentInstalled,
    EquipmentDismantled,
    EquipmentNeverIssued,
    ServicesOff(OffCause),
    RefusalApplied { from: LocalDay },
    RemovalOrderOpened { order: Box<str> },
    RemovalOrderClosed { order: Box<str> },
    ActReturn { cost: Option<Tiyn> },
    ActAbsence { cost: Option<Tiyn> },
    EquipmentNotReturned { cost: Tiyn },
    NoticeReceived,
    AgreementSigned,
    AgreementMissed,
    ContractTerminated(TerminationReason),
    HopelessRecognised { protocol: Box<str> },
    WrittenOff { protocol: Box<str> },
    FraudFound { protocol: Box<str> },
    FraudAdjusted { protocol: Box<str> },
    Reapplied { receipt: bool },
    CreditMoveRequested { to: Box<str>, amount: Option<Tiyn> },
    CreditMoved { to: Box<str>, amount: Tiyn },
    CreditRefunded { to: Option<Box<str>>, amount: Tiyn },
    SegmentChanged { segment: Box<str> },
    OwnerChanged { account: Box<str> },
    Suspended(SuspensionCause),
    Resumed,
    AbsenceTold,
    DisputeOpened { amount: Tiyn },
    DisputeClosed { amount: Option<Tiyn> },
    RiskNotified,
}

/// Something that happened to an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// The instant, of a bare day its first.
    pub at: InstantMs,
    /// The local day of that instant.
    pub on: LocalDay,
    /// What.
    pub happened: Happened,
}

impl Event {
    /// Sorts events as they take effect: by instant, within one by kind, so that the order of a file decides nothing
    /// on a day without times. Stable: equal ones stay as they stand.
    pub fn order(events: &mut [Self]) {
        events.sort_by_key(Self::order_key);
    }

    /// What [`Self::order`] sorts by.
    pub const fn order_key(&self) -> (InstantMs, u8) {
        (self.at, place(self.happened.kind()))
    }
}

/// The place of a kind among events of one instant †: what ends comes before what begins, and each step of a closing
/// after the steps that it needs.
const fn place(kind: EventKind) -> u8 {
    match kind {
        EventKind::EquipmentInstalled | EventKind::EquipmentNeverIssued => 0,
        EventKind::AbsenceTold | EventKind::Suspended | EventKind::ServicesOff => 1,
        EventKind::NoticeReceived | EventKind::RefusalApplied | EventKind::RemovalOrderOpened => 2,
        EventKind::EquipmentDismantled | EventKind::RemovalOrderClosed => 3,
        EventKind::ActReturn | EventKind::ActAbsence | EventKind::EquipmentNotReturned => 4,
        EventKind::AgreementSigned => 5,
        EventKind::AgreementMissed | EventKind::SegmentChanged | EventKind::OwnerChanged => 6,
        EventKind::ContractTerminated => 7,
        EventKind::HopelessRecognised | EventKind::FraudFound | EventKind::CreditMoveRequested => 8,
        EventKind::WrittenOff | EventKind::FraudAdjusted | EventKind::CreditMoved | EventKind::CreditRefunded => 9,
        EventKind::Reapplied => 10,
        EventKind::ContractSigned => 11,
        EventKind::Resumed | EventKind::ServicesOn => 12,
        EventKind::DisputeOpened => 13,
        EventKind::DisputeClosed | EventKind::RiskNotified => 14,
    }
}

/// The columns of an event that depend on its kind, as text.
#[derive(Clone, Copy, Default, Debug)]
pub struct Columns<'t> {
    /// Tenge with at most two decimals.
    pub amount: &'t str,
    /// A number, a day, an account, a protocol.
    pub reference: &'t str,
    /// A word of the kind's list, or free text.
    pub note: &'t str,
}

/// A column that a kind needs is empty or cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadEvent {
    /// The kind.
    pub kind: EventKind,
    /// The column.
    pub column: &'static str,
    /// What the kind needs there.
    pub needs: &'static str,
}

impl fmt::Display for BadEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} needs {} in `{}`", self.kind, self.needs, self.column)
    }
}

impl std::error::Error for BadEvent {}

impl Happened {
    /// Reads what a kind needs. Columns that it does not need are free text and are not read.
    ///
    /// Amounts are above zero; an order, protocol, account or segment is not empty.
    ///
    /// ```
    /// use esep::classify::{Columns, Happened, OffCause};
    /// use esep::record::EventKind;
    /// let off = Columns { note: "debt", ..Columns::default() };
    /// assert_eq!(Happened::read(EventKind::ServicesOff, off), Ok(Happened::ServicesOff(OffCause::Debt)));
    /// let error = Happened::read(EventKind::ServicesOff, Columns::default()).unwrap_err();
    /// assert_eq!(error.to_string(), "services_off needs debt, suspension or termination in `note`");
    /// ```
    ///
    /// Source: interface 7.5.
    pub fn read(kind: EventKind, columns: Columns<'_>) -> Result<Self, BadEvent> {
        let bad = |column, needs| BadEvent { kind, column, needs };
        let reference = |needs| match columns.reference.trim() {
            "" => Err(bad("reference", needs)),
            text => Ok(Box::<str>::from(text)),
        };
        let protocol = || reference("the commission's protocol");
        let optional_amount = |needs| match columns.amount {
            "" => Ok(None),
            text => match Tiyn::parse(text) {
                Ok(amount) if amount > Tiyn::ZERO => Ok(Some(amount)),
                Ok(_) | Err(_) => Err(bad("amount", needs)),
            },
        };
        let amount = |needs| optional_amount(needs)?.ok_or_else(|| bad("amount", needs));
        let cost = "the cost of what was not returned, above zero";
        let part = "the disputed part, above zero";
        let money = "an amount above zero";
        Ok(match kind {
            EventKind::ContractSigned => Self::ContractSigned,
            EventKind::ServicesOn => Self::ServicesOn,
            EventKind::EquipmentInstalled => Self::EquipmentInstalled,
            EventKind::EquipmentDismantled => Self::EquipmentDismantled,
            EventKind::EquipmentNeverIssued => Self::EquipmentNeverIssued,
            EventKind::ServicesOff => Self::ServicesOff(
                OffCause::parse(columns.note.as_bytes())
                    .ok_or_else(|| bad("note", "debt, suspension or termination"))?,
            ),
            EventKind::RefusalApplied => Self::RefusalApplied {
                from: LocalDay::parse(columns.reference)
                    .map_err(|_| bad("reference", "the day from which service is refused"))?,
            },
            EventKind::RemovalOrderOpened => Self::RemovalOrderOpened { order: reference("the order's number")? },
            EventKind::RemovalOrderClosed => Self::RemovalOrderClosed { order: reference("the order's number")? },
            EventKind::ActReturn => Self::ActReturn { cost: optional_amount(cost)? },
            EventKind::ActAbsence => Self::ActAbsence { cost: optional_amount(cost)? },
            EventKind::EquipmentNotReturned => Self::EquipmentNotReturned { cost: amount(cost)? },
            EventKind::NoticeReceived => Self::NoticeReceived,
            EventKind::AgreementSigned => Self::AgreementSigned,
            EventKind::AgreementMissed => Self::AgreementMissed,
            EventKind::ContractTerminated => Self::ContractTerminated(
                TerminationReason::parse(columns.note.as_bytes())
                    .ok_or_else(|| bad("note", "refusal, debt, segment, owner_change or other"))?,
            ),
            EventKind::HopelessRecognised => Self::HopelessRecognised { protocol: protocol()? },
            EventKind::WrittenOff => Self::WrittenOff { protocol: protocol()? },
            EventKind::FraudFound => Self::FraudFound { protocol: protocol()? },
            EventKind::FraudAdjusted => Self::FraudAdjusted { protocol: protocol()? },
            EventKind::Reapplied => match columns.note {
                "" => Self::Reapplied { receipt: false },
                "receipt" => Self::Reapplied { receipt: true },
                _ => return Err(bad("note", "nothing, or receipt where one was shown")),
            },
            EventKind::CreditMoveRequested => {
                Self::CreditMoveRequested { to: reference("the account or card")?, amount: optional_amount(money)? }
            }
            EventKind::CreditMoved => {
                Self::CreditMoved { to: reference("the account or card")?, amount: amount(money)? }
            }
            EventKind::CreditRefunded => Self::CreditRefunded {
                to: Some(columns.reference.trim()).filter(|to| !to.is_empty()).map(Box::from),
                amount: amount(money)?,
            },
            EventKind::SegmentChanged => Self::SegmentChanged { segment: reference("the new segment")? },
            EventKind::OwnerChanged => Self::OwnerChanged { account: reference("the new account")? },
            EventKind::Suspended => Self::Suspended(
                SuspensionCause::parse(columns.note.as_bytes())
                    .ok_or_else(|| bad("note", "investigation, request or fault"))?,
            ),
            EventKind::Resumed => Self::Resumed,
            EventKind::AbsenceTold => Self::AbsenceTold,
            EventKind::DisputeOpened => Self::DisputeOpened { amount: amount(part)? },
            EventKind::DisputeClosed => Self::DisputeClosed { amount: optional_amount(part)? },
            EventKind::RiskNotified => Self::RiskNotified,
        })
    }

    /// The kind.
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::ContractSigned => EventKind::ContractSigned,
            Self::ServicesOn => EventKind::ServicesOn,
            Self::EquipmentInstalled => EventKind::EquipmentInstalled,
            Self::EquipmentDismantled => EventKind::EquipmentDismantled,
            Self::EquipmentNeverIssued => EventKind::EquipmentNeverIssued,
            Self::ServicesOff(_) => EventKind::ServicesOff,
            Self::RefusalApplied { .. } => EventKind::RefusalApplied,
            Self::RemovalOrderOpened { .. } => EventKind::RemovalOrderOpened,
            Self::RemovalOrderClosed { .. } => EventKind::RemovalOrderClosed,
            Self::ActReturn { .. } => EventKind::ActReturn,
            Self::ActAbsence { .. } => EventKind::ActAbsence,
            Self::EquipmentNotReturned { .. } => EventKind::EquipmentNotReturned,
            Self::NoticeReceived => EventKind::NoticeReceived,
            Self::AgreementSigned => EventKind::AgreementSigned,
            Self::AgreementMissed => EventKind::AgreementMissed,
            Self::ContractTerminated(_) => EventKind::ContractTerminated,
            Self::HopelessRecognised { .. } => EventKind::HopelessRecognised,
            Self::WrittenOff { .. } => EventKind::WrittenOff,
            Self::FraudFound { .. } => EventKind::FraudFound,
            Self::FraudAdjusted { .. } => EventKind::FraudAdjusted,
            Self::Reapplied { .. } => EventKind::Reapplied,
            Self::CreditMoveRequested { .. } => EventKind::CreditMoveRequested,
            Self::CreditMoved { .. } => EventKind::CreditMoved,
            Self::CreditRefunded { .. } => EventKind::CreditRefunded,
            Self::SegmentChanged { .. } => EventKind::SegmentChanged,
            Self::OwnerChanged { .. } => EventKind::OwnerChanged,
            Self::Suspended(_) => EventKind::Suspended,
            Self::Resumed => EventKind::Resumed,
            Self::AbsenceTold => EventKind::AbsenceTold,
            Self::DisputeOpened { .. } => EventKind::DisputeOpened,
            Self::DisputeClosed { .. } => EventKind::DisputeClosed,
            Self::RiskNotified => EventKind::RiskNotified,
        }
    }
}
