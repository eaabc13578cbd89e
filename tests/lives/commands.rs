//! The commands: what they print, what they refuse, and that a refusal changes nothing.

use super::{ACCOUNTS, Base, EVENTS};
use serde_json::Value;
use std::process::{Command, Output};

fn base() -> Base {
    let base = Base::new();
    base.table(
        "accounts.csv",
        &format!("{ACCOUNTS},technology"),
        &[
            "A,000000010078,N. N.,Abai 1,T,p,credit,regular,2025-03-01,2025-03-01,,,,2026-02-25,-500.00,,fibre",
            "B,000000010147,M. M.,Abai 2,T,p,credit,regular,2025-03-01,2025-03-01,,,,,0.00,,fibre",
            "Z,000000010216,O. O.,Abai 3,T,p,credit,regular,2015-03-01,2015-03-01,2024-02-20,refusal,,,0.00,,",
        ],
    );
    base.table("events.csv", EVENTS, &[]);
    base.ingest(&mut base.store());
    base
}

fn run(base: &Base, args: &[&str]) -> Output {
    for _ in 0..200 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_esep"));
        let output = command.args(args).arg("--data").arg(base.data()).output().unwrap();
        // A lock of ours may live on for a moment in a process that another test begins.
        if !text(&output.stderr).contains("another process writes to this store: test") {
            return output;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("held for long")
}

fn text(of: &[u8]) -> String {
    String::from_utf8_lossy(of).into_owned()
}

fn json(base: &Base, args: &[&str]) -> Value {
    let output = run(base, &[args, &["--json"]].concat());
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A command that is refused, by words that it tells; the books stay as they are.
fn refused(base: &Base, args: &[&str], words: &[&str]) {
    let entries = base.store().entries();
    let output = run(base, args);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {told}");
    for word in words {
        assert!(told.contains(word), "{args:?} tells no `{word}`: {told}");
    }
    assert!(!told.contains("0000000"), "an IIN is told: {told}");
    assert_eq!(base.store().entries(), entries, "{args:?}");
}

#[test]
fn interface_7_6_account_and_status_as_other_programs_read_them() {
    let base = base();
    let account = json(&base, &["account", "A", "--at", "2026-03-01"]);
    assert_eq!(account["status"], "overdue");
    assert_eq!(account["since"], "2026-02-26");
    assert_eq!((&account["why"]["rule"], &account["why"]["facts"]["overdue"]), (&"PA-4.5".into(), &"500.00".into()));
    assert_eq!((&account["classified"], &account["next"]), (&"overdue".into(), &Value::Null));
    assert_eq!((&account["balance"], &account["receivable"]["overdue"]), (&"-500.00".into(), &"500.00".into()));
    let first = serde_json::json!({ "on": "2025-03-01", "from": null, "to": "new", "rule": "PA-4.1" });
    assert_eq!((&account["timeline"][0], account["timeline"].as_array().unwrap().len()), (&first, 3));
    let before = json(&base, &["account", "A", "--at", "2026-02-01"]);
    assert_eq!(before["next"], serde_json::json!({ "status": "overdue", "on": "2026-02-26", "rule": "PA-4.5" }));
    let status = json(&base, &["status", "--as-of", "2026-02-28"]);
    assert_eq!((&status["as_of"], &status["counts"]["overdue"]), (&"2026-02-28".into(), &1.into()));
    let moved = serde_json::json!(
        { "account_id": "A", "on": "2026-02-26", "from": "current", "to": "overdue", "rule": "PA-4.5" });
    assert!(status["moves"].as_array().unwrap().contains(&moved), "{status}");
    let again = json(&base, &["status", "--as-of", "2026-02-28"]);
    assert_eq!((again["moves"].as_array().unwrap().len(), &again["counts"]), (0, &status["counts"]));
    // An earlier day is shown, and records nothing.
    let entries = base.store().entries();
    let earlier = json(&base, &["status", "--as-of", "2026-02-25"]);
    assert_eq!((&earlier["counts"]["overdue"], earlier["moves"].as_array().unwrap().len()), (&0.into(), 0));
    assert_eq!(base.store().entries(), entries);
    base.clean();
}

#[test]
fn status_what_if_tells_who_would_move_and_records_nothing() {
    let base = base();
    base.write("../rules.toml", "grace_days = 10\n");
    let rules = base.dir.path().join("rules.toml");
    let entries = base.store().entries();
    let told = json(&base, &["status", "--as-of", "2026-02-28", "--what-if", rules.to_str().unwrap()]);
    assert_eq!(told["accounts"], serde_json::json!([{ "account_id": "A", "before": "overdue", "after": "current" }]));
    assert_eq!(base.store().entries(), entries);
    base.write("../rules.toml", "grace = 10\n");
    refused(&base, &["status", "--as-of", "2026-02-28", "--what-if", rules.to_str().unwrap()], &["unknown field"]);
    base.write("../rules.toml", "grace_days = -1\n");
    refused(&base, &["status", "--as-of", "2026-02-28", "--what-if", rules.to_str().unwrap()], &["0..=36525"]);
    refused(&base, &["status", "--as-of", "2026-02-30"], &["--as-of 2026-02-30"]);
}

#[test]
fn interface_7_5_an_event_by_command_has_all_its_checks() {
    let base = base();
    let off = ["event", "A", "services_off", "--at", "2026-03-02", "--note", "debt"];
    assert_eq!(json(&base, &off), serde_json::json!({ "account_id": "A", "added": 1, "status": "disconnected" }));
    assert_eq!(json(&base, &off)["added"], 0);
    for (args, words) in [
        (&["event", "NOBODY", "services_on", "--at", "2026-03-03"][..], &["no account NOBODY"][..]),
        (&["event", "A", "services_of", "--at", "2026-03-03"], &["is none of"]),
        (&["event", "A", "services_off", "--at", "2026-03-03"], &["needs debt, suspension or termination"]),
        (&["event", "A", "notice_received", "--at", "soon"], &["neither a day"]),
        (&["event", "A", "notice_received", "--at", "2025-02-28"], &["PA-8"]),
        (&["event", "A", "services_on", "--at", "2026-03-03"], &["disconnected", "services_on", "PA-4.6"]),
        (&["event", "A", "contract_terminated", "--at", "2026-03-03", "--note", "debt"], &["PA-24"]),
        (&["event", "B", "written_off", "--at", "2026-03-03", "--reference", "P"], &["PA-4.7"]),
        (&["event", "B", "credit_move_requested", "--at", "2026-03-03", "--reference", "Z"], &["archived", "PA-4.4"]),
        // The switch-off of the 2nd could not have happened then.
        (&["event", "A", "contract_terminated", "--at", "2026-03-01", "--note", "debt"], &["overdue"]),
    ] {
        refused(&base, args, words);
    }
    let agreed = ["event", "A", "agreement_signed", "--at", "2026-03-04", "--id", "ag-1"];
    assert_eq!(json(&base, &agreed)["status"], "current");
    refused(&base, &["event", "A", "agreement_signed", "--at", "2026-03-05", "--id", "ag-1"], &["other content"]);
    json(&base, &["status", "--as-of", "2026-03-31"]);
    refused(&base, &["event", "A", "services_on", "--at", "2026-03-30"], &["PA-57"]);
    // Restored in time, or told as overdue.
    let tasks = json(&base, &["account", "A", "--at", "2026-03-31"])["tasks"].clone();
    assert_eq!((&tasks[0]["task"], &tasks[0]["overdue"]), (&"restore_service".into(), &true.into()));
    json(&base, &["event", "A", "services_on", "--at", "2026-04-01"]);
    assert_eq!(json(&base, &["account", "A", "--at", "2026-04-01"])["tasks"].as_array().unwrap().len(), 0);
    base.clean();
}

#[test]
fn pa_8_to_pa_18_an_account_is_opened_with_its_checks() {
    let base = base();
    let with = |changed: &[(&str, &str)]| {
        let mut args = vec!["open".to_owned(), "N".into()];
        for (flag, value) in [
            ("--iin", "000000010286"),
            ("--name", "P. P."),
            ("--address", "Abai 9"),
            ("--settlement", "T"),
            ("--plan", "p"),
            ("--on", "2026-03-05"),
            ("--papers", "identity,application"),
        ] {
            let told = changed.iter().find(|(of, _)| *of == flag).map_or(value, |(_, value)| *value);
            args.extend([flag.to_owned(), told.to_owned()]);
        }
        for (flag, value) in changed.iter().filter(|(flag, _)| ["--right", "--method"].contains(flag)) {
            args.extend([(*flag).to_owned(), (*value).to_owned()]);
        }
        args
    };
    for (changed, words) in [
        (&[("--iin", "000000010287")][..], &["check digit", "PA-14"][..]),
        (&[("--iin", "000000010078")], &["PA-51.6", "account A"]),
        (&[("--iin", "000000010147"), ("--address", "Abai 2")], &["PA-12", "account B"]),
        (&[("--address", "Abai 2")], &["PA-11", "account B"]),
        (&[("--papers", "identity")], &["PA-18"]),
        (&[("--right", "tenant")], &["PA-8.2", "PA-9"]),
        (&[("--right", "resident"), ("--method", "advance")], &["PA-8.3", "PA-9"]),
        (&[("--right", "new_owner")], &["PA-28"]),
        (&[("--plan", "q")], &["no tariff has a plan `q`"]),
    ] {
        let args = with(changed);
        refused(&base, &args.iter().map(String::as_str).collect::<Vec<_>>(), words);
    }
    let args = with(&[("--right", "tenant"), ("--method", "advance"), ("--papers", "identity,application,lease")]);
    let opened = json(&base, &args.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(opened["marks"], serde_json::json!(["guaranteed-advance", "tenant"]));
    assert_eq!(opened["papers_to_come"], serde_json::json!(["acceptance_act", "installation_order"]));
    let account = json(&base, &["account", "N", "--at", "2026-03-31"]);
    assert_eq!((&account["status"], &account["next"]["on"]), (&"new".into(), &"2026-04-01".into()));
    refused(&base, &args.iter().map(String::as_str).collect::<Vec<_>>(), &["in the books already"]);
    base.clean();
}

#[test]
fn pa_19_to_pa_42_closings_moves_and_persons_with_their_checks() {
    let base = base();
    // Debt, no order, equipment not told: each by its rule.
    refused(&base, &["close", "A", "--on", "2026-03-10", "--order", "N-1", "--returned"], &["overdue"]);
    refused(&base, &["close", "B", "--on", "2026-03-10", "--returned"], &["PA-20"]);
    refused(&base, &["close", "B", "--on", "2026-03-10", "--order", "N-1", "--refused-from", "2026-03-09"], &["PA-19"]);
    refused(&base, &["close", "B", "--on", "2026-03-10", "--order", "N-1", "--not-returned", "0.00"], &["PA-21"]);
    let go = ["move", "B", "--address", "Abai 7", "--settlement", "T", "--on", "2026-03-06", "--from", "fibre", "--to"];
    refused(&base, &[&go[..], &["fibre"]].concat(), &["PA-33"]);
    refused(&base, &[&go[..], &["copper", "--full-papers"]].concat(), &["PA-39"]);
    let far =
        ["move", "B", "--address", "Abai 7", "--settlement", "U", "--on", "2026-03-06", "--from", "fibre", "--to"];
    refused(&base, &[&far[..], &["fibre", "--full-papers"]].concat(), &["PA-40"]);
    let debtor = ["move", "A", "--address", "Abai 7", "--settlement", "T", "--on", "2026-03-06", "--from", "fibre"];
    refused(&base, &[&debtor[..], &["--to", "fibre", "--full-papers"]].concat(), &["overdue", "open_order", "PA-4.5"]);
    let moved = json(&base, &[&go[..], &["fibre", "--full-papers"]].concat());
    // A Friday; Monday the 9th is a day off for the 8th.
    assert_eq!((&moved["plan"], &moved["until"]), (&"move".into(), &"2026-03-11".into()));
    let person = ["person", "B", "--iin", "000000010355", "--on", "2026-03-07"];
    refused(&base, &person, &["PA-46", "PA-49"]);
    refused(&base, &[&person[..], &["--applied", "2026-03-06", "--scans"]].concat(), &["PA-50"]);
    refused(&base, &["person", "B", "--iin", "1", "--on", "2026-03-07"], &["twelve digits"]);
    let changed = json(&base, &[&person[..], &["--applied", "2026-03-07", "--scans", "--name", "R. R."]].concat());
    assert_eq!(changed["change"], "edit_card");
    let known = ["person", "B", "--iin", "000000010216", "--on", "2026-03-07", "--applied", "2026-03-07", "--scans"];
    assert_eq!(json(&base, &known)["change"], "move_to_iin");
    let closed =
        json(&base, &["close", "B", "--on", "2026-03-10", "--order", "N-1", "--returned", "--papers", "identity"]);
    assert_eq!((&closed["status"], &closed["added"]), (&"closed".into(), &5.into()));
    assert_eq!(closed["papers_missing"], serde_json::json!(["refusal_application", "removal_order", "equipment_act"]));
    refused(&base, &["close", "B", "--on", "2026-03-11", "--order", "N-2", "--returned"], &["closed", "PA-19"]);
    let row = std::fs::read_to_string(base.data().join("reference/accounts.csv")).unwrap();
    assert!(row.contains("B,000000010216,R. R.,Abai 7,T,"), "{row}");
    // They are asked for until somebody has them.
    let tasks = |on: &str| json(&base, &["account", "B", "--at", on])["tasks"].clone();
    assert_eq!(tasks("2026-03-10")[0]["task"], "complete_papers");
    json(&base, &["task", "B", "complete_papers", "--on", "2026-03-20"]);
    assert_eq!((tasks("2026-03-20").as_array().unwrap().len(), tasks("2026-03-19").as_array().unwrap().len()), (0, 1));
    base.clean();
}

#[test]
fn pa_4_7_the_claims_package_is_a_task_until_somebody_says_that_it_is_done() {
    let base = base();
    for args in [
        &["event", "A", "services_off", "--at", "2026-03-01", "--note", "debt"][..],
        &["event", "A", "notice_received", "--at", "2026-03-01"],
        &["close", "A", "--reason", "debt", "--on", "2026-03-31", "--order", "N-1", "--not-returned", "100.00"],
    ] {
        json(&base, args);
    }
    // The account without the package of what was not returned (PA-26), beside what else is missing.
    let lacking = std::fs::read_to_string(base.data().join("reference/events.csv")).unwrap();
    assert!(lacking.contains("papers:identity;equipment_act;non_return_package"), "{lacking}");
    json(&base, &["task", "A", "complete_papers", "--on", "2026-03-31"]);
    let tasks = |base: &Base| json(base, &["account", "A", "--at", "2026-04-02"])["tasks"].as_array().unwrap().len();
    assert_eq!(tasks(&base), 1);
    refused(&base, &["task", "A", "refund_credit", "--on", "2026-04-02"], &["no task refund_credit"]);
    refused(&base, &["task", "A", "tea", "--on", "2026-04-02"], &["is none of"]);
    json(&base, &["task", "A", "claims_package", "--on", "2026-04-02"]);
    assert_eq!(tasks(&base), 0);
    let out = base.dir.path().join("control.csv");
    json(&base, &["status", "--as-of", "2026-04-30", "--control-list", out.to_str().unwrap()]);
    let list = std::fs::read_to_string(out).unwrap();
    assert!(
        list.starts_with(
            "account_id,recorded,since,classified,rule,contradictions,unverified,findings,tasks_overdue\n"
        )
    );
    base.clean();
}

#[test]
fn pa_4_4_pay_by_hand_is_refused_by_an_archived_account() {
    let base = base();
    let pay = ["pay", "Z", "5.00", "--reference", "r-1", "--channel", "bank", "--at", "2026-03-05"];
    refused(&base, &pay, &["archived", "take_payment", "PA-4.4"]);
}
