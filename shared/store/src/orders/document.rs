//! An order as it was when it was placed, as JSON in its row.
//!
//! What became of its money stands in the row's own attributes, which change. Version 0.1.0 does not read a document without
//! status and refunded amount, so it holds the same two for every order, which nothing reads.
//!
//! Amounts are in the minor unit of the order's currency, which stands there once. What 0.1.0 writes comes first, byte by byte;
//! what it does not know, and does not look at, follows.

use std::collections::BTreeMap;

use cart::{
    Address, CartNumber, CheckoutMetadata, Consent, Currency, CustomField, Customer, Decimal, DeliveryEstimate,
    Discount, Invoice, LineId, Mark, Money, Order, OrderLine, OrderNumber, Payment, PriceId, ProductId, Reference,
    SessionId, ShippingOption, Standing, Tax, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::row::is_in_document;
use crate::item::json;

/// The version of the document's shape, which `docs/schemas/stored-order.json` describes. Version 0.1.0 wrote none.
const SCHEMA: u32 = 2;

/// The most bytes of a document: with the row's other attributes a stored order takes no more than 300 KB, of the 400 KB that
/// DynamoDB takes.
///
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items>
const MAX_BYTES: usize = 295_000;

/// What version 0.1.0 reads in the place of the order's status: the word that promises least.
const STATUS_FOR_0_1_0: &str = "awaiting_payment";

/// An order as it is stored.
#[derive(Serialize, Deserialize)]
pub(super) struct OrderDocument {
    number: OrderNumber,
    cart: CartNumber,
    status: String,
    lines: Vec<LineDocument>,
    currency: Currency,
    subtotal: i128,
    discount: i128,
    tax: i128,
    shipping: i128,
    total: i128,
    refunded: i128,
    customer: Customer,
    billing_address: Option<Address>,
    shipping_name: Option<String>,
    shipping_address: Option<Address>,
    metadata: BTreeMap<String, String>,
    payment: Payment,
    marks: Vec<Mark>,
    created_at: Timestamp,
    #[serde(default)]
    schema: Option<u32>,
    #[serde(default)]
    reference: Option<Reference>,
    #[serde(default)]
    livemode: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shopper: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recovered_from: Option<SessionId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    discounts: Vec<DiscountDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    taxes: Vec<TaxDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shipping_option: Option<ShippingOptionDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    presentment: Option<MoneyDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    custom_fields: Vec<CustomField>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    consent: Option<Consent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    invoice: Option<Invoice>,
}

/// A line of an order as it is stored.
#[derive(Serialize, Deserialize)]
struct LineDocument {
    price: Option<PriceId>,
    product: Option<ProductId>,
    name: String,
    description: Option<String>,
    quantity: u64,
    subtotal: i128,
    discount: i128,
    tax: i128,
    total: i128,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nickname: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    discounts: Vec<DiscountDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    taxes: Vec<TaxDocument>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    price_metadata: BTreeMap<String, String>,
}

/// The way of shipping as it is stored.
#[derive(Serialize, Deserialize)]
struct ShippingOptionDocument {
    rate: Option<String>,
    name: Option<String>,
    amount: i128,
    tax: i128,
    delivery_estimate: Option<DeliveryEstimate>,
}

/// What took something off, as it is stored.
#[derive(Serialize, Deserialize)]
struct DiscountDocument {
    amount: i128,
    coupon: Option<String>,
    promotion_code: Option<String>,
    code: Option<String>,
}

/// A tax as it is stored.
#[derive(Serialize, Deserialize)]
struct TaxDocument {
    amount: i128,
    rate: Option<String>,
    name: Option<String>,
    percentage: Option<Decimal>,
    jurisdiction: Option<String>,
    inclusive: bool,
}

/// An amount in another currency than the order's, as it is stored.
#[derive(Serialize, Deserialize)]
struct MoneyDocument {
    currency: Currency,
    amount: i128,
}

impl From<&Order> for OrderDocument {
    fn from(order: &Order) -> Self {
        Self {
            number: order.number,
            cart: order.cart,
            status: STATUS_FOR_0_1_0.to_owned(),
            lines: order.lines.iter().map(LineDocument::from).collect(),
            currency: order.currency(),
            subtotal: order.subtotal.minor(),
            discount: order.discount.minor(),
            tax: order.tax.minor(),
            shipping: order.shipping.minor(),
            total: order.total.minor(),
            refunded: 0,
            customer: order.customer.clone(),
            billing_address: order.billing_address.clone(),
            shipping_name: order.shipping_name.clone(),
            shipping_address: order.shipping_address.clone(),
            metadata: order.metadata.clone(),
            payment: order.payment.clone(),
            marks: order.marks.iter().copied().filter(|mark| is_in_document(*mark)).collect(),
            created_at: order.created_at,
            schema: Some(SCHEMA),
            reference: Some(order.reference),
            livemode: Some(order.livemode),
            shopper: order.shopper.clone(),
            recovered_from: order.recovered_from.clone(),
            discounts: order.discounts.iter().map(DiscountDocument::from).collect(),
            taxes: order.taxes.iter().map(TaxDocument::from).collect(),
            shipping_option: order.shipping_option.as_ref().map(ShippingOptionDocument::from),
            presentment: order.presentment.map(MoneyDocument::from),
            custom_fields: order.custom_fields.clone(),
            consent: order.consent.clone(),
            invoice: order.invoice.clone(),
        }
    }
}

/// The order as JSON, shortened where it would be too large.
pub(super) fn written(order: &Order) -> String {
    let as_json = |order: &Order| json(&OrderDocument::from(order));
    let whole = as_json(order);
    if whole.len() <= MAX_BYTES {
        return whole;
    }
    as_json(&order.clone().within(MAX_BYTES, |order| as_json(order).len()))
}

impl OrderDocument {
    /// What was to be paid.
    pub(super) fn total(&self) -> Money {
        Money::new(self.total, self.currency)
    }

    /// The order, with what the row says of its money.
    pub(super) fn into_order(self, standing: Standing) -> Order {
        let document = self;
        let currency = document.currency;
        let money = |minor: i128| Money::new(minor, currency);
        // Version 0.1.0 keeps the reference of a later version's session among the cart's metadata.
        let reference = document.reference.or_else(|| CheckoutMetadata::reference_in(&document.metadata));
        Order {
            number: document.number,
            reference: reference.unwrap_or_else(|| Reference::of_number(document.number)),
            livemode: document.livemode.unwrap_or_else(|| document.payment.session.is_live()),
            cart: document.cart,
            shopper: document.shopper,
            recovered_from: document.recovered_from,
            standing,
            lines: document.lines.into_iter().map(|line| line.into_line(currency)).collect(),
            subtotal: money(document.subtotal),
            discount: money(document.discount),
            discounts: document.discounts.into_iter().map(|discount| discount.into_discount(currency)).collect(),
            tax: money(document.tax),
            taxes: document.taxes.into_iter().map(|tax| tax.into_tax(currency)).collect(),
            shipping: money(document.shipping),
            shipping_option: document.shipping_option.map(|option| option.into_shipping_option(currency)),
            total: money(document.total),
            presentment: document.presentment.map(MoneyDocument::into_money),
            customer: document.customer,
            billing_address: document.billing_address,
            shipping_name: document.shipping_name,
            shipping_address: document.shipping_address,
            custom_fields: document.custom_fields,
            consent: document.consent,
            metadata: document.metadata,
            payment: document.payment,
            invoice: document.invoice,
            marks: document.marks,
            created_at: document.created_at,
            // The row says it.
            anonymised_at: None,
        }
    }
}

impl From<&OrderLine> for LineDocument {
    fn from(line: &OrderLine) -> Self {
        Self {
            price: line.price.clone(),
            product: line.product.clone(),
            name: line.name.clone(),
            description: line.description.clone(),
            quantity: line.quantity,
            subtotal: line.subtotal.minor(),
            discount: line.discount.minor(),
            tax: line.tax.minor(),
            total: line.total.minor(),
            line: line.line.clone().map(String::from),
            nickname: line.nickname.clone(),
            attributes: line.attributes.clone(),
            discounts: line.discounts.iter().map(DiscountDocument::from).collect(),
            taxes: line.taxes.iter().map(TaxDocument::from).collect(),
            price_metadata: line.price_metadata.clone(),
        }
    }
}

impl LineDocument {
    fn into_line(self, currency: Currency) -> OrderLine {
        let money = |minor: i128| Money::new(minor, currency);
        OrderLine {
            line: self.line.map(LineId::kept),
            price: self.price,
            product: self.product,
            name: self.name,
            nickname: self.nickname,
            description: self.description,
            attributes: self.attributes,
            price_metadata: self.price_metadata,
            quantity: self.quantity,
            subtotal: money(self.subtotal),
            discount: money(self.discount),
            discounts: self.discounts.into_iter().map(|discount| discount.into_discount(currency)).collect(),
            tax: money(self.tax),
            taxes: self.taxes.into_iter().map(|tax| tax.into_tax(currency)).collect(),
            total: money(self.total),
        }
    }
}

impl From<&ShippingOption> for ShippingOptionDocument {
    fn from(option: &ShippingOption) -> Self {
        Self {
            rate: option.rate.clone(),
            name: option.name.clone(),
            amount: option.amount.minor(),
            tax: option.tax.minor(),
            delivery_estimate: option.delivery_estimate.clone(),
        }
    }
}

impl ShippingOptionDocument {
    fn into_shipping_option(self, currency: Currency) -> ShippingOption {
        let Self { rate, name, amount, tax, delivery_estimate } = self;
        let [amount, tax] = [amount, tax].map(|minor| Money::new(minor, currency));
        ShippingOption { rate, name, amount, tax, delivery_estimate }
    }
}

impl From<&Discount> for DiscountDocument {
    fn from(discount: &Discount) -> Self {
        Self {
            amount: discount.amount.minor(),
            coupon: discount.coupon.clone(),
            promotion_code: discount.promotion_code.clone(),
            code: discount.code.clone(),
        }
    }
}

impl DiscountDocument {
    fn into_discount(self, currency: Currency) -> Discount {
        let Self { amount, coupon, promotion_code, code } = self;
        Discount { amount: Money::new(amount, currency), coupon, promotion_code, code }
    }
}

impl From<&Tax> for TaxDocument {
    fn from(tax: &Tax) -> Self {
        Self {
            amount: tax.amount.minor(),
            rate: tax.rate.clone(),
            name: tax.name.clone(),
            percentage: tax.percentage,
            jurisdiction: tax.jurisdiction.clone(),
            inclusive: tax.inclusive,
        }
    }
}

impl TaxDocument {
    fn into_tax(self, currency: Currency) -> Tax {
        let Self { amount, rate, name, percentage, jurisdiction, inclusive } = self;
        Tax { amount: Money::new(amount, currency), rate, name, percentage, jurisdiction, inclusive }
    }
}

impl From<Money> for MoneyDocument {
    fn from(money: Money) -> Self {
        Self { currency: money.currency(), amount: money.minor() }
    }
}

impl MoneyDocument {
    fn into_money(self) -> Money {
        Money::new(self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use cart::OrderStatus;
    use proptest::prelude::*;

    use super::*;

    /// In the form that version 0.1.0 wrote.
    const STORED: &str = concat!(
        r#"{"number":"55a109cdfba5b6648676ee8c21e22322","cart":"be45cb2605bf36bebde684841a28f0fd","#,
        r#""status":"awaiting_payment","#,
        r#""lines":[{"price":"price_mug","product":"prod_mug","name":"Mug","description":"blue","quantity":2,"#,
        r#""subtotal":2400,"discount":200,"tax":90,"total":2290}],"currency":"jpy","subtotal":2400,"discount":200,"#,
        r#""tax":90,"shipping":500,"total":2790,"refunded":0,"#,
        r#""customer":{"id":"cus_1","email":"ann@example.com","name":"Ann","phone":null},"#,
        r#""billing_address":{"line1":"1 Main St","line2":null,"city":null,"state":null,"postal_code":null,"#,
        r#""country":"US"},"shipping_name":null,"shipping_address":null,"metadata":{"is_gift":"yes"},"#,
        r#""payment":{"session":"cs_test_1","payment_intent":"pi_1","subscription":null,"invoice":null},"#,
        r#""marks":["cart_paid_twice"],"created_at":"1970-01-01T00:00:00Z"}"#,
    );

    /// What follows in the documents of this version, even where there is nothing else that 0.1.0 does not know.
    const NEW: &str = r#","schema":2,"reference":"APGGKKFVMP","livemode":false}"#;

    /// All that an order can have and version 0.1.0 does not know.
    const COMPLETE: &str = concat!(
        r#"{"number":"55a109cdfba5b6648676ee8c21e22322","cart":"be45cb2605bf36bebde684841a28f0fd","#,
        r#""status":"awaiting_payment","#,
        r#""lines":[{"price":"price_mug","product":"prod_mug","name":"Mug","description":"blue","quantity":2,"#,
        r#""subtotal":2400,"discount":200,"tax":90,"total":2290,"line":"price_mug~ggJRZYuNkz8","nickname":"Large","#,
        r#""attributes":{"engraving":"Ann"},"#,
        r#""discounts":[{"amount":200,"coupon":"welcome","promotion_code":"promo_1","code":"WELCOME"}],"#,
        r#""taxes":[{"amount":90,"rate":"txr_1","name":"VAT","percentage":"7.75","jurisdiction":"DE","#,
        r#""inclusive":false}]}],"currency":"eur","subtotal":2400,"discount":200,"tax":90,"shipping":500,"total":2790,"#,
        r#""refunded":0,"customer":{"id":"cus_1","email":"ann@example.com","name":"Ann","phone":null,"#,
        r#""business_name":"Ann Ltd","tax_ids":[{"type":"eu_vat","value":"DE123456789"}]},"billing_address":null,"#,
        r#""shipping_name":null,"shipping_address":null,"metadata":{},"#,
        r#""payment":{"session":"cs_live_1","payment_intent":"pi_1","subscription":null,"invoice":"in_1","#,
        r#""receipt_url":"https://pay.stripe.com/receipts/1"},"marks":[],"created_at":"1970-01-01T00:00:00Z","#,
        r#""schema":2,"reference":"6JQNSVNNDX","livemode":true,"shopper":"user 7","recovered_from":"cs_live_0","#,
        r#""discounts":[{"amount":200,"coupon":"welcome","promotion_code":"promo_1","code":"WELCOME"}],"#,
        r#""taxes":[{"amount":90,"rate":"txr_1","name":"VAT","percentage":"7.75","jurisdiction":"DE","#,
        r#""inclusive":false}],"#,
        r#""shipping_option":{"rate":"shr_1","name":"Express","amount":500,"tax":0,"delivery_estimate":"#,
        r#"{"minimum":{"unit":"day","value":1},"maximum":null}},"presentment":{"currency":"usd","amount":3100},"#,
        r#""custom_fields":[{"key":"size","label":"Your size","type":"dropdown","value":"l"}],"#,
        r#""consent":{"promotions":"opt_in","terms_of_service":"accepted"},"#,
        r#""invoice":{"number":"A-1","hosted_url":"https://invoice.stripe.com/i/1","pdf":null}}"#,
    );

    fn standing(document: &OrderDocument) -> Standing {
        let money = |minor: i64| Money::new(minor, document.currency);
        Standing {
            status: OrderStatus::PartiallyRefunded,
            captured: document.total(),
            refunded: money(100),
            refund_is_pending: false,
            dispute: None,
            read_at: None,
        }
    }

    fn order(stored: &str) -> Order {
        let document: OrderDocument = serde_json::from_str(stored).unwrap();
        let standing = standing(&document);
        document.into_order(standing)
    }

    #[test]
    fn an_order_of_before_is_written_byte_by_byte_as_it_was_with_what_is_new_behind() {
        let yen = |minor: i64| Money::new(minor, "jpy".parse().unwrap());

        let order = order(STORED);

        assert_eq!((order.total, order.lines[0].discount), (yen(2790), yen(200)));
        assert_eq!((order.reference, order.livemode), (Reference::of_number(order.number), false));
        let written = serde_json::to_string(&OrderDocument::from(&order)).unwrap();
        assert_eq!(written, STORED.strip_suffix('}').unwrap().to_owned() + NEW);
    }

    #[test]
    fn an_order_that_version_0_1_0_made_of_a_later_session_is_called_as_the_session_says() {
        let metadata = r#""metadata":{"is_gift":"yes","stripe_payments_reference":"6JQNSVNNDX"}"#;

        let order = order(&STORED.replace(r#""metadata":{"is_gift":"yes"}"#, metadata));

        assert_eq!(order.reference.to_string(), "6JQNSVNNDX");
    }

    #[test]
    fn all_that_an_order_can_have_is_written_as_it_was_read() {
        let order = order(COMPLETE);

        assert_eq!(serde_json::to_string(&OrderDocument::from(&order)).unwrap(), COMPLETE);
        assert_eq!(order.lines[0].line.as_ref().unwrap().as_str(), "price_mug~ggJRZYuNkz8");
        assert_eq!(order.presentment, Some(Money::new(3100, Currency::USD)));
    }

    /// It stands in the row, where it changes.
    #[test]
    fn a_document_says_nothing_of_what_became_of_the_money() {
        let mut order = order(STORED);
        let before = serde_json::to_string(&OrderDocument::from(&order)).unwrap();

        for status in OrderStatus::ALL {
            order.standing.status = status;
            assert_eq!(serde_json::to_string(&OrderDocument::from(&order)).unwrap(), before, "{status:?}");
        }
        // Version 0.1.0 reads no other words.
        let known = ["awaiting_payment", "payment_failed", "paid", "partially_refunded", "refunded"];
        assert!(known.contains(&STATUS_FOR_0_1_0));
    }

    /// A text of some characters, each of up to six bytes of JSON.
    fn text_of(characters: usize) -> impl Strategy<Value = String> {
        let letter = prop_oneof![Just('a'), Just('"'), Just('\u{1}'), Just('ü'), Just('商'), Just('😀')];
        (letter, 0..=characters).prop_map(|(letter, count)| std::iter::repeat_n(letter, count).collect())
    }

    /// An order of the most lines that a session has, whose ids are as long as Stripe's may be, and with the most metadata.
    ///
    /// Sources: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-line_items>,
    /// <https://docs.stripe.com/metadata#data>
    fn large_order() -> impl Strategy<Value = Order> {
        let texts = (text_of(1500), text_of(1500), text_of(500), text_of(500), text_of(255));
        (1..=100_usize, 0..=5_usize, 200..=255_usize, texts).prop_map(|(lines, taxes, id, texts)| {
            let (name, nickname, description, value, answer) = texts;
            let mut order = order(COMPLETE);
            let id = "p".repeat(id);
            let line = &mut order.lines[0];
            line.price = Some(id.parse().unwrap());
            line.product = Some(id.parse().unwrap());
            line.line = Some(LineId::kept(format!("{id}~ggJRZYuNkz8")));
            (line.name, line.nickname, line.description) = (name.clone(), Some(nickname.clone()), Some(description));
            line.price_metadata = BTreeMap::from([("key".to_owned(), value.clone())]);
            line.attributes = (0..3).map(|key| (format!("{key:a>40}"), value.clone())).collect();
            let tax = Tax {
                name: Some(name.clone()),
                jurisdiction: Some(nickname.clone()),
                rate: Some(id),
                ..line.taxes[0].clone()
            };
            line.taxes = vec![tax.clone(); taxes];
            line.discounts[0].code = Some(value.clone());
            order.lines = vec![line.clone(); lines];
            order.taxes = vec![tax; taxes];
            order.discounts[0].code = Some(value.clone());
            order.shipping_option.as_mut().unwrap().name = Some(name.clone());
            order.metadata = (0..50).map(|key| (format!("{key:m>40}"), value.clone())).collect();
            order.custom_fields[0].label = Some(name);
            order.custom_fields[0].value = Some(answer);
            order
        })
    }

    /// What an order is about, which stays whatever is taken away.
    fn essentials(order: &Order) -> impl PartialEq + std::fmt::Debug + use<> {
        let amounts = |taxes: &[Tax]| taxes.iter().map(|tax| tax.amount).collect::<Vec<_>>();
        let line = |line: &OrderLine| {
            let ids = (line.price.clone(), line.product.clone(), line.line.clone(), line.quantity);
            (ids, line.subtotal, line.discount, line.tax, line.total, amounts(&line.taxes), line.discounts[0].amount)
        };
        let lines: Vec<_> = order.lines.iter().map(line).collect();
        let buyer = (order.customer.clone(), order.billing_address.clone(), order.shipping_address.clone());
        let sums = (order.subtotal, order.discount, order.tax, order.shipping, order.total, amounts(&order.taxes));
        (lines, buyer, sums, order.payment.clone(), order.invoice.clone(), order.presentment)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn an_order_that_is_too_large_loses_texts_and_nothing_else(order in large_order(), most in 200_000..400_000_usize) {
            let size = |order: &Order| json(&OrderDocument::from(order)).len();

            let fitting = order.clone().within(most, size);

            prop_assert!(size(&fitting) <= most, "{} of {}", size(&fitting), size(&order));
            prop_assert_eq!(essentials(&fitting), essentials(&order));
            if size(&order) <= most {
                prop_assert_eq!(&fitting, &order);
            }
            // What is left of a text is its beginning.
            prop_assert!(order.lines[0].name.starts_with(&fitting.lines[0].name));
            prop_assert!(fitting.metadata.iter().all(|(key, value)| order.metadata[key].starts_with(value)));
            // The cart's own texts are touched only when nothing of the shop's is left.
            if fitting.metadata != order.metadata {
                prop_assert_eq!(&*fitting.lines[0].name, "");
            }

            let stored = written(&order);
            prop_assert!(stored.len() <= MAX_BYTES);
            let read: OrderDocument = serde_json::from_str(&stored).unwrap();
            prop_assert_eq!(essentials(&read.into_order(order.standing.clone())), essentials(&order));
        }
    }
}
