//! The catalogue's objects, complete as Stripe's API shows them, out of what a file or a request says.

use serde_json::{Map, Value, json};

use crate::money::decimal::Decimal;
use crate::protocol::ids;

/// What is wrong with an object, and where in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) field: String,
    pub(crate) text: String,
}

type Object = Map<String, Value>;
type Read<T> = Result<T, Problem>;

fn problem<T>(field: &str, text: impl Into<String>) -> Read<T> {
    Err(Problem { field: field.to_owned(), text: text.into() })
}

/// Reads typed values out of an object; `null` counts as absent.
struct Reader<'a> {
    object: &'a Object,
    path: String,
}

impl<'a> Reader<'a> {
    fn new(object: &'a Object) -> Self {
        Self { object, path: String::new() }
    }

    fn field(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    fn wrong<T>(&self, name: &str, expected: &str, found: &Value) -> Read<T> {
        problem(&self.field(name), format!("expected {expected}, found {found}"))
    }

    fn text(&self, name: &str) -> Read<Option<&'a str>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => self.wrong(name, "a string", other),
        }
    }

    fn required(&self, name: &str) -> Read<&'a str> {
        match self.text(name)? {
            Some("") | None => problem(&self.field(name), "is missing"),
            Some(text) => Ok(text),
        }
    }

    fn word(&self, name: &str, words: &[&str]) -> Read<Option<&'a str>> {
        match self.text(name)? {
            Some(text) if !words.contains(&text) => {
                problem(&self.field(name), format!("must be one of {}", words.join(", ")))
            }
            found => Ok(found),
        }
    }

    fn boolean(&self, name: &str) -> Read<Option<bool>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(truth)) => Ok(Some(*truth)),
            Some(other) => self.wrong(name, "true or false", other),
        }
    }

    fn integer(&self, name: &str) -> Read<Option<i64>> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match value.as_i64() {
                Some(number) if number >= 0 => Ok(Some(number)),
                _ => self.wrong(name, "an integer that is not negative", value),
            },
        }
    }

    /// A decimal number, which Stripe writes as a string.
    fn decimal(&self, name: &str) -> Read<Option<Decimal>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match text.parse::<Decimal>() {
            Ok(decimal) if decimal >= Decimal::default() => Ok(Some(decimal)),
            _ => self.wrong(name, "a decimal number with up to 12 decimals", value),
        }
    }

    fn number(&self, name: &str) -> Read<Option<&'a Value>> {
        match self.get(name) {
            Some(value) if !value.is_number() => self.wrong(name, "a number", value),
            found => Ok(found),
        }
    }

    fn list(&self, name: &str) -> Read<Option<&'a Vec<Value>>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(other) => self.wrong(name, "a list", other),
        }
    }

    fn within(&self, name: &str) -> Read<Option<Reader<'a>>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(Reader { object, path: self.field(name) })),
            Some(other) => self.wrong(name, "an object", other),
        }
    }

    /// An id, or the id of the object in its place.
    fn reference(&self, name: &str) -> Read<Option<&'a str>> {
        match self.get(name) {
            Some(Value::Object(object)) => match object.get("id").and_then(Value::as_str) {
                Some(id) => Ok(Some(id)),
                None => problem(&self.field(name), "has no id"),
            },
            _ => self.text(name),
        }
    }

    fn currency(&self, name: &str) -> Read<Option<String>> {
        match self.text(name)? {
            None => Ok(None),
            Some(text) if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                Ok(Some(text.to_ascii_lowercase()))
            }
            Some(text) => problem(&self.field(name), format!("'{text}' is not a three-letter currency code")),
        }
    }

    fn metadata(&self) -> Read<Value> {
        let Some(reader) = self.within("metadata")? else { return Ok(json!({})) };
        match reader.object.iter().find(|(_, value)| !value.is_string()) {
            Some((key, value)) => reader.wrong(key, "a string", value),
            None => Ok(Value::Object(reader.object.clone())),
        }
    }

    fn texts(&self, name: &str) -> Read<Value> {
        let items = self.list(name)?.cloned().unwrap_or_default();
        match items.iter().find(|item| !item.is_string()) {
            Some(item) => self.wrong(name, "a list of strings", item),
            None => Ok(Value::Array(items)),
        }
    }

    fn id(&self, prefix: &str) -> Read<String> {
        Ok(self.text("id")?.filter(|id| !id.is_empty()).map_or_else(|| ids::object(prefix), str::to_owned))
    }

    /// What every object of the catalogue has.
    fn common(&self, object: &str, now: i64) -> Read<Value> {
        Ok(json!({
            "object": object,
            "created": self.integer("created")?.unwrap_or(now),
            "livemode": self.boolean("livemode")?.unwrap_or(false),
            "metadata": self.metadata()?,
        }))
    }
}

