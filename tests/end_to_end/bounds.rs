//! What a cart may come to, and how often it may be changed and checked out.

use fixtures::{Answer, Shop, Visitor};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::clock::within_an_hour;

/// Source: section "Limits" of README.
const MOST_TEXT: usize = 16 * 1024;

/// Metadata with so many bytes in keys and values, in characters of three bytes as far as that goes.
fn metadata(bytes: usize) -> Value {
    let mut rest = bytes;
    let mut entries = Map::new();
    for index in 0..40 {
        let key = format!("{index:02}");
        let value = "☂".repeat((rest.saturating_sub(2) / 3).min(490));
        if value.is_empty() {
            break;
        }
        rest -= key.len() + value.len();
        entries.insert(key, Value::String(value));
    }
    let (_, first) = entries.iter_mut().next().unwrap();
    *first = format!("{}{}", first.as_str().unwrap(), "x".repeat(rest)).into();
    Value::Object(entries)
}

fn bytes_of(metadata: &Value) -> usize {
    metadata.as_object().unwrap().iter().map(|(key, value)| key.len() + value.as_str().unwrap().len()).sum()
}

fn in_form(metadata: &Value) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (key, value) in metadata.as_object().unwrap() {
        form.append_pair(&format!("metadata[{key}]"), value.as_str().unwrap());
    }
    form.finish()
}

/// Source: RFC 9110, section 10.2.3.
#[track_caller]
fn is_too_many(answer: &Answer, at_most: u64) {
    assert_eq!(answer.error(429), "too_many_requests");
    assert_eq!(
        (answer.json()["message"].clone(), answer.json()["details"].clone()),
        ("Too many requests for this cart".into(), json!({}))
    );
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=at_most).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn texts_beyond_16_kb_are_refused_whatever_they_are_and_nothing_is_saved() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let attach = |bytes| json!({ "metadata": metadata(bytes) });
    assert_eq!(bytes_of(&metadata(9000)), 9000);
    visitor.update(attach(MOST_TEXT - 3000)).await.ok();
    let before = visitor.cart().await;
    let long = "☂".repeat(330);
    let engraved = |count: usize| {
        let attributes: Map<_, _> = (0..count).map(|index| (format!("{index:02}"), json!("x".repeat(500)))).collect();
        json!({ "items": [{ "price": "price_mug", "attributes": attributes }] })
    };
    let described = |prices: &[&str]| {
        let lines = prices.iter().map(|price| json!({ "price": price, "description": long }));
        json!({ "items": lines.collect::<Vec<_>>() })
    };
    let prices = ["price_mug", "price_tshirt", "price_poster", "price_sticker"];

    let set: Map<_, _> =
        prices.map(|price| (price.to_owned(), json!({ "quantity": 1, "description": long }))).into_iter().collect();
    let refused = [
        visitor.post("/cart/add", engraved(6)).await,
        visitor.post("/cart/add", described(&prices)).await,
        visitor.update(json!({ "updates": set })).await,
        visitor.update(attach(MOST_TEXT + 1)).await,
        visitor.post_form("/cart/update", &in_form(&metadata(MOST_TEXT + 1))).await,
    ];

    for answer in refused {
        assert_eq!(answer.error(400), "cart_too_large");
        let details = answer.json()["details"].clone();
        assert_eq!(details["maximum"], MOST_TEXT);
        assert!(details["bytes"].as_u64().unwrap() > MOST_TEXT.try_into().unwrap(), "{details}");
    }
    assert_eq!(visitor.cart().await, before);
    // To the last byte, and then what brings no text.
    visitor.update(attach(MOST_TEXT)).await.ok();
    visitor.add("price_tshirt", 1).await.ok();
    visitor.set("price_tshirt", 0).await.ok();
    assert_eq!(visitor.post("/cart/add", engraved(1)).await.error(400), "cart_too_large");
    visitor.clear().await.ok();
    visitor.post("/cart/add", engraved(6)).await.ok();
}

#[tokio::test]
async fn a_new_cart_is_not_opened_with_texts_beyond_16_kb() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let body = |bytes| json!({ "items": [{ "price": "price_mug" }], "metadata": metadata(bytes) });

    assert_eq!(visitor.post("/cart/add", body(MOST_TEXT + 1)).await.error(400), "cart_too_large");
    assert_eq!(visitor.token(), None);
    visitor.post("/cart/add", body(MOST_TEXT)).await.ok();
}

/// Counts requests to DynamoDB.
async fn calls_of(shop: &Shop, act: impl Future<Output = Answer>) -> Vec<String> {
    shop.wire().plan(None);
    act.await.ok();
    shop.wire().calls()
}

