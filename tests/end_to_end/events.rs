//! Stripe's events reach the shop in any order and more than once: the catalogue ends up as Stripe has it.

use std::cell::Cell;

use fixtures::Shop;
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reqwest::Method;
use serde_json::{Value, json};
use store::{AsOf, CatalogTable};
use tokio::runtime::Runtime;

fn cases(cases: u32) -> TestRunner {
    // Nothing is kept of a failed case but what is printed.
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

/// Orders in which `count` pieces of news may arrive: each at least once, some again.
fn deliveries(count: usize) -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(0..count, 0..count).prop_flat_map(move |again| {
        let all: Vec<usize> = (0..count).chain(again).collect();
        Just(all).prop_shuffle()
    })
}

/// What the shop lists of a product: its name, and its prices with their nicknames.
async fn listed(shop: &Shop, product: &str) -> Option<(Value, Vec<(Value, Value)>)> {
    let page = shop.get("/products?limit=100").await.ok();
    let found = page["data"].as_array().unwrap().iter().find(|listed| listed["id"] == product).cloned()?;
    let prices = found["prices"].as_array().unwrap();
    let mut prices: Vec<_> = prices.iter().map(|price| (price["id"].clone(), price["nickname"].clone())).collect();
    prices.sort_by_key(|(id, _)| id.to_string());
    Some((found["name"].clone(), prices))
}

/// A product with prices, changed back and forth, and the events that came of it; `seconds` lie between two of them.
async fn history(shop: &Shop, product: &str, seconds: i64) -> Vec<Value> {
    let before = shop.sandbox().events().len();
    shop.stripe(Method::POST, "/v1/products", &format!("id={product}&name=first")).await;
    let form = format!("product={product}&currency=usd&unit_amount=100&nickname=first");
    let mut prices = Vec::new();
    for _ in 0..2 {
        let price = shop.stripe(Method::POST, "/v1/prices", &form).await;
        prices.push(price["id"].as_str().unwrap().to_owned());
    }
    for change in ["name=second", "active=false", "active=true", "name=last"] {
        shop.stripe(Method::POST, &format!("/v1/products/{product}"), change).await;
    }
    for change in ["nickname=second", "active=false", "nickname=last", "active=true"] {
        shop.stripe(Method::POST, &format!("/v1/prices/{}", prices[0]), change).await;
    }
    assert!(shop.sandbox().delete_price(&prices[1]));
    let mut events = shop.sandbox().events().split_off(before);
    assert_eq!(events.len(), 12);
    let now = cart::Timestamp::now().as_second();
    for (index, event) in events.iter_mut().enumerate() {
        event["created"] = json!(now - 1000 + seconds * i64::try_from(index).unwrap());
    }
    events
}

async fn ends_up_as_stripe_has_it(shop: &Shop, product: &str, seconds: i64, order: &[usize], at_once: bool) {
    let events = history(shop, product, seconds).await;

    let deliveries = order.iter().map(|index| shop.deliver(&events[*index]));
    if at_once {
        for answer in join_all(deliveries).await {
            answer.ok();
        }
    } else {
        for delivery in deliveries {
            delivery.await.ok();
        }
    }

    let id = &events[1]["data"]["object"]["id"];
    let expected = (json!("last"), vec![(id.clone(), json!("last"))]);
    assert_eq!(listed(shop, product).await, Some(expected), "{order:?}, {seconds} s apart, at once: {at_once}");
}

#[test]
fn shuffled_and_repeated_events_leave_what_stripe_has() {
    let runtime = Runtime::new().unwrap();
    let shop = runtime.block_on(Shop::open_on(&json!({}), []));
    shop.sandbox().pause_webhooks(true);
    let product = Cell::new(0);

    // Seconds apart, and all within one second, where only Stripe can tell which is the newest.
    let strategy = (deliveries(12), 0_i64..3, any::<bool>());
    let outcome = cases(12).run(&strategy, |(order, seconds, at_once)| {
        product.set(product.get() + 1);
        runtime.block_on(ends_up_as_stripe_has_it(&shop, &format!("prod_{}", product.get()), seconds, &order, at_once));
        Ok(())
    });

    outcome.unwrap();
}

/// One piece of news for the table, with its time.
#[derive(Clone, Debug)]
enum News {
    Product(Value, i64),
    Price(Value, i64),
}

#[test]
fn news_in_any_order_leave_the_newest_in_the_table() {
    let runtime = Runtime::new().unwrap();
    let shop = runtime.block_on(Shop::open_on(&json!({}), []));
    let environment = shop.stack().environment();
    let catalog = CatalogTable::new(&shop.stack().services().database, environment).unwrap();
    let case = Cell::new(0);

    let outcome = cases(24).run(&(deliveries(9), any::<bool>()), |(order, at_once)| {
        case.set(case.get() + 1);
        let (product, price) = (format!("prod_{}", case.get()), format!("price_{}", case.get()));
        let news: Vec<News> = (0..9)
            .map(|index: i64| match index % 3 {
                0 => News::Product(json!({ "id": product, "name": format!("{index}") }), index),
                kind => News::Price(
                    json!({ "id": format!("{price}_{kind}"), "product": product, "currency": "usd",
                            "unit_amount": index, "active": index != 5 }),
                    index,
                ),
            })
            .collect();
        let save = async |news: &News| match news {
            News::Product(product, second) => {
                let product = serde_json::from_value(product.clone()).unwrap();
                catalog.save_product(&product, AsOf::event(*second)).await.map(drop)
            }
            News::Price(price, second) => {
                let price: cart::Price = serde_json::from_value(price.clone()).unwrap();
                catalog.save_prices(&price.product, &[&price], AsOf::event(*second)).await.map(drop)
            }
        };
        runtime.block_on(async {
            if at_once {
                join_all(order.iter().map(|index| save(&news[*index]))).await.into_iter().for_each(Result::unwrap);
            } else {
                for index in &order {
                    save(&news[*index]).await.unwrap();
                }
            }

            // The last news of the prices are 7 and 8, of the product 6.
            for (kind, amount) in [(1, 7), (2, 8)] {
                let id = format!("{price}_{kind}").parse().unwrap();
                let offers = catalog.fresh_offers([&id]).await.unwrap();
                let offer = offers.get(&id).unwrap();
                assert_eq!((offer.price.unit_amount, offer.product.name.as_str()), (Some(amount), "6"), "{order:?}");
                assert!(offer.is_active());
            }
        });
        Ok(())
    });

    outcome.unwrap();
}

#[tokio::test]
async fn a_price_that_was_deleted_stays_deleted_whatever_comes_after() {
    let shop = Shop::open().await;
    let updated = shop.stripe(Method::POST, "/v1/prices/price_mug", "nickname=x").await;
    let updated_event = shop.event("price.updated");
    assert!(shop.sandbox().delete_price("price_mug"));
    shop.sandbox().settled().await;

    shop.deliver(&updated_event).await.ok();

    assert_eq!(updated["active"], true);
    assert_eq!(shop.visitor().add("price_mug", 1).await.error(404), "price_not_found");
}

#[tokio::test]
async fn an_event_older_than_what_is_known_costs_no_request_to_stripe() {
    let shop = Shop::open().await;
    shop.stripe(Method::POST, "/v1/prices/price_mug", "nickname=x").await;
    let mut old = shop.event("price.updated");
    old["created"] = json!(1_700_000_000);
    let before = shop.sandbox().requests().len();

    for _ in 0..3 {
        shop.deliver(&old).await.ok();
    }

    assert_eq!(shop.sandbox().requests().len(), before);
}
