use super::Charge;
use crate::law::{self, VatRate};
use crate::tariff::{FlatPrice, FlatRate, Measure, Plan, PlanId, Tariffs, UsageClass, Version};
use crate::tax::Extraction;
use crate::units::{InstantMs, LocalDay, Tiyn, Units};

/// What holds over a stretch of time: the tariff version, the calendar day, VAT and the windows that are open. Most
/// records ask for one that was asked for before.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    from: InstantMs,
    to: InstantMs,
    /// The version: index into `Tariffs::versions`.
    pub version: usize,
    /// The calendar day there.
    pub day: LocalDay,
    /// VAT of that day.
    pub vat: VatRate,
    extraction: Extraction,
    /// A bit for each window that holds, and [`FlatRate::ALWAYS`]; 0 where the windows must be asked.
    windows: u64,
    /// Its place in [`Moments::bands`]; none where there is no room, or the windows must be asked.
    band: Option<u8>,
}

/// Moments by time, and the rates that were chosen in them.
#[derive(Debug, Default)]
pub struct Moments {
    places: Vec<Option<Moment>>,
    /// The versions and windows that held: a month has a few.
    bands: Vec<(usize, u64)>,
    /// What [`Moment::price`] needs.
    pub choices: Choices,
}

/// Which flat price of a plan is for what, as it was found before.
#[derive(Debug, Default)]
pub struct Choices(Vec<Choice>);

/// One look at memory.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Choice {
    /// Band, plan and class of usage as one number.
    key: u64,
    price: Option<FlatPrice>,
}

const _: () = assert!(size_of::<Choice>() == 64);

impl Choices {
    /// 256 KB, of which a month uses a part.
    const PLACES: usize = 4096;
    /// Greater than all.
    const NONE: Choice = Choice { key: u64::MAX, price: None };

    /// The price by a plan of such usage.
    #[inline]
    fn of(
        &mut self,
        moment: &Moment,
        version: &Version,
        (id, plan): (PlanId, &Plan),
        class: UsageClass,
    ) -> Option<&FlatPrice> {
        let key = u64::from(moment.band?) << 55 | u64::from(id.0) << 39 | class.packed();
        let at = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 52) as usize % Self::PLACES;
        if self.0.get(at).is_none_or(|choice| choice.key != key) {
            self.choose(at, Choice { key, price: plan.flat_price(class, moment.windows, version.split) });
        }
        self.0.get(at)?.price.as_ref()
    }

    #[cold]
    fn choose(&mut self, at: usize, choice: Choice) {
        self.0.resize(Self::PLACES, Self::NONE);
        if let Some(place) = self.0.get_mut(at) {
            *place = choice;
        }
    }
}

/// A bit more than an hour.
const PLACE_BITS: u32 = 22;
/// Places for seven weeks.
const PLACES: usize = 1024;

impl Moments {
    /// The moment of an instant; `None` where no tariff version holds.
    #[inline]
    pub fn at(&mut self, tariffs: &Tariffs, at: InstantMs) -> Option<Moment> {
        let place = (at.0 >> PLACE_BITS) as usize % PLACES;
        let known = matches!(self.places.get(place), Some(Some(known)) if known.holds(at));
        if !known {
            self.look_up(tariffs, at, place);
        }
        *self.places.get(place)?
    }

    #[cold]
    fn look_up(&mut self, tariffs: &Tariffs, at: InstantMs, place: usize) {
        self.places.resize(PLACES, None);
        if let Some(place) = self.places.get_mut(place) {
            *place = Moment::of(tariffs, at);
            if let Some(moment) = place {
                moment.band = band(&mut self.bands, (moment.version, moment.windows));
            }
        }
    }
}

