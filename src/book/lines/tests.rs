use super::*;
use proptest::prelude::*;

const ALWAYS: (InstantMs, InstantMs) = (InstantMs(i64::MIN), InstantMs(i64::MAX));

#[test]
fn interface_7_1_valid_to_is_exclusive() {
    let mut lines = Lines::default();
    lines.add(b"77272500001", Some(AccountNo(0)), InstantMs(10), InstantMs(20)).unwrap();
    lines.add(b"77272500001", Some(AccountNo(1)), InstantMs(20), ALWAYS.1).unwrap();
    lines.add(b"77272500001", None, InstantMs(0), InstantMs(5)).unwrap();
    for (at, answer) in [
        (-1, LineAnswer::UnknownLine),
        (0, LineAnswer::UnknownAccount),
        (5, LineAnswer::UnknownLine),
        (10, LineAnswer::Account(AccountNo(0))),
        (19, LineAnswer::Account(AccountNo(0))),
        (20, LineAnswer::Account(AccountNo(1))),
    ] {
        assert_eq!(lines.find(b"77272500001", InstantMs(at)), answer, "{at}");
    }
    let overlap = lines.add(b"77272500001", None, InstantMs(19), InstantMs(21));
    assert_eq!((overlap, lines.len()), (Err(OverlappingSpan), 3));
}

#[test]
fn lines_may_be_logins_and_leading_zeros_count() {
    let mut lines = Lines::default();
    for (no, line) in ["user-1", "user-2", "0123", "123", "", "123456789012345678901"].iter().enumerate() {
        lines.add(line.as_bytes(), Some(AccountNo(no as u32)), ALWAYS.0, ALWAYS.1).unwrap();
    }
    for (no, line) in ["user-1", "user-2", "0123", "123", "", "123456789012345678901"].iter().enumerate() {
        assert_eq!(lines.find(line.as_bytes(), InstantMs(0)), LineAnswer::Account(AccountNo(no as u32)), "{line}");
    }
    assert!(!lines.knows(b"user-3"));
    assert!(!Lines::default().knows(b"user-3"));
}

#[test]
fn blocks_of_any_stride_stand_near_where_they_belong() {
    for stride in [1, 7, 10, 100, 987, 1000, 2012, 10_946, 18_910, 1_000_000] {
        let mut lines = Lines::with_capacity(10_000);
        for number in (0..10_000u64).map(|n| 77_010_000_000 + n * stride) {
            lines.add(number.to_string().as_bytes(), None, ALWAYS.0, ALWAYS.1).unwrap();
        }
        let stands = (0..).zip(&lines.table).flat_map(|(at, bucket)| bucket.keys.map(|key| (at, key)));
        let away =
            |(at, key): (usize, u64)| (at + lines.table.len() - lines.home(hash_of_number(key))) % lines.table.len();
        let sum: usize = stands.filter(|(_, key)| *key != GAP).map(away).sum();
        assert!(sum < 1_000, "{stride}: {sum}");
    }
}

#[test]
fn lines_of_more_times_than_have_room_are_found() {
    let mut lines = Lines::default();
    let line = |no: u32| (77_010_000_000 + u64::from(no)).to_string();
    let from = |no: u32| InstantMs(i64::from(no));
    for no in 0..TIMES_MAX as u32 + 9 {
        lines.add(line(no).as_bytes(), Some(AccountNo(no)), from(no), from(no + 1)).unwrap();
    }
    // One that comes after them with the first times, and one with the last.
    for (no, like) in [(80_000, 0), (80_001, TIMES_MAX as u32 + 8)] {
        lines.add(line(no).as_bytes(), Some(AccountNo(no)), from(like), from(like + 1)).unwrap();
    }
    lines.know_plans(|_| {}, |no| Some(PlanId(no.0 as u16 & 7)));
    let last = TIMES_MAX as u32 - 1;
    let plain = |no: u32| LineAnswer::Plain(AccountNo(no), PlanId(no as u16 & 7));
    let other = |no: u32| LineAnswer::Account(AccountNo(no));
    for (no, at, answer) in [
        (0, 0, plain(0)),
        (last, last, plain(last)),
        (last, last + 1, LineAnswer::UnknownLine),
        (last + 1, last + 1, other(last + 1)),
        (last + 1, last, LineAnswer::UnknownLine),
        (last + 9, last + 9, other(last + 9)),
        (80_000, 0, plain(80_000)),
        (80_001, last + 9, other(80_001)),
    ] {
        let mut found = [LineAnswer::UnknownLine];
        lines.find_all(&[(line(no).as_bytes(), from(at))], &mut found);
        assert_eq!(found, [answer], "{no} {at}");
    }
}

