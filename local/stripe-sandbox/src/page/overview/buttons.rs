//! The buttons of the overview: those that can do something now.

use maud::{Markup, html};
use serde_json::Value;

use crate::page::actions::Action;
use crate::page::payment::Payment;
use crate::payments::{disputes, refunds};
use crate::protocol::json_text;
use crate::session::Session;

/// What can happen to a session that nobody has paid yet.
pub(super) fn open(session: &Session) -> Markup {
    html! { (form(session, None, &[(Action::ExpirePage, "Expire the page")])) }
}

/// What can happen to a payment.
pub(super) fn payment(session: &Session, payment: &Payment<'_>) -> Markup {
    html! {
        @if payment.is_waiting() { (settle(&session.id)) }
        @if payment.is_held() {
            (form(session, None, &[
                (Action::Capture, "Capture"),
                (Action::Void, "Void"),
                (Action::ExpireHold, "Let the hold expire"),
            ]))
            (part(session, Action::Capture, "Capture part"))
        }
        @if payment.left > 0 {
            (form(session, None, &[
                (Action::Refund, "Refund"),
                (Action::RefundLater, "Refund when there is money"),
                (Action::Dispute, "Dispute"),
            ]))
            (part(session, Action::Refund, "Refund part"))
        }
    }
}

pub(super) fn refund(session: &Session, refund: &Value) -> Markup {
    let mut shown = Vec::new();
    if refund["status"] == "pending" {
        shown.push((Action::CompleteRefund, "The refund succeeds"));
    }
    if refunds::can_fail(refund) {
        shown.push((Action::FailRefund, "Fail the refund"));
    }
    form(session, Some(json_text(&refund["id"])), &shown)
}

pub(super) fn dispute(session: &Session, dispute: &Value) -> Markup {
    let mut shown = Vec::new();
    if dispute["status"] == "needs_response" {
        shown.push((Action::AnswerDispute, "Answer the dispute"));
    }
    if disputes::is_open(dispute) {
        shown.extend([(Action::WinDispute, "Dispute won"), (Action::LoseDispute, "Dispute lost")]);
    }
    form(session, Some(json_text(&dispute["id"])), &shown)
}

/// A form with a button for each action; `of` names the refund or dispute that they are about.
fn form(session: &Session, of: Option<&str>, actions: &[(Action, &str)]) -> Markup {
    html! {
        @if !actions.is_empty() {
            form.row method="post" action={ "/sandbox/sessions/" (session.id) } {
                @if let Some(of) = of { input type="hidden" name="of" value=(of); }
                @for (action, label) in actions { button.plain name="action" value=(action.name()) { (label) } }
            }
        }
    }
}

/// A form that asks how much.
fn part(session: &Session, action: Action, label: &str) -> Markup {
    html! {
        form.row method="post" action={ "/sandbox/sessions/" (session.id) } {
            input name="amount" inputmode="decimal" required size="7"
                aria-label={ (label) ", in " (session.currency.to_uppercase()) }
                placeholder=(session.currency.to_uppercase());
            button.plain name="action" value=(action.name()) { (label) }
        }
    }
}

fn settle(id: &str) -> Markup {
    html! {
        form.row method="post" action={ "/c/settle/" (id) } {
            button.plain name="outcome" value="succeed" { "Payment arrives" }
            button.plain name="outcome" value="fail" { "Payment fails" }
        }
    }
}
