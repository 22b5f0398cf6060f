//! `GET /admin/orders` and `GET /admin/orders/{number}`.

use std::collections::{BTreeMap, BTreeSet};

use cart::{Address, Customer, Dispute, Mark, Money, Order, OrderNumber, OrderStatus, Timestamp};
use fixtures::{Answer, Shop};
use reqwest::Method;
use serde_json::{Value, json};
use store::{Carts, NewOrder, OrderIndex, Orders, Placed};

/// What orders are written with, beside the shop.
pub(crate) struct Ledger {
    orders: Orders,
    index: OrderIndex,
    carts: Carts,
    template: Order,
}

impl Ledger {
    /// A ledger for a shop that has sold one mug. All other orders are copies of that one.
    pub(crate) async fn of(shop: &Shop) -> Self {
        let session = shop.add("price_mug", 2).await.checkout().await.ok();
        let number = shop.pay(&session).await.parse().unwrap();
        // On wires it is not sent.
        shop.deliver(&shop.event("checkout.session.completed")).await.ok();
        let services = shop.stack().services();
        let orders = Orders::new(&services.database, &services.environment).unwrap();
        let template = orders.find(number).await.unwrap().unwrap();
        let index = OrderIndex::new(&services.database, &services.environment).unwrap();
        let carts = Carts::new(&services.database, &services.environment).unwrap();
        Self { orders, index, carts, template }
    }

    /// Another order, of the session of this name, before it is written.
    pub(crate) fn order(&self, name: impl std::fmt::Display) -> Order {
        let session = format!("cs_test_{name}").parse().unwrap();
        let mut order = self.template.clone();
        order.number = OrderNumber::of_session(&session);
        order.reference = cart::Reference::of_number(order.number);
        order.payment.session = session;
        order.payment.payment_intent = Some(format!("pi_{name}").parse().unwrap());
        order
    }

    /// Writes it. Returns its number.
    pub(crate) async fn write(&self, order: &Order) -> String {
        let new = NewOrder { order, news: None, payments: &[] };
        // Placed at the same time, orders get in each other's way in no row; the embedded database has its own opinion.
        while self.orders.place(new, &self.index, &self.carts, None).await.unwrap() != Placed::New {}
        order.number.to_string()
    }
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// All pages of a list, by the cursors of the answers.
async fn pages(shop: &Shop, query: &str) -> Vec<Vec<Value>> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = shop.get(&format!("/admin/orders?cursor={cursor}&{query}")).await.ok();
        pages.push(page["data"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            None => return pages,
            Some(next) => next.clone_into(&mut cursor),
        }
    }
}

fn numbers(orders: &[Value]) -> Vec<String> {
    orders.iter().map(|order| order["number"].as_str().unwrap().to_owned()).collect()
}

async fn listed(shop: &Shop, query: &str) -> Vec<String> {
    numbers(&pages(shop, query).await.concat())
}

