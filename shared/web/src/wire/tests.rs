//! Bodies of both kinds, read to the end.

use cart::{Agreement, Cart, Change, Lifetime, LineId, Offer, PriceId, Timestamp, Token};
use lambda_http::http::header;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::fault::Fault;
use super::requests::{AddBody, AnonymiseBody, CheckoutBody, ClearBody, EmptyBody, UpdateBody, UpdateLine};
use crate::{Error, Request};

fn request(content_type: &str, body: impl Into<Vec<u8>>) -> Request {
    let builder = lambda_http::http::Request::post("https://api.example/cart/add");
    let body = lambda_http::Body::Binary(body.into());
    Request::new(builder.header(header::CONTENT_TYPE, content_type).body(body).unwrap())
}

#[expect(clippy::needless_pass_by_value, reason = "callers pass literals and values alike")]
fn as_json(body: impl ToString) -> Request {
    request("application/json", body.to_string())
}

fn as_form(body: &str) -> Request {
    request("application/x-www-form-urlencoded; charset=UTF-8", body)
}

/// What a program and a person read of what became of a body.
fn told<T>(result: Result<T, Error>) -> Result<T, (u16, &'static str, String)> {
    result.map_err(|error| (error.status().as_u16(), error.code(), error.to_string()))
}

fn add(request: &Request) -> Result<AddBody, (u16, &'static str, String)> {
    told(request.body())
}

fn update(request: &Request) -> Result<UpdateBody, (u16, &'static str, String)> {
    told(request.body())
}

/// The message with which `/cart/add` refuses; its code is `invalid_quantity` just where the message ends `.quantity …`.
fn add_fault(request: &Request) -> String {
    let (status, code, message) = add(request).unwrap_err();
    let of_quantity = message.split(' ').next().unwrap().ends_with(".quantity");
    assert_eq!((status, code), (400, if of_quantity { "invalid_quantity" } else { "invalid_field" }), "{message}");
    message
}

fn update_fault(request: &Request) -> String {
    update(request).unwrap_err().2
}

#[test]
fn a_fault_in_json_is_named_by_its_path() {
    let adjustable = |bounds: Value| json!({ "items": [{ "price": "a", "adjustable_quantity": bounds }] });
    for (body, fault) in [
        (json!([7]), "body must be an object"),
        (json!(""), "body must be an object"),
        (json!([]), "items is required"),
        (json!(null), "items is required"),
        (json!({}), "items is required"),
        (json!({ "items": {} }), "items must not be empty"),
        (json!({ "items": { "0": {}, "x": {} } }), "items must be a list"),
        (json!({ "items": { "": {} } }), "items must be a list"),
        (json!({ "items": "" }), "items must be a list"),
        (json!({ "items": ["a"] }), "items[0] must be an object"),
        (json!({ "items": [[]] }), "items[0].price is required"),
        (json!({ "items": [[7]] }), "items[0] must be an object"),
        (json!({ "items": [{ "price": "a" }, null, 7] }), "items[2] must be an object"),
        (json!({ "items": [null] }), "items must not be empty"),
        (json!({ "items": [{ "price": "a" }, {}] }), "items[1].price is required"),
        (json!({ "items": { "7": { "price": "a~b" } } }), "items[7].price must be the id of a price"),
        (json!({ "items": { "9": { "price": "a" }, "7": {} } }), "items[7].price is required"),
        (json!({ "items": [{ "price": true }] }), "items[0].price must be a string"),
        (json!({ "items": [{ "price": "a", "quantity": 0 }] }), "items[0].quantity must be at least 1"),
        (json!({ "items": [{ "price": "a", "quantity": "" }] }), "items[0].quantity must be a whole number"),
        (json!({ "items": [{ "price": "a", "quantity": "-1" }] }), "items[0].quantity must not be negative"),
        (json!({ "items": [{ "price": "a", "quantity": {} }] }), "items[0].quantity must be a whole number"),
        (json!({ "items": [{ "price": "a", "quantity": "2.0" }] }), "items[0].quantity must be a whole number"),
        (json!({ "items": [{ "price": "a", "quantity": 2.5 }] }), "items[0].quantity must be a whole number"),
        (json!({ "items": [{ "price": "a", "quantity": -2.0 }] }), "items[0].quantity must not be negative"),
        (json!({ "items": [{ "price": "a", "quantity": -0.0 }] }), "items[0].quantity must be at least 1"),
        (json!({ "items": [{ "price": "a", "quantity": 1e300 }] }), "items[0].quantity must be at most 999999"),
        (json!({ "items": [{ "price": "a", "description": [] }] }), "items[0].description must be a string"),
        (
            json!({ "items": [{ "price": "a", "description": "\u{7}" }] }),
            "items[0].description must have at most 500 characters and 1000 bytes, and no control characters",
        ),
        (adjustable(json!([7])), "items[0].adjustable_quantity must be an object"),
        (adjustable(json!("")), "items[0].adjustable_quantity must be an object"),
        (adjustable(json!({ "minimum": 1 })), "items[0].adjustable_quantity.enabled is required"),
        (adjustable(json!({ "enabled": 2 })), "items[0].adjustable_quantity.enabled must be true or false"),
        (
            adjustable(json!({ "enabled": 1, "minimum": 1_000_000 })),
            "items[0].adjustable_quantity.minimum must be at most 999999",
        ),
        (adjustable(json!({ "enabled": 1, "maximum": 0 })), "items[0].adjustable_quantity.maximum must be 1 to 999999"),
        (
            adjustable(json!({ "enabled": 1, "maximum": 1e20 })),
            "items[0].adjustable_quantity.maximum must be 1 to 999999",
        ),
        (
            adjustable(json!({ "enabled": 1, "minimum": 7, "maximum": 6 })),
            "items[0].adjustable_quantity.maximum must be 7 to 999999",
        ),
        (
            adjustable(json!({ "enabled": 1, "minimum": [] })),
            "items[0].adjustable_quantity.minimum must be a whole number",
        ),
        (json!({ "items": [{ "price": "a" }], "metadata": { "": [] } }), "metadata. must be a string"),
        (json!({ "items": [{ "price": "a" }], "metadata": ["x"] }), "metadata must be an object"),
    ] {
        assert_eq!(add_fault(&as_json(&body)), fault, "{body}");
    }
    for (body, fault) in [
        (json!({ "updates": [{}] }), "updates must be an object"),
        (json!({ "updates": { "a": [7] } }), "updates.a must be an object"),
        (json!({ "updates": { "": {} } }), "updates. must be the id of a line"),
        (json!({ "updates": { "a": { "quantity": 1_000_000 } } }), "updates.a.quantity must be at most 999999"),
    ] {
        assert_eq!(update_fault(&as_json(&body)), fault, "{body}");
    }
}

