//! Lists of what settings name, and what each kind of object needs of a cart.

use cart::{Cart, Currency, Timestamp};
use serde::Deserialize as _;
use serde_json::{Map, Value};
use settings::CHECKOUT_SHIPPING_RATES;

use super::contents::Contents;
use crate::named::{Kind, Named, Said};
use crate::promotion_codes::Coupon;
use crate::{LeftOut, Parameters, PromotionCode, PromotionCodeFault};

/// A parameter that is a list whose elements name an object, or describe one.
pub(super) struct List {
    pub(super) parameter: &'static str,
    /// The most elements that Stripe takes.
    most: usize,
    /// The members that name an object.
    names: &'static [(&'static str, Kind)],
    /// The member that describes one instead.
    describes: Option<(&'static str, Kind)>,
    /// Whether its elements count towards the session's lines.
    adds_lines: bool,
}

/// Why an element does not fit, if it does not.
pub(super) type Verdict = Result<(), &'static str>;

/// The lists of a session's parameters.
///
/// Source: <https://docs.stripe.com/api/checkout/sessions/create>
pub(super) const LISTS: [List; 3] = [
    List {
        parameter: "shipping_options",
        most: CHECKOUT_SHIPPING_RATES.max,
        names: &[("shipping_rate", Kind::ShippingRate)],
        describes: Some(("shipping_rate_data", Kind::ShippingRate)),
        adds_lines: false,
    },
    List {
        parameter: "discounts",
        most: 1,
        names: &[("coupon", Kind::Coupon), ("promotion_code", Kind::PromotionCode)],
        describes: None,
        adds_lines: false,
    },
    List {
        parameter: "optional_items",
        most: 10,
        names: &[("price", Kind::Price)],
        describes: Some(("price_data", Kind::Price)),
        adds_lines: true,
    },
];

/// The most lines of a subscription that recur, and the most that do not.
///
/// Source: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-line_items>
const MOST_OF_A_KIND: usize = 20;

const ARCHIVED: &str = "it is archived";
const GONE: &str = "it is gone";
const NO_ROOM: &str = "Stripe takes no more lines";
const OWN_CURRENCY: &str = "its own currency is not that of the cart's prices";

/// What an element is held to.
pub(super) struct Session<'a> {
    /// The parameters but for the lists, as they fit.
    pub(super) parameters: Parameters,
    pub(super) contents: &'a Contents,
    pub(super) now: Timestamp,
}

/// How many lines a session has room for.
pub(super) struct Room {
    once: usize,
    recurring: usize,
}

impl Room {
    /// What the lines of the cart leave.
    pub(super) fn beside(contents: &Contents) -> Self {
        let most_once = if contents.recurrence.is_some() { MOST_OF_A_KIND } else { Cart::MAX_LINES };
        Self {
            once: most_once.saturating_sub(contents.once),
            recurring: MOST_OF_A_KIND.saturating_sub(contents.recurring.len()),
        }
    }

    fn take(&mut self, recurs: bool) -> Verdict {
        let left = if recurs { &mut self.recurring } else { &mut self.once };
        *left = left.checked_sub(1).ok_or(NO_ROOM)?;
        Ok(())
    }
}

impl List {
    /// The list's elements in these parameters.
    pub(super) fn elements<'a>(&self, tree: &'a Map<String, Value>) -> &'a [Value] {
        tree.get(self.parameter).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The object that an element names.
    pub(super) fn named(&self, element: &Value) -> Option<Named> {
        let mut named = self.names.iter().filter_map(|(member, kind)| Some((*kind, element[*member].as_str()?)));
        named.next().map(|(kind, id)| Named { kind, id: id.to_owned() })
    }

    /// Leaves out the elements that do not fit, and those beyond the number that Stripe takes.
    pub(super) fn fit(
        &self,
        tree: &mut Map<String, Value>,
        mut fits: impl FnMut(&Value) -> Verdict,
        left_out: &mut Vec<LeftOut>,
    ) {
        let Some(elements) = tree.get_mut(self.parameter).and_then(Value::as_array_mut) else { return };
        let mut kept = 0;
        elements.retain(|element| {
            let verdict = if kept < self.most { fits(element) } else { Err("Stripe takes no more of them") };
            match verdict {
                Ok(()) => kept += 1,
                Err(reason) => {
                    let object = self.named(element).map(|named| named.id);
                    left_out.push(LeftOut { parameter: self.parameter, object, reason });
                }
            }
            verdict.is_ok()
        });
        if elements.is_empty() {
            tree.remove(self.parameter);
        }
    }

    /// Checks whether an element fits, by what Stripe said of the object that it names, or by what it says itself. What is
    /// not known fits.
    pub(super) fn check(
        &self,
        element: &Value,
        said: Option<&Said>,
        session: &Session<'_>,
        room: &mut Room,
    ) -> Verdict {
        let described = || self.describes.and_then(|(member, kind)| Some((kind, element.get(member)?)));
        let known = match (self.named(element), said) {
            (Some(_), Some(Said::Gone)) => return Err(GONE),
            (Some(named), Some(Said::Found(object))) => Some((named.kind, object.as_ref())),
            (Some(_), _) => None,
            (None, _) => described(),
        };
        match known {
            Some((Kind::ShippingRate, rate)) => check_shipping_rate(rate, session.contents),
            Some((Kind::Coupon, coupon)) => check_coupon(coupon, session),
            Some((Kind::PromotionCode, code)) => check_promotion_code(code, session),
            Some((Kind::Price, price)) => check_price(price, session.contents),
            Some((Kind::Customer, _)) | None => Ok(()),
        }?;
        let recurs = known.is_some_and(|(_, object)| object["recurring"].is_object());
        if self.adds_lines { room.take(recurs) } else { Ok(()) }
    }
}

