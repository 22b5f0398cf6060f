//! Random histories of carts in the store, held against the rules themselves.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics fails, as it should")]

mod database;
mod guesses;
mod history;
mod keys;
mod rows;
mod size;

use std::collections::BTreeMap;
use std::sync::Arc;

use cart::{Cart, CartNumber, Change, Offers, RefusedItem, Rejection, Timestamp};
use rand::{RngExt as _, SeedableRng as _};
use settings::Environment;
use store::{Carts, CatalogTable, ChangeError, Changed, Preconditions};

use crate::database::Database;
use crate::history::{GIFT, Numbers, change, item, lifetime, moment_after, number, shop, start};

/// What a change came to, as the rules and the store both say it.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Outcome {
    /// With the items that were left out.
    Changed(Vec<RefusedItem>),
    Refused(Rejection),
    Absent,
}

/// Lets the rules alone decide on a change.
fn by_the_rules(
    model: &mut Option<Cart>,
    number: CartNumber,
    change: &Change,
    offers: &Offers,
    now: Timestamp,
) -> Outcome {
    if model.as_ref().is_none_or(|cart| !cart.is_open(now)) {
        return Outcome::Absent;
    }
    let cart = model.get_or_insert_with(|| Cart::new(number, now, lifetime()));
    match cart.apply(change, offers, now) {
        Ok(refused) => Outcome::Changed(refused),
        Err(rejection) => Outcome::Refused(rejection),
    }
}

async fn by_the_store(
    (carts, catalog): &(Carts, CatalogTable),
    number: CartNumber,
    change: &Change,
    offers: &Offers,
    now: Timestamp,
) -> (Outcome, Option<Cart>) {
    match carts.change(number, change, offers, catalog, &Preconditions::default(), now).await {
        Ok(Changed { cart, refused }) => (Outcome::Changed(refused), Some(cart)),
        Err(ChangeError::Rejected(rejection)) => (Outcome::Refused(rejection), None),
        Err(ChangeError::Absent) => (Outcome::Absent, None),
        Err(error) => panic!("{error}"),
    }
}

/// Lets the cart's row be as an earlier release leaves it, which knows no own currencies of prices.
async fn meet_an_earlier_release(database: &Database, numbers: &mut Numbers, cart: &Cart) {
    let in_euros = cart.currency().is_some_and(|currency| currency.to_string() == "eur");
    match numbers.random_range(0..4) {
        0 => database.forget_own_currency(cart.number()).await,
        // A price in euros, beside prices in dollars that have an amount in euros too.
        1 if in_euros => database.add_by_an_earlier_release(cart.number(), item(4, 1).price.as_str()).await,
        2 if !in_euros => database.add_by_an_earlier_release(cart.number(), item(GIFT, 1).price.as_str()).await,
        _ => database.add_by_an_earlier_release(cart.number(), item(3, 1).price.as_str()).await,
    }
}

/// What a change was answered with, and when it was asked for.
type Answered = (Changed, Change, Timestamp);

