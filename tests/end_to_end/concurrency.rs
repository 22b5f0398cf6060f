//! Requests that run at the same time.

use std::collections::BTreeSet;

use fixtures::{Shop, order_number};
use futures_util::future::join_all;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_parallel_adds_are_a_hundred_units() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;

    let answers = join_all((1..100).map(|_| visitor.add("price_mug", 1))).await;

    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(visitor.cart().await["item_count"], 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_adds_of_different_prices_are_all_kept() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let prices = ["price_mug", "price_tshirt", "price_poster", "price_sticker"];

    let answers = join_all((0..40).map(|index| visitor.add(prices[index % 4], 2))).await;

    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(visitor.cart().await["item_count"], 81);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_parallel_checkouts_are_one_session() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;

    let answers = join_all((0..20).map(|_| visitor.checkout())).await;

    let ids: BTreeSet<_> = answers.iter().map(|answer| answer.ok()["id"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(shop.sandbox().sessions().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_deliveries_of_one_event_with_the_landing_page_meanwhile_are_one_order() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let visitor = shop.add("price_mug", 3).await;
    let session = visitor.checkout().await.ok();
    let landing = shop.press(&session, "pay").await.location().to_owned();
    let event = shop.event("checkout.session.completed");

    let deliveries = join_all((0..50).map(|_| shop.deliver(&event)));
    let landings = join_all((0..5).map(|_| shop.get(&landing)));
    let (deliveries, landings) = tokio::join!(deliveries, landings);

    for answer in deliveries {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    for answer in landings {
        assert!(answer.location().ends_with(&order_number(&session)));
    }
    assert_eq!(shop.order(&order_number(&session)).await.ok()["total"], 3600);
    assert_eq!(shop.table("ORDERS_TABLE").scan().await.len(), 1);
}
