//! What must not happen whatever anybody sends.

use fixtures::Shop;

#[tokio::test]
async fn a_session_that_cannot_be_one_is_unknown_and_stripe_is_not_asked() {
    let shop = Shop::open().await;
    let before = shop.sandbox().requests().len();

    for id in ["..%2F..%2Fcustomers", "cs_test_1%2Fexpire", "cs%3Fexpand", "%00", "a%20b", "%C3%A9", &"x".repeat(256)] {
        let landing = shop.get(&format!("/finish-order?session_id={id}")).await;
        assert_eq!(landing.location(), format!("{}/?cancelled=1", shop.stack().url()), "{id}");
    }

    assert_eq!(shop.sandbox().requests().len(), before);
}
