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
    /// With the parameter that names it.
    pub(super) coupon: Option<&'a (&'static str, Value)>,
}

impl Priced<'_> {
    /// The currency that the session names; else that of the shopper's country, where everything has it; else the prices'
    /// own.
    pub(super) fn currency(self, params: &Value) -> Result<String, Refusal> {
        if let Some(named) = params["currency"].as_str() {
            return match currency::unknown(named) {
                Some(words) => Err(Refusal::invalid("currency", words)),
                None => Ok(named.to_ascii_lowercase()),
            };
        }
        let local = country(params).and_then(|country| LOCAL.get(country)).copied();
        let own = self.own_currency();
        Ok(local.filter(|local| self.is_sold_in(local)).unwrap_or(own).to_owned())
    }

    /// Refuses what has another own currency: "the default currency must be the same across all prices, shipping rates, and
    /// discounts".
    pub(super) fn check_own_currency(self) -> Result<(), Refusal> {
        let own = self.own_currency();
        let prices = self.prices.iter().map(|(param, price)| (format!("{param}[price]"), &price["currency"]));
        let rates = self.rates.iter().enumerate();
        let rates =
            rates.map(|(index, rate)| (format!("shipping_options[{index}]"), &rate["fixed_amount"]["currency"]));
        // One that takes a percentage off has no currency.
        let coupon = self.coupon.map(|(param, coupon)| ((*param).to_owned(), &coupon["currency"]));
        let mut all = prices.chain(rates).chain(coupon);
        match all.find(|(_, currency)| currency.as_str().is_some_and(|currency| currency != own)) {
            None => Ok(()),
            Some((param, other)) => {
                let message = format!(
                    "The default currency must be the same across all prices, shipping rates, and discounts: `{own}` and `{}` differ.",
                    json_text(other)
                );
                Err(Refusal::invalid(param, message))
            }
        }
    }

    fn own_currency(&self) -> &str {
        self.prices.first().map_or("", |(_, price)| json_text(&price["currency"]))
    }

    fn is_sold_in(&self, currency: &str) -> bool {
        self.prices.iter().all(|(_, price)| Pricing::of(price, currency).is_some())
            && self.rates.iter().all(|rate| shipping_amount(rate, currency).is_some())
            && self.coupon.is_none_or(|(_, coupon)| Off::of(coupon, currency).is_some())
    }
}

/// Where the shopper is: tests say it in their e-mail address, as in `ann+location_FR@example.com`. Nobody else is anywhere.
fn country(params: &Value) -> Option<&str> {
    let (name, _) = params["customer_email"].as_str()?.rsplit_once('@')?;
    let (_, country) = name.rsplit_once("+location_")?;
    Some(country)
}
