//! Charges and postings as tables for other programs, in the order of the journal.
//!
//! Source: accounts and money 2.1, interface 7.3.

use super::codec;
use super::derived::{ChargeLine, each_charge_line};
use super::entry::{Entry, MoneyMove, SettledPayment};
use super::pieces::item_of;
use super::reference::{self, Files, loaded};
use super::store::Store;
use super::writer::PostError;
use crate::batch::{RATED_HEADER, Recent, RowWriter, Source};
use crate::book::{AccountNo, Category, LedgerAccount, Transaction};
use crate::folder::Folder;
use crate::screen::{NumberForm, SourceKey};
use crate::store::{Details, StoreError};
use crate::units::{InstantMs, LocalDay};
use std::io::{self, Write};

/// The columns of charges: those of `rated.csv`, the local day and month of usage, what the revenue is for, and whether
/// the charge stands.
pub(super) fn charges_header() -> String {
    format!("{},day,month,category,state\n", RATED_HEADER.trim_end())
}

/// The columns of postings.
pub(super) const POSTINGS_HEADER: &str = "transaction,ledger_account,part,account_id,debit,credit,day,cause\n";

/// Rows are handed over when there are so many bytes of them.
const WRITTEN_AT_ONCE: usize = 1 << 20;

/// How many rows were exported.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Exported {
    /// Charges.
    pub charges: u64,
    /// Postings, two or more a transaction.
    pub postings: u64,
}

impl Store {
    /// Writes all charges and postings as CSV, with their headers. Memory does not grow with their number.
    pub fn export(&self, charges: &mut dyn Write, postings: &mut dyn Write) -> Result<Exported, PostError> {
        charges.write_all(charges_header().as_bytes())?;
        postings.write_all(POSTINGS_HEADER.as_bytes())?;
        let mut out = Export {
            store: self,
            charges,
            postings,
            rows: (Vec::new(), Vec::new()),
            done: Exported::default(),
            recent: Recent::default(),
            folder: None,
            files: Files::new(),
        };
        let mut problem = Ok(());
        self.journal().scan(1, Details::Skip, &mut |stored| {
            if problem.is_ok() {
                let seq = stored.seq;
                let entry = codec::decode(&stored.money).map_err(|error| PostError::Entry { seq, error });
                problem = entry.and_then(|entry| out.entry(seq, &entry));
            }
            match &problem {
                Ok(()) => Ok(()),
                // The rest of the journal need not be read.
                Err(error) => Err(StoreError::Refused { seq: stored.seq, why: error.to_string() }),
            }
        })?;
        problem?;
        out.flush()?;
        Ok(out.done)
    }
}

struct Export<'e> {
    store: &'e Store,
    charges: &'e mut dyn Write,
    postings: &'e mut dyn Write,
    rows: (Vec<u8>, Vec<u8>),
    done: Exported,
    recent: Recent,
    /// The reference data that decided.
    folder: Option<Folder>,
    files: Files,
}

