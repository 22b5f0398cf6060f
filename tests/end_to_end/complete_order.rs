//! An order has all that Stripe's page asked, as far as the key may read it.

use fixtures::{Shop, order_number};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::after_payment::{as_read, money, paid};
use crate::left_out::catalogue;
use crate::log::Captured;

/// What a merchant can have Stripe's page ask.
///
/// Source: <https://docs.stripe.com/api/checkout/sessions/create>
fn questions() -> Value {
    json!({
        "adaptive_pricing": { "enabled": true },
        "consent_collection": { "promotions": "auto", "terms_of_service": "required" },
        "custom_fields": [
            {
                "key": "size", "label": { "custom": "Your size", "type": "custom" }, "type": "dropdown",
                "dropdown": { "options": [{ "label": "Large", "value": "l" }, { "label": "Small", "value": "s" }] },
            },
            { "key": "note", "label": { "custom": "A note", "type": "custom" }, "type": "text", "optional": true },
        ],
        "invoice_creation": { "enabled": true },
    })
}

/// A shop that asks all of it, of which events are delivered by hand.
async fn open() -> Shop {
    let mut catalogue = catalogue();
    catalogue["tax_rates"][0]["metadata"] = json!({ "automatic": "true" });
    let settings = [
        ("CHECKOUT_SESSION_OVERRIDES", questions().to_string()),
        ("CHECKOUT_AUTOMATIC_TAX", "true".to_owned()),
        ("CHECKOUT_PROMOTION_CODES", "true".to_owned()),
        ("CHECKOUT_SHIPPING_COUNTRIES", "US,DE".to_owned()),
        ("CHECKOUT_SHIPPING_RATES", "shr_standard,shr_express".to_owned()),
        ("CHECKOUT_TAX_IDS", "true".to_owned()),
    ];
    let shop = Shop::open_in(&catalogue, settings.iter().map(|(name, value)| (*name, value.as_str())).collect()).await;
    shop.sandbox().pause_webhooks(true);
    shop
}

/// Checks a cart out and answers all that the page asks. Returns the session as it is then, with what Stripe can say of it.
async fn bought(shop: &Shop) -> Value {
    let session = shop.add("price_poster", 2).await.checkout().await.ok();
    let answers = "action=pay&email=ann@example.com&name=Ann+Lee&promotion_code=WELCOME10&shipping_option=1\
        &custom_fields[size]=l&promotions=opt_in&terms_of_service=accepted&presentment_currency=eur\
        &business_name=Ann+Ltd&tax_id[type]=gb_vat&tax_id[value]=GB123456789";
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let url = session["url"].as_str().unwrap();
    let answer = shop.send(Method::POST, url, &headers, answers.replace('+', "%20").into_bytes()).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let expanded = [
        "discounts.promotion_code",
        "invoice",
        "line_items.data.discounts",
        "line_items.data.taxes",
        "payment_intent.latest_charge",
        "shipping_cost.shipping_rate",
        "total_details.breakdown",
    ];
    let query: Vec<_> = expanded.iter().map(|path| format!("expand[]={path}")).collect();
    let path = format!("/v1/checkout/sessions/{}?{}", session["id"].as_str().unwrap(), query.join("&"));
    shop.stripe(Method::GET, &path, "").await
}

/// The requests to Stripe about the sale since there were `before`.
fn asked(shop: &Shop, before: usize) -> Vec<String> {
    shop.sandbox().requests()[before..].iter().map(|request| request.path.clone()).collect()
}

