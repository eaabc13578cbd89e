use super::Lines;
use super::ids::{Ids, NoPlace};
use crate::hint::{huge_pages, prefetch};
use crate::tariff::PlanId;
use crate::units::{InstantMs, LocalDay, Tiyn};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// An account: its place in the register.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct AccountNo(pub u32);

crate::record::names! {
    /// How an account pays (CELL-47, CELL-48).
    pub enum Method {
        /// After the month, by invoice.
        Credit = "credit",
        /// Before, out of its balance.
        Advance = "advance",
    }
}

crate::record::names! {
    /// Whose money pays (BT-16.1).
    pub enum Funding {
        /// Anyone's.
        Regular = "regular",
        /// A budget's: VAT is taken out of its payments.
        Budget = "budget",
    }
}

/// What rating needs to know of an account, 16 bytes: none lies in two cache lines. What few accounts have stands aside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(align(16))]
pub struct Account {
    /// First day of the account.
    pub opened_on: Option<LocalDay>,
    /// The plan outside of dated assignments; `None` where no tariff has a plan of that name.
    pub plan: Option<PlanId>,
    /// How it pays.
    pub method: Method,
    /// Whose money pays.
    pub funding: Funding,
    /// What the register has of it beside.
    aside: Aside,
}

const _: () = assert!(size_of::<Account>() == 16);

impl Account {
    /// An account of which the register has nothing else.
    pub fn new(plan: Option<PlanId>, method: Method, funding: Funding, opened_on: Option<LocalDay>) -> Self {
        Self { opened_on, plan, method, funding, aside: Aside(0) }
    }

    /// There is a limit on its usage.
    #[inline]
    pub fn has_limit(&self) -> bool {
        self.aside.has(Aside::LIMIT)
    }

    /// Its plan, where nothing else of it matters to a record that has no memory.
    fn plain_plan(&self) -> Option<PlanId> {
        let special = self.is_advance() || self.aside.has(Aside::ASSIGNMENTS | Aside::OFF | Aside::LIMIT);
        self.plan.filter(|_| !special)
    }
}

/// What the register has of an account beside it, a bit for each kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Aside(u8);

impl Aside {
    /// Dated plans.
    const ASSIGNMENTS: u8 = 1;
    /// Spans of time in which services were off.
    const OFF: u8 = 1 << 1;
    /// A limit on its usage.
    const LIMIT: u8 = 1 << 2;
    /// A warning of the roaming risk.
    const WARNING: u8 = 1 << 3;

    #[inline]
    fn has(self, any: u8) -> bool {
        self.0 & any != 0
    }
}

/// An instant that never comes.
pub const NEVER: i64 = i64::MAX;

/// Services are off from an instant until another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SwitchedOff {
    /// First instant.
    pub from: InstantMs,
    /// First instant no longer.
    pub to: InstantMs,
}

/// The plan of an account at an instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlanChoice {
    /// The plan; `None` where no tariff has one of that name.
    pub plan: Option<PlanId>,
    /// The first day on which the account has it.
    pub since: Option<LocalDay>,
}

impl PlanChoice {
    /// No plan at all.
    pub const NONE: Self = Self { plan: None, since: None };
}

#[derive(Clone, Copy, Debug)]
struct Assignment {
    plan: Option<PlanId>,
    from: InstantMs,
    to: InstantMs,
    since: Option<LocalDay>,
}

/// All accounts with their lines and dated plans. Unchanging while a batch is rated.
#[derive(Debug, Default)]
pub struct Register {
    /// Lines by number or login.
    pub lines: Lines,
    accounts: Vec<Account>,
    ids: Ids,
    assignments: FxHashMap<AccountNo, Vec<Assignment>>,
    off_spans: FxHashMap<AccountNo, SmallVec<[SwitchedOff; 1]>>,
    limits: FxHashMap<AccountNo, Tiyn>,
    warnings: FxHashMap<AccountNo, InstantMs>,
    /// Lines know which accounts are plain.
    knows_plans: bool,
}

/// An account of that id stands there already, or the register is full (4 GiB of ids).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountTwice;

impl Register {
    /// An empty register for about so many accounts; their lines make room for themselves.
    pub fn with_capacity(accounts: usize) -> Self {
        let (accounts, ids) = (Vec::with_capacity(accounts), Ids::with_capacity(accounts));
        let mut register = Self { accounts, ids, ..Self::default() };
        huge_pages(&mut register.accounts);
        register
    }

