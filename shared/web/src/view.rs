//! A cart on the wire.

use cart::{
    AdjustableQuantity, Cart, CartNumber, Currency, Description, Line, Metadata, Money, Offer, Price, PriceId, Product,
    Quantity, Status, Timestamp, Token, Totals,
};
use lambda_http::http::{HeaderValue, StatusCode, header};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use store::Offers;

use crate::{Response, Shop};

/// A cart as clients see it: the eight keys of Enupal's in their order, then what is added to them.
#[derive(Serialize, Debug)]
pub struct CartView<'a> {
    number: Option<CartNumber>,
    metadata: &'a Metadata,
    total_price: Box<RawValue>,
    total_price_with_currency: String,
    currency: Currency,
    item_count: u64,
    items: Vec<ItemView<'a>>,
    #[serde(serialize_with = "by_id")]
    products: Vec<&'a Product>,
    status: &'static str,
    version: u64,
    total_price_minor: i128,
    warnings: Vec<Warning<'a>>,
    meta: Meta,
}

/// A line: the fields of its price, and its own.
#[derive(Serialize, Debug)]
struct ItemView<'a> {
    #[serde(flatten)]
    price: PriceView<'a>,
    quantity: Quantity,
    adjustable_quantity: AdjustableQuantity,
    description: Option<&'a Description>,
    available: bool,
}

#[derive(Serialize, Debug)]
#[serde(untagged)]
enum PriceView<'a> {
    Known(&'a Price),
    /// The catalogue lost the price.
    Unknown {
        object: &'static str,
        active: bool,
        price: &'a PriceId,
    },
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
    #[must_use]
    pub fn new(cart: &'a Cart, offers: &'a Offers, shop: &Shop) -> Self {
        let totals = Totals::of(cart, shop.currency, |line| offers.get(&line.price));
        let mut products: Vec<&Product> =
            totals.lines.iter().filter_map(|(_, offer, _)| Some(&(*offer)?.product)).collect();
        products.sort_by(|a, b| a.id.cmp(&b.id));
        products.dedup_by(|a, b| a.id == b.id);
        Self {
            number: Some(cart.number()),
            metadata: cart.metadata(),
            total_price: exact(totals.total),
            total_price_with_currency: shop.formatter.format(totals.total),
            currency: totals.total.currency(),
            item_count: cart.item_count(),
            warnings: totals
                .unavailable()
                .map(|(line, _)| Warning { code: "price_inactive", price: &line.price })
                .collect(),
            items: totals.lines.iter().map(|(line, offer, amount)| item(line, *offer, amount.is_ok())).collect(),
            products,
            status: match cart.status() {
                Status::Active => "active",
                Status::Completed(_) => "completed",
            },
            version: cart.version(),
            total_price_minor: totals.total.minor(),
            meta: Meta {
                timestamps: Timestamps {
                    created_at: Some(cart.created_at()),
                    updated_at: Some(cart.updated_at()),
                    expires_at: Some(cart.expires_at()),
                },
            },
        }
    }
}

fn item<'a>(line: &'a Line, offer: Option<&'a Offer>, available: bool) -> ItemView<'a> {
    ItemView {
        price: match offer {
            Some(offer) => PriceView::Known(&offer.price),
            None => PriceView::Unknown { object: "price", active: false, price: &line.price },
        },
        quantity: line.quantity,
        adjustable_quantity: line.adjustable_quantity.clone().unwrap_or_default(),
        description: line.description.as_ref(),
        available,
    }
}

/// The answer that shows a cart, handing its token over with it.
#[must_use]
pub fn cart_answer(cart: &Cart, token: Option<&Token>, offers: &Offers, shop: &Shop) -> Response {
    let mut response = crate::json(StatusCode::OK, &CartView::new(cart, offers, shop));
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
    let nothing = Money::new(0, shop.currency);
    let metadata = Metadata::default();
    let view = CartView {
        number: None,
        metadata: &metadata,
        total_price: exact(nothing),
        total_price_with_currency: shop.formatter.format(nothing),
        currency: shop.currency,
        item_count: 0,
        items: Vec::new(),
        products: Vec::new(),
        status: "active",
        version: 0,
        total_price_minor: 0,
        warnings: Vec::new(),
        meta: Meta { timestamps: Timestamps { created_at: None, updated_at: None, expires_at: None } },
    };
    crate::json(StatusCode::OK, &view)
}

/// The amount as a JSON number in major units, printed from integers.
fn exact(money: Money) -> Box<RawValue> {
    // The digits of a number are JSON.
    RawValue::from_string(money.major()).unwrap_or_default()
}

fn by_id<S: Serializer>(products: &[&Product], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(products.len()))?;
    for product in products {
        map.serialize_entry(&product.id, product)?;
    }
    map.end()
}
