//! Who may open a cart.

use fixtures::{Answer, Shop};
use reqwest::Method;
use serde_json::{Value, json};

async fn post(shop: &Shop, headers: &[(&str, &str)]) -> Answer {
    shop.visitor().post_with(headers, "/cart/add", json!({ "items": [{ "price": "price_mug" }] })).await
}

/// The cookie with which an answer hands the cart's token to a browser, as the browser sends it back.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

async fn cart(shop: &Shop, headers: &[(&str, &str)]) -> Value {
    shop.send(Method::GET, "/cart", headers, Vec::new()).await.ok()
}

#[tokio::test]
async fn cookie_and_header_open_the_same_cart() {
    let shop = Shop::open().await;
    let first = post(&shop, &[]).await;
    let cookie = cookie(&first);
    let token = first.header("cart-token").unwrap().to_owned();

    let by_cookie = cart(&shop, &[("cookie", &format!("a=b; {cookie}; c=d"))]).await;
    let by_header = cart(&shop, &[("cart-token", &token)]).await;

    assert_eq!(by_cookie["number"], first.json()["number"]);
    assert_eq!(by_header, by_cookie);
}

#[tokio::test]
async fn the_header_wins_over_the_cookie() {
    let shop = Shop::open().await;
    let [mine, other] = [post(&shop, &[]).await, post(&shop, &[]).await];
    let cookie = cookie(&other);

    let opened = cart(&shop, &[("cookie", &cookie), ("cart-token", mine.header("cart-token").unwrap())]).await;

    assert_eq!(opened["number"], mine.json()["number"]);
}

#[tokio::test]
async fn an_unknown_token_is_never_adopted() {
    let shop = Shop::open().await;
    let unknown = "AAECAwQFBgcICQoLDA0ODw";

    let answer = post(&shop, &[("cart-token", unknown)]).await;

    assert_ne!(answer.header("cart-token"), Some(unknown));
    assert_eq!(answer.ok()["item_count"], 1);
    assert_eq!(cart(&shop, &[("cart-token", unknown)]).await["number"], Value::Null);
}

#[tokio::test]
async fn a_number_opens_nothing() {
    let shop = Shop::open().await;
    let number = post(&shop, &[]).await.ok()["number"].as_str().unwrap().to_owned();

    let by_header = shop.send(Method::GET, "/cart", &[("cart-token", &number)], Vec::new()).await;
    let by_cookie = cart(&shop, &[("cookie", &format!("cart_token={number}"))]).await;

    assert_eq!(by_header.error(400), "invalid_header");
    assert_eq!(by_cookie["number"], Value::Null);
}

#[tokio::test]
async fn a_broken_cookie_counts_as_none() {
    let shop = Shop::open().await;

    for cookie in ["cart_token=", "cart_token", "=;;=", "cart_token=%%%", "cart_token=a b", "other=1"] {
        let answer = post(&shop, &[("cookie", cookie)]).await;
        assert_eq!(answer.ok()["item_count"], 1, "{cookie}");
    }
}

#[tokio::test]
async fn a_neighbour_cookie_of_any_bytes_does_not_hide_the_token() {
    let shop = Shop::open().await;
    let first = post(&shop, &[]).await;
    let cookie = cookie(&first);

    for cookies in [format!("name=Zoë; {cookie}"), format!("{cookie};name=Zoë"), format!("a; ;{cookie}")] {
        assert_eq!(cart(&shop, &[("cookie", &cookies)]).await["number"], first.json()["number"], "{cookies}");
    }
}

#[tokio::test]
async fn a_blank_header_counts_as_absent() {
    let shop = Shop::open().await;
    let first = post(&shop, &[]).await;
    let cookie = cookie(&first);

    for name in ["cart-token", "x-currency", "x-moltin-currency", "if-match", "idempotency-key"] {
        for blank in ["", "  "] {
            let answer = post(&shop, &[("cookie", &cookie), (name, blank)]).await;
            assert_eq!(answer.ok()["number"], first.json()["number"], "{name}");
        }
    }
}

#[tokio::test]
async fn if_match_with_a_star_means_any_cart() {
    let shop = Shop::open().await;
    let token = post(&shop, &[]).await.header("cart-token").unwrap().to_owned();

    let with_a_cart = post(&shop, &[("cart-token", &token), ("if-match", "*")]).await;
    let without_one = post(&shop, &[("if-match", "*")]).await;

    assert_eq!(with_a_cart.ok()["item_count"], 2);
    assert_eq!(without_one.error(412), "version_mismatch");
}

