//! Money as people of a place write it.

use std::fmt;

use cart::Money;
use fixed_decimal::Decimal;
use icu_experimental::dimension::currency::CurrencyType;
use icu_experimental::dimension::currency::formatter::CurrencyFormatter;
use icu_experimental::dimension::currency::options::CurrencyFormatterOptions;
use icu_locale_core::Locale;
use writeable::Writeable as _;

/// Formats amounts in the shop's locale, from CLDR's data.
pub struct Formatter {
    locale: Locale,
}

impl Formatter {
    /// A formatter for a locale such as `en-US`; `None` where it is malformed.
    #[must_use]
    pub fn new(locale: &str) -> Option<Self> {
        Some(Self { locale: locale.parse().ok()? })
    }

    /// The amount with its currency: `$1,234.50`, `1.234,50 €`, `¥1,500`.
    ///
    /// An amount that CLDR cannot format comes out plainly, as `1234.5 XYZ`.
    #[must_use]
    pub fn format(&self, money: Money) -> String {
        self.localised(money)
            .unwrap_or_else(|| format!("{} {}", money.major(), money.currency().as_str().to_uppercase()))
    }

    fn localised(&self, money: Money) -> Option<String> {
        let code = money.currency().as_str().to_ascii_uppercase();
        let currency: CurrencyType = code.parse().ok()?;
        let formatter =
            CurrencyFormatter::try_new_symbol((&self.locale).into(), currency, CurrencyFormatterOptions::default())
                .ok()?;
        let amount: Decimal = money.major().parse().ok()?;
        Some(formatter.format_fixed_decimal(&amount).write_to_string().into_owned())
    }
}

impl fmt::Debug for Formatter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Formatter({})", self.locale)
    }
}

#[cfg(test)]
mod tests {
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
}
