//! Lines of one price that attributes tell apart, from the cart to the order.

use std::collections::BTreeMap;

use fixtures::{Shop, Visitor};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

/// The ids of the lines of `price_mug` with these engravings.
///
/// Source: Python's `hashlib.sha256` over keys and values, each behind `struct.pack(">I", length)`.
const PLAIN: &str = "price_mug";
const ANN: &str = "price_mug~5T-OOLPWXXw";
const BOB: &str = "price_mug~zpkZYEkz1to";

fn engraved(text: &str, quantity: u32) -> Value {
    json!({ "price": "price_mug", "quantity": quantity, "attributes": { "engraving": text } })
}

async fn add(visitor: &Visitor<'_>, items: &[Value]) -> Value {
    visitor.post("/cart/add", json!({ "items": items })).await.ok()
}

/// Each line's quantity, by its id.
fn quantities(cart: &Value) -> BTreeMap<&str, u64> {
    let lines = cart["items"].as_array().unwrap().iter();
    lines.map(|line| (line["id"].as_str().unwrap(), line["quantity"].as_u64().unwrap())).collect()
}

/// A visitor with one unit for Ann, two for Bob, three without an engraving.
async fn with_three_lines(shop: &Shop) -> Visitor<'_> {
    let visitor = shop.visitor();
    add(&visitor, &[engraved("Ann", 1), engraved("Bob", 2), json!({ "price": "price_mug", "quantity": 3 })]).await;
    visitor
}

#[tokio::test]
async fn units_with_the_same_attributes_are_one_line_and_others_another() {
    let shop = Shop::open().await;
    let visitor = with_three_lines(&shop).await;

    let cart = add(&visitor, &[engraved("Ann", 4)]).await;

    assert_eq!(quantities(&cart), [(PLAIN, 3), (ANN, 5), (BOB, 2)].into());
    let ann = cart["items"].as_array().unwrap().iter().find(|line| line["id"] == ANN).unwrap();
    assert_eq!(ann["attributes"], json!({ "engraving": "Ann" }));
    assert_eq!(ann["total_price_minor"], 6000);
    assert_eq!(cart["total_price_minor"], 12_000);
    assert_eq!(visitor.cart().await, cart);
}

#[tokio::test]
async fn a_form_names_attributes_as_json_does() {
    let shop = Shop::open().await;
    let visitor = with_three_lines(&shop).await;
    let form = "items[0][price]=price_mug&items[0][attributes][engraving]=Ann&items[1][price]=price_mug";

    let cart = visitor.post_form("/cart/add", form).await.ok();
    assert_eq!(quantities(&cart), [(PLAIN, 4), (ANN, 2), (BOB, 2)].into());

    let updates = format!("updates[{BOB}][quantity]=7&updates[{PLAIN}][quantity]=0");
    let cart = visitor.post_form("/cart/update", &updates).await.ok();
    assert_eq!(quantities(&cart), [(ANN, 2), (BOB, 7)].into());
}

/// Several lines have the one price that is gone. A program can tell which of them stand in the way.
#[tokio::test]
async fn what_cannot_be_bought_is_named_by_its_lines() {
    let shop = Shop::open().await;
    let visitor = with_three_lines(&shop).await;
    visitor.add("price_tshirt", 1).await.ok();

    shop.stripe(Method::POST, "/v1/prices/price_mug", "active=false").await;

    let warning = |id: &str| json!({ "code": "price_inactive", "price": "price_mug", "id": id });
    assert_eq!(visitor.cart().await["warnings"], json!([warning(ANN), warning(BOB), warning(PLAIN)]));
    let refused = visitor.checkout().await;
    assert_eq!(refused.error(409), "cart_changed");
    let details = json!({ "prices": ["price_mug"], "lines": [ANN, BOB, PLAIN], "successors": [] });
    assert_eq!(refused.json()["details"], details);
    for line in [PLAIN, ANN, BOB] {
        let many = json!({ "quantity": 9 });
        let both = json!({ "updates": { "price_tshirt": { "quantity": 2 }, line: many } });
        let path = format!("/cart/items/{line}");
        for answer in [visitor.update(both).await, visitor.post(&path, many.clone()).await] {
            assert_eq!(answer.error(404), "price_not_found");
            assert_eq!(answer.json()["details"], json!({ "price": "price_mug", "id": line }));
        }
    }
    let gone = visitor.update(json!({ "updates": { "price_poster_old": { "quantity": 1 } } })).await;
    assert_eq!(gone.json()["details"], json!({ "price": "price_poster_old" }), "the cart has no such line");
}

