//! The rules of a cart, one statement each.
#![expect(clippy::unwrap_used, reason = "a test that panics fails, as it should")]

use std::collections::BTreeMap;

use cart::{
    Addition, AdjustableQuantity, Attributes, Bounds, Cart, Change, Currency, Description, Details, Lifetime, Line,
    LineId, LineUpdate, Metadata, Offer, Offers, OrderNumber, Price, Quantity, RefusedItem, Rejection, Setting,
    Snapshot, Status, Timestamp, Token, Totals,
};
use proptest::prelude::*;
use serde_json::json;

fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

fn later(days: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() + days * 86_400).unwrap()
}

fn cart() -> Cart {
    Cart::new(Token::from_bytes([1; 16]).number(), now(), Lifetime::default())
}

fn price(id: &str) -> Price {
    priced(id, json!({}))
}

fn monthly(id: &str) -> Price {
    priced(id, json!({ "type": "recurring", "recurring": { "interval": "month" } }))
}

#[expect(clippy::needless_pass_by_value, reason = "callers pass literals")]
fn priced(id: &str, more: serde_json::Value) -> Price {
    let mut price = json!({ "id": id, "currency": "usd", "product": "prod_a", "unit_amount": 100 });
    price.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(price).unwrap()
}

fn item(price: &Price, quantity: u64) -> Addition {
    Addition::new(price.id.clone(), Quantity::new(quantity).unwrap())
}

fn setting(price: &Price, quantity: u64) -> Setting {
    Setting::new(LineId::from(&price.id), Quantity::new(quantity).unwrap())
}

fn engraved(text: &str) -> Attributes {
    Attributes::new([("engraving".to_owned(), text.to_owned())]).unwrap()
}

/// A change, with what is for sale.
#[derive(Clone)]
struct Asked {
    change: Change,
    offers: Offers,
}

fn ask<'a>(change: Change, prices: impl IntoIterator<Item = &'a Price>) -> Asked {
    let product = serde_json::from_value(json!({ "id": "prod_a" })).unwrap();
    let offer = |price: &Price| Offer { price: price.clone(), product: cart::Product::clone(&product) };
    Asked { change, offers: prices.into_iter().map(offer).collect() }
}

impl Asked {
    fn in_currency(self, code: &str) -> Self {
        Self { change: self.change.in_currency(Some(code.parse().unwrap())), ..self }
    }

    fn with_metadata(self, metadata: Metadata) -> Self {
        Self { change: self.change.with_metadata(Some(metadata)), ..self }
    }

    fn of(&self, cart: &mut Cart, now: Timestamp) -> Result<Vec<RefusedItem>, Rejection> {
        cart.apply(&self.change, &self.offers, now)
    }
}

fn add(price: &Price, quantity: u64) -> Asked {
    ask(Change::add(vec![item(price, quantity)]).unwrap(), [price])
}

fn add_one_of_each(prices: &[Price]) -> Asked {
    ask(Change::add(prices.iter().map(|price| item(price, 1)).collect()).unwrap(), prices)
}

fn set(price: &Price, quantity: u64) -> Asked {
    ask(Change::update(vec![LineUpdate::Set(setting(price, quantity))]), [price])
}

fn remove(price: &Price) -> Asked {
    ask(Change::update(vec![LineUpdate::Remove(LineId::from(&price.id))]), [])
}

fn clear() -> Asked {
    ask(Change::Clear, [])
}

fn shown(cart: &Cart) -> Vec<(&str, u32)> {
    cart.lines().iter().map(|line| (line.price.as_str(), line.quantity.get())).collect()
}

fn holding(changes: &[Asked]) -> Cart {
    let mut cart = cart();
    for change in changes {
        change.of(&mut cart, now()).unwrap();
    }
    cart
}

#[track_caller]
fn assert_refused(cart: &Cart, change: &Asked, expected: &Rejection) {
    let mut changed = cart.clone();

    assert_eq!(change.of(&mut changed, now()).as_ref(), Err(expected));

    assert_eq!(&changed, cart, "a refused change changed the cart");
}

#[test]
fn adding_sums_and_setting_sets() {
    let (a, b) = (price("price_a"), price("price_b"));

    let cart = holding(&[add(&a, 2), add(&b, 1), add(&a, 1), set(&b, 7)]);

    assert_eq!(shown(&cart), [("price_a", 3), ("price_b", 7)]);
    assert_eq!(cart.item_count(), 10);
    assert_eq!(cart.version(), 4);
}

fn ids(cart: &Cart) -> Vec<(&str, u32)> {
    cart.lines().iter().map(|line| (line.id.as_str(), line.quantity.get())).collect()
}

/// Source of the digests: `hashlib.sha256` of Python over lengths by `struct.pack(">I", n)` and texts.
#[test]
fn units_of_one_price_with_other_attributes_are_another_line() {
    let a = price("price_a");
    let of = |text: &str, quantity| {
        ask(Change::add(vec![item(&a, quantity).with_attributes(engraved(text))]).unwrap(), [&a])
    };

    let cart = holding(&[of("Ann", 1), of("Bob", 2), add(&a, 3), of("Ann", 4), of(" ", 5)]);

    assert_eq!(ids(&cart), [("price_a", 8), ("price_a~5T-OOLPWXXw", 5), ("price_a~zpkZYEkz1to", 2)]);
}

#[test]
fn a_change_of_one_line_leaves_others_of_the_same_price_alone() {
    let a = price("price_a");
    let ann = item(&a, 1).with_attributes(engraved("Ann"));
    let line = ann.line();
    let both = holding(&[ask(Change::add(vec![ann, item(&a, 2)]).unwrap(), [&a])]);
    let changed = |change: Change| {
        let mut cart = both.clone();
        ask(change, [&a]).of(&mut cart, now()).unwrap();
        ids(&cart).into_iter().map(|(id, quantity)| (id.to_owned(), quantity)).collect::<Vec<_>>()
    };
    let (engraved, plain) = (line.as_str().to_owned(), "price_a".to_owned());

    let seven = || LineUpdate::Set(Setting::new(line.clone(), Quantity::new(7).unwrap()));
    assert_eq!(changed(Change::update(vec![seven()])), [(engraved.clone(), 7), (plain.clone(), 2)]);
    assert_eq!(changed(Change::Line(seven())), [(engraved.clone(), 7), (plain.clone(), 2)]);
    assert_eq!(changed(Change::update(vec![LineUpdate::Remove(line.clone())])), [(plain.clone(), 2)]);
    assert_eq!(changed(Change::update(vec![LineUpdate::Set(setting(&a, 9))])), [(engraved.clone(), 1), (plain, 9)]);
    assert_eq!(changed(Change::update(vec![LineUpdate::Remove(LineId::from(&a.id))])), [(engraved, 1)]);
}

#[test]
fn a_line_with_attributes_comes_by_an_addition_alone() {
    let (a, b) = (price("price_a"), price("price_b"));
    let cart = holding(&[add(&a, 1)]);
    let absent: LineId = "price_a~AAAAAAAAAAA".parse().unwrap();
    let set = |line: &LineId| LineUpdate::Set(Setting::new(line.clone(), Quantity::ONE));
    let not_found = |line: &LineId| Rejection::LineNotFound(line.clone());

    assert_refused(&cart, &ask(Change::update(vec![set(&absent)]), [&a]), &not_found(&absent));
    assert_refused(&cart, &ask(Change::Line(set(&LineId::from(&b.id))), [&b]), &not_found(&LineId::from(&b.id)));
    let mut unchanged = cart.clone();
    ask(Change::update(vec![LineUpdate::Remove(absent)]), []).of(&mut unchanged, now()).unwrap();
    assert_eq!(unchanged, cart);
}

#[test]
fn a_recurring_price_stands_on_one_line() {
    let a = monthly("price_a");
    let of = |text: &str| item(&a, 1).with_attributes(engraved(text));
    let one = holding(&[ask(Change::add(vec![of("Ann")]).unwrap(), [&a])]);
    let exists = Rejection::RecurringLineExists(a.id.clone());

    for another in [vec![of("Bob")], vec![item(&a, 1)], vec![of("Ann"), of("Bob")]] {
        assert_refused(&one, &ask(Change::add(another).unwrap(), [&a]), &exists);
    }
    assert_refused(&one, &set(&a, 1), &exists);
    assert_refused(&cart(), &ask(Change::add(vec![of("Ann"), of("Bob")]).unwrap(), [&a]), &exists);
    assert_eq!(ids(&holding(&[ask(Change::add(vec![of("Ann"), of("Ann")]).unwrap(), [&a])])).len(), 1);
}

