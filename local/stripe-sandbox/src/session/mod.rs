//! Checkout Sessions as values: what is bought, how far the purchase is, and what it comes to.

mod totals;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use self::totals::shipping_amount;
use crate::money::pricing::Pricing;
use crate::money::sum;
use crate::money::tax::Taxes;
use crate::protocol::metadata;
use crate::protocol::refusal::Refusal;

/// What a session is for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum Mode {
    Payment,
    Subscription,
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Subscription => "subscription",
        }
    }
}

/// How far a session is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum Status {
    Open,
    Complete,
    Expired,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Expired => "expired",
        }
    }
}

/// Whether the money is there.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum PaymentStatus {
    Unpaid,
    Paid,
    NotRequired,
}

impl PaymentStatus {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unpaid => "unpaid",
            Self::Paid => "paid",
            Self::NotRequired => "no_payment_required",
        }
    }
}

/// When the money comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payment {
    /// At once, as with a card.
    Now,
    /// Days later, as with a bank debit; see <https://docs.stripe.com/payments/payment-methods#payment-notification>.
    Later,
}

/// How a delayed payment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Succeeded,
    Failed,
}

/// The bounds within which a shopper may change a quantity.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Adjustable {
    pub(crate) enabled: bool,
    pub(crate) minimum: u64,
    pub(crate) maximum: u64,
}

/// One line of a session.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) price: String,
    pub(crate) product: String,
    /// The product's name.
    pub(crate) description: String,
    /// `None` for metered prices, whose quantity is counted later.
    pub(crate) quantity: Option<u64>,
    pub(crate) adjustable: Option<Adjustable>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) pricing: Pricing,
    pub(crate) recurring: bool,
    /// What the shopper pays per unit, where the price lets them choose.
    pub(crate) chosen_unit: Option<i64>,
    /// Tax rates of this line.
    pub(crate) rates: Vec<Value>,
    pub(crate) amounts: LineAmounts,
}

/// What a line costs.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct LineAmounts {
    pub(crate) subtotal: i64,
    pub(crate) discount: i64,
    pub(crate) taxes: Taxes,
    /// The tax rates that `taxes` counts, in its order.
    pub(crate) rates: Vec<Value>,
}

impl LineAmounts {
    pub(crate) fn tax(&self) -> i64 {
        sum(self.taxes.amounts.iter().copied())
    }

    pub(crate) fn total(&self) -> i64 {
        (self.subtotal - self.discount).saturating_add(self.taxes.added)
    }
}

/// The discount of a session.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Discount {
    pub(crate) id: String,
    pub(crate) coupon: Value,
    pub(crate) promotion_code: Option<Value>,
}

/// A Checkout Session.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) expires_at: i64,
    pub(crate) mode: Mode,
    pub(crate) status: Status,
    pub(crate) payment_status: PaymentStatus,
    pub(crate) currency: String,
    /// How the shopper can pay.
    pub(crate) payment_methods: Vec<String>,
    /// The parameters it was created with, checked.
    pub(crate) params: Value,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) lines: Vec<Line>,
    /// Lines that the shopper may add; those that they added are among `lines`, too.
    pub(crate) optional: Vec<Line>,
    pub(crate) discount: Option<Discount>,
    /// The shipping rates to choose from, and the one that is chosen.
    pub(crate) shipping: Vec<Value>,
    pub(crate) chosen_shipping: usize,
    /// Tax rates of lines that have none of their own.
    pub(crate) default_rates: Vec<Value>,
    /// Tax rates that stand for Stripe Tax, known once the address is.
    pub(crate) automatic_rates: Vec<Value>,
    pub(crate) customer_details: Value,
    /// The currency in which the shopper sees what they pay, where it is another one.
    pub(crate) presentment_currency: Option<String>,
    /// Whether the shopper agrees to promotions, once they said so.
    pub(crate) agrees_to_promotions: Option<bool>,
    /// The shopper's answers to the shop's own fields, by key.
    pub(crate) custom_answers: Vec<(String, String)>,
    pub(crate) shipping_details: Value,
    pub(crate) customer: Option<String>,
    pub(crate) payment_intent: Option<String>,
    pub(crate) subscription: Option<String>,
    pub(crate) invoice: Option<String>,
    /// The page's address while the session is open.
    pub(crate) url: Option<String>,
    pub(crate) client_secret: Option<String>,
    pub(crate) recovery_url: Option<String>,
    /// The expired session that it is a copy of.
    pub(crate) recovered_from: Option<String>,
}

