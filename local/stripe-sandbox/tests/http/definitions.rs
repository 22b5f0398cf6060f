//! Holds the files under `data` against Stripe's own definition of its API.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::schema::{DEFINITIONS, problems_of};

/// The endpoints whose parameters Stripe defines, and the name of the definition.
const ENDPOINTS: [(&str, &str, &str); 31] = [
    ("charges", "list", "CartChargeListParams"),
    ("coupons", "create", "CartCouponCreateParams"),
    ("coupons", "list", "CartCouponListParams"),
    ("disputes", "close", "CartDisputeCloseParams"),
    ("disputes", "list", "CartDisputeListParams"),
    ("disputes", "update", "CartDisputeUpdateParams"),
    ("events", "list", "CartEventListParams"),
    ("invoice_payments", "list", "CartInvoicePaymentListParams"),
    ("payment_intents", "cancel", "CartPaymentIntentCancelParams"),
    ("payment_intents", "capture", "CartPaymentIntentCaptureParams"),
    ("payment_intents", "list", "CartPaymentIntentListParams"),
    ("prices", "create", "CartPriceCreateParams"),
    ("prices", "list", "CartPriceListParams"),
    ("prices", "update", "CartPriceUpdateParams"),
    ("products", "create", "CartProductCreateParams"),
    ("products", "list", "CartProductListParams"),
    ("products", "update", "CartProductUpdateParams"),
    ("promotion_codes", "create", "CartPromotionCodeCreateParams"),
    ("promotion_codes", "list", "CartPromotionCodeListParams"),
    ("promotion_codes", "update", "CartPromotionCodeUpdateParams"),
    ("refunds", "create", "CartRefundCreateParams"),
    ("refunds", "list", "CartRefundListParams"),
    ("refunds", "update", "CartRefundUpdateParams"),
    ("sessions", "create", "CartSessionCreateParams"),
    ("sessions", "expire", "CartSessionExpireParams"),
    ("sessions", "line_items", "CartSessionListLineItemsParams"),
    ("sessions", "list", "CartSessionListParams"),
    ("sessions", "update", "CartSessionUpdateParams"),
    ("shipping_rates", "list", "CartShippingRateListParams"),
    ("tax_rates", "list", "CartTaxRateListParams"),
    ("webhook_endpoints", "list", "CartWebhookEndpointListParams"),
];

/// The name of the definition of each template.
const TEMPLATES: [(&str, &str); 24] = [
    ("charge", "CartCharge"),
    ("coupon", "CartCoupon"),
    ("customer", "CartCustomer"),
    ("discount", "Discount"),
    ("dispute", "CartDispute"),
    ("event", "CartEventBase"),
    ("invoice", "CartInvoice"),
    ("invoice_line", "InvoiceLineItem"),
    ("invoice_payment", "CartInvoicePayment"),
    ("line_item", "CartLineItem"),
    ("payment_intent", "CartPaymentIntent"),
    ("payment_method_details.card", "Charge.PaymentMethodDetails"),
    ("payment_method_details.sepa_debit", "Charge.PaymentMethodDetails"),
    ("plan", "Plan"),
    ("price", "CartPrice"),
    ("product", "CartProduct"),
    ("promotion_code", "CartPromotionCode"),
    ("refund", "CartRefund"),
    ("session", "CartSession"),
    ("shipping_rate", "CartShippingRate"),
    ("subscription", "CartSubscription"),
    ("subscription_item", "SubscriptionItem"),
    ("tax_rate", "CartTaxRate"),
    ("webhook_endpoint", "CartWebhookEndpoint"),
];

/// The files of a folder under `data`, by their name without `.json`.
fn files(folder: &str) -> BTreeMap<String, Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(folder);
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
    };
    fs::read_dir(path).unwrap().map(|entry| read(entry.unwrap().path())).collect()
}

#[test]
fn every_template_conforms() {
    let mut templates = files("objects");
    for part in ["plan", "price"] {
        let whole = templates[part].clone();
        templates.get_mut("subscription_item").unwrap()[part] = whole;
    }
    assert!(templates.keys().eq(TEMPLATES.iter().map(|(name, _)| name)), "{:?}", templates.keys());

    for (name, definition) in TEMPLATES {
        assert_eq!(problems_of(&templates[name], definition), [""; 0], "{name}");
    }
}

/// What a shape of ours differs in from Stripe's definition.
struct Comparison<'a> {
    shared: &'a Value,
    differences: Vec<String>,
}

