//! What Stripe refuses when a session is created.

use stripe_sandbox::TaxSettings;

use crate::stripe::{Stripe, id, stripe};

type Form = Vec<(&'static str, &'static str)>;

/// Mode, price, quantity, what else is sent, and the code and parameter of the refusal.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

async fn all_are_refused(stripe: &Stripe, cases: &[Case]) {
    for (mode, price, quantity, more, code, param) in cases {
        let more: Vec<(&str, &str)> = more.split('&').filter_map(|pair| pair.split_once('=')).collect();

        let answer = stripe.try_session(mode, price, quantity, &more).await;

        let expected = (400, (*code).to_owned(), (*param).to_owned());
        assert_eq!(answer.refused(), expected, "{mode} {price} {quantity} {more:?}: {}", answer.message());
    }
    assert!(stripe.sandbox.sessions().is_empty());
}

#[tokio::test]
async fn lines_that_stripe_would_refuse_are_refused() {
    let stripe = stripe().await;
    stripe.post("/v1/products/prod_dates", &[("active", "false")]).await.ok();
    let (first, second) = ("line_items[0][price]", "line_items[1][price]");
    let (quantity, integer) = ("line_items[0][quantity]", "parameter_invalid_integer");
    let yearly = "line_items[1][price]=price_club_yearly&line_items[1][quantity]=1";
    let quarterly = "line_items[1][price]=price_club_quarterly&line_items[1][quantity]=1";
    let euros = "line_items[1][price]=price_mug_eur&line_items[1][quantity]=1";
    // "Cannot add multiple subscription items with the same plan" (stripe-archive/submigrate#1).
    let monthly = "line_items[1][price]=price_club_monthly&line_items[1][quantity]=1";

    all_are_refused(
        &stripe,
        &[
            ("free", "price_mug", "1", "", "", "mode"),
            ("payment", "price_x", "1", "", "resource_missing", first),
            ("payment", "price_poster_old", "1", "", "", first),
            ("payment", "price_dates_kwd", "1", "", "", first),
            ("payment", "price_club_monthly", "1", "", "", "mode"),
            ("subscription", "price_mug", "1", "", "", "line_items"),
            ("subscription", "price_club_monthly", "1", yearly, "", "line_items"),
            ("subscription", "price_club_monthly", "1", quarterly, "", "line_items"),
            ("subscription", "price_club_monthly", "1", monthly, "", ""),
            ("payment", "price_mug", "1", euros, "", second),
            ("payment", "price_mug", "1", "currency=gbp", "", first),
            ("payment", "price_mug", "0", "", integer, quantity),
            ("payment", "price_mug", "1000000", "", integer, quantity),
            ("payment", "price_mug", "2.5", "", integer, quantity),
            ("payment", "price_mug", "", "", "", quantity),
            ("subscription", "price_storage_metered", "1", "", "", quantity),
            ("payment", "price_beads", "10", "", "amount_too_small", "line_items"),
            ("payment", "price_tshirt", "999999", "", "amount_too_large", "line_items"),
        ],
    )
    .await;
}

#[tokio::test]
async fn parameters_that_stripe_would_refuse_are_refused() {
    let stripe = stripe().await;
    let case = |more, code, param| ("payment", "price_mug", "1", more, code, param);
    let country = "shipping_address_collection[allowed_countries][0]";
    let unknown = "parameter_unknown";

    all_are_refused(
        &stripe,
        &[
            case("line_items[0][description]=x", unknown, "line_items[0][description]"),
            // Gone since 2026-09-30.endive (https://docs.stripe.com/changelog).
            case("payment_method_types[0]=card", unknown, "payment_method_types"),
            case("allowed_payment_method_types[0]=cash", "", "allowed_payment_method_types[0]"),
            case("customer_email=nobody", "email_invalid", "customer_email"),
            case("customer=cus_x", "resource_missing", "customer"),
            case("locale=xx", "", "locale"),
            case("expires_at=1000", "", "expires_at"),
            case("expires_at=99999999999", "", "expires_at"),
            case("shipping_address_collection[allowed_countries][0]=germany", "", country),
            case("shipping_address_collection[allowed_countries][0]=KP", "", country),
            case("line_items[0][tax_rates][0]=txr_x", "resource_missing", "line_items[0][tax_rates][0]"),
            case("ui_mode=embedded_page", "", "success_url"),
            case("success_url=/thanks", "url_invalid", "success_url"),
        ],
    )
    .await;
}

