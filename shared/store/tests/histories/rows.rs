//! What a cart's row says about the prices of its lines, and rows that do not say it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use cart::{Cart, Change, Details, LineUpdate, Metadata, Quantity, Setting};
use store::{Carts, CatalogTable, ChangeError, Preconditions};

use crate::database::Database;
use crate::history::{GIFT, item, number, shop, start};

// Prices in dollars, in dollars and euros, in euros.
const DOLLARS: u64 = 0;
const BOTH: u64 = 3;
const EUROS: u64 = 4;

fn add(price: u64) -> Change {
    Change::add(vec![item(price, 1)]).unwrap()
}

fn remove(price: u64) -> Change {
    Change::update(vec![LineUpdate::Remove(item(price, 1).line())])
}

async fn opened(carts: &Carts, with: u64) -> Cart {
    carts.open(number(8, with), &add(with), &shop(), None, start()).await.unwrap().cart
}

async fn changed((carts, catalog): &(Carts, CatalogTable), cart: &Cart, change: &Change) -> Result<Cart, ChangeError> {
    carts
        .change(cart.number(), change, &shop(), catalog, &Preconditions::default(), start())
        .await
        .map(|changed| changed.cart)
}

fn described_by(price: u64, text: &str) -> Change {
    let details = Details { description: Some(cart::Description::new(text).unwrap()), ..Details::default() };
    Change::update(vec![LineUpdate::Describe { line: item(price, 1).line(), details }])
}

/// The own currency that a row names, and whether that counts: whether it is that of the row's version.
fn own(row: &HashMap<String, AttributeValue>) -> Option<(&str, bool)> {
    Some((row.get("own")?.as_s().unwrap(), row.get("ov") == row.get("v")))
}

#[tokio::test]
async fn every_change_keeps_the_own_currency_at_the_version_of_the_row() {
    let database = Database::open().await;
    let tables = (database.carts(), database.catalog());
    let cart = opened(&tables.0, DOLLARS).await;
    let note = Metadata::new([("note".to_owned(), "x".to_owned())]).unwrap();
    let blue = Details { description: Some(cart::Description::new("blue").unwrap()), ..Details::default() };
    let described = LineUpdate::Describe { line: item(DOLLARS, 1).line(), details: blue };
    let many = Change::add((1..60).map(|price| item(price * 8, 1)).collect()).unwrap();

    assert_eq!(own(&database.item(cart.number()).await), Some(("usd", true)), "opened");
    let changes = [
        add(DOLLARS),
        add(BOTH),
        Change::update(vec![LineUpdate::Set(Setting::new(item(BOTH, 1).line(), Quantity::new(5).unwrap()))]),
        Change::update(vec![described]),
        Change::update(Vec::new()).with_metadata(Some(note)),
        remove(BOTH),
        many,
        remove(8),
    ];
    for change in changes {
        changed(&tables, &cart, &change).await.unwrap();
        assert_eq!(own(&database.item(cart.number()).await), Some(("usd", true)), "{change:?}");
    }
    changed(&tables, &cart, &Change::Clear).await.unwrap();
    assert_eq!(own(&database.item(cart.number()).await), None);
    changed(&tables, &cart, &add(EUROS)).await.unwrap();
    assert_eq!(own(&database.item(cart.number()).await), Some(("eur", true)), "after a clear");
}

#[tokio::test]
async fn the_row_of_a_gift_names_no_own_currency_and_takes_nothing_beside_it() {
    let database = Database::open().await;
    let tables = (database.carts(), database.catalog());
    let cart = opened(&tables.0, GIFT).await;
    assert_eq!(own(&database.item(cart.number()).await), None);

    let beside = changed(&tables, &cart, &add(DOLLARS)).await;

    assert!(matches!(beside, Err(ChangeError::Rejected(cart::Rejection::CustomAmountAlone(_)))), "{beside:?}");
    changed(&tables, &cart, &remove(GIFT)).await.unwrap();
    changed(&tables, &cart, &add(DOLLARS)).await.unwrap();
    assert_eq!(own(&database.item(cart.number()).await), Some(("usd", true)));
}

