//! A cart on the wire.

use std::borrow::Cow;

use cart::{
    AdjustableQuantity, Cart, CartNumber, Currency, Description, Line, Metadata, Money, Offer, PriceId, ProductId,
    Quantity, Status, Timestamp, Token, Totals,
};
use lambda_http::http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::value::RawValue;
use store::Offers;

use crate::{Response, Shop};

/// A cart as clients see it: the eight keys of Enupal's in their order, then what is added to them.
///
/// Prices and products are JSON already. So a cart is written in three pieces, around its items and its products.
#[derive(Debug)]
struct CartView<'a> {
    head: Head<'a>,
    items: Vec<Item<'a>>,
    products: Vec<(&'a ProductId, &'a str)>,
    tail: Tail<'a>,
}

#[derive(Serialize, Debug)]
struct Head<'a> {
    number: Option<CartNumber>,
    metadata: &'a Metadata,
    total_price: Box<RawValue>,
    total_price_with_currency: String,
    currency: Currency,
    item_count: u64,
}

#[derive(Serialize, Debug)]
struct Tail<'a> {
    status: &'static str,
    version: u64,
    total_price_minor: i128,
    warnings: Vec<Warning<'a>>,
    meta: Meta,
}

/// A line.
#[derive(Debug)]
struct Item<'a> {
    /// The fields of its price, where the catalogue still has it.
    price: Option<&'a str>,
    rest: ItemRest<'a>,
}

/// What a line has besides the fields of its price.
#[derive(Serialize, Debug)]
struct ItemRest<'a> {
    /// Where the catalogue lost the price, all that is left of it.
    #[serde(flatten)]
    lost: Option<LostPrice<'a>>,
    quantity: Quantity,
    adjustable_quantity: Cow<'a, AdjustableQuantity>,
    description: Option<&'a Description>,
    available: bool,
}

#[derive(Serialize, Debug)]
struct LostPrice<'a> {
    object: &'static str,
    active: bool,
    price: &'a PriceId,
}

#[derive(Serialize, Debug)]
struct Warning<'a> {
    code: &'static str,
    price: &'a PriceId,
}

#[derive(Serialize, Debug)]
struct Meta {
    timestamps: Timestamps,
}

#[derive(Serialize, Debug)]
#[expect(clippy::struct_field_names, reason = "the names are the wire's")]
struct Timestamps {
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

impl<'a> CartView<'a> {
    /// A view of `cart` at the prices in `offers`.
    fn new(cart: &'a Cart, offers: &'a Offers, shop: &Shop) -> Self {
        let totals = Totals::of(cart, shop.currency, |line| offers.get(&line.price));
        let offers = totals.lines.iter().filter_map(|(_, offer, _)| *offer);
        let mut products: Vec<_> = offers.map(|offer| (&offer.product().id, offer.product_json())).collect();
        products.sort_by_key(|(id, _)| *id);
        products.dedup_by_key(|(id, _)| *id);
        Self {
            head: Head {
                number: Some(cart.number()),
                metadata: cart.metadata(),
                total_price: exact(totals.total),
                total_price_with_currency: shop.formatter.format(totals.total),
                currency: totals.total.currency(),
                item_count: cart.item_count(),
            },
            items: totals.lines.iter().map(|(line, offer, amount)| item(line, *offer, amount.is_ok())).collect(),
            products,
            tail: Tail {
                status: match cart.status() {
                    Status::Active => "active",
                    Status::Completed(_) => "completed",
                },
                version: cart.version(),
                total_price_minor: totals.total.minor(),
                warnings: totals
                    .unavailable()
                    .map(|(line, _)| Warning { code: "price_inactive", price: &line.price })
                    .collect(),
                meta: Meta {
                    timestamps: Timestamps {
                        created_at: Some(cart.created_at()),
                        updated_at: Some(cart.updated_at()),
                        expires_at: Some(cart.expires_at()),
                    },
                },
            },
        }
    }

    /// A view of no cart at all.
    fn nothing(metadata: &'a Metadata, shop: &Shop) -> Self {
        let nothing = Money::new(0, shop.currency);
        Self {
            head: Head {
                number: None,
                metadata,
                total_price: exact(nothing),
                total_price_with_currency: shop.formatter.format(nothing),
                currency: shop.currency,
                item_count: 0,
            },
            items: Vec::new(),
            products: Vec::new(),
            tail: Tail {
                status: "active",
                version: 0,
                total_price_minor: 0,
                warnings: Vec::new(),
                meta: Meta { timestamps: Timestamps { created_at: None, updated_at: None, expires_at: None } },
            },
        }
    }

    /// The cart as JSON.
    fn to_json(&self) -> String {
        let items: usize = self.items.iter().map(|item| item.price.map_or(0, str::len) + 150).sum();
        let products: usize = self.products.iter().map(|(id, product)| id.as_str().len() + product.len() + 4).sum();
        let mut out = String::with_capacity(1000 + items + products);

        out.push('{');
        members(&mut out, &json(&self.head));
        out.push_str(",\"items\":[");
        for (index, Item { price, rest }) in self.items.iter().enumerate() {
            out.push_str(if index == 0 { "{" } else { ",{" });
            if let Some(price) = price {
                members(&mut out, price);
                out.push(',');
            }
            members(&mut out, &json(rest));
            out.push('}');
        }
        out.push_str("],\"products\":{");
        for (index, (id, product)) in self.products.iter().enumerate() {
            // Ids are letters, digits, `_` and `-`: they need no escaping.
            out.push_str(if index == 0 { "\"" } else { ",\"" });
            out.push_str(id.as_str());
            out.push_str("\":");
            out.push_str(product);
        }
        out.push_str("},");
        members(&mut out, &json(&self.tail));
        out.push('}');
        out
    }
}

/// Plain data with text keys: it always serialises.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Writes what stands between the braces of an object.
fn members(out: &mut String, object: &str) {
    out.push_str(object.strip_prefix('{').and_then(|object| object.strip_suffix('}')).unwrap_or_default());
}

fn item<'a>(line: &'a Line, offer: Option<&'a Offer>, available: bool) -> Item<'a> {
    let lost = offer.is_none().then_some(LostPrice { object: "price", active: false, price: &line.price });
    let rest = ItemRest {
        lost,
        quantity: line.quantity,
        adjustable_quantity: line.adjustable_quantity.as_ref().map_or_else(Cow::default, Cow::Borrowed),
        description: line.description.as_ref(),
        available,
    };
    Item { price: offer.map(Offer::price_json), rest }
}

/// The answer that shows a cart, handing its token over with it.
#[must_use]
pub fn cart_answer(cart: &Cart, token: Option<&Token>, offers: &Offers, shop: &Shop) -> Response {
    let mut response = crate::endpoint::json_text(StatusCode::OK, CartView::new(cart, offers, shop).to_json());
    // Digits in quotes: always a valid header.
    if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", cart.version())) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    if let Some(token) = token {
        shop.hand_over(token, &mut response);
    }
    response
}

/// The answer where there is no cart.
#[must_use]
pub fn no_cart(shop: &Shop) -> Response {
    crate::endpoint::json_text(StatusCode::OK, CartView::nothing(&Metadata::default(), shop).to_json())
}

/// The amount as a JSON number in major units, printed from integers.
fn exact(money: Money) -> Box<RawValue> {
    // The digits of a number are JSON.
    RawValue::from_string(money.major()).unwrap_or_default()
}