/// Bounds of metadata at Stripe, less what Cartwright writes itself: <https://docs.stripe.com/metadata#data>.
#[test]
fn attributes_fit_the_metadata_of_a_line_at_stripe() {
    let of = |entries: Vec<(String, String)>| Attributes::new(entries);
    let many = |count: usize| (0..count).map(|index| (format!("k{index}"), "v".to_owned())).collect();
    let one = |key: &str, value: &str| of(vec![(key.to_owned(), value.to_owned())]);

    assert!(of(many(20)).is_ok());
    assert_eq!(of(many(21)), Err(Rejection::TooManyAttributes));
    assert!(one(&"n".repeat(40), &"ü".repeat(500)).is_ok());
    for (key, value) in [("a[b]", "v"), ("stripe_payments_line", "v"), ("", "v"), ("k", "\u{1}")] {
        assert!(matches!(one(key, value), Err(Rejection::Attribute { .. })), "{key}");
    }
    for (key, value) in [("n".repeat(41), "v".to_owned()), ("n".to_owned(), "v".repeat(501))] {
        assert!(matches!(one(&key, &value), Err(Rejection::Attribute { .. })), "{key}");
    }
    for blank in ["", " ", "\r\n\t", "\u{a0}\u{2003}"] {
        assert!(one("note", blank).unwrap().is_empty());
        assert!(Metadata::new([("note".to_owned(), blank.to_owned())]).unwrap().is_empty());
    }
}

#[test]
fn an_anonymous_cart_has_no_attributes_and_one_line_of_a_price() {
    let a = price("price_a");
    let of = |text: &str, quantity| item(&a, quantity).with_attributes(engraved(text));
    let cart = holding(&[ask(Change::add(vec![of("Ann", 1), of("Bob", 2), item(&a, 3)]).unwrap(), [&a])]);

    assert_eq!(ids(&cart.anonymised()), [("price_a", 6)]);
}

#[test]
fn every_change_renews_the_life_and_nothing_else_does() {
    let mut cart = holding(&[add(&price("price_a"), 1)]);
    assert_eq!(cart.expires_at(), later(7));

    set(&price("price_a"), 1).of(&mut cart, later(2)).unwrap();
    assert_eq!(cart.expires_at(), later(9));

    let absent = ask(Change::update(vec![LineUpdate::Remove(LineId::kept("price_b"))]), []);
    absent.of(&mut cart, later(3)).unwrap();
    assert_eq!((cart.expires_at(), cart.version()), (later(9), 2));
}

#[test]
fn an_expired_cart_takes_no_change() {
    let mut cart = holding(&[add(&price("price_a"), 1)]);

    assert!(cart.is_open(later(6)));
    assert!(!cart.is_open(later(7)));
    assert_eq!(clear().of(&mut cart, later(7)), Err(Rejection::Closed));
}

#[test]
fn a_quantity_past_the_largest_is_refused() {
    let a = price("price_a");
    let cart = holding(&[add(&a, 999_998)]);

    let too_large = |held| Rejection::LineTooLarge { line: LineId::from(&a.id), held };
    assert_refused(&cart, &add(&a, 2), &too_large(999_998));
    assert_eq!(Change::add(vec![item(&a, 999_999), item(&a, 1)]), Err(too_large(0)));
    assert_eq!(Quantity::new(0), Err(Rejection::QuantityTooSmall));
    assert_eq!(Quantity::new(u64::MAX), Err(Rejection::QuantityTooLarge));
}

#[test]
fn the_first_line_decides_the_currency_until_the_cart_is_empty() {
    let dollars = price("price_a");
    let euros = priced("price_b", json!({ "currency": "eur" }));
    let mut cart = holding(&[add(&dollars, 1)]);

    let mixed = Rejection::MixedCurrency { price: euros.id.clone(), currency: Currency::USD };
    assert_refused(&cart, &add(&euros, 1), &mixed);
    clear().of(&mut cart, now()).unwrap();
    assert_eq!(cart.currency(), None);
    add(&euros, 1).of(&mut cart, now()).unwrap();

    assert_eq!(cart.currency(), Some("eur".parse().unwrap()));
}

#[test]
fn a_price_with_other_currencies_joins_a_cart_in_one_of_them() {
    let [one, both] = ["price_a", "price_b"].map(|id| {
        priced(id, json!({ "currency_options": { "eur": { "unit_amount": 90 }, "gbp": { "unit_amount": 80 } } }))
    });

    let preferred = holding(&[add(&both, 1).in_currency("eur")]);
    let cart = holding(&[add(&one, 1).in_currency("gbp"), add(&both, 1)]);

    assert_eq!(cart.currency(), Some("gbp".parse().unwrap()));
    assert_eq!(preferred.currency(), Some("eur".parse().unwrap()));
    let yen = add(&both, 1).in_currency("jpy");
    let mixed = Rejection::MixedCurrency { price: both.id.clone(), currency: "jpy".parse().unwrap() };
    assert_refused(&self::cart(), &yen, &mixed);
}

/// "The default currency must be the same across all prices, shipping rates, and discounts."
///
/// Source: <https://docs.stripe.com/payments/checkout/localize-prices/manual-currency-prices>
#[test]
fn all_prices_of_a_cart_have_one_own_currency_whatever_else_they_can_be_paid_in() {
    let [usd, eur] = ["usd", "eur"].map(|code| code.parse::<Currency>().unwrap());
    let dollars = priced("price_a", json!({ "currency_options": { "eur": { "unit_amount": 90 } } }));
    let euros = priced("price_b", json!({ "currency": "eur", "currency_options": { "usd": { "unit_amount": 110 } } }));
    let only_euros = priced("price_c", json!({ "currency": "eur" }));

    for currency in [usd, eur] {
        let mut cart = holding(&[add(&dollars, 1).in_currency(&currency.to_string())]);

        let mixed = Rejection::MixedOwnCurrency { price: euros.id.clone(), offered: eur, held: usd, currency };
        for refused in [add(&euros, 1), set(&euros, 1)] {
            assert_refused(&cart, &refused, &mixed);
        }
        let batch = [dollars.clone(), euros.clone()];
        assert_refused(&self::cart(), &add_one_of_each(&batch).in_currency(&currency.to_string()), &mixed);
        // An update that takes all dollars out takes their own currency along.
        let swapped = vec![
            LineUpdate::Remove(LineId::from(&dollars.id)),
            LineUpdate::Set(setting(&euros, 1)),
            LineUpdate::Set(setting(&only_euros, 1)),
        ];
        ask(Change::update(swapped), [&euros, &only_euros]).of(&mut cart, now()).unwrap();
        assert_eq!((cart.currency(), cart.own_currency()), (Some(eur), Some(eur)));
    }
}

#[test]
fn the_own_currency_of_a_cart_is_known_as_long_as_it_has_lines() {
    let euros = price_in_euros_and_dollars("price_a");
    let own = Some("eur".parse().unwrap());
    let mut cart = holding(&[add(&euros, 1).in_currency("usd"), add(&price_in_euros_and_dollars("price_b"), 1)]);
    assert_eq!(cart.own_currency(), own);

    set(&euros, 2).of(&mut cart, now()).unwrap();
    remove(&euros).of(&mut cart, now()).unwrap();
    assert_eq!((cart.currency(), cart.own_currency()), (Some(Currency::USD), own));

    remove(&price_in_euros_and_dollars("price_b")).of(&mut cart, now()).unwrap();
    assert_eq!((cart.currency(), cart.own_currency()), (None, None));
}

fn price_in_euros_and_dollars(id: &str) -> Price {
    priced(id, json!({ "currency": "eur", "currency_options": { "usd": { "unit_amount": 110 } } }))
}

/// A cart as an earlier release stored it: of any lines, and not knowing the own currencies of their prices.
fn of_an_earlier_release(lines: &[(&Price, u64)], currency: &str) -> Cart {
    let line = |(index, (price, quantity)): (usize, &(&Price, u64))| Line {
        id: LineId::from(&price.id),
        attributes: Attributes::default(),
        price: price.id.clone(),
        quantity: Quantity::new(*quantity).unwrap(),
        adjustable_quantity: None,
        description: None,
        recurrence: price.recurrence(),
        position: i64::try_from(index).unwrap(),
        former: Vec::new(),
    };
    let snapshot = Snapshot {
        number: cart().number(),
        version: 1,
        status: Status::Active,
        lines: lines.iter().enumerate().map(line).collect(),
        currency: Some(currency.parse().unwrap()),
        own_currency: None,
        metadata: Metadata::default(),
        current_session: None,
        sold_at: None,
        created_at: now(),
        updated_at: now(),
        expires_at: later(7),
    };
    Cart::restore(snapshot, Lifetime::default())
}

