//! Rating: usage × tariff × what the account has → charge. Pure functions over values.
//!
//! The order of a charge (rating 1.5): free threshold · units · minimum · allowance · steps and windows · connect fee
//! · round. Then VAT, then, for an account that pays in advance, the cut-off where its money ends (rating 1.7).

mod cut;
mod moment;
mod price;
mod settle;

pub use cut::{Covered, Quote, Run, Usage, quote};
pub use moment::{Choices, Moment, Moments, Priced};
pub use price::{BadCharge, Charge, charge_of};
pub use settle::{Basis, Settled, affordable_units, settle_in_full, settle_up_to};
