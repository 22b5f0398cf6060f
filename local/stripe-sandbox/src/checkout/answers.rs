//! What the shopper says on the page, and what it changes.

use serde_json::{Value, json};

use super::contact::is_email;
use super::discounts::{promotion, promotion_written};
use crate::money::amounts::Amounts;
use crate::money::currency;
use crate::protocol::address;
use crate::protocol::refusal::Refusal;
use crate::session::{Line, Session};
use crate::state::State;

/// What the shopper says on the page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) phone: Option<String>,
    /// The business, where the shopper buys for one.
    pub(crate) business_name: Option<String>,
    /// Kind and number of a tax id.
    pub(crate) tax_id: Option<(String, String)>,
    /// The currency in which the shopper wants to see what they pay.
    pub(crate) presentment_currency: Option<String>,
    pub(crate) billing_address: Value,
    /// Whether the shopper ticked the boxes for promotions and for the terms of service.
    pub(crate) promotions: Option<bool>,
    pub(crate) terms: Option<bool>,
    /// Answers to the shop's own fields, by key.
    pub(crate) custom_fields: Vec<(String, String)>,
    pub(crate) shipping_name: String,
    pub(crate) shipping_address: Value,
    /// `None` keeps the discount the session has; an empty code takes it away.
    pub(crate) promotion_code: Option<String>,
    pub(crate) shipping_option: Option<usize>,
    /// Quantities by line.
    pub(crate) quantities: Vec<(String, u64)>,
    /// Quantities of optional items by their line.
    pub(crate) optional: Vec<(String, u64)>,
    /// Amounts in minor units by line, for prices that let the shopper choose.
    pub(crate) units: Vec<(String, i64)>,
}

impl Answers {
    /// Lets the shopper's choices take effect on what the session comes to.
    pub(crate) fn apply(&self, state: &State, session: &mut Session) -> Result<(), Refusal> {
        for (id, quantity) in &self.optional {
            session.add_optional(id, *quantity)?;
        }
        for (id, quantity) in &self.quantities {
            let Some(line) = session.lines.iter_mut().find(|line| line.id == *id) else { continue };
            let Some(bounds) = line.adjustable.filter(|bounds| bounds.enabled) else { continue };
            if !(bounds.minimum..=bounds.maximum).contains(quantity) {
                let name = &line.description;
                let message = format!("{name}: choose from {} to {}.", bounds.minimum, bounds.maximum);
                return Err(Refusal::invalid("quantity", message));
            }
            line.quantity = Some(*quantity);
        }
        if session.lines.iter().all(|line| line.quantity == Some(0)) {
            return Err(Refusal::invalid("quantity", "There has to be something to buy."));
        }
        for (id, unit) in &self.units {
            let Some(line) = session.lines.iter_mut().find(|line| line.id == *id) else { continue };
            choose_unit(state, line, &session.currency, *unit)?;
        }
        if let Some(option) = self.shipping_option.filter(|option| *option < session.shipping.len()) {
            session.chosen_shipping = option;
        }
        if let Some(currency) = self.presentment_currency.as_deref().filter(|_| session.adapts_prices()) {
            if let Some(message) = currency::unknown(currency) {
                return Err(Refusal::invalid("presentment_currency", message));
            }
            session.presentment_currency = Some(currency.to_owned()).filter(|own| *own != session.currency);
        }
        session.agrees_to_promotions = self.promotions.or(session.agrees_to_promotions);
        let country = [&self.shipping_address, &self.billing_address].map(|address| address["country"].clone());
        session.automatic_rates = automatic_rates(state, session, &country);
        session.reprice();
        self.apply_promotion_code(state, session)
    }

    fn apply_promotion_code(&self, state: &State, session: &mut Session) -> Result<(), Refusal> {
        let Some(code) = self.promotion_code.as_deref().filter(|_| session.takes_promotion_codes()) else {
            return Ok(());
        };
        session.discount = None;
        session.reprice();
        if code.is_empty() {
            return Ok(());
        }
        let param = "promotion_code";
        let Some(found) = promotion_written(state, session, code) else {
            return Err(Refusal::invalid(param, format!("The code {code} is not valid.")));
        };
        session.discount = Some(promotion(state, session, found, param)?);
        session.reprice();
        Ok(())
    }

