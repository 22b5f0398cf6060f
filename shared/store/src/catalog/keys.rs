//! Where prices and products stand in the table, and in its index.
//!
//! | row | key | kind, in the index `by_kind` |
//! |---|---|---|
//! | a price | its id | `prices#` and its product's id, while it is active |
//! | a product | `product#` and its id | `listed`, while it is for sale |
//! | a lookup key | `lookup#` and the lookup key | none |
//!
//! A price's id that has a `#` stands behind `price#`, so that no price has the key of another row.

use cart::{PriceId, ProductId};

/// The kind of products that are for sale.
pub(super) const LISTED: &str = "listed";

const PRODUCT: &str = "product#";
const LOOKUP: &str = "lookup#";

/// The key of a price's row.
pub(super) fn of_price(id: &PriceId) -> String {
    if id.as_str().contains('#') { format!("price#{id}") } else { id.to_string() }
}

/// The key of a product's row.
pub(super) fn of_product(id: &ProductId) -> String {
    format!("{PRODUCT}{id}")
}

/// The key of the row that says which price has a lookup key.
pub(super) fn of_lookup_key(lookup_key: &str) -> String {
    format!("{LOOKUP}{lookup_key}")
}

/// The kind of a product's active prices.
pub(super) fn kind_of_prices(product: &str) -> String {
    format!("prices#{product}")
}

/// The id of the product that has this key; `None` for the key of another row.
pub(super) fn product_at(key: &str) -> Option<&str> {
    key.strip_prefix(PRODUCT)
}

/// The lookup key that this key is of; `None` for the key of another row.
pub(super) fn lookup_key_at(key: &str) -> Option<&str> {
    key.strip_prefix(LOOKUP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_price_has_the_key_of_a_product_or_of_a_lookup_key() {
        for id in ["gold", "product#gold", "lookup#gold", "price#gold", "price#product#gold", "gold#", "#"] {
            let key = of_price(&id.parse().unwrap());

            assert_eq!((product_at(&key), lookup_key_at(&key)), (None, None), "{id}");
        }
        assert_eq!(of_price(&"price_1OaB".parse().unwrap()), "price_1OaB");
        assert_eq!(product_at(&of_product(&"gold".parse().unwrap())), Some("gold"));
        assert_eq!(lookup_key_at(&of_lookup_key("gold")), Some("gold"));
    }
}
