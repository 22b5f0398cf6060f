//! Refusals, in the shape in which Stripe answers them.

use http::StatusCode;
use serde_json::{Value, json};

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
    UnknownUrl { method: String, path: String },
    #[error("Invalid request (check that your POST content type is application/x-www-form-urlencoded).")]
    NotAForm,
    #[error("No such {noun}: '{id}'")]
    NotFound { noun: &'static str, id: String },
    #[error("No such {noun}: '{id}'")]
    NoSuch { noun: &'static str, id: String, param: String },
    #[error("Received unknown parameter: {param}")]
    UnknownParam { param: String },
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
    /// Stripe's own failure, which the sandbox has only when a test asks for it.
    #[error("An unknown error occurred.")]
    Broken,
}

impl Refusal {
    /// A refusal of one parameter's value.
    pub(crate) fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { param: Some(param.into()), code: None, message: message.into() }
    }

    /// A refusal of one parameter's value that carries one of Stripe's error codes.
    pub(crate) fn coded(code: &'static str, param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { param: Some(param.into()), code: Some(code), message: message.into() }
    }

    /// Whether the endpoint had begun to work, so that an idempotency key keeps this answer.
    pub(crate) fn executed(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::NoSuch { .. } | Self::Invalid { .. } | Self::Broken)
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NoKey | Self::InvalidKey(_) => StatusCode::UNAUTHORIZED,
            Self::UnknownUrl { .. } | Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::NotAForm
            | Self::NoSuch { .. }
            | Self::UnknownParam { .. }
            | Self::MissingParam { .. }
            | Self::InvalidInteger { .. }
            | Self::Empty { .. }
            | Self::Malformed { .. }
            | Self::Invalid { .. }
            | Self::KeyReused { .. }
            | Self::KeyMoved { .. } => StatusCode::BAD_REQUEST,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::KeyReused { .. } | Self::KeyMoved { .. } => "idempotency_error",
            Self::Broken => "api_error",
            _ => "invalid_request_error",
        }
    }

    fn code(&self) -> Option<&'static str> {
        match self {
            Self::NotFound { .. } | Self::NoSuch { .. } => Some("resource_missing"),
            Self::UnknownParam { .. } => Some("parameter_unknown"),
            Self::MissingParam { .. } => Some("parameter_missing"),
            Self::InvalidInteger { .. } => Some("parameter_invalid_integer"),
            Self::Empty { .. } => Some("parameter_invalid_empty"),
            Self::Invalid { code, .. } => *code,
            Self::NoKey
            | Self::InvalidKey(_)
            | Self::UnknownUrl { .. }
            | Self::NotAForm
            | Self::Malformed { .. }
            | Self::KeyReused { .. }
            | Self::KeyMoved { .. }
            | Self::Broken => None,
        }
    }

    fn param(&self) -> Option<&str> {
        match self {
            Self::NotFound { noun, .. } => Some(noun.rsplit('.').next().unwrap_or(noun)),
            Self::NoSuch { param, .. }
            | Self::UnknownParam { param }
            | Self::MissingParam { param }
            | Self::InvalidInteger { param, .. }
            | Self::Empty { param }
            | Self::Malformed { param, .. } => Some(param),
            Self::Invalid { param, .. } => param.as_deref(),
            Self::NoKey
            | Self::InvalidKey(_)
            | Self::UnknownUrl { .. }
            | Self::NotAForm
            | Self::KeyReused { .. }
            | Self::KeyMoved { .. }
            | Self::Broken => None,
        }
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> Value {
        let mut error = json!({ "type": self.kind(), "message": self.to_string() });
        if let Some(code) = self.code() {
            error["code"] = json!(code);
            error["doc_url"] = json!(format!("https://docs.stripe.com/error-codes#{}", code.replace('_', "-")));
        }
        if let Some(param) = self.param() {
            error["param"] = json!(param);
        }
        json!({ "error": error })
    }
}
