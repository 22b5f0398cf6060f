//! Which failed attempts are worth another, and when.
//!
//! Sources: <https://docs.stripe.com/error-low-level>, <https://docs.stripe.com/rate-limits>

use std::time::Duration;

use http::{HeaderMap, StatusCode};

/// How long a caller waits for an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// The most attempts.
    attempts: u32,
    /// The most time for all attempts and pauses of one call.
    pub(super) time: Duration,
    /// Whether the caller waits while Stripe is left alone.
    pub(super) outlasts_rests: bool,
    /// Whether the caller leaves it at that where Stripe has too many requests.
    gives_way: bool,
}

/// A browser or a webhook's sender waits: a second less than a shopper waits for a whole answer.
pub(super) const SHOPPER: Patience =
    Patience { attempts: 3, time: Duration::from_secs(7), outlasts_rests: false, gives_way: false };
/// Who asked will ask again, and others need the answer more.
pub(super) const HINT: Patience = Patience { gives_way: true, ..SHOPPER };
/// A batch of work, which may ride out a rate limit or a short outage.
pub(super) const BATCH: Patience =
    Patience { attempts: 8, time: Duration::from_mins(2), outlasts_rests: true, gives_way: false };

/// The longest first pause; it doubles.
const PAUSE: Duration = Duration::from_millis(300);
/// The least time that an attempt gets: with less left, there is none.
const LEAST_TIME: Duration = Duration::from_secs(1);

/// What Stripe says of another attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Advice {
    /// Whether the same request may succeed later.
    pub(super) may_help: bool,
    /// Not before.
    pub(super) after: Option<Duration>,
    /// Whether the answer repeats a failure that Stripe keeps under the request's idempotency key.
    pub(super) replayed: bool,
    /// Whether Stripe has too many requests.
    limited: bool,
}

impl Advice {
    /// An attempt that was not answered may be repeated at once.
    pub(super) const UNANSWERED: Self = Self { may_help: true, after: None, replayed: false, limited: false };

    /// Nothing was sent, since Stripe is left alone.
    pub(super) fn resting(rest: Duration, may_help: bool) -> Self {
        Self { may_help, after: Some(rest), ..Self::default() }
    }

    /// What an answer says. `Stripe-Should-Retry` is the last word; without it, outages (5xx), conflicts between requests
    /// (409) and rate limits (429) pass.
    pub(super) fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let may_help = match text("stripe-should-retry") {
            Some("true") => true,
            Some("false") => false,
            _ => passes(status),
        };
        let after = text("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let replayed = passes(status) && text("idempotent-replayed") == Some("true");
        Self { may_help, after, replayed, limited: status == StatusCode::TOO_MANY_REQUESTS }
    }
}

/// Whether what a status reports passes by itself.
pub(super) fn passes(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS)
}

impl Patience {
    /// How long to wait after the `attempt`th attempt, which ended `spent` after the first began. `None`: no other.
    ///
    /// Pauses are random between nothing and a bound that doubles, so that those who failed together do not return
    /// together.
    ///
    /// A repeated answer is no reason to wait: what comes next is sent under another key.
    pub(super) fn pause(&self, advice: Advice, attempt: u32, spent: Duration) -> Option<Duration> {
        if attempt >= self.attempts || (self.gives_way && advice.limited) {
            return None;
        }
        let pause = if advice.replayed {
            Duration::ZERO
        } else if advice.may_help {
            let most = PAUSE * 2_u32.saturating_pow(attempt - 1);
            most.mul_f64(fastrand::f64()).max(advice.after.unwrap_or_default())
        } else {
            return None;
        };
        (spent + pause + LEAST_TIME <= self.time).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn advice(status: u16, headers: &[(&'static str, &'static str)]) -> Advice {
        let headers = headers.iter().map(|(name, value)| ((*name).parse().unwrap(), HeaderValue::from_static(value)));
        Advice::of(StatusCode::from_u16(status).unwrap(), &headers.collect())
    }

    /// Source: <https://github.com/stripe/stripe-node/blob/v23.1.0/src/RequestSender.ts> (`_shouldRetry`), and for 429
    /// <https://docs.stripe.com/rate-limits>.
    #[test]
    fn stripe_has_the_last_word_on_another_attempt() {
        for status in [409, 429, 500, 502, 503] {
            assert!(advice(status, &[]).may_help, "{status}");
            assert!(!advice(status, &[("stripe-should-retry", "false")]).may_help, "{status}");
        }
        for status in [400, 401, 402, 403, 404] {
            assert!(!advice(status, &[]).may_help, "{status}");
            assert!(advice(status, &[("stripe-should-retry", "true")]).may_help, "{status}");
        }
    }

    #[test]
    fn a_pause_is_random_under_a_bound_that_doubles() {
        for attempt in 1..BATCH.attempts {
            let bound = PAUSE * 2_u32.pow(attempt - 1);
            let pauses: Vec<_> =
                (0..100).map(|_| BATCH.pause(Advice::UNANSWERED, attempt, Duration::ZERO).unwrap()).collect();

            assert!(pauses.iter().all(|pause| *pause <= bound), "{attempt}");
            assert!(pauses.iter().any(|pause| *pause > bound / 2), "{attempt}");
            assert!(pauses.iter().any(|pause| *pause < bound / 2), "{attempt}");
        }
    }

    #[test]
    fn stripes_own_pause_is_kept_or_there_is_no_other_attempt() {
        let after = |seconds: &'static str| advice(429, &[("retry-after", seconds)]);
        let pause = |advice, spent| SHOPPER.pause(advice, 1, Duration::from_secs(spent));

        assert!(pause(after("3"), 0).unwrap() >= Duration::from_secs(3));
        assert_eq!(pause(after("3"), 4), None);
        assert_eq!(pause(after("60"), 0), None);
        assert!(BATCH.pause(after("60"), 1, Duration::ZERO).unwrap() >= Duration::from_mins(1));
    }

    #[test]
    fn a_hint_is_not_asked_again_where_stripe_has_too_many_requests() {
        for headers in [&[][..], &[("retry-after", "0")], &[("stripe-should-retry", "true")]] {
            assert_eq!(HINT.pause(advice(429, headers), 1, Duration::ZERO), None, "{headers:?}");
            assert!(SHOPPER.pause(advice(429, headers), 1, Duration::ZERO).is_some(), "{headers:?}");
        }
        // A dead connection or a fault of Stripe's is worth another attempt.
        assert!(HINT.pause(Advice::UNANSWERED, 1, Duration::ZERO).is_some());
        assert!(HINT.pause(advice(500, &[]), 2, Duration::ZERO).is_some());
    }

    #[test]
    fn attempts_end_with_their_number_and_their_time() {
        assert!(SHOPPER.pause(Advice::UNANSWERED, 2, Duration::from_secs(5)).is_some());
        assert_eq!(SHOPPER.pause(Advice::UNANSWERED, 3, Duration::ZERO), None);
        assert_eq!(SHOPPER.pause(Advice::UNANSWERED, 1, Duration::from_millis(6001)), None);
        assert_eq!(SHOPPER.pause(advice(400, &[]), 1, Duration::ZERO), None);
    }

    #[test]
    fn a_repeated_answer_is_no_reason_to_wait() {
        let replayed = advice(500, &[("idempotent-replayed", "true"), ("stripe-should-retry", "false")]);

        assert_eq!(SHOPPER.pause(replayed, 1, Duration::ZERO), Some(Duration::ZERO));
        let refused = advice(400, &[("idempotent-replayed", "true")]);
        assert_eq!(SHOPPER.pause(refused, 1, Duration::ZERO), None);
    }
}
