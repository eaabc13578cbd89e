//! Power is lost at every operation, and every operation fails once: either the old or the new state is live.

use crate::works::{Kind, Seal, covered, seals};
use esep::store::disk::{Disk, Loss, MemoryDisk};
use esep::store::keys::KeyRuns;
use esep::store::sealed::{SealedError, Span};
use esep::store::segments::Segments;

/// Seals and merges; tells what is live after each step.
fn work<K: Kind<MemoryDisk>>(
    disk: &MemoryDisk,
    seals: &[Seal],
    mut told: impl FnMut(Vec<Span>),
) -> Result<(), SealedError> {
    let (mut files, lost) = K::open(disk.clone())?;
    assert_eq!(lost, []);
    files.sweep()?;
    for seal in seals {
        if covered(std::slice::from_ref(seal), &files.spans()).is_empty() {
            files.seal(seal)?;
            told(files.spans());
        }
        if files.merge()? {
            told(files.spans());
        }
    }
    Ok(())
}

fn power_loss<K: Kind<MemoryDisk>>(number: u64, records: u64) {
    let seals = seals(number, records, 7);
    let (whole, mut states) = (MemoryDisk::new(), vec![Vec::new()]);
    work::<K>(&whole, &seals, |spans| states.push(spans)).unwrap();
    let merged = states.windows(2).filter(|pair| pair[1].len() < pair[0].len()).count();
    assert!(merged >= 2, "no merge was tried");
    let (mut crashes, mut old, mut new) = (0, 0, 0);
    for at in 1.. {
        let disk = MemoryDisk::new();
        disk.set_loss(Loss::Power(at));
        let mut acknowledged = 0;
        if work::<K>(&disk, &seals, |_| acknowledged += 1).is_ok() {
            break;
        }
        for seed in 0..6 {
            crashes += 1;
            let found = disk.after_power_loss(at * 100 + seed);
            let (files, lost) = K::open(found.clone()).unwrap();
            assert_eq!(lost, [], "crash at {at}, seed {seed}");
            let spans = files.spans();
            let next = states.get(acknowledged + 1);
            assert!(
                spans == states[acknowledged] || Some(&spans) == next,
                "crash at {at}, seed {seed}: {spans:?} is neither the old state nor the new"
            );
            old += u32::from(spans == states[acknowledged]);
            new += u32::from(Some(&spans) == next);
            assert_eq!(files.check().unwrap().damages, [], "crash at {at}, seed {seed}");
            let live = covered(&seals, &spans);
            assert_eq!(files.all(&seals).unwrap(), K::model(&live), "crash at {at}, seed {seed}");
            drop(files);
            work::<K>(&found, &seals, |_| {}).unwrap();
            let (files, lost) = K::open(found.clone()).unwrap();
            assert_eq!(lost, []);
            assert_eq!(files.check().unwrap().damages, []);
            assert_eq!(files.all(&seals).unwrap(), K::model(&seals), "crash at {at}, seed {seed}, then finished");
            assert_eq!(found.list().unwrap().len(), files.spans().len() + 1, "files are left over");
        }
    }
    assert!(crashes > 500 && old > 100 && new > 20, "{crashes} crashes, {old} old states, {new} new ones");
}

#[test]
fn segments_survive_power_loss_at_every_operation() {
    power_loss::<Segments<MemoryDisk>>(18, 5);
}

#[test]
fn keys_survive_power_loss_at_every_operation() {
    power_loss::<KeyRuns<MemoryDisk>>(10, 5);
}

/// Each operation fails once: the step is an error, all is as before, and the step succeeds when it is tried again.
fn failing_once<K: Kind<MemoryDisk>>(number: u64) {
    let seals = seals(number, 5, 7);
    let whole = MemoryDisk::new();
    work::<K>(&whole, &seals, |_| {}).unwrap();
    let expected = whole.operations();
    for at in 1..=expected {
        let disk = MemoryDisk::new();
        let (mut files, _) = K::open(disk.clone()).unwrap();
        disk.set_loss(Loss::Once(at));
        let mut errors = 0;
        for seal in &seals {
            let before = files.spans();
            if files.seal(seal).is_err() {
                errors += 1;
                assert_eq!(files.spans(), before, "failed at {at}");
                assert_eq!(files.all(&seals).unwrap(), K::model(&covered(&seals, &before)), "failed at {at}");
                files.seal(seal).unwrap();
            }
            if files.merge().is_err() {
                errors += 1;
                files.merge().unwrap();
            }
        }
        disk.set_loss(Loss::Never);
        // An old file that could not be removed is no error; it is swept at the next start.
        assert!(errors <= 1);
        assert_eq!(files.check().unwrap().damages, [], "failed at {at}");
        assert_eq!(files.all(&seals).unwrap(), K::model(&seals), "failed at {at}");
        let (mut again, lost) = K::open(disk.clone()).unwrap();
        assert_eq!(lost, [], "failed at {at}");
        assert_eq!(again.spans(), files.spans(), "failed at {at}");
        again.sweep().unwrap();
        assert_eq!(disk.list().unwrap().len(), again.spans().len() + 1, "files are left over");
    }
}

#[test]
fn segments_go_on_after_an_operation_failed() {
    failing_once::<Segments<MemoryDisk>>(9);
}

#[test]
fn keys_go_on_after_an_operation_failed() {
    failing_once::<KeyRuns<MemoryDisk>>(9);
}
