//! Prices and products as items.

use aws_sdk_dynamodb::types::AttributeValue;
use cart::{Offer, Price, Product};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{AsOf, keys};
use crate::Error;
use crate::expression::Update;
use crate::item::{Item, Reader, json, number, text};

pub(super) const ID: &str = "id";
pub(super) const KIND: &str = "kind";
pub(super) const PRICE: &str = "price";
pub(super) const PRICE_STAMP: &str = "price_ms";
pub(super) const PRODUCT: &str = "product";
pub(super) const PRODUCT_STAMP: &str = "product_ms";
pub(super) const LOOKUP_KEY: &str = "lookup_key";
pub(super) const LOOKUP_KEY_STAMP: &str = "lookup_key_ms";
pub(super) const HOLDER: &str = "holder";
pub(super) const HOLDER_STAMP: &str = "holder_ms";
pub(super) const HANDED_DOWN: &str = "handed_down_ms";
pub(super) const TABLE: &str = "catalogue";

/// The attributes that say as of when something is known.
pub(super) const STAMPS: [&str; 5] = [PRICE_STAMP, PRODUCT_STAMP, LOOKUP_KEY_STAMP, HOLDER_STAMP, HANDED_DOWN];

/// What is known of something, and the time as of which it is known, in milliseconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Known {
    pub(super) text: String,
    pub(super) milliseconds: i64,
}

impl Known {
    pub(super) fn new(text: impl Into<String>, stamp: AsOf) -> Self {
        Self { text: text.into(), milliseconds: stamp.milliseconds }
    }

    /// Reads the attribute `name` with its time `stamp`; `None` where either is missing or malformed, so that whatever is
    /// read at Stripe replaces it.
    pub(super) fn read(row: &Item, name: &'static str, stamp: &'static str) -> Option<Self> {
        let reader = Reader { table: TABLE, item: row };
        let milliseconds = reader.parsed_if_there(stamp).ok()??;
        Some(Self { text: reader.text(name)?.to_owned(), milliseconds })
    }

    /// The later of two; of two of the same time the first.
    pub(super) fn later(first: Option<Self>, second: Option<Self>) -> Option<Self> {
        match (first, second) {
            (Some(first), Some(second)) if second.milliseconds > first.milliseconds => Some(second),
            (first, second) => first.or(second),
        }
    }

    /// What is known of a product, as its prices' rows have it.
    pub(super) fn copied(&self) -> Self {
        Self { text: as_copied(&self.text), milliseconds: self.milliseconds }
    }

    fn set(&self, update: &mut Update, name: &str, stamp: &str) {
        let [name, stamp] = [name, stamp].map(|name| update.name(name));
        let [value, time] = [text(&self.text), number(self.milliseconds)].map(|value| update.value(value));
        update.set(format_args!("{name} = {value}"));
        update.set(format_args!("{stamp} = {time}"));
    }
}

/// What a price's row says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct PriceRow {
    pub(super) price: Option<Known>,
    /// The copy of its product.
    pub(super) product: Option<Known>,
    /// The lookup key that the price last had. Stripe may have moved it to another price since.
    pub(super) lookup_key: Option<Known>,
    pub(super) kind: Option<String>,
    /// Whether it also has what 0.1.0 wrote of a product with the price's own id.
    pub(super) is_shared: bool,
}

/// What of a price's text decides about its row.
#[derive(Deserialize)]
struct Brief {
    active: bool,
    product: String,
    #[serde(default)]
    lookup_key: Option<String>,
}

impl PriceRow {
    /// The attribute in which 0.1.0 listed a product's prices.
    const SHARED: &str = super::earlier::PRICES;

    pub(super) fn read(row: &Item) -> Self {
        Self {
            price: Known::read(row, PRICE, PRICE_STAMP),
            product: Known::read(row, PRODUCT, PRODUCT_STAMP),
            lookup_key: Known::read(row, LOOKUP_KEY, LOOKUP_KEY_STAMP),
            kind: Reader { table: TABLE, item: row }.text(KIND).map(str::to_owned),
            is_shared: row.contains_key(Self::SHARED),
        }
    }