#[test]
fn of_a_cart_from_before_the_lines_that_disagree_with_the_first_that_can_be_bought_are_unavailable() {
    let archived = Price { active: false, ..price_in_euros_and_dollars("price_archived") };
    let dollars = price("price_dollars");
    let euros = price_in_euros_and_dollars("price_euros");
    let more_dollars = price("price_more_dollars");
    let cart = of_an_earlier_release(&[(&archived, 1), (&dollars, 1), (&euros, 1), (&more_dollars, 1)], "usd");
    let all = [&archived, &dollars, &euros, &more_dollars];
    let offers = ask(Change::Clear, all).offers;

    let totals = Totals::new(&cart, &offers, Currency::USD);

    let unavailable: Vec<_> = totals.unavailable().map(|line| line.price.as_str()).collect();
    assert_eq!(unavailable, ["price_archived", "price_euros"]);
    assert_eq!(totals.total.minor(), 200);
}

#[test]
fn a_cart_from_before_takes_prices_of_the_own_currency_of_its_first_line_that_can_be_bought() {
    let (dollars, euros) = (price("price_dollars"), price_in_euros_and_dollars("price_euros"));
    let (more, other) = (price("price_more"), price_in_euros_and_dollars("price_other"));
    let all = [&dollars, &euros, &more, &other];
    let [usd, eur] = ["usd", "eur"].map(|code| code.parse::<Currency>().unwrap());
    let mixed = |price: &Price, offered, held| Rejection::MixedOwnCurrency {
        price: price.id.clone(),
        offered,
        held,
        currency: usd,
    };
    let add = |price: &Price| ask(Change::add(vec![item(price, 1)]).unwrap(), all);

    let agreeing = of_an_earlier_release(&[(&dollars, 1)], "usd");
    assert_refused(&agreeing, &add(&euros), &mixed(&euros, eur, usd));
    let mut changed = agreeing;
    add(&more).of(&mut changed, now()).unwrap();
    assert_eq!(changed.own_currency(), Some(usd));

    let mut mended = of_an_earlier_release(&[(&euros, 1), (&dollars, 1)], "usd");
    assert_refused(&mended, &add(&more), &mixed(&more, usd, eur));
    assert_refused(&mended, &add(&dollars), &mixed(&dollars, usd, eur));
    add(&other).of(&mut mended, now()).unwrap();
    assert_eq!(mended.own_currency(), None, "its lines still disagree");
    remove(&dollars).of(&mut mended, now()).unwrap();
    add(&other).of(&mut mended, now()).unwrap();
    assert_eq!(mended.own_currency(), Some(eur));
}

#[test]
fn the_rules_look_up_only_lines_of_which_the_cart_does_not_know_what_may_be_beside_them() {
    let (offers, old, new) = succeeded(json!({}));
    let others = holding(&[add(&price("price_a"), 1), add(&price("price_c"), 1)]);
    let described =
        |id: &str| Change::update(vec![LineUpdate::Describe { line: LineId::kept(id), details: Details::default() }]);
    let asked = |cart: &Cart, id: &str| cart.prices_to_look_up(&described(id), &offers).count();
    assert_eq!((asked(&others, old.id.as_str()), asked(&others, "price_c")), (2, 0));
    let mut succeeded = others.clone();
    succeeded.succeed(&offers).unwrap();
    assert_eq!((asked(&succeeded, old.id.as_str()), asked(&succeeded, new.id.as_str())), (2, 0));

    let (a, b) = (price("price_a"), price("price_b"));
    let looked_up = |cart: &Cart, asked: &Asked| -> Vec<String> {
        cart.prices_to_look_up(&asked.change, &Offers::default()).map(ToString::to_string).collect()
    };
    let before = of_an_earlier_release(&[(&a, 1), (&b, 1)], "usd");

    assert_eq!(looked_up(&before, &add(&a, 1)), ["price_a", "price_b"]);
    assert_eq!(looked_up(&before, &set(&a, 1)), ["price_a", "price_b"]);
    let custom = gift("price_gift");
    assert_eq!(looked_up(&holding(&[add(&custom, 1)]), &add(&a, 1)), ["price_gift"]);
    for nothing in [remove(&a), clear(), ask(Change::update(vec![]), []).with_metadata(Metadata::default())] {
        assert_eq!(looked_up(&before, &nothing), [""; 0]);
    }
    assert_eq!(looked_up(&holding(&[add(&a, 1), add(&b, 1)]), &add(&a, 1)), [""; 0]);
}

/// A price whose amount the shopper chooses.
fn gift(id: &str) -> Price {
    priced(id, json!({ "unit_amount": null, "custom_unit_amount": { "minimum": 100, "preset": 1500 } }))
}

/// "Pay what you want" is one unit, paid once, and nothing beside it.
///
/// Source: <https://docs.stripe.com/payments/checkout/pay-what-you-want>
#[test]
fn a_price_whose_amount_the_shopper_chooses_is_bought_alone() {
    let (gift, other, mug, club) = (gift("price_gift"), gift("price_other"), price("price_mug"), monthly("price_club"));
    let all = [&gift, &other, &mug, &club];
    let alone = Rejection::CustomAmountAlone(gift.id.clone());
    let items = |prices: &[&Price]| prices.iter().map(|price| item(price, 1)).collect();
    let sets = |prices: &[&Price]| {
        ask(Change::update(prices.iter().map(|price| LineUpdate::Set(setting(price, 1))).collect()), all)
    };
    let with_gift = holding(&[add(&gift, 1)]);

    for beside in [&mug, &club] {
        let held = holding(&[add(beside, 1)]);
        for refused in [add(&gift, 1), set(&gift, 1), sets(&[&gift, beside])] {
            assert_refused(&held, &refused, &alone);
        }
        for refused in [ask(Change::add(items(&[beside])).unwrap(), all), sets(&[beside])] {
            assert_refused(&with_gift, &refused, &alone);
        }
        for order in [[&gift, beside], [beside, &gift]] {
            assert_refused(&cart(), &ask(Change::add(items(&order)).unwrap(), all), &alone);
            assert_refused(&cart(), &sets(&order), &alone);
        }
    }
    for refused in [add(&gift, 1), add(&gift, 2), set(&gift, 2), ask(Change::add(items(&[&other])).unwrap(), all)] {
        assert_refused(&with_gift, &refused, &alone);
    }
    assert_refused(&cart(), &add(&gift, 2), &alone);
    // Stripe has no such price, and would refuse its session.
    let every_month = Price { recurring: club.recurring.clone(), ..gift.clone() };
    assert_refused(&cart(), &add(&every_month, 1), &alone);
}

#[test]
fn a_price_whose_amount_is_chosen_in_one_of_its_currencies_is_bought_alone() {
    let in_euros = json!({ "eur": { "custom_unit_amount": { "minimum": 100 } } });
    let gift = priced("price_gift", json!({ "currency_options": in_euros }));

    assert_refused(
        &holding(&[add(&price("price_a"), 1)]),
        &add(&gift, 1),
        &Rejection::CustomAmountAlone(gift.id.clone()),
    );
}

#[test]
fn a_price_whose_amount_the_shopper_chooses_can_be_set_again_and_swapped() {
    let (gift, mug) = (gift("price_gift"), price("price_mug"));
    let mut cart = holding(&[add(&gift, 1), set(&gift, 1)]);

    for (from, to) in [(&gift, &mug), (&mug, &gift)] {
        let swapped = vec![LineUpdate::Set(setting(to, 1)), LineUpdate::Remove(LineId::from(&from.id))];
        ask(Change::update(swapped), [&gift, &mug]).of(&mut cart, now()).unwrap();
        assert_eq!(shown(&cart), [(to.id.as_str(), 1)]);
    }
    assert_eq!(cart.own_currency(), None, "only the offer says that nothing may be beside it");
    clear().of(&mut cart, now()).unwrap();
    add(&mug, 2).of(&mut cart, now()).unwrap();
    assert_eq!(cart.own_currency(), Some(Currency::USD));
}

