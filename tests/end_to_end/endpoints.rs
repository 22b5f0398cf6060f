//! The sync compares the events of the endpoint at Stripe with those that the shop handles.

use fixtures::Shop;
use fixtures::proxy::{Proxy, json as answer};
use ordering::{Endpoints, Events};
use payments::Stripe;
use serde_json::{Value, json};
use stripe_sandbox::WebhookSettings;
use tracing::Level;

use crate::log::Captured;

/// The rights of the key that docs/deploy.md has a merchant make.
fn rights_of_the_guide() -> Vec<String> {
    let guide = include_str!("../../docs/deploy.md");
    let (_, query) = guide.split_once("(https://dashboard.stripe.com/apikeys/create?").unwrap();
    let (query, _) = query.split_once(')').unwrap();
    let pairs = form_urlencoded::parse(query.as_bytes());
    pairs.filter(|(name, _)| name == "permissions[]").map(|(_, right)| right.into_owned()).collect()
}

/// The lines of the log about endpoints.
fn said(captured: &Captured) -> Vec<Value> {
    let lines = captured.lines();
    let lines = lines.iter().filter(|line| line.contains("webhook endpoint"));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn levels(said: &[Value]) -> Vec<&str> {
    said.iter().map(|line| line["level"].as_str().unwrap()).collect()
}

/// All events that are handled but these.
fn all_but(left_out: &[&str]) -> Vec<&'static str> {
    Events::HANDLED.into_iter().filter(|kind| !left_out.contains(kind)).collect()
}

/// An endpoint as Stripe lists it.
///
/// Source: <https://docs.stripe.com/api/webhook_endpoints/object>
fn endpoint(id: &str, url: &str, status: &str, events: &[&str]) -> Value {
    json!({
        "id": id, "object": "webhook_endpoint", "api_version": null, "application": null, "created": 1_700_000_000,
        "description": "The shop", "enabled_events": events, "livemode": false, "metadata": {}, "status": status, "url": url,
    })
}

/// What a comparison finds, and says, where Stripe answers with these pages.
async fn compared(pages: Vec<Vec<Value>>) -> (Vec<&'static str>, Vec<Value>) {
    let shop = Shop::open().await;
    let server = Proxy::start(None, move |parts, _| {
        let query = parts.uri.query().unwrap_or_default();
        let after = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "starting_after");
        let is_last_of =
            |page: &[Value]| page.last().is_some_and(|last| after.as_ref().unwrap().1 == *last["id"].as_str().unwrap());
        let index = if after.is_none() { 0 } else { pages.iter().position(|page| is_last_of(page)).unwrap() + 1 };
        let has_more = index + 1 < pages.len();
        let list =
            json!({ "object": "list", "url": "/v1/webhook_endpoints", "has_more": has_more, "data": pages[index] });
        assert_eq!(parts.uri.path(), "/v1/webhook_endpoints");
        async move { Ok(answer(200, list.to_string())) }
    });
    let server = server.await.unwrap();
    let mut services = shop.stack().services().clone();
    services.environment.set("STRIPE_API_URL", format!("http://127.0.0.1:{}", server.port()));
    let stripe = Stripe::new(&services.environment, &services.secrets, &services.https).unwrap();
    let (captured, _guard) = Captured::begin(Level::INFO.as_str());

    let missing = Endpoints::new(&stripe).missing_events().await;

    (missing, said(&captured))
}

#[tokio::test]
async fn an_endpoint_with_all_events_is_nothing_to_speak_of() {
    let more = [&all_but(&[])[..], &["invoice.paid"]].concat();
    for events in [&["*"][..], &Events::HANDLED, &more] {
        let endpoint = endpoint("we_1", "https://api.shop.example/stripe/webhook", "enabled", events);

        let (missing, said) = compared(vec![vec![endpoint]]).await;

        assert_eq!((missing, said), (vec![], vec![]), "{events:?}");
    }
}

#[tokio::test]
async fn an_endpoint_that_lacks_events_is_named_with_them_and_without_secrets() {
    let url = "https://ann:secret@api.shop.example/live/stripe/webhook?key=secret";
    for kind in Events::HANDLED {
        let (missing, said) = compared(vec![vec![endpoint("we_1", url, "enabled", &all_but(&[kind]))]]).await;

        assert_eq!(missing, [kind]);
        assert_eq!(levels(&said), ["WARN"], "{said:?}");
        let fields = &said[0]["fields"];
        assert_eq!(fields["endpoint"], "we_1");
        assert_eq!(fields["address"], "api.shop.example/live/stripe/webhook");
        assert_eq!(fields["missing"], kind);
        assert!(!said[0].to_string().contains("secret"), "{said:?}");
    }
}

