//! Identifiers that look like Stripe's.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Letters that one 64-bit hash has room for.
const PER_HASH: usize = 10;

/// A new identifier: the prefix, then `length` random letters and digits.
///
/// They are unique, also between runs, but not secret: the standard library's hash seeds are random enough for that.
pub(crate) fn new(prefix: &str, length: usize) -> String {
    let mut id = prefix.to_owned();
    let end = prefix.len() + length;
    while id.len() < end {
        let mut bits = RandomState::new().build_hasher().finish();
        for _ in 0..PER_HASH.min(end - id.len()) {
            id.push(char::from(ALPHABET[usize::try_from(bits % 62).unwrap_or(0)]));
            bits /= 62;
        }
    }
    id
}

/// A new identifier of an ordinary object, such as `price_1Qx…`.
pub(crate) fn object(prefix: &str) -> String {
    new(&format!("{prefix}_1"), 23)
}

/// A new identifier of a Checkout Session in test mode.
pub(crate) fn session() -> String {
    new("cs_test_a1", 56)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_the_length_asked_for_and_differ() {
        let ids: std::collections::HashSet<String> = (0..1000).map(|_| session()).collect();

        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 66 && id.starts_with("cs_test_a1")));
    }
}
