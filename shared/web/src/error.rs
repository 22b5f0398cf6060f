//! From what went wrong to what the client gets to see.

use std::time::Duration;

use cart::{Bounds, Line, LineId, PriceId, Rejection};
use lambda_http::http::header::InvalidHeaderValue;
use lambda_http::http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json as object};

use crate::views::PriceChangeView;
use crate::{Answer, json};

/// Why a request was not fulfilled.
///
/// Statuses and codes are decided in one match each, so that a new variant has to choose.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body is not JSON.
    #[error("The body is not valid JSON: {0}")]
    InvalidJson(String),
    /// The body is not a form.
    #[error("The body is not a valid form: {0}")]
    InvalidForm(String),
    /// The body is of a kind that is not read here: what it must be instead.
    #[error("{0}")]
    UnsupportedMediaType(&'static str),
    /// The client takes none of the types that there are of the answer.
    #[error("Accept must allow one of {}", .0.join(", "))]
    NotAcceptable(&'static [&'static str]),
    /// The body is larger than 64 KB.
    #[error("The body is larger than {} bytes", crate::wire::MAX_BYTES)]
    BodyTooLarge,
    /// A field is missing or has a value that cannot be used.
    #[error("{field} {problem}")]
    Field {
        /// The field's path, such as `items[0].quantity`.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A line's quantity is none that a cart can hold.
    #[error("{field} {problem}")]
    Quantity {
        /// The field's path, such as `items[0].quantity`.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An item of an addition is more than its line can hold.
    #[error("{field}: line {line} can hold at most {} units", cart::Quantity::MAX)]
    LineTooLarge {
        /// The field's path, such as `items[0].quantity`.
        field: String,
        /// The line.
        line: LineId,
    },
    /// A header has a value that cannot be used.
    #[error("The header {name} {problem}")]
    Header {
        /// The header.
        name: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A browser sent the request from a page that is not the shop's.
    #[error("Requests from {} are not allowed: ALLOWED_ORIGINS does not have it", .origin.as_deref().unwrap_or("this origin"))]
    ForeignOrigin {
        /// The page's origin, where the browser names it.
        origin: Option<String>,
    },
    /// A rule of the cart refused.
    #[error(transparent)]
    Rejected(Rejection),
    /// There is nothing to check out.
    #[error("Cart is empty")]
    CartEmpty,
    /// Lines of the cart cannot be bought any more, or only at another price, to which the shopper has not agreed.
    #[error("Some items are not available any more, or have another price")]
    CartChanged {
        /// The lines that cannot be bought.
        unavailable: Vec<Line>,
        /// The lines that go on at another price.
        successors: Vec<PriceChangeView>,
    },
    /// The cart is not at the version that the client insisted on.
    #[error("The cart has changed")]
    VersionMismatch {
        /// The cart's version, where there is a cart.
        current: Option<u64>,
    },
    /// The client gave another request the same idempotency key.
    #[error("Idempotency-Key was used for another request")]
    IdempotencyMismatch,
    /// A promotion code cannot be used for this cart.
    #[error("This promotion code cannot be used")]
    PromotionCodeInvalid {
        /// Why not, in a word: one of those in openapi.yaml.
        reason: &'static str,
    },
    /// The cart comes to more than Stripe takes in one payment: eight digits in minor units, for most currencies.
    ///
    /// Source: <https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>
    #[error("The total is more than can be paid at once")]
    AmountTooLarge,
    /// The cart comes to less than Stripe takes: 50 cents, or what that is in other currencies.
    #[error("The total is less than can be paid")]
    AmountTooSmall,
    /// The cart was changed too often at once, or checked out too often within an hour.
    #[error("Too many requests for this cart")]
    TooManyRequests {
        /// In how long the same request may succeed.
        retry_after: Duration,
    },
    /// There is no such order.
    #[error("Cannot find order")]
    OrderNotFound,
    /// There is no such product for sale.
    #[error("Cannot find product: {0}")]
    ProductNotFound(String),
    /// A webhook's delivery is not Stripe's.
    #[error("{0}")]
    Signature(String),
    /// No signing secret of the webhook's can be used: the shop's owner has not stored Stripe's yet.
    #[error("The webhook has no usable signing secret: store the one that Stripe made for this endpoint (whsec_…)")]
    NoWebhookSecret,
    /// The function's time is over, before what it waited for.
    #[error("the function's time is over")]
    Overdue,
    /// The system has no random bytes.
    #[error("no random bytes: {0}")]
    NoRandomness(String),
    /// A redirect's URL cannot stand in a header.
    #[error("a redirect's URL is malformed: {0}")]
    Redirect(InvalidHeaderValue),
    /// DynamoDB or Stripe failed.
    #[error("{source}")]
    Upstream {
        /// In how long the same request may succeed; `None` where repeating it does not help.
        retry_after: Option<Duration>,
        /// What went wrong: for the log.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A failure of DynamoDB's or Stripe's, which a retry may get over in `retry_after`.
pub fn upstream(retry_after: Option<Duration>, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Upstream { retry_after, source: Box::new(source) }
}

/// In how long a retry may help where nothing else is known.
const SOON: Duration = Duration::from_secs(1);

#[derive(Serialize)]
struct View<'a> {
    status: u16,
    error: bool,
    message: String,
    code: &'static str,
    details: Value,
    request_id: &'a str,
}

impl Error {
    /// A field's fault.
    pub fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Field { field: field.into(), problem: problem.into() }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::InvalidJson(_)
            | Self::InvalidForm(_)
            | Self::Field { .. }
            | Self::Quantity { .. }
            | Self::LineTooLarge { .. }
            | Self::Header { .. }
            | Self::CartEmpty
            | Self::PromotionCodeInvalid { .. }
            | Self::AmountTooLarge
            | Self::AmountTooSmall
            | Self::Signature(_) => StatusCode::BAD_REQUEST,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ForeignOrigin { .. } => StatusCode::FORBIDDEN,
            Self::Rejected(rejection) => match rejection {
                Rejection::PriceNotFound(_) | Rejection::LineNotForSale { .. } | Rejection::LineNotFound(_) => {
                    StatusCode::NOT_FOUND
                }
                Rejection::QuantityTooSmall
                | Rejection::QuantityTooLarge
                | Rejection::LineTooLarge { .. }
                | Rejection::QuantityOutOfRange { .. }
                | Rejection::TooManyItems
                | Rejection::TextTooLong { .. }
                | Rejection::MixedCurrency { .. }
                | Rejection::MixedOwnCurrency { .. }
                | Rejection::MixedInterval { .. }
                | Rejection::CustomAmountAlone(_)
                | Rejection::TooMuchMetadata
                | Rejection::Metadata { .. }
                | Rejection::TooManyAttributes
                | Rejection::Attribute { .. }
                | Rejection::RecurringLineExists(_)
                | Rejection::Description
                | Rejection::Minimum
                | Rejection::Maximum { .. } => StatusCode::BAD_REQUEST,
                Rejection::Closed => StatusCode::CONFLICT,
            },
            Self::CartChanged { .. } => StatusCode::CONFLICT,
            Self::VersionMismatch { .. } => StatusCode::PRECONDITION_FAILED,
            Self::IdempotencyMismatch => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::OrderNotFound | Self::ProductNotFound(_) => StatusCode::NOT_FOUND,
            Self::Upstream { retry_after: Some(_), .. }
            | Self::Overdue
            | Self::NoRandomness(_)
            | Self::NoWebhookSecret => StatusCode::SERVICE_UNAVAILABLE,
            Self::Upstream { retry_after: None, .. } | Self::Redirect(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The code that programs go by.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidJson(_) => "invalid_json",
            Self::InvalidForm(_) => "invalid_form",
            Self::UnsupportedMediaType(_) => "unsupported_media_type",
            Self::NotAcceptable(_) => "not_acceptable",
            Self::BodyTooLarge => "body_too_large",
            Self::Field { .. } => "invalid_field",
            Self::Quantity { .. } | Self::LineTooLarge { .. } => "invalid_quantity",
            Self::Header { .. } => "invalid_header",
            Self::ForeignOrigin { .. } => "foreign_origin",
            Self::Rejected(rejection) => match rejection {
                Rejection::PriceNotFound(_) | Rejection::LineNotForSale { .. } => "price_not_found",
                Rejection::QuantityTooSmall | Rejection::QuantityTooLarge | Rejection::LineTooLarge { .. } => {
                    "invalid_quantity"
                }
                Rejection::QuantityOutOfRange { .. } => "quantity_out_of_range",
                Rejection::TooManyItems => "too_many_items",
                Rejection::TextTooLong { .. } => "cart_too_large",
                Rejection::MixedCurrency { .. } | Rejection::MixedOwnCurrency { .. } => "mixed_currency",
                Rejection::MixedInterval { .. } => "mixed_interval",
                Rejection::CustomAmountAlone(_) => "custom_amount_alone",
                Rejection::TooMuchMetadata | Rejection::Metadata { .. } => "invalid_metadata",
                Rejection::LineNotFound(_) => "line_not_found",
                Rejection::RecurringLineExists(_) => "recurring_line_exists",
                Rejection::TooManyAttributes
                | Rejection::Attribute { .. }
                | Rejection::Description
                | Rejection::Minimum
                | Rejection::Maximum { .. } => "invalid_field",
                Rejection::Closed => "cart_closed",
            },
            Self::CartEmpty => "cart_empty",
            Self::CartChanged { .. } => "cart_changed",
            Self::VersionMismatch { .. } => "version_mismatch",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::PromotionCodeInvalid { .. } => "invalid_promotion_code",
            Self::AmountTooLarge => "amount_too_large",
            Self::AmountTooSmall => "amount_too_small",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::OrderNotFound => "order_not_found",
            Self::ProductNotFound(_) => "product_not_found",
            Self::Signature(_) => "invalid_signature",
            Self::NoWebhookSecret => "webhook_secret_unusable",
            Self::Upstream { .. } | Self::Overdue | Self::NoRandomness(_) | Self::Redirect(_) => "server_error",
        }
    }

    fn details(&self) -> Value {
        match self {
            Self::Field { field, .. } | Self::Quantity { field, .. } => object!({ "field": field }),
            Self::LineTooLarge { field, line } => object!({ "field": field, "id": line }),
            Self::Header { name, .. } => object!({ "header": name }),
            Self::Rejected(rejection) => details_of(rejection),
            Self::CartChanged { unavailable, successors } => {
                let lines: Vec<&LineId> = unavailable.iter().map(|line| &line.id).collect();
                object!({ "prices": prices_of(unavailable), "lines": lines, "successors": successors })
            }
            Self::VersionMismatch { current } => object!({ "version": current }),
            Self::OrderNotFound => object!({ "field": "number" }),
            Self::ProductNotFound(product) => object!({ "product": product }),
            Self::NotAcceptable(_) => object!({ "header": "Accept" }),
            Self::ForeignOrigin { origin } => object!({ "origin": origin, "setting": "ALLOWED_ORIGINS" }),
            Self::IdempotencyMismatch => object!({ "header": crate::shopper::IDEMPOTENCY_KEY }),
            Self::PromotionCodeInvalid { reason } => object!({ "field": "promotion_code", "reason": reason }),
            Self::Signature(_) => object!({ "header": "Stripe-Signature" }),
            Self::InvalidJson(_)
            | Self::InvalidForm(_)
            | Self::UnsupportedMediaType(_)
            | Self::BodyTooLarge
            | Self::CartEmpty
            | Self::AmountTooLarge
            | Self::AmountTooSmall
            | Self::TooManyRequests { .. }
            | Self::Upstream { .. }
            | Self::Overdue
            | Self::NoRandomness(_)
            | Self::NoWebhookSecret
            | Self::Redirect(_) => object!({}),
        }
    }

    /// What the client reads: details for its own faults, `Server Error` for ours.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Rejected(rejection) => capitalised(&rejection.to_string()),
            // Stripe shows it to the shop's owner, who alone can help.
            Self::NoWebhookSecret => self.to_string(),
            error if error.status().is_server_error() => "Server Error".to_owned(),
            error => error.to_string(),
        }
    }

    /// In how many whole seconds a retry may help.
    fn retry_after(&self) -> HeaderValue {
        let time = match self {
            Self::Upstream { retry_after: Some(time), .. } | Self::TooManyRequests { retry_after: time } => *time,
            // As often as secrets are read again.
            Self::NoWebhookSecret => Duration::from_mins(1),
            _ => SOON,
        };
        HeaderValue::from(time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)).max(1))
    }

    /// The answer, in the shape of Enupal's errors with additions behind.
    pub(crate) fn answer(&self, request_id: &str) -> Answer {
        let status = self.status();
        let view = View {
            status: status.as_u16(),
            error: true,
            message: self.message(),
            code: self.code(),
            details: self.details(),
            request_id,
        };
        let mut answer = Answer::json_text(status, json::text(&view));
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            answer.response.headers_mut().insert(header::RETRY_AFTER, self.retry_after());
        }
        answer
    }
}

