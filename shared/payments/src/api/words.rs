//! The words that Stripe takes for parameters.

use stripe_checkout::checkout_session::{
    CreateCheckoutSessionAllowedPaymentMethodTypes, CreateCheckoutSessionPaymentIntentDataCaptureMethod,
    CreateCheckoutSessionShippingAddressCollectionAllowedCountries,
};
use stripe_shared::{CheckoutSessionBillingAddressCollection, CheckoutSessionSubmitType};

/// The languages of Stripe's page, and `auto` for the shopper's own. async-stripe lacks the newer ones.
///
/// Source: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-locale>
const LOCALES: [&str; 42] = [
    "auto", "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hi-IN",
    "hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk",
    "sl", "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW",
];

/// Whether Stripe's page knows the language.
pub(crate) fn is_locale(text: &str) -> bool {
    LOCALES.contains(&text)
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $type:ident $(but $other:ident)?;)*) => {$(
        $(#[$doc])*
        pub(crate) fn $name(text: &str) -> bool {
            text.parse::<$type>().is_ok_and(|word| !matches!(word, $type::Unknown(_) $(| $type::$other)?))
        }
    )*};
}

words! {
    /// Whether the word can stand on the button of a payment. `Subscribe` is on that of every subscription.
    is_submit_type_of_payment: CheckoutSessionSubmitType but Subscribe;
    /// Whether it says when the billing address is asked for.
    is_billing_address_collection: CheckoutSessionBillingAddressCollection;
    /// Whether Stripe's page takes shipping addresses in the country.
    is_shipping_country: CreateCheckoutSessionShippingAddressCollectionAllowedCountries;
    /// Whether it is a method of payment.
    is_payment_method: CreateCheckoutSessionAllowedPaymentMethodTypes;
    /// Whether it says when the money is taken.
    is_capture_method: CreateCheckoutSessionPaymentIntentDataCaptureMethod;
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_locales_are_those_of_stripes_own_definition() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/stripe-schema/schema.json");
        let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();

        let locales = &schema["definitions"]["Checkout.SessionCreateParams.Locale"]["enum"];

        assert_eq!(*locales, Value::from(LOCALES.to_vec()));
        assert!(LOCALES.iter().all(|locale| is_locale(locale)));
        for other in ["", "AUTO", "de-DE", "pt-br", "hi", "xx"] {
            assert!(!is_locale(other), "{other}");
        }
    }
}
