//! Stripe's events reach the shop in any order and more than once: the catalogue ends up as Stripe has it.

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use catalog::Catalog;
use fixtures::proxy::{self, Proxy};
use fixtures::{Shop, StripeAnswer};
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reqwest::Method;
use serde_json::{Value, json};
use services::Services;
use store::{AsOf, CatalogTable, Reach};
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
        let at = |second: &i64| AsOf::fetched(cart::Timestamp::from_second(*second).unwrap());
        let save = async |news: &News| match news {
            News::Product(product, second) => {
                let product = serde_json::from_value(product.clone()).unwrap();
                catalog.save_product(&product, at(second), Reach::ActivePrices).await
            }
            News::Price(price, second) => {
                let price: cart::Price = serde_json::from_value(price.clone()).unwrap();
                catalog.save_prices(&price.product, &[&price], at(second)).await.map(drop)
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

const SUBJECTS: [(&str, &str); 2] = [("price", "/v1/prices/price_mug"), ("product", "/v1/products/prod_mug")];
const CHANGES: [&str; 3] = ["created", "updated", "deleted"];

/// An event that is signed and says what is not so.
fn forged(subject: &str, change: &str, created: i64) -> Value {
    let object = match subject {
        "price" => json!({ "id": "price_mug", "object": "price", "product": "prod_mug", "currency": "usd",
                           "unit_amount": 1, "active": change != "deleted" }),
        _ => json!({ "id": "prod_mug", "object": "product", "name": "Forged", "active": change != "deleted" }),
    };
    json!({ "id": "evt_1", "object": "event", "type": format!("{subject}.{change}"), "created": created,
            "livemode": false, "data": { "object": object } })
}

#[tokio::test]
async fn what_an_event_says_of_a_price_or_a_product_is_not_believed_whatever_its_date() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let before = visitor.cart().await;
    let now = jiff::Timestamp::now().as_second();
    for created in [i64::MIN, -1, 0, now - 1, now, now + 3600, 9_999_999_999, i64::MAX] {
        for (subject, _) in SUBJECTS {
            for change in CHANGES {
                let answer = shop.deliver(&forged(subject, change, created)).await.ok();

                assert_eq!(answer["handled"], true, "{subject}.{change}, {created}");
                assert_eq!(visitor.cart().await, before, "{subject}.{change}, {created}");
            }
        }
    }

    // Nor does it keep out what comes later, by a sync or by an event.
    shop.sandbox().pause_webhooks(true);
    shop.stripe(Method::POST, "/v1/products/prod_mug", "name=Cup").await;
    shop.stack().sync().await.unwrap();
    assert_eq!(visitor.cart().await["products"]["prod_mug"]["name"], "Cup");
    shop.sandbox().pause_webhooks(false);
    shop.stripe(Method::POST, "/v1/prices/price_mug", "nickname=New").await;
    assert_eq!(visitor.cart().await["items"][0]["nickname"], "New");
}

/// Stripe answers 404 for a price that was deleted, and for a product with a stub.
///
/// Source: <https://docs.stripe.com/api/products/delete>
#[tokio::test]
async fn what_stripe_no_longer_has_is_retired_whatever_the_event_says() {
    for (subject, _) in SUBJECTS {
        for change in CHANGES {
            for (status, body) in [
                (404, json!({ "error": { "type": "invalid_request_error", "code": "resource_missing" } })),
                (200, json!({ "id": "x_mug", "object": subject, "deleted": true })),
            ] {
                let shop = Shop::open_on_wires([("CATALOG_CACHE_SECONDS", "0")]).await;
                let visitor = shop.add("price_mug", 1).await;
                let mut event = forged(subject, change, jiff::Timestamp::now().as_second());
                event["data"]["object"]["active"] = json!(true);
                let answer = StripeAnswer::Error { status, headers: vec![], body: body.to_string() };
                shop.wire().stripe_answers(Some(answer));

                assert_eq!(shop.deliver(&event).await.ok()["handled"], true);

                assert_eq!(
                    visitor.cart().await["warnings"],
                    json!([{ "code": "price_inactive", "price": "price_mug", "id": "price_mug" }]),
                    "{subject}.{change}, {status}"
                );
                // Of a price that is gone, the product is still there, with its other prices.
                let listed = listed(&shop, "prod_mug").await;
                assert_eq!(listed.is_some(), subject == "price", "{subject}.{change}, {status}");
                let mut prices = listed.iter().flat_map(|(_, prices)| prices);
                assert!(prices.all(|(id, _)| id != "price_mug"), "{subject}.{change}, {status}");
            }
        }
    }
}

#[tokio::test]
async fn where_stripe_has_too_many_requests_or_fails_the_event_comes_again() {
    let shop = Shop::open_on_wires([]).await;
    for (subject, path) in SUBJECTS {
        let form = if subject == "price" { "nickname=New" } else { "name=New" };
        shop.stripe(Method::POST, path, form).await;
        let event = shop.event(&format!("{subject}.updated"));
        for (status, headers, attempts, retry_after) in [
            (429, vec![("retry-after", "7")], 1, "7"),
            (429, vec![], 1, "1"),
            (429, vec![("stripe-should-retry", "true")], 1, "1"),
            (500, vec![], 3, "1"),
        ] {
            shop.wire().plan(None);
            let answer = StripeAnswer::Error { status, headers, body: "{}".to_owned() };
            shop.wire().stripe_answers(Some(answer));

            let answer = shop.deliver(&event).await;

            assert_eq!((answer.error(503).as_str(), answer.header("retry-after")), ("server_error", Some(retry_after)));
            let calls = shop.wire().calls();
            assert_eq!(calls.iter().filter(|call| call.starts_with("Stripe")).count(), attempts, "{calls:?}");
            assert_eq!(shop.wire().dynamodb_calls(), ["DynamoDB BatchGetItem"]);
        }
        shop.wire().stripe_answers(None);
        shop.deliver(&event).await.ok();
    }
    let cart = shop.visitor().add("price_mug", 1).await.ok();
    assert_eq!((&cart["products"]["prod_mug"]["name"], &cart["items"][0]["nickname"]), (&json!("New"), &json!("New")));
}

/// docs/costs.md names these.
#[tokio::test]
async fn an_event_about_a_price_or_a_product_costs_one_request_to_stripe_and_some_to_dynamodb() {
    let shop = Shop::open_on_wires([]).await;
    let told = async |event: &Value| {
        shop.wire().plan(None);
        shop.deliver(event).await.ok();
        shop.wire().calls()
    };
    // The T-shirt has one price, with amounts in other currencies and a lookup key.
    shop.stripe(Method::POST, "/v1/prices/price_tshirt", "nickname=New").await;
    shop.stripe(Method::POST, "/v1/products/prod_tshirt", "name=New").await;
    let [price, product] = ["price.updated", "product.updated"].map(|kind| shop.event(kind));

    let [read, query, write] = ["DynamoDB BatchGetItem", "DynamoDB Query", "DynamoDB UpdateItem"];
    assert_eq!(told(&price).await, [read, "Stripe GET /v1/prices/price_tshirt", read, write, write, read]);
    let of_product = [read, "Stripe GET /v1/products/prod_tshirt", read, write];
    assert_eq!(told(&product).await, [&of_product[..], &[query, write, write]].concat());
    // News that nothing is new of a product go to none of its prices.
    let mut again = product.clone();
    again["created"] = json!(9_999_999_999_i64);
    assert_eq!(told(&again).await, of_product);
    // Repeated in a later second, it is known to be older.
    for mut event in [price, product] {
        event["created"] = json!(event["created"].as_i64().unwrap() - 1);
        assert_eq!(told(&event).await, [read]);
    }
}

/// Stripe, as it is asked by way of a stand-in that counts what is under way at once.
struct Counted {
    seen: Arc<Mutex<Seen>>,
    server: Proxy,
}

#[derive(Default)]
struct Seen {
    under_way: usize,
    most_at_once: usize,
    paths: Vec<String>,
}

impl Seen {
    fn begins(&mut self, path: &str) {
        self.under_way += 1;
        self.most_at_once = self.most_at_once.max(self.under_way);
        self.paths.push(path.to_owned());
    }
}

impl Counted {
    async fn before(shop: &Shop) -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let (sandbox, client, counted) = (shop.sandbox().url(), reqwest::Client::new(), Arc::clone(&seen));
        let server = Proxy::start(None, move |parts, body| {
            let (sandbox, client, counted) = (sandbox.clone(), client.clone(), Arc::clone(&counted));
            async move {
                counted.lock().unwrap().begins(parts.uri.path());
                let answer = proxy::forward(&client, &sandbox, parts, body).await;
                counted.lock().unwrap().under_way -= 1;
                let answer = answer?;
                Ok(proxy::json(answer.status().as_u16(), answer.into_body()))
            }
        });
        Self { seen, server: server.await.unwrap() }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port())
    }

    /// What was seen since this was last asked.
    fn take(&self) -> Seen {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_events_at_once_one_asks_stripe_at_a_time() {
    const EVENTS: usize = 20;
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let stripe = Counted::before(&shop).await;
    let behind = shop.behind(shop.stack().dynamodb_url(), [("STRIPE_API_URL", &stripe.url())]).await;
    let mut events = Vec::new();
    for amount in 1..=10 {
        shop.price(amount).await;
        events.push(shop.event("price.created"));
    }
    for product in 0..10 {
        shop.stripe(Method::POST, "/v1/products", &format!("id=prod_{product}&name=New")).await;
        events.push(shop.event("product.created"));
    }
    stripe.take();

    let answers = join_all(events.iter().map(|event| behind.deliver(event))).await;

    assert!(answers.into_iter().all(|answer| answer.ok()["handled"] == true));
    let seen = stripe.take();
    assert_eq!((seen.most_at_once, seen.paths.len()), (1, EVENTS));
    for event in events {
        let object = &event["data"]["object"];
        let product = object["product"].as_str().unwrap_or_else(|| object["id"].as_str().unwrap());
        assert!(listed(&behind, product).await.is_some(), "{object}");
    }
}

#[tokio::test]
async fn events_about_one_object_that_came_before_it_was_read_are_told_by_one_request() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let stripe = Counted::before(&shop).await;
    let mut environment = shop.stack().environment().clone();
    environment.set("STRIPE_API_URL", stripe.url());
    let catalog = Catalog::new(&Services::new(environment).unwrap()).unwrap();
    let mut events = Vec::new();
    for index in 0..20 {
        shop.stripe(Method::POST, "/v1/products/prod_mug", &format!("name=Mug {index}")).await;
        events.push(serde_json::from_value::<payments::Event>(shop.event("product.updated")).unwrap());
    }

    let now = jiff::Timestamp::now();
    let applied = join_all(events.iter().map(|event| catalog.apply_event(event, now))).await;

    assert!(applied.into_iter().all(Result::unwrap));
    assert_eq!(stripe.take().paths, ["/v1/products/prod_mug"]);
    assert_eq!(listed(&shop, "prod_mug").await.unwrap().0, "Mug 19");
}

#[tokio::test]
async fn an_object_that_this_version_cannot_read_stays_as_it_is() {
    let shop = Shop::open_on_wires([]).await;
    let visitor = shop.add("price_mug", 1).await;
    let before = visitor.cart().await;
    for (subject, _) in SUBJECTS {
        let strange = json!({ "id": "price_mug", "object": subject, "billing_scheme": "by_weight", "metadata": 7 });
        shop.wire().stripe_answers(Some(StripeAnswer::Error {
            status: 200,
            headers: vec![],
            body: strange.to_string(),
        }));

        let answer = shop.deliver(&forged(subject, "updated", jiff::Timestamp::now().as_second())).await.ok();

        assert_eq!(answer["handled"], true, "{subject}");
    }
    assert_eq!(visitor.cart().await, before);
}