#[test]
fn a_cart_from_before_in_which_a_chosen_amount_is_not_alone_is_mended_step_by_step() {
    let (gift, other, mug) = (gift("price_gift"), gift("price_other"), price("price_mug"));
    let all = [&gift, &other, &mug];
    let with_offers = |change: Change| ask(change, all);
    let set = |price: &Price, quantity| with_offers(Change::update(vec![LineUpdate::Set(setting(price, quantity))]));
    let mut cart = of_an_earlier_release(&[(&mug, 3), (&gift, 2), (&other, 1)], "usd");
    let offers = with_offers(Change::Clear).offers;
    let alone = Err(Rejection::CustomAmountAlone(gift.id.clone()));

    assert_eq!(Totals::new(&cart, &offers, Currency::USD).check_custom_amount(), alone);
    for more in [set(&mug, 4), set(&gift, 3), with_offers(Change::add(vec![item(&mug, 1)]).unwrap())] {
        assert_refused(&cart, &more, alone.as_ref().unwrap_err());
    }
    let steps = [
        set(&mug, 3).with_metadata(Metadata::default()),
        set(&mug, 1),
        remove(&other),
        ask(Change::update(vec![]), []).with_metadata(Metadata::default()),
        remove(&mug),
    ];
    for step in steps {
        step.of(&mut cart, now()).unwrap();
        assert_eq!(Totals::new(&cart, &offers, Currency::USD).check_custom_amount(), alone, "{:?}", step.change);
    }
    set(&gift, 1).of(&mut cart, now()).unwrap();
    assert_eq!(Totals::new(&cart, &offers, Currency::USD).check_custom_amount(), Ok(()));
}

#[test]
fn recurring_lines_share_one_interval() {
    let month = monthly("price_a");
    let quarter =
        priced("price_b", json!({ "type": "recurring", "recurring": { "interval": "month", "interval_count": 3 } }));
    let mut cart = holding(&[add(&month, 1), add(&price("price_c"), 1)]);

    assert!(matches!(add(&quarter, 1).of(&mut cart.clone(), now()), Err(Rejection::MixedInterval { .. })));
    let swapped = vec![LineUpdate::Remove(LineId::from(&month.id)), LineUpdate::Set(setting(&quarter, 1))];
    ask(Change::update(swapped), [&quarter]).of(&mut cart, now()).unwrap();

    assert_eq!(cart.recurrence().unwrap().to_string(), "3month");
}

#[test]
fn a_cart_holds_a_hundred_lines_or_twenty_of_each_kind() {
    let prices: Vec<_> = (0..101).map(|index| price(&format!("price_{index}"))).collect();
    let hundred = add_one_of_each(&prices[..100]);
    let twenty = add_one_of_each(&prices[..20]);
    let recurring: Vec<_> = (0..21).map(|index| monthly(&format!("price_m{index}"))).collect();
    let monthly_twenty = add_one_of_each(&recurring[..20]);

    let full = holding(std::slice::from_ref(&hundred));
    assert_refused(&full, &add(&prices[100], 1), &Rejection::TooManyItems);
    assert_refused(&full, &add(&recurring[0], 1), &Rejection::TooManyItems);
    let mixed = holding(&[twenty, monthly_twenty]);
    assert_refused(&mixed, &add(&prices[20], 1), &Rejection::TooManyItems);
    assert_refused(&mixed, &add(&recurring[20], 1), &Rejection::TooManyItems);
}

#[test]
fn attributes_are_replaced_where_given_and_a_blank_description_removes_it() {
    let a = price("price_a");
    let bounds = AdjustableQuantity::new(true, Some(1), Some(10)).unwrap();
    let details =
        Details { description: Some(Description::new("blue").unwrap()), adjustable_quantity: Some(bounds.clone()) };
    let described = Addition { details, ..item(&a, 1) };
    let nothing = Details { adjustable_quantity: None, description: Some(Description::new(" ").unwrap()) };
    let blank = LineUpdate::Describe { line: LineId::from(&a.id), details: nothing };

    let described = holding(&[ask(Change::add(vec![described]).unwrap(), [&a]), add(&a, 1)]);
    let mut undescribed = described.clone();
    ask(Change::update(vec![blank]), []).of(&mut undescribed, now()).unwrap();

    assert_eq!(described.lines()[0].description.as_ref().unwrap().as_str(), "blue");
    assert_eq!(described.lines()[0].adjustable_quantity, Some(bounds.clone()));
    assert_eq!(undescribed.lines()[0].description, None);
    assert_eq!(undescribed.lines()[0].adjustable_quantity, Some(bounds));
    assert_eq!(shown(&undescribed), [("price_a", 2)]);
}

/// A line of `price_a` with bounds of its own from 2 to 10.
fn bounded(enabled: bool, quantity: u64) -> Addition {
    let own = AdjustableQuantity::new(enabled, Some(2), Some(10)).unwrap();
    let details = Details { adjustable_quantity: Some(own), description: None };
    Addition { details, ..item(&price("price_a"), quantity) }
}

#[test]
fn a_quantity_that_changes_lies_within_the_lines_bounds() {
    let a = price("price_a");
    let merchants = priced("price_a", json!({ "metadata": { "minimum_quantity": "2", "maximum_quantity": "10" } }));
    let own = |quantity| ask(Change::add(vec![bounded(true, quantity)]).unwrap(), [&a]);
    let refused = Rejection::QuantityOutOfRange {
        line: LineId::from(&a.id),
        bounds: Bounds { minimum: Some(2), maximum: Some(10) },
    };

    for (price, first) in [(&a, own(6)), (&merchants, add(&merchants, 6))] {
        let six = holding(&[first]);
        for change in [add(price, 5), set(price, 11), set(price, 1)] {
            assert_refused(&six, &change, &refused);
        }
        for change in [add(price, 4), set(price, 10), set(price, 2), set(price, 6), remove(price)] {
            change.of(&mut six.clone(), now()).unwrap();
        }
    }
    for change in [own(1), own(11), add(&merchants, 1), add(&merchants, 11)] {
        assert_refused(&cart(), &change, &refused);
    }
    let off = ask(Change::add(vec![bounded(false, 11)]).unwrap(), [&a]);
    assert_eq!(shown(&holding(&[off])), [("price_a", 11)]);
}

#[test]
fn a_line_outside_its_bounds_stays_as_it_is() {
    let (a, b) = (price("price_a"), price("price_b"));
    let merchants = priced("price_a", json!({ "metadata": { "maximum_quantity": "3" } }));
    let mut five = holding(&[add(&a, 5), add(&b, 1)]);
    let all =
        ask(Change::update(vec![LineUpdate::Set(setting(&a, 5)), LineUpdate::Set(setting(&b, 2))]), [&merchants, &b]);

    all.of(&mut five, now()).unwrap();

    assert_eq!(shown(&five), [("price_a", 5), ("price_b", 2)]);
    let offers = all.offers;
    let outside: Vec<_> = Totals::new(&five, &offers, Currency::USD)
        .lines
        .iter()
        .map(|priced| priced.bounds().admit(priced.line.quantity))
        .collect();
    assert_eq!(outside, [false, true]);
}

/// Offers of `price_a`, archived, and of `price_b`, which took its place.
fn succeeded(more: serde_json::Value) -> (Offers, Price, Price) {
    let a = Price { active: false, ..price("price_a") };
    let b = priced("price_b", more);
    let product: cart::Product = serde_json::from_value(json!({ "id": "prod_a" })).unwrap();
    let offer = |price: &Price| Offer { price: price.clone(), product: product.clone() };
    let mut offers: Offers = [offer(&a)].into_iter().collect();
    offers.extend_successors([(a.id.clone(), std::sync::Arc::new(offer(&b)))]);
    (offers, a, b)
}

/// How many lines wait for the shopper's yes.
fn rises_of(totals: &Totals<'_>, cart: &Cart) -> usize {
    totals.lines.iter().filter(|priced| priced.awaits_yes(cart, None)).count()
}

#[test]
fn a_line_goes_on_at_the_price_that_took_the_place_of_its_own() {
    for (amount, rises) in [(90, 0), (100, 0), (110, 1)] {
        let (offers, a, b) = succeeded(json!({ "unit_amount": amount }));
        let held = holding(&[add(&price("price_a"), 2)]);

        let totals = Totals::new(&held, &offers, Currency::USD);

        assert_eq!((totals.total.minor(), rises_of(&totals, &held)), (2 * amount, rises));
        let change = totals.lines[0].price_change().unwrap();
        assert_eq!((&change.price, &change.successor), (&a.id, &b.id));
        let [from, to] = [change.from, change.to].map(|each| each.unwrap().to_string());
        assert_eq!((from.as_str(), to), ("100", amount.to_string()));
    }
}

