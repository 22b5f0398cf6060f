//! Refusals, in the shape in which Stripe answers them.

use http::StatusCode;
use serde_json::{Value, json};

use super::API_VERSION;

/// Why a request was refused.
///
/// See <https://docs.stripe.com/api/errors> for the shape and <https://docs.stripe.com/error-codes> for the codes.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(
        "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer \
         auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
    )]
    NoKey,
    #[error("Invalid API Key provided: {0}")]
    InvalidKey(String),
    #[error(
        "Unrecognized request URL ({method}: {path}). This sandbox serves only a part of Stripe's API: \
         https://docs.stripe.com/api has all of it."
    )]
    NoSuchRoute { method: String, path: String },
    /// Another version of the API than the sandbox plays.
    #[error(
        "This sandbox does not play version {version} of Stripe's API, only the release of {API_VERSION}. Leave the header \
         Stripe-Version out, or send {API_VERSION}."
    )]
    OtherVersion { version: String },
    #[error("Invalid request (check that your POST content type is application/x-www-form-urlencoded).")]
    NotAForm,
    /// The URL names an object that is not there.
    #[error("No such {noun}: '{id}'")]
    NoSuchObject { noun: &'static str, id: String },
    /// A parameter names an object that is not there.
    #[error("No such {noun}: '{id}'")]
    UnknownReference { noun: &'static str, id: String, param: String },
    #[error("Received unknown parameter: {param}")]
    UnknownParam { param: String },
    /// A parameter of Stripe's, or a value, whose effect the sandbox does not have.
    #[error("This sandbox knows `{param}`, but does not play it: {why}.")]
    NotPlayed { param: String, why: String },
    #[error("Missing required param: {param}.")]
    MissingParam { param: String },
    #[error("Invalid integer: {value}")]
    InvalidInteger { param: String, value: String },
    #[error(
        "You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; \
         however '{param}' cannot be unset. You should remove '{param}' from your request or supply a non-empty value."
    )]
    Empty { param: String },
    /// A value of the wrong shape, found before the endpoint began to work.
    #[error("{message}")]
    Malformed { param: String, message: String },
    /// A value that the endpoint cannot work with.
    #[error("{message}")]
    Invalid { param: Option<String>, code: Option<&'static str>, message: String },
    #[error(
        "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using \
         a key other than '{key}' if you meant to execute a different request."
    )]
    KeyReused { key: String },
    #[error(
        "Keys for idempotent requests can only be used for the same endpoint they were first used for ('{path}'). Try \
         using a key other than '{key}' if you meant to execute a different request."
    )]
    KeyMoved { key: String, path: String },
    /// A restricted key lacks a right; `key` is masked.
    #[error(
        "The provided key '{key}' does not have the required permissions for this endpoint on account \
         'acct_1SandboxSandbox00'. Having the '{right}' permission would allow this request to continue."
    )]
    NotPermitted { key: String, right: String },
    /// Too many requests, which the sandbox has only when a test asks for it.
    #[error(
        "Testmode request rate limit exceeded, the rate limits in testmode are lower than livemode. You can learn more \
         about rate limits here https://docs.stripe.com/rate-limits."
    )]
    RateLimited,
    /// Another request works on the same object; only when a test asks for it.
    #[error(
        "This object cannot be accessed right now because another API request or Stripe process is currently accessing \
         it. If you see this error intermittently, retry the request."
    )]
    LockTimeout,
    /// The first request under an idempotency key is not done; only when a test asks for it.
    #[error(
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted \
         twice, and the other request is still going through). Please try again later."
    )]
    KeyInUse,
    /// Stripe's own failure, which the sandbox has only when a test asks for it.
    #[error("An unknown error occurred.")]
    Broken,
}

/// How a refusal is answered, besides its message.
struct Answered<'a> {
    status: StatusCode,
    kind: &'static str,
    code: Option<&'static str>,
    param: Option<&'a str>,
    /// Whether the endpoint had begun to work, so that an idempotency key keeps this answer.
    executed: bool,
}

impl Refusal {
    /// A refusal of one parameter's value.
    pub(crate) fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { param: Some(param.into()), code: None, message: message.into() }
    }

    /// A refusal of a list of `what` that has more than `most` parts.
    pub(crate) fn too_many(param: impl Into<String>, most: usize, what: &str) -> Self {
        Self::invalid(param, format!("You cannot have more than {most} {what}."))
    }

    /// A refusal of one parameter's value that carries one of Stripe's error codes.
    pub(crate) fn coded(code: &'static str, param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { param: Some(param.into()), code: Some(code), message: message.into() }
    }

    /// Stripe's word for each refusal. A new one is a variant with its message, and a line here.
    fn answered(&self) -> Answered<'_> {
        let request = |code, param| Answered {
            status: StatusCode::BAD_REQUEST,
            kind: "invalid_request_error",
            code,
            param,
            executed: false,
        };
        match self {
            Self::NoKey | Self::InvalidKey(_) => Answered { status: StatusCode::UNAUTHORIZED, ..request(None, None) },
            Self::NoSuchRoute { .. } => Answered { status: StatusCode::NOT_FOUND, ..request(None, None) },
            Self::NotAForm | Self::OtherVersion { .. } => request(None, None),
            Self::NoSuchObject { noun, .. } => Answered {
                status: StatusCode::NOT_FOUND,
                executed: true,
                ..request(Some("resource_missing"), noun.rsplit('.').next())
            },
            Self::UnknownReference { param, .. } => {
                Answered { executed: true, ..request(Some("resource_missing"), Some(param)) }
            }
            Self::UnknownParam { param } => request(Some("parameter_unknown"), Some(param)),
            Self::MissingParam { param } => request(Some("parameter_missing"), Some(param)),
            Self::InvalidInteger { param, .. } => request(Some("parameter_invalid_integer"), Some(param)),
            Self::Empty { param } => request(Some("parameter_invalid_empty"), Some(param)),
            Self::Malformed { param, .. } | Self::NotPlayed { param, .. } => request(None, Some(param)),
            Self::Invalid { param, code, .. } => Answered { executed: true, ..request(*code, param.as_deref()) },
            Self::KeyReused { .. } | Self::KeyMoved { .. } => {
                Answered { kind: "idempotency_error", ..request(None, None) }
            }
            Self::NotPermitted { .. } => Answered { status: StatusCode::FORBIDDEN, ..request(None, None) },
            Self::RateLimited => {
                Answered { status: StatusCode::TOO_MANY_REQUESTS, ..request(Some("rate_limit"), None) }
            }
            Self::LockTimeout => {
                Answered { status: StatusCode::TOO_MANY_REQUESTS, ..request(Some("lock_timeout"), None) }
            }
            Self::KeyInUse => Answered {
                status: StatusCode::CONFLICT,
                kind: "idempotency_error",
                ..request(Some("idempotency_key_in_use"), None)
            },
            Self::Broken => Answered {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                kind: "api_error",
                executed: true,
                ..request(None, None)
            },
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.answered().status
    }

    /// Whether the endpoint had begun to work, so that an idempotency key keeps this answer.
    pub(crate) fn executed(&self) -> bool {
        self.answered().executed
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> Value {
        let Answered { kind, code, param, .. } = self.answered();
        let mut error = json!({ "type": kind, "message": self.to_string() });
        if let Some(code) = code {
            error["code"] = json!(code);
            error["doc_url"] = json!(format!("https://docs.stripe.com/error-codes#{}", code.replace('_', "-")));
        }
        if let Some(param) = param {
            error["param"] = json!(param);
        }
        json!({ "error": error })
    }
}
