//! The price object: its amounts, tiers and currency options (<https://docs.stripe.com/api/prices/object>).

use serde_json::{Value, json};

use super::reader::{Kind, Object, Read, Reader, missing, problem, refused};
use crate::money::currency;
use crate::money::decimal::Decimal;
use crate::protocol::template::{Template, fill};

static TEMPLATE: Template = Template::new(include_str!("../../data/objects/price.json"));

/// A price, with its tiers and currency options.
pub(crate) fn price(given: &Object, now: i64) -> Read<Value> {
    let reader = Reader::new(given);
    let scheme = scheme(&reader)?;
    let currency = reader.required("currency").and(reader.currency("currency"))?.unwrap_or_default();
    let recurring = recurring(&reader)?;
    let kind = if recurring.is_null() { "one_time" } else { "recurring" };
    if reader.word("type", &["one_time", "recurring"])?.is_some_and(|given| given != kind) {
        return problem("type", "does not agree with recurring");
    }
    let Some(product) = reader.reference("product")? else { return missing("product") };
    let packages = packages(&reader)?;
    if scheme == "tiered" && !packages.is_null() {
        return refused("tiers", "You may only specify one of these parameters: tiers, transform_quantity.");
    }
    let own = amounts(&reader, scheme, &currency)?;
    let mut price = reader.start(&TEMPLATE, &reader.id("price")?, now)?;
    reader.take(&mut price, Kind::Boolean, &["active"])?;
    reader.take(&mut price, Kind::Text, &["lookup_key", "nickname"])?;
    if scheme == "tiered" {
        reader.take(&mut price, Kind::Text, &["tiers_mode"])?;
    }
    let values = json!({
        "billing_scheme": scheme,
        "currency": currency,
        "currency_options": options(&reader, scheme, (&currency, &own))?,
        "product": product,
        "recurring": recurring,
        "transform_quantity": packages,
        "type": kind,
    });
    fill(&mut price, values);
    fill(&mut price, own);
    Ok(price)
}

