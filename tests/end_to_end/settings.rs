//! The shop's settings, as they show in what Stripe is asked for; every body is held against Stripe's own definition.

use std::sync::LazyLock;

use add::Add;
use checkout::Checkout;
use fixtures::Shop;
use reqwest::Method;
use serde_json::{Map, Value, json};
use services::Services;
use settings::Environment;
use web::Endpoint as _;

/// The parameters of the only session that was asked for.
#[track_caller]
fn parameters(shop: &Shop) -> Value {
    let mut made = shop.session_requests().into_iter();
    let parameters = made.next().unwrap().params;
    assert!(made.next().is_none());
    conforms(&parameters);
    parameters
}

/// Holds parameters against Stripe's own definition.
#[track_caller]
fn conforms(parameters: &Value) {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/stripe-schema/schema.json");
        let mut file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        json!({ "$ref": "#/definitions/CartSessionCreateParams", "definitions": file["definitions"].take() })
    });
    let typed = typed(parameters, &SCHEMA, &SCHEMA["definitions"]);
    let errors: Vec<String> = jsonschema::draft7::new(&SCHEMA)
        .unwrap()
        .iter_errors(&typed)
        .map(|error| format!("{}: {error:.300}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{typed:#}:\n{}", errors.join("\n"));
}

/// What a form's texts stand for: booleans and numbers where the schema has them.
fn typed(value: &Value, schema: &Value, definitions: &Value) -> Value {
    let schemas = alternatives(schema, definitions);
    let says = |kind: &str| schemas.iter().any(|schema| schema["type"] == kind);
    match value {
        Value::String(text) if says("boolean") && matches!(text.as_str(), "true" | "false") => json!(text == "true"),
        Value::String(text) if says("number") => {
            text.parse::<i64>().map_or_else(|_| value.clone(), |number| json!(number))
        }
        Value::Array(items) => {
            let item = schemas.iter().find_map(|schema| schema.get("items")).unwrap_or(&Value::Null);
            items.iter().map(|value| typed(value, item, definitions)).collect()
        }
        Value::Object(fields) => {
            let field = |name: &String| {
                let known = schemas.iter().find_map(|schema| schema["properties"].get(name));
                known
                    .or_else(|| schemas.iter().find_map(|schema| schema.get("additionalProperties")))
                    .unwrap_or(&Value::Null)
            };
            let fields = fields.iter().map(|(name, value)| (name.clone(), typed(value, field(name), definitions)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        value => value.clone(),
    }
}

fn alternatives<'a>(schema: &'a Value, definitions: &'a Value) -> Vec<&'a Value> {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.trim_start_matches("#/definitions/");
        let definition = definitions.get(name).unwrap_or_else(|| panic!("no definition {name}"));
        return alternatives(definition, definitions);
    }
    match schema["anyOf"].as_array() {
        Some(schemas) => schemas.iter().flat_map(|schema| alternatives(schema, definitions)).collect(),
        None => vec![schema],
    }
}

/// The parameters of a checkout of one mug under these settings.
async fn sent<const N: usize>(settings: [(&str, &str); N]) -> Value {
    sent_for("price_mug", settings).await
}

/// The parameters of a checkout of a subscription under these settings.
async fn sent_for_subscription<const N: usize>(settings: [(&str, &str); N]) -> Value {
    sent_for("price_club_monthly", settings).await
}

async fn sent_for<const N: usize>(price: &str, settings: [(&str, &str); N]) -> Value {
    let shop = Shop::open_with(settings).await;
    shop.add(price, 1).await.checkout().await.ok();
    parameters(&shop)
}

/// The fields that are there besides those that every session has.
fn extra(parameters: &Value) -> Value {
    let always = ["cancel_url", "line_items", "metadata", "mode", "success_url"];
    let fields = parameters.as_object().unwrap().iter();
    Value::Object(
        fields.filter(|(name, _)| !always.contains(&name.as_str())).map(|(n, v)| (n.clone(), v.clone())).collect(),
    )
}

/// The field besides those of a payment without settings.
fn only(parameters: &Value) -> Value {
    let mut extra = extra(parameters);
    extra.as_object_mut().unwrap().remove("payment_intent_data");
    extra
}

#[tokio::test]
async fn without_settings_nothing_is_sent_but_the_cart_and_the_way_back() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let cart = visitor.add("price_mug", 2).await.ok();
    visitor.checkout().await.ok();

    let sent = parameters(&shop);

    // The session and the payment that it makes name the shop, and the cart, its version and its total.
    let reference = cart::Reference::of_key(shop.session_requests()[0].idempotency_key.as_ref().unwrap()).to_string();
    let own = json!({
        "stripe_payments_shop": "local",
        "stripe_payments_cart_number": cart["number"],
        "stripe_payments_cart_version": "1",
        "stripe_payments_cart_total": "2400",
        "stripe_payments_reference": reference,
    });
    assert_eq!(sent["metadata"], own);
    assert_eq!(extra(&sent), json!({ "payment_intent_data": { "description": reference, "metadata": own } }));
    assert_eq!(sent["mode"], "payment");
    let line = json!({ "stripe_payments_line": "price_mug" });
    assert_eq!(sent["line_items"], json!([{ "price": "price_mug", "quantity": "2", "metadata": line }]));
    assert_eq!(sent["metadata"]["stripe_payments_cart_number"], cart["number"]);
}

#[tokio::test]
async fn a_subscription_without_settings_carries_the_carts_number() {
    let sent = sent_for_subscription([]).await;

    assert!(sent["metadata"]["stripe_payments_cart_number"].is_string());
    let description = &sent["metadata"]["stripe_payments_reference"];
    assert!(description.is_string());
    let made = json!({ "description": description, "metadata": sent["metadata"] });
    assert_eq!(extra(&sent), json!({ "subscription_data": made }));
    assert_eq!(sent["mode"], "subscription");
}

#[tokio::test]
async fn stripe_gets_our_landing_page_and_the_shops_cancel_page() {
    let settings = [("CANCEL_URL", "https://shop.example/cart"), ("PUBLIC_URL", "https://api.shop.example/")];
    let sent = sent(settings).await;

    // The shop's own page comes after the order is made.
    let number = sent["metadata"]["stripe_payments_cart_number"].as_str().unwrap();
    let finish = "https://api.shop.example/finish-order?session_id={CHECKOUT_SESSION_ID}&cart=";
    assert_eq!(sent["success_url"], format!("{finish}{number}"));
    assert_eq!(sent["cancel_url"], "https://shop.example/cart?cancelled=1");
}

#[tokio::test]
async fn payment_methods_are_sent_as_a_list() {
    let sent = sent([("CHECKOUT_PAYMENT_METHODS", "card, sepa_debit")]).await;

    assert_eq!(only(&sent), json!({ "allowed_payment_method_types": ["card", "sepa_debit"] }));
}

#[tokio::test]
async fn the_locale_is_sent() {
    assert_eq!(only(&sent([("CHECKOUT_LOCALE", "pt-BR")]).await), json!({ "locale": "pt-BR" }));
    assert_eq!(only(&sent([("CHECKOUT_LOCALE", "auto")]).await), json!({ "locale": "auto" }));
    assert_eq!(only(&sent([("CHECKOUT_LOCALE", "hi-IN")]).await), json!({ "locale": "hi-IN" }));
}

#[tokio::test]
async fn the_billing_address_can_be_required() {
    let sent = sent([("CHECKOUT_BILLING_ADDRESS", "required")]).await;

    assert_eq!(only(&sent), json!({ "billing_address_collection": "required" }));
}

#[tokio::test]
async fn shipping_countries_are_sent_as_a_list() {
    let sent = sent([("CHECKOUT_SHIPPING_COUNTRIES", "DE,AT , CH")]).await;

    let expected = json!({ "shipping_address_collection": { "allowed_countries": ["DE", "AT", "CH"] } });
    assert_eq!(only(&sent), expected);
}

#[tokio::test]
async fn shipping_rates_are_sent_for_payments_only() {
    let setting = [("CHECKOUT_SHIPPING_RATES", "shr_standard,shr_express")];

    let expected = json!([{ "shipping_rate": "shr_standard" }, { "shipping_rate": "shr_express" }]);
    assert_eq!(only(&sent(setting).await), json!({ "shipping_options": expected }));
    assert_eq!(sent_for_subscription(setting).await.get("shipping_options"), None);
}

#[tokio::test]
async fn automatic_tax_can_be_enabled() {
    let sent = sent([("CHECKOUT_AUTOMATIC_TAX", "true")]).await;

    assert_eq!(only(&sent), json!({ "automatic_tax": { "enabled": "true" } }));
}

#[tokio::test]
async fn the_phone_number_can_be_asked_for() {
    let sent = sent([("CHECKOUT_PHONE", "true")]).await;

    assert_eq!(only(&sent), json!({ "phone_number_collection": { "enabled": "true" } }));
}

#[tokio::test]
async fn tax_ids_can_be_asked_for() {
    let sent = sent([("CHECKOUT_TAX_IDS", "true")]).await;

    assert_eq!(only(&sent), json!({ "tax_id_collection": { "enabled": "true" } }));
}

#[tokio::test]
async fn promotion_codes_are_allowed_unless_one_is_applied_already() {
    let setting = [("CHECKOUT_PROMOTION_CODES", "true")];
    let shop = Shop::open_with(setting).await;
    let visitor = shop.add("price_mug", 1).await;
    visitor.post("/cart/checkout", json!({ "promotion_code": "WELCOME10" })).await.ok();

    assert_eq!(only(&sent(setting).await), json!({ "allow_promotion_codes": "true" }));
    // Stripe refuses both together.
    assert_eq!(only(&parameters(&shop)), json!({ "discounts": [{ "promotion_code": "promo_welcome10" }] }));
}

#[tokio::test]
async fn the_capture_method_is_sent_for_payments_only() {
    let setting = [("CHECKOUT_CAPTURE", "manual")];

    assert_eq!(sent(setting).await["payment_intent_data"]["capture_method"], "manual");
    assert_eq!(sent_for_subscription(setting).await.get("payment_intent_data"), None);
}

/// Source: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-submit_type>
#[tokio::test]
async fn the_submit_type_is_sent_in_both_modes() {
    let setting = [("CHECKOUT_SUBMIT_TYPE", "book")];

    assert_eq!(only(&sent(setting).await), json!({ "submit_type": "book" }));
    assert_eq!(sent_for_subscription(setting).await["submit_type"], "book");
}

#[tokio::test]
async fn the_expiry_is_a_full_minute_after_the_setting() {
    let before = cart::Timestamp::now().as_second();
    let sent = sent([("CHECKOUT_EXPIRES_AFTER_MINUTES", "45")]).await;

    let expires_at: i64 = sent["expires_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(expires_at % 60, 0);
    let after = cart::Timestamp::now().as_second();
    assert!((before + 45 * 60..=after + 47 * 60).contains(&expires_at), "{expires_at}");
}

#[tokio::test]
async fn the_bounds_of_the_expiry_are_taken_by_stripe() {
    for minutes in ["30", "1440"] {
        sent([("CHECKOUT_EXPIRES_AFTER_MINUTES", minutes)]).await;
    }
}

#[tokio::test]
async fn the_email_is_filled_in() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    visitor.post("/cart/checkout", json!({ "email": "ann@shop.example" })).await.ok();

    assert_eq!(only(&parameters(&shop)), json!({ "customer_email": "ann@shop.example" }));
}

#[tokio::test]
async fn overrides_are_merged_over_the_parameters() {
    let overrides = json!({
        "locale": null,
        "custom_text": { "submit": { "message": "Thank you" } },
        "metadata": { "campaign": "spring" },
        "phone_number_collection": { "enabled": true },
        "success_url": "https://shop.example/thanks",
    });
    let settings = [("CHECKOUT_LOCALE", "de"), ("CHECKOUT_SESSION_OVERRIDES", &overrides.to_string())];

    let sent = sent(settings).await;

    assert_eq!(sent.get("locale"), None);
    assert_eq!(sent["custom_text"], overrides["custom_text"]);
    assert_eq!(sent["phone_number_collection"], json!({ "enabled": "true" }));
    assert_eq!(sent["success_url"], "https://shop.example/thanks");
    assert_eq!(sent["metadata"]["campaign"], "spring");
    assert!(sent["metadata"]["stripe_payments_cart_number"].is_string());
}

/// Everything that Stripe takes in one mode only, asked for in both. Each mode gets what it can have.
#[tokio::test]
async fn what_a_mode_does_not_take_is_left_out_of_its_sessions() {
    let payment = json!({
        "payment_intent_data": { "description": "Sold" },
        "invoice_creation": { "enabled": true },
        "customer_creation": "always",
    });
    let subscription = json!({
        "subscription_data": { "description": "Subscribed" },
        "payment_method_collection": "if_required",
    });
    let mut overrides = payment.clone();
    overrides.as_object_mut().unwrap().extend(subscription.as_object().unwrap().clone());
    overrides["payment"] = json!({ "locale": "fr" });
    overrides["subscription"] = json!({ "locale": "it" });

    for (price, locale, taken, refused) in
        [("price_mug", "fr", &payment, &subscription), ("price_club_monthly", "it", &subscription, &payment)]
    {
        let shop = Shop::open_with([("CHECKOUT_SESSION_OVERRIDES", &overrides.to_string())]).await;
        shop.add(price, 1).await.checkout().await.ok();

        let sent = parameters(&shop);
        assert_eq!(sent["locale"], locale);
        for (name, _) in taken.as_object().unwrap() {
            assert!(sent.get(name).is_some(), "{price}: {name}");
        }
        for (name, _) in refused.as_object().unwrap() {
            assert_eq!(sent.get(name), None, "{price}: {name}");
        }
    }
}

#[tokio::test]
async fn a_discount_that_stands_leaves_no_room_for_a_code() {
    let shop = Shop::open_with([
        ("CHECKOUT_PROMOTION_CODES", "true"),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"discounts":[{"coupon":"welcome10"}]}"#),
    ])
    .await;

    shop.add("price_mug", 2).await.checkout().await.ok();

    assert_eq!(parameters(&shop).get("allow_promotion_codes"), None);
}

