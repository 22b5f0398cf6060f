//! The key with which Stripe is asked.

use http::HeaderValue;
use settings::Error;

use super::Stripe;

/// The header that bears the key in a request to the server of `base`.
///
/// # Errors
///
/// It is no secret key, or one of live mode that would travel unencrypted.
///
/// Source: <https://docs.stripe.com/keys>
pub(super) fn authorization(key: &str, base: &str) -> Result<HeaderValue, Error> {
    let malformed = |expected: &str| Error::malformed(Stripe::SECRET_KEY, expected);
    if !["sk_", "rk_"].iter().any(|kind| key.starts_with(kind)) {
        return Err(malformed("a secret key of Stripe's (sk_…) or a restricted one (rk_…)"));
    }
    if ["sk_live_", "rk_live_"].iter().any(|kind| key.starts_with(kind)) && base.starts_with("http://") {
        return Err(malformed("a key of test mode, since STRIPE_API_URL is a plain http address"));
    }
    let mut header = HeaderValue::try_from(format!("Bearer {key}"))
        .map_err(|_| malformed("a secret key of Stripe's, without characters that a header cannot have"))?;
    header.set_sensitive(true);
    Ok(header)
}

/// Whether a key is of live mode. One that names no mode, such as a sandbox takes, is of test mode.
///
/// Source: <https://docs.stripe.com/keys>
pub(super) fn is_live(key: &str) -> bool {
    key.split('_').find(|part| matches!(*part, "live" | "test")) == Some("live")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRIPE: &str = "https://api.stripe.com";
    const SANDBOX: &str = "http://127.0.0.1:12111";

    #[test]
    fn secret_and_restricted_keys_are_taken() {
        for (key, base) in [
            ("sk_test_1", STRIPE),
            ("sk_test_1", SANDBOX),
            ("rk_test_1", SANDBOX),
            ("sk_live_1", STRIPE),
            ("rk_live_1", STRIPE),
            ("sk_org_live_1", STRIPE),
        ] {
            assert_eq!(authorization(key, base).unwrap(), format!("Bearer {key}").as_str());
        }
    }

    #[test]
    fn a_key_of_the_wrong_kind_is_refused_without_being_shown() {
        for (key, base) in [
            ("", STRIPE),
            ("pk_live_1", STRIPE),
            ("whsec_1", STRIPE),
            ("Bearer sk_live_1", STRIPE),
            ("sk_live_1\u{7f}", STRIPE),
            ("sk_live_1", SANDBOX),
            ("rk_live_1", "http://stripe.example"),
        ] {
            let error = authorization(key, base).unwrap_err().to_string();

            assert!(error.starts_with("STRIPE_SECRET_KEY is malformed: expected"), "{error}");
            assert!(key.is_empty() || !error.contains(key), "{error}");
        }
    }

    #[test]
    fn a_key_says_which_mode_it_is_of() {
        for (key, live) in [
            ("sk_live_51Mq", true),
            ("rk_live_51Mq", true),
            ("sk_org_live_51Mq", true),
            ("sk_test_51Mq", false),
            ("rk_test_51Mq", false),
            ("sk_org_test_51Mq", false),
            ("sk_test_live", false),
            ("sk_live_test", true),
            ("sk_1", false),
            ("sk_alive_1", false),
            ("", false),
        ] {
            assert_eq!(is_live(key), live, "{key}");
        }
    }
}
