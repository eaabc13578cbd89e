use super::*;

const ANSWERED: [(Column, &str); 7] = [
    (Column::RecordId, "r1"),
    (Column::Service, "voice"),
    (Column::ANumber, "77012345678"),
    (Column::BNumber, "87172000000"),
    (Column::SetupAt, "2026-03-01T10:00:00+05:00"),
    (Column::AnswerAt, "2026-03-01T10:00:05.250+05:00"),
    (Column::ReleaseAt, "2026-03-01T10:01:05.250+05:00"),
];

/// The answered call above with some columns set anew.
fn with<'b>(changes: &[(Column, &'b str)]) -> Fields<'b> {
    let mut fields = Fields::default();
    for (column, text) in ANSWERED.iter().chain(changes) {
        fields.set(*column, text.as_bytes());
    }
    fields
}

fn reason(changes: &[(Column, &str)]) -> Option<RejectReason> {
    build(&with(changes), &Limits::default()).err().map(|rejection| rejection.reason)
}

#[test]
fn rating_1_1_a_record_with_its_defaults() {
    let record = build(&with(&[]), &Limits::default()).unwrap();
    assert_eq!((record.record_id, record.service, record.direction), (&b"r1"[..], Service::Voice, Direction::Out));
    assert_eq!(record.setup_at, InstantMs(1_772_341_200_000));
    assert_eq!(record.duration_ms(), 60_000);
    assert_eq!((record.part, record.last, record.realtime, record.quantity), (0, false, true, 1));
    assert_eq!((record.answered_by, record.cause), (AnsweredBy::Subscriber, Cause::Empty));
    assert_eq!((record.bytes(), record.ambiguous), (0, false));
}

#[test]
fn rating_1_2_what_rejects_a_record() {
    use Column as C;
    use RejectReason as R;
    let none = (C::AnswerAt, "");
    let data = (C::Service, "data");
    for (changes, expected) in [
        (&[(C::RecordId, "")][..], Some(R::MissingField)),
        (&[(C::Service, "")], Some(R::MissingField)),
        (&[(C::Service, "Voice")], Some(R::BadValue)),
        (&[(C::ANumber, "")], Some(R::MissingField)),
        (&[(C::ANumber, ""), (C::Direction, "in")], None),
        (&[(C::ANumber, ""), (C::Direction, "forward")], Some(R::MissingField)),
        (&[(C::Direction, "out")], None),
        (&[(C::Direction, "up")], Some(R::BadValue)),
        (&[(C::AnsweredBy, "fax")], None),
        (&[(C::AnsweredBy, "robot")], Some(R::BadValue)),
        (&[(C::Realtime, "false")], None),
        (&[(C::Realtime, "no")], Some(R::BadValue)),
        (&[(C::Last, "true")], None),
        (&[(C::Last, "1")], Some(R::BadValue)),
        (&[(C::SetupAt, "")], Some(R::MissingField)),
        (&[(C::SetupAt, "2026-03-01T10:00:00")], Some(R::BadTime)),
        (&[(C::AnswerAt, "yesterday")], Some(R::BadTime)),
        (&[(C::ReleaseAt, "2026-02-30T10:00:00Z")], Some(R::BadTime)),
        // An answered call ends; one that nobody answered need not say when.
        (&[(C::ReleaseAt, "")], Some(R::MissingField)),
        (&[(C::ReleaseAt, ""), none], None),
        (&[(C::ReleaseAt, ""), data], None),
        // Both sides of each order.
        (&[(C::AnswerAt, "2026-03-01T09:59:59.999+05:00")], Some(R::AnswerBeforeSetup)),
        (&[(C::AnswerAt, "2026-03-01T10:00:00+05:00")], None),
        (&[(C::ReleaseAt, "2026-03-01T10:00:05.249+05:00")], Some(R::ReleaseBeforeAnswer)),
        (&[(C::ReleaseAt, "2026-03-01T10:00:05.250+05:00")], None),
        (&[data, none, (C::ReleaseAt, "2026-03-01T09:59:59+05:00")], Some(R::ReleaseBeforeAnswer)),
        (&[data, none, (C::ReleaseAt, "2026-03-01T10:00:00+05:00")], None),
        (&[none, (C::ReleaseAt, "2026-03-01T09:59:59+05:00")], None),
        // Volumes.
        (&[(C::BytesUp, "-1")], Some(R::NegativeVolume)),
        (&[(C::BytesDown, "-5")], Some(R::NegativeVolume)),
        (&[(C::BytesUp, "-")], Some(R::BadNumber)),
        (&[(C::BytesUp, "-1.5")], Some(R::BadNumber)),
        (&[(C::BytesUp, "+1")], Some(R::BadNumber)),
        (&[(C::BytesUp, "1e3")], Some(R::BadNumber)),
        (&[(C::BytesUp, "9223372036854775807")], None),
        (&[(C::BytesUp, "9223372036854775808")], Some(R::BadNumber)),
        (&[(C::BytesUp, "9223372036854775807"), (C::BytesDown, "1")], Some(R::BadNumber)),
        (&[(C::BytesUp, "99999999999999999999999")], Some(R::BadNumber)),
        (&[(C::Quantity, "0")], None),
        (&[(C::Quantity, "-1")], Some(R::NegativeVolume)),
        (&[(C::Quantity, "one")], Some(R::BadNumber)),
        (&[(C::Part, "0")], Some(R::BadNumber)),
        (&[(C::Part, "1")], None),
        (&[(C::Part, "1000000")], None),
        (&[(C::Part, "1000001")], Some(R::BadNumber)),
        (&[(C::Part, "-1")], Some(R::BadNumber)),
        // A cause of no known form rejects nothing (rating 1.3).
        (&[(C::Cause, "busy")], None),
    ] {
        assert_eq!(reason(changes), expected, "{changes:?}");
    }
}

