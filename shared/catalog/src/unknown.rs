//! Prices that do not exist.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cart::PriceId;

/// The prices that Stripe did not know a moment ago. Requests for them do not reach Stripe again.
#[derive(Debug, Default)]
pub(crate) struct Unknown(Mutex<HashMap<PriceId, Instant>>);

impl Unknown {
    /// How long Stripe's answer counts.
    const KEEP: Duration = Duration::from_secs(10);
    /// How many prices are remembered.
    const MOST: usize = 1000;

    pub(crate) fn has(&self, price: &PriceId) -> bool {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.get(price).is_some_and(|since| since.elapsed() < Self::KEEP)
    }

    pub(crate) fn add(&self, price: &PriceId) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= Self::MOST {
            noted.retain(|_, since| since.elapsed() < Self::KEEP);
        }
        if noted.len() < Self::MOST {
            noted.insert(price.clone(), Instant::now());
        }
    }
}