impl Export<'_> {
    fn entry(&mut self, seq: u64, entry: &Entry) -> Result<(), PostError> {
        match entry {
            Entry::Reference(set) => {
                let stored = self.store.journal().read(seq)?;
                self.files = reference::unpack(set, stored.detail.as_deref().unwrap_or_default(), &self.files)?;
                let scratch = tempfile::tempdir()?;
                reference::materialise(scratch.path(), &self.files)?;
                self.folder = Some(loaded(Folder::open_knowing(scratch.path(), self.store.known_names()))?);
                self.recent = Recent::default();
                Ok(())
            }
            Entry::Piece(_) | Entry::Resolved(_) => self.of_usage(entry),
            Entry::Status(_) => Ok(()),
            Entry::Money(moves) => {
                let Some(folder) = self.folder.take() else { return Ok(()) };
                for of in moves {
                    self.of_money(of, &folder)?;
                }
                self.folder = Some(folder);
                Ok(())
            }
        }
    }

    fn of_usage(&mut self, entry: &Entry) -> Result<(), PostError> {
        let Some(folder) = self.folder.take() else { return Ok(()) };
        let mut lines: Vec<ChargeLine> = Vec::new();
        each_charge_line(entry, &mut |_, line| lines.push(line));
        let mut sources: Vec<Source> = Vec::new();
        for line in lines.iter().filter(|line| !line.reversal) {
            if !sources.iter().any(|known| known.name == line.source) {
                let (name, key) = (line.source.clone(), SourceKey::of(&line.source));
                sources.push(Source { name, key, number_form: NumberForm::Dialled });
            }
        }
        {
            let writer = RowWriter::new(&folder.reference, sources.iter().map(|source| (source, "")));
            for line in &lines {
                let place = sources.iter().position(|source| source.name == line.source).unwrap_or(0);
                self.charge(line, place, &writer, &folder)?;
            }
        }
        self.folder = Some(folder);
        Ok(())
    }

    fn charge(
        &mut self,
        line: &ChargeLine,
        source: usize,
        writer: &RowWriter<'_>,
        folder: &Folder,
    ) -> Result<(), PostError> {
        let posted = &line.posted;
        let version = folder.reference.tariffs.versions.get(usize::from(posted.version));
        let day = version.map_or_else(String::new, |version| version.zone.local(posted.at()).day.to_string());
        let transaction = posted.transaction();
        if line.reversal {
            let id = format!("{:032x}-back", line.key);
            return self.transaction(&id, &transaction.reversed(), &day, "correction", folder);
        }
        let row = &mut self.rows.0;
        writer.charge(&item_of(posted, line.key, 0), &line.record_id, source, row, &mut self.recent);
        row.pop();
        let category = Category::ALL.get(usize::from(posted.category)).map_or("", |category| category.name());
        let month = posted.period().first_day().to_string();
        let state = if self.store.books.reversed.contains(&line.key) { "reversed" } else { "standing" };
        writeln!(row, ",{day},{},{category},{state}", month.get(..7).unwrap_or_default())?;
        self.done.charges = self.done.charges.saturating_add(1);
        self.transaction(&format!("{:032x}", line.key), &transaction, &day, "usage", folder)
    }

    fn of_money(&mut self, of: &MoneyMove, folder: &Folder) -> Result<(), PostError> {
        let transaction = of.transaction();
        let id_of =
            |account: u32| String::from_utf8_lossy(folder.reference.register.id(AccountNo(account))).into_owned();
        let (id, at_ms, cause) = match of {
            MoneyMove::Opening { account, .. } => (format!("opening/{}", id_of(*account)), None, "opening"),
            MoneyMove::Payment(payment) => (payment.reference.clone(), Some(payment.paid_ms), "payment"),
            MoneyMove::Unidentified(payment) => (payment.reference.clone(), Some(payment.paid_ms), "unidentified"),
            MoneyMove::Identified(payment) | MoneyMove::IdentifiedSettled(SettledPayment { payment, .. }) => {
                (format!("{}/identified", payment.reference), Some(payment.paid_ms), "identified")
            }
            MoneyMove::Refund(refund) => (refund.reference.clone(), Some(refund.at_ms), "refund"),
            MoneyMove::Settled(of) => (of.payment.reference.clone(), Some(of.payment.paid_ms), "payment"),
            MoneyMove::Brought { account, .. } => (format!("opening/{}", id_of(*account)), None, "opening"),
            MoneyMove::Status(of) => {
                let (name, day) = (of.posting().map_or("", |posting| posting.name()), LocalDay(of.on));
                let id = format!("{name}/{}/{day}", id_of(of.account));
                return self.transaction(&id, &transaction, &day.to_string(), name, folder);
            }
        };
        let zone = folder.reference.tariffs.calendar();
        let day = at_ms.zip(zone).map_or_else(String::new, |(at, zone)| zone.local(InstantMs(at)).day.to_string());
        self.transaction(&id, &transaction, &day, cause, folder)
    }

    fn transaction(
        &mut self,
        id: &str,
        transaction: &Transaction,
        day: &str,
        cause: &str,
        folder: &Folder,
    ) -> Result<(), PostError> {
        let rows = &mut self.rows.1;
        for posting in &transaction.0 {
            let (name, part, no) = ledger_account(posting.account);
            let account = no.map_or(&b""[..], |no| folder.reference.register.id(no));
            crate::batch::push_field(rows, id.as_bytes());
            write!(rows, ",{name},{part},")?;
            crate::batch::push_field(rows, account);
            let amount = crate::units::Tiyn::new(posting.amount.get().saturating_abs());
            let (debit, credit) = if posting.amount.get() >= 0 {
                (amount.to_string(), String::new())
            } else {
                (String::new(), amount.to_string())
            };
            writeln!(rows, ",{debit},{credit},{day},{cause}")?;
            self.done.postings = self.done.postings.saturating_add(1);
        }
        if self.rows.0.len().max(self.rows.1.len()) >= WRITTEN_AT_ONCE { Ok(self.flush()?) } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.charges.write_all(&self.rows.0)?;
        self.postings.write_all(&self.rows.1)?;
        self.rows.0.clear();
        self.rows.1.clear();
        Ok(())
    }
}

/// An account of the ledger: its name, the month, category or channel that it is of, and the subscriber.
fn ledger_account(account: LedgerAccount) -> (&'static str, String, Option<AccountNo>) {
    match account {
        LedgerAccount::Unbilled(no) => ("unbilled usage", String::new(), Some(no)),
        LedgerAccount::Receivable(no, month) => {
            ("receivable", month.first_day().to_string().get(..7).unwrap_or_default().to_owned(), Some(no))
        }
        LedgerAccount::Advance(no) => ("advance", String::new(), Some(no)),
        LedgerAccount::AccruedRevenue(category) => ("accrued revenue", category.name().to_owned(), None),
        LedgerAccount::VatPayable => ("VAT payable", String::new(), None),
        LedgerAccount::Cash(channel) => ("cash", channel.name().to_owned(), None),
        LedgerAccount::Unidentified => ("unidentified payments", String::new(), None),
        LedgerAccount::TakenOver => ("taken over", String::new(), None),
        LedgerAccount::Doubtful(no) => ("doubtful receivable", String::new(), Some(no)),
        LedgerAccount::OffBalance(no) => ("off-balance bad debt", String::new(), Some(no)),
        LedgerAccount::CreditBalance(no) => ("credit balance", String::new(), Some(no)),
        LedgerAccount::Penalty(no) => ("penalties", String::new(), Some(no)),
        LedgerAccount::OffBalanceTotal => ("off-balance total", String::new(), None),
        LedgerAccount::BadDebtExpense => ("bad-debt expense", String::new(), None),
        LedgerAccount::RecoveredBadDebt => ("recovered bad debt", String::new(), None),
        LedgerAccount::ChargesTakenBack => ("charges taken back", String::new(), None),
        LedgerAccount::NonCoreIncome => ("non-core income", String::new(), None),
    }
}