#[tokio::test]
async fn an_update_means_the_line_that_it_names() {
    let shop = Shop::open().await;
    let visitor = with_three_lines(&shop).await;

    let cart =
        visitor.update(json!({ "updates": { ANN: { "quantity": 9 }, BOB: { "description": "blue" } } })).await.ok();
    assert_eq!(quantities(&cart), [(PLAIN, 3), (ANN, 9), (BOB, 2)].into());
    let cart = visitor.update(json!({ "updates": { PLAIN: { "quantity": 0 } } })).await.ok();
    assert_eq!(quantities(&cart), [(ANN, 9), (BOB, 2)].into());
    let cart = visitor.set(PLAIN, 1).await.ok();
    assert_eq!(quantities(&cart), [(PLAIN, 1), (ANN, 9), (BOB, 2)].into());
    let cart = visitor.update(json!({ "updates": { "price_mug~AAAAAAAAAAA": { "quantity": 0 } } })).await.ok();
    assert_eq!(cart["version"], 4, "nothing was asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_parallel_adds_of_ten_engravings_are_ten_lines_of_ten() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    add(&visitor, &[engraved("0", 1)]).await;

    let adds = (1..100).map(|index| {
        let item = engraved(&(index % 10).to_string(), 1);
        visitor.post("/cart/add", json!({ "items": [item] }))
    });
    let answers = join_all(adds).await;

    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(quantities(&visitor.cart().await).into_values().collect::<Vec<_>>(), [10; 10]);
}

/// What the order has of each line: its id, attributes, text and quantity.
async fn bought(shop: &Shop, number: &str) -> BTreeMap<String, Value> {
    let order = shop.order(number).await.ok();
    let lines = order["lines"].as_array().unwrap().iter();
    let of = |line: &Value| json!([line["attributes"], line["description"], line["quantity"]]);
    lines.map(|line| (line["line"].as_str().unwrap().to_owned(), of(line))).collect()
}

#[tokio::test]
async fn the_order_tells_lines_apart_whatever_became_of_the_cart() {
    for gone in [false, true] {
        let shop = Shop::open().await;
        let visitor = with_three_lines(&shop).await;
        visitor.update(json!({ "updates": { ANN: { "description": "in red" } } })).await.ok();
        let session = visitor.checkout().await.ok();
        if gone {
            shop.table("CARTS_TABLE").delete(&visitor.number().await).await;
        } else {
            visitor.update(json!({ "updates": { ANN: { "quantity": 0 }, BOB: { "quantity": 5 } } })).await.ok();
        }

        let number = shop.pay(&session).await;

        let expected = BTreeMap::from([
            (PLAIN.to_owned(), json!([{}, null, 3])),
            (ANN.to_owned(), json!([{ "engraving": "Ann" }, "in red", 1])),
            (BOB.to_owned(), json!([{ "engraving": "Bob" }, null, 2])),
        ]);
        assert_eq!(bought(&shop, &number).await, expected, "gone: {gone}");
    }
}

#[tokio::test]
async fn what_was_not_paid_stays_in_the_cart_by_line() {
    let shop = Shop::open().await;
    let visitor = with_three_lines(&shop).await;
    let session = visitor.checkout().await.ok();
    add(&visitor, &[engraved("Bob", 5), engraved("Eve", 1)]).await;

    shop.pay(&session).await;

    let rest = visitor.cart().await;
    assert_eq!(quantities(&rest).into_values().collect::<Vec<_>>(), [1, 5]);
    assert_eq!(quantities(&rest)[BOB], 5);
}

#[tokio::test]
async fn a_key_is_one_request_of_attributes() {
    let shop = Shop::open().await;
    let visitor = with_three_lines(&shop).await;
    let key = [("idempotency-key", "0b7e6b1c")];
    let send = |text: &str| visitor.post_with(&key, "/cart/add", json!({ "items": [engraved(text, 1)] }));

    send("Ann").await.ok();
    let again = send("Ann").await.ok();
    let other = send("Bob").await;

    assert_eq!(quantities(&again)[ANN], 2);
    assert_eq!(other.error(422), "idempotency_mismatch");
}

#[tokio::test]
async fn a_price_that_is_paid_again_and_again_stands_on_one_line() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_club_monthly", 1).await;
    let another = json!({ "price": "price_club_monthly", "attributes": { "name": "Ann" } });

    let refused = visitor.post("/cart/add", json!({ "items": [another, engraved("Ann", 1)] })).await;

    assert_eq!(refused.error(400), "recurring_line_exists");
    assert_eq!(refused.json()["details"], json!({ "price": "price_club_monthly" }));
    assert_eq!(quantities(&visitor.cart().await), [("price_club_monthly", 1)].into());
}