fn scheme(reader: &Reader<'_>) -> Read<&'static str> {
    let tiers_mode = reader.word("tiers_mode", &["graduated", "volume"])?;
    let tiered = match reader.word("billing_scheme", &["per_unit", "tiered"])? {
        Some(scheme) => scheme == "tiered",
        None => reader.get("tiers").is_some(),
    };
    if tiered && tiers_mode.is_none() {
        return problem("tiers_mode", "is missing: tiered prices are graduated or volume");
    }
    Ok(if tiered { "tiered" } else { "per_unit" })
}

/// The amounts in every currency, the price's `own` among them.
fn options(reader: &Reader<'_>, scheme: &str, (currency, own): (&str, &Value)) -> Read<Value> {
    let mut options = reader.currency_options(|option, currency| amounts(option, scheme, currency))?;
    options.insert(currency.to_owned(), own.clone());
    Ok(Value::Object(options))
}

/// The amounts of a price in one currency.
fn amounts(reader: &Reader<'_>, scheme: &str, currency: &str) -> Read<Value> {
    let tax_behavior = reader.word("tax_behavior", &["exclusive", "inclusive", "unspecified"])?;
    let custom = match reader.within("custom_unit_amount")? {
        None => Value::Null,
        Some(custom) => json!({
            "maximum": custom.amount("maximum", currency)?,
            "minimum": custom.amount("minimum", currency)?,
            "preset": custom.amount("preset", currency)?,
        }),
    };
    let mut amounts = json!({
        "custom_unit_amount": custom,
        "tax_behavior": tax_behavior.unwrap_or("unspecified"),
        "unit_amount": null,
        "unit_amount_decimal": null,
    });
    if scheme == "tiered" {
        amounts["tiers"] = tiers(reader, currency)?;
    } else if custom.is_null() {
        let Some((whole, decimal)) = either(reader, ["unit_amount", "unit_amount_decimal"], currency)? else {
            return missing(&reader.field("unit_amount"));
        };
        amounts["unit_amount"] = json!(whole);
        amounts["unit_amount_decimal"] = json!(decimal);
    }
    Ok(amounts)
}

/// An amount given as an integer, as a decimal, or as both; Stripe shows both where the decimal is whole.
fn either(reader: &Reader<'_>, [integer, decimal]: [&str; 2], currency: &str) -> Read<Option<(Option<i64>, String)>> {
    let precise = reader.decimal(decimal)?;
    let whole = reader.amount(integer, currency)?;
    let amount = match (precise, whole) {
        (Some(precise), Some(whole)) if precise != Decimal::whole(whole) => {
            return problem(&reader.field(decimal), format!("does not agree with {integer}"));
        }
        (Some(precise), _) => precise,
        (None, Some(whole)) => Decimal::whole(whole),
        (None, None) => return Ok(None),
    };
    match amount.exact().and_then(|whole| currency::wrong(whole, currency)) {
        Some(wrong) => problem(&reader.field(decimal), wrong),
        None => Ok(Some((amount.exact(), amount.to_string()))),
    }
}

fn tiers(reader: &Reader<'_>, currency: &str) -> Read<Value> {
    let given = reader.list("tiers")?.map_or(&[][..], Vec::as_slice);
    if given.is_empty() {
        return problem(&reader.field("tiers"), "is missing: tiered prices have tiers");
    }
    let mut tiers = Vec::new();
    let mut below = 0;
    for (index, tier) in given.iter().enumerate() {
        let path = format!("{}[{index}]", reader.field("tiers"));
        let Value::Object(object) = tier else { return problem(&path, "expected an object") };
        let tier = Reader { object, path };
        let up_to = tier_end(&tier, below, index + 1 == given.len())?;
        below = up_to.unwrap_or(below);
        let unit = either(&tier, ["unit_amount", "unit_amount_decimal"], currency)?;
        let flat = either(&tier, ["flat_amount", "flat_amount_decimal"], currency)?;
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
    Ok(Value::Array(tiers))
}

/// The end of a tier that begins above `below`; the last one has none.
fn tier_end(tier: &Reader<'_>, below: i64, is_last: bool) -> Read<Option<i64>> {
    let endless = tier.get("up_to").is_none_or(|up_to| up_to == "inf");
    let up_to = if endless { None } else { tier.integer("up_to")? };
    let wrong = match up_to {
        None if !is_last => "only the last tier has no end",
        Some(_) if is_last => "the last tier has no end: null or inf",
        Some(up_to) if up_to <= below => "must rise from tier to tier",
        Some(_) | None => return Ok(up_to),
    };
    problem(&tier.field("up_to"), wrong)
}

fn recurring(reader: &Reader<'_>) -> Read<Value> {
    let Some(recurring) = reader.within("recurring")? else { return Ok(Value::Null) };
    let Some(interval) = recurring.word("interval", &["day", "week", "month", "year"])? else {
        return missing(&recurring.field("interval"));
    };
    let meter = recurring.text("meter")?;
    let usage_type = recurring.word("usage_type", &["licensed", "metered"])?.unwrap_or("licensed");
    if usage_type == "metered" && meter.is_none() {
        let words = "Starting with Stripe version `2025-03-31.basil`, metered prices must be backed by meters.";
        return refused(&recurring.field("usage_type"), words);
    }
    Ok(json!({
        "interval": interval,
        "interval_count": interval_count(&recurring, interval)?,
        "meter": meter,
        "trial_period_days": recurring.integer("trial_period_days")?,
        "usage_type": usage_type,
    }))
}

/// "Maximum of three years interval allowed" (<https://docs.stripe.com/api/prices/create#create_price-recurring-interval_count>).
fn interval_count(recurring: &Reader<'_>, interval: &str) -> Read<i64> {
    let count = recurring.integer("interval_count")?.unwrap_or(1);
    let (most, adjective) = match interval {
        "day" => (1095, "daily"),
        "week" => (156, "weekly"),
        "month" => (36, "monthly"),
        _ => (3, "yearly"),
    };
    let field = recurring.field("interval_count");
    match count {
        ..1 => problem(&field, "must be at least 1"),
        count if count <= most => Ok(count),
        _ => refused(&field, format!("The interval_count for {adjective} prices can't be greater than {most}")),
    }
}

fn packages(reader: &Reader<'_>) -> Read<Value> {
    let Some(packages) = reader.within("transform_quantity")? else { return Ok(Value::Null) };
    let Some(size @ 1..) = packages.integer("divide_by")? else {
        return problem(&packages.field("divide_by"), "must be at least 1");
    };
    let Some(round) = packages.word("round", &["up", "down"])? else {
        return missing(&packages.field("round"));
    };
    Ok(json!({ "divide_by": size, "round": round }))
}
