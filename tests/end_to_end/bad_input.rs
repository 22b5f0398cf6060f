//! Bad input: a clear 4xx that names the fault, and a cart that stays as it is.

use fixtures::{Shop, Visitor};
use reqwest::Method;
use serde_json::{Value, json};

/// What is sent: JSON, a body of any content type, a header, or nothing.
enum Sent {
    Json(Value),
    Raw(&'static str, Vec<u8>),
    Headers(&'static str, &'static str),
    Nothing,
}
use Sent::{Headers, Json, Nothing, Raw};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

const PARTS: &str = "multipart/form-data; boundary=x";
const FILE: &[u8] =
    b"--x\r\nContent-Disposition: form-data; name=\"items\"; filename=\"a.gif\"\r\n\r\nGIF89a\r\n--x--\r\n";

/// Method, path, what is sent, and what must come back: status, code, and a part of the body.
type Case = (Method, &'static str, Sent, u16, &'static str, &'static str);

fn post(path: &'static str, sent: Sent, status: u16, code: &'static str, names: &'static str) -> Case {
    (Method::POST, path, sent, status, code, names)
}

fn add(items: Value, code: &'static str, names: &'static str) -> Case {
    post("/cart/add", Json(json!({ "items": items })), 400, code, names)
}

fn item(field: &str, value: Value) -> Value {
    let mut item = json!({ "price": "price_mug" });
    item[field] = value;
    json!([item])
}

fn update(updates: Value, code: &'static str, names: &'static str) -> Case {
    post("/cart/update", Json(json!({ "updates": updates })), 400, code, names)
}

fn line(field: &str, value: Value) -> Value {
    json!({ "price_mug": { field: value } })
}

fn metadata(metadata: Value, code: &'static str, names: &'static str) -> Case {
    post("/cart/update", Json(json!({ "metadata": metadata })), 400, code, names)
}

fn form(path: &'static str, body: &str, code: &'static str, names: &'static str) -> Case {
    post(path, Raw(FORM, body.as_bytes().to_vec()), 400, code, names)
}

fn quantities() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        (json!(0), "items[0].quantity must be at least 1"),
        (json!("0"), "items[0].quantity"),
        (json!(-1), "items[0].quantity must not be negative"),
        (json!(1.5), "items[0].quantity must be a whole number"),
        (json!(1e30), "items[0].quantity"),
        (json!(1_000_000), "items[0].quantity must be at most 999999"),
        (json!(u64::MAX), "items[0].quantity must be at most 999999"),
        (json!("18446744073709551616"), "items[0].quantity must be at most 999999"),
        (json!(18_446_744_073_709_551_616.0), "items[0].quantity must be at most 999999"),
        (json!("99999999999999999999999"), "items[0].quantity must be at most 999999"),
        (json!("-1"), "items[0].quantity must not be negative"),
        (json!("1.0"), "items[0].quantity"),
        (json!("1e3"), "items[0].quantity"),
        (json!(" 1"), "items[0].quantity"),
        (json!("٣"), "items[0].quantity"),
        (json!(""), "items[0].quantity"),
        (json!("two"), "items[0].quantity"),
        (json!(true), "items[0].quantity"),
        (json!([1]), "items[0].quantity"),
        (json!([]), "items[0].quantity"),
        (json!({}), "items[0].quantity"),
        (json!({ "a": 1 }), "items[0].quantity"),
    ]
    .into_iter()
    .map(|(quantity, names)| add(item("quantity", quantity), "invalid_quantity", names))
    .collect();
    cases.extend([
        update(line("quantity", json!(-1)), "invalid_quantity", "updates.price_mug.quantity"),
        update(line("quantity", json!(0.5)), "invalid_quantity", "updates.price_mug.quantity"),
        update(line("quantity", json!(1_000_000)), "invalid_quantity", "updates.price_mug.quantity"),
        update(line("quantity", json!("many")), "invalid_quantity", "updates.price_mug.quantity"),
        add(
            json!([{ "price": "price_mug", "quantity": 999_999 }, { "price": "price_mug" }]),
            "invalid_quantity",
            "items[1].quantity: line price_mug can hold at most 999999 units",
        ),
    ]);
    cases
}

