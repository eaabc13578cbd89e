//! One wrong byte anywhere is found and told; what is not whole, or not of this journal, is absent and never wrong.

use crate::works::{Kind, Seal, chain, covered, seals};
use esep::store::disk::{Disk, MemoryDisk};
use esep::store::keys::KeyRuns;
use esep::store::sealed::{Damage, Flaw, SealedError, Span};
use esep::store::segments::Segments;
use xxhash_rust::xxh3::xxh3_64;

fn sealed<K: Kind<MemoryDisk>>(seals: &[Seal]) -> MemoryDisk {
    let disk = MemoryDisk::new();
    let (mut files, _) = K::open(disk.clone()).unwrap();
    seals.iter().for_each(|seal| files.seal(seal).unwrap());
    disk
}

/// What is wrong with a folder; nothing that is read from it is wrong.
fn damages<K: Kind<MemoryDisk>>(disk: &MemoryDisk, seals: &[Seal]) -> Vec<Damage> {
    let (files, mut damages) = K::open(disk.clone()).unwrap();
    damages.extend(files.check().unwrap().damages);
    match files.all(seals) {
        Ok(all) => assert_eq!(all, K::model(&covered(seals, &files.spans()))),
        Err(SealedError::Damaged(damage)) => damages.push(damage),
        Err(other) => panic!("{other}"),
    }
    damages
}

