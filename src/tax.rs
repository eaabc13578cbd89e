//! VAT: taken out of amounts that include it, added to amounts that do not. Pure; the rate is the law's of a date.
//!
//! Source: BT-16.1, accounts and money 2.2.

use crate::law::VatRate;
use crate::units::{Reciprocal, Tiyn};

/// An amount in its two parts; `net + vat` is the gross amount, always.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taxed {
    /// Without VAT.
    pub net: Tiyn,
    /// The VAT.
    pub vat: Tiyn,
}

/// Takes VAT out of a gross amount: the net part is rounded half up by magnitude, the VAT is the rest.
///
/// ```
/// use esep::{law, tax, units::{LocalDay, Tiyn}};
/// let rate = law::vat_rate_on(LocalDay::parse("2008-05-01").unwrap());
/// let taxed = tax::extract(Tiyn::new(120_000), rate);
/// assert_eq!((taxed.net, taxed.vat), (Tiyn::new(106_195), Tiyn::new(13_805)));
/// ```
pub fn extract(gross: Tiyn, rate: VatRate) -> Taxed {
    let divisor = WHOLE.saturating_add(u64::from(rate.hundredths()));
    let magnitude = gross.get().unsigned_abs();
    let net = divide_half_up(magnitude, WHOLE, divisor);
    let net = i64::try_from(net).unwrap_or(i64::MAX);
    let net = Tiyn::new(if gross.get() < 0 { net.saturating_neg() } else { net });
    Taxed { net, vat: Tiyn::new(gross.get().saturating_sub(net.get())) }
}

/// The VAT on a net amount, rounded half up by magnitude. `None` beyond the range of an amount.
pub fn on_net(net: Tiyn, rate: VatRate) -> Option<Tiyn> {
    let vat = divide_half_up(net.get().unsigned_abs(), u64::from(rate.hundredths()), WHOLE);
    let vat = i64::try_from(vat).ok()?;
    Some(Tiyn::new(if net.get() < 0 { vat.checked_neg()? } else { vat }))
}

/// [`extract`] at one rate, for many amounts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extraction {
    rate: VatRate,
    /// What the net part is divided by, 100 % and the rate; by twice as much, since halves go up.
    divisor: u64,
    by_doubled: Reciprocal,
    /// Greater amounts, and those below zero, need a division.
    gross_max: u64,
}

impl Extraction {
    /// Taking out VAT at a rate.
    pub fn of(rate: VatRate) -> Self {
        let divisor = WHOLE.saturating_add(u64::from(rate.hundredths()));
        let doubled = divisor.saturating_mul(2);
        let gross_max = Reciprocal::exact_up_to(doubled).saturating_sub(divisor) / (2 * WHOLE);
        Self { rate, divisor, by_doubled: Reciprocal::of(doubled), gross_max }
    }

    /// The net part of a gross amount.
    #[inline]
    pub fn net(self, gross: Tiyn) -> Tiyn {
        match u64::try_from(gross.get()) {
            Ok(amount) if amount <= self.gross_max => {
                let sum = amount.wrapping_mul(2 * WHOLE).wrapping_add(self.divisor);
                // A quotient of a number of 64 bits by 20 000 and more fits.
                Tiyn::new(self.by_doubled.quotient(sum).cast_signed())
            }
            _ => extract(gross, self.rate).net,
        }
    }
}

/// 100 %, in hundredths of a per cent.
const WHOLE: u64 = 10_000;

/// `amount × factor ÷ divisor`, half up. The divisor is never zero here.
fn divide_half_up(amount: u64, factor: u64, divisor: u64) -> u128 {
    // Nearly every charge fits in 64 bits, where a division costs a tenth.
    if let Some(doubled) = amount.checked_mul(factor.saturating_mul(2)).and_then(|n| n.checked_add(divisor)) {
        return u128::from(doubled.checked_div(divisor.saturating_mul(2)).unwrap_or(0));
    }
    let doubled = u128::from(amount).saturating_mul(u128::from(factor)).saturating_mul(2);
    let divisor = u128::from(divisor);
    doubled.saturating_add(divisor).checked_div(divisor.saturating_mul(2)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::vat_rate_on;
    use crate::units::LocalDay;
    use proptest::prelude::*;
    use rust_decimal::{Decimal, RoundingStrategy};

    fn rate(percent: u8) -> VatRate {
        let day = match percent {
            12 => "2025-12-31",
            13 => "2008-12-31",
            16 => "2026-01-01",
            _ => unreachable!(),
        };
        vat_rate_on(LocalDay::parse(day).unwrap())
    }

    #[test]
    fn bt_16_1_vat_is_taken_out_of_1200() {
        for (percent, net, vat) in [(13, 106_195, 13_805), (12, 107_143, 12_857), (16, 103_448, 16_552)] {
            let expected = Taxed { net: Tiyn::new(net), vat: Tiyn::new(vat) };
            assert_eq!(extract(Tiyn::new(120_000), rate(percent)), expected, "{percent} %");
            let negative = extract(Tiyn::new(-120_000), rate(percent));
            assert_eq!((negative.net, negative.vat), (Tiyn::new(-net), Tiyn::new(-vat)), "{percent} %");
        }
    }

    #[test]
    fn bt_16_1_halves_go_up() {
        // 0.29 / 1.16 = 0.25 exactly; 0.07 / 1.12 = 0.0625 → 0.06; 0.14 / 1.12 = 0.125 → 0.13.
        for (gross, percent, net) in [(29, 16, 25), (7, 12, 6), (14, 12, 13), (1, 16, 1), (0, 16, 0)] {
            assert_eq!(extract(Tiyn::new(gross), rate(percent)).net, Tiyn::new(net), "{gross} at {percent} %");
        }
        assert_eq!(on_net(Tiyn::new(25), rate(16)), Some(Tiyn::new(4)));
        // 0.125 × 12 % of 12.50 = 1.50; of 0.04 = 0.0048 → 0.00; of 0.05 at 12 % = 0.006 → 0.01.
        assert_eq!(on_net(Tiyn::new(5), rate(12)), Some(Tiyn::new(1)));
        assert_eq!(on_net(Tiyn::new(4), rate(12)), Some(Tiyn::new(0)));
    }

    proptest! {
        #[test]
        fn integers_agree_with_decimals(gross in prop_oneof![0..1_000_000i64, 0..i64::MAX], percent in prop_oneof![Just(12u8), Just(13), Just(16)]) {
            let taxed = extract(Tiyn::new(gross), rate(percent));
            let decimal = Decimal::new(gross, 2) * Decimal::from(100) / Decimal::from(100 + i64::from(percent));
            let net = decimal.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
            prop_assert_eq!(taxed.net.to_string(), format!("{net:.2}"));
            prop_assert_eq!(taxed.net.get() + taxed.vat.get(), gross);
            for gross in [gross, -gross] {
                let rate = rate(percent);
                prop_assert_eq!(Extraction::of(rate).net(Tiyn::new(gross)), extract(Tiyn::new(gross), rate).net);
            }
        }
    }
}
