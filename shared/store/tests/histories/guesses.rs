//! Guesses at a cart's sessions, which are counted by the clock hour.

use std::time::Duration;

use cart::{Cart, Change, Timestamp};
use futures_util::future::join_all;
use store::{Carts, Count, Counted, Hourly, Preconditions};

use crate::database::Database;
use crate::history::{item, number, shop, start};

const GUESSES: Hourly = Hourly::Guesses;
const MOST: u32 = 10;
const HOUR: Duration = Duration::from_hours(1);

fn mug() -> Change {
    Change::add(vec![item(0, 1)]).unwrap()
}

async fn opened(carts: &Carts) -> Cart {
    carts.open(number(7, 0), &mug(), &shop(), None, start()).await.unwrap().cart
}

/// How many of sixty guesses at once are counted. None knows of the others.
async fn counted(carts: &Carts, cart: &Cart, now: Timestamp) -> usize {
    let guesses = (0..60).map(|_| carts.count(cart.number(), GUESSES, Count::default(), MOST, now));
    let counted = join_all(guesses).await.into_iter().map(Result::unwrap);
    counted.filter(|counted| matches!(counted, Counted::In(_))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_guesses_are_counted_in_each_clock_hour_as_it_may_have() {
    let database = Database::open().await;
    let carts = database.carts();
    let cart = opened(&carts).await;
    // The last second of a clock hour, and the first of the next.
    let last = Timestamp::from_second(start().as_second().div_euclid(3600) * 3600 + 3599).unwrap();

    let mut hours = Vec::new();
    for now in [last, last, last + Duration::from_secs(1), last + HOUR, last + HOUR * 5] {
        hours.push(counted(&carts, &cart, now).await);
    }

    assert_eq!(hours, [10, 0, 10, 0, 10]);
}

/// Functions run on many machines.
#[tokio::test]
async fn a_clock_that_is_behind_counts_in_the_later_hour() {
    let database = Database::open().await;
    let carts = database.carts();
    let cart = opened(&carts).await;

    let ahead = counted(&carts, &cart, start() + HOUR).await;
    let behind = counted(&carts, &cart, start()).await;

    assert_eq!((ahead, behind), (10, 0));
}

#[tokio::test]
async fn a_guess_that_was_right_is_taken_back_once() {
    let database = Database::open().await;
    let carts = database.carts();
    let cart = opened(&carts).await;
    let Counted::In(hour) = carts.count(cart.number(), GUESSES, Count::default(), MOST, start()).await.unwrap() else {
        panic!("the first guess is counted");
    };

    for _ in 0..3 {
        carts.take_back(cart.number(), GUESSES, hour).await.unwrap();
    }

    assert_eq!(counted(&carts, &cart, start()).await, 10);
    // What is taken back later than in its hour changes nothing.
    let later = counted(&carts, &cart, start() + HOUR).await;
    carts.take_back(cart.number(), GUESSES, hour).await.unwrap();
    assert_eq!((later, counted(&carts, &cart, start() + HOUR).await), (10, 0));
}

#[tokio::test]
async fn a_guess_changes_nothing_about_the_cart_and_a_change_nothing_about_the_guesses() {
    let database = Database::open().await;
    let (carts, catalog) = (database.carts(), database.catalog());
    let cart = opened(&carts).await;
    let before = database.item(cart.number()).await;

    counted(&carts, &cart, start()).await;

    let mut after = database.item(cart.number()).await;
    let kept = [after.remove("gh"), after.remove("gn")];
    assert!(kept.iter().all(Option::is_some), "{kept:?}");
    assert_eq!(after, before);
    // Neither a guarded expression nor a write of the whole cart.
    for _ in 0..2 {
        database.forget_own_currency(cart.number()).await;
        let none = Preconditions::default();
        carts.change(cart.number(), &mug(), &shop(), &catalog, &none, start()).await.unwrap();
        carts.change(cart.number(), &Change::Clear, &shop(), &catalog, &none, start()).await.unwrap();
    }
    let item = database.item(cart.number()).await;
    assert_eq!([item.get("gh").cloned(), item.get("gn").cloned()], kept);
}

#[tokio::test]
async fn a_guess_at_a_cart_that_is_gone_makes_no_row() {
    let database = Database::open().await;
    let carts = database.carts();

    let counted = carts.count(number(7, 0), GUESSES, Count::default(), MOST, start()).await.unwrap();

    assert_eq!(counted, Counted::NoCart);
    assert_eq!(carts.find_any(number(7, 0)).await.unwrap(), None);
}