fn with(mut common: Value, rest: Value) -> Value {
    if let (Value::Object(common), Value::Object(rest)) = (&mut common, rest) {
        common.extend(rest);
    }
    common
}

/// A product, as <https://docs.stripe.com/api/products/object> describes it.
pub(crate) fn product(object: &Object, now: i64) -> Read<Value> {
    let reader = Reader::new(object);
    let common = reader.common("product", now)?;
    let created = common["created"].clone();
    let tax_code = reader.reference("tax_code")?;
    let dimensions = match reader.within("package_dimensions")? {
        None => Value::Null,
        Some(dimensions) => {
            let side = |name| Ok(dimensions.number(name)?.cloned().unwrap_or(json!(0)));
            json!({ "height": side("height")?, "length": side("length")?, "weight": side("weight")?, "width": side("width")? })
        }
    };
    Ok(with(
        common,
        json!({
            "id": reader.id("prod")?,
            "active": reader.boolean("active")?.unwrap_or(true),
            "default_price": reader.reference("default_price")?,
            "description": reader.text("description")?,
            "images": reader.texts("images")?,
            "marketing_features": reader.list("marketing_features")?.cloned().unwrap_or_default(),
            "name": reader.required("name")?,
            "package_dimensions": dimensions,
            "shippable": reader.boolean("shippable")?,
            "statement_descriptor": reader.text("statement_descriptor")?,
            "tax_code": tax_code,
            "tax_details": tax_code.map(|code| json!({ "performance_location": null, "tax_code": code })),
            "type": reader.word("type", &["good", "service"])?.unwrap_or("service"),
            "unit_label": reader.text("unit_label")?,
            "updated": reader.integer("updated")?.map_or(created, Value::from),
            "url": reader.text("url")?,
        }),
    ))
}

/// A price, as <https://docs.stripe.com/api/prices/object> describes it, with its tiers and currency options.
pub(crate) fn price(object: &Object, now: i64) -> Read<Value> {
    let reader = Reader::new(object);
    let tiers_mode = reader.word("tiers_mode", &["graduated", "volume"])?;
    let scheme = reader.word("billing_scheme", &["per_unit", "tiered"])?;
    let scheme = scheme.unwrap_or(if reader.get("tiers").is_some() { "tiered" } else { "per_unit" });
    if scheme == "tiered" && tiers_mode.is_none() {
        return problem("tiers_mode", "is missing: tiered prices are graduated or volume");
    }
    let currency = reader.required("currency").and(reader.currency("currency"))?.unwrap_or_default();
    let recurring = recurring(&reader)?;
    let kind = reader.word("type", &["one_time", "recurring"])?;
    if kind.is_some_and(|kind| (kind == "recurring") == recurring.is_null()) {
        return problem("type", "does not agree with recurring");
    }
    let own = amounts(&reader, scheme)?;
    let mut options = Object::new();
    if let Some(given) = reader.within("currency_options")? {
        for code in given.object.keys() {
            let Some(option) = given.within(code)? else { continue };
            options.insert(code.to_ascii_lowercase(), amounts(&option, scheme)?);
        }
    }
    options.insert(currency.clone(), own.clone());
    let price = with(
        reader.common("price", now)?,
        json!({
            "id": reader.id("price")?,
            "active": reader.boolean("active")?.unwrap_or(true),
            "billing_scheme": scheme,
            "currency": currency,
            "currency_options": options,
            "lookup_key": reader.text("lookup_key")?,
            "nickname": reader.text("nickname")?,
            "product": match reader.reference("product")? {
                Some(product) => product,
                None => return problem("product", "is missing"),
            },
            "type": if recurring.is_null() { "one_time" } else { "recurring" },
            "recurring": recurring,
            "tiers_mode": tiers_mode.filter(|_| scheme == "tiered"),
            "transform_quantity": packages(&reader)?,
        }),
    );
    Ok(with(price, own))
}

