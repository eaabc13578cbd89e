use crate::{Month, done, esep, json, refused};

#[test]
fn money_2_3_a_payment_by_hand_is_booked_once_and_what_is_wrong_is_refused() {
    let month = Month::new();
    month.run("store");
    let data = month.text("store");
    let account = month.read("accounts.csv").lines().nth(1).unwrap().split(',').next().unwrap().to_owned();
    let order = |command: &str, account: &str, amount: &str, reference: &str, at: &str| {
        ["--data", &data, "--json", command, account, amount, "--reference", reference, "--channel", "bank", "--at", at]
            .map(str::to_owned)
            .into_iter()
            .skip(3)
            .chain(["--data".to_owned(), data.clone(), "--json".to_owned()])
            .collect::<Vec<_>>()
    };
    let ask = |of: &[String]| json(&of.iter().map(String::as_str).collect::<Vec<_>>());
    let refuse = |of: &[String]| refused(&of.iter().map(String::as_str).collect::<Vec<_>>());
    let before = month.state_hash("store");

    // Nothing of this changes the books.
    for (amount, why) in [
        ("0", "not above zero"),
        ("-5.00", "not above zero"),
        ("1.005", "decimals"),
        ("99999999999999999999", "range"),
        ("much", "not a decimal"),
    ] {
        for command in ["pay", "refund"] {
            let told = refuse(&order(command, &account, amount, "H-0", "2026-03-31"));
            assert!(told.contains(why), "{command} {amount}: {told}");
        }
    }
    assert!(refuse(&order("pay", &account, "1", " ", "2026-03-31")).contains("reference is empty"));
    assert!(refuse(&order("pay", &account, "1", "H-0", "yesterday")).contains("neither a day"));
    assert!(refuse(&order("refund", "nobody", "1", "H-0", "2026-03-31")).contains("no account nobody"));
    assert!(refuse(&order("refund", &account, "90000000000", "H-0", "2026-03-31")).contains("ahead"));
    let output = esep(&["pay", &account, "1", "--reference", "x", "--channel", "coins", "--at", "2026-03-31"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(month.state_hash("store"), before);

    let paid = order("pay", &account, "1000000.00", "H-1", "2026-03-31T12:00:00+05:00");
    assert_eq!(ask(&paid)["outcome"], "booked");
    let after = month.state_hash("store");
    assert_ne!(after, before);
    assert_eq!(ask(&paid)["outcome"], "known");
    assert!(refuse(&order("pay", &account, "1000000.01", "H-1", "2026-03-31T12:00:00+05:00")).contains("H-1 was used"));
    assert!(refuse(&order("pay", &account, "92233720368547758.07", "H-2", "2026-03-31")).contains("range"));
    assert_eq!(month.state_hash("store"), after);

    // What is beyond the advance cannot be given back; what is within can, once.
    let back = order("refund", &account, "999.99", "B-1", "2026-04-01");
    let balance = ask(&back)["balance"].as_str().unwrap().to_owned();
    assert_eq!(ask(&back)["outcome"], "known");
    assert!(refuse(&order("refund", &account, "999.98", "B-1", "2026-04-01")).contains("B-1 was used"));
    let repaid = ask(&order("pay", &account, "999.99", "H-3", "2026-04-02"));
    assert_ne!(repaid["balance"].as_str().unwrap(), balance);
}

#[test]
fn money_2_3_a_payment_of_an_unknown_account_is_held_until_the_account_is_known() {
    let month = Month::new();
    month.run("store");
    let data = month.text("store");
    let pay = ["pay", "79990001", "500.00", "--reference", "U-1", "--channel", "terminal", "--at", "2026-03-10"];
    let pay = [&pay[..], &["--data", data.as_str()]].concat();
    assert!(done(&pay).contains("held as unidentified"));
    assert!(done(&pay).contains("nothing new"));
    let none = json(&["recycle", "--data", &data, "--json"]);
    assert_eq!((none["payments_identified"].as_u64(), none["entries"].as_u64()), (Some(0), Some(0)));

    let accounts = month.read("accounts.csv");
    let cell = |column| match column {
        "account_id" => "79990001",
        "plan" => "residential",
        "method" => "credit",
        "funding" => "regular",
        "opened_on" => "2026-01-01",
        _ => "",
    };
    let row: Vec<&str> = accounts.lines().next().unwrap().split(',').map(cell).collect();
    month.write("accounts.csv", &format!("{}\n{}\n", accounts.trim_end(), row.join(",")));
    let known = json(&["recycle", &month.text("month"), "--data", &data, "--json"]);
    assert_eq!(known["payments_identified"].as_u64(), Some(1), "{known}");
    assert!(done(&pay).contains("nothing new"));
    let again = json(&["recycle", &month.text("month"), "--data", &data, "--json"]);
    assert_eq!(again["entries"].as_u64(), Some(0), "{again}");
    // It is the account's money now.
    let refund = ["refund", "79990001", "500.00", "--reference", "U-2", "--channel", "bank", "--at", "2026-03-11"];
    let refund = [&refund[..], &["--data", data.as_str(), "--json"]].concat();
    assert_eq!(json(&refund)["balance"], "0.00");
    month.state_hash("store");
}

#[test]
fn cell_48_losses_are_those_of_the_summary() {
    let month = Month::new();
    let summary = json(&["run", &month.text("month"), "--data", &month.text("store"), "--json"]);
    let losses = json(&["losses", "--data", &month.text("store"), "--json"]);
    assert_eq!(losses["not_owed"], summary["not_owed"]);
    assert_ne!(losses["not_owed"], "0.00");
    let tiyn = |amount: &serde_json::Value| amount.as_str().unwrap().replace('.', "").parse::<i64>().unwrap();
    let sum: i64 = losses["losses"].as_array().unwrap().iter().map(|of| tiyn(&of["not_owed"])).sum();
    assert_eq!(sum, tiyn(&losses["not_owed"]));
    assert!(done(&["losses", "--data", &month.text("store")]).contains(losses["not_owed"].as_str().unwrap()));
}

#[test]
fn a_payment_that_no_balance_can_hold_is_told_and_stops_nothing() {
    let month = Month::new();
    let most = "92233720368547758.07";
    let wrong = format!(
        "BIG-1,A-0001,{most},2026-03-05,bank\nBIG-2,A-0001,{most},2026-03-06,bank\nMINUS,A-0001,-1.00,2026-03-05,bank\n\
         ZERO,A-0001,0.00,2026-03-05,bank\nMANY,A-0001,{most}0,2026-03-05,bank\nTHIRD,A-0001,0.005,2026-03-05,bank\n"
    );
    month.run("without");
    month.write("payments.csv", &format!("{}{wrong}", month.read("payments.csv")));
    let output = esep(&["run", &month.text("month"), "--data", &month.text("store")]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    for words in [
        "payment BIG-2: with it account A-0001 has more than an amount can be; refused",
        "payment MINUS: amount -1.00 is not above zero; set aside",
        "payment ZERO: amount 0.00 is not above zero; set aside",
        "payment MANY",
        "payment THIRD",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    // The account has paid 1500.00, so neither fits; all other payments are booked.
    assert_eq!(told.matches("more than an amount can be").count(), 2, "{told}");
    assert_eq!(month.state_hash("store"), month.state_hash("without"));
    let data = month.text("store");
    let by_hand = ["pay", "A-0001", most, "--reference", "H-1", "--channel", "bank", "--at", "2026-03-05"];
    let told = refused(&[&by_hand[..], &["--data", &data]].concat());
    assert!(told.contains("beyond the range of an amount"), "{told}");
    assert!(refused(&["verify", "--data", "/etc/hostname"]).contains("a store is a folder"));
}

#[test]
fn pa_4_4_an_archived_account_takes_no_payment_by_hand_or_by_file() {
    let month = Month::new();
    let accounts = month.read("accounts.csv");
    let header: Vec<&str> = accounts.lines().next().unwrap().split(',').collect();
    let cell = |column: &&str| match *column {
        "account_id" => "ARCH",
        "plan" => "standard",
        "opened_on" => "2020-01-01",
        "terminated_on" => "2024-06-01",
        _ => "",
    };
    let row: Vec<&str> = header.iter().map(cell).collect();
    month.write("accounts.csv", &format!("{accounts}{}\n", row.join(",")));
    month.write("payments.csv", &format!("{}BY-FILE,ARCH,7.00,2026-03-05,bank\n", month.read("payments.csv")));
    let output = esep(&["run", &month.text("month"), "--data", &month.text("store")]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("payment BY-FILE: account ARCH: archived: no take_payment") && told.contains("(PA-4.4)"),
        "{told}"
    );
    let data = month.text("store");
    let before = month.state_hash("store");
    let pay = ["pay", "ARCH", "5.00", "--reference", "BY-HAND", "--channel", "bank", "--at", "2026-03-05"];
    let told = refused(&[&pay[..], &["--data", &data]].concat());
    assert!(told.contains("account ARCH: archived: no take_payment") && told.contains("(PA-4.4)"), "{told}");
    assert_eq!(month.state_hash("store"), before);
    // On a day on which it was not archived yet, it does.
    let then = ["pay", "ARCH", "5.00", "--reference", "BY-HAND", "--channel", "bank", "--at", "2024-05-05"];
    done(&[&then[..], &["--data", &data]].concat());
}