async fn in_form(shop: &Shop, path: &str, accept: &str) -> Answer {
    shop.send(Method::GET, path, &[("accept", accept)], Vec::new()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_orders_are_paged_while_new_ones_arrive_and_each_comes_once() {
    const ORDERS: usize = 10_000;
    let shop = Shop::open().await;
    let ledger = &Ledger::of(&shop).await;
    let start = ledger.template.created_at.as_second();
    let stored = shop.table("ORDERS_TABLE").get(&ledger.template.number.to_string()).await.unwrap();
    let mut before = BTreeSet::from([ledger.template.number.to_string()]);
    let (mut rows, mut ways) = (Vec::new(), Vec::new());
    for index in 0..ORDERS - 1 {
        let mut order = ledger.order(index);
        // Many of one second, as in a sale.
        order.created_at = Timestamp::from_second(start - i64::try_from(index / 30).unwrap()).unwrap();
        // Written as they are stored: ten thousand transactions take their time.
        let mut document: Value = serde_json::from_str(stored["order"]["S"].as_str().unwrap()).unwrap();
        document["number"] = json!(order.number);
        document["created_at"] = json!(order.created_at);
        let mut row = stored.clone();
        row["number"] = json!({ "S": order.number });
        row["order"] = json!({ "S": document.to_string() });
        if index.is_multiple_of(4_000) {
            row["status"] = json!({ "S": "authorized" });
        }
        rows.push(row);
        let place = format!("{}#{}", order.created_at, order.number);
        ways.push(json!({ "way": { "S": "time" }, "order": { "S": place } }));
        before.insert(order.number.to_string());
    }
    shop.table("ORDERS_TABLE").put_all(&rows).await;
    shop.table("ORDER_INDEX_TABLE").put_all(&ways).await;
    assert_eq!(before.len(), ORDERS);

    let mut seen = Vec::new();
    let mut arrived = 0;
    let mut cursor = String::new();
    loop {
        let path = format!("/admin/orders?cursor={cursor}&limit=100");
        let arriving = async {
            for index in 0..3 {
                let mut order = ledger.order(format_args!("new{arrived}x{index}"));
                order.created_at = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
                ledger.write(&order).await;
            }
        };
        let (page, ()) = tokio::join!(shop.get(&path), arriving);
        arrived += 1;
        let page = page.ok();
        seen.extend(numbers(page["data"].as_array().unwrap()));
        match page["next_cursor"].as_str() {
            None => break,
            Some(next) => next.clone_into(&mut cursor),
        }
    }

    let distinct: BTreeSet<_> = seen.iter().cloned().collect();
    assert_eq!(distinct.len(), seen.len(), "no order comes twice");
    assert!(distinct.is_superset(&before), "no order is left out");
    assert!(arrived >= 100, "{arrived}");

    // Few of many are looked for: a page ends without them, and the next one goes on.
    let held = pages(&shop, "status=authorized&limit=100").await;
    assert_eq!(held.concat().len(), 3);
    assert!(held.len() >= ORDERS / 500, "{} pages", held.len());
}

#[tokio::test]
async fn a_list_has_what_it_is_asked_for_newest_first() {
    let shop = Shop::open().await;
    let ledger = Ledger::of(&shop).await;
    let mut written = Vec::new();
    for (name, time, email, status) in [
        ("a", "2026-01-01T00:00:00Z", Some("ann@example.com"), OrderStatus::Paid),
        ("b", "2026-01-01T23:59:59Z", Some(" ANN@Example.com"), OrderStatus::Refunded),
        ("c", "2026-01-02T00:00:00Z", Some("bob@example.com"), OrderStatus::Paid),
        ("d", "2026-01-02T12:00:00Z", None, OrderStatus::Authorized),
        ("e", "2026-01-03T00:00:00Z", Some("ann@example.com"), OrderStatus::Paid),
    ] {
        let mut order = ledger.order(name);
        order.created_at = at(time);
        order.customer.email = email.map(str::to_owned);
        order.standing.status = status;
        written.push(ledger.write(&order).await);
    }
    let named =
        |names: &str| -> Vec<String> { names.bytes().map(|name| written[usize::from(name - b'a')].clone()).collect() };
    let newest = ledger.template.number.to_string();

    for (query, expected) in [
        ("to=2026-02-01", "edcba"),
        ("from=2026-01-01&to=2026-01-02", "ba"),
        ("from=2026-01-01T23:59:59Z&to=2026-01-02", "b"),
        ("from=2026-01-02&to=2026-01-02T12:00:00Z", "c"),
        ("from=2026-01-02&to=2026-01-02T12:00:00.1Z", "dc"),
        ("from=2026-01-02T00:00:00.5Z&to=2026-01-03", "d"),
        ("from=2026-01-02T00%3A00%3A00%2B01%3A00&to=2026-01-02", "b"),
        ("from=2026-01-02&to=2026-01-02", ""),
        ("from=9999-12-31", ""),
        ("to=0001-01-01", ""),
        ("email=ann%40example.com", "eba"),
        ("email=%20Ann%40EXAMPLE.com%20", "eba"),
        ("email=nobody%40example.com", ""),
        ("email=ann%40example.com&from=2026-01-01T00:00:01Z&to=2026-01-03", "b"),
        ("status=authorized", "d"),
        ("status=paid&to=2026-02-01", "eca"),
        ("email=ann%40example.com&status=paid", "ea"),
        ("status=&from=&to=2026-02-01&cursor=&limit=", "edcba"),
    ] {
        for limit in ["", "&limit=1", "&limit=2"] {
            assert_eq!(listed(&shop, &format!("{query}{limit}")).await, named(expected), "{query}{limit}");
        }
    }
    assert_eq!(listed(&shop, "").await, [vec![newest], named("edcba")].concat());
}

#[tokio::test]
async fn a_full_page_is_followed_by_one_only_if_there_is_more() {
    let shop = Shop::open().await;
    let ledger = Ledger::of(&shop).await;
    for index in 0..2 {
        ledger.write(&ledger.order(index)).await;
    }

    for (limit, sizes) in [(1, vec![1, 1, 1]), (2, vec![2, 1]), (3, vec![3]), (4, vec![3])] {
        let pages = pages(&shop, &format!("limit={limit}")).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), sizes, "{limit}");
    }
}

