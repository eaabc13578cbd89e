//! `sample-cdr`: every status on the last day of its month, and every move that a month can show.

use super::{at, day, ingest, timeline};
use esep::classify::TRANSITIONS;
use esep::post::Store;
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn interface_7_2_the_sample_month_shows_every_status_and_every_move_of_a_month() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path(), "test").unwrap();
    ingest(&mut store, &Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-cdr"));
    assert_eq!(store.last_day().unwrap(), Some(day("2026-03-31")));
    let run = store.record_statuses(day("2026-03-31")).unwrap();
    // In the order of the list: new, current, overdue, disconnected, closed, doubtful, written off, credit, doubtful
    // credit, archived. The table of the README.
    assert_eq!(run.counts, [5, 57, 13, 1, 9, 2, 2, 3, 1, 6]);
    let march = |on: &str| on.starts_with("2026-03");
    let made: BTreeSet<(Option<&str>, &str, &str)> = run
        .moves
        .iter()
        .filter(|of| march(&of.on.to_string()))
        .map(|of| (of.from.map(|from| from.name()), of.to.name(), of.rule.id()))
        .collect();
    let missing: Vec<&str> = TRANSITIONS
        .iter()
        .filter(|row| !made.contains(&(row.from.map(|from| from.name()), row.to.name(), row.rule.id())))
        .map(|row| row.says)
        .collect();
    // What was used before the contract ended counts from its end: later than the credit only behind a recording.
    assert_eq!(missing, ["credit used up by late charges"]);
    assert!(run.control.iter().all(|row| !row.findings.iter().any(|finding| finding.contains("refused"))));
    // The story of the README.
    assert_eq!(
        timeline(&at(&store, "A-0021", "2026-03-31")),
        [
            "2024-05-14 - new PA-4.1",
            "2024-06-01 new current PA-4.1",
            "2026-02-26 current overdue PA-4.5",
            "2026-03-12 overdue disconnected PA-4.5",
            "2026-03-13 disconnected current PA-4.6",
        ]
    );
    assert_eq!(store.books.ledgers.sum(), 0);
}

#[test]
fn interface_7_6_what_comes_next_is_what_comes_if_nothing_happens() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path(), "test").unwrap();
    ingest(&mut store, &Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-cdr"));
    let (today, later) = (day("2026-03-31"), day("2026-05-31"));
    // The account of the README owes what it used in March.
    let next = at(&store, "A-0021", "2026-03-31").next.unwrap();
    assert_eq!((next.status.name(), next.on), ("overdue", day("2026-04-26")));
    let moved: Vec<String> = store.statuses(later).unwrap().moves.into_iter().map(|of| of.account_id).collect();
    let accounts: BTreeSet<String> = moved.into_iter().collect();
    let mut come = 0;
    for id in &accounts {
        let Some(then) = store.status_of(id, Some(today)).unwrap() else { continue };
        let lived = store.status_of(id, Some(later)).unwrap().unwrap();
        let first = lived.timeline.iter().find(|of| of.on > today).map(|of| (of.to, of.on, of.rule));
        let next = then.next.filter(|of| of.on <= later).map(|of| (of.status, of.on, of.rule));
        assert_eq!(next, first, "{id}");
        come += u32::from(next.is_some());
    }
    assert!(come >= 20, "{come} of {}", accounts.len());
}
