//! The events of the overview, and what is sent by hand.

use std::collections::HashMap;

use maud::{Markup, html};

use crate::protocol::json_text;
use crate::state::State;
use crate::webhooks::Delivery;

/// How many events are shown, and sessions.
pub(super) const SHOWN: usize = 50;

pub(super) fn events(state: &State, deliveries: &[Delivery]) -> Markup {
    let last: HashMap<&str, &Delivery> =
        deliveries.iter().map(|delivery| (delivery.event.as_str(), delivery)).collect();
    let is_foreign = |delivery: &&Delivery| state.events.get(&delivery.event).is_none();
    let foreign: Vec<&Delivery> = deliveries.iter().rev().filter(is_foreign).take(SHOWN).collect();
    html! {
        (send("/sandbox/ping", "Send a thin event"))
        div.scroll { table {
            tr { th { "Event" } th { "Type" } th { "Delivery" } th {} }
            @for (id, event) in state.events.newest().take(SHOWN) {
                tr id=(id) {
                    td { code { (id) } }
                    td { (json_text(&event["type"])) }
                    td { (last.get(id).map_or_else(|| "not sent".to_owned(), |delivery| outcome(delivery))) }
                    td {
                        (send(&format!("/sandbox/events/{id}/again"), "Send again"))
                        details {
                            summary { "Send one like it" }
                            (send(&format!("/sandbox/events/{id}/thin"), "as a thin event"))
                            (send(&format!("/sandbox/events/{id}/account"), "of another account"))
                            (send(&format!("/sandbox/events/{id}/mode"), "of live mode"))
                        }
                    }
                }
            }
        } }
        @if !foreign.is_empty() {
            h2 { "Sent, and none of this account's" }
            div.scroll { table {
                @for delivery in foreign {
                    tr { td { code { (delivery.event) } } td { (delivery.kind) } td { (outcome(delivery)) } }
                }
            } }
        }
    }
}

fn send(path: &str, label: &str) -> Markup {
    html! { form.row method="post" action=(path) { button.plain { (label) } } }
}

fn outcome(Delivery { attempt, status, .. }: &Delivery) -> String {
    match status {
        Some(status) => format!("{status} (attempt {attempt})"),
        None => format!("no answer (attempt {attempt})"),
    }
}