/// The amounts of a price in one currency.
fn amounts(reader: &Reader<'_>, scheme: &str) -> Read<Value> {
    let tax_behavior = reader.word("tax_behavior", &["exclusive", "inclusive", "unspecified"])?;
    let custom = match reader.within("custom_unit_amount")? {
        None => Value::Null,
        Some(custom) => json!({
            "maximum": custom.integer("maximum")?,
            "minimum": custom.integer("minimum")?,
            "preset": custom.integer("preset")?,
        }),
    };
    let mut amounts = json!({
        "custom_unit_amount": custom,
        "tax_behavior": tax_behavior.unwrap_or("unspecified"),
        "unit_amount": null,
        "unit_amount_decimal": null,
    });
    if scheme == "tiered" {
        amounts["tiers"] = tiers(reader)?;
    } else if custom.is_null() {
        let Some((whole, decimal)) = either(reader, "unit_amount", "unit_amount_decimal")? else {
            return problem(&reader.field("unit_amount"), "is missing");
        };
        amounts["unit_amount"] = json!(whole);
        amounts["unit_amount_decimal"] = json!(decimal);
    }
    Ok(amounts)
}

/// An amount given as an integer, as a decimal, or as both; Stripe shows both where the decimal is whole.
fn either(reader: &Reader<'_>, integer: &str, decimal: &str) -> Read<Option<(Option<i64>, String)>> {
    let precise = reader.decimal(decimal)?;
    let whole = reader.integer(integer)?;
    let amount = match (precise, whole) {
        (Some(precise), Some(whole)) if precise != Decimal::whole(whole) => {
            return problem(&reader.field(decimal), format!("does not agree with {integer}"));
        }
        (Some(precise), _) => precise,
        (None, Some(whole)) => Decimal::whole(whole),
        (None, None) => return Ok(None),
    };
    Ok(Some((amount.exact(), amount.to_string())))
}

fn tiers(reader: &Reader<'_>) -> Read<Value> {
    let given = reader.list("tiers")?.map_or(&[][..], Vec::as_slice);
    let mut tiers = Vec::new();
    let mut below = 0;
    for (index, tier) in given.iter().enumerate() {
        let path = format!("{}[{index}]", reader.field("tiers"));
        let Value::Object(object) = tier else { return problem(&path, "expected an object") };
        let tier = Reader { object, path };
        let up_to = if tier.get("up_to").is_some_and(|up_to| up_to == "inf") { None } else { tier.integer("up_to")? };
        let last = index + 1 == given.len();
        match up_to {
            None if !last => return problem(&tier.field("up_to"), "only the last tier has no end"),
            Some(_) if last => {
                return problem(&tier.field("up_to"), "the last tier has no end: null or inf");
            }
            Some(up_to) if up_to <= below => {
                return problem(&tier.field("up_to"), "must rise from tier to tier");
            }
            Some(up_to) => below = up_to,
            None => {}
        }
        let unit = either(&tier, "unit_amount", "unit_amount_decimal")?;
        let flat = either(&tier, "flat_amount", "flat_amount_decimal")?;
        if unit.is_none() && flat.is_none() {
            return problem(&tier.field("unit_amount"), "is missing, and so is flat_amount");
        }
        tiers.push(json!({
            "flat_amount": flat.as_ref().and_then(|(whole, _)| *whole),
            "flat_amount_decimal": flat.map(|(_, decimal)| decimal),
            "unit_amount": unit.as_ref().and_then(|(whole, _)| *whole),
            "unit_amount_decimal": unit.map(|(_, decimal)| decimal),
            "up_to": up_to,
        }));
    }
    if tiers.is_empty() {
        return problem(&reader.field("tiers"), "is missing: tiered prices have tiers");
    }
    Ok(Value::Array(tiers))
}