#[tokio::test]
async fn a_hook_has_the_last_word_but_not_on_what_is_protected() {
    has_the_last_word("price_mug", "payment", "payment_intent_data", &Value::Null).await;
    has_the_last_word("price_tshirt", "payment", "payment_intent_data", &json!("usd")).await;
    has_the_last_word("price_club_monthly", "subscription", "subscription_data", &Value::Null).await;
}

async fn has_the_last_word(price: &str, mode: &str, data: &str, currency: &Value) {
    let shop = Shop::open_with([("CHECKOUT_SESSION_OVERRIDES", r#"{"locale":"fr"}"#)]).await;
    let visitor = shop.visitor();
    let cart = visitor.add(price, 2).await.ok();
    let checkout = Checkout::new(shop.stack().services()).unwrap().with_hook(|parameters| {
        assert_eq!(parameters["locale"], "fr");
        parameters.insert("locale".to_owned(), json!("it"));
        parameters.insert("mode".to_owned(), json!("setup"));
        parameters.insert("currency".to_owned(), json!("eur"));
        parameters.insert("line_items".to_owned(), json!([{ "price": "price_sticker", "quantity": 1 }]));
        parameters.insert("metadata".to_owned(), json!({ "stripe_payments_cart_number": "x", "own": "y" }));
        for data in ["payment_intent_data", "subscription_data"] {
            if parameters.contains_key(data) {
                parameters.insert(data.to_owned(), json!({ "description": "d" }));
            }
        }
    });
    let request = lambda_http::http::Request::builder()
        .method(Method::POST)
        .uri("/cart/checkout")
        .header("host", "api.shop.example")
        .header("cart-token", visitor.token().unwrap())
        .body(lambda_http::Body::Empty)
        .unwrap();

    let answer = web::answer(&checkout, &web::Log::new(shop.stack().environment()), request).await;

    assert_eq!(answer.status(), 200, "{:?}", answer.body());
    let sent = parameters(&shop);
    assert_eq!(sent["locale"], "it");
    assert_eq!(sent["mode"], mode);
    assert_eq!(sent["currency"], *currency);
    let metadata = json!({ "stripe_payments_line": price });
    assert_eq!(sent["line_items"], json!([{ "price": price, "quantity": "2", "metadata": metadata }]));
    assert_eq!(sent[data]["description"], "d");
    assert_eq!(sent[data]["metadata"]["stripe_payments_shop"], sent["metadata"]["stripe_payments_shop"]);
    assert!(sent[data]["metadata"]["stripe_payments_shop"].is_string());
    assert_eq!(sent["metadata"]["own"], "y");
    assert_eq!(sent["metadata"]["stripe_payments_cart_number"], cart["number"]);
}

#[test]
fn a_malformed_setting_stops_the_function_at_start_and_is_named() {
    let cases = [
        ("CANCEL_URL", ""),
        ("CHECKOUT_PAYMENT_METHODS", "card,gold"),
        ("CHECKOUT_LOCALE", "klingon"),
        ("CHECKOUT_BILLING_ADDRESS", "always"),
        ("CHECKOUT_SHIPPING_COUNTRIES", "DE,Austria"),
        ("CHECKOUT_SHIPPING_RATES", "a,b,c,d,e,f"),
        ("CHECKOUT_AUTOMATIC_TAX", "yes"),
        ("CHECKOUT_PROMOTION_CODES", "1"),
        ("CHECKOUT_PHONE", "on"),
        ("CHECKOUT_TAX_IDS", "True"),
        ("CHECKOUT_CAPTURE", "later"),
        ("CHECKOUT_SUBMIT_TYPE", "buy"),
        ("CHECKOUT_SUBMIT_TYPE", "subscribe"),
        ("CHECKOUT_EXPIRES_AFTER_MINUTES", "29"),
        ("CHECKOUT_EXPIRES_AFTER_MINUTES", "1441"),
        ("CHECKOUT_EXPIRES_AFTER_MINUTES", "1h"),
        ("CHECKOUT_SESSION_OVERRIDES", "{"),
        ("CHECKOUT_SESSION_OVERRIDES", "[]"),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"mode":"setup"}"#),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"line_items":null}"#),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"currency":"eur"}"#),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"currency":null}"#),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"payment":{"currency":"eur"}}"#),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"payment_method_types":["card"]}"#),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"payment":[]}"#),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"payment":{"payment_method_types":["card"]}}"#),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"payment":{"subscription_data":{}}}"#),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"payment":{"subscription":{}}}"#),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"subscription":{"invoice_creation":{"enabled":true}}}"#),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"subscription":{"mode":"payment"}}"#),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"payment":{"metadata":{"stripe_payments_shop":"1"}}}"#),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"payment":{"shipping_options":[{},{},{},{},{},{}]}}"#),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"metadata":null}"#),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"metadata":{"stripe_payments_cart_number":"1"}}"#),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"payment_intent_data":{"metadata":null}}"#),
        ("CHECKOUT_SESSION_OVERRIDES", r#"{"subscription_data":{"metadata":{"stripe_payments_shop":"1"}}}"#),
        ("SHOP_ID", ""),
        ("SHOP_ID", "my shop"),
        ("SHOP_ID", "shop,"),
        ("SYNC_MODE", "some"),
        ("CATALOG_CACHE_SECONDS", "3601"),
        ("DEFAULT_CURRENCY", "dollars"),
        ("CART_TTL_DAYS", "0"),
        ("ALLOWED_ORIGINS", "https://shop.example/cart"),
        ("STRIPE_API_URL", "stripe"),
        ("STRIPE_API_URL", "https://"),
        ("PUBLIC_URL", "api.shop.example"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "dynamodb"),
        ("DYNAMODB_TIMEOUT_MS", "10"),
        ("DYNAMODB_TIMEOUT_MS", "1s"),
        ("STRIPE_TIMEOUT_MS", "60000"),
    ];
    let complete = Environment::from_iter([
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("CARTS_TABLE", "carts"),
        ("CATALOG_TABLE", "catalog"),
        ("ORDERS_TABLE", "orders"),
        ("ORDER_INDEX_TABLE", "order-index"),
        ("STRIPE_SECRET_KEY", "sk_test_x"),
        ("SUCCESS_URL", "https://shop.example/thanks/{number}"),
        ("CANCEL_URL", "https://shop.example/cart"),
        ("SHOP_ID", "shop-2,shop-1"),
    ]);
    assert!(Checkout::new(&Services::new(complete.clone()).unwrap()).is_ok());

    let with = |name, value| {
        let mut environment = complete.clone();
        environment.set(name, value);
        Services::new(environment)
    };
    for (name, value) in cases {
        let error = with(name, value).and_then(|services| Checkout::new(&services)).unwrap_err().to_string();
        assert!(error.starts_with(name), "{name}={value}: {error}");
    }
    // What shows a cart.
    for (name, value) in [("SHOP_LOCALE", "no such locale"), ("COOKIE_SAME_SITE", "Strict")] {
        let error = with(name, value).and_then(|services| Add::new(&services)).unwrap_err().to_string();
        assert!(error.starts_with(name), "{name}={value}: {error}");
    }
}