/// Source: <https://docs.stripe.com/api/shipping_rates/object>
fn check_shipping_rate(rate: &Value, contents: &Contents) -> Verdict {
    check_active(rate)?;
    check_currencies(&rate["fixed_amount"], contents)
}

/// Source: <https://docs.stripe.com/payments/checkout/optional-items>
fn check_price(price: &Value, contents: &Contents) -> Verdict {
    check_active(price)?;
    check_active(&price["product"])?;
    check_currencies(price, contents)?;
    if price["custom_unit_amount"].is_object() {
        return Err("the shopper chooses its amount");
    }
    let recurring = &price["recurring"];
    if !recurring.is_object() {
        return Ok(());
    }
    let Some(recurrence) = contents.recurrence else { return Err("it recurs, and nothing in the cart does") };
    let count = match &recurring["interval_count"] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => "1".to_owned(),
    };
    let interval = recurring["interval"].as_str().unwrap_or_default();
    if format!("{count}{interval}") != recurrence.to_string() {
        return Err("it recurs in another interval than the cart");
    }
    // A subscription has one item of a price.
    let is_sold = price["id"].as_str().is_some_and(|id| contents.recurring.iter().any(|sold| sold.as_str() == id));
    if is_sold { Err("it is in the cart already") } else { Ok(()) }
}

fn check_promotion_code(code: &Value, session: &Session<'_>) -> Verdict {
    let Ok(code) = PromotionCode::deserialize(code) else { return Ok(()) };
    let Contents { total, own_currency, .. } = *session.contents;
    let fits = code.check(&session.parameters, total, own_currency, session.now);
    fits.map_err(PromotionCodeFault::reason)?;
    code.coupon().map_or(Ok(()), |coupon| check_sold(coupon, session.contents))
}

fn check_coupon(coupon: &Value, session: &Session<'_>) -> Verdict {
    let Ok(coupon) = Coupon::deserialize(coupon) else { return Ok(()) };
    coupon.check(session.contents.total.currency(), session.now).map_err(PromotionCodeFault::reason)?;
    check_sold(&coupon, session.contents)
}

/// Checks whether a coupon takes something off what is sold.
///
/// Source: <https://docs.stripe.com/api/coupons/object#coupon_object-applies_to>
fn check_sold(coupon: &Coupon, contents: &Contents) -> Verdict {
    if coupon.own_currency().is_some_and(|own| !is_currency(own, contents.own_currency)) {
        return Err(OWN_CURRENCY);
    }
    let is_sold = |product: &String| contents.products.iter().any(|sold| sold.as_str() == product);
    match coupon.products() {
        Some(products) if !products.iter().any(is_sold) => Err("it applies to nothing in the cart"),
        _ => Ok(()),
    }
}

fn check_active(object: &Value) -> Verdict {
    if object["active"] == false || object["deleted"] == true { Err(ARCHIVED) } else { Ok(()) }
}

/// Checks whether something has an amount in the session's currency, and the same own currency as the cart's prices: "the
/// default currency must be the same across all prices, shipping rates, and discounts".
///
/// Source: <https://docs.stripe.com/payments/checkout/localize-prices/manual-currency-prices>
fn check_currencies(amounts: &Value, contents: &Contents) -> Verdict {
    let Some(own) = amounts["currency"].as_str() else { return Ok(()) };
    if !is_currency(own, contents.own_currency) {
        return Err(OWN_CURRENCY);
    }
    let currency = contents.total.currency();
    let has_option = || amounts["currency_options"].get(currency.to_string()).is_some();
    if is_currency(own, currency) || has_option() { Ok(()) } else { Err("it has no amount in the cart's currency") }
}

