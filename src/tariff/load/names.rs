//! Names that all versions share, as numbers.

use super::super::{NetworkId, PlanId, ZoneId};
use super::KnownNames;
use std::collections::HashMap;

/// Zones, plans and roaming partners of all versions, in the order in which they were met.
#[derive(Default)]
pub(super) struct Names {
    pub(super) zones: Interner,
    pub(super) plans: Interner,
    pub(super) networks: Interner,
}

/// Texts by number.
#[derive(Default)]
pub(super) struct Interner {
    pub(super) names: Vec<String>,
    ids: HashMap<String, u16>,
}

/// So many names of one kind, no more: ids have 16 bits and the largest is kept free.
pub(super) const MOST_NAMES: usize = u16::MAX as usize;

impl Interner {
    /// The number of a name, a new one where it is new; `None` where there are too many.
    fn intern(&mut self, name: &str) -> Option<u16> {
        if let Some(id) = self.ids.get(name) {
            return Some(*id);
        }
        let id = u16::try_from(self.names.len()).ok().filter(|_| self.names.len() < MOST_NAMES)?;
        self.ids.insert(name.to_owned(), id);
        self.names.push(name.to_owned());
        Some(id)
    }

    /// The number of a name that was met before.
    pub(super) fn get(&self, name: &str) -> Option<u16> {
        self.ids.get(name).copied()
    }
}

impl Names {
    pub(super) fn of(known: &KnownNames) -> Self {
        let mut names = Self::default();
        let kinds = [
            (&mut names.plans, &known.plans),
            (&mut names.zones, &known.zones),
            (&mut names.networks, &known.networks),
        ];
        for (interner, known) in kinds {
            for name in known {
                interner.intern(name);
            }
        }
        names
    }

    pub(super) fn zone(&mut self, name: &str) -> Option<ZoneId> {
        self.zones.intern(name).map(ZoneId)
    }

    pub(super) fn plan(&mut self, name: &str) -> Option<PlanId> {
        self.plans.intern(name).map(PlanId)
    }

    pub(super) fn network(&mut self, name: &str) -> Option<NetworkId> {
        self.networks.intern(name).map(NetworkId)
    }
}