/// Lambda takes answers of 6 MB, as text within JSON.
#[tokio::test]
async fn a_page_ends_before_it_is_too_large() {
    let shop = Shop::open().await;
    let ledger = Ledger::of(&shop).await;
    let mut before = BTreeSet::from([ledger.template.number.to_string()]);
    for index in 0..60 {
        let mut order = ledger.order(index);
        // Quotes are two bytes in JSON, and four in a cell of a table.
        let values = (0..40).map(|key| (format!("key{key}"), "\"".repeat(2_000)));
        order.metadata = values.collect();
        before.insert(ledger.write(&order).await);
    }

    for accept in ["application/json", "text/csv", "application/x-ndjson"] {
        let (mut path, mut seen, mut pages) = ("/admin/orders?limit=100".to_owned(), Vec::new(), 0);
        loop {
            let answer = in_form(&shop, &path, accept).await;
            assert_eq!(answer.status, 200);
            let as_lambda_takes_it = json!({ "body": answer.text }).to_string().len();
            assert!(as_lambda_takes_it < 5_000_000, "{as_lambda_takes_it}");
            pages += 1;
            let found = before.iter().filter(|number| answer.text.contains(number.as_str()));
            seen.extend(found.cloned());
            let Some(link) = answer.header("link") else { break };
            link.strip_prefix('<').unwrap().split_once('>').unwrap().0.clone_into(&mut path);
        }
        assert!(pages > 3, "{accept}: {pages} pages");
        seen.sort();
        assert_eq!(seen, before.iter().cloned().collect::<Vec<_>>(), "{accept}");
    }
}

/// An order with all that can be stored. Texts begin as a formula does, and hold what a table has a meaning for.
fn full(ledger: &Ledger) -> Order {
    let mut order = ledger.order("full");
    let usd = |minor: i64| Money::new(minor, "usd".parse().unwrap());
    let text = |text: &str| Some(text.to_owned());
    let discounts = vec![cart::Discount {
        amount: usd(100),
        coupon: text("TEN"),
        promotion_code: text("promo_1"),
        code: text("TEN"),
    }];
    let taxes = vec![cart::Tax {
        amount: usd(7),
        rate: text("txr_1"),
        name: text("VAT"),
        percentage: Some("7.5".parse().unwrap()),
        jurisdiction: text("DE"),
        inclusive: true,
    }];
    let address = Address {
        line1: text("@1 \"Main\" St, left"),
        line2: text("two\r\nlines"),
        city: text("\tTown"),
        state: text("-"),
        postal_code: text("+1"),
        country: text("US"),
    };
    for line in &mut order.lines {
        line.line = Some(cart::LineId::kept("price_mug"));
        line.nickname = text("blue");
        line.description = text("for Ann");
        line.attributes = BTreeMap::from([("engraving".to_owned(), "Ann".to_owned())]);
        line.discounts.clone_from(&discounts);
        line.taxes.clone_from(&taxes);
    }
    let estimate = r#"{"minimum":{"unit":"day","value":1},"maximum":{"unit":"day","value":3}}"#;
    let dispute = r#"{"status":"needs_response","amount":5,"currency":"usd","reason":"general","due_by":1795348800}"#;
    let tax_id = r#"{"type":"eu_vat","value":"DE123456789"}"#;
    let field = r#"{"key":"greeting","label":"Greeting","type":"text","value":"Hello, Ann"}"#;
    order.standing.dispute = Some(serde_json::from_str::<Dispute>(dispute).unwrap());
    order.marks = vec![Mark::NoShipping, Mark::Disputed];
    order.discounts = discounts;
    order.taxes = taxes;
    order.shipping_option = Some(cart::ShippingOption {
        rate: text("shr_1"),
        name: text("Standard"),
        amount: usd(500),
        tax: usd(0),
        delivery_estimate: Some(serde_json::from_str(estimate).unwrap()),
    });
    order.presentment = Some(Money::new(2000_i64, "eur".parse().unwrap()));
    order.customer = Customer {
        id: Some("cus_1".parse().unwrap()),
        email: text("ann@example.com"),
        name: text("=HYPERLINK(\"https://evil.example\",\"Ann\")"),
        phone: text("+15555550100"),
        business_name: text("Ann's"),
        tax_ids: vec![serde_json::from_str(tax_id).unwrap()],
    };
    order.shopper = text("account-7");
    order.billing_address = Some(address.clone());
    order.shipping_name = text("Ann");
    order.shipping_address = Some(address);
    order.custom_fields = vec![serde_json::from_str(field).unwrap()];
    order.consent = Some(cart::Consent { promotions: text("opt_in"), terms_of_service: text("accepted") });
    order.metadata = BTreeMap::from([("is_gift".to_owned(), "yes".to_owned())]);
    order.payment.receipt_url = text("https://pay.stripe.com/receipts/1");
    order.payment.invoice = Some("in_1".parse().unwrap());
    order.invoice = Some(cart::Invoice {
        number: text("A-1"),
        hosted_url: text("https://invoice.stripe.com/i/1"),
        pdf: text("https://pay.stripe.com/invoice/1/pdf"),
    });
    order.recovered_from = Some("cs_test_before".parse().unwrap());
    order
}

