//! 3.5 to 3.7: openings, closings, moves, changes of persons, signs of fraud.

use super::story::{day, money, tenge};
use esep::book::Method;
use esep::classify::{
    Agreement, Application, BadIin, Card, CardChange, CentralChange, Devices, Equipment, Facts, Failed, FormerOwner,
    Iin, Mark, MovePlan, Moving, Paper, Papers, PersonChange, Right, Status, Technology, Terms, check_central_change,
    check_equipment, check_former_owner, check_move, check_opening, check_person_change, fraud_signs,
    papers_missing_at_closing,
};

const ANN: &str = "000000010078";
const BOB: &str = "000000010147";

fn iin(text: &str) -> Iin {
    Iin::parse(text).unwrap()
}

#[test]
fn facts_5_the_check_digit_of_an_iin() {
    for (text, result) in [
        ("000000010078", Ok(())),
        ("000000010147", Ok(())),
        ("000000012528", Ok(())),
        // 1·1 = 1; 2·5 = 10, so again with 3…: 4·5 = 20, 20 mod 11 = 9.
        ("100000000001", Ok(())),
        ("050000000009", Ok(())),
        ("050000000000", Err(BadIin::CheckDigit)),
        ("100000000002", Err(BadIin::CheckDigit)),
        ("10000000000", Err(BadIin::NotTwelveDigits)),
        ("1000000000011", Err(BadIin::NotTwelveDigits)),
        ("10000000000x", Err(BadIin::NotTwelveDigits)),
        ("", Err(BadIin::NotTwelveDigits)),
    ] {
        assert_eq!(Iin::parse(text).map(|_| ()), result, "{text}");
    }
    // Σ dᵢ·i = 10 and Σ dᵢ·wᵢ = 10 mod 11: 1·a + 9·b with a = 1 at place 1, b = 1 at place 9 → 10; weights 3 + 11 → 3.
    assert_eq!(Iin::parse("100000001003").map(|_| ()), Ok(()));
    // Places 2 and 8, one each: 10, then 4 + 10 = 14 → 3; places 3 and 7: 10, then 5 + 9 = 14 → 3.
    assert_eq!(Iin::parse("010000010003").map(|_| ()), Ok(()));
    // Place 10 alone: 10, then 1: valid. Place 11 five times and place 10 five times: 105 mod 11 = 6.
    assert_eq!(Iin::parse("000000000101").map(|_| ()), Ok(()));
    // Eleven digits that give 10 twice.
    let none = (0..1000).map(|n| format!("0{n:03}00000000")).find(|t| Iin::parse(t) == Err(BadIin::NoCheckDigit));
    let none = none.expect("some eleven digits have no check digit");
    let sum = |weights: [u32; 11]| none.bytes().zip(weights).map(|(d, w)| u32::from(d - b'0') * w).sum::<u32>() % 11;
    assert_eq!((sum([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]), sum([3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2])), (10, 10));
    assert_eq!(format!("{:?}", iin(ANN)), "Iin(************)");
}

fn card<'c>(account: &'c str, of: &str, address: &'c str, facts: &'c Facts, status: Status) -> Card<'c> {
    Card {
        account,
        iin: Some(iin(of)),
        name: if of == ANN { "Ann" } else { "Bob" },
        address,
        settlement: "Алматы",
        technology: Some(Technology::Fibre),
        status,
        facts,
    }
}

const ALL: [Paper; 6] = [
    Paper::Identity,
    Paper::Application,
    Paper::AcceptanceAct,
    Paper::InstallationOrder,
    Paper::TitleDocument,
    Paper::SalesPermission,
];

fn application() -> Application<'static> {
    Application {
        iin: iin(ANN),
        address: "1",
        settlement: "Алматы",
        on: day("2026-03-05"),
        right: Right::Owner,
        method: Method::Credit,
        deposit: false,
        papers: Papers::of(&ALL),
        scans: Papers::of(&ALL),
    }
}

fn rules(failed: &[Failed]) -> Vec<&str> {
    failed.iter().map(|failed| failed.rule.id()).collect()
}

