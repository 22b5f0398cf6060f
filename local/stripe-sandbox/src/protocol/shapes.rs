//! The parameters of the API's endpoints (<https://docs.stripe.com/api>).

use crate::protocol::parameters::Shape::{
    Boolean, Choice, Decimal, Emptyable, Free, Integer, List, Map, Metadata, Object, Range, Text, UpTo,
};
use crate::protocol::parameters::{Field, Shape, optional, required};

const EXPAND: Field = optional("expand", List(&Text));
const LIMIT: Field = optional("limit", Integer);
const AFTER: Field = optional("starting_after", Text);
const BEFORE: Field = optional("ending_before", Text);
const CREATED: Field = optional("created", Range);
const METADATA: Field = optional("metadata", Metadata);
const CURRENCY: Field = required("currency", Text);

const INTERVAL: Shape = Choice(&["day", "month", "week", "year"]);
const TAX_BEHAVIOR: Field = optional("tax_behavior", Choice(&["exclusive", "inclusive", "unspecified"]));

/// Endpoints that only look something up.
pub(crate) const RETRIEVE: &[Field] = &[EXPAND];
/// Endpoints that delete something.
pub(crate) const DELETE: &[Field] = &[];
/// Lists without filters of their own.
pub(crate) const LIST: &[Field] = &[EXPAND, LIMIT, AFTER, BEFORE, CREATED];

pub(crate) const PRODUCT_LIST: &[Field] = &[
    optional("active", Boolean),
    CREATED,
    BEFORE,
    EXPAND,
    optional("ids", List(&Text)),
    LIMIT,
    optional("shippable", Boolean),
    AFTER,
    optional("type", Choice(&["good", "service"])),
    optional("url", Text),
];
const DIMENSIONS: Shape = Emptyable(&Object(&[
    required("height", Decimal),
    required("length", Decimal),
    required("weight", Decimal),
    required("width", Decimal),
]));
const FEATURES: Shape = Emptyable(&List(&Object(&[required("name", Text)])));
const DEFAULT_PRICE: Shape = Object(&[
    CURRENCY,
    optional("currency_options", Map(&Object(PRICE_AMOUNTS))),
    optional("custom_unit_amount", Object(CUSTOM_UNIT_AMOUNT)),
    METADATA,
    optional("recurring", Object(RECURRING)),
    TAX_BEHAVIOR,
    optional("unit_amount", Integer),
    optional("unit_amount_decimal", Decimal),
]);
pub(crate) const PRODUCT_CREATE: &[Field] = &[
    optional("active", Boolean),
    optional("default_price_data", DEFAULT_PRICE),
    optional("description", Text),
    EXPAND,
    optional("id", Text),
    optional("images", Emptyable(&List(&Text))),
    optional("marketing_features", FEATURES),
    METADATA,
    required("name", Text),
    optional("package_dimensions", DIMENSIONS),
    optional("shippable", Boolean),
    optional("statement_descriptor", Text),
    optional("tax_code", Text),
    optional("type", Choice(&["good", "service"])),
    optional("unit_label", Text),
    optional("url", Text),
];
pub(crate) const PRODUCT_UPDATE: &[Field] = &[
    optional("active", Boolean),
    optional("default_price", Text),
    optional("description", Emptyable(&Text)),
    EXPAND,
    optional("images", Emptyable(&List(&Text))),
    optional("marketing_features", FEATURES),
    METADATA,
    optional("name", Text),
    optional("package_dimensions", DIMENSIONS),
    optional("shippable", Boolean),
    optional("statement_descriptor", Text),
    optional("tax_code", Emptyable(&Text)),
    optional("unit_label", Emptyable(&Text)),
    optional("url", Emptyable(&Text)),
];