    /// How many accounts there are.
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// No account at all.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// Opens an account under its id.
    pub fn add(&mut self, id: &[u8], account: Account) -> Result<AccountNo, AccountTwice> {
        let no = self.ids.push(id).map_err(|NoPlace| AccountTwice)?;
        self.accounts.push(account);
        Ok(AccountNo(no))
    }

    /// [`Self::add`] under an id that comes behind all others, as of accounts in the order of their ids: it does not wait
    /// for memory. None where that cannot be said.
    pub fn add_next(&mut self, id: &[u8], account: Account) -> Option<AccountNo> {
        let no = self.ids.push_next(id)?;
        self.accounts.push(account);
        Some(AccountNo(no))
    }

    /// The account of an id.
    pub fn find(&self, id: &[u8]) -> Option<AccountNo> {
        self.ids.find(id).map(AccountNo)
    }

    /// The account of an id, which is likely the one that was opened after `last`: tables of one register are mostly in
    /// one order.
    pub fn find_after(&self, last: Option<AccountNo>, id: &[u8]) -> Option<AccountNo> {
        let next = AccountNo(last.map_or(0, |last| last.0.saturating_add(1)));
        if !id.is_empty() && self.id(next) == id { Some(next) } else { self.find(id) }
    }

    /// Asks for the memory that [`Self::add`] or [`Self::find`] of an id needs.
    pub fn prefetch_id(&self, id: &[u8]) {
        self.ids.prefetch(id);
    }

    /// What is known of an account.
    pub fn account(&self, no: AccountNo) -> Option<&Account> {
        self.accounts.get(no.0 as usize)
    }

    /// Asks for the memory of an account.
    pub fn prefetch(&self, no: AccountNo) {
        prefetch(&self.accounts, no.0 as usize);
    }

    /// Asks for the memory that tells where the id of an account stands.
    #[inline]
    pub fn prefetch_place_of_id(&self, no: AccountNo) {
        self.ids.prefetch_place(no.0 as usize);
    }

    /// Asks for the id of an account: what [`Self::prefetch_place_of_id`] asked for has come.
    #[inline]
    pub fn prefetch_id_of(&self, no: AccountNo) {
        prefetch(self.id(no), 0);
    }

    /// What is known of an account, to be changed while the register is built.
    pub fn account_mut(&mut self, no: AccountNo) -> Option<&mut Account> {
        if std::mem::take(&mut self.knows_plans) {
            self.lines.know_plans(|_| {}, |_| None);
        }
        self.accounts.get_mut(no.0 as usize)
    }

    /// Lets lines know which accounts are plain, once the register is built: their records need no look at the account.
    pub fn know_plans(&mut self) {
        let Self { lines, accounts, .. } = self;
        lines.know_plans(
            |no| prefetch(accounts, no.0 as usize),
            |no| accounts.get(no.0 as usize).and_then(Account::plain_plan),
        );
        self.knows_plans = true;
    }

    /// The id of an account.
    pub fn id(&self, no: AccountNo) -> &[u8] {
        self.ids.get(no.0)
    }

    /// Gives an account a plan from an instant until another; where two hold, the one that began later.
    pub fn assign(
        &mut self,
        no: AccountNo,
        plan: Option<PlanId>,
        from: InstantMs,
        to: InstantMs,
        since: Option<LocalDay>,
    ) {
        let assignments = self.assignments.entry(no).or_default();
        assignments.push(Assignment { plan, from, to, since });
        assignments.sort_by_key(|assignment| assignment.from);
        self.set_aside(no, Aside::ASSIGNMENTS);
    }

    /// Switches the services of an account off from an instant until another.
    pub fn switch_off(&mut self, no: AccountNo, span: SwitchedOff) {
        self.off_spans.entry(no).or_default().push(span);
        self.set_aside(no, Aside::OFF);
    }

    /// Forgets all times in which the services of an account were off.
    pub fn forget_switch_offs(&mut self, no: AccountNo) {
        self.off_spans.remove(&no);
        if let Some(account) = self.account_mut(no) {
            account.aside.0 &= !Aside::OFF;
        }
    }

    fn set_aside(&mut self, no: AccountNo, what: u8) {
        if let Some(account) = self.account_mut(no) {
            account.aside.0 |= what;
        }
    }

    /// Limits the gross outgoing usage of an account in a month.
    pub fn set_limit(&mut self, no: AccountNo, limit: Tiyn) {
        self.limits.insert(no, limit);
        self.set_aside(no, Aside::LIMIT);
    }