/// The number of random histories; `CARTWRIGHT_HISTORIES` sets another.
fn histories() -> u64 {
    Environment::of_process().parse("CARTWRIGHT_HISTORIES", "a number").unwrap().unwrap_or(60)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_every_step_of_a_random_history_the_store_holds_what_the_rules_say() {
    let database = Database::open().await;
    let tables = (database.carts(), database.catalog());
    let carts = &tables.0;
    let offers = shop();

    for seed in 0..histories() {
        let mut numbers = Numbers::seed_from_u64(seed);
        let mut now = start();
        let mut generation = 0;
        let mut model: Option<Cart> = None;
        for step in 0..40 {
            now = moment_after(now, &mut numbers);
            let change = change(&mut numbers);
            let name = number(seed, generation);
            if numbers.random_ratio(1, 10) && model.as_ref().is_some_and(|cart| !cart.lines().is_empty()) {
                meet_an_earlier_release(&database, &mut numbers, model.as_ref().unwrap()).await;
                model = carts.find_any(name).await.unwrap();
                assert_eq!(model.as_ref().and_then(Cart::own_currency), None, "seed {seed}, step {step}");
            }
            let expected = by_the_rules(&mut model, name, &change, &offers, now);

            let (outcome, answered) = by_the_store(&tables, name, &change, &offers, now).await;

            let context = format!("seed {seed}, step {step}: {change:#?}");
            assert_eq!(outcome, expected, "{context}");
            let stored = carts.find_any(name).await.unwrap();
            assert_eq!(stored, model, "{context}");
            if matches!(outcome, Outcome::Changed(_)) {
                assert_eq!(answered, model, "{context}");
            }
            if outcome == Outcome::Absent && change.opens_a_cart() {
                generation += 1;
                let name = number(seed, generation);
                let mut opened = Cart::new(name, now, lifetime());
                let expected = opened.apply(&change, &offers, now);
                let answer = carts.open(name, &change, &offers, None, now).await;
                match (expected, answer) {
                    (Ok(refused), Ok(answer)) => {
                        assert_eq!(answer, Changed { cart: opened.clone(), refused }, "{context}");
                    }
                    (Err(expected), Err(ChangeError::Rejected(rejection))) => {
                        assert_eq!(rejection, expected, "{context}");
                    }
                    (expected, answer) => panic!("the rules: {expected:?}, the store: {answer:?}; {context}"),
                }
                model = carts.find_any(name).await.unwrap();
                assert_eq!(model, Some(opened).filter(|cart| cart.version() > 0), "{context}");
            }
        }
    }
}

/// Every change that took effect has a version of its own. So the versions say in which order they took effect, and in that
/// order the rules must come to every single answer, and to what is stored at the end.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_operations_by_eight_clients_on_four_carts_at_a_time_are_as_if_one_came_after_the_other() {
    const CLIENTS: u64 = 8;
    const CARTS: u64 = 4;
    const OPERATIONS: u64 = 10_000;
    /// After how many operations each client goes on to the next four: a cart takes 200 within 20 seconds.
    const AT_ONE: u64 = 70;
    const ALL_CARTS: u64 = CARTS * (OPERATIONS / CLIENTS).div_ceil(AT_ONE);
    let database = Arc::new(Database::open().await);
    let carts = database.carts();
    let now = start();
    let offers = Arc::new(shop());
    let first = Change::add(vec![history::item(0, 1)]).unwrap();
    for cart in 0..ALL_CARTS {
        carts.open(number(cart, 0), &first, &offers, None, now).await.unwrap();
    }

    let clients = (0..CLIENTS).map(|client| {
        let (tables, offers) = ((database.carts(), database.catalog()), Arc::clone(&offers));
        tokio::spawn(async move {
            let mut numbers = Numbers::seed_from_u64(1000 + client);
            let mut now = start();
            let mut done = Vec::new();
            for operation in 0..OPERATIONS / CLIENTS {
                now += std::time::Duration::from_millis(numbers.random_range(0..3) * 500);
                let change = change(&mut numbers);
                let cart = operation / AT_ONE * CARTS + numbers.random_range(0..CARTS);
                let (outcome, answer) = by_the_store(&tables, number(cart, 0), &change, &offers, now).await;
                assert_ne!(outcome, Outcome::Absent);
                if let (Outcome::Changed(refused), Some(answer)) = (outcome, answer) {
                    done.push((cart, Changed { cart: answer, refused }, change, now));
                }
            }
            done
        })
    });
    let mut histories: BTreeMap<(u64, u64), Vec<Answered>> = BTreeMap::new();
    for client in clients.collect::<Vec<_>>() {
        for (cart, answer, change, now) in client.await.unwrap() {
            histories.entry((cart, answer.cart.version())).or_default().push((answer, change, now));
        }
    }

    let opened = |cart| {
        let mut model = Cart::new(number(cart, 0), now, lifetime());
        model.apply(&first, &offers, now).unwrap();
        (cart, model)
    };
    let mut models: BTreeMap<u64, Cart> = (0..ALL_CARTS).map(opened).collect();
    for ((cart, version), answers) in histories {
        let model = models.get_mut(&cart).unwrap();
        let as_answered = |model: &Cart, (answer, change, now): &Answered| {
            let mut after = model.clone();
            let refused = after.apply(change, &offers, *now);
            refused.as_ref() == Ok(&answer.refused) && after == answer.cart
        };
        // One of the answers is to the change that made the version; the others changed nothing and found it so. A change that
        // would have made it, too, may have come after.
        let found = answers[0].0.cart.clone();
        let (others, makers): (Vec<_>, Vec<_>) = answers.iter().partition(|answered| as_answered(&found, answered));
        if version > model.version() {
            let candidates = if makers.is_empty() { &others } else { &makers };
            let made = candidates.iter().any(|answered| as_answered(model, answered));
            assert!(made && makers.len() <= 1, "nothing made version {version}: {answers:#?}");
            *model = found;
        } else {
            assert_eq!(found, *model);
            assert!(makers.is_empty(), "version {version}: {makers:#?}");
        }
    }
    for (cart, model) in models {
        assert_eq!(carts.find_any(number(cart, 0)).await.unwrap(), Some(model));
    }
}
