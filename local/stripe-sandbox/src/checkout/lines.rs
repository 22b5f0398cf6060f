//! What a new session sells.

use serde_json::{Value, json};

use super::currency::Priced;
use crate::catalog::prices;
use crate::money::pricing::Pricing;
use crate::protocol::refusal::Refusal;
use crate::protocol::{ids, json_text, metadata};
use crate::session::{Adjustable, Line, LineAmounts, Mode};
use crate::state::State;

const MOST_LINES: usize = 100;
const MOST_OPTIONAL: usize = 10;
/// The most recurring and the most one-time lines in subscription mode.
const MOST_OF_A_KIND: usize = 20;
const MOST_QUANTITY: i64 = 999_999;

/// What a new session sells.
pub(super) struct Sold {
    pub(super) lines: Vec<Line>,
    /// What the shopper may add.
    pub(super) optional: Vec<Line>,
    /// The currency that all of them have in common.
    pub(super) currency: String,
}

/// Reads what a new session sells, shipped at one of `rates` and less what `coupon` takes off.
pub(super) fn sold(
    state: &mut State,
    params: &Value,
    mode: Mode,
    rates: &[Value],
    coupon: Option<&Value>,
) -> Result<Sold, Refusal> {
    let items = list(params, "line_items");
    if items.is_empty() {
        return Err(Refusal::MissingParam { param: "line_items".to_owned() });
    }
    let optional_items = list(params, "optional_items");
    if optional_items.len() > MOST_OPTIONAL {
        return Err(Refusal::too_many("optional_items", MOST_OPTIONAL, "optional items"));
    }
    let mut prices = Vec::new();
    for (name, items) in [("line_items", items), ("optional_items", optional_items)] {
        for (index, item) in items.iter().enumerate() {
            let param = format!("{name}[{index}]");
            let price = price(state, item, &param)?;
            prices.push((param, price));
        }
    }
    let amounts = Priced { prices: &prices, rates, coupon };
    let customer = params["customer"].as_str().and_then(|id| state.customers.get(id));
    let currency = amounts.currency(params, customer.and_then(|customer| customer["email"].as_str()))?;

    let mut lines = Vec::new();
    let mut interval = Value::Null;
    for (item, (param, price)) in items.iter().chain(optional_items).zip(&prices) {
        check_recurring(price, mode, &mut interval)?;
        if lines.len() < items.len() {
            check_once(price, &lines)?;
        }
        lines.push(line(state, item, price, &currency, param)?);
    }
    let optional = lines.split_off(items.len());
    amounts.check_own_currency()?;
    if mode == Mode::Subscription && !lines.iter().any(|line| line.recurring) {
        let message = "You must provide at least one recurring price in `subscription` mode when using prices.";
        return Err(Refusal::invalid("line_items", message));
    }
    check_custom_amount(params, &lines, &optional)?;
    check_count(&lines, mode, "line_items")?;
    check_count(lines.iter().chain(&optional), mode, "optional_items")?;
    Ok(Sold { lines, optional, currency })
}

fn list<'a>(params: &'a Value, name: &str) -> &'a [Value] {
    params[name].as_array().map_or(&[][..], Vec::as_slice)
}

