//! Holds the sandbox's answers and parameters against Stripe's own definition of its API.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::schema::{DEFINITIONS, conforms};
use crate::stripe::{Stripe, entries, id, session_path, stripe, text};

#[tokio::test]
async fn the_catalogue_conforms() {
    let stripe = stripe().await;

    for path in [
        "/v1/prices?limit=100",
        "/v1/prices?limit=100&expand[]=data.tiers&expand[]=data.currency_options.eur.tiers&expand[]=data.product",
        "/v1/products?limit=100",
        "/v1/products?limit=100&expand[]=data.default_price",
        "/v1/coupons?expand[]=data.applies_to&expand[]=data.currency_options",
        "/v1/promotion_codes",
        "/v1/promotion_codes?expand[]=data.promotion.coupon&expand[]=data.restrictions.currency_options",
        "/v1/shipping_rates?expand[]=data.fixed_amount.currency_options",
        "/v1/tax_rates",
    ] {
        conforms(&stripe.get(path).await.ok());
    }
    stripe.post("/v1/prices/price_mug", &[("active", "false")]).await.ok();
    stripe.post("/v1/products/prod_mug", &[("name", "Old mug"), ("tax_code", "txcd_1")]).await.ok();
    conforms(&stripe.get("/v1/products/prod_mug").await.ok());
    conforms(&stripe.get("/v1/events?limit=100").await.ok());
}

#[tokio::test]
async fn the_webhook_endpoint_conforms() {
    let stripe = stripe().await;
    stripe.sandbox.set_webhook_url("http://127.0.0.1:9/stripe/webhook");

    for is_enabled in [true, false] {
        stripe.sandbox.change_dashboard(|dashboard| dashboard.webhook.is_enabled = is_enabled);

        let list = stripe.get("/v1/webhook_endpoints?limit=100").await.ok();

        assert_eq!(entries(&list).len(), 1);
        conforms(&list);
    }
}

/// Everything a session can be created with that shows in its object.
const EVERYTHING: [(&str, &str); 44] = [
    ("line_items[0][adjustable_quantity][enabled]", "true"),
    ("line_items[0][adjustable_quantity][maximum]", "10"),
    ("line_items[0][tax_rates][0]", "txr_sales"),
    ("line_items[0][metadata][note]", "x"),
    ("adaptive_pricing[enabled]", "false"),
    ("after_expiration[recovery][enabled]", "true"),
    ("allowed_payment_method_types[0]", "card"),
    ("allowed_payment_method_types[1]", "sepa_debit"),
    ("automatic_tax[enabled]", "true"),
    ("billing_address_collection", "required"),
    ("branding_settings[display_name]", "Mugs"),
    ("client_reference_id", "ref"),
    ("consent_collection[terms_of_service]", "required"),
    ("consent_collection[promotions]", "auto"),
    ("custom_fields[0][key]", "size"),
    ("custom_fields[0][label][type]", "custom"),
    ("custom_fields[0][label][custom]", "Size"),
    ("custom_fields[0][type]", "dropdown"),
    ("custom_fields[0][dropdown][options][0][label]", "Small"),
    ("custom_fields[0][dropdown][options][0][value]", "s"),
    ("custom_fields[1][key]", "engraving"),
    ("custom_fields[1][label][type]", "custom"),
    ("custom_fields[1][label][custom]", "Engraving"),
    ("custom_fields[1][type]", "text"),
    ("custom_fields[1][optional]", "true"),
    ("custom_text[submit][message]", "Thank you"),
    ("customer_creation", "always"),
    ("customer_email", "ann@shop.example"),
    ("discounts[0][promotion_code]", "promo_welcome10"),
    ("expand[0]", "line_items.data.price.product"),
    ("invoice_creation[enabled]", "true"),
    ("locale", "auto"),
    ("optional_items[0][price]", "price_poster"),
    ("optional_items[0][quantity]", "1"),
    ("optional_items[0][adjustable_quantity][enabled]", "true"),
    ("payment_intent_data[description]", "x"),
    ("phone_number_collection[enabled]", "true"),
    ("saved_payment_method_options[payment_method_save]", "enabled"),
    ("shipping_address_collection[allowed_countries][0]", "US"),
    ("shipping_options[0][shipping_rate]", "shr_standard"),
    ("shipping_options[1][shipping_rate_data][display_name]", "Drone"),
    ("shipping_options[1][shipping_rate_data][fixed_amount][amount]", "2000"),
    ("shipping_options[1][shipping_rate_data][fixed_amount][currency]", "usd"),
    ("tax_id_collection[enabled]", "true"),
];

