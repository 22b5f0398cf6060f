//! `POST /cart/clear`.

use fixtures::Shop;
use serde_json::json;

#[tokio::test]
async fn an_emptied_cart_keeps_its_number() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let filled = visitor.add("price_mug", 2).await.ok();
    visitor.update(json!({ "metadata": { "is_gift": "yes" } })).await.ok();

    let once = visitor.clear().await.ok();
    let twice = visitor.clear().await.ok();

    for cart in [once, twice] {
        assert_eq!(cart["number"], filled["number"]);
        assert_eq!(cart["item_count"], 0);
        assert_eq!(cart["total_price"], 0);
        assert_eq!(cart["items"], json!([]));
        assert_eq!(cart["products"], json!({}));
        assert_eq!(cart["metadata"], json!({}));
    }
}

#[tokio::test]
async fn without_a_cart_none_is_opened() {
    let shop = Shop::open().await;

    let answer = shop.visitor().clear().await;

    assert_eq!(answer.ok()["number"], json!(null));
    assert_eq!(answer.header("cart-token"), None);
}

#[tokio::test]
async fn an_emptied_cart_takes_another_currency() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_tshirt", 1).await;
    visitor.clear().await.ok();

    let cart = visitor.add("price_tea_jpy", 3).await.ok();

    assert_eq!(cart["currency"], "jpy");
    assert_eq!(cart["total_price"], 1500);
    assert_eq!(cart["total_price_with_currency"], "¥1,500");
}
