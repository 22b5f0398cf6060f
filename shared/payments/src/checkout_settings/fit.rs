//! Which parameters fit which session.

use serde_json::{Map, Value};

use super::contents::Contents;
use crate::LeftOut;

/// The parameters of the call that creates a session, in the version of the API that is asked for. A test holds them to
/// Stripe's own definition.
///
/// Source: <https://docs.stripe.com/api/checkout/sessions/create>
pub(super) const KNOWN: &[&str] = &[
    "adaptive_pricing",
    "after_expiration",
    "allow_promotion_codes",
    "allowed_payment_method_types",
    "automatic_tax",
    "billing_address_collection",
    "branding_settings",
    "cancel_url",
    "client_reference_id",
    "consent_collection",
    "currency",
    "custom_fields",
    "custom_text",
    "customer",
    "customer_account",
    "customer_creation",
    "customer_email",
    "customer_update",
    "discounts",
    "excluded_payment_method_types",
    "expand",
    "expires_at",
    "integration_identifier",
    "invoice_creation",
    "line_items",
    "locale",
    "managed_payments",
    "metadata",
    "mode",
    "name_collection",
    "optional_items",
    "origin_context",
    "payment_intent_data",
    "payment_method_collection",
    "payment_method_configuration",
    "payment_method_data",
    "payment_method_options",
    "permissions",
    "phone_number_collection",
    "redirect_on_completion",
    "return_url",
    "saved_payment_method_options",
    "setup_intent_data",
    "shipping_address_collection",
    "shipping_options",
    "submit_type",
    "subscription_data",
    "success_url",
    "tax_id_collection",
    "ui_mode",
    "wallet_options",
];

/// The modes in which a cart is paid.
pub(super) const MODES: [&str; 2] = ["payment", "subscription"];

/// The parameters that Stripe takes in one mode alone: it refuses a session of another mode that has one.
const ONLY_IN: [(&str, &[&str]); 3] = [
    ("payment", &["payment_intent_data", "invoice_creation", "customer_creation", "shipping_options"]),
    ("subscription", &["subscription_data", "payment_method_collection"]),
    ("setup", &["setup_intent_data"]),
];

/// Whether a session of this mode may have the parameter.
pub(super) fn is_for(parameter: &str, mode: &str) -> bool {
    ONLY_IN.iter().all(|(only, parameters)| *only == mode || !parameters.contains(&parameter))
}

/// What a session that sells an amount of the shopper's choice cannot have beside it.
///
/// Source: <https://docs.stripe.com/payments/checkout/pay-what-you-want>
const NOT_BESIDE_CUSTOM_AMOUNT: [&str; 3] = ["discounts", "allow_promotion_codes", "optional_items"];

/// Leaves out what no session of this mode, or none that sells this, can have.
pub(super) fn leave_out(tree: &mut Map<String, Value>, contents: &Contents) -> Vec<LeftOut> {
    let mode = tree.get("mode").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut left_out = Vec::new();
    for name in ONLY_IN.iter().flat_map(|(_, only)| *only).filter(|name| !is_for(name, &mode)) {
        remove(tree, name, "Stripe takes it in the other mode only", &mut left_out);
    }
    if contents.has_custom_amount {
        for name in NOT_BESIDE_CUSTOM_AMOUNT {
            // What is off asks for nothing.
            if tree.get(name).is_none_or(|value| value != "false" && *value != false) {
                remove(tree, name, "the shopper chooses the amount", &mut left_out);
            }
        }
        // The dashboard may switch it on for sessions that do not say.
        tree.insert("allow_promotion_codes".to_owned(), "false".into());
    }
    left_out
}

/// Leaves out the field for promotion codes beside a discount: a session has at most one discount.
pub(super) fn leave_out_codes(tree: &mut Map<String, Value>, left_out: &mut Vec<LeftOut>) {
    if tree.contains_key("discounts") {
        remove(tree, "allow_promotion_codes", "a discount is applied already", left_out);
    }
}

/// Leaves a parameter out, if it is there.
pub(super) fn remove(
    tree: &mut Map<String, Value>,
    parameter: &'static str,
    reason: &'static str,
    left_out: &mut Vec<LeftOut>,
) {
    if tree.remove(parameter).is_some() {
        left_out.push(LeftOut { parameter, object: None, reason });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use cart::{Currency, Money};
    use serde_json::json;

    use super::*;

    /// What is left of the parameters of a payment, and what was left out.
    fn left_of(parameters: &Value, has_custom_amount: bool) -> (Value, Vec<&'static str>) {
        let contents = Contents {
            total: Money::new(0, Currency::USD),
            own_currency: Currency::USD,
            recurrence: None,
            once: 1,
            recurring: BTreeSet::new(),
            products: BTreeSet::new(),
            has_custom_amount,
        };
        let mut tree = parameters.as_object().unwrap().clone();
        tree.insert("mode".to_owned(), json!("payment"));
        let mut left_out = leave_out(&mut tree, &contents);
        leave_out_codes(&mut tree, &mut left_out);
        tree.remove("mode");
        (tree.into(), left_out.into_iter().map(|left_out| left_out.parameter).collect())
    }

    #[test]
    fn what_does_not_go_with_an_amount_that_the_shopper_chooses_is_left_out_and_named() {
        let all = json!({
            "discounts": [{ "coupon": "welcome10" }], "allow_promotion_codes": "true",
            "optional_items": [{ "price": "price_mug" }], "locale": "fr",
        });
        let (rest, left_out) = left_of(&all, true);
        let off = json!({ "locale": "fr", "allow_promotion_codes": "false" });
        assert_eq!((rest, left_out.as_slice()), (off, NOT_BESIDE_CUSTOM_AMOUNT.as_slice()));
        assert_eq!(left_of(&all, false).1, ["allow_promotion_codes"]);

        // What is off asks for nothing.
        for off in [json!({ "allow_promotion_codes": "false" }), json!({ "allow_promotion_codes": false })] {
            assert_eq!(left_of(&off, true), (json!({ "allow_promotion_codes": "false" }), Vec::new()));
        }
    }

    #[test]
    fn the_known_parameters_are_those_of_stripes_definition() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/stripe-schema/schema.json");
        let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let defined = schema["definitions"]["Checkout.SessionCreateParams"]["properties"].as_object().unwrap();

        assert_eq!(KNOWN, defined.keys().collect::<Vec<_>>());
        for name in ONLY_IN.iter().flat_map(|(_, names)| *names).chain(&NOT_BESIDE_CUSTOM_AMOUNT) {
            assert!(KNOWN.contains(name), "{name}");
        }
    }
}