/// Source: what Stripe's library says of each parameter ("Can only be set in …"), and of `invoice_creation` the
/// message that shops reported.
#[tokio::test]
async fn a_parameter_of_one_mode_is_refused_in_the_other() {
    let stripe = stripe().await;
    let payment = |more, param| ("payment", "price_mug", "1", more, "", param);
    let subscription = |more, param| ("subscription", "price_club_monthly", "1", more, "", param);

    all_are_refused(
        &stripe,
        &[
            payment("payment_method_collection=always", "payment_method_collection"),
            payment("subscription_data[description]=x", "subscription_data"),
            subscription("customer_creation=always", "customer_creation"),
            subscription("invoice_creation[enabled]=true", "invoice_creation"),
            subscription("payment_intent_data[description]=x", "payment_intent_data"),
            subscription("shipping_options[0][shipping_rate]=shr_free", "shipping_options"),
        ],
    )
    .await;
    let invoice = [("invoice_creation[enabled]", "true")];
    let refused = stripe.try_session("subscription", "price_club_monthly", "1", &invoice).await;
    assert_eq!(refused.message(), "You can only enable invoice creation when `mode` is set to `payment`.");
    // Source: "`submit_type` can only be specified on Checkout Sessions in `payment` or `subscription` mode."
    let session = stripe.subscription("price_club_monthly", &[("submit_type", "subscribe")]).await;
    assert_eq!(session["submit_type"], "subscribe");
}

#[tokio::test]
async fn what_the_sandbox_does_not_play_is_refused_and_not_silently_accepted() {
    let stripe = stripe().await;
    let payment = |param: &'static str| ("payment", "price_mug", param);
    let subscription = |param: &'static str| ("subscription", "price_club_monthly", param);
    let cases = [
        payment("automatic_tax[liability][account]"),
        payment("customer_account"),
        payment("line_items[0][price_data][product_data][tax_details]"),
        payment("managed_payments"),
        payment("name_collection"),
        payment("payment_intent_data[application_fee_amount]"),
        payment("payment_intent_data[on_behalf_of]"),
        payment("payment_intent_data[transfer_data]"),
        payment("payment_method_configuration"),
        payment("payment_method_data"),
        payment("payment_method_options"),
        payment("permissions"),
        payment("setup_intent_data"),
        subscription("subscription_data[billing_cycle_anchor]"),
        subscription("subscription_data[invoice_settings]"),
        subscription("subscription_data[pending_invoice_item_interval]"),
        subscription("subscription_data[trial_settings]"),
    ];
    for (mode, price, param) in cases {
        let answer = stripe.try_session(mode, price, "1", &[(param, "x")]).await;

        assert_eq!(answer.refused(), (400, String::new(), param.to_owned()));
        let start = format!("This sandbox knows `{param}`, but does not play it: ");
        assert!(answer.message().starts_with(&start), "{}", answer.message());
    }
}

#[tokio::test]
async fn discounts_and_shipping_that_stripe_would_refuse_are_refused() {
    let stripe = stripe().await;
    let case = |more, code, param| ("payment", "price_mug", "1", more, code, param);
    let (coupon, code) = ("discounts[0][coupon]", "discounts[0][promotion_code]");
    let rate = "shipping_options[0][shipping_rate]";
    let six = "shipping_options[0][shipping_rate]=shr_free&shipping_options[1][shipping_rate]=shr_free&\
               shipping_options[2][shipping_rate]=shr_free&shipping_options[3][shipping_rate]=shr_free&\
               shipping_options[4][shipping_rate]=shr_free&shipping_options[5][shipping_rate]=shr_free";

    all_are_refused(
        &stripe,
        &[
            case("discounts[0][coupon]=nope", "resource_missing", coupon),
            case("discounts[0][promotion_code]=promo_x", "resource_missing", code),
            case("discounts[0][promotion_code]=promo_retired", "", code),
            case("discounts[0][promotion_code]=promo_usedup", "", code),
            case("discounts[0][promotion_code]=promo_fiveoff", "", code),
            case("discounts[0][coupon]=free&allow_promotion_codes=true", "", "allow_promotion_codes"),
            case("discounts[0][coupon]=free&discounts[1][coupon]=welcome10", "", "discounts"),
            ("payment", "price_poster", "1", "discounts[0][coupon]=mug_half", "", coupon),
            ("payment", "price_tea_jpy", "1", "discounts[0][coupon]=five_off", "", ""),
            case("currency=gbp&discounts[0][coupon]=five_off&line_items[0][price]=price_tshirt", "", coupon),
            case("shipping_options[0][shipping_rate]=shr_x", "resource_missing", rate),
            case(six, "", "shipping_options"),
        ],
    )
    .await;
}

