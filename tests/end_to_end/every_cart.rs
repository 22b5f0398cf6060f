//! Every cart that can be filled can be paid, whatever the shop's settings name: settings × modes × currencies × kinds of
//! lines, drawn from a fixed seed and sent through the whole bundle.

use fixtures::{Shop, order_number};
use proptest::prelude::Strategy;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};

use crate::left_out;

/// How many shops are opened, each with settings of its own.
const SHOPS: usize = 40;
/// How many carts are filled and paid in each.
const CARTS: usize = 4;

/// The settings of a shop, by name.
type Settings = Vec<(&'static str, String)>;

/// What a visitor puts into a cart, and in which currency.
#[derive(Clone, Debug)]
struct Filling {
    currency: &'static str,
    lines: Vec<(&'static str, u32)>,
    /// Whether the shopper may change quantities on Stripe's page.
    adjustable: bool,
}

/// A setting with one of these values, or without any.
fn one_of(name: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = Settings> {
    let set = select(values).prop_map(move |value| vec![(name, value.to_owned())]);
    proptest::option::of(set).prop_map(Option::unwrap_or_default)
}

/// Some of these.
fn some_of<T: Clone + std::fmt::Debug + 'static>(all: Vec<T>) -> impl Strategy<Value = Vec<T>> {
    let most = all.len();
    subsequence(all, 0..=most)
}

fn settings() -> impl Strategy<Value = Settings> {
    let flag: &[&str] = &["true", "false"];
    let look = (
        one_of("CHECKOUT_LOCALE", &["auto", "de"]),
        one_of("CHECKOUT_SUBMIT_TYPE", &["auto", "book", "donate", "pay"]),
        one_of("CHECKOUT_BILLING_ADDRESS", &["auto", "required"]),
        one_of("CHECKOUT_SHIPPING_COUNTRIES", &["DE,US"]),
        one_of("CHECKOUT_PHONE", flag),
        one_of("CHECKOUT_TAX_IDS", flag),
        one_of("CHECKOUT_PAYMENT_METHODS", &["card"]),
        one_of("CHECKOUT_CAPTURE", &["automatic", "automatic_async", "manual"]),
        one_of("CHECKOUT_AUTOMATIC_TAX", flag),
        one_of("CHECKOUT_PROMOTION_CODES", flag),
        one_of("CHECKOUT_EXPIRES_AFTER_MINUTES", &["45"]),
    );
    let look = look.prop_map(|(a, b, c, d, e, f, g, h, i, j, k)| [a, b, c, d, e, f, g, h, i, j, k].concat());
    let rates = some_of(vec!["shr_standard", "shr_archived", "shr_gone", "shr_euros", "shr_dollars"]);
    (look, rates, overrides()).prop_map(|(mut settings, rates, overrides)| {
        settings.push(("CHECKOUT_SHIPPING_RATES", rates.join(",")));
        settings.push(("CHECKOUT_SESSION_OVERRIDES", overrides.to_string()));
        settings
    })
}

/// What `CHECKOUT_SESSION_OVERRIDES` may ask for: things of one mode, and objects that do not fit every cart.
fn overrides() -> impl Strategy<Value = Value> {
    let discounts = some_of(vec![
        json!({ "coupon": "over" }),
        json!({ "coupon": "euros_off" }),
        json!({ "coupon": "gone" }),
        json!({ "promotion_code": "promo_usedup" }),
        json!({ "coupon": "mug_half" }),
        json!({ "promotion_code": "promo_fiveoff" }),
        json!({ "coupon": "welcome10" }),
    ]);
    let prices = some_of(vec![
        "price_sticker",
        "price_sticker_retired",
        "price_tea_eur",
        "price_gone",
        "price_tshirt",
        "price_club_monthly",
        "price_donation",
        "price_calendar",
    ]);
    let others = some_of(vec![
        ("invoice_creation", json!({ "enabled": true })),
        ("customer_creation", json!("always")),
        ("payment_intent_data", json!({ "description": "Sold" })),
        ("subscription_data", json!({ "description": "Subscribed" })),
        ("payment_method_collection", json!("if_required")),
        ("customer", json!("cus_gone")),
        ("customer_update", json!({ "name": "auto" })),
        ("allow_promotion_codes", json!(true)),
        ("after_expiration", json!({ "recovery": { "enabled": true } })),
        (
            "payment",
            json!({ "shipping_options": [{ "shipping_rate": "shr_archived" }, { "shipping_rate": "shr_express" }] }),
        ),
        ("subscription", json!({ "custom_text": { "submit": { "message": "Every month" } } })),
    ]);
    (discounts, prices, others).prop_map(|(discounts, prices, others)| {
        let mut overrides: Map<String, Value> =
            others.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        if !discounts.is_empty() {
            overrides.insert("discounts".to_owned(), discounts.into());
        }
        if !prices.is_empty() {
            let items: Vec<_> = prices.iter().map(|price| json!({ "price": price, "quantity": 1 })).collect();
            overrides.insert("optional_items".to_owned(), items.into());
        }
        overrides.into()
    })
}

/// Lines of each kind: plain, in several currencies, tiered, by the package, of fractions of a cent, recurring, metered,
/// both kinds of payment together, and an amount of the shopper's choice.
fn filling() -> impl Strategy<Value = Filling> {
    let dollars = some_of(vec![
        ("price_mug", 2),
        ("price_tshirt", 1),
        ("price_poster", 1),
        ("price_sticker", 20),
        ("price_seats_graduated", 7),
        ("price_cards_volume", 60),
        ("price_pencils_box", 13),
        ("price_beads", 2000),
    ]);
    let recurring = select(vec![
        vec![],
        vec![],
        vec![("price_club_monthly", 1)],
        vec![("price_club_monthly", 1), ("price_storage_metered", 1)],
        vec![("price_storage_metered", 1)],
        vec![("price_club_yearly", 2)],
        vec![("price_club_quarterly", 1)],
    ]);
    let dollars = (dollars, recurring).prop_map(|(mut once, recurring)| {
        if once.is_empty() && recurring.is_empty() {
            once.push(("price_mug", 1));
        }
        ("usd", [once, recurring].concat())
    });
    let both = some_of(vec![("price_tshirt", 2)])
        .prop_map(|shirt| ("eur", [shirt, vec![("price_cards_volume", 60)]].concat()));
    let euros = select(vec![
        vec![("price_mug_eur", 1), ("price_tea_eur", 2)],
        vec![("price_club_monthly_eur", 2)],
        vec![("price_club_monthly_eur", 1), ("price_mug_eur", 1)],
    ]);
    let euros = euros.prop_map(|lines| ("eur", lines));
    let others = select(vec![
        ("jpy", vec![("price_tea_jpy", 2)]),
        ("jpy", vec![("price_tshirt", 1)]),
        ("kwd", vec![("price_dates_kwd", 1)]),
        ("usd", vec![("price_donation", 1)]),
        ("eur", vec![("price_donation", 1)]),
    ]);
    let lines = proptest::prop_oneof![4 => dollars, 1 => both, 1 => euros, 2 => others];
    (lines, proptest::bool::ANY).prop_map(|((currency, lines), adjustable)| {
        // Stripe takes no bounds where the shopper chooses the amount.
        let adjustable = adjustable && lines.iter().all(|(price, _)| *price != "price_donation");
        Filling { currency, lines, adjustable }
    })
}

/// Fills a cart, checks it out, pays the page, and looks at the order.
async fn buy(shop: &Shop, settings: &Settings, filling: &Filling) {
    let case = format!("{filling:?}\n{settings:#?}");
    let visitor = shop.visitor();
    let items = filling.lines.iter().map(|(price, quantity)| {
        let mut item = json!({ "price": price, "quantity": quantity });
        if filling.adjustable {
            item["adjustable_quantity"] = json!({ "enabled": true, "minimum": 1, "maximum": 5000 });
        }
        item
    });
    let body = json!({ "items": items.collect::<Vec<_>>() });
    let added = visitor.post_with(&[("x-currency", filling.currency)], "/cart/add", body).await;
    assert_eq!(added.json()["currency"], filling.currency, "{}\n{case}", added.text);

    let checked_out = visitor.checkout().await;

    assert_eq!(checked_out.status, 200, "{}\n{case}", checked_out.text);
    let session = checked_out.json();
    assert_eq!(session["status"], "open", "{case}");
    let pressed = shop.press(&session, "pay").await;
    assert_eq!(pressed.status, 303, "{}\n{case}", pressed.text);
    shop.sandbox().settled().await;
    let order = shop.order(&order_number(&session)).await;
    assert_eq!(order.status, 200, "{}\n{case}", order.text);
    let rates = settings.iter().find(|(name, _)| *name == "CHECKOUT_SHIPPING_RATES").unwrap();
    let offers = session["shipping_options"].as_array().is_some_and(|options| !options.is_empty());
    let is_marked = !rates.1.is_empty() && session["mode"] == "payment" && !offers;
    assert_eq!(shop.marks(&session).await, if is_marked { json!(["no_shipping"]) } else { json!([]) }, "{case}");
}

#[tokio::test]
async fn every_cart_that_can_be_filled_can_be_paid() {
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let cases = (settings(), proptest::collection::vec(filling(), CARTS));

    for _ in 0..SHOPS {
        let (settings, fillings) = cases.new_tree(&mut runner).unwrap().current();
        let shop = Shop::open_in(&left_out::catalogue(), settings.iter().cloned().collect()).await;
        for filling in &fillings {
            buy(&shop, &settings, filling).await;
        }
    }
}
