//! Holds template.yaml, README.md and the cart's rules to the ranges of the settings.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics fails, as it should")]

use std::sync::LazyLock;

use serde_json::{Value, json};
use settings::{
    CART_TTL_DAYS, CATALOG_CACHE_SECONDS, CHECKOUT_EXPIRES_AFTER_MINUTES, CHECKOUT_SHIPPING_RATES, DYNAMODB_TIMEOUT_MS,
    STRIPE_TIMEOUT_MS, WholeNumber,
};

static TEMPLATE: LazyLock<Value> =
    LazyLock::new(|| serde_saphyr::from_str(include_str!("../../template.yaml")).unwrap());

/// The parameter of template.yaml whose value a setting has.
#[track_caller]
fn parameter(setting: &str) -> &'static Value {
    let functions = TEMPLATE["Resources"].as_object().unwrap().values().map(|resource| &resource["Properties"]);
    let environments = functions.chain([&TEMPLATE["Globals"]["Function"]]);
    let values: Vec<&str> = environments
        .filter_map(|function| function["Environment"]["Variables"][setting].as_str())
        .filter(|name| TEMPLATE["Parameters"][*name].is_object())
        .collect();
    let [name] = values[..] else { panic!("{setting} is set from {values:?}") };
    &TEMPLATE["Parameters"][name]
}

/// What README.md says a setting means.
#[track_caller]
fn meaning(setting: &str) -> &'static str {
    let rows = include_str!("../../README.md").lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let meanings: Vec<&str> =
        rows.filter(|(names, _)| names.contains(&format!("`{setting}`"))).map(|(_, meaning)| meaning).collect();
    let [meaning] = meanings[..] else { panic!("README.md has {setting} in {} rows", meanings.len()) };
    meaning
}

/// Whether CloudFormation takes a text for a parameter.
fn takes(parameter: &Value, text: &str) -> bool {
    let schema = json!({ "type": "string", "pattern": parameter["AllowedPattern"].as_str().unwrap() });
    jsonschema::draft7::is_valid(&schema, &json!(text))
}

#[test]
fn numbers_have_the_template_s_bounds_and_default() {
    for WholeNumber { name, min, max, default } in [CART_TTL_DAYS, CATALOG_CACHE_SECONDS] {
        let parameter = parameter(name);

        assert_eq!(parameter["Type"], "Number", "{name}");
        assert_eq!((&parameter["MinValue"], &parameter["MaxValue"]), (&json!(min), &json!(max)), "{name}");
        assert_eq!(parameter["Default"], json!(default), "{name}");
    }
}

#[test]
fn a_number_that_may_be_blank_has_the_template_s_pattern() {
    let WholeNumber { name, min, max, .. } = CHECKOUT_EXPIRES_AFTER_MINUTES;
    let parameter = parameter(name);

    assert_eq!(parameter["Default"], "");
    assert!(takes(parameter, ""));
    for number in 0..=2 * max {
        assert_eq!(takes(parameter, &number.to_string()), (min..=max).contains(&number), "{number}");
    }
    assert!(parameter["Description"].as_str().unwrap().contains(&format!("{min} to {max}")));
    assert!(parameter["ConstraintDescription"].as_str().unwrap().contains(&format!("{min} to {max}")));
}

#[test]
fn a_list_is_as_long_as_the_template_s_pattern() {
    let parameter = parameter(CHECKOUT_SHIPPING_RATES.name);
    let list = |length: usize| vec!["shr_1"; length].join(",");

    for length in 0..=CHECKOUT_SHIPPING_RATES.max {
        assert!(takes(parameter, &list(length)), "{length}");
    }
    assert!(!takes(parameter, &list(CHECKOUT_SHIPPING_RATES.max + 1)));
    // In words: CloudFormation shows these texts.
    assert_eq!(CHECKOUT_SHIPPING_RATES.max, 5);
    assert!(parameter["Description"].as_str().unwrap().contains("at most five"));
    assert!(parameter["ConstraintDescription"].as_str().unwrap().contains("up to five"));
}

#[test]
fn the_readme_has_ranges_and_defaults() {
    for WholeNumber { name, min, max, default } in
        [CART_TTL_DAYS, CATALOG_CACHE_SECONDS, DYNAMODB_TIMEOUT_MS, STRIPE_TIMEOUT_MS]
    {
        let meaning = meaning(name);
        // Some say more about the default, behind it.
        let says = |end: char| meaning.contains(&format!("{min}–{max} ({default}{end}"));
        assert!(says(')') || says(';'), "{name}: {meaning}");
    }
    let WholeNumber { name, min, max, .. } = CHECKOUT_EXPIRES_AFTER_MINUTES;
    assert!(meaning(name).contains(&format!("{min}–{max}")));
    assert!(meaning(CHECKOUT_SHIPPING_RATES.name).contains(&format!("at most {}", CHECKOUT_SHIPPING_RATES.max)));
}

#[test]
fn carts_live_as_long_as_the_setting_says() {
    assert_eq!(u64::from(cart::Lifetime::MIN_DAYS), CART_TTL_DAYS.min);
    assert_eq!(u64::from(cart::Lifetime::MAX_DAYS), CART_TTL_DAYS.max);
    let default = cart::Lifetime::days(u16::try_from(CART_TTL_DAYS.default).unwrap()).unwrap();
    assert_eq!(cart::Lifetime::default(), default);
}
