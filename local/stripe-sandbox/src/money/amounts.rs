//! The amounts of an object in the currencies that it has.

use serde_json::Value;

/// The amounts of an object in its own currency and in those of its `currency_options`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amounts<'a> {
    /// The object that has the amounts in its own currency.
    object: &'a Value,
    /// The name of the field that says its own currency.
    currency: &'static str,
}

impl<'a> Amounts<'a> {
    /// Those of a price or of a coupon.
    pub(crate) fn of(object: &'a Value) -> Self {
        Self { object, currency: "currency" }
    }

    /// Those of a shipping rate.
    pub(crate) fn of_shipping_rate(rate: &'a Value) -> Self {
        Self::of(&rate["fixed_amount"])
    }

    /// The smallest orders that a promotion code is for.
    pub(crate) fn of_promotion_code(code: &'a Value) -> Self {
        Self { object: &code["restrictions"], currency: "minimum_amount_currency" }
    }

    /// The object's own currency; `None` for one that has no amounts, such as a coupon of a percentage.
    pub(crate) fn own_currency(self) -> Option<&'a str> {
        self.object[self.currency].as_str()
    }

    /// The fields that hold the amounts in this currency; `None` where there are none.
    pub(crate) fn within(self, currency: &str) -> Option<&'a Value> {
        if self.own_currency()? == currency {
            return Some(self.object);
        }
        self.object["currency_options"].get(currency)
    }

    /// An amount in this currency.
    pub(crate) fn amount(self, field: &str, currency: &str) -> Option<i64> {
        self.within(currency)?[field].as_i64()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_found_in_the_own_currency_and_in_the_options() {
        let coupon = json!({
            "amount_off": 500, "currency": "usd", "currency_options": { "eur": { "amount_off": 450 } },
        });
        let rate = json!({ "fixed_amount": coupon });
        let code = json!({ "restrictions": {
            "minimum_amount": 2000, "minimum_amount_currency": "usd",
            "currency_options": { "eur": { "minimum_amount": 1800 } },
        } });
        let percentage = json!({ "percent_off": 10, "currency": null });
        let cases = [
            (Amounts::of(&coupon), "amount_off", [Some(500), Some(450), None]),
            (Amounts::of_shipping_rate(&rate), "amount_off", [Some(500), Some(450), None]),
            (Amounts::of_promotion_code(&code), "minimum_amount", [Some(2000), Some(1800), None]),
            (Amounts::of(&percentage), "amount_off", [None; 3]),
        ];
        for (amounts, field, expected) in cases {
            assert_eq!(["usd", "eur", "jpy"].map(|currency| amounts.amount(field, currency)), expected, "{amounts:?}");
        }
    }
}