pub(crate) const PRICE_LIST: &[Field] = &[
    optional("active", Boolean),
    CREATED,
    optional("currency", Text),
    BEFORE,
    EXPAND,
    LIMIT,
    optional("lookup_keys", List(&Text)),
    optional("product", Text),
    optional(
        "recurring",
        Object(&[
            optional("interval", INTERVAL),
            optional("meter", Text),
            optional("usage_type", Choice(&["licensed", "metered"])),
        ]),
    ),
    AFTER,
    optional("type", Choice(&["one_time", "recurring"])),
];
const CUSTOM_UNIT_AMOUNT: &[Field] = &[
    required("enabled", Boolean),
    optional("maximum", Integer),
    optional("minimum", Integer),
    optional("preset", Integer),
];
const TIERS: Shape = List(&Object(&[
    optional("flat_amount", Integer),
    optional("flat_amount_decimal", Decimal),
    optional("unit_amount", Integer),
    optional("unit_amount_decimal", Decimal),
    required("up_to", UpTo),
]));
const PRICE_AMOUNTS: &[Field] = &[
    optional("custom_unit_amount", Object(CUSTOM_UNIT_AMOUNT)),
    TAX_BEHAVIOR,
    optional("tiers", TIERS),
    optional("unit_amount", Integer),
    optional("unit_amount_decimal", Decimal),
];
const RECURRING: &[Field] = &[
    required("interval", INTERVAL),
    optional("interval_count", Integer),
    optional("meter", Text),
    optional("trial_period_days", Integer),
    optional("usage_type", Choice(&["licensed", "metered"])),
];
pub(crate) const PRICE_CREATE: &[Field] = &[
    optional("active", Boolean),
    optional("billing_scheme", Choice(&["per_unit", "tiered"])),
    CURRENCY,
    optional("currency_options", Map(&Object(PRICE_AMOUNTS))),
    optional("custom_unit_amount", Object(CUSTOM_UNIT_AMOUNT)),
    EXPAND,
    optional("lookup_key", Text),
    METADATA,
    optional("nickname", Text),
    optional("product", Text),
    optional(
        "product_data",
        Object(&[
            optional("active", Boolean),
            optional("id", Text),
            METADATA,
            required("name", Text),
            optional("statement_descriptor", Text),
            optional("tax_code", Text),
            optional("unit_label", Text),
        ]),
    ),
    optional("recurring", Object(RECURRING)),
    TAX_BEHAVIOR,
    optional("tiers", TIERS),
    optional("tiers_mode", Choice(&["graduated", "volume"])),
    optional("transfer_lookup_key", Boolean),
    optional(
        "transform_quantity",
        Object(&[required("divide_by", Integer), required("round", Choice(&["down", "up"]))]),
    ),
    optional("unit_amount", Integer),
    optional("unit_amount_decimal", Decimal),
];
pub(crate) const PRICE_UPDATE: &[Field] = &[
    optional("active", Boolean),
    optional("currency_options", Emptyable(&Map(&Object(PRICE_AMOUNTS)))),
    EXPAND,
    optional("lookup_key", Emptyable(&Text)),
    METADATA,
    optional("nickname", Emptyable(&Text)),
    TAX_BEHAVIOR,
    optional("transfer_lookup_key", Boolean),
];

pub(crate) const COUPON_CREATE: &[Field] = &[
    optional("amount_off", Integer),
    optional("applies_to", Object(&[optional("products", List(&Text))])),
    optional("currency", Text),
    optional("currency_options", Map(&Object(&[required("amount_off", Integer)]))),
    optional("duration", Choice(&["forever", "once", "repeating"])),
    optional("duration_in_months", Integer),
    EXPAND,
    optional("id", Text),
    optional("max_redemptions", Integer),
    METADATA,
    optional("name", Text),
    optional("percent_off", Decimal),
    optional("redeem_by", Integer),
];
pub(crate) const PROMOTION_CODE_LIST: &[Field] = &[
    optional("active", Boolean),
    optional("code", Text),
    optional("coupon", Text),
    CREATED,
    optional("customer", Text),
    optional("customer_account", Text),
    BEFORE,
    EXPAND,
    LIMIT,
    AFTER,
];
pub(crate) const PROMOTION_CODE_CREATE: &[Field] = &[
    optional("active", Boolean),
    optional("code", Text),
    EXPAND,
    optional("expires_at", Integer),
    optional("max_redemptions", Integer),
    METADATA,
    required("promotion", Object(&[required("coupon", Text), required("type", Choice(&["coupon"]))])),
    optional(
        "restrictions",
        Object(&[
            optional("currency_options", Map(&Object(&[optional("minimum_amount", Integer)]))),
            optional("first_time_transaction", Boolean),
            optional("minimum_amount", Integer),
            optional("minimum_amount_currency", Text),
        ]),
    ),
];
pub(crate) const PROMOTION_CODE_UPDATE: &[Field] = &[optional("active", Boolean), EXPAND, METADATA];
pub(crate) const SHIPPING_RATE_LIST: &[Field] =
    &[optional("active", Boolean), CREATED, optional("currency", Text), BEFORE, EXPAND, LIMIT, AFTER];
