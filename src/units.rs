//! Quantities: money, time, volume. Integers only; a float is a compile-time lint away.

mod lanes;
mod money;
mod reciprocal;
mod time;
mod zone;

pub use lanes::lanes_of;
pub use money::{BadAmount, Tiyn, UnitPrice};
pub use reciprocal::Reciprocal;
pub use time::{BadDay, DurationMs, InstantMs, LocalDay, Period};
pub use zone::{Local, LocalInstants, UnknownZone, Zone};

/// Volume in bytes, up plus down.
pub type Bytes = u64;

/// A number of tariff units: started 10-second steps, started megabytes, messages.
pub type Units = u64;
