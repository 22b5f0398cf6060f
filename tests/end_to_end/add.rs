//! `POST /cart/add`.

use fixtures::Shop;
use serde_json::{Value, json};

#[tokio::test]
async fn the_first_add_opens_a_cart_and_hands_its_token_over() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();

    let answer = visitor.add("price_mug", 2).await;

    let cart = answer.ok();
    let number = cart["number"].as_str().unwrap();
    assert!(number.len() == 32 && number.bytes().all(|digit| b"0123456789abcdef".contains(&digit)), "{number}");
    assert_eq!(cart["item_count"], 2);
    assert_eq!(cart["total_price"], 24);
    assert_eq!(cart["total_price_minor"], 2400);
    assert_eq!(cart["total_price_with_currency"], "$24.00");
    let token = answer.header("cart-token").unwrap();
    let cookie = answer.header("set-cookie").unwrap();
    assert_eq!(cookie, format!("__Host-cart_token={token}; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=604800"));
    assert_eq!(token.parse::<cart::Token>().unwrap().number().to_string(), number);
}

#[tokio::test]
async fn adding_again_sums_in_the_same_cart() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let first = visitor.add("price_mug", 2).await.ok();

    let second = visitor.add("price_mug", 1).await.ok();

    assert_eq!(second["number"], first["number"]);
    assert_eq!(second["items"][0]["quantity"], 3);
    assert_eq!(second["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_unknown_price_beside_a_known_one_saves_nothing() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let body = json!({ "items": [{ "price": "price_tshirt" }, { "price": "price_nowhere" }] });

    let answer = visitor.post("/cart/add", body).await;

    assert_eq!(answer.error(404), "price_not_found");
    assert_eq!(answer.json()["message"], "Cannot find price: price_nowhere");
    assert_eq!(answer.json()["details"]["price"], "price_nowhere");
    assert_eq!(visitor.cart().await["item_count"], 1);
}

#[tokio::test]
async fn the_same_price_twice_in_one_request_is_summed() {
    let shop = Shop::open().await;
    let body = json!({ "items": [{ "price": "price_mug", "quantity": 2 }, { "price": "price_mug", "quantity": "3" }] });

    let cart = shop.visitor().post("/cart/add", body).await.ok();

    assert_eq!(cart["items"].as_array().unwrap().len(), 1);
    assert_eq!(cart["items"][0]["quantity"], 5);
}

#[tokio::test]
async fn a_form_with_brackets_says_the_same_as_json() {
    let shop = Shop::open().await;
    let (json_visitor, form_visitor) = (shop.visitor(), shop.visitor());
    let body = json!({
        "items": [
            { "price": "price_mug", "quantity": 2, "description": "for Ann & Bob",
              "adjustable_quantity": { "enabled": true, "minimum": 1, "maximum": 10 } },
            { "price": "price_tshirt", "quantity": 1 },
        ],
        "metadata": { "is_gift": "yes" },
    });
    let form = "items%5B0%5D%5Bprice%5D=price_mug&items%5B0%5D%5Bquantity%5D=2\
        &items%5B0%5D%5Bdescription%5D=for+Ann+%26+Bob&items[0][adjustable_quantity][enabled]=true\
        &items[0][adjustable_quantity][minimum]=1&items[0][adjustable_quantity][maximum]=10\
        &items[1][price]=price_tshirt&items[1][quantity]=1&metadata[is_gift]=yes";

    let mut by_json = json_visitor.post("/cart/add", body).await.ok();
    let mut by_form = form_visitor.post_form("/cart/add", form).await.ok();

    for cart in [&mut by_json, &mut by_form] {
        cart["number"].take();
        cart["meta"].take();
    }
    assert_eq!(by_json, by_form);
    assert_eq!(by_json["items"][0]["adjustable_quantity"], json!({ "enabled": true, "minimum": 1, "maximum": 10 }));
    assert_eq!(by_json["items"][0]["description"], "for Ann & Bob");
    assert_eq!(by_json["metadata"], json!({ "is_gift": "yes" }));
}

#[tokio::test]
async fn lines_keep_the_order_in_which_they_came() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let prices = ["price_tshirt", "price_mug", "price_sticker", "price_poster"];
    visitor.post("/cart/add", json!({ "items": [{ "price": prices[0] }, { "price": prices[1] }] })).await.ok();
    visitor.add(prices[2], 1).await.ok();
    visitor.add(prices[3], 1).await.ok();

    let cart = visitor.add(prices[0], 1).await.ok();

    let shown: Vec<_> = cart["items"].as_array().unwrap().iter().map(|item| item["price"].as_str().unwrap()).collect();
    assert_eq!(shown, prices);
}