/// The cells of a table, line by line, read as RFC 4180 has it.
fn cells(table: &str) -> Vec<Vec<String>> {
    let (mut lines, mut line, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = table.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, quoted) {
            ('"', true) if characters.peek() == Some(&'"') => cell.extend(characters.next()),
            ('"', _) => quoted = !quoted,
            (',', false) => line.push(std::mem::take(&mut cell)),
            ('\r', false) => {
                assert_eq!(characters.next(), Some('\n'));
                line.push(std::mem::take(&mut cell));
                lines.push(std::mem::take(&mut line));
            }
            (character, _) => cell.push(character),
        }
    }
    assert!(line.is_empty() && cell.is_empty(), "a table ends with a line");
    lines
}

/// The paths to all values that are no objects.
fn leaves(value: &Value, path: &str, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) if path != "metadata" => {
            for (name, member) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(member, &path, found);
            }
        }
        value => drop(found.insert(path.to_owned(), value.clone())),
    }
}

#[tokio::test]
async fn an_order_is_shown_in_every_form_with_all_that_is_stored() {
    let shop = Shop::open().await;
    let ledger = Ledger::of(&shop).await;
    let number = ledger.write(&full(&ledger)).await;
    let path = format!("/admin/orders/{number}");

    let json = in_form(&shop, &path, "application/json").await.ok();
    let table = in_form(&shop, &path, "text/csv").await;
    let lines = in_form(&shop, &path, "application/x-ndjson").await;

    let order = &json["data"][0];
    insta::assert_json_snapshot!(order, {
        ".created_at" => "…", ".read_at" => "…", ".cart" => "…",
    });
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(lines.text.matches('\n').count(), 1);
    assert_eq!(serde_json::from_str::<Value>(&lines.text).unwrap(), *order);

    assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8"));
    let text = table.text.strip_prefix('\u{feff}').expect("a byte-order mark");
    let [names, values] = &cells(text)[..] else { panic!("{text}") };
    let cells: BTreeMap<_, _> = names.iter().cloned().zip(values.iter().cloned()).collect();
    assert_eq!(cells.len(), values.len());
    let mut fields = BTreeMap::new();
    leaves(order, "", &mut fields);
    // An estimate's shape is Stripe's: it stands in one cell.
    let estimate = "shipping_option.delivery_estimate";
    fields.retain(|path, _| !path.starts_with(estimate));
    fields.insert(estimate.to_owned(), order["shipping_option"]["delivery_estimate"].clone());
    assert_eq!(fields.keys().collect::<Vec<_>>(), cells.keys().collect::<Vec<_>>());
    for (path, value) in fields {
        let cell = &cells[&path];
        match value {
            Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t']) => {
                assert_eq!(*cell, format!("'{text}"));
            }
            Value::String(text) => assert_eq!(*cell, text),
            Value::Null => assert_eq!(cell, ""),
            value => assert_eq!(serde_json::from_str::<Value>(cell).unwrap(), value, "{path}"),
        }
    }
}

