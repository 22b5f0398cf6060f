//! Feeds broken input to everything that reads what strangers send. It may refuse the input, but not panic.
//!
//! Inputs are well-formed ones with random changes from a fixed seed, so each run has the same; a failure prints its input.
//! An input that once failed is kept in `corpus/` and tried first. `CARTWRIGHT_FUZZ_INPUTS` sets how many inputs each
//! target gets (20000).

#![expect(clippy::unwrap_used, reason = "a test that panics fails, as it should")]

mod mutation;

use std::panic::{AssertUnwindSafe, catch_unwind};

use cart::{CartNumber, Price, Product, Timestamp, Token};
use fixtures::stripe_signature;
use lambda_http::http::header;
use payments::{Session, VerifyError, WebhookSecrets};
use serde::Deserialize as _;
use serde::de::IgnoredAny;
use serde_json::Value;
use settings::Environment;
use web::{AddBody, AllowedOrigins, AnonymiseBody, CheckoutBody, ClearBody, EmptyBody, Request, UpdateBody};

use crate::mutation::Mutations;

/// Feeds a target with the corpus, the seeds, and mutations of them.
fn fuzz(name: &str, seeds: &[&str], target: impl Fn(&[u8])) {
    let inputs = Environment::of_process().parse("CARTWRIGHT_FUZZ_INPUTS", "a number").unwrap().unwrap_or(20_000);
    let try_out = |input: &[u8]| {
        let outcome = catch_unwind(AssertUnwindSafe(|| target(input)));
        assert!(
            outcome.is_ok(),
            "{name} panics on {:?}: keep it in tests/fuzz/corpus/{name}",
            String::from_utf8_lossy(input)
        );
    };
    let kept = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let kept = std::fs::read_dir(kept).into_iter().flatten().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    for input in kept.chain(seeds.iter().map(|seed| seed.as_bytes().to_vec())) {
        try_out(&input);
    }
    let mut mutations = Mutations::new(seeds);
    for _ in 0..inputs {
        try_out(&mutations.next());
    }
}

fn origins() -> AllowedOrigins {
    AllowedOrigins::new(&Environment::from_iter([("ALLOWED_ORIGINS", "https://shop.example")])).unwrap()
}

/// Reads a body as each endpoint does that has one, all the way to a change of the cart. Errors are written out.
fn read_body(request: &Request) {
    let add = request.body::<AddBody>().and_then(|body| body.into_change(None));
    let _ = add.and_then(|change| Ok(change.prices()?)).map_err(|error| error.to_string());
    let update = request.body::<UpdateBody>().and_then(|body| body.into_change(None));
    let _ = update.and_then(|change| Ok(change.prices()?)).map_err(|error| error.to_string());
    let checkout = request.body::<CheckoutBody>();
    let _ = checkout
        .map(|body| (body.email().is_some(), body.promotion_code().is_some()))
        .map_err(|error| error.to_string());
    let _ = request.body::<EmptyBody>().map_err(|error| error.to_string());
    let _ = request.body::<ClearBody>().map(|body| body.forgets()).map_err(|error| error.to_string());
    let anonymise = request.body::<AnonymiseBody>();
    let _ = anonymise.map(|body| body.email().len()).map_err(|error| error.to_string());
}

fn request(content_type: &str, body: &[u8]) -> Request {
    let builder =
        lambda_http::http::Request::post("https://api.example/cart/add").header(header::CONTENT_TYPE, content_type);
    Request::new(builder.body(lambda_http::Body::Binary(body.to_vec())).unwrap())
}

#[test]
fn json_bodies() {
    let seeds = [
        r#"{"items":[{"price":"price_a","quantity":2,"adjustable_quantity":{"enabled":true,"minimum":1,"maximum":10},"description":"blue"}],"metadata":{"is_gift":"yes"}}"#,
        r#"{"updates":{"price_a":{"quantity":0},"price_b":{"quantity":"999999","description":""}},"metadata":{"a":1,"b":null,"c":[]}}"#,
        r#"{"items":[{"price":"price_a","quantity":1e400},{"price":"price_a","quantity":-0.0},{"price":18446744073709551616}]}"#,
        r#"{"email":"ann@example.com","promotion_code":"\ud800\u0000WELCOME"}"#,
        r#"{"email":" Ann@EXAMPLE.com "}"#,
        r#"[[[[[[[[{"a":{"a":{"a":{}}}}]]]]]]]]"#,
        "",
        "null",
        "[]",
        "\u{feff}{\"items\":[{\"price\":\"a\",\"quantity\":1.0e1}],\"metadata\":{\"a\":-1.50E+2,\"\\\"1\":2}}",
    ];
    fuzz("json_bodies", &seeds, |input| read_body(&request("application/json", input)));
}

