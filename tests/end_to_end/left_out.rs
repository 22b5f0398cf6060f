//! What settings name and a cart cannot have is left out of its session, which can be paid all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use fixtures::proxy::{Bytes, Parts, Proxy, forward, json as answer};
use fixtures::{Answer, Shop, Visitor};
use futures_util::future::join_all;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use stripe_sandbox::Failure;

use crate::log::Captured;

/// The sample catalogue, and things that do not fit every cart.
pub(crate) fn catalogue() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../local/stripe-sandbox/data/sample.json");
    let mut catalogue: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut add = |kind: &str, objects: Value| {
        catalogue[kind].as_array_mut().unwrap().extend(objects.as_array().unwrap().clone());
    };
    let rate = |id: &str, active: bool, amount: Value| json!({ "id": id, "display_name": id, "active": active, "fixed_amount": amount });
    add(
        "shipping_rates",
        json!([
            rate("shr_archived", false, json!({ "amount": 500, "currency": "usd" })),
            rate("shr_dollars", true, json!({ "amount": 500, "currency": "usd" })),
            rate(
                "shr_euros",
                true,
                json!({ "amount": 450, "currency": "eur", "currency_options": { "usd": { "amount": 500 } } })
            ),
        ]),
    );
    add(
        "coupons",
        json!([
            { "id": "over", "percent_off": 10, "duration": "once", "redeem_by": 1 },
            { "id": "euros_off", "amount_off": 300, "currency": "eur", "duration": "once" },
            { "id": "25% off", "percent_off": 25, "duration": "once" },
        ]),
    );
    add(
        "prices",
        json!([{ "id": "price_sticker_retired", "product": "prod_sticker", "currency": "usd", "unit_amount": 50, "active": false }]),
    );
    catalogue
}

async fn open<const N: usize>(settings: [(&str, &str); N]) -> Shop {
    Shop::open_on(&catalogue(), settings).await
}

/// A visitor whose cart has one line, in this currency.
async fn add_in<'a>(shop: &'a Shop, price: &str, currency: &str) -> Visitor<'a> {
    let visitor = shop.visitor();
    let items = json!({ "items": [{ "price": price }] });
    visitor.post_with(&[("x-currency", currency)], "/cart/add", items).await.ok();
    visitor
}

/// What the last session was asked for with.
fn asked(shop: &Shop) -> Value {
    shop.session_requests().pop().unwrap().params
}

/// The ids that a list of the last session names.
fn names(shop: &Shop, list: &str) -> Vec<String> {
    let elements = asked(shop)[list].as_array().cloned().unwrap_or_default();
    let id = |element: &Value| element.as_object().unwrap().values().find_map(Value::as_str).unwrap().to_owned();
    elements.iter().map(id).collect()
}

/// What the log says was left out, and how much was counted; then it is forgotten.
struct LeftOut {
    captured: Captured,
    seen: usize,
}

impl LeftOut {
    fn next(&mut self) -> Vec<String> {
        let lines = self.captured.lines();
        let new = lines[self.seen..].iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let new: Vec<_> = new.collect();
        self.seen = lines.len();
        let named: Vec<_> = new
            .iter()
            .filter(|line| line["level"] == "WARN" && line.to_string().contains("left out of a session"))
            .map(|line| {
                let said = |name: &str| line[name].as_str().or_else(|| line["fields"][name].as_str());
                [said("parameter"), said("object")].into_iter().flatten().collect::<Vec<_>>().join(" ")
            })
            .collect();
        let counted: u64 = new.iter().filter_map(|line| line["SettingLeftOut"].as_u64()).sum();
        assert_eq!(counted, named.len() as u64, "{named:?}");
        named
    }
}

fn watch() -> (LeftOut, tracing::subscriber::DefaultGuard) {
    let (captured, guard) = Captured::begin("INFO");
    (LeftOut { captured, seen: 0 }, guard)
}

/// Pays a session and returns the marks of its order.
async fn marks(shop: &Shop, session: &Value) -> Value {
    shop.pay(session).await;
    shop.marks(session).await
}