#[test]
fn a_group_finds_what_each_finds() {
    let mut lines = Lines::with_capacity(3);
    for no in 0..1000u32 {
        let line = format!("{}", 77_010_000_000u64 + u64::from(no) * 7);
        lines.add(line.as_bytes(), Some(AccountNo(no)), InstantMs(0), InstantMs(i64::from(no))).unwrap();
    }
    lines.add(b"user-1", Some(AccountNo(7)), InstantMs(0), InstantMs(i64::MAX)).unwrap();
    let numbers = (0..100u64).map(|n| format!("{}", 77_010_000_000 + n * 21));
    let texts: Vec<String> = numbers.chain(["user-1", "user-2", "", "0"].map(str::to_owned)).collect();
    let queries: Vec<_> = texts.iter().map(|line| (line.as_bytes(), InstantMs(100))).collect();
    let mut answers = vec![LineAnswer::UnknownLine; queries.len()];
    lines.find_all(&queries, &mut answers);
    for ((line, at), answer) in queries.into_iter().zip(&answers) {
        assert_eq!(lines.find(line, at), *answer);
    }
    assert_eq!(
        answers[100..104],
        [LineAnswer::Account(AccountNo(7)), LineAnswer::UnknownLine, LineAnswer::UnknownLine, LineAnswer::UnknownLine]
    );
    assert!(answers.contains(&LineAnswer::Account(AccountNo(102))) && answers.contains(&LineAnswer::UnknownLine));
}

proptest! {
    #[test]
    fn lines_equal_a_list(
        spans in prop::collection::vec((0usize..12, 0u32..4, -5i64..20, 0i64..9), 0..80),
        asked in prop::collection::vec((0usize..14, -8i64..30), 1..70),
    ) {
        let names = ["77010000001", "77010000002", "77010000003", "1", "01", "001", "a", "b", "ab", "", "9", "99", "c", "5"];
        let (mut lines, mut list) = (Lines::default(), Vec::new());
        for (name, account, from, length) in spans {
            let account = account.checked_sub(1).map(AccountNo);
            let to = from + length;
            let meets = list.iter().any(|(other, _, start, end)| *other == name && *start < to && from < *end);
            let added = lines.add(names[name].as_bytes(), account, InstantMs(from), InstantMs(to));
            prop_assert_eq!(added.is_err(), meets);
            if !meets {
                list.push((name, account, from, to));
            }
        }
        prop_assert_eq!(lines.len(), list.len());
        let queries: Vec<_> = asked.iter().map(|(name, at)| (names[*name].as_bytes(), InstantMs(*at))).collect();
        let mut answers = vec![LineAnswer::UnknownLine; queries.len()];
        lines.find_all(&queries, &mut answers);
        for ((name, at), answer) in asked.iter().zip(answers) {
            let held = list.iter().find(|(other, _, from, to)| other == name && from <= at && at < to);
            let expected = held.map_or(LineAnswer::UnknownLine, |(_, account, ..)| {
                account.map_or(LineAnswer::UnknownAccount, LineAnswer::Account)
            });
            prop_assert_eq!(answer, expected);
            prop_assert_eq!(lines.find(names[*name].as_bytes(), InstantMs(*at)), expected);
            prop_assert_eq!(lines.knows(names[*name].as_bytes()), list.iter().any(|(other, ..)| other == name));
        }
    }
}
