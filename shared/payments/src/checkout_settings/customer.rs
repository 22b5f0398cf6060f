//! What a session can have beside the customer whom it is for.

use serde_json::{Map, Value, json};

use super::fit::remove;
use crate::LeftOut;
use crate::named::{Answers, Kind, Named, Said};

/// What a session for a customer cannot say of another one.
///
/// Source: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-customer>
const WITHOUT_CUSTOMER: [&str; 2] = ["customer_email", "customer_creation"];

/// The customer whom a session is for.
pub(super) fn named(tree: &Map<String, Value>) -> Option<Named> {
    let id = tree.get("customer")?.as_str()?.to_owned();
    Some(Named { kind: Kind::Customer, id })
}

/// Leaves out a customer whom Stripe does not know. With one whom it does, asks for what else the session needs of them.
pub(super) fn fit(tree: &mut Map<String, Value>, answers: &Answers, left_out: &mut Vec<LeftOut>) {
    if let Some(customer) = named(tree)
        && matches!(answers.get(&customer), Some(Said::Gone))
    {
        tree.remove("customer");
        left_out.push(LeftOut { parameter: "customer", object: Some(customer.id), reason: "it is gone" });
    }
    if !tree.contains_key("customer") && !tree.contains_key("customer_account") {
        remove(tree, "customer_update", "the session is for no customer", left_out);
        return;
    }
    for name in WITHOUT_CUSTOMER {
        tree.remove(name);
    }
    let needed = updates(tree);
    if needed.is_empty() {
        return;
    }
    let update = tree.entry("customer_update").or_insert_with(|| json!({}));
    let Some(update) = update.as_object_mut() else { return };
    let mut is_changed = false;
    for name in needed {
        let before = update.insert(name.to_owned(), json!("auto"));
        is_changed |= before.is_some_and(|before| before != "auto");
    }
    if is_changed {
        let reason = "the session collects what it says not to keep";
        left_out.push(LeftOut { parameter: "customer_update", object: None, reason });
    }
}

/// What the customer has to keep of the answers on Stripe's page, so that it may ask for them.
///
/// Source: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-customer_update>, and the refusals
/// that shops reported: <https://github.com/laravel/cashier-stripe/issues/1585>,
/// <https://github.com/raystack/frontier/pull/565>.
fn updates(tree: &Map<String, Value>) -> Vec<&'static str> {
    let is_on = |name: &str| {
        let enabled = tree.get(name).map(|switch| &switch["enabled"]);
        // An override may say it as a text, as a form does.
        enabled.is_some_and(|enabled| *enabled == true || enabled == "true")
    };
    let mut updates = Vec::new();
    if is_on("tax_id_collection") {
        updates.extend(["name", "address"]);
    }
    if is_on("automatic_tax") {
        let ships = tree.contains_key("shipping_address_collection");
        updates.push(if ships { "shipping" } else { "address" });
    }
    updates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(tree: Value, answers: &Answers) -> (Value, Vec<&'static str>) {
        let Value::Object(mut tree) = tree else { panic!("parameters are an object") };
        let mut left_out = Vec::new();
        fit(&mut tree, answers, &mut left_out);
        (tree.into(), left_out.into_iter().map(|left_out| left_out.parameter).collect())
    }

    /// Source: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-customer_update>
    #[test]
    fn a_customer_keeps_what_tax_and_tax_ids_need() {
        let on = json!({ "enabled": "true" });
        let tree = |more: Value| {
            let mut tree =
                json!({ "customer": "cus_a", "customer_email": "ann@example.com", "customer_creation": "always" });
            json_patch::merge(&mut tree, &more);
            tree
        };
        let cases = [
            (json!({}), Value::Null),
            (json!({ "tax_id_collection": { "enabled": "false" } }), Value::Null),
            (json!({ "tax_id_collection": on }), json!({ "name": "auto", "address": "auto" })),
            (json!({ "automatic_tax": { "enabled": true } }), json!({ "address": "auto" })),
            (
                json!({ "automatic_tax": on, "shipping_address_collection": { "allowed_countries": ["DE"] } }),
                json!({ "shipping": "auto" }),
            ),
            (
                json!({ "automatic_tax": on, "customer_update": { "name": "never" } }),
                json!({ "address": "auto", "name": "never" }),
            ),
        ];

        for (more, update) in cases {
            let (fitted, left_out) = fitted(tree(more.clone()), &Answers::new());

            assert_eq!(fitted["customer_update"], update, "{more}");
            assert_eq!(fitted["customer"], "cus_a");
            assert!(fitted.get("customer_email").is_none() && fitted.get("customer_creation").is_none());
            assert_eq!(left_out, Vec::<&str>::new());
        }
        let never = json!({ "tax_id_collection": on, "customer_update": { "name": "never" } });
        let (fitted, left_out) = fitted(tree(never), &Answers::new());
        assert_eq!(fitted["customer_update"], json!({ "name": "auto", "address": "auto" }));
        assert_eq!(left_out, ["customer_update"]);
    }

    #[test]
    fn without_a_customer_the_session_is_a_guests() {
        let gone = Answers::from([(Named { kind: Kind::Customer, id: "cus_gone".to_owned() }, Said::Gone)]);
        let tree = json!({
            "customer": "cus_gone", "customer_email": "ann@example.com", "customer_update": { "name": "auto" },
            "tax_id_collection": { "enabled": "true" },
        });

        let (fitted, left_out) = fitted(tree, &gone);

        assert_eq!(fitted, json!({ "customer_email": "ann@example.com", "tax_id_collection": { "enabled": "true" } }));
        assert_eq!(left_out, ["customer", "customer_update"]);
    }
}