fn shapes() -> Vec<Case> {
    vec![
        post("/cart/add", Nothing, 400, "invalid_field", "items is required"),
        post("/cart/add", Json(json!({})), 400, "invalid_field", "items is required"),
        post("/cart/add", Json(json!({ "items": null })), 400, "invalid_field", "items is required"),
        post("/cart/add", Json(json!({ "item": [{ "price": "price_mug" }] })), 400, "invalid_field", "items"),
        post("/cart/add", Json(json!([])), 400, "invalid_field", "items is required"),
        post("/cart/add", Json(json!([7])), 400, "invalid_field", "body must be an object"),
        post("/cart/add", Json(json!("text")), 400, "invalid_field", "body"),
        post("/cart/add", Json(json!(7)), 400, "invalid_field", "body"),
        add(json!([]), "invalid_field", "items must not be empty"),
        add(json!({ "price": "price_mug" }), "invalid_field", "items must be a list"),
        add(json!("price_mug"), "invalid_field", "items must be a list"),
        add(json!(["price_mug"]), "invalid_field", "items[0] must be an object"),
        add(json!([{ "price": "price_mug" }, null, 7]), "invalid_field", "items[2]"),
        add(json!([{}]), "invalid_field", "items[0].price is required"),
        add(json!([{ "price": null }]), "invalid_field", "items[0].price"),
        add(json!([{ "price": 7 }]), "invalid_field", "items[0].price must be a string"),
        add(json!([{ "price": "" }]), "invalid_field", "items[0].price"),
        add(json!([{ "price": "price~mug" }]), "invalid_field", "items[0].price"),
        add(json!([{ "price": "price_\tmug" }]), "invalid_field", "items[0].price"),
        add(json!([{ "price": "p".repeat(256) }]), "invalid_field", "items[0].price"),
        add(item("description", json!("x".repeat(501))), "invalid_field", "items[0].description"),
        add(item("description", json!(["x"])), "invalid_field", "items[0].description"),
        add(item("description", json!("a\u{1}b")), "invalid_field", "items[0].description"),
        add(item("adjustable_quantity", json!(true)), "invalid_field", "items[0].adjustable_quantity"),
        add(item("adjustable_quantity", json!([1])), "invalid_field", "items[0].adjustable_quantity"),
        add(
            item("adjustable_quantity", json!({ "maximum": 4 })),
            "invalid_field",
            "items[0].adjustable_quantity.enabled",
        ),
        add(item("adjustable_quantity", json!({ "enabled": "maybe" })), "invalid_field", "adjustable_quantity.enabled"),
        add(
            item("adjustable_quantity", json!({ "enabled": true, "minimum": 5, "maximum": 4 })),
            "invalid_field",
            "items[0].adjustable_quantity.maximum",
        ),
        add(
            item("adjustable_quantity", json!({ "enabled": true, "maximum": 1_000_000 })),
            "invalid_field",
            "items[0].adjustable_quantity.maximum",
        ),
        add(
            item("adjustable_quantity", json!({ "enabled": true, "minimum": -1 })),
            "invalid_field",
            "items[0].adjustable_quantity.minimum",
        ),
        post("/cart/update", Json(json!([7])), 400, "invalid_field", "body"),
        update(json!([{ "quantity": 1 }]), "invalid_field", "updates must be an object"),
        update(json!("price_mug"), "invalid_field", "updates must be an object"),
        update(json!({ "price_mug": 2 }), "invalid_field", "updates.price_mug must be an object"),
        update(json!({ "": { "quantity": 1 } }), "invalid_field", "updates."),
        update(json!({ "no such id~": { "quantity": 1 } }), "invalid_field", "updates.no such id~"),
        post(
            "/cart/add",
            Json(json!({ "items": [{ "price": "price_nowhere" }] })),
            404,
            "price_not_found",
            "price_nowhere",
        ),
        post("/cart/add", Json(json!({ "items": [{ "price": "price_poster_old" }] })), 404, "price_not_found", "old"),
        post("/cart/checkout", Json(json!({ "email": "ann" })), 400, "invalid_field", "email"),
        post("/cart/checkout", Json(json!({ "email": ["a@b.example"] })), 400, "invalid_field", "email"),
        post("/cart/checkout", Json(json!({ "promotion_code": 10 })), 400, "invalid_field", "promotion_code"),
        post("/cart/checkout", Json(json!({ "promotion_code": "NOSUCH" })), 400, "invalid_promotion_code", "promotion"),
        post("/cart/clear", Json(json!([7])), 400, "invalid_field", "body"),
    ]
}

