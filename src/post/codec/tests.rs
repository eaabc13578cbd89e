use super::*;
use crate::book::{Taken, TakenAllowance};
use crate::post::entry::*;

/// Entries of every kind, as schema 1 wrote them: they are read for ever. They change only with the schema.
const GOLDEN: &[u8] = include_bytes!("schema-1.bin");

fn posted(taken: bool) -> Posted {
    Posted {
        account: 7,
        service: 0,
        category: 3,
        flags: 32,
        paying: 1,
        at_ms: 1_772_506_200_000,
        month: 24_314,
        duration_ms: 125_000,
        units: 9,
        gross: 5_300,
        net: 4_569,
        vat_hundredths: 1_600,
        not_owed: 3_650,
        cut_off_ms: Some(1_772_506_260_000),
        version: 1,
        plan: 2,
        zone: u16::MAX,
        rules: 0b1011,
        taken: taken.then(|| {
            let of = TakenAllowance { plan: 2, allowance: 0, month: 24_314, held: 25_000, amount: 20_000 };
            Box::new(Taken { balance: Some(-5), counted: true, allowances: vec![of] })
        }),
    }
}

fn file() -> FileKey {
    FileKey { source: "msc-1".into(), name: "feeds/a.csv".into() }
}

fn row(line: u32, outcome: Outcome) -> Row {
    Row { line, id_length: 2, content: 0x1234_5678_9abc_def0, outcome, reversed: None }
}

fn entries() -> Vec<Entry> {
    let suspended = Suspended { reason: 1, detail: "line 7701223****".into(), at_ms: -1 };
    let waiting = WaitingPart {
        call: 1 << 100,
        number: 2,
        last: true,
        began_ms: 5,
        released_ms: None,
        posted: posted(false),
        suspended: Some(suspended.clone()),
        bytes: 10,
        quantity: 1,
        timed: false,
        direction: 2,
        presence: 3,
        plan_since: Some(20_000),
        free: false,
        owed_in_full: true,
        corrects: Some(9),
    };
    let reversal = |charge| Some(Box::new(Reversal { key: 42, charge }));
    let rejected = Rejected { reason: 3, detail: "a_number".into(), bytes: 70_000, hash: 77 };
    let write_off = WriteOff { by: "A. B.".into(), reason: "test call".into() };
    let rows = vec![
        row(0, Outcome::Rated(posted(true))),
        Row { reversed: reversal(Some(posted(false))), ..row(1, Outcome::Rated(posted(false))) },
        Row { reversed: reversal(None), ..row(2, Outcome::Filtered(4)) },
        row(3, Outcome::Duplicate(true)),
        row(4, Outcome::Suspended(suspended.clone())),
        row(5, Outcome::Waiting(Box::new(waiting))),
        row(6, Outcome::Rejected(rejected)),
        row(8, Outcome::WithItsCall),
    ];
    let resolved = |outcome| Resolved {
        key: 6,
        call: Some(1 << 100),
        record_id: b"r6".to_vec(),
        content: 8,
        file: file(),
        line: 17,
        outcome,
        reversed: None,
    };
    let position = |bytes, lines| Position { bytes, lines, hash: u128::from(bytes) << 64 | 1 };
    let payment = Payment {
        reference: "pay-1".into(),
        account: 7,
        amount: 120_000,
        paid_ms: 1_772_506_200_000,
        channel: 2,
        vat: 16_552,
        debts: vec![(24_313, 3_448)],
        advance: 100_000,
        ahead: false,
    };
    let unidentified =
        UnidentifiedPayment { reference: "pay-2".into(), account_id: "A-7".into(), amount: 1, paid_ms: 2, channel: 4 };
    let content = |name: &str, content| ReferenceFile { name: name.into(), hash: 3, bytes: 11, content };
    vec![
        Entry::Reference(ReferenceSet {
            hash: 1,
            files: vec![
                content("accounts.csv", Content::Detail(9)),
                content("esep.toml", Content::Kept),
                content("prefixes.csv", Content::Money(4)),
            ],
            packed: vec![1, 2, 3, 4],
            plans: vec!["mini".into()],
            zones: vec!["kz".into()],
            networks: vec!["X".into()],
            versions: vec!["2026".into()],
            time_zone: "Asia/Almaty".into(),
            new_accounts: vec![u64::MAX],
        }),
        Entry::Piece(Box::new(Piece {
            reference: 1,
            file: file(),
            anew: false,
            header: b"record_id,service".to_vec(),
            lead: b"record_id,service\n".to_vec(),
            end: position(500, 12),
            start: position(20, 1),
            first_line: 2,
            records: 8,
            ids: b"r0r1r2r3r4r5r6r8".to_vec(),
            rows,
            resolved: vec![resolved(Outcome::Rated(posted(true)))],
        })),
        Entry::Money(vec![
            MoneyMove::Opening { account: 7, amount: -500, month: 24_313, ahead: true },
            MoneyMove::Payment(payment.clone()),
            MoneyMove::Unidentified(unidentified),
            MoneyMove::Identified(payment),
            MoneyMove::Refund(Refund { reference: "ref-1".into(), account: 7, amount: 9, at_ms: 8, channel: 1 }),
        ]),
        Entry::Resolved(Resolutions {
            reference: 1,
            records: vec![resolved(Outcome::WrittenOff(write_off)), resolved(Outcome::Suspended(suspended))],
        }),
    ]
}

