//! `POST /cart/add` with `add_all_or_nothing` false: what can be added is, and the rest is named.

use fixtures::{Answer, Shop, Visitor};
use futures_util::future::join_all;
use serde_json::{Value, json};

fn partly(items: &Value) -> Value {
    json!({ "items": items, "options": { "add_all_or_nothing": false } })
}

async fn add(visitor: &Visitor<'_>, items: &Value) -> Answer {
    visitor.post("/cart/add", partly(items)).await
}

fn one(price: &str) -> Value {
    json!({ "price": price })
}

/// The lines of an answer and what it says of each item that was not added: index, price, code.
fn told(answer: &Answer) -> (Value, Value) {
    let cart = answer.ok();
    let of = |list: &Value, keys: &[&str]| -> Value {
        let entry = |entry: &Value| keys.iter().map(|key| entry[key].clone()).collect::<Value>();
        list.as_array().into_iter().flatten().map(entry).collect()
    };
    (of(&cart["items"], &["price", "quantity"]), of(&cart["errors"], &["index", "price", "code"]))
}

#[tokio::test]
async fn prices_that_are_gone_are_named_in_the_order_sent_and_the_others_are_added() {
    let shop = Shop::open().await;
    let form = "items[0][price]=price_poster_old&items[2][price]=price_mug&items[2][quantity]=2&items[5][price]=price_none\
        &options[add_all_or_nothing]=";
    let items = json!([one("price_poster_old"), { "price": "price_mug", "quantity": 2 }, one("price_none")]);
    let parts = |flag: &str| {
        let part = |name: &str, value: &str| {
            format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        [
            part("items[0][price]", "price_poster_old"),
            part("items[1][price]", "price_mug"),
            part("items[1][quantity]", "2"),
            part("items[2][price]", "price_none"),
            part("options[add_all_or_nothing]", flag),
            "--x--\r\n".to_owned(),
        ]
        .concat()
    };
    let multipart = [("content-type", "multipart/form-data; boundary=x")];
    let send = |body: String| async {
        shop.visitor().send(reqwest::Method::POST, "/cart/add", &multipart, body.into_bytes()).await
    };
    let answers = [
        add(&shop.visitor(), &items).await,
        shop.visitor().post_form("/cart/add", &format!("{form}false")).await,
        shop.visitor().post_form("/cart/add", &format!("{form}0")).await,
        send(parts("false")).await,
    ];

    for answer in answers {
        let gone = json!([[0, "price_poster_old", "price_not_found"], [2, "price_none", "price_not_found"]]);
        assert_eq!(told(&answer), (json!([["price_mug", 2]]), gone));
        assert_eq!(answer.json()["errors"][1]["message"], "Cannot find price: price_none");
        assert_eq!(answer.json()["version"], 1);
    }
    for flag in ["true", ""] {
        assert_eq!(shop.visitor().post_form("/cart/add", &format!("{form}{flag}")).await.error(404), "price_not_found");
        assert_eq!(send(parts(flag)).await.error(404), "price_not_found");
    }
}

/// Each refusal of an item has the code and the message that the refusal of the same item alone has, but for the field's name in
/// front, and leaves what is beside it.
#[tokio::test]
async fn each_rule_names_its_item_as_it_would_refuse_the_whole() {
    let shop = Shop::open().await;
    let bounds = json!({ "enabled": true, "minimum": 2, "maximum": 5 });
    let cases = [
        (one("price_none"), "price_not_found"),
        (one("price_mug_eur"), "mixed_currency"),
        (one("price_club_yearly"), "mixed_interval"),
        (json!({ "price": "price_club_monthly", "attributes": { "engraving": "Ann" } }), "recurring_line_exists"),
        (json!({ "price": "price_poster", "quantity": 6, "adjustable_quantity": bounds }), "quantity_out_of_range"),
        (json!({ "price": "price_mug", "quantity": 999_999 }), "invalid_quantity"),
        (one("price_donation"), "custom_amount_alone"),
    ];

    for (refused, code) in cases {
        let visitor = shop.add("price_mug", 1).await;
        visitor.add("price_club_monthly", 1).await.ok();
        let before = visitor.cart().await;
        let alone = visitor.post("/cart/add", json!({ "items": [refused] })).await;
        assert_eq!(alone.json()["code"], code, "{}", alone.text);

        let nothing = add(&visitor, &json!([refused])).await.ok();
        let some = add(&visitor, &json!([one("price_sticker"), refused, one("price_tshirt")])).await.ok();

        let message = nothing["errors"][0]["message"].as_str().unwrap();
        let whole = alone.json()["message"].as_str().unwrap().to_lowercase();
        assert_eq!(whole.trim_start_matches("items[0].quantity: "), message.to_lowercase());
        let error = |index| json!([{ "index": index, "price": refused["price"], "code": code, "message": message }]);
        assert_eq!((&nothing["errors"], &nothing["version"]), (&error(0), &before["version"]), "{code}");
        assert_eq!((&some["errors"], &some["item_count"]), (&error(1), &json!(4)), "{code}");
        assert_eq!(some["version"], before["version"].as_u64().unwrap() + 1, "{code}");
        let mut shown = visitor.cart().await;
        shown["errors"] = some["errors"].clone();
        assert_eq!(shown, some, "the answer is the cart, and what is not in it");
    }
}

#[tokio::test]
async fn the_same_item_twice_is_added_once_where_the_second_goes_beyond_the_bounds() {
    let shop = Shop::open().await;
    let bounds = json!({ "enabled": true, "minimum": 1, "maximum": 5 });
    let three = json!({ "price": "price_mug", "quantity": 3, "adjustable_quantity": bounds });

    let answer = add(&shop.visitor(), &json!([three, three, one("price_mug")])).await;

    assert_eq!(told(&answer), (json!([["price_mug", 4]]), json!([[1, "price_mug", "quantity_out_of_range"]])));
}

#[tokio::test]
async fn items_of_one_line_count_together_towards_its_least_quantity() {
    let shop = Shop::open().await;
    let form = "product=prod_mug&currency=usd&unit_amount=700&metadata[minimum_quantity]=3";
    let price = shop.stripe(reqwest::Method::POST, "/v1/prices", form).await["id"].as_str().unwrap().to_owned();
    let of = |quantity: u32| json!({ "price": price, "quantity": quantity });
    let both = [of(1), of(2)];
    let held = shop.add("price_sticker", 1).await;
    let parts = format!("items[3][price]={price}&items[7][price]={price}&items[7][quantity]=2");

    let whole = shop.visitor().post("/cart/add", json!({ "items": both })).await;
    let in_form = shop.visitor().post_form("/cart/add", &parts).await;
    let alone = add(&shop.visitor(), &json!(both)).await;
    for answer in [whole, in_form, alone] {
        assert_eq!(told(&answer), (json!([[price, 3]]), json!([])), "{}", answer.text);
    }
    let beside = add(&held, &json!([both[0], one("price_none"), both[1]])).await;
    assert_eq!(
        told(&beside),
        (json!([["price_sticker", 1], [price, 3]]), json!([[1, "price_none", "price_not_found"]]))
    );
    let too_few = add(&shop.visitor(), &json!([both[0], one("price_mug"), both[0]])).await;
    let errors = [0, 2].map(|index| json!([index, price, "quantity_out_of_range"]));
    assert_eq!(told(&too_few), (json!([["price_mug", 1]]), json!(errors)));
}

/// Source of the limit: section "Limits" of README.
#[tokio::test]
async fn lines_beyond_a_hundred_are_named() {
    let shop = Shop::open().await;
    let engraved = |index: usize| json!({ "price": "price_mug", "attributes": { "engraving": index.to_string() } });
    let visitor = shop.visitor();

    let answer = add(&visitor, &(0..103).map(engraved).collect()).await;

    let (items, errors) = told(&answer);
    assert_eq!(items.as_array().unwrap().len(), 100);
    let beyond = [100, 101, 102].map(|index| json!([index, "price_mug", "too_many_items"]));
    assert_eq!(errors, Value::from(beyond.to_vec()));
    let again = add(&visitor, &json!([engraved(200), engraved(7)])).await;
    assert_eq!(told(&again).1, json!([[0, "price_mug", "too_many_items"]]));
    assert_eq!(again.json()["item_count"], 101);
}

#[tokio::test]
async fn where_nothing_can_be_added_there_is_no_cart_and_no_row() {
    let shop = Shop::open().await;
    let body = json!({ "items": [one("price_none")], "options": { "add_all_or_nothing": false }, "metadata": { "note": "x" } });
    for headers in [&[][..], &[("idempotency-key", "again")]] {
        let visitor = shop.visitor();

        let answer = visitor.post_with(headers, "/cart/add", body.clone()).await;

        assert_eq!(told(&answer), (json!([]), json!([[0, "price_none", "price_not_found"]])));
        let cart = answer.json();
        assert_eq!((&cart["number"], &cart["version"], &cart["metadata"]), (&Value::Null, &json!(0), &json!({})));
        assert_eq!((visitor.token(), answer.header("set-cookie")), (None, None));
    }
    assert_eq!(shop.table("CARTS_TABLE").scan().await, Vec::<Value>::new());
}

#[tokio::test]
async fn metadata_are_attached_with_what_is_added_and_not_alone() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let noted = |items: Value| {
        let mut body = partly(&items);
        body["metadata"] = json!({ "note": "new" });
        body
    };

    let nothing = visitor.post("/cart/add", noted(json!([one("price_none")]))).await.ok();
    let some = visitor.post("/cart/add", noted(json!([one("price_none"), one("price_mug")]))).await.ok();

    assert_eq!((&nothing["metadata"], &nothing["version"]), (&json!({}), &json!(1)));
    assert_eq!((&some["metadata"], &some["version"]), (&json!({ "note": "new" }), &json!(2)));
}

