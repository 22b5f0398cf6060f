//! How large a cart is: DynamoDB bills writes by the kilobyte of the whole item.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use cart::Change;
use futures_util::future::join_all;
use store::{ChangeError, Preconditions};

use crate::database::Database;
use crate::history::{item, number, shop, start};

/// The size of an item in bytes.
///
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
fn size_of(item: &HashMap<String, AttributeValue>) -> usize {
    item.iter().map(|(name, value)| name.len() + size_of_value(value)).sum()
}

fn size_of_value(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        // A byte for every two significant digits, and one more.
        AttributeValue::N(digits) => digits.trim_start_matches('-').trim_end_matches('0').len().div_ceil(2) + 1,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
        AttributeValue::Ss(texts) => texts.iter().map(String::len).sum(),
        // Three bytes for the map, and one for each entry.
        AttributeValue::M(map) => 3 + map.len() + size_of(map),
        AttributeValue::L(list) => 3 + list.len() + list.iter().map(size_of_value).sum::<usize>(),
        other => panic!("a cart holds no {other:?}"),
    }
}

#[tokio::test]
async fn a_cart_of_five_lines_costs_one_write_unit_and_a_further_line_little() {
    let database = Database::open().await;
    let (carts, catalog) = (database.carts(), database.catalog());
    let number = number(0, 0);
    let mut sizes = Vec::new();
    for lines in 1..=12 {
        // One-time prices in one currency, each with the 30 characters of Stripe's ids.
        let change = Change::add(vec![item((lines - 1) * 8, 12)]).unwrap();
        let changed = match lines {
            1 => carts.open(number, &change, &shop(), None, start()).await,
            _ => carts.change(number, &change, &shop(), &catalog, &store::Preconditions::default(), start()).await,
        };
        assert_eq!(changed.unwrap().lines().last().unwrap().price.as_str().len(), 30);
        sizes.push(size_of(&database.item(number).await));
    }

    assert!(sizes[4] <= 1024, "{sizes:?}");
    for pair in sizes.windows(2) {
        assert!(pair[1] - pair[0] <= 120, "{sizes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_changes_at_once_pass_and_more_are_refused_until_some_seconds_later() {
    let database = Database::open().await;
    let (carts, catalog) = (database.carts(), database.catalog());
    let cart =
        carts.open(number(10, 0), &Change::add(vec![item(0, 1)]).unwrap(), &shop(), None, start()).await.unwrap();
    let (one, offers, none) = (Change::add(vec![item(0, 1)]).unwrap(), shop(), Preconditions::default());
    let add = || carts.change(cart.number(), &one, &offers, &catalog, &none, start());

    let at_once = join_all((0..200).map(|_| add())).await;

    let mut passed = at_once.into_iter().map(Result::unwrap).count();
    let retry_after = loop {
        match add().await {
            Ok(_) => passed += 1,
            Err(ChangeError::TooManyWrites { retry_after }) => break retry_after,
            Err(error) => panic!("{error}"),
        }
        // Those of a period that ends meanwhile, and those of the next.
        assert!(passed <= 400, "{passed}");
    };
    assert!(retry_after.as_secs() >= 1 && retry_after.as_secs() <= 20, "{retry_after:?}");
    let stored = carts.find_any(cart.number()).await.unwrap().unwrap();
    assert_eq!(stored.item_count(), 1 + u64::try_from(passed).unwrap());
}
