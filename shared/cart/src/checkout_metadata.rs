//! What a Checkout Session says of the cart that it was made from.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::{CartNumber, Reference};

/// The shop that made a session, the cart it made it from, and what that cart came to.
///
/// The only code that writes or reads Cartwright's own keys of Stripe's metadata. A session bears them, and so does the
/// payment intent or the subscription that the session makes, whose events then say themselves whose they are.
///
/// ```
/// use cart::{CheckoutMetadata, Token};
///
/// let made = CheckoutMetadata {
///     shop: Some("shop-1".parse()?),
///     number: Token::from_bytes([7; 16]).number(),
///     version: 3,
///     total: Some(2400),
///     no_shipping: false,
///     reference: None,
/// };
/// let sent = made.entries().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
///
/// assert_eq!(CheckoutMetadata::read(&sent), Some(made));
/// # Ok::<(), cart::MalformedShopId>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckoutMetadata {
    /// The shop that made the session; `None` for one that was made before shops had ids.
    pub shop: Option<ShopId>,
    /// The cart.
    pub number: CartNumber,
    /// The version of the cart.
    pub version: u64,
    /// What the cart came to, in minor units.
    pub total: Option<i64>,
    /// Whether the session offers no shipping, though the shop's settings name rates.
    pub no_shipping: bool,
    /// What people will call the order; `None` for a session that was made before orders had references.
    pub reference: Option<Reference>,
}

const SHOP: &str = "stripe_payments_shop";
const NUMBER: &str = "stripe_payments_cart_number";
const VERSION: &str = "stripe_payments_cart_version";
const TOTAL: &str = "stripe_payments_cart_total";
const NO_SHIPPING: &str = "stripe_payments_no_shipping";
const REFERENCE: &str = "stripe_payments_reference";

/// What a key says that is only there where something is so.
const YES: &str = "true";

impl CheckoutMetadata {
    /// The most keys that Cartwright adds to the metadata of one object of Stripe's.
    pub const MAX_KEYS: usize = 10;

    /// What the keys begin with.
    const PREFIX: &str = "stripe_payments_";

    /// Reads the metadata of a session, a payment intent, a charge or a subscription; `None` where no Cartwright wrote it.
    ///
    /// Enupal's plugin writes a cart's number into its sessions under the same key, but no version.
    #[must_use]
    pub fn read(metadata: &BTreeMap<String, String>) -> Option<Self> {
        Some(Self {
            shop: match metadata.get(SHOP) {
                None => None,
                Some(shop) => Some(shop.parse().ok()?),
            },
            number: metadata.get(NUMBER)?.parse().ok()?,
            version: metadata.get(VERSION)?.parse().ok()?,
            total: metadata.get(TOTAL).and_then(|total| total.parse().ok()),
            no_shipping: metadata.get(NO_SHIPPING).is_some_and(|value| value == YES),
            reference: Self::reference_in(metadata),
        })
    }

    /// What people will call the order, where metadata say so.
    #[must_use]
    pub fn reference_in(metadata: &BTreeMap<String, String>) -> Option<Reference> {
        metadata.get(REFERENCE)?.parse().ok()
    }

    /// The keys and values to write.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'static str, String)> {
        let shop = self.shop.iter().map(|shop| (SHOP, shop.to_string()));
        let cart = [(NUMBER, self.number.to_string()), (VERSION, self.version.to_string())];
        let total = self.total.iter().map(|total| (TOTAL, total.to_string()));
        let no_shipping = self.no_shipping.then(|| (NO_SHIPPING, YES.to_owned()));
        let reference = self.reference.map(Self::reference_entry);
        shop.chain(cart).chain(total).chain(no_shipping).chain(reference).collect()
    }

    /// The key and the value that say what people will call the order.
    #[must_use]
    pub fn reference_entry(reference: Reference) -> (&'static str, String) {
        (REFERENCE, reference.to_string())
    }

    /// Whether the key is one that only Cartwright may write.
    #[must_use]
    pub fn is_reserved(key: &str) -> bool {
        key.starts_with(Self::PREFIX)
    }

    /// Whether the key is one that Cartwright writes.
    #[must_use]
    pub fn is_own(key: &str) -> bool {
        [SHOP, NUMBER, VERSION, TOTAL, NO_SHIPPING, REFERENCE].contains(&key)
    }

    /// What the merchant and the shopper attached: the metadata without Cartwright's own keys.
    #[must_use]
    pub fn without_own(metadata: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let others = metadata.iter().filter(|(key, _)| !Self::is_own(key));
        others.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

/// What tells the shops apart that share a Stripe account: 1 to 200 letters, digits, `-` and `_`.
#[derive(Clone, PartialEq, Eq)]
pub struct ShopId(String);

/// The text cannot be a shop's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not 1 to {} letters, digits, - and _", ShopId::MAX)]
pub struct MalformedShopId;

impl ShopId {
    /// The longest id, in characters.
    pub const MAX: usize = 200;
}

impl FromStr for ShopId {
    type Err = MalformedShopId;

    fn from_str(text: &str) -> Result<Self, MalformedShopId> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if (1..=Self::MAX).contains(&text.len()) && plain { Ok(Self(text.to_owned())) } else { Err(MalformedShopId) }
    }
}

