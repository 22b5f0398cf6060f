//! Keys, idempotency, errors and what every request has in common.

use http::Method;
use serde_json::json;
use stripe_sandbox::Failure;

use crate::stripe::{encode, id, stripe};

#[tokio::test]
async fn a_request_without_a_secret_key_is_refused() {
    let stripe = stripe().await;

    for headers in [&[][..], &[("authorization", "Bearer pk_test_x")], &[("authorization", "Basic OnNrX3Rlc3Q=")]] {
        let answer = stripe.send(Method::GET, "/v1/prices", headers, String::new()).await;

        assert_eq!(answer.refused(), (401, String::new(), String::new()));
        assert_eq!(answer.json()["error"]["type"], "invalid_request_error");
    }
}

#[tokio::test]
async fn the_key_may_come_as_the_user_of_basic_authentication() {
    let stripe = stripe().await;

    // sk_test_x: with an empty password
    let headers = [("authorization", "Basic c2tfdGVzdF94Og==")];
    let answer = stripe.send(Method::GET, "/v1/prices", &headers, String::new()).await;

    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn answers_carry_a_request_id_and_the_version() {
    let stripe = stripe().await;
    let headers = [("authorization", "Bearer sk_test_x"), ("stripe-version", "2026-10-28.endive")];

    let own = stripe.get("/v1/prices").await;
    let asked = stripe.send(Method::GET, "/v1/prices", &headers, String::new()).await;

    assert!(own.header("request-id").starts_with("req_"));
    assert_eq!(own.header("stripe-version"), stripe_sandbox::API_VERSION);
    assert_eq!((asked.status, asked.header("stripe-version")), (200, "2026-10-28.endive"));
}

/// Within a release Stripe only adds (<https://docs.stripe.com/api/versioning>); across releases shapes differ.
#[tokio::test]
async fn a_version_that_is_not_played_is_refused() {
    let stripe = stripe().await;

    for version in ["2025-01-27.acacia", "2026-09-29.endive", "2027-03-01.fritillary", "2020-08-27", "latest"] {
        let headers = [("authorization", "Bearer sk_test_x"), ("stripe-version", version)];

        let answer = stripe.send(Method::GET, "/v1/prices", &headers, String::new()).await;

        assert_eq!(answer.refused(), (400, String::new(), String::new()), "{version}");
        assert!(answer.message().contains(version), "{}", answer.message());
    }
}

#[tokio::test]
async fn unknown_paths_and_ids_are_not_found_in_stripes_shape() {
    let stripe = stripe().await;

    let path = stripe.get("/v1/foo").await;
    let price = stripe.get("/v1/prices/price_x").await;
    let session = stripe.get("/v1/checkout/sessions/cs_test_x").await;

    assert_eq!(path.refused(), (404, String::new(), String::new()));
    assert!(path.message().starts_with("Unrecognized request URL (GET: /v1/foo)."));
    assert_eq!(price.refused(), (404, "resource_missing".to_owned(), "price".to_owned()));
    assert_eq!(price.message(), "No such price: 'price_x'");
    assert_eq!(session.refused(), (404, "resource_missing".to_owned(), "session".to_owned()));
}

/// Products and prices of before 2018-05-21 may have such ids.
#[tokio::test]
async fn an_id_in_a_path_may_be_percent_encoded() {
    let stripe = stripe().await;
    let form = [("id", "mugs: big/small.v2"), ("name", "Mug")];
    stripe.post("/v1/products", &form).await.ok();

    let path = "/v1/products/mugs%3A%20big%2Fsmall.v2";
    let found = stripe.get(path).await.ok();
    let changed = stripe.post(path, &[("name", "Cup")]).await.ok();

    assert_eq!((&found["id"], &found["name"]), (&json!("mugs: big/small.v2"), &json!("Mug")));
    assert_eq!(changed["name"], "Cup");
}

/// Source: the body that <https://github.com/laravel/cashier-stripe/issues/1585> quotes.
#[tokio::test]
async fn an_error_says_where_the_dashboard_has_the_request() {
    let stripe = stripe().await;

    let refused = stripe.get("/v1/prices/price_x").await;

    let start = format!("https://dashboard.stripe.com/test/logs/{}", refused.header("request-id"));
    assert!(refused.json()["error"]["request_log_url"].as_str().unwrap().starts_with(&start), "{}", refused.text);
}

/// Source: <https://docs.stripe.com/error-low-level>, <https://docs.stripe.com/rate-limits>
#[tokio::test]
async fn a_request_fails_as_it_was_told_to_and_once() {
    let stripe = stripe().await;
    let path = "/v1/products";
    let cases = [
        (Failure::rate_limited().retry_after(2), (429, "rate_limit"), ("2", ""), "invalid_request_error"),
        (Failure::lock_timeout(), (429, "lock_timeout"), ("", ""), "invalid_request_error"),
        (Failure::key_in_use().should_retry(true), (409, "idempotency_key_in_use"), ("", "true"), "idempotency_error"),
        (Failure::broken().should_retry(false), (500, ""), ("", "false"), "api_error"),
    ];
    for (index, (failure, (status, code), (after, retry), kind)) in cases.into_iter().enumerate() {
        stripe.sandbox.fail_next_with("POST", path, failure);
        let key = format!("k{index}");

        let failed = stripe.post_keyed(&key, path, &[("name", "Bowl")]).await;
        let again = stripe.post_keyed(&key, path, &[("name", "Bowl")]).await;

        assert_eq!(failed.refused(), (status, code.to_owned(), String::new()));
        assert_eq!(failed.json()["error"]["type"], kind);
        assert_eq!((failed.header("retry-after"), failed.header("stripe-should-retry")), (after, retry));
        // A key keeps a 500; it does not keep what failed before the work began.
        assert_eq!(
            (again.status, again.header("idempotent-replayed")),
            if status == 500 { (500, "true") } else { (200, "") }
        );
        if status == 500 {
            assert_eq!(again.json(), failed.json());
        }
    }
    assert_eq!(stripe.event_types(), ["product.created"; 3]);
}

/// Source: the message that <https://github.com/stripe/stripe-node/issues/2246> quotes.
#[tokio::test]
async fn a_restricted_key_is_told_which_right_it_lacks() {
    let stripe = stripe().await;
    stripe.sandbox.restrict_key("rk_test_shop_secret", &["rak_product_read", "rak_checkout_session_write"]);
    let get = async |path: &str| {
        let headers = [("authorization", "Bearer rk_test_shop_secret")];
        stripe.send(Method::GET, path, &headers, String::new()).await
    };

    let refused = get("/v1/prices").await;

    assert_eq!(refused.refused(), (403, String::new(), String::new()));
    assert_eq!(refused.json()["error"]["type"], "invalid_request_error");
    let message = refused.message();
    assert!(message.starts_with("The provided key 'rk_test_****' does not have the required permissions"), "{message}");
    assert!(
        message.ends_with("Having the 'rak_plan_read' permission would allow this request to continue."),
        "{message}"
    );
    assert_eq!((get("/v1/products").await.status, get("/v1/checkout/sessions").await.status), (200, 200));
}

/// An object that is shown in the place of its id takes the right to read it.
#[tokio::test]
async fn a_restricted_key_expands_what_it_may_read() {
    let stripe = stripe().await;
    let session = stripe.session("price_mug", "1", &[("shipping_options[0][shipping_rate]", "shr_standard")]).await;
    stripe.press(&session, "pay", &[]).await;
    let rights = ["rak_checkout_session_read", "rak_payment_intent_read", "rak_shipping_rate_write"];
    stripe.sandbox.restrict_key("rk_test_shop_secret", &rights);
    let expanded = async |paths: &[&str]| {
        let query: Vec<_> = paths.iter().map(|path| format!("expand[]={path}")).collect();
        let path = format!("/v1/checkout/sessions/{}?{}", session["id"].as_str().unwrap(), query.join("&"));
        stripe.send(Method::GET, &path, &[("authorization", "Bearer rk_test_shop_secret")], String::new()).await
    };

    let allowed = ["payment_intent", "shipping_cost.shipping_rate", "total_details.breakdown", "invoice"];
    let shown = expanded(&allowed).await.ok();
    let refused = expanded(&["payment_intent.latest_charge"]).await;

    assert_eq!(shown["payment_intent"]["object"], "payment_intent");
    assert_eq!(shown["shipping_cost"]["shipping_rate"]["display_name"], "Standard");
    assert_eq!(refused.refused(), (403, String::new(), String::new()));
    assert!(refused.message().contains("'rak_charge_read'"), "{}", refused.message());
}

#[tokio::test]
async fn a_repeated_key_gives_the_stored_answer_and_has_no_second_effect() {
    let stripe = stripe().await;
    let form = [("name", "Bowl")];

    let first = stripe.post_keyed("k1", "/v1/products", &form).await;
    let second = stripe.post_keyed("k1", "/v1/products", &form).await;

    assert_eq!(first.ok(), second.ok());
    assert_eq!(first.header("idempotent-replayed"), "");
    assert_eq!(second.header("idempotent-replayed"), "true");
    assert_eq!(stripe.event_types(), ["product.created"]);
}

#[tokio::test]
async fn a_key_with_other_parameters_or_another_path_is_an_idempotency_error() {
    let stripe = stripe().await;
    stripe.post_keyed("k1", "/v1/products", &[("name", "Bowl")]).await.ok();

    let params = stripe.post_keyed("k1", "/v1/products", &[("name", "Plate")]).await;
    let path = stripe.post_keyed("k1", "/v1/coupons", &[("percent_off", "5")]).await;

    for answer in [params, path] {
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json()["error"]["type"], "idempotency_error");
    }
}