#[tokio::test]
async fn nothing_else_that_a_line_says_reaches_stripe() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let line = json!({
        "price": "price_mug", "price_data": { "currency": "usd", "unit_amount": 1 }, "unit_amount": 1, "amount": 1,
        "tax_rates": ["txr_vat"], "discounts": [{ "coupon": "free" }],
        "adjustable_quantity": { "enabled": true, "sneaky": 1 },
    });

    let cart = visitor.post("/cart/add", json!({ "items": [line], "CRAFT_CSRF_TOKEN": "x" })).await.ok();
    visitor.checkout().await.ok();

    assert_eq!(cart["total_price_minor"], 1200);
    assert_eq!(
        shop.session_requests()[0].params["line_items"],
        json!([{ "price": "price_mug", "quantity": "1",
                 "adjustable_quantity": { "enabled": "true", "minimum": "0", "maximum": "999999" },
                 "metadata": { "stripe_payments_line": "price_mug" } }])
    );
}

#[tokio::test]
async fn prices_of_two_currencies_do_not_mix() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_tshirt", 1).await;

    let answer = visitor.add("price_tea_jpy", 1).await;

    assert_eq!(answer.error(400), "mixed_currency");
    assert_eq!(visitor.cart().await["item_count"], 1);
}

#[tokio::test]
async fn recurring_prices_of_two_intervals_do_not_mix() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_club_monthly", 1).await;

    let answer = visitor.add("price_club_yearly", 1).await;

    assert_eq!(answer.error(400), "mixed_interval");
    assert_eq!(visitor.cart().await["item_count"], 1);
}

#[tokio::test]
async fn quantities_past_the_largest_are_refused_and_change_nothing() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 999_999).await;

    let answer = visitor.add("price_mug", 1).await;

    assert_eq!(answer.error(400), "invalid_quantity");
    assert_eq!(visitor.cart().await["item_count"], 999_999);
}

/// Of several items of one line the first that it cannot hold beside those before it is at fault, whatever else is sent.
#[tokio::test]
async fn the_item_that_is_more_than_its_line_can_hold_is_named_by_its_field() {
    let shop = Shop::open().await;
    let one = |text: &str, quantity: Value| json!({ "price": "price_mug", "quantity": quantity, "attributes": { "engraving": text } });
    let other = json!({ "price": "price_tshirt", "quantity": 999_999 });
    let held = shop.visitor();
    held.post("/cart/add", json!({ "items": [one("Ann", json!(999_990))] })).await.ok();
    let line = held.cart().await["items"][0]["id"].clone();
    let part = |name: &str, value: &str| {
        format!("--x\r\nContent-Disposition: form-data; name=\"items{name}\"\r\n\r\n{value}\r\n")
    };
    let parts = [
        part("[4][price]", "price_mug"),
        part("[4][attributes][engraving]", "Ann"),
        part("[4][quantity]", "10"),
        part("[2][price]", "price_mug"),
        "--x--\r\n".to_owned(),
    ];
    let multipart = [("content-type", "multipart/form-data; boundary=x")];
    let form = "items[7][price]=price_mug&items[7][attributes][engraving]=Ann&items[7][quantity]=1&items[9][price]=price_mug\
                &items[9][attributes][engraving]=Ann&items[9][quantity]=9&items[3][price]=price_mug&items[3][quantity]=9";
    let json = |items: Value| held.post("/cart/add", json!({ "items": items }));
    let first = json!({ "items": [one("Ann", json!(999_999)), other, one("Ann", json!(1))] });

    for (answer, field) in [
        (json(json!([one("Ann", json!(10))])).await, "items[0].quantity"),
        (json(json!([one("Bob", json!(20)), other, null, one("Ann", json!("10"))])).await, "items[3].quantity"),
        (json(json!([one("Ann", json!(9)), one("Ann", json!(null)), one("Ann", json!(5))])).await, "items[1].quantity"),
        (json(json!({ "5": one("Ann", json!(10)), "4": one("", json!(10)) })).await, "items[5].quantity"),
        (held.post_form("/cart/add", form).await, "items[9].quantity"),
        (
            held.send(reqwest::Method::POST, "/cart/add", &multipart, parts.concat().into_bytes()).await,
            "items[4].quantity",
        ),
        (shop.visitor().post("/cart/add", first).await, "items[2].quantity"),
    ] {
        assert_eq!(answer.error(400), "invalid_quantity", "{}", answer.text);
        assert_eq!(answer.json()["details"], json!({ "field": field, "id": line }));
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with(field), "{message}");
    }
    assert_eq!(held.cart().await["item_count"], 999_990);
}
