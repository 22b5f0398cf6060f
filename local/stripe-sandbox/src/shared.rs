//! What the server, the webhooks and the handles of one sandbox share.

use std::sync::{Arc, Mutex, PoisonError};

use crate::checkout::expire_due;
use crate::payments::intents::void_due;
use crate::protocol::json_text;
use crate::state::{Cause, State};
use crate::webhook_endpoints;
use crate::webhooks::Webhooks;

/// The state behind one lock, and the way out for its events.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) webhooks: Arc<Webhooks>,
}

impl Shared {
    pub(crate) fn new(state: State, webhooks: Webhooks) -> Self {
        Self { state: Mutex::new(state), webhooks: Arc::new(webhooks) }
    }

    /// Does one piece of work on the state, alone, and sends the events that come of it.
    pub(crate) fn step<T>(&self, cause: Cause, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        webhook_endpoints::register(&mut state, self.webhooks.url().as_deref());
        state.begin(Cause::default());
        expire_due(&mut state);
        void_due(&mut state);
        state.begin(cause);
        let outcome = work(&mut state);
        for event in state.take_unsent() {
            if state.listeners(json_text(&event["type"])) > 0 {
                self.webhooks.send(event);
            }
        }
        outcome
    }
}
