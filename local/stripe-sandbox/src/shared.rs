//! What the server, the webhooks and the handles of one sandbox share.

use std::sync::{Arc, Mutex, PoisonError};

use crate::checkout::expire_due;
use crate::kept::{Keeper, StartError};
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
    /// Keeps the state beyond the process, where that is asked for.
    pub(crate) keeper: Option<Keeper>,
}

impl Shared {
    pub(crate) fn new(state: State, webhooks: Webhooks, keeper: Option<Keeper>) -> Self {
        Self { state: Mutex::new(state), webhooks: Arc::new(webhooks), keeper }
    }

    /// Does one piece of work on the state, alone, and sends the events that come of it.
    pub(crate) fn step<T>(&self, cause: Cause, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.changes();
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
        if let Some(keeper) = self.keeper.as_ref().filter(|_| state.changes() != before) {
            keeper.changed.notify_one();
        }
        outcome
    }

    /// Writes the state to the file that keeps it, if there is one.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(crate) fn keep(&self) -> Result<(), StartError> {
        let Some(keeper) = &self.keeper else { return Ok(()) };
        keeper.write(|| {
            let deliveries = self.webhooks.log();
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            (state.changes() + deliveries.len() as u64, state.snapshot(), deliveries)
        })
    }

    /// Writes the state to the file that keeps it, if there is one, where only the log can be told of a failure.
    pub(crate) fn keep_or_log(&self) {
        if let Err(error) = self.keep() {
            tracing::error!(%error, "the sandbox's state is not kept");
        }
    }

    /// Writes the state for the last time.
    pub(crate) fn keep_last(&self) {
        self.keep_or_log();
        if let Some(keeper) = &self.keeper {
            keeper.close();
        }
    }
}
