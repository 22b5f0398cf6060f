//! Amounts of money on the wire, written once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cart::{Currency, Decimal, Money};
use foldhash::fast::RandomState;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::format::Formatter;
use crate::json;

/// Remembers how amounts are written.
///
/// To write one as people of a place do costs more than everything else of a cart's line, and the same few amounts come
/// again and again: carts are read more often than they change, and a shop has few prices.
#[derive(Debug, Default)]
pub(crate) struct Amounts(Mutex<HashMap<Key, Amount, RandomState>>);

#[derive(PartialEq, Eq, Hash, Debug)]
enum Key {
    Sum(Money),
    Unit(Decimal, Currency),
}

/// An amount on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Amount(Arc<Written>);

#[derive(Debug)]
struct Written {
    major: Box<RawValue>,
    with_currency: String,
    /// What a line says of the amount, a JSON object.
    members: String,
}

/// What a line says of the sum that it comes to: nothing but `null` while it cannot be bought.
#[derive(Serialize, Default, Debug)]
#[expect(clippy::struct_field_names, reason = "the names are the wire's")]
pub(crate) struct SumMembers<'a> {
    total_price: Option<&'a RawValue>,
    total_price_with_currency: Option<&'a str>,
    total_price_minor: Option<i128>,
}

/// What a line says of the price of each unit: `null` where no single amount says it.
#[derive(Serialize, Default, Debug)]
pub(crate) struct UnitMembers<'a> {
    unit_price_with_currency: Option<&'a str>,
}

/// An amount as a JSON number in major units, printed from integers.
#[derive(Clone, Debug)]
pub(crate) struct Major(Amount);

/// An amount with its currency, as people of the shop's place write it.
#[derive(Clone, Debug)]
pub(crate) struct WithCurrency(Amount);

impl Amounts {
    /// The most amounts that are remembered, about 100 KB. One more, and all are forgotten.
    const MOST: usize = 1000;

    /// What something comes to.
    pub(crate) fn of(&self, sum: Money, formatter: &Formatter) -> Amount {
        self.remembered(Key::Sum(sum), || {
            Amount::new(sum.major(), formatter.format(sum), |major, with_currency| {
                json::text(&SumMembers {
                    total_price: Some(major),
                    total_price_with_currency: Some(with_currency),
                    total_price_minor: Some(sum.minor()),
                })
            })
        })
    }

    /// What one unit costs, in minor units of `currency`, with all its digits.
    pub(crate) fn of_unit(&self, unit: Decimal, currency: Currency, formatter: &Formatter) -> Amount {
        self.remembered(Key::Unit(unit, currency), || {
            Amount::new(unit.major(currency), formatter.format_unit(unit, currency), |_, with_currency| {
                json::text(&UnitMembers { unit_price_with_currency: Some(with_currency) })
            })
        })
    }

    fn remembered(&self, key: Key, written: impl FnOnce() -> Amount) -> Amount {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(amount) = known.get(&key) {
            return amount.clone();
        }
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.entry(key).or_insert_with(written).clone()
    }
}

impl Amount {
    fn new(major: String, with_currency: String, members: impl Fn(&RawValue, &str) -> String) -> Self {
        // The digits of a number are JSON.
        let major = RawValue::from_string(major).unwrap_or_default();
        let members = members(&major, &with_currency);
        Self(Arc::new(Written { major, with_currency, members }))
    }

    /// What a line says of the amount, a JSON object: [`SumMembers`] or [`UnitMembers`].
    pub(crate) fn members(&self) -> &str {
        &self.0.members
    }

    pub(crate) fn major(&self) -> Major {
        Major(self.clone())
    }

    pub(crate) fn with_currency(&self) -> WithCurrency {
        WithCurrency(self.clone())
    }
}

impl Serialize for Major {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.0.major.serialize(serializer)
    }
}

impl Serialize for WithCurrency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.0.with_currency.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(amount: &Amount) -> [String; 2] {
        [json::text(&amount.major()), json::text(&amount.with_currency())]
    }

    #[test]
    fn a_sum_and_a_unit_are_told_apart_and_written_once() {
        let (amounts, formatter) = (Amounts::default(), Formatter::new("en-US").unwrap());
        let half: Decimal = "12.5".parse().unwrap();
        let sum = |minor: i128| amounts.of(Money::new(minor, Currency::USD), &formatter);

        assert_eq!(written(&sum(1250)), ["12.5", "\"$12.50\""]);
        assert_eq!(
            written(&sum(i128::from(i64::MAX) * 100)),
            ["9223372036854775807", "\"$9,223,372,036,854,775,807.00\""]
        );
        assert_eq!(written(&amounts.of_unit(half, Currency::USD, &formatter)), ["0.125", "\"$0.125\""]);
        assert!(Arc::ptr_eq(&sum(1250).0, &sum(1250).0));
        assert_eq!(
            sum(1250).members(),
            r#"{"total_price":12.5,"total_price_with_currency":"$12.50","total_price_minor":1250}"#
        );
        assert_eq!(
            amounts.of_unit(half, Currency::USD, &formatter).members(),
            r#"{"unit_price_with_currency":"$0.125"}"#
        );
    }

    #[test]
    fn few_are_remembered() {
        let (amounts, formatter) = (Amounts::default(), Formatter::new("en-US").unwrap());

        for minor in 0..3000 {
            amounts.of(Money::new(minor, Currency::USD), &formatter);
        }

        assert!(amounts.0.lock().unwrap().len() <= Amounts::MOST);
    }
}