/// What a unit costs may rise where the whole does not: the shopper may take more on Stripe's page.
#[test]
fn a_rise_of_what_may_be_taken_on_the_page_is_a_rise() {
    let (offers, ..) =
        succeeded(json!({ "unit_amount": 110, "transform_quantity": { "divide_by": 2, "round": "up" } }));
    let own = AdjustableQuantity::new(true, None, None).unwrap();
    let details = Details { adjustable_quantity: Some(own), description: None };
    let a = price("price_a");

    for (item, rises) in [(item(&a, 2), 0), (Addition { details, ..item(&a, 2) }, 1)] {
        let held = holding(&[ask(Change::add(vec![item]).unwrap(), [&a])]);
        let totals = Totals::new(&held, &offers, Currency::USD);
        assert_eq!((totals.total.minor(), rises_of(&totals, &held)), (110, rises));
    }
}

/// The amount is the same, and the shopper pays the tax beside it.
///
/// Source: <https://docs.stripe.com/tax/products-prices-tax-codes-tax-behavior#tax-behavior>
#[test]
fn a_tax_that_comes_on_top_is_a_rise() {
    for (old, new, rises) in [
        ("inclusive", "exclusive", 1),
        ("inclusive", "inclusive", 0),
        ("exclusive", "inclusive", 0),
        ("exclusive", "exclusive", 0),
        ("unspecified", "exclusive", 0),
    ] {
        let a = Price { active: false, tax_behavior: Some(old.to_owned()), ..price("price_a") };
        let b = priced("price_b", json!({ "tax_behavior": new }));
        let product: cart::Product = serde_json::from_value(json!({ "id": "prod_a" })).unwrap();
        let offer = |price: &Price| Offer { price: price.clone(), product: product.clone() };
        let mut offers: Offers = [offer(&a)].into_iter().collect();
        offers.extend_successors([(a.id, std::sync::Arc::new(offer(&b)))]);
        let held = holding(&[add(&price("price_a"), 2)]);

        assert_eq!(rises_of(&Totals::new(&held, &offers, Currency::USD), &held), rises, "{old} to {new}");
    }
}

/// What the cart shows is what the session asks for, which sells the two as one line; and if that is more than each at its own price,
/// nobody pays it without a yes.
#[test]
fn lines_that_become_one_come_to_what_they_come_to_as_one() {
    let tiered = |mode: &str, tiers: serde_json::Value| json!({ "unit_amount": null, "billing_scheme": "tiered", "tiers_mode": mode, "tiers": tiers });
    let kinds = [
        json!({ "unit_amount": 90 }),
        json!({ "unit_amount": null, "unit_amount_decimal": "123.4" }),
        json!({ "unit_amount": null, "unit_amount_decimal": "0.05" }),
        json!({ "unit_amount": 700, "transform_quantity": { "divide_by": 6, "round": "up" } }),
        json!({ "unit_amount": 700, "transform_quantity": { "divide_by": 6, "round": "down" } }),
        tiered("graduated", json!([{ "up_to": 1, "unit_amount": 100 }, { "up_to": null, "unit_amount": 5000 }])),
        tiered("volume", json!([{ "up_to": 4, "unit_amount": 100 }, { "up_to": null, "unit_amount": 20 }])),
    ];
    let product: cart::Product = serde_json::from_value(json!({ "id": "prod_a" })).unwrap();
    let offer = |price: &Price| Offer { price: price.clone(), product: product.clone() };
    let mut silent = 0;
    for (old, new) in kinds.iter().flat_map(|old| kinds.iter().map(move |new| (old, new))) {
        let ids = ["price_a", "price_c"];
        let [a, c] = ids.map(|id| priced(id, old.clone()));
        let b = priced("price_b", new.clone());
        let mut offers: Offers =
            [&a, &c].map(|price| offer(&Price { active: false, ..price.clone() })).into_iter().collect();
        let successor = std::sync::Arc::new(offer(&b));
        offers.extend_successors([&a, &c].map(|price| (price.id.clone(), std::sync::Arc::clone(&successor))));
        for (quantities, (first, second)) in [1, 2, 3, 4, 5, 7]
            .into_iter()
            .flat_map(|first| [1, 3, 6].map(|second| ([first, second, 2], (first, second))))
        {
            let mut cart = holding(&[add(&b, first), add(&a, second), add(&c, 2)]);
            let apart: i128 = [&b, &a, &c]
                .iter()
                .zip(quantities)
                .map(|(price, quantity)| price.amount(quantity, Currency::USD).unwrap().minor())
                .sum();
            let totals = Totals::new(&cart, &offers, Currency::USD);
            let shown: Vec<_> = totals.lines.iter().map(|priced| priced.amount.unwrap().minor()).collect();
            let (total, rises) = (totals.total.minor(), rises_of(&totals, &cart));

            assert_eq!(total, b.amount(first + second + 2, Currency::USD).unwrap().minor(), "{old} to {new}");
            assert_eq!(shown.iter().sum::<i128>(), total);
            assert!(shown.iter().all(|amount| *amount >= 0), "{shown:?}");
            assert!(rises > 0 || total <= apart, "{old} to {new}: {apart} to {total}");
            silent += usize::from(rises == 0);
            cart.succeed(&offers).unwrap();
            assert_eq!(cart.lines().len(), 1);
            assert_eq!(Totals::new(&cart, &offers, Currency::USD).total.minor(), total);
        }
    }
    assert!(silent > 0, "a fall asks for no yes");
}

/// A text and bounds of one of them stay. Those of the line whose price was archived win.
#[test]
fn lines_that_become_one_lose_neither_text_nor_bounds() {
    let described = |text: Option<&str>, most: Option<u32>| Details {
        adjustable_quantity: most.map(|most| AdjustableQuantity::new(true, None, Some(most.into())).unwrap()),
        description: text.map(|text| Description::new(text).unwrap()),
    };
    let (offers, _, b) = succeeded(json!({ "unit_amount": 90 }));
    let a = price("price_a");
    for (old, new, kept) in [
        ((Some("for Ann"), None), (None, Some(5)), (Some("for Ann"), Some(5))),
        ((None, Some(5)), (Some("for Bob"), None), (Some("for Bob"), Some(5))),
        ((Some("for Ann"), Some(6)), (Some("for Bob"), Some(5)), (Some("for Ann"), Some(6))),
        ((None, None), (Some("for Bob"), Some(5)), (Some("for Bob"), Some(5))),
    ] {
        let held = |price: &Price, quantity, (text, most)| {
            let item = Addition { details: described(text, most), ..item(price, quantity) };
            ask(Change::add(vec![item]).unwrap(), [price])
        };
        let mut cart = holding(&[held(&a, 2, old), held(&b, 3, new)]);
        cart.succeed(&offers).unwrap();
        let [line] = cart.lines() else { panic!("{:?}", cart.lines()) };
        let most = line.adjustable_quantity.as_ref().and_then(AdjustableQuantity::maximum);
        assert_eq!((line.description.as_ref().map(Description::as_str), most), kept);

        let mut full = holding(&[held(&a, 3, old), held(&b, 3, new)]);
        full.succeed(&offers).unwrap();
        let fits = [old.1, new.1].iter().flatten().all(|most| *most >= 6);
        assert_eq!(full.lines().len(), if fits { 1 } else { 2 }, "within the bounds of both");
    }
}

/// A seat at 9.00 a month and use at 0.10 a unit cannot be compared.
#[test]
fn use_in_the_place_of_units_is_a_rise() {
    let recurring = |usage: &str| json!({ "type": "recurring", "recurring": { "interval": "month", "interval_count": 1, "usage_type": usage } });
    for (old, new, rises) in
        [("licensed", "metered", 1), ("metered", "licensed", 1), ("licensed", "licensed", 0), ("metered", "metered", 0)]
    {
        let a = priced("price_a", recurring(old));
        let b = priced("price_b", recurring(new));
        let archived = Price { active: false, ..a.clone() };
        let mut offers = ask(Change::Clear, [&archived, &b]).offers;
        let successor = std::sync::Arc::clone(offers.get(&b.id).unwrap());
        offers.extend_successors([(a.id.clone(), successor)]);
        let held = holding(&[add(&a, 1)]);

        assert_eq!(rises_of(&Totals::new(&held, &offers, Currency::USD), &held), rises, "{old} to {new}");
    }
}

