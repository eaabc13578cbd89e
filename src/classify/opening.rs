use super::card::{Card, Failed, Paper, Papers};
use super::person::Iin;
use super::terms::Terms;
use crate::book::Method;
use crate::law::StatusRule;
use crate::record::names;
use crate::units::{LocalDay, Tiyn};

names! {
    /// By what right a client uses the premises (PA-8, PA-9).
    pub enum Right {
        /// Owns them.
        Owner = "owner",
        /// Owns them since now: re-registration.
        NewOwner = "new_owner",
        /// Rents them.
        Tenant = "tenant",
        /// Owns a part, confirmed by an address certificate.
        PartOwner = "part_owner",
        /// Is registered there, confirmed by an address certificate.
        Resident = "resident",
    }
}

names! {
    /// Marks on the card of an account (PA-10).
    pub enum Mark {
        /// Pays in advance, for want of ownership.
        GuaranteedAdvance = "guaranteed-advance",
        /// Rents the premises.
        Tenant = "tenant",
    }
}

/// A client asks for a new account.
#[derive(Clone, Copy, Debug)]
pub struct Application<'a> {
    /// The client.
    pub iin: Iin,
    /// Where.
    pub address: &'a str,
    /// In which settlement.
    pub settlement: &'a str,
    /// When.
    pub on: LocalDay,
    /// By what right.
    pub right: Right,
    /// How the account would pay.
    pub method: Method,
    /// A deposit is paid.
    pub deposit: bool,
    /// Papers in the file.
    pub papers: Papers,
    /// Scans on the card.
    pub scans: Papers,
}

/// What the client is told of an account of theirs (PA-14).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Announced {
    /// The account.
    pub account: String,
    /// Overdue, doubtful, hopeless and written-off debt.
    pub debt: Tiyn,
    /// Penalty.
    pub penalty: Tiyn,
}

/// What came of the checks of an opening.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opening {
    /// Why not, everything. Empty: the account may be opened.
    pub failed: Vec<Failed>,
    /// Debts and penalties of the person, anywhere.
    pub announced: Vec<Announced>,
    /// The person has accounts in several settlements: they are merged under one IIN (PA-14).
    pub merge: bool,
    /// Marks for the card.
    pub marks: Vec<Mark>,
    /// Papers that come with the installation and are still to come (PA-18).
    pub papers_to_come: Vec<Paper>,
    /// Scans that are still to come (PA-18).
    pub scans_to_come: Vec<Paper>,
}

/// Checks the opening of an account. `known` holds at least every account of the person anywhere, found by IIN and name,
/// and every account at the address.
///
/// The former owner's debt stays with the former owner: it stands in nobody else's way (PA-8.4, PA-31).
///
/// Source: PA-8 to PA-14, PA-18, PA-28, PA-51.
pub fn check_opening(terms: &Terms, application: &Application<'_>, known: &[Card<'_>]) -> Opening {
    let mut failed = Vec::new();
    let mut announced = Vec::new();
    let own = || known.iter().filter(|card| card.iin == Some(application.iin));
    for card in own() {
        let (debt, penalty) = (card.facts.bad_debt(application.on, terms), card.facts.money.penalty);
        if debt > Tiyn::ZERO || penalty > Tiyn::ZERO {
            announced.push(Announced { account: card.account.to_owned(), debt, penalty });
        }
        // A penalty alone is announced, never a reason to refuse (PA-14).
        if debt > Tiyn::ZERO {
            failed.push(Failed::by(card, StatusRule::Pa51_6, "the person has overdue, doubtful or written-off debt"));
        }
    }
    let here = known.iter().filter(|card| card.is_at(application.settlement, application.address));
    for card in here.filter(|card| !card.status.is_closed()) {
        if card.iin == Some(application.iin) {
            failed.push(Failed::by(card, StatusRule::Pa12, "the person has an account at this address"));
        } else {
            failed.extend(beside_another(application).map(|(rule, why)| Failed::by(card, rule, why)));
        }
    }
    failed.extend(by_right(application));
    for paper in application.papers.missing(&[Paper::Identity, Paper::Application]) {
        failed.push(Failed::new(
            StatusRule::Pa18,
            if paper == Paper::Identity { "no identity document" } else { "no application" },
        ));
    }
    let mut settlements = own().map(|card| card.settlement).chain([application.settlement]);
    let first = settlements.next();
    Opening {
        failed,
        announced,
        merge: settlements.any(|settlement| Some(settlement) != first),
        marks: marks(application),
        papers_to_come: application.papers.missing(&[Paper::AcceptanceAct, Paper::InstallationOrder]),
        scans_to_come: application.scans.missing(&[Paper::Identity, Paper::Application, Paper::InstallationOrder]),
    }
}

/// Why there may be no account beside one of another person at the address.
fn beside_another(application: &Application<'_>) -> Option<(StatusRule, &'static str)> {
    match application.right {
        // Their papers are looked at for themselves.
        Right::Tenant | Right::PartOwner | Right::Resident => None,
        Right::Owner => Some((StatusRule::Pa11, "another person has an account here, and this is no re-registration")),
        Right::NewOwner if !application.scans.has(Paper::Application) => {
            Some((StatusRule::Pa11, "no scan of the application stands on the card"))
        }
        Right::NewOwner if !application.scans.has(Paper::TitleDocument) => {
            Some((StatusRule::Pa11, "no title document stands on the card"))
        }
        Right::NewOwner if !application.papers.has(Paper::SalesPermission) => {
            Some((StatusRule::Pa11, "no permission of the internal sales department"))
        }
        Right::NewOwner => None,
    }
}

fn by_right(application: &Application<'_>) -> Vec<Failed> {
    let mut failed = Vec::new();
    let Application { right, method, papers, .. } = *application;
    let advance = method == Method::Advance;
    match right {
        Right::Owner => {}
        Right::NewOwner => {
            if !papers.has(Paper::TitleDocument) {
                failed.push(Failed::new(StatusRule::Pa28, "a new owner brings the title document"));
            }
            if advance && !application.deposit {
                failed.push(Failed::new(StatusRule::Pa28, "the advance method needs the deposit"));
            }
        }
        Right::Tenant => {
            if !advance {
                failed.push(Failed::new(StatusRule::Pa8_2, "a tenant pays in advance"));
            }
        }
        Right::PartOwner | Right::Resident => {
            if !papers.has(Paper::AddressCertificate) {
                failed.push(Failed::new(StatusRule::Pa8_3, "no address certificate"));
            }
            if !advance {
                failed.push(Failed::new(StatusRule::Pa9, "who does not own the premises pays in advance"));
            }
        }
    }
    let by_paper = [Paper::Lease, Paper::RightOfUse, Paper::OwnersConsent].iter().any(|paper| papers.has(*paper));
    if !is_owner(right) && !by_paper {
        failed.push(Failed::new(StatusRule::Pa9, "neither a lease, another document of right nor the owner's consent"));
    }
    failed
}

const fn is_owner(right: Right) -> bool {
    matches!(right, Right::Owner | Right::NewOwner)
}

fn marks(application: &Application<'_>) -> Vec<Mark> {
    let advance = application.method == Method::Advance && !is_owner(application.right);
    let tenant = application.right == Right::Tenant;
    let marks = [(Mark::GuaranteedAdvance, advance), (Mark::Tenant, advance && tenant)];
    marks.into_iter().filter(|(_, set)| *set).map(|(mark, _)| mark).collect()
}
