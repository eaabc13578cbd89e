//! The statuses of accounts: derived from the journal for a day, and recorded.
//!
//! What is derived is a function of the journal and the day. Recording makes the moves up to a day part of the journal,
//! with what follows from them: postings and tasks. Nothing is recorded twice, and what is recorded does not change.
//!
//! Source: status 3, PA-57.

use super::debts::Debts;
use super::derived::Line;
use super::effects::{Kinds, Wished};
use super::entry::{Entry, MoneyMove, StatusMove, StatusRun, TaskDone, TaskDue, TaskGiven};
use super::inputs::Inputs;
use super::life::{Known, Lived, LivedWish, live, next_of, shown_money};
use super::standing::held;
use super::store::{MOVES_AT_ONCE, Store};
use super::writer::{PostError, Ready};
use crate::book::Channel;
use crate::classify::{
    Card, Classified, Control, Deadline, Effect, Facts, Money, Move, Next, Refusal, Sign, Status, Task, Technology,
    Terms, classify_under, control, fraud_signs, known_facts,
};
use crate::classify::{Evidence, Iin};
use crate::folder::PaymentRow;
use crate::law::StatusRule;
use crate::units::{InstantMs, LocalDay, Tiyn};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

/// Accounts that one thread takes at a time.
const CHUNK: usize = 4096;

/// A task of an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenTask {
    /// Which.
    pub task: Task,
    /// Given on this day.
    pub on: LocalDay,
    /// Until when.
    pub due: Deadline,
    /// The day that was asked for is behind it.
    pub overdue: bool,
}

/// How an account stands on a day.
#[derive(Clone, Debug)]
pub struct AccountStatus {
    /// The day.
    pub as_of: LocalDay,
    /// The recorded status.
    pub status: Status,
    /// The day of the last move.
    pub since: LocalDay,
    /// The paragraph behind the last move.
    pub rule: StatusRule,
    /// That move, for people.
    pub says: &'static str,
    /// The facts, as names and values.
    pub facts: Vec<(&'static str, String)>,
    /// What the facts say.
    pub classified: Classified,
    /// What contradicts them.
    pub contradictions: Vec<&'static str>,
    /// The move that comes if nothing happens.
    pub next: Option<Next>,
    /// Every move, in order.
    pub timeline: Vec<Move>,
    /// Its money.
    pub money: Money,
    /// What is to be done.
    pub tasks: Vec<OpenTask>,
    /// Events that were refused: their ids, and why.
    pub refused: Vec<(String, LocalDay, Refusal)>,
}

/// A move, with the id of the account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MovedAccount {
    /// The account.
    pub account_id: String,
    /// The day.
    pub on: LocalDay,
    /// From; none is: the account was opened.
    pub from: Option<Status>,
    /// To.
    pub to: Status,
    /// The paragraph.
    pub rule: StatusRule,
}

/// A row of the monthly control list: recorded against classified status, findings, tasks overdue.
#[derive(Clone, Debug)]
pub struct ControlRow {
    /// The account.
    pub account_id: String,
    /// Recorded and classified status, with what contradicts it; none where only the rest is to be told.
    pub control: Option<Control>,
    /// The recorded status.
    pub status: Status,
    /// Since when.
    pub since: LocalDay,
    /// Signs of fraud, and events that were refused.
    pub findings: Vec<String>,
    /// Tasks that are overdue.
    pub overdue: Vec<OpenTask>,
}

/// The statuses of a base on a day.
#[derive(Clone, Debug)]
pub struct Statuses {
    /// The day.
    pub as_of: LocalDay,
    /// Accounts by status, in the order of [`Status::ALL`].
    pub counts: [u64; 10],
    /// Moves that no recording before has made, by account, in their order.
    pub moves: Vec<MovedAccount>,
    /// Postings of those moves and of events.
    pub postings: u64,
    /// Tasks that were given.
    pub tasks: u64,
    /// What is to be looked at.
    pub control: Vec<ControlRow>,
    /// Credit balances that could not go where they were to.
    pub notes: Vec<String>,
    /// The last day that the records show.
    pub shown_to: Option<LocalDay>,
}