#[tokio::test]
async fn each_of_many_named_changes_is_one_request() {
    let shop = Shop::open_on_wires([]).await;
    let visitor = shop.add("price_mug", 1).await;
    let body = json!({ "items": [{ "price": "price_mug" }] });
    let add = |key: String| {
        let (visitor, body) = (&visitor, body.clone());
        async move { visitor.post_with(&[("idempotency-key", key.as_str())], "/cart/add", body).await }
    };

    for index in 0..150 {
        assert_eq!(calls_of(&shop, add(format!("key {index}"))).await, ["DynamoDB UpdateItem"], "{index}");
    }
    for index in 100..150 {
        assert_eq!(add(format!("key {index}")).await.ok()["item_count"], 151, "{index}");
    }
}

async fn next_checkout(visitor: &Visitor<'_>, quantity: u32) -> Answer {
    visitor.set("price_mug", quantity).await.ok();
    visitor.checkout().await
}

#[tokio::test]
async fn a_cart_has_thirty_new_payment_pages_in_an_hour() {
    within_an_hour(async || {
        let shop = Shop::open_with([("CATALOG_CACHE_SECONDS", "60")]).await;
        let visitor = shop.add("price_mug", 1).await;
        let mut last = Value::Null;
        for quantity in 1..=30 {
            last = next_checkout(&visitor, quantity).await.ok();
            // The same page again is none more.
            assert_eq!(visitor.checkout().await.ok()["id"], last["id"]);
        }
        let made = shop.session_requests().len();

        is_too_many(&next_checkout(&visitor, 31).await, 3600);

        assert_eq!(shop.session_requests().len(), made);
        // The last page stays, until it is closed by one that is made later.
        let session =
            shop.stripe(Method::GET, &format!("/v1/checkout/sessions/{}", last["id"].as_str().unwrap()), "").await;
        assert_eq!(session["status"], "open");
        let other = shop.add("price_mug", 1).await;
        other.checkout().await.ok();
    })
    .await;
}

#[tokio::test]
async fn the_thirty_are_counted_once_where_many_ask_at_once() {
    within_an_hour(async || {
        let shop = Shop::open().await;
        let visitor = shop.add("price_mug", 1).await;

        for quantity in 1..=10 {
            visitor.set("price_mug", quantity).await.ok();
            for answer in join_all((0..10).map(|_| visitor.checkout())).await {
                answer.ok();
            }
        }

        let row = shop.table("CARTS_TABLE").get(&visitor.number().await).await.unwrap();
        assert_eq!(row["sn"], json!({ "N": "10" }), "{row}");
    })
    .await;
}

#[tokio::test]
async fn a_cart_has_ten_wrong_promotion_codes_in_an_hour() {
    within_an_hour(async || {
        let shop = Shop::open().await;
        let visitor = shop.add("price_mug", 1).await;
        let with = |code: &str| json!({ "promotion_code": code });
        let asked = || shop.stripe_requests("GET", "/v1/promotion_codes");
        for index in 0..10 {
            let refused = visitor.post("/cart/checkout", with(&format!("GUESS{index}"))).await;
            assert_eq!(refused.error(400), "invalid_promotion_code", "{index}");
        }
        let before = asked();

        for code in ["GUESS10", "WELCOME10"] {
            is_too_many(&visitor.post("/cart/checkout", with(code)).await, 3600);
        }

        assert_eq!(asked(), before);
        visitor.checkout().await.ok();
        shop.add("price_mug", 1).await.post("/cart/checkout", with("WELCOME10")).await.ok();
    })
    .await;
}

#[tokio::test]
async fn a_wrong_code_costs_one_write() {
    let shop = Shop::open_on_wires([]).await;
    let visitor = shop.add("price_mug", 1).await;
    shop.wire().plan(None);

    visitor.post("/cart/checkout", json!({ "promotion_code": "GUESS" })).await.error(400);

    let calls = shop.wire().calls();
    let writes = calls.iter().filter(|call| *call == "DynamoDB UpdateItem").count();
    assert_eq!(writes, 1, "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_two_hundred_changes_within_twenty_seconds_are_refused_and_none_is_half_done() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let mut units = 1;

    // Those of a period that ends meanwhile, and those of the next.
    let refused = loop {
        let answer = visitor.add("price_mug", 1).await;
        if answer.status != 200 {
            break answer;
        }
        units += 1;
        assert!(units <= 402);
    };

    is_too_many(&refused, 20);
    assert!(units >= 201, "{units}");
    assert_eq!(visitor.cart().await["item_count"], units);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_one_line_count_too() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let path = "/cart/items/price_mug";
    let mut sets = 1;

    let refused = loop {
        sets += 1;
        assert!(sets <= 602);
        let set = visitor.post(path, json!({ "quantity": sets })).await;
        if set.status != 200 {
            let removed = visitor.send(Method::DELETE, path, &[], Vec::new()).await;
            // Unless another period has begun.
            if removed.status != 200 {
                break [set, removed];
            }
        }
    };

    for answer in refused {
        is_too_many(&answer, 20);
    }
}
