use super::Profile;
use super::random::Random;
use super::tariff::PLANS;
use super::text::{Clock, push_number, push_padded, tenge};

/// The accounts of a month, one line each: the first twentieth have a login of fixed internet, the others a number.
///
/// Nothing is stored: account and line follow from the index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clients {
    accounts: u64,
    logins: u64,
    seed: u64,
    advance_percent: u64,
}

/// Most accounts: each of the line codes has ten million numbers.
pub(super) const MOST_ACCOUNTS: u32 = 50_000_000;

/// Codes of our own lines; a number follows of seven digits.
const LINE_CODES: [u64; 6] = [7701, 7702, 7727, 7717, 7721, 7725];
/// A prime above [`MOST_ACCOUNTS`] and prime to ten: multiplying by it scatters, and no two meet.
const SCATTER: u64 = 2_147_483_647;

impl Clients {
    pub(super) fn new(profile: &Profile) -> Self {
        let accounts = u64::from(profile.accounts);
        let advance_percent = u64::from(profile.advance_percent);
        Self { accounts, logins: accounts / 20, seed: profile.seed, advance_percent }
    }

    /// Whether there is a line of fixed internet at all.
    pub(super) fn has_logins(&self) -> bool {
        self.logins > 0
    }

    /// An account with a telephone line; some call far more often than others.
    pub(super) fn pick_number(&self, random: &mut Random) -> u64 {
        let numbers = self.accounts.saturating_sub(self.logins);
        let rank = random.below_skewed(numbers);
        rank.wrapping_mul(SCATTER).checked_rem(numbers).unwrap_or(0).wrapping_add(self.logins)
    }

    /// An account with a line of fixed internet.
    pub(super) fn pick_login(&self, random: &mut Random) -> u64 {
        random.below(self.logins)
    }

    /// Writes the line of an account.
    pub(super) fn push_line(&self, out: &mut Vec<u8>, account: u64) {
        if account < self.logins {
            out.push(b'u');
            push_padded(out, account, 8);
        } else {
            let code = LINE_CODES.get((account % 6) as usize).copied().unwrap_or(7701);
            let number = (account / 6).wrapping_mul(SCATTER) % 10_000_000;
            push_number(out, code.wrapping_mul(10_000_000).wrapping_add(number));
        }
    }

    /// Writes the number of a line that is not ours.
    pub(super) fn push_unknown_line(out: &mut Vec<u8>, random: &mut Random) {
        out.extend_from_slice(b"7799");
        push_padded(out, random.below(10_000_000), 7);
    }

    /// What the register says of each account, in order.
    pub(super) fn each(&self) -> impl Iterator<Item = Client> {
        let (mut random, percent) = (Random::of(self.seed, 3), self.advance_percent);
        (0..self.accounts).map(move |account| Client::new(account, percent, &mut random))
    }
}

/// One account.
#[derive(Debug)]
pub(super) struct Client {
    account: u64,
    plan: &'static str,
    /// Pays in advance.
    pub(super) advance: bool,
    opening_tiyn: i64,
    /// Amount in tiyn, and when, in ten-thousandths of the month.
    payments: Vec<(i64, u64)>,
    place: u64,
    language: &'static str,
}

pub(super) const ACCOUNT_COLUMNS: &str = "account_id,iin,name,address,settlement,segment,plan,method,funding,opened_on,\
     contract_on,terminated_on,termination_reason,switched_off_on,opening_due_on,opening_balance,usage_limit,\
     roaming_risk_notified_on,marks,language\n";
pub(super) const LINE_COLUMNS: &str = "line,account_id,valid_from,valid_to\n";
pub(super) const PAYMENT_COLUMNS: &str = "payment_id,account_id,amount,paid_at,channel\n";

const SETTLEMENTS: [&str; 8] = ["Almaty", "Astana", "Shymkent", "Karaganda", "Aktobe", "Taraz", "Pavlodar", "Semey"];
const CHANNELS: [&str; 4] = ["card", "bank", "kiosk", "cash"];

