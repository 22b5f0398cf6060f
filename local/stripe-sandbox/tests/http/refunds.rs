//! Money that is given back.

use serde_json::{Value, json};

use crate::schema::conforms;
use crate::stripe::{id, stripe, text};

#[tokio::test]
async fn money_is_given_back_in_parts_and_not_more_than_there_was() {
    let stripe = stripe().await;
    let intent = stripe.paid_intent().await;

    let part = stripe.post("/v1/refunds", &[("payment_intent", &intent), ("amount", "500")]).await.ok();
    let too_much = stripe.post("/v1/refunds", &[("payment_intent", &intent), ("amount", "701")]).await;
    let charge = text(&part, "charge").to_owned();
    let rest = stripe.post("/v1/refunds", &[("charge", &charge), ("reason", "requested_by_customer")]).await.ok();
    let again = stripe.post("/v1/refunds", &[("charge", &charge)]).await;

    assert_eq!((&part["amount"], &rest["amount"]), (&json!(500), &json!(700)));
    assert_eq!(too_much.refused().2, "amount");
    assert_eq!(again.refused().1, "charge_already_refunded");
    let charge = stripe.get(&format!("/v1/charges/{charge}?expand[]=refunds")).await.ok();
    assert_eq!((&charge["amount_refunded"], &charge["refunded"]), (&json!(1200), &json!(true)));
    assert_eq!(charge["refunds"]["data"].as_array().unwrap().len(), 2);
    let events = stripe.sandbox.events();
    let refunds: Vec<&Value> = events.iter().filter(|event| event["type"] == "charge.refunded").collect();
    assert_eq!(refunds[0]["data"]["object"]["amount_refunded"], 500);
    assert_eq!(refunds[0]["data"]["previous_attributes"]["amount_refunded"], 0);
    assert_eq!(refunds[1]["data"]["object"]["refunded"], true);
    assert_eq!(
        stripe.get(&format!("/v1/refunds?payment_intent={intent}")).await.ok()["data"].as_array().unwrap().len(),
        2
    );
}

/// Source: <https://docs.stripe.com/refunds#failed-refunds>
#[tokio::test]
async fn a_refund_that_fails_is_no_longer_counted() {
    let stripe = stripe().await;
    let intent = stripe.paid_intent().await;
    let refund = stripe.post("/v1/refunds", &[("payment_intent", &intent), ("amount", "500")]).await.ok();
    let before = stripe.event_types().len();

    stripe.sandbox.fail_refund(id(&refund)).unwrap();

    assert_eq!(stripe.event_types()[before..], ["refund.updated", "refund.failed", "charge.refund.updated"]);
    conforms(&json!({ "object": "list", "data": stripe.sandbox.events() }));
    let failed = stripe.get(&format!("/v1/refunds/{}", id(&refund))).await.ok();
    assert_eq!(failed["status"], "failed");
    let charge = stripe.get(&format!("/v1/charges/{}?expand[]=refunds", text(&refund, "charge"))).await.ok();
    assert_eq!((&charge["amount_refunded"], &charge["refunded"]), (&json!(0), &json!(false)));
    assert_eq!(charge["refunds"]["data"][0]["status"], "failed");
    assert!(stripe.sandbox.fail_refund(id(&refund)).is_err(), "a refund fails once");
    stripe.post("/v1/refunds", &[("payment_intent", &intent)]).await.ok();
}

/// Source: <https://docs.stripe.com/refunds>, and of the object
/// <https://docs.stripe.com/changelog/basil/2025-04-30/refund-pending-reason>
#[tokio::test]
async fn a_refund_waits_for_the_accounts_money_and_then_succeeds_or_fails() {
    let stripe = stripe().await;
    stripe.sandbox.change_dashboard(|dashboard| dashboard.balance_covers_refunds = false);
    let mut ended = Vec::new();
    for succeeds in [true, false] {
        let intent = stripe.paid_intent().await;
        let before = stripe.event_types().len();

        let refund = stripe.post("/v1/refunds", &[("payment_intent", &intent), ("amount", "500")]).await.ok();
        assert_eq!(stripe.event_types()[before..], ["charge.refunded", "refund.created"]);
        let before = stripe.event_types().len();
        let end = if succeeds {
            stripe.sandbox.complete_refund(id(&refund))
        } else {
            stripe.sandbox.fail_refund(id(&refund))
        };
        end.unwrap();

        assert_eq!((&refund["status"], &refund["pending_reason"]), (&json!("pending"), &json!("insufficient_funds")));
        assert!(stripe.sandbox.complete_refund(id(&refund)).is_err(), "it is not on its way any more");
        let charge = stripe.get(&format!("/v1/charges/{}?expand[]=refunds", text(&refund, "charge"))).await.ok();
        let listed = &charge["refunds"]["data"][0];
        assert_eq!(listed["pending_reason"], Value::Null);
        ended.push((
            stripe.event_types().split_off(before),
            listed["status"].clone(),
            charge["amount_refunded"].clone(),
        ));
    }

    let events = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect::<Vec<_>>();
    let succeeded = events(&["refund.updated", "charge.refund.updated"]);
    let failed = events(&["refund.updated", "refund.failed", "charge.refund.updated"]);
    assert_eq!(ended, [(succeeded, json!("succeeded"), json!(500)), (failed, json!("failed"), json!(0))]);
    conforms(&json!({ "object": "list", "data": stripe.sandbox.events() }));
}

/// Source: <https://docs.stripe.com/api/refunds/update>
#[tokio::test]
async fn a_refund_has_metadata_of_its_own() {
    let stripe = stripe().await;
    let session = stripe.session("price_mug", "1", &[("payment_intent_data[metadata][cart]", "c1")]).await;
    stripe.press(&session, "pay", &[]).await;
    let intent = text(&stripe.reload(&session).await, "payment_intent").to_owned();
    let plain = stripe.post("/v1/refunds", &[("payment_intent", &intent), ("amount", "100")]).await.ok();
    let noted = [("payment_intent", intent.as_str()), ("amount", "100"), ("metadata[why]", "late")];
    let noted = stripe.post("/v1/refunds", &noted).await.ok();
    let before = stripe.event_types().len();

    let changed = stripe.post(&format!("/v1/refunds/{}", id(&noted)), &[("metadata[by]", "ann")]).await.ok();

    assert_eq!((&plain["metadata"], &noted["metadata"]), (&json!({}), &json!({ "why": "late" })));
    assert_eq!(changed["metadata"], json!({ "by": "ann", "why": "late" }));
    assert_eq!(stripe.event_types()[before..], ["refund.updated", "charge.refund.updated"]);
}

/// Source: <https://docs.stripe.com/error-codes#charge-disputed>
#[tokio::test]
async fn what_the_bank_took_back_is_not_refunded() {
    let stripe = stripe().await;
    let intent = stripe.paid_intent().await;
    let dispute = stripe.sandbox.dispute(&intent).unwrap();

    let refused = stripe.post("/v1/refunds", &[("payment_intent", &intent)]).await;
    stripe.sandbox.close_dispute(&dispute, true).unwrap();
    let refund = stripe.post("/v1/refunds", &[("payment_intent", &intent)]).await.ok();

    assert_eq!(refused.refused(), (400, "charge_disputed".to_owned(), String::new()));
    assert_eq!(refund["amount"], 1200);
    assert!(stripe.sandbox.dispute(&intent).is_err(), "what was given back cannot be taken back");
}
