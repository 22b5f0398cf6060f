//! What a person should look at in an order.

use cart::{Expected, ExpectedLine, Mark, Money, OrderNumber};
use payments::{LineItem, LinePrice};

use super::Sale;

impl Sale<'_> {
    /// What a person should look at, in an order whose lines came to `subtotal`.
    pub(super) fn marks(&self, number: OrderNumber, subtotal: Money) -> Vec<Mark> {
        let paid_twice = self.cart.is_some_and(|cart| cart.was_sold_since(self.made_from.version, number));
        let marks = [
            paid_twice.then_some(Mark::CartPaidTwice),
            (self.has_strange_lines() || self.differs(subtotal)).then_some(Mark::UnexpectedAmount),
            self.made_from.no_shipping.then_some(Mark::NoShipping),
        ];
        marks.into_iter().flatten().collect()
    }

    /// Whether something was sold that is neither the cart's nor one of the optional items. In a session from before its
    /// lines named the cart's, this cannot be told.
    fn has_strange_lines(&self) -> bool {
        self.names_lines() && self.lines.iter().any(|line| line.made_from.is_none() && !self.is_optional(line))
    }

    fn is_optional(&self, line: &LineItem) -> bool {
        line.price.as_ref().is_some_and(|price| self.session.offers(price))
    }

    /// Whether something else was sold than the cart recorded when the session was made.
    ///
    /// What the shopper may change on Stripe's page is not compared, and neither are discounts, shipping and tax on top. The
    /// amount is Stripe's own, from when the session was made: nothing, for a trial.
    fn differs(&self, subtotal: Money) -> bool {
        let Some(recorded) = self.recorded() else { return false };
        let Some(expected) = &recorded.expected else { return false };
        let is_fixed = !recorded.adjustable;
        let lines = self.lines.iter().filter_map(|line| self.expected_line(line));
        !expected.is_met_by(&Expected::new(subtotal, lines, is_fixed), is_fixed)
    }

    /// A line that was sold, as it was to be expected; `None` for what the shopper added on Stripe's page.
    fn expected_line(&self, line: &LineItem) -> Option<ExpectedLine> {
        let price = line.price.as_ref();
        let is_custom = price.is_some_and(LinePrice::is_custom);
        let is_metered = price.is_some_and(LinePrice::is_metered);
        Some(ExpectedLine {
            line: self.made_from(line)?.into_owned(),
            price: price.filter(|_| !is_custom).and_then(LinePrice::id),
            unit: price.filter(|_| !is_custom).and_then(LinePrice::unit),
            quantity: line.quantity.filter(|_| !is_metered),
        })
    }
}

#[cfg(test)]
mod tests {
    use cart::{
        Addition, Cart, Change, Currency, CurrentSession, Lifetime, Offer, Offers, Quantity, Snapshot, Timestamp,
        Token, Totals,
    };
    use payments::Session;
    use serde_json::{Value, json};

    use super::*;
    use crate::order::tests::standing;

    const SESSION: &str = "cs_test_1";

    fn merged(object: Value, more: &Value) -> Value {
        let mut object = object;
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    }

    fn price(id: &str, more: &Value) -> Value {
        let own = json!({ "id": id, "currency": "usd", "product": "prod_a", "type": "one_time" });
        merged(own, more)
    }

    fn mug() -> Value {
        price("price_mug", &json!({ "unit_amount": 1200, "unit_amount_decimal": "1200" }))
    }

    fn club() -> Value {
        let monthly = json!({ "interval": "month", "trial_period_days": 14, "usage_type": "licensed" });
        price("price_club", &json!({ "type": "recurring", "unit_amount": 900, "recurring": monthly }))
    }

    fn pens() -> Value {
        let tiers = json!([{ "up_to": null, "unit_amount": 100 }]);
        price("price_pens", &json!({ "billing_scheme": "tiered", "tiers_mode": "volume", "tiers": tiers }))
    }

    fn donation() -> Value {
        price("price_donation", &json!({ "custom_unit_amount": { "preset": 500 }, "unit_amount": null }))
    }

    fn usage() -> Value {
        let metered = json!({ "interval": "month", "usage_type": "metered" });
        price("price_usage", &json!({ "type": "recurring", "unit_amount": 3, "recurring": metered }))
    }

    /// A line of a session, as Stripe gives it back: the tiers of its price are not there.
    fn line(price: &Value, quantity: Option<u64>) -> Value {
        let mut shown = price.clone();
        shown.as_object_mut().unwrap().remove("tiers");
        json!({
            "id": "li_1", "quantity": quantity, "price": shown, "metadata": { "stripe_payments_line": price["id"] },
            "amount_subtotal": 0, "amount_discount": 0, "amount_tax": 0, "amount_total": 0,
        })
    }