#[tokio::test]
async fn an_order_has_all_that_the_page_asked_for_no_request_more() {
    let shop = open().await;
    let session = bought(&shop).await;
    let before = shop.sandbox().requests().len();

    shop.deliver(&shop.event("checkout.session.completed")).await.ok();

    let path = format!("/v1/checkout/sessions/{}", session["id"].as_str().unwrap());
    assert_eq!(asked(&shop, before), [path.clone(), format!("{path}/line_items")]);
    let order = shop.stored_order(&order_number(&session)).await;
    let (details, totals, line) =
        (&session["customer_details"], &session["total_details"], &session["line_items"]["data"][0]);
    let rate = &session["shipping_cost"]["shipping_rate"];
    assert_eq!(rate["display_name"], "Express");
    assert_eq!(
        order["shipping_option"],
        json!({
            "rate": "shr_express", "name": "Express", "amount": 1500, "tax": session["shipping_cost"]["amount_tax"],
            "delivery_estimate": rate["delivery_estimate"],
        })
    );
    let discount = |amount: &Value| {
        json!([{ "amount": amount, "coupon": "welcome10",
        "promotion_code": session["discounts"][0]["promotion_code"]["id"], "code": "WELCOME10" }])
    };
    assert_eq!(order["discounts"], discount(&totals["amount_discount"]));
    assert_eq!(order["lines"][0]["discounts"], discount(&line["amount_discount"]));
    let tax = |amount: &Value| {
        json!([{ "amount": amount, "rate": "txr_sales", "name": "Sales tax",
        "percentage": "8.625", "jurisdiction": "US - CA", "inclusive": false }])
    };
    assert!(totals["amount_tax"].as_i64() > Some(0));
    assert_eq!(order["taxes"], tax(&totals["breakdown"]["taxes"][0]["amount"]));
    assert_eq!(order["lines"][0]["taxes"], tax(&line["taxes"][0]["amount"]));
    assert_eq!(
        (&order["lines"][0]["line"], &order["lines"][0]["nickname"]),
        (&json!("price_poster"), &json!("Poster"))
    );
    assert_eq!(order["customer"]["tax_ids"], json!([{ "type": "gb_vat", "value": "GB123456789" }]));
    assert_eq!(order["customer"]["business_name"], details["business_name"]);
    assert_eq!(
        order["custom_fields"],
        json!([
            { "key": "size", "label": "Your size", "type": "dropdown", "value": "l" },
            { "key": "note", "label": "A note", "type": "text", "value": null },
        ])
    );
    assert_eq!(order["consent"], json!({ "promotions": "opt_in", "terms_of_service": "accepted" }));
    let presented = &session["presentment_details"];
    assert_eq!(order["presentment"], json!({ "currency": "eur", "amount": presented["presentment_amount"] }));
    assert!(presented["presentment_amount"].as_i64() > session["amount_total"].as_i64());
    assert_eq!((&order["livemode"], &order["recovered_from"]), (&json!(false), &Value::Null));
    assert_eq!(order["payment"]["receipt_url"], session["payment_intent"]["latest_charge"]["receipt_url"]);
    let invoice = &session["invoice"];
    assert_eq!(order["payment"]["invoice"], invoice["id"]);
    assert_eq!(
        order["invoice"],
        json!({ "number": invoice["number"], "hosted_url": invoice["hosted_invoice_url"], "pdf": invoice["invoice_pdf"] })
    );
    assert!(invoice["number"].is_string() && order["payment"]["receipt_url"].is_string());
}

