use crate::{Month, done, json, refused};

#[test]
fn a_backup_is_the_store_as_it_stood_and_is_restored_only_where_there_is_none() {
    let month = Month::new();
    month.run("store");
    let hash = month.state_hash("store");
    let told = json(&["backup", "--data", &month.text("store"), "--out", &month.text("copy"), "--json"]);
    assert!(told["entries"].as_u64().unwrap() > 1);
    // The store goes on; the copy does not.
    let pay = ["pay", "A-0001", "5.00", "--reference", "B-1", "--channel", "bank", "--at", "2026-03-31"];
    done(&[&pay[..], &["--data", &month.text("store")]].concat());
    assert_ne!(month.state_hash("store"), hash);
    done(&["restore", &month.text("copy"), "--data", &month.text("back")]);
    assert_eq!(month.state_hash("back"), hash);
    // What was restored goes on like the store, its inputs may be gone.
    done(&[&pay[..], &["--data", &month.text("back")]].concat());
    assert_eq!(month.state_hash("back"), month.state_hash("store"));
    let same = json(&["what-if", &month.text("back"), "--tariff", &month.text("month"), "--json"]);
    assert_eq!(same["accounts"].as_array().unwrap().len(), 0);

    refused(&["restore", &month.text("copy"), "--data", &month.text("store")]);
    refused(&["backup", "--data", &month.text("store"), "--out", &month.text("copy")]);
    refused(&["backup", "--data", &month.text("store"), "--out", &month.text("month")]);
    refused(&["backup", "--data", &month.text("none"), "--out", &month.text("copy2")]);
    refused(&["restore", &month.text("month"), "--data", &month.text("none")]);
    assert!(!month.path("none").join("journal.sqlite").exists());
}
