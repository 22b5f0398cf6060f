//! Promotion codes that shoppers bring: which carts can have them, and what the others are told.

use fixtures::{Answer, Shop, Visitor};
use reqwest::Method;
use serde_json::{Value, json};

/// A cart that is paid once, of 12 dollars, and one that is paid every month, of 5 dollars.
const CARTS: [&str; 2] = ["price_mug", "price_club_monthly"];

async fn coupon(shop: &Shop, form: &str) -> String {
    let coupon = shop.stripe(Method::POST, "/v1/coupons", &format!("duration=once&{form}")).await;
    coupon["id"].as_str().unwrap().to_owned()
}

/// Makes a promotion code and returns its id.
async fn code(shop: &Shop, code: &str, coupon: &str, more: &str) -> String {
    let form = format!("promotion[type]=coupon&promotion[coupon]={coupon}&code={code}&{more}");
    let code = shop.stripe(Method::POST, "/v1/promotion_codes", &form).await;
    code["id"].as_str().unwrap().to_owned()
}

/// A customer of the shop, who has bought.
async fn customer(shop: &Shop) -> String {
    let session = shop.add("price_club_monthly", 1).await.checkout().await.ok();
    shop.pay(&session).await;
    let paid = shop.sandbox().sessions().into_iter().find(|paid| paid["id"] == session["id"]).unwrap();
    paid["customer"].as_str().unwrap().to_owned()
}

/// Checks out with a promotion code, in JSON and in a form, which have the same answer.
async fn check_out(visitor: &Visitor<'_>, code: &str) -> Answer {
    let in_json = visitor.post("/cart/checkout", json!({ "promotion_code": code })).await;
    let in_form = visitor.post_form("/cart/checkout", &format!("promotion_code={code}")).await;
    let told = |answer: &Answer| [&answer.json()["details"], &answer.json()["id"]].map(Value::clone);
    assert_eq!((in_json.status, told(&in_json)), (in_form.status, told(&in_form)), "{code}");
    in_json
}

/// What a shopper is told about a code: the session's discounts, or why it is refused.
#[track_caller]
fn told(answer: &Answer) -> Value {
    if answer.status == 200 {
        return answer.json()["discounts"][0]["promotion_code"].clone();
    }
    assert_eq!(answer.error(400), "invalid_promotion_code");
    assert_eq!(answer.json()["details"]["field"], "promotion_code");
    answer.json()["details"]["reason"].clone()
}

#[tokio::test]
async fn a_code_is_applied_where_stripe_takes_it_and_else_refused_before_a_page_is_made() {
    let shop = Shop::open().await;
    let ann = customer(&shop).await;
    let over = coupon(&shop, "percent_off=10&redeem_by=1700000000").await;
    let in_euros = coupon(&shop, "amount_off=100&currency=eur").await;
    let in_both = coupon(&shop, "amount_off=100&currency=usd&currency_options[eur][amount_off]=90").await;
    let of_euros = coupon(&shop, "amount_off=90&currency=eur&currency_options[usd][amount_off]=100").await;
    let minimum = |amount, currency| {
        format!("restrictions[minimum_amount]={amount}&restrictions[minimum_amount_currency]={currency}")
    };
    let in_dollars = "restrictions[currency_options][usd][minimum_amount]=500";

    code(&shop, "OVER", "welcome10", "expires_at=1700000000").await;
    code(&shop, "COUPONOVER", &over, "").await;
    code(&shop, "ANNS", "welcome10", &format!("customer={ann}")).await;
    code(&shop, "BIG", "welcome10", &minimum(1201, "usd")).await;
    code(&shop, "BIGINEUROS", "welcome10", &minimum(1, "eur")).await;
    code(&shop, "EUROS", &in_euros, "").await;
    code(&shop, "OFEUROS", &of_euros, "").await;
    let first = code(&shop, "FIRST", "welcome10", "restrictions[first_time_transaction]=true").await;
    let small = code(&shop, "SMALL", "welcome10", &format!("{}&{in_dollars}", minimum(9999, "eur"))).await;
    let dollars = code(&shop, "DOLLARS", &in_both, "").await;
    let everybodys = code(&shop, "TWICE", "welcome10", "").await;
    code(&shop, "TWICE", "welcome10", &format!("customer={ann}")).await;

    let cases = [
        ("NOSUCH", ["unknown"; 2]),
        ("RETIRED", ["unknown"; 2]),
        ("OVER", ["expired"; 2]),
        ("COUPONOVER", ["expired"; 2]),
        ("USEDUP", ["used_up"; 2]),
        ("FIRST", ["first_time", &first]),
        ("ANNS", ["other_customer"; 2]),
        ("BIG", ["minimum"; 2]),
        ("BIGINEUROS", ["currency"; 2]),
        ("EUROS", ["currency"; 2]),
        ("OFEUROS", ["currency"; 2]),
        ("SMALL", [&small; 2]),
        ("DOLLARS", [&dollars; 2]),
        ("TWICE", [&everybodys; 2]),
        ("twice", [&everybodys; 2]),
    ];
    for (index, price) in CARTS.into_iter().enumerate() {
        for (code, expected) in cases {
            let visitor = shop.add(price, 1).await;
            let (asked, made) = (shop.stripe_requests("GET", "/v1/promotion_codes"), shop.session_requests().len());

            let answer = check_out(&visitor, code).await;

            assert_eq!(told(&answer), expected[index], "{code} for {price}");
            let sessions = usize::from(answer.status == 200);
            assert_eq!(shop.session_requests().len() - made, sessions, "{code} for {price}");
            assert_eq!(shop.stripe_requests("GET", "/v1/promotion_codes") - asked, 2, "one for each checkout");
        }
    }
}

#[tokio::test]
async fn a_code_for_first_purchases_is_applied_to_a_payment_that_makes_a_customer() {
    let overrides = r#"{"customer_creation":"always"}"#;
    let shop = Shop::open_with([("CHECKOUT_SESSION_OVERRIDES", overrides)]).await;
    let first = code(&shop, "FIRST", "welcome10", "restrictions[first_time_transaction]=true").await;
    let visitor = shop.add("price_mug", 1).await;

    let answer = check_out(&visitor, "FIRST").await;

    assert_eq!(told(&answer), *first);
    assert_eq!(answer.json()["amount_total"], 1080);
}

#[tokio::test]
async fn a_refused_code_leaves_the_cart_and_its_page_as_they_are() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let page = visitor.checkout().await.ok();

    let answer = check_out(&visitor, "USEDUP").await;

    assert_eq!(told(&answer), "used_up");
    assert_eq!(shop.session_statuses(), ["open"]);
    assert_eq!(visitor.checkout().await.ok()["id"], page["id"]);
}

/// Whether a coupon applies to any of the products is Stripe's to say.
#[tokio::test]
async fn a_code_that_only_stripe_can_refuse_is_refused_too() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_tshirt", 1).await;

    let answer = check_out(&visitor, "HALFMUG").await;

    assert_eq!(told(&answer), "unknown");
    assert!(shop.sandbox().sessions().is_empty());
}