/// The prices of these lines, each once.
fn prices_of(lines: &[Line]) -> Vec<&PriceId> {
    let mut prices = Vec::new();
    for Line { price, .. } in lines {
        if !prices.contains(&price) {
            prices.push(price);
        }
    }
    prices
}

fn details_of(rejection: &Rejection) -> Value {
    match rejection {
        Rejection::PriceNotFound(price)
        | Rejection::CustomAmountAlone(price)
        | Rejection::RecurringLineExists(price) => object!({ "price": price }),
        Rejection::LineNotForSale { line, price } => object!({ "price": price, "id": line }),
        Rejection::LineNotFound(line) => object!({ "id": line }),
        Rejection::QuantityTooSmall | Rejection::QuantityTooLarge => object!({ "field": "quantity" }),
        Rejection::LineTooLarge { line, .. } => object!({ "field": "quantity", "id": line }),
        Rejection::QuantityOutOfRange { line, bounds: Bounds { minimum, maximum } } => {
            object!({ "id": line, "price": line.price(), "minimum": minimum, "maximum": maximum })
        }
        Rejection::TooManyItems => object!({ "field": "items" }),
        Rejection::TextTooLong { bytes } => object!({ "bytes": bytes, "maximum": cart::Cart::MAX_TEXT }),
        Rejection::MixedCurrency { price, currency } => object!({ "price": price, "currency": currency }),
        Rejection::MixedOwnCurrency { price, offered, held, currency } => {
            object!({ "price": price, "currency": currency, "own_currency": offered, "cart_own_currency": held })
        }
        Rejection::MixedInterval { price, offered, held } => {
            object!({ "price": price, "interval": offered.to_string(), "cart_interval": held.to_string() })
        }
        Rejection::TooMuchMetadata => object!({ "field": "metadata" }),
        Rejection::Metadata { key, .. } => object!({ "field": "metadata", "key": key }),
        Rejection::TooManyAttributes => object!({ "field": "attributes" }),
        Rejection::Attribute { key, .. } => object!({ "field": "attributes", "key": key }),
        Rejection::Description => object!({ "field": "description" }),
        Rejection::Minimum => object!({ "field": "adjustable_quantity.minimum" }),
        Rejection::Maximum { .. } => object!({ "field": "adjustable_quantity.maximum" }),
        Rejection::Closed => object!({}),
    }
}

fn capitalised(fragment: &str) -> String {
    let mut letters = fragment.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<shopping::Error> for Error {
    fn from(error: shopping::Error) -> Self {
        match error {
            shopping::Error::VersionMismatch { current } => Self::VersionMismatch { current },
            shopping::Error::IdempotencyMismatch => Self::IdempotencyMismatch,
            shopping::Error::Rejected(rejection) => Self::Rejected(rejection),
            shopping::Error::TooManyRequests { retry_after } => Self::TooManyRequests { retry_after },
            shopping::Error::Store(error) => upstream(error.retry_after(), error),
            shopping::Error::Upstream { retry_after, source } => Self::Upstream { retry_after, source },
            shopping::Error::NoRandomness(error) => Self::NoRandomness(error.to_string()),
        }
    }
}
