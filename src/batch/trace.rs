use super::item::{Fate, Item, Reference};
use super::pass::FeedFile;
use crate::law::Language;
use crate::rate::Quote;
use crate::record::Service;
use crate::tariff::{Measure, Version};
use crate::units::{InstantMs, Tiyn};
use rust_decimal::Decimal;
use std::fmt::Write;

/// How one record came to its outcome, for `explain`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// The file, by its place in the pass.
    pub file: usize,
    /// Line in it, from 1.
    pub line: u64,
    /// The line itself.
    pub raw: Vec<u8>,
    pub(crate) item: Item,
    pub(crate) detail: String,
    pub(crate) steps: Option<Steps>,
}

/// What pricing worked with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Steps {
    pub(crate) quote: Quote,
    /// What each offered allowance held before.
    pub(crate) offered: Vec<u64>,
    /// The balance at the answer, where the account pays ahead.
    pub(crate) balance: Option<Tiyn>,
    pub(crate) owed_in_full: bool,
}

impl Trace {
    /// The way of the record to its outcome: each step with its figures, then the rules it rests on.
    pub fn explain(&self, reference: &Reference, files: &[FeedFile], language: Language) -> String {
        let mut text = String::new();
        let file = files.get(self.file);
        let version = reference.tariffs.versions.get(usize::from(self.item.version));
        let source = file.map_or("", |file| file.source.name.as_str());
        let mut step = |name: &str, words: String| {
            let _ = writeln!(text, "  {name:<10} {words}");
        };
        step("source", format!("{source}, {}:{}", file.map_or("", |file| file.name.as_str()), self.line));
        step("outcome", self.outcome());
        if !self.detail.is_empty() {
            step("detail", self.detail.clone());
        }
        if let (Fate::Rated, Some(version)) = (self.item.fate, version) {
            for (name, words) in self.steps_of_charge(reference, version) {
                step(name, words);
            }
            for rule in self.item.rules.iter() {
                step(rule.id(), rule.meaning(language).to_owned());
            }
        }
        text
    }

    fn outcome(&self) -> String {
        match self.item.fate {
            Fate::Rated => {
                let flags: Vec<&str> = self.item.flags.iter().map(|flag| flag.name()).collect();
                let flags = if flags.is_empty() { String::new() } else { format!(" ({})", flags.join(", ")) };
                format!("rated {} KZT{flags}", self.item.gross)
            }
            Fate::Filtered(reason) => format!("filtered: {reason}"),
            Fate::Duplicate(true) => "duplicate: the key came before, with other content".into(),
            Fate::Duplicate(false) => "duplicate: the same record came before".into(),
            Fate::Suspended(reason) => format!("suspended: {reason}"),
            Fate::Rejected => "rejected".into(),
            Fate::Open(_) | Fate::Told => "part of a call; its charge stands on the first part".into(),
        }
    }

    fn steps_of_charge(&self, reference: &Reference, version: &Version) -> Vec<(&'static str, String)> {
        let item = &self.item;
        let mut steps = Vec::new();
        let account = item.account.map(|no| String::from_utf8_lossy(reference.register.id(no)).into_owned());
        let plan = item.plan.and_then(|plan| reference.tariffs.plans.get(usize::from(plan.0)));
        steps.push(("account", format!("{}, plan `{}`", account.unwrap_or_default(), plan.map_or("", String::as_str))));
        steps.push(("tariff", format!("`{}`, valid from {}", version.name, version.valid_from)));
        let zone = match item.zone {
            Some(zone) => {
                let kind = version.zone_kind(zone).map_or("", |kind| kind.name());
                format!("`{}` ({kind})", reference.tariffs.zone_name(Some(zone)))
            }
            None => "any".into(),
        };
        steps.push(("zone", zone));
        let began = match item.service {
            Service::Voice | Service::Data | Service::Internet => "from the answer",
            Service::Sms | Service::Vas => "at",
        };
        steps.push(("clock", format!("{began} {}, {} ms", shown(version, item.at), item.duration_ms)));
        match &self.steps {
            None => steps.push(("price", "free: 0.00".into())),
            Some(priced) => self.steps_of_price(priced, reference, version, &mut steps),
        }
        let vat = item.gross.get().saturating_sub(item.net.get());
        steps.push(("VAT", format!("{} %: {} = {} net + {} VAT", item.vat, item.gross, item.net, Tiyn::new(vat))));
        steps
    }

