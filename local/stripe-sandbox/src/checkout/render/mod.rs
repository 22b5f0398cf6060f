//! Sessions as Stripe's API shows them (<https://docs.stripe.com/api/checkout/sessions/object>).

mod amounts;
mod asked;
mod line_item;

use serde_json::{Value, json};

use crate::protocol::template::{Template, fill};
use crate::session::Session;
use crate::state::{State, list};

static TEMPLATE: Template = Template::new(include_str!("../../../data/objects/session.json"));

/// Parameters that the object shows as they were given.
const AS_GIVEN: [&str; 18] = [
    "allow_promotion_codes",
    "allowed_payment_method_types",
    "billing_address_collection",
    "cancel_url",
    "client_reference_id",
    "customer_email",
    "excluded_payment_method_types",
    "integration_identifier",
    "locale",
    "origin_context",
    "payment_method_collection",
    "redirect_on_completion",
    "return_url",
    "shipping_address_collection",
    "submit_type",
    "success_url",
    "ui_mode",
    "wallet_options",
];

impl Session {
    /// The session object, whole: with everything that has to be expanded.
    pub(crate) fn render(&self, state: &State) -> Value {
        let mut object = TEMPLATE.with(self.progress());
        for name in AS_GIVEN.into_iter().filter(|name| !self.params[*name].is_null()) {
            object[name] = self.params[name].clone();
        }
        fill(&mut object, self.asked());
        fill(&mut object, self.amounts());
        if let Some(details) = self.presentment_details() {
            object["presentment_details"] = details;
        }
        object["line_items"] = self.line_items(state);
        object
    }

    /// How far the session is, and what came of it.
    fn progress(&self) -> Value {
        json!({
            "id": self.id,
            "client_secret": self.client_secret.as_ref().filter(|_| self.is_open()),
            "collected_information": { "shipping_details": self.shipping_details },
            "consent": self.consent(),
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "customer_details": self.customer_details,
            "expires_at": self.expires_at,
            "invoice": self.invoice,
            "metadata": self.metadata,
            "mode": self.mode.name(),
            "payment_intent": self.payment_intent,
            "payment_method_collection": if self.is_recurring() { "always" } else { "if_required" },
            "payment_status": self.payment_status.name(),
            "recovered_from": self.recovered_from,
            "status": self.status.name(),
            "subscription": self.subscription,
            "url": self.url.as_ref().filter(|_| self.is_open()),
        })
    }

    /// The lines, in a list object.
    fn line_items(&self, state: &State) -> Value {
        const SHOWN: usize = 10;
        let lines = self.lines.iter().take(SHOWN).map(|line| line.render(self, state)).collect();
        let url = format!("/v1/checkout/sessions/{}/line_items", self.id);
        list::object(&url, lines, self.lines.len() > SHOWN)
    }
}
