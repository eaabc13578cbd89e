use crate::{Month, done, json, refused};

/// The sample without all lines of every third account, and the whole table. What an account has used decides what its
/// next call costs, so all of its calls must come late, or none.
fn broken() -> (Month, String) {
    let month = Month::new();
    let whole = month.read("lines.csv");
    let mut kept = String::new();
    for (number, line) in whole.lines().enumerate() {
        let account = line.split(',').nth(1).unwrap();
        if number == 0 || !account.ends_with(['0', '3', '6', '9']) {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    month.write("lines.csv", &kept);
    (month, whole)
}

#[test]
fn rating_1_2_what_waits_is_rated_when_the_lines_are_mended_as_if_they_had_never_been_broken() {
    let (month, whole) = broken();
    month.run("recycled");
    let waits = |store: &str| json(&["suspense", "--data", &month.text(store), "--json"])["waiting"].as_u64().unwrap();
    let before = waits("recycled");
    // Without new reference data nothing changes, and no entry is written.
    let again = json(&["recycle", "--data", &month.text("recycled"), "--json"]);
    assert_eq!((again["entries"].as_u64(), again["waiting"].as_u64()), (Some(0), Some(before)), "{again}");

    month.write("lines.csv", &whole);
    let mended = json(&["recycle", &month.text("month"), "--data", &month.text("recycled"), "--json"]);
    assert!(mended["rated"].as_u64().unwrap() > 10, "{mended}");
    month.run("whole");
    assert_eq!(waits("recycled"), waits("whole"), "{mended}");
    assert!(before > waits("whole"));
    assert_eq!(month.state_hash("recycled"), month.state_hash("whole"), "{mended}");

    // Once each: a second recycle finds nothing, and neither does a second run.
    let again = json(&["recycle", &month.text("month"), "--data", &month.text("recycled"), "--json"]);
    assert_eq!(again["entries"].as_u64(), Some(0), "{again}");
    month.run("recycled");
    assert_eq!(month.state_hash("recycled"), month.state_hash("whole"));
}

#[test]
fn rating_1_2_a_record_is_written_off_once_by_a_name_and_for_a_reason() {
    let month = Month::new();
    month.run("store");
    let data = month.text("store");
    let ages = json(&["suspense", "--data", &data, "--json"]);
    let all = ages["waiting"].as_u64().unwrap();
    let by_reason: u64 = ages["reasons"].as_array().unwrap().iter().map(|of| of["count"].as_u64().unwrap()).sum();
    assert_eq!(by_reason, all);
    for of in ages["reasons"].as_array().unwrap() {
        let reason = of["reason"].as_str().unwrap();
        let by_age: u64 = of["days"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(by_age, of["count"].as_u64().unwrap(), "{reason}");
        let listed = json(&["suspense", "--list", reason, "--data", &data, "--json"]);
        assert_eq!(listed.as_array().unwrap().len() as u64, by_age, "{reason}");
    }
    let listed = json(&["suspense", "--list", "all", "--data", &data, "--json"]);
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    let write_off = |ids: &[&str], by: &str, reason: &str| {
        let mut args = vec!["suspense", "write-off"];
        args.extend(ids);
        args.extend(["--by", by, "--reason", reason, "--data", &data]);
        args.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let args = |of: &[String]| of.iter().map(String::as_str).map(str::to_owned).collect::<Vec<String>>();
    let refuse = |of: Vec<String>| refused(&args(&of).iter().map(String::as_str).collect::<Vec<_>>());
    assert!(refuse(write_off(&[&id], " ", "x")).contains("needs the name"));
    assert!(refuse(write_off(&[&id], "x", "")).contains("needs the name"));
    // All or none.
    assert!(refuse(write_off(&[&id, "msc-1/none"], "x", "y")).contains("msc-1/none"));
    refused(&["suspense", "write-off", &id, "--by", "x", "--data", &data]);
    assert_eq!(json(&["suspense", "--data", &data, "--json"])["waiting"].as_u64(), Some(all));

    let given_up = write_off(&[&id, &id], "A. Clerk", "a test call");
    assert_eq!(done(&given_up.iter().map(String::as_str).collect::<Vec<_>>()), "1 record written off\n");
    assert_eq!(json(&["suspense", "--data", &data, "--json"])["waiting"].as_u64(), Some(all - 1));
    assert!(refuse(write_off(&[&id], "x", "y")).contains("no record waits"));
    // It counts as rejected now, and is not rated again.
    let summary = json(&["run", &month.text("month"), "--data", &data, "--json"]);
    assert_eq!(summary["rejected"]["written_off"].as_u64(), Some(1));
    assert_eq!(json(&["recycle", "--data", &data, "--json"])["entries"].as_u64(), Some(0));
    month.state_hash("store");
}

#[test]
fn age_counts_from_a_day_of_the_books_or_one_that_is_told() {
    let month = Month::new();
    month.run("store");
    let data = month.text("store");
    let ages = |as_of: &[&str]| {
        let args = [&["suspense", "--data", data.as_str(), "--json"], as_of].concat();
        json(&args)
    };
    let latest = ages(&[]);
    assert_eq!(latest["as_of"].as_str().unwrap().len(), 10);
    assert_eq!(ages(&["--as-of", latest["as_of"].as_str().unwrap()]), latest);
    let later = ages(&["--as-of", "2030-01-01"]);
    for of in later["reasons"].as_array().unwrap() {
        assert_eq!(of["days"]["91-"], of["count"]);
    }
    assert!(refused(&["suspense", "--as-of", "soon", "--data", &data]).contains("not a day"));
    assert!(refused(&["suspense", "--list", "boredom", "--data", &data]).contains("unknown_line"));
    assert!(refused(&["suspense", "--data", &month.text("nowhere")]).contains("nowhere"));
}
