//! Leaves a Stripe alone that does not answer.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Counts attempts that Stripe did not answer. After some in a row it is asked nothing for a while, so that shoppers
/// are told at once instead of each waiting for the same silence.
#[derive(Debug, Default)]
pub(super) struct Circuit(Mutex<State>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    unanswered: u32,
    open_until: Option<Instant>,
}

impl Circuit {
    /// After how many attempts without an answer, one after the other, Stripe is left alone.
    const MOST_UNANSWERED: u32 = 3;
    /// For how long Stripe is left alone.
    const REST: Duration = Duration::from_secs(5);

    /// For how long from `now` on Stripe is still left alone, if it is.
    pub(super) fn rest(&self, now: Instant) -> Option<Duration> {
        let left = self.state().open_until?.saturating_duration_since(now);
        Some(left).filter(|left| !left.is_zero())
    }

    /// Notes that an attempt was not answered; returns for how long Stripe is left alone now, if it is.
    ///
    /// After a rest the first attempt decides whether there is another.
    pub(super) fn unanswered(&self, now: Instant) -> Option<Duration> {
        let mut state = self.state();
        state.unanswered = state.unanswered.saturating_add(1);
        let rest = (state.unanswered >= Self::MOST_UNANSWERED).then_some(Self::REST);
        state.open_until = rest.map(|rest| now + rest);
        rest
    }

    /// Notes that Stripe answered, whatever it was.
    pub(super) fn answered(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn three_attempts_in_a_row_without_an_answer_begin_a_rest_of_five_seconds() {
        let (circuit, now) = (Circuit::default(), Instant::now());

        circuit.unanswered(now);
        circuit.unanswered(now);
        assert_eq!(circuit.rest(now), None);
        circuit.answered();
        for _ in 0..3 {
            assert_eq!(circuit.rest(now), None);
            circuit.unanswered(now);
        }

        assert_eq!(circuit.rest(now), Some(5 * SECOND));
        assert_eq!(circuit.rest(now + 4 * SECOND), Some(SECOND));
        assert_eq!(circuit.rest(now + 5 * SECOND), None);
    }

    #[test]
    fn after_a_rest_one_attempt_decides() {
        let (circuit, now) = (Circuit::default(), Instant::now());
        let rests = [(); 3].map(|()| circuit.unanswered(now));
        assert_eq!(rests, [None, None, Some(5 * SECOND)]);

        let later = now + 6 * SECOND;
        circuit.unanswered(later);
        assert_eq!(circuit.rest(later), Some(5 * SECOND));

        circuit.answered();
        circuit.unanswered(later);
        assert_eq!(circuit.rest(later), None);
    }
}
