//! Stripe's own definition of its API, as `tests/stripe-schema` has it.

use std::collections::HashMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

/// The schemas, by name.
pub(crate) static DEFINITIONS: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/stripe-schema/schema.json");
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file["definitions"].take()
});

/// The name of the schema of an answer, by its `object`.
const ANSWERS: [(&str, &str); 19] = [
    ("charge", "CartCharge"),
    ("checkout.session", "CartSession"),
    ("coupon", "CartCoupon"),
    ("customer", "CartCustomer"),
    ("dispute", "CartDispute"),
    ("event", "CartEventBase"),
    ("invoice", "CartInvoice"),
    ("invoice_payment", "CartInvoicePayment"),
    ("item", "CartLineItem"),
    ("payment_intent", "CartPaymentIntent"),
    ("price", "CartPrice"),
    ("product", "CartProduct"),
    ("promotion_code", "CartPromotionCode"),
    ("refund", "CartRefund"),
    ("shipping_rate", "CartShippingRate"),
    ("subscription", "CartSubscription"),
    ("tax_rate", "CartTaxRate"),
    ("v2.core.event", "CartThinEvent"),
    ("webhook_endpoint", "CartWebhookEndpoint"),
];

static VALIDATORS: LazyLock<HashMap<&str, Validator>> =
    LazyLock::new(|| ANSWERS.into_iter().map(|(object, name)| (object, validator(name))).collect());

fn validator(name: &str) -> Validator {
    let schema = json!({ "$ref": format!("#/definitions/{name}"), "definitions": *DEFINITIONS });
    jsonschema::draft7::new(&schema).unwrap()
}

/// What a value differs in from the schema of this name.
pub(crate) fn problems_of(value: &Value, name: &str) -> Vec<String> {
    errors(&validator(name), value)
}

fn errors(validator: &Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{}: {error:.300}", error.instance_path())).collect()
}

/// Holds an answer against Stripe's schema: of a list every entry, of an event its object too.
#[track_caller]
pub(crate) fn conforms(answer: &Value) {
    let problems = problems(answer);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn problems(answer: &Value) -> Vec<String> {
    let object = answer["object"].as_str().unwrap();
    if object == "list" {
        return answer["data"].as_array().unwrap().iter().flat_map(problems).collect();
    }
    let own = errors(&VALIDATORS[object], answer);
    let own = own.into_iter().map(|error| format!("{object} {} {error}", answer["id"]));
    let below = if object == "event" { problems(&answer["data"]["object"]) } else { Vec::new() };
    own.chain(below).collect()
}
