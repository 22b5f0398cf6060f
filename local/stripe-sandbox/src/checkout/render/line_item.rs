//! Lines of a session as Stripe's API shows them (<https://docs.stripe.com/api/checkout/sessions/line_items>).

use serde_json::{Value, json};

use super::amounts::tax;
use crate::protocol::template::Template;
use crate::session::{Adjustable, Line, Session};
use crate::state::State;

static TEMPLATE: Template = Template::new(include_str!("../../../data/objects/line_item.json"));

impl Line {
    /// The line item object, whole.
    pub(crate) fn render(&self, session: &Session, state: &State) -> Value {
        let amounts = &self.amounts;
        let discounts: Vec<Value> = session
            .discount_object()
            .filter(|_| amounts.discount > 0)
            .into_iter()
            .map(|discount| json!({ "amount": amounts.discount, "discount": discount }))
            .collect();
        let taxes: Vec<Value> = amounts
            .rates
            .iter()
            .zip(&amounts.taxes.amounts)
            .map(|(rate, amount)| tax(rate, *amount, amounts.taxes.taxable))
            .collect();
        TEMPLATE.with(json!({
            "id": self.id,
            "adjustable_quantity": self.adjustable_quantity(),
            "amount_discount": amounts.discount,
            "amount_subtotal": amounts.subtotal,
            "amount_tax": amounts.tax(),
            "amount_total": amounts.total(),
            "currency": session.currency,
            "description": self.description,
            "discounts": discounts,
            "metadata": self.metadata,
            "price": state.prices.get(&self.price),
            "quantity": self.quantity,
            "taxes": taxes,
        }))
    }

    /// The line as an optional item of a session.
    pub(super) fn render_optional(&self) -> Value {
        json!({
            "adjustable_quantity": self.adjustable_quantity(),
            "price": self.price,
            "quantity": self.quantity,
        })
    }

    fn adjustable_quantity(&self) -> Value {
        let shown = |adjustable: Adjustable| json!({ "enabled": adjustable.enabled, "maximum": adjustable.maximum, "minimum": adjustable.minimum });
        self.adjustable.map(shown).unwrap_or_default()
    }
}
