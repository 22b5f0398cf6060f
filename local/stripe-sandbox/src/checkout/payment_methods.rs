//! How a session's shopper can pay.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use crate::protocol::json_text;
use crate::protocol::refusal::Refusal;
use crate::session::Session;
use crate::state::State;

/// What a payment method can do.
///
/// Source: <https://docs.stripe.com/payments/payment-methods/payment-method-support>
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PaymentMethod {
    /// Every currency, where it is not limited to some.
    currencies: Option<Vec<String>>,
    /// Whether the money comes days later.
    #[serde(default)]
    delayed: bool,
    #[serde(default = "yes")]
    recurring: bool,
    /// The largest amount of one payment by currency, where the method has one of its own.
    #[serde(default)]
    most: BTreeMap<String, i64>,
}

fn yes() -> bool {
    true
}

#[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
static METHODS: LazyLock<BTreeMap<String, PaymentMethod>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../data/payment_methods.json")).expect("the file lists payment methods")
});

impl PaymentMethod {
    fn fits(&self, session: &Session) -> bool {
        let fits_currency = self.currencies.as_ref().is_none_or(|own| own.contains(&session.currency));
        fits_currency && (self.recurring || !session.is_recurring())
    }

    fn takes(&self, amount: i64, currency: &str) -> bool {
        self.most.get(currency).is_none_or(|most| amount <= *most)
    }
}

/// The methods that are switched on in the dashboard, fit the session, and are not filtered out by it.
///
/// # Errors
///
/// Refuses the session if no method is left. The message is the one that shops reported; it has no code and no
/// parameter. Where the amount is too large for each method that would be left, the refusal says so, without a parameter.
pub(super) fn payment_methods(state: &State, session: &Session) -> Result<Vec<String>, Refusal> {
    let listed = |name: &str, method: &str| {
        session.params[name].as_array().map(|methods| methods.iter().any(|listed| json_text(listed) == method))
    };
    let is_offered = |method: &&String| {
        METHODS.get(*method).is_some_and(|known| known.fits(session))
            && listed("allowed_payment_method_types", method).unwrap_or(true)
            && !listed("excluded_payment_method_types", method).unwrap_or(false)
    };
    let offered: Vec<String> = state.dashboard.payment_methods.iter().filter(is_offered).cloned().collect();
    let total = session.totals().total;
    let takes = |method: &&String| METHODS.get(*method).is_some_and(|known| known.takes(total, &session.currency));
    let able: Vec<String> = offered.iter().filter(takes).cloned().collect();
    if !able.is_empty() {
        return Ok(able);
    }
    if let Some(method) = offered.first() {
        let message = format!("The Checkout Session's total amount due is more than {method} takes in one payment.");
        return Err(Refusal::Invalid { param: None, code: Some("amount_too_large"), message });
    }
    let message = "No valid payment method types for this Checkout Session. Please ensure that you have activated \
                   payment methods compatible with your chosen currency in your dashboard \
                   (https://dashboard.stripe.com/settings/payment_methods) or specify allowed_payment_method_types.";
    Err(Refusal::Invalid { param: None, code: None, message: message.to_owned() })
}

impl Session {
    /// Whether the shopper can pay with money that comes later.
    ///
    /// Simpler than Stripe: a delayed method stands for one of the session's currency, so that only the session's own
    /// filter matters.
    pub(crate) fn takes_delayed_methods(&self) -> bool {
        let is_delayed = |method: &Value| METHODS.get(json_text(method)).is_some_and(|method| method.delayed);
        self.params["allowed_payment_method_types"].as_array().is_none_or(|allowed| allowed.iter().any(is_delayed))
    }
}