/// Each of two lines is within the first, cheap tier; together they are not.
#[test]
fn two_lines_that_become_one_in_dearer_tiers_are_a_rise() {
    let tiers = json!([{ "up_to": 1, "unit_amount": 100 }, { "up_to": null, "unit_amount": 5000 }]);
    let tiered = json!({
        "unit_amount": null, "billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": tiers,
    });
    let (offers, _, b) = succeeded(tiered);
    let alone = holding(&[add(&price("price_a"), 1)]);
    let mut both = alone.clone();
    add(&b, 1).of(&mut both, now()).unwrap();

    assert_eq!(rises_of(&Totals::new(&alone, &offers, Currency::USD), &alone), 0);
    assert_eq!(rises_of(&Totals::new(&both, &offers, Currency::USD), &both), 1);
}

/// Whether each line can be bought.
fn available(cart: &Cart, offers: &Offers) -> Vec<bool> {
    Totals::new(cart, offers, Currency::USD).lines.iter().map(|priced| priced.amount.is_ok()).collect()
}

#[test]
fn a_line_goes_on_only_where_its_units_have_room_beside_the_successors() {
    let own = |enabled| {
        let own = AdjustableQuantity::new(enabled, None, Some(10)).unwrap();
        Details { adjustable_quantity: Some(own), description: None }
    };
    let merchants = json!({ "unit_amount": 110, "metadata": { "maximum_quantity": "5" } });
    let cases = [
        (json!({ "unit_amount": 110 }), Details::default(), (1, 999_998), true),
        (json!({ "unit_amount": 110 }), Details::default(), (1, 999_999), false),
        (json!({ "unit_amount": 110 }), own(true), (6, 4), true),
        (json!({ "unit_amount": 110 }), own(true), (6, 5), false),
        (json!({ "unit_amount": 110 }), own(false), (6, 5), true),
        (merchants.clone(), Details::default(), (2, 3), true),
        (merchants.clone(), Details::default(), (3, 3), false),
        (merchants.clone(), own(true), (3, 3), false),
    ];
    for (more, details, (old, new), fits) in cases {
        let (offers, _, b) = succeeded(more);
        let a = price("price_a");
        let first = ask(Change::add(vec![Addition { details, ..item(&a, old) }]).unwrap(), [&a]);
        let mut cart = holding(&[first, add(&b, new)]);

        assert_eq!(available(&cart, &offers), [fits, true], "{old} and {new}");
        cart.succeed(&offers).unwrap();
        assert_eq!(cart.lines().len(), if fits { 1 } else { 2 }, "{old} and {new}");
        assert_eq!(cart.item_count(), old + new);
    }
    // What is on one line alone stays as it is, and so does what is not summed.
    let (offers, _, b) = succeeded(merchants);
    let a = price("price_a");
    let other = ask(Change::add(vec![item(&a, 6).with_attributes(engraved("Ann"))]).unwrap(), [&a]);
    assert_eq!(available(&holding(&[add(&a, 6)]), &offers), [true]);
    assert_eq!(available(&holding(&[other, add(&b, 5)]), &offers), [true, true]);
}

/// The key went from one price to another, and on.
#[test]
fn lines_that_go_on_at_one_successor_are_counted_together() {
    let once = |amount: u64| json!({ "unit_amount": amount });
    let monthly = json!({ "type": "recurring", "recurring": { "interval": "month", "interval_count": 1 } });
    for (kind, quantity, fits) in [(once(100), 499_999, true), (once(100), 500_000, false), (monthly, 1, false)] {
        let [a, b, c] = ["price_a", "price_b", "price_c"].map(|id| priced(id, kind.clone()));
        let mut cart = holding(&[add(&a, quantity), add(&b, quantity)]);
        let archived = [&a, &b].map(|price| Price { active: false, ..price.clone() });
        let mut offers = ask(Change::Clear, [&archived[0], &archived[1], &c]).offers;
        let successor = std::sync::Arc::clone(offers.get(&c.id).unwrap());
        offers.extend_successors(archived.map(|price| (price.id, std::sync::Arc::clone(&successor))));

        assert_eq!(available(&cart, &offers), [fits, fits]);
        cart.succeed(&offers).unwrap();
        assert_eq!(cart.lines().len(), if fits { 1 } else { 2 });
    }
}

#[test]
fn a_line_takes_no_more_units_than_it_can_go_on_with() {
    let (offers, a, b) = succeeded(json!({ "unit_amount": 110, "metadata": { "maximum_quantity": "5" } }));
    let both = holding(&[add(&price("price_a"), 1), add(&b, 3)]);
    let update = |units: &[(&Price, u64)]| Asked {
        change: Change::update(units.iter().map(|(price, units)| LineUpdate::Set(setting(price, *units))).collect()),
        offers: offers.clone(),
    };

    let bounds = Bounds { minimum: None, maximum: Some(5) };
    let refused = Rejection::QuantityOutOfRange { line: LineId::from(&a.id), bounds };
    assert_refused(&both, &update(&[(&a, 3)]), &refused);
    let (wide, _, b) = succeeded(json!({ "unit_amount": 110 }));
    let own = Details { adjustable_quantity: AdjustableQuantity::new(true, None, Some(5)).ok(), description: None };
    let bounded = ask(Change::add(vec![Addition { details: own, ..item(&b, 4) }]).unwrap(), [&b]);
    let beside = holding(&[add(&price("price_a"), 1), bounded]);
    let two = Asked { change: Change::update(vec![LineUpdate::Set(setting(&a, 2))]), offers: wide };
    assert_refused(&beside, &two, &refused);
    for (asked, held) in [
        (update(&[(&a, 2)]), vec![("price_b", 5)]),
        (update(&[(&a, 3), (&b, 2)]), vec![("price_b", 5)]),
        (update(&[(&b, 5)]), vec![("price_a", 1), ("price_b", 5)]),
    ] {
        let mut changed = both.clone();
        asked.of(&mut changed, now()).unwrap();
        assert_eq!(ids(&changed), held);
    }
}

#[test]
fn the_yes_makes_the_line_the_successors_and_the_old_id_still_means_it() {
    let (offers, a, b) = succeeded(json!({ "unit_amount": 110 }));
    let described = |id: &str| LineUpdate::Describe { line: LineId::kept(id), details: Details::default() };
    let mut cart = holding(&[add(&price("price_a"), 2)]);

    cart.apply(&Change::update(vec![described("price_a")]), &offers, now()).unwrap();
    assert_eq!(ids(&cart), [("price_b", 2)]);
    cart.apply(&Change::update(vec![LineUpdate::Set(setting(&a, 5))]), &offers, now()).unwrap();
    assert_eq!(ids(&cart), [("price_b", 5)]);

    let order = OrderNumber::of_session(&"cs_1".parse().unwrap());
    let sold = BTreeMap::from([(LineId::from(&a.id), 2), (LineId::from(&b.id), 1)]);
    assert_eq!(ids(&cart.clone().paid(order, 0, &sold, now())), [("price_b", 2)]);
    // The price may be sold again: then an addition of it is another line.
    let mut back = cart.clone();
    ask(add(&price("price_a"), 1).change, [&price("price_a"), &b]).of(&mut back, now()).unwrap();
    assert_eq!(ids(&back), [("price_a", 1), ("price_b", 5)]);
    cart.apply(&Change::update(vec![LineUpdate::Remove(LineId::from(&a.id))]), &offers, now()).unwrap();
    assert_eq!(ids(&cart), []);
}

#[test]
fn two_lines_that_become_one_by_an_update_are_set_each_for_itself() {
    let (offers, a, b) = succeeded(json!({ "unit_amount": 110 }));
    let both = holding(&[add(&price("price_a"), 2), add(&b, 1)]);
    let becomes = |lines: Vec<LineUpdate>| {
        let mut cart = both.clone();
        cart.apply(&Change::update(lines), &offers, now()).unwrap();
        assert_eq!(cart.lines().len(), 1);
        cart.item_count()
    };
    let (a, b) = (|quantity| LineUpdate::Set(setting(&a, quantity)), |quantity| LineUpdate::Set(setting(&b, quantity)));

    assert_eq!(becomes(vec![a(2), b(3)]), 5);
    assert_eq!(becomes(vec![b(3), a(4)]), 7);
    assert_eq!(becomes(vec![a(4)]), 5);
}