#[test]
fn what_is_beyond_a_bound_is_told_the_bound() {
    let item = |field: &str, value: Value| {
        let mut item = json!({ "price": "a" });
        item[field] = value;
        json!({ "items": [item] })
    };
    let long = |length: usize| Value::from("x".repeat(length));
    let keys = |count: usize| -> Value { (0..count).map(|key| (key.to_string(), Value::from("x"))).collect() };
    let change = |body: &Value| add(&as_json(body)).and_then(|body| told(body.into_change(None)));
    for (body, bound) in [
        (item("quantity", json!(0)), "1"),
        (item("quantity", json!(1_000_000)), "999999"),
        (item("description", long(501)), "500"),
        (item("description", json!("☂".repeat(334))), "1000"),
        (item("attributes", keys(21)), "20"),
        (item("attributes", json!({ "x": long(501) })), "500"),
        (item("attributes", json!({ "x".repeat(41): "x" })), "40"),
        (item("adjustable_quantity", json!({ "enabled": true, "minimum": 1_000_000 })), "999999"),
        (item("adjustable_quantity", json!({ "enabled": true, "maximum": 1_000_000 })), "999999"),
        (item("adjustable_quantity", json!({ "enabled": true, "maximum": 0 })), "1"),
        (item("adjustable_quantity", json!({ "enabled": true, "minimum": 42, "maximum": 41 })), "42"),
        (json!({ "items": [{ "price": "a" }], "metadata": keys(41) }), "40"),
        (json!({ "items": [{ "price": "a" }], "metadata": { "x": long(501) } }), "500"),
    ] {
        let (status, _, message) = change(&body).unwrap_err();
        let numbers: Vec<_> = message.split(|letter: char| !letter.is_ascii_digit()).collect();
        assert!(status == 400 && numbers.contains(&bound), "{message}");
    }
    let checkout = |body: Value| told(as_json(body).body::<CheckoutBody>()).unwrap_err().2;
    assert_eq!(checkout(json!({ "promotion_code": long(501) })), "promotion_code must have at most 500 characters");
}

#[test]
fn a_fault_in_a_form_is_named_by_its_path() {
    for (body, fault) in [
        ("", "items is required"),
        ("items[]=", "items must not be empty"),
        ("items[7][quantity]=1", "items[7].price is required"),
        ("items[][price]=a&items[][price]=%20", "items[1].price must be the id of a price"),
        ("items[7][price]=a&items[7][quantity]=0", "items[7].quantity must be at least 1"),
        ("items[7][price]=a&items[7][quantity]=99999999999999999999", "items[7].quantity must be at most 999999"),
        ("items=", "items is required"),
        ("items[7]=", "items must not be empty"),
        ("items[7][price]=", "items[7].price must be the id of a price"),
        (
            "items[7][price]=a&items[7][adjustable_quantity][minimum]=1",
            "items[7].adjustable_quantity.enabled is required",
        ),
        ("items[7][price]=%ff", "items[7].price must be UTF-8"),
        ("items=%ff", "items must be UTF-8"),
        ("items[7]=%ff", "items[7] must be UTF-8"),
        ("items[7][price]=a&items[7][description]=M%FCg", "items[7].description must be UTF-8"),
        ("items[7][price]=a&items[7][adjustable_quantity]=%ff", "items[7].adjustable_quantity must be UTF-8"),
        ("items[7][price]=a&metadata[M%FCg]=1", "metadata.M\u{fffd}g must be UTF-8"),
        (
            "items[7][price]=a&items[7][adjustable_quantity][enabled]=yes",
            "items[7].adjustable_quantity.enabled must be true or false",
        ),
        ("items[7][price]=a&metadata[a][]=b", "metadata.a must be a string"),
        ("items[7]=a", "items[7] must be an object"),
    ] {
        assert_eq!(add_fault(&as_form(body)), fault, "{body}");
    }
}