#[tokio::test]
async fn a_key_keeps_refusals_of_the_endpoint_but_not_of_malformed_parameters() {
    let stripe = stripe().await;
    let unknown = [("mode", "payment"), ("line_items[0][price]", "price_x"), ("line_items[0][quantity]", "1")];

    let refused = stripe.post_keyed("k1", "/v1/checkout/sessions", &unknown).await;
    let again = stripe.post_keyed("k1", "/v1/checkout/sessions", &unknown).await;
    let malformed = stripe.post_keyed("k2", "/v1/products", &[("nam", "Bowl")]).await;
    let mended = stripe.post_keyed("k2", "/v1/products", &[("name", "Bowl")]).await;

    assert_eq!(refused.refused().1, "resource_missing");
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(malformed.refused().1, "parameter_unknown");
    mended.ok();
}

#[tokio::test]
async fn concurrent_requests_with_one_key_have_one_effect() {
    let stripe = stripe().await;
    let form = [("name", "Bowl")];

    let answers = futures_util::future::join_all((0..20).map(|_| stripe.post_keyed("k", "/v1/products", &form))).await;

    let ids: std::collections::HashSet<String> = answers.iter().map(|answer| id(&answer.ok()).to_owned()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(stripe.event_types().len(), 1);
}

#[tokio::test]
async fn requests_are_recorded_with_their_parameters() {
    let stripe = stripe().await;
    let form = [("name", "Bowl"), ("images[0]", "https://a.example/b.png"), ("metadata[a]", "b c")];

    stripe.post_keyed("k1", "/v1/products", &form).await.ok();
    stripe.get("/v1/prices?limit=2&expand[]=data.tiers").await.ok();

    let requests = stripe.sandbox.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("POST", "/v1/products"));
    assert_eq!(
        requests[0].params,
        json!({ "name": "Bowl", "images": ["https://a.example/b.png"], "metadata": { "a": "b c" } })
    );
    assert_eq!(requests[0].body, encode(&form));
    assert_eq!(requests[0].idempotency_key.as_deref(), Some("k1"));
    assert_eq!(requests[1].params, json!({ "limit": "2", "expand": ["data.tiers"] }));
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused() {
    let stripe = stripe().await;
    let headers = [("authorization", "Bearer sk_test_x"), ("content-type", "application/json")];

    let answer = stripe.send(Method::POST, "/v1/products", &headers, r#"{"name":"Bowl"}"#.to_owned()).await;

    assert_eq!(answer.refused().0, 400);
    assert!(answer.message().contains("application/x-www-form-urlencoded"));
}

#[tokio::test]
async fn a_stopped_sandbox_frees_its_port() {
    let stripe = stripe().await;
    stripe.get("/v1/prices").await.ok();
    let address = stripe.sandbox.url().replace("http://", "");

    stripe.sandbox.stop().await;

    tokio::net::TcpListener::bind(address).await.unwrap();
}