#[tokio::test]
async fn a_thank_you_page_gets_what_it_shows_and_nothing_of_the_buyer() {
    let shop = open().await;
    let session = bought(&shop).await;
    shop.deliver(&shop.event("checkout.session.completed")).await.ok();
    let stored = shop.stored_order(&order_number(&session)).await;

    let answer = shop.order(&order_number(&session)).await;

    let text = answer.text.clone();
    let order = answer.ok();
    assert_eq!(order["reference"], stored["reference"]);
    assert_eq!(order["shipping_option"]["name"], "Express");
    assert_eq!(order["shipping_option"]["amount_with_currency"], "$15.00");
    assert_eq!(order["discounts"][0]["code"], "WELCOME10");
    assert_eq!(order["discounts"][0]["amount_with_currency"], order["discount_with_currency"]);
    assert_eq!((&order["taxes"][0]["name"], &order["taxes"][0]["percentage"]), (&json!("Sales tax"), &json!("8.625")));
    assert_eq!(order["lines"][0]["tax_with_currency"], order["taxes"][0]["amount_with_currency"]);
    assert!(order["presentment"]["amount_with_currency"].as_str().unwrap().starts_with('€'), "{order}");
    let address = &session["customer_details"]["address"];
    for secret in [
        "ann@example.com",
        "Ann",
        "GB123456789",
        "gb_vat",
        "opt_in",
        "size",
        "Your size",
        "receipts",
        "invoice",
        "US - CA",
        "txr_",
        "promo_",
        "shr_",
        "cus_",
        "in_1",
        address["line1"].as_str().unwrap(),
        stored["invoice"]["number"].as_str().unwrap(),
    ] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

/// Every right that something of a sale takes, and what the order lacks without it.
///
/// Source: <https://docs.stripe.com/keys/restricted-api-keys>
const RIGHTS: [(&str, &[&str]); 5] = [
    ("rak_payment_intent_read", &["/payment/receipt_url"]),
    ("rak_charge_read", &["/payment/receipt_url"]),
    ("rak_invoice_read", &["/invoice"]),
    ("rak_shipping_rate_read", &["/shipping_option/name", "/shipping_option/delivery_estimate"]),
    ("rak_promotion_code_read", &["/discounts/0/code", "/lines/0/discounts/0/code"]),
];

/// Takes these rights away from the shop's key.
fn take_away(shop: &Shop, lacking: &[&str]) {
    let all = ["rak_checkout_session_write"].into_iter().chain(RIGHTS.map(|(right, _)| right));
    let rights: Vec<_> = all.filter(|right| !lacking.contains(right)).collect();
    shop.sandbox().restrict_key(shop.stack().environment().get("STRIPE_SECRET_KEY").unwrap(), &rights);
}

/// The order without what tells one purchase from another, and without these.
fn without(order: &Value, missing: &[&str]) -> Value {
    let mut order = order.clone();
    let own = ["/number", "/cart", "/created_at", "/reference", "/payment", "/invoice", "/customer/id"];
    for pointer in missing.iter().chain(&own) {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        if let Some(parent) = order.pointer_mut(parent).and_then(Value::as_object_mut) {
            parent.remove(name);
        }
    }
    order
}

#[tokio::test]
async fn an_order_is_stored_without_what_the_key_may_not_read_for_one_request_more() {
    let (captured, _guard) = Captured::begin("INFO");
    let shop = open().await;
    let complete = bought(&shop).await;
    shop.deliver(&shop.event("checkout.session.completed")).await.ok();
    let complete = shop.stored_order(&order_number(&complete)).await;

    for (right, missing) in RIGHTS {
        take_away(&shop, &[]);
        let session = bought(&shop).await;
        take_away(&shop, &[right]);
        let (before, lines) = (shop.sandbox().requests().len(), captured.lines().len());

        shop.deliver(&shop.event("checkout.session.completed")).await.ok();

        let path = format!("/v1/checkout/sessions/{}", session["id"].as_str().unwrap());
        assert_eq!(asked(&shop, before), [path.clone(), path.clone(), format!("{path}/line_items")], "{right}");
        let order = shop.stored_order(&order_number(&session)).await;
        for pointer in missing {
            assert!(complete.pointer(pointer).is_some_and(|value| !value.is_null()), "{pointer}");
            assert!(order.pointer(pointer).is_none_or(Value::is_null), "{right}: {pointer} of {order}");
        }
        assert_eq!(without(&order, missing), without(&complete, missing), "{right}");
        for pointer in ["/payment/receipt_url", "/invoice/number", "/payment/payment_intent", "/payment/invoice"] {
            let is_missing = missing.iter().any(|missing| pointer.starts_with(missing));
            assert_eq!(order.pointer(pointer).is_none_or(Value::is_null), is_missing, "{right}: {pointer}");
        }
        assert_eq!(shop.order(&order_number(&session)).await.ok()["status"], "paid", "{right}");
        let said = captured.lines().split_off(lines);
        let errors: Vec<_> = said.iter().filter(|line| line.contains("\"ERROR\"")).collect();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains(&format!("missing right {right}")), "{errors:?}");
        assert!(errors[0].contains(&order_number(&session)), "{errors:?}");
        let counted = said.iter().filter(|line| line.contains("\"OrderIncomplete\":1")).count();
        assert_eq!(counted, 1, "{said:?}");
    }
}