impl fmt::Display for ShopId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ShopId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The ids of this shop: the one that it writes, and those that it had before.
///
/// ```
/// use cart::Claim;
///
/// let shop: cart::ShopIds = "shop-2, shop-1".parse()?;
///
/// assert_eq!(shop.present().to_string(), "shop-2");
/// assert_eq!(shop.claim(Some(&"shop-1".parse()?)), Claim::Ours);
/// assert_eq!(shop.claim(Some(&"other".parse()?)), Claim::Foreign);
/// assert_eq!(shop.claim(None), Claim::Unmarked);
/// # Ok::<(), cart::MalformedShopId>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShopIds {
    present: ShopId,
    former: Vec<ShopId>,
}

/// Whose a session is, by the shop that it names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// This shop's.
    Ours,
    /// It names no shop, as sessions did before shops had ids: ours where there is a cart or an order of it.
    Unmarked,
    /// Another shop's: not ours, unless there is an order of it.
    Foreign,
}

impl ShopIds {
    /// The id that is written.
    #[must_use]
    pub fn present(&self) -> &ShopId {
        &self.present
    }

    /// Whose a session is that names this shop.
    #[must_use]
    pub fn claim(&self, shop: Option<&ShopId>) -> Claim {
        match shop {
            None => Claim::Unmarked,
            Some(shop) if *shop == self.present || self.former.contains(shop) => Claim::Ours,
            Some(_) => Claim::Foreign,
        }
    }
}

impl FromStr for ShopIds {
    type Err = MalformedShopId;

    /// Reads the present id and former ones behind it, comma-separated.
    fn from_str(text: &str) -> Result<Self, MalformedShopId> {
        let mut ids = text.split(',').map(|id| id.trim().parse());
        let present = ids.next().ok_or(MalformedShopId)??;
        Ok(Self { present, former: ids.collect::<Result<_, _>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER_OF_A_CART: &str = "be45cb2605bf36bebde684841a28f0fd";

    fn metadata(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_other_integrations_write_is_not_ours() {
        for foreign in [
            metadata(&[]),
            metadata(&[("order_id", "6735")]),
            // Enupal's plugin.
            metadata(&[(NUMBER, NUMBER_OF_A_CART)]),
            metadata(&[(NUMBER, "12"), (VERSION, "3")]),
            metadata(&[(NUMBER, NUMBER_OF_A_CART), (VERSION, "three")]),
            metadata(&[(NUMBER, NUMBER_OF_A_CART), (VERSION, "3"), (SHOP, "no shop!")]),
        ] {
            assert_eq!(CheckoutMetadata::read(&foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn a_session_from_before_names_no_shop() {
        let before = metadata(&[(NUMBER, NUMBER_OF_A_CART), (VERSION, "3"), (TOTAL, "2400"), ("gift", "yes")]);

        let read = CheckoutMetadata::read(&before).unwrap();

        assert_eq!((read.shop, read.version, read.total), (None, 3, Some(2400)));
        assert_eq!(CheckoutMetadata::without_own(&before), metadata(&[("gift", "yes")]));
    }

    #[test]
    fn the_ids_of_shops_have_bounds() {
        assert!("a".repeat(200).parse::<ShopId>().is_ok());
        for bad in ["", " ", "a b", "ä", "a/b", &"a".repeat(201)] {
            assert_eq!(bad.parse::<ShopId>(), Err(MalformedShopId), "{bad}");
        }
        for bad in ["", "a,", ",a", "a,,b"] {
            assert_eq!(bad.parse::<ShopIds>(), Err(MalformedShopId), "{bad}");
        }
    }

    #[test]
    fn every_key_of_ours_is_reserved_and_they_are_few() {
        let all = CheckoutMetadata {
            shop: Some("shop".parse().unwrap()),
            number: NUMBER_OF_A_CART.parse().unwrap(),
            version: 1,
            total: Some(1),
            no_shipping: true,
            reference: Some("0123456789".parse().unwrap()),
        };
        let sent = all.entries().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();

        assert_eq!(CheckoutMetadata::read(&sent), Some(all.clone()));
        assert_eq!(CheckoutMetadata::without_own(&sent), metadata(&[]));
        assert!(
            all.entries().iter().all(|(key, _)| CheckoutMetadata::is_reserved(key) && CheckoutMetadata::is_own(key))
        );
        assert!(all.entries().len() <= CheckoutMetadata::MAX_KEYS);
    }
}
