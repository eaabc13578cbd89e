use super::numbers::{HOME_ZONES, international_zones};
use super::random::Random;
use std::fmt::Write as _;

/// Plans with how many of 100 accounts have them and their prices in per cent of the first plan's.
pub(super) const PLANS: [(u64, Shape); 5] = [
    (40, Shape { name: "standard", percent: 100, fee: "1500.00", tens: true, connect: "3.00", free: "" }),
    (20, Shape { name: "evening", percent: 118, fee: "1200.00", tens: true, connect: "", free: "3s" }),
    (20, Shape { name: "city", percent: 93, fee: "1900.00", tens: false, connect: "1.50", free: "" }),
    (10, Shape { name: "business", percent: 81, fee: "4900.00", tens: true, connect: "", free: "" }),
    (10, Shape { name: "traveller", percent: 107, fee: "2900.00", tens: false, connect: "5.125", free: "" }),
];

/// What makes a plan differ from another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Its name.
    pub(super) name: &'static str,
    percent: u64,
    fee: &'static str,
    /// Units of ten seconds within the country; else of a minute.
    tens: bool,
    connect: &'static str,
    free: &'static str,
}

/// The text of the one tariff version, valid from the first day of the year.
pub(super) fn tariff(seed: u64, year: i32, allowances: bool) -> String {
    let mut random = Random::of(seed, 2);
    let mut text = format!(
        "# Synthetic, by `esep generate`.\nname = \"synthetic-{year}\"\ncurrency = \"KZT\"\ntime_zone = \"Asia/Almaty\"\n\
         valid_from = {year}-01-01\nprices_include_vat = true\nround = \"charge\"\nkilobyte = 1024\nsplit = false\n\n"
    );
    for (zone, kind) in HOME_ZONES {
        _ = write!(text, "[zones.{zone}]\nkind = \"{kind}\"\n");
    }
    for zone in international_zones() {
        _ = write!(text, "[zones.{zone}]\nkind = \"international\"\n");
    }
    text.push_str(
        "\n[windows.night]\ndays = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"]\nfrom = \"22:00\"\n\
         to = \"07:00\"\n\n[windows.weekend]\ndays = [\"sat\", \"sun\"]\nfrom = \"07:00\"\nto = \"22:00\"\n",
    );
    // In 10⁻⁴ tenge a minute, the same countries for every plan.
    let abroad: Vec<(String, u64)> = international_zones()
        .map(|zone| (zone, random.below(300).saturating_add(15).saturating_mul(10_000).saturating_add(5000)))
        .collect();
    for (_, shape) in PLANS {
        plan(&mut text, shape, &abroad, allowances);
    }
    text
}