#[tokio::test]
async fn without_the_option_it_is_all_or_nothing_and_no_answer_has_the_key() {
    let shop = Shop::open().await;
    let items = json!([one("price_mug"), one("price_none")]);
    for options in [json!(null), json!([]), json!({}), json!({ "add_all_or_nothing": true }), json!({ "other": 1 })] {
        let visitor = shop.visitor();

        let refused = visitor.post("/cart/add", json!({ "items": items, "options": options })).await;
        let added = visitor.post("/cart/add", json!({ "items": [one("price_mug")], "options": options })).await;

        assert_eq!(refused.error(404), "price_not_found", "{options}");
        assert_eq!(added.ok().get("errors"), None, "{options}");
    }
    assert_eq!(add(&shop.visitor(), &json!([one("price_mug")])).await.ok().get("errors"), None, "all were added");
}

#[tokio::test]
async fn an_option_of_another_type_is_named_and_nothing_is_saved() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    for value in [json!("perhaps"), json!(2), json!(0.5), json!([true]), json!({ "a": 1 })] {
        let body = json!({ "items": [one("price_mug")], "options": { "add_all_or_nothing": value } });

        let answer = visitor.post("/cart/add", body).await;

        assert_eq!(answer.error(400), "invalid_field", "{value}");
        let field = answer.json()["details"]["field"].as_str().unwrap().to_owned();
        assert!(field.starts_with("options.add_all_or_nothing"), "{value}: {field}");
    }
    let answer = visitor.post_form("/cart/add", "items[0][price]=price_mug&options[add_all_or_nothing]=perhaps").await;
    assert_eq!(
        (answer.error(400), &answer.json()["details"]["field"]),
        ("invalid_field".to_owned(), &json!("options.add_all_or_nothing"))
    );
    assert_eq!(visitor.cart().await["item_count"], 1);
}

