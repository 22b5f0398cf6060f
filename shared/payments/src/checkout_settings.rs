//! How a shop wants its Checkout Sessions: one struct per concern.

mod contents;
mod customer;
mod draft;
mod expiry;
mod fit;
mod lists;
mod overrides;
mod shop;

use std::borrow::Cow;

use cart::{Cart, CartNumber, CheckoutMetadata, ShopIds, Timestamp, Totals};
use settings::{CHECKOUT_SHIPPING_RATES, Environment, Error, with_parameter};

use crate::api;
use crate::parameters::Parameters;
use crate::session_parameters::{
    AllowedCountries, Buyer, LineItemParameters, ModeParameters, OwnMetadata, PaymentIntentData, Promotion,
    SessionParameters, ShippingOption, SubscriptionData, Switch, session_currency,
};
use contents::Contents;
pub use draft::Draft;
use expiry::Expiry;
pub use overrides::Hook;
use overrides::Overrides;
pub(crate) use overrides::put_reference;
pub use shop::shop_ids;

/// How the shop wants its Checkout Sessions. What is not set is not sent.
#[derive(Clone, Debug)]
pub struct CheckoutSettings {
    shop: ShopIds,
    links: Links,
    look: Look,
    collection: Collection,
    payment: Payment,
    adjustments: Adjustments,
    expiry: Expiry,
    overrides: Overrides,
}

/// Where Stripe sends a buyer.
#[derive(Clone, Debug)]
struct Links {
    /// The way back from Stripe's page: `CANCEL_URL` with a mark. The landing page sends shoppers to the same page without
    /// it, because it cannot know that nothing was paid.
    cancel_url: String,
}

/// How Stripe's page looks.
#[derive(Clone, Debug)]
struct Look {
    locale: Option<String>,
    submit_type: Option<String>,
}

/// What Stripe's page asks a buyer for.
#[derive(Clone, Debug)]
struct Collection {
    billing_address: Option<String>,
    shipping_countries: Vec<String>,
    phone: Option<bool>,
    tax_ids: Option<bool>,
}

/// How a buyer pays, and when the shop takes the money.
#[derive(Clone, Debug)]
struct Payment {
    methods: Vec<String>,
    capture: Option<String>,
}

/// What changes the total beside the lines.
#[derive(Clone, Debug)]
struct Adjustments {
    shipping_rates: Vec<String>,
    automatic_tax: Option<bool>,
    promotion_codes: Option<bool>,
}

impl CheckoutSettings {
    /// Reads the settings in `environment`: `SHOP_ID`, `CANCEL_URL` and the `CHECKOUT_*`.
    ///
    /// # Errors
    ///
    /// A setting is missing, has a value that Stripe does not know, or `CHECKOUT_SESSION_OVERRIDES` touches what is
    /// protected.
    pub fn new(environment: &Environment) -> Result<Self, Error> {
        Ok(Self {
            shop: shop_ids(environment)?,
            links: Links::new(environment)?,
            look: Look::new(environment)?,
            collection: Collection::new(environment)?,
            payment: Payment::new(environment)?,
            adjustments: Adjustments::new(environment)?,
            expiry: Expiry::new(environment)?,
            overrides: Overrides::new(environment)?,
        })
    }

    /// The same settings with a merchant's hook.
    #[must_use]
    pub fn with_hook(self, hook: Hook) -> Self {
        Self { overrides: self.overrides.with_hook(hook), ..self }
    }

    /// The same parameters with the time at which a session made at `now` shall expire, if the shop set one; else Stripe
    /// takes 24 hours.
    ///
    /// Whole minutes, so that parallel checkouts most often send the same parameters.
    #[must_use]
    pub fn expiring<'a>(&self, parameters: &'a Parameters, now: Timestamp) -> Cow<'a, Parameters> {
        match self.expiry.at(now) {
            None => Cow::Borrowed(parameters),
            Some(second) => Cow::Owned(parameters.expiring_at(second)),
        }
    }

    /// What a session is wanted to be that sells what is in `cart`, whose totals are `totals`.
    ///
    /// The mode follows from the lines: any recurring line makes a subscription. `base` is the URL under which this deployment is
    /// reached; Stripe sends the buyer to its `finish-order`.
    #[must_use]
    pub fn draft(&self, cart: &Cart, totals: &Totals<'_>, buyer: &Buyer, base: &str) -> Draft {
        let made_from = CheckoutMetadata {
            shop: Some(self.shop.present().clone()),
            number: cart.number(),
            version: cart.version(),
            total: totals.total.minor().try_into().ok(),
            no_shipping: false,
            reference: None,
        };
        let own = made_from.entries();
        let own_metadata = own.iter().map(|(key, value)| (*key, value.as_str())).collect();

        let standard = SessionParameters {
            mode: self.mode(cart, own_metadata),
            line_items: totals.lines.iter().map(LineItemParameters::from).collect(),
            currency: session_currency(totals),
            metadata: cart.metadata(),
            success_url: Links::success_url(base, cart.number()),
            cancel_url: &self.links.cancel_url,
            customer_email: buyer.email.as_deref(),
            promotion: Promotion::new(buyer, self.adjustments.promotion_codes),
            locale: self.look.locale.as_deref(),
            submit_type: self.look.submit_type.as_deref(),
            billing_address_collection: self.collection.billing_address.as_deref(),
            shipping_address_collection: self.collection.shipping_address(),
            phone_number_collection: self.collection.phone.map(Switch::from),
            tax_id_collection: self.collection.tax_ids.map(Switch::from),
            allowed_payment_method_types: &self.payment.methods,
            automatic_tax: self.adjustments.automatic_tax.map(Switch::from),
            shipping_options: self.adjustments.shipping_options(),
        };
        let tree = self.overrides.apply(standard.tree());
        Draft::new(tree, Contents::new(totals), made_from)
            .of_buyer(buyer)
            .shipping(!self.adjustments.shipping_rates.is_empty())
    }

    /// What depends on whether the cart is paid once or again and again.
    fn mode<'a>(&'a self, cart: &Cart, metadata: OwnMetadata<'a>) -> ModeParameters<'a> {
        if cart.recurrence().is_some() {
            return ModeParameters::Subscription { subscription_data: SubscriptionData { metadata } };
        }
        let capture_method = self.payment.capture.as_deref();
        ModeParameters::Payment { payment_intent_data: PaymentIntentData { capture_method, metadata } }
    }
}

