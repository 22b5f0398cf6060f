//! From a cart to the parameters of a Checkout Session.

use std::str::FromStr;

use cart::{Cart, CheckoutMetadata, Metadata, PricedLine, ShopIds, Timestamp, Totals};
use serde_json::{Map, Value};
use settings::{CHECKOUT_EXPIRES_AFTER_MINUTES, CHECKOUT_SHIPPING_RATES, Environment, Error, WholeNumber};
use sha2::{Digest as _, Sha256};
use stripe_checkout::checkout_session as api;
use stripe_client_core::StripeRequest as _;
use stripe_shared::{
    CheckoutSessionBillingAddressCollection, CheckoutSessionLocale, CheckoutSessionMode, CheckoutSessionSubmitType,
};

/// A merchant's last word on the parameters of every session, for those who build their own binary.
///
/// Runs after `CHECKOUT_SESSION_OVERRIDES`. What it does to line items, mode and Cartwright's own metadata is undone.
pub type Hook = fn(&mut Map<String, Value>);

/// How the shop wants its Checkout Sessions.
#[derive(Clone, Debug)]
pub struct CheckoutSettings {
    shop: ShopIds,
    cancel_url: String,
    payment_methods: Vec<api::CreateCheckoutSessionAllowedPaymentMethodTypes>,
    locale: Option<CheckoutSessionLocale>,
    billing_address: Option<CheckoutSessionBillingAddressCollection>,
    shipping_countries: Vec<api::CreateCheckoutSessionShippingAddressCollectionAllowedCountries>,
    shipping_rates: Vec<String>,
    automatic_tax: Option<bool>,
    promotion_codes: Option<bool>,
    phone: Option<bool>,
    tax_ids: Option<bool>,
    capture: Option<api::CreateCheckoutSessionPaymentIntentDataCaptureMethod>,
    submit_type: Option<CheckoutSessionSubmitType>,
    expires_after_minutes: Option<u64>,
    overrides: Value,
    hook: Option<Hook>,
}

/// What a buyer brings to the checkout.
#[derive(Clone, Debug, Default)]
pub struct Buyer {
    /// Fills in the e-mail field.
    pub email: Option<String>,
    /// The id of a promotion code to apply.
    pub promotion_code: Option<String>,
}

/// The parameters of one session, ready to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parameters(Value);

/// The parameters that are not for a merchant to overwrite.
const PROTECTED: [&str; 2] = ["line_items", "mode"];

impl CheckoutSettings {
    /// The settings in `environment`: `CANCEL_URL` and the `CHECKOUT_*`. What is not set is not sent.
    ///
    /// # Errors
    ///
    /// A setting has a value that Stripe does not know, or `CHECKOUT_SESSION_OVERRIDES` touches what is protected.
    pub fn new(environment: &Environment) -> Result<Self, Error> {
        Ok(Self {
            shop: shop_ids(environment)?,
            cancel_url: environment.required_url("CANCEL_URL")?.to_owned(),
            payment_methods: words(
                environment,
                "CHECKOUT_PAYMENT_METHODS",
                "Stripe's names of payment methods",
                |word| matches!(word, api::CreateCheckoutSessionAllowedPaymentMethodTypes::Unknown(_)),
            )?,
            locale: word(environment, "CHECKOUT_LOCALE", "auto or a locale of Stripe Checkout", |word| {
                matches!(word, CheckoutSessionLocale::Unknown(_))
            })?,
            billing_address: word(environment, "CHECKOUT_BILLING_ADDRESS", "auto or required", |word| {
                matches!(word, CheckoutSessionBillingAddressCollection::Unknown(_))
            })?,
            shipping_countries: words(
                environment,
                "CHECKOUT_SHIPPING_COUNTRIES",
                "two-letter country codes",
                |word| matches!(word, api::CreateCheckoutSessionShippingAddressCollectionAllowedCountries::Unknown(_)),
            )?,
            shipping_rates: environment.short_list(&CHECKOUT_SHIPPING_RATES)?,
            automatic_tax: environment.flag("CHECKOUT_AUTOMATIC_TAX")?,
            promotion_codes: environment.flag("CHECKOUT_PROMOTION_CODES")?,
            phone: environment.flag("CHECKOUT_PHONE")?,
            tax_ids: environment.flag("CHECKOUT_TAX_IDS")?,
            capture: word(environment, "CHECKOUT_CAPTURE", "automatic, automatic_async or manual", |word| {
                matches!(word, api::CreateCheckoutSessionPaymentIntentDataCaptureMethod::Unknown(_))
            })?,
            // Only payments have a choice: Stripe's button for subscriptions says `Subscribe` by itself.
            submit_type: word(environment, "CHECKOUT_SUBMIT_TYPE", "auto, book, donate or pay", |word| {
                matches!(word, CheckoutSessionSubmitType::Subscribe | CheckoutSessionSubmitType::Unknown(_))
            })?,
            expires_after_minutes: environment.optional_number(&CHECKOUT_EXPIRES_AFTER_MINUTES)?,
            overrides: overrides(environment)?,
            hook: None,
        })
    }