#[tokio::test]
async fn rates_that_do_not_fit_the_cart_are_left_out_each_with_a_line() {
    let (mut left_out, _guard) = watch();
    let shop = open([("CHECKOUT_SHIPPING_RATES", "shr_archived,shr_standard,shr_gone,shr_euros,shr_dollars")]).await;
    let all = ["shr_archived", "shr_standard", "shr_gone", "shr_euros", "shr_dollars"];

    for (price, currency, fitting) in [
        ("price_mug", "usd", vec!["shr_standard", "shr_dollars"]),
        ("price_tshirt", "eur", vec!["shr_standard"]),
        ("price_mug_eur", "eur", vec!["shr_euros"]),
    ] {
        let session = add_in(&shop, price, currency).await.checkout().await.ok();

        assert_eq!(names(&shop, "shipping_options"), fitting, "{price} in {currency}");
        let expected: Vec<_> =
            all.iter().filter(|rate| !fitting.contains(rate)).map(|rate| format!("shipping_options {rate}")).collect();
        assert_eq!(left_out.next(), expected, "{price} in {currency}");
        assert_eq!(marks(&shop, &session).await, json!([]));
    }
    assert_eq!(shop.stripe_requests("GET", "/v1/shipping_rates/shr_gone"), 1, "asked once");
}

#[tokio::test]
async fn a_subscription_asks_for_no_rates_and_says_that_it_leaves_them_out() {
    let (mut left_out, _guard) = watch();
    let shop = open([("CHECKOUT_SHIPPING_RATES", "shr_standard")]).await;

    let session = shop.add("price_club_monthly", 1).await.checkout().await.ok();

    assert_eq!(asked(&shop).get("shipping_options"), None);
    assert_eq!(left_out.next(), ["shipping_options"]);
    assert_eq!(shop.stripe_requests("GET", "/v1/shipping_rates/shr_standard"), 0);
    assert_eq!(marks(&shop, &session).await, json!([]), "a subscription takes no rates");
}

#[tokio::test]
async fn rates_cost_a_warm_checkout_nothing() {
    let calls = |shop: &Shop| shop.wire().calls();
    let plain = Shop::open_on_wires([]).await;
    plain.add("price_mug", 1).await.checkout().await.ok();
    let visitor = plain.add("price_mug", 1).await;
    plain.wire().plan(None);
    visitor.checkout().await.ok();
    let expected = calls(&plain);
    assert_eq!(expected.iter().filter(|call| call.starts_with("DynamoDB")).count(), 3);

    let shop = Shop::open_on_wires([("CHECKOUT_SHIPPING_RATES", "shr_standard,shr_express")]).await;
    shop.add("price_mug", 1).await.checkout().await.ok();
    let visitor = shop.add("price_mug", 1).await;
    shop.wire().plan(None);
    visitor.checkout().await.ok();

    assert_eq!(calls(&shop), expected);
}

#[tokio::test]
async fn checkouts_at_the_same_time_ask_once_for_a_rate() {
    let shop = open([("CHECKOUT_SHIPPING_RATES", "shr_standard,shr_express")]).await;
    let visitors = join_all((0..12).map(|_| shop.add("price_mug", 1))).await;

    let answers: Vec<Answer> = join_all(visitors.iter().map(Visitor::checkout)).await;

    assert!(answers.iter().all(|answer| answer.status == 200));
    for rate in ["shr_standard", "shr_express"] {
        assert_eq!(shop.stripe_requests("GET", &format!("/v1/shipping_rates/{rate}")), 1);
    }
}

#[tokio::test]
async fn what_the_key_may_not_read_is_sent_and_one_line_names_the_right() {
    let (captured, _guard) = Captured::begin("INFO");
    let shop = open([("CHECKOUT_SHIPPING_RATES", "shr_standard,shr_express")]).await;
    let key = shop.stack().environment().get("STRIPE_SECRET_KEY").unwrap();
    shop.sandbox().restrict_key(key, &["rak_checkout_session_write", "rak_product_read", "rak_plan_read"]);

    for _ in 0..3 {
        shop.add("price_mug", 1).await.checkout().await.ok();

        assert_eq!(names(&shop, "shipping_options"), ["shr_standard", "shr_express"]);
    }
    let lines = captured.lines();
    let errors: Vec<_> = lines.iter().filter(|line| line.contains("\"ERROR\"")).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("missing right rak_shipping_rate_read"), "{errors:?}");
}