impl Client {
    fn new(account: u64, advance_percent: u64, random: &mut Random) -> Self {
        let plan = random.pick_weighted(&PLANS).map_or("standard", |shape| shape.name);
        let advance = random.percent(advance_percent);
        let place = random.next();
        let language = random.pick(&["kk", "ru", "ru", "kk", "en"]).copied().unwrap_or("kk");
        let mut payments = Vec::new();
        let opening_tiyn;
        if advance {
            // A few have nothing, most enough for a part of the month, and top up while it lasts.
            opening_tiyn = if random.percent(8) { 0 } else { random.below(250_000).cast_signed() };
            for _ in 0..random.below(4) {
                let amount = random.pick(&[50_000, 100_000, 200_000, 300_000]).copied().unwrap_or(0);
                payments.push((amount, random.below(10_000)));
            }
        } else {
            // One in four owes the invoice of the month before, and nearly all of these pay it.
            opening_tiyn = if random.percent(25) {
                random.below(900_000).saturating_add(30_000).cast_signed().wrapping_neg()
            } else {
                0
            };
            if opening_tiyn < 0 && random.percent(90) {
                payments.push((opening_tiyn.wrapping_neg(), random.below(8_000)));
            }
        }
        Self { account, plan, advance, opening_tiyn, payments, place, language }
    }

    /// Writes the row of `accounts.csv`.
    pub(super) fn push_account(&self, out: &mut Vec<u8>) {
        self.push_id(out);
        out.extend_from_slice(b",,Client ");
        push_number(out, self.account.wrapping_add(1));
        out.extend_from_slice(b",Street ");
        push_number(out, (self.place >> 8) % 200);
        let settlement = SETTLEMENTS.get((self.place % 8) as usize).copied().unwrap_or_default();
        let segment = if self.plan == "business" { "b2b" } else { "b2c" };
        let method = if self.advance { "advance" } else { "credit" };
        let opening = tenge(self.opening_tiyn);
        for text in [
            ",",
            settlement,
            ",",
            segment,
            ",",
            self.plan,
            ",",
            method,
            ",regular,2020-01-01,2020-01-01,,,,,",
            &opening,
            ",,,,",
            self.language,
            "\n",
        ] {
            out.extend_from_slice(text.as_bytes());
        }
    }

    /// Writes the row of `lines.csv`.
    pub(super) fn push_line(&self, out: &mut Vec<u8>, clients: &Clients) {
        clients.push_line(out, self.account);
        out.push(b',');
        self.push_id(out);
        out.extend_from_slice(b",2020-01-01,\n");
    }

    /// Writes the rows of `payments.csv`; gives how many.
    pub(super) fn push_payments(&self, out: &mut Vec<u8>, month: &super::Month, clock: &mut Clock) -> u64 {
        for (at, (amount, part)) in (1u64..).zip(&self.payments) {
            out.push(b'p');
            push_number(out, self.account.wrapping_add(1));
            out.push(b'-');
            push_number(out, at);
            out.push(b',');
            self.push_id(out);
            out.push(b',');
            out.extend_from_slice(tenge(*amount).as_bytes());
            out.push(b',');
            let paid_ms = month.length_ms.wrapping_mul(part.cast_signed()) / 10_000;
            clock.push(out, month.start_local_ms.wrapping_add(paid_ms));
            out.push(b',');
            let channel = CHANNELS.get((self.place >> 16 & 3) as usize).copied().unwrap_or_default();
            out.extend_from_slice(channel.as_bytes());
            out.push(b'\n');
        }
        self.payments.len() as u64
    }

    fn push_id(&self, out: &mut Vec<u8>) {
        push_number(out, self.account.wrapping_add(20_000_001));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_account_has_a_line_of_its_own() {
        let clients = Clients { accounts: 50_000, logins: 2500, seed: 1, advance_percent: 0 };
        let lines: HashSet<Vec<u8>> = (0..50_000)
            .map(|account| {
                let mut line = Vec::new();
                clients.push_line(&mut line, account);
                line
            })
            .collect();
        assert_eq!(lines.len(), 50_000);
        assert!(lines.iter().all(|line| line.len() == if line.starts_with(b"u") { 9 } else { 11 }));
        let mut random = Random::of(1, 1);
        assert!((0..1000).all(|_| (2500..50_000).contains(&clients.pick_number(&mut random))));
        assert!((0..1000).all(|_| clients.pick_login(&mut random) < 2500));
    }
}
