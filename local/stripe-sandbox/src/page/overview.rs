//! The overview for a developer: sessions, delayed payments, events.

use maud::{Markup, html};

use super::frame::document;
use crate::money::currency;
use crate::payments::intents;
use crate::protocol::json_text;
use crate::session::Session;
use crate::state::State;
use crate::webhooks::Delivery;

/// How many sessions and events are shown.
const SHOWN: usize = 50;

/// The page at `/`.
pub(crate) fn overview(state: &State, deliveries: &[Delivery]) -> String {
    let content = html! {
        header { h1 { "Stripe sandbox" } span.badge { "SANDBOX" } }
        section.card {
            h2 { "Checkout sessions" }
            (sessions(state))
        }
        section.card {
            h2 { "Events" }
            (events(state, deliveries))
        }
    };
    document("Stripe sandbox", &content)
}

fn sessions(state: &State) -> Markup {
    let rows: Vec<&Session> = state.sessions.newest().take(SHOWN).map(|(_, session)| session).collect();
    if rows.is_empty() {
        return html! { p.soft { "None yet: the shop's checkout makes them." } };
    }
    html! {
        div.scroll { table {
            tr { th { "Session" } th { "Total" } th { "Status" } th { "Payment" } th {} }
            @for session in rows {
                tr {
                    td { a href={ "/c/pay/" (session.id) } { code { (short(&session.id)) } } }
                    td.money { (currency::format(session.totals().total, &session.currency)) }
                    td { (session.status.name()) }
                    td { (session.payment_status.name()) }
                    td { @if intents::waiting(state, session).is_some() { (settle(&session.id)) } }
                }
            }
        } }
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

fn events(state: &State, deliveries: &[Delivery]) -> Markup {
    html! {
        div.scroll { table {
            tr { th { "Event" } th { "Type" } th { "Delivery" } }
            @for (id, event) in state.events.newest().take(SHOWN) {
                tr {
                    td { code { (id) } }
                    td { (json_text(&event["type"])) }
                    td { (delivery(id, deliveries)) }
                }
            }
        } }
    }
}

fn delivery(event: &str, deliveries: &[Delivery]) -> String {
    match deliveries.iter().rev().find(|delivery| delivery.event == event) {
        None => "not sent".to_owned(),
        Some(Delivery { attempt, status: Some(status), .. }) => {
            format!("{status} (attempt {attempt})")
        }
        Some(Delivery { attempt, status: None, .. }) => format!("no answer (attempt {attempt})"),
    }
}

fn short(id: &str) -> String {
    id.chars().take(20).chain("…".chars()).collect()
}
