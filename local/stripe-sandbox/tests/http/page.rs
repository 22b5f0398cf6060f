//! The hosted page, as a browser without JavaScript uses it.

use http::Method;
use serde_json::{Value, json};

use crate::stripe::{Stripe, entries, id, stripe};

async fn first_line(stripe: &Stripe, session: &Value) -> String {
    let items = stripe.line_items(session, "").await;
    id(&items["data"][0]).to_owned()
}

#[tokio::test]
async fn the_page_shows_what_is_bought_and_leads_back() {
    let stripe = stripe().await;
    let more = [
        ("line_items[1][price]", "price_tshirt"),
        ("line_items[1][quantity]", "1"),
        ("customer_email", "a&b@shop.example"),
        ("shipping_options[0][shipping_rate]", "shr_standard"),
        ("shipping_options[1][shipping_rate]", "shr_express"),
    ];
    let session = stripe.session("price_mug", "2", &more).await;

    let page = stripe.page(&session).await;

    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    for text in [
        "Stoneware mug",
        "Organic cotton T-shirt",
        "/images/mug.svg",
        "Quantity 2",
        "$24.00",
        "$61.00",
        "Standard",
        "$15.00",
        "a&amp;b@shop.example",
        "https://shop.example/cart",
        r#"value="pay""#,
        r#"value="pay_later""#,
        r#"value="fail""#,
    ] {
        assert!(page.text.contains(text), "{text} is not in {}", page.text);
    }
    assert!(!page.text.contains("<script"));
}

/// Source: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-submit_type>
#[tokio::test]
async fn the_button_says_what_the_session_is_for() {
    let stripe = stripe().await;
    for (kind, text) in [("auto", "Pay $12.00"), ("book", "Book $12.00"), ("donate", "Donate $12.00")] {
        let session = stripe.session("price_mug", "1", &[("submit_type", kind)]).await;

        let page = stripe.page(&session).await;

        assert!(page.text.contains(text), "{text} is not in {}", page.text);
    }
}

#[tokio::test]
async fn the_shoppers_answers_end_up_in_the_session() {
    let stripe = stripe().await;
    let more = [
        ("shipping_address_collection[allowed_countries][0]", "DE"),
        ("shipping_address_collection[allowed_countries][1]", "AT"),
        ("billing_address_collection", "required"),
        ("phone_number_collection[enabled]", "true"),
        ("shipping_options[0][shipping_rate]", "shr_standard"),
        ("shipping_options[1][shipping_rate]", "shr_express"),
    ];
    let session = stripe.session("price_mug", "1", &more).await;

    let form = [
        ("email", "ann@shop.example"),
        ("name", "Ann Müller"),
        ("phone", "+49301234567"),
        ("shipping_name", "Bert Müller"),
        ("shipping[line1]", "Ring 5"),
        ("shipping[city]", "Wien"),
        ("shipping[postal_code]", "1010"),
        ("shipping[country]", "AT"),
        ("billing[line1]", "Allee 7"),
        ("billing[country]", "DE"),
        ("shipping_option", "1"),
    ];
    let paid = stripe.press(&session, "pay", &form).await;
    let done = stripe.reload(&session).await;

    assert_eq!(paid.status, 303, "{}", paid.text);
    let details = &done["customer_details"];
    assert_eq!((&details["email"], &details["name"]), (&json!("ann@shop.example"), &json!("Ann Müller")));
    assert_eq!(details["phone"], "+49301234567");
    assert_eq!(details["address"]["line1"], "Allee 7");
    let shipping = &done["collected_information"]["shipping_details"];
    assert_eq!(shipping["name"], "Bert Müller");
    assert_eq!(
        shipping["address"],
        json!({ "line1": "Ring 5", "line2": null, "city": "Wien", "state": null, "postal_code": "1010", "country": "AT" })
    );
    assert_eq!((&done["shipping_cost"]["shipping_rate"], &done["amount_total"]), (&json!("shr_express"), &json!(2700)));
}

