use super::{PlanId, ZoneId};

/// Where each thing of a loaded tariff was written, for findings that come after the load.
///
/// Not part of [`super::Tariffs`]: rating never asks, and what an outcome pins is what the tariff says, not where.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Places {
    /// In the order of [`super::Tariffs::versions`].
    pub versions: Vec<VersionPlaces>,
    /// The prefix table.
    pub prefixes: PrefixPlaces,
}

/// Where the parts of a version were written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VersionPlaces {
    /// Its file.
    pub file: String,
    /// Line of `valid_from`.
    pub valid_from_line: u32,
    /// Line of `time_zone`, 0 where it is left out.
    pub time_zone_line: u32,
    /// The version wants its units held against the regulated step.
    pub regulated_step: bool,
    /// Zones and their lines, in the order of the file.
    pub zones: Vec<(ZoneId, u32)>,
    /// Line of each window.
    pub windows: Vec<u32>,
    /// Plans, in the order of the file.
    pub plans: Vec<PlanPlaces>,
}

/// Where the parts of a plan were written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlanPlaces {
    /// The plan.
    pub id: PlanId,
    /// Line of its name.
    pub line: u32,
    /// Line of each rate.
    pub rates: Vec<u32>,
    /// Line of each allowance, in the order in which the plan keeps them.
    pub allowances: Vec<u32>,
}

/// The rows of the prefix table.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct PrefixPlaces {
    /// Its file; empty where there is none.
    pub file: String,
    /// In the order of the file.
    pub entries: Vec<PrefixEntry>,
}

/// A row of the prefix table, 16 bytes: there are several hundred thousand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrefixEntry {
    /// The digits after a leading 1, so that `07` and `7` differ.
    packed: u64,
    /// Its zone.
    pub zone: ZoneId,
    /// Its line.
    pub line: u32,
}

impl PrefixEntry {
    /// A row; `None` where the prefix is not at most 18 digits.
    pub fn new(prefix: &str, zone: ZoneId, line: u32) -> Option<Self> {
        Some(Self { packed: super::prefixes::packed(prefix.as_bytes())?, zone, line })
    }

    /// The digits.
    pub fn prefix(&self) -> String {
        let mut digits = self.packed.to_string();
        digits.remove(0);
        digits
    }

    /// The digits after a leading 1, as a number.
    pub(super) const fn packed(&self) -> u64 {
        self.packed
    }
}