/// The answer to the field of [`EVERYTHING`] that is required.
const SIZE: (&str, &str) = ("custom_fields[size]", "s");

async fn check_session(stripe: &Stripe, session: &Value) {
    let path = session_path(session);
    for query in [
        "",
        "?expand[]=line_items&expand[]=total_details.breakdown&expand[]=shipping_cost.shipping_rate\
         &expand[]=shipping_cost.taxes&expand[]=discounts.coupon&expand[]=discounts.promotion_code\
         &expand[]=shipping_options.shipping_rate",
    ] {
        conforms(&stripe.get(&format!("{path}{query}")).await.ok());
    }
    let lines = "?expand[]=data.taxes&expand[]=data.discounts.discount&expand[]=data.price.product";
    conforms(&stripe.line_items(session, lines).await);
}

#[tokio::test]
async fn sessions_conform_at_every_stage() {
    let stripe = stripe().await;
    let full = stripe.session("price_mug", "2", &EVERYTHING).await;
    let sessions = [
        (stripe.session("price_mug", "2", &[]).await, "pay"),
        (full, "pay"),
        (stripe.session("price_mug", "2", &EVERYTHING).await, "pay_later"),
        (stripe.session("price_mug", "1", &[("discounts[0][coupon]", "free")]).await, "pay"),
        (stripe.subscription("price_club_monthly", &[("discounts[0][coupon]", "welcome10")]).await, "pay"),
        (stripe.subscription("price_club_yearly", &[("subscription_data[trial_period_days]", "7")]).await, "pay"),
        (stripe.try_session("subscription", "price_storage_metered", "", &[]).await.ok(), "pay"),
        (stripe.session("price_mug", "1", &[("after_expiration[recovery][enabled]", "true")]).await, ""),
    ];
    for (session, action) in &sessions {
        conforms(session);
        check_session(&stripe, session).await;

        if action.is_empty() {
            stripe.expire(session).await.ok();
        } else {
            assert_eq!(stripe.press(session, action, &[SIZE]).await.status, 303);
        }

        check_session(&stripe, session).await;
    }
    stripe.sandbox.settle(id(&sessions[2].0), true).unwrap();
    conforms(&stripe.get("/v1/checkout/sessions?limit=100&expand[]=data.line_items").await.ok());
    conforms(&stripe.get("/v1/events?limit=100").await.ok());
    conforms(&json!({ "object": "list", "data": stripe.sandbox.events() }));
}

#[tokio::test]
async fn payments_conform_at_every_stage() {
    let stripe = stripe().await;
    let manual = [("payment_intent_data[capture_method]", "manual")];
    let mut intents = Vec::new();
    for (more, action) in [(&manual[..], "pay"), (&manual[..], "pay"), (&EVERYTHING[..], "pay"), (&[], "pay_later")] {
        let session = stripe.session("price_mug", "2", more).await;
        stripe.press(&session, action, &[SIZE]).await;
        let session = stripe.reload(&session).await;
        intents.push(text(&session, "payment_intent").to_owned());
        if action == "pay_later" {
            stripe.sandbox.settle(id(&session), false).unwrap();
        }
    }

    let part = [("amount_to_capture", "100")];
    conforms(&stripe.post(&format!("/v1/payment_intents/{}/capture", intents[0]), &part).await.ok());
    conforms(&stripe.post(&format!("/v1/payment_intents/{}/cancel", intents[1]), &[]).await.ok());
    let refund = [("payment_intent", intents[2].as_str()), ("amount", "100"), ("metadata[note]", "x")];
    conforms(&stripe.post("/v1/refunds", &refund).await.ok());

    for list in ["payment_intents", "charges", "charges?expand[]=data.refunds", "refunds"] {
        let list = stripe.get(&format!("/v1/{list}")).await.ok();
        assert!(!entries(&list).is_empty());
        conforms(&list);
    }
    conforms(&json!({ "object": "list", "data": stripe.sandbox.events() }));
}