#[tokio::test]
async fn an_untouched_form_is_enough_whatever_is_asked_for() {
    let stripe = stripe().await;
    let more = [
        ("shipping_address_collection[allowed_countries][0]", "JP"),
        ("billing_address_collection", "required"),
        ("phone_number_collection[enabled]", "true"),
        ("automatic_tax[enabled]", "true"),
    ];
    let session = stripe.session("price_mug", "1", &more).await;

    let paid = stripe.press(&session, "pay", &[]).await;
    let done = stripe.reload(&session).await;

    assert_eq!(paid.status, 303, "{}", paid.text);
    assert_eq!(done["customer_details"]["email"], "shopper@example.com");
    assert_eq!(done["collected_information"]["shipping_details"]["address"]["country"], "JP");
    assert_eq!(done["automatic_tax"]["status"], "complete");
}

#[tokio::test]
async fn a_declined_card_leaves_the_session_open() {
    let stripe = stripe().await;
    let session = stripe.session("price_mug", "1", &[]).await;

    let declined = stripe.press(&session, "fail", &[("name", "Ann <b>")]).await;

    assert_eq!(declined.status, 402);
    assert!(declined.text.contains("Your card was declined."));
    assert!(declined.text.contains("Ann &lt;b&gt;"), "what was typed is kept");
    assert_eq!(stripe.reload(&session).await["status"], "open");
    assert_eq!(stripe.press(&session, "pay", &[]).await.status, 303);
}

#[tokio::test]
async fn answers_that_will_not_do_are_told_and_change_nothing() {
    let stripe = stripe().await;
    let more = [("shipping_address_collection[allowed_countries][0]", "DE")];
    let session = stripe.session("price_mug", "1", &more).await;
    let cases = [
        (vec![("email", "nobody")], "email address"),
        (vec![("name", " ")], "name is missing"),
        (vec![("shipping[line1]", "Ring 5"), ("shipping[country]", "FR")], "do not ship"),
        (vec![("shipping[line1]", ""), ("shipping[country]", "DE")], "incomplete"),
    ];
    for (form, text) in cases {
        let refused = stripe.press(&session, "pay", &form).await;

        assert_eq!(refused.status, 402, "{form:?}");
        assert!(refused.text.contains(text), "{text} is not in {}", refused.text);
    }
    assert_eq!(stripe.event_types(), [""; 0]);
}

#[tokio::test]
async fn a_quantity_that_is_refused_is_not_kept() {
    let stripe = stripe().await;
    let session = stripe.session("price_mug", "2", &[("line_items[0][adjustable_quantity][enabled]", "true")]).await;
    let field = format!("quantity[{}]", first_line(&stripe, &session).await);
    let before = stripe.line_items(&session, "").await;

    let refused = stripe.press(&session, "update", &[(&field, "0")]).await;

    assert_eq!(refused.status, 402);
    assert_eq!(stripe.line_items(&session, "").await, before);
    assert_eq!(stripe.press(&session, "pay", &[]).await.status, 303);
}

#[tokio::test]
async fn a_promotion_code_is_applied_and_counted() {
    let stripe = stripe().await;
    let session = stripe.session("price_mug", "1", &[("allow_promotion_codes", "true")]).await;

    let wrong = stripe.press(&session, "update", &[("promotion_code", "NOPE")]).await;
    let used_up = stripe.press(&session, "update", &[("promotion_code", "USEDUP")]).await;
    let too_little = stripe.press(&session, "update", &[("promotion_code", "FIVEOFF")]).await;
    let applied = stripe.press(&session, "update", &[("promotion_code", "welcome10")]).await;
    let paid = stripe.press(&session, "pay", &[("promotion_code", "welcome10")]).await;

    for refused in [wrong, used_up, too_little] {
        assert_eq!(refused.status, 402);
    }
    assert!(applied.text.contains("$10.80"));
    assert_eq!(paid.status, 303);
    assert_eq!(stripe.reload(&session).await["amount_total"], 1080);
    let code = stripe.get("/v1/promotion_codes/promo_welcome10").await.ok();
    assert_eq!(code["times_redeemed"], 1);
}

