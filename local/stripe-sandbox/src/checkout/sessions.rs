//! The endpoints of Checkout Sessions (<https://docs.stripe.com/api/checkout/sessions>).

use serde_json::Value;

use super::create::create;
use super::expire::expire;
use crate::endpoint::{Answer, Params, Request, Route};
use crate::protocol::metadata;
use crate::protocol::parameters::Definitions;
use crate::protocol::refusal::Refusal;
use crate::session::Session;
use crate::state::State;
use crate::state::list::{self, Paging, within};

static PARAMETERS: Definitions = Definitions::new(include_str!("../../data/parameters/sessions.json"));

pub(crate) static ROUTES: [Route; 6] = [
    Route::get("checkout/sessions", (&PARAMETERS, "list"), list),
    Route::post("checkout/sessions", (&PARAMETERS, "create"), |state, request| {
        let session = create(state, request.params.clone())?;
        Ok(put(state, session))
    }),
    Route::retrieve("checkout/sessions/{id}", |state, request| Ok(state.sessions.found(&request.id)?.render(state))),
    Route::post("checkout/sessions/{id}", (&PARAMETERS, "update"), update),
    Route::post("checkout/sessions/{id}/expire", (&PARAMETERS, "expire"), expire_open),
    Route::get("checkout/sessions/{id}/line_items", (&PARAMETERS, "line_items"), list_line_items),
];

/// Puts a session in and gives its object.
fn put(state: &mut State, session: Session) -> Value {
    let object = session.render(state);
    state.sessions.put(session);
    object
}

fn update(state: &mut State, request: &Request) -> Answer {
    let Request { id, params } = request;
    let mut session = state.sessions.found(id)?.clone();
    if let Some(given) = params.get("metadata") {
        session.metadata = metadata::merged(Some(&session.metadata), given)?;
    }
    Ok(put(state, session))
}

/// Expires an open session (<https://docs.stripe.com/api/checkout/sessions/expire>).
pub(crate) fn expire_open(state: &mut State, request: &Request) -> Answer {
    let session = state.sessions.found(&request.id)?.clone();
    if !session.is_open() {
        let message = format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of \
             `{}`.",
            session.status.name()
        );
        return Err(Refusal::Invalid { param: None, code: None, message });
    }
    expire(state, session);
    Ok(state.sessions.found(&request.id)?.render(state))
}

fn list(state: &mut State, request: &Request) -> Answer {
    let paging = Paging::of(&request.params)?;
    let keep = |session: &Session| is_wanted(session, &request.params);
    let (rows, more) = paging.cut(state.sessions.noun(), state.sessions.newest(), keep)?;
    let data = rows.into_iter().map(|session| session.render(state)).collect();
    Ok(list::object("/v1/checkout/sessions", data, more))
}

fn is_wanted(session: &Session, params: &Params) -> bool {
    let is = |name: &str, own: Option<&str>| params.get(name).is_none_or(|wanted| wanted.as_str() == own);
    let email = params.get("customer_details").map(|details| &details["email"]);
    is("payment_intent", session.payment_intent.as_deref())
        && is("subscription", session.subscription.as_deref())
        && is("customer", session.customer.as_deref())
        && is("status", Some(session.status.name()))
        && is("payment_link", None)
        && email.is_none_or(|email| session.customer_details["email"] == *email)
        && within(params.get("created"), session.created)
}

fn list_line_items(state: &mut State, request: &Request) -> Answer {
    let Request { id, params } = request;
    let session = state.sessions.found(id)?;
    let rows = session.lines.iter().map(|line| (line.id.as_str(), line));
    let (lines, more) = Paging::of(params)?.cut("line item", rows, |_| true)?;
    let data = lines.into_iter().map(|line| line.render(session, state)).collect();
    Ok(list::object(&format!("/v1/checkout/sessions/{id}/line_items"), data, more))
}