#[tokio::test]
async fn a_rate_that_stripe_does_not_show_is_sent_and_asked_for_again() {
    let shop = open([("CHECKOUT_SHIPPING_RATES", "shr_standard,shr_archived")]).await;
    let path = "/v1/shipping_rates/shr_standard";
    shop.sandbox().fail_next_with("GET", path, Failure::broken().should_retry(false));

    for requests in [1, 2, 2] {
        shop.add("price_mug", 1).await.checkout().await.ok();

        assert_eq!(names(&shop, "shipping_options"), ["shr_standard"]);
        assert_eq!(shop.stripe_requests("GET", path), requests);
    }
}

/// Stands between a shop and its Stripe, which has archived a rate as soon as it is told so. The sandbox cannot.
async fn archiving(shop: &Shop, rate: &'static str) -> (Proxy, Arc<AtomicBool>) {
    let (server, client, archived) = (shop.sandbox().url(), Client::new(), Arc::new(AtomicBool::new(false)));
    let is_archived = Arc::clone(&archived);
    let carry = move |parts: Parts, body: Bytes| {
        let (server, client, is_archived) = (server.clone(), client.clone(), is_archived.load(Relaxed));
        async move {
            let (path, text) = (parts.uri.path().to_owned(), String::from_utf8_lossy(&body).into_owned());
            if is_archived && path == "/v1/checkout/sessions" && text.contains(rate) {
                let error = json!({
                    "type": "invalid_request_error", "param": "shipping_options[1]",
                    "message": "The shipping rate specified is inactive.",
                });
                return Ok(answer(400, json!({ "error": error }).to_string()));
            }
            let answered = forward(&client, &server, parts, body).await?;
            let status = answered.status().as_u16();
            if is_archived && path == format!("/v1/shipping_rates/{rate}") {
                let mut object: Value = serde_json::from_slice(answered.body()).unwrap();
                object["active"] = json!(false);
                return Ok(answer(status, object.to_string()));
            }
            Ok(answer(status, answered.into_body()))
        }
    };
    (Proxy::start(None, carry).await.unwrap(), archived)
}

#[tokio::test]
async fn a_rate_archived_since_it_was_read_costs_one_more_attempt() {
    let (mut left_out, _guard) = watch();
    let origin = open([]).await;
    let (proxy, archived) = archiving(&origin, "shr_express").await;
    let stripe = format!("http://127.0.0.1:{}", proxy.port());
    let settings = [("STRIPE_API_URL", stripe.as_str()), ("CHECKOUT_SHIPPING_RATES", "shr_standard,shr_express")];
    let shop = origin.behind(origin.stack().dynamodb_url(), settings).await;
    shop.add("price_mug", 1).await.checkout().await.ok();
    assert_eq!(names(&origin, "shipping_options"), ["shr_standard", "shr_express"]);
    let visitor = shop.add("price_mug", 1).await;
    archived.store(true, Relaxed);

    let session = visitor.checkout().await.ok();

    assert_eq!(names(&origin, "shipping_options"), ["shr_standard"]);
    assert_eq!(left_out.next(), ["shipping_options shr_express"]);
    for rate in ["shr_standard", "shr_express"] {
        assert_eq!(origin.stripe_requests("GET", &format!("/v1/shipping_rates/{rate}")), 2, "all are read again");
    }
    let before = origin.session_requests().len();
    assert_eq!(visitor.checkout().await.ok()["id"], session["id"], "what was made is what would be made now");
    shop.add("price_mug", 1).await.checkout().await.ok();
    assert_eq!(origin.session_requests().len(), before + 1, "it is known now");
    assert_eq!(origin.stripe_requests("GET", "/v1/shipping_rates/shr_express"), 2);
}

