//! The overview: what it shows of a payment, and the buttons that something can be done with.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::stripe::{Answer, Stripe, encode, entries, id, stripe, stripe_with, text};

const MANUAL: [(&str, &str); 1] = [("payment_intent_data[capture_method]", "manual")];

/// Every action that a button can have.
const ACTIONS: [&str; 12] = [
    "expire_page",
    "capture",
    "void",
    "expire_hold",
    "refund",
    "refund_later",
    "complete_refund",
    "fail_refund",
    "dispute",
    "answer_dispute",
    "win_dispute",
    "lose_dispute",
];

async fn overview(stripe: &Stripe) -> String {
    let page = stripe.send(Method::GET, "/", &[], String::new()).await;
    assert_eq!(page.status, 200);
    page.text
}

/// What the overview has of one session.
async fn article(stripe: &Stripe, session: &Value) -> String {
    let page = overview(stripe).await;
    let (_, from) = page.split_once(&format!("<article class=\"session\" id=\"{}\">", id(session))).unwrap();
    from.split_once("</article>").unwrap().0.to_owned()
}

/// The actions of an article's buttons, in the order of [`ACTIONS`].
fn offered(article: &str) -> Vec<&'static str> {
    ACTIONS.into_iter().filter(|action| article.contains(&format!("name=\"action\" value=\"{action}\""))).collect()
}

/// Presses a button of the overview.
async fn press(stripe: &Stripe, session: &Value, form: &[(&str, &str)]) -> Answer {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    stripe.send(Method::POST, &format!("/sandbox/sessions/{}", id(session)), &headers, encode(form)).await
}

/// A new session after these actions; `pay` and `pay_later` are the hosted page's.
async fn after(stripe: &Stripe, more: &[(&str, &str)], actions: &[&str]) -> Value {
    let session = stripe.session("price_mug", "1", more).await;
    for action in actions {
        let answer = match *action {
            "pay" | "pay_later" => stripe.press(&session, action, &[]).await,
            "arrives" => {
                let path = format!("/c/settle/{}", id(&session));
                stripe.send(Method::POST, &path, &[], "outcome=succeed".to_owned()).await
            }
            action => {
                let of = newest(stripe, action, &session).await;
                press(stripe, &session, &[("action", action), ("of", &of)]).await
            }
        };
        assert_eq!(answer.status, 303, "{action}: {}", answer.text);
    }
    session
}

/// The refund or dispute that an action is about: the newest of the session's payment.
async fn newest(stripe: &Stripe, action: &str, session: &Value) -> String {
    let list = if action.ends_with("_refund") { "refunds" } else { "disputes" };
    let Some(intent) = stripe.reload(session).await["payment_intent"].as_str().map(str::to_owned) else {
        return String::new();
    };
    let list = stripe.get(&format!("/v1/{list}?payment_intent={intent}")).await.ok();
    entries(&list).first().map_or_else(String::new, |own| id(own).to_owned())
}

/// What a session is made with, what happens to it, and which actions are offered then.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], &'a [&'a str]);

#[tokio::test]
async fn every_button_is_there_exactly_when_it_can_do_something() {
    let stripe = stripe().await;
    let left = ["refund", "refund_later", "dispute"];
    let cases: [Case<'_>; 15] = [
        (&[], &[], &["expire_page"]),
        (&[], &["expire_page"], &[]),
        (&MANUAL, &["pay"], &["capture", "void", "expire_hold"]),
        (&MANUAL, &["pay", "void"], &[]),
        (&MANUAL, &["pay", "expire_hold"], &[]),
        (&MANUAL, &["pay", "capture"], &left),
        (&[], &["pay_later"], &[]),
        (&[], &["pay_later", "arrives", "dispute"], &[]),
        (&[], &["pay"], &left),
        (&[], &["pay", "refund"], &["fail_refund"]),
        (&[], &["pay", "refund_later"], &["complete_refund", "fail_refund"]),
        (&[], &["pay", "refund", "fail_refund"], &left),
        (&[], &["pay", "dispute"], &["answer_dispute", "win_dispute", "lose_dispute"]),
        (&[], &["pay", "dispute", "answer_dispute"], &["win_dispute", "lose_dispute"]),
        (&[], &["pay", "dispute", "lose_dispute"], &[]),
    ];

    for (more, actions, expected) in cases {
        let session = after(&stripe, more, actions).await;
        assert_eq!(offered(&article(&stripe, &session).await), *expected, "after {actions:?}");
        for action in ACTIONS {
            let session = after(&stripe, more, actions).await;
            let of = newest(&stripe, action, &session).await;

            let pressed = press(&stripe, &session, &[("action", action), ("of", &of)]).await;

            let place = format!("/#{}", id(&session));
            let expected =
                if expected.contains(&action) { (303, place.as_str()) } else { (pressed.status.max(400), "") };
            assert_eq!((pressed.status, pressed.header("location")), expected, "{action} after {actions:?}");
        }
    }
}

