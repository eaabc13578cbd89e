//! What differs between an entry and the same decided again, told by entry, file and line, without personal data.

use crate::book::Posted;
use crate::post::entry::{Outcome, Piece, Resolved, Row};
use crate::record::{FilterReason, RejectReason, SuspendReason};
use crate::units::Tiyn;

/// The first thing that differs.
pub(super) fn difference(seq: u64, stored: &Piece, again: &Piece) -> Option<String> {
    if stored == again {
        return None;
    }
    let place = format!("entry {seq}, {}/{}", stored.file.source, stored.file.name);
    let mut ids = (stored.ids.as_slice(), again.ids.as_slice());
    for (row, (one, other)) in (1u32..).zip(stored.rows.iter().zip(&again.rows)) {
        let (id, other_id) = (take(&mut ids.0, one), take(&mut ids.1, other));
        if one == other && id == other_id {
            continue;
        }
        let line = stored.first_line.saturating_add(u64::from(one.line));
        let what = if one.line != other.line || id != other_id {
            "it is not the record of that line".to_owned()
        } else {
            of_rows(one, other)
        };
        return Some(format!("{place}:{line}, row {row}: {what}"));
    }
    if stored.rows.len() != again.rows.len() {
        return Some(format!("{place}: {} rows of {} records", stored.rows.len(), again.rows.len()));
    }
    for (one, other) in stored.resolved.iter().zip(&again.resolved) {
        if one != other {
            return Some(format!("{place}: a part of a call, line {}: {}", one.line, of_resolved(one, other)));
        }
    }
    if stored.resolved.len() != again.resolved.len() {
        let (stored, again) = (stored.resolved.len(), again.resolved.len());
        return Some(format!("{place}: {stored} parts of calls were told, decided again {again}"));
    }
    Some(format!("{place}: its frame differs from what is decided again"))
}

fn take<'i>(ids: &mut &'i [u8], row: &Row) -> &'i [u8] {
    let (id, rest) = ids.split_at_checked(row.id_length as usize).unwrap_or_default();
    *ids = rest;
    id
}

fn of_rows(one: &Row, other: &Row) -> String {
    if one.content != other.content {
        return "its content has another hash".into();
    }
    if one.outcome != other.outcome {
        return of_outcomes(&one.outcome, &other.outcome);
    }
    "what it took back is not what stood there".into()
}

fn of_resolved(one: &Resolved, other: &Resolved) -> String {
    if one.outcome != other.outcome {
        return of_outcomes(&one.outcome, &other.outcome);
    }
    "it is another record, or took back another charge".into()
}

/// How an outcome differs from the one that is decided again.
pub(super) fn of_outcomes(stored: &Outcome, again: &Outcome) -> String {
    match (stored, again) {
        (Outcome::Rated(one), Outcome::Rated(other)) => of_charges(one, other),
        (one, other) => format!("decided again {}, booked {}", name(other), name(one)),
    }
}

/// How a charge differs.
pub(super) fn of_charges(stored: &Posted, again: &Posted) -> String {
    let amount = |tiyn: i64| Tiyn::new(tiyn).to_string();
    let (one, other) = (stored, again);
    let differs = [
        ("account", one.account == other.account, String::new(), String::new()),
        ("charge", one.gross == other.gross, amount(one.gross), amount(other.gross)),
        ("net", one.net == other.net, amount(one.net), amount(other.net)),
        ("not owed", one.not_owed == other.not_owed, amount(one.not_owed), amount(other.not_owed)),
        ("units", one.units == other.units, one.units.to_string(), other.units.to_string()),
        ("plan", one.plan == other.plan, one.plan.to_string(), other.plan.to_string()),
        ("zone", one.zone == other.zone, one.zone.to_string(), other.zone.to_string()),
        ("balance before or allowances", one.taken == other.taken, String::new(), String::new()),
    ];
    match differs.into_iter().find(|(_, same, ..)| !same) {
        Some((what, _, one, _)) if one.is_empty() => format!("rated again, another {what}"),
        Some((what, _, one, other)) => format!("rated again, {what} {other}; booked {one}"),
        None => "rated again, another duration, time, flag or rule".into(),
    }
}

/// What an outcome is called.
fn name(of: &Outcome) -> String {
    match of {
        Outcome::Rated(posted) => format!("rated at {}", Tiyn::new(posted.gross)),
        Outcome::Filtered(reason) => {
            format!("filtered ({})", FilterReason::ALL.get(usize::from(*reason)).map_or("?", |reason| reason.name()))
        }
        Outcome::Duplicate(false) => "a duplicate".into(),
        Outcome::Duplicate(true) => "a duplicate with other content".into(),
        Outcome::Suspended(of) => {
            let reason = SuspendReason::ALL.get(usize::from(of.reason)).map_or("?", |reason| reason.name());
            format!("suspended ({reason})")
        }
        Outcome::Waiting(_) => "a part that waits for its call".into(),
        Outcome::Rejected(of) => {
            format!("rejected ({})", RejectReason::ALL.get(usize::from(of.reason)).map_or("?", |reason| reason.name()))
        }
        Outcome::WithItsCall => "a part told with its call".into(),
        Outcome::WrittenOff(_) => "written off".into(),
    }
}