    /// The subscriber's limit of a month, which only the credit method knows (CELL-47).
    #[inline]
    pub fn limit(&self, no: AccountNo, account: &Account) -> Option<Tiyn> {
        if account.has_limit() && !account.is_advance() { self.limits.get(&no).copied() } else { None }
    }

    /// Warns an account of the roaming risk; the first warning counts.
    pub fn warn(&mut self, no: AccountNo, from: InstantMs) {
        let first = self.warnings.entry(no).or_insert(from);
        *first = from.min(*first);
        self.set_aside(no, Aside::WARNING);
    }

    /// Whether an account was warned of the roaming risk before an instant (rating 1.7).
    #[inline]
    pub fn is_warned(&self, no: AccountNo, account: &Account, at: InstantMs) -> bool {
        account.aside.has(Aside::WARNING) && self.warnings.get(&no).is_some_and(|from| at >= *from)
    }

    /// The plan of an account at an instant: the assignment that holds, else the account's own.
    #[inline]
    pub fn plan_at(&self, no: AccountNo, account: &Account, at: InstantMs) -> PlanChoice {
        if account.aside.has(Aside::ASSIGNMENTS)
            && let Some(choice) = self.assigned(no, account, at)
        {
            return choice;
        }
        PlanChoice { plan: account.plan, since: account.opened_on }
    }

    #[inline(never)]
    fn assigned(&self, no: AccountNo, account: &Account, at: InstantMs) -> Option<PlanChoice> {
        let held = self.assignments.get(&no)?.iter().rev().find(|a| a.from <= at && at < a.to)?;
        Some(PlanChoice { plan: held.plan, since: held.since.max(account.opened_on) })
    }

