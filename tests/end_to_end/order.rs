//! `GET /orders/{number}`.

use fixtures::Shop;

#[tokio::test]
async fn an_order_shows_nothing_about_the_buyer() {
    let shop = Shop::open_with([("CHECKOUT_SHIPPING_COUNTRIES", "US"), ("CHECKOUT_PHONE", "true")]).await;
    let visitor = shop.add("price_mug", 1).await;
    let number = shop.pay(&visitor.checkout().await.ok()).await;

    let text = shop.order(&number).await.text;

    let details = &shop.event("checkout.session.completed")["data"]["object"]["customer_details"];
    for value in [&details["email"], &details["name"], &details["address"]["line1"]] {
        let value = value.as_str().unwrap();
        assert!(!text.contains(value), "{value} is in {text}");
    }
    assert!(!text.contains("cs_test_") && !text.contains("pi_"), "{text}");
}

#[tokio::test]
async fn everything_about_the_buyer_is_stored() {
    let shop = Shop::open_with([
        ("CHECKOUT_SHIPPING_COUNTRIES", "US"),
        ("CHECKOUT_PHONE", "true"),
        ("CHECKOUT_BILLING_ADDRESS", "required"),
        ("CHECKOUT_SHIPPING_RATES", "shr_standard"),
    ])
    .await;
    let visitor = shop.add("price_mug", 1).await;
    let number = shop.pay(&visitor.checkout().await.ok()).await;

    let order = shop.stored_order(&number).await;

    let session = shop.event("checkout.session.completed")["data"]["object"].clone();
    for detail in ["email", "name", "phone"] {
        assert!(order["customer"][detail].is_string(), "{order}");
        assert_eq!(order["customer"][detail], session["customer_details"][detail]);
    }
    assert!(order["billing_address"]["line1"].is_string(), "{order}");
    assert!(order["shipping_address"]["line1"].is_string(), "{order}");
    assert!(order["shipping_name"].is_string(), "{order}");
    assert!(order["shipping"].as_i64() > Some(0), "{order}");
    assert_eq!(order["shipping"], session["shipping_cost"]["amount_total"]);
    assert_eq!(order["total"], session["amount_total"]);
    assert_eq!(order["payment"]["session"], session["id"]);
    assert_eq!(order["payment"]["payment_intent"], session["payment_intent"]);
}

#[tokio::test]
async fn there_is_no_order_under_another_number() {
    let shop = Shop::open().await;

    for number in ["0", "55a109cdfba5b6648676ee8c21e22322", "55A109CDFBA5B6648676EE8C21E22322", "..%2f", "%00"] {
        assert_eq!(shop.order(number).await.error(404), "order_not_found", "{number}");
    }
}
