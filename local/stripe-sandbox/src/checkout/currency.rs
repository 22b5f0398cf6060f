//! In which currency a session is paid
//! (<https://docs.stripe.com/payments/checkout/localize-prices/manual-currency-prices>).

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use crate::money::currency;
use crate::money::discount::Off;
use crate::money::pricing::Pricing;
use crate::protocol::json_text;
use crate::protocol::refusal::Refusal;
use crate::session::shipping_amount;

/// The currency of each country.
static LOCAL: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let table = include_str!("../../data/currencies.txt").lines().filter(|line| !line.starts_with('#'));
    table.filter_map(|line| line.split_once(' ')).collect()
});

/// What a session has amounts of.
#[derive(Clone, Copy)]
pub(super) struct Priced<'a> {
    /// With the parameters that they are in.
    pub(super) prices: &'a [(String, Value)],
    pub(super) rates: &'a [Value],
    pub(super) coupon: Option<&'a Value>,
}

impl Priced<'_> {
    /// The currency that the session names; else that of the shopper's country, where everything has it and no tax rates are
    /// set by hand; else the prices' own. A customer who is known has this `email` address.
    pub(super) fn currency(self, params: &Value, email: Option<&str>) -> Result<String, Refusal> {
        if let Some(named) = params["currency"].as_str() {
            return match currency::unknown(named) {
                Some(words) => Err(Refusal::invalid("currency", words)),
                None => Ok(named.to_ascii_lowercase()),
            };
        }
        let email = email.or(params["customer_email"].as_str());
        let local = email.and_then(country).and_then(|country| LOCAL.get(country)).copied();
        let own = self.own_currency();
        let is_local = |local: &&str| !has_tax_rates(params) && self.is_sold_in(local);
        Ok(local.filter(is_local).unwrap_or(own).to_owned())
    }

    /// Refuses what has another own currency: "the default currency must be the same across all prices, shipping rates, and
    /// discounts".
    pub(super) fn check_own_currency(self) -> Result<(), Refusal> {
        let own = self.own_currency();
        let prices = self.prices.iter().map(|(_, price)| &price["currency"]);
        let rates = self.rates.iter().map(|rate| &rate["fixed_amount"]["currency"]);
        // One that takes a percentage off has no currency.
        let mut all = prices.chain(rates).chain(self.coupon.map(|coupon| &coupon["currency"]));
        match all.find(|currency| currency.as_str().is_some_and(|currency| currency != own)) {
            None => Ok(()),
            Some(other) => {
                let message = format!(
                    "The default currency must be the same across all prices, shipping rates, and discounts: `{own}` and `{}` differ.",
                    json_text(other)
                );
                Err(Refusal::Invalid { param: None, code: None, message })
            }
        }
    }

    fn own_currency(&self) -> &str {
        self.prices.first().map_or("", |(_, price)| json_text(&price["currency"]))
    }

    fn is_sold_in(&self, currency: &str) -> bool {
        self.prices.iter().all(|(_, price)| Pricing::of(price, currency).is_some())
            && self.rates.iter().all(|rate| shipping_amount(rate, currency).is_some())
            && self.coupon.is_none_or(|coupon| Off::of(coupon, currency).is_some())
    }
}

/// Where the shopper is: tests say it in the e-mail address, as in `ann+location_FR@example.com`. Other shoppers are nowhere.
fn country(email: &str) -> Option<&str> {
    let (name, _) = email.rsplit_once('@')?;
    let (_, country) = name.rsplit_once("+location_")?;
    Some(country)
}

/// "Price localization isn't available for Checkout Sessions that use manual tax rates."
fn has_tax_rates(params: &Value) -> bool {
    let is_set = |rates: &Value| rates.as_array().is_some_and(|rates| !rates.is_empty());
    let lines = params["line_items"].as_array().into_iter().flatten();
    lines.map(|line| &line["tax_rates"]).any(is_set) || is_set(&params["subscription_data"]["default_tax_rates"])
}