/// Source: <https://www.rfc-editor.org/rfc/rfc9110#name-if-match>
#[tokio::test]
async fn if_match_takes_a_list_weak_tags_and_those_of_a_compressed_answer() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let mut version = 1;
    let fitting =
        ["\"V\"", "W/\"V\"", "\"V-gzip\"", "W/\"V--gzip\"", "\"0\", \"V\"", "\"V-br\",W/\"999\"", "\"V\" , ,\"V\","];
    for tags in fitting {
        let tags = tags.replace('V', &version.to_string());
        for path in ["/cart/checkout", "/cart/update"] {
            let body = json!({ "metadata": { "version": version } });
            let answer = visitor.post_with(&[("if-match", &tags)], path, body).await;
            assert_eq!(answer.status, 200, "{path} {tags}: {}", answer.text);
        }
        version += 1;
    }
    for stale in ["\"1\"", "W/\"1-gzip\"", "\"1\", \"2\"", "\"999\", \"1\""] {
        for path in ["/cart/checkout", "/cart/update", "/cart/clear"] {
            let answer = visitor.post_with(&[("if-match", stale)], path, json!({})).await;
            assert_eq!(answer.error(412), "version_mismatch", "{path} {stale}");
            assert_eq!(answer.json()["details"]["version"], version, "{path} {stale}");
        }
    }
    for malformed in ["3", "\"\"", "\"-gzip\"", "\"3", ",", "\"3\";\"4\"", "*, \"3\"", "\"3-g z\"", "w/\"3\"", "\"+3\""]
    {
        let answer = visitor.post_with(&[("if-match", malformed)], "/cart/clear", json!({})).await;
        assert_eq!(answer.error(400), "invalid_header", "{malformed}");
    }
    // Without a cart no version is the one, and a repetition is known by its key, whatever has changed since.
    let none = shop.visitor().post_with(&[("if-match", "\"1\", \"2\"")], "/cart/update", json!({})).await;
    assert_eq!(none.error(412), "version_mismatch");
    let tags = format!("\"0\", \"{version}\"");
    for _ in 0..2 {
        let keyed = [("if-match", &*tags), ("idempotency-key", "list")];
        visitor.post_with(&keyed, "/cart/update", json!({ "metadata": { "once": "more" } })).await.ok();
    }
    assert_eq!(visitor.cart().await["version"], version + 1);
}

