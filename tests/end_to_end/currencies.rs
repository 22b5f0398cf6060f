//! A cart has one currency.

use fixtures::{Answer, Shop, Visitor};
use reqwest::Method;
use serde_json::{Value, json};

async fn add_in(visitor: &Visitor<'_>, header: (&str, &str), price: &str, quantity: u32) -> Answer {
    visitor.post_with(&[header], "/cart/add", json!({ "items": [{ "price": price, "quantity": quantity }] })).await
}

/// The currency that the last checkout asked Stripe for.
fn asked_in(shop: &Shop) -> Value {
    shop.session_requests().last().unwrap().params["currency"].clone()
}

#[tokio::test]
async fn a_new_cart_takes_the_currency_of_the_header_where_the_price_has_it() {
    let shop = Shop::open().await;

    for name in ["X-Currency", "x-currency", "X-MOLTIN-CURRENCY"] {
        let visitor = shop.visitor();
        let cart = add_in(&visitor, (name, "EUR"), "price_tshirt", 2).await.ok();
        let session = visitor.checkout().await.ok();

        assert_eq!((&cart["currency"], &cart["total_price_minor"]), (&json!("eur"), &json!(5800)), "{name}");
        assert_eq!(cart["total_price_with_currency"], "€58.00");
        assert_eq!(asked_in(&shop), "eur");
        assert_eq!((&session["currency"], &session["amount_total"]), (&json!("eur"), &json!(5800)));
    }
}

#[tokio::test]
async fn without_the_header_a_cart_takes_the_prices_own_currency() {
    let shop = Shop::open_with([("DEFAULT_CURRENCY", "eur")]).await;
    let visitor = shop.visitor();

    let cart = visitor.add("price_tea_jpy", 3).await.ok();
    visitor.checkout().await.ok();

    assert_eq!((&cart["currency"], &cart["total_price_with_currency"]), (&json!("jpy"), &json!("¥1,500")));
    assert_eq!(asked_in(&shop), Value::Null);
}

#[tokio::test]
async fn prices_of_all_kinds_are_taken_in_the_carts_currency() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    add_in(&visitor, ("X-Currency", "eur"), "price_cards_volume", 60).await.ok();
    visitor.add("price_tshirt", 1).await.ok();
    let giver = shop.visitor();
    add_in(&giver, ("X-Currency", "eur"), "price_donation", 1).await.ok();

    // 60 × 110 + 900, a T-shirt; the preset
    for (visitor, total) in [(visitor, 7500 + 2900), (giver, 1500)] {
        let session = visitor.checkout().await.ok();

        let cart = visitor.cart().await;
        let lines: u64 =
            cart["items"].as_array().unwrap().iter().map(|line| line["total_price_minor"].as_u64().unwrap()).sum();
        assert_eq!((&cart["total_price_minor"], lines), (&json!(total), total));
        assert_eq!(session["amount_total"], total);
        assert_eq!(asked_in(&shop), "eur");
    }
}

/// "The default currency must be the same across all prices, shipping rates, and discounts."
///
/// Source: <https://docs.stripe.com/payments/checkout/localize-prices/manual-currency-prices>
#[tokio::test]
async fn a_price_of_another_own_currency_is_refused_in_whatever_currency_the_cart_is() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let eur = ("X-Currency", "eur");
    let before = add_in(&visitor, eur, "price_tshirt", 1).await.ok();
    let batch = |prices: [&str; 2]| json!({ "items": prices.map(|price| json!({ "price": price })) });

    let fresh = shop.visitor();
    let answers = [
        visitor.add("price_mug_eur", 1).await,
        visitor.set("price_mug_eur", 1).await,
        visitor.post("/cart/add", batch(["price_cards_volume", "price_mug_eur"])).await,
        fresh.post_with(&[eur], "/cart/add", batch(["price_tshirt", "price_mug_eur"])).await,
    ];

    for answer in answers {
        assert_eq!(answer.error(400), "mixed_currency");
        assert_eq!(
            answer.json()["details"],
            json!({ "price": "price_mug_eur", "currency": "eur", "own_currency": "eur", "cart_own_currency": "usd" })
        );
        assert_eq!(
            answer.json()["message"],
            "Price price_mug_eur has the own currency eur, those in the cart usd: they cannot be paid together"
        );
    }
    assert_eq!(visitor.cart().await, before);
    assert_eq!(fresh.token(), None);
}