    /// The same settings with a merchant's hook.
    #[must_use]
    pub fn with_hook(self, hook: Hook) -> Self {
        Self { hook: Some(hook), ..self }
    }

    /// The same parameters with the time at which a session made at `now` shall expire, if the shop set one; else Stripe
    /// takes 24 hours.
    ///
    /// Whole minutes, so that parallel checkouts most often send the same parameters.
    #[must_use]
    pub fn expiring(&self, parameters: &Parameters, now: Timestamp) -> Parameters {
        let mut parameters = parameters.clone();
        if let (Some(minutes), Some(fields)) = (self.expires_after_minutes, parameters.0.as_object_mut()) {
            let this_minute = now.as_second() / 60;
            // Stripe keeps to the range by its own clock, which need not agree with ours.
            let WholeNumber { min, max, .. } = CHECKOUT_EXPIRES_AFTER_MINUTES;
            let minutes = minutes.clamp(min + 1, max - 1) + 1;
            let expires_at = this_minute.saturating_add_unsigned(minutes) * 60;
            fields.entry("expires_at").or_insert_with(|| expires_at.into());
        }
        parameters
    }

    /// The parameters of a session that sells what is in `cart`, whose totals are `totals`.
    ///
    /// The mode follows from the lines: any recurring line makes a subscription. `CHECKOUT_SHIPPING_RATES`,
    /// `CHECKOUT_CAPTURE` and `CHECKOUT_SUBMIT_TYPE` are for payments only, as they are at Stripe. `base` is the URL under which this
    /// deployment is reached; Stripe sends the shopper to its `finish-order`.
    #[must_use]
    pub fn parameters(&self, cart: &Cart, totals: &Totals<'_>, buyer: &Buyer, base: &str) -> Parameters {
        let subscribes = cart.recurrence().is_some();
        let own = CheckoutMetadata {
            shop: Some(self.shop.present().clone()),
            number: cart.number(),
            version: cart.version(),
            total: totals.total.minor().try_into().ok(),
        }
        .entries();
        // What the session makes says itself whose it is: to a person at Stripe's dashboard, and in its events.
        let trace = own.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();

        let mut request = api::CreateCheckoutSession::new()
            .mode(if subscribes { CheckoutSessionMode::Subscription } else { CheckoutSessionMode::Payment })
            .line_items(totals.lines.iter().map(line_item).collect::<Vec<_>>())
            .success_url(format!("{base}/finish-order?session_id={{CHECKOUT_SESSION_ID}}"))
            .cancel_url(&self.cancel_url);
        if let Some(currency) = foreign_currency(totals) {
            request = request.currency(currency);
        }
        if !self.payment_methods.is_empty() {
            request = request.allowed_payment_method_types(self.payment_methods.clone());
        }
        if let Some(locale) = &self.locale {
            request = request.locale(locale.clone());
        }
        if let Some(billing_address) = &self.billing_address {
            request = request.billing_address_collection(billing_address.clone());
        }
        if !self.shipping_countries.is_empty() {
            request = request.shipping_address_collection(api::CreateCheckoutSessionShippingAddressCollection::new(
                self.shipping_countries.clone(),
            ));
        }
        if let Some(enabled) = self.automatic_tax {
            request = request.automatic_tax(api::CreateCheckoutSessionAutomaticTax::new(enabled));
        }
        if let Some(enabled) = self.phone {
            request = request.phone_number_collection(api::CreateCheckoutSessionPhoneNumberCollection::new(enabled));
        }
        if let Some(enabled) = self.tax_ids {
            request = request.tax_id_collection(api::CreateCheckoutSessionTaxIdCollection::new(enabled));
        }
        if let Some(email) = &buyer.email {
            request = request.customer_email(email);
        }
        if let Some(promotion_code) = &buyer.promotion_code {
            let mut discount = api::CreateCheckoutSessionDiscounts::new();
            discount.promotion_code = Some(promotion_code.clone());
            request = request.discounts([discount]);
        } else if let Some(allowed) = self.promotion_codes {
            // Stripe refuses the field for codes beside a discount that is applied already.
            request = request.allow_promotion_codes(allowed);
        }
        if subscribes {
            let mut data = api::CreateCheckoutSessionSubscriptionData::new();
            data.metadata = Some(trace);
            request = request.subscription_data(data);
        } else {
            let mut data = api::CreateCheckoutSessionPaymentIntentData::new();
            data.metadata = Some(trace);
            data.capture_method.clone_from(&self.capture);
            request = request.payment_intent_data(data);
            if let Some(submit_type) = &self.submit_type {
                request = request.submit_type(submit_type.clone());
            }
            if !self.shipping_rates.is_empty() {
                request = request
                    .shipping_options(self.shipping_rates.iter().map(|rate| shipping_option(rate)).collect::<Vec<_>>());
            }
        }
        self.customised(&request, cart.metadata(), &own)
    }