fn metadata_limits() -> Vec<Case> {
    let many: Value =
        (0..41).map(|index| (format!("key{index}"), json!("x"))).collect::<serde_json::Map<_, _>>().into();
    vec![
        metadata(many, "invalid_metadata", "\"Metadata has more than 40 keys\""),
        metadata(json!({ "k".repeat(41): "x" }), "invalid_metadata", "40 characters"),
        metadata(json!({ "key": "x".repeat(501) }), "invalid_metadata", "500 characters"),
        metadata(json!({ "a[b]": "x" }), "invalid_metadata", "square bracket"),
        metadata(json!({ "key": "a\u{0}b" }), "invalid_metadata", "control characters"),
        metadata(json!({ "": "x" }), "invalid_metadata", "is empty"),
        metadata(json!({ "stripe_payments_cart_number": "x" }), "invalid_metadata", "reserved"),
        metadata(json!({ "key": { "nested": "x" } }), "invalid_field", "metadata.key"),
        metadata(json!({ "key": ["x"] }), "invalid_field", "metadata.key"),
        metadata(json!(["x"]), "invalid_field", "metadata must be an object"),
        metadata(json!("x"), "invalid_field", "metadata must be an object"),
    ]
}

/// Bounds of metadata at Stripe: <https://docs.stripe.com/metadata#data>.
fn attributes() -> Vec<Case> {
    let many: serde_json::Map<_, _> = (0..21).map(|index| (format!("k{index}"), json!("v"))).collect();
    let mut cases: Vec<Case> = [
        json!("Ann"),
        json!(5),
        json!(true),
        json!(["Ann"]),
        json!({ "engraving": { "line": "Ann" } }),
        json!({ "engraving": ["Ann"] }),
        json!({ "size": 42 }),
        json!(many),
        json!({ "n".repeat(41): "v" }),
        json!({ "n": "v".repeat(501) }),
        json!({ "a[b]": "v" }),
        json!({ "": "v" }),
        json!({ "stripe_payments_line": "v" }),
        json!({ "n": "\u{1}" }),
    ]
    .into_iter()
    .map(|attributes| add(item("attributes", attributes), "invalid_field", "items[0].attributes"))
    .collect();
    for given in [json!({}), json!({ "engraving": "Ann" }), json!([]), json!("blue")] {
        let names = "updates.price_mug.attributes cannot be changed";
        cases.push(update(line("attributes", given), "invalid_field", names));
    }
    let engraved = "items[0][price]=price_mug&items[0][attributes][stripe_payments_x]=v";
    cases.push(form("/cart/add", engraved, "invalid_field", "items[0].attributes"));
    cases.push(update(json!({ "price_mug~": { "quantity": 1 } }), "invalid_field", "updates.price_mug~"));
    let unknown = json!({ "updates": { "price_mug~AAAAAAAAAAA": { "quantity": 1 }, "price_mug": { "quantity": 5 } } });
    cases.push(post("/cart/update", Json(unknown), 404, "line_not_found", r#""id":"price_mug~AAAAAAAAAAA""#));
    cases
}

fn encodings() -> Vec<Case> {
    let large = json!({ "items": [{ "price": "price_mug", "description": "x".repeat(70_000) }] }).to_string();
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200)).into_bytes();
    vec![
        post("/cart/add", Raw(JSON, b"{\"items\":".to_vec()), 400, "invalid_json", "JSON"),
        post("/cart/add", Raw(JSON, b"{'items':[]}".to_vec()), 400, "invalid_json", "JSON"),
        post("/cart/add", Raw(JSON, b"\xff\xfe{}".to_vec()), 400, "invalid_json", "JSON"),
        post("/cart/add", Raw(JSON, b"{} {}".to_vec()), 400, "invalid_json", "JSON"),
        post("/cart/add", Raw(JSON, b"NaN".to_vec()), 400, "invalid_json", "JSON"),
        post("/cart/add", Raw(JSON, deep), 400, "invalid_json", "JSON"),
        post("/cart/add", Raw(JSON, b"items[0][price]=price_mug".to_vec()), 400, "invalid_json", "JSON"),
        post("/cart/add", Raw(JSON, large.clone().into_bytes()), 413, "body_too_large", "65536"),
        post("/cart/add", Raw(FORM, large.into_bytes()), 413, "body_too_large", "65536"),
        form("/cart/add", "items[0][price=price_mug", "invalid_field", "items is required"),
        form("/cart/add", "items[[0]]=1", "invalid_field", "items is required"),
        form("/cart/add", "items[0][price]=%ff%fe", "invalid_field", "items[0].price must be UTF-8"),
        form("/cart/add", "items[0][price]=price_mug&items[0][description]=M%FCg", "invalid_field", "description"),
        form("/cart/update", "metadata[M%FCg]=1", "invalid_field", "metadata.M"),
        post("/cart/add", Raw(JSON, b"{\"items\":[{\"price\":\"M\xfcg\"}]}".to_vec()), 400, "invalid_json", "JSON"),
        form("/cart/add", "items[]=", "invalid_field", "items must not be empty"),
        form(
            "/cart/add",
            "items[7][price]=price_mug&items[a][price]=price_mug",
            "invalid_field",
            "items must be a list",
        ),
        form("/cart/add", "items[5][quantity]=1", "invalid_field", "items[5].price is required"),
        form("/cart/add", &"a[]=1&".repeat(1001), "invalid_form", "more than 1000 fields"),
        form("/cart/add", "items=price_mug", "invalid_field", "items must be a list"),
        form("/cart/add", "items[0]=price_mug", "invalid_field", "items[0]"),
        form("/cart/add", "{\"items\":[]}", "invalid_field", "items is required"),
        form("/cart/add", "items[0][price]=price_mug&items[0][quantity]=1.5", "invalid_quantity", "items[0].quantity"),
        form("/cart/update", "updates[price_mug]=2", "invalid_field", "updates.price_mug"),
        form("/cart/update", "updates[price_mug][quantity]=%2B1", "invalid_quantity", "updates.price_mug.quantity"),
        form("/cart/update", "metadata[a][b]=c", "invalid_field", "metadata.a"),
        post("/cart/add", Raw("text/plain", b"{}".to_vec()), 415, "unsupported_media_type", "Content-Type"),
        post("/cart/add", Raw(PARTS, b"--x--".to_vec()), 400, "invalid_field", "items is required"),
        post("/cart/add", Raw(PARTS, b"--x".to_vec()), 400, "invalid_form", "last boundary"),
        post("/cart/add", Raw("multipart/form-data", b"--x--".to_vec()), 400, "invalid_form", "boundary"),
        post("/cart/add", Raw(PARTS, FILE.to_vec()), 415, "unsupported_media_type", "files"),
        post("/cart/add", Raw("application/xml", b"<a/>".to_vec()), 415, "unsupported_media_type", "Content-Type"),
        post("/cart/clear", Raw("image/png", b"x".to_vec()), 415, "unsupported_media_type", "Content-Type"),
        post("/cart/checkout", Raw("", b"x".to_vec()), 415, "unsupported_media_type", "Content-Type"),
    ]
}

