//! How many units a line may have, and whether a page of the cart is open.

use fixtures::{Answer, Shop, Visitor};
use serde_json::{Value, json};

fn bounded(quantity: u32) -> Value {
    let own = json!({ "enabled": true, "minimum": 2, "maximum": 10 });
    json!({ "items": [{ "price": "price_mug", "quantity": quantity, "adjustable_quantity": own }] })
}

/// A price with the merchant's bounds, from 2 to 10.
async fn merchants(shop: &Shop) -> String {
    let form = "product=prod_mug&currency=usd&unit_amount=700\
                &metadata[minimum_quantity]=2&metadata[maximum_quantity]=10";
    shop.stripe(reqwest::Method::POST, "/v1/prices", form).await["id"].as_str().unwrap().to_owned()
}

#[track_caller]
fn assert_out_of_range(answer: &Answer, price: &str) {
    assert_eq!(answer.error(400), "quantity_out_of_range", "{}", answer.text);
    let details = json!({ "id": price, "price": price, "minimum": 2, "maximum": 10 });
    assert_eq!(answer.json()["details"], details);
}

async fn six<'a>(shop: &'a Shop, price: &str) -> Visitor<'a> {
    let visitor = shop.visitor();
    let first = if price == "price_mug" { bounded(6) } else { json!({ "items": [{ "price": price, "quantity": 6 }] }) };
    visitor.post("/cart/add", first).await.ok();
    visitor
}

#[tokio::test]
async fn a_quantity_out_of_bounds_is_refused_in_every_request_and_form() {
    let shop = Shop::open().await;
    let own = "price_mug".to_owned();

    for price in [own, merchants(&shop).await] {
        let visitor = six(&shop, &price).await;
        let form = format!("updates[{price}][quantity]=1");

        assert_out_of_range(&visitor.add(&price, 5).await, &price);
        assert_out_of_range(&visitor.set(&price, 11).await, &price);
        assert_out_of_range(&visitor.post_form("/cart/update", &form).await, &price);
        assert_eq!(visitor.cart().await["item_count"], 6);
        assert_eq!(visitor.add(&price, 4).await.ok()["item_count"], 10);
        assert_eq!(visitor.set(&price, 2).await.ok()["item_count"], 2);
        assert_eq!(visitor.set(&price, 0).await.ok()["item_count"], 0);
    }
    for quantity in [1, 11] {
        let refused = shop.visitor().post("/cart/add", bounded(quantity)).await;
        assert_out_of_range(&refused, "price_mug");
    }
}

/// A merchant's slip, or a line's own bounds that the merchant's leave no room for. DynamoDB refuses a range that ends before it
/// begins, so that the condition of an addition to an open cart must not name it.
#[tokio::test]
async fn bounds_that_leave_no_quantity_refuse_every_one_of_them() {
    let shop = Shop::open().await;
    let bounded = async |minimum: u32, maximum: &str| {
        let form = format!(
            "product=prod_mug&currency=usd&unit_amount=700&metadata[minimum_quantity]={minimum}\
             &metadata[maximum_quantity]={maximum}"
        );
        shop.stripe(reqwest::Method::POST, "/v1/prices", &form).await["id"].as_str().unwrap().to_owned()
    };
    let own = json!({ "enabled": true, "maximum": 5 });
    let cases = [
        (bounded(12, "10").await, Value::Null),
        (bounded(1_500_000, "").await, Value::Null),
        (bounded(10, "").await, own),
    ];
    for (price, own) in cases {
        let visitor = shop.add("price_sticker", 1).await;
        for quantity in [1, 7, 10, 11, 12] {
            let item = json!({ "price": price, "quantity": quantity, "adjustable_quantity": own });
            let all = visitor.post("/cart/add", json!({ "items": [item] })).await;
            assert_eq!(all.error(400), "quantity_out_of_range", "{quantity}");
            let some = json!({
                "items": [item, { "price": "price_sticker" }], "options": { "add_all_or_nothing": false },
            });
            let some = visitor.post("/cart/add", some).await.ok();
            assert_eq!(some["errors"][0]["code"], "quantity_out_of_range", "{quantity}");
            let line = json!({ "quantity": quantity, "adjustable_quantity": own });
            let set = visitor.update(json!({ "updates": { &price: line } })).await;
            assert_eq!(set.error(400), "quantity_out_of_range", "{quantity}");
        }
        assert_eq!(visitor.cart().await["item_count"], 6, "one sticker each time");
    }
}

#[tokio::test]
async fn a_line_that_its_bounds_left_behind_is_shown_and_can_be_paid() {
    let shop = Shop::open().await;
    let visitor = six(&shop, "price_mug").await;
    visitor.add("price_sticker", 1).await.ok();
    let narrower = json!({ "enabled": true, "minimum": 1, "maximum": 5 });

    let cart = visitor.update(json!({ "updates": { "price_mug": { "adjustable_quantity": narrower } } })).await.ok();

    let warning =
        json!({ "code": "out_of_bounds", "price": "price_mug", "id": "price_mug", "minimum": 1, "maximum": 5 });
    assert_eq!(cart["warnings"], json!([warning]));
    assert_eq!(visitor.cart().await, cart);
    let unchanged = json!({ "updates": { "price_mug": { "quantity": 6 }, "price_sticker": { "quantity": 2 } } });
    visitor.update(unchanged).await.ok();
    let session = visitor.checkout().await.ok();
    let sent = shop.form_of(&session);
    assert!(sent.contains("line_items[0][adjustable_quantity][maximum]=6"), "{sent}");
}

/// Stripe's own default is 99, its largest 999,999:
/// <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-line_items-adjustable_quantity-maximum>
#[tokio::test]
async fn a_line_without_a_maximum_has_stripes_largest_on_its_page() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let items = json!({ "items": [{ "price": "price_mug", "adjustable_quantity": { "enabled": true } }] });
    visitor.post("/cart/add", items).await.ok();

    let session = visitor.checkout().await.ok();

    let sent = shop.form_of(&session);
    assert!(sent.contains("line_items[0][adjustable_quantity][maximum]=999999"), "{sent}");
}

#[tokio::test]
async fn a_cart_says_that_a_page_of_it_is_open_until_it_changes() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    assert_eq!(visitor.cart().await["status"], "active");

    visitor.checkout().await.ok();
    assert_eq!(visitor.cart().await["status"], "checkout");

    assert_eq!(visitor.add("price_mug", 1).await.ok()["status"], "active");
    assert_eq!(visitor.cart().await["status"], "active");
    let session = visitor.checkout().await.ok();
    let expire = format!("/v1/checkout/sessions/{}/expire", session["id"].as_str().unwrap());
    shop.stripe(reqwest::Method::POST, &expire, "").await;
    assert_eq!(visitor.cart().await["status"], "active", "the page has expired");
}
