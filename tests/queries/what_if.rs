use crate::{Month, done, json, refused, tiyn};

#[test]
fn the_same_tariff_changes_nothing_also_where_records_had_waited() {
    let month = Month::new();
    let whole = month.read("lines.csv");
    let kept: Vec<&str> = whole.lines().filter(|line| !line.contains("A-0003,") && !line.contains("A-0007,")).collect();
    month.write("lines.csv", &kept.join("\n"));
    month.run("store");
    month.write("lines.csv", &whole);
    done(&["recycle", &month.text("month"), "--data", &month.text("store")]);
    let before = month.state_hash("store");
    let same = json(&["what-if", &month.text("store"), "--tariff", &month.text("month/tariffs"), "--json"]);
    assert_eq!(same["charged_before"], same["charged_after"]);
    assert_eq!(same["accounts"].as_array().unwrap().len(), 0, "{same}");
    assert!(tiyn(same["charged_before"].as_str().unwrap()) > 0);
    assert_eq!(month.state_hash("store"), before);
}

#[test]
fn interface_7_6_another_tariff_shows_what_a_run_by_it_would_have_charged() {
    let month = Month::new();
    month.run("store");
    let before = month.state_hash("store");
    // Half as much again for all that costs 4.50.
    let mut changed = 0;
    for entry in std::fs::read_dir(month.path("month/tariffs")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let other = text.replace("price = \"4.50\"", "price = \"6.75\"").replace("price = \"12", "price = \"19");
        changed += usize::from(other != text);
        std::fs::write(&path, other).unwrap();
    }
    assert!(changed > 0, "the sample's prices are others: choose some that it has");
    let ask = |dir: &str| {
        let tariff = month.text("month");
        json(&["what-if", &month.text(dir), "--tariff", &tariff, "--data", &month.text("store"), "--json"])
    };
    let found = ask("store");
    assert_eq!(found, ask("month"));
    assert_eq!(month.state_hash("store"), before);

    let summary = json(&["run", &month.text("month"), "--data", &month.text("other"), "--json"]);
    let stands = |key: &str| tiyn(summary[key].as_str().unwrap());
    let after = tiyn(found["charged_after"].as_str().unwrap());
    assert_eq!(after, stands("charged") - stands("reversed"));
    let accounts = found["accounts"].as_array().unwrap();
    let ids: Vec<&str> = accounts.iter().map(|of| of["account_id"].as_str().unwrap()).collect();
    assert!(!ids.is_empty() && ids.is_sorted());
    let difference = |of: &serde_json::Value| {
        let (before, after) = (tiyn(of["before"].as_str().unwrap()), tiyn(of["after"].as_str().unwrap()));
        assert_ne!(before, after, "{of}");
        after - before
    };
    let sum: i64 = accounts.iter().map(difference).sum();
    assert_eq!(sum, after - tiyn(found["charged_before"].as_str().unwrap()));
}

#[test]
fn what_is_no_tariff_and_what_is_no_store_is_refused() {
    let month = Month::new();
    month.run("store");
    let ask = |dir: &str, tariff: &str| {
        refused(&["what-if", &month.text(dir), "--tariff", &month.text(tariff), "--data", &month.text("none")])
    };
    assert!(ask("store", "month/accounts.csv").contains("no tariff version"));
    assert!(ask("store", "month/feeds").contains("no tariff version"));
    assert!(ask("store", "nowhere.toml").contains("nowhere.toml"));
    assert!(ask("month", "month").contains("none"));
    assert!(ask("nowhere", "month").contains("no folder"));
    month.write("bad.toml", "valid_from = 2026-01-01\nname = \"x\"\n[plans.residential]\nmonthly_fee = 1.5\n");
    assert!(ask("store", "month/bad.toml").contains("monthly_fee"));
}
