//! How much text a cart may hold.

#![expect(clippy::unwrap_used, reason = "a test that panics fails, as it should")]

use std::sync::Arc;

use cart::{
    Addition, AdjustableQuantity, Attributes, Cart, Change, Description, Details, Lifetime, LineId, LineUpdate,
    Metadata, Offer, Offers, Quantity, Rejection, Setting, Snapshot, Status, Timestamp, Token,
};
use serde_json::json;

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// One-time prices with ids of these lengths, and a recurring one.
fn offers(lengths: &[usize]) -> Offers {
    let price = |length: usize, recurring| Offer {
        price: serde_json::from_value(json!({
            "id": id(length), "product": "prod_a", "currency": "usd", "unit_amount": 100, "recurring": recurring
        }))
        .unwrap(),
        product: serde_json::from_value(json!({ "id": "prod_a" })).unwrap(),
    };
    let one_time = lengths.iter().map(|length| price(*length, json!(null)));
    one_time.chain([price(50, json!({ "interval": "month" }))]).collect()
}

fn id(length: usize) -> String {
    format!("{:x<length$}", "price_")
}

fn item(length: usize) -> Addition {
    Addition::new(id(length).parse().unwrap(), Quantity::ONE)
}

fn engraved(item: Addition, text: &str) -> Addition {
    item.with_attributes(Attributes::new([("engraving".to_owned(), text.to_owned())]).unwrap())
}

fn described(item: Addition, text: &str) -> Addition {
    let details = Details { description: Some(Description::new(text).unwrap()), ..Details::default() };
    Addition { details, ..item }
}

fn metadata(value: &str) -> Metadata {
    Metadata::new((0..40).map(|index| (format!("{index:02}"), value.to_owned()))).unwrap()
}

fn cart() -> Cart {
    Cart::new(Token::from_bytes([7; 16]).number(), now(), Lifetime::default())
}

fn with(items: Vec<Addition>, offers: &Offers) -> Cart {
    let mut cart = cart();
    cart.apply(&Change::add(items).unwrap(), offers, now()).unwrap();
    cart
}

#[test]
fn bytes_of_utf_8_count_and_long_ids_count_as_often_as_they_are_stored() {
    let offers = offers(&[30, 42, 43, 142]);
    let adjustable = |item: Addition| {
        let bounds = AdjustableQuantity::new(true, None, None).unwrap();
        Addition { details: Details { adjustable_quantity: Some(bounds), ..item.details.clone() }, ..item }
    };
    let cases = [
        (item(30), 0),
        (described(item(30), "für ☂"), 4 + 1 + 3),
        // `~` and eleven characters more in the id: 42.
        (engraved(item(30), "für ☂"), 9 + 8),
        (engraved(item(42), "x"), 9 + 1 + 3 * 12),
        (item(42), 0),
        (item(43), 2),
        (adjustable(item(142)), 3 * 100),
        (adjustable(described(item(142), "x")), 4 * 100 + 1),
        (adjustable(engraved(described(item(142), "x"), "y")), 5 * 112 + 1 + 9 + 1),
        (item(50), 3 * 8),
    ];

    for (item, bytes) in cases {
        let change = Change::add(vec![item.clone()]).unwrap();
        assert_eq!(with(vec![item.clone()], &offers).text_bytes(), bytes, "{item:?}");
        assert!(change.most_text() >= bytes, "{item:?}");
    }
    let mut cart = cart();
    let attach = Change::update(Vec::new()).with_metadata(Some(metadata("für ☂")));
    cart.apply(&attach, &offers, now()).unwrap();
    assert_eq!((cart.text_bytes(), attach.most_text()), (40 * (2 + 8), 40 * (2 + 8)));
    cart.apply(&Change::Clear, &offers, now()).unwrap();
    assert_eq!(cart.text_bytes(), 0);
}