#[tokio::test]
async fn a_code_for_one_order_serves_one_order() {
    let stripe = stripe().await;
    let form =
        [("promotion[type]", "coupon"), ("promotion[coupon]", "welcome10"), ("code", "ONCE"), ("max_redemptions", "1")];
    let code = stripe.post("/v1/promotion_codes", &form).await.ok();
    let discount = [("discounts[0][promotion_code]", id(&code))];
    let one = stripe.session("price_mug", "1", &discount).await;
    let two = stripe.session("price_mug", "1", &discount).await;

    let first = stripe.press(&one, "pay", &[]).await;
    let second = stripe.press(&two, "pay", &[]).await;
    let third = stripe.try_session("payment", "price_mug", "1", &discount).await;

    assert_eq!((first.status, second.status), (303, 402));
    assert_eq!(third.refused().2, "discounts[0][promotion_code]");
}

#[tokio::test]
async fn quantities_can_be_changed_within_their_bounds() {
    let stripe = stripe().await;
    let more = [
        ("line_items[0][adjustable_quantity][enabled]", "true"),
        ("line_items[0][adjustable_quantity][minimum]", "1"),
        ("line_items[0][adjustable_quantity][maximum]", "5"),
    ];
    let session = stripe.session("price_mug", "2", &more).await;
    let field = format!("quantity[{}]", first_line(&stripe, &session).await);

    let page = stripe.page(&session).await;
    let too_many = stripe.press(&session, "update", &[(&field, "6")]).await;
    let updated = stripe.press(&session, "update", &[(&field, "4")]).await;
    stripe.press(&session, "pay", &[]).await;

    assert!(page.text.contains(&field));
    assert_eq!(too_many.status, 402);
    assert!(updated.text.contains("$48.00"));
    assert_eq!(stripe.reload(&session).await["amount_total"], 4800);
}

#[tokio::test]
async fn a_line_reduced_to_nothing_is_not_bought_and_one_has_to_stay() {
    let stripe = stripe().await;
    let more = [
        ("line_items[0][adjustable_quantity][enabled]", "true"),
        ("line_items[1][price]", "price_poster"),
        ("line_items[1][quantity]", "1"),
    ];
    let two = stripe.session("price_mug", "2", &more).await;
    let one = stripe.session("price_mug", "2", &more[..1]).await;
    let of_two = format!("quantity[{}]", first_line(&stripe, &two).await);
    let of_one = format!("quantity[{}]", first_line(&stripe, &one).await);

    let paid = stripe.press(&two, "pay", &[(&of_two, "0")]).await;
    let refused = stripe.press(&one, "pay", &[(&of_one, "0")]).await;

    assert_eq!((paid.status, refused.status), (303, 402));
    let items = stripe.line_items(&two, "").await;
    assert_eq!(entries(&items).len(), 1);
    assert_eq!(items["data"][0]["description"], "Mountain poster");
}

