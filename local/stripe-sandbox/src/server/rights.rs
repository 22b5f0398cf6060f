//! What a restricted key may do (<https://docs.stripe.com/keys/restricted-api-keys>).

use http::Method;

/// Stripe's word for a resource in the names of rights, by the path of its endpoints.
///
/// The names are those in the links with which others let a dashboard create a key; the right for prices is that for
/// plans, and refunds belong to charges.
const RESOURCES: [(&str, &str); 17] = [
    ("charges", "charge"),
    ("checkout", "checkout_session"),
    ("coupons", "coupon"),
    ("customers", "customer"),
    ("disputes", "dispute"),
    ("events", "event"),
    ("invoice_payments", "invoice"),
    ("invoices", "invoice"),
    ("payment_intents", "payment_intent"),
    ("prices", "plan"),
    ("products", "product"),
    ("promotion_codes", "promotion_code"),
    ("refunds", "charge"),
    ("shipping_rates", "shipping_rate"),
    ("subscriptions", "subscription"),
    ("tax_rates", "tax_rate"),
    ("webhook_endpoints", "webhook"),
];

/// The right that a request needs and `rights` does not have. The right to write includes the right to read.
pub(super) fn missing(method: &Method, path: &str, rights: &[String]) -> Option<String> {
    let first = path.trim_start_matches("/v1/").split('/').next().unwrap_or_default();
    let (_, resource) = RESOURCES.iter().find(|(path, _)| *path == first)?;
    match *method {
        Method::GET => missing_to_read(resource, rights),
        _ if has(rights, resource, "write") => None,
        _ => Some(right(resource, "write")),
    }
}

/// The right that is needed to expand an object of this kind, and that `rights` does not have.
pub(super) fn missing_to_expand(object: &str, rights: &[String]) -> Option<String> {
    missing_to_read(if object == "price" { "plan" } else { object }, rights)
}

fn missing_to_read(resource: &str, rights: &[String]) -> Option<String> {
    let may_read = has(rights, resource, "read") || has(rights, resource, "write");
    (!may_read).then(|| right(resource, "read"))
}

fn has(rights: &[String], resource: &str, access: &str) -> bool {
    rights.contains(&right(resource, access))
}

fn right(resource: &str, access: &str) -> String {
    format!("rak_{resource}_{access}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_to_write_includes_the_right_to_read() {
        let rights = ["rak_product_read", "rak_plan_write"].map(str::to_owned);
        let missing = |method, path| missing(&method, path, &rights);

        assert_eq!(missing(Method::GET, "/v1/products/prod_1"), None);
        assert_eq!(missing(Method::POST, "/v1/products/prod_1").as_deref(), Some("rak_product_write"));
        assert_eq!(missing(Method::GET, "/v1/prices"), None);
        assert_eq!(missing(Method::POST, "/v1/prices"), None);
        assert_eq!(missing(Method::POST, "/v1/checkout/sessions").as_deref(), Some("rak_checkout_session_write"));
        assert_eq!(missing(Method::GET, "/v1/nothing"), None, "the route does not exist");
        assert_eq!(missing_to_expand("product", &rights), None);
        assert_eq!(missing_to_expand("price", &rights), None);
        assert_eq!(missing_to_expand("charge", &rights).as_deref(), Some("rak_charge_read"));
    }
}
