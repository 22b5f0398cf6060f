//! Checkout Sessions: what is bought, what it costs and how far the purchase is.

mod complete;
mod create;
mod render;

use serde_json::{Map, Value, json};

pub(crate) use self::complete::{Answers, Outcome, Payment, expire, pay, settle};
pub(crate) use self::create::create;
use crate::money::currency;
use crate::money::discount::Off;
use crate::money::pricing::Pricing;
use crate::money::tax::{Rate, Taxes, taxes};
use crate::protocol::refusal::Refusal;
use crate::state::State;

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Payment,
    Subscription,
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Subscription => "subscription",
        }
    }
}

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Open,
    Complete,
    Expired,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Expired => "expired",
        }
    }
}

/// Whether the money is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PaymentStatus {
    Unpaid,
    Paid,
    NotRequired,
}

impl PaymentStatus {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unpaid => "unpaid",
            Self::Paid => "paid",
            Self::NotRequired => "no_payment_required",
        }
    }
}

/// The bounds within which a shopper may change a quantity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Adjustable {
    pub(crate) enabled: bool,
    pub(crate) minimum: u64,
    pub(crate) maximum: u64,
}

/// One line of a session.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) price: String,
    pub(crate) product: String,
    /// The product's name.
    pub(crate) description: String,
    /// `None` for metered prices, whose quantity is counted later.
    pub(crate) quantity: Option<u64>,
    pub(crate) adjustable: Option<Adjustable>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) pricing: Pricing,
    pub(crate) recurring: bool,
    /// What the shopper pays per unit, where the price lets them choose.
    pub(crate) chosen_unit: Option<i64>,
    /// Tax rates of this line.
    pub(crate) rates: Vec<Value>,
    pub(crate) amounts: LineAmounts,
}

/// What a line costs.
#[derive(Clone, Debug, Default)]
pub(crate) struct LineAmounts {
    pub(crate) subtotal: i64,
    pub(crate) discount: i64,
    pub(crate) taxes: Taxes,
    /// The tax rates that `taxes` counts, in its order.
    pub(crate) rates: Vec<Value>,
}

impl LineAmounts {
    pub(crate) fn tax(&self) -> i64 {
        self.taxes.amounts.iter().sum()
    }

    pub(crate) fn total(&self) -> i64 {
        self.subtotal - self.discount + self.taxes.added
    }
}

/// The discount of a session.
#[derive(Clone, Debug)]
pub(crate) struct Discount {
    pub(crate) id: String,
    pub(crate) coupon: Value,
    pub(crate) promotion_code: Option<Value>,
}

/// What a session comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) subtotal: i64,
    pub(crate) discount: i64,
    pub(crate) shipping: i64,
    pub(crate) tax: i64,
    pub(crate) total: i64,
}

/// A Checkout Session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) expires_at: i64,
    pub(crate) mode: Mode,
    pub(crate) status: Status,
    pub(crate) payment_status: PaymentStatus,
    pub(crate) currency: String,
    /// The parameters it was created with, checked.
    pub(crate) params: Value,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) lines: Vec<Line>,
    pub(crate) discount: Option<Discount>,
    /// The shipping rates to choose from, and the one that is chosen.
    pub(crate) shipping: Vec<Value>,
    pub(crate) chosen_shipping: usize,
    /// Tax rates that stand for Stripe Tax, known once the address is.
    pub(crate) automatic_rates: Vec<Value>,
    pub(crate) customer_details: Value,
    pub(crate) shipping_details: Value,
    pub(crate) customer: Option<String>,
    pub(crate) payment_intent: Option<String>,
    pub(crate) subscription: Option<String>,
    pub(crate) invoice: Option<String>,
    /// The page's address while the session is open.
    pub(crate) url: Option<String>,
    pub(crate) client_secret: Option<String>,
    pub(crate) recovery_url: Option<String>,
}

impl Session {
    pub(crate) fn is_open(&self) -> bool {
        self.status == Status::Open
    }

    pub(crate) fn is_recurring(&self) -> bool {
        self.mode == Mode::Subscription
    }

