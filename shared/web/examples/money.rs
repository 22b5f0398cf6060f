//! Writes amounts as carts do, for `tests/money`: a line of locale, currency and minor units in, a line of text out.

use std::io::{self, BufRead as _, Write as _};

use cart::Money;
use settings::Environment;
use web::Shop;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut shop: Option<(String, Shop)> = None;
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line?;
        let mut words = line.split(' ');
        let mut word = || words.next().ok_or("a line has locale, currency and minor units");
        let (locale, currency, minor) = (word()?, word()?, word()?.parse::<i64>()?);
        let shop = match shop.take() {
            Some((known, same)) if known == locale => shop.insert((known, same)),
            _ => shop.insert((locale.to_owned(), Shop::new(&Environment::from_iter([("SHOP_LOCALE", locale)]))?)),
        };
        writeln!(out, "{}", shop.1.written(Money::new(minor, currency.parse()?)))?;
    }
    Ok(())
}
