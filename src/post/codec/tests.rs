use super::charge::NOTHING;
use super::*;
use crate::book::{Posted, Taken, TakenAllowance};
use crate::post::derived::ChargeLine;
use crate::post::entry::*;
use crate::screen::SourceKey;
use proptest::prelude::*;

/// Entries of every kind, as schema 1 wrote them: they are read for ever. They change only with the schema.
const GOLDEN: &[u8] = include_bytes!("schema-1.bin");
/// The same as schema 2 writes them.
const GOLDEN_2: &[u8] = include_bytes!("schema-2.bin");

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

fn piece() -> Piece {
    let position = |bytes, lines| Position { bytes, lines, hash: u128::from(bytes) << 64 | 1 };
    Piece {
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
        rows: Vec::new(),
        resolved: Vec::new(),
    }
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
        Entry::Piece(Box::new(Piece { rows, resolved: vec![resolved(Outcome::Rated(posted(true)))], ..piece() })),
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
fn joined(entries: &[Entry], encoded: fn(&Entry) -> Result<Vec<u8>, BadEntry>) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in entries {
        let bytes = encoded(entry).unwrap();
        all.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        all.extend_from_slice(&bytes);
    }
    all
}

fn of_golden(golden: &[u8]) -> Vec<Entry> {
    let mut rest = golden;
    let mut read = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let (entry, behind) = behind.split_at(u32::from_le_bytes(*length) as usize);
        read.push(decode(entry).unwrap());
        rest = behind;
    }
    read
}

#[test]
fn entries_of_schema_1_are_read_as_ever() {
    for (golden, entries) in [(GOLDEN, entries()), (GOLDEN_STATUSES, entries_of_statuses())] {
        assert_eq!(of_golden(golden), entries);
        // But for pieces they are written so as well.
        assert_eq!(joined(&entries, encode_any), golden);
        for entry in entries.iter().filter(|entry| !matches!(entry, Entry::Piece(_))) {
            assert_eq!(encode(entry).unwrap(), encode_any(entry).unwrap());
        }
    }
}

#[test]
fn entries_of_schema_2_are_read_and_written_as_ever() {
    assert_eq!(of_golden(GOLDEN_2), entries());
    assert_eq!(joined(&entries(), encode), GOLDEN_2);
}

/// A held payment that pays more than receivables came behind both.
#[test]
fn a_held_payment_that_settles_is_read_and_written_as_ever() {
    let payment = Payment {
        reference: "p".into(),
        account: 7,
        amount: 9,
        paid_ms: 8,
        channel: 1,
        vat: 0,
        debts: Vec::new(),
        advance: 3,
        ahead: false,
    };
    let settled = SettledPayment { payment, doubtful: 1, recovered: 2, penalty: 3 };
    let entry = Entry::Money(vec![MoneyMove::IdentifiedSettled(settled)]);
    let bytes = encode(&entry).unwrap();
    assert_eq!(bytes, [2, 1, 8, 1, b'p', 7, 18, 16, 1, 0, 0, 6, 0, 2, 4, 6]);
    assert_eq!(decode(&bytes).unwrap(), entry);
}

#[test]
fn what_is_cut_or_longer_is_no_entry() {
    for entry in entries().into_iter().chain(entries_of_statuses()) {
        for bytes in [encode(&entry).unwrap(), encode_any(&entry).unwrap()] {
            for length in 0..bytes.len() {
                assert!(decode(&bytes[..length]).is_err(), "{length}");
            }
            assert!(decode(&[bytes.as_slice(), b"\0"].concat()).is_err());
        }
    }
}

#[test]
fn a_piece_whose_ids_are_not_those_of_its_rows_is_written_as_in_schema_1() {
    let Some(Entry::Piece(piece)) = entries().into_iter().find(|of| matches!(of, Entry::Piece(_))) else { panic!() };
    for ids in [&b"r0r1"[..], b"r0r1r2r3r4r5r6r8and more"] {
        let entry = Entry::Piece(Box::new(Piece { ids: ids.to_vec(), ..(*piece).clone() }));
        assert_eq!(decode(&encode(&entry).unwrap()).unwrap(), entry);
    }
}

