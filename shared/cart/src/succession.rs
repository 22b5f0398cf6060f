//! Which price took the place of an archived one.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{
    AdjustableQuantity, Attributes, Bounds, Cart, Currency, Decimal, Line, LineId, Money, Offer, Offers, Price,
    PriceId, PricedLine, Quantity,
};

/// The price of `candidates` that took the place of an archived one; `None` where none did, or where the price is not
/// archived.
///
/// That is the one for sale that now has the lookup key that the archived one last had. Merchants move it there for this
/// purpose, so that nothing else is asked of it. Without one it is the product's default price, where it is for sale and of
/// the same kind, interval and own currency as the archived one.
///
/// Source: <https://docs.stripe.com/products-prices/manage-prices#lookup-keys>
#[must_use]
pub fn successor<'a>(archived: &Offer, candidates: &'a Offers) -> Option<&'a Arc<Offer>> {
    if archived.price.active {
        return None;
    }
    let key = archived.price.last_lookup_key.as_ref();
    let has_the_key = |candidate: &&Arc<Offer>| {
        candidate.is_active() && candidate.price.id != archived.price.id && candidate.price.lookup_key.as_ref() == key
    };
    let by_key = key.and_then(|_| candidates.iter().find(has_the_key));
    by_key.or_else(|| {
        let default = candidates.for_sale(archived.product.default_price.as_ref()?)?;
        sells_alike(&archived.price, &default.price).then_some(default)
    })
}

/// The price at which a line goes on whose own price is archived.
#[derive(Clone, Copy, Debug)]
pub struct Succession<'a> {
    archived: &'a Offer,
    /// The offer of the successor.
    pub successor: &'a Arc<Offer>,
    currency: Currency,
    is_rise: bool,
}

impl<'a> Succession<'a> {
    /// How `line` of `cart` goes on. `None` where its price is not archived, where nothing took its place, or where that does
    /// not fit into the cart: it is paid at another interval, its amount is chosen by the shopper, it has another own
    /// currency or no amount in the cart's, or the successor stands on another line, which recurs or would hold too many units
    /// with these. Lines that go on at one successor count as if it stood on them already.
    #[must_use]
    pub fn of(line: &Line, cart: &Cart, offers: &'a Offers) -> Option<Self> {
        // Almost no line has one.
        let successor = offers.successor(&line.price)?;
        let archived = offers.get(&line.price)?;
        let (old, new) = (&archived.price, &successor.price);
        let currency = cart.currency()?;
        let fits = new.recurrence() == old.recurrence()
            && new.recurrence() == line.recurrence
            && !new.is_custom()
            && !old.is_custom()
            && new.currency == old.currency
            && new.sells_in(currency);
        if old.active || !fits {
            return None;
        }
        let mut at_successor = lines_at(&new.id, cart, offers).filter(|other| other.id != line.id).peekable();
        if new.recurrence().is_some() && at_successor.peek().is_some() {
            return None;
        }
        // These and the line become one.
        let mut joined: Vec<_> = at_successor.filter(|other| other.attributes == line.attributes).collect();
        let mut is_rise = is_rise(line, old, new, currency);
        if !joined.is_empty() {
            let sum = joined.iter().map(|other| other.quantity).try_fold(line.quantity, Quantity::plus).ok()?;
            joined.push(line);
            let most = |line: &&Line| Bounds::new(line.adjustable_quantity.as_ref(), Some(new)).maximum;
            if joined.iter().filter_map(most).any(|most| sum.get() > most) {
                return None;
            }
            is_rise |= is_rise_of_sum(&joined, sum, new, currency, offers);
        }
        Some(Self { archived, successor, currency, is_rise })
    }

    /// The id that a line with these attributes goes on under.
    #[must_use]
    pub fn id(&self, attributes: &Attributes) -> LineId {
        LineId::new(&self.successor.price.id, attributes)
    }

    /// What one unit cost, in minor units of the cart's currency; `None` where no single amount says it.
    #[must_use]
    pub fn from(&self) -> Option<Decimal> {
        self.archived.price.each(self.currency)
    }

    /// What one unit costs now.
    #[must_use]
    pub fn to(&self) -> Option<Decimal> {
        self.successor.price.each(self.currency)
    }

    /// Whether the shopper may have to pay more, so that only they can agree to it.
    #[must_use]
    pub fn is_rise(&self) -> bool {
        self.is_rise
    }
}