#[test]
fn form_bodies() {
    let seeds = [
        "items[0][price]=price_a&items[0][quantity]=2&items[0][adjustable_quantity][enabled]=true",
        "items[1][price]=b&items[0][price]=a&items[][price]=c&items[999999999][price]=d&items=e",
        "updates[price_x][quantity]=2&updates%5Bprice_y%5D%5Bquantity%5D=0&metadata[a]=b&metadata[a][b]=c",
        "a[b][c][d][e][f][g][h]=1&[]=2&[a]=3&a]=4&a[=5&=6&&%&%zz&%F0%9F&+=+",
    ];
    fuzz("form_bodies", &seeds, |input| read_body(&request("application/x-www-form-urlencoded; charset=x", input)));
}

#[test]
fn forms_in_parts() {
    let seeds = [
        "--x\r\nContent-Disposition: form-data; name=\"items[0][price]\"\r\n\r\nprice_a\r\n--x--\r\n",
        "--x \r\ncontent-disposition: form-data; name=a%22\\\"b; filename*=UTF-8''\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\r\n--x--",
    ];
    fuzz("forms_in_parts", &seeds, |input| {
        read_body(&request("multipart/form-data; charset=\"a;b\"; boundary=x", input));
        read_body(&request(
            &format!("multipart/form-data; {}", String::from_utf8_lossy(input).replace(char::is_control, "")),
            b"--x--",
        ));
    });
}

#[test]
fn headers() {
    let origins = origins();
    let seeds = [
        "cookie: a=b; cart_token=AAECAwQFBgcICQoLDA0ODw; __Host-cart_token=AQECAwQFBgcICQoLDA0ODw; c",
        "cart-token: AAECAwQFBgcICQoLDA0ODw",
        "if-match: W/\"18446744073709551615\", \"3-gzip\"",
        "idempotency-key: 3e0c7a52-6d4b-4a59-9c1e-0d5f2c9a7b11",
        "x-currency: eUr",
        "origin: https://shop.example",
        "content-type: application/json; charset=utf-8",
        "host: shop.example:443",
        "x-forwarded-proto: https",
        "stripe-signature: t=1,v1=00",
        "accept: text/csv;q=0.5, application/*;q=1.000, */*;q=0",
    ];
    fuzz("headers", &seeds, |input| {
        let mut builder = lambda_http::http::Request::post("https://api.example/cart/add");
        for line in input.split(|byte| *byte == b'\n') {
            let mut parts = line.splitn(2, |byte| *byte == b':');
            let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
            let name = lambda_http::http::HeaderName::from_bytes(name);
            let value = lambda_http::http::HeaderValue::from_bytes(value);
            if let (Ok(name), Ok(value)) = (name, value) {
                builder = builder.header(name, value);
            }
        }
        let request = Request::new(builder.body(lambda_http::Body::Binary(input.to_vec())).unwrap());
        let _ = request.shopper(&origins).map(|shopper| shopper.tokens.iter().map(Token::number).count());
        let _ = request.currency();
        let _ = request.accepted(&["application/json", "text/csv"]).map_err(|error| error.to_string());
        let _ = request.base_url("/cart/add");
        read_body(&request);
    });
}

/// Events of API Gateway's, and what is none.
#[test]
fn events() {
    let origins = origins();
    let seeds = [
        r#"{"version":"2.0","routeKey":"POST /cart/add","rawPath":"/cart/add","rawQueryString":"a=b&c","cookies":["a=b","cart_token=AAECAwQFBgcICQoLDA0ODw"],"headers":{"host":"shop.example:443","x-forwarded-proto":"https,http","content-type":"application/json"},"requestContext":{"domainName":"id.example","http":{"method":"POST","path":"/cart/add","sourceIp":"192.0.2.1"},"stage":"$default","timeEpoch":1},"body":"e30=","isBase64Encoded":true}"#,
        r#"{"rawPath":"//x/ü\u0000?#%zz","headers":{"Host":"[::1","x-forwarded-proto":"\u0000","cookie":"a\n"},"requestContext":{"http":{"method":"get post"},"stage":"prod"},"body":null}"#,
        "null",
    ];
    fuzz("events", &seeds, |input| {
        let request = Request::new(web::request_of_event(&String::from_utf8_lossy(input)));
        let _ = request.shopper(&origins).map(|shopper| shopper.expected.allows(3));
        let _ = (request.base_url("/cart/add"), request.last_segment().len(), request.query("a"));
        let _ = request.refuse_other_queries(&["a"]);
        read_body(&request);
    });
}