    fn steps_of_price(
        &self,
        priced: &Steps,
        reference: &Reference,
        version: &Version,
        steps: &mut Vec<(&'static str, String)>,
    ) {
        let quote = &priced.quote;
        let item = &self.item;
        let plan = item.plan.and_then(|plan| version.plan(plan));
        if let Some(rate) = plan.and_then(|plan| plan.rate(quote.rate)) {
            let window = rate.window.and_then(|window| version.windows.get(usize::from(window)));
            let window = window.map_or("no window".to_owned(), |window| format!("window `{}`", window.name));
            let plan = item.plan.and_then(|plan| reference.tariffs.plans.get(usize::from(plan.0)));
            let place = usize::from(quote.rate.0).saturating_add(1);
            steps.push(("rate", format!("number {place} of `{}`, {window}", plan.map_or("", String::as_str))));
        }
        steps.push(("units", format!("{} billable", quote.units())));
        for covered in &quote.covered {
            let held = priced.offered.get(covered.offered).copied().unwrap_or(0);
            let words = format!(
                "covers {} units of {} in all; it held {}",
                covered.units,
                length(quote.measure, covered.amount),
                length(quote.measure, held)
            );
            steps.push(("allowance", words));
        }
        if quote.paid_units() > 0 {
            steps.push(("price", sum_of(quote, version)));
        }
        if let Some(balance) = priced.balance {
            let words = match (priced.owed_in_full, item.not_owed == Tiyn::ZERO) {
                // The books do not keep a balance that decided nothing.
                (true, _) => "owed in full whatever it was: the partner does not report in real time, and the client \
                              was warned"
                    .to_owned(),
                (false, true) => format!("{balance} before, which covers it"),
                (false, false) => {
                    let cut = item
                        .cut_off_at
                        .map_or(String::new(), |at| format!("; to be cut off at {}", shown(version, at)));
                    format!("{balance} before: {} charged, {} not owed{cut}", item.gross, item.not_owed)
                }
            };
            steps.push(("balance", words));
        }
    }
}

/// `6 × 5 + 1 × 20 + connect fee 3 = 53 → 53.00`.
fn sum_of(quote: &Quote, version: &Version) -> String {
    let mut terms: Vec<String> = quote
        .runs
        .iter()
        .map(|run| format!("{} × {} ({})", run.units, run.price, length(quote.measure, run.unit)))
        .collect();
    let mut sum = Decimal::ZERO;
    for run in &quote.runs {
        let price = Decimal::new(run.price.micro_tenge(), 6).checked_div(Decimal::from(run.price.divisor()));
        let part = price.and_then(|price| price.checked_mul(Decimal::from(run.units)));
        sum = part.and_then(|part| sum.checked_add(part)).unwrap_or(sum);
    }
    if quote.connect_fee_micro_tenge > 0 {
        let fee = Decimal::new(quote.connect_fee_micro_tenge, 6).normalize();
        terms.push(format!("connect fee {fee}"));
        sum = sum.checked_add(fee).unwrap_or(sum);
    }
    let taxed = if version.prices_include_vat { "" } else { ", without VAT" };
    format!("{} = {}{taxed}, half up to the tiyn", terms.join(" + "), sum.round_dp(8).normalize())
}

fn length(measure: Measure, amount: u64) -> String {
    match measure {
        Measure::Time => format!("{} s", Decimal::new(i64::try_from(amount).unwrap_or(i64::MAX), 3).normalize()),
        Measure::Volume => format!("{amount} bytes"),
        Measure::Events => format!("{amount} events"),
    }
}

fn shown(version: &Version, at: InstantMs) -> String {
    let local = version.zone.local(at);
    let ms = local.ms_of_day;
    format!("{} {:02}:{:02}:{:02}.{:03}", local.day, ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}
