//! Late and corrected records: rated by their own day, posted as they come, never in place of what was posted.
//!
//! Periods are closed by invoices, which do not exist yet: until then all are open.

use crate::{Month, done, json, tiyn};

const HEADER: &str =
    "record_id,service,a_number,b_number,setup_at,answer_at,release_at,cause,call_ref,part,last,corrects\n";

/// Minutes of a call at 10:00 on a day.
fn call(id: &str, day: &str, minutes: u32, corrects: &str) -> String {
    let at = |minute: u32| format!("{day}T10:{minute:02}:00+05:00");
    let (setup, end) = (at(0), at(minutes));
    format!("{id},voice,77010000001,77270000001,{setup},{setup},{end},q850:16,,,,{corrects}\n")
}

/// A month in which a dearer tariff holds than in the year before, when VAT was 12 %.
fn month() -> Month {
    let month = Month::new();
    std::fs::remove_dir_all(month.path("month")).unwrap();
    std::fs::create_dir_all(month.path("month/feeds")).unwrap();
    std::fs::create_dir_all(month.path("month/tariffs")).unwrap();
    let tariff = |name: &str, from: &str, price: &str| {
        let text = format!(
            "name = \"{name}\"\ncurrency = \"KZT\"\ntime_zone = \"Asia/Almaty\"\nvalid_from = {from}\n\
             prices_include_vat = true\n[zones.ld]\nkind = \"long-distance\"\n[plans.p]\n[[plans.p.rates]]\n\
             service = \"voice\"\nzones = [\"ld\"]\nunit = \"60s\"\nprice = \"{price}\"\n"
        );
        month.write(&format!("tariffs/{name}.toml"), &text);
    };
    tariff("old", "2025-01-01", "5.60");
    tariff("new", "2026-01-01", "11.60");
    month.write("esep.toml", "period = \"2026-03\"\n");
    month.write("prefixes.csv", "prefix,zone\n7727,ld\n");
    month.write("accounts.csv", "account_id,plan\nA,p\n");
    month.write("lines.csv", "line,account_id\n77010000001,A\n");
    month
}

fn table(month: &Month, name: &str) -> Vec<Vec<String>> {
    let out = month.text("out");
    done(&["export", "--data", &month.text("store"), "--out", &out]);
    let text = std::fs::read_to_string(month.path(&format!("out/{name}.csv"))).unwrap();
    text.lines().map(|row| row.split(',').map(str::to_owned).collect()).collect()
}

fn cell<'t>(table: &'t [Vec<String>], row: &'t [String], column: &str) -> &'t str {
    &row[table[0].iter().position(|name| name == column).unwrap()]
}

#[test]
fn rating_1_2_a_late_record_has_the_tariff_and_vat_of_its_own_day() {
    let month = month();
    let march = call("m", "2026-03-10", 2, "");
    month.write("feeds/f1.csv", &format!("{HEADER}{march}"));
    month.run("store");
    // A record of December comes in March, and one of February.
    let late = [call("d", "2025-12-31", 2, ""), call("f", "2026-02-28", 2, "")].concat();
    month.write("feeds/f2.csv", &format!("{HEADER}{late}"));
    month.run("store");
    let charges = table(&month, "charges");
    let said: Vec<[&str; 7]> = charges[1..]
        .iter()
        .map(|row| {
            ["record_id", "tariff", "charge", "vat", "vat_rate", "flags", "month"].map(|of| cell(&charges, row, of))
        })
        .collect();
    assert_eq!(
        said,
        [
            ["m", "new", "23.20", "3.20", "16", "", "2026-03"],
            ["d", "old", "11.20", "1.20", "12", "late", "2025-12"],
            ["f", "new", "23.20", "3.20", "16", "late", "2026-02"],
        ]
    );
    // What stood before stands as it stood: late records are added, and nothing else is.
    assert!(charges[1..].iter().all(|row| cell(&charges, row, "state") == "standing"));
    let account = json(&["account", "A", "--data", &month.text("store"), "--json"]);
    assert_eq!(account["unbilled"].as_str(), Some("57.60"));
    month.state_hash("store");
}

#[test]
fn rating_1_2_a_corrected_record_is_a_visible_pair_of_exact_negations() {
    let month = month();
    month.write("feeds/f1.csv", &format!("{HEADER}{}", call("d", "2025-12-31", 4, "")));
    month.run("store");
    // The correction comes in another run, of another day with another tariff.
    month.write("feeds/f2.csv", &format!("{HEADER}{}", call("d2", "2026-03-01", 1, "d")));
    month.run("store");
    let charges = table(&month, "charges");
    let said: Vec<[&str; 5]> = charges[1..]
        .iter()
        .map(|row| ["record_id", "charge", "vat_rate", "day", "state"].map(|of| cell(&charges, row, of)))
        .collect();
    assert_eq!(said, [["d", "22.40", "12", "2025-12-31", "reversed"], ["d2", "11.60", "16", "2026-03-01", "standing"]]);
    let postings = table(&month, "postings");
    let of = |cause: &str| -> Vec<(String, String, i64)> {
        let rows = postings[1..].iter().filter(|row| cell(&postings, row, "cause") == cause);
        let said = rows.map(|row| {
            let amount = tiyn(cell(&postings, row, "debit")) - tiyn(cell(&postings, row, "credit"));
            (cell(&postings, row, "ledger_account").to_owned(), cell(&postings, row, "part").to_owned(), amount)
        });
        said.collect()
    };
    let (usage, taken_back) = (of("usage"), of("correction"));
    assert_eq!((usage.len(), taken_back.len()), (4, 2));
    for ((account, part, amount), (of, of_part, back)) in usage.iter().zip(&taken_back) {
        assert_eq!((account, part, -amount), (of, of_part, *back));
    }
    let account = json(&["account", "A", "--data", &month.text("store"), "--json"]);
    let kinds: Vec<(&str, &str)> = account["movements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| (of["kind"].as_str().unwrap(), of["amount"].as_str().unwrap()))
        .collect();
    assert_eq!(kinds, [("charge", "-22.40"), ("reversal", "22.40"), ("charge", "-11.60")]);
    assert_eq!(account["unbilled"].as_str(), Some("11.60"));
    let told = done(&["explain", "feeds/d", "--data", &month.text("store")]);
    assert!(told.contains("taken back in full"), "{told}");
    let told = done(&["explain", "feeds/d2", "--data", &month.text("store")]);
    assert!(told.contains("takes back 22.40 KZT"), "{told}");
}
