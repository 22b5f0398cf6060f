//! Requests about prices, products and promotion codes.

use cart::{Currency, PriceId, ProductId};
use stripe_client_core::StripeRequest as _;
use stripe_product::price::{ListPrice, RetrievePrice};
use stripe_product::product::{ListProduct, RetrieveProduct};
use stripe_product::promotion_code::ListPromotionCode;

use super::{PER_PAGE, Request, segment};

/// A price with its tiers and its other currencies, and the tiers of those that are named.
pub(crate) fn price(id: &PriceId, tiers_in: &[Currency]) -> Request {
    let tiers = tiers_in.iter().map(|currency| format!("currency_options.{currency}.tiers"));
    RetrievePrice::new(segment(id.as_str()))
        .expand(expanded("").into_iter().chain(tiers).collect::<Vec<_>>())
        .build()
        .into()
}

/// A price with its tiers, its other currencies and its product.
pub(crate) fn price_with_product(id: &PriceId) -> Request {
    let [tiers, currencies] = expanded("");
    RetrievePrice::new(segment(id.as_str())).expand([tiers, currencies, "product".to_owned()]).build().into()
}

/// A product.
pub(crate) fn product(id: &ProductId) -> Request {
    RetrieveProduct::new(segment(id.as_str())).build().into()
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

/// The newest promotion codes that a buyer may mean by `text`, active or not, as a page; each with what it takes off, and
/// with its amounts in every currency.
pub(crate) fn promotion_codes(text: &str) -> Request {
    let expanded = ["promotion.coupon", "promotion.coupon.currency_options", "restrictions.currency_options"];
    let expanded = expanded.map(|field| format!("data.{field}"));
    ListPromotionCode::new().code(text).limit(PER_PAGE).expand(expanded).build().into()
}

/// Stripe leaves tiers and other currencies out unless asked. The tiers of other currencies have to be asked for by the
/// currency's name: `currency_options.tiers` is accepted and brings none.
///
/// Source: <https://docs.stripe.com/api/prices/object#price_object-currency_options-tiers>
fn expanded(prefix: &str) -> [String; 2] {
    ["tiers", "currency_options"].map(|field| format!("{prefix}{field}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expansions(request: &Request) -> Vec<String> {
        let query = request.query.as_deref().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        pairs.filter(|(name, _)| name.starts_with("expand")).map(|(_, path)| path.into_owned()).collect()
    }

    #[test]
    fn an_id_of_any_shape_is_one_segment_of_the_path() {
        let (price, product) = ("a/b?c#d".parse().unwrap(), "../tea 1.5:50%".parse().unwrap());

        assert_eq!(super::price(&price, &[]).path, "/prices/a%2Fb%3Fc%23d");
        assert_eq!(price_with_product(&price).path, "/prices/a%2Fb%3Fc%23d");
        assert_eq!(super::product(&product).path, "/products/..%2Ftea%201.5%3A50%25");
    }

    #[test]
    fn the_tiers_of_other_currencies_are_asked_for_by_name() {
        let id = "price_a".parse().unwrap();
        let currencies = ["eur", "jpy"].map(|code| code.parse().unwrap());

        assert_eq!(expansions(&price(&id, &[])), ["tiers", "currency_options"]);
        assert_eq!(
            expansions(&price(&id, &currencies)),
            ["tiers", "currency_options", "currency_options.eur.tiers", "currency_options.jpy.tiers"]
        );
        assert_eq!(expansions(&price_with_product(&id)), ["tiers", "currency_options", "product"]);
        assert_eq!(expansions(&prices(None)), ["data.tiers", "data.currency_options"]);
    }
}