/// Source: <https://docs.stripe.com/payments/checkout/optional-items>
#[tokio::test]
async fn optional_items_are_bought_as_further_lines_if_the_shopper_adds_them() {
    let stripe = stripe().await;
    let more = [
        ("optional_items[0][price]", "price_poster"),
        ("optional_items[0][quantity]", "1"),
        ("optional_items[0][adjustable_quantity][enabled]", "true"),
        ("optional_items[0][adjustable_quantity][maximum]", "3"),
        ("optional_items[1][price]", "price_tshirt"),
        ("optional_items[1][quantity]", "2"),
    ];
    let session = stripe.session("price_mug", "1", &more).await;
    let page = stripe.page(&session).await;
    let field = |index: usize| {
        let names =
            page.text.split("optional[").skip(1).map(|rest| format!("optional[{}", rest.split('"').next().unwrap()));
        let mut names: Vec<String> = names.collect();
        names.dedup();
        names.swap_remove(index)
    };
    let (poster, shirt) = (field(0), field(1));

    let too_many = stripe.press(&session, "update", &[(&poster, "4")]).await;
    let not_that_many = stripe.press(&session, "update", &[(&shirt, "1")]).await;
    let added = stripe.press(&session, "update", &[(&poster, "2"), (&shirt, "2")]).await;
    let removed = stripe.press(&session, "update", &[(&poster, "2"), (&shirt, "0")]).await;
    let paid = stripe.press(&session, "pay", &[]).await;

    assert_eq!(session["amount_total"], 1200, "nothing is added by itself");
    assert!(page.text.contains("Mountain poster") && page.text.contains("Organic cotton T-shirt"));
    assert!(page.text.contains("/images/poster.svg"));
    assert_eq!((too_many.status, not_that_many.status, paid.status), (402, 402, 303));
    assert!(added.text.contains("$113.00") && removed.text.contains("$49.00"));
    let done = stripe.expanded(&session, &["line_items"]).await;
    let bought: Vec<(&Value, &Value)> =
        entries(&done["line_items"]).iter().map(|line| (&line["description"], &line["quantity"])).collect();
    assert_eq!(bought, [(&json!("Stoneware mug"), &json!(1)), (&json!("Mountain poster"), &json!(2))]);
    assert_eq!(
        done["optional_items"],
        json!([
            {
                "adjustable_quantity": { "enabled": true, "maximum": 3, "minimum": 0 },
                "price": "price_poster",
                "quantity": 1,
            },
            { "adjustable_quantity": null, "price": "price_tshirt", "quantity": 2 },
        ])
    );
}