#[tokio::test]
async fn a_line_of_another_own_currency_from_before_is_unavailable_until_it_is_removed() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    add_in(&visitor, ("X-Currency", "eur"), "price_tshirt", 1).await.ok();
    visitor.add_as_0_1_0_did("price_mug_eur", 1).await;

    let shown = visitor.cart().await;
    assert_eq!(
        shown["warnings"],
        json!([{ "code": "price_inactive", "price": "price_mug_eur", "id": "price_mug_eur" }])
    );
    assert_eq!((&shown["total_price_minor"], &shown["item_count"]), (&json!(2900), &json!(2)));
    let refused = visitor.checkout().await;
    assert_eq!(refused.error(409), "cart_changed");
    assert_eq!(refused.json()["details"]["prices"], json!(["price_mug_eur"]));
    assert_eq!(visitor.add("price_tea_eur", 1).await.error(400), "mixed_currency");
    assert_eq!(visitor.set("price_mug_eur", 2).await.error(400), "mixed_currency");

    // Dollars can be added as before, and the line can be removed.
    visitor.add("price_cards_volume", 1).await.ok();
    let mended = visitor.set("price_mug_eur", 0).await.ok();

    assert_eq!((&mended["warnings"], &mended["total_price_minor"]), (&json!([]), &json!(2900 + 140 + 900)));
    assert_eq!(visitor.checkout().await.ok()["amount_total"], mended["total_price_minor"]);
}

/// A line that an earlier release added does not say which own currency it has; the catalogue does.
#[tokio::test]
async fn the_own_currency_of_a_line_from_before_is_looked_up() {
    let shop = Shop::open_with([("CATALOG_CACHE_SECONDS", "60")]).await;
    // From now on the function remembers these two prices, and asks for no others before it changes a cart.
    shop.add("price_mug_eur", 1).await;
    let visitor = shop.visitor();
    add_in(&visitor, ("X-Currency", "eur"), "price_tshirt", 1).await.ok();
    visitor.add_as_0_1_0_did("price_cards_volume", 1).await;

    assert_eq!(visitor.add("price_mug_eur", 1).await.error(400), "mixed_currency");

    assert_eq!(visitor.add("price_tshirt", 1).await.ok()["item_count"], 3);
}

#[tokio::test]
async fn a_price_without_the_carts_currency_is_refused_and_nothing_is_converted() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let before = add_in(&visitor, ("X-Currency", "eur"), "price_tshirt", 1).await.ok();

    let added = visitor.add("price_mug", 1).await;
    let set = visitor.set("price_mug", 1).await;
    // The header counts only while the cart has no currency.
    let again = add_in(&visitor, ("X-Currency", "usd"), "price_mug", 1).await;

    for answer in [added, set, again] {
        assert_eq!(answer.error(400), "mixed_currency");
        assert_eq!(answer.json()["details"], json!({ "price": "price_mug", "currency": "eur" }));
    }
    assert_eq!(visitor.cart().await, before);
}

#[tokio::test]
async fn a_header_that_the_first_price_cannot_follow_is_refused_and_opens_no_cart() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();

    assert_eq!(add_in(&visitor, ("X-Currency", "eur"), "price_mug", 1).await.error(400), "mixed_currency");
    assert_eq!(add_in(&visitor, ("X-Currency", "euro"), "price_mug", 1).await.error(400), "invalid_header");
    assert_eq!(visitor.token(), None);
}