fn recurring(reader: &Reader<'_>) -> Read<Value> {
    let Some(recurring) = reader.within("recurring")? else { return Ok(Value::Null) };
    let Some(interval) = recurring.word("interval", &["day", "week", "month", "year"])? else {
        return problem(&recurring.field("interval"), "is missing");
    };
    Ok(json!({
        "interval": interval,
        "interval_count": recurring.integer("interval_count")?.unwrap_or(1),
        "meter": recurring.text("meter")?,
        "trial_period_days": recurring.integer("trial_period_days")?,
        "usage_type": recurring.word("usage_type", &["licensed", "metered"])?.unwrap_or("licensed"),
    }))
}

fn packages(reader: &Reader<'_>) -> Read<Value> {
    let Some(packages) = reader.within("transform_quantity")? else { return Ok(Value::Null) };
    let Some(size @ 1..) = packages.integer("divide_by")? else {
        return problem(&packages.field("divide_by"), "must be at least 1");
    };
    let Some(round) = packages.word("round", &["up", "down"])? else {
        return problem(&packages.field("round"), "is missing");
    };
    Ok(json!({ "divide_by": size, "round": round }))
}

/// A coupon, as <https://docs.stripe.com/api/coupons/object> describes it.
pub(crate) fn coupon(object: &Object, now: i64) -> Read<Value> {
    let reader = Reader::new(object);
    let percent = reader.number("percent_off")?;
    let amount = reader.integer("amount_off")?;
    if percent.is_some() == amount.is_some() {
        return problem("percent_off", "a coupon has either percent_off or amount_off");
    }
    if percent.is_some_and(|percent| !percent.as_f64().is_some_and(|percent| percent > 0.0 && percent <= 100.0)) {
        return problem("percent_off", "must be greater than 0 and at most 100");
    }
    let currency = reader.currency("currency")?;
    if amount.is_some() && currency.is_none() {
        return problem("currency", "is missing: amount_off needs it");
    }
    let mut coupon = with(
        reader.common("coupon", now)?,
        json!({
            "id": reader.text("id")?.map_or_else(|| ids::new("", 8), str::to_owned),
            "amount_off": amount,
            "currency": currency,
            "currency_options": reader.within("currency_options")?.map_or(json!({}), |options| json!(options.object)),
            "duration": reader.word("duration", &["forever", "once", "repeating"])?.unwrap_or("once"),
            "duration_in_months": reader.integer("duration_in_months")?,
            "max_redemptions": reader.integer("max_redemptions")?,
            "name": reader.text("name")?,
            "percent_off": percent,
            "redeem_by": reader.integer("redeem_by")?,
            "times_redeemed": reader.integer("times_redeemed")?.unwrap_or(0),
            "valid": reader.boolean("valid")?.unwrap_or(true),
        }),
    );
    if let Some(applies) = reader.within("applies_to")? {
        coupon["applies_to"] = json!({ "products": applies.texts("products")? });
    }
    Ok(coupon)
}

/// The id of the coupon behind a promotion code; older versions of Stripe's API have it at the top.
pub(crate) fn promoted_coupon(object: &Object) -> Read<String> {
    let reader = Reader::new(object);
    let nested = reader.within("promotion")?.map(|promotion| promotion.reference("coupon")).transpose()?.flatten();
    match nested.or(reader.reference("coupon")?) {
        Some(coupon) => Ok(coupon.to_owned()),
        None => problem("promotion.coupon", "is missing"),
    }
}

/// A promotion code, as <https://docs.stripe.com/api/promotion_codes/object> describes it.
pub(crate) fn promotion_code(object: &Object, now: i64) -> Read<Value> {
    let reader = Reader::new(object);
    let nothing = Object::new();
    let restrictions =
        reader.within("restrictions")?.unwrap_or(Reader { object: &nothing, path: "restrictions".to_owned() });
    let options = restrictions.within("currency_options")?;
    Ok(with(
        reader.common("promotion_code", now)?,
        json!({
            "id": reader.id("promo")?,
            "active": reader.boolean("active")?.unwrap_or(true),
            "code": reader.text("code")?.map_or_else(|| ids::new("", 8).to_uppercase(), str::to_owned),
            "customer": reader.reference("customer")?,
            "customer_account": null,
            "expires_at": reader.integer("expires_at")?,
            "max_redemptions": reader.integer("max_redemptions")?,
            "promotion": { "coupon": promoted_coupon(object)?, "type": "coupon" },
            "restrictions": {
                "currency_options": options.map_or(json!({}), |options| json!(options.object)),
                "first_time_transaction": restrictions.boolean("first_time_transaction")?.unwrap_or(false),
                "minimum_amount": restrictions.integer("minimum_amount")?,
                "minimum_amount_currency": restrictions.currency("minimum_amount_currency")?,
            },
            "times_redeemed": reader.integer("times_redeemed")?.unwrap_or(0),
        }),
    ))
}