#[test]
fn what_was_paid_of_a_line_is_not_taken_from_one_that_was_once_called_so() {
    let (offers, a, _) = succeeded(json!({ "unit_amount": 110 }));
    let mut cart = holding(&[add(&price("price_a"), 2)]);
    cart.succeed(&offers).unwrap();
    add(&price("price_a"), 3).of(&mut cart, now()).unwrap();

    let order = OrderNumber::of_session(&"cs_1".parse().unwrap());
    let rest = cart.paid(order, 0, &BTreeMap::from([(LineId::from(&a.id), 3)]), now());

    assert_eq!(ids(&rest), [("price_b", 2)]);
}

#[test]
fn a_cart_remembers_a_bounded_number_of_former_ids() {
    let mut cart = holding(&[add(&price("price_0"), 1)]);
    for index in 0..60 {
        let (old, new) = (price(&format!("price_{index}")), price(&format!("price_{}", index + 1)));
        let asked = ask(Change::Clear, [&Price { active: false, ..old.clone() }, &new]);
        let mut offers = asked.offers;
        let successor = std::sync::Arc::clone(offers.get(&new.id).unwrap());
        offers.extend_successors([(old.id, successor)]);
        cart.succeed(&offers).unwrap();
    }

    let line = &cart.lines()[0];
    assert_eq!((line.id.as_str(), line.former.len()), ("price_60", Cart::MAX_FORMER_IDS));
    assert_eq!(line.former.last().unwrap().as_str(), "price_59");
}

#[test]
fn what_is_off_sale_stays_or_gets_less_while_others_change() {
    let (a, b) = (price("price_a"), price("price_b"));
    let archived = Price { active: false, ..a.clone() };
    let cart = holding(&[add(&a, 3), add(&b, 1)]);
    let both = |quantity| {
        let lines = vec![LineUpdate::Set(setting(&a, quantity)), LineUpdate::Set(setting(&b, 2))];
        [ask(Change::update(lines.clone()), [&archived, &b]), ask(Change::update(lines), [&b])]
    };

    for (quantity, asked) in [3, 2].into_iter().flat_map(|quantity| both(quantity).map(|asked| (quantity, asked))) {
        let mut changed = cart.clone();
        asked.of(&mut changed, now()).unwrap();
        assert_eq!(shown(&changed), [("price_a", u32::try_from(quantity).unwrap()), ("price_b", 2)]);
    }
    for asked in both(4) {
        let not_for_sale = Rejection::LineNotForSale { line: LineId::from(&a.id), price: a.id.clone() };
        assert_refused(&cart, &asked, &not_for_sale);
    }
}

#[test]
fn what_is_not_for_sale_cannot_be_put_into_a_cart() {
    let (a, b) = (price("price_a"), price("price_b"));
    let archived = Price { active: false, ..a.clone() };
    let cart = holding(&[add(&b, 1)]);

    for change in [Change::add(vec![item(&a, 1)]).unwrap(), Change::update(vec![LineUpdate::Set(setting(&a, 1))])] {
        let not_found = Rejection::PriceNotFound(a.id.clone());
        assert_refused(&cart, &ask(change.clone(), []), &not_found);
        assert_refused(&cart, &ask(change, [&archived]), &not_found);
    }
}

#[test]
fn metadata_are_replaced_where_given() {
    let metadata = |value: &str| Metadata::new([("key".to_owned(), value.to_owned())]).unwrap();
    let a = price("price_a");

    let cart = holding(&[add(&a, 1).with_metadata(metadata("one")), add(&a, 1)]);
    let replaced = holding(&[add(&a, 1).with_metadata(metadata("one")), set(&a, 1).with_metadata(metadata("two"))]);

    assert_eq!(cart.metadata().get("key"), Some("one"));
    assert_eq!(replaced.metadata().get("key"), Some("two"));
}

fn sold(price: &Price, units: u64) -> BTreeMap<LineId, u64> {
    BTreeMap::from([(LineId::from(&price.id), units)])
}

#[test]
fn paying_an_unchanged_cart_completes_it_whatever_the_shopper_changed_on_stripes_page() {
    let a = price("price_a");
    let order = OrderNumber::of_session(&"cs_1".parse().unwrap());
    let cart = holding(&[add(&a, 5)]);

    let paid = cart.clone().paid(order, cart.version(), &sold(&a, 2), now());

    assert_eq!(paid.status(), Status::Completed(order));
    assert_eq!(shown(&paid), []);
    assert!(!paid.is_open(now()));
}

#[test]
fn paying_a_changed_cart_leaves_what_was_not_paid() {
    let (a, b) = (price("price_a"), price("price_b"));
    let order = OrderNumber::of_session(&"cs_1".parse().unwrap());
    let before = holding(&[add(&a, 2)]);
    let mut after = before.clone();
    add(&a, 1).of(&mut after, now()).unwrap();
    add(&b, 4).of(&mut after, now()).unwrap();

    let paid = after.paid(order, before.version(), &sold(&a, 2), now());

    assert_eq!(paid.status(), Status::Active);
    assert_eq!(shown(&paid), [("price_a", 1), ("price_b", 4)]);
}

#[test]
fn a_completed_cart_stays_completed_by_its_first_order() {
    let a = price("price_a");
    let cart = holding(&[add(&a, 1)]);
    let version = cart.version();
    let first = cart.paid(OrderNumber::of_session(&"cs_1".parse().unwrap()), version, &sold(&a, 1), now());

    let second = first.clone().paid(OrderNumber::of_session(&"cs_2".parse().unwrap()), version, &sold(&a, 1), now());

    assert_eq!(second, first);
}

#[test]
fn a_cart_that_is_made_anonymous_keeps_what_is_in_it_and_loses_what_its_shopper_wrote() {
    let a = price("price_a");
    let mut cart = cart();
    let mut noted = item(&a, 2);
    noted.details.description = Some(Description::new("for Ann").unwrap());
    let metadata = Metadata::new([("name".to_owned(), "Ann".to_owned())]).unwrap();
    ask(Change::add(vec![noted]).unwrap(), [&a]).with_metadata(metadata).of(&mut cart, now()).unwrap();

    let anonymous = cart.clone().anonymised();

    assert!(!format!("{anonymous:?}").contains("Ann"), "{anonymous:?}");
    assert_eq!((anonymous.item_count(), anonymous.expires_at()), (2, cart.expires_at()));
    assert_eq!(anonymous.version(), cart.version() + 1, "no write of what was read before brings it back");
    assert_eq!(anonymous.clone().anonymised(), anonymous, "once is enough");
}

/// Adds what fits, and says which items do not.
fn refusals(cart: &mut Cart, items: &[Addition], prices: &[Price]) -> Vec<(usize, Rejection)> {
    let before = cart.clone();
    let refused = ask(Change::add_what_fits(items.to_vec()), prices).of(cart, now()).unwrap();
    for RefusedItem { index, price, .. } in &refused {
        assert_eq!(*price, items[*index].price);
    }
    let changes = u64::from(refused.len() < items.len());
    assert_eq!(cart.version(), before.version() + changes);
    assert!(changes > 0 || *cart == before);
    refused.into_iter().map(|refused| (refused.index, refused.rejection)).collect()
}

#[test]
fn of_an_addition_that_may_be_partial_what_fits_is_added_in_the_order_sent() {
    let [a, b, gone] = ["price_a", "price_b", "price_gone"].map(price);
    let items = vec![item(&b, 1), item(&gone, 1), item(&a, 2), item(&b, 3)];
    let mut cart = cart();

    let refused = refusals(&mut cart, &items, &[a.clone(), b.clone()]);

    assert_eq!(refused, [(1, Rejection::PriceNotFound(gone.id))]);
    assert_eq!(shown(&cart), [("price_b", 4), ("price_a", 2)]);
}