#[tokio::test]
async fn a_row_of_an_earlier_release_says_it_after_the_next_change_that_puts_something_in() {
    let database = Database::open().await;
    let tables = (database.carts(), database.catalog());
    let cart = opened(&tables.0, DOLLARS).await;

    database.forget_own_currency(cart.number()).await;
    changed(&tables, &cart, &add(BOTH)).await.unwrap();
    assert_eq!(own(&database.item(cart.number()).await), Some(("usd", true)), "of 0.1.0 alone");

    database.forget_own_currency(cart.number()).await;
    changed(&tables, &cart, &remove(BOTH)).await.unwrap();
    assert_eq!(own(&database.item(cart.number()).await), None, "what is taken out needs no look at the rest");

    changed(&tables, &cart, &add(BOTH)).await.unwrap();
    database.add_by_an_earlier_release(cart.number(), item(8, 1).price.as_str()).await;
    assert_eq!(own(&database.item(cart.number()).await), Some(("usd", false)), "0.1.0 meanwhile");
    changed(&tables, &cart, &add(BOTH)).await.unwrap();
    assert_eq!(own(&database.item(cart.number()).await), Some(("usd", true)));
}

#[tokio::test]
async fn what_an_earlier_release_put_beside_the_lines_is_seen_by_the_next_change() {
    let database = Database::open().await;
    let tables = (database.carts(), database.catalog());
    let cart = opened(&tables.0, DOLLARS).await;
    database.add_by_an_earlier_release(cart.number(), item(GIFT, 1).price.as_str()).await;

    let more = changed(&tables, &cart, &add(DOLLARS)).await;

    assert!(matches!(more, Err(ChangeError::Rejected(cart::Rejection::CustomAmountAlone(_)))), "{more:?}");
    assert_eq!(changed(&tables, &cart, &remove(DOLLARS)).await.unwrap().lines().len(), 1);
}

/// What the row says that its texts come to, where that counts.
fn texts(row: &HashMap<String, AttributeValue>) -> Option<usize> {
    row.get("tx").filter(|_| row.get("ov") == row.get("v")).map(|bytes| bytes.as_n().unwrap().parse().unwrap())
}

#[tokio::test]
async fn texts_that_an_earlier_release_put_into_an_empty_cart_are_counted_by_the_next_change() {
    let database = Database::open().await;
    let tables = (database.carts(), database.catalog());
    let details = Details { description: Some(cart::Description::new("blue").unwrap()), ..Details::default() };
    let described = Change::add(vec![cart::Addition { details, ..item(DOLLARS, 1) }]).unwrap();
    let emptied = [Change::Clear, remove(DOLLARS)];
    let cases = emptied.iter().flat_map(|emptied| [add(DOLLARS), described.clone()].map(|more| (emptied, more)));
    for (index, (emptied, more)) in (0..).zip(cases) {
        let cart = tables.0.open(number(11, index), &add(DOLLARS), &shop(), None, start()).await.unwrap().cart;
        changed(&tables, &cart, emptied).await.unwrap();
        database.attach_by_an_earlier_release(cart.number(), &"x".repeat(Cart::MAX_TEXT - 10)).await;

        let cart = changed(&tables, &cart, &more).await.unwrap();

        assert_eq!(texts(&database.item(cart.number()).await), Some(cart.text_bytes()), "{more:?}");
        let beyond = changed(&tables, &cart, &described_by(DOLLARS, "too long")).await;
        assert!(matches!(beyond, Err(ChangeError::Rejected(cart::Rejection::TextTooLong { .. }))), "{beyond:?}");
    }
}

/// Such a row is written without a look at it: what has no count needs none.
#[tokio::test]
async fn the_first_line_of_an_empty_cart_of_an_earlier_release_leaves_its_texts_uncounted() {
    let database = Database::open().await;
    let tables = (database.carts(), database.catalog());
    let cart = opened(&tables.0, DOLLARS).await;
    changed(&tables, &cart, &Change::Clear).await.unwrap();
    for attribute in ["tx", "ov"] {
        database.remove(cart.number(), attribute).await;
    }
    database.attach_by_an_earlier_release(cart.number(), "x").await;

    changed(&tables, &cart, &add(DOLLARS)).await.unwrap();

    let row = database.item(cart.number()).await;
    assert_eq!((own(&row), texts(&row)), (Some(("usd", true)), None));
    changed(&tables, &cart, &described_by(DOLLARS, "blue")).await.unwrap();
    assert_eq!(texts(&database.item(cart.number()).await), Some(5 + 4));
}