/// Refuses what cannot be beside a price whose amount the shopper chooses.
///
/// Source: <https://docs.stripe.com/payments/checkout/pay-what-you-want>; the words are what others met at the live API, all of
/// them without a parameter. Of optional items nobody tells.
fn check_custom_amount(params: &Value, lines: &[Line], optional: &[Line]) -> Result<(), Refusal> {
    let Some(line) = lines.iter().chain(optional).find(|line| line.pricing.is_custom()) else { return Ok(()) };
    let faults = [
        (
            lines.len() > 1,
            "You can only specify 1 line item when specifying a price with `custom_unit_amount` configured.",
        ),
        (
            !optional.is_empty(),
            "You cannot specify `optional_items` when using a price with `custom_unit_amount` configured.",
        ),
        (line.quantity != Some(1), "Quantity must be 1 when a price with `custom_unit_amount` is specified."),
        (
            line.adjustable.is_some_and(|adjustable| adjustable.enabled),
            "You cannot specify `adjustable_quantity` when also using a price with `custom_unit_amount`.",
        ),
        (
            params["allow_promotion_codes"] == true,
            "You cannot enable promotion codes when using a price with `custom_unit_amount` configured.",
        ),
        (
            !list(params, "discounts").is_empty(),
            "You cannot enable discounts when using a price with `custom_unit_amount` configured.",
        ),
    ];
    match faults.into_iter().find(|(is_fault, _)| *is_fault) {
        None => Ok(()),
        Some((_, message)) => Err(Refusal::Invalid { param: None, code: None, message: message.to_owned() }),
    }
}

/// Refuses what recurs where nothing may, or in another interval than the lines before.
fn check_recurring(price: &Value, mode: Mode, interval: &mut Value) -> Result<(), Refusal> {
    let recurring = &price["recurring"];
    if recurring.is_null() {
        return Ok(());
    }
    if mode == Mode::Payment {
        let message = "You specified `payment` mode but passed a recurring price. Either switch to `subscription` \
                       mode or use only one-time prices.";
        return Err(Refusal::invalid("mode", message));
    }
    let own = json!([recurring["interval"], recurring["interval_count"]]);
    if interval.is_null() {
        *interval = own;
    } else if *interval != own {
        let message = "Checkout does not support multiple prices with different billing intervals.";
        return Err(Refusal::invalid("line_items", message));
    }
    Ok(())
}

/// Refuses a recurring price that a line before has: a subscription has one item of it.
fn check_once(price: &Value, before: &[Line]) -> Result<(), Refusal> {
    let id = json_text(&price["id"]);
    if price["recurring"].is_null() || before.iter().all(|line| line.price != id) {
        return Ok(());
    }
    let message = format!("Cannot add multiple subscription items with the same plan: {id}");
    Err(Refusal::Invalid { param: None, code: None, message })
}

/// Refuses more lines than a session of this mode may have, optional ones included.
fn check_count<'a>(lines: impl IntoIterator<Item = &'a Line>, mode: Mode, param: &str) -> Result<(), Refusal> {
    let (recurring, once): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.recurring);
    let limits = match mode {
        Mode::Payment => vec![(once.len(), MOST_LINES, "line items")],
        Mode::Subscription => vec![
            (recurring.len(), MOST_OF_A_KIND, "recurring line items"),
            (once.len(), MOST_OF_A_KIND, "one-time line items"),
        ],
    };
    match limits.into_iter().find(|(count, most, _)| count > most) {
        Some((_, most, what)) => Err(Refusal::too_many(param, most, &format!("{what}, optional items included"))),
        None => Ok(()),
    }
}

/// The price of a line: one that exists and is for sale, or one made from `price_data`.
fn price(state: &mut State, item: &Value, param: &str) -> Result<Value, Refusal> {
    if !item["price_data"].is_null() {
        return prices::create_inline(state, &item["price_data"], &format!("{param}[price_data]"));
    }
    let param = format!("{param}[price]");
    let Some(id) = item["price"].as_str() else { return Err(Refusal::MissingParam { param }) };
    let price = state.prices.referred(id, &param)?.clone();
    if price["active"] != true {
        let message = "The price specified is inactive. This field only accepts active prices.";
        return Err(Refusal::invalid(param, message));
    }
    let product = state.products.get(json_text(&price["product"]));
    if product.is_none_or(|product| product["active"] != true) {
        let message = format!("Price `{id}` is not available to be purchased because its product is not active.");
        return Err(Refusal::invalid(param, message));
    }
    Ok(price)
}