fn requests() -> Vec<Case> {
    let wrong_method = |method, path| (method, path, Nothing, 405, "method_not_allowed", "not allowed");
    vec![
        wrong_method(Method::DELETE, "/cart"),
        wrong_method(Method::POST, "/cart"),
        wrong_method(Method::GET, "/cart/add"),
        wrong_method(Method::PUT, "/cart/update"),
        wrong_method(Method::PATCH, "/enupal-stripe/cart/update"),
        wrong_method(Method::GET, "/cart/clear"),
        wrong_method(Method::GET, "/cart/checkout"),
        wrong_method(Method::GET, "/stripe/webhook"),
        wrong_method(Method::POST, "/products"),
        (Method::GET, "/nowhere", Nothing, 404, "not_found", "Not Found"),
        (Method::POST, "/a/b/c/cart/add", Nothing, 404, "not_found", "Not Found"),
        (Method::POST, "//cart/add", Nothing, 404, "not_found", "Not Found"),
        (Method::GET, "//cart", Nothing, 404, "not_found", "Not Found"),
        (Method::GET, "/products?starting_after=a~b", Nothing, 400, "invalid_field", "starting_after"),
        post("/cart/clear", Headers("if-match", "3"), 400, "invalid_header", "If-Match"),
        post("/cart/clear", Headers("if-match", "\"x\""), 400, "invalid_header", "If-Match"),
        post("/cart/clear", Headers("if-match", "\"7\""), 412, "version_mismatch", "version"),
        post("/cart/add", Headers("x-currency", "dollars"), 400, "invalid_header", "X-Currency"),
        post("/cart/add", Headers("x-moltin-currency", "€"), 400, "invalid_header", "X-MOLTIN-CURRENCY"),
        post("/stripe/webhook", Json(json!({})), 400, "invalid_signature", "Stripe-Signature"),
        post("/stripe/webhook", Headers("stripe-signature", "t=1,v1=zz"), 400, "invalid_signature", "Signature"),
    ]
}

