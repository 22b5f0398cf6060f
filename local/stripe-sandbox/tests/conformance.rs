//! Holds the sandbox against Stripe's own definition of its API.
//!
//! `STRIPE_SCHEMA` names a JSON file whose `types` are JSON Schemas by name: `CartSession`, `CartLineItem`, `CartPrice`,
//! `CartProduct`, `CartCoupon`, `CartPromotionCode`, `CartEventBase` and `CartSessionCreateParams`, generated from the
//! types of Stripe's official Node library. Without it there is nothing to hold the sandbox against.

#![expect(clippy::unwrap_used, reason = "a test's helper has nobody to hand an error to")]

#[path = "http/client.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod client;

use std::collections::{BTreeSet, HashMap};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::client::{Stripe, id, stripe};

fn schemas() -> Option<Value> {
    let Ok(path) = std::env::var("STRIPE_SCHEMA") else {
        eprintln!("STRIPE_SCHEMA is not set: skipped");
        return None;
    };
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    Some(file["types"].take())
}

/// The schemas of answers, by the `object` of what they describe.
struct Definition(HashMap<&'static str, Validator>);

impl Definition {
    fn new(types: &Value) -> Self {
        let objects = [
            ("checkout.session", "CartSession"),
            ("item", "CartLineItem"),
            ("price", "CartPrice"),
            ("product", "CartProduct"),
            ("coupon", "CartCoupon"),
            ("promotion_code", "CartPromotionCode"),
            ("event", "CartEventBase"),
        ];
        let validator = |name: &str| {
            let mut schema = types[name].clone();
            // The library has a type of its own for what the API writes as a string.
            schema["definitions"]["Decimal"] = json!({ "type": "string" });
            // The library says nothing of an event's object: it is checked by its own schema.
            for unsaid in ["Event.Data.Object", "Event.Data.PreviousAttributes"] {
                schema["definitions"][unsaid] = json!({ "type": "object" });
            }
            jsonschema::draft7::new(&schema).unwrap()
        };
        Self(objects.into_iter().map(|(object, name)| (object, validator(name))).collect())
    }

    /// Checks an answer: of a list every entry, of an event its object too.
    #[track_caller]
    fn check(&self, answer: &Value) {
        let object = answer["object"].as_str().unwrap();
        if object == "list" {
            answer["data"].as_array().unwrap().iter().for_each(|entry| self.check(entry));
            return;
        }
        if object == "event" && self.0.contains_key(answer["data"]["object"]["object"].as_str().unwrap()) {
            self.check(&answer["data"]["object"]);
        }
        let errors: Vec<String> = self.0[object]
            .iter_errors(answer)
            .map(|error| format!("{}: {error:.300}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{object} {}:\n{}", answer["id"], errors.join("\n"));
    }
}

#[tokio::test]
async fn the_catalogue_conforms() {
    let Some(types) = schemas() else { return };
    let definition = Definition::new(&types);
    let stripe = stripe().await;

    for path in [
        "/v1/prices?limit=100",
        "/v1/prices?limit=100&expand[]=data.tiers&expand[]=data.currency_options.tiers&expand[]=data.product",
        "/v1/products?limit=100",
        "/v1/products?limit=100&expand[]=data.default_price",
        "/v1/coupons?expand[]=data.applies_to&expand[]=data.currency_options",
        "/v1/promotion_codes",
        "/v1/promotion_codes?expand[]=data.promotion.coupon&expand[]=data.restrictions.currency_options",
    ] {
        definition.check(&stripe.get(path).await.ok());
    }
    stripe.post("/v1/prices/price_mug", &[("active", "false")]).await.ok();
    stripe.post("/v1/products/prod_mug", &[("name", "Old mug"), ("tax_code", "txcd_1")]).await.ok();
    definition.check(&stripe.get("/v1/products/prod_mug").await.ok());
    definition.check(&stripe.get("/v1/events?limit=100").await.ok());
}

/// Everything a session can be created with that shows in its object.
const EVERYTHING: [(&str, &str); 39] = [
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
    ("payment_intent_data[description]", "x"),
    ("phone_number_collection[enabled]", "true"),
    ("shipping_address_collection[allowed_countries][0]", "US"),
    ("shipping_options[0][shipping_rate]", "shr_standard"),
    ("shipping_options[1][shipping_rate_data][display_name]", "Drone"),
    ("shipping_options[1][shipping_rate_data][fixed_amount][amount]", "2000"),
    ("shipping_options[1][shipping_rate_data][fixed_amount][currency]", "usd"),
    ("tax_id_collection[enabled]", "true"),
];

async fn check_session(definition: &Definition, stripe: &Stripe, session: &Value) {
    let path = format!("/v1/checkout/sessions/{}", id(session));
    for query in [
        "",
        "?expand[]=line_items&expand[]=total_details.breakdown&expand[]=shipping_cost.shipping_rate\
         &expand[]=shipping_cost.taxes&expand[]=discounts.coupon&expand[]=discounts.promotion_code\
         &expand[]=shipping_options.shipping_rate",
    ] {
        let shown = stripe.send_get(&format!("{path}{query}")).await;
        definition.check(&shown);
    }
    let lines = "line_items?expand[]=data.taxes&expand[]=data.discounts.discount&expand[]=data.price.product";
    definition.check(&stripe.send_get(&format!("{path}/{lines}")).await);
}

impl Stripe {
    async fn send_get(&self, path: &str) -> Value {
        self.get(path).await.ok()
    }
}

#[tokio::test]
async fn sessions_conform_at_every_stage() {
    let Some(types) = schemas() else { return };
    let definition = Definition::new(&types);
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
        definition.check(session);
        check_session(&definition, &stripe, session).await;

        if action.is_empty() {
            stripe.post(&format!("/v1/checkout/sessions/{}/expire", id(session)), &[]).await.ok();
        } else {
            assert_eq!(stripe.press(session, action, &[]).await.status, 303);
        }

        check_session(&definition, &stripe, session).await;
    }
    stripe.sandbox.settle(id(&sessions[2].0), true).unwrap();
    definition.check(&stripe.get("/v1/checkout/sessions?limit=100&expand[]=data.line_items").await.ok());
    definition.check(&stripe.get("/v1/events?limit=100").await.ok());
    stripe.sandbox.events().iter().for_each(|event| definition.check(event));
}

/// All names of parameters below a schema, as forms write them.
fn names(schema: &Value, definitions: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = percent_encoding::percent_decode_str(reference.trim_start_matches("#/definitions/"));
        return names(&definitions[name.decode_utf8().unwrap().as_ref()], definitions, path, found);
    }
    for alternative in schema["anyOf"].as_array().into_iter().flatten() {
        names(alternative, definitions, path, found);
    }
    if schema["items"].is_object() {
        names(&schema["items"], definitions, &format!("{path}[0]"), found);
    }
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        if name.starts_with("__@") {
            continue;
        }
        let path = if path.is_empty() { name.clone() } else { format!("{path}[{name}]") };
        names(below, definitions, &path, found);
        found.insert(path);
    }
}

#[tokio::test]
async fn every_parameter_of_stripes_is_known() {
    let Some(types) = schemas() else { return };
    let stripe = stripe().await;
    let schema = &types["CartSessionCreateParams"];
    let mut known = BTreeSet::new();
    names(schema, &schema["definitions"], "", &mut known);
    assert!(known.len() > 200, "{known:?}");

    let mut unknown = Vec::new();
    for name in &known {
        let answer = stripe.post("/v1/checkout/sessions", &[(name, "")]).await;
        if answer.refused().1 == "parameter_unknown" {
            unknown.push(name);
        }
    }

    assert!(unknown.is_empty(), "{unknown:?}");
}
