use super::item::{Item, Reference};
use crate::book::{Category, Paying, Posted, Reversal, Taken};
use crate::record::{Flag, Service};
use crate::tariff::ZoneKind;

/// What the books need to know of a settled record beside its item.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Booked {
    /// What its charge took.
    pub(crate) taken: Option<Box<Taken>>,
    /// The charge that it replaced.
    pub(crate) reversed: Option<Box<Reversal>>,
}

/// No plan, no zone.
pub(crate) const NONE: u16 = u16::MAX;

/// The charge of a rated item as the books keep it; none without an account.
pub(crate) fn posted(item: &Item, reference: &Reference, taken: Option<Box<Taken>>) -> Option<Posted> {
    let no = item.account?;
    let account = reference.register.account(no)?;
    let version = reference.tariffs.versions.get(usize::from(item.version))?;
    let kind = item.zone.and_then(|zone| version.zone_kind(zone));
    Some(Posted {
        account: no.0,
        service: item.service as u8,
        category: category(item, kind) as u8,
        flags: item.flags.bits(),
        paying: Paying { advance: account.is_advance(), budget: account.is_budget() }.bits(),
        at_ms: item.at.0,
        month: version.zone.local(item.at).day.period().0,
        duration_ms: item.duration_ms,
        units: item.units,
        gross: item.gross.get(),
        net: item.net.get(),
        vat_hundredths: item.vat.hundredths(),
        not_owed: item.not_owed.get(),
        cut_off_ms: item.cut_off_at.map(|at| at.0),
        version: item.version,
        plan: item.plan.map_or(NONE, |plan| plan.0),
        zone: item.zone.map_or(NONE, |zone| zone.0),
        rules: item.rules.bits(),
        taken,
    })
}

/// What the revenue of a charge is for.
fn category(item: &Item, kind: Option<ZoneKind>) -> Category {
    if item.flags.has(Flag::Roaming) {
        return Category::Roaming;
    }
    match (item.service, kind) {
        (Service::Sms, _) => Category::Messages,
        (Service::Data, _) => Category::Data,
        (Service::Internet, _) => Category::Internet,
        (Service::Vas, _) => Category::Vas,
        (Service::Voice, None | Some(ZoneKind::Local | ZoneKind::Free)) => Category::Local,
        (Service::Voice, Some(ZoneKind::LongDistance)) => Category::LongDistance,
        (Service::Voice, Some(ZoneKind::International)) => Category::International,
        (Service::Voice, Some(ZoneKind::Mobile)) => Category::Mobile,
        (Service::Voice, Some(ZoneKind::Special)) => Category::Special,
    }
}
