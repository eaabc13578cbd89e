//! Random seals, merges and restarts against plain maps.

use crate::works::{Kind, Record, Seal, knows, span};
use esep::store::disk::{FolderDisk, MemoryDisk};
use esep::store::keys::KeyRuns;
use esep::store::sealed::{Place, uncovered};
use esep::store::segments::Segments;
use proptest::prelude::*;

/// What is done after a seal.
#[derive(Clone, Copy, Debug)]
enum Then {
    Nothing,
    Merge,
    Open,
    Forget,
}

fn record() -> impl Strategy<Value = (u32, i64, usize, u8, u128)> {
    // Few accounts and times, so that they meet; keys alike in their high half, so that they crowd.
    let account = prop_oneof![0u32..6, any::<u32>()];
    let at = prop_oneof![-2i64..3, any::<i64>()];
    let length = prop_oneof![4 => 0usize..120, 1 => 0usize..5000];
    let key = prop_oneof![
        4 => any::<u128>(),
        1 => (0u128..3, 0u128..9).prop_map(|(high, low)| high << 64 | low),
        1 => any::<u64>().prop_map(|low| 7 << 64 | u128::from(low)),
    ];
    (account, at, length, any::<u8>(), key)
}

/// A seal, and what is done after it.
type Step = (Vec<(u32, i64, usize, u8, u128)>, Then);

fn plan() -> impl Strategy<Value = Vec<Step>> {
    let then = prop_oneof![
        4 => Just(Then::Merge),
        1 => Just(Then::Nothing),
        1 => Just(Then::Open),
        1 => Just(Then::Forget)
    ];
    let records =
        prop_oneof![6 => prop::collection::vec(record(), 0..12), 1 => prop::collection::vec(record(), 300..700)];
    prop::collection::vec((records, then), 0..24)
}

fn run<K: Kind<MemoryDisk>>(plan: Vec<Step>) -> Result<(), TestCaseError> {
    let disk = MemoryDisk::new();
    let mut seals: Vec<Seal> = Vec::new();
    let (mut files, _) = K::open(disk.clone()).unwrap();
    for (at, (records, then)) in (0u64..).zip(plan) {
        // Entries of different numbers of records, and seals of different numbers of entries.
        let (first, last) = (seals.last().map_or(1, |(span, _)| span.last + 1), 0);
        let width = 1 + at % 3;
        let last = first + width - 1 + last;
        let mut records: Vec<Record> = (0u32..)
            .zip(records)
            .map(|(index, (account, at_ms, length, byte, key))| Record {
                account,
                at_ms,
                place: Place { seq: first + u64::from(index) % width, index },
                bytes: vec![byte; length],
                key,
            })
            .collect();
        records.sort_by_key(|record| record.place);
        seals.push((span(first, last), records));
        files.seal(seals.last().unwrap()).unwrap();
        match then {
            Then::Nothing => {}
            Then::Merge => drop(files.merge().unwrap()),
            Then::Open => files = K::open(disk.clone()).unwrap().0,
            Then::Forget => {
                // A file is lost, with all the seals that were merged into it; they are sealed again.
                let name = format!("{}-{:010}", K::LIST.strip_suffix(".live").unwrap(), at + 1);
                files.forget(&name).unwrap();
                let gaps = uncovered(&files.spans(), 1, last);
                for seal in &seals {
                    if gaps.iter().any(|gap| gap.0 <= seal.0.first && seal.0.last <= gap.1) {
                        files.seal(seal).unwrap();
                    }
                }
            }
        }
        prop_assert_eq!(uncovered(&files.spans(), 1, last), []);
    }
    prop_assert_eq!(files.all(&seals).unwrap(), K::model(&seals));
    let checked = files.check().unwrap();
    prop_assert_eq!(checked.damages, []);
    let (files, lost) = K::open(disk).unwrap();
    prop_assert_eq!(lost, []);
    prop_assert_eq!(files.all(&seals).unwrap(), K::model(&seals));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn segments_equal_a_sorted_list(plan in plan()) {
        run::<Segments<MemoryDisk>>(plan)?;
    }

    #[test]
    fn keys_equal_a_map(plan in plan()) {
        run::<KeyRuns<MemoryDisk>>(plan)?;
    }

    #[test]
    fn charges_of_an_account_are_those_of_the_list(plan in plan(), account in 0u32..8) {
        let disk = MemoryDisk::new();
        let (mut segments, _) = Segments::open(disk, &knows).unwrap();
        let mut expected = Vec::new();
        for (at, (records, _)) in (1u64..).zip(plan) {
            let records: Vec<Record> = (0u32..).zip(records).map(|(index, (account, at_ms, length, byte, key))| {
                Record { account, at_ms, place: Place { seq: at, index }, bytes: vec![byte; length], key }
            }).collect();
            expected.extend(records.iter().filter(|record| record.account == account).map(|record| {
                (record.at_ms, record.place, record.bytes.clone())
            }));
            Kind::seal(&mut segments, &(span(at, at), records)).unwrap();
            if at % 9 == 0 {
                segments.merge().unwrap();
            }
        }
        expected.sort();
        let charges = segments.charges_of(account).unwrap();
        let found: Vec<_> = charges.into_iter().map(|charge| (charge.at_ms, charge.place, charge.bytes)).collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn a_real_folder_does_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let disk = || FolderDisk::at(&folder.path().join("sealed")).unwrap();
    let seals = crate::works::seals(20, 700, 3);
    let (mut segments, _) = Segments::open(disk(), &knows).unwrap();
    let (mut keys, _) = KeyRuns::open(disk(), &knows).unwrap();
    for seal in &seals {
        Kind::seal(&mut segments, seal).unwrap();
        segments.merge().unwrap();
        Kind::seal(&mut keys, seal).unwrap();
        keys.merge().unwrap();
    }
    fn same<K: Kind<FolderDisk>>(disk: FolderDisk, seals: &[Seal]) {
        let (mut files, lost) = K::open(disk).unwrap();
        assert_eq!(lost, []);
        assert_eq!(files.all(seals).unwrap(), K::model(seals));
        assert_eq!(files.check().unwrap().damages, []);
        assert!(files.spans().len() < 10);
        files.sweep().unwrap();
        assert_eq!(files.all(seals).unwrap(), K::model(seals));
    }
    same::<Segments<FolderDisk>>(disk(), &seals);
    same::<KeyRuns<FolderDisk>>(disk(), &seals);
}
