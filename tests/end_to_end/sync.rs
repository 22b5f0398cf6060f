//! The whole catalogue, copied and repaired.

use catalog::{Catalog, Progress};
use fixtures::{Call, Shop, Wire};
use reqwest::Method;
use serde_json::{Value, json};
use services::Services;
use store::{AsOf, CatalogTable};

const PRODUCTS: usize = 1000;
const PRICES: usize = 3000;

fn large_catalogue() -> Value {
    let products: Vec<Value> = (0..PRODUCTS)
        .map(|index| json!({ "id": format!("prod_{index:04}"), "name": format!("Product {index}") }))
        .collect();
    let prices: Vec<Value> = (0..PRICES)
        .map(|index| {
            json!({ "id": format!("price_{index:04}"), "product": format!("prod_{:04}", index / 3), "currency": "usd",
                    "unit_amount": 100 + index })
        })
        .collect();
    json!({ "products": products, "prices": prices })
}

/// The catalogue of a shop, which reaches DynamoDB and Stripe by way of these wires.
async fn on_wires(shop: &Shop) -> (Catalog, Wire, Wire) {
    let (dynamodb, [dynamodb_url]) = Wire::to([shop.stack().dynamodb_url()]).await;
    let (stripe, [stripe_url]) = Wire::to([&shop.sandbox().url()]).await;
    let mut environment = shop.stack().environment().clone();
    environment.set("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url);
    environment.set("STRIPE_API_URL", stripe_url);
    let catalogue = Catalog::new(&Services::new(environment).unwrap()).unwrap();
    (catalogue, dynamodb, stripe)
}

fn count(seen: &[Call], operation: &str) -> usize {
    seen.iter().filter(|seen| seen.operation == operation).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_prices_are_copied_in_pages_of_a_hundred_and_unchanged_ones_are_not_written_again() {
    // The shop itself syncs when it opens: that is the first run.
    let shop = Shop::open_on(&large_catalogue(), []).await;
    let pages = |path: &str| shop.stripe_requests("GET", path);
    assert_eq!((pages("/v1/products"), pages("/v1/prices")), (10, 30));
    let visitor = shop.visitor();
    assert_eq!(visitor.add("price_0000", 1).await.ok()["total_price_minor"], 100);
    assert_eq!(visitor.add("price_2999", 1).await.ok()["total_price_minor"], 3199);

    let (catalogue, dynamodb, stripe) = on_wires(&shop).await;
    let mut told = Vec::new();
    let done = catalogue.sync(|progress| told.push(progress)).await.unwrap();

    assert_eq!(done, Progress { products: PRODUCTS, prices: PRICES, written: 0, retired: 0 });
    assert_eq!(told.len(), 41);
    assert!(told.is_sorted_by_key(|progress| progress.products + progress.prices));
    assert_eq!(stripe.take().len(), 40);
    let seen = dynamodb.take();
    assert_eq!(count(&seen, "Scan"), seen.len(), "{:?}", seen.iter().map(|seen| &seen.operation).collect::<Vec<_>>());

    // A row that changed is written, and its page's others are not.
    shop.sandbox().pause_webhooks(true);
    shop.stripe(Method::POST, "/v1/prices/price_1500", "nickname=changed").await;
    let done = catalogue.sync(|_| ()).await.unwrap();
    assert_eq!(done.written, 1);
    assert_eq!(count(&dynamodb.take(), "UpdateItem"), 1);

    // A rate limit and an outage in the middle are ridden out.
    shop.stripe(Method::POST, "/v1/products/prod_0999", "name=changed").await;
    stripe.take();
    stripe.script([None, Some(429), None, Some(500), Some(503), None, None]);
    let done = catalogue.sync(|_| ()).await.unwrap();
    assert_eq!((done.products, done.prices, done.written), (PRODUCTS, PRICES, 4));
    assert_eq!(stripe.take().len(), 43);
    assert_eq!(visitor.cart().await["products"]["prod_0999"]["name"], "changed");
}

#[tokio::test]
async fn a_sync_that_was_killed_is_finished_by_the_next() {
    let shop = Shop::open().await;
    let (catalogue, dynamodb, _stripe) = on_wires(&shop).await;
    shop.sandbox().pause_webhooks(true);
    shop.stripe(Method::POST, "/v1/products/prod_mug", "name=New mug").await;
    shop.stripe(Method::POST, "/v1/prices/price_mug", "nickname=New").await;

    // Every write may be the last one: with each step, one more gets through.
    let mut runs = 0;
    loop {
        dynamodb.script(std::iter::repeat_n(None, 1 + runs).chain([Some(400)]));
        runs += 1;
        match catalogue.sync(|_| ()).await {
            Ok(_) => break,
            Err(error) => assert!(matches!(error, catalog::Error::Store(_)), "{error}"),
        }
        assert!(runs < 20);
    }
    dynamodb.script([]);

    assert!(runs > 2, "{runs}");
    assert_eq!(catalogue.sync(|_| ()).await.unwrap().written, 0);
    let cart = shop.visitor().add("price_mug", 1).await.ok();
    assert_eq!(cart["products"]["prod_mug"]["name"], "New mug");
    assert_eq!(cart["items"][0]["nickname"], "New");
}

#[tokio::test]
async fn a_sync_that_stripe_stops_says_so_and_can_be_run_again() {
    let shop = Shop::open().await;
    let (catalogue, _dynamodb, stripe) = on_wires(&shop).await;
    stripe.script([None, Some(401)]);

    let error = catalogue.sync(|_| ()).await.unwrap_err();

    assert!(matches!(error, catalog::Error::Stripe(_)), "{error}");
    assert!(catalogue.sync(|_| ()).await.is_ok());
}

#[tokio::test]
async fn what_stripe_deleted_unheard_is_taken_off_the_shelf() {
    let catalogue = json!({
        "products": [{ "id": "prod_a", "name": "A" }, { "id": "prod_b", "name": "B" }],
        "prices": [{ "id": "price_a", "product": "prod_a", "currency": "usd", "unit_amount": 100 },
                   { "id": "price_b", "product": "prod_a", "currency": "usd", "unit_amount": 200 }],
    });
    let shop = Shop::open_on(&catalogue, []).await;
    let visitor = shop.add("price_a", 1).await;
    shop.sandbox().pause_webhooks(true);
    assert!(shop.sandbox().delete_price("price_a"));
    shop.stripe(Method::DELETE, "/v1/products/prod_b", "").await;

    let report = shop.stack().sync().await.unwrap();

    assert_eq!((report.products, report.prices, report.written, report.retired), (1, 1, 0, 2));
    assert_eq!(visitor.cart().await["warnings"][0]["price"], "price_a");
    assert_eq!(visitor.add("price_b", 1).await.ok()["total_price_minor"], 200);
    let listed = shop.get("/products").await.ok();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    // A second run finds nothing left to retire.
    assert_eq!(shop.stack().sync().await.unwrap().retired, 0);
}

#[tokio::test]
async fn a_missed_change_of_a_tag_is_repaired() {
    let shop = Shop::open_with([("SYNC_MODE", "tagged")]).await;
    let visitor = shop.visitor();
    shop.sandbox().pause_webhooks(true);

    shop.stripe(Method::POST, "/v1/products/prod_mug", "metadata[enupal-sync]=1").await;
    shop.stack().sync().await.unwrap();
    assert_eq!(visitor.add("price_mug", 1).await.ok()["item_count"], 1);

    shop.stripe(Method::POST, "/v1/products/prod_mug", "metadata[enupal-sync]=").await;
    shop.stack().sync().await.unwrap();
    assert_eq!(visitor.add("price_mug", 1).await.error(404), "price_not_found");
}

/// The row of the catalogue with this id, with `stamp` as the time of both of its registers.
async fn dated(shop: &Shop, id: &str, stamp: i64) -> Value {
    let rows = shop.table("CATALOG_TABLE").scan().await;
    let mut row = rows.into_iter().find(|row| row["id"]["S"] == id).unwrap();
    for time in ["price_ms", "product_ms"] {
        if row.get(time).is_some() {
            row[time] = json!({ "N": stamp.to_string() });
        }
    }
    row
}

#[tokio::test]
async fn rows_that_are_dated_in_the_future_but_right_are_dated_back_so_that_events_change_them() {
    let shop = Shop::open().await;
    let in_an_hour = jiff::Timestamp::now().as_millisecond() + 60 * 60 * 1000;
    for id in ["price_mug", "product#prod_mug"] {
        shop.table("CATALOG_TABLE").put(&dated(&shop, id, in_an_hour).await).await;
    }

    let report = shop.stack().sync().await.unwrap();

    assert_eq!(report.written, 0);
    shop.stripe(Method::POST, "/v1/prices/price_mug", "nickname=New").await;
    shop.stripe(Method::POST, "/v1/products/prod_mug", "name=Cup").await;
    let cart = shop.visitor().add("price_mug", 1).await.ok();
    assert_eq!((&cart["items"][0]["nickname"], &cart["products"]["prod_mug"]["name"]), (&json!("New"), &json!("Cup")));
}

#[tokio::test]
async fn a_row_that_was_written_since_the_inventory_is_not_dated_back() {
    let shop = Shop::open().await;
    let table = CatalogTable::new(&shop.stack().services().database, shop.stack().environment()).unwrap();
    let now = jiff::Timestamp::now();
    shop.table("CATALOG_TABLE").put(&dated(&shop, "product#prod_mug", now.as_millisecond() + 5000).await).await;
    let inventory = table.inventory(|| AsOf::fetched(now)).await.unwrap();
    let written = dated(&shop, "product#prod_mug", now.as_millisecond() + 7).await;
    shop.table("CATALOG_TABLE").put(&written).await;

    table.date_back(&inventory).await.unwrap();

    assert_eq!(inventory.misdated(), 1);
    assert_eq!(dated(&shop, "product#prod_mug", now.as_millisecond() + 7).await, written);
    let stored = shop.table("CATALOG_TABLE").scan().await;
    assert!(stored.contains(&written), "{stored:?}");
}

#[tokio::test]
async fn what_a_forged_event_put_on_the_shelf_is_taken_off_by_the_next_sync() {
    let shop = Shop::open().await;
    for (key, id, forged) in
        [("price_mug", "price_mug", "price_forged"), ("product#prod_mug", "prod_mug", "prod_forged")]
    {
        let row = dated(&shop, key, i64::MAX).await.to_string().replace(id, forged);
        shop.table("CATALOG_TABLE").put(&serde_json::from_str(&row).unwrap()).await;
    }
    let visitor = shop.add("price_forged", 1).await;

    let report = shop.stack().sync().await.unwrap();

    assert_eq!((report.written, report.retired), (0, 2));
    assert_eq!(visitor.cart().await["warnings"][0]["price"], "price_forged");
    let listed = shop.get("/products?limit=100").await.ok();
    assert!(listed["data"].as_array().unwrap().iter().all(|product| product["id"] != "prod_forged"));
}