    /// The row after these news. Each of its registers only moves forward, so that the same news end in the same row, in
    /// whatever order they come.
    pub(super) fn after(&self, price: Option<&Known>, product: Option<&Known>) -> Self {
        let brief = |price: &Known| serde_json::from_str::<Brief>(&price.text).ok();
        let key_of = |price: Option<&Known>| {
            let price = price?;
            Some(Known { text: brief(price)?.lookup_key?, milliseconds: price.milliseconds })
        };
        // What was known before, too: 0.1.0 did not remember the key.
        let lookup_key = [key_of(self.price.as_ref()), key_of(price)].into_iter();
        let lookup_key = lookup_key.fold(self.lookup_key.clone(), Known::later);
        let price = Known::later(self.price.clone(), price.cloned());
        let kind = price.as_ref().and_then(brief).filter(|price| price.active);
        Self {
            lookup_key,
            product: Known::later(self.product.clone(), product.cloned()),
            kind: kind.map(|price| keys::kind_of_prices(&price.product)),
            is_shared: false,
            price,
        }
    }

    /// The update that makes the row `after` of this one, provided that it is still this one; `None` where both are the same.
    pub(super) fn update_to(&self, after: &Self) -> Option<Update> {
        if self == after {
            return None;
        }
        let mut update = Update::default();
        for (before, after, name, stamp) in [
            (&self.price, &after.price, PRICE, PRICE_STAMP),
            (&self.product, &after.product, PRODUCT, PRODUCT_STAMP),
            (&self.lookup_key, &after.lookup_key, LOOKUP_KEY, LOOKUP_KEY_STAMP),
        ] {
            guard_stamp(&mut update, stamp, before.as_ref());
            if let Some(after) = after.as_ref().filter(|after| Some(*after) != before.as_ref()) {
                after.set(&mut update, name, stamp);
            }
        }
        if self.kind != after.kind {
            set_kind(&mut update, after.kind.as_deref());
        }
        if self.is_shared {
            let shared = update.name(Self::SHARED);
            update.remove(shared);
        }
        Some(update)
    }
}

/// What a product's row says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct ProductRow {
    pub(super) product: Option<Known>,
    /// As of when all that is known of the product stands in the rows of its prices too.
    pub(super) handed_down: Option<i64>,
}

impl ProductRow {
    pub(super) fn read(row: &Item) -> Self {
        let handed_down = Reader { table: TABLE, item: row }.parsed_if_there(HANDED_DOWN).ok().flatten();
        Self { product: Known::read(row, PRODUCT, PRODUCT_STAMP), handed_down }
    }

    /// Whether the prices' rows have all that the product's row says.
    pub(super) fn is_handed_down(&self) -> bool {
        let known = self.product.as_ref().map(|product| product.milliseconds);
        known.zip(self.handed_down).is_some_and(|(known, handed_down)| handed_down >= known)
    }
}

/// The condition that something is known as of the time at which it is `known`; that nothing is, where it is not.
pub(super) fn guard_stamp(update: &mut Update, stamp: &str, known: Option<&Known>) {
    let name = update.name(stamp);
    match known {
        None => update.guard(format_args!("attribute_not_exists({name})")),
        Some(known) => {
            let time = update.value(number(known.milliseconds));
            update.guard(format_args!("{name} = {time}"));
        }
    }
}

/// Puts a row into the index, or takes it out.
pub(super) fn set_kind(update: &mut Update, kind: Option<&str>) {
    let name = update.name(KIND);
    match kind {
        Some(kind) => {
            let kind = update.value(text(kind));
            update.set(format_args!("{name} = {kind}"));
        }
        None => update.remove(name),
    }
}

/// Moves a register forward, where what is known is older.
pub(super) fn advance_if_newer(update: &mut Update, name: &str, stamp: &str, value: AttributeValue, as_of: AsOf) {
    let [name, stamp] = [name, stamp].map(|name| update.name(name));
    let [value, time] = [value, number(as_of.milliseconds)].map(|value| update.value(value));
    update.guard(format_args!("attribute_not_exists({stamp}) OR {stamp} < {time}"));
    update.set(format_args!("{name} = {value}"));
    update.set(format_args!("{stamp} = {time}"));
}