impl Comparison<'_> {
    fn differ(&mut self, param: &str, text: &str) {
        self.differences.push(format!("{param}: {text}"));
    }

    fn fields(&mut self, fields: &Map<String, Value>, stripes: &[&Value], path: &str) {
        for (name, shape) in fields {
            let param = if path.is_empty() { name.clone() } else { format!("{path}[{name}]") };
            match stripes.iter().find_map(|schema| schema["properties"].get(name)) {
                Some(schema) => self.shape(shape, &alternatives(schema), &param),
                None => self.differ(&param, "Stripe has no such parameter"),
            }
        }
        for name in stripes.iter().filter_map(|schema| schema["required"].as_array()).flatten() {
            let own = fields.get(name.as_str().unwrap());
            if own.is_none_or(|shape| shape.get("required").is_none()) {
                self.differ(path, &format!("Stripe requires {name}"));
            }
        }
    }

    fn shape(&mut self, shape: &Value, stripes: &[&Value], param: &str) {
        if let Some(word) = shape.as_str() {
            return self.word(word, stripes, param);
        }
        if shape.get("without_effect").is_some() || shape.get("not_played").is_some() || shape.get("partly").is_some() {
            return self.less_than_stripes(shape, stripes, param);
        }
        let (kind, inner) = shape.as_object().unwrap().iter().next().unwrap();
        let below =
            |key: &str| stripes.iter().filter_map(|schema| schema.get(key)).flat_map(alternatives).collect::<Vec<_>>();
        match kind.as_str() {
            "required" | "emptyable" => self.shape(inner, stripes, param),
            "shared" => self.shape(&self.shared[inner.as_str().unwrap()].clone(), stripes, param),
            "object" => self.fields(inner.as_object().unwrap(), stripes, param),
            "list" => self.shape(inner, &below("items"), &format!("{param}[0]")),
            "map" => self.shape(inner, &below("additionalProperties"), &format!("{param}[*]")),
            "choice" => self.choice(inner, stripes, param),
            unknown => self.differ(param, &format!("no kind {unknown}")),
        }
    }

    /// A parameter that the sandbox does not play, or plays in part: it says why.
    fn less_than_stripes(&mut self, shape: &Value, stripes: &[&Value], param: &str) {
        let why = [&shape["without_effect"][0], &shape["not_played"], &shape["partly"]["why"]];
        if why.into_iter().find_map(Value::as_str).is_none_or(str::is_empty) {
            self.differ(param, "no reason is given");
        }
        if let Some(inner) = shape["without_effect"].get(1) {
            self.shape(inner, stripes, param);
        }
        for words in ["played", "not_played"].iter().filter_map(|name| shape["partly"].get(name)) {
            self.choice(words, stripes, param);
        }
    }

    fn word(&mut self, kind: &str, stripes: &[&Value], param: &str) {
        let types: &[&str] = match kind {
            "text" => &["string"],
            "boolean" => &["boolean"],
            "integer" => &["number"],
            "decimal" => &["number", "string"],
            "metadata" => &["object"],
            "tier_end" | "range" => &["number", "object", "string"],
            unknown => return self.differ(param, &format!("no kind {unknown}")),
        };
        if !stripes.iter().any(|schema| types.iter().any(|kind| is_of_type(schema, kind))) {
            self.differ(param, &format!("Stripe has no {kind} here"));
        }
    }

    fn choice(&mut self, words: &Value, stripes: &[&Value], param: &str) {
        let theirs = |schema: &&Value| {
            let one = schema.get("const").cloned().into_iter();
            one.chain(schema["enum"].as_array().cloned().unwrap_or_default()).collect::<Vec<_>>()
        };
        let theirs: Vec<Value> = stripes.iter().flat_map(theirs).collect();
        for word in words.as_array().unwrap() {
            if !theirs.contains(word) {
                self.differ(param, &format!("Stripe has no word {word}"));
            }
        }
    }
}

fn is_of_type(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::Array(types) => types.iter().any(|own| own == kind),
        own => own == kind,
    }
}

/// The schemas that a value may follow: references and unions are resolved.
fn alternatives(schema: &Value) -> Vec<&Value> {
    if let Some(reference) = schema["$ref"].as_str() {
        return alternatives(&DEFINITIONS[reference.trim_start_matches("#/definitions/")]);
    }
    match schema["anyOf"].as_array() {
        Some(schemas) => schemas.iter().flat_map(alternatives).collect(),
        None => vec![schema],
    }
}

#[test]
fn every_parameter_is_one_of_stripes() {
    let files = files("parameters");
    let mut comparison = Comparison { shared: &files["shared"], differences: Vec::new() };

    for (file, endpoint, definition) in ENDPOINTS {
        let fields = files[file][endpoint].as_object().unwrap();
        let stripes = alternatives(&DEFINITIONS[definition]);
        let before = comparison.differences.len();
        comparison.fields(fields, &stripes, "");
        for difference in &mut comparison.differences[before..] {
            difference.insert_str(0, &format!("{file} {endpoint}: "));
        }
    }

    assert_eq!(comparison.differences, [""; 0]);
    let all = files.iter().filter(|(name, _)| !["common", "shared"].contains(&name.as_str()));
    let count: usize = all.map(|(_, endpoints)| endpoints.as_object().unwrap().len()).sum();
    assert_eq!(count, ENDPOINTS.len(), "every endpoint is compared");
}

#[test]
fn every_test_that_the_readme_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let rows = readme.lines().filter(|line| line.starts_with('|'));
    let named = rows.flat_map(|row| row.split('`')).filter_map(|text| text.split_once("::"));
    let is_name =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let tests: Vec<(&str, &str)> = named.filter(|(module, name)| is_name(module) && is_name(name)).collect();
    assert!(tests.len() > 20, "{tests:?}");

    for (module, name) in tests {
        let source = fs::read_to_string(root.join(format!("tests/http/{module}.rs"))).unwrap();
        assert!(source.contains(&format!("fn {name}()")), "{module}::{name}");
    }
}