#[test]
fn a_key_in_a_path_is_cut() {
    let key = "é".repeat(65);

    let fault = update_fault(&as_json(json!({ "updates": { key: {} } })));

    assert_eq!(fault, format!("updates.{} must be the id of a line", "é".repeat(64)));
}

#[test]
fn null_stands_for_nothing() {
    let line = |bounds: Value| json!({ "price": "a", "adjustable_quantity": bounds });
    let nulls = json!({
        "items": [
            null,
            { "price": "a", "quantity": null, "adjustable_quantity": null, "description": null },
            line(json!({ "enabled": true, "minimum": null })),
            null,
        ],
        "metadata": { "a": null, "b": "c" },
    });
    let nothing = json!({ "items": [{ "price": "a" }, line(json!({ "enabled": true }))], "metadata": { "b": "c" } });

    assert_eq!(add(&as_json(nulls)).unwrap(), add(&as_json(nothing)).unwrap());
    assert_eq!(add_fault(&as_json(json!({ "items": null }))), "items is required");
    assert_eq!(add_fault(&as_json(json!({ "items": [{ "price": null }] }))), "items[0].price is required");
    let nothing = update(&as_json("{}")).unwrap();
    for body in ["null", "[]", r#"{"updates": null, "metadata": null}"#] {
        assert_eq!(update(&as_json(body)).unwrap(), nothing, "{body}");
    }
    let no_line = update(&as_json(json!({ "updates": {} }))).unwrap();
    assert_eq!(update(&as_json(json!({ "updates": { "a": null } }))).unwrap(), no_line);
}

#[test]
fn what_php_writes_for_nothing_is_an_empty_object() {
    let empty = update(&as_json(json!({ "updates": {}, "metadata": {} }))).unwrap();
    for body in [
        as_json(json!({ "updates": [], "metadata": [] })),
        as_json(json!({ "updates": "", "metadata": "" })),
        as_form("updates[]=&metadata[]="),
    ] {
        assert_eq!(update(&body).unwrap(), empty);
    }
    let plain = add(&as_json(json!({ "items": [{ "price": "a" }] }))).unwrap().into_change(None).unwrap();
    let plain = format!("{plain:?}");
    for bounds in [json!([]), json!({})] {
        let line = json!({ "price": "a", "adjustable_quantity": bounds });
        let change = add(&as_json(json!({ "items": [line] }))).unwrap().into_change(None).unwrap();
        assert_eq!(format!("{change:?}"), plain, "{bounds}");
    }
    let kept = update(&as_json(json!({ "updates": { "a": {} } }))).unwrap();
    assert_eq!(update(&as_json(json!({ "updates": { "a": [] } }))).unwrap(), kept);
    let nothing: CheckoutBody = as_form("").body().unwrap();
    for body in ["{}", "[]", "null"] {
        assert_eq!(nothing, as_json(body).body().unwrap(), "{body}");
        assert_eq!(as_json(body).body::<EmptyBody>().unwrap(), EmptyBody {}, "{body}");
    }
}

