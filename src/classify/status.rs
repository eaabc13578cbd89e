use crate::law::{Language, StatusRule};
use crate::record::names;

names! {
    /// The status of a personal account. There are ten and no other may exist.
    ///
    /// Source: PA-5.
    pub enum Status {
        /// Opened in this period.
        New = "new",
        /// In service.
        Current = "current",
        /// With an overdue receivable.
        Overdue = "overdue",
        /// Disconnected for debt.
        Disconnected = "disconnected",
        /// Closed, nothing owed.
        Closed = "closed",
        /// Closed with a doubtful receivable.
        ClosedDoubtful = "closed_doubtful",
        /// Closed with a written-off hopeless receivable.
        ClosedWrittenOff = "closed_written_off",
        /// Closed with a credit balance.
        ClosedCredit = "closed_credit",
        /// Closed with a doubtful credit balance.
        ClosedDoubtfulCredit = "closed_doubtful_credit",
        /// Archived.
        Archived = "archived",
    }
}

impl Status {
    /// The paragraph that describes the status.
    pub const fn rule(self) -> StatusRule {
        match self {
            Self::New => StatusRule::Pa4_1,
            Self::Current => StatusRule::Pa4_2,
            Self::Overdue => StatusRule::Pa4_5,
            Self::Disconnected => StatusRule::Pa4_6,
            Self::Closed => StatusRule::Pa4_3,
            Self::ClosedDoubtful => StatusRule::Pa4_7,
            Self::ClosedWrittenOff => StatusRule::Pa4_8,
            Self::ClosedCredit => StatusRule::Pa4_9,
            Self::ClosedDoubtfulCredit => StatusRule::Pa4_10,
            Self::Archived => StatusRule::Pa4_4,
        }
    }

    /// The mark on the account's card, for people.
    pub const fn label(self, language: Language) -> &'static str {
        let [kazakh, russian, english] = match self {
            Self::New => ["жаңа", "новый", "new"],
            Self::Current => ["ағымдағы", "текущий", "current"],
            Self::Overdue => ["МӨДБ", "с просроченной задолженностью", "with overdue debt"],
            Self::Disconnected => ["дебиторлық берешек үшін ажыратылған", "отключён за долг", "disconnected for debt"],
            Self::Closed => ["жабық", "закрытый", "closed"],
            Self::ClosedDoubtful => ["КДБ-мен жабық", "закрытый с сомнительным долгом", "closed with doubtful debt"],
            Self::ClosedWrittenOff => [
                "есептен шығарылған үмітсіз берешегі бар жабық",
                "закрытый со списанным безнадёжным долгом",
                "closed with written-off debt",
            ],
            Self::ClosedCredit => {
                ["кредиторлық берешегі бар жабық", "закрытый с переплатой", "closed with a credit balance"]
            }
            Self::ClosedDoubtfulCredit => [
                "күмәнді кредиторлық берешегі бар жабық",
                "закрытый с сомнительной переплатой",
                "closed with a doubtful credit balance",
            ],
            Self::Archived => ["мұрағаттық", "архивный", "archived"],
        };
        match language {
            Language::Kazakh => kazakh,
            Language::Russian => russian,
            Language::English => english,
        }
    }

    /// The contract of such an account has ended.
    pub const fn is_closed(self) -> bool {
        match self {
            Self::New | Self::Current | Self::Overdue | Self::Disconnected => false,
            Self::Closed
            | Self::ClosedDoubtful
            | Self::ClosedWrittenOff
            | Self::ClosedCredit
            | Self::ClosedDoubtfulCredit
            | Self::Archived => true,
        }
    }
}
