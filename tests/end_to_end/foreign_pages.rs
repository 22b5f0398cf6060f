//! What pages of other sites have a browser on a laptop send to the servers of `cargo run`.

use local::{Options, Stack, StripeAt};
use reqwest::{Client, Method, StatusCode};

/// A request that would be answered, or refused for another reason, if it came from this machine.
#[derive(Clone, Copy)]
struct Aim<'a> {
    method: &'a str,
    server: &'a str,
    path: &'a str,
    /// DynamoDB's operation, and its body.
    operation: Option<(&'a str, &'a str)>,
}

async fn send(client: &Client, aim: Aim<'_>, host: &str, origin: Option<&str>) -> StatusCode {
    let method: Method = aim.method.parse().unwrap();
    let mut request = client.request(method, format!("{}{}", aim.server, aim.path)).header("host", host);
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    if let Some((operation, body)) = aim.operation {
        let signature = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
            SignedHeaders=host, Signature=00";
        request = request
            .header("authorization", signature)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-date", "20260101T000000Z")
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .body(body.to_owned());
    }
    request.send().await.unwrap().status()
}

#[tokio::test(flavor = "multi_thread")]
async fn they_reach_neither_the_database_nor_the_sandbox_nor_admin() {
    // Not a shop: its database may be one that tests share.
    let stack = Stack::start(Options::default()).await.unwrap();
    let StripeAt::Sandbox(sandbox) = stack.stripe() else { panic!("there is no key of Stripe's") };
    let (api, dynamodb, stripe) = (stack.url(), stack.dynamodb_url(), sandbox.url());
    let aim = |method, server, path| Aim { method, server, path, operation: None };
    let call = |operation, body| Aim { operation: Some((operation, body)), ..aim("POST", dynamodb, "/") };
    let aims = [
        call("ListTables", "{}"),
        call("DeleteTable", r#"{ "TableName": "orders" }"#),
        aim("GET", dynamodb, "/"),
        aim("OPTIONS", dynamodb, "/"),
        aim("GET", &stripe, "/"),
        aim("GET", &stripe, "/c/pay/cs_1"),
        aim("POST", &stripe, "/c/pay/cs_1"),
        aim("POST", &stripe, "/c/settle/cs_1"),
        aim("GET", &stripe, "/r/token"),
        aim("POST", &stripe, "/v1/products"),
        aim("GET", api, "/admin"),
        aim("POST", api, "/admin/sync"),
        aim("GET", api, "/admin/orders"),
        aim("GET", api, "/admin/orders/55a109cdfba5b6648676ee8c21e22322"),
        aim("POST", api, "/admin/anonymise"),
    ];
    let client = Client::new();

    for aim in aims {
        let port = aim.server.rsplit_once(':').unwrap().1;
        let named = |host: &str| format!("{host}:{port}");
        for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.168.0.1"].map(named) {
            for origin in [None, Some(format!("http://{host}")), Some(aim.server.to_owned())] {
                let status = send(&client, aim, &host, origin.as_deref()).await;
                assert_eq!(status, 403, "{} {} as {host} from {origin:?}", aim.method, aim.path);
            }
        }
        for host in ["127.0.0.1", "localhost", "[::1]"].map(named) {
            for origin in ["https://evil.example", "http://localhost.evil.example", "null"] {
                let status = send(&client, aim, &host, Some(origin)).await;
                assert_eq!(status, 403, "{} {} as {host} from {origin}", aim.method, aim.path);
            }
            // What deletes is not tried: it was refused above, and what it would delete is looked for below.
            if aim.operation.is_some_and(|(operation, _)| operation == "DeleteTable") {
                continue;
            }
            for origin in [None, Some("http://localhost:5173"), Some(aim.server)] {
                let status = send(&client, aim, &host, origin).await;
                assert_ne!(status, 403, "{} {} as {host} from {origin:?}", aim.method, aim.path);
            }
        }
    }
    let tables = stack.services().database.client().list_tables().send().await.unwrap();
    assert_eq!(tables.table_names(), ["carts", "catalog", "order-index", "orders"]);
}

/// A tunnel brings Stripe's events under its own name, and pages of other origins are the business of `ALLOWED_ORIGINS`.
#[tokio::test]
async fn the_shop_itself_may_be_reached_under_any_name() {
    let stack = Stack::start(Options::default()).await.unwrap();

    for path in ["/cart", "/products", "/", "/administer"] {
        let aim = Aim { method: "GET", server: stack.url(), path, operation: None };
        let status = send(&Client::new(), aim, "shop.example", Some("https://front.example")).await;

        assert_ne!(status, 403, "{path}");
    }
}