fn facts(opened: &str, text: &str) -> Facts {
    let mut facts = Facts::imported(day(opened));
    facts.money = money(text);
    facts
}

#[test]
fn pa_8_pa_12_pa_14_one_iin_and_many_addresses() {
    let terms = Terms::SOURCE;
    let clean = facts("2024-01-01", "");
    let nobody = check_opening(&terms, &application(), &[]);
    assert_eq!((rules(&nobody.failed), nobody.merge), (vec![], false));
    let elsewhere = check_opening(&terms, &application(), &[card("A-1", ANN, "2", &clean, Status::Current)]);
    assert_eq!((rules(&elsewhere.failed), elsewhere.merge, elsewhere.announced.len()), (vec![], false, 0));
    let here = [card("A-1", ANN, "1", &clean, Status::Current), card("A-0", ANN, "1", &clean, Status::Archived)];
    let twice = check_opening(&terms, &application(), &here);
    assert_eq!(rules(&twice.failed), ["PA-12"]);
    assert_eq!(twice.failed[0].account.as_deref(), Some("A-1"));
    let other_town = Card { settlement: "Астана", ..card("A-1", ANN, "1", &clean, Status::Current) };
    let merged = check_opening(&terms, &application(), &[other_town]);
    assert_eq!((rules(&merged.failed), merged.merge), (vec![], true));
}

#[test]
fn pa_14_pa_51_6_debts_are_told_and_stand_in_the_way_a_penalty_does_not() {
    for (text, failed, told) in [
        ("", false, false),
        ("owed=2026-03-25:1.00", false, false),
        ("owed=2026-02-25:1.00", true, true),
        ("doubtful=1.00", true, true),
        ("hopeless=1.00", true, true),
        ("off_balance=1.00", true, true),
        ("penalty=1.00", false, true),
    ] {
        let facts = facts("2020-01-01", text);
        let own = [card("A-1", ANN, "2", &facts, Status::ClosedDoubtful)];
        let opening = check_opening(&Terms::SOURCE, &application(), &own);
        assert_eq!((!opening.failed.is_empty(), !opening.announced.is_empty()), (failed, told), "{text}");
        assert!(opening.failed.iter().all(|failed| failed.rule.id() == "PA-51.6"));
    }
}

#[test]
fn pa_8_4_pa_31_the_former_owners_debt_stays_with_the_former_owner() {
    let debt = facts("2020-01-01", "owed=2026-02-25:1.00");
    let former = [card("A-1", BOB, "1", &debt, Status::Overdue)];
    let new_owner = Application { right: Right::NewOwner, ..application() };
    let opening = check_opening(&Terms::SOURCE, &new_owner, &former);
    assert_eq!((opening.failed, opening.announced), (vec![], vec![]));
    let stays = check_former_owner(&debt, FormerOwner { applied: true, elsewhere: false }).unwrap_err();
    assert_eq!(stays.rule.id(), "PA-31");
}

#[test]
fn pa_11_a_second_account_at_an_address_needs_papers_and_permission() {
    let clean = facts("2024-01-01", "");
    let other = [card("A-1", BOB, "1", &clean, Status::Current)];
    let without = |paper: Paper| Papers::of(&ALL.into_iter().filter(|p| *p != paper).collect::<Vec<_>>());
    let new_owner = Application { right: Right::NewOwner, ..application() };
    for (asked, expected) in [
        (application(), vec!["PA-11"]),
        (new_owner, vec![]),
        (Application { scans: without(Paper::Application), ..new_owner }, vec!["PA-11"]),
        (Application { scans: without(Paper::TitleDocument), ..new_owner }, vec!["PA-11"]),
        (Application { papers: without(Paper::SalesPermission), ..new_owner }, vec!["PA-11"]),
        (Application { papers: without(Paper::TitleDocument), ..new_owner }, vec!["PA-28"]),
        (Application { method: Method::Advance, ..new_owner }, vec!["PA-28"]),
        (Application { method: Method::Advance, deposit: true, ..new_owner }, vec![]),
    ] {
        assert_eq!(rules(&check_opening(&Terms::SOURCE, &asked, &other).failed), expected);
    }
    let closed = [card("A-1", BOB, "1", &clean, Status::Closed)];
    assert!(check_opening(&Terms::SOURCE, &application(), &closed).failed.is_empty());
}