/// A shopper's yes to the prices at which lines of a cart go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agreement {
    /// The version of the cart that they saw.
    pub version: u64,
    /// The successors that they saw, by line; `None` where the yes is to whichever the lines have. A lookup key may move on
    /// between the look and the yes, which the cart's version does not count.
    pub successors: Option<BTreeMap<LineId, PriceId>>,
}

impl Agreement {
    /// Whether the yes is to how this line of `cart` goes on.
    fn is_to(&self, priced: &PricedLine<'_>, cart: &Cart, successor: &PriceId) -> bool {
        let is_seen = self.successors.is_none() || self.seen(priced, cart) == Some(successor);
        self.version == cart.version() && is_seen
    }

    /// The successor at which the shopper saw a line. It may be named as it was called before.
    fn seen(&self, priced: &PricedLine<'_>, cart: &Cart) -> Option<&PriceId> {
        let line = priced.line;
        let is_meant = |id: &&LineId| cart.line(id).is_some_and(|meant| meant.id == line.id);
        let mut names = std::iter::once(&line.id).chain(&line.former).filter(is_meant);
        names.find_map(|name| self.successors.as_ref()?.get(name))
    }
}

impl PricedLine<'_> {
    /// Whether the shopper has to say that they want the line of `cart` at the price that took the place of its own, beside what
    /// they agreed to: it rose, or they saw it at another one.
    #[must_use]
    pub fn awaits_yes(&self, cart: &Cart, agreed: Option<&Agreement>) -> bool {
        let Some(succession) = self.succession.filter(|_| self.amount.is_ok()) else { return false };
        let now = &succession.successor.price.id;
        let saw_another = || agreed.and_then(|agreed| agreed.seen(self, cart)).is_some_and(|seen| seen != now);
        let is_wanted = || agreed.is_some_and(|agreed| agreed.is_to(self, cart, now));
        saw_another() || (succession.is_rise() && !is_wanted())
    }
}

/// What the shopper is told of a line that goes on at another price. Amounts are of one unit, in minor units of `currency`;
/// `None` where no single amount says it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PriceChange {
    /// The line.
    pub line: LineId,
    /// Its archived price.
    pub price: PriceId,
    /// The price that took its place.
    pub successor: PriceId,
    /// What one unit cost.
    pub from: Option<Decimal>,
    /// What one unit costs now.
    pub to: Option<Decimal>,
    /// The cart's.
    pub currency: Currency,
}

impl PricedLine<'_> {
    /// How the price of the line changed, if it did.
    #[must_use]
    pub fn price_change(&self) -> Option<PriceChange> {
        let succession = self.succession?;
        Some(PriceChange {
            line: self.line.id.clone(),
            price: self.line.price.clone(),
            successor: succession.successor.price.id.clone(),
            from: succession.from(),
            to: succession.to(),
            currency: succession.currency,
        })
    }
}

/// The lines of `cart` whose price is the `successor`, and those that may go on at it.
pub(crate) fn lines_at<'a>(
    successor: &'a PriceId,
    cart: &'a Cart,
    offers: &'a Offers,
) -> impl Iterator<Item = &'a Line> {
    let goes_on = |line: &Line| offers.successor(&line.price).is_some_and(|next| next.price.id == *successor);
    cart.lines().iter().filter(move |line| line.price == *successor || goes_on(line))
}

/// Whether lines come to more at the price `new`, once they are one of `sum` units, than each for itself at its own price. What cannot
/// be compared counts as more.
fn is_rise_of_sum(lines: &[&Line], sum: Quantity, new: &Price, currency: Currency, offers: &Offers) -> bool {
    let own = |line: &&Line| {
        let price = &offers.get(&line.price)?.price;
        Some(price.amount(line.quantity.into(), currency)?.minor())
    };
    let before: Option<i128> = lines.iter().map(own).sum();
    let after = new.amount(sum.into(), currency).map(Money::minor);
    before.zip(after).is_none_or(|(before, after)| after > before)
}