#[tokio::test]
async fn however_many_rights_a_key_lacks_the_order_costs_one_request_more_or_two() {
    let shop = open().await;
    let all = RIGHTS.map(|(right, _)| right);

    for lacking in [&all[..], &all[..2], &all[3..], &all[1..4]] {
        take_away(&shop, &[]);
        let session = bought(&shop).await;
        take_away(&shop, lacking);
        let before = shop.sandbox().requests().len();

        shop.deliver(&shop.event("checkout.session.completed")).await.ok();

        let asked = asked(&shop, before);
        let may_read_money =
            !lacking.iter().any(|right| ["rak_payment_intent_read", "rak_charge_read"].contains(right));
        assert!(asked.len() == 3 || (asked.len() == 4 && !may_read_money), "{lacking:?}: {asked:?}");
        let order = shop.stored_order(&order_number(&session)).await;
        assert_eq!((&order["total"], &order["lines"][0]["quantity"]), (&session["amount_total"], &json!(2)));
        assert_eq!(order["customer"]["email"], "ann@example.com");
        assert_eq!(shop.order(&order_number(&session)).await.ok()["status"], "paid", "{lacking:?}");

        // What has nothing to do with the money does not keep an order from following it.
        shop.refund(&order_number(&session), 100).await;
        assert_eq!(shop.deliver(&shop.event("charge.refunded")).await.status, if may_read_money { 200 } else { 500 });
        let status = &shop.order(&order_number(&session)).await.ok()["status"];
        assert_eq!(status, if may_read_money { "partially_refunded" } else { "paid" }, "{lacking:?}");
    }
}

/// A key that may not read the money knows less than the order.
#[tokio::test]
async fn what_is_held_stays_held_for_a_key_that_may_not_read_it() {
    let (shop, session) = paid("manual", "price_mug", "pay").await;
    shop.sandbox().pause_webhooks(true);
    take_away(&shop, &["rak_payment_intent_read", "rak_charge_read"]);

    assert_eq!(shop.deliver(&shop.event("checkout.session.completed")).await.status, 200);

    assert_eq!(money(&shop, &session).await, as_read("authorized", 0, 0));
}

/// Ten lines come with the session, and those beyond are asked for.
#[tokio::test]
async fn a_long_order_has_all_its_lines_whatever_its_key_may_not_read() {
    let shop = open().await;
    let visitor = shop.visitor();
    let prices = join_all((1..=12).map(|amount| shop.price(amount * 100))).await;
    for price in &prices {
        visitor.add(price, 1).await.ok();
    }
    let session = visitor.checkout().await.ok();
    let answers = "action=pay&custom_fields[size]=l&promotion_code=WELCOME10";
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    shop.send(Method::POST, session["url"].as_str().unwrap(), &headers, answers.into()).await;
    take_away(&shop, &RIGHTS.map(|(right, _)| right));

    shop.deliver(&shop.event("checkout.session.completed")).await.ok();

    let order = shop.stored_order(&order_number(&session)).await;
    let sold: Vec<_> = order["lines"].as_array().unwrap().iter().map(|line| line["price"].as_str().unwrap()).collect();
    assert_eq!(sold, prices);
}

#[tokio::test]
async fn a_subscription_becomes_an_order_whatever_its_key_may_not_read() {
    for lacking in [
        &["rak_payment_intent_read", "rak_charge_read"][..],
        &["rak_charge_read"],
        &["rak_invoice_read"],
        &["rak_invoice_read", "rak_payment_intent_read", "rak_charge_read"],
    ] {
        let (captured, _guard) = Captured::begin("INFO");
        let shop = Shop::open().await;
        shop.sandbox().pause_webhooks(true);
        let session = shop.add("price_club_monthly", 1).await.checkout().await.ok();
        shop.press(&session, "pay").await;
        take_away(&shop, lacking);

        let answer = shop.deliver(&shop.event("checkout.session.completed")).await;

        assert_eq!(answer.status, 200, "{lacking:?}: {:?}", captured.lines());
        let order = shop.order(&order_number(&session)).await.ok();
        assert_eq!((&order["status"], &order["captured"]), (&json!("paid"), &json!(500)), "{lacking:?}");
        let errors = captured.lines().into_iter().filter(|line| line.contains("\"ERROR\"")).count();
        assert_eq!(errors, 1, "{lacking:?}");
    }
}