    /// Lets the merchant overwrite what is not protected.
    fn customised(
        &self,
        request: &api::CreateCheckoutSession,
        metadata: &Metadata,
        own: &[(&'static str, String)],
    ) -> Parameters {
        let mut standard = tree(request);
        // Not by way of the form: keys that are numbers would not come back as what they were.
        standard["metadata"] = metadata.iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect();
        let mut parameters = standard.clone();
        json_patch::merge(&mut parameters, &self.overrides);
        if let Some(parameters) = parameters.as_object_mut() {
            if let Some(hook) = self.hook {
                hook(parameters);
            }
            for name in PROTECTED {
                parameters.insert(name.to_owned(), standard[name].clone());
            }
            let metadata = parameters.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
            if !metadata.is_object() {
                *metadata = Value::Object(Map::new());
            }
            if let Some(metadata) = metadata.as_object_mut() {
                metadata.extend(own.iter().map(|(key, value)| ((*key).to_owned(), Value::from(value.as_str()))));
            }
        }
        Parameters(parameters)
    }
}

impl Parameters {
    /// The parameters as a tree.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// A digest of the parameters.
    #[must_use]
    pub fn digest(&self) -> String {
        self.digest_replacing(None)
    }

    /// A digest of the parameters and of the session that they shall replace.
    #[must_use]
    pub fn digest_replacing(&self, replaces: Option<&str>) -> String {
        let mut hash = Sha256::new();
        // Keys of a tree are sorted, so that equal parameters have equal text.
        hash.update(self.0.to_string());
        hash.update(replaces.unwrap_or_default());
        hex::encode(&hash.finalize()[..16])
    }
}

/// The request's body as a tree that can be merged with a merchant's: all its leaves are text, as in a form.
fn tree(request: &api::CreateCheckoutSession) -> Value {
    let form = request.build().body.unwrap_or_default();
    // What was just written as a form reads as one.
    serde_qs::Config::new().max_depth(16).deserialize_str(&form).unwrap_or_default()
}

fn line_item(PricedLine { line, offer, .. }: &PricedLine<'_>) -> api::CreateCheckoutSessionLineItems {
    let mut item = api::CreateCheckoutSessionLineItems::new();
    item.price = Some(line.price.to_string());
    // Stripe takes no quantity for usage that is metered.
    if !offer.is_some_and(|offer| offer.price.is_metered()) {
        item.quantity = Some(line.quantity.into());
        if let Some(adjustable) = line.adjustable_quantity.as_ref().filter(|adjustable| adjustable.enabled()) {
            let (minimum, maximum) = adjustable.bounds_holding(line.quantity);
            let mut bounds = api::CreateCheckoutSessionLineItemsAdjustableQuantity::new(true);
            bounds.minimum = Some(i64::from(minimum));
            bounds.maximum = Some(i64::from(maximum));
            item.adjustable_quantity = Some(bounds);
        }
    }
    item
}

/// The cart's currency, where it is not the own currency of every price.
fn foreign_currency(totals: &Totals<'_>) -> Option<stripe_types::Currency> {
    let currency = totals.total.currency();
    let own = totals.lines.iter().filter_map(|priced| priced.offer).all(|offer| offer.price.currency == currency);
    if own { None } else { stripe_types::Currency::from_str(currency.as_str()).ok() }
}

fn shipping_option(rate: &str) -> api::CreateCheckoutSessionShippingOptions {
    let mut option = api::CreateCheckoutSessionShippingOptions::new();
    option.shipping_rate = Some(rate.to_owned());
    option
}

fn overrides(environment: &Environment) -> Result<Value, Error> {
    let name = "CHECKOUT_SESSION_OVERRIDES";
    let overrides: Value = environment.parse(name, "a JSON object")?.unwrap_or_else(|| Value::Object(Map::new()));
    let object = overrides.as_object().ok_or_else(|| Error::malformed(name, "a JSON object"))?;
    let own = |metadata: &Value| match metadata.as_object() {
        None => true,
        Some(metadata) => metadata.keys().any(|key| CheckoutMetadata::is_reserved(key)),
    };
    if PROTECTED.iter().any(|name| object.contains_key(*name)) || object.get("metadata").is_some_and(own) {
        return Err(Error::malformed(name, "no line_items, no mode and no metadata.stripe_payments_*"));
    }
    Ok(overrides)
}

/// The ids of the shop: `SHOP_ID`.
///
/// # Errors
///
/// The setting is missing or malformed.
pub fn shop_ids(environment: &Environment) -> Result<ShopIds, Error> {
    let name = "SHOP_ID";
    let ids = environment.required(name)?.parse();
    ids.map_err(|_| Error::malformed(name, "ids of 1 to 200 letters, digits, - and _, comma-separated"))
}

/// A setting that is one of Stripe's words.
fn word<T: FromStr>(
    environment: &Environment,
    name: &str,
    expected: &str,
    unknown: impl Fn(&T) -> bool,
) -> Result<Option<T>, Error> {
    match environment.parse::<T>(name, expected)? {
        Some(word) if unknown(&word) => Err(Error::malformed(name, expected)),
        word => Ok(word),
    }
}

/// A setting that is a list of Stripe's words.
fn words<T: FromStr>(
    environment: &Environment,
    name: &str,
    expected: &str,
    unknown: impl Fn(&T) -> bool,
) -> Result<Vec<T>, Error> {
    environment
        .list(name)
        .map(|text| match text.parse() {
            Ok(word) if !unknown(&word) => Ok(word),
            _ => Err(Error::malformed(name, expected)),
        })
        .collect()
}
