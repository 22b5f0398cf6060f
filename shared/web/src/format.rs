//! Money as people of a place write it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use cart::{Currency, Money};
use fixed_decimal::Decimal;
use icu_decimal::DecimalFormatter;
use icu_decimal::options::{DecimalFormatterOptions, GroupingStrategy};
use icu_experimental::dimension::currency::CurrencyType;
use icu_experimental::dimension::currency::formatter::CurrencyFormatter;
use icu_experimental::dimension::currency::options::CurrencyFormatterOptions;
use icu_locale_core::Locale;
use writeable::Writeable as _;

/// Formats amounts in the shop's locale, from CLDR's data. Never rounds a digit away.
pub(crate) struct Formatter {
    locale: Locale,
    numbers: DecimalFormatter,
    /// How numbers are written where they are money, if that is another way.
    money: Option<MoneyNumbers>,
    currencies: Mutex<HashMap<Currency, Arc<Frame>>>,
}

/// What stands around a number of a currency, and how many decimals it has at least.
struct Frame {
    before: String,
    behind: String,
    decimals: usize,
}

/// Numbers that are money, where a locale writes them otherwise than others. ICU4X does not.
struct MoneyNumbers {
    /// Writes digits, and no groups.
    digits: DecimalFormatter,
    separators: Separators,
}

/// What stands before the decimals, and between groups of three digits.
#[derive(Clone, Copy)]
struct Separators {
    decimal: &'static str,
    group: &'static str,
}

/// The locales with a `currencyDecimal` or a `currencyGroup` in CLDR, or with a pattern for money that groups otherwise than the one
/// for numbers: languages with a region, or with any.
///
/// Source: <https://www.unicode.org/reports/tr35/tr35-numbers.html#Number_Symbols>. The list is what differs in Node's Intl (CLDR 48)
/// among all of its 834 locales, but for Cape Verde's, where a dollar sign takes the point's place, and English in countries of
/// the continent, for which CLDR 49 has other patterns.
const OF_MONEY: [(&str, &[&str], Separators); 5] = [
    ("de", &["AT"], Separators { decimal: ",", group: "." }),
    ("fr", &["CH"], Separators { decimal: ".", group: "\u{202f}" }),
    ("ml", &[], Separators { decimal: ".", group: "," }),
    ("mr", &[], Separators { decimal: ".", group: "," }),
    ("or", &[], Separators { decimal: ".", group: "," }),
];

impl MoneyNumbers {
    fn of(locale: &Locale) -> Option<Self> {
        let (language, region) = (locale.id.language, locale.id.region);
        let (.., separators) = OF_MONEY.iter().find(|(known, regions, _)| {
            *known == language.as_str()
                && (regions.is_empty() || region.is_some_and(|region| regions.contains(&region.as_str())))
        })?;
        let options = DecimalFormatterOptions::from(GroupingStrategy::Never);
        Some(Self { digits: DecimalFormatter::try_new(locale.into(), options).ok()?, separators: *separators })
    }

    fn write(&self, number: &Decimal) -> String {
        let digits = self.digits.format(number).write_to_string().into_owned();
        let is_digit = |letter: char| letter.is_numeric();
        let (whole, decimals) = match digits.rsplit_once(|letter| !is_digit(letter)) {
            Some((whole, decimals)) if whole.contains(is_digit) => (whole, Some(decimals)),
            _ => (&*digits, None),
        };
        let count = whole.chars().filter(|letter| is_digit(*letter)).count();
        let mut text = String::with_capacity(digits.len() + 8);
        let mut left = count;
        for letter in whole.chars() {
            if is_digit(letter) {
                if left < count && left.is_multiple_of(3) {
                    text.push_str(self.separators.group);
                }
                left -= 1;
            }
            text.push(letter);
        }
        if let Some(decimals) = decimals {
            text.extend([self.separators.decimal, decimals]);
        }
        text
    }
}

