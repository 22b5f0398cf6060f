//! The hosted payment page, and the overview for a developer.

mod actions;
mod form;
mod frame;
pub(crate) mod overview;
mod payment;
mod view;

use http::StatusCode;
use serde_json::{Map, Value};

pub(crate) use self::actions::act;
use self::form::answers;
pub(crate) use self::frame::{Shown, missing};
use self::view::ended;
use crate::checkout::{self, Answers};
use crate::protocol::json_text;
use crate::protocol::refusal::Refusal;
use crate::session::{Outcome, Payment, Session};
use crate::state::State;

/// Shows a session's page.
pub(crate) fn show(state: &State, id: &str) -> Shown {
    match state.sessions.get(id) {
        None => Shown::Page(StatusCode::NOT_FOUND, missing("There is no such checkout session.")),
        Some(session) if session.is_open() => {
            Shown::Page(StatusCode::OK, view::page(state, session, &answers(session, &Map::new()), None))
        }
        Some(session) => Shown::Page(StatusCode::OK, ended(session)),
    }
}

/// Takes a shopper's answers.
pub(crate) fn answer(state: &mut State, id: &str, form: &Map<String, Value>) -> Shown {
    let Some(session) = state.sessions.get(id).filter(|session| session.is_open()) else {
        return show(state, id);
    };
    let answers = answers(session, form);
    match form.get("action").map(json_text) {
        Some("pay") => pay(state, id, &answers, Payment::Now),
        Some("pay_later") => pay(state, id, &answers, Payment::Later),
        action => update(state, id, &answers, action == Some("fail")),
    }
}

fn pay(state: &mut State, id: &str, answers: &Answers, payment: Payment) -> Shown {
    match checkout::pay(state, id, answers, payment) {
        Ok(session) => match session.success_url() {
            Some(url) => Shown::Redirect(url),
            None => Shown::Page(StatusCode::OK, ended(&session)),
        },
        Err(refusal) => match state.sessions.get(id) {
            Some(session) => {
                let html = view::page(state, session, answers, Some(&refusal.to_string()));
                Shown::Page(StatusCode::PAYMENT_REQUIRED, html)
            }
            None => show(state, id),
        },
    }
}

/// Lets the answers take effect on what the session comes to, without a payment or with one that is declined.
fn update(state: &mut State, id: &str, answers: &Answers, is_declined: bool) -> Shown {
    let Some(session) = state.sessions.get(id).cloned() else { return show(state, id) };
    let mut changed = session.clone();
    let (session, message) = match answers.apply(state, &mut changed) {
        Err(refusal) => (session, Some(refusal.to_string())),
        Ok(()) => (changed, is_declined.then(|| "Your card was declined.".to_owned())),
    };
    let status = if message.is_some() { StatusCode::PAYMENT_REQUIRED } else { StatusCode::OK };
    let html = view::page(state, &session, answers, message.as_deref());
    state.sessions.put(session);
    Shown::Page(status, html)
}

/// Ends a delayed payment and leads back to the overview.
pub(crate) fn settle(state: &mut State, id: &str, form: &Map<String, Value>) -> Shown {
    let outcome = match form.get("outcome").map(json_text) {
        Some("succeed") => Outcome::Succeeded,
        Some("fail") => Outcome::Failed,
        _ => {
            return Shown::Page(StatusCode::BAD_REQUEST, missing("The outcome is succeed or fail."));
        }
    };
    match checkout::settle(state, id, outcome) {
        Ok(()) => Shown::Redirect("/".to_owned()),
        Err(refusal) => Shown::Page(refusal.status(), missing(&refusal.to_string())),
    }
}

/// Leads back to the overview's events after one was sent by hand.
pub(crate) fn sent(sent: Result<Value, Refusal>) -> Shown {
    match sent {
        Ok(_) => Shown::Redirect("/#events".to_owned()),
        Err(refusal) => Shown::Page(refusal.status(), missing(&refusal.to_string())),
    }
}

/// Follows a recovery link to the page of a new session.
pub(crate) fn recover(state: &mut State, token: &str) -> Shown {
    match checkout::recover(state, token) {
        Ok(Session { url: Some(url), .. }) => Shown::Redirect(url),
        Ok(_) => Shown::Page(StatusCode::NOT_FOUND, missing("This session has no hosted page.")),
        Err(refusal) => Shown::Page(refusal.status(), missing(&refusal.to_string())),
    }
}
