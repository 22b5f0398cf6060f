//! Checkout Sessions, and which of them expire next.

use std::collections::BTreeSet;

use super::table::{Rows, Table};
use crate::protocol::refusal::Refusal;
use crate::session::Session;

/// All Checkout Sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    all: Table<Session>,
    /// The open ones, by when they expire.
    open: BTreeSet<(i64, String)>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self { all: Table::new("checkout.session"), open: BTreeSet::new() }
    }

    /// Puts in a new session, or another state of one that is there.
    pub(crate) fn put(&mut self, session: Session) {
        let entry = (session.expires_at, session.id.clone());
        if session.is_open() {
            self.open.insert(entry);
        } else {
            self.open.remove(&entry);
        }
        self.all.put(&session.id.clone(), session);
    }

    pub(super) fn changes(&self) -> u64 {
        self.all.changes()
    }

    pub(super) fn rows(&self) -> Rows<Session> {
        self.all.rows()
    }

    /// Puts in sessions, the oldest first.
    pub(super) fn restore(&mut self, rows: Rows<Session>) {
        self.all.restore(rows);
        let open = self.all.newest().filter(|(_, session)| session.is_open());
        self.open = open.map(|(id, session)| (session.expires_at, id.to_owned())).collect();
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Session> {
        self.all.get(id)
    }

    /// The session that a URL names.
    pub(crate) fn found(&self, id: &str) -> Result<&Session, Refusal> {
        self.all.found(id)
    }

    /// All sessions with their ids, the newest first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = (&str, &Session)> {
        self.all.newest()
    }

    /// What Stripe calls these objects.
    pub(crate) fn noun(&self) -> &'static str {
        self.all.noun()
    }

    /// The open session whose time was over first, if it is over at `now`.
    pub(crate) fn due(&self, now: i64) -> Option<&Session> {
        let (_, id) = self.open.first().filter(|(expires_at, _)| *expires_at <= now)?;
        self.get(id)
    }
}
