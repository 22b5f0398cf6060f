//! Which endpoint answers a request.

use http::Method;
use serde_json::{Map, Value};

use crate::endpoint::{Answer, Route};
use crate::protocol::expand;
use crate::protocol::refusal::Refusal;
use crate::state::State;
use crate::{catalog, checkout, events, payments, webhook_endpoints};

/// The endpoints, by resource.
const RESOURCES: [&[Route]; 16] = [
    &catalog::products::ROUTES,
    &catalog::prices::ROUTES,
    &catalog::coupons::ROUTES,
    &catalog::promotion_codes::ROUTES,
    &catalog::shipping_rates::ROUTES,
    &catalog::tax_rates::ROUTES,
    &checkout::sessions::ROUTES,
    &payments::intents::ROUTES,
    &payments::charges::ROUTES,
    &payments::refunds::ROUTES,
    &payments::disputes::ROUTES,
    &payments::customers::ROUTES,
    &payments::subscriptions::ROUTES,
    &payments::invoices::ROUTES,
    &events::ROUTES,
    &webhook_endpoints::ROUTES,
];

/// Carries out one request and gives its answer. `permit` refuses to expand what the key may not read.
pub(super) fn dispatch(
    state: &mut State,
    method: &Method,
    path: &str,
    form: &Map<String, Value>,
    permit: &dyn Fn(&State, &Value) -> Result<(), Refusal>,
) -> Answer {
    let below = path.trim_start_matches("/v1/");
    let mut routes = RESOURCES.into_iter().flatten();
    let Some((route, id)) = routes.find_map(|route| Some((route, route.id(method, below)?))) else {
        return Err(Refusal::NoSuchRoute { method: method.to_string(), path: path.to_owned() });
    };
    let answer = route.answer(state, id, form)?;
    let lookup = |field: &str, id: &str| {
        let named = state.named(field, id);
        named.map(|named| permit(state, &named).map(|()| named)).transpose()
    };
    expand::present(answer, &expansions(form), &lookup)
}

fn expansions(form: &Map<String, Value>) -> Vec<String> {
    let paths = form.get("expand").and_then(Value::as_object).into_iter().flat_map(Map::values);
    paths.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::parameters::{Shape, shared};

    fn follow(shape: &Shape) {
        match shape {
            Shape::Shared(name) => follow(shared(name)),
            Shape::Required(inner)
            | Shape::Emptyable(inner)
            | Shape::WithoutEffect(_, inner)
            | Shape::List(inner)
            | Shape::Map(inner) => follow(inner),
            Shape::Object(fields) => fields.values().for_each(follow),
            Shape::Choice(words) => assert!(!words.is_empty()),
            Shape::Text
            | Shape::Boolean
            | Shape::Integer
            | Shape::Decimal
            | Shape::Metadata
            | Shape::TierEnd
            | Shape::Range
            | Shape::Partly { .. }
            | Shape::NotPlayed(_) => {}
        }
    }

    #[test]
    fn the_parameters_of_every_endpoint_can_be_followed_to_their_end() {
        for route in RESOURCES.into_iter().flatten() {
            route.parameters().values().for_each(follow);
        }
    }
}