#[tokio::test]
async fn adjustable_quantities_have_bounds() {
    let stripe = stripe().await;
    let key = |name: &str| format!("line_items[0][adjustable_quantity][{name}]");
    let (enabled, minimum, maximum) = (key("enabled"), key("minimum"), key("maximum"));
    let cases = [
        ("2", vec![(&minimum, "3")], false),
        ("2", vec![(&maximum, "1")], false),
        ("2", vec![(&minimum, "5"), (&maximum, "4")], false),
        ("2", vec![(&maximum, "1000000")], false),
        ("100", vec![], false),
        ("100", vec![(&maximum, "100")], true),
        ("2", vec![(&minimum, "0"), (&maximum, "999999")], true),
        ("2", vec![], true),
    ];
    for (quantity, bounds, accepted) in cases {
        let mut more = vec![(enabled.as_str(), "true")];
        more.extend(bounds.iter().map(|(name, value)| (name.as_str(), *value)));

        let answer = stripe.try_session("payment", "price_mug", quantity, &more).await;

        assert_eq!(answer.status == 200, accepted, "{quantity} {bounds:?}: {}", answer.text);
    }
    let session = stripe.session("price_mug", "2", &[(&enabled, "true")]).await;
    let items = stripe.line_items(&session, "").await;
    assert_eq!(
        items["data"][0]["adjustable_quantity"],
        serde_json::json!({ "enabled": true, "maximum": 99, "minimum": 0 })
    );
}

#[tokio::test]
async fn there_are_limits_to_the_number_of_lines() {
    let stripe = stripe().await;
    let keys: Vec<[String; 2]> =
        (1..=100).map(|line| [format!("line_items[{line}][price]"), format!("line_items[{line}][quantity]")]).collect();
    let mut monthly = Vec::new();
    for _ in 0..20 {
        let terms =
            [("product", "prod_club"), ("currency", "usd"), ("unit_amount", "1"), ("recurring[interval]", "month")];
        monthly.push(id(&stripe.post("/v1/prices", &terms).await.ok()).to_owned());
    }
    let mugs = vec!["price_mug".to_owned(); 100];
    let lines = |prices: &[String], count: usize| -> Vec<(String, String)> {
        let line = |([name, quantity], price): (&[String; 2], &String)| {
            [(name.clone(), price.clone()), (quantity.clone(), "1".to_owned())]
        };
        keys.iter().zip(prices).take(count).flat_map(line).collect()
    };
    let cases = [
        ("payment", "price_mug", lines(&mugs, 99), 200),
        ("payment", "price_mug", lines(&mugs, 100), 400),
        ("subscription", "price_club_monthly", lines(&mugs, 20), 200),
        ("subscription", "price_club_monthly", lines(&mugs, 21), 400),
        ("subscription", "price_club_monthly", lines(&monthly, 19), 200),
        ("subscription", "price_club_monthly", lines(&monthly, 20), 400),
    ];
    for (mode, price, more, status) in cases {
        let more: Vec<(&str, &str)> = more.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();

        let answer = stripe.try_session(mode, price, "1", &more).await;

        assert_eq!(answer.status, status, "{mode} and {} lines: {}", more.len() / 2 + 1, answer.message());
    }
}

