//! Requests about prices, products and promotion codes.

use cart::{PriceId, ProductId};
use stripe_client_core::StripeRequest as _;
use stripe_product::price::{ListPrice, RetrievePrice};
use stripe_product::product::{ListProduct, RetrieveProduct};
use stripe_product::promotion_code::ListPromotionCode;

use super::{PER_PAGE, Request};

/// A price with its tiers and its other currencies.
pub(crate) fn price(id: &PriceId) -> Request {
    RetrievePrice::new(id.as_str()).expand(expanded("")).build().into()
}

/// A price with its tiers, its other currencies and its product.
pub(crate) fn price_with_product(id: &PriceId) -> Request {
    let [tiers, currencies, their_tiers] = expanded("");
    RetrievePrice::new(id.as_str()).expand([tiers, currencies, their_tiers, "product".to_owned()]).build().into()
}

/// A product.
pub(crate) fn product(id: &ProductId) -> Request {
    RetrieveProduct::new(id.as_str()).build().into()
}

/// A page of all prices with their tiers and their other currencies.
pub(crate) fn prices(after: Option<&str>) -> Request {
    let mut request = ListPrice::new().limit(PER_PAGE).expand(expanded("data."));
    if let Some(after) = after {
        request = request.starting_after(after);
    }
    request.build().into()
}

/// A page of all products.
pub(crate) fn products(after: Option<&str>) -> Request {
    let mut request = ListProduct::new().limit(PER_PAGE);
    if let Some(after) = after {
        request = request.starting_after(after);
    }
    request.build().into()
}

/// The active promotion code that a buyer writes as `code`, as a page.
pub(crate) fn promotion_code(code: &str) -> Request {
    ListPromotionCode::new().code(code).active(true).limit(1).build().into()
}

/// Stripe leaves tiers and other currencies out unless asked.
fn expanded(prefix: &str) -> [String; 3] {
    ["tiers", "currency_options", "currency_options.tiers"].map(|field| format!("{prefix}{field}"))
}
