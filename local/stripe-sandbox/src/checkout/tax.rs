//! What Stripe Tax wants before it computes anything (<https://docs.stripe.com/tax/set-up>).

use serde_json::Value;

use crate::protocol::json_text;
use crate::protocol::refusal::Refusal;
use crate::session::Session;
use crate::state::State;

/// Refuses automatic tax where the account or a price is not set up for it.
pub(super) fn check_automatic_tax(state: &State, session: &Session) -> Result<(), Refusal> {
    if !session.automatic_tax() {
        return Ok(());
    }
    let tax = &state.dashboard.tax;
    let refused = |code, message: String| Err(Refusal::Invalid { param: None, code, message });
    // The words that shops reported (<https://github.com/wasp-lang/open-saas/issues/78>).
    if !tax.is_active {
        let message = "Stripe Tax has not been activated on your account. Please visit \
                       https://stripe.com/docs/tax/set-up to get started.";
        return refused(Some("stripe_tax_inactive"), message.to_owned());
    }
    if !tax.has_origin_address {
        let message = "You must have a valid origin address to enable automatic tax calculation in test mode. Visit \
                       https://dashboard.stripe.com/test/settings/tax to update it.";
        return refused(Some("stripe_tax_inactive"), message.to_owned());
    }
    if tax.has_default_behavior {
        return Ok(());
    }
    let prices = session.lines.iter().chain(&session.optional).filter_map(|line| state.prices.get(&line.price));
    match prices.into_iter().find(|price| !has_behavior(price, &session.currency)) {
        Some(price) => refused(
            None,
            format!(
                "`tax_behavior` is not set on the price `{}`. Automatic tax requires it on each price, unless the tax \
                 settings of your account have a default.",
                json_text(&price["id"])
            ),
        ),
        None => Ok(()),
    }
}

fn has_behavior(price: &Value, currency: &str) -> bool {
    let own = if price["currency"] == currency { price } else { &price["currency_options"][currency] };
    matches!(own["tax_behavior"].as_str(), Some("exclusive" | "inclusive"))
}
