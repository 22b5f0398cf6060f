//! Lines whose price another one replaced: archived at Stripe, with its lookup key moved to the new price.

use fixtures::{Answer, Shop, Visitor};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Map, Value, json};

/// A price of the mug under this lookup key, which Stripe takes away from the price that had it.
async fn priced(shop: &Shop, unit_amount: u32, key: &str, more: &str) -> String {
    let form = format!(
        "product=prod_mug&currency=usd&unit_amount={unit_amount}&lookup_key={key}&transfer_lookup_key=true{more}"
    );
    shop.stripe(Method::POST, "/v1/prices", &form).await["id"].as_str().unwrap().to_owned()
}

async fn archive(shop: &Shop, price: &str) {
    shop.stripe(Method::POST, &format!("/v1/prices/{price}"), "active=false").await;
}

/// Has a new price take the place of `old`.
async fn replace(shop: &Shop, old: &str, unit_amount: u32, key: &str) -> String {
    let new = priced(shop, unit_amount, key, "").await;
    archive(shop, old).await;
    new
}

/// A cart with two units of a price at 20.00, and what took its place.
async fn replaced(shop: &Shop, unit_amount: u32) -> (Visitor<'_>, String, String) {
    let old = priced(shop, 2000, "mug_key", "").await;
    let visitor = shop.add(&old, 2).await;
    let new = replace(shop, &old, unit_amount, "mug_key").await;
    (visitor, old, new)
}

async fn checkout(visitor: &Visitor<'_>, body: Value) -> Answer {
    visitor.post("/cart/checkout", body).await
}

#[tokio::test]
async fn a_line_goes_on_at_the_successor_under_its_own_id() {
    let shop = Shop::open().await;
    let (visitor, old, new) = replaced(&shop, 2500).await;

    let cart = visitor.cart().await;

    let line = &cart["items"][0];
    assert_eq!((&line["id"], &line["price"]), (&json!(old), &json!(old)));
    assert_eq!((&line["available"], &line["active"], &line["unit_amount"]), (&json!(true), &json!(true), &json!(2500)));
    assert_eq!((&line["total_price_minor"], &cart["total_price_minor"]), (&json!(5000), &json!(5000)));
    let warning = json!({
        "code": "price_changed", "price": old, "id": old, "successor": new,
        "from": 2000, "to": 2500, "from_with_currency": "$20.00", "to_with_currency": "$25.00",
    });
    assert_eq!(cart["warnings"], json!([warning]));
}

/// What a unit cost and costs is written as the line's `unit_price_with_currency` was before and is now: with fractions of a
/// minor unit, in the cart's currency and the shop's locale, and not at all where no single amount says it.
#[tokio::test]
async fn a_change_of_price_is_written_as_the_price_of_a_unit_is() {
    let packages = "unit_amount=2500&transform_quantity[divide_by]=6&transform_quantity[round]=up";
    let cases = [
        ("usd", None, "unit_amount=2000", "unit_amount=2500"),
        ("usd", None, "unit_amount_decimal=0.35", "unit_amount_decimal=12.5"),
        ("usd", None, "unit_amount=2000", packages),
        ("usd", None, packages, "unit_amount=2000"),
        ("jpy", None, "unit_amount=500", "unit_amount=1500"),
        ("kwd", None, "unit_amount=5120", "unit_amount=123450"),
        (
            "usd",
            Some("eur"),
            "unit_amount=2000&currency_options[eur][unit_amount]=1900",
            "unit_amount=2500&currency_options[eur][unit_amount_decimal]=123456.5",
        ),
    ];
    for locale in ["en-US", "de-DE"] {
        let shop = Shop::open_with([("SHOP_LOCALE", locale)]).await;
        for (index, (currency, chosen, old, new)) in cases.into_iter().enumerate() {
            let priced = async |form: &str| {
                let key = format!("lookup_key=key_{index}&transfer_lookup_key=true");
                let form = format!("product=prod_mug&currency={currency}&{key}&{form}");
                shop.stripe(Method::POST, "/v1/prices", &form).await["id"].as_str().unwrap().to_owned()
            };
            let id = priced(old).await;
            let visitor = shop.visitor();
            let items = json!({ "items": [{ "price": id, "quantity": 6 }] });
            let added = visitor.post_with(&[("X-Currency", chosen.unwrap_or(currency))], "/cart/add", items).await.ok();
            let before = added["items"][0]["unit_price_with_currency"].clone();

            let successor = priced(new).await;
            archive(&shop, &id).await;

            let cart = visitor.cart().await;
            let warning = &cart["warnings"][0];
            let after = &cart["items"][0]["unit_price_with_currency"];
            assert_eq!(warning["successor"], successor, "{new}");
            assert_eq!((&warning["from_with_currency"], &warning["to_with_currency"]), (&before, after), "{new}");
            assert_eq!((warning["from"].is_null(), warning["to"].is_null()), (before.is_null(), after.is_null()));
            let refused = checkout(&visitor, json!({})).await;
            if refused.status == 409 {
                let change = &refused.json()["details"]["successors"][0];
                let members = ["id", "price", "successor", "from", "to"];
                assert_eq!(members.map(|member| &change[member]), members.map(|member| &warning[member]), "{new}");
            }
        }
    }
}

