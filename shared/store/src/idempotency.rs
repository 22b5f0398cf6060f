//! Requests with an idempotency key, so that repeating one has no further effect.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cart::{CartNumber, SessionId, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::carts::row::REQUESTS;
use crate::item::{Item, text};

/// A request's idempotency key as a cart remembers it: a digest of the key, and one of what is asked for.
///
/// It is one more entry in the cart's own item, made by the write that it belongs to. So it takes effect exactly when the
/// write does, costs 40 bytes and no request of its own, and costs a request without a key nothing. A row of its own,
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
/// The keys that a cart remembers, if not for longer than [`LIFETIME`]: the newest.
pub(crate) const MOST: usize = 64;
/// The most keys that an item holds, so that it stays small. What is beyond [`MOST`] goes with the next write that knows of it:
/// one that has seen the item, or one of a function that wrote the item before ([`Surplus`]).
pub(crate) const ROOM: usize = 80;
/// An expression has room for about this many names; the next write goes on.
const MOST_AT_ONCE: usize = 100;
/// What stands before the milliseconds in place of a session's id. No id has it, so that version 0.1.0 reads no session.
const MILLISECONDS: char = '.';

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

    /// What is remembered of the request once it has been carried out at `now`: the time in seconds, the digest, and the
    /// session that answered it, else the milliseconds of the time.
    pub(crate) fn entry(&self, now: Timestamp, session: Option<&SessionId>) -> AttributeValue {
        let seconds = now.as_second();
        let milliseconds = || format!("{MILLISECONDS}{:03}", now.as_millisecond().rem_euclid(1000));
        text(format!("{seconds}:{}:{}", self.request, session.map_or_else(milliseconds, SessionId::to_string)))
    }

    /// What stands under this key in the cart `item`, even if it is older than [`LIFETIME`].
    pub(crate) fn stored<'a>(&self, item: &'a Item) -> Option<&'a AttributeValue> {
        requests(item)?.get(&self.key)
    }

    /// Whether the cart `item` must forget something before it can remember this request.
    pub(crate) fn needs_room(&self, item: &Item, now: Timestamp) -> bool {
        let many = requests(item).is_some_and(|requests| requests.len() >= ROOM);
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
    let mut known = by_age(item);
    known.retain(|(_, known)| **known != key.key);
    let too_many = (known.len() + 1).saturating_sub(MOST);
    // Few keys are left in peace: to remove them costs more than they do.
    let over = if known.len() < MOST / 2 { 0 } else { known.iter().take_while(|(age, _)| is_over(age.0, now)).count() };
    known.iter().take(over.max(too_many).min(MOST_AT_ONCE)).map(|(_, key)| (*key).clone()).collect()
}

/// What a function knows of the keys that carts need not remember any more: of those that it wrote last.
///
/// The next write with a key removes them without a look at the item. So an item keeps its [`MOST`] keys with one request for
/// each. A function that knows nothing leaves them where they are; there is room for some ([`ROOM`]).
#[derive(Debug, Default)]
pub(crate) struct Surplus(Mutex<HashMap<CartNumber, Vec<String>>>);

impl Surplus {
    /// The most carts of which something is known. Few have as many keys.
    const MOST_CARTS: usize = 100;

    /// Takes note of what a cart's item need not remember once another key comes.
    pub(crate) fn note(&self, cart: CartNumber, item: &Item) {
        let too_many = requests(item).map_or(0, |requests| (requests.len() + 1).saturating_sub(MOST));
        if too_many == 0 {
            return;
        }
        let oldest = by_age(item).into_iter().take(too_many.min(MOST_AT_ONCE)).map(|(_, key)| key.clone()).collect();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MOST_CARTS {
            known.clear();
        }
        known.insert(cart, oldest);
    }

    /// What the item of a cart need not remember any more where `key` is to come.
    pub(crate) fn take(&self, cart: CartNumber, key: &IdempotencyKey) -> Vec<String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&cart).unwrap_or_default();
        known.retain(|known| *known != key.key);
        known
    }
}

/// The keys of a cart's item with their time in seconds and in milliseconds, the oldest first. A request that was answered with
/// a session counts as the last of its second.
fn by_age(item: &Item) -> Vec<((i64, u16), &String)> {
    let age = |entry| {
        parts(entry).map_or((i64::MIN, 0), |(seconds, _, rest)| {
            (seconds, rest.strip_prefix(MILLISECONDS).and_then(|rest| rest.parse().ok()).unwrap_or(999))
        })
    };
    let mut known: Vec<_> = requests(item).into_iter().flatten().map(|(key, entry)| (age(entry), key)).collect();
    known.sort_unstable();
    known
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