#[tokio::test]
async fn an_order_without_any_of_the_shops_rates_bears_a_mark() {
    let (captured, _guard) = Captured::begin("INFO");
    let rates = ("CHECKOUT_SHIPPING_RATES", "shr_archived,shr_gone");
    let override_of = |id: &str| json!({ "shipping_options": [{ "shipping_rate": id }] }).to_string();
    let (good, bad) = (override_of("shr_standard"), override_of("shr_archived"));
    let setting = "CHECKOUT_SESSION_OVERRIDES";

    for (settings, price, expected) in [
        ([rates, (setting, "{}")], "price_mug", json!(["no_shipping"])),
        ([rates, (setting, "{}")], "price_club_monthly", json!([])),
        ([rates, (setting, good.as_str())], "price_mug", json!([])),
        ([("CHECKOUT_SHIPPING_RATES", "shr_standard"), (setting, bad.as_str())], "price_mug", json!(["no_shipping"])),
        ([("CHECKOUT_SHIPPING_RATES", ""), (setting, bad.as_str())], "price_mug", json!([])),
    ] {
        let shop = open(settings).await;
        let visitor = shop.visitor();
        visitor.add(price, 1).await.ok();
        visitor.update(json!({ "metadata": { "is_gift": "yes" } })).await.ok();

        let session = visitor.checkout().await.ok();
        assert_eq!(visitor.checkout().await.ok()["id"], session["id"]);

        assert_eq!(marks(&shop, &session).await, expected, "{settings:?}");
        let order = shop.stored_order(&fixtures::order_number(&session)).await;
        assert_eq!(order["metadata"], json!({ "is_gift": "yes" }));
    }
    let webhooks = captured.of("stripe-webhook");
    let sum = |metric: &str| webhooks.iter().filter_map(|line| line[metric].as_u64()).sum::<u64>();
    assert_eq!((sum("NoShipping"), sum("DoubtfulOrders")), (2, 0));
}

#[tokio::test]
async fn the_mark_outlives_the_cart() {
    let shop = open([("CHECKOUT_SHIPPING_RATES", "shr_archived")]).await;
    let visitor = shop.add("price_mug", 1).await;
    let session = visitor.checkout().await.ok();

    shop.table("CARTS_TABLE").delete(&visitor.number().await).await;

    assert_eq!(marks(&shop, &session).await, json!(["no_shipping"]));
}

/// Checks which of the standing discounts reaches Stripe.
async fn discounts_of(discounts: Value, price: &str, fitting: &[&str]) {
    let shop = open([("CHECKOUT_SESSION_OVERRIDES", &json!({ "discounts": discounts }).to_string())]).await;

    let session = shop.add(price, 2).await.checkout().await.ok();

    assert_eq!(names(&shop, "discounts"), fitting, "{discounts} on {price}");
    assert_eq!(marks(&shop, &session).await, json!([]), "{discounts}");
}

#[tokio::test]
async fn a_standing_discount_that_cannot_be_used_is_left_out() {
    discounts_of(json!([{ "coupon": "welcome10" }]), "price_mug", &["welcome10"]).await;
    discounts_of(json!([{ "coupon": "25% off" }]), "price_mug", &["25% off"]).await;
    discounts_of(json!([{ "coupon": "over" }]), "price_mug", &[]).await;
    discounts_of(json!([{ "coupon": "gone" }]), "price_mug", &[]).await;
    discounts_of(json!([{ "coupon": "euros_off" }]), "price_mug", &[]).await;
    discounts_of(json!([{ "coupon": "euros_off" }]), "price_mug_eur", &["euros_off"]).await;
    discounts_of(json!([{ "coupon": "mug_half" }]), "price_tshirt", &[]).await;
    discounts_of(json!([{ "promotion_code": "promo_usedup" }]), "price_mug", &[]).await;
    discounts_of(json!([{ "promotion_code": "promo_retired" }]), "price_mug", &[]).await;
    discounts_of(json!([{ "promotion_code": "promo_gone" }]), "price_mug", &[]).await;
    discounts_of(json!([{ "promotion_code": "promo_fiveoff" }]), "price_mug", &["promo_fiveoff"]).await;
}

