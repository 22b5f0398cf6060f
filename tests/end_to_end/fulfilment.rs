//! From a paid session to an order.

use fixtures::{Shop, Visitor, order_number};
use reqwest::Method;
use serde_json::{Value, json};
use stripe_sandbox::Failure;

use crate::log::Captured;

#[tokio::test]
async fn the_webhook_makes_the_order_and_completes_the_cart() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 2).await;
    visitor.update(json!({ "updates": { "price_mug": { "description": "blue" } } })).await.ok();
    let session = visitor.checkout().await.ok();

    let number = shop.pay(&session).await;

    let order = shop.order(&number).await.ok();
    assert_eq!(order["status"], "paid");
    assert_eq!(order["total"], 2400);
    assert_eq!(order["lines"][0]["quantity"], 2);
    assert_eq!(order["lines"][0]["description"], "blue");
    let cart = visitor.cart().await;
    assert_eq!(cart["status"], "completed");
    assert_eq!(cart["item_count"], 0);
}

#[tokio::test]
async fn the_landing_page_makes_the_order_before_the_webhook() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let visitor = shop.add("price_mug", 1).await;
    let session = visitor.checkout().await.ok();

    let landing = shop.press(&session, "pay").await.location().to_owned();
    let first = shop.get(&landing).await.location().to_owned();
    let second = shop.get(&landing).await.location().to_owned();

    let number = order_number(&session);
    assert_eq!(first, format!("{}/thank-you.html?order={number}", shop.stack().url()));
    assert_eq!(second, first);
    assert_eq!(shop.order(&number).await.ok()["status"], "paid");
    let late = shop.deliver(&shop.event("checkout.session.completed")).await;
    assert_eq!(late.ok()["received"], true);
}

#[tokio::test]
async fn a_completed_cart_is_final_and_the_next_add_opens_another() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let first = visitor.add("price_mug", 1).await.ok();
    let token = visitor.token();
    shop.pay(&visitor.checkout().await.ok()).await;

    assert_eq!(visitor.checkout().await.error(409), "cart_closed");
    let second = visitor.add("price_mug", 1).await.ok();

    assert_ne!(second["number"], first["number"]);
    assert_ne!(visitor.token(), token);
}

#[tokio::test]
async fn a_delayed_payment_waits_and_then_succeeds_or_fails() {
    for (succeeds, status) in [(true, "paid"), (false, "payment_failed")] {
        let shop = Shop::open().await;
        let visitor = shop.add("price_mug", 1).await;
        let session = visitor.checkout().await.ok();
        let number = order_number(&session);

        let landing = shop.press(&session, "pay_later").await.location().to_owned();
        let page = shop.get(&landing).await.location().to_owned();
        shop.sandbox().settled().await;
        let waiting = shop.order(&number).await.ok();
        shop.sandbox().settle(session["id"].as_str().unwrap(), succeeds).unwrap();
        shop.sandbox().settled().await;

        assert_eq!(page, format!("{}/thank-you.html?order={number}&payment=pending", shop.stack().url()));
        assert_eq!(waiting["status"], "awaiting_payment");
        assert_eq!(shop.order(&number).await.ok()["status"], status);
    }
}

#[tokio::test]
async fn a_declined_payment_makes_no_order() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let session = visitor.checkout().await.ok();

    shop.press(&session, "fail").await;
    shop.sandbox().settled().await;

    assert_eq!(shop.get(&shop.landing(&session)).await.location(), format!("{}/", shop.stack().url()));
    assert_eq!(shop.order(&order_number(&session)).await.error(404), "order_not_found");
    assert_eq!(visitor.cart().await["item_count"], 1);
}

#[tokio::test]
async fn a_session_with_nothing_to_pay_makes_an_order() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let session = visitor.post("/cart/checkout", json!({ "promotion_code": "ONTHEHOUSE" })).await.ok();
    assert_eq!(session["amount_total"], 0);

    let number = shop.pay(&session).await;

    let order = shop.order(&number).await.ok();
    assert_eq!(order["status"], "paid");
    assert_eq!(order["total"], 0);
    assert_eq!(order["discount"], 1200);
}

#[tokio::test]
async fn an_item_added_after_checkout_stays_in_the_cart() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let before = visitor.add("price_mug", 2).await.ok();
    let session = visitor.checkout().await.ok();
    visitor.add("price_tshirt", 1).await.ok();
    visitor.add("price_mug", 1).await.ok();

    let number = shop.pay(&session).await;

    assert_eq!(shop.order(&number).await.ok()["total"], 2400);
    let cart = visitor.cart().await;
    assert_eq!(cart["status"], "active");
    assert_eq!(cart["number"], before["number"]);
    let left: Vec<_> = cart["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["price"].clone(), item["quantity"].clone()))
        .collect();
    assert_eq!(left, [(json!("price_mug"), json!(1)), (json!("price_tshirt"), json!(1))]);
}

