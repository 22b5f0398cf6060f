//! Requests with an idempotency key, so that repeating one has no further effect.

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cart::{SessionId, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::carts::row::REQUESTS;
use crate::item::{Item, text};

/// A request's idempotency key as a cart remembers it: a digest of the key, and one of what is asked for.
///
/// It is one more entry in the cart's own item, made by the write that it belongs to. So it takes effect exactly when the
/// write does, costs 36 bytes and no request of its own, and costs a request without a key nothing. A row of its own,
/// written in one transaction with the cart, would cost four write units for one, and would have to be read first. The
/// price is that an answer is not kept: a repeated request is answered with the cart as it is by then, which is the same
/// answer unless the cart changed in between.
///
/// Keys belong to one cart. Two carts may have the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdempotencyKey {
    key: String,
    request: String,
}

/// What a cart remembers of a request with a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Seen {
    /// No request with this key, or none within 24 hours.
    Never,
    /// This request, which was answered with this Checkout Session, if any.
    SameRequest(Option<SessionId>),
    /// Another request with this key.
    OtherRequest,
}

/// For how long a key is remembered, in seconds: 24 hours.
pub(crate) const LIFETIME: i64 = 24 * 60 * 60;
/// From this many keys on, the next write with a key removes those that are older than [`LIFETIME`].
pub(crate) const SWEEP_FROM: usize = 32;
/// The most keys that a cart remembers, about 36 KB; the oldest go first.
pub(crate) const MOST: usize = 1000;

impl IdempotencyKey {
    /// The `key` of a request that asks for what `parts` say together.
    pub fn new<'a>(key: &str, parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        Self { key: digest(&Sha256::digest(key)), request: digest(&hash.finalize()) }
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn request(&self) -> &str {
        &self.request
    }

    /// What is remembered of the request once it has been carried out at `now`.
    pub(crate) fn entry(&self, now: Timestamp, session: Option<&SessionId>) -> AttributeValue {
        text(format!("{}:{}:{}", now.as_second(), self.request, session.map(SessionId::as_str).unwrap_or_default()))
    }

    /// What stands under this key in the cart `item`, even if it is older than [`LIFETIME`].
    pub(crate) fn stored<'a>(&self, item: &'a Item) -> Option<&'a AttributeValue> {
        requests(item)?.get(&self.key)
    }

    /// Whether the cart `item` must forget something before it can remember this request.
    pub(crate) fn needs_room(&self, item: &Item, now: Timestamp) -> bool {
        let many = requests(item).is_some_and(|requests| requests.len() >= SWEEP_FROM);
        self.recall(item, now) == Seen::Never && (many || self.stored(item).is_some())
    }

    /// What the cart `item` remembers of this request.
    pub(crate) fn recall(&self, item: &Item, now: Timestamp) -> Seen {
        let Some((time, request, session)) = self.stored(item).and_then(parts) else { return Seen::Never };
        if is_over(time, now) {
            Seen::Never
        } else if request == self.request {
            Seen::SameRequest(session.parse().ok())
        } else {
            Seen::OtherRequest
        }
    }
}

/// The keys that the cart `item` need not remember any more, with `key` to come.
pub(crate) fn forgettable(item: &Item, key: &IdempotencyKey, now: Timestamp) -> Vec<String> {
    let Some(requests) = requests(item) else { return Vec::new() };
    if requests.len() < SWEEP_FROM {
        return Vec::new();
    }
    let mut known: Vec<(i64, &String)> = requests
        .iter()
        .filter(|(known, _)| **known != key.key)
        .map(|(key, entry)| (parts(entry).map_or(i64::MIN, |(time, ..)| time), key))
        .collect();
    known.sort_unstable();
    let too_many = (known.len() + 1).saturating_sub(MOST);
    let over = known.iter().take_while(|(time, _)| is_over(*time, now)).count();
    // An expression has room for about this many; the next write sweeps on.
    let swept = known.iter().take(over.max(too_many).min(100));
    swept.map(|(_, key)| (*key).clone()).collect()
}

fn requests(item: &Item) -> Option<&Item> {
    item.get(REQUESTS)?.as_m().ok()
}

fn is_over(time: i64, now: Timestamp) -> bool {
    time.saturating_add(LIFETIME) <= now.as_second()
}

fn parts(entry: &AttributeValue) -> Option<(i64, &str, &str)> {
    let mut parts = entry.as_s().ok()?.splitn(3, ':');
    Some((parts.next()?.parse().ok()?, parts.next()?, parts.next()?))
}

/// 64 bits, in 11 characters: keys and requests only need to be told apart within one cart.
fn digest(hash: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(&hash[..8])
}