#[tokio::test]
async fn the_field_for_codes_stays_where_no_standing_discount_fits() {
    let (mut left_out, _guard) = watch();
    let overrides = json!({ "discounts": [{ "coupon": "euros_off" }] }).to_string();
    let shop = open([("CHECKOUT_PROMOTION_CODES", "true"), ("CHECKOUT_SESSION_OVERRIDES", &overrides)]).await;

    shop.add("price_mug", 1).await.checkout().await.ok();
    assert_eq!(asked(&shop)["allow_promotion_codes"], "true");
    assert_eq!(left_out.next(), ["discounts euros_off"]);

    shop.add("price_mug_eur", 1).await.checkout().await.ok();
    assert_eq!(asked(&shop).get("allow_promotion_codes"), None);
    assert_eq!(left_out.next(), ["allow_promotion_codes"]);
}

#[tokio::test]
async fn a_discount_used_up_since_it_was_read_costs_one_more_attempt() {
    let overrides = json!({ "discounts": [{ "promotion_code": "promo_welcome10" }] }).to_string();
    let shop = open([("CHECKOUT_SESSION_OVERRIDES", &overrides)]).await;
    shop.add("price_mug", 1).await.checkout().await.ok();
    shop.stripe(Method::POST, "/v1/promotion_codes/promo_welcome10", "active=false").await;

    shop.add("price_mug", 1).await.checkout().await.ok();

    assert_eq!(names(&shop, "discounts"), Vec::<String>::new());
    assert_eq!(shop.session_requests().len(), 3);
}

#[tokio::test]
async fn a_code_that_the_shopper_typed_is_the_shoppers_fault_as_before() {
    let overrides = json!({ "optional_items": [{ "price": "price_sticker", "quantity": 1 }] }).to_string();
    let shop = open([("CHECKOUT_SESSION_OVERRIDES", &overrides)]).await;
    let visitor = shop.add("price_mug", 1).await;

    let refused = visitor.post("/cart/checkout", json!({ "promotion_code": "USEDUP" })).await;
    assert_eq!(refused.error(400), "invalid_promotion_code");
    let taken = visitor.post("/cart/checkout", json!({ "promotion_code": "WELCOME10" })).await.ok();

    assert_eq!(names(&shop, "discounts"), ["promo_welcome10"]);
    assert_eq!(taken["amount_total"], 1080);
    assert_eq!(shop.stripe_requests("GET", "/v1/promotion_codes/promo_welcome10"), 0, "it is known already");
}

