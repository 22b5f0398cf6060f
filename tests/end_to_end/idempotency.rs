//! `Idempotency-Key`: the same request, sent again, has no further effect.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fixtures::proxy::{self, Cut, Proxy};
use fixtures::{Answer, Shop, Visitor};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;

async fn post(visitor: &Visitor<'_>, path: &str, key: &str, body: Value) -> Answer {
    visitor.post_with(&[("idempotency-key", key)], path, body).await
}

fn mug(quantity: u32) -> Value {
    json!({ "items": [{ "price": "price_mug", "quantity": quantity }] })
}

#[tokio::test]
async fn a_request_sent_again_is_applied_once_and_answered_alike() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_tshirt", 1).await;

    let requests = [
        ("/cart/add", mug(2)),
        ("/cart/update", json!({ "updates": { "price_tshirt": { "quantity": 5 } } })),
        ("/cart/checkout", Value::Null),
        ("/cart/clear", Value::Null),
    ];
    for (path, body) in requests {
        let key = format!("key of {path}");
        let first = post(&visitor, path, &key, body.clone()).await;
        let second = post(&visitor, path, &key, body).await;
        assert_eq!(second.ok(), first.ok(), "{path}");
        assert_eq!(second.header("etag"), first.header("etag"), "{path}");
    }
    assert_eq!(visitor.cart().await["version"], 4);
}

#[tokio::test]
async fn a_request_sent_again_after_other_changes_undoes_none_of_them() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let twice = json!({ "updates": { "price_mug": { "quantity": 2 } } });
    let absent = json!({ "updates": { "price_poster": { "quantity": 0 } } });
    post(&visitor, "/cart/update", "a", twice.clone()).await.ok();
    post(&visitor, "/cart/update", "b", absent.clone()).await.ok();
    visitor.set("price_mug", 7).await.ok();
    visitor.add("price_poster", 1).await.ok();

    let again = post(&visitor, "/cart/update", "a", twice).await.ok();
    let removal = post(&visitor, "/cart/update", "b", absent).await.ok();

    assert_eq!(again["item_count"], 8);
    assert_eq!(removal, again);
}

/// Every kind of change to a cart that holds a mug, and its body.
fn changes() -> [(Method, &'static str, Value); 5] {
    [
        (Method::POST, "/cart/add", mug(1)),
        (Method::POST, "/cart/update", json!({ "updates": { "price_mug": { "quantity": 3 } } })),
        (Method::POST, "/cart/items/price_mug", json!({ "quantity": 3 })),
        (Method::DELETE, "/cart/items/price_mug", json!({})),
        (Method::POST, "/cart/clear", json!({})),
    ]
}

/// Puts a T-shirt, a mug with an engraving, and a line that goes on at another price into the visitor's cart.
async fn fill(shop: &Shop, visitor: &Visitor<'_>) {
    let price = async |amount: u32| {
        let form =
            format!("product=prod_mug&currency=usd&unit_amount={amount}&lookup_key=changing&transfer_lookup_key=true");
        shop.stripe(Method::POST, "/v1/prices", &form).await["id"].as_str().unwrap().to_owned()
    };
    let old = price(2000).await;
    let engraved = json!({ "price": "price_mug", "attributes": { "engraving": "Ann" } });
    let items = json!({ "items": [{ "price": old }, { "price": "price_tshirt", "quantity": 2 }, engraved] });
    visitor.post("/cart/add", items).await.ok();
    price(1900).await;
    shop.stripe(Method::POST, &format!("/v1/prices/{old}"), "active=false").await;
}

/// Fails unless an answer to a change is the visitor's cart with what [`fill`] put into it, at its prices.
async fn assert_is_filled_cart(answer: &Answer, visitor: &Visitor<'_>, what: &str) {
    let cart = answer.ok();
    let lines = cart["items"].as_array().unwrap();
    assert!(lines.len() >= 3 && lines.iter().all(|line| line["available"] == true), "{what}: {cart}");
    assert_eq!(cart["warnings"][0]["code"], "price_changed", "{what}");
    assert_eq!(cart, visitor.cart().await, "{what}");
}

#[tokio::test]
async fn a_change_sent_again_after_others_is_answered_with_all_that_the_cart_holds_by_now() {
    let shop = Shop::open().await;
    for (method, path, body) in changes() {
        let visitor = shop.add("price_mug", 1).await;
        let send = async || {
            let headers = [("content-type", "application/json"), ("idempotency-key", "key")];
            visitor.send(method.clone(), path, &headers, body.to_string().into_bytes()).await
        };
        send().await.ok();
        fill(&shop, &visitor).await;

        let again = send().await;

        assert_is_filled_cart(&again, &visitor, &format!("{method} {path}")).await;
    }
}

/// A client of DynamoDB repeats a call without an answer, and finds that it took effect.
#[tokio::test]
async fn a_change_whose_write_is_repeated_after_others_is_answered_with_all_that_the_cart_holds_by_now() {
    #[derive(Default)]
    struct Loss {
        is_next: AtomicBool,
        is_written: Notify,
        may_go_on: Notify,
    }
    let shop = Shop::open().await;
    let loss: Arc<Loss> = Arc::default();
    let (shared, database) = (Arc::clone(&loss), shop.stack().dynamodb_url().to_owned());
    let server = Proxy::start(None, move |parts, body| {
        let (loss, database) = (Arc::clone(&shared), database.clone());
        async move {
            let is_write = parts.headers["x-amz-target"].as_bytes().ends_with(b".UpdateItem");
            let answer = proxy::forward(&reqwest::Client::new(), &database, parts, body).await?;
            if is_write && loss.is_next.swap(false, Ordering::SeqCst) {
                loss.is_written.notify_one();
                loss.may_go_on.notified().await;
                return Err(Cut);
            }
            Ok(proxy::json(answer.status().as_u16(), answer.into_body()))
        }
    });
    let server = server.await.unwrap();
    let behind = shop.behind(&format!("http://127.0.0.1:{}", server.port()), []).await;
    for (method, path, body) in changes() {
        let visitor = shop.add("price_mug", 1).await;
        let losing = behind.visitor_with(&visitor.token().unwrap());
        let headers = [("content-type", "application/json")];
        loss.is_next.store(true, Ordering::SeqCst);

        let change = losing.send(method.clone(), path, &headers, body.to_string().into_bytes());
        let meanwhile = async {
            loss.is_written.notified().await;
            fill(&shop, &visitor).await;
            loss.may_go_on.notify_one();
        };
        let (answer, ()) = tokio::join!(change, meanwhile);

        assert_is_filled_cart(&answer, &visitor, &format!("{method} {path}")).await;
    }
}

/// The answer to the first got lost, and meanwhile what it asked for went off sale.
#[tokio::test]
async fn a_change_sent_again_once_its_price_is_off_sale_is_answered_with_the_cart() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_tshirt", 1).await;
    let three = json!({ "updates": { "price_mug": { "quantity": 3 } } });
    let requests =
        [("/cart/add", mug(2)), ("/cart/update", three), ("/cart/items/price_mug", json!({ "quantity": 4 }))];
    for (path, body) in &requests {
        post(&visitor, path, &format!("key of {path}"), body.clone()).await.ok();
    }
    shop.stripe(Method::POST, "/v1/prices/price_mug", "active=false").await;
    let cart = visitor.cart().await;
    assert_eq!(cart["item_count"], 5);

    for (path, body) in requests {
        assert_eq!(post(&visitor, path, &format!("key of {path}"), body.clone()).await.ok(), cart, "{path}");
        if path == "/cart/add" {
            assert_eq!(post(&visitor, path, "another key", body).await.error(404), "price_not_found");
        }
    }
    assert_eq!(visitor.cart().await, cart);
}