/// An account whose status is another under other terms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OtherStatus {
    /// The account.
    pub account_id: String,
    /// As it is.
    pub before: Status,
    /// As it would be.
    pub after: Status,
}

/// What one thread finds in its accounts.
#[derive(Default)]
struct Part {
    counts: [u64; 10],
    moves: Vec<StatusMove>,
    tasks: Vec<TaskGiven>,
    wishes: Vec<(u32, LivedWish)>,
    rows: Vec<(u32, ControlRow)>,
    /// Of accounts whose person has more than one.
    cards: Vec<(u32, Status, LocalDay, Facts)>,
}

impl Store {
    /// The last day that the records show: the last of the folder's month, else of the month of the last usage, and not
    /// before what is recorded. None where nothing is known.
    pub fn last_day(&self) -> Result<Option<LocalDay>, PostError> {
        // A number that no account has: only what holds for all is gathered.
        Ok(self.inputs(Some(u32::MAX))?.last_day())
    }

    /// How an account stands on a day, by the last that the records show where none is told. None where it is not known,
    /// or opened later.
    pub fn status_of(&self, id: &str, on: Option<LocalDay>) -> Result<Option<AccountStatus>, PostError> {
        let Some(no) = self.account_no(id) else { return Ok(None) };
        let inputs = self.inputs(Some(no.0))?;
        let Some(as_of) = on.or(inputs.last_day()) else { return Ok(None) };
        self.status_by(&inputs, no.0, as_of)
    }

    fn status_by(&self, inputs: &Inputs, no: u32, as_of: LocalDay) -> Result<Option<AccountStatus>, PostError> {
        let terms = Terms::SOURCE;
        let told = inputs.rows.told(no, &inputs.zone);
        let known = inputs.known(no, &told);
        let Some(lived) = live(&inputs.base(&terms), &known, as_of) else { return Ok(None) };
        let unbilled = self.unbilled_on(inputs, no, as_of)?;
        let facts = judged(&known, &lived, as_of);
        let mut contradictions = classify_under(&terms, &facts, as_of).contradictions;
        if let Some(control) = control(&terms, lived.life.status(), &facts, as_of) {
            contradictions = control.contradictions;
        }
        let last = lived.moves.last();
        let money = shown_money(&known, &lived, unbilled, as_of);
        Ok(Some(AccountStatus {
            as_of,
            status: lived.life.status(),
            since: lived.life.since(),
            rule: last.map_or(lived.life.status().rule(), |of| of.rule),
            says: last.map_or("", |of| of.says),
            facts: known_facts(&terms, &facts, as_of),
            classified: classify_under(&terms, &facts, as_of),
            contradictions: contradictions.iter().map(|of| of.name()).collect(),
            next: next_of(&inputs.base(&terms), &lived, unbilled, as_of),
            money,
            tasks: lived.tasks.iter().map(|of| open_task(inputs, of, as_of)).collect(),
            refused: refused(&known, &lived),
            timeline: lived.moves,
        }))
    }

    /// What was used up to a day and is billed later.
    fn unbilled_on(&self, inputs: &Inputs, no: u32, as_of: LocalDay) -> Result<Tiyn, PostError> {
        let is_money = |seq: u64| self.money_entries().binary_search(&seq).is_ok();
        let lines = self.derived().movements_of(no, self.journal(), &is_money)?;
        let sum = lines.iter().fold(0i64, |sum, (at, _, line)| {
            let Line::Charge(line) = line else { return sum };
            let billed_on = line.posted.period().next().first_day();
            let day = inputs.zone.local(InstantMs(*at)).day;
            let debit = line.posted.debit().get();
            match day <= as_of && billed_on > as_of {
                true => sum.saturating_add(if line.reversal { debit.saturating_neg() } else { debit }),
                false => sum,
            }
        });
        Ok(Tiyn::new(sum))
    }

    /// Status and facts of an account on a day.
    pub(super) fn standing(&self, inputs: &Inputs, no: u32, on: LocalDay) -> Option<(Status, Facts)> {
        let told = inputs.rows.told(no, &inputs.zone);
        let lived = live(&inputs.base(&Terms::SOURCE), &inputs.known(no, &told), on)?;
        Some((lived.life.status(), lived.life.facts().clone()))
    }

