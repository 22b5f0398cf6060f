//! Promotion codes, and which sessions can have them.

use std::collections::BTreeMap;

use cart::{Currency, Money, Timestamp};
use serde::Deserialize;

use crate::session::IdOnly;
use crate::{Error, Expandable, Page, Parameters, Stripe, api};

/// A promotion code, as far as it says which sessions can have it.
///
/// Source: <https://docs.stripe.com/api/promotion_codes/object>
#[derive(Clone, Debug, Deserialize)]
pub struct PromotionCode {
    id: String,
    #[serde(default)]
    active: bool,
    #[serde(default)]
    customer: Option<Expandable<IdOnly>>,
    #[serde(default)]
    expires_at: Option<i64>,
    #[serde(default)]
    max_redemptions: Option<i64>,
    #[serde(default)]
    times_redeemed: i64,
    #[serde(default)]
    promotion: Promotion,
    #[serde(default)]
    restrictions: Restrictions,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Promotion {
    #[serde(default)]
    coupon: Option<Coupon>,
}

/// What the code takes off; a stub where the coupon was deleted.
///
/// Source: <https://docs.stripe.com/api/coupons/object>
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Coupon {
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    valid: Option<bool>,
    #[serde(default)]
    redeem_by: Option<i64>,
    #[serde(default)]
    max_redemptions: Option<i64>,
    #[serde(default)]
    times_redeemed: i64,
    #[serde(default)]
    amount_off: Option<i64>,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    currency_options: Option<BTreeMap<String, AmountOff>>,
    #[serde(default)]
    applies_to: Option<AppliesTo>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct AppliesTo {
    #[serde(default)]
    products: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct AmountOff {
    amount_off: i64,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Restrictions {
    #[serde(default)]
    first_time_transaction: bool,
    #[serde(default)]
    minimum_amount: Option<i64>,
    #[serde(default)]
    minimum_amount_currency: Option<String>,
    #[serde(default)]
    currency_options: Option<BTreeMap<String, MinimumAmount>>,
}

#[derive(Clone, Debug, Deserialize)]
struct MinimumAmount {
    minimum_amount: i64,
}

/// Why a promotion code cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PromotionCodeFault {
    /// There is no such code, the shop has switched it off, or Stripe refuses it without a reason that is known here.
    Unknown,
    /// Its time is over.
    Expired,
    /// It was used as often as it may be.
    UsedUp,
    /// It is for the first purchase of a customer, and the session has no customer.
    FirstTime,
    /// It is for another customer.
    OtherCustomer,
    /// The cart comes to less than the code asks for.
    Minimum,
    /// It is not for the cart's currency.
    Currency,
    /// The shopper chooses the amount, from which Stripe takes nothing off.
    ///
    /// Source: <https://docs.stripe.com/payments/checkout/pay-what-you-want>
    CustomAmount,
}

impl Stripe {
    /// The promotion code that `customer` means by a text: their own, else the one for everybody. Where no active code has
    /// the text, one that says why not.
    ///
    /// One request, which reads the 100 newest codes with this text.
    ///
    /// # Errors
    ///
    /// Stripe fails.
    pub async fn promotion_code(&self, text: &str, customer: Option<&str>) -> Result<Option<PromotionCode>, Error> {
        let page: Page<PromotionCode> = self.call(api::promotion_codes(text), None).await?;
        Ok(meant(page.data, customer))
    }
}

impl PromotionCode {
    /// The code's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Checks whether Stripe takes the code for a session with these parameters, whose lines come to `total`, and whose prices
    /// have the own currency `own`.
    ///
    /// Source for currencies: <https://docs.stripe.com/payments/checkout/localize-prices/manual-currency-prices>
    ///
    /// Stripe alone knows whether a customer has bought before.
    ///
    /// # Errors
    ///
    /// [`PromotionCodeFault`] says why Stripe would refuse it.
    pub fn check(
        &self,
        parameters: &Parameters,
        total: Money,
        own: Currency,
        now: Timestamp,
    ) -> Result<(), PromotionCodeFault> {
        let coupon = self.promotion.coupon.as_ref().filter(|coupon| !coupon.deleted);
        let coupon = coupon.ok_or(PromotionCodeFault::Unknown)?;
        self.check_state(coupon, now)?;
        self.check_shopper(parameters)?;
        let currency = total.currency().to_string();
        if !coupon.is_for(&currency) || coupon.own_currency().is_some_and(|theirs| theirs != own.to_string()) {
            return Err(PromotionCodeFault::Currency);
        }
        self.restrictions.check_minimum(&currency, total.minor())
    }

    fn check_state(&self, coupon: &Coupon, now: Timestamp) -> Result<(), PromotionCodeFault> {
        if is_over(self.expires_at, now) || is_over(coupon.redeem_by, now) {
            Err(PromotionCodeFault::Expired)
        } else if is_used_up(self.max_redemptions, self.times_redeemed) || coupon.is_used_up() {
            Err(PromotionCodeFault::UsedUp)
        } else if self.active {
            Ok(())
        } else {
            Err(PromotionCodeFault::Unknown)
        }
    }

    /// "Promotion codes limited to first time customers will return invalid" for sessions that create no customer.
    ///
    /// Source: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-customer_creation>
    fn check_shopper(&self, parameters: &Parameters) -> Result<(), PromotionCodeFault> {
        let shopper = parameters.customer();
        let owner = self.owner();
        if owner.is_some() && owner != shopper {
            return Err(PromotionCodeFault::OtherCustomer);
        }
        if self.restrictions.first_time_transaction && shopper.is_none() && !parameters.makes_customer() {
            return Err(PromotionCodeFault::FirstTime);
        }
        Ok(())
    }

    /// What it takes off.
    pub(crate) fn coupon(&self) -> Option<&Coupon> {
        self.promotion.coupon.as_ref()
    }

    /// The only customer who may use it, if it is not for everybody.
    fn owner(&self) -> Option<&str> {
        self.customer.as_ref().map(Expandable::id)
    }
}

/// The code that `customer` means, of those that have the same text, the newest first.
///
/// One active code may have the text for everybody, and one for each customer; inactive ones as many as there were.
fn meant(codes: Vec<PromotionCode>, customer: Option<&str>) -> Option<PromotionCode> {
    codes.into_iter().min_by_key(|code| {
        let is_for_another = code.owner().is_some_and(|owner| Some(owner) != customer);
        (is_for_another, !code.active, code.owner().is_none())
    })
}

fn is_over(end: Option<i64>, now: Timestamp) -> bool {
    end.is_some_and(|end| end <= now.as_second())
}

fn is_used_up(most: Option<i64>, used: i64) -> bool {
    most.is_some_and(|most| used >= most)
}

impl Coupon {
    /// Checks whether it still takes something off, in this currency.
    pub(crate) fn check(&self, currency: Currency, now: Timestamp) -> Result<(), PromotionCodeFault> {
        if self.deleted {
            Err(PromotionCodeFault::Unknown)
        } else if is_over(self.redeem_by, now) {
            Err(PromotionCodeFault::Expired)
        } else if self.is_used_up() {
            Err(PromotionCodeFault::UsedUp)
        } else if self.is_for(&currency.to_string()) {
            Ok(())
        } else {
            Err(PromotionCodeFault::Currency)
        }
    }

    /// The currency of what it takes off; `None` for a percentage.
    pub(crate) fn own_currency(&self) -> Option<&str> {
        self.currency.as_deref().filter(|_| self.amount_off.is_some())
    }

    /// The only products that it takes something off; `None` where it does so of all.
    pub(crate) fn products(&self) -> Option<&[String]> {
        self.applies_to.as_ref().map(|applies_to| applies_to.products.as_slice())
    }

    fn is_used_up(&self) -> bool {
        is_used_up(self.max_redemptions, self.times_redeemed) || self.valid == Some(false)
    }

    /// Whether it takes something off an amount in this currency: a percentage of any, an amount only in its currencies.
    fn is_for(&self, currency: &str) -> bool {
        let own = self.amount_off.filter(|_| self.currency.as_deref() == Some(currency));
        let option = || self.currency_options.as_ref()?.get(currency).map(|option| option.amount_off);
        self.amount_off.is_none() || own.or_else(option).is_some()
    }
}

impl Restrictions {
    fn check_minimum(&self, currency: &str, total: i128) -> Result<(), PromotionCodeFault> {
        let Some(minimum) = self.minimum_amount else { return Ok(()) };
        let own = Some(minimum).filter(|_| self.minimum_amount_currency.as_deref() == Some(currency));
        let option = || self.currency_options.as_ref()?.get(currency).map(|option| option.minimum_amount);
        match own.or_else(option) {
            None => Err(PromotionCodeFault::Currency),
            Some(minimum) if total < i128::from(minimum) => Err(PromotionCodeFault::Minimum),
            Some(_) => Ok(()),
        }
    }
}

impl PromotionCodeFault {
    /// The word that programs go by.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::UsedUp => "used_up",
            Self::FirstTime => "first_time",
            Self::OtherCustomer => "other_customer",
            Self::Minimum => "minimum",
            Self::Currency => "currency",
            Self::CustomAmount => "custom_amount",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    /// A code for everybody that takes ten percent off, and what is different about this one.
    fn code(difference: &Value) -> PromotionCode {
        let mut code = json!({
            "id": "promo_a", "active": true, "customer": null, "expires_at": null, "max_redemptions": null,
            "times_redeemed": 0, "promotion": { "coupon": { "valid": true, "percent_off": 10 } },
            "restrictions": { "first_time_transaction": false, "minimum_amount": null },
        });
        json_patch::merge(&mut code, difference);
        serde_json::from_value(code).unwrap()
    }

    fn coupon(difference: &Value) -> PromotionCode {
        code(&json!({ "promotion": { "coupon": difference } }))
    }

    fn restricted(restrictions: &Value) -> PromotionCode {
        code(&json!({ "restrictions": restrictions }))
    }

    fn parameters(parameters: Value) -> Parameters {
        let Value::Object(parameters) = parameters else { panic!("parameters are an object") };
        Parameters::new(parameters, Vec::new())
    }

    /// The fault of a code at a guest's payment of 19.99 in a currency.
    fn fault(code: &PromotionCode, currency: &str) -> Option<PromotionCodeFault> {
        let total = Money::new(1999, currency.parse().unwrap());
        let now = Timestamp::from_second(NOW).unwrap();
        code.check(&parameters(json!({ "mode": "payment" })), total, cart::Currency::USD, now).err()
    }

    #[test]
    fn a_code_that_is_over_used_up_or_switched_off_is_refused() {
        use PromotionCodeFault::{Expired, Unknown, UsedUp};
        let cases = [
            (code(&json!({})), None),
            (code(&json!({ "active": false })), Some(Unknown)),
            (code(&json!({ "promotion": null })), Some(Unknown)),
            (coupon(&json!({ "deleted": true, "valid": null })), Some(Unknown)),
            (code(&json!({ "expires_at": NOW })), Some(Expired)),
            (code(&json!({ "expires_at": NOW, "active": false })), Some(Expired)),
            (code(&json!({ "expires_at": NOW + 1 })), None),
            (coupon(&json!({ "redeem_by": NOW, "valid": false })), Some(Expired)),
            (coupon(&json!({ "redeem_by": NOW + 1 })), None),
            (code(&json!({ "max_redemptions": 2, "times_redeemed": 2, "active": false })), Some(UsedUp)),
            (code(&json!({ "max_redemptions": 2, "times_redeemed": 1 })), None),
            (coupon(&json!({ "max_redemptions": 2, "times_redeemed": 2 })), Some(UsedUp)),
            (coupon(&json!({ "max_redemptions": 2, "times_redeemed": 1 })), None),
            (coupon(&json!({ "valid": false })), Some(UsedUp)),
        ];
        for (code, expected) in cases {
            assert_eq!(fault(&code, "usd"), expected, "{code:?}");
        }
    }

    #[test]
    fn an_amount_counts_in_the_currencies_that_it_is_given_in() {
        use PromotionCodeFault::{Currency, Minimum};
        let five_off = coupon(&json!({
            "percent_off": null, "amount_off": 500, "currency": "usd", "currency_options": { "eur": { "amount_off": 450 } },
        }));
        let from_twenty = restricted(&json!({
            "minimum_amount": 2000, "minimum_amount_currency": "usd", "currency_options": { "eur": { "minimum_amount": 1999 } },
        }));

        let of_euros = coupon(&json!({
            "percent_off": null, "amount_off": 450, "currency": "eur", "currency_options": { "usd": { "amount_off": 500 } },
        }));

        assert_eq!(["usd", "eur", "gbp"].map(|currency| fault(&five_off, currency)), [None, None, Some(Currency)]);
        // The prices' own currency is dollars, whatever the cart's is.
        assert_eq!(["usd", "eur"].map(|currency| fault(&of_euros, currency)), [Some(Currency); 2]);
        assert_eq!(
            ["usd", "eur", "gbp"].map(|currency| fault(&from_twenty, currency)),
            [Some(Minimum), None, Some(Currency)]
        );
    }

    #[test]
    fn whom_a_code_is_for_depends_on_the_customer_of_the_session() {
        use PromotionCodeFault::{FirstTime, OtherCustomer};
        let sessions = [
            json!({ "mode": "payment" }),
            json!({ "mode": "payment", "customer_creation": "if_required" }),
            json!({ "mode": "payment", "invoice_creation": { "enabled": "false" } }),
            json!({ "mode": "payment", "customer_creation": "always" }),
            json!({ "mode": "payment", "invoice_creation": { "enabled": true } }),
            json!({ "mode": "payment", "invoice_creation": { "enabled": "true" } }),
            json!({ "mode": "subscription" }),
            json!({ "mode": "payment", "customer": "cus_ann" }),
            json!({ "mode": "payment", "customer": "cus_bob" }),
        ];
        let faults = |code: PromotionCode| {
            let (total, now) = (Money::new(1999, "usd".parse().unwrap()), Timestamp::from_second(NOW).unwrap());
            sessions.clone().map(|session| code.check(&parameters(session), total, total.currency(), now).err())
        };

        let no = Some(FirstTime);
        assert_eq!(
            faults(restricted(&json!({ "first_time_transaction": true }))),
            [no, no, no, None, None, None, None, None, None]
        );
        let no = Some(OtherCustomer);
        assert_eq!(faults(code(&json!({ "customer": "cus_ann" }))), [no, no, no, no, no, no, no, None, no]);
    }

    #[test]
    fn a_text_means_the_shoppers_own_code_first_and_one_that_is_active() {
        let named = |id: &str, customer: Option<&str>, active: bool| {
            code(&json!({ "id": id, "customer": customer, "active": active }))
        };
        let codes = vec![
            named("bobs", Some("cus_bob"), true),
            named("retired", None, false),
            named("everybodys", None, true),
            named("anns", Some("cus_ann"), true),
        ];
        let ids = |codes: &[PromotionCode]| {
            [None, Some("cus_ann"), Some("cus_eve")].map(|customer| meant(codes.to_vec(), customer).unwrap().id)
        };

        assert_eq!(ids(&codes), ["everybodys", "anns", "everybodys"]);
        assert_eq!(ids(&codes[..2]), ["retired"; 3]);
        assert_eq!(ids(&codes[..1]), ["bobs"; 3]);
        assert!(meant(Vec::new(), None).is_none());
    }
}