#[test]
fn each_rule_refuses_the_item_that_breaks_it_and_none_beside() {
    let [a, b] = ["price_a", "price_b"].map(price);
    let euro = priced("price_euro", json!({ "currency": "eur" }));
    let [club, other_club] = ["price_club", "price_other_club"].map(monthly);
    let yearly = priced("price_yearly", json!({ "type": "recurring", "recurring": { "interval": "year" } }));
    let bounded = priced("price_bounded", json!({ "metadata": { "minimum_quantity": "2", "maximum_quantity": "5" } }));
    let gift = priced("price_gift", json!({ "unit_amount": null, "custom_unit_amount": {} }));
    let all = [&a, &b, &euro, &club, &other_club, &yearly, &bounded, &gift].map(Price::clone);
    let usd = "usd".parse().unwrap();
    let bounds = Bounds::new(None, Some(&bounded));
    let engraved = item(&club, 1).with_attributes(engraved("Ann"));
    let cases = [
        (item(&euro, 1), Rejection::MixedCurrency { price: euro.id.clone(), currency: usd }),
        (
            item(&yearly, 1),
            Rejection::MixedInterval {
                price: yearly.id.clone(),
                offered: yearly.recurrence().unwrap(),
                held: club.recurrence().unwrap(),
            },
        ),
        (engraved, Rejection::RecurringLineExists(club.id.clone())),
        (item(&bounded, 1), Rejection::QuantityOutOfRange { line: LineId::from(&bounded.id), bounds }),
        (item(&bounded, 6), Rejection::QuantityOutOfRange { line: LineId::from(&bounded.id), bounds }),
        (item(&gift, 1), Rejection::CustomAmountAlone(gift.id.clone())),
        (item(&a, 999_999), Rejection::LineTooLarge { line: LineId::from(&a.id), held: 1 }),
    ];

    for (refused, rejection) in cases {
        let mut cart = holding(&[add(&a, 1), add(&club, 1)]);

        let items = vec![item(&b, 1), refused, item(&other_club, 2)];

        assert_eq!(refusals(&mut cart, &items, &all), [(1, rejection)]);
        let expected = [("price_a", 1), ("price_club", 1), ("price_b", 1), ("price_other_club", 2)];
        assert_eq!(shown(&cart).len(), expected.len());
        assert!(expected.iter().all(|line| shown(&cart).contains(line)), "{:?}", shown(&cart));
    }
}

#[test]
fn of_the_same_line_twice_the_item_that_goes_beyond_the_bounds_is_refused() {
    let a = priced("price_a", json!({ "metadata": { "minimum_quantity": "2", "maximum_quantity": "5" } }));
    let refused = |index| {
        (index, Rejection::QuantityOutOfRange { line: LineId::from(&a.id), bounds: Bounds::new(None, Some(&a)) })
    };
    let cases: [(&[u64], &[usize], u32); 7] = [
        (&[3, 3, 1], &[1], 4),
        (&[6, 2], &[0], 2),
        (&[1, 2, 4], &[2], 3),
        (&[1, 1], &[], 2),
        (&[1, 5], &[0], 5),
        (&[1, 1, 1], &[], 3),
        (&[1, 6, 1], &[1], 2),
    ];

    for (quantities, expected, held) in cases {
        let mut cart = cart();

        let items: Vec<_> = quantities.iter().map(|quantity| item(&a, *quantity)).collect();

        let expected: Vec<_> = expected.iter().map(|index| refused(*index)).collect();
        assert_eq!(refusals(&mut cart, &items, std::slice::from_ref(&a)), expected, "{quantities:?}");
        assert_eq!(shown(&cart), [("price_a", held)], "together they fit, or one after the other");
    }
}

/// Items of one line count together, wherever they stand and whatever is refused beside them.
#[test]
fn an_item_below_the_least_quantity_waits_for_others_of_its_line() {
    let [gone, other] = ["price_gone", "price_other"].map(price);
    let a = priced("price_a", json!({ "metadata": { "minimum_quantity": "3", "maximum_quantity": "6" } }));
    let ann = |quantity| item(&a, quantity).with_attributes(engraved("Ann"));
    let mut cart = cart();

    let items = vec![item(&a, 1), item(&gone, 1), ann(1), item(&other, 1), item(&a, 1), ann(1), item(&a, 1)];
    let refused = refusals(&mut cart, &items, &[a.clone(), other.clone()]);

    assert_eq!(refused.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 2, 5]);
    let ids: Vec<_> = cart.lines().iter().map(|line| (line.id.as_str(), line.quantity.get())).collect();
    assert_eq!(ids, [("price_other", 1), ("price_a", 3)]);
}

proptest! {
    #[test]
    fn what_fits_of_a_line_lies_inside_its_bounds_and_leaves_out_nothing_that_fits_beside_it(
        quantities in proptest::collection::vec(1u64..8, 1..7),
        minimum in 1u64..12,
        room in 0u64..12,
        held in proptest::option::of(0u64..8),
    ) {
        let maximum = minimum + room;
        let bounds = json!({ "minimum_quantity": minimum.to_string(), "maximum_quantity": maximum.to_string() });
        let a = priced("price_a", json!({ "metadata": bounds }));
        let gone = price("price_gone");
        let held = held.map_or(0, |more| (minimum + more).min(maximum));
        let mut cart = if held > 0 { holding(&[add(&a, held)]) } else { cart() };
        // Without an item that is refused, all of them are one addition.
        let mut items: Vec<_> = quantities.iter().map(|quantity| item(&a, *quantity)).collect();
        items.push(item(&gone, 1));

        let refused: Vec<_> = refusals(&mut cart, &items, std::slice::from_ref(&a)).into_iter().map(|(index, _)| index).collect();

        let taken = |index: &usize| !refused.contains(index);
        let sum = held + (0..quantities.len()).filter(taken).map(|index| quantities[index]).sum::<u64>();
        prop_assert_eq!(cart.item_count(), sum);
        prop_assert!(sum == 0 || (minimum..=maximum).contains(&sum), "{} beside {:?}", sum, refused);
        let all = held + quantities.iter().sum::<u64>();
        prop_assert!(all > maximum || all < minimum || refused == [quantities.len()], "{:?}", refused);
        for index in refused.iter().filter(|index| **index < quantities.len()) {
            let alone = ask(Change::add(vec![items[*index].clone()]).unwrap(), [&a]);
            prop_assert!(alone.of(&mut cart.clone(), now()).is_err(), "{} of {:?}", index, quantities);
        }
    }
}

#[test]
fn lines_beyond_the_limit_are_refused_and_units_of_lines_that_are_there_are_not() {
    let prices: Vec<_> = (0..130).map(|index| price(&format!("price_{index}"))).collect();
    let mut cart = holding(&[add_one_of_each(&prices[..98])]);

    let items = [98, 99, 100, 0, 101].map(|index: usize| item(&prices[index], 1)).to_vec();

    let beyond = |index| (index, Rejection::TooManyItems);
    assert_eq!(refusals(&mut cart, &items, &prices), [beyond(2), beyond(4)]);
    assert_eq!((cart.lines().len(), cart.item_count()), (100, 101));
    // What is looked up has a bound, too: of more prices than a cart can hold the first.
    let many: Vec<_> = prices.iter().map(|price| item(price, 1)).collect();
    let change = Change::add_what_fits(many.clone());
    let looked_up = change.prices().unwrap();
    assert_eq!(looked_up.len(), Cart::MAX_LINES);
    assert!(prices[..100].iter().all(|price| looked_up.contains(&price.id)));
    let mut empty = self::cart();
    assert_eq!(refusals(&mut empty, &many, &prices), (100..130).map(beyond).collect::<Vec<_>>());
}

#[test]
fn metadata_come_with_what_is_added_and_not_alone() {
    let [a, gone] = ["price_a", "price_gone"].map(price);
    let noted = |text: &str| Metadata::new([("note".to_owned(), text.to_owned())]).unwrap();
    let partly = |items| ask(Change::add_what_fits(items), [&a]).with_metadata(noted("new"));
    let before = holding(&[add(&a, 1).with_metadata(noted("old"))]);

    let (mut some, mut none) = (before.clone(), before.clone());
    partly(vec![item(&gone, 1), item(&a, 1)]).of(&mut some, now()).unwrap();
    let refused = partly(vec![item(&gone, 1)]).of(&mut none, now()).unwrap();

    assert_eq!((some.metadata(), some.item_count()), (&noted("new"), 2));
    assert_eq!((refused.len(), &none), (1, &before));
}

#[test]
fn where_no_item_fits_a_closed_cart_is_still_an_error() {
    let a = price("price_a");
    let mut cart = holding(&[add(&a, 1)]);

    let change = ask(Change::add_what_fits(vec![item(&a, 1)]), [&a]);

    assert_eq!(change.of(&mut cart, later(8)), Err(Rejection::Closed));
}