#[tokio::test]
async fn a_fall_needs_no_yes() {
    let shop = Shop::open().await;
    let (visitor, old, new) = replaced(&shop, 1500).await;
    let version = visitor.cart().await["version"].clone();

    let session = checkout(&visitor, json!({})).await.ok();

    assert_eq!(session["amount_total"], 3000);
    let cart = visitor.cart().await;
    assert_eq!((&cart["items"][0]["id"], &cart["items"][0]["price"]), (&json!(new), &json!(new)));
    assert_eq!((&cart["version"], &cart["warnings"], &cart["status"]), (&version, &json!([]), &json!("checkout")));
    assert_eq!(checkout(&visitor, json!({})).await.ok()["id"], session["id"], "the same page again");
    assert_eq!(visitor.set(&old, 5).await.ok()["items"][0]["quantity"], 5, "the old id still means the line");
    assert_eq!(visitor.cart().await["items"].as_array().unwrap().len(), 1);
    assert_eq!(visitor.set(&old, 0).await.ok()["items"], json!([]));
}

#[tokio::test]
async fn a_rise_waits_for_a_yes_at_checkout() {
    let shop = Shop::open().await;
    let (visitor, old, new) = replaced(&shop, 2500).await;
    visitor.update(json!({ "metadata": { "note": "another matter" } })).await.ok();

    let refused = checkout(&visitor, json!({})).await;
    assert_eq!(refused.error(409), "cart_changed");
    let successor = json!({ "id": old, "price": old, "successor": new, "from": 2000, "to": 2500 });
    assert_eq!(refused.json()["details"], json!({ "prices": [], "lines": [], "successors": [successor] }));
    let version = visitor.cart().await["version"].as_u64().unwrap();
    let before = checkout(&visitor, json!({ "accept_version": version - 1 })).await;
    assert_eq!(before.error(409), "cart_changed", "the yes was to another cart");
    let session = checkout(&visitor, json!({ "accept_version": version })).await.ok();

    assert_eq!(session["amount_total"], 5000);
    assert_eq!(visitor.cart().await["items"][0]["price"], json!(new));
    let number = shop.pay(&session).await;
    assert_eq!(shop.order(&number).await.ok()["lines"][0]["line"], json!(new));
    assert_eq!(visitor.cart().await["status"], "completed");
}

/// The yes to what a shopper was shown: warnings of the cart, or `details.successors` of a refusal.
fn yes(version: &Value, shown: &Value) -> Value {
    let shown = shown.as_array().unwrap().iter();
    let seen: Map<_, _> =
        shown.map(|change| (change["id"].as_str().unwrap().to_owned(), change["successor"].clone())).collect();
    json!({ "accept_version": version, "accept_successors": seen })
}