impl Links {
    fn new(environment: &Environment) -> Result<Self, Error> {
        Ok(Self { cancel_url: with_parameter(&environment.required_page("CANCEL_URL")?, "cancelled=1") })
    }

    /// Stripe puts the session's id in. The cart's number tells the landing page which row says whose session it is.
    fn success_url(base: &str, cart: CartNumber) -> String {
        format!("{base}/finish-order?session_id={{CHECKOUT_SESSION_ID}}&cart={cart}")
    }
}

impl Look {
    fn new(environment: &Environment) -> Result<Self, Error> {
        Ok(Self {
            locale: word(environment, "CHECKOUT_LOCALE", "auto or a locale of Stripe Checkout", api::is_locale)?,
            submit_type: word(
                environment,
                "CHECKOUT_SUBMIT_TYPE",
                "auto, book, donate or pay",
                api::is_submit_type_of_payment,
            )?,
        })
    }
}

impl Collection {
    fn new(environment: &Environment) -> Result<Self, Error> {
        Ok(Self {
            billing_address: word(
                environment,
                "CHECKOUT_BILLING_ADDRESS",
                "auto or required",
                api::is_billing_address_collection,
            )?,
            shipping_countries: words(
                environment,
                "CHECKOUT_SHIPPING_COUNTRIES",
                "two-letter country codes",
                api::is_shipping_country,
            )?,
            phone: environment.flag("CHECKOUT_PHONE")?,
            tax_ids: environment.flag("CHECKOUT_TAX_IDS")?,
        })
    }

    /// Stripe's page asks for a shipping address where countries are named.
    fn shipping_address(&self) -> Option<AllowedCountries<'_>> {
        let allowed_countries = self.shipping_countries.as_slice();
        (!allowed_countries.is_empty()).then_some(AllowedCountries { allowed_countries })
    }
}

impl Payment {
    fn new(environment: &Environment) -> Result<Self, Error> {
        Ok(Self {
            methods: words(
                environment,
                "CHECKOUT_PAYMENT_METHODS",
                "Stripe's names of payment methods",
                api::is_payment_method,
            )?,
            capture: word(
                environment,
                "CHECKOUT_CAPTURE",
                "automatic, automatic_async or manual",
                api::is_capture_method,
            )?,
        })
    }
}

impl Adjustments {
    fn new(environment: &Environment) -> Result<Self, Error> {
        Ok(Self {
            shipping_rates: environment.short_list(&CHECKOUT_SHIPPING_RATES)?,
            automatic_tax: environment.flag("CHECKOUT_AUTOMATIC_TAX")?,
            promotion_codes: environment.flag("CHECKOUT_PROMOTION_CODES")?,
        })
    }

    fn shipping_options(&self) -> Vec<ShippingOption<'_>> {
        self.shipping_rates.iter().map(|rate| ShippingOption { shipping_rate: rate }).collect()
    }
}

/// A setting that is one of Stripe's words.
fn word(
    environment: &Environment,
    name: &str,
    expected: &str,
    is_known: fn(&str) -> bool,
) -> Result<Option<String>, Error> {
    match environment.get(name) {
        Some(word) if !is_known(word) => Err(Error::malformed(name, expected)),
        word => Ok(word.map(str::to_owned)),
    }
}

/// A setting that is a list of Stripe's words.
fn words(
    environment: &Environment,
    name: &str,
    expected: &str,
    is_known: fn(&str) -> bool,
) -> Result<Vec<String>, Error> {
    let known = |word: &str| if is_known(word) { Ok(word.to_owned()) } else { Err(Error::malformed(name, expected)) };
    environment.list(name).map(known).collect()
}