/// A form cannot leave a field out.
#[test]
fn a_blank_field_of_a_form_is_absent_unless_it_is_a_text() {
    let blank = "items[0][price]=a&items[0][quantity]=&items[0][adjustable_quantity]=&items[0][description]=&\
        items[0][attributes]=&options=&items[1][price]=b&\
        items[1][adjustable_quantity][enabled]=on&items[1][adjustable_quantity][minimum]=&\
        items[1][adjustable_quantity][maximum]=&metadata[a]=&metadata[b]=c";
    let absent = "items[0][price]=a&items[1][price]=b&items[1][adjustable_quantity][enabled]=on&metadata[b]=c";
    assert_eq!(add(&as_form(blank)).unwrap(), add(&as_form(absent)).unwrap());
    assert_eq!(add(&as_form("items[0][price]=a&metadata=")).unwrap(), add(&as_form("items[0][price]=a")).unwrap());

    for (blank, absent) in [
        ("updates=&metadata=", "{}"),
        ("updates[a]=&updates[b][quantity]=2", r#"{"updates": {"b": {"quantity": 2}}}"#),
        ("updates[a][quantity]=&updates[a][adjustable_quantity]=", r#"{"updates": {"a": {}}}"#),
        ("updates[a][description]=", r#"{"updates": {"a": {"description": ""}}}"#),
    ] {
        assert_eq!(update(&as_form(blank)).unwrap(), update(&as_json(absent)).unwrap(), "{blank}");
    }
    assert_ne!(update(&as_form("updates[a][description]=")).unwrap(), update(&as_form("updates[a][x]=")).unwrap());
    // In JSON a text is no number, and no entry of metadata's where it is empty.
    assert_eq!(
        add_fault(&as_json(json!({ "items": [{ "price": "a", "quantity": "" }] }))),
        "items[0].quantity must be a whole number"
    );
    assert_eq!(
        update(&as_json(json!({ "metadata": { "a": "", "b": "c" } }))).unwrap(),
        update(&as_form("metadata[b]=c")).unwrap()
    );
}

/// A text that is emptied is taken away by an update. Who adds and writes nothing has nothing to say.
#[test]
fn a_blank_description_is_a_value_in_an_update_and_absent_in_an_add() {
    let silent = add(&as_json(json!({ "items": [{ "price": "a" }] }))).unwrap();
    let kept = update(&as_json(json!({ "updates": { "a": {} } }))).unwrap();
    let line_kept: UpdateLine = as_json("{}").body().unwrap();
    for blank in ["", " ", "\u{a0}\t\r\n"] {
        let line = json!({ "price": "a", "description": blank });
        let [added, updated] = [json!({ "items": [line] }), json!({ "updates": { "a": { "description": blank } } })];
        let of_line = json!({ "description": blank });
        for request in std::iter::once(as_json(&added)).chain(forms_of(&added)) {
            assert_eq!(add(&request).unwrap(), silent, "{blank:?}");
        }
        for request in std::iter::once(as_json(&updated)).chain(forms_of(&updated)) {
            assert_ne!(update(&request).unwrap(), kept, "{blank:?}");
        }
        for request in std::iter::once(as_json(&of_line)).chain(forms_of(&of_line)) {
            assert_ne!(request.body::<UpdateLine>().unwrap(), line_kept, "{blank:?}");
        }
    }
}

/// Numbers of JSON's are whole or not by what they are, not by how they are written.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc8259#section-6>
#[test]
fn whole_numbers_are_whole_however_they_are_written() {
    let read = |number: &str| add(&as_json(format!(r#"{{"items": [{{"price": "a", "quantity": {number}}}]}}"#)));
    for (written, plain) in [
        ("1.0", "1"),
        ("1e1", "10"),
        ("20E-1", "2"),
        ("1.20e+2", "120"),
        ("999999.000", "999999"),
        ("0.1e1", "1"),
        ("10e-1", "1"),
        ("1E+1", "10"),
    ] {
        assert_eq!(read(written), read(plain), "{written}");
    }
    for fraction in ["1.5", "1e-1", "999999.5", "1e-300", "1.0000000000000000001", "1e-400"] {
        assert_eq!(read(fraction).unwrap_err().2, "items[0].quantity must be a whole number", "{fraction}");
    }
    assert_eq!(read("0.0").unwrap_err().2, "items[0].quantity must be at least 1");
    assert_eq!(read("-1.0").unwrap_err().2, "items[0].quantity must not be negative");
    assert_eq!(read("-1e400").unwrap_err().2, "items[0].quantity must not be negative");
    for many in ["1000000.0", "1e300", "1e400", "18446744073709551617", "1844674407370955161.7e1"] {
        assert_eq!(read(many).unwrap_err().2, "items[0].quantity must be at most 999999", "{many}");
    }
    assert_eq!(read("0e400").unwrap_err().2, "items[0].quantity must be at least 1");
    for none in ["1e", "01e400", "1e400.5", "1e4e400", "+1e400"] {
        assert_eq!(read(none).unwrap_err().1, "invalid_json", "{none}");
    }
    let bound = |number: &str| {
        let line = format!(r#"{{"price": "a", "adjustable_quantity": {{"enabled": 1.0, "maximum": {number}}}}}"#);
        add(&as_json(format!(r#"{{"items": [{line}], "unread": 1e999}}"#)))
    };
    assert_eq!(bound("0.5e1"), bound("5"));
    assert!(bound("5.0000000000000000001").unwrap_err().2.ends_with("maximum must be a whole number"));
    let version = |number: &str| as_json(format!(r#"{{"accept_version": {number}}}"#)).body::<CheckoutBody>();
    assert_eq!(version("30e-1").unwrap(), version("3").unwrap());
    assert!(version("3.0000000000000000001").is_err());
}

#[test]
fn a_number_of_metadata_keeps_the_text_that_it_was_written_with() {
    let body = r#"{"metadata": {"a": 1.50, "b": 1e2, "c": 18446744073709551616, "d": -0, "dd": -1e400, "e": [1.5], "e": "7", "f": 7}}"#;

    let read = update(&as_json(body)).unwrap();

    let texts =
        json!({ "a": "1.50", "b": "1e2", "c": "18446744073709551616", "d": "-0", "dd": "-1e400", "e": "7", "f": "7" });
    assert_eq!(read, update(&as_json(json!({ "metadata": texts }))).unwrap());
}

#[test]
fn a_byte_order_mark_is_not_read() {
    let plain = update(&as_json(r#"{"metadata": {"a": "b"}}"#)).unwrap();

    assert_eq!(update(&as_json("\u{feff}{\"metadata\": {\"a\": \"b\"}}")).unwrap(), plain);
    assert_eq!(update(&as_form("\u{feff}metadata[a]=b")).unwrap(), plain);
    assert_eq!(add_fault(&request("application/json", "\u{feff}")), "items is required");
}

#[test]
fn a_body_is_not_unpacked() {
    for (encoding, status) in
        [("identity", None), ("Identity", None), ("gzip", Some(415)), ("identity, gzip", Some(415))]
    {
        let mut request = as_json(r#"{"items": [{"price": "a"}]}"#);
        request.inner.headers_mut().insert(header::CONTENT_ENCODING, encoding.parse().unwrap());

        assert_eq!(add(&request).err().map(|(status, ..)| status), status, "{encoding}");
    }
}

#[test]
fn an_object_of_indices_is_a_list_in_their_order() {
    let list = add(&as_json(json!({ "items": [{ "price": "a" }, { "price": "b" }, { "price": "c" }] }))).unwrap();

    for body in [
        as_json(r#"{"items": {"9": {"price": "b"}, "010": {"price": "c"}, "2": {"price": "a"}}}"#),
        as_form("items[9][price]=b&items[][price]=c&items[2][price]=a"),
        as_form("items[18446744073709551615][price]=c&items[2][price]=a&items[7][price]=b"),
    ] {
        assert_eq!(add(&body).unwrap(), list);
    }
    let too_large = as_form("items[18446744073709551616][price]=c");
    assert_eq!(add_fault(&too_large), "items must be a list");
}

#[test]
fn of_a_key_that_is_there_twice_the_last_value_counts() {
    let last = update(&as_json(r#"{"updates": {"b": {"quantity": 3}, "a": {"quantity": 2}}}"#)).unwrap();

    for body in [
        as_json(r#"{"updates": 7, "updates": {"b": [], "a": {"quantity": "x", "quantity": 2}, "b": {"quantity": 3}}}"#),
        as_form("updates=7&updates[b][quantity]=1&updates[a][quantity]=2&updates[b][quantity]=3"),
    ] {
        assert_eq!(update(&body).unwrap(), last);
    }
}

#[test]
fn what_is_not_read_cannot_fail() {
    let plain = add(&as_json(json!({ "items": [{ "price": "a" }] }))).unwrap();

    let more = json!({
        "items": [{ "price": "a", "unit_amount": [{ "a": null }], "amount": -1e300 }],
        "updates": 7, "email": [], "currency": { "0": {} },
    });

    assert_eq!(add(&as_json(more)).unwrap(), plain);
    assert_eq!(add(&as_form("items[0][price]=a&items[0][amount][]=1&email[]=x&[a=%ff")).unwrap(), plain);
    assert_eq!(as_json(json!({ "items": 7 })).body::<EmptyBody>().unwrap(), EmptyBody {});
}

#[test]
fn nesting_is_bounded() {
    let json = |depth| format!(r#"{{"items": [{{"price": "a"}}], "x": {}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let form = |depth| format!("items[0][price]=a&x{}=1", "[y]".repeat(depth));

    add(&as_json(json(100))).unwrap();
    assert_eq!(add(&as_json(json(10_000))).unwrap_err().1, "invalid_json");
    add(&as_form(&form(8))).unwrap();
    add(&as_form(&form(10_000))).unwrap();
}

#[test]
fn numbers_and_booleans_are_text_where_text_is_wanted() {
    let bodies = [
        json!({ "items": [{ "price": "a", "description": 1.5 }], "metadata": { "a": true, "b": -7, "d": 7 } }),
        json!({
            "items": [{ "price": "a", "description": "1.5" }],
            "metadata": { "a": "true", "b": "-7", "d": "7" },
        }),
    ];

    let [bare, quoted] = bodies.map(|body| add(&as_json(body)).unwrap());

    assert_eq!(bare, quoted);
}

#[test]
fn flags_have_six_names() {
    let body = |flag: Value| {
        let line = json!({ "price": "a", "adjustable_quantity": { "enabled": flag } });
        add(&as_json(json!({ "items": [line] }))).unwrap()
    };

    for yes in [json!(1), json!("true"), json!("1"), json!("on")] {
        assert_eq!(body(yes), body(json!(true)));
    }
    for no in [json!(0), json!("false"), json!("0"), json!("off")] {
        assert_eq!(body(no), body(json!(false)));
    }
    assert_ne!(body(json!(true)), body(json!(false)));
}

#[test]
fn a_checkout_takes_an_address_and_a_code() {
    let read = |body: Value| told(as_json(body).body::<CheckoutBody>());

    let body = read(json!({ "email": " ann@shop.example\n", "promotion_code": "\tWELCOME " })).unwrap();
    assert_eq!((body.email(), body.promotion_code()), (Some("ann@shop.example"), Some("WELCOME")));
    let blank = read(json!({ "email": " ", "promotion_code": "" })).unwrap();
    assert_eq!((blank.email(), blank.promotion_code()), (None, None));

    let longest = format!("{}@a.example", "x".repeat(244));
    assert_eq!(read(json!({ "email": longest })).unwrap().email(), Some(longest.as_str()));
    assert_eq!(read(json!({ "email": format!("x{longest}") })).unwrap_err().2, "email must have at most 254 bytes");
    for email in ["ann", "@shop.example", "ann@shop", "a nn@shop.example"] {
        let message = read(json!({ "email": email })).unwrap_err().2;
        assert_eq!(message, "email must be an e-mail address", "{email}");
    }
    assert_eq!(read(json!({ "email": 7 })).unwrap_err().2, "email must be a string");
    assert_eq!(read(json!({ "promotion_code": {} })).unwrap_err().2, "promotion_code must be a string");
    for (length, sign) in [(500, "x"), (500, "ü"), (501, "x"), (40_000, "%")] {
        let told = read(json!({ "promotion_code": sign.repeat(length) }));
        let expected = "promotion_code must have at most 500 characters";
        assert_eq!(told.err().map(|told| told.2), (length > 500).then(|| expected.to_owned()), "{length}");
    }
}

#[test]
fn a_yes_is_to_a_version_and_may_name_what_was_seen() {
    let seen = |request: Request| {
        let body: CheckoutBody = told(request.body())?;
        let agreement = told(body.agreement())?;
        Ok(agreement.map(|Agreement { version, successors }| {
            let text = |(line, price): (LineId, PriceId)| (line.to_string(), price.to_string());
            (version, successors.map(|seen| seen.into_iter().map(text).collect::<Vec<_>>()))
        }))
    };
    let named = |entries: &[(&str, &str)]| {
        Some(entries.iter().map(|(line, price)| ((*line).to_owned(), (*price).to_owned())).collect::<Vec<_>>())
    };

    let by_version = |more: &str| as_json(format!(r#"{{"accept_version":7,"accept_successors":{more}}}"#));
    assert_eq!(seen(by_version(r#"{"a":"b","c~1":"d"}"#)), Ok(Some((7, named(&[("a", "b"), ("c~1", "d")])))));
    for (empty, read) in [("null", None), ("{}", named(&[])), ("[]", named(&[])), (r#"{"a":""}"#, named(&[]))] {
        assert_eq!(seen(by_version(empty)), Ok(Some((7, read))), "{empty}");
    }
    let form = "accept_version=7&accept_successors%5Ba%7E1%5D=b";
    assert_eq!(seen(as_form(form)), Ok(Some((7, named(&[("a~1", "b")])))));
    assert_eq!(seen(as_form("accept_version=7&accept_successors=")), Ok(Some((7, None))));
    assert_eq!(seen(as_form("accept_version=&accept_successors=")), Ok(None));

    for (body, message) in [
        (r#"{"accept_successors":{"a":"b"}}"#, "accept_successors needs accept_version"),
        (r#"{"accept_successors":{"a":"b"},"accept_version":null}"#, "accept_successors needs accept_version"),
        (r#"{"accept_version":7,"accept_successors":"a"}"#, "accept_successors must be an object"),
        (r#"{"accept_version":7,"accept_successors":["a"]}"#, "accept_successors must be an object"),
        (r#"{"accept_version":7,"accept_successors":true}"#, "accept_successors must be an object"),
        (r#"{"accept_version":7,"accept_successors":{"a":1}}"#, "accept_successors.a must be a string"),
        (r#"{"accept_version":7,"accept_successors":{"a":"b~c"}}"#, "accept_successors.a must be the id of a price"),
        (r#"{"accept_version":7,"accept_successors":{"":"b"}}"#, "accept_successors. must be the id of a line"),
    ] {
        let (status, _, found) = seen(as_json(body)).unwrap_err();
        assert_eq!((status, found.as_str()), (400, message), "{body}");
    }
    for nothing in ["{}", r#"{"accept_successors":{}}"#, r#"{"accept_successors":[]}"#] {
        assert_eq!(seen(as_json(nothing)), Ok(None), "{nothing}");
    }
}

#[test]
fn a_body_says_what_it_is_and_is_bounded() {
    let status = |request: &Request| add(request).unwrap_err().0;

    assert_eq!(add(&request("text/plain", "")).unwrap_err().2, "items is required");
    assert_eq!(status(&request("text/plain", "{}")), 415);
    assert_eq!(status(&request("", "{}")), 415);
    assert_eq!(status(&as_json("x".repeat(super::MAX_BYTES))), 400);
    assert_eq!(add(&as_json("x".repeat(super::MAX_BYTES + 1))).unwrap_err().2, "The body is larger than 65536 bytes");
    add(&request("Application/JSON ; charset=utf-8", r#"{"items": [{"price": "a"}]}"#)).unwrap();
}

#[test]
fn an_address_is_read_without_what_stands_around_it() {
    let longest = format!("{}@b.c", "a".repeat(508));
    for (body, read) in [
        (as_json(json!({ "email": " Ann@Example.com\n", "more": 1 })), Ok("Ann@Example.com")),
        (as_form("email=ann%40example.com"), Ok("ann@example.com")),
        (as_json(json!({ "email": longest })), Ok(longest.as_str())),
        (as_json(json!({ "email": format!("a{longest}") })), Err("email must be an e-mail address")),
        (as_json(json!({ "email": "" })), Err("email must be an e-mail address")),
        (as_form("email="), Err("email must be an e-mail address")),
        (as_json(json!({ "email": 7 })), Err("email must be a string")),
        (as_json(json!({})), Err("email is required")),
        (as_form(""), Err("email is required")),
    ] {
        let found = told(body.body::<AnonymiseBody>());

        let found = found.as_ref().map(AnonymiseBody::email).map_err(|(_, _, message)| message.as_str());
        assert_eq!(found, read);
    }
}

#[test]
fn a_fault_is_small() {
    assert_eq!(size_of::<Fault>(), size_of::<usize>());
}

/// The fields of a form that says what `value` does, with their names.
fn pairs(name: &str, value: &Value, form: &mut Vec<(String, String)>) {
    let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}[{key}]") };
    match value {
        Value::Null => {}
        Value::Object(members) if members.is_empty() => form.push((inner(""), String::new())),
        Value::Object(members) => members.iter().for_each(|(key, value)| pairs(&inner(key), value, form)),
        Value::Array(list) if list.is_empty() => form.push((inner(""), String::new())),
        Value::Array(list) => (0..).zip(list).for_each(|(index, value): (usize, _)| {
            pairs(&inner(&index.to_string()), value, form);
        }),
        Value::String(text) => form.push((name.to_owned(), text.clone())),
        scalar => form.push((name.to_owned(), scalar.to_string())),
    }
}

/// The same body in both encodings of forms.
fn forms_of(body: &Value) -> [Request; 2] {
    let mut fields = Vec::new();
    pairs("", body, &mut fields);
    let url_encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
    // As browsers write it.
    // Source: <https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data>
    let escaped = |name: &str| name.replace('\n', "%0A").replace('\r', "%0D").replace('"', "%22");
    let part = |(name, value): &(String, String)| {
        format!("--boundary\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{value}\r\n", escaped(name))
    };
    let parts = fields.iter().map(part).collect::<String>() + "--boundary--\r\n";
    [as_form(&url_encoded), request("multipart/form-data; boundary=boundary", parts)]
}

/// In the same way wherever a text may be blank, in whatever it was sent.
#[test]
fn a_text_of_white_space_is_a_blank_one() {
    let bodies = |blank: &str| {
        let item = json!({ "price": "a", "attributes": { "x": blank }, "description": blank });
        let lines = json!({ "a": { "quantity": 2, "description": blank } });
        let add = json!({ "items": [item], "metadata": { "x": blank } });
        let update = json!({ "updates": lines, "metadata": { "x": blank } });
        let checkout = json!({ "email": blank, "promotion_code": blank });
        [add, update, checkout].map(|body| {
            let [url_encoded, parts] = forms_of(&body);
            [as_json(body), url_encoded, parts]
        })
    };
    // What the line of an update becomes: the texts of a change are as they were sent, and blank ones take a line's away.
    let described = |change: Change| {
        let mut cart = Cart::new(Token::from_bytes([1; 16]).number(), Timestamp::UNIX_EPOCH, Lifetime::default());
        let offer = Offer {
            price: serde_json::from_value(json!({ "id": "a", "product": "b", "currency": "usd", "unit_amount": 1 }))
                .unwrap(),
            product: serde_json::from_value(json!({ "id": "b" })).unwrap(),
        };
        let offers = [offer].into_iter().collect();
        cart.apply(&change, &offers, Timestamp::UNIX_EPOCH).unwrap();
        (cart.lines().to_vec(), cart.metadata().clone())
    };

    for blank in ["", " ", " \t\n", "\u{a0}", "\u{2003}"] {
        let [adds, updates, checkouts] = bodies(blank);
        for request in adds {
            let (lines, metadata) = described(add(&request).unwrap().into_change(None).unwrap());
            assert_eq!((lines[0].id.as_str(), lines[0].description.as_ref()), ("a", None), "{blank:?}");
            assert!(metadata.is_empty(), "{blank:?}");
        }
        for request in updates {
            let (lines, metadata) = described(update(&request).unwrap().into_change(None).unwrap());
            assert_eq!((lines[0].quantity.get(), lines[0].description.as_ref()), (2, None), "{blank:?}");
            assert!(metadata.is_empty(), "{blank:?}");
        }
        for request in checkouts {
            let body: CheckoutBody = request.body().unwrap();
            assert_eq!((body.email(), body.promotion_code()), (None, None), "{blank:?}");
        }
    }
}

/// Mostly what is right.
fn mostly(right: impl Strategy<Value = Value> + 'static, wrong: Vec<Value>) -> impl Strategy<Value = Value> {
    prop_oneof![9 => right.boxed(), 1 => proptest::sample::select(wrong).boxed()]
}

fn text() -> impl Strategy<Value = Value> {
    r"\PC{0,12}".prop_map(Value::from)
}

fn quantity() -> impl Strategy<Value = Value> {
    let wrong =
        vec![json!(0), json!(-1), json!(1.5), json!("two"), json!(1_000_000), json!("1".repeat(30)), json!({ "a": 1 })];
    mostly(
        prop_oneof![(1..1000_u32).prop_map(Value::from), (1..1000_u32).prop_map(|units| units.to_string().into())],
        wrong,
    )
}

fn object(members: Vec<(&'static str, BoxedStrategy<Value>)>) -> impl Strategy<Value = Value> {
    let members = members
        .into_iter()
        .map(|(name, value)| proptest::option::weighted(0.8, value.prop_map(move |value| (name, value))));
    members.collect::<Vec<_>>().prop_map(|members| {
        Value::Object(members.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)).collect())
    })
}

fn attributes() -> Vec<(&'static str, BoxedStrategy<Value>)> {
    let flag = mostly(any::<bool>().prop_map(Value::from), vec![json!("on"), json!("off"), json!("maybe"), json!(7)]);
    let adjustable =
        object(vec![("enabled", flag.boxed()), ("minimum", quantity().boxed()), ("maximum", quantity().boxed())]);
    vec![
        ("quantity", quantity().boxed()),
        ("adjustable_quantity", mostly(adjustable, vec![json!("x"), json!({})]).boxed()),
        ("description", mostly(text(), vec![json!(7), json!(true), json!({ "a": "b" })]).boxed()),
    ]
}

fn metadata() -> BoxedStrategy<Value> {
    let value = mostly(text(), vec![json!(-7), json!(false), json!({ "a": "b" })]);
    let entries = proptest::collection::btree_map("[a-z0-9_ é.]{1,8}", value, 0..4);
    let entries = entries.prop_map(|entries| Value::Object(entries.into_iter().collect()));
    mostly(entries, vec![json!("x")]).boxed()
}

/// A body that has the fields of all requests. In a form there is no telling a number from its digits, so that ids are text.
fn body() -> impl Strategy<Value = Value> {
    let price =
        || mostly("[a-z]{1,2}".prop_map(Value::from), vec![json!(""), json!("a b"), json!({ "a": "b" })]).boxed();
    let line = object([vec![("price", price())], attributes()].concat());
    let line = mostly(line, vec![json!("x")]);
    let updates = proptest::collection::btree_map("[a-z]{1,2}|[ .]", object(attributes()), 0..4);
    let updates = updates.prop_map(|lines| {
        // A line without attributes has no form.
        Value::Object(lines.into_iter().filter(|(_, line)| *line != json!({})).collect())
    });
    object(vec![
        ("items", proptest::collection::vec(line, 0..4).prop_map(Value::from).boxed()),
        ("updates", updates.boxed()),
        ("metadata", metadata()),
        ("email", mostly("[a-z@.]{0,8}".prop_map(Value::from), vec![json!("a@b.c"), json!({ "a": "b" })]).boxed()),
        ("promotion_code", text().boxed()),
        (
            "forget",
            mostly(any::<bool>().prop_map(Value::from), vec![json!("on"), json!("maybe"), json!({ "a": "b" })]).boxed(),
        ),
        ("else", text().boxed()),
    ])
}

proptest! {
    #[test]
    fn a_form_reads_as_the_json_that_it_stands_for(body in body()) {
        let json = as_json(&body);
        for form in forms_of(&body) {
            prop_assert_eq!(add(&json), add(&form));
            prop_assert_eq!(update(&json), update(&form));
            prop_assert_eq!(told(json.body::<CheckoutBody>()), told(form.body::<CheckoutBody>()));
            prop_assert_eq!(told(json.body::<ClearBody>()), told(form.body::<ClearBody>()));
            prop_assert_eq!(told(json.body::<EmptyBody>()), told(form.body::<EmptyBody>()));
        }
    }

    #[test]
    fn no_body_panics(
        json in r#"[{}\[\]":,]{0,8}("(items|updates|metadata|price|quantity|email)"|[{}\[\]":,0-9.eE-]|null|true|\PC){0,24}"#,
        form in r"((items|updates|metadata|email)?[\[\]0-9=&%+]|price|quantity|\PC){0,32}",
    ) {
        for request in [as_json(json), as_form(&form)] {
            let _ = add(&request).map(|body| told(body.into_change(None)));
            let _ = update(&request).map(|body| told(body.into_change(None)));
            let _ = told(request.body::<CheckoutBody>());
            let _ = told(request.body::<EmptyBody>());
        }
    }
}