pub(crate) const TAX_RATE_LIST: &[Field] =
    &[optional("active", Boolean), CREATED, optional("inclusive", Boolean), BEFORE, EXPAND, LIMIT, AFTER];

pub(crate) const EVENT_LIST: &[Field] = &[
    CREATED,
    optional("delivery_success", Boolean),
    BEFORE,
    EXPAND,
    LIMIT,
    AFTER,
    optional("type", Text),
    optional("types", List(&Text)),
];
pub(crate) const PAYMENT_LIST: &[Field] = &[
    CREATED,
    optional("customer", Text),
    BEFORE,
    EXPAND,
    LIMIT,
    optional("payment_intent", Text),
    optional("charge", Text),
    AFTER,
];
pub(crate) const INVOICE_PAYMENT_LIST: &[Field] = &[
    CREATED,
    BEFORE,
    EXPAND,
    optional("invoice", Text),
    LIMIT,
    optional(
        "payment",
        Object(&[optional("payment_intent", Text), required("type", Choice(&["payment_intent", "payment_record"]))]),
    ),
    AFTER,
    optional("status", Choice(&["canceled", "open", "paid"])),
];
pub(crate) const REFUND_CREATE: &[Field] = &[
    optional("amount", Integer),
    optional("charge", Text),
    EXPAND,
    METADATA,
    optional("payment_intent", Text),
    optional("reason", Choice(&["duplicate", "fraudulent", "requested_by_customer"])),
];

pub(crate) const SESSION_LIST: &[Field] = &[
    CREATED,
    optional("customer", Text),
    optional("customer_account", Text),
    optional("customer_details", Object(&[required("email", Text)])),
    BEFORE,
    EXPAND,
    LIMIT,
    optional("payment_intent", Text),
    optional("payment_link", Text),
    AFTER,
    optional("status", Choice(&["complete", "expired", "open"])),
    optional("subscription", Text),
];
pub(crate) const SESSION_UPDATE: &[Field] =
    &[optional("collected_information", Free), EXPAND, METADATA, optional("shipping_options", Emptyable(&Free))];
pub(crate) const LINE_ITEM_LIST: &[Field] = &[BEFORE, EXPAND, LIMIT, AFTER];

/// Words of `locale`.
const LOCALES: &[&str] = &[
    "auto", "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hi-IN",
    "hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk",
    "sl", "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW",
];
/// Payment methods that a session may be limited to. `link` can be allowed and not excluded.
const PAYMENT_METHODS: &[&str] = &[
    "acss_debit",
    "affirm",
    "afterpay_clearpay",
    "alipay",
    "alma",
    "amazon_pay",
    "au_becs_debit",
    "bacs_debit",
    "bancontact",
    "billie",
    "bizum",
    "blik",
    "boleto",
    "card",
    "cashapp",
    "crypto",
    "customer_balance",
    "eps",
    "fpx",
    "giropay",
    "grabpay",
    "ideal",
    "kakao_pay",
    "klarna",
    "konbini",
    "kr_card",
    "link",
    "mb_way",
    "mobilepay",
    "multibanco",
    "naver_pay",
    "nz_bank_account",
    "oxxo",
    "p24",
    "pay_by_bank",
    "payco",
    "paynow",
    "paypal",
    "paypay",
    "payto",
    "pix",
    "promptpay",
    "revolut_pay",
    "samsung_pay",
    "satispay",
    "scalapay",
    "sepa_debit",
    "sequra",
    "sofort",
    "sunbit",
    "swish",
    "twint",
    "upi",
    "us_bank_account",
    "wechat_pay",
    "zip",
];
const ENABLED: &[Field] = &[required("enabled", Boolean)];
const ADJUSTABLE: Shape =
    Object(&[required("enabled", Boolean), optional("maximum", Integer), optional("minimum", Integer)]);