/// A shop shows what the cart of a visitor without one would be in, whatever was asked for.
#[tokio::test]
async fn an_answer_without_a_cart_is_in_the_currency_of_the_header() {
    let shop = Shop::open().await;
    let gone = json!([{ "price": "price_none" }, { "price": "price_poster_old" }]);
    let requests = [
        (Method::GET, "/cart", Value::Null),
        (Method::POST, "/cart/add", json!({ "items": gone, "options": { "add_all_or_nothing": false } })),
        (Method::POST, "/cart/update", json!({})),
        (Method::POST, "/cart/update", json!({ "updates": { "price_tshirt": { "quantity": 0 } }, "metadata": {} })),
        (Method::DELETE, "/cart/items/price_tshirt", Value::Null),
        (Method::DELETE, "/de/enupal-stripe/cart/items/a~b~c", Value::Null),
        (Method::POST, "/cart/clear", json!({})),
        (Method::POST, "/cart/clear", json!({ "forget": true })),
    ];
    let paid = shop.add("price_mug", 1).await;
    shop.pay(&paid.checkout().await.ok()).await;
    let closed = paid.token().unwrap();
    for (method, path, body) in requests {
        for token in [None, Some("AAECAwQFBgcICQoLDA0ODw"), Some(&closed)] {
            // What is paid is still shown.
            if (&method, token) == (&Method::GET, Some(&closed)) {
                continue;
            }
            for (name, code, currency, total) in [
                ("x-currency", "EUR", "eur", "€0.00"),
                ("x-moltin-currency", "jpy", "jpy", "¥0"),
                ("x-currency", "", "usd", "$0.00"),
            ] {
                let what = format!("{method} {path} {name}: {code} {token:?}");
                let token = token.map(|token| ("cart-token", token));
                let headers: Vec<_> =
                    [("content-type", "application/json"), (name, code)].into_iter().chain(token).collect();

                let answer = shop.send(method.clone(), path, &headers, body.to_string().into_bytes()).await;

                let cart = answer.ok();
                assert_eq!((&cart["number"], answer.header("cart-token")), (&Value::Null, None), "{what}");
                let said = (&cart["currency"], &cart["total_price_with_currency"]);
                assert_eq!(said, (&json!(currency), &json!(total)), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn an_emptied_cart_takes_a_new_currency() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    visitor.set("price_mug", 0).await.ok();

    let cart = visitor.add("price_mug_eur", 1).await.ok();

    assert_eq!((&cart["currency"], &cart["total_price_minor"]), (&json!("eur"), &json!(1100)));
}

#[tokio::test]
async fn products_are_listed_in_the_currency_that_is_asked_for() {
    let shop = Shop::open().await;

    let listed = shop.get("/products?limit=100&currency=EUR").await.ok();

    let prices: Vec<&Value> =
        listed["data"].as_array().unwrap().iter().flat_map(|product| product["prices"].as_array().unwrap()).collect();
    let unit = |id: &str| &prices.iter().find(|price| price["id"] == id).unwrap()["unit_price_with_currency"];
    assert_eq!(unit("price_tshirt"), "€29.00");
    assert_eq!(unit("price_mug_eur"), "€11.00");
    assert_eq!(*unit("price_mug"), Value::Null);
    assert_eq!(shop.get("/products?currency=euro").await.error(400), "invalid_field");
}

/// Stripe brings the tiers of another currency only where they are asked for by its name.
#[tokio::test]
async fn tiers_in_another_currency_are_known_however_the_price_was_learnt() {
    let catalogue = json!({
        "products": [{ "id": "prod_cards", "name": "Cards" }],
        "prices": [{
            "id": "price_cards", "product": "prod_cards", "currency": "usd", "billing_scheme": "tiered",
            "tiers_mode": "volume", "tiers": [{ "up_to": null, "unit_amount": 100 }],
            "currency_options": { "eur": { "tiers": [{ "up_to": null, "unit_amount": 90 }] } },
        }],
    });
    let total = async |shop: &Shop, price: &str| {
        add_in(&shop.visitor(), ("X-Currency", "eur"), price, 10).await.ok()["total_price_minor"].clone()
    };
    let shop = Shop::open_on(&catalogue, []).await;

    assert_eq!(total(&shop, "price_cards").await, 900, "by the sync");
    shop.stripe(Method::POST, "/v1/prices/price_cards", "nickname=x").await;
    shop.sandbox().settled().await;
    assert_eq!(total(&shop, "price_cards").await, 900, "by an event");
    shop.sandbox().pause_webhooks(true);
    let form = "currency=usd&product=prod_cards&billing_scheme=tiered&tiers_mode=volume&tiers[0][up_to]=inf\
                &tiers[0][unit_amount]=100&currency_options[eur][tiers][0][up_to]=inf\
                &currency_options[eur][tiers][0][unit_amount]=80";
    let price = shop.stripe(Method::POST, "/v1/prices", form).await;
    let price = price["id"].as_str().unwrap();
    assert_eq!(total(&shop, price).await, 800, "on demand");
    assert_eq!(shop.stripe_requests("GET", &format!("/v1/prices/{price}")), 2);
    assert_eq!(total(&shop, price).await, 800, "from the table");
    assert_eq!(shop.stripe_requests("GET", &format!("/v1/prices/{price}")), 2);
}

/// Without a currency, Stripe's page goes by the shopper's location where all prices have the local currency.
#[tokio::test]
async fn the_page_shows_the_carts_currency_wherever_the_shopper_is() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_tshirt", 1).await;

    let form = json!({ "email": "ann+location_FR@shop.example" });
    let session = visitor.post("/cart/checkout", form).await.ok();

    assert_eq!(asked_in(&shop), "usd");
    assert_eq!((&session["currency"], &session["amount_total"]), (&json!("usd"), &json!(3200)));
}