    /// Refuses answers with which Stripe's page would not let the shopper pay.
    pub(super) fn check(&self, session: &Session) -> Result<(), Refusal> {
        if !is_email(&self.email) {
            return Err(Refusal::invalid("email", "Your email address is incomplete."));
        }
        if self.name.trim().is_empty() {
            return Err(Refusal::invalid("name", "Your name is missing."));
        }
        if session.asks_for_terms() && self.terms == Some(false) {
            return Err(Refusal::invalid("terms_of_service", "You have to accept the terms of service."));
        }
        if session.asks_for_phone() && self.phone.as_ref().is_none_or(|phone| phone.trim().is_empty()) {
            return Err(Refusal::invalid("phone", "Your phone number is missing."));
        }
        let lacks = |address: &Value| address["line1"].is_null() || address["country"].is_null();
        if session.asks_for_billing() && lacks(&self.billing_address) {
            return Err(Refusal::invalid("billing", "Your billing address is incomplete."));
        }
        if !session.asks_for_shipping() {
            return Ok(());
        }
        if lacks(&self.shipping_address) || self.shipping_name.trim().is_empty() {
            return Err(Refusal::invalid("shipping", "Your shipping address is incomplete."));
        }
        let allowed = &session.params["shipping_address_collection"]["allowed_countries"];
        let country = &self.shipping_address["country"];
        if allowed.as_array().is_some_and(|allowed| !allowed.contains(country)) {
            return Err(Refusal::invalid("shipping", "We do not ship to this country."));
        }
        Ok(())
    }

    fn tax_ids(&self, session: &Session) -> Value {
        let given = self.tax_id.iter().filter(|_| session.asks_for_tax_id());
        given.map(|(kind, value)| json!({ "type": kind, "value": value })).collect()
    }

    /// What the shopper said, as the session and its objects show it.
    pub(super) fn details(&self, session: &Session) -> Value {
        let nothing = address(|_| None);
        let billing = if session.asks_for_billing() { &self.billing_address } else { &nothing };
        let address =
            if billing["line1"].is_null() && session.asks_for_shipping() { &self.shipping_address } else { billing };
        json!({
            "address": address,
            "business_name": self.business_name.as_ref().filter(|_| session.asks_for_tax_id()),
            "email": self.email,
            "individual_name": null,
            "name": self.name,
            "phone": self.phone.as_ref().filter(|_| session.asks_for_phone()),
            "tax_exempt": "none",
            "tax_ids": self.tax_ids(session),
        })
    }
}

fn choose_unit(state: &State, line: &mut Line, currency: &str, unit: i64) -> Result<(), Refusal> {
    if !line.pricing.is_custom() {
        return Ok(());
    }
    let price = state.prices.found(&line.price)?;
    let bounds = Amounts::of(price).within(currency).map(|amounts| &amounts["custom_unit_amount"]);
    let bound = |name: &str| bounds.and_then(|bounds| bounds[name].as_i64());
    let low = bound("minimum").unwrap_or(0);
    let high = bound("maximum").unwrap_or(i64::MAX);
    if !(low..=high).contains(&unit) {
        let format = |amount| currency::format(amount, currency);
        let most = bound("maximum").map(|most| format!(" to {}", format(most))).unwrap_or_default();
        let message = format!("{}: choose an amount from {}{most}.", line.description, format(low));
        return Err(Refusal::invalid("amount", message));
    }
    line.chosen_unit = Some(unit);
    Ok(())
}

/// The rates that stand for Stripe Tax: those with the metadata `automatic` = `true`, where they name no country or the
/// shopper's.
fn automatic_rates(state: &State, session: &Session, countries: &[Value; 2]) -> Vec<Value> {
    if !session.automatic_tax() {
        return Vec::new();
    }
    let country = countries.iter().find(|country| country.is_string());
    state
        .tax_rates
        .newest()
        .map(|(_, rate)| rate)
        .filter(|rate| rate["active"] == true && rate["metadata"]["automatic"] == "true")
        .filter(|rate| rate["country"].is_null() || Some(&rate["country"]) == country)
        .cloned()
        .collect()
}