async fn send(visitor: &Visitor<'_>, (method, path, sent, ..): &Case) -> fixtures::Answer {
    let (headers, body) = match sent {
        Json(body) => (vec![("content-type", JSON)], body.to_string().into_bytes()),
        Raw("", body) => (vec![], body.clone()),
        Raw(content_type, body) => (vec![("content-type", *content_type)], body.clone()),
        Headers(name, value) => (vec![(*name, *value)], Vec::new()),
        Nothing => (vec![], Vec::new()),
    };
    visitor.send(method.clone(), path, &headers, body).await
}

#[tokio::test]
async fn bad_input_is_named_and_changes_nothing() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 2).await;
    let before = visitor.cart().await;
    let cases: Vec<Case> = [quantities(), shapes(), metadata_limits(), attributes(), encodings(), requests()]
        .into_iter()
        .flatten()
        .collect();
    assert!(cases.len() >= 100, "{}", cases.len());

    for case in &cases {
        let answer = send(&visitor, case).await;

        let (method, path, _, status, code, names) = case;
        assert_eq!(answer.error(*status), *code, "{method} {path}: {}", answer.text);
        assert!(answer.json()["details"].is_object() && answer.json()["request_id"].is_string(), "{}", answer.text);
        assert!(answer.text.contains(names), "{method} {path} does not name {names:?}: {}", answer.text);
    }

    assert_eq!(visitor.cart().await, before);
}

/// The part of a cart that a body decides.
fn contents(cart: &Value) -> (Value, Value) {
    (cart["items"].clone(), cart["metadata"].clone())
}