#[tokio::test]
async fn a_request_without_a_host_is_answered() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let shop = Shop::open().await;
    let token = post(&shop, &[]).await.header("cart-token").unwrap().to_owned();

    for path in ["/cart/add", "/cart/checkout"] {
        let mut stream =
            tokio::net::TcpStream::connect(shop.stack().url().trim_start_matches("http://")).await.unwrap();
        let body = r#"{"items":[{"price":"price_mug"}]}"#;
        let head = [
            format!("POST {path} HTTP/1.0"),
            format!("cart-token: {token}"),
            "content-type: application/json".to_owned(),
            format!("content-length: {}", body.len()),
        ];
        stream.write_all(format!("{}\r\n\r\n{body}", head.join("\r\n")).as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();

        assert_eq!(answer.split(' ').nth(1), Some("200"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_browser_posts_only_from_the_shops_own_pages() {
    let shop = Shop::open_with([("ALLOWED_ORIGINS", "https://shop.example, https://www.shop.example")]).await;
    let first = post(&shop, &[]).await;
    let cookie = cookie(&first);
    let own = shop.stack().url().to_owned();
    let other_scheme = own.replace("http://", "https://");
    let no_scheme = own.replace("http://", "://");

    let with_port = "https://www.Shop.example:443";
    for origin in [own.as_str(), "https://shop.example", "https://www.shop.example", with_port] {
        assert_eq!(post(&shop, &[("cookie", &cookie), ("origin", origin)]).await.status, 200, "{origin}");
    }
    for origin in [
        "https://evil.example",
        "null",
        "https://shop.example.evil.example",
        "http://shop.example",
        "",
        &other_scheme,
        &no_scheme,
    ] {
        let answer = post(&shop, &[("cookie", &cookie), ("origin", origin)]).await;
        assert_eq!(answer.error(403), "foreign_origin", "{origin}");
    }
    assert_eq!(cart(&shop, &[("cookie", &cookie)]).await["item_count"], 5);
}

/// What a browser says of a request that a page makes it send. No page can change it.
///
/// Source: <https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header>
#[tokio::test]
async fn a_browser_knows_which_pages_are_of_the_same_origin() {
    let shop = Shop::open_with([("ALLOWED_ORIGINS", "https://shop.example")]).await;
    let (site, origin) = ("sec-fetch-site", "origin");
    // Behind a proxy that rewrites `Host`, and where nothing is known of an origin.
    for headers in [
        vec![(site, "same-origin"), (origin, "https://www.elsewhere.example")],
        vec![(site, "same-origin"), (origin, "null")],
        vec![(site, "same-origin")],
        vec![(site, "same-site"), (origin, "https://shop.example")],
        vec![(site, "cross-site"), (origin, "https://shop.example")],
        vec![(site, "none")],
        vec![],
    ] {
        for path in ["/cart/add", "/cart/update", "/cart/clear", "/enupal-stripe/cart/update"] {
            let body = json!({ "items": [{ "price": "price_mug" }] });
            assert_eq!(shop.visitor().post_with(&headers, path, body).await.status, 200, "{path} {headers:?}");
        }
    }
    for headers in [
        vec![(site, "cross-site"), (origin, "https://www.elsewhere.example")],
        vec![(site, "same-site"), (origin, "https://www.elsewhere.example")],
        vec![(site, "none"), (origin, "https://www.elsewhere.example")],
        vec![(origin, "https://www.elsewhere.example")],
        vec![(site, "same-site")],
        vec![(site, "cross-site")],
    ] {
        for path in ["/cart/add", "/cart/update", "/cart/clear", "/cart/checkout"] {
            let answer = shop.visitor().post_with(&headers, path, json!({})).await;

            assert_eq!(answer.error(403), "foreign_origin", "{path} {headers:?}");
            let details = &answer.json()["details"];
            let named = headers.iter().find(|(name, _)| *name == origin).map(|(_, value)| json!(value));
            assert_eq!(
                (&details["origin"], &details["setting"]),
                (&named.unwrap_or_default(), &json!("ALLOWED_ORIGINS"))
            );
            assert!(answer.json()["message"].as_str().unwrap().contains("ALLOWED_ORIGINS"), "{}", answer.text);
        }
    }
}

/// The first line of the answer to a request with this head.
async fn answered(shop: &Shop, head: &[u8]) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let address = shop.stack().url().trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(&[head, b"connection: close\r\n\r\n"].concat()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

/// Source: <https://www.rfc-editor.org/rfc/rfc9112#section-3.2>
#[tokio::test]
async fn no_host_forwarding_header_or_query_ends_a_request() {
    let shop = Shop::open().await;
    let paths = [
        "GET /cart",
        "POST /cart/add",
        "POST /cart/checkout",
        "GET /products",
        "GET /finish-order",
        "POST /stripe/webhook",
    ];
    for path in paths {
        for host in ["a b", "[::1", "127.0.0.1:99999", "<script>", "a/b", "user@host", "é"] {
            let line = answered(&shop, format!("{path} HTTP/1.1\r\nhost: {host}\r\n").as_bytes()).await;
            assert!(line.starts_with("HTTP/1.1 400"), "{path} {host}: {line}");
        }
        for host in ["xn--a", "a..b", "999.1.1.1", "", "127.0.0.1:443"] {
            let line = answered(&shop, format!("{path} HTTP/1.1\r\nhost: {host}\r\n").as_bytes()).await;
            assert!(!line.starts_with("HTTP/1.1 5") && line.starts_with("HTTP/1.1 "), "{path} {host}: {line}");
        }
    }
    for header in [
        "x-forwarded-proto: https,http",
        "x-forwarded-proto:",
        "x-forwarded-proto: a b",
        "x-forwarded-host: a b:99999",
        "x-forwarded-for: unknown, [::1",
        "x-forwarded-port: https",
    ] {
        let line = answered(&shop, format!("GET /cart HTTP/1.1\r\nhost: a\r\n{header}\r\n").as_bytes()).await;
        assert!(line.starts_with("HTTP/1.1 200"), "{header}: {line}");
    }
    for query in ["a=<b>", "a=\"b\"", "a=%zz&%", "a=ü", "a={b}|c", "limit=1&limit=%ff"] {
        let line = answered(&shop, format!("GET /products?{query} HTTP/1.1\r\nhost: a\r\n").as_bytes()).await;
        assert!(line.starts_with("HTTP/1.1 2") || line.starts_with("HTTP/1.1 4"), "{query}: {line}");
    }
}

#[tokio::test]
async fn allowed_origins_get_cors_headers_and_others_do_not() {
    let shop = Shop::open_with([("ALLOWED_ORIGINS", "https://shop.example")]).await;
    let ask = [("origin", "https://shop.example"), ("access-control-request-method", "POST")];

    let preflight = shop.send(Method::OPTIONS, "/cart/add", &ask, Vec::new()).await;
    let foreign = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
    let refused = shop.send(Method::OPTIONS, "/cart/add", &foreign, Vec::new()).await;
    let answer = post(&shop, &[("origin", "https://shop.example")]).await;

    assert_eq!(preflight.header("access-control-allow-origin"), Some("https://shop.example"));
    assert_eq!(preflight.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(preflight.header("access-control-allow-methods"), Some("GET,HEAD,POST,DELETE,OPTIONS"));
    for name in ["cart-token", "shopper", "if-none-match"] {
        assert!(preflight.header("access-control-allow-headers").unwrap().contains(name));
    }
    assert_eq!(refused.header("access-control-allow-origin"), None);
    assert_eq!(answer.header("access-control-expose-headers"), Some("Cart-Token,ETag,Retry-After"));
}

const DEAD: &str = "AAECAwQFBgcICQoLDA0ODw";
const NAMES: [&str; 2] = ["__Host-cart_token", "cart_token"];

/// The cookies that an answer sets, as they are.
fn set(answer: &Answer) -> Vec<&str> {
    answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect()
}

/// A browser sends the older one of two cookies of a name first.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc6265#section-5.4>
#[tokio::test]
async fn the_first_token_that_opens_a_cart_counts() {
    let shop = Shop::open().await;
    let paid = shop.add("price_mug", 1).await;
    let session = paid.checkout().await.ok();
    shop.pay(&session).await;
    let [paid, mine, other] = [paid, shop.add("price_mug", 1).await, shop.add("price_mug", 5).await];
    let (number, paid_number) = (mine.number().await, paid.number().await);
    let [paid, mine, other] = [paid, mine, other].map(|visitor| visitor.token().unwrap());
    for name in NAMES {
        for tokens in [
            vec![DEAD, &mine],
            vec![&paid, &mine],
            vec![DEAD, &paid, &mine],
            vec!["AAECAwQFBgcICQoLDA0ODQ", DEAD, &paid, &mine],
            vec![&mine, &other],
            vec![&mine, &mine],
        ] {
            let cookies: Vec<_> = tokens.iter().map(|token| format!("{name}={token}")).collect();
            let cookies = [("cookie", &*cookies.join("; "))];

            let shown = cart(&shop, &cookies).await;
            let session = shop.visitor().post_with(&cookies, "/cart/checkout", Value::Null).await.ok();
            let changed = post(&shop, &cookies).await;

            assert_eq!([&shown["number"], &changed.ok()["number"]], [&number, &number], "{tokens:?}");
            assert_eq!(session["metadata"]["stripe_payments_cart_number"], json!(number), "{tokens:?}");
            assert_eq!(changed.header("cart-token"), Some(&*mine));
        }
        // Only four are tried.
        let many = format!(
            "{name}=AAECAwQFBgcICQoLDA0ODA; {name}=AAECAwQFBgcICQoLDA0ODQ; {name}={DEAD}; {name}={paid}; {name}={mine}"
        );
        assert_eq!(cart(&shop, &[("cookie", &many)]).await["number"], json!(paid_number));
        // Where none is open, a paid one is shown, and its checkout says so.
        let closed = [("cookie", &*format!("{name}={DEAD}; {name}={paid}"))];
        assert_eq!(cart(&shop, &closed).await["status"], "completed");
        assert_eq!(shop.visitor().post_with(&closed, "/cart/checkout", Value::Null).await.error(409), "cart_closed");
    }
    // Any host of the domain can set the old name: the new one is tried first.
    let both = format!("cart_token={other}; __Host-cart_token={mine}");
    assert_eq!(cart(&shop, &[("cookie", &both)]).await["number"], json!(number));
}

#[tokio::test]
async fn a_cookie_of_the_old_name_opens_its_cart_and_is_ended() {
    for same_site in ["Lax", "None"] {
        let shop = Shop::open_with([("COOKIE_SAME_SITE", same_site)]).await;
        let visitor = shop.add("price_mug", 1).await;
        let (number, token) = (visitor.number().await, visitor.token().unwrap());

        let answer = post(&shop, &[("cookie", &format!("cart_token={token}"))]).await;

        assert_eq!(answer.ok()["number"], json!(number));
        let set = set(&answer);
        assert!(
            set[0].starts_with(&format!("__Host-cart_token={token}; HttpOnly; Secure; SameSite={same_site};")),
            "{set:?}"
        );
        let ended = |more| format!("cart_token=; HttpOnly; Secure; SameSite={same_site}{more}; Path=/; Max-Age=0");
        assert_eq!(set[1..], [ended(""), ended("; Partitioned")]);
        let again = post(&shop, &[("cookie", &format!("__Host-cart_token={token}"))]).await;
        assert_eq!(again.headers.get_all("set-cookie").iter().count(), 1);
    }
}

#[tokio::test]
async fn a_shared_computer_forgets_the_cart() {
    let shop = Shop::open().await;
    for (content_type, body, forgets) in [
        ("application/json", r#"{"forget":true}"#, true),
        ("application/x-www-form-urlencoded", "forget=1", true),
        ("application/json", r#"{"forget":false}"#, false),
        ("application/json", r#"{"forget":null}"#, false),
        ("application/x-www-form-urlencoded", "forget=", false),
    ] {
        for name in NAMES {
            let token = shop.add("price_mug", 1).await.token().unwrap();
            let headers = [("cookie", &*format!("{name}={token}")), ("content-type", content_type)];

            let answer = shop.send(Method::POST, "/cart/clear", &headers, body.into()).await;

            assert_eq!(answer.ok()["item_count"], 0);
            assert_eq!(answer.header("cart-token").is_some(), !forgets, "{body}");
            let kept = set(&answer).iter().any(|cookie| cookie.starts_with(&format!("__Host-cart_token={token}")));
            assert_eq!(kept, !forgets, "{body}: {:?}", set(&answer));
            let ended = set(&answer).iter().any(|cookie| cookie.starts_with(&format!("{name}=;")));
            assert_eq!(ended, forgets || name == "cart_token", "{body}: {:?}", set(&answer));
        }
    }
    let nothing = shop.visitor().post("/cart/clear", json!({ "forget": true })).await;
    assert!(set(&nothing)[0].starts_with("__Host-cart_token=;"), "{:?}", set(&nothing));
    let wrong = shop.visitor().post("/cart/clear", json!({ "forget": "perhaps" })).await;
    assert_eq!(wrong.error(400), "invalid_field");
}

/// Where the name is no loopback's, a browser keeps no `Secure` cookie of plain http.
#[tokio::test]
async fn plain_http_from_elsewhere_gets_a_cookie_that_browsers_keep() {
    let shop = Shop::open().await;
    for (host, is_loopback) in
        [("localhost:3000", true), ("[::1]:3000", true), ("192.168.0.2:3000", false), ("shop.lan", false)]
    {
        let answer = post(&shop, &[("host", host)]).await;

        let token = answer.header("cart-token").unwrap();
        let cookie = if is_loopback {
            format!("__Host-cart_token={token}; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=604800")
        } else {
            format!("cart_token={token}; HttpOnly; SameSite=Lax; Path=/; Max-Age=604800")
        };
        assert_eq!(set(&answer), [&cookie], "{host}");
        let sent = cookie.split(';').next().unwrap();
        assert_eq!(cart(&shop, &[("host", host), ("cookie", sent)]).await["item_count"], 1);
    }
}

#[tokio::test]
async fn a_cross_site_shop_gets_a_cross_site_cookie() {
    let shop = Shop::open_with([("COOKIE_SAME_SITE", "None"), ("CART_TTL_DAYS", "1")]).await;

    let answer = post(&shop, &[]).await;

    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.ends_with("; HttpOnly; Secure; SameSite=None; Partitioned; Path=/; Max-Age=86400"), "{cookie}");
}
