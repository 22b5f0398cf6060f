//! A cart on the wire.

use std::borrow::Cow;
use std::sync::Arc;

use cart::{
    AdjustableQuantity, Attributes, Bounds, Cart, CartNumber, Currency, Decimal, Description, Interval, Line, LineId,
    Metadata, Money, Offers, PriceChange, PriceId, PricedLine, ProductId, Quantity, RefusedItem, Renewal, Status,
    Timestamp, Totals,
};
use lambda_http::http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Number;
use shopping::{Changed, ChangedCart, PricedCart};

use super::amounts::{Amount, Major, SumMembers, UnitMembers, WithCurrency};
use super::price_change::number;
use super::renderings::Rendering;
use super::spliced::Spliced;
use crate::cookies::Handed;
use crate::{Answer, Error, Shop, json};

/// A cart as clients see it: the eight keys of Enupal's in their order, then what is added to them.
///
/// Prices and products are JSON already. So a cart is written in three pieces, around its items and its products.
#[derive(Debug)]
struct CartView<'a> {
    head: Head<'a>,
    items: Vec<ItemView<'a>>,
    /// The products of all items, each once, by its id.
    products: Vec<(&'a ProductId, Arc<Rendering>)>,
    tail: Tail<'a>,
}

#[derive(Serialize, Debug)]
struct Head<'a> {
    number: Option<CartNumber>,
    metadata: &'a Metadata,
    total_price: Major,
    total_price_with_currency: WithCurrency,
    currency: Currency,
    item_count: u64,
}

#[derive(Serialize, Debug)]
struct Tail<'a> {
    status: &'static str,
    version: u64,
    total_price_minor: i128,
    recurring: Option<RecurringView>,
    warnings: Vec<Warning<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<NotAdded<'a>>,
    meta: Meta,
}

/// A line.
#[derive(Debug)]
struct ItemView<'a> {
    /// Its price, where the catalogue still has it.
    offer: Option<Arc<Rendering>>,
    rest: ItemRest<'a>,
    /// What each of its units costs, where a single amount says it.
    unit: Option<Amount>,
    /// What it comes to, while it can be bought.
    sum: Option<Amount>,
}

/// What a line has besides the fields of its price.
#[derive(Serialize, Debug)]
struct ItemRest<'a> {
    /// Where the catalogue lost the price, all that is left of it.
    #[serde(flatten)]
    lost: Option<LostPrice<'a>>,
    quantity: Quantity,
    adjustable_quantity: Cow<'a, AdjustableQuantity>,
    id: &'a LineId,
    attributes: &'a Attributes,
    description: Option<&'a Description>,
    available: bool,
}

/// What the recurring lines come to each time.
#[derive(Serialize, Debug)]
struct RecurringView {
    interval: Interval,
    interval_count: u64,
    total_price_minor: i128,
    total_price: Major,
    total_price_with_currency: WithCurrency,
}

#[derive(Serialize, Debug)]
struct LostPrice<'a> {
    object: &'static str,
    active: bool,
    price: &'a PriceId,
}

/// What the shopper should know of a line.
#[derive(Serialize, Debug)]
#[serde(tag = "code", rename_all = "snake_case")]
enum Warning<'a> {
    PriceInactive { price: &'a PriceId, id: &'a LineId },
    PriceChanged(PriceChanged<'a>),
    OutOfBounds { price: &'a PriceId, id: &'a LineId, minimum: Option<u32>, maximum: Option<u32> },
}

/// A line that goes on at another price.
#[derive(Serialize, Debug)]
struct PriceChanged<'a> {
    price: &'a PriceId,
    id: &'a LineId,
    successor: PriceId,
    /// Minor units of the cart's currency, like the next; `null` where no single amount says it.
    from: Option<Number>,
    to: Option<Number>,
    from_with_currency: Option<WithCurrency>,
    to_with_currency: Option<WithCurrency>,
}

