//! What a session is wanted to be, and what of it fits.

use cart::{CheckoutMetadata, Timestamp};
use serde_json::{Map, Value};

use super::contents::Contents;
use super::lists::{LISTS, List, Room, Session};
use super::overrides::put_metadata;
use super::{customer, fit};
use crate::named::{Answers, Kind, Named};
use crate::{Buyer, LeftOut, Parameters, Refusal};

/// The parameters of a session as the settings want them, before Stripe has said what fits.
#[derive(Clone, Debug)]
pub struct Draft {
    tree: Map<String, Value>,
    contents: Contents,
    made_from: CheckoutMetadata,
    /// Whether the shop's settings name shipping rates.
    has_rates: bool,
    /// The promotion code that the shopper typed in: it is the shopper's fault if it does not fit.
    shoppers_code: Option<String>,
    left_out: Vec<LeftOut>,
}

/// What Stripe refused of what settings name.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It knows no such customer.
    Customer(Named),
    /// Some elements of a list.
    Elements { parameter: &'static str, elements: Vec<Value> },
}

impl Draft {
    pub(super) fn new(mut tree: Map<String, Value>, contents: Contents, made_from: CheckoutMetadata) -> Self {
        let left_out = fit::leave_out(&mut tree, &contents);
        Self { tree, contents, made_from, has_rates: false, shoppers_code: None, left_out }
    }

    /// The same with what the buyer brings.
    pub(super) fn of_buyer(self, buyer: &Buyer) -> Self {
        Self { shoppers_code: buyer.promotion_code.clone(), ..self }
    }

    /// The same where the shop's settings name shipping rates, or name none.
    pub(super) fn shipping(self, has_rates: bool) -> Self {
        Self { has_rates, ..self }
    }

    /// The objects that decide what fits.
    pub(crate) fn named(&self) -> Vec<Named> {
        let elements = LISTS.iter().flat_map(|list| list.elements(&self.tree).iter().filter_map(|one| list.named(one)));
        let mut named: Vec<_> = elements.filter(|named| !self.is_of_shopper(named)).collect();
        named.extend(customer::named(&self.tree));
        named.sort();
        named.dedup();
        named
    }

    /// The parameters without what does not fit the cart, by what Stripe says of the objects; and without what it refused
    /// before, though it looked fine.
    pub(crate) fn fit(&self, answers: &Answers, fault: Option<&Fault>, now: Timestamp) -> Parameters {
        let mut tree = self.tree.clone();
        let mut left_out = self.left_out.clone();
        customer::fit(&mut tree, answers, &mut left_out);
        let is_there = |list: &&List| self.tree.contains_key(list.parameter);
        let mut session = None;
        for list in LISTS.iter().filter(is_there) {
            let session = session.get_or_insert_with(|| Session {
                parameters: Parameters::new(tree.clone(), Vec::new()),
                contents: &self.contents,
                now,
            });
            let mut room = Room::beside(&self.contents);
            let fits = |element: &Value| {
                let named = list.named(element);
                if named.as_ref().is_some_and(|named| self.is_of_shopper(named)) {
                    return Ok(());
                }
                if fault.is_some_and(|fault| fault.is_about(list, element)) {
                    return Err("Stripe refused it");
                }
                list.check(element, named.and_then(|named| answers.get(&named)), session, &mut room)
            };
            list.fit(&mut tree, fits, &mut left_out);
        }
        fit::leave_out_codes(&mut tree, &mut left_out);
        // A subscription takes no rates.
        let no_shipping =
            self.has_rates && self.contents.recurrence.is_none() && !tree.contains_key("shipping_options");
        put_metadata(&mut tree, &CheckoutMetadata { no_shipping, ..self.made_from.clone() });
        Parameters::new(tree, left_out)
    }

    /// What Stripe refused of `sent`; `None` where that is nothing that a setting names.
    pub(crate) fn fault(&self, sent: &Parameters, refusal: &Refusal) -> Option<Fault> {
        let param = refusal.param()?;
        if param == "customer" {
            return customer::named(&self.tree).filter(|_| refusal.is_missing()).map(Fault::Customer);
        }
        let list = LISTS.iter().find(|list| {
            let rest = param.strip_prefix(list.parameter);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        })?;
        let index = || param.strip_prefix(list.parameter)?.strip_prefix('[')?.split_once(']')?.0.parse().ok();
        let all = sent.get(list.parameter)?.as_array()?;
        let elements = match index().and_then(|index: usize| all.get(index)) {
            Some(element) => vec![element.clone()],
            None => all.clone(),
        };
        let is_shoppers = |element| list.named(element).is_some_and(|named| self.is_of_shopper(&named));
        let fault = Fault::Elements { parameter: list.parameter, elements };
        (!all.iter().any(is_shoppers)).then_some(fault)
    }

    fn is_of_shopper(&self, named: &Named) -> bool {
        named.kind == Kind::PromotionCode && self.shoppers_code.as_ref() == Some(&named.id)
    }
}

impl Fault {
    /// The customer whom Stripe does not know.
    pub(crate) fn customer(&self) -> Option<&Named> {
        match self {
            Self::Customer(customer) => Some(customer),
            Self::Elements { .. } => None,
        }
    }

    /// Whether these parameters still have what Stripe refused.
    pub(crate) fn is_in(&self, parameters: &Parameters) -> bool {
        match self {
            Self::Customer(customer) => parameters.customer() == Some(&customer.id),
            Self::Elements { parameter, elements } => {
                let sent = parameters.get(parameter).and_then(Value::as_array);
                sent.is_some_and(|sent| sent.iter().any(|element| elements.contains(element)))
            }
        }
    }

    fn is_about(&self, list: &List, element: &Value) -> bool {
        match self {
            Self::Customer(_) => false,
            Self::Elements { parameter, elements } => *parameter == list.parameter && elements.contains(element),
        }
    }
}