/// The cart's version does not count that the key moves on between the look and the yes: to what is dearer still, or to what is no
/// rise against the line's own price, but was a deeper fall when it was seen.
#[tokio::test]
async fn a_yes_that_names_what_was_seen_is_to_no_later_successor() {
    for (first, then) in [(2500, 9900), (1000, 1500)] {
        let shop = Shop::open().await;
        let (visitor, old, seen) = replaced(&shop, first).await;
        let before = visitor.cart().await;
        let newer = replace(&shop, &seen, then, "mug_key").await;

        let refused = checkout(&visitor, yes(&before["version"], &before["warnings"])).await;

        assert_eq!(refused.error(409), "cart_changed");
        let successor = json!({ "id": old, "price": old, "successor": newer, "from": 2000, "to": then });
        let details = refused.json()["details"].clone();
        assert_eq!(details, json!({ "prices": [], "lines": [], "successors": [successor] }));
        assert!(shop.sandbox().sessions().is_empty());
        let after = visitor.cart().await;
        assert_eq!((&after["items"][0]["id"], &after["version"]), (&json!(old), &before["version"]));
        let session = checkout(&visitor, yes(&before["version"], &details["successors"])).await.ok();
        assert_eq!(session["amount_total"], 2 * then);
        assert_eq!(visitor.cart().await["items"][0]["price"], json!(newer));
    }
}

#[tokio::test]
async fn a_yes_that_names_lines_is_to_no_others() {
    let shop = Shop::open().await;
    let (visitor, old, new) = replaced(&shop, 2500).await;
    let other = priced(&shop, 1000, "cup_key", "").await;
    visitor.add(&other, 1).await.ok();
    let other_new = replace(&shop, &other, 1100, "cup_key").await;
    let version = visitor.cart().await["version"].clone();
    let agree = |seen: Value| checkout(&visitor, json!({ "accept_version": version, "accept_successors": seen }));

    let refusals = [
        (json!({}), vec![&old, &other]),
        (json!([]), vec![&old, &other]),
        (json!({ &old: other_new, &other: new }), vec![&old, &other]),
        (json!({ &old: new }), vec![&other]),
        (json!({ &old: new, &other: null }), vec![&other]),
        (json!({ &other: other_new, "price_unknown": new }), vec![&old]),
    ];
    for (seen, waiting) in refusals {
        let refused = agree(seen.clone()).await;
        assert_eq!(refused.error(409), "cart_changed", "{seen}");
        let successors = refused.json()["details"]["successors"].clone();
        let lines: Vec<_> = successors.as_array().unwrap().iter().map(|change| change["id"].clone()).collect();
        assert_eq!(json!(lines), json!(waiting), "{seen}");
    }
    assert!(shop.sandbox().sessions().is_empty());
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("accept_version", &version.to_string())
        .append_pair(&format!("accept_successors[{old}]"), &new)
        .append_pair(&format!("accept_successors[{other}]"), &other_new)
        .finish();
    assert_eq!(visitor.post_form("/cart/checkout", &form).await.ok()["amount_total"], 6100);

    // The lines are called otherwise now, at the same version. Their old ids still mean them.
    let newest = replace(&shop, &new, 2600, "mug_key").await;
    assert_eq!(agree(json!({ &old: new })).await.error(409), "cart_changed");
    assert_eq!(agree(json!({ &old: newest })).await.ok()["amount_total"], 6300);
    replace(&shop, &newest, 2550, "mug_key").await;
    assert_eq!(agree(json!({})).await.ok()["amount_total"], 6200, "a fall needs no yes");
}