const LINE_ITEM: &[Field] = &[
    optional("adjustable_quantity", ADJUSTABLE),
    METADATA,
    optional("price", Text),
    optional(
        "price_data",
        Object(&[
            CURRENCY,
            optional("product", Text),
            optional(
                "product_data",
                Object(&[
                    optional("description", Text),
                    optional("images", List(&Text)),
                    METADATA,
                    required("name", Text),
                    optional("tax_code", Text),
                    optional("tax_details", Free),
                    optional("unit_label", Text),
                ]),
            ),
            optional("recurring", Object(&[required("interval", INTERVAL), optional("interval_count", Integer)])),
            TAX_BEHAVIOR,
            optional("unit_amount", Integer),
            optional("unit_amount_decimal", Decimal),
        ]),
    ),
    optional("quantity", Integer),
    optional("tax_rates", List(&Text)),
];
const MESSAGE: Shape = Emptyable(&Object(&[required("message", Text)]));
const ADDRESS: &[Field] = &[
    optional("city", Text),
    optional("country", Text),
    required("line1", Text),
    optional("line2", Text),
    optional("postal_code", Text),
    optional("state", Text),
];
const PAYMENT_INTENT_DATA: &[Field] = &[
    optional("application_fee_amount", Integer),
    optional("capture_method", Choice(&["automatic", "automatic_async", "manual"])),
    optional("description", Text),
    METADATA,
    optional("on_behalf_of", Text),
    optional("receipt_email", Text),
    optional("setup_future_usage", Choice(&["off_session", "on_session"])),
    optional(
        "shipping",
        Object(&[
            required("address", Object(ADDRESS)),
            optional("carrier", Text),
            required("name", Text),
            optional("phone", Text),
            optional("tracking_number", Text),
        ]),
    ),
    optional("statement_descriptor", Text),
    optional("statement_descriptor_suffix", Text),
    optional("transfer_data", Free),
    optional("transfer_group", Text),
];
const SUBSCRIPTION_DATA: &[Field] = &[
    optional("application_fee_percent", Decimal),
    optional("billing_cycle_anchor", Integer),
    optional("billing_cycle_anchor_config", Free),
    optional("billing_mode", Free),
    optional("default_tax_rates", List(&Text)),
    optional("description", Text),
    optional("invoice_settings", Free),
    METADATA,
    optional("on_behalf_of", Text),
    optional("pending_invoice_item_interval", Free),
    optional("proration_behavior", Choice(&["create_prorations", "none"])),
    optional("transfer_data", Free),
    optional("trial_end", Integer),
    optional("trial_period_days", Integer),
    optional("trial_settings", Free),
];
const ESTIMATE_BOUND: Shape =
    Object(&[required("unit", Choice(&["business_day", "day", "hour", "month", "week"])), required("value", Integer)]);
