//! What currencies differ in: their digits, their signs and the smallest amount that can be charged.

/// The currencies that Stripe knows: those of its page (<https://docs.stripe.com/currencies>), and those that its
/// refusals still name.
const SUPPORTED: [&str; 145] = [
    "usd", "aed", "afn", "all", "amd", "ang", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd", "bdt", "bgn", "bhd",
    "bif", "bmd", "bnd", "bob", "brl", "bsd", "bwp", "byn", "bzd", "cad", "cdf", "chf", "clp", "cny", "cop", "crc",
    "cve", "czk", "djf", "dkk", "dop", "dzd", "egp", "etb", "eur", "fjd", "fkp", "gbp", "gel", "ghs", "gip", "gmd",
    "gnf", "gtq", "gyd", "hkd", "hnl", "hrk", "htg", "huf", "idr", "ils", "inr", "isk", "jmd", "jod", "jpy", "kes",
    "kgs", "khr", "kmf", "krw", "kwd", "kyd", "kzt", "lak", "lbp", "lkr", "lrd", "lsl", "mad", "mdl", "mga", "mkd",
    "mmk", "mnt", "mop", "mro", "mur", "mvr", "mwk", "mxn", "myr", "mzn", "nad", "ngn", "nio", "nok", "npr", "nzd",
    "omr", "pab", "pen", "pgk", "php", "pkr", "pln", "pyg", "qar", "ron", "rsd", "rub", "rwf", "sar", "sbd", "scr",
    "sek", "sgd", "shp", "sle", "sll", "sos", "srd", "std", "svc", "szl", "thb", "tjs", "tnd", "top", "try", "ttd",
    "twd", "tzs", "uah", "ugx", "uyu", "uzs", "vnd", "vuv", "wst", "xaf", "xcd", "xcg", "xof", "xpf", "yer", "zar",
    "zmw",
];
/// Currencies without a minor unit (<https://docs.stripe.com/currencies#zero-decimal>).
const ZERO_DECIMAL: [&str; 15] =
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"];
/// Currencies with a thousandth as minor unit (<https://docs.stripe.com/currencies#three-decimal>).
const THREE_DECIMAL: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];
/// Currencies whose cents have to be zero: they have two decimals at Stripe only so that nothing had to change
/// (<https://docs.stripe.com/currencies#special-cases>).
const WITHOUT_CENTS: [&str; 2] = ["isk", "ugx"];
/// The largest amount of a price, in minor units.
const MOST: i64 = 999_999_999_999;
const SIGNS: [(&str, &str); 12] = [
    ("usd", "$"),
    ("eur", "€"),
    ("gbp", "£"),
    ("jpy", "¥"),
    ("inr", "₹"),
    ("krw", "₩"),
    ("aud", "A$"),
    ("cad", "CA$"),
    ("nzd", "NZ$"),
    ("mxn", "MX$"),
    ("brl", "R$"),
    ("chf", "CHF "),
];
/// The least that can be charged (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>).
const MINIMUMS: [(&str, i64); 24] = [
    ("usd", 50),
    ("aed", 200),
    ("aud", 50),
    ("bgn", 100),
    ("brl", 50),
    ("cad", 50),
    ("chf", 50),
    ("czk", 1500),
    ("dkk", 250),
    ("eur", 50),
    ("gbp", 30),
    ("hkd", 400),
    ("huf", 17500),
    ("inr", 50),
    ("jpy", 50),
    ("mxn", 1000),
    ("myr", 200),
    ("nok", 300),
    ("nzd", 50),
    ("pln", 200),
    ("ron", 200),
    ("sek", 300),
    ("sgd", 50),
    ("thb", 1000),
];

/// Why Stripe refuses a currency; `None` where it knows it.
pub(crate) fn unknown(code: &str) -> Option<String> {
    let is_known = SUPPORTED.iter().any(|known| known.eq_ignore_ascii_case(code));
    let message =
        || format!("Invalid currency: {code}. Stripe currently supports these currencies: {}", SUPPORTED.join(", "));
    (!is_known).then(message)
}

/// The digits of a currency's minor unit, as Stripe counts them.
pub(crate) fn digits(currency: &str) -> usize {
    if ZERO_DECIMAL.contains(&currency) {
        0
    } else if THREE_DECIMAL.contains(&currency) {
        3
    } else {
        2
    }
}

