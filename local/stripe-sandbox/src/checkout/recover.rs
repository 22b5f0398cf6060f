//! A recovery link is followed (<https://docs.stripe.com/payments/checkout/abandoned-carts>).

use serde_json::{Value, json};

use super::create::create;
use crate::protocol::refusal::Refusal;
use crate::session::Session;
use crate::state::State;

/// A recovery link works for this long after the session's expiry.
pub(super) const RECOVERABLE: i64 = 30 * 24 * 60 * 60;

/// Opens a new session that is a copy of an expired one; `token` is the end of its recovery link.
///
/// # Errors
///
/// Refuses a link that is unknown or too old, and a copy of what can no longer be bought.
pub(crate) fn recover(state: &mut State, token: &str) -> Result<Session, Refusal> {
    let url = format!("{}/r/{token}", state.url);
    let now = state.now();
    let found = state.sessions.newest().find(|(_, session)| session.recovery_url.as_deref() == Some(url.as_str()));
    let expired = found
        .filter(|(_, session)| now < session.expires_at + RECOVERABLE)
        .map(|(_, session)| session.clone())
        .ok_or_else(|| Refusal::NoSuchObject { noun: "recovery link", id: token.to_owned() })?;
    let mut session = create(state, copied(&expired))?;
    session.recovered_from = Some(expired.id);
    state.sessions.put(session.clone());
    Ok(session)
}

/// The parameters of a copy: it expires at its own time, and takes promotion codes only if the recovery says so.
fn copied(expired: &Session) -> serde_json::Map<String, Value> {
    let mut params = expired.params.as_object().cloned().unwrap_or_default();
    params.insert("metadata".to_owned(), json!(expired.metadata));
    params.remove("expires_at");
    params.remove("allow_promotion_codes");
    let recovery = &expired.params["after_expiration"]["recovery"];
    if recovery["allow_promotion_codes"] == true && !params.contains_key("discounts") {
        params.insert("allow_promotion_codes".to_owned(), json!(true));
    }
    params
}