#[tokio::test]
async fn optional_items_that_the_cart_cannot_have_are_left_out() {
    let (mut left_out, _guard) = watch();
    let prices = [
        "price_sticker",
        "price_sticker_retired",
        "price_calendar",
        "price_tea_eur",
        "price_gone",
        "price_tshirt",
        "price_club_monthly",
        "price_club_yearly",
        "price_donation",
    ];
    let items = prices.map(|price| json!({ "price": price, "quantity": 1 }));
    let shop = open([("CHECKOUT_SESSION_OVERRIDES", &json!({ "optional_items": items }).to_string())]).await;

    for (price, currency, fitting) in [
        ("price_mug", "usd", vec!["price_sticker", "price_tshirt"]),
        ("price_cards_volume", "eur", vec!["price_tshirt"]),
        ("price_mug_eur", "eur", vec!["price_tea_eur"]),
        ("price_club_quarterly", "usd", vec!["price_sticker", "price_tshirt"]),
        ("price_club_yearly", "usd", vec!["price_sticker", "price_tshirt"]),
        ("price_storage_metered", "usd", vec!["price_sticker", "price_tshirt", "price_club_monthly"]),
    ] {
        let session = add_in(&shop, price, currency).await.checkout().await.ok();

        let offered: Vec<_> = asked(&shop)["optional_items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["price"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(offered, fitting, "{price} in {currency}");
        assert_eq!(left_out.next().len(), prices.len() - fitting.len(), "{price} in {currency}");
        assert_eq!(marks(&shop, &session).await, json!([]), "{price} in {currency}");
    }
}

#[tokio::test]
async fn optional_items_have_the_room_that_the_lines_leave() {
    let overrides = json!({ "optional_items": [{ "price": "price_sticker", "quantity": 1 }, { "price": "price_poster", "quantity": 1 }] });
    let mut catalogue = catalogue();
    let dear = (0..100).map(|index| {
        json!({ "id": format!("price_many{index}"), "product": "prod_mug", "currency": "usd", "unit_amount": 100 + index })
    });
    catalogue["prices"].as_array_mut().unwrap().extend(dear);
    let shop = Shop::open_on(&catalogue, [("CHECKOUT_SESSION_OVERRIDES", &overrides.to_string())]).await;

    for (lines, offered) in [(98, 2), (99, 1), (100, 0)] {
        let visitor = shop.visitor();
        let items: Vec<_> = (0..lines).map(|index| json!({ "price": format!("price_many{index}") })).collect();
        visitor.post("/cart/add", json!({ "items": items })).await.ok();

        visitor.checkout().await.ok();

        assert_eq!(asked(&shop)["optional_items"].as_array().map_or(0, Vec::len), offered, "beside {lines} lines");
    }
}

#[tokio::test]
async fn an_optional_item_archived_since_it_was_read_costs_one_more_attempt() {
    let overrides = json!({ "optional_items": [{ "price": "price_sticker", "quantity": 1 }, { "price": "price_poster", "quantity": 1 }] });
    let shop = open([("CHECKOUT_SESSION_OVERRIDES", &overrides.to_string())]).await;
    shop.add("price_mug", 1).await.checkout().await.ok();
    shop.stripe(Method::POST, "/v1/prices/price_poster", "active=false").await;

    shop.add("price_mug", 1).await.checkout().await.ok();

    assert_eq!(asked(&shop)["optional_items"], json!([{ "price": "price_sticker", "quantity": "1" }]));
}

#[tokio::test]
async fn a_session_for_a_customer_has_what_the_customer_needs_and_without_one_is_a_guests() {
    let (mut left_out, _guard) = watch();
    let origin = open([("CHECKOUT_SESSION_OVERRIDES", r#"{"customer_creation":"always"}"#)]).await;
    let session = origin.add("price_mug", 1).await.checkout().await.ok();
    origin.pay(&session).await;
    let customer = origin.event("customer.created")["data"]["object"]["id"].as_str().unwrap().to_owned();
    left_out.next();

    for (id, is_known) in [(customer.as_str(), true), ("cus_gone", false)] {
        let overrides = json!({ "customer": id, "customer_creation": "always" }).to_string();
        let settings = [
            ("STRIPE_API_URL", origin.sandbox().url()),
            ("CHECKOUT_SESSION_OVERRIDES", overrides),
            ("CHECKOUT_TAX_IDS", "true".to_owned()),
        ];
        let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
        let shop = origin.behind(origin.stack().dynamodb_url(), settings).await;
        let visitor = shop.add("price_mug", 1).await;
        let before = origin.session_requests().len();

        let session = visitor.post("/cart/checkout", json!({ "email": "ann@shop.example" })).await.ok();

        let asked = asked(&origin);
        let attempts = origin.session_requests().len() - before;
        if is_known {
            assert_eq!((attempts, &asked["customer"]), (1, &json!(id)));
            assert!(asked.get("customer_email").is_none() && asked.get("customer_creation").is_none());
            assert_eq!(asked["customer_update"], json!({ "name": "auto", "address": "auto" }));
            assert_eq!(left_out.next(), Vec::<String>::new());
        } else {
            assert_eq!((attempts, asked.get("customer"), asked.get("customer_update")), (2, None, None));
            assert_eq!(
                (&asked["customer_email"], &asked["customer_creation"]),
                (&json!("ann@shop.example"), &json!("always"))
            );
            assert_eq!(left_out.next(), ["customer cus_gone"]);
            let again = visitor.post("/cart/checkout", json!({ "email": "ann@shop.example" })).await.ok();
            assert_eq!(again["id"], session["id"], "that there is no such customer is remembered");
        }
    }
}
