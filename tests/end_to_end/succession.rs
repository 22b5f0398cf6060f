//! The prices that take the place of archived ones, as the catalogue finds them.

use std::cell::Cell;
use std::collections::BTreeMap;

use cart::{Offer, Offers, Price, PriceId};
use fixtures::Shop;
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reqwest::Method;
use serde_json::{Value, json};
use store::{AsOf, CatalogTable, Reach};
use tokio::runtime::Runtime;

fn table(shop: &Shop) -> CatalogTable {
    CatalogTable::new(&shop.stack().services().database, shop.stack().environment()).unwrap()
}

async fn offers(catalog: &CatalogTable, id: &str) -> Offers {
    catalog.fresh_offers([&id.parse().unwrap()]).await.unwrap()
}

/// The successor of a price, by its id.
async fn successor(catalog: &CatalogTable, id: &str) -> Option<String> {
    let successors: BTreeMap<PriceId, _> = catalog.fresh_successors(&offers(catalog, id).await).await.unwrap();
    successors.get(id).map(|offer| offer.price.id.to_string())
}

/// Makes a price of the mug; returns its id.
async fn price(shop: &Shop, form: &str) -> String {
    let price = shop.stripe(Method::POST, "/v1/prices", &format!("product=prod_mug&currency=usd&{form}")).await;
    price["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_price_that_the_key_moved_to_follows_and_else_the_default_price() {
    let shop = Shop::open().await;
    let catalog = table(&shop);
    let archive = async |id: &str| shop.stripe(Method::POST, &format!("/v1/prices/{id}"), "active=false").await;
    assert_eq!(successor(&catalog, "price_mug").await, None);

    // The mug's price has the key `mug`.
    let second = price(&shop, "unit_amount=1300&lookup_key=mug&transfer_lookup_key=true").await;
    archive("price_mug").await;
    assert_eq!(successor(&catalog, "price_mug").await, Some(second.clone()));
    let third = price(&shop, "unit_amount=1400&lookup_key=mug&transfer_lookup_key=true").await;
    archive(&second).await;
    assert_eq!(successor(&catalog, "price_mug").await, Some(third.clone()));
    assert_eq!(successor(&catalog, &second).await, Some(third.clone()));

    archive(&third).await;
    assert_eq!(successor(&catalog, "price_mug").await, None);
    let default = price(&shop, "unit_amount=1500").await;
    shop.stripe(Method::POST, "/v1/products/prod_mug", &format!("default_price={default}")).await;
    // The product's news reach prices that are archived by the sync.
    shop.stack().sync().await.unwrap();
    for id in ["price_mug", &second, &third] {
        assert_eq!(successor(&catalog, id).await, Some(default.clone()), "{id}");
    }
}

#[tokio::test]
async fn a_key_that_moved_while_no_event_came_is_found_by_the_sync() {
    let shop = Shop::open().await;
    let catalog = table(&shop);
    shop.sandbox().pause_webhooks(true);
    let second = price(&shop, "unit_amount=1300&lookup_key=mug&transfer_lookup_key=true").await;
    shop.stripe(Method::POST, "/v1/prices/price_mug", "active=false").await;

    shop.stack().sync().await.unwrap();

    assert_eq!(successor(&catalog, "price_mug").await, Some(second));
    assert_eq!(shop.stack().sync().await.unwrap().written, 0);
}

#[tokio::test]
async fn a_row_that_says_another_than_the_keys_price_is_repaired_by_the_sync() {
    let shop = Shop::open().await;
    let rows = shop.table("CATALOG_TABLE").scan().await;
    let mut row = rows.into_iter().find(|row| row["id"]["S"] == "lookup#mug").unwrap();
    let right = row.clone();
    row["holder"] = json!({ "S": "price_tshirt" });
    row["holder_ms"] = json!({ "N": "1" });
    shop.table("CATALOG_TABLE").put(&row).await;

    let report = shop.stack().sync().await.unwrap();

    assert_eq!(report.written, 1);
    let rows = shop.table("CATALOG_TABLE").scan().await;
    assert_eq!(rows.iter().find(|row| row["id"] == right["id"]).unwrap()["holder"], right["holder"]);
}

#[tokio::test]
async fn offers_that_are_for_sale_cost_no_request_and_archived_ones_one() {
    let shop = Shop::open_on_wires([]).await;
    shop.add("price_mug", 1).await;
    let environment = shop.stack().environment();
    let catalog = CatalogTable::new(&shop.stack().services().database, environment).unwrap();
    let offers = offers(&catalog, "price_mug").await;
    shop.wire().plan(None);

    assert!(catalog.successors(&offers).await.unwrap().is_empty());

    assert_eq!(shop.wire().calls(), Vec::<String>::new());
    let offer = offers.iter().next().unwrap();
    let archived = Offer { price: Price { active: false, ..offer.price.clone() }, ..(**offer).clone() };
    shop.wire().plan(None);
    catalog.successors(&[archived].into_iter().collect()).await.unwrap();
    // The price that has the key is in memory.
    assert_eq!(shop.wire().calls(), ["DynamoDB BatchGetItem"]);
}

/// Readings of three prices among which a key moves, by the second in which they were read: the last has it now.
fn readings(case: u32) -> Vec<(Value, i64)> {
    let price = |name: &str, key: Option<&str>, active: bool| {
        json!({ "id": format!("price_{case}_{name}"), "product": format!("prod_{case}"), "currency": "usd",
                "unit_amount": 100, "lookup_key": key.map(|key| format!("{key}_{case}")), "active": active })
    };
    vec![
        (price("a", Some("first"), true), 1),
        (price("a", Some("mug"), true), 2),
        (price("a", None, true), 3),
        (price("b", Some("mug"), true), 4),
        (price("a", None, false), 5),
        (price("b", None, true), 6),
        (price("c", Some("mug"), true), 7),
        (price("b", None, false), 8),
    ]
}

#[test]
fn readings_in_any_order_end_in_the_same_successors() {
    let runtime = Runtime::new().unwrap();
    let shop = runtime.block_on(Shop::open_on(&json!({}), []));
    let catalog = table(&shop);
    let case = Cell::new(0);
    let order = Just((0..8).collect::<Vec<usize>>()).prop_shuffle();

    let outcome = TestRunner::new(Config { cases: 32, failure_persistence: None, ..Config::default() }).run(
        &(order, any::<bool>(), 0..8_usize),
        |(order, at_once, repeated)| {
            case.set(case.get() + 1);
            let case = case.get();
            let readings = readings(case);
            let at = |second: i64| AsOf::fetched(cart::Timestamp::from_second(second).unwrap());
            let save = async |index: usize| {
                let (price, second) = &readings[index];
                let price: cart::Price = serde_json::from_value(price.clone()).unwrap();
                catalog.save_prices(&price.product, &[&price], at(*second)).await.unwrap();
            };
            runtime.block_on(async {
                let product = serde_json::from_value(json!({ "id": format!("prod_{case}") })).unwrap();
                catalog.save_product(&product, at(1), Reach::ActivePrices).await.unwrap();
                if at_once {
                    join_all(order.iter().map(|index| save(*index))).await;
                } else {
                    for index in &order {
                        save(*index).await;
                    }
                }
                save(repeated).await;

                for name in ["a", "b"] {
                    let found = successor(&catalog, &format!("price_{case}_{name}")).await;
                    assert_eq!(found, Some(format!("price_{case}_c")), "{name}: {order:?}");
                }
            });
            Ok(())
        },
    );

    outcome.unwrap();
}
