//! Requests with an idempotency key.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use cart::{Cart, Change, Currency, CurrentSession, Expected, Money};
use store::{Carts, ChangeError, IdempotencyKey, Preconditions, Recorded};

use crate::database::Database;
use crate::history::{item, number, shop, start};

const DAY: Duration = Duration::from_hours(24);

fn keyed(key: &str, request: &str) -> Preconditions {
    Preconditions { expected_version: None, idempotency_key: Some(IdempotencyKey::new(key, [request.as_bytes()])) }
}

fn mug(quantity: u64) -> Change {
    Change::add(vec![item(0, quantity)]).unwrap()
}

async fn opened(carts: &Carts) -> Cart {
    carts.open(number(7, 0), &mug(1), &shop(), None, start()).await.unwrap()
}

fn known(item: &std::collections::HashMap<String, AttributeValue>) -> usize {
    item["k"].as_m().unwrap().len()
}

#[tokio::test]
async fn a_key_is_remembered_for_24_hours() {
    let database = Database::open().await;
    let (carts, catalog) = (database.carts(), database.catalog());
    let number = opened(&carts).await.number();
    let almost = start() + DAY.saturating_sub(Duration::from_secs(1));

    let mut counts = Vec::new();
    for (now, request) in [(start(), "one"), (almost, "one"), (start() + DAY, "one"), (start() + DAY * 2, "two")] {
        let cart = carts.change(number, &mug(1), &shop(), &catalog, &keyed("key", request), now).await.unwrap();
        counts.push(cart.item_count());
    }
    let mismatch = carts.change(number, &mug(1), &shop(), &catalog, &keyed("key", "one"), start() + DAY * 2).await;

    assert_eq!(counts, [2, 2, 3, 4]);
    assert!(matches!(mismatch, Err(ChangeError::IdempotencyMismatch)), "{mismatch:?}");
    assert_eq!(known(&database.item(number).await), 1);
}

#[tokio::test]
async fn forgotten_keys_are_swept_and_remembered_ones_are_kept() {
    let database = Database::open().await;
    let (carts, catalog) = (database.carts(), database.catalog());
    let number = opened(&carts).await.number();
    for index in 0..40 {
        carts.change(number, &mug(1), &shop(), &catalog, &keyed(&format!("old {index}"), ""), start()).await.unwrap();
    }
    let before = known(&database.item(number).await);
    let later = start() + DAY;
    for index in 0..40 {
        carts.change(number, &mug(1), &shop(), &catalog, &keyed(&format!("new {index}"), ""), later).await.unwrap();
    }
    let after = known(&database.item(number).await);

    for index in 0..40 {
        carts.change(number, &mug(1), &shop(), &catalog, &keyed(&format!("new {index}"), ""), later).await.unwrap();
    }
    assert_eq!((before, after), (40, 40));
    assert_eq!(carts.find_any(number).await.unwrap().unwrap().item_count(), 81);
}

#[tokio::test]
async fn a_request_that_asks_for_nothing_is_remembered_all_the_same() {
    let database = Database::open().await;
    let (carts, catalog) = (database.carts(), database.catalog());
    let before = opened(&carts).await;
    let nothing = Change::update(vec![cart::LineUpdate::Remove(cart::LineId::kept("price_absent"))]);

    let answer =
        carts.change(before.number(), &nothing, &shop(), &catalog, &keyed("key", "nothing"), start()).await.unwrap();
    let other = carts.change(before.number(), &mug(1), &shop(), &catalog, &keyed("key", "mug"), start()).await;

    assert_eq!(answer, before);
    assert!(matches!(other, Err(ChangeError::IdempotencyMismatch)), "{other:?}");
}

#[tokio::test]
async fn a_change_never_loses_the_session_that_is_noted_meanwhile() {
    let database = Database::open().await;
    let carts = database.carts();
    let cart = opened(&carts).await;
    let session = CurrentSession {
        id: "cs_test_1".parse().unwrap(),
        version: cart.version(),
        parameters: "digest".to_owned(),
        expires_at: Some(start() + DAY),
        descriptions: BTreeMap::from([("price_a".parse().unwrap(), "blue".to_owned())]),
        adjustable: true,
        expected: Some(Expected::new(Money::new(1200, Currency::USD), [], false)),
    };
    // With this many lines, the change takes a read, and a write conditional on what was read.
    let many = Change::add((1..60).map(|price| item(price * 8, 1)).collect()).unwrap();

    let (changed, noted) = tokio::join!(
        async {
            carts.change(cart.number(), &many, &shop(), &database.catalog(), &Preconditions::default(), start()).await
        },
        async { carts.record_session(cart.number(), &session, None, None, start()).await },
    );

    let stored = carts.find_any(cart.number()).await.unwrap().unwrap();
    assert_eq!(stored.lines().len(), changed.unwrap().lines().len());
    assert_eq!(stored.current_session(), (noted.unwrap() == Recorded::Now).then_some(&session));
}

#[tokio::test]
async fn a_checkout_is_recorded_whatever_keys_the_cart_has_seen() {
    let database = Database::open().await;
    let carts = database.carts();
    let cart = opened(&carts).await;
    let key = |index: usize| IdempotencyKey::new(&index.to_string(), [b"request".as_slice()]);
    let session = |index: usize| CurrentSession {
        id: format!("cs_test_{index}").parse().unwrap(),
        version: cart.version(),
        parameters: "digest".to_owned(),
        expires_at: None,
        descriptions: BTreeMap::new(),
        adjustable: false,
        expected: None,
    };
    let mut current: Option<CurrentSession> = None;

    // More keys than a cart takes without a look at them; then the first key again, a day later.
    for (index, key, now) in (0..40).map(|index| (index, key(index), start())).chain([(40, key(0), start() + DAY)]) {
        let next = session(index);
        let replaces = current.as_ref().map(|current| &current.id);
        let recorded = carts.record_session(cart.number(), &next, replaces, Some(&key), now).await.unwrap();

        assert_eq!(recorded, Recorded::Now, "{index}");
        let (_, answer) = carts.find_with_answer(cart.number(), Some(&key), now).await.unwrap();
        assert_eq!(answer.as_ref(), Some(&next.id), "{index}");
        current = Some(next);
    }
}

#[tokio::test]
async fn all_who_open_a_cart_under_one_key_get_one_seed() {
    let database = Database::open().await;
    let carts = database.carts();
    let key = IdempotencyKey::new("key", [b"request".as_slice()]);

    let [one, two] = [[1; 16], [2; 16]];
    let first = carts.token_seed(&key, one, None, start()).await.unwrap();
    let second = carts.token_seed(&key, two, None, start()).await.unwrap();
    let used_up = carts.token_seed(&key, two, Some(one), start()).await.unwrap();
    let late = carts.token_seed(&key, one, None, start() + DAY).await.unwrap();
    let other = carts.token_seed(&IdempotencyKey::new("key", [b"other".as_slice()]), one, None, start() + DAY).await;

    assert_eq!([first, second, used_up, late], [one, one, two, one]);
    assert!(matches!(other, Err(ChangeError::IdempotencyMismatch)), "{other:?}");
}
