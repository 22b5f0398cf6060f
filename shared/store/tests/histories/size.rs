//! How large a cart is: DynamoDB bills writes by the kilobyte of the whole item.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use cart::{
    Addition, AdjustableQuantity, Attributes, Cart, Change, Currency, CurrentSession, Description, Details, Expected,
    LineUpdate, Metadata, Money, Offer, Offers, Product, Quantity, Rejection, Timestamp,
};
use futures_util::future::join_all;
use store::{ChangeError, Count, Hourly, IdempotencyKey, Preconditions, Recorded};

use crate::database::Database;
use crate::history::{item, number, shop, start};

/// What a change of a cart costs at most, in units of DynamoDB's.
const MOST_UNITS: f64 = 56.0;

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
        assert_eq!(changed.unwrap().cart.lines().last().unwrap().price.as_str().len(), 30);
        sizes.push(size_of(&database.item(number).await));
    }

    assert!(sizes[4] <= 1024, "{sizes:?}");
    for pair in sizes.windows(2) {
        assert!(pair[1] - pair[0] <= 120, "{sizes:?}");
    }
}

/// A one-time price whose id has `id` characters.
fn offer(index: usize, id: usize, active: bool) -> Offer {
    let product: Product = serde_json::from_str(r#"{"id":"prod_a"}"#).unwrap();
    let id = format!("price_{index:0>width$}", width = id - 6);
    let price = format!(r#"{{"id":"{id}","product":"prod_a","currency":"usd","unit_amount":100,"active":{active}}}"#);
    Offer { price: serde_json::from_str(&price).unwrap(), product }
}

/// Offers by which the line of the price `old` goes on at the price `new`.
fn succession(old: usize, new: usize, id: usize) -> Offers {
    let archived = offer(old, id, false);
    let mut offers: Offers = [archived.clone()].into_iter().collect();
    offers.extend_successors([(archived.price.id, Arc::new(offer(new, id, true)))]);
    offers
}

/// A line that takes as much room as one with little text can, with or without attributes.
fn full_line(offer: &Offer, with_attributes: bool) -> Addition {
    let keys = if with_attributes { 0..Attributes::MAX_KEYS } else { 0..0 };
    let attributes = keys.map(|index| (char::from(b'a' + u8::try_from(index).unwrap()).to_string(), "x".to_owned()));
    let most = Quantity::MAX.into();
    let details = Details {
        adjustable_quantity: Some(AdjustableQuantity::new(true, Some(most), Some(most)).unwrap()),
        description: Some(Description::new("x").unwrap()),
    };
    let item = Addition::new(offer.price.id.clone(), Quantity::new(most).unwrap());
    Addition { details, ..item.with_attributes(Attributes::new(attributes).unwrap()) }
}

/// Metadata that come to so many bytes, with as many keys as can be.
fn metadata(bytes: usize) -> Metadata {
    let mut rest = bytes - 3 * Metadata::MAX_KEYS;
    let entries = (0..Metadata::MAX_KEYS).map(|index| {
        let more = rest.min(Metadata::MAX_VALUE - 1);
        rest -= more;
        (format!("{index:02}"), "x".repeat(1 + more))
    });
    Metadata::new(entries.collect::<Vec<_>>()).unwrap()
}

/// Fills a cart's item with all that it holds beside the cart: keys of requests that were answered with sessions, the last of
/// which is the cart's, marks of writes, and counts.
async fn fill(database: &Database, cart: &Cart, now: Timestamp) {
    let mut replaces = None;
    for index in 0..100 {
        let session = CurrentSession {
            // As long as Stripe's are.
            id: format!("cs_live_{index:0>58}").parse().unwrap(),
            version: cart.version(),
            parameters: "x".repeat(43),
            expires_at: Some(now),
            descriptions: cart
                .lines()
                .iter()
                .filter(|line| !line.id.has_attributes())
                .filter_map(|line| Some((line.price.clone(), line.description.as_ref()?.as_str().to_owned())))
                .collect(),
            adjustable: true,
            expected: Some(Expected::new(Money::new(i128::from(i64::MAX), Currency::USD), [], true)),
        };
        let key = IdempotencyKey::new(&index.to_string(), [b"checkout".as_slice()]);
        // Each by a function that has just begun, which knows nothing of the keys that are too many.
        let carts = database.carts();
        let recorded = carts
            .record_session(cart.number(), &session, replaces.as_ref(), None, Count::default(), Some(&key), now)
            .await;
        assert_eq!(recorded.unwrap(), Recorded::Now);
        replaces = Some(session.id);
    }
    for counter in [Hourly::Guesses, Hourly::WrongCodes] {
        database.carts().count(cart.number(), counter, Count::default(), 10, now).await.unwrap();
    }
    // A write clears one of the four sets, so that three have marks at most.
    database.remove(cart.number(), "w3").await;
    for set in ["w0", "w1", "w2"] {
        let marks = (0..201).map(|mark| format!("{set}{mark:06}")).collect();
        database.set(cart.number(), set, AttributeValue::Ss(marks)).await;
    }
}

async fn changed(database: &Database, cart: &Cart, change: &Change, offers: &Offers) -> Result<Cart, ChangeError> {
    let (carts, catalog) = (database.carts(), database.catalog());
    carts
        .change(cart.number(), change, offers, &catalog, &Preconditions::default(), start())
        .await
        .map(|changed| changed.cart)
}

/// What of an item is not about requests.
fn without_requests(mut item: HashMap<String, AttributeValue>) -> HashMap<String, AttributeValue> {
    item.retain(|name, _| !["number", "v", "ov", "so", "k", "w0", "w1", "w2", "w3", "pc"].contains(&name.as_str()));
    item.retain(|name, _| !["gh", "gn", "sh", "sn", "ch", "cn"].contains(&name.as_str()));
    item
}

/// Fills a cart with as many lines as it takes, of prices with ids of so many characters, and with texts to the brim; returns its
/// size and what a change of it costs. As many of the lines were called otherwise before as a cart remembers. Then it is emptied.
async fn at_its_largest(id: usize, with_attributes: bool) -> (usize, f64) {
    let database = Database::open().await;
    let add = |item: Addition| Change::add(vec![item]).unwrap();
    let first = add(item(0, 1));
    let mut cart = database.carts().open(number(9, 0), &first, &shop(), None, start()).await.unwrap().cart;
    cart = changed(&database, &cart, &Change::Clear, &shop()).await.unwrap();
    for index in 0..Cart::MAX_LINES {
        // The metadata's keys and values need some room, too.
        let longest = Cart::MAX_TEXT - 3 * Metadata::MAX_KEYS;
        let offer = offer(index, id, true);
        let line = full_line(&offer, with_attributes);
        let change = add(line.clone());
        let former = index < Cart::MAX_FORMER_IDS;
        let of_former = if former { 2 * id.saturating_sub(42) } else { 0 };
        if cart.text_bytes() + change.most_text() + of_former > longest {
            break;
        }
        cart = changed(&database, &cart, &change, &[offer].into_iter().collect()).await.unwrap();
        if former {
            let yes = LineUpdate::Describe { line: line.line(), details: Details::default() };
            let mut offers = succession(index, Cart::MAX_LINES + index, id);
            // Others might go on at the same successor.
            for earlier in 0..index {
                offers.insert(Arc::new(self::offer(Cart::MAX_LINES + earlier, id, true)));
            }
            cart = changed(&database, &cart, &Change::Line(yes), &offers).await.unwrap();
        }
    }
    let kept: usize = cart.lines().iter().map(|line| line.former.len()).sum();
    assert_eq!(kept, Cart::MAX_FORMER_IDS.min(cart.lines().len()), "{id}, {with_attributes}");
    let offers = Offers::default();
    let rest = Cart::MAX_TEXT - cart.text_bytes();
    let attach = |metadata| Change::update(Vec::new()).with_metadata(Some(metadata));
    let longest = 40 * (2 + Metadata::MAX_VALUE);
    assert!(rest <= longest, "{rest}");
    let beyond = changed(&database, &cart, &attach(metadata(rest + 1)), &offers).await;
    assert!(
        matches!(beyond, Err(ChangeError::Rejected(Rejection::TextTooLong { bytes })) if bytes == Cart::MAX_TEXT + 1),
        "{beyond:?}"
    );
    cart = changed(&database, &cart, &attach(metadata(rest)), &offers).await.unwrap();
    assert_eq!(cart.text_bytes(), Cart::MAX_TEXT);
    fill(&database, &cart, start()).await;
    let largest = (size_of(&database.item(cart.number()).await), database.write_units(cart.number()).await);

    changed(&database, &cart, &Change::Clear, &offers).await.unwrap();

    let other = database.carts().open(number(9, 1), &first, &shop(), None, start()).await.unwrap().cart;
    changed(&database, &other, &Change::Clear, &shop()).await.unwrap();
    let [emptied, empty] = [database.item(cart.number()).await, database.item(other.number()).await];
    assert_eq!(without_requests(emptied), without_requests(empty));
    largest
}

/// 100 lines with attributes, the longest ids, those that lines had before, texts to the brim, keys, marks, a session and every
/// count.
///
/// In a transaction it is twice as many, which is not measured: DynamoDB Local says four times as many.
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html>
#[tokio::test]
async fn a_change_of_the_largest_cart_costs_56_write_units_at_most() {
    for (id, with_attributes) in [(30, true), (42, false), (255, true), (255, false)] {
        let (bytes, units) = at_its_largest(id, with_attributes).await;

        assert!(bytes <= 56 * 1024, "{id}, {with_attributes}: {bytes}");
        assert!(units <= MOST_UNITS, "{id}, {with_attributes}: {units}");
        // Else something is missing here.
        assert!(id > 30 || units > 55.0, "{units}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_changes_at_once_pass_and_more_are_refused_until_some_seconds_later() {
    let database = Database::open().await;
    let (carts, catalog) = (database.carts(), database.catalog());
    let cart =
        carts.open(number(10, 0), &Change::add(vec![item(0, 1)]).unwrap(), &shop(), None, start()).await.unwrap().cart;
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