/// What was known of the money stays, and Stripe brings the event again.
#[tokio::test]
async fn what_a_key_may_no_longer_read_of_the_money_changes_nothing() {
    for (price, lacking) in [
        ("price_mug", "rak_charge_read"),
        ("price_mug", "rak_payment_intent_read"),
        ("price_club_monthly", "rak_charge_read"),
        ("price_club_monthly", "rak_invoice_read"),
    ] {
        let shop = Shop::open().await;
        let session = shop.add(price, 1).await.checkout().await.ok();
        let number = shop.pay(&session).await;
        shop.refund(&number, 300).await;
        shop.sandbox().pause_webhooks(true);
        take_away(&shop, &[lacking]);
        let before = shop.order(&number).await.ok();
        assert_eq!((&before["status"], &before["refunded"]), (&json!("partially_refunded"), &json!(300)));

        let of_session = shop.deliver(&shop.event("checkout.session.completed")).await;
        let of_money = shop.deliver(&shop.event("charge.refunded")).await;

        assert_eq!((of_session.status, of_money.status), (200, 500), "{price} {lacking}");
        assert_eq!(shop.order(&number).await.ok(), before, "{price} {lacking}");
        take_away(&shop, &[]);
        shop.refund(&number, 100).await;
        shop.deliver(&shop.event("charge.refunded")).await.ok();
        assert_eq!(shop.order(&number).await.ok()["refunded"], 400);
    }
}

/// A delayed payment has come in, and the session says so by itself.
#[tokio::test]
async fn an_order_is_paid_once_its_session_says_so_whatever_its_key_may_not_read() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let session = shop.add("price_mug", 1).await.checkout().await.ok();
    shop.press(&session, "pay_later").await;
    shop.deliver(&shop.event("checkout.session.completed")).await.ok();
    take_away(&shop, &["rak_charge_read"]);
    shop.sandbox().settle(session["id"].as_str().unwrap(), true).unwrap();

    shop.deliver(&shop.event("checkout.session.async_payment_succeeded")).await.ok();

    let order = shop.order(&order_number(&session)).await.ok();
    assert_eq!((&order["status"], &order["captured"]), (&json!("paid"), &json!(1200)));
}

#[tokio::test]
async fn a_key_that_may_read_no_sessions_makes_no_order() {
    let shop = open().await;
    let session = bought(&shop).await;
    let key = shop.stack().environment().get("STRIPE_SECRET_KEY").unwrap();
    shop.sandbox().restrict_key(key, &RIGHTS.map(|(right, _)| right));

    let answer = shop.deliver(&shop.event("checkout.session.completed")).await;

    assert!(answer.status >= 500, "Stripe brings the event again: {}", answer.text);
    assert_eq!(shop.order(&order_number(&session)).await.status, 404);
}

/// The first 50 bits of the SHA-256 of the idempotency key, in Crockford's base 32 (<https://www.crockford.com/base32.html>),
/// told another way than the product does.
fn reference_of(key: &str) -> String {
    use sha2::{Digest as _, Sha256};
    let digits: Vec<char> = "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars().collect();
    let digest = Sha256::digest(key);
    let bits: Vec<usize> = (0..50).map(|bit| usize::from(digest[bit / 8] >> (7 - bit % 8) & 1)).collect();
    bits.chunks(5).map(|five| digits[five.iter().fold(0, |digit, bit| digit * 2 + bit)]).collect()
}