#[tokio::test]
async fn a_line_is_changed_by_its_own_address_under_every_prefix() {
    let shop = Shop::open().await;
    let visitor = with_three_lines(&shop).await;
    let bob = BOB.replace('~', "%7E");

    let set = visitor.post(&format!("/cart/items/{ANN}"), json!({ "quantity": 5, "description": "blue" })).await.ok();
    assert_eq!(quantities(&set), [(PLAIN, 3), (ANN, 5), (BOB, 2)].into());
    let set = visitor.post_form(&format!("/enupal-stripe/cart/items/{bob}"), "quantity=4").await.ok();
    assert_eq!(quantities(&set), [(PLAIN, 3), (ANN, 5), (BOB, 4)].into());
    let set = visitor.post(&format!("/de/enupal-stripe/cart/items/{PLAIN}"), json!({ "quantity": 0 })).await.ok();
    assert_eq!(quantities(&set), [(ANN, 5), (BOB, 4)].into());
    let described = set["items"].as_array().unwrap().iter().find(|line| line["id"] == ANN).unwrap();
    assert_eq!(described["description"], "blue");
}

#[tokio::test]
async fn a_line_that_is_removed_is_gone_and_may_be_removed_again() {
    let shop = Shop::open().await;
    let visitor = with_three_lines(&shop).await;
    let remove = async |id: &str| {
        let path = format!("/cart/items/{id}");
        visitor.send(Method::DELETE, &path, &[], Vec::new()).await
    };

    assert_eq!(quantities(&remove(ANN).await.ok()), [(PLAIN, 3), (BOB, 2)].into());
    let again = remove(ANN).await.ok();
    assert_eq!((quantities(&again), &again["version"]), ([(PLAIN, 3), (BOB, 2)].into(), &json!(2)));
    for absent in ["price_sticker", "price_mug~AAAAAAAAAAA", "price_mug~", "no%20such%0Aid"] {
        assert_eq!(remove(absent).await.ok()["version"], 2, "{absent}");
    }
    let nobody = shop.visitor();
    let nothing = nobody.send(Method::DELETE, "/cart/items/price_mug", &[], Vec::new()).await.ok();
    assert_eq!((&nothing["number"], nobody.token()), (&Value::Null, None));
}

#[tokio::test]
async fn a_line_that_is_not_there_cannot_be_set_by_its_address() {
    let shop = Shop::open().await;
    let visitor = with_three_lines(&shop).await;

    for absent in ["price_sticker", "price_none", "price_mug~AAAAAAAAAAA", "price_mug~", "no%20such%0Aid"] {
        for visitor in [&visitor, &shop.visitor()] {
            for quantity in [0, 3] {
                let refused = visitor.post(&format!("/cart/items/{absent}"), json!({ "quantity": quantity })).await;
                assert_eq!(refused.error(404), "line_not_found", "{absent}: {}", refused.text);
            }
        }
    }
    assert_eq!(visitor.cart().await["version"], 1);
}