    /// A cart that checked out one unit or more of each price, in dollars or in another currency, for `subtotal`.
    struct CheckedOut {
        prices: Vec<(Value, u64)>,
        subtotal: i64,
        adjustable: bool,
    }

    /// What was paid, and what is known of it.
    #[derive(Clone)]
    struct Paid {
        lines: Vec<Value>,
        subtotal: i64,
        currency: &'static str,
        optional_items: Value,
        recorded: Recorded,
    }

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Recorded {
        This,
        /// By an earlier version, which did not record what was expected.
        ThisBefore,
        /// Another session has replaced it.
        Another,
        /// The cart's row is gone.
        Nothing,
    }

    impl CheckedOut {
        fn new(prices: &[(Value, u64)], subtotal: i64) -> Self {
            Self { prices: prices.to_vec(), subtotal, adjustable: false }
        }

        fn adjustable(self) -> Self {
            Self { adjustable: true, ..self }
        }

        /// It is paid as it was checked out.
        fn paid(&self) -> Paid {
            let is_metered = |price: &Value| price["recurring"]["usage_type"] == "metered";
            let lines = self.prices.iter().map(|(price, units)| line(price, (!is_metered(price)).then_some(*units)));
            Paid {
                lines: lines.collect(),
                subtotal: self.subtotal,
                currency: "usd",
                optional_items: Value::Null,
                recorded: Recorded::This,
            }
        }

        fn marks(&self, paid: &Paid) -> Vec<Mark> {
            let offer = |price: &Value| Offer {
                price: serde_json::from_value(price.clone()).unwrap(),
                product: serde_json::from_value(json!({ "id": "prod_a" })).unwrap(),
            };
            let offers: Offers = self.prices.iter().map(|(price, _)| offer(price)).collect();
            let now = Timestamp::UNIX_EPOCH;
            let mut cart = Cart::new(Token::from_bytes([1; 16]).number(), now, Lifetime::default());
            let items = self.prices.iter().map(|(price, units)| {
                Addition::new(price["id"].as_str().unwrap().parse().unwrap(), Quantity::new(*units).unwrap())
            });
            cart.apply(&Change::add(items.collect()).unwrap(), &offers, now).unwrap();
            let totals = Totals::new(&cart, &offers, Currency::USD);
            let lines = totals.lines.iter().map(ExpectedLine::from);
            let expected = Expected::new(Money::new(self.subtotal, Currency::USD), lines, !self.adjustable);
            let id = if paid.recorded == Recorded::Another { "cs_test_2" } else { SESSION };
            let session = CurrentSession {
                id: id.parse().unwrap(),
                version: cart.version(),
                parameters: String::new(),
                expires_at: None,
                descriptions: [].into(),
                adjustable: self.adjustable,
                expected: (paid.recorded != Recorded::ThisBefore).then_some(expected),
            };
            let cart = Cart::restore(
                Snapshot {
                    number: cart.number(),
                    version: cart.version(),
                    status: cart.status(),
                    lines: cart.lines().to_vec(),
                    currency: cart.currency(),
                    own_currency: cart.own_currency(),
                    metadata: cart.metadata().clone(),
                    current_session: Some(session),
                    sold_at: None,
                    created_at: now,
                    updated_at: now,
                    expires_at: cart.expires_at(),
                },
                Lifetime::default(),
            );

            let session: Session = serde_json::from_value(json!({
                "id": SESSION, "currency": paid.currency, "amount_subtotal": paid.subtotal, "amount_total": 0,
                "optional_items": paid.optional_items, "metadata": {
                    "stripe_payments_cart_number": cart.number(), "stripe_payments_cart_version": "1",
                },
            }))
            .unwrap();
            let lines: Vec<LineItem> = serde_json::from_value(json!(paid.lines)).unwrap();
            let made_from = session.checkout().unwrap();
            let cart = (paid.recorded != Recorded::Nothing).then_some(&cart);
            let standing = standing(&session, None).unwrap();
            let sale = Sale {
                session: &session,
                made_from: &made_from,
                lines: &lines,
                cart,
                standing: &standing,
                payments: &[],
            };
            sale.order(OrderNumber::of_session(&session.id), now).unwrap().marks
        }
    }