    /// The statuses of all accounts on a day; nothing is recorded.
    pub fn statuses(&self, as_of: LocalDay) -> Result<Statuses, PostError> {
        let inputs = self.inputs(None)?;
        let part = self.pass(&inputs, &Terms::SOURCE, as_of);
        Ok(self.told(&inputs, part, as_of, (0, 0)))
    }

    /// Records the statuses up to and with a day: every move since the recording before, each of its own day, with its
    /// postings and tasks. A day before that recording records nothing.
    pub fn record_statuses(&mut self, as_of: LocalDay) -> Result<Statuses, PostError> {
        let inputs = self.inputs(None)?;
        let part = self.pass(&inputs, &Terms::SOURCE, as_of);
        let before = self.books.statuses_to();
        if before.is_some_and(|before| as_of < before) {
            return Ok(self.told(&inputs, Part { moves: Vec::new(), ..part }, as_of, (0, 0)));
        }
        let mut notes = Vec::new();
        let postings = self.postings(&inputs, &part.wishes, &mut notes)?;
        let posted = postings.iter().filter(|of| matches!(of, MoneyMove::Status(_))).count();
        let counts = (posted as u64, part.tasks.len() as u64);
        if before != Some(as_of) || !part.moves.is_empty() || counts != (0, 0) {
            let (moves, tasks) = (part.moves.clone(), part.tasks.clone());
            self.write_statuses(StatusRun { as_of: as_of.0, moves, tasks, done: Vec::new() }, postings)?;
        }
        Ok(Statuses { notes, ..self.told(&inputs, part, as_of, counts) })
    }

    /// The postings of wishes, as far as the ledger has of them; a credit balance that goes to another account comes
    /// there as a payment. Where that account takes none, the money is held, and that is told (status 3.4).
    fn postings(
        &self,
        inputs: &Inputs,
        wishes: &[(u32, LivedWish)],
        notes: &mut Vec<String>,
    ) -> Result<Vec<MoneyMove>, PostError> {
        let (mut kinds, mut debts) = (Kinds::default(), Debts::default());
        let (mut postings, mut reference) = (Vec::new(), None);
        for (account, of) in wishes {
            let Effect::Post(posting, amount) = of.wish.effect else { continue };
            let wished = Wished { account: *account, on: of.wish.on, posting, asked: amount.get() };
            let Some(posted) = kinds.posting(&wished, &self.books) else { continue };
            let moved = Tiyn::new(posted.credit.saturating_add(posted.advance));
            postings.push(MoneyMove::Status(posted));
            let to = of.to.as_ref().and_then(|to| Some((to, self.account_no(to)?)));
            let Some((to, no)) = to.filter(|_| moved > Tiyn::ZERO) else { continue };
            if reference.is_none() {
                reference = Some(self.known_folder()?.reference);
            }
            let Some(reference) = &reference else { continue };
            let nth = postings.len();
            let row = PaymentRow {
                id: format!("credit of {} {} {nth}", id_of(inputs, *account), of.wish.on),
                account_id: to.to_string(),
                no: Some(no),
                amount: moved,
                at: inputs.zone.start_of_day(of.wish.on),
                day: of.wish.on,
                channel: Channel::Transfer,
            };
            if let Some(refusal) = self.transfer_refused(no.0, of.wish.on)? {
                notes.push(format!("{}: account {to}: {refusal}; held as unidentified", row.id));
                postings.push(held(row));
            } else if debts.has_room(&row, &self.books) {
                postings.push(debts.payment(&row, reference, &self.books));
            }
        }
        Ok(postings)
    }

    /// Somebody says that a task of an account is done. Refused: no such task is open on that day.
    pub fn task_done(&mut self, id: &str, task: Task, on: LocalDay) -> Result<(), PostError> {
        let refused = |why: String| Err(PostError::Refused(why));
        let Some(no) = self.account_no(id) else { return refused(format!("there is no account {id}")) };
        let inputs = self.inputs(Some(no.0))?;
        let status = self.status_by(&inputs, no.0, on)?;
        if !status.is_some_and(|status| status.tasks.iter().any(|open| open.task == task)) {
            return refused(format!("account {id} has no task {task} that is open on {on}"));
        }
        let as_of = self.books.statuses_to().map_or(on, |seen| seen.max(on));
        if self.books.statuses_to() != Some(as_of) {
            self.record_statuses(as_of)?;
        }
        let done = vec![TaskDone { account: no.0, on: on.0, task: task as u8 }];
        self.write_statuses(StatusRun { as_of: as_of.0, done, ..StatusRun::default() }, Vec::new())
    }

