//! Money by hand: payments, refunds, and what is not owed.

use super::books::open_known;
use super::{Ended, StoreArgs, print};
use crate::batch::tenge;
use crate::book::{Category, Channel};
use crate::post::{MoneyOrder, Ordered, PostError, Store};
use crate::units::{Period, Tiyn};
use clap::Args;
use serde_json::{Value, json};
use std::fmt::Write;

#[derive(Args, Debug)]
pub(super) struct MoneyArgs {
    /// The account
    account: String,
    /// Tenge, at most two decimals
    #[arg(allow_hyphen_values = true)]
    amount: String,
    /// The reference under which the money moves: the same one again changes nothing
    #[arg(long, value_name = "R")]
    reference: String,
    /// bank, transfer, online, terminal or other
    #[arg(long, value_name = "C")]
    channel: String,
    /// When: an instant like 2026-03-05T10:00:00+05:00, or a local day
    #[arg(long, value_name = "T")]
    at: String,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn pay(args: &MoneyArgs) -> anyhow::Result<Ended> {
    moved(args, "paid", Store::pay_by_hand)
}

pub(super) fn refund(args: &MoneyArgs) -> anyhow::Result<Ended> {
    moved(args, "given back", Store::refund)
}

fn moved(
    args: &MoneyArgs,
    word: &str,
    order: impl FnOnce(&mut Store, &MoneyOrder) -> Result<Ordered, PostError>,
) -> anyhow::Result<Ended> {
    let amount = Tiyn::parse(&args.amount).map_err(|error| anyhow::anyhow!("amount `{}`: {error}", args.amount))?;
    let Some(channel) = Channel::parse(args.channel.as_bytes()) else {
        let names: Vec<&str> = Channel::ALL.iter().map(|channel| channel.name()).collect();
        anyhow::bail!("--channel `{}` is none of {}", args.channel, names.join(", "));
    };
    let mut store = open_known(&args.store)?;
    let (account_id, reference, at) = (args.account.clone(), args.reference.clone(), args.at.clone());
    let moved = order(&mut store, &MoneyOrder { account_id, amount, reference, channel, at })?;
    let (outcome, balance) = match moved {
        Ordered::Booked(balance) => ("booked", Some(balance.to_string())),
        Ordered::Held => ("held", None),
        Ordered::Known => ("known", None),
    };
    if args.store.common.json {
        let value = json!({ "outcome": outcome, "account_id": args.account, "balance": balance });
        print(&format!("{value:#}\n"))?;
    } else {
        let (account, reference) = (&args.account, &args.reference);
        print(&match moved {
            Ordered::Booked(balance) => format!("{amount} {word}, account {account} has {balance} now\n"),
            Ordered::Held => format!("{amount} held as unidentified: there is no account {account}\n"),
            Ordered::Known => format!("nothing new: {reference} is booked already\n"),
        })?;
    }
    Ok(Ended::Done)
}

/// What was used and is not owed. Source: CELL-48, accounts and money 2.1.
pub(super) fn losses(args: &StoreArgs) -> anyhow::Result<Ended> {
    let books = Store::open_to_read(&args.data)?.books;
    let name = |place: u8| Category::ALL.get(usize::from(place)).map_or("", |category| category.name());
    let month = |month: i32| Period(month).first_day().to_string().get(..7).unwrap_or_default().to_owned();
    let total = books.not_owed.values().fold(0i128, |sum, amount| sum.saturating_add(*amount));
    if args.common.json {
        let rows: Vec<Value> = books
            .not_owed
            .iter()
            .map(|((of, category), sum)| {
                json!({ "month": month(*of), "category": name(*category), "not_owed": tenge(*sum) })
            })
            .collect();
        print(&format!("{:#}\n", json!({ "not_owed": tenge(total), "losses": rows })))?;
        return Ok(Ended::Done);
    }
    let mut text = String::from("not owed (CELL-48), KZT with VAT\n");
    for ((of, category), sum) in &books.not_owed {
        let _ = writeln!(text, "{}  {:<14}{:>14}", month(*of), name(*category), tenge(*sum));
    }
    let _ = writeln!(text, "{:<23}{:>14}", "all", tenge(total));
    print(&text)?;
    Ok(Ended::Done)
}
