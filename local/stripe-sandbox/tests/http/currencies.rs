//! In which currency a session is paid, and what cannot be beside a price whose amount the shopper chooses.

use serde_json::json;

use crate::stripe::{id, stripe};

fn pairs(query: &str) -> Vec<(&str, &str)> {
    query.split('&').filter_map(|pair| pair.split_once('=')).collect()
}

/// Source: <https://docs.stripe.com/payments/checkout/localize-prices/manual-currency-prices>, with its addresses for tests.
#[tokio::test]
async fn a_session_that_names_no_currency_goes_by_the_shoppers_country() {
    let stripe = stripe().await;
    let mug = "line_items[1][price]=price_mug&line_items[1][quantity]=1";
    let first = [("customer_creation", "always"), ("customer_email", "ann+location_FR@example.com")];
    let first = stripe.session("price_mug", "1", &first).await;
    stripe.press(&first, "pay", &[]).await;
    let customer = stripe.reload(&first).await["customer"].as_str().unwrap().to_owned();
    let cases = [
        ("", "usd", 3200),
        ("customer_email=ann@example.com", "usd", 3200),
        ("customer_email=ann+location_FR@example.com", "eur", 2900),
        ("customer_email=ann+location_GB@example.com", "gbp", 2500),
        ("customer_email=ann+location_JP@example.com", "jpy", 4800),
        ("customer_email=ann+location_US@example.com", "usd", 3200),
        // The price has no francs, and there is no such country.
        ("customer_email=ann+location_CH@example.com", "usd", 3200),
        ("customer_email=ann+location_XX@example.com", "usd", 3200),
        ("customer_email=ann+location_FR@example.com&currency=usd", "usd", 3200),
        ("customer_email=ann+location_FR@example.com&currency=GBP", "gbp", 2500),
        // The mug has no euros.
        (&format!("customer_email=ann+location_FR@example.com&{mug}"), "usd", 4400),
        ("customer_email=ann+location_FR@example.com&shipping_options[0][shipping_rate]=shr_free", "eur", 2900),
        ("customer_email=ann+location_FR@example.com&discounts[0][coupon]=welcome10", "eur", 2610),
        ("customer_email=ann+location_FR@example.com&discounts[0][coupon]=five_off", "eur", 2450),
        // The coupon has no yen.
        ("customer_email=ann+location_JP@example.com&discounts[0][coupon]=five_off", "usd", 2700),
        (
            "customer_email=ann+location_FR@example.com&optional_items[0][price]=price_mug&optional_items[0][quantity]=1",
            "usd",
            3200,
        ),
        // Tax rates that are set by hand: 8.625 % come on top.
        ("customer_email=ann+location_FR@example.com&line_items[0][tax_rates][0]=txr_sales", "usd", 3476),
        (&format!("customer={customer}"), "eur", 2900),
    ];

    for (more, currency, total) in cases {
        let session = stripe.session("price_tshirt", "1", &pairs(more)).await;

        assert_eq!((&session["currency"], &session["amount_total"]), (&json!(currency), &json!(total)), "{more}");
        assert_eq!(stripe.line_items(&session, "").await["data"][0]["currency"], currency, "{more}");
    }
}

/// "The default currency must be the same across all prices, shipping rates, and discounts"
/// (<https://docs.stripe.com/payments/checkout/localize-prices/manual-currency-prices>).
#[tokio::test]
async fn everything_has_one_own_currency() {
    let stripe = stripe().await;
    let price = "product=prod_mug&currency=eur&unit_amount=650&currency_options[usd][unit_amount]=700";
    let euros = stripe.post("/v1/prices", &pairs(price)).await.ok();
    let coupon = "amount_off=100&currency=eur&currency_options[usd][amount_off]=110&duration=once";
    let euros_off = stripe.post("/v1/coupons", &pairs(coupon)).await.ok();
    let (euros, euros_off) = (id(&euros), id(&euros_off));
    let rate = |name: &str| format!("shipping_options[0][shipping_rate_data]{name}");
    let rate = format!(
        "{}=fixed_amount&{}=Post&{}=450&{}=eur&{}=500",
        rate("[type]"),
        rate("[display_name]"),
        rate("[fixed_amount][amount]"),
        rate("[fixed_amount][currency]"),
        rate("[fixed_amount][currency_options][usd][amount]"),
    );
    let cases = [
        format!("line_items[1][price]={euros}&line_items[1][quantity]=1"),
        format!("optional_items[0][price]={euros}&optional_items[0][quantity]=1"),
        format!("discounts[0][coupon]={euros_off}"),
        rate,
    ];

    for more in cases {
        for currency in ["", "&currency=usd", "&currency=eur"] {
            let more = format!("{more}{currency}");
            let answer = stripe.try_session("payment", "price_tshirt", "1", &pairs(&more)).await;

            assert_eq!(answer.refused(), (400, String::new(), String::new()), "{more}");
            assert!(answer.message().starts_with("The default currency must be the same"), "{}", answer.message());
        }
    }
    let alone = stripe.session(euros, "2", &pairs("currency=usd")).await;
    assert_eq!(alone["amount_total"], 1400);
}

/// Source: <https://docs.stripe.com/payments/checkout/pay-what-you-want>
#[tokio::test]
async fn a_price_that_the_shopper_chooses_stands_alone_once_and_without_discounts() {
    let stripe = stripe().await;
    let cases = [
        ("payment", "1", "line_items[1][price]=price_mug&line_items[1][quantity]=1", "1 line item"),
        ("subscription", "1", "line_items[1][price]=price_club_monthly&line_items[1][quantity]=1", "1 line item"),
        ("payment", "1", "optional_items[0][price]=price_mug&optional_items[0][quantity]=1", "`optional_items`"),
        ("payment", "2", "", "Quantity must be 1"),
        ("payment", "1", "line_items[0][adjustable_quantity][enabled]=true", "`adjustable_quantity`"),
        ("payment", "1", "allow_promotion_codes=true", "promotion codes"),
        ("payment", "1", "discounts[0][coupon]=welcome10", "discounts"),
    ];

    for (mode, quantity, more, word) in cases {
        let answer = stripe.try_session(mode, "price_donation", quantity, &pairs(more)).await;

        assert_eq!(answer.refused(), (400, String::new(), String::new()), "{more}");
        assert!(answer.message().contains(word), "{more}: {}", answer.message());
    }
    let more = "optional_items[0][price]=price_donation&optional_items[0][quantity]=1";
    let offered = stripe.try_session("payment", "price_mug", "1", &pairs(more)).await;
    assert_eq!(offered.refused(), (400, String::new(), String::new()));
    for more in ["", "allow_promotion_codes=false", "line_items[0][adjustable_quantity][enabled]=false"] {
        let session = stripe.session("price_donation", "1", &pairs(more)).await;
        assert_eq!(session["amount_total"], 1500, "{more}");
    }
}