#[test]
fn pa_8_2_pa_8_3_pa_9_pa_10_pa_28_who_does_not_own_the_premises() {
    let clean = facts("2024-01-01", "");
    let owner = [card("A-1", BOB, "1", &clean, Status::Current)];
    let papers = |more: &[Paper]| Papers::of(&[&ALL[..], more].concat());
    let tenant =
        Application { right: Right::Tenant, method: Method::Advance, papers: papers(&[Paper::Lease]), ..application() };
    let part = Application {
        right: Right::PartOwner,
        papers: papers(&[Paper::AddressCertificate, Paper::RightOfUse]),
        ..tenant
    };
    let both = vec![Mark::GuaranteedAdvance, Mark::Tenant];
    for (asked, expected, marks) in [
        (tenant, vec![], both.clone()),
        (Application { papers: papers(&[Paper::OwnersConsent]), ..tenant }, vec![], both.clone()),
        (Application { papers: papers(&[]), ..tenant }, vec!["PA-9"], both),
        (Application { method: Method::Credit, ..tenant }, vec!["PA-8.2"], vec![]),
        (part, vec![], vec![Mark::GuaranteedAdvance]),
        (Application { right: Right::Resident, ..part }, vec![], vec![Mark::GuaranteedAdvance]),
        (Application { papers: papers(&[Paper::Lease]), ..part }, vec!["PA-8.3"], vec![Mark::GuaranteedAdvance]),
        (Application { method: Method::Credit, ..part }, vec!["PA-9"], vec![]),
    ] {
        let opening = check_opening(&Terms::SOURCE, &asked, &owner);
        assert_eq!((rules(&opening.failed), opening.marks), (expected, marks));
    }
}

#[test]
fn pa_18_the_papers_of_an_opening() {
    let bare = Application { papers: Papers::default(), scans: Papers::default(), ..application() };
    let opening = check_opening(&Terms::SOURCE, &bare, &[]);
    assert_eq!(rules(&opening.failed), ["PA-18", "PA-18"]);
    assert_eq!(opening.papers_to_come, [Paper::AcceptanceAct, Paper::InstallationOrder]);
    assert_eq!(opening.scans_to_come, [Paper::Identity, Paper::Application, Paper::InstallationOrder]);
}