#[tokio::test]
async fn every_enabled_endpoint_of_the_path_is_compared_and_no_other() {
    let own = "https://api.shop.example/stripe/webhook";
    let (missing, said) = compared(vec![
        vec![
            endpoint("we_1", own, "enabled", &all_but(&["product.updated", "charge.refunded"])),
            endpoint("we_2", own, "disabled", &["price.created"]),
        ],
        vec![
            endpoint("we_3", "https://crm.example/hooks/stripe", "enabled", &["invoice.paid"]),
            endpoint(
                "we_4",
                "https://staging.shop.example/stripe/webhook",
                "enabled",
                &all_but(&["charge.refunded", "price.deleted"]),
            ),
            endpoint("we_5", own, "enabled", &["*"]),
        ],
    ])
    .await;

    assert_eq!(missing, ["charge.refunded", "price.deleted", "product.updated"], "together, sorted");
    assert_eq!(levels(&said), ["WARN", "WARN"]);
    let named: Vec<_> = said.iter().map(|line| (&line["fields"]["endpoint"], &line["fields"]["missing"])).collect();
    assert_eq!(
        named,
        [
            (&json!("we_1"), &json!("charge.refunded product.updated")),
            (&json!("we_4"), &json!("charge.refunded price.deleted")),
        ]
    );
}

#[tokio::test]
async fn a_shop_without_an_enabled_endpoint_is_warned_once() {
    let own = "https://api.shop.example/stripe/webhook";
    for endpoints in [
        vec![],
        vec![endpoint("we_1", own, "disabled", &["*"])],
        vec![endpoint("we_1", "https://api.shop.example/stripe/webhook/", "enabled", &["*"])],
        vec![endpoint("we_1", "https://crm.example/hooks?to=/stripe/webhook", "enabled", &["*"])],
    ] {
        let (missing, said) = compared(vec![endpoints.clone()]).await;

        assert_eq!(missing, [""; 0], "{endpoints:?}");
        assert_eq!(levels(&said), ["WARN"], "{endpoints:?}");
        assert!(said[0].to_string().contains("no enabled webhook endpoint"), "{said:?}");
    }
}

#[tokio::test]
async fn a_run_reports_what_the_endpoint_of_the_shop_lacks() {
    let (captured, _guard) = Captured::begin("INFO");
    let shop = Shop::open().await;
    let register = |is_enabled, events: &[&str]| {
        let enabled_events = events.iter().map(|event| (*event).to_owned()).collect();
        shop.sandbox().change_dashboard(|dashboard| dashboard.webhook = WebhookSettings { is_enabled, enabled_events });
    };
    assert_eq!(said(&captured), [json!(null); 0], "the local stack has all events");

    let mut reports = Vec::new();
    for (is_enabled, events) in
        [(true, Events::HANDLED.to_vec()), (true, all_but(&["charge.refunded"])), (false, Events::HANDLED.to_vec())]
    {
        register(is_enabled, &events);
        reports.push(serde_json::to_value(shop.stack().sync().await.unwrap()).unwrap());
    }

    let found: Vec<_> = reports.iter().map(|report| report.get("missing_events")).collect();
    assert_eq!(found, [None, Some(&json!(["charge.refunded"])), None]);
    assert_eq!(levels(&said(&captured)), ["WARN", "WARN"]);
}

#[tokio::test]
async fn a_run_does_not_fail_where_stripe_does_not_show_the_endpoints() {
    let (captured, _guard) = Captured::begin("INFO");
    let shop = Shop::open().await;
    let key = shop.stack().environment().get("STRIPE_SECRET_KEY").unwrap().to_owned();
    let session = shop.add("price_mug", 1).await.checkout().await.ok();
    shop.sandbox().pause_webhooks(true);
    shop.press(&session, "pay").await;

    // More often than a request is repeated.
    for _ in 0..10 {
        shop.sandbox().fail_next("GET", "/v1/webhook_endpoints");
    }
    let broken = shop.stack().sync().await.unwrap();
    let rights = rights_of_the_guide();
    let others: Vec<&str> = rights.iter().map(String::as_str).filter(|right| *right != "rak_webhook_read").collect();
    assert_eq!(others.len(), rights.len() - 1);
    shop.sandbox().restrict_key(&key, &others);
    let refused = shop.stack().sync().await.unwrap();

    assert_eq!((broken.repaired, refused.repaired), (1, 0), "the rest of the run is done");
    assert!(broken.products > 0 && broken.products == refused.products);
    assert_eq!((broken.missing_events, refused.missing_events), (vec![], vec![]));
    let said = said(&captured);
    assert_eq!(levels(&said), ["WARN", "INFO"], "{said:?}");
    assert_eq!(said[1]["fields"]["right"], "rak_webhook_read");
    assert!(said[1]["fields"]["error"].as_str().unwrap().contains("missing right rak_webhook_read"), "{said:?}");
}

#[tokio::test]
async fn the_comparison_costs_one_request_to_stripe_and_none_to_dynamodb() {
    let shop = Shop::open_on_wires([]).await;
    shop.sandbox().set_webhook_url("http://127.0.0.1:9/stripe/webhook");
    shop.wire().plan(None);

    shop.stack().sync().await.unwrap();

    assert_eq!(
        shop.wire().calls(),
        [
            "Stripe GET /v1/checkout/sessions",
            // Which orders are open, and whether all are entered.
            "DynamoDB Query",
            "DynamoDB GetItem",
            "DynamoDB Scan",
            "Stripe GET /v1/products",
            "Stripe GET /v1/prices",
            "Stripe GET /v1/prices/price_cards_volume",
            "Stripe GET /v1/events",
            "Stripe GET /v1/webhook_endpoints",
        ]
    );
}