    /// Whether the account's status or a switch-off forbids a charge at an instant (03, 3.4).
    #[inline]
    pub fn is_off(&self, no: AccountNo, account: &Account, at: InstantMs) -> bool {
        account.aside.has(Aside::OFF)
            && self.off_spans.get(&no).is_some_and(|spans| spans.iter().any(|s| s.from <= at && at < s.to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::LineAnswer;

    fn account(plan: u16) -> Account {
        Account::new(Some(PlanId(plan)), Method::Credit, Funding::Regular, None)
    }

    #[test]
    fn accounts_are_found_by_id_once() {
        let mut register = Register::default();
        let first = register.add(b"A-1", account(0)).unwrap();
        let second = register.add(b"A-22", account(1)).unwrap();
        assert_eq!(register.add(b"A-1", account(2)), Err(AccountTwice));
        assert_eq!((register.find(b"A-22"), register.find(b"A-2")), (Some(second), None));
        assert_eq!((register.id(first), register.id(second), register.len()), (&b"A-1"[..], &b"A-22"[..], 2));
    }

    #[test]
    fn interface_7_1_a_dated_plan_goes_before_the_accounts_own() {
        let mut register = Register::default();
        let no = register.add(b"A-1", account(0)).unwrap();
        register.assign(no, Some(PlanId(1)), InstantMs(10), InstantMs(20), Some(LocalDay(5)));
        register.assign(no, Some(PlanId(2)), InstantMs(15), InstantMs(18), None);
        let account = *register.account(no).unwrap();
        for (at, plan) in [(9, 0), (10, 1), (15, 2), (18, 1), (20, 0)] {
            assert_eq!(register.plan_at(no, &account, InstantMs(at)).plan, Some(PlanId(plan)), "{at}");
        }
    }

    #[test]
    fn lines_know_the_plans_of_plain_accounts_as_long_as_they_are_plain() {
        let always = (InstantMs(i64::MIN), InstantMs(i64::MAX));
        let kinds: [fn(&mut Register, AccountNo); 7] = [
            |_, _| {},
            |register, no| register.set_limit(no, Tiyn::new(1)),
            |register, no| register.assign(no, None, InstantMs(0), InstantMs(1), None),
            |register, no| register.switch_off(no, SwitchedOff { from: InstantMs(0), to: InstantMs(1) }),
            |register, no| register.account_mut(no).unwrap().method = Method::Advance,
            |register, no| register.switch_off(no, SwitchedOff { from: InstantMs(5), to: InstantMs(NEVER) }),
            |register, no| register.account_mut(no).unwrap().plan = None,
        ];
        let answer = |register: &Register, at: usize, times: i64| {
            let (number, mut found) = (format!("7701000000{at}"), [LineAnswer::UnknownLine]);
            register.lines.find_all(&[(number.as_bytes(), InstantMs(times))], &mut found);
            found[0]
        };
        let mut register = Register::default();
        for (at, change) in kinds.iter().enumerate() {
            let no = register.add(format!("A-{at}").as_bytes(), account(PLANS[at])).unwrap();
            register.lines.add(format!("7701000000{at}").as_bytes(), Some(no), always.0, always.1).unwrap();
            change(&mut register, no);
        }
        register.lines.add(b"77010000007", None, always.0, always.1).unwrap();
        let accounts: Vec<LineAnswer> = (0..7).map(|no| LineAnswer::Account(AccountNo(no))).collect();
        let found = |register: &Register| (0..7).map(|at| answer(register, at, 3)).collect::<Vec<_>>();
        assert_eq!(found(&register), accounts);
        register.know_plans();
        let mut known = accounts.clone();
        known[0] = LineAnswer::Plain(AccountNo(0), PlanId(PLANS[0]));
        assert_eq!(found(&register), known);
        assert_eq!(answer(&register, 7, 3), LineAnswer::UnknownAccount);
        // A line that gets another span, and a register that changes.
        register.lines.add(b"77010000008", Some(AccountNo(0)), InstantMs(0), InstantMs(9)).unwrap();
        register.know_plans();
        assert_eq!(answer(&register, 8, 3), known[0]);
        register.lines.add(b"77010000008", Some(AccountNo(1)), InstantMs(9), InstantMs(12)).unwrap();
        assert_eq!([3, 9].map(|times| answer(&register, 8, times)), [accounts[0], accounts[1]]);
        register.set_limit(AccountNo(0), Tiyn::new(1));
        assert_eq!(found(&register), accounts);
    }

    /// The last plan that lines know, and some.
    const PLANS: [u16; 7] = [32_766, 1, 2, 3, 4, 5, 6];

    #[test]
    fn a_plan_beyond_what_lines_know_is_asked_of_the_account() {
        let mut register = Register::default();
        let no = register.add(b"A-1", account(32_767)).unwrap();
        register.lines.add(b"77010000001", Some(no), InstantMs(0), InstantMs(9)).unwrap();
        register.know_plans();
        let mut found = [LineAnswer::UnknownLine];
        register.lines.find_all(&[(b"77010000001", InstantMs(3))], &mut found);
        assert_eq!(found, [LineAnswer::Account(no)]);
    }

    #[test]
    fn cell_47_a_limit_is_for_the_credit_method() {
        let mut register = Register::default();
        let credit = register.add(b"A-1", account(0)).unwrap();
        let advance = register.add(b"A-2", Account { method: Method::Advance, ..account(0) }).unwrap();
        let other = register.add(b"A-3", account(0)).unwrap();
        register.set_limit(credit, Tiyn::new(100));
        register.set_limit(advance, Tiyn::new(100));
        let limit = |no| register.limit(no, register.account(no).unwrap());
        assert_eq!([credit, advance, other].map(limit), [Some(Tiyn::new(100)), None, None]);
    }

    #[test]
    fn rating_1_7_the_first_warning_counts() {
        let mut register = Register::default();
        let warned = register.add(b"A-1", account(0)).unwrap();
        let other = register.add(b"A-2", account(0)).unwrap();
        register.warn(warned, InstantMs(20));
        register.warn(warned, InstantMs(10));
        register.warn(warned, InstantMs(30));
        let is_warned = |no, at| register.is_warned(no, register.account(no).unwrap(), InstantMs(at));
        assert_eq!([9, 10, 30].map(|at| is_warned(warned, at)), [false, true, true]);
        assert!(!is_warned(other, 99));
    }

    #[test]
    fn status_3_4_usage_from_the_switch_off_on_is_forbidden() {
        let mut register = Register::default();
        let no = register.add(b"A-1", account(0)).unwrap();
        register.switch_off(no, SwitchedOff { from: InstantMs(100), to: InstantMs(NEVER) });
        register.switch_off(no, SwitchedOff { from: InstantMs(10), to: InstantMs(20) });
        let account = *register.account(no).unwrap();
        for (at, off) in [(9, false), (10, true), (19, true), (20, false), (99, false), (100, true)] {
            assert_eq!(register.is_off(no, &account, InstantMs(at)), off, "{at}");
        }
        register.forget_switch_offs(no);
        assert!(!register.is_off(no, register.account(no).unwrap(), InstantMs(100)));
    }
}