#[tokio::test]
async fn a_form_says_what_json_says() {
    let shop = Shop::open().await;
    let cases = [
        // Indices may have gaps and come in any order.
        (
            "/cart/add",
            "items[5][price]=price_tshirt&items[2][price]=price_mug&items[2][quantity]=3",
            json!({ "items": [{ "price": "price_mug", "quantity": 3 }, { "price": "price_tshirt" }] }),
        ),
        ("/cart/add", "items[][price]=price_mug", json!({ "items": [{ "price": "price_mug" }] })),
        // The last value counts.
        (
            "/cart/add",
            "items[0][price]=price_mug&items[0][price]=price_tshirt",
            json!({ "items": [{ "price": "price_tshirt" }] }),
        ),
        (
            "/cart/add",
            "items%5B0%5D%5Bprice%5D=price_mug&items[0][adjustable_quantity][enabled]=on&items[0][description]=A+%26+B",
            json!({ "items": [
                { "price": "price_mug", "adjustable_quantity": { "enabled": true }, "description": "A & B" },
            ] }),
        ),
        // Fields that are not read cannot be malformed.
        (
            "/cart/add",
            "a[b=1&[c]=2&d[[e]]=3&f=%ff&g=1&g[h]=2&items[0][price]=price_mug&items[0][other][]=x",
            json!({ "items": [{ "price": "price_mug" }] }),
        ),
        (
            "/cart/update",
            "updates[price_mug][quantity]=2&updates[price_tshirt][quantity]=1&metadata[2024]=a&metadata[0]=b",
            json!({
                "updates": { "price_tshirt": { "quantity": 1 }, "price_mug": { "quantity": 2 } },
                "metadata": { "2024": "a", "0": "b" },
            }),
        ),
        ("/cart/update", "updates[]=&metadata[]=", json!({ "updates": {}, "metadata": {} })),
        // A form cannot leave a field out.
        (
            "/cart/add",
            "items[0][price]=price_mug&items[0][quantity]=&items[0][adjustable_quantity][enabled]=1&\
             items[0][adjustable_quantity][minimum]=&items[0][description]=&metadata[gift]=yes&metadata[card]=",
            json!({
                "items": [{ "price": "price_mug", "adjustable_quantity": { "enabled": true } }],
                "metadata": { "gift": "yes" },
            }),
        ),
        ("/cart/update", "updates[price_mug][quantity]=&metadata=", json!({ "updates": { "price_mug": {} } })),
    ];

    for (path, form, json) in cases {
        let [by_form, by_parts, by_json] = [shop.visitor(), shop.visitor(), shop.visitor()];
        let formed = by_form.post_form(path, form).await.ok();
        let in_parts = by_parts.send(Method::POST, path, &[("content-type", PARTS)], parts_of(form)).await.ok();
        let wanted = by_json.post(path, json).await.ok();

        assert_eq!(contents(&formed), contents(&wanted), "{form}");
        assert_eq!(contents(&in_parts), contents(&wanted), "{form}");
    }
}

/// The same form in parts.
fn parts_of(form: &str) -> Vec<u8> {
    let fields = form_urlencoded::parse(form.as_bytes());
    let part = |(name, value)| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    (fields.map(part).collect::<String>() + "--x--").into_bytes()
}

/// What libraries write for nothing, in every body whose fields may all be absent, changes nothing but what the endpoint is for.
#[tokio::test]
async fn a_body_may_say_nothing() {
    let shop = Shop::open().await;
    let nothing =
        [("", ""), (JSON, "{}"), (JSON, "[]"), (JSON, "null"), (JSON, "\u{feff}[]"), (FORM, "csrf="), (PARTS, "--x--")];
    for (content_type, body) in nothing {
        let visitor = shop.add("price_mug", 2).await;
        let headers = [("content-type", content_type)];
        let headers = if content_type.is_empty() { &[][..] } else { &headers[..] };
        let post = async |path| visitor.send(Method::POST, path, headers, body.into()).await.ok();

        let updated = post("/cart/update").await;
        let session = post("/cart/checkout").await;
        let cleared = post("/cart/clear").await;

        assert_eq!(
            (&updated["item_count"], &session["amount_total"]),
            (&json!(2), &json!(2400)),
            "{content_type} {body}"
        );
        assert_eq!(cleared["item_count"], 0, "{content_type} {body}");
    }
}

