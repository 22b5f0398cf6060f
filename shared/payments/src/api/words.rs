//! The words that Stripe takes for parameters.

use stripe_checkout::checkout_session::{
    CreateCheckoutSessionAllowedPaymentMethodTypes, CreateCheckoutSessionPaymentIntentDataCaptureMethod,
    CreateCheckoutSessionShippingAddressCollectionAllowedCountries,
};
use stripe_shared::{CheckoutSessionBillingAddressCollection, CheckoutSessionLocale, CheckoutSessionSubmitType};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $type:ident $(but $other:ident)?;)*) => {$(
        $(#[$doc])*
        pub(crate) fn $name(text: &str) -> bool {
            text.parse::<$type>().is_ok_and(|word| !matches!(word, $type::Unknown(_) $(| $type::$other)?))
        }
    )*};
}

words! {
    /// Whether Stripe's page knows the language.
    is_locale: CheckoutSessionLocale;
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