    #[test]
    fn what_stripe_does_with_a_good_session_is_not_marked() {
        let plain = || CheckedOut::new(&[(mug(), 2)], 2400);
        let mixed = || CheckedOut::new(&[(mug(), 2), (pens(), 30)], 5400);
        let optional = json!([{ "price": "price_sticker", "quantity": 1 }]);
        let sticker = || {
            merged(line(&price("price_sticker", &json!({ "unit_amount": 50 })), Some(1)), &json!({ "metadata": {} }))
        };
        let with = |checked_out: CheckedOut, change: fn(&mut Paid)| {
            let mut paid = checked_out.paid();
            change(&mut paid);
            (checked_out, paid)
        };
        let mut cases = vec![
            ("paid as checked out", with(plain(), |_| {})),
            ("tiers, which Stripe does not show with the line", with(mixed(), |_| {})),
            ("in another order", with(mixed(), |paid| paid.lines.reverse())),
            ("a trial", with(CheckedOut::new(&[(club(), 1), (mug(), 1)], 1200), |_| {})),
            ("usage that is metered", with(CheckedOut::new(&[(usage(), 7)], 0), |_| {})),
            (
                "an adjusted quantity",
                with(mixed().adjustable(), |paid| {
                    paid.lines[0]["quantity"] = json!(5);
                    paid.subtotal = 9000;
                }),
            ),
            (
                "an amount of the shopper's choice",
                with(CheckedOut::new(&[(donation(), 1)], 500).adjustable(), |paid| {
                    paid.lines[0]["price"]["id"] = json!("price_chosen");
                    paid.lines[0]["price"]["unit_amount"] = json!(7700);
                    paid.subtotal = 7700;
                }),
            ),
        ];
        let (checked_out, mut paid) = with(plain().adjustable(), |paid| paid.subtotal = 2450);
        paid.optional_items = optional;
        paid.lines.push(sticker());
        cases.push(("an optional item", (checked_out, paid)));

        for (case, (checked_out, paid)) in cases {
            assert_eq!(checked_out.marks(&paid), [], "{case}");
        }
    }

    #[test]
    fn what_is_odd_is_marked_as_far_as_it_is_known() {
        use Recorded::{Another, Nothing, This, ThisBefore};
        type Change = fn(&mut Paid);
        let strange = |paid: &mut Paid| {
            let more = line(&price("price_gold", &json!({ "unit_amount": 1 })), Some(1));
            paid.lines.push(merged(more, &json!({ "metadata": {} })));
        };
        // What is odd, whether it is noticed where the shopper may change what is bought, and whether without a record.
        let cases: [(&str, Change, bool, bool); 8] = [
            ("an altered amount", |paid| paid.lines[0]["price"]["unit_amount_decimal"] = json!("1"), true, false),
            ("another price", |paid| paid.lines[0]["price"]["id"] = json!("price_cheap"), true, false),
            ("another currency", |paid| paid.currency = "eur", true, false),
            ("a missing line", |paid| drop(paid.lines.pop()), true, false),
            ("a line that is there twice", |paid| paid.lines.push(paid.lines[0].clone()), true, false),
            ("a line from elsewhere", strange, true, true),
            ("another quantity", |paid| paid.lines[0]["quantity"] = json!(3), false, false),
            ("another sum", |paid| paid.subtotal -= 1, false, false),
        ];

        for (case, change, when_adjustable, when_unknown) in cases {
            for (recorded, adjustable, is_marked) in [
                (This, false, true),
                (This, true, when_adjustable),
                (ThisBefore, false, when_unknown),
                (Another, false, when_unknown),
                (Nothing, false, when_unknown),
            ] {
                let checked_out = CheckedOut::new(&[(mug(), 2), (pens(), 30)], 5400);
                let checked_out = if adjustable { checked_out.adjustable() } else { checked_out };
                let mut paid = Paid { recorded, ..checked_out.paid() };
                change(&mut paid);

                let marks = checked_out.marks(&paid);

                let expected: &[Mark] = if is_marked { &[Mark::UnexpectedAmount] } else { &[] };
                assert_eq!(marks, expected, "{case}, adjustable: {adjustable}");
            }
        }
    }

    #[test]
    fn a_session_from_before_its_lines_named_the_carts_is_not_looked_at() {
        let checked_out = CheckedOut::new(&[(mug(), 2)], 2400);
        let mut paid = Paid { recorded: Recorded::ThisBefore, subtotal: 9900, ..checked_out.paid() };
        paid.lines.push(line(&pens(), Some(1)));
        for line in &mut paid.lines {
            line["metadata"] = json!({});
        }

        assert_eq!(checked_out.marks(&paid), []);
    }
}
