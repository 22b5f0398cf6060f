//! The lines of a sale, and the cart's lines behind them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use cart::{Currency, Line, LineId, Money, OrderLine};
use payments::{LineItem, LinePrice};

use super::Sale;

/// The longest name of a line, in characters: as long as a product's name may be. An order of 100 lines has to fit an item.
const LONGEST_NAME: usize = 250;

impl Sale<'_> {
    /// How many units of each of the cart's lines were sold.
    pub(crate) fn units(&self) -> BTreeMap<LineId, u64> {
        let mut units = BTreeMap::new();
        for line in self.lines {
            if let Some(id) = self.made_from(line) {
                let sum: &mut u64 = units.entry(id.into_owned()).or_default();
                *sum = sum.saturating_add(self.units_of(line));
            }
        }
        units
    }

    /// The cart's line that a line of the session was made from; `None` for what the shopper added on Stripe's page.
    pub(super) fn made_from<'a>(&self, line: &'a LineItem) -> Option<Cow<'a, LineId>> {
        match &line.made_from {
            Some(made_from) => Some(Cow::Borrowed(&made_from.line)),
            None if self.names_lines() => None,
            // The session was made before its lines named the cart's: a cart had one line of a price.
            None => line.price.as_ref()?.id().map(|price| Cow::Owned(LineId::from(&price))),
        }
    }

    /// Whether the session's lines say which of the cart's lines they were made from.
    pub(super) fn names_lines(&self) -> bool {
        self.lines.iter().any(|line| line.made_from.is_some())
    }

    /// Stripe counts no units of metered usage: they are the cart's.
    fn units_of(&self, line: &LineItem) -> u64 {
        line.quantity.or(self.held(line).map(|held| held.quantity.into())).unwrap_or(1)
    }

    /// The cart's line, as it is now, that a line of the session was made from.
    fn held(&self, line: &LineItem) -> Option<&Line> {
        let id = self.made_from(line)?;
        self.cart?.lines().iter().find(|held| held.answers_to(&id))
    }

    /// The own text of the cart's line.
    fn description(&self, line: &LineItem) -> Option<String> {
        if let Some(made_from) = &line.made_from {
            return made_from.description.clone();
        }
        match self.recorded() {
            Some(session) => session.descriptions.get(&line.price.as_ref()?.id()?).cloned(),
            None => Some(self.held(line)?.description.as_ref()?.as_str().to_owned()),
        }
    }

    pub(super) fn order_line(&self, line: &LineItem, currency: Currency) -> OrderLine {
        let money = |minor: i64| Money::new(minor, currency);
        let product = line.price.as_ref().and_then(|price| price.product.as_ref());
        OrderLine {
            line: self.made_from(line).map(Cow::into_owned),
            price: line.price.as_ref().and_then(LinePrice::id),
            product: product.and_then(|product| product.id().parse().ok()),
            name: line.description.iter().flat_map(|name| name.chars()).take(LONGEST_NAME).collect(),
            nickname: line.price.as_ref().and_then(|price| price.nickname.clone()),
            description: self.description(line),
            attributes: line.made_from.as_ref().map(|made_from| made_from.attributes.clone()).unwrap_or_default(),
            price_metadata: line.price.as_ref().map(|price| price.metadata.clone()).unwrap_or_default(),
            quantity: self.units_of(line),
            subtotal: money(line.amount_subtotal),
            discount: money(line.amount_discount),
            discounts: self.session.discounts_of(line, currency),
            tax: money(line.amount_tax),
            taxes: line.taxes(currency),
            total: money(line.amount_total),
        }
    }
}

#[cfg(test)]
mod tests {
    use payments::Session;
    use serde_json::{Value, json};

    use super::*;
    use crate::order::tests::standing;

    /// A line of a session, as Stripe's API sends it.
    fn line(price: &str, quantity: u64, metadata: &Value) -> Value {
        json!({
            "id": "li_1", "description": "Mug", "quantity": quantity, "metadata": metadata,
            "price": { "id": price, "product": "prod_mug" },
            "amount_subtotal": 0, "amount_discount": 0, "amount_tax": 0, "amount_total": 0,
        })
    }

    /// A line that was made from the cart's line `id`.
    fn of(id: &str, price: &str, quantity: u64) -> Value {
        line(price, quantity, &json!({ "stripe_payments_line": id, "stripe_payments_description": "blue" }))
    }

    /// What is sold of which of the cart's lines, and the texts of the order's lines, once the cart's row is gone.
    fn sold(lines: &[Value]) -> (Vec<(String, u64)>, Vec<Option<String>>) {
        let session = json!({
            "id": "cs_1", "currency": "usd", "amount_subtotal": 0, "amount_total": 0, "metadata": {
                "stripe_payments_cart_number": "be45cb2605bf36bebde684841a28f0fd",
                "stripe_payments_cart_version": "3",
            },
        });
        let session: Session = serde_json::from_value(session).unwrap();
        let lines: Vec<LineItem> = serde_json::from_value(json!(lines)).unwrap();
        let made_from = session.checkout().unwrap();
        let standing = standing(&session, None).unwrap();
        let sale = Sale {
            session: &session,
            made_from: &made_from,
            lines: &lines,
            cart: None,
            standing: &standing,
            payments: &[],
        };
        let texts = lines.iter().map(|line| sale.order_line(line, Currency::USD).description).collect();
        (sale.units().into_iter().map(|(id, units)| (id.into(), units)).collect(), texts)
    }

    #[test]
    fn what_was_sold_is_known_by_the_line_and_before_lines_said_so_by_the_price() {
        let nothing = json!({});
        let cases = [
            ("as checked out", vec![of("price_a", "price_a", 2), of("price_b", "price_b", 1)], vec![2, 1]),
            (
                "another price on the page",
                vec![of("price_a", "price_yearly", 2), of("price_b", "price_b", 1)],
                vec![2, 1],
            ),
            (
                "an optional item of a price that the cart holds",
                vec![of("price_a", "price_a", 2), line("price_b", 5, &nothing)],
                vec![2],
            ),
            ("a line of a later release", vec![of("price_a~ggJRZYuNkz8", "price_a", 2)], vec![2]),
            ("a session from before", vec![line("price_a", 2, &nothing), line("price_b", 3, &nothing)], vec![2, 3]),
            ("twice the same price before", vec![line("price_a", 2, &nothing), line("price_a", 3, &nothing)], vec![5]),
            ("an id that no cart can hold", vec![of("price_a", "price_a", 1), line("gold~1.5", 1, &nothing)], vec![1]),
        ];

        for (case, lines, units) in cases {
            assert_eq!(sold(&lines).0.into_iter().map(|(_, units)| units).collect::<Vec<_>>(), units, "{case}");
        }
        assert_eq!(sold(&[of("price_a", "price_yearly", 1)]).0, [("price_a".to_owned(), 1)]);
    }

    #[test]
    fn the_lines_text_is_the_one_that_stripe_gives_back() {
        let lines = [of("price_a", "price_a", 1), line("price_b", 1, &json!({ "stripe_payments_line": "price_b" }))];

        assert_eq!(sold(&lines).1, [Some("blue".to_owned()), None]);
    }
}