impl Session {
    /// An open session without lines.
    pub(crate) fn open(id: String, mode: Mode, currency: String, params: Value) -> Self {
        Self {
            id,
            created: 0,
            expires_at: 0,
            mode,
            status: Status::Open,
            payment_status: PaymentStatus::Unpaid,
            currency,
            payment_methods: Vec::new(),
            metadata: metadata::kept(&params["metadata"]),
            lines: Vec::new(),
            optional: Vec::new(),
            discount: None,
            shipping: Vec::new(),
            chosen_shipping: 0,
            default_rates: Vec::new(),
            automatic_rates: Vec::new(),
            customer_details: Value::Null,
            presentment_currency: None,
            agrees_to_promotions: None,
            custom_answers: Vec::new(),
            shipping_details: Value::Null,
            customer: params["customer"].as_str().map(str::to_owned),
            payment_intent: None,
            subscription: None,
            invoice: None,
            url: None,
            client_secret: None,
            recovery_url: None,
            recovered_from: None,
            params,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.status == Status::Open
    }

    pub(crate) fn is_recurring(&self) -> bool {
        self.mode == Mode::Subscription
    }

    /// Whether paying makes a customer where none is given.
    pub(crate) fn makes_customer(&self) -> bool {
        self.is_recurring() || self.wants_invoice() || self.params["customer_creation"] == "always"
    }

    /// Whether the first payment of what recurs comes later.
    pub(crate) fn has_trial(&self) -> bool {
        let data = &self.params["subscription_data"];
        data["trial_period_days"].as_i64().unwrap_or(0) > 0 || data["trial_end"].is_i64()
    }

    /// Whether a payment shall have an invoice.
    pub(crate) fn wants_invoice(&self) -> bool {
        self.params["invoice_creation"]["enabled"] == true
    }

    pub(crate) fn automatic_tax(&self) -> bool {
        self.params["automatic_tax"]["enabled"] == true
    }

    pub(crate) fn asks_for_shipping(&self) -> bool {
        self.params["shipping_address_collection"].is_object()
    }

    pub(crate) fn asks_for_billing(&self) -> bool {
        self.params["billing_address_collection"] == "required" || self.automatic_tax()
    }

    pub(crate) fn asks_for_tax_id(&self) -> bool {
        self.params["tax_id_collection"]["enabled"] == true
    }

    /// Whether shoppers may see prices in their own currency.
    pub(crate) fn adapts_prices(&self) -> bool {
        self.params["adaptive_pricing"]["enabled"] == true
    }

    pub(crate) fn asks_for_phone(&self) -> bool {
        self.params["phone_number_collection"]["enabled"] == true
    }

    /// Adds `quantity` of an optional item, in the place of what was added of it before; zero takes it away.
    pub(crate) fn add_optional(&mut self, id: &str, quantity: u64) -> Result<(), Refusal> {
        let Some(mut line) = self.optional.iter().find(|line| line.id == id).cloned() else { return Ok(()) };
        self.lines.retain(|line| line.id != id);
        if quantity == 0 {
            return Ok(());
        }
        let (least, most) = match line.adjustable.filter(|bounds| bounds.enabled) {
            Some(bounds) => (bounds.minimum.max(1), bounds.maximum),
            None => (line.quantity.unwrap_or(1), line.quantity.unwrap_or(1)),
        };
        if !(least..=most).contains(&quantity) {
            let message = format!("{}: choose none or from {least} to {most}.", line.description);
            return Err(Refusal::invalid("optional", message));
        }
        line.quantity = Some(quantity);
        self.lines.push(line);
        Ok(())
    }

    pub(crate) fn takes_promotion_codes(&self) -> bool {
        self.params["allow_promotion_codes"] == true
    }

    /// What the page's button says (<https://docs.stripe.com/api/checkout/sessions/object#checkout_session_object-submit_type>).
    pub(crate) fn submit_text(&self) -> &'static str {
        match self.params["submit_type"].as_str() {
            Some("book") => "Book",
            Some("donate") => "Donate",
            Some("subscribe") => "Subscribe",
            _ => "Pay",
        }
    }

    /// Where the shopper goes after paying.
    pub(crate) fn success_url(&self) -> Option<String> {
        let url = self.params["success_url"].as_str().or(self.params["return_url"].as_str())?;
        Some(url.replace("{CHECKOUT_SESSION_ID}", &self.id))
    }

    pub(crate) fn cancel_url(&self) -> Option<&str> {
        self.params["cancel_url"].as_str()
    }
}
