use crate::{Month, done, json, refused, tiyn};
use std::collections::BTreeMap;

fn table(month: &Month, name: &str) -> Vec<String> {
    std::fs::read_to_string(month.path(name)).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn interface_7_3_exported_charges_are_the_rows_of_rated_csv_and_sum_to_the_books() {
    let month = Month::new();
    let summary = json(&["run", &month.text("month"), "--data", &month.text("store"), "--json"]);
    let counts = json(&["export", "--data", &month.text("store"), "--out", &month.text("out"), "--json"]);
    done(&["rate", &month.text("month"), "--out", &month.text("rated"), "--quiet"]);
    let charges = table(&month, "out/charges.csv");
    let mut rated = table(&month, "rated/rated.csv");
    assert_eq!(charges[0], format!("{},day,month,category,state", rated[0]));
    let last_four = |row: &str| row.rsplitn(5, ',').map(str::to_owned).collect::<Vec<_>>();
    let mut found: Vec<String> = charges[1..].iter().map(|row| last_four(row)[4].clone()).collect();
    rated.remove(0);
    found.sort();
    rated.sort();
    assert_eq!(found, rated);
    assert_eq!(counts["charges"].as_u64().unwrap() as usize, rated.len());

    // No field of the sample's charges has a comma.
    let charged = |wanted: &str| {
        let of = charges[1..].iter().filter(|row| row.ends_with(wanted));
        of.map(|row| tiyn(row.split(',').nth(10).unwrap())).sum::<i64>()
    };
    let told = |key: &str| tiyn(summary[key].as_str().unwrap());
    assert_eq!(charged("ed") + charged("standing"), told("charged"));
    assert_eq!(charged("reversed"), told("reversed"));
    assert!(told("reversed") > 0);

    // The same bytes again, and nothing is left half done.
    let first = std::fs::read(month.path("out/postings.csv")).unwrap();
    done(&["export", "--data", &month.text("store"), "--out", &month.text("out")]);
    assert_eq!(std::fs::read(month.path("out/postings.csv")).unwrap(), first);
    assert_eq!(std::fs::read_dir(month.path("out")).unwrap().count(), 2);
    assert!(
        refused(&["export", "--data", &month.text("store"), "--out", &month.text("store")]).contains("store itself")
    );
    refused(&["export", "--data", &month.text("none"), "--out", &month.text("out")]);
}

#[test]
fn money_2_1_exported_postings_balance_and_fold_to_the_balances_of_the_books() {
    let month = Month::new();
    month.run("store");
    done(&["export", "--data", &month.text("store"), "--out", &month.text("out")]);
    let postings = table(&month, "out/postings.csv");
    assert_eq!(postings[0], "transaction,ledger_account,part,account_id,debit,credit,day,cause");
    let mut by_transaction: BTreeMap<&str, i64> = BTreeMap::new();
    let mut by_account: BTreeMap<&str, i64> = BTreeMap::new();
    for row in &postings[1..] {
        let cells: Vec<&str> = row.split(',').collect();
        assert_eq!(cells.len(), 8, "{row}");
        let amount = tiyn(cells[4]) - tiyn(cells[5]);
        *by_transaction.entry(cells[0]).or_default() += amount;
        if !cells[3].is_empty() {
            *by_account.entry(cells[3]).or_default() += amount;
        }
    }
    assert!(by_transaction.values().all(|sum| *sum == 0));
    assert!(by_account.len() > 20);
    for (account, sum) in by_account.iter().step_by(4) {
        let told = json(&["account", account, "--data", &month.text("store"), "--at", "2030-01-01", "--json"]);
        assert_eq!(tiyn(told["balance"].as_str().unwrap()), -sum, "{account}");
    }
}