    /// Whether the first payment of what recurs comes later.
    pub(crate) fn has_trial(&self) -> bool {
        let data = &self.params["subscription_data"];
        data["trial_period_days"].as_i64().unwrap_or(0) > 0 || data["trial_end"].is_i64()
    }

    pub(crate) fn automatic_tax(&self) -> bool {
        self.params["automatic_tax"]["enabled"] == true
    }

    pub(crate) fn asks_for_shipping(&self) -> bool {
        self.params["shipping_address_collection"].is_object()
    }

    pub(crate) fn asks_for_billing(&self) -> bool {
        self.params["billing_address_collection"] == "required" || self.automatic_tax()
    }

    pub(crate) fn asks_for_phone(&self) -> bool {
        self.params["phone_number_collection"]["enabled"] == true
    }

    pub(crate) fn takes_promotion_codes(&self) -> bool {
        self.params["allow_promotion_codes"] == true
    }

    /// The shipping rate that is chosen, and its amount in the session's currency.
    pub(crate) fn shipping_choice(&self) -> Option<(&Value, i64)> {
        let rate = self.shipping.get(self.chosen_shipping)?;
        Some((rate, shipping_amount(rate, &self.currency).unwrap_or(0)))
    }

    /// Computes every line's amounts anew.
    pub(crate) fn reprice(&mut self) {
        let trial = self.has_trial();
        for line in &mut self.lines {
            let later = line.recurring && trial;
            let quantity = line.quantity.filter(|_| !later).unwrap_or(0);
            line.amounts.subtotal = line.pricing.amount_at(quantity, line.chosen_unit);
        }
        let discounts = self.spread_discount();
        let fallback = if self.automatic_tax() { self.automatic_rates.clone() } else { self.default_rates() };
        for (line, discount) in self.lines.iter_mut().zip(discounts) {
            let rates = if line.rates.is_empty() { fallback.clone() } else { line.rates.clone() };
            let percentages: Vec<Rate> = rates.iter().map(Rate::of).collect();
            line.amounts.discount = discount;
            line.amounts.taxes = taxes(line.amounts.subtotal - discount, &percentages);
            line.amounts.rates = rates;
        }
    }

    fn spread_discount(&self) -> Vec<i64> {
        let nothing = vec![0; self.lines.len()];
        let Some(discount) = &self.discount else { return nothing };
        let Some(off) = Off::of(&discount.coupon, &self.currency) else { return nothing };
        let only = discount.coupon["applies_to"]["products"].as_array();
        let amounts: Vec<i64> = self
            .lines
            .iter()
            .map(|line| {
                let applies = only.is_none_or(|products| products.iter().any(|product| *product == line.product));
                if applies { line.amounts.subtotal } else { 0 }
            })
            .collect();
        off.spread(&amounts)
    }

    /// The tax rates of lines that have none of their own.
    pub(crate) fn default_rates(&self) -> Vec<Value> {
        self.params["resolved_tax_rates"].as_array().cloned().unwrap_or_default()
    }

    pub(crate) fn totals(&self) -> Totals {
        let sum = |of: fn(&LineAmounts) -> i64| self.lines.iter().map(|line| of(&line.amounts)).sum::<i64>();
        let shipping = self.shipping_choice().map_or(0, |(_, amount)| amount);
        Totals {
            subtotal: sum(|amounts| amounts.subtotal),
            discount: sum(|amounts| amounts.discount),
            shipping,
            tax: sum(LineAmounts::tax),
            total: sum(LineAmounts::total) + shipping,
        }
    }

    /// Refuses totals that Stripe would not charge.
    pub(crate) fn check_total(&self) -> Result<(), Refusal> {
        /// Eight digits (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>).
        const MOST: i64 = 99_999_999;
        let total = self.totals().total;
        if total > MOST {
            let most = currency::format(MOST, &self.currency);
            let message = format!("The Checkout Session's total amount due must be no more than {most}.");
            return Err(Refusal::coded("amount_too_large", "line_items", message));
        }
        let least = currency::minimum(&self.currency);
        if self.mode == Mode::Payment && total > 0 && total < least {
            let least = currency::format(least, &self.currency);
            let message = format!("The Checkout Session's total amount due must add up to at least {least}.");
            return Err(Refusal::coded("amount_too_small", "line_items", message));
        }
        Ok(())
    }