/// The same folder, with one file changed.
fn with(disk: &MemoryDisk, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> MemoryDisk {
    let copy = disk.after_power_loss(0);
    let mut bytes = copy.bytes(name).unwrap();
    change(&mut bytes);
    copy.set_bytes(name, bytes);
    copy
}

fn flips<K: Kind<MemoryDisk>>() {
    let seals = seals(2, 30, 1);
    let disk = sealed::<K>(&seals);
    assert_eq!(damages::<K>(&disk, &seals), []);
    let mut bytes = 0;
    for name in disk.list().unwrap() {
        let length = disk.bytes(&name).unwrap().len();
        bytes += length;
        for at in 0..length {
            for mask in [1, 0x80, 0xFF] {
                let found = damages::<K>(&with(&disk, &name, |bytes| bytes[at] ^= mask), &seals);
                let located = found.iter().any(|damage| damage.file == name && damage.offset <= at as u64);
                assert!(located, "{name}: byte {at} ^ {mask}: {found:?}");
            }
        }
    }
    assert!(bytes > 10_000);
}

#[test]
fn every_wrong_byte_of_segments_is_found() {
    flips::<Segments<MemoryDisk>>();
}

#[test]
fn every_wrong_byte_of_keys_is_found() {
    flips::<KeyRuns<MemoryDisk>>();
}

/// Random bytes of larger files; then the file is forgotten, and sealed again.
fn flips_and_rebuilding<K: Kind<MemoryDisk>>() {
    let seals = seals(3, 4000, 1);
    let disk = sealed::<K>(&seals);
    let names: Vec<String> = disk.list().unwrap().into_iter().filter(|name| name != K::LIST).collect();
    let mut mixed = 1u64;
    for round in 0..60 {
        mixed = mixed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let name = &names[round % names.len()];
        let length = disk.bytes(name).unwrap().len() as u64;
        let at = (mixed >> 20) % length;
        let broken = with(&disk, name, |bytes| bytes[at as usize] ^= 1 << (mixed >> 61));
        let found = damages::<K>(&broken, &seals);
        let damage = found.iter().find(|damage| damage.file == *name).unwrap_or_else(|| panic!("{name}: byte {at}"));
        assert!(damage.offset <= at, "{damage}");
        // A block is told by its place, not only its file.
        if damage.flaw == Flaw::Block {
            assert!(at - damage.offset < 1 << 16, "{damage}, byte {at}");
        }
        let (mut files, _) = K::open(broken.clone()).unwrap();
        files.forget(name).unwrap();
        for seal in &seals {
            if covered(std::slice::from_ref(seal), &files.spans()).is_empty() {
                files.seal(seal).unwrap();
            }
        }
        files.sweep().unwrap();
        assert_eq!(damages::<K>(&broken, &seals), []);
        assert_eq!(K::open(broken).unwrap().0.spans().len(), 3);
    }
}

#[test]
fn segments_are_rebuilt_after_damage() {
    flips_and_rebuilding::<Segments<MemoryDisk>>();
}

#[test]
fn keys_are_rebuilt_after_damage() {
    flips_and_rebuilding::<KeyRuns<MemoryDisk>>();
}

/// Files that are missing, cut, longer, or others.
fn absent<K: Kind<MemoryDisk>>(magic: &[u8; 8]) {
    let seals = seals(3, 20, 1);
    let disk = sealed::<K>(&seals);
    let names: Vec<String> = disk.list().unwrap().into_iter().filter(|name| name != K::LIST).collect();
    let name = &names[1];
    let whole = disk.bytes(name).unwrap();
    let other = disk.bytes(&names[2]).unwrap();
    assert_eq!(&whole[..8], magic);
    let length = whole.len();
    let lost = |change: &dyn Fn(&mut Vec<u8>)| {
        let broken = with(&disk, name, change);
        let (files, lost) = K::open(broken.clone()).unwrap();
        assert_eq!(files.spans(), [seals[0].0, seals[2].0], "{lost:?}");
        assert_eq!(files.all(&seals).unwrap(), K::model(&[seals[0].clone(), seals[2].clone()]));
        assert_eq!(lost.len(), 1, "{lost:?}");
        assert_eq!(lost[0].file, *name);
        lost[0].flaw
    };
    for (cut, flaw) in [(0, Flaw::Short), (8, Flaw::Short), (4096, Flaw::Short), (length - 1, Flaw::Footer)] {
        assert_eq!(lost(&|bytes| bytes.truncate(cut)), flaw, "cut at {cut}");
    }
    for cut in (0..length).step_by(7) {
        lost(&|bytes| bytes.truncate(cut));
    }
    assert_eq!(lost(&|bytes| bytes.push(0)), Flaw::Footer);
    assert_eq!(lost(&|bytes| bytes.fill(0)), Flaw::Footer);
    assert_eq!(lost(&|bytes| bytes.extend(whole.clone())), Flaw::Unlisted);
    assert_eq!(lost(&|bytes| *bytes = other.clone()), Flaw::Unlisted);

    let broken = disk.after_power_loss(0);
    broken.remove(name).unwrap();
    let (files, lost) = K::open(broken).unwrap();
    assert_eq!(lost, [Damage { file: name.clone(), offset: 0, flaw: Flaw::Missing }]);
    assert_eq!(files.spans(), [seals[0].0, seals[2].0]);

    for change in [
        &(|bytes: &mut Vec<u8>| bytes.truncate(20)) as &dyn Fn(&mut Vec<u8>),
        &|bytes| bytes.clear(),
        &|bytes| bytes.push(0),
        &|bytes| *bytes = whole.clone(),
    ] {
        let (files, lost) = K::open(with(&disk, K::LIST, change)).unwrap();
        assert_eq!(lost, [Damage { file: K::LIST.into(), offset: 0, flaw: Flaw::List }]);
        assert_eq!(files.spans(), []);
        assert_eq!(files.all(&seals).unwrap(), []);
    }
    // Whole, and of another version.
    let other_version = with(&disk, K::LIST, |bytes: &mut Vec<u8>| {
        let end = bytes.len() - 8;
        bytes[7] ^= 0x40;
        let sum = xxh3_64(&bytes[..end]);
        bytes[end..].copy_from_slice(&sum.to_le_bytes());
    });
    let (_, lost) = K::open(other_version).unwrap();
    assert_eq!(lost, [Damage { file: K::LIST.into(), offset: 0, flaw: Flaw::Version }]);
    let broken = disk.after_power_loss(0);
    broken.remove(K::LIST).unwrap();
    let (mut files, lost) = K::open(broken.clone()).unwrap();
    assert_eq!(lost, [Damage { file: K::LIST.into(), offset: 0, flaw: Flaw::NoList }]);
    // All is rebuilt beside the files that nobody lists, which are then swept.
    seals.iter().for_each(|seal| files.seal(seal).unwrap());
    files.sweep().unwrap();
    assert_eq!(broken.list().unwrap().len(), 4);
    assert_eq!(damages::<K>(&broken, &seals), []);
}

#[test]
fn segments_that_are_not_whole_are_absent() {
    absent::<Segments<MemoryDisk>>(b"esepseg\x03");
}

#[test]
fn keys_that_are_not_whole_are_absent() {
    absent::<KeyRuns<MemoryDisk>>(b"esepkey\x01");
}

#[test]
fn files_of_another_journal_or_of_entries_that_it_has_not_are_absent() {
    let seals = seals(3, 20, 1);
    let disk = sealed::<Segments<MemoryDisk>>(&seals);
    for (count, other, spans) in [(6, false, 3), (5, false, 2), (0, false, 0), (6, true, 0)] {
        // A journal of `count` entries, this one or another.
        let knows = |span: &Span| span.last <= count && (span.chain == chain(span.last)) != other;
        let (segments, lost) = Segments::open(disk.clone(), &knows).unwrap();
        assert_eq!((segments.spans().len(), lost.len()), (spans, 3 - spans));
        assert!(lost.iter().all(|damage| damage.flaw == Flaw::OtherJournal));
    }
}

#[test]
fn what_is_sealed_is_not_sealed_again() {
    let seals = seals(3, 20, 1);
    let disk = sealed::<Segments<MemoryDisk>>(&seals);
    let (mut segments, _) = Segments::open(disk.clone(), &|_| true).unwrap();
    let error = Kind::seal(&mut segments, &seals[1]).unwrap_err();
    assert_eq!(error.to_string(), "entries 3 to 4 are covered by segment-0000000002 already");
    let (mut span, records) = seals[1].clone();
    (span.first, span.last) = (7, 8);
    let error = Kind::seal(&mut segments, &(span, records)).unwrap_err();
    assert_eq!(error.to_string(), "entry 3 is not among those that are sealed");
    assert_eq!(segments.spans().len(), 3);
    assert_eq!(disk.list().unwrap().len(), 4);
}