#[tokio::test]
async fn the_overview_says_how_a_payment_is() {
    let stripe = stripe().await;
    let session = after(&stripe, &MANUAL, &["pay"]).await;

    let held = article(&stripe, &session).await;
    press(&stripe, &session, &[("action", "capture"), ("amount", "7.00")]).await;
    let captured = article(&stripe, &session).await;
    press(&stripe, &session, &[("action", "refund"), ("amount", "2")]).await;
    press(&stripe, &session, &[("action", "dispute")]).await;
    let disputed = article(&stripe, &session).await;

    for text in ["1 × ", "$12.00", "shopper@example.com", "complete", "unpaid", "requires_capture", "held until "] {
        assert!(held.contains(text), "{text} is not in {held}");
    }
    for text in ["paid", "succeeded", "captured $7.00"] {
        assert!(captured.contains(text), "{text} is not in {captured}");
    }
    assert!(!captured.contains("refunded"), "the rest was never taken: {captured}");
    for text in
        ["refunded $2.00", "Refund of $2.00, succeeded", "Dispute over $5.00, needs_response, fraudulent, due by "]
    {
        assert!(disputed.contains(text), "{text} is not in {disputed}");
    }
}

#[tokio::test]
async fn an_amount_that_is_none_or_too_much_is_refused() {
    let stripe = stripe().await;
    let session = after(&stripe, &[], &["pay"]).await;

    for amount in ["", "x", "0", "-1", "12.01", "1.234"] {
        let refused = press(&stripe, &session, &[("action", "refund"), ("amount", amount)]).await;

        assert_eq!(refused.status, 400, "{amount}");
        assert!(refused.header("content-type").starts_with("text/html"), "{amount}");
    }
    assert!(article(&stripe, &session).await.contains("captured $12.00"));
    assert_eq!(press(&stripe, &json!({ "id": "cs_x" }), &[("action", "refund")]).await.status, 404);
    assert_eq!(press(&stripe, &session, &[("action", "explode")]).await.status, 400);
}

#[tokio::test]
async fn a_subscriptions_payment_has_its_buttons_too() {
    let stripe = stripe().await;
    let session = stripe.subscription("price_club_monthly", &[]).await;
    stripe.press(&session, "pay", &[]).await;

    let shown = article(&stripe, &session).await;
    let refunded = press(&stripe, &session, &[("action", "refund")]).await;

    assert_eq!(offered(&shown), ["refund", "refund_later", "dispute"]);
    assert_eq!(refunded.status, 303);
    assert!(article(&stripe, &session).await.contains("Refund of "));
}

#[tokio::test]
async fn an_expired_session_shows_its_recovery_link() {
    let stripe = stripe().await;
    let session = after(&stripe, &[("after_expiration[recovery][enabled]", "true")], &["expire_page"]).await;

    let shown = article(&stripe, &session).await;

    let expired = stripe.reload(&session).await;
    let url = text(&expired["after_expiration"]["recovery"], "url");
    assert!(shown.contains(&format!("<a href=\"{url}\">Recover</a>")), "{shown}");
    assert!(shown.contains("expired"));
}

#[tokio::test]
async fn every_event_can_be_sent_again_from_the_overview() {
    let stripe = stripe_with(stripe_sandbox::Config {
        catalog: stripe_sandbox::Catalog::sample(),
        webhook_url: Some("http://127.0.0.1:9/stripe/webhook".to_owned()),
        retry_delays: vec![Duration::from_millis(1)],
        ..Default::default()
    })
    .await;
    after(&stripe, &[], &["pay"]).await;
    stripe.sandbox.settled().await;

    let page = overview(&stripe).await;
    let events = stripe.sandbox.events();
    stripe.sandbox.send_ping().unwrap();
    stripe.sandbox.settled().await;

    assert!(!events.is_empty());
    for event in &events {
        for sending in ["again", "thin", "account", "mode"] {
            assert!(page.contains(&format!("action=\"/sandbox/events/{}/{sending}\"", id(event))), "{page}");
        }
    }
    assert!(page.contains("no answer (attempt 2)") && page.contains("action=\"/sandbox/ping\""));
    assert!(!page.contains("none of this account"));
    let after = overview(&stripe).await;
    assert!(after.contains("none of this account") && after.contains("v2.core.event_destination.ping"));
}

#[tokio::test]
async fn pages_of_other_sites_cannot_press_a_button() {
    let stripe = stripe().await;
    let session = after(&stripe, &[], &["pay"]).await;
    let event = id(&stripe.sandbox.events()[0]).to_owned();
    let headers = [("origin", "https://evil.example"), ("content-type", "application/x-www-form-urlencoded")];
    let before = stripe.event_types().len();

    for (path, body) in [
        (format!("/sandbox/sessions/{}", id(&session)), "action=refund"),
        (format!("/sandbox/events/{event}/again"), ""),
        ("/sandbox/ping".to_owned(), ""),
    ] {
        let refused = stripe.send(Method::POST, &path, &headers, body.to_owned()).await;

        assert_eq!(refused.status, 403, "{path}");
    }
    assert_eq!(stripe.event_types().len(), before);
}
