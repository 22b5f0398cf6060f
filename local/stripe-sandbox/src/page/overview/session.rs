//! One session of the overview: what was bought, how the payment is, and what can happen to it now.

use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::Value;

use super::buttons;
use crate::money::currency;
use crate::page::payment::Payment;
use crate::protocol::json_text;
use crate::session::{Session, Status};
use crate::state::State;

pub(super) fn article(state: &State, session: &Session) -> Markup {
    let payment = Payment::of(state, session);
    html! {
        article.session id=(session.id) {
            div.title {
                a href={ "/c/pay/" (session.id) } { code { (short(&session.id)) } }
                span.soft { (time(session.created)) }
                strong.money { (currency::format(session.totals().total, &session.currency)) }
            }
            p { (contents(session)) @if let Some(email) = session.customer_details["email"].as_str() { " for " (email) } }
            p { (state_of(session)) @if let Some(payment) = &payment { (amounts(payment)) } }
            @if session.status == Status::Open { (buttons::open(session)) }
            @if let Some(url) = &session.recovery_url { p { a href=(url) { "Recover" } } }
            @if let Some(payment) = &payment {
                (buttons::payment(session, payment))
                @for refund in &payment.refunds { (refund_line(session, refund)) }
                @for dispute in &payment.disputes { (dispute_line(session, dispute)) }
            }
        }
    }
}

fn contents(session: &Session) -> String {
    let line = |(quantity, description): (Option<u64>, &str)| match quantity {
        Some(quantity) => format!("{quantity} × {description}"),
        None => description.to_owned(),
    };
    let lines = session.lines.iter().map(|own| line((own.quantity, &own.description)));
    lines.collect::<Vec<_>>().join(", ")
}

/// How far the session is, in Stripe's words.
fn state_of(session: &Session) -> Markup {
    html! {
        span.tag { (session.status.name()) } " "
        @if session.status == Status::Complete { span.tag { (session.payment_status.name()) } " " }
    }
}

fn amounts(payment: &Payment<'_>) -> Markup {
    let money = |amount| currency::format(amount, json_text(&payment.charge["currency"]));
    let (captured, given) = (payment.captured(), payment.given());
    html! {
        span.tag { "payment " (json_text(&payment.intent["status"])) }
        @if captured > 0 { " captured " (money(captured)) }
        @if given > 0 { ", refunded " (money(given)) }
        @if payment.is_held() { " held until " (time(payment.held_until)) }
    }
}

fn refund_line(session: &Session, refund: &Value) -> Markup {
    let id = json_text(&refund["id"]);
    let amount = currency::format(refund["amount"].as_i64().unwrap_or(0), &session.currency);
    html! {
        div.part {
            span { "Refund of " (amount) ", " (json_text(&refund["status"])) " " code { (short(id)) } }
            (buttons::refund(session, refund))
        }
    }
}

fn dispute_line(session: &Session, dispute: &Value) -> Markup {
    let amount = currency::format(dispute["amount"].as_i64().unwrap_or(0), &session.currency);
    html! {
        div.part {
            span {
                "Dispute over " (amount) ", " (json_text(&dispute["status"])) ", " (json_text(&dispute["reason"]))
                @if let Some(due_by) = dispute["evidence_details"]["due_by"].as_i64() { ", due by " (time(due_by)) }
                " " code { (short(json_text(&dispute["id"]))) }
            }
            (buttons::dispute(session, dispute))
        }
    }
}

/// A moment for people: `2026-11-27 03:10 UTC`.
fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap_or_default().strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn short(id: &str) -> String {
    id.chars().take(20).chain("…".chars()).collect()
}