#[tokio::test]
async fn two_paid_sessions_of_one_cart_are_two_orders_and_the_second_is_marked() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let first = visitor.checkout().await.ok();
    // As if two pages had been open in two tabs.
    shop.sandbox().pause_webhooks(true);
    assert_eq!(shop.press(&first, "pay").await.status, 303);
    let copied = shop.stripe(Method::POST, "/v1/checkout/sessions", &shop.form_of(&first)).await;
    assert_eq!(shop.press(&copied, "pay").await.status, 303);

    for event in shop.sandbox().events() {
        if event["type"] == "checkout.session.completed" {
            shop.deliver(&event).await.ok();
        }
    }

    assert_eq!(shop.marks(&first).await, json!([]));
    assert_eq!(shop.marks(&copied).await, json!(["cart_paid_twice"]));
}

/// Pays a page that the cart does not know any more, while its current page is open. Both sessions, the paid one first.
async fn pay_another_page(shop: &Shop, visitor: &Visitor<'_>) -> [Value; 2] {
    let current = visitor.checkout().await.ok();
    let other = shop.stripe(Method::POST, "/v1/checkout/sessions", &shop.form_of(&current)).await;
    assert_eq!(shop.press(&other, "pay").await.status, 303);
    [other, current]
}

fn closing(session: &Value) -> String {
    format!("/v1/checkout/sessions/{}/expire", session["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_paid_session_closes_the_carts_other_page() {
    for (changes, left) in [(false, json!(["completed", 0])), (true, json!(["active", 1]))] {
        let shop = Shop::open().await;
        shop.sandbox().pause_webhooks(true);
        let visitor = shop.add("price_mug", 1).await;
        let [paid, other] = pay_another_page(&shop, &visitor).await;
        if changes {
            visitor.add("price_tshirt", 1).await.ok();
        }

        for _ in 0..3 {
            shop.deliver(&shop.event("checkout.session.completed")).await.ok();
        }

        assert_eq!(shop.stripe_requests("POST", &closing(&other)), 1, "the repetitions find the order");
        assert_eq!(shop.session_statuses(), ["expired", "complete"]);
        assert_eq!(shop.marks(&paid).await, json!([]));
        // Closed by us, it is no abandoned cart.
        shop.deliver(&shop.event("checkout.session.expired")).await.ok();
        let rows = shop.table("CARTS_TABLE").scan().await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        let cart = visitor.cart().await;
        assert_eq!(json!([cart["status"], cart["item_count"]]), left);
    }
}

#[tokio::test]
async fn a_page_that_is_over_or_paid_itself_is_not_closed() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let session = visitor.checkout().await.ok();
    shop.pay(&session).await;
    let over = shop.add("price_mug", 1).await;
    shop.sandbox().pause_webhooks(true);
    let [_, current] = pay_another_page(&shop, &over).await;
    let number = over.number().await;
    shop.table("CARTS_TABLE").set(&number, "pc.x", json!({ "N": "1" })).await;

    shop.deliver(&shop.event("checkout.session.completed")).await.ok();

    assert_eq!([closing(&session), closing(&current)].map(|path| shop.stripe_requests("POST", &path)), [0, 0]);
    assert_eq!(over.cart().await["status"], "completed");
}

#[tokio::test]
async fn a_page_that_cannot_be_closed_does_not_hold_up_the_webhook() {
    for fails in ["it was paid as well", "Stripe takes no more requests"] {
        let (captured, _guard) = Captured::begin("INFO");
        let shop = Shop::open().await;
        shop.sandbox().pause_webhooks(true);
        let visitor = shop.add("price_mug", 1).await;
        let [paid, other] = pay_another_page(&shop, &visitor).await;
        if fails == "it was paid as well" {
            assert_eq!(shop.press(&other, "pay").await.status, 303);
        } else {
            let failure = Failure::rate_limited().retry_after(60);
            shop.sandbox().fail_next_with("POST", &closing(&other), failure);
        }
        let event =
            shop.sandbox().events().into_iter().find(|event| {
                event["type"] == "checkout.session.completed" && event["data"]["object"]["id"] == paid["id"]
            });

        shop.deliver(&event.unwrap()).await.ok();

        assert_eq!(shop.order(&order_number(&paid)).await.ok()["status"], "paid", "{fails}");
        assert_eq!(visitor.cart().await["status"], "completed", "{fails}");
        let said = captured.lines().into_iter().find(|line| line.contains("cannot close the other page"));
        let said: Value = serde_json::from_str(&said.unwrap()).unwrap();
        assert_eq!(
            (&said["level"], &said["fields"]["cart"]),
            (&json!("WARN"), &visitor.cart().await["number"]),
            "{fails}"
        );
    }
}

#[tokio::test]
async fn all_pages_of_line_items_are_in_the_order() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let mut expected = 0;
    for index in 0..13 {
        visitor.add(&shop.price(100 + index).await, 1).await.ok();
        expected += 100 + index;
    }

    let number = shop.pay(&visitor.checkout().await.ok()).await;

    let order = shop.order(&number).await.ok();
    assert_eq!(order["lines"].as_array().unwrap().len(), 13);
    assert_eq!(order["total"], expected);
}