#[test]
fn pa_21_pa_22_pa_26_pa_27_the_papers_of_a_closing() {
    let none = Papers::default();
    let mut account = facts("2024-01-01", "");
    let missing = |account: &Facts| {
        let (rule, papers) = papers_missing_at_closing(account, none);
        format!("{rule} {}", papers.iter().map(|p| p.name()).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(missing(&account), "PA-22 identity refusal_application removal_order equipment_act");
    account.devices = Some(Devices::NeverIssued);
    assert_eq!(missing(&account), "PA-22 identity refusal_application removal_order");
    account.devices = Some(Devices::Dismantled);
    account.money = money("doubtful=1.00");
    assert_eq!(missing(&account), "PA-26 identity equipment_act");
    account.agreement = Some(Agreement { signed_on: day("2026-01-01"), on_schedule: false });
    account.equipment_cost = Some(tenge("12000.00"));
    assert_eq!(missing(&account), "PA-26 identity equipment_act repayment_agreement non_return_package");
    let (_, left) = papers_missing_at_closing(&account, Papers::of(&[Paper::Identity, Paper::EquipmentAct]));
    assert_eq!(left, [Paper::RepaymentAgreement, Paper::NonReturnPackage]);
    for (equipment, good) in [
        (Equipment::HandedIn, true),
        (Equipment::NotHandedIn { cost: Some(tenge("1.00")) }, true),
        (Equipment::NotHandedIn { cost: Some(tenge("0.00")) }, false),
        (Equipment::NotHandedIn { cost: None }, false),
    ] {
        assert_eq!(check_equipment(equipment).is_ok(), good);
    }
}

#[test]
fn pa_29_pa_30_the_account_of_the_former_owner() {
    for (text, applied, elsewhere, rule) in [
        ("", true, true, ""),
        ("", false, false, ""),
        ("", false, true, "PA-30"),
        ("penalty=1.00", false, false, "PA-30"),
        ("owed=2026-04-25:1.00", false, false, "PA-31"),
    ] {
        let result = check_former_owner(&facts("2024-01-01", text), FormerOwner { applied, elsewhere });
        assert_eq!(result.map_or_else(|failed| failed.rule.id(), |()| ""), rule, "{text}");
    }
}

#[test]
fn pa_33_pa_39_pa_40_pa_41_pa_42_pa_43_a_move_of_services() {
    let moving = Moving {
        on: day("2026-03-05"),
        settlements: ["Алматы", "Алматы"],
        technologies: [Technology::Fibre, Technology::Fibre],
        full_papers: true,
        method: Method::Credit,
        deposit: false,
        possible: None,
    };
    // Thursday the 5th; Monday the 9th is off for Women's Day on a Sunday.
    for (on, until) in [("2026-03-04", "2026-03-06"), ("2026-03-05", "2026-03-10"), ("2026-03-20", "2026-03-27")] {
        assert_eq!(check_move(&Moving { on: day(on), ..moving }), Ok(MovePlan::Move { until: day(until) }), "{on}");
    }
    assert_eq!(check_move(&Moving { possible: Some(false), ..moving }), Ok(MovePlan::Offer));
    use Technology::{Copper, CopperAndFibre, Fibre, Wireless};
    for (asked, expected) in [
        (Moving { full_papers: false, ..moving }, vec!["PA-33"]),
        (Moving { method: Method::Advance, ..moving }, vec!["PA-33"]),
        (Moving { settlements: ["Алматы", "Астана"], ..moving }, vec!["PA-40"]),
        (Moving { technologies: [Copper, Fibre], ..moving }, vec!["PA-39"]),
        (Moving { technologies: [Fibre, Copper], ..moving }, vec!["PA-39"]),
        (Moving { technologies: [Wireless, Fibre], full_papers: false, ..moving }, vec!["PA-33", "PA-39"]),
    ] {
        assert_eq!(rules(&check_move(&asked).unwrap_err()), expected);
    }
    for technologies in [[Copper, Copper], [CopperAndFibre, Fibre]] {
        assert!(check_move(&Moving { technologies, method: Method::Advance, deposit: true, ..moving }).is_ok());
    }
}

#[test]
fn pa_46_pa_48_pa_49_pa_50_a_change_of_personal_data() {
    let change = PersonChange {
        applied_on: Some(day("2026-03-05")),
        changed_on: day("2026-03-05"),
        scans: true,
        iin: iin(ANN),
        known: true,
    };
    assert_eq!(check_person_change(&change), Ok(CardChange::MoveToIin));
    assert_eq!(check_person_change(&PersonChange { known: false, ..change }), Ok(CardChange::EditCard));
    for (asked, expected) in [
        (PersonChange { applied_on: None, ..change }, vec!["PA-46"]),
        (PersonChange { changed_on: day("2026-03-06"), ..change }, vec!["PA-50"]),
        (PersonChange { scans: false, changed_on: day("2026-03-04"), ..change }, vec!["PA-50", "PA-49"]),
    ] {
        assert_eq!(rules(&check_person_change(&asked).unwrap_err()), expected);
    }
}

#[test]
fn pa_15_pa_17_segment_group_and_funding_change_centrally() {
    for (period_closed, central, letter, rule) in
        [(false, false, false, ""), (true, true, true, ""), (true, false, true, "PA-15"), (true, true, false, "PA-17")]
    {
        let result = check_central_change(CentralChange { period_closed, central, letter });
        assert_eq!(result.map_or_else(|failed| failed.rule.id(), |()| ""), rule);
    }
}

#[test]
fn pa_51_2_pa_51_3_pa_51_4_pa_51_5_signs_of_fraud() {
    let old = facts("2024-01-01", "");
    let new = facts("2026-03-05", "");
    let told = |cards: &[Card<'_>]| -> Vec<String> {
        fraud_signs(&Terms::SOURCE, cards, day("2026-03-31"))
            .iter()
            .map(|s| format!("{} {}", s.account, s.rule))
            .collect()
    };
    let first = |facts| card("A-1", ANN, "1", facts, Status::Current);
    let second = card("A-2", ANN, "1", &new, Status::New);
    assert_eq!(told(&[second, first(&old)]), ["A-2 PA-51.2", "A-2 PA-51.3"]);
    let overdue = Card { status: Status::Overdue, ..first(&old) };
    assert_eq!(told(&[second, overdue]), ["A-2 PA-51.3"]);
    // Another person, another address, another town; an account that ended long ago.
    assert!(told(&[first(&old), card("A-2", BOB, "1", &new, Status::New)]).is_empty());
    assert!(told(&[first(&old), Card { address: "2", ..second }]).is_empty());
    assert!(told(&[first(&old), Card { iin: None, ..second }]).is_empty());
    let copper = Card { technology: Some(Technology::Copper), ..second };
    for (ended, expected) in [("2026-02-02", false), ("2026-02-03", true), ("2026-03-05", true)] {
        let past = Facts { terminated_on: Some(day(ended)), ..old.clone() };
        let ended = card("A-1", ANN, "1", &past, Status::Closed);
        assert_eq!(told(&[ended, copper]), if expected { vec!["A-2 PA-51.4"] } else { vec![] });
        let moved = Card { address: "2", ..second };
        assert_eq!(told(&[ended, moved]), if expected { vec!["A-2 PA-51.5"] } else { vec![] });
        assert!(told(&[ended, Card { settlement: "Астана", ..moved }]).is_empty());
        let renamed = Card { name: "Anna", ..second };
        assert_eq!(told(&[ended, renamed]), if expected { vec!["A-2 PA-51.5"] } else { vec![] });
        assert!(told(&[ended, second]).is_empty());
    }
    let cards = [second, first(&old)];
    let signs = fraud_signs(&Terms::SOURCE, &cards, day("2026-03-04"));
    assert!(signs.is_empty(), "not yet opened");
}

#[test]
fn pa_51_6_pa_51_7_signs_of_fraud_beside_debt() {
    let mut new = facts("2026-03-05", "");
    let told = |debt: &Facts, new: &Facts| -> Vec<String> {
        let cards = [card("A-1", ANN, "1", debt, Status::Overdue), card("A-2", ANN, "2", new, Status::New)];
        fraud_signs(&Terms::SOURCE, &cards, day("2026-03-31")).iter().map(ToString::to_string).collect()
    };
    let six = "A-2: PA-51.6, beside A-1: a new account while the person has overdue, doubtful or written-off debt (2026-03-05)";
    let seven = "A-2: PA-51.7, beside A-1: services added to a new account while another one of the person has such debt (2026-03-28)";
    let old = facts("2024-01-01", "owed=2026-02-25:1.00");
    assert_eq!(told(&old, &new), [six]);
    // Overdue from the 26th, after the opening, but before the services.
    let later = facts("2024-01-01", "owed=2026-03-25:1.00");
    assert!(told(&later, &new).is_empty());
    new.connected_on = Some(day("2026-03-28"));
    assert_eq!(told(&later, &new), [seven]);
    assert_eq!(told(&old, &new), [six, seven]);
    new.connected_on = Some(day("2026-03-25"));
    assert!(told(&later, &new).is_empty());
    let mut doubtful = facts("2020-01-01", "doubtful=1.00");
    doubtful.terminated_on = Some(day("2026-01-01"));
    assert_eq!(told(&doubtful, &facts("2026-03-05", "")), [six]);
    assert!(told(&facts("2024-01-01", "penalty=1.00"), &new).is_empty());
}