/// A shipping rate, as <https://docs.stripe.com/api/shipping_rates/object> describes it.
pub(crate) fn shipping_rate(object: &Object, now: i64) -> Read<Value> {
    let reader = Reader::new(object);
    let Some(amount) = reader.within("fixed_amount")? else {
        return problem("fixed_amount", "is missing");
    };
    let Some(minor) = amount.integer("amount")? else {
        return problem("fixed_amount.amount", "is missing");
    };
    let Some(currency) = amount.currency("currency")? else {
        return problem("fixed_amount.currency", "is missing");
    };
    let behavior = reader.word("tax_behavior", &["exclusive", "inclusive", "unspecified"])?.unwrap_or("unspecified");
    let mut options = Object::new();
    if let Some(given) = amount.within("currency_options")? {
        for code in given.object.keys() {
            let Some(option) = given.within(code)? else { continue };
            let Some(minor) = option.integer("amount")? else {
                return problem(&option.field("amount"), "is missing");
            };
            let own = option.word("tax_behavior", &["exclusive", "inclusive", "unspecified"])?;
            let entry = json!({ "amount": minor, "tax_behavior": own.unwrap_or("unspecified") });
            options.insert(code.to_ascii_lowercase(), entry);
        }
    }
    options.insert(currency.clone(), json!({ "amount": minor, "tax_behavior": behavior }));
    Ok(with(
        reader.common("shipping_rate", now)?,
        json!({
            "id": reader.id("shr")?,
            "active": reader.boolean("active")?.unwrap_or(true),
            "delivery_estimate": estimate(&reader)?,
            "display_name": reader.required("display_name")?,
            "fixed_amount": { "amount": minor, "currency": currency, "currency_options": options },
            "tax_behavior": behavior,
            "tax_code": reader.reference("tax_code")?,
            "type": "fixed_amount",
        }),
    ))
}

fn estimate(reader: &Reader<'_>) -> Read<Value> {
    let Some(estimate) = reader.within("delivery_estimate")? else { return Ok(Value::Null) };
    let bound = |name: &str| -> Read<Value> {
        let Some(bound) = estimate.within(name)? else { return Ok(Value::Null) };
        let Some(unit) = bound.word("unit", &["business_day", "day", "hour", "month", "week"])? else {
            return problem(&bound.field("unit"), "is missing");
        };
        Ok(json!({ "unit": unit, "value": bound.integer("value")?.unwrap_or(1) }))
    };
    Ok(json!({ "maximum": bound("maximum")?, "minimum": bound("minimum")? }))
}

/// A tax rate, as <https://docs.stripe.com/api/tax_rates/object> describes it.
pub(crate) fn tax_rate(object: &Object, now: i64) -> Read<Value> {
    let reader = Reader::new(object);
    let Some(percentage) = reader.number("percentage")? else {
        return problem("percentage", "is missing");
    };
    Ok(with(
        reader.common("tax_rate", now)?,
        json!({
            "id": reader.id("txr")?,
            "active": reader.boolean("active")?.unwrap_or(true),
            "country": reader.text("country")?,
            "description": reader.text("description")?,
            "display_name": reader.required("display_name")?,
            "effective_percentage": percentage,
            "flat_amount": null,
            "inclusive": reader.boolean("inclusive")?.unwrap_or(false),
            "jurisdiction": reader.text("jurisdiction")?,
            "jurisdiction_level": reader.text("jurisdiction_level")?,
            "percentage": percentage,
            "rate_type": "percentage",
            "state": reader.text("state")?,
            "tax_type": reader.text("tax_type")?,
        }),
    ))
}
