//! An order as the merchant sees it: all that is stored.

use cart::{
    Address, Currency, Customer, Discount, Dispute, Money, Order, OrderLine, Payment, ShippingOption, Tax, Timestamp,
};
use web::Shop;

use crate::fields::Fields;

/// Where the merchant sees payments.
const DASHBOARD: &str = "https://dashboard.stripe.com";

/// The columns of a table of orders: paths to the fields of [`order`], all of them. What is a list, or has names of the shop's
/// own, stands in one cell as JSON.
pub(crate) const COLUMNS: &[&str] = &[
    "number",
    "reference",
    "status",
    "livemode",
    "created_at",
    "anonymised_at",
    "currency",
    "item_count",
    "subtotal",
    "subtotal_with_currency",
    "discount",
    "discount_with_currency",
    "discounts",
    "shipping",
    "shipping_with_currency",
    "shipping_option.rate",
    "shipping_option.name",
    "shipping_option.amount",
    "shipping_option.amount_with_currency",
    "shipping_option.tax",
    "shipping_option.tax_with_currency",
    "shipping_option.delivery_estimate",
    "tax",
    "tax_with_currency",
    "taxes",
    "total",
    "total_with_currency",
    "presentment.currency",
    "presentment.amount",
    "presentment.amount_with_currency",
    "captured",
    "captured_with_currency",
    "refunded",
    "refunded_with_currency",
    "dispute.status",
    "dispute.reason",
    "dispute.amount",
    "dispute.amount_with_currency",
    "dispute.currency",
    "dispute.due_by",
    "marks",
    "read_at",
    "customer.id",
    "customer.email",
    "customer.name",
    "customer.phone",
    "customer.business_name",
    "customer.tax_ids",
    "shopper",
    "billing_address.line1",
    "billing_address.line2",
    "billing_address.city",
    "billing_address.state",
    "billing_address.postal_code",
    "billing_address.country",
    "shipping_name",
    "shipping_address.line1",
    "shipping_address.line2",
    "shipping_address.city",
    "shipping_address.state",
    "shipping_address.postal_code",
    "shipping_address.country",
    "custom_fields",
    "consent.promotions",
    "consent.terms_of_service",
    "metadata",
    "lines",
    "payment.session",
    "payment.payment_intent",
    "payment.subscription",
    "payment.invoice",
    "payment.receipt_url",
    "payment.dashboard_url",
    "invoice.number",
    "invoice.hosted_url",
    "invoice.pdf",
    "cart",
    "recovered_from",
];

/// All fields of an order. All that is stored is named here, so that each new field is decided on.
pub(crate) fn order(order: &Order, shop: &Shop) -> Fields {
    let Order {
        number,
        reference,
        livemode,
        cart,
        shopper,
        recovered_from,
        standing,
        lines,
        subtotal,
        discount,
        discounts,
        tax,
        taxes,
        shipping,
        shipping_option,
        total,
        presentment,
        customer,
        billing_address,
        shipping_name,
        shipping_address,
        custom_fields,
        consent,
        metadata,
        payment,
        invoice,
        marks,
        created_at,
        anonymised_at,
    } = order;
    let consent = consent.as_ref().map(|consent| {
        let cart::Consent { promotions, terms_of_service } = consent;
        Fields::default().with("promotions", promotions).with("terms_of_service", terms_of_service)
    });
    let invoice = invoice.as_ref().map(|invoice| {
        let cart::Invoice { number, hosted_url, pdf } = invoice;
        Fields::default().with("number", number).with("hosted_url", hosted_url).with("pdf", pdf)
    });
    let presentment =
        presentment.map(|money| Fields::default().with("currency", money.currency()).with_money("amount", money, shop));
    Fields::default()
        .with("number", number)
        .with("reference", reference)
        .with("status", standing.status)
        .with("livemode", livemode)
        .with("created_at", created_at)
        .with("anonymised_at", anonymised_at)
        .with("currency", order.currency())
        .with("item_count", lines.iter().map(|line| line.quantity).sum::<u64>())
        .with_money("subtotal", *subtotal, shop)
        .with_money("discount", *discount, shop)
        .with_list("discounts", discounts.iter().map(|discount| of_discount(discount, shop)))
        .with_money("shipping", *shipping, shop)
        .with_fields("shipping_option", shipping_option.as_ref().map(|option| of_shipping_option(option, shop)))
        .with_money("tax", *tax, shop)
        .with_list("taxes", taxes.iter().map(|tax| of_tax(tax, shop)))
        .with_money("total", *total, shop)
        .with_fields("presentment", presentment)
        .with_money("captured", standing.captured, shop)
        .with_money("refunded", standing.refunded, shop)
        .with_fields("dispute", standing.dispute.as_ref().map(|dispute| of_dispute(dispute, shop)))
        .with("marks", marks)
        .with("read_at", standing.read_at)
        .with_fields("customer", Some(of_customer(customer)))
        .with("shopper", shopper)
        .with_fields("billing_address", billing_address.as_ref().map(of_address))
        .with("shipping_name", shipping_name)
        .with_fields("shipping_address", shipping_address.as_ref().map(of_address))
        .with("custom_fields", custom_fields)
        .with_fields("consent", consent)
        .with("metadata", metadata)
        .with_list("lines", lines.iter().map(|line| of_line(line, shop)))
        .with_fields("payment", Some(of_payment(payment, *livemode)))
        .with_fields("invoice", invoice)
        .with("cart", cart)
        .with("recovered_from", recovered_from)
}