fn charges() -> impl Strategy<Value = Posted> {
    let near = || prop_oneof![Just(0i64), -3i64..3, any::<i64>()];
    let small = || prop_oneof![Just(0u16), Just(u16::MAX), any::<u16>()];
    let numbers = (any::<u32>(), near(), near(), any::<u64>(), near(), near(), near(), any::<Option<i64>>());
    let words = (any::<[u8; 4]>(), any::<i32>(), small(), small(), small(), small(), small(), any::<bool>());
    (numbers, words).prop_map(|(numbers, words)| {
        let (account, at_ms, duration_ms, units, gross, net, not_owed, cut_off_ms) = numbers;
        let ([service, category, flags, paying], month, vat_hundredths, version, plan, zone, rules, taken) = words;
        let taken = posted(taken).taken;
        let base = Posted { account, service, category, flags, paying, at_ms, month, duration_ms, units, ..NOTHING };
        Posted { gross, net, vat_hundredths, not_owed, cut_off_ms, version, plan, zone, rules, taken, ..base }
    })
}

fn any_rows() -> impl Strategy<Value = Vec<(Row, Vec<u8>)>> {
    let outcome = prop_oneof![
        4 => charges().prop_map(Outcome::Rated),
        1 => any::<u8>().prop_map(Outcome::Filtered),
        1 => any::<bool>().prop_map(Outcome::Duplicate),
        1 => Just(Outcome::WithItsCall),
        1 => (any::<u8>(), ".{0,9}", any::<i64>())
            .prop_map(|(reason, detail, at_ms)| Outcome::Suspended(Suspended { reason, detail, at_ms })),
    ];
    let id = prop_oneof![
        Just(Vec::new()),
        "m1-[0-9]{1,12}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..300)
    ];
    let reversed = prop::option::weighted(0.1, (any::<u128>(), prop::option::of(charges())));
    let row = (0u32..5, any::<bool>(), id, any::<u64>(), outcome, reversed);
    prop::collection::vec(row, 0..20).prop_map(|rows| {
        let row = |(line, keyed, id, content, outcome, reversed): (u32, bool, Vec<u8>, u64, Outcome, Option<_>)| {
            let reversed = reversed.map(|(key, charge)| Box::new(Reversal { key, charge }));
            let id_length = id.len() as u32;
            (Row { line, id_length, content: if keyed { content } else { 0 }, outcome, reversed }, id)
        };
        rows.into_iter().map(row).collect()
    })
}

proptest! {
    #[test]
    fn any_piece_is_read_as_it_was_written(rows in any_rows(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let (rows, ids): (Vec<Row>, Vec<Vec<u8>>) = rows.into_iter().unzip();
        let piece = Piece { rows, ids: ids.concat(), resolved: Vec::new(), ..piece() };
        let entry = Entry::Piece(Box::new(piece));
        let mut bytes = encode(&entry).unwrap();
        prop_assert_eq!(decode(&bytes).unwrap(), entry);
        // Other bytes are read as something else or not at all, and nothing worse.
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decode(&bytes);
    }

    #[test]
    fn any_sealed_charge_is_read_as_it_was_written(
        posted in charges(), source in ".{0,300}", record_id in prop::collection::vec(any::<u8>(), 0..300),
        key in any::<Option<u128>>(), reversal in any::<bool>(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let (account, at_ms) = (posted.account, posted.at_ms);
        let follows = SourceKey::of(&source).fingerprint(&record_id);
        let line = ChargeLine { key: key.unwrap_or(follows), source, record_id, reversal, posted };
        let to_seal = ToSealLine {
            key: line.key,
            key_follows: key.is_none(),
            source: &line.source,
            record_id: &line.record_id,
            reversal,
            posted: &line.posted,
        };
        let mut out = Out::default();
        put_line(&mut out, &to_seal).unwrap();
        let mut bytes = out.written().to_vec();
        prop_assert_eq!(&line_of(&bytes, account, at_ms).unwrap(), &line);
        prop_assert!(line_of(&bytes[..bytes.len() - 1], account, at_ms).is_err());
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = line_of(&bytes, account, at_ms);
    }
}

/// Writes the golden entries of a new schema: `cargo test --lib writes_golden -- --ignored`.
#[test]
#[ignore = "changes a file of the repository"]
fn writes_golden() {
    std::fs::write("src/post/codec/schema-2.bin", joined(&entries(), encode)).unwrap();
}