fn line(state: &State, item: &Value, price: &Value, currency: &str, param: &str) -> Result<Line, Refusal> {
    let Some(pricing) = Pricing::of(price, currency) else {
        let message = format!(
            "The price specified only supports `{}`. This doesn't match the expected currency: `{currency}`.",
            json_text(&price["currency"])
        );
        return Err(Refusal::invalid(format!("{param}[price]"), message));
    };
    let metered = price["recurring"]["usage_type"] == "metered";
    let quantity = quantity(&item["quantity"], metered, &format!("{param}[quantity]"))?;
    let product = json_text(&price["product"]).to_owned();
    let description = state.products.get(&product).map_or("", |product| json_text(&product["name"])).to_owned();
    Ok(Line {
        id: ids::object("li"),
        price: json_text(&price["id"]).to_owned(),
        product,
        description,
        quantity,
        adjustable: adjustable(&item["adjustable_quantity"], quantity, &format!("{param}[adjustable_quantity]"))?,
        metadata: metadata::kept(&item["metadata"]),
        pricing,
        recurring: price["type"] == "recurring",
        chosen_unit: None,
        rates: tax_rates(state, &item["tax_rates"], &format!("{param}[tax_rates]"))?,
        amounts: LineAmounts::default(),
    })
}

fn quantity(given: &Value, metered: bool, param: &str) -> Result<Option<u64>, Refusal> {
    match given.as_i64() {
        None if metered => Ok(None),
        Some(_) if metered => {
            let message = format!("Quantity should not be specified where usage_type is `metered`. Remove {param}.");
            Err(Refusal::invalid(param, message))
        }
        None => Err(Refusal::invalid(param, format!("Quantity is required. Add `{param}`."))),
        Some(..1) => {
            Err(Refusal::coded("parameter_invalid_integer", param, "This value must be greater than or equal to 1."))
        }
        Some(number) if number > MOST_QUANTITY => Err(Refusal::coded(
            "parameter_invalid_integer",
            param,
            format!("This value must be less than or equal to {MOST_QUANTITY}."),
        )),
        Some(number) => Ok(u64::try_from(number).ok()),
    }
}

fn adjustable(given: &Value, quantity: Option<u64>, param: &str) -> Result<Option<Adjustable>, Refusal> {
    if given.is_null() {
        return Ok(None);
    }
    let minimum = given["minimum"].as_i64().unwrap_or(0);
    // A quantity beyond the default of 99 is allowed when the maximum says so.
    let maximum = given["maximum"].as_i64().unwrap_or(99);
    let out = |field: &str, text: String| Err(Refusal::invalid(format!("{param}[{field}]"), text));
    if minimum < 0 {
        return out("minimum", "This value must be greater than or equal to 0.".to_owned());
    }
    if !(1..=MOST_QUANTITY).contains(&maximum) {
        return out("maximum", format!("This value must be between 1 and {MOST_QUANTITY}."));
    }
    if maximum < minimum {
        return out("maximum", "The maximum quantity must not be less than the minimum quantity.".to_owned());
    }
    let (minimum, maximum) = (u64::try_from(minimum).unwrap_or(0), u64::try_from(maximum).unwrap_or(0));
    let enabled = given["enabled"] == true;
    if enabled && quantity.is_some_and(|quantity| !(minimum..=maximum).contains(&quantity)) {
        let text = format!("The quantity must lie between the minimum ({minimum}) and the maximum ({maximum}).");
        return out("maximum", text);
    }
    Ok(Some(Adjustable { enabled, minimum, maximum }))
}

/// The active tax rates of these ids.
pub(super) fn tax_rates(state: &State, ids: &Value, param: &str) -> Result<Vec<Value>, Refusal> {
    let ids = ids.as_array().map_or(&[][..], Vec::as_slice);
    let rate = |(index, id): (usize, &Value)| {
        let param = format!("{param}[{index}]");
        let rate = state.tax_rates.referred(json_text(id), &param)?;
        if rate["active"] == true {
            Ok(rate.clone())
        } else {
            Err(Refusal::invalid(param, "The tax rate specified is inactive."))
        }
    };
    ids.iter().enumerate().map(rate).collect()
}