/// What came to schema 1 behind it: kinds of entries and moves that older programs do not know.
const GOLDEN_STATUSES: &[u8] = include_bytes!("schema-1-statuses.bin");

fn entries_of_statuses() -> Vec<Entry> {
    let payment = Payment {
        reference: "pay-3".into(),
        account: 7,
        amount: 900,
        paid_ms: 1_772_506_200_000,
        channel: 0,
        vat: 0,
        debts: vec![(24_313, 100)],
        advance: 200,
        ahead: false,
    };
    let posting = StatusPosting {
        account: 7,
        on: 20_544,
        posting: 0,
        asked: 700,
        debts: vec![(24_313, -500)],
        unbilled: -300,
        advance: 100,
        doubtful: 700,
        off_balance: 1,
        credit: 2,
        penalty: 3,
    };
    let file = ReferenceFile { name: "events.csv".into(), hash: 3, bytes: 11, content: Content::Detail(5) };
    let due = [TaskDue::At(1_772_506_200_000), TaskDue::On(20_574), TaskDue::Open];
    let brought = [Brought::Doubtful, Brought::OffBalance, Brought::Penalty];
    let moves = brought.map(|kind| MoneyMove::Brought { account: 7, amount: 5, kind });
    vec![
        Entry::Reference(ReferenceSet { files: vec![file], ..ReferenceSet::default() }),
        Entry::Money(vec![
            MoneyMove::Status(posting),
            MoneyMove::Settled(SettledPayment { payment, doubtful: 300, recovered: 200, penalty: 100 }),
        ]),
        Entry::Money(moves.to_vec()),
        Entry::Status(Box::new(StatusRun {
            as_of: 20_544,
            moves: vec![
                StatusMove { account: 7, on: 20_500, from: None, to: 0, rule: 3 },
                StatusMove { account: 7, on: 20_544, from: Some(0), to: 1, rule: 300 },
            ],
            tasks: due.map(|due| TaskGiven { account: 7, on: 20_544, task: 2, due }).to_vec(),
            done: vec![TaskDone { account: 7, on: 20_545, task: 2 }],
        })),
    ]
}

/// The entries, each behind its length.
fn joined(entries: &[Entry]) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in entries {
        let bytes = encode(entry).unwrap();
        all.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        all.extend_from_slice(&bytes);
    }
    all
}

#[test]
fn entries_of_schema_1_are_read_and_written_as_ever() {
    for (golden, entries) in [(GOLDEN, entries()), (GOLDEN_STATUSES, entries_of_statuses())] {
        let mut rest = golden;
        let mut read = Vec::new();
        while let Some((length, behind)) = rest.split_first_chunk::<4>() {
            let (entry, behind) = behind.split_at(u32::from_le_bytes(*length) as usize);
            read.push(decode(entry).unwrap());
            rest = behind;
        }
        assert_eq!(read, entries);
        assert_eq!(joined(&entries), golden);
    }
}

#[test]
fn what_is_cut_or_longer_is_no_entry() {
    for entry in entries().into_iter().chain(entries_of_statuses()) {
        let bytes = encode(&entry).unwrap();
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{length}");
        }
        assert!(decode(&[bytes.as_slice(), b"\0"].concat()).is_err());
    }
}

/// Writes the golden entries of a new schema: `cargo test --lib writes_golden -- --ignored`.
#[test]
#[ignore = "changes a file of the repository"]
fn writes_golden() {
    std::fs::write("src/post/codec/schema-1.bin", joined(&entries())).unwrap();
    std::fs::write("src/post/codec/schema-1-statuses.bin", joined(&entries_of_statuses())).unwrap();
}
