//! A session's time is over.

use crate::protocol::ids;
use crate::session::{Session, Status};
use crate::state::State;

/// Expires an open session.
pub(crate) fn expire(state: &mut State, mut session: Session) {
    session.status = Status::Expired;
    let recovery = &session.params["after_expiration"]["recovery"];
    if recovery["enabled"] == true && session.may_be_recovered() {
        session.recovery_url = Some(format!("{}/r/{}", state.url, ids::new("live_", 40)));
    }
    state.sessions.put(session.clone());
    let object = session.render(state);
    state.emit("checkout.session.expired", object, None);
}

/// Expires the sessions whose time is over.
pub(crate) fn expire_due(state: &mut State) {
    while let Some(session) = state.sessions.due(state.now()).cloned() {
        expire(state, session);
    }
}