    fn write_statuses(&mut self, run: StatusRun, postings: Vec<MoneyMove>) -> Result<(), PostError> {
        let mut ready = vec![Ready::new(Entry::Status(Box::new(run)), Vec::new())?];
        for moves in postings.chunks(MOVES_AT_ONCE) {
            ready.push(Ready::new(Entry::Money(moves.to_vec()), Vec::new())?);
        }
        self.write_with_money(ready, &postings)
    }

    /// Who would have another status on a day if a delay or a threshold were another.
    pub fn statuses_what_if(&self, as_of: LocalDay, terms: &Terms) -> Result<Vec<OtherStatus>, PostError> {
        let inputs = self.inputs(None)?;
        let accounts = u32::try_from(self.books.account_ids.len()).unwrap_or(u32::MAX);
        let others = (0..accounts).into_par_iter().filter_map(|no| {
            let told = inputs.rows.told(no, &inputs.zone);
            let known = inputs.known(no, &told);
            let before = live(&inputs.base(&Terms::SOURCE), &known, as_of)?.life.status();
            let after = live(&inputs.base(terms), &known, as_of)?.life.status();
            (before != after).then(|| OtherStatus { account_id: id_of(&inputs, no), before, after })
        });
        Ok(others.collect())
    }

    fn pass(&self, inputs: &Inputs, terms: &Terms, as_of: LocalDay) -> Part {
        let shared = persons_with_more(inputs);
        let accounts = u32::try_from(self.books.account_ids.len()).unwrap_or(u32::MAX);
        let chunks: Vec<u32> = (0..accounts).step_by(CHUNK).collect();
        let parts: Vec<Part> = chunks
            .into_par_iter()
            .map(|from| {
                let mut part = Part::default();
                let to = from.saturating_add(u32::try_from(CHUNK).unwrap_or(u32::MAX)).min(accounts);
                for no in from..to {
                    part.account(inputs, terms, no, as_of, shared.contains(&no));
                }
                part
            })
            .collect();
        parts.into_iter().fold(Part::default(), Part::and)
    }

    fn told(&self, inputs: &Inputs, mut part: Part, as_of: LocalDay, counts: (u64, u64)) -> Statuses {
        signs(inputs, &mut part, as_of);
        let moves = part.moves.par_iter().map(|of| MovedAccount {
            account_id: id_of(inputs, of.account),
            on: LocalDay(of.on),
            from: of.from.and_then(status_at),
            to: status_at(of.to).unwrap_or(Status::New),
            rule: StatusRule::ALL.get(usize::from(of.rule)).copied().unwrap_or(StatusRule::Pa5),
        });
        let moves = moves.collect();
        let control = part.rows.into_iter().map(|(_, row)| row).collect();
        let (counts, (postings, tasks)) = (part.counts, counts);
        Statuses { as_of, counts, moves, postings, tasks, control, notes: Vec::new(), shown_to: inputs.last_day() }
    }