#[test]
fn tokens_and_numbers() {
    let seeds = ["AAECAwQFBgcICQoLDA0ODw", "be45cb2605bf36bebde684841a28f0fd", "price_1OaBcDEfGhIjKlMnOpQr0001", "usd"];
    fuzz("tokens_and_numbers", &seeds, |input| {
        let text = String::from_utf8_lossy(input);
        if let Ok(token) = text.parse::<Token>() {
            assert_eq!(token.reveal(), text);
        }
        if let Ok(number) = text.parse::<CartNumber>() {
            assert_eq!(number.to_string(), text);
        }
        let _ = text.parse::<cart::PriceId>();
        let _ = text.parse::<cart::Currency>();
    });
}

#[test]
fn webhook_signatures() {
    let secrets = WebhookSecrets::usable("whsec_a0123456789abcdef,whsec_b0123456789abcdef");
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    let seeds = [
        "t=1700000000,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd,v0=6ffbb59b",
        "t=-9223372036854775808,v1=00,v1=,v1=zz",
        "t=9223372036854775807,t=1700000000,v1=00",
    ];
    fuzz("webhook_signatures", &seeds, |input| {
        let header = String::from_utf8_lossy(input);
        assert!(secrets.verify(Some(&header), input, now).is_err(), "only Stripe can sign");
    });
}

/// Events with a right signature and any content.
#[test]
fn webhook_events() {
    let secret = "whsec_a0123456789abcdef";
    let secrets = WebhookSecrets::usable(secret);
    let seeds = [
        r#"{"id":"evt_1","type":"checkout.session.completed","created":1,"data":{"object":{"id":"cs_1","status":"complete","payment_status":"paid","mode":"payment","currency":"usd","amount_total":2790,"metadata":{"stripe_payments_cart_number":"be45cb2605bf36bebde684841a28f0fd"},"payment_intent":{"id":"pi_1","latest_charge":{"id":"ch_1","amount_refunded":100}},"customer_details":{"address":{"line1":null}}}}}"#,
        r#"{"id":"evt_2","type":"price.updated","created":9223372036854775807,"data":{"object":{"id":"price_a","active":true,"currency":"usd","product":"prod_a","type":"recurring","recurring":{"interval":"month","interval_count":3},"unit_amount":1200,"unit_amount_decimal":"0.000000000001","tiers":[{"up_to":null,"flat_amount":1}],"transform_quantity":{"divide_by":0,"round":"up"}}}}"#,
        r#"{"id":"evt_3","type":"product.deleted","created":-1,"data":{"object":{"id":"prod_a","active":false,"images":[],"metadata":{"enupal-sync":"1"},"package_dimensions":null}}}"#,
        r#"{"id":"evt_5","type":"charge.dispute.created","created":1,"data":{"object":{"id":"du_1","payment_intent":"pi_1","amount":-1}}}"#,
        r#"{"id":"evt_6","type":"payment_intent.canceled","created":1,"data":{"object":{"id":"pi_1","latest_charge":{"id":"ch_1"}}}}"#,
        r#"{"id":"evt_4","type":"charge.refunded","created":1,"data":{"object":{"id":"ch_1","payment_intent":"pi_1","amount_refunded":-1}}}"#,
        r#"{"id":"evt_5","object":"v2.core.event","type":"v2.core.event_destination.ping","created":"2026-11-22T12:00:00.000Z","related_object":{"id":"ed_1"}}"#,
    ];
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    fuzz("webhook_events", &seeds, |input| {
        let signature = stripe_signature(secret, 1_700_000_000, input);
        match secrets.verify(Some(&signature), input, now) {
            Ok(Some(event)) => {
                let _ = (event.session(), event.field("payment_intent"), event.is_of_own_account());
                read_object(input);
            }
            Ok(None) => assert!(serde_json::from_slice::<IgnoredAny>(input).is_ok()),
            Err(error) => {
                assert_eq!(error, VerifyError::NotJson);
                assert!(serde_json::from_slice::<IgnoredAny>(input).is_err());
            }
        }
    });
}

/// Reads the object of an event as if Stripe had answered it.
fn read_object(event: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Value>(event) else { return };
    let object = &event["data"]["object"];
    if let Ok(session) = Session::deserialize(object) {
        let _ = (session.checkout(), session.expiry(), session.buyer(), session.ship_to());
        let _ = (session.discount(), session.tax(), session.shipping_amount());
        let charge = session.payment().and_then(payments::PaymentIntent::charge);
        let _ = charge.map(|charge| (charge.captured(), charge.refunded(), charge.is_disputed()));
        let _ = session.amounts();
    }
    if let Ok(price) = Price::deserialize(object) {
        let _ = price.recurrence();
        for currency in price.currencies().collect::<Vec<_>>() {
            for quantity in [0, 1, 7, 999_999] {
                let _ = price.amount(quantity, currency);
            }
        }
    }
    let _ = Product::deserialize(object);
}
