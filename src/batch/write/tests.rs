//! Rows put together in place are those of the rule book.

use super::*;
use crate::batch::item::{Place, Span};
use crate::book::{Account, AccountNo, Funding, Method, Register};
use crate::law::{VatRate, vat_rate_on};
use crate::record::{Flags, Service};
use crate::screen::{Fingerprint, NumberForm, SourceKey};
use crate::tariff::{PlanId, SourceFile, TariffInput, ZoneId, load};
use proptest::prelude::*;

const LONG: &str = "a name that is longer than the place that is kept for names";

fn account() -> Account {
    Account::new(None, Method::Credit, Funding::Regular, None)
}

/// Names that are plain, that need quotes and that are long; a time zone whose offset changed on 2024-03-01.
fn reference() -> Reference {
    let version = |from: &str, zone: &str| {
        format!("valid_from = {from}\ntime_zone = \"{zone}\"\nzones.a.kind = \"local\"\n[plans.p]\n")
    };
    let (old, new) = (version("2015-01-01", "Asia/Almaty"), version("2026-01-01", "Asia/Almaty"));
    let versions = vec![SourceFile::new("old.toml", old), SourceFile::new("new.toml", new)];
    let (tariffs, findings) = load(&TariffInput { versions, ..TariffInput::default() });
    let mut tariffs = tariffs.unwrap_or_else(|| panic!("{findings:?}"));
    tariffs.plans = ["standard", "a,b", LONG].map(String::from).to_vec();
    tariffs.zones = ["intl", "say \"b\"", LONG].map(String::from).to_vec();
    tariffs.versions[1].name = "two, three".into();
    let mut register = Register::default();
    for id in ["77010042", "A-1", "a,b-c-d-e", LONG, "x"] {
        register.add(id.as_bytes(), account()).unwrap();
    }
    Reference { tariffs, register, period: None }
}

/// Mostly of what is usual, sometimes of anything.
fn numbers(usual: std::ops::Range<i64>) -> impl Strategy<Value = i64> {
    prop_oneof![4 => usual, 1 => any::<i64>(), 1 => Just(0), 1 => -100_000_000i64..1_000_000_000]
}

fn items() -> impl Strategy<Value = Item> {
    // From 2023 to 2027: the change of offset of 2024-03-01 lies within.
    let at = prop_oneof![
        4 => 1_672_531_200_000i64..1_830_297_600_000,
        2 => 1_709_146_800_000i64..1_709_319_600_000,
        1 => -62_135_596_800_000i64..253_370_764_799_999,
    ];
    let money = (numbers(0..10_000_000), numbers(0..10_000_000), prop_oneof![4 => Just(0i64), 1 => any::<i64>()]);
    let names = (prop::option::of(0u32..6), 0u16..3, prop::option::of(0u16..4), prop::option::of(0u16..4), 0usize..5);
    let sums = (numbers(0..10_000_000), any::<u64>().prop_map(|bits| bits >> (bits & 63)));
    let kinds = (any::<u8>(), any::<u16>(), 0u16..10_000, prop_oneof![4 => Just(None), 1 => at.clone().prop_map(Some)]);
    (at, money, names, sums, kinds).prop_map(|(at, money, names, sums, kinds)| {
        let (account, version, plan, zone, service) = names;
        let (flags, rules, vat, cut_off_at) = kinds;
        let known = |all: RuleSet, rule: &crate::law::Rule| {
            if RuleSet::of_bits(rules).has(*rule) { all.with(*rule) } else { all }
        };
        Item {
            print: Fingerprint { key: 1, content: 2 },
            line: 0,
            record_id: Span::default(),
            fate: Fate::Rated,
            flags: crate::record::Flag::ALL
                .iter()
                .filter(|flag| Flags::of_bits(flags).has(**flag))
                .fold(Flags::NONE, |all, flag| all.with(*flag)),
            service: Service::ALL[service % Service::ALL.len()],
            number: 0,
            rules: crate::law::Rule::ALL.iter().fold(RuleSet::NONE, known),
            account: account.map(AccountNo),
            version,
            plan: plan.map(PlanId),
            zone: zone.map(ZoneId),
            at: InstantMs(at),
            duration_ms: sums.0,
            units: sums.1,
            gross: Tiyn::new(money.0),
            net: Tiyn::new(money.1),
            vat: VatRate::from_hundredths(vat).unwrap_or(vat_rate_on(LocalDay(0))),
            not_owed: Tiyn::new(money.2),
            cut_off_at: cut_off_at.map(InstantMs),
            stateful: Place::NONE,
            detail: Place::NONE,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn a_row_put_together_in_place_is_the_row_of_the_book(
        items in prop::collection::vec((items(), "[ -~]{0,12}|[a-z0-9-]{1,40}"), 1..40),
    ) {
        let reference = reference();
        let source = |name: &str| Source { name: name.into(), key: SourceKey::of(name), number_form: NumberForm::Dialled };
        let sources = [source("switch"), source("a,\"b\"")];
        let writer = RowWriter::new(&reference, sources.iter().map(|source| (source, "f.csv")));
        // What is remembered from row to row is a part of both ways.
        let (mut fast, mut slow) = (Recent::default(), Recent::default());
        for (at, (item, id)) in items.iter().enumerate() {
            let mut book = Vec::new();
            writer.any_rated(item, id.as_bytes(), at % 2, &mut book, &mut slow);
            let mut text = Text::default();
            let usual = writer.usual(item, id.as_bytes(), at % 2, text.row().unwrap(), &mut fast);
            if let Some(length) = usual {
                text.keep(length);
                prop_assert_eq!(String::from_utf8_lossy(text.as_bytes()), String::from_utf8_lossy(&book));
            }
            let plain = (4..33).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let small = (0..100_000_000).contains(&item.duration_ms) && item.units < 100_000_000;
            let cheap = |amount: i64| (0..100_000_000).contains(&amount);
            let vat = item.gross.get().saturating_sub(item.net.get());
            // What rows of a kind share has a place of 96 bytes.
            let flags: usize = item.flags.iter().map(|flag| flag.name().len() + 1).sum();
            let short = flags + item.rules.to_string().len() < 80;
            if plain && small && short && cheap(item.gross.get()) && cheap(vat)
                && item.not_owed == Tiyn::ZERO && item.cut_off_at.is_none()
                && item.account == Some(AccountNo(0)) && item.plan == Some(PlanId(0)) && item.zone.is_none()
                && item.version == 1 && (1_767_225_600_000..1_830_297_600_000).contains(&item.at.0)
            {
                prop_assert!(usual.is_some(), "a usual row is left to the book");
            }
        }
    }
}