/// Source: what Stripe's library says of `consent_collection`.
#[tokio::test]
async fn consent_is_asked_for_and_answered() {
    let stripe = stripe().await;
    let more = [("consent_collection[promotions]", "auto"), ("consent_collection[terms_of_service]", "required")];
    let cases =
        [(vec![], "opt_out"), (vec![("promotions", "opt_in")], "opt_in"), (vec![("promotions", "opt_out")], "opt_out")];
    for (answers, promotions) in cases {
        let session = stripe.session("price_mug", "1", &more).await;
        let page = stripe.page(&session).await;
        let declined = stripe.press(&session, "pay", &[("terms_of_service", "declined")]).await;

        let paid = stripe.press(&session, "pay", &answers).await;

        assert!(page.text.contains(r#"name="promotions""#) && page.text.contains(r#"name="terms_of_service""#));
        assert_eq!((declined.status, paid.status), (402, 303));
        let consent = stripe.reload(&session).await["consent"].clone();
        assert_eq!(consent, json!({ "promotions": promotions, "terms_of_service": "accepted" }));
    }
    let session = stripe.session("price_mug", "1", &[more[0], ("billing_address_collection", "required")]).await;
    let abroad = [("promotions", "opt_in"), ("billing[line1]", "Ring 5"), ("billing[country]", "DE")];
    stripe.press(&session, "pay", &abroad).await;
    assert_eq!(stripe.reload(&session).await["consent"], Value::Null, "only shoppers in the US are asked");
}

/// Source: <https://docs.stripe.com/payments/checkout/abandoned-carts>
#[tokio::test]
async fn where_promotions_are_asked_for_a_link_recovers_only_who_agreed() {
    let stripe = stripe().await;
    let more = [("consent_collection[promotions]", "auto"), ("after_expiration[recovery][enabled]", "true")];
    for (answer, has_link) in [("", false), ("opt_out", false), ("opt_in", true)] {
        let session = stripe.session("price_mug", "1", &more).await;
        if !answer.is_empty() {
            stripe.press(&session, "update", &[("promotions", answer)]).await;
        }

        let expired = stripe.expire(&session).await.ok();

        assert_eq!(expired["after_expiration"]["recovery"]["url"].is_string(), has_link, "{answer}");
        assert_eq!(expired["consent"]["promotions"].as_str().unwrap_or_default(), answer);
    }
}

/// Source: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-custom_text>
#[tokio::test]
async fn the_shops_own_texts_are_on_the_page() {
    let stripe = stripe().await;
    let places = ["after_submit", "shipping_address", "submit", "terms_of_service_acceptance"];
    let names = places.map(|place| format!("custom_text[{place}][message]"));
    let texts = places.map(|place| format!("This is {place} <b>"));
    let mut more: Vec<(&str, &str)> =
        names.iter().zip(&texts).map(|(name, text)| (name.as_str(), text.as_str())).collect();
    more.push(("shipping_address_collection[allowed_countries][0]", "DE"));

    let session = stripe.session("price_mug", "1", &more).await;
    let page = stripe.page(&session).await;
    let too_long = stripe.try_session("payment", "price_mug", "1", &[(&names[2], &"x".repeat(1201))]).await;

    for place in places {
        assert!(page.text.contains(&format!("This is {place} &lt;b&gt;")), "{place} is not in {}", page.text);
    }
    assert_eq!(too_long.refused().2, names[2]);
}

/// A dropdown, a number and a text that may be left out.
const FIELDS: [(&str, &str); 19] = [
    ("custom_fields[0][key]", "size"),
    ("custom_fields[0][label][type]", "custom"),
    ("custom_fields[0][label][custom]", "Size"),
    ("custom_fields[0][type]", "dropdown"),
    ("custom_fields[0][dropdown][options][0][label]", "Small"),
    ("custom_fields[0][dropdown][options][0][value]", "s"),
    ("custom_fields[0][dropdown][options][1][label]", "Large"),
    ("custom_fields[0][dropdown][options][1][value]", "l"),
    ("custom_fields[1][key]", "badge"),
    ("custom_fields[1][label][type]", "custom"),
    ("custom_fields[1][label][custom]", "Badge number"),
    ("custom_fields[1][type]", "numeric"),
    ("custom_fields[1][numeric][minimum_length]", "3"),
    ("custom_fields[1][numeric][maximum_length]", "5"),
    ("custom_fields[2][key]", "engraving"),
    ("custom_fields[2][label][type]", "custom"),
    ("custom_fields[2][label][custom]", "Engraving"),
    ("custom_fields[2][type]", "text"),
    ("custom_fields[2][optional]", "true"),
];

/// Source: <https://docs.stripe.com/tax/checkout/tax-ids>
#[tokio::test]
async fn a_business_says_its_name_and_tax_id_where_the_session_asks() {
    let stripe = stripe().await;
    let answers = [("business_name", "Ann Ltd"), ("tax_id[type]", "gb_vat"), ("tax_id[value]", "GB123456789")];

    for (more, name, ids) in [
        (
            &[("tax_id_collection[enabled]", "true")][..],
            json!("Ann Ltd"),
            json!([{ "type": "gb_vat", "value": "GB123456789" }]),
        ),
        (&[], Value::Null, json!([])),
    ] {
        let session = stripe.session("price_mug", "1", more).await;
        let page = stripe.page(&session).await;

        stripe.press(&session, "pay", &answers).await;

        assert_eq!(page.text.contains("Tax ID"), !more.is_empty());
        let details = &stripe.reload(&session).await["customer_details"];
        assert_eq!((&details["business_name"], &details["tax_ids"]), (&name, &ids), "{more:?}");
    }
}

/// Source: <https://docs.stripe.com/payments/currencies/localize-prices/adaptive-pricing>
#[tokio::test]
async fn a_shopper_sees_another_currency_and_the_session_keeps_the_shops() {
    let stripe = stripe().await;
    let adaptive = [("adaptive_pricing[enabled]", "true")];

    for (more, seen, presented) in [
        (&adaptive[..], "eur", json!({ "presentment_amount": 1500, "presentment_currency": "eur" })),
        (&adaptive, "jpy", json!({ "presentment_amount": 15, "presentment_currency": "jpy" })),
        (&adaptive, "usd", Value::Null),
        (&[], "eur", Value::Null),
    ] {
        let session = stripe.session("price_mug", "1", more).await;

        stripe.press(&session, "pay", &[("presentment_currency", seen)]).await;

        let done = stripe.reload(&session).await;
        assert_eq!(done["presentment_details"], presented, "{seen}");
        assert_eq!((&done["currency"], &done["amount_total"]), (&json!("usd"), &json!(1200)), "{seen}");
    }
    let session = stripe.session("price_mug", "1", &adaptive).await;
    assert_eq!(stripe.press(&session, "pay", &[("presentment_currency", "gold")]).await.status, 402);
}

/// Source: <https://docs.stripe.com/api/charges/object#charge_object-receipt_url>
#[tokio::test]
async fn a_payment_has_a_receipt_once_the_money_is_in() {
    let stripe = stripe().await;
    let session = stripe.session("price_mug", "1", &[]).await;
    let receipt = async || {
        let done = stripe.expanded(&session, &["payment_intent.latest_charge"]).await;
        done["payment_intent"]["latest_charge"]["receipt_url"].clone()
    };
    stripe.press(&session, "pay_later", &[]).await;
    let before = receipt().await;

    stripe.sandbox.settle(session["id"].as_str().unwrap(), true).unwrap();

    let after = receipt().await;
    assert_eq!(before, Value::Null);
    assert!(after.as_str().unwrap().starts_with("https://pay.stripe.com/receipts/"), "{after}");
}

/// Source: <https://docs.stripe.com/payments/checkout/custom-fields>
#[tokio::test]
async fn the_shops_own_fields_are_asked_for_and_answered() {
    let stripe = stripe().await;
    let session = stripe.session("price_mug", "1", &FIELDS).await;
    let (size, badge) = (("custom_fields[size]", "l"), ("custom_fields[badge]", "0123"));
    let page = stripe.page(&session).await;
    let cases = [
        (vec![], "Size is missing."),
        (vec![size], "Badge number is missing."),
        (vec![("custom_fields[size]", "xl"), badge], "Size: choose one of the options."),
        (vec![size, ("custom_fields[badge]", "12")], "Badge number: write from 3 to 5 characters."),
        (vec![size, ("custom_fields[badge]", "123456")], "Badge number: write from 3 to 5 characters."),
        (vec![size, ("custom_fields[badge]", "12a")], "Badge number: only digits are allowed."),
    ];
    for (answers, message) in cases {
        let refused = stripe.press(&session, "pay", &answers).await;

        assert_eq!(refused.status, 402, "{answers:?}");
        assert!(refused.text.contains(message), "{message} is not in {}", refused.text);
    }

    let paid = stripe.press(&session, "pay", &[size, badge]).await;

    for text in [r#"name="custom_fields[size]""#, "Large", "Badge number", "Engraving (optional)"] {
        assert!(page.text.contains(text), "{text} is not in {}", page.text);
    }
    assert_eq!(paid.status, 303);
    assert_eq!(session["custom_fields"][0]["dropdown"]["value"], Value::Null);
    let done = stripe.reload(&session).await;
    assert_eq!(done["custom_fields"][0]["dropdown"]["value"], "l");
    assert_eq!(
        done["custom_fields"][1],
        json!({
            "key": "badge",
            "label": { "custom": "Badge number", "type": "custom" },
            "numeric": { "default_value": null, "maximum_length": 5, "minimum_length": 3, "value": "0123" },
            "optional": false,
            "type": "numeric",
        })
    );
    assert_eq!(done["custom_fields"][2]["text"]["value"], Value::Null);
}

#[tokio::test]
async fn the_shopper_may_choose_what_to_pay_where_the_price_lets_them() {
    let stripe = stripe().await;
    let session = stripe.session("price_donation", "1", &[]).await;
    let field = format!("amount[{}]", first_line(&stripe, &session).await);

    let too_little = stripe.press(&session, "pay", &[(&field, "1.99")]).await;
    let paid = stripe.press(&session, "pay", &[(&field, "25")]).await;

    assert_eq!((too_little.status, paid.status), (402, 303));
    assert_eq!(stripe.reload(&session).await["amount_total"], 2500);
}

#[tokio::test]
async fn automatic_tax_takes_the_rates_that_are_marked_for_it() {
    let catalog = r#"{"products":[{"id":"prod_a","name":"A"}],
        "prices":[{"id":"price_a","product":"prod_a","currency":"usd","unit_amount":1000}],
        "tax_rates":[{"id":"txr_ca","display_name":"Sales tax","percentage":8.25,"country":"US","metadata":{"automatic":"true"}},
                     {"id":"txr_de","display_name":"VAT","percentage":19,"country":"DE","metadata":{"automatic":"true"}},
                     {"id":"txr_no","display_name":"Other","percentage":50}]}"#;
    let catalog = stripe_sandbox::Catalog::from_json(catalog).unwrap();
    let stripe = crate::stripe::stripe_with(stripe_sandbox::Config { catalog, ..Default::default() }).await;
    let session = stripe.session("price_a", "1", &[("automatic_tax[enabled]", "true")]).await;

    stripe.press(&session, "pay", &[("billing[line1]", "1 Main St"), ("billing[country]", "US")]).await;

    let done = stripe.reload(&session).await;
    assert_eq!(session["automatic_tax"]["status"], "requires_location_inputs");
    assert_eq!((&done["automatic_tax"]["status"], &done["amount_total"]), (&json!("complete"), &json!(1083)));
    assert_eq!(done["total_details"]["amount_tax"], 83);
}

#[tokio::test]
async fn pages_of_ended_sessions_say_so() {
    let stripe = stripe().await;
    let paid = stripe.session("price_mug", "1", &[]).await;
    let expired = stripe.session("price_mug", "1", &[]).await;
    stripe.press(&paid, "pay", &[]).await;
    stripe.expire(&expired).await.ok();

    let complete = stripe.page(&paid).await;
    let again = stripe.press(&paid, "pay", &[]).await;
    let over = stripe.press(&expired, "pay", &[]).await;
    let unknown = stripe.send(Method::GET, "/c/pay/cs_test_x", &[], String::new()).await;

    assert!(
        complete.text.contains("complete") && complete.text.contains("https://shop.example/thanks?session_id=cs_test_")
    );
    assert_eq!(again.status, 200, "a second press pays nothing");
    assert!(over.text.contains("expired") && over.text.contains("https://shop.example/cart"));
    assert_eq!(unknown.status, 404);
    assert_eq!(stripe.event_types().iter().filter(|kind| *kind == "checkout.session.completed").count(), 1);
}

#[tokio::test]
async fn the_overview_lists_sessions_and_settles_delayed_payments() {
    let stripe = stripe().await;
    let session = stripe.session("price_mug", "1", &[]).await;
    stripe.press(&session, "pay_later", &[]).await;

    let overview = stripe.send(Method::GET, "/", &[], String::new()).await;
    let path = format!("/c/settle/{}", id(&session));
    let settled = stripe.send(Method::POST, &path, &[], "outcome=succeed".to_owned()).await;
    let after = stripe.send(Method::GET, "/", &[], String::new()).await;

    assert!(overview.text.contains(&path) && overview.text.contains("checkout.session.completed"));
    assert_eq!((settled.status, settled.header("location")), (303, "/"));
    assert!(!after.text.contains(&path));
    assert_eq!(stripe.reload(&session).await["payment_status"], "paid");
}