#[tokio::test]
async fn the_successors_that_were_seen_are_named_by_line_and_with_a_version() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let named = json!({ "price_mug": "price_new" });

    let bad = [
        (json!({ "accept_successors": named }), "accept_successors"),
        (json!({ "accept_version": null, "accept_successors": named }), "accept_successors"),
        (json!({ "accept_version": 1, "accept_successors": "price_new" }), "accept_successors"),
        (json!({ "accept_version": 1, "accept_successors": ["price_new"] }), "accept_successors"),
        (json!({ "accept_version": 1, "accept_successors": { "price_mug": 7 } }), "accept_successors.price_mug"),
        (
            json!({ "accept_version": 1, "accept_successors": { "price_mug": "price_a~b" } }),
            "accept_successors.price_mug",
        ),
    ];
    for (body, field) in bad {
        let refused = checkout(&visitor, body).await;
        assert_eq!(refused.error(400), "invalid_field");
        assert_eq!(refused.json()["details"]["field"], field);
    }
    for nothing in [json!(null), json!({}), json!([]), json!("")] {
        checkout(&visitor, json!({ "accept_successors": nothing })).await.ok();
    }
}

#[tokio::test]
async fn an_update_that_names_the_line_is_a_yes() {
    for update in [json!({ "quantity": 3 }), json!({ "quantity": 2 }), json!({ "description": "blue" })] {
        let shop = Shop::open().await;
        let (visitor, old, new) = replaced(&shop, 2500).await;

        let cart = visitor.update(json!({ "updates": { &old: update } })).await.ok();

        assert_eq!((&cart["items"][0]["id"], &cart["warnings"]), (&json!(new), &json!([])), "{update}");
        let session = checkout(&visitor, json!({})).await.ok();
        assert_eq!(session["amount_total"], cart["total_price_minor"]);
    }
}

/// A line is added under the new price while the old one is still in the cart.
#[tokio::test]
async fn two_lines_of_the_same_attributes_become_one_by_the_yes() {
    let shop = Shop::open().await;
    let (visitor, old, new) = replaced(&shop, 2500).await;
    visitor.add(&new, 1).await.ok();
    assert_eq!(visitor.cart().await["items"].as_array().unwrap().len(), 2);

    let cart = visitor.update(json!({ "updates": { &old: { "description": "blue" } } })).await.ok();

    assert_eq!(cart["items"].as_array().unwrap().len(), 1);
    assert_eq!((&cart["items"][0]["quantity"], &cart["total_price_minor"]), (&json!(3), &json!(7500)));
}

/// Stripe sells the two as one line, so that tiers, packages and fractions of a cent count for all units together.
#[tokio::test]
async fn lines_that_become_one_are_shown_at_what_the_page_asks_for() {
    let tiers = "billing_scheme=tiered&tiers_mode=graduated&tiers[0][up_to]=1&tiers[0][unit_amount]=100\
                 &tiers[1][up_to]=inf&tiers[1][unit_amount]=5000";
    for (kind, rises, total) in [
        (tiers, true, 5100),
        ("unit_amount_decimal=1234.4", true, 2469),
        ("unit_amount=700&transform_quantity[divide_by]=6&transform_quantity[round]=up", false, 700),
    ] {
        let shop = Shop::open().await;
        let made = async || {
            let form = format!("product=prod_mug&currency=usd&lookup_key=mug_key&transfer_lookup_key=true&{kind}");
            shop.stripe(Method::POST, "/v1/prices", &form).await["id"].as_str().unwrap().to_owned()
        };
        let old = made().await;
        let visitor = shop.add(&old, 1).await;
        let new = made().await;
        visitor.add(&new, 1).await.ok();
        archive(&shop, &old).await;

        let cart = visitor.cart().await;
        let refused = checkout(&visitor, json!({})).await;
        assert_eq!(refused.status == 409, rises, "{kind}");
        let session = checkout(&visitor, json!({ "accept_version": cart["version"] })).await.ok();

        let lines = cart["items"].as_array().unwrap().iter().map(|line| line["total_price_minor"].as_i64().unwrap());
        assert_eq!((&cart["total_price_minor"], lines.sum::<i64>()), (&json!(total), total), "{kind}");
        assert_eq!((&session["amount_subtotal"], &session["amount_total"]), (&json!(total), &json!(total)), "{kind}");
    }
}

