use super::*;
use crate::decode::parse_rfc3339;
use crate::record::{Cause, Service};
use crate::units::{InstantMs, Zone};
use std::collections::HashMap;

const ASTERISK: &[u8] = include_bytes!("../../../tests/data/asterisk_Master.csv");
const KAMAILIO: &[u8] = include_bytes!("../../../tests/data/kamailio_acc_cdrs.csv");
const KAMAILIO_FROM_INVITE: &[u8] = include_bytes!("../../../tests/data/kamailio_acc_cdrs_from_invite.csv");

fn bundled(name: &str) -> Arc<Description> {
    Arc::new(Description::bundled(name).unwrap().unwrap())
}

fn described(text: &str) -> Arc<Description> {
    Arc::new(Description::parse(text, "test").unwrap())
}

/// Decodes a file as the feed would: the header, if there is one, apart.
fn decode(description: Arc<Description>, file: &[u8], check: impl FnOnce(&[Decoded<'_>])) {
    let (header, lines) = if description.has_header() {
        file.split_at(file.iter().position(|byte| *byte == b'\n').unwrap())
    } else {
        (&[][..], file)
    };
    let decoder = Described::new(description, header.trim_ascii_end(), Limits::default()).unwrap();
    let arena = Bump::new();
    let mut all = Vec::new();
    decoder.decode(lines, &arena, &mut |decoded| all.push(decoded));
    check(&all);
}

fn at(text: &str) -> InstantMs {
    parse_rfc3339(text.as_bytes()).unwrap()
}

fn accepted<'a, 'b>(all: &'a [Decoded<'b>]) -> Vec<&'a UsageRecord<'b>> {
    all.iter().map(|decoded| decoded.record.as_ref().unwrap_or_else(|rejection| panic!("{rejection}"))).collect()
}

/// Counts from the file itself: 218 rows, 133 ANSWERED (38 893 s from answer to end), 83 NO ANSWER of which 5 have an
/// answer time, 2 BUSY; 210 rows differ, two of them only in `duration`.
#[test]
fn interface_7_1_the_asterisk_sample_loses_no_answered_call() {
    decode(bundled("asterisk"), ASTERISK, |all| {
        let records = accepted(all);
        assert_eq!(records.len(), 218);
        let mut ids: HashMap<&[u8], Vec<&UsageRecord<'_>>> = HashMap::new();
        for record in &records {
            ids.entry(record.record_id).or_default().push(record);
        }
        assert_eq!(ids.len(), 209);
        for same in ids.values().filter(|same| same.len() > 1) {
            assert!(same.iter().all(|record| record.answer_at.is_none() && *record == same[0]));
        }
        let answered: Vec<_> = records.iter().filter(|record| record.answer_at.is_some()).collect();
        assert_eq!(answered.len(), 133);
        assert_eq!(answered.iter().map(|record| record.duration_ms()).sum::<i64>(), 38_893_000);
        assert!(answered.iter().all(|record| record.cause == Cause::Q850(16)));
        let cause = |cause| records.iter().filter(|record| record.cause == cause).count();
        assert_eq!((cause(Cause::Q850(19)), cause(Cause::Q850(17))), (83, 2));
        assert!(records.iter().all(|record| !record.ambiguous && record.service == Service::Voice));
    });
}

#[test]
fn interface_7_1_an_asterisk_row() {
    decode(bundled("asterisk"), ASTERISK, |all| {
        let record = all[1].record.as_ref().unwrap();
        assert_eq!((record.a_number, record.b_number), (&b"7914459811"[..], &b"7154139112"[..]));
        // 2017: Almaty at UTC+6.
        assert_eq!(record.setup_at, at("2017-06-20T09:49:22+06:00"));
        assert_eq!(record.answer_at, Some(at("2017-06-20T09:49:32+06:00")));
        assert_eq!(record.release_at, Some(at("2017-06-20T09:58:06+06:00")));
        let id = "1497952162.0|NOT_AVAILABLE|2017-06-20 09:49:22|2017-06-20 09:49:32|2017-06-20 09:58:06";
        assert_eq!(record.record_id, id.as_bytes());
        assert_eq!((all[1].line, all[1].record_id), (1, record.record_id));
    });
    let berlin =
        Description::bundled("asterisk").unwrap().unwrap().with_time_zone(Zone::parse("Europe/Berlin").unwrap());
    decode(Arc::new(berlin), ASTERISK, |all| {
        assert_eq!(all[1].record.as_ref().unwrap().setup_at, at("2017-06-20T09:49:22+02:00"));
    });
}

/// Counts from the switch's own notes: 107 calls, 53 answered, 740.612 s from answer to release by its milliseconds.
#[test]
fn rating_1_3_the_kamailio_clock_starts_at_the_answer() {
    decode(bundled("kamailio"), KAMAILIO, |all| {
        let records = accepted(all);
        let answered: Vec<_> = records.iter().filter(|record| record.answer_at.is_some()).collect();
        assert_eq!((records.len(), answered.len()), (107, 53));
        assert_eq!(answered.iter().map(|record| record.duration_ms()).sum::<i64>(), 740_612);
        let cause = |cause| records.iter().filter(|record| record.cause == cause).count();
        for (expected, count) in [
            (Cause::Q850(16), 53),
            (Cause::Q850(17), 13),
            (Cause::Q850(19), 6),
            (Cause::Q850(20), 4),
            (Cause::Q850(1), 7),
            (Cause::Q850(21), 5),
            (Cause::Q850(34), 2),
            (Cause::Sip(404), 3),
            (Cause::Sip(408), 6),
            (Cause::Sip(487), 8),
        ] {
            assert_eq!(cause(expected), count, "{expected:?}");
        }
        let first = records[0];
        assert_eq!(first.record_id, b"2-10204@127.0.0.1|10204a2");
        assert_eq!((first.setup_at, first.answer_at), (at("2026-11-22T06:20:04.231+05:00"), None));
    });
    // The same switch told to start its own clock at the INVITE: `duration` adds up to 86.121 s, the talk to 43.428 s.
    decode(bundled("kamailio"), KAMAILIO_FROM_INVITE, |all| {
        let records = accepted(all);
        assert_eq!((records.len(), records.iter().filter(|record| record.answer_at.is_some()).count()), (34, 12));
        assert_eq!(
            records.iter().filter(|record| record.answer_at.is_some()).map(|record| record.duration_ms()).sum::<i64>(),
            43_428
        );
    });
}

#[test]
fn a_stock_kamailio_export_is_told_what_it_lacks() {
    let told = Described::new(bundled("kamailio"), b"id,start_time,end_time,duration", Limits::default()).unwrap_err();
    assert_eq!(told.reason, RejectReason::BadHeader);
    assert!(
        told.detail.contains("no column `call_id`") && told.detail.contains("cdr_start_on_confirmed = 1"),
        "{told}"
    );
}

#[test]
fn interface_7_1_freeswitch_rows() {
    let rows = r#"
"Ada","77272500001","87012345678","default","2026-03-01 10:00:00","2026-03-01 10:00:05","2026-03-01 10:01:05","65","60","NORMAL_CLEARING","5d5c2b7e-0001","5d5c2b7e-0002","","PCMA","PCMA"
"","+77272500001","8101234","default","2026-03-01 10:00:00","","2026-03-01 10:00:20","20","0","ORIGINATOR_CANCEL","5d5c2b7e-0003","","","",""
"","77272500001","101","default","2026-03-01 10:00:00","","2026-03-01 10:00:01","1","0","USER_BUSY","5d5c2b7e-0004","","","",""
"short""#;
    decode(bundled("freeswitch"), rows.as_bytes(), |all| {
        let records = accepted(&all[..3]);
        assert_eq!(records[0].record_id, b"5d5c2b7e-0001");
        assert_eq!((records[0].duration_ms(), records[0].cause), (60_000, Cause::Q850(16)));
        assert_eq!(records[0].answer_at, Some(at("2026-03-01T10:00:05+05:00")));
        assert_eq!(
            (records[1].a_number, records[1].answer_at, records[1].cause),
            (&b"77272500001"[..], None, Cause::Sip(487))
        );
        assert_eq!(records[2].cause, Cause::Q850(17));
        assert_eq!(all[3].record.as_ref().unwrap_err().to_string(), "bad_columns: 1 columns where freeswitch has 15");
    });
}

#[test]
fn every_bundled_cause_is_one() {
    for name in Description::bundled_names() {
        let description = bundled(name);
        let (_, source) = description.texts.iter().find(|(column, _)| *column == crate::decode::Column::Cause).unwrap();
        for (text, cause) in source.0.iter().flat_map(|alternative| &alternative.values) {
            assert_ne!(Cause::parse(cause.as_bytes()), Cause::Unparsable, "{name}: {text}");
        }
    }
}

const LOCAL: &str = r#"
header = false
columns = ["id", "a", "setup", "answer", "release", "total", "talk"]
time_format = "%Y-%m-%d %H:%M:%S"
time_zone = "Asia/Almaty"
record_id = ["id"]
[map]
service = { value = "voice" }
a_number = "a"
setup_at = "setup"
answer_at = "answer"
release_at = "release"
[duration]
from_setup = "total"
from_answer = "talk"
"#;

/// On 2024-02-29 the hour from 23:00 came twice: at UTC+6, then at UTC+5.
#[test]
fn rating_1_4_a_doubled_hour_is_settled_by_the_duration_or_not_at_all() {
    let day = |clock: &str| match clock {
        "" => String::new(),
        next if next.starts_with("00") => format!("2024-03-01 {next}"),
        clock => format!("2024-02-29 {clock}"),
    };
    // setup, answer, release, total, talk → offset of setup, answer, release, or none where it stays open.
    for (clocks, lengths, expected) in [
        // Not in the hour at all.
        (["22:50:00", "22:50:10", "22:59:59"], ["599", "589"], Some([6, 6, 6])),
        (["00:10:00", "00:10:10", "00:20:10"], ["", ""], Some([5, 5, 5])),
        // Answered at 23:30, ended at 00:10: 40 minutes from the second 23:30, 100 from the first.
        (["23:29:50", "23:30:00", "00:10:00"], ["2410", "2400"], Some([5, 5, 5])),
        (["23:29:50", "23:30:00", "00:10:00"], ["6010", "6000"], Some([6, 6, 5])),
        // Cut-off seconds fit, a minute does not.
        (["23:29:50", "23:30:00", "00:10:00"], ["2409", "2399"], Some([5, 5, 5])),
        (["23:29:50", "23:30:00", "00:10:00"], ["2350", "2340"], None),
        // Begun before the hour, ended in it.
        (["22:50:00", "22:50:10", "23:30:10"], ["2410", "2400"], Some([6, 6, 6])),
        (["22:50:00", "22:50:10", "23:30:10"], ["6010", "6000"], Some([6, 6, 5])),
        // From 23:50 to 23:10: only over the change.
        (["23:49:50", "23:50:00", "23:10:00"], ["1210", "1200"], Some([6, 6, 5])),
        // Within the hour either hour fits.
        (["23:29:50", "23:30:00", "23:40:00"], ["610", "600"], None),
        // No duration, no answer, nonsense: nothing tells.
        (["23:29:50", "23:30:00", "00:10:00"], ["", ""], None),
        (["23:29:50", "23:30:00", "00:10:00"], ["x", "-5"], None),
        (["23:29:50", "", "23:30:00"], ["10", "0"], None),
        // The talk settles answer and release, but the setup may be in either hour.
        (["23:29:50", "23:30:00", "00:10:00"], ["", "2400"], None),
        // The total settles all three where the answer has to follow the setup and precede the release.
        (["22:59:50", "23:30:00", "00:10:00"], ["", "2400"], Some([6, 5, 5])),
    ] {
        let [setup, answer, release] = clocks.map(day);
        let line = format!("1,7701,{setup},{answer},{release},{},{}", lengths[0], lengths[1]);
        decode(described(LOCAL), line.as_bytes(), |all| {
            let record = all[0].record.as_ref().unwrap_or_else(|rejection| panic!("{line}: {rejection}"));
            assert_eq!(record.ambiguous, expected.is_none(), "{line}");
            if let Some(offsets) = expected {
                let instant = |local: &str, offset: i64| at(&format!("{local}+{offset:02}:00"));
                assert_eq!(record.setup_at, instant(&setup, offsets[0]), "{line}");
                assert_eq!(record.answer_at, Some(instant(&answer, offsets[1])), "{line}");
                assert_eq!(record.release_at, Some(instant(&release, offsets[2])), "{line}");
            }
        });
    }
}

#[test]
fn rating_1_4_a_time_in_a_skipped_hour_is_a_bad_time() {
    let description = Description::parse(LOCAL, "test").unwrap().with_time_zone(Zone::parse("Europe/Berlin").unwrap());
    let line = b"1,7701,2026-03-29 01:59:59,2026-03-29 02:30:00,2026-03-29 03:10:00,611,600";
    decode(Arc::new(description), line, |all| {
        let told = all[0].record.as_ref().unwrap_err();
        assert_eq!(told.to_string(), "bad_time: answer_at is a local time that the clock was moved over");
        assert_eq!(all[0].record_id, b"1");
    });
}

#[test]
fn times_that_a_feed_does_not_write_follow_from_others() {
    let ended = r#"
        header = true
        delimiter = ";"
        quote = ""
        encoding = "windows-1251"
        time_format = "epoch_s"
        record_id = ["id", 2]
        [map]
        service = { value = "voice" }
        a_number = { column = "a", after = "sip:", before = "@" }
        release_at = "end"
        answered_by = { column = "who", values = { "робот" = "autoresponder" }, otherwise = "subscriber" }
        [setup_from]
        release_minus_seconds = "total"
        [answer_from]
        release_minus_seconds = "talk"
    "#;
    let begun = r#"
        header = true
        time_format = "epoch_ms"
        record_id = ["id"]
        [map]
        service = { value = "voice" }
        a_number = "a"
        setup_at = "setup"
        answer_at = { column = "answer", values = { "0" = "" } }
        [release_from]
        answer_plus_seconds = "talk"
    "#;
    let (text, _, _) = encoding_rs::WINDOWS_1251.encode(
        "id;a;end;total;talk;who\n1;sip:7701@pbx;100.5;20;10.250;робот\n2;7702;100;20;0;\n3;7703;100;20;x;кто\n",
    );
    decode(described(ended), &text, |all| {
        let first = all[0].record.as_ref().unwrap();
        assert_eq!((first.record_id, first.a_number), (&b"1|sip:7701@pbx"[..], &b"7701"[..]));
        assert_eq!((first.setup_at, first.answer_at), (InstantMs(80_500), Some(InstantMs(90_250))));
        assert_eq!(first.answered_by, crate::record::AnsweredBy::Autoresponder);
        // 0 seconds are no answer where nothing else says so.
        assert_eq!(all[1].record.as_ref().unwrap().answer_at, None);
        assert_eq!(all[2].record.as_ref().unwrap_err().reason, RejectReason::BadTime);
    });
    decode(described(begun), b"id,a,setup,answer,talk\n1,7701,1000,2000,3.5\n2,7701,1000,0,0\n", |all| {
        let records = accepted(all);
        assert_eq!((records[0].duration_ms(), records[0].release_at), (3_500, Some(InstantMs(5_500))));
        assert_eq!((records[1].answer_at, records[1].release_at), (None, None));
    });
}

#[test]
fn answered_without_an_answer_time_is_not_lost_in_silence() {
    let text = format!("{LOCAL}[answered_when]\ncolumn = \"talk\"\nvalues = [\"60\"]\n");
    decode(described(&text), b"1,7701,2026-03-01 10:00:00,,2026-03-01 10:01:00,60,60", |all| {
        assert_eq!(all[0].record.as_ref().unwrap_err().reason, RejectReason::MissingField);
    });
}

#[test]
fn what_no_line_of_the_format_is() {
    let arena = Bump::new();
    let decoder = Described::new(described(LOCAL), b"", Limits::default()).unwrap();
    for (line, expected) in [
        (&b"1,7701"[..], RejectReason::BadColumns),
        (b"1,7701,2026-03-01 10:00:00,,,,,", RejectReason::BadColumns),
        (b"1,\"7701,,,,,", RejectReason::BadQuotes),
        (b"1,\xff,,,,,", RejectReason::BadText),
        (b"1,7701\0,,,,,", RejectReason::BadText),
        (b",7701,2026-03-01 10:00:00,,,,", RejectReason::MissingField),
        (b"1,7701,yesterday,,,,", RejectReason::BadTime),
        (b"1,7701,2026-03-01 10:00:00,2026-03-01 09:00:00,2026-03-01 10:00:00,,", RejectReason::AnswerBeforeSetup),
    ] {
        decoder.decode(line, &arena, &mut |decoded| {
            assert_eq!(decoded.record.unwrap_err().reason, expected, "{}", String::from_utf8_lossy(line));
        });
    }
}

#[test]
fn headers_have_each_column_once() {
    let description = described(&LOCAL.replace("header = false", "header = true").replace("columns", "#"));
    let new = |header: &[u8]| Described::new(description.clone(), header, Limits::default());
    assert!(new(b"talk,total,release,answer,setup,a,id,more,more").is_ok());
    assert!(new(b"\"id\", a ,setup,answer,release,total,talk").is_ok());
    for (header, told) in [
        (&b"id,a,setup,answer,release,total"[..], "no column `talk`"),
        (b"id,id,a,setup,answer,release,total,talk", "`id` stands twice"),
        (b"", "no column `id`"),
    ] {
        let rejection = new(header).unwrap_err();
        assert!(rejection.reason == RejectReason::BadHeader && rejection.detail.contains(told), "{rejection}");
    }
    let zoneless = described(&LOCAL.replace("time_zone = \"Asia/Almaty\"", ""));
    assert!(
        Described::new(zoneless, b"", Limits::default()).unwrap_err().detail.contains("set the feed's `time_zone`")
    );
}

#[test]
fn descriptions_are_refused_with_every_finding() {
    for (from, to, told) in [
        ("header = false", "", "header"),
        ("header = false", "header = false\nheadr = true", "headr"),
        ("a_number = \"a\"", "a_number = { column = \"a\", stripp = \"-\" }", "stripp"),
        ("a_number = \"a\"", "a_number = { strip = \"-\" }", "either `column` or `value`"),
        ("a_number = \"a\"", "a_number = \"b\"", "column `b` is not in `columns`"),
        ("a_number = \"a\"", "", "lacks a_number"),
        ("a_number = \"a\"", "a_number = 0", "position 0"),
        ("a_number = \"a\"", "a_number = \"a\"\na_nummer = 1", "a_nummer: no native column"),
        ("a_number = \"a\"", "a_number = { column = \"a\", time_format = \"epoch_s\" }", "it is no time"),
        ("setup_at = \"setup\"", "", "lacks setup_at"),
        ("setup_at = \"setup\"", "setup_at = { column = \"setup\", time_format = \"%H\" }", "does not name a date"),
        ("record_id = [\"id\"]", "record_id = []", "record_id names no column"),
        ("record_id = [\"id\"]", "record_id = [\"id\"]\ndelimiter = \"||\"", "delimiter"),
        ("record_id = [\"id\"]", "record_id = [\"id\"]\nencoding = \"koi8\"", "koi8"),
        ("record_id = [\"id\"]", "record_id = [\"id\"]\nnumber_form = \"raw\"", "number_form"),
        ("Asia/Almaty", "Asia/Astana", "unknown time zone"),
        ("[duration]", "[answer_from]\nrelease_minus_seconds = \"talk\"\n[duration]", "both in [map] and worked out"),
        ("\"id\", \"a\"", "\"id\", \"id\", \"a\"", "names `id` twice"),
    ] {
        assert!(LOCAL.contains(from), "{from}");
        let error = Description::parse(&LOCAL.replace(from, to), "mine.toml").unwrap_err().to_string();
        assert!(error.starts_with("mine.toml: ") && error.contains(told), "{told}: {error}");
    }
    let two = LOCAL.replace("a_number = \"a\"", "").replace("Asia/Almaty", "Nowhere");
    assert_eq!(Description::parse(&two, "mine.toml").unwrap_err().findings.len(), 2);
}
