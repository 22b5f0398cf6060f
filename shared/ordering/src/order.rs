//! What Stripe sold, as an order.

mod lines;
mod marks;

use cart::{CheckoutMetadata, CurrentSession, Money, Order, OrderNumber, Payment, Reference, Standing, Timestamp};
use payments::{Charge, LineItem, PaymentIntent, Session, SessionAmounts};

/// What a complete session sold, and what its cart adds.
pub(crate) struct Sale<'a> {
    pub(crate) session: &'a Session,
    pub(crate) made_from: &'a CheckoutMetadata,
    pub(crate) lines: &'a [LineItem],
    /// The cart as it is now; `None` where its row is gone.
    pub(crate) cart: Option<&'a cart::Cart>,
    /// What became of the money so far.
    pub(crate) standing: &'a Standing,
    /// The payments behind it.
    pub(crate) payments: &'a [PaymentIntent],
}

impl Sale<'_> {
    /// The order of the sale.
    ///
    /// # Errors
    ///
    /// Those of [`Session::amounts`].
    pub(crate) fn order(&self, number: OrderNumber, now: Timestamp) -> Result<Order, payments::Error> {
        let session = self.session;
        let SessionAmounts { currency, subtotal, total } = session.amounts()?;
        let money = |minor: i64| Money::new(minor, currency);
        let (shipping_name, shipping_address) = session.ship_to();
        let mut order = Order {
            number,
            reference: self.made_from.reference.unwrap_or_else(|| Reference::of_number(number)),
            livemode: session.is_live(),
            cart: self.made_from.number,
            shopper: None,
            recovered_from: session.recovered_from.clone(),
            standing: self.standing.clone(),
            lines: self.lines.iter().map(|line| self.order_line(line, currency)).collect(),
            subtotal: money(subtotal),
            discount: money(session.discount()),
            discounts: session.discounts(self.lines, currency),
            tax: money(session.tax()),
            taxes: session.taxes(currency),
            shipping: money(session.shipping_amount()),
            shipping_option: session.shipping_option(currency),
            total: money(total),
            presentment: session.presentment(),
            customer: session.buyer(),
            billing_address: session.billing_address(),
            shipping_name,
            shipping_address,
            custom_fields: session.custom_fields(),
            consent: session.consent(),
            metadata: CheckoutMetadata::without_own(&session.metadata),
            payment: Payment {
                session: session.id.clone(),
                payment_intent: session.payment_intent.as_ref().and_then(|object| object.id().parse().ok()),
                subscription: session.subscription.as_ref().and_then(|object| object.id().parse().ok()),
                invoice: session.invoice.as_ref().and_then(|object| object.id().parse().ok()),
                receipt_url: self.charges().find_map(|charge| charge.receipt_url().map(str::to_owned)),
            },
            invoice: session.invoice_details(),
            marks: self.marks(number, money(subtotal)),
            created_at: cart::whole_second(now),
            anonymised_at: None,
        };
        if let Some(bytes) = order.bound_price_metadata() {
            let most = Order::MAX_PRICE_METADATA;
            tracing::warn!(%number, bytes, most, "the metadata of the order's prices is left out of it: it is too much");
        }
        Ok(order)
    }

    fn charges(&self) -> impl Iterator<Item = &Charge> {
        self.payments.iter().filter_map(PaymentIntent::charge)
    }

    /// What the cart recorded when this very session was made; `None` where another session has replaced it since.
    fn recorded(&self) -> Option<&CurrentSession> {
        self.cart.and_then(cart::Cart::current_session).filter(|current| current.id == self.session.id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cart::{Address, Currency, Customer, DisputeReading, OrderStatus};
    use serde_json::{Value, json};

    use super::*;
    use crate::reading::{PaymentFailed, reading};

    /// What a session and the payment that came with it say of the money.
    pub(super) fn standing(session: &Session, failed: Option<PaymentFailed>) -> Result<Standing, payments::Error> {
        let payment: Vec<_> = session.payment().cloned().into_iter().collect();
        Ok(Standing::of_new_order(&reading(session, &payment, None, DisputeReading::None, failed)?).standing)
    }

    const CART: &str = "be45cb2605bf36bebde684841a28f0fd";

    fn address() -> Value {
        json!({ "line1": "1 Main St", "line2": null, "city": "Springfield", "state": "IL", "postal_code": "62701", "country": "US" })
    }

    /// A session as today's API sends it, with the payment that is asked for along with it.
    fn session() -> Value {
        json!({
            "id": "cs_test_1", "object": "checkout.session", "status": "complete", "payment_status": "paid",
            "mode": "payment", "currency": "usd", "amount_subtotal": 2400, "amount_total": 2790, "created": 1,
            "expires_at": 2, "customer": "cus_1", "invoice": null, "subscription": null,
            "metadata": {
                "stripe_payments_cart_number": CART, "stripe_payments_cart_version": "3",
                "stripe_payments_cart_total": "2400", "is_gift": "yes",
            },
            "customer_email": null,
            "customer_details": { "email": "ann@example.com", "name": "Ann", "phone": "+1555", "address": address() },
            "collected_information": { "shipping_details": { "name": "Bob", "address": address() } },
            "shipping_cost": { "amount_subtotal": 500, "amount_tax": 0, "amount_total": 500 },
            "total_details": { "amount_discount": 200, "amount_shipping": 500, "amount_tax": 90 },
            "payment_intent": {
                "id": "pi_1", "object": "payment_intent", "status": "succeeded",
                "latest_charge": { "id": "ch_1", "amount_refunded": 100 },
            },
        })
    }

    fn order_of(session: &Value) -> Order {
        let lines: Vec<LineItem> = serde_json::from_value(json!([{
            "id": "li_1", "description": "Mug", "quantity": 2, "amount_subtotal": 2400, "amount_discount": 200,
            "amount_tax": 90, "amount_total": 2290,
            "price": { "id": "price_mug", "product": "prod_mug", "nickname": "Blue", "metadata": { "shelf": "a" } },
            "discounts": session["total_details"]["breakdown"]["discounts"],
            "taxes": session["total_details"]["breakdown"]["taxes"],
        }]))
        .unwrap();
        let session: Session = serde_json::from_value(session.clone()).unwrap();
        let standing = standing(&session, None).unwrap();
        let number = OrderNumber::of_session(&session.id);
        let made_from = session.checkout().unwrap();
        let payments: Vec<_> = session.payment().cloned().into_iter().collect();
        let payments = &payments[..];
        Sale { session: &session, made_from: &made_from, lines: &lines, cart: None, standing: &standing, payments }
            .order(number, Timestamp::UNIX_EPOCH)
            .unwrap()
    }

    /// What Stripe's page can ask and answer, in the shapes of Stripe's types.
    ///
    /// Sources: <https://docs.stripe.com/api/checkout/sessions/object>, <https://docs.stripe.com/api/discounts/object>,
    /// <https://docs.stripe.com/api/tax_rates/object>, <https://docs.stripe.com/api/shipping_rates/object>,
    /// <https://docs.stripe.com/api/charges/object>, <https://docs.stripe.com/api/invoices/object>
    fn all_that_the_page_asks() -> Value {
        let mut session = session();
        let discount = json!({
            "id": "di_1", "object": "discount", "promotion_code": "promo_1",
            "source": { "type": "coupon", "coupon": "welcome10" },
        });
        let vat = json!({
            "id": "txr_1", "object": "tax_rate", "display_name": "VAT", "percentage": 7.75, "jurisdiction": "DE",
            "inclusive": true,
        });
        let custom = |label: &str| json!({ "custom": label, "type": "custom" });
        let more = json!({
            "livemode": true,
            "recovered_from": "cs_test_0",
            "consent": { "promotions": "opt_in", "terms_of_service": "accepted" },
            "custom_fields": [
                { "key": "size", "label": custom("Size"), "optional": false, "type": "dropdown",
                  "dropdown": { "default_value": null, "options": [{ "label": "Large", "value": "l" }], "value": "l" } },
                { "key": "floor", "label": custom("Floor"), "optional": true, "type": "numeric",
                  "numeric": { "default_value": null, "maximum_length": null, "minimum_length": null, "value": "3" } },
                { "key": "note", "label": custom("Note"), "optional": true, "type": "text",
                  "text": { "default_value": null, "maximum_length": null, "minimum_length": null, "value": null } },
            ],
            "discounts": [{ "coupon": null, "promotion_code": { "id": "promo_1", "object": "promotion_code", "code": "WELCOME" } }],
            "invoice": {
                "id": "in_1", "object": "invoice", "number": "ABC-0001",
                "hosted_invoice_url": "https://invoice.stripe.com/i/1", "invoice_pdf": "https://pay.stripe.com/invoice/1/pdf",
            },
            "presentment_details": { "presentment_amount": 2550, "presentment_currency": "eur" },
            "shipping_cost": {
                "amount_subtotal": 500, "amount_tax": 40, "amount_total": 540,
                "shipping_rate": {
                    "id": "shr_1", "object": "shipping_rate", "display_name": "Express",
                    "delivery_estimate": { "maximum": { "unit": "business_day", "value": 2 }, "minimum": null },
                },
            },
            "total_details": {
                "amount_discount": 200, "amount_shipping": 500, "amount_tax": 90,
                "breakdown": {
                    "discounts": [{ "amount": 200, "discount": discount }],
                    "taxes": [{ "amount": 90, "rate": vat, "taxability_reason": "standard_rated", "taxable_amount": 2110 }],
                },
            },
        });
        session.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        session["customer_details"]["business_name"] = json!("Ann Ltd");
        session["customer_details"]["tax_ids"] =
            json!([{ "type": "eu_vat", "value": "DE123456789" }, { "type": "unknown", "value": null }]);
        session["payment_intent"]["latest_charge"]["receipt_url"] = json!("https://pay.stripe.com/receipts/1");
        session
    }

    #[test]
    fn an_order_has_all_that_the_page_asked() {
        let order = order_of(&all_that_the_page_asks());

        let usd = |minor: i64| Money::new(minor, Currency::USD);
        let text = |text: &str| Some(text.to_owned());
        assert!(order.livemode);
        assert_eq!(order.recovered_from.unwrap().as_str(), "cs_test_0");
        let express = cart::ShippingOption {
            rate: text("shr_1"),
            name: text("Express"),
            amount: usd(500),
            tax: usd(40),
            delivery_estimate: Some(cart::DeliveryEstimate {
                minimum: None,
                maximum: Some(cart::DeliveryTime { unit: "business_day".to_owned(), value: 2 }),
            }),
        };
        assert_eq!(order.shipping_option, Some(express));
        let welcome = cart::Discount {
            amount: usd(200),
            coupon: text("welcome10"),
            promotion_code: text("promo_1"),
            code: text("WELCOME"),
        };
        assert_eq!(order.discounts, std::slice::from_ref(&welcome));
        let vat = cart::Tax {
            amount: usd(90),
            rate: text("txr_1"),
            name: text("VAT"),
            percentage: Some("7.75".parse().unwrap()),
            jurisdiction: text("DE"),
            inclusive: true,
        };
        assert_eq!(order.taxes, std::slice::from_ref(&vat));
        assert_eq!((&order.lines[0].discounts[..], &order.lines[0].taxes[..]), (&[welcome][..], &[vat][..]));
        let field = |key: &str, label: &str, kind: &str, value: Option<&str>| cart::CustomField {
            key: key.to_owned(),
            label: text(label),
            r#type: kind.to_owned(),
            value: value.map(str::to_owned),
        };
        let [size, floor] =
            [field("size", "Size", "dropdown", Some("l")), field("floor", "Floor", "numeric", Some("3"))];
        assert_eq!(order.custom_fields, [size, floor, field("note", "Note", "text", None)]);
        let agreed = cart::Consent { promotions: text("opt_in"), terms_of_service: text("accepted") };
        assert_eq!(order.consent, Some(agreed));
        assert_eq!(order.presentment, Some(Money::new(2550, "eur".parse().unwrap())));
        assert_eq!(order.customer.business_name, text("Ann Ltd"));
        let [vat_id, unknown] = &order.customer.tax_ids[..] else { panic!("{:?}", order.customer) };
        assert_eq!((&*vat_id.r#type, &vat_id.value), ("eu_vat", &text("DE123456789")));
        assert_eq!((&*unknown.r#type, &unknown.value), ("unknown", &None));
        assert_eq!(order.payment.receipt_url, text("https://pay.stripe.com/receipts/1"));
        let invoice = cart::Invoice {
            number: text("ABC-0001"),
            hosted_url: text("https://invoice.stripe.com/i/1"),
            pdf: text("https://pay.stripe.com/invoice/1/pdf"),
        };
        assert_eq!((order.payment.invoice.unwrap().as_str(), order.invoice), ("in_1", Some(invoice)));
        let line = &order.lines[0];
        assert_eq!((line.line.as_ref().unwrap().as_str(), &line.nickname), ("price_mug", &text("Blue")));
        assert_eq!(line.price_metadata, BTreeMap::from([("shelf".to_owned(), "a".to_owned())]));
    }

    /// What is not expanded, what other versions of the API have elsewhere, and what no version knows.
    #[test]
    fn what_cannot_be_read_of_what_the_page_asked_is_not_there() {
        let complete = all_that_the_page_asks();
        let changed = |pointer: &str, value: Value| {
            let mut session = complete.clone();
            *session.pointer_mut(pointer).unwrap() = value;
            order_of(&session)
        };

        let without_rate = changed("/shipping_cost/shipping_rate", json!("shr_1")).shipping_option.unwrap();
        assert_eq!((without_rate.rate.as_deref(), without_rate.name), (Some("shr_1"), None));
        let without_breakdown = changed("/total_details/breakdown", Value::Null);
        assert_eq!(without_breakdown.discounts[0].code.as_deref(), Some("WELCOME"));
        assert_eq!((without_breakdown.discounts[0].amount.minor(), without_breakdown.taxes), (200, vec![]));
        let without_code = changed("/discounts/0/promotion_code", json!("promo_1")).discounts;
        assert_eq!((without_code[0].promotion_code.as_deref(), &without_code[0].code), (Some("promo_1"), &None));
        let coupon_of_before = json!({ "id": "di_1", "promotion_code": null, "coupon": { "id": "welcome10" } });
        let before = changed("/total_details/breakdown/discounts/0/discount", coupon_of_before).discounts;
        assert_eq!(before[0].coupon.as_deref(), Some("welcome10"));
        assert_eq!(changed("/invoice", json!("in_1")).invoice, None);
        for (pointer, value) in [
            ("/consent", json!("yes")),
            ("/custom_fields", json!({})),
            ("/custom_fields/0", json!({ "label": 1 })),
            ("/discounts", json!("none")),
            ("/presentment_details", json!({ "presentment_amount": "2550" })),
            ("/recovered_from", json!("?")),
            ("/shipping_cost/shipping_rate", json!(5)),
            ("/shipping_cost/amount_tax", json!("much")),
            ("/total_details/breakdown", json!([])),
            ("/total_details/breakdown/discounts", json!([{}, 1])),
            ("/total_details/breakdown/taxes", json!([{ "amount": 90, "rate": null }])),
            ("/total_details/breakdown/taxes/0/rate/percentage", json!("much")),
            ("/customer_details/tax_ids", json!([{ "value": "DE1" }])),
            ("/payment_intent/latest_charge/receipt_url", json!({})),
        ] {
            assert_eq!(changed(pointer, value).total.minor(), 2790, "{pointer}");
        }
    }

    /// Changes a session: `None` takes the field out.
    fn with(changes: &[(&str, Option<Value>)]) -> Value {
        let mut session = session();
        for (field, value) in changes {
            let object = session.as_object_mut().unwrap();
            match value {
                Some(value) => object.insert((*field).to_owned(), value.clone()),
                None => object.remove(*field),
            };
        }
        session
    }

    #[test]
    fn a_session_of_todays_api_makes_a_complete_order() {
        let order = order_of(&session());

        let home: Address = serde_json::from_value(address()).unwrap();
        let ann = Customer {
            id: Some("cus_1".parse().unwrap()),
            email: Some("ann@example.com".to_owned()),
            name: Some("Ann".to_owned()),
            phone: Some("+1555".to_owned()),
            ..Customer::default()
        };
        assert_eq!(order.customer, ann);
        assert_eq!((order.billing_address, order.shipping_address), (Some(home.clone()), Some(home)));
        assert_eq!(order.shipping_name.as_deref(), Some("Bob"));
        let usd = |minor: i64| Money::new(minor, Currency::USD);
        assert_eq!((order.subtotal, order.discount, order.shipping), (usd(2400), usd(200), usd(500)));
        assert_eq!((order.tax, order.total), (usd(90), usd(2790)));
        assert_eq!((order.standing.captured, order.standing.refunded), (usd(2790), usd(100)));
        assert_eq!(order.standing.status, OrderStatus::PartiallyRefunded);
        assert_eq!(order.metadata, BTreeMap::from([("is_gift".to_owned(), "yes".to_owned())]));
        assert_eq!(order.payment.payment_intent.unwrap().as_str(), "pi_1");
        assert_eq!((order.lines.len(), order.lines[0].quantity), (1, 2));
        assert_eq!(order.marks, []);
    }

    #[test]
    fn sessions_of_other_versions_of_the_api_make_the_same_order() {
        let shipping = || Some(json!({ "name": "Bob", "address": address() }));
        let charge = json!({
            "id": "ch_1", "amount_refunded": 100,
            "billing_details": { "email": "ann@example.com", "name": "Ann", "phone": "+1555", "address": address() },
        });
        let intent = |fields: Value| {
            let mut intent = json!({ "id": "pi_1", "status": "succeeded" });
            intent.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            Some(intent)
        };
        let cases = [
            ("shipping_details", with(&[("collected_information", None), ("shipping_details", shipping())])),
            ("shipping", with(&[("collected_information", None), ("shipping", shipping())])),
            (
                "nothing was collected",
                with(&[
                    ("collected_information", Some(json!({ "shipping_details": null }))),
                    ("shipping_details", shipping()),
                ]),
            ),
            (
                "no total_details.amount_shipping",
                with(&[(
                    "total_details",
                    Some(json!({ "amount_discount": 200, "amount_shipping": null, "amount_tax": 90 })),
                )]),
            ),
            ("no shipping_cost", with(&[("shipping_cost", None)])),
            (
                "an expanded customer",
                with(&[("customer", Some(json!({ "id": "cus_1", "object": "customer", "deleted": true })))]),
            ),
            (
                "no customer_details",
                with(&[
                    ("customer_details", None),
                    ("customer_email", Some(json!("ann@example.com"))),
                    ("payment_intent", intent(json!({ "latest_charge": charge }))),
                ]),
            ),
            (
                "charges of a payment",
                with(&[(
                    "payment_intent",
                    intent(json!({ "latest_charge": "ch_1", "charges": { "object": "list", "data": [charge] } })),
                )]),
            ),
            (
                "unknown fields and words",
                with(&[
                    ("mode", Some(json!("barter"))),
                    ("currency_conversion", Some(json!({ "fx_rate": "1.1" }))),
                    ("ui_mode", Some(json!("hologram"))),
                    ("adaptive_pricing", Some(json!(null))),
                ]),
            ),
            (
                "null where a default will do",
                with(&[
                    ("mode", Some(Value::Null)),
                    ("created", Some(Value::Null)),
                    ("expires_at", Some(Value::Null)),
                    ("shipping_cost", Some(Value::Null)),
                ]),
            ),
        ];

        let expected = order_of(&session());
        for (case, session) in cases {
            assert_eq!(order_of(&session), expected, "{case}");
        }
    }

    #[test]
    fn what_a_session_does_not_say_is_nothing_and_not_an_error() {
        let metadata = json!({ "stripe_payments_cart_number": CART, "stripe_payments_cart_version": "3" });
        let bare = json!({
            "id": "cs_test_1", "metadata": metadata, "currency": "usd", "amount_subtotal": 0, "amount_total": 0,
        });
        let bare: Session = serde_json::from_value(bare).unwrap();

        let made_from = bare.checkout().unwrap();
        let standing = standing(&bare, None).unwrap();
        let sale =
            Sale { session: &bare, made_from: &made_from, lines: &[], cart: None, standing: &standing, payments: &[] };
        let order = sale.order(OrderNumber::of_session(&bare.id), Timestamp::UNIX_EPOCH).unwrap();

        assert_eq!((order.total, order.standing.status), (Money::new(0, Currency::USD), OrderStatus::AwaitingPayment));
        assert_eq!((order.customer, order.billing_address, order.shipping_address), (Customer::default(), None, None));
    }

    #[test]
    fn without_its_currency_or_an_amount_a_session_makes_no_order() {
        for (field, value) in [
            ("currency", None),
            ("currency", Some(json!("gold"))),
            ("amount_subtotal", None),
            ("amount_total", Some(Value::Null)),
        ] {
            let session: Session = serde_json::from_value(with(&[(field, value)])).unwrap();
            let made_from = session.checkout().unwrap();
            let complete: Session = serde_json::from_value(self::session()).unwrap();
            let paid = standing(&complete, None).unwrap();
            let sale = Sale {
                session: &session,
                made_from: &made_from,
                lines: &[],
                cart: None,
                standing: &paid,
                payments: &[],
            };

            let error = sale.order(OrderNumber::of_session(&session.id), Timestamp::UNIX_EPOCH).unwrap_err();

            assert!(error.to_string().ends_with(&format!("session cs_test_1 has no {field}")), "{error}");
            assert!(matches!(error, payments::Error::Unreadable { .. }));
            assert_eq!(standing(&session, None).unwrap_err().to_string(), error.to_string());
        }
    }

    #[test]
    fn a_line_without_an_amount_is_not_read() {
        let line =
            json!({ "id": "li_1", "amount_subtotal": 1, "amount_discount": 0, "amount_tax": 0, "amount_total": 1 });
        assert!(serde_json::from_value::<LineItem>(line.clone()).is_ok());

        for field in ["amount_subtotal", "amount_discount", "amount_tax", "amount_total"] {
            let mut line = line.clone();
            line[field] = Value::Null;
            assert!(serde_json::from_value::<LineItem>(line).is_err(), "{field}");
        }
    }

    #[test]
    fn unknown_words_for_a_payment_never_count_as_paid() {
        for (session_says, intent_says, expected) in [
            ("paid", "succeeded", OrderStatus::PartiallyRefunded),
            ("no_payment_required", "?", OrderStatus::PartiallyRefunded),
            ("unpaid", "processing", OrderStatus::AwaitingPayment),
            ("unpaid", "requires_capture", OrderStatus::Authorized),
            ("unpaid", "requires_payment_method", OrderStatus::PaymentFailed),
            ("unpaid", "canceled", OrderStatus::Canceled),
            // In subscription mode a session may go on to call itself unpaid.
            ("unpaid", "succeeded", OrderStatus::PartiallyRefunded),
            ("promised", "?", OrderStatus::AwaitingPayment),
        ] {
            let mut session = with(&[("payment_status", Some(json!(session_says)))]);
            session["payment_intent"]["status"] = json!(intent_says);

            assert_eq!(order_of(&session).standing.status, expected, "{session_says}, {intent_says}");
        }
    }

    /// The payment says more than an event about it, which may be old.
    #[test]
    fn an_event_of_a_failed_payment_counts_only_where_no_payment_can_be_read() {
        for (payment, status) in [
            (Some(json!("pi_1")), OrderStatus::PaymentFailed),
            (None, OrderStatus::PaymentFailed),
            (Some(json!({ "id": "pi_1", "status": "processing" })), OrderStatus::AwaitingPayment),
            (Some(json!({ "id": "pi_1", "status": "requires_payment_method" })), OrderStatus::PaymentFailed),
        ] {
            let unpaid = with(&[("payment_status", Some(json!("unpaid"))), ("payment_intent", payment.clone())]);
            let unpaid: Session = serde_json::from_value(unpaid).unwrap();

            assert_eq!(standing(&unpaid, Some(PaymentFailed)).unwrap().status, status, "{payment:?}");
        }
    }
}
