//! Which parameters fit which session.

use serde_json::{Map, Value};

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

/// What Stripe does not take where the shopper chooses the amount: no discount, and no line beside that one.
///
/// Source: <https://docs.stripe.com/payments/checkout/pay-what-you-want>
const NOT_WITH_CUSTOM_AMOUNT: [&str; 3] = ["discounts", "allow_promotion_codes", "optional_items"];

/// Whether a session of this mode may have the parameter.
pub(super) fn is_for(parameter: &str, mode: &str) -> bool {
    ONLY_IN.iter().all(|(only, parameters)| *only == mode || !parameters.contains(&parameter))
}

/// Leaves out what Stripe would refuse the session for, and returns its names. `custom_amount` says whether the shopper
/// chooses the amount.
pub(super) fn leave_out(parameters: &mut Map<String, Value>, custom_amount: bool) -> Vec<&'static str> {
    let mode = parameters.get("mode").and_then(Value::as_str).unwrap_or_default().to_owned();
    let others = ONLY_IN.iter().flat_map(|(_, only)| *only).copied().filter(|name| !is_for(name, &mode));
    // A discount that stands already excludes one that the shopper types in.
    let excluded = parameters.contains_key("discounts").then_some("allow_promotion_codes");
    let is_off = |name: &str| parameters.get(name).is_some_and(|value| value == "false" || value == false);
    let not_with_custom = NOT_WITH_CUSTOM_AMOUNT.into_iter().filter(|name| custom_amount && !is_off(name));
    let mut left_out: Vec<_> = others.chain(not_with_custom).chain(excluded).collect();
    left_out.retain(|name| parameters.remove(*name).is_some());
    left_out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is left of the parameters of a payment, and what was left out.
    fn left_of(parameters: &Value, custom_amount: bool) -> (Value, Vec<&'static str>) {
        let mut tree = parameters.as_object().unwrap().clone();
        tree.insert("mode".to_owned(), json!("payment"));
        let left_out = leave_out(&mut tree, custom_amount);
        tree.remove("mode");
        (tree.into(), left_out)
    }

    #[test]
    fn what_does_not_go_with_an_amount_that_the_shopper_chooses_is_left_out_and_named() {
        let all = json!({
            "discounts": [{ "coupon": "welcome10" }], "allow_promotion_codes": "true",
            "optional_items": [{ "price": "price_mug" }], "locale": "fr",
        });
        let (rest, left_out) = left_of(&all, true);
        assert_eq!((rest, left_out.as_slice()), (json!({ "locale": "fr" }), NOT_WITH_CUSTOM_AMOUNT.as_slice()));
        assert_eq!(left_of(&all, false).1, ["allow_promotion_codes"]);

        // What is off asks for nothing.
        for off in [json!({ "allow_promotion_codes": "false" }), json!({ "allow_promotion_codes": false })] {
            assert_eq!(left_of(&off, true), (off, Vec::new()));
        }
    }

    #[test]
    fn the_known_parameters_are_those_of_stripes_definition() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/stripe-schema/schema.json");
        let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let defined = schema["definitions"]["Checkout.SessionCreateParams"]["properties"].as_object().unwrap();

        assert_eq!(KNOWN, defined.keys().collect::<Vec<_>>());
        for name in ONLY_IN.iter().flat_map(|(_, names)| *names).chain(&NOT_WITH_CUSTOM_AMOUNT) {
            assert!(KNOWN.contains(name), "{name}");
        }
    }
}