fn of_line(line: &OrderLine, shop: &Shop) -> Fields {
    let OrderLine {
        line,
        price,
        product,
        name,
        nickname,
        description,
        attributes,
        price_metadata,
        quantity,
        subtotal,
        discount,
        discounts,
        tax,
        taxes,
        total,
    } = line;
    Fields::default()
        .with("line", line.as_ref().map(cart::LineId::as_str))
        .with("price", price)
        .with("product", product)
        .with("name", name)
        .with("nickname", nickname)
        .with("description", description)
        .with("attributes", attributes)
        .with("price_metadata", price_metadata)
        .with("quantity", quantity)
        .with_money("subtotal", *subtotal, shop)
        .with_money("discount", *discount, shop)
        .with_list("discounts", discounts.iter().map(|discount| of_discount(discount, shop)))
        .with_money("tax", *tax, shop)
        .with_list("taxes", taxes.iter().map(|tax| of_tax(tax, shop)))
        .with_money("total", *total, shop)
}

fn of_discount(discount: &Discount, shop: &Shop) -> Fields {
    let Discount { amount, coupon, promotion_code, code } = discount;
    Fields::default()
        .with_money("amount", *amount, shop)
        .with("coupon", coupon)
        .with("promotion_code", promotion_code)
        .with("code", code)
}

fn of_tax(tax: &Tax, shop: &Shop) -> Fields {
    let Tax { amount, rate, name, percentage, jurisdiction, inclusive } = tax;
    Fields::default()
        .with_money("amount", *amount, shop)
        .with("rate", rate)
        .with("name", name)
        .with("percentage", percentage)
        .with("jurisdiction", jurisdiction)
        .with("inclusive", inclusive)
}

fn of_shipping_option(option: &ShippingOption, shop: &Shop) -> Fields {
    let ShippingOption { rate, name, amount, tax, delivery_estimate } = option;
    Fields::default()
        .with("rate", rate)
        .with("name", name)
        .with_money("amount", *amount, shop)
        .with_money("tax", *tax, shop)
        .with("delivery_estimate", delivery_estimate)
}

fn of_dispute(dispute: &Dispute, shop: &Shop) -> Fields {
    let Dispute { id: _, status, amount, currency, reason, due_by } = dispute;
    // Stripe's word for a currency that Cartwright does not know has no amount that people can read.
    let written = currency.parse::<Currency>().ok().map(|currency| shop.written(Money::new(*amount, currency)));
    Fields::default()
        .with("status", status)
        .with("reason", reason)
        .with("amount", amount)
        .with("amount_with_currency", written)
        .with("currency", currency)
        .with("due_by", due_by.and_then(|second| Timestamp::from_second(second).ok()))
}

fn of_customer(customer: &Customer) -> Fields {
    let Customer { id, email, name, phone, business_name, tax_ids } = customer;
    Fields::default()
        .with("id", id)
        .with("email", email)
        .with("name", name)
        .with("phone", phone)
        .with("business_name", business_name)
        .with("tax_ids", tax_ids)
}

fn of_address(address: &Address) -> Fields {
    let Address { line1, line2, city, state, postal_code, country } = address;
    Fields::default()
        .with("line1", line1)
        .with("line2", line2)
        .with("city", city)
        .with("state", state)
        .with("postal_code", postal_code)
        .with("country", country)
}

fn of_payment(payment: &Payment, livemode: bool) -> Fields {
    let Payment { session, payment_intent, subscription, invoice, receipt_url } = payment;
    let mode = if livemode { "" } else { "/test" };
    let payments = payment_intent.as_ref().map(|id| format!("{DASHBOARD}{mode}/payments/{id}"));
    let subscriptions = subscription.as_ref().map(|id| format!("{DASHBOARD}{mode}/subscriptions/{id}"));
    Fields::default()
        .with("session", session)
        .with("payment_intent", payment_intent)
        .with("subscription", subscription)
        .with("invoice", invoice)
        .with("receipt_url", receipt_url)
        .with("dashboard_url", payments.or(subscriptions))
}
