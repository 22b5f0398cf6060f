//! Remembers what Stripe said, and asks one question at a time about each object.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, ready};
use tokio::time::Instant;

use super::{Named, Said};

/// What Stripe says of an object, as soon as it has: all who wait for it wait for one request.
pub(super) type Answer = Shared<BoxFuture<'static, Said>>;

/// The answers so far, and those under way.
#[derive(Default)]
pub(super) struct Memory(Mutex<BTreeMap<Named, Remembered>>);

struct Remembered {
    since: Instant,
    answer: Answer,
}

impl Memory {
    /// The answer to a question that was asked less than `keep` before `now`, else to `ask`.
    pub(super) fn answer(
        &self,
        named: &Named,
        now: Instant,
        keep: Duration,
        ask: impl FnOnce() -> BoxFuture<'static, Said>,
    ) -> Answer {
        let mut all = self.all();
        if let Some(remembered) = all.get(named).filter(|remembered| remembered.is_usable(now, keep)) {
            return remembered.answer.clone();
        }
        all.retain(|_, remembered| remembered.is_usable(now, super::KEEP));
        let answer = ask().shared();
        all.insert(named.clone(), Remembered { since: now, answer: answer.clone() });
        answer
    }

    /// What Stripe is known to have said less than `keep` before `now`.
    pub(super) fn known(&self, named: &Named, now: Instant, keep: Duration) -> Option<Said> {
        self.all().get(named).filter(|remembered| remembered.is_usable(now, keep))?.answer.peek().cloned()
    }

    /// Remembers what Stripe said without having been asked.
    pub(super) fn note(&self, named: &Named, now: Instant, said: Said) {
        let mut all = self.all();
        all.retain(|_, remembered| remembered.is_usable(now, super::KEEP));
        let answer = ready(said).boxed().shared();
        // An answer is known once it has been waited for.
        let _ = answer.clone().now_or_never();
        all.insert(named.clone(), Remembered { since: now, answer });
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Named, Remembered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    fn is_usable(&self, now: Instant, keep: Duration) -> bool {
        now.duration_since(self.since) < keep && self.answer.peek().is_none_or(Said::lasts)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use serde_json::Value;

    use super::*;
    use crate::named::{KEEP, Kind};

    /// Asks, and counts how often.
    #[derive(Default)]
    struct Asked {
        memory: Memory,
        times: Arc<AtomicUsize>,
    }

    impl Asked {
        fn answer(&self, id: &str, now: Instant, keep: Duration, said: Said) -> Answer {
            let times = Arc::clone(&self.times);
            self.memory.answer(&named(id), now, keep, || {
                async move {
                    tokio::task::yield_now().await;
                    times.fetch_add(1, Relaxed);
                    said
                }
                .boxed()
            })
        }

        fn times(&self) -> usize {
            self.times.load(Relaxed)
        }
    }

    fn named(id: &str) -> Named {
        Named { kind: Kind::ShippingRate, id: id.to_owned() }
    }

    #[tokio::test]
    async fn what_stripe_said_is_believed_for_ten_minutes() {
        let (asked, now) = (Asked::default(), Instant::now());
        let lasting = [Said::Found(Arc::new(Value::Null)), Said::Gone, Said::Withheld];

        for (index, said) in lasting.into_iter().enumerate() {
            let id = index.to_string();
            for (after, times) in [(0, 1), (599, 1), (600, 2), (1199, 2)] {
                asked.answer(&id, now + Duration::from_secs(after), KEEP, said.clone()).await;
                assert_eq!(asked.times(), 2 * index + times, "{said:?} after {after} s");
            }
        }
    }

    #[tokio::test]
    async fn silence_is_not_remembered() {
        let (asked, now) = (Asked::default(), Instant::now());

        asked.answer("a", now, KEEP, Said::Nothing).await;
        asked.answer("a", now, KEEP, Said::Gone).await;

        assert_eq!(asked.times(), 2);
        assert!(matches!(asked.memory.known(&named("a"), now, KEEP), Some(Said::Gone)));
    }

    #[test]
    fn what_stripe_says_unasked_is_known_at_once() {
        let (memory, now) = (Memory::default(), Instant::now());

        memory.note(&named("a"), now, Said::Gone);

        assert!(matches!(memory.known(&named("a"), now, KEEP), Some(Said::Gone)));
        assert!(memory.known(&named("a"), now + KEEP, KEEP).is_none());
    }

    #[tokio::test]
    async fn all_who_ask_at_once_wait_for_one_answer() {
        let (asked, now) = (Asked::default(), Instant::now());
        let answers: Vec<_> = (0..50).map(|_| asked.answer("a", now, KEEP, Said::Nothing)).collect();

        futures_util::future::join_all(answers).await;

        assert_eq!(asked.times(), 1);
    }

    #[tokio::test]
    async fn one_who_does_not_wait_to_the_end_leaves_the_question_to_the_next() {
        let (asked, now) = (Asked::default(), Instant::now());

        assert!(asked.answer("a", now, KEEP, Said::Gone).now_or_never().is_none());
        asked.answer("a", now, KEEP, Said::Gone).await;

        assert_eq!(asked.times(), 1);
    }

    #[tokio::test]
    async fn those_whom_stripe_refused_share_the_next_answer() {
        let (asked, now) = (Asked::default(), Instant::now());
        asked.answer("a", now, KEEP, Said::Withheld).await;
        let refused = now + Duration::from_secs(5);

        // Both had asked for a session before, one a second earlier than the other.
        asked.answer("a", refused, Duration::from_secs(1), Said::Gone).await;
        asked.answer("a", refused + Duration::from_millis(10), Duration::from_secs(2), Said::Gone).await;

        assert_eq!(asked.times(), 2);
    }
}
