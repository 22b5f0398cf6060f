//! `POST /cart/checkout`.

use checkout::Checkout;
use fixtures::Shop;
use lambda_http::request::LambdaRequest;
use reqwest::Method;
use serde_json::{Value, json};
use web::Endpoint as _;

#[tokio::test]
async fn a_cart_becomes_a_session() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let cart = visitor.add("price_mug", 2).await.ok();
    visitor.update(json!({ "metadata": { "is_gift": "yes" } })).await.ok();

    let session = visitor.checkout().await.ok();

    assert_eq!(session["object"], "checkout.session");
    assert_eq!(session["status"], "open");
    assert_eq!(session["mode"], "payment");
    assert_eq!(session["payment_status"], "unpaid");
    assert_eq!(session["currency"], "usd");
    assert_eq!(session["amount_total"], 2400);
    assert_eq!(session["metadata"]["stripe_payments_cart_number"], cart["number"]);
    assert_eq!(session["metadata"]["is_gift"], "yes");
    assert!(session["url"].as_str().unwrap().starts_with("http"));
    let number = cart["number"].as_str().unwrap();
    let landing = format!("{}/finish-order?session_id={{CHECKOUT_SESSION_ID}}&cart={number}", shop.stack().url());
    assert_eq!(session["success_url"], landing);
    assert_eq!(session["cancel_url"], format!("{}/?cancelled=1", shop.stack().url()));
}

#[tokio::test]
async fn nothing_can_be_checked_out_of_an_empty_cart() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();

    let absent = visitor.checkout().await;
    visitor.add("price_mug", 1).await.ok();
    visitor.clear().await.ok();
    let empty = visitor.checkout().await;
    let with_a_code = visitor.post("/cart/checkout", json!({ "promotion_code": "NOPE" })).await;

    for answer in [absent, empty, with_a_code] {
        assert_eq!(answer.error(400), "cart_empty");
        assert_eq!(answer.json()["message"], "Cart is empty");
    }
}

#[tokio::test]
async fn a_paid_cart_is_closed_until_it_expires_and_is_absent_then() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let cart = visitor.add("price_mug", 1).await.ok();
    let named = [("idempotency-key", "one and the same")];
    let session = visitor.post_with(&named, "/cart/checkout", Value::Null).await.ok();
    shop.pay(&session).await;
    let asked = shop.sandbox().requests().len();

    let closed = visitor.checkout().await;
    let with_a_code = visitor.post("/cart/checkout", json!({ "promotion_code": "NOPE" })).await;
    // A cart that is final has no version that would do.
    let stale = visitor.post_with(&[("if-match", "\"1\"")], "/cart/checkout", Value::Null).await;
    for answer in [&closed, &with_a_code, &stale] {
        assert_eq!(answer.error(409), "cart_closed");
        assert_eq!(answer.json()["details"], json!({}));
    }
    assert_eq!(shop.sandbox().requests().len(), asked);
    let repeated = visitor.post_with(&named, "/cart/checkout", Value::Null).await.ok();
    assert_eq!((&repeated["id"], &repeated["status"]), (&session["id"], &json!("complete")));

    shop.table("CARTS_TABLE").set(cart["number"].as_str().unwrap(), "exp", json!({ "N": "1" })).await;
    let expired = visitor.checkout().await;
    assert_eq!((expired.error(400).as_str(), &expired.json()["message"]), ("cart_empty", &json!("Cart is empty")));
}

#[tokio::test]
async fn a_cart_that_is_paid_during_its_checkout_is_closed() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let visitor = shop.add("price_mug", 1).await;
    let session = visitor.checkout().await.ok();
    shop.press(&session, "pay").await;

    let answer = visitor.checkout().await;

    assert_eq!(answer.error(409), "cart_closed");
    assert_eq!(visitor.cart().await["status"], "completed");
}

