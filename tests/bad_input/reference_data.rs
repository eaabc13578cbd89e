//! Tariffs, prefixes, accounts, payments and `esep.toml`.

use crate::month::{Month, Run, TARIFF, esep};

#[test]
fn a_folder_without_accounts_suspends_what_is_billable() {
    let month = Month::new();
    let run = month.without("accounts.csv").without("lines.csv").rate(&[]);
    run.ended(0, 1, 0).reason("suspended", "unknown_line", 1).tells("accounts.csv: warning: not there");
    run.tells("lines.csv: warning: not there");
}

#[test]
fn reference_files_that_are_empty_are_told() {
    for name in ["accounts.csv", "lines.csv", "payments.csv"] {
        let month = Month::new();
        month.with(name, "").rate(&[]).tells(&format!("{name}: warning: empty"));
    }
}

#[test]
fn a_reference_file_without_its_columns_stops_the_run() {
    for (name, text, needle) in [
        ("accounts.csv", "id,plan\nA1,p\n", "the header has no column `account_id`"),
        ("lines.csv", "line,line,account_id\n1,1,A1\n", "the header has the column `line` twice"),
        ("payments.csv", "payment_id;account_id;amount;paid_at\n", "the header has no column `payment_id`"),
    ] {
        let month = Month::new();
        month.with(name, text).rate(&[]).not_done().tells(&format!("{name}:1: {needle}"));
    }
}

#[test]
fn a_tariff_with_an_error_on_line_3() {
    let month = Month::new();
    month.with("tariffs/t.toml", TARIFF.replace("Asia/Almaty", "Asia/Almatty"));
    month.rate(&[]).not_done().tells("tariffs/t.toml:3: ").tells("Asia/Almatty").tells("nothing was rated");
    month.with("tariffs/t.toml", "name = \"t\"\nvalid_from = 2020-01-01\nprice = = 3\n");
    month.rate(&[]).not_done().tells("tariffs/t.toml:3: ");
    let check = Run::of(
        {
            let mut command = esep(&["tariff", "check"]);
            command.arg(month.path("tariffs/t.toml"));
            command
        },
        None,
    );
    assert_eq!(check.code, 2);
    check.tells("t.toml:3: ").tells("must be mended");
}

#[test]
fn no_tariff_at_all() {
    let month = Month::new();
    month.without("tariffs/t.toml").rate(&[]).not_done().tells("there is no tariff version");
}

#[test]
fn a_prefix_that_stands_twice() {
    let month = Month::new();
    month.with("prefixes.csv", "prefix,zone\n7,ld\n71,ld\n7,ld\n").rate(&[]).not_done().tells("prefixes.csv:4: ");
}

#[test]
fn bad_payments_are_set_aside_with_their_lines() {
    let month = Month::new();
    month.with(
        "payments.csv",
        "payment_id,account_id,amount,paid_at\n\
         p1,A1,ten,2026-03-01\n\
         p2,A1,-5.00,2026-03-01\n\
         p3,A9,5.00,2026-03-01\n\
         p4,A1,5.00,yesterday\n\
         p5,A1,5.00,2026-03-01\n\
         p5,A1,6.00,2026-03-01\n\
         p6,A1,92233720368547758.08,2026-03-01\n\
         p7,A1,5.001,2026-03-01\n\
         p8,A1\n",
    );
    let run = month.rate(&[]);
    run.ended(1, 0, 0);
    for needle in [
        ":2: warning: payment p1: amount `ten`: not a decimal number",
        ":3: warning: payment p2: amount -5.00 is not above zero",
        ":4: warning: payment p3: no account A9",
        ":5: warning: payment p4: paid_at `yesterday`",
        ":7: warning: payment p5 stands here already with another amount",
        ":8: warning: payment p6: amount",
        ":9: warning: payment p7: amount `5.001`: more than 2 decimals",
        ":10: warning: 2 columns where the header has 4",
    ] {
        run.tells(&format!("payments.csv{needle}"));
    }
    assert_eq!(run.summary["reference_warnings"], 8);
}

#[test]
fn findings_are_told_in_the_order_of_their_lines() {
    let rows = |name: &str, header: &str, odd: [(usize, &str); 3], usual: &dyn Fn(usize) -> String| {
        let row =
            |at: usize| odd.iter().find(|(odd, _)| *odd == at).map_or_else(|| usual(at), |(_, row)| (*row).into());
        let text: String = (2..80).map(|at| format!("{}\n", row(at))).collect();
        (name.to_owned(), format!("{header}\n{text}"))
    };
    // A row that stands there already waits for memory; one that cannot be read does not.
    for (name, text) in [
        rows("accounts.csv", "account_id,plan", [(10, "A1003,p"), (12, "A2"), (14, "A1004,p")], &|at| {
            format!("A1{at:03},p")
        }),
        rows("lines.csv", "line,account_id", [(10, "7003,A1"), (12, "7012"), (14, "7004,A1")], &|at| {
            format!("7{at:03},A1")
        }),
        rows(
            "payments.csv",
            "payment_id,account_id,amount,paid_at",
            [(10, "p3,A1,1.00,2026-03-01"), (12, "p12"), (14, "p14,A1,ten,2026-03-01")],
            &|at| format!("p{at},A1,1.00,2026-03-01"),
        ),
    ] {
        let run = Month::new().with(&name, text).rate(&[]);
        let of_file = run.stderr.lines().filter_map(|told| told.strip_prefix(&format!("{name}:")));
        let lines: Vec<&str> = of_file.filter_map(|told| told.split(':').next()).collect();
        assert_eq!(lines, ["10", "12", "14"], "{name}: {}", run.stderr);
    }
}

#[test]
fn esep_toml_with_what_nobody_knows() {
    for (text, needle) in [
        ("period = \"2026-03\"\nperiood = 1\n", "esep.toml:2: unknown field `periood`"),
        ("[[feed]]\nsource = \"a\"\nfiles = \"x\"\nformat = \"cisco\"\n", "format `cisco` is none of native, ndjson"),
        ("[[feed]]\nsource = \"a\"\n", "missing field `files`"),
        ("\n[[feed", "esep.toml:2: "),
        ("\u{0}", "esep.toml:1: "),
    ] {
        Month::new().with("esep.toml", text).rate(&[]).not_done().tells(needle);
    }
    Month::new().with("esep.toml", b"\xff").rate(&[]).not_done().tells("esep.toml: ");
    let text = "\u{feff}[[feed]]\r\nsource = \"a\"\r\nfiles = \"feeds/*.csv\"\r\n";
    Month::new().with("esep.toml", text).rate(&[]).ended(1, 0, 0);
}