#[tokio::test]
async fn the_same_key_for_another_request_is_refused_and_changes_nothing() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    post(&visitor, "/cart/add", "key", mug(1)).await.ok();
    let before = visitor.cart().await;

    let others = [
        post(&visitor, "/cart/add", "key", mug(2)).await,
        post(&visitor, "/cart/update", "key", mug(1)).await,
        post(&visitor, "/cart/clear", "key", Value::Null).await,
        post(&visitor, "/cart/checkout", "key", Value::Null).await,
    ];

    for answer in &others {
        assert_eq!(answer.error(422), "idempotency_mismatch");
        assert_eq!(answer.json()["details"]["header"], "Idempotency-Key");
    }
    assert_eq!(visitor.cart().await, before);
    assert!(shop.sandbox().sessions().is_empty());
}

/// The same words under another path are another request.
#[tokio::test]
async fn a_key_belongs_to_the_whole_path() {
    let shop = Shop::open().await;
    let paths = ["/cart/add", "/enupal-stripe/cart/add", "/enupal-payments/cart/add", "/de/enupal-stripe/cart/add"];
    for first in paths {
        // A key of its own: the same client without a cart would have used it.
        let visitor = shop.visitor();
        for path in [first, first] {
            assert_eq!(post(&visitor, path, first, mug(1)).await.ok()["item_count"], 1);
        }
        for other in paths.into_iter().filter(|path| *path != first) {
            assert_eq!(
                post(&visitor, other, first, mug(1)).await.error(422),
                "idempotency_mismatch",
                "{first} {other}"
            );
        }
    }
}

#[tokio::test]
async fn a_refused_request_does_not_use_its_key_up() {
    let shop = Shop::open().await;
    for visitor in [shop.visitor(), shop.visitor_with("AAECAwQFBgcICQoLDA0ODw")] {
        let unknown = json!({ "items": [{ "price": "price_nowhere" }] });
        assert_eq!(post(&visitor, "/cart/add", "k", unknown).await.error(404), "price_not_found");
        let mixed = json!({ "items": [{ "price": "price_mug" }, { "price": "price_tea_jpy" }] });
        assert_eq!(post(&visitor, "/cart/add", "k", mixed).await.error(400), "mixed_currency");
        assert_eq!(post(&visitor, "/cart/add", "k", mug(1)).await.ok()["item_count"], 1);
    }
}

