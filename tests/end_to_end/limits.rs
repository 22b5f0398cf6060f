//! Time limits: an overloaded dependency is a 503, never a hang.

use fixtures::{Fault, Plan, Shop, When};
use reqwest::Method;

/// Short, but long enough for a busy machine to answer in time.
const SHORT: [(&str, &str); 2] = [("DYNAMODB_TIMEOUT_MS", "1500"), ("STRIPE_TIMEOUT_MS", "1000")];

#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_that_never_answers_is_a_503_that_says_when_to_try_again() {
    let shop = Shop::open_on_wires(SHORT).await;
    let visitor = shop.add("price_mug", 1).await;
    let token = visitor.token().unwrap();
    let session = visitor.checkout().await.ok();
    let landing = shop.press(&session, "pay").await.location().to_owned();
    let requests = [
        ("GET", "/cart", 1),
        ("POST", "/cart/clear", 1),
        ("POST", "/cart/checkout", 2),
        ("POST", "/cart/checkout", 3),
        ("GET", landing.as_str(), 1),
        ("GET", landing.as_str(), 2),
        ("GET", "/orders/00000000000000000000000000000000", 1),
        ("GET", "/products", 1),
    ];

    for (method, path, answered) in requests {
        // This call and all later ones.
        let plan = Plan { call: answered - 1, fault: Fault::Silent, when: When::Before, ends: true };
        shop.wire().plan(Some(plan));
        let method: Method = method.parse().unwrap();
        let answer = shop.send(method, path, &[("cart-token", &token)], Vec::new()).await;

        assert_eq!(answer.error(503), "server_error", "{path}, call {answered}");
        // Stripe is left alone for five seconds after three attempts in a row.
        let retry_after = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=5).contains(&retry_after), "{path}, call {answered}: {retry_after}");
        assert_eq!(answer.json()["message"], "Server Error");
    }
    shop.wire().plan(None);
    assert_eq!(visitor.cart().await["item_count"], 1, "nothing was half done");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_that_never_answers_is_made_again() {
    let shop = Shop::open_on_wires(SHORT).await;
    let visitor = shop.add("price_mug", 1).await;

    for when in [When::Before, When::After] {
        shop.wire().plan(Some(Plan { call: 0, fault: Fault::Silent, when, ends: false }));
        visitor.add("price_mug", 1).await.ok();
    }
    shop.wire().plan(Some(Plan { call: 2, fault: Fault::Silent, when: When::After, ends: false }));
    visitor.checkout().await.ok();

    assert_eq!(visitor.cart().await["item_count"], 3);
    assert_eq!(shop.sandbox().sessions().len(), 1);
}
