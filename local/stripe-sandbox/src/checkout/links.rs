//! Where a session's shopper goes.

use crate::protocol::ids;
use crate::protocol::refusal::Refusal;
use crate::session::Session;

/// Checks the URLs and gives the session its page, or the secret that stands for one.
pub(super) fn link(sandbox: &str, session: &mut Session) -> Result<(), Refusal> {
    for name in ["success_url", "cancel_url", "return_url"] {
        if let Some(url) = session.params[name].as_str()
            && !is_url(url)
        {
            return Err(Refusal::coded("url_invalid", name, "Not a valid URL"));
        }
    }
    let hosted = matches!(session.params["ui_mode"].as_str(), None | Some("hosted_page"));
    if hosted {
        if session.params["success_url"].is_null() {
            return Err(Refusal::MissingParam { param: "success_url".to_owned() });
        }
        session.url = Some(format!("{sandbox}/c/pay/{}", session.id));
        return Ok(());
    }
    check_embedded(session)?;
    session.client_secret = Some(format!("{}_secret_{}", session.id, ids::new("", 40)));
    Ok(())
}

fn check_embedded(session: &Session) -> Result<(), Refusal> {
    for name in ["success_url", "cancel_url"] {
        if !session.params[name].is_null() {
            let message = format!("`{name}` can only be used with the `ui_mode` `hosted_page`.");
            return Err(Refusal::invalid(name, message));
        }
    }
    if session.params["return_url"].is_null() && session.params["redirect_on_completion"] != "never" {
        return Err(Refusal::MissingParam { param: "return_url".to_owned() });
    }
    Ok(())
}

fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty())
        && !text.chars().any(|letter| letter.is_whitespace() || letter.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_a_scheme() {
        assert!(is_url("https://shop.example/thanks?session_id={CHECKOUT_SESSION_ID}"));
        assert!(!is_url("/thanks"));
        assert!(!is_url("https://shop example"));
    }
}
