//! Tariffs as rating uses them: compiled, immutable, dated. Text becomes this in `load`.
//!
//! Everything that a file may get wrong has been refused before a [`Tariffs`] exists; lookups here cannot fail in
//! any way but "there is none".
//!
//! Source: rating 1.4–1.6, interface 7.1.

mod files;
mod finding;
mod flat;
mod lint;
mod load;
mod places;
mod plan;
mod prefixes;
mod week;
mod window;

pub use files::{TariffPaths, holidays_of, load_files, read_files, toml_files};
pub use finding::{Finding, Severity};
pub use flat::{FlatPrice, FlatRate};
pub use lint::{AllowedStep, lint};
pub use load::{KnownNames, SourceFile, TariffInput, load, load_with_places};
pub use places::{Places, PlanPlaces, PrefixEntry, PrefixPlaces, VersionPlaces};
pub use plan::{Plan, RateIndexInput};
pub use prefixes::{BadPrefix, Prefixes, Way};
pub(crate) use prefixes::{are_digits, packed as packed_digits};
pub use window::{DayClass, Holidays, Window};

use crate::record::{Direction, Service, names};
use crate::units::{InstantMs, LocalDay, Tiyn, UnitPrice, Units, Zone};

/// A zone of destinations, the same in every version: index into [`Tariffs::zones`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ZoneId(pub u16);

/// A plan's name, the same in every version: index into [`Tariffs::plans`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct PlanId(pub u16);

/// A rate: index into [`Plan::rates`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RateId(pub u16);

/// A roaming partner that some rate names: index into [`Tariffs::networks`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NetworkId(pub u16);

names! {
    /// What kind of destination a zone is.
    pub enum ZoneKind {
        /// Within the town.
        Local = "local",
        /// Between towns.
        LongDistance = "long-distance",
        /// Abroad.
        International = "international",
        /// To mobile networks of the country.
        Mobile = "mobile",
        /// Special services.
        Special = "special",
        /// Rated at 0.00 whatever the plan says.
        Free = "free",
    }
}

names! {
    /// What is rounded first. Source: rating 1.5.
    pub enum Rounding {
        /// The charge, once, at the end.
        Charge = "charge",
        /// The unit price to tiyn, before it is multiplied; the charge at the end.
        UnitPrice = "unit_price",
    }
}

names! {
    /// What a screening rule makes of the records that it matches. Source: rating 1.3.
    pub enum Screened {
        /// A voice message of the network: filtered.
        Announcement = "announcement",
        /// The network's auto-responder: filtered.
        Autoresponder = "autoresponder",
        /// Rated at 0.00.
        Free = "free",
    }
}

names! {
    /// How an allowance that starts within a period is cut. Source: rating 1.6.
    pub enum Proration {
        /// By calendar days, down to whole seconds, messages, bytes.
        Days = "days",
        /// Not at all.
        Full = "full",
    }
}

/// What a unit measures.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Measure {
    /// Milliseconds.
    Time,
    /// Bytes.
    Volume,
    /// Events.
    Events,
}

/// All versions of a tariff with the prefixes they share. Names are interned over all versions.
#[derive(Debug)]
pub struct Tariffs {
    /// By `starts_at`, earliest first; no two start at the same instant.
    pub versions: Vec<Version>,
    /// Zone names; [`ZoneId`] counts here.
    pub zones: Vec<String>,
    /// Plan names; [`PlanId`] counts here.
    pub plans: Vec<String>,
    /// Roaming partners named by any rate or allowance; [`NetworkId`] counts here.
    pub networks: Vec<String>,
    /// Destination prefixes.
    pub prefixes: Prefixes,
}

impl Tariffs {
    /// The version valid at an instant: index into `versions`.
    pub fn version_at(&self, at: InstantMs) -> Option<usize> {
        self.versions.iter().rposition(|version| version.starts_at <= at)
    }

    /// The id of a plan's name, `None` where no version has such a plan.
    pub fn plan_id(&self, name: impl AsRef<[u8]>) -> Option<PlanId> {
        let at = self.plans.iter().position(|plan| plan.as_bytes() == name.as_ref())?;
        u16::try_from(at).ok().map(PlanId)
    }