#[tokio::test]
async fn a_page_is_followed_in_every_form() {
    let shop = Shop::open().await;
    let ledger = Ledger::of(&shop).await;
    for index in 0..4 {
        ledger.write(&ledger.order(index)).await;
    }
    let numbers = listed(&shop, "").await;

    for accept in ["application/json", "text/csv", "application/x-ndjson"] {
        let mut path = "/admin/orders?to=2999-01-01&status=paid&limit=2&email=Shopper%40example.com".to_owned();
        let mut seen = Vec::new();
        loop {
            let answer = in_form(&shop, &path, accept).await;
            seen.extend(numbers.iter().filter(|number| answer.text.contains(number.as_str())).cloned());
            assert_eq!(answer.header("vary").map(str::to_lowercase).as_deref(), Some("accept, origin"));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            let Some(link) = answer.header("link") else { break };
            let (url, rest) = link.strip_prefix('<').unwrap().split_once('>').unwrap();
            assert_eq!(rest, "; rel=\"next\"");
            let query = url.strip_prefix(&format!("{}/admin/orders?", shop.stack().url())).unwrap();
            // In the order in which it is signed, and encoded as it is signed.
            let names: Vec<_> = query.split('&').map(|pair| pair.split_once('=').unwrap().0).collect();
            assert_eq!(names, ["cursor", "email", "limit", "status", "to"]);
            assert!(query.contains("email=Shopper%40example.com&"), "{query}");
            url.clone_into(&mut path);
        }
        assert_eq!(seen.len(), 5, "{accept}");
        assert_eq!(seen.iter().collect::<BTreeSet<_>>(), numbers.iter().collect(), "{accept}");
    }
    let last = shop.get("/admin/orders").await;
    assert_eq!((last.ok()["next_cursor"].clone(), last.header("link")), (Value::Null, None));
}

#[tokio::test]
async fn an_order_is_found_by_its_reference_and_two_may_have_the_same() {
    let shop = Shop::open().await;
    let ledger = Ledger::of(&shop).await;
    let [mut first, mut second] = ["one", "two"].map(|name| ledger.order(name));
    first.created_at = at("2026-01-01T00:00:00Z");
    second.reference = first.reference;
    for order in [&first, &second] {
        ledger.write(order).await;
    }
    let reference = first.reference.to_string();

    let spellings = [reference.clone(), reference.to_lowercase(), format!("{}-{}", &reference[..5], &reference[5..])];
    for named in spellings {
        let found = shop.get(&format!("/admin/orders/{named}")).await.ok();

        let found = numbers(found["data"].as_array().unwrap());
        assert_eq!(found, [first.number.to_string(), second.number.to_string()], "{named}");
    }
}

#[tokio::test]
async fn an_order_links_its_payment_in_stripes_dashboard() {
    for (price, object) in [("price_mug", "payments/pi_"), ("price_club_monthly", "subscriptions/sub_")] {
        let shop = Shop::open().await;
        let session = shop.add(price, 1).await.checkout().await.ok();
        let number = shop.pay(&session).await;

        let found = shop.get(&format!("/admin/orders/{number}")).await.ok();

        let order = &found["data"][0];
        let link = order["payment"]["dashboard_url"].as_str().unwrap();
        assert!(link.starts_with(&format!("https://dashboard.stripe.com/test/{object}")), "{link}");
        assert_eq!(order["payment"]["session"], session["id"]);
        assert_eq!(order["customer"]["email"], "shopper@example.com");
    }
}

