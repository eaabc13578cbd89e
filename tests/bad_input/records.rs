//! Text and values of records.

use crate::month::{CALLED, HEADER, Month, NUMBER, TARIFF, call};

#[test]
fn quotes_commas_line_ends_and_a_byte_order_mark() {
    let month = Month::new();
    let text = format!("\u{feff}{HEADER}{}{}", call("\"a,\"\"b\"\"\""), call("c")).replace('\n', "\r\n");
    month.with("feeds/a.csv", text);
    let run = month.rate(&[]);
    run.ended(3, 0, 0);
    assert!(run.rows("rated").iter().any(|row| row.starts_with("feeds,\"a,\"\"b\"\"\",A1,p,")));
}

#[test]
fn a_stray_quote_damages_one_line_and_not_the_rest() {
    let month = Month::new();
    let cut = call("b").replace(&format!(",{NUMBER}"), &format!(",\"{NUMBER}"));
    month.with("feeds/a.csv", format!("{HEADER}{cut}\"x\"y{}{}", call(""), call("c")));
    month.rate(&[]).ended(2, 0, 2).reason("rejected", "bad_quotes", 2);
}

#[test]
fn nul_bytes_and_what_is_not_utf_8() {
    let month = Month::new();
    let mut text = format!("{HEADER}{}", call("a")).into_bytes();
    text.extend(call("b\0").bytes());
    text.extend(b"c\xc0\xff");
    text.extend(call("").bytes());
    text.extend(call("d").bytes());
    let run = month.with("feeds/a.csv", text).rate(&[]);
    run.ended(3, 0, 2).reason("rejected", "bad_text", 2);
    assert!(run.rows("rejected").iter().any(|row| row.contains("a NUL byte at column 2")));
}

