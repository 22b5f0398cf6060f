//! A price whose amount the shopper chooses is bought alone: one unit, once, and nothing taken off.
//!
//! Source: <https://docs.stripe.com/payments/checkout/pay-what-you-want>

use fixtures::{Answer, Shop, Visitor};
use futures_util::future::join_all;
use serde_json::{Value, json};

const GIFT: &str = "price_donation";

/// A change of a cart: its path, and its body in JSON and as a form.
type Change = (&'static str, Value, String);

fn add(items: &[(&str, u32)]) -> Change {
    let in_json: Vec<_> =
        items.iter().map(|(price, quantity)| json!({ "price": price, "quantity": quantity })).collect();
    let line = |(index, (price, quantity)): (usize, &(&str, u32))| {
        format!("items[{index}][price]={price}&items[{index}][quantity]={quantity}")
    };
    let in_form: Vec<_> = items.iter().enumerate().map(line).collect();
    ("/cart/add", json!({ "items": in_json }), in_form.join("&"))
}

fn update(lines: &[(&str, u32)]) -> Change {
    let in_json: serde_json::Map<_, _> =
        lines.iter().map(|(price, quantity)| ((*price).to_owned(), json!({ "quantity": quantity }))).collect();
    let in_form: Vec<_> =
        lines.iter().map(|(price, quantity)| format!("updates[{price}][quantity]={quantity}")).collect();
    ("/cart/update", json!({ "updates": in_json }), in_form.join("&"))
}

/// Asks for a change in JSON and in a form.
async fn ask(visitor: &Visitor<'_>, (path, in_json, in_form): &Change) -> [Answer; 2] {
    [visitor.post(path, in_json.clone()).await, visitor.post_form(path, in_form).await]
}

#[track_caller]
fn is_refused(answer: &Answer, what: &str) {
    assert_eq!(answer.error(400), "custom_amount_alone", "{what}");
    assert_eq!(answer.json()["details"], json!({ "price": GIFT }), "{what}");
    assert_eq!(
        answer.json()["message"],
        "The shopper chooses the amount of price price_donation, so it is bought alone, one unit of it, and once"
    );
}

#[tokio::test]
async fn it_is_refused_beside_others_and_a_second_time_and_nothing_is_saved() {
    let shop = Shop::open().await;
    let cases = [
        (None, vec![add(&[(GIFT, 2)]), add(&[(GIFT, 1), (GIFT, 1)]), update(&[(GIFT, 2)])]),
        (None, vec![add(&[(GIFT, 1), ("price_mug", 1)]), add(&[("price_club_monthly", 1), (GIFT, 1)])]),
        (None, vec![update(&[(GIFT, 1), ("price_mug", 1)])]),
        (Some("price_mug"), vec![add(&[(GIFT, 1)]), add(&[("price_mug", 1), (GIFT, 1)]), update(&[(GIFT, 1)])]),
        (Some("price_club_monthly"), vec![add(&[(GIFT, 1)]), update(&[(GIFT, 1)])]),
        (Some(GIFT), vec![add(&[(GIFT, 1)]), update(&[(GIFT, 2)]), add(&[("price_mug", 1)])]),
        (Some(GIFT), vec![add(&[("price_club_monthly", 1)]), update(&[("price_mug", 1)]), add(&[(GIFT, 999_998)])]),
    ];

    for (held, changes) in cases {
        let visitor = shop.visitor();
        if let Some(price) = held {
            visitor.add(price, 1).await.ok();
        }
        let before = visitor.cart().await;
        for change in changes {
            for answer in ask(&visitor, &change).await {
                is_refused(&answer, &format!("{change:?} with {held:?}"));
            }
            assert_eq!(visitor.cart().await, before, "{change:?} with {held:?}");
        }
        assert_eq!(visitor.token().is_some(), held.is_some(), "a refused change opens no cart");
    }
}

#[tokio::test]
async fn alone_it_is_bought_and_it_can_be_set_again_swapped_and_replaced() {
    let shop = Shop::open().await;
    let visitor = shop.add(GIFT, 1).await;

    assert_eq!(visitor.set(GIFT, 1).await.ok()["item_count"], 1);
    assert_eq!(visitor.checkout().await.ok()["amount_total"], 1500);
    for (swapped, total) in [([("price_mug", 2), (GIFT, 0)], 2400), ([(GIFT, 1), ("price_mug", 0)], 1500)] {
        let (path, body, _) = update(&swapped);
        assert_eq!(visitor.post(path, body).await.ok()["total_price_minor"], total);
    }
    visitor.clear().await.ok();
    visitor.add("price_mug", 1).await.ok();
    visitor.set("price_mug", 0).await.ok();
    let line = visitor.add(GIFT, 1).await.ok()["items"][0].clone();
    let session = visitor.checkout().await.ok();

    assert_eq!((&line["total_price_minor"], &line["unit_price_with_currency"]), (&json!(1500), &Value::Null));
    assert_eq!(session["amount_total"], 1500);
    shop.pay(&session).await;
    assert_eq!(shop.marks(&session).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn added_at_the_same_moment_as_others_only_one_of_them_stands() {
    let shop = Shop::open().await;

    for round in 0..20 {
        let visitor = shop.add("price_sticker", 1).await;
        visitor.set("price_sticker", 0).await.ok();
        let prices = [GIFT, "price_mug", GIFT, "price_tshirt", "price_mug"];

        let answers = join_all((0..prices.len()).map(|index| visitor.add(prices[(index + round) % 5], 1))).await;

        let cart = visitor.cart().await;
        let held: Vec<_> = cart["items"].as_array().unwrap().iter().map(|item| item["price"].clone()).collect();
        let taken = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(cart["item_count"], taken, "{cart}");
        assert!(taken > 0);
        if held.contains(&json!(GIFT)) {
            assert_eq!((held.len(), taken), (1, 1), "{cart}");
        }
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            is_refused(answer, &cart.to_string());
        }
    }
}

#[tokio::test]
async fn a_cart_from_before_in_which_it_is_not_alone_is_shown_not_checked_out_and_mended_step_by_step() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 2).await;
    visitor.add_as_0_1_0_did(GIFT, 2).await;

    let shown = visitor.cart().await;
    assert_eq!((&shown["item_count"], &shown["total_price_minor"]), (&json!(4), &json!(2 * 1200 + 2 * 1500)));
    assert_eq!(shown["warnings"], json!([]));
    is_refused(&visitor.checkout().await, "checkout");
    for change in [add(&[("price_mug", 1)]), update(&[("price_mug", 3)]), add(&[(GIFT, 1)]), update(&[(GIFT, 3)])] {
        for answer in ask(&visitor, &change).await {
            is_refused(&answer, &format!("{change:?}"));
        }
    }
    assert_eq!(visitor.cart().await, shown);

    for (path, body, _) in [update(&[(GIFT, 1)]), update(&[("price_mug", 1)])] {
        visitor.post(path, body).await.ok();
        is_refused(&visitor.checkout().await, "checkout");
    }
    visitor.update(json!({ "metadata": { "note": "for the garden" } })).await.ok();
    visitor.set("price_mug", 0).await.ok();

    assert_eq!(visitor.checkout().await.ok()["amount_total"], 1500);
    assert_eq!(shop.session_requests().len(), 1);
}

