//! What a session asks the shopper to agree to
//! (<https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-consent_collection>).

use serde_json::{Value, json};

use crate::protocol::refusal::Refusal;
use crate::session::{Session, Status};
use crate::state::State;

/// The one country whose merchants and shoppers have consent to promotions.
const PROMOTIONS_COUNTRY: &str = "US";

/// Refuses to ask for what the account may not ask for.
pub(super) fn check_consent(state: &State, params: &Value) -> Result<(), Refusal> {
    let asked = &params["consent_collection"];
    if asked["promotions"] == "auto" && state.dashboard.country != PROMOTIONS_COUNTRY {
        let message = "`consent_collection[promotions]` is not available in your country.";
        return Err(Refusal::invalid("consent_collection[promotions]", message));
    }
    if asked["terms_of_service"] == "required" && state.dashboard.terms_of_service_url.is_none() {
        let message = "You cannot collect consent to your terms of service unless a URL is set in the Stripe Dashboard. \
                       Update your public business information: https://dashboard.stripe.com/settings/public";
        return Err(Refusal::invalid("consent_collection[terms_of_service]", message));
    }
    Ok(())
}

impl Session {
    pub(crate) fn asks_for_promotions(&self) -> bool {
        self.params["consent_collection"]["promotions"] == "auto"
    }

    pub(crate) fn asks_for_terms(&self) -> bool {
        self.params["consent_collection"]["terms_of_service"] == "required"
    }

    /// Whether the link that recovers this session may be given out: where promotions were asked for, only if the
    /// shopper agreed to them (<https://docs.stripe.com/payments/checkout/abandoned-carts>).
    pub(super) fn may_be_recovered(&self) -> bool {
        !self.asks_for_promotions() || self.agrees_to_promotions == Some(true)
    }

    /// What the shopper agreed to, as the session's object shows it.
    pub(super) fn consent(&self) -> Value {
        let country = self.customer_details["address"]["country"].as_str().unwrap_or(PROMOTIONS_COUNTRY);
        let is_complete = self.status == Status::Complete;
        let agrees = self.agrees_to_promotions.or(is_complete.then_some(false));
        let promotions = agrees
            .filter(|_| self.asks_for_promotions() && country == PROMOTIONS_COUNTRY)
            .map(|agrees| if agrees { "opt_in" } else { "opt_out" });
        let terms = (is_complete && self.asks_for_terms()).then_some("accepted");
        if self.is_open() || (promotions.is_none() && terms.is_none()) {
            return Value::Null;
        }
        json!({ "promotions": promotions, "terms_of_service": terms })
    }
}
