//! Serving an endpoint.

use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_http::RequestExt as _;
use services::Services;

use crate::answer::finish;
use crate::log::{Ended, Log};
use crate::{Answer, Error, Request, Response};

/// One HTTP endpoint: one Lambda function.
pub trait Endpoint: Sized + Send + Sync + 'static {
    /// The function's name.
    const NAME: &str;
    /// The settings that hold secrets: in AWS they are read by name from Parameter Store.
    const SECRETS: &[&str] = &[];

    /// The longest that the endpoint works on a request, as long as a shopper waits for a page. Lambda's own limit may be
    /// shorter.
    const PATIENCE: Duration = Duration::from_secs(8);

    /// Begins what takes time and needs no secret: opening connections that nearly every request needs. Called once per
    /// cold start, before the secrets are read.
    fn prepare(_: &Services) {}

    /// The endpoint as its settings want it; called once per cold start.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed: the function must not start.
    fn new(services: &Services) -> Result<Self, settings::Error>;

    /// Answers a request.
    fn handle(&self, request: &Request) -> impl Future<Output = Result<Answer, Error>> + Send;

    /// Answers a request whose time was over before [`Endpoint::handle`] had an answer.
    ///
    /// # Errors
    ///
    /// [`Error::Overdue`], unless the endpoint has something better to say.
    fn overdue(&self, _: &Request) -> Result<Answer, Error> {
        Err(Error::Overdue)
    }
}

/// An invocation gives up this long before Lambda would end it: time enough to say so.
const RESERVE: Duration = Duration::from_millis(250);

/// Answers a request, errors included, and writes one line about it to the log; the cause of a 5xx stands in that line.
///
/// When the endpoint's patience ends, and shortly before Lambda would end the function, whatever it still waits for is given
/// up, and [`Endpoint::overdue`] answers. That is safe wherever a crash is: after any step the next attempt goes on.
pub async fn answer<E: Endpoint>(endpoint: &E, log: &Log, request: lambda_http::Request) -> Response {
    let begun = log.begin();
    let context = request.lambda_context_ref();
    let request_id = context.map(|context| context.request_id.clone()).unwrap_or_default();
    let left = context.and_then(|context| time_left(context.deadline)).unwrap_or(Duration::MAX);
    let request = Request::new(request);
    let handled = async {
        request.check_host()?;
        endpoint.handle(&request).await
    };
    // Boxed: the future is large.
    let handled = Box::pin(tokio::time::timeout(E::PATIENCE.min(left), handled));
    let in_time = async { handled.await.unwrap_or_else(|_| endpoint.overdue(&request)) };
    let (result, tally) = tally::of(in_time).await;

    let mut cause = None;
    let Answer { mut response, cart, handed } = result.unwrap_or_else(|error| {
        cause = error.status().is_server_error().then(|| error.to_string());
        error.answer(&request_id)
    });
    if let Some(handed) = handed {
        handed.write(&request, &mut response);
    }
    finish(&mut response);
    let cart = cart.or_else(|| request.cart());
    let status = Some(response.status().as_u16());
    log.end(&begun, Ended { function: E::NAME, status, cart, request_id: &request_id, cause }, &tally);
    response
}

/// Does what a function without a route does when it is invoked, and writes one line about it to the log, as [`answer`]
/// does; the cause of a failure stands in that line.
///
/// # Errors
///
/// Those of `work`.
pub async fn invocation<T, E: Display>(
    function: &'static str,
    log: &Log,
    request_id: &str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let begun = log.begin();
    let (result, tally) = tally::of(Box::pin(work)).await;
    let cause = result.as_ref().err().map(ToString::to_string);
    log.end(&begun, Ended { function, status: None, cart: None, request_id, cause }, &tally);
    result
}

/// The time until `deadline`, in milliseconds since 1970, less the reserve.
///
/// `None` if the deadline has passed: `cargo lambda watch` sends one in 1970, and a test sends none.
fn time_left(deadline: u64) -> Option<Duration> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_millis(deadline).checked_sub(now).map(|left| left.saturating_sub(RESERVE))
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;
    use lambda_http::http::{StatusCode, header};
    use settings::Environment;

    use super::*;

    /// Waits for something that never happens.
    struct Stuck;

    impl Endpoint for Stuck {
        const NAME: &str = "stuck";

        fn new(_: &Services) -> Result<Self, settings::Error> {
            Ok(Self)
        }

        async fn handle(&self, _: &Request) -> Result<Answer, Error> {
            std::future::pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_answers_before_its_time_is_over() {
        let in_five_seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(5);
        let mut context = lambda_http::Context::default();
        context.deadline = u64::try_from(in_five_seconds.as_millis()).unwrap();

        let request = lambda_http::Request::new(Body::Empty).with_lambda_context(context);
        let response = answer(&Stuck, &Log::new(&Environment::default()), request).await;

        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }

    /// The clock is paused: it jumps to the next time that something waits for.
    #[tokio::test(start_paused = true)]
    async fn a_browser_waits_no_longer_than_eight_seconds() {
        let begun = tokio::time::Instant::now();

        let request = lambda_http::Request::new(Body::Empty);
        let response = answer(&Stuck, &Log::new(&Environment::default()), request).await;

        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(begun.elapsed().as_secs(), 8);
    }

    #[test]
    fn a_deadline_that_was_over_before_is_none() {
        for milliseconds in [0, 600_000] {
            assert_eq!(time_left(milliseconds), None);
        }
    }
}