#[tokio::test]
async fn where_all_fit_it_is_one_request_and_where_not_two_at_most() {
    let shop = Shop::open_on_wires([]).await;
    let visitor = shop.add("price_mug", 1).await;
    visitor.add("price_tshirt", 1).await.ok();
    visitor.add("price_mug_eur", 1).await.error(400);
    add(&visitor, &json!([one("price_none")])).await.ok();
    let calls = async |items: Value| {
        shop.wire().plan(None);
        add(&visitor, &items).await.ok();
        shop.wire().dynamodb_calls()
    };

    assert_eq!(calls(json!([one("price_mug"), one("price_tshirt"), one("price_mug")])).await, ["DynamoDB UpdateItem"]);
    assert_eq!(
        calls(json!([one("price_mug"), one("price_mug_eur")])).await,
        ["DynamoDB GetItem", "DynamoDB UpdateItem"]
    );
    assert_eq!(calls(json!([one("price_mug_eur")])).await.len(), 1);
}

#[tokio::test]
async fn a_request_sent_again_adds_nothing_and_names_nothing() {
    let shop = Shop::open().await;
    let key = [("idempotency-key", "order-again")];
    let body = partly(&json!([one("price_none"), one("price_mug")]));
    let visitor = shop.visitor();

    let first = visitor.post_with(&key, "/cart/add", body.clone()).await.ok();
    let with_token = visitor.post_with(&key, "/cart/add", body.clone()).await.ok();
    let without_token = shop.visitor().post_with(&key, "/cart/add", body).await.ok();

    assert_eq!(first["errors"].as_array().unwrap().len(), 1);
    for again in [with_token, without_token] {
        assert_eq!((&again["number"], &again["item_count"]), (&first["number"], &json!(1)));
        assert_eq!(again.get("errors"), None);
    }
}

/// Adds that race for the last lines of a cart: each answer is true, so what all of them name and what is there are all that was sent.
#[tokio::test(flavor = "multi_thread")]
async fn what_parallel_adds_name_is_what_was_not_written() {
    let shop = Shop::open().await;
    let engraved = |index: usize| json!({ "price": "price_mug", "attributes": { "engraving": index.to_string() } });
    let visitor = shop.visitor();
    visitor.post("/cart/add", json!({ "items": (0..90).map(engraved).collect::<Value>() })).await.ok();

    let items = |client: usize| (0..3).map(|line| engraved(100 + client * 3 + line)).collect::<Value>();
    let answers = join_all((0..8).map(|client| {
        let (visitor, items) = (&visitor, items(client));
        async move { add(visitor, &items).await.ok() }
    }))
    .await;

    let cart = visitor.cart().await;
    let held: Vec<_> = cart["items"].as_array().unwrap().iter().map(|item| &item["attributes"]["engraving"]).collect();
    assert_eq!(held.len(), 100);
    for (client, answer) in answers.iter().enumerate() {
        let refused: Vec<_> = answer["errors"].as_array().into_iter().flatten().map(|error| &error["index"]).collect();
        for line in 0..3 {
            let is_held = held.contains(&&json!((100 + client * 3 + line).to_string()));
            assert_ne!(is_held, refused.contains(&&json!(line)), "client {client}, line {line}");
        }
    }
}
