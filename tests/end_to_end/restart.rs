//! `--data`: a shop that is stopped goes on where it was, and so does its Stripe.

use fixtures::{Shop, order_number};
use serde_json::Value;

#[tokio::test]
async fn a_shop_that_keeps_its_data_goes_on_after_a_restart() {
    let folder = std::env::temp_dir().join(format!("cartwright-restart-{}", std::process::id()));
    let (paid, open, token) = {
        let shop = Shop::open_at(&folder).await;
        let paid = shop.pay(&shop.add("price_mug", 1).await.checkout().await.ok()).await;
        let visitor = shop.add("price_mug", 2).await;
        let session = visitor.checkout().await.ok();
        (paid, session, visitor.token().unwrap())
    };

    let shop = Shop::open_at(&folder).await;
    let is_open = |session: &Value| session["status"] == "open";
    let session = shop.sandbox().sessions().into_iter().find(is_open).unwrap();
    let number = shop.pay(&session).await;
    shop.refund(&paid, 500).await;

    assert_eq!(session["id"], open["id"]);
    assert_eq!(number, order_number(&session));
    assert_eq!(shop.order(&number).await.ok()["total"], 2400);
    assert_eq!(shop.visitor_with(&token).cart().await["status"], "completed");
    let refunded = shop.order(&paid).await.ok();
    assert_eq!((refunded["status"].as_str(), refunded["refunded"].as_i64()), (Some("partially_refunded"), Some(500)));
    drop(shop);
    std::fs::remove_dir_all(folder).unwrap();
}