#[test]
fn what_brings_text_beyond_the_bound_is_refused_and_changes_nothing() {
    let offers = offers(&[30]);
    let mut cart = with(vec![engraved(item(30), "Ann")], &offers);
    let attach = |value: &str| Change::update(Vec::new()).with_metadata(Some(metadata(value)));
    cart.apply(&attach(&"x".repeat(400)), &offers, now()).unwrap();
    let before = cart.clone();
    let long = "x".repeat(350);
    let line = LineId::new(&item(30).price, &engraved(item(30), "Ann").attributes);
    let details = Details { description: Some(Description::new(long.clone()).unwrap()), ..Details::default() };

    let refused = [
        attach(&"x".repeat(410)),
        Change::add(vec![engraved(item(30), &long)]).unwrap(),
        Change::add(vec![described(engraved(item(30), "Ann"), &long)]).unwrap(),
        Change::update(vec![LineUpdate::Describe { line: line.clone(), details: details.clone() }]),
        Change::update(vec![LineUpdate::Set(Setting { details, ..Setting::new(line, Quantity::ONE) })]),
    ];

    for change in refused {
        let refusal = cart.apply(&change, &offers, now());
        assert!(
            matches!(refusal, Err(Rejection::TextTooLong { bytes }) if bytes > Cart::MAX_TEXT),
            "{refusal:?}: {change:?}"
        );
        assert_eq!(cart, before);
    }
    cart.apply(&Change::add(vec![item(30)]).unwrap(), &offers, now()).unwrap();
}

/// Version 0.1.0 had no bound.
#[test]
fn a_cart_that_was_stored_with_more_can_be_changed_but_not_lengthened() {
    let offers = offers(&[30]);
    let long = Metadata::stored((0..50).map(|index| (format!("{index:02}"), "x".repeat(498))));
    let stored = Snapshot {
        number: cart().number(),
        version: 1,
        status: Status::Active,
        lines: Vec::new(),
        currency: None,
        own_currency: None,
        metadata: long,
        current_session: None,
        sold_at: None,
        created_at: now(),
        updated_at: now(),
        expires_at: Lifetime::default().after(now()),
    };
    let mut cart = Cart::restore(stored, Lifetime::default());
    assert_eq!(cart.text_bytes(), 25_000);

    let lengthened = cart.apply(&Change::add(vec![described(item(30), "x")]).unwrap(), &offers, now());
    assert_eq!(lengthened, Err(Rejection::TextTooLong { bytes: 25_001 }));
    cart.apply(&Change::add(vec![item(30)]).unwrap(), &offers, now()).unwrap();
    let shorter = Change::update(Vec::new()).with_metadata(Some(metadata(&"x".repeat(450))));
    cart.apply(&shorter, &offers, now()).unwrap();
    assert_eq!(cart.text_bytes(), 18_080);
    cart.apply(&Change::Clear, &offers, now()).unwrap();
}

/// The yes at checkout goes past the rules of changes.
#[test]
fn ids_that_lines_had_before_count_and_are_forgotten_where_the_texts_leave_no_room() {
    let succession = |length: usize| {
        let mut archived = Offer::clone(offers(&[length]).for_sale(&item(length).price).unwrap());
        archived.price.active = false;
        let mut successor = archived.clone();
        successor.price.active = true;
        move |new: usize| {
            let id = format!("{:y<new$}", "price_").parse().unwrap();
            let successor = Offer { price: cart::Price { id, ..successor.price.clone() }, ..successor.clone() };
            let mut offers: Offers = [archived.clone()].into_iter().collect();
            offers.extend_successors([(archived.price.id.clone(), Arc::new(successor))]);
            offers
        }
    };
    // A cart of one line, whose texts leave `rest` bytes.
    let with_texts = |length: usize, rest: usize| {
        let mut cart = with(vec![item(length)], &offers(&[length]));
        let bytes = Cart::MAX_TEXT - rest - cart.text_bytes();
        let long = (0..40).map(|index| (format!("{index:02}"), "x".repeat(bytes / 40 - 2)));
        let last = ("k".to_owned(), "x".repeat(bytes / 40 + bytes % 40 - 1));
        let long = long.take(39).chain([last]).collect::<Vec<_>>();
        let attach = Change::update(Vec::new()).with_metadata(Some(Metadata::new(long).unwrap()));
        cart.apply(&attach, &Offers::default(), now()).unwrap();
        cart
    };
    for (old, new, rest, kept) in [
        (142, 142, 200, 1),
        (142, 142, 199, 0),
        (42, 142, 300, 1),
        (42, 142, 299, 0),
        (42, 42, 0, 1),
        (42, 142, 200, 0),
    ] {
        let mut cart = with_texts(old, rest);
        cart.succeed(&succession(old)(new)).unwrap();
        assert_eq!(cart.lines()[0].price.as_str().len(), new);
        assert_eq!(cart.lines()[0].former.len(), kept, "{old}, {new}, {rest}");
        assert!(cart.text_bytes() <= Cart::MAX_TEXT);
    }
    let mut cart = with_texts(42, 199);
    let before = cart.clone();
    assert_eq!(cart.succeed(&succession(42)(142)), Err(Rejection::TextTooLong { bytes: Cart::MAX_TEXT + 1 }));
    assert_eq!(cart, before);
}
