//! Holds the parameters of sessions to async-stripe's types, which follow Stripe's API: when it changes, this does not
//! compile, or fails.

use std::collections::{BTreeMap, HashMap};

use cart::{
    Addition, AdjustableQuantity, Attributes, Cart, Change, Currency, Description, Details, Lifetime, Metadata, Offer,
    Offers, Quantity, Timestamp, Token, Totals,
};
use serde_json::{Value, json};
use settings::Environment;
use stripe_checkout::checkout_session as typed;
use stripe_client_core::StripeRequest as _;
use stripe_shared::{
    CheckoutSessionBillingAddressCollection, CheckoutSessionLocale, CheckoutSessionMode, CheckoutSessionSubmitType,
};

use super::{Request, create_session};
use crate::named::Answers;
use crate::{Buyer, CheckoutSettings};

/// A session in async-stripe's types. Of the parts for one mode only, the other mode's is not sent.
struct Typed {
    session: typed::CreateCheckoutSession,
    payment: typed::CreateCheckoutSessionPaymentIntentData,
    subscription: typed::CreateCheckoutSessionSubscriptionData,
}

/// A setting, what it changes in a session, and in which modes.
struct Setting {
    name: &'static str,
    value: &'static str,
    modes: &'static [CheckoutSessionMode],
    change: fn(Typed) -> Typed,
}

const BOTH: &[CheckoutSessionMode] = &[CheckoutSessionMode::Payment, CheckoutSessionMode::Subscription];
const PAYMENT: &[CheckoutSessionMode] = &[CheckoutSessionMode::Payment];

const NOW: &str = "2026-01-01T12:00:30Z";
/// 45 minutes after the next whole minute.
const EXPIRES_AT: i64 = 1_767_271_560;

impl Typed {
    fn session(self, change: impl FnOnce(typed::CreateCheckoutSession) -> typed::CreateCheckoutSession) -> Self {
        Self { session: change(self.session), ..self }
    }
}

fn settings() -> Vec<Setting> {
    let setting = |name, value, modes, change| Setting { name, value, modes, change };
    vec![
        setting("CHECKOUT_PAYMENT_METHODS", "card, sepa_debit", BOTH, |typed| {
            use typed::CreateCheckoutSessionAllowedPaymentMethodTypes::{Card, SepaDebit};
            typed.session(|session| session.allowed_payment_method_types([Card, SepaDebit]))
        }),
        setting("CHECKOUT_LOCALE", "pt-BR", BOTH, |typed| {
            typed.session(|session| session.locale(CheckoutSessionLocale::PtMinusBr))
        }),
        setting("CHECKOUT_BILLING_ADDRESS", "required", BOTH, |typed| {
            let required = CheckoutSessionBillingAddressCollection::Required;
            typed.session(|session| session.billing_address_collection(required))
        }),
        setting("CHECKOUT_SHIPPING_COUNTRIES", "DE,AT , CH", BOTH, |typed| {
            use typed::CreateCheckoutSessionShippingAddressCollectionAllowedCountries::{At, Ch, De};
            let countries = typed::CreateCheckoutSessionShippingAddressCollection::new([De, At, Ch]);
            typed.session(|session| session.shipping_address_collection(countries))
        }),
        setting("CHECKOUT_SHIPPING_RATES", "shr_standard,shr_express", PAYMENT, |typed| {
            let options = ["shr_standard", "shr_express"].map(|rate| {
                let mut option = typed::CreateCheckoutSessionShippingOptions::new();
                option.shipping_rate = Some(rate.to_owned());
                option
            });
            typed.session(|session| session.shipping_options(options))
        }),
        setting("CHECKOUT_AUTOMATIC_TAX", "true", BOTH, |typed| {
            typed.session(|session| session.automatic_tax(typed::CreateCheckoutSessionAutomaticTax::new(true)))
        }),
        setting("CHECKOUT_PROMOTION_CODES", "true", BOTH, |typed| {
            typed.session(|session| session.allow_promotion_codes(true))
        }),
        setting("CHECKOUT_PHONE", "true", BOTH, |typed| {
            let phone = typed::CreateCheckoutSessionPhoneNumberCollection::new(true);
            typed.session(|session| session.phone_number_collection(phone))
        }),
        setting("CHECKOUT_TAX_IDS", "false", BOTH, |typed| {
            typed.session(|session| session.tax_id_collection(typed::CreateCheckoutSessionTaxIdCollection::new(false)))
        }),
        setting("CHECKOUT_CAPTURE", "manual", PAYMENT, |mut typed| {
            typed.payment.capture_method = Some(typed::CreateCheckoutSessionPaymentIntentDataCaptureMethod::Manual);
            typed
        }),
        setting("CHECKOUT_SUBMIT_TYPE", "donate", BOTH, |typed| {
            typed.session(|session| session.submit_type(CheckoutSessionSubmitType::Donate))
        }),
        setting("CHECKOUT_EXPIRES_AFTER_MINUTES", "45", BOTH, |typed| {
            typed.session(|session| session.expires_at(EXPIRES_AT))
        }),
    ]
}