/// Whether a line may come to more at its `new` price: as it is, or, where its quantity is not fixed yet, for each unit, or as the
/// tax that was within the price is on top of it. What cannot be compared counts as more. Units that are bought and units that are used
/// cannot be compared.
fn is_rise(line: &Line, old: &Price, new: &Price, currency: Currency) -> bool {
    let at = |price: &Price| price.amount(line.quantity.into(), currency).map(Money::minor);
    let more = at(old).zip(at(new)).is_none_or(|(old, new)| new > old);
    let is_open = new.is_metered() || line.adjustable_quantity.as_ref().is_some_and(AdjustableQuantity::enabled);
    let each = old.each(currency).zip(new.each(currency));
    let tax = [old, new].map(|price| price.tax_behavior_in(currency));
    let is_sold_otherwise = old.is_metered() != new.is_metered();
    more || is_sold_otherwise
        || tax == [Some("inclusive"), Some("exclusive")]
        || (is_open && each.is_none_or(|(old, new)| new > old))
}

/// Whether two prices are of one kind, interval and own currency.
fn sells_alike(one: &Price, other: &Price) -> bool {
    let kind = |price: &Price| {
        let recurring = price.recurring.as_ref();
        let interval = recurring.map(|recurring| (recurring.interval, recurring.interval_count, recurring.usage_type));
        (price.kind, interval, price.custom_unit_amount.is_some(), price.currency)
    };
    kind(one) == kind(other)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn offer(price: Value, default_price: Option<&str>) -> Offer {
        let with_defaults = |price: Value| {
            let mut all = json!({ "product": "prod_a", "currency": "usd", "unit_amount": 100 });
            all.as_object_mut().unwrap().extend(price.as_object().unwrap().clone());
            all
        };
        Offer {
            price: serde_json::from_value(with_defaults(price)).unwrap(),
            product: serde_json::from_value(json!({ "id": "prod_a", "default_price": default_price })).unwrap(),
        }
    }

    fn archived(price: Value, last_lookup_key: Option<&str>) -> Offer {
        let mut offer = offer(price, Some("price_default"));
        offer.price.active = false;
        offer.price.last_lookup_key = last_lookup_key.map(str::to_owned);
        offer
    }

    fn follows(archived: &Offer, candidates: &[Offer]) -> Option<String> {
        let candidates: Offers = candidates.iter().cloned().collect();
        successor(archived, &candidates).map(|offer| offer.price.id.to_string())
    }

    #[test]
    fn the_price_that_has_the_key_follows_and_else_the_default_price() {
        let old = json!({ "id": "price_old" });
        let default = offer(json!({ "id": "price_default" }), None);
        let holder = offer(json!({ "id": "price_new", "lookup_key": "mug", "unit_amount": 200 }), None);
        let gone = archived(json!({ "id": "price_new", "lookup_key": "mug" }), Some("mug"));

        let by_key = archived(old.clone(), Some("mug"));
        assert_eq!(follows(&by_key, &[default.clone(), holder.clone()]).as_deref(), Some("price_new"));
        assert_eq!(follows(&by_key, &[default.clone(), gone]).as_deref(), Some("price_default"));
        assert_eq!(follows(&by_key, &[]), None);
        let other_key = archived(old.clone(), Some("cup"));
        assert_eq!(follows(&other_key, &[default.clone(), holder.clone()]).as_deref(), Some("price_default"));
        let no_key = archived(old.clone(), None);
        assert_eq!(follows(&no_key, &[default.clone(), holder]).as_deref(), Some("price_default"));
        let itself = archived(json!({ "id": "price_old", "lookup_key": "mug" }), Some("mug"));
        assert_eq!(follows(&itself, &[itself.clone(), default.clone()]).as_deref(), Some("price_default"));
        assert_eq!(follows(&offer(old, Some("price_default")), &[default]), None, "not archived");
    }

    #[test]
    fn a_default_price_follows_only_one_that_sells_alike() {
        let recurring = |interval: &str, count: u64| json!({ "type": "recurring", "recurring": { "interval": interval, "interval_count": count } });
        let with = |id: &str, mut price: Value| {
            price["id"] = json!(id);
            price
        };
        let kinds = [
            json!({}),
            json!({ "currency": "eur" }),
            recurring("month", 1),
            recurring("month", 3),
            recurring("year", 1),
            json!({ "custom_unit_amount": { "preset": 500 }, "unit_amount": null }),
        ];

        for (index, old) in kinds.iter().enumerate() {
            for (other, new) in kinds.iter().enumerate() {
                let old = archived(with("price_old", old.clone()), None);
                let new = offer(with("price_default", new.clone()), None);
                assert_eq!(follows(&old, &[new]).is_some(), index == other, "{index} to {other}");
            }
        }
    }
}
