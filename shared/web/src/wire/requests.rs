//! The bodies of requests.
//!
//! The allow-list: a field that no struct here has is not read, and goes nowhere. In particular, of a line only price,
//! attributes, quantity, adjustable quantity and description count, so that a client cannot name a price of its own making.

use std::collections::BTreeMap;

use cart::{Addition, Agreement, Change, Currency, Details, LineId, LineUpdate, Metadata, Quantity, Setting};
use serde::Deserialize;

use crate::Error;
use crate::wire::deserializer::elements;
use crate::wire::fields::{
    AddedUnits, Address, Adjustable, Code, Distinction, Email, Flag, LineKey, Members, Note, Price, Scalar,
    Unchangeable, WantedUnits, Whole, maybe_blank, not_empty, unless_blank,
};
use crate::wire::node::Node;

/// `POST /cart/add`.
#[derive(PartialEq, Debug, Deserialize)]
pub struct AddBody {
    #[serde(deserialize_with = "not_empty")]
    items: Vec<AddLine>,
    metadata: Option<Members<String, Scalar>>,
    options: Option<AddOptions>,
}

#[derive(PartialEq, Debug, Deserialize)]
struct AddOptions {
    add_all_or_nothing: Option<Flag>,
}

#[derive(PartialEq, Debug, Deserialize)]
struct AddLine {
    price: Price,
    quantity: Option<AddedUnits>,
    adjustable_quantity: Option<Adjustable>,
    #[serde(default, deserialize_with = "unless_blank")]
    description: Option<Note>,
    attributes: Option<Distinction>,
}

/// `POST /cart/update`. It may say nothing, and changes nothing then.
#[derive(PartialEq, Debug, Deserialize)]
pub struct UpdateBody {
    updates: Option<Members<LineKey, UpdateLine>>,
    metadata: Option<Members<String, Scalar>>,
}

/// `POST /cart/items/{id}`, and a line of `POST /cart/update`.
#[derive(PartialEq, Debug, Deserialize)]
pub struct UpdateLine {
    quantity: Option<WantedUnits>,
    adjustable_quantity: Option<Adjustable>,
    #[serde(default, deserialize_with = "maybe_blank")]
    description: Option<Note>,
    attributes: Option<Unchangeable>,
}

/// `POST /cart/checkout`.
#[derive(PartialEq, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CheckoutBody {
    email: Email,
    promotion_code: Code,
    accept_version: Option<Whole>,
    accept_successors: Option<Members<LineKey, Price>>,
}

/// `POST /admin/anonymise`.
#[derive(PartialEq, Debug, Deserialize)]
pub struct AnonymiseBody {
    email: Address,
}

/// `POST /cart/clear`.
#[derive(PartialEq, Debug, Deserialize)]
pub struct ClearBody {
    forget: Option<Flag>,
}

/// A body that says nothing.
#[derive(PartialEq, Debug, Deserialize)]
pub struct EmptyBody {}

impl AddBody {
    /// The change to the cart that is asked for. A line without a quantity is one unit.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if metadata are out of bounds, or a line adds up to more than [`Quantity::MAX`] and
    /// it is all or nothing.
    pub fn into_change(self, currency: Option<Currency>) -> Result<Change, Error> {
        let metadata = self.metadata.map(to_metadata).transpose()?;
        let items = self.items.into_iter().map(AddLine::into_addition).collect();
        let partly = self.options.and_then(|options| options.add_all_or_nothing) == Some(Flag(false));
        let change = if partly { Change::add_what_fits(items) } else { Change::add(items)? };
        Ok(change.in_currency(currency).with_metadata(metadata))
    }
}

/// The field at fault in the body of an addition to a `line` that `held` so many units: of the first item that it cannot hold.
pub(crate) fn field_beyond(body: &Node, line: &LineId, held: u32) -> Option<String> {
    let Node::Map(members) = body else { return None };
    let (_, items) = members.iter().find(|(key, _)| key == "items")?;
    let mut units = u64::from(held);
    for (index, node) in elements(items)? {
        let item = AddLine::deserialize(node).ok()?.into_addition();
        if item.line() == *line {
            units += u64::from(item.quantity);
        }
        if units > Quantity::MAX.into() {
            return Some(format!("items[{index}].quantity"));
        }
    }
    None
}

impl AddLine {
    fn into_addition(self) -> Addition {
        Addition {
            price: self.price.0,
            attributes: self.attributes.map(|Distinction(attributes)| attributes).unwrap_or_default(),
            quantity: self.quantity.map_or(Quantity::ONE, |AddedUnits(quantity)| quantity),
            details: details(self.adjustable_quantity, self.description),
        }
    }
}

impl UpdateBody {
    /// The change to the cart that is asked for, line by line in the order in which they were sent.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if metadata are out of bounds.
    pub fn into_change(self, currency: Option<Currency>) -> Result<Change, Error> {
        let metadata = self.metadata.map(to_metadata).transpose()?;
        let lines = self.updates.map_or_else(Vec::new, |Members(lines)| lines);
        let lines = lines.into_iter().map(|(LineKey(line), update)| update.into_update(line)).collect();
        Ok(Change::update(lines).in_currency(currency).with_metadata(metadata))
    }
}

impl UpdateLine {
    /// What is asked of the line `line`.
    #[must_use]
    pub fn into_update(self, line: LineId) -> LineUpdate {
        let details = details(self.adjustable_quantity, self.description);
        match self.quantity {
            Some(WantedUnits(None)) => LineUpdate::Remove(line),
            Some(WantedUnits(Some(quantity))) => LineUpdate::Set(Setting { line, quantity, details }),
            None => LineUpdate::Describe { line, details },
        }
    }
}

impl CheckoutBody {
    /// The shopper's e-mail address.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.email.0.as_deref()
    }

    /// The shopper's yes to lines that go on at a higher price.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] if it names successors, but no version.
    pub fn agreement(&self) -> Result<Option<Agreement>, Error> {
        let successors = self.accept_successors.as_ref().map(|Members(seen)| {
            seen.iter().map(|(LineKey(line), Price(price))| (line.clone(), price.clone())).collect::<BTreeMap<_, _>>()
        });
        match (self.accept_version, successors) {
            (Some(Whole(version)), successors) => Ok(Some(Agreement { version, successors })),
            (None, Some(seen)) if !seen.is_empty() => Err(Error::field("accept_successors", "needs accept_version")),
            (None, _) => Ok(None),
        }
    }

    /// The promotion code that the shopper entered.
    #[must_use]
    pub fn promotion_code(&self) -> Option<&str> {
        self.promotion_code.0.as_deref()
    }
}

impl ClearBody {
    /// Whether the browser is to forget the cart, as at the end of a visit on a shared computer.
    #[must_use]
    pub fn forgets(&self) -> bool {
        self.forget == Some(Flag(true))
    }
}

impl AnonymiseBody {
    /// The e-mail address whose orders are meant.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email.0
    }
}

fn details(adjustable_quantity: Option<Adjustable>, description: Option<Note>) -> Details {
    Details {
        adjustable_quantity: adjustable_quantity.and_then(|Adjustable(bounds)| bounds),
        description: description.map(|Note(text)| text),
    }
}

fn to_metadata(Members(entries): Members<String, Scalar>) -> Result<Metadata, Error> {
    Ok(Metadata::new(entries.into_iter().map(|(key, Scalar(value))| (key, value)))?)
}