impl Formatter {
    /// A formatter for a locale such as `en-US`; `None` where it is malformed.
    #[must_use]
    pub(crate) fn new(locale: &str) -> Option<Self> {
        let locale: Locale = locale.parse().ok()?;
        let numbers = DecimalFormatter::try_new((&locale).into(), DecimalFormatterOptions::default()).ok()?;
        let money = MoneyNumbers::of(&locale);
        Some(Self { locale, numbers, money, currencies: Mutex::default() })
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

    /// CLDR may write fewer decimals than there are: of fractions of a cent, and of currencies that have cents at Stripe and none
    /// in CLDR. All are written then.
    fn localised(&self, major: &str, currency: Currency) -> Option<String> {
        let frame = self.frame(currency)?;
        let given = major.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let all = given.max(currency.minor_digits().into());
        let decimals = if given > frame.decimals { all } else { frame.decimals };
        let mut amount: Decimal = major.parse().ok()?;
        amount.pad_end(-i16::try_from(decimals).ok()?);
        let number = self.money.as_ref().map_or_else(|| self.number(&amount), |money| money.write(&amount));
        Some([&*frame.before, &number, &frame.behind].concat())
    }

    fn number(&self, number: &Decimal) -> String {
        self.numbers.format(number).write_to_string().into_owned()
    }

    /// What stands around numbers of the currency, found out when it is first asked for.
    fn frame(&self, currency: Currency) -> Option<Arc<Frame>> {
        let mut known = self.currencies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(frame) = known.get(&currency) {
            return Some(Arc::clone(frame));
        }
        let frame = Frame::new(&self.locale, currency)?;
        Some(Arc::clone(known.entry(currency).or_insert(Arc::new(frame))))
    }
}

impl Frame {
    /// What CLDR writes around a zero.
    fn new(locale: &Locale, currency: Currency) -> Option<Self> {
        let code: CurrencyType = currency.as_str().to_ascii_uppercase().parse().ok()?;
        let formatter =
            CurrencyFormatter::try_new_symbol(locale.into(), code, CurrencyFormatterOptions::default()).ok()?;
        let zero = formatter.format_fixed_decimal(&Decimal::from(0)).write_to_string().into_owned();
        let (before, rest) = zero.split_at(zero.find(char::is_numeric)?);
        let behind = rest.trim_start_matches(|letter: char| letter.is_numeric());
        let behind = behind.rsplit_once(char::is_numeric).map_or(behind, |(_, behind)| behind);
        let number = &rest[..rest.len() - behind.len()];
        // Between a digit and what is no symbol, such as the letters of a code, stands a space. CLDR has patterns for that, and
        // not for every locale and abbreviation.
        // Source: https://www.unicode.org/reports/tr35/tr35-numbers.html#Currencies
        let is_word = |letter: char| letter.is_alphabetic() || letter == '.';
        let space = |is_close| if is_close { "\u{a0}" } else { "" };
        Some(Self {
            before: format!("{before}{}", space(before.ends_with(is_word))),
            behind: format!("{}{behind}", space(behind.starts_with(is_word))),
            decimals: number.chars().filter(|letter| letter.is_numeric()).count() - 1,
        })
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
            ("fr-CH", 1_234_550, "chf", "12\u{202f}345.50\u{a0}CHF"),
            ("de-AT", 123_456_750, "eur", "€\u{a0}1.234.567,50"),
            ("mr-IN", 123_456_789, "inr", "₹१,२३४,५६७.८९"),
            ("en-ZA", 129_950, "zar", "R\u{a0}1\u{a0}299,50"),
            ("en-US", 129_950, "xcg", "Cg.\u{a0}1,299.50"),
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
            ("fr-CH", "123456.75", "chf", "1\u{202f}234.5675\u{a0}CHF"),
            ("de-AT", "0.5", "eur", "€\u{a0}0,005"),
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
