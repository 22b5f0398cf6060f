//! What an operator may read of Stripe's refusals.

use std::fmt;

use http::StatusCode;
use serde::Deserialize;

/// Why Stripe refused a request, as far as it may stand in a log: enough to find the request in Stripe's dashboard, and
/// none of Stripe's message, which may quote what a shopper wrote.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Refusal {
    status: u16,
    kind: Option<String>,
    code: Option<String>,
    param: Option<String>,
    request_id: Option<String>,
    log_url: Option<String>,
    missing_right: Option<String>,
}

/// Stripe's body of an error.
///
/// Source: <https://docs.stripe.com/api/errors>
#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    error: Details,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Details {
    r#type: Option<String>,
    code: Option<String>,
    param: Option<String>,
    message: Option<String>,
    request_log_url: Option<String>,
}

/// The longest word of Stripe's that is kept.
const LONGEST_WORD: usize = 100;
/// Where Stripe shows a request.
const DASHBOARD: &str = "https://dashboard.stripe.com/";

impl Refusal {
    pub(crate) fn read(status: StatusCode, request_id: Option<&str>, body: &[u8]) -> Self {
        let Details { r#type, code, param, message, request_log_url } =
            serde_json::from_slice::<Body>(body).unwrap_or_default().error;
        let lacks_right = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        Self {
            status: status.as_u16(),
            kind: r#type.filter(|word| is_word(word)),
            code: code.filter(|word| is_word(word)),
            param: param.as_deref().map(without_own_keys),
            request_id: request_id.filter(|word| is_word(word)).map(str::to_owned),
            log_url: request_log_url.filter(|url| is_of_dashboard(url)),
            missing_right: message.filter(|_| lacks_right).and_then(|message| right(&message)),
        }
    }

    /// The object that was asked for does not exist.
    pub(crate) fn missing() -> Self {
        Self { status: StatusCode::NOT_FOUND.as_u16(), code: Some("resource_missing".to_owned()), ..Self::default() }
    }

    /// Stripe's code of the fault, such as `resource_missing`; most faults of a shop's configuration have none.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The parameter at fault, such as `line_items[0][price]`.
    #[must_use]
    pub fn param(&self) -> Option<&str> {
        self.param.as_deref()
    }

    /// The right that the key lacks, such as `rak_invoice_read`, where Stripe names one.
    #[must_use]
    pub fn missing_right(&self) -> Option<&str> {
        self.missing_right.as_deref()
    }

    /// The index of the session's line that is at fault, if one is: 0 for `line_items[0][price]`.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        let (index, _) = self.param()?.strip_prefix("line_items[")?.split_once(']')?;
        index.parse().ok()
    }

    /// The key may not do what was asked for.
    pub(crate) fn lacks_right(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED || self.status == StatusCode::FORBIDDEN
    }

    /// Stripe knows the key, and the key may not do what was asked for.
    pub(crate) fn is_forbidden(&self) -> bool {
        self.status == StatusCode::FORBIDDEN
    }

    pub(crate) fn is_missing(&self) -> bool {
        self.status == StatusCode::NOT_FOUND || self.code() == Some("resource_missing")
    }
}

/// What an operator needs to find the fault.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        for (name, value) in [
            ("type", &self.kind),
            ("code", &self.code),
            ("parameter", &self.param),
            ("missing right", &self.missing_right),
            ("request", &self.request_id),
            ("see", &self.log_url),
        ] {
            if let Some(value) = value {
                write!(f, ", {name} {value}")?;
            }
        }
        Ok(())
    }
}

/// Whether a text is one of Stripe's own words: none that a shopper wrote looks so.
fn is_word(text: &str) -> bool {
    text.len() <= LONGEST_WORD && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// A parameter's name without the keys of metadata, which are a client's.
fn without_own_keys(param: &str) -> String {
    const METADATA: &str = "metadata";
    let end = param.find(METADATA).map_or(param.len(), |start| start + METADATA.len());
    let is_known = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '[' | ']' | '.');
    param.chars().take(LONGEST_WORD).take(end).take_while(|letter| is_known(*letter)).collect()
}

fn is_of_dashboard(url: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-?=&%".contains(letter);
    url.strip_prefix(DASHBOARD).is_some_and(|rest| rest.len() <= 2 * LONGEST_WORD && rest.chars().all(is_plain))
}

/// The right that a restricted key lacks: the first word of the message that begins with `rak_`.
///
/// Source: <https://docs.stripe.com/keys/restricted-api-keys>
fn right(message: &str) -> Option<String> {
    let words = message.split(|letter: char| !(letter.is_ascii_lowercase() || letter == '_'));
    words.into_iter().find(|word| word.starts_with("rak_") && word.len() <= LONGEST_WORD).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refusal(status: u16, error: &Value) -> Refusal {
        let body = json!({ "error": error }).to_string();
        Refusal::read(StatusCode::from_u16(status).unwrap(), Some("req_1"), body.as_bytes())
    }

    /// Source of the shape: <https://docs.stripe.com/api/errors>
    #[test]
    fn an_operator_learns_where_to_look() {
        let refusal = refusal(
            400,
            &json!({
                "type": "invalid_request_error",
                "message": "You can only enable invoice creation when `mode` is set to `payment`",
                "request_log_url": "https://dashboard.stripe.com/acct_1/test/logs/req_1?t=1700000000",
            }),
        );

        assert_eq!(
            refusal.to_string(),
            "400, type invalid_request_error, request req_1, \
             see https://dashboard.stripe.com/acct_1/test/logs/req_1?t=1700000000"
        );
    }

    /// Source of the kind of message: <https://docs.stripe.com/keys/restricted-api-keys>
    #[test]
    fn an_operator_learns_which_right_a_key_lacks() {
        let message = "The provided key 'rk_test_*********************abc' does not have the required permissions for this \
                       endpoint on account 'acct_1'. Having the 'rak_checkout_session_write' permission would allow this \
                       request to continue.";
        let error = json!({ "type": "invalid_request_error", "message": message });

        assert!(refusal(403, &error).to_string().contains("missing right rak_checkout_session_write, request req_1"));
        assert!(!refusal(400, &error).to_string().contains("rak_"));
    }

    #[test]
    fn nothing_that_a_person_wrote_is_kept() {
        let error = json!({
            "type": "ann@example.com",
            "code": "Ann Smith",
            "param": "metadata[Ann Smith]",
            "message": "Invalid email: ann@example.com",
            "request_log_url": "https://evil.example/ann",
        });

        let refusal = refusal(400, &error);

        assert_eq!(refusal.to_string(), "400, parameter metadata, request req_1");
    }

    #[test]
    fn a_body_that_is_no_error_of_stripes_is_a_refusal_all_the_same() {
        for body in ["", "<html>", "[]", r#"{"error":"no"}"#, r#"{"error":{"code":5}}"#] {
            let refusal = Refusal::read(StatusCode::BAD_REQUEST, None, body.as_bytes());

            assert_eq!(refusal.to_string(), "400", "{body}");
        }
    }
}