    /// Where a visited network's usage is priced.
    #[inline]
    pub fn presence(&self, visited_network: &[u8]) -> Presence {
        if visited_network.is_empty() { Presence::Home } else { self.abroad(visited_network) }
    }

    #[inline(never)]
    fn abroad(&self, visited_network: &[u8]) -> Presence {
        match self.networks.iter().position(|network| network.as_bytes() == visited_network) {
            Some(at) => u16::try_from(at).map_or(Presence::Elsewhere, |at| Presence::Network(NetworkId(at))),
            None => Presence::Elsewhere,
        }
    }

    /// The name of a zone; empty for none.
    pub fn zone_name(&self, zone: Option<ZoneId>) -> &str {
        zone.and_then(|zone| self.zones.get(usize::from(zone.0))).map_or("", String::as_str)
    }

    /// The time zone of the operator's calendar: that of the earliest version, UTC without any.
    pub fn calendar(&self) -> Option<&Zone> {
        self.versions.first().map(|version| &version.zone)
    }
}

/// Where the subscriber was.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Presence {
    /// In the home network.
    Home,
    /// With a partner that some rate names.
    Network(NetworkId),
    /// With a partner that no rate names.
    Elsewhere,
}

/// One tariff version: what holds from its day until the next version's.
#[derive(Debug)]
pub struct Version {
    /// Its name, for people and for `rated.csv`.
    pub name: String,
    /// Always `KZT` today.
    pub currency: String,
    /// The zone of its days and windows.
    pub zone: Zone,
    /// First day.
    pub valid_from: LocalDay,
    /// First instant: the start of that day in `zone`.
    pub starts_at: InstantMs,
    /// Written prices include VAT.
    pub prices_include_vat: bool,
    /// What is rounded first.
    pub rounding: Rounding,
    /// Each unit is priced by the window in which it starts, instead of the answer's.
    pub split: bool,
    /// Days that count as Sunday.
    pub holidays: Holidays,
    /// Screening rules in the order of the file; the first that matches decides.
    pub screening: Vec<ScreeningRule>,
    /// Other operators.
    pub interconnect: Vec<Interconnect>,
    /// Windows of time; rates name them by index.
    pub windows: Vec<Window>,
    /// The kind of each zone, by [`ZoneId`]; `None` where this version does not define the zone.
    pub zone_kinds: Vec<Option<ZoneKind>>,
    /// The plans, by [`PlanId`]; `None` where this version does not have the plan.
    pub plans: Vec<Option<Plan>>,
}

impl Version {
    /// A plan of this version.
    pub fn plan(&self, id: PlanId) -> Option<&Plan> {
        self.plans.get(usize::from(id.0)).and_then(Option::as_ref)
    }

    /// The kind of a zone, `None` where this version does not define it.
    pub fn zone_kind(&self, id: ZoneId) -> Option<ZoneKind> {
        self.zone_kinds.get(usize::from(id.0)).copied().flatten()
    }
}

/// A screening rule: every criterion given must match. Source: rating 1.3.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScreeningRule {
    /// Prefix of the normalised called number.
    pub called: Option<String>,
    /// Incoming trunk group.
    pub route_in: Option<String>,
    /// Outgoing trunk group.
    pub route_out: Option<String>,
    /// Redirect reason.
    pub redirect_reason: Option<String>,
    /// Charge indicator.
    pub charge_indicator: Option<String>,
    /// What it means.
    pub means: Screened,
}

/// Another operator's trunk groups and rate. Source: rating 1.9.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interconnect {
    /// Its name.
    pub operator: String,
    /// Its trunk groups.
    pub routes: Vec<String>,
    /// Direction of the traffic that the rate is for.
    pub direction: Direction,
    /// Price in 10⁻⁶ tenge for `price_per_ms`.
    pub price_micro_tenge: i64,
    /// The span that the price is for, milliseconds.
    pub price_per_ms: i64,
}

/// Which visited networks a rate or an allowance is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Visited {
    /// Usage at home.
    Home,
    /// `["*"]`: any partner.
    Any,
    /// These partners.
    Networks(Vec<NetworkId>),
}

/// The zones that a rate or an allowance is for; none written is any.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Zones {
    /// Any, and usage that has no zone.
    Any,
    /// These.
    These(Vec<ZoneId>),
}