#[tokio::test]
async fn a_refused_session_leaves_nothing_behind() {
    let stripe = stripe().await;
    let form = |amount: &'static str| {
        [
            ("line_items[0][price_data][currency]", "usd"),
            ("line_items[0][price_data][product_data][name]", "Bowl"),
            ("line_items[0][price_data][unit_amount]", amount),
            ("line_items[0][quantity]", "1"),
            ("shipping_options[0][shipping_rate_data][display_name]", "Drone"),
            ("shipping_options[0][shipping_rate_data][fixed_amount][amount]", "0"),
            ("shipping_options[0][shipping_rate_data][fixed_amount][currency]", "usd"),
            ("mode", "payment"),
            ("success_url", "https://shop.example/thanks"),
        ]
    };
    let paths = ["/v1/products?limit=100", "/v1/prices?limit=100", "/v1/shipping_rates", "/v1/events"];
    let all = async || {
        let mut lists = Vec::new();
        for path in paths {
            lists.push(stripe.get(path).await.ok());
        }
        lists
    };
    let before = all().await;

    // Too small an amount, which shows only when everything else is made.
    let refused = stripe.post("/v1/checkout/sessions", &form("1")).await;

    assert_eq!(refused.refused().1, "amount_too_small");
    assert_eq!(all().await, before);
    stripe.post("/v1/checkout/sessions", &form("100")).await.ok();
    assert_eq!(stripe.event_types(), ["product.created", "price.created"]);
}

/// Source: what Stripe's library says of `optional_items`: at most 10, and the limits of lines count both.
#[tokio::test]
async fn optional_items_count_towards_the_lines() {
    let stripe = stripe().await;
    let form = |lines: usize, optional: usize| -> Vec<(String, &str)> {
        let lines = (1..lines).map(|index| format!("line_items[{index}]"));
        let optional = (0..optional).map(|index| format!("optional_items[{index}]"));
        lines
            .chain(optional)
            .flat_map(|key| [(format!("{key}[price]"), "price_mug"), (format!("{key}[quantity]"), "1")])
            .collect()
    };
    let cases = [
        ("payment", "price_mug", 1, 10, true),
        ("payment", "price_mug", 1, 11, false),
        ("payment", "price_mug", 90, 10, true),
        ("payment", "price_mug", 91, 10, false),
        ("subscription", "price_club_monthly", 11, 10, true),
        ("subscription", "price_club_monthly", 12, 10, false),
    ];
    for (mode, price, lines, optional, accepted) in cases {
        let form = form(lines, optional);
        let more: Vec<(&str, &str)> = form.iter().map(|(key, value)| (key.as_str(), *value)).collect();

        let answer = stripe.try_session(mode, price, "1", &more).await;

        let case = format!("{mode}: {lines} lines and {optional} optional items: {}", answer.message());
        assert_eq!(answer.status == 200, accepted, "{case}");
        assert!(accepted || answer.refused().2 == "optional_items", "{case}");
    }
}

#[tokio::test]
async fn optional_items_are_lines_that_fit_the_others() {
    let stripe = stripe().await;
    let payment = |more, code, param| ("payment", "price_mug", "1", more, code, param);
    let price = "optional_items[0][price]";

    all_are_refused(
        &stripe,
        &[
            payment("optional_items[0][price]=price_x&optional_items[0][quantity]=1", "resource_missing", price),
            payment("optional_items[0][price]=price_mug_eur&optional_items[0][quantity]=1", "", price),
            payment("optional_items[0][price]=price_club_monthly&optional_items[0][quantity]=1", "", "mode"),
            payment("optional_items[0][price]=price_mug", "parameter_missing", "optional_items[0][quantity]"),
            (
                "subscription",
                "price_club_monthly",
                "1",
                "optional_items[0][price]=price_club_yearly&optional_items[0][quantity]=1",
                "",
                "line_items",
            ),
        ],
    )
    .await;
}

/// Source: what Stripe's library says of `consent_collection`, and <https://docs.stripe.com/tax/set-up>.
#[tokio::test]
async fn what_the_dashboard_lacks_is_refused() {
    let stripe = stripe().await;
    let promotions = [("consent_collection[promotions]", "auto")];
    let terms = [("consent_collection[terms_of_service]", "required")];
    let tax = [("automatic_tax[enabled]", "true")];
    let refused = async |more: &[(&str, &str)]| {
        let answer = stripe.try_session("payment", "price_mug", "1", more).await;
        let (status, code, param) = answer.refused();
        assert_eq!(status, 400);
        (code, param)
    };
    let expected = |code: &str, param: &str| (code.to_owned(), param.to_owned());
    for more in [promotions, terms, tax] {
        stripe.session("price_mug", "1", &more).await;
    }

    stripe.sandbox.change_dashboard(|dashboard| {
        dashboard.country = "DE".to_owned();
        dashboard.terms_of_service_url = None;
        dashboard.tax.has_default_behavior = false;
    });

    assert_eq!(refused(&promotions).await, expected("", "consent_collection[promotions]"));
    assert_eq!(refused(&terms).await, expected("", "consent_collection[terms_of_service]"));
    assert_eq!(refused(&tax).await, expected("", ""), "the price has no tax behavior");
    stripe.post("/v1/prices/price_mug", &[("tax_behavior", "exclusive")]).await.ok();
    stripe.session("price_mug", "1", &tax).await;
    for lack in [|tax: &mut TaxSettings| tax.has_origin_address = false, |tax: &mut TaxSettings| tax.is_active = false]
    {
        stripe.sandbox.change_dashboard(|dashboard| lack(&mut dashboard.tax));
        assert_eq!(refused(&tax).await, expected("stripe_tax_inactive", ""));
    }
}

