//! Requests with an idempotency key.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use cart::{Cart, Change, Currency, CurrentSession, Expected, Money, Timestamp};
use store::{Carts, ChangeError, Count, IdempotencyKey, Preconditions, Recorded};

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
    carts.open(number(7, 0), &mug(1), &shop(), None, start()).await.unwrap().cart
}

fn known(item: &HashMap<String, AttributeValue>) -> usize {
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
        let cart = carts.change(number, &mug(1), &shop(), &catalog, &keyed("key", request), now).await.unwrap().cart;
        counts.push(cart.item_count());
    }
    let mismatch = carts.change(number, &mug(1), &shop(), &catalog, &keyed("key", "one"), start() + DAY * 2).await;

    assert_eq!(counts, [2, 2, 3, 4]);
    assert!(matches!(mismatch, Err(ChangeError::IdempotencyMismatch)), "{mismatch:?}");
    assert_eq!(known(&database.item(number).await), 1);
}

#[tokio::test]
async fn the_newest_64_keys_are_remembered() {
    let database = Database::open().await;
    let (carts, catalog) = (database.carts(), database.catalog());
    let cart = opened(&carts).await;
    let named = async |index: u64, now: Timestamp| {
        let once = keyed(&format!("key {index}"), "");
        carts.change(cart.number(), &mug(1), &shop(), &catalog, &once, now).await.unwrap().cart.item_count()
    };
    let at = |index: u64| start() + Duration::from_millis(index * 7);

    for index in 0..150 {
        assert_eq!(named(index, at(index)).await, 2 + index);
        assert!(known(&database.item(cart.number()).await) <= 64, "{index}");
    }

    for index in 86..150 {
        assert_eq!(named(index, at(150)).await, 151, "{index} is remembered");
    }
    assert_eq!(named(85, at(151)).await, 152, "85 is forgotten");
}

/// A function that begins knows nothing of what the item has too many of.
#[tokio::test]
async fn functions_that_take_turns_keep_64_keys_at_least_and_80_at_most() {
    let database = Database::open().await;
    let catalog = database.catalog();
    let cart = opened(&database.carts()).await;
    let named = async |index: u64, now: Timestamp| {
        let once = keyed(&format!("key {index}"), "");
        let carts = database.carts();
        carts.change(cart.number(), &mug(1), &shop(), &catalog, &once, now).await.unwrap().cart.item_count()
    };
    let at = |index: u64| start() + Duration::from_millis(index);

    for index in 0..180 {
        assert_eq!(named(index, at(index)).await, 2 + index);
        assert!(known(&database.item(cart.number()).await) <= 80, "{index}");
    }

    for index in 116..180 {
        assert_eq!(named(index, at(180)).await, 181, "{index} is remembered");
    }
}

/// Version 0.1.0 remembered a thousand keys, and wrote nothing behind the last colon but a session's id.
#[tokio::test]
async fn the_keys_of_a_row_of_0_1_0_are_known_and_become_fewer() {
    let database = Database::open().await;
    let (carts, catalog) = (database.carts(), database.catalog());
    let cart = opened(&carts).await;
    let named = async |cart: &Cart, index: u64, now: Timestamp| {
        let once = keyed(&format!("key {index}"), "");
        carts.change(cart.number(), &mug(1), &shop(), &catalog, &once, now).await.unwrap().cart.item_count()
    };
    // No cart takes so many in a moment, but what is remembered of a key is the same in all of them.
    let mut keys = HashMap::new();
    for some in 0..20 {
        let other = carts.open(number(8, some), &mug(1), &shop(), None, start()).await.unwrap().cart;
        for index in some * 50..some * 50 + 50 {
            named(&other, index, start() + Duration::from_secs(index)).await;
        }
        let AttributeValue::M(known) = database.item(other.number()).await.remove("k").unwrap() else {
            panic!("a map")
        };
        for (key, entry) in known {
            let (entry, milliseconds) = entry.as_s().unwrap().rsplit_once(':').unwrap();
            assert_eq!(milliseconds, ".000");
            keys.insert(key, AttributeValue::S(format!("{entry}:")));
        }
    }
    assert_eq!(keys.len(), 1000);
    database.set(cart.number(), "k", AttributeValue::M(keys)).await;

    let later = start() + Duration::from_secs(1000);
    for index in [0, 500, 999] {
        assert_eq!(named(&cart, index, later).await, 1, "{index}");
    }
    for index in 0..12 {
        assert_eq!(named(&cart, 2000 + index, later + Duration::from_secs(index)).await, 2 + index);
    }

    assert_eq!(known(&database.item(cart.number()).await), 64);
    assert_eq!(named(&cart, 999, later).await, 13);
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

    assert_eq!(answer.cart, before);
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
        async { carts.record_session(cart.number(), &session, None, None, Count::default(), None, start()).await },
    );

    let stored = carts.find_any(cart.number()).await.unwrap().unwrap();
    assert_eq!(stored.lines().len(), changed.unwrap().cart.lines().len());
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
    for (index, key, now) in (0..200).map(|index| (index, key(index), start())).chain([(200, key(0), start() + DAY)]) {
        let next = session(index);
        let replaces = current.as_ref().map(|current| &current.id);
        let recorded = carts
            .record_session(cart.number(), &next, replaces, None, Count::default(), Some(&key), now)
            .await
            .unwrap();

        assert_eq!(recorded, Recorded::Now, "{index}");
        let found = carts.find_with_answer(cart.number(), Some(&key), now).await.unwrap();
        assert_eq!(found.answered.as_ref(), Some(&next.id), "{index}");
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