/// What a plan charges for one kind of usage.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rate {
    /// For this service.
    pub service: Service,
    /// For this direction.
    pub direction: Direction,
    /// At home or with these partners.
    pub visited: Visited,
    /// To these zones.
    pub zones: Zones,
    /// Only within this window: index into [`Version::windows`].
    pub window: Option<u16>,
    /// What its units measure; the same for every step.
    pub measure: Measure,
    /// Steps in order, never empty; only the last has no `units`. A rate without steps is one.
    pub steps: Vec<Step>,
    /// Once, on a charged connection, in 10⁻⁶ tenge.
    pub connect_fee_micro_tenge: i64,
    /// At least so many units, once there is one.
    pub minimum_units: Units,
    /// No charge at all when the connection is no longer, milliseconds.
    pub free_ms: i64,
}

/// A run of units of one length and price.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// How many units; `None` is all that remain.
    pub units: Option<Units>,
    /// Length of a unit in milliseconds, bytes or events; at least 1.
    pub unit: u64,
    /// Price of a unit, already rounded where the version says `unit_price`.
    pub price: UnitPrice,
}

/// Usage that a plan includes in a billing period. Source: rating 1.6.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Allowance {
    /// For this service.
    pub service: Service,
    /// For this direction.
    pub direction: Direction,
    /// At home or with these partners.
    pub visited: Visited,
    /// To these zones.
    pub zones: Zones,
    /// What it measures.
    pub measure: Measure,
    /// Milliseconds, bytes or events for a whole month.
    pub quantity: u64,
    /// Lower is consumed first.
    pub priority: i64,
    /// What is unused is kept for one more month.
    pub carry_over: bool,
    /// How a start within the month cuts it.
    pub proration: Proration,
}

/// Usage that a rate or an allowance may be for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UsageClass {
    /// What was used.
    pub service: Service,
    /// Which side is charged.
    pub direction: Direction,
    /// Where the subscriber was.
    pub presence: Presence,
    /// The destination's zone.
    pub zone: Option<ZoneId>,
}

// The widths in [`UsageClass::packed`].
const _: () = assert!(Service::ALL.len() <= 1 << 3 && Direction::ALL.len() <= 1 << 2);

impl UsageClass {
    /// All of it as a number below 2³⁹.
    #[inline]
    pub fn packed(self) -> u64 {
        self.service as u64
            | (self.direction as u64) << 3
            | (self.presence.place() as u64) << 5
            | self.zone.map_or(0, |zone| u64::from(zone.0).wrapping_add(1)) << 22
    }
}

impl Presence {
    /// A number for each, below 2¹⁷.
    #[inline]
    fn place(self) -> usize {
        match self {
            Self::Home => 0,
            Self::Elsewhere => 1,
            Self::Network(network) => usize::from(network.0).wrapping_add(2),
        }
    }
}

impl Visited {
    /// Whether usage there is meant.
    pub fn covers(&self, presence: Presence) -> bool {
        match (self, presence) {
            (Self::Home, presence) => presence == Presence::Home,
            (Self::Any, presence) => presence != Presence::Home,
            (Self::Networks(networks), Presence::Network(network)) => networks.contains(&network),
            (Self::Networks(_), Presence::Home | Presence::Elsewhere) => false,
        }
    }
}

impl Zones {
    /// Whether usage to that zone is meant.
    pub fn covers(&self, zone: Option<ZoneId>) -> bool {
        match self {
            Self::Any => true,
            Self::These(zones) => zone.is_some_and(|zone| zones.contains(&zone)),
        }
    }
}

impl Rate {
    /// Whether the rate is for such usage, its window aside.
    pub fn covers(&self, usage: UsageClass) -> bool {
        self.service == usage.service
            && self.direction == usage.direction
            && self.visited.covers(usage.presence)
            && self.zones.covers(usage.zone)
    }
}

impl Allowance {
    /// Whether the allowance is for such usage.
    pub fn covers(&self, usage: UsageClass) -> bool {
        self.service == usage.service
            && self.direction == usage.direction
            && self.visited.covers(usage.presence)
            && self.zones.covers(usage.zone)
    }
}

/// The monthly fee of a plan.
pub type MonthlyFee = Tiyn;
