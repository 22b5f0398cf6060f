//! Where a shopper goes who comes back from Stripe's page, and what it costs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use finish_order::FinishOrder;
use fixtures::{Fault, Plan, Shop, StripeAnswer, Visitor, When, order_number};
use futures_util::future::join_all;
use lambda_http::{Context, RequestExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use web::Endpoint as _;

use crate::clock::within_an_hour;
use crate::log::Captured;

/// The thank-you page of a session's order, with what stands behind the order's number.
fn thanks(shop: &Shop, session: &Value, mark: &str) -> String {
    format!("{}/thank-you.html?order={}{mark}", shop.stack().url(), order_number(session))
}

/// The page for shoppers who leave, bare: nothing there says that nothing was charged.
fn bare(shop: &Shop) -> String {
    format!("{}/", shop.stack().url())
}

/// The link of another session with this cart, or with none.
fn made_up(session: &str, cart: Option<&str>) -> String {
    let cart = cart.map(|number| format!("&cart={number}")).unwrap_or_default();
    format!("/finish-order?session_id={session}{cart}")
}

/// A visitor who has paid, and whose shop was not told.
async fn paid(shop: &Shop) -> (Visitor<'_>, Value) {
    shop.sandbox().pause_webhooks(true);
    let visitor = shop.add("price_mug", 2).await;
    let session = visitor.checkout().await.ok();
    assert_eq!(shop.press(&session, "pay").await.status, 303);
    (visitor, session)
}

/// Gives a cart's row a time to live that is over.
async fn expire(shop: &Shop, number: &str) {
    shop.table("CARTS_TABLE").set(number, "exp", json!({ "N": "1" })).await;
}

#[tokio::test]
async fn an_order_that_is_there_is_one_request_to_dynamodb_and_none_to_stripe() {
    let shop = Shop::open_on_wires([]).await;
    let (_, session) = paid(&shop).await;
    shop.deliver(&shop.event("checkout.session.completed")).await.ok();
    shop.wire().plan(None);

    let landed = shop.get(&shop.landing(&session)).await;

    assert_eq!(landed.location(), thanks(&shop, &session, ""));
    assert_eq!(shop.wire().calls(), ["DynamoDB BatchGetItem"]);
}

#[tokio::test]
async fn an_order_is_made_of_the_carts_current_session_without_counting() {
    let shop = Shop::open_on_wires([]).await;
    let (visitor, session) = paid(&shop).await;
    shop.wire().plan(None);

    let landed = shop.get(&shop.landing(&session)).await;

    let calls = shop.wire().calls();
    assert_eq!(landed.location(), thanks(&shop, &session, ""));
    assert_eq!(
        calls,
        [
            "DynamoDB BatchGetItem",
            "Stripe GET /v1/checkout/sessions/{id}",
            "DynamoDB GetItem",
            "Stripe GET /v1/checkout/sessions/{id}/line_items",
            "DynamoDB TransactWriteItems",
        ]
    );
    assert_eq!(shop.order(&order_number(&session)).await.ok()["status"], "paid");
    assert_eq!(visitor.cart().await["status"], "completed");
}

#[tokio::test]
async fn the_page_is_marked_by_the_status_of_the_order() {
    for (action, settles, refunds, mark) in [
        ("pay", None, false, ""),
        ("pay", None, true, ""),
        ("pay_later", None, false, "&payment=pending"),
        ("pay_later", Some(true), false, ""),
        ("pay_later", Some(false), false, "&payment=failed"),
    ] {
        for told in [true, false] {
            let shop = Shop::open().await;
            let visitor = shop.add("price_mug", 2).await;
            let session = visitor.checkout().await.ok();
            shop.sandbox().pause_webhooks(!told);
            shop.press(&session, action).await;
            shop.sandbox().settled().await;
            if !told {
                // The landing page makes the order.
                let mark = if action == "pay_later" { "&payment=pending" } else { "" };
                assert_eq!(shop.get(&shop.landing(&session)).await.location(), thanks(&shop, &session, mark));
                shop.sandbox().pause_webhooks(false);
            }
            if let Some(succeeds) = settles {
                shop.sandbox().settle(session["id"].as_str().unwrap(), succeeds).unwrap();
            }
            if refunds {
                shop.refund(&order_number(&session), 400).await;
            }
            shop.sandbox().settled().await;

            let landed = shop.get(&shop.landing(&session)).await;

            assert_eq!(landed.location(), thanks(&shop, &session, mark), "{action} {settles:?} {told}");
        }
    }
}

#[tokio::test]
async fn a_cart_that_has_expired_still_says_whose_the_session_is() {
    let shop = Shop::open().await;
    let (visitor, session) = paid(&shop).await;
    expire(&shop, &visitor.number().await).await;

    let landed = shop.get(&shop.landing(&session)).await;

    assert_eq!(landed.location(), thanks(&shop, &session, ""));
    assert_eq!(shop.order(&order_number(&session)).await.ok()["status"], "paid");
}

#[tokio::test]
async fn without_a_row_or_a_number_the_shopper_is_told_to_wait_and_the_webhook_makes_the_order() {
    let (captured, _guard) = Captured::begin("INFO");
    let shop = Shop::open().await;
    let numbers: [Option<&str>; 4] =
        [None, Some("be45cb2605bf36bebde684841a28f0fd"), Some("x"), Some("BE45CB2605BF36BEBDE684841A28F0FD")];
    for number in numbers.into_iter().map(Some).chain([None]) {
        let (visitor, session) = paid(&shop).await;
        let event = shop.event("checkout.session.completed");
        let link = if let Some(number) = number {
            made_up(session["id"].as_str().unwrap(), number)
        } else {
            // The row is gone: DynamoDB deletes what has expired.
            shop.table("CARTS_TABLE").delete(&visitor.number().await).await;
            shop.landing(&session)
        };
        let asked = shop.sandbox().requests().len();

        let before = shop.get(&link).await;
        assert_eq!(shop.sandbox().requests().len(), asked, "{number:?}");
        shop.deliver(&event).await.ok();
        let after = shop.get(&link).await;

        assert_eq!(before.location(), thanks(&shop, &session, "&payment=pending"), "{number:?}");
        assert_eq!(after.location(), thanks(&shop, &session, ""), "{number:?}");
        let counted: Vec<_> =
            captured.of("finish-order").iter().map(|line| line["LandingsUnconfirmed"].as_u64()).collect();
        assert_eq!(counted[counted.len() - 2..], [Some(1), None], "{number:?}");
    }
    let said = captured.lines().iter().filter(|line| line.contains("without knowing of a payment")).count();
    assert_eq!(said, 5);
}

#[tokio::test]
async fn a_session_that_is_not_paid_leads_back_to_the_shop() {
    let shop = Shop::open().await;
    for ends in ["open", "declined", "expired"] {
        let visitor = shop.add("price_mug", 1).await;
        let session = visitor.checkout().await.ok();
        match ends {
            "declined" => drop(shop.press(&session, "fail").await),
            "expired" => {
                let path = format!("/v1/checkout/sessions/{}/expire", session["id"].as_str().unwrap());
                shop.stripe(Method::POST, &path, "").await;
            }
            _ => {}
        }

        let landed = shop.get(&shop.landing(&session)).await;

        assert_eq!(landed.location(), bare(&shop), "{ends}");
        assert_eq!(shop.order(&order_number(&session)).await.error(404), "order_not_found", "{ends}");
        assert_eq!(visitor.cart().await["item_count"], 1, "{ends}");
    }
}

#[tokio::test]
async fn the_session_of_another_cart_leads_back_to_the_shop_and_stays_as_it_is() {
    let shop = Shop::open().await;
    let (visitor, session) = paid(&shop).await;
    let other = shop.add("price_poster", 1).await;
    let number = other.number().await;

    let landed = shop.get(&made_up(session["id"].as_str().unwrap(), Some(&number))).await;

    assert_eq!(landed.location(), bare(&shop));
    assert_eq!(shop.order(&order_number(&session)).await.error(404), "order_not_found");
    assert_eq!((&visitor.cart().await["status"], &other.cart().await["item_count"]), (&json!("checkout"), &json!(1)));
    // Its own link makes the order.
    assert_eq!(shop.get(&shop.landing(&session)).await.location(), thanks(&shop, &session, ""));
}

#[tokio::test]
async fn of_sixty_made_up_landings_of_a_cart_ten_an_hour_ask_stripe() {
    within_an_hour(async || {
        let shop = Shop::open().await;
        shop.sandbox().pause_webhooks(true);
        let visitor = shop.add("price_mug", 2).await;
        let session = visitor.checkout().await.ok();
        let number = visitor.number().await;
        let (carts, cart) = (shop.table("CARTS_TABLE"), visitor.send(Method::GET, "/cart", &[], Vec::new()).await);
        let row = carts.get(&number).await.unwrap();
        let sixty = async |number: Option<&str>| {
            let before = shop.sandbox().requests().len();
            let links: Vec<_> = (0..60).map(|index| made_up(&format!("cs_test_made_up_{index}"), number)).collect();
            let landed = join_all(links.iter().map(|link| shop.get(link))).await;
            let back = landed.iter().filter(|answer| answer.location() == bare(&shop)).count();
            let pending = landed.iter().filter(|answer| answer.location().ends_with("&payment=pending")).count();
            (back, pending, shop.sandbox().requests().len() - before)
        };

        assert_eq!(sixty(Some(&number)).await, (10, 50, 10));
        assert_eq!(sixty(Some(&number)).await, (0, 60, 0));
        // A clock hour later.
        let hour: i64 = carts.get(&number).await.unwrap()["gh"]["N"].as_str().unwrap().parse().unwrap();
        carts.set(&number, "gh", json!({ "N": (hour - 1).to_string() })).await;
        assert_eq!(sixty(Some(&number)).await, (10, 50, 10));
        for nothing in [None, Some("be45cb2605bf36bebde684841a28f0fd")] {
            assert_eq!(sixty(nothing).await, (0, 60, 0), "{nothing:?}");
        }

        // The cart is what it was, and its shopper is served.
        let mut counted = carts.get(&number).await.unwrap();
        for name in ["gh", "gn"] {
            assert!(counted.as_object_mut().unwrap().remove(name).is_some(), "{name}");
        }
        assert_eq!(counted, row);
        let now = visitor.send(Method::GET, "/cart", &[], Vec::new()).await;
        assert_eq!((&now.text, now.header("etag")), (&cart.text, cart.header("etag")));
        assert_eq!(visitor.checkout().await.ok()["id"], session["id"]);
        shop.press(&session, "pay").await;
        assert_eq!(shop.get(&shop.landing(&session)).await.location(), thanks(&shop, &session, ""));
    })
    .await;
}

/// Each round is a second's worth of made-up landings, all at once.
#[tokio::test]
async fn a_flood_of_made_up_landings_leaves_landings_webhooks_and_checkouts_unharmed() {
    within_an_hour(async || {
        let shop = Shop::open_on_wires([]).await;
        let attacker = shop.add("price_mug", 1).await.number().await;
        let mut rounds = Vec::new();
        for _ in 0..3 {
            let (mut landing, mut told, mut buying) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..5 {
                landing.push(paid(&shop).await.1);
                told.push({
                    paid(&shop).await;
                    shop.event("checkout.session.completed")
                });
                buying.push(shop.add("price_mug", 1).await);
            }
            rounds.push((landing, told, buying));
        }
        for (landing, told, buying) in &rounds {
            // A second of its own.
            shop.wire().limit_stripe();
            shop.wire().plan(None);
            let strange = ["be45cb2605bf36bebde684841a28f0fd", &attacker];
            let links: Vec<_> = (0..60)
                .map(|index| {
                    made_up(&format!("cs_test_made_up_{index}"), [None, Some(strange[0]), Some(strange[1])][index % 3])
                })
                .collect();

            let (flood, landed, events, sessions) = tokio::join!(
                join_all(links.iter().map(|link| shop.get(link))),
                join_all(landing.iter().map(|session| async { shop.get(&shop.landing(session)).await })),
                join_all(told.iter().map(|event| shop.deliver(event))),
                join_all(buying.iter().map(fixtures::Visitor::checkout)),
            );

            assert!(flood.iter().all(|answer| answer.status == 303));
            for (session, landed) in landing.iter().zip(&landed) {
                assert_eq!(landed.location(), thanks(&shop, session, ""));
            }
            for event in events {
                assert_eq!(event.ok()["handled"], true);
            }
            for session in sessions {
                assert!(session.ok()["url"].is_string());
            }
            let calls = shop.wire().calls();
            let reads = calls.iter().filter(|call| *call == "Stripe GET /v1/checkout/sessions/{id}").count();
            assert!(reads <= 20, "{reads} of {calls:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn sessions_of_the_cart_itself_are_not_counted_among_the_made_up_ones() {
    within_an_hour(async || {
        let shop = Shop::open().await;
        let visitor = shop.add("price_mug", 1).await;
        let earlier = visitor.checkout().await.ok();
        visitor.add("price_mug", 1).await.ok();
        let session = visitor.checkout().await.ok();
        let number = visitor.number().await;

        for own in [&earlier, &session] {
            for _ in 0..15 {
                assert_eq!(shop.get(&shop.landing(own)).await.location(), bare(&shop));
            }
        }

        let before = shop.sandbox().requests().len();
        for index in 0..15 {
            shop.get(&made_up(&format!("cs_test_made_up_{index}"), Some(&number))).await.location();
        }
        assert_eq!(shop.sandbox().requests().len() - before, 10);
    })
    .await;
}

/// Two pages of a cart were paid. The second order is made by its landing page, though the cart has another session or none.
#[tokio::test]
async fn an_order_is_made_of_a_session_that_is_not_the_carts_current_one() {
    let shop = Shop::open().await;
    let (_, session) = paid(&shop).await;
    let copied = shop.stripe(Method::POST, "/v1/checkout/sessions", &shop.form_of(&session)).await;
    assert_eq!(shop.press(&copied, "pay").await.status, 303);

    let landed = [shop.get(&shop.landing(&copied)).await, shop.get(&shop.landing(&session)).await];

    let pages = [thanks(&shop, &copied, ""), thanks(&shop, &session, "")];
    assert_eq!(landed.each_ref().map(|answer| answer.location()), pages);
    assert_eq!((shop.marks(&copied).await, shop.marks(&session).await), (json!([]), json!(["cart_paid_twice"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_stripe_or_dynamodb_is_away_the_shopper_is_told_to_wait_and_the_event_makes_the_order() {
    let shop = Shop::open_on_wires([("STRIPE_TIMEOUT_MS", "400"), ("DYNAMODB_TIMEOUT_MS", "400")]).await;
    // Another execution, which did not see Stripe silent, and so does not leave it alone.
    let other = shop.behind(shop.stack().dynamodb_url(), []).await;
    let broken = StripeAnswer::Error { status: 503, headers: vec![("retry-after", "60")], body: "{}".to_owned() };
    let (first, after) = (When::Before, true);
    for (dynamodb, stripe) in [
        (Some(Plan { call: 0, fault: Fault::Cut, when: first, ends: after }), None),
        (Some(Plan { call: 0, fault: Fault::Broken, when: first, ends: after }), None),
        (Some(Plan { call: 0, fault: Fault::Silent, when: first, ends: after }), None),
        (None, Some(broken)),
        (None, Some(StripeAnswer::Silence)),
    ] {
        let (visitor, session) = paid(&shop).await;
        let event = shop.event("checkout.session.completed");
        let point = format!("{dynamodb:?} {stripe:?}");
        shop.wire().plan(dynamodb);
        shop.wire().stripe_answers(stripe);

        let landed = shop.get(&shop.landing(&session)).await;

        let asked_stripe = shop.wire().calls().iter().filter(|call| call.starts_with("Stripe")).count();
        assert_eq!(landed.location(), thanks(&shop, &session, "&payment=pending"), "{point}");
        assert_eq!(asked_stripe > 0, dynamodb.is_none(), "{point}");
        shop.wire().plan(None);
        shop.wire().stripe_answers(None);
        other.deliver(&event).await.ok();
        assert_eq!(shop.get(&shop.landing(&session)).await.location(), thanks(&shop, &session, ""), "{point}");
        assert_eq!(visitor.cart().await["status"], "completed", "{point}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_landing_whose_time_is_over_is_a_redirect_all_the_same() {
    let shop = Shop::open_on_wires([("STRIPE_TIMEOUT_MS", "10000")]).await;
    let (_, session) = paid(&shop).await;
    let landing = FinishOrder::new(shop.stack().services()).unwrap();
    shop.wire().stripe_answers(Some(StripeAnswer::Silence));
    let answered = async |query: &str| {
        let mut context = Context::default();
        let ends = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_millis(500);
        context.deadline = u64::try_from(ends.as_millis()).unwrap();
        let request = lambda_http::http::Request::get(format!("/finish-order?{query}"));
        let request = request.body(lambda_http::Body::Empty).unwrap();
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        let parameters: std::collections::HashMap<_, _> = pairs.map(|(name, value)| (name, vec![value])).collect();
        let request = request.with_query_string_parameters(parameters).with_lambda_context(context);
        let answer = web::answer(&landing, &web::Log::new(shop.stack().environment()), request).await;
        (answer.status().as_u16(), answer.headers()["location"].to_str().unwrap().to_owned())
    };

    let link = shop.landing(&session);
    let late = answered(link.split_once('?').unwrap().1).await;

    assert_eq!(late, (303, thanks(&shop, &session, "&payment=pending")));
}

/// One request counts the guess before Stripe is asked, and one takes it back.
#[tokio::test(flavor = "multi_thread")]
async fn a_guess_that_was_right_and_stays_counted_costs_the_shopper_nothing() {
    within_an_hour(async || {
        let shop = Shop::open_on_wires([]).await;
        let mut calls = Vec::new();
        // Without a fault, and with one at the last call.
        for fault in [false, true] {
            let (_, session) = paid(&shop).await;
            let other = shop.stripe(Method::POST, "/v1/checkout/sessions", &shop.form_of(&session)).await;
            assert_eq!(shop.press(&other, "pay").await.status, 303);
            let plan = Plan { call: calls.len().saturating_sub(1), fault: Fault::Cut, when: When::Before, ends: true };
            shop.wire().plan(fault.then_some(plan));

            let landed = shop.get(&shop.landing(&other)).await;

            assert_eq!(landed.location(), thanks(&shop, &other, ""), "{fault}");
            calls = shop.wire().calls();
            shop.wire().plan(None);
            assert_eq!(shop.order(&order_number(&other)).await.ok()["status"], "paid", "{fault}");
        }

        assert_eq!(
            calls[..8],
            [
                "DynamoDB BatchGetItem",
                "DynamoDB UpdateItem",
                "Stripe GET /v1/checkout/sessions/{id}",
                "DynamoDB GetItem",
                "Stripe GET /v1/checkout/sessions/{id}/line_items",
                "DynamoDB TransactWriteItems",
                "Stripe POST /v1/checkout/sessions/{id}/expire",
                "DynamoDB UpdateItem",
            ]
        );
    })
    .await;
}