/// In which currencies the prices are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Currencies {
    /// In dollars alone.
    One,
    /// In dollars and euros, and the cart is in the first.
    OwnOfTwo,
    /// In dollars and euros, and the cart is in the second.
    OtherOfTwo,
}

fn offers(currencies: Currencies) -> Offers {
    let offer = |id: &str, recurring: Value| {
        let currencies = match currencies {
            Currencies::One => json!({}),
            Currencies::OwnOfTwo | Currencies::OtherOfTwo => json!({ "eur": { "unit_amount": 1100 } }),
        };
        let price = json!({
            "id": id, "product": "prod_a", "currency": "usd", "unit_amount": 1200, "currency_options": currencies,
            "type": if recurring.is_null() { "one_time" } else { "recurring" }, "recurring": recurring,
        });
        let product = serde_json::from_value(json!({ "id": "prod_a" })).unwrap();
        Offer { price: serde_json::from_value(price).unwrap(), product }
    };
    Offers::from_iter([
        offer("price_mug", Value::Null),
        offer("price_tea", Value::Null),
        offer("price_club", json!({ "interval": "month" })),
        offer("price_usage", json!({ "interval": "month", "usage_type": "metered" })),
    ])
}

fn cart(mode: &CheckoutSessionMode, currencies: Currencies, offers: &Offers) -> Cart {
    let now: Timestamp = NOW.parse().unwrap();
    let item = |price: &str, quantity| Addition::new(price.parse().unwrap(), Quantity::new(quantity).unwrap());
    let details = Details {
        adjustable_quantity: Some(AdjustableQuantity::new(true, Some(1), Some(9)).unwrap()),
        description: Some(Description::new("navy & \"white\"").unwrap()),
    };
    let engraving = [("engraving & 'front'".to_owned(), "Ann & \"Bob\"".to_owned())];
    let mug = Addition { details, ..item("price_mug", 2) }.with_attributes(Attributes::new(engraving).unwrap());
    let items = match mode {
        CheckoutSessionMode::Subscription => vec![mug, item("price_club", 1), item("price_usage", 1)],
        _ => vec![mug, item("price_tea", 3)],
    };
    let metadata = Metadata::new([("gift wrap".to_owned(), "yes & no".to_owned()), ("7".to_owned(), "ü".to_owned())]);
    let currency = (currencies == Currencies::OtherOfTwo).then(|| "eur".parse().unwrap());
    let change = Change::add(items).unwrap().in_currency(currency).with_metadata(Some(metadata.unwrap()));
    let mut cart = Cart::new(Token::from_bytes([1; 16]).number(), now, Lifetime::default());
    cart.apply(&change, offers, now).unwrap();
    cart
}

/// What every session of `cart` is asked for with, and what `buyer` adds.
fn base(mode: &CheckoutSessionMode, currencies: Currencies, cart: &Cart, totals: &Totals<'_>, buyer: &Buyer) -> Typed {
    let own = HashMap::from([
        ("stripe_payments_shop".to_owned(), "shop-1".to_owned()),
        ("stripe_payments_cart_number".to_owned(), cart.number().to_string()),
        ("stripe_payments_cart_version".to_owned(), cart.version().to_string()),
        ("stripe_payments_cart_total".to_owned(), totals.total.minor().to_string()),
    ]);
    let mut metadata = own.clone();
    metadata.extend(cart.metadata().iter().map(|(key, value)| (key.to_owned(), value.to_owned())));
    let lines = cart.lines().iter().map(|line| {
        let mut item = typed::CreateCheckoutSessionLineItems::new();
        item.price = Some(line.price.to_string());
        let own = [("stripe_payments_line", line.id.as_str()), ("stripe_payments_description", "navy & \"white\"")];
        let described = line.description.is_some();
        let own = own.into_iter().filter(|(key, _)| *key == "stripe_payments_line" || described);
        let all = own.chain(line.attributes.iter());
        item.metadata = Some(all.map(|(key, value)| (key.to_owned(), value.to_owned())).collect());
        item.quantity = (line.price.as_str() != "price_usage").then(|| line.quantity.into());
        item.adjustable_quantity = (line.price.as_str() == "price_mug").then(|| {
            let mut bounds = typed::CreateCheckoutSessionLineItemsAdjustableQuantity::new(true);
            (bounds.minimum, bounds.maximum) = (Some(1), Some(9));
            bounds
        });
        item
    });
    let number = cart.number();
    let mut session = typed::CreateCheckoutSession::new()
        .mode(mode.clone())
        .line_items(lines.collect::<Vec<_>>())
        .success_url(format!("https://api.shop.example/finish-order?session_id={{CHECKOUT_SESSION_ID}}&cart={number}"))
        .cancel_url("https://shop.example/cart?from=stripe&lang=de&cancelled=1")
        .metadata(metadata);
    match currencies {
        Currencies::One => {}
        Currencies::OwnOfTwo => session = session.currency(stripe_types::Currency::USD),
        Currencies::OtherOfTwo => session = session.currency(stripe_types::Currency::EUR),
    }
    if let Some(email) = &buyer.email {
        session = session.customer_email(email);
    }
    if let Some(promotion_code) = &buyer.promotion_code {
        let mut discount = typed::CreateCheckoutSessionDiscounts::new();
        discount.promotion_code = Some(promotion_code.clone());
        session = session.discounts([discount]);
    }
    let mut payment = typed::CreateCheckoutSessionPaymentIntentData::new();
    payment.metadata = Some(own.clone());
    let mut subscription = typed::CreateCheckoutSessionSubscriptionData::new();
    subscription.metadata = Some(own);
    Typed { session, payment, subscription }
}

