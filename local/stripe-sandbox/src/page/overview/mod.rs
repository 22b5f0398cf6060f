//! The overview, a small merchant's page: sessions with what can happen to their payments, and events.

mod buttons;
mod events;
mod session;

use maud::html;

use super::frame::document;
use crate::session::Session;
use crate::state::State;
use crate::webhooks::Delivery;

/// The page at `/`.
pub(crate) fn overview(state: &State, deliveries: &[Delivery]) -> String {
    let sessions: Vec<&Session> = state.sessions.newest().take(events::SHOWN).map(|(_, session)| session).collect();
    let content = html! {
        header { h1 { "Stripe sandbox" } span.badge { "SANDBOX" } }
        section.card {
            h2 { "Checkout sessions" }
            @if sessions.is_empty() { p.soft { "None yet: the shop's checkout makes them." } }
            @for session in sessions { (session::article(state, session)) }
        }
        section.card #events {
            h2 { "Events" }
            (events::events(state, deliveries))
        }
    };
    document("Stripe sandbox", &content)
}
