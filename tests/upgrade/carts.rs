//! Carts of before: shown, changed, cleared.

use serde_json::{Value, json};

use crate::shop::{Shop, assert_still_shown};

/// The cart without what it holds, to compare with after it was changed.
fn without(mut cart: Value, names: &[&str]) -> Value {
    for name in names {
        cart.as_object_mut().unwrap().remove(*name).unwrap_or_else(|| panic!("the cart has no {name}"));
    }
    cart
}

/// The names of the carts that can still be changed.
fn open_carts(shop: &Shop) -> Vec<String> {
    let carts = shop.snapshot.carts().into_iter();
    let open = carts.filter(|(_, shown)| shown.cart["status"] == "active" && !shown.cart["number"].is_null());
    let names: Vec<_> = open.map(|(name, _)| name).collect();
    assert_eq!(names.len(), 22);
    names
}

#[tokio::test]
async fn every_cart_is_shown_as_before() {
    let shop = Shop::open().await;

    for (name, shown) in shop.snapshot.carts() {
        assert_still_shown(&shop.shopper(&name).cart().await, &shown.cart, &name);
    }
}

#[tokio::test]
async fn every_open_cart_can_be_changed_and_nothing_else_in_it_changes() {
    let shop = Shop::open().await;
    // It holds a price whose amount the shopper chooses beside others, which 0.1.0 allowed: less can be put in, no more.
    let not_alone = "described";
    let what_changes =
        ["item_count", "items", "meta", "total_price", "total_price_minor", "total_price_with_currency", "version"];

    for name in open_carts(&shop) {
        let shopper = shop.shopper(&name);
        let then = &shopper.then;
        let Some(line) = then["items"].as_array().unwrap().iter().rposition(|item| item["available"] == true) else {
            let now = shopper.add("price_mug", 1).await.ok();
            assert_eq!((&now["number"], &now["item_count"]), (&then["number"], &json!(1)), "{name}");
            continue;
        };
        let item = &then["items"][line];
        let quantity = u32::try_from(item["quantity"].as_u64().unwrap()).unwrap();
        let (line, item, quantity) = if name == not_alone {
            assert_eq!(
                shopper.set(item["price"].as_str().unwrap(), quantity + 1).await.error(400),
                "custom_amount_alone"
            );
            (0, &then["items"][0], 1)
        } else {
            (line, item, quantity + 1)
        };

        let now = shopper.set(item["price"].as_str().unwrap(), quantity).await.ok();

        let mut items = then["items"].clone();
        items[line]["quantity"] = json!(quantity);
        assert_still_shown(&now["items"], &items, &name);
        assert_still_shown(&now, &without(then.clone(), &what_changes), &name);
        assert_eq!(now["version"], then["version"].as_u64().unwrap() + 1, "{name}");
        assert_still_shown(&shopper.cart().await, &now, &name);
    }
}

#[tokio::test]
async fn every_open_cart_can_be_cleared() {
    let shop = Shop::open().await;

    for name in open_carts(&shop) {
        let shopper = shop.shopper(&name);

        let now = shopper.clear().await.ok();

        assert_eq!(
            (&now["items"], &now["metadata"], &now["item_count"]),
            (&json!([]), &json!({}), &json!(0)),
            "{name}"
        );
        assert_eq!(now["number"], shopper.then["number"], "{name}");
        assert_eq!(shopper.cart().await, now, "{name}");
    }
}

#[tokio::test]
async fn a_cart_of_47_keys_is_shown_changed_and_cleared() {
    let shop = Shop::open().await;

    for name in ["of_47_keys", "of_47_keys_checked_out", "paid_47_keys"] {
        let shopper = shop.shopper(name);

        let shown = shopper.cart().await;
        let changed = shopper.add("price_mug", 1).await.ok();
        let cleared = shopper.clear().await.ok();

        assert_eq!(shown["metadata"].as_object().unwrap().len(), 47, "{name}");
        assert_eq!((&changed["metadata"], &changed["number"]), (&shown["metadata"], &shown["number"]), "{name}");
        assert_eq!((&cleared["metadata"], &cleared["item_count"]), (&json!({}), &json!(0)), "{name}");
    }
}

#[tokio::test]
async fn a_cart_that_is_completed_or_expired_stays_so_and_the_next_add_opens_another() {
    let shop = Shop::open().await;

    for name in ["completed", "subscription", "delayed_and_paid", "expired", "expired_paid_later"] {
        let shopper = shop.shopper(name);

        // The answer hands over another token: only this shopper takes it.
        let opened = shop.shopper(name).add("price_mug", 1).await.ok();

        assert_eq!((&opened["item_count"], &opened["version"]), (&json!(1), &json!(1)), "{name}");
        assert_ne!(opened["number"], shopper.then["number"], "{name}");
        assert_still_shown(&shopper.cart().await, &shopper.then, name);
    }
}

#[tokio::test]
async fn a_request_that_was_named_before_has_no_further_effect() {
    let shop = Shop::open().await;
    let requests = shop.snapshot.named_requests();

    for request in requests.iter().filter(|request| request.token.is_some()) {
        let answer = shop.repeat(request, &request.body).await.ok();

        if request.path == "/cart/checkout" {
            assert_eq!((&answer["object"], &answer["status"]), (&json!("checkout.session"), &json!("open")));
            assert!(!shop.stripe.calls().iter().any(|call| call.request.starts_with("POST")), "no session is made");
        } else {
            assert_still_shown(&answer, &shop.shopper(&request.cart).then, &request.key);
        }
        let shopper = shop.shopper(&request.cart);
        assert_still_shown(&shopper.cart().await, &shopper.then, &request.key);
    }
}

#[tokio::test]
async fn a_request_that_opened_a_cart_before_finds_that_cart() {
    let shop = Shop::open().await;
    let requests = shop.snapshot.named_requests();
    let request = requests.iter().find(|request| request.token.is_none()).unwrap();

    let answer = shop.repeat(request, &request.body).await;

    let shown = shop.snapshot.cart(&request.cart);
    assert_still_shown(&answer.ok(), &shown.cart, &request.cart);
    assert_eq!(answer.header("cart-token"), Some(shown.token.as_str()));
}

#[tokio::test]
async fn a_name_that_was_given_before_is_not_given_to_another_request() {
    let shop = Shop::open().await;

    for request in shop.snapshot.named_requests() {
        let other = match request.path.as_str() {
            "/cart/update" => r#"{"updates":{"price_mug":{"quantity":9}}}"#,
            "/cart/checkout" => r#"{"email":"bob@shop.example"}"#,
            _ => r#"{"items":[{"price":"price_beads"}]}"#,
        };

        assert_eq!(shop.repeat(&request, other).await.error(422), "idempotency_mismatch", "{}", request.key);

        let shopper = shop.shopper(&request.cart);
        assert_still_shown(&shopper.cart().await, &shopper.then, &request.key);
    }
}
