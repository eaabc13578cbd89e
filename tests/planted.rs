//! The checker is checked: faults of the books, each planted between deciding and keeping, each found.
//!
//! A fault is a change of what is kept, as a fault of the program would have made it: the container's checksums are
//! right, the books in memory are right. These are 34; the container itself has 16 more, each with its test, in the table of
//! `tests/store_power_loss.rs` (decision 0029).
//!
//! | test | what went wrong | found by |
//! |---|---|---|
//! | `record_lost` | a record has no outcome | its line has no row |
//! | `record_lost_and_still_counted` | fewer rows than records | the fold |
//! | `file_counted_twice` | a file's records are charged again | rated again: duplicates |
//! | `tail_dropped` | the last entries were acknowledged and not kept | other books than those acknowledged |
//! | `acknowledged_early` | an append is kept by the next one only | other books than those acknowledged |
//! | `entry_dropped_in_the_middle` | a piece is missing | position |
//! | `posting_unbalanced` | debits are not credits | the fold |
//! | `reversal_not_exact` | less is taken back than was charged | rated again |
//! | `reversal_of_nothing` | what never stood is taken back | look-up of what was taken back |
//! | `vat_not_extracted` | a budget's payment is credited with its VAT | decided again |
//! | `payment_pays_no_debt` | an advance while a debt stands | decided again |
//! | `opening_lost`, `opening_twice` | | accounts of the reference data |
//! | `duplicate_charged` | a key is charged twice | rated again |
//! | `alarm_lost` | other content under a known key is not told | rated again |
//! | `suspended_lost` | a record that waits is filtered | rated again |
//! | `filtered_charged` | a busy call is charged | rated again |
//! | `position_ahead_of_rows` | bytes are skipped | bytes of the file |
//! | `position_without_bytes` | the hash of other bytes | bytes of the file |
//! | `not_owed_counted_as_owed` | CELL-48 | rated again |
//! | `one_tiyn_more` | | rated again |
//! | `another_account_charged` | | rated again |
//! | `allowance_not_taken`, `balance_misread` | | rated again |
//! | `part_forgotten` | a part of a call does not wait | rated again |
//! | `wrong_pinned_tariff` | an outcome names another set | the fold |
//! | `reference_lost` | the tariff that decided is not kept | rated again |
//! | `lines_of_another_piece`, `lines_cut` | | bytes of the file |
//! | `segment_before_journal` | what is sealed is not what is kept | segments |
//! | `snapshot_before_journal` | a snapshot of what is not kept so | snapshot |
//! | `key_lost` | a record's key is kept as a duplicate's | key runs |
//! | `payment_twice` | a reference is booked twice | the fold |
//! | `payment_lost` | acknowledged and not kept | other books than those acknowledged |
//! | `seconds_lost` | usage is shorter than it was | rated again |

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    reason = "a test may stop at the first surprise"
)]

mod books {
    pub(crate) mod month;
}

use books::month::{HEADER, call, ingest, said, small, verified};
use esep::post::entry::{Entry, MoneyMove, Outcome, Piece, Posted};
use esep::post::{Store, decode, encode};
use esep::store::{self, Details, Each, Entries, Head, Journal, SqliteJournal, StoreError, Stored};
use std::fs;

/// What is kept of an append: entries with their details.
type Kept = Vec<(Entry, Vec<u8>)>;

/// A journal that keeps something else than it was told.
struct Planted<F> {
    inner: SqliteJournal,
    change: F,
    /// What is told to be there.
    head: Head,
}

impl<F> Entries for Planted<F> {
    fn head(&self) -> Head {
        self.head
    }

    fn read(&self, seq: u64) -> Result<Stored, StoreError> {
        self.inner.read(seq)
    }

    fn scan(&self, from: u64, details: Details, each: &mut Each<'_>) -> Result<(), StoreError> {
        self.inner.scan(from, details, each)
    }

    fn link(&self, seq: u64) -> Result<[u8; 32], StoreError> {
        self.inner.link(seq)
    }
}

impl<F: FnMut(&mut Kept)> Journal for Planted<F> {
    fn append(&mut self, entries: &[store::Entry]) -> Result<Head, StoreError> {
        let schema = entries.first().map_or(1, |entry| entry.schema);
        let mut kept: Kept = entries.iter().map(|e| (decode(&e.money).unwrap(), e.detail.to_vec())).collect();
        (self.change)(&mut kept);
        let entry = |(entry, detail): (Entry, Vec<u8>)| {
            let money = encode(&entry).unwrap().into();
            store::Entry { schema, money, detail: detail.into() }
        };
        let kept: Vec<store::Entry> = kept.into_iter().map(entry).collect();
        let head = self.inner.append(&kept)?;
        self.head = Head { count: self.head.count + entries.len() as u64, chain: head.chain };
        Ok(self.head)
    }
}

