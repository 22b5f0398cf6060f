//! `POST /cart/checkout`: returns a Stripe Checkout Session for the cart. The front-end sends the shopper to its `url`.

use ordering::{CheckoutError, CheckoutRequest};
use payments::{Hook, Stripe};
use services::Services;
use web::{AllowedOrigins, Answer, CheckoutBody, Endpoint, Error, Request};

/// The endpoint.
#[derive(Debug)]
pub struct Checkout {
    origins: AllowedOrigins,
    sessions: ordering::Checkout,
    /// Where the deployment is reached, if requests do not show it.
    public_url: Option<String>,
}

impl Checkout {
    /// The same endpoint with a merchant's hook on the parameters of every session.
    #[must_use]
    pub fn with_hook(self, hook: Hook) -> Self {
        Self { sessions: self.sessions.with_hook(hook), ..self }
    }
}

impl Endpoint for Checkout {
    const NAME: &str = env!("CARGO_PKG_NAME");
    const SECRETS: &[&str] = &[Stripe::SECRET_KEY];

    fn prepare(services: &Services) {
        Stripe::open(&services.environment, &services.https);
    }

    fn new(services: &Services) -> Result<Self, settings::Error> {
        let public_url = services.environment.base_page("PUBLIC_URL")?;
        Ok(Self {
            origins: AllowedOrigins::new(&services.environment)?,
            sessions: ordering::Checkout::new(services)?,
            public_url,
        })
    }

    async fn handle(&self, request: &Request) -> Result<Answer, Error> {
        let shopper = request.shopper(&self.origins)?;
        let body: CheckoutBody = request.body()?;
        let base_url = self.public_url.clone().or_else(|| request.base_url("/cart/checkout"));
        let wanted = CheckoutRequest {
            email: body.email().map(str::to_owned),
            promotion_code: body.promotion_code().map(str::to_owned),
            agreement: body.agreement()?,
            base_url: base_url.ok_or(Error::Header { name: "Host", problem: "is required" })?,
        };

        let session = self.sessions.session(&shopper, &wanted, request.received_at()).await;
        let session = session.map_err(refused)?;

        Ok(Answer::json(&session))
    }
}

fn refused(error: CheckoutError) -> Error {
    match error {
        CheckoutError::CartEmpty => Error::CartEmpty,
        CheckoutError::CartChanged { unavailable, successors } => {
            let successors = successors.iter().map(Into::into).collect();
            Error::CartChanged { unavailable, successors }
        }
        CheckoutError::VersionMismatch { current } => Error::VersionMismatch { current: Some(current) },
        CheckoutError::IdempotencyMismatch => Error::IdempotencyMismatch,
        CheckoutError::Rejected(rejection) => rejection.into(),
        CheckoutError::PromotionCodeInvalid(fault) => Error::PromotionCodeInvalid { reason: fault.reason() },
        CheckoutError::EmailInvalid => Error::field("email", "must be an e-mail address"),
        CheckoutError::AmountTooLarge => Error::AmountTooLarge,
        CheckoutError::AmountTooSmall => Error::AmountTooSmall,
        CheckoutError::TooManyRequests { retry_after } => Error::TooManyRequests { retry_after },
        CheckoutError::Failed(error) => web::upstream(error.retry_after(), error),
    }
}