/// An item that was not added, with the code and the message that a refusal of all would have.
#[derive(Serialize, Debug)]
struct NotAdded<'a> {
    index: usize,
    price: &'a PriceId,
    code: &'static str,
    message: String,
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
    /// A view of `cart` at `now`, at the prices in `offers`.
    fn new(cart: &'a Cart, offers: &'a Offers, shop: &Shop, now: Timestamp) -> Self {
        let totals = Totals::new(cart, offers, shop.currency);
        let renderings = shop.renderings.of(totals.lines.iter().map(|priced| priced.offer));
        let rendered = || totals.lines.iter().zip(&renderings);
        let mut products: Vec<_> = rendered()
            .filter_map(|(priced, rendering)| Some((&priced.offer?.product.id, Arc::clone(rendering.as_ref()?))))
            .collect();
        products.sort_by_key(|(id, _)| *id);
        products.dedup_by_key(|(id, _)| *id);
        let total = shop.amount(totals.total);
        Self {
            head: Head {
                number: Some(cart.number()),
                metadata: cart.metadata(),
                total_price: total.major(),
                total_price_with_currency: total.with_currency(),
                currency: totals.total.currency(),
                item_count: cart.item_count(),
            },
            items: rendered().map(|(priced, rendering)| ItemView::new(priced, rendering.clone(), shop)).collect(),
            products,
            tail: Tail::new(cart, &totals, shop, now),
        }
    }

    /// A view of no cart at all.
    fn nothing(metadata: &'a Metadata, currency: Currency, shop: &Shop) -> Self {
        let nothing = shop.amount(Money::new(0, currency));
        Self {
            head: Head {
                number: None,
                metadata,
                total_price: nothing.major(),
                total_price_with_currency: nothing.with_currency(),
                currency,
                item_count: 0,
            },
            items: Vec::new(),
            products: Vec::new(),
            tail: Tail {
                status: "active",
                version: 0,
                total_price_minor: 0,
                recurring: None,
                warnings: Vec::new(),
                errors: Vec::new(),
                meta: Meta { timestamps: Timestamps { created_at: None, updated_at: None, expires_at: None } },
            },
        }
    }

    /// The same cart, naming the items that were not added.
    fn without(mut self, refused: &'a [RefusedItem]) -> Self {
        self.tail.errors = refused.iter().map(NotAdded::new).collect();
        self
    }

    /// The cart as JSON.
    fn to_json(&self) -> String {
        let items: usize = self.items.iter().map(ItemView::length).sum();
        let products: usize = self.products.iter().map(|(id, offer)| id.as_str().len() + offer.product.len() + 4).sum();
        let mut out = Spliced::with_capacity(1000 + items + products);

        out.open('{');
        out.members_of(&json::text(&self.head));
        out.open_member("items", '[');
        for ItemView { offer, rest, unit, sum } in &self.items {
            out.open('{');
            if let Some(offer) = offer {
                out.members_of(&offer.price);
            }
            out.members_of(&json::text(rest));
            match unit {
                Some(unit) => out.members_of(unit.members()),
                None => out.members_of(&json::text(&UnitMembers::default())),
            }
            match sum {
                Some(sum) => out.members_of(sum.members()),
                None => out.members_of(&json::text(&SumMembers::default())),
            }
            out.close('}');
        }
        out.close(']');
        out.open_member("products", '{');
        for (id, offer) in &self.products {
            out.member(id.as_str(), &offer.product);
        }
        out.close('}');
        out.members_of(&json::text(&self.tail));
        out.close('}');
        out.finish()
    }
}