/// A domain's base path stands in front of the route, and so does a front-end's prefix, which is no part of the address.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
#[tokio::test]
async fn the_shopper_comes_back_under_the_base_path_of_the_domain() {
    let shop = Shop::open().await;
    let checkout = Checkout::new(shop.stack().services()).unwrap();
    for (path, route, base) in [
        ("/shop/cart/checkout", "POST /cart/checkout", "https://api.example/shop"),
        ("/shop/enupal-stripe/cart/checkout", "POST /{prefix}/cart/checkout", "https://api.example/shop"),
        ("/enupal-stripe/cart/checkout", "POST /{prefix}/cart/checkout", "https://api.example"),
        ("/prod/cart/checkout", "POST /cart/checkout", "https://api.example/prod"),
    ] {
        let visitor = shop.add("price_mug", 1).await;
        let event = json!({
            "version": "2.0",
            "routeKey": route,
            "rawPath": path,
            "rawQueryString": "",
            "headers": { "host": "api.example", "cart-token": visitor.token(), "x-forwarded-proto": "https" },
            "requestContext": {
                "domainName": "api.example",
                "http": { "method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1" },
                "routeKey": route,
                "stage": if path.starts_with("/prod") { "prod" } else { "$default" },
                "timeEpoch": 1_583_348_638_390_i64,
            },
            "isBase64Encoded": false,
        });
        let event: LambdaRequest = serde_json::from_str(&event.to_string()).unwrap();

        let answer = web::answer(&checkout, &web::Log::new(shop.stack().environment()), event.into()).await;

        assert_eq!(answer.status(), 200, "{path}: {:?}", answer.body());
        let session: Value = serde_json::from_slice(answer.body().as_ref()).unwrap();
        let number = visitor.number().await;
        let success_url = format!("{base}/finish-order?session_id={{CHECKOUT_SESSION_ID}}&cart={number}");
        assert_eq!(session["success_url"], success_url, "{path}");
    }
}

#[tokio::test]
async fn a_checkout_must_say_at_which_host_the_shopper_comes_back() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let checkout = Checkout::new(shop.stack().services()).unwrap();
    let request = lambda_http::http::Request::post("/cart/checkout").header("cart-token", visitor.token().unwrap());
    let request = request.body(lambda_http::Body::Empty).unwrap();

    let answer = web::answer(&checkout, &web::Log::new(shop.stack().environment()), request).await;

    assert_eq!(answer.status(), 400, "{:?}", answer.body());
    assert!(shop.session_requests().is_empty());
}

#[tokio::test]
async fn a_recurring_line_makes_a_subscription() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_club_monthly", 1).await;
    visitor.add("price_mug", 1).await.ok();

    let session = visitor.checkout().await.ok();

    assert_eq!(session["mode"], "subscription");
    assert_eq!(session["amount_total"], visitor.cart().await["total_price_minor"]);
}

#[tokio::test]
async fn an_unchanged_cart_is_handed_the_same_session_again() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;

    let first = visitor.checkout().await.ok();
    let second = visitor.checkout().await.ok();

    assert_eq!(first["id"], second["id"]);
    assert_eq!(shop.sandbox().sessions().len(), 1);
}

#[tokio::test]
async fn a_changed_cart_is_handed_a_new_session_and_the_old_one_is_expired() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let first = visitor.checkout().await.ok();
    visitor.add("price_tshirt", 1).await.ok();

    let second = visitor.checkout().await.ok();

    assert_ne!(first["id"], second["id"]);
    assert_eq!(second["amount_total"], 4400);
    assert_eq!(shop.session_statuses(), ["expired", "open"]);
}

#[tokio::test]
async fn email_and_promotion_code_reach_the_session() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;

    let body = json!({ "email": "ann@example.com", "promotion_code": "WELCOME10" });
    let session = visitor.post("/cart/checkout", body).await.ok();

    assert_eq!(session["customer_email"], "ann@example.com");
    assert_eq!(session["amount_total"], 1080);
}

#[tokio::test]
async fn a_quantity_outside_its_own_bounds_does_not_stop_the_checkout() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let line = json!({ "price": "price_mug", "quantity": 150, "adjustable_quantity": { "enabled": true } });
    visitor.post("/cart/add", json!({ "items": [line] })).await.ok();

    let session = visitor.checkout().await.ok();

    assert_eq!(session["amount_total"], 180_000);
}

#[tokio::test]
async fn an_archived_price_stops_the_checkout_and_is_named() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    visitor.add("price_tshirt", 1).await.ok();
    shop.stripe(Method::POST, "/v1/prices/price_mug", "active=false").await;

    let answer = visitor.checkout().await;
    let cart = visitor.cart().await;

    assert_eq!(answer.error(409), "cart_changed");
    assert_eq!(answer.json()["details"]["prices"], json!(["price_mug"]));
    assert_eq!(cart["warnings"], json!([{ "code": "price_inactive", "price": "price_mug", "id": "price_mug" }]));
    assert_eq!(cart["items"][0]["available"], false);
    assert_eq!(cart["total_price_minor"], 3200);
}

#[tokio::test]
async fn metadata_whose_keys_are_numbers_reach_stripe_as_they_are() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    visitor.update(json!({ "metadata": { "01": "a", "1": "b", "2024": "c" } })).await.ok();

    let session = visitor.checkout().await.ok();

    for (key, value) in [("01", "a"), ("1", "b"), ("2024", "c")] {
        assert_eq!(session["metadata"][key], value);
    }
}
