//! What a cart's row says about the prices of its lines, and rows that do not say it.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use cart::{Addition, AdjustableQuantity, Cart, Change, Details, LineUpdate, Metadata, Quantity, Rejection, Setting};
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

#[tokio::test]
async fn the_first_line_of_an_empty_cart_of_an_earlier_release_has_its_texts_counted() {
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
    assert_eq!((own(&row), texts(&row)), (Some(("usd", true)), Some(5)));
    changed(&tables, &cart, &described_by(DOLLARS, "blue")).await.unwrap();
    assert_eq!(texts(&database.item(cart.number()).await), Some(5 + 4));
}

/// The numbers of the bounds in a row, by price.
fn numbers(row: &HashMap<String, AttributeValue>) -> BTreeMap<u64, [u64; 2]> {
    let number = |bounds: &AttributeValue, name| bounds.as_m().unwrap()[name].as_n().unwrap().parse().unwrap();
    let of = |price: &String| price[price.len() - 4..].parse().unwrap();
    let bounds = row["lb"].as_m().unwrap().iter();
    bounds.map(|(price, bounds)| (of(price), ["n", "x"].map(|name| number(bounds, name)))).collect()
}

fn bounded(price: u64, quantity: u64, minimum: Option<u64>, maximum: Option<u64>) -> Addition {
    let adjustable_quantity = Some(AdjustableQuantity::new(true, minimum, maximum).unwrap());
    Addition { details: Details { adjustable_quantity, ..Details::default() }, ..item(price, quantity) }
}

#[tokio::test]
async fn bounds_stand_in_numbers_for_a_few_lines_and_hold_for_all() {
    let database = Database::open().await;
    let tables = (database.carts(), database.catalog());
    let cart = opened(&tables.0, DOLLARS).await;
    let add = |items| Change::add(items).unwrap();
    let prices: Vec<u64> = (1..=30).map(|index| index * 8).collect();

    changed(&tables, &cart, &add(vec![bounded(DOLLARS, 1, None, None)])).await.unwrap();
    changed(&tables, &cart, &add(vec![bounded(8, 2, Some(2), Some(5)), bounded(16, 2, None, Some(5))])).await.unwrap();
    assert_eq!(
        numbers(&database.item(cart.number()).await),
        BTreeMap::from([(DOLLARS, [0, 999_999]), (8, [2, 5]), (16, [0, 5])])
    );
    for several in prices.chunks(10) {
        let several = several.iter().map(|price| bounded(*price, 2, Some(2), Some(5))).collect();
        changed(&tables, &cart, &add(several)).await.unwrap();
    }

    assert!(numbers(&database.item(cart.number()).await).len() <= 12);
    for price in prices {
        let line = || item(price, 1).line();
        let set = |quantity| Change::Line(LineUpdate::Set(Setting::new(line(), Quantity::new(quantity).unwrap())));
        for wrong in [set(1), set(6), add(vec![item(price, 4)])] {
            let refused = changed(&tables, &cart, &wrong).await;
            assert!(
                matches!(refused, Err(ChangeError::Rejected(Rejection::QuantityOutOfRange { .. }))),
                "{wrong:?}: {refused:?}"
            );
        }
        changed(&tables, &cart, &set(5)).await.unwrap();
    }
    changed(&tables, &cart, &Change::Clear).await.unwrap();
    assert_eq!(numbers(&database.item(cart.number()).await), BTreeMap::new());
}

/// It writes the text of the bounds alone.
#[tokio::test]
async fn bounds_that_an_earlier_release_wrote_hold() {
    let database = Database::open().await;
    let tables = (database.carts(), database.catalog());
    let more = |units| Change::add(vec![item(DOLLARS, units)]).unwrap();
    let set = |quantity| {
        let line = item(DOLLARS, 1).line();
        Change::update(vec![LineUpdate::Set(Setting::new(line, Quantity::new(quantity).unwrap()))])
    };
    for (index, (wrong, right)) in (0..).zip([(more(1), set(2)), (more(5), set(3)), (set(6), set(2)), (set(1), set(3))])
    {
        let first = Change::add(vec![bounded(DOLLARS, 3, None, Some(900))]).unwrap();
        let cart = tables.0.open(number(12, index), &first, &shop(), None, start()).await.unwrap().cart;
        database.bound_by_an_earlier_release(cart.number(), &item(DOLLARS, 1).line(), "1:2:3").await;
        assert_eq!(numbers(&database.item(cart.number()).await), BTreeMap::from([(DOLLARS, [0, 900])]));

        let refused = changed(&tables, &cart, &wrong).await;
        assert!(
            matches!(refused, Err(ChangeError::Rejected(Rejection::QuantityOutOfRange { .. }))),
            "{wrong:?}: {refused:?}"
        );
        changed(&tables, &cart, &right).await.unwrap();
        assert_eq!(numbers(&database.item(cart.number()).await), BTreeMap::from([(DOLLARS, [2, 3])]));
    }
}
