//! What the overview's buttons do.

use serde_json::{Map, Value, json};

use super::frame::{Shown, missing};
use crate::checkout::sessions;
use crate::endpoint::{Params, Request};
use crate::money::currency;
use crate::payments::{disputes, intents, refunds};
use crate::protocol::json_text;
use crate::protocol::refusal::Refusal;
use crate::state::State;

/// What a button of the overview does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    ExpirePage,
    Capture,
    Void,
    ExpireHold,
    Refund,
    RefundLater,
    CompleteRefund,
    FailRefund,
    Dispute,
    AnswerDispute,
    WinDispute,
    LoseDispute,
}

impl Action {
    const ALL: [Self; 12] = [
        Self::ExpirePage,
        Self::Capture,
        Self::Void,
        Self::ExpireHold,
        Self::Refund,
        Self::RefundLater,
        Self::CompleteRefund,
        Self::FailRefund,
        Self::Dispute,
        Self::AnswerDispute,
        Self::WinDispute,
        Self::LoseDispute,
    ];

    /// Its name in the form.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ExpirePage => "expire_page",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::ExpireHold => "expire_hold",
            Self::Refund => "refund",
            Self::RefundLater => "refund_later",
            Self::CompleteRefund => "complete_refund",
            Self::FailRefund => "fail_refund",
            Self::Dispute => "dispute",
            Self::AnswerDispute => "answer_dispute",
            Self::WinDispute => "win_dispute",
            Self::LoseDispute => "lose_dispute",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// Does what a button says to a session or its payment, and leads back to the session on the overview.
pub(crate) fn act(state: &mut State, id: &str, form: &Map<String, Value>) -> Shown {
    match done(state, id, form) {
        Ok(()) => Shown::Redirect(format!("/#{id}")),
        Err(refusal) => Shown::Page(refusal.status(), missing(&refusal.to_string())),
    }
}

fn done(state: &mut State, id: &str, form: &Map<String, Value>) -> Result<(), Refusal> {
    let text = |name: &str| form.get(name).map(json_text).unwrap_or_default();
    let Some(action) = Action::named(text("action")) else {
        return Err(Refusal::invalid("action", format!("There is no action {}.", text("action"))));
    };
    let session = state.sessions.found(id)?;
    let amount = amount(form, &session.currency)?;
    if action == Action::ExpirePage {
        return sessions::expire_open(state, &request(id, Params::new())).map(drop);
    }
    let intent = intents::of_session(state, session).map(|intent| json_text(&intent["id"]).to_owned());
    let intent = intent.ok_or_else(|| Refusal::invalid("session", "This session has no payment."))?;
    match action {
        Action::ExpirePage => Ok(()),
        Action::Capture => intents::capture(state, &request(&intent, params("amount_to_capture", amount))).map(drop),
        Action::Void => intents::cancel(state, &request(&intent, Params::new())).map(drop),
        Action::ExpireHold => intents::expire_hold(state, &intent),
        Action::Refund | Action::RefundLater => {
            let mut params = params("amount", amount);
            params.insert("payment_intent".to_owned(), json!(intent));
            refunds::give(state, &params, action == Action::RefundLater).map(drop)
        }
        Action::CompleteRefund => refunds::complete(state, text("of")),
        Action::FailRefund => refunds::fail(state, text("of")),
        Action::Dispute => disputes::open(state, &intent).map(drop),
        Action::AnswerDispute => disputes::answer(state, text("of")),
        Action::WinDispute => disputes::close(state, text("of"), true).map(drop),
        Action::LoseDispute => disputes::close(state, text("of"), false).map(drop),
    }
}

/// The amount that a form has, in minor units.
fn amount(form: &Map<String, Value>, currency: &str) -> Result<Option<i64>, Refusal> {
    let Some(text) = form.get("amount").map(json_text) else { return Ok(None) };
    let amount = currency::parse(text.trim(), currency);
    let refusal = || Refusal::invalid("amount", format!("Write an amount like {}.", currency::plain(500, currency)));
    amount.map(Some).ok_or_else(refusal)
}

fn params(name: &str, amount: Option<i64>) -> Params {
    amount.into_iter().map(|amount| (name.to_owned(), json!(amount))).collect()
}

fn request(id: &str, params: Params) -> Request {
    Request { id: id.to_owned(), params }
}
