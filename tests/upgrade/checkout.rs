//! Carts of before: checked out.

use serde_json::{Value, json};

use crate::shop::{Shop, order_of};

/// What the sessions that were made are about: of each the cart's number and its line items.
fn asked_for(shop: &Shop) -> Vec<(String, Vec<(String, String)>)> {
    let calls = shop.stripe.calls();
    let made = calls.iter().filter(|call| call.request == "POST /v1/checkout/sessions");
    made.map(|call| {
        let lines = (0..).map_while(|index| {
            let price = call.form.get(&format!("line_items[{index}][price]"))?;
            let quantity = call.form.get(&format!("line_items[{index}][quantity]")).cloned();
            Some((price.clone(), quantity.unwrap_or_default()))
        });
        (call.form["metadata[stripe_payments_cart_number]"].clone(), lines.collect())
    })
    .collect()
}

/// The same, of a cart as it was shown.
fn shown(cart: &Value) -> (String, Vec<(String, String)>) {
    let items = cart["items"].as_array().unwrap().iter();
    let lines = items.map(|item| (item["price"].as_str().unwrap().to_owned(), item["quantity"].to_string()));
    (cart["number"].as_str().unwrap().to_owned(), lines.collect())
}

#[tokio::test]
async fn carts_with_every_kind_of_price_can_be_checked_out() {
    let shop = Shop::open().await;
    let mut expected = Vec::new();

    for name in ["subscribing", "tiered", "in_euros", "in_yen", "in_dinars"] {
        let shopper = shop.shopper(name);

        let session = shopper.checkout().await.ok();

        assert_eq!(session["status"], "open", "{name}");
        assert_eq!(shopper.checkout().await.ok()["id"], session["id"], "{name}");
        expected.push(shown(&shopper.then));
    }

    assert_eq!(asked_for(&shop), expected);
    assert_eq!(shop.shopper("with_an_archived_price").checkout().await.error(409), "cart_changed");
    for name in ["empty", "expired"] {
        assert_eq!(shop.shopper(name).checkout().await.error(400), "cart_empty", "{name}");
    }
    assert_eq!(shop.shopper("completed").checkout().await.error(409), "cart_closed");
}

#[tokio::test]
async fn a_cart_that_holds_a_chosen_amount_beside_others_is_checked_out_once_that_is_taken_out() {
    let shop = Shop::open().await;
    let shopper = shop.shopper("described");

    let refused = shopper.checkout().await;

    assert_eq!(refused.error(400), "custom_amount_alone");
    assert_eq!(refused.json()["details"], json!({ "price": "price_tree" }));
    let mended = shopper.set("price_tree", 0).await.ok();
    assert_eq!(shopper.checkout().await.ok()["status"], "open");
    assert_eq!(asked_for(&shop), [shown(&mended)]);
}

#[tokio::test]
async fn a_session_that_does_not_fit_any_more_is_closed_before_another_is_made() {
    for name in ["checked_out", "changed_since_checkout"] {
        let shop = Shop::open().await;
        let shopper = shop.shopper(name);

        let session = shopper.checkout().await.ok();

        let calls = shop.stripe.calls();
        let writes: Vec<_> =
            calls.iter().map(|call| call.request.as_str()).filter(|request| request.starts_with("POST")).collect();
        let closed = format!("POST /v1/checkout/sessions/{}/expire", shop.snapshot.session_of(name));
        assert_eq!(writes, [closed.as_str(), "POST /v1/checkout/sessions"], "{name}");
        assert_eq!(asked_for(&shop), [shown(&shopper.then)], "{name}");
        assert_eq!(shopper.checkout().await.ok()["id"], session["id"], "{name}");
    }
}

#[tokio::test]
async fn a_session_that_was_over_is_not_asked_about_again() {
    let shop = Shop::open().await;

    for name in ["closed", "abandoned"] {
        let shopper = shop.shopper(name);
        let over = shop.snapshot.session_of(name);

        assert_eq!(shopper.checkout().await.ok()["status"], "open", "{name}");

        assert!(!shop.stripe.calls().iter().any(|call| call.request.contains(&over)), "{name}");
    }
}

#[tokio::test]
async fn a_checkout_finds_that_the_session_of_before_was_paid() {
    let shop = Shop::open().await;
    let event = shop.happens("paid");
    let shopper = shop.shopper("paid_later");

    assert_eq!(shopper.checkout().await.error(409), "cart_closed");

    let order = shop.order(&order_of(&event)).await.ok();
    assert_eq!((&order["status"], &order["total"]), (&json!("paid"), &json!(2900)));
    assert_eq!(shopper.cart().await["status"], "completed");
}

#[tokio::test]
async fn a_cart_of_47_keys_is_too_much_for_a_session() {
    let shop = Shop::open().await;

    for name in ["of_47_keys", "of_47_keys_checked_out"] {
        let shopper = shop.shopper(name);

        assert_eq!(shopper.checkout().await.error(400), "invalid_metadata", "{name}");

        assert_eq!(shopper.cart().await["item_count"], shopper.then["item_count"], "{name}");
    }
}