/// A text that is emptied by an update is taken away; null says nothing about it, and neither does an addition without a text.
#[tokio::test]
async fn a_description_is_removed_by_a_blank_one_of_an_update_alone() {
    const LINE: &str = "/cart/items/price_mug";
    let shop = Shop::open().await;
    let (removed, kept) = (Value::Null, json!("for Ann"));
    let one_that_is_blank = "items[0][price]=price_mug&items[0][quantity]=1&items[0][description]=";
    let the_last_is_blank = "items[0][price]=price_mug&items[0][description]=for+Ann&items[1][price]=price_mug&\
        items[1][description]=%20";
    for (path, content_type, body, left) in [
        ("/cart/update", FORM, "updates[price_mug][description]=", &removed),
        ("/cart/update", FORM, "updates[price_mug][quantity]=2&updates[price_mug][description]=", &removed),
        ("/cart/update", PARTS, "updates[price_mug][description]=", &removed),
        ("/cart/update", JSON, r#"{"updates": {"price_mug": {"description": ""}}}"#, &removed),
        ("/cart/update", JSON, r#"{"updates": {"price_mug": {"description": null}}}"#, &kept),
        ("/cart/update", JSON, r#"{"updates": {"price_mug": null}}"#, &kept),
        ("/cart/update", FORM, "updates[price_mug]=", &kept),
        (LINE, FORM, "description=", &removed),
        (LINE, PARTS, "quantity=2&description=", &removed),
        (LINE, JSON, r#"{"description": " "}"#, &removed),
        (LINE, JSON, r#"{"quantity": 2, "description": null}"#, &kept),
        ("/cart/add", FORM, one_that_is_blank, &kept),
        ("/cart/add", PARTS, one_that_is_blank, &kept),
        ("/cart/add", FORM, the_last_is_blank, &kept),
        ("/cart/add", JSON, r#"{"items": [{"price": "price_mug", "description": ""}]}"#, &kept),
        ("/cart/add", JSON, r#"{"items": [{"price": "price_mug", "description": " \n"}]}"#, &kept),
        (
            "/cart/add",
            JSON,
            r#"{"items": [{"price": "price_mug", "description": ""}], "options": {"add_all_or_nothing": false}}"#,
            &kept,
        ),
    ] {
        let visitor = shop.visitor();
        visitor.post("/cart/add", json!({ "items": item("description", json!("for Ann")) })).await.ok();

        let sent = if content_type == PARTS { parts_of(body) } else { body.into() };
        let cart = visitor.send(Method::POST, path, &[("content-type", content_type)], sent).await.ok();

        assert_eq!(cart["items"][0]["description"], *left, "{path} {content_type} {body}");
    }
}

#[tokio::test]
async fn updates_are_made_in_the_order_in_which_they_are_sent() {
    let shop = Shop::open().await;
    let bodies = [
        (JSON, r#"{"updates": {"price_tshirt": {"quantity": 1}, "price_mug": {"quantity": 2}}}"#),
        (FORM, "updates[price_tshirt][quantity]=1&updates[price_mug][quantity]=2"),
    ];

    for (content_type, body) in bodies {
        let headers = [("content-type", content_type)];
        let cart = shop.visitor().send(Method::POST, "/cart/update", &headers, body.into()).await.ok();

        let prices: Vec<_> = cart["items"].as_array().unwrap().iter().map(|item| &item["price"]).collect();
        assert!(prices[0].to_string().contains("price_tshirt"), "{cart:#}");
        assert!(prices[1].to_string().contains("price_mug"), "{cart:#}");
    }
}

#[tokio::test]
async fn the_hundred_and_first_line_is_refused() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let mut prices = Vec::new();
    for _ in 0..101 {
        prices.push(json!({ "price": shop.price(100).await }));
    }
    visitor.post("/cart/add", json!({ "items": prices[..60] })).await.ok();
    visitor.post("/cart/add", json!({ "items": prices[60..100] })).await.ok();

    let one_more = visitor.post("/cart/add", json!({ "items": prices[100..] })).await;
    let at_once = shop.visitor().post("/cart/add", json!({ "items": prices })).await;
    let recurring = visitor.add("price_club_monthly", 1).await;

    for answer in [one_more, at_once, recurring] {
        assert_eq!(answer.error(400), "too_many_items");
    }
    assert_eq!(visitor.cart().await["item_count"], 100);
    assert_eq!(visitor.checkout().await.ok()["amount_total"], 10_000);
}
