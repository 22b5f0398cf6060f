//! What HTTP asks of every answer, and what API Gateway makes of paths and sizes.

use fixtures::Shop;
use reqwest::Method;
use serde_json::json;

const READ: [&str; 7] = [
    "/cart",
    "/enupal-stripe/cart",
    "/de/enupal-stripe/cart",
    "/products?limit=1",
    "/orders/be45cb2605bf36bebde684841a28f0fd",
    "/finish-order?session_id=none",
    "/admin/orders",
];

/// An answer that a cache kept without the headers of CORS must not be handed to another origin.
///
/// Source: <https://fetch.spec.whatwg.org/#cors-protocol-and-http-caches>
#[tokio::test]
async fn every_answer_depends_on_the_origin_and_has_the_type_that_it_names() {
    let shop = Shop::open_with([("ALLOWED_ORIGINS", "https://shop.example")]).await;
    let others = ["/cart/add", "/no-such-path", "/orders/none", "/", "/shop.js", "/thank-you.html"];
    for path in READ.into_iter().chain(others) {
        for headers in [vec![], vec![("origin", "https://shop.example")]] {
            let admin = path.starts_with("/admin");
            let answer = shop.send(Method::GET, path, if admin { &[] } else { &headers }, Vec::new()).await;

            let vary = answer.header("vary").unwrap_or_default();
            assert!(vary.split(", ").any(|name| name == "Origin"), "{path} {headers:?}: {vary}");
            assert_eq!(answer.headers.get_all("vary").iter().count(), 1, "{path}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        }
    }
    for path in ["/finish-order", "/", "/thank-you.html"] {
        assert_eq!(shop.get(path).await.header("referrer-policy"), Some("no-referrer"), "{path}");
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let shop = Shop::open().await;
    for path in READ.into_iter().chain(["/"]) {
        let [got, head] =
            [Method::GET, Method::HEAD].map(|method| shop.send(method, path, &[("accept", "*/*")], Vec::new()));
        let (got, head) = (got.await, head.await);

        assert_eq!((head.status, head.text.as_str()), (got.status, ""), "{path}");
        for name in ["content-type", "cache-control", "location", "etag"] {
            assert_eq!(head.header(name), got.header(name), "{path}: {name}");
        }
    }
}

#[tokio::test]
async fn a_language_may_stand_before_the_prefix() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();

    visitor.post_form("/pt-BR/enupal-stripe/cart/add", "items[0][price]=price_mug").await.ok();
    visitor.post("/de/enupal-stripe/cart/update", json!({ "updates": { "price_mug": { "quantity": 3 } } })).await.ok();
    let session = visitor.post("/de/enupal-stripe/cart/checkout", json!({})).await.ok();
    let number = visitor.number().await;

    assert_eq!(session["amount_total"], 3600);
    let landing = format!("{}/finish-order?session_id={{CHECKOUT_SESSION_ID}}&cart={number}", shop.stack().url());
    assert_eq!(session["success_url"], landing);
    visitor.post("/de/enupal-stripe/cart/clear", json!({})).await.ok();
    assert_eq!(visitor.cart().await["item_count"], 0);
}

/// HTTP APIs have no route that ends in a slash.
///
/// Source: <https://github.com/aws/serverless-application-model/issues/1949>
#[tokio::test]
async fn a_path_that_ends_in_a_slash_is_none() {
    let shop = Shop::open().await;
    for path in ["/cart/", "/enupal-stripe/cart/", "/de/enupal-stripe/cart/", "/products/", "/orders/", "/a/b/c/cart"] {
        assert_eq!(shop.get(path).await.error(404), "not_found", "{path}");
    }
    for path in ["/cart/add/", "/enupal-stripe/cart/add/", "/a/b/c/cart/add"] {
        assert_eq!(shop.visitor().post(path, json!({})).await.error(404), "not_found", "{path}");
    }
}

/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
#[tokio::test]
async fn headers_are_as_large_as_api_gateway_takes_them() {
    let shop = Shop::open().await;

    let status = async |length| {
        let request =
            reqwest::Client::new().get(format!("{}/cart", shop.stack().url())).header("x-filler", "x".repeat(length));
        request.send().await.unwrap().status().as_u16()
    };

    assert_eq!((status(9_000).await, status(10_240).await), (200, 431));
}