/// What is wrong with an amount of the catalogue; `None` where Stripe takes it.
pub(crate) fn wrong(amount: i64, currency: &str) -> Option<String> {
    if amount > MOST {
        return Some(format!("must be at most {MOST}"));
    }
    let step = if WITHOUT_CENTS.contains(&currency) {
        100
    } else if digits(currency) == 3 {
        10
    } else {
        1
    };
    (amount % step != 0).then(|| format!("must be divisible by {step} in {}", currency.to_uppercase()))
}

/// The least that can be charged in a currency; zero where nothing is known.
pub(crate) fn minimum(currency: &str) -> i64 {
    MINIMUMS.iter().find(|(name, _)| *name == currency).map_or(0, |(_, minimum)| *minimum)
}

/// An amount in another currency, at the sandbox's own rate: one of any currency is five quarters of any other.
pub(crate) fn converted(amount: i64, from: &str, to: &str) -> i64 {
    let scale = |currency: &str| 10_i128.pow(u32::try_from(digits(currency)).unwrap_or_default());
    let (amount, from) = (i128::from(amount) * 5 * scale(to), 4 * scale(from));
    i64::try_from((amount + from / 2) / from).unwrap_or(i64::MAX)
}

/// An amount in major units without a sign: `1234.50`.
pub(crate) fn plain(amount: i64, currency: &str) -> String {
    let digits = digits(currency);
    let text = format!("{:0>width$}", amount.unsigned_abs(), width = digits + 1);
    let (whole, fraction) = text.split_at(text.len() - digits);
    let minus = if amount < 0 { "-" } else { "" };
    if digits == 0 { format!("{minus}{whole}") } else { format!("{minus}{whole}.{fraction}") }
}

/// An amount for people to read: `$1,234.50`, `¥1,500`, `KWD 1.250`.
pub(crate) fn format(amount: i64, currency: &str) -> String {
    let plain = plain(amount.saturating_abs(), currency);
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = SIGNS.iter().find(|(name, _)| *name == currency).map(|(_, sign)| (*sign).to_owned());
    let sign = sign.unwrap_or_else(|| format!("{} ", currency.to_uppercase()));
    let minus = if amount < 0 { "−" } else { "" };
    if fraction.is_empty() { format!("{minus}{sign}{grouped}") } else { format!("{minus}{sign}{grouped}.{fraction}") }
}

/// Reads an amount in major units, as a shopper types it.
pub(crate) fn parse(text: &str, currency: &str) -> Option<i64> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = digits(currency);
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > digits || !plain(whole) || !plain(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<digits$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_converted_between_currencies_of_any_digits() {
        for (amount, from, to, converted_to) in [
            (1000, "usd", "eur", 1250),
            (1000, "usd", "jpy", 13),
            (1000, "jpy", "kwd", 1_250_000),
            (0, "usd", "eur", 0),
        ] {
            assert_eq!(converted(amount, from, to), converted_to, "{from} {to}");
        }
    }

    #[test]
    fn amounts_have_their_currencys_digits() {
        let cases = [
            (123_450, "usd", "$1,234.50"),
            (5, "usd", "$0.05"),
            (1500, "jpy", "¥1,500"),
            (1250, "kwd", "KWD 1.250"),
            (-1000, "eur", "−€10.00"),
            (1_000_000, "ugx", "UGX 10,000.00"),
            (0, "xpf", "XPF 0"),
        ];
        for (amount, currency, text) in cases {
            assert_eq!(format(amount, currency), text);
        }
    }

    /// <https://docs.stripe.com/currencies#special-cases>, <https://docs.stripe.com/currencies#three-decimal>
    #[test]
    fn amounts_end_in_zeros_where_stripe_wants_it() {
        let good = [(5, "usd"), (5, "jpy"), (1250, "kwd"), (500, "isk"), (500, "ugx"), (0, "ugx"), (MOST, "eur")];
        let bad = [(1255, "kwd"), (1, "bhd"), (550, "isk"), (5, "ugx"), (MOST + 1, "usd"), (i64::MAX, "jpy")];

        assert!(good.iter().all(|(amount, currency)| wrong(*amount, currency).is_none()));
        assert!(bad.iter().all(|(amount, currency)| wrong(*amount, currency).is_some()));
    }

    #[test]
    fn typed_amounts_are_read_back() {
        assert_eq!(parse("12.5", "usd"), Some(1250));
        assert_eq!(parse(&plain(1250, "kwd"), "kwd"), Some(1250));
        assert_eq!(parse("500", "jpy"), Some(500));
        for text in ["", "1.555", "-1", "a", ".5"] {
            assert_eq!(parse(text, "usd"), None, "{text}");
        }
    }
}