#[tokio::test]
async fn an_order_is_called_by_the_key_of_its_session_everywhere() {
    let overrides = json!({ "payment": { "payment_intent_data": { "description": "Mugs of Ann" } } }).to_string();
    for (price, made, overrides, description) in [
        ("price_mug", "payment_intent", "{}", None),
        ("price_club_monthly", "subscription", "{}", None),
        ("price_mug", "payment_intent", overrides.as_str(), Some("Mugs of Ann")),
    ] {
        let shop = Shop::open_with([("CHECKOUT_SESSION_OVERRIDES", overrides)]).await;
        let session = shop.add(price, 1).await.checkout().await.ok();
        let number = shop.pay(&session).await;

        let reference = reference_of(shop.session_requests()[0].idempotency_key.as_ref().unwrap());

        assert_eq!(session["metadata"]["stripe_payments_reference"], reference);
        assert_eq!(shop.order(&number).await.ok()["reference"], reference);
        let paid = shop.event("checkout.session.completed")["data"]["object"][made].clone();
        let object = shop.stripe(Method::GET, &format!("/v1/{made}s/{}", paid.as_str().unwrap()), "").await;
        assert_eq!(object["description"], description.unwrap_or(&reference), "{made}");
        assert_eq!(object["metadata"]["stripe_payments_reference"], reference);
        let rows = shop.table("ORDER_INDEX_TABLE").scan().await;
        let way = rows.iter().find(|row| row["way"]["S"] == format!("reference#{reference}")).unwrap();
        assert!(way["order"]["S"].as_str().unwrap().ends_with(&number));
    }
}

#[tokio::test]
async fn checkouts_of_one_cart_share_its_reference_and_its_page() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;

    let (first, second) = tokio::join!(visitor.checkout(), visitor.checkout());
    let later = visitor.checkout().await.ok();

    let (first, second) = (first.ok(), second.ok());
    assert_eq!((&first["id"], &first["id"]), (&second["id"], &later["id"]), "the digest knows of no reference");
    visitor.set("price_mug", 2).await.ok();
    let other = visitor.checkout().await.ok();
    assert_ne!(other["metadata"]["stripe_payments_reference"], first["metadata"]["stripe_payments_reference"]);
}

#[tokio::test]
async fn an_order_of_a_recovered_page_says_which_one_it_was_made_after() {
    let overrides = json!({ "after_expiration": { "recovery": { "enabled": true } } }).to_string();
    let shop = Shop::open_with([("CHECKOUT_SESSION_OVERRIDES", overrides.as_str())]).await;
    let session = shop.add("price_mug", 1).await.checkout().await.ok();
    shop.stripe(Method::POST, &format!("/v1/checkout/sessions/{}/expire", session["id"].as_str().unwrap()), "").await;
    let expired = shop.event("checkout.session.expired")["data"]["object"].clone();
    shop.get(expired["after_expiration"]["recovery"]["url"].as_str().unwrap()).await;
    let recovered = shop.sandbox().sessions().into_iter().find(|other| other["id"] != session["id"]).unwrap();

    let number = shop.pay(&recovered).await;

    let order = shop.stored_order(&number).await;
    assert_eq!(order["recovered_from"], session["id"]);
    assert_eq!(order["reference"], session["metadata"]["stripe_payments_reference"]);
}

/// Version 0.1.0 stored more texts than a cart takes today.
#[tokio::test]
async fn an_order_with_the_longest_texts_is_stored_and_read() {
    let (long, text) = ("商".repeat(500), "x".repeat(500));
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let items: Vec<_> = ["price_mug", "price_poster", "price_sticker", "price_tshirt"]
        .iter()
        .map(|price| json!({ "price": price, "quantity": 1, "description": text }))
        .collect();
    let metadata: Value =
        (0..25).map(|key| (format!("key_{key}"), json!(long))).collect::<serde_json::Map<_, _>>().into();
    visitor.post("/cart/add", json!({ "items": items })).await.ok();
    visitor.store("meta", metadata.as_object().unwrap()).await;

    let number = shop.pay(&visitor.checkout().await.ok()).await;

    let order = shop.stored_order(&number).await;
    assert_eq!((&order["metadata"], &order["lines"][0]["description"]), (&metadata, &json!(text)));
}
