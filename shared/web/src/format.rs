//! Money as people of a place write it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use cart::{Currency, Money};
use fixed_decimal::Decimal;
use icu_decimal::DecimalFormatter;
use icu_decimal::options::DecimalFormatterOptions;
use icu_experimental::dimension::currency::CurrencyType;
use icu_experimental::dimension::currency::formatter::CurrencyFormatter;
use icu_experimental::dimension::currency::options::CurrencyFormatterOptions;
use icu_locale_core::Locale;
use writeable::Writeable as _;

/// Formats amounts in the shop's locale, from CLDR's data. Never rounds a digit away.
pub(crate) struct Formatter {
    locale: Locale,
    numbers: DecimalFormatter,
    currencies: Mutex<HashMap<Currency, Arc<CurrencyFormatter<DecimalFormatter>>>>,
}

/// The most decimals that CLDR gives a currency.
///
/// Source: <https://www.unicode.org/reports/tr35/tr35-numbers.html#Supplemental_Currency_Data>
const MOST_DECIMALS: i16 = 4;

impl Formatter {
    /// A formatter for a locale such as `en-US`; `None` where it is malformed.
    #[must_use]
    pub(crate) fn new(locale: &str) -> Option<Self> {
        let locale: Locale = locale.parse().ok()?;
        let numbers = DecimalFormatter::try_new((&locale).into(), DecimalFormatterOptions::default()).ok()?;
        Some(Self { locale, numbers, currencies: Mutex::default() })
    }

    /// The amount with its currency: `$1,234.50`, `1.234,50 €`, `¥1,500`.
    ///
    /// An amount that CLDR cannot format comes out plainly, as `1234.5 XYZ`.
    #[must_use]
    pub(crate) fn format(&self, money: Money) -> String {
        self.exact(&money.major(), money.currency())
    }

    /// What one unit costs, given in minor units, with all its digits: `$12.00`, `$0.0035`.
    #[must_use]
    pub(crate) fn format_unit(&self, unit: cart::Decimal, currency: Currency) -> String {
        self.exact(&unit.major(currency), currency)
    }

    fn exact(&self, major: &str, currency: Currency) -> String {
        self.localised(major, currency).unwrap_or_else(|| format!("{major} {}", currency.as_str().to_uppercase()))
    }

    fn localised(&self, major: &str, currency: Currency) -> Option<String> {
        let formatter = self.in_currency(currency)?;
        let mut amount: Decimal = major.parse().ok()?;
        let text = formatter.format_fixed_decimal(&amount).write_to_string().into_owned();
        if text.contains(&self.number(&amount)) {
            return Some(text);
        }

        // CLDR writes fewer decimals than there are: fractions of a cent, and currencies that have cents at Stripe and
        // none in CLDR. The number is put where CLDR puts a zero.
        let decimals = i16::from(currency.minor_digits());
        amount.pad_end(-decimals);
        let nothing = formatter.format_fixed_decimal(&Decimal::from(0)).write_to_string().into_owned();
        let mut zeros = (0..=MOST_DECIMALS).rev().map(|decimals| {
            let mut zero = Decimal::from(0);
            zero.pad_end(-decimals);
            self.number(&zero)
        });
        let place = zeros.find(|zero| nothing.contains(zero.as_str()))?;
        Some(nothing.replacen(&place, &self.number(&amount), 1))
    }

    fn number(&self, number: &Decimal) -> String {
        self.numbers.format(number).write_to_string().into_owned()
    }

    /// The currency's formatter, made when it is first asked for.
    fn in_currency(&self, currency: Currency) -> Option<Arc<CurrencyFormatter<DecimalFormatter>>> {
        let mut known = self.currencies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(formatter) = known.get(&currency) {
            return Some(Arc::clone(formatter));
        }
        let code: CurrencyType = currency.as_str().to_ascii_uppercase().parse().ok()?;
        let options = CurrencyFormatterOptions::default();
        let formatter = CurrencyFormatter::try_new_symbol((&self.locale).into(), code, options).ok()?;
        Some(Arc::clone(known.entry(currency).or_insert(Arc::new(formatter))))
    }
}

impl fmt::Debug for Formatter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Formatter({})", self.locale)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_written_as_people_of_the_place_write_them() {
        let cases = [
            ("en-US", 123_450, "usd", "$1,234.50"),
            ("de-DE", 123_450, "eur", "1.234,50\u{a0}€"),
            ("en-US", 1500, "jpy", "¥1,500"),
            ("ja-JP", 1500, "jpy", "￥1,500"),
            ("en-US", 1_234_500, "kwd", "KWD\u{a0}1,234.500"),
            ("en-US", 0, "usd", "$0.00"),
            ("en-US", 100_000, "isk", "ISK\u{a0}1,000"),
            ("en-US", 250_000, "ugx", "UGX\u{a0}2,500"),
        ];

        for (locale, minor, currency, expected) in cases {
            let money = Money::new(minor, currency.parse().unwrap());
            assert_eq!(Formatter::new(locale).unwrap().format(money), expected);
        }
    }

    #[test]
    fn no_digit_that_somebody_pays_is_rounded_away() {
        let cases = [
            ("en-US", "0.35", "usd", "$0.0035"),
            ("en-US", "123456.789", "usd", "$1,234.56789"),
            ("en-US", "1200", "usd", "$12.00"),
            ("en-US", "95.5", "usd", "$0.955"),
            ("de-DE", "0.35", "eur", "0,0035\u{a0}€"),
            ("fr-CA", "100000.5", "usd", "1\u{a0}000,005\u{a0}$\u{a0}US"),
            ("en-US", "0.5", "jpy", "¥0.5"),
            ("en-US", "3250.5", "kwd", "KWD\u{a0}3.2505"),
            // Two decimals at Stripe, none in CLDR.
            ("en-US", "150", "all", "ALL\u{a0}1.50"),
            ("en-US", "100", "all", "ALL\u{a0}1"),
        ];

        for (locale, unit, currency, expected) in cases {
            let text = Formatter::new(locale).unwrap().format_unit(unit.parse().unwrap(), currency.parse().unwrap());
            assert_eq!(text, expected, "{unit} {currency} in {locale}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(minor in any::<i64>(), code in "usd|eur|jpy|kwd|isk|huf|lak") {
            let money = Money::new(minor, code.parse().unwrap());

            let text = Formatter::new("en-US").unwrap().format(money);

            let digits: String = text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | '-')).collect();
            let mut read: Decimal = digits.parse().unwrap();
            read.trim_end();
            prop_assert_eq!(read.to_string(), money.major(), "{}", text);
        }
    }
}