#[tokio::test]
async fn subscriptions_conform_at_every_stage() {
    let stripe = stripe().await;
    let more = [
        ("line_items[0][tax_rates][0]", "txr_sales"),
        ("line_items[1][price]", "price_mug"),
        ("line_items[1][quantity]", "1"),
        ("discounts[0][coupon]", "welcome10"),
        ("subscription_data[description]", "Tea"),
    ];
    let session = stripe.subscription("price_club_monthly", &more).await;
    stripe.press(&session, "pay_later", &[]).await;
    let session = stripe.reload(&session).await;
    let named = |name: &str| text(&session, name).to_owned();
    let paths = [
        format!("/v1/subscriptions/{}", named("subscription")),
        format!("/v1/invoices/{}?expand[]=payments", named("invoice")),
        format!("/v1/customers/{}", named("customer")),
        format!("/v1/invoice_payments?invoice={}", named("invoice")),
    ];
    for path in &paths {
        conforms(&stripe.get(path).await.ok());
    }

    stripe.sandbox.settle(id(&session), true).unwrap();

    for path in &paths {
        conforms(&stripe.get(path).await.ok());
    }
    let invoice = stripe.get(&paths[1]).await.ok();
    let item = &stripe.get(&paths[0]).await.ok()["items"]["data"][0];
    let parents: Vec<&Value> =
        invoice["lines"]["data"].as_array().unwrap().iter().map(|line| &line["parent"]).collect();
    assert_eq!(parents[0]["subscription_item_details"]["subscription_item"], item["id"]);
    assert_eq!(parents[1]["type"], "invoice_item_details");
    conforms(&json!({ "object": "list", "data": stripe.sandbox.events() }));
}

/// All names of parameters below a schema, as forms write them.
fn names(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return names(&DEFINITIONS[reference.trim_start_matches("#/definitions/")], path, found);
    }
    for alternative in schema["anyOf"].as_array().into_iter().flatten() {
        names(alternative, path, found);
    }
    if schema["items"].is_object() {
        names(&schema["items"], &format!("{path}[0]"), found);
    }
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}[{name}]") };
        names(below, &path, found);
        found.insert(path);
    }
}

#[tokio::test]
async fn every_parameter_of_stripes_is_known() {
    let stripe = stripe().await;
    let endpoints = [
        ("/v1/checkout/sessions", "CartSessionCreateParams"),
        ("/v1/checkout/sessions/cs_x", "CartSessionUpdateParams"),
        ("/v1/disputes/du_x", "CartDisputeUpdateParams"),
        ("/v1/disputes/du_x/close", "CartDisputeCloseParams"),
        ("/v1/payment_intents/pi_x/cancel", "CartPaymentIntentCancelParams"),
        ("/v1/payment_intents/pi_x/capture", "CartPaymentIntentCaptureParams"),
        ("/v1/refunds", "CartRefundCreateParams"),
        ("/v1/refunds/re_x", "CartRefundUpdateParams"),
    ];
    let mut count = 0;
    let mut unknown = Vec::new();
    for (path, definition) in endpoints {
        let mut known = BTreeSet::new();
        names(&DEFINITIONS[definition], "", &mut known);
        count += known.len();
        for name in known {
            let answer = stripe.post(path, &[(&name, "")]).await;
            if answer.refused().1 == "parameter_unknown" {
                unknown.push(format!("{path} {name}"));
            }
        }
    }

    assert!(count > 200, "{count}");
    assert!(unknown.is_empty(), "{unknown:?}");
}
