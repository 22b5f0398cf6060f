//! What Stripe's page asked a buyer, and what came of it: shipping, discounts, taxes, answers and papers.
//!
//! None of it decides what an order comes to, so what cannot be read of it counts as not there.

use cart::{Consent, Currency, CustomField, Decimal, DeliveryEstimate, Invoice, Money};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::Value;

use super::reading::{Expandable, IdOnly};
use super::{LineItem, Session};

/// The shipping of a session.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct ShippingCost {
    #[serde(default, deserialize_with = "super::lenient")]
    pub(super) amount_subtotal: i64,
    #[serde(default, deserialize_with = "readable")]
    amount_tax: i64,
    #[serde(default, deserialize_with = "readable")]
    shipping_rate: Option<Expandable<ShippingRate>>,
}

#[derive(Debug, Clone, Deserialize)]
struct ShippingRate {
    id: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default, deserialize_with = "readable")]
    delivery_estimate: Option<DeliveryEstimate>,
}

/// What the sums of a session are made of.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Breakdown {
    #[serde(default, deserialize_with = "readable_ones")]
    discounts: Vec<AppliedDiscount>,
    #[serde(default, deserialize_with = "readable_ones")]
    taxes: Vec<AppliedTax>,
}

/// What a discount came to.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct AppliedDiscount {
    amount: i64,
    discount: DiscountSource,
}

/// Where a discount came from: the discount itself, or the session's own list of its coupons and codes.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct DiscountSource {
    #[serde(default)]
    promotion_code: Option<Expandable<PromotionCode>>,
    /// Until 2025; in the session's own list also today.
    #[serde(default)]
    coupon: Option<Expandable<IdOnly>>,
    #[serde(default)]
    source: Option<CouponSource>,
}

#[derive(Debug, Clone, Deserialize)]
struct CouponSource {
    #[serde(default)]
    coupon: Option<Expandable<IdOnly>>,
}

#[derive(Debug, Clone, Deserialize)]
struct PromotionCode {
    id: String,
    #[serde(default)]
    code: Option<String>,
}

/// What a tax came to.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct AppliedTax {
    amount: i64,
    rate: Expandable<TaxRate>,
}

#[derive(Debug, Clone, Deserialize)]
struct TaxRate {
    id: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default, deserialize_with = "readable")]
    percentage: Option<Decimal>,
    #[serde(default)]
    jurisdiction: Option<String>,
    #[serde(default, deserialize_with = "readable")]
    inclusive: bool,
}

/// A question of the shop's own. Each kind has its answer in a place of its own.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct AskedField {
    key: String,
    #[serde(default, deserialize_with = "readable")]
    label: FieldLabel,
    #[serde(default, deserialize_with = "readable")]
    r#type: String,
    #[serde(default, deserialize_with = "readable")]
    dropdown: FieldAnswer,
    #[serde(default, deserialize_with = "readable")]
    numeric: FieldAnswer,
    #[serde(default, deserialize_with = "readable")]
    text: FieldAnswer,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct FieldLabel {
    #[serde(default)]
    custom: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct FieldAnswer {
    #[serde(default)]
    value: Option<String>,
}

/// What the buyer saw, in another currency.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PresentmentDetails {
    presentment_amount: i64,
    presentment_currency: Currency,
}

/// An invoice, as far as a buyer sees it.
#[derive(Debug, Clone, Deserialize)]
pub struct SessionInvoice {
    id: String,
    #[serde(default)]
    number: Option<String>,
    #[serde(default)]
    hosted_invoice_url: Option<String>,
    #[serde(default)]
    invoice_pdf: Option<String>,
}

super::reading::has_id!(ShippingRate, PromotionCode, TaxRate, SessionInvoice);