#[test]
fn utf_16_is_told_and_counted() {
    let month = Month::new();
    let text: Vec<u8> = format!("\u{feff}{HEADER}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    month.with("feeds/a.csv", text).rate(&[]).ended(1, 0, 1).tells("feeds/a.csv: the file is UTF-16; save it as UTF-8");
}

#[test]
fn escape_sequences_do_not_reach_the_terminal() {
    let month = Month::new();
    month
        .with("accounts.csv", "account_id,plan,method\nA1,p,\u{1b}[2J\n\u{1b}[31mA2,p,x\nA3,p,credit\nA3,p,credit\n")
        .with("payments.csv", "payment_id,account_id,amount,paid_at\n\u{7}1,\u{7}A9,\u{7}1,\u{7}2\n")
        .with("events.csv", "account_id,at,kind\n\u{7}A1,\u{7}2,\u{7}3\nA3,\u{7},resumed\n")
        .with("assignments.csv", "account_id,plan,valid_from,valid_to\n\u{7}A1,p,,\nA3,p,\u{7},\n")
        .with("esep.toml", "[[feed]]\nsource = \"x\\u0007\"\nfiles = [\"feeds/*.csv\", \"no\\u0007\"]\n");
    month.rate(&[]).ended(0, 1, 0).tells("accounts.csv:2").tells("method");
}

#[test]
fn missing_columns_and_columns_twice() {
    let month = Month::new();
    month.with("feeds/a.csv", format!("record_id,service,b_number\n{}{}", call("a"), call("b")));
    month.with("feeds/b.csv", format!("{}\n{}", HEADER.trim_end().replace("cause", "record_id"), call("c")));
    let run = month.rate(&[]);
    run.ended(1, 0, 3).reason("rejected", "bad_header", 3);
    run.tells("feeds/a.csv: the header has no column `a_number`");
    run.tells("feeds/b.csv: the header has the column `record_id` twice");
}

#[test]
fn dates_beyond_any_range() {
    let month = Month::new();
    let mut text = HEADER.to_owned();
    for (id, time) in [
        ("a", "99999-01-01T00:00:00Z"),
        ("b", "-0001-01-01T00:00:00Z"),
        ("c", "2026-02-30T00:00:00Z"),
        ("d", "2026-03-01T24:00:00Z"),
        ("e", "2026-03-01T00:00:00"),
        ("f", "292277026596-12-04T15:30:08Z"),
    ] {
        text.push_str(&format!("{id},voice,{NUMBER},{CALLED},{time},{time},{time},16\n"));
    }
    // Within the range of RFC 3339, but in the year 10000 where the tariff is.
    let last = "9999-12-31T23:00:00Z";
    text.push_str(&format!("g,voice,{NUMBER},{CALLED},{last},{last},{last},16\n"));
    let first = "0000-01-01T00:00:00+05:00";
    text.push_str(&format!("h,voice,{NUMBER},{CALLED},{first},{first},{first},16\n"));
    let run = month.with("feeds/a.csv", text).rate(&[]);
    run.ended(1, 0, 8).reason("rejected", "bad_time", 8);
}

#[test]
fn local_times_of_the_hour_that_came_twice() {
    let month = Month::new();
    // 2024-02-29 23:00–24:00 came twice; the duration settles the second, not the first.
    let row = |id: &str, duration: &str| {
        format!(
            "\"\",\"{NUMBER}\",\"{CALLED}\",\"x\",\"\",\"SIP/1-1\",\"SIP/2-2\",\"Dial\",\"\",\"2024-02-29 23:30:00\",\"2024-02-29 23:30:00\",\"2024-03-01 00:10:00\",{duration},{duration},\"ANSWERED\",\"DOCUMENTATION\",\"{id}\",\"\"\n"
        )
    };
    month.with("feeds/pbx.txt", format!("{}{}", row("1", ""), row("2", "2400")));
    month.with(
        "esep.toml",
        "[[feed]]\nsource = \"pbx\"\nfiles = \"feeds/*.txt\"\nformat = \"asterisk\"\ntime_zone = \"Asia/Almaty\"\n",
    );
    month.without("feeds/good.csv").rate(&[]).ended(1, 1, 0).reason("suspended", "ambiguous_time", 1);
    month.with(
        "esep.toml",
        "[[feed]]\nsource = \"pbx\"\nfiles = \"feeds/*.txt\"\nformat = \"asterisk\"\ntime_zone = \"Asia/Alma-Ata\"\n",
    );
    month.rate(&[]).not_done().tells("unknown time zone `Asia/Alma-Ata`");
}

#[test]
fn amounts_and_volumes_near_2_to_the_63() {
    let month = Month::new();
    let mut text = "record_id,service,a_number,setup_at,bytes_up,bytes_down,quantity,b_number\n".to_owned();
    for (id, numbers) in [
        ("rated", "data,@,1024000,0,"),
        ("charge-beyond", "sms,@,,,9223372036854775807"),
        ("volume-beyond", "data,@,9223372036854775807,1,"),
        ("number-beyond", "data,@,9223372036854775808,0,"),
        ("far-beyond", "data,@,99999999999999999999999,0,"),
        ("negative", "data,@,-9223372036854775808,0,"),
        ("largest", "data,@,9223372036854775807,0,"),
    ] {
        let numbers = numbers.replace('@', &format!("{NUMBER},2026-03-10T10:00:00Z"));
        text.push_str(&format!("{id},{numbers},{CALLED}\n"));
    }
    let run = month.with("feeds/a.csv", text).rate(&[]);
    run.ended(3, 0, 5).reason("rejected", "out_of_range", 1).reason("rejected", "bad_number", 3);
    run.reason("rejected", "negative_volume", 1);
    // ⌈(2^63 − 1) / 1024⌉ units at 0.01.
    assert!(run.rows("rated").iter().any(|row| row.contains(",9007199254740992,90071992547409.92,")));
}

#[test]
fn a_sum_of_charges_beyond_64_bits() {
    let month = Month::new();
    month.with("tariffs/t.toml", TARIFF.replace("\"13\"", "\"46116860184.27\""));
    let header = "record_id,service,a_number,setup_at,quantity,b_number\n";
    let row = |id: u32| format!("{id},sms,{NUMBER},2026-03-10T10:00:00Z,1500000,{CALLED}\n");
    month.with("feeds/a.csv", format!("{header}{}", (0..4).map(row).collect::<String>()));
    let run = month.rate(&[]);
    run.ended(5, 0, 0);
    // 4 × 1 500 000 × 46 116 860 184.27 + 27.00
    assert_eq!(run.summary["charged"], "276701161105620027.00");
}