/// Source: what Stripe's library says of `custom_fields`.
#[tokio::test]
async fn custom_fields_have_limits() {
    let stripe = stripe().await;
    let field = |index: usize, key: &str, rest: &str| {
        let start = format!("custom_fields[{index}]");
        format!("{start}[key]={key}&{start}[label][type]=custom&{start}[label][custom]=A&{start}[{rest}")
    };
    let option =
        |value: &str| format!("dropdown][options][0][label]=A&custom_fields[0][dropdown][options][0][value]={value}");
    let dropdown = |value: &str| format!("{}&custom_fields[0][type]=dropdown", field(0, "a", &option(value)));
    let text = "type]=text";
    let four: Vec<String> = (0..4).map(|index| field(index, &format!("k{index}"), text)).collect();
    let twice = format!("{}&{}", field(0, "a", text), field(1, "a", text));
    let cases = [
        (field(0, "a", text), None),
        (dropdown("s"), None),
        (four.join("&"), Some("custom_fields")),
        (twice, Some("custom_fields[1][key]")),
        (field(0, "not a word", text), Some("custom_fields[0][key]")),
        (field(0, "a", "type]=dropdown"), Some("custom_fields[0][dropdown][options]")),
        (dropdown("not a word"), Some("custom_fields[0][dropdown][options][0][value]")),
        (
            format!("{}&custom_fields[0][dropdown][default_value]=t", dropdown("s")),
            Some("custom_fields[0][dropdown][default_value]"),
        ),
        (
            format!("{}&custom_fields[0][numeric][minimum_length]=1", field(0, "a", text)),
            Some("custom_fields[0][numeric]"),
        ),
        (format!("{}&custom_fields[0][text][minimum_length]=300", field(0, "a", text)), Some("custom_fields[0][text]")),
    ];
    for (form, param) in cases {
        let more: Vec<(&str, &str)> = form.split('&').filter_map(|pair| pair.split_once('=')).collect();

        let answer = stripe.try_session("payment", "price_mug", "1", &more).await;

        match param {
            None => _ = answer.ok(),
            Some(param) => assert_eq!((answer.refused().0, answer.refused().2.as_str()), (400, param), "{form}"),
        }
    }
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let stripe = stripe().await;
    let line = [("line_items[0][price]", "price_mug"), ("line_items[0][quantity]", "1")];
    let url = ("success_url", "https://shop.example/thanks");
    let cases: Vec<(Form, &str)> = vec![
        (vec![url, line[0], line[1]], "mode"),
        (vec![("mode", "payment"), url], "line_items"),
        (vec![("mode", "payment"), line[0], line[1]], "success_url"),
        (vec![("mode", "payment"), line[1], url], "line_items[0][price]"),
    ];
    for (form, param) in cases {
        let answer = stripe.post("/v1/checkout/sessions", &form).await;

        assert_eq!(answer.refused(), (400, "parameter_missing".to_owned(), param.to_owned()), "{form:?}");
    }
    let form = [("mode", "payment"), line[0], line[1], ("success_url", "/thanks")];
    assert_eq!(stripe.post("/v1/checkout/sessions", &form).await.refused().1, "url_invalid");
}