/// The line of the old price has no room beside that of the new one, until the shopper takes units out.
#[tokio::test]
async fn a_line_without_room_at_its_successors_is_unavailable_as_long_as_both_are_there() {
    for (more, units, room) in [("", 999_998, 999_997), ("&metadata[maximum_quantity]=5", 4, 3)] {
        let shop = Shop::open().await;
        let old = priced(&shop, 2000, "mug_key", "").await;
        let visitor = shop.add(&old, 2).await;
        let new = priced(&shop, 20, "mug_key", more).await;
        archive(&shop, &old).await;

        visitor.add(&new, units).await.ok();

        let cart = visitor.cart().await;
        assert_eq!(cart["warnings"], json!([{ "code": "price_inactive", "price": old, "id": old }]));
        assert_eq!((&cart["items"][0]["available"], &cart["items"][1]["available"]), (&json!(false), &json!(true)));
        for body in [json!({}), json!({ "accept_version": cart["version"] })] {
            let refused = checkout(&visitor, body).await;
            assert_eq!(refused.error(409), "cart_changed");
            assert_eq!(refused.json()["details"], json!({ "prices": [old], "lines": [old], "successors": [] }));
        }
        assert_eq!(visitor.set(&old, 3).await.error(404), "price_not_found");
        assert_eq!(visitor.cart().await, cart);
        let cart = visitor.set(&new, room).await.ok();
        assert_eq!(cart["warnings"][0]["code"], "price_changed");
        let session = checkout(&visitor, json!({})).await.ok();
        assert_eq!(session["amount_total"], 20 * (room + 2));
        assert_eq!(visitor.cart().await["items"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_was_paid_by_the_old_id_is_taken_out_of_the_line() {
    let shop = Shop::open().await;
    let old = priced(&shop, 2000, "mug_key", "").await;
    let visitor = shop.add(&old, 2).await;
    let session = visitor.checkout().await.ok();
    replace(&shop, &old, 1500, "mug_key").await;
    // A yes to the new price, and one more. The page with the old price was open meanwhile, and is paid.
    visitor.set(&old, 3).await.ok();

    shop.pay(&session).await;

    let rest = visitor.cart().await;
    assert_eq!((&rest["items"][0]["quantity"], &rest["items"].as_array().unwrap().len()), (&json!(1), &1));
}

/// The page sells the line at its successor, and the cart says so with the write that notes the page, at the same version. A change
/// that has read the cart before may not put the old line back: it would stay there once its successor is paid.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_beside_a_checkout_keeps_the_lines_that_the_page_sells() {
    let shop = Shop::open().await;
    let old = priced(&shop, 2000, "mug_key", "").await;
    // Near to its bound a line is changed by reading the cart first.
    let bounded =
        json!({ "price": "price_tshirt", "quantity": 6, "adjustable_quantity": { "enabled": true, "maximum": 9 } });
    let mut visitors = Vec::new();
    for _ in 0..40 {
        let visitor = shop.add(&old, 2).await;
        visitor.post("/cart/add", json!({ "items": [&bounded] })).await.ok();
        visitors.push(visitor);
    }
    let new = replace(&shop, &old, 1500, "mug_key").await;

    let beside = visitors.iter().map(async |visitor| {
        let more = json!({ "items": [{ "price": "price_tshirt", "quantity": 3 }] });
        let (session, added) = tokio::join!(checkout(visitor, json!({})), visitor.post("/cart/add", more));
        added.ok();
        (visitor, session)
    });
    let answers = join_all(beside).await;

    for (visitor, session) in answers {
        let expected = if session.status == 200 { &new } else { &old };
        let cart = visitor.cart().await;
        assert_eq!((&cart["items"][0]["id"], &cart["items"][1]["quantity"]), (&json!(expected), &json!(9)));
    }
}

/// What a line was called before goes with it.
#[tokio::test]
async fn the_old_id_of_a_line_that_was_removed_means_no_later_one() {
    for all in [false, true] {
        let shop = Shop::open().await;
        let (visitor, old, new) = replaced(&shop, 1500).await;
        visitor.add("price_tshirt", 1).await.ok();
        visitor.set(&old, 3).await.ok();

        if all {
            visitor.clear().await.ok()
        } else {
            visitor.set(&new, 0).await.ok()
        };
        visitor.add(&new, 1).await.ok();

        let line = format!("/cart/items/{old}");
        assert_eq!(visitor.post(&line, json!({ "quantity": 3 })).await.error(404), "line_not_found");
        assert_eq!(visitor.cart().await["items"].as_array().unwrap().last().unwrap()["quantity"], 1);
    }
}

#[tokio::test]
async fn what_does_not_fit_the_cart_takes_no_place() {
    let shop = Shop::open().await;
    let monthly = "&recurring[interval]=month";
    let old = priced(&shop, 900, "club_key", monthly).await;
    let visitor = shop.add(&old, 1).await;
    priced(&shop, 9000, "club_key", "&recurring[interval]=year").await;
    archive(&shop, &old).await;

    let cart = visitor.cart().await;

    assert_eq!(cart["warnings"], json!([{ "code": "price_inactive", "price": old, "id": old }]));
    assert_eq!(cart["items"][0]["available"], false);
}

/// What happens at Stripe to a price that rises, as the shop's owner does it, in one order or the other.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Step {
    Create,
    Archive,
    Checkout,
    Get,
}

/// Never a silent rise: whatever comes in whatever order, a page that was made without a yes asks for the old amount.
#[tokio::test(flavor = "multi_thread")]
async fn no_order_of_events_and_checkouts_raises_a_price_in_silence() {
    use Step::{Archive, Checkout, Create, Get};
    let orders = [
        [Create, Archive, Checkout, Get],
        [Create, Checkout, Archive, Get],
        [Checkout, Create, Archive, Get],
        [Archive, Create, Checkout, Get],
        [Archive, Checkout, Create, Get],
        [Checkout, Archive, Create, Get],
        [Get, Create, Archive, Checkout],
        [Create, Get, Archive, Checkout],
        [Archive, Get, Create, Checkout],
    ];
    for (order, delivered) in orders.into_iter().flat_map(|order| [(order, true), (order, false)]) {
        let shop = Shop::open().await;
        let old = priced(&shop, 2000, "mug_key", "").await;
        let visitor = shop.add(&old, 2).await;
        shop.sandbox().pause_webhooks(!delivered);
        for step in order {
            match step {
                Create => drop(priced(&shop, 2500, "mug_key", "").await),
                Archive => archive(&shop, &old).await,
                Checkout => drop(visitor.checkout().await),
                Get => drop(visitor.cart().await),
            }
        }
        // The last checkout without a yes, however far the news have come.
        visitor.checkout().await;
        // Then all news come, also those that were there, the latest first.
        for event in shop.sandbox().events().iter().rev() {
            shop.deliver(event).await.ok();
            visitor.checkout().await;
        }

        let amounts: Vec<_> =
            shop.sandbox().sessions().iter().map(|session| session["amount_total"].as_i64().unwrap()).collect();
        assert!(amounts.iter().all(|amount| *amount == 4000), "{order:?}, delivered: {delivered}: {amounts:?}");
        let version = visitor.cart().await["version"].clone();
        let session = checkout(&visitor, json!({ "accept_version": version })).await;
        assert_eq!(session.status, 200, "{order:?}, delivered: {delivered}: {}", session.text);
        assert_eq!(session.ok()["amount_total"], 5000, "{order:?}, delivered: {delivered}");
    }
}

#[tokio::test]
async fn the_version_that_is_accepted_is_a_number() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;

    for bad in [json!("x"), json!(1.5), json!(-1), json!({}), json!([1])] {
        let refused = checkout(&visitor, json!({ "accept_version": bad })).await;
        assert_eq!(refused.error(400), "invalid_field");
        assert_eq!(refused.json()["details"]["field"], "accept_version");
    }
    visitor.post_form("/cart/checkout", "accept_version=1").await.ok();
}