/// The place of a version and its windows, which is kept where it is new.
fn band(bands: &mut Vec<(usize, u64)>, band: (usize, u64)) -> Option<u8> {
    if band.1 == 0 {
        return None;
    }
    let known = bands.iter().position(|known| *known == band);
    let at = u8::try_from(known.unwrap_or(bands.len())).ok()?;
    if known.is_none() {
        bands.push(band);
    }
    Some(at)
}

/// A price that needed no book.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Priced {
    /// Billable units.
    pub units: Units,
    /// What they cost.
    pub charge: Charge,
}

impl Priced {
    /// What costs nothing and is not counted.
    pub const NOTHING: Self = Self { units: 0, charge: Charge::ZERO };
}

impl Moment {
    /// Whether it holds at an instant.
    #[inline]
    pub fn holds(&self, at: InstantMs) -> bool {
        self.from <= at && at < self.to
    }

    /// Looks up what holds at an instant and, from there, as long as that is simple to say.
    fn of(tariffs: &Tariffs, at: InstantMs) -> Option<Self> {
        let index = tariffs.version_at(at)?;
        let version = tariffs.versions.get(index)?;
        let local = version.zone.local(at);
        let vat = law::vat_rate_on(local.day);
        let extraction = Extraction::of(vat);
        let mut moment = Self {
            from: at,
            to: at.plus_ms(1),
            version: index,
            day: local.day,
            vat,
            extraction,
            windows: 0,
            band: None,
        };
        if version.windows.len() > FlatRate::WINDOWS {
            return Some(moment);
        }
        let class = version.holidays.class(local.day);
        moment.windows = FlatRate::ALWAYS;
        for (bit, window) in (0u32..).zip(&version.windows) {
            if window.holds(class, local.ms_of_day) {
                moment.windows |= 1u64.checked_shl(bit).unwrap_or(0);
            }
        }
        if !version.zone.is_tabulated(at) {
            return Some(moment);
        }
        // Later on the day, until a window may open or close, the clocks change, or another version holds.
        let edges = version.windows.iter().map(|window| window.next_edge_ms(local.ms_of_day));
        let to_edge = edges.fold(DAY_MS, i64::min).saturating_sub(local.ms_of_day);
        let next_change = version.zone.next_change(at);
        let next_version = tariffs.versions.get(index.saturating_add(1)).map(|next| next.starts_at);
        let ends = [next_version, next_change].into_iter().flatten();
        moment.to = ends.fold(at.plus_ms(to_edge), InstantMs::min);
        // Earlier on the day likewise.
        let edges = version.windows.iter().flat_map(|window| [window.from_ms, window.to_ms]);
        let edge = edges.filter(|edge| *edge <= local.ms_of_day).fold(0, i64::max);
        let from = at.plus_ms(edge.saturating_sub(local.ms_of_day)).max(version.starts_at);
        if version.zone.next_change(from) == next_change {
            moment.from = from;
        }
        Some(moment)
    }

    /// The charge of a usage by the best flat price of a plan, without allowances; `None` where the book must say, also
    /// that there is no rate. `amount`: how much there is of it by a measure.
    ///
    /// What [`quote`](super::quote) and [`settle_in_full`](super::settle_in_full) say together; a test compares them.
    #[inline]
    pub fn price(
        &self,
        choices: &mut Choices,
        version: &Version,
        plan: (PlanId, &Plan),
        class: UsageClass,
        amount: impl FnOnce(Measure) -> Option<u64>,
    ) -> Option<Priced> {
        let price = choices.of(self, version, plan, class)?;
        let (units, tiyn) = price.of_amount(amount(price.measure)?)?;
        let rounded = Tiyn::new(i64::try_from(tiyn).ok()?);
        let charge = if version.prices_include_vat {
            Charge { gross: rounded, net: self.extraction.net(rounded) }
        } else {
            let vat = crate::tax::on_net(rounded, self.vat)?;
            Charge { gross: rounded.checked_add(vat)?, net: rounded }
        };
        Some(Priced { units, charge })
    }
}

const DAY_MS: i64 = 86_400_000;