/// The fields of a form, in no order.
fn fields(request: &Request) -> BTreeMap<String, String> {
    let form = request.form.as_ref().unwrap();
    let fields: Vec<_> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let count = fields.len();
    let fields = BTreeMap::from_iter(fields);
    assert_eq!(fields.len(), count, "a field is there twice: {form}");
    fields
}

/// Asserts that a session under `set` is asked for as async-stripe asks for it.
fn assert_same(mode: &CheckoutSessionMode, currencies: Currencies, buyer: &Buyer, set: &[&Setting]) {
    let offers = offers(currencies);
    let cart = cart(mode, currencies, &offers);
    let totals = Totals::new(&cart, &offers, Currency::USD);
    let shop = [("SHOP_ID", "shop-1"), ("CANCEL_URL", "https://shop.example/cart?from=stripe&lang=de")];
    let environment: Environment = shop.into_iter().chain(set.iter().map(|set| (set.name, set.value))).collect();
    let settings = CheckoutSettings::new(&environment).unwrap();

    let now = NOW.parse().unwrap();
    let draft = settings.draft(&cart, &totals, buyer, "https://api.shop.example");
    let parameters = draft.fit(&Answers::new(), None, now);
    let request = create_session(&settings.expiring(&parameters, now)).unwrap();

    let effective = set.iter().filter(|setting| {
        let discounted = setting.name == "CHECKOUT_PROMOTION_CODES" && buyer.promotion_code.is_some();
        setting.modes.contains(mode) && !discounted
    });
    let Typed { session, payment, subscription } =
        effective.fold(base(mode, currencies, &cart, &totals, buyer), |typed, setting| (setting.change)(typed));
    let session = match mode {
        CheckoutSessionMode::Subscription => session.subscription_data(subscription),
        _ => session.payment_intent_data(payment),
    };
    let expected = Request::from(session.build());
    let names: Vec<_> = set.iter().map(|setting| setting.name).collect();
    assert_eq!((&request.method, &request.path), (&expected.method, &expected.path));
    assert_eq!(fields(&request), fields(&expected), "{mode} {currencies:?} {buyer:?} {names:?}");
}

#[test]
fn sessions_are_asked_for_as_async_stripe_asks_for_them() {
    let settings = settings();
    let all: Vec<_> = settings.iter().collect();
    let alone = all.chunks(1);
    let sets: Vec<&[&Setting]> = alone.chain([[].as_slice(), &all]).collect();
    let email = Some("ann+cart@shop.example".to_owned());
    let promotion_code = Some("promo_welcome10".to_owned());
    let buyers = [
        Buyer::default(),
        Buyer { email: email.clone(), promotion_code: None },
        Buyer { email: None, promotion_code: promotion_code.clone() },
        Buyer { email, promotion_code },
    ];

    for mode in BOTH {
        for currencies in [Currencies::One, Currencies::OwnOfTwo, Currencies::OtherOfTwo] {
            for buyer in &buyers {
                for set in &sets {
                    assert_same(mode, currencies, buyer, set);
                }
            }
        }
    }
}

type Check = fn(&str) -> bool;

#[test]
fn words_of_stripe_are_known_and_others_are_not() {
    let cases: [(Check, &[&str], &[&str]); 6] = [
        (super::is_locale, &["auto", "de", "pt-BR"], &["klingon", "", "pt_BR"]),
        (super::is_submit_type_of_payment, &["auto", "book", "donate", "pay"], &["subscribe", "buy"]),
        (super::is_billing_address_collection, &["auto", "required"], &["always"]),
        (super::is_shipping_country, &["DE", "US"], &["de", "Austria"]),
        (super::is_payment_method, &["card", "sepa_debit"], &["gold"]),
        (super::is_capture_method, &["automatic", "automatic_async", "manual"], &["later"]),
    ];

    for (is_known, words, others) in cases {
        assert!(words.iter().all(|word| is_known(word)), "{words:?}");
        assert!(!others.iter().any(|word| is_known(word)), "{others:?}");
    }
}

#[test]
fn parameters_that_are_nested_too_deeply_are_an_error() {
    let nested = (0..20).fold(json!("leaf"), |inner, _| json!({ "in": inner }));

    let error = create_session(&nested).unwrap_err();

    assert!(matches!(error, crate::Error::Unwritable { .. }), "{error}");
    assert_eq!(error.retry_after(), None);
}
