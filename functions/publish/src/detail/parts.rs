//! The parts of an order that have amounts of their own.

use std::collections::BTreeMap;

use cart::{
    Currency, Decimal, DeliveryEstimate, Discount, Dispute, LineId, Money, OrderLine, PriceId, ProductId,
    ShippingOption, Tax, Timestamp,
};
use serde::Serialize;
use web::Shop;

#[derive(Serialize)]
pub(super) struct LineDetail<'a> {
    line: Option<&'a str>,
    price: Option<&'a PriceId>,
    product: Option<&'a ProductId>,
    name: &'a str,
    nickname: Option<&'a str>,
    description: Option<&'a str>,
    attributes: &'a BTreeMap<String, String>,
    price_metadata: &'a BTreeMap<String, String>,
    quantity: u64,
    subtotal: i128,
    subtotal_with_currency: String,
    discount: i128,
    discount_with_currency: String,
    discounts: Vec<DiscountDetail<'a>>,
    tax: i128,
    tax_with_currency: String,
    taxes: Vec<TaxDetail<'a>>,
    total: i128,
    total_with_currency: String,
}

impl<'a> LineDetail<'a> {
    pub(super) fn new(line: &'a OrderLine, shop: &Shop) -> Self {
        Self {
            line: line.line.as_ref().map(LineId::as_str),
            price: line.price.as_ref(),
            product: line.product.as_ref(),
            name: &line.name,
            nickname: line.nickname.as_deref(),
            description: line.description.as_deref(),
            attributes: &line.attributes,
            price_metadata: &line.price_metadata,
            quantity: line.quantity,
            subtotal: line.subtotal.minor(),
            subtotal_with_currency: shop.written(line.subtotal),
            discount: line.discount.minor(),
            discount_with_currency: shop.written(line.discount),
            discounts: DiscountDetail::all(&line.discounts, shop),
            tax: line.tax.minor(),
            tax_with_currency: shop.written(line.tax),
            taxes: TaxDetail::all(&line.taxes, shop),
            total: line.total.minor(),
            total_with_currency: shop.written(line.total),
        }
    }

    pub(super) fn without_price_metadata(&mut self) {
        self.price_metadata = const { &BTreeMap::new() };
    }

    pub(super) fn without_attributes(&mut self) {
        self.attributes = const { &BTreeMap::new() };
    }

    pub(super) fn without_texts(&mut self) {
        self.description = None;
    }

    /// Leaves out what its discount and its tax are made of.
    pub(super) fn without_parts(&mut self) {
        self.discounts.clear();
        self.taxes.clear();
    }

    /// Cuts names to so many characters.
    pub(super) fn shorten(&mut self, characters: usize) {
        self.name = beginning(self.name, characters);
        self.nickname = self.nickname.map(|nickname| beginning(nickname, characters));
    }
}

#[derive(Serialize)]
pub(super) struct DiscountDetail<'a> {
    amount: i128,
    amount_with_currency: String,
    coupon: Option<&'a str>,
    promotion_code: Option<&'a str>,
    code: Option<&'a str>,
}

impl<'a> DiscountDetail<'a> {
    pub(super) fn all(discounts: &'a [Discount], shop: &Shop) -> Vec<Self> {
        discounts.iter().map(|discount| Self::new(discount, shop)).collect()
    }

    fn new(discount: &'a Discount, shop: &Shop) -> Self {
        Self {
            amount: discount.amount.minor(),
            amount_with_currency: shop.written(discount.amount),
            coupon: discount.coupon.as_deref(),
            promotion_code: discount.promotion_code.as_deref(),
            code: discount.code.as_deref(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct TaxDetail<'a> {
    amount: i128,
    amount_with_currency: String,
    rate: Option<&'a str>,
    name: Option<&'a str>,
    percentage: Option<Decimal>,
    jurisdiction: Option<&'a str>,
    inclusive: bool,
}

impl<'a> TaxDetail<'a> {
    pub(super) fn all(taxes: &'a [Tax], shop: &Shop) -> Vec<Self> {
        taxes.iter().map(|tax| Self::new(tax, shop)).collect()
    }

    fn new(tax: &'a Tax, shop: &Shop) -> Self {
        Self {
            amount: tax.amount.minor(),
            amount_with_currency: shop.written(tax.amount),
            rate: tax.rate.as_deref(),
            name: tax.name.as_deref(),
            percentage: tax.percentage,
            jurisdiction: tax.jurisdiction.as_deref(),
            inclusive: tax.inclusive,
        }
    }
}

#[derive(Serialize)]
pub(super) struct ShippingDetail<'a> {
    rate: Option<&'a str>,
    name: Option<&'a str>,
    amount: i128,
    amount_with_currency: String,
    tax: i128,
    tax_with_currency: String,
    delivery_estimate: Option<&'a DeliveryEstimate>,
}

impl<'a> ShippingDetail<'a> {
    pub(super) fn new(option: &'a ShippingOption, shop: &Shop) -> Self {
        Self {
            rate: option.rate.as_deref(),
            name: option.name.as_deref(),
            amount: option.amount.minor(),
            amount_with_currency: shop.written(option.amount),
            tax: option.tax.minor(),
            tax_with_currency: shop.written(option.tax),
            delivery_estimate: option.delivery_estimate.as_ref(),
        }
    }
}

/// What the buyer saw in a currency of their own.
#[derive(Serialize)]
pub(super) struct PresentmentDetail {
    currency: Currency,
    amount: i128,
    amount_with_currency: String,
}

impl PresentmentDetail {
    pub(super) fn new(amount: Money, shop: &Shop) -> Self {
        Self { currency: amount.currency(), amount: amount.minor(), amount_with_currency: shop.written(amount) }
    }
}

#[derive(Serialize)]
pub(super) struct DisputeDetail<'a> {
    status: &'a str,
    reason: &'a str,
    currency: &'a str,
    amount: i64,
    /// `None` where the currency is none that a shop can have.
    amount_with_currency: Option<String>,
    due_by: Option<Timestamp>,
}

impl<'a> DisputeDetail<'a> {
    pub(super) fn new(dispute: &'a Dispute, shop: &Shop) -> Self {
        let money = dispute.currency.parse().ok().map(|currency| Money::new(dispute.amount, currency));
        Self {
            status: &dispute.status,
            reason: &dispute.reason,
            currency: &dispute.currency,
            amount: dispute.amount,
            amount_with_currency: money.map(|money| shop.written(money)),
            due_by: dispute.due_by.and_then(|due_by| Timestamp::from_second(due_by).ok()),
        }
    }
}

fn beginning(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(end, _)| &text[..end])
}
