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
        // What is carried off-balance is no part of the balance.
        if !cells[3].is_empty() && cells[1] != "off-balance bad debt" {
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

/// Where a file may not grow as large as the tables: told, and what was there before is there still.
#[test]
fn an_export_without_room_leaves_what_was_there() {
    let month = Month::new();
    month.run("store");
    let (data, out) = (month.text("store"), month.text("out"));
    done(&["export", "--data", &data, "--out", &out]);
    let before = std::fs::read(month.path("out/charges.csv")).unwrap();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_esep")]);
    let output = shell.args(["export", "--data", &data, "--out", &out]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("cannot be written"), "{told}");
    assert_eq!(std::fs::read(month.path("out/charges.csv")).unwrap(), before);
    assert_eq!(std::fs::read_dir(month.path("out")).unwrap().count(), 2, "nothing half done is left");
}

#[cfg(not(feature = "parquet"))]
#[test]
fn without_its_feature_parquet_is_refused_with_what_to_do() {
    let month = Month::new();
    month.run("store");
    let told = refused(&["export", "--format", "parquet", "--data", &month.text("store"), "--out", &month.text("out")]);
    assert!(told.contains("does not write Parquet") && told.contains("--features parquet"), "{told}");
    assert!(!month.path("out").exists());
}

/// Cells of a line of CSV.
#[cfg(feature = "parquet")]
fn cells(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.push(chars.next().unwrap()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    rows
}

/// A field as the CSV writes it, but for instants: those are milliseconds.
#[cfg(feature = "parquet")]
fn written(column: &str, field: &parquet::record::Field) -> String {
    use parquet::record::Field;
    let scaled = |hundredths: i128| {
        if column == "vat_rate" {
            assert_eq!(hundredths % 100, 0);
            (hundredths / 100).to_string()
        } else {
            format!("{}{}.{:02}", if hundredths < 0 { "-" } else { "" }, hundredths.abs() / 100, hundredths.abs() % 100)
        }
    };
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Long(number) => number.to_string(),
        Field::TimestampMillis(ms) => ms.to_string(),
        Field::Date(days) => esep::units::LocalDay(*days).to_string(),
        Field::Decimal(decimal) => {
            assert_eq!(decimal.scale(), 2);
            scaled(i128::from_be_bytes(decimal.data().try_into().unwrap()))
        }
        other => panic!("{column}: {other:?}"),
    }
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_is_the_csv_row_by_row_under_types() {
    use parquet::basic::{LogicalType, Type as Physical};
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let month = Month::new();
    // An id with a comma, a quote and the end of a line.
    let feed = month.path("month").join("feeds/odd.ndjson");
    let config = month.read("esep.toml");
    month.write(
        "esep.toml",
        &format!("{config}\n[[feed]]\nsource = \"odd\"\nfiles = [\"feeds/odd.ndjson\"]\nformat = \"ndjson\"\n"),
    );
    let line = r#"{"record_id":"a,\"b\"","service":"voice","a_number":"NUMBER","b_number":"77272000000","setup_at":"2026-03-03T10:00:00+05:00","answer_at":"2026-03-03T10:00:00+05:00","release_at":"2026-03-03T10:02:00+05:00","cause":"q850:16"}"#;
    let number = month.read("lines.csv").lines().nth(1).unwrap().split(',').next().unwrap().to_owned();
    std::fs::write(feed, format!("{}\n", line.replace("NUMBER", &number))).unwrap();
    month.run("store");
    let (data, out) = (month.text("store"), month.text("out"));
    let csv = json(&["export", "--data", &data, "--out", &out, "--json"]);
    let typed = json(&["export", "--format", "parquet", "--data", &data, "--out", &out, "--json"]);
    assert_eq!(csv, typed);
    assert_eq!(std::fs::read_dir(month.path("out")).unwrap().count(), 4);
    for name in ["charges", "postings"] {
        let rows = cells(&std::fs::read_to_string(month.path(&format!("out/{name}.csv"))).unwrap());
        let file = std::fs::File::open(month.path(&format!("out/{name}.parquet"))).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let mut count = 0;
        for (row, expected) in reader.get_row_iter(None).unwrap().zip(&rows[1..]) {
            let row = row.unwrap();
            let found: Vec<(String, String)> =
                row.get_column_iter().map(|(column, field)| (column.clone(), written(column, field))).collect();
            let expected = rows[0].iter().cloned().zip(expected.iter().map(|cell| {
                let instant = esep::decode::parse_rfc3339(cell.as_bytes()).filter(|_| cell.contains('T'));
                instant.map_or_else(|| cell.clone(), |at| at.0.to_string())
            }));
            assert_eq!(found, expected.collect::<Vec<_>>(), "{name}, row {count}");
            count += 1;
        }
        assert_eq!(count, rows.len() - 1, "{name}");
        assert_eq!(count as u64, typed[name].as_u64().unwrap());
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let types: BTreeMap<&str, (Physical, Option<&LogicalType>)> =
            schema.columns().iter().map(|c| (c.name(), (c.physical_type(), c.logical_type_ref()))).collect();
        let of = |column: &str| types[column];
        assert_eq!(of("day"), (Physical::INT32, Some(&LogicalType::Date)));
        assert_eq!(of("account_id"), (Physical::BYTE_ARRAY, Some(&LogicalType::String)));
        let money = if name == "charges" { "charge" } else { "debit" };
        assert_eq!(of(money), (Physical::FIXED_LEN_BYTE_ARRAY, Some(&LogicalType::decimal(2, 20))));
        if name == "charges" {
            let millis = LogicalType::timestamp(true, parquet::basic::TimeUnit::MILLIS);
            assert_eq!(of("answer_at"), (Physical::INT64, Some(&millis)));
            assert!(rows.iter().any(|row| row[1] == "a,\"b\""), "the odd id is charged");
        }
        // Names that stand in many rows are in dictionaries.
        let column = reader.metadata().row_group(0).column(types.keys().len().min(2));
        assert!(column.dictionary_page_offset().is_some());
    }
}