impl Session {
    /// Whether its money is real.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.livemode.unwrap_or_else(|| self.id.is_live())
    }

    /// The way of shipping that the buyer chose; `None` where the page offered none.
    #[must_use]
    pub fn shipping_option(&self, currency: Currency) -> Option<cart::ShippingOption> {
        let cost = self.shipping_cost.as_ref()?;
        let rate = cost.shipping_rate.as_ref()?;
        let known = rate.object();
        Some(cart::ShippingOption {
            rate: Some(rate.id().to_owned()),
            name: known.and_then(|rate| rate.display_name.clone()),
            amount: Money::new(cost.amount_subtotal, currency),
            tax: Money::new(cost.amount_tax, currency),
            delivery_estimate: known.and_then(|rate| rate.delivery_estimate.clone()),
        })
    }

    /// What took something off the sum. `lines` may know the text of a code that the session does not.
    #[must_use]
    pub fn discounts(&self, lines: &[LineItem], currency: Currency) -> Vec<cart::Discount> {
        let of = |source, amount| self.discount_of(source, Money::new(amount, currency), lines);
        match (&self.total_details.as_ref().and_then(|details| details.breakdown.as_ref()), &self.discounts[..]) {
            (Some(breakdown), _) => {
                breakdown.discounts.iter().map(|applied| of(&applied.discount, applied.amount)).collect()
            }
            // Stripe applies one at most, which then is all that was taken off.
            (None, [only]) if self.discount() != 0 => vec![of(only, self.discount())],
            (None, _) => Vec::new(),
        }
    }

    /// The taxes.
    #[must_use]
    pub fn taxes(&self, currency: Currency) -> Vec<cart::Tax> {
        let breakdown = self.total_details.as_ref().and_then(|details| details.breakdown.as_ref());
        breakdown.iter().flat_map(|breakdown| &breakdown.taxes).map(|tax| tax.tax(currency)).collect()
    }

    /// The shop's own questions, with the answers.
    #[must_use]
    pub fn custom_fields(&self) -> Vec<CustomField> {
        self.custom_fields.iter().map(AskedField::field).collect()
    }

    /// What the buyer agreed to.
    #[must_use]
    pub fn consent(&self) -> Option<Consent> {
        self.consent.clone().filter(|consent| *consent != Consent::default())
    }

    /// What the buyer saw, where Stripe's page showed another currency.
    #[must_use]
    pub fn presentment(&self) -> Option<Money> {
        let details = self.presentment_details.as_ref()?;
        Some(Money::new(details.presentment_amount, details.presentment_currency))
    }

    /// What Stripe's invoice says.
    #[must_use]
    pub fn invoice_details(&self) -> Option<Invoice> {
        let invoice = self.invoice.as_ref().and_then(Expandable::object)?;
        Some(Invoice {
            number: invoice.number.clone(),
            hosted_url: invoice.hosted_invoice_url.clone(),
            pdf: invoice.invoice_pdf.clone(),
        })
    }

    /// What took something off a line.
    #[must_use]
    pub fn discounts_of(&self, line: &LineItem, currency: Currency) -> Vec<cart::Discount> {
        let of = |applied: &AppliedDiscount| {
            self.discount_of(&applied.discount, Money::new(applied.amount, currency), std::slice::from_ref(line))
        };
        line.discounts.iter().map(of).collect()
    }

    fn discount_of(&self, source: &DiscountSource, amount: Money, lines: &[LineItem]) -> cart::Discount {
        let promotion_code = source.promotion_code.as_ref().map(|code| code.id().to_owned());
        let of_lines = lines.iter().flat_map(|line| &line.discounts).map(|applied| &applied.discount);
        let mut known = std::iter::once(source)
            .chain(&self.discounts)
            .chain(of_lines)
            .filter_map(|source| source.promotion_code.as_ref()?.object())
            .filter(|code| Some(&code.id) == promotion_code.as_ref());
        cart::Discount {
            amount,
            coupon: source.coupon().map(str::to_owned),
            code: known.find_map(|code| code.code.clone()),
            promotion_code,
        }
    }
}

impl LineItem {
    /// The taxes on the line.
    #[must_use]
    pub fn taxes(&self, currency: Currency) -> Vec<cart::Tax> {
        self.taxes.iter().map(|tax| tax.tax(currency)).collect()
    }
}

impl DiscountSource {
    fn coupon(&self) -> Option<&str> {
        let of_source = self.source.as_ref().and_then(|source| source.coupon.as_ref());
        of_source.or(self.coupon.as_ref()).map(Expandable::id)
    }
}

impl AppliedTax {
    fn tax(&self, currency: Currency) -> cart::Tax {
        let known = self.rate.object();
        cart::Tax {
            amount: Money::new(self.amount, currency),
            rate: Some(self.rate.id().to_owned()),
            name: known.and_then(|rate| rate.display_name.clone()),
            percentage: known.and_then(|rate| rate.percentage),
            jurisdiction: known.and_then(|rate| rate.jurisdiction.clone()),
            inclusive: known.is_some_and(|rate| rate.inclusive),
        }
    }
}

impl AskedField {
    fn field(&self) -> CustomField {
        let answers = [&self.dropdown, &self.numeric, &self.text];
        CustomField {
            key: self.key.clone(),
            label: self.label.custom.clone(),
            r#type: self.r#type.clone(),
            value: answers.into_iter().find_map(|answer| answer.value.clone()),
        }
    }
}

/// A value, or its default where it is not what this version expects.
pub(super) fn readable<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(read(Value::deserialize(deserializer)?).unwrap_or_default())
}

/// Those of a list that are what this version expects.
pub(super) fn readable_ones<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let ones: Vec<Value> = read(Value::deserialize(deserializer)?).unwrap_or_default();
    Ok(ones.into_iter().filter_map(read).collect())
}

fn read<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}