#[test]
fn rating_1_2_the_first_finding_is_told() {
    let all_wrong = [
        (Column::RecordId, RejectReason::MissingField, ""),
        (Column::Service, RejectReason::BadValue, "x"),
        (Column::ANumber, RejectReason::MissingField, ""),
        (Column::Direction, RejectReason::BadValue, "x"),
        (Column::SetupAt, RejectReason::BadTime, "x"),
        (Column::AnswerAt, RejectReason::AnswerBeforeSetup, "2026-01-01T00:00:00Z"),
        (Column::BytesUp, RejectReason::NegativeVolume, "-1"),
        (Column::Quantity, RejectReason::BadNumber, "x"),
        (Column::Part, RejectReason::BadNumber, "x"),
    ];
    for from in 0..all_wrong.len() {
        let changes: Vec<_> = all_wrong[from..].iter().map(|(column, _, text)| (*column, *text)).collect();
        // An empty a_number beside a wrong direction is told first, as the order says.
        let rejection = build(&with(&changes), &Limits::default()).unwrap_err();
        assert_eq!(rejection.reason, all_wrong[from].1, "{rejection}");
    }
}

#[test]
fn rating_1_2_a_duration_over_the_feeds_limit() {
    for (limit, expected) in [(59_999, Some(RejectReason::TooLong)), (60_000, None)] {
        let limits = Limits { max_duration_ms: Some(limit) };
        assert_eq!(build(&with(&[]), &limits).err().map(|rejection| rejection.reason), expected);
    }
}

#[test]
fn times_may_come_as_instants() {
    let mut fields = with(&[]);
    fields.answer_at = Time::At(InstantMs(1_772_341_200_000));
    assert_eq!(build(&fields, &Limits::default()).unwrap().duration_ms(), 65_250);
    fields.answer_at = Time::Bad("is a local time that the clock was moved over");
    let rejection = build(&fields, &Limits::default()).unwrap_err();
    assert_eq!(rejection.to_string(), "bad_time: answer_at is a local time that the clock was moved over");
}

#[test]
fn details_name_the_column_and_never_its_text() {
    let changes = [
        (Column::Service, "77012223344"),
        (Column::Direction, "77012223344"),
        (Column::SetupAt, "77012223344"),
        (Column::BytesUp, "77012223344x"),
        (Column::Part, "77012223344"),
    ];
    for (column, text) in changes {
        let rejection = build(&with(&[(column, text)]), &Limits::default()).unwrap_err();
        assert!(rejection.detail.contains(column.name()), "{rejection}");
        assert!(!rejection.detail.contains("7701"), "{rejection}");
    }
}
