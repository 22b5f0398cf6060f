//! An order that does not fit where it has to go.

use super::{Discount, Order, OrderLine, Tax};

/// How much is taken away at a time, from what is missed least.
const STEPS: [Step; 11] = [
    Step::PriceMetadata,
    Step::ShopTexts(250),
    Step::ShopTexts(100),
    Step::ShopTexts(40),
    Step::ShopTexts(0),
    Step::DetailsOfLines,
    Step::CartTexts(200),
    Step::CartTexts(50),
    Step::CartTexts(10),
    Step::CartTexts(0),
    Step::Codes,
];

/// What is taken away.
#[derive(Clone, Copy)]
enum Step {
    /// The prices' own keys and values.
    PriceMetadata,
    /// What the shop's own objects say beyond so many characters: names of products, prices, taxes and rates, questions.
    ShopTexts(usize),
    /// Which coupon, code and tax rate changed a line: the order has them too.
    DetailsOfLines,
    /// What the cart and the answers say beyond so many characters; with none, the entries too.
    CartTexts(usize),
    /// The texts of codes.
    Codes,
}

impl Order {
    /// Returns the order as it fits `bytes`, where `size` says how many it takes.
    ///
    /// What the shop's own objects say at length goes first, then what cart and answers say. Lines, amounts, buyer and addresses
    /// stay, whatever they take: Stripe's bounds on them leave room in 200 KB.
    #[must_use]
    pub fn within(mut self, bytes: usize, size: impl Fn(&Self) -> usize) -> Self {
        for step in STEPS {
            if size(&self) <= bytes {
                break;
            }
            self.take_away(step);
        }
        self
    }

    fn take_away(&mut self, step: Step) {
        match step {
            Step::PriceMetadata => self.lines.iter_mut().for_each(|line| line.price_metadata.clear()),
            Step::ShopTexts(longest) => self.shorten_shop_texts(longest),
            Step::DetailsOfLines => self.lines.iter_mut().for_each(OrderLine::take_details),
            Step::CartTexts(longest) => self.shorten_cart_texts(longest),
            Step::Codes => self.discounts.iter_mut().for_each(|discount| discount.code = None),
        }
    }

    fn shorten_shop_texts(&mut self, longest: usize) {
        for line in &mut self.lines {
            shorten(&mut line.name, longest);
            shorten_if_there(&mut line.nickname, longest);
            line.taxes.iter_mut().for_each(|tax| tax.shorten(longest));
        }
        self.taxes.iter_mut().for_each(|tax| tax.shorten(longest));
        if let Some(option) = &mut self.shipping_option {
            shorten_if_there(&mut option.name, longest);
        }
        for field in &mut self.custom_fields {
            shorten_if_there(&mut field.label, longest);
        }
    }

    fn shorten_cart_texts(&mut self, longest: usize) {
        for line in &mut self.lines {
            shorten_if_there(&mut line.description, longest);
            line.attributes.values_mut().for_each(|value| shorten(value, longest));
            line.attributes.retain(|_, _| longest > 0);
        }
        self.metadata.values_mut().for_each(|value| shorten(value, longest));
        self.metadata.retain(|_, _| longest > 0);
        for field in &mut self.custom_fields {
            shorten_if_there(&mut field.value, longest);
        }
    }
}

impl OrderLine {
    fn take_details(&mut self) {
        for discount in &mut self.discounts {
            *discount = Discount { amount: discount.amount, coupon: None, promotion_code: None, code: None };
        }
        for Tax { rate, name, jurisdiction, .. } in &mut self.taxes {
            *rate = None;
            *name = None;
            *jurisdiction = None;
        }
    }
}

impl Tax {
    fn shorten(&mut self, longest: usize) {
        shorten_if_there(&mut self.name, longest);
        shorten_if_there(&mut self.jurisdiction, longest);
    }
}

fn shorten_if_there(text: &mut Option<String>, longest: usize) {
    if longest == 0 {
        *text = None;
    }
    if let Some(text) = text {
        shorten(text, longest);
    }
}

fn shorten(text: &mut String, longest: usize) {
    if let Some((end, _)) = text.char_indices().nth(longest) {
        text.truncate(end);
    }
}