    /// Where the shopper goes after paying.
    pub(crate) fn success_url(&self) -> Option<String> {
        let url = self.params["success_url"].as_str().or(self.params["return_url"].as_str())?;
        Some(url.replace("{CHECKOUT_SESSION_ID}", &self.id))
    }

    pub(crate) fn cancel_url(&self) -> Option<&str> {
        self.params["cancel_url"].as_str()
    }
}

/// The amount of a shipping rate in a currency it knows.
pub(crate) fn shipping_amount(rate: &Value, currency: &str) -> Option<i64> {
    rate["fixed_amount"]["currency_options"][currency]["amount"].as_i64()
}

/// Looks a discount up and refuses it where it cannot be used.
pub(crate) fn discount(state: &State, session: &Session, coupon: &str, param: &str) -> Result<Discount, Refusal> {
    let coupon = state.coupons.referred(coupon, param)?.clone();
    check_coupon(state, session, &coupon, param)?;
    Ok(Discount { id: crate::protocol::ids::object("di"), coupon, promotion_code: None })
}

/// Looks up the discount of a promotion code object.
pub(crate) fn promotion(state: &State, session: &Session, code: &Value, param: &str) -> Result<Discount, Refusal> {
    let now = state.now();
    let used_up = code["max_redemptions"].as_i64().is_some_and(|most| code["times_redeemed"].as_i64() >= Some(most));
    let over = code["expires_at"].as_i64().is_some_and(|end| end <= now);
    if code["active"] != true || used_up || over {
        return Err(Refusal::invalid(param, "This promotion code is inactive, expired or used up."));
    }
    let restrictions = &code["restrictions"];
    let own = restrictions["minimum_amount"].as_i64();
    let minimum = match restrictions["minimum_amount_currency"].as_str() {
        Some(currency) if currency == session.currency => own,
        Some(_) => {
            let option = restrictions["currency_options"][&session.currency]["minimum_amount"].as_i64();
            if own.is_some() && option.is_none() {
                let message = format!("This promotion code cannot be used with the currency {}.", session.currency);
                return Err(Refusal::invalid(param, message));
            }
            option
        }
        None => None,
    };
    if minimum.is_some_and(|minimum| session.totals().subtotal < minimum) {
        let minimum = currency::format(minimum.unwrap_or(0), &session.currency);
        return Err(Refusal::invalid(param, format!("This promotion code needs an order of at least {minimum}.")));
    }
    let coupon = code["promotion"]["coupon"].as_str().unwrap_or_default();
    Ok(Discount { promotion_code: Some(code.clone()), ..discount(state, session, coupon, param)? })
}

fn check_coupon(state: &State, session: &Session, coupon: &Value, param: &str) -> Result<(), Refusal> {
    let used_up =
        coupon["max_redemptions"].as_i64().is_some_and(|most| coupon["times_redeemed"].as_i64() >= Some(most));
    let over = coupon["redeem_by"].as_i64().is_some_and(|end| end <= state.now());
    if coupon["valid"] != true || used_up || over {
        return Err(Refusal::coded("coupon_expired", param, format!("Coupon expired: {}", json_text(&coupon["id"]))));
    }
    if Off::of(coupon, &session.currency).is_none() {
        let message = format!("The coupon cannot be used with the currency {}.", session.currency);
        return Err(Refusal::invalid(param, message));
    }
    let only = coupon["applies_to"]["products"].as_array();
    let applies = only.is_none_or(|products| {
        session.lines.iter().any(|line| products.iter().any(|product| *product == line.product))
    });
    if !applies {
        return Err(Refusal::invalid(param, "The coupon does not apply to anything in this order."));
    }
    Ok(())
}

/// The text of a JSON string; empty for anything else.
pub(crate) fn json_text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// An address out of a form or a parameter, with all its keys.
pub(crate) fn address(of: impl Fn(&str) -> Option<String>) -> Value {
    json!({
        "city": of("city"),
        "country": of("country"),
        "line1": of("line1"),
        "line2": of("line2"),
        "postal_code": of("postal_code"),
        "state": of("state"),
    })
}