    /// What is recorded against what the journal gives: the first accounts that differ.
    pub(super) fn statuses_wrong(&self) -> Result<Vec<String>, PostError> {
        if self.books.statuses_to().is_none() {
            return Ok(Vec::new());
        }
        let inputs = self.inputs_of_the_journal()?;
        // One who writes may be ahead of what was looked at.
        let Some(as_of) = inputs.runs.last().copied() else { return Ok(Vec::new()) };
        let accounts = u32::try_from(self.books.account_ids.len()).unwrap_or(u32::MAX);
        let wrong = (0..accounts).into_par_iter().filter_map(|no| {
            let (moves, tasks, postings) = inputs.recorded(no);
            let told = inputs.rows.told(no, &inputs.zone);
            let lived = live(&inputs.base(&Terms::SOURCE), &inputs.known_then(no, &told), as_of);
            let (given, wishes) = lived.map_or((Vec::new(), Vec::new()), |lived| {
                (lived.moves.iter().map(|of| recorded_move(no, of)).collect(), lived.wishes)
            });
            let given_tasks: Vec<TaskGiven> = wishes.iter().filter_map(|of| task_given(no, of)).collect();
            let asked = |posting: &super::inputs::Posted| {
                wishes.iter().any(|of| {
                    let Effect::Post(kind, amount) = of.wish.effect else { return false };
                    let same = (kind as u8, amount.get()) == (posting.posting, posting.asked);
                    same && of.wish.on.0 == posting.on
                })
            };
            let id = || id_of(&inputs, no);
            match () {
                () if given != moves => Some(format!("statuses of account {}: what is recorded is not the fold", id())),
                () if given_tasks != tasks => Some(format!("tasks of account {}: not those of its moves", id())),
                () if !postings.iter().all(asked) => {
                    Some(format!("postings of account {}: one that no move asks for", id()))
                }
                () => None,
            }
        });
        let mut wrong: Vec<String> = wrong.collect();
        if !self.inputs(None)?.is_gathered_as(&inputs) {
            wrong.push("what is gathered beside the journal is not what the journal says".into());
        }
        Ok(wrong)
    }
}

impl Part {
    fn account(&mut self, inputs: &Inputs, terms: &Terms, no: u32, as_of: LocalDay, shared: bool) {
        let told = inputs.rows.told(no, &inputs.zone);
        let known = inputs.known(no, &told);
        let base = inputs.base(terms);
        let Some(lived) = live(&base, &known, as_of) else { return };
        let status = lived.life.status();
        if let Some(count) = self.counts.get_mut(status as usize) {
            *count = count.saturating_add(1);
        }
        let (recorded, _, _) = inputs.recorded(no);
        self.moves.extend(lived.moves.iter().skip(recorded.len()).map(|of| recorded_move(no, of)));
        if !lived.wishes.is_empty() {
            let last = inputs.runs.last().copied();
            let then = last.and_then(|last| live(&base, &inputs.known_then(no, &told), last));
            let before = then.map_or(0, |then| then.wishes.len());
            for of in lived.wishes.iter().skip(before) {
                self.tasks.extend(task_given(no, of));
                self.wishes.push((no, of.clone()));
            }
        }
        let facts = judged(&known, &lived, as_of);
        let control = control(terms, status, &facts, as_of);
        let overdue = lived.tasks.iter().map(|of| open_task(inputs, of, as_of)).filter(|task| task.overdue);
        let overdue: Vec<OpenTask> = overdue.collect();
        let refused = refused(&known, &lived).into_iter();
        let findings: Vec<String> =
            refused.map(|(id, on, refusal)| format!("event {id} of {on} refused: {refusal}")).collect();
        if control.is_some() || !overdue.is_empty() || !findings.is_empty() {
            let since = lived.life.since();
            let account_id = id_of(inputs, no);
            self.rows.push((no, ControlRow { account_id, control, status, since, findings, overdue }));
        }
        if shared {
            self.cards.push((no, status, lived.life.since(), facts));
        }
    }

    fn and(mut self, other: Self) -> Self {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count = count.saturating_add(more);
        }
        self.moves.extend(other.moves);
        self.tasks.extend(other.tasks);
        self.wishes.extend(other.wishes);
        self.rows.extend(other.rows);
        self.cards.extend(other.cards);
        self
    }
}

/// The facts by which an account is judged: with what was charged in the last whole month, where anything was. Fees are
/// not charged here, so that nothing charged says nothing.
fn judged(known: &Known<'_>, lived: &Lived, as_of: LocalDay) -> Facts {
    let month = as_of.period().previous();
    let charged = known.usage.iter().any(|usage| usage.month == month && usage.amount > 0);
    let facts = lived.life.facts().clone();
    Facts { charged: if charged { Some(true) } else { facts.charged }, ..facts }
}

