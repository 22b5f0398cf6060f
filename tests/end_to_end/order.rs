//! `GET /orders/{number}`.

use fixtures::Shop;

#[tokio::test]
async fn an_order_tells_nothing_about_who_bought() {
    let shop = Shop::open_with([("CHECKOUT_SHIPPING_COUNTRIES", "US"), ("CHECKOUT_PHONE", "true")]).await;
    let visitor = shop.visitor();
    visitor.add("price_mug", 1).await.ok();
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
async fn everything_about_who_bought_is_stored() {
    let shop = Shop::open_with([
        ("CHECKOUT_SHIPPING_COUNTRIES", "US"),
        ("CHECKOUT_PHONE", "true"),
        ("CHECKOUT_BILLING_ADDRESS", "required"),
        ("CHECKOUT_SHIPPING_RATES", "shr_standard"),
    ])
    .await;
    let visitor = shop.visitor();
    visitor.add("price_mug", 1).await.ok();
    let number = shop.pay(&visitor.checkout().await.ok()).await;

    let connection = &shop.stack().services().database;
    let orders = store::Orders::new(connection, shop.stack().environment()).unwrap();
    let order = orders.find(number.parse().unwrap()).await.unwrap().unwrap();

    let session = shop.event("checkout.session.completed")["data"]["object"].clone();
    let details = &session["customer_details"];
    assert_eq!(order.customer.email.as_deref(), details["email"].as_str());
    assert_eq!(order.customer.name.as_deref(), details["name"].as_str());
    assert_eq!(order.customer.phone.as_deref(), details["phone"].as_str());
    assert!(order.customer.phone.is_some());
    assert!(order.billing_address.unwrap().line1.is_some());
    assert!(order.shipping_address.unwrap().line1.is_some());
    assert!(order.shipping_name.is_some());
    assert_eq!(Some(order.shipping), session["shipping_cost"]["amount_total"].as_i64());
    assert!(order.shipping > 0);
    assert_eq!(Some(order.total), session["amount_total"].as_i64());
    assert_eq!(Some(order.payment.session.as_str()), session["id"].as_str());
    assert_eq!(order.payment.payment_intent.unwrap().as_str(), session["payment_intent"].as_str().unwrap());
}

#[tokio::test]
async fn there_is_no_order_under_another_number() {
    let shop = Shop::open().await;

    for number in ["0", "55a109cdfba5b6648676ee8c21e22322", "55A109CDFBA5B6648676EE8C21E22322", "..%2f", "%00"] {
        assert_eq!(shop.order(number).await.error(404), "order_not_found", "{number}");
    }
}