#[tokio::test]
async fn bad_input_is_refused_by_the_name_of_its_field() {
    let shop = Shop::open().await;
    let ledger = Ledger::of(&shop).await;
    ledger.write(&ledger.order("other")).await;
    let page = shop.get("/admin/orders?limit=1&status=paid").await.ok();
    let cursor = page["next_cursor"].as_str().unwrap();
    let number = ledger.template.number.to_string();
    let unknown = "55a109cdfba5b6648676ee8c21e22322";
    let anonymise = |number: &str| format!("/admin/orders/{number}/anonymise");
    let get = |path: String, status, code, field| (Method::GET, path, String::new(), status, code, field);
    let post =
        |path: String, body: &str, status, code, field| (Method::POST, path, body.to_owned(), status, code, field);
    let list = |query: &str, field| get(format!("/admin/orders?{query}"), 400, "invalid_field", field);

    for (method, path, body, status, code, field) in [
        list("limit=0", "limit"),
        list("limit=101", "limit"),
        list("limit=-1", "limit"),
        list("limit=ten", "limit"),
        list("limit=1.5", "limit"),
        list("status=Paid", "status"),
        list("status=open", "status"),
        list("status=paid,refunded", "status"),
        list("email=ann", "email"),
        list("email=%20", "email"),
        list("email=", "email"),
        // A plus sign that is not encoded.
        list("email=ann+tag@example.com", "email"),
        list("email=ann%00%40example.com", "email"),
        list("emial=ann%40example.com", "emial"),
        list(&format!("email={}%40example.com", "a".repeat(600)), "email"),
        list("from=yesterday", "from"),
        list("from=2026-13-01", "from"),
        list("from=2026-02-30", "from"),
        list("from=20260101", "from"),
        list("from=2026-1-1", "from"),
        list("from=2026-01-01T00:00:00", "from"),
        list("from=2026-01-01T25:00:00Z", "from"),
        list("from=2026-01-01T00:00:00Z%5BUTC%5D", "from"),
        list("from=-009999-01-01", "from"),
        list("from=10000-01-01", "from"),
        list("from=1767225600", "from"),
        list("to=2026-01-01T00:00Z", "to"),
        list("to=%C3%A4", "to"),
        list("from=2026-01-02&to=2026-01-01", "to"),
        list("cursor=x", "cursor"),
        list("cursor=AAAAAAAA", "cursor"),
        list(&format!("cursor={number}"), "cursor"),
        list(&format!("cursor={cursor}"), "cursor"),
        list(&format!("cursor={cursor}&status=refunded"), "cursor"),
        list(&format!("cursor={cursor}&status=paid&from=2020-01-01"), "cursor"),
        list(&format!("cursor={cursor}%3D&status=paid"), "cursor"),
        get("/admin/orders/0".to_owned(), 400, "invalid_field", "number"),
        get("/admin/orders/..%2f".to_owned(), 400, "invalid_field", "number"),
        get("/admin/orders/%00".to_owned(), 400, "invalid_field", "number"),
        get(format!("/admin/orders/{}", unknown.to_uppercase()), 400, "invalid_field", "number"),
        get("/admin/orders/orders".to_owned(), 400, "invalid_field", "number"),
        get(format!("/admin/orders/{unknown}"), 404, "order_not_found", "number"),
        get("/admin/orders/0123456789".to_owned(), 404, "order_not_found", "number"),
        post(anonymise("0"), "", 400, "invalid_field", "number"),
        post(anonymise("0123456789"), "", 400, "invalid_field", "number"),
        post(anonymise(unknown), "", 404, "order_not_found", "number"),
        post(anonymise(&number), "[7]", 400, "invalid_field", "body"),
        post("/admin/anonymise".to_owned(), "", 400, "invalid_field", "email"),
        post("/admin/anonymise".to_owned(), "{}", 400, "invalid_field", "email"),
        post("/admin/anonymise".to_owned(), r#"{"email":null}"#, 400, "invalid_field", "email"),
        post("/admin/anonymise".to_owned(), r#"{"email":" "}"#, 400, "invalid_field", "email"),
        post("/admin/anonymise".to_owned(), r#"{"email":"ann tag@example.com"}"#, 400, "invalid_field", "email"),
        post("/admin/anonymise".to_owned(), r#"{"email":"ann"}"#, 400, "invalid_field", "email"),
        post("/admin/anonymise".to_owned(), r#"{"email":["ann@example.com"]}"#, 400, "invalid_field", "email"),
    ] {
        let answer = shop.send(method, &path, &[("content-type", "application/json")], body.into_bytes()).await;

        assert_eq!(answer.error(status), code, "{path}");
        assert_eq!(answer.json()["details"]["field"], field, "{path}");
    }

    for (path, accept) in [("/admin/orders".to_owned(), "text/html"), (format!("/admin/orders/{number}"), "image/*")] {
        assert_eq!(in_form(&shop, &path, accept).await.error(406), "not_acceptable", "{path}");
    }
    let xml = shop.send(Method::POST, "/admin/anonymise", &[("content-type", "application/xml")], b"<a/>".to_vec());
    assert_eq!(xml.await.error(415), "unsupported_media_type");
    let large = format!(r#"{{"email":"{}"}}"#, "a".repeat(70_000));
    let large =
        shop.send(Method::POST, "/admin/anonymise", &[("content-type", "application/json")], large.into_bytes());
    assert_eq!(large.await.error(413), "body_too_large");
    assert_eq!(listed(&shop, "email=shopper%40example.com").await.len(), 2, "nothing was changed");
}

/// The index is looked at, and each order once.
#[tokio::test]
async fn a_list_is_read_without_a_scan() {
    let shop = Shop::open_on_wires([]).await;
    let ledger = Ledger::of(&shop).await;
    for index in 0..29 {
        ledger.write(&ledger.order(index)).await;
    }
    let calls = async |path: &str| {
        shop.wire().plan(None);
        shop.get(path).await.ok();
        shop.wire().calls()
    };
    let page = ["DynamoDB Query", "DynamoDB BatchGetItem"];

    assert_eq!(calls("/admin/orders").await, [page, page].concat(), "thirty orders, 25 at once");
    assert_eq!(calls("/admin/orders?limit=20").await, page);
    assert_eq!(calls("/admin/orders?email=shopper%40example.com&limit=20").await, page);
    assert_eq!(calls("/admin/orders?email=nobody%40example.com").await, ["DynamoDB Query"]);
    let reference = format!("/admin/orders/{}", ledger.template.reference);
    assert_eq!(calls(&reference).await, page);
    assert_eq!(calls(&format!("/admin/orders/{}", ledger.template.number)).await, ["DynamoDB GetItem"]);
}

#[tokio::test]
async fn a_row_of_the_index_that_is_left_over_leads_nowhere() {
    let shop = Shop::open().await;
    let ledger = Ledger::of(&shop).await;
    let gone = ledger.write(&ledger.order("gone")).await;
    let mut other = ledger.order("other");
    other.customer.email = Some("bob@example.com".to_owned());
    ledger.write(&other).await;
    shop.table("ORDERS_TABLE").delete(&gone).await;
    let place = format!("{}#{}", other.created_at, other.number);
    let row = json!({ "way": { "S": "email#shopper@example.com" }, "order": { "S": place } });
    shop.table("ORDER_INDEX_TABLE").put(&row).await;

    let all = listed(&shop, "").await;
    let own = listed(&shop, "email=shopper%40example.com").await;

    assert_eq!(all.len(), 2);
    assert_eq!(own, [ledger.template.number.to_string()]);
}

/// An order that another version wrote, or that is damaged.
#[tokio::test]
async fn an_order_that_cannot_be_read_hides_no_other() {
    let shop = Shop::open().await;
    let mut numbers = Vec::new();
    for _ in 0..3 {
        let session = shop.add("price_mug", 1).await.checkout().await.ok();
        numbers.push(shop.pay(&session).await);
    }
    shop.table("ORDERS_TABLE").set(&numbers[1], "status", json!({ "S": "on_the_moon" })).await;

    let listed = shop.get("/admin/orders?email=shopper%40example.com").await.ok();
    let headers = [("content-type", "application/json")];
    let body = br#"{"email":"shopper@example.com"}"#.to_vec();
    let removed = shop.send(Method::POST, "/admin/anonymise", &headers, body).await;

    let mut shown: Vec<_> = listed["data"].as_array().unwrap().iter().map(|order| order["number"].clone()).collect();
    shown.sort_by_key(Value::to_string);
    let mut others = vec![json!(numbers[0]), json!(numbers[2])];
    others.sort_by_key(Value::to_string);
    assert_eq!(shown, others);
    assert_eq!(removed.status, 500, "one is left");
    for number in [&numbers[0], &numbers[2]] {
        let order = shop.get(&format!("/admin/orders/{number}")).await.ok();
        assert!(order["data"][0]["anonymised_at"].is_string(), "{order}");
    }
}