impl<'a> Tail<'a> {
    fn new(cart: &Cart, totals: &Totals<'a>, shop: &Shop, now: Timestamp) -> Self {
        Self {
            status: match cart.status() {
                Status::Active if cart.is_at_checkout(now) => "checkout",
                Status::Active => "active",
                Status::Completed(_) => "completed",
            },
            version: cart.version(),
            total_price_minor: totals.total.minor(),
            recurring: totals.renewal.map(|renewal| RecurringView::new(renewal, shop)),
            warnings: totals.lines.iter().flat_map(|priced| Warning::all_of(priced, shop)).collect(),
            errors: Vec::new(),
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

impl RecurringView {
    fn new(Renewal { recurrence, total }: Renewal, shop: &Shop) -> Self {
        let amount = shop.amount(total);
        Self {
            interval: recurrence.interval(),
            interval_count: recurrence.interval_count(),
            total_price_minor: total.minor(),
            total_price: amount.major(),
            total_price_with_currency: amount.with_currency(),
        }
    }
}

impl<'a> Warning<'a> {
    fn all_of(priced: &PricedLine<'a>, shop: &Shop) -> impl Iterator<Item = Self> + use<'a> {
        let Line { id, price, quantity, .. } = priced.line;
        let inactive = priced.amount.is_err().then_some(Self::PriceInactive { price, id });
        let changed = priced.price_change().filter(|_| priced.amount.is_ok());
        let changed = changed.map(|PriceChange { successor, from, to, currency, .. }| {
            let written = |unit: Option<Decimal>| Some(shop.unit_amount(unit?, currency).with_currency());
            Self::PriceChanged(PriceChanged {
                price,
                id,
                successor,
                from: from.map(number),
                to: to.map(number),
                from_with_currency: written(from),
                to_with_currency: written(to),
            })
        });
        let bounds = priced.bounds();
        let Bounds { minimum, maximum } = bounds;
        let out_of_bounds = !bounds.admit(*quantity);
        inactive.into_iter().chain(changed).chain(out_of_bounds.then_some(Self::OutOfBounds {
            price,
            id,
            minimum,
            maximum,
        }))
    }
}

impl<'a> NotAdded<'a> {
    fn new(RefusedItem { index, price, rejection }: &'a RefusedItem) -> Self {
        let error = Error::from(rejection.clone());
        Self { index: *index, price, code: error.code(), message: error.message() }
    }
}

impl<'a> ItemView<'a> {
    fn new(priced: &PricedLine<'a>, offer: Option<Arc<Rendering>>, shop: &Shop) -> Self {
        let line = priced.line;
        // The line keeps its price's id until the shopper has agreed to the other.
        let offer = match priced.succession {
            Some(succession) => Some(Arc::new(Rendering::under(&line.price, succession.successor))),
            None => offer,
        };
        let lost = offer.is_none().then_some(LostPrice { object: "price", active: false, price: &line.price });
        let sum = priced.amount.ok();
        let unit = sum.and_then(|sum| Some(shop.unit_amount(priced.each()?, sum.currency())));
        let rest = ItemRest {
            lost,
            quantity: line.quantity,
            adjustable_quantity: line.adjustable_quantity.as_ref().map_or_else(Cow::default, Cow::Borrowed),
            id: &line.id,
            attributes: &line.attributes,
            description: line.description.as_ref(),
            available: sum.is_some(),
        };
        Self { offer, rest, unit, sum: sum.map(|sum| shop.amount(sum)) }
    }

    /// About how many bytes it takes.
    fn length(&self) -> usize {
        self.offer.as_ref().map_or(0, |offer| offer.price.len()) + 300
    }
}

impl Answer {
    /// The shopper's cart at `now`.
    #[must_use]
    pub fn cart(cart: &PricedCart, shop: &Shop, now: Timestamp) -> Self {
        Self::cart_without(&[], cart, shop, now)
    }

    /// The same, naming the items that were not added.
    fn cart_without(refused: &[RefusedItem], cart: &PricedCart, shop: &Shop, now: Timestamp) -> Self {
        let PricedCart { cart, offers } = cart;
        let view = CartView::new(cart, offers, shop, now).without(refused);
        let Self { mut response, .. } = Self::json_text(StatusCode::OK, view.to_json());
        // Digits in quotes: always a valid header.
        if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", cart.version())) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        Self { response, cart: Some(cart.number()), handed: None }
    }

    /// A cart that was changed at `now`, with its token in the cookie and in `Cart-Token`; or that there was none to change, in the
    /// currency that the client wants one to have, or else the shop's.
    #[must_use]
    pub fn changed(changed: Changed, currency: Option<Currency>, shop: &Shop, now: Timestamp) -> Self {
        let Changed { cart, refused } = changed;
        match cart {
            None => Self::no_cart_without(&refused, currency, shop),
            Some(ChangedCart { token, cart }) => Self {
                handed: Some(Handed::Over(token, shop.cookies)),
                ..Self::cart_without(&refused, &cart, shop, now)
            },
        }
    }

    /// The answer where there is no cart, in the currency that the client wants one to have, or else the shop's.
    #[must_use]
    pub fn no_cart_in(currency: Option<Currency>, shop: &Shop) -> Self {
        Self::no_cart_without(&[], currency, shop)
    }

    /// The same, naming the items for which no cart was opened.
    fn no_cart_without(refused: &[RefusedItem], currency: Option<Currency>, shop: &Shop) -> Self {
        let metadata = Metadata::default();
        let view = CartView::nothing(&metadata, currency.unwrap_or(shop.currency), shop).without(refused);
        Self::json_text(StatusCode::OK, view.to_json())
    }
}

impl Shop {
    fn amount(&self, sum: Money) -> Amount {
        self.amounts.of(sum, &self.formatter)
    }

    pub(super) fn unit_amount(&self, unit: Decimal, currency: Currency) -> Amount {
        self.amounts.of_unit(unit, currency, &self.formatter)
    }
}