const SHIPPING_OPTION: &[Field] = &[
    optional("shipping_rate", Text),
    optional(
        "shipping_rate_data",
        Object(&[
            optional(
                "delivery_estimate",
                Object(&[optional("maximum", ESTIMATE_BOUND), optional("minimum", ESTIMATE_BOUND)]),
            ),
            required("display_name", Text),
            optional(
                "fixed_amount",
                Object(&[
                    required("amount", Integer),
                    CURRENCY,
                    optional("currency_options", Map(&Object(&[required("amount", Integer), TAX_BEHAVIOR]))),
                ]),
            ),
            METADATA,
            TAX_BEHAVIOR,
            optional("tax_code", Text),
            optional("type", Choice(&["fixed_amount"])),
        ]),
    ),
];
const CUSTOM_FIELD: &[Field] = &[
    optional("dropdown", Free),
    required("key", Text),
    required("label", Object(&[required("custom", Text), required("type", Choice(&["custom"]))])),
    optional("numeric", Free),
    optional("optional", Boolean),
    optional("text", Free),
    required("type", Choice(&["dropdown", "numeric", "text"])),
];
/// Creation of a Checkout Session (<https://docs.stripe.com/api/checkout/sessions/create>).
pub(crate) const SESSION_CREATE: &[Field] = &[
    optional("adaptive_pricing", Object(&[optional("enabled", Boolean)])),
    optional(
        "after_expiration",
        Object(&[optional(
            "recovery",
            Object(&[optional("allow_promotion_codes", Boolean), required("enabled", Boolean)]),
        )]),
    ),
    optional("allow_promotion_codes", Boolean),
    optional("allowed_payment_method_types", List(&Choice(PAYMENT_METHODS))),
    optional(
        "automatic_tax",
        Object(&[
            required("enabled", Boolean),
            optional("liability", Object(&[optional("account", Text), required("type", Choice(&["account", "self"]))])),
        ]),
    ),
    optional("billing_address_collection", Choice(&["auto", "required"])),
    optional("branding_settings", Free),
    optional("cancel_url", Text),
    optional("client_reference_id", Text),
    optional(
        "consent_collection",
        Object(&[
            optional("payment_method_reuse_agreement", Object(&[required("position", Choice(&["auto", "hidden"]))])),
            optional("promotions", Choice(&["auto", "none"])),
            optional("terms_of_service", Choice(&["none", "required"])),
        ]),
    ),
    optional("currency", Text),
    optional("custom_fields", List(&Object(CUSTOM_FIELD))),
    optional(
        "custom_text",
        Object(&[
            optional("after_submit", MESSAGE),
            optional("shipping_address", MESSAGE),
            optional("submit", MESSAGE),
            optional("terms_of_service_acceptance", MESSAGE),
        ]),
    ),
    optional("customer", Text),
    optional("customer_account", Text),
    optional("customer_creation", Choice(&["always", "if_required"])),
    optional("customer_email", Text),
    optional("customer_update", Free),
    optional("discounts", Emptyable(&List(&Object(&[optional("coupon", Text), optional("promotion_code", Text)])))),
    optional("excluded_payment_method_types", List(&Choice(PAYMENT_METHODS))),
    EXPAND,
    optional("expires_at", Integer),
    optional("integration_identifier", Text),
    optional("invoice_creation", Object(&[required("enabled", Boolean), optional("invoice_data", Free)])),
    optional("line_items", List(&Object(LINE_ITEM))),
    optional("locale", Choice(LOCALES)),
    optional("managed_payments", Object(&[optional("enabled", Boolean)])),
    METADATA,
    required("mode", Choice(&["payment", "setup", "subscription"])),
    optional("name_collection", Free),
    optional(
        "optional_items",
        List(&Object(&[
            optional("adjustable_quantity", ADJUSTABLE),
            required("price", Text),
            required("quantity", Integer),
        ])),
    ),
    optional("origin_context", Choice(&["mobile_app", "web"])),
    optional("payment_intent_data", Object(PAYMENT_INTENT_DATA)),
    optional("payment_method_collection", Choice(&["always", "if_required"])),
    optional("payment_method_configuration", Text),
    optional("payment_method_data", Free),
    optional("payment_method_options", Free),
    optional("permissions", Free),
    optional("phone_number_collection", Object(ENABLED)),
    optional("redirect_on_completion", Choice(&["always", "if_required", "never"])),
    optional("return_url", Text),
    optional("saved_payment_method_options", Free),
    optional("setup_intent_data", Free),
    optional("shipping_address_collection", Object(&[required("allowed_countries", List(&Text))])),
    optional("shipping_options", List(&Object(SHIPPING_OPTION))),
    optional("submit_type", Choice(&["auto", "book", "donate", "pay", "subscribe"])),
    optional("subscription_data", Object(SUBSCRIPTION_DATA)),
    optional("success_url", Text),
    optional(
        "tax_id_collection",
        Object(&[required("enabled", Boolean), optional("required", Choice(&["if_supported", "never"]))]),
    ),
    optional("ui_mode", Choice(&["elements", "embedded_page", "form", "hosted_page"])),
    optional("wallet_options", Free),
];
/// Capture of a payment.
pub(crate) const CAPTURE: &[Field] = &[optional("amount_to_capture", Integer), EXPAND];
/// Cancellation of a payment.
pub(crate) const CANCEL: &[Field] = &[
    optional("cancellation_reason", Choice(&["abandoned", "duplicate", "fraudulent", "requested_by_customer"])),
    EXPAND,
];
