//! The status of a personal account: what the facts say, and which moves the recorded status may make.
//!
//! Pure functions over values. The day comes in as an argument; what has to be posted or done comes out as values that
//! the caller carries out. Rows marked † are not in the source: decided here because something must happen.
//!
//! Source: status 3 (PA, the rules for classifying the statuses of B2C personal accounts).

mod card;
mod closing;
mod control;
mod descriptor;
mod diagram;
mod effect;
mod event;
mod facts;
mod fold;
mod forbidden;
mod fraud;
mod life;
mod money;
mod moving;
mod opening;
mod person;
mod rows;
mod status;
mod terms;
mod transitions;

pub use card::{Card, Failed, Paper, Papers, Technology};
pub use closing::{Equipment, FormerOwner, check_equipment, check_former_owner, papers_missing_at_closing};
pub use control::{Control, control, known_facts};
pub use descriptor::{DESCRIPTORS, Descriptor, Descriptors};
pub use diagram::diagram;
pub use effect::{Deadline, Effect, Posting, Task, Wish};
pub use event::{BadEvent, Columns, Event, Happened, OffCause, SuspensionCause, TerminationReason};
pub use facts::{Act, Agreement, Devices, Facts, RemovalOrder};
pub use fold::Contradiction;
pub use forbidden::{Action, allowed, allowed_under, charge_allowed};
pub use fraud::{Evidence, NEIGHBOURS, Sign, fraud_signs};
pub use life::{Life, Move, Next, Outcome, Refusal, Wished};
pub use money::{BadMoney, Due, Money};
pub use moving::{
    CardChange, CentralChange, MovePlan, Moving, PersonChange, TECHNOLOGIES, check_central_change, check_move,
    check_person_change,
};
pub use opening::{Announced, Application, Mark, Opening, Right, check_opening};
pub use person::{BadIin, Iin};
pub use rows::{Classified, ENDED, IN_FORCE, Row, StatusFlag, classify, classify_under};
pub use status::Status;
pub use terms::Terms;
pub use transitions::{TRANSITIONS, Transition};