#[tokio::test]
async fn a_cart_from_before_in_which_it_is_not_alone_can_be_cleared() {
    let shop = Shop::open().await;
    let visitor = shop.add(GIFT, 1).await;
    visitor.add_as_0_1_0_did("price_mug", 1).await;
    is_refused(&visitor.checkout().await, "checkout");

    visitor.clear().await.ok();

    visitor.add("price_mug", 2).await.ok();
    assert_eq!(visitor.add("price_mug", 1).await.ok()["item_count"], 3);
    assert_eq!(visitor.checkout().await.ok()["amount_total"], 3600);
}

#[tokio::test]
async fn its_session_has_no_codes_no_discounts_no_further_items_and_no_other_quantity() {
    let overrides = json!({ "discounts": [{ "coupon": "welcome10" }], "optional_items": [{ "price": "price_mug" }] });
    let settings = [("CHECKOUT_PROMOTION_CODES", "true"), ("CHECKOUT_SESSION_OVERRIDES", &overrides.to_string())];
    let shop = Shop::open_with(settings).await;
    let visitor = shop.visitor();
    let adjustable = json!({ "enabled": true, "minimum": 1, "maximum": 10 });
    let items = json!([{ "price": GIFT, "adjustable_quantity": adjustable }]);
    let cart = visitor.post("/cart/add", json!({ "items": items })).await.ok();

    let session = visitor.checkout().await.ok();

    let asked = &shop.session_requests()[0].params;
    assert_eq!(cart["items"][0]["adjustable_quantity"], adjustable, "the cart shows what was asked for");
    let line = json!({ "stripe_payments_line": GIFT });
    assert_eq!(asked["line_items"], json!([{ "price": GIFT, "quantity": "1", "metadata": line }]));
    assert_eq!(asked["allow_promotion_codes"], "false", "also where the dashboard has them on");
    for parameter in ["discounts", "optional_items"] {
        assert_eq!(asked.get(parameter), None, "{parameter}");
    }
    assert_eq!(session["amount_total"], 1500);
}

#[tokio::test]
async fn a_code_for_it_is_refused_before_a_page_is_made() {
    let shop = Shop::open().await;
    let visitor = shop.add(GIFT, 1).await;

    let answer = visitor.post("/cart/checkout", json!({ "promotion_code": "WELCOME10" })).await;

    assert_eq!(answer.error(400), "invalid_promotion_code");
    assert_eq!(answer.json()["details"], json!({ "field": "promotion_code", "reason": "custom_amount" }));
    assert_eq!(shop.session_requests().len(), 0);
    assert_eq!(visitor.checkout().await.ok()["amount_total"], 1500);
}