fn is_currency(text: &str, currency: Currency) -> bool {
    text.eq_ignore_ascii_case(&currency.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use cart::Money;
    use serde_json::json;

    use super::*;

    fn contents(own: &str, currency: &str, recurrence: Option<&str>) -> Contents {
        Contents {
            total: Money::new(1999, currency.parse().unwrap()),
            own_currency: own.parse().unwrap(),
            recurrence: recurrence.map(|recurrence| recurrence.parse().unwrap()),
            once: 1,
            recurring: BTreeSet::from(["price_club".parse().unwrap()]),
            products: BTreeSet::from(["prod_mug".parse().unwrap()]),
            has_custom_amount: false,
        }
    }

    /// Whether a rate, described or read, fits carts of dollars, of euros as another currency of dollars, and of euros.
    #[test]
    fn an_amount_fits_in_its_own_currency_and_in_those_that_it_is_given_in() {
        let [usd, both, eur] = [
            json!({ "currency": "usd", "currency_options": { "usd": {} } }),
            json!({ "currency": "USD", "currency_options": { "usd": {}, "eur": {} } }),
            json!({ "currency": "eur" }),
        ];
        let carts = [contents("usd", "usd", None), contents("usd", "eur", None), contents("eur", "eur", None)];
        let fits = |amounts: &Value| {
            let rate = json!({ "active": true, "fixed_amount": amounts });
            carts.each_ref().map(|cart| check_shipping_rate(&rate, cart).is_ok())
        };

        assert_eq!(fits(&usd), [true, false, false]);
        assert_eq!(fits(&both), [true, true, false]);
        assert_eq!(fits(&eur), [false, false, true]);
        let archived = json!({ "active": false, "fixed_amount": usd });
        assert_eq!(check_shipping_rate(&archived, &carts[0]), Err(ARCHIVED));
    }

    #[test]
    fn an_optional_item_recurs_as_the_cart_does() {
        let price = |more: Value| {
            let mut price =
                json!({ "id": "price_a", "active": true, "currency": "usd", "product": { "active": true } });
            json_patch::merge(&mut price, &more);
            price
        };
        let monthly = json!({ "recurring": { "interval": "month", "interval_count": 1 } });
        let fits = |more: Value| {
            let carts = [contents("usd", "usd", None), contents("usd", "usd", Some("1month"))];
            carts.map(|cart| check_price(&price(more.clone()), &cart).is_ok())
        };

        assert_eq!(fits(json!({})), [true, true]);
        assert_eq!(fits(monthly.clone()), [false, true]);
        assert_eq!(fits(json!({ "recurring": { "interval": "month" } })), [false, true]);
        assert_eq!(fits(json!({ "recurring": { "interval": "month", "interval_count": "3" } })), [false, false]);
        assert_eq!(fits(json!({ "id": "price_club", "recurring": monthly["recurring"] })), [false, false]);
        assert_eq!(fits(json!({ "product": { "active": false } })), [false, false]);
        assert_eq!(fits(json!({ "product": { "id": "prod_a", "deleted": true } })), [false, false]);
        assert_eq!(fits(json!({ "product": "prod_a" })), [true, true]);
        assert_eq!(fits(json!({ "custom_unit_amount": { "minimum": 100 } })), [false, false]);
    }

    #[test]
    fn a_standing_coupon_takes_something_off_this_cart() {
        let session = |own: &str, currency: &str| {
            let contents = Box::leak(Box::new(contents(own, currency, None)));
            let now = Timestamp::from_second(1_800_000_000).unwrap();
            Session { parameters: Parameters::new(Map::new(), Vec::new()), contents, now }
        };
        let coupon = |more: Value| {
            let mut coupon = json!({ "id": "a", "valid": true, "percent_off": 10 });
            json_patch::merge(&mut coupon, &more);
            coupon
        };
        let check = |more: Value| check_coupon(&coupon(more), &session("usd", "usd"));

        assert_eq!(check(json!({})), Ok(()));
        assert_eq!(check(json!({ "valid": false })), Err("used_up"));
        assert_eq!(check(json!({ "redeem_by": 1_800_000_000 })), Err("expired"));
        assert_eq!(check(json!({ "applies_to": { "products": ["prod_mug"] } })), Ok(()));
        assert!(check(json!({ "applies_to": { "products": ["prod_tea"] } })).is_err());
        let five_off = json!({ "percent_off": null, "amount_off": 500, "currency": "usd" });
        assert_eq!(check(five_off.clone()), Ok(()));
        assert_eq!(check_coupon(&coupon(five_off.clone()), &session("usd", "eur")), Err("currency"));
        let mut in_both = five_off;
        in_both["currency_options"] = json!({ "eur": { "amount_off": 450 } });
        assert_eq!(check_coupon(&coupon(in_both.clone()), &session("usd", "eur")), Ok(()));
        assert_eq!(check_coupon(&coupon(in_both), &session("eur", "eur")), Err(OWN_CURRENCY));
    }

    #[test]
    fn optional_items_have_as_much_room_as_stripe_leaves() {
        let room = |once: usize, recurring: usize, recurrence: Option<&str>| {
            let prices = (0..recurring).map(|index| format!("price_{index}").parse().unwrap()).collect();
            let contents = Contents { once, recurring: prices, ..contents("usd", "usd", recurrence) };
            let mut room = Room::beside(&contents);
            [false, true].map(|recurs| (0..200).take_while(|_| room.take(recurs).is_ok()).count())
        };

        assert_eq!(room(98, 0, None)[0], 2);
        assert_eq!(room(100, 0, None)[0], 0);
        assert_eq!(room(18, 19, Some("1month")), [2, 1]);
        assert_eq!(room(20, 20, Some("1month")), [0, 0]);
    }
}