/// Whatever is largest is answered, by a refusal or not.
#[tokio::test]
async fn the_largest_integers_are_answered() {
    let stripe = stripe().await;
    let most = &i64::MAX.to_string();
    let price = "product=prod_mug&currency=usd";
    let tiered = "billing_scheme=tiered&tiers_mode=graduated&tiers[1][up_to]=inf&tiers[1][unit_amount]=1";
    let line = "mode=payment&success_url=https://shop.example/thanks&line_items[0][quantity]=1&line_items[0]";
    let inline = format!("{line}[price_data][currency]=usd&line_items[0][price_data][product]=prod_mug");
    let mug = format!("{line}[price]=price_mug");
    let club = "mode=subscription&success_url=https://shop.example/thanks&line_items[0][quantity]=1\
                &line_items[0][price]=price_club_monthly";
    let cases = [
        ("prices", format!("{price}&unit_amount={most}")),
        ("prices", format!("{price}&unit_amount_decimal={most}")),
        ("prices", format!("{price}&{tiered}&tiers[0][up_to]={most}&tiers[0][unit_amount]={most}")),
        ("prices", format!("{price}&{tiered}&tiers[0][up_to]={most}&tiers[0][unit_amount]=1")),
        ("prices", format!("{price}&unit_amount=1&transform_quantity[divide_by]={most}&transform_quantity[round]=up")),
        ("prices", format!("{price}&custom_unit_amount[enabled]=true&custom_unit_amount[maximum]={most}")),
        ("prices", format!("{price}&unit_amount=1&recurring[interval]=day&recurring[interval_count]={most}")),
        ("prices", format!("{price}&unit_amount=1&recurring[interval]=day&recurring[trial_period_days]={most}")),
        ("coupons", format!("currency=usd&amount_off={most}")),
        ("coupons", format!("percent_off=10&max_redemptions={most}&redeem_by={most}&duration_in_months={most}")),
        (
            "promotion_codes",
            format!("promotion[type]=coupon&promotion[coupon]=free&expires_at={most}&max_redemptions={most}"),
        ),
        ("checkout/sessions", format!("{inline}&line_items[0][price_data][unit_amount]={most}")),
        ("checkout/sessions", format!("{inline}&line_items[0][price_data][unit_amount]=999999999999")),
        (
            "checkout/sessions",
            format!(
                "{mug}&line_items[0][adjustable_quantity][enabled]=true&line_items[0][adjustable_quantity][maximum]={most}"
            ),
        ),
        ("checkout/sessions", format!("{mug}&expires_at={most}")),
        (
            "checkout/sessions",
            format!(
                "{mug}&shipping_options[0][shipping_rate_data][display_name]=x\
                 &shipping_options[0][shipping_rate_data][fixed_amount][currency]=usd\
                 &shipping_options[0][shipping_rate_data][fixed_amount][amount]={most}"
            ),
        ),
        ("checkout/sessions", format!("{club}&subscription_data[trial_period_days]={most}")),
        ("checkout/sessions", format!("{club}&subscription_data[trial_end]={most}")),
    ];
    for (resource, form) in cases {
        let form: Vec<(&str, &str)> = form.split('&').filter_map(|pair| pair.split_once('=')).collect();

        let answer = stripe.post(&format!("/v1/{resource}"), &form).await;

        assert!([200, 400].contains(&answer.status), "{resource} {form:?}: {}", answer.text);
    }
    for session in stripe.sandbox.sessions() {
        assert_eq!(stripe.press(&session, "pay", &[]).await.status, 303, "{session}");
    }
}

#[tokio::test]
async fn the_largest_order_is_refused() {
    let stripe = stripe().await;
    let largest = [("product", "prod_mug"), ("currency", "usd"), ("unit_amount", "999999999999")];
    let price = stripe.post("/v1/prices", &largest).await.ok();
    let fields: Vec<(String, &str)> = (0..100)
        .flat_map(|index| {
            let field = |name: &str| format!("line_items[{index}][{name}]");
            [
                (field("price"), price["id"].as_str().unwrap()),
                (field("quantity"), "999999"),
                (field("tax_rates][0"), "txr_sales"),
            ]
        })
        .collect();
    let mut form = vec![("mode", "payment"), ("success_url", "https://shop.example/thanks")];
    form.extend(fields.iter().map(|(name, value)| (name.as_str(), *value)));
    for discount in ["welcome10", "five_off", "free"] {
        let form: Vec<_> = form.iter().copied().chain([("discounts[0][coupon]", discount)]).collect();

        let answer = stripe.post("/v1/checkout/sessions", &form).await;

        if discount != "free" {
            assert_eq!(answer.refused().1, "amount_too_large", "{discount}");
        }
    }
}