#[tokio::test]
async fn a_key_has_1_to_255_characters() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();

    for key in ["schlüssel", &"k".repeat(256)] {
        let answer = post(&visitor, "/cart/add", key, mug(1)).await;
        assert_eq!(answer.error(400), "invalid_header", "{key:?}");
    }
    assert_eq!(post(&visitor, "/cart/add", &"k".repeat(255), mug(1)).await.ok()["item_count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn repetitions_that_race_each_other_are_one_request() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;

    let adds = join_all((0..30).map(|index| post(&visitor, "/cart/add", ["a", "b", "c"][index % 3], mug(10)))).await;
    let checkouts = join_all((0..10).map(|_| post(&visitor, "/cart/checkout", "pay", Value::Null))).await;

    assert!(adds.iter().all(|answer| answer.status == 200));
    assert_eq!(visitor.cart().await["item_count"], 31);
    let sessions: BTreeSet<_> = checkouts.iter().map(|answer| answer.ok()["id"].to_string()).collect();
    assert_eq!((sessions.len(), shop.sandbox().sessions().len()), (1, 1));
}

#[tokio::test]
async fn a_checkout_sent_again_is_answered_with_its_session_after_changes_and_payment() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    visitor.checkout().await.ok();
    let session = post(&visitor, "/cart/checkout", "pay", Value::Null).await.ok();
    let before = visitor.token();
    visitor.add("price_tshirt", 1).await.ok();

    let after_a_change = post(&visitor, "/cart/checkout", "pay", Value::Null).await.ok();
    visitor.set("price_tshirt", 0).await.ok();
    shop.pay(&session).await;
    let after_payment = post(&visitor, "/cart/checkout", "pay", Value::Null).await.ok();

    assert_eq!(visitor.token(), before);
    assert_eq!(after_a_change, session);
    assert_eq!((&after_payment["id"], &after_payment["status"]), (&session["id"], &json!("complete")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_opens_a_cart_opens_one_however_often_it_is_sent() {
    let shop = Shop::open().await;
    let strangers: Vec<_> = (0..10).map(|_| shop.visitor()).collect();

    let key = "3e0c7a52-6d4b-4a59-9c1e-0d5f2c9a7b11";
    let first = post(&strangers[0], "/cart/add", key, mug(2)).await.ok();
    let racing = join_all(strangers.iter().map(|visitor| post(visitor, "/cart/add", key, mug(2)))).await;

    let tokens: BTreeSet<_> = strangers.iter().map(Visitor::token).collect();
    assert_eq!(tokens.len(), 1, "all repetitions got the token");
    for answer in racing {
        assert_eq!(answer.ok(), first);
    }
    assert_eq!(strangers[0].cart().await["item_count"], 2);
    let other = post(&shop.visitor(), "/cart/add", key, mug(3)).await;
    assert_eq!(other.error(422), "idempotency_mismatch");
}

#[tokio::test]
async fn a_key_opens_no_cart_that_is_in_use_or_of_another_client() {
    let shop = Shop::open().await;
    let [ann, bob] = [shop.visitor(), shop.visitor()];
    let mine = post(&ann, "/cart/add", "1", mug(1)).await.ok();
    let headers = [("idempotency-key", "1"), ("user-agent", "another browser")];
    let elsewhere = shop.visitor().post_with(&headers, "/cart/add", mug(1)).await.ok();
    ann.add("price_tshirt", 1).await.ok();

    let first = post(&bob, "/cart/add", "1", mug(1)).await.ok();
    let again = post(&shop.visitor(), "/cart/add", "1", mug(1)).await.ok();

    assert_ne!(elsewhere["number"], mine["number"]);
    assert_ne!(first["number"], mine["number"]);
    assert_eq!(again["number"], first["number"]);
    assert_eq!(ann.cart().await["item_count"], 2);
}

#[tokio::test]
async fn an_add_after_the_order_opens_one_new_cart_however_often_it_is_sent() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    post(&visitor, "/cart/add", "before", mug(1)).await.ok();
    let token = visitor.token().unwrap();
    let paid = visitor.cart().await;
    shop.pay(&visitor.checkout().await.ok()).await;

    let old = post(&visitor, "/cart/add", "before", mug(1)).await.ok();
    let new = post(&visitor, "/cart/add", "after", mug(2)).await.ok();
    visitor.add("price_tshirt", 1).await.ok();
    let again = post(&shop.visitor_with(&token), "/cart/add", "after", mug(2)).await.ok();

    assert_eq!((&old["number"], &old["status"]), (&paid["number"], &json!("completed")));
    assert_ne!(new["number"], paid["number"]);
    assert_eq!(again["number"], new["number"]);
    assert_eq!(again["item_count"], 3);
}

#[tokio::test]
async fn a_condition_holds_once_for_all_repetitions() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let headers = [("idempotency-key", "k"), ("if-match", "\"1\"")];
    let add = || visitor.post_with(&headers, "/cart/add", mug(1));

    let first = add().await.ok();

    assert_eq!(add().await.ok(), first);
    let refused = visitor.post_with(&[("if-match", "\"1\"")], "/cart/add", mug(1)).await;
    assert_eq!(refused.error(412), "version_mismatch");
}
