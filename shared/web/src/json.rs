//! Writing JSON.

use serde::Serialize;

/// Writes a value of this crate's or of the cart's as JSON.
#[expect(clippy::expect_used, reason = "an answer without its body would be worse")]
pub(crate) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("views are plain data with text keys, which JSON can hold")
}