fn refused(known: &Known<'_>, lived: &Lived) -> Vec<(String, LocalDay, Refusal)> {
    let event =
        |place: usize| known.events.get(place).map_or((String::new(), LocalDay(0)), |e| (e.id.to_string(), e.event.on));
    lived
        .refused
        .iter()
        .map(|(place, refusal)| {
            let (id, on) = event(*place);
            (id, on, *refusal)
        })
        .collect()
}

fn open_task(inputs: &Inputs, of: &super::life::OpenTask, as_of: LocalDay) -> OpenTask {
    let overdue = match of.due {
        Deadline::At(at) => at < inputs.zone.start_of_day(as_of.plus_days(1)),
        Deadline::On(day) => day < as_of,
        Deadline::Open => false,
    };
    OpenTask { task: of.task, on: of.on, due: of.due, overdue }
}

fn task_given(account: u32, of: &LivedWish) -> Option<TaskGiven> {
    let Effect::Do(task, due) = of.wish.effect else { return None };
    let due = match due {
        Deadline::At(at) => TaskDue::At(at.0),
        Deadline::On(day) => TaskDue::On(day.0),
        Deadline::Open => TaskDue::Open,
    };
    Some(TaskGiven { account, on: of.wish.on.0, task: task as u8, due })
}

fn recorded_move(account: u32, of: &Move) -> StatusMove {
    let rule = u16::try_from(StatusRule::ALL.iter().position(|rule| *rule == of.rule).unwrap_or(0)).unwrap_or(0);
    StatusMove { account, on: of.on.0, from: of.from.map(|from| from as u8), to: of.to as u8, rule }
}

fn status_at(place: u8) -> Option<Status> {
    Status::ALL.get(usize::from(place)).copied()
}

pub(super) fn id_of(inputs: &Inputs, no: u32) -> String {
    inputs.rows.id(no)
}

/// Accounts whose person has more than one.
fn persons_with_more(inputs: &Inputs) -> FxHashSet<u32> {
    let accounts = u32::try_from(inputs.rows.len()).unwrap_or(u32::MAX);
    let mut persons: Vec<(Iin, u32)> =
        (0..accounts).into_par_iter().filter_map(|no| Some((inputs.rows.iin(no)?, no))).collect();
    persons.par_sort_unstable();
    let more = persons.chunk_by(|one, other| one.0 == other.0).filter(|person| person.len() > 1);
    more.flatten().map(|(_, no)| *no).collect()
}

/// Adds signs of fraud to the rows of a control list. Source: PA-51.
fn signs(inputs: &Inputs, part: &mut Part, as_of: LocalDay) {
    let columns = ["account_id", "iin", "name", "address", "settlement", "technology"];
    let rows: Vec<[String; 6]> = part.cards.iter().map(|(no, ..)| inputs.rows.cells(*no, columns)).collect();
    let cards: Vec<Card<'_>> = part
        .cards
        .iter()
        .zip(&rows)
        .map(|((_, status, _, facts), [account, iin, name, address, settlement, technology])| Card {
            account,
            iin: Iin::parse(iin).ok(),
            name,
            address,
            settlement,
            technology: Technology::parse(technology.as_bytes()),
            status: *status,
            facts,
        })
        .collect();
    let places: FxHashMap<&str, usize> = rows.iter().map(|[id, ..]| id.as_str()).zip(0..).collect();
    let mut found: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for Sign { account, rule, evidence } in fraud_signs(&Terms::SOURCE, &cards, as_of) {
        let Evidence { other, on, says } = evidence;
        if let Some((no, ..)) = places.get(account).and_then(|place| part.cards.get(*place)) {
            found.entry(*no).or_default().push(format!("{rule}: {says} ({on}), beside {other}"));
        }
    }
    for (no, row) in &mut part.rows {
        row.findings.extend(found.remove(no).unwrap_or_default());
    }
    for (no, findings) in found {
        let card = part.cards.binary_search_by_key(&no, |(no, ..)| *no).ok().and_then(|at| part.cards.get(at));
        let Some((_, status, since, _)) = card else { continue };
        let (account_id, status, since) = (id_of(inputs, no), *status, *since);
        part.rows.push((no, ControlRow { account_id, control: None, status, since, findings, overdue: Vec::new() }));
    }
    part.rows.sort_by_key(|(no, _)| *no);
}