#[tokio::test]
async fn a_refund_changes_the_order() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 2).await;
    let number = shop.pay(&visitor.checkout().await.ok()).await;

    shop.refund(&number, 400).await;
    let partly = shop.order(&number).await.ok();
    shop.refund(&number, 2000).await;
    let fully = shop.order(&number).await.ok();

    assert_eq!((&partly["status"], &partly["refunded"]), (&json!("partially_refunded"), &json!(400)));
    assert_eq!((&fully["status"], &fully["refunded"]), (&json!("refunded"), &json!(2400)));
}

#[tokio::test]
async fn what_cannot_be_a_sessions_id_never_reaches_stripe() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let session = visitor.checkout().await.ok();
    let (known, cart) = (session["id"].as_str().unwrap(), visitor.number().await);
    let tails = ["/line_items", "%2Fexpire", "%3Fexpand[]=x", "%2F..%2F..%2Fproducts", "%00", "%20b", "%60", "%C3%A9"];
    let others = ["pi_1", "..", "..%2F..%2Fcustomers", "cs_", "cs%3Fexpand", "%00", "a%20b", "%C3%A9", "x"];
    let ids = tails.map(|tail| format!("{known}{tail}")).into_iter().chain(others.map(str::to_owned));
    let before = shop.sandbox().requests().len();

    for id in ids.chain(["x".repeat(256)]) {
        for cart in [String::new(), format!("&cart={cart}")] {
            let landing = shop.get(&format!("/finish-order?session_id={id}{cart}")).await;
            assert_eq!(landing.location(), format!("{}/", shop.stack().url()), "{id}{cart}");
        }
    }
    assert_eq!(shop.get("/finish-order").await.location(), format!("{}/", shop.stack().url()));
    assert_eq!(shop.get("/finish-order?session_id=").await.location(), format!("{}/", shop.stack().url()));

    assert_eq!(shop.sandbox().requests().len(), before);
}

#[tokio::test]
async fn the_order_has_the_texts_that_were_checked_out() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let describe = |text: &str| json!({ "updates": { "price_mug": { "description": text } } });
    visitor.add("price_mug", 1).await.ok();
    visitor.update(describe("for Ann")).await.ok();
    let session = visitor.checkout().await.ok();
    visitor.update(describe("for Bob")).await.ok();

    let number = shop.pay(&session).await;

    assert_eq!(shop.order(&number).await.ok()["lines"][0]["description"], "for Ann");
}

#[tokio::test]
async fn the_order_has_the_texts_of_its_lines_though_the_cart_is_gone() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    visitor.post("/cart/add", json!({ "items": [{ "price": "price_mug", "description": "for Ann" }] })).await.ok();
    let session = visitor.checkout().await.ok();
    shop.table("CARTS_TABLE").delete(&visitor.number().await).await;

    let number = shop.pay(&session).await;

    assert_eq!(shop.order(&number).await.ok()["lines"][0]["description"], "for Ann");
}

/// Version 0.1.0 stored more texts than a cart takes today.
#[tokio::test]
async fn an_order_of_the_largest_texts_is_stored() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let mut texts = serde_json::Map::new();
    for _ in 0..10 {
        let mut items = Vec::new();
        for _ in 0..10 {
            let price = shop.price(100).await;
            items.push(json!({ "price": price }));
            // Every character is escaped to two bytes in JSON.
            texts.insert(price, json!("\"".repeat(500)));
        }
        visitor.post("/cart/add", json!({ "items": items })).await.ok();
    }
    // A body holds 64 KB: as many values of 500 characters in four bytes as fit.
    let metadata = (0..28).map(|index| (format!("key{index}"), json!("\u{1F6D2}".repeat(500)))).collect();
    visitor.store("t", &texts).await;
    visitor.store("meta", &metadata).await;

    let number = shop.pay(&visitor.checkout().await.ok()).await;

    assert_eq!(shop.order(&number).await.ok()["lines"].as_array().unwrap().len(), 100);
}