pub(super) fn register<T: DeserializeOwned>(row: &Item, name: &'static str) -> Result<Option<T>, Error> {
    let reader = Reader { table: TABLE, item: row };
    reader.text(name).map(|json| serde_json::from_str(json).map_err(|_| reader.corrupt(name))).transpose()
}

pub(super) fn read_offer(row: &Item) -> Result<Option<Offer>, Error> {
    let (Some(price), Some(product)) = (register::<Price>(row, PRICE)?, register(row, PRODUCT)?) else {
        return Ok(None);
    };
    let last_lookup_key = Reader { table: TABLE, item: row }.text(LOOKUP_KEY).map(str::to_owned);
    // Rows of 0.1.0 know no more than the price does.
    let last_lookup_key = price.lookup_key.clone().or(last_lookup_key);
    Ok(Some(Offer { price: Price { last_lookup_key, ..price }, product }))
}

/// What of a product its prices' rows have to say, as text. When Stripe last changed it does not tell what is different, so
/// that a change of nothing else is none.
pub(super) fn content_of(product: &Product) -> String {
    json(&Product { updated: 0, ..product.clone() })
}

/// A product's text as its prices' rows have it: with a space at its end, which readers skip.
///
/// The sync of 0.1.0 lists a price with its product only when it writes the price's row, and it writes no row whose texts are
/// its own. So it takes each copy of this version for another text, and lists every price after a rollback.
pub(super) fn as_copied(text: &str) -> String {
    format!("{text} ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn at(milliseconds: i64, value: &Value) -> Known {
        Known { text: value.to_string(), milliseconds }
    }

    fn price(milliseconds: i64, active: bool, lookup_key: Option<&str>) -> Known {
        at(milliseconds, &json!({ "active": active, "product": "prod a", "lookup_key": lookup_key }))
    }

    #[test]
    fn news_of_a_price_end_in_the_same_row_in_whatever_order_they_come() {
        let prices = [price(1, true, Some("old")), price(2, true, Some("new")), price(3, false, None)];
        let products = [at(1, &json!("a")), at(2, &json!("b")), at(1, &json!("a"))];
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let row = order.iter().fold(PriceRow::default(), |row, index| {
                row.after(Some(&prices[*index]), None).after(None, Some(&products[*index]))
            });

            assert_eq!(row.price.as_ref(), Some(&prices[2]), "{order:?}");
            assert_eq!(row.product.as_ref(), Some(&products[1]), "{order:?}");
            assert_eq!(row.lookup_key, Some(Known { text: "new".to_owned(), milliseconds: 2 }), "{order:?}");
            assert_eq!(row.kind, None, "{order:?}");
        }
    }

    #[test]
    fn a_price_stands_among_its_products_prices_while_it_is_active() {
        let row = PriceRow::default().after(Some(&price(1, true, None)), None);

        assert_eq!(row.kind.as_deref(), Some("prices#prod a"));
        assert_eq!(row.after(Some(&price(2, false, None)), None).kind, None);
    }

    #[test]
    fn the_lookup_key_that_a_row_of_0_1_0_had_is_remembered() {
        let row = PriceRow { price: Some(price(1, true, Some("standard"))), ..PriceRow::default() };

        let after = row.after(Some(&price(2, false, None)), None);

        assert_eq!(after.lookup_key, Some(Known { text: "standard".to_owned(), milliseconds: 1 }));
    }

    #[test]
    fn news_that_change_nothing_write_nothing() {
        let row = PriceRow::default().after(Some(&price(1, true, Some("a"))), Some(&at(1, &json!("a"))));

        for (price, product) in [
            (None, None),
            (Some(price(1, true, None)), None),
            (None, Some(at(1, &json!("b")))),
            (None, Some(at(0, &json!("b")))),
        ] {
            assert!(row.update_to(&row.after(price.as_ref(), product.as_ref())).is_none());
        }
    }
}