/// How a fault is to be found.
#[derive(Clone, Copy)]
enum Found {
    /// `verify` says so.
    Told(&'static str),
    /// The books are not those that were acknowledged.
    Unacknowledged,
    /// `verify` says so, of what is sealed too.
    Sealed(&'static str),
}

/// Ingests a folder, changes its tariff, and ingests more, with a fault. It must be found, and nothing without it.
fn plant(change: impl FnMut(&mut Kept) + 'static, found: Found) {
    let dir = tempfile::tempdir().unwrap();
    let (folder, data) = (dir.path().join("folder"), dir.path().join("data"));
    small(&folder);
    let busy = "f,voice,77010000001,77270000001,2026-03-03T09:00:00+05:00,,2026-03-03T09:00:09+05:00,q850:17,,,,\n";
    let files = [
        vec![
            call("a", 1, 1, 3, ",,,"),
            call("b", 2, 2, 4, ",,,"),
            busy.to_owned(),
            call("s", 9, 3, 1, ",,,"),
            call("p1", 1, 9, 1, "c1,1,false,"),
            "garbage\n".to_owned(),
        ],
        vec![
            call("c", 2, 2, 2, ",,,b"),
            call("a", 1, 1, 3, ",,,"),
            call("a", 1, 1, 4, ",,,"),
            call("n", 2, 60, 30, ",,,"),
            call("m", 2, 61, 1, ",,,"),
        ],
        vec![call("e", 1, 70, 5, ",,,"), call("p2", 1, 10, 1, "c1,2,true,")],
    ];
    let inner = SqliteJournal::create(&data, "test").unwrap();
    let head = inner.head();
    let mut store = Store::over(&data, Box::new(Planted { inner, change, head })).unwrap();
    for (at, lines) in files.iter().enumerate() {
        fs::write(folder.join(format!("feeds/f{at}.csv")), format!("{HEADER}{}", lines.concat())).unwrap();
        if at == 2 {
            // Another price, for what comes from now on.
            let tariff = fs::read_to_string(folder.join("tariffs/t.toml")).unwrap();
            fs::write(folder.join("tariffs/t.toml"), tariff.replace("\"10.00\"", "\"11.00\"")).unwrap();
        }
        ingest(&mut store, &folder, 1).unwrap();
    }
    let acknowledged = said(&store);
    if matches!(found, Found::Sealed(_)) {
        store.snapshot().unwrap();
    }
    drop(store);
    let verified = verified(&data, 2);
    let told = verified.violations;
    match found {
        Found::Told(text) | Found::Sealed(text) => {
            assert!(told.iter().any(|violation| violation.contains(text)), "expected `{text}`: {told:#?}");
        }
        Found::Unacknowledged => assert_ne!(verified.state_hash, acknowledged.0),
    }
    for violation in told {
        assert!(!violation.contains("7701000000"), "a number of a person: {violation}");
    }
}

fn pieces(kept: &mut Kept) -> impl Iterator<Item = &mut Piece> {
    kept.iter_mut().filter_map(|(entry, _)| if let Entry::Piece(piece) = entry { Some(&mut **piece) } else { None })
}

fn money(kept: &mut Kept) -> impl Iterator<Item = &mut MoneyMove> {
    kept.iter_mut().filter_map(|(entry, _)| if let Entry::Money(moves) = entry { Some(moves) } else { None }).flatten()
}

/// The ids of a piece and its rows.
fn ids(piece: &Piece) -> Vec<String> {
    let mut at = 0;
    let id = |row: &esep::post::entry::Row| {
        at += row.id_length as usize;
        String::from_utf8_lossy(&piece.ids[at - row.id_length as usize..at]).into_owned()
    };
    piece.rows.iter().map(id).collect()
}

/// Changes the outcome of the record of an id, the nth of that id in its piece.
fn outcome(kept: &mut Kept, id: &str, nth: usize, file: &str, change: impl Fn(&mut Outcome)) {
    for piece in pieces(kept).filter(|piece| piece.file.name.contains(file)) {
        let ids = ids(piece);
        if let Some((row, _)) = piece.rows.iter_mut().zip(ids).filter(|(_, of)| of == id).nth(nth) {
            change(&mut row.outcome);
        }
    }
}

fn charge(kept: &mut Kept, id: &str, change: impl Fn(&mut Posted)) {
    outcome(kept, id, 0, "", |outcome| {
        if let Outcome::Rated(posted) = outcome {
            change(posted);
        }
    });
}

fn drop_row(piece: &mut Piece, at: usize) {
    let from: usize = piece.rows[..at].iter().map(|row| row.id_length as usize).sum();
    piece.ids.drain(from..from + piece.rows[at].id_length as usize);
    piece.rows.remove(at);
}

macro_rules! planted {
    ($($name:ident, $found:expr, $change:expr;)*) => { $(#[test] fn $name() { plant($change, $found); })* };
}

use Found::{Sealed, Told, Unacknowledged};

planted! {
    record_lost, Told("not exactly one outcome"), |kept| pieces(kept).filter(|p| p.file.name.contains("f0")).for_each(|piece| {
        drop_row(piece, 0);
        piece.records -= 1;
    });
    record_lost_and_still_counted, Told("outcomes"), |kept| pieces(kept).filter(|p| p.rows.len() > 2).for_each(|piece| drop_row(piece, 0));
    file_counted_twice, Told("decided again a duplicate"), |kept| {
        let again = kept.iter().find(|(entry, _)| matches!(entry, Entry::Piece(piece) if piece.file.name.contains("f1"))).cloned();
        kept.extend(again.map(|(entry, detail)| match entry {
            Entry::Piece(piece) => (Entry::Piece(Box::new(Piece { anew: true, ..*piece })), detail),
            other => (other, detail),
        }));
    };
    tail_dropped, Unacknowledged, |kept| kept.retain(|(entry, _)| !matches!(entry, Entry::Piece(piece) if piece.file.name.contains("f2")));
    acknowledged_early, Unacknowledged, {
        let mut waits: Kept = Vec::new();
        move |kept: &mut Kept| std::mem::swap(kept, &mut waits)
    };
    entry_dropped_in_the_middle, Told("part"), |kept| kept.retain(|(entry, _)| !matches!(entry, Entry::Piece(piece) if piece.file.name.contains("f0")));
    posting_unbalanced, Told("the debits of a transaction are not its credits"), |kept| money(kept).for_each(|of| {
        if let MoneyMove::Payment(payment) = of { payment.advance += 1; }
    });
    reversal_not_exact, Told("takes back another charge"), |kept| pieces(kept).for_each(|piece| {
        for reversal in piece.rows.iter_mut().filter_map(|row| row.reversed.as_mut()) {
            if let Some(charge) = &mut reversal.charge { (charge.gross, charge.net) = (charge.gross - 1, charge.net - 1); }
        }
    });
    reversal_of_nothing, Told("takes back a charge that never stood"), |kept| pieces(kept).for_each(|piece| {
        for reversal in piece.rows.iter_mut().filter_map(|row| row.reversed.as_mut()) { reversal.key ^= 1; }
    });
    vat_not_extracted, Told("decided again, VAT 128.57"), |kept| money(kept).for_each(|of| {
        if let MoneyMove::Payment(payment) = of { payment.advance += payment.vat; payment.vat = 0; }
    });
    payment_pays_no_debt, Told("payment p1: decided again"), |kept| money(kept).for_each(|of| {
        if let MoneyMove::Payment(payment) = of { payment.advance += payment.debts.drain(..).map(|(_, amount)| amount).sum::<i64>(); }
    });
    opening_lost, Told("opening balance"), |kept| kept.iter_mut().for_each(|(entry, _)| {
        if let Entry::Money(moves) = entry { moves.retain(|of| !matches!(of, MoneyMove::Opening { account: 1, .. })); }
    });
    opening_twice, Told("opening balance"), |kept| kept.iter_mut().for_each(|(entry, _)| {
        if let Entry::Money(moves) = entry {
            let again: Vec<MoneyMove> = moves.iter().filter(|of| matches!(of, MoneyMove::Opening { .. })).cloned().collect();
            moves.extend(again);
        }
    });
    duplicate_charged, Told("decided again a duplicate"), {
        let mut first = None;
        move |kept: &mut Kept| {
            for piece in pieces(kept) {
                first = first.take().or_else(|| piece.rows.iter().map(|row| row.outcome.clone()).find(|o| matches!(o, Outcome::Rated(_))));
                for row in &mut piece.rows {
                    if let (Outcome::Duplicate(false), Some(first)) = (&row.outcome, &first) { row.outcome = first.clone(); }
                }
            }
        }
    };
    alarm_lost, Told("decided again a duplicate with other content"), |kept| outcome(kept, "a", 1, "f1", |o| *o = Outcome::Duplicate(false));
    suspended_lost, Told("decided again suspended"), |kept| outcome(kept, "s", 0, "", |o| *o = Outcome::Filtered(0));
    filtered_charged, Told("decided again filtered"), |kept| {
        let mut charge = None;
        outcome_of(kept, "a", &mut charge);
        outcome(kept, "f", 0, "", |o| if let Some(of) = &charge { *o = of.clone() });
    };
    position_ahead_of_rows, Told("its pieces end at byte"), |kept| pieces(kept).for_each(|piece| piece.end.bytes += 10);
    position_without_bytes, Told("another hash than its position"), |kept| pieces(kept).for_each(|piece| piece.end.hash ^= 1);
    not_owed_counted_as_owed, Told("rated again"), |kept| charge(kept, "n", |of| {
        (of.gross, of.net, of.not_owed) = (of.gross + of.not_owed, of.net + of.not_owed, 0);
    });
    one_tiyn_more, Told("rated again, charge 30.00; booked 30.01"), |kept| charge(kept, "a", |of| of.gross += 1);
    another_account_charged, Told("rated again, another account"), |kept| charge(kept, "a", |of| of.account = 2);
    allowance_not_taken, Told("allowances"), |kept| charge(kept, "b", |of| {
        if let Some(taken) = &mut of.taken { taken.allowances.iter_mut().for_each(|of| of.amount = 0); }
    });
    balance_misread, Told("balance before"), |kept| charge(kept, "b", |of| {
        if let Some(taken) = &mut of.taken { taken.balance = taken.balance.map(|balance| balance + 1); }
    });
    part_forgotten, Told("a part that waits for its call"), |kept| outcome(kept, "p1", 0, "", |o| *o = Outcome::Filtered(0));
    wrong_pinned_tariff, Told("decided by reference 1"), |kept| pieces(kept).for_each(|piece| piece.reference = 1);
    reference_lost, Told("rated again, charge 50.00; booked 55.00"), {
        let mut sets = 0;
        move |kept: &mut Kept| {
            kept.retain(|(entry, _)| !matches!(entry, Entry::Reference(_)) || { sets += 1; sets == 1 });
            pieces(kept).for_each(|piece| piece.reference = 1);
        }
    };
    lines_of_another_piece, Told("f1.csv"), {
        let mut last = Vec::new();
        move |kept: &mut Kept| for (entry, detail) in kept.iter_mut() {
            if matches!(entry, Entry::Piece(_)) {
                let own = detail.clone();
                if !last.is_empty() { *detail = std::mem::take(&mut last); }
                last = own;
            }
        }
    };
    lines_cut, Told("cannot be unpacked"), |kept| kept.iter_mut().for_each(|(entry, detail)| {
        if matches!(entry, Entry::Piece(_)) { detail.truncate(detail.len() / 2); }
    });
    segment_before_journal, Sealed("sealed otherwise in a segment"), |kept| charge(kept, "a", |of| of.units += 1);
    snapshot_before_journal, Sealed("snapshot of entry"), |kept| charge(kept, "a", |of| of.units += 1);
    payment_twice, Told("p1"), |kept| kept.iter_mut().for_each(|(entry, _)| if let Entry::Money(moves) = entry {
        let again: Vec<MoneyMove> = moves.iter().filter(|of| matches!(of, MoneyMove::Payment(_))).cloned().collect();
        moves.extend(again);
    });
    payment_lost, Unacknowledged, |kept| kept.iter_mut().for_each(|(entry, _)| if let Entry::Money(moves) = entry {
        moves.retain(|of| !matches!(of, MoneyMove::Payment(_)));
    });
    seconds_lost, Told("rated again"), |kept| charge(kept, "a", |of| of.duration_ms -= 1);
    key_lost, Sealed("keys are sealed otherwise"), |kept| outcome(kept, "s", 0, "", |o| *o = Outcome::Duplicate(false));
}

/// The outcome of the record of an id.
fn outcome_of(kept: &mut Kept, id: &str, found: &mut Option<Outcome>) {
    for piece in pieces(kept) {
        let ids = ids(piece);
        if let Some((row, _)) = piece.rows.iter().zip(ids).find(|(_, of)| of == id) {
            *found = Some(row.outcome.clone());
        }
    }
}

#[test]
fn without_a_fault_nothing_is_found() {
    let result = std::panic::catch_unwind(|| plant(|_| {}, Told("")));
    assert!(result.is_err(), "something was found where nothing was planted");
}