fn plan(text: &mut String, shape: Shape, abroad: &[(String, u64)], allowances: bool) {
    let name = shape.name;
    _ = write!(text, "\n[plans.{name}]\nmonthly_fee = \"{}\"\n", shape.fee);
    let price = |ten_thousandths: u64| price(share(ten_thousandths, shape.percent));
    let mut rate = |service: &str, zones: &[&str], rest: &str| {
        _ = write!(text, "[[plans.{name}.rates]]\nservice = \"{service}\"\n");
        if !zones.is_empty() {
            _ = writeln!(text, "zones = [\"{}\"]", zones.join("\", \""));
        }
        text.push_str(rest);
    };
    let windows = [("", 100), ("window = \"night\"\n", 50), ("window = \"weekend\"\n", 75)];
    let unit = if shape.tens { "10s" } else { "60s" };
    // Ten seconds of a price by the minute: most cut prices have no end in decimals.
    let by_minute = |minute: u64| format!("unit = \"{unit}\"\nprice = \"{}\"\nprice_per = \"60s\"\n", price(minute));
    let optional = |key: &str, value: &str| match value {
        "" => String::new(),
        value => format!("{key} = \"{value}\"\n"),
    };
    let free = optional("free", shape.free);
    let connect = optional("connect_fee", shape.connect);

    for (window, percent) in windows {
        let units = format!("{window}unit = \"60s\"\nprice = \"{}\"\n", price(share(40_000, percent)));
        rate("voice", &["city"], &units);
        rate(
            "voice",
            &["ld-north", "ld-south", "ld-east", "ld-west", "ld-centre"],
            &format!("{window}{}", by_minute(share(115_000, percent))),
        );
        let units = format!("{window}unit = \"{unit}\"\nprice = \"{}\"\n{free}", price(share(9_333, percent)));
        rate("voice", &["mobile-own"], &units);
        let minimum = if shape.tens { "minimum_units = 3\n" } else { "" };
        rate(
            "voice",
            &["mobile-b", "mobile-c", "mobile-d"],
            &format!("{window}{}{connect}{minimum}", by_minute(share(190_000, percent))),
        );
    }
    rate("voice", &["info"], &format!("unit = \"60s\"\nprice = \"{}\"\n", price(100_000)));
    rate("voice", &["premium"], &format!("unit = \"60s\"\nprice = \"{}\"\nconnect_fee = \"25.00\"\n", price(500_000)));
    for (at, (zone, minute)) in abroad.iter().enumerate() {
        let (first, later) = (price(*minute), price(minute / 6));
        let rest = if at % 3 == 2 {
            // A whole minute by the clock, cheaper at night.
            rate(
                "voice",
                &[zone],
                &format!("window = \"night\"\nunit = \"60s\"\nprice = \"{}\"\n", price(share(*minute, 70))),
            );
            format!("unit = \"60s\"\nprice = \"{first}\"\n{connect}")
        } else {
            format!(
                "steps = [ {{ units = 1, unit = \"60s\", price = \"{first}\" }}, {{ unit = \"10s\", price = \"{later}\" }} ]\n{connect}"
            )
        };
        rate("voice", &[zone], &rest);
    }
    rate("sms", &["mobile-own"], &format!("unit = \"event\"\nprice = \"{}\"\n", price(50_000)));
    rate("sms", &["mobile-b", "mobile-c", "mobile-d"], &format!("unit = \"event\"\nprice = \"{}\"\n", price(95_000)));
    rate("sms", &[], &format!("unit = \"event\"\nprice = \"{}\"\n", price(255_000)));
    for (window, percent) in windows.iter().filter(|(window, _)| !window.contains("weekend")) {
        rate("data", &[], &format!("{window}unit = \"1MB\"\nprice = \"{}\"\n", price(share(4_650, *percent))));
    }
    rate("internet", &[], &format!("unit = \"10MB\"\nprice = \"{}\"\n", price(1_235)));
    rate("vas", &["premium"], &format!("unit = \"event\"\nprice = \"{}\"\n", price(990_000)));
    rate("vas", &[], &format!("unit = \"event\"\nprice = \"{}\"\n", price(199_900)));
    if allowances {
        for (service, zones, quantity, priority, carry_over) in [
            ("voice", "zones = [\"mobile-own\"]\n", "10min", 10, false),
            ("voice", "zones = [\"city\", \"ld-north\", \"ld-south\", \"ld-east\"]\n", "300s", 20, true),
            ("sms", "", "3event", 10, false),
            ("data", "", "50MB", 10, true),
        ] {
            _ = write!(
                text,
                "[[plans.{name}.allowances]]\nservice = \"{service}\"\n{zones}quantity = \"{quantity}\"\n\
                 priority = {priority}\ncarry_over = {carry_over}\nproration = \"days\"\n"
            );
        }
    }
}

/// So many per cent of a price, rounded down.
const fn share(price: u64, percent: u64) -> u64 {
    price.saturating_mul(percent) / 100
}

/// A price in 10⁻⁴ tenge as tenge.
fn price(ten_thousandths: u64) -> String {
    format!("{}.{:04}", ten_thousandths / 10_000, ten_thousandths % 10_000)
}
